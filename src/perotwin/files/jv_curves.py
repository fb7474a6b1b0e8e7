"""Current-voltage curves as they stand in files, and what has to be decided before they are measurements.

Decided here, once for all formats, and said in the notes: by which area currents become densities, which way the
current counts (kept as it is), which sweeps a there-and-back run has, whether a curve stands against its voltages in
the order of the scan, which points a limit of the source cut off, and whether it was taken in the dark.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError
from perotwin.files.format import Found, dataset_of
from perotwin.files.kinds import direction_in, is_dark, is_lit
from perotwin.files.merit import Area, Conditions, worded
from perotwin.files.source import Source
from perotwin.measurement.metrics import Metric

__all__ = ["LIGHT_NOT_STATED", "RawCurve", "curves", "legs"]

F64 = NDArray[np.float64]
#: what is noted of a curve in the light whose file does not say which
LIGHT_NOT_STATED = "the light is not stated: taken for 100 mW/cm2"
#: fewest points of a curve
_LEAST = 5
#: part of the range of voltages by which a sweep has to turn back to be another one
_TURN = 0.3
#: current density (A m^-2) at 0 V below which nothing but the dark is known: 1 uA/cm2, a tenth of that in dim rooms
_DARK = 1e-2
#: current density (A m^-2) that all photons of one sun above 0.5 eV would give, and some percent
_MOST = 700.0
#: how alike (relative) currents are that a limit holds, and the fewest of them
_ALIKE, _CLIPPED = 3e-4, 3
#: volts by which the file's own Voc may lie beside a crossing of the curve
_NEAR = 5e-3


@dataclass(frozen=True)
class RawCurve:
    """A curve as it stands in a file.

    Attributes
    ----------
    voltage : (K,) V, in the order of the file. current_density, current : (K,) A m^-2, A; None where there is none.
    label : what tells it from others of the file. area : of its cell. stated : its figures by the file.
    direction, dark : as the file calls them. shared : whether other curves have the same column of voltages.
    notes : what was decided about it before. about : further attributes.
    """

    voltage: F64
    current_density: F64 | None = None
    current: F64 | None = None
    label: str = ""
    area: Area = field(default_factory=lambda: Area(math.nan))
    stated: Mapping[str, Metric] = field(default_factory=dict)
    direction: str = ""
    dark: bool | None = None
    shared: bool = False
    notes: tuple[str, ...] = ()
    about: Mapping[str, Any] = field(default_factory=dict)


def curves(source: Source, raw: Sequence[RawCurve], conditions: Conditions, sample: str = "") -> list[Found]:
    """The measurements that curves of a file are, in its order; a run there and back becomes its sweeps.

    Raises
    ------
    InputError : there is no curve with enough points.
    """
    turned = _against_their_order(raw)
    found: list[Found] = []
    for one, round_about in zip(raw, turned, strict=True):
        found += _sweeps(source, one, conditions, sample or conditions.sample, round_about)
    if not found:
        raise InputError(
            f"it holds no current-voltage curve of {_LEAST} points or more.",
            "See whether the export was complete.",
            file=source.file,
        )
    return found


def legs(voltage: F64) -> list[slice]:
    """The parts of a run in each of which the voltage (K,) goes one way; noise on it does not count."""
    if voltage.size < 2:
        return [slice(0, voltage.size)]
    span = float(np.ptp(voltage))
    turns = [0]
    extreme, way = 0, 0
    for at in range(1, voltage.size):
        step = voltage[at] - voltage[extreme]
        if way == 0:
            if abs(step) > _TURN * span:
                way = 1 if step > 0 else -1
                extreme = at
        elif step * way >= 0.0:
            extreme = at
        elif abs(step) > _TURN * span:
            turns.append(extreme)
            extreme, way = at, -way
    ends = [*turns[1:], voltage.size - 1]
    return [slice(first, last + 1) for first, last in zip(turns, ends, strict=True)]


def _sweeps(source: Source, raw: RawCurve, conditions: Conditions, sample: str, turned: str) -> list[Found]:
    notes = [*conditions.notes, *raw.notes]
    voltage = np.asarray(raw.voltage, float)
    density, current = raw.current_density, raw.current
    values = density if density is not None else current
    assert values is not None
    kept = np.isfinite(voltage) & np.isfinite(values)
    # columns of other length end earlier; what is missing in the middle is said
    last = int(np.flatnonzero(kept)[-1]) + 1 if kept.any() else 0
    holes = int(last - kept[:last].sum())
    if holes:
        notes.append(f"{holes} of {last} points hold no number")
    voltage = voltage[kept]
    if voltage.size < _LEAST:
        return []
    density = None if density is None else np.asarray(density, float)[kept]
    current = None if current is None else np.asarray(current, float)[kept]
    density, words = _per_area(source, raw, density, current)
    notes += words
    if turned:
        notes.append(turned)
        density = None if density is None else density[::-1]
        current = None if current is None else current[::-1]
    parts = legs(voltage)
    parts = [one for one in parts if voltage[one].size >= _LEAST]
    made = []
    for number, part in enumerate(parts):
        rising = bool(voltage[part][-1] > voltage[part][0])
        said = raw.direction or direction_in(raw.label) if len(parts) == 1 else ""
        said = said or (conditions.direction if len(parts) == 1 else "")
        order = "forward" if rising else "reverse"
        # beside a column that others share, a curve without a name may have been taken either way
        direction = said or ("" if raw.shared and len(parts) == 1 else order)
        own = list(notes)
        if not direction:
            own.append("the direction of the scan is not stated")
        if len(parts) > 1:
            own.append(f"sweep {number + 1} of {len(parts)} of one run")
        flip = said and said != order and not turned
        if flip and not raw.shared:
            own.append(
                f"called {said}, but its voltages {'rise' if rising else 'fall'} in the file: called {said} here"
            )
        rows = slice(None, None, -1) if said and said != order else slice(None)
        made.append(
            _found(
                source,
                raw,
                conditions,
                sample,
                voltage[part][rows],
                None if density is None else density[part][rows],
                None if current is None else current[part][rows],
                direction,
                own,
                suffix=f" sweep {number + 1}" if len(parts) > 1 else "",
            )
        )
    return made


def _found(
    source: Source,
    raw: RawCurve,
    conditions: Conditions,
    sample: str,
    voltage: F64,
    density: F64 | None,
    current: F64 | None,
    direction: str,
    notes: list[str],
    suffix: str,
) -> Found:
    seen = density if density is not None else current
    assert seen is not None
    limit = conditions.compliance
    if limit is not None and density is not None:
        # one that the file states for another quantity than it can be (in mA/cm2, say) is left alone
        limit = limit / raw.area.value if raw.area.value > 0.0 else None
    clipped, words = _clipped(voltage, seen, limit)
    notes += words
    dark = _dark(raw, conditions)
    if dark is None and density is not None and voltage.min() <= 0.0 <= voltage.max():
        order = np.argsort(voltage, kind="stable")
        at_zero = float(np.interp(0.0, voltage[order], density[order]))
        if abs(at_zero) < _DARK:
            dark = True
            notes.append("taken for one in the dark: less than 1 uA/cm2 at 0 V")
        elif abs(at_zero) > _MOST * max(_suns(conditions), 0.05):
            notes.append(
                f"{abs(at_zero) / 10.0:.4g} mA/cm2 at 0 V are more than this light can give: look at area and units"
            )
    irradiance = None if dark else conditions.irradiance
    # a light that is stated, but not in units of power, leaves the efficiency unknown
    light = 0.0 if dark else None if irradiance is not None and math.isnan(irradiance) else _suns(conditions)
    if not dark and irradiance is None:
        notes.append(LIGHT_NOT_STATED)
    variables: dict[str, object] = {}
    if density is not None:
        variables["current_density"] = ("voltage", density)
    else:
        notes.append('no area: no current density. Give one: --area "0.09 cm^2"')
    if current is not None:
        variables["current"] = ("voltage", current, {"units": "A", "long_name": "current"})
    if clipped.any():
        variables["clipped"] = (
            "voltage",
            clipped.astype(np.int8),
            {"units": "1", "long_name": "held by the limit of the source"},
        )
    about: dict[str, Any] = {
        "direction": direction or None,
        "light": light,
        "irradiance": irradiance,
        "temperature": conditions.temperature,
        "area": raw.area.value if raw.area.value > 0.0 else None,
        "label": raw.label or None,
        "sample": sample or source.path.stem,
        **raw.about,
    }
    name = " ".join(part.strip() for part in (sample or source.path.stem, raw.label, suffix) if part.strip())
    dataset = dataset_of(
        "jv", source, variables, {"voltage": voltage}, name=name, notes=worded(notes), **about
    )
    return Found(dataset, {} if dark else dict(raw.stated))


def _suns(conditions: Conditions) -> float:
    """Suns as the file states them; 1 where it does not."""
    stated = conditions.irradiance
    return 1.0 if stated is None or math.isnan(stated) else stated / 1e3


def _dark(raw: RawCurve, conditions: Conditions) -> bool | None:
    if raw.dark is not None:
        return raw.dark
    if is_dark(raw.label) != is_lit(raw.label):
        return is_dark(raw.label)
    return conditions.dark


def _per_area(
    source: Source, raw: RawCurve, density: F64 | None, current: F64 | None
) -> tuple[F64 | None, list[str]]:
    """The current density by the area that was asked for or that the file says, with what is to be said."""
    area, asked = raw.area, source.asked.area
    if density is None:
        assert current is not None
        return (current / area.value, list(area.notes)) if area.value > 0.0 else (None, [])
    if asked is not None:
        if current is not None:
            return current / asked, list(area.notes)
        own = raw.about.get("file_area")
        if isinstance(own, float) and own > 0.0:
            return density * (own / asked), [
                *area.notes,
                "current densities of the file scaled by both areas",
            ]
        return density, [
            "the area that was given changes nothing: the file holds current densities and no area or current"
        ]
    notes = []
    if current is not None and area.value > 0.0:
        large = np.abs(density) > 0.1 * np.abs(density).max()
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = float(np.median(np.abs(current[large] / (density[large] * area.value))))
        if not 0.99 < ratio < 1.01:
            notes.append(
                f"its currents and current densities differ by {ratio:.4g} times the area that it states; "
                "the current densities are as in the file"
            )
    return density, [*notes, *(note for note in area.notes if "two areas" in note)]


def _clipped(voltage: F64, current: F64, limit: float | None) -> tuple[NDArray[np.bool_], list[str]]:
    """(K,) which points a limit of the source holds: the last ones at forward bias where the current stands still
    after it rose, and any at the stated limit; and that in words."""
    order = np.argsort(voltage, kind="stable")
    size = np.abs(current[order])
    top = size[-1]
    alike = np.abs(size - top) <= _ALIKE * top
    run = int(np.argmin(alike[::-1])) if not alike.all() else size.size
    held = np.zeros(size.size, bool)
    if top > 0.0 and _CLIPPED <= run < size.size and run < 0.9 * size.size:
        before = np.abs(np.diff(size))[: size.size - run]
        steps = np.abs(np.diff(current[order][size.size - run :]))
        rise = float(before[-3:].mean()) if before.size else 0.0
        if top >= size.max() * (1.0 - _ALIKE) and rise > 20.0 * float(np.median(steps)):
            held[size.size - run :] = True
    if limit is not None:
        held |= size >= limit * 0.9995
    found = np.zeros(size.size, bool)
    found[order] = held
    count = int(held.sum())
    if not count:
        return found, []
    words = [f"{count} of {size.size} points are held by the limit of the source"]
    near = np.abs(voltage[order]) <= 2.0 * float(np.median(np.abs(np.diff(voltage[order]))) or 0.0)
    if held[near].any():
        words.append("so is the current at 0 V: its short-circuit current is a lower limit")
    return found, words


def _against_their_order(raw: Sequence[RawCurve]) -> list[str]:
    """For each curve why it has to be turned round against its voltages; "" where it has not.

    A program that writes several sweeps beside one column of voltages may write each in the order of its scan: a curve
    called reverse then runs against the column. The file's own Voc decides, and where there is none the others.
    """
    found = []
    tendencies = [_tendency(one) for one in raw]
    for number, one in enumerate(raw):
        why = ""
        values = one.current_density if one.current_density is not None else one.current
        assert values is not None
        stated = one.stated.get("voc")
        if stated is not None and one.shared:
            here, there = (
                _crosses(one.voltage, values, stated.value),
                _crosses(one.voltage, values[::-1], stated.value),
            )
            if there and not here:
                why = "turned round against its voltages: its own Voc is found so and not as it stands"
        elif one.shared and (one.direction or direction_in(one.label)):
            said = one.direction or direction_in(one.label)
            others = [
                tendency
                for other, tendency in zip(raw, tendencies, strict=True)
                if other.shared
                and (other.direction or direction_in(other.label)) not in ("", said)
                and tendency
            ]
            rising = bool(one.voltage[-1] > one.voltage[0])
            against = said == ("reverse" if rising else "forward")
            if against and others and tendencies[number] and all(t == -tendencies[number] for t in others):
                why = f"turned round against its voltages: it is called {said}, and the others run the other way"
        found.append(why)
    return found


def _tendency(raw: RawCurve) -> int:
    """Whether the current rises (1) or falls (-1) with the voltage."""
    values = raw.current_density if raw.current_density is not None else raw.current
    assert values is not None
    kept = np.isfinite(raw.voltage) & np.isfinite(values)
    voltage, current = raw.voltage[kept], values[kept]
    if voltage.size < _LEAST:
        return 0
    low, high = int(np.argmin(voltage)), int(np.argmax(voltage))
    return int(np.sign(current[high] - current[low]))


def _crosses(voltage: F64, current: F64, voc: float) -> bool:
    """Whether a curve vanishes at a voltage."""
    kept = np.isfinite(voltage) & np.isfinite(current)
    v, j = voltage[kept], current[kept]
    at = np.flatnonzero(np.sign(j[:-1]) * np.sign(j[1:]) <= 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        roots = v[at] - j[at] * (v[at + 1] - v[at]) / (j[at + 1] - j[at])
    return bool((np.abs(roots - voc) <= _NEAR).any())


def with_area(raw: RawCurve, area: Area, file_area: float) -> RawCurve:
    """The curve with its area, and what the file itself says of that (NaN: nothing)."""
    about = dict(raw.about)
    if file_area > 0.0:
        about["file_area"] = file_area
    return replace(raw, area=area, about=about)
