"""The committed draw of strange optical stacks. It is part of the specification: never changed to make a test pass.

`cell(seed)` gives one stack as plain data (SI and eV) whose light is hard to follow: absorbers from nanometres to
millimetres, gaps far above and far below the light's energies, several absorbers, periods of thin films, thick layers
with and without phase, rough faces, light from either side, metals that let next to nothing through. The electrical
numbers are those of a plain cell: only the optics is drawn. Half of the absorbers have a table of their own, with k
from 3 down to 1e-12.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

#: first seed of the draw; stack number i has seed FIRST_SEED + i
FIRST_SEED = 20_261_500
THIN = ("ito", "tio2", "sno2", "c60", "niox", "pedot-pss", "mgf2", "lif", "izo")
METALS = ("ag", "au", "cu")


def _log(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _table(rng: np.random.Generator, path: Path) -> None:
    """Optical constants of an absorber, 280 nm to 4 um: strong, weak or next to none, falling over many decades."""
    lam = np.linspace(280.0, 4000.0, 373)
    n = rng.uniform(1.3, 4.5) + rng.uniform(0.0, 0.5) * (500.0 / lam) ** 2
    steep = float(rng.uniform(0.0, 12.0))
    k = _log(rng, 1e-6, 3.0) * (280.0 / lam) ** steep
    np.savetxt(
        path, np.column_stack([lam, n, np.maximum(k, 1e-12)]), delimiter=",", header="wl,n,k", comments=""
    )


def _absorber(rng: np.random.Generator, name: str, folder: Path, seed: int) -> dict[str, Any]:
    halide = bool(rng.uniform() < 0.5)
    gap = rng.uniform(1.2, 1.9) if halide else _log(rng, 0.5, 3.2)
    found: dict[str, Any] = {
        "name": name,
        "role": "absorber",
        "thickness": _log(rng, 2e-9, 300e-6) if rng.uniform() < 0.6 else _log(rng, 2e-9, 1e-6),
        "bandgap": gap,
        "urbach_energy": rng.uniform(0.008, 0.05),
        "extrapolate": True,
        "electronic": {
            "electron_affinity": 3.9,
            "bandgap": gap,
            "conduction_dos": 2e24,
            "valence_dos": 2e24,
            "electron_mobility": 1e-4,
            "hole_mobility": 1e-4,
            "permittivity": 20.0,
        },
    }
    if halide:
        found["material"] = "halide-perovskite"
    else:
        path = folder / f"absorber-{seed}-{name}.csv"
        _table(rng, path)
        found["material"] = {"path": str(path)}
    if rng.uniform() < 0.25:
        found["coherent"] = bool(rng.uniform() < 0.5)
    return found


def _film(rng: np.random.Generator, name: str, electrical: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": name,
        "role": "buffer" if electrical else "electrode",
        "material": str(rng.choice(THIN)),
        "thickness": _log(rng, 0.5e-9, 1e-6),
        "extrapolate": True,
    }
    if electrical:
        found["electronic"] = {
            "electron_affinity": 3.5,
            "bandgap": 3.4,
            "conduction_dos": 1e26,
            "valence_dos": 1e26,
            "electron_mobility": 1e-6,
            "hole_mobility": 1e-6,
            "permittivity": 10.0,
        }
    return found


def cell(seed: int, folder: Path) -> dict[str, Any]:
    """The strange stack of one seed, as the plain data of a stack file; its tables are written to `folder`."""
    rng = np.random.default_rng(seed)
    front: list[dict[str, Any]] = []
    if rng.uniform() < 0.7:
        front.append(
            {
                "name": "glass",
                "role": "substrate",
                "material": str(rng.choice(["glass", "glass-low-iron"])),
                "thickness": _log(rng, 1e-6, 5e-3),
                "extrapolate": True,
                "coherent": bool(rng.uniform() < 0.2),
            }
        )
    if rng.uniform() < 0.25:  # a mirror of many periods
        pair = rng.choice(THIN, 2, replace=False)
        for number in range(2 * int(rng.integers(3, 20))):
            thickness = _log(rng, 5e-9, 200e-9)
            front.append(
                {
                    "name": f"mirror{number + 1}",
                    "role": "electrode",
                    "material": str(pair[number % 2]),
                    "thickness": thickness,
                    "extrapolate": True,
                }
            )
    else:
        front.append(_film(rng, "tco", False))
    electrical: list[dict[str, Any]] = []
    for number in range(int(rng.integers(1, 5))):
        electrical += [_film(rng, f"film{number + 1}-{i + 1}", True) for i in range(int(rng.integers(0, 3)))]
        electrical.append(_absorber(rng, f"absorber{number + 1}", folder, seed))
    electrical += [_film(rng, f"last{i + 1}", True) for i in range(int(rng.integers(0, 3)))]
    back: list[dict[str, Any]] = []
    if rng.uniform() < 0.75:
        back.append(
            {
                "name": "metal",
                "role": "electrode",
                "material": str(rng.choice(METALS)),
                "thickness": _log(rng, 2e-9, 20e-6),
                "extrapolate": True,
            }
        )
    layers = [*front, *electrical, *back]
    faces = {
        f"{a['name']}|{b['name']}": {"roughness": _log(rng, 0.1e-9, 60e-9)}
        for a, b in pairwise(layers)
        if rng.uniform() < 0.2
    }
    return {
        "name": f"optics-{seed}",
        "temperature": rng.uniform(150.0, 400.0),
        "light": {"intensity": _log(rng, 1e-4, 1e2), "side": str(rng.choice(["front", "back"]))},
        "layer": layers,
        "interface": faces,
        "contact": {"front": {"work_function": "flat-band"}, "back": {"work_function": "flat-band"}},
    }
