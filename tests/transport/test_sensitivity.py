"""Exact sensitivities against differences of full solutions: every number of a cell, and every mechanism.

The differences are of whole solutions on meshes of as many nodes, Richardson's from two steps: an independent way to
the same number, but for the meshes.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import columns
import perotwin as pt
from devices import everything
from field_steps import step_of
from linear import three_ion_layers
from perotwin.errors import InputError
from perotwin.transport import sensitivity
from perotwin.transport.build import build
from perotwin.transport.directions import direction
from perotwin.transport.kernels.adjoint import along
from perotwin.transport.kernels.rows import state_in
from perotwin.transport.sensitivity import Following
from perotwin.transport.steady import Solver

#: of the last step of an accepted state; differences of solutions see the usual one
FINE = 1e-10
#: part of the largest change of the curve by a part of the field, and of the short-circuit current where a field does
#: less than that
RELATIVE = 1e-6
#: what moves no current, and what is a whole number
QUIET = ("diffusion_coefficient", ".charge")


def numeric(cell: Any) -> list[str]:
    """Paths of all numbers of a cell that are not zero, where most have a bound."""
    return [
        path for path, value in cell.quantities().items() if not path.endswith(QUIET) and float(value) != 0.0
    ]


def compare(cell: Any, paths: Sequence[str], volts: Sequence[float]) -> None:
    solver = Solver(build(cell), FINE)
    states = solver.sweep(volts, 1.0)
    assert states.converged.all()
    follows = Following(solver, paths)
    found = follows.current(states).by_field
    largest = float(np.abs(states.current).max())
    for number, path in enumerate(paths):
        value = cell.get(path)
        step, size = step_of(value)

        def current(k: int, path: str = path, value: Any = value, step: float = step) -> np.ndarray:
            changed = follows.rebuilt({path: float(value) + k * step})
            return Solver(changed, FINE).sweep(volts, 1.0).current

        wanted = (8.0 * (current(1) - current(-1)) - (current(2) - current(-2))) / (12.0 * step)
        error = size * np.abs(found[:, number] - wanted).max()
        assert error <= RELATIVE * max(size * np.abs(wanted).max(), largest), path


@pytest.mark.parametrize("statistics", ["fermi-dirac", "boltzmann"])
@pytest.mark.parametrize("transport", [("continuous", "thermionic"), ("thermionic", "continuous")])
def test_a_cell_with_everything_follows_every_number(statistics: str, transport: tuple[str, str]) -> None:
    """Charged traps in layers and at faces, Auger, dipoles, contacts of finite velocity, ions that re-equilibrate."""
    cell = everything(statistics, transport=transport, crowded=statistics == "fermi-dirac")
    compare(cell, numeric(cell), [0.0, 0.6, 0.9])


def test_ions_of_several_species_that_re_equilibrate_are_followed() -> None:
    cell = three_ion_layers()
    compare(cell, numeric(cell), [0.0, 0.5])


@pytest.mark.slow
def test_columns_share_a_voltage_by_area_and_resistance() -> None:
    cell = columns.unlike()
    alone = (".area", "temperature", "light.generation.rate")  # what columns cannot have each for itself
    compare(cell, [path for path in numeric(cell) if not path.endswith(alone)], [0.0, 0.5])


@pytest.mark.parametrize(
    "path",
    ["perovskite.thickness", "perovskite.urbach_energy", "perovskite.ions.density", "niox|perovskite.dipole",
     "perovskite.trap.1.electron_lifetime", "contact.front.work_function", "circuit.shunt_resistance"],
)  # fmt: skip
def test_fields_of_the_paper_s_cell_through_its_optics_ions_and_circuit(path: str) -> None:
    compare(pt.load("wbg-target"), [path], [0.0, 0.9, 1.25])


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["wbg-target", "tandem-target", pytest.param("patchy-tandem", marks=pytest.mark.long)]
)
def test_every_number_of_a_cell_with_its_optics(name: str) -> None:
    cell = pt.load(name)
    top = 1.3 if name == "wbg-target" else 2.0
    paths = [path for path in numeric(cell) if not path.endswith(".area")]
    compare(cell, paths, np.linspace(0.0, top, 5))


@pytest.mark.parametrize("name", ["cell-a", "wbg-target", "tandem-target"])
def test_rows_alone_tell_what_the_cell_made_again_tells(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = pt.load(name)
    solver = Solver(build(cell))
    states = solver.sweep([0.0, 0.8], 1.0)
    unseen = (
        "mobility",
        "affinity",
        "dos",
        "permittivity",
        "lifetime",
        "velocity",
        "resistance",
        "work_function",
    )
    paths = [
        path for path in numeric(cell) if path.endswith((*unseen, ".dipole", ".acceptor_density", "capture"))
    ]
    quick = Following(solver, paths)
    found = quick.current(states).by_field
    # nothing was made again
    assert quick._grids is None
    some = paths[::4]
    monkeypatch.setattr(sensitivity, "direction", lambda *_: None)
    slow = Following(solver, some)
    size = np.array([1.0 if cell.get(p).dimension == "energy" else abs(float(cell.get(p))) for p in some])
    wanted = slow.current(states).by_field * size
    assert slow._grids is not None
    assert np.abs(found[:, ::4] * size - wanted).max() <= 1e-9 * float(np.abs(states.current).max())


def test_fields_that_light_mesh_or_held_ions_see_are_left_to_the_whole_cell() -> None:
    cell = pt.load("wbg-target")
    held = Solver(build(cell.with_values({"perovskite.ions.response": {"kind": "frozen"}})))
    settled = Solver(build(cell))

    def told(solver: Solver, path: str, step: float) -> bool:
        return direction(solver.problem, solver.system.device, solver.system.net, path, step) is not None

    for path in ("perovskite.thickness", "perovskite.bandgap", "temperature", "perovskite|c60.roughness"):
        assert not told(settled, path, 1e-6)
    assert told(settled, "niox|perovskite.dipole", 1e-6)
    # a column's resistance carries its own current alone
    patchy = Solver(build(pt.load("patchy-tandem")))
    assert not told(patchy, "top.covered.circuit.series_resistance", 1e-8)
    assert told(patchy, "top.covered.circuit.shunt_resistance", 1e-2)
    # the ions would settle elsewhere
    assert not told(held, "niox|perovskite.dipole", 1e-6)
    assert told(held, "perovskite.trap.1.electron_lifetime", 1e-12)


def test_a_short_path_moves_both_carriers() -> None:
    cell = pt.load("cell-a")
    both = ["perovskite.trap.1.electron_lifetime", "perovskite.trap.1.hole_lifetime"]
    solver = Solver(build(cell.with_values(dict.fromkeys(both, "0.3 us"))))
    states = solver.sweep([0.0, 0.9], 1.0)
    alone = Following(solver, both).current(states).by_field
    together = Following(solver, ["absorber.lifetime"]).current(states).by_field
    assert together[:, 0] == pytest.approx(alone.sum(axis=1), rel=1e-7)


def test_open_circuit_and_most_power_follow_too() -> None:
    cell, path = pt.load("cell-a"), "perovskite.electronic.electron_affinity"
    solver = Solver(build(cell), FINE)
    follows = Following(solver, [path])
    near = solver.sweep([1.0], 1.0)

    def open_voltage(changed: Any) -> float:
        one = Solver(changed, FINE)
        return float(one.open_circuit(one.sweep([1.0], 1.0).state(0), 1.0).voltage[0])

    states = solver.open_circuit(near.state(0), 1.0)
    step = 1e-4
    above, below = (open_voltage(follows.rebuilt({path: float(cell.get(path)) + k * step})) for k in (1, -1))
    found = follows.current(states)
    assert found.of_voltage[0, 0] == pytest.approx((above - below) / (2 * step), rel=1e-5)
    assert found.by_voltage[0] == pytest.approx(solver.slope(states.state(0), 1.0), rel=1e-8)
    at = follows.current(near)
    assert at.of_power(near.voltage)[0, 0] == pytest.approx(1.0 * at.by_field[0, 0])


def agree(cell: Any, solver: Solver, volts: Sequence[float], lost: int | None = None) -> None:
    """A sweep with its slopes finds the states of one without, and tells what `current` tells of them."""
    paths = numeric(cell)[::3]
    follows = Following(solver, paths)
    if lost is not None:
        plain = solver.system.follow

        def some(*given: Any) -> None:
            # the first path ends too early
            solver.system.follow = plain  # type: ignore[method-assign]  # a stand-in no more
            plain(*given)
            given[-1].reached[lost:] = False

        solver.system.follow = some  # type: ignore[method-assign]  # a stand-in, once
    states, found = follows.sweep(volts, 1.0)
    assert states.converged.all() and solver.system.course is None
    again = Solver(solver.problem, solver.tolerance)
    again._careful = solver._careful
    scale = float(np.abs(states.current).max())
    assert np.abs(states.current - again.sweep(volts, 1.0).current).max() <= 1e-7 * scale
    wanted = follows.current(states)
    size = [1.0 if cell.get(path).dimension == "energy" else abs(float(cell.get(path))) for path in paths]
    assert np.abs((found.by_field - wanted.by_field) * size).max() <= 1e-7 * scale
    assert found.by_voltage == pytest.approx(wanted.by_voltage, rel=1e-7, abs=1e-7 * scale)


@pytest.mark.parametrize("careful", [False, True])
def test_a_sweep_tells_its_slopes(careful: bool) -> None:
    for cell in (
        everything("fermi-dirac", transport=("continuous", "thermionic"), crowded=True),
        three_ion_layers(),
    ):
        solver = Solver(build(cell))
        solver._careful = careful
        agree(cell, solver, np.linspace(0.0, 0.9, 10))


def test_a_sweep_of_a_tandem_tells_its_slopes() -> None:
    cell = pt.load("tandem-target")
    agree(cell, Solver(build(cell)), np.linspace(0.0, 2.0, 5))


def test_a_sweep_that_is_taken_up_again_tells_its_slopes() -> None:
    cell = pt.load("cell-a")
    agree(cell, Solver(build(cell)), np.linspace(0.0, 1.1, 12), lost=5)


def test_points_that_are_not_reached_tell_nothing() -> None:
    cell = pt.load("cell-a")
    solver = Solver(build(cell))
    states, slopes = Following(solver, ["perovskite.lifetime"]).sweep([0.0, 0.9, 1e6], 1.0)
    assert states.converged.tolist() == [True, True, False]
    assert np.isfinite(slopes.by_field[:2]).all() and np.isnan(slopes.by_field[2]).all()
    assert np.isnan(slopes.by_voltage[2])


@pytest.mark.parametrize("name", ["cell-a", "ions", "tandem-target"])
def test_how_a_state_follows_the_voltage_is_what_states_beside_it_differ_by(name: str) -> None:
    cell = three_ion_layers() if name == "ions" else pt.load(name)
    solver = Solver(build(cell), FINE)
    step, at = 2e-4, 1.8 if name == "tandem-target" else 0.7
    states = solver.sweep(at + step * np.array([-2.0, -1.0, 0.0, 1.0, 2.0]), 1.0)
    system = solver.system
    # leaves the factors and the circuit of this state
    Following.by_number(solver, states.pick(np.array([2])))
    row = np.zeros(states.rows.shape[1])
    state = state_in(system.device, states.rows[2])
    assert along(system.device, system.work, system.net, state, (system.linear, system.answer), row)
    wanted = (states.rows[0] - states.rows[4] + 8.0 * (states.rows[3] - states.rows[1])) / (12.0 * step)
    found, wanted = state_in(system.device, row), state_in(system.device, wanted)
    scale = float(np.abs(found.v).max())
    assert found.v == pytest.approx(wanted.v, rel=1e-6)
    assert np.abs(found.psi - wanted.psi).max() <= 1e-6 * scale
    # levels where there are carriers
    for own, other, rest in ((found.fn, wanted.fn, wanted.fn_rest), (found.fp, wanted.fp, wanted.fp_rest)):
        assert np.abs(own - other - rest).max() <= 1e-6 * scale


def test_a_sweep_that_tells_its_slopes_takes_fewer_iterations() -> None:
    cell = pt.load("cell-a")
    volts = np.linspace(0.0, 1.3, 131)
    states, _ = Following(Solver(build(cell)), []).sweep(volts, 1.0)
    plain = Solver(build(cell)).sweep(volts, 1.0)
    assert states.iterations.sum() < 0.95 * plain.iterations.sum()
    assert np.abs(states.current - plain.current).max() <= 1e-9 * float(np.abs(plain.current).max())


def test_numbers_that_nobody_asks_for_are_left_out_and_the_others_are_what_they_are() -> None:
    cell = pt.load("tandem-target")
    solver = Solver(build(cell))
    states = solver.sweep([0.5, 1.9], 1.0)
    _, by_number = Following.by_number(solver, states)
    for paths in (
        ["top.perovskite.electronic.electron_mobility"],
        ["bottom.perovskite.trap.1.electron_lifetime", "top.perovskite.ions.density"],
        ["top.niox.electronic.acceptor_density", "temperature"],
        ["junction.resistance"],
    ):
        follows = Following(solver, paths)
        wanted = by_number @ follows.directions.T
        assert follows.current(states).by_field == pytest.approx(wanted, rel=1e-9)


def test_in_the_dark_nothing_follows_the_light() -> None:
    cell = pt.load("cell-a")
    solver = Solver(build(cell), FINE)
    states = solver.sweep([0.3, 1.0], 0.0)
    follows = Following(solver, ["perovskite.electronic.hole_mobility", "perovskite.thickness"])
    assert np.isfinite(follows.current(states).by_field).all()


def test_from_zero_a_number_is_followed_upwards() -> None:
    cell = pt.load("cell-a").with_values({"perovskite.electronic.donor_density": "0 cm^-3"})
    solver = Solver(build(cell), FINE)
    states = solver.sweep([0.9], 1.0)
    path = "perovskite.electronic.donor_density"
    follows = Following(solver, [path])
    more = Solver(follows.rebuilt({path: 1e18}), FINE).sweep([0.9], 1.0).current[0]
    twice = Solver(follows.rebuilt({path: 2e18}), FINE).sweep([0.9], 1.0).current[0]
    wanted = (4.0 * more - twice - 3.0 * states.current[0]) / 2e18
    assert follows.current(states).by_field[0, 0] == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("perovskite.name", "is no number"),
        ("circuit.series_resistance", "another form"),
        ("perovskite.thicknes", "thickness"),
    ],
)
def test_what_cannot_be_followed_is_refused(path: str, words: str) -> None:
    cell = pt.load("cell-a").with_values({"circuit.series_resistance": "0 ohm cm^2"})
    solver = Solver(build(cell))
    with pytest.raises(InputError, match=words):
        Following(solver, [path]).current(solver.sweep([0.0], 1.0))
