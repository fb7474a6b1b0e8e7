"""The monolayer against what is known: jamming of discs, Feder's law, exponential decay, clustering, Langmuir."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from scipy.integrate import quad, solve_ivp
from scipy.spatial import cKDTree

from perotwin.recipe.compensation import equilibrium, langmuir_rate, occupancy
from perotwin.recipe.coverage import Monolayer, Patch, Saturation, delaminate, deposit, saturate
from perotwin.recipe.oxide_surface import Oxide

#: doi:10.1103/PhysRevE.88.053312: 0.5470735(28); the bound is the one that this project set itself
JAMMING, BOUND = 0.5470, 1e-3
DISC = 1.0
SEEDS = range(8)
SAM = 1.129e-9


@pytest.fixture(scope="module")
def jammed() -> list[Saturation]:
    """Eight saturated squares of more than 3e4 discs each."""
    side = math.sqrt(3.1e4 / JAMMING * math.pi / 4.0) * DISC
    return [saturate(side, DISC, seed) for seed in SEEDS]


def closest_pair(positions: NDArray[np.float64], side: float) -> float:
    """Smallest distance between two of (N, 2) points, periodic images included."""
    tree = cKDTree(positions, boxsize=side)
    return float(tree.query(positions, k=2)[0][:, 1].min())


def room_left(run: Saturation) -> int:
    """How many corners there are of places where one more disc fits: none is proof that the square is full.

    Such a place ends where its disc touches two others; those points are the crossings of the circles of exclusion,
    and a place is closed when each crossing lies within a third circle.
    """
    tree = cKDTree(run.positions, boxsize=run.side)
    first, second = tree.query_pairs(2.0 * run.diameter, output_type="ndarray").T
    apart = run.positions[second] - run.positions[first]
    apart -= run.side * np.round(apart / run.side)
    square = np.sum(apart**2, axis=1)
    across = np.sqrt(run.diameter**2 / square - 0.25)[:, None] * np.stack([-apart[:, 1], apart[:, 0]], axis=1)
    middle = run.positions[first] + 0.5 * apart
    crossings = np.concatenate([middle + across, middle - across]) % run.side
    return int(np.count_nonzero(tree.query(crossings)[0] > run.diameter * (1.0 - 1e-7)))


def test_equal_discs_jam_at_the_known_coverage(jammed: list[Saturation]) -> None:
    assert min(run.positions.shape[0] for run in jammed) >= 3e4
    coverage = np.array([run.coverage for run in jammed])
    assert abs(coverage.mean() - JAMMING) < BOUND
    # and the scatter is that of such squares, so the mean is known to a third of the bound
    assert coverage.std(ddof=1) / math.sqrt(coverage.size) < BOUND / 3.0


def test_the_square_is_certainly_full(jammed: list[Saturation]) -> None:
    for run in jammed[:3]:
        assert room_left(run) == 0
    run = jammed[0]
    one_less = Saturation(
        run.side, run.diameter, np.delete(run.positions, 7, axis=0), np.delete(run.attempts, 7)
    )
    assert room_left(one_less) > 0
    # the process cut short after 1000 attempts per disc area falls outside the bound of jamming
    late = Saturation(run.side, run.diameter, *_until(run, 1e3))
    assert room_left(late) > 0
    assert JAMMING - np.mean([each.coverage_after(np.array(1e3)) for each in jammed]) > BOUND


@pytest.mark.slow
def test_jamming_of_large_squares_agrees_with_the_best_known_value() -> None:
    """0.5470735(28), doi:10.1103/PhysRevE.88.053312."""
    side = math.sqrt(4e5 / 0.547 * math.pi / 4.0)
    coverage = np.array([saturate(side, 1.0, 100 + seed).coverage for seed in range(8)])
    error = coverage.std(ddof=1) / math.sqrt(coverage.size)
    assert error < 1.5e-4
    assert abs(coverage.mean() - 0.5470735) < 4.0 * error


def _until(run: Saturation, attempts_per_disc_area: float) -> tuple[NDArray, NDArray]:
    attempts = attempts_per_disc_area * run.side**2 / (0.25 * math.pi * run.diameter**2)
    landed = run.attempts <= attempts
    return run.positions[landed], run.attempts[landed]


def test_no_two_discs_overlap_images_included(jammed: list[Saturation]) -> None:
    for run in jammed[:3]:
        assert closest_pair(run.positions, run.side) >= DISC * (1.0 - 1e-9)
    # the check sees an overlap through the edge of the square
    moved = jammed[0].positions.copy()
    moved[:2] = [[1e-3, 5.0], [jammed[0].side - 1e-3, 5.0]]
    assert closest_pair(moved, jammed[0].side) < 0.01


def test_jamming_is_approached_as_the_square_root_of_time(jammed: list[Saturation]) -> None:
    """Feder's law (doi:10.1103/PhysRevA.24.504): the coverage that is missing falls as t^(-1/2) in two dimensions."""
    times = np.logspace(2.5, 5.0, 11)
    missing = np.array([run.coverage - run.coverage_after(times) for run in jammed])
    slopes = [np.polyfit(np.log(times), np.log(row), 1)[0] for row in missing]
    error = np.std(slopes, ddof=1) / math.sqrt(len(slopes))
    assert error < 0.02
    assert abs(np.mean(slopes) + 0.5) < 0.03
    # the exponents of other laws lie far outside: 1 (rods on a line, Renyi) and 1/3 (spheres)
    assert min(abs(np.mean(slopes) + 1.0), abs(np.mean(slopes) + 1.0 / 3.0)) > 5.0 * error


