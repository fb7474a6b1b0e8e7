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
from numba import njit

#: squared phase of a slice below which five terms of the series give its matrix to rounding
_THIN = 1e-2

_compiled = njit(cache=True, error_model="numpy", fastmath={"contract"})


@_compiled
def _squared(z):
    return z.real * z.real + z.imag * z.imag


@_compiled
def _over(top, bottom):
    """top / bottom of complex numbers that are neither huge nor tiny."""
    return top * np.conj(bottom) / _squared(bottom)


@_compiled
def _electric(square, thickness, coherent, k0, kx, matrix, growth, eta, decay):
    """Characteristic matrices of all slices for s light of one ray.

    square : (S + 2,), refractive indices squared. matrix : (S, 3), c = cos z, b = -i sin z / y and d = -i y sin z, all
    times exp(-Im z). growth : (S,), exp(-2 Im z). eta : (S + 2,), admittances of thick layers and half-spaces. decay :
    (S,), power that a thick layer absorbs per length, 1/m.
    """
    eta[0] = np.sqrt(square[0] - kx * kx + 0j)
    eta[-1] = np.sqrt(square[-1] - kx * kx + 0j)
    for s in range(thickness.size):
        q2 = square[s + 1] - kx * kx
        x = k0 * thickness[s]
        z2 = x * x * q2
        if coherent[s] and _squared(z2) < _THIN * _THIN:
            matrix[s, 0] = 1.0 - z2 / 2 * (1.0 - z2 / 12 * (1.0 - z2 / 30 * (1.0 - z2 / 56)))
            sinc = 1.0 - z2 / 6 * (1.0 - z2 / 20 * (1.0 - z2 / 42 * (1.0 - z2 / 72)))
            wave = complex(x * sinc.imag, -x * sinc.real)
            matrix[s, 1] = wave
            matrix[s, 2] = wave * q2
            growth[s] = 1.0
        else:
            q = np.sqrt(q2)
            fall = 2.0 * x * q.imag
            fade = math.exp(-fall)
            lost = -0.5 * math.expm1(-fall) if fall < 0.5 else 0.5 * (1.0 - fade)
            kept = 0.5 * (1.0 + fade)
            turn = x * q.real
            cosine, sine = math.cos(turn), math.sin(turn)
            wave = complex(cosine * lost, -sine * kept)
            matrix[s, 0] = complex(cosine * kept, -sine * lost)
            matrix[s, 1] = _over(wave, q)
            matrix[s, 2] = wave * q
            growth[s] = fade
            eta[s + 1] = q
            decay[s] = 2.0 * k0 * q.imag


@_compiled
def _magnetic(square, inverse, matrix, eta):
    """Turn what `_electric` made for s light into that for p light, in place. inverse : (S + 2,), 1 / square."""
    for s in range(matrix.shape[0]):
        matrix[s, 1] *= square[s + 1]
        matrix[s, 2] *= inverse[s + 1]
    for j in range(eta.size):
        eta[j] *= inverse[j]


@_compiled
def _run(first, count, step, before, behind, matrix, growth, absorbed, loss, shrink):
    """A run of coherent films, lit from `before` with unit power: (reflected, passed, entering less 1 - reflected).

    first, count, step : its films are first, first + step, ... before, behind : admittances of the media around it.
    absorbed : (S,), filled for its films. loss, shrink : (S,), scratch.
    """
    load = behind
    for j in range(count - 1, -1, -1):
        s = first + j * step
        c, b, d = matrix[s, 0], matrix[s, 1], matrix[s, 2]
        bottom = c + b * load
        size = 1.0 / _squared(bottom)
        shrink[j] = growth[s] * size
        loss[j] = size * (
            d.real * c.real
            + d.imag * c.imag
            + (c.real * b.real + c.imag * b.imag) * _squared(load)
            + 2.0 * (c.imag * c.imag + b.real * d.real) * load.real
            + (d.imag * b.real - d.real * b.imag) * load.imag
        )
        load = (d + c * load) * np.conj(bottom) * size
    size = _squared(before + load)
    reflected = _squared(before - load) / size
    if before.real <= 0.0:  # an evanescent wave carries no power that could enter
        for j in range(count):
            absorbed[first + j * step] = 0.0
        return reflected, 0.0, 0.0
    # |U|^2 at the face over the power that falls on it
    field = 4.0 * _squared(before) / size / before.real
    entering = load.real * field
    for j in range(count):
        absorbed[first + j * step] = loss[j] * field
        field *= shrink[j]
    return reflected, behind.real * field, entering - (1.0 - reflected)


