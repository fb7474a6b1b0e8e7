"""Devices that one carrier passes, made of a cell's absorber, and their dark curves: the measuring half of `sclc`."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from perotwin.errors import InputError
from perotwin.lab import conditions

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.lab.sclc import Protocol
    from perotwin.measurement import Instrument
    from perotwin.stack import Cell, Stack

__all__ = ["device", "measure"]

#: of a trap that fills: far faster than any scan
_CAPTURE = "1e-9 cm^3/s"


def measure(cell: Cell, protocol: Protocol, instrument: Instrument) -> xr.Dataset:
    """The dark curve of a device of one carrier; see `sclc.measure`."""
    from perotwin.measurement import check, make_dataset
    from perotwin.transport.build import build
    from perotwin.transport.checks import steady_checks
    from perotwin.transport.steady import Solver

    made = device(cell, protocol)
    solver = Solver(build(made, light=False))
    voltage = np.geomspace(float(protocol.start), float(protocol.stop), protocol.points)
    up, down = solver.sweep(voltage, 0.0), solver.sweep(-voltage, 0.0)
    absorbers = made.absorbers
    ions = max((float(one.ions.density) for one in absorbers if one.ions is not None), default=0.0)
    levels = [getattr(made.contact, end).work_function for end in ("front", "back")] if made.contact else []
    alike = any(isinstance(one, str) for one in levels)
    missed = (~up.converged).sum() + (~down.converged).sum()
    electronic = max(absorbers, key=lambda layer: float(layer.thickness)).electronic
    assert electronic is not None
    return make_dataset(
        instrument,
        {"current_density": ("voltage", np.concatenate([down.current[::-1], up.current]))},
        {"voltage": np.concatenate([-voltage[::-1], voltage])},
        about={
            **conditions.about(made, protocol, 0.0),
            "thickness": float(sum(float(layer.thickness) for layer in absorbers)),
            "permittivity": float(electronic.permittivity),
            "built_in_voltage": 0.0 if alike else abs(float(levels[1]) - float(levels[0])),
            "doping": float(electronic.donor_density) - float(electronic.acceptor_density),
            "ion_density": ions,
            "ions": protocol.ions,
        },
        checks={
            **{name: max((steady_checks(one)[name] for one in (up, down)), key=lambda one: abs(one.value))
               for name in steady_checks(up)},
            "points without a solution": check(float(missed), 0.0),
        },
        notes=[*conditions.notes(up), *_beside(made)],
    )  # fmt: skip


def _beside(made: Stack) -> list[str]:
    """A remark where other layers take a part of the voltage."""
    others = [layer.name for layer in made.electrical_layers if layer.role != "absorber"]
    if not others:
        return []
    return [
        f"{', '.join(others)} carry the current too and take their part of the voltage: the mobility is that of the "
        "whole device over the thickness of the absorber. Bare contacts (barrier) leave the absorber alone."
    ]


def device(cell: Cell, protocol: Protocol) -> Stack:
    """The device that a protocol asks for.

    Raises:
        InputError: the cell has no such layers, or its contacts leave no barrier of that height.
    """
    from perotwin.stack import Stack, films, paths

    if protocol.barrier is None:
        made = films.single_carrier(cell, protocol.carrier, junction=protocol.junction)
    else:
        made = _between_contacts(films.part_of(cell, films.CELL, junction=protocol.junction), protocol)
    data: dict[str, Any] = paths.plain(made)
    # in the dark there are no optics that roughness could change
    for face in data.get("interface", {}).values():
        face.pop("roughness", None)
    absorbers = [layer for layer in data["layer"] if layer.get("role") == "absorber"]
    if protocol.thickness is not None:
        if len(absorbers) > 1:
            raise InputError(
                f'the absorber of "{cell.name}" consists of {len(absorbers)} layers, and one thickness is given.',
                "Leave the thickness out, or change the layers of the cell.",
                key="thickness",
            )
        absorbers[0]["thickness"] = protocol.thickness
    for layer in absorbers:
        if layer.get("ions"):
            response = {"kind": "steady"} if protocol.ions == "moving" else {"kind": "frozen"}
            layer["ions"] = {**layer["ions"], "response": response}
        if protocol.trap_density is not None:
            layer["trap"] = [
                *(one for one in layer.get("trap", ()) if one.get("charge", "neutral") == "neutral")
            ]
            if float(protocol.trap_density) > 0.0:
                layer["trap"].append(_trap(protocol))
    return Stack.from_data(data, file=f'stack "{data["name"]}"', bare_numbers=True)


def _trap(protocol: Protocol) -> dict[str, Any]:
    """Charged traps for the carrier that passes; the other one does not reach them."""
    electrons = protocol.carrier == "electrons"
    level = (
        {"below": "conduction", "depth": protocol.trap_depth}
        if electrons
        else {"above": "valence", "height": protocol.trap_depth}
    )
    return {
        "level": level,
        "density": protocol.trap_density,
        "electron_capture": _CAPTURE if electrons else "0 cm^3/s",
        "hole_capture": "0 cm^3/s" if electrons else _CAPTURE,
        "charge": "acceptor" if electrons else "donor",
    }


def _between_contacts(stack: Stack, protocol: Protocol) -> Stack:
    """The absorber of a stack between bare contacts."""
    from perotwin.stack import Stack, paths, pinholes

    assert protocol.barrier is not None
    stack = pinholes.covered(stack)
    layers = stack.absorbers
    barrier, built_in = float(protocol.barrier), float(protocol.built_in)
    levels = []
    for layer, height in ((layers[0], barrier), (layers[-1], barrier + built_in)):
        if layer.electronic is None:
            raise InputError(
                f'the absorber "{layer.name}" has no electronic parameters.',
                "Add [layer.electronic].",
                key=layer.name,
            )
        if not height < layer.gap:
            raise InputError(
                f"a barrier of {height:.3g} eV lies beyond the gap of {layer.gap:.3g} eV.",
                "Give a lower one: the contact would inject the other carrier.",
                key="barrier",
            )
        edge = float(layer.electronic.electron_affinity)
        levels.append(edge + height if protocol.carrier == "electrons" else edge + layer.gap - height)
    data: dict[str, Any] = paths.plain(stack)
    data["name"] = f"{stack.name} {protocol.carrier} only"
    data["description"] = f"The absorber of {stack.name} between bare contacts."
    data["layer"] = [paths.plain(layer) for layer in layers]
    names = {f"{a.name}|{b.name}" for a, b in pairwise(layers)}
    data["interface"] = {key: face for key, face in data.pop("interface", {}).items() if key in names}
    if not data["interface"]:
        del data["interface"]
    data["contact"] = {
        end: {"work_function": f"{level} eV"} for end, level in zip(("front", "back"), levels, strict=True)
    }
    data.pop("circuit", None)
    light = {**data.get("light", {}), "intensity": "dark"}
    light.pop("other_side", None)
    data["light"] = light
    return Stack.from_data(data, file=f'stack "{data["name"]}"', bare_numbers=True)
