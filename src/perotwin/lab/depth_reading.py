"""Depth profiles read: interfaces, widths, peaks and ratios, of signals against sputter depth or sputter time.

A profile from an instrument is counts of ions against time. Where its roles are known (see `ions`), the same is read
of it as of a simulated one: places in s instead of m, errors from counting.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError
from perotwin.lab import ions
from perotwin.measurement import Metric, Metrics

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "COUNTS",
    "TOTALS",
    "Profile",
    "axis_of",
    "finite",
    "interface_of",
    "metrics",
    "profile",
    "row_of",
    "whole",
]

F64 = NDArray[np.float64]

#: a maximum that is this flat over this share of the axis is a plateau, whose place means nothing
_FLAT, _WIDE = 0.95, 0.1
#: the bulk of a film, as shares of the depth of its buried interface
_BULK = (0.25, 0.75)
#: a decay is read between these shares of the maximum
_DECAY = (0.5, 0.01)
#: shares of an error function one standard deviation before and behind its middle
_SIXTEEN, _EIGHTY_FOUR = 0.158655, 0.841345
#: a row whose maximum is above this is one of counts
COUNTS = 1.0 + 1e-6
#: points that are averaged to find the maximum of counts
_TOGETHER = 7
#: how far from a level points count to its crossing, over the range: of half heights, and of 16 and 84 %
_THIRD, _NARROW = 1.0 / 3.0, 0.12
#: least points through which a crossing is fitted
_ENOUGH = 6
#: why nothing is said of an interface that was not passed
_ENDS = "the profile ends within the film"
#: rows of a profile that are no ions
TOTALS = ("total", "sum", "total ion", "sum of rest")


class Profile(NamedTuple):
    """A profile.

    Attributes:
        place: (P,) depth (m) or time (s), ascending. unit: "m" or "s".
        rows: signal (P,) by role. ions: which ion stands for each role.
        noise: (P,) standard deviation of each row, zero where the signals are no counts.
        tops: maximum of each row, of counts that of their course through the noise; one where the signals are over
            their maxima already. top_errors: standard errors of these.
        weakest: least signal over the maximum that can be told from nothing.
        density: (P,) m^-3 by role, where it is known.
    """

    place: F64
    unit: str
    rows: dict[str, F64]
    ions: dict[str, str]
    noise: dict[str, F64]
    tops: dict[str, float]
    top_errors: dict[str, float]
    weakest: float
    density: dict[str, F64]

    @property
    def step(self) -> float:
        """Mean distance of its points."""
        return float(np.ptp(self.place)) / max(self.place.size - 1, 1)

    @property
    def through(self) -> bool:
        """Whether the profile goes on until the film's signal has fallen to half, as far as that can be told."""
        film = self.rows.get("perovskite")
        return film is None or float(np.median(film[-3:])) < 0.5 * self.tops["perovskite"]


def axis_of(dataset: xr.Dataset) -> tuple[str, str]:
    return ("sputter_time", "s") if "sputter_time" in dataset["signal"].dims else ("sputter_depth", "m")


def row_of(dataset: xr.Dataset, variable: str, name: str) -> F64:
    """A species by its name; by place, since names of ions hold commas and slashes."""
    names = [str(one) for one in dataset["species"].values]
    return np.asarray(dataset[variable], float)[names.index(name)]


def finite(values: F64) -> F64:
    """What is no number counts as no signal: ratios that software adds are infinite where nothing was counted."""
    return np.where(np.isfinite(values), values, 0.0)


