"""The spectrum that a cell's light names."""

from __future__ import annotations

from typing import Any

from perotwin.spectra.files import from_file
from perotwin.spectra.planck import black_body
from perotwin.spectra.spectrum import Monochromatic, Spectrum
from perotwin.spectra.standard import am0, am15d, am15g

__all__ = ["chosen"]

_STANDARD = {"AM1.5G": am15g, "AM1.5D": am15d, "AM0": am0}


def chosen(choice: Any) -> Spectrum | Monochromatic:
    """The spectrum of a choice with its `kind` ("AM1.5G", "file", "black-body", ...), at one sun.

    Raises
    ------
    InputError : a file that cannot be used.
    """
    if choice.kind == "monochromatic":
        power = choice.irradiance
        return Monochromatic(float(choice.wavelength), None if power is None else float(power))
    if choice.kind == "file":
        return from_file(choice.path)
    if choice.kind == "black-body":
        return black_body(float(choice.temperature))
    return _STANDARD[choice.kind]()
