"""Figures of currents that space charge limits: the curve, both axes logarithmic, and its slope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from perotwin.plotting import style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Curve", "figure"]

#: A m^-2 to mA cm^-2
_MA_CM2 = 0.1
_DASHED: Any = (0, (4, 2))


@dataclass(frozen=True)
class Curve:
    """What one curve shows.

    Attributes:
        item: the measurement. reading: `lab.space_charge.Reading`. counted: whether its voltage counts traps.
    """

    item: xr.Dataset
    reading: Any
    counted: bool


def figure(shown: Sequence[Curve], ax: Axes | None = None) -> Figure:
    """Currents with Mott and Gurney's lines and the tangents that meet them, and beside them the slopes.

    A filled mark is a trap-filled limit, an open one a voltage that counts no traps. Into a given `ax` go the currents
    alone.
    """
    colours = style.colour_of_cells([one.item for one in shown])
    own = [colours[str(one.item.attrs.get("stack", ""))] for one in shown]
    with style.context():
        if ax is not None:
            made, left = style.new_axes(ax)
            _currents(left, shown, own)
            return made
        made = style.figure(style.PAGE, 2.8)
        left, right = made.subplots(1, 2)
        _currents(left, shown, own)
        _slopes(right, shown, own)
        style.apart(made)
        return made


def _currents(ax: Axes, shown: Sequence[Curve], own: Sequence[str]) -> None:
    entries = []
    low = min(float(one.reading.current.min()) for one in shown) * _MA_CM2
    high = max(float(one.reading.current.max()) for one in shown) * _MA_CM2
    squares = False
    for one, colour in zip(shown, own, strict=True):
        read = one.reading
        ax.loglog(read.voltage, read.current * _MA_CM2, color=colour)
        words = str(one.item.attrs.get("stack", "")) or "measured"
        if np.isfinite(read.square):
            squares = True
            ends = np.array([read.voltage[0], read.voltage[-1]])
            ax.plot(
                ends,
                (read.square * ends) ** 2 * _MA_CM2,
                color=colour,
                linewidth=0.8,
                linestyle=_DASHED,
                zorder=1,
            )
        if np.isfinite(read.crossing):
            height = (read.square * read.crossing) ** 2
            # the tangent from where it lies in the panel
            foot = read.crossing * (max(low / _MA_CM2, 1e-300) / height) ** (1.0 / read.most)
            t = np.array([max(foot, read.voltage[0]), read.crossing])
            ax.plot(t, height * (t / read.crossing) ** read.most * _MA_CM2, color=style.MUTED, linewidth=0.8,
                    linestyle=":", zorder=1)  # fmt: skip
            face = colour if one.counted else "white"
            ax.plot(
                read.crossing,
                height * _MA_CM2,
                "o",
                color=colour,
                markerfacecolor=face,
                markersize=4.5,
                zorder=5,
            )
            words += f", {read.crossing:.3g} V" + ("" if one.counted else " (no traps)")
        entries.append((words, colour))
    if squares:
        entries.append(("dashed: Mott and Gurney", style.MUTED))
    ax.set_ylim(0.3 * low, 8.0 * high)
    ax.set_xlabel("Voltage $V$ (V)")
    ax.set_ylabel("Current density $J$ (mA cm$^{-2}$)")
    style.text_key(ax, entries, 0.04, 0.98)


def _slopes(ax: Axes, shown: Sequence[Curve], own: Sequence[str]) -> None:
    top = 3.0
    for one, colour in zip(shown, own, strict=True):
        read = one.reading
        # lines through neighbours say nothing new at the ends
        kept = slice(2, -2)
        ax.semilogx(read.voltage[kept], read.slope[kept], color=colour)
        top = max(top, float(read.most))
        if np.isfinite(read.crossing):
            ax.plot(read.steepest, read.most, "v", color=colour, markersize=3.5, zorder=5)
        if one.counted:
            filling = (read.slope > 2.0) & (read.voltage <= read.crossing)
            ax.fill_between(
                read.voltage, 2.0, read.slope, where=filling, color=colour, alpha=0.15, linewidth=0.0
            )
    for level, words in ((1.0, "ohmic"), (2.0, "square\nlaw")):
        ax.axhline(level, color=style.MUTED, linewidth=0.6, linestyle=":", zorder=0)
        ax.text(
            1.01,
            level,
            words,
            transform=ax.get_yaxis_transform(),
            color=style.MUTED,
            fontsize=6.5,
            va="center",
        )
    if top > 6.0:
        ax.set_yscale("log")
        ax.set_ylim(0.7, 1.5 * top)
        ticks = [tick for tick in (1, 2, 5, 10, 20, 50, 100) if tick < 1.5 * top]
        ax.set_yticks(ticks, [str(tick) for tick in ticks])
        ax.minorticks_off()
    else:
        ax.set_ylim(0.0, 1.15 * top)
    ax.set_xlabel("Voltage $V$ (V)")
    ax.set_ylabel(r"Slope d ln $J$ / d ln $V$")
    if any(one.counted for one in shown):
        style.text_key(ax, [("shaded: traps fill", style.MUTED)], 0.98, 0.98, ha="right")
