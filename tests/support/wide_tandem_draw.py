"""The committed wide draw of random tandems. It is part of the specification: never changed to make a test pass.

Both junctions are cells of `wide_draw`, of one polarity, the wider gap on top; what joins them, the suns that each gets
and the temperature are drawn too. In half of them optics say where the light goes, and the junctions' absorbers, in
detailed balance, light one another; in the other half each gets prescribed generation, or none.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from robustness_draw import ETL_MATERIALS, HTL_MATERIALS
from wide_draw import _log, cell

#: first seed of the draw; tandem number i has seed FIRST_SEED + i
FIRST_SEED = 20_261_200
#: gaps (eV) that the optical model of the absorber covers
_LOWEST, _HIGHEST = 1.2, 1.9


def tandem(seed: int) -> dict[str, Any]:
    """The random tandem of one seed, as the plain data of a tandem's file."""
    rng = np.random.default_rng(seed)
    optics = bool(rng.uniform() < 0.5)
    first = _drawn(rng, optics)
    other = _drawn(rng, optics)
    while _first(other)[:3] != _first(first)[:3]:
        other = _drawn(rng, optics)
    top, bottom = sorted((first, other), key=_gap, reverse=True)
    temperature, light = rng.uniform(150.0, 450.0), {"intensity": _log(rng, 1e-4, 1e2)}
    if not optics:
        light["generation"] = top["light"]["generation"]
    for data in (top, bottom):
        for key in ("name", "light", "temperature"):
            del data[key]
        # how many of the whole's suns this one gets
        data["light"] = {"intensity": 0.0 if rng.uniform() < 0.05 else _log(rng, 0.2, 5.0)}
    joint = _joint(rng, top["layer"][-1]["electronic"])
    if joint["kind"] == "traps" and "metal" not in joint:
        # within one mesh a shunt has no node to end on
        for data in (top, bottom):
            data["circuit"].pop("shunt_resistance", None)
    if optics:
        _with_optics(rng, top["layer"], bottom["layer"])
    return {
        "name": f"wide-tandem-{seed}",
        "temperature": temperature,
        "light": light,
        "top": top,
        "junction": joint,
        "bottom": bottom,
    }


def _drawn(rng: np.random.Generator, optics: bool) -> dict[str, Any]:
    """A cell of the wide draw; with optics one whose absorber they know."""
    while True:
        found = cell(int(rng.integers(1 << 30)))
        if not optics or _LOWEST <= _gap(found) <= _HIGHEST:
            return found


def _joint(rng: np.random.Generator, last: dict[str, Any]) -> dict[str, Any]:
    """What joins the junctions; `last`: electronic parameters of the top junction's last layer."""
    kind = str(rng.choice(["ideal", "resistive", "traps"], p=[0.35, 0.3, 0.35]))
    joint: dict[str, Any] = {"kind": kind}
    if kind == "resistive":
        joint["resistance"] = _log(rng, 1e-7, 1e-3)
    if kind == "traps":
        joint |= {"electron_velocity": _log(rng, 1e-3, 1e5), "hole_velocity": _log(rng, 1e-3, 1e5)}
        if rng.uniform() < 0.5:
            joint["metal"] = {"work_function": last["electron_affinity"] + rng.uniform(-0.1, last["bandgap"])}
    return joint


def _with_optics(rng: np.random.Generator, top: list[dict[str, Any]], bottom: list[dict[str, Any]]) -> None:
    """Materials, glass and a front electrode before the top's layers, a metal behind the bottom's."""
    for layer in (*top, *bottom):
        # a junction behind another may get less light than a table's end costs
        layer["extrapolate"] = True
        if layer["role"] == "absorber":
            layer["material"] = "halide-perovskite"
            # in detailed balance, which is what optics give where nothing is stated
            layer.pop("recombination", None)
        else:
            known = HTL_MATERIALS if layer["name"].startswith("htl") else ETL_MATERIALS
            layer["material"] = str(rng.choice(known))
    top[:0] = [
        {"name": "glass", "role": "substrate", "material": "glass", "thickness": 1.1e-3, "extrapolate": True},
        {"name": "ito", "role": "electrode", "material": "ito", "thickness": 120e-9, "extrapolate": True},
    ]
    bottom.append(
        {"name": "metal", "role": "electrode", "material": "ag", "thickness": 100e-9, "extrapolate": True}
    )


def _first(data: dict[str, Any]) -> str:
    """Name of the first electrical layer: "htl2", "etl1", ..."""
    return str(data["layer"][0]["name"])


def _gap(data: dict[str, Any]) -> float:
    return float(next(layer["bandgap"] for layer in data["layer"] if layer["role"] == "absorber"))
