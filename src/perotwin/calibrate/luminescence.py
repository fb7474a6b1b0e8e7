"""Absolute photoluminescence of a film or half-stack as a datum: the splitting of its quasi-Fermi levels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from perotwin.calibrate.data import Own, Table
from perotwin.calibrate.parameters import Parameter
from perotwin.calibrate.twin import Twin, Values, sample_of
from perotwin.errors import ConvergenceError, InputError

__all__ = ["Splitting"]

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Splitting:
    """The splitting (eV) that the light of a sample tells, weighted with what each depth emits, and its sd.

    Attributes:
        sample: "film", "film/c60" and the like. suns: of the cell's own light.
    """

    name: str
    cell: str
    sample: str
    splitting: float
    sd: float
    suns: float = 1.0
    kind = "pl_half_stack"
    step = 1e-2
    both_sides = True
    followed = ()

    def nuisances(self) -> tuple[Parameter, ...]:
        return ()

    def labels(self) -> list[str]:
        return [self.name]

    def seen(self, twin: Twin, values: Values) -> Any:
        return sample_of(twin.with_values(values), self.sample)

    def _model(self, twin: Twin, values: Values) -> float:
        from perotwin.lab.open_circuit import settled
        from perotwin.transport.profiles import junction_profiles
        from perotwin.transport.radiative_limit import balances
        from perotwin.transport.steady import Solver

        small = twin.sample(self.sample)
        try:
            states = settled(Solver(small.problem_of(self.seen(twin, values))), self.suns)
        except ConvergenceError:
            return float("nan")
        part = states.parts[0]
        found = list(balances(part, junction_profiles(part)))
        if not found:
            raise InputError(
                f'how light leaves "{small.cell.name}" is not known.',
                "Give its absorber optics.",
                key=self.name,
            )
        split, weight = found[0].split[0], found[0].weight
        vt, top = part.junction.vt, float(split.max())
        return vt * (top + float(np.log(weight @ np.exp(split - top) / weight.sum())))

    def residuals(self, twin: Twin, values: Values, own: Own) -> F64:
        return np.array([(self._model(twin, values) - self.splitting) / self.sd])

    def slopes(self, twin: Twin, values: Values, own: Own, fields: Sequence[str]) -> F64 | None:
        return None

    def table(self, twin: Twin, values: Values, own: Own) -> Table:
        return Table(
            "", "1", "qfls", "eV", np.ones(1), np.array([self.splitting]), np.array([self._model(twin, values)]),
            np.array([self.sd]), (self.name,),
        )  # fmt: skip

    def expected(self, twin: Twin, values: Values, own: Own, rng: np.random.Generator | None) -> Self:
        noise = 0.0 if rng is None else self.sd * float(rng.standard_normal())
        return replace(self, splitting=self._model(twin, values) + noise)
