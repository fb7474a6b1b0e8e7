"""Figures of the light that a cell gives: spectra, and yields against the injected current."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from perotwin.plotting import style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["splittings", "yields_and_spectra"]

_NM, _MA, _PER_CM2_NM = 1e9, 0.1, 1e-13
#: emitters of one cell, where colours tell cells apart
_DASHES = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5)))


def yields_and_spectra(datasets: xr.Dataset | Sequence[xr.Dataset], ax: Axes | None = None) -> Figure:
    """Spectra at the largest injection (left) and yields against the injected current (right); into given axes the
    yields, and so where no spectra were measured.

    Of one cell every emitter has a colour of its own; of several each cell has one, and its emitters are told apart by
    dashes.
    """
    items = style.as_list(datasets)
    with style.context():
        if ax is not None or not all("spectrum" in item for item in items):
            made, axes = style.new_axes(ax)
            _yields(axes, items)
            return made
        made = style.figure(style.PAGE, 2.7)
        left, right = made.subplots(1, 2)
        _spectra(left, items)
        _yields(right, items)
        return made


def splittings(datasets: Sequence[xr.Dataset], ax: Axes | None = None) -> Figure:
    """Splittings of emitters, or else the voltage of the cell, against the injected current on a logarithmic axis."""
    items = style.as_list(datasets)
    colours = style.colour_of_cells(items)
    with style.context():
        made, axes = style.new_axes(ax, height=2.7)
        entries: list[tuple[str, str]] = []
        for item in items:
            injected = item["injected"].values * _MA
            name = str(item.attrs.get("stack", "")) or "measured"
            if "qfls" not in item:
                axes.semilogx(
                    injected, item["voltage"].values, "o-", color=colours[str(item.attrs.get("stack", ""))]
                )
                entries.append((name, colours[str(item.attrs.get("stack", ""))]))
                continue
            for row, (emitter, colour, dashes) in enumerate(_looks(items, item)):
                along = item["junction_current"].values[row] * _MA if "junction_current" in item else injected
                axes.semilogx(
                    along,
                    item["qfls"].values[row],
                    color=colour,
                    linestyle=dashes,
                    marker="o",
                    markersize=2.6,
                )
                if len(items) == 1:
                    entries.append((f"{name}, {emitter}" if emitter else name, colour))
            if len(items) > 1:
                entries.append((name, colours[str(item.attrs.get("stack", ""))]))
        axes.set_xlabel("Current density through the junction (mA cm$^{−2}$)")
        splits = any("qfls" in item for item in items)
        axes.set_ylabel(r"Splitting $\Delta\mu$ (eV)" if splits else style.axis_label("voltage"))
        low, high = axes.get_ylim()
        axes.set_ylim(low, high + 0.09 * len(entries) * (high - low))
        style.text_key(axes, entries, 0.05, 0.98)
        return made


def _looks(items: Sequence[xr.Dataset], item: xr.Dataset) -> list[tuple[str, str, object]]:
    """Name, colour and dashes of each emitter of a cell."""
    emitters = [str(name) for name in item["emitter"].values]
    if len(items) == 1:
        spare = iter(style.CELLS)
        return [(name, style.junction_colour(name) or next(spare), "-") for name in emitters]
    colour = style.colour_of_cells(items)[str(item.attrs.get("stack", ""))]
    return [(name, colour, _DASHES[row % len(_DASHES)]) for row, name in enumerate(emitters)]


def _spectra(ax: Axes, items: Sequence[xr.Dataset]) -> None:
    highest = max((float(np.max(item["spectrum"].values, initial=0.0)) for item in items), default=0.0)
    low, high = np.inf, 0.0
    for item in items:
        wavelength = item["wavelength"].values * _NM
        for row, (_, colour, dashes) in enumerate(_looks(items, item)):
            values = item["spectrum"].values[row]
            ax.semilogy(
                wavelength, np.where(values > 0, values, np.nan) * _PER_CM2_NM, color=colour, linestyle=dashes
            )
            shown = wavelength[values > 1e-4 * highest]
            if shown.size:
                low, high = min(low, float(shown[0])), max(high, float(shown[-1]))
    if highest > 0:
        ax.set_ylim(1e-4 * highest * _PER_CM2_NM, 3 * highest * _PER_CM2_NM)
        ax.set_xlim(low - 10, high + 10)
    ax.set_xlabel(style.axis_label("wavelength"))
    ax.set_ylabel("Photons out at the front (cm$^{−2}$ s$^{−1}$ nm$^{−1}$)")
    most = {round(_MA * float(item["injected"].values[-1]), 2) for item in items}
    if len(most) == 1:
        ax.set_title(f"at {most.pop():g} mA cm$^{{−2}}$ injected")


def _yields(ax: Axes, items: Sequence[xr.Dataset]) -> None:
    entries: list[tuple[str, str]] = []
    top = 0.0
    for item in items:
        injected = item["injected"].values * _MA
        name = str(item.attrs.get("stack", "")) or "measured"
        looks = _looks(items, item)
        for row, (_, colour, dashes) in enumerate(looks):
            values = item["elqy"].values[row]
            good = (values > 0) & (injected > 0)
            ax.loglog(injected[good], 100 * values[good], color=colour, linestyle=dashes)
            top = max(top, 100 * float(np.max(values[good], initial=0.0)))
        if len(items) > 1:
            entries.append((name, looks[0][1]))
        else:
            entries += [
                (f"{name}, {emitter}" if len(looks) > 1 else name, colour) for emitter, colour, _ in looks
            ]
    if len(items) > 1:
        rows = max((_looks(items, item) for item in items), key=len)
        if len(rows) > 1:
            words = ("solid", "dashed", "dotted", "dash-dotted")
            told = ", ".join(f"{words[row % 4]}: {emitter}" for row, (emitter, _, _) in enumerate(rows))
            entries.append((told, style.MUTED))
    if top > 0:
        # below a part in a million of the largest there is no light to be seen
        ax.set_ylim(1e-6 * top, 5 * top)
    ax.set_xlabel("Injected current density (mA cm$^{−2}$)")
    ax.set_ylabel("Luminescence yield ELQY (%)")
    style.text_key(ax, entries, 0.32, 0.08 + 0.055 * len(entries))
