"""Elimination of a junction's steady equations, 3 x 3 a node, and of small dense systems."""

from __future__ import annotations

import numpy as np

from perotwin.compiled import compiled, inlined
from perotwin.transport import device as dv


@compiled
def eliminate(w, first, last, columns):
    """Block-tridiagonal elimination of nodes `first` to `last` - 1 in place; keeps what `substitute` needs for further
    right-hand sides.

    The carriers' pivots are sums of what a node can lose, to its neighbour ahead and by recombination and contacts
    behind, and never differences (Grassmann, Taksar and Heyman, doi:10.1287/opre.33.5.1107): a pocket of carriers
    that a barrier all but closes off keeps its small exchange, where the plain diagonal would lose it to rounding.
    """
    D, L, U, V, W, F = w.diag, w.lower, w.upper, w.inverse, w.elim, w.rhs
    # what electrons (holes) at the nodes so far can lose other than to the next node, and the last node's pivot parts
    loss_n, loss_p, kappa_n, kappa_p = 0.0, 0.0, 0.0, 0.0
    v1, v2 = 0.0, 0.0
    for i in range(first, last):
        a, b, c = D[i, dv.PSI_PSI], D[i, dv.PSI_FN], D[i, dv.PSI_FP]
        d, f = D[i, dv.FN_PSI], D[i, dv.FN_FP]
        g, h = D[i, dv.FP_PSI], D[i, dv.FP_FN]
        leak_n, leak_p = w.leak[i, 0], w.leak[i, 1]
        if i > first:
            l0 = L[i, dv.PSI]
            l1, l2 = L[i, dv.FN_BY_PSI], L[i, dv.FN_BY_FN]
            l3, l4 = L[i, dv.FP_BY_PSI], L[i, dv.FP_BY_FP]
            j = i - 1
            a -= l0 * W[j, 0]
            b -= l0 * W[j, 1]
            c -= l0 * W[j, 2]
            d -= l1 * W[j, 0] + l2 * W[j, 3]
            f -= l1 * W[j, 2] + l2 * W[j, 5]
            g -= l3 * W[j, 0] + l4 * W[j, 6]
            h -= l3 * W[j, 1] + l4 * W[j, 7]
            give, take = w.give[j, 0], w.take[j, 0]
            if w.leak[j, 0] == np.inf:
                leak_n += take
            else:
                leak_n += take * (loss_n / (loss_n + give)) + take * (l1 * v1 + l2 * kappa_n)
            give, take = w.give[j, 1], w.take[j, 1]
            if w.leak[j, 1] == np.inf:
                leak_p += take
            else:
                leak_p += take * (loss_p / (loss_p + give)) + take * (l3 * v2 + l4 * kappa_p)
        loss_n, loss_p = leak_n, leak_p
        e, k = 1.0, 1.0
        if w.leak[i, 0] != np.inf:
            e = -loss_n - (w.give[i, 0] if i < last - 1 else 0.0)
        if w.leak[i, 1] != np.inf:
            k = loss_p + (w.give[i, 1] if i < last - 1 else 0.0)
        # per pivot: their product may be beyond the least number where both carriers are rare
        e, k = 1.0 / e, 1.0 / k
        d, f, g, h = d * e, f * e, g * k, h * k
        ca, cb, cc = 1.0 - f * h, f * g - d, d * h - g
        r = 1.0 / (a * ca + b * cb + c * cc)
        # 1 / pivot differs from the inverse's diagonal by the coupling to the other two unknowns
        mixed = a * f * h - b * f * g - c * d * h
        kappa_n = (mixed + b * d) * r * e
        kappa_p = (mixed + c * g) * r * k
        v0, v1, v2 = ca * r, (c * h - b) * r * e, (b * f - c) * r * k
        v3, v4, v5 = cb * r, (a - c * g) * r * e, (c * d - a * f) * r * k
        v6, v7, v8 = cc * r, (b * g - a * h) * r * e, (a - b * d) * r * k
        V[i, 0], V[i, 1], V[i, 2] = v0, v1, v2
        V[i, 3], V[i, 4], V[i, 5] = v3, v4, v5
        V[i, 6], V[i, 7], V[i, 8] = v6, v7, v8
        u0 = U[i, dv.PSI]
        u1, u2 = U[i, dv.FN_BY_PSI], U[i, dv.FN_BY_FN]
        u3, u4 = U[i, dv.FP_BY_PSI], U[i, dv.FP_BY_FP]
        W[i, 0], W[i, 1], W[i, 2] = v0 * u0 + v1 * u1 + v2 * u3, v1 * u2, v2 * u4
        W[i, 3], W[i, 4], W[i, 5] = v3 * u0 + v4 * u1 + v5 * u3, v4 * u2, v5 * u4
        W[i, 6], W[i, 7], W[i, 8] = v6 * u0 + v7 * u1 + v8 * u3, v7 * u2, v8 * u4
        for q in range(columns):
            r0, r1, r2 = F[i, 0, q], F[i, 1, q], F[i, 2, q]
            if i > first:
                y0, y1, y2 = F[i - 1, 0, q], F[i - 1, 1, q], F[i - 1, 2, q]
                r0 -= L[i, dv.PSI] * y0
                r1 -= L[i, dv.FN_BY_PSI] * y0 + L[i, dv.FN_BY_FN] * y1
                r2 -= L[i, dv.FP_BY_PSI] * y0 + L[i, dv.FP_BY_FP] * y2
            F[i, 0, q] = v0 * r0 + v1 * r1 + v2 * r2
            F[i, 1, q] = v3 * r0 + v4 * r1 + v5 * r2
            F[i, 2, q] = v6 * r0 + v7 * r1 + v8 * r2
    back(W, F, first, last, columns)


