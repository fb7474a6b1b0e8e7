"""From a stack to the arrays of the solver: temperature laws, dipoles, trap levels, ions, contacts, light.

Nothing is solved here but the neutrality of a layer behind a flat-band contact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perotwin.constants import elementary_charge as Q
from perotwin.constants import epsilon_0
from perotwin.errors import InputError
from perotwin.transport import device as dv
from perotwin.transport.device import Device
from perotwin.transport.energies import (
    K_EV,
    KIND,
    Bands,
    bands,
    level_densities,
    level_energy,
    neutral_fermi_level,
)
from perotwin.transport.fermi import activity_table
from perotwin.transport.mesh import DENSITY, FACE_SPACING, Like, Mesh, graded

if TYPE_CHECKING:
    from perotwin.optics import Absorption, Emission
    from perotwin.stack import Layer, Stack

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


@dataclass(frozen=True)
class Channel:
    """One way to lose carriers: its name, what kind it is and where."""

    name: str
    kind: str  # "radiative" | "auger" | "trap" | "face trap"
    place: str
    index: int  # column of the kernels' channel array


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


def _captures(electrons: float, holes: float) -> tuple[float, float]:
    """Capture rates of a level; one that captures nothing keeps an occupation, and a rate that rounds to nothing."""
    return (electrons, holes) if electrons > 0.0 or holes > 0.0 else (1e-200, 1e-200)


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
    layer_bands = [bands(layer, temperature) for layer in layers]
    faces = [stack.face(a, b) for a, b in pairwise(layers)]
    step = np.concatenate(([0.0], np.cumsum([float(face.dipole) for face in faces])))
    thermionic = [face.transport.kind == "thermionic" for face in faces]

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
    table = np.zeros((len(layers), dv.LAYER_COLUMNS))
    balanced = np.array([stack.radiative(layer).kind == "detailed-balance" for layer in layers])
    charge = np.zeros(sites.size)
    trap_rows: list[list[float]] = []
    trap_start = [0]
    channels: list[Channel] = []
    for m, (layer, band) in enumerate(zip(layers, layer_bands, strict=True)):
        e = layer.electronic
        assert e is not None
        row = table[m]
        row[dv.EC] = (step[m] - band.affinity) / vt
        row[dv.EV] = (step[m] - band.affinity - band.gap) / vt
        row[dv.LN_NC], row[dv.LN_NV] = np.log(band.nc), np.log(band.nv)
        row[dv.MU_N], row[dv.MU_P] = band.mu_n, band.mu_p
        row[dv.EPS] = float(e.permittivity) * epsilon_0 * vt / Q
        row[dv.DEGENERATE] = float(band.degenerate)
        row[dv.NP_EQ] = band.np_eq
        for number, (name, columns) in enumerate(dv.MECHANISMS.items()):
            model = getattr(layer.recombination, name)
            if name == "radiative":
                row[columns[0]] = _radiative(stack, layer, band, emission)
                present = row[columns[0]] > 0.0
            else:
                present = model is not None
                if present:
                    row[list(columns)] = [float(value) for _, value in model]
            if present:
                title = name if model is None else getattr(model, "channel", name)
                index = len(dv.MECHANISMS) * m + number
                channels.append(Channel(f"{layer.name} {title}", name, layer.name, index))
        charge[start[m] : start[m + 1]] = float(e.donor_density) - float(e.acceptor_density)
        for number, trap in enumerate(layer.trap, 1):
            n1, p1 = level_densities(level_energy(trap.level, band), band.affinity, band)
            channels.append(
                Channel(
                    f"{layer.name} trap {number}",
                    "trap",
                    layer.name,
                    len(dv.MECHANISMS) * len(layers) + len(trap_rows),
                )
            )
            trap_rows.append(
                [
                    *_captures(1.0 / trap.tau_n, 1.0 / trap.tau_p),
                    n1,
                    p1,
                    float(trap.density or 0.0),
                    KIND[trap.charge],
                ]
            )
        trap_start.append(len(trap_rows))

    face_site, face_rows, barrier_site, barrier_rows = _faces(
        stack, layers, layer_bands, faces, step, start, channels, len(trap_rows)
    )
    moving, frozen = _ion_rows(layers)
    for m, species in enumerate(_species(layers)):
        for ion in species:
            charge[start[m] : start[m + 1]] -= float(ion.charge) * float(ion.density)
    contact = _contact_rows(stack, layers, layer_bands, step, vt)
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
        fixed_charge=charge,
        layer=table,
        balanced=balanced,
        trap_start=np.array(trap_start, dtype=np.int64),
        trap=np.array(trap_rows).reshape(-1, dv.TRAP_COLUMNS),
        face_trap_site=np.array(face_site, dtype=np.int64),
        face_trap=np.array(face_rows).reshape(-1, dv.FACE_TRAP_COLUMNS),
        barrier_site=np.array(barrier_site, dtype=np.int64),
        barrier=np.array(barrier_rows).reshape(-1, dv.BARRIER_COLUMNS),
        ion=np.array(moving).reshape(-1, dv.ION_COLUMNS),
        motion=np.zeros((0, dv.MOTION_COLUMNS)),
        contact=contact,
        anode_front=_anode_front(stack, contact),
        vt=vt,
        activity=activity_table() if table[:, dv.DEGENERATE].any() else np.zeros((1, 6)),
    )
    mobile = None
    if frozen:
        mobile = device._replace(ion=np.array([*moving, *frozen]).reshape(-1, dv.ION_COLUMNS))
    names = tuple(f"{prefix}{layer.name}" for layer in layers)
    return Junction(
        stack, mesh, device, mobile, generation, tuple(channels), absorption, emission, tuple(notes), names
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


def _radiative(stack: Stack, layer: Layer, band: Bands, emission: Any) -> float:
    """Coefficient (m^3/s) that multiplies n p (1 - exp(-splitting)) where carriers are dilute.

    In detailed balance the net loss at equilibrium, what escapes and what other layers absorb, fixes it:
    q B ni^2 d = J0 (doi:10.1103/PhysRev.94.1558, doi:10.1063/1.1736034). Where they are not, the rate stays R0 =
    B ni^2 times exp(splitting) - 1; see `kernels.recombination.crowding`.
    """
    kind = stack.radiative(layer)
    if kind.kind == "coefficient":
        return float(kind.coefficient)
    if kind.kind == "detailed-balance":
        return float(emission.net_current(layer.name) / (Q * band.np_eq * float(layer.thickness)))
    return 0.0


def _faces(
    stack: Stack,
    layers: Sequence[Layer],
    layer_bands: Sequence[Bands],
    faces: Sequence[Any],
    step: np.ndarray,
    start: np.ndarray,
    channels: list[Channel],
    bulk_traps: int,
) -> tuple[list[int], list[list[float]], list[int], list[list[float]]]:
    """Face traps and thermionic barriers."""
    face_site: list[int] = []
    face_rows: list[list[float]] = []
    barrier_site: list[int] = []
    barrier_rows: list[list[float]] = []
    for f, face in enumerate(faces):
        left, right = layer_bands[f], layer_bands[f + 1]
        key = f"{layers[f].name}|{layers[f + 1].name}"
        site = int(start[f + 1] - 1)
        # affinities on the vacuum scale of the layer that the levels are counted from
        shift_left, shift_right = left.affinity, right.affinity
        home = stack.face_layer(key).name
        if home == layers[f].name:
            own = left
            shift_right -= float(face.dipole)
        else:
            own = right
            shift_left += float(face.dipole)
        for number, trap in enumerate(face.trap, 1):
            energy = level_energy(trap.level, own)
            n1l, p1l = level_densities(energy, shift_left, left)
            n1r, p1r = level_densities(energy, shift_right, right)
            index = len(dv.MECHANISMS) * len(layers) + bulk_traps + len(face_rows)
            channels.append(Channel(f"{key} trap {number}", "face trap", key, index))
            face_site.append(site)
            face_rows.append(
                [
                    *_captures(trap.s_n, trap.s_p),
                    n1l,
                    p1l,
                    n1r,
                    p1r,
                    float(trap.density or 0.0),
                    KIND[trap.charge],
                ]
            )
        if face.transport.kind == "thermionic":
            if face.trap:
                raise InputError(
                    f'the face "{key}" has both traps and thermionic transport, but a face trap needs quasi-Fermi '
                    "levels that are continuous across the face.",
                    "Remove one of the two.",
                    key=f"{key}.transport",
                )
            jump_c = float(face.dipole) - right.affinity + left.affinity
            jump_v = jump_c - right.gap + left.gap
            barrier_site.append(site)
            # thermal velocity over the barrier, from the density of states of the higher band
            barrier_rows.append(
                [
                    _emission_velocity(right.nc if jump_c > 0 else left.nc, left.vt),
                    _emission_velocity(right.nv if jump_v < 0 else left.nv, left.vt),
                    jump_c / left.vt,
                    jump_v / left.vt,
                ]
            )
    return face_site, face_rows, barrier_site, barrier_rows


def _emission_velocity(dos: float, vt: float) -> float:
    """A* T^2 / (q N), m/s: the mean velocity of carriers of effective density of states N over a barrier.

    The effective mass that A* needs is that of N = 2 (2 pi m k T / h^2)^1.5
    (C. R. Crowell, Solid-State Electronics 8, 395 (1965), doi:10.1016/0038-1101(65)90116-4).
    """
    from perotwin.constants import h

    kt = vt * Q
    mass = (0.5 * dos) ** (2.0 / 3.0) * h**2 / (2.0 * np.pi * kt)
    return float(np.sqrt(kt / (2.0 * np.pi * mass)))


def _species(layers: Sequence[Layer]) -> list[list[Any]]:
    """The mobile species of each layer."""
    found: list[list[Any]] = []
    for layer in layers:
        ions = layer.ions
        species = [] if ions is None else [ions, *([ions.second] if ions.second is not None else [])]
        found.append([ion for ion in species if float(ion.density) > 0.0])
    return found


def _ion_rows(layers: Sequence[Layer]) -> tuple[list[list[float]], list[list[float]]]:
    """Rows of Device.ion for species that re-equilibrate at each point, and for those that are frozen."""
    moving: list[list[float]] = []
    frozen: list[list[float]] = []
    for m, (layer, species) in enumerate(zip(layers, _species(layers), strict=True)):
        for ion in species:
            row = [
                float(ion.charge),
                float(ion.density) * float(layer.thickness),
                float(ion.site_density or 0.0),
                float(m),
            ]
            assert layer.ions is not None
            (moving if layer.ions.response.kind == "steady" else frozen).append(row)
    return moving, frozen


def _contact_rows(
    stack: Stack, layers: Sequence[Layer], layer_bands: Sequence[Bands], step: np.ndarray, vt: float
) -> np.ndarray:
    rows = np.zeros((2, dv.CONTACT_COLUMNS))
    assert stack.contact is not None
    for side, (contact, m) in enumerate(((stack.contact.front, 0), (stack.contact.back, len(layers) - 1))):
        if isinstance(contact.work_function, str):
            e = layers[m].electronic
            assert e is not None
            work = -neutral_fermi_level(
                layer_bands[m], float(e.donor_density), float(e.acceptor_density), layers[m].trap
            )
        else:
            work = float(contact.work_function)
        rows[side, dv.C_PSI] = (step[m] - work) / vt
        others = {columns: getattr(contact, name) for name, columns in dv.CONTACT_TYPES.items()}
        for columns, model in others.items():
            if model is not None:
                rows[side, list(columns)] = [float(value) for _, value in model]
        # carriers that pass in another way are not at equilibrium with the metal too, unless a velocity says so
        absent = -1.0 if all(model is None for model in others.values()) else 0.0
        velocities = contact.electron_velocity, contact.hole_velocity
        rows[side, [dv.C_SN, dv.C_SP]] = [absent if one is None else float(one) for one in velocities]
    if stack.isolated:
        _isolate(stack, layers, layer_bands, rows, step, vt)
    return rows


def _isolate(
    stack: Stack,
    layers: Sequence[Layer],
    layer_bands: Sequence[Bands],
    rows: np.ndarray,
    step: np.ndarray,
    vt: float,
) -> None:
    """Make both ends bare, in place, and hold one level as the zero of energy (see `kernels.contacts`): that of a
    carrier of which there are enough, at an absorber's surface if there is one, else where most is doped.

    Raises:
        InputError: a contact names a work function, which nothing in the sample would know of.
    """
    assert stack.contact is not None
    for side, contact in (("front", stack.contact.front), ("back", stack.contact.back)):
        if not isinstance(contact.work_function, str):
            raise InputError(
                f'no carrier passes at either end of "{stack.name}", so that nothing settles its charge against a '
                f"metal of {float(contact.work_function):.4g} eV.",
                'Write work_function = "flat-band" at both ends for a film by itself, or give one contact a velocity.',
                key=f"contact.{side}.work_function",
            )
    rows[:, dv.C_BARE] = 1.0

    def enough(side: int) -> tuple[bool, float, int]:
        own = layers[-side].electronic
        assert own is not None
        doped = abs(float(own.donor_density) - float(own.acceptor_density))
        return layers[-side].role == "absorber", doped, side

    end = max((0, 1), key=enough)
    band, level = layer_bands[-end], rows[end, dv.C_PSI] * vt - step[-end]
    electrons = np.log(band.nc) + (level + band.affinity) / band.vt
    holes = np.log(band.nv) - (level + band.affinity + band.gap) / band.vt
    role = layers[-end].role
    more_holes = role == "htl" or (role != "etl" and holes > electrons)
    rows[end, dv.C_SP if more_holes else dv.C_SN] = -1.0


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
