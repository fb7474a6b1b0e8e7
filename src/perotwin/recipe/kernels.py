"""Compiled functions of the monolayer: discs that arrive, move and leave on a periodic square of an oxide.

Random numbers come from a xoshiro256++ generator (doi:10.1145/3460772) whose state, four 64-bit words, is passed in and
advanced: nothing is global, and a seed gives the same molecules bit for bit.

Discs are found through square cells that are at least as wide as the longest distance asked for, so that a disc, its
cell and the eight around it suffice; every function here therefore needs a square at least three cells wide, which the
callers see to. Positions are (N, 2) in m, within [0, side).
"""

from __future__ import annotations

import math

import numpy as np

from perotwin.compiled import compiled, inlined

#: relative slack of comparisons between discs that touch: rounding must not open or close a gap
TOUCH = 1e-9
#: discs that are pushed apart aim at this relative gap, so that they arrive at none with few passes (`separate`)
_APART = 4e-3
#: and each pair moves this much further than it must (successive over-relaxation)
_FURTHER = 1.7
#: partners are looked for again when a disc has moved half this far, in diameters
_REACH = 0.4

#: no contraction: the same seed must give the same molecules whatever the compiler thinks of
_compiled = compiled(contract=False)
_inlined = inlined(contract=False)

_11, _17, _23, _45, _64 = (np.uint64(bits) for bits in (11, 17, 23, 45, 64))


# --- random numbers -------------------------------------------------------------------------------


@_compiled
def uniform(state):
    """The next number of [0, 1); `state` (4,) uint64 moves on."""
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    total = s0 + s3
    result = ((total << _23) | (total >> (_64 - _23))) + s0
    t = s1 << _17
    s2 ^= s0
    s3 ^= s1
    s1 ^= s2
    s0 ^= s3
    s2 ^= t
    s3 = (s3 << _45) | (s3 >> (_64 - _45))
    state[0], state[1], state[2], state[3] = s0, s1, s2, s3
    return float(result >> _11) * (1.0 / 9007199254740992.0)


@_compiled
def shuffle(items, state):
    """Put `items` into random order, in place."""
    for i in range(items.size - 1, 0, -1):
        j = int(uniform(state) * (i + 1))
        items[i], items[j] = items[j], items[i]


# --- cells ----------------------------------------------------------------------------------------


@_inlined
def wrap(d, side):
    """The shortest of a difference and those to periodic images."""
    half = 0.5 * side
    if d > half:
        return d - side
    if d < -half:
        return d + side
    return d


@_inlined
def inside(x, side):
    """The periodic image of a coordinate within [0, side)."""
    x -= math.floor(x / side) * side
    return x if x < side else 0.0


@_inlined
def index(x, side, count):
    """The cell that a coordinate lies in; rounding may put x / side * count at count itself."""
    i = int(x / side * count)
    return i if i < count else count - 1


@_compiled
def fill_cells(pos, n, side, count):
    """Chains of the first `n` discs by cell: first disc of a cell (count^2,), next of a disc (len(pos),), -1 ends."""
    head = np.full(count * count, -1, np.int32)
    nxt = np.full(pos.shape[0], -1, np.int32)
    for i in range(n):
        c = index(pos[i, 1], side, count) * count + index(pos[i, 0], side, count)
        nxt[i] = head[c]
        head[c] = i
    return head, nxt


@_compiled
def clear(x, y, radius, pos, rad, head, nxt, count, side, skip_a, skip_b):
    """Whether a disc at (x, y) overlaps none but `skip_a` and `skip_b`."""
    cx, cy = index(x, side, count), index(y, side, count)
    for oy in range(-1, 2):
        row = (cy + oy + count) % count * count
        for ox in range(-1, 2):
            j = head[row + (cx + ox + count) % count]
            while j >= 0:
                if j != skip_a and j != skip_b:
                    dx, dy = wrap(x - pos[j, 0], side), wrap(y - pos[j, 1], side)
                    least = radius + rad[j]
                    if dx * dx + dy * dy < least * least * (1.0 - TOUCH):
                        return False
                j = nxt[j]
    return True


