"""Figures against depth: energy bands at the operating points, generation, recombination and densities."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from perotwin.plotting import style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["bands", "layer_spans", "profiles"]

_NM = 1e9
_CM3 = 1e-6  # m^-3 -> cm^-3


def layer_spans(dataset: xr.Dataset) -> list[tuple[str, float, float]]:
    """Name, front and back (m) of each layer that the depth axis ``x`` runs through, in order."""
    x, names = dataset["x"].values, [str(name) for name in dataset["layer"].values]
    spans: list[tuple[str, float, float]] = []
    for position, name in zip(x, names, strict=True):
        if spans and spans[-1][0] == name:
            spans[-1] = (name, spans[-1][1], float(position))
        else:
            spans.append((name, float(position), float(position)))
    return spans


def _junctions(spans: Sequence[tuple[str, float, float]]) -> list[list[tuple[str, float, float]]]:
    """The layers of each junction of a tandem, or all of them in one."""
    found = [[span for span in spans if span[0].startswith(f"{which} ")] for which in ("top", "bottom")]
    return found if all(found) else [list(spans)]


def _runs(dataset: xr.Dataset) -> list[slice]:
    """Node ranges layer by layer, so that no line is drawn across a face where bands step."""
    names = [str(name) for name in dataset["layer"].values]
    starts = [0, *(i for i in range(1, len(names)) if names[i] != names[i - 1]), len(names)]
    return [slice(first, last) for first, last in pairwise(starts)]


def _shade(ax: Axes, spans: Sequence[tuple[str, float, float]], names: bool = True) -> None:
    """Faint layer colours behind a depth axis, and the layers' names above it where there is room."""
    total = spans[-1][2] - spans[0][1]
    for name, front, back in spans:
        colour = style.layer_colour(name)
        ax.axvspan(front * _NM, back * _NM, color=colour, alpha=0.10, linewidth=0, zorder=0)
    parts = _junctions(spans)
    # the layers of two junctions have no room for their names
    named = [(part[0][0].split(" ")[0], part[0][1], part[-1][2]) for part in parts] if len(parts) > 1 else spans
    if names:
        wanted = [(front + back) / 2 * _NM for _, front, back in named]
        places = style.spread(wanted, 0.085 * total * _NM, spans[0][1] * _NM, spans[-1][2] * _NM)
        for (name, _, _), place in zip(named, places, strict=True):
            ax.annotate(
                name,
                (place, 1.0),
                xycoords=("data", "axes fraction"),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                va="bottom",
                fontsize=6.5,
                color=style.MUTED,
                rotation=0,
            )
    for name, front, _ in spans[1:]:
        between = len(parts) > 1 and name == parts[1][0][0]
        ax.axvline(
            front * _NM, color=style.MUTED, linewidth=0.9 if between else 0.4, alpha=0.6, zorder=0.5
        )
    ax.set_xlim(spans[0][1] * _NM, spans[-1][2] * _NM)


_STATE_WORDS = {
    "dark": "Dark",
    "short-circuit": "Short circuit",
    "maximum-power": "Maximum power",
    "open-circuit": "Open circuit",
}


