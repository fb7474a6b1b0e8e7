"""Compiled functions that find the largest circle that fits in each hole of a monolayer."""

from __future__ import annotations

import math

import numpy as np

from perotwin.compiled import compiled
from perotwin.recipe.kernels import fill_cells, index

#: at most this many discs are told apart around the middle of a hole
_AROUND = 32
#: relative slack with which a circle may touch a fourth disc
_TOUCH = 1e-9

_compiled = compiled(contract=False)


@_compiled
def _edges_near(x, y, least, slack, pos, rad, head, nxt, count, side, widest, around):
    """How many discs have edges within `slack` of the distance of the nearest edge from a point; these discs go to
    `around` as (x, y, radius), unwrapped. None where the nearest edge is nearer than `least` by more than `slack`."""
    cell = side / count
    cx, cy = index(x, side, count), index(y, side, count)
    nearest, found, collecting = np.inf, 0, False
    while True:
        ring = 0
        while (ring - 1) * cell - widest <= nearest + (slack if collecting else 0.0):
            for oy in range(-ring, ring + 1):
                stride = 1 if abs(oy) == ring else max(2 * ring, 1)
                shift_y = math.floor((cy + oy) / count)
                row = (cy + oy - shift_y * count) * count
                for ox in range(-ring, ring + 1, stride):
                    shift_x = math.floor((cx + ox) / count)
                    j = head[row + cx + ox - shift_x * count]
                    while j >= 0:
                        px, py = pos[j, 0] + shift_x * side, pos[j, 1] + shift_y * side
                        gap = math.sqrt((x - px) ** 2 + (y - py) ** 2) - rad[j]
                        if not collecting:
                            nearest = min(nearest, gap)
                        elif gap <= nearest + slack and found < around.shape[0]:
                            around[found, 0], around[found, 1], around[found, 2] = px, py, rad[j]
                            found += 1
                        j = nxt[j]
            ring += 1
        if collecting or nearest < least - slack:
            return found
        collecting = True


@_compiled
def circles(pos, rad, side, bare, least):
    """Circles (M, 3) of radius `least` or more, as (x, y, radius), that fit between the discs and that no small move
    would let grow; largest first, and of circles that overlap only the largest.

    Such a circle touches three discs (or images of them) that surround its centre. Around every bare point of a raster
    all triples of near discs are tried with their common tangent circle (Apollonius): the raster decides where to look,
    not what is found.

    Parameters
    ----------
    bare : (P, P) bool, row y and column x; its pixels must be smaller than `least`.
    """
    pixels = bare.shape[0]
    pitch, widest = side / pixels, np.max(rad)
    count = max(int(side / max(2.0 * widest, side / math.sqrt(pos.shape[0]))), 1)
    head, nxt = fill_cells(pos, pos.shape[0], side, count)
    around = np.empty((_AROUND, 3))
    found, m = np.empty((64, 3)), 0
    corner = 0.7072 * pitch  # from the middle of a pixel to its corner
    half = 0.5 * pitch * (1.0 + _TOUCH)
    for iy in range(pixels):
        for ix in range(pixels):
            if not bare[iy, ix]:
                continue
            x, y = (ix + 0.5) * pitch, (iy + 0.5) * pitch
            # A circle whose centre lies in this pixel touches only discs that are among these.
            near = _edges_near(x, y, least, 2.0 * corner, pos, rad, head, nxt, count, side, widest, around)
            for a in range(near):
                for b in range(a):
                    for c in range(b):
                        for root in (-1.0, 1.0):
                            tx, ty, size = _tangent(around[a], around[b], around[c], root)
                            if (
                                size >= least
                                and abs(tx - x) <= half
                                and abs(ty - y) <= half
                                and _surround(tx, ty, around[a], around[b], around[c])
                                and _fits(tx, ty, size, around, near)
                            ):
                                if m == found.shape[0]:
                                    longer = np.empty((2 * m, 3))
                                    longer[:m] = found
                                    found = longer
                                found[m, 0], found[m, 1], found[m, 2] = tx, ty, size
                                m += 1
    order = np.argsort(-found[:m, 2], kind="mergesort")
    kept = np.empty((m, 3))
    number = 0
    for k in order:
        alone = True
        for j in range(number):
            dx, dy = abs(found[k, 0] - kept[j, 0]), abs(found[k, 1] - kept[j, 1])
            dx, dy = min(dx, abs(side - dx)), min(dy, abs(side - dy))
            apart = (found[k, 2] + kept[j, 2]) * (1.0 - _TOUCH)
            if dx * dx + dy * dy < apart * apart:
                alone = False
                break
        if alone:
            kept[number] = found[k]
            number += 1
    return kept[:number].copy()


@_compiled
def _surround(x, y, p, q, r):
    """Whether the middles of three discs lie around a point, so that a circle there cannot move away from all."""
    px, py, qx, qy, rx, ry = p[0] - x, p[1] - y, q[0] - x, q[1] - y, r[0] - x, r[1] - y
    a, b, c = px * qy - py * qx, qx * ry - qy * rx, rx * py - ry * px
    slack = _TOUCH * (abs(a) + abs(b) + abs(c))
    return (a >= -slack and b >= -slack and c >= -slack) or (a <= slack and b <= slack and c <= slack)


@_compiled
def _fits(x, y, radius, around, near):
    """Whether a circle overlaps none of the discs around."""
    for k in range(near):
        gap = math.hypot(x - around[k, 0], y - around[k, 1]) - around[k, 2]
        if gap < radius - _TOUCH * (radius + around[k, 2]):
            return False
    return True


@_compiled
def _tangent(p, q, r, root):
    """Centre and radius of a circle that touches three discs from outside; radius -1 where there is none."""
    ax, ay, ar = q[0] - p[0], q[1] - p[1], q[2] - p[2]
    bx, by, br = r[0] - p[0], r[1] - p[1], r[2] - p[2]
    det = ax * by - ay * bx
    if det == 0.0:
        return 0.0, 0.0, -1.0
    ca = 0.5 * (ax * ax + ay * ay - q[2] * q[2] + p[2] * p[2])
    cb = 0.5 * (bx * bx + by * by - r[2] * r[2] + p[2] * p[2])
    # the centre is (x0 + sx * s, y0 + sy * s) from p, with s the radius
    x0, y0 = (ca * by - cb * ay) / det, (ax * cb - bx * ca) / det
    sx, sy = (br * ay - ar * by) / det, (bx * ar - ax * br) / det
    a, b, c = sx * sx + sy * sy - 1.0, x0 * sx + y0 * sy - p[2], x0 * x0 + y0 * y0 - p[2] * p[2]
    if abs(a) < 1e-12:
        s = -0.5 * c / b
    else:
        square = b * b - a * c
        if square < 0.0:
            return 0.0, 0.0, -1.0
        s = (-b + root * math.sqrt(square)) / a
    return p[0] + x0 + sx * s, p[1] + y0 + sy * s, s
