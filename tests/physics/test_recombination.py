"""Every recombination channel against its closed form, in slabs whose quasi-Fermi levels are flat.

The carriers are fast and the contacts selective, so that at open circuit generation balances recombination and the
splitting is the same everywhere. Doping fixes the majority carriers and the anode's work function is chosen so that
the bands are flat at open circuit: then all densities are known, and the splitting is the root of one equation.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq

from devices import VT, Q, cell, inside, layer, selective
from fermi_integrals import log_half
from perotwin.lab import jv
from perotwin.stack import Stack
from perotwin.transport.build import build
from perotwin.transport.steady import Solver

THICKNESS, GAP, DOPING, RATE = 300e-9, 1.5, 2e22, 1e27
NC, NV = 2e24, 1e24
FAST = (30.0, 30.0)
LOG_F = log_half()


def open_circuit(stack: Stack) -> tuple[float, dict[str, float]]:
    """Voc (V) and each channel's share of the losses there."""
    solver = Solver(build(stack))
    points = jv.solved_points(solver, jv.curve(solver, jv.Protocol(step="50 mV"), 1.0), 1.0)
    found = points["open-circuit"]
    part = found.shown
    lost = part.channel[0] / part.channel[0].sum()
    return float(found.voltage[0]), dict(zip([c.name for c in part.junction.channels], lost, strict=True))


def splitting(balance: Callable[[float], float]) -> float:
    """The splitting (kT) at which `balance`, loss minus generation, is zero."""
    return float(brentq(balance, 1.0, GAP / VT, xtol=1e-12))


def level_of(statistics: str, density: float, dos: float) -> tuple[float, float]:
    """Level (kT into the band) at a density, and the activity factor F(eta) exp(-eta) there."""
    if statistics == "boltzmann":
        return float(np.log(density / dos)), 1.0
    target = np.log(density / dos)
    eta = float(brentq(lambda e: LOG_F(e) - target, -30, 30, xtol=1e-13))
    return eta, float(np.exp(target - eta))


def slab(carrier: str, statistics: str, doping: float, voc: float, eta: float, **channels: Any) -> Stack:
    """A doped absorber; electrons leave at the back, holes at the front, whose work function makes flat bands."""
    sign = 1.0 if carrier == "n" else -1.0
    body = layer("body", THICKNESS, gap=GAP, nc=NC, nv=NV, mobility=FAST, doping=sign * doping,
                 statistics=statistics, **channels)  # fmt: skip
    level = 4.0 - eta * VT if carrier == "n" else 4.0 + GAP + eta * VT
    front, back = (level + voc, level) if carrier == "n" else (level, level - voc)
    return cell(body, front=selective(front, "holes"), back=selective(back, "electrons"), rate=RATE)


CHANNELS: dict[str, dict[str, Any]] = {
    "radiative": {"radiative": 1e-15},
    "auger of electrons": {"auger": (1e-38, 0.0)},
    "auger of holes": {"auger": (0.0, 1e-25)},
    "auger": {"auger": (1e-38, 3e-38)},
    "midgap trap": {"trap": [{"electron_lifetime": 2e-9, "hole_lifetime": 5e-9}]},
    "shallow trap": {
        "trap": [
            {
                "level": {"below": "conduction", "depth": 0.08},
                "density": 1e20,
                "electron_capture": 2e-14,
                "hole_capture": 3e-13,
            }
        ]
    },
    "deep trap": {
        "trap": [
            {"level": {"above": "valence", "height": 0.25}, "electron_lifetime": 3e-9, "hole_lifetime": 1e-9},
            {"level": {"below": "vacuum", "depth": 4.6}, "electron_lifetime": 1e-8, "hole_lifetime": 2e-8},
        ]
    },
}


