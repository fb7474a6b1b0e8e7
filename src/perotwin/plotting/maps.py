"""Figures of microscopes: heights and images of a film, with the distributions of heights and of grains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from perotwin.plotting import style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Image", "grains", "heights"]

F64 = NDArray[np.float64]

_NM, _UM = 1e9, 1e6
#: panels in a row, distribution among them where it fits
_BESIDE, _IN_A_ROW = 3, 4


class Image(NamedTuple):
    """An image (N, M) with the labels of its grains, where pinholes are, its pixel along y and x, the unit of that
    ("m" or "px"), areas of grains with their weights, the error of their mean diameter, and whether the smoothing
    decides what a grain is.
    """

    image: F64
    labels: NDArray[np.int64]
    holes: NDArray[np.bool_]
    pixel: tuple[float, float]
    unit: str
    areas: F64
    weights: F64
    error: float = float("nan")
    doubtful: bool = False


def heights(items: Sequence[xr.Dataset], flat: Sequence[F64], ax: Axes | None = None) -> Figure:
    """Levelled maps side by side on one colour scale, and how often each height occurs.

    Args:
        items: measurements with x and y in m, or without. flat: of each the heights (N, M), m.
        ax: takes the distributions alone.
    """
    colours = style.colour_of_cells(items)
    shown = [one * _NM for one in flat]
    with style.context():
        if ax is not None:
            made, axes = style.new_axes(ax)
            _height_distributions(axes, items, shown, colours)
            return made
        made, panels, below = _grid(len(items))
        reach = max(float(np.nanquantile(np.abs(one - np.nanmedian(one)), 0.995)) for one in shown) or 1.0
        factor, unit = (1.0, "nm") if reach < 1500.0 else (1e-3, "µm")
        image = None
        for panel, item, one in zip(panels, items, shown, strict=True):
            extent = _extent(item, one.shape)
            image = panel.imshow(
                factor * (one - np.nanmedian(one)), origin="lower", extent=extent, cmap="copper",
                vmin=-factor * reach, vmax=factor * reach, interpolation="nearest",
            )  # fmt: skip
            _frame(panel, item, colours)
            rough = factor * float(np.sqrt(np.nanmean((one - np.nanmean(one)) ** 2)))
            panel.set_xlabel(f"$S_\\mathrm{{q}}$ = {rough:.3g} {unit} after a plane", fontsize=7.5)
            _scale_bar(panel, extent, "m" if "x" in item.coords else "px")
        assert image is not None
        bar = made.colorbar(image, ax=list(panels), shrink=0.82, aspect=18, pad=0.02, extend="both")
        bar.set_label(f"Height ({unit})")
        bar.outline.set_visible(False)
        _height_distributions(below, items, shown, colours)
        style.apart(made)
        return made


def grains(items: Sequence[xr.Dataset], shown: Sequence[Image], ax: Axes | None = None) -> Figure:
    """Images with the edges of their grains and their pinholes, and how often each diameter occurs.

    Args:
        items: measurements. shown: what each of them shows. ax: takes the distributions alone.
    """
    colours = style.colour_of_cells(items)
    with style.context():
        if ax is not None:
            made, axes = style.new_axes(ax)
            _diameters(axes, items, shown, colours)
            return made
        made, panels, below = _grid(len(items))
        for panel, item, one in zip(panels, items, shown, strict=True):
            rows, columns = one.image.shape
            factor = _NM if one.unit == "m" else 1.0
            extent = (0.0, columns * one.pixel[1] * factor, rows * one.pixel[0] * factor, 0.0)
            low, high = np.quantile(one.image, [0.005, 0.995])
            panel.imshow(
                one.image, extent=extent, cmap="gray", vmin=low, vmax=high if high > low else low + 1.0,
                interpolation="antialiased",
            )  # fmt: skip
            _overlay(panel, _edges(one.labels), extent, "#F5C243")
            if one.holes.any():
                _overlay(panel, one.holes, extent, "#E4572E")
            _frame(panel, item, colours)
            words = f"{one.areas.size} grains inside" + (", as smoothed" if one.doubtful else "")
            panel.set_xlabel(words + ("" if not one.holes.any() else ", pinholes red"), fontsize=7.5)
            _scale_bar(panel, (extent[0], extent[1], extent[3], extent[2]), one.unit, down=True)
        _diameters(below, items, shown, colours)
        style.apart(made)
        return made


# --- parts -----------------------------------------------------------------------------------------------------------


def _grid(count: int) -> tuple[Figure, list[Axes], Axes]:
    """A figure with axes for so many maps and for one distribution."""
    if count <= _BESIDE:
        made = style.figure(style.PAGE, {1: 2.7, 2: 2.3}.get(count, 2.0))
        grid = made.add_gridspec(1, count + 1, width_ratios=[1.0] * count + [1.0 if count == 1 else 1.1])
        return (
            made,
            [made.add_subplot(grid[0, column]) for column in range(count)],
            made.add_subplot(grid[0, count]),
        )
    rows = -(-count // _IN_A_ROW)
    across = -(-count // rows)
    tall = 0.8 * style.PAGE / across + 0.35
    made = style.figure(style.PAGE, tall * rows + 1.9)
    grid = made.add_gridspec(rows + 1, across, height_ratios=[tall] * rows + [1.9])
    maps = [made.add_subplot(grid[number // across, number % across]) for number in range(count)]
    return made, maps, made.add_subplot(grid[rows, :])


def _extent(item: xr.Dataset, shape: tuple[int, ...]) -> tuple[float, float, float, float]:
    """Left, right, bottom and top in nm, or in pixels of a map without a scale."""
    if "x" not in item.coords or "y" not in item.coords:
        return 0.0, float(shape[1]), 0.0, float(shape[0])
    sides = []
    for name, count in (("x", shape[1]), ("y", shape[0])):
        place = np.asarray(item[name], float) * _NM
        sides.append(abs(float(place[-1] - place[0])) * count / max(count - 1, 1))
    return 0.0, sides[0], 0.0, sides[1]


def _frame(panel: Axes, item: xr.Dataset, colours: dict[str, str]) -> None:
    panel.set_xticks([])
    panel.set_yticks([])
    for edge in panel.spines.values():
        edge.set_visible(False)
    name = str(item.attrs.get("stack", ""))
    panel.set_title(name or "measured", color=colours[name])


def _scale_bar(panel: Axes, extent: tuple[float, float, float, float], unit: str, down: bool = False) -> None:
    """A bar of a round length, about a quarter of the map; `down` where the axis of y runs down."""
    from matplotlib.patheffects import withStroke

    left, right, bottom, top = extent
    wanted = (right - left) / 4.0
    power = 10.0 ** np.floor(np.log10(wanted))
    length = power * max(step for step in (1.0, 2.0, 5.0) if step * power <= wanted)
    words = (
        f"{length:g} px" if unit == "px" else f"{length:g} nm" if length < 1000 else f"{length / 1000:g} µm"
    )
    x, tall = left + 0.06 * (right - left), top - bottom
    y = top - 0.07 * tall if down else bottom + 0.07 * tall
    above = y - 0.03 * tall if down else y + 0.03 * tall
    outline = [withStroke(linewidth=4.0, foreground="#000000AA")]
    panel.plot(
        [x, x + length], [y, y], color="white", linewidth=2.2, solid_capstyle="butt", path_effects=outline
    )
    panel.text(
        x + 0.5 * length, above, words, color="white", ha="center", va="bottom", fontsize=7,
        path_effects=[withStroke(linewidth=2.2, foreground="#000000AA")],
    )  # fmt: skip


def _edges(labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Pixels whose right or lower neighbour is of another grain."""
    edge = np.zeros(labels.shape, bool)
    edge[:, :-1] |= labels[:, 1:] != labels[:, :-1]
    edge[:-1] |= labels[1:] != labels[:-1]
    return edge


