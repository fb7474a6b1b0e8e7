"""What the parameters of a fit set in each cell: numbers themselves, numbers tied to others, what a recipe makes.

    links = Links((Tie("control", "perovskite.lifetime", "target", "perovskite.lifetime", 0.5),))
    fields = Fields([control, target], parameters, links)
    fields.of(values, "control")            # by field path, SI

A parameter of the path "recipe.passivation.capture" is one of the recipe that made the cell. What the recipe makes
otherwise with it is set in the cell, so that lifetime and ions of a film, or dipole and recombination of a face, move
as the recipe's laws tie them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from perotwin.calibrate.parameters import Log, Parameter, parameter_of
from perotwin.errors import InputError, nearest
from perotwin.stack.short_paths import full_paths

if TYPE_CHECKING:
    from perotwin.recipe import Recipe
    from perotwin.stack import Cell

__all__ = ["NO_LINKS", "RECIPE", "Fields", "Links", "Tie", "recipe_parameter"]

F64 = NDArray[np.float64]

#: what the path of a number of a cell's recipe begins with
RECIPE = "recipe."
#: step of differences over a recipe (on the scale, or as a part of the bounds' distance): it writes four digits
_STEP_LOG, _STEP_PART = 0.05, 0.02
#: the same of a tie, which is a product
_STEP_TIE = 1e-4
#: by how much (as a part) a cell may differ from what its recipe makes
_SAME = 1e-3
#: cells of recipes that are kept
_KEPT = 64


@dataclass(frozen=True)
class Tie:
    """A number of a cell that is a factor times another number, of this cell or another.

    Attributes:
        cell, path: of the number. of_cell, of: of the other.
        factor: a number, or the name of a parameter that is one.
    """

    cell: str
    path: str
    of_cell: str
    of: str
    factor: float | str = 1.0

    @property
    def name(self) -> str:
        """What people call its factor."""
        other = self.of if self.of != self.path else ""
        return f"{self.cell}: {self.path} over {self.of_cell}" + (f": {other}" if other else "")


@dataclass(frozen=True)
class Links:
    """Ties between numbers, and the recipes that made cells, by the cells' names."""

    ties: tuple[Tie, ...] = ()
    recipes: Mapping[str, Recipe] = field(default_factory=dict)

    def recipe(self, cell: str) -> Recipe:
        """The recipe that made a cell.

        Raises:
            InputError: none is known.
        """
        if cell not in self.recipes:
            raise InputError(
                f'no recipe is known that made "{cell}".',
                'Make the cell from a recipe (perotwin make), state recipe = "..." in its file, or give --recipe FILE.',
                key="recipe",
            )
        return self.recipes[cell]

    def value(self, cell: Cell, path: str) -> float:
        """A number (SI) of a cell or of its recipe."""
        if path.startswith(RECIPE):
            return float(self.recipe(cell.name).get(path.removeprefix(RECIPE)))
        return float(cast("Any", cell.get(path)))

    def at(self, parameters: Sequence[Parameter], values: F64) -> Links:
        """The links with recipes at values (P,), SI."""
        recipes = {}
        for cell, one in self.recipes.items():
            new = _of_recipe(parameters, values, cell)
            recipes[cell] = one.with_values(new) if new else one
        return replace(self, recipes=recipes)


#: of cells whose numbers stand by themselves
NO_LINKS = Links()


def recipe_parameter(
    recipe: Recipe, wanted: str, *, name: str | None = None, cells: Sequence[str] = ()
) -> Parameter:
    """A number of a recipe to be found, see `parameter_of`: "recipe.additive.dose=0.1 mol%..3 mol%".

    Raises:
        InputError: no such number, a range that cannot be.
    """
    made = parameter_of(cast("Cell", recipe), wanted.removeprefix(RECIPE), cells=cells)
    path = RECIPE + made.paths[0]
    return replace(made, name=name or path, paths=(path,))


def _of_recipe(parameters: Sequence[Parameter], values: F64, cell: str) -> dict[str, str]:
    """What the recipe of a cell is set to."""
    return {
        path.removeprefix(RECIPE): one.written(float(value))
        for one, value in zip(parameters, values, strict=True)
        if not one.cells or cell in one.cells
        for path in one.paths
        if path.startswith(RECIPE)
    }


