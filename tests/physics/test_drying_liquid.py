"""A solute in a liquid whose top falls, against closed forms and against computations that share no code with it."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.special import erf

from perotwin.recipe.adsorption import Adsorption
from perotwin.recipe.liquid import Stage, Trace, cell_faces, langmuir_rate, run

C0 = 1e25
D = 2e-10


def content(trace: Trace, sites: float = 0.0) -> float:
    """All molecules: liquid, solid, oxide (m^-2)."""
    return float(trace.amount.sum() + trace.uptake[-1] + sites * trace.theta[-1])


# --- evaporation: what a falling surface does --------------------------------------------------------------------


def swept(x: np.ndarray, t: float, speed: float) -> np.ndarray:
    """c / c0 at the distance x below a surface that has fallen into a deep uniform liquid for the time t.

    Drifting Brownian motion with a reflecting wall; also the case of complete rejection of Smith, Tiller and Rutter,
    Can. J. Phys. 33, 723 (1955), doi:10.1139/p55-089.
    """
    s = np.sqrt(2.0 * D * t)

    def below(a: np.ndarray) -> np.ndarray:
        return 0.5 * (1.0 + erf(a / np.sqrt(2.0)))

    def mean(a: np.ndarray) -> np.ndarray:
        return a * below(a) + np.exp(-0.5 * a * a) / np.sqrt(2.0 * np.pi)

    back = (speed * t - x) / s
    return below((x + speed * t) / s) + np.exp(-speed * x / D) * (below(back) + speed / D * s * mean(back))


@pytest.mark.parametrize("peclet", [10.0, 100.0, 1000.0])
def test_a_fast_surface_piles_the_solute_up_as_the_closed_form_says(peclet: float) -> None:
    """Routh and Zimmerman, Chem. Eng. Sci. 59, 2961 (2004), doi:10.1016/j.ces.2004.04.027: Pe = v h / D decides."""
    height = 2e-6
    speed = peclet * D / height
    # the surface has gone far enough for a layer to form, and the oxide does not feel it yet
    duration = min(0.5 * height / speed, 0.02 * height**2 / D)
    trace = run(
        [Stage(duration, speed)], height, C0, D, faces=cell_faces(2000), moments=[duration], tolerance=1e-6
    )
    left = height - speed * duration
    centres = left * 0.5 * (trace.faces[1:] + trace.faces[:-1])
    wanted = swept(left - centres, duration, speed)
    assert trace.moment_concentration[0] / C0 == pytest.approx(wanted, rel=2e-4)
    assert trace.top[-1] / C0 == pytest.approx(float(swept(np.zeros(1), duration, speed)[0]), rel=2e-4)


def test_the_pile_is_an_exponential_layer_of_thickness_d_over_v() -> None:
    """Quasi-steady: the excess falls off as exp(-v x / D) below the surface, and holds what the surface swept up."""
    height, peclet = 2e-6, 500.0
    speed = peclet * D / height
    duration = 0.6 * height / speed
    trace = run(
        [Stage(duration, speed)], height, C0, D, faces=cell_faces(2000), moments=[duration], tolerance=1e-6
    )
    left = height - speed * duration
    below = left * (1.0 - 0.5 * (trace.faces[1:] + trace.faces[:-1]))
    excess = trace.moment_concentration[0] - C0
    near = below < 3.0 * D / speed
    slope = np.polyfit(below[near], np.log(excess[near]), 1)[0]
    # still growing: the layer lags behind by the share 1 / (v^2 t / D) of its height
    assert -slope * D / speed == pytest.approx(1.0, rel=2.0 / (speed**2 * duration / D) + 0.005)
    swept_up = np.sum(excess * left * np.diff(trace.faces))
    assert swept_up == pytest.approx(C0 * speed * duration, rel=1e-10)


@pytest.mark.parametrize("peclet", [1e-3, 1e-2, 0.1])
def test_a_slow_surface_keeps_the_profile_uniform(peclet: float) -> None:
    """Quasi-steady: c(z) - mean = Pe c (z^2 / h^2 - 1/3) / 2, so from bottom to top it varies by Pe / 2."""
    height = 2e-6
    speed = peclet * D / height
    duration = 0.5 * height / speed
    trace = run([Stage(duration, speed)], height, C0, D, moments=[duration], tolerance=1e-6)
    profile, mean = trace.moment_concentration[0], 2.0 * C0
    z = 0.5 * (trace.faces[1:] + trace.faces[:-1])
    now = peclet * 0.5  # half the height is left
    assert profile / mean == pytest.approx(1.0 + now * (z**2 - 1.0 / 3.0) / 2.0, abs=0.2 * now**2 + 1e-7)
    assert np.ptp(profile) / mean == pytest.approx(now / 2.0, rel=0.1 * peclet + 0.01)


# --- a solid front -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("partition", [0.0, 0.3, 0.7])
def test_a_slow_front_follows_scheil(partition: float) -> None:
    """Well mixed, the liquid is enriched as (l0 / l)^(1 - k): Gulliver 1913, Scheil 1942."""
    height, left = 1e-6, 2e-8
    speed = 1e-4 * D / height
    trace = run([Stage((height - left) / speed, speed, partition)], height, C0, D, tolerance=1e-6)
    wanted = C0 * (height / trace.thickness) ** (1.0 - partition)
    assert trace.oxide == pytest.approx(wanted, rel=2e-4)
    solid = C0 * height * (1.0 - (trace.thickness / height) ** partition)
    assert trace.uptake == pytest.approx(solid, rel=2e-4, abs=1e-6 * C0 * height)


def test_a_liquid_that_is_saturated_is_enriched_no_more() -> None:
    """Well mixed with saturation the enrichment is logistic in ln(l): it ends at c_sat."""
    height, left, partition, saturation = 1e-6, 1e-9, 0.2, 20.0 * C0
    speed = 1e-4 * D / height
    trace = run([Stage((height - left) / speed, speed, partition, saturation)], height, C0, D, tolerance=1e-6)
    odds = C0 / saturation / (1.0 - C0 / saturation) * (height / trace.thickness) ** (1.0 - partition)
    assert trace.oxide == pytest.approx(saturation * odds / (1.0 + odds), rel=1e-3)
    assert trace.oxide[-1] < saturation


@pytest.mark.parametrize("peclet", [1e-2, 1.0, 50.0])
def test_partition_one_leaves_everything_as_it_was(peclet: float) -> None:
    height, left = 1e-6, 1e-9
    speed = peclet * D / height
    trace = run([Stage((height - left) / speed, speed, 1.0)], height, C0, D)
    assert trace.oxide == pytest.approx(np.full(trace.oxide.size, C0), rel=1e-10)
    assert trace.uptake == pytest.approx(C0 * (height - trace.thickness), rel=1e-10, abs=1e-10 * C0 * height)


def test_a_fast_front_reaches_the_steady_state_of_tiller() -> None:
    """Far from the oxide the solid ends up with what the liquid brought, c = c0 (1 + (1 - k)/k exp(-v x / D)).

    W. A. Tiller, K. A. Jackson, J. W. Rutter and B. Chalmers, Acta Metall. 1, 428 (1953),
    doi:10.1016/0001-6160(53)90126-6.
    """
    height, partition = 2e-6, 0.5
    speed = 400.0 * D / height
    duration = 0.7 * height / speed
    faces = cell_faces(2000)
    trace = run(
        [Stage(duration, speed, partition)], height, C0, D, faces=faces, moments=[duration], tolerance=1e-6
    )
    below = (height - speed * duration) * (1.0 - 0.5 * (faces[1:] + faces[:-1]))
    wanted = C0 * (1.0 + (1.0 - partition) / partition * np.exp(-speed * below / D))
    assert trace.moment_concentration[0] == pytest.approx(wanted, rel=1e-3)
    assert partition * trace.top[-1] == pytest.approx(C0, rel=1e-3)


# --- adsorption --------------------------------------------------------------------------------------------------


def test_an_oxide_that_takes_all_is_fed_by_diffusion() -> None:
    """Uptake 2 c sqrt(D t / pi): Ward and Tordai, J. Chem. Phys. 14, 453 (1946), doi:10.1063/1.1724167."""
    height = 5e-6
    sites = 1e24  # so many that they never fill
    duration = 0.01 * height**2 / D
    oxide = Adsorption(sites, k_on=1e5 / sites)
    times = duration * np.array([0.01, 0.1, 0.5, 1.0])
    trace = run([Stage(duration, 0.0)], height, C0, D, oxide, faces=cell_faces(800, 0.01), tolerance=1e-5)
    taken = np.interp(times, trace.time, sites * trace.theta)
    assert taken == pytest.approx(2.0 * C0 * np.sqrt(D * times / np.pi), rel=3e-3)


@pytest.mark.parametrize("solvent", [0.0, 3.0])
def test_in_a_well_mixed_liquid_the_oxide_fills_as_langmuir_says(solvent: float) -> None:
    """theta = c / (c + K) (1 - exp(-(k_on c / S + k_off) t)) where the liquid loses nothing to speak of."""
    k_on, k_off, factor = 2e-25, 0.5, 1.0 + solvent
    oxide = Adsorption(1e12, k_on, k_off, solvent)
    trace = run([Stage(2.0, 0.0, solvent=(1.0, 0.0))], 1e-6, C0, D, oxide, tolerance=1e-6)
    rate = k_on * C0 / factor + k_off
    wanted = k_on * C0 / factor / rate * (1.0 - np.exp(-rate * trace.time))
    assert trace.theta == pytest.approx(wanted, abs=1e-6)


def test_a_small_drop_is_shared_with_the_oxide_until_neither_changes() -> None:
    """Finite supply: c h + sites theta = c0 h together with k_on c (1 - theta) = k_off theta."""
    height, sites, k_on, k_off = 1e-7, 1e18, 1e-24, 3.0
    trace = run([Stage(20.0, 0.0)], height, C0, D, Adsorption(sites, k_on, k_off))
    b = C0 * height / sites + 1.0 + k_off * height / (k_on * sites)
    wanted = 0.5 * (b - np.sqrt(b * b - 4.0 * C0 * height / sites))
    assert trace.theta[-1] == pytest.approx(wanted, rel=1e-6)
    assert trace.oxide[-1] == pytest.approx(C0 - sites * wanted / height, rel=1e-6)


def test_the_rate_law_is_that_of_langmuir() -> None:
    assert langmuir_rate(0.25, 8.0, 0.5, 2.0, 4.0) == pytest.approx(0.5 * 8.0 * 0.75 / 4.0 - 2.0 * 0.25)


# --- everything at once, against a computation that shares nothing -----------------------------------------------


def by_lines(
    stages: list[Stage], height: float, oxide: Adsorption, cells: int
) -> tuple[float, float, float, float]:
    """theta, solid, liquid (m^-2) and c at the oxide: concentrations on equal cells, central fluxes, LSODA of scipy.

    In units of C0 and of the first height, so that all unknowns are of order one.
    """
    faces = np.linspace(0.0, 1.0, cells + 1)
    state = np.concatenate([[0.0], np.ones(cells), [0.0]])
    first = height
    sites = oxide.sites / (C0 * first)

    for stage in stages:

        def slope(t: float, y: np.ndarray, stage: Stage = stage, begun: float = height / first) -> np.ndarray:
            theta, c = y[0], y[1:-1]
            speed, spread = stage.speed / first, D / first**2
            length = begun - speed * t
            gap = length / cells
            solvent = stage.solvent[0] - stage.solvent[1] / (length * first)
            on = oxide.k_on * C0 / (1.0 + oxide.solvent_competition * solvent)
            # the oxide: spread (c1 - cw) / (gap / 2) = sites rate(cw), linear in cw
            share = sites * on * (1.0 - theta)
            wall = (2.0 * spread / gap * c[0] + sites * oxide.k_off * theta) / (2.0 * spread / gap + share)
            rate = on * wall * (1.0 - theta) - oxide.k_off * theta
            # the top: spread dc/dz = speed c (1 - kept), dc/dz by a parabola through the last two cells
            # dc/dz = (8 top - 9 c1 + c2) / (3 gap), kept = k + bend top: quadratic in top
            k = 1.0 if stage.partition is None else stage.partition
            bend = (1.0 - k) * C0 / stage.saturation
            lost = 0.0 if stage.partition is None else 1.0
            a = speed * bend
            b = 8.0 * spread / (3.0 * gap) + speed * (lost * k - 1.0)
            right = spread / (3.0 * gap) * (9.0 * c[-1] - c[-2])
            top = 2.0 * right / (b + np.sqrt(b * b + 4.0 * a * right))
            uptake = lost * speed * (k + bend * top) * top
            flux = np.empty(cells + 1)
            flux[0], flux[-1] = -sites * rate, uptake
            flux[1:-1] = -spread * np.diff(c) / gap + faces[1:-1] * speed * 0.5 * (c[1:] + c[:-1])
            change = -np.diff(flux) / gap + speed / length * c
            return np.concatenate([[rate], change, [uptake]])

        found = solve_ivp(
            slope, (0.0, stage.duration), state, method="LSODA", rtol=1e-7, atol=1e-8, lband=2, uband=2
        )
        assert found.success
        state = found.y[:, -1]
        height -= stage.speed * stage.duration
    scale = C0 * first
    liquid = float(np.sum(state[1:-1])) * height / cells * C0
    return float(state[0]), float(state[-1]) * scale, liquid, float(state[1]) * C0


@pytest.mark.parametrize(("peclet", "cells"), [(0.01, 60), (2.0, 200), (20.0, 1200)])
def test_everything_at_once_agrees_with_the_method_of_lines(peclet: float, cells: int) -> None:
    height, middle, left = 2e-6, 1.2e-6, 1e-7
    speed = peclet * D / height
    solvent = (1.0, 4e-7)
    stages = [
        Stage((height - middle) / speed, speed, solvent=solvent),
        Stage((middle - left) / (3.0 * speed), 3.0 * speed, 0.3, 30.0 * C0, solvent=(0.65, 0.0)),
    ]
    # as much on the oxide as matters to the liquid, and rates of the order of the time that there is
    clock = stages[0].duration
    oxide = Adsorption(0.4 * C0 * height, 10.0 / (C0 * clock), 0.5 / clock, 2.0)
    theta, solid, liquid, near = by_lines(stages, height, oxide, cells)
    trace = run(stages, height, C0, D, oxide, faces=cell_faces(800), tolerance=1e-6)
    total = C0 * height
    assert content(trace, oxide.sites) == pytest.approx(total, rel=1e-11)
    assert theta * oxide.sites + solid + liquid == pytest.approx(total, rel=1e-5)
    assert trace.theta[-1] == pytest.approx(theta, abs=2e-4)
    assert trace.uptake[-1] / total == pytest.approx(solid / total, abs=2e-4)
    assert trace.amount.sum() / total == pytest.approx(liquid / total, abs=2e-4)
    assert trace.oxide[-1] == pytest.approx(near, rel=2e-3)


# --- orders of convergence ---------------------------------------------------------------------------------------


def measured(cells: int = 400, steps: int = 0, tolerance: float = 1e-8) -> np.ndarray:
    """theta, what the solid took and the concentration at the oxide after a stage of each kind, Pe about 5."""
    height = 2e-6
    speed = 3.0 * D / height
    stages = [
        Stage(0.3 * height / speed, speed, solvent=(1.0, 4e-7)),
        Stage(0.2 * height / speed, 2.0 * speed, 0.4, 10.0 * C0, solvent=(0.65, 0.0)),
    ]
    oxide = Adsorption(0.2 * C0 * height, 5.0 / (C0 * stages[0].duration), 0.5 / stages[0].duration, 1.0)
    trace = run(stages, height, C0, D, oxide, faces=cell_faces(cells), steps=steps, tolerance=tolerance)
    return np.array([trace.theta[-1], trace.uptake[-1] / (C0 * height), trace.oxide[-1] / C0])


def test_second_order_in_space() -> None:
    found = np.array([measured(cells, steps=400) for cells in (20, 40, 80, 160)])
    change = np.abs(np.diff(found, axis=0))
    order = np.log2(change[:-1] / change[1:])
    assert np.all(order > 1.9), order


def test_second_order_in_time() -> None:
    found = np.array([measured(80, steps=steps) for steps in (100, 200, 400, 800)])
    change = np.abs(np.diff(found, axis=0))
    order = np.log2(change[:-1] / change[1:])
    assert np.all(order > 1.85), order


def test_steps_by_error_keep_to_the_tolerance() -> None:
    exact = measured(80, tolerance=1e-9)
    for tolerance in (1e-3, 1e-4, 1e-5):
        assert np.abs(measured(80, tolerance=tolerance) / exact - 1.0).max() < tolerance
