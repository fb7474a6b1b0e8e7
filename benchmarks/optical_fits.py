"""How the coefficients of fitted materials come about: each is fitted again to its table, and both are printed.

    python benchmarks/optical_fits.py [MATERIAL]...

Tables that no package ships are read from the folder that the environment variable PEROTWIN_OPTICAL_TABLES names;
materials whose table is not at hand are named and left out. Starts are drawn from a fixed seed, so that the same table
gives the same coefficients; another minimum of the same depth is possible with other starts.
"""

from __future__ import annotations

import sys

import numpy as np
from scipy.optimize import least_squares

from perotwin import materials
from perotwin.materials import HC, DielectricFunction, Drude, TaucLorentz
from perotwin.materials.library import entry

#: Starts of the search, evaluations of each, and the weight of k against n (k is smaller, and light hangs on it).
STARTS, EVALUATIONS, WEIGHT = 8, 300, 2.0

#: Largest and smallest amplitude, line energy and broadening (eV).
AMPLITUDE, LINE, BROADENING = (0.01, 400.0), (0.5, 9.0), (0.02, 4.0)


def function(numbers: np.ndarray, terms: int, drude: bool) -> DielectricFunction:
    """The dielectric function of a gap, a constant, (amplitude, centre, broadening) of each term and a Drude term."""
    gap, constant = numbers[:2]
    rows = numbers[2 : 2 + 3 * terms].reshape(terms, 3)
    # the closed form needs a broadening below twice the line's energy
    lines = tuple(TaucLorentz(a, centre, min(c, 1.95 * centre), gap) for a, centre, c in rows)
    return DielectricFunction(constant, lines, Drude(*numbers[-2:]) if drude else None)


def index(numbers: np.ndarray, terms: int, drude: bool, energy: np.ndarray) -> np.ndarray:
    """n + i k at photon energies (E,), eV."""
    root = np.sqrt(function(numbers, terms, drude)(energy))
    return root.real + 1j * np.abs(root.imag)


def fitted(wavelength: np.ndarray, table: np.ndarray, terms: int, drude: bool, gap: float) -> np.ndarray:
    """The numbers of the best of some searches.

    wavelength : (P,), m. table : (P,), n + i k. gap : eV, about which the gap is looked for.
    """
    energy = HC / wavelength
    low = [0.8 * gap, 1.0] + [AMPLITUDE[0], LINE[0], BROADENING[0]] * terms + [0.01, 0.02] * drude
    high = [1.1 * gap, 4.5] + [AMPLITUDE[1], LINE[1], BROADENING[1]] * terms + [3.0, 1.5] * drude
    draw = np.random.default_rng(1)
    best = None

    def off(numbers: np.ndarray) -> np.ndarray:
        found = index(numbers, terms, drude, energy) - table
        return np.concatenate([found.real, WEIGHT * found.imag])

    for _ in range(STARTS):
        lines = np.sort(draw.uniform(0.9 * gap, 6.5, terms))
        each = [number for line in lines for number in (draw.uniform(2, 40), line, draw.uniform(0.2, 1.5))]
        start = np.clip(
            [gap, draw.uniform(1, 2.5), *each, *[0.5, 0.1] * drude], np.add(low, 1e-6), np.add(high, -1e-6)
        )
        found = least_squares(
            off, start, bounds=(low, high), x_scale=np.maximum(start, 0.1), max_nfev=EVALUATIONS
        )
        best = found if best is None or found.cost < best.cost else best
    assert best is not None
    return best.x


def main(names: list[str]) -> None:
    for name in names or [one.name for one in materials.descriptions() if one.model == "fit"]:
        one, source = materials.describe(name), materials.source_points(name)
        if source is None or one.fitted is None:
            print(f"{name}: its table is not at hand")
            continue
        model = entry(name)["model"]
        inside = (source.wavelength >= one.fitted[0]) & (source.wavelength <= one.fitted[1])
        wavelength, table = source.wavelength[inside], source.index[inside]
        terms, drude = len(model["oscillators"]), "drude" in model
        numbers = fitted(wavelength, table, terms, drude, model["gap"])
        off = index(numbers, terms, drude, HC / wavelength) - table
        print(
            f"{name}: rms {np.sqrt(np.mean(off.real**2)):.4f} in n, {np.sqrt(np.mean(off.imag**2)):.4f} in k; "
            f"the library has {one.rms_n:.4f}, {one.rms_k:.4f}"
        )
        print(f"    gap {numbers[0]:.4f} ({model['gap']}), eps_inf {numbers[1]:.4f} ({model['eps_inf']})")
        for row, known in zip(
            numbers[2 : 2 + 3 * terms].reshape(terms, 3), model["oscillators"], strict=True
        ):
            print(f"    {np.round(row, 4).tolist()} ({known})")
        if drude:
            print(f"    drude {np.round(numbers[-2:], 4).tolist()} ({model['drude']})")


if __name__ == "__main__":
    main(sys.argv[1:])