class Fields:
    """What parameters set in cells.

    Args:
        cells: by unique names. parameters: of them. links: between them.

    Raises:
        InputError: a path that a cell or its recipe does not have, a tie of what is varied or tied already, a cell that
            is not what its recipe makes.
    """

    def __init__(
        self, cells: Sequence[Cell], parameters: Sequence[Parameter], links: Links = NO_LINKS
    ) -> None:
        self.cells = {cell.name: cell for cell in cells}
        self.parameters, self.links = tuple(parameters), links
        self._made: dict[tuple[str, tuple[tuple[str, str], ...]], dict[str, float]] = {}
        self._refuse()

    # --- values ------------------------------------------------------------------------------------------------------

    def of(self, values: F64, cell: str) -> dict[str, float]:
        """The fields that a cell is set to (SI, by path) at values (P,) of the parameters."""
        found = {
            path: float(value)
            for one, value in zip(self.parameters, values, strict=False)
            if not one.cells or cell in one.cells
            for path in one.paths
            if not path.startswith(RECIPE)
        }
        new = _of_recipe(self.parameters, values[: len(self.parameters)], cell)
        if new:
            found.update(self._of_recipe(cell, new))
        for tie in self.links.ties:
            if tie.cell == cell:
                found[tie.path] = self._factor(tie, values) * self._followed(tie, values)
        return found

    def _factor(self, tie: Tie, values: F64) -> float:
        if not isinstance(tie.factor, str):
            return tie.factor
        names = [one.name for one in self.parameters]
        return float(values[names.index(tie.factor)])

    def _followed(self, tie: Tie, values: F64) -> float:
        """The number that a tie follows."""
        without = [one for one in self.links.ties if one.cell != tie.of_cell]
        other = self._plain(tuple(without)).of(values, tie.of_cell)
        if tie.of in other:
            return other[tie.of]
        cell = self.cells[tie.of_cell]
        return float(cast("Any", (cell.with_values(other) if other else cell).get(tie.of)))

    def _plain(self, ties: tuple[Tie, ...]) -> Fields:
        """The same with fewer ties."""
        made = object.__new__(Fields)
        made.cells, made.parameters = self.cells, self.parameters
        made.links, made._made = replace(self.links, ties=ties), self._made
        return made

    def _of_recipe(self, cell: str, new: Mapping[str, str]) -> dict[str, float]:
        """What the recipe with other numbers makes otherwise, by field path, SI."""
        base, other = self._quantities(cell, {}), self._quantities(cell, new)
        if base.keys() != other.keys():
            odd = sorted(base.keys() ^ other.keys())
            raise InputError(
                f"with {', '.join(f'{k} = {v}' for k, v in new.items())} its recipe makes another kind of cell of "
                f'"{cell}": {", ".join(odd[:3])} is there in one of both.',
                "Narrow the range, or begin from a cell that has it.",
                key="recipe",
            )
        return {path: other[path] for path in base if other[path] != base[path]}

    def _quantities(self, cell: str, new: Mapping[str, str]) -> dict[str, float]:
        """All numbers of the cell that the recipe with other numbers makes, SI."""
        from perotwin.recipe import make, prepare
        from perotwin.stack import Stack

        key = (cell, tuple(sorted(new.items())))
        if key not in self._made:
            recipe, base = self.links.recipe(cell), self.cells[cell]
            if not isinstance(base, Stack):
                raise InputError(
                    f'"{cell}" is more than one stack, and a recipe makes one.',
                    "Fit the junction by itself.",
                    key="recipe",
                )
            made = make(prepare(recipe.with_values(new)), base, base.name).cell
            self._made[key] = {path: float(value) for path, value in made.quantities().items()}
            while len(self._made) > _KEPT:
                # what stands first is soonest forgotten, but not what all are compared with
                self._made.pop(next(one for one in self._made if one[1]))
        return self._made[key]

    # --- slopes ------------------------------------------------------------------------------------------------------

    def follow(self, number: int, values: F64, cell: str) -> dict[str, float]:
        """How the fields of a cell follow a parameter, SI, by path; nothing where it does not move any."""
        one = self.parameters[number]
        if not self.linked(number, cell):
            own = not one.cells or cell in one.cells
            return dict.fromkeys(one.paths, 1.0) if own else {}
        step = self.step(number) or _STEP_TIE
        low, high = one.ends
        u = one.coordinate(float(values[number]))
        up, down = values.copy(), values.copy()
        up[number], down[number] = one.value(min(u + step, high)), one.value(max(u - step, low))
        ends = [self.of(end, cell) for end in (up, down)]
        base = self.cells[cell]
        found = {}
        for path in dict.fromkeys([*ends[0], *ends[1]]):
            first, last = (end[path] if path in end else float(cast("Any", base.get(path))) for end in ends)
            if first != last:
                found[path] = (first - last) / float(up[number] - down[number])
        return found

    def step(self, number: int) -> float:
        """The least step of differences on the scale of a parameter; 0 where any will do."""
        one = self.parameters[number]
        if not any(path.startswith(RECIPE) for path in one.paths):
            return 0.0
        return _STEP_LOG if isinstance(one.scale, Log) else _STEP_PART * one.span

    def linked(self, number: int, cell: str) -> bool:
        """Whether a parameter reaches a cell by a tie or by its recipe."""
        one = self.parameters[number]
        if any(path.startswith(RECIPE) for path in one.paths) and (not one.cells or cell in one.cells):
            return True
        return any(
            tie.cell == cell and (tie.factor == one.name or self._moves(one, tie)) for tie in self.links.ties
        )

    def _moves(self, one: Parameter, tie: Tie) -> bool:
        """Whether a parameter moves the number that a tie follows."""
        if one.cells and tie.of_cell not in one.cells:
            return False
        if any(path.startswith(RECIPE) for path in one.paths):
            return True
        cell = self.cells[tie.of_cell]
        followed = set(full_paths(cell, tie.of))
        return any(followed & set(full_paths(cell, path)) for path in one.paths)

    def reaches(self, number: int, cell: str) -> bool:
        """Whether a parameter moves anything of a cell."""
        one = self.parameters[number]
        own = bool(one.paths) and (not one.cells or cell in one.cells)
        return own or self.linked(number, cell)

    # --- refusals ----------------------------------------------------------------------------------------------------

    def _refuse(self) -> None:
        names = list(self.cells)
        for parameter in self.parameters:
            for cell in parameter.cells or names:
                self._refuse_cell(cell, parameter.name)
                for path in parameter.paths:
                    self.links.value(self.cells[cell], path)
        tied: list[tuple[str, str]] = []
        for tie in self.links.ties:
            for cell, path in ((tie.cell, tie.path), (tie.of_cell, tie.of)):
                self._refuse_cell(cell, f"tie of {tie.path}")
                self.links.value(self.cells[cell], path)
            taken = {
                each
                for one in self.parameters
                if not one.cells or tie.cell in one.cells
                for path in one.paths
                if not path.startswith(RECIPE)
                for each in full_paths(self.cells[tie.cell], path)
            }
            for path in full_paths(self.cells[tie.cell], tie.path):
                if path in taken or (tie.cell, path) in tied:
                    raise InputError(
                        f'{tie.path} of "{tie.cell}" is tied, and found or tied besides.',
                        "Tie it or vary it: leave one out. Of a number that cells share, vary that of one cell.",
                        key=tie.path,
                    )
                tied.append((tie.cell, path))
        for tie in self.links.ties:
            if any((tie.of_cell, path) in tied for path in full_paths(self.cells[tie.of_cell], tie.of)):
                raise InputError(
                    f'{tie.path} of "{tie.cell}" is tied to a number that is tied itself.',
                    "Tie both to the number that the other follows.",
                    key=tie.path,
                )
        for cell in names:
            self._refuse_other(cell)

    def _refuse_cell(self, cell: str, what: str) -> None:
        if cell not in self.cells:
            close = nearest(cell, list(self.cells))
            raise InputError(
                f'"{what}" is of a cell "{cell}", which is not among the cells.',
                f'Did you mean "{close[0]}"?' if close else f"There are {', '.join(self.cells)}.",
                key=what,
            )

    def _refuse_other(self, name: str) -> None:
        """Refuse a cell that is not what its recipe makes, in what a varied number of that moves."""
        varied = [
            number
            for number, one in enumerate(self.parameters)
            if (not one.cells or name in one.cells) and any(path.startswith(RECIPE) for path in one.paths)
        ]
        if not varied:
            return
        cell = self.cells[name]
        here = {path: float(value) for path, value in cell.quantities().items()}
        made = self._quantities(name, {})
        begin = np.array([self._at(one, name) for one in self.parameters])
        others = {
            each
            for one in self.parameters
            if not one.cells or name in one.cells
            for path in one.paths
            if not path.startswith(RECIPE)
            for each in full_paths(cell, path)
        }
        for number in varied:
            one = self.parameters[number]
            moved = self.follow(number, begin, name)
            if not moved:
                raise InputError(f'nothing of "{name}" follows {one.name}.', "Leave it out.", key=one.name)
            for path in moved:
                if abs(here.get(path, np.nan) - made[path]) > _SAME * abs(made[path]) or path not in here:
                    raise InputError(
                        f'{path} of "{name}" is {cell.get(path)}, and its recipe makes something else of it: the cell '
                        f"was changed after it was made, and {one.name} would undo that.",
                        "Make the cell from the recipe again (perotwin make), or vary the number of the cell.",
                        key=path,
                    )
                if path in others:
                    raise InputError(
                        f'{path} of "{name}" is varied, and {one.name} decides it as well.',
                        "Vary one of both.",
                        key=path,
                    )

    def _at(self, one: Parameter, cell: str) -> float:
        """Where a parameter begins in a cell: as the cell or its recipe has it."""
        if not one.paths or (one.cells and cell not in one.cells):
            return one.start
        return min(max(self.links.value(self.cells[cell], one.paths[0]), one.low), one.high)
