"""What every measurement of a cell says of itself: the cell, its protocol and light, incident power, remarks."""

from __future__ import annotations

import json
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from perotwin.errors import InputError

if TYPE_CHECKING:
    from perotwin.optics import Absorption
    from perotwin.stack import Cell, Layer, Stack
    from perotwin.transport.build import Problem
    from perotwin.transport.states import States
    from perotwin.units import Quantity

__all__ = [
    "about",
    "darkened",
    "films",
    "frozen_in_light",
    "incidence",
    "irradiance",
    "lines_in_films",
    "notes",
    "refuse_range",
    "reverse_bias",
    "shares",
]

#: V a junction at which halide perovskite cells begin to break down (A. R. Bowring et al., Adv. Energy Mater. 8,
#: 1702365 (2018), doi:10.1002/aenm.201702365)
_BREAKDOWN = -1.0


def darkened(cell: Cell) -> Cell:
    """The same cell without light on either side."""
    beside = {"other_side": "0 sun"} if cell.light.other_side > 0.0 else {}
    return cell.with_light(intensity="0 sun", **beside)


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
        "layers": _layers(cell),
    }


@lru_cache(maxsize=64)
def _layers(cell: Cell) -> str:
    """Role and material of each layer by the name that measurements call it, as JSON, so that figures know it."""
    from perotwin.stack import in_order

    found = {}
    for part, layer in in_order(cell):
        material = layer.material if isinstance(layer.material, str) else ""
        for name in (layer.name, f"{part} {layer.name}".strip()):
            found[name] = (layer.role, material)
    return json.dumps(found)


def notes(states: States, fields: bool = False) -> list[str]:
    """Remarks that a reader of the result must see; of one with `fields` also whose they are."""
    from perotwin.transport.radiative_limit import remarks

    found, part = [*states.problem.notes, *remarks(states)], states.problem.shown_as
    found += reverse_bias(states.problem, float(np.min(states.voltage, initial=0.0)))
    found += incidence(states)
    found += lines_in_films(states.problem.stack)
    if fields and part:
        found.append(f"fields inside (bands, densities, rates, junction voltage) are those of the {part}.")
    return found


def shares(cell: Cell) -> list[str]:
    """A remark where quantum efficiencies are of the photons of two sides."""
    if not cell.light.other_side > 0.0:
        return []
    return [
        f"light comes on both sides ({cell.light.intensity} on the {cell.light.side}, {cell.light.other_side} on the "
        "other): quantum efficiency, reflectance and absorptance are of the photons of both."
    ]


def films(stack: Stack) -> list[tuple[Layer, ...]]:
    """The electrical layers of a stack by film: neighbours of one material, gap and electronics are slices of one."""
    found: list[tuple[Layer, ...]] = []
    for layer in stack.electrical_layers:
        before = found[-1][-1] if found else None
        if before is not None and (before.material, before.bandgap, before.electronic) == (
            layer.material,
            layer.bandgap,
            layer.electronic,
        ):
            found[-1] = (*found[-1], layer)
        else:
            found.append((layer,))
    return found


def lines_in_films(cell: Cell) -> list[str]:
    """A remark where a line is drawn through one film whose ions move: they do not cross it."""
    found = []
    for stack in cell.stacks.values():
        for one, other in (pair for film in films(stack) for pair in pairwise(film)):
            if one.ions is not None and other.ions is not None:
                found.append(
                    f'"{one.name}" and "{other.name}" of "{stack.name}" are slices of one film, and ions stay in their '
                    "slice: voltage and fill factor are not those of the film. Give it as one layer."
                )
    return found


