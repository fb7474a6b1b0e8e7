"""Results of measured files in the names of the NOMAD perovskite solar cell schema, and as a workbook.

The schema is that of the package perovskite-solar-cell-database (section PerovskiteSolarCell; Jacobsson et al.,
doi:10.1038/s41560-021-00941-3). A pixel becomes an archive; numbers are in the units that the schema states for each
quantity: fill factors as fractions, efficiencies in %, temperatures in degrees Celsius.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from perotwin.errors import InputError
from perotwin.measurement import file_name, write_atomically, write_text

__all__ = ["NAMES", "export"]

_SCHEMA = "perovskite_solar_cell_database.schema.PerovskiteSolarCell"
#: metric -> end of its name in the section of current-voltage curves, and what turns our field unit into theirs
_OF_CURVES = {
    "voc": ("Voc", 1.0), "jsc": ("Jsc", 1.0), "ff": ("FF", 0.01), "pce": ("PCE", 1.0), "vmp": ("Vmp", 1.0),
    "jmp": ("Jmp", 1.0), "rs": ("series_resistance", 1.0), "rsh": ("shunt_resistance", 1.0),
}  # fmt: skip
_OF_STABILISED = {
    "stabilised_pce": "performance_PCE",
    "stabilised_voltage": "performance_Vmp",
    "stabilised_current": "performance_Jmp",
}
_OF_EQE = {
    "jsc_integrated": ("integrated_Jsc", 1.0),
    "bandgap": ("bandgap_eqe", 1.0),
    "urbach_energy": ("urbach_energy", 1e-3),
    "voc_radiative": ("voc_rad", 1.0),
}
#: every name that may be written, by section; a test holds them against the schema where that is installed
NAMES: dict[str, tuple[str, ...]] = {
    "jv": (
        "measured", "average_over_n_number_of_cells", "light_intensity", "light_mask_area", "data_file",
        "hysteresis_index", "jv_curve",
        *(f"{way}_scan_{end}" for way in ("reverse", "forward") for end, _ in _OF_CURVES.values()),
        *(f"default_{end}" for end in ("Voc", "Jsc", "FF", "PCE")),
        *(f"default_{end}_scan_direction" for end in ("Voc", "Jsc", "FF", "PCE")),
    ),
    "stabilised": (
        "performance_measured", "performance_procedure", "performance_measurement_time", *_OF_STABILISED.values(),
    ),
    "eqe": ("measured", *(end for end, _ in _OF_EQE.values()), "raw_eqe_array", "raw_wavelength_array"),
}  # fmt: skip


def export(folder: str | Path, *, nomad: bool = False, workbook: bool = False) -> list[Path]:
    """Write results that `workflows.analyse` left in a folder in other forms, beside them.

    Parameters
    ----------
    nomad : one archive a pixel, nomad/<pixel>.archive.json. workbook : results.xlsx, a sheet for each instrument.

    Returns
    -------
    The files.

    Raises
    ------
    InputError : there are no results in the folder, nothing was asked for, or the library of workbooks is missing.
    """
    place = Path(folder)
    if not (nomad or workbook):
        raise InputError("nothing was asked for.", "Add --nomad or --xlsx.", key="export")
    results = _results(place)
    written: list[Path] = []
    if nomad:
        written += _archives(place, results)
    if workbook:
        written.append(_workbook(place, results))
    return written


def _results(folder: Path) -> list[dict[str, Any]]:
    path = folder / "results.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        results = [one for one in document["results"] if "error" not in one]
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(
            "the folder holds no results of perotwin analyse.",
            "Run perotwin analyse FILE... -o FOLDER first.",
            file=str(path),
        ) from None
    if not all(isinstance(one, dict) and "instrument" in one for one in results):
        raise InputError(
            "these results are not those of measured files.",
            "Give a folder that perotwin analyse wrote.",
            file=str(path),
        )
    if not results:
        raise InputError(
            "no measurement among the results was read.",
            "See on its page why, and analyse again.",
            file=str(path),
        )
    return results


def _archives(folder: Path, results: Sequence[Mapping[str, Any]]) -> list[Path]:
    pixels: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for one in results:
        pixels.setdefault((str(one.get("group", "")), str(one.get("pixel") or one["stack"])), []).append(one)
    place = folder / "nomad"
    written: list[Path] = []
    taken: list[str] = []
    for (group, pixel), measured in pixels.items():
        data = _data(measured)
        if len(data) == 1:
            continue
        name = file_name(f"{group} {pixel}".strip(), taken)
        taken.append(name)
        place.mkdir(exist_ok=True)
        text = json.dumps({"data": data}, ensure_ascii=False, allow_nan=False, indent=1)
        written.append(write_text(place / f"{name}.archive.json", text + "\n"))
    if not written:
        raise InputError(
            "no measurement among the results has a place in the schema.",
            "It holds current-voltage curves, stabilised power and quantum efficiencies.",
        )
    return written


def _data(measured: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The sections of a pixel."""
    data: dict[str, Any] = {"m_def": _SCHEMA}
    curves = [one for one in measured if one["instrument"] == "jv" and _shining(one)]
    if curves:
        data["jv"] = _jv(curves)
    for one in measured:
        metrics = one.get("metrics") or {}
        if one["instrument"] == "mppt" and "stabilised" not in data:
            section = {"performance_measured": True, "performance_procedure": "MPPT"}
            section |= {theirs: _value(metrics, ours) for ours, theirs in _OF_STABILISED.items()}
            time = (one.get("time") or {}).get("value")
            if time:
                section["performance_measurement_time"] = (time[-1] - time[0]) / 60.0
            data["stabilised"] = _known(section)
        if one["instrument"] == "eqe" and "eqe" not in data:
            section = {"measured": True}
            section |= {theirs: _value(metrics, ours, factor) for ours, (theirs, factor) in _OF_EQE.items()}
            for ours, theirs in (("wavelength", "raw_wavelength_array"), ("eqe", "raw_eqe_array")):
                values = (one.get(ours) or {}).get("value")
                if values:
                    section[theirs] = values
            data["eqe"] = _known(section)
    return data