def test_the_early_kinetics_are_those_of_excluded_area(jammed: list[Saturation]) -> None:
    """d theta / dt = 1 - 4 theta + b theta^2: each disc excludes four times its area, pairs share some of that.

    b follows from the area that the circles of exclusion of two discs have in common, averaged over pairs that may be.
    """
    common, _ = quad(
        lambda r: 2.0 * math.pi * r * (2.0 * math.acos(r / 2.0) - r / 2.0 * math.sqrt(4.0 - r * r)), 1, 2
    )
    b = 0.5 * common / (math.pi / 4.0) ** 2
    assert b == pytest.approx(6.0 * math.sqrt(3.0) / math.pi, rel=1e-9)
    measured = np.mean([run.coverage_after(np.array([0.1, 0.2])) for run in jammed], axis=0)
    expected = solve_ivp(
        lambda t, y: 1.0 - 4.0 * y + b * y * y, (0.0, 0.2), [0.0], t_eval=[0.1, 0.2], rtol=1e-9
    ).y[0]
    assert measured == pytest.approx(expected, abs=1.5e-3)
    assert abs(measured[1] - (0.25 - 0.25 * math.exp(-0.8))) > 4e-3  # without b


# --- deposition -----------------------------------------------------------------------------------


def test_a_deposited_monolayer_has_its_packing_and_no_overlap() -> None:
    monolayer = Monolayer.library()
    patch = deposit(SAM, monolayer, side=100e-9, seed=3)
    assert closest_pair(patch.positions, patch.side) >= SAM * (1.0 - 1e-9)
    share = patch.oxide.reluctant_share
    expected = (1.0 - share) * monolayer.packing + share * monolayer.reluctant_packing
    assert patch.packing == pytest.approx(expected, abs=1e-3)
    on_reluctant = patch.oxide.at(patch.positions)
    disc = 0.25 * math.pi * SAM**2 / patch.side**2
    dense = np.count_nonzero(~on_reluctant) * disc / (1.0 - share)
    loose = np.count_nonzero(on_reluctant) * disc / share
    # Edges of grains are stepped over by those that make room, so the packings approach each other a little.
    assert dense == pytest.approx(monolayer.packing, abs=0.015)
    assert loose == pytest.approx(monolayer.reluctant_packing, abs=0.04)
    assert dense - loose > 0.05


# --- delamination ---------------------------------------------------------------------------------


def free(**changes: object) -> Monolayer:
    """A monolayer whose molecules leave independently of each other, unless the changes say otherwise."""
    values = {
        "cohesion": 0.0,
        "additive_cohesion": 0.0,
        "weaker_anchoring": 0.0,
        "desorption_rate": 0.02,
        "reluctant_share": 0.0,
    }
    return Monolayer.model_validate({**dict(Monolayer.library()), **values, **changes})


@pytest.fixture(scope="module")
def dense() -> Patch:
    """A 150 nm patch without reluctant grains."""
    return deposit(SAM, free(), side=150e-9, seed=11)


def test_without_cohesion_the_loss_is_exactly_exponential(dense: Patch) -> None:
    rate, until = 0.02, 60.0
    history = delaminate(dense, free(), [0.0, 15.0, 30.0, until])
    number = dense.positions.shape[0]
    for time, share in zip(history.times, history.remaining(), strict=True):
        gone = round((1.0 - share) * number)
        assert stats.binomtest(gone, number, -math.expm1(-rate * time)).pvalue > 1e-3, time
    # all times of leaving, not only those three: an exponential cut off at the end
    left = history.left[np.isfinite(history.left)]
    cut = stats.truncexpon(b=rate * until, scale=1.0 / rate)
    assert stats.kstest(left, cut.cdf).pvalue > 1e-3
    # the check would see a rate that is 20 % off
    wrong = stats.truncexpon(b=1.2 * rate * until, scale=1.0 / (1.2 * rate))
    assert stats.kstest(left, wrong.cdf).pvalue < 1e-3