def rate(
    channels: dict[str, Any], n: float, p: float, split: float, factor_n: float, factor_p: float
) -> float:
    """Recombination (m^-3 s^-1); the factors are the carriers' activity, which a level's n1 and p1 share."""
    excess = n * p * -np.expm1(-split)
    electrons, holes = channels.get("auger", (0.0, 0.0))
    total = (channels.get("radiative", 0.0) + electrons * n + holes * p) * excess
    for trap in channels.get("trap", []):
        level = trap.get("level", {"below": "conduction", "depth": GAP / 2})
        depth = level.get("depth", 0.0) if level.get("below") == "conduction" else None
        if level.get("below") == "vacuum":
            depth = level["depth"] - 4.0
        if "above" in level:
            depth = GAP - level["height"]
        assert depth is not None
        n1, p1 = NC * np.exp(-depth / VT) * factor_n, NV * np.exp((depth - GAP) / VT) * factor_p
        tau_n = trap.get("electron_lifetime") or 1 / (trap["electron_capture"] * trap["density"])
        tau_p = trap.get("hole_lifetime") or 1 / (trap["hole_capture"] * trap["density"])
        total += excess / (tau_p * (n + n1) + tau_n * (p + p1))
    return float(total)


@pytest.mark.parametrize("statistics", ["boltzmann", "fermi-dirac"])
@pytest.mark.parametrize("carrier", ["n", "p"])
@pytest.mark.parametrize("channels", CHANNELS.values(), ids=CHANNELS.keys())
def test_open_circuit_of_a_flat_slab(channels: dict[str, Any], carrier: str, statistics: str) -> None:
    doping = DOPING if statistics == "boltzmann" else 3e24
    many_dos, few_dos = (NC, NV) if carrier == "n" else (NV, NC)

    def densities(split: float) -> tuple[float, float, float]:
        """Majority and minority density and the majority's level, neutral and at the splitting."""

        def excess(log_few: float) -> float:
            eta, _ = level_of(statistics, doping + np.exp(log_few), many_dos)
            return float(log_few - np.log(few_dos) - (split - GAP / VT - eta))

        few = float(np.exp(brentq(excess, -60.0, 58.0, xtol=1e-13)))
        return doping + few, few, level_of(statistics, doping + few, many_dos)[0]

    def loss(split: float) -> float:
        many, few, _ = densities(split)
        factor = level_of(statistics, many, many_dos)[1]
        pair = ((many, few), (factor, 1.0)) if carrier == "n" else ((few, many), (1.0, factor))
        return rate(channels, *pair[0], split, *pair[1])

    voc = VT * splitting(lambda split: loss(split) - RATE)
    _, few, eta = densities(voc / VT)
    assert few < 0.2 * doping
    found, lost = open_circuit(slab(carrier, statistics, doping, voc, eta, **channels))
    # the minority carriers are dilute in the formula, and in the solver not quite
    assert found == pytest.approx(voc, abs=1e-7 if statistics == "boltzmann" else 5e-6)
    assert sum(lost.values()) == pytest.approx(1.0)


def face_cell(
    voc: float, dipole: float, side: str, trap: dict[str, Any], doping: tuple[float, float]
) -> tuple[Stack, Any]:
    """Two n-type layers with flat bands, one of them the absorber, and all recombination at the face between."""
    names = ("absorber", "other") if side == "left" else ("other", "absorber")
    etas = [float(np.log(d / NC)) for d in doping]
    # neutral Fermi levels at equal depth, but for the dipole: then the bands are flat
    affinity_left = 4.0
    affinity_right = affinity_left - etas[0] * VT + etas[1] * VT + dipole
    gaps = (GAP, GAP + 0.3) if side == "left" else (GAP + 0.2, GAP)
    bodies = [
        layer(name, THICKNESS, role="absorber" if name == "absorber" else "buffer", affinity=affinity, gap=gap, nc=NC,
              nv=NV, mobility=FAST, doping=d)
        for name, affinity, gap, d in zip(names, (affinity_left, affinity_right), gaps, doping, strict=True)
    ]  # fmt: skip
    front, back = affinity_left - etas[0] * VT, affinity_right - etas[1] * VT
    stack = cell(*bodies, front=selective(front + voc, "holes"), back=selective(back, "electrons"), rate=RATE,
                 faces={f"{names[0]}|{names[1]}": {"dipole": dipole, "trap": [trap]}})  # fmt: skip
    return stack, (etas, gaps, (affinity_left, affinity_right))


