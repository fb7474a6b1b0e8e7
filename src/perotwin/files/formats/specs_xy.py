"""Spectra of SPECS analysers as text of SpecsLab (.xy): a header of "# Key: value", then energies and counts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from perotwin.errors import InputError, shown
from perotwin.files.format import Format, Found
from perotwin.files.formats.photoelectrons import level_of, spectrum
from perotwin.files.source import Source

__all__ = ["FORMATS"]

_ENTRY = re.compile(r"#\s*([A-Za-z][^:]{0,40}?)\s*:\s*(.*)")


@dataclass
class _Region:
    entries: dict[str, str] = field(default_factory=dict)
    rows: list[list[float]] = field(default_factory=list)
    cycles: int = 0


def _regions(source: Source) -> Iterator[_Region]:
    """Regions one after another; what stands above the first belongs to each."""
    common: dict[str, str] = {}
    region: _Region | None = None
    for line in source.lines:
        entry = _ENTRY.match(line)
        if entry is not None:
            key, value = entry[1].strip().lower(), entry[2].strip()
            if key == "region":
                if region is not None:
                    yield region
                region = _Region({**common})
            if region is None:
                common[key] = value
            elif key == "cycle":
                region.cycles += 1
            else:
                region.entries[key] = value
        elif line.strip() and not line.startswith("#") and region is not None:
            numbers = [source.number(cell) for cell in line.split()]
            row = [one for one in numbers if one is not None]
            if len(row) == len(numbers) and len(row) >= 2:
                region.rows.append(row[:2])
    if region is not None:
        yield region


def _real(text: str) -> float | None:
    found = re.match(r"[+-]?\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?", text)
    return float(found[0].replace(",", ".")) if found else None


def _read(source: Source) -> list[Found]:
    found = []
    empty = 0
    for region in _regions(source):
        if len(region.rows) < 2:
            empty += 1
            continue
        found.append(_spectrum(source, region))
    if not found:
        raise InputError("no region holds numbers.", "It is not whole: export it again.", file=source.file)
    return (
        [one.noting(f"{empty} regions hold no numbers and are left out") for one in found] if empty else found
    )


def _spectrum(source: Source, region: _Region) -> Found:
    values = np.array(region.rows, float)
    said, notes = region.entries, []
    axis, photon = said.get("energy axis", "").lower(), _real(said.get("excitation energy", ""))
    name = said.get("region") or source.path.stem
    announced = _real(said.get("values/curve", ""))
    energies = values[:, 0]
    if announced is not None and announced > 0 and values.shape[0] > announced:
        # scans and curves follow one another over the same energies
        count, left = divmod(values.shape[0], int(announced))
        folded = values[: count * int(announced)].reshape(count, int(announced), 2)
        if left or not np.allclose(folded[:, :, 0], folded[0, :, 0], atol=1e-6):
            raise InputError(
                f'the scans of region "{shown(name, 40)}" are not over the same energies.',
                "Export each scan in a file of its own, or their sum.",
                file=source.file,
            )
        energies, counts = folded[0, :, 0], folded[:, :, 1].sum(axis=0)
        notes.append(f"the sum of {count} scans")
    else:
        counts = values[:, 1]
        if announced is not None and announced > values.shape[0]:
            notes.append(f"{announced:g} points are announced and {values.shape[0]} are there")
    if "kinetic" in axis:
        if photon is None or not photon > 0.0:
            raise InputError(
                f'region "{shown(name, 40)}" is over the kinetic energy, and that of the photons is missing.',
                "Export it over the binding energy.",
                file=source.file,
            )
        binding = photon - energies
        notes.append(f"binding energy = {photon:g} eV - kinetic energy, as recorded")
    elif "binding" in axis:
        binding = -energies if np.all(energies <= 0.0) and energies.min() < -20.0 else energies
        notes.append("binding energies as recorded; they are not referenced")
    else:
        raise InputError(f'the axis is "{shown(axis, 40)}".', "Export it over the energy.", file=source.file)
    work_function = _real(said.get("eff. workfunction", said.get("effective workfunction", "")))
    if work_function:
        notes.append(f"a work function of {work_function:g} eV stands in the file and is not applied")
    if (
        "per second" in said.get("count rate", "").lower()
        or "counts/s" in said.get("columnlabels", "").lower()
    ):
        notes.append("the intensities are counts per second")
    return spectrum(
        source,
        binding,
        counts,
        name,
        notes=notes,
        region=level_of(name) or name,
        photon_energy=photon,
        stated_work_function=work_function,
        pass_energy=_real(said.get("pass energy", "")),
        technique="UPS" if photon is not None and photon < 100.0 else "XPS",
    )


def _sniff(source: Source) -> float:
    head = source.head[:6000]
    if not head.startswith("#"):
        return 0.0
    known = (
        re.search(r"(?m)^#\s*Created by:\s*SpecsLab", head),
        re.search(r"(?m)^#\s*Region:", head),
        re.search(r"(?m)^#\s*Energy Axis:", head),
    )
    return 0.97 if known[1] and known[2] else 0.5 if known[0] else 0.0


FORMATS = (Format("specs", "SPECS, text of SpecsLab (.xy)", ("xps",), (".xy",), _sniff, _read),)
