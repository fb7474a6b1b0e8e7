"""What perotwin itself wrote: measurements as NetCDF, of `run`, of every instrument's command and of `convert`."""

from __future__ import annotations

import json

from perotwin.errors import InputError, shown
from perotwin.files.format import Format, Found
from perotwin.files.source import Source
from perotwin.lab.registry import find, titles

__all__ = ["FORMATS"]

#: how an HDF5 file begins, and the least that one of ours has
_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def _sniff(source: Source) -> float:
    return 0.9 if source.content[:8] == _SIGNATURE else 0.0


def _read(source: Source) -> list[Found]:
    from perotwin.measurement import load, validate

    dataset = load(source.path)
    name = str(dataset.attrs.get("instrument", ""))
    if find(name) is None:
        raise InputError(
            f'it is an HDF5 file of no instrument that is known ("{shown(name, 30)}").',
            "Give a file that perotwin wrote, or export the measurement as text.",
        )
    try:
        validate(dataset)
    except ValueError as fault:
        raise InputError(
            f"it is not a whole measurement: {fault}", "Write it again with perotwin, or export it as text."
        ) from None
    said = dataset.attrs.get("notes") or "[]"
    about = {
        "stack": str(dataset.attrs.get("stack") or source.path.stem),
        "file": source.file,
        "notes": said if isinstance(said, str) else json.dumps([str(one) for one in said]),
    }
    return [Found(dataset.assign_attrs(about))]


FORMATS = (
    Format("perotwin", "measurement written by perotwin (.nc)", tuple(titles()), (".nc",), _sniff, _read),
)
