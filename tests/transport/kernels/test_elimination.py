"""The elimination of a junction's equations against dense ones, and in exact arithmetic where barriers close."""

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest

from coarse import coarse
from jacobians import BESIDE, disturbed
from perotwin.transport import device as dv
from perotwin.transport.device import Device, State, Work, make_work
from perotwin.transport.kernels.assemble import assemble
from perotwin.transport.kernels.contacts import bias_column
from perotwin.transport.kernels.elimination import eliminate, substitute

Dense = list[list[Fraction]]


def loaded(device: Device, state: State, generation: np.ndarray) -> tuple[Work, np.ndarray]:
    """Scratch memory with the equations of a state, and right-hand sides (N, 3, 2) of its voltage and of more light."""
    work = make_work(device, 2)
    assemble(device, work, state, generation, np.zeros(device.volume.size))
    more = np.zeros((device.x.size, 3, 2))
    bias_column(device, work, state, 0, more, np.int64(0))
    free = np.isfinite(work.leak)
    more[:, 1:, 1] = -np.where(free, 1e24, 0.0)
    work.rhs[:, :, 1] = more[:, :, 0]
    return work, more


def dense(work: Work) -> Dense:
    """The equations, whose pivots are the sums that they stand for."""
    nodes = work.diag.shape[0]
    found = [[Fraction(0)] * (3 * nodes) for _ in range(3 * nodes)]
    for i in range(nodes):
        for r, c in product(range(3), range(3)):
            found[3 * i + r][3 * i + c] = Fraction(float(work.diag[i, 3 * r + c]))
        for (r, c), column in BESIDE.items():
            if i > 0:
                found[3 * i + r][3 * i - 3 + c] = Fraction(float(work.lower[i, column]))
            if i < nodes - 1:
                found[3 * i + r][3 * i + 3 + c] = Fraction(float(work.upper[i, column]))
        for carrier, sign in ((0, -1), (1, 1)):
            row = 3 * i + 1 + carrier
            if not np.isfinite(work.leak[i, carrier]):
                found[row][row] = Fraction(1)
                continue
            # recombination as the other carrier's row has it, and as this one's own where that one is held
            pair = Fraction(float(work.leak[i, carrier]))
            if np.isfinite(work.leak[i, 1 - carrier]):
                across = work.diag[i, dv.FP_FN] if carrier == 0 else work.diag[i, dv.FN_FP]
                pair = Fraction(abs(float(across))) + Fraction(float(work.lost[i, dv.N_BY_LEVEL + carrier]))
            if i > 0:
                pair += Fraction(float(work.take[i - 1, carrier]))
            if i < nodes - 1:
                pair += Fraction(float(work.give[i, carrier]))
            found[row][row] = sign * pair
    # of the potential's columns the current's balances add up to what is lost
    for i in range(1, nodes - 1):
        column = 3 * i
        others = sum(
            (found[3 * k + 1][column] - found[3 * k + 2][column] for k in (i - 1, i + 1)), Fraction(0)
        )
        for k, end in ((i - 1, 0), (i + 1, nodes - 1)):
            if k == end:
                for carrier, sign in ((0, 1), (1, -1)):
                    if not np.isfinite(work.leak[k, carrier]):
                        others += sign * Fraction(float(work.beside[k, carrier]))
        # the larger of the two has the rounding
        own = others + Fraction(float(work.lost[i, dv.N_BY_PSI])) + Fraction(float(work.lost[i, dv.P_BY_PSI]))
        if abs(work.diag[i, dv.FN_PSI]) > abs(work.diag[i, dv.FP_PSI]):
            found[column + 1][column] = found[column + 2][column] - own
        else:
            found[column + 2][column] = found[column + 1][column] + own
    return found


def solved(matrix: Dense, right: list[list[Fraction]]) -> np.ndarray:
    """(3 N, Q) the exact solution, by elimination within the band."""
    size, width = len(matrix), 6
    rows = [list(a) + list(b) for a, b in zip(matrix, right, strict=True)]
    for c in range(size):
        best = next(r for r in range(c, min(size, c + width)) if rows[r][c] != 0)
        rows[c], rows[best] = rows[best], rows[c]
        for r in range(c + 1, min(size, c + width)):
            if rows[r][c] != 0:
                factor = rows[r][c] / rows[c][c]
                for q in [*range(c, min(size, c + 2 * width)), *range(size, len(rows[c]))]:
                    rows[r][q] -= factor * rows[c][q]
    out = [[Fraction(0)] * len(right[0]) for _ in range(size)]
    for r in range(size - 1, -1, -1):
        for q in range(len(right[0])):
            total = rows[r][size + q]
            for c in range(r + 1, min(size, r + 2 * width)):
                total -= rows[r][c] * out[c][q]
            out[r][q] = total / rows[r][r]
    return np.array([[float(value) for value in row] for row in out])


def held(device: Device, ends: tuple[bool, bool, bool, bool]) -> Device:
    """With contacts that hold electrons and holes, front and back, or let them pass with the velocities they have."""
    contact = device.contact.copy()
    for (row, column), fixed in zip(product((0, 1), (dv.C_SN, dv.C_SP)), ends, strict=True):
        if fixed:
            contact[row, column] = -1.0
    return device._replace(contact=contact)
