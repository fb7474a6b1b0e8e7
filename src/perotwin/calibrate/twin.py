"""A cell that is solved again and again with other numbers, on meshes and grids that stay as they are.

    twin = Twin(pt.load("wbg-target"))
    twin.solver({"perovskite.thickness": 4.6e-7}).sweep([0.0, 0.5], 1.0)

A mesh or a grid of wavelengths that follows the numbers would change with jumps, which the slopes of a fit would see.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import ConvergenceError
from perotwin.optics.grids import same_grids
from perotwin.optics.reuse import reusing
from perotwin.study.variables import changed

if TYPE_CHECKING:
    from perotwin.stack import Cell, Stack
    from perotwin.transport.build import Problem
    from perotwin.transport.mesh import Like
    from perotwin.transport.sensitivity import Following
    from perotwin.transport.sensitivity_of_spectra import FollowingSpectra
    from perotwin.transport.states import States
    from perotwin.transport.steady import Solver

__all__ = ["Twin", "remembering"]

F64 = NDArray[np.float64]
#: field paths and values, SI floats or texts
Values = Mapping[str, Any]

#: solvers that are kept, and optics
_SOLVERS, _OPTICS = 48, 96
#: lights whose open circuit is kept
_LIGHTS = 24
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
        all_moving: whether all its ions re-equilibrate at each point, whatever response they state.
    """

    def __init__(self, cell: Cell, all_moving: bool = False) -> None:
        self.cell, self._all_moving = cell, all_moving
        self._grids: dict[Any, Any] = {}
        self._like: Like | None = None
        self._finer = 1.0
        self._lit = True
        self._solvers: OrderedDict[tuple[Any, ...], Solver] = OrderedDict()
        self._following: tuple[Any, Following] | None = None
        self._spectra: tuple[Any, FollowingSpectra] | None = None
        #: open circuit as it was found last (V), by light in suns
        self._open: dict[float, float] = {}
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
            made = build(cell, light=self._lit, density=self._like, finer=self._finer)
            return made.all_moving() if self._all_moving else made

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
        from perotwin.calibrate.moving import Moving
        from perotwin.transport.sensitivity import Following

        key = (tuple(sorted(values.items())), tuple(fields))
        if self._following is None or self._following[0] != key:
            kind = Moving if self._all_moving else Following
            self._following = key, kind(self.solver(values), fields)
        return self._following[1]

    def following_spectra(self, values: Values, fields: Sequence[str]) -> FollowingSpectra:
        """How spectra of the cell with other numbers follow fields; all data of a cell share it."""
        from perotwin.calibrate.moving import MovingSpectra
        from perotwin.transport.sensitivity_of_spectra import FollowingSpectra

        key = (tuple(sorted(values.items())), tuple(fields))
        if self._spectra is None or self._spectra[0] != key:
            kind = MovingSpectra if self._all_moving else FollowingSpectra
            self._spectra = key, kind(self.solver(values), fields)
        return self._spectra[1]

    def open_circuit(self, values: Values, light: float) -> States:
        """Open circuit of the cell with other numbers under a light (suns), begun where it was last.

        Raises:
            ConvergenceError: it was not found.
        """
        from perotwin.lab.open_circuit import settled

        solver = self.solver(values)
        states = None
        if self._open:
            near = min(self._open, key=lambda one: abs(np.log(one / light)))
            try:
                begin = solver.sweep([self._open[near]], light)
                states = solver.open_circuit(begin.state(0), light) if begin.converged[0] else None
            except ConvergenceError:
                states = None
        if states is None or not states.converged[0]:
            states = settled(solver, light)
        self._open[light] = float(states.voltage[0])
        while len(self._open) > _LIGHTS:
            self._open.pop(next(iter(self._open)))
        return states

    @cached_property
    def moving(self) -> Twin:
        """The twin whose ions all re-equilibrate at each point: this one where they do so anyhow."""
        held = any(
            layer.ions is not None and layer.ions.response.kind != "steady"
            for stack in self.cell.stacks.values()
            for layer in stack.electrical_layers
        )
        return Twin(self.cell, all_moving=True) if held else self

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
