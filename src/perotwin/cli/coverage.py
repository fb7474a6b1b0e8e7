"""perotwin coverage: what a recipe leaves on the oxide and in the film."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perotwin.cli import files, options
from perotwin.cli.entry import Entry
from perotwin.cli.output import Output, command

if TYPE_CHECKING:
    from perotwin.measurement import Metrics
    from perotwin.recipe import Recipe
    from perotwin.stack import Stack
    from perotwin.study import Point
    from perotwin.workflows.recipes import Prepared

Recipes = Annotated[list[str], typer.Argument(metavar="RECIPE...", help="Library names or TOML files.")]
Base = Annotated[
    str | None,
    typer.Option("--base", metavar="CELL", help="Also the J-V of the cell made on this base: wbg-base."),
]


def coverage(
    recipes: Recipes,
    base: Base = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help='Change a number: additive.dose="0.5 mol%".'),
    ] = None,
    vary: Annotated[
        str | None, typer.Option(metavar="PATH", help="Sweep this number: additive.dose.")
    ] = None,
    from_: Annotated[str | None, typer.Option("--from", help="First value of the sweep.")] = None,
    to: Annotated[str | None, typer.Option(help="Last value of the sweep.")] = None,
    steps: Annotated[int, typer.Option(help="Number of values.")] = 5,
    log: Annotated[bool, typer.Option("--log", help="Space the values evenly in the logarithm.")] = False,
    output: options.Folder = None,
    csv: options.Csv = False,
    json: options.Json = False,
) -> None:
    """Follow recipes: the monolayer and its holes, the additive, the film; with --vary, against one number."""
    place = files.Place(output, csv)
    with command(json) as out:
        files.prepare(place)
        loaded = options.load_recipes(recipes, changes)
        cell = None if base is None else options.load_base(base)
        if vary is not None or from_ is not None or to is not None:
            for recipe in loaded:
                swept = options.swept(vary, from_, to, 'additive.dose --from "0 mol%" --to "3 mol%"')
                _series(out, recipe, cell, swept, steps, log, place)
        else:
            _samples(out, loaded, cell, place)


def _samples(out: Output, recipes: Sequence[Recipe], base: Stack | None, place: files.Place) -> None:
    from perotwin import workflows
    from perotwin.report import samples, tables

    done = []
    try:
        for one in workflows.coverage(recipes, place.folder, base, csv=place.csv):
            done.append(one)
            out.result(
                samples.result(
                    one.name, one.sample, one.readings, one.data, one.curve, one.metrics, one.checks
                )
            )
            out.look_at(one.name, one.checks, one.curve)
    finally:
        # Also after an interruption: what was done is shown.
        if done:
            out.table(tables.readings({one.name: one.readings for one in done}))
            curves = [(one.name, one.metrics) for one in done if one.metrics]
            if curves:
                out.table(tables.metrics_table(curves))
            for one in done:
                if one.made is not None:
                    out.say(f"{one.name}: {one.made.why}")
            if place.folder is not None:
                out.say(f"written: {place.folder}")


def _all(one: Prepared) -> Metrics:
    """Readings of the sample and metrics of its cell."""
    from perotwin.measurement import Metrics

    return Metrics({**one.readings, **one.metrics})


def _series(
    out: Output,
    recipe: Recipe,
    base: Stack | None,
    swept: tuple[str, str, str],
    steps: int,
    log: bool,
    place: files.Place,
) -> None:
    from perotwin import study, workflows
    from perotwin.report import samples

    path, first, last = swept
    points: list[tuple[Point[Prepared], Prepared]] = []
    try:
        for point in workflows.series(
            recipe, path, study.values(recipe, path, first, last, steps, log=log), base
        ):
            varied = {"path": path, "value": point.number, "unit": point.unit}
            if point.error is not None or point.result is None:
                assert point.error is not None
                out.failed(f"{recipe.name} at {point.written}", point.error, vary=varied)
                continue
            one = point.result
            points.append((point, one))
            made = samples.result(
                one.name, one.sample, one.readings, None, one.curve, one.metrics, one.checks
            )
            out.result({**made, "vary": varied})
            out.look_at(f"{recipe.name} at {point.written}", one.checks, one.curve)
    finally:
        if points:
            out.say(f"{recipe.name}, {path}")
            out.table(samples.series_table(path, [(point.written, _all(one)) for point, one in points]))
            if place.folder is not None:
                rows = [(point.number, _all(one)) for point, one in points]
                written = samples.write_series(
                    Path(place.folder) / f"{files.unique(recipe.name, ())}-{path}",
                    path,
                    points[0][0].unit,
                    rows,
                )
                out.say(f"written: {', '.join(str(file) for file in written)}")


COMMANDS = (Entry(140, coverage),)
