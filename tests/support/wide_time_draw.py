"""The committed wide draws of scans in time and of impedance spectra. They are part of the specification: never changed
to make a test pass.

The cells are those of `wide_draw`, of a scan such as have ions. `scan(seed)` and `spectrum(seed)` give one cell as
plain data and what is done to it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wide_draw import _log, cell

#: first seeds of the draws; number i has the first seed + i
FIRST_SCAN, FIRST_SPECTRUM = 20_261_300, 20_261_400


def scan(seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The random cell with mobile ions of one seed, and the scan's protocol (numbers in SI)."""
    rng = np.random.default_rng(seed)
    while True:
        data = cell(int(rng.integers(1 << 30)))
        layers = [layer for layer in data["layer"] if "ions" in layer]
        if layers:
            break
    for layer in layers:
        for ions in (layer["ions"], layer["ions"].get("second")):
            if ions is not None:
                ions["diffusion_coefficient"] = _log(rng, 1e-18, 1e-12)
    protocol: dict[str, Any] = {
        "step": 0.02,
        "directions": ["reverse", "forward"] if rng.uniform() < 0.5 else ["forward", "reverse"],
        "rate": _log(rng, 1e-3, 1e3),
    }
    if rng.uniform() < 0.5:
        protocol["preconditioning"] = (rng.uniform(-0.5, 1.5), _log(rng, 1e-3, 1e3))
    return data, protocol


def spectrum(seed: int) -> tuple[dict[str, Any], float]:
    """The random cell of one seed, lit or dark, and its bias: a part of its open circuit, in the dark V."""
    rng = np.random.default_rng(seed)
    data = cell(int(rng.integers(1 << 30)))
    dark = bool(rng.uniform() < 0.25)
    data["light"]["intensity"] = 0.0 if dark else _log(rng, 1e-4, 1.0)
    part = float(rng.choice([0.0, 1.0, rng.uniform()]))
    return data, part
