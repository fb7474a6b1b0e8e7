"""What the maps of all scanning microscopes share: channels by name and unit, and the measurements they make."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError, shown
from perotwin.files.format import Found, dataset_of
from perotwin.files.source import Source

__all__ = ["MOST_PIXELS", "Channel", "found_of", "unit_factor"]

F64 = NDArray[np.float64]

#: pixels of a map
MOST_PIXELS = 100_000_000
_PREFIXES = {"": 1.0, "k": 1e3, "m": 1e-3, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15}
_HEIGHT = re.compile(r"(?i)(height|topo|z[ -]?axis|z[ -]?sensor|\bz\b|^z)")
_POTENTIAL = re.compile(r"(?i)(potential|kpfm|kfm|cpd|skpm)")


@dataclass(frozen=True)
class Channel:
    """A map. title: as the file calls it. values: (N, M) in `unit`, of SI without prefix ("m", "V", "deg", "").
    width, height: of the map, m (NaN if not of lengths)."""

    title: str
    values: F64
    unit: str
    width: float
    height: float


def unit_factor(text: str) -> tuple[float, str]:
    """Factor to the unit without its prefix, and that: 1e-12 and "m" for "pm"; units that are not known stay.

    "um" with either of the letters for micro, "Å" and "A" for what they are; "deg" and "" as they are.
    """
    unit = text.strip()
    if unit in ("Å", "Å", "angstrom", "Angstrom"):
        return 1e-10, "m"
    for base in ("m", "V", "A", "N", "Hz", "eV"):
        if unit.endswith(base) and unit[: -len(base)] in _PREFIXES:
            return _PREFIXES[unit[: -len(base)]], base
    return 1.0, unit


def found_of(source: Source, channels: Sequence[Channel], maker: str) -> list[Found]:
    """Measurements of the channels: heights as "afm", potentials as "kpfm"; channels of other quantities stand beside
    the height as further variables of the same map.

    Raises:
        InputError: no channel is a height or a potential.
    """
    usable = [one for one in channels if np.isfinite(one.width) and one.width > 0.0 and one.height > 0.0]
    potentials = [one for one in usable if one.unit == "V" and _POTENTIAL.search(one.title)]
    lengths = [one for one in usable if one.unit == "m"]
    named = [one for one in lengths if _HEIGHT.search(one.title)]
    # where no name says "height", lengths that are no amplitude are heights
    heights = named or [one for one in lengths if not re.search(r"(?i)(ampl|defl|error)", one.title)]
    found = []
    # a sensor's height is the same height once more: the one called height or topography comes first
    heights.sort(key=lambda one: bool(re.search(r"(?i)sensor", one.title)))
    first = heights[0] if heights else None
    repeated = [
        one
        for one in heights[1:]
        if re.search(r"(?i)sensor", one.title)
        and first is not None
        and not re.search(r"(?i)sensor", first.title)
    ]
    shown_maps = [one for one in heights if one not in repeated]
    for one in shown_maps:
        beside = (
            [
                other
                for other in channels
                if other is not one
                and other not in shown_maps
                and other not in potentials
                and other.values.shape == one.values.shape
            ]
            if one is first
            else []
        )
        found.append(_height(source, one, beside, maker, len(shown_maps) + len(potentials)))
    for one in potentials:
        found.append(
            _map(
                source,
                "kpfm",
                "surface_potential",
                one,
                {},
                [f'channel "{shown(one.title, 60)}" ({maker}).'],
                len(shown_maps) + len(potentials),
            )
        )
    if not found:
        names = ", ".join(
            f'"{shown(one.title, 30)}" ({shown(one.unit, 10) or "no unit"})' for one in channels[:8]
        )
        raise InputError(
            f"no channel is a height or a surface potential: {names or 'the file holds no map'}.",
            "Give a file with a map of heights in m, or of potentials in V.",
            file=source.file,
        )
    return found


def _height(source: Source, one: Channel, beside: Sequence[Channel], maker: str, together: int) -> Found:
    notes = [f'heights are the channel "{shown(one.title, 60)}" ({maker}), not levelled.']
    extra: dict[str, Channel] = {}
    for other in beside:
        key = re.sub(r"\W+", "_", other.title.lower()).strip("_")[:40] or "channel"
        while key in extra or key in ("height", "x", "y"):
            key += "_2"
        extra[key] = other
    if extra:
        notes.append(
            "beside it: "
            + ", ".join(f'"{shown(other.title, 30)}" ({other.unit or "no unit"})' for other in extra.values())
            + "."
        )
    return _map(source, "afm", "height", one, extra, notes, together)


def _map(
    source: Source,
    instrument: str,
    variable: str,
    one: Channel,
    extra: dict[str, Channel],
    notes: list[str],
    together: int,
) -> Found:
    rows, columns = one.values.shape
    variables = {variable: (("y", "x"), one.values)}
    units = {variable: one.unit}
    for key, other in extra.items():
        variables[key], units[key] = (("y", "x"), other.values), other.unit
    if (gone := int(np.count_nonzero(~np.isfinite(one.values)))) > 0:
        notes.append(f"{gone} of {one.values.size} pixels hold no number.")
    dataset = dataset_of(
        instrument,
        source,
        variables,
        {
            "x": ("x", (np.arange(columns) + 0.5) * one.width / columns, {"units": "m"}),
            "y": ("y", (np.arange(rows) + 0.5) * one.height / rows, {"units": "m"}),
        },
        name=source.path.stem if together == 1 else f"{source.path.stem} {one.title}",
        notes=notes,
        units=units,
        channel=one.title[:100],
    )
    return Found(dataset)
