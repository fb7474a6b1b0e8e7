"""Figures of the film: where the additive is in it, how it came there while the film dried, and what it passivates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from perotwin.plotting import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["depth_profile", "dose_series", "drying_history"]

_NM, _UM = 1e9, 1e6
_PER_NM2 = 1e-18
_MOLAR = 1.0 / 6.02214076e26  # m^-3 -> mol/L
#: depth that counts as near the oxide in the figure: what depth profiling can tell from the interface itself (m)
_NEAR = 20e-9
_LIQUID, _SOLID = "#A9CBE3", style.ROLES["absorber"]


class Dried(Protocol):
    """What these figures need of a film that has dried."""

    @property
    def dose(self) -> float: ...
    @property
    def film_thickness(self) -> float: ...
    @property
    def depth_edges(self) -> NDArray[np.float64]: ...
    @property
    def per_lead(self) -> NDArray[np.float64]: ...
    @property
    def adsorbed(self) -> float: ...
    @property
    def residue(self) -> float: ...
    @property
    def sites(self) -> float: ...
    @property
    def interface(self) -> float: ...
    @property
    def dosed(self) -> float: ...
    @property
    def time(self) -> NDArray[np.float64]: ...
    @property
    def liquid(self) -> NDArray[np.float64]: ...
    @property
    def solid(self) -> NDArray[np.float64]: ...
    @property
    def oxide(self) -> NDArray[np.float64]: ...
    @property
    def lead(self) -> NDArray[np.float64]: ...
    @property
    def theta(self) -> NDArray[np.float64]: ...
    @property
    def onset(self) -> float: ...
    def within(self, depth: float) -> float: ...


class Passivated(Protocol):
    """What these figures need of a film whose vacancies are filled."""

    @property
    def lifetime(self) -> float: ...
    @property
    def counted(self) -> float: ...
    @property
    def ions(self) -> float: ...
    @property
    def ion_diffusion(self) -> float: ...


def _colours(names: Sequence[str]) -> dict[str, str]:
    return {name: style.CELLS[index % len(style.CELLS)] for index, name in enumerate(names)}


def depth_profile(films: Mapping[str, Dried], ax: Axes | None = None) -> Figure:
    """Additive per lead against the distance from the oxide (left), and how much of it is where (right).

    Into a given ``ax`` only the profile is drawn.
    """
    colours = _colours(list(films))
    with style.context():
        if ax is not None:
            made, axes = style.new_axes(ax)
            _profile(axes, films, colours)
            return made
        made = style.figure(style.PAGE, 2.7)
        left, right = made.subplots(1, 2, width_ratios=(1.15, 1.0))
        style.apart(made)
        _profile(left, films, colours)
        _places(right, films, colours)
        return made


def _profile(ax: Axes, films: Mapping[str, Dried], colours: Mapping[str, str]) -> None:
    end = _NM * max(film.film_thickness for film in films.values())
    drawn = {name: film for name, film in films.items() if film.per_lead.max() > 0.0}
    values, ends = [], []
    for name, film in drawn.items():
        share = 100.0 * film.per_lead
        edges = film.depth_edges * _NM
        values += [float(share.max()), float(share[share > 0.0].min()), 100.0 * film.dose]
        ends.append(float(share[-1]))
        ax.stairs(
            np.where(share > 0.0, share, np.nan), edges, baseline=None, color=colours[name], linewidth=1.4
        )
        ax.axhline(100.0 * film.dose, color=colours[name], linewidth=0.8, linestyle=(0, (1, 2)))
    entries = [(f"{name}: none", colours[name]) for name in films if name not in drawn]
    if drawn:
        low, high = np.log10(0.5 * min(values)), np.log10(3.0 * max(values))
        ax.set_yscale("log")
        ax.set_ylim(10.0**low, 10.0**high)
        places = style.spread([float(np.log10(value)) for value in ends], 0.07 * (high - low), low, high)
        for name, place in zip(drawn, places, strict=True):
            ax.annotate(name, (1.0, 10.0**place), xycoords=("axes fraction", "data"), xytext=(3, 0),
                        textcoords="offset points", va="center", fontsize=7.5, color=colours[name])  # fmt: skip
        entries.append(("dotted: as dosed", style.MUTED))
    style.text_key(ax, entries, 0.45, 0.97)
    ax.set_xlim(0.0, end)
    ax.set_xlabel("Distance from the oxide (nm)")
    ax.set_ylabel("Additive in the solid (mol% of Pb)")


_PLACES = (
    "sites on the oxide",
    "adsorbed on them",
    "residue on the oxide",
    f"boundaries, first {_NEAR * _NM:.0f} nm",
    "boundaries above",
)


def _places(ax: Axes, films: Mapping[str, Dried], colours: Mapping[str, str]) -> None:
    """Molecules per area, one row a place and one mark a film; amounts span decades."""
    rows = np.arange(len(_PLACES))[::-1]
    seen: list[float] = []
    shown = {name: film for name, film in films.items() if film.dose > 0.0}
    for number, (name, film) in enumerate(shown.items()):
        near = film.within(_NEAR) - film.interface
        amounts = (
            np.array([film.sites, film.adsorbed, film.residue, near, film.dosed - film.within(_NEAR)])
            * _PER_NM2
        )
        at = rows - 0.22 * (number - 0.5 * (len(shown) - 1))
        drawn = amounts > 0.0
        seen += list(amounts[drawn])
        face = [colours[name] if place else "white" for place in range(len(rows))]
        ax.scatter(amounts[drawn], at[drawn], s=26, edgecolors=colours[name], linewidths=1.0, zorder=3,
                   facecolors=[one for one, keep in zip(face, drawn, strict=True) if keep])  # fmt: skip
        for amount, height, keep in zip(amounts, at, drawn, strict=True):
            if keep:
                ax.annotate(f"{amount:.2g}", (amount, height), xytext=(6, 0), textcoords="offset points",
                            va="center", fontsize=6.5, color=colours[name])  # fmt: skip
    ax.set_yticks(rows, _PLACES)
    ax.tick_params(axis="y", length=0)
    for row in rows:
        ax.axhline(row, color=style.MUTED, linewidth=0.4, alpha=0.35, zorder=0)
    if seen:
        ax.set_xscale("log")
        ax.set_xlim(0.5 * min(seen), 5.0 * max(seen))
    ax.set_ylim(-0.6, len(rows) - 0.4)
    ax.set_xlabel("Molecules or sites (nm$^{−2}$)")


def drying_history(film: Dried, ax: Axes | None = None) -> Figure:
    """The wet film while it dries: thickness, concentrations and sites taken; evaporation left, growth of solid right.

    Into a given ``ax`` only the thicknesses are drawn, both stages on one axis.
    """
    with style.context():
        if ax is not None:
            made, axes = style.new_axes(ax)
            _thickness(axes, film, film.time, label=True)
            axes.set_xlabel("Time (s)")
            axes.set_ylabel("Thickness (µm)")
            return made
        made = style.figure(style.PAGE, 4.2)
        panels = made.subplots(
            3, 2, sharex="col", sharey="row", width_ratios=(1.0, 1.0), height_ratios=(1.1, 1.3, 1.0)
        )
        style.apart(made)
        growing = film.time - film.onset
        for column, (time, keep, words) in enumerate(
            (
                (film.time, growing <= 0.0, "Time (s)"),
                (1e3 * growing, growing >= 0.0, "Time after the first solid (ms)"),
            )
        ):
            upper, middle, lower = panels[:, column]
            _thickness(upper, film, time, label=column == 0)
            middle.plot(time, film.lead * _MOLAR, color=style.MUTED)
            middle.plot(time, np.where(film.oxide > 0.0, film.oxide * _MOLAR, np.nan), color=style.CELLS[0])
            lower.plot(time, film.theta, color=style.CELLS[2])
            lower.set_xlabel(words)
            lower.set_xlim(float(time[keep].min()), float(time[keep].max()))
        panels[0, 0].set_title("Solvent evaporates")
        panels[0, 1].set_title("Solid grows from the surface down")
        panels[0, 0].set_ylabel("Thickness (µm)")
        panels[1, 0].set_ylabel("In the liquid (mol L$^{−1}$)")
        panels[2, 0].set_ylabel("Sites taken $\\theta$")
        panels[1, 0].set_yscale("log")
        panels[2, 0].set_ylim(0.0, 1.05)
        style.text_key(
            panels[1, 0], [("lead", style.MUTED), ("additive, next to the oxide", style.CELLS[0])], 0.05, 0.72
        )
        return made


def _thickness(ax: Axes, film: Dried, time: NDArray[np.float64], label: bool) -> None:
    """Liquid on the oxide below, solid on the liquid above."""
    liquid, all_of_it = film.liquid * _UM, (film.liquid + film.solid) * _UM
    ax.fill_between(time, 0.0, liquid, color=_LIQUID, linewidth=0)
    ax.fill_between(time, liquid, all_of_it, color=_SOLID, alpha=0.85, linewidth=0)
    ax.plot(time, all_of_it, color=style.INK, linewidth=1.0)
    ax.set_xlim(float(time[0]), float(time[-1]))
    ax.set_ylim(0.0, 1.1 * float(all_of_it.max()))
    if label:
        ax.text(0.06, 0.12, "liquid", transform=ax.transAxes, color=style.INK, fontsize=7.5)
    else:
        ax.text(0.94, 0.42, "solid", transform=ax.transAxes, color=_SOLID, fontsize=7.5, ha="right")


def dose_series(doses: Sequence[float], films: Sequence[Passivated], ax: Axes | None = None) -> Figure:
    """What a dose changes in the film, relative to the first film of the series (no additive, as a rule)."""
    percent = 100.0 * np.asarray(doses, dtype=float)
    first = films[0]
    curves = (
        ("carrier lifetime", style.CELLS[2], [film.lifetime / first.lifetime for film in films]),
        ("counted traps", style.CELLS[1], [film.counted / first.counted for film in films]),
        ("mobile ions", style.CELLS[3], [film.ions / first.ions for film in films]),
        ("their diffusion", style.CELLS[0], [film.ion_diffusion / first.ion_diffusion for film in films]),
    )
    with style.context():
        made, axes = style.new_axes(ax, height=2.7)
        axes.axhline(1.0, color=style.MUTED, linewidth=0.5, zorder=0)
        for _, colour, values in curves:
            axes.plot(percent, values, color=colour)
            axes.plot(percent, values, "o", color=colour, markersize=2.5)
        ends = [values[-1] for _, _, values in curves]
        low, high = min(0.0, *ends), 1.1 * max(1.0, *(max(values) for _, _, values in curves))
        axes.set_ylim(low, high)
        axes.set_xlim(left=min(0.0, float(percent.min())))
        places = style.spread(ends, 0.075 * (high - low), low, high)
        for (words, colour, _), place in zip(curves, places, strict=True):
            axes.annotate(words, (1.0, place), xycoords=("axes fraction", "data"), xytext=(4, 0),
                          textcoords="offset points", va="center", fontsize=7.5, color=colour)  # fmt: skip
        axes.set_xlabel("Dose (mol% of Pb)")
        axes.set_ylabel("Relative to no additive")
        return made
