"""A circuit of junctions as the compiled functions take it, with their scratch memory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import ConvergenceError
from perotwin.progress import note
from perotwin.transport import device as dv
from perotwin.transport.build import Problem
from perotwin.transport.circuit import Circuit
from perotwin.transport.device import Device, Work, lay_out, make_work, state_width
from perotwin.transport.kernels.adjoint import Course
from perotwin.transport.kernels.circuit import Answer, Constraint, Linear, Net, make_answer, make_linear
from perotwin.transport.kernels.equilibrium import equilibrium, neutral
from perotwin.transport.kernels.newton import Inertia, Path, Patience, follow
from perotwin.transport.kernels.rows import state_in
from perotwin.transport.states import State

__all__ = ["FINEST", "System", "announce_compilation"]

F64 = NDArray[np.float64]

#: the smallest part of a step in bias or light before a point is given up
FINEST = 1.0 / 2048.0
#: where neutrality is looked for: this far (kT) beyond all bands, by as many halvings
_BEYOND, _HALVINGS = 60.0, 40


@dataclass
class System:
    """Junctions in a circuit as the compiled functions take them, with their scratch memory.

    Attributes:
        course: where it is told how the states of a path follow the numbers of the equations; none if nobody asks.
    """

    device: Device
    work: Work
    net: Net
    linear: Linear
    answer: Answer
    course: Course | None = None

    @classmethod
    def of(cls, problem: Problem, circuit: Circuit) -> System:
        """The arrays of a problem's junctions, in a circuit."""
        net = circuit.net(problem.parts, problem.lights)
        device = lay_out([part.device for part in problem.parts])
        work = make_work(device, causes=2 + int(np.bincount(net.receiver, minlength=1).max()))
        return cls(device, work, net, make_linear(net), make_answer(net))

    def newton(
        self,
        row: F64,
        generation: F64,
        held: F64,
        constraint: Constraint,
        patience: Patience,
        inertia: Inertia | None = None,
    ) -> tuple[bool, int, float]:
        """Solve from a state, in place: whether it converged, the iterations, the last step."""
        path = self.path(np.array([constraint.c]), np.nan, finest=1.0)
        follow(
            self.device, self.work, self.net, row, generation, held, inertia or self.at_rest, constraint, patience,
            (self.linear, self.answer), path, None,
        )  # fmt: skip
        return bool(path.reached[0]), int(path.iterations[0]), float(path.size[0])

    def follow(
        self, row: F64, generation: F64, held: F64, constraint: Constraint, patience: Patience, path: Path
    ) -> None:
        """Follow the state along a path, from a row that changes in place."""
        course = self.course
        if course is not None:
            # a path that is taken up again is the rest of the whole one
            first = course.told.size - path.targets.size
            course = Course(course.room, course.slopes[first:], course.found[first:], course.told[first:])
        follow(
            self.device, self.work, self.net, row, generation, held, self.at_rest, constraint, patience,
            (self.linear, self.answer), path, course,
        )  # fmt: skip

    @cached_property
    def at_rest(self) -> Inertia:
        """No step in time."""
        none = np.zeros(self.device.volume.size)
        return Inertia(0.0, none, none)

    def path(self, targets: F64, start: float, finest: float = FINEST, solved: bool = False) -> Path:
        """An empty path to some targets; `solved`: the first state is a solution under the light of the path."""
        count = targets.size
        return Path(
            start=float(start),
            solved=solved,
            # a copy, whose kind does not depend on where they come from: for each kind all would be compiled anew
            targets=np.array(targets, dtype=np.float64),
            finest=finest,
            rows=np.empty((count, state_width(self.device))),
            lights=np.zeros((count, self.net.emitter.size)),
            reached=np.zeros(count, dtype=bool),
            iterations=np.zeros(count, dtype=np.int64),
            size=np.full(count, np.inf),
        )

    def settle(self, name: str, held: F64) -> F64:
        """The row of the dark equilibrium of its one junction.

        Raises:
            ConvergenceError: Poisson's equation did not settle.
        """
        device = self.device
        row = np.zeros(state_width(device))
        st = state_in(device, row)
        charge = device.fixed_charge + held
        for ion in device.ion:
            # spread evenly
            here = device.site_layer == int(ion[dv.I_LAYER])
            charge[here] += ion[dv.I_Z] * ion[dv.I_NUMBER] / device.volume[here].sum()
        neutral(device, self.work, row, charge, _BEYOND, _HALVINGS)
        for number, ion in enumerate(device.ion):
            # ln activity of each species if its layer were at its mean potential
            here = device.site_layer == int(ion[dv.I_LAYER])
            mean = st.psi[device.site_node[here]].mean()
            st.mu[number] = np.log(ion[dv.I_NUMBER] / device.volume[here].sum()) + ion[dv.I_Z] * mean
        if equilibrium(device, self.work, row, held, 400, 5.0) < 0:
            raise ConvergenceError(
                "Poisson's equation at equilibrium did not settle.",
                "Look for an extreme doping, ion density or dipole in the stack.",
                voltage=0.0,
                state=State(0.0, row),
                stage="equilibrium",
                stack=name,
            )
        return row


def announce_compilation() -> None:
    """Say that the solver is being compiled, where nothing is found in the cache: it happens once."""
    from perotwin.compiled import is_cached

    if not is_cached(follow):
        note("Compiling the solver for this machine, once: about half a minute.")