def profile(dataset: xr.Dataset, roles: Mapping[str, str] | None = None) -> Profile:
    """The rows of a dataset whose role is known.

    Args:
        dataset: as the analysis takes it. roles: ion -> role, over the dataset's own and the table.

    Raises:
        InputError: as `ions.roles_of`; or the axis does not ascend.
    """
    dataset = whole(dataset)
    axis, unit = axis_of(dataset)
    place = np.asarray(dataset[axis], float)
    if place.size < 3 or not np.all(np.diff(place) > 0.0):
        raise InputError(
            f"the {axis.replace('_', ' ')} of a profile has to ascend over three points or more.",
            "Sort the points, and leave out those that were taken twice.",
            key=axis,
        )
    names = [str(one) for one in dataset["species"].values]
    chosen = ions.roles_of(names, roles if roles is not None else dataset.attrs.get("roles"))
    rows = {role: finite(row_of(dataset, "signal", ion)) for role, ion in chosen.items()}
    noise = {
        role: np.sqrt(np.maximum(row, 1.0)) if row.max(initial=0.0) > COUNTS else np.zeros(row.size)
        for role, row in rows.items()
    }
    normal = abs(max((float(row.max(initial=0.0)) for row in rows.values()), default=0.0) - 1.0) < 1e-6
    found = {role: (1.0, 0.0) if normal else _top(row, noise[role]) for role, row in rows.items()}
    tops, top_errors = ({role: pair[which] for role, pair in found.items()} for which in (0, 1))
    strongest = max((float(row.max(initial=0.0)) for row in rows.values()), default=0.0)
    weakest = 1.0 / strongest if strongest > COUNTS else 1e-4
    density = {}
    if "species_density" in dataset:
        density = {role: row_of(dataset, "species_density", ion) for role, ion in chosen.items()}
    limit = float(dataset.attrs.get("dynamic_range", weakest))
    return Profile(place, unit, rows, chosen, noise, tops, top_errors, limit, density)


def _top(row: F64, noise: F64) -> tuple[float, float]:
    """Maximum of a row and its standard error: with noise the mean of the points around which seven together are the
    highest, or alike within their noise. The highest of many points is one that noise has lifted.
    """
    if not noise.any() or row.size < 2 * _TOGETHER:
        return float(row.max(initial=0.0)), float(noise[int(np.argmax(row))]) if row.size else 0.0
    smooth = np.convolve(row, np.full(_TOGETHER, 1.0 / _TOGETHER), mode="valid")
    best = int(np.argmax(smooth))
    half = _TOGETHER // 2
    error = float(noise[best + half]) / float(np.sqrt(_TOGETHER))
    alike = np.flatnonzero(smooth >= smooth[best] - 3.0 * error) + half
    return float(row[alike].mean()), float(np.sqrt(np.sum(noise[alike] ** 2))) / alike.size


def whole(dataset: xr.Dataset) -> xr.Dataset:
    """A profile without a last point at which the measurement was stopped: less than half of all counts before it."""
    axis, _ = axis_of(dataset)
    total = finite(np.asarray(dataset["signal"], float)).sum(axis=0)
    if total.size > 3 and float(np.nanmax(total)) > len(dataset["species"]) and total[-1] < 0.5 * total[-2]:
        return dataset.isel({axis: slice(0, -1)})
    return dataset


def metrics(seen: Profile) -> Metrics:
    """What a profile says, as the instrument lists it."""
    kind = "depth" if seen.unit == "m" else "time"
    # the time of a peak and that of a decay are other instruments' quantities
    peak, decay = (
        ("peak_depth", "decay_length") if kind == "depth" else ("peak_sputter_time", "decay_sputter_time")
    )
    interface = interface_of(seen)
    found = {f"interface_{kind}": interface}
    for role, side in (("oxide", "rise"), ("perovskite", "fall")):
        if role in seen.rows:
            found[f"interface_half_{side}" + ("" if kind == "depth" else "_time")] = _half(seen, role, side)
    if "oxide" in seen.rows:
        found["interface_width" + ("" if kind == "depth" else "_time")] = _width(seen)
    for role in seen.rows:
        found[f"{peak} {role}"] = _peak(seen, role)
        found[f"half_maximum_span {role}"] = _span(seen, role)
        found[f"enrichment {role}"] = _enrichment(seen, role, interface.value)
        found[f"{decay} {role}"] = _decay(seen, role)
    for role in ("additive", "sam"):
        if role in seen.density:
            found[f"excess {role}"] = _excess(seen, role, interface.value)
    return Metrics(found)


def _named(seen: Profile, role: str) -> str:
    """ " (PO_3-)" where an ion stands for a role."""
    return "" if seen.ions[role] == role else f" ({seen.ions[role]})"


# --- the interface ---------------------------------------------------------------------------------------------------