def _overlay(
    panel: Axes, where: NDArray[np.bool_], extent: tuple[float, float, float, float], colour: str
) -> None:
    from matplotlib.colors import to_rgb

    layer = np.zeros((*where.shape, 4))
    layer[where, :3] = to_rgb(colour)
    layer[where, 3] = 0.85
    panel.imshow(layer, extent=extent, interpolation="antialiased", interpolation_stage="rgba")


def _height_distributions(
    ax: Axes, items: Sequence[xr.Dataset], shown: Sequence[F64], colours: dict[str, str]
) -> None:
    """Densities of the heights about their mean; nm."""
    entries, reach, highest = [], 0.0, 0.0
    for item, one in zip(items, shown, strict=True):
        values = one[np.isfinite(one)] - float(np.nanmean(one))
        colour = colours[str(item.attrs.get("stack", ""))]
        ends = float(np.quantile(np.abs(values), 0.999)) or 1.0
        density, edges = np.histogram(values, bins=80, range=(-ends, ends), density=True)
        ax.stairs(100.0 * density, edges, color=colour, fill=True, alpha=0.2)
        ax.stairs(100.0 * density, edges, color=colour, linewidth=1.0)
        entries.append((str(item.attrs.get("stack", "")) or "measured", colour))
        reach, highest = max(reach, ends), max(highest, 100.0 * float(density.max()))
    ax.set_xlim(-1.05 * reach, 1.05 * reach)
    ax.set_ylim(0.0, (1.08 + 0.08 * len(entries)) * highest)
    ax.set_xlabel("Height about the mean (nm)")
    ax.set_ylabel("Share of the map (% nm$^{−1}$)")
    if len(entries) > 1:
        style.text_key(ax, entries, 0.03, 0.99)


