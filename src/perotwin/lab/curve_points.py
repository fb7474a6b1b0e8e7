"""Short circuit, open circuit and maximum power read off the points of a current-voltage curve."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ascending", "astm_e1036", "oriented", "pchip", "sweeps"]

F64 = NDArray[np.float64]

#: steps of the voltage within which a current that vanishes does so at zero volts: that of a dark curve
_DARK = 2.0


def oriented(voltage: F64, current: F64) -> tuple[F64, F64, str]:
    """A curve in this package's convention of the current (power out is positive), whichever it was taken in.

    A cell gives power between its short circuit and its open circuit, which lies at positive voltage where plus and
    minus are not exchanged; one where they are is left as it is. Without a photocurrent the current falls with the
    voltage in this convention.

    Args:
        voltage, current: (K,), by ascending voltage, finite.

    Returns:
        Both, and in words what was turned round; "" where nothing was.
    """
    if voltage.size < 2:
        return voltage, current, ""
    crossings = voltage[:-1][np.sign(current[:-1]) * np.sign(current[1:]) <= 0.0]
    nearest = float(crossings[np.argmin(np.abs(crossings))]) if crossings.size else np.nan
    at_zero = float(np.interp(0.0, voltage, current))
    if at_zero == 0.0 or abs(nearest) <= _DARK * float(np.median(np.diff(voltage))):
        turned = bool(current[-1] > current[0])
    else:
        turned = at_zero < 0.0 and not nearest < 0.0
    return voltage, -current if turned else current, "the sign of the current turned round" if turned else ""


def sweeps(voltage: F64, current: F64) -> dict[str, tuple[F64, F64]]:
    """The sweeps of one array that goes there and back, by direction; {"": ...} of one that goes one way.

    Args:
        voltage, current: (K,) in the order in which they were taken, finite.

    Returns:
        Direction ("forward" is towards positive voltage), in the order in which they were taken -> voltage and
        current, by ascending voltage.
    """
    steps = np.sign(np.diff(voltage))
    moving = steps[steps != 0.0]
    if moving.size and not (moving == moving[0]).all():
        turn = int(np.argmax(voltage) if moving[0] > 0.0 else np.argmin(voltage))
        parts = [(voltage[: turn + 1], current[: turn + 1]), (voltage[turn:], current[turn:])]
        one_way = [np.unique(np.sign(np.diff(v))[np.diff(v) != 0.0]).size == 1 for v, _ in parts]
        if all(one_way):
            names = ["forward", "reverse"] if moving[0] > 0.0 else ["reverse", "forward"]
            return {name: ascending(*part) for name, part in zip(names, parts, strict=True)}
    return {"": ascending(voltage, current)}


def ascending(voltage: F64, current: F64) -> tuple[F64, F64]:
    """By ascending voltage; where a voltage stands twice, the mean of its currents."""
    places, which, count = np.unique(voltage, return_inverse=True, return_counts=True)
    return places, np.bincount(which, weights=current) / count


def pchip(voltage: F64, current: F64) -> tuple[float, float, float, float]:
    """Jsc, Voc, Vmp, Jmp from monotone cubics (Fritsch and Carlson, doi:10.1137/0717021).

    voltage, current: (K,) V, ascending, and A m^-2, positive = power out. What the points do not reach is NaN.
    """
    from scipy.interpolate import PchipInterpolator

    if voltage.size < 4 or np.any(np.diff(voltage) <= 0.0):
        return np.nan, np.nan, np.nan, np.nan
    curve = PchipInterpolator(voltage, current, extrapolate=False)
    jsc = float(curve(0.0)) if voltage[0] <= 0.0 <= voltage[-1] else np.nan
    roots = [root for root in curve.roots(extrapolate=False) if root > 0.0 and curve(root, 1) < 0.0]
    voc = float(roots[0]) if roots else np.nan
    return jsc, voc, *_peak(voltage, current, curve)


def _peak(voltage: F64, current: F64, curve: Any) -> tuple[float, float]:
    """Voltage and current of largest power between the points; the power is a quartic on each piece."""
    from scipy.interpolate import PPoly

    power = voltage * current
    best = int(np.argmax(power))
    if not power[best] > 0.0:
        return np.nan, np.nan
    first, last = max(best - 2, 0), min(best + 2, voltage.size - 1)
    pieces = PPoly(curve.c[:, first:last], curve.x[first : last + 1])
    # V = x - x_i + x_i on piece i
    c = pieces.c
    quartic = np.zeros((5, c.shape[1]))
    quartic[:4] += c
    quartic[1:] += pieces.x[:-1] * c
    product = PPoly(quartic, pieces.x)
    spots = product.derivative().roots(extrapolate=False)
    candidates = np.append(spots[np.isfinite(spots)], voltage[best])
    values = candidates * curve(candidates)
    top = float(candidates[int(np.nanargmax(values))])
    return top, float(curve(top))


def astm_e1036(voltage: F64, current: F64) -> tuple[float, float, float, float]:
    """Jsc, Voc, Vmp, Jmp as ASTM E1036 has it: lines through the axes, a quartic of the power about its maximum.

    The standard fits current against voltage within 20 % of Voc about V = 0, voltage against current within 20 % of
    Jsc about J = 0, each time the three nearest points where fewer lie there, and power where voltage and current
    exceed 75 % (up to 115 %) of their values at maximum power.
    voltage, current: as of `pchip`.
    """
    if voltage.size < 5 or not voltage[0] <= 0.0:
        rough = pchip(voltage, current)
        return rough[0], rough[1], np.nan, np.nan
    rough_jsc, rough_voc, _, _ = pchip(voltage, current)
    if not np.isfinite(rough_jsc) or not np.isfinite(rough_voc):
        return rough_jsc, rough_voc, np.nan, np.nan
    near = _within(voltage, 0.2 * rough_voc)
    jsc = float(np.polyval(np.polyfit(voltage[near], current[near], 1), 0.0))
    near = _within(current, 0.2 * rough_jsc)
    voc = float(np.polyval(np.polyfit(current[near], voltage[near], 1), 0.0))
    power = voltage * current
    best = int(np.argmax(power))
    near = (
        (current >= 0.75 * current[best])
        & (current <= 1.15 * current[best])
        & (voltage >= 0.75 * voltage[best])
        & (voltage <= 1.15 * voltage[best])
    )
    if near.sum() < 6:
        return jsc, voc, float(voltage[best]), float(current[best])
    quartic = np.polyfit(voltage[near], power[near], 4)
    roots = np.roots(np.polyder(quartic))
    inside = [
        float(r.real) for r in roots if abs(r.imag) < 1e-9 and voltage[near][0] <= r.real <= voltage[near][-1]
    ]
    if not inside:
        return jsc, voc, float(voltage[best]), float(current[best])
    vmp = max(inside, key=lambda v: float(np.polyval(quartic, v)))
    return jsc, voc, vmp, float(np.polyval(quartic, vmp)) / vmp


def _within(values: F64, limit: float) -> NDArray[np.bool_]:
    """(K,) the values within a distance of zero, or the three nearest to it."""
    near: NDArray[np.bool_] = np.abs(values) <= limit
    if int(near.sum()) < 3:
        near[np.argsort(np.abs(values), kind="stable")[:3]] = True
    return near
