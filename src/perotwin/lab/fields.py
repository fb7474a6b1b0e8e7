"""What instruments share: fields of solved states as variables, attributes, incident power, ranges of voltage."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from perotwin.errors import InputError

if TYPE_CHECKING:
    from perotwin.stack import Cell
    from perotwin.transport.cell import CellStates
    from perotwin.transport.profiles import Profiles
    from perotwin.units import Quantity


def variables(fields: Profiles, dimension: str) -> dict[str, tuple[tuple[str, ...], Any]]:
    """The fields by name, over (`dimension`, x) or (`dimension`, x_edge), SI and eV."""
    rows = (dimension, "x")
    edges = (dimension, "x_edge")
    return {
        "conduction_band": (rows, fields.conduction_band),
        "valence_band": (rows, fields.valence_band),
        "electron_fermi_level": (rows, fields.electron_fermi_level),
        "hole_fermi_level": (rows, fields.hole_fermi_level),
        "electron_density": (rows, fields.electron_density),
        "hole_density": (rows, fields.hole_density),
        "ion_density": (rows, fields.ion_density),
        "recombination": (rows, fields.recombination),
        "electric_field": (edges, fields.electric_field),
        "electron_current": (edges, fields.electron_current),
        "hole_current": (edges, fields.hole_current),
    }


def coordinates(fields: Profiles) -> dict[str, Any]:
    """x, x_edge and the layer's name at each x (faces appear twice)."""
    names = np.array(fields.layers)
    return {"x": fields.x, "x_edge": fields.x_edge, "layer": ("x", names[fields.layer])}


def shown(states: CellStates) -> dict[str, str]:
    """The attribute that says whose fields a measurement holds, where they are those of a part of the cell."""
    part = states.problem.shown_as
    return {"shown": part} if part else {}


def frozen_in_light(cell: Cell) -> bool:
    """Whether ions are held in a distribution that light shaped."""
    return any(
        layer.ions is not None
        and layer.ions.response.kind == "frozen"
        and float(layer.ions.response.light) > 0.0
        for layer in cell.electrical_layers
    )


@lru_cache(maxsize=64)
def _text(cell: Cell) -> str:
    """The cell as TOML, written once for all measurements of it."""
    return cell.to_toml()


def attributes(instrument: str, cell: Cell, protocol: Any, intensity: float) -> dict[str, Any]:
    """What belongs to the whole measurement, but for its checks and notes."""
    from perotwin import __version__

    return {
        "instrument": instrument,
        "stack": cell.name,
        "cell": _text(cell),
        "protocol": protocol.model_dump_json(),
        "light": intensity,
        "temperature": float(cell.temperature),
        "perotwin": __version__,
    }


def notes(states: CellStates, fields: bool = False) -> list[str]:
    """Remarks that a reader of the result must see; of one with `fields` also whose they are."""
    found, part = list(states.problem.notes), states.problem.shown_as
    if fields and part:
        found.append(f"fields inside (bands, densities, rates, junction voltage) are those of the {part}.")
    return found


def irradiance(states: CellStates) -> float:
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
