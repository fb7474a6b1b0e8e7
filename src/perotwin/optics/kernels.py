"""Compiled functions of emission: what a stack of flat slices does with rays of many angles and energies.

The same physics as `transfer_matrix.solve`, which keeps the waves inside every film for its depth profiles. Here only
powers are asked for, of some hundred slices for some thousand rays, so that a film is its characteristic matrix
(F. Abeles, Ann. Phys. 12, 596 (1950), doi:10.1051/anphys/195012050596), and the admittance that a wave sees is carried
from the last face to the first. The matrix holds even functions of the normal wave number only, so that a slice much
thinner than the wavelength costs neither a root nor an exponential; a thick film's has its growth taken out, so that
nothing can overflow. Thick layers join runs of films by intensities (S. J. Byrnes, arXiv:1603.02720).

What a film absorbs is the power through its first face less that through its last. With U1 = c U2 + b V2 and
V1 = d U2 + c V2, and c c - b d = 1 used to take out what cancels, that is

    (d'c' + d''c'') |U2|^2 + (c'b' + c''b'') |V2|^2 + 2 (c''c'' + b'd') Re(V2 U2*) + (d''b' - d'b'') Im(V2 U2*)

(' real, '' imaginary): each term is small by itself where nothing absorbs, so that the weakest absorption is exact.

Slices are numbered in the order of the stack, 0 to S - 1, media 0 to S + 1 with the half-spaces. A ray is one energy,
transverse index and polarisation; `U` is the tangential electric field of s light and the magnetic one of p light, `V`
the other one, and the admittance is V / U. Fields go as exp(i q x - i w t), n + i k with k >= 0.
"""

from __future__ import annotations

import math

import numpy as np

from perotwin.compiled import compiled as _compiled

#: squared phase of a slice below which five terms of the series give its matrix to rounding
_THIN = 1e-2

#: rays of one energy that are followed together. Their numbers lie side by side at distances that the compiler knows,
#: real and imaginary parts apart, so that it takes several at once; all arrays of lanes are flat for that reason.
LANES = 8


@_compiled
def _electric(square, thickness, coherent, k0, kx, matrix, growth, eta, decay):
    """Characteristic matrices of all slices for s light of some rays.

    square : (S + 2,), refractive indices squared. kx : (LANES,). matrix : (S, 6, LANES), real and imaginary part of
    c = cos z, b = -i sin z / y and d = -i y sin z, all times exp(-Im z). growth : (S, LANES), exp(-2 Im z). eta : (S +
    2, 2, LANES), admittances of thick layers and half-spaces. decay : (S, LANES), power that a thick layer absorbs per
    length, 1/m.
    """
    widest = 0.0
    for p in range(LANES):
        widest = max(widest, kx[p] * kx[p])
    for j in (0, square.size - 1):
        for p in range(LANES):
            q = np.sqrt(square[j] - kx[p] * kx[p] + 0j)
            eta[2 * j * LANES + p] = q.real
            eta[(2 * j + 1) * LANES + p] = q.imag
    for s in range(thickness.size):
        real, imag = square[s + 1].real, square[s + 1].imag
        x = k0 * thickness[s]
        x2 = x * x
        at = 6 * s * LANES
        if coherent[s] and x2 * (abs(real) + imag + widest) < _THIN:
            zi = x2 * imag
            for p in range(LANES):
                qr = real - kx[p] * kx[p]
                zr = x2 * qr
                ur, ui = 1.0 - zr / 56, -zi / 56
                vr, vi = 1.0 - (zr * ur - zi * ui) / 30, -(zr * ui + zi * ur) / 30
                ur, ui = 1.0 - (zr * vr - zi * vi) / 12, -(zr * vi + zi * vr) / 12
                matrix[at + p] = 1.0 - (zr * ur - zi * ui) / 2
                matrix[at + LANES + p] = -(zr * ui + zi * ur) / 2
                ur, ui = 1.0 - zr / 72, -zi / 72
                vr, vi = 1.0 - (zr * ur - zi * ui) / 42, -(zr * ui + zi * ur) / 42
                ur, ui = 1.0 - (zr * vr - zi * vi) / 20, -(zr * vi + zi * vr) / 20
                wr, wi = -x * (zr * ui + zi * ur) / 6, -x * (1.0 - (zr * ur - zi * ui) / 6)
                matrix[at + 2 * LANES + p] = wr
                matrix[at + 3 * LANES + p] = wi
                matrix[at + 4 * LANES + p] = wr * qr - wi * imag
                matrix[at + 5 * LANES + p] = wr * imag + wi * qr
                growth[s * LANES + p] = 1.0
            continue
        for p in range(LANES):
            q = np.sqrt(square[s + 1] - kx[p] * kx[p])
            fall = 2.0 * x * q.imag
            fade = math.exp(-fall)
            lost = -0.5 * math.expm1(-fall) if fall < 0.5 else 0.5 * (1.0 - fade)
            kept = 0.5 * (1.0 + fade)
            turn = x * q.real
            cosine, sine = math.cos(turn), math.sin(turn)
            wave = complex(cosine * lost, -sine * kept)
            b = wave * np.conj(q) / (q.real * q.real + q.imag * q.imag)
            d = wave * q
            matrix[at + p] = cosine * kept
            matrix[at + LANES + p] = -sine * lost
            matrix[at + 2 * LANES + p] = b.real
            matrix[at + 3 * LANES + p] = b.imag
            matrix[at + 4 * LANES + p] = d.real
            matrix[at + 5 * LANES + p] = d.imag
            growth[s * LANES + p] = fade
            eta[2 * (s + 1) * LANES + p] = q.real
            eta[(2 * (s + 1) + 1) * LANES + p] = q.imag
            decay[s * LANES + p] = 2.0 * k0 * q.imag


