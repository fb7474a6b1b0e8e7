"""Figures of spectra and patterns: diffraction, transmittance of films, infrared and magnetic resonance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.plotting import style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["ftir_nmr", "uv_vis", "xrd"]

F64 = NDArray[np.float64]

#: angles, counts, background, and name, angle and height of each line
Pattern = tuple[F64, F64, F64, list[tuple[str, float, float]]]
#: energy, optical depth, range of the Tauc line (eV), its intercept (eV)
Depth = tuple[F64, F64, tuple[float, float], float]

_NM = 1e9
#: least distance of names of lines, as a part of the axis
_APART = 0.016
#: room above a pattern, in heights of it, for the names of its lines
_ABOVE = 1.28


def _name(item: xr.Dataset) -> str:
    return str(item.attrs.get("stack", "")) or "measured"


def _colours(items: Sequence[xr.Dataset]) -> list[str]:
    known = style.colour_of_cells(items)
    return [known.get(str(item.attrs.get("stack", "")), style.INK) for item in items]


# --- diffraction -----------------------------------------------------------------------------------------------------


def xrd(items: Sequence[xr.Dataset], patterns: Sequence[Pattern], ax: Axes | None = None) -> Figure:
    """Patterns above one another on a square-root scale, with the names of their lines; of two their difference below.

    A square root shows weak lines beside strong ones and gives counting noise one size everywhere.

    Args:
        items: the measurements. patterns: of each the angles (deg), counts, background, and name, angle and height of
        its
            lines. ax: takes the patterns alone.
    """
    colours = _colours(items)
    with style.context():
        if ax is not None:
            made, axes = style.new_axes(ax)
            _stacked(axes, items, patterns, colours)
            return made
        pair = len(items) == 2
        tall = 1.4 + 1.15 * len(items) + (0.8 if pair else 0.0)
        made = style.figure(style.PAGE, tall)
        if not pair:
            _stacked(made.add_subplot(), items, patterns, colours)
            return made
        upper, lower = made.subplots(2, 1, sharex=True, height_ratios=[3.2, 1.0])
        _stacked(upper, items, patterns, colours)
        upper.set_xlabel("")
        upper.tick_params(labelbottom=False)
        _difference(lower, items, patterns)
        style.apart(made)
        return made


def _stacked(
    ax: Axes, items: Sequence[xr.Dataset], patterns: Sequence[Pattern], colours: Sequence[str]
) -> None:
    low = min(float(x[0]) for x, *_ in patterns)
    high = max(float(x[-1]) for x, *_ in patterns)
    height = max(float(np.sqrt(np.maximum(y, 0.0)).max()) for _, y, *_ in patterns) or 1.0
    ax.set_xlim(low, high)
    ax.set_ylim(0.0, height * _ABOVE * len(items))
    for row, (item, (x, y, base, named), colour) in enumerate(zip(items, patterns, colours, strict=True)):
        floor = height * _ABOVE * (len(items) - 1 - row)
        ax.plot(
            x,
            floor + np.sqrt(np.maximum(base, 0.0)),
            color=style.MUTED,
            linewidth=0.6,
            linestyle=(0, (3, 2)),
            zorder=1,
        )
        ax.plot(x, floor + np.sqrt(np.maximum(y, 0.0)), color=colour, linewidth=0.8, zorder=2)
        ax.text(
            0.995, (floor + 0.97 * height) / (height * _ABOVE * len(items)), _name(item), color=colour, ha="right",
            va="top", transform=ax.transAxes, fontsize=7.5,
        )  # fmt: skip
        _names(ax, x, y, named, floor, height, (low, high))
    ax.set_xlabel(style.axis_label("two_theta"))
    ax.set_ylabel("Square root of the counts" + (", shifted" if len(items) > 1 else ""))
    if len(items) > 1:
        ax.set_yticks([])


def _names(
    ax: Axes, x: F64, y: F64, named: Sequence[tuple[str, float, float]], floor: float, height: float, span:
    tuple[float, float]
) -> None:  # fmt: skip
    """Names of lines above them, upright; the strongest first, and none where it would stand on another one."""
    taken: list[float] = []
    for name, angle, tall in sorted(named, key=lambda one: -one[2]):
        if any(abs(angle - other) < _APART * (span[1] - span[0]) for other in taken):
            continue
        taken.append(angle)
        near = np.abs(x - angle) < 0.3
        top = float(np.sqrt(np.maximum(y[near], 0.0)).max()) if near.any() else tall**0.5
        ax.annotate(
            name.removesuffix(" deg") + ("°" if name.endswith("deg") else ""), (angle, floor + top), xytext=(0, 2),
            textcoords="offset points", rotation=90, ha="center", va="bottom", fontsize=6, color=style.INK,
        )  # fmt: skip


def _difference(ax: Axes, items: Sequence[xr.Dataset], patterns: Sequence[Pattern]) -> None:
    """First less second, both without their background, in counts."""
    (x, y, base, _), (other_x, other_y, other_base, _) = patterns
    there = np.interp(x, other_x, other_y - other_base, left=np.nan, right=np.nan)
    ax.axhline(0.0, color=style.MUTED, linewidth=0.6)
    ax.plot(x, y - base - there, color=style.INK, linewidth=0.7)
    ax.set_xlabel(style.axis_label("two_theta"))
    ax.set_ylabel("Difference\n(counts)")
    ax.text(
        0.995, 0.95, f"{_name(items[0])} less {_name(items[1])}", transform=ax.transAxes, ha="right", va="top",
        fontsize=7, color=style.MUTED,
    )  # fmt: skip
    ax.margins(y=0.15)


# --- films in light --------------------------------------------------------------------------------------------------


def uv_vis(items: Sequence[xr.Dataset], depths: Sequence[Depth], ax: Axes | None = None) -> Figure:
    """Transmittance and reflectance of films, and (alpha d E)^2 with the Tauc line of each.

    Args:
        items: the measurements. depths: of each the photon energy (eV), the optical depth, the range of the Tauc line
        and
            its intercept (eV), NaN where there is none. ax: takes the Tauc plot alone.
    """
    colours = _colours(items)
    with style.context():
        if ax is not None:
            made, axes = style.new_axes(ax)
            _tauc(axes, depths, colours)
            return made
        made = style.figure(style.PAGE, 2.7)
        left, right = made.subplots(1, 2)
        entries = []
        for item, colour in zip(items, colours, strict=True):
            wavelength = np.asarray(item["wavelength"], float) * _NM
            left.plot(wavelength, 100.0 * np.asarray(item["transmittance"], float), color=colour)
            if "reflectance" in item:
                left.plot(
                    wavelength,
                    100.0 * np.asarray(item["reflectance"], float),
                    color=colour,
                    linestyle="--",
                    linewidth=1.0,
                )
            entries.append((_name(item), colour))
        if any("reflectance" in item for item in items):
            entries.append(("dashed: reflectance", style.MUTED))
        left.set_xlabel(style.axis_label("wavelength"))
        left.set_ylabel(
            "Transmittance (%)" if len(entries) == len(items) else "Transmittance, reflectance (%)"
        )
        left.set_ylim(0.0, None)
        left.margins(x=0.0)
        _tauc(right, depths, colours)
        style.text_key(left, entries, 0.03, 0.98)
        style.apart(made)
        return made


def _tauc(ax: Axes, depths: Sequence[Depth], colours: Sequence[str]) -> None:
    """About the edges, each film over its value at the end of its line, as films may differ by decades."""
    gaps = [gap for *_, gap in depths if np.isfinite(gap)]
    if gaps:
        last = max(window[1] for *_, window, gap in depths if np.isfinite(gap))
        low, high = min(gaps) - 0.12, max(max(gaps) + 0.22, last + 0.06)
    else:
        low, high = min(float(e[0]) for e, *_ in depths), max(float(e[-1]) for e, *_ in depths)
    entries = []
    for (energy, depth, window, gap), colour in zip(depths, colours, strict=True):
        square = (depth * energy) ** 2
        shown = (energy >= low) & (energy <= high)
        if np.isfinite(gap):
            inside = (energy >= window[0]) & (energy <= window[1])
            slope = float(
                np.sum(square[inside] * (energy[inside] - gap)) / np.sum((energy[inside] - gap) ** 2)
            )
            square = square / (slope * (window[1] - gap))
            ends = np.array([gap, window[1] + 0.25 * (window[1] - gap)])
            ax.plot(
                ends, (ends - gap) / (window[1] - gap), color=colour, linewidth=0.9, linestyle="--", zorder=3
            )
            ax.axvspan(*window, color=colour, alpha=0.10, linewidth=0)
            ax.plot(gap, 0.0, "o", color=colour, markersize=3, clip_on=False, zorder=5)
            entries.append((f"{gap:.3f} eV", colour))
        else:
            square = square / float(square[shown].max(initial=1e-300))
        ax.plot(energy[shown], square[shown], color=colour, linewidth=1.2)
    ax.set_xlim(low, high)
    ax.set_ylim(0.0, 1.7)
    ax.set_xlabel("Photon energy $E$ (eV)")
    ax.set_ylabel(r"$(\alpha d\,E)^2$ over that at the end of the line")
    style.text_key(ax, entries, 0.04, 0.97)


# --- infrared and magnetic resonance ---------------------------------------------------------------------------------

#: words of the axis by its unit
_AXES = {"cm^-1": "Wavenumber (cm$^{−1}$)", "ppm": "Chemical shift (ppm)"}


def ftir_nmr(
    items: Sequence[xr.Dataset],
    spectra: Sequence[tuple[F64, F64, list[float]]],
    unit: str,
    ax: Axes | None = None,
) -> Figure:
    """Spectra above one another, each over its own range, on an axis that runs from large to small.

    Args:
        items: the measurements. spectra: of each place, signal, and places of its lines. unit: of the axis.
    """
    colours = _colours(items)
    with style.context():
        made, axes = style.new_axes(ax, style.PAGE, 1.5 + 0.95 * len(items))
        low = min(float(x[0]) for x, *_ in spectra)
        high = max(float(x[-1]) for x, *_ in spectra)
        axes.set_xlim(high, low)
        axes.set_ylim(-0.05, 1.45 * len(items))
        for row, ((x, y, places), item, colour) in enumerate(zip(spectra, items, colours, strict=True)):
            floor = 1.45 * (len(items) - 1 - row)
            bottom, top = float(y.min()), float(y.max())
            scaled = floor + 0.08 + (y - bottom) / (top - bottom or 1.0)
            hangs = float(np.median(y)) - bottom > top - float(np.median(y))
            if hangs:
                # room for the numbers, which stand below
                scaled = scaled + 0.2
            axes.plot(x, scaled, color=colour, linewidth=0.8)
            _marks(axes, x, scaled, places, hangs, (low, high))
            axes.annotate(
                _name(item),
                (high, floor + 1.43),
                xytext=(4, 0),
                textcoords="offset points",
                color=colour,
                va="top",
                fontsize=7.5,
            )
        axes.set_xlabel(_AXES.get(unit, f"Position ({unit})"))
        axes.set_ylabel("Signal (each over its range)")
        axes.set_yticks([])
        return made


def _marks(
    ax: Axes, x: F64, scaled: F64, places: Sequence[float], hangs: bool, span: tuple[float, float]
) -> None:
    """The places of lines as numbers above them, or below those that hang down; none on another one."""
    taken: list[float] = []
    digits = 0 if span[1] - span[0] > 100.0 else 3
    for place in places:
        if any(abs(place - other) < _APART * (span[1] - span[0]) for other in taken):
            continue
        taken.append(place)
        height = float(np.interp(place, x, scaled))
        ax.annotate(
            f"{place:.{digits}f}".replace("-", "−"), (place, height), xytext=(0, -3 if hangs else 3),
            textcoords="offset points", rotation=90, ha="center", va="top" if hangs else "bottom", fontsize=6,
            color=style.INK,
        )  # fmt: skip
