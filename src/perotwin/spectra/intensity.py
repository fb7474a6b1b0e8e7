"""Intensities as people say them: suns, power per area, lux."""

from __future__ import annotations

import re
from typing import Any

from perotwin.errors import InputError, shown
from perotwin.spectra.spectrum import Monochromatic
from perotwin.units import Quantity, parse

__all__ = ["is_of_power", "lux_of", "suns"]

_LUX = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?)\s*(k?)(?:lux|lx)\s*$", re.ASCII)
_POWER = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*[a-zµμ]?W(?![a-zA-Z])", re.ASCII)


def is_of_power(text: Any) -> bool:
    """Whether a text is an intensity that needs its spectrum to be told in suns: in lux, or in W per area."""
    return isinstance(text, str) and (lux_of(text) is not None or _POWER.match(text) is not None)


def lux_of(text: str) -> float | None:
    """The lux that a text gives ("1000 lux", "0.2 klx"); None where it gives none."""
    match = _LUX.match(text)
    return None if match is None else float(match[1]) * (1000.0 if match[2] else 1.0)


def suns(text: str, choice: Any) -> Quantity:
    """The intensity, in suns of a spectrum, that is `text` W per area or lux.

    Parameters
    ----------
    choice : the spectrum, see `perotwin.spectra.chosen`. A sun of it is what it stores: 1000 W m^-2 of AM1.5G.

    Raises
    ------
    InputError : no such intensity; light of one wavelength, whose sun depends on the cell; lux of light that no eye
        sees; a file that cannot be used.
    """
    from perotwin.spectra.choice import chosen

    light = chosen(choice)
    if isinstance(light, Monochromatic):
        raise InputError(
            f'"{shown(text)}" of one wavelength cannot be told in suns here: one sun of it is the flux that gives this '
            "cell the current of AM1.5G.",
            f'State it with the wavelength: spectrum = {{ kind = "monochromatic", wavelength = "...", irradiance = '
            f'"{shown(text)}" }}.',
        )
    lux = lux_of(text)
    if lux is None:
        value, one = float(parse(text, "power density")), light.power
    else:
        value, one = lux, light.illuminance
        if not one > 0.0:
            raise InputError(
                f"the spectrum {light.name} has no light that an eye sees, so that it has no lux.",
                "Give its intensity in W/m^2.",
            )
    return Quantity(value / one, text.strip(), dimension="intensity")