@inlined
def back(W, F, first, last, columns):
    for i in range(last - 2, first - 1, -1):
        for q in range(columns):
            y0, y1, y2 = F[i + 1, 0, q], F[i + 1, 1, q], F[i + 1, 2, q]
            F[i, 0, q] -= W[i, 0] * y0 + W[i, 1] * y1 + W[i, 2] * y2
            F[i, 1, q] -= W[i, 3] * y0 + W[i, 4] * y1 + W[i, 5] * y2
            F[i, 2, q] -= W[i, 6] * y0 + W[i, 7] * y1 + W[i, 8] * y2


@compiled
def substitute(w, F, first, last, columns):
    """Solve for further right-hand sides F (N, 3, columns), in place, on the factors that `eliminate` left."""
    V, W, L = w.inverse, w.elim, w.lower
    for i in range(first, last):
        for q in range(columns):
            r0, r1, r2 = F[i, 0, q], F[i, 1, q], F[i, 2, q]
            if i > first:
                y0, y1, y2 = F[i - 1, 0, q], F[i - 1, 1, q], F[i - 1, 2, q]
                r0 -= L[i, dv.PSI] * y0
                r1 -= L[i, dv.FN_BY_PSI] * y0 + L[i, dv.FN_BY_FN] * y1
                r2 -= L[i, dv.FP_BY_PSI] * y0 + L[i, dv.FP_BY_FP] * y2
            F[i, 0, q] = V[i, 0] * r0 + V[i, 1] * r1 + V[i, 2] * r2
            F[i, 1, q] = V[i, 3] * r0 + V[i, 4] * r1 + V[i, 5] * r2
            F[i, 2, q] = V[i, 6] * r0 + V[i, 7] * r1 + V[i, 8] * r2
    back(W, F, first, last, columns)


@compiled
def solve_small(a, b):
    """Solve a small dense system in place by elimination with row pivoting; False if it is singular."""
    size = b.size
    for c in range(size):
        best = c
        for r in range(c + 1, size):
            if abs(a[r, c]) > abs(a[best, c]):
                best = r
        if not abs(a[best, c]) > 0.0 or not np.isfinite(a[best, c]):
            return False
        if best != c:
            for q in range(size):
                a[c, q], a[best, q] = a[best, q], a[c, q]
            b[c], b[best] = b[best], b[c]
        for r in range(c + 1, size):
            f = a[r, c] / a[c, c]
            for q in range(c, size):
                a[r, q] -= f * a[c, q]
            b[r] -= f * b[c]
    for c in range(size - 1, -1, -1):
        for q in range(c + 1, size):
            b[c] -= a[c, q] * b[q]
        b[c] /= a[c, c]
        if not np.isfinite(b[c]):
            return False
    return True


@compiled
def solve_small_columns(a, b):
    """The same for several right sides b (size, P)."""
    size = b.shape[0]
    for c in range(size):
        best = c
        for r in range(c + 1, size):
            if abs(a[r, c]) > abs(a[best, c]):
                best = r
        if not abs(a[best, c]) > 0.0 or not np.isfinite(a[best, c]):
            return False
        if best != c:
            for q in range(size):
                a[c, q], a[best, q] = a[best, q], a[c, q]
            for p in range(b.shape[1]):
                b[c, p], b[best, p] = b[best, p], b[c, p]
        for r in range(c + 1, size):
            f = a[r, c] / a[c, c]
            if f != 0.0:
                for q in range(c, size):
                    a[r, q] -= f * a[c, q]
                for p in range(b.shape[1]):
                    b[r, p] -= f * b[c, p]
    for c in range(size - 1, -1, -1):
        for p in range(b.shape[1]):
            for q in range(c + 1, size):
                b[c, p] -= a[c, q] * b[q, p]
            b[c, p] /= a[c, c]
    return True
