"""How long a tracked cell keeps its power: T80 and Ts80 of a trace, by models of its envelope, with intervals.

    lifetimes(dataset)["t80"]

Definitions are those of the consensus statement on stability (Khenkin et al., doi:10.1038/s41560-019-0529-5): T80 is
the time after which the power has fallen to 80 % of that at the start, or of the maximum where it first rises; Ts80 the
same of the power without the burn-in, extrapolated to the start. A tracker that hunts scatters far below the power that
the cell could give, so that the first point below 80 % means nothing: the upper tenth of each bin is taken. What a model
leaves in the bins is no white noise; intervals are from residuals made white by their own correlation (a first-order
autoregressive one), without which they would be several times too narrow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError
from perotwin.measurement import Metric, Metrics

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["SHORTEST", "envelope", "lifetimes"]

F64 = NDArray[np.float64]
#: a trace that says anything of degradation, s
SHORTEST = 3600.0
#: points of a bin, bins of a trace at least and at most, share of a bin's points that is its envelope
_POINTS, _LEAST_BINS, _MOST_BINS, _UPPER = 12, 12, 400, 0.1
#: by how much the maximum is above the start of a cell that first rises
_RISE = 0.02
#: part of the fast decay that is left where the burn-in ends, and draws of parameters for intervals
_BURNT, _DRAWS = 0.05, 1500
#: correlation of neighbouring bins beyond which they are taken for no more than that
_MOST_CORRELATED = 0.95


class _Model(NamedTuple):
    """name : in words. of : power at times with parameters. starts : parameters to begin with, of times and powers."""

    name: str
    of: Callable[..., F64]
    starts: Callable[[F64, F64], list[list[float]]]


def _single(t: F64, p0: float, rate: float) -> F64:
    return p0 * np.exp(-np.abs(rate) * t)


def _double(t: F64, p0: float, share: float, fast: float, slow: float) -> F64:
    return p0 * (share * np.exp(-np.abs(fast) * t) + (1.0 - share) * np.exp(-np.abs(slow) * t))


def _logarithm(t: F64, p0: float, loss: float, rate: float) -> F64:
    return p0 * (1.0 - loss * np.log1p(np.abs(rate) * t))


def _line(t: F64, p0: float, slope: float) -> F64:
    return p0 * (1.0 - slope * t)


_MODELS = (
    _Model("a single exponential", _single, lambda t, p: [[p[0], 0.5 / t[-1]]]),
    _Model(
        "a double exponential",
        _double,
        lambda t, p: [
            [p[0], share, fast / t[-1], 0.3 / t[-1]] for share in (0.1, 0.3) for fast in (5.0, 30.0)
        ],
    ),
    _Model(
        "a logarithm", _logarithm, lambda t, p: [[p[0], 0.1, rate / t[-1]] for rate in (3.0, 30.0, 300.0)]
    ),
    _Model("a straight line", _line, lambda t, p: [[p[0], 0.3 / t[-1]]]),
)


class _Fit(NamedTuple):
    model: _Model
    values: F64
    covariance: F64
    aicc: float
    correlation: float


def envelope(time: F64, power: F64) -> tuple[F64, F64]:
    """The power that the cell gives where its tracker does not hunt: in bins, the mean of the upper tenth.

    Args:
        time, power: (K,) s from the start, ascending, and W m^-2.

    Returns:
        (B,) times of the bins' middles, s, and their powers.

    Raises:
        InputError: too short a trace, or too few points.
    """
    length = float(time[-1] - time[0]) if time.size else 0.0
    if length < SHORTEST:
        raise InputError(
            f"a trace of {_words(length)} is too short for any statement about degradation.",
            f"Track for {_words(SHORTEST)} at the least; hundreds of hours are usual.",
        )
    spacing = float(np.median(np.diff(time)))
    count = int(min(length / max(_POINTS * spacing, 1e-9), _MOST_BINS))
    if count < _LEAST_BINS:
        raise InputError(
            f"a trace of {time.size} points is too sparse for any statement about degradation.",
            f"{_LEAST_BINS * _POINTS} points at the least make one.",
        )
    edges = np.linspace(time[0], time[-1], count + 1)
    which = np.clip(np.searchsorted(edges, time, side="right") - 1, 0, count - 1)
    middles, powers = [], []
    for number in range(count):
        here = power[which == number]
        if here.size < _POINTS // 3:
            continue  # a gap
        top = np.sort(here)[-max(round(_UPPER * here.size), 1) :]
        middles.append(0.5 * (edges[number] + edges[number + 1]) - time[0])
        powers.append(float(top.mean()))
    return np.array(middles), np.array(powers)


def lifetimes(dataset: xr.Dataset) -> Metrics:
    """T80 and Ts80 of a tracked power, by the model that describes its envelope best.

    Args:
        dataset: `power_density` over `time`.

    Returns:
        `t80`, `t95`, `ts80` (s; NaN where they are not reached within the trace, and the method says so) and
        `power_retained` (the envelope at the end over that at the start). Uncertainties are half of the 68 % interval.

    Raises:
        InputError: the trace is too short or too sparse to say anything.
    """
    time = np.asarray(dataset["time"], float)
    power = np.asarray(dataset["power_density"], float)
    kept = np.isfinite(time) & np.isfinite(power)
    t, p = envelope(time[kept], power[kept])
    if t.size < _LEAST_BINS:
        raise InputError("too few bins hold points.", "Look for gaps in the trace.")
    # a cell that first rises is judged from its maximum, time counted from the start
    rise = int(np.argmax(p))
    rises = rise > 1 and p[rise] > (1.0 + _RISE) * p[:2].mean() and t.size - rise >= _LEAST_BINS
    start = float(t[rise]) if rises else 0.0
    if rises:
        t, p = t[rise:] - start, p[rise:]
    fits = sorted(filter(None, (_fit(model, t, p) for model in _MODELS)), key=lambda one: one.aicc)
    if not fits:
        raise InputError("no model follows its envelope.", "Look at the trace.")
    best = fits[0]
    length = float(t[-1])
    draws = _draws(best)
    words = f"{best.model.name} through the upper tenth of {t.size} bins, chosen by AICc ({_ranking(fits)})"
    words += f"; from the maximum at {_words(start)}, time from the start" if rises else ""
    others = [
        f"{one.model.name} {_words(start + _crossing(one.model, one.values, 0.8, 20 * length))}"
        for one in fits[1:3]
    ]

    def reached(share: float) -> Metric:
        drawn = [start + _crossing(best.model, one, share, 20 * length) for one in draws]
        made = _metric(start + _crossing(best.model, best.values, share, length), drawn)
        return Metric(made[0], "s", words + made[2], made[1])

    t80 = reached(0.8)
    ends = np.array([0.0, length])

    def part(values: F64) -> float:
        first, last = best.model.of(ends, *values)
        return float(last / first)

    kept_words = f"{words}, after {_words(start + length)}"
    return Metrics(
        {
            "t80": t80._replace(method="; ".join([t80.method, *others])),
            "t95": reached(0.95),
            "ts80": _after_burn_in(fits, length, start),
            "power_retained": Metric(
                part(best.values), "1", kept_words, float(np.std([part(one) for one in draws]))
            ),
        }
    )


def _after_burn_in(fits: Sequence[_Fit], length: float, start: float) -> Metric:
    """Ts80 by the double exponential: its fast part is the burn-in, its slow part is extrapolated to the start."""
    double = next((one for one in fits if one.model.of is _double), None)
    if double is None or double.aicc - fits[0].aicc > 10.0:
        return Metric(float("nan"), "s", "no burn-in: a double exponential describes the envelope worse")

    def value(values: F64) -> float:
        slow = min(abs(values[2]), abs(values[3]))
        return float(start - np.log(0.8) / slow) if slow > 0.0 else float("nan")

    found = value(double.values)
    burnt = _words(-np.log(_BURNT) / max(abs(double.values[2]), abs(double.values[3])))
    words = (
        "slow part of a double exponential, extrapolated to the start; of the burn-in, the fast part, "
        f"{100 * _BURNT:g} % are left after {burnt}"
    )
    made = _metric(found if found <= start + length else float("nan"), [value(one) for one in _draws(double)])
    return Metric(made[0], "s", words + made[2], made[1])


def _metric(value: float, drawn: Sequence[float]) -> tuple[float, float | None, str]:
    """A time, half of its 68 % interval, and its 95 % interval in words."""
    known = np.array([one for one in drawn if np.isfinite(one)])
    if not np.isfinite(value):
        return float("nan"), None, "; not reached within the trace"
    if known.size < 0.9 * len(drawn):
        return value, None, "; its interval is open"
    low, lower, upper, high = np.percentile(known, [2.5, 16.0, 84.0, 97.5])
    return value, float(0.5 * (upper - lower)), f"; 95 % interval {_words(low)} to {_words(high)}"


def _fit(model: _Model, t: F64, p: F64) -> _Fit | None:
    """A model by least squares, once plainly and then with the correlation of its residuals taken out."""
    from scipy.optimize import least_squares

    scale = np.array([p[0]])

    def whitened(rho: float) -> Callable[[F64], F64]:
        def residuals(values: F64) -> F64:
            left = (p - model.of(t, *values)) / scale
            if rho == 0.0:
                return left
            return np.concatenate([[np.sqrt(1.0 - rho**2) * left[0]], left[1:] - rho * left[:-1]])

        return residuals

    best = None
    with np.errstate(over="ignore", invalid="ignore"):
        for start in model.starts(t, p):
            try:
                made = least_squares(whitened(0.0), start, x_scale=np.abs(start), max_nfev=400)
            except ValueError:
                continue
            if best is None or made.cost < best.cost:
                best = made
        if best is None:
            return None
        rho = 0.0
        for _ in range(3):
            left = (p - model.of(t, *best.x)) / scale
            # the estimate is low by about (1 + 3 rho) / n (Marriott and Pope 1954)
            rho = float(np.sum(left[1:] * left[:-1]) / np.sum(left**2))
            rho = float(np.clip(rho + (1.0 + 3.0 * rho) / t.size, 0.0, _MOST_CORRELATED))
            try:
                best = least_squares(whitened(rho), best.x, x_scale=np.abs(best.x) + 1e-12, max_nfev=400)
            except ValueError:
                return None
    count, free = best.x.size, t.size - best.x.size
    if free < 3 or not best.cost > 0.0:
        return None
    try:
        covariance = np.linalg.inv(best.jac.T @ best.jac) * 2.0 * best.cost / free
    except np.linalg.LinAlgError:
        return None
    own = count + 1
    aicc = t.size * np.log(2.0 * best.cost / t.size) + 2 * own + 2.0 * own * (own + 1) / (t.size - own - 1)
    return _Fit(model, best.x, covariance, float(aicc), rho)


def _draws(fit: _Fit) -> F64:
    """(D, parameters) as likely as the fit says; the same ones each time."""
    draw = np.random.default_rng(0).multivariate_normal(
        fit.values, fit.covariance, _DRAWS, check_valid="ignore"
    )
    return draw[np.isfinite(draw).all(axis=1)]


def _crossing(model: _Model, values: F64, share: float, longest: float) -> float:
    """Time (s) after which a model has fallen to a share of its power at 0; NaN where not within `longest`."""
    grid = np.concatenate([[0.0], np.geomspace(longest * 1e-5, longest, 1500)])
    with np.errstate(over="ignore", invalid="ignore"):
        power = model.of(grid, *values)
    below = np.flatnonzero(power <= share * power[0])
    if not below.size or below[0] == 0 or not power[0] > 0.0:
        return float("nan")
    at = int(below[0])
    part = (power[at - 1] - share * power[0]) / (power[at - 1] - power[at])
    return float(grid[at - 1] + part * (grid[at] - grid[at - 1]))


def _ranking(fits: Sequence[_Fit]) -> str:
    return ", ".join(f"{one.model.name} {one.aicc - fits[0].aicc:+.0f}" for one in fits[1:])


def _words(seconds: float) -> str:
    """A time as people say it."""
    if not np.isfinite(seconds):
        return "never"
    for unit, size in (("h", 3600.0), ("min", 60.0)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"