@_compiled
def _times(values, at, factor):
    """Multiply the lanes of one complex number, which begin at `at`, by `factor`."""
    real, imag = factor.real, factor.imag
    for p in range(LANES):
        r, i = values[at + p], values[at + LANES + p]
        values[at + p] = r * real - i * imag
        values[at + LANES + p] = r * imag + i * real


@_compiled
def _magnetic(square, inverse, matrix, eta):
    """Turn what `_electric` made for s light into that for p light, in place. inverse : (S + 2,), 1 / square."""
    for s in range(square.size - 2):
        _times(matrix, (6 * s + 2) * LANES, square[s + 1])
        _times(matrix, (6 * s + 4) * LANES, inverse[s + 1])
    for j in range(square.size):
        _times(eta, 2 * j * LANES, inverse[j])


@_compiled
def _run(first, count, step, before, behind, matrix, growth, absorbed, work, found):
    """A run of coherent films, lit from `before` with unit power.

    first, count, step : its films are first, first + step, ... before, behind : (2, LANES), admittances of the media
    around it. absorbed : (S, LANES), filled for its films. work : (2 S + 3, LANES), scratch. found : (3, LANES),
    filled: reflected, passed, entering less 1 - reflected.
    """
    state = 2 * count * LANES
    for p in range(2 * LANES):
        work[state + p] = behind[p]
    for j in range(count - 1, -1, -1):
        s = first + j * step
        at, to, one = 6 * s * LANES, 2 * j * LANES, s * LANES
        for p in range(LANES):
            cr, ci = matrix[at + p], matrix[at + LANES + p]
            br, bi = matrix[at + 2 * LANES + p], matrix[at + 3 * LANES + p]
            dr, di = matrix[at + 4 * LANES + p], matrix[at + 5 * LANES + p]
            lr, li = work[state + p], work[state + LANES + p]
            tr, ti = cr + br * lr - bi * li, ci + br * li + bi * lr
            size = 1.0 / (tr * tr + ti * ti)
            work[to + p] = growth[one + p] * size
            work[to + LANES + p] = size * (
                dr * cr
                + di * ci
                + (cr * br + ci * bi) * (lr * lr + li * li)
                + 2.0 * (ci * ci + br * dr) * lr
                + (di * br - dr * bi) * li
            )
            nr, ni = dr + cr * lr - ci * li, di + cr * li + ci * lr
            work[state + p] = (nr * tr + ni * ti) * size
            work[state + LANES + p] = (ni * tr - nr * ti) * size
    for p in range(LANES):
        er, ei = before[p], before[LANES + p]
        lr, li = work[state + p], work[state + LANES + p]
        size = 1.0 / ((er + lr) * (er + lr) + (ei + li) * (ei + li))
        reflected = ((er - lr) * (er - lr) + (ei - li) * (ei - li)) * size
        # |U|^2 at the face over the power that falls on it; an evanescent wave carries none that could enter
        field = 4.0 * (er * er + ei * ei) * size / er if er > 0.0 else 0.0
        found[p] = reflected
        found[2 * LANES + p] = lr * field - (1.0 - reflected) if er > 0.0 else 0.0
        work[state + 2 * LANES + p] = field
    for j in range(count):
        one, to = (first + j * step) * LANES, 2 * j * LANES
        for p in range(LANES):
            field = work[state + 2 * LANES + p]
            absorbed[one + p] = work[to + LANES + p] * field
            work[state + 2 * LANES + p] = field * work[to + p]
    for p in range(LANES):
        found[LANES + p] = behind[p] * work[state + 2 * LANES + p]


