"""The arrays that the compiled functions read and write: junctions on their meshes, in scaled units, and their states.

Energies are in units of kT, lengths in m, densities in m^-3. A *site* is one layer's share of a mesh node: a node
inside a layer has one, a node on a face between two layers has one on either side, so every density, rate and flux
belongs to one material and the quasi-Fermi levels, which live on nodes, are continuous across the face.

A circuit's junctions lie end to end in the arrays of `Devices`, `Works` and in one row of numbers for their state;
compiled functions cut one junction out of them (`kernels.views`). So one compiled form serves any number of junctions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

# columns of Device.layer; the numbers of the mechanisms by which free carriers recombine come last
(
    EC, EV, LN_NC, LN_NV, MU_N, MU_P, EPS, DEGENERATE, NP_EQ, K_RAD, AUGER_N, AUGER_P, LAYER_COLUMNS,
) = range(13)  # fmt: skip
#: those mechanisms, by the field of `stack.Recombination` that describes each, with their columns of Device.layer
MECHANISMS = {"radiative": (K_RAD,), "auger": (AUGER_N, AUGER_P)}
# columns of Device.trap and Device.face_trap: capture rates (1/s, or m/s at a face), then ln n1, ln p1 (of the left
# and of the right side at a face), the density that can hold charge and the kind (0 neutral, 1 donor, -1 acceptor)
T_RN, T_RP, T_LN_N1, T_LN_P1, T_NT, T_KIND, TRAP_COLUMNS = range(7)
(
    F_SN, F_SP, F_LN_N1L, F_LN_P1L, F_LN_N1R, F_LN_P1R, F_NT, F_KIND, FACE_TRAP_COLUMNS,
) = range(9)  # fmt: skip
# columns of Device.barrier: thermionic velocities (m/s) of electrons and holes, the jumps of Ec and Ev (kT)
B_VN, B_VP, B_JUMP_C, B_JUMP_V, BARRIER_COLUMNS = range(5)
# columns of Device.contact: potential at equilibrium (units of kT/q), velocities (m/s, negative = infinite)
C_PSI, C_SN, C_SP, CONTACT_COLUMNS = range(4)
# columns of Device.ion, species that re-equilibrate: charge number, number per area (m^-2), density of sites (m^-3,
# 0 = no steric limit), layer
I_Z, I_NUMBER, I_SITES, I_LAYER, ION_COLUMNS = range(5)
# columns of Device.motion, species that move: charge number, diffusion coefficient (m^2/s), density of sites (m^-3,
# 0 = no limit), layer, unknown of the node's block that holds it
M_Z, M_D, M_SITES, M_LAYER, M_SLOT, MOTION_COLUMNS = range(6)

# a node's block of the Jacobian in the steady equations: rows and columns of the potential and the two levels
PSI_PSI, PSI_FN, PSI_FP, FN_PSI, FN_FN, FN_FP, FP_PSI, FP_FN, FP_FP, BLOCK_COLUMNS = range(10)
# and what couples it to a neighbour, where each row has the potential and its own unknown
PSI, FN_BY_PSI, FN_BY_FN, FP_BY_PSI, FP_BY_FP, NEIGHBOUR_COLUMNS = range(6)


class Device(NamedTuple):
    """A junction on its mesh. N nodes, S sites, M layers; all arrays C-contiguous."""

    x: F64  # (N,) node positions
    site_start: I64  # (M + 1,) first site of each layer
    offset: I64  # (M,) node = site - offset[layer]
    site_layer: I64  # (S,)
    site_node: I64  # (S,)
    volume: F64  # (S,) width of each site's control volume, m
    spacing: F64  # (S,) distance to the next node, m; unused at a layer's last site
    fixed_charge: F64  # (S,) dopants and the ions' immobile counter-charge, m^-3, in units of q
    layer: F64  # (M, LAYER_COLUMNS)
    trap_start: I64  # (M + 1,) first bulk trap of each layer
    trap: F64  # (T, TRAP_COLUMNS)
    face_trap_site: I64  # (TF,) site on the left of the face; the right one is the next site
    face_trap: F64  # (TF, FACE_TRAP_COLUMNS)
    barrier_site: I64  # (B,) last site left of a thermionic face, whose two sides are separate nodes
    barrier: F64  # (B, BARRIER_COLUMNS)
    ion: F64  # (I, ION_COLUMNS) species that re-equilibrate at each point
    motion: F64  # (I, MOTION_COLUMNS) species that move in time; none where those above are any
    contact: F64  # (2, CONTACT_COLUMNS) front and back
    anode_front: bool  # the contact whose Fermi level is lowered by a forward bias
    vt: float  # kT/q, V
    activity: F64  # quintic pieces of the Fermi-Dirac activity coefficient

    @property
    def anode(self) -> int:
        """Node of the anode."""
        return 0 if self.anode_front else self.x.size - 1

    @property
    def channels(self) -> int:
        """Channels of recombination that compiled functions report: each layer's mechanisms, then each trap."""
        return len(MECHANISMS) * self.offset.size + self.trap.shape[0] + self.face_trap.shape[0]


