"""Where a cell loses fill factor: to recombination that is not radiative, to resistances, to transport in its layers.

    split(FillFactors(radiative=0.9146, pseudo=0.855, actual=0.826, resistive=0.84)).transport

Three fill factors stand for it. That of the radiative limit is a diode's of ideality one. The pseudo fill factor is of
the curve which open-circuit voltages under many lights make, where no current flows: no resistance and no slow
carrier counts in it. The last is the cell's own. From the first to the second go the losses to recombination that is
not radiative (by voltage and by ideality), from the second to the third those to transport, of which the resistances
outside the layers take the part that they take from the pseudo curve. Of arrays and numbers only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perotwin.constants import Boltzmann, elementary_charge
from perotwin.errors import InputError

__all__ = [
    "FillFactors",
    "Losses",
    "Pseudo",
    "diode",
    "green",
    "local_ideality",
    "of_lights",
    "pseudo_top",
    "split",
    "thermal_voltage",
]

F64 = NDArray[np.float64]

#: least voltage over n kT/q for which Green's formula is said to be right to 1e-4
_GREEN_FROM = 10.0
#: looks for the top of a pseudo curve between the logarithms of two neighbouring lights
_LOOKS = 60


def thermal_voltage(temperature: float) -> float:
    """kT/q in V of a temperature in K."""
    return float(Boltzmann * temperature / elementary_charge)


def green(voltage: ArrayLike, temperature: float, ideality: float = 1.0) -> F64:
    """Fill factor of a diode without resistances, (v - ln(v + 0.72)) / (v + 1) with v = qV / n kT.

    M. A. Green, Solar Cells 7, 337 (1982), doi:10.1016/0379-6787(82)90057-6; right to 1e-4 for v above 10.

    Args:
        voltage: open-circuit voltage, V, of any shape. temperature: K. ideality: n.

    Returns:
        The same shape, as a fraction; NaN where v is below 10.
    """
    v = np.asarray(voltage, float) / (ideality * thermal_voltage(temperature))
    safe = np.maximum(v, 1.0)
    return np.asarray(np.where(v >= _GREEN_FROM, (safe - np.log(safe + 0.72)) / (safe + 1.0), np.nan))


def diode(voltage: float, temperature: float, ideality: float = 1.0) -> float:
    """The same exactly, by Newton's method on the point of maximum power; any voltage above zero."""
    v = voltage / (ideality * thermal_voltage(temperature))
    if not v > 0.0:
        return float("nan")
    # of u = qV / n kT: (1 + u) exp(u) = exp(v), in the logarithm
    u = max(v - np.log1p(v), 1e-12)
    for _ in range(60):
        step = (u + np.log1p(u) - v) / (1.0 + 1.0 / (1.0 + u))
        u -= step
        if abs(step) < 1e-14 * v:
            break
    return float(u / v * -np.expm1(u - v) / -np.expm1(-v))


def local_ideality(suns: ArrayLike, voltage: ArrayLike, temperature: float) -> tuple[F64, F64]:
    """Ideality between neighbouring lights, (q / kT) dVoc / dln(suns).

    Args:
        suns: (K,) above zero, ascending, each once. voltage: (K,) V. temperature: K.

    Returns:
        (K - 1,) suns in the geometric middle, and ideality there.
    """
    logarithm = np.log(np.asarray(suns, float))
    slope = np.diff(np.asarray(voltage, float)) / np.diff(logarithm)
    return np.exp(0.5 * (logarithm[1:] + logarithm[:-1])), slope / thermal_voltage(temperature)


@dataclass(frozen=True)
class Pseudo:
    """What the curve of open-circuit voltages gives at best.

    Attributes:
        ff: its fill factor. voltage: of its maximum power, V. suns: at which that voltage is the open-circuit one.
    """

    ff: float
    voltage: float
    suns: float


