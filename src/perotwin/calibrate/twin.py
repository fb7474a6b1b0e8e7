"""A cell that is solved again and again with other numbers, on meshes and grids that stay as they are.

    twin = Twin(pt.load("wbg-target"))
    twin.solver({"perovskite.thickness": 4.6e-7}).sweep([0.0, 0.5], 1.0)

A mesh or a grid of wavelengths that follows the numbers would change with jumps, which the slopes of a fit would see.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perotwin.optics.grids import same_grids
from perotwin.optics.reuse import reusing
from perotwin.study.variables import changed

if TYPE_CHECKING:
    from perotwin.stack import Cell, Stack
    from perotwin.transport.build import Problem
    from perotwin.transport.mesh import Like
    from perotwin.transport.sensitivity import Following
    from perotwin.transport.steady import Solver

__all__ = ["Twin", "remembering"]

F64 = NDArray[np.float64]
#: field paths and values, SI floats or texts
Values = Mapping[str, Any]

#: solvers that are kept, and optics
_SOLVERS, _OPTICS = 48, 96
#: ions that do not get anywhere, m^2/s
_HELD = 1e-26


@contextmanager
def remembering() -> Iterator[None]:
    """Within the block the optics of cells that look alike are solved once."""
    with reusing(_OPTICS):
        yield


class Twin:
    """A cell, and solvers of it with other numbers.

    Args:
        cell: as it is where a fit begins; its meshes and grids are those of all.
    """

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self._grids: dict[Any, Any] = {}
        self._like: Like | None = None
        self._finer = 1.0
        self._lit = True
        self._solvers: OrderedDict[tuple[Any, ...], Solver] = OrderedDict()
        self._following: tuple[Any, Following] | None = None
        self._samples: dict[str, Twin] = {}
        #: decays that were followed on this sample, the latest first: what they are of, and what came of it
        self.decays: list[tuple[Any, F64]] = []

    def with_values(self, values: Values) -> Cell:
        """The cell with other numbers; an electronic gap follows the optical one."""
        return changed(self.cell, values) if values else self.cell

    def problem(self, values: Values) -> Problem:
        """The cell with other numbers, ready to be solved.

        Raises:
            InputError: it cannot have them.
        """
        return self.problem_of(self.with_values(values))

    def problem_of(self, cell: Cell) -> Problem:
        """A version of the cell, ready to be solved on the meshes and grids of this one."""
        from perotwin.transport.build import build

        with same_grids(self._grids):
            if self._like is None:
                first = build(self.cell, light=self._lit)
                self._like, self._finer = first.meshes, first.finer
            return build(cell, light=self._lit, density=self._like, finer=self._finer)

    def solver(self, values: Values) -> Solver:
        """A solver of steady states with other numbers."""
        from perotwin.transport.steady import Solver

        key = tuple(sorted(values.items()))
        if key not in self._solvers:
            self._solvers[key] = Solver(self.problem(values))
            while len(self._solvers) > _SOLVERS:
                self._solvers.popitem(last=False)
        self._solvers.move_to_end(key)
        return self._solvers[key]

    def following(self, values: Values, fields: Sequence[str]) -> Following:
        """How steady states of the cell with other numbers follow fields; all data of a cell share it."""
        from perotwin.transport.sensitivity import Following

        key = (tuple(sorted(values.items())), tuple(fields))
        if self._following is None or self._following[0] != key:
            self._following = key, Following(self.solver(values), fields)
        return self._following[1]

    def sample(self, name: str) -> Twin:
        """The twin of a film or half-stack of this cell, its ions held as they lie in the dark."""
        if name not in self._samples:
            self._samples[name] = Twin(sample_of(self.cell, name))
        return self._samples[name]


def sample_of(cell: Cell, name: str) -> Stack:
    """A film or half-stack of a cell ("film", "film/c60"), its ions held as they lie in the dark."""
    from perotwin.stack import films

    sample = films.part_of(cell, name)
    slow = {}
    for layer in sample.electrical_layers:
        if layer.ions is not None:
            slow[f"{layer.name}.ions.diffusion_coefficient"] = _HELD
            if layer.ions.second is not None:
                slow[f"{layer.name}.ions.second.diffusion_coefficient"] = _HELD
    return sample.with_values(slow) if slow else sample
