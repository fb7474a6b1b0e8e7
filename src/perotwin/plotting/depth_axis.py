"""The depth axis of a figure: layers in faint colours, their names, and where each depth is drawn.

Absorbers of hundreds of nanometres stand beside contact layers of 10 to 30 nm, in which bands bend most: a layer
too thin for its name is drawn as wide as that, and the faces say at which depth they are. Where all have room the axis
is to scale.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perotwin.measurement.junction_names import junction_layers
from perotwin.plotting import style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

__all__ = ["DepthAxis", "Span", "layer_spans", "runs"]

F64 = NDArray[np.float64]

_NM = 1e9
#: width of a letter of a layer's name, and what is beside it, as shares of a page-wide axis
_LETTER, _BESIDE = 0.0078, 0.016
#: share of the axis that a layer has at least, that its name may ask for, and that all widened layers share at most
_LEAST, _MOST, _TOGETHER = 0.042, 0.12, 0.6
#: share of a page-wide axis between ticks with their depths within a layer
_LABELLED = 0.07
#: distances of ticks within a layer, nm
_STEPS = (20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)


class Span(NamedTuple):
    """A layer along the depth axis: its name, front and back (m)."""

    name: str
    front: float
    back: float

    @property
    def thickness(self) -> float:
        """m."""
        return self.back - self.front


def layer_spans(dataset: xr.Dataset) -> list[Span]:
    """The layers that the depth axis ``x`` runs through, in order."""
    spans: list[Span] = []
    names = [str(name) for name in dataset["layer"].values]
    for position, name in zip(dataset["x"].values, names, strict=True):
        if spans and spans[-1].name == name:
            spans[-1] = Span(name, spans[-1].front, float(position))
        else:
            spans.append(Span(name, float(position), float(position)))
    return spans


def runs(dataset: xr.Dataset) -> list[slice]:
    """Node ranges layer by layer, so that no line is drawn across a face where bands step."""
    names = [str(name) for name in dataset["layer"].values]
    starts = [0, *(i for i in range(1, len(names)) if names[i] != names[i - 1]), len(names)]
    return [slice(first, last) for first, last in pairwise(starts)]


@dataclass(frozen=True)
class DepthAxis:
    """Where depths are drawn, and what stands beside the axis.

    Attributes
    ----------
    spans : the layers, front first.
    panel : width of a panel as a share of the page; names need more of a narrow one.
    colours : of layers, by name; of their names where they are not there.
    """

    spans: tuple[Span, ...]
    panel: float = 1.0
    colours: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, dataset: xr.Dataset) -> DepthAxis:
        """The axis of a measurement with fields along ``x``; panels of one junction stand two in a row."""
        spans = tuple(layer_spans(dataset))
        made = cls(spans, colours={span.name: style.colour_in(dataset, span.name) for span in spans})
        return made if made.several else replace(made, panel=0.5)

    @cached_property
    def junctions(self) -> dict[str, tuple[Span, ...]]:
        """The layers by the junction of a tandem that they are called after; one "" where there is but one."""
        layers = {span.name: span for span in self.spans}
        if len(layers) < len(self.spans):
            return {"": self.spans}
        return {
            junction: tuple(layers[name] for name in names)
            for junction, names in junction_layers(layers).items()
        }

    @property
    def several(self) -> bool:
        """Whether junctions stand one behind the other."""
        return len(self.junctions) > 1

    @cached_property
    def stretched(self) -> bool:
        """Whether thin layers are drawn wider than they are."""
        faces, drawn = self._knots
        return not np.allclose(
            faces - faces[0], drawn - drawn[0], rtol=1e-9, atol=1e-9 * float(faces[-1] - faces[0])
        )

    @cached_property
    def planes(self) -> tuple[float, ...]:
        """Depths (m) where one junction ends and the next begins."""
        return tuple(layers[0].front for layers in list(self.junctions.values())[1:])

    @cached_property
    def _knots(self) -> tuple[F64, F64]:
        """Depths of the faces (nm) and where they are drawn; (L + 1,)."""
        faces = np.array([self.spans[0].front, *(span.back for span in self.spans)]) * _NM
        if not faces[-1] > faces[0]:
            return faces, faces
        true = np.diff(faces) / (faces[-1] - faces[0])
        floor = np.array([self._wanted(span) for span in self.spans])
        wide = np.zeros(true.size, dtype=bool)
        share = true
        # Widening one layer makes the others narrower, and one of them may then need it too.
        for _ in range(true.size):
            wide |= share < floor
            asked = np.where(wide, floor, 0.0)
            if wide.all() or asked.sum() > _TOGETHER:
                asked *= _TOGETHER / asked.sum()
            rest = np.where(wide, 0.0, true)
            share = asked + (1.0 - asked.sum()) * rest / max(rest.sum(), 1e-300)
            if not np.any(~wide & (share < floor)):
                break
        if not wide.any():
            return faces, faces
        share = share / share.sum()
        return faces, np.concatenate(([0.0], np.cumsum(share))) * (faces[-1] - faces[0])

    def _wanted(self, span: Span) -> float:
        """The share of the axis that a layer's name needs."""
        letters = len(style.junction_of(span.name)[1] if self.several else span.name)
        return min(max(_LEAST, (_BESIDE + _LETTER * letters) / self.panel), _MOST / self.panel)

    def at(self, depth: ArrayLike) -> F64:
        """Where depths (m) are drawn: nm where the axis is to scale."""
        faces, drawn = self._knots
        return np.interp(np.asarray(depth, dtype=float) * _NM, faces, drawn)

    def places(self, dataset: xr.Dataset) -> F64:
        """Where the points of a measurement are drawn."""
        return self.at(dataset["x"].values)

    def middle(self, span: Span, share: float = 0.5) -> float:
        """Where a share of the way through a layer is drawn."""
        return float(self.at(span.front + share * span.thickness))

    def widest(self, layers: Sequence[Span]) -> Span:
        """The thickest of some layers, as a rule the absorber."""
        return max(layers, key=lambda span: span.thickness)

    def shade(self, ax: Axes, names: bool = True) -> None:
        """Draw faint layer colours, faces and the plane between junctions behind a panel, names above it, and set its
        limits and ticks."""
        first, last = float(self.at(self.spans[0].front)), float(self.at(self.spans[-1].back))
        for span in self.spans:
            front, back = self.at([span.front, span.back])
            ax.axvspan(
                front,
                back,
                color=self.colours.get(span.name) or style.layer_colour(span.name),
                alpha=0.14,
                linewidth=0,
                zorder=0,
            )
        for span in self.spans[1:]:
            ax.axvline(float(self.at(span.front)), color=style.MUTED, linewidth=0.4, alpha=0.6, zorder=0.5)
        for depth in self.planes:
            ax.axvline(
                float(self.at(depth)), color=style.INK, linewidth=1.1, linestyle=(0, (1, 1)), zorder=0.6
            )
        ax.set_xlim(first, last)
        if self.stretched:
            self._ticks(ax)
        if names:
            self._names(ax, first, last)

    def _names(self, ax: Axes, first: float, last: float) -> None:
        from matplotlib.transforms import ScaledTranslation

        gap = 0.0 if self.stretched else 0.085 * (last - first)
        wanted = [self.middle(span) for span in self.spans]
        for span, place in zip(self.spans, style.spread(wanted, gap, first, last), strict=True):
            self._above(ax, style.junction_of(span.name)[1] if self.several else span.name, place, 3)
        if not self.several:
            return
        root, _ = style.new_axes(ax)
        above = ax.get_xaxis_transform() + ScaledTranslation(0, 11.5 / 72, root.dpi_scale_trans)
        inset = 0.006 * (last - first)
        for junction, layers in self.junctions.items():
            front, back = float(self.at(layers[0].front)), float(self.at(layers[-1].back))
            ends = [front + inset, back - inset]
            ax.plot(ends, [1.0, 1.0], color=style.MUTED, linewidth=0.6, transform=above, clip_on=False)
            self._above(ax, f"{junction} junction", (front + back) / 2, 13, weight="bold")

    @staticmethod
    def _above(ax: Axes, words: str, place: float, points: float, **text: Any) -> None:
        ax.annotate(
            words,
            (place, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, points),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=6.5,
            color=style.MUTED,
            **text,
        )

    def _ticks(self, ax: Axes) -> None:
        """Ticks with their depth at the faces and, where there is room, at round depths; small ones between."""
        from matplotlib.ticker import FixedFormatter, FixedLocator

        faces, drawn = self._knots
        width = drawn[-1] - drawn[0]
        marks = dict(zip(drawn.tolist(), faces.tolist(), strict=True))
        minor: list[float] = []
        for (front, back), (left, right) in zip(pairwise(faces), pairwise(drawn), strict=True):
            per_nm = (right - left) / (back - front) / width
            step = next((one for one in _STEPS if one * per_nm > 0.03 / self.panel**0.5), 0.0)
            if step:
                inside = np.arange(np.ceil(front / step + 0.2), np.floor(back / step - 0.2) + 1.0) * step
                minor += self.at(inside / _NM).tolist()
            long = next((one for one in _STEPS if one * per_nm > _LABELLED / self.panel), 0.0)
            if long:
                room = 0.6 * _LABELLED / self.panel / per_nm
                for depth in np.arange(np.ceil(front / long), np.floor(back / long) + 1.0) * long:
                    if depth - front > room and back - depth > room:
                        marks[float(self.at(depth / _NM))] = float(depth)
        places = sorted(marks)
        ax.xaxis.set_major_locator(FixedLocator(places))
        ax.xaxis.set_major_formatter(FixedFormatter([_depth(marks[place]) for place in places]))
        ax.xaxis.set_minor_locator(FixedLocator([one for one in minor if one not in marks]))
        ax.tick_params(axis="x", which="major", labelsize=6)
        ax.tick_params(axis="x", which="minor", length=1.8, width=0.5)

    def label(self, ax: Axes) -> None:
        """Name the axis."""
        words = style.axis_label("x")
        ax.set_xlabel(words + (", thin layers drawn wider" if self.stretched else ""))


def _depth(nm: float) -> str:
    """A depth in the unit of the axis, nm; those of a wafer in um, which they say, so that they stay short."""
    return f"{nm:.4g}" if nm < 1e4 else f"{nm / 1e3:.3g} µm"