@_compiled
def neighbours(pos, rad, n, side, gap, half):
    """Who of the first `n` discs has an edge within `gap` of whose, as (first (n + 1,), who).

    Those of i are who[first[i]:first[i + 1]]; with `half` each pair is told once, by its first member.
    """
    widest = 0.0
    for i in range(n):
        widest = max(widest, rad[i])
    count = max(int(side / (2.0 * widest + gap)), 1) if n > 0 else 1
    head, nxt = fill_cells(pos, n, side, count)
    first = np.zeros(n + 1, np.int64)
    who = np.empty(8 * n + 16, np.int32)
    found = 0
    for i in range(n):
        cx, cy = index(pos[i, 0], side, count), index(pos[i, 1], side, count)
        for oy in range(-1, 2):
            row = (cy + oy + count) % count * count
            for ox in range(-1, 2):
                j = head[row + (cx + ox + count) % count]
                while j >= 0:
                    if j > i or (j != i and not half):
                        dx, dy = wrap(pos[i, 0] - pos[j, 0], side), wrap(pos[i, 1] - pos[j, 1], side)
                        reach = rad[i] + rad[j] + gap
                        if dx * dx + dy * dy <= reach * reach:
                            if found == who.size:
                                longer = np.empty(2 * who.size, np.int32)
                                longer[:found] = who
                                who = longer
                            who[found] = j
                            found += 1
                    j = nxt[j]
        first[i + 1] = found
    return first, who[:found].copy()


# --- arriving -------------------------------------------------------------------------------------


@_inlined
def _sort_at(x, y, sort, side):
    """The sort of oxide at a point."""
    return sort[index(y, side, sort.shape[0]), index(x, side, sort.shape[1])]


@_compiled
def _covered(ix, iy, h, radius, pos, rad, head, nxt, count, side):
    """Whether no centre of a disc fits anywhere in a voxel because one other disc excludes all of it."""
    x, y, half = (ix + 0.5) * h, (iy + 0.5) * h, 0.5 * h
    cx, cy = index(x, side, count), index(y, side, count)
    for oy in range(-1, 2):
        row = (cy + oy + count) % count * count
        for ox in range(-1, 2):
            j = head[row + (cx + ox + count) % count]
            while j >= 0:
                dx, dy = abs(wrap(x - pos[j, 0], side)) + half, abs(wrap(y - pos[j, 1], side)) + half
                least = radius + rad[j]
                if dx * dx + dy * dy < least * least * (1.0 - TOUCH):
                    return True
                j = nxt[j]
    return False


@_compiled
def adsorb(pos, rad, when, n, radius, side, sort, quota, held, plain, state):
    """Random sequential adsorption of discs until certainly no more fits; returns how many discs there are then.

    First `plain` attempts anywhere, then attempts only in voxels that are not excluded as a whole by one disc;
    voxels are split in four and the excluded ones dropped until none is left (doi:10.1103/PhysRevE.88.053312). An
    attempt in the voxels stands for as many anywhere as it takes to hit them once, drawn from the geometric
    distribution, so that the count of attempts is that of the plain process.

    Parameters
    ----------
    pos, rad, when : (cap, 2), (cap,), (cap,): places and radii (m) of all discs, and the count of attempts at which
        each new one landed; the first `n` are there already, the rest is written. `cap` must hold a dense packing.
    sort, quota, held : sort of oxide on a raster (G, G), how many discs each sort takes at most (2,), and how many it
        holds (2,, updated): a sort that has its quota takes no more.
    """
    widest = radius
    for i in range(n):
        widest = max(widest, rad[i])
    count = max(int(side / (radius + widest)), 1)
    head, nxt = fill_cells(pos, n, side, count)
    elapsed = 0.0
    for _ in range(plain):
        elapsed += 1.0
        x, y = uniform(state) * side, uniform(state) * side
        s = _sort_at(x, y, sort, side)
        if held[s] < quota[s] and clear(x, y, radius, pos, rad, head, nxt, count, side, -1, -1):
            n = _place(x, y, radius, n, pos, rad, head, nxt, count, side)
            when[n - 1] = elapsed
            held[s] += 1
    across = math.ceil(side / (0.8 * radius))
    h = side / across
    vx, vy = np.empty(across * across, np.int64), np.empty(across * across, np.int64)
    listed = 0
    for iy in range(across):
        for ix in range(across):
            if _takes(ix, iy, h, side, sort, quota, held) and not _covered(
                ix, iy, h, radius, pos, rad, head, nxt, count, side
            ):
                vx[listed], vy[listed] = ix, iy
                listed += 1
    while listed > 0 and n < pos.shape[0]:
        share = listed * h * h / (side * side)
        rarer = math.log1p(-share) if share < 1.0 else -math.inf
        landed = 0
        for _ in range(listed):
            v = int(uniform(state) * listed)
            x, y = (vx[v] + uniform(state)) * h, (vy[v] + uniform(state)) * h
            x, y = inside(x, side), inside(y, side)
            elapsed += math.floor(math.log1p(-uniform(state)) / rarer) + 1.0
            s = _sort_at(x, y, sort, side)
            if held[s] < quota[s] and clear(x, y, radius, pos, rad, head, nxt, count, side, -1, -1):
                n = _place(x, y, radius, n, pos, rad, head, nxt, count, side)
                when[n - 1] = elapsed
                held[s] += 1
                landed += 1
                if n == pos.shape[0]:
                    break
        # While many attempts land there is no need for finer voxels, only for a shorter list.
        parts = 1 if landed * 8 > listed else 2
        h /= parts
        wx, wy = np.empty(parts * parts * listed, np.int64), np.empty(parts * parts * listed, np.int64)
        left = 0
        for v in range(listed):
            for part in range(parts * parts):
                ix, iy = parts * vx[v] + part % parts, parts * vy[v] + part // parts
                if _takes(ix, iy, h, side, sort, quota, held) and not _covered(
                    ix, iy, h, radius, pos, rad, head, nxt, count, side
                ):
                    wx[left], wy[left] = ix, iy
                    left += 1
        vx, vy, listed = wx[:left].copy(), wy[:left].copy(), left
    return n


