"""Lines of core levels in a spectrum of photoelectrons: backgrounds, free fits of lines and doublets, detection limits.

    found = fit(energy, counts, "Pb 4f")
    found.lines[0].position, found.lines[0].position_error

Electrons that lost energy on their way out stand at higher binding energy. Shirley (doi:10.1103/PhysRevB.5.4709) puts
them in proportion to the line's area at lower binding energy; here that is a part of the fit, so that errors of lines
and of their background go together (the active way of doi:10.1002/sia.5453). Tougaard (doi:10.1002/sia.740110902) folds
the line with a universal cross section of losses, B T / (C + T^2)^2.

A line is a pseudo-Voigt; the two partners of a doublet have one width, a fixed distance and the ratio of their numbers
of states (d 2:3, f 3:4). Counts are weighted as Poisson's. Lines of a metal are asymmetric and those of Ni 2p a
multiplet with satellites: there a sum of symmetric lines describes a shape and names no species.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError, shown

__all__ = [
    "DOUBLETS",
    "Doublet",
    "Fit",
    "Line",
    "at_bound",
    "doublet_of",
    "fit",
    "is_level",
    "level_name",
    "maximum",
    "shirley",
    "tougaard",
]

F64 = NDArray[np.float64]

#: Tougaard's universal cross section of metals and their oxides, eV^2
_B, _C = 2866.0, 1643.0
#: most lines that are added unasked, what the Bayes criterion has to fall by for each, and widths that lines have, eV
_MOST, _GAIN, _WIDTHS = 3, 10.0, (0.3, 4.0)
#: a gain between these is that of counts; reduced chi squared above which a fit does not describe its spectrum
_POISSON, _MISFIT = (0.7, 1.4), 1.3
#: evaluations of the model that a fit may take: lines that are there take some hundreds
_MOST = 2000
_LEAST = 12
_ENDS = 3


class Doublet(NamedTuple):
    """Two spin-orbit partners: distance (eV), weaker over stronger, and how the stronger (lower energy) is called."""

    splitting: float
    ratio: float
    strong: str


#: level -> its partners. Pb 4f 7/2 and 5/2, I 3d 5/2 and 3/2; distances of the elements' handbook lines
DOUBLETS = {"Pb 4f": Doublet(4.86, 3.0 / 4.0, "7/2"), "I 3d": Doublet(11.5, 2.0 / 3.0, "5/2")}


class Line(NamedTuple):
    """Of a fit: binding energy, full width at half maximum (eV) and area (counts eV, both partners), with errors."""

    position: float
    position_error: float
    width: float
    width_error: float
    area: float
    area_error: float


def at_bound(line: Line) -> bool:
    """Whether a line is as narrow or as wide as a line may be: its width is then no result of the fit."""
    return not (1.01 * _WIDTHS[0] < line.width < 0.99 * _WIDTHS[1])


class Fit(NamedTuple):
    """Lines, the largest first, over (K,) ascending energies; what does not belong to a line is `background`.

    Attributes:
        energy, counts, model, background: (K,). parts: (L, K) counts of each line with its partner.
        lines: as in `parts`. mixing: share of a Lorentzian. step: height of the background behind a line over
            its area, eV^-1.
        reduced: chi squared over degrees of freedom; where it is above 1.3 the lines do not describe the spectrum, and
            errors are scaled by its root. gain: variance of a point over its mean, 1 of counts.
        doublet: the partners, or None.
    """

    energy: F64
    counts: F64
    model: F64
    background: F64
    parts: F64
    lines: tuple[Line, ...]
    mixing: float
    step: float
    reduced: float
    gain: float
    doublet: Doublet | None

    def detection_area(self, line: Line) -> float:
        """Area (counts eV) below which a line of this place and width is not seen: three standard deviations of the
        counts of the background within its width.
        """
        pitch = float(np.ptp(self.energy)) / max(self.energy.size - 1, 1)
        inside = np.abs(self.energy - line.position) <= 0.5 * line.width
        below = float(self.background[inside].sum()) if inside.any() else float(self.background.mean())
        return 3.0 * float(np.sqrt(self.gain * max(below, 1.0))) * pitch


def level_name(text: str) -> str:
    """A level as it is printed, "Pb 4f" for "Pb4f" and "Pb 4f7/2"; what is none as it is."""
    found = re.match(r"\s*([A-Z][a-z]?)\s*([1-7][spdf])(?:\s*\d/\d)?\b", text)
    return f"{found[1]} {found[2]}" if found else " ".join(text.split())


def is_level(text: str) -> bool:
    """Whether a name is that of a core level."""
    return re.fullmatch(r"[A-Z][a-z]? [1-7][spdf]", level_name(text)) is not None


def doublet_of(level: str, splitting: float | None = None) -> Doublet | None:
    """The partners of a level: of the table, or at a distance (eV) that is told; None of an s level or an unknown one.

    Raises:
        InputError: a level with a distance that has none.
    """
    name = level_name(level)
    if splitting is None:
        return DOUBLETS.get(name)
    orbital = name.split(" ")[-1][-1:]
    ratios = {"p": (1.0 / 2.0, "3/2"), "d": (2.0 / 3.0, "5/2"), "f": (3.0 / 4.0, "7/2")}
    if orbital not in ratios or not splitting > 0.0:
        raise InputError(
            f'"{shown(level)}" has no partner {splitting:g} eV away.',
            "Name a p, d or f level and a positive distance.",
            key="splitting",
        )
    return Doublet(splitting, *ratios[orbital])


# --- backgrounds -----------------------------------------------------------------------------------------------------


def shirley(energy: F64, counts: F64, *, ends: int = 1) -> F64:
    """Background (K,) in proportion to the area of what is above it at lower binding energy.

    Args:
        energy: (K,) binding energy, ascending, eV. counts: (K,). ends: points averaged at each end.

    Raises:
        InputError: fewer than three points, or it does not settle.
    """
    values = np.asarray(counts, float)
    if values.size < 3:
        raise InputError(f"{values.size} points have no background.", "Give a longer spectrum.", key="counts")
    low, high = float(values[:ends].mean()), float(values[-ends:].mean())
    background = np.full(values.size, low)
    scale = float(np.ptp(values)) or 1.0
    for _ in range(200):
        # electrons at each energy come from all of lower binding energy, half of those at this one among them
        area = np.concatenate([[0.0], np.cumsum(0.5 * np.diff(energy) * _pairs(values - background))])
        if not abs(area[-1]) > 0.0:
            return np.linspace(low, high, values.size)
        renewed = low + (high - low) * area / area[-1]
        change = float(np.abs(renewed - background).max())
        background = renewed
        if change < 1e-9 * scale:
            return np.asarray(background)
    raise InputError(
        "the background does not settle: the spectrum has no line above its ends.",
        "Give a range that starts below and ends above one line.",
        key="counts",
    )


def _pairs(values: F64) -> F64:
    return np.asarray(values[1:] + values[:-1])


def tougaard(energy: F64, counts: F64, *, strength: float | None = None, c: float = _C) -> F64:
    """Background (K,) of energy losses by the universal cross section B T / (C + T^2)^2, over the lowest point.

    Args:
        energy: (K,) binding energy, ascending, eV. counts: (K,). strength: B, eV^2 (2866 of metals and oxides); unless
            given so that nothing is left at the last point. c: C, eV^2.

    Raises:
        InputError: the spectrum holds nothing to lose, or is too short for its strength to be found.
    """
    values = np.asarray(counts, float) - float(counts[0])
    loss = np.maximum(energy[:, None] - energy[None, :], 0.0)
    weight = np.gradient(energy)
    losses = (loss / (c + loss**2) ** 2 * weight[None, :]) @ values
    if strength is None:
        if not losses[-1] > 0.0:
            raise InputError(
                "the spectrum has no line whose losses could be its background.",
                "Give a range that starts below a line and goes on above it, 30 eV or more.",
                key="counts",
            )
        strength = float(values[-1] / losses[-1])
    return np.asarray(float(counts[0]) + strength * losses)


def maximum(energy: F64, counts: F64) -> tuple[float, float]:
    """Where a spectrum is largest (eV), by a parabola through the points above 90 % of it, and its error.

    Without five such points the largest one itself, to half a step.
    """
    values = np.asarray(counts, float)
    best = int(np.argmax(values))
    step = float(np.ptp(energy)) / max(energy.size - 1, 1)
    floor = float(np.min(values))
    level = floor + 0.9 * (values[best] - floor)
    low = high = best
    while low > 0 and values[low - 1] >= level:
        low -= 1
    while high < values.size - 1 and values[high + 1] >= level:
        high += 1
    if high - low < 4:
        return float(energy[best]), 0.5 * step
    x = energy[low : high + 1] - energy[best]
    (a, b, _), covariance = np.polyfit(x, values[low : high + 1], 2, cov=True)
    if not a < 0.0 or abs(b / (2.0 * a)) > float(np.ptp(x)):
        return float(energy[best]), 0.5 * step
    slopes = np.array([b / (2.0 * a**2), -1.0 / (2.0 * a)])
    return float(energy[best] - b / (2.0 * a)), float(np.sqrt(slopes @ covariance[:2, :2] @ slopes))


# --- fits ------------------------------------------------------------------------------------------------------------


def _shape(x: F64, width: float, mixing: float) -> tuple[F64, F64]:
    """A pseudo-Voigt of unit area (eV^-1) and the share of it below, at distances (eV) from its middle."""
    from scipy.special import erf

    u = 2.0 * np.sqrt(np.log(2.0)) * x / width
    v = 2.0 * x / width
    gauss = 2.0 * np.sqrt(np.log(2.0) / np.pi) / width * np.exp(-(u**2))
    lorentz = 2.0 / (np.pi * width) / (1.0 + v**2)
    below = mixing * (0.5 + np.arctan(v) / np.pi) + (1.0 - mixing) * 0.5 * (1.0 + erf(u))
    return mixing * lorentz + (1.0 - mixing) * gauss, below


class _Model:
    """Counts as a function of parameters: lines with their partners, a straight line, and a step for each line."""

    def __init__(self, energy: F64, number: int, doublet: Doublet | None) -> None:
        self.energy, self.number, self.doublet = energy, number, doublet

    def parts(self, values: dict[str, float]) -> tuple[F64, F64]:
        """Counts of each line (L, K), and the background (K,)."""
        lines, background = [], values["base"] + values["slope"] * (self.energy - self.energy[0])
        for index in range(self.number):
            area, place, width = (values[f"{name}{index}"] for name in ("area", "place", "width"))
            line, below = _shape(self.energy - place, width, values["mixing"])
            if self.doublet is not None:
                partner, under = _shape(self.energy - place - self.doublet.splitting, width, values["mixing"])
                whole = 1.0 + self.doublet.ratio
                line = (line + self.doublet.ratio * partner) / whole
                below = (below + self.doublet.ratio * under) / whole
            lines.append(area * line)
            background += values["step"] * area * below
        return np.array(lines), background

    def counts(self, values: dict[str, float]) -> F64:
        lines, background = self.parts(values)
        return np.asarray(lines.sum(axis=0) + background)


def fit(
    energy: F64,
    counts: F64,
    level: str = "",
    *,
    lines: int | Sequence[float] | None = None,
    splitting: float | None = None,
) -> Fit:
    """Lines of a core level on a background of Shirley's form, all of it fitted at once.

    Args:
        energy: (K,) binding energy, eV, any order. counts: (K,).
        level: "Pb 4f", "C 1s": decides on a partner. splitting: distance of the partner, eV, over the table.
        lines: how many, or where to start (eV); unless given one, and up to three where each further one is told for
            by the Bayes information criterion.

    Raises:
        InputError: too few points, nothing above the background, or no fit.
    """
    order = np.argsort(np.asarray(energy, float))
    x, y = np.asarray(energy, float)[order], np.asarray(counts, float)[order]
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]
    if x.size < _LEAST or not np.all(np.diff(x) > 0.0):
        raise InputError(
            f"a fit of a line takes {_LEAST} points at energies of their own; there are {np.unique(x).size}.",
            "Give the whole region, each energy once.",
            key="counts",
        )
    if not float(np.ptp(y)) > 0.0:
        raise InputError(
            "the spectrum is one value everywhere: it holds no line.",
            "Give a region with a line.",
            key="counts",
        )
    doublet = doublet_of(level, splitting)
    starts: list[float] | None = None
    wanted: int | None = None
    if isinstance(lines, int):
        wanted = lines
    elif lines is not None:
        starts = [float(one) for one in lines]
        wanted = len(starts)
    if wanted is not None and not 1 <= wanted <= 12:
        raise InputError(f"a region of {wanted} lines is not fitted.", "Ask for 1 to 12.", key="lines")
    found = _fitted(x, y, doublet, starts or [_first(x, y, doublet)])
    if starts is not None:
        return found[0]
    while len(found[0].lines) < (wanted if wanted is not None else _MOST):
        best = found[0]
        more = _fitted(x, y, doublet, [*(one.position for one in best.lines), _next(best)])
        if wanted is None and not _told_for(more, found):
            break
        found = more
    return found[0]


def _told_for(more: tuple[Fit, float], less: tuple[Fit, float]) -> bool:
    """Whether a further line is one: the criterion falls, it can be seen, and no line took a bound for its width."""
    new, old = more[0], less[0]
    seen = all(one.area > new.detection_area(one) and one.area > 3.0 * one.area_error for one in new.lines)
    free = not any(at_bound(one) for one in new.lines)
    places = [one.position for one in new.lines]
    inside = all(float(new.energy[0]) < place < float(new.energy[-1]) for place in places)
    return more[1] < less[1] - _GAIN and seen and free and inside and new.reduced < old.reduced


def _gain(y: F64) -> float:
    """Variance of a point over its mean, from third differences, which no line reaches: 1 of counts, and then exactly.

    Counts over a time, or an average of scans, have another one.
    """
    third = np.diff(y, 3) ** 2 / 20.0
    # a few points on the flank of a narrow line are no noise
    found = float(np.median(third)) / 0.4549 / max(float(np.median(np.abs(y))), 1e-300)
    # points without any noise are at least rounded
    return 1.0 if _POISSON[0] < found < _POISSON[1] else max(found, 1e-12)


def _first(x: F64, y: F64, doublet: Doublet | None) -> float:
    """Where the largest line starts: the largest point above a straight line, its stronger partner's."""
    above = y - np.interp(x, [x[0], x[-1]], [y[:_ENDS].mean(), y[-_ENDS:].mean()])
    place = float(x[int(np.argmax(np.convolve(above, np.full(_ENDS, 1.0 / _ENDS), mode="same")))])
    if doublet is not None and place - doublet.splitting > x[0]:
        lower = np.abs(x - (place - doublet.splitting)) < 0.8
        # the weaker partner may be the higher one by its background
        if lower.any() and above[lower].max() > 0.9 * above.max():
            return float(x[lower][int(np.argmax(above[lower]))])
    return place


