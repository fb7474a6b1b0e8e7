"""Figures of the monolayer: the map of the surface, the holes in it, and what a solvent does to it in time.

What is drawn is a patch as `perotwin.recipe.coverage` makes it, or anything with the same attributes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from perotwin.plotting import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["ADDITIVE", "BARE", "SAM", "holes", "maps", "solvent"]

#: told apart by people who do not see red and green apart, and in print without colour: dark, medium, light
SAM, ADDITIVE, BARE = "#1F5F99", "#F08A24", "#F7F1E6"
#: the area around a disc that belongs to it, where discs are drawn
_SAM_AROUND, _ADDITIVE_AROUND = "#8FB4D6", "#FAD0A0"
_OUTLINE = "#9A9182"
_NM = 1e9


class _Surface(Protocol):
    """What a patch shows, as far as it is drawn."""

    @property
    def map(self) -> NDArray[np.int8]: ...
    @property
    def coverage(self) -> float: ...
    @property
    def compensated(self) -> float: ...
    @property
    def bare_fraction(self) -> float: ...
    @property
    def hole_diameters(self) -> NDArray[np.float64]: ...


class _Patch(Protocol):
    """A patch of surface, as far as it is drawn."""

    @property
    def side(self) -> float: ...
    @property
    def positions(self) -> NDArray[np.float64]: ...
    @property
    def kind(self) -> NDArray[np.int8]: ...
    @property
    def diameters(self) -> tuple[float, float]: ...

    @property
    def surface(self) -> Any: ...


class _History(Protocol):
    """A patch against its time in a solvent, as far as it is drawn; times in s, lengths in m."""

    @property
    def times(self) -> NDArray[np.float64]: ...
    @property
    def coverage(self) -> NDArray[np.float64]: ...
    @property
    def bare_fraction(self) -> NDArray[np.float64]: ...
    @property
    def patch_size(self) -> NDArray[np.float64]: ...


def maps(
    samples: Mapping[str, _Patch],
    ax: Axes | None = None,
    *,
    names: tuple[str, str] = ("SAM", "additive"),
    zoom: float = 40e-9,
    corner: tuple[float, float] | None = None,
) -> Figure:
    """The surface of each sample: all of it, a window in which single molecules are seen, and the shares of the area.

    Into a given ``ax`` only the whole of the first sample is drawn.

    Parameters
    ----------
    samples : title -> patch, drawn side by side.
    names : what the molecules of the monolayer and of the additive are called.
    zoom : side of the window, m.
    corner : lower left corner of the window, m; unless given it is where the shares in the window are nearest to those
        of the whole, over all samples.
    """
    patches = list(samples.values())
    with style.context():
        if ax is not None:
            made, axes = style.new_axes(ax)
            _overview(axes, patches[0])
            return made
        side = min(float(patch.side) for patch in patches)
        zoom = min(zoom, 0.5 * side)
        single = len(patches) == 1
        where = _typical(patches, zoom, single) if corner is None else corner
        gap, edge, title, between, key = 0.16, 0.06, 0.22, 0.17, 0.56  # inches
        width = min((style.PAGE - 2 * edge - gap * (len(patches) - 1)) / len(patches), 3.0)
        total = 2 * edge + (
            2 * width + between if single else width * len(patches) + gap * (len(patches) - 1)
        )
        height = title + key + (width if single else 2 * width + between)
        made = style.figure(total, height)
        made.set_layout_engine("none")

        def place(left: float, bottom: float, tall: float) -> Axes:
            """Axes of one width, in inches from the lower left."""
            return made.add_axes((left / total, bottom / height, width / total, tall / height))

        for index, (name, patch) in enumerate(samples.items()):
            left = edge + index * (width + gap)
            whole = place(left, height - title - width, width)
            window = place(left + width + between, key, width) if single else place(left, key, width)
            _overview(whole, patch, "lower left" if single else "upper left")
            whole.set_title(name, pad=4)
            _molecules(window, patch, where, zoom)
            _tie(whole, window, where, zoom, single)
            _key(place(left, 0.0, key), patch, names)
        return made


def _typical(patches: list[_Patch], zoom: float, beside: bool) -> tuple[float, float]:
    """Lower left corner (m) of a window that shows what the whole shows, in the half next to the window's panel."""
    from scipy.ndimage import uniform_filter

    pixels, side = patches[0].surface.map.shape[0], patches[0].side
    size = max(round(zoom / side * pixels), 1)
    misfit = np.zeros((pixels, pixels))
    for patch in patches:
        if patch.surface.map.shape[0] != pixels:
            continue
        for value in (0, 1, 2):
            here = (patch.surface.map == value).astype(float)
            misfit += (uniform_filter(here, size) - here.mean()) ** 2
    half = size // 2 + 1
    low, high = half, pixels - half
    top, left = (high, min(6 * pixels // 10, high - 1)) if beside else (max(4 * pixels // 10, low + 1), low)
    inner = misfit[low:top, left:high]
    row, column = np.unravel_index(int(np.argmin(inner)), inner.shape)
    pitch = side / pixels
    return float((column + left) * pitch - 0.5 * zoom), float((row + low) * pitch - 0.5 * zoom)


def _frame(ax: Axes) -> None:
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_visible(True)
        spine.set_linewidth(0.7)


def _overview(ax: Axes, patch: _Patch, bar: str = "lower left") -> None:
    """Every point of the patch in the colour of what it shows."""
    from matplotlib.colors import to_rgb

    colours = np.array([to_rgb(colour) for colour in (BARE, SAM, ADDITIVE)])
    side = patch.side * _NM
    # Colours, not numbers, are averaged where a pixel of the figure holds several points of the map.
    ax.imshow(
        colours[patch.surface.map],
        origin="lower",
        extent=(0, side, 0, side),
        interpolation="antialiased",
        interpolation_stage="rgba",
        rasterized=True,
    )
    _frame(ax)
    _scale_bar(ax, side, bar)


def _molecules(ax: Axes, patch: _Patch, where: tuple[float, float], zoom: float) -> None:
    """The molecules of a window as discs of their size, on the area that belongs to them."""
    from matplotlib.collections import EllipseCollection
    from matplotlib.colors import ListedColormap

    x0, y0 = where[0] * _NM, where[1] * _NM
    size, side = zoom * _NM, patch.side * _NM
    shown = patch.surface.map
    ax.imshow(
        np.tile(shown, (2, 2)),
        origin="lower",
        extent=(0, 2 * side, 0, 2 * side),
        cmap=ListedColormap([BARE, _SAM_AROUND, _ADDITIVE_AROUND]),
        vmin=0,
        vmax=2,
        interpolation="nearest",
    )
    for kind, colour in ((0, SAM), (1, ADDITIVE)):
        diameter = patch.diameters[kind] * _NM
        if not np.any(patch.kind == kind):
            continue
        places = patch.positions[patch.kind == kind] * _NM
        places = np.concatenate([places + np.array([i, j]) * side for i in (-1, 0, 1) for j in (-1, 0, 1)])
        near = np.all(
            (places > np.array([x0, y0]) - diameter) & (places < np.array([x0, y0]) + size + diameter), axis=1
        )
        ax.add_collection(
            EllipseCollection(
                np.full(near.sum(), diameter),
                np.full(near.sum(), diameter),
                np.zeros(near.sum()),
                units="xy",
                offsets=places[near],
                offset_transform=ax.transData,
                facecolors=colour,
                edgecolors="white",
                linewidths=0.25,
            )
        )
    ax.set_xlim(x0, x0 + size)
    ax.set_ylim(y0, y0 + size)
    _frame(ax)
    _scale_bar(ax, size)


def _scale_bar(ax: Axes, side: float, where: str = "lower left") -> None:
    """A bar of a round length (nm) on a plate in a corner of axes that show `side` nm."""
    from matplotlib.font_manager import FontProperties
    from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar

    length = max(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500) if step <= max(0.3 * side, 1))
    bar = AnchoredSizeBar(
        ax.transData, length, f"{length} nm", where, pad=0.35, borderpad=0.45, sep=2.5, color=style.INK,
        size_vertical=0.007 * side, label_top=True, fill_bar=True, fontproperties=FontProperties(size=6.5),
    )  # fmt: skip
    bar.patch.set(alpha=0.9, linewidth=0)
    bar.set_zorder(6)
    ax.add_artist(bar)


def _tie(whole: Axes, window: Axes, where: tuple[float, float], zoom: float, beside: bool) -> None:
    """Show where in the whole the window is."""
    from matplotlib.patches import ConnectionPatch, Rectangle

    x, y, size = where[0] * _NM, where[1] * _NM, zoom * _NM
    for colour, width in (("white", 2.2), (style.INK, 0.9)):
        whole.add_patch(
            Rectangle((x, y), size, size, fill=False, edgecolor=colour, linewidth=width, zorder=4)
        )
        pairs = (
            (((x + size, y), (0.0, 0.0)), ((x + size, y + size), (0.0, 1.0)))
            if beside
            else (((x, y), (0.0, 1.0)), ((x + size, y), (1.0, 1.0)))
        )
        for start, end in pairs:
            line = ConnectionPatch(
                start, end, coordsA="data", coordsB="axes fraction", axesA=whole, axesB=window,
                color=colour, linewidth=0.75 * width, zorder=4,
            )  # fmt: skip
            whole.figure.add_artist(line)


def _key(ax: Axes, patch: _Patch, names: tuple[str, str]) -> None:
    """Names, colours and shares of the area, below a column."""
    from matplotlib.patches import Rectangle

    ax.set_axis_off()
    made, _ = style.new_axes(ax)
    width, height = made.get_size_inches() * np.array(ax.get_position().size)
    ax.set_xlim(0, width)
    ax.set_ylim(0, height)
    surface = patch.surface
    rows = (
        (names[0], SAM, surface.coverage),
        (names[1], ADDITIVE, surface.compensated),
        ("bare oxide", BARE, surface.bare_fraction),
    )
    for (name, colour, share), row in zip(rows, (0.41, 0.25, 0.09), strict=True):
        ax.add_patch(
            Rectangle(
                (0.005, row - 0.05), 0.1, 0.1, facecolor=colour,
                edgecolor=_OUTLINE if colour == BARE else "none", linewidth=0.5, clip_on=False,
            )
        )  # fmt: skip
        ax.text(0.16, row, name, va="center_baseline", fontsize=7.5)
        ax.text(1.36, row, _percent(share), va="center_baseline", ha="right", fontsize=7.5)


def _percent(share: float) -> str:
    return "none" if share == 0.0 else f"{100 * share:.1f} %"


def holes(
    samples: Mapping[str, _Patch], ax: Axes | None = None, *, sizes: Mapping[str, float] | None = None
) -> Figure:
    """How many holes there are of which size: number per area against the diameter of the largest circle that fits.

    Parameters
    ----------
    samples : name -> patch.
    sizes : name -> diameter (m) of molecules, marked on the axis.
    """
    with style.context():
        made, axes = style.new_axes(ax)
        marks = {} if sizes is None else {name: value * _NM for name, value in sizes.items()}
        found = {name: patch.surface.hole_diameters * _NM for name, patch in samples.items()}
        widest = max([2.2, *(float(np.max(values, initial=0.0)) for values in found.values())])
        edges = np.geomspace(0.5, 1.05 * widest, 36)
        entries = []
        for (name, values), patch, colour in zip(
            found.items(), samples.values(), style.CELLS * 9, strict=False
        ):
            density = np.histogram(values, edges)[0] / (patch.side * _NM) ** 2 * 1e4
            axes.stairs(
                np.where(density > 0, density, np.nan), edges, color=colour, linewidth=1.4, baseline=None
            )
            entries.append((name, colour))
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(edges[0], edges[-1])
        from matplotlib.ticker import FixedLocator, NullFormatter, ScalarFormatter

        axes.xaxis.set_major_locator(FixedLocator([t for t in (0.5, 1, 2, 5, 10, 20, 50) if t <= edges[-1]]))
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.xaxis.set_minor_formatter(NullFormatter())
        for name, diameter in marks.items():
            axes.axvline(diameter, color=style.MUTED, linewidth=0.6, linestyle=(0, (3, 2)), zorder=0.5)
            axes.annotate(
                f" {name}",
                (diameter, 1.0),
                xycoords=("data", "axes fraction"),
                ha="left",
                va="bottom",
                rotation=40,
                rotation_mode="anchor",
                fontsize=6.5,
                color=style.MUTED,
            )
        style.text_key(axes, entries, 0.98, 0.97, ha="right")
        axes.set_xlabel("Diameter of the hole (nm)")
        axes.set_ylabel("Holes per (100 nm)$^2$")
        return made


def solvent(histories: Mapping[str, _History], ax: Axes | None = None) -> Figure:
    """Bare share of the area (left) and correlation length of the bare area (right) against time in the solvent.

    Into a given ``ax`` only the share is drawn.
    """
    with style.context():
        if ax is not None:
            made, axes = style.new_axes(ax)
            panels = [axes]
        else:
            made = style.figure(style.PAGE, 2.4)
            panels = list(made.subplots(1, 2))
            style.apart(made)
        entries = []
        for (name, history), colour in zip(histories.items(), style.CELLS * 9, strict=False):
            panels[0].plot(history.times, 100 * history.bare_fraction, color=colour)
            if len(panels) > 1:
                panels[1].plot(history.times, history.patch_size * _NM, color=colour)
            entries.append((name, colour))
        for panel in panels:
            panel.set_xlabel("Time in the solvent (s)")
            panel.set_xlim(left=0)
            panel.set_ylim(bottom=0)
        panels[0].set_ylabel("Bare share of the surface (%)")
        if len(panels) > 1:
            panels[1].set_ylabel("Correlation length of bare area (nm)")
        style.text_key(panels[0], entries, 0.05, 0.97)
        return made
