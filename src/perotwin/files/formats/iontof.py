"""Depth profiles of secondary ions as the programs of IONTOF write them as text."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError
from perotwin.files.format import Format, Found, dataset_of
from perotwin.files.source import Source

__all__ = ["FORMATS", "Profile", "profile_of"]

F64 = NDArray[np.float64]

_TIME = re.compile(r"#?\s*(sputter )?time\s*[\[(]\s*s\s*[\])]", re.IGNORECASE)
_DEPTH = re.compile(r"#?\s*depth\s*[\[(]\s*(nm|um|µm)\s*[\])]", re.IGNORECASE)
_INTENSITY = re.compile(r"\s*intensity", re.IGNORECASE)
_MOST_SPECIES = 5000


@dataclass(frozen=True)
class Profile:
    """A depth profile.

    Attributes:
        axis: "time" (s) or "depth" (m) and its values (K,) in `along`.
        names: of the species. masses: of each, u (NaN if unknown). counts: (S, K).
        treatment: what the columns say that was done to the counts, "" if nothing. dose: (K,) ions per cm2, if known.
        notes: what its reader must know.
    """

    axis: str
    along: F64
    names: tuple[str, ...]
    masses: F64
    counts: F64
    treatment: str
    notes: tuple[str, ...]


def profile_of(source: Source) -> Profile:
    """The profile in a text of tab-separated columns: names, masses, what the columns hold, then numbers.

    Raises:
        InputError: the lines of the header, or the numbers, are not there.
    """
    lines = source.lines
    head = next((at for at, line in enumerate(lines[:60]) if _axis_of(line.split("\t")) is not None), None)
    if head is None or head < 1:
        raise InputError(
            'no line names the axis ("Sputter Time (s)") above the numbers.',
            "Export the profile again.",
            file=source.file,
        )
    kinds = [cell.strip() for cell in lines[head].split("\t")]
    column = _axis_of(kinds)
    assert column is not None
    wanted = [at for at, kind in enumerate(kinds) if _INTENSITY.match(kind)]
    if not wanted or len(wanted) > _MOST_SPECIES:
        raise InputError(
            "no column holds an intensity.", "Export the profile with its intensities.", file=source.file
        )
    names, masses = _names(source, head, kinds, wanted)
    rows, notes = _rows(source, head, column, wanted)
    depth = _DEPTH.fullmatch(kinds[column])
    along = rows[:, 0] * ({"nm": 1e-9}.get(depth[1].lower(), 1e-6) if depth else 1.0)
    counts = rows[:, 1:].T
    said = {re.sub(r"(?i)^\s*intensity\s*", "", kinds[at]).strip("() ") for at in wanted}
    treatment = "; ".join(sorted(one for one in said if one))
    if len({one for one in said if "total" not in one}) > 1:
        notes.append(f"columns are treated differently: {treatment}.")
    return Profile("depth" if depth else "time", along, names, masses, counts, treatment, tuple(notes))


def _axis_of(cells: list[str]) -> int | None:
    """Which of the first columns is the axis; None if this is not the line that says so."""
    if len(cells) < 2 or not any(_INTENSITY.match(cell) for cell in cells):
        return None
    for pattern in (_DEPTH, _TIME):
        found = next((at for at, cell in enumerate(cells[:6]) if pattern.fullmatch(cell.strip())), None)
        if found is not None:
            return found
    return None


def _names(source: Source, head: int, kinds: list[str], wanted: list[int]) -> tuple[tuple[str, ...], F64]:
    """Names and masses of the wanted columns; the last line above that holds only numbers and N/A is of masses."""
    tables = [cells for line in source.lines[:head] if len(cells := line.split("\t")) >= len(kinds) - 2]
    masses = np.full(len(wanted), np.nan)
    if tables and _are_masses([tables[-1][at] for at in wanted if at < len(tables[-1])]):
        row = tables.pop()
        for place, at in enumerate(wanted):
            value = source.number(row[at].strip()) if at < len(row) else None
            masses[place] = np.nan if value is None else value
    row = tables[-1] if tables else []
    names: list[str] = []
    for place, at in enumerate(wanted):
        name = " ".join(row[at].split()) if at < len(row) else ""
        name = name or (f"{masses[place]:.4f} u" if np.isfinite(masses[place]) else f"column {at + 1}")
        base, number = name, 2
        while name in names:
            name, number = f"{base} ({number})", number + 1
        names.append(name)
    return tuple(names), masses


def _are_masses(cells: list[str]) -> bool:
    filled = [cell.strip() for cell in cells if cell.strip()]
    numbers = sum(re.fullmatch(r"\d+([.,]\d+)?", cell) is not None for cell in filled)
    return bool(filled) and numbers > 0 and numbers + sum(cell == "N/A" for cell in filled) == len(filled)


def _rows(source: Source, head: int, column: int, wanted: list[int]) -> tuple[F64, list[str]]:
    """(K, 1 + S) the axis and the wanted columns; what was left out."""
    notes: list[str] = []
    rows: list[list[float]] = []
    short = infinite = 0
    columns = [column, *wanted]
    for line in source.lines[head + 1 :]:
        if not line.strip() or line.startswith("#"):
            continue
        cells = line.split("\t")
        along = source.number(cells[column].strip()) if column < len(cells) else None
        if along is None:
            break
        values = [source.number(cells[at].strip()) if at < len(cells) else None for at in columns]
        infinite += sum(cells[at].strip().lower().lstrip("+-") == "inf" for at in wanted if at < len(cells))
        if len(cells) <= max(columns):
            short += 1
        rows.append([float("nan") if one is None else one for one in values])
    if not rows:
        raise InputError(
            "no numbers follow the names of the columns.",
            "It is not whole: export it again.",
            file=source.file,
        )
    if infinite:
        notes.append(
            f"{infinite} intensities are infinite in the file (a ratio over nothing); they count as unknown."
        )
    if short:
        notes.append(f"{short} rows are shorter than the header says; what they lack is unknown.")
    table = np.array(rows, float)
    table[~np.isfinite(table)] = np.nan
    return table, notes


def _read(source: Source) -> list[Found]:
    profile = profile_of(source)
    notes = list(profile.notes)
    empty = np.all((profile.counts == 0.0) | np.isnan(profile.counts), axis=0)
    if empty.size and empty[-1] and not empty.all():
        notes.append("the last point holds no counts: the profile was stopped within it.")
    if profile.treatment:
        notes.append(f"intensities: {profile.treatment}.")
    axis = "sputter_time" if profile.axis == "time" else "sputter_depth"
    unit = "s" if profile.axis == "time" else "m"
    dataset = dataset_of(
        "tof_sims",
        source,
        {"signal": (("species", axis), profile.counts)},
        {
            "species": ("species", list(profile.names)),
            axis: (axis, profile.along, {"units": unit}),
            "mass": ("species", profile.masses, {"units": "u"}),
        },
        notes=notes,
        units={"signal": "counts"},
    )
    return [Found(dataset)]


def _sniff(source: Source) -> float:
    lines = source.head.splitlines()
    for at, line in enumerate(lines[:40]):
        if at and _axis_of(line.split("\t")) is not None:
            return 0.95
    # long names of species may fill the head before the line that names the axis
    first = source.content[:60_000]
    return 0.9 if b"Sputter Time (s)" in first and b"Intensity" in first else 0.0


FORMATS = (
    Format("iontof", "ToF-SIMS depth profile of IONTOF, as text", ("tof_sims",), (".txt",), _sniff, _read),
)