def _next(best: Fit) -> float:
    """Where the counts stand highest above the fit, over its noise and smoothed over a line's width."""
    left = (best.counts - best.model) / np.sqrt(np.maximum(best.model, 1.0))
    pitch = float(np.ptp(best.energy)) / max(best.energy.size - 1, 1)
    width = max(round(best.lines[0].width / pitch), 3)
    return float(best.energy[int(np.argmax(np.convolve(left, np.full(width, 1.0 / width), mode="same")))])


def _fitted(x: F64, y: F64, doublet: Doublet | None, starts: Sequence[float]) -> tuple[Fit, float]:
    """A fit with lines that start at these energies, and its Bayes information criterion.

    Below the lines is a constant, or a slope where the criterion tells for one.
    """
    flat = _solved(x, y, doublet, starts, False)
    sloping = _solved(x, y, doublet, starts, True)
    return sloping if sloping[1] < flat[1] - _GAIN else flat


def _solved(
    x: F64, y: F64, doublet: Doublet | None, starts: Sequence[float], sloping: bool
) -> tuple[Fit, float]:
    import lmfit

    top, span = float(y.max() - y.min()), float(np.ptp(x))
    model = _Model(x, len(starts), doublet)
    parameters = lmfit.Parameters()
    parameters.add("base", value=float(y[:_ENDS].mean()))
    parameters.add(
        "slope", value=float(y[-_ENDS:].mean() - y[:_ENDS].mean()) / span if sloping else 0.0, vary=sloping
    )
    parameters.add("step", value=0.01 if sloping else 0.05, min=0.0, max=2.0)
    parameters.add("mixing", value=0.3, min=0.0, max=1.0)
    for index, start in enumerate(starts):
        width = min(1.3, 0.3 * span)
        parameters.add(f"place{index}", value=start, min=x[0] - 1.0, max=x[-1] + 1.0)
        parameters.add(f"width{index}", value=width, min=_WIDTHS[0], max=_WIDTHS[1])
        parameters.add(f"area{index}", value=max(0.7 * top * width / len(starts), 1e-12), min=0.0)
    gain = _gain(y)

    def noise_of(course: F64) -> F64:
        # a count is one or nothing: where none came the noise is not nothing
        return np.sqrt(np.maximum(gain * course, np.maximum(gain, (1e-4 * top) ** 2)))

    noise = noise_of(y)

    def left(now: Any, weights: F64) -> F64:
        return np.asarray((model.counts(now.valuesdict()) - y) / weights)

    result = lmfit.minimize(left, parameters, args=(noise,), scale_covar=False, max_nfev=_MOST)
    # noise from the course and not from the point itself, which low counts would pull down
    result = lmfit.minimize(
        left, result.params, args=(noise_of(model.counts(result.params.valuesdict())),), scale_covar=False,
        max_nfev=_MOST,
    )  # fmt: skip
    values = result.params.valuesdict()
    parts, background = model.parts(values)
    reduced = float(result.chisqr / max(result.nfree, 1))
    # what the lines cannot describe is larger than noise, and part of what is not known
    factor = float(np.sqrt(reduced)) if reduced > _MISFIT else 1.0

    def error(name: str) -> float:
        found = result.params[name].stderr
        return factor * float(found) if found is not None and np.isfinite(found) else float("nan")

    def pair(name: str) -> tuple[float, float]:
        return float(values[name]), error(name)

    lines = [
        Line(*(number for name in ("place", "width", "area") for number in pair(f"{name}{index}")))
        for index in range(len(starts))
    ]  # fmt: skip
    order = sorted(range(len(lines)), key=lambda index: -lines[index].area)
    # chi squared stands for twice the likelihood: its other terms do not change with the number of lines
    criterion = float(result.chisqr) + result.nvarys * np.log(x.size)
    found = Fit(
        x, y, model.counts(values), background, parts[order], tuple(lines[index] for index in order), values["mixing"],
        values["step"], reduced, gain, doublet,
    )  # fmt: skip
    return found, float(criterion)
