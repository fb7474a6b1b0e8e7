"""How well a curve's points tell what is read from them: their noise, their step, and the slopes at both axes.

The noise of the current is what four neighbours on a cubic do not foretell of a point. Curves with as much noise as
that again are read in the same way: by how much those readings scatter and lie off is the uncertainty. What the step
does is told by reading every second point. The voltages are taken as exact; what is wrong in all points alike (area,
intensity and spectrum of the light, temperature) no curve tells of itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from perotwin.lab import curve_points

__all__ = ["NAMES", "Resistance", "Top", "noise", "resistances", "spread", "top_in_noise"]

F64 = NDArray[np.float64]
#: Jsc, Voc, Vmp, Jmp of a curve (K,) V and (K,) A m^-2
Reader = Callable[[F64, F64], tuple[float, float, float, float]]

#: what `spread` knows the uncertainty of
NAMES = ("voc", "jsc", "ff", "power", "vmp", "jmp")
#: curves with more noise that are read, and the seed of that noise: the same points give the same uncertainty
_DRAWS, _SEED = 120, 20
#: the same where each takes a fit of its own
_DRAWS_OF_FITS = 40
#: fewest points that tell a noise
_FEWEST = 10
#: residuals beyond so many times the usual one are curvature or jumps and no noise
_OUTLIER = 5.0
#: voltages at which a drawn curve's power is looked at, and how many standard deviations of it below the top they end
_LOOKS, _BELOW = 121, 6.0
#: points whose power is within so many standard deviations of the largest, how many of them make that a matter of
#: chance, and the part of the largest from which on points tell it instead
_CLOSE, _MANY, _ABOUT = 3.0, 5, 0.95
#: degree of the polynomial through them: the power of a diode is one of the fifth degree within its noise there
_DEGREE = 5
#: by how much more every second point scatters what is read
_HALVES = 2.0
#: cubics that miss the curve by a step of second order miss it four times as much at twice the step
_ORDER = 2.0
#: part of Voc about 0 V that the slope at short circuit is of; V about Voc, or steps, that the slope there is of
_SHUNT_RANGE, _SERIES_RANGE, _SERIES_STEPS = 0.2, 0.03, 2.5
#: what a fit of a slope leaves over is more than noise from so many times that on
_BENT = 3.5
#: a slope is told from none by so many of its standard errors
_TOLD = 2.0


def noise(voltage: F64, current: F64) -> float:
    """Standard deviation of the current's noise, A m^-2; NaN of fewer than ten points.

    Args:
        voltage, current: (K,), by ascending voltage, each voltage once.
    """
    count = voltage.size
    if count < _FEWEST:
        return float("nan")
    # weights that no cubic passes: fourth divided differences
    windows = np.lib.stride_tricks.sliding_window_view(voltage, 5)
    apart = windows[:, :, None] - windows[:, None, :]
    apart[:, range(5), range(5)] = 1.0
    weights = 1.0 / np.prod(apart / np.ptp(windows, axis=1)[:, None, None], axis=2)
    values = np.lib.stride_tricks.sliding_window_view(current, 5)
    left = np.sum(weights * values, axis=1) / np.sqrt(np.sum(weights**2, axis=1))
    usual = 1.4826 * float(np.median(np.abs(left)))
    kept = left[np.abs(left) <= _OUTLIER * usual]
    return float(np.sqrt(np.mean(kept**2))) if kept.size else 0.0


@dataclass(frozen=True)
class Top:
    """The maximum of a curve's power by a polynomial through points about it, where noise would lift that of cubics.

    Attributes:
        vmp, jmp: V and A m^-2. points: which of the curve's, (K,) bool.
    """

    vmp: float
    jmp: float
    points: NDArray[np.bool_]


def top_in_noise(voltage: F64, current: F64, size: float) -> Top | None:
    """Maximum power where more than a few points are within their noise of it; None where they are not.

    The largest of many noisy values lies above all that were meant. Args as of `noise`, whose result `size` is.
    """
    power = voltage * current
    best = int(np.argmax(power))
    if not (size > 0.0 and power[best] > 0.0):
        return None
    within = power >= power[best] - _CLOSE * size * voltage[best]
    about = power >= _ABOUT * power[best]
    # without the far side of a curve that falls back into power, such as one with a dip
    about &= np.cumsum(~about) == np.cumsum(~about)[best]
    if (
        int(within.sum()) < _MANY
        or int(about.sum()) < 2 * _MANY
        or not (about[best + 1 :].any() and about[:best].any())
    ):
        return None
    looks, powers = _polynomial(voltage[about], power[about][:, None])
    top = int(np.argmax(powers[:, 0]))
    if top in (0, looks.size - 1):
        return None
    return Top(float(looks[top]), float(powers[top, 0] / looks[top]), about)


def _polynomial(voltage: F64, power: F64) -> tuple[F64, F64]:
    """Voltages (L,) and powers (L, N) of a polynomial through points of N curves: (P,) V and (P, N) W m^-2."""
    middle, half = 0.5 * (voltage[0] + voltage[-1]), 0.5 * (voltage[-1] - voltage[0])
    terms = np.vander((voltage - middle) / half, _DEGREE + 1)
    fitted = np.linalg.pinv(terms) @ power
    share = np.linspace(-1.0, 1.0, 4 * _LOOKS)
    return middle + half * share, np.vander(share, _DEGREE + 1) @ fitted


def spread(
    voltage: F64, current: F64, read: Reader, size: float, *, fits: bool = False, top: Top | None = None
) -> dict[str, float]:
    """Standard uncertainty of what was read from a curve, as far as noise and step tell it.

    Args:
        voltage, current: (K,) V and A m^-2, by ascending voltage, power out positive.
        read: how it was read.
        size: of the noise, A m^-2; 0 where there is none, as in a simulation, NaN where it is not known.
        fits: whether each reading takes fits of its own, instead of cubics through the points; they follow a model,
            and how far that is off is told by the cubics.
        top: how the maximum was found, if not by `read`.

    Returns:
        `NAMES` -> uncertainty in V, A m^-2, W m^-2 or as a fraction; NaN where nothing can be told.
    """
    found = _values(read(voltage, current))
    halves = _of_halves(voltage, current, read, found)
    if not size > 0.0:
        steps = halves / (2.0**_ORDER - 1.0)
        return dict(zip(NAMES, steps if size == 0.0 else np.where(steps > 0.0, steps, np.nan), strict=True))
    chance = np.random.default_rng(_SEED)
    count = _DRAWS_OF_FITS if fits else _DRAWS
    normal = chance.standard_normal((voltage.size, count))
    # so few draws stand for the distribution where each point's have its mean and its width
    normal -= normal.mean(axis=1, keepdims=True)
    drawn = current[:, None] + size * normal / normal.std(axis=1, keepdims=True)
    if fits:
        each = np.array([_values(read(voltage, one)) for one in drawn.T]).T
    else:
        each = _cubics(voltage, drawn, found, current, size)
    base = found
    if top is not None and not fits:
        looks, powers = _polynomial(voltage[top.points], voltage[top.points, None] * drawn[top.points])
        each, base = _with_top(each, looks, powers), _values((found[1], found[0], top.vmp, top.jmp))
    off = each - base[:, None]
    random = np.full(len(NAMES), np.nan)
    for row, values in enumerate(off):
        good = values[np.isfinite(values)]
        if good.size > count // 2:
            random[row] = float(np.sqrt(np.mean(good**2)))
    # halves scatter by the noise as well, about so much more than the whole
    steps = np.sqrt(np.maximum(halves**2 - (_HALVES * random) ** 2, 0.0)) / (2.0**_ORDER - 1.0)
    if top is not None:
        steps[2:] = 0.0
    model = np.zeros(len(NAMES))
    if fits:
        model = np.abs(found - _values(curve_points.pchip(voltage, current)))
    made = np.sqrt(random**2 + np.nan_to_num(steps) ** 2 + np.nan_to_num(model) ** 2)
    return dict(zip(NAMES, made, strict=True))


def _values(read: tuple[float, float, float, float]) -> F64:
    """`NAMES` in their order."""
    jsc, voc, vmp, jmp = read
    power = vmp * jmp
    return np.array([voc, jsc, power / (voc * jsc) if voc * jsc > 0.0 else np.nan, power, vmp, jmp])


def _of_halves(voltage: F64, current: F64, read: Reader, found: F64) -> F64:
    """How far readings of every second point lie from that of all, the farther of both; `NAMES`."""
    if voltage.size < 2 * _FEWEST:
        return np.full(len(NAMES), np.nan)
    halves = np.array([_values(read(voltage[first::2], current[first::2])) for first in (0, 1)])
    off = np.abs(halves - found)
    good = np.isfinite(off)
    return np.where(good.any(axis=0), np.where(good, off, 0.0).max(axis=0), np.nan)


def _cubics(voltage: F64, drawn: F64, found: F64, current: F64, size: float) -> F64:
    """`NAMES` (6, N) of monotone cubics through N drawn curves (K, N), near what was `found` of the undrawn one."""
    from scipy.interpolate import PchipInterpolator

    curves = PchipInterpolator(voltage, drawn, extrapolate=False)
    plain = PchipInterpolator(voltage, current, extrapolate=False)
    voc, _, _, power, vmp, _ = found
    blank = np.full(drawn.shape[1], np.nan)
    opened = voc - curves(voc) / float(plain(voc, 1)) if np.isfinite(voc) else blank
    made = np.array([opened, curves(0.0), blank, blank, blank, blank])
    if not np.isfinite(vmp):
        return made
    best = int(np.argmin(np.abs(voltage - vmp)))
    near = voltage * current >= power - _BELOW * size * vmp
    near[max(best - 1, 0) : best + 2] = True
    looks = np.linspace(max(float(voltage[near].min()), 0.0), float(voltage[near].max()), _LOOKS)
    return _with_top(made, looks, looks[:, None] * curves(looks))


def _with_top(each: F64, looks: F64, powers: F64) -> F64:
    """`NAMES` (6, N) with the largest of the powers (L, N) at voltages (L,)."""
    top = np.argmax(np.where(np.isfinite(powers), powers, -np.inf), axis=0)
    most = powers[top, np.arange(powers.shape[1])]
    opened, jsc = each[:2]
    return np.array([opened, jsc, most / (opened * jsc), most, looks[top], most / looks[top]])


class Resistance(NamedTuple):
    """What a slope looks like as a resistance, ohm m^2.

    Attributes:
        value: NaN where it is not known. error: its standard error.
        least: what it is larger than, where the slope is none within twice its error; else NaN.
    """

    value: float
    error: float
    least: float = np.nan


def resistances(
    voltage: F64, current: F64, voc: float, size: float = np.nan
) -> tuple[Resistance, Resistance]:
    """What the slopes of a curve at both axes look like as resistances.

    Args:
        voltage, current: (K,) V and A m^-2, by ascending voltage, power out positive. voc: V.
        size: of the noise, A m^-2; NaN where it is not known: then what the fits leave over stands for it.

    Returns:
        -dV/dJ at open circuit, of a quartic of the current within 30 mV or 2.5 steps of it, and -dV/dJ at 0 V, of a
        line within a fifth of Voc.
    """
    if voltage.size < 4 or not np.isfinite(voc):
        return Resistance(np.nan, np.nan), Resistance(np.nan, np.nan)
    reach = max(_SERIES_RANGE, _SERIES_STEPS * float(np.median(np.diff(voltage))))
    steep = _slope(voltage, current, (voc, reach, 4), size)
    flat = _slope(voltage, current, (0.0, _SHUNT_RANGE * voc, 1), size)
    return _inverse(*steep), _inverse(*flat)


def _slope(voltage: F64, current: F64, window: tuple[float, float, int], size: float) -> tuple[float, float]:
    """dJ/dV (S m^-2) at a place from a polynomial through the points near it, and its standard error.

    window: the place, how far from it points lie (V), and the degree.
    """
    place, reach, degree = window
    near = np.abs(voltage - place) <= reach * (1.0 + 1e-9)
    count = int(near.sum())
    known = size > 0.0
    degree = min(degree, count - 1 if known else count - 2)
    if degree < 1 or not (voltage[near][0] <= place <= voltage[near][-1]):
        return np.nan, np.nan
    terms = np.vander((voltage[near] - place) / reach, degree + 1, increasing=True)
    inverse = np.linalg.pinv(terms)
    fitted = inverse @ current[near]
    free = count - degree - 1
    left = current[near] - terms @ fitted
    variance = max(float(left @ left) / free if free else 0.0, 0.0)
    # a curve that is bent within the window leaves more over than its noise
    if known and variance < (_BENT * size) ** 2:
        variance = size**2
    error = float(np.sqrt(variance * (inverse[1] @ inverse[1])))
    return float(fitted[1]) / reach, error / reach


def _inverse(slope: float, error: float) -> Resistance:
    """The resistance of a slope, where it falls with the voltage by more than its error."""
    if not np.isfinite(slope):
        return Resistance(np.nan, np.nan)
    if not -slope > _TOLD * error:
        most = _TOLD * error - slope
        return Resistance(np.nan, np.nan, 1.0 / most if most > 0.0 else np.nan)
    return Resistance(-1.0 / slope, error / slope**2)
