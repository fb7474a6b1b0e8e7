"""Figures of photoluminescence: spectra of samples together, their splittings, the high-energy side of a spectrum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.plotting import style
from perotwin.plotting.variants import named

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Tail", "figure"]

F64 = NDArray[np.float64]
_NM = 1e9
#: m^-2 s^-1 m^-1 -> cm^-2 s^-1 nm^-1
_PER_CM2_NM = 1e-13
#: samples of one cell, where colours tell cells apart
_DASHES: tuple[object, ...] = (
    "-",
    (0, (4, 1.5)),
    (0, (1, 1.2)),
    (0, (6, 1.5, 1, 1.5)),
    (0, (8, 2)),
    (0, (2, 2)),
)
#: what is drawn of a spectrum, and what decides how wide, as parts of its peak
_LOWEST, _EDGE = 1e-4, 1e-3
#: eV in front of the peak and beyond the window, and how far below the line, that a tail is drawn
_BEFORE, _BEYOND, _BELOW = 0.12, 0.08, 1.5
#: bars of a group, and how pale what is lost is (the part of white in it)
_GROUP, _PALE = 0.8, 0.7


@dataclass(frozen=True)
class Tail:
    """The high-energy side of a spectrum, as it is fitted.

    Attributes:
        energy, height: (K,) eV; ln(phi / E^2), its highest point zero.
        window: eV, that the fit lies in. line: (2,) height of the fit at the ends of the window. words: what it found.
    """

    energy: F64
    height: F64
    window: tuple[float, float]
    line: tuple[float, float]
    words: str


def figure(items: Sequence[xr.Dataset], tails: Mapping[int, Tail], ax: Axes | None = None) -> Figure:
    """Spectra (left), and the splitting of each sample with what is lost below its radiative limit or, of spectra from
    files, the high-energy side with its fit (right); into given axes the spectra.

    Args:
        items: measurements. tails: of those with a single spectrum, by their place among the items.
    """
    with style.context():
        if ax is not None:
            made, axes = style.new_axes(ax)
            _spectra(axes, items)
            return made
        made = style.figure(style.PAGE, 2.9)
        left, right = made.subplots(1, 2)
        style.apart(made)
        _spectra(left, items)
        simulated = [item for item in items if "sample" in item.dims and "qfls_radiative" in item]
        if simulated:
            _splittings(right, simulated)
        else:
            _tails(right, items, tails)
        return made


def _rows(item: xr.Dataset) -> list[tuple[str, F64]]:
    """Name and flux of each sample; no name of a single spectrum."""
    values = np.asarray(item["photon_flux"].values, float)
    if "sample" not in item.dims:
        return [("", values)]
    return [(str(name), row) for name, row in zip(item["sample"].values, values, strict=True)]


def _colours(items: Sequence[xr.Dataset]) -> list[list[tuple[str, object]]]:
    """Colour and dashes of each sample of each item."""
    if len(items) == 1:
        count = len(_rows(items[0]))
        return [[(style.CELLS[row % len(style.CELLS)], "-") for row in range(count)]]
    of_cells = style.colour_of_cells(items)
    return [
        [(of_cells[named(item)], _DASHES[row % len(_DASHES)]) for row in range(len(_rows(item)))]
        for item in items
    ]


def _spectra(ax: Axes, items: Sequence[xr.Dataset]) -> None:
    relative = any(str(item["photon_flux"].attrs.get("units")) == "1" for item in items)
    looks = _colours(items)
    entries: list[tuple[str, str]] = []
    low, high, top = np.inf, 0.0, 0.0
    for item, own in zip(items, looks, strict=True):
        wavelength = np.asarray(item["wavelength"].values, float) * _NM
        for (name, flux), (colour, dashes) in zip(_rows(item), own, strict=True):
            largest = float(np.nanmax(flux, initial=0.0))
            if not largest > 0.0:
                continue
            values = flux / largest if relative else flux * _PER_CM2_NM
            shown = values > _EDGE * float(np.nanmax(values))
            ax.semilogy(wavelength, np.where(values > 0.0, values, np.nan), color=colour, linestyle=dashes)
            top = max(top, float(np.nanmax(values)))
            low, high = min(low, float(wavelength[shown].min())), max(high, float(wavelength[shown].max()))
            if len(items) == 1:
                entries.append((name or named(item), colour))
        if len(items) > 1:
            entries.append((named(item), own[0][0]))
    rows = max((_rows(item) for item in items), key=len)
    dashed = len(items) > 1 and len(rows) > 1
    if top > 0.0:
        floor = min(_LOWEST * top, *[_LOWEST * _top(item, relative) for item in items])
        ax.set_ylim(floor, top * (top / floor) ** (0.5 if dashed else 0.12))
        ax.set_xlim(low - 15.0, high + 15.0)
    ax.set_xlabel(style.axis_label("wavelength"))
    ax.set_ylabel("PL (normalised)" if relative else "Photon flux (cm$^{−2}$ s$^{−1}$ nm$^{−1}$)")
    if dashed:
        _dash_key(ax, [name for name, _ in rows])
        style.text_key(ax, entries, 0.6, 0.97)
    else:
        style.text_key(ax, entries, 0.97, 0.97)


def _dash_key(ax: Axes, names: Sequence[str]) -> None:
    """Which dashes are which sample, above the curves."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=style.MUTED, linestyle=_DASHES[row % len(_DASHES)], label=name)  # type: ignore[arg-type]  # dashes are a pair
        for row, name in enumerate(names)
    ]
    ax.legend(handles=handles, loc="upper left", handlelength=2.6, borderaxespad=0.2, labelcolor=style.MUTED)


