"""Box plots of figures of merit with every device in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from perotwin.measurement import field_unit, term_of
from perotwin.plotting import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["boxes"]

F64 = NDArray[np.float64]
#: markers of substrates, in their order, again from the first where there are more
_MARKERS = "os^vP<X>*phd"
#: half the width that points of a group are spread over, and of its box
_SPREAD, _BOX = 0.3, 0.36


class Group(Protocol):
    """What is drawn of a group (see `lab.statistics_analysis.Group`)."""

    @property
    def name(self) -> str: ...
    @property
    def values(self) -> dict[str, F64]: ...
    @property
    def substrate(self) -> NDArray[np.str_]: ...
    @property
    def by_substrate(self) -> bool: ...
    def units(self, figure: str) -> F64: ...


def boxes(groups: Sequence[Group], figures: Sequence[str], ax: Axes | None = None) -> Figure:
    """Boxes of the quartiles with whiskers to the last device within 1.5 of their distance, every device as a point and
    the mean over substrates as a diamond; one panel a figure of merit, one column a group. Points of one substrate have
    one marker and one shade. Into given axes the last of the figures.

    Args:
        groups: what is drawn. figures: names of figures of merit, of which those are drawn that some group has.
    """
    shown = [name for name in figures if any(name in group.values for group in groups)]
    colours = _colours(groups)
    with style.context():
        if ax is not None:
            made, axes = style.new_axes(ax)
            _panel(axes, groups, shown[-1], colours)
            return made
        width = min(style.PAGE, max(style.COLUMN, len(shown) * (0.75 + 0.5 * len(groups))))
        made = style.figure(width, 2.6)
        panels = np.atleast_1d(made.subplots(1, len(shown)))
        style.apart(made)
        for axes, name in zip(panels, shown, strict=True):
            _panel(axes, groups, name, colours)
        return made


def _colours(groups: Sequence[Group]) -> list[str]:
    if len(groups) <= len(style.CELLS):
        return list(style.CELLS[: len(groups)])
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return [to_hex(colormaps["viridis"](0.9 * index / (len(groups) - 1))) for index in range(len(groups))]


def _panel(axes: Axes, groups: Sequence[Group], figure: str, colours: Sequence[str]) -> None:
    term = term_of(figure)
    assert term is not None
    unit, factor = field_unit(figure, term.unit)
    for place, (group, colour) in enumerate(zip(groups, colours, strict=True)):
        values = group.values.get(figure)
        if values is None or not np.isfinite(values).any():
            continue
        good = np.isfinite(values)
        _box(axes, place, values[good] * factor, colour)
        _points(
            axes, place, values[good] * factor, group.substrate[good] if group.by_substrate else None, colour
        )
        mean = float(group.units(figure).mean()) * factor
        axes.plot(
            place,
            mean,
            "D",
            color=style.INK,
            markersize=3.2,
            markeredgecolor="w",
            markeredgewidth=0.6,
            zorder=6,
        )
    axes.set_xlim(-0.6, len(groups) - 0.4)
    names = [group.name or "measured" for group in groups]
    turned = max(map(len, names)) * len(groups) > 14
    axes.set_xticks(
        range(len(groups)), names, rotation=35 if turned else 0, ha="right" if turned else "center",
        rotation_mode="anchor" if turned else "default",
    )  # fmt: skip
    axes.tick_params(axis="x", length=0)
    # four panels side by side have no room for words
    axes.set_ylabel(f"{term.latex} ({style.unit_latex(unit)})")
    axes.margins(y=0.08)


def _box(axes: Axes, place: int, values: F64, colour: str) -> None:
    axes.boxplot(
        [values], positions=[place], widths=2.0 * _BOX, showfliers=False, manage_ticks=False, zorder=2,
        boxprops={"color": colour, "linewidth": 0.9}, whiskerprops={"color": colour, "linewidth": 0.9},
        capprops={"color": colour, "linewidth": 0.9}, medianprops={"color": colour, "linewidth": 1.8},
    )  # fmt: skip


def _points(axes: Axes, place: int, values: F64, substrate: NDArray[np.str_] | None, colour: str) -> None:
    """Every device, side by side in the order of their substrates so that none hides another."""
    count = values.size
    across = _SPREAD * (np.linspace(-1.0, 1.0, count) if count > 1 else np.zeros(1))
    if substrate is None:
        # without an order the neighbours alternate
        across = across[np.argsort(np.argsort(np.arange(count) * 0.618 % 1.0))]
        axes.plot(
            place + across,
            values,
            "o",
            color=colour,
            markersize=2.6,
            alpha=0.75,
            markeredgewidth=0.0,
            zorder=4,
        )
        return
    names = list(dict.fromkeys(substrate.tolist()))
    order = np.argsort([names.index(one) for one in substrate.tolist()], kind="stable")
    for number, name in enumerate(names):
        here = order[substrate[order] == name]
        at = np.flatnonzero(substrate[order] == name)
        axes.plot(
            place + across[at], values[here], _MARKERS[number % len(_MARKERS)],
            color=_shade(colour, 0.45 * number / max(len(names) - 1, 1)), markersize=2.9, markeredgewidth=0.0,
            zorder=4,
        )  # fmt: skip


def _shade(colour: str, white: float) -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb

    red, green, blue = to_rgb(colour)
    return red + (1 - red) * white, green + (1 - green) * white, blue + (1 - blue) * white
