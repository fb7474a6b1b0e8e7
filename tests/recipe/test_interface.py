"""Dipoles at the buried face: Helmholtz, depolarisation against lattice sums, fading with height, shares."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from perotwin.errors import InputError
from perotwin.recipe.coverage import ADDITIVE, SAM, Oxide, Patch
from perotwin.recipe.interface import Dipoles, depolarised, face, normal_dipoles, step_map
from perotwin.recipe.molecules import load

DEBYE = 3.33564e-30
EPS0 = 8.8541878188e-12


def dipoles(**values: object) -> Dipoles:
    given = {
        "sam_alignment": 1.0,
        "additive_alignment": 1.0,
        "screening": {"kind": "effective", "permittivity": 3.0},
        "height": "1 nm",
        "sam_velocity": "10 cm/s",
        "additive_velocity": "20 cm/s",
        "bare_velocity": "1000 cm/s",
    }
    return Dipoles(**(given | values))


def square(side: float, positions: NDArray[np.float64], kind: int = SAM) -> Patch:
    """Molecules at given places on an oxide of one grain."""
    oxide = Oxide(side, np.array([[0.5 * side, 0.5 * side]]), np.array([False]), np.zeros((8, 8), np.int32))
    kinds = np.full(len(positions), kind, np.int8)
    return Patch(side, positions, kinds, (1.129e-9, 0.567e-9), oxide, 0)


def lattice(count: int, apart: float) -> NDArray[np.float64]:
    line = (np.arange(count) + 0.5) * apart
    return np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)


@pytest.mark.parametrize(
    ("moment", "area", "eps", "millivolts"),
    # the table of fully aligned steps that the sheet formula must give: 2.57 D and 1.60 D
    [
        (2.57, 0.3, 2, 1614),
        (2.57, 0.5, 3, 645),
        (2.57, 0.7, 5, 277),
        (1.60, 0.3, 3, 670),
        (1.60, 0.7, 2, 431),
    ],
)
def test_the_mean_step_is_that_of_a_sheet_of_dipoles(
    moment: float, area: float, eps: float, millivolts: float
) -> None:
    apart = math.sqrt(area) * 1e-9
    patch = square(40 * apart, lattice(40, apart))
    one = dipoles(screening={"kind": "effective", "permittivity": float(eps)})
    made = step_map(patch, np.full(1600, moment * DEBYE), one)
    assert 1e3 * made.mean() == pytest.approx(millivolts, abs=0.5)


@pytest.mark.parametrize("height", [0.5e-9, 2e-9])
def test_a_ripple_fades_with_height_as_its_wave_number_says(height: float) -> None:
    side, count = 40e-9, 80
    places = lattice(count, side / count)
    wave = 2.0 * math.pi * 3 / side
    made = step_map(
        square(side, places),
        1e-30 * (2.0 + np.cos(wave * places[:, 0])),
        dipoles(),
        height=height,
        pixel=0.5e-9,
    )
    sheet = 1e-30 * (count / side) ** 2 / (EPS0 * 3.0)
    assert made.mean() == pytest.approx(2.0 * sheet, rel=1e-12)
    assert np.ptp(made) == pytest.approx(2.0 * sheet * math.exp(-wave * height), rel=2e-3)


@pytest.mark.parametrize(("shape", "constant"), [("square", 9.0336), ("hexagonal", 11.0342)])
def test_equal_dipoles_on_a_lattice_weaken_one_another_by_its_sum(shape: str, constant: float) -> None:
    # sum of 1/r^3 over a lattice in units of density^(3/2) (Topping, doi:10.1098/rspa.1927.0025)
    apart = 0.8e-9
    if shape == "square":
        places, side = lattice(40, apart), 40 * apart
        density = 1.0 / apart**2
    else:
        # two hexagonal cells side by side make a rectangle that is all but square: 26 by 45 rows of sqrt(3)/2
        columns, rows = 26, 30
        x, y = np.meshgrid(np.arange(columns), np.arange(rows))
        places = np.stack([(x + 0.5 * (y % 2)) * apart, y * apart * math.sqrt(3.0) / 2.0], axis=-1).reshape(
            -1, 2
        )
        side = columns * apart
        # a periodic square needs the two lengths alike: 26 against 25.98 columns, a strain of 0.7 per mille
        places[:, 1] *= side / (rows * apart * math.sqrt(3.0) / 2.0)
        density = places.shape[0] / side**2
    volume = 8e-30
    made = depolarised(places, np.full(len(places), DEBYE), side, volume)
    expected = DEBYE / (1.0 + volume * constant * density**1.5)
    assert np.ptp(made) < 1e-9 * DEBYE
    # beyond 6 nm the sheet counts as even: a part in thousand of the sum
    assert made.mean() == pytest.approx(expected, rel=2e-3)


def test_mixed_dipoles_solve_their_own_equations() -> None:
    random = np.random.default_rng(3)
    side, count, volume = 14e-9, 60, 6e-30
    places = random.uniform(0.0, side, (count, 2))
    moments = random.uniform(-1.0, 3.0, count) * DEBYE
    # well apart, or nothing settles
    places = lattice(8, side / 8)[:count] + random.uniform(-0.3e-9, 0.3e-9, (count, 2))
    apart = places[:, None] - places[None]
    apart -= side * np.round(apart / side)
    distance = np.hypot(apart[..., 0], apart[..., 1])
    near = np.where((distance > 0.0) & (distance <= 6e-9), np.maximum(distance, 1e-12) ** -3.0, 0.0)
    far = 2.0 * math.pi * count / side**2 / 6e-9 / count
    matrix = np.eye(count) + volume * (near + far)
    assert depolarised(places, moments, side, volume) == pytest.approx(
        np.linalg.solve(matrix, moments), rel=1e-8
    )


def test_dipoles_that_would_turn_one_another_over_are_refused() -> None:
    places = lattice(20, 0.2e-9)
    places[::2] += 0.15e-9
    with pytest.raises(InputError, match="polarisability"):
        depolarised(places, np.where(np.arange(400) % 2, 1.0, -1.0) * DEBYE, 4e-9, 1e-27)


def test_an_alignment_scales_and_tells_molecules_apart() -> None:
    sam, additive = load("Me-4PACz"), load("5-AVAI")
    places = lattice(10, 2e-9)
    patch = square(20e-9, places)
    patch.kind[::3] = ADDITIVE
    made = normal_dipoles(patch, sam, additive, dipoles(sam_alignment=0.5, additive_alignment=-0.25))
    assert made[patch.kind == SAM] == pytest.approx(0.5 * float(sam.dipole))
    assert made[patch.kind == ADDITIVE] == pytest.approx(-0.25 * float(additive.dipole))


def test_recombination_adds_up_over_the_area() -> None:
    patch = square(20e-9, lattice(10, 2e-9))
    one = dipoles()
    made = face(patch, normal_dipoles(patch, load("Me-4PACz"), None, one), one)
    assert sum(made.shares.values()) == pytest.approx(1.0, abs=1e-12)
    assert made.shares["additive"] == 0.0
    assert made.velocity == pytest.approx(0.1 * made.shares["sam"] + 10.0 * made.shares["bare"], rel=1e-12)
    # covered and bare columns hold together what the mean holds
    covered = 1.0 - made.shares["bare"]
    assert covered * made.covered[1] + made.shares["bare"] * made.bare[1] == pytest.approx(made.velocity)
    assert covered * made.covered[0] == pytest.approx(made.step)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"sam_alignment": 1.2}, "above 1"),
        ({"bare_velocity": "-1 cm/s"}, "negative"),
        ({"screening": {"kind": "effective", "permittivity": 0.5}}, "below 1"),
        ({"screening": "toping"}, "topping"),
        ({"height": "0 nm"}, "not positive"),
    ],
)
def test_impossible_parameters_are_refused(values: dict[str, object], words: str) -> None:
    with pytest.raises(InputError) as found:
        dipoles(**values)
    assert words in f"{found.value.message} {found.value.advice}"
