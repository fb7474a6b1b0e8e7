"""Lines of a powder pattern: found above their background, fitted, and named.

A line is a pseudo-Voigt for each of the two wavelengths of the tube: K-alpha2 stands where Bragg's law puts it, has the
width of K-alpha1 and a fixed part of its area. Lines whose feet touch are fitted together, with a straight background
below them, to the counts with their Poisson weights.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perotwin.lab.diffraction import bragg, cubic, spacing

__all__ = [
    "Line",
    "Radiation",
    "background",
    "fit",
    "flanks",
    "index",
    "one_count",
    "search",
    "typical_width",
    "weak_area",
]

F64 = NDArray[np.float64]

#: a line is one that stands this many standard deviations above the background
_SIGNIFICANT = 6.0
#: what lies about a line in its fit: deg at least, and widths
_FOOT, _WIDTHS = 0.35, 6.0
#: deg at least about a line that need not be there
_AROUND = 0.8
#: most lines that are fitted, the most significant ones
_MOST = 30
#: deg: over less than this the background does not change
_STIFF = 6.0
#: edges (angstrom) of the cubes that halide perovskites are, in steps; how far (deg) a line may lie from its place
_EDGES, _NEAR = np.arange(5.75, 6.55, 0.002), 0.12
#: lines of a cube that are looked for
_SQUARES = 16


@dataclass(frozen=True)
class Radiation:
    """Wavelengths (m) of K-alpha1 and K-alpha2, and the area of the second line over the first (0 for none)."""

    first: float
    second: float
    ratio: float


@dataclass(frozen=True)
class Line:
    """A fitted line; each number with its standard error.

    name : "100", "PbI2 001", or its angle where it has none. two_theta : of K-alpha1, deg. area : of K-alpha1, counts
    deg.
    width : full, at half maximum, of K-alpha1, deg. mixing : Lorentzian share. height : counts over the background.
    reduced : chi^2 per degree of freedom of the fit that it is part of.
    """

    name: str
    two_theta: float
    two_theta_error: float
    area: float
    area_error: float
    width: float
    width_error: float
    mixing: float
    height: float
    reduced: float


# --- looking ---------------------------------------------------------------------------------------------------------


def background(two_theta: F64, counts: F64) -> F64:
    """What lies below the lines (N,), counts: asymmetrically reweighted penalised least squares.

    S.-J. Baek et al., Analyst 140, 250 (2015), doi:10.1039/C4AN01061B.
    """
    from pybaselines import Baseline

    points = _STIFF / max(float(np.median(np.diff(two_theta))), 1e-6)
    stiffness = max((points / (2.0 * math.pi)) ** 4, 10.0)
    found, _ = Baseline(two_theta, check_finite=False).arpls(counts, lam=stiffness, max_iter=100)
    return np.asarray(found, float)


def one_count(two_theta: F64, counts: F64) -> float:
    """What one count is in the numbers of a pattern: 1 where they are whole, another number where a file holds rates.

    Counts scatter by the root of themselves; numbers that scatter by more or less are counts times a factor, which is
    the variance over the mean. It follows from neighbours, of which the lines' flanks are a small part.
    """
    if float(np.max(np.abs(counts - np.round(counts)))) < 1e-6:
        return 1.0
    mean = 0.5 * (counts[1:] + counts[:-1])
    good = mean > 0.0
    if int(good.sum()) < 20:
        return 1.0
    # the median of the square of a normal number is 0.4549
    found = float(np.median(np.diff(counts)[good] ** 2 / mean[good])) / (2.0 * 0.4549)
    return found if found > 0.0 else 1.0


def typical_width(two_theta: F64, counts: F64, base: F64) -> float:
    """Full width (deg) of the strongest line as it stands, which is where search and fits begin."""
    from scipy.ndimage import gaussian_filter1d

    step = float(np.median(np.diff(two_theta)))
    above = gaussian_filter1d(counts - base, 1.0, mode="nearest")
    top = int(np.argmax(above))
    half = 0.5 * above[top]
    right = int(np.argmax(above[top:] < half)) or above.size - top
    left = int(np.argmax(above[top::-1] < half)) or top
    # the smoothing of one point on either side counts with 2.355 steps in squares
    return float(np.clip(math.sqrt(max((left + right) ** 2 - 2.355**2, 1.0)) * step, 2.0 * step, 1.0))


def search(
    two_theta: F64, counts: F64, base: F64, width: float, radiation: Radiation
) -> list[tuple[float, float]]:
    """Where lines stand: angle of K-alpha1 (deg) and height (counts), by angle.

    The pattern above its background is smoothed with a Gaussian of the lines' width; what stands out of its own noise
    is a line, unless it is the K-alpha2 of a stronger one.

    Args:
        two_theta, counts, base: (N,), deg and counts. width: of a line, deg.
    """
    from scipy.ndimage import gaussian_filter1d
    from scipy.signal import find_peaks

    step = float(np.median(np.diff(two_theta)))
    sigma = max(0.7 * width / 2.355 / step, 0.8)
    smooth = gaussian_filter1d(counts - base, sigma, mode="nearest")
    level = np.maximum(gaussian_filter1d(counts, sigma, mode="nearest"), 1.0)
    # the noise of a smoothed point: that of one over the points that take part
    spread = np.sqrt(level * _noise_scale(counts, base) / (2.0 * math.sqrt(math.pi) * sigma))
    places, seen = find_peaks(smooth, prominence=_SIGNIFICANT * float(spread.min()))
    real = [
        int(place)
        for place, prominence in zip(places, seen["prominences"], strict=True)
        if min(prominence, smooth[place]) > _SIGNIFICANT * spread[place]
    ]
    found: list[tuple[float, float, float]] = []
    for place in sorted(real, key=lambda one: -smooth[one]):
        angle, height = float(two_theta[place]), float(smooth[place])
        if not any(_is_second(angle, height, *other[:2], radiation, step) for other in found):
            found.append((angle, height, float(smooth[place] / spread[place])))
    strongest = sorted(found, key=lambda one: -one[2])[:_MOST]
    return sorted((angle, height) for angle, height, _ in strongest)


def _noise_scale(counts: F64, base: F64) -> float:
    """Variance over the mean: 1 for counts, another number where a file holds rates or smoothed numbers.

    From neighbours where only background is: their differences are noise.
    """
    calm = np.abs(counts - base) < 4.0 * np.sqrt(np.maximum(base, 1.0))
    pairs = calm[1:] & calm[:-1]
    if int(pairs.sum()) < 50:
        return 1.0
    change = np.diff(counts)[pairs]
    level = np.maximum(0.5 * (base[1:] + base[:-1])[pairs], 1.0)
    return max(float(np.median(change**2 / level)) / (2.0 * 0.4549), 1e-6)


def _is_second(
    angle: float, height: float, first: float, top: float, radiation: Radiation, step: float
) -> bool:
    """Whether a peak is the K-alpha2 of a stronger line."""
    if not radiation.ratio > 0.0:
        return False
    place = float(bragg(spacing(first, radiation.first), radiation.second))
    return (
        abs(angle - place) < max(2.0 * step, 0.25 * (place - first)) and height < 1.6 * radiation.ratio * top
    )


# --- fitting ---------------------------------------------------------------------------------------------------------


def profile(two_theta: F64, centre: float, width: float, mixing: float) -> F64:
    """A pseudo-Voigt of area one (deg^-1): `mixing` of a Lorentzian, the rest a Gaussian, of one full width (deg)."""
    x = (two_theta - centre) / width
    gaussian = 2.0 * math.sqrt(math.log(2.0) / math.pi) * np.exp(-4.0 * math.log(2.0) * x**2)
    lorentzian = 2.0 / math.pi / (1.0 + 4.0 * x**2)
    return np.asarray((mixing * lorentzian + (1.0 - mixing) * gaussian) / width)


def doublet(two_theta: F64, centre: float, width: float, mixing: float, radiation: Radiation) -> F64:
    """The same for both wavelengths; the area of K-alpha1 is one."""
    found = profile(two_theta, centre, width, mixing)
    if radiation.ratio > 0.0:
        second = float(bragg(spacing(centre, radiation.first), radiation.second))
        if math.isfinite(second):
            found = found + radiation.ratio * profile(two_theta, second, width, mixing)
    return found


def fit(
    two_theta: F64,
    counts: F64,
    peaks: Sequence[tuple[float, float]],
    radiation: Radiation,
    start: float = 0.1,
) -> list[Line]:
    """Lines fitted to a pattern, by angle.

    Args:
        two_theta, counts: (N,), deg and counts. peaks: angle and height of each line, as `search` gives them.
        start: width (deg) to start from.

    Returns:
        A line for each peak whose fit came to an end within its window.
    """
    foot = max(_FOOT, _WIDTHS * start)
    found: list[Line] = []
    for group in _groups(peaks, foot, radiation):
        low, high = group[0][0] - foot, group[-1][0] + foot + _split(group[-1][0], radiation)
        inside = (two_theta >= low) & (two_theta <= high)
        if int(inside.sum()) >= 5 * len(group) + 3:
            found += _fit_group(two_theta[inside], counts[inside], group, radiation, start)
    return found


def _split(angle: float, radiation: Radiation) -> float:
    """Distance (deg) of K-alpha2 from K-alpha1."""
    if not radiation.ratio > 0.0:
        return 0.0
    second = float(bragg(spacing(angle, radiation.first), radiation.second))
    return second - angle if math.isfinite(second) else 0.0


def _groups(
    peaks: Sequence[tuple[float, float]], foot: float, radiation: Radiation
) -> list[list[tuple[float, float]]]:
    """Peaks whose feet touch, together."""
    found: list[list[tuple[float, float]]] = []
    for peak in sorted(peaks):
        if found and peak[0] - found[-1][-1][0] < foot + _split(peak[0], radiation):
            found[-1].append(peak)
        else:
            found.append([peak])
    return found


def _fit_group(
    x: F64, y: F64, group: Sequence[tuple[float, float]], radiation: Radiation, start: float
) -> list[Line]:
    import lmfit

    middle, half = 0.5 * (x[0] + x[-1]), 0.5 * (x[-1] - x[0])
    parameters = lmfit.Parameters()
    edge = max(3, x.size // 12)
    left, right = float(np.mean(y[:edge])), float(np.mean(y[-edge:]))
    parameters.add("level", value=0.5 * (left + right))
    parameters.add("slope", value=0.5 * (right - left))
    # a share outside 0 to 1 is let in so that noise about a pure Gaussian does not press against a wall
    parameters.add("mixing", value=0.4, min=-0.3, max=1.3)
    step = float(np.median(np.diff(x)))
    for number, (angle, height) in enumerate(group):
        near = max(0.5 * start, 2.0 * step)
        parameters.add(
            f"centre{number}", value=angle + 0.05 * near, min=angle - 2.0 * near, max=angle + 2.0 * near
        )
        parameters.add(f"width{number}", value=start, min=0.7 * step, max=2.0 * half)
        parameters.add(f"area{number}", value=max(height, 1.0) * start, min=0.0)

    def model(values: Any) -> F64:
        total = values["level"].value + values["slope"].value * (x - middle) / half
        for number in range(len(group)):
            shape = doublet(
                x, values[f"centre{number}"].value, values[f"width{number}"].value, values["mixing"].value, radiation
            )  # fmt: skip
            total = total + values[f"area{number}"].value * shape
        return np.asarray(total)

    def solve(weight: F64) -> Any:
        return lmfit.minimize(lambda values: (model(values) - y) * weight, parameters, method="leastsq")

    # weights from the counts make low counts too heavy: the second time they are those of the first fit
    first = solve(1.0 / np.sqrt(np.maximum(y, 1.0)))
    parameters = first.params
    done = solve(1.0 / np.sqrt(np.maximum(model(first.params), 1.0)))
    lines = []
    for number in range(len(group)):
        centre, width, area = (done.params[f"{name}{number}"] for name in ("centre", "width", "area"))
        if not area.value > 0.0:
            continue
        errors = [one.stderr for one in (centre, width, area)]
        if any(error is None or not math.isfinite(error) for error in errors):
            errors = _by_counting(float(width.value), float(area.value), step)
        lines.append(
            Line(
                name=f"{centre.value:.2f} deg",
                two_theta=float(centre.value),
                two_theta_error=float(errors[0]),
                area=float(area.value),
                area_error=float(errors[2]),
                width=float(width.value),
                width_error=float(errors[1]),
                mixing=float(done.params["mixing"].value),
                height=float(
                    area.value * profile(np.array([centre.value]), centre.value, width.value,
                    done.params["mixing"].value)[0]
                ),
                reduced=float(done.redchi),
            )
        )  # fmt: skip
    return lines


def _by_counting(width: float, area: float, step: float) -> list[float]:
    """Errors of place, width (deg) and area (counts deg) of a Gaussian line, points a step (deg) apart.

    What counting alone leaves, where a fit that came to rest at a bound tells no errors.
    """
    many = max(area / step, 1.0)
    sigma = width / math.sqrt(8.0 * math.log(2.0))
    return [sigma / math.sqrt(many), width / math.sqrt(2.0 * many), area / math.sqrt(many)]


def flanks(two_theta: F64, lines: Sequence[Line], radiation: Radiation) -> F64:
    """What fitted lines give at some angles (N,), counts."""
    total = np.zeros_like(two_theta)
    for line in lines:
        total += line.area * doublet(two_theta, line.two_theta, line.width, line.mixing, radiation)
    return total


def weak_area(
    two_theta: F64,
    counts: F64,
    place: float,
    shape: tuple[float, float],
    radiation: Radiation,
    known: F64 | float = 0.0,
) -> tuple[float, float]:
    """Area (counts deg) and its standard error of a line of known place (deg) and shape that need not be there.

    Linear in area and straight background, so that noise gives as often a little less than nothing as a little more.
    NaN where the pattern does not reach.

    Args:
        shape: full width (deg) and Lorentzian share. known: counts of other lines at each angle, (N,), whose flanks may
            reach there.
    """
    near = max(_AROUND, 2.0 * shape[0])
    inside = np.abs(two_theta - place) <= near
    if two_theta[0] > place - 0.5 * near or two_theta[-1] < place + 0.5 * near or int(inside.sum()) < 10:
        return math.nan, math.nan
    x, y = two_theta[inside], counts[inside]
    there = (np.zeros_like(counts) + known)[inside]
    base = np.stack([doublet(x, place, *shape, radiation), np.ones_like(x), x - place], axis=1)
    variance = np.maximum(y, 1.0)
    for _ in range(2):
        weight = 1.0 / np.sqrt(variance)
        solved, *_ = np.linalg.lstsq(base * weight[:, None], (y - there) * weight, rcond=None)
        variance = np.maximum(base @ solved + there, 1.0)
    weight = 1.0 / np.sqrt(variance)
    left = (base @ solved + there - y) * weight
    scale = float(left @ left) / max(x.size - 3, 1)
    covariance = np.linalg.inv((base * weight[:, None]).T @ (base * weight[:, None])) * scale
    return float(solved[0]), float(math.sqrt(covariance[0, 0]))


# --- names -----------------------------------------------------------------------------------------------------------


def index(
    lines: Sequence[Line],
    wavelength: float,
    others: Sequence[tuple[str, float]] = (),
    beside: Sequence[tuple[str, float]] = (),
) -> list[Line]:
    """Lines with the names of a cubic perovskite's, of other phases, or their angles.

    The edge is the one between 5.75 and 6.55 angstrom that explains most: heights (square roots of the areas) of lines
    that lie within 0.12 deg of their places, each place taking one line, less a little for each place that stays empty
    before the last one that is taken. Two lines with 100 among them, or three with 200, make a cube, and the
    strongest line that is of no other phase must be one of them.

    Args:
        others: name and angle (deg) of lines of other phases, which are named first. beside: of such as lie among
            those of the cube, which are named last.
    """
    named: dict[int, str] = {}
    _name(lines, named, others)
    free = [i for i in range(len(lines)) if i not in named]
    best, chosen = 0.0, dict[int, str]()
    strongest = max(range(len(free)), key=lambda i: lines[free[i]].area, default=-1)
    for edge in _EDGES:
        taken = _matched([lines[i] for i in free], float(edge), wavelength)
        names = set(taken.values())
        few = len(taken) < 2 or (len(taken) < 3 and "100" not in names)
        if few or not names & {"100", "200"} or strongest not in taken:
            continue
        all_names = [name for name, _ in cubic(float(edge), _SQUARES)]
        last = max(all_names.index(name) for name in names)
        offset = sum(
            abs(lines[free[i]].two_theta - _place(name, float(edge), wavelength)) for i, name in taken.items()
        )
        worth = sum(math.sqrt(lines[free[i]].area) for i in taken)
        most = max(math.sqrt(line.area) for line in lines)
        worth -= most * (0.03 * (last + 1 - len(taken)) + 0.2 * offset / len(taken) / _NEAR)
        if worth > best:
            best, chosen = worth, {free[i]: name for i, name in taken.items()}
    named |= chosen
    _name(lines, named, beside)
    return [replace(line, name=named.get(i, line.name)) for i, line in enumerate(lines)]


def _name(lines: Sequence[Line], named: dict[int, str], known: Sequence[tuple[str, float]]) -> None:
    """Give each known place's name to the line without a name that is nearest to it, where one is near."""
    for name, angle in known:
        close = [i for i, line in enumerate(lines) if i not in named and abs(line.two_theta - angle) < _NEAR]
        if close:
            named[min(close, key=lambda i: abs(lines[i].two_theta - angle))] = name


def _place(name: str, edge: float, wavelength: float) -> float:
    squares = sum(int(digit) ** 2 for digit in name)
    return float(bragg(edge / math.sqrt(squares), wavelength))


def _matched(lines: Sequence[Line], edge: float, wavelength: float) -> dict[int, str]:
    """For each place of a cube the line nearest to it, where one is near."""
    found: dict[int, str] = {}
    for name, distance in cubic(edge, _SQUARES):
        angle = float(bragg(distance, wavelength))
        near = [i for i, line in enumerate(lines) if i not in found and abs(line.two_theta - angle) < _NEAR]
        if near:
            found[max(near, key=lambda i: lines[i].area)] = name
    return found
