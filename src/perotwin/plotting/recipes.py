"""A series of recipes: what one number of the recipe does to the surface, the film and the cell."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from perotwin.measurement import NOMENCLATURE, Metrics
from perotwin.plotting import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["series"]

#: panels in order: what they show, and how the axis is named where it shows several quantities
_PANELS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("sam_share", "additive_share", "bare_share"), "share of the oxide"),
    (("interface_step",), ""),
    (("interface_velocity",), ""),
    (("film_lifetime",), ""),
    (("trap_density",), ""),
    (("mobile_ions",), ""),
    (("voc",), ""),
    (("pce",), ""),
)
_NAMES = {"sam_share": "monolayer", "additive_share": "additive", "bare_share": "bare"}
_HEIGHT = 1.95
#: letters of a line above a panel
_LINE = 28


def series(path: str, unit: str, rows: Sequence[tuple[float, Metrics]]) -> Figure:
    """Small panels against the number that was varied; those of which nothing is known are left out.

    Args:
        path: what was varied. unit: of the numbers.
        rows: (number, metrics) in order.
    """
    panels = [entry for entry in _PANELS if any(name in metrics for _, metrics in rows for name in entry[0])]
    columns = 4 if len(panels) > 4 else len(panels)
    lines = -(-len(panels) // columns)
    with style.context():
        figure = style.figure(style.PAGE, _HEIGHT * lines + 0.2)
        axes = figure.subplots(lines, columns, squeeze=False)
        for place, (names, words) in enumerate(panels):
            _panel(axes[place // columns][place % columns], names, words, rows)
        for place in range(len(panels), lines * columns):
            axes[place // columns][place % columns].set_visible(False)
        figure.supxlabel(f"{path} ({unit})" if unit != "1" else path, fontsize=8)
    return figure


def _panel(ax: Axes, names: tuple[str, ...], words: str, rows: Sequence[tuple[float, Metrics]]) -> None:
    colours: Mapping[str, str] = dict(zip(names, style.CELLS, strict=False))
    for name in names:
        known = [(x, metrics[name].in_field_units(name).value) for x, metrics in rows if name in metrics]
        ax.plot(*zip(*known, strict=True), "o-", markersize=2.5, color=colours[name])
    term = NOMENCLATURE[names[0]]
    ax.set_ylabel(
        f"{term.latex} ({style.unit_latex(term.field_unit)})" if not words else "Share (%)", fontsize=7
    )
    ax.set_title(textwrap.fill(words or term.words, _LINE), fontsize=6, color=style.MUTED)
    ax.tick_params(labelsize=7)
    if len(names) > 1:
        style.text_key(ax, [(_NAMES[name], colours[name]) for name in names], 0.4, 0.6, fontsize=6.5)
