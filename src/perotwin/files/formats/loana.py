"""LOANA of pv-tools: sections, labels of columns, then the data; in the light, in the dark, and Isc-Voc."""

from __future__ import annotations

import re

import numpy as np

from perotwin.errors import InputError
from perotwin.files.blocks import Block
from perotwin.files.format import Format, Found, dataset_of, has
from perotwin.files.header import Header, header_of
from perotwin.files.jv_tables import jv_of_block
from perotwin.files.kinds import quantity_of
from perotwin.files.merit import area_of, conditions_of
from perotwin.files.source import Source
from perotwin.measurement.metrics import Metric

__all__ = ["FORMATS"]


def _sniff(source: Source) -> float:
    return 0.95 if has(source.head, "[General]", "[Measurement]", "Label1:", "LOANA") else 0.0


def _table(source: Source) -> Block:
    """The data under the headings that the labels are.

    Raises
    ------
    InputError : there are no data.
    """
    start = next((n for n, line in enumerate(source.lines) if line.strip() == "**Data**"), None)
    if start is None:
        raise InputError('it has no line "**Data**".', "Export it again: it is cut off.", file=source.file)
    headings = []
    for line in source.lines[:start]:
        label = re.match(r"Label\d+:\t([^\t]*)\t?(\[[^\]]*\])?", line)
        if label is not None:
            headings.append(f"{label[1]} {label[2] or ''}".strip())
    rows, lines = [], []
    for number, line in enumerate(source.lines[start + 1 :], start=start + 2):
        cells = source.cells(line)[: len(headings)]
        values = [source.number(cell) for cell in cells]
        if len(values) == len(headings) and all(value is not None for value in values):
            rows.append([np.nan if value is None else value for value in values])
            lines.append(number)
    if not rows or not headings:
        raise InputError("it has no data below its labels.", "Export it again.", file=source.file)
    return Block(np.array(rows), tuple(headings), tuple(lines), source.lines[:start])


def _read(source: Source) -> list[Found]:
    block = _table(source)
    header = header_of(source, block.above)
    sample = header.text(r"^ cell ?name ")
    if re.search(r"(?i)isc.?voc|suns.?voc", header.text(r"^ mode ")):
        return [_isc_voc(source, block, header, sample)]
    return jv_of_block(source, block, header, sample=sample)


def _isc_voc(source: Source, block: Block, header: Header, sample: str) -> Found:
    """Pairs of Voc and photocurrent; the third column is the same, shifted by the current at one sun."""
    headings = block.columns
    shifted = next((n for n, one in enumerate(headings) if "shifted" in one.name.lower()), None)
    kinds = [quantity_of(one) for one in headings]
    plain = next((n for n, kind in enumerate(kinds) if kind == "current" and n != shifted), None)
    volt = next((n for n, kind in enumerate(kinds) if kind == "voltage"), None)
    if shifted is None or plain is None or volt is None:
        raise InputError(
            "it has no voltage, current and shifted current.", "Export it again.", file=source.file
        )

    def si(at: int) -> np.ndarray:
        unit = headings[at].unit
        return block.values[:, at] * (1.0 if unit is None else unit.factor)

    voltage, current = si(volt), si(plain)
    full = float(np.median(current - si(shifted)))
    area = area_of(header, source)
    conditions = conditions_of(header, source)
    notes = [*area.notes, f"short-circuit current at one sun {1e3 * full:.6g} mA, by the shifted current"]
    if not area.value > 0.0:
        raise InputError("it states no area.", 'Give one: --area "4 cm^2".', file=source.file)
    dataset = dataset_of(
        "suns_voc",
        source,
        {
            "voltage": ("point", voltage),
            "current_density": ("point", current / area.value),
            "intensity": ("point", current / full, {"units": "sun"}),
        },
        {},
        name=sample,
        notes=notes,
        jsc=full / area.value,
        area=area.value,
        temperature=conditions.temperature,
        sample=sample,
    )
    value = header.number(r"^ p ?ff ")
    return Found(dataset, {} if np.isnan(value) else {"pseudo_ff": Metric(value, "1", "stated by the file")})


FORMATS = (
    Format(
        "loana",
        "LOANA (pv-tools): light, dark and Isc-Voc",
        ("jv", "suns_voc"),
        (".lgt", ".drk", ".jv"),
        _sniff,
        _read,
    ),
)
