"""Maps of Gwyddion: .gwy of version 2 (GWYP) and of version 1 (GWYO), and simple fields (.gsf).

A .gwy file is a container: names, each with a value, which may be an object of named components again. Both generations
differ only in the container itself: the type of a value is a letter behind its name, or in version 1 the number that
GLib gives the type, before it. Layout: the user guide of Gwyddion, "Format of Gwyddion files"; the older one is not
described there.
"""

from __future__ import annotations

import re
import struct
from typing import Any

import numpy as np

from perotwin.errors import InputError
from perotwin.files.format import Format, Found
from perotwin.files.formats.scanned_maps import MOST_PIXELS, Channel, found_of, unit_factor
from perotwin.files.source import Source

__all__ = ["FORMATS", "container", "field"]

#: letters of types, by their numbers in GLib (fundamental type times 4): object, boolean, characters, integers, real,
#: text
_OLD_TYPES = {80: "o", 20: "b", 16: "c", 12: "c", 24: "i", 28: "i", 40: "q", 60: "d", 64: "s"}
_SIMPLE = {"b": "<B", "c": "<B", "i": "<i", "q": "<q", "d": "<d"}
_ARRAYS = {"C": "u1", "I": "<i4", "Q": "<i8", "D": "<f8"}
#: objects whose components are read
_READ = ("GwyContainer", "GwyDataField", "GwySIUnit")
#: objects within objects
_DEEPEST = 20
_ADVICE = "The file is not whole: copy it again, or save it again with Gwyddion."


