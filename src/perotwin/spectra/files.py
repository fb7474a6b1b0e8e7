"""Spectra from files: of a lamp, a diode, a day outdoors."""

from __future__ import annotations

import functools
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perotwin.constants import c, e, h
from perotwin.errors import InputError
from perotwin.measurement.series import Series, Wanted, clipped, read_series, refuse_gap
from perotwin.spectra.spectrum import Spectrum

__all__ = ["from_file"]

F64 = NDArray[np.float64]

_POWER = re.compile(r"(?P<prefix>[uµμmk]?)(?P<what>W|J)\b", re.ASCII)
_PREFIX = {"u": 1e-6, "µ": 1e-6, "μ": 1e-6, "m": 1e-3, "k": 1e3, "": 1.0}
_AREA = re.compile(r"(?P<unit>c?m)\s*(\^|\*\*)?\s*\(?\s*[-⁻−]?\s*[2²]")
_PER = re.compile(
    r"(/\s*(?P<slash>nm|um|µm|μm|eV)\b|\b(?P<power>nm|um|µm|μm|eV)\s*(\^|\*\*)?\s*\(?\s*[-⁻−]\s*[1¹])"
)
_PHOTONS = re.compile(r"photon|quanta|#|\bs\s*\^?\s*[-⁻−]\s*[1¹]|/\s*s\b", re.IGNORECASE)
_RELATIVE = re.compile(r"\ba\.?\s?u\b|arb|counts?\b|normali[sz]ed|relative|\brel\b", re.IGNORECASE)
#: Values per metre of wavelength in spectra against metres and micrometres without a unit, where as W m^-2 nm^-1 they
#: would be more than that many W m^-2, a hundred suns.
_PER_AXIS, _MOST = {"m": 1.0, "um": 1e6}, 1e5
_LAYOUT = "wavelength in nm, irradiance in W m^-2 nm^-1"


def from_file(path: str | Path) -> Spectrum:
    """A spectrum from a text file of wavelength and spectral irradiance (or photons).

    Wavelengths are nm and irradiances W m^-2 nm^-1 unless a heading names other units (see
    `perotwin.measurement.series`); what had to be decided is a note of the spectrum.

    Raises
    ------
    InputError : no such file, or not such a table, or one with a gap, clearly negative, dark, or against energy without
        a unit that says of what width the irradiance is.
    """
    state = os.stat(path) if os.path.exists(path) else None
    stamp = None if state is None else (state.st_mtime_ns, state.st_size)
    return _read(str(path), stamp)


@functools.lru_cache(maxsize=16)
def _read(path: str, stamp: tuple[int, int] | None) -> Spectrum:
    """The spectrum of a file in one state (`stamp`), so that sweeps do not read it again."""
    found = read_series(path, "spectrum", _LAYOUT, (Wanted("irradiance"),))
    values, clipping = clipped(
        found,
        "irradiance",
        "spectrum holds a negative irradiance",
        "Subtract the background, or set it to 0.",
    )
    if not np.any(values > 0.0):
        raise InputError(
            "the spectrum is dark: no irradiance is above zero.", "See which column is which.", file=path
        )
    refuse_gap(found.axis * 1e9, "spectrum", found.file)
    density, notes = _photons(found, values)
    told = replace(found, notes=(*found.notes, *clipping, *notes)).told
    return Spectrum(Path(path).name, found.axis, density, notes=told)


def _photons(found: Series, values: F64) -> tuple[F64, tuple[str, ...]]:
    """Photons m^-2 s^-1 per m at each wavelength, and what of the unit had to be decided."""
    lam = found.axis
    heading = found.headings["irradiance"] or _second_unit(found.heading)
    factor, notes = 1.0, []
    power, area, per = _POWER.search(heading), _AREA.search(heading), _PER.search(heading)
    photons = power is None and _PHOTONS.search(heading) is not None and area is not None
    if area is not None and (power or photons):
        factor *= 1.0 if area["unit"] == "m" else 1e4
        if power is not None:
            factor *= _PREFIX[power["prefix"]]
    unit = (per["slash"] or per["power"]) if per is not None and area is not None else None
    if unit is None and found.unit in ("eV", "meV", "cm^-1"):
        raise InputError(
            "the spectrum is against energy, and no heading says whether its values are per nm or per eV.",
            'Write it in the heading, for example "W/m2/eV".',
            file=found.file,
        )
    if unit == "eV":
        # per energy to per wavelength: dE = h c / lambda^2 dlambda
        density = factor * values * h * c / (e * lam**2)
    else:
        density = factor * values * (1e9 if unit in (None, "nm") else 1e6)
    if unit is None and found.unit in _PER_AXIS:
        if _total(lam, density) > _MOST:
            density = factor * values * _PER_AXIS[found.unit]
            notes.append(f"irradiance per {found.unit} of wavelength, as its size tells")
        else:
            notes.append("irradiance per nm of wavelength (no heading says)")
    if photons:
        notes.append("values as photons, as the heading says")
    elif factor != 1.0 or unit not in (None, "nm"):
        shown = f"{power['prefix'] if power else ''}W {area['unit'] if area else 'm'}^-2 {unit or 'nm'}^-1"
        notes.append(f"irradiance in {shown}, as the heading says")
    elif _RELATIVE.search(heading):
        notes.append(
            f"relative values taken as W m^-2 nm^-1, so that one sun of it is {_total(lam, density):.4g} "
            "W m^-2: state the intensity in lux or W/m^2"
        )
    return density if photons else density * lam / (h * c), tuple(notes)


def _total(lam: F64, density: F64) -> float:
    """The integral over wavelength."""
    return float(np.sum((density[1:] + density[:-1]) * np.diff(lam)) / 2)


def _second_unit(heading: str) -> str:
    """The part of a heading that may hold the unit of the values, where columns have no headings of their own."""
    lines = [
        line
        for line in heading.splitlines()
        if _POWER.search(line) or _PHOTONS.search(line) or _RELATIVE.search(line)
    ]
    return lines[-1] if lines else ""
