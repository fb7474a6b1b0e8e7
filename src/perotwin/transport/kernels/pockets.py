"""Elimination of a junction's steady equations where barriers all but close off a film: slower than
`elimination.eliminate`, and right to the last digits of what passes them.

A pocket may hold both carriers, and recombination in it does not empty it. Then beside the balance of each carrier
that of the current is eliminated, in which no recombination stands: electrons and holes are one network, whose nodes
are the two levels, and what passes is lost at the contacts only. Pivots are sums of what a level loses, and never
differences (Grassmann, Taksar and Heyman, doi:10.1287/opre.33.5.1107).

What is lost is known in two ways. With s the rows of electrons, of holes (with the other sign) or of both, A the block
of a node, L that of the next node's rows, U that of its columns, and W = A^-1 U, the entries of each column add up to
the loss: lambda = -(s A + s L), also after nodes are eliminated with their potentials. It passes on to the next node
as -lambda W, or as s U + s L W, whichever cancels less; and balances likewise.
"""

from __future__ import annotations

import numpy as np

from perotwin.compiled import compiled, inlined
from perotwin.transport import device as dv
from perotwin.transport.kernels.elimination import back

#: up to this part of recombination that a carrier can else be lost by, the current's balance is solved for
_PAIRED = 0.01
#: how often a step is refined at most, and the part of it below which what is left counts no more
_REFINEMENTS, _REFINED = 4, 1e-8
# of numpy's type: numba would compile what takes a literal once more
_ONE = np.int64(1)


@inlined
def balance(gone, behind, ahead):
    """gone + behind - ahead, rounded once (T. J. Dekker, doi:10.1007/BF01397083): of fluxes that pass a node, which
    may be twenty orders above what is left over, neither carrier may keep a rounding that the other has not.
    """
    passed = behind - ahead
    part = passed - behind
    lost = (behind - (passed - part)) - (ahead + part)
    total = gone + passed
    part = total - gone
    return total + (((gone - (total - part)) + (passed - part)) + lost)


@compiled
def eliminate_pockets(w, first, last, columns):
    """Block-tridiagonal elimination of nodes `first` to `last` - 1 in place, as `elimination.eliminate`. The current's
    balance of the first column is that of the currents themselves; the column is solved for again with what its own
    rounding leaves of the linear equations, as long as that helps (iterative refinement, C. B. Moler,
    doi:10.1145/321386.321394). `w.across` and `w.gone` are those of the linear equations behind the step then.
    """
    F = w.rhs
    y, charge = np.empty((last - first, 3)), np.empty(last - first)
    for i in range(first, last):
        charge[i - first] = F[i, 0, 0]
    _eliminate(w, first, last, columns)
    size = _largest(F, first, last)
    for i in range(first, last):
        for r in range(3):
            y[i - first, r] = F[i, r, 0]
    # a first step may be off by all of itself
    before = 2.0 * size
    for _ in range(_REFINEMENTS):
        _leave(w, first, last, charge)
        _eliminate(w, first, last, _ONE)
        change = _largest(F, first, last)
        if not change < before:
            break
        for i in range(first, last):
            for r in range(3):
                y[i - first, r] += F[i, r, 0]
        if change < _REFINED * size:
            break
        before = change
    for i in range(first, last):
        for r in range(3):
            F[i, r, 0] = y[i - first, r]


@inlined
def _largest(F, first, last):
    """Largest change of an unknown in the first column; NaN where one is not a number."""
    most, total = 0.0, 0.0
    for i in range(first, last):
        for r in range(3):
            most = max(most, abs(F[i, r, 0]))
            total += abs(F[i, r, 0])
    return most if np.isfinite(total) else np.nan


