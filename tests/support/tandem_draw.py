"""The committed draw of random tandems. It is part of the specification: never changed to make a test pass.

Both junctions are cells of `robustness_draw`, of one polarity, the wider gap on top; what joins them is drawn too.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from robustness_draw import _log, cell

FIRST_SEED = 20_261_100


def tandem(seed: int) -> dict[str, Any]:
    """The random tandem of one seed, as the plain data of a tandem's file."""
    rng = np.random.default_rng(seed)
    one = cell(int(rng.integers(1 << 30)))
    other = cell(int(rng.integers(1 << 30)))
    while _first(other)[0] != _first(one)[0]:
        other = cell(int(rng.integers(1 << 30)))
    top, bottom = sorted((one, other), key=_gap, reverse=True)
    kind = str(rng.choice(["ideal", "resistive", "traps"], p=[0.4, 0.4, 0.2]))
    junction: dict[str, Any] = {"kind": kind}
    if kind == "resistive":
        junction["resistance"] = _log(rng, 1e-6, 1e-3)
    if kind == "traps":
        junction |= {"electron_velocity": _log(rng, 1e-2, 1e3), "hole_velocity": _log(rng, 1e-2, 1e3)}
    light = top["light"]
    for data in (top, bottom):
        del data["name"], data["light"]
    top["layer"], bottom["layer"] = top["layer"][:-1], bottom["layer"][2:]
    for layer in (*top["layer"], *bottom["layer"]):
        # a junction behind another may get less light than a table's end costs
        layer["extrapolate"] = True
    return {"name": f"tandem-{seed}", "light": light, "top": top, "junction": junction, "bottom": bottom}


def _first(data: dict[str, Any]) -> str:
    """Name of the first electrical layer: "htl1", "etl1", ..."""
    return str(data["layer"][2]["name"])


def _gap(data: dict[str, Any]) -> float:
    return float(next(layer["bandgap"] for layer in data["layer"] if layer["role"] == "absorber"))