def _diameters(
    ax: Axes, items: Sequence[xr.Dataset], shown: Sequence[Image], colours: dict[str, str]
) -> None:
    """Densities of the diameters of circles of the grains' areas, each grain weighted for the border."""
    entries, highest, furthest = [], 0.0, 0.0
    unit = "px" if any(one.unit == "px" for one in shown) else "nm"
    for item, one in zip(items, shown, strict=True):
        colour = colours[str(item.attrs.get("stack", ""))]
        name = str(item.attrs.get("stack", "")) or "measured"
        if one.areas.size == 0:
            entries.append((f"{name}: none inside", colour))
            continue
        factor = _NM if unit == "nm" else 1.0 / one.pixel[1] if one.unit == "m" else 1.0
        diameter = np.sqrt(4.0 * one.areas / np.pi) * factor
        bins = int(np.clip(np.sqrt(diameter.size), 5, 30))
        density, edges = np.histogram(diameter, bins=bins, weights=one.weights, density=True)
        ax.stairs(100.0 * density, edges, color=colour, fill=True, alpha=0.2)
        ax.stairs(100.0 * density, edges, color=colour, linewidth=1.0)
        mean = float(np.sqrt(4.0 * np.average(one.areas, weights=one.weights) / np.pi)) * factor
        ax.plot(
            [mean], [0.0], marker="^", markersize=5, color=colour, clip_on=False, zorder=5, linestyle="none"
        )
        spread = "" if not np.isfinite(one.error) else f" ± {one.error * factor:.2g}"
        entries.append((f"{name}: {mean:.3g}{spread} {unit}", colour))
        if one.doubtful:
            entries.append(("no plateau: the smoothing decides", colour))
        highest, furthest = max(highest, 100.0 * float(density.max())), max(furthest, float(edges[-1]))
    ax.set_xlim(0.0, 1.05 * (furthest or 1.0))
    ax.set_ylim(0.0, (1.1 + 0.09 * len(entries)) * (highest or 1.0))
    ax.set_xlabel(f"Equivalent diameter ({unit})")
    ax.set_ylabel(f"Grains (% {unit}$^{{−1}}$)")
    style.text_key(ax, entries, 0.97, 0.99, ha="right")