class State(NamedTuple):
    """What a junction is like: views into one row of numbers (see `Devices`).

    psi is in units of kT/q. fn (energy of the electrons' level) is counted from the cathode's Fermi level and fp (of the
    holes') from the anode's, both in kT and each kept as the sum of two floats: a level far from its contact's would
    otherwise lose the digits that its gradient, the current, is made of.
    """

    psi: F64  # (N,)
    fn: F64  # (N,)
    fp: F64  # (N,)
    fn_rest: F64  # (N,)
    fp_rest: F64  # (N,)
    mu: F64  # (I,) ln activity (m^-3) of the species that re-equilibrate
    level: F64  # (I, N) levels of the species that move, kT
    v: F64  # (1,) junction voltage, kT/q


class Work(NamedTuple):
    """Scratch memory of a junction's steady equations; one set serves any number of Newton iterations."""

    diag: F64  # (N, BLOCK_COLUMNS)
    lower: F64  # (N, NEIGHBOUR_COLUMNS) coupling to the previous node
    upper: F64  # (N, NEIGHBOUR_COLUMNS) coupling to the next node
    give: F64  # (N, 2) how electrons, holes flow to the next node per rise of their own level here, and
    take: F64  # (N, 2) how they come back per rise of their level there
    leak: F64  # (N, 2) how they are lost at the node itself; infinite where a contact holds them
    rhs: F64  # (N, 3, R)
    inverse: F64  # (N, 9)
    elim: F64  # (N, 9)
    residual: F64  # (N, 2) the carriers' balances before the solve
    n: F64  # (S,)
    p: F64  # (S,)
    gn: F64  # (S,) d ln n / d eta
    gp: F64  # (S,)
    lgn: F64  # (S,) ln of the activity coefficient
    lgp: F64  # (S,)
    jn: F64  # (S,) edge fluxes, m^-2 s^-1, conventional current / q
    jp: F64  # (S,)
    net: F64  # (N,) generation minus recombination of each node, m^-2 s^-1
    ion: F64  # (I, S) density of each mobile species
    dion: F64  # (I, S) its derivative by ln activity, or by its level


class Blocks(NamedTuple):
    """Scratch memory of a junction's equations with ions in motion: B unknowns a node (potential, electrons, holes,
    ions).

    The types of the arrays may be real (time steps) or complex (small signals).
    """

    diag: F64  # (N, B, B)
    lower_psi: F64  # (N, B) coupling of each row to the previous node's potential
    lower_own: F64  # (N, B) and to its own unknown there
    upper_psi: F64  # (N, B)
    upper_own: F64  # (N, B)
    give: F64  # (N, B) as in Work, for all but the potential
    take: F64  # (N, B)
    leak: F64  # (N, B)
    rhs: F64  # (N, B, R)
    inverse: F64  # (N, B, B)
    elim: F64  # (N, B, B)
    slope: F64  # (2, B) how the flux over an edge follows the unknowns of its two nodes
    flux: F64  # (I, S) number flux of the ions over the edge to the next site, m^-2 s^-1