@_compiled
def _takes(ix, iy, h, side, sort, quota, held):
    """Whether the oxide in a voxel takes more discs."""
    s = _sort_at((ix + 0.5) * h, (iy + 0.5) * h, sort, side)
    # The edge between sorts runs through voxels as long as these are wider than the raster.
    return held[s] < quota[s] or (h * sort.shape[0] >= side and held[1 - s] < quota[1 - s])


@_compiled
def _place(x, y, radius, n, pos, rad, head, nxt, count, side):
    """Put a disc down as number `n`; returns the new number of discs."""
    pos[n, 0], pos[n, 1], rad[n] = x, y, radius
    c = index(y, side, count) * count + index(x, side, count)
    nxt[n] = head[c]
    head[c] = n
    return n + 1


# --- moving ---------------------------------------------------------------------------------------


@_compiled
def relax(pos, n, radius, side, step, reach, bond, sort, weaker, held, sweeps, state):
    """Monte Carlo moves of equal discs, in place (Metropolis, doi:10.1063/1.1699114); returns the share accepted.

    Parameters
    ----------
    pos : (>= n, 2), the first `n` move.
    step : longest move along each axis, m.
    reach, bond : two molecules within `reach` (centre to centre, m) are `bond` (in kT) lower in energy.
    sort, weaker, held : on oxide of sort 1 a molecule is `weaker` (in kT) higher; `held` counts are kept up.
    sweeps : moves tried per disc.
    """
    count = max(int(side / max(2.0 * radius, reach)), 1)
    head, nxt = fill_cells(pos, n, side, count)
    least, near = 4.0 * radius * radius, reach * reach
    accepted = 0
    for _ in range(sweeps * n):
        i = int(uniform(state) * n)
        x0, y0 = pos[i, 0], pos[i, 1]
        x, y = x0 + (2.0 * uniform(state) - 1.0) * step, y0 + (2.0 * uniform(state) - 1.0) * step
        x, y = inside(x, side), inside(y, side)
        cx, cy = index(x, side, count), index(y, side, count)
        gained, overlaps = 0, False
        for oy in range(-1, 2):
            row = (cy + oy + count) % count * count
            for ox in range(-1, 2):
                j = head[row + (cx + ox + count) % count]
                while j >= 0:
                    if j != i:
                        dx, dy = wrap(x - pos[j, 0], side), wrap(y - pos[j, 1], side)
                        distance = dx * dx + dy * dy
                        if distance < least:
                            overlaps = True
                            break
                        if distance <= near:
                            gained += 1
                    j = nxt[j]
                if overlaps:
                    break
            if overlaps:
                break
        if overlaps:
            continue
        bx, by = index(x0, side, count), index(y0, side, count)
        s0, s1 = _sort_at(x0, y0, sort, side), _sort_at(x, y, sort, side)
        cost = weaker * (int(s1) - int(s0)) - bond * gained
        if bond != 0.0:
            for oy in range(-1, 2):
                row = (by + oy + count) % count * count
                for ox in range(-1, 2):
                    j = head[row + (bx + ox + count) % count]
                    while j >= 0:
                        if j != i:
                            dx, dy = wrap(x0 - pos[j, 0], side), wrap(y0 - pos[j, 1], side)
                            if dx * dx + dy * dy <= near:
                                cost += bond
                        j = nxt[j]
        if cost > 0.0 and uniform(state) >= math.exp(-cost):
            continue
        accepted += 1
        held[s0] -= 1
        held[s1] += 1
        pos[i, 0], pos[i, 1] = x, y
        if bx != cx or by != cy:
            c = by * count + bx
            if head[c] == i:
                head[c] = nxt[i]
            else:
                j = head[c]
                while nxt[j] != i:
                    j = nxt[j]
                nxt[j] = nxt[i]
            c = cy * count + cx
            nxt[i] = head[c]
            head[c] = i
    return accepted / max(sweeps * n, 1)


