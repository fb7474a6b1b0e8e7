"""Several stacks in time that take each time step together: what side by side and in series have in common.

What is differenced and what is extrapolated are those of all stacks, one after another, so that steps and their error
are those of `stepping`; the worst stack decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perotwin.measurement.checks import Checks, worst
from perotwin.transport.light import Lights, Piece
from perotwin.transport.schedule import Step
from perotwin.transport.stepping import Past
from perotwin.transport.trace import Moment
from perotwin.transport.transient import Driver, Engine

F64 = NDArray[np.float64]


@dataclass
class Moments:
    """The stacks at one time; v (1,) is the voltage of the whole, kT/q, less what is lost outside its junctions."""

    parts: tuple[Moment, ...]
    v: F64

    def copy(self) -> Moments:
        """An independent copy."""
        return Moments(tuple(part.copy() for part in self.parts), self.v.copy())


@dataclass(frozen=True)
class SeveralLights:
    """Where each light generates carriers in several stacks; see `light.Lights`.

    Attributes:
        parts: of each stack.
        weights: what a pair per area of a stack counts in pairs per area of the cell.
    """

    parts: tuple[Lights, ...]
    weights: F64

    @property
    def checks(self) -> Checks:
        """The worst of the stacks'."""
        return worst(lights.checks for lights in self.parts)

    @property
    def notes(self) -> list[str]:
        """Those of all stacks, each once."""
        return list(dict.fromkeys(note for lights in self.parts for note in lights.notes))

    def prepare(self, step: Step, where: str) -> None:
        """Find all that a step needs.

        Raises:
            InputError: as of `light.Lights`.
        """
        for lights in self.parts:
            lights.prepare(step, where)

    def pieces(self, step: Step, holds: F64 | None = None) -> Iterator[Piece]:
        """A step cut where its light jumps and at a tracker's holds (s).

        Sites are those of the stacks one after another; what is generated there is per area of the cell.
        """
        for each in zip(*(lights.pieces(step, holds) for lights in self.parts), strict=True):
            first = self._joined([piece.first for piece in each])
            same = all(piece.first is piece.last for piece in each)
            last = first if same else self._joined([piece.last for piece in each])
            flashes = [piece.flash for piece in each if piece.flash is not None]
            yield Piece(each[0].begin, each[0].end, first, last, self._joined(flashes) if flashes else None)

    def _joined(self, parts: list[F64]) -> F64:
        return np.concatenate([weight * one for weight, one in zip(self.weights, parts, strict=True)])


class Several(Driver[Moments]):
    """Runs schedules on several stacks; how they hang together its subclass brings.

    The flux of a moment is what the terminals draw, shunts of the stacks included, per area of the cell.

    Args:
        engines: of each stack.
    """

    def __init__(self, engines: Sequence[Engine]) -> None:
        self.engines = list(engines)
        # the anodes are on one side
        self._charge = engines[0]._charge
        # where each stack lies in what is stored, in the variables and among the sites
        self._stored = _ranges([engine._parts[-1][0].stop for engine in engines])
        self._variables = _ranges(
            [(3 + engine.motion.shape[0]) * engine.device.x.size + 1 for engine in engines]
        )
        self._sites = _ranges([engine.device.volume.size for engine in engines])
        # flux through each stack's junction in what was solved last, m^-2 s^-1
        self._flux = np.zeros(len(engines))

    @property
    def tolerance(self) -> float:
        """Allowed local error of a step in any stack (kT, relative)."""
        return self.engines[0].tolerance

    @tolerance.setter
    def tolerance(self, tolerance: float) -> None:
        for engine in self.engines:
            engine.tolerance = tolerance

    def _each(self, now: Moments) -> Iterator[tuple[Engine, Moment]]:
        return zip(self.engines, now.parts, strict=True)

    def _moments(self, states: Sequence[Any], v: float) -> Moments:
        """Steady states as the stacks at one time; v: kT/q, of the whole."""
        parts = [engine.moment(one) for engine, one in zip(self.engines, states, strict=True)]
        return Moments(tuple(parts), np.array([v]))

    def _refresh(self, now: Moments) -> None:
        for engine, one in self._each(now):
            engine._refresh(one)

    def _past(self, time: float, now: Moments) -> Past:
        each = [engine._past(time, one) for engine, one in self._each(now)]
        return Past(
            time,
            np.concatenate([one.stored for one in each]),
            np.concatenate([*(one.variables for one in each), now.v]),
        )

    def _guess(self, values: F64, now: Moments) -> Moments:
        parts = [
            engine._guess(values[part], one)
            for (engine, one), part in zip(self._each(now), self._variables, strict=True)
        ]
        return Moments(tuple(parts), values[-1:].copy())

    def _ion_numbers(self) -> F64:
        """(I,) number of each moving species of each stack, per area of the stack."""
        return np.concatenate([engine._ion_numbers() for engine in self.engines])

    def _constancy(self, made: Moments, flux: float, generated: float) -> float:
        """The largest of the stacks'."""
        each = zip(self._each(made), self._flux, strict=True)
        return max(engine._constancy(one, float(through), generated) for (engine, one), through in each)


def _ranges(sizes: list[int]) -> list[slice]:
    """Where parts of these sizes lie, one after another."""
    ends = np.cumsum([0, *sizes]).tolist()
    return [slice(a, b) for a, b in pairwise(ends)]
