"""The equations of a cell solved in another way: collocated by scipy.solve_bvp, layer by layer, from the stack alone.

Nothing of the solver is used but a guess to start from: the differential equations, the faces and the contacts are
written here again, in electron energies phi (of the vacuum level) rather than potentials, with no finite volumes, no
exponential fitting and no splitting of levels. What this returns satisfies the equations wherever it is looked at.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.constants import Boltzmann, elementary_charge, epsilon_0
from scipy.integrate import solve_bvp

from fermi_integrals import log_half
from perotwin.stack import Stack
from perotwin.transport.profiles import Profiles

Q = elementary_charge
#: scales: current (A m^-2) and length (m)
J0, L0 = 100.0, 100e-9
#: unknowns of a layer: vacuum level, displacement, and level and current of either carrier
PHI, D, FN, JN, FP, JP, UNKNOWNS = range(7)


@lru_cache(maxsize=1)
def _log_half() -> Any:
    return log_half()


@dataclass
class Body:
    """A layer's numbers in kT."""

    thickness: float
    affinity: float
    gap: float
    nc: float
    nv: float
    mu_n: float
    mu_p: float
    eps: float
    doping: float
    log_filling: Callable[[Any], Any]
    radiative: float
    auger: tuple[float, float]
    traps: list[tuple[float, float, float, float, str]]  # depth under Ec, rates 1/tau, density, charge
    generation: float
    ions: tuple[float, float, float] | None  # charge, density, sites

    def carriers(self, phi: Any, fn: Any, fp: Any) -> tuple[Any, ...]:
        """n, p, their activity factors."""
        eta_n = fn - (phi - self.affinity)
        eta_p = (phi - self.affinity - self.gap) - fp
        ln, lp = self.log_filling(eta_n), self.log_filling(eta_p)
        return self.nc * np.exp(ln), self.nv * np.exp(lp), np.exp(ln - eta_n), np.exp(lp - eta_p)

    def level(self, depth: float) -> tuple[float, float]:
        """Dilute n1 and p1 of a level `depth` (kT) under the conduction band."""
        return self.nc * np.exp(-depth), self.nv * np.exp(depth - self.gap)


def _filling(kind: str) -> Callable[[Any], Any]:
    if kind == "boltzmann":
        return lambda eta: eta
    # beyond the table a carrier is dilute
    return lambda eta: np.where(eta < -30.0, eta, _log_half()(np.maximum(eta, -30.0)))


def _depth(level: Any, affinity: float, gap: float) -> float:
    if getattr(level, "below", None) == "vacuum":
        return float(level.depth) - affinity
    if getattr(level, "below", None) == "conduction":
        return float(level.depth)
    if getattr(level, "above", None) == "valence":
        return gap - float(level.height)
    return gap / 2


def bodies(stack: Stack, vt: float, suns: float) -> list[Body]:
    """The layers in units of kT."""
    made = []
    for item in stack.electrical_layers:
        e = item.electronic
        assert e is not None
        radiative = item.recombination.radiative
        auger = item.recombination.auger
        made.append(
            Body(
                thickness=float(item.thickness),
                affinity=float(e.electron_affinity) / vt,
                gap=item.gap / vt,
                nc=float(e.conduction_dos),
                nv=float(e.valence_dos),
                mu_n=float(e.electron_mobility),
                mu_p=float(e.hole_mobility),
                eps=float(e.permittivity),
                doping=float(e.donor_density) - float(e.acceptor_density),
                log_filling=_filling(e.statistics.kind),
                radiative=0.0 if radiative is None else float(radiative.coefficient),
                auger=(0.0, 0.0) if auger is None else (float(auger.electron), float(auger.hole)),
                traps=[
                    (
                        _depth(t.level, float(e.electron_affinity), item.gap) / vt,
                        1 / t.tau_n,
                        1 / t.tau_p,
                        float(t.density or 0.0),
                        t.charge,
                    )
                    for t in item.trap
                ],
                generation=suns * float(stack.light.generation.rate) if item.role == "absorber" else 0.0,
                ions=None
                if item.ions is None
                else (
                    float(item.ions.charge),
                    float(item.ions.density),
                    float(item.ions.site_density or 0.0),
                ),
            )
        )
    return made


def _capture(n: Any, p: Any, n1: Any, p1: Any, rn: float, rp: float, split: Any) -> tuple[Any, Any]:
    """Rate and occupation of one level."""
    total = rn * (n + n1) + rp * (p + p1)
    return rn * rp * n * p * -np.expm1(-split) / total, (rn * n + rp * p1) / total


