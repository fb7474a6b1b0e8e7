"""Power that cells retain through the hours, beside numbers that somebody states of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from perotwin.plotting import style
from perotwin.plotting.ageing import time_axis

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Mark", "retained"]

#: % of the first power, at least, below the lowest point
_ROOM = 8.0
#: of the axis: how long the arrow of a bound is, and how far a curve is from a mark that does not touch it
_ARROW, _NEAR = 0.09, 0.05


@dataclass(frozen=True)
class Mark:
    """A number that is stated of a cell.

    Attributes:
        cell: its name. time: s. value: of the first power. words: beside it.
        either_way: how far a number may be off and still agree; zero where that is not said.
        bound: whether the power was said to be "below" or "above" the value; "" where it was said to be the value.
    """

    cell: str
    time: float
    value: float
    words: str
    either_way: float = 0.0
    bound: Literal["", "below", "above"] = ""


def retained(
    courses: Sequence[xr.Dataset], marks: Sequence[Mark] = (), colours: Sequence[str] = ()
) -> Figure:
    """Power over the first against time.

    Args:
        courses: `retained` over `time`, a cell each. marks: what is stated of them: circles with what they may be off,
            bars with an arrow of bounds. colours: of the cells, in their order; as in all figures unless given.
    """
    names = [str(course.attrs["stack"]) for course in courses]
    of = dict(zip(names, colours, strict=True)) if colours else style.colour_of_cells(courses)
    longest = max(float(course["time"].values[-1]) for course in courses)
    factor, unit = time_axis(longest)
    with style.context():
        made, axes = style.new_axes(None, 1.45 * style.COLUMN, 2.9)
        curves = {}
        for name, course in zip(names, courses, strict=True):
            good = np.isfinite(course["retained"].values)
            curves[name] = course["time"].values[good] * factor, 100.0 * course["retained"].values[good]
            axes.plot(*curves[name], color=of[name])
        lows = [float(values.min()) for _, values in curves.values()]
        lowest = min(*lows, *(100.0 * (mark.value - mark.either_way) for mark in marks), 100.0)
        axes.set_xlim(0.0, longest * factor)
        axes.set_ylim(max(0.0, 10.0 * np.floor(0.1 * (lowest - _ROOM))), 103.0)
        for mark in marks:
            there = float(np.interp(mark.time * factor, *curves[mark.cell]))
            _marked(axes, mark, mark.time * factor, there, of[mark.cell])
        for name, (time, values) in curves.items():
            axes.annotate(
                f"{name} {values[-1]:.1f} %", (time[-1], values[-1]), (8.0, 0.0), textcoords="offset points",
                color=of[name], fontsize=7, va="center", annotation_clip=False,
            )  # fmt: skip
        axes.set_xlabel(f"Time at maximum power ({unit})")
        axes.set_ylabel("Power over the first (%)")
        return made


def _marked(axes: Axes, mark: Mark, time: float, curve: float, colour: str) -> None:
    """A mark, and its words left of it, below a curve that falls to it or lies above, else over it."""
    value = 100.0 * mark.value
    low, high = axes.get_ylim()
    if mark.bound:
        length = _ARROW * (high - low)
        axes.errorbar(
            time, value, length, fmt="_", color=style.INK, markersize=11.0, markeredgewidth=1.2, elinewidth=0.9,
            uplims=mark.bound == "below", lolims=mark.bound == "above", clip_on=False, zorder=4,
        )  # fmt: skip
    else:
        axes.errorbar(
            time, value, 100.0 * mark.either_way or None, fmt="o", color=style.INK, markerfacecolor="white",
            markersize=4.5, markeredgewidth=1.0, elinewidth=0.7, capsize=2.0, clip_on=False, zorder=4,
        )  # fmt: skip
    below = curve > value - _NEAR * (high - low)
    axes.annotate(
        mark.words, (time, value), (-9.0, -3.0 if below else 3.0), textcoords="offset points", color=colour, fontsize=7,
        ha="right", va="top" if below else "bottom", annotation_clip=False,
    )  # fmt: skip
