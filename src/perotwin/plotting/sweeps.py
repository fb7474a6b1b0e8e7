"""Figures of sweeps: what one number of a cell does to its metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from perotwin.measurement import NOMENCLATURE, Metrics
from perotwin.plotting import style
from perotwin.plotting.variants import Sweep

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["metrics"]

_SHOWN = ("voc", "jsc", "ff", "pce")
#: least span of an axis as a part of its values: what changes less does not change
_LEAST = 2e-3


def metrics(
    path: str, unit: str, series: Mapping[str, Sequence[tuple[float, Metrics]]], ax: Axes | None = None
) -> Figure:
    """Voc, Jsc, fill factor and efficiency against the number that was varied, one colour a cell.

    Args:
        path, unit: of the number.
        series: by cell: (value, metrics) of each point that was solved.
        ax: takes the efficiency alone.
    """
    known = {name: sorted(rows, key=lambda row: row[0]) for name, rows in series.items() if rows}
    values = sorted({value for rows in known.values() for value, _ in rows}) or [0.0]
    varied = Sweep(path, unit, tuple(values))
    with style.context():
        if ax is not None:
            made, axes = style.new_axes(ax)
            panels, shown = [axes], ["pce"]
        else:
            made = style.figure(style.PAGE * 0.8, 3.6)
            panels, shown = list(made.subplots(2, 2, sharex=True).ravel()), list(_SHOWN)
            style.apart(made)
        for panel, name in zip(panels, shown, strict=True):
            _panel(panel, name, known)
            if varied.log:
                panel.set_xscale("log")
        for panel in panels[-2:]:
            panel.set_xlabel(varied.label)
        if len(known) > 1:
            style.text_key(panels[-1], list(zip(known, style.CELLS * 9, strict=False)), 0.05, 0.97)
        return made


def _panel(ax: Axes, name: str, known: Mapping[str, Sequence[tuple[float, Metrics]]]) -> None:
    term = NOMENCLATURE[name]
    every: list[float] = []
    for rows, colour in zip(known.values(), style.CELLS * 9, strict=False):
        points = [(x, found[name].in_field_units(name).value) for x, found in rows if name in found]
        x, y = np.array(points, dtype=float).reshape(-1, 2).T
        ax.plot(x, y, "o-", color=colour, markersize=3.0, linewidth=1.1)
        every += y[np.isfinite(y)].tolist()
    if every:
        middle, half = 0.5 * (max(every) + min(every)), 0.56 * (max(every) - min(every))
        half = max(half, 0.5 * _LEAST * abs(middle)) or 1.0
        ax.set_ylim(middle - half, middle + half)
    ax.ticklabel_format(axis="y", useOffset=False)
    ax.set_ylabel(f"{term.latex} ({style.unit_latex(term.field_unit)})")
