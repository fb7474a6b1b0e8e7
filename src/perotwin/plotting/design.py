"""Figures of design studies: a map over two numbers of a cell, the way to an optimum, what an efficiency hangs on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perotwin.measurement import NOMENCLATURE
from perotwin.measurement.digits import significant
from perotwin.plotting import style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

__all__ = ["Bar", "Curve", "field_map", "optimum", "smooth", "tornado"]

F64 = NDArray[np.float64]

_MAPPED = ("pce", "voc", "jsc", "ff")
_PHOTOCURRENT = "photocurrent_"
_LEVELS = 14
#: share of a map along its edges where lines have no values
_EDGES = 0.08
_LOW, _HIGH = style.CELLS[1], style.CELLS[0]
#: of a line over a map, and what makes it seen on dark and bright
_LINE, _EDGE = "#FFFFFF", "#1c2733"


@dataclass(frozen=True)
class Curve:
    """A figure of merit along one number through an optimum.

    Attributes:
        path, unit, log: of the number.
        x, y: (K,) along it, y NaN where the cell could not be solved. best: x and y of the optimum.
        now: x of the cell as it was, or None where that lies outside.
        tried: (N,) x and y of cells that were tried elsewhere.
        good: ends of what is as good within `optimum`'s share.
        settable: x that a person would set.
    """

    path: str
    unit: str
    log: bool
    x: F64
    y: F64
    best: tuple[float, float]
    now: float | None
    tried: tuple[F64, F64]
    good: tuple[float, float]
    settable: float | None = None


@dataclass(frozen=True)
class Bar:
    """What one number does: the figure of merit at the ends of its range (NaN: unknown), and what a small change of it
    adds.
    """

    path: str
    low: float
    high: float
    low_text: str
    high_text: str
    slope: float
    change: str


def _named(path: str, unit: str) -> str:
    return path if unit == "1" else f"{path} ({style.unit_latex(unit)})"


# --- maps ------------------------------------------------------------------------------------------------------------


def field_map(made: xr.Dataset) -> Figure:
    """Efficiency, voltage, current and fill factor over two numbers of a cell; of a tandem also what its junctions
    generate, and the line along which they generate the same.
    """
    every = [*_MAPPED, *(str(name) for name in made if str(name).startswith(_PHOTOCURRENT))]
    # what a tandem with four terminals does not have is left out
    names = [name for name in every if np.isfinite(made[name].values).any()]
    columns = 3 if len(names) > 4 else 2
    lines = -(-len(names) // columns)
    best = np.unravel_index(int(np.nanargmax(made["pce"].values)), made["pce"].shape)
    with style.context():
        figure = style.figure(style.PAGE, (2.15 if columns == 3 else 2.6) * lines + 0.35)
        axes = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
        for place, name in enumerate(names):
            _panel(axes[place // columns][place % columns], made, name, best)
        for place in range(len(names), lines * columns):
            axes[place // columns][place % columns].set_visible(False)
        figure.supxlabel(_axis_name(made, "x"), fontsize=8)
        figure.supylabel(_axis_name(made, "y"), fontsize=8)
        _key(figure, made)
    return figure


def _axis_name(made: xr.Dataset, axis: str) -> str:
    return _named(str(made[axis].attrs["path"]), str(made[axis].attrs["unit"]))


def _coordinates(made: xr.Dataset, axis: str, values: F64 | None = None) -> F64:
    """Values of an axis (all of its own if none are given) in the unit that people read."""
    factor, offset = made[axis].attrs.get("factor", 1.0), made[axis].attrs.get("offset", 0.0)
    return np.asarray(made[axis].values if values is None else values, dtype=float) * factor + offset


def _panel(ax: Axes, made: xr.Dataset, name: str, best: Any) -> None:
    factor = NOMENCLATURE["jsc" if name.startswith(_PHOTOCURRENT) else name].factor
    x, y = _coordinates(made, "x"), _coordinates(made, "y")
    values = np.ma.masked_invalid(made[name].values * factor)
    for axis, setter in (("x", ax.set_xscale), ("y", ax.set_yscale)):
        if made[axis].attrs.get("log"):
            setter("log")
    if min(values.shape) > 1 and float(np.ptp(values.compressed())) > 1e-9 * float(np.abs(values).max()):
        filled: Any = ax.contourf(x, y, values, levels=_LEVELS, cmap="viridis")
        lines = ax.contour(
            x, y, values, levels=list(filled.levels)[::3], colors=_LINE, linewidths=0.4, alpha=0.6
        )
        _within(ax, ax.clabel(lines, fontsize=5.5, fmt="%g", inline_spacing=2))
    else:
        filled = ax.pcolormesh(x, y, values, cmap="viridis", shading="nearest")
    figure = ax.get_figure(root=True)
    assert figure is not None  # the axes were drawn on one
    bar = figure.colorbar(filled, ax=ax, pad=0.02)
    bar.ax.tick_params(labelsize=6, width=0.5, length=2)
    bar.outline.set_linewidth(0.5)
    ax.set_title(_words(name), fontsize=7.5)
    lost = np.argwhere(np.ma.getmaskarray(values))
    ax.plot(x[lost[:, 1]], y[lost[:, 0]], "x", color=style.HOLE, markersize=3, markeredgewidth=0.8)
    if "matching_x" in made:
        line = (
            _coordinates(made, "x", made["matching_x"].values),
            _coordinates(made, "y", made["matching_y"].values),
        )
        ax.plot(*line, color=_EDGE, linewidth=1.8)
        ax.plot(*line, color=_LINE, linewidth=1.0, linestyle="--")
    now = [float(_coordinates(made, axis, np.array(made[axis].attrs["now"]))) for axis in ("x", "y")]
    if x.min() <= now[0] <= x.max() and y.min() <= now[1] <= y.max():
        ax.plot(*now, "o", markerfacecolor="none", markeredgecolor=_EDGE, markersize=5.5, markeredgewidth=1.8)
        ax.plot(*now, "o", markerfacecolor="none", markeredgecolor=_LINE, markersize=5.5, markeredgewidth=0.8)
    ax.plot(
        x[best[1]], y[best[0]], "*", color=_LINE, markersize=8, markeredgecolor=_EDGE, markeredgewidth=0.6
    )
    ax.set_xlim(x.min(), x.max())
    ax.set_ylim(y.min(), y.max())


def _within(ax: Axes, labels: Sequence[Text]) -> None:
    """Leave out the values of lines that the edge of a map would cut."""
    for label in labels:
        place = ax.transAxes.inverted().transform(label.get_transform().transform(label.get_position()))
        label.set_visible(bool(np.all((place > _EDGES) & (place < 1.0 - _EDGES))))


def _words(name: str) -> str:
    """What a panel shows: "PCE (%)"."""
    if name.startswith(_PHOTOCURRENT):
        return rf"$J_\mathrm{{ph}}$ of the {name.removeprefix(_PHOTOCURRENT)} junction (mA cm$^{{−2}}$)"
    term = NOMENCLATURE[name]
    return f"{term.latex} ({style.unit_latex(term.field_unit)})"


def _key(figure: Figure, made: xr.Dataset) -> None:
    """What the marks mean, in one line above the panels."""
    from matplotlib.lines import Line2D

    marks = [
        Line2D([], [], marker="*", linestyle="", color=_LINE, markeredgecolor=_EDGE, markersize=8, label="best PCE"),
        Line2D([], [], marker="o", linestyle="", markerfacecolor="none", markeredgecolor=_EDGE, markersize=5.5,
               label="the cell as it is"),
    ]  # fmt: skip
    if "matching_x" in made and made["matching_x"].size:
        marks.append(Line2D([], [], color=_EDGE, linestyle="--", linewidth=1.0, label="equal photocurrents"))
    if np.isnan(made["pce"].values).any():
        marks.append(
            Line2D([], [], marker="x", linestyle="", color=style.HOLE, markersize=4, label="no result")
        )
    figure.legend(handles=marks, loc="outside upper right", ncols=len(marks), fontsize=7, handletextpad=0.4)


# --- the way to an optimum -------------------------------------------------------------------------------------------


def optimum(
    curves: Sequence[Curve], history: Mapping[str, tuple[F64, F64]], quantity: str, words: str
) -> Figure:
    """The figure of merit along each number through an optimum, and the best so far, cell by cell.

    Args:
        curves: one a number.
        history: by what they were tried for ("survey", ...): number of each cell, and its figure of merit.
        quantity: name of the figure of merit.
        words: what the band about the optimum means.
    """
    panels = len(curves) + 1
    columns = 2 if panels in (2, 4) else 3
    lines = -(-panels // columns)
    term = NOMENCLATURE[quantity]
    label = f"{term.latex} ({style.unit_latex(term.field_unit)})"
    values = np.concatenate([np.concatenate([one.y, one.tried[1]]) for one in curves])
    values = values[np.isfinite(values)]
    top = max(one.best[1] for one in curves)
    # what lies far below the best only flattens what matters
    bottom = max(values.min(), top - 3.0 * (top - float(np.quantile(values, 0.25))))
    span = max(top - bottom, 1e-6 * abs(top))
    with style.context():
        figure = style.figure(style.PAGE, 2.2 * lines)
        axes = figure.subplots(lines, columns, squeeze=False).ravel()
        for ax in axes[: len(curves) + 1]:
            ax.set_ylim(bottom - 0.05 * span, top + 0.12 * span)
        for ax, one in zip(axes, curves, strict=False):
            _along(ax, one)
            ax.set_ylabel(label)
        _progress(axes[len(curves)], history)
        axes[len(curves)].set_ylabel(label)
        for ax in axes[len(curves) + 1 :]:
            ax.set_visible(False)
        for ax, one in zip(axes, curves, strict=False):
            _told(ax, one, words)
    return figure


def _along(ax: Axes, one: Curve) -> None:
    if one.log:
        ax.set_xscale("log")
    ax.axvspan(*one.good, color=style.CELLS[0], alpha=0.10, linewidth=0)
    ax.plot(*one.tried, ".", color=style.MUTED, markersize=2.5, alpha=0.6)
    ax.plot(*smooth(one.x, one.y, one.log), color=style.CELLS[0])
    if one.now is not None:
        ax.axvline(one.now, color=style.MUTED, linewidth=0.8, linestyle=":")
    ax.plot(
        *one.best,
        "*",
        color=style.CELLS[1],
        markersize=8,
        markeredgecolor="w",
        markeredgewidth=0.5,
        zorder=5,
        clip_on=False,
    )
    ax.set_xlabel(_named(one.path, one.unit))
    ax.set_xlim(one.x.min(), one.x.max())


def _told(ax: Axes, one: Curve, words: str) -> None:
    """What the marks of a panel mean, above it; all else is beside a curve."""
    low, high = one.good
    unit = "" if one.unit == "1" else f" {style.unit_latex(one.unit)}"
    said = [f"shaded, {significant(low)} to {significant(high)}{unit}: {words}"]
    marks = ["★ best" if one.settable is None else f"★ best, set {one.settable:.4g}{unit}"]
    if one.now is not None:
        marks.append(f"dotted: as it is, {one.now:.4g}{unit}")
    ax.set_title("\n".join([*said, "; ".join(marks)]), fontsize=6, color=style.MUTED)


def smooth(x: F64, y: F64, log: bool = False) -> tuple[F64, F64]:
    """A curve through points, piece by piece between those that are not known.

    Cubics with continuous slopes that turn only where the points do (Akima's, modified:
    doi:10.1145/321607.321609); straight lines through fewer than four.

    Args:
        x, y: (K,), x ascending; y NaN where it is not known. log: whether the axis along x is logarithmic.

    Returns:
        x and y of the curve, NaN between its pieces.
    """
    from scipy.interpolate import Akima1DInterpolator

    place = np.log(x) if log else x
    known = np.isfinite(y)
    pieces: list[tuple[F64, F64]] = []
    edges = np.flatnonzero(np.diff(np.concatenate(([0], known.astype(int), [0]))))
    for first, last in edges.reshape(-1, 2):
        own, values = place[first:last], y[first:last]
        if own.size < 4:
            pieces.append((own, values))
            continue
        fine = np.unique(np.concatenate((np.linspace(own[0], own[-1], 400), own)))
        pieces.append((fine, Akima1DInterpolator(own, values, method="makima")(fine)))
    gap = (np.array([np.nan]), np.array([np.nan]))
    parts = [part for piece in pieces for part in (piece, gap)][:-1] or [gap]
    along, values = (np.concatenate(column) for column in zip(*parts, strict=True))
    return (np.exp(along) if log else along), values


def _progress(ax: Axes, history: Mapping[str, tuple[F64, F64]]) -> None:
    colours = dict(zip(history, (style.MUTED, *style.CELLS), strict=False))
    for name, (number, value) in history.items():
        ax.plot(number, value, ".", color=colours[name], markersize=3)
    every = sorted((x, y) for number, value in history.values() for x, y in zip(number, value, strict=True))
    x, y = (np.array(column) for column in zip(*every, strict=True))
    ax.step(x, np.maximum.accumulate(y), where="post", color=style.INK, linewidth=0.8)
    ax.set_xlabel("cells tried")
    style.text_key(ax, [*colours.items(), ("best so far", style.INK)], 0.4, 0.4, fontsize=6.5)


# --- sensitivity -----------------------------------------------------------------------------------------------------


def tornado(bars: Sequence[Bar], slopes: Sequence[Bar], now: float, quantity: str, most: int = 16) -> Figure:
    """What the range of each number does, and what a small change of it does; the largest on top.

    Args:
        bars: numbers with a range, the largest swing first. slopes: all, the largest slope first.
        now: the figure of merit of the cell as it is. quantity: its name.
        most: rows of either panel.
    """
    term = NOMENCLATURE[quantity]
    unit = style.unit_latex(term.field_unit)
    left, right = list(bars[:most]), list(slopes[:most])
    rows = max(len(left), len(right), 4)
    with style.context():
        figure = style.figure(style.PAGE, 0.185 * rows + 0.9)
        panels = figure.subplots(1, 2 if left else 1, squeeze=False)[0]
        texts: list[Text] = []
        if left:
            texts = _ranges(panels[0], left, now, rows)
            panels[0].set_xlabel(f"{term.latex} ({unit})")
            panels[0].set_title("over the range that the number states", fontsize=7.5, pad=13)
            _name_ends(panels[0])
        _slopes(panels[-1], right, rows)
        points = "points" if term.field_unit == "%" else unit
        panels[-1].set_xlabel(f"change of {term.latex} ({points})")
        panels[-1].set_title("for a little more of the number", fontsize=7.5)
        style.apart(figure)
        if left:
            _widen(figure, panels[0], texts)
    return figure


def _name_ends(ax: Axes) -> None:
    """The colours of both ends of a range, above a panel whose rows are full of words."""
    for words, colour, place in (("low end", _LOW, 0.0), ("high end", _HIGH, 0.35)):
        ax.annotate(
            words, (place, 1.0), xycoords="axes fraction", xytext=(0, 3), textcoords="offset points",
            va="bottom", fontsize=6.5, color=colour, annotation_clip=False,
        )  # fmt: skip


def _widen(figure: Figure, ax: Axes, texts: Sequence[Text]) -> None:
    """Make an axis longer until all words beside the bars lie within its panel."""
    for _ in range(4):
        figure.draw_without_rendering()
        panel = ax.get_window_extent()
        boxes = [text.get_window_extent() for text in texts]
        left = max((panel.x0 - box.x0 for box in boxes), default=0.0)
        right = max((box.x1 - panel.x1 for box in boxes), default=0.0)
        if left <= 0.0 and right <= 0.0:
            return
        low, high = ax.get_xlim()
        # what is out keeps its size in points while the axis shrinks beside it
        unit = 1.3 * (high - low) / panel.width
        ax.set_xlim(low - unit * max(left, 0.0), high + unit * max(right, 0.0))


def _rows(ax: Axes, bars: Sequence[Bar], rows: int) -> None:
    ax.set_yticks(range(len(bars)), [one.path.replace("electronic.", "") for one in bars], fontsize=6.5)
    ax.set_ylim(rows - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)


def _ranges(ax: Axes, bars: Sequence[Bar], now: float, rows: int) -> list[Text]:
    """Bars of ranges; the words beside them."""
    words = []
    known = [value for one in bars for value in (one.low, one.high) if np.isfinite(value)]
    room = 0.02 * (max([*known, now]) - min([*known, now]))
    for row, one in enumerate(bars):
        for value, colour, text in ((one.low, _LOW, one.low_text), (one.high, _HIGH, one.high_text)):
            if not np.isfinite(value):
                continue
            other = one.high if value == one.low else one.low
            # both ends on one side of the cell as it is: the shorter bar lies over the longer one
            inner = (
                np.isfinite(other)
                and (value - now) * (other - now) > 0
                and abs(value - now) < abs(other - now)
            )
            ax.barh(
                row,
                value - now,
                left=now,
                height=0.45 if inner else 0.7,
                color=colour,
                zorder=3 if inner else 2,
            )
            # the words of the shorter one stand where its bar is not
            side = (1 if value >= now else -1) * (-1 if inner else 1)
            place = now if inner else value
            words.append(
                ax.text(
                    place + side * room,
                    row,
                    text,
                    fontsize=5.5,
                    color=colour,
                    va="center",
                    ha="left" if side > 0 else "right",
                )
            )
    ax.axvline(now, color=style.INK, linewidth=0.8, zorder=4)
    _rows(ax, bars, rows)
    ax.margins(x=0.2)
    ax.set_xlim(*_padded([*known, now], 0.28))
    return words


def _padded(values: Sequence[float], share: float) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = share * (high - low) or 1.0
    return low - room, high + room


def _slopes(ax: Axes, bars: Sequence[Bar], rows: int) -> None:
    values = [one.slope for one in bars]
    ax.barh(range(len(bars)), values, height=0.7, color=[_HIGH if value > 0 else _LOW for value in values])
    ax.axvline(0.0, color=style.INK, linewidth=0.8)
    ax.set_xlim(*_padded([*values, 0.0], 0.06))
    for row, one in enumerate(bars):
        text = f"{one.slope:+.2g} for {one.change}".replace("-", "−")
        # in a column of their own: beside a bar they would meet the names of the numbers
        ax.annotate(
            text,
            (1.02, row),
            xycoords=("axes fraction", "data"),
            fontsize=5.5,
            va="center",
            annotation_clip=False,
        )
    _rows(ax, bars, rows)
