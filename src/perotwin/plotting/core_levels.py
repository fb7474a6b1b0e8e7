"""Figures of core levels: counts, the lines fitted to them with their background, and what the fit leaves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from perotwin.plotting import style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["regions"]

F64 = NDArray[np.float64]

_IN_A_ROW = 3
#: lines smaller than this share of the largest are not labelled
_NAMED = 0.1
#: colours of lines, the largest first; fills, so that they are light
_LINES = ("#F2B179", "#A9BCCB", "#B7D7A8", "#D5B8DC")


class _Fit(Protocol):
    """A fit, as far as it is drawn; energies ascending, eV."""

    @property
    def energy(self) -> F64: ...
    @property
    def model(self) -> F64: ...
    @property
    def counts(self) -> F64: ...
    @property
    def background(self) -> F64: ...
    @property
    def parts(self) -> F64: ...
    @property
    def lines(self) -> Sequence[Any]: ...
    @property
    def gain(self) -> float: ...


def regions(items: Sequence[xr.Dataset], fits: Sequence[_Fit | None], ax: Axes | None = None) -> Figure:
    """Regions one beside the other, each with its fit, and below it the residual over the noise.

    Args:
        items: spectra as counts over binding energy. fits: of each, None of a survey. ax: takes the last one alone.
    """
    with style.context():
        if ax is not None:
            made, axes = style.new_axes(ax)
            _region(axes, items[-1], fits[-1])
            return made
        across = min(len(items), _IN_A_ROW)
        rows = -(-len(items) // across)
        made = style.figure(style.PAGE if across > 1 else 0.6 * style.PAGE, 2.9 * rows)
        grid = made.add_gridspec(2 * rows, across, height_ratios=[3.4, 1.0] * rows)
        for number, (item, fit) in enumerate(zip(items, fits, strict=True)):
            row, column = divmod(number, across)
            if fit is None:
                _region(made.add_subplot(grid[2 * row : 2 * row + 2, column]), item, None)
                continue
            panel = made.add_subplot(grid[2 * row, column])
            below = made.add_subplot(grid[2 * row + 1, column], sharex=panel)
            _region(panel, item, fit)
            panel.set_xlabel("")
            panel.tick_params(labelbottom=False)
            _residual(below, fit)
        style.apart(made)
        return made


def _region(ax: Axes, item: xr.Dataset, fit: _Fit | None) -> None:
    energy = np.asarray(item["binding_energy"], float)
    counts = np.asarray(item["counts"], float)
    top = float(np.nanmax(counts))
    power = int(np.floor(np.log10(top))) // 3 * 3 if top >= 1e4 else 0
    factor = 10.0**-power
    if fit is None:
        order = np.argsort(energy)
        ax.plot(energy[order], factor * counts[order], color=style.INK, linewidth=0.8)
        low = 0.0
    else:
        for part, shade in zip(fit.parts, _LINES * 4, strict=False):
            ax.fill_between(
                fit.energy,
                factor * fit.background,
                factor * (fit.background + part),
                color=shade,
                alpha=0.8,
                linewidth=0,
            )
        ax.plot(
            energy, factor * counts, linestyle="none", marker="o", markersize=1.8, color=style.INK, alpha=0.75
        )
        ax.plot(fit.energy, factor * fit.model, color="#C6362F", linewidth=1.0)
        ax.plot(fit.energy, factor * fit.background, color=style.MUTED, linewidth=0.8)
        low = float(np.nanmin(counts))
        for line in fit.lines:
            near = np.flatnonzero(np.abs(fit.energy - line.position) < 0.4)
            best = near[int(np.argmax(fit.model[near]))] if near.size else 0
            # only what is seen as a peak is named on it
            if line.area < _NAMED * fit.lines[0].area or near.size < 3 or best in (near[0], near[-1]):
                continue
            height = factor * float(fit.model[best])
            ax.annotate(
                f"{line.position:.2f}", (line.position, height), xytext=(0, 5), textcoords="offset points",
                fontsize=6.5, ha="center", va="bottom", color=style.INK,
            )  # fmt: skip
    ax.set_xlim(float(np.nanmax(energy)), float(np.nanmin(energy)))
    ax.set_ylim(factor * (low - 0.06 * (top - low)), factor * (top + 0.18 * (top - low)))
    name, region = str(item.attrs.get("stack", "")) or "measured", str(item.attrs.get("region") or "")
    # what an instrument calls a spectrum is often its region
    told = region.replace(" ", "").lower() in ("", name.replace(" ", "").replace("-", "").lower())
    ax.set_title((region or name) if told else f"{name}, {region}")
    ax.set_xlabel(_axis_words(item))
    ax.set_ylabel("Counts" if power == 0 else f"Counts (10$^{{{power}}}$)")


def _axis_words(item: xr.Dataset) -> str:
    if "energy_shift" in item.attrs:
        return f"Binding energy, {item.attrs.get('reference_line')} at {float(item.attrs['reference_set']):g} eV (eV)"
    return "Binding energy as recorded (eV)"


def _residual(ax: Axes, fit: _Fit) -> None:
    noise = np.sqrt(np.maximum(fit.gain * fit.model, 1e-12 * float(np.abs(fit.model).max())))
    left = (fit.counts - fit.model) / noise
    ax.axhline(0.0, color=style.MUTED, linewidth=0.6)
    ax.plot(fit.energy, left, color=style.INK, linewidth=0.7)
    reach = max(3.0, 1.1 * float(np.abs(left).max()))
    ax.set_ylim(-reach, reach)
    ax.set_xlabel("Binding energy (eV)")
    ax.set_ylabel("Residual (σ)")