def _shining(one: Mapping[str, Any]) -> bool:
    return bool((one.get("light") or {}).get("value", 1.0))


def _jv(curves: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    section: dict[str, Any] = {
        "measured": True,
        "average_over_n_number_of_cells": 1,
        "data_file": Path(curves[0]["file"]).name,
    }
    by_way: dict[str, Mapping[str, Any]] = {}
    for one in curves:
        scan = one["scans"][0]
        by_way.setdefault(scan["direction"], scan["metrics"])
        section.setdefault("jv_curve", []).append(
            {
                "cell_name": one["stack"],
                "voltage": scan["curve"]["voltage"]["value"],
                "current_density": scan["curve"]["current_density"]["value"],
            }
        )
    for way in ("reverse", "forward"):
        for ours, (end, factor) in _OF_CURVES.items():
            section[f"{way}_scan_{end}"] = _value(by_way.get(way, {}), ours, factor)
    way, best = max(by_way.items(), key=lambda item: _value(item[1], "pce") or 0.0)
    for ours, end in (("voc", "Voc"), ("jsc", "Jsc"), ("ff", "FF"), ("pce", "PCE")):
        section[f"default_{end}"] = _value(best, ours, 0.01 if ours == "ff" else 1.0)
        if way in ("reverse", "forward"):
            section[f"default_{end}_scan_direction"] = "Reversed" if way == "reverse" else "Forward"
    there, back = section.get("forward_scan_PCE"), section.get("reverse_scan_PCE")
    if there is not None and back:
        section["hysteresis_index"] = (back - there) / back
    area = curves[0].get("area_cm2")
    if area:
        section["light_mask_area"] = area
    light = (curves[0].get("light") or {}).get("value")
    if light:
        section["light_intensity"] = 100.0 * light
    return _known(section)


def _value(metrics: Mapping[str, Any], name: str, factor: float = 1.0) -> float | None:
    value = (metrics.get(name) or {}).get("value")
    return None if value is None else value * factor


def _known(section: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in section.items() if value is not None}


def _workbook(folder: Path, results: Sequence[Mapping[str, Any]]) -> Path:
    """A sheet of metrics for each instrument: a row a measurement, units in the heads."""
    try:
        import openpyxl
    except ImportError:
        raise InputError(
            "workbooks need a library that is not installed.", 'pip install "perotwin[files]"'
        ) from None
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for instrument in dict.fromkeys(str(one["instrument"]) for one in results):
        sheet = book.create_sheet(instrument[:31])
        rows = []
        heads: dict[str, None] = {}
        for one in (item for item in results if item["instrument"] == instrument):
            scan = (one.get("scans") or [{}])[0]
            metrics = one.get("metrics") or scan.get("metrics") or {}
            row: dict[str, Any] = {
                "measurement": one["stack"],
                "group": one.get("group", ""),
                "file": one["file"],
            }
            if scan:
                row["direction"] = scan.get("direction", "")
            for name, metric in metrics.items():
                head = name if metric["unit"] == "1" else f"{name} ({metric['unit']})"
                row[head] = metric["value"]
                if "uncertainty" in metric:
                    row[f"{head} ±"] = metric["uncertainty"]
            for name, metric in (one.get("stated") or {}).items():
                row[f"{name} ({metric['unit']}), stated"] = metric["value"]
            rows.append(row)
            heads |= dict.fromkeys(row)
        sheet.append([_plain(head) for head in heads])
        for row in rows:
            sheet.append([_plain(row.get(head)) for head in heads])
    return write_atomically(folder / "results.xlsx", lambda temporary: book.save(temporary))


def _plain(value: Any) -> Any:
    """A cell that a spreadsheet takes for no formula, and without characters that it refuses."""
    if isinstance(value, str):
        text = "".join(letter for letter in value if letter.isprintable())
        return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
    return value
