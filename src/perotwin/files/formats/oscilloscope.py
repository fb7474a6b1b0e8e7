"""Traces of oscilloscopes as they export them: Rigol, Siglent, Keysight, Tektronix, LeCroy."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError
from perotwin.files.format import Format, Found, dataset_of
from perotwin.files.source import Source, split

__all__ = ["FORMATS"]

F64 = NDArray[np.float64]

_SECONDS = {
    "s": 1.0,
    "second": 1.0,
    "seconds": 1.0,
    "sec": 1.0,
    "ms": 1e-3,
    "us": 1e-6,
    "µs": 1e-6,
    "ns": 1e-9,
}
_VOLTS = {"v": 1.0, "volt": 1.0, "volts": 1.0, "mv": 1e-3, "uv": 1e-6, "µv": 1e-6}
_AMPERES = {"a": 1.0, "amp": 1.0, "amps": 1.0, "ampere": 1.0, "ma": 1e-3, "ua": 1e-6}
#: lines of a header
_HEADER = 60


@dataclass(frozen=True)
class _Channel:
    name: str
    unit: str
    values: F64


@dataclass(frozen=True)
class _Traces:
    maker: str
    time: F64
    channels: tuple[_Channel, ...]
    notes: tuple[str, ...] = ()


def _rows(source: Source, start: int, separator: str | None = ",") -> F64:
    """(R, C) numbers of the lines from `start` to the first that holds none; NaN for what is no number."""
    rows: list[list[float]] = []
    for line in source.lines[start:]:
        cells = split(line, separator) if line.strip() else []
        numbers = [source.number(cell) for cell in cells]
        if not any(one is not None for one in numbers):
            if rows and line.strip():
                break
            continue
        rows.append([float("nan") if one is None else one for one in numbers])
    width = max(map(len, rows), default=0)
    if not rows or width > 64:
        raise InputError("no samples follow the header.", "Export the trace again as CSV.", file=source.file)
    return np.array([row + [float("nan")] * (width - len(row)) for row in rows], float)


def _unit(text: str) -> str:
    return text.strip().strip("()[]").lower()


def _header(source: Source) -> list[list[str]]:
    return [split(line, ",") for line in source.head.splitlines()[:_HEADER]]


# --- the makers ------------------------------------------------------------------------------------------------------


def _rigol(source: Source) -> _Traces | None:
    """DS1000E: "X,CH1,CH2," over "Second,Volt,Volt,"; later "X,CH1,Start,Increment," over "Sequence,VOLT,t0,dt"."""
    lines = _header(source)
    if len(lines) < 3 or not lines[0] or lines[0][0].upper() != "X":
        return None
    names, units = lines[0], lines[1]
    low = [_unit(name) for name in names]
    if "increment" in low and "start" in low:
        start, step = (source.number(units[low.index(word)]) for word in ("start", "increment"))
        if start is None or step is None or not step > 0.0:
            raise InputError(
                "start and increment of the time are not in the header.",
                "Export the trace again.",
                file=source.file,
            )
        values = _rows(source, 2)
        channels = [at for at, name in enumerate(low) if at > 0 and name not in ("start", "increment", "")]
        index = values[:, 0]
        return _Traces("Rigol", start + step * index, _channels(names, units, values, channels))
    if not units or _unit(units[0]) not in _SECONDS:
        return None
    values = _rows(source, 2)
    channels = [at for at, name in enumerate(low) if at > 0 and name]
    return _Traces(
        "Rigol", values[:, 0] * _SECONDS[_unit(units[0])], _channels(names, units, values, channels)
    )


def _keysight(source: Source) -> _Traces | None:
    """ "x-axis,1,2" over "second,Volt,Volt"."""
    lines = _header(source)
    if (
        len(lines) < 3
        or not lines[0]
        or lines[0][0].lower() != "x-axis"
        or _unit(lines[1][0]) not in _SECONDS
    ):
        return None
    names = [f"channel {name}" if name.isdigit() else name for name in lines[0]]
    values = _rows(source, 2)
    channels = [at for at, name in enumerate(names) if at > 0 and name]
    return _Traces(
        "Keysight", values[:, 0] * _SECONDS[_unit(lines[1][0])], _channels(names, lines[1], values, channels)
    )


def _siglent(source: Source) -> _Traces | None:
    """ "Record Length,...", "Second,Volt" somewhere below, "Source,CH1"."""
    lines = _header(source)
    if not lines or not lines[0] or not lines[0][0].lower().startswith("record length") or len(lines[0]) > 3:
        return None
    at = next(
        (
            at
            for at, cells in enumerate(lines)
            if len(cells) > 1 and _unit(cells[0]) in _SECONDS and _unit(cells[1]) in _VOLTS | _AMPERES
        ),
        None,
    )
    if at is None:
        return None
    named = next((cells for cells in lines[:at] if cells and cells[0].lower() == "source"), None)
    names = (
        named
        if named is not None and len(named) == len(lines[at])
        else [f"channel {place}" for place in range(len(lines[at]))]
    )
    values = _rows(source, at + 1)
    channels = [place for place, unit in enumerate(lines[at]) if place > 0 and unit]
    return _Traces(
        "Siglent", values[:, 0] * _SECONDS[_unit(lines[at][0])], _channels(names, lines[at], values, channels)
    )


def _tektronix(source: Source) -> _Traces | None:
    """TDS and TBS: entries in the first three columns, time and volts in the fourth and fifth of each row; MDO and MSO:
    "TIME,CH1" below entries."""
    lines = _header(source)
    if not lines or not lines[0]:
        return None
    entries = {cells[0].lower(): cells[1] for cells in lines if len(cells) > 1 and cells[0]}
    if lines[0][0].lower() == "record length" and len(lines[0]) >= 5:
        if _unit(entries.get("horizontal units", "s")) not in _SECONDS:
            return None
        values = _rows(source, 0)
        if values.shape[1] < 5:
            return None
        unit = entries.get("vertical units", "V")
        channel = _Channel(entries.get("source", "CH1"), _unit(unit), values[:, 4] * _factor(unit, source))
        announced = source.number(lines[0][1])
        notes = _announced(announced, values.shape[0])
        return _Traces(
            "Tektronix",
            values[:, 3] * _SECONDS[_unit(entries.get("horizontal units", "s"))],
            (channel,),
            notes,
        )
    if lines[0][0].lower() != "model":
        return None
    at = next((at for at, cells in enumerate(lines) if len(cells) > 1 and cells[0].upper() == "TIME"), None)
    if at is None or _unit(entries.get("horizontal units", "")) not in _SECONDS:
        return None
    units = next((cells for cells in lines if cells and cells[0].lower() == "vertical units"), [])
    values = _rows(source, at + 1)
    units = ["s", *(units[1:] if len(units) > 1 else [])]
    units += ["V"] * (len(lines[at]) - len(units))
    notes = _announced(source.number(entries.get("record length", "")), values.shape[0])
    channels = [place for place, name in enumerate(lines[at]) if place > 0 and name]
    time = values[:, 0] * _SECONDS[_unit(entries["horizontal units"])]
    return _Traces("Tektronix", time, _channels(lines[at], units, values, channels), notes)


def _lecroy(source: Source) -> _Traces | None:
    """ "LECROY...,1234,Waveform", segments, then "Time,Ampl": seconds and volts."""
    lines = _header(source)
    if not lines or not lines[0] or not lines[0][0].upper().startswith("LECROY"):
        return None
    at = next(
        (
            at
            for at, cells in enumerate(lines)
            if len(cells) > 1 and cells[0].lower() == "time" and cells[1].lower().startswith("ampl")
        ),
        None,
    )
    if at is None:
        return None
    values = _rows(source, at + 1)
    notes = []
    segments = source.number(lines[1][1]) if len(lines[1]) > 1 else None
    if segments is not None and segments > 1:
        notes.append(f"{segments:g} segments stand one after another.")
    return _Traces("LeCroy", values[:, 0], (_Channel("trace", "v", values[:, 1]),), tuple(notes))


def _rigol_raw(source: Source) -> _Traces | None:
    """MSO5000 and DHO: "CH1V,CH2V,t0 = -1e-3s, tInc = 2e-9," over volts alone, or "Time(s),CH1V,..." over both."""
    lines = _header(source)
    if not lines or not any(re.fullmatch(r"CH\d+V", cell) for cell in lines[0]):
        return None
    names = [cell.removesuffix("V") for cell in lines[0]]
    channels = [at for at, cell in enumerate(lines[0]) if re.fullmatch(r"CH\d+V", cell)]
    start, step = (re.search(rf"{word}\s*=\s*([0-9.eE+-]+)", source.lines[0]) for word in ("t0", "tInc"))
    values = _rows(source, 1)
    if re.fullmatch(r"time\s*\(s\)", lines[0][0].lower()):
        time = values[:, 0]
    elif start is not None and step is not None and float(step[1]) > 0.0:
        time = np.asarray(float(start[1]) + float(step[1]) * np.arange(values.shape[0]), np.float64)
    else:
        raise InputError("the header does not say the times.", "Export the trace again.", file=source.file)
    return _Traces("Rigol", time, _channels(names, ["V"] * len(names), values, channels))


_MAKERS = (_rigol, _rigol_raw, _keysight, _siglent, _tektronix, _lecroy)


def _announced(announced: float | None, found: int) -> tuple[str, ...]:
    if announced is None or announced == found:
        return ()
    return (f"{announced:g} points are announced and {found} are there.",)


def _factor(unit: str, source: Source) -> float:
    known = _VOLTS | _AMPERES
    if _unit(unit) not in known:
        raise InputError(
            "a channel is neither in volts nor in amperes.", "Export the trace in volts.", file=source.file
        )
    return known[_unit(unit)]


def _channels(
    names: Sequence[str], units: Sequence[str], values: F64, places: Sequence[int]
) -> tuple[_Channel, ...]:
    known = _VOLTS | _AMPERES
    made = []
    for place in places:
        unit = _unit(units[place]) if place < len(units) else ""
        if place < values.shape[1] and unit in known and np.isfinite(values[:, place]).any():
            made.append(_Channel(names[place], unit, values[:, place] * known[unit]))
    return tuple(made)


# --- the format ------------------------------------------------------------------------------------------------------


def _sniff(source: Source) -> float:
    first = source.head[:400].lstrip().lower()
    if not re.match(r"(\"?x\"?,|x-axis,|record length,|model,|lecroy|ch\d+v,|time\s*\(s\),\s*ch\d+v)", first):
        return 0.0
    try:
        return 0.95 if any(read(source) is not None for read in _MAKERS) else 0.0
    except InputError:  # the header is known, and what follows is no trace
        return 0.9


def _read(source: Source) -> list[Found]:
    traces = next((made for read in _MAKERS if (made := read(source)) is not None), None)
    if traces is None or not traces.channels:
        raise InputError(
            "no channel in volts was found.", "Export the trace in volts against seconds.", file=source.file
        )
    found = []
    for channel in traces.channels:
        there = np.isfinite(traces.time) & np.isfinite(channel.values)
        notes = [f"channel {channel.name} of an oscilloscope ({traces.maker}), as recorded.", *traces.notes]
        if not there.all():
            notes.append(
                f"{np.count_nonzero(~there)} of {there.size} rows hold no complete numbers and are left out."
            )
        if np.any(np.diff(traces.time[there]) <= 0.0):
            notes.append("the time does not rise throughout.")
        name = source.path.stem if len(traces.channels) == 1 else f"{source.path.stem} {channel.name}"
        variable, unit = ("current", "A") if channel.unit in _AMPERES else ("voltage", "V")
        dataset = dataset_of(
            "tpv",
            source,
            {variable: ("time", channel.values[there])},
            {"time": ("time", traces.time[there], {"units": "s"})},
            name=name,
            notes=notes,
            units={variable: unit},
            channel=channel.name,
            maker=traces.maker,
        )
        found.append(Found(dataset))
    return found


FORMATS = (
    Format(
        "oscilloscope",
        "oscilloscopes (Rigol, Siglent, Keysight, Tektronix, LeCroy), as CSV",
        ("tpv",),
        (".csv", ".txt"),
        _sniff,
        _read,
    ),
)
