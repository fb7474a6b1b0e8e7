"""How many devices of a batch lie where: distributions of figures of merit, group by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.measurement import NOMENCLATURE
from perotwin.plotting import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["FIGURES", "by_group", "distributions"]

F64 = NDArray[np.float64]

FIGURES = ("pce", "voc", "jsc", "ff")
#: quantiles that are marked beside the median
_ENDS = (0.025, 0.975)


def distributions(groups: Mapping[str, Mapping[str, F64]]) -> Figure:
    """Distributions of the figures of merit with medians and the intervals that hold 95 %.

    Args:
        groups: by name, of each figure (D,) values in SI; NaN is left out.
    """
    with style.context():
        made = style.figure(style.PAGE, 3.6 + 0.12 * len(groups))
        panels = made.subplots(2, 2)
        colours = dict(zip(groups, style.CELLS * (1 + len(groups) // len(style.CELLS)), strict=False))
        for ax, name in zip(panels.flat, FIGURES, strict=True):
            _panel(ax, name, groups, colours)
        panels[0, 0].set_ylabel("Devices")
        panels[1, 0].set_ylabel("Devices")
        handles, labels = panels[0, 0].get_legend_handles_labels()
        made.legend(handles, labels, loc="outside upper left", ncols=min(len(groups), 3), handlelength=1.2)
        style.apart(made)
        return made


def _panel(ax: Axes, name: str, groups: Mapping[str, Mapping[str, F64]], colours: Mapping[str, str]) -> None:
    from matplotlib.ticker import MaxNLocator

    term = NOMENCLATURE[name]
    known = {group: term.factor * values[name][np.isfinite(values[name])] for group, values in groups.items()}
    every = np.concatenate(list(known.values())) if known else np.zeros(0)
    if not every.size:
        ax.text(0.5, 0.5, "none could be solved", transform=ax.transAxes, ha="center", color=style.MUTED)
        return
    low, high = np.quantile(every, (0.001, 0.999))
    if not high > low:
        low, high = low - 0.5 * abs(low) - 1e-9, high + 0.5 * abs(high) + 1e-9
    bins = np.linspace(low, high, int(np.clip(2.0 * len(every) ** (1 / 3), 8, 60))).tolist()
    for group, values in known.items():
        median = float(np.median(values)) if values.size else float("nan")
        ends = np.quantile(values, _ENDS) if values.size else (median, median)
        if name == "pce":
            label = f"{group}: median {median:.2f} %, 95 % within {ends[0]:.2f} to {ends[1]:.2f} %"
        else:
            label = group
        inside = values[(values >= low) & (values <= high)]
        ax.hist(inside, bins, histtype="stepfilled", color=colours[group], alpha=0.35, label=label)
        ax.hist(inside, bins, histtype="step", color=colours[group], linewidth=0.9)
        ax.axvline(median, color=colours[group], linewidth=1.2)
        for end in ends:
            ax.axvline(end, color=colours[group], linewidth=0.8, linestyle=(0, (3, 2)))
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.set_xlabel(style.axis_label(name))
    ax.set_ylim(bottom=0.0)


def by_group(groups: Sequence[str], values: Mapping[str, F64]) -> dict[str, dict[str, F64]]:
    """Figures by group, from columns (D,)."""
    names = np.array(groups)
    return {
        group: {name: np.asarray(values[name])[names == group] for name in FIGURES}
        for group in dict.fromkeys(groups)
    }
