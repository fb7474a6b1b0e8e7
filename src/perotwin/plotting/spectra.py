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

#: of what is integrated
_DOTS = (0, (1, 1.1))
#: where the key of areas begins, in widths of the panel: beside it, or beside the axis on its right
_BESIDE, _BESIDE_AXIS = 1.02, 1.17
#: a layer that never absorbs more of any wavelength than this is left out
_FAINT = 2e-3


def eqe(
    datasets: xr.Dataset | Sequence[xr.Dataset], ax: Axes | None = None, gaps: Sequence[float] = ()
) -> Figure:
    """Quantum efficiency against wavelength, and the current that it integrates to on the axis on the right.

    One measurement that knows the absorptance of its layers is drawn as a stacked area: what is collected,
    then what each layer absorbs without giving current, up to 1 - R. Several are drawn as lines with 1 - R
    dashed above each. Into a given ``ax`` the efficiency is drawn alone.

    Args:
        gaps: eV, of the last absorber of each measurement: photons below are told apart in the key of areas.
    """
    items = style.as_list(datasets)
    stacked = len(items) == 1 and "absorptance" in items[0]
    with style.context():
        made, axes = style.new_axes(ax, width=style.PAGE * (0.8 if stacked else 0.72), height=3.0)
        axes.set_ylim(0, 100)
        axes.set_xlabel(style.axis_label("wavelength"))
        second = _integrated(axes, items) if ax is None else None
        if stacked:
            _stacked(
                axes, items[0], gaps[0] if gaps else np.nan, _BESIDE_AXIS if second is not None else _BESIDE
            )
        else:
            _lines(axes, items, second is not None)
        return made


def _integrated(ax: Axes, items: Sequence[xr.Dataset]) -> Axes | None:
    """The current densities from the shortest wavelength on, on a second axis; None where no flux is known."""
    from perotwin.constants import elementary_charge

    known = [item for item in items if "photon_flux" in item]
    if not known:
        return None
    second = ax.twinx()
    colours = style.colour_of_cells(items)
    highest = 0.0
    for item in known:
        flux = elementary_charge / 10.0 * item["photon_flux"].values
        for which, part in _collected(item).items():
            # each wavelength stands for what lies around it: half of that is in front
            along = np.cumsum(flux * part) - 0.5 * flux * part
            colour = style.junction_colour(which) if len(items) == 1 and which else None
            if len(items) > 1:
                colour = colours[str(item.attrs.get("stack", ""))]
            second.plot(
                item["wavelength"].values * _NM,
                along,
                color=colour or style.INK,
                linewidth=1.0,
                linestyle=_DOTS,
            )
            highest = max(highest, float(along[-1]))
    second.set_ylim(0.0, highest / 0.94 or 1.0)
    second.set_ylabel("Integrated current density (mA cm$^{−2}$)")
    second.spines["right"].set_visible(True)
    return second


