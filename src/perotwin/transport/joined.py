"""A tandem made ready to be solved: as two junctions in series, or as one stack with a plane in it.

Both forms take the light from one calculation of the whole cell. In the one stack the junctions meet at a plane whose
carriers recombine there; a metal in the plane holds the potential beside it at its Fermi level, which floats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.constants import elementary_charge as Q

from perotwin.errors import InputError
from perotwin.stack import Midgap, Separate
from perotwin.transport import device as dv
from perotwin.transport.build import Problem, build, mesh_of
from perotwin.transport.device import Device
from perotwin.transport.energies import bands, neutral_fermi_level
from perotwin.transport.tandem import Coupling, TandemProblem, left_out

if TYPE_CHECKING:
    from perotwin.optics.tandem import Parts
    from perotwin.stack import Contact, Layer, Stack, Tandem

__all__ = ["at_own_terminals", "in_one", "in_series"]

#: what an ideal plane exchanges with either band per kT, m^-2 s^-1: at the current of one sun (1e21) it costs 1e-5 kT,
#: and the rounding of the potential is 1e-9 of that current
_IDEAL_RATE = 1e26


def _optics(tandem: Tandem, stacks: Sequence[Stack], light: bool) -> Parts:
    from perotwin.optics.tandem import parts

    unit = tandem if float(tandem.light.intensity) == 1.0 else tandem.with_light(intensity=1.0)
    top, bottom = (mesh_of(stack).control_faces for stack in stacks)
    return parts(unit, top, bottom, light=light)


def in_series(tandem: Tandem, *, light: bool = True) -> TandemProblem:
    """A tandem as two junctions that carry one current.

    Args:
        tandem: with a junction that costs at most its ohmic drop, or with four terminals.
        light: whether generation is needed.

    Raises:
        InputError: a junction that needs the whole in one solve; a number that cannot be at its temperature.
    """
    if tandem.junction.kind == "traps":
        raise InputError(
            "traps between the junctions couple their potentials, which two cells in series do not know of.",
            "Solve the tandem in one.",
            key="junction.kind",
        )
    stacks = [_without_resistance(stack) for stack in tandem.cells.values()]
    found = _optics(tandem, stacks, light)
    top, bottom = (
        build(stack, optics=(absorption if light else None, emission))
        for stack, absorption, emission in zip(stacks, found.absorption, found.emissions, strict=True)
    )
    _same_sides(top.device, bottom.device)
    return TandemProblem(
        stack=tandem,
        junctions=(top, bottom),
        optics=found,
        resistance=_resistance(tandem),
        coupling=_coupling(found, top.stack),
    )


def at_own_terminals(tandem: Tandem, *, light: bool = True) -> Problem:
    """The junction of a tandem with four terminals that instruments are connected to, lit as it is in the whole.

    What light the other junction sends it depends on that one's own load and is left out.

    Raises:
        InputError: no one junction is chosen.
    """
    which = tandem.junction.terminals if isinstance(tandem.junction, Separate) else "both"
    if which == "both":
        raise InputError(
            f'"{tandem.name}" has four terminals, and an instrument connects to two.',
            'Choose a junction: tandem.at("top") or tandem.at("bottom"), or in a file junction = '
            '{ kind = "separate", terminals = "top" }.',
            file=f'tandem "{tandem.name}"',
            key="junction.terminals",
        )
    number = list(tandem.cells).index(which)
    found = _optics(tandem, list(tandem.cells.values()), light)
    # checks and notes of the light are the whole's
    absorption, emission = found.absorption[number], found.emissions[number]
    if absorption is not None and found.whole is not None:
        absorption = replace(absorption, checks=found.whole.checks, notes=found.whole.notes)
    if found.emission is not None:
        emission = replace(emission, checks=found.emission.checks, notes=found.emission.notes)
    problem = build(tandem.cells[which], optics=(absorption, emission))
    note = f"measured at the terminals of the {which} junction; light that the other junction emits is left out."
    return replace(problem, notes=(note, *problem.notes))


def _without_resistance(stack: Stack) -> Stack:
    """A junction whose series resistance is counted with the whole's."""
    if float(stack.circuit.series_resistance) == 0.0:
        return stack
    return stack.with_values({"circuit.series_resistance": 0.0})


def _resistance(tandem: Tandem) -> float:
    """All that is in series with both junctions, ohm m^2."""
    between = float(tandem.junction.resistance) if tandem.junction.kind == "resistive" else 0.0
    return between + sum(float(stack.circuit.series_resistance) for stack in tandem.cells.values())


def _coupling(found: Parts, top: Stack) -> Coupling | None:
    """The light of the top that the bottom absorbs; the other way next to nothing goes (see `optics.tandem`)."""
    light = next((one for one in found.coupling if one.junctions == ("top", "bottom")), None)
    if light is None:
        return None
    emitter = [layer.name for layer in top.electrical_layers].index(light.source)
    return Coupling(light.share, emitter, np.ascontiguousarray(light.profile, dtype=float))


def _same_sides(top: Device, bottom: Device) -> None:
    if top.anode_front != bottom.anode_front:
        sides = ["front" if one.anode_front else "back" for one in (top, bottom)]
        raise InputError(
            f"the top junction has its anode at the {sides[0]} and the bottom junction at the {sides[1]}, so that "
            "they work against each other.",
            "Turn the layers of one of them round.",
            key="bottom",
        )


