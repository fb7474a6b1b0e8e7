"""Compiled functions of what a probe finds in a monolayer: bare points, and the largest circle in each hole."""

from __future__ import annotations

import math

import numpy as np

from perotwin.compiled import compiled
from perotwin.recipe.kernels import TOUCH, clear, fill_cells, index, inside, neighbours, wrap

#: what a point of the surface shows (`classify`); molecules show their kind + 1
BARE = 0
#: at most this many discs are told apart around the middle of a hole
_AROUND = 32

_compiled = compiled(contract=False)


# --- what a point shows ---------------------------------------------------------------------------


@_compiled
def _corners(pos, rad, probe, side, head, nxt, count):
    """Where a probe disc touches two molecules and overlaps none (M, 2), and which molecules it can touch at all (N,).

    These points are the corners of the region that the centre of the probe can reach.
    """
    n, m = pos.shape[0], 0
    found = np.empty((max(n, 16), 2))
    touched, alone = np.zeros(n, np.bool_), np.ones(n, np.bool_)
    first, who = neighbours(pos, rad, n, side, 2.0 * probe, True)
    for i in range(n):
        for k in range(first[i], first[i + 1]):
            j = who[k]
            alone[i] = alone[j] = False
            dx, dy = wrap(pos[j, 0] - pos[i, 0], side), wrap(pos[j, 1] - pos[i, 1], side)
            square, a, b = dx * dx + dy * dy, rad[i] + probe, rad[j] + probe
            along = 0.5 * (square + a * a - b * b) / square
            across = math.sqrt(max(a * a / square - along * along, 0.0))
            for sign in (-1.0, 1.0):
                x = inside(pos[i, 0] + along * dx - sign * across * dy, side)
                y = inside(pos[i, 1] + along * dy + sign * across * dx, side)
                if clear(x, y, probe, pos, rad, head, nxt, count, side, i, j):
                    if m == found.shape[0]:
                        longer = np.empty((2 * m, 2))
                        longer[:m] = found
                        found = longer
                    found[m, 0], found[m, 1] = x, y
                    m += 1
                    touched[i] = touched[j] = True
    return found[:m].copy(), touched | alone


@_compiled
def classify(pos, rad, kind, probe, side, pixels):
    """What each point of a raster shows: int8 (pixels, pixels), row y and column x, at the middles of the pixels.

    A point is BARE where a disc of radius `probe` that overlaps no molecule covers it; any other point belongs to the
    molecule whose edge is nearest and shows its kind + 1. Each point is decided exactly: the nearest place that the
    probe's centre can reach is the point itself, the foot of the normal on a circle of centres around a molecule, or a
    corner where two such circles meet.
    """
    shown = np.zeros((pixels, pixels), np.int8)
    n = pos.shape[0]
    if n == 0:
        return shown
    widest = np.max(rad)
    count = max(int(side / (2.0 * (widest + probe))), 1)
    head, nxt = fill_cells(pos, n, side, count)
    corners, touched = _corners(pos, rad, probe, side, head, nxt, count)
    chead, cnxt = fill_cells(corners, corners.shape[0], side, count)
    pitch = side / pixels
    for iy in range(pixels):
        y = (iy + 0.5) * pitch
        cy = index(y, side, count)
        for ix in range(pixels):
            x = (ix + 0.5) * pitch
            cx = index(x, side, count)
            nearest, at = np.inf, -1
            for oy in range(-1, 2):
                row = (cy + oy + count) % count * count
                for ox in range(-1, 2):
                    j = head[row + (cx + ox + count) % count]
                    while j >= 0:
                        dx, dy = wrap(x - pos[j, 0], side), wrap(y - pos[j, 1], side)
                        gap = math.sqrt(dx * dx + dy * dy) - rad[j]
                        if gap < nearest:
                            nearest, at = gap, j
                        j = nxt[j]
            if nearest >= probe:
                continue
            shown[iy, ix] = kind[at] + 1
            if nearest < 0.0:
                continue
            for oy in range(-1, 2):
                row = (cy + oy + count) % count * count
                for ox in range(-1, 2):
                    c = row + (cx + ox + count) % count
                    j = chead[c]
                    while j >= 0 and shown[iy, ix] != BARE:
                        dx, dy = wrap(x - corners[j, 0], side), wrap(y - corners[j, 1], side)
                        if dx * dx + dy * dy <= probe * probe:
                            shown[iy, ix] = BARE
                        j = cnxt[j]
                    j = head[c]
                    while j >= 0 and shown[iy, ix] != BARE:
                        if touched[j]:
                            dx, dy = wrap(x - pos[j, 0], side), wrap(y - pos[j, 1], side)
                            distance = math.sqrt(dx * dx + dy * dy)
                            if distance < rad[j] + 2.0 * probe:
                                away = (rad[j] + probe) / distance
                                px = inside(pos[j, 0] + away * dx, side)
                                py = inside(pos[j, 1] + away * dy, side)
                                if clear(px, py, probe, pos, rad, head, nxt, count, side, j, j):
                                    shown[iy, ix] = BARE
                        j = nxt[j]
    return shown


# --- holes ----------------------------------------------------------------------------------------


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
def largest_circles(pos, rad, side, bare, least):
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
    half = 0.5 * pitch * (1.0 + TOUCH)
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
            apart = (found[k, 2] + kept[j, 2]) * (1.0 - TOUCH)
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
    slack = TOUCH * (abs(a) + abs(b) + abs(c))
    return (a >= -slack and b >= -slack and c >= -slack) or (a <= slack and b <= slack and c <= slack)


@_compiled
def _fits(x, y, radius, around, near):
    """Whether a circle overlaps none of the discs around."""
    for k in range(near):
        gap = math.hypot(x - around[k, 0], y - around[k, 1]) - around[k, 2]
        if gap < radius - TOUCH * (radius + around[k, 2]):
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
