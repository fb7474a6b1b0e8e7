"""The arrays that the compiled solver reads: a cell on a mesh, in scaled units.

Energies are in units of kT, lengths in m, densities in m^-3. A *site* is one layer's share of a mesh node: a node
inside a layer has one, a node on a face between two layers has one on either side, so every density, rate and flux
belongs to one material and the quasi-Fermi levels, which live on nodes, are continuous across the face.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

# columns of Device.layer
(
    EC, EV, LN_NC, LN_NV, MU_N, MU_P, EPS, K_RAD, AUGER_N, AUGER_P, DEGENERATE, NP_EQ, LAYER_COLUMNS,
) = range(13)  # fmt: skip
# columns of Device.trap and Device.face_trap: capture rates (1/s, or m/s at a face), then ln n1, ln p1 (of the left
# and of the right side at a face), the density that can hold charge and the kind (0 neutral, 1 donor, -1 acceptor)
T_RN, T_RP, T_LN_N1, T_LN_P1, T_NT, T_KIND, TRAP_COLUMNS = range(7)
(
    F_SN, F_SP, F_LN_N1L, F_LN_P1L, F_LN_N1R, F_LN_P1R, F_NT, F_KIND, FACE_TRAP_COLUMNS,
) = range(9)  # fmt: skip
# columns of Device.contact: potential at equilibrium (units of kT/q), velocities (m/s, negative = infinite)
C_PSI, C_SN, C_SP, CONTACT_COLUMNS = range(4)
# columns of Device.plane: potential at equilibrium (units of kT/q); the most that it exchanges with either band
# (m^-2 s^-1 per kT); capture velocities (m/s, negative = infinite); conductances (m^-2 s^-1 per kT/q) of the shunts of
# the junctions that its electrons and its holes come from; whether it is a metal, which ties the potential to its level
(P_PSI, P_RATE, P_SN, P_SP, P_GE, P_GH, P_METAL, PLANE_COLUMNS) = range(8)
# columns of Device.ion: charge number, number per area (m^-2), density of sites (m^-3, 0 = no steric limit), layer
I_Z, I_NUMBER, I_SITES, I_LAYER, ION_COLUMNS = range(5)


class Device(NamedTuple):
    """A cell on a mesh. N nodes, S sites, M layers; all arrays C-contiguous."""

    x: F64  # (N,) node positions
    site_start: I64  # (M + 1,) first site of each layer
    offset: I64  # (M,) node = site - offset[layer]
    volume: F64  # (S,) width of each site's control volume, m
    spacing: F64  # (S,) distance to the next node, m; unused at a layer's last site
    fixed_charge: F64  # (S,) dopants and the ions' immobile counter-charge, m^-3, in units of q
    layer: F64  # (M, LAYER_COLUMNS)
    trap_start: I64  # (M + 1,) first bulk trap of each layer
    trap: F64  # (T, TRAP_COLUMNS)
    face_trap_site: I64  # (TF,) site on the left of the face; the right one is the next site
    face_trap: F64  # (TF, FACE_TRAP_COLUMNS)
    barrier_site: I64  # (B,) last site left of a thermionic face, whose two sides are separate nodes
    barrier: F64  # (B, 4) thermionic velocities (m/s) of electrons and holes; the jump of Ec and Ev (kT)
    plane_site: I64  # (P,) last site in front of a plane where two junctions meet; the next site is behind it
    plane: F64  # (P, PLANE_COLUMNS)
    ion: F64  # (I, ION_COLUMNS) mobile species that re-equilibrate
    contact: F64  # (2, CONTACT_COLUMNS) front and back
    anode_front: bool  # the contact whose Fermi level is lowered by a forward bias
    vt: float  # kT/q, V
    emitter: int  # layer whose light makes pairs elsewhere in the cell
    share: float  # such pairs per net radiative event there
    coupled: F64  # (S,) part of them in each site; empty where there are none
    activity: F64  # quintic pieces of the Fermi-Dirac activity coefficient


class Work(NamedTuple):
    """Scratch memory of the block-tridiagonal solve; one set serves any number of Newton iterations."""

    diag: F64  # (N, 9)
    lower: F64  # (N, 5) coupling to the previous node
    upper: F64  # (N, 5) coupling to the next node
    give: F64  # (N, 2) how electrons, holes flow to the next node per rise of their own level here, and
    take: F64  # (N, 2) how they come back per rise of their level there
    leak: F64  # (N, 2) how they are lost at the node itself; infinite where a contact holds them
    rhs: F64  # (N, 3, R)
    inverse: F64  # (N, 9)
    elim: F64  # (N, 9)
    n: F64  # (S,)
    p: F64  # (S,)
    gn: F64  # (S,) d ln n / d eta
    gp: F64  # (S,)
    lgn: F64  # (S,) ln of the activity coefficient
    lgp: F64  # (S,)
    jn: F64  # (S,) edge fluxes, m^-2 s^-1, conventional current / q
    jp: F64  # (S,)
    net: F64  # (N,) generation minus recombination of each node, m^-2 s^-1
    plane: F64  # (P, 4) what electrons and holes lose at a plane; flux beside the cell in front of it and behind it
    ion: F64  # (I, S) density of each mobile species
    dion: F64  # (I, S) its derivative by ln activity


def make_work(device: Device, columns: int = 4) -> Work:
    """Allocate the scratch memory for `device` with up to `columns` right-hand sides."""
    nodes, sites, ions = device.x.size, device.volume.size, device.ion.shape[0]
    z = np.zeros
    return Work(
        diag=z((nodes, 9)),
        lower=z((nodes, 5)),
        upper=z((nodes, 5)),
        give=z((nodes, 2)),
        take=z((nodes, 2)),
        leak=z((nodes, 2)),
        rhs=z((nodes, 3, columns)),
        inverse=z((nodes, 9)),
        elim=z((nodes, 9)),
        n=z(sites),
        p=z(sites),
        gn=z(sites),
        gp=z(sites),
        lgn=z(sites),
        lgp=z(sites),
        jn=z(sites),
        jp=z(sites),
        net=z(nodes),
        plane=z((device.plane_site.size, 4)),
        ion=z((ions, sites)),
        dion=z((ions, sites)),
    )


# columns of Motion.ion: charge number, diffusion coefficient (m^2/s), density of sites (m^-3, 0 = no limit), layer,
# unknown of the node's block that holds it
M_Z, M_D, M_SITES, M_LAYER, M_SLOT, MOTION_COLUMNS = range(6)


class Blocks(NamedTuple):
    """Scratch memory of a solve with ions in motion: B unknowns a node (potential, electrons, holes, ions).

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
    ion: F64  # (I, S) density of each moving species
    dion: F64  # (I, S) its derivative by its level
    flux: F64  # (I, S) number flux over the edge to the next site, m^-2 s^-1


def make_blocks(device: Device, size: int, species: int, columns: int = 2, kind: type = float) -> Blocks:
    """Allocate scratch memory for `size` unknowns a node, `species` moving ions and `columns` right-hand sides."""
    nodes, sites = device.x.size, device.volume.size

    def z(*shape: int) -> F64:
        return np.zeros(shape, dtype=kind)

    return Blocks(
        diag=z(nodes, size, size),
        lower_psi=z(nodes, size),
        lower_own=z(nodes, size),
        upper_psi=z(nodes, size),
        upper_own=z(nodes, size),
        give=z(nodes, size),
        take=z(nodes, size),
        leak=z(nodes, size),
        rhs=z(nodes, size, columns),
        inverse=z(nodes, size, size),
        elim=z(nodes, size, size),
        ion=np.zeros((species, sites)),
        dion=np.zeros((species, sites)),
        flux=np.zeros((species, sites)),
    )