@compiled
def _leave(w, first, last, charge):
    """Put what the step F[:, :, 0] leaves of the linear equations in its place: of Poisson's, whose rows were `charge`
    (N,), by itself; of the carriers' as what passes the edges and is lost at the nodes.
    """
    D, L, U, F = w.diag, w.lower, w.upper, w.rhs
    behind = 0.0
    for i in range(first, last):
        y0, y1, y2 = F[i, 0, 0], F[i, 1, 0], F[i, 2, 0]
        lost = w.lost[i]
        # recombination takes as much of both, to the last digit
        pairs = lost[dv.PAIRS_BY_PSI] * y0
        if w.leak[i, 0] != np.inf:
            pairs += (w.leak[i, 0] - lost[dv.N_BY_LEVEL]) * y1
        if w.leak[i, 1] != np.inf:
            pairs -= (w.leak[i, 1] - lost[dv.P_BY_LEVEL]) * y2
        gone_n = lost[dv.N_BY_PSI] * y0 + lost[dv.N_BY_LEVEL] * y1
        gone_p = lost[dv.P_BY_PSI] * y0 + lost[dv.P_BY_LEVEL] * y2
        w.gone[i, 0] += pairs + gone_n
        w.gone[i, 1] += pairs - gone_p
        w.gone[i, 2] += gone_n + gone_p
        ahead = 0.0
        if i < last - 1:
            j = i + 1
            ahead = F[j, 0, 0]
            here_n, here_p = L[j, dv.FN_BY_PSI], L[j, dv.FP_BY_PSI]
            there_n, there_p = U[i, dv.FN_BY_PSI], U[i, dv.FP_BY_PSI]
            # beside a level that is held, whose row is its own
            if j == last - 1:
                here_n += w.beside[j, 0]
                here_p += w.beside[j, 1]
            if i == first:
                there_n += w.beside[i, 0]
                there_p += w.beside[i, 1]
            w.across[i, 0] += (there_n * ahead - here_n * y0) + (
                w.take[i, 0] * F[j, 1, 0] - w.give[i, 0] * y1
            )
            w.across[i, 1] += (there_p * ahead - here_p * y0) + (
                w.give[i, 1] * y2 - w.take[i, 1] * F[j, 2, 0]
            )
        charge[i - first] -= D[i, dv.PSI_PSI] * y0 + D[i, dv.PSI_FN] * y1 + D[i, dv.PSI_FP] * y2
        charge[i - first] -= L[i, dv.PSI] * behind + U[i, dv.PSI] * ahead
        behind = y0
        F[i, 0, 0], F[i, 1, 0], F[i, 2, 0] = charge[i - first], 0.0, 0.0