def _at(
    seen: Profile,
    row: F64,
    noise: F64,
    level: float,
    after: int,
    level_error: float = 0.0,
    share: float = _THIRD,
) -> tuple[float, float]:
    """Where a row crosses a level near the points after - 1 and after, and its error from step, noise and level.

    Without noise that is the line between the two points. With noise it is a cubic through the points on both sides
    whose distance from the level is less than a share of the row's range.
    """
    before = after - 1
    if noise.any():
        window = _window(row, level, after, share)
        if window.size >= _ENOUGH:
            found = _smooth_crossing(seen.place[window], row[window] - level, noise[window], level_error)
            if found is not None:
                return found
    part = (level - row[before]) / (row[after] - row[before])
    place = float(seen.place[before] + part * (seen.place[after] - seen.place[before]))
    slope = abs(row[after] - row[before]) / (seen.place[after] - seen.place[before])
    at_place = np.hypot(noise[before] * (1.0 - part), noise[after] * part)
    by_noise = float(np.hypot(at_place, level_error)) / float(slope)
    # a line between two points is right to the twelfth of their distance, squared, of any shape between them
    by_step = float(seen.place[after] - seen.place[before]) / float(np.sqrt(12.0))
    return place, float(np.hypot(by_noise, by_step))


def _window(row: F64, level: float, after: int, share: float) -> NDArray[np.int64]:
    """Points around a crossing that are nearer to the level than a share of the row's range, in one piece."""
    near = np.abs(row - level) <= share * float(np.ptp(row))
    low = high = after
    # a point that noise throws out does not end the piece, two in a row do
    while low > 0 and (near[low - 1] or (low > 1 and near[low - 2])):
        low -= 1
    while high < row.size - 1 and (near[high + 1] or (high < row.size - 2 and near[high + 2])):
        high += 1
    return np.arange(low, high + 1)


def _smooth_crossing(place: F64, lead: F64, noise: F64, level_error: float) -> tuple[float, float] | None:
    """Zero of a cubic through points with noise, and its standard error; None where it has none among them."""
    centre, scale = float(place.mean()), 0.5 * float(np.ptp(place))
    x = (place - centre) / scale
    terms = np.vander(x, 4)
    weighted = terms / noise[:, None]
    covariance = np.linalg.pinv(weighted.T @ weighted)
    cubic = covariance @ weighted.T @ (lead / noise)
    roots = np.roots(cubic)
    real = np.sort(roots[np.abs(roots.imag) < 1e-9].real)
    real = real[(real >= -1.0) & (real <= 1.0)]
    if real.size == 0:
        return None
    # the course of the points decides the direction: the zero where it is steepest that way
    slopes = np.polyval(np.polyder(cubic), real) * np.sign(lead[-1] - lead[0])
    best = int(np.argmax(slopes))
    if not slopes[best] > 0.0:
        return None
    at = np.vander([real[best]], 4)[0]
    error = float(np.sqrt(at @ covariance @ at + level_error**2)) / float(slopes[best])
    return centre + scale * float(real[best]), scale * error


def interface_of(seen: Profile) -> Metric:
    """Where the oxide's signal rises through the perovskite's; NaN without both."""
    missing = [role for role in ("oxide", "perovskite") if role not in seen.rows]
    if missing:
        return Metric(np.nan, seen.unit, f"no ion stands for {' and '.join(missing)}; say which does (roles)")
    if not seen.through:
        return Metric(np.nan, seen.unit, _ENDS)
    top = {role: seen.tops[role] or 1.0 for role in ("oxide", "perovskite")}
    lead = seen.rows["oxide"] / top["oxide"] - seen.rows["perovskite"] / top["perovskite"]
    first, second = (seen.noise[role] / top[role] for role in ("oxide", "perovskite"))
    noise = np.hypot(first, second)
    behind = int(np.argmax(seen.rows["perovskite"]))
    ahead = np.flatnonzero(lead[behind:] >= 0.0)
    if ahead.size == 0 or behind + ahead[0] == 0:
        return Metric(np.nan, seen.unit, "the oxide does not rise through the perovskite within the profile")
    one, other = (seen.top_errors[role] / top[role] for role in ("oxide", "perovskite"))
    lifted = 0.5 * float(np.hypot(one, other))
    place, error = _at(seen, lead, noise, 0.0, int(behind + ahead[0]), lifted)
    words = f"oxide{_named(seen, 'oxide')} and perovskite{_named(seen, 'perovskite')} equal, each over its maximum"
    return Metric(place, seen.unit, words, error)


