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
        list[str] | None,
        typer.Argument(metavar="[MATERIAL]...", help="Names of materials or of layers of the library."),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", help="Draw n and k into FILE.png or FILE.svg."),
    ] = None,
    json: options.Json = False,
) -> None:
    """List the materials and layers of the library, or show some: optics, electronic numbers, every source."""
    with command(json) as out:
        from perotwin import materials as library
        from perotwin.errors import InputError
        from perotwin.report import library_layers
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
        if not names:
            known = library.descriptions()
            for material in known:
                out.result(shown.entry(material, used.get(material.name, ())))
            out.table(shown.library(known, used))
            out.say(
                "* has a caveat: perotwin materials NAME tells it, with the coefficients and the source in full."
            )
            out.table(library_layers.library())
            return
        found = [shown.find(name) for name in names]
        for one, layers in found:
            made_of = () if one is None else used.get(one.name, ())
            entry = {} if one is None else shown.entry(one, made_of)
            out.result({**entry, "layers": [library_layers.entry(layer) for layer in layers]})
            if one is not None:
                out.say("\n".join(shown.words(one, made_of)))
                out.table(shown.constants_at(one))
            for layer in layers:
                out.table(library_layers.numbers(layer))
        drawn = [one for one, _ in found if one is not None]
        if plot is not None:
            if not drawn:
                raise InputError(
                    f'"{names[0]}" has no optics to draw.', "Name a material, such as c60.", key="--plot"
                )
            out.say(f"drawn into {shown.save(shown.figure(drawn), plot)}")


COMMANDS = (Entry(175, materials),)
