"""Waterfalls: bars that step from one level to another, each with its name, its size and its colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perotwin.plotting import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["COLOURS", "Step", "waterfall"]

#: colour of a step by what is lost, with the words for a key
COLOURS = {
    "jsc": ("#E0A100", "current"),
    "voc": ("#0B62A4", "voltage"),
    "ff": ("#8E4A9E", "fill factor"),
    "pce": ("#6b7785", "several"),
}
#: inches of a row, and beside all rows
_ROW, _REST = 0.185, 1.0
#: part of the axis that a word keeps off its bar
_ROOM = 0.012


@dataclass(frozen=True)
class Step:
    """One bar.

    Attributes:
        words: its name. of: key of `COLOURS`. change: of the level, in the unit of the axis; below zero a loss.
        beside: its size in words.
    """

    words: str
    of: str
    change: float
    beside: str


def waterfall(
    start: tuple[str, float], steps: Sequence[Step], end: tuple[str, float], label: str, title: str = ""
) -> Figure:
    """From one level to another.

    Args:
        start, end: name and level, in the unit of the axis. steps: between them, from above. label: of the axis.
        title: over the panel.
    """
    from matplotlib.patches import Patch

    with style.context():
        made = style.figure(style.PAGE, _REST + _ROW * (len(steps) + 2))
        ax = made.add_subplot()
        level = start[1]
        levels = [level]
        for one in steps:
            levels.append(levels[-1] + one.change)
        low, high = _range([*levels, end[1]])
        room = _ROOM * (high - low)
        _whole(ax, 0, start, low, room)
        for row, (one, level) in enumerate(zip(steps, levels, strict=False), 1):
            after = level + one.change
            ax.barh(row, one.change, left=level, height=0.68, color=COLOURS[one.of][0])
            ax.plot([after, after], [row - 0.34, row + 1.34], color=style.MUTED, linewidth=0.5, zorder=0)
            ax.text(max(level, after) + room, row, one.beside, va="center", ha="left", fontsize=6.5)
        _whole(ax, len(steps) + 1, end, low, room)
        ax.set_yticks(range(len(steps) + 2), [start[0], *(one.words for one in steps), end[0]])
        ax.set_ylim(len(steps) + 1.5, -0.5)
        # words stand right of the bars
        ax.set_xlim(low, high + 0.18 * (high - low))
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        ax.set_xlabel(label)
        if title:
            ax.set_title(title)
        used = [of for of in COLOURS if any(one.of == of for one in steps)]
        handles = [Patch(color=COLOURS[of][0], label=COLOURS[of][1]) for of in used]
        made.legend(
            handles=handles, loc="outside lower right", ncols=len(used), columnspacing=1.2, handlelength=1.2
        )
        return made


def _range(levels: Sequence[float]) -> tuple[float, float]:
    """Ends of the axis: zero is left out where the levels lie far above it."""
    low, high = min(levels), max(levels)
    room = 0.06 * (high - low)
    return (0.0 if low - (high - low) < 0.0 else low - 0.25 * (high - low)), high + room


def _whole(ax: Axes, row: int, level: tuple[str, float], low: float, room: float) -> None:
    ax.barh(row, level[1] - low, left=low, height=0.68, color="#4D4D4D")
    ax.text(level[1] + room, row, f"{level[1]:.2f}", va="center", ha="left", fontsize=6.5)
