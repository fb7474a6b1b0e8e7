"""Figures against depth: energy bands at the operating points, generation, recombination and densities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from perotwin.plotting import style
from perotwin.plotting.depth_axis import DepthAxis, Span, runs

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["bands", "profiles"]

_CM3 = 1e-6  # m^-3 -> cm^-3


_STATE_WORDS = {
    "dark": "Equilibrium (dark)",
    "short-circuit": "Short circuit",
    "maximum-power": "Maximum power",
    "open-circuit": "Open circuit",
}


def bands(dataset: xr.Dataset, ax: Axes | None = None, states: Sequence[str] | None = None) -> Figure:
    """Band edges and quasi-Fermi levels against depth, one panel an operating point; all on one energy scale.

    Of a tandem each panel is as wide as the page. Into a given ``ax`` only the last state is drawn (open circuit,
    where the splitting can be read).

    Parameters
    ----------
    states : those to draw, in this order; all of the measurement unless said. What it lacks is left out.
    """
    known = [str(state) for state in dataset["state"].values]
    chosen = known if states is None else [state for state in states if state in known]
    axis = DepthAxis.of(dataset)
    with style.context():
        if ax is not None:
            made, axes = style.new_axes(ax)
            _bands_panel(axes, dataset.sel(state=chosen[-1]), axis, label=True)
            return made
        columns = 1 if axis.stretched else 2
        rows = -(-len(chosen) // columns)
        made = style.figure(style.PAGE, (2.75 if axis.stretched else 2.35) * rows)
        panels = made.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        style.apart(made)
        for index, panel in enumerate(panels.flat):
            if index >= len(chosen):
                panel.set_visible(False)
                continue
            _bands_panel(panel, dataset.sel(state=chosen[index]), axis, label=index == 0)
        for panel in panels[-1]:
            axis.label(panel)
        for panel in panels[:, 0]:
            panel.set_ylabel("Energy (eV)")
        return made


def _bands_panel(ax: Axes, state: xr.Dataset, axis: DepthAxis, label: bool) -> None:
    x = axis.places(state)
    conduction, valence = state["conduction_band"].values, state["valence_band"].values
    electron, hole = state["electron_fermi_level"].values, state["hole_fermi_level"].values
    axis.shade(ax)
    for run in runs(state):
        ax.plot(x[run], conduction[run], color=style.INK)
        ax.plot(x[run], valence[run], color=style.INK)
    # Where junctions meet, the level of one side's electrons is that of the other side's holes: no line joins them.
    for run in _junctions(state, axis):
        ax.plot(x[run], electron[run], color=style.ELECTRON, linestyle=(0, (4, 1.5)), linewidth=1.1)
        ax.plot(x[run], hole[run], color=style.HOLE, linestyle=(0, (4, 1.5)), linewidth=1.1)
    name, voltage = str(state["state"].values), float(state["voltage"].values)
    title = _STATE_WORDS.get(name, name)
    if name not in ("dark", "short-circuit"):
        title += f", {voltage:.3f} V"
    ax.set_title(title, pad=24 if axis.stretched else 14)
    splitting = 0.0
    for layers in axis.junctions.values():
        widest = axis.widest(layers)
        splitting = max(splitting, _splitting(ax, state, axis, widest))
    if label:
        widest = axis.widest(next(iter(axis.junctions.values())))
        for words, values, colour, shift in (
            ("$E_\\mathrm{C}$", conduction, style.INK, 3),
            ("$E_\\mathrm{V}$", valence, style.INK, -9),
            ("$E_\\mathrm{F}$", electron, style.INK, 3)
            if splitting < 0.01
            else ("$E_\\mathrm{F,n}$", electron, style.ELECTRON, -9),
        ):
            height = _height(state, values, widest, 0.30)
            ax.annotate(
                words,
                (axis.middle(widest, 0.30), height),
                xytext=(0, shift),
                textcoords="offset points",
                fontsize=7.5,
                color=colour,
            )


def _junctions(state: xr.Dataset, axis: DepthAxis) -> list[slice]:
    """Node ranges junction by junction; the nodes of faces stand in pairs, so that counting layers counts nodes."""
    ranges = iter(runs(state))
    parts = [[next(ranges) for _ in layers] for layers in axis.junctions.values()]
    return [slice(part[0].start, part[-1].stop) for part in parts]


def _height(state: xr.Dataset, values: np.ndarray, layer: Span, share: float) -> float:
    """A value a share of the way through a layer."""
    x = state["x"].values
    inside = np.array([str(name) for name in state["layer"].values]) == layer.name
    return float(np.interp(layer.front + share * layer.thickness, x[inside], values[inside]))


def _splitting(ax: Axes, state: xr.Dataset, axis: DepthAxis, layer: Span) -> float:
    """An arrow over the splitting of the quasi-Fermi levels in the middle of a layer, if there is one; its eV."""
    from matplotlib.patheffects import withStroke

    upper = _height(state, state["electron_fermi_level"].values, layer, 0.5)
    lower = _height(state, state["hole_fermi_level"].values, layer, 0.5)
    middle = axis.middle(layer)
    if upper - lower <= 0.05:
        return upper - lower
    ax.annotate(
        "",
        (middle, upper),
        (middle, lower),
        arrowprops={"arrowstyle": "<->", "color": style.MUTED, "lw": 0.7, "shrinkA": 0, "shrinkB": 0},
    )
    ax.annotate(
        f"{upper - lower:.3f} eV",
        (middle, (upper + lower) / 2),
        xytext=(4, 0),
        va="center",
        textcoords="offset points",
        fontsize=7,
        color=style.MUTED,
        path_effects=[withStroke(linewidth=2.0, foreground="white", alpha=0.8)],
    )
    return upper - lower


def profiles(dataset: xr.Dataset, ax: Axes | None = None) -> Figure:
    """Generation and recombination (left) and carrier densities (right) against depth at the stored voltages.

    Of a tandem one stands above the other. Into a given ``ax`` only the rates are drawn.
    """
    axis = DepthAxis.of(dataset)
    with style.context():
        if ax is not None:
            made, axes = style.new_axes(ax)
            _rates(axes, dataset, axis)
            return made
        if axis.stretched:
            made = style.figure(style.PAGE, 5.6)
            first, second = made.subplots(2, 1)
        else:
            made = style.figure(style.PAGE, 2.8)
            first, second = made.subplots(1, 2)
        style.apart(made)
        _rates(first, dataset, axis)
        _densities(second, dataset, axis)
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


def _rates(ax: Axes, dataset: xr.Dataset, axis: DepthAxis) -> None:
    x = axis.places(dataset)
    recombination = dataset["recombination"].values * _CM3
    # One row where it is the same at every voltage; the light of one junction in the next follows the voltage.
    generation = np.broadcast_to(dataset["generation"].values * _CM3, recombination.shape)
    axis.shade(ax)
    entries = [("generation", style.INK)]
    for run in runs(dataset):
        ax.plot(x[run], np.where(generation[0][run] > 0, generation[0][run], np.nan), color=style.INK)
        for index, _, colour in _biases(dataset):
            rate = recombination[index][run]
            ax.plot(x[run], np.where(rate > 0, rate, np.nan), color=colour)
    entries += [(f"recombination: {words}", colour) for _, words, colour in _biases(dataset)]
    highest = max(float(np.nanmax(generation, initial=0)), float(np.nanmax(recombination, initial=0)))
    _decades(ax, highest, 8)
    style.text_key(ax, entries, 0.12, 0.05 + 0.058 * len(entries))
    axis.label(ax)
    ax.set_ylabel("Rate (cm$^{−3}$ s$^{−1}$)")


def _densities(ax: Axes, dataset: xr.Dataset, axis: DepthAxis) -> None:
    x = axis.places(dataset)
    axis.shade(ax)
    highest = 0.0
    for run in runs(dataset):
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
    axis.label(ax)
    ax.set_ylabel("Carrier density (cm$^{−3}$)")