def _top(item: xr.Dataset, relative: bool) -> float:
    """The least of the peaks of its spectra, as they are drawn."""
    if relative:
        return 1.0
    return min(float(np.nanmax(flux, initial=0.0)) for _, flux in _rows(item)) * _PER_CM2_NM


def _splittings(ax: Axes, items: Sequence[xr.Dataset]) -> None:
    """Bars from the bottom of the axis to the splitting and, pale, on to the radiative limit, with the loss above."""
    looks = _colours(items)
    samples = list(dict.fromkeys(str(name) for item in items for name in item["sample"].values))
    lowest, highest = np.inf, 0.0
    for item in items:
        lowest = min(lowest, float(np.min(item["qfls_inside"].values)))
        highest = max(highest, float(np.max(item["qfls_radiative"].values)))
    room = highest - lowest
    bottom = lowest - 0.6 * room
    width = _GROUP / len(items)
    for number, (item, own) in enumerate(zip(items, looks, strict=True)):
        for row, name in enumerate(map(str, item["sample"].values)):
            place = samples.index(name) + (number - 0.5 * (len(items) - 1)) * width
            value, limit = float(item["qfls_inside"][row]), float(item["qfls_radiative"][row])
            colour = own[row][0]
            ax.bar(place, value - bottom, 0.9 * width, bottom, color=colour, linewidth=0.0)
            ax.bar(place, limit - value, 0.9 * width, value, color=_paler(colour), linewidth=0.0)
            if "voc_own" in item and np.isfinite(float(item["voc_own"][row])):
                voc = float(item["voc_own"][row])
                ax.plot(
                    [place - 0.45 * width, place + 0.45 * width], [voc, voc], color="white", linewidth=1.0
                )
            size = 7.0 if len(items) == 1 else 6.0
            ax.text(
                place,
                limit + 0.015 * room,
                f"−{1e3 * (limit - value):.0f}",
                ha="center",
                va="bottom",
                fontsize=size,
            )
            if len(items) < 3:
                ax.text(
                    place,
                    bottom + 0.03 * room,
                    f"{value:.3f}",
                    ha="center",
                    va="bottom",
                    color="white",
                    fontsize=6.5,
                    rotation=0 if len(items) == 1 else 90,
                )
    ax.set_ylim(bottom, highest + 0.22 * room)
    ax.set_xlim(-0.6, len(samples) - 0.4)
    ax.set_xticks(range(len(samples)), samples)
    ax.tick_params(axis="x", length=0)
    ax.set_ylabel(r"Splitting of the quasi-Fermi levels $\Delta\mu$ (eV)")
    marked = any("voc_own" in item and np.isfinite(item["voc_own"].values).any() for item in items)
    ax.set_title(
        "pale: below the radiative limit, meV" + (r"; white line: $V_\mathrm{oc}$" if marked else "")
    )


def _paler(colour: str) -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb

    red, green, blue = (channel + _PALE * (1.0 - channel) for channel in to_rgb(colour))
    return red, green, blue


def _tails(ax: Axes, items: Sequence[xr.Dataset], tails: Mapping[int, Tail]) -> None:
    """ln(phi / E^2) against photon energy, with the line of the fit in its window."""
    looks = _colours(items)
    entries: list[tuple[str, str]] = []
    low, high, floor = np.inf, 0.0, 0.0
    for number, item in enumerate(items):
        tail = tails.get(number)
        if tail is None:
            continue
        colour = looks[number][0][0]
        ax.plot(tail.energy, tail.height, ".", color=colour, markersize=2.2, markeredgewidth=0.0)
        ax.plot(tail.window, tail.line, color=style.INK, linewidth=1.0)
        shown = tail.energy[int(np.argmax(tail.height))] - _BEFORE, tail.window[1] + _BEYOND
        near = (tail.energy > shown[0]) & (tail.energy < shown[1]) & (tail.height > min(tail.line) - _BELOW)
        low, high = min(low, shown[0]), max(high, shown[1])
        floor = min(floor, float(tail.height[near].min()))
        entries.append((f"{named(item)}: {tail.words}" if len(items) > 1 else tail.words, colour))
    if entries:
        ax.set_xlim(low, high)
        # room for the words above the points
        bottom = floor - 0.5
        ax.set_ylim(bottom, bottom - bottom / (1.0 - min(0.08 * len(entries) + 0.06, 0.6)))
    else:
        ax.text(
            0.5, 0.5, "no high-energy side to be fitted", ha="center", va="center", transform=ax.transAxes
        )
    ax.set_xlabel("Photon energy $E$ (eV)")
    ax.set_ylabel(r"$\ln(\phi/E^2)$, highest point 0")
    style.text_key(ax, entries, 0.03, 0.98)