def _half(seen: Profile, role: str, side: str) -> Metric:
    row, top = seen.rows[role], seen.tops[role]
    above = np.flatnonzero(row >= 0.5 * top)
    if not seen.through or above.size == 0:
        return Metric(np.nan, seen.unit, _ENDS)
    words = f"{role}{_named(seen, role)} at half its maximum, {'first' if side == 'rise' else 'last'} time"
    after = int(above[0]) if side == "rise" else int(above[-1]) + 1
    if not top > 0.0 or not 0 < after < row.size:
        return Metric(np.nan, seen.unit, f"{words}: not within the profile")
    place, error = _at(seen, row, seen.noise[role], 0.5 * top, after, 0.5 * seen.top_errors[role])
    return Metric(place, seen.unit, words, error)


def _width(seen: Profile) -> Metric:
    """From 16 to 84 % of the oxide's rise over what it is in the film."""
    row, noise, top = seen.rows["oxide"], seen.noise["oxide"], seen.tops["oxide"]
    best = int(np.argmax(row))
    if not seen.through or not row[best] >= _EIGHTY_FOUR * top:
        return Metric(np.nan, seen.unit, _ENDS)
    words = f"oxide{_named(seen, 'oxide')} from 16 to 84 % of its rise, two standard deviations of an error function"
    rise = np.flatnonzero(row >= 0.5 * top)
    if not top > 0.0 or rise[0] == 0:
        return Metric(np.nan, seen.unit, f"{words}: it does not rise within the profile")
    middle = int(rise[0])
    base = float(np.min(row[: middle + 1]))
    ends = []
    for share in (_SIXTEEN, _EIGHTY_FOUR):
        level = base + share * (top - base)
        if share < 0.5:
            below = np.flatnonzero(row[: middle + 1] <= level)
            after = int(below[-1]) + 1 if below.size else 0
        else:
            reached = np.flatnonzero(row[middle : best + 1] >= level)
            after = middle + int(reached[0])
        if after == 0:
            return Metric(np.nan, seen.unit, f"{words}: it starts within its rise")
        if row[after] == row[after - 1]:
            after += 1
        ends.append(_at(seen, row, noise, level, after, share * seen.top_errors["oxide"], _NARROW))
    (low, low_error), (high, high_error) = ends
    if best == row.size - 1:
        words += "; it still rises at the end of the profile: at least"
    return Metric(high - low, seen.unit, words, float(np.hypot(low_error, high_error)))


# --- peaks -----------------------------------------------------------------------------------------------------------


def _peak(seen: Profile, role: str) -> Metric:
    row, place = seen.rows[role], seen.place
    top = float(row.max(initial=0.0))
    if not top > 0.0:
        return Metric(np.nan, seen.unit, "no signal")
    error = seen.step / float(np.sqrt(12.0))
    ion = _named(seen, role)
    near = place[row >= _FLAT * top]
    if np.ptp(near) > _WIDE * np.ptp(place) and not seen.noise[role].any():
        return Metric(np.nan, seen.unit, "a plateau has no maximum")
    best = int(np.argmax(row))
    if best == row.size - 1:
        return Metric(np.nan, seen.unit, f"still rises at the end of the profile{ion}")
    if best == 0:
        return Metric(float(place[0]), seen.unit, f"at the surface{ion}", error)
    if seen.noise[role].any():
        # points whose counts are those of the highest one within two standard deviations
        alike = place[row >= top - 2.0 * float(seen.noise[role][best])]
        if np.ptp(alike) > 2.0 * _WIDE * np.ptp(place):
            return Metric(np.nan, seen.unit, f"a plateau within its noise has no maximum{ion}")
        error = float(np.hypot(error, 0.5 * np.ptp(alike)))
        return Metric(
            float(place[best]),
            seen.unit,
            f"the highest point{ion}; error: points alike within twice their noise",
            error,
        )
    centre, scale = place[best], seen.step
    x = (place[best - 1 : best + 2] - centre) / scale
    a, b, _ = np.polyfit(x, row[best - 1 : best + 2] / top, 2)
    found = float(centre - scale * b / (2.0 * a)) if a < 0.0 else float(centre)
    return Metric(found, seen.unit, f"parabola through the maximum{ion}", error)


