"""The committed wide draw of random cells. It is part of the specification: never changed to make a test pass.

`cell(seed)` gives one stack as plain data (SI and eV) of anything that a stack file may say of three to seven layers:
offsets to 0.8 eV, dipoles, charged levels in layers and at faces, thermionic faces, ions of either sign and up to four
species, frozen or steady, contacts of any velocity, the cold, the heat, dim and concentrated light. Everything is
log-uniform over its range unless it is an energy, a temperature or a permittivity, which is uniform.
"""

from __future__ import annotations

from typing import Any

import numpy as np

#: first seed of the draw; cell number i has seed FIRST_SEED + i
FIRST_SEED = 20_261_128


def _log(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _level(rng: np.random.Generator, gap: float) -> Any:
    place = str(rng.choice(["midgap", "below", "above"]))
    if place == "midgap":
        return "midgap"
    energy = rng.uniform(0.1, 0.9) * gap
    return (
        {"below": "conduction", "depth": energy}
        if place == "below"
        else {"above": "valence", "height": energy}
    )


def _capture(rng: np.random.Generator) -> dict[str, float]:
    return {"electron_capture": _log(rng, 1e-19, 1e-12), "hole_capture": _log(rng, 1e-19, 1e-12)}


def _trap(rng: np.random.Generator, gap: float) -> dict[str, Any]:
    if rng.uniform() < 0.5:
        return {
            "level": _level(rng, gap),
            "electron_lifetime": _log(rng, 1e-11, 1e-4),
            "hole_lifetime": _log(rng, 1e-11, 1e-4),
        }
    charge = str(rng.choice(["donor", "acceptor", "neutral"]))
    return {"level": _level(rng, gap), "density": _log(rng, 1e19, 1e24), "charge": charge, **_capture(rng)}


def _face_trap(rng: np.random.Generator, gap: float) -> dict[str, Any]:
    if rng.uniform() < 0.6:
        velocities = {"electron_velocity": _log(rng, 1e-4, 1e5), "hole_velocity": _log(rng, 1e-4, 1e5)}
        return {"level": _level(rng, gap), **velocities}
    charge = str(rng.choice(["donor", "acceptor"]))
    return {"level": _level(rng, gap), "density": _log(rng, 1e13, 1e17), "charge": charge, **_capture(rng)}


def _ions(rng: np.random.Generator, response: Any) -> dict[str, Any]:
    def species(sign: int) -> dict[str, Any]:
        found: dict[str, Any] = {
            "density": _log(rng, 1e20, 1e26),
            "charge": sign,
            "diffusion_coefficient": 1e-14,
        }
        if rng.uniform() < 0.4:
            # a few to a few thousand times as many sites as ions
            found["site_density"] = found["density"] * _log(rng, 3.0, 3e3)
        return found

    first = int(rng.choice([-1, 1]))
    ions = {**species(first), "response": response}
    if rng.uniform() < 0.5:
        ions["second"] = species(-first)
    return ions


def _layer(
    rng: np.random.Generator, name: str, role: str, affinity: float, gap: float, statistics: str, **more: Any
) -> dict[str, Any]:
    doping = 0.0 if rng.uniform() < 0.25 else _log(rng, 1e19, 1e26)
    kind = {"htl": -1.0, "etl": 1.0}.get(name[:3], float(rng.choice([-1.0, 1.0])))
    if rng.uniform() < 0.05:
        kind = -kind
    found: dict[str, Any] = {
        "name": name,
        "role": role,
        "electronic": {
            "electron_affinity": affinity,
            "bandgap": gap,
            "conduction_dos": _log(rng, 1e23, 1e27),
            "valence_dos": _log(rng, 1e23, 1e27),
            "electron_mobility": _log(rng, 1e-12, 1.0),
            "hole_mobility": _log(rng, 1e-12, 1.0),
            "permittivity": rng.uniform(2.5, 60.0),
            "donor_density": max(kind * doping, 0.0),
            "acceptor_density": max(-kind * doping, 0.0),
            "statistics": statistics,
        },
        **more,
    }
    traps = [_trap(rng, gap) for _ in range(int(rng.integers(0, 4)))]
    if traps:
        found["trap"] = traps
    if rng.uniform() < 0.5:
        coefficient = _log(rng, 1e-18, 1e-14)
        found["recombination"] = {"radiative": {"kind": "coefficient", "coefficient": coefficient}}
    return found


def cell(seed: int) -> dict[str, Any]:
    """The random cell of one seed, as the plain data of a stack file."""
    rng = np.random.default_rng(seed)
    statistics = str(rng.choice(["boltzmann", "fermi-dirac"]))
    gap, affinity = rng.uniform(1.0, 2.2), rng.uniform(3.6, 4.3)
    absorbers = 1 + int(rng.uniform() < 0.3)
    others = int(rng.integers(3 - absorbers, 8 - absorbers))
    holes = max(1, others // 2 if rng.uniform() < 0.5 else others - others // 2) if others > 1 else others
    suns, temperature = _log(rng, 1e-4, 1e2), rng.uniform(150.0, 450.0)

    response: Any = "steady"
    if rng.uniform() < 0.5:
        response = {"kind": "frozen", "bias": rng.uniform(0.0, 1.0), "light": float(rng.choice([0.0, 1.0]))}
    film: list[dict[str, Any]] = []
    for number in range(absorbers):
        chi = affinity + (0.0 if number == 0 else rng.uniform(-0.1, 0.1))
        more = {"thickness": _log(rng, 30e-9, 3e-6), "bandgap": gap}
        if rng.uniform() < 0.6:
            more["ions"] = _ions(rng, response)
        film.append(_layer(rng, f"absorber{number + 1}", "absorber", chi, gap, statistics, **more))
    hole_side: list[dict[str, Any]] = []
    edge = affinity + gap
    for number in range(holes):
        wide = rng.uniform(1.4, 3.6)
        edge += rng.uniform(-0.8, 0.8) if number == 0 else rng.uniform(-0.5, 0.5)
        role = "htl" if number == 0 else "buffer"
        thickness = _log(rng, 1e-9, 400e-9)
        hole_side.append(
            _layer(rng, f"htl{number + 1}", role, edge - wide, wide, statistics, thickness=thickness)
        )
    electron_side: list[dict[str, Any]] = []
    chi = film[-1]["electronic"]["electron_affinity"]
    for number in range(others - holes):
        chi += rng.uniform(-0.8, 0.8) if number == 0 else rng.uniform(-0.5, 0.5)
        role = "etl" if number == 0 else "buffer"
        thickness = _log(rng, 1e-9, 400e-9)
        electron_side.append(
            _layer(rng, f"etl{number + 1}", role, chi, rng.uniform(1.4, 3.6), statistics, thickness=thickness)
        )
    layers = [*reversed(hole_side), *film, *electron_side]

    anode: dict[str, Any] = {"work_function": "flat-band"}
    cathode: dict[str, Any] = {"work_function": "flat-band"}
    if rng.uniform() < 0.6:
        outer, inner = layers[0]["electronic"], layers[-1]["electronic"]
        anode["work_function"] = outer["electron_affinity"] + outer["bandgap"] - rng.uniform(-0.1, 0.6)
        cathode["work_function"] = inner["electron_affinity"] + rng.uniform(-0.1, 0.6)
    for contact in (anode, cathode):
        for carrier in ("electron_velocity", "hole_velocity"):
            if rng.uniform() < 0.4:
                contact[carrier] = _log(rng, 1e-4, 1e5)

    inverted = bool(rng.integers(2))
    if not inverted:
        layers.reverse()
        anode, cathode = cathode, anode
    faces: dict[str, dict[str, Any]] = {}
    for left, right in zip(layers[:-1], layers[1:], strict=True):
        face: dict[str, Any] = {}
        narrow = min(left["electronic"]["bandgap"], right["electronic"]["bandgap"])
        if rng.uniform() < 0.3:
            face["dipole"] = rng.uniform(-0.5, 0.5)
        if rng.uniform() < 0.15:
            face["transport"] = "thermionic"
        else:
            traps = [_face_trap(rng, narrow) for _ in range(int(rng.integers(0, 3)))]
            if traps:
                face["trap"] = traps
        if face:
            faces[f"{left['name']}|{right['name']}"] = face
    circuit: dict[str, float] = {}
    if rng.uniform() < 0.5:
        circuit["series_resistance"] = _log(rng, 1e-6, 1e-3)
    if rng.uniform() < 0.5:
        circuit["shunt_resistance"] = _log(rng, 1e-5, 1e2)
    return {
        "name": f"wide-{seed}",
        "temperature": temperature,
        "light": {"intensity": suns, "generation": {"kind": "uniform", "rate": _log(rng, 1e26, 1e28)}},
        "layer": layers,
        "interface": faces,
        "contact": {"front": anode, "back": cathode},
        "circuit": circuit,
    }
