"""perotwin molecule: what a molecule of a recipe is, or what can be computed of one."""

from __future__ import annotations

from typing import Annotated

import typer

from perotwin.cli import options
from perotwin.cli.entry import Entry
from perotwin.cli.output import Output, command


def molecule(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[MOLECULE]...", help="Library names or TOML files; a SMILES with --compute."),
    ] = None,
    compute: Annotated[
        bool,
        typer.Option(
            "--compute", help="Compute size and GFN2-xTB dipoles (needs perotwin[mol]); kept on disk."
        ),
    ] = False,
    dft: Annotated[
        bool,
        typer.Option(
            "--dft", help="With --compute: B3LYP dipoles of two conformers too (needs perotwin[dft])."
        ),
    ] = False,
    toml: Annotated[
        bool, typer.Option("--toml", help="Print a molecule file, for a recipe of your own.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Show molecules and where each number comes from, or compute one from its SMILES; without a name, list them."""
    with command(json) as out:
        from perotwin.errors import InputError, PerotwinError
        from perotwin.recipe import molecules
        from perotwin.report import molecules as shown

        if dft and not compute:
            raise InputError("--dft refines what --compute finds.", "Give both: --compute --dft.")
        if not names:
            known = [molecules.load(name) for name in molecules.names()]
            for one in known:
                out.result(shown.molecule_entry(one))
            out.table(shown.library(known))
            return
        for name in names:
            try:
                (_compute if compute else _show)(out, name, toml, *([dft] if compute else []))
            except PerotwinError as error:
                if len(names) == 1:
                    raise
                out.failed(name, error)


def _show(out: Output, name: str, toml: bool) -> None:
    from perotwin.recipe import molecules
    from perotwin.report import molecules as shown

    one = molecules.load(name)
    out.result(shown.molecule_entry(one))
    if toml:
        out.say(one.to_toml().rstrip())
        return
    for line in shown.heading(one):
        out.say(line)
    out.table(shown.numbers(one))
    out.table(shown.dipoles(one))


def _compute(out: Output, name: str, toml: bool, dft: bool) -> None:
    from perotwin.errors import UnknownNameError
    from perotwin.recipe import chemistry, molecules
    from perotwin.report import molecules as shown

    known = None
    try:
        known = molecules.load(name)
    except UnknownNameError:
        smiles = name
    else:
        smiles = known.neutral
    computed = chemistry.compute(smiles)
    refined = chemistry.refine(computed) if dft else ()
    out.result(shown.computed_entry(computed, refined, known.name if known else ""))
    if toml:
        from perotwin.recipe.from_smiles import as_molecule

        out.say(as_molecule(computed, refined=refined).to_toml().rstrip())
        return
    if known is not None and known.neutral != known.smiles:
        out.say(f"{known.name} is {known.smiles}; computed is its neutral molecule.")
    for line in shown.computed_heading(computed):
        out.say(line)
    for table in shown.computed_tables(computed, refined):
        out.table(table)
    for line in shown.computed_words(computed, refined):
        out.say(line)


COMMANDS = (Entry(200, molecule),)