def test_a_reluctant_grain_loses_molecules_faster_by_the_boltzmann_factor() -> None:
    monolayer = free(weaker_anchoring=0.03, reluctant_share=0.5)
    patch = deposit(SAM, monolayer, side=120e-9, seed=5)
    gone = np.isfinite(delaminate(patch, monolayer, [5.0]).left)
    weak = patch.oxide.at(patch.positions)
    assert 0.3 < weak.mean() < 0.7
    factor = math.exp(0.03 / (8.617333262e-5 * 298.15))
    for here, rate in ((~weak, 0.02), (weak, 0.02 * factor)):
        assert stats.binomtest(int(gone[here].sum()), int(here.sum()), -math.expm1(-rate * 5.0)).pvalue > 1e-3
    # and not at the rate of the others
    assert stats.binomtest(int(gone[weak].sum()), int(weak.sum()), -math.expm1(-0.02 * 5.0)).pvalue < 1e-6


def test_a_pair_that_holds_itself_leaves_as_two_first_order_steps() -> None:
    """Many lone pairs: the first of a pair leaves at 2 k exp(-e/kT), the other then at k."""
    side, spacing = 300e-9, 4e-9
    grid = np.arange(2e-9, side, spacing)
    x, y = (axis.ravel() for axis in np.meshgrid(grid, grid))
    first = np.stack([x, y], axis=1)
    positions = np.concatenate([first, first + np.array([1.2 * SAM, 0.0])])
    monolayer = free(cohesion=0.03)
    patch = bare_oxide_patch(side, positions)
    until = 400.0
    first, second = np.sort(delaminate(patch, monolayer, [until]).left.reshape(2, -1), axis=0)
    held = math.exp(-0.03 / (8.617333262e-5 * 298.15))

    def follows(times: NDArray[np.float64], rate: float) -> float:
        """p value of an exponential law that is looked at for a quarter of the time."""
        end = until / 4.0
        return float(
            stats.kstest(times[times < end], stats.truncexpon(b=rate * end, scale=1.0 / rate).cdf).pvalue
        )

    early = first < until / 4.0
    lag = second[early] - first[early]
    assert early.sum() > 1000
    assert follows(first[early], 2.0 * 0.02 * held) > 1e-3
    assert follows(lag, 0.02) > 1e-3
    assert follows(lag, 0.02 * held) < 1e-6


def bare_oxide_patch(side: float, positions: NDArray[np.float64], diameter: float = SAM) -> Patch:
    """Molecules of a SAM on oxide of one sort."""
    oxide = Oxide(side, np.zeros((1, 2)), np.zeros(1, bool), np.zeros((8, 8), np.int32))
    return Patch(side, positions, np.zeros(len(positions), np.int8), (diameter, math.nan), oxide, seed=1)


def clustering(patch: Patch, gone: NDArray[np.bool_], reach: float = 1.5 * SAM) -> float:
    """Pairs of neighbours that both left, in standard deviations from a random choice of as many molecules."""
    pairs = cKDTree(patch.positions, boxsize=patch.side).query_pairs(reach, output_type="ndarray")
    random = np.random.default_rng(0)
    chance = np.array(
        [np.sum(mixed[pairs].all(axis=1)) for mixed in (random.permutation(gone) for _ in range(60))]
    )
    return float((np.sum(gone[pairs].all(axis=1)) - chance.mean()) / chance.std(ddof=1))


def test_holes_cluster_with_cohesion_and_only_then(dense: Patch) -> None:
    lost = 0.15
    found = {}
    for name, cohesion, rate in (("alone", 0.0, 0.01), ("held", 0.04, 2.0)):
        monolayer = free(cohesion=cohesion, desorption_rate=rate)
        left = delaminate(dense, monolayer, [1e3]).left
        gone = left <= np.quantile(left, lost)  # the same number from both
        after = delaminate(dense, monolayer, [float(left[gone].max())]).end
        found[name] = (clustering(dense, gone), after.patch_size, after.hole_diameters.max())
    assert abs(found["alone"][0]) < 4.0
    assert found["held"][0] > 20.0
    assert found["held"][1] > 1.3 * found["alone"][1]
    assert found["held"][2] > 1.5 * found["alone"][2]


