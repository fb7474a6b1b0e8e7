"""Figures of open-circuit voltages under many lights: the voltages, the pseudo curve, where fill factor is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from perotwin.plotting import style
from perotwin.plotting.variants import named

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["light", "losses"]

F64 = NDArray[np.float64]
_MA = 0.1  # A m^-2 -> mA cm^-2
#: part of the axis that holds a number
_WIDE = 0.035
#: what fill factor is lost to: metric, words, shade of the cell's colour (the part of white in it)
_LOSSES = (
    ("ff_layer_loss", "lost in the layers", 0.35),
    ("ff_series_loss", "lost in series resistance", 0.6),
    ("ff_transport_loss", "lost to transport", 0.45),
    ("ff_nonradiative_loss", "lost to recombination", 0.82),
)


class Drawn(Protocol):
    """What is drawn of a measurement (see `lab.suns_voc_analysis.Drawn`)."""

    @property
    def suns(self) -> F64: ...
    @property
    def voltage(self) -> F64: ...
    @property
    def line(self) -> tuple[F64, F64]: ...
    @property
    def pseudo(self) -> tuple[F64, F64]: ...
    @property
    def top(self) -> tuple[float, float]: ...
    @property
    def metrics(self) -> Mapping[str, object]: ...


def light(items: Sequence[xr.Dataset], drawn: Sequence[Drawn], ax: Axes | None = None) -> Figure:
    """Open-circuit voltage against light, on a logarithmic axis with the lines of the fitted ideality (left), and the
    pseudo curve (dashed) beside the curve under the cell's own light (right); into given axes the voltages.

    Args:
        items: measurements. drawn: what is read of each.
    """
    colours = style.colour_of_cells(items)
    with style.context():
        if ax is not None:
            made, axes = style.new_axes(ax)
            _voltages(axes, items, drawn, colours)
            return made
        made = style.figure(style.PAGE, 2.7)
        left, right = made.subplots(1, 2)
        style.apart(made)
        _voltages(left, items, drawn, colours)
        _curves(right, items, drawn, colours)
        return made


def _voltages(
    axes: Axes, items: Sequence[xr.Dataset], drawn: Sequence[Drawn], colours: Mapping[str, str]
) -> None:
    entries = []
    for item, one in zip(items, drawn, strict=True):
        colour = colours[named(item)]
        own = float(item.attrs.get("light", 1.0))
        axes.semilogx(one.suns * own, one.voltage, "o", color=colour, markersize=2.6, markeredgewidth=0.0)
        ends, volts = one.line
        axes.semilogx(ends * own, volts, color=colour, linewidth=1.2)
        ideality = float(one.metrics["ideality"])  # type: ignore[arg-type]  # a Metric is a number
        words = named(item) or "measured"
        entries.append((f"{words}, n = {ideality:.2f}" if np.isfinite(ideality) else words, colour))
    axes.set_xlabel("Light (suns)")
    axes.set_ylabel("Open-circuit voltage $V_\\mathrm{oc}$ (V)")
    style.text_key(axes, entries, 0.98, 0.06 + 0.06 * len(entries), ha="right")


def _curves(
    axes: Axes, items: Sequence[xr.Dataset], drawn: Sequence[Drawn], colours: Mapping[str, str]
) -> None:
    entries = []
    relative = any("jsc" not in item.attrs for item in items)
    top, right = 0.0, 0.0
    for item, one in zip(items, drawn, strict=True):
        colour = colours[named(item)]
        scale = 1.0 if relative else abs(float(item.attrs["jsc"])) * _MA
        volts, share = one.pseudo
        axes.plot(volts, share * scale, color=colour, linestyle=(0, (4, 1.6)), linewidth=1.1)
        axes.plot(
            one.top[0], one.top[1] * scale, "o", color=colour, markersize=3.5, markeredgecolor="w", zorder=5
        )
        top, right = max(top, scale), max(right, float(volts.max()))
        if "curve_voltage" in item and not relative:
            voltage, current = item["curve_voltage"].values, item["curve_current"].values * _MA
            axes.plot(voltage, current, color=colour)
            vmp, jmp = float(item.attrs["vmp"]), float(item.attrs["jmp"]) * _MA
            axes.plot(vmp, jmp, "o", color=colour, markersize=3.5, markeredgecolor="w", zorder=5)
        entries.append((_fill_factors(named(item) or "measured", one.metrics), colour))
    axes.axhline(0, color=style.MUTED, linewidth=0.5, zorder=0)
    axes.set_xlim(0.0, 1.06 * right)
    axes.set_ylim(-0.12 * top, 1.12 * top)
    axes.set_xlabel(style.axis_label("voltage"))
    words = "Current over $J_\\mathrm{sc}$" if relative else "Current density $J$ (mA cm$^{−2}$)"
    axes.set_ylabel(words)
    entries.append(("dashed: without transport", style.MUTED))
    style.text_key(axes, entries, 0.05, 0.16 + 0.06 * len(entries))


def _fill_factors(name: str, metrics: Mapping[str, object]) -> str:
    pseudo = 100.0 * float(metrics["pseudo_ff"])  # type: ignore[arg-type]  # a Metric is a number
    if "ff" not in metrics:
        return f"{name}: pFF {pseudo:.1f} %"
    return f"{name}: pFF {pseudo:.1f} %, FF {100.0 * float(metrics['ff']):.1f} %"  # type: ignore[arg-type]  # the same


def losses(items: Sequence[xr.Dataset], metrics: Sequence[Mapping[str, object]]) -> Figure:
    """Fill factor and what is lost of it up to the radiative limit, one bar a cell.

    Args:
        items: measurements. metrics: of each.
    """
    from matplotlib.patches import Patch

    colours = style.colour_of_cells(items)
    with style.context():
        made = style.figure(style.PAGE * 0.8, 1.3 + 0.34 * len(items))
        axes = made.add_subplot()
        floor = _floor(metrics)
        shown: dict[str, float] = {}
        for place, (item, found) in enumerate(zip(items, metrics, strict=True)):
            shown |= _bar(axes, place, found, colours[named(item)], floor)
        axes.set_ylim(len(items) - 0.5, -0.5)
        axes.set_yticks(range(len(items)), [named(item) or "measured" for item in items])
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        limits = [_number(found, "radiative_ff") for found in metrics]
        axes.set_xlim(floor, min(100.0, 3.0 + max((one for one in limits if np.isfinite(one)), default=92.0)))
        axes.set_xlabel("Fill factor (%)")
        grey = "#4D4D4D"
        entries = [Patch(color=grey, label="fill factor")]
        entries += [Patch(color=_lighter(grey, white), label=said) for said, white in shown.items()]
        made.legend(handles=entries, loc="outside upper center", ncols=4, columnspacing=1.2, handlelength=1.2)
        return made


def _number(found: Mapping[str, object], name: str) -> float:
    return 100.0 * float(found[name]) if name in found else float("nan")  # type: ignore[arg-type]  # a Metric is one


def _floor(metrics: Sequence[Mapping[str, object]]) -> float:
    """Where the axis begins: well below the lowest fill factor, so that its bar is seen."""
    low = [_number(found, "ff" if "ff" in found else "pseudo_ff") for found in metrics]
    low = [one for one in low if np.isfinite(one)]
    return max(0.0, 10.0 * np.floor((min(low, default=70.0) - 8.0) / 10.0))


def _bar(axes: Axes, place: int, found: Mapping[str, object], colour: str, floor: float) -> dict[str, float]:
    """One stacked bar with the size of its parts; their words and shades."""
    base = _number(found, "ff" if "ff" in found else "pseudo_ff")
    if not np.isfinite(base):
        return {}
    axes.barh(place, base - floor, 0.62, floor, color=colour)
    words = f"FF {base:.1f}" if "ff" in found else f"pFF {base:.1f}"
    axes.text(base - 0.4, place, words, ha="right", va="center", color="white", fontsize=7)
    skipped = "ff_transport_loss" if "ff_series_loss" in found else "ff_layer_loss"
    at, shown = base, {}
    for name, said, white in _LOSSES:
        value = _number(found, name)
        if name == skipped or not np.isfinite(value):
            continue
        shown[said] = white
        axes.barh(place, value, 0.62, at, color=_lighter(colour, white))
        if value > _WIDE * (100.0 - floor):
            axes.text(at + 0.5 * value, place, f"{value:.1f}", ha="center", va="center", fontsize=7)
        at += value
    limit = _number(found, "radiative_ff")
    axes.plot([limit, limit], [place - 0.36, place + 0.36], color=style.INK, linewidth=0.9)
    axes.text(limit + 0.3, place, f"{limit:.1f}", va="center", fontsize=7)
    return shown


def _lighter(colour: str, white: float) -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb

    red, green, blue = to_rgb(colour)
    return red + (1 - red) * white, green + (1 - green) * white, blue + (1 - blue) * white
