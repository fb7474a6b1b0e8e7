"""What changes gain: bars with intervals, and what pairs of them gain beyond the sum of both."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perotwin.plotting import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Bar", "gains"]

#: inches of a row, and beside all rows
_ROW, _REST = 0.3, 1.1
_COLOURS = ("#0B62A4", "#D55E00")


@dataclass(frozen=True)
class Bar:
    """A change: its name, and for each series its gain with the ends of its interval (points; NaN where not known)."""

    name: str
    values: Sequence[tuple[float, float, float]]


def gains(bars: Sequence[Bar], series: Sequence[str], pairs: Mapping[tuple[str, str], float]) -> Figure:
    """Gains of changes, largest first, and what pairs gain beyond the sum of each.

    Args:
        bars: in order. series: names of what each bar's values are of: the cell, the tandem made with it.
        pairs: names of two changes -> points beyond the sum.
    """
    names = [one.name for one in bars if any(one.name in pair for pair in pairs)]
    with style.context():
        rows = max(len(bars), 5)
        made = style.figure(style.PAGE, _REST + _ROW * rows)
        if len(names) > 1:
            left, right = made.subplots(1, 2, width_ratios=(1.25, 1.0))
        else:
            left, right = made.add_subplot(), None
        _bars(left, bars, series)
        if right is not None:
            _matrix(right, names, pairs)
        style.apart(made)
        return made


def _bars(ax: Axes, bars: Sequence[Bar], series: Sequence[str]) -> None:
    height = 0.76 / len(series)
    for number, (name, colour) in enumerate(zip(series, _COLOURS, strict=False)):
        offset = (number - 0.5 * (len(series) - 1)) * height
        for row, one in enumerate(bars):
            value, low, high = one.values[number]
            if not math.isfinite(value):
                continue
            ax.barh(row + offset, value, height=0.9 * height, color=colour, label=name if row == 0 else None)
            if math.isfinite(low):
                ax.plot([low, high], [row + offset] * 2, color=style.INK, linewidth=0.8)
                for end in (low, high):
                    reach = [row + offset - 0.22 * height, row + offset + 0.22 * height]
                    ax.plot([end, end], reach, color=style.INK, linewidth=0.8)
    ax.axvline(0.0, color=style.INK, linewidth=0.7)
    ax.set_yticks(range(len(bars)), [one.name for one in bars])
    ax.set_ylim(len(bars) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.set_xlabel("Gain in PCE (points)")
    ax.legend(loc="lower right", handlelength=1.2)


def _matrix(ax: Axes, names: Sequence[str], pairs: Mapping[tuple[str, str], float]) -> None:
    count = len(names)
    values = np.full((count, count), np.nan)
    for (first, second), value in pairs.items():
        if first in names and second in names:
            row, column = sorted((names.index(first), names.index(second)), reverse=True)
            values[row, column] = value
    most = max(float(np.nanmax(np.abs(values))), 0.01)
    ax.imshow(values[1:, :-1], cmap="RdBu", vmin=-most, vmax=most, aspect="auto")
    for row in range(1, count):
        for column in range(row):
            value = values[row, column]
            if math.isfinite(value):
                colour = "white" if abs(value) > 0.6 * most else style.INK
                text = f"{value:+.2f}".replace("-", "−")
                ax.text(column, row - 1, text, ha="center", va="center", fontsize=6.5, color=colour)
    ax.set_xticks(range(count - 1), names[:-1], rotation=35, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(count - 1), names[1:])
    ax.tick_params(length=0)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    ax.set_title("both together beyond\nthe sum of each (points)", fontsize=7.5)
