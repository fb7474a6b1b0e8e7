"""Figures of merit, areas and light as files state them, beside what is computed from their points."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from perotwin.files.header import Entry, Header
from perotwin.files.headings import heading_of
from perotwin.files.source import Source
from perotwin.measurement.metrics import Metric

__all__ = ["Area", "Conditions", "area_of", "conditions_of", "stated_of"]

STATED = "stated by the file"
#: metric -> how its key reads, unit in SI, kinds of unit that the key may have
_KEYS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("voc", r"^ (?:\w+ )?(v ?_?oc|u ?_?oc|open circuit voltage)\b", "V", ("voltage",)),
    ("jsc", r"^ (?:\w+ )?(j ?_?sc|short circuit current density)\b", "A m-2", ("current density",)),
    ("ff", r"^ (?:\w+ )?(ff|fill ?factor)\b", "1", ("number",)),
    ("pce", r"^ (?:last )?(pce|eff|efficiency|eta)\b(?! ?_?\d)", "1", ("number",)),
    ("vmp", r"^ ([vu] ?_?mpp?|[vu] ?_?pmax|voltage at mpp)\b", "V", ("voltage",)),
    ("jmp", r"^ (j ?_?mpp?|j ?_?pmax)\b", "A m-2", ("current density",)),
)
_LIT_AREA = r" (illuminated|exposed|lit|irradiated|aperture|mask|masked|designated|shadow mask) area "
_CELL_AREA = (
    r" (active|cell|pixel|pix|device|solar cell|sample|electrode|contact|subcell)( active)? ?area |^ area "
)
_LIGHT = r" (irradiance|power density|light intensity|intensity|sim intensity|suns?|light|illumination intensity|sun%) "


def stated_of(header: Header, count: int = 1, at: int | None = 0) -> dict[str, Metric]:
    """The figures that a header states for one of its curves.

    count, at : how many curves the header is of, and which one (None: of none of them). A key with that many values has
        one for each; one with a single value is of the only curve.
    """
    if at is None:
        return {}
    found: dict[str, Metric] = {}
    percent = None
    for name, pattern, unit, kinds in _KEYS:
        for entry in header.find(pattern, kind=kinds):
            values = entry.numbers(header.decimal)
            values = [one for one in values if not math.isnan(one)] if count == 1 else values
            if len(values) == count:
                value = values[at]
            elif len(values) == 1 and count == 1:
                value = values[0]
            else:
                continue
            if math.isnan(value):
                continue
            if entry.key.unit is None and entry.unit is None:
                value, percent = _guessed(name, value, percent)
            found[name] = Metric(value, unit, STATED)
            break
    return found


def _guessed(name: str, value: float, percent: bool | None) -> tuple[float, bool | None]:
    """A figure without a unit in SI: what it can be by its size. `percent`: whether the fill factor was in %."""
    if name in ("voc", "vmp"):
        return (value / 1e3 if abs(value) > 20.0 else value), percent
    if name in ("jsc", "jmp"):
        return 10.0 * value, percent
    if name == "ff":
        percent = abs(value) > 1.5
    elif percent is False and abs(value) > 1.0:
        percent = True
    return (value if percent is False else value / 100.0), percent


@dataclass(frozen=True)
class Area:
    """The area that currents are divided by. value : m^2, NaN where there is none. notes : which it is, and others."""

    value: float
    notes: tuple[str, ...] = ()


def area_of(header: Header, source: Source, count: int = 1, at: int = 0) -> Area:
    """The area of one of the curves of a header: what was asked for, else the lit area, else that of the cell."""
    lit, cell = (_areas(header, pattern, count, at) for pattern in (_LIT_AREA, _CELL_AREA))
    every = lit + [one for one in cell if one[0].line not in {entry.line for entry, _ in lit}]
    values = {round(value, 12): entry for entry, value in reversed(every)}
    words = " and ".join(
        f"{value * 1e4:.6g} cm2 ({entry.key.name.strip(': ')})" for value, entry in values.items()
    )
    if source.asked.area is not None:
        own = f"; the file says {words}" if values else ""
        return Area(source.asked.area, (f"area {source.asked.area * 1e4:.6g} cm2 as given{own}",))
    if not every:
        return Area(math.nan)
    chosen, value = every[0]
    notes = [f"area {value * 1e4:.6g} cm2 ({chosen.key.name.strip(': ')})"]
    if len(values) > 1:
        notes = [f"two areas in the file: {words}; current densities are with {value * 1e4:.6g} cm2"]
    if chosen.key.unit is None and chosen.unit is None:
        notes.append("its unit is not stated: taken for cm2")
    return Area(value, tuple(notes))


def _areas(header: Header, pattern: str, count: int, at: int) -> list[tuple[Entry, float]]:
    found = []
    for entry in header.find(pattern, kind="area"):
        values = entry.numbers(header.decimal)
        if not values:
            continue
        # one for all, or one for each pixel with as many curves as the others
        own = at // (count // len(values)) if len(values) > 1 and count % len(values) == 0 else 0
        value = values[own]
        if entry.key.unit is None and entry.unit is None:
            value *= 1e-4
        if value > 0.0:
            found.append((entry, value))
    return found


@dataclass(frozen=True)
class Conditions:
    """Under which conditions a curve was taken, as far as the file says.

    irradiance : W m^-2. temperature : K. sample : its name. direction : as called. dark : None where it is not said.
    compliance : A. notes : what was decided.
    """

    irradiance: float | None = None
    temperature: float | None = None
    sample: str = ""
    direction: str = ""
    dark: bool | None = None
    compliance: float | None = None
    notes: tuple[str, ...] = field(default=())


def conditions_of(header: Header, source: Source) -> Conditions:
    """What the header (and, where it is silent, the name of the file) says of light, temperature and sample."""
    from perotwin.files.kinds import direction_in, is_dark, is_lit

    notes = []
    irradiance = None
    lux = next((one for one in header.entries if re.search(r"(?i)\b(lux|illuminance)\b", one.key.text)), None)
    if lux is not None:
        irradiance = math.nan
        notes.append("the light is stated in lux: no efficiency, as its power depends on the lamp")
    for entry in header.find(_LIGHT, kind=("power density", "suns", "number")):
        value, words = _irradiance(entry, header)
        if words:
            notes.append(words)
        if value is not None and lux is None:
            irradiance = value
            break
    temperature = _temperature(header)
    sample = header.text(
        r"^ sample ?name ", r"^ cell ?(id|name) ", r"^ (sample|device|cell)( ?id)? $", r"^ (sample|device) "
    )
    if heading_of(sample).unit is not None:
        sample = ""  # a line of headings
    direction = direction_in(header.text(r" scan ?direction ", r" direction "))
    illuminated = header.text(
        r" illuminated ", r"^ illumination ", r"^ mode ", r"^ meas type ", r" light on "
    )
    dark: bool | None = None
    if illuminated:
        low = illuminated.strip().lower()
        if low in ("1", "true", "yes", "on") or is_lit(low):
            dark = False
        elif low in ("0", "false", "no", "off") or is_dark(low):
            dark = True
    stem = source.path.stem
    if dark is None and is_dark(stem) and not is_lit(stem):
        dark = True
    compliance = header.number(r" (compliance|current ?limit) ", kind=("current",))
    return Conditions(
        irradiance,
        temperature,
        sample,
        direction or direction_in(stem),
        dark,
        compliance if compliance > 0.0 else None,
        tuple(notes),
    )


def _irradiance(entry: Entry, header: Header) -> tuple[float | None, str]:
    """The light of an entry, W m^-2, and what is to be said of it."""
    value = next(iter(entry.numbers(header.decimal)), math.nan)
    unit = entry.key.unit or entry.unit
    if math.isnan(value):
        return None, ""
    name = entry.key.name.strip(": ")
    if value == 0.0:
        return None, f'"{name}" is 0: not set'
    if unit is None:
        if " sun " in f" {name.lower().strip('#')} " or "suns" in name.lower():
            return 1e3 * value, ""
        for usual, factor in ((100.0, 10.0), (1.0, 1e3), (1e3, 1.0)):
            if 0.9 < value / usual < 1.1:
                return (
                    value * factor,
                    f'the unit of "{name}" is not stated: taken for {factor * value:.4g} W/m2',
                )
        return math.nan, f'the unit of "{name}" is not stated: no efficiency'
    if unit.kind == "suns":
        return 1e3 * value, ""
    if unit.kind == "number":
        return (1e3 * value if unit.factor == 0.01 and 0.05 < value < 3.0 else None), ""
    return value, ""


def _temperature(header: Header) -> float | None:
    value = header.number(r" (temp|temperature|t meas) ", kind="temperature")
    if math.isnan(value):
        return None
    entry = header.find(r" (temp|temperature|t meas) ", kind="temperature")[0]
    if entry.key.unit is None and entry.unit is None:
        value = value + 273.15 if value < 150.0 else value
    return value if 20.0 < value < 700.0 else None


def worded(notes: Sequence[str]) -> list[str]:
    """Notes without those that repeat."""
    return list(dict.fromkeys(one for one in notes if one))
