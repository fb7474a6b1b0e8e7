"""Photoelectron spectra: what VAMAS files, text of Scienta SES and spectra as two columns make a measurement of.

Energies stay as recorded. A kinetic energy becomes a binding energy by the energy of the photons alone; work functions
and shifts that a file states are attributes, since programs differ in whether they apply them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError, shown
from perotwin.files.blocks import blocks
from perotwin.files.format import Format, Found, dataset_of
from perotwin.files.formats.vamas import Block, parse
from perotwin.files.source import Source

__all__ = ["FORMATS"]

F64 = NDArray[np.float64]

#: a photon energy below this (eV) is of ultraviolet light
_ULTRAVIOLET = 100.0
_LEVEL = re.compile(r"([A-Z][a-z]?)\s*[-_ ]?\s*([1-6][spdf])(\s*[1357]/2)?")


def level_of(*texts: str) -> str | None:
    """The core level that a name holds, as "Pb 4f"; None if it names none."""
    for text in texts:
        found = _LEVEL.match(text.strip())
        if found is not None:
            return f"{found[1]} {found[2]}"
    return None


def spectrum(
    source: Source,
    energy: F64,
    counts: F64,
    name: str,
    *,
    notes: Sequence[str] = (),
    extra: Mapping[str, F64] | None = None,
    **about: Any,
) -> Found:
    """A spectrum over the binding energy (K,), eV, in the order in which it was recorded."""
    notes = list(notes)
    there = np.isfinite(energy) & np.isfinite(counts)
    if not there.all():
        notes.append(f"{np.count_nonzero(~there)} of {there.size} points hold no numbers and are left out.")
    variables: dict[str, Any] = {"counts": ("binding_energy", counts[there])}
    units = {"counts": "1"}
    for key, values in (extra or {}).items():
        variables[key], units[key] = ("binding_energy", values[there]), "1"
    dataset = dataset_of(
        "xps",
        source,
        variables,
        {"binding_energy": ("binding_energy", energy[there], {"units": "eV"})},
        name=name,
        notes=notes,
        units=units,
        **about,
    )
    return Found(dataset)


# --- VAMAS -----------------------------------------------------------------------------------------------------------


def _read_vamas(source: Source) -> list[Found]:
    text = source.text
    experiment = parse(text)
    # CasaXPS writes calibrations into the comments; they are shifts that it applies when it draws, not of the numbers
    calibrated = "Calib M" in text
    samples = {block.sample for block in experiment.blocks}
    found = []
    for block in experiment.blocks:
        made = _vamas_block(source, block, len(samples) > 1, calibrated)
        if made is not None:
            found.append(made.noting(*experiment.notes) if experiment.notes else made)
    if not found:
        kinds = sorted({block.technique for block in experiment.blocks})
        raise InputError(
            f"the file holds no photoelectron spectra, but {shown(', '.join(kinds), 60)}.",
            "Give spectra of XPS or UPS over the kinetic or binding energy.",
            file=source.file,
        )
    return found


def _vamas_block(source: Source, block: Block, several: bool, calibrated: bool) -> Found | None:
    """A measurement of a block; None if it is no photoelectron spectrum."""
    label = block.abscissa.lower()
    if block.technique.upper() not in ("XPS", "UPS") or block.abscissa_unit.lower() not in ("ev", ""):
        return None
    notes = []
    if "kinetic" in label:
        if not block.source_energy > 0.0:
            raise InputError(
                f'spectrum "{shown(block.name, 40)}" is over the kinetic energy, and that of the photons is missing.',
                "Export it over the binding energy.",
                file=source.file,
            )
        energy = block.source_energy - block.energy
        notes.append(f"binding energy = {block.source_energy:g} eV - kinetic energy, as recorded.")
    elif "binding" in label:
        # some programs write binding energies with a minus
        energy = -block.energy if np.all(block.energy <= 0.0) and block.energy.min() < -20.0 else block.energy
    else:
        return None
    if np.isfinite(block.work_function) and block.work_function != 0.0:
        notes.append(f"a work function of {block.work_function:g} eV stands in the file and is not applied.")
    if calibrated:
        notes.append("the comments hold a calibration of CasaXPS; it is not applied.")
    name_of, counts = block.counts
    passed = [one for one in block.variables if "transmission" in one.lower() and one != name_of]
    extra = {"transmission": block.variables[passed[0]]} if passed else {}
    if extra and np.ptp(extra["transmission"]) > 0.0:
        notes.append("the transmission of the analyser stands beside the counts; they are not divided by it.")
    unit = block.units.get(name_of, "").lower()
    rate = unit in ("c/s", "cps", "counts/s", "counts per second")
    if rate:
        notes.append("the intensities are counts per second")
    elif np.isfinite(block.dwell) and block.dwell > 0.0:
        notes.append(f"{block.scans:g} scans of {block.dwell:.4g} s a point.")
    title = f"{block.sample} {block.name}" if several else block.name
    return spectrum(
        source,
        energy,
        counts,
        title or source.path.stem,
        notes=notes,
        extra=extra,
        region=level_of(block.name, f"{block.species} {block.transition}".strip()) or block.name or None,
        sample=block.sample or None,
        technique="UPS" if block.technique.upper() == "UPS" or block.source_energy < _ULTRAVIOLET else "XPS",
        photon_energy=block.source_energy if np.isfinite(block.source_energy) else None,
        stated_work_function=block.work_function if np.isfinite(block.work_function) else None,
        pass_energy=block.pass_energy if np.isfinite(block.pass_energy) else None,
        scans=block.scans if np.isfinite(block.scans) else None,
        dwell=block.dwell if np.isfinite(block.dwell) else None,
        intensity=name_of[:40],
    )


def _sniff_vamas(source: Source) -> float:
    return 0.99 if "vamas surface chemical analysis" in source.head.lstrip()[:200].lower() else 0.0


# --- Scienta SES -----------------------------------------------------------------------------------------------------


def _sections(lines: Sequence[str]) -> dict[str, list[str]]:
    """Lines by the section that they stand in: "Region 1", "Info 1", "Data 1"."""
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line in lines:
        if line.startswith("[") and line.rstrip().endswith("]"):
            current = found.setdefault(line.strip()[1:-1], [])
        else:
            current.append(line)
    return found


def _entries(lines: Sequence[str]) -> dict[str, str]:
    return {
        key.strip().lower(): value.strip()
        for line in lines
        if (parts := line.partition("="))[1]
        for key, _, value in [parts]
    }


def _real(entries: Mapping[str, str], key: str) -> float:
    try:
        return float(entries.get(key, "").replace(",", "."))
    except ValueError:
        return float("nan")


def _read_scienta(source: Source) -> list[Found]:
    sections = _sections(source.lines)
    numbers = sorted(int(name.split()[1]) for name in sections if re.fullmatch(r"Region \d+", name))
    found = [_scienta_region(source, sections, number) for number in numbers]
    if not found:
        raise InputError("the file holds no region.", "It is not whole: export it again.", file=source.file)
    announced = _real(_entries(sections.get("Info", ())), "number of regions")
    if np.isfinite(announced) and announced != len(found):
        found = [
            one.noting(f"{announced:g} regions are announced and {len(found)} are there.") for one in found
        ]
    return found


def _scienta_region(source: Source, sections: Mapping[str, Sequence[str]], number: int) -> Found:
    region, info = (_entries(sections.get(f"{name} {number}", ())) for name in ("Region", "Info"))
    if region.get("dimension 2 name") or region.get("dimension 2 size"):
        raise InputError(
            f"region {number} holds a map (energy and another axis).",
            "Export it integrated, as one spectrum.",
            file=source.file,
        )
    rows = []
    for line in sections.get(f"Data {number}", ()):
        cells = [source.number(cell) for cell in line.split()]
        if len(cells) >= 2 and cells[0] is not None and cells[1] is not None:
            rows.append(cells)
        elif rows and line.strip():
            break
    if not rows:
        raise InputError(
            f"region {number} holds no numbers.", "It is not whole: export it again.", file=source.file
        )
    width = min(map(len, rows))
    values = np.array([row[:width] for row in rows], float)
    notes = []
    size = _real(region, "dimension 1 size")
    if np.isfinite(size) and size != values.shape[0]:
        notes.append(f"{size:g} points are announced and {values.shape[0]} are there.")
    label, photon = region.get("dimension 1 name", "").lower(), _real(info, "excitation energy")
    if "kinetic" in label:
        if not photon > 0.0:
            raise InputError(
                f"region {number} is over the kinetic energy and does not say the energy of the photons.",
                "Export it over the binding energy.",
                file=source.file,
            )
        energy = photon - values[:, 0]
        notes.append(f"binding energy = {photon:g} eV - kinetic energy, as recorded.")
    elif "binding" in label:
        energy = values[:, 0]
        notes.append("binding energies as recorded; they are not referenced.")
    else:
        raise InputError(
            f'the axis of region {number} is "{shown(label, 40)}".',
            "Export it over the energy.",
            file=source.file,
        )
    if width > 2:
        notes.append(f"the sum of {width - 1} slices.")
    name = region.get("region name") or info.get("region name") or source.path.stem
    return spectrum(
        source,
        energy,
        values[:, 1:].sum(axis=1),
        name,
        notes=notes,
        region=level_of(name) or name,
        photon_energy=photon if photon > 0.0 else None,
        technique="UPS" if photon < _ULTRAVIOLET else "XPS",
        pass_energy=known if np.isfinite(known := _real(info, "pass energy")) else None,
        scans=known if np.isfinite(known := _real(info, "number of sweeps")) else None,
    )


def _sniff_scienta(source: Source) -> float:
    head = source.head
    return 0.97 if head.lstrip().startswith("[Info]") and "Number of Regions=" in head[:200] else 0.0


# --- two columns -----------------------------------------------------------------------------------------------------

_SURVEY = re.compile(r"(?i)(survey|wide)")
_ENERGY = re.compile(r"(?i)(binding energy|b\.?e\.?\b|kinetic energy)")


def _spectrum_name(lines: Sequence[str]) -> str | None:
    """A line of its own that names a core level or a survey."""
    return next(
        (
            line.strip()
            for line in lines
            if _SURVEY.fullmatch(line.strip()) or (level_of(line) and len(line.strip()) < 12)
        ),
        None,
    )


def _sniff_columns(source: Source) -> float:
    lines = source.head.splitlines()[:12]
    if not lines:
        return 0.0
    found = blocks(source, 0, min(len(source.lines), 60))
    if not found or found[-1].values.shape[1] != 2 or found[-1].values.shape[0] < 10:
        return 0.0
    block = found[-1]
    energy = block.values[:, 0]
    even = np.ptp(np.diff(energy)) < 0.05 * abs(float(np.median(np.diff(energy)))) + 1e-9
    if not even or np.nanmax(energy) > 2000.0:
        return 0.0
    if _ENERGY.search(" ".join(block.headings)):
        return 0.85
    return 0.7 if _spectrum_name(lines[: block.lines[0] - 1]) and energy[0] > energy[-1] else 0.0


def _read_columns(source: Source) -> list[Found]:
    found = []
    for block in blocks(source):
        if block.values.shape[1] != 2:
            continue
        heading = block.headings[0].lower()
        if "kinetic" in heading or re.match(r"k\.?e\.?\b", heading):
            raise InputError(
                "the energies are kinetic, and the file does not say the energy of the photons.",
                "Export the spectrum over the binding energy.",
                file=source.file,
            )
        name = _spectrum_name(block.above) or source.path.stem
        notes = ["binding energies in eV as recorded; they are not referenced."]
        if not heading:
            notes.append(
                "the columns have no names: the first is taken for the binding energy, the second for counts."
            )
        found.append(
            spectrum(
                source,
                block.values[:, 0],
                block.values[:, 1],
                name,
                notes=notes,
                region=level_of(name) or name,
                technique="XPS",
            )
        )
    if not found:
        raise InputError(
            "no two columns of energies and counts were found.",
            "Export the spectrum again.",
            file=source.file,
        )
    return found


FORMATS = (
    Format(
        "vamas",
        "VAMAS (ISO 14976): XPS and UPS of most makers",
        ("xps",),
        (".vms", ".vamas", ".npl"),
        _sniff_vamas,
        _read_vamas,
    ),
    Format("scienta", "Scienta SES text (XPS)", ("xps",), (".txt",), _sniff_scienta, _read_scienta),
    Format(
        "xps_columns",
        "XPS spectrum as two columns",
        ("xps",),
        (".csv", ".txt", ".xy"),
        _sniff_columns,
        _read_columns,
    ),
)
