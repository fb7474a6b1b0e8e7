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

__all__ = ["bands", "ions_and_field", "profiles"]

_CM3 = 1e-6  # m^-3 -> cm^-3
_KV_CM = 1e-5  # V m^-1 -> kV cm^-1


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
            _bands_panel(axes, dataset.sel(state=chosen[-1]), axis)
            return made
        columns = 1 if axis.several else 2
        rows = -(-len(chosen) // columns)
        made = style.figure(style.PAGE, (2.75 if axis.several else 2.35) * rows)
        panels = made.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        style.apart(made)
        for index, panel in enumerate(panels.flat):
            if index >= len(chosen):
                panel.set_visible(False)
                continue
            _bands_panel(panel, dataset.sel(state=chosen[index]), axis)
        for panel in panels[-1]:
            axis.label(panel)
        for panel in panels[:, 0]:
            panel.set_ylabel("Energy (eV)")
        return made


def _bands_panel(ax: Axes, state: xr.Dataset, axis: DepthAxis) -> None:
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
    ax.set_title(title, pad=24 if axis.several else 14)
    splitting = 0.0
    for layers in axis.junctions.values():
        widest = axis.widest(layers)
        splitting = max(splitting, _splitting(ax, state, axis, widest))
    _name_levels(ax, state, axis, splitting > 0.05)


def _name_levels(ax: Axes, state: xr.Dataset, axis: DepthAxis, split: bool) -> None:
    """The names of bands and levels beside them, in the absorber that light meets first."""
    widest = axis.widest(next(iter(axis.junctions.values())))
    rows = [
        ("$E_\\mathrm{C}$", "conduction_band", style.INK, 3),
        ("$E_\\mathrm{V}$", "valence_band", style.INK, -9),
    ]
    if split:
        rows.append(("$E_\\mathrm{F,n}$", "electron_fermi_level", style.ELECTRON, -9))
        rows.append(("$E_\\mathrm{F,p}$", "hole_fermi_level", style.HOLE, 4))
    else:
        rows.append(("$E_\\mathrm{F}$", "electron_fermi_level", style.INK, 3))
    for words, name, colour, shift in rows:
        # side by side: at small splittings there is no room for one above the other
        share = 0.03 if split and name == "electron_fermi_level" else 0.24
        height = _height(state, state[name].values, widest, share)
        ax.annotate(
            words,
            (axis.middle(widest, share), height),
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
        if axis.several:
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


def ions_and_field(dataset: xr.Dataset, ax: Axes | None = None) -> Figure:
    """Density of mobile ions (left) and electric field (right) against depth at the operating points.

    Of a tandem one stands above the other; without mobile ions the field stands alone. Into a given ``ax`` only the
    field is drawn.

    Args:
        dataset: `ion_density` (state, x), m^-3, and `electric_field` (state, x_edge), V m^-1.
    """
    axis = DepthAxis.of(dataset)
    with style.context():
        if ax is not None:
            made, axes = style.new_axes(ax)
            _field(axes, dataset, axis)
            return made
        mobile = float(np.nanmax(dataset["ion_density"].values, initial=0.0)) > 0.0
        if axis.several:
            made = style.figure(style.PAGE, 5.6 if mobile else 2.9)
            panels = made.subplots(2 if mobile else 1, 1, squeeze=False).ravel()
        else:
            made = style.figure(style.PAGE if mobile else style.PAGE * 0.5, 2.8)
            panels = made.subplots(1, 2 if mobile else 1, squeeze=False).ravel()
        style.apart(made)
        if mobile:
            _ions(panels[0], dataset, axis)
        _field(panels[-1], dataset, axis)
        return made


def _states(dataset: xr.Dataset) -> list[tuple[int, str, str]]:
    """Index, words and colour of each operating point."""
    found = []
    for index, name in enumerate(str(state) for state in dataset["state"].values):
        words = _STATE_WORDS.get(name, name)
        volts = float(dataset["voltage"].values[index])
        told = words.lower() if name in ("dark", "short-circuit") else f"{words.lower()}, {volts:.2f} V"
        found.append((index, told, style.STATES.get(name, style.INK)))
    return found


def _ions(ax: Axes, dataset: xr.Dataset, axis: DepthAxis) -> None:
    x = axis.places(dataset)
    density = dataset["ion_density"].values * _CM3
    axis.shade(ax)
    shown = _states(dataset)
    largest = float(np.nanmax(density))
    still = bool(np.all(np.ptp(density, axis=0) <= 1e-6 * largest))
    for run in runs(dataset):
        for index, _, colour in shown[:1] if still else shown:
            ax.plot(x[run], np.where(density[index][run] > 0.0, density[index][run], np.nan), color=colour)
    positive = density[density > 0.0]
    ax.set_yscale("log")
    ax.set_ylim(max(float(positive.min()), 1e-8 * largest) / 3.0, 3.0 * largest)
    entries = [("the same at every point: frozen", shown[0][2])] if still else [one[1:] for one in shown]
    ax.set_ylabel("Density of mobile ions (cm$^{−3}$)")
    axis.label(ax)
    style.text_key(ax, entries, 0.25, 0.30)


def _field(ax: Axes, dataset: xr.Dataset, axis: DepthAxis) -> None:
    place = dataset["x_edge"].values
    x = axis.at(place)
    field = dataset["electric_field"].values * _KV_CM
    axis.shade(ax)
    ax.axhline(0.0, color=style.MUTED, linewidth=0.5, zorder=0)
    for front, back in ((span.front, span.back) for span in axis.spans):
        inside = (place > front) & (place < back)
        for index, _, colour in _states(dataset):
            ax.plot(x[inside], field[index][inside], color=colour)
    # the absorbers are what is looked at: in doped contact layers the field may be many times as high
    wide = {axis.widest(layers) for layers in axis.junctions.values()}
    here = np.zeros(place.size, dtype=bool)
    for span in wide:
        edge = 0.05 * span.thickness
        here |= (place > span.front + edge) & (place < span.back - edge)
    low, high = float(np.min(field[:, here])), float(np.max(field[:, here]))
    room = 0.6 * max(high - low, 0.2 * max(abs(low), abs(high)), 1.0)
    ax.set_ylim(
        max(low - room, float(field.min()) - 0.05 * room), min(high + room, float(field.max()) + 0.05 * room)
    )
    ax.set_ylabel("Electric field (kV cm$^{−1}$)")
    axis.label(ax)
    style.text_key(ax, [one[1:] for one in _states(dataset)], 0.3, 0.97)


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
