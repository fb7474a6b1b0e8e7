"""Figures of the buried interface: maps of the surface potential, depth profiles, photoelectron spectra."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.plotting import style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["SPECIES", "kpfm", "tof_sims", "xps"]

F64 = NDArray[np.float64]

_MV, _NM, _PERCENT = 1e3, 1e9, 100.0
#: colour and words of what a depth profile shows
SPECIES = {
    "additive": ("#D55E00", "additive"),
    "sam": ("#0B62A4", "monolayer"),
    "perovskite": ("#7A4B3A", "perovskite"),
    "oxide": ("#4D4D4D", "oxide"),
}
#: components of C 1s
_COMPONENTS = ("#A9BCCB", "#D55E00")
#: maps stand beside their histogram up to this many, above it beyond
_BESIDE = 3
_IN_A_ROW = 4
#: height of a spectrum over that of the highest line; what lies above this energy (eV) is drawn larger as well
_ROW, _WEAK, _TIMES = 1.18, 287.3, 5


def _name(item: xr.Dataset) -> str:
    return str(item.attrs.get("stack", "")) or "measured"


# --- surface potential -----------------------------------------------------------------------------------------------


def kpfm(
    datasets: xr.Dataset | Sequence[xr.Dataset], histograms: Sequence[tuple[F64, F64]], ax: Axes | None = None
) -> Figure:
    """Maps of the surface potential side by side on one colour scale, and their histograms in one panel.

    Args:
        datasets: maps in V. histograms: (edges (B + 1,), V; density (B,), V^-1) of each.
        ax: takes the histograms alone.
    """
    items = style.as_list(datasets)
    colours = style.colour_of_cells(items)
    with style.context():
        if ax is not None:
            made, axes = style.new_axes(ax)
            _histograms(axes, items, histograms, colours)
            return made
        count = len(items)
        if count <= _BESIDE:
            made = style.figure(style.PAGE, {1: 2.6, 2: 2.35}.get(count, 2.1))
            grid = made.add_gridspec(1, count + 1, width_ratios=[1.0] * count + [1.25 if count > 1 else 1.0])
            maps = [made.add_subplot(grid[0, column]) for column in range(count)]
            below = made.add_subplot(grid[0, count])
        else:
            rows = -(-count // _IN_A_ROW)
            across = -(-count // rows)
            tall = 0.78 * style.PAGE / across + 0.35
            made = style.figure(style.PAGE, tall * rows + 1.9)
            grid = made.add_gridspec(rows + 1, across, height_ratios=[tall] * rows + [1.9])
            maps = [made.add_subplot(grid[number // across, number % across]) for number in range(count)]
            below = made.add_subplot(grid[rows, :])
        _maps(made, maps, items, colours)
        _histograms(below, items, histograms, colours, named=False)
        style.apart(made)
        return made


def _maps(made: Figure, panels: Sequence[Axes], items: Sequence[xr.Dataset], colours: dict[str, str]) -> None:
    from matplotlib.colors import Normalize

    values = [np.asarray(item["surface_potential"].transpose("y", "x"), float) * _MV for item in items]
    low = min(float(np.nanquantile(one, 0.002)) for one in values)
    high = max(float(np.nanquantile(one, 0.998)) for one in values)
    if not high - low > 1e-6:
        low, high = low - 1.0, high + 1.0
    scale = Normalize(low, high)
    image = None
    for panel, item, one in zip(panels, items, values, strict=True):
        x, y = (np.asarray(item[name], float) * _NM for name in ("x", "y"))
        half_x, half_y = (0.5 * (a[-1] - a[0]) / max(a.size - 1, 1) for a in (x, y))
        extent = (x[0] - half_x, x[-1] + half_x, y[0] - half_y, y[-1] + half_y)
        image = panel.imshow(
            one, origin="lower", extent=extent, cmap="viridis", norm=scale, interpolation="nearest"
        )
        panel.set_xticks([])
        panel.set_yticks([])
        for edge in panel.spines.values():
            edge.set_visible(False)
        panel.set_title(_name(item), color=colours[str(item.attrs.get("stack", ""))])
        spread = float(np.nanstd(one))
        panel.set_xlabel(f"{np.nanmean(one):.0f} ± {spread:.{1 if spread < 9.95 else 0}f} mV", fontsize=7.5)
        if panel is panels[0]:
            _scale_bar(panel, extent)
    if image is not None:
        bar = made.colorbar(image, ax=list(panels), shrink=0.82, aspect=18, pad=0.02)
        bar.set_label("Surface potential (mV)")
        bar.outline.set_visible(False)


def _scale_bar(ax: Axes, extent: tuple[float, float, float, float]) -> None:
    """A bar of a round length (nm), about a quarter of the map."""
    left, right, bottom, top = extent
    wanted = (right - left) / 4.0
    power = 10.0 ** np.floor(np.log10(wanted))
    length = power * max(step for step in (1.0, 2.0, 5.0) if step * power <= wanted)
    x, y = left + 0.06 * (right - left), bottom + 0.07 * (top - bottom)
    from matplotlib.patheffects import withStroke

    outline = [withStroke(linewidth=3.2, foreground="#00000066")]
    ax.plot(
        [x, x + length], [y, y], color="white", linewidth=2.2, solid_capstyle="butt", path_effects=outline
    )
    ax.text(
        x + 0.5 * length, y + 0.02 * (top - bottom), f"{length:g} nm", color="white", ha="center", va="bottom",
        fontsize=7, path_effects=[withStroke(linewidth=2, foreground="#00000066")],
    )  # fmt: skip


def _histograms(
    ax: Axes,
    items: Sequence[xr.Dataset],
    histograms: Sequence[tuple[F64, F64]],
    colours: dict[str, str],
    named: bool = True,
) -> None:
    """Densities of the pixels over the potential; a map of one value is a line."""
    ends: list[float] = []
    highest = 0.0
    for (edges, density), item in zip(histograms, items, strict=True):
        colour = colours[str(item.attrs.get("stack", ""))]
        if np.all(np.isfinite(density)):
            ax.stairs(_PERCENT * density / _MV, edges * _MV, color=colour, fill=True, alpha=0.22)
            ax.stairs(_PERCENT * density / _MV, edges * _MV, color=colour, linewidth=1.0)
            highest = max(highest, _PERCENT * float(density.max()) / _MV)
        else:
            ax.axvline(edges[0] * _MV, color=colour, linewidth=1.0)
        ends += [float(edges[0]) * _MV, float(edges[-1]) * _MV]
    span = max(max(ends) - min(ends), 1.0)
    ax.set_xlim(min(ends) - 0.06 * span, max(ends) + 0.06 * span)
    # room for the names above the curves
    entries = [(_name(item), colours[str(item.attrs.get("stack", ""))]) for item in items]
    room = 1.08 if not named else 1.0 / (1.0 - min(0.09 * len(entries) + 0.03, 0.6))
    ax.set_ylim(0.0, room * (highest or 1.0))
    ax.set_xlabel("Surface potential (mV)")
    ax.set_ylabel("Share of the map (% mV$^{−1}$)")
    if named:
        style.text_key(ax, entries, 0.03, 0.99)


# --- depth profiles --------------------------------------------------------------------------------------------------


def tof_sims(datasets: xr.Dataset | Sequence[xr.Dataset], ax: Axes | None = None) -> Figure:
    """Signals over their maxima against sputter depth on a logarithmic scale, one column a sample.

    Where the face of the film is known, what is near it stands below on a linear scale. Into a given `ax` goes the
    last sample alone.
    """
    items = style.as_list(datasets)
    with style.context():
        if ax is not None:
            made, axes = style.new_axes(ax)
            _key(axes, _profile(axes, items[-1]))
            return made
        faces = [_face(item) for item in items]
        near = any(face is not None for face in faces)
        made = style.figure(style.PAGE if len(items) > 1 else style.PAGE * 0.6, 4.2 if near else 2.4)
        panels = made.subplots(
            2 if near else 1,
            len(items),
            sharey="row",
            squeeze=False,
            height_ratios=(1.15, 1.0) if near else (1.0,),
        )
        known: dict[str, str] = {}
        for column, (item, face) in enumerate(zip(items, faces, strict=True)):
            known |= _profile(panels[0, column], item)
            if face is not None:
                _close_up(panels[1, column], item, face)
            elif near:
                panels[1, column].set_visible(False)
            for panel in panels[:, column] if column else ():
                panel.set_ylabel("")
        _key(panels[0, -1], known)
        style.apart(made)
        return made


def _along(item: xr.Dataset) -> tuple[F64, str, str]:
    """Depth in nm or time in s, its unit and the label of its axis."""
    if "sputter_time" in item["signal"].dims:
        return np.asarray(item["sputter_time"], float), "s", "Sputter time (s)"
    return np.asarray(item["sputter_depth"], float) * _NM, "nm", "Sputter depth (nm)"


def _face(item: xr.Dataset) -> float | None:
    """Where the buried interface is (nm, or s of a profile against time); the middle of oxide and perovskite where the
    film's thickness is unknown.
    """
    if "film_thickness" in item.attrs:
        return float(item.attrs["film_thickness"]) * _NM
    names = list(map(str, item["species"].values))
    if not {"oxide", "perovskite"} <= set(names):
        return None
    film = np.asarray(item["signal"].sel(species="perovskite"), float)
    ahead = np.asarray(item["signal"].sel(species="oxide"), float) - film
    # from the film's maximum on: at the surface both may be weak
    ahead[: int(np.argmax(film))] = -1.0
    return float(_along(item)[0][int(np.argmax(ahead >= 0.0))]) if np.any(ahead >= 0.0) else None


def _key(ax: Axes, known: Mapping[str, str]) -> None:
    """Beside a panel the names of the species of all panels (what they are called -> colour)."""
    for index, (words, colour) in enumerate(known.items()):
        ax.annotate(
            words, (1.03, 0.97 - 0.085 * index), xycoords="axes fraction", va="top", fontsize=7, color=colour,
            annotation_clip=False,
        )  # fmt: skip


def _profile(ax: Axes, item: xr.Dataset) -> dict[str, str]:
    """Draw the signals of a sample; what they are called -> their colour."""
    depth, _, label = _along(item)
    floor = float(item.attrs.get("dynamic_range", 1e-4))
    others = iter(style.CELLS * 9)
    missing = []
    drawn: dict[str, str] = {}
    fragments = {}
    if "fragment" in item.coords:
        fragments = dict(
            zip(map(str, item["species"].values), map(str, item["fragment"].values), strict=True)
        )
    for name in map(str, item["species"].values):
        colour, words = SPECIES[name] if name in SPECIES else (next(others), _charged(name.replace("_", "")))
        row = np.asarray(item["signal"].sel(species=name), float)
        if not float(row.max(initial=0.0)) > 0.0:
            missing.append(words)
            continue
        ax.semilogy(depth, np.where(row > 0.1 * floor, row, np.nan), color=colour, linewidth=1.3)
        if name in fragments and name in SPECIES:
            words = f"{words} ({_charged(fragments[name])})"
        drawn[words] = colour
    face = _face(item)
    if face is not None:
        ax.axvline(face, color=style.MUTED, linewidth=0.7, linestyle=(0, (2, 2)), zorder=0)
        ax.axvspan(face, depth[-1], color=style.ROLES["htl"], alpha=0.13, linewidth=0, zorder=0)
    ax.set_xlim(depth[0], depth[-1])
    ax.set_ylim(floor, 2.0)
    ax.set_xlabel(label)
    ax.set_ylabel("Signal over its maximum")
    ax.set_title(_name(item))
    if missing:
        ax.text(
            0.04, 0.06, "no " + ", no ".join(missing), transform=ax.transAxes, color=style.MUTED, fontsize=7
        )
    return drawn


def _close_up(ax: Axes, item: xr.Dataset, face: float) -> None:
    """The last nanometres before the oxide and the first in it, on a linear scale."""
    depth, unit, _ = _along(item)
    depth = depth - face
    reach = max(float(depth[-1]), 1.0)
    shown = np.abs(depth) <= reach
    for name in map(str, item["species"].values):
        row = np.asarray(item["signal"].sel(species=name), float)
        if float(row.max(initial=0.0)) > 0.0:
            ax.plot(depth[shown], row[shown], color=SPECIES.get(name, (style.MUTED, ""))[0], linewidth=1.3)
    ax.axvline(0.0, color=style.MUTED, linewidth=0.7, linestyle=(0, (2, 2)), zorder=0)
    ax.axvspan(0.0, reach, color=style.ROLES["htl"], alpha=0.13, linewidth=0, zorder=0)
    ax.set_xlim(-reach, reach)
    ax.set_ylim(0.0, 1.08)
    ax.set_xlabel(f"From the oxide ({unit})")
    ax.set_ylabel("Signal over its maximum")


def _charged(fragment: str) -> str:
    """ "PbI3-" as a formula is set."""
    import re

    return re.sub(r"-$", "$^{−}$", re.sub(r"(\d+)", r"$_{\1}$", fragment))


# --- photoelectrons --------------------------------------------------------------------------------------------------


def xps(
    datasets: xr.Dataset | Sequence[xr.Dataset],
    contents: Sequence[tuple[float, float]] = (),
    ax: Axes | None = None,
) -> Figure:
    """C 1s with its components, one above the other on one scale, and Ni 2p over that of the bare oxide.

    Args:
        datasets: spectra. contents: for each the carbonyl among all detected atoms and the limit of its detection.
        ax: takes the spectra alone.
    """
    items = style.as_list(datasets)
    colours = style.colour_of_cells(items)
    with style.context():
        if ax is not None:
            made, axes = style.new_axes(ax)
            _spectra(axes, items, contents, colours)
            return made
        made = style.figure(style.PAGE, max(2.5, 0.8 + 0.75 * len(items)))
        left, right = made.subplots(1, 2, width_ratios=(1.7, 1.0))
        _spectra(left, items, contents, colours)
        _nickel(right, items, colours)
        style.apart(made)
        return made


def _spectra(
    ax: Axes, items: Sequence[xr.Dataset], contents: Sequence[tuple[float, float]], colours: dict[str, str]
) -> None:
    top = max(float(np.asarray(item["c1s"], float).max(initial=0.0)) for item in items) or 1.0
    for index, item in enumerate(items):
        energy = np.asarray(item["binding_energy"], float)
        floor = _ROW * (len(items) - 1 - index)
        colour = colours[str(item.attrs.get("stack", ""))]
        if "component_intensity" in item:
            parts = np.asarray(item["component_intensity"].transpose("component", "binding_energy"), float)
            for part, shade in zip(parts, _shades(len(parts)), strict=True):
                ax.fill_between(energy, floor, floor + part / top, color=shade, alpha=0.75, linewidth=0)
        counts = np.asarray(item["c1s"], float) / top
        ax.plot(energy, floor + counts, color=colour, linewidth=1.2)
        weak = energy > _WEAK
        if float(counts[weak].max(initial=0.0)) > 1e-4:
            ax.plot(
                energy[weak],
                floor + _TIMES * counts[weak],
                color=colour,
                linewidth=0.8,
                linestyle=(0, (2, 1)),
            )
            ax.text(_WEAK + 0.05, floor + _TIMES * float(counts[weak][0]), f"×{_TIMES}", color=colour, fontsize=6.5,
                    ha="left", va="center")  # fmt: skip
        lines = [_name(item)]
        if float(item.attrs.get("through_film", 1.0)) < 1e-6:
            lines.append("under its film: not seen")
        elif index < len(contents) and np.isfinite(contents[index][0]):
            content, limit = contents[index]
            lines.append(f"carbonyl {100.0 * content:.2g} at%" if content > 1e-9 else "no carbonyl")
            if 1e-9 < content < limit:
                lines.append(f"below the limit of {100.0 * limit:g}")
        for row, words in enumerate(lines):
            shown = colour if row == 0 else style.MUTED
            ax.text(
                292.8,
                floor + 0.86 - 0.2 * row,
                words,
                color=shown,
                fontsize=7.5 if row == 0 else 7.0,
                va="center",
            )
    first = items[0]
    if "position" in first.coords:
        for place, words in zip(
            np.asarray(first["position"], float), map(str, first["component"].values), strict=True
        ):
            ax.axvline(place, color=style.MUTED, linewidth=0.5, linestyle=(0, (2, 2)), zorder=0)
            ax.annotate(
                f"{words}\n{place:.1f} eV", (place, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 3),
                textcoords="offset points", ha="center", va="bottom", fontsize=6.5, color=style.MUTED,
            )  # fmt: skip
    ax.set_xlim(293.0, 281.0)
    ax.set_ylim(-0.04, _ROW * len(items))
    ax.set_yticks([])
    ax.set_xlabel("Binding energy (eV)")
    ax.set_ylabel("C 1s intensity (one scale for all)")


def _shades(count: int) -> list[str]:
    return [_COMPONENTS[index % len(_COMPONENTS)] for index in range(count)]


def _nickel(ax: Axes, items: Sequence[xr.Dataset], colours: dict[str, str]) -> None:
    """Bars, the samples in the order of the spectra beside them."""
    for index, item in enumerate(items):
        if "level" not in item.coords or "Ni 2p" not in item["level"].values:
            continue
        ratio = 100.0 * float(item["level_intensity"].sel(level="Ni 2p"))
        colour = colours[str(item.attrs.get("stack", ""))]
        place = _ROW * (len(items) - 1 - index) + 0.4
        ax.barh(place, ratio, height=0.55, color=colour, alpha=0.85, linewidth=0)
        words = f"{ratio:.0f} %" if ratio >= 0.5 else "none"
        ax.text(ratio + 1.5, place, words, va="center", fontsize=7.5, color=colour)
    ax.axvline(100.0, color=style.MUTED, linewidth=0.7, linestyle=(0, (2, 2)), zorder=0)
    ax.text(
        100.0, 1.0, "bare oxide", transform=ax.get_xaxis_transform(), ha="center", va="bottom", fontsize=6.5,
        color=style.MUTED,
    )  # fmt: skip
    ax.set_xlim(0.0, 112.0)
    ax.set_ylim(-0.04, _ROW * len(items))
    ax.set_yticks([])
    ax.set_xlabel("Ni 2p over the bare oxide (%)")
