"""Compiled functions that tell the holes of a monolayer apart and measure the largest circle that fits in each."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from perotwin.recipe.kernels import fill_cells, index

#: at most this many discs are told apart around the middle of a hole
_AROUND = 32
#: relative slack with which a circle may touch a fourth disc
_TOUCH = 1e-9

_compiled = njit(cache=True, error_model="numpy")


@_compiled
def label(bare):
    """Number the connected regions of a periodic mask from 0 on (-1 elsewhere); edges connect, corners do not."""
    rows, columns = bare.shape
    number = np.full((rows, columns), -1, np.int32)
    stack = np.empty(rows * columns, np.int64)
    found = 0
    for start in range(rows * columns):
        if not bare[start // columns, start % columns] or number[start // columns, start % columns] >= 0:
            continue
        number[start // columns, start % columns] = found
        stack[0], top = start, 1
        while top > 0:
            top -= 1
            i, j = stack[top] // columns, stack[top] % columns
            for k in range(4):
                p = (i + (1 if k == 0 else -1 if k == 1 else 0) + rows) % rows
                q = (j + (1 if k == 2 else -1 if k == 3 else 0) + columns) % columns
                if bare[p, q] and number[p, q] < 0:
                    number[p, q] = found
                    stack[top] = p * columns + q
                    top += 1
        found += 1
    return number, found


@_compiled
def _edges_near(x, y, slack, pos, rad, head, nxt, count, side, widest, around):
    """Distance from a point to the nearest edge of a disc, and how many discs lie within `slack` more; these go to
    `around` as (x, y, radius), unwrapped. `slack` < 0 asks for the distance alone."""
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
        if collecting or slack < 0.0:
            return nearest, found
        collecting = True


@_compiled
def largest_circles(pos, rad, side, number, found):
    """Diameter (m) of the largest circle between the discs in each of `found` regions that `label` numbered.

    Such a circle touches three discs (or images of them): around the deepest points of the raster all triples of near
    discs are tried with their common tangent circle (Apollonius), so the raster decides where to look, not the answer.
    """
    pixels = number.shape[0]
    pitch, widest = side / pixels, np.max(rad)
    count = max(int(side / max(2.0 * widest, side / math.sqrt(pos.shape[0]))), 1)
    head, nxt = fill_cells(pos, pos.shape[0], side, count)
    around = np.empty((_AROUND, 3))
    depth = np.full((pixels, pixels), -np.inf)
    deepest = np.full(found, -np.inf)
    for iy in range(pixels):
        for ix in range(pixels):
            region = number[iy, ix]
            if region >= 0:
                x, y = (ix + 0.5) * pitch, (iy + 0.5) * pitch
                depth[iy, ix], _ = _edges_near(x, y, -1.0, pos, rad, head, nxt, count, side, widest, around)
                deepest[region] = max(deepest[region], depth[iy, ix])
    best = 2.0 * deepest
    corner = (
        0.7072 * pitch
    )  # from the middle of a pixel to its corner; a circle's centre is as near to some middle
    for iy in range(pixels):
        for ix in range(pixels):
            region = number[iy, ix]
            if region < 0 or depth[iy, ix] < deepest[region] - corner:
                continue
            x, y = (ix + 0.5) * pitch, (iy + 0.5) * pitch
            _, near = _edges_near(x, y, 2.0 * corner, pos, rad, head, nxt, count, side, widest, around)
            for a in range(near):
                for b in range(a):
                    for c in range(b):
                        for root in (-1.0, 1.0):
                            tx, ty, size = _tangent(around[a], around[b], around[c], root)
                            # Nearer to this pixel's middle than to any other's, or another pixel will find it; so
                            # no disc but those around can lie in it.
                            inside = (tx - x) ** 2 + (ty - y) ** 2 <= corner * corner
                            if inside and 2.0 * size > best[region] and _fits(tx, ty, size, around, near):
                                best[region] = 2.0 * size
    return best


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
