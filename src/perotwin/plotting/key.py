"""Keys of names in the colours of their curves, where no curve is.

A key asks for a place and gets the free one nearest to it. Where a panel has none, its vertical axis is made longer
until there is. The place is found again whenever the figure is drawn, as its size is known only then.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.artist import Artist
from numpy.typing import NDArray

from perotwin.plotting.letters import MISSING_GLYPH, letter_by_letter

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axes._base import _AxesBase
    from matplotlib.text import Text
    from matplotlib.transforms import Bbox

__all__ = ["text_key"]

F64 = NDArray[np.float64]

#: points between lines of a key, and what is kept free about it
_LINE, _FREE = 11.0, 3.0
#: size of words, points
_SIZE = 7.5
#: places that are tried along each side of a panel
_PLACES = 41
#: points between samples of a curve, and half of the width that a curve counts with
_SAMPLE = 2.0
#: by how much an axis is made longer at a time, and how often
_LONGER, _TIMES = 0.12, 8


def text_key(ax: Axes, entries: Sequence[tuple[str, str]], x: float, y: float, **text: Any) -> None:
    """Names in the colours of their curves, one under the other, in a place without curves near (x, y).

    It comes last: what is drawn into the axes afterwards is avoided, but makes no room.

    Args:
        ax: the panel, with its limits set.
        entries: words and colour of each line.
        x, y: where the upper left corner of the key would be best, in axes fractions; with ``ha="right"`` the upper
            right one.
        text: properties of the words.
    """
    if not entries:
        return
    shown = {"fontsize": _SIZE, "va": "top", **text}
    lines = [ax.text(x, y, words, color=colour, transform=ax.transAxes, **shown) for words, colour in entries]
    for line in lines:
        letter_by_letter(line)  # they are measured before the figure is saved
    placer = _Placer(lines, (x, y))
    ax.add_artist(placer)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", MISSING_GLYPH, UserWarning)
        placer.make_room()


class _Placer(Artist):
    """Puts the lines of a key where nothing else is, just before they are drawn."""

    def __init__(self, lines: Sequence[Text], wanted: tuple[float, float]) -> None:
        super().__init__()
        self.lines, self.wanted = lines, wanted
        self.set_zorder(-100.0)
        self.set_in_layout(False)

    def draw(self, renderer: Any) -> None:
        """Place the key."""
        self._place(renderer)

    def make_room(self) -> None:
        """Make the vertical axis longer until the key fits in."""
        ax, figure = self.axes, self.get_figure(root=True)
        if ax is None or figure is None:
            return
        renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]  # of the Agg canvas that figures here have
        ax.get_xlim(), ax.get_ylim()  # limits that follow from the data are found now
        for _ in range(_TIMES):
            if self._place(renderer):
                return
            low, high = ax.get_ylim()
            along = ax.yaxis.get_transform()
            ends = along.transform(np.array([low, high]))
            longer = along.inverted().transform(np.array([ends[1] + _LONGER * (ends[1] - ends[0])]))
            ax.set_ylim(low, float(longer[0]))

    def _place(self, renderer: Any) -> bool:
        """Move the lines to the free place nearest to the wanted one; whether there is one."""

        ax, scale = self.axes, renderer.points_to_pixels(1.0)
        assert ax is not None  # it was added to one
        panel: Bbox = ax.get_window_extent(renderer)
        sizes = [line.get_window_extent(renderer) for line in self.lines]
        size = float(self.lines[0].get_fontsize()) / _SIZE
        width = max(one.width for one in sizes) / panel.width
        step = _LINE * size * scale / panel.height
        height = step * (len(self.lines) - 1) + sizes[-1].height / panel.height
        right = self.lines[0].get_horizontalalignment() == "right"
        left, top = self.wanted[0] - (width if right else 0.0), self.wanted[1]
        margin = np.array([_FREE * scale / panel.width, _FREE * scale / panel.height])
        lefts = np.unique(
            np.append(np.linspace(margin[0], max(1.0 - width - margin[0], margin[0]), _PLACES), left)
        )
        tops = np.unique(np.append(np.linspace(min(height + margin[1], 1.0), 1.0 - margin[1], _PLACES), top))
        corners = np.array([(a, b) for a in lefts for b in tops])
        order = np.argsort(np.hypot(*(corners - (left, top)).T), kind="stable")
        corners = corners[order]
        fits = (
            (corners[:, 0] >= -1e-9) & (corners[:, 0] + width <= 1.0 + 1e-9)
            & (corners[:, 1] <= 1.0 + 1e-9) & (corners[:, 1] - height >= -1e-9)
        )  # fmt: skip
        boxes = np.column_stack((corners[:, 0], corners[:, 1] - height, corners[:, 0] + width, corners[:, 1]))
        boxes = boxes + np.array([-margin[0], -margin[1], margin[0], margin[1]])
        own = set(self.lines)
        hard = _in_axes(_points(ax, scale, thin=False), panel)
        soft = _in_axes(_points(ax, scale, thin=True), panel)
        words = [
            _box(one, panel, renderer)
            for one in ax.texts
            if one not in own and one.get_visible() and one.get_text()
        ]
        free = fits & ~_hit(boxes, hard) & ~_covered(boxes, words)
        chosen = np.flatnonzero(free & ~_hit(boxes, soft))
        if not chosen.size:
            # a thin line at zero may pass behind words
            chosen = np.flatnonzero(free)
        place = corners[chosen[0]] if chosen.size else np.array([left, top])
        for row, line in enumerate(self.lines):
            line.set_position((place[0] + (width if right else 0.0), place[1] - row * step))
        return bool(chosen.size)


def _points(ax: _AxesBase, scale: float, *, thin: bool) -> F64:
    """(N, 2) display coordinates along the curves of a panel and of those drawn on its place (a second axis); of lines
    that guide the eye if `thin`, else of all others.
    """
    figure = ax.get_figure(root=True)
    assert figure is not None  # a panel that is drawn is in one
    same = [
        one
        for one in figure.axes
        if one is ax or np.allclose(one.get_position().bounds, ax.get_position().bounds)
    ]
    found = [np.zeros((0, 2))]
    for one in same:
        for line in one.lines:
            guide = line.get_zorder() < 1.0
            if not line.get_visible() or guide is not thin:
                continue
            path = line.get_transform().transform_path(line.get_path())
            dots = str(line.get_linestyle()).lower() in ("none", "", " ")
            places = np.asarray(path.vertices, dtype=float)
            found.append(places if dots else _along(places, scale * _SAMPLE))
        for patch in one.patches:
            # outlines, such as steps; areas are what words may stand on
            if patch.get_visible() and not patch.get_fill() and not thin:
                path = patch.get_transform().transform_path(patch.get_path())
                found.append(_along(np.asarray(path.vertices, dtype=float), scale * _SAMPLE))
    return np.concatenate(found)


def _along(vertices: F64, step: float) -> F64:
    """Points no farther apart than `step` along a polyline with gaps."""
    good: NDArray[np.bool_] = np.asarray(np.isfinite(vertices).all(axis=1))
    made = [vertices[good]]
    both = good[1:] & good[:-1]
    start, end = vertices[:-1][both], vertices[1:][both]
    length = np.hypot(*(end - start).T)
    count = np.minimum(np.ceil(length / step).astype(int), 2000)
    for number in np.unique(count[count > 1]):
        rows = count == number
        share = np.arange(1, number) / number
        made.append(
            (start[rows][:, None] + share[None, :, None] * (end - start)[rows][:, None]).reshape(-1, 2)
        )
    return np.concatenate(made)


def _in_axes(points: F64, panel: Bbox) -> F64:
    """Display coordinates as fractions of a panel, those outside left out."""
    inside = (points - (panel.x0, panel.y0)) / (panel.width, panel.height)
    return inside[((inside >= -0.01) & (inside <= 1.01)).all(axis=1)]


def _box(text: Text, panel: Bbox, renderer: Any) -> tuple[float, float, float, float]:
    """A text as a box in fractions of a panel."""
    box = text.get_window_extent(renderer)
    return (
        (box.x0 - panel.x0) / panel.width, (box.y0 - panel.y0) / panel.height,
        (box.x1 - panel.x0) / panel.width, (box.y1 - panel.y0) / panel.height,
    )  # fmt: skip


def _hit(boxes: F64, points: F64) -> NDArray[np.bool_]:
    """(B,) whether some point lies in each box."""
    hit = np.zeros(len(boxes), dtype=bool)
    # neighbouring samples that a box cannot tell apart count once
    points = np.unique(np.round(points, 3), axis=0)
    for first in range(0, len(boxes), 256):
        part = boxes[first : first + 256, :, None]
        inside = (
            (points[:, 0] > part[:, 0]) & (points[:, 0] < part[:, 2])
            & (points[:, 1] > part[:, 1]) & (points[:, 1] < part[:, 3])
        )  # fmt: skip
        hit[first : first + 256] = inside.any(axis=1)
    return hit


def _covered(boxes: F64, others: Sequence[tuple[float, float, float, float]]) -> NDArray[np.bool_]:
    """(B,) whether each box lies over another one."""
    hit = np.zeros(len(boxes), dtype=bool)
    for x0, y0, x1, y1 in others:
        hit |= (boxes[:, 0] < x1) & (boxes[:, 2] > x0) & (boxes[:, 1] < y1) & (boxes[:, 3] > y0)
    return hit