def bands(dataset: xr.Dataset, ax: Axes | None = None) -> Figure:
    """Band edges and quasi-Fermi levels against depth, one panel an operating point; all on one energy scale.

    Into a given ``ax`` only the last state is drawn (open circuit, where the splitting can be read).
    """
    states = [str(state) for state in dataset["state"].values]
    with style.context():
        if ax is not None:
            made, axes = style.new_axes(ax)
            _bands_panel(axes, dataset.isel(state=-1), label=True)
            return made
        made = style.figure(style.PAGE, 2.35 * ((len(states) + 1) // 2))
        panels = made.subplots((len(states) + 1) // 2, 2, sharex=True, sharey=True, squeeze=False)
        style.apart(made)
        for index, panel in enumerate(panels.flat):
            if index >= len(states):
                panel.set_visible(False)
                continue
            _bands_panel(panel, dataset.isel(state=index), label=index == 0)
        for panel in panels[-1]:
            panel.set_xlabel(style.axis_label("x"))
        for panel in panels[:, 0]:
            panel.set_ylabel("Energy (eV)")
        return made


def _bands_panel(ax: Axes, state: xr.Dataset, label: bool) -> None:
    x = state["x"].values * _NM
    conduction, valence = state["conduction_band"].values, state["valence_band"].values
    electron, hole = state["electron_fermi_level"].values, state["hole_fermi_level"].values
    spans = layer_spans(state)
    _shade(ax, spans)
    for run in _runs(state):
        ax.plot(x[run], conduction[run], color=style.INK)
        ax.plot(x[run], valence[run], color=style.INK)
    ax.plot(x, electron, color=style.ELECTRON, linestyle=(0, (4, 1.5)), linewidth=1.1)
    ax.plot(x, hole, color=style.HOLE, linestyle=(0, (4, 1.5)), linewidth=1.1)
    wide = [max(part, key=lambda span: span[2] - span[1]) for part in _junctions(spans)]
    name, voltage = str(state["state"].values), float(state["voltage"].values)
    title = _STATE_WORDS.get(name, name)
    if name not in ("dark", "short-circuit"):
        title += f", {voltage:.3f} V"
    ax.set_title(title, pad=14)
    for span in wide:
        _mark_splitting(ax, x, electron, hole, span)
    if label:
        widest = max(wide, key=lambda span: span[2] - span[1])
        inside = (x >= widest[1] * _NM) & (x <= widest[2] * _NM)
        middle = 0.5 * (widest[1] + widest[2]) * _NM
        splitting = float(np.interp(middle, x[inside], (electron - hole)[inside]))
        at = widest[1] + 0.30 * (widest[2] - widest[1])
        for words, values, colour, shift in (
            ("$E_\\mathrm{C}$", conduction, style.INK, 3),
            ("$E_\\mathrm{V}$", valence, style.INK, -9),
            ("$E_\\mathrm{F}$", electron, style.INK, 3)
            if splitting < 0.01
            else ("$E_\\mathrm{F,n}$", electron, style.ELECTRON, 3),
        ):
            height = float(np.interp(at * _NM, x[inside], values[inside]))
            ax.annotate(
                words,
                (at * _NM, height),
                xytext=(0, shift),
                textcoords="offset points",
                fontsize=7.5,
                color=colour,
            )


def _mark_splitting(
    ax: Axes, x: np.ndarray, electron: np.ndarray, hole: np.ndarray, span: tuple[str, float, float]
) -> None:
    """An arrow between the quasi-Fermi levels in the middle of a layer, with its length; none where it is short."""
    inside = (x >= span[1] * _NM) & (x <= span[2] * _NM)
    middle = 0.5 * (span[1] + span[2]) * _NM
    splitting = float(np.interp(middle, x[inside], (electron - hole)[inside]))
    if splitting <= 0.05:
        return
    upper = float(np.interp(middle, x[inside], electron[inside]))
    ax.annotate(
        "",
        (middle, upper),
        (middle, upper - splitting),
        arrowprops={"arrowstyle": "<->", "color": style.MUTED, "lw": 0.7, "shrinkA": 0, "shrinkB": 0},
    )
    ax.annotate(
        f"{splitting:.3f} eV",
        (middle, upper - splitting / 2),
        xytext=(4, 0),
        va="center",
        textcoords="offset points",
        fontsize=7,
        color=style.MUTED,
    )


def profiles(dataset: xr.Dataset, ax: Axes | None = None) -> Figure:
    """Generation and recombination (left) and carrier densities (right) against depth at the stored voltages.

    Into a given ``ax`` only the rates are drawn.
    """
    with style.context():
        if ax is not None:
            made, axes = style.new_axes(ax)
            _rates(axes, dataset)
            return made
        made = style.figure(style.PAGE, 2.8)
        left, right = made.subplots(1, 2)
        style.apart(made)
        _rates(left, dataset)
        _densities(right, dataset)
        return made


def _biases(dataset: xr.Dataset) -> list[tuple[int, str, str]]:
    """Index, words and colour of each stored voltage, from blue (low) to orange (high)."""
    values = dataset["bias"].values
    known: dict[float, str] = {}
    if "solved_voltage" in dataset:
        names = (str(name) for name in dataset["point"].values)
        known = dict(zip(map(float, dataset["solved_voltage"].values), names, strict=True))
    palette = [style.STATES[name] for name in ("short-circuit", "maximum-power", "open-circuit")]
    if len(values) > len(palette):
        palette = [style.CELLS[index % len(style.CELLS)] for index in range(len(values))]
    found = []
    for index, value in enumerate(map(float, values)):
        words = f"{value:.3g} V" if value == 0 else f"{value:.2f} V"
        state = _STATE_WORDS.get(known.get(value, ""))
        found.append((index, words if state is None else f"{state.lower()}, {words}", palette[index]))
    return found


def _decades(ax: Axes, highest: float, count: float) -> None:
    if highest > 0:
        ax.set_yscale("log")
        ax.set_ylim(highest * 10**-count, highest * 10**0.6)


def _rates(ax: Axes, dataset: xr.Dataset) -> None:
    x = dataset["x"].values * _NM
    made = dataset["generation"]
    # light of one junction of a tandem in the other hangs on the voltage, and is too little to be seen here
    generation = (made.isel(bias=0) if "bias" in made.dims else made).values * _CM3
    recombination = dataset["recombination"].values * _CM3
    _shade(ax, layer_spans(dataset))
    entries = [("generation", style.INK)]
    for run in _runs(dataset):
        ax.plot(x[run], np.where(generation[run] > 0, generation[run], np.nan), color=style.INK)
        for index, _, colour in _biases(dataset):
            rate = recombination[index][run]
            ax.plot(x[run], np.where(rate > 0, rate, np.nan), color=colour)
    entries += [(f"recombination: {words}", colour) for _, words, colour in _biases(dataset)]
    highest = max(float(np.nanmax(generation, initial=0)), float(np.nanmax(recombination, initial=0)))
    _decades(ax, highest, 8)
    style.text_key(ax, entries, 0.12, 0.05 + 0.058 * len(entries))
    ax.set_xlabel(style.axis_label("x"))
    ax.set_ylabel("Rate (cm$^{−3}$ s$^{−1}$)")


def _densities(ax: Axes, dataset: xr.Dataset) -> None:
    x = dataset["x"].values * _NM
    _shade(ax, layer_spans(dataset))
    highest = 0.0
    for run in _runs(dataset):
        for index, _, colour in _biases(dataset):
            electron = dataset["electron_density"].values[index] * _CM3
            hole = dataset["hole_density"].values[index] * _CM3
            ax.plot(x[run], electron[run], color=colour)
            ax.plot(x[run], hole[run], color=colour, linestyle=(0, (3, 1.2)))
            highest = max(highest, float(np.nanmax(electron)), float(np.nanmax(hole)))
    _decades(ax, highest, 14)
    entries = [(words, colour) for _, words, colour in _biases(dataset)]
    entries += [("electrons —, holes - -", style.MUTED)]
    style.text_key(ax, entries, 0.32, 0.06 + 0.06 * len(entries))
    ax.set_xlabel(style.axis_label("x"))
    ax.set_ylabel("Carrier density (cm$^{−3}$)")