class Traps(NamedTuple):
    """Occupations of a junction's charged levels."""

    bulk: F64  # (T, S)
    face: F64  # (TF,)


class Stored(NamedTuple):
    """What time steps of a junction difference: densities, potential, occupations; views into one row of numbers."""

    n: F64  # (S,)
    p: F64  # (S,)
    ion: F64  # (I, S)
    psi: F64  # (N,)
    bulk: F64  # (T, S)
    face: F64  # (TF,)


# columns of Devices.start: where the parts of a junction begin
(
    NODES, SITES, LAYERS, TRAPS, FACES, BARRIERS, IONS, MOVING, ION_SITES, LEVELS, TRAP_SITES, RHS, BLOCK_ROWS, BLOCK,
    BLOCK_RHS, STORED, CHANNELS, STARTS,
) = range(18)  # fmt: skip
# columns of Devices.size
UNKNOWNS, CAUSES, SIZES = range(3)


class Devices(NamedTuple):
    """Junctions end to end. Fields as in `Device`, besides:"""

    start: I64  # (D + 1, STARTS)
    size: I64  # (D, SIZES) unknowns a node with moving ions; most right-hand sides
    x: F64
    site_start: I64
    offset: I64
    site_layer: I64
    site_node: I64
    volume: F64
    spacing: F64
    fixed_charge: F64
    layer: F64
    trap_start: I64
    trap: F64
    face_trap_site: I64
    face_trap: F64
    barrier_site: I64
    barrier: F64
    ion: F64
    motion: F64
    contact: F64  # (2 D, CONTACT_COLUMNS)
    anode_front: NDArray[np.bool_]  # (D,)
    vt: float
    activity: F64

    # where the parts of a row that holds the states of all junctions begin: potentials of all, electrons' levels,
    # holes' levels, activities, ions' levels, voltages; these are what a guess extrapolates. Then what is left of the
    # levels (see `State`).
    @property
    def width(self) -> int:
        """Numbers in a row."""
        end = self.start[-1]
        return int(5 * end[NODES] + end[IONS] + end[LEVELS] + self.anode_front.size)

    @property
    def smooth(self) -> int:
        """How many of them a guess extrapolates: all but what is left of the levels."""
        return self.width - 2 * int(self.start[-1, NODES])


def lay_out(devices: Sequence[Device], causes: Sequence[int]) -> Devices:
    """Lay junctions end to end.

    Args:
        devices: of one temperature.
        causes: right-hand sides of each one's equations, ions apart.
    """
    sizes = []
    for device, count in zip(devices, causes, strict=True):
        nodes, sites = device.x.size, device.volume.size
        species, moving, traps = device.ion.shape[0], device.motion.shape[0], device.trap.shape[0]
        unknowns = 3 if moving == 0 else int(device.motion[:, M_SLOT].max()) + 1
        columns = count + species
        stored = 2 * sites + moving * sites + nodes + traps * sites + device.face_trap_site.size
        row = np.zeros(STARTS + SIZES, dtype=np.int64)
        row[NODES], row[SITES], row[LAYERS], row[TRAPS] = nodes, sites, device.offset.size, traps
        row[FACES], row[BARRIERS] = device.face_trap_site.size, device.barrier_site.size
        row[IONS], row[MOVING], row[ION_SITES] = species, moving, (species + moving) * sites
        row[LEVELS], row[TRAP_SITES], row[RHS] = moving * nodes, traps * sites, 3 * nodes * columns
        row[BLOCK_ROWS], row[BLOCK] = nodes * unknowns, nodes * unknowns**2
        row[BLOCK_RHS], row[STORED], row[CHANNELS] = nodes * unknowns * columns, stored, device.channels
        row[STARTS + UNKNOWNS], row[STARTS + CAUSES] = unknowns, columns
        sizes.append(row)
    table = np.array(sizes).reshape(-1, STARTS + SIZES)
    start = np.zeros((len(devices) + 1, STARTS), dtype=np.int64)
    np.cumsum(table[:, :STARTS], axis=0, out=start[1:])
    skipped = ("anode_front", "vt", "activity")
    joined = {
        name: np.ascontiguousarray(np.concatenate([getattr(device, name) for device in devices]))
        for name in Device._fields
        if name not in skipped
    }
    return Devices(
        start=start,
        size=np.ascontiguousarray(table[:, STARTS:]),
        anode_front=np.array([device.anode_front for device in devices]),
        vt=devices[0].vt,
        activity=max((device.activity for device in devices), key=lambda table: table.shape[0]),
        **joined,
    )