def test_patches_grow_while_the_solvent_stays(dense: Patch) -> None:
    history = delaminate(dense, free(cohesion=0.04, desorption_rate=2.0), [5.0, 10.0, 20.0, 40.0])
    assert np.all(np.diff(history.patch_size) > 0.0)
    assert np.all(np.diff(history.bare_fraction) > 0.0)
    assert np.all(np.diff(history.coverage) < 0.0)


def test_eyring_s_law_ties_the_rate_to_the_temperature(dense: Patch) -> None:
    rate = 0.02
    boltzmann, planck = 8.617333262e-5, 4.135667696e-15
    barrier = boltzmann * 298.15 * math.log(boltzmann * 298.15 / (planck * rate))
    hot = boltzmann * 330.0 / planck * math.exp(-barrier / (boltzmann * 330.0))
    left = delaminate(dense, free(), [1.0], temperature=330.0).left
    gone, number = int(np.isfinite(left).sum()), left.size
    assert stats.binomtest(gone, number, -math.expm1(-hot * 1.0)).pvalue > 1e-3
    assert hot / rate > 10.0


# --- Langmuir -------------------------------------------------------------------------------------

ON, OFF = 2.0e-25, 0.05


def test_dilute_and_saturated_limits_of_the_isotherm() -> None:
    dilute = 1e-6 * OFF / ON
    assert equilibrium(dilute, ON, OFF) == pytest.approx(ON * dilute / OFF, rel=2e-6)  # Henry
    assert 1.0 - equilibrium(1e6 * OFF / ON, ON, OFF) == pytest.approx(1e-6, rel=1e-5)
    assert equilibrium(OFF / ON, ON, OFF) == pytest.approx(0.5, rel=1e-14)


def test_a_solvent_that_competes_shifts_the_isotherm_along_the_concentration() -> None:
    c = np.logspace(22, 27, 6)
    assert np.allclose(equilibrium(c, ON, OFF, solvent=9.0), equilibrium(c / 10.0, ON, OFF), rtol=1e-13)
    # three states of a site in detailed balance: additive a = K c, solvent s, empty 1
    a = ON / OFF * c
    assert np.allclose(equilibrium(c, ON, OFF, solvent=9.0), a / (1.0 + 9.0 + a), rtol=1e-13)


@pytest.mark.parametrize("start", [0.0, 0.9])
def test_the_approach_to_equilibrium_is_exponential_with_the_sum_of_the_rates(start: float) -> None:
    c, times = 3e23, np.linspace(0.0, 40.0, 41)
    theta = occupancy(times, c, ON, OFF, start=start)
    end = float(equilibrium(c, ON, OFF))
    assert np.allclose(theta, end + (start - end) * np.exp(-(ON * c + OFF) * times), rtol=0, atol=1e-14)
    rate = -np.polyfit(times, np.log(np.abs(theta - end)), 1)[0]
    assert rate == pytest.approx(ON * c + OFF, rel=1e-10)
    with_solvent = occupancy(times, c, ON, OFF, solvent=4.0, start=start)
    end = float(equilibrium(c, ON, OFF, 4.0))
    rate = -np.polyfit(times, np.log(np.abs(with_solvent - end)), 1)[0]
    assert rate == pytest.approx(ON * c / 5.0 + OFF, rel=1e-10)
    assert rate != pytest.approx(ON * c + OFF, rel=0.1)


def test_a_changing_concentration_is_followed_to_second_order() -> None:
    def c(t: NDArray | float) -> NDArray | float:
        return 4e23 * np.exp(-np.asarray(t) / 7.0) * (1.2 + np.sin(np.asarray(t)))

    exact = solve_ivp(
        lambda t, y: langmuir_rate(y, c(t), ON, OFF, 2.0), (0.0, 20.0), [0.1], rtol=1e-11, atol=1e-13
    ).y[0, -1]
    errors = []
    for steps in (50, 100, 200):
        times = np.linspace(0.0, 20.0, steps + 1)
        errors.append(abs(occupancy(times, c(times), ON, OFF, solvent=2.0, start=0.1)[-1] - exact))
    orders = np.diff(np.log(errors)) / -math.log(2.0)
    assert np.all(orders > 1.9)
    assert errors[-1] < 1e-4


def test_no_rates_no_change() -> None:
    assert np.array_equal(occupancy([0.0, 5.0, 5.0], 0.0, ON, 0.0, start=0.3), [0.3, 0.3, 0.3])
    assert langmuir_rate(0.25, 0.0, ON, 0.0) == 0.0
