"""From a stack to the arrays of the solver: temperature laws, dipoles, trap levels, ions, contacts, light.

Nothing is solved here but the neutrality of a layer behind a flat-band contact.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.constants import elementary_charge as Q
from perotwin.constants import epsilon_0
from perotwin.errors import InputError
from perotwin.transport import device as dv
from perotwin.transport.device import Device
from perotwin.transport.energies import K_EV
from perotwin.transport.equations import Channel, equations_of
from perotwin.transport.fermi import activity_table
from perotwin.transport.mesh import DENSITY, FACE_SPACING, Like, Mesh, graded

if TYPE_CHECKING:
    from perotwin.optics import Absorption, Emission
    from perotwin.stack import Layer, Stack

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


@dataclass(frozen=True)
class Junction:
    """A stack's electrical layers on a mesh between two contacts: all that the compiled functions know.

    Attributes:
        stack: what it was made from.
        mesh: its nodes.
        device: arrays with the ions that re-equilibrate at each point as unknowns.
        mobile: the same with all ions so; used once to find frozen distributions. None without frozen ions.
        generation: (S,) pairs per area, time and site at 1 sun (m^-2 s^-1).
        channels: recombination channels with a rate, named.
        absorption, emission: what the optics gave, or None where generation is prescribed.
        notes: remarks that a reader of the result must see.
        layers: what the electrical layers are called in the cell.
        halves: names of the junctions of a cell that are one mesh here, because traps join them; else nothing.
        between: last site in front of each face where they meet.
        apart: each of them as a mesh of its own between contacts of its own, to start from.
    """

    stack: Stack
    mesh: Mesh
    device: Device
    mobile: Device | None
    generation: F64
    channels: tuple[Channel, ...]
    absorption: Absorption | None
    emission: Emission | None
    notes: tuple[str, ...]
    layers: tuple[str, ...]
    halves: tuple[str, ...] = ()
    between: tuple[int, ...] = ()
    apart: tuple[Junction, ...] = ()

    @property
    def vt(self) -> float:
        """kT/q in volt."""
        return float(self.device.vt)

    @property
    def photocurrent(self) -> float:
        """Pairs generated at 1 sun, as a current (A m^-2): of halves, those of the one that has fewest."""
        return float(Q * min(one.sum() for one in np.split(self.generation, [s + 1 for s in self.between])))

    @property
    def charge(self) -> float:
        """Current (A m^-2) that leaves the anode per flux along x (m^-2 s^-1)."""
        return -Q if self.device.anode_front else Q

    @property
    def isolated(self) -> bool:
        """Whether both of its ends are bare."""
        return bool(self.device.contact[:, dv.C_BARE].any())

    @property
    def highest_voltage(self) -> float:
        """A voltage (V) above all that light can make: the largest gap of an absorber, else of any layer.

        Of halves, the sum of theirs.
        """
        layers = self.stack.electrical_layers
        ends = (0, *(int(self.site_layer[site]) + 1 for site in self.between), len(layers))
        found = 0.0
        for first, last in pairwise(ends):
            part = layers[first:last]
            gaps = [layer.gap for layer in part if layer.role == "absorber"]
            found += max(gaps or [layer.gap for layer in part], default=0.0)
        return found

    @property
    def geometric_capacitance(self) -> float:
        """Of all electrical layers in series, F m^-2."""
        layers = self.stack.electrical_layers
        return float(
            epsilon_0
            / sum(
                float(layer.thickness) / float(layer.electronic.permittivity)
                for layer in layers
                if layer.electronic is not None
            )
        )

    @property
    def site_layer(self) -> I64:
        """(S,) index of each site's layer."""
        return self.device.site_layer

    @property
    def site_node(self) -> I64:
        """(S,) node of each site."""
        return self.device.site_node

    @cached_property
    def node_site(self) -> I64:
        """(N,) first site of each node."""
        return np.flatnonzero(np.diff(self.site_node, prepend=-1))

    def all_moving(self) -> Junction:
        """The same with every ion mobile, whatever its steady response."""
        if self.mobile is None:
            return self
        return replace(
            self, device=self.mobile, mobile=None, apart=tuple(half.all_moving() for half in self.apart)
        )


def mesh_of(stack: Stack, density: float | Like = DENSITY) -> Mesh:
    """The mesh of a stack's electrical layers.

    Args:
        stack: the cell.
        density: see `mesh.graded`; or meshes that are stretched to its thicknesses.

    Raises:
        InputError: the stack has no electrical layers.
    """
    layers = stack.electrical_layers
    if not layers or stack.contact is None:
        raise InputError(
            f'the stack "{stack.name}" has no electrical layers.', "Add [layer.electronic] to its layers."
        )
    if isinstance(density, Like):
        names = (stack.name, *(layer.name for layer in layers))
        return density.stretched(names, [float(layer.thickness) for layer in layers])
    vt = K_EV * float(stack.temperature)
    return graded(
        [float(layer.thickness) for layer in layers], density, [_face_spacing(layer, vt) for layer in layers]
    )