# --- one solve -------------------------------------------------------------------------------------------------------


def in_one(tandem: Tandem, *, light: bool = True) -> Problem:
    """A tandem as one stack with a plane where its junctions meet.

    Args:
        tandem: with two terminals.
        light: whether generation is needed.

    Raises:
        InputError: four terminals; an inner contact of finite velocity; a number that cannot be at its temperature.
    """
    whole = tandem.whole
    stacks = list(tandem.cells.values())
    found = _optics(tandem, stacks, light)
    front, back = _work_functions(tandem)
    last, first = _inner(tandem)
    key = f"top {last.name}|bottom {first.name}"
    junction = tandem.junction
    if junction.kind != "traps" or junction.dipole == "flat":
        # the vacuum level steps so that each side meets the plane as its own contact would
        whole = whole.with_values({f"{key}.dipole": back - front})
    if junction.kind == "traps" and isinstance(junction.level, Midgap):
        depth = _midway(tandem, float(whole.face(*key.split("|")).dipole))
        whole = whole.with_values({f"{key}.trap.1.level": {"below": "vacuum", "depth": depth}})
    problem = build(whole, optics=(found.whole, found.emission))
    dark = (build(stack, optics=(None, one)) for stack, one in zip(stacks, found.emissions, strict=True))
    _same_sides(*(one.device for one in dark))
    in_front = len(stacks[0].electrical_layers)
    site = sum(x.size for x in problem.mesh.layers[:in_front]) - 1
    row = np.zeros(dv.PLANE_COLUMNS)
    metal = junction.kind != "traps" or junction.metal is not None
    step = sum(float(whole.face(a, b).dipole) for a, b in pairwise(whole.electrical_layers[:in_front]))
    row[dv.P_PSI] = (step - front) / problem.vt
    row[dv.P_RATE] = _IDEAL_RATE
    row[dv.P_SN] = row[dv.P_SP] = -1.0
    if junction.kind == "traps" and metal:
        row[dv.P_SN], row[dv.P_SP] = float(junction.electron_velocity), float(junction.hole_velocity)
    leaks = [
        0.0 if stack.circuit.shunt_resistance is None else problem.vt / (Q * float(stack.circuit.shunt_resistance))
        for stack in stacks
    ]
    row[dv.P_GE], row[dv.P_GH] = leaks if problem.device.anode_front else leaks[::-1]
    row[dv.P_METAL] = float(metal)
    plane: dict[str, Any] = {"plane_site": np.array([site], dtype=np.int64), "plane": row[None]}
    coupling = _coupling(found, stacks[0])
    if coupling is not None:
        profile = np.concatenate((np.zeros(site + 1), coupling.profile))
        plane |= {"emitter": coupling.emitter, "share": coupling.share, "coupled": profile}
    mobile = None if problem.mobile is None else problem.mobile._replace(**plane)
    return replace(
        problem,
        device=problem.device._replace(**plane),
        mobile=mobile,
        notes=(*problem.notes, *left_out(found)),
        lit_as=tandem,
    )


def _midway(tandem: Tandem, dipole: float) -> float:
    """Depth (eV) of the level half way between the bands that the junction's electrons and holes come in.

    It is counted from the vacuum level of the layer that `face_layer` takes for the face's home.
    """
    front, back = _inner(tandem)
    whole = tandem.whole
    temperature = float(tandem.temperature)
    both = [bands(layer, temperature) for layer in (front, back)]
    home = whole.face_layer(f"top {front.name}|bottom {back.name}").name
    # the vacuum level behind the face lies `dipole` above that in front
    above = (0.0, dipole) if home == f"top {front.name}" else (-dipole, 0.0)
    conduction = [up - band.affinity for up, band in zip(above, both, strict=True)]
    valence = [edge - band.gap for edge, band in zip(conduction, both, strict=True)]
    # electrons come in the lower conduction band and holes in the higher valence band
    return -0.5 * (min(conduction) + max(valence))


def _inner(tandem: Tandem) -> tuple[Layer, Layer]:
    """The two electrical layers that the plane lies between."""
    return tandem.top.electrical_layers[-1], tandem.bottom.electrical_layers[0]


def _work_functions(tandem: Tandem) -> tuple[float, float]:
    """What the plane is to the layer in front of it and to the one behind it, eV."""
    junction = tandem.junction
    if junction.kind == "traps":
        if junction.metal is not None:
            return float(junction.metal.work_function), float(junction.metal.work_function)
        stated: tuple[Contact | None, ...] = (None, None)
    else:
        assert tandem.top.contact is not None and tandem.bottom.contact is not None
        stated = (tandem.top.contact.back, tandem.bottom.contact.front)
    found = []
    for layer, contact in zip(_inner(tandem), stated, strict=True):
        if contact is not None and (contact.electron_velocity, contact.hole_velocity) != (None, None):
            raise InputError(
                "the inner contact of a junction has a finite velocity, which a tandem solved in one does not know.",
                'Describe what happens between the junctions by junction = { kind = "traps", ... }.',
                key="junction",
            )
        if contact is not None and not isinstance(contact.work_function, str):
            found.append(float(contact.work_function))
            continue
        e = layer.electronic
        assert e is not None
        band = bands(layer, float(tandem.temperature))
        found.append(-neutral_fermi_level(band, float(e.donor_density), float(e.acceptor_density), layer.trap))
    return found[0], found[1]
