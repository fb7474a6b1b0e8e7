"""The stack, drawn to scale: thick layers cut, everything else as thick on paper as it is in the cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from perotwin.plotting import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Drawn", "draw", "side_by_side"]

#: a layer thicker than this (m) is a substrate: drawn cut, with a torn edge
_THICK = 20e-6


class Drawn(NamedTuple):
    """A layer as the drawing needs it. ``thickness`` in m; ``note`` is printed small beside it, and ``part`` ("top",
    "bottom": a junction) beside all layers of one part that follow each other.
    """

    name: str
    thickness: float
    role: str
    material: str = ""
    note: str = ""
    part: str = ""


def draw(
    layers: Sequence[Drawn], light_from: str = "front", title: str = "", ax: Axes | None = None
) -> Figure:
    """Draw layers in the order in which light from the front meets them, the first on top.

    Parameters
    ----------
    light_from
        "front" or "back": on which side the light is shown.
    """
    from matplotlib.patches import Rectangle

    with style.context():
        parts = any(layer.part for layer in layers)
        made, axes = style.new_axes(
            ax, width=style.COLUMN * (1.2 if parts else 1.1), height=4.4 if parts else 3.6
        )
        axes.set_axis_off()
        thin = sum(layer.thickness for layer in layers if layer.thickness <= _THICK) or 1e-9
        cut = 0.22 * thin
        heights = [layer.thickness if layer.thickness <= _THICK else cut for layer in layers]
        total = sum(heights)
        left, right = 0.0, 1.0
        middles, top = [], 0.0
        for layer, height in zip(layers, heights, strict=True):
            colour = style.layer_colour(f"{layer.part} {layer.name}".strip(), layer.role, layer.material)
            axes.add_patch(
                Rectangle((left, -top - height), right - left, height, facecolor=colour, linewidth=0)
            )
            if layer.thickness > _THICK:
                _torn(axes, -top - height / 2, left, right, 0.012 * total)
            middles.append(-top - height / 2)
            top += height
        axes.add_patch(
            Rectangle((left, -total), right - left, total, fill=False, edgecolor=style.INK, linewidth=0.6)
        )
        apart = total * (0.052 if parts else 0.062)
        places = style.spread(middles, apart, -total * 0.985, -total * 0.015)
        for layer, middle, place in zip(layers, middles, places, strict=True):
            axes.plot(
                [right + 0.01, right + 0.06, right + 0.10],
                [middle, place, place],
                color=style.MUTED,
                linewidth=0.5,
                clip_on=False,
            )
            words = f"{layer.name}  {_length(layer.thickness)}" + (f"  {layer.note}" if layer.note else "")
            axes.text(right + 0.12, place, words, va="center", fontsize=7.5)
        _parts(axes, layers, places, 0.4 * apart)
        _light(axes, total, light_from)
        _scale_bar(axes, thin, total)
        axes.set_xlim(-0.22, 2.4 if parts else 2.05)
        margin = 0.20 * total
        low, high = (
            (-total - margin, 0.05 * total) if light_from == "back" else (-total - 0.05 * total, margin)
        )
        axes.set_ylim(low, high)
        if title:
            axes.set_title(title)
        return made


def _parts(ax: Axes, layers: Sequence[Drawn], places: Sequence[float], reach: float) -> None:
    """A line beside the labels of each junction, with its name; ``reach`` is half the height of a label."""
    for part in dict.fromkeys(layer.part for layer in layers if layer.part):
        own = [place for layer, place in zip(layers, places, strict=True) if layer.part == part]
        low, high = min(own) - reach, max(own) + reach
        ax.plot([2.2, 2.2], [low, high], color=style.MUTED, linewidth=0.8, clip_on=False)
        words = f"{part} junction"
        ax.text(
            2.26,
            (low + high) / 2,
            words,
            rotation=270,
            va="center",
            fontsize=7,
            color=style.MUTED,
            weight="bold",
        )


def side_by_side(stacks: Mapping[str, Sequence[Drawn]], light_from: str = "front") -> Figure:
    """Several stacks, each under its title, in rows of three; one without a title is `draw`."""
    if len(stacks) == 1:
        ((title, layers),) = stacks.items()
        return draw(layers, light_from, title)
    columns = min(3, len(stacks))
    rows = -(-len(stacks) // columns)
    # as wide and high as each by itself
    parts = any(layer.part for layers in stacks.values() for layer in layers)
    width, height = (1.25, 4.5) if parts else (1.05, 3.7)
    with style.context():
        made = style.figure(style.COLUMN * width * columns, height * rows)
        panels = made.subplots(rows, columns, squeeze=False).ravel()
        for panel, (title, layers) in zip(panels, stacks.items(), strict=False):
            draw(layers, light_from, title, panel)
        for panel in panels[len(stacks) :]:
            panel.set_axis_off()
        return made


def _length(metres: float) -> str:
    """A thickness in the unit that suits it."""
    for limit, unit, factor in ((1e-6, "nm", 1e9), (1e-3, "µm", 1e6)):
        if metres < limit * 0.9995:
            return f"{metres * factor:.4g} {unit}"
    return f"{metres * 1e3:.4g} mm"


def _torn(ax: Axes, height: float, left: float, right: float, size: float) -> None:
    """Two zigzag lines across a layer that is drawn thinner than it is."""
    import numpy as np

    x = np.linspace(left, right, 41)
    zigzag = size * np.where(np.arange(x.size) % 2, 1.0, -1.0)
    ax.fill_between(x, height + zigzag - 0.6 * size, height + zigzag + 0.6 * size, color="white", linewidth=0)


def _light(ax: Axes, total: float, light_from: str) -> None:
    """Three arrows onto the lit side."""
    start, end = (0.17, 0.02) if light_from != "back" else (-1.17, -1.02)
    for x in (0.35, 0.5, 0.65):
        ax.annotate(
            "",
            (x, end * total),
            (x, start * total),
            arrowprops={"arrowstyle": "-|>", "color": "#E0A100", "lw": 1.2, "mutation_scale": 8},
        )
    ax.text(0.72, (0.6 * start + 0.4 * end) * total, "light", color="#B07C00", fontsize=7.5, va="center")


def _scale_bar(ax: Axes, thin: float, total: float) -> None:
    """A bar of a round length beside the drawing."""
    length = next(
        size
        for size in (1e-6, 5e-7, 2e-7, 1e-7, 5e-8, 2e-8, 1e-8, 1e-9)
        if size <= 0.45 * thin or size == 1e-9
    )
    ax.plot([-0.06, -0.06], [-total, -total + length], color=style.INK, linewidth=1.2, clip_on=False)
    ax.text(-0.09, -total + length / 2, _length(length), rotation=90, va="center", ha="right", fontsize=6.5)
