"""Figures against wavelength: quantum efficiency, and where the light goes layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from perotwin.plotting import style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

__all__ = ["absorption", "eqe"]

_NM = 1e9
#: what becomes current: in all, and by junction
_COLLECTED = {"": "#F2C14E", "top": "#D9C3E0", "middle": "#B9DDCF", "bottom": "#F6CBA4"}

#: absorbers in the order of light, as the colours that they take
_ABSORBERS = ("#4C86B8", "#B4513A", "#7A4B3A", "#8E4A9E")
#: a layer that never absorbs more of any wavelength than this is left out
_FAINT = 2e-3


def eqe(datasets: xr.Dataset | Sequence[xr.Dataset], ax: Axes | None = None) -> Figure:
    """Quantum efficiency against wavelength.

    One measurement that knows the absorptance of its layers is drawn as a stacked area: what is collected,
    then what each layer absorbs without giving current, up to 1 - R. Several are drawn as lines with 1 - R
    dashed above each.
    """
    items = style.as_list(datasets)
    with style.context():
        made, axes = style.new_axes(ax, width=style.PAGE * 0.72, height=3.0)
        if len(items) == 1 and "absorptance" in items[0]:
            _stacked(axes, items[0])
        else:
            _lines(axes, items)
        axes.set_ylim(0, 100)
        axes.set_xlabel(style.axis_label("wavelength"))
        return made


def absorption(dataset: xr.Dataset, ax: Axes | None = None) -> Figure:
    """Where the light goes, layer by layer, against wavelength: the absorbers, what the other layers take, what is
    reflected.

    dataset : `absorptance` (layer, wavelength), `reflectance`, `transmittance`; with `photon_flux` (wavelength) each
        part is told as a current density. The attribute ``absorbers`` names the layers that generate.
    """
    wavelength = dataset["wavelength"].values * _NM
    layers = [str(name) for name in dataset["layer"].values]
    absorbed = dataset["absorptance"].transpose("layer", "wavelength").values
    named = str(dataset.attrs.get("absorbers", "")).split(",")
    absorbers = [name for name in layers if name in named]
    bands = [
        (name, absorbed[layers.index(name)], _ABSORBERS[i % len(_ABSORBERS)])
        for i, name in enumerate(absorbers)
    ]
    used = {colour for _, _, colour in bands}
    others = [
        (name, row, _unlike(style.layer_colour(name), used))
        for name, row in zip(layers, absorbed, strict=True)
        if name not in named and float(np.nanmax(row)) > _FAINT
    ]
    bands += others[::-1]
    if float(np.nanmax(dataset["transmittance"].values)) > _FAINT:
        bands.append(("transmitted", dataset["transmittance"].values, "#EEF3F7"))
    with style.context():
        made, axes = style.new_axes(ax, width=style.PAGE * 0.72, height=3.0)
        floor = np.zeros_like(wavelength)
        for name, part, colour in bands:
            edge = style.INK if name in absorbers else "white"
            axes.fill_between(wavelength, 100 * floor, 100 * (floor + part), color=colour, linewidth=0)
            floor = floor + part
            axes.plot(wavelength, 100 * floor, color=edge, linewidth=1.0 if name in absorbers else 0.4)
        shown = [*bands, ("reflected", dataset["reflectance"].values, "white")]
        step = min(0.075, 0.99 / len(shown))
        for index, (name, part, colour) in enumerate(shown[::-1]):
            height = 0.97 - step * index
            axes.add_patch(_swatch(axes, height, colour))
            axes.annotate(
                name + _taken(dataset, part), (1.065, height), xycoords="axes fraction", va="center", fontsize=7,
                annotation_clip=False,
            )  # fmt: skip
        if "photon_flux" in dataset:
            axes.annotate(
                "mA cm$^{−2}$", (1.065, 0.97 - step * len(shown)), xycoords="axes fraction", va="center", fontsize=6,
                color=style.MUTED, annotation_clip=False,
            )  # fmt: skip
        axes.set_xlim(wavelength[0], wavelength[-1])
        axes.set_ylim(0, 100)
        axes.set_xlabel(style.axis_label("wavelength"))
        axes.set_ylabel("Share of the incident photons (%)")
        axes.set_title(str(dataset.attrs.get("stack", "")))
        return made


def _unlike(colour: str, used: set[str]) -> str:
    """The colour, or another one where it is taken already; `used` takes it up."""
    found = next((one for one in (colour, *style.SPARE) if one not in used), colour)
    used.add(found)
    return found


def _taken(dataset: xr.Dataset, part: np.ndarray) -> str:
    """The current density (mA/cm^2) that a part of the incident photons would give, for the key."""
    if "photon_flux" not in dataset:
        return ""
    from perotwin.constants import elementary_charge

    return f"  {elementary_charge / 10 * float(np.nansum(dataset['photon_flux'].values * part)):.2f}"


def _limits(ax: Axes, items: Sequence[xr.Dataset]) -> None:
    """From the first wavelength to a little past the last one that gives current."""
    low = min(float(item["wavelength"].min()) for item in items)
    high = max(
        float(item["wavelength"].values[sum(_collected(item).values()) > 1e-3].max(initial=0.0))
        or float(item["wavelength"].max())
        for item in items
    )
    last = max(float(item["wavelength"].max()) for item in items)
    ax.set_xlim(low * _NM, min(high + 60e-9, last) * _NM)


def _lines(ax: Axes, items: Sequence[xr.Dataset]) -> None:
    colours = style.colour_of_cells(items)
    entries = []
    # Spectra of similar cells lie on top of each other: the first is drawn widest, so that all can be seen.
    widths = np.linspace(2.2, 1.1, len(items))
    for item, width in zip(items, widths, strict=True):
        name = str(item.attrs.get("stack", "")) or "measured"
        colour = colours[str(item.attrs.get("stack", ""))]
        wavelength = item["wavelength"].values * _NM
        for part in _collected(item).values():
            ax.plot(wavelength, 100 * part, color=colour, linewidth=width)
        if "reflectance" in item:
            not_reflected = 100 * (1 - item["reflectance"].values)
            ax.plot(wavelength, not_reflected, color=colour, linewidth=0.6 * width, linestyle=(0, (3, 1.5)))
        entries.append((name + _current(item), colour))
    tandem = any(len(_collected(item)) > 1 for item in items)
    if tandem:
        # the units would stand across the edge of the bottom junction
        entries = [(words.replace(" mA cm$^{−2}$", ""), colour) for words, colour in entries]
        entries.append(("integrated, in mA cm$^{−2}$", style.MUTED))
    if any("reflectance" in item for item in items):
        entries.append(("dashed: 1 − reflectance", style.MUTED))
    _limits(ax, items)
    ax.set_ylabel("External quantum efficiency (%)")
    # where one junction of a tandem ends there is room below the other
    style.text_key(ax, entries, 0.49 if tandem else 0.10, 0.10 + 0.055 * len(entries))


def _collected(item: xr.Dataset) -> dict[str, np.ndarray]:
    """What is collected: in each junction of a tandem, or in all ("")."""
    names = [str(name).removeprefix("eqe_") for name in item.data_vars if str(name).startswith("eqe_")]
    parts = {name: item[f"eqe_{name}"].values for name in names}
    return parts or {"": item["eqe"].values}


def _current(item: xr.Dataset, junction: str = "") -> str:
    """The current that the spectrum would give, if the measurement says it (A/m^2), or those of the junctions."""
    stored = [item.attrs.get(f"jsc_integrated_{name}" if name else "jsc_integrated") for name in (
        [junction] if junction else _collected(item)
    )]  # fmt: skip
    if any(one is None for one in stored):
        return ""
    return f", {' + '.join(f'{float(one) / 10:.2f}' for one in stored if one is not None)} mA cm$^{{−2}}$"


def _stacked(ax: Axes, item: xr.Dataset) -> None:
    wavelength = item["wavelength"].values * _NM
    parts = _collected(item)
    collected: np.ndarray = sum(parts.values(), np.zeros(wavelength.size))
    generating = _generating(item)
    taken = item["absorptance"].transpose("layer", "wavelength").values[generating].sum(axis=0)
    if len(parts) > 1:
        # light of one junction adds to what the one behind it gives: areas hold the photons that it absorbed itself
        collected = np.minimum(collected, taken)
    lost = taken - collected
    bands: list[tuple[str, np.ndarray, str]] = [
        (f"{which} junction (EQE)" if which else "collected (EQE)", area, _COLLECTED[which.partition(".")[0]])
        for which, area in _shared(parts, collected).items()
    ]
    if np.nanmax(lost) > 1e-4:
        bands.append(("absorbed, not collected", np.clip(lost, 0, None), "#A8445A"))
    _limits(ax, [item])
    _areas(ax, item, [*bands, *_parasitic(item, generating)])
    ax.plot(wavelength, 100 * collected, color=style.INK, linewidth=1.2)
    for which, part in parts.items():
        if which:
            ax.plot(wavelength, 100 * part, color=style.junction_colour(which), linewidth=1.2)
    ax.set_title(str(item.attrs.get("stack", "")) + _current(item))


def _shared(parts: dict[str, np.ndarray], collected: np.ndarray) -> dict[str, np.ndarray]:
    """Shares of what is collected, which add up to it."""
    left, found = collected, {}
    for name, part in parts.items():
        found[name] = np.minimum(part, left)
        left = left - found[name]
    return found


def _parasitic(item: xr.Dataset, generating: Sequence[int]) -> list[tuple[str, np.ndarray, str]]:
    """What gives no current: name, share (wavelength) and colour of each layer from the back, and what passes all."""
    layers = [str(name) for name in item["layer"].values]
    absorbed = item["absorptance"].transpose("layer", "wavelength").values
    bands = [
        (layers[index], absorbed[index], style.layer_colour(layers[index]))
        for index in [i for i in range(len(layers)) if i not in generating][::-1]
    ]
    if "transmittance" in item and float(np.nanmax(item["transmittance"].values)) > 1e-3:
        bands.append(("transmitted", item["transmittance"].values, "#EEF3F7"))
    return bands


def _areas(ax: Axes, item: xr.Dataset, bands: Sequence[tuple[str, np.ndarray, str]]) -> None:
    """Areas one on the other, with a key beside them; above the dashed line is what is reflected."""
    wavelength = item["wavelength"].values * _NM
    floor = np.zeros_like(wavelength)
    shown = wavelength <= ax.get_xlim()[1]
    drawn = []
    for name, part, colour in bands:
        if float(np.nanmax(part[shown])) < 2e-3:
            continue
        ax.fill_between(wavelength, 100 * floor, 100 * (floor + part), color=colour, linewidth=0)
        floor = floor + part
        # what is collected stands in the title, with the light of one junction in the other
        drawn.append((name if "(EQE)" in name else name + _taken(item, part), colour))
    if "reflectance" in item:
        reflected = item["reflectance"].values
        ax.plot(wavelength, 100 * (1 - reflected), color=style.INK, linewidth=0.8, linestyle=(0, (3, 1.5)))
        drawn.append(("reflected" + _taken(item, reflected), "white"))
    if len(drawn) > 1 and "photon_flux" in item:
        ax.annotate(
            "mA cm$^{−2}$", (1.02, 1.02), xycoords="axes fraction", fontsize=7, color=style.MUTED, va="bottom",
            annotation_clip=False,
        )  # fmt: skip
    for index, (name, colour) in enumerate(drawn[::-1]):
        height = 0.97 - 0.075 * index
        ax.add_patch(_swatch(ax, height, colour))
        ax.annotate(
            name, (1.065, height), xycoords="axes fraction", va="center", fontsize=7, annotation_clip=False
        )
    ax.set_ylabel("Share of the incident photons (%)")


def _swatch(ax: Axes, height: float, colour: str) -> Rectangle:
    from matplotlib.patches import Rectangle

    return Rectangle(
        (1.02, height - 0.022),
        0.033,
        0.044,
        transform=ax.transAxes,
        clip_on=False,
        facecolor=colour,
        edgecolor=style.MUTED,
        linewidth=0.4,
    )


def _generating(item: xr.Dataset) -> list[int]:
    """Indices of the layers whose absorption can give current.

    The measurement names them (attribute ``absorbers``, comma separated); else the layer that absorbs most
    of what is collected is taken.
    """
    layers = [str(name) for name in item["layer"].values]
    named = str(item.attrs.get("absorbers", ""))
    if named:
        return [index for index, name in enumerate(layers) if name in named.split(",")]
    absorbed = item["absorptance"].transpose("layer", "wavelength").values
    return [int(np.argmax((absorbed * sum(_collected(item).values())).sum(axis=1)))]
