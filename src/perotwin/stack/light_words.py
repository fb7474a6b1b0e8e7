"""Light as people say it: "AM1.5G, 100 mW/cm^2", "led.csv, 1000 lux", "532 nm, 1 sun", "5800 K", "0.1 sun", "dark"."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter, ValidationError

from perotwin.errors import InputError, shown
from perotwin.spectra.intensity import is_of_power, lux_of
from perotwin.spectra.photometry import EFFICACY, luminous_efficiency
from perotwin.stack.choices import Monochromatic, Spectrum
from perotwin.stack.quantity_fields import Model, explain
from perotwin.units import parse

__all__ = ["light_values"]

_ADVICE = (
    'Say a spectrum, an intensity or both: "AM1.5G, 100 mW/cm^2", "AM0", "5800 K", "led.csv, 1000 lux", "532 nm, 1 '
    'sun", "0.1 sun" or "dark".'
)


class _Named(Model):
    """One spectrum by itself."""

    spectrum: Spectrum


def light_values(text: str) -> dict[str, Any]:
    """What `with_values` takes for a light in words.

    Parameters
    ----------
    text : a spectrum (AM1.5G, AM1.5D, AM0, a temperature of a black body, a wavelength, a file), an intensity (suns,
        mW/cm^2, W/m^2, lux, "dark"), or both with a comma between. A spectrum without an intensity shines with one sun;
        an intensity without a spectrum leaves that of the cell. Files are found from the present folder.

    Returns
    -------
    Field paths with values: "light.spectrum", "light.intensity".

    Raises
    ------
    InputError : it is neither, or lux are asked of a laser that no eye sees.
    """
    words = text.strip()
    if _is_intensity(words):
        return {"light.intensity": words}
    name, comma, last = words.rpartition(",")
    if not comma:
        return {"light.spectrum": _spectrum(words, text), "light.intensity": "1 sun"}
    if not _is_intensity(last):
        raise InputError(f'"{shown(last.strip())}" in the light "{shown(text)}" is no intensity.', _ADVICE)
    spectrum, intensity = _spectrum(name.strip(), text), last.strip()
    if isinstance(spectrum, Monochromatic) and is_of_power(intensity):
        return {
            "light.spectrum": _laser(spectrum, intensity),
            "light.intensity": "1 sun",
        }
    return {"light.spectrum": spectrum, "light.intensity": intensity}


def _is_intensity(words: str) -> bool:
    if is_of_power(words.strip()):
        return True
    try:
        parse(words.strip(), "intensity")
    except InputError:
        return False
    return True


def _spectrum(words: str, text: str) -> Model:
    try:
        found = _NAMED.validate_python({"spectrum": words}).spectrum
    except ValidationError as error:
        raise InputError(
            f'the light "{shown(text)}" cannot be understood: {explain(error).message.rstrip(".")}.', _ADVICE
        ) from None
    return found


def _laser(laser: Monochromatic, intensity: str) -> Monochromatic:
    """A laser whose one sun is a power; lux of it are told in W m^-2."""
    lux = lux_of(intensity)
    if lux is not None:
        seen = EFFICACY * float(luminous_efficiency(float(laser.wavelength)))
        if not seen > 0.0:
            raise InputError(
                f"no eye sees light of {laser.wavelength}, so that it has no lux.",
                "Give its intensity in W/m^2.",
            )
        intensity = f"{lux / seen:.15g} W/m^2"
    return Monochromatic.model_validate({"wavelength": laser.wavelength, "irradiance": intensity})


_NAMED: TypeAdapter[_Named] = TypeAdapter(_Named)
