"""Traces against time: power tracking, with the signs that trackers give voltage, current and power."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError
from perotwin.files.blocks import Block
from perotwin.files.format import Found, dataset_of
from perotwin.files.header import Header
from perotwin.files.headings import Heading
from perotwin.files.kinds import quantity_of
from perotwin.files.merit import area_of, conditions_of, stated_of, worded
from perotwin.files.source import Source

__all__ = ["mppt_of_block", "mppt_of_blocks", "times"]

F64 = NDArray[np.float64]
#: ways to write a moment, those that are unambiguous first; of the others the one whose moments rise is taken
_MOMENTS = (
    "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S", "%Y/%m/%d %H:%M:%S",
    "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M:%S.%f", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M:%S %p", "%d-%m-%Y %H:%M:%S", "%H:%M:%S", "%H:%M:%S.%f",
)  # fmt: skip


def times(block: Block, source: Source, notes: list[str]) -> tuple[F64, int]:
    """(R,) seconds and the number of the column that says them: numbers with a unit, else moments.

    Raises
    ------
    InputError : there is none, or its unit is neither said nor needed.
    """
    headings = block.columns
    named = [at for at, one in enumerate(headings) if quantity_of(one) == "time"]
    whole = [at for at in named if at not in block.beside and np.isfinite(block.values[:, at]).mean() > 0.5]
    united = [at for at in whole if headings[at].unit is not None]
    if united:
        at = united[0]
        unit = headings[at].unit
        assert unit is not None
        return block.values[:, at] * unit.factor, at
    moments = [at for at in block.beside if _moments(block.beside[at]) is not None]
    if whole:
        at = whole[0]
        notes.append("the unit of the time is not stated: taken for s")
        return block.values[:, at], at
    if moments:
        at = moments[0]
        found = _moments(block.beside[at])
        assert found is not None
        notes.append(f"time from the moments in the file ({found[1]})")
        return found[0], at
    raise InputError("it has no column of time.", "Say which it is: --columns.", file=source.file)


def _moments(cells: Sequence[str]) -> tuple[F64, str] | None:
    """(R,) seconds since the first moment, and how it was read; None where the cells are none."""
    first = next((cell for cell in cells if cell), "")
    best: tuple[F64, str] | None = None
    for way in _MOMENTS:
        try:
            datetime.datetime.strptime(first, way)
            found = [datetime.datetime.strptime(cell, way) if cell else None for cell in cells]
        except ValueError:
            continue
        start = next(one for one in found if one is not None)
        seconds = np.array([np.nan if one is None else (one - start).total_seconds() for one in found])
        if not way.startswith("%H"):
            words = re.sub("%[HIMSfp].*", "", way).replace("%", "").strip()
        else:
            words = "time of the day"
            seconds += 86400.0 * np.cumsum(np.concatenate([[0.0], np.diff(seconds) < -43200.0]))
        if best is None or (np.diff(seconds) < 0).sum() < (np.diff(best[0]) < 0).sum():
            best = seconds, words
    return best


def mppt_of_blocks(source: Source, found: Sequence[Block], header: Header, sample: str = "") -> Found:
    """One trace from the tables of a file that follow each other in time."""
    first = found[0]
    parts = [one for one in found if one.values.shape[1] == first.values.shape[1]]
    whole = Block(
        np.concatenate([one.values for one in parts]),
        first.headings,
        tuple(line for one in parts for line in one.lines),
        first.above,
        {
            at: tuple(cell for one in parts for cell in one.beside.get(at, ("",) * len(one.lines)))
            for at in first.beside
        },
        sum(one.ragged for one in parts),
    )
    return mppt_of_block(source, whole, header, sample)


def mppt_of_block(source: Source, block: Block, header: Header, sample: str = "") -> Found:
    """The power that a table tracks, positive where the cell gives it.

    Raises
    ------
    InputError : neither power nor what it is made of is there.
    """
    conditions = conditions_of(header, source)
    notes = list(conditions.notes)
    time, _ = times(block, source, notes)
    headings = block.columns
    by_kind: dict[str, list[int]] = {}
    for at, one in enumerate(headings):
        kind = quantity_of(one)
        if not kind and re.search(r"radiation|irradiance", one.text, re.IGNORECASE):
            kind = "irradiance"
        if at not in block.beside or np.isfinite(block.values[:, at]).mean() > 0.5:
            by_kind.setdefault(kind, []).append(at)

    def column(*kinds: str) -> tuple[F64, Heading] | None:
        for kind in kinds:
            for at in by_kind.get(kind, []):
                return block.values[:, at], headings[at]
        return None

    voltage = _scaled(column("voltage", "vmp"), 1.0)
    if voltage is not None and column("voltage", "vmp")[1].unit is None and np.nanmax(np.abs(voltage)) > 50.0:  # type: ignore[index]  # there is one
        voltage = voltage * 1e-3
        notes.append("the unit of the voltage is not stated: taken for mV by its size")
    density = _scaled(column("current_density", "jsc"), 10.0)
    if density is not None and column("current_density", "jsc")[1].unit is None:  # type: ignore[index]  # there is one
        notes.append("the unit of the current density is not stated: taken for mA/cm2")
    area = area_of(header, source)
    current = column("current", "jmp")
    if current is not None and current[1].unit is not None and current[1].kind == "current":
        amperes = current[0] * current[1].unit.factor
        if (density is None and area.value > 0.0) or (density is not None and source.asked.area is not None):
            density = amperes / area.value
            notes += area.notes
    power = _power(column("power_density", "pmp", "power"), voltage, density, notes)
    if power is None and column("pce") is not None:
        values, heading = column("pce")  # type: ignore[misc]  # there is one
        fraction = values * (0.01 if heading.unit is None else heading.unit.factor)
        power = fraction * (
            conditions.irradiance if conditions.irradiance and conditions.irradiance > 0.0 else 1000.0
        )
        notes.append("power from the efficiency in the file")
    if power is None:
        raise InputError(
            "it has no power, nor voltage and current density to make it of.",
            'If the area is all that is missing: --area "0.09 cm^2".',
            file=source.file,
        )
    kept = np.isfinite(time) & np.isfinite(power)
    missing = int(kept.size - kept.sum())
    if missing:
        notes.append(f"{missing} of {kept.size} rows hold no time or power")
    if kept.sum() < 3:
        raise InputError("it holds fewer than three moments.", "Export it again.", file=source.file)
    time, power = time[kept], power[kept]
    voltage = None if voltage is None else voltage[kept]
    density = None if density is None else density[kept]
    backwards = int((np.diff(time) < 0.0).sum())
    if backwards:
        notes.append(f"the time jumps back {backwards} times: sorted")
        order = np.argsort(time, kind="stable")
        time, power = time[order], power[order]
        voltage = None if voltage is None else voltage[order]
        density = None if density is None else density[order]
    power, voltage, density, words = _oriented(power, voltage, density)
    notes += words
    variables: dict[str, object] = {"power_density": ("time", power)}
    if voltage is not None:
        variables["voltage"] = ("time", voltage)
    if density is not None:
        variables["current_density"] = ("time", density)
    light = column("irradiance")
    irradiance = conditions.irradiance
    if light is not None:
        received = light[0][kept] * _light_unit(light, notes)
        variables["received_irradiance"] = ("time", received, {"units": "W m-2", "long_name": "irradiance"})
        if irradiance is None and np.isfinite(received).any() and np.nanmedian(received) > 0.0:
            irradiance = float(np.nanmedian(received))
            notes.append(
                f"efficiencies with the median of the light that was recorded, {irradiance:.5g} W/m2"
            )
    if irradiance is None:
        notes.append("the light is not stated: taken for 100 mW/cm2")
    dataset = dataset_of(
        "mppt",
        source,
        variables,
        {"time": time},
        name=sample or conditions.sample,
        notes=worded(notes),
        irradiance=irradiance,
        temperature=conditions.temperature,
        area=area.value if area.value > 0.0 else None,
        sample=sample or conditions.sample or source.path.stem,
    )
    stated = {
        {"pce": "stabilised_pce", "vmp": "stabilised_voltage"}[name]: metric._replace(value=abs(metric.value))
        for name, metric in stated_of(header).items()
        if name in ("pce", "vmp")
    }
    return Found(dataset, stated)


def _scaled(found: tuple[F64, Heading] | None, default: float) -> F64 | None:
    if found is None:
        return None
    values, heading = found
    return values * (default if heading.unit is None else heading.unit.factor)


def _light_unit(light: tuple[F64, Heading], notes: list[str]) -> float:
    values, heading = light
    if heading.unit is not None:
        return heading.unit.factor
    if np.nanmedian(values) > 200.0:
        notes.append("the unit of the light is not stated: taken for W/m2 by its size")
        return 1.0
    notes.append("the unit of the light is not stated: taken for mW/cm2 by its size")
    return 10.0


def _power(
    found: tuple[F64, Heading] | None, voltage: F64 | None, density: F64 | None, notes: list[str]
) -> F64 | None:
    """(R,) power density, W m^-2, by the column of power and by voltage times current density."""
    product = None if voltage is None or density is None else voltage * density
    if found is None:
        return product
    values, heading = found
    if heading.unit is not None and heading.kind == "power density":
        power = values * heading.unit.factor
    elif product is None:
        return None
    elif heading.unit is None:
        power = values * 10.0
    else:
        return product
    if product is None:
        return power
    finite = np.isfinite(power) & np.isfinite(product) & (np.abs(power) > 0.05 * np.nanmax(np.abs(power)))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = float(np.median(np.abs(product[finite] / power[finite]))) if finite.any() else 1.0
    if abs(ratio - 1.0) > 0.02:
        notes.append(
            f"voltage times current density is {ratio:.4g} times the power in the file; used is the product"
        )
        return product
    return power


def _oriented(
    power: F64, voltage: F64 | None, density: F64 | None
) -> tuple[F64, F64 | None, F64 | None, list[str]]:
    """Power, voltage and current counted as in this package: all positive where the cell gives power."""
    notes = []
    late = slice(power.size // 2, None)
    if voltage is not None and np.nanmedian(voltage[late]) < 0.0:
        voltage = -voltage
        notes.append("the sign of the voltage turned round")
    if voltage is not None and density is not None:
        if np.nanmedian(density[late]) < 0.0:
            density = -density
            notes.append("the sign of the current turned round")
        made = voltage * density
        # power has the signs of the two; a file may count it the other way
        same = np.nansum(np.sign(made) * np.sign(power))
        if same < 0.0:
            power = -power
            notes.append("the sign of the power turned round")
    elif np.nanmedian(power[late]) < 0.0:
        power = -power
        notes.append("the sign of the power turned round")
    return power, voltage, density, notes
