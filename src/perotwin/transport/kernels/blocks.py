"""Elimination of the equations with ions in motion, up to any number of unknowns a node, real or complex."""

from __future__ import annotations

import numpy as np

from perotwin.compiled import compiled, inlined


@inlined
def _eliminate(b, first, last, columns, size):
    V, W, F = b.inverse, b.elim, b.rhs
    A = np.zeros_like(b.diag[0])
    loss = np.zeros_like(b.leak[0])
    kappa = np.zeros_like(b.leak[0])
    for i in range(first, last):
        j = i - 1
        for r in range(size):
            for c in range(size):
                A[r, c] = b.diag[i, r, c]
        if i > first:
            lo = b.lower_own[i, 0]
            for c in range(size):
                A[0, c] -= lo * W[j, 0, c]
            for r in range(1, size):
                lp, lo = b.lower_psi[i, r], b.lower_own[i, r]
                for c in range(size):
                    if c != r:
                        A[r, c] -= lp * W[j, 0, c] + lo * W[j, r, c]
        for r in range(1, size):
            leak = b.leak[i, r]
            held = leak == np.inf
            # electrons' and ions' rows have negative diagonals, the holes' a positive one
            sign = 1.0 if r == 2 else -1.0
            if i > first and not held:
                give, take = b.give[j, r], b.take[j, r]
                if b.leak[j, r] == np.inf:
                    leak += take
                else:
                    coupling = b.lower_psi[i, r] * V[j, 0, r] + b.lower_own[i, r] * kappa[r]
                    leak += take * (loss[r] / (loss[r] + give)) + take * coupling
            loss[r] = leak
            if held:
                A[r, r] = 1.0
            else:
                ahead = b.give[i, r] if i < last - 1 else 0.0 * b.give[i, r]
                A[r, r] = sign * (leak + ahead)
        # the block's inverse by Gauss and Jordan, carriers and ions first, the potential last: their pivots never
        # vanish, whatever the scale of their rows, so that no rows are exchanged
        for r in range(size):
            for c in range(size):
                V[i, r, c] = A[r, c]
        for step in range(size):
            c = (step + 1) % size
            pivot = 1.0 / V[i, c, c]
            V[i, c, c] = 1.0
            for q in range(size):
                V[i, c, q] *= pivot
            for r in range(size):
                if r != c:
                    f = V[i, r, c]
                    V[i, r, c] = 0.0
                    for q in range(size):
                        V[i, r, q] -= f * V[i, c, q]
        for r in range(1, size):
            rest = 0.0 * A[0, 0]
            for c in range(size):
                if c != r:
                    rest += A[r, c] * V[i, c, r]
            # V[r, r] - 1 / A[r, r] without a difference
            kappa[r] = -rest / A[r, r]
        for r in range(size):
            total = V[i, r, 0] * b.upper_own[i, 0]
            for c in range(1, size):
                total += V[i, r, c] * b.upper_psi[i, c]
            W[i, r, 0] = total
            for c in range(1, size):
                W[i, r, c] = V[i, r, c] * b.upper_own[i, c]
    _substitute(b, F, first, last, columns, size)


@inlined
def _substitute(b, F, first, last, columns, size):
    V, W = b.inverse, b.elim
    y = np.zeros_like(b.leak[0])
    for i in range(first, last):
        for q in range(columns):
            for r in range(size):
                y[r] = F[i, r, q]
            if i > first:
                p = F[i - 1, 0, q]
                y[0] -= b.lower_own[i, 0] * p
                for r in range(1, size):
                    y[r] -= b.lower_psi[i, r] * p + b.lower_own[i, r] * F[i - 1, r, q]
            for r in range(size):
                total = 0.0 * y[0]
                for c in range(size):
                    total += V[i, r, c] * y[c]
                F[i, r, q] = total
    for i in range(last - 2, first - 1, -1):
        for q in range(columns):
            for r in range(size):
                total = 0.0 * y[0]
                for c in range(size):
                    total += W[i, r, c] * F[i + 1, c, q]
                y[r] = total
            for r in range(size):
                F[i, r, q] -= y[r]


@compiled
def eliminate_blocks(dev, b, d, columns):
    """Block-tridiagonal elimination of junction d, as `elimination.eliminate`."""
    size = b.size[d]
    first, last = dev.node_start[d], dev.node_start[d + 1]
    # the usual sizes are known to the compiler, which then unrolls the loops over a block
    if size == 3:
        _eliminate(b, first, last, columns, 3)
    elif size == 4:
        _eliminate(b, first, last, columns, 4)
    elif size == 5:
        _eliminate(b, first, last, columns, 5)
    else:
        _eliminate(b, first, last, columns, size)


@compiled
def substitute_blocks(dev, b, d, F, columns):
    """Solve for right-hand sides F (N, B, columns) of junction d, in place, on the factors of `eliminate_blocks`."""
    size = b.size[d]
    first, last = dev.node_start[d], dev.node_start[d + 1]
    if size == 4:
        _substitute(b, F, first, last, columns, 4)
    else:
        _substitute(b, F, first, last, columns, size)
