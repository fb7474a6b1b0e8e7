"""HZB IRIS, JSON: curves with set, raw and corrected voltages; the irradiance is in W/m2 or, newer, in mW/cm2."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import numpy as np

from perotwin.errors import InputError
from perotwin.files.format import Format, Found
from perotwin.files.headings import heading_of
from perotwin.files.jv_curves import RawCurve, curves
from perotwin.files.merit import Area, Conditions
from perotwin.files.source import Source
from perotwin.measurement.metrics import Metric

__all__ = ["FORMATS"]

_FIGURES = {
    "Voc": ("voc", "V"),
    "Jsc": ("jsc", "A m-2"),
    "FF": ("ff", "1"),
    "Eff_1000": ("pce", "1"),
    "V_mpp": ("vmp", "V"),
    "J_mpp": ("jmp", "A m-2"),
}
_VOLTAGES = ("V_corr", "V_meas", "V_raw", "V_set", "V")


def _sniff(source: Source) -> float:
    head = source.head
    if not head.lstrip().startswith("{"):
        return 0.0
    return (
        0.95
        if '"curve_parameters"' in head or ('"measurements"' in head and re.search(r'"V_\w+ \[', head))
        else 0.0
    )


def _read(source: Source) -> list[Found]:
    try:
        document = json.loads(source.text)
    except (ValueError, RecursionError):
        raise InputError(
            "it is no JSON: the end may be missing.", "Export it again.", file=source.file
        ) from None
    data = document.get("data") if isinstance(document, dict) else None
    if not isinstance(data, list) or not all(isinstance(one, dict) for one in data):
        raise InputError('it has no list "data" of curves.', "Export it again.", file=source.file)
    found: list[Found] = []
    general = document.get("parameters")
    for one in data:
        found += _curve(source, one, general if isinstance(general, dict) else {})
    if not found:
        raise InputError("it has no curves.", "Export it again.", file=source.file)
    return found


def _curve(source: Source, entry: dict[str, Any], general: dict[str, Any]) -> list[Found]:
    rows = entry.get("measurements")
    stated = entry.get("curve_parameters")
    stated = stated if isinstance(stated, dict) else {}
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise InputError("one of its curves has no points.", "Export it again.", file=source.file)
    keys = {heading_of(key).name: key for key in rows[0]}

    def column(*names: str) -> tuple[np.ndarray, str] | None:
        for name in names:
            if name in keys:
                unit = heading_of(keys[name]).unit
                values = np.array([_number(row.get(keys[name])) for row in rows])
                return values * (1.0 if unit is None else unit.factor), name
        return None

    voltage, density, current = column(*_VOLTAGES), column("J", "j", "J_corr"), column("I_corr", "I", "I_raw")
    if voltage is None or (density is None and current is None):
        raise InputError(
            "one of its curves has no voltage or no current.", "Export it again.", file=source.file
        )
    notes = [f"voltage is {voltage[1]}"] if len([one for one in _VOLTAGES if one in keys]) > 1 else []
    light, words = _irradiance(stated, general)
    notes += [words] if words else []
    figures = {}
    for key, value in stated.items():
        heading = heading_of(key)
        if heading.name in _FIGURES and heading.unit is not None:
            name, unit = _FIGURES[heading.name]
            if not math.isnan(number := _number(value)):
                figures[name] = Metric(number * heading.unit.factor, unit, "stated by the file")
    area = _number(_of(stated, "area"))
    sample = str(entry.get("sample") or _of(stated, "sample_name") or source.path.stem)
    temperature = _number(_of(stated, "T_meas", general.get("temperature")))
    direction = {"fwd": "forward", "rev": "reverse", "forward": "forward", "reverse": "reverse"}.get(
        str(entry.get("direction") or _of(stated, "sweep_sequence") or "").lower(), ""
    )
    dark = bool(re.search(r"(?i)dark", str(_of(stated, "spectrum") or general.get("spectrum") or "")))
    own = source.asked.area if source.asked.area is not None else area * 1e-4
    said = (f"area {own * 1e4:.6g} cm2",) if own > 0.0 else ()
    raw = RawCurve(
        voltage[0],
        None if density is None else density[0],
        None if current is None else current[0],
        label=" ".join(str(part) for part in (entry.get("cell"), direction) if part),
        area=Area(own if own > 0.0 else math.nan, said),
        stated=figures,
        direction=direction,
        dark=True if dark else None,
        notes=tuple(notes),
        about={"pixel": str(entry.get("cell") or "")},
    )
    conditions = Conditions(light, temperature + 273.15 if temperature > -100.0 else None, sample)
    return curves(source, [raw], conditions, sample)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan


def _of(stated: dict[str, Any], name: str, default: Any = None) -> Any:
    return next(
        (value for key, value in stated.items() if heading_of(key).name == name or key == name), default
    )


def _irradiance(stated: dict[str, Any], general: dict[str, Any]) -> tuple[float | None, str]:
    """W m^-2, by the unit in the key, or else by its size: no cell of this kind is measured at 100 W/m2 or 1000 mW/cm2
    without saying so."""
    for key, value in [*stated.items(), *general.items()]:
        heading = heading_of(key)
        number = _number(value)
        if heading.name.lower() != "irradiance" or math.isnan(number) or number == 0.0:
            continue
        if heading.unit is not None:
            return number * heading.unit.factor, ""
        if number > 250.0:
            return number, "the unit of the irradiance is not stated: taken for W/m2 by its size"
        return 10.0 * number, "the unit of the irradiance is not stated: taken for mW/cm2 by its size"
    return None, ""


FORMATS = (Format("iris_json", "HZB IRIS, JSON", ("jv",), (".json",), _sniff, _read),)