def _held(charge: str, density: float, occupied: Any) -> Any:
    return {"neutral": 0.0 * occupied, "donor": density * (1 - occupied), "acceptor": -density * occupied}[
        charge
    ]


def current(
    stack: Stack,
    voltage: float,
    suns: float,
    guess: Profiles,
    tolerance: float = 1e-6,
    front_anode: bool = True,
) -> tuple[float, Any, float]:
    """Terminal current (A m^-2, positive = power out) at a junction voltage, the solution and ln of the ions' activity.

    The guess is one state's fields. Its accuracy does not matter, as the collocation is refined until its residuals
    are below `tolerance`.
    """
    vt = Boltzmann * float(stack.temperature) / Q
    layers = bodies(stack, vt, suns)
    count = len(layers)
    pulse = L0 * Q / (vt * epsilon_0)
    ionic = [m for m, body in enumerate(layers) if body.ions is not None]
    width = UNKNOWNS * count + len(ionic)

    def slopes(s: Any, y: Any, mu: Any) -> Any:
        out = np.zeros_like(y)
        for m, b in enumerate(layers):
            u = y[UNKNOWNS * m : UNKNOWNS * (m + 1)]
            n, p, an, ap = b.carriers(u[PHI], u[FN], u[FP])
            split = u[FN] - u[FP]
            rho = p - n + b.doping
            rate = (b.radiative + b.auger[0] * n + b.auger[1] * p) * n * p * -np.expm1(-split)
            for depth, rn, rp, density, charge in b.traps:
                n1, p1 = b.level(depth)
                lost, occupied = _capture(n, p, n1 * an, p1 * ap, rn, rp, split)
                rate = rate + lost
                rho = rho + _held(charge, density, occupied)
            if b.ions is not None:
                z, mean, sites = b.ions
                c = mean * np.exp(np.clip(mu[ionic.index(m)] + z * u[PHI], -300, 300))
                c = c if sites == 0.0 else sites * c / (sites + c)
                rho = rho + z * (c - mean)
                out[UNKNOWNS * count + ionic.index(m)] = c / mean
            o = UNKNOWNS * m
            out[o + PHI] = b.thickness * u[D] / (b.eps * L0)
            out[o + D] = b.thickness * pulse * rho
            out[o + FN] = b.thickness * J0 * u[JN] / (Q * b.mu_n * vt * n)
            out[o + FP] = b.thickness * J0 * u[JP] / (Q * b.mu_p * vt * p)
            out[o + JN] = b.thickness * Q / J0 * (rate - b.generation)
            out[o + JP] = -out[o + JN]
        return out

    contacts = stack.contact
    assert contacts is not None
    names = [item.name for item in stack.electrical_layers]

    def ends(a: Any, b: Any, mu: Any) -> Any:
        rows = []
        for m in range(count - 1):
            left, right = b[UNKNOWNS * m : UNKNOWNS * (m + 1)], a[UNKNOWNS * (m + 1) : UNKNOWNS * (m + 2)]
            face = stack.face(names[m], names[m + 1])
            lost, sheet = _face(stack, layers, m, names, left, right, vt)
            rows += [
                right[PHI] - left[PHI] - float(face.dipole) / vt,
                (right[D] - left[D] - pulse * sheet) / 100,
                right[FN] - left[FN],
                right[FP] - left[FP],
                right[JN] - left[JN] - Q * lost / J0,
                right[JP] - left[JP] + Q * lost / J0,
            ]
        for contact, u, body, sign in (
            (contacts.front, a, layers[0], 1.0),
            (contacts.back, b, layers[-1], -1.0),
        ):
            u = u[:UNKNOWNS] if sign > 0 else u[UNKNOWNS * (count - 1) : UNKNOWNS * count]
            metal = -voltage / vt if (sign > 0) == front_anode else 0.0
            n, p, _, _ = body.carriers(u[PHI], u[FN], u[FP])
            rows.append(u[PHI] - metal - float(contact.work_function) / vt)
            if contact.electron_velocity is None:
                rows.append(u[FN] - metal)
            else:
                leaving = float(contact.electron_velocity) * n * -np.expm1(metal - u[FN])
                rows.append(u[JN] - sign * Q / J0 * leaving)
            if contact.hole_velocity is None:
                rows.append(u[FP] - metal)
            else:
                leaving = float(contact.hole_velocity) * p * -np.expm1(u[FP] - metal)
                rows.append(u[JP] + sign * Q / J0 * leaving)
        for k in range(len(ionic)):
            rows += [a[UNKNOWNS * count + k], b[UNKNOWNS * count + k] - 1.0]
        return np.array(rows)

    s, y = _start(layers, guess, vt, width, ionic)
    first = []
    for m in ionic:
        z, mean, sites = layers[m].ions
        here = guess.layer == m
        c = guess.ion_density[0, here]
        phi = (guess.conduction_band[0, here] + layers[m].affinity * vt) / vt
        first.append(float(np.mean(np.log(c / mean / (1 - c / sites if sites else 1.0)) - z * phi)))
    found = solve_bvp(slopes, ends, s, y, p=np.array(first) if ionic else None, tol=tolerance, max_nodes=20_000) \
        if ionic else solve_bvp(lambda s, y: slopes(s, y, None), lambda a, b: ends(a, b, None), s, y, tol=tolerance,
                                max_nodes=20_000)  # fmt: skip
    assert found.success, found.message
    total = J0 * (found.y[JN, 0] + found.y[JP, 0])
    return (-total if front_anode else total), found.sol, float(found.p[0]) if ionic else np.nan