@compiled
def _eliminate(w, first, last, columns):
    """One solution of what `eliminate_pockets` solves for."""
    D, L, U, P, W, F = w.diag, w.lower, w.upper, w.pivot, w.elim, w.rhs
    # lost behind: electrons by the potential and their level, holes by theirs, and the current by all three
    behind_n0, behind_nn, behind_p0, behind_pp = 0.0, 0.0, 0.0, 0.0
    behind_0, behind_n, behind_p = 0.0, 0.0, 0.0
    # of the balances of electrons, holes and the current, what does not pass over the edge ahead; and the unknowns of
    # the last node
    rest_n, rest_p, rest, y0, y1, y2 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    terms_n, terms_p, size_n, size_p = np.inf, np.inf, 0.0, 0.0
    for i in range(first, last):
        a, b, c = D[i, dv.PSI_PSI], D[i, dv.PSI_FN], D[i, dv.PSI_FP]
        d, f = D[i, dv.FN_PSI], D[i, dv.FN_FP]
        g, h = D[i, dv.FP_PSI], D[i, dv.FP_FN]
        loss_n, loss_p = w.leak[i, 0], w.leak[i, 1]
        held_n, held_p = loss_n == np.inf, loss_p == np.inf
        loss_n0, loss_p0, pairs_0 = w.lost[i, dv.N_BY_PSI], w.lost[i, dv.P_BY_PSI], w.lost[i, dv.PAIRS_BY_PSI]
        lost_0, lost_n, lost_p = loss_n0 + loss_p0, w.lost[i, dv.N_BY_LEVEL], w.lost[i, dv.P_BY_LEVEL]
        loss_n0 += pairs_0
        loss_p0 -= pairs_0
        r0, r1, r2 = F[i, 0, 0], F[i, 1, 0], F[i, 2, 0]
        if not held_n:
            # of what passes both edges, less its rounding: that is more than what leaves a pocket
            r1 = balance(
                w.gone[i, 0],
                w.across[i - 1, 0] if i > first else 0.0,
                w.across[i, 0] if i < last - 1 else 0.0,
            )
        if not held_p:
            r2 = balance(
                w.gone[i, 1],
                w.across[i - 1, 1] if i > first else 0.0,
                w.across[i, 1] if i < last - 1 else 0.0,
            )
        if i > first:
            j = i - 1
            l0 = L[i, dv.PSI]
            l1, l2 = L[i, dv.FN_BY_PSI], L[i, dv.FN_BY_FN]
            l3, l4 = L[i, dv.FP_BY_PSI], L[i, dv.FP_BY_FP]
            w00, w01, w02 = W[j, 0], W[j, 1], W[j, 2]
            a -= l0 * w00
            b -= l0 * w01
            c -= l0 * w02
            d -= l1 * w00 + l2 * W[j, 3]
            f -= l1 * w02 + l2 * W[j, 5]
            g -= l3 * w00 + l4 * W[j, 6]
            h -= l3 * w01 + l4 * W[j, 7]
            loss_n0 += behind_n0
            loss_n += behind_nn
            loss_p0 += behind_p0
            loss_p += behind_pp
            lost_0 += behind_0
            lost_n += behind_n
            lost_p += behind_p
            r0 -= l0 * y0
            size_n, size_p = abs(r1) + abs(l1 * y0) + abs(l2 * y1), abs(r2) + abs(l3 * y0) + abs(l4 * y2)
            r1 -= l1 * y0 + l2 * y1
            r2 -= l3 * y0 + l4 * y2
        give_n, give_p, take_n, take_p = 0.0, 0.0, 0.0, 0.0
        ahead_n0, ahead_p0, flux_n, flux_p = 0.0, 0.0, 0.0, 0.0
        if i < last - 1:
            give_n, give_p, flux_n, flux_p = w.give[i, 0], w.give[i, 1], w.across[i, 0], w.across[i, 1]
            take_n, take_p = w.take[i, 0], w.take[i, 1]
            ahead_n0, ahead_p0 = L[i + 1, dv.FN_BY_PSI], L[i + 1, dv.FP_BY_PSI]
            if i == last - 2:
                # in front of a level that is held, whose row is its own
                ahead_n0 += w.beside[last - 1, 0]
                ahead_p0 += w.beside[last - 1, 1]
        ahead_0 = ahead_n0 - ahead_p0
        u0 = U[i, dv.PSI]
        u1, u2 = U[i, dv.FN_BY_PSI], U[i, dv.FN_BY_FN]
        u3, u4 = U[i, dv.FP_BY_PSI], U[i, dv.FP_BY_FP]
        across = flux_n - flux_p
        rest += w.gone[i, 2]
        # each carrier's balance in that of both forms whose terms are the smaller ones
        rest_n += w.gone[i, 0]
        rest_p += w.gone[i, 1]
        other = terms_n + abs(rest_n) + abs(flux_n)
        if not held_n and other < size_n:
            r1 = rest_n - flux_n
        elif size_n + abs(flux_n) < terms_n or held_n:
            rest_n, terms_n = r1 + flux_n, size_n + abs(flux_n)
        other = terms_p + abs(rest_p) + abs(flux_p)
        if not held_p and other < size_p:
            r2 = rest_p - flux_p
        elif size_p + abs(flux_p) < terms_p or held_p:
            rest_p, terms_p = r2 + flux_p, size_p + abs(flux_p)
        # levels at a given potential: z_n = -(of_n r_n + of_j t_n), z_p = op_p r_p - op_j t_p, with t_n = -r_p and
        # t_p = r_n; or with the current's balance in their places
        x_n, x_p, total_n, total_p = -h, f, loss_n + give_n, loss_p + give_p
        pairs_n, pairs_p = 0.0, 0.0
        t_n, s_n, tn0, tn1 = -g, -r2, -u3, 0.0
        t_p, s_p, tp0, tp2 = d, r1, u1, 0.0
        if held_n or held_p:
            of_n, of_j, op_p, op_j = -1.0, 0.0, 1.0, 0.0
            if not held_n:
                of_n, of_j = 1.0 / total_n, f / total_n
            if not held_p:
                op_p, op_j = 1.0 / total_p, h / total_p
        else:
            free_n, free_p = total_n - x_n, total_p - x_p
            own_n, own_p = total_n, total_p
            # holes that all but always meet electrons tell nothing of these, and the other way round
            if abs(free_p) < _PAIRED * x_p:
                free_p = lost_p + give_p
                loss_p, total_p, own_p = x_p + lost_p, x_p + free_p, free_p
                pairs_p, t_n, s_n, tn0, tn1 = 1.0, -ahead_0 - lost_0, rest - across, u1 - u3, u2
            if abs(free_n) < _PAIRED * x_n:
                free_n = lost_n + give_n
                loss_n, total_n, own_n = x_n + lost_n, x_n + free_n, free_n
                pairs_n, t_p, s_p, tp0, tp2 = 1.0, -ahead_0 - lost_0, rest - across, u1 - u3, -u4
            by_n = 1.0 / total_n
            # in two forms again: what holes follow by the potential may be far more than they lose
            met = x_p * (x_n * by_n)
            left = x_p * (free_n * by_n)
            by_p = free_p + left
            if abs(total_p) + abs(met) < abs(free_p) + abs(left):
                by_p = total_p - met
            by_p = 1.0 / by_p
            of_n, op_p = own_p * by_p * by_n, own_n * by_n * by_p
            of_j, op_j = x_p * by_p * by_n, x_n * by_n * by_p
        follow_n, follow_p = -(of_n * d + of_j * t_n), op_p * g - op_j * t_p
        r = 1.0 / (a - b * follow_n - c * follow_p)
        rb, rc = r * b, r * c
        zn0, zp0 = -(of_n * u1 + of_j * tn0), op_p * u3 - op_j * tp0
        zn1, zp1 = -(of_n * u2 + of_j * tn1), -op_j * u2
        zn2, zp2 = of_j * u4, op_p * u4 - op_j * tp2
        w00 = r * u0 - rb * zn0 - rc * zp0
        w01 = -rb * zn1 - rc * zp1
        w02 = -rb * zn2 - rc * zp2
        w10, w11, w12 = zn0 - follow_n * w00, zn1 - follow_n * w01, zn2 - follow_n * w02
        w20, w21, w22 = zp0 - follow_p * w00, zp1 - follow_p * w01, zp2 - follow_p * w02
        W[i, 0], W[i, 1], W[i, 2] = w00, w01, w02
        W[i, 3], W[i, 4], W[i, 5] = w10, w11, w12
        W[i, 6], W[i, 7], W[i, 8] = w20, w21, w22
        if held_n or held_p:
            # the first node, whose potential is given
            kept = False
            behind_n0, behind_nn, behind_p0, behind_pp = 0.0, 0.0, 0.0, 0.0
            behind_0, behind_n, behind_p = 0.0, 0.0, 0.0
            if held_n:
                behind_n0, behind_nn = w.beside[i, 0], take_n
                behind_0, behind_n = behind_n0, take_n
            else:
                behind_n0, behind_nn = -loss_n * zn0, take_n * (loss_n * of_n)
                behind_0, behind_n, behind_p = behind_n0, behind_nn, -loss_n * zn2
            if held_p:
                behind_p0, behind_pp = -w.beside[i, 1], take_p
                behind_0 += behind_p0
                behind_p += take_p
            else:
                behind_p0, behind_pp = -loss_p * zp0, take_p * (loss_p * op_p)
                behind_0 += behind_p0
                behind_n -= loss_p * zp1
                behind_p += behind_pp
        else:
            # each loss by the potential in two forms, which cancel where the terms of the other are the smaller ones
            give_fn, give_fp = give_n * follow_n, give_p * follow_p
            lose_fn, lose_fp = loss_n * follow_n, loss_p * follow_p
            left_n0 = give_fn - ahead_n0
            if abs(loss_n0) + abs(lose_fn) + abs(x_p * follow_p) < abs(ahead_n0) + abs(give_fn):
                left_n0 = loss_n0 - lose_fn + x_p * follow_p
            left_p0 = give_fp + ahead_p0
            if abs(loss_p0) + abs(lose_fp) + abs(x_n * follow_n) < abs(ahead_p0) + abs(give_fp):
                left_p0 = loss_p0 - lose_fp + x_n * follow_n
            left_0 = give_fn + give_fp - ahead_0
            if abs(lost_0) + abs(lost_n * follow_n) + abs(lost_p * follow_p) < (
                abs(ahead_0) + abs(give_fn) + abs(give_fp)
            ):
                left_0 = lost_0 - lost_n * follow_n - lost_p * follow_p
            both = (x_n * by_n) * (x_p * by_p)
            from_n, from_p = (loss_n * by_n) * (total_p * by_p), loss_p * by_p
            pass_n, pass_p = from_n - both, from_p - both
            if from_n - both < _PAIRED * both:
                pass_n = (x_n * by_n) * (free_p * by_p) + (lost_n * by_n) * (total_p * by_p)
            if from_p - both < _PAIRED * both:
                pass_p = (x_p * by_p) * (free_n * by_n) + lost_p * by_p
            behind_n0 = -(loss_n * zn0 - x_p * zp0 + left_n0 * w00)
            behind_nn = take_n * pass_n - left_n0 * w01
            behind_p0 = -(loss_p * zp0 - x_n * zn0 + left_p0 * w00)
            behind_pp = take_p * pass_p - left_p0 * w02
            behind_0 = -(lost_n * zn0 + lost_p * zp0 + left_0 * w00)
            behind_n = -(lost_n * zn1 + lost_p * zp1 + left_0 * w01)
            behind_p = -(lost_n * zn2 + lost_p * zp2 + left_0 * w02)
            kept = abs(lost_n) + abs(lost_p) < give_n + give_p
        # what is left of the current's balance: all but what is lost, or what passes ahead
        last_0, last_n, last_p = -ahead_0, -give_n, -give_p
        if kept:
            last_0, last_n, last_p = lost_0, lost_n, lost_p
        P[i, dv.FN_BY_N], P[i, dv.FN_BY_J], P[i, dv.FP_BY_P], P[i, dv.FP_BY_J] = of_n, of_j, op_p, op_j
        P[i, dv.FN_FOLLOWS], P[i, dv.FP_FOLLOWS] = follow_n, follow_p
        P[i, dv.PSI_BY], P[i, dv.PSI_BY_FN], P[i, dv.PSI_BY_FP] = r, rb, rc
        P[i, dv.PAIRS_N], P[i, dv.PAIRS_P], P[i, dv.KEPT] = pairs_n, pairs_p, 1.0 if kept else 0.0
        P[i, dv.LEFT_BY_PSI], P[i, dv.LEFT_BY_FN], P[i, dv.LEFT_BY_FP] = last_0, last_n, last_p
        z_n, z_p = -(of_n * r1 + of_j * s_n), op_p * r2 - op_j * s_p
        y0 = r * r0 - rb * z_n - rc * z_p
        y1, y2 = z_n - follow_n * y0, z_p - follow_p * y0
        F[i, 0, 0], F[i, 1, 0], F[i, 2, 0] = y0, y1, y2
        if held_n or held_p:
            terms_n, terms_p = np.inf, np.inf
        else:
            terms_n += abs(rest_n) + abs(loss_n0 * y0) + abs(loss_n * y1) + abs(x_p * y2)
            terms_p += abs(rest_p) + abs(loss_p0 * y0) + abs(loss_p * y2) + abs(x_n * y1)
            rest_n += loss_n0 * y0 + loss_n * y1 - x_p * y2
            rest_p -= loss_p0 * y0 + loss_p * y2 - x_n * y1
        # the current over the edge ahead cancels without a difference
        rest = (rest if kept else across) + last_0 * y0 + last_n * y1 + last_p * y2
    for q in range(1, columns):
        _forward(w, F, first, last, q)
    back(W, F, first, last, columns)


