"""The committed draw of random circuits. It is part of the specification: never changed to make a test pass.

`circuit(seed)` gives one to three junctions in series, each of one to three columns, with all that may be about them:
resistors, shunts, ions that re-equilibrate or are frozen, light of any part in any other, a junction in the dark,
photocurrents that match to 1e-4, reverse bias. Everything is log-uniform over its range unless it is an energy or a
fraction, which is uniform. Meshes are coarse: what is tested is the circuit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from devices import cell, layer, selective
from perotwin.stack import Stack
from perotwin.transport.build import Group, Problem
from perotwin.transport.circuit import Circuit, Column, Light
from perotwin.transport.junction import Junction, build_junction

#: first seed of the draw; circuit number i has seed FIRST_SEED + i
FIRST_SEED = 20_260_900
#: of the meshes
DENSITY = 5.0
NAMES = ("top", "middle", "bottom")


@dataclass(frozen=True)
class Drawn:
    """A circuit and how far it is driven backwards (V)."""

    problem: Problem
    reverse: float
    traits: frozenset[str]


def _log(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _ions(rng: np.random.Generator) -> dict[str, Any] | None:
    kind = str(rng.choice(["none", "steady", "frozen"], p=[0.4, 0.3, 0.3]))
    if kind == "none":
        return None
    response: dict[str, Any] = {"kind": kind}
    if kind == "frozen":
        response |= {"bias": float(rng.choice([0.0, 0.5])), "light": float(rng.choice([0.0, 1.0]))}
    ions: dict[str, Any] = {"density": _log(rng, 1e21, 1e24), "response": response}
    if rng.uniform() < 0.3:
        ions["site_density"] = _log(rng, 1e25, 1e27)
    return ions


def _resistances(rng: np.random.Generator) -> dict[str, float]:
    found = {}
    if rng.uniform() < 0.6:
        found["series_resistance"] = _log(rng, 1e-6, 1e-3)
    if rng.uniform() < 0.5:
        found["shunt_resistance"] = _log(rng, 1e-2, 1e2)
    return found


def stack(rng: np.random.Generator, gap: float, inverted: bool, rate: float) -> Stack:
    """A column: transport layers about an absorber of a gap (eV) under a rate (m^-3 s^-1); inverted: p-i-n."""
    statistics = str(rng.choice(["boltzmann", "fermi-dirac"]))
    chi = rng.uniform(3.7, 4.1)
    wide = rng.uniform(2.2, 3.2)
    transport: dict[str, Any] = {"nc": 1e26, "nv": 1e26, "eps": 5.0, "statistics": statistics}
    htl = layer(
        "htl", _log(rng, 10e-9, 60e-9), role="htl", affinity=chi + gap + rng.uniform(-0.15, 0.1) - wide, gap=wide,
        doping=-_log(rng, 1e22, 5e24), mobility=_log(rng, 1e-8, 1e-5), **transport,
    )  # fmt: skip
    etl = layer(
        "etl", _log(rng, 10e-9, 60e-9), role="etl", affinity=chi + rng.uniform(-0.1, 0.15), gap=wide,
        doping=_log(rng, 1e22, 5e24), mobility=_log(rng, 1e-8, 1e-5), **transport,
    )  # fmt: skip
    absorber = layer(
        "absorber", _log(rng, 150e-9, 800e-9), affinity=chi, gap=gap, nc=_log(rng, 1e24, 1e25),
        nv=_log(rng, 1e24, 1e25), mobility=(_log(rng, 1e-5, 1e-3), _log(rng, 1e-5, 1e-3)), eps=rng.uniform(6, 25),
        doping=_log(rng, 1e19, 1e22) * float(rng.choice([-1.0, 1.0])), statistics=statistics,
        radiative=_log(rng, 1e-17, 1e-15), ions=_ions(rng),
        trap=[{"electron_lifetime": _log(rng, 1e-9, 1e-5), "hole_lifetime": _log(rng, 1e-9, 1e-5)}],
    )  # fmt: skip
    layers = [htl, absorber, etl]
    anode: Any = "flat-band" if rng.uniform() < 0.7 else selective("flat-band", takes="holes")
    cathode: Any = "flat-band" if rng.uniform() < 0.7 else selective("flat-band", takes="electrons")
    ends = (anode, cathode)
    if not inverted:
        layers.reverse()
        ends = (cathode, anode)
    first, second, third = (one["name"] for one in layers)
    faces = {}
    for key in (f"{first}|{second}", f"{second}|{third}"):
        if rng.uniform() < 0.5:
            faces[key] = {
                "trap": [{"electron_velocity": _log(rng, 1e-2, 1e3), "hole_velocity": _log(rng, 1e-2, 1e3)}]
            }
    return cell(*layers, front=ends[0], back=ends[1], faces=faces, rate=rate, circuit=_resistances(rng))


def _relit(part: Junction, current: float) -> Junction:
    """A junction in which light makes another current (A m^-2)."""
    made = part.generation
    return replace(part, generation=made * (current / part.photocurrent))


def _lights(rng: np.random.Generator, parts: list[Junction], areas: list[float]) -> list[Light]:
    """Light between some pairs of parts; what an emitter gives away stays under what it radiates."""
    found = []
    for emitter in range(len(parts)):
        left = rng.uniform(0.1, 0.9)
        for receiver in rng.permutation(len(parts)).tolist():
            if receiver == emitter or rng.uniform() < 0.4:
                continue
            given = left * rng.uniform(0.2, 0.8)
            left -= given
            # in the absorber alone, most of it where it comes in
            device = parts[receiver].device
            here = device.site_layer == 1
            depth = np.cumsum(device.volume * here)
            profile = device.volume * here * np.exp(-3.0 * rng.uniform() * depth / depth[-1])
            share = given * areas[emitter] / areas[receiver]
            found.append(Light(emitter, 1, receiver, share, profile / profile.sum()))
    return found


def circuit(seed: int) -> Drawn:
    """The random circuit of one seed."""
    rng = np.random.default_rng(seed)
    junctions = int(rng.integers(1, 4))
    inverted = bool(rng.integers(2))
    suns = _log(rng, 0.1, 3.0)
    matched = junctions > 1 and rng.uniform() < 0.25
    dark = int(rng.integers(junctions)) if junctions > 1 and rng.uniform() < 0.25 else None
    reverse = rng.uniform(1.0, 3.0) if rng.uniform() < 0.25 else 0.2
    gaps = sorted((rng.uniform(1.1, 2.0) for _ in range(junctions)), reverse=True)
    parts: list[Junction] = []
    names: list[str] = []
    groups: list[Group] = []
    columns: list[tuple[Column, ...]] = []
    for number, gap in enumerate(gaps):
        name = NAMES[number] if junctions > 1 else ""
        count = int(rng.choice([1, 2, 3], p=[0.5, 0.3, 0.2]))
        shares = rng.uniform(0.1, 1.0, count)
        shares = shares / shares.sum()
        photo = 150.0 * suns * (1.0 + 1e-4 * number if matched else _log(rng, 0.7, 1.4))
        of_columns = rng.uniform(0.9, 1.1, count)
        of_columns *= photo / float(shares @ of_columns)
        here: list[Column] = []
        for column in range(count):
            made = stack(rng, gap + rng.uniform(-0.03, 0.03), inverted, 1e27)
            part = _relit(build_junction(made, density=DENSITY), float(of_columns[column]))
            if number == dark:
                part = _relit(part, 0.0)
            shunt = made.circuit.shunt_resistance
            here.append(
                Column(
                    float(shares[column]),
                    float(made.circuit.series_resistance),
                    None if shunt is None else float(shunt),
                )
            )
            parts.append(part)
            names.append(".".join(filter(None, (name, f"c{column}" if count > 1 else ""))))
        groups.append(Group(name, tuple(range(len(parts) - count, len(parts)))))
        columns.append(tuple(here))
    areas = [column.area for group in columns for column in group]
    lights = _lights(rng, parts, areas) if len(parts) > 1 and rng.uniform() < 0.5 else []
    told = {
        "matched": matched, "dark": dark is not None, "reverse": reverse > 0.2, "light": bool(lights),
        "columns": len(parts) > junctions, "series": junctions > 1,
        "frozen": any(part.mobile is not None for part in parts),
        "ions": any(part.device.ion.shape[0] > 0 for part in parts),
    }  # fmt: skip
    traits = {name for name, true in told.items() if true}
    problem = Problem(
        stack=parts[0].stack,
        parts=tuple(parts),
        names=tuple(names),
        groups=tuple(groups),
        circuit=Circuit(tuple(columns)),
        lights=tuple(lights),
    )
    return Drawn(problem, reverse, frozenset(traits))