def build_junction(
    stack: Stack,
    *,
    density: float | Like = DENSITY,
    mesh: Mesh | None = None,
    light: bool = True,
    optics: tuple[Absorption | None, Emission | None] | None = None,
    prefix: str = "",
) -> Junction:
    """Make a stack's electrical layers ready to be solved.

    Args:
        stack: the cell.
        density: of the mesh (see `mesh.graded`); ignored where `mesh` is given.
        mesh: a mesh of one's own, for convergence studies.
        light: whether generation is needed; False saves the optics of a purely dark measurement.
        optics: what is absorbed in the stack at 1 sun and what it emits, where it is part of a larger one.
        prefix: of its layers' names in the cell that it is part of.

    Raises:
        InputError: the stack has no electrical layers, or a number that cannot be at its temperature.
    """
    mesh = mesh or mesh_of(stack, density)
    layers = stack.electrical_layers
    temperature = float(stack.temperature)
    vt = K_EV * temperature
    thermionic = [stack.face(a, b).transport.kind == "thermionic" for a, b in pairwise(layers)]

    sizes = np.array([x.size for x in mesh.layers])
    start = np.concatenate(([0], np.cumsum(sizes)))
    offset = np.concatenate(([0], np.cumsum([0 if t else 1 for t in thermionic]))).astype(np.int64)
    sites = mesh.sites
    volume = np.diff(mesh.control_faces)
    spacing = np.append(np.diff(sites), 1.0)
    spacing[start[1:] - 1] = 1.0
    x = np.zeros(int(sites.size - offset[-1]))
    x[np.arange(sites.size) - np.repeat(offset, sizes)] = sites

    absorption, emission = _light(stack, mesh, light) if optics is None else optics
    generation = np.zeros(sites.size)
    if absorption is not None:
        generation = np.ascontiguousarray(absorption.generation, dtype=float)
    notes = list(dict.fromkeys(note for found in (absorption, emission) if found for note in found.notes))
    equations = equations_of(stack, start, emission)
    device = Device(
        node_start=np.array([0, x.size], dtype=np.int64),
        layer_start=np.array([0, len(layers)], dtype=np.int64),
        layer_junction=np.zeros(len(layers), dtype=np.int64),
        x=x,
        site_start=start.astype(np.int64),
        offset=offset,
        site_layer=np.repeat(np.arange(len(layers)), sizes),
        site_node=np.arange(sites.size) - np.repeat(offset, sizes),
        volume=volume,
        spacing=spacing,
        fixed_charge=np.repeat(equations.charge, sizes),
        layer=equations.layer,
        balanced=equations.balanced,
        trap_start=equations.trap_start,
        trap=equations.trap,
        face_trap_site=equations.face_trap_site,
        face_trap=equations.face_trap,
        barrier_site=equations.barrier_site,
        barrier=equations.barrier,
        ion=equations.moving,
        motion=np.zeros((0, dv.MOTION_COLUMNS)),
        contact=equations.contact,
        anode_front=_anode_front(stack, equations.contact),
        vt=vt,
        activity=activity_table() if equations.layer[:, dv.DEGENERATE].any() else np.zeros((1, 6)),
    )
    mobile = None
    if equations.frozen.size:
        mobile = device._replace(ion=np.concatenate([equations.moving, equations.frozen]))
    names = tuple(f"{prefix}{layer.name}" for layer in layers)
    return Junction(
        stack, mesh, device, mobile, generation, equations.channels, absorption, emission, tuple(notes), names
    )


def _face_spacing(layer: Layer, vt: float) -> float:
    """The mesh's first interval in a layer (m): a tenth of the Debye length of its doping or ions, or the usual one."""
    e = layer.electronic
    assert e is not None
    charges = [float(e.donor_density), float(e.acceptor_density)]
    if layer.ions is not None:
        charges.append(float(layer.ions.density) * float(layer.ions.charge) ** 2)
    largest = max(charges)
    if largest <= 0.0:
        return FACE_SPACING
    return float(min(FACE_SPACING, 0.1 * np.sqrt(float(e.permittivity) * epsilon_0 * vt / (Q * largest))))


def _light(stack: Stack, mesh: Mesh, needed: bool) -> tuple[Absorption | None, Emission | None]:
    """What the optics say of a stack at 1 sun."""
    kind = stack.light.generation.kind
    emits = kind in ("optics", "step") or any(
        stack.radiative(layer).kind == "detailed-balance" for layer in stack.electrical_layers
    )
    absorption = emission = None
    if needed:
        from perotwin.optics import absorb

        unit = stack if float(stack.light.intensity) == 1.0 else stack.with_light(**stack.light.at_one_sun())
        absorption = absorb(unit, mesh.control_faces)
    if emits:
        from perotwin.optics import emit

        emission = emit(stack)
    return absorption, emission


def _anode_front(stack: Stack, contact: np.ndarray) -> bool:
    """Whether a forward bias lowers the front contact's Fermi level.

    The transport layers say so where they are named; else the larger work function marks the anode.
    """
    roles = [layer.role for layer in stack.electrical_layers]
    places = {role: roles.index(role) for role in ("htl", "absorber", "etl") if role in roles}
    for before, after in (("htl", "etl"), ("htl", "absorber"), ("absorber", "etl")):
        if before in places and after in places:
            return places[before] < places[after]
    return bool(contact[0, dv.C_PSI] <= contact[1, dv.C_PSI])
