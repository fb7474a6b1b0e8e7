"""A plan of measurements: how well it would tell each number, and what one more would add."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from perotwin.plotting import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Told", "expected"]

#: widths that are drawn: what is less known stands at the right edge, as an arrow
_LEAST, _MOST = 1e-3, 10.0
#: inches of a line, and of what stands around the lines of a panel
_LINE, _AROUND = 0.19, 0.62


class Told(NamedTuple):
    """A number, its expected standard deviation in units of its size, and the same with the best further
    measurement (None where there is none).
    """

    name: str
    planned: float
    with_best: float | None


def expected(told: Sequence[Told], adds: Sequence[tuple[str, float]], known: float, best: str) -> Figure:
    """Widths of all numbers, and below what one more measurement adds.

    Args:
        told: the numbers. adds: further measurements with their nats by hour, the best first.
        known: width below which a number is known. best: name of the best further measurement, "" for none.
    """
    heights = [_LINE * len(told) + _AROUND] + ([_LINE * len(adds) + _AROUND] if adds else [])
    made = style.figure(style.PAGE, sum(heights))
    with style.context():
        axes = made.subplots(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
        _widths(axes[0], told, known, best)
        if adds:
            _by_hour(axes[1], adds)
    return made


def _widths(ax: Axes, told: Sequence[Told], known: float, best: str) -> None:
    ax.set_xscale("log")
    ax.set_xlim(_LEAST / 1.6, _MOST * 1.6)
    ax.axvspan(_LEAST / 1.6, known, color=style.MUTED, alpha=0.12, lw=0)
    planned, further = style.CELLS[0], style.CELLS[1]
    for row, one in enumerate(told):
        if one.with_best is not None and math.isfinite(one.with_best):
            ax.plot([_at(one.with_best), _at(one.planned)], [row, row], color=style.MUTED, lw=0.8, zorder=1)
            ax.plot(_at(one.with_best), row, "o", ms=4.5, mfc="white", mec=further, mew=1.0, zorder=2)
        beyond = not one.planned < _MOST
        ax.plot(_at(one.planned), row, ">" if beyond else "o", ms=4.5, color=planned, zorder=3)
    ax.plot([], [], "o", ms=4.5, color=planned, label="as planned")
    if best:
        ax.plot([], [], "o", ms=4.5, mfc="white", mec=further, mew=1.0, label=f"with {best}")
    ax.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, frameon=False, borderaxespad=0.2)
    ax.text(known, -0.75, "known ", ha="right", va="center", color=style.MUTED, fontsize=6.5)
    ax.set_yticks(range(len(told)), [one.name for one in told])
    ax.set_ylim(len(told) - 0.4, -1.2)
    ax.tick_params(axis="y", length=0)
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.set_xlabel("Expected standard deviation of the logarithm")


def _at(width: float) -> float:
    """Where a width is drawn."""
    return min(max(width, _LEAST), _MOST) if math.isfinite(width) else _MOST


def _by_hour(ax: Axes, adds: Sequence[tuple[str, float]]) -> None:
    values = [value for _, value in adds]
    ax.barh(range(len(adds)), values, height=0.62, color=style.CELLS[1])
    for row, value in enumerate(values):
        ax.text(value, row, f" {value:.2g}", ha="left", va="center", fontsize=6.5, color=style.INK)
    ax.set_xlim(0.0, 1.12 * max(values))
    ax.set_yticks(range(len(adds)), [name for name, _ in adds])
    ax.set_ylim(len(adds) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("What one more measurement adds (nats by hour)")
