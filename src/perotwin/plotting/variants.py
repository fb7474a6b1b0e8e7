"""What tells measurements from each other in one figure: cells of one name by the numbers in which they differ,
points of a sweep by the number that was varied.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from perotwin.plotting.unit_words import unit_latex

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, Normalize

__all__ = ["VARIED", "Sweep", "named", "sweep_of", "told_apart"]

#: attributes of a measurement that is a point of a sweep: which number, its value and its unit
VARIED = ("varied_path", "varied_value", "varied_unit")
#: what a cell states that is told by the measurement itself, or says nothing of the cell
_NOT_THE_CELL = ("light", "temperature", "name", "description", "source")
#: most numbers that a name says
_MOST = 2
#: values of a sweep whose largest is more than so many times the smallest are told by their logarithm
_DECADES = 30.0
#: most values that a bar of colours names one by one
_TICKS = 9


def named(dataset: xr.Dataset) -> str:
    """What a measurement is called in a figure."""
    return str(dataset.attrs.get("stack", ""))


def told_apart(datasets: Sequence[xr.Dataset]) -> list[xr.Dataset]:
    """Measurements whose cells bear one name and are not the same, each with a name of its own: "cell, path value".

    A cell in the dark and in the light is one cell, and so are its scans.
    """
    items = list(datasets)
    groups: dict[str, list[int]] = {}
    for place, item in enumerate(items):
        if not all(key in item.attrs for key in VARIED):
            groups.setdefault(named(item), []).append(place)
    for name, places in groups.items():
        texts = [str(items[place].attrs.get("cell", "")) for place in places]
        if len(set(texts)) > 1:
            for place, words in zip(places, _differing(texts), strict=True):
                if words:
                    items[place] = items[place].assign_attrs(stack=f"{name}, {words}")
    return _by_conditions(items)


def _by_conditions(items: list[xr.Dataset]) -> list[xr.Dataset]:
    """The same for one cell in several lights or at several temperatures."""
    for key, wording in (("light", "{:g} sun"), ("temperature", "{:g} K")):
        groups: dict[str, list[int]] = {}
        for place, item in enumerate(items):
            if key in item.attrs and not (key == "light" and float(item.attrs[key]) == 0.0):
                groups.setdefault(named(item), []).append(place)
        for name, places in groups.items():
            if len({float(items[place].attrs[key]) for place in places}) > 1:
                for place in places:
                    words = wording.format(float(items[place].attrs[key]))
                    items[place] = items[place].assign_attrs(stack=f"{name}, {words}")
    return items


def _differing(texts: Sequence[str]) -> list[str]:
    """What each of some cells (TOML) states otherwise than others, in words; their number where that is long."""
    stated = [dict(_flat(_read(text))) for text in texts]
    paths = [
        path
        for path in dict.fromkeys(path for one in stated for path in one)
        if len({one.get(path) for one in stated}) > 1
    ]
    if not paths:
        return [""] * len(texts)
    if len(paths) <= _MOST:
        return [", ".join(f"{path} {one.get(path, '–')}" for path in paths) for one in stated]
    kinds = list(dict.fromkeys(tuple(one.get(path) for path in paths) for one in stated))
    return [f"variant {1 + kinds.index(tuple(one.get(path) for path in paths))}" for one in stated]


def _read(text: str) -> Mapping[str, Any]:
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {"": text}
    return {key: value for key, value in found.items() if key not in _NOT_THE_CELL}


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Field path and text of everything that a stack file states."""
    if isinstance(value, Mapping):
        if "value" in value:
            yield path, str(value["value"])
            return
        for key, part in value.items():
            if key == "source" or (key == "name" and path):
                continue
            here = key if not path and key in ("layer", "interface") else f"{path}.{key}".removeprefix(".")
            here = here.replace("layer.", "", 1).replace("interface.", "", 1)
            yield from _flat(part, here)
    elif isinstance(value, list) and any(isinstance(part, Mapping) for part in value):
        for number, part in enumerate(value, 1):
            own = part.get("name", number) if isinstance(part, Mapping) else number
            yield from _flat(part, str(own) if path == "layer" else f"{path}.{own}".replace("layer.", "", 1))
    else:
        yield path, str(value)


# --- sweeps ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sweep:
    """One number of a cell that measurements differ in.

    Attributes:
        path, unit: of the number. values: each one that occurs, ascending.
    """

    path: str
    unit: str
    values: tuple[float, ...]

    @property
    def label(self) -> str:
        """The name of an axis of it."""
        return self.path if self.unit == "1" else f"{self.path} ({unit_latex(self.unit)})"

    @property
    def log(self) -> bool:
        """Whether its values are told by their logarithm."""
        return self.values[0] > 0.0 and self.values[-1] > _DECADES * self.values[0]

    @property
    def norm(self) -> Normalize:
        """From the smallest value to the largest."""
        from matplotlib.colors import LogNorm, Normalize

        return (LogNorm if self.log else Normalize)(self.values[0], self.values[-1])

    @property
    def scale(self) -> Colormap:
        """From dark to bright; its yellow end is too pale for lines."""
        from matplotlib import colormaps
        from matplotlib.colors import LinearSegmentedColormap

        return LinearSegmentedColormap.from_list("sweep", colormaps["viridis"](np.linspace(0.0, 0.9, 64)))

    def colour(self, value: float) -> str:
        """The colour of a value."""
        from matplotlib.colors import to_hex

        return to_hex(self.scale(float(self.norm(value))))

    def bar(self, ax: Axes) -> None:
        """A bar of the colours beside a panel, with its name and values."""
        from matplotlib.cm import ScalarMappable
        from matplotlib.ticker import NullLocator

        figure = ax.get_figure(root=True)
        assert figure is not None  # the panel was drawn on one
        bar = figure.colorbar(ScalarMappable(self.norm, self.scale), ax=ax, pad=0.02, fraction=0.05)
        bar.set_label(self.label)
        if len(self.values) <= _TICKS:
            bar.set_ticks(list(self.values), labels=[f"{value:.6g}" for value in self.values])
            bar.ax.yaxis.set_minor_locator(NullLocator())
        bar.ax.tick_params(width=0.5, length=2)
        bar.outline.set_linewidth(0.5)


def sweep_of(datasets: Sequence[xr.Dataset]) -> Sweep | None:
    """The number in which measurements differ, where all are points of one sweep."""
    if not datasets or not all(key in item.attrs for item in datasets for key in VARIED):
        return None
    told = {(str(item.attrs["varied_path"]), str(item.attrs["varied_unit"])) for item in datasets}
    values = sorted({float(item.attrs["varied_value"]) for item in datasets})
    if len(told) != 1 or len(values) < 2:
        return None
    ((path, unit),) = told
    return Sweep(path, unit, tuple(values))
