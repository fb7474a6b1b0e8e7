"""perotwin materials: what layers can be made of, with the source of every number."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perotwin.cli import options
from perotwin.cli.entry import Entry
from perotwin.cli.output import command


def materials(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[MATERIAL]...", help="Names of the library.")
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", help="Draw n and k into FILE.png or FILE.svg."),
    ] = None,
    json: options.Json = False,
) -> None:
    """List the materials of the library, or show some: optical model, range, residual, source, n and k."""
    with command(json) as out:
        from perotwin import materials as library
        from perotwin.errors import InputError
        from perotwin.report import materials as shown

        if plot is not None and not names:
            raise InputError(
                "--plot needs a material to draw.", "Name one: perotwin materials c60 --plot nk.png"
            )
        if plot is not None and plot.suffix.lower() not in (".png", ".svg"):
            raise InputError(
                f'"{plot}" is neither a PNG nor an SVG file.',
                "Let its name end in .png or .svg.",
                key="--plot",
            )
        used = shown.used_by()
        known = [library.describe(name) for name in names or library.names()]
        for one in known:
            out.result(shown.entry(one, used.get(one.name, ())))
        if not names:
            out.table(shown.library(known, used))
            out.say(
                "* has a caveat: perotwin materials NAME tells it, with the coefficients and the source in full."
            )
            return
        for one in known:
            out.say("\n".join(shown.words(one, used.get(one.name, ()))))
            out.table(shown.constants_at(one))
        if plot is not None:
            out.say(f"drawn into {shown.save(shown.figure(known), plot)}")


COMMANDS = (Entry(175, materials),)
