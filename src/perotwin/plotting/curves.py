"""Figures against voltage: current-voltage curves in the light and in the dark, and where the current
recombines.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from perotwin.plotting import style
from perotwin.plotting.variants import named, sweep_of

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["channels", "jv", "mismatch"]

_MA = 0.1  # A m^-2 -> mA cm^-2


def jv(datasets: xr.Dataset | Sequence[xr.Dataset], ax: Axes | None = None) -> Figure:
    """Current density against voltage of one or several measurements, one colour a cell.

    Illuminated curves are drawn linearly, dark ones (attribute ``light`` = 0) as |J| on a logarithmic axis
    in a panel of their own when both occur. Of tandems the curves of the junctions alone are drawn too, and the key
    names the one that limits the current. Into a given ``ax`` everything is drawn that fits its kind: the
    illuminated ones, or, if there are none, the dark ones.
    """
    items = style.as_list(datasets)
    swept = sweep_of(items)
    if swept is not None:
        items = sorted(items, key=lambda item: float(item.attrs["varied_value"]))
    colours = style.colour_of_cells(items)
    lit = [item for item in items if float(item.attrs.get("light", 1.0)) > 0]
    dark = [item for item in items if float(item.attrs.get("light", 1.0)) == 0]
    with style.context():
        if ax is None and lit and dark:
            made = style.figure(style.PAGE, 2.7)
            left, right = made.subplots(1, 2)
            _lit(left, lit, colours)
            _dark(right, dark, colours)
            return made
        made, axes = style.new_axes(ax, width=style.COLUMN * (1.25 if swept else 1.0), height=2.7)
        if lit:
            _lit(axes, lit, colours)
        else:
            _dark(axes, dark, colours)
        if swept is not None and ax is None:
            swept.bar(axes)
        return made


def _lit(ax: Axes, items: Sequence[xr.Dataset], colours: dict[str, str]) -> None:
    ceiling, right = 0.0, 0.0
    for item in items:
        voltage, current = item["voltage"].values, item["current_density"].values * _MA
        colour = colours[str(item.attrs.get("stack", ""))]
        direction = str(item.attrs.get("direction", "steady"))
        ax.plot(voltage, current, color=colour, linestyle="--" if direction == "forward" else "-")
        power = np.where(np.isfinite(current), voltage * current, -np.inf)
        best = int(np.argmax(power))
        if power[best] > 0:
            ax.plot(
                voltage[best], current[best], "o", color=colour, markersize=3.5, markeredgecolor="w", zorder=5
            )
        for which, own in _junctions(item).items():
            shown = own["current_density"].values * _MA
            tint = (style.junction_colour(which) or colour) if len(items) == 1 else colour
            ax.plot(
                own["voltage"].values, shown, color=tint, linewidth=0.9, linestyle=_dashes(which), zorder=1.5
            )
            ceiling = max(ceiling, float(np.nanmax(shown, initial=0.0)))
            if len(items) == 1:
                _name_junction(ax, own, f"{which} alone", tint)
        ceiling = max(ceiling, float(np.nanmax(current, initial=0.0)))
        delivering = voltage[current > 0]
        right = max(right, float(delivering.max()) if delivering.size else float(voltage.max()))
    ax.axhline(0, color=style.MUTED, linewidth=0.5, zorder=0)
    ax.axvline(0, color=style.MUTED, linewidth=0.5, zorder=0)
    left = min(0.0, *(float(item["voltage"].min()) for item in items))
    ax.set_xlim(left - 0.02 * right, right * 1.06)
    if ceiling > 0:
        ax.set_ylim(-0.12 * ceiling, 1.12 * ceiling)
    ax.set_xlabel(style.axis_label("voltage"))
    ax.set_ylabel("Current density $J$ (mA cm$^{−2}$)")
    entries = _entries(items, colours)
    tandems = [item for item in items if _junctions(item)]
    if not tandems:
        style.text_key(ax, entries, 0.06, 0.16 + 0.055 * len(entries))
        return
    if len(items) > 1:
        drawn = dict.fromkeys(which.partition(".")[0] for item in tandems for which in _junctions(item))
        entries += [(f"{_WORDS.get(which, 'thin')}: {which}", style.MUTED) for which in drawn]
    elif _limits(tandems[0]):
        ax.set_title(f"the {_limits(tandems[0])} junction limits the current")
    # the curves of the junctions fall through where the key stands
    ground = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 0.6}
    style.text_key(ax, entries, 0.04, 0.16 + 0.055 * len(entries), bbox=ground)


def _name_junction(ax: Axes, own: xr.Dataset, words: str, colour: str) -> None:
    """The name of a junction's curve along its steep end."""
    voltage, current = own["voltage"].values, own["current_density"].values * _MA
    good = np.isfinite(current)
    height = 0.5 * float(np.max(current[good], initial=0.0))
    # from the far end, where the current falls with the voltage
    at = float(np.interp(height, current[good][::-1], voltage[good][::-1]))
    ax.annotate(
        words, (at, height), xytext=(-3, 0), textcoords="offset points", rotation=90, ha="right", va="center",
        fontsize=7, color=colour,
    )  # fmt: skip


