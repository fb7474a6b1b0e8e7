"""Dipoles by density-functional theory on a given geometry (PySCF; extra `perotwin[dft]`).

B3LYP: P. J. Stephens et al., J. Phys. Chem. 98, 11623 (1994), doi:10.1021/j100096a001. PySCF: Q. Sun et al.,
J. Chem. Phys. 153, 024109 (2020), doi:10.1063/5.0006074. Two-electron integrals by density fitting, which moves these
dipoles by less than 0.01 D.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError, PerotwinError
from perotwin.recipe.optional_packages import load

__all__ = ["BASIS", "dipole", "method"]

#: the basis that is used unless another is asked for
BASIS = "6-31G**"
_DEBYE = 1e-21 / 299792458


def method(basis: str = BASIS) -> str:
    """How the number is named in tables."""
    return f"B3LYP/{basis} on the GFN2-xTB geometry"


def dipole(
    numbers: Sequence[int] | NDArray[np.int64],
    positions: NDArray[np.float64],
    *,
    basis: str = BASIS,
    charge: int = 0,
) -> NDArray[np.float64]:
    """The dipole (C m, towards the positive end) of a neutral closed-shell molecule in the gas phase.

    Raises
    ------
    InputError : a charged species, whose dipole depends on the origin; a basis that PySCF does not know.
    PerotwinError : PySCF is not installed, or the field does not converge.
    """
    if charge:
        raise InputError(
            f"a species of charge {charge:+d} has no dipole of its own: the number depends on the origin.",
            "Give the neutral molecule (an acid with its proton, an amine without one).",
        )
    gto = load("pyscf.gto", "dft", "A B3LYP dipole")
    dft = load("pyscf.dft", "dft", "A B3LYP dipole")
    lib = load("pyscf.lib", "dft", "A B3LYP dipole")
    atoms = [(int(number), tuple(place)) for number, place in zip(numbers, positions * 1e10, strict=True)]
    try:
        molecule = gto.M(atom=atoms, basis=basis, unit="Angstrom", verbose=0)
    except (KeyError, RuntimeError, ValueError) as error:
        raise InputError(
            f'PySCF has no basis "{basis}" for these atoms ({error}).', 'Use "6-31G**".'
        ) from None
    threads = lib.num_threads()
    try:
        lib.num_threads(1)
        field = dft.RKS(molecule, xc="b3lyp").density_fit()
        field.kernel()
        if not field.converged:
            raise PerotwinError("the B3LYP field does not converge.", "Use the GFN2-xTB dipole.")
        return np.asarray(field.dip_moment(unit="Debye", verbose=0)) * _DEBYE
    finally:
        lib.num_threads(threads)