@_compiled
def _medium(eta, j):
    return eta[2 * j * LANES : 2 * (j + 1) * LANES]


@_compiled
def _respond(first, count, step, before, behind, coherent, thickness, slices, runs, absorbed, found):
    """Slices first, first + step, ... lit from `before` with unit power.

    before, behind : (2, LANES). slices : matrix, growth, eta, decay of `_electric`, and scratch. runs : (9, S + 1,
    LANES), scratch. absorbed : (S, LANES) and found : (3, LANES), filled: reflected, passed, and what does not matter.
    """
    matrix, growth, eta, decay, work, other = slices
    # for each run: reflected, passed, mixed lit from its front, then from its back
    start = 0
    k = 0
    ahead = before
    for j in range(count + 1):
        if j < count and coherent[first + j * step]:
            continue
        after = behind if j == count else _medium(eta, first + j * step + 1)
        for way in range(2 if j < count else 1):
            lit, dark = (ahead, after) if way == 0 else (after, ahead)
            film = first + (start if way == 0 else j - 1) * step
            into = absorbed if way == 0 else other
            _run(film, j - start, step - 2 * way * step, lit, dark, matrix, growth, into, work, found)
            for i in range(3):
                for p in range(LANES):
                    runs[3 * way + i, k, p] = found[i * LANES + p]
        ahead = after
        start = j + 1
        k += 1
    many = k - 1

    # reflectance of all that lies behind each run's front
    for p in range(LANES):
        runs[6, many, p] = runs[0, many, p]
        runs[8, 0, p] = 1.0
    k = many
    for j in range(count - 1, -1, -1):
        s = first + j * step
        if coherent[s]:
            continue
        k -= 1
        for p in range(LANES):
            fade = math.exp(-decay[s * LANES + p] * thickness[s])
            trip = fade * fade * runs[6, k + 1, p]
            more = runs[1, k, p] * trip * runs[4, k, p] / (1.0 - trip * runs[3, k, p])
            runs[6, k, p] = runs[0, k, p] + more
            runs[7, k, p] = fade

    # the light on each run's front is runs[8]
    start = 0
    k = 0
    for j in range(count + 1):
        if j < count and coherent[first + j * step]:
            continue
        if j == count:
            for i in range(start, count):
                for p in range(LANES):
                    absorbed[(first + i * step) * LANES + p] *= runs[8, k, p]
            break
        s = first + j * step
        for p in range(LANES):
            fade, light, seen = runs[7, k, p], runs[8, k, p], runs[6, k + 1, p]
            entering = runs[1, k, p] * light / (1.0 - runs[3, k, p] * fade * fade * seen)
            returned = seen * entering * fade
            for i in range(start, j):
                film = (first + i * step) * LANES + p
                absorbed[film] = light * absorbed[film] + returned * fade * other[film]
            mixed = entering * fade * runs[2, k + 1, p] + returned * fade * runs[5, k, p]
            lost = -math.expm1(-decay[s * LANES + p] * thickness[s])
            absorbed[s * LANES + p] = lost * (entering + returned) - mixed
            runs[8, k + 1, p] = entering * fade
        start = j + 1
        k += 1
    for p in range(LANES):
        found[p] = runs[6, 0, p]
        found[LANES + p] = runs[8, many, p] * runs[1, many, p]