FACE_TRAPS: dict[str, dict[str, Any]] = {
    "midgap": {"electron_velocity": 20.0, "hole_velocity": 3.0},
    "shallow": {
        "level": {"below": "conduction", "depth": 0.05},
        "density": 1e14,
        "electron_capture": 1e-15,
        "hole_capture": 2e-13,
    },
    "deep": {"level": {"below": "vacuum", "depth": 5.2}, "electron_velocity": 5.0, "hole_velocity": 9.0},
    "near the valence band": {
        "level": {"above": "valence", "height": 0.1},
        "electron_velocity": 50.0,
        "hole_velocity": 50.0,
    },
}


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("dipole", [0.0, 0.15, -0.15])
@pytest.mark.parametrize("trap", FACE_TRAPS.values(), ids=FACE_TRAPS.keys())
def test_open_circuit_with_a_recombining_face(trap: dict[str, Any], dipole: float, side: str) -> None:
    """R = Sn Sp (n p - n1 p1) / (Sn (n + n1) + Sp (p + p1)) with n = nL + nR and the level on the absorber's scale."""
    doping = (2e23, 7e23)
    _, (etas, gaps, affinities) = face_cell(1.0, dipole, side, trap, doping)
    home = 0 if side == "left" else 1
    s_n = trap.get("electron_velocity") or trap["electron_capture"] * trap["density"]
    s_p = trap.get("hole_velocity") or trap["hole_capture"] * trap["density"]
    level = trap.get("level", {"below": "conduction", "depth": gaps[home] / 2})
    depth = level.get("depth", 0.0)  # under the conduction band of the absorber
    if level.get("below") == "vacuum":
        depth = level["depth"] - affinities[home]
    if "above" in level:
        depth = gaps[home] - level["height"]
    # bands on one scale at the face, the absorber's own vacuum as zero
    shift = [0.0, dipole] if home == 0 else [-dipole, 0.0]
    band = [shift[i] - affinities[i] for i in (0, 1)]
    energy = band[home] - depth
    n1 = sum(NC * np.exp((energy - band[i]) / VT) for i in (0, 1))
    p1 = sum(NV * np.exp((band[i] - gaps[i] - energy) / VT) for i in (0, 1))
    assert n1 * p1 > 0.0

    def loss(split: float) -> float:
        n = sum(doping)
        p = sum(NV * np.exp(split - gaps[i] / VT - etas[i]) for i in (0, 1))
        return float(s_n * s_p * n * p * -np.expm1(-split) / (s_n * (n + n1) + s_p * (p + p1)))

    voc = VT * splitting(lambda split: loss(split) - RATE * THICKNESS)
    stack, _ = face_cell(voc, dipole, side, trap, doping)
    found, lost = open_circuit(stack)
    few = max(NV * np.exp(voc / VT - gaps[i] / VT - etas[i]) / doping[i] for i in (0, 1))
    assert few < 2e-3
    assert found == pytest.approx(voc, abs=2 * VT * few + 2e-7)
    assert list(lost) == [f"{'absorber|other' if home == 0 else 'other|absorber'} trap 1"]


def test_a_face_recombines_electrons_of_one_layer_with_holes_of_the_other() -> None:
    """A staggered face: the few carriers of each layer do not matter, the many on either side meet at the level."""
    trap = [{"electron_velocity": 10.0, "hole_velocity": 10.0}]
    left = layer("donor", 200e-9, role="htl", affinity=3.4, gap=1.6, doping=-1e22)
    right = layer("absorber", 200e-9, affinity=4.0, gap=1.6, doping=1e22)
    states, seen = inside(cell(left, right, faces={"donor|absorber": {"trap": trap}}), [0.3], 0.0)
    face = int(np.flatnonzero(np.diff(seen.layer))[0])
    n, p = seen.electron_density[0, face + 1], seen.hole_density[0, face]
    assert seen.electron_density[0, face] < 1e-5 * n
    assert seen.hole_density[0, face + 1] < 1e-5 * p
    # midgap of the absorber lies 0.2 eV over the donor's valence band
    p1 = 1e24 * np.exp(-0.2 / VT)
    expected = Q * 10.0 * n * p * -np.expm1(-0.3 / VT) / (n + p + p1)
    assert states.shown.channel[0, 0] == pytest.approx(expected, rel=1e-4)