class _Bytes:
    """Bytes one after another."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.at = 0

    def take(self, size: int) -> bytes:
        if size < 0 or self.at + size > len(self.content):
            raise InputError("the file ends within a value.", _ADVICE)
        self.at += size
        return self.content[self.at - size : self.at]

    def name(self) -> str:
        end = self.content.find(b"\0", self.at)
        if end < 0:
            raise InputError("the file ends within a name.", _ADVICE)
        return self.take(end + 1 - self.at)[:-1].decode("utf-8", "replace")

    def number(self, letter: str) -> Any:
        layout = _SIMPLE[letter]
        return struct.unpack(layout, self.take(struct.calcsize(layout)))[0]

    def size(self) -> int:
        return int(struct.unpack("<I", self.take(4))[0])


def container(content: bytes) -> dict[str, Any]:
    """What a .gwy file holds, by the names in it; objects are mappings again, with their type as "type".

    Raises:
        InputError: it is none, or ends early.
    """
    if content[:4] not in (b"GWYP", b"GWYO"):
        raise InputError("this is no file of Gwyddion.", 'Its first letters are "GWYP" or "GWYO".')
    reader = _Bytes(content)
    reader.at = 4
    return _object(reader, 0, old=content[:4] == b"GWYO")


def _object(reader: _Bytes, depth: int, old: bool = False) -> dict[str, Any]:
    if depth > _DEEPEST:
        raise InputError("objects are nested deeper than any map.", _ADVICE)
    kind = reader.name()
    inner = _Bytes(reader.take(reader.size()))
    found: dict[str, Any] = {"type": kind}
    if kind not in _READ:  # selections, palettes, logs: nothing of the maps is in them
        return found
    while inner.at < len(inner.content):
        if old:
            number = inner.size()
            name, letter = inner.name(), _OLD_TYPES.get(number, "?")
        else:
            name = inner.name()
            letter = inner.take(1).decode("latin-1")
        found[name] = _value(inner, letter, depth)
    return found


def _value(inner: _Bytes, letter: str, depth: int) -> Any:
    if letter in _SIMPLE:
        return inner.number(letter)
    if letter == "s":
        return inner.name()
    if letter == "o":
        return _object(inner, depth + 1)
    if letter in _ARRAYS:
        kind = np.dtype(_ARRAYS[letter])
        return np.frombuffer(inner.take(inner.size() * kind.itemsize), kind)
    if letter == "S":
        return [inner.name() for _ in range(min(inner.size(), len(inner.content)))]
    if letter == "O":
        return [_object(inner, depth + 1) for _ in range(min(inner.size(), len(inner.content)))]
    raise InputError("a value is of a type that Gwyddion does not have.", _ADVICE)


def _channel(title: str, held: Any, usual: str) -> Channel:
    """A channel of a GwyDataField; `usual` is the unit where it states none.

    Raises:
        InputError: its numbers are not as many as its pixels.
    """
    columns, rows = int(held.get("xres", 0)), int(held.get("yres", 0))
    data = held.get("data")
    if (
        not isinstance(data, np.ndarray)
        or columns < 1
        or rows < 1
        or columns * rows != data.size
        or data.size > MOST_PIXELS
    ):
        raise InputError(f"a map of {columns} x {rows} pixels does not hold so many numbers.", _ADVICE)
    lateral, vertical = (_unit(held.get(key), usual) for key in ("si_unit_xy", "si_unit_z"))
    (factor_xy, unit_xy), (factor_z, unit_z) = unit_factor(lateral), unit_factor(vertical)
    scale = factor_xy if unit_xy == "m" else float("nan")
    return Channel(
        title,
        data.astype(float).reshape(rows, columns) * factor_z,
        unit_z,
        float(held.get("xreal", np.nan)) * scale,
        float(held.get("yreal", np.nan)) * scale,
    )


def _unit(held: Any, usual: str) -> str:
    return str(held.get("unitstr", usual)) if isinstance(held, dict) else usual


def _read_gwy(source: Source) -> list[Found]:
    held = container(source.content)
    old = source.content.startswith(b"GWYO")
    channels, notes = [], []
    for name, value in held.items():
        place = re.fullmatch(r"/(\d+)/data", name)
        if place is None or not isinstance(value, dict) or value.get("type") != "GwyDataField":
            continue
        title = (
            held.get(f"/{place[1]}/data/title")
            or held.get(f"/{place[1]}/data/untitled")
            or f"channel {place[1]}"
        )
        channels.append(_channel(str(title), value, "m" if old else ""))
        if old and "si_unit_z" not in value:
            notes.append("the file states no units, as early versions of Gwyddion did not: lengths are in m")
    found = found_of(source, channels, "Gwyddion")
    return [one.noting(*dict.fromkeys(notes)) for one in found] if notes else found


def _sniff_gwy(source: Source) -> float:
    return 0.99 if source.content[:4] in (b"GWYP", b"GWYO") else 0.0


# --- simple fields ---------------------------------------------------------------------------------------------------

_GSF = b"Gwyddion Simple Field 1."
#: bytes of a header
_LONGEST_HEADER = 100_000


def field(content: bytes) -> tuple[dict[str, str], np.ndarray]:
    """The header of a .gsf file, and its numbers (N, M) as they are.

    Raises:
        InputError: it is none, lacks its size, or ends early.
    """
    if not content.startswith(_GSF):
        raise InputError("this is no simple field of Gwyddion.", "Its first line says so.")
    end = content.find(b"\0", 0, _LONGEST_HEADER)
    if end < 0:
        raise InputError("the header of the simple field has no end.", _ADVICE)
    lines = content[:end].decode("utf-8", "replace").split("\n")[1:]
    header = {
        name.strip(): value.strip()
        for line in lines
        if (parts := line.partition("="))[1]
        for name, _, value in [parts]
    }
    try:
        columns, rows = int(header["XRes"]), int(header["YRes"])
    except (KeyError, ValueError):
        raise InputError("the header does not say XRes and YRes.", _ADVICE) from None
    # one to four zeros end the header, so that the numbers begin at a multiple of four
    begin = end + 4 - end % 4
    if columns < 1 or rows < 1 or columns * rows > MOST_PIXELS or len(content) - begin < 4 * columns * rows:
        raise InputError(
            f"{columns} x {rows} pixels are announced, and numbers for {max(0, len(content) - begin) // 4} are there.",
            _ADVICE,
        )
    return header, np.frombuffer(content, "<f4", columns * rows, begin).reshape(rows, columns)


def _read_gsf(source: Source) -> list[Found]:
    header, values = field(source.content)
    (factor_xy, unit_xy), (factor_z, unit_z) = (
        unit_factor(header.get("XYUnits", "")),
        unit_factor(header.get("ZUnits", "")),
    )
    try:
        width, height = float(header["XReal"]) * factor_xy, float(header["YReal"]) * factor_xy
    except (KeyError, ValueError):
        width = height = float("nan")
    if unit_xy != "m" or not (width > 0.0 and height > 0.0):
        raise InputError(
            "the header does not say the size of the map in m (XReal, YReal, XYUnits).",
            "Save it again with its scale.",
            file=source.file,
        )
    title = header.get("Title", "height")
    return found_of(
        source, [Channel(title, values.astype(float) * factor_z, unit_z, width, height)], "Gwyddion"
    )


def _sniff_gsf(source: Source) -> float:
    return 0.99 if source.content.startswith(_GSF) else 0.0


FORMATS = (
    Format(
        "gwyddion",
        "Gwyddion maps, versions 1 and 2 (.gwy)",
        ("afm", "kpfm"),
        (".gwy",),
        _sniff_gwy,
        _read_gwy,
    ),
    Format(
        "gwyddion_simple_field",
        "Gwyddion simple field (.gsf)",
        ("afm", "kpfm"),
        (".gsf",),
        _sniff_gsf,
        _read_gsf,
    ),
)