@_compiled
def _scratch(size):
    return (
        (
            np.zeros(6 * size * LANES),
            np.zeros(size * LANES),
            np.zeros(2 * (size + 2) * LANES),
            np.zeros(size * LANES),
            np.zeros((2 * size + 3) * LANES),
            np.zeros(size * LANES),
        ),
        np.zeros((9, size + 1, LANES)),
        np.zeros(size * LANES),
        np.zeros(3 * LANES),
    )


@_compiled
def respond(index, thickness, coherent, k0, kx, first, count, step):
    """Reflectance, transmittance (2, A, E) and absorptance of slices (2, A, E, S) for s and for p light.

    index : (S + 2, E), half-spaces included. thickness, coherent : (S,). k0 : (E,), 1/m. kx : (A, E), transverse index.
    first, count, step : the slices in the order that light meets them; before the first and behind the last one come
    the half-spaces of the stack.
    """
    size = thickness.size
    slices, runs, absorbed, found = _scratch(size)
    matrix, growth, eta, decay, _, _ = slices
    many = kx.shape[0]
    reflected, passed = np.empty((2, *kx.shape)), np.empty((2, *kx.shape))
    taken = np.zeros((2, *kx.shape, size))
    lanes = np.empty(LANES)
    ends = (0, size + 1) if step > 0 else (size + 1, 0)
    for e in range(kx.shape[1]):
        square = index[:, e] ** 2
        inverse = 1.0 / square
        for start in range(0, many, LANES):
            for p in range(LANES):
                lanes[p] = kx[min(start + p, many - 1), e]
            _electric(square, thickness, coherent, k0[e], lanes, matrix, growth, eta, decay)
            for polarised in range(2):
                if polarised == 1:
                    _magnetic(square, inverse, matrix, eta)
                before, behind = _medium(eta, ends[0]), _medium(eta, ends[1])
                _respond(
                    first, count, step, before, behind, coherent, thickness, slices, runs, absorbed, found
                )
                for p in range(min(LANES, many - start)):
                    reflected[polarised, start + p, e] = found[p]
                    passed[polarised, start + p, e] = found[LANES + p]
                    for j in range(count):
                        s = first + j * step
                        taken[polarised, start + p, e, s] = absorbed[s * LANES + p]
    return reflected, passed, taken


@_compiled
def escape(index, thickness, coherent, k0, sine, weight, target):
    """Weighted sum over angles and mean over polarisations of a layer's absorptance (2, E), lit from front and back.

    index : (S + 2, E), air in front and behind. sine, weight : (A,), of the angle in air. target : (S, E), share of the
    layer in what each slice absorbs.
    """
    size = thickness.size
    slices, runs, absorbed, found = _scratch(size)
    matrix, growth, eta, decay, _, _ = slices
    total = np.zeros((2, k0.size))
    lanes, power = np.empty(LANES), np.empty(LANES)
    for e in range(k0.size):
        square = index[:, e] ** 2
        inverse = 1.0 / square
        for start in range(0, sine.size, LANES):
            for p in range(LANES):
                lanes[p] = sine[min(start + p, sine.size - 1)]
            _electric(square, thickness, coherent, k0[e], lanes, matrix, growth, eta, decay)
            for polarised in range(2):
                if polarised == 1:
                    _magnetic(square, inverse, matrix, eta)
                front, back = _medium(eta, 0), _medium(eta, size + 1)
                for side in range(2):
                    lit, dark = (front, back) if side == 0 else (back, front)
                    begin = 0 if side == 0 else size - 1
                    step = 1 - 2 * side
                    _respond(begin, size, step, lit, dark, coherent, thickness, slices, runs, absorbed, found)
                    power[:] = 0.0
                    for s in range(size):
                        share = target[s, e]
                        if share > 0.0:
                            for p in range(LANES):
                                power[p] += share * absorbed[s * LANES + p]
                    for p in range(min(LANES, sine.size - start)):
                        total[side, e] += 0.5 * weight[start + p] * power[p]
    return total