def absorption(dataset: xr.Dataset, ax: Axes | None = None, gap: float = np.nan) -> Figure:
    """Where the light goes, layer by layer, against wavelength: the absorbers, what the other layers take, what is
    reflected.

    dataset : `absorptance` (layer, wavelength), `reflectance`, `transmittance`; with `photon_flux` (wavelength) each
        part is told as a current density. The attribute ``absorbers`` names the layers that generate.
    gap : eV, of the last absorber: photons below are told apart.
    """
    wavelength = dataset["wavelength"].values * _NM
    layers = [str(name) for name in dataset["layer"].values]
    absorbed = dataset["absorptance"].transpose("layer", "wavelength").values
    named = str(dataset.attrs.get("absorbers", "")).split(",")
    absorbers = [name for name in layers if name in named]
    bands = [(name, absorbed[layers.index(name)], style.colour_in(dataset, name)) for name in absorbers]
    others = [
        (name, row, style.colour_in(dataset, name))
        for name, row in zip(layers, absorbed, strict=True)
        if name not in named and float(np.nanmax(row)) > _FAINT
    ]
    bands += others[::-1]
    if float(np.nanmax(dataset["transmittance"].values)) > _FAINT:
        bands.append(("transmitted", dataset["transmittance"].values, _PASSED))
    with style.context():
        made, axes = style.new_axes(ax, width=style.PAGE * 0.72, height=3.0)
        floor = np.zeros_like(wavelength)
        told = _hatched([colour for _, _, colour in bands])
        for (name, part, colour), hatch in zip(bands, told, strict=True):
            edge = style.INK if name in absorbers else "white"
            _area(axes, wavelength, floor, floor + part, colour, hatch)
            floor = floor + part
            axes.plot(wavelength, 100 * floor, color=edge, linewidth=1.0 if name in absorbers else 0.4)
        axes.set_xlim(wavelength[0], wavelength[-1])
        axes.set_ylim(0, 100)
        reflected = ("reflected", dataset["reflectance"].values, "white")
        entries = [
            (name + _taken(dataset, part, np.nan if name in absorbers else gap), colour, hatch)
            for (name, part, colour), hatch in zip([*bands, reflected], [*told, ""], strict=True)
        ]
        below = _below_gap(axes, dataset, gap, absorbers)
        _beside(axes, entries[::-1] + below, _BESIDE, "photon_flux" in dataset)
        axes.set_xlabel(style.axis_label("wavelength"))
        axes.set_ylabel("Share of the incident photons (%)")
        axes.set_title(str(dataset.attrs.get("stack", "")), pad=14 if below else 6)
        return made


#: what passes all layers
_PASSED = "#EEF3F7"


def _hatched(colours: Sequence[str]) -> list[str]:
    """A hatch for each area whose colour, that of its material, another one has already."""
    return ["////" if colour in colours[:index] else "" for index, colour in enumerate(colours)]


def _area(ax: Axes, x: np.ndarray, low: np.ndarray, high: np.ndarray, colour: str, hatch: str) -> None:
    ax.fill_between(
        x,
        100 * low,
        100 * high,
        facecolor=colour,
        linewidth=0,
        hatch=hatch,
        edgecolor="white" if hatch else colour,
    )


def _before(dataset: xr.Dataset, gap: float) -> np.ndarray:
    """(W,) part of what each wavelength stands for that lies above a gap (eV); all without one."""
    from perotwin.constants import c, e, h

    wavelength = np.asarray(dataset["wavelength"].values, dtype=float)
    if not np.isfinite(gap):
        return np.ones(wavelength.size)
    halfway = 0.5 * (wavelength[1:] + wavelength[:-1])
    front = np.concatenate(([wavelength[0]], halfway))
    back = np.concatenate((halfway, [wavelength[-1]]))
    return np.clip((h * c / (e * gap) - front) / (back - front), 0.0, 1.0)


def _taken(dataset: xr.Dataset, part: np.ndarray, gap: float = np.nan) -> str:
    """The current density (mA/cm^2) that a part of the photons above a gap would give, for the key."""
    if "photon_flux" not in dataset:
        return ""
    from perotwin.constants import elementary_charge

    flux = dataset["photon_flux"].values * _before(dataset, gap)
    return f"  {elementary_charge / 10 * float(np.nansum(flux * part)):.2f}"


def _below_gap(
    ax: Axes, dataset: xr.Dataset, gap: float, absorbers: Sequence[str]
) -> list[tuple[str, str, str]]:
    """A line at the gap, and the entry of what lies below it and is not absorbed by the absorbers."""
    from perotwin.constants import c, e, h

    if not np.isfinite(gap):
        return []
    edge = _NM * h * c / (e * gap)
    if not ax.get_xlim()[0] < edge < ax.get_xlim()[1]:
        return []
    ax.axvline(edge, color=style.INK, linewidth=0.7, linestyle=(0, (2, 2)), zorder=3)
    ax.annotate(
        f"gap {gap:.2f} eV", (edge, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 2), textcoords="offset points",
        ha="center", va="bottom", fontsize=6.5, color=style.MUTED,
    )  # fmt: skip
    rows = dataset["absorptance"].transpose("layer", "wavelength").values
    names = [str(name) for name in dataset["layer"].values]
    own = sum(
        (row for name, row in zip(names, rows, strict=True) if name in absorbers), np.zeros(rows.shape[1])
    )
    rest = (1.0 - _before(dataset, gap)) * (1.0 - own)
    return [("below the gap" + _taken(dataset, rest), "none", "")]


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


