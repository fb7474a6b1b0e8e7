"""The numbers of a stack's equations, layer by layer and face by face: all of a device but its mesh and its light.

Nothing is solved here but the neutrality of a layer behind a flat-band contact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from perotwin.constants import elementary_charge as Q
from perotwin.constants import epsilon_0
from perotwin.errors import InputError
from perotwin.transport import device as dv
from perotwin.transport.energies import (
    K_EV,
    KIND,
    Bands,
    bands,
    level_densities,
    level_energy,
    neutral_fermi_level,
)

if TYPE_CHECKING:
    from perotwin.optics import Emission
    from perotwin.stack import Layer, Stack
    from perotwin.stack.parts import Interface

__all__ = ["Channel", "Equations", "Rows", "Touched", "equations_of", "rows_of"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

#: of layers that nothing is asked of
_NO_BANDS = Bands(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, False)


@dataclass(frozen=True)
class Channel:
    """One way to lose carriers: its name, what kind it is and where."""

    name: str
    kind: str  # "radiative" | "auger" | "trap" | "face trap"
    place: str
    index: int  # column of the kernels' channel array


class Equations(NamedTuple):
    """Rows as `device.Device` has them, but for `charge`: of dopants and of what keeps ions neutral, by layer (m^-3).

    moving, frozen: species of ions that re-equilibrate at each point, and those that are held.
    """

    layer: F64
    balanced: NDArray[np.bool_]
    trap_start: I64
    trap: F64
    face_trap_site: I64
    face_trap: F64
    barrier_site: I64
    barrier: F64
    moving: F64
    frozen: F64
    contact: F64
    charge: F64
    channels: tuple[Channel, ...]


class Touched(NamedTuple):
    """Rows that a field acts on: of which electrical layers, of which faces (each behind the layer of its number), and
    whether of the contacts."""

    layers: range
    faces: range
    contacts: bool


class Rows(NamedTuple):
    """Rows of what is touched, in order, as `Equations` has them; both contacts or none."""

    layer: list[list[float]]
    trap: list[list[float]]
    face_trap: list[list[float]]
    barrier: list[list[float]]
    contact: list[list[float]]
    charge: list[float]


def rows_of(stack: Stack, touched: Touched, emission: Emission | None) -> Rows:
    """The rows of a part of a stack alone, in less time than all.

    Args:
        stack: the cell. touched: what is told. emission: what it emits, where that is known.

    Raises:
        InputError: a number that cannot be at its temperature.
    """
    layers = stack.electrical_layers
    temperature = float(stack.temperature)
    vt = K_EV * temperature
    faces = [stack.face(a, b) for a, b in pairwise(layers)]
    step = [0.0, *accumulate(float(face.dipole) for face in faces)]
    meeting = [f for f in touched.faces if faces[f].trap or faces[f].transport.kind == "thermionic"]
    needed = {*touched.layers, *meeting, *(f + 1 for f in meeting)}
    if touched.contacts:
        needed |= {0, len(layers) - 1}
    layer_bands = [bands(layer, temperature) if m in needed else _NO_BANDS for m, layer in enumerate(layers)]
    rows = Rows([], [], [], [], [], [])
    for m in touched.layers:
        rows.layer.append(_layer_row(stack, layers[m], layer_bands[m], step[m], emission))
        rows.trap.extend(_trap_rows(layers[m], layer_bands[m]))
        rows.charge.append(_charge(layers[m]))
    for f in meeting:
        traps, barrier = _face_rows(stack, layers[f : f + 2], layer_bands[f : f + 2], faces[f])
        rows.face_trap.extend(traps)
        rows.barrier.extend(barrier)
    if touched.contacts:
        rows.contact.extend(_contact_rows(stack, layers, layer_bands, step, vt).tolist())
    return rows


def equations_of(stack: Stack, start: I64, emission: Emission | None) -> Equations:
    """The rows of a stack's electrical layers.

    Args:
        stack: the cell. start: (L + 1,) first site of each layer. emission: what it emits, where that is known.

    Raises:
        InputError: a number that cannot be at its temperature.
    """
    layers = stack.electrical_layers
    temperature = float(stack.temperature)
    vt = K_EV * temperature
    layer_bands = [bands(layer, temperature) for layer in layers]
    faces = [stack.face(a, b) for a, b in pairwise(layers)]
    step = [0.0, *accumulate(float(face.dipole) for face in faces)]
    table: list[list[float]] = []
    trap_rows: list[list[float]] = []
    trap_start = [0]
    channels: list[Channel] = []
    mechanisms = len(dv.MECHANISMS)
    for m, (layer, band) in enumerate(zip(layers, layer_bands, strict=True)):
        row = _layer_row(stack, layer, band, step[m], emission)
        table.append(row)
        for number, (name, columns) in enumerate(dv.MECHANISMS.items()):
            model = getattr(layer.recombination, name)
            if row[columns[0]] > 0.0 if name == "radiative" else model is not None:
                title = name if model is None else getattr(model, "channel", name)
                channels.append(Channel(f"{layer.name} {title}", name, layer.name, mechanisms * m + number))
        for number, trap_row in enumerate(_trap_rows(layer, band), 1):
            index = mechanisms * len(layers) + len(trap_rows)
            channels.append(Channel(f"{layer.name} trap {number}", "trap", layer.name, index))
            trap_rows.append(trap_row)
        trap_start.append(len(trap_rows))
    face_site: list[int] = []
    face_rows: list[list[float]] = []
    barrier_site: list[int] = []
    barrier_rows: list[list[float]] = []
    for f, face in enumerate(faces):
        traps, barrier = _face_rows(stack, layers[f : f + 2], layer_bands[f : f + 2], face)
        site = int(start[f + 1] - 1)
        key = f"{layers[f].name}|{layers[f + 1].name}"
        for number, trap_row in enumerate(traps, 1):
            index = mechanisms * len(layers) + len(trap_rows) + len(face_rows)
            channels.append(Channel(f"{key} trap {number}", "face trap", key, index))
            face_site.append(site)
            face_rows.append(trap_row)
        barrier_site += [site] * len(barrier)
        barrier_rows += barrier
    moving, frozen = _ion_rows(layers)
    return Equations(
        layer=np.array(table).reshape(-1, dv.LAYER_COLUMNS),
        balanced=np.array([stack.radiative(layer).kind == "detailed-balance" for layer in layers]),
        trap_start=np.array(trap_start, dtype=np.int64),
        trap=np.array(trap_rows).reshape(-1, dv.TRAP_COLUMNS),
        face_trap_site=np.array(face_site, dtype=np.int64),
        face_trap=np.array(face_rows).reshape(-1, dv.FACE_TRAP_COLUMNS),
        barrier_site=np.array(barrier_site, dtype=np.int64),
        barrier=np.array(barrier_rows).reshape(-1, dv.BARRIER_COLUMNS),
        moving=np.array(moving).reshape(-1, dv.ION_COLUMNS),
        frozen=np.array(frozen).reshape(-1, dv.ION_COLUMNS),
        contact=_contact_rows(stack, layers, layer_bands, step, vt),
        charge=np.array([_charge(layer) for layer in layers]),
        channels=tuple(channels),
    )


def _layer_row(
    stack: Stack, layer: Layer, band: Bands, lift: float, emission: Emission | None
) -> list[float]:
    """The row of a layer whose vacuum level is lifted by dipoles in front of it, eV."""
    e = layer.electronic
    assert e is not None
    row = [0.0] * dv.LAYER_COLUMNS
    row[dv.EC] = (lift - band.affinity) / band.vt
    row[dv.EV] = (lift - band.affinity - band.gap) / band.vt
    row[dv.LN_NC], row[dv.LN_NV] = float(np.log(band.nc)), float(np.log(band.nv))
    row[dv.MU_N], row[dv.MU_P] = band.mu_n, band.mu_p
    row[dv.EPS] = float(e.permittivity) * epsilon_0 * band.vt / Q
    row[dv.DEGENERATE] = float(band.degenerate)
    row[dv.NP_EQ] = band.np_eq
    for name, columns in dv.MECHANISMS.items():
        if name == "radiative":
            row[columns[0]] = _radiative(stack, layer, band, emission)
        elif (model := getattr(layer.recombination, name)) is not None:
            for column, (_, value) in zip(columns, model, strict=True):
                row[column] = float(value)
    return row


def _trap_rows(layer: Layer, band: Bands) -> list[list[float]]:
    rows: list[list[float]] = []
    for trap in layer.trap:
        n1, p1 = level_densities(level_energy(trap.level, band), band.affinity, band)
        captures = _captures(1.0 / trap.tau_n, 1.0 / trap.tau_p)
        rows.append([*captures, n1, p1, float(trap.density or 0.0), KIND[trap.charge]])
    return rows


def _charge(layer: Layer) -> float:
    """Of dopants and of what keeps ions neutral, m^-3."""
    e = layer.electronic
    assert e is not None
    charge = float(e.donor_density) - float(e.acceptor_density)
    for ion in _species(layer):
        charge -= float(ion.charge) * float(ion.density)
    return charge


def _captures(electrons: float, holes: float) -> tuple[float, float]:
    """Capture rates of a level; one that captures nothing keeps an occupation, and a rate that rounds to nothing."""
    return (electrons, holes) if electrons > 0.0 or holes > 0.0 else (1e-200, 1e-200)


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


def _face_rows(
    stack: Stack, layers: Sequence[Layer], layer_bands: Sequence[Bands], face: Interface
) -> tuple[list[list[float]], list[list[float]]]:
    """Traps of the face between two layers, and the thermionic barrier there, if it is one."""
    if not face.trap and face.transport.kind != "thermionic":
        return [], []
    left, right = layer_bands
    key = f"{layers[0].name}|{layers[1].name}"
    # affinities on the vacuum scale of the layer that the levels are counted from
    shift_left, shift_right = left.affinity, right.affinity
    if stack.face_layer(key).name == layers[0].name:
        own = left
        shift_right -= float(face.dipole)
    else:
        own = right
        shift_left += float(face.dipole)
    rows: list[list[float]] = []
    for trap in face.trap:
        energy = level_energy(trap.level, own)
        n1l, p1l = level_densities(energy, shift_left, left)
        n1r, p1r = level_densities(energy, shift_right, right)
        captures = _captures(trap.s_n, trap.s_p)
        rows.append([*captures, n1l, p1l, n1r, p1r, float(trap.density or 0.0), KIND[trap.charge]])
    if face.transport.kind != "thermionic":
        return rows, []
    if face.trap:
        raise InputError(
            f'the face "{key}" has both traps and thermionic transport, but a face trap needs quasi-Fermi '
            "levels that are continuous across the face.",
            "Remove one of the two.",
            key=f"{key}.transport",
        )
    jump_c = float(face.dipole) - right.affinity + left.affinity
    jump_v = jump_c - right.gap + left.gap
    # thermal velocity over the barrier, from the density of states of the higher band
    return [], [
        [
            _emission_velocity(right.nc if jump_c > 0 else left.nc, left.vt),
            _emission_velocity(right.nv if jump_v < 0 else left.nv, left.vt),
            jump_c / left.vt,
            jump_v / left.vt,
        ]
    ]


def _emission_velocity(dos: float, vt: float) -> float:
    """A* T^2 / (q N), m/s: the mean velocity of carriers of effective density of states N over a barrier.

    The effective mass that A* needs is that of N = 2 (2 pi m k T / h^2)^1.5
    (C. R. Crowell, Solid-State Electronics 8, 395 (1965), doi:10.1016/0038-1101(65)90116-4).
    """
    from perotwin.constants import h

    kt = vt * Q
    mass = (0.5 * dos) ** (2.0 / 3.0) * h**2 / (2.0 * np.pi * kt)
    return float(np.sqrt(kt / (2.0 * np.pi * mass)))


def _species(layer: Layer) -> list[Any]:
    """The mobile species of a layer."""
    ions = layer.ions
    species = [] if ions is None else [ions, *([ions.second] if ions.second is not None else [])]
    return [ion for ion in species if float(ion.density) > 0.0]


def _ion_rows(layers: Sequence[Layer]) -> tuple[list[list[float]], list[list[float]]]:
    """Rows of Device.ion for species that re-equilibrate at each point, and for those that are frozen."""
    moving: list[list[float]] = []
    frozen: list[list[float]] = []
    for m, layer in enumerate(layers):
        for ion in _species(layer):
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
    stack: Stack, layers: Sequence[Layer], layer_bands: Sequence[Bands], step: Sequence[float], vt: float
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
    step: Sequence[float],
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
