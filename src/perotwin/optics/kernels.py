"""Compiled functions of emission: what a stack of flat slices does with rays of many angles and energies.

The same physics as `transfer_matrix.solve`, which keeps the waves inside every film for its depth profiles. Here only
powers are asked for, of some hundred slices for some thousand rays, so that a film is its characteristic matrix
(F. Abeles, Ann. Phys. 12, 596 (1950), doi:10.1051/anphys/195012050596): the admittance that a wave sees is carried
from the last face to the first, and what a film absorbs is the power through its first face less that through its
last. The matrix holds even functions of the normal wave number only, so that a slice much thinner than the wavelength
costs neither a root nor an exponential; a thick film's has its growth taken out, so that nothing can overflow. Thick
layers join runs of films by intensities (S. J. Byrnes, arXiv:1603.02720).

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
def _admittance(index, kx, magnetic):
    """Admittance of a medium for waves of transverse index `kx`."""
    square = index * index
    q = np.sqrt(square - kx * kx + 0j)
    return _over(q, square) if magnetic else q


@_compiled
def _prepare(index, thickness, coherent, k0, kx, magnetic, matrix, growth, eta, decay):
    """Characteristic matrices of all slices for one ray.

    index : (S + 2,). matrix : (S, 3), cos z, -i sin z / y and -i y sin z, all times exp(i z). growth : (S,),
    |exp(i z)|^2. eta : (S + 2,), admittances of thick layers and half-spaces. decay : (S,), power that a thick layer
    absorbs per length, 1/m.
    """
    eta[0] = _admittance(index[0], kx, magnetic)
    eta[-1] = _admittance(index[-1], kx, magnetic)
    for s in range(thickness.size):
        square = index[s + 1] * index[s + 1]
        weight = square if magnetic else 1.0 + 0j
        q2 = square - kx * kx
        x = k0 * thickness[s]
        z2 = x * x * q2
        if coherent[s] and _squared(z2) < _THIN * _THIN:
            cosine = 1.0 - z2 / 2 * (1.0 - z2 / 12 * (1.0 - z2 / 30 * (1.0 - z2 / 56)))
            sinc = 1.0 - z2 / 6 * (1.0 - z2 / 20 * (1.0 - z2 / 42 * (1.0 - z2 / 72)))
            wave = -1j * x * sinc
            matrix[s, 0] = cosine
            matrix[s, 1] = wave * weight
            matrix[s, 2] = _over(wave * q2, weight)
            growth[s] = 1.0
        else:
            q = np.sqrt(q2)
            fade = math.exp(-2.0 * x * q.imag)
            turn = 2.0 * x * q.real
            phase = complex(fade * math.cos(turn), fade * math.sin(turn))
            y = _over(q, weight)
            half = (1.0 - phase) / 2
            matrix[s, 0] = (1.0 + phase) / 2
            matrix[s, 1] = _over(half, y)
            matrix[s, 2] = half * y
            growth[s] = fade
            eta[s + 1] = y
            decay[s] = 2.0 * k0 * q.imag


@_compiled
def _run(first, count, step, before, behind, matrix, growth, absorbed, seen, shrink):
    """A run of coherent films, lit from `before` with unit power: (reflected, passed, entering less 1 - reflected).

    first, count, step : its films are first, first + step, ... before, behind : admittances of the media around it.
    absorbed : (S,), filled for its films. seen, shrink : (S + 1,), scratch.
    """
    load = behind
    seen[count] = load.real
    for j in range(count - 1, -1, -1):
        s = first + j * step
        bottom = matrix[s, 0] + matrix[s, 1] * load
        size = _squared(bottom)
        shrink[j] = growth[s] / size
        load = (matrix[s, 2] + matrix[s, 0] * load) * np.conj(bottom) / size
        seen[j] = load.real
    total = before + load
    size = _squared(total)
    reflected = _squared(before - load) / size
    if before.real <= 0.0:  # an evanescent wave carries no power that could enter
        for j in range(count):
            absorbed[first + j * step] = 0.0
        return reflected, 0.0, 0.0
    # |U|^2 at the face over the power that falls on it
    field = 4.0 * _squared(before) / size / before.real
    power = seen[0] * field
    entering = power
    for j in range(count):
        field *= shrink[j]
        left = seen[j + 1] * field
        absorbed[first + j * step] = power - left
        power = left
    return reflected, power, entering - (1.0 - reflected)


@_compiled
def _respond(first, count, step, before, behind, coherent, thickness, slices, runs, absorbed):
    """Slices first, first + step, ... lit from `before` with unit power: (reflected, passed); fills `absorbed` (S,).

    slices : matrix, growth, eta, decay of `_prepare` and two rows of scratch (S + 1,). runs : (8, S + 1), scratch.
    """
    matrix, growth, eta, decay, seen, shrink, other = slices
    many = 0
    for j in range(count):
        if not coherent[first + j * step]:
            many += 1
    if many == 0:
        reflected, passed, _ = _run(first, count, step, before, behind, matrix, growth, absorbed, seen, shrink)
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
            first + start * step, j - start, step, ahead, after, matrix, growth, absorbed, seen, shrink
        )
        if j < count:
            runs[3, k], runs[4, k], runs[5, k] = _run(
                first + (j - 1) * step, j - start, -step, after, ahead, matrix, growth, other, seen, shrink
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
def _scratch(size):
    return (
        (
            np.empty((size, 3), np.complex128),
            np.empty(size),
            np.empty(size + 2, np.complex128),
            np.empty(size),
            np.empty(size + 1),
            np.empty(size + 1),
            np.empty(size),
        ),
        np.empty((8, size + 1)),
        np.empty(size),
    )


@_compiled
def respond(index, thickness, coherent, k0, kx, magnetic, first, count, step):
    """Reflectance, transmittance (A, E) and absorptance of slices (A, E, S) for light of one polarisation.

    index : (S + 2, E), half-spaces included. thickness, coherent : (S,). k0 : (E,), 1/m. kx : (A, E), transverse index.
    magnetic : p light. first, count, step : the slices in the order that light meets them; before the first and behind
    the last one come the half-spaces of the stack.
    """
    slices, runs, absorbed = _scratch(thickness.size)
    matrix, growth, eta, decay, _, _, _ = slices
    shape = kx.shape
    reflected, passed = np.empty(shape), np.empty(shape)
    taken = np.zeros((shape[0], shape[1], thickness.size))
    for e in range(shape[1]):
        for a in range(shape[0]):
            _prepare(index[:, e], thickness, coherent, k0[e], kx[a, e], magnetic, matrix, growth, eta, decay)
            before, behind = (eta[0], eta[-1]) if step > 0 else (eta[-1], eta[0])
            reflected[a, e], passed[a, e] = _respond(
                first, count, step, before, behind, coherent, thickness, slices, runs, absorbed
            )
            for j in range(count):
                taken[a, e, first + j * step] = absorbed[first + j * step]
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
    for e in range(k0.size):
        media, share = index[:, e].copy(), target[:, e].copy()
        for a in range(sine.size):
            for magnetic in (False, True):
                _prepare(media, thickness, coherent, k0[e], sine[a], magnetic, matrix, growth, eta, decay)
                _respond(0, size, 1, eta[0], eta[-1], coherent, thickness, slices, runs, absorbed)
                found[0, e] += 0.5 * weight[a] * (share * absorbed).sum()
                _respond(size - 1, size, -1, eta[-1], eta[0], coherent, thickness, slices, runs, absorbed)
                found[1, e] += 0.5 * weight[a] * (share * absorbed).sum()
    return found


@_compiled
def rays(index, thickness, coherent, k0, own, depth, mu, weight, before, after, media, share, emitter, layers):
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
        here = index[:, e].copy()
        n = own[e]
        taken[:] = 0.0
        for a in range(mu.shape[0]):
            cosine = mu[a, e]
            path = depth[e] / cosine
            passed = math.exp(-path)
            # of the emission into one hemisphere, what reaches the face on the first pass
            first = -math.expm1(-path) / path if path > 1e-8 else 1.0
            kx = n * math.sqrt(1.0 - cosine * cosine)
            total[layers + 1, e] += weight[a, e] * (1.0 - first)
            for magnetic in (False, True):
                _prepare(here, thickness, coherent, k0[e], kx, magnetic, matrix, growth, eta, decay)
                inside = complex(cosine / n if magnetic else cosine * n, 0.0)
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