def incidence(states: States) -> list[str]:
    """A remark where light comes at an angle or on both sides: what it is and what an efficiency is of."""
    light = states.problem.stack.light
    if states.intensity == 0.0 or not (light.angle > 0.0 or light.other_side > 0.0):
        return []
    words = [f"light comes at {light.angle}"] if light.angle > 0.0 else ["light comes"]
    if light.other_side > 0.0:
        words.append(
            f"on both sides ({light.intensity} on the {light.side}, {light.other_side} on the other)"
        )
    return [
        f"{' '.join(words)}; efficiencies are of the {irradiance(states):.4g} W/m^2 that arrive on the cell."
    ]


def reverse_bias(problem: Problem, voltage: float) -> list[str]:
    """A remark where a terminal voltage (V) drives a cell past where real ones begin to break down."""
    count = max(len(problem.junction_sites), 1)
    if not voltage < _BREAKDOWN * count:
        return []
    each = "" if count == 1 else f" and {count} junctions in series"
    return [
        f"at {voltage:.3g} V{each} a real cell may have broken down: one of halide perovskite does so from -1 to "
        "-4 V (doi:10.1002/aenm.201702365), by tunnelling and by ions that react, which the model does not have."
    ]


def irradiance(states: States) -> float:
    """Power of the states' light that arrives on the cell, of both sides where both are lit, W m^-2.

    A sun of AM1.5G counts as 1000 W/m2 by convention, and so does prescribed generation; of AM0 and black bodies all
    wavelengths count; another spectrum is integrated. A beam at an angle brings the cosine of it. Where the junctions
    of a tandem have suns of their own, the power is that of the whole times their mean, each weighted with the power
    that its absorbers take.
    """
    problem, absorption = states.problem, states.problem.absorption
    own, mean = _suns(problem)
    light = problem.stack.light
    from perotwin.optics.incidence import arriving

    # light of the other side is a share of that on the lit side, at any suns
    share = arriving(light) if light.angle > 0.0 or light.other_side > 0.0 else 1.0
    if light.spectrum.kind == "AM1.5G" or absorption is None or absorption.wavelength.size == 0:
        return 1000.0 * states.intensity * mean * share
    from perotwin.spectra import Monochromatic, chosen

    spectrum = chosen(light.spectrum)
    if isinstance(spectrum, Monochromatic):
        return states.intensity * mean / own * _power(absorption)
    return states.intensity * mean * share * spectrum.power


def _power(absorption: Absorption, share: Any = 1.0) -> float:
    """W m^-2 of a share (W,) of the photons that fall on a cell."""
    from perotwin.constants import c, h

    return float(np.sum(share * absorption.photon_flux * h * c / absorption.wavelength))


def _suns(problem: Problem) -> tuple[float, float]:
    """Suns of the junction at whose terminals a tandem is measured (1 where those are all), and the mean of all."""
    cell: Any = problem.lit_cell
    junctions = getattr(cell, "cells", None)
    if junctions is None:
        return 1.0, 1.0
    suns = {which.partition(".")[0]: float(one.light.intensity) for which, one in cell.stacks.items()}
    at = "" if problem.lit is None else str(cell.junction.terminals)
    own = suns.get(at, 1.0)
    if len(set(suns.values())) == 1:
        return own, next(iter(suns.values()))
    absorption = problem.absorption
    weights = dict.fromkeys(suns, 0.0)
    if absorption is not None and absorption.wavelength.size:
        rows = dict(zip(absorption.layers, absorption.absorptance, strict=True))
        for which, stack in cell.stacks.items():
            name = which.partition(".")[0]
            for layer in stack.absorbers:
                # a measurement at one junction's terminals calls that junction's layers as it does
                row = rows.get(layer.name if name == at else f"{name} {layer.name}")
                weights[name] = weights[name] if row is None else _power(absorption, row)
    else:
        made = problem.photocurrents
        weights |= {name: made[name] / suns[name] for name in made if suns[name] > 0.0}
    if not sum(weights.values()) > 0.0:
        weights = dict.fromkeys(suns, 1.0)
    return own, sum(suns[name] * weight for name, weight in weights.items()) / sum(weights.values())


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
