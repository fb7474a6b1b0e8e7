"""From recipes to samples and cells: what `perotwin coverage` and `perotwin make` do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from perotwin import lab, measurement, progress
from perotwin.measurement import Checks, Metrics, checks_of
from perotwin.recipe import make, prepare, readings, record
from perotwin.study import Point, sweep
from perotwin.workflows.cells_from_recipes import made_text
from perotwin.workflows.run import unique_names

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.recipe import Made, Recipe, Sample
    from perotwin.stack import Stack

__all__ = ["Prepared", "coverage", "prepared", "series"]

#: what stands in a sample's folder
_OURS = {"recipe.toml", "sample.nc", "stack.toml", "jv.nc", "sample.csv", "jv.csv", "figures"}


@dataclass
class Prepared:
    """A sample with what is read from it and, where a base stack was given, its cell and that cell's J-V curve.

    Attributes:
        name: of the sample, or of the value in a series.
        sample: what the recipe left. readings: its numbers.
        data: its maps, profiles and curves; None where nobody asked for them.
        made: the cell that it makes of the base stack. curve, metrics: of that cell.
    """

    name: str
    sample: Sample
    readings: Metrics
    data: xr.Dataset | None = None
    made: Made | None = None
    curve: xr.Dataset | None = None
    metrics: Metrics = field(default_factory=Metrics)

    @property
    def checks(self) -> Checks:
        """Of the sample's data and of the curve."""
        return {
            name: one
            for known in (self.data, self.curve)
            if known is not None
            for name, one in checks_of(known).items()
        }


def prepared(recipe: Recipe, base: Stack | None = None, *, data: bool = True) -> Prepared:
    """One sample and, on a base stack, its cell's curve.

    Raises:
        InputError: a recipe that cannot be followed, or that leaves no film for a cell.
        ConvergenceError: the cell could not be solved.
    """
    sample = prepare(recipe)
    found = Prepared(recipe.name, sample, readings(sample), record(sample) if data else None)
    if base is not None:
        found.made = make(sample, base)
        found.curve = lab.jv.measure(found.made.cell)
        found.metrics = lab.jv.analyse(found.curve)
    return found


def coverage(
    recipes: Sequence[Recipe], out: str | Path | None = None, base: Stack | None = None, *, csv: bool = False
) -> Iterator[Prepared]:
    """Follow each recipe and give its sample when it is complete.

    With `out` every sample gets a folder there with its recipe, data (NetCDF, with `csv` CSV too) and figures (SVG
    and PNG), and the folder itself the figures that show all samples at once.
    """
    names = unique_names(recipes)
    folder = None if out is None else measurement.result_folder(out, names, _OURS)
    done: list[Prepared] = []
    for recipe, name in zip(recipes, names, strict=True):
        one = prepared(recipe, base)
        one.name = name
        done.append(one)
        if folder is not None:
            progress.note(f"{name}: drawing and writing")
            _write(one, folder, csv)
            _write_all(done, folder)
        yield one


def series(
    recipe: Recipe, path: str, written: Sequence[str], base: Stack | None = None
) -> Iterator[Point[Prepared]]:
    """A recipe with one number set to each value in turn; a value that fails is given with its error."""
    return sweep(recipe, path, written, lambda one: prepared(one, base, data=False))


def _write(one: Prepared, folder: Path, csv: bool) -> None:
    """Everything of one sample, built beside its place and moved there in one step."""
    from perotwin.plotting import style
    from perotwin.report import samples

    with measurement.whole_folder(folder / one.name) as building:
        measurement.write_text(building / "recipe.toml", one.sample.recipe.to_toml())
        if one.data is not None:
            measurement.save(one.data, building / "sample.nc")
            if csv:
                measurement.write_measurements_csv(building / "sample.csv", {one.name: one.data})
        if one.made is not None:
            measurement.write_text(building / "stack.toml", made_text(one.made))
        if one.curve is not None:
            measurement.save(one.curve, building / "jv.nc")
            if csv:
                measurement.write_measurements_csv(building / "jv.csv", {one.name: one.curve})
        for name, figure in samples.figures_of(one.sample).items():
            style.save(figure, building / "figures" / name)


def _write_all(done: Sequence[Prepared], folder: Path) -> None:
    """The comparison of what is done so far."""
    from perotwin.plotting import style
    from perotwin.report import samples

    for name, figure in samples.comparison_figures([one.sample for one in done]).items():
        style.save(figure, folder / "figures" / name)