def _lines(ax: Axes, items: Sequence[xr.Dataset], integrated: bool) -> None:
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
    if integrated:
        entries.append(("dotted: integrated current", style.MUTED))
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


def _stacked(ax: Axes, item: xr.Dataset, gap: float, beside: float) -> None:
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
    _areas(ax, item, [*bands, *_parasitic(item, generating)], gap, beside)
    ax.plot(wavelength, 100 * collected, color=style.INK, linewidth=1.2)
    for which, part in parts.items():
        if which:
            ax.plot(wavelength, 100 * part, color=style.junction_colour(which), linewidth=1.2)
    ax.set_title(str(item.attrs.get("stack", "")) + _current(item), pad=14 if np.isfinite(gap) else 6)


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
        (layers[index], absorbed[index], style.colour_in(item, layers[index]))
        for index in [i for i in range(len(layers)) if i not in generating][::-1]
    ]
    if "transmittance" in item and float(np.nanmax(item["transmittance"].values)) > 1e-3:
        bands.append(("transmitted", item["transmittance"].values, _PASSED))
    return bands


def _areas(
    ax: Axes, item: xr.Dataset, bands: Sequence[tuple[str, np.ndarray, str]], gap: float, beside: float
) -> None:
    """Areas one on the other, with a key beside them; above the dashed line is what is reflected."""
    wavelength = item["wavelength"].values * _NM
    floor = np.zeros_like(wavelength)
    shown = wavelength <= ax.get_xlim()[1]
    bands = [band for band in bands if float(np.nanmax(band[1][shown])) >= 2e-3]
    drawn = []
    for (name, part, colour), hatch in zip(bands, _hatched([band[2] for band in bands]), strict=True):
        _area(ax, wavelength, floor, floor + part, colour, hatch)
        floor = floor + part
        # what is collected stands in the title, with the light of one junction in the other
        drawn.append((name if "(EQE)" in name else name + _taken(item, part, gap), colour, hatch))
    if "reflectance" in item:
        reflected = item["reflectance"].values
        ax.plot(wavelength, 100 * (1 - reflected), color=style.INK, linewidth=0.8, linestyle=(0, (3, 1.5)))
        drawn.append(("reflected" + _taken(item, reflected, gap), "white", ""))
    names = [str(name) for name in item["layer"].values]
    below = _below_gap(ax, item, gap, [names[index] for index in _generating(item)])
    _beside(ax, drawn[::-1] + below, beside, len(drawn) > 1 and "photon_flux" in item)
    ax.set_ylabel("Share of the incident photons (%)")


def _beside(ax: Axes, entries: Sequence[tuple[str, str, str]], left: float, currents: bool) -> None:
    """A key of areas (words, colour, hatch) beside a panel, from the top; with the unit of what it says of currents."""
    step = min(0.075, 0.93 / max(len(entries), 1))
    if currents:
        ax.annotate(
            "mA cm$^{−2}$", (left, 1.02), xycoords="axes fraction", fontsize=7, color=style.MUTED, va="bottom",
            annotation_clip=False,
        )  # fmt: skip
    for index, (name, colour, hatch) in enumerate(entries):
        height = 0.97 - step * index
        if colour != "none":
            ax.add_patch(_swatch(ax, left, height, colour, hatch))
        ax.annotate(
            name,
            (left + 0.045, height),
            xycoords="axes fraction",
            va="center",
            fontsize=7,
            annotation_clip=False,
        )


def _swatch(ax: Axes, left: float, height: float, colour: str, hatch: str) -> Rectangle:
    from matplotlib.patches import Rectangle

    made = Rectangle(
        (left, height - 0.022), 0.033, 0.044, transform=ax.transAxes, clip_on=False, facecolor=colour
    )
    made.set(edgecolor="white" if hatch else style.MUTED, linewidth=0.0 if hatch else 0.4, hatch=hatch)
    return made


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