def pseudo_top(suns: ArrayLike, voltage: ArrayLike, voc: float, resistance_drop: float = 0.0) -> Pseudo:
    """The top of the pseudo curve, current 1 - suns (of that at short circuit) at the voltage of so many suns.

    The voltage goes between points by monotone cubics in the logarithm of the light.

    Args:
        suns: (K,) part of the light that the curve is of, above zero, ascending, each once.
        voltage: (K,) open-circuit voltage, V.
        voc: the same at one, V.
        resistance_drop: what a series resistance takes from the voltage at the whole short-circuit current, V; 0 for
            the pseudo curve itself.

    Returns:
        NaN where there are fewer than four points or the top is not among them.
    """
    from scipy.interpolate import PchipInterpolator

    suns, voltage = np.asarray(suns, float), np.asarray(voltage, float)
    unknown = Pseudo(np.nan, np.nan, np.nan)
    if suns.size < 4 or not voc > 0.0:
        return unknown
    logarithm = np.log(suns)
    curve = PchipInterpolator(logarithm, voltage)
    looks = np.linspace(logarithm[0], min(logarithm[-1], 0.0), _LOOKS * suns.size)

    def power(at: F64) -> F64:
        current = -np.expm1(at)
        return np.asarray((curve(at) - resistance_drop * current) * current)

    values = power(looks)
    best = int(np.argmax(values))
    if best in (0, looks.size - 1):
        return unknown
    # a parabola through the three about the top
    before, here, after = values[best - 1 : best + 2]
    bend = before - 2.0 * here + after
    share = 0.5 * (before - after) / bend if bend < 0.0 else 0.0
    at = looks[best] + share * (looks[1] - looks[0])
    most = float(max(power(np.array(at)), here))
    # where a leak takes much of the current a resistance makes that at 0 V smaller as well
    left = curve(looks) + resistance_drop * np.expm1(looks)
    below = np.flatnonzero(left < 0.0)
    short = 1.0 if not below.size else -float(np.expm1(np.interp(0.0, left[below[-1] :], looks[below[-1] :])))
    return Pseudo(most / (voc * short), float(curve(at)), float(np.exp(at)))


@dataclass(frozen=True)
class FillFactors:
    """Fill factors of one cell, as fractions.

    Attributes:
        radiative: of the radiative limit. pseudo: of the open-circuit voltages. actual: of the cell.
        resistive: of the pseudo curve with the resistances outside the layers; None where these are not known.
    """

    radiative: float
    pseudo: float
    actual: float
    resistive: float | None = None


def of_lights(
    suns: ArrayLike,
    voltage: ArrayLike,
    *,
    voc: float,
    actual: float,
    temperature: float,
    resistance_drop: float | None = None,
    radiative_voc: float | None = None,
    junctions: int = 1,
) -> FillFactors:
    """Fill factors of a cell from its open-circuit voltages under many lights and its own fill factor.

    Args:
        suns: (K,) part of the light that the cell's curve is of, above zero, ascending, each once.
        voltage: (K,) open-circuit voltage, V. voc: the same at one, V. actual: fill factor of the curve.
        temperature: K.
        resistance_drop: series resistance outside the layers times the short-circuit current, V; None where the
            resistance is not known.
        radiative_voc: open-circuit voltage of the radiative limit, V; the cell's own stands for it where it is None.
        junctions: in series; the ideality of the limit is one for each.
    """
    limit = float(green(voc if radiative_voc is None else radiative_voc, temperature, float(junctions)))
    pseudo = pseudo_top(suns, voltage, voc).ff
    resistive = None if resistance_drop is None else pseudo_top(suns, voltage, voc, resistance_drop).ff
    return FillFactors(limit, pseudo, actual, resistive)


@dataclass(frozen=True)
class Losses:
    """Fill factor lost, as fractions that add up to the radiative less the actual one.

    Attributes:
        nonradiative: from the radiative limit to the pseudo curve. transport: from there to the cell.
        series: of that what the resistances outside the layers take; NaN where they are not known.
        layers: the rest of it: transport in the layers and over their faces.
    """

    nonradiative: float
    transport: float
    series: float
    layers: float


def split(found: FillFactors) -> Losses:
    """Losses between fill factors.

    Raises:
        InputError: a fill factor that is none, such as one in percent.
    """
    given = (found.radiative, found.pseudo, found.actual, found.resistive)
    for one in given:
        if one is not None and np.isfinite(one) and not 0.0 <= one <= 1.0:
            raise InputError(f"a fill factor of {one:g} is none.", "Give fractions: 0.82, not 82.", key="ff")
    transport = found.pseudo - found.actual
    series = np.nan if found.resistive is None else found.pseudo - found.resistive
    return Losses(found.radiative - found.pseudo, transport, series, transport - series)
