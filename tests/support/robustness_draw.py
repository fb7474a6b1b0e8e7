"""The committed draw of random cells. It is part of the specification: never changed to make a test pass.

`cell(seed)` gives one stack as plain data (the mappings of a stack file, numbers in SI and eV). Everything is
log-uniform over its range unless it is an energy, which is uniform.
"""

from __future__ import annotations

from typing import Any

import numpy as np

#: first seed of the draw; cell number i has seed FIRST_SEED + i
FIRST_SEED = 20_251_000
HTL_MATERIALS = ("niox", "pedot-pss")
ETL_MATERIALS = ("c60", "sno2", "tio2")


def _log(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _electronic(
    rng: np.random.Generator,
    affinity: float,
    gap: float,
    doping: float,
    statistics: str,
    dos: tuple[float, float],
) -> dict[str, Any]:
    return {
        "electron_affinity": affinity,
        "bandgap": gap,
        "conduction_dos": _log(rng, *dos),
        "valence_dos": _log(rng, *dos),
        "electron_mobility": _log(rng, 1e-10, 1e-2),
        "hole_mobility": _log(rng, 1e-10, 1e-2),
        "permittivity": rng.uniform(3.0, 30.0),
        "donor_density": max(doping, 0.0),
        "acceptor_density": max(-doping, 0.0),
        "statistics": statistics,
    }


def _face(rng: np.random.Generator) -> dict[str, Any]:
    return {"trap": [{"electron_velocity": _log(rng, 1e-2, 1e4), "hole_velocity": _log(rng, 1e-2, 1e4)}]}


def cell(seed: int) -> dict[str, Any]:
    """The random cell of one seed, as the plain data of a stack file."""
    rng = np.random.default_rng(seed)
    statistics = str(rng.choice(["boltzmann", "fermi-dirac"]))
    inverted = bool(rng.integers(2))  # p-i-n
    extra = int(rng.integers(3))  # transport layers beyond one on each side
    gap = rng.uniform(1.2, 1.9)
    affinity = rng.uniform(3.7, 4.1)
    transport_dos, absorber_dos = (1e25, 1e27), (1e24, 1e25)

    hole_side: list[dict[str, Any]] = []
    edge = affinity + gap  # ionisation energy of the layer inside
    electron_side: list[dict[str, Any]] = []
    for number in range(2 + extra):
        holes = number % 2 == 0
        inner = hole_side if holes else electron_side
        offset = rng.uniform(-0.5, 0.5) if not inner else rng.uniform(-0.2, 0.2)
        wide = rng.uniform(2.0, 3.5)
        doping = _log(rng, 1e21, 1e25)
        if holes:
            edge = (affinity + gap if not inner else edge) + offset
            chi = edge - wide
        else:
            chi = (affinity if not inner else electron_side[-1]["electronic"]["electron_affinity"]) + offset
        role = ("htl" if holes else "etl") if not inner else "buffer"
        inner.append(
            {
                "name": f"{'h' if holes else 'e'}tl{len(inner) + 1}",
                "role": role,
                "material": str(rng.choice(HTL_MATERIALS if holes else ETL_MATERIALS)),
                "thickness": _log(rng, 5e-9, 200e-9),
                "electronic": _electronic(
                    rng, chi, wide, -doping if holes else doping, statistics, transport_dos
                ),
            }
        )
    doping = _log(rng, 1e20, 1e23) * float(rng.choice([-1.0, 1.0]))
    response = {"kind": "steady"} if rng.integers(2) else {"kind": "frozen"}
    absorber = {
        "name": "absorber",
        "role": "absorber",
        "material": "halide-perovskite",
        "bandgap": gap,
        "thickness": _log(rng, 100e-9, 1000e-9),
        "electronic": _electronic(rng, affinity, gap, doping, statistics, absorber_dos),
        "trap": [{"electron_lifetime": _log(rng, 1e-10, 1e-5), "hole_lifetime": _log(rng, 1e-10, 1e-5)}],
        "ions": {"density": _log(rng, 1e20, 1e25), "diffusion_coefficient": 1e-14, "response": response},
    }
    outer_h, outer_e = hole_side[-1]["electronic"], electron_side[-1]["electronic"]
    anode = {"work_function": outer_h["electron_affinity"] + outer_h["bandgap"] - rng.uniform(0.0, 0.4)}
    cathode = {"work_function": outer_e["electron_affinity"] + rng.uniform(0.0, 0.4)}
    series = 0.0 if rng.uniform() < 0.1 else _log(rng, 1e-6, 1e-3)
    shunt = _log(rng, 1e-2, 1e2)
    suns = _log(rng, 0.01, 10.0)

    inner_layers = [*reversed(hole_side), absorber, *electron_side]
    faces = {
        (hole_side[0]["name"], "absorber"): _face(rng),
        ("absorber", electron_side[0]["name"]): _face(rng),
    }
    contact = {"front": anode, "back": cathode}
    if not inverted:
        inner_layers.reverse()
        faces = {(b, a): face for (a, b), face in faces.items()}
        contact = {"front": cathode, "back": anode}
    return {
        "name": f"draw-{seed}",
        "light": {"intensity": suns},
        "layer": [
            {"name": "glass", "role": "substrate", "material": "glass", "thickness": 1.1e-3},
            {"name": "ito", "role": "electrode", "material": "ito", "thickness": 120e-9},
            *inner_layers,
            {"name": "metal", "role": "electrode", "material": "ag", "thickness": 100e-9},
        ],
        "interface": {f"{a}|{b}": face for (a, b), face in faces.items()},
        "contact": contact,
        "circuit": {"series_resistance": series, "shunt_resistance": shunt},
    }
