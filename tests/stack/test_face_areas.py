"""Uneven faces as areas side by side: quadrature of the spread, and how much of a patch is its own."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import i1e, k1e

import perotwin as pt
from perotwin.errors import InputError
from perotwin.stack import Parallel, Stack, from_toml
from perotwin.stack.face_areas import apart, areas, as_columns, averaged, enough, hermite, reach, uneven

FACE = "niox|perovskite"
PATCHES = {"share": "2 %", "size": "2 um", "velocity": "500 cm/s"}


def control(**values: object) -> Stack:
    own = {f"{FACE}.{key}": value for key, value in values.items()}
    cell = pt.load("wbg-control").with_values({"perovskite.pinholes": None, **own})
    assert isinstance(cell, Stack)
    return cell


#: the face of the library
EVEN = control().interface[FACE]


# --- the rule -------------------------------------------------------------------------------------------------------


@given(count=st.integers(2, 30).map(lambda half: 2 * half + 1))
def test_the_rule_has_the_moments_of_the_normal_distribution(count: int) -> None:
    nodes, weights = (np.array(one) for one in hermite(count))
    moments = [float(weights @ nodes**power) for power in range(6)]
    # nodes that weigh less than 1e-9 are left out
    assert moments == pytest.approx([1.0, 0.0, 1.0, 0.0, 3.0, 0.0], abs=1e-4)
    assert (weights > 0.0).all() and nodes[nodes.size // 2] == 0.0


def test_more_spread_takes_more_nodes_and_none_takes_one() -> None:
    numbers = [enough(spread) for spread in (0.0, 0.1, 1.0, 2.0, 4.0)]
    assert numbers[0] == 1 and numbers == sorted(numbers) and all(number % 2 for number in numbers)
    assert enough(2.0, 2.0) >= 2 * enough(2.0) - 1


@given(spread=st.floats(0.05, 4.0), place=st.floats(-4.0, 4.0))
@settings(max_examples=50, deadline=None)
def test_a_step_wherever_it_lies_is_averaged_as_well_as_said(spread: float, place: float) -> None:
    def step(x: np.ndarray) -> np.ndarray:
        return 1.0 / (1.0 + np.exp(np.clip(spread / 1.5 * (x - place), -500, 500)))

    nodes, weights = (np.array(one) for one in hermite(enough(spread)))
    grid = np.linspace(-9.0, 9.0, 20001)
    density = np.exp(-0.5 * grid**2) / math.sqrt(2.0 * math.pi)
    exact = float(np.trapezoid(density * step(grid), grid))
    assert float(weights @ step(nodes)) == pytest.approx(exact, abs=3e-4)


# --- patches --------------------------------------------------------------------------------------------------------


@given(ratio=st.floats(1e-3, 1e3))
def test_what_of_a_disc_is_its_own_is_what_the_bessel_functions_say(ratio: float) -> None:
    assert apart(2.0 * ratio, 1.0) == pytest.approx(1.0 - 2.0 * i1e(ratio) * k1e(ratio), abs=1e-7)


def test_a_disc_far_wider_than_the_reach_is_itself_and_one_far_smaller_acts_on_all() -> None:
    assert apart(1e-3, 5e-7) == pytest.approx(1.0, abs=1e-3)
    # the patches that a recipe leaves, 4.7 nm, against a reach of 514 nm
    assert apart(4.7e-9, 514e-9) < 1e-4
    assert apart(1e-6, math.inf) == 0.0 and apart(1e-6, 0.0) == 1.0
    sizes = np.geomspace(1e-9, 1e-4, 60)
    assert (np.diff([apart(float(size), 514e-9) for size in sizes]) > 0.0).all()


def diffusing(sink: np.ndarray, side: float, diffusion: float, made: float) -> np.ndarray:
    """Density (N, N) where carriers made evenly diffuse along a periodic square and are lost at rates (1/s)."""
    from scipy.sparse import diags, eye, kron
    from scipy.sparse.linalg import spsolve

    count = sink.shape[0]
    h = side / count
    ring = diags([1.0, -2.0, 1.0], [-1, 0, 1], shape=(count, count)).tolil()
    ring[0, -1] = ring[-1, 0] = 1.0
    laplace = (kron(ring, eye(count)) + kron(eye(count), ring)) / h**2
    return spsolve((diags(sink.ravel()) - diffusion * laplace).tocsc(), np.full(count**2, made)).reshape(
        sink.shape
    )


@pytest.mark.parametrize("ratio", [0.2, 0.6, 1.5, 4.0])
def test_the_part_that_is_a_disc_s_own_is_that_of_diffusion_along_the_film(ratio: float) -> None:
    """A disc whose sink is slightly faster, its like far away: how far the density over it follows its own sink."""
    length, diffusion, count = 1.0, 1.0, 160
    radius = ratio * length
    side = max(6.0 * radius, 14.0 * length)
    x = (np.arange(count) + 0.5) * side / count - 0.5 * side
    # the part of each cell that the disc covers
    fine = (np.arange(8) + 0.5) / 8.0 - 0.5
    h = side / count
    inside = np.zeros((count, count))
    for dx in fine:
        for dy in fine:
            inside += np.hypot((x + dx * h)[:, None], (x + dy * h)[None, :]) < radius
    inside /= 64.0
    rate, small = diffusion / length**2, 1e-4
    density = diffusing(rate * (1.0 + small * inside), side, diffusion, rate)
    change = 1.0 - density
    over = float((change * inside).sum() / inside.sum()) / small
    assert over == pytest.approx(apart(2.0 * radius, length), abs=0.005)


@pytest.mark.parametrize(
    ("ratio", "worst"), [(0.05, 0.001), (0.3, 0.01), (1.0, 0.03), (3.0, 0.05), (8.0, 0.03)]
)
def test_strong_sinks_mixed_by_that_part_lose_what_two_dimensions_say(ratio: float, worst: float) -> None:
    """Discs of bare oxide on 5 % of the area, ten times as fast as all else: carriers in the film.

    Taken as even they would be 0.690, as columns 0.955, whatever the size.
    """
    diffusion, share, contrast, count = 1.0, 0.05, 10.0, 150
    rate = 1.0  # beside the discs, so that carriers reach 1 there
    # what carriers reach: the shorter way of the two, as the recipe's cells take it
    length = 1.0 / math.sqrt(rate * contrast)
    radius = ratio * length
    side = radius * math.sqrt(math.pi / share)
    x = (np.arange(count) + 0.5) * side / count - 0.5 * side
    inside = (np.hypot(x[:, None], x[None, :]) < radius).astype(float)
    covered = float(inside.mean())
    density = diffusing(rate * (1.0 + (contrast - 1.0) * inside), side, diffusion, rate)
    own = apart(2.0 * radius, length)
    foreign = covered * (1.0 - own), own + covered * (1.0 - own)
    mixed = [1.0 / (1.0 + (contrast - 1.0) * part) for part in foreign]
    found = (1.0 - covered) * mixed[0] + covered * mixed[1]
    assert found == pytest.approx(float(density.mean()), rel=worst)


# --- the areas of a cell ---------------------------------------------------------------------------------------------


def test_an_even_cell_is_one_area_and_itself() -> None:
    cell = control()
    assert uneven(cell) == () and areas(cell)[0].stack is cell and as_columns(cell) is cell
    nothing = control(patches=PATCHES | {"share": 0.0})
    assert uneven(nothing) == () and len(areas(nothing)) == 1


@given(spread=st.floats(1e-4, 0.12))
@settings(max_examples=20, deadline=None)
def test_areas_have_the_mean_and_the_spread_that_the_face_states(spread: float) -> None:
    cell = control(dipole_spread=spread)
    found = areas(cell)
    shares = np.array([one.share for one in found])
    dipoles = np.array([float(one.stack.interface[FACE].dipole) for one in found])
    mean = float(shares @ dipoles)
    assert shares.sum() == pytest.approx(1.0, abs=1e-12)
    assert mean == pytest.approx(float(EVEN.dipole), abs=1e-9)
    assert math.sqrt(shares @ (dipoles - mean) ** 2) == pytest.approx(spread, rel=1e-4)
    assert all(uneven(one.stack) == () for one in found)
    assert all(one.stack.layer == cell.layer for one in found)


@given(share=st.floats(1e-4, 0.9), size=st.floats(1e-9, 1e-4))
@settings(max_examples=40, deadline=None)
def test_patches_leave_the_mean_of_dipole_and_velocity_what_it_is(share: float, size: float) -> None:
    cell = control(patches=PATCHES | {"share": share, "size": size})
    beside, bare = areas(cell)
    assert (beside.name, bare.name) == ("area", "patches")

    def velocity(one: Stack) -> float:
        return sum(trap.s_n for trap in one.interface[FACE].trap)

    for value, wanted in (
        (lambda one: float(one.interface[FACE].dipole), float(EVEN.dipole) * (1.0 - share)),
        (velocity, EVEN.trap[0].s_n * (1.0 - share) + 5.0 * share),
    ):
        assert beside.share * value(beside.stack) + bare.share * value(bare.stack) == pytest.approx(wanted)
    own = apart(size, reach(cell, cell.named("perovskite"), 5.0))
    assert float(bare.stack.interface[FACE].dipole) == pytest.approx(
        float(EVEN.dipole) * (1 - own) * (1 - share), abs=1e-12
    )
    even = averaged(cell)
    assert velocity(even) == pytest.approx(EVEN.trap[0].s_n * (1.0 - share) + 5.0 * share)


def test_spread_and_patches_go_together() -> None:
    cell = control(dipole_spread="40 meV", patches=PATCHES)
    names = [one.name for one in areas(cell)]
    assert sum(name.startswith("area") for name in names) == len(hermite(enough(0.04 / 0.02569))[0])
    assert any(name.startswith("patches") for name in names)
    columns = as_columns(cell)
    assert isinstance(columns, Parallel) and len(columns.column) == len(names)


def test_files_state_both_and_a_mirrored_cell_has_its_dipoles_turned() -> None:
    cell = control(
        dipole_spread={"value": "40 meV", "assumed": ["0 meV", "100 meV"]},
        patches=PATCHES | {"dipole": "0.1 eV"},
    )
    assert from_toml(cell.to_toml()) == cell
    turned = cell.mirrored()
    face = turned.interface["perovskite|niox"]
    assert (face.dipole_spread, face.patches.dipole) == (0.04, -0.1)
    assert turned.mirrored().interface[FACE].patches.dipole == 0.1
    assert cell.get(f"{FACE}.patches.share") == 0.02 and cell.with_values({f"{FACE}.patches.size": "1 um"})


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"c60|sno2.dipole_spread": "-1 meV"}, "negative"),
        ({f"{FACE}.patches": {"share": 0.1}}, '"size" is missing'),
        ({"sno2|ag.dipole_spread": "10 meV"}, "not both of its layers are electrical"),
        ({f"{FACE}.patches": PATCHES | {"share": 1.5}}, "above 99 %"),
    ],
)
def test_what_cannot_be_is_refused(values: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        pt.load("wbg-control").with_values(values)
    assert caught.value.advice


def test_two_wide_distributions_are_too_many_areas() -> None:
    cell = pt.load("wbg-control").with_values(
        {f"{FACE}.dipole_spread": "0.2 eV", "perovskite|c60.dipole_spread": "0.2 eV"}
    )
    with pytest.raises(InputError, match="areas side by side"):
        areas(cell)
