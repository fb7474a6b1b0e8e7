"""GFN2-xTB energies, forces and dipoles of molecules in the gas phase (tblite; extra `perotwin[mol]`).

Method: C. Bannwarth, S. Ehlert, S. Grimme, J. Chem. Theory Comput. 15, 1652 (2019), doi:10.1021/acs.jctc.8b01176.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError, PerotwinError
from perotwin.recipe.optional_packages import load, one_thread

__all__ = ["BOHR", "HARTREE", "Point", "relax", "single_point"]

#: bohr (m), hartree (eV) and e bohr (C m): CODATA 2018
BOHR = 5.29177210903e-11
HARTREE = 27.211386245988
_ATOMIC_DIPOLE = 8.4783536255e-30

#: largest force component (hartree/bohr) at which a geometry counts as relaxed: chains are then a few meV above their
#: minimum, a fifth of kT; and steps until one gives up
_FORCE = 3e-4
_STEPS = 400
#: stiffness (hartree/bohr^2) by the bonds between two atoms, and of every atom: only the speed depends on it
_STIFFNESS = {1: 0.5, 2: 0.1, 3: 0.02}
_FLOOR = 0.02


@dataclass(frozen=True)
class Point:
    """One geometry: positions (m), shape (atoms, 3), total energy (eV), dipole (C m, towards the positive end)."""

    positions: NDArray[np.float64]
    energy: float
    dipole: NDArray[np.float64]


def single_point(
    numbers: Sequence[int] | NDArray[np.int64], positions: NDArray[np.float64], *, charge: int = 0
) -> Point:
    """Energy and dipole of a geometry as it is.

    Raises
    ------
    InputError : a charged species, whose dipole depends on the origin.
    PerotwinError : tblite is not installed, or the charges do not converge.
    """
    calculator = _calculator(numbers, positions, charge)
    with one_thread():
        return _point(positions, _run(calculator, None))


def relax(
    numbers: Sequence[int] | NDArray[np.int64],
    positions: NDArray[np.float64],
    bonds: NDArray[np.int64],
    *,
    charge: int = 0,
) -> Point:
    """The nearest minimum of the energy.

    L-BFGS in coordinates scaled by a model Hessian of springs between atoms one to three bonds apart, after D. Packwood
    et al., J. Chem. Phys. 144, 164109 (2016), doi:10.1063/1.4947024: fewer steps than in plain ones.

    Parameters
    ----------
    bonds : pairs of atoms, shape (bonds, 2).

    Raises
    ------
    InputError, PerotwinError : as `single_point`; or no minimum within 400 evaluations.
    """
    from scipy.optimize import minimize

    calculator = _calculator(numbers, positions, charge)
    start = positions.ravel() / BOHR
    scale = _scaling(start.reshape(-1, 3), bonds)
    last: Any = None

    def energy(scaled: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        nonlocal last
        calculator.update((start + scale @ scaled).reshape(-1, 3))
        last = _run(calculator, last)
        force = np.asarray(last.get("gradient")).ravel()
        if np.abs(force).max() < _FORCE:
            raise _Settled(start + scale @ scaled)
        return float(last.get("energy")), scale.T @ force

    settings = {"gtol": 0.0, "ftol": 0.0, "maxiter": _STEPS, "maxfun": _STEPS, "maxcor": 30}
    with one_thread():
        try:
            minimize(energy, np.zeros(len(start)), jac=True, method="L-BFGS-B", options=settings)
        except _Settled as settled:
            return _point(settled.coordinates.reshape(-1, 3) * BOHR, last)
    raise PerotwinError(
        f"the geometry does not settle in {_STEPS} steps of GFN2-xTB.",
        "Check that the SMILES is one stable molecule.",
    )


class _Settled(Exception):
    """The forces are small: carries the coordinates out of the minimiser, which knows only its scaled ones."""

    def __init__(self, coordinates: NDArray[np.float64]) -> None:
        super().__init__()
        self.coordinates = coordinates


def _scaling(positions: NDArray[np.float64], bonds: NDArray[np.int64]) -> NDArray[np.float64]:
    """The matrix from scaled to true displacements, shape (3 atoms, 3 atoms)."""
    count = len(positions)
    bonded = np.zeros((count, count), bool)
    bonded[bonds[:, 0], bonds[:, 1]] = bonded[bonds[:, 1], bonds[:, 0]] = True
    near = np.eye(count, dtype=bool)
    hessian = np.zeros((count, 3, count, 3))
    for stiffness in _STIFFNESS.values():
        farther = (near @ bonded) & ~near
        for i, j in np.argwhere(np.triu(farther, 1)):
            along = positions[i] - positions[j]
            spring = stiffness * np.outer(along, along) / (along @ along)
            for a, b, sign in ((i, i, 1), (j, j, 1), (i, j, -1), (j, i, -1)):
                hessian[a, :, b, :] += sign * spring
        near |= farther
    stiff, modes = np.linalg.eigh(hessian.reshape(3 * count, 3 * count) + _FLOOR * np.eye(3 * count))
    return np.asarray(modes / np.sqrt(stiff))


def _calculator(numbers: Any, positions: NDArray[np.float64], charge: int) -> Any:
    if charge:
        raise InputError(
            f"a species of charge {charge:+d} has no dipole of its own: the number depends on the origin.",
            "Give the neutral molecule (an acid with its proton, an amine without one).",
        )
    with one_thread():
        interface = load("tblite.interface", "mol", "A GFN2-xTB energy or dipole")
        calculator = interface.Calculator("GFN2-xTB", np.asarray(numbers), np.asarray(positions) / BOHR)
        calculator.set("verbosity", 0)
    return calculator


def _run(calculator: Any, start: Any) -> Any:
    try:
        return calculator.singlepoint(start)
    except RuntimeError as error:
        raise PerotwinError(
            f"GFN2-xTB does not converge ({str(error).strip() or 'no reason given'}).",
            "Check that the SMILES is one stable molecule with a closed shell.",
        ) from None


def _point(positions: NDArray[np.float64], result: Any) -> Point:
    return Point(
        positions=np.asarray(positions, float),
        energy=float(result.get("energy")) * HARTREE,
        dipole=np.asarray(result.get("dipole")) * _ATOMIC_DIPOLE,
    )