@_compiled
def _respond(first, count, step, before, behind, coherent, thickness, slices, runs, absorbed):
    """Slices first, first + step, ... lit from `before` with unit power: (reflected, passed); fills `absorbed` (S,).

    slices : matrix, growth, eta, decay of `_electric` and three rows of scratch (S,). runs : (8, S + 1), scratch.
    """
    matrix, growth, eta, decay, loss, shrink, other = slices
    many = 0
    for j in range(count):
        if not coherent[first + j * step]:
            many += 1
    if many == 0:
        reflected, passed, _ = _run(
            first, count, step, before, behind, matrix, growth, absorbed, loss, shrink
        )
        return reflected, passed

    # for each run: reflected, passed, mixed lit from its front, then from its back
    start = 0
    k = 0
    ahead = before
    for j in range(count + 1):
        if j < count and coherent[first + j * step]:
            continue
        s = first + j * step
        after = behind if j == count else eta[s + 1]
        runs[0, k], runs[1, k], runs[2, k] = _run(
            first + start * step, j - start, step, ahead, after, matrix, growth, absorbed, loss, shrink
        )
        if j < count:
            runs[3, k], runs[4, k], runs[5, k] = _run(
                first + (j - 1) * step, j - start, -step, after, ahead, matrix, growth, other, loss, shrink
            )
        ahead = after
        start = j + 1
        k += 1

    # reflectance of all that lies behind each run's front
    runs[6, many] = runs[0, many]
    k = many
    for j in range(count - 1, -1, -1):
        s = first + j * step
        if coherent[s]:
            continue
        k -= 1
        fade = math.exp(-decay[s] * thickness[s])
        trip = fade * fade * runs[6, k + 1]
        runs[6, k] = runs[0, k] + runs[1, k] * trip * runs[4, k] / (1.0 - trip * runs[3, k])
        runs[7, k] = fade

    light = 1.0
    start = 0
    k = 0
    for j in range(count + 1):
        if j < count and coherent[first + j * step]:
            continue
        if j == count:
            for i in range(start, count):
                absorbed[first + i * step] *= light
            break
        s = first + j * step
        fade = runs[7, k]
        entering = runs[1, k] * light / (1.0 - runs[3, k] * fade * fade * runs[6, k + 1])
        reaching = entering * fade
        returned = runs[6, k + 1] * reaching
        for i in range(start, j):
            film = first + i * step
            absorbed[film] = light * absorbed[film] + returned * fade * other[film]
        mixed = reaching * runs[2, k + 1] + returned * fade * runs[5, k]
        absorbed[s] = -math.expm1(-decay[s] * thickness[s]) * (entering + returned) - mixed
        light = reaching
        start = j + 1
        k += 1
    return runs[6, 0], light * runs[1, many]


@_compiled
def _sum(weights, values):
    total = 0.0
    for j in range(values.size):
        total += weights[j] * values[j]
    return total


@_compiled
def _scratch(size):
    return (
        (
            np.empty((size, 3), np.complex128),
            np.empty(size),
            np.empty(size + 2, np.complex128),
            np.empty(size),
            np.empty(size),
            np.empty(size),
            np.empty(size),
        ),
        np.empty((8, size + 1)),
        np.empty(size),
    )


@_compiled
def respond(index, thickness, coherent, k0, kx, first, count, step):
    """Reflectance, transmittance (2, A, E) and absorptance of slices (2, A, E, S) for s and for p light.

    index : (S + 2, E), half-spaces included. thickness, coherent : (S,). k0 : (E,), 1/m. kx : (A, E), transverse index.
    first, count, step : the slices in the order that light meets them; before the first and behind the last one come
    the half-spaces of the stack.
    """
    slices, runs, absorbed = _scratch(thickness.size)
    matrix, growth, eta, decay, _, _, _ = slices
    shape = (2, *kx.shape)
    reflected, passed = np.empty(shape), np.empty(shape)
    taken = np.zeros((2, *kx.shape, thickness.size))
    for e in range(kx.shape[1]):
        square = index[:, e] ** 2
        inverse = 1.0 / square
        for a in range(kx.shape[0]):
            _electric(square, thickness, coherent, k0[e], kx[a, e], matrix, growth, eta, decay)
            for polarised in range(2):
                if polarised == 1:
                    _magnetic(square, inverse, matrix, eta)
                before, behind = (eta[0], eta[-1]) if step > 0 else (eta[-1], eta[0])
                reflected[polarised, a, e], passed[polarised, a, e] = _respond(
                    first, count, step, before, behind, coherent, thickness, slices, runs, absorbed
                )
                for j in range(count):
                    taken[polarised, a, e, first + j * step] = absorbed[first + j * step]
    return reflected, passed, taken


