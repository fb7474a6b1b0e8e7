"""The arrays that the compiled functions read and write: junctions on their meshes, in scaled units, and their states.

Energies are in units of kT, lengths in m, densities in m^-3. A *site* is one layer's share of a mesh node: a node
inside a layer has one, a node on a face between two layers has one on either side, so every density, rate and flux
belongs to one material and the quasi-Fermi levels, which live on nodes, are continuous across the face.

The junctions of a circuit lie end to end in the same arrays, their layers, sites and nodes numbered through; nothing
couples the last node of one to the first of the next. So one compiled form serves any number of junctions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

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
# columns of Device.trap and Device.face_trap: capture rates (1/s, or m/s at a face), then n1 and p1 of thin carriers
# (m^-3, of the left and of the right side at a face), the density that can hold charge and its kind (0 neutral,
# 1 donor, -1 acceptor)
T_RN, T_RP, T_N1, T_P1, T_NT, T_KIND, TRAP_COLUMNS = range(7)
(
    F_SN, F_SP, F_N1L, F_P1L, F_N1R, F_P1R, F_NT, F_KIND, FACE_TRAP_COLUMNS,
) = range(9)  # fmt: skip
# columns of Device.barrier: thermionic velocities (m/s) of electrons and holes, the jumps of Ec and Ev (kT)
B_VN, B_VP, B_JUMP_C, B_JUMP_V, BARRIER_COLUMNS = range(5)
# columns of Device.contact: potential at equilibrium (units of kT/q), velocities (m/s, negative = infinite); whether no
# metal is there, so that the potential is free and the field ends at the face
C_PSI, C_SN, C_SP, C_BARE, CONTACT_COLUMNS = range(5)
#: ways other than with these velocities in which carriers pass into a contact, by the field of `stack.Contact` that
#: describes each, with their columns of Device.contact
CONTACT_TYPES: dict[str, tuple[int, ...]] = {}
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
# what is lost at a node for good: of electrons and of holes by the potential, by their own levels; and recombination
# by the potential
N_BY_PSI, P_BY_PSI, N_BY_LEVEL, P_BY_LEVEL, PAIRS_BY_PSI, LOST_COLUMNS = range(6)
# what `kernels.pockets` keeps of a node: how its levels follow the balances and the potential, and the potential
# its own; whether they follow that of the current, and what of it and of the carriers' is left to the next node
(
    FN_BY_N, FN_BY_J, FP_BY_P, FP_BY_J, FN_FOLLOWS, FP_FOLLOWS, PSI_BY, PSI_BY_FN, PSI_BY_FP,
    PAIRS_N, PAIRS_P, KEPT, LEFT_BY_PSI, LEFT_BY_FN, LEFT_BY_FP, PIVOT_COLUMNS,
) = range(16)  # fmt: skip


class Device(NamedTuple):
    """Junctions on their meshes. D junctions, N nodes, S sites, M layers; all arrays C-contiguous."""

    node_start: I64  # (D + 1,) first node of each junction
    layer_start: I64  # (D + 1,) first layer of each junction
    layer_junction: I64  # (M,)
    x: F64  # (N,) node positions, from each junction's front
    site_start: I64  # (M + 1,) first site of each layer
    offset: I64  # (M,) node = site - offset[layer]
    site_layer: I64  # (S,)
    site_node: I64  # (S,)
    volume: F64  # (S,) width of each site's control volume, m
    spacing: F64  # (S,) distance to the next node, m; unused at a layer's last site
    fixed_charge: F64  # (S,) dopants and the ions' immobile counter-charge, m^-3, in units of q
    layer: F64  # (M, LAYER_COLUMNS)
    balanced: NDArray[
        np.bool_
    ]  # (M,) whether radiative recombination follows the splitting alone (detailed balance)
    trap_start: I64  # (M + 1,) first bulk trap of each layer
    trap: F64  # (T, TRAP_COLUMNS)
    face_trap_site: I64  # (TF,) site on the left of the face; the right one is the next site
    face_trap: F64  # (TF, FACE_TRAP_COLUMNS)
    barrier_site: I64  # (B,) last site left of a thermionic face, whose two sides are separate nodes
    barrier: F64  # (B, BARRIER_COLUMNS)
    ion: F64  # (I, ION_COLUMNS) species that re-equilibrate at each point
    motion: F64  # (I, MOTION_COLUMNS) species that move in time; none where those above are any
    contact: F64  # (2 D, CONTACT_COLUMNS) front and back of each junction
    anode_front: bool  # the contact whose Fermi level is lowered by a forward bias
    vt: float  # kT/q, V
    activity: F64  # quintic pieces of the Fermi-Dirac activity coefficient

    @property
    def junctions(self) -> int:
        """How many there are."""
        return self.node_start.size - 1

    @property
    def channels(self) -> int:
        """Channels of recombination that compiled functions report: each layer's mechanisms, then each trap."""
        return len(MECHANISMS) * self.offset.size + self.trap.shape[0] + self.face_trap.shape[0]

    def nodes(self, d: int) -> slice:
        """Nodes of a junction."""
        return slice(int(self.node_start[d]), int(self.node_start[d + 1]))

    def sites(self, d: int) -> slice:
        """Sites of a junction."""
        first, last = self.layer_start[d], self.layer_start[d + 1]
        return slice(int(self.site_start[first]), int(self.site_start[last]))


