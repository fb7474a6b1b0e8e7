"""Figures of fits: data beside fit with what is left over, and which numbers are known only together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.measurement import field_unit
from perotwin.plotting import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Panel", "correlations", "fits"]

F64 = NDArray[np.float64]

#: axes, and values, that span decades; values do so where they do
_ACROSS, _UP, _DECADES = ("intensity", "frequency"), ("counts", "impedance_magnitude"), 10.0
_COLUMNS = 3
#: labels that are shorter here, where panels are small
_LABELS = {
    "intensity": "Light (sun)",
    "eqe": "EQE",
    "time": "Time (ns)",
    "counts": "Counts (of the narrowest bin)",
    "frequency": "Frequency (Hz)",
    "impedance_magnitude": r"$|Z|$ (ohm cm$^2$)",
    "impedance_phase": "Phase (deg)",
}


@dataclass(frozen=True)
class Panel:
    """One data set: quantities of its axis and its value with their units in SI, (N,) each, and (N,) name of the
    part."""

    title: str
    axis: str
    axis_unit: str
    value: str
    value_unit: str
    x: F64
    data: F64
    model: F64
    sd: F64
    parts: tuple[str, ...]


def fits(panels: Sequence[Panel]) -> Figure:
    """Data as dots, fits as lines, and below what is left over in standard deviations."""
    panels = [one for one in panels if one.axis]
    columns = 2 if len(panels) == 4 else min(max(len(panels), 1), _COLUMNS)
    rows = int(np.ceil(len(panels) / columns)) or 1
    width = style.COLUMN if columns == 1 else style.PAGE
    made = style.figure(width, 2.9 * rows)
    with style.context():
        grid = made.add_gridspec(rows, columns)
        for number, panel in enumerate(panels):
            inner = grid[number // columns, number % columns].subgridspec(
                2, 1, height_ratios=(3, 1), hspace=0.08
            )
            upper = made.add_subplot(inner[0])
            lower = made.add_subplot(inner[1], sharex=upper)
            _draw(panel, upper, lower)
            made.align_ylabels([upper, lower])
        engine = made.get_layout_engine()
        assert engine is not None
        engine.set(hspace=0.0, h_pad=0.04)  # type: ignore[call-arg]  # constrained layout takes both
    return made


def _draw(panel: Panel, upper: object, lower: object) -> None:
    from matplotlib.axes import Axes

    assert isinstance(upper, Axes) and isinstance(lower, Axes)
    x_unit, x_factor = field_unit(panel.axis, panel.axis_unit)
    y_unit, y_factor = field_unit(panel.value, panel.value_unit)
    assert x_unit is not None and y_unit is not None
    left = (panel.model - panel.data) / panel.sd
    names = list(dict.fromkeys(panel.parts))
    for number, name in enumerate(names):
        here = np.array([part == name for part in panel.parts])
        order = np.argsort(panel.x[here])
        x, data, model = (column[here][order] for column in (panel.x, panel.data, panel.model))
        colour = style.CELLS[number % len(style.CELLS)]
        upper.plot(x_factor * x, y_factor * data, "o", ms=2.6, mfc="none", mew=0.7, color=colour)
        dashed = name == "forward" and len(names) > 1
        label = name if len(names) > 1 else None
        upper.plot(x_factor * x, y_factor * model, "--" if dashed else "-", lw=1.1, color=colour, label=label)
        lower.plot(x_factor * x, left[here][order], "o-", ms=2.0, lw=0.5, color=colour)
    if panel.axis in _ACROSS:
        upper.set_xscale("log")
    if panel.value in _UP and panel.data.max() > _DECADES * panel.data.min() > 0.0:
        upper.set_yscale("log")
    most = max(3.0, 1.15 * float(np.nanmax(np.abs(left), initial=0.0)))
    lower.set_ylim(-most, most)
    lower.axhspan(-2.0, 2.0, color=style.MUTED, alpha=0.15, lw=0)
    lower.axhline(0.0, color=style.MUTED, lw=0.6)
    if panel.value == "current_density" and float(panel.data.max()) > 0.0:
        low = min(0.0, 1.05 * y_factor * float(panel.data[panel.data > -0.3 * panel.data.max()].min()))
        upper.set_ylim(low, 1.12 * y_factor * float(panel.data.max()))
    upper.tick_params(labelbottom=False)
    upper.set_title(panel.title)
    upper.set_ylabel(_LABELS.get(panel.value) or style.axis_label(panel.value))
    lower.set_xlabel(_LABELS.get(panel.axis) or style.axis_label(panel.axis))
    lower.set_ylabel("left over (sd)")
    if panel.axis == "time":
        # a decay lasts nanoseconds to microseconds
        lower.xaxis.set_major_formatter(lambda value, _: f"{1e9 * value:g}")
    if len(names) > 1:
        upper.legend(loc="lower left" if panel.value == "current_density" else "best", frameon=False)


def correlations(names: Sequence[str], values: F64) -> Figure:
    """Correlations (P, P) of numbers: blue where one can rise with the other, red where it must fall."""
    count = len(names)
    # inches: a square of numbers, and room for the longest name beside and below it
    side, room = max(1.6, 0.34 * count), 0.066 * max(map(len, names), default=0)
    with style.context():
        made, ax = style.new_axes(None, side + room + 0.9, side + room + 0.2)
        image = ax.imshow(values, cmap="RdBu", vmin=-1.0, vmax=1.0, aspect="auto")
        ax.set_xticks(range(count), names, rotation=90)
        ax.set_yticks(range(count), names)
        ax.tick_params(length=0)
        for i in range(count):
            for j in range(count):
                if i != j and abs(values[i, j]) >= 0.3:
                    pale = abs(values[i, j]) > 0.6
                    ax.text(j, i, f"{values[i, j]:+.2f}".replace("-", "−"), ha="center", va="center", fontsize=5.5,
                            color="white" if pale else style.INK)  # fmt: skip
        bar = made.colorbar(image, ax=ax, fraction=0.046, pad=0.03)
        bar.set_label("correlation")
    return made
