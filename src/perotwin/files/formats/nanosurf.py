"""Nanosurf (.nid): a header of sections, then "#!" and the channels one after another as integers."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from perotwin.errors import InputError, shown
from perotwin.files.format import Format, Found
from perotwin.files.formats.scanned_maps import MOST_PIXELS, Channel, found_of, unit_factor
from perotwin.files.source import Source

__all__ = ["FORMATS", "Scan", "scans"]

_MARK = b"#!"
_LONGEST_HEADER = 2_000_000
_ADVICE = "The file is not whole: copy it again."


@dataclass(frozen=True)
class Scan:
    """A channel as stored. values: (L, P), already in `unit` with its prefix. frame: "Scan forward" and so on."""

    name: str
    frame: str
    unit: str
    values: np.ndarray
    axes: tuple[tuple[float, str], tuple[float, str]]


def scans(content: bytes) -> list[Scan]:
    """The channels of a .nid file.

    Raises:
        InputError: it is none, ends early, or has channels of a layout that nobody has described.
    """
    end = content.find(_MARK, 0, _LONGEST_HEADER)
    if end < 0 or b"[DataSet]" not in content[:end]:
        raise InputError("this is no file of Nanosurf: it has no header with an end.", _ADVICE)
    sections = _sections(content[:end].decode("cp1252", "replace"))
    listed = sections.get("DataSet", {})
    order = [
        listed[key]
        for key in sorted(
            (key for key in listed if re.fullmatch(r"Gr\d+-Ch\d+", key)),
            key=lambda key: tuple(map(int, re.findall(r"\d+", key))),
        )
    ]
    begin, found = end + len(_MARK), []
    for name in order:
        held = sections.get(name)
        if held is None:
            continue
        scan, begin = _scan(content, begin, held)
        found.append(scan)
    if not found:
        raise InputError("the header lists no channel.", _ADVICE)
    return found


def _sections(text: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("[") and line.endswith("]"):
            current = found.setdefault(line[1:-1], {})
        elif "=" in line:
            key, _, value = line.partition("=")
            current[key.strip()] = value.strip()
    return found


def _scan(content: bytes, begin: int, held: dict[str, str]) -> tuple[Scan, int]:
    try:
        points, lines, bits = int(held["Points"]), int(held["Lines"]), int(held["SaveBits"])
        low, span = float(held["Dim2Min"]), float(held["Dim2Range"])
        across, along = float(held["Dim0Range"]), float(held["Dim1Range"])
    except (KeyError, ValueError):
        raise InputError("a channel does not say its size, bits and ranges.", _ADVICE) from None
    if held.get("SaveMode", "Binary") != "Binary" or bits not in (8, 16, 32):
        raise InputError(
            f"a channel is stored in {bits} bits of a form that nobody has described.", "Export it as .gwy."
        )
    if points < 1 or lines < 1 or points * lines > MOST_PIXELS:
        raise InputError(f"a channel of {points} x {lines} pixels is none.", _ADVICE)
    signed = held.get("SaveSign", "Signed") == "Signed"
    order = "<" if held.get("SaveOrder", "Intel") == "Intel" else ">"
    kind = np.dtype(f"{order}{'i' if signed else 'u'}{bits // 8}")
    count = points * lines
    if len(content) - begin < count * kind.itemsize:
        raise InputError(
            f'the channel "{shown(held.get("Dim2Name", ""), 30)}" announces {count} pixels and has '
            f"{max(0, len(content) - begin) // kind.itemsize}.",
            _ADVICE,
        )
    raw = np.frombuffer(content, kind, count, begin).reshape(lines, points).astype(float)
    share = (raw + (2.0 ** (bits - 1) if signed else 0.0)) / 2.0**bits
    scan = Scan(
        held.get("Dim2Name", "channel"),
        held.get("Frame", ""),
        held.get("Dim2Unit", ""),
        low + span * share,
        ((across, held.get("Dim0Unit", "")), (along, held.get("Dim1Unit", ""))),
    )
    return scan, begin + count * kind.itemsize


def _read(source: Source) -> list[Found]:
    channels = []
    for scan in scans(source.content):
        factor, unit = unit_factor(scan.unit)
        sides = [
            size * unit_factor(written)[0] if unit_factor(written)[1] == "m" else float("nan")
            for size, written in scan.axes
        ]
        title = f"{scan.name} {scan.frame}".strip()
        channels.append(Channel(title, scan.values * factor, unit, *sides))
    return found_of(source, channels, "Nanosurf")


def _sniff(source: Source) -> float:
    look = source.content[:20_000]
    return 0.97 if b"[DataSet]" in look and (b"Gr0-Ch" in look or b"GroupCount" in look) else 0.0


FORMATS = (Format("nanosurf", "Nanosurf maps (.nid)", ("afm", "kpfm"), (".nid",), _sniff, _read),)