def lay_out(devices: Sequence[Device]) -> Device:
    """Junctions end to end; all at one temperature, their anodes on the same side."""
    if len(devices) == 1:
        return devices[0]

    def joined(name: str, step: Sequence[int] | None = None, ends: bool = False) -> Any:
        """A field of all, numbers in it raised by those of the junctions before; `ends`: it has one more entry."""
        parts = [getattr(device, name) for device in devices]
        if step is not None:
            parts = [part + more for part, more in zip(parts, step, strict=True)]
        if ends:
            parts = [*(part[:-1] for part in parts[:-1]), parts[-1]]
        return np.ascontiguousarray(np.concatenate(parts))

    def before(sizes: Sequence[int]) -> list[int]:
        return np.cumsum([0, *sizes[:-1]]).tolist()

    nodes = before([device.x.size for device in devices])
    sites = before([device.volume.size for device in devices])
    layers = before([device.offset.size for device in devices])
    traps = before([device.trap.shape[0] for device in devices])
    tables = {name: [getattr(device, name).copy() for device in devices] for name in ("ion", "motion")}
    for name, column in (("ion", I_LAYER), ("motion", M_LAYER)):
        for table, first in zip(tables[name], layers, strict=True):
            table[:, column] += first
    plain: dict[str, Any] = {
        name: joined(name)
        for name in (
            "x",
            "volume",
            "spacing",
            "fixed_charge",
            "layer",
            "balanced",
            "trap",
            "face_trap",
            "barrier",
            "contact",
        )
    }
    return devices[0]._replace(
        node_start=joined("node_start", nodes, ends=True),
        layer_start=joined("layer_start", layers, ends=True),
        layer_junction=joined("layer_junction", before([device.junctions for device in devices])),
        site_start=joined("site_start", sites, ends=True),
        offset=joined("offset", [site - node for site, node in zip(sites, nodes, strict=True)]),
        site_layer=joined("site_layer", layers),
        site_node=joined("site_node", nodes),
        trap_start=joined("trap_start", traps, ends=True),
        face_trap_site=joined("face_trap_site", sites),
        barrier_site=joined("barrier_site", sites),
        ion=np.concatenate(tables["ion"]),
        motion=np.concatenate(tables["motion"]),
        activity=max((device.activity for device in devices), key=lambda table: table.shape[0]),
        **plain,
    )


class State(NamedTuple):
    """What junctions are like: views into one row of numbers.

    psi is in units of kT/q. fn (energy of the electrons' level) is counted from the cathode's Fermi level and fp (of
    the holes') from the anode's, both in kT and each kept as the sum of two floats: a level far from its contact's
    would otherwise lose the digits that its gradient, the current, is made of.
    """

    psi: F64  # (N,)
    fn: F64  # (N,)
    fp: F64  # (N,)
    fn_rest: F64  # (N,)
    fp_rest: F64  # (N,)
    mu: F64  # (I,) ln activity (m^-3) of the species that re-equilibrate
    level: F64  # (I, N) levels of the species that move, kT
    v: F64  # (D,) junction voltages, kT/q


