"""The application: the commands, in the order in which a newcomer meets them."""

from __future__ import annotations

from typing import Annotated

import typer

from perotwin.cli import (
    bands,
    check,
    cite,
    coverage,
    design,
    el,
    eqe,
    jv,
    make,
    molecule,
    mppt,
    pulses,
    run,
    show,
    signals,
    stacks,
    tandem,
)

__all__ = ["app"]

app = typer.Typer(
    name="perotwin",
    help="A digital twin of perovskite solar cells: from the stack to light, carriers and a report.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _program(
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    if version:
        from perotwin import __version__

        print(f"perotwin {__version__}")
        raise typer.Exit()


for _command in (
    run.run,
    jv.jv,
    mppt.mppt,
    pulses.tpv,
    pulses.tpc,
    signals.impedance,
    signals.cv,
    eqe.eqe,
    el.el,
    bands.bands,
    design.optimise,
    design.map,
    design.sensitivity,
    coverage.coverage,
    make.make,
    tandem.tandem,
    stacks.stacks,
    show.show,
    check.check,
    molecule.molecule,
    cite.cite,
):
    app.command()(_command)
