"""Figures of what a pulse of light leaves behind: decays of voltage and current, lifetimes against light."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from perotwin.plotting import style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["decays", "lifetimes"]

_SCALES = ((1e-6, 1e9, "ns"), (1e-3, 1e6, "µs"), (1.0, 1e3, "ms"), (np.inf, 1.0, "s"))
_WORDS = {"voltage": "Photovoltage", "current_density": "Photocurrent"}


def _unit(span: float) -> tuple[float, str]:
    """Factor and name of the unit in which a span of time (s) has few digits."""
    return next((factor, unit) for longest, factor, unit in _SCALES if span < longest)


def decays(
    datasets: Sequence[xr.Dataset],
    name: str,
    constants: Sequence[float],
    ax: Axes | None = None,
    fits: Sequence[tuple[np.ndarray, np.ndarray] | None] = (),
) -> Figure:
    """What a pulse changed, over its peak, against time on a logarithmic axis, one colour a cell.

    `constants` are the fitted time constants (s); each fit is dotted over its curve and named in the key. Where `fits`
    holds a curve (time, part of the peak), the measurement is a trace with noise that is over its peak already.
    """
    told = list(fits) or [None] * len(datasets)
    colours = style.colour_of_cells(datasets)
    with style.context():
        made, axes = style.new_axes(ax, height=2.6)
        entries, spans, curves = [], [], []
        for item, fit in zip(datasets, told, strict=True):
            time, values = item["time"].values, item[name].values
            signal = values - values[0] if fit is None else values
            after = np.flatnonzero(time >= -1e-15)
            top = after[np.argmax(np.abs(signal[after]))] if after.size else 0
            part = signal / signal[top] if signal[top] != 0.0 and fit is None else signal
            curves.append((item, time, part, float(time[top])))
            shown = time[after][part[after] > 0.008]
            spans.append(float(shown.max(initial=0.0)))
        longest = max(spans, default=0.0) or 1.0
        factor, unit = _unit(longest)
        for (item, time, part, zero), tau, fit in zip(curves, constants, told, strict=True):
            colour = colours[str(item.attrs.get("stack", ""))]
            kept = time >= -0.05 * longest if fit is None or fit[0].size else np.ones(time.size, bool)
            how = {"linewidth": 0.5} if fit is not None else {}
            shown = np.where(part > 0, part, np.nan) if fit is None or fit[0].size else part
            axes.semilogy(time[kept] * factor, shown[kept], color=colour, **how)
            words = str(item.attrs.get("stack", "")) or "measured"
            if np.isfinite(tau) and fit is not None:
                axes.plot(fit[0] * factor, fit[1], color=style.INK, linewidth=1.1, zorder=4)
                words += f", {tau * factor:.3g} {unit}"
            elif np.isfinite(tau):
                inside = (part <= 0.2) & (part >= 0.02) & (time > zero)
                offset = np.mean(np.log(part[inside]) + time[inside] / tau)
                t = time[inside]
                axes.plot(
                    t * factor,
                    np.exp(offset - t / tau),
                    color=style.INK,
                    linestyle=(0, (1, 1.6)),
                    linewidth=0.9,
                    zorder=4,
                )
                words += f", {tau * factor:.3g} {unit}"
            entries.append((words, colour))
        if told and all(fit is not None and fit[0].size == 0 for fit in told):
            # nothing that decays: the pulse as it is
            axes.set_yscale("linear")
            axes.set_ylim(-0.15, 1.3)
            axes.relim()
            axes.autoscale(axis="x")
            for line in axes.lines:
                line.set_linewidth(1.0)
            axes.set_xlabel(f"Time after the pulse ({unit})")
            axes.set_ylabel(f"{_WORDS[name]} over its peak")
            style.text_key(axes, entries, 0.05, 0.98)
            return made
        axes.set_ylim(0.008, 1.6)
        axes.set_xlim(-0.05 * longest * factor, 1.05 * longest * factor)
        axes.set_yticks([0.01, 0.1, 1.0], ["0.01", "0.1", "1"])
        axes.set_xlabel(f"Time after the pulse ({unit})")
        axes.set_ylabel(f"{_WORDS[name]} over its peak")
        style.text_key(axes, entries, 0.42, 0.98)
        return made


def lifetimes(rows: Mapping[str, Sequence[tuple[float, float]]], ax: Axes | None = None) -> Figure:
    """Lifetime (s) against bias light (suns) by cell, both axes logarithmic."""
    with style.context():
        made, axes = style.new_axes(ax, height=2.6)
        entries = []
        known = [tau for points in rows.values() for _, tau in points if np.isfinite(tau)]
        factor, unit = _unit(float(np.median(known)) if known else 1.0)
        for number, (name, points) in enumerate(rows.items()):
            light, tau = np.array(sorted(points)).T
            colour = style.CELLS[number % len(style.CELLS)]
            axes.loglog(light, tau * factor, "o-", color=colour, markersize=3.5)
            entries.append((name or "measured", colour))
        axes.set_xlabel("Bias light (sun)")
        axes.set_ylabel(f"Photovoltage lifetime ({unit})")
        axes.margins(y=0.15)
        style.text_key(axes, entries, 0.55, 0.98)
        return made
