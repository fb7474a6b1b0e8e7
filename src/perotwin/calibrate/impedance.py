"""An impedance spectrum as data: logarithm of its magnitude, and phase, at a bias or at open circuit, in light or dark.

    one = Impedance("impedance", "cell", frequency, impedance, np.full(frequency.size, 5e-3), bias=0.9, light=0.0)
    one.residuals(Twin(cell), {}, {})            # (2 W,): all magnitudes, then all phases

What is compared is ln Z: to first order the same as both parts weighted by |Z|, which is how a frequency response
analyser scatters (P. Zoltowski, J. Electroanal. Chem. 178, 11 (1984); both parts scatter alike: P. Agarwal, O. D.
Crisalle, M. E. Orazem, L. H. Garcia-Rubio, J. Electrochem. Soc. 142, 4149 (1995), doi:10.1149/1.2048479). Far from the
data, where |Z| is off by decades, it still tells the way. All ions have settled at the bias and follow the signal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from perotwin.calibrate.data import Own, Table, level
from perotwin.calibrate.parameters import Gaussian, Linear, Parameter
from perotwin.calibrate.twin import Twin, Values
from perotwin.errors import ConvergenceError, InputError

if TYPE_CHECKING:
    from perotwin.transport.states import States

__all__ = ["Impedance"]

F64 = NDArray[np.float64]
C128 = NDArray[np.complex128]

#: steps of differences on the scales
_FINE = 1e-3
#: bounds of the bias, in standard deviations
_WIDE = 5.0


@dataclass(frozen=True)
class Impedance:
    """An impedance spectrum of W frequencies: 2 W data, ln|Z| first, then the phase.

    Attributes:
        frequency: (W,) Hz, above zero. impedance: (W,) ohm m^2, Im Z < 0 where the cell is capacitive.
        sd: (W,) of ln|Z| and of the phase (rad): the scatter of either part over |Z|.
        bias: V at the terminals; None at open circuit, which is 0 V in the dark. light: suns.
        level_sd: of the area, in all points alike. light_sd: of the light. bias_sd: V, of the bias where it is held. 0
            where they are known.
    """

    name: str
    cell: str
    frequency: F64
    impedance: C128
    sd: F64
    bias: float | None = None
    light: float = 1.0
    level_sd: float = 0.0
    light_sd: float = 0.0
    bias_sd: float = 0.0
    step = _FINE
    both_sides = True

    def __post_init__(self) -> None:
        known = np.isfinite(self.impedance) & (self.impedance != 0.0) & (self.frequency > 0.0)
        if not known.all():
            raise InputError(
                f'"{self.name}" holds a point without a frequency above zero, or without an impedance.',
                "Leave such points out.",
                key=self.name,
            )
        if not (np.all(np.isfinite(self.sd)) and np.all(self.sd > 0.0)):
            raise InputError(
                f'a standard deviation of "{self.name}" is zero or no number.',
                "Give a positive one for each point.",
                key=self.name,
            )

    @property
    def kind(self) -> str:
        return "impedance" if self.light > 0.0 else "impedance_dark"

    def nuisances(self) -> tuple[Parameter, ...]:
        made = []
        if self.level_sd > 0.0:
            made.append(level(f"{self.name}: level", self.level_sd, "area of the cell and calibration"))
        if self.light_sd > 0.0 and self.light > 0.0:
            made.append(level(f"{self.name}: light", self.light_sd, "level of the light"))
        if self.bias_sd > 0.0 and self.bias is not None:
            prior = Gaussian(0.0, self.bias_sd, "offset of the source, and its leads")
            wide = _WIDE * self.bias_sd
            made.append(Parameter(f"{self.name}: bias", 0.0, -wide, wide, Linear(), prior, "mV", "voltage"))
        return tuple(made)

    @property
    def followed(self) -> tuple[str, ...]:
        """All of its own but the light, which moves the steady state and what is generated: that is differenced."""
        return tuple(one.name for one in self.nuisances() if not one.name.endswith(": light"))

    def labels(self) -> list[str]:
        return [f"{self.name}, {what} at {f:.4g} Hz" for what in ("|Z|", "phase") for f in self.frequency]

    def _own(self, own: Own, what: str, usual: float) -> float:
        return own.get(f"{self.name}: {what}", usual)

    def _states(self, twin: Twin, values: Values, own: Own) -> tuple[States, float]:
        """The steady state at its bias, and the light there (suns).

        Raises:
            ConvergenceError: it was not reached.
        """
        light = self.light * self._own(own, "light", 1.0)
        if self.bias is None and light > 0.0:
            return twin.open_circuit(values, light), light
        voltage = (self.bias or 0.0) + self._own(own, "bias", 0.0)
        states = twin.solver(values).sweep([voltage], light)
        if not states.converged[0]:
            raise ConvergenceError(
                f'the bias of "{self.name}", {voltage:.4g} V, was not reached.',
                "Look at perotwin jv, or give another bias.",
                voltage=voltage,
                stage="bias",
            )
        return states, light

    def _model(self, twin: Twin, values: Values, own: Own) -> C128:
        """(W,) the impedance; NaN where the cell was not solved."""
        moving = twin.moving
        try:
            states, light = self._states(moving, values, own)
            found = moving.solver(values).linearised(states.state(0), light).spectrum(self.frequency)
        except ConvergenceError:
            return np.full(self.frequency.size, np.nan + 0j)
        return np.asarray(self._own(own, "level", 1.0) * found.impedance)

    def residuals(self, twin: Twin, values: Values, own: Own) -> F64:
        apart = self._model(twin, values, own) / self.impedance
        # an angle of the ratio does not jump where a phase passes half a turn
        return np.concatenate([np.log(np.abs(apart)) / self.sd, np.angle(apart) / self.sd])

    def slopes(self, twin: Twin, values: Values, own: Own, fields: Sequence[str]) -> F64 | None:
        moving = twin.moving
        states, light = self._states(moving, values, own)
        found = moving.following_spectra(values, fields).spectrum(states.state(0), light, self.frequency)
        if self.bias is None and light > 0.0:
            found = found.moved(moving.following(values, fields).current(states).of_voltage[0])
        # ln Z = -ln Y
        columns = [*(-found.admittance / found.spectrum.admittance[:, None]).T]
        for name in self.followed:
            if name.endswith(": bias"):
                columns.append(-found.admittance_by_voltage / found.spectrum.admittance)
            else:
                columns.append(
                    np.full(self.frequency.size, 1.0 / self._own(own, "level", 1.0), dtype=complex)
                )
        if not columns:
            return np.zeros((2 * self.frequency.size, 0))
        made = np.array(columns).T / self.sd[:, None]
        return np.concatenate([made.real, made.imag])

    def seen(self, twin: Twin, values: Values) -> Any:
        return None

    def table(self, twin: Twin, values: Values, own: Own) -> Table:
        found, parts = self._model(twin, values, own), (self.name,) * self.frequency.size
        size, phase = np.abs(self.impedance), np.angle(self.impedance)
        turned = np.degrees(phase + np.angle(found / self.impedance))
        second = Table(
            "frequency", "Hz", "impedance_phase", "deg", self.frequency, np.degrees(phase), turned,
            np.degrees(self.sd), parts,
        )  # fmt: skip
        return Table(
            "frequency", "Hz", "impedance_magnitude", "ohm m2", self.frequency, size, np.abs(found), self.sd * size,
            parts, also=second,
        )  # fmt: skip

    def expected(self, twin: Twin, values: Values, own: Own, rng: np.random.Generator | None) -> Self:
        found = self._model(twin, values, own)
        if rng is not None:
            scatter = rng.standard_normal(found.size) + 1j * rng.standard_normal(found.size)
            found = found * (1.0 + self.sd * scatter)
        return replace(self, impedance=found)
