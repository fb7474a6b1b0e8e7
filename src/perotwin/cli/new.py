"""perotwin new: a stack file of one's own, from a few names."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from perotwin.cli import options
from perotwin.cli.entry import Entry
from perotwin.cli.output import command


def new(
    file: Annotated[str, typer.Argument(metavar="FILE", help="What to write, such as my-cell.toml.")],
    structure: Annotated[
        str, typer.Option("--structure", metavar="p-i-n|n-i-p|tandem", help="Which side light enters.")
    ] = "p-i-n",
    absorber: Annotated[
        str | None,
        typer.Option("--absorber", metavar="GAP|NAME", help='"1.63 eV", mapbi3, fapbi3, ...'),
    ] = None,
    htl: Annotated[
        str | None, typer.Option("--htl", metavar="NAMES", help="Hole transport layers: ptaa.")
    ] = None,
    etl: Annotated[
        str | None,
        typer.Option(
            "--etl", metavar="NAMES", help="Electron transport layers, in the order of light: c60,bcp."
        ),
    ] = None,
    electrodes: Annotated[
        str | None, typer.Option("--electrodes", metavar="NAMES", help="Front and back: ito,cu.")
    ] = None,
    substrate: Annotated[
        str | None, typer.Option("--substrate", metavar="NAMES", help="Before the front electrode: glass.")
    ] = None,
    sam: Annotated[
        str | None,
        typer.Option("--sam", metavar="NAME", help="A monolayer on the electrode or the oxide: me-4pacz."),
    ] = None,
    top: Annotated[
        str | None, typer.Option("--top", metavar="GAP|NAME", help="Of a tandem: the absorber in front.")
    ] = None,
    bottom: Annotated[
        str | None, typer.Option("--bottom", metavar="GAP|NAME", help="Of a tandem: the absorber behind.")
    ] = None,
    junction: Annotated[
        str | None, typer.Option("--junction", metavar="NAME", help="Of a tandem: sno2-au-pedot, ideal.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Write a short, commented file of your own cell that runs as it stands; overwrites nothing."""
    with command(json) as out:
        from perotwin import workflows
        from perotwin.report import machine, tables

        kind: Any = structure
        made = workflows.new(
            file, structure=kind, absorber=absorber, htl=htl, etl=etl, electrodes=electrodes, substrate=substrate,
            sam=sam, top=top, bottom=bottom, junction=junction,
        )  # fmt: skip
        for part in tables.parts(made):
            out.table(tables.layers(made, part))
        out.say(f"written: {file}")
        out.say(f"next: perotwin jv {file} ; perotwin show {file} ; perotwin run {file} -o results")
        out.result({**machine.stack_result(made), "file": file})


COMMANDS = (Entry(15, new),)
