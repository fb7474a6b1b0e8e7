"""perotwin materials: what layers can be made of and what `use` takes of them, with the source of every number."""

from __future__ import annotations

import textwrap
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
    """List the materials of the library, or show some: optics with range and source, electronic numbers with theirs."""
    with command(json) as out:
        from perotwin import materials as library
        from perotwin.errors import InputError
        from perotwin.report import library_layers as layers
        from perotwin.report import materials as shown
        from perotwin.stack import library_layer, library_layers

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
        # a monolayer, say, is a library layer without optics of its own
        alone = [library_layer(name).name for name in names or () if _is_layer_only(name)]
        asked = [name for name in names or library.names() if not _is_layer_only(name)]
        known = [library.describe(name) for name in asked]
        for one in known:
            made = [layers.entry(name) for name in layers.made_of(one.name)]
            out.result({**shown.entry(one, used.get(one.name, ())), "layers": made})
        for name in alone:
            out.result(layers.entry(name))
        if not names:
            out.table(shown.library(known, used))
            out.say(
                "* has a caveat: perotwin materials NAME tells it, with the coefficients and the source in full."
            )
            words = (
                f"layers with electronic numbers, for use = and perotwin new: {', '.join(library_layers())}"
            )
            out.say("\n".join(textwrap.wrap(words, 110)))
            return
        for one in known:
            out.say("\n".join(shown.words(one, used.get(one.name, ()))))
            out.table(shown.constants_at(one))
            for name in layers.made_of(one.name):
                out.table(layers.numbers(name))
        for name in alone:
            out.table(layers.numbers(name))
        if plot is not None:
            out.say(f"drawn into {shown.save(shown.figure(known), plot)}")


def _is_layer_only(name: str) -> bool:
    """Whether a name is that of a library layer and not of a material."""
    from perotwin import materials as library
    from perotwin.errors import UnknownNameError
    from perotwin.stack import library_layer

    if name in library.names():
        return False
    try:
        return library_layer(name).name not in library.names()
    except UnknownNameError:
        return False


COMMANDS = (Entry(175, materials),)
