"""Histograms of photon counters as text: TimeHarp, PicoHarp, and decays without headings of known programs."""

from __future__ import annotations

import re

import numpy as np

from perotwin.errors import InputError
from perotwin.files.blocks import blocks
from perotwin.files.format import Format, Found
from perotwin.files.light_tables import trpl_found
from perotwin.files.source import Source

__all__ = ["FORMATS"]

_PICOQUANT = re.compile(r"#\s*(TimeHarp|PicoHarp|HydraHarp|MultiHarp)[^\n]*Histogram", re.IGNORECASE)


def _sniff_picoquant(source: Source) -> float:
    return 0.95 if _PICOQUANT.match(source.head) else 0.0


def _read_picoquant(source: Source) -> list[Found]:
    lines = source.lines
    keys: dict[str, list[str]] = {}
    key, start = "", None
    for number, line in enumerate(lines):
        if line.startswith("#"):
            key = line.strip("# \t").lower()
            if key.startswith("counts"):
                start = number + 1
                break
            keys[key] = []
        elif line.strip() and key:
            keys[key] += [cell.strip() for cell in line.split("\t") if cell.strip()]
    bins = next((value for name, value in keys.items() if re.match(r"ns/(bin|channel)", name)), None)
    if start is None or not bins:
        raise InputError("it has no counts, or no width of its bins.", "Export it again.", file=source.file)
    widths = [source.number(one) for one in bins]
    rows = []
    for line in lines[start:]:
        values = [source.number(cell.strip()) for cell in line.split("\t") if cell.strip()]
        if values and all(one is not None for one in values):
            rows.append([0.0 if one is None else one for one in values])
    if not rows:
        raise InputError("it has no counts.", "Export it again.", file=source.file)
    curves = max(len(row) for row in rows)
    notes = []
    announced = next((value for name, value in keys.items() if name.startswith("channels per curve")), None)
    if announced and (said := source.number(announced[0])) and said != len(rows):
        notes.append(f"the file announces {said:g} channels; {len(rows)} are there")
    found = []
    for at in range(curves):
        counts = np.array([row[at] for row in rows if len(row) > at], np.float64)
        width = widths[at] if at < len(widths) and widths[at] else widths[0]
        if width is None or not width > 0.0:
            raise InputError("the width of its bins is not a number.", "Export it again.", file=source.file)
        if curves > 1 and not counts.any():
            continue
        name = f"{source.path.stem} curve {at + 1}" if curves > 1 else ""
        found.append(
            trpl_found(source, np.arange(counts.size, dtype=np.float64) * width * 1e-9, counts, name, notes)
        )
    return found


def _metro(source: Source) -> bool:
    """MetroTRPL's own tables: time (ns), counts and their uncertainty, no heading; time from 0 in even steps."""
    if not source.is_text or re.search(r"[A-DF-Za-df-z]", source.head[:2000]):
        return False
    found = blocks(source)
    if (
        len(found) != 1
        or found[0].values.shape[1] != 3
        or found[0].values.shape[0] < 50
        or any(found[0].headings)
    ):
        return False
    time, counts, spread = found[0].values.T
    steps = np.diff(time)
    even = time[0] == 0.0 and steps.min() > 0.0 and np.ptp(steps) < 1e-3 * steps.mean() + 1e-6
    falls = counts[: counts.size // 10].mean() > 2.0 * counts[-counts.size // 10 :].mean()
    return bool(even and falls and (spread >= 0.0).all() and spread.mean() < counts.mean())


def _sniff_metro(source: Source) -> float:
    named = re.search(r"(?i)trpl|decay|lifetime|metro", source.path.name) is not None
    return 0.5 if named and _metro(source) else 0.0


def _read_metro(source: Source) -> list[Found]:
    (block,) = blocks(source)
    notes = [
        "no headings: taken for time in ns, counts and their uncertainty, as MetroTRPL reads its tables",
        "time starts at the peak: what came before was cut off",
    ]
    return [trpl_found(source, block.values[:, 0] * 1e-9, block.values[:, 1], "", notes)]


FORMATS = (
    Format(
        "picoquant_text",
        "PicoQuant histogram as text (TimeHarp, PicoHarp)",
        ("trpl",),
        (".dat", ".txt"),
        _sniff_picoquant,
        _read_picoquant,
    ),
    Format(
        "metro_trpl",
        "MetroTRPL table (time in ns, counts, uncertainty)",
        ("trpl",),
        (".csv",),
        _sniff_metro,
        _read_metro,
    ),
)
