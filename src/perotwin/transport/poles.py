"""Poles of a function that is known at points: rational approximation by the AAA algorithm.

Y. Nakatsukasa, O. Sete, L. N. Trefethen, SIAM J. Sci. Comput. 40, A1494 (2018), doi:10.1137/16M1106122.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["poles"]

C128 = NDArray[np.complex128]

#: largest departure from the values, as a part of the largest of them, and most terms
_TOLERANCE, _TERMS = 1e-11, 24


def poles(points: C128, values: C128) -> tuple[C128, C128]:
    """Poles of the simplest rational function through values at points, and the residues there.

    Args:
        points: (W,) where the function is known, of like size. values: (W,) finite, not all zero.

    Returns:
        (P,), (P,): poles and residues, in no order.
    """
    from scipy.linalg import eigvals

    left = np.ones(points.size, dtype=bool)
    near = np.full(values.size, values.mean())
    support: list[int] = []
    weights = np.ones(1, dtype=complex)
    for _ in range(min(_TERMS, points.size // 2)):
        worst = int(np.argmax(np.where(left, np.abs(values - near), -1.0)))
        support.append(worst)
        left[worst] = False
        z, f = points[support], values[support]
        cauchy = 1.0 / (points[left, None] - z)
        loewner = (values[left, None] - f) * cauchy
        weights = np.linalg.svd(loewner, full_matrices=loewner.shape[0] < len(support))[2][-1].conj()
        near = values.copy()
        near[left] = (cauchy @ (weights * f)) / (cauchy @ weights)
        if np.abs(values - near).max() <= _TOLERANCE * np.abs(values).max():
            break
    z, f = points[support], values[support]
    count = z.size
    scale = float(np.abs(z).max())
    arrow, unit = np.zeros((count + 1, count + 1), dtype=complex), np.eye(count + 1, dtype=complex)
    arrow[0, 1:], arrow[1:, 0] = weights, 1.0
    arrow[1:, 1:], unit[0, 0] = np.diag(z / scale), 0.0
    found = eigvals(arrow, unit)
    found = scale * found[np.isfinite(found)]
    apart = found[:, None] - z
    # the residue of a quotient: its numerator over the slope of its denominator
    with np.errstate(divide="ignore", invalid="ignore"):
        residues = ((1.0 / apart) @ (weights * f)) / (-(1.0 / apart**2) @ weights)
    good = np.isfinite(residues)
    return found[good], residues[good]
