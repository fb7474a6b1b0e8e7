"""A table of results, then one matrix of all curves: "U [V]/Exposure [h]", a column for each row of the table."""

from __future__ import annotations

import re

import numpy as np

from perotwin.errors import InputError
from perotwin.files.blocks import blocks
from perotwin.files.format import Format, Found
from perotwin.files.headings import heading_of
from perotwin.files.jv_curves import RawCurve, curves
from perotwin.files.kinds import direction_in, is_dark, quantity_of
from perotwin.files.merit import Area, Conditions
from perotwin.files.source import Source
from perotwin.measurement.metrics import Metric

__all__ = ["FORMATS"]


def _sniff(source: Source) -> float:
    first = source.head.split("\n", 1)[0]
    if not re.search(r"(?i)jsc", first) or not re.search(r"(?i)voc", first) or "\t" not in first:
        return 0.0
    return 0.9 if re.search(r"(?m)^U \[V\]/", source.text) else 0.0


def _read(source: Source) -> list[Found]:
    found = blocks(source, least_rows=1)
    table = next((one for one in found if any("voc" in head.lower() for head in one.headings)), None)
    matrix = next((one for one in found if one.headings[0].startswith("U [V]")), None)
    if table is None or matrix is None:
        raise InputError("it has no table of results or no curves.", "Export it again.", file=source.file)
    count = table.values.shape[0]
    if matrix.values.shape[1] != count + 1:
        raise InputError(
            f"it lists {count} results, but {matrix.values.shape[1] - 1} curves.",
            "Export it again.",
            file=source.file,
        )
    headings = [heading_of(one) for one in table.headings]
    kinds = [quantity_of(one) for one in headings]
    area_at = next(
        (n for n, one in enumerate(headings) if one.kind == "area" or "area" in one.name.lower()), None
    )
    light_at = next((n for n, one in enumerate(headings) if "intensity" in one.name.lower()), None)
    name_at = next((n for n, one in enumerate(headings) if one.name.lower() in ("file", "name")), None)
    raw = []
    light = None
    for row in range(count):
        stated = {}
        for name, unit in (("voc", "V"), ("jsc", "A m-2"), ("ff", "1"), ("pce", "1")):
            if name in kinds:
                heading = headings[kinds.index(name)]
                value = float(table.values[row, kinds.index(name)])
                factor = heading.unit.factor if heading.unit is not None else (0.01 if value > 1.5 else 1.0)
                stated[name] = Metric(value * factor, unit, "stated by the file")
        area = np.nan
        if area_at is not None:
            said = headings[area_at].unit
            area = float(table.values[row, area_at]) * (1e-4 if said is None else said.factor)
        if light_at is not None:
            said = headings[light_at].unit
            value = float(table.values[row, light_at]) * (10.0 if said is None else said.factor)
            light = value if value > 0.0 else None
        label = (
            table.beside[name_at][row] if name_at is not None and name_at in table.beside else str(row + 1)
        )
        raw.append(
            RawCurve(
                matrix.values[:, 0],
                matrix.values[:, row + 1] * 10.0,
                None,
                label=re.sub(r"\.\w{1,4}$", "", label),
                area=Area(source.asked.area if source.asked.area is not None else area),
                stated=stated,
                direction=direction_in(label),
                dark=True if is_dark(label) else None,
                shared=True,
                notes=("current densities are taken for mA/cm2, as in the table of results",),
                about={"file_area": area},
            )
        )
    return curves(source, raw, Conditions(light), source.path.stem)


FORMATS = (
    Format("jv_matrix", "table of results, then a matrix of all curves", ("jv",), (".txt",), _sniff, _read),
)