#: how the curves of junctions alone are told apart where colours tell cells apart
_DASHES = {"top": (0, (1, 1.2)), "middle": (0, (4, 1.2, 1, 1.2)), "bottom": (0, (4, 1.5))}
_WORDS = {"top": "dotted", "middle": "dash-dotted", "bottom": "dashed"}


def _dashes(which: str) -> Any:
    return _DASHES.get(which.partition(".")[0], "-")


def _junctions(item: xr.Dataset) -> dict[str, xr.Dataset]:
    """The own curves of a tandem's junctions; none of another cell."""
    return {
        which: item[[f"own_current_{which}"]].rename(
            {f"own_current_{which}": "current_density", f"own_voltage_{which}": "voltage"}
        )
        for which in (str(name).removeprefix("own_current_") for name in item.data_vars)
        if f"own_current_{which}" in item
    }


def _limits(item: xr.Dataset) -> str:
    """The junction whose own current at short circuit is the smaller; empty where that is not known."""
    found = {}
    for which, own in _junctions(item).items():
        voltage, current = own["voltage"].values, own["current_density"].values
        good = np.isfinite(current)
        if good.any():
            found[which] = float(np.interp(0.0, voltage[good], current[good]))
    return min(found, key=lambda which: found[which]) if len(found) > 1 else ""


def _entries(items: Sequence[xr.Dataset], colours: dict[str, str]) -> list[tuple[str, str]]:
    """Names of curves with their colours, each once; of a sweep, whose colours a bar names, the cell varied."""
    if sweep_of(items) is not None:
        bases = dict.fromkeys(str(item.attrs.get("varied_of", "")) for item in items)
        return [(name, style.INK) for name in bases if name]
    return list(dict.fromkeys(_entry(item, colours, items) for item in items))


def _entry(item: xr.Dataset, colours: dict[str, str], items: Sequence[xr.Dataset]) -> tuple[str, str]:
    """Name of a curve, with what tells it from the others of the same cell."""
    words = [named(item) or "measured"]
    alike = [other for other in items if named(other) == named(item)]
    if len({str(other.attrs.get("direction")) for other in alike}) > 1 and "direction" in item.attrs:
        words.append(str(item.attrs["direction"]))
    return ", ".join(words), colours[named(item)]


def _dark(ax: Axes, items: Sequence[xr.Dataset], colours: dict[str, str]) -> None:
    largest, smallest = 0.0, np.inf
    for item in items:
        voltage, current = item["voltage"].values, np.abs(item["current_density"].values) * _MA
        # |J| at 0 V is round-off, not a current.
        shown = np.where(np.abs(voltage) > 1e-9, current, np.nan)
        ax.semilogy(voltage, shown, color=colours[str(item.attrs.get("stack", ""))])
        largest = max(largest, float(np.nanmax(shown, initial=0.0)))
        positive = shown[shown > 0]
        smallest = min(smallest, float(positive.min()) if positive.size else smallest)
    if largest > 0:
        # Below 14 decades under the largest current there is nothing but round-off.
        ax.set_ylim(max(largest * 1e-14, smallest / 3), largest * 3)
    ax.set_xlabel(style.axis_label("voltage"))
    ax.set_ylabel("Dark current $|J|$ (mA cm$^{−2}$)")
    style.text_key(ax, _entries(items, colours), 0.06, 0.95)


def channels(dataset: xr.Dataset, ax: Axes | None = None) -> Figure:
    """Current lost in every recombination channel against voltage, on a logarithmic axis, named at the
    curve's end; of a tandem one panel a junction.

    Channels that never carry a 1e-6 part of the largest are left out and said so below the axes. So is recombination
    between the junctions of a tandem: it is the current that both carry.
    """
    names = [str(name) for name in dataset["channel"].values]
    lost = np.abs(dataset["channel_current"].transpose("channel", "voltage").values) * _MA
    peak = np.nanmax(lost, axis=1, initial=0.0)
    passing = [style.junction_of(name)[0] == "between" for name in names]
    top = max(
        (most for most, between in zip(peak.tolist(), passing, strict=True) if not between), default=0.0
    )
    groups: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        if peak[index] > 1e-6 * top and not passing[index]:
            groups.setdefault(style.junction_of(name)[0] if ax is None else "", []).append(index)
    groups = groups or {"": []}
    hidden = [name for name, most in zip(names, peak, strict=True) if not most > 1e-6 * top]
    with style.context():
        if len(groups) > 1:
            made = style.figure(style.PAGE * 0.72, 2.6 * len(groups))
            panels = made.subplots(len(groups), 1, sharex=True, sharey=True)
            style.apart(made)
        else:
            made, axes = style.new_axes(ax, width=style.PAGE * 0.72, height=2.9)
            panels = np.array([axes])
        for panel, (junction, members) in zip(panels, groups.items(), strict=True):
            words = [style.junction_of(names[index])[1] if junction else names[index] for index in members]
            _channel_lines(panel, dataset, lost[members], words, top)
            if junction:
                panel.set_title(f"{junction} junction")
        panels[-1].set_xlabel(style.axis_label("voltage"))
        if hidden and ax is None:
            words_below = "Below 10$^{−6}$ of the largest: " + ", ".join(hidden)
            made.supxlabel(words_below, fontsize=6, color=style.MUTED)
        return made


