"""Optical constants against wavelength, with the points of the source that they were fitted to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.plotting import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Constants", "nk"]

_NM = 1e9
#: the smallest k that a figure shows, and from which ratio on its axis is logarithmic
_FAINT, _DECADES = 1e-9, 300.0
#: of its curves, the part that is that small on a logarithmic axis at least
_SHARE = 0.05


@dataclass(frozen=True)
class Constants:
    """A material's optical constants for a figure.

    Attributes
    ----------
    name : of the material. wavelength : (W,) ascending, m. index : (W,), n + i k.
    fitted : (shortest, longest) wavelength of the source, m; beyond it the curve is dashed. None: all of it is.
    points : wavelength (P,), m, and index (P,) of the source's rows; None where they are not at hand.
    """

    name: str
    wavelength: NDArray[np.float64]
    index: NDArray[np.complex128]
    fitted: tuple[float, float] | None = None
    points: tuple[NDArray[np.float64], NDArray[np.complex128]] | None = None


def nk(materials: Constants | Sequence[Constants]) -> Figure:
    """n above k against wavelength: a line for each material, circles for the rows of its source.

    k stands on a logarithmic axis where it falls over decades. Where a model goes on beyond its source, and where
    there is no table behind it, the line is dashed.
    """
    items = [materials] if isinstance(materials, Constants) else list(materials)
    with style.context():
        made = style.figure(style.PAGE * 0.62, 3.6)
        above, below = made.subplots(2, 1, sharex=True)
        for one, colour in zip(items, _colours(len(items)), strict=True):
            _draw(above, one, one.index.real, colour, None if one.points is None else one.points[1].real)
            _draw(below, one, one.index.imag, colour, None if one.points is None else one.points[1].imag)
        _scale_k(below, items)
        above.set_ylabel("Refractive index $n$")
        below.set_ylabel("Extinction coefficient $k$")
        below.set_xlabel(style.axis_label("wavelength"))
        start = min(float(one.wavelength[0]) for one in items)
        end = max(float(one.wavelength[-1]) for one in items)
        below.set_xlim(start * _NM, end * _NM)
        _key(above, items)
        return made


def _colours(count: int) -> list[str]:
    """Those of the palette; of more curves than it has, a scale from dark to bright."""
    if count <= len(style.CELLS):
        return list(style.CELLS[:count])
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return [to_hex(colormaps["viridis"](0.9 * index / (count - 1))) for index in range(count)]


def _draw(
    ax: Axes, one: Constants, values: NDArray[np.float64], colour: str, points: NDArray[np.float64] | None
) -> None:
    wavelength = one.wavelength * _NM
    known = np.zeros(wavelength.size, bool)
    if one.fitted is not None:
        known = (one.wavelength >= one.fitted[0] * (1 - 1e-9)) & (
            one.wavelength <= one.fitted[1] * (1 + 1e-9)
        )
    if not known.all():
        ax.plot(wavelength, values, color=colour, linewidth=1.1, linestyle=(0, (3, 1.6)))
    ax.plot(wavelength, np.where(known, values, np.nan), color=colour)
    if points is not None and one.points is not None:
        ax.plot(
            one.points[0] * _NM, points, "o", markersize=2.6, markerfacecolor="white", markeredgecolor=style.MUTED,
            markeredgewidth=0.6, zorder=1,
        )  # fmt: skip


def _scale_k(ax: Axes, items: Sequence[Constants]) -> None:
    """A logarithmic axis where some k falls over decades, and room at its lower end no deeper than is of use."""
    seen = np.concatenate([one.index.imag for one in items])
    positive = seen[seen > _FAINT]
    # a film that is clear beyond its gap falls to zero within a few nm, and says more on an even axis
    if np.mean((seen > _FAINT) & (seen < seen.max() / _DECADES)) > _SHARE:
        ax.set_yscale("log")
        ax.set_ylim(max(_FAINT, float(positive.min()) / 2), float(positive.max()) * 3)
    else:
        ax.set_ylim(bottom=0.0, top=1.08 * float(seen.max()) or 1e-3)


def _key(ax: Axes, items: Sequence[Constants]) -> None:
    """Names above the panels, where no curve is, with what line and circles stand for."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=colour, label=one.name)
        for one, colour in zip(items, _colours(len(items)), strict=True)
    ]
    if any(one.points is not None for one in items):
        handles.append(
            Line2D([], [], marker="o", linestyle="", markersize=2.6, markerfacecolor="white",
                   markeredgecolor=style.MUTED, markeredgewidth=0.6, label="source")
        )  # fmt: skip
    if any(one.fitted is None or one.wavelength[-1] > one.fitted[1] * (1 + 1e-6) for one in items):
        handles.append(
            Line2D([], [], color=style.MUTED, linewidth=1.1, linestyle=(0, (3, 1.6)), label="beyond a source")
        )
    ax.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=4, borderaxespad=0.2,
        columnspacing=1.2, handlelength=1.8,
    )  # fmt: skip
