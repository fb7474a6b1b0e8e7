"""Data of steady states, and how a cell compares with them: curves, open circuits against light, spectra, numbers.

Each kind says what its residuals are (differences over their standard deviations), what they are called, and what is
unknown of the measurement itself: the level of its light or lamp, known to so much per cent and the same in all points.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from perotwin.calibrate import laboratory
from perotwin.calibrate.parameters import Gaussian, Log, Parameter
from perotwin.calibrate.twin import Twin, Values
from perotwin.errors import ConvergenceError, InputError

if TYPE_CHECKING:
    from perotwin.transport.states import States
    from perotwin.transport.steady import Solver

__all__ = ["OF_CELL", "Data", "Scalar", "Spectrum", "SteadyCurve", "SunsVoc", "level"]

F64 = NDArray[np.float64]
#: what is unknown of the measurements themselves, by name
Own = Mapping[str, float]

#: bounds of a level, in standard deviations
_WIDE = 5.0
#: steps of differences on the scales
_FINE = 1e-3
#: numbers that a steady curve in the cell's own light gives, and their units
OF_CELL = {"voc": "V", "jsc": "A m-2", "ff": "1", "pce": "1", "vmp": "V", "jmp": "A m-2"}


class Data(Protocol):
    """What a cell is compared with. N data.

    Attributes:
        name: unique among those of a fit. cell: name of the cell that they are of.
        kind: of the measurement, as `laboratory.toml` calls it.
        step: of differences on the scales. both_sides: whether differences are taken to both sides.
        followed: names of those of its own unknowns that `slopes` tells of.
    """

    @property
    def name(self) -> str: ...
    @property
    def cell(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def step(self) -> float: ...
    @property
    def both_sides(self) -> bool: ...
    @property
    def followed(self) -> tuple[str, ...]: ...

    def nuisances(self) -> tuple[Parameter, ...]:
        """What is unknown of the measurement itself, with priors."""
        ...

    def labels(self) -> list[str]:
        """(N,) what each datum is."""
        ...

    def residuals(self, twin: Twin, values: Values, own: Own) -> F64:
        """(N,) differences over their standard deviations; NaN where the cell was not solved."""
        ...

    def slopes(self, twin: Twin, values: Values, own: Own, fields: Sequence[str]) -> F64 | None:
        """(N, F + K) how the residuals follow fields and, behind them, its own K unknowns that are `followed`, exactly;
        NaN in columns, or None, where only differences tell."""
        ...

    def seen(self, twin: Twin, values: Values) -> Any:
        """What the measurement sees of a cell: equal where it sees the same; None where it sees all."""
        ...

    def table(self, twin: Twin, values: Values, own: Own) -> Table:
        """The data beside the fit."""
        ...

    def expected(self, twin: Twin, values: Values, own: Own, rng: np.random.Generator | None) -> Self:
        """The same measurement as the cell would give it, with noise where `rng` is given."""
        ...


@dataclass(frozen=True)
class Table:
    """Data beside a fit, in SI. N data.

    Attributes:
        axis, value: names of quantities (`measurement.NOMENCLATURE`), "" for numbers that lie on no axis.
        axis_unit, value_unit: of them.
        x, data, model, sd: (N,); `x` counts where there is no axis. parts: (N,) name of the part, such as a direction.
        also: a second quantity of the same measurement, such as the phase beside a magnitude.
    """

    axis: str
    axis_unit: str
    value: str
    value_unit: str
    x: F64
    data: F64
    model: F64
    sd: F64
    parts: tuple[str, ...]
    also: Table | None = None

    @property
    def all(self) -> tuple[Table, ...]:
        """This and what is beside it."""
        return (self,) if self.also is None else (self, *self.also.all)


def level(name: str, sd: float, words: str) -> Parameter:
    """A factor about one that is the same in all points of a measurement."""
    return Parameter(name, 1.0, math.exp(-_WIDE * sd), math.exp(_WIDE * sd), Log(), Gaussian(1.0, sd, words))


def _known_sd(name: str, sd: F64) -> None:
    if not (np.all(np.isfinite(sd)) and np.all(sd > 0.0)):
        raise InputError(
            f'a standard deviation of "{name}" is zero or no number.',
            "Give a positive one for each point.",
            key=name,
        )


@dataclass(frozen=True)
class SteadyCurve:
    """A current-voltage curve of which every point was steady. K points.

    Attributes:
        voltage: (K,) V. current: (K,) A m^-2. sd: (K,) of the current.
        light: suns. level_sd: of the light, in all points alike; 0 where it is known.
    """

    name: str
    cell: str
    voltage: F64
    current: F64
    sd: F64
    light: float = 1.0
    level_sd: float = 0.0
    kind = "jv"
    step = _FINE
    both_sides = True
    followed = ()

    def __post_init__(self) -> None:
        _known_sd(self.name, self.sd)

    @property
    def _level(self) -> str:
        return f"{self.name}: light"

    def nuisances(self) -> tuple[Parameter, ...]:
        if self.level_sd == 0.0 or self.light == 0.0:
            return ()
        return (level(self._level, self.level_sd, "level of the light and area of the mask"),)

    def labels(self) -> list[str]:
        return [f"{self.name} at {v:.3f} V" for v in self.voltage]

    def _asked(self, own: Own) -> tuple[NDArray[np.int64], float]:
        """The points in rising voltage, and the light, suns."""
        return np.argsort(self.voltage, kind="stable"), self.light * own.get(self._level, 1.0)

    def _model(self, twin: Twin, values: Values, own: Own) -> F64:
        order, suns = self._asked(own)
        found = np.empty(order.size)
        found[order] = twin.solver(values).sweep(self.voltage[order], suns).current
        return found

    def residuals(self, twin: Twin, values: Values, own: Own) -> F64:
        return (self._model(twin, values, own) - self.current) / self.sd

    def slopes(self, twin: Twin, values: Values, own: Own, fields: Sequence[str]) -> F64 | None:
        order, suns = self._asked(own)
        found = np.empty((order.size, len(fields)))
        found[order] = twin.following(values, fields).sweep(self.voltage[order], suns)[1].by_field
        return found / self.sd[:, None]

    def seen(self, twin: Twin, values: Values) -> Any:
        return None

    def table(self, twin: Twin, values: Values, own: Own) -> Table:
        return Table(
            "voltage", "V", "current_density", "A m-2", self.voltage, self.current,
            self._model(twin, values, own), self.sd, (self.name,) * self.voltage.size,
        )  # fmt: skip

    def expected(self, twin: Twin, values: Values, own: Own, rng: np.random.Generator | None) -> Self:
        current = self._model(twin, values, own)
        noise = 0.0 if rng is None else self.sd * rng.standard_normal(current.size)
        return replace(self, current=current + noise)


@dataclass(frozen=True)
class SunsVoc:
    """Open-circuit voltages under K lights.

    Attributes:
        suns: (K,). voltage: (K,) V. sd: (K,) of the voltage, that of each light included.
        level_sd: of all lights alike.
    """

    name: str
    cell: str
    suns: F64
    voltage: F64
    sd: F64
    level_sd: float = 0.0
    kind = "suns_voc"
    step = _FINE
    both_sides = True
    followed = ()

    def __post_init__(self) -> None:
        _known_sd(self.name, self.sd)

    @property
    def _level(self) -> str:
        return f"{self.name}: light"

    def nuisances(self) -> tuple[Parameter, ...]:
        if self.level_sd == 0.0:
            return ()
        return (level(self._level, self.level_sd, "level of all lights"),)

    def labels(self) -> list[str]:
        return [f"{self.name} at {s:.3g} sun" for s in self.suns]

    def _open(self, twin: Twin, values: Values, own: Own) -> tuple[Solver, list[States | None]]:
        """Open circuit under each light, from the brightest down."""
        from perotwin.lab.open_circuit import settled

        solver = twin.solver(values)
        factor = own.get(self._level, 1.0)
        found: list[States | None] = [None] * self.suns.size
        near = None
        for index in np.argsort(-self.suns, kind="stable"):
            light = float(self.suns[index]) * factor
            try:
                if near is None:
                    # where it was measured is near
                    near = solver.sweep([float(self.voltage[index])], light).state(0)
                states = solver.open_circuit(near, light)
            except ConvergenceError:
                try:
                    states = settled(solver, light)
                except ConvergenceError:
                    continue
            if states.converged[0]:
                found[int(index)], near = states, states.state(0)
        return solver, found

    def _model(self, twin: Twin, values: Values, own: Own) -> F64:
        _, found = self._open(twin, values, own)
        return np.array([np.nan if one is None else float(one.voltage[0]) for one in found])

    def residuals(self, twin: Twin, values: Values, own: Own) -> F64:
        return (self._model(twin, values, own) - self.voltage) / self.sd

    def slopes(self, twin: Twin, values: Values, own: Own, fields: Sequence[str]) -> F64 | None:
        _, states = self._open(twin, values, own)
        following = twin.following(values, fields)
        rows = [
            np.full(len(fields), np.nan) if one is None else following.current(one).of_voltage[0]
            for one in states
        ]
        return np.array(rows) / self.sd[:, None]

    def seen(self, twin: Twin, values: Values) -> Any:
        return None

    def table(self, twin: Twin, values: Values, own: Own) -> Table:
        return Table(
            "intensity", "sun", "voltage", "V", self.suns, self.voltage, self._model(twin, values, own), self.sd,
            (self.name,) * self.suns.size,
        )  # fmt: skip

    def expected(self, twin: Twin, values: Values, own: Own, rng: np.random.Generator | None) -> Self:
        voltage = self._model(twin, values, own)
        noise = 0.0 if rng is None else self.sd * rng.standard_normal(voltage.size)
        return replace(self, voltage=voltage + noise)


@dataclass(frozen=True)
class Spectrum:
    """An external quantum efficiency at short circuit, W points.

    Attributes:
        wavelength: (W,) m. eqe: (W,). sd: (W,). bias_light: suns. level_sd: of the calibration, in all points alike.
    """

    name: str
    cell: str
    wavelength: F64
    eqe: F64
    sd: F64
    bias_light: float = 1.0
    level_sd: float = 0.0
    kind = "eqe"
    step = _FINE
    both_sides = True
    followed = ()

    def __post_init__(self) -> None:
        _known_sd(self.name, self.sd)

    @property
    def _level(self) -> str:
        return f"{self.name}: level"

    def nuisances(self) -> tuple[Parameter, ...]:
        if self.level_sd == 0.0:
            return ()
        return (level(self._level, self.level_sd, "calibration of the lamp"),)

    def labels(self) -> list[str]:
        return [f"{self.name} at {1e9 * w:.0f} nm" for w in self.wavelength]

    def _model(self, twin: Twin, values: Values, own: Own) -> F64:
        from perotwin.constants import elementary_charge as q

        solver = twin.solver(values)
        absorption = solver.problem.absorption
        if absorption is None:
            raise InputError(
                f'the generation of "{twin.cell.name}" is prescribed, so that nothing says how it depends on the '
                "wavelength.",
                'Give every layer a material and set light.generation = { kind = "optics" }.',
                key="light.generation",
            )
        states = solver.sweep([0.0], self.bias_light)
        if not states.converged[0]:
            return np.full(self.wavelength.size, np.nan)
        eqe = solver.spectral_response(states.state(0), self.bias_light) / q
        return own.get(self._level, 1.0) * np.interp(self.wavelength, absorption.wavelength, eqe, 0.0, 0.0)

    def residuals(self, twin: Twin, values: Values, own: Own) -> F64:
        return (self._model(twin, values, own) - self.eqe) / self.sd

    def slopes(self, twin: Twin, values: Values, own: Own, fields: Sequence[str]) -> F64 | None:
        return None

    def seen(self, twin: Twin, values: Values) -> Any:
        return None

    def table(self, twin: Twin, values: Values, own: Own) -> Table:
        return Table(
            "wavelength", "m", "eqe", "1", self.wavelength, self.eqe, self._model(twin, values, own), self.sd,
            (self.name,) * self.wavelength.size,
        )  # fmt: skip

    def expected(self, twin: Twin, values: Values, own: Own, rng: np.random.Generator | None) -> Self:
        eqe = self._model(twin, values, own)
        noise = 0.0 if rng is None else self.sd * rng.standard_normal(eqe.size)
        return replace(self, eqe=eqe + noise)


@dataclass(frozen=True)
class Scalar:
    """A number that was measured elsewhere, of the steady cell in its own light: voc, jsc, ff, pce, vmp, jmp.

    Attributes:
        of: which. value, sd: SI.
    """

    name: str
    cell: str
    of: str
    value: float
    sd: float
    kind = "scalar"
    step = _FINE
    both_sides = True
    followed = ()

    def __post_init__(self) -> None:
        _known_sd(self.name, np.array([self.sd]))
        if self.of not in OF_CELL:
            raise InputError(
                f'"{self.of}" is no number of a steady curve.',
                f"Choose from {', '.join(OF_CELL)}.",
                key=self.name,
            )

    def nuisances(self) -> tuple[Parameter, ...]:
        return ()

    def labels(self) -> list[str]:
        return [self.name]

    def _model(self, twin: Twin, values: Values) -> float:
        return figures(twin.solver(values), float(twin.cell.light.intensity))[self.of]

    def residuals(self, twin: Twin, values: Values, own: Own) -> F64:
        return np.array([(self._model(twin, values) - self.value) / self.sd])

    def slopes(self, twin: Twin, values: Values, own: Own, fields: Sequence[str]) -> F64 | None:
        return None

    def seen(self, twin: Twin, values: Values) -> Any:
        return None

    def table(self, twin: Twin, values: Values, own: Own) -> Table:
        return Table(
            "", "1", self.of, OF_CELL[self.of], np.ones(1), np.array([self.value]),
            np.array([self._model(twin, values)]), np.array([self.sd]), (self.name,),
        )  # fmt: skip

    def expected(self, twin: Twin, values: Values, own: Own, rng: np.random.Generator | None) -> Self:
        noise = 0.0 if rng is None else self.sd * float(rng.standard_normal())
        return replace(self, value=self._model(twin, values) + noise)


def figures(solver: Solver, light: float) -> dict[str, float]:
    """voc, jsc, ff, pce, vmp and jmp of a steady cell (SI), solved for; NaN where it gives no power."""
    from perotwin.lab import jv

    nothing = dict.fromkeys(OF_CELL, math.nan)
    states = jv.curve(solver, jv.Protocol(step="20 mV"), light)
    points = jv.solved_points(solver, states, light)
    if not {"short-circuit", "open-circuit", "maximum-power"} <= set(points):
        return nothing
    voc, jsc = float(points["open-circuit"].voltage[0]), float(points["short-circuit"].current[0])
    vmp, jmp = (float(getattr(points["maximum-power"], name)[0]) for name in ("voltage", "current"))
    power = 1e3 * light
    return {
        "voc": voc, "jsc": jsc, "ff": vmp * jmp / (voc * jsc), "pce": vmp * jmp / power, "vmp": vmp, "jmp": jmp,
    }  # fmt: skip


def current_sd(voltage: F64, current: F64, kind: str = "jv") -> F64:
    """(K,) standard deviation of each current (A m^-2) of a curve: its scatter, what is assumed of the source, and what
    the voltage's is worth where the curve is steep.
    """
    from perotwin.lab.curve_uncertainty import noise

    order = np.argsort(voltage, kind="stable")
    v, j = voltage[order], current[order]
    unique, first = np.unique(v, return_index=True)
    own = noise(unique, j[first]) if unique.size >= 10 else math.nan
    near = float(np.interp(0.0, unique, j[first]))
    floor = laboratory.number(kind, "current") * max(abs(near), 1e-3 * float(np.abs(j).max()))
    scatter = max(floor, own if math.isfinite(own) else 0.0)
    slope = np.gradient(j[first], unique) if unique.size > 2 else np.zeros(unique.size)
    steep = laboratory.number(kind, "voltage", "voltage") * np.abs(np.interp(voltage, unique, slope))
    return np.asarray(np.hypot(scatter, steep))