@_compiled
def escape(index, thickness, coherent, k0, sine, weight, target):
    """Weighted sum over angles and mean over polarisations of a layer's absorptance (2, E), lit from front and back.

    index : (S + 2, E), air in front and behind. sine, weight : (A,), of the angle in air. target : (S, E), share of the
    layer in what each slice absorbs.
    """
    size = thickness.size
    slices, runs, absorbed = _scratch(size)
    matrix, growth, eta, decay, _, _, _ = slices
    found = np.zeros((2, k0.size))
    share = np.empty(size)
    for e in range(k0.size):
        square = index[:, e] ** 2
        inverse = 1.0 / square
        share[:] = target[:, e]
        for a in range(sine.size):
            _electric(square, thickness, coherent, k0[e], sine[a], matrix, growth, eta, decay)
            for polarised in range(2):
                if polarised == 1:
                    _magnetic(square, inverse, matrix, eta)
                _respond(0, size, 1, eta[0], eta[-1], coherent, thickness, slices, runs, absorbed)
                found[0, e] += 0.5 * weight[a] * _sum(share, absorbed)
                _respond(size - 1, size, -1, eta[-1], eta[0], coherent, thickness, slices, runs, absorbed)
                found[1, e] += 0.5 * weight[a] * _sum(share, absorbed)
    return found


@_compiled
def rays(
    index, thickness, coherent, k0, own, depth, mu, weight, before, after, media, share, emitter, layers
):
    """Fate of a layer's internal emission by rays: shares (layers + 2, E).

    The rows are what each layer absorbs, what escapes, and what the emitter absorbs again (its own row stays zero).

    index : (S + 2, E), air in front and behind. own, depth : (E,), real index of the emitter, and absorption
    coefficient times thickness. mu, weight : (A, E), cosine inside. before, after : slices 0 to before - 1 lie in front
    of the emitter, after to S - 1 behind it. media : (S, 2), the layers that a slice consists of, -1 for air; share :
    (S, E), of the first one in what it absorbs. emitter : its layer.
    """
    size = thickness.size
    slices, runs, absorbed = _scratch(size)
    matrix, growth, eta, decay, _, _, _ = slices
    total = np.zeros((layers + 2, k0.size))
    taken = np.empty(size)
    for e in range(k0.size):
        square = index[:, e] ** 2
        inverse = 1.0 / square
        n = own[e]
        taken[:] = 0.0
        for a in range(mu.shape[0]):
            cosine = mu[a, e]
            path = depth[e] / cosine
            passed = math.exp(-path)
            # of the emission into one hemisphere, what reaches the face on the first pass
            first = -math.expm1(-path) / path if path > 1e-8 else 1.0
            total[layers + 1, e] += weight[a, e] * (1.0 - first)
            kx = n * math.sqrt(1.0 - cosine * cosine)
            _electric(square, thickness, coherent, k0[e], kx, matrix, growth, eta, decay)
            for polarised in range(2):
                if polarised == 1:
                    _magnetic(square, inverse, matrix, eta)
                inside = complex(cosine / n if polarised == 1 else cosine * n, 0.0)
                rf, tf = _respond(
                    before - 1, before, -1, inside, eta[0], coherent, thickness, slices, runs, absorbed
                )
                rb, tb = _respond(
                    after, size - after, 1, inside, eta[-1], coherent, thickness, slices, runs, absorbed
                )
                again = max(1.0 - passed * passed * rf * rb, 1e-300)
                # half a hemisphere's share, half a polarisation's
                strength = 0.25 * weight[a, e] * first / again
                front, back = strength * (1.0 + passed * rb), strength * (1.0 + passed * rf)
                total[layers, e] += front * tf + back * tb
                total[layers + 1, e] += (front * rf + back * rb) * (1.0 - passed)
                for s in range(before):
                    taken[s] += front * absorbed[s]
                for s in range(after, size):
                    taken[s] += back * absorbed[s]
        for s in range(size):
            for side in range(2):
                medium = media[s, side]
                if medium < 0:
                    continue
                part = share[s, e] if side == 0 else 1.0 - share[s, e]
                total[layers + 1 if medium == emitter else medium, e] += part * taken[s]
    return total
