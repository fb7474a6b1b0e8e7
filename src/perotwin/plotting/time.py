"""Figures of what takes time: scans in both directions, and power tracking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from perotwin.plotting import style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["loops", "rates", "tracking"]

_MA = 0.1  # A m^-2 -> mA cm^-2
_LINES = {"reverse": "-", "forward": "--"}


def loops(datasets: Sequence[xr.Dataset], ax: Axes | None = None) -> Figure:
    """Scans of one or several cells, one colour a cell; reverse solid, forward dashed, dots at maximum power."""
    colours = style.colour_of_cells(datasets)
    lit = [item for item in datasets if float(item.attrs.get("light", 1.0)) > 0.0]
    with style.context():
        made, axes = style.new_axes(ax, height=2.7)
        entries = [(name or "measured", colour) for name, colour in colours.items()]
        seen = {str(item.attrs.get("direction", "")) for item in datasets}
        if {"reverse", "forward"} <= seen:
            entries.append(("solid: reverse; dashed: forward", style.MUTED))
        axes.set_xlabel(style.axis_label("voltage"))
        if lit:
            _lit(axes, lit, colours)
            style.text_key(axes, entries, 0.06, 0.16 + 0.055 * len(entries))
        else:
            _dark(axes, datasets, colours)
            style.text_key(axes, entries, 0.06, 0.97)
        return made


def _line(item: xr.Dataset) -> str:
    return _LINES.get(str(item.attrs.get("direction", "")), "-")


def _lit(axes: Axes, datasets: Sequence[xr.Dataset], colours: Mapping[str, str]) -> None:
    top, right, left = 0.0, 0.0, 0.0
    for item in datasets:
        voltage, current = item["voltage"].values, item["current_density"].values * _MA
        colour, line = colours[str(item.attrs.get("stack", ""))], _line(item)
        axes.plot(voltage, current, color=colour, linestyle=line, linewidth=1.2)
        power = np.where(np.isfinite(current), voltage * current, -np.inf)
        best = int(np.argmax(power))
        if power[best] > 0.0:
            face = colour if line == "-" else "white"
            axes.plot(
                voltage[best],
                current[best],
                "o",
                color=colour,
                markerfacecolor=face,
                markersize=3.5,
                zorder=5,
            )
        top = max(top, float(np.nanmax(current, initial=0.0)))
        left = min(left, float(voltage.min()))
        delivering = voltage[current > 0.0]
        right = max(right, float(delivering.max() if delivering.size else voltage.max()))
    axes.axhline(0, color=style.MUTED, linewidth=0.5, zorder=0)
    axes.axvline(0, color=style.MUTED, linewidth=0.5, zorder=0)
    axes.set_xlim(left - 0.02 * right, right * 1.06)
    if top > 0.0:
        axes.set_ylim(-0.12 * top, 1.12 * top)
    axes.set_ylabel("Current density $J$ (mA cm$^{−2}$)")


def _dark(axes: Axes, datasets: Sequence[xr.Dataset], colours: Mapping[str, str]) -> None:
    """|J| on a logarithmic axis; where a scan charges the cell it passes through zero, a dip there."""
    for item in datasets:
        current = np.abs(item["current_density"].values) * _MA
        axes.semilogy(
            item["voltage"].values,
            np.where(current > 0.0, current, np.nan),
            color=colours[str(item.attrs.get("stack", ""))],
            linestyle=_line(item),
            linewidth=1.2,
        )
    low, high = axes.get_ylim()
    # room for the names above the curves
    axes.set_ylim(low, high * (high / low) ** 0.3)
    axes.set_ylabel("Dark current $|J|$ (mA cm$^{−2}$)")


def rates(curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], ax: Axes | None = None) -> Figure:
    """Hysteresis index (%) against scan rate (V/s) by cell."""
    with style.context():
        made, axes = style.new_axes(ax, height=2.5)
        entries = []
        for number, (name, (rate, index)) in enumerate(curves.items()):
            order = np.argsort(rate)
            colour = style.CELLS[number % len(style.CELLS)]
            axes.semilogx(
                1e3 * np.asarray(rate)[order],
                100.0 * np.asarray(index)[order],
                "o-",
                color=colour,
                markersize=3.5,
            )
            entries.append((name, colour))
        axes.axhline(0, color=style.MUTED, linewidth=0.5, zorder=0)
        axes.margins(y=0.2)
        axes.set_xlabel("Scan rate (mV s$^{−1}$)")
        axes.set_ylabel(style.axis_label("hysteresis_index"))
        style.text_key(axes, entries, 0.05, 0.97)
        return made


#: an upper envelope and the curve through it: time (s), and of both the power (W m^-2), all (B,)
Above = tuple["np.ndarray", "np.ndarray", "np.ndarray | None"]


def tracking(
    datasets: Sequence[xr.Dataset], ax: Axes | None = None, envelopes: Sequence[Above | None] = ()
) -> Figure:
    """Tracked power against time, one colour a cell, and below it the voltage of the tracker.

    `envelopes` are drawn over the readings, which are then dots. Into a given `ax` only the power is drawn.
    """
    colours = style.colour_of_cells(datasets)
    above = list(envelopes) or [None] * len(datasets)
    longest = max((float(item["time"].values.max(initial=0.0)) for item in datasets), default=0.0)
    scale, unit = (
        (1.0, "s") if longest < 180.0 else (1.0 / 60.0, "min") if longest < 10800.0 else (1.0 / 3600.0, "h")
    )
    with style.context():
        known = any("voltage" in item for item in datasets)
        if ax is None and known:
            made = style.figure(style.COLUMN, 3.4)
            upper, lower = made.subplots(2, 1, sharex=True, height_ratios=(2, 1))
        else:
            made, upper = style.new_axes(ax)
            lower = None
        for item, envelope in zip(datasets, above, strict=True):
            colour = colours[str(item.attrs.get("stack", ""))]
            time = item["time"].values * scale
            power = item["power_density"].values * _MA
            if envelope is None:
                upper.plot(time, power, color=colour, linewidth=1.1)
            else:
                upper.plot(time, power, ".", color=colour, markersize=1.2, alpha=0.45, rasterized=True)
                upper.plot(envelope[0] * scale, envelope[1] * _MA, color=colour, linewidth=1.3)
                if envelope[2] is not None:
                    upper.plot(
                        envelope[0] * scale, envelope[2] * _MA, color=style.INK, linewidth=0.9,
                        linestyle=(0, (4, 2)), zorder=5,
                    )  # fmt: skip
            if lower is not None and "voltage" in item and envelope is not None:
                lower.plot(
                    time,
                    item["voltage"].values,
                    ".",
                    color=colour,
                    markersize=1.2,
                    alpha=0.45,
                    rasterized=True,
                )
            elif lower is not None and "voltage" in item:
                lower.step(time, item["voltage"].values, where="pre", color=colour, linewidth=0.9)
        bottom = lower if lower is not None else upper
        bottom.set_xlabel(f"Time ({unit})")
        bottom.set_xlim(0.0, longest * scale or 1.0)
        # what is drawn from the supply while the light soaks in would flatten the rest
        low, high = max(0.0, upper.get_ylim()[0]), upper.get_ylim()[1]
        entries = [(name or "measured", colour) for name, colour in colours.items()]
        if any(one is not None for one in above):
            entries.append(("line: upper envelope; dashed: likeliest curve", style.MUTED))
        # room for the names above the curves
        upper.set_ylim(low, high + (0.08 + 0.11 * len(entries)) * (high - low))
        upper.set_ylabel(style.axis_label("power_density"))
        if lower is not None:
            lower.set_ylabel("$V$ (V)")
            lower.margins(y=0.15)
        style.text_key(upper, entries, 0.05, 0.98)
        return made