def _span(seen: Profile, role: str) -> Metric:
    """Distance of the outermost places at which a row crosses half its maximum."""
    row, noise, top, lifted = seen.rows[role], seen.noise[role], seen.tops[role], 0.5 * seen.top_errors[role]
    if not float(row.max(initial=0.0)) > 0.0:
        return Metric(np.nan, seen.unit, "no signal")
    words = (
        f"between the outermost places at half the maximum{_named(seen, role)}; a span, no layer thickness"
    )
    above = np.flatnonzero(row >= 0.5 * top)
    if above.size == 0:
        return Metric(np.nan, seen.unit, "does not reach half of its maximum")
    first, last = int(above[0]), int(above[-1]) + 1
    if first == 0 or last == row.size:
        return Metric(np.nan, seen.unit, "above half its maximum at an end of the profile")
    low, low_error = _at(seen, row, noise, 0.5 * top, first, lifted)
    high, high_error = _at(seen, row, noise, 0.5 * top, last, lifted)
    return Metric(high - low, seen.unit, words, float(np.hypot(low_error, high_error)))


def _enrichment(seen: Profile, role: str, interface: float) -> Metric:
    row, place = seen.rows[role], seen.place
    top = float(row.max(initial=0.0))
    inner = (place >= _BULK[0] * interface) & (place <= _BULK[1] * interface)
    outer = place > _BULK[1] * interface
    if not top > 0.0 or not inner.any() or not outer.any():
        return Metric(np.nan, "1", "no signal" if not top > 0.0 else "no buried interface")
    bulk, near = float(row[inner].mean()), float(row[outer].max())
    counted = seen.noise[role].any()
    ion = _named(seen, role)
    if bulk < seen.weakest * top:
        return Metric(
            near / (seen.weakest * top), "1", f"at least: the bulk{ion} is below {seen.weakest:.3g} of the maximum",
            near / (seen.weakest * top) / float(np.sqrt(near)) if counted else 0.0,
        )  # fmt: skip
    relative = float(np.sqrt(1.0 / near + 1.0 / max(row[inner].sum(), 1.0))) if counted else 0.0
    # the bulk is no constant, so that its mean depends on where it is taken
    uneven = float(np.std(row[inner]) / bulk) / float(np.sqrt(inner.sum()))
    words = (
        f"largest near the interface over the mean of the bulk{ion}; a change of the ion yield looks the same"
    )
    return Metric(near / bulk, "1", words, near / bulk * float(np.hypot(relative, uneven)))


def _decay(seen: Profile, role: str) -> Metric:
    """Length of an exponential through the fall behind the maximum, or before it where nothing falls behind."""
    row, place = seen.rows[role], seen.place
    top = float(row.max(initial=0.0))
    if not top > 0.0:
        return Metric(np.nan, seen.unit, "no signal")
    high, low = _DECAY[0] * top, _DECAY[1] * top
    best = int(np.argmax(row))
    for side, words in ((slice(best, None), "behind"), (slice(best, None, -1), "before")):
        x, y = np.abs(place[side] - place[best]), row[side]
        reached = np.flatnonzero(y < low)
        if reached.size == 0:
            continue
        keep = np.flatnonzero((y[: reached[0]] <= high) & (y[: reached[0]] > 0.0))
        if keep.size < 3:
            continue
        (slope, _), spread = np.polyfit(x[keep], np.log(y[keep]), 1, cov=True) if keep.size > 3 else (
            np.polyfit(x[keep], np.log(y[keep]), 1), np.full((2, 2), np.nan))  # fmt: skip
        if slope >= 0.0:
            continue
        error = float(np.sqrt(spread[0, 0])) / slope**2
        return Metric(
            float(-1.0 / slope), seen.unit, f"exponential {words} the maximum, from 1/2 to 1/100{_named(seen, role)}",
            error if np.isfinite(error) else None,
        )  # fmt: skip
    return Metric(np.nan, seen.unit, "does not fall to a hundredth of its maximum")


def _excess(seen: Profile, role: str, interface: float) -> Metric:
    """Amount (m^-2) at the interface beyond a film as in its middle (Gibbs), NaN without an interface."""
    place, values = seen.place, seen.density[role]
    inner = (place >= _BULK[0] * interface) & (place <= _BULK[1] * interface)
    outer = place >= _BULK[1] * interface
    if not inner.any() or outer.sum() < 2:
        return Metric(np.nan, "m-2", "no buried interface")
    bulk = float(values[inner].mean())
    start = float(place[outer][0])
    amount = float(np.trapezoid(values[outer], place[outer])) - bulk * (interface - start)
    error = float(np.std(values[inner])) / float(np.sqrt(inner.sum())) * (interface - start)
    return Metric(
        amount, "m-2", "integral beyond the mean of the bulk", float(np.hypot(error, bulk * seen.step))
    )