@inlined
def _forward(w, F, first, last, q):
    L, P = w.lower, w.pivot
    left, y0, y1, y2 = 0.0, 0.0, 0.0, 0.0
    for i in range(first, last):
        r0, r1, r2 = F[i, 0, q], F[i, 1, q], F[i, 2, q]
        current = r1 - r2 + left
        if i > first:
            r0 -= L[i, dv.PSI] * y0
            r1 -= L[i, dv.FN_BY_PSI] * y0 + L[i, dv.FN_BY_FN] * y1
            r2 -= L[i, dv.FP_BY_PSI] * y0 + L[i, dv.FP_BY_FP] * y2
        s_n = -r2 if P[i, dv.PAIRS_P] == 0.0 else current
        s_p = r1 if P[i, dv.PAIRS_N] == 0.0 else current
        z_n = -(P[i, dv.FN_BY_N] * r1 + P[i, dv.FN_BY_J] * s_n)
        z_p = P[i, dv.FP_BY_P] * r2 - P[i, dv.FP_BY_J] * s_p
        y0 = P[i, dv.PSI_BY] * r0 - P[i, dv.PSI_BY_FN] * z_n - P[i, dv.PSI_BY_FP] * z_p
        y1, y2 = z_n - P[i, dv.FN_FOLLOWS] * y0, z_p - P[i, dv.FP_FOLLOWS] * y0
        F[i, 0, q], F[i, 1, q], F[i, 2, q] = y0, y1, y2
        left = P[i, dv.KEPT] * current
        left += P[i, dv.LEFT_BY_PSI] * y0 + P[i, dv.LEFT_BY_FN] * y1 + P[i, dv.LEFT_BY_FP] * y2