@_compiled
def rays(index, thickness, coherent, k0, own, depth, sent, media, share, emitter, layers):
    """Fate of a layer's internal emission by rays: shares (layers + 2, E).

    The rows are what each layer absorbs, what escapes, and what the emitter absorbs again (its own row stays zero).

    index : (S + 2, E), air in front and behind. own, depth : (E,), real index of the emitter, and absorption
    coefficient times thickness. sent : `emission.Rays`. media : (S, 2), the layers that a slice consists of, -1 for
    air; share : (S, E), of the first one in what it absorbs. emitter : its layer.
    """
    before, after, mu, weight = sent
    size, many = thickness.size, mu.shape[0]
    slices, runs, absorbed, found = _scratch(size)
    matrix, growth, eta, decay, _, _ = slices
    total = np.zeros((layers + 2, k0.size))
    taken = np.empty(size * LANES)
    kx, cosine, passed, first = np.empty(LANES), np.empty(LANES), np.empty(LANES), np.empty(LANES)
    weights, front, back = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    inside, fates = np.zeros(2 * LANES), np.empty((2, 2 * LANES))
    for e in range(k0.size):
        square = index[:, e] ** 2
        inverse = 1.0 / square
        n = own[e]
        taken[:] = 0.0
        for start in range(0, many, LANES):
            for p in range(LANES):
                a = min(start + p, many - 1)
                cosine[p] = mu[a, e]
                weights[p] = weight[a, e] if start + p < many else 0.0
                kx[p] = n * math.sqrt(1.0 - cosine[p] * cosine[p])
                path = depth[e] / cosine[p]
                passed[p] = math.exp(-path)
                # of the emission into one hemisphere, what reaches the face on the first pass
                first[p] = -math.expm1(-path) / path if path > 1e-8 else 1.0
                total[layers + 1, e] += weights[p] * (1.0 - first[p])
            _electric(square, thickness, coherent, k0[e], kx, matrix, growth, eta, decay)
            for polarised in range(2):
                if polarised == 1:
                    _magnetic(square, inverse, matrix, eta)
                for p in range(LANES):
                    inside[p] = cosine[p] / n if polarised == 1 else cosine[p] * n
                for group in range(2):
                    begin, count = (before - 1, before) if group == 0 else (after, size - after)
                    dark = _medium(eta, group * (size + 1))
                    _respond(
                        begin,
                        count,
                        2 * group - 1,
                        inside,
                        dark,
                        coherent,
                        thickness,
                        slices,
                        runs,
                        absorbed,
                        found,
                    )
                    for p in range(2 * LANES):
                        fates[group, p] = found[p]
                for p in range(LANES):
                    rf, tf, rb, tb = fates[0, p], fates[0, LANES + p], fates[1, p], fates[1, LANES + p]
                    again = max(1.0 - passed[p] * passed[p] * rf * rb, 1e-300)
                    # half a hemisphere's share, half a polarisation's
                    strength = 0.25 * weights[p] * first[p] / again
                    front[p], back[p] = strength * (1.0 + passed[p] * rb), strength * (1.0 + passed[p] * rf)
                    total[layers, e] += front[p] * tf + back[p] * tb
                    total[layers + 1, e] += (front[p] * rf + back[p] * rb) * (1.0 - passed[p])
                for s in range(before):
                    for p in range(LANES):
                        taken[s * LANES + p] += front[p] * absorbed[s * LANES + p]
                for s in range(after, size):
                    for p in range(LANES):
                        taken[s * LANES + p] += back[p] * absorbed[s * LANES + p]
        for s in range(size):
            here = 0.0
            for p in range(LANES):
                here += taken[s * LANES + p]
            for side in range(2):
                medium = media[s, side]
                if medium < 0:
                    continue
                part = share[s, e] if side == 0 else 1.0 - share[s, e]
                total[layers + 1 if medium == emitter else medium, e] += part * here
    return total
