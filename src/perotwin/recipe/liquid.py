"""A dilute solute in a liquid film whose top boundary falls: diffusion, uptake above, adsorption below.

The liquid reaches from the oxide (z = 0) to its top boundary (z = l). The boundary falls at a given speed w because
solvent evaporates there, or because a solid grows downwards from it. The liquid itself is at rest, so that

    dc/dt = D d2c/dz2,        w c - D dc/dz = U at z = l,        D dc/dz = J at z = 0,

with the flux U into the solid and the flux J onto the oxide. Nothing leaves with the vapour (U = 0); a solid takes
U = w c (k + (1 - k) c / c_sat): the share k (partition coefficient, additive per lead in the solid over that in the
liquid) while the liquid is dilute, and as much as the liquid holds once that is saturated. The oxide takes
J = sites dtheta/dt by the rate law of Langmuir with a competing solvent.

Solved by finite volumes in z / l with exponentially fitted fluxes (second order, no oscillation at any speed;
doi:10.1109/T-ED.1969.16566) and the stiffly accurate, L-stable Runge-Kutta method of second order of R. Alexander
(doi:10.1137/0714068). What leaves the cells is what arrives in the solid and on the oxide, so that the number of
molecules is kept to rounding whatever the step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from perotwin.compiled import compiled
from perotwin.errors import ConvergenceError, InputError
from perotwin.recipe.adsorption import Adsorption

__all__ = ["Stage", "Trace", "cell_faces", "langmuir_rate", "run"]

F64 = NDArray[np.float64]

_GAMMA = 1.0 - 1.0 / np.sqrt(2.0)
_MOST_STEPS = 200_000
_DONE, _TOO_MANY, _NOT_FINITE = 0, 1, 2
_compiled = compiled(contract=False)


@dataclass(frozen=True)
class Stage:
    """A time during which the top boundary falls at one speed.

    duration : s; the thickness that is lost (duration x speed) must leave some liquid.
    speed : m/s.
    partition : share k that a growing solid takes of a dilute solute; None where the boundary only evaporates.
    saturation : concentration (m^-3) at which the solid takes all that the liquid holds.
    solvent : share of the liquid's volume that is solvent, as (a, b) of a - b / thickness (1, m).
    """

    duration: float
    speed: float
    partition: float | None = None
    saturation: float = float("inf")
    solvent: tuple[float, float] = (1.0, 0.0)


@dataclass(frozen=True, eq=False)
class Trace:
    """What happened, at the times of the accepted steps (T,) and at the moments asked for (M,).

    time (s), thickness of the liquid (m), concentration at the oxide and at the top boundary (m^-3), theta,
    uptake by the solid so far (m^-2). `moment_concentration` (M, cells) belongs to `moment_time` and
    `moment_thickness`; `amount` (cells,) is what each cell holds at the end (m^-2).
    """

    faces: F64
    time: F64
    thickness: F64
    oxide: F64
    top: F64
    theta: F64
    uptake: F64
    moment_time: F64
    moment_thickness: F64
    moment_concentration: F64
    amount: F64


def cell_faces(cells: int, finest: float = 0.1) -> F64:
    """Faces of the cells in z / l from 0 to 1, closer at both ends.

    Parameters
    ----------
    cells : how many.
    finest : width of the outermost cells as a share of the mean width, about; 1 gives equal cells.
    """
    even = np.linspace(0.0, 1.0, cells + 1)
    # A smooth map, the same for every number of cells, keeps second order.
    wave = (1.0 - finest) * np.sin(2.0 * np.pi * even) / (2.0 * np.pi)
    faces = even - wave
    faces[0], faces[-1] = 0.0, 1.0
    return faces


@_compiled
def langmuir_rate(
    theta: float, concentration: float, k_on: float, k_off: float, solvent_factor: float
) -> float:
    """d theta/dt (1/s): k_on c (1 - theta) / solvent_factor - k_off theta, where solvent_factor = 1 + K_s c_s."""
    return k_on * concentration * (1.0 - theta) / solvent_factor - k_off * theta


@_compiled
def _bernoulli(x: float) -> float:
    """B(x) = x / (exp(x) - 1); B(-x) = B(x) + x."""
    if abs(x) < 1e-4:
        return 1.0 - 0.5 * x + x * x / 12.0
    if x > 700.0:
        return 0.0
    return x / np.expm1(x)


class _Boundary(NamedTuple):
    """The falling top boundary: its speed w (m/s), whether a solid grows there, and U = w (partition c + bend c^2)."""

    speed: float
    solid: bool
    partition: float
    bend: float


class _Uptake(NamedTuple):
    """What the oxide takes: sites (m^-2), k_on (m^3/s), k_off (1/s), competition of pure solvent."""

    sites: float
    k_on: float
    k_off: float
    competition: float


class _Stepping(NamedTuple):
    """First step (s), concentration (m^-3) below which errors do not count, tolerance, equal steps (0: by error)."""

    first: float
    floor: float
    tolerance: float
    steps: int


@_compiled
def _top(
    held: float, ratio_in: float, ratio_out: float, resistance: float, boundary: _Boundary
) -> tuple[float, float, float]:
    """Concentration at the top boundary, flux U into the solid and dU/d held.

    U = w (k c + bend c^2), with  resistance U + ratio_out c = ratio_in held.
    """
    speed, partition, bend = boundary.speed, boundary.partition, boundary.bend
    if held <= 0.0:
        slope = ratio_in / (speed * partition * resistance + ratio_out)
        value = slope * held
        return value, speed * partition * value, speed * partition * slope
    a = speed * bend * resistance
    b = speed * partition * resistance + ratio_out
    right = ratio_in * held
    value = 2.0 * right / (b + np.sqrt(b * b + 4.0 * a * right))
    slope = ratio_in / (2.0 * a * value + b)
    return value, speed * (partition + bend * value) * value, speed * (partition + 2.0 * bend * value) * slope


@_compiled
def _implicit(
    rest: F64, theta_rest: float, lag: float, length: float, boundary: _Boundary, factor: float, diffusion: float,
    oxide: _Uptake, faces: F64, amount: F64, work: F64,
) -> tuple[float, float, float, float]:  # fmt: skip
    """Solve amount = rest + lag (inflow - outflow), theta = theta_rest + lag J / sites, into `amount`.

    `length` is the liquid's thickness (m), `factor` is 1 + K_s c_s of the competing solvent. Returns theta, flux U and
    the concentrations at the oxide and at the top.
    """
    speed, solid = boundary.speed, boundary.solid
    sites, k_on, k_off = oxide.sites, oxide.k_on, oxide.k_off
    n = rest.size
    diagonal, upper, plain, low, high = work[0], work[1], work[2], work[3], work[4]
    # The unknowns are concentrations; `low` and `high` are the answers to a unit source in the first and last cell.
    # Where diffusion is fast each answer is nearly uniform, and elimination would round that part off: it is known,
    # and only the deviation from it is solved for.
    even, total = 1.0 / length, 0.0
    for i in range(n):
        total += rest[i]
    total *= even
    below_left = 0.0
    below_right = 0.0
    for i in range(n):
        width = length * (faces[i + 1] - faces[i])
        above_left = 0.0
        above_right = 0.0
        if i < n - 1:
            gap = 0.5 * length * (faces[i + 2] - faces[i])
            p = speed * faces[i + 1] * gap / diffusion
            into = _bernoulli(p)
            above_left = lag * diffusion / gap * (into + p)
            above_right = lag * diffusion / gap * into
        diag = width + above_left + below_right
        known = width + lag * speed * ((faces[i + 1] if i < n - 1 else 0.0) - faces[i])
        right = rest[i] - total * known
        right_low = -even * known
        right_high = right_low
        if i == 0:
            right_low += 1.0
        if i == n - 1:
            right_high += 1.0
        if i > 0:
            share = -below_left / diagonal[i - 1]
            diag -= share * upper[i - 1]
            right -= share * plain[i - 1]
            right_low -= share * low[i - 1]
            right_high -= share * high[i - 1]
        diagonal[i] = diag
        upper[i] = -above_right
        plain[i] = right
        low[i] = right_low
        high[i] = right_high
        below_left = above_left
        below_right = above_right
    plain[n - 1] /= diagonal[n - 1]
    low[n - 1] /= diagonal[n - 1]
    high[n - 1] /= diagonal[n - 1]
    for i in range(n - 2, -1, -1):
        plain[i] = (plain[i] - upper[i] * plain[i + 1]) / diagonal[i]
        low[i] = (low[i] - upper[i] * low[i + 1]) / diagonal[i]
        high[i] = (high[i] - upper[i] * high[i + 1]) / diagonal[i]
    for i in range(n):
        plain[i] += total
        low[i] += even
        high[i] += even

    half = 0.5 * length * (1.0 - faces[n - 1])
    p = speed * half / diffusion
    ratio_out = _bernoulli(p)
    ratio_in = ratio_out + p
    resistance = half / diffusion + ratio_in * lag * high[n - 1]
    wall = 0.5 * length * faces[1] / diffusion

    theta, flux, bottom, uptake, top = theta_rest, 0.0, 0.0, 0.0, 0.0
    if sites > 0.0:
        least, most = min(theta_rest, 0.0), max(theta_rest, 1.0)
        theta = min(max(theta_rest, 0.0), 1.0)
        for _ in range(100):
            flux = sites * (theta - theta_rest) / lag
            slope_uptake = 0.0
            if solid:
                held = plain[n - 1] - lag * flux * low[n - 1]
                top, uptake, slope = _top(held, ratio_in, ratio_out, resistance, boundary)
                slope_uptake = -slope * lag * low[n - 1]
            bottom = plain[0] - lag * (flux * low[0] + uptake * high[0]) - flux * wall
            fall = -lag * (low[0] + slope_uptake * high[0]) - wall
            wrong = (theta - theta_rest) / lag - langmuir_rate(theta, bottom, k_on, k_off, factor)
            if wrong > 0.0:
                most = theta
            else:
                least = theta
            some = max(abs(bottom), 1.0)
            empty = langmuir_rate(theta, 0.0, k_on, k_off, factor)
            by_oxide = (langmuir_rate(theta, some, k_on, k_off, factor) - empty) / some
            by_theta = langmuir_rate(1.0, bottom, k_on, k_off, factor) - langmuir_rate(
                0.0, bottom, k_on, k_off, factor
            )
            slope_wrong = 1.0 / lag - by_theta - by_oxide * fall * sites / lag
            step = -wrong / slope_wrong
            new = theta + step
            if not least <= new <= most:
                new = 0.5 * (least + most)
            done = abs(new - theta) <= 1e-14 * abs(new)
            theta = new
            if done:
                break
        flux = sites * (theta - theta_rest) / lag
    if solid:
        held = plain[n - 1] - lag * flux * low[n - 1]
        top, uptake, slope = _top(held, ratio_in, ratio_out, resistance, boundary)
    for i in range(n):
        c = plain[i] - lag * (flux * low[i] + uptake * high[i])
        amount[i] = c * length * (faces[i + 1] - faces[i])
    if not solid:
        last = amount[n - 1] / (length * (1.0 - faces[n - 1]))
        top = last * ratio_in / ratio_out if ratio_out > 0.0 else np.inf
    bottom = amount[0] / (length * faces[1]) - flux * wall
    return theta, uptake, bottom, top


@_compiled
def _advance(
    amount: F64, theta: float, start: float, duration: float, boundary: _Boundary, solvent: tuple[float, float],
    diffusion: float, oxide: _Uptake, faces: F64, moments: F64, stepping: _Stepping,
) -> tuple[int, F64, F64, float]:  # fmt: skip
    """One stage. `amount` is changed in place; returns the outcome, the log (steps, 6), the moments' cells and theta.

    `start` is the liquid's thickness (m) when the stage of `duration` (s) begins, `solvent` as in `Stage`. The error of
    the concentration counts relative to its highest value, and to no less than `floor` (m^-3).
    Columns of the log: time in the stage, thickness, oxide, top, theta, uptake in the stage.
    """
    first, floor, tolerance, steps = stepping
    n = amount.size
    work = np.empty((5, n))
    stage, rest, new = np.empty(n), np.empty(n), np.empty(n)
    log = np.empty((256, 6))
    seen = np.empty((moments.size, n))
    used = 0
    time, taken = 0.0, 0.0
    step = duration / steps if steps > 0 else min(first, duration)
    which = 0
    more = (1.0 - _GAMMA) / _GAMMA
    for _ in range(_MOST_STEPS):
        goal = moments[which] if which < moments.size else duration
        lands = time + step * (1.0 + 1e-9) >= goal
        size = goal - time if lands else step
        if not lands and steps == 0 and time + 2.0 * step > goal:
            size = 0.5 * (goal - time)
        lag = _GAMMA * size

        length = start - boundary.speed * (time + lag)
        factor = 1.0 + oxide.competition * (solvent[0] - solvent[1] / length)
        middle, uptake_1, _, _ = _implicit(
            amount, theta, lag, length, boundary, factor, diffusion, oxide, faces, stage, work
        )
        for i in range(n):
            rest[i] = amount[i] + more * (stage[i] - amount[i])
        theta_rest = theta + more * (middle - theta)
        length = start - boundary.speed * (goal if lands else time + size)
        factor = 1.0 + oxide.competition * (solvent[0] - solvent[1] / length)
        after, uptake_2, bottom, top = _implicit(
            rest, theta_rest, lag, length, boundary, factor, diffusion, oxide, faces, new, work
        )
        if not np.isfinite(middle + after):
            return _NOT_FINITE, log[:used], seen, theta
        if steps == 0:
            highest, error = floor, 0.0
            for i in range(n):
                width = length * (faces[i + 1] - faces[i])
                highest = max(highest, new[i] / width)
                error = max(error, abs(new[i] - rest[i] - stage[i] + amount[i]) / width)
            error /= highest
            error = max(error, abs(after - theta_rest - middle + theta) / max(after, 1e-12)) / tolerance
            if after > 1.0 + 1e-12:
                error = max(error, 4.0)  # no oxide takes more than it has places for
            if not np.isfinite(error):
                return _NOT_FINITE, log[:used], seen, theta
            if error > 1.0:
                step = size * max(0.9 / np.sqrt(error), 0.1)
                continue
            grown = size * min(0.9 / np.sqrt(max(error, 1e-8)), 4.0)
            # a step cut short to land on a moment says nothing about the next
            step = max(grown, step) if size < step else grown
        taken += size * ((1.0 - _GAMMA) * uptake_1 + _GAMMA * uptake_2)
        amount[:] = new
        theta = after
        time = goal if lands else time + size
        if used == log.shape[0]:
            longer = np.empty((2 * used, 6))
            longer[:used] = log
            log = longer
        log[used, 0] = time
        log[used, 1] = length
        log[used, 2] = bottom
        log[used, 3] = top
        log[used, 4] = theta
        log[used, 5] = taken
        used += 1
        if lands:
            if which < moments.size:
                for i in range(n):
                    seen[which, i] = amount[i] / (length * (faces[i + 1] - faces[i]))
                which += 1
            if time >= duration:
                return _DONE, log[:used], seen, theta
    return _TOO_MANY, log[:used], seen, theta


def run(
    stages: Sequence[Stage],
    thickness: float,
    concentration: float,
    diffusion: float,
    adsorption: Adsorption | None = None,
    *,
    faces: F64 | None = None,
    moments: Sequence[float] | F64 = (),
    tolerance: float = 1e-4,
    steps: int = 0,
) -> Trace:
    """Follow the solute through the stages.

    Parameters
    ----------
    stages : what the top boundary does, in order.
    thickness : of the liquid at the start (m).
    concentration : uniform at the start (m^-3).
    diffusion : of the solute in the liquid (m^2/s).
    adsorption : what the oxide takes; nothing where None.
    faces : of the cells in z / l, from 0 to 1; 160 cells, closer at both ends, where None.
    moments : times (s) at which the profile is kept.
    tolerance : relative local error of a step.
    steps : a number of equal steps a stage instead of steps by error.

    Raises
    ------
    InputError : the stages take more than the film holds.
    ConvergenceError : steps become too many or a value is not finite.
    """
    lost = sum(stage.duration * stage.speed for stage in stages)
    if not lost < thickness:
        raise InputError(
            f"the stages of drying take {lost:.3g} m from a liquid of {thickness:.3g} m.",
            "Leave some liquid at the end: shorten the stages or slow them down.",
            key="stages",
        )
    faces = cell_faces(160) if faces is None else np.ascontiguousarray(faces, dtype=float)
    oxide = adsorption or Adsorption()
    takes = _Uptake(*(float(x) for x in (oxide.sites, oxide.k_on, oxide.k_off, oxide.solvent_competition)))
    amount = concentration * thickness * np.diff(faces)
    logs = [np.array([[0.0, thickness, concentration, concentration, 0.0, 0.0]])]
    wanted = np.sort(np.asarray(moments, dtype=float))
    kept: list[F64] = [np.full((int(np.sum(wanted <= 0.0)), amount.size), float(concentration))]
    theta, begun, length = 0.0, 0.0, float(thickness)
    taken = 0.0
    for stage in stages:
        if stage.duration <= 0.0:
            continue
        inside = wanted[(wanted > begun) & (wanted <= begun + stage.duration)] - begun
        solid = stage.partition is not None
        partition = 0.0 if stage.partition is None else float(stage.partition)
        # a first step in which nothing can change much: the oxide fills no site, the boundary meets no molecule
        quick = oxide.k_on * concentration + oxide.k_off + stage.speed / length
        fastest = max(stage.speed**2 / diffusion, quick, 1.0 / stage.duration)
        boundary = _Boundary(
            float(stage.speed), solid, partition, float((1.0 - partition) / stage.saturation)
        )
        solvent = float(stage.solvent[0]), float(stage.solvent[1])
        stepping = _Stepping(
            float(1e-3 / fastest), float(max(1e-6 * concentration, 1.0)), float(tolerance), steps
        )
        outcome, log, seen, theta = _advance(
            amount, theta, length, float(stage.duration), boundary, solvent, float(diffusion), takes, faces, inside,
            stepping,
        )  # fmt: skip
        if outcome != _DONE:
            why = (
                "a value is not finite"
                if outcome == _NOT_FINITE
                else f"{_MOST_STEPS} steps do not reach its end"
            )
            raise ConvergenceError(
                f"the drying film cannot be followed: {why}.",
                "Check speeds, rates and the diffusion coefficient, or raise the tolerance.",
                stage="drying",
            )
        log[:, 0] += begun
        log[:, 5] += taken
        logs.append(log)
        kept.append(seen)
        begun += stage.duration
        taken = float(log[-1, 5])
        length = float(log[-1, 1])
    time, liquid, bottom, top, share, uptake = np.concatenate(logs).T
    reached = wanted[wanted <= begun]
    return Trace(
        faces,
        time,
        liquid,
        bottom,
        top,
        share,
        uptake,
        moment_time=reached,
        moment_thickness=np.interp(reached, time, liquid),
        moment_concentration=np.concatenate(kept),
        amount=amount,
    )