class Works(NamedTuple):
    """Scratch memory of the steady equations of junctions end to end: as `Work`; what has more than one number a node or
    site, and is not the same for every junction, is one row.
    """

    diag: F64
    lower: F64
    upper: F64
    give: F64
    take: F64
    leak: F64
    rhs: F64
    inverse: F64
    elim: F64
    residual: F64
    n: F64
    p: F64
    gn: F64
    gp: F64
    lgn: F64
    lgp: F64
    jn: F64
    jp: F64
    net: F64
    ion: F64
    dion: F64


def make_works(devices: Devices) -> Works:
    """Allocate the scratch memory for junctions end to end."""
    end = devices.start[-1]
    nodes, sites = int(end[NODES]), int(end[SITES])
    z = np.zeros
    return Works(
        diag=z((nodes, BLOCK_COLUMNS)),
        lower=z((nodes, NEIGHBOUR_COLUMNS)),
        upper=z((nodes, NEIGHBOUR_COLUMNS)),
        give=z((nodes, 2)),
        take=z((nodes, 2)),
        leak=z((nodes, 2)),
        rhs=z(end[RHS]),
        inverse=z((nodes, 9)),
        elim=z((nodes, 9)),
        residual=z((nodes, 2)),
        n=z(sites),
        p=z(sites),
        gn=z(sites),
        gp=z(sites),
        lgn=z(sites),
        lgp=z(sites),
        jn=z(sites),
        jp=z(sites),
        net=z(nodes),
        ion=z(end[ION_SITES]),
        dion=z(end[ION_SITES]),
    )


class BlockWorks(NamedTuple):
    """Scratch memory of the equations of junctions end to end with ions in motion: as `Blocks`, each field one row."""

    diag: F64
    lower_psi: F64
    lower_own: F64
    upper_psi: F64
    upper_own: F64
    give: F64
    take: F64
    leak: F64
    rhs: F64
    inverse: F64
    elim: F64
    slope: F64
    flux: F64
    bulk: F64  # occupations of charged levels
    face: F64


def make_block_works(devices: Devices, kind: type = float) -> BlockWorks:
    """Allocate the scratch memory for junctions end to end, of real or of complex numbers."""
    end = devices.start[-1]
    rows, blocks = int(end[BLOCK_ROWS]), int(end[BLOCK])

    def z(size: int) -> F64:
        return np.zeros(size, dtype=kind)

    return BlockWorks(
        diag=z(blocks),
        lower_psi=z(rows),
        lower_own=z(rows),
        upper_psi=z(rows),
        upper_own=z(rows),
        give=z(rows),
        take=z(rows),
        leak=z(rows),
        rhs=z(int(end[BLOCK_RHS])),
        inverse=z(blocks),
        elim=z(blocks),
        slope=z(rows),
        flux=np.zeros(end[ION_SITES]),
        bulk=np.zeros(end[TRAP_SITES]),
        face=np.zeros(end[FACES]),
    )
