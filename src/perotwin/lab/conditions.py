"""What every measurement of a cell says of itself: the cell, its protocol and light, incident power, remarks."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from perotwin.errors import InputError

if TYPE_CHECKING:
    from perotwin.stack import Cell
    from perotwin.transport.states import States
    from perotwin.units import Quantity

__all__ = ["about", "frozen_in_light", "irradiance", "notes", "refuse_range"]


def frozen_in_light(cell: Cell) -> bool:
    """Whether ions are held in a distribution that light shaped."""
    return any(
        layer.ions is not None
        and layer.ions.response.kind == "frozen"
        and float(layer.ions.response.light) > 0.0
        for stack in cell.stacks.values()
        for layer in stack.electrical_layers
    )


@lru_cache(maxsize=64)
def _text(cell: Cell) -> str:
    """The cell as TOML, written once for all measurements of it."""
    return cell.to_toml()


def about(cell: Cell, protocol: Any, intensity: float) -> dict[str, Any]:
    """What was measured, how and under which light (suns): attributes that every measurement of a cell has."""
    return {
        "stack": cell.name,
        "cell": _text(cell),
        "protocol": protocol.model_dump_json(),
        "light": intensity,
        "temperature": float(cell.temperature),
    }


def notes(states: States, fields: bool = False) -> list[str]:
    """Remarks that a reader of the result must see; of one with `fields` also whose they are."""
    from perotwin.transport.radiative_limit import remarks

    found, part = [*states.problem.notes, *remarks(states)], states.problem.shown_as
    if fields and part:
        found.append(f"fields inside (bands, densities, rates, junction voltage) are those of the {part}.")
    return found


def irradiance(states: States) -> float:
    """Incident power of the states' light, W m^-2.

    A sun of AM1.5G counts as 1000 W/m2 by convention, and so does prescribed generation; another spectrum is
    integrated.
    """
    cell, absorption = states.problem.stack, states.problem.absorption
    if cell.light.spectrum.kind == "AM1.5G" or absorption is None or absorption.wavelength.size == 0:
        return 1000.0 * states.intensity
    from scipy.constants import c, h

    from perotwin.optics.generation import spectrum
    from perotwin.optics.spectra import Spectrum

    light = spectrum(cell)
    if not isinstance(light, Spectrum):
        return states.intensity * float(np.sum(absorption.photon_flux * h * c / absorption.wavelength))
    return states.intensity * light.irradiance


def refuse_range(start: Quantity, stop: Quantity | None, step: Quantity, most: int) -> None:
    """Refuse voltages from `start` in steps of `step` that lead nowhere or make more than `most` points.

    Raises:
        InputError: with the key of the protocol.
    """
    if not step > 0.0:
        raise InputError(
            f"a step of {step} leads nowhere.",
            "Give a positive step; the direction follows from start and stop.",
            key="step",
        )
    if stop is not None and abs(stop - start) / step > most:
        raise InputError(
            f"from {start} to {stop} in steps of {step} makes more than {most} points.",
            "Give a larger step.",
            key="step",
        )