def _channel_lines(
    axes: Axes, dataset: xr.Dataset, lost: np.ndarray, names: Sequence[str], top: float
) -> None:
    """Lines of some channels, mA/cm^2 (channel, voltage), on a scale whose top is the largest of all channels."""
    voltage = dataset["voltage"].values
    out = dataset["current_density"].values * _MA
    colours = style.channel_colours(names)
    for name, values in zip(names, lost, strict=True):
        axes.semilogy(voltage, _positive(values), color=colours[name])
    axes.semilogy(voltage, _positive(out), color=style.INK, linewidth=0.9, linestyle=":")
    scale = max(top, float(np.nanmax(out, initial=0.0)), 1e-30)
    low, high = scale * 1e-8, scale * 3
    axes.set_ylim(low, high)
    right = _last_of_interest(voltage, out)
    axes.set_xlim(float(voltage.min()), right)
    ends = [float(np.interp(right, voltage, np.log10(np.maximum(values, low)))) for values in lost]
    placed = style.spread(ends, np.log10(high / low) * 0.058, np.log10(low), np.log10(high))
    for name, position in zip(names, placed, strict=True):
        axes.annotate(
            name,
            (1.015, 10**position),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=7,
            color=colours[name],
            annotation_clip=False,
        )
    if np.any(out > 0):
        where = int(np.argmax(voltage >= 0)) if np.any(voltage >= 0) else 0
        axes.annotate(
            "delivered",
            (voltage[where], out[where]),
            xytext=(4, 3),
            textcoords="offset points",
            fontsize=7,
            color=style.INK,
        )
    axes.set_ylabel("Current density (mA cm$^{−2}$)")


def mismatch(datasets: xr.Dataset | Sequence[xr.Dataset], ax: Axes | None = None) -> Figure:
    """Fill factor (left) and efficiency (right) of tandems against the ratio of their junctions' photocurrents, one
    colour a cell; into given axes the fill factor. A dot marks the cell's own ratio.
    """
    items = style.as_list(datasets)
    colours = style.colour_of_cells(items)
    with style.context():
        if ax is None:
            made = style.figure(style.PAGE, 2.4)
            panels = list(zip(("ff", "pce"), made.subplots(1, 2), strict=True))
        else:
            made, axes = style.new_axes(ax)
            panels = [("ff", axes)]
        for name, axes in panels:
            for item in items:
                colour = colours[str(item.attrs.get("stack", ""))]
                ratio, values = item["ratio"].values, 100 * item[name].values
                axes.plot(ratio, values, color=colour)
                own = float(item.attrs.get("own", np.nan))
                if ratio.min() <= own <= ratio.max():
                    axes.plot(
                        own,
                        np.interp(own, ratio, values),
                        "o",
                        color=colour,
                        markersize=3.5,
                        markeredgecolor="w",
                    )
            axes.axvline(1.0, color=style.MUTED, linewidth=0.5, zorder=0)
            axes.set_xlabel("Photocurrent of the top over the bottom junction")
            axes.set_ylabel(style.axis_label(name))
        entries = [
            (str(item.attrs.get("stack", "")), colours[str(item.attrs.get("stack", ""))]) for item in items
        ]
        style.text_key(panels[-1][1], entries, 0.36, 0.05 + 0.075 * len(entries))
        return made


def _positive(values: np.ndarray) -> np.ndarray:
    """What a logarithmic axis can show."""
    return np.where(values > 0, values, np.nan)


def _last_of_interest(voltage: np.ndarray, current: np.ndarray) -> float:
    """The voltage up to which a loss is worth showing: a little past the one where the cell stops
    delivering.
    """
    delivering = voltage[current > 0]
    if delivering.size == 0:
        return float(voltage.max())
    return float(min(voltage.max(), delivering.max() + 0.05))
