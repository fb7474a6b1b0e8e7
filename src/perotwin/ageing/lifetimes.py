"""What a test of hours tells: T95, T80, burn-in, Ts80, energy, each with the word that says how it came about.

Definitions as agreed (M. V. Khenkin et al., Nat. Energy 5, 35 (2020), doi:10.1038/s41560-019-0529-5): T80 from the
first power, of a cell that first rises from its highest one with the time still counted from the start; Ts80 from the
end of the burn-in; of cycled light from the energy of each cycle. What lies beyond the test is an extrapolation by
the curve that fits best (`lab.degradation`), and called so.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.lab import degradation, tracked_power
from perotwin.measurement.metrics import Metric, Metrics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perotwin.ageing.conditions import Stretch
    from perotwin.ageing.degradation import Course

__all__ = ["EXTRAPOLATED", "MEASURED", "SIMULATED", "evenly", "label_of", "readings"]

F64 = NDArray[np.float64]

MEASURED, SIMULATED, EXTRAPOLATED = "measured", "simulated", "extrapolated"
#: points of a course that is looked at evenly
_POINTS = 1500
#: s, of eta1000
_THOUSAND = 3.6e6
#: part by which a cell must rise for its highest power to count
_RISES = 1e-3


def label_of(metric: Metric) -> str:
    """How a reading came about, the first word of its method."""
    word = (metric.method or "").partition(":")[0]
    return word if word in (MEASURED, SIMULATED, EXTRAPOLATED) else ""


def readings(course: Course, stretches: Sequence[Stretch], rounds: int = 1) -> Metrics:
    """What a simulated course tells.

    Args:
        course: of the cell. stretches, rounds: what it went through.

    Returns:
        `t95`, `t80`, `burn_in`, `ts80` (s), `retained` at the end, `energy_yield` (J m^-2 of what was tracked),
        `eta1000` (power after 1,000 h over the first).
    """
    time, power, words = _series(course, stretches, rounds)
    found: dict[str, Metric] = {}
    top = int(np.argmax(power))
    rises = power[top] > power[0] * (1.0 + _RISES)
    first = float(power[top] if rises else power[0])
    of = f"of the highest power, at {degradation.span(time[top])}" if rises else "of the first power"
    even, values = evenly(time, power)
    fits = (
        degradation.fit(even, values)
        if float(np.ptp(even)) >= degradation.SHORTEST and np.ptp(values) > 1e-6 * first
        else []
    )
    for name, part in (("t95", 0.95), ("t80", 0.8)):
        found[name] = _crossing(time, power, part * first, f"{part:.0%} {of}{words}", fits)
    found["retained"] = Metric(float(power[-1] / first), "1", f"{SIMULATED}: {of}, at the end{words}")
    found |= _burn_in(even, values, words)
    if course.energy > 0.0:
        found["energy_yield"] = Metric(course.energy, "J m-2", f"{SIMULATED}: over the time that was tracked")
    if time[-1] >= _THOUSAND:
        left = float(np.interp(_THOUSAND, time, power) / first)
        found["eta1000"] = Metric(left, "1", f"{SIMULATED}: {of}{words}")
    elif fits:
        left = float(fits[0].at(_THOUSAND - even[0])[0]) / first
        found["eta1000"] = Metric(left, "1", f"{EXTRAPOLATED}: {of}, {fits[0].model}{words}")
    return Metrics(found)


def evenly(time: F64, power: F64, points: int = _POINTS) -> tuple[F64, F64]:
    """A course at even moments, monotone cubics between its own."""
    from scipy.interpolate import PchipInterpolator

    keep = np.concatenate([[True], np.diff(time) > 0.0])
    if int(keep.sum()) < 2:
        return time[keep], power[keep]
    grid = np.linspace(float(time[0]), float(time[-1]), points)
    # most happens early: in the root of time a course is smoother
    return grid, np.asarray(PchipInterpolator(np.sqrt(time[keep]), power[keep])(np.sqrt(grid)))


def _series(course: Course, stretches: Sequence[Stretch], rounds: int) -> tuple[F64, F64, str]:
    """Moments and power that lifetimes are read from: of cycled light the mean power of each cycle."""
    good = np.isfinite(course.power)
    cycled = len(stretches) > 1 and any(one.light > 0.0 for one in stretches)
    if not cycled or rounds < 3:
        return course.time[good], course.power[good], ""
    period = sum(one.duration for one in stretches)
    edges = period * np.arange(rounds + 1)
    moments, means = [], []
    for low, high in pairwise(edges):
        here = good & (course.time >= low) & (course.time <= high) & (course.light > 0.0)
        if int(here.sum()) > 1:
            moments.append(0.5 * (low + high))
            t, p = course.time[here], course.power[here]
            means.append(float(np.trapezoid(p, t) / (t[-1] - t[0])))
    return np.array(moments), np.array(means), "; by the energy of each cycle"


def _crossing(time: F64, power: F64, level: float, words: str, fits: Sequence[degradation.Fit]) -> Metric:
    """When a course falls below a level for good."""
    even, values = evenly(time, power, 20 * _POINTS)
    at = degradation.crossing(even, values, level)
    if np.isfinite(at):
        return Metric(at, "s", f"{SIMULATED}: {words}")
    if not fits:
        return Metric(np.nan, "s", f"not reached: {values[-1] / values[0]:.1%} are left at the end; {words}")
    # the curve's own first value differs from that of the course: the level is the course's
    curve, start = fits[0], float(even[0])
    high = float(even[-1])
    for _ in range(60):
        if float(curve.at(high - start)[0]) <= level:
            break
        high *= 1.3
    else:
        return Metric(np.nan, "s", f"not reached, and by the {curve.model} never; {words}")
    low = float(even[-1])
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if float(curve.at(middle - start)[0]) > level else (low, middle)
    return Metric(high, "s", f"{EXTRAPOLATED}: {words}, {curve.model}, {high / even[-1]:.2g} times the test")


def _burn_in(time: F64, power: F64, words: str) -> dict[str, Metric]:
    """Ts and Ts80, as of a measured trace."""
    if float(np.ptp(time)) < degradation.SHORTEST:
        return {}
    read, _, _ = tracked_power.lifetimes(tracked_power.tracked(time, power))
    found = {}
    for name in ("burn_in", "ts80"):
        one = read[name]
        label = f"{SIMULATED}: " if np.isfinite(one.value) else ""
        found[name] = Metric(one.value, one.unit, f"{label}{one.method}{words}", one.uncertainty)
    return found