def _face(
    stack: Stack, layers: list[Body], m: int, names: list[str], left: Any, right: Any, vt: float
) -> tuple[float, float]:
    """Recombination (m^-2 s^-1) and sheet charge (units of q, m^-2) of a face: both sides' carriers together."""
    face = stack.face(names[m], names[m + 1])
    sides = (layers[m], layers[m + 1])
    seen = [b.carriers(u[PHI], u[FN], u[FP]) for b, u in zip(sides, (left, right), strict=True)]
    n, p = seen[0][0] + seen[1][0], seen[0][1] + seen[1][1]
    home = names[m : m + 2].index(stack.face_layer(f"{names[m]}|{names[m + 1]}").name)
    # conduction bands of the two sides on one scale
    shift = (0.0, float(face.dipole) / vt)
    edge = [shift[i] - sides[i].affinity for i in (0, 1)]
    lost, sheet = 0.0, 0.0
    for trap in face.trap:
        energy = edge[home] - _depth(trap.level, sides[home].affinity * vt, sides[home].gap * vt) / vt
        n1 = sum(sides[i].level(edge[i] - energy)[0] * seen[i][2] for i in (0, 1))
        p1 = sum(sides[i].level(edge[i] - energy)[1] * seen[i][3] for i in (0, 1))
        rate, occupied = _capture(n, p, n1, p1, trap.s_n, trap.s_p, left[FN] - left[FP])
        lost += rate
        sheet += _held(trap.charge, float(trap.density or 0.0), occupied)
    return lost, sheet


def _start(layers: list[Body], guess: Profiles, vt: float, width: int, ionic: list[int]) -> tuple[Any, Any]:
    """Nodes in 0..1 and the guess there, layer by layer."""
    s = np.unique(
        np.concatenate(
            [
                (guess.x[guess.layer == m] - guess.x[guess.layer == m][0]) / b.thickness
                for m, b in enumerate(layers)
            ]
        ).clip(0, 1)
    )
    s = s[np.concatenate(([True], np.diff(s) > 1e-6))]
    s[-1] = 1.0
    y = np.zeros((width, s.size))
    for m, b in enumerate(layers):
        here = guess.layer == m
        x = (guess.x[here] - guess.x[here][0]) / b.thickness
        edge = guess.layer[guess.edge] == m
        middle = (guess.x_edge[edge] - guess.x[here][0]) / b.thickness
        o = UNKNOWNS * m
        y[o + PHI] = np.interp(s, x, guess.conduction_band[0, here] / vt + b.affinity)
        y[o + D] = np.interp(s, middle, guess.electric_field[0, edge]) * b.eps * L0 / vt
        y[o + FN] = np.interp(s, x, guess.electron_fermi_level[0, here] / vt)
        y[o + FP] = np.interp(s, x, guess.hole_fermi_level[0, here] / vt)
        y[o + JN] = np.interp(s, middle, guess.electron_current[0, edge]) / J0
        y[o + JP] = np.interp(s, middle, guess.hole_current[0, edge]) / J0
    for k, m in enumerate(ionic):
        here = guess.layer == m
        x = (guess.x[here] - guess.x[here][0]) / layers[m].thickness
        c = guess.ion_density[0, here] / layers[m].ions[1]
        total = np.concatenate(([0.0], np.cumsum(0.5 * (c[1:] + c[:-1]) * np.diff(x))))
        y[UNKNOWNS * len(layers) + k] = np.interp(s, x, total)
    return s, y