@_compiled
def sort_by_cell(pos, n, side, width):
    """Renumber the first `n` discs in place, cell by cell: neighbours on the surface lie together in memory."""
    count = max(int(side / width), 1)
    head, nxt = fill_cells(pos, n, side, count)
    sorted_pos = np.empty((n, 2))
    at = 0
    for c in range(count * count):
        j = head[c]
        while j >= 0:
            sorted_pos[at, 0], sorted_pos[at, 1] = pos[j, 0], pos[j, 1]
            at += 1
            j = nxt[j]
    for i in range(n):
        pos[i, 0], pos[i, 1] = sorted_pos[i, 0], sorted_pos[i, 1]


@_compiled
def separate(pos, rad, n, side, most):
    """Push overlapping equal discs apart, in place, until none overlaps; returns the worst overlap left (m, 0 if none).

    Each pair that is too close moves apart along its line, one pair after the other, a little further than it must:
    this settles in tens of passes at densities at which plain projection takes hundreds. `most` passes are tried.
    """
    diameter = 2.0 * rad[0]
    aim, further = diameter * (1.0 + _APART), 0.5 * _FURTHER
    slack = _REACH * diameter
    worst = 0.0
    passes = 0
    while passes < most:
        first, who = neighbours(pos, rad, n, side, slack, True)
        start = pos[:n].copy()
        travelled = 0.0
        while passes < most and travelled <= 0.25 * slack * slack:
            passes += 1
            worst = 0.0
            for i in range(n):
                for k in range(first[i], first[i + 1]):
                    j = who[k]
                    dx, dy = wrap(pos[j, 0] - pos[i, 0], side), wrap(pos[j, 1] - pos[i, 1], side)
                    square = dx * dx + dy * dy
                    if square < aim * aim:
                        distance = math.sqrt(square)
                        worst = max(worst, diameter - distance)
                        shift = further * (aim - distance) / distance
                        pos[i, 0] -= shift * dx
                        pos[i, 1] -= shift * dy
                        pos[j, 0] += shift * dx
                        pos[j, 1] += shift * dy
            if worst == 0.0:
                break
            travelled = 0.0
            for i in range(n):
                dx, dy = pos[i, 0] - start[i, 0], pos[i, 1] - start[i, 1]
                travelled = max(travelled, dx * dx + dy * dy)
        for i in range(n):
            for axis in range(2):
                pos[i, axis] = inside(pos[i, axis], side)
        if worst == 0.0:
            break
    return worst


# --- leaving --------------------------------------------------------------------------------------


@_compiled
def desorb(first, who, kind, alone, weaken, until, state):
    """When each molecule leaves, by rejection-free kinetic Monte Carlo (doi:10.1016/0021-9991(75)90060-1).

    Parameters
    ----------
    first, who : neighbours, as `neighbours` gives them.
    kind : (N,), kind of each molecule.
    alone : (N,), s^-1: rate at which each would leave without neighbours.
    weaken : (kinds, kinds): a molecule of the first kind leaves slower by this factor for each neighbour of the second.
    until : s; what happens later is not followed.

    Returns
    -------
    (N,), s; infinite for those that stay.
    """
    n, kinds = kind.size, weaken.shape[0]
    left = np.full(n, np.inf)
    held = np.zeros((n, kinds), np.int64)
    leaves = 1
    while leaves < n:
        leaves *= 2
    tree = np.zeros(
        2 * leaves
    )  # node k sums nodes 2 k and 2 k + 1; the molecules' rates are nodes from `leaves` on
    for i in range(n):
        for k in range(first[i], first[i + 1]):
            held[i, kind[who[k]]] += 1
        tree[leaves + i] = _rate(i, kind, alone, weaken, held)
    for k in range(leaves - 1, 0, -1):
        tree[k] = tree[2 * k] + tree[2 * k + 1]
    time = 0.0
    while n > 0 and tree[1] > 0.0:
        time -= math.log1p(-uniform(state)) / tree[1]
        if time > until:
            break
        mark, k = uniform(state) * tree[1], 1
        while k < leaves:
            k *= 2
            # Rounding must not lead to molecules that have left.
            if tree[k + 1] > 0.0 and (mark >= tree[k] or tree[k] == 0.0):
                mark -= tree[k]
                k += 1
        i = k - leaves
        left[i] = time
        _set_rate(tree, k, 0.0)
        for m in range(first[i], first[i + 1]):
            j = who[m]
            if left[j] == np.inf:
                held[j, kind[i]] -= 1
                _set_rate(tree, leaves + j, _rate(j, kind, alone, weaken, held))
    return left


@_inlined
def _rate(i, kind, alone, weaken, held):
    rate = alone[i]
    for other in range(weaken.shape[0]):
        rate *= weaken[kind[i], other] ** held[i, other]
    return rate


@_inlined
def _set_rate(tree, k, rate):
    tree[k] = rate
    while k > 1:
        k //= 2
        tree[k] = tree[2 * k] + tree[2 * k + 1]
