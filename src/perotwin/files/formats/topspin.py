"""NMR spectra as text of TopSpin: the limits of the axis in the header, then one intensity a line."""

from __future__ import annotations

import re

import numpy as np

from perotwin.errors import InputError
from perotwin.files.format import Format, Found, dataset_of
from perotwin.files.source import Source

__all__ = ["FORMATS"]

_REAL = r"([+-]?\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?)"
_LIMITS = re.compile(rf"#\s*LEFT\s*=\s*{_REAL}\s*(\w+)\.?\s*RIGHT\s*=\s*{_REAL}\s*(\w+)")
_SIZE = re.compile(r"#\s*SIZE\s*=\s*(\d+)")


def _sniff(source: Source) -> float:
    head = source.head[:3000]
    return 0.97 if _LIMITS.search(head) and _SIZE.search(head) else 0.0


def _read(source: Source) -> list[Found]:
    limits, size = _LIMITS.search(source.head), _SIZE.search(source.head)
    if limits is None or size is None:
        raise InputError(
            "the header does not say the limits of the axis.", "Export it again.", file=source.file
        )
    if {limits[2].lower(), limits[4].lower()} != {"ppm"}:
        raise InputError("the limits of the axis are not in ppm.", "Export it in ppm.", file=source.file)
    if len(re.findall(r"(?m)^#\s*(?:row|F1)", source.text[:200_000])) > 1:
        raise InputError(
            "the file holds a spectrum of two dimensions.", "Export one of one dimension.", file=source.file
        )
    left, right = (float(one.replace(",", ".")) for one in (limits[1], limits[3]))
    announced = int(size[1])
    values = []
    for line in source.lines:
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        value = source.number(text)
        if value is None:
            raise InputError(
                f"line {source.lines.index(line) + 1} is no intensity.",
                "The file is damaged: export it again.",
                file=source.file,
            )
        values.append(value)
    if len(values) < 2 or announced < 2 or len(values) > announced:
        raise InputError(
            f"{announced} points are announced and {len(values)} are there.",
            "Export it again.",
            file=source.file,
        )
    notes = []
    if len(values) < announced:
        notes.append(
            f"{announced} points are announced and {len(values)} are there: the end of the axis is missing."
        )
    # the two limits belong to the first and to the last point that is announced
    position = left + (right - left) * np.arange(len(values)) / (announced - 1)
    dataset = dataset_of(
        "ftir_nmr",
        source,
        {"signal": ("position", np.array(values))},
        {"position": ("position", position, {"units": "ppm"})},
        notes=[f"the axis runs evenly from {left:g} to {right:g} ppm, as the header says.", *notes],
        units={"signal": "1"},
        ordinate="intensity",
    )
    return [Found(dataset)]


FORMATS = (Format("topspin", "NMR spectrum as text of TopSpin", ("ftir_nmr",), (".txt",), _sniff, _read),)
