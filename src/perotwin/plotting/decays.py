"""Figures of a luminescence decay: counts with the fit that they ask for, and the lifetime along the decay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perotwin.plotting import style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Decay", "figure"]

F64 = NDArray[np.float64]

_SCALES = ((3e-9, 1e12, "ps"), (3e-6, 1e9, "ns"), (3e-3, 1e6, "µs"), (3.0, 1e3, "ms"), (np.inf, 1.0, "s"))
#: bins are drawn together over this part of the time since the onset, before it over this part of the decay shown
_TOGETHER = 0.01
#: decays of which one is so many times as long as another are drawn over a logarithmic axis of time
_APART = 30.0
_DOTS: Any = (0, (1, 1.6))


@dataclass(frozen=True)
class Decay:
    """What one decay shows.

    Attributes:
        item: the measurement.
        histogram: `lab.decay_fits.Histogram`. best: the fit (`Fit`). curve: `lab.differential_lifetimes.Curve`.
        background: counts a bin that are taken off. doubted: whether the fit says little.
    """

    item: xr.Dataset
    histogram: Any
    best: Any
    curve: Any
    background: float
    doubted: bool


def figure(shown: Sequence[Decay], ax: Axes | None = None) -> Figure:
    """Decays over their peaks, background taken off, and beside them their differential lifetimes.

    The chosen fits are dotted. Into a given `ax` go the decays alone.
    """
    colours = style.colour_of_cells([one.item for one in shown])
    own = [colours[str(one.item.attrs.get("stack", ""))] for one in shown]
    last = max((_end(one) for one in shown), default=1e-9)
    # of an axis over many decades in the unit of most decays
    span = 1e-6 if shown and last > _APART * min(_end(one) for one in shown) else last
    factor, unit = next((factor, unit) for longest, factor, unit in _SCALES if span < longest)
    with style.context():
        if ax is not None:
            made, left = style.new_axes(ax)
            _counts(left, shown, own, last, factor, unit)
            return made
        made = style.figure(style.PAGE, 2.7)
        left, right = made.subplots(1, 2)
        _counts(left, shown, own, last, factor, unit)
        _lifetimes(right, shown, own, last, factor, unit)
        style.apart(made)
        return made


def _end(one: Decay) -> float:
    """Time after the onset (s) that is worth showing: where light can be told from the background, and some more."""
    whole = float(one.histogram.time[-1]) - float(one.histogram.onset)
    net = one.best.model - one.background
    noise = np.sqrt(np.maximum(one.best.model, 1e-30))
    seen = np.flatnonzero((net > 0.3 * noise) & (net > 1e-9 * net.max()))
    told = float(one.histogram.time[seen[-1]] - one.histogram.onset) if seen.size else whole
    return max(min(whole, 1.15 * told), 10.0 * float(one.histogram.width))


def _together(one: Decay, last: float) -> tuple[F64, F64, F64]:
    """Time from the onset (s), light over its peak and its statistical error, neighbouring bins drawn as one."""
    counted = one.histogram
    time, counts = counted.time - counted.onset, counted.counts
    background = one.background
    edges, i = [], 0
    while i < time.size:
        reach = 0.004 * last if time[i] < 0.0 else _TOGETHER * time[i]
        n = max(1, int(reach / counted.width))
        if i < counted.peak:
            n = min(n, counted.peak - i)
        edges.append(i)
        i += n
    first = np.array(edges)
    many = np.diff(np.append(first, time.size))
    total = np.add.reduceat(counts, first)
    top = max(float(counts[counted.peak]) - background, 1e-300)
    return (
        np.add.reduceat(time, first) / many,
        (total / many - background) / top,
        np.sqrt(np.maximum(total, 0.0)) / many / top,
    )


def _counts(
    ax: Axes, shown: Sequence[Decay], own: Sequence[str], last: float, factor: float, unit: str
) -> None:
    entries, lowest = [], 1.0
    for one, colour in zip(shown, own, strict=True):
        time, light, error = _together(one, last)
        kept = (time >= -0.01 * last) & (time <= 1.02 * last)
        drawn = np.where(light > 0.0, light, np.nan)
        ax.semilogy(time[kept] * factor, drawn[kept], color=colour, linewidth=1.0, alpha=0.85)
        told = kept & (time > 0.0) & (light > 2.0 * error) & (light > 0.0)
        lowest = min(lowest, float(light[told].min()) if told.any() else 1.0)
        counted, background = one.histogram, one.background
        t = counted.time - counted.onset
        fitted = (t >= 0.0) & (t <= 1.02 * last) & (np.arange(t.size) > counted.peak)
        top = max(float(counted.counts[counted.peak]) - background, 1e-300)
        step = max(1, int(fitted.sum()) // 2000)
        model = ((one.best.model - background) / top)[fitted][::step]
        ax.plot(
            t[fitted][::step] * factor, np.where(model > 0.0, model, np.nan), color=style.INK, linestyle=_DOTS,
            linewidth=0.9, zorder=4,
        )  # fmt: skip
        words = str(one.item.attrs.get("stack", "")) or "measured"
        entries.append((words + (", fit doubtful" if one.doubted else ""), colour))
    bottom = 10.0 ** np.floor(np.log10(max(lowest * 0.9, 1e-12)))
    ax.set_ylim(bottom, 2.5)
    _span(ax, shown, last, factor)
    ax.set_xlabel(f"Time after the pulse ({unit})")
    ax.set_ylabel("Luminescence over its peak")
    style.text_key(ax, [*entries, ("dotted: fits", style.MUTED)], 0.4, 0.98)


def _span(ax: Axes, shown: Sequence[Decay], last: float, factor: float) -> None:
    """Limits in time; a logarithmic axis where decays of very different lengths stand together."""
    if last > _APART * min(_end(one) for one in shown):
        ax.set_xscale("log")
        ax.set_xlim(0.5 * min(float(one.histogram.width) for one in shown) * factor, 1.02 * last * factor)
    else:
        ax.set_xlim(-0.04 * last * factor, 1.02 * last * factor)


def _lifetimes(
    ax: Axes, shown: Sequence[Decay], own: Sequence[str], last: float, factor: float, unit: str
) -> None:
    highest, lowest = 0.0, np.inf
    for one, colour in zip(shown, own, strict=True):
        curve = one.curve
        if not curve.time.size:
            continue
        low = np.maximum(curve.lifetime - curve.error, 1e-3 * curve.lifetime)
        ax.fill_between(
            curve.time * factor, low * factor, (curve.lifetime + curve.error) * factor, color=colour, alpha=0.2,
            linewidth=0.0,
        )  # fmt: skip
        ax.semilogy(
            curve.time * factor, curve.lifetime * factor, "o-", color=colour, markersize=2.2, linewidth=1.0
        )
        highest, lowest = max(highest, float(curve.lifetime.max())), min(lowest, float(curve.lifetime.min()))
    if highest > 0.0:
        ax.set_ylim(0.6 * lowest * factor, 1.7 * highest * factor)
        _plain(ax)
    _span(ax, shown, last, factor)
    ax.set_xlabel(f"Time after the pulse ({unit})")
    ax.set_ylabel(f"$-$(d ln $\\phi$ / d$t$)$^{{-1}}$ ({unit})")


def _plain(ax: Axes) -> None:
    """Ticks of a logarithmic axis as numbers: 1, 2 and 5 of each decade."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    low, high = ax.get_ylim()
    subs = (1.0, 2.0, 5.0) if high / low < 300.0 else (1.0,)
    ax.yaxis.set_major_locator(LogLocator(base=10.0, subs=subs))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
