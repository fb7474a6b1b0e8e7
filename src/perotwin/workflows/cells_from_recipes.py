"""Cells that recipes make: which way their buried face was seen, what the other way would give, and their file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perotwin import lab
from perotwin.recipe import make, prepare

if TYPE_CHECKING:
    from perotwin.measurement import Metrics
    from perotwin.recipe import Made, Recipe
    from perotwin.stack import Cell, Stack

__all__ = ["choice", "made_cells", "made_text"]


def made_cells(recipes: Sequence[Recipe], bases: Sequence[Stack]) -> list[Made]:
    """Each recipe on each base; named after the recipe, and after the base too where there are several.

    Raises:
        InputError: a recipe that leaves no film, or a base without a buried face.
    """
    made = []
    for recipe in recipes:
        sample = prepare(recipe)
        for base in bases:
            name = recipe.name if len(bases) == 1 else f"{recipe.name}-{base.name}"
            made.append(make(sample, base, name))
    return made


def choice(made: Made) -> tuple[str, dict[str, Metrics]]:
    """How the buried face was seen and how much that matters: a sentence, and the J-V metrics of both ways of seeing.

    Raises:
        ConvergenceError: one of the cells could not be solved.
    """
    ways: dict[str, Cell] = {"one effective face": made.effective}
    if made.columns is not None:
        ways["columns side by side"] = made.columns
    found = {way: lab.jv.analyse(lab.jv.measure(cell)) for way, cell in ways.items()}
    words = made.why
    if len(found) > 1:
        one, other = (found[way] for way in ("one effective face", "columns side by side"))
        gap = {name: other[name].value - one[name].value for name in ("voc", "ff", "pce")}
        words += (
            f" Columns side by side against one effective face: Voc {1e3 * gap['voc']:+.1f} mV, "
            f"FF {100 * gap['ff']:+.2f} points, PCE {100 * gap['pce']:+.2f} points."
        )
    return words, found


def made_text(made: Made) -> str:
    """The file of a made cell: how it came about as comments, then the cell."""
    recipe = made.sample.recipe
    lines = [
        f"Made from the recipe {recipe.name} by perotwin make; change the recipe, not this file.",
        made.why,
    ]
    return "".join(f"# {line}\n" for line in lines) + made.cell.to_toml()
