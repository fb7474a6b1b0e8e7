"""Fields of solved states in SI units: bands, densities, quasi-Fermi levels, currents, rates.

Energies are in eV from the vacuum level at the front contact in the dark, on the cathode's Fermi level as zero.
Everything here is recomputed from the stored potential and quasi-Fermi levels with numpy, apart from the solver.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perotwin.constants import elementary_charge as Q
from perotwin.transport import device as dv
from perotwin.transport.fermi import fermi_dirac_half

if TYPE_CHECKING:
    from perotwin.transport.states import JunctionStates, States

F64 = NDArray[np.float64]


#: coefficient (m^3/s) of each mechanism of free carriers, (K, S), from the numbers of each site's layer (S, columns):
#: once more, apart from the compiled ones
COEFFICIENTS: dict[str, Callable[[F64, F64, F64], F64]] = {
    "radiative": lambda layer, n, p: layer[:, dv.K_RAD],
    "auger": lambda layer, n, p: layer[:, dv.AUGER_N] * n + layer[:, dv.AUGER_P] * p,
}


@dataclass(frozen=True)
class Profiles:
    """Fields of K states on S sites; a face between two layers appears twice, once for each side.

    Attributes:
        x: (S,) position, m, from the front of the electrical domain.
        layer: (S,) index of the layer. layers: names of the layers.
        edge: (E,) left site of each edge, edges lie between sites `edge` and `edge + 1`.
        x_edge: (E,) middle of each edge, m.
        voltage: (K,) terminal voltage, V.
        conduction_band, valence_band, electron_fermi_level, hole_fermi_level: (K, S) eV.
        electron_density, hole_density, ion_density: (K, S) m^-3; ions summed over species.
        charge: (K, S) everything charged, units of q, m^-3.
        electric_field: (K, E) V/m.
        electron_current, hole_current: (K, E) A m^-2, conventional, positive along x.
        generation: (S,) m^-3 s^-1, or (K, S) where another junction's light is part of it. recombination: (K, S) m^-3
            s^-1, without faces.
    """

    x: F64
    layer: NDArray[np.int64]
    layers: tuple[str, ...]
    edge: NDArray[np.int64]
    x_edge: F64
    voltage: F64
    conduction_band: F64
    valence_band: F64
    electron_fermi_level: F64
    hole_fermi_level: F64
    electron_density: F64
    hole_density: F64
    ion_density: F64
    charge: F64
    electric_field: F64
    electron_current: F64
    hole_current: F64
    generation: F64
    recombination: F64


def log_activity(eta: F64, degenerate: NDArray[np.bool_]) -> F64:
    """ln(F(eta)) - eta where a layer is degenerate, zero elsewhere. Shapes broadcast; (K, S)."""
    out = np.zeros(np.broadcast(eta, degenerate).shape)
    if not np.any(degenerate):
        return out
    where = np.broadcast_to(degenerate, out.shape)
    dilute = where & (eta <= -8.0)
    e = np.exp(eta[dilute])
    out[dilute] = np.log1p(-e * (2.0**-1.5 - e * (3.0**-1.5 - e * 4.0**-1.5)))
    dense = where & (eta > -8.0)
    out[dense] = np.log(fermi_dirac_half(eta[dense])) - eta[dense]
    return out


def trap_rate(n: F64, p: F64, drive: F64, rn: float, rp: float, n1: F64, p1: F64) -> tuple[F64, F64]:
    """Rate and occupation of one level (Shockley and Read, doi:10.1103/PhysRev.87.835)."""
    denominator = rn * (n + n1) + rp * (p + p1)
    return rn * rp * drive / denominator, (rn * n + rp * p1) / denominator


def drive(n: F64, p: F64, split: F64) -> F64:
    """n p (1 - exp(-split))."""
    out = -n * p * np.expm1(-np.maximum(split, -30.0))
    reverse = split < -30.0
    if reverse.any():
        # exp(-split) may overflow there, the product with n p does not
        product = np.log(n[reverse]) + np.log(p[reverse])
        out[reverse] = np.exp(product) - np.exp(product - split[reverse])
    return np.asarray(out)


def profiles(states: States, index: NDArray[np.int64] | list[int] | None = None) -> Profiles:
    """Fields of some (or all) of the points of `states`.

    Args:
        states: from the steady solver; of stacks side by side the one that is shown, of junctions in series all, one
            behind the other and each layer called after its junction too.
        index: which points; all if absent.

    Returns:
        `Profiles`.
    """
    chosen = states if index is None else states.pick(index)
    inside = chosen.inside
    made = [junction_profiles(part) for part in inside.values()]
    return made[0] if len(made) == 1 else _in_series(made, list(inside.values()), chosen.voltage)


def _in_series(made: list[Profiles], states: list[JunctionStates], voltage: F64) -> Profiles:
    """Fields of junctions one behind the other, from front to back, on the energy scale of the cell's cathode.

    Where two meet they share one level: the cathode's zero of the one that has its cathode there.
    """
    count = len(made)
    front = states[0].junction.device.anode_front
    volts = [one.junction_voltage for one in states]
    # each junction's zero, its cathode's level, below that of the cell's by the voltages between
    raised = [
        -np.sum(volts[n + 1 :] if front else volts[:n], axis=0) + np.zeros(voltage.size) for n in range(count)
    ]
    depth = np.cumsum([0.0, *(float(one.x[-1]) for one in made)])
    sites = np.cumsum([0, *(one.x.size for one in made)])
    layers = np.cumsum([0, *(len(one.layers) for one in made)])
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(one, name) for one in made], axis=-1) for name in _FIELDS
    }
    for name in _ENERGIES:
        each = zip(made, raised, strict=True)
        joined[name] = np.concatenate([getattr(one, name) + up[:, None] for one, up in each], axis=1)
    generation = [np.broadcast_to(one.generation, one.recombination.shape) for one in made]
    return Profiles(
        x=np.concatenate([depth[n] + one.x for n, one in enumerate(made)]),
        layer=np.concatenate([layers[n] + one.layer for n, one in enumerate(made)]),
        layers=tuple(layer for one in made for layer in one.layers),
        edge=np.concatenate([sites[n] + one.edge for n, one in enumerate(made)]),
        x_edge=np.concatenate([depth[n] + one.x_edge for n, one in enumerate(made)]),
        voltage=voltage,
        generation=np.concatenate(generation, axis=1),
        **joined,
    )


_ENERGIES = ("conduction_band", "valence_band", "electron_fermi_level", "hole_fermi_level")
_FIELDS = (
    "electron_density", "hole_density", "ion_density", "charge", "electric_field", "electron_current", "hole_current",
    "recombination",
)  # fmt: skip


def junction_profiles(chosen: JunctionStates) -> Profiles:
    """Fields of some points of one junction; energies from its own cathode's level."""
    problem = chosen.junction
    device, vt = problem.device, problem.vt
    layer, node = problem.site_layer, problem.site_node
    psi = chosen.psi[:, node]
    fn, fp = chosen.fn[:, node], chosen.fp[:, node]
    v = chosen.junction_voltage[:, None] / vt
    table = device.layer[layer]
    eta_n = psi + fn - table[:, dv.EC]
    eta_p = table[:, dv.EV] - psi - (fp - v)
    degenerate = table[:, dv.DEGENERATE] != 0.0
    lgn, lgp = log_activity(eta_n, degenerate), log_activity(eta_p, degenerate)
    n = np.exp(eta_n + table[:, dv.LN_NC] + lgn)
    p = np.exp(eta_p + table[:, dv.LN_NV] + lgp)

    ions = np.zeros_like(psi)
    ion_charge = np.broadcast_to(chosen.frozen_charge, psi.shape).copy()
    for number, row in enumerate(device.ion):
        z, sites, m = row[dv.I_Z], row[dv.I_SITES], int(row[dv.I_LAYER])
        here = layer == m
        exponent = chosen.mu[:, number : number + 1] - z * psi[:, here]
        c = np.exp(exponent) if sites == 0.0 else sites / (1.0 + sites * np.exp(-exponent))
        ions[:, here] += c
        ion_charge[:, here] += z * c
    ions += chosen.frozen_density
    charge = p - n + device.fixed_charge + ion_charge

    split = fn - (fp - v)
    force = drive(n, p, split)
    # in detailed balance the radiative rate is R0 (exp(split) - 1), whatever the statistics
    lit = np.where(device.balanced[layer], table[:, dv.NP_EQ] * np.expm1(np.minimum(split, 700.0)), force)
    rate = np.zeros_like(force)
    for name, columns in dv.MECHANISMS.items():
        if device.layer[:, list(columns)].any():
            rate += COEFFICIENTS[name](table, n, p) * (lit if name == "radiative" else force)
    for m in range(device.offset.size):
        here = slice(int(device.site_start[m]), int(device.site_start[m + 1]))
        for t in range(device.trap_start[m], device.trap_start[m + 1]):
            row = device.trap[t]
            n1 = row[dv.T_N1] * np.exp(lgn[:, here])
            p1 = row[dv.T_P1] * np.exp(lgp[:, here])
            extra, occupied = trap_rate(
                n[:, here], p[:, here], force[:, here], row[dv.T_RN], row[dv.T_RP], n1, p1
            )
            rate[:, here] += extra
            charge[:, here] += _held(row[dv.T_NT], row[dv.T_KIND], occupied)

    last = np.append(layer[1:] != layer[:-1], True)
    edge = np.flatnonzero(~last)
    h = device.spacing[edge]
    # differences between neighbours; at an edge both sites are neighbouring nodes of one layer
    dpsi = np.diff(psi, axis=1)[:, edge]
    rest_n, rest_p = chosen.fn_rest[:, node], chosen.fp_rest[:, node]
    dfn = (np.diff(fn, axis=1) + np.diff(rest_n, axis=1))[:, edge]
    dfp = (np.diff(fp, axis=1) + np.diff(rest_p, axis=1))[:, edge]
    jn = symmetric_flux(n[:, edge], n[:, edge + 1], dpsi + lgn[:, edge + 1] - lgn[:, edge], dfn) * (
        Q * vt * table[edge, dv.MU_N] / h
    )
    jp = -symmetric_flux(p[:, edge], p[:, edge + 1], -dpsi + lgp[:, edge + 1] - lgp[:, edge], -dfp) * (
        Q * vt * table[edge, dv.MU_P] / h
    )
    sites = problem.mesh.sites
    generation = chosen.intensity * problem.generation
    if chosen.coupled is not None:
        generation = generation + chosen.coupled
    return Profiles(
        x=sites,
        layer=layer,
        layers=problem.layers,
        edge=edge,
        x_edge=0.5 * (sites[edge] + sites[edge + 1]),
        voltage=chosen.voltage,
        conduction_band=(table[:, dv.EC] - psi) * vt,
        valence_band=(table[:, dv.EV] - psi) * vt,
        electron_fermi_level=fn * vt,
        hole_fermi_level=(fp - v) * vt,
        electron_density=n,
        hole_density=p,
        ion_density=ions,
        charge=charge,
        electric_field=-dpsi * vt / h,
        electron_current=jn,
        hole_current=jp,
        generation=generation / device.volume,
        recombination=rate,
    )


def _held(density: float, kind: float, occupied: F64) -> F64 | float:
    """Charge of a level per volume or area, units of q."""
    if kind > 0.0:
        return density * (1.0 - occupied)
    return -density * occupied if kind < 0.0 else 0.0


def symmetric_flux(left: F64, right: F64, x: F64, d: F64) -> F64:
    """Scharfetter-Gummel flux in its symmetric form, per unit of D / h.

    sqrt(left right) (x/2) / sinh(x/2) 2 sinh(d/2), with d the step of the quasi-Fermi level: no difference of large
    numbers appears, which makes it an independent check of the solver's own form.
    """
    half = np.clip(0.5 * x, -350.0, 350.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(np.abs(half) < 1e-5, 1.0 - half * half / 6.0, half / np.sinh(half))
    return np.sqrt(left) * np.sqrt(right) * ratio * 2.0 * np.sinh(np.clip(0.5 * d, -350, 350))
