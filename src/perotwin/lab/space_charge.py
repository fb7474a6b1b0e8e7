"""Currents of one carrier through a film: closed formulas, and readings of a curve of current against voltage.

A thick film between two contacts that give all the carriers it asks for carries, without traps, Mott and Gurney's
current (N. F. Mott, R. W. Gurney, Electronic Processes in Ionic Crystals, 1940; M. A. Lampert, Phys. Rev. 103, 1648
(1956), doi:10.1103/PhysRev.103.1648)

    J = 9/8 eps mu V^2 / d^3,

and Nt deep traps hold it back until all are filled, near V_TFL = q Nt d^2 / 2 eps. Three other things make a curve rise
as if it had traps: a built-in voltage, below which the current is that of a diode; charge that diffuses in from the
contacts, a density of the order of N = 27/4 kT eps / (q^2 d^2); and ions, which screen what is trapped (V. M. Le Corre
et al., ACS Energy Lett. 6, 1087 (2021), doi:10.1021/acsenergylett.0c02599).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Reading",
    "diffused_charge",
    "mobility",
    "mott_gurney",
    "read",
    "slopes",
    "trap_density",
    "trap_filled_voltage",
]

F64 = NDArray[np.float64]

_Q, _KB, _EPS0 = 1.602176634e-19, 1.380649e-23, 8.8541878128e-12

#: the slope at a point is that of a line through its neighbours within this distance, in ln V, and at least so many
_REACH, _NEIGHBOURS = 0.12, 5
#: the tangent is that of all points about the steepest one with slopes of this part of its own
_NEARLY = 0.9
#: a curve rises as traps make it where its slope is above this somewhere; without any it stays below two
TRAPS = 2.5
#: Mott and Gurney's law is looked for between the highest voltage and this part of it, where slopes lie in between
_TOP, _SQUARE = 0.4, (1.55, 3.0)
_FEW = 5


def mott_gurney(voltage: F64, mobility: float, permittivity: float, thickness: float) -> F64:
    """Current density (A m^-2) without traps, ions and a built-in voltage.

    Args:
        voltage: (K,) V. mobility: m^2/(V s). permittivity: relative. thickness: m.
    """
    return np.asarray(
        9.0 / 8.0 * _EPS0 * permittivity * mobility * np.asarray(voltage, float) ** 2 / thickness**3
    )


def mobility(slope: float, permittivity: float, thickness: float) -> float:
    """Mobility (m^2/(V s)) of a slope of the root of the current density against the voltage, A^0.5 m^-1 V^-1."""
    return 8.0 / 9.0 * slope**2 * thickness**3 / (_EPS0 * permittivity)


def trap_filled_voltage(density: float, permittivity: float, thickness: float) -> float:
    """Voltage (V) that fills so many traps (m^-3) of a film."""
    return _Q * density * thickness**2 / (2.0 * _EPS0 * permittivity)


def trap_density(voltage: float, permittivity: float, thickness: float) -> float:
    """Density (m^-3) of traps that such a voltage (V) fills."""
    return 2.0 * _EPS0 * permittivity * voltage / (_Q * thickness**2)


def diffused_charge(temperature: float, permittivity: float, thickness: float) -> float:
    """Density (m^-3) of the size that charge from the contacts has in a film, whatever it holds itself.

    It is that of an undoped film in a Mott-Schottky plot, here as the scale below which a density of traps
    cannot be told.
    """
    return 27.0 / 4.0 * _KB * temperature * _EPS0 * permittivity / (_Q * thickness) ** 2


@dataclass(frozen=True)
class Reading:
    """What one branch of a curve shows. NaN where it does not.

    Attributes:
        voltage, current: (K,) V and A m^-2, positive and rising.
        slope: (K,) d ln J / d ln V.
        square: (A^0.5 m^-1 V^-1) of the root of the current at the highest voltages; square_error: of it; shift: V at
            which that line meets zero; end: mean slope there.
        steepest: V of the largest slope; most: that slope.
        crossing: V at which the steepest tangent meets Mott and Gurney's line; crossing_error: of the fits.
        tangents: V at which it meets the ohmic line of the beginning.
        diode: kT/q dlnJ/dV at the steepest point, 1 for an ideal diode.
        ohmic: A m^-2 V^-1 of the beginning, where the slope is that of ohm's law.
    """

    voltage: F64
    current: F64
    slope: F64
    square: float
    square_error: float
    shift: float
    end: float
    steepest: float
    most: float
    crossing: float
    crossing_error: float
    tangents: float
    diode: float
    ohmic: float


def slopes(voltage: F64, current: F64) -> F64:
    """Slopes of ln J against ln V, (K,), by lines through neighbouring points."""
    x, y = np.log(voltage), np.log(current)
    slope = np.empty(x.size)
    for i in range(x.size):
        near = np.flatnonzero(np.abs(x - x[i]) <= _REACH)
        if near.size < _NEIGHBOURS:
            begin = min(max(i - _NEIGHBOURS // 2, 0), x.size - _NEIGHBOURS)
            near = np.arange(begin, begin + _NEIGHBOURS)
        off = x[near] - x[near].mean()
        slope[i] = float(off @ y[near] / (off @ off))
    return slope


def _tangent(v: F64, j: F64, slope: F64, top: int) -> tuple[float, float, float, float]:
    """The line through the points about the steepest one whose slopes are nearly as large: chance makes one of them the
    largest.

    Returns:
        ln V and ln J of its middle, its slope and the standard error of that.
    """
    steep = slope >= _NEARLY * slope[top]
    first = top - int(np.argmin(np.append(steep[: top + 1][::-1], False))) + 1
    last = top + int(np.argmin(np.append(steep[top:], False)))
    if last - first < _NEIGHBOURS:
        first = min(max(top - _NEIGHBOURS // 2, 0), v.size - _NEIGHBOURS)
        last = first + _NEIGHBOURS
    x, y = np.log(v[first:last]), np.log(j[first:last])
    off = x - x.mean()
    made = float(off @ y / (off @ off))
    left = y - y.mean() - made * off
    error = float(np.sqrt(left @ left / (x.size - 2) / (off @ off)))
    return float(x.mean()), float(y.mean()), made, error


def read(
    voltage: F64, current: F64, permittivity: float, thickness: float, temperature: float
) -> Reading | None:
    """Read one branch of a curve; None where fewer than ten points of it are known.

    Args:
        voltage, current: (K,) V and A m^-2 of one polarity and direction, of either sign.
        permittivity: relative. thickness: m. temperature: K.
    """
    v, j = np.abs(np.asarray(voltage, float)), np.abs(np.asarray(current, float))
    good = np.isfinite(v) & np.isfinite(j) & (v > 0.0) & (j > 0.0)
    v, j = v[good], j[good]
    order = np.argsort(v, kind="stable")
    v, j = v[order], j[order]
    fresh = np.concatenate([[True], np.diff(v) > 1e-9 * v[1:]]) if v.size else np.zeros(0, bool)
    v, j = v[fresh], j[fresh]
    if v.size < 2 * _NEIGHBOURS:
        return None
    slope = slopes(v, j)
    square, square_error, shift, end, begin = _square_law(v, j, slope)
    nan = np.nan
    # the rise lies below the square law
    rise = np.flatnonzero(v <= begin) if np.isfinite(begin) else np.arange(v.size)
    top = int(rise[np.argmax(slope[rise])]) if rise.size else int(np.argmax(slope))
    most = float(slope[top])
    diode = _KB * temperature / _Q * most / float(v[top])
    ohm = _ohmic(v, j, slope)
    crossing = crossing_error = tangents = nan
    if most > TRAPS:
        x, y, most, wrong = _tangent(v, j, slope, top)
        if np.isfinite(square):
            gap = 2.0 * (np.log(square) + x) - y
            crossing = float(np.exp(x + gap / (most - 2.0)))
            # of the tangent's slope and of the line's height
            parts = gap / (most - 2.0) ** 2 * wrong, 2.0 * square_error / square / (most - 2.0)
            crossing_error = crossing * float(np.hypot(*parts))
        if np.isfinite(ohm):
            tangents = float(np.exp(x + (np.log(ohm) + x - y) / (most - 1.0)))
    return Reading(
        v, j, slope, square, square_error, shift, end, float(v[top]), float(slope[top]), crossing,
        crossing_error, tangents, diode, ohm,
    )  # fmt: skip


def _square_law(v: F64, j: F64, slope: F64) -> tuple[float, float, float, float, float]:
    """The line through the root of the current at the highest voltages, where it is one.

    Returns:
        Its slope and standard error, where it meets zero (V), the mean slope of ln J against ln V there, and the
        lowest voltage (V) that it was fitted to; NaN but for the mean slope where the current is not as the square.
    """
    here = v >= _TOP * v[-1]
    if here.sum() < _FEW:
        here = np.arange(v.size) >= v.size - _FEW
    end = float(slope[here].mean())
    last = float(slope[here][-max(int(here.sum()) // 3, 1) :].mean())
    none = np.nan
    if not _SQUARE[0] <= end <= _SQUARE[1] or not _SQUARE[0] <= last <= _SQUARE[1]:
        return none, none, none, end, none
    x, y = v[here], np.sqrt(j[here])
    # errors of currents are parts of them
    weight = 1.0 / y**2
    mean = float(weight @ x / weight.sum())
    off = x - mean
    scatter = float(weight @ off**2)
    line = float(weight @ (off * y)) / scatter
    middle = float(weight @ y / weight.sum())
    left = y - middle - line * off
    from scipy.stats import t

    variance = float(weight @ left**2) / (x.size - 2) / scatter
    error = float(np.sqrt(variance)) * float(t.ppf(0.8413447, x.size - 2))
    if not line > 0.0:
        return none, none, none, end, none
    return line, error, mean - middle / line, end, float(x[0])


def _ohmic(v: F64, j: F64, slope: F64) -> float:
    """Conductance per area (A m^-2 V^-1) of the beginning, NaN where the slope there is not one."""
    first = np.flatnonzero(np.abs(slope - 1.0) < 0.1)
    if not first.size or first[0] > _NEIGHBOURS:
        return np.nan
    run = first[: int(np.argmax(np.diff(np.append(first, -5)) != 1)) + 1]
    return float(np.exp(np.mean(np.log(j[run] / v[run]))))