class Work(NamedTuple):
    """Scratch memory of the steady equations; one set serves any number of Newton iterations."""

    diag: F64  # (N, BLOCK_COLUMNS)
    lower: F64  # (N, NEIGHBOUR_COLUMNS) coupling to the previous node
    upper: F64  # (N, NEIGHBOUR_COLUMNS) coupling to the next node
    give: F64  # (N, 2) how electrons, holes flow to the next node per rise of their own level here, and
    take: F64  # (N, 2) how they come back per rise of their level there
    leak: F64  # (N, 2) how they are lost at the node itself; infinite where a contact holds them
    lost: F64  # (N, LOST_COLUMNS) the same without recombination, and what both follow by the potential
    gone: F64  # (N, 3) how many electrons and holes are lost there, of generation less, as their rows count them, and
    # the current's loss for good, m^-2 s^-1
    across: F64  # (N, 2) fluxes of both over the edge to the next node, as `flux.edge_flux` returns them
    beside: (
        F64  # (N, 2) at a contact that holds electrons, holes: their coupling to the inner node's potential
    )
    rhs: F64  # (N, 3, R)
    inverse: F64  # (N, 9)
    pivot: F64  # (N, PIVOT_COLUMNS)
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
    """Scratch memory of the equations with ions in motion: at most B unknowns a node (potential, electrons, holes,
    ions).

    The types of the arrays may be real (time steps) or complex (small signals).
    """

    size: I64  # (D,) unknowns a node of each junction
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
    slope: F64  # (D, 2, B) how the flux over an edge of each junction follows the unknowns of its two nodes
    flux: F64  # (I, S) number flux of the ions over the edge to the next site, m^-2 s^-1


class Traps(NamedTuple):
    """Occupations of charged levels."""

    bulk: F64  # (T, S); a level's own layer counts
    face: F64  # (TF,)


class Stored(NamedTuple):
    """What time steps difference: densities, potential, occupations; views into one row of numbers."""

    n: F64  # (S,)
    p: F64  # (S,)
    ion: F64  # (I, S)
    psi: F64  # (N,)
    bulk: F64  # (T, S)
    face: F64  # (TF,)


def state_width(device: Device) -> int:
    """Numbers in a row that holds a state (`kernels.rows.state_in`)."""
    nodes = device.x.size
    return 5 * nodes + device.ion.shape[0] + device.motion.shape[0] * nodes + device.junctions


def stored_width(device: Device) -> int:
    """Numbers in a row that holds what time steps difference (`kernels.rows.stored_in`)."""
    sites = device.volume.size
    fields = 2 + device.motion.shape[0] + device.trap.shape[0]
    return fields * sites + device.x.size + device.face_trap_site.size


def make_work(device: Device, causes: int) -> Work:
    """Allocate the scratch memory of the steady equations, with `causes` right-hand sides besides the ions'."""
    nodes, sites = device.x.size, device.volume.size
    species = device.ion.shape[0] + device.motion.shape[0]
    own = np.bincount(device.layer_junction[device.ion[:, I_LAYER].astype(int)], minlength=1)
    z = np.zeros
    return Work(
        diag=z((nodes, BLOCK_COLUMNS)),
        lower=z((nodes, NEIGHBOUR_COLUMNS)),
        upper=z((nodes, NEIGHBOUR_COLUMNS)),
        give=z((nodes, 2)),
        take=z((nodes, 2)),
        leak=z((nodes, 2)),
        lost=z((nodes, LOST_COLUMNS)),
        gone=z((nodes, 3)),
        across=z((nodes, 2)),
        beside=z((nodes, 2)),
        rhs=z((nodes, 3, causes + int(own.max()))),
        inverse=z((nodes, 9)),
        pivot=z((nodes, PIVOT_COLUMNS)),
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
        ion=z((species, sites)),
        dion=z((species, sites)),
    )


def make_blocks(device: Device, causes: int, kind: type = float) -> Blocks:
    """Allocate the scratch memory with ions in motion, of real or complex numbers, with `causes` right-hand sides.

    Every node has room for the most unknowns that one has; each junction uses as many as its own ions ask for.
    """
    nodes, sites, species = device.x.size, device.volume.size, device.motion.shape[0]
    size = np.full(device.junctions, 3, dtype=np.int64)
    for row in device.motion:
        d = device.layer_junction[int(row[M_LAYER])]
        size[d] = max(size[d], int(row[M_SLOT]) + 1)
    most = int(size.max())

    def z(*shape: int) -> F64:
        return np.zeros(shape, dtype=kind)

    return Blocks(
        size=size,
        diag=z(nodes, most, most),
        lower_psi=z(nodes, most),
        lower_own=z(nodes, most),
        upper_psi=z(nodes, most),
        upper_own=z(nodes, most),
        give=z(nodes, most),
        take=z(nodes, most),
        leak=z(nodes, most),
        rhs=z(nodes, most, causes),
        inverse=z(nodes, most, most),
        elim=z(nodes, most, most),
        slope=z(device.junctions, 2, most),
        flux=np.zeros((species, sites)),
    )
