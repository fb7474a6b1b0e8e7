"""A junction of columns that meet at the recombination junction: a tandem with patches in its top or its bottom."""

from typing import Any

import numpy as np
import pytest
from scipy.constants import elementary_charge as Q

import perotwin as pt
from by_hand import differences
from cells import patchy
from perotwin.stack import Tandem
from perotwin.transport.build import build
from perotwin.transport.checks import steady_checks
from perotwin.transport.profiles import junction_profiles
from perotwin.transport.schedule import Step, Voltage
from perotwin.transport.steady import Solver
from perotwin.transport.transient import Engine
from tandems import plain, shining

AREAS = (0.7, 0.3)
#: parts of the photocurrent, and V
SAME_CURRENT, SAME_VOLTAGE = 1e-9, 1e-9
SHUNTED = {"circuit": {"series_resistance": 2e-4, "shunt_resistance": 0.3}}


def mobile() -> Tandem:
    """With ions that re-equilibrate and resistances in the top."""
    return plain((6e27, 5e27), ions=True, top=SHUNTED, bottom={"circuit": {"shunt_resistance": 0.5}})


CELLS = {"mobile": (mobile, 1.9), "shining": (shining, 2.1)}


def all_passed(states: Any) -> None:
    assert states.converged.all()
    failed = {name: row for name, row in steady_checks(states).items() if not row.passed}
    assert not failed, failed


@pytest.fixture(
    scope="module", params=[(name, which) for name in CELLS for which in ("top", "bottom")], ids="-".join
)
def both(request: pytest.FixtureRequest) -> tuple[Solver, Solver, float, str]:
    """A plain tandem and one with two equal columns in a junction; a voltage a little below open circuit."""
    name, which = request.param
    made, voltage = CELLS[name]
    cell = made()
    return Solver(build(cell)), Solver(build(patchy(cell, which, AREAS))), voltage, which


def test_equal_columns_are_the_plain_tandem(both: tuple[Solver, Solver, float, str]) -> None:
    one, two, voltage, which = both
    scale = one.problem.photocurrent
    assert two.problem.photocurrent == pytest.approx(scale, rel=1e-12)
    range_ = np.linspace(-0.3, voltage + 0.15, 16)
    first, second = (solver.sweep(range_, 1.0) for solver in (one, two))
    ends = [solver.open_circuit(states.state(14), 1.0) for solver, states in ((one, first), (two, second))]
    assert ends[1].voltage[0] == pytest.approx(ends[0].voltage[0], abs=SAME_VOLTAGE)
    for alone, columns in ((first, second), ends):
        all_passed(alone)
        all_passed(columns)
        assert columns.current == pytest.approx(alone.current, abs=SAME_CURRENT * scale)
        # a junction of columns is what lies between its nodes, their own resistances included
        behind = (
            float(one.problem.parts[one.problem.names.index(which)].stack.circuit.series_resistance)
            * alone.current
        )
        for name, volts in alone.junction_voltages.items():
            wanted = volts - behind if name in (which, "between") else volts
            assert columns.junction_voltages[name] == pytest.approx(wanted, abs=SAME_VOLTAGE), name
        for name, lost in alone.losses().items():
            assert columns.losses()[name] == pytest.approx(lost, abs=SAME_CURRENT * scale), name
    # both columns carry what the plain junction carries
    parts = [second.parts[d] for d, name in enumerate(two.problem.names) if name.startswith(f"{which}.")]
    assert len(parts) == 2
    plain_part = first.inside[which]
    for part in parts:
        assert part.junction_voltage == pytest.approx(plain_part.junction_voltage, abs=SAME_VOLTAGE)
        assert part.current == pytest.approx(first.current, abs=SAME_CURRENT * scale)


def test_equal_columns_have_the_plain_tandems_impedance(both: tuple[Solver, Solver, float, str]) -> None:
    one, two, voltage, _ = both
    frequency = np.geomspace(1e-2, 1e8, 21)
    for volts in (0.3, voltage):
        first, second = (
            solver.linearised(solver.sweep([volts], 1.0).state(0), 1.0).spectrum(frequency)
            for solver in (one, two)
        )
        # where the curve is flat, what is left of the light's current by rounding
        rounding = 1e-13 * one.problem.photocurrent
        apart = np.abs(second.admittance - first.admittance)
        assert np.all(apart < 1e-9 * np.abs(first.admittance) + rounding)
        assert np.abs(second.imps - first.imps).max() < SAME_CURRENT * one.problem.photocurrent
        assert volts < 1.0 or np.abs(second.impedance / first.impedance - 1.0).max() < 1e-9


def test_equal_columns_scan_as_the_plain_tandem_does(both: tuple[Solver, Solver, float, str]) -> None:
    _, _, voltage, which = both
    cell = mobile() if both[0].problem.ions_settle else shining()
    steps = [
        Step(0.2, Voltage(0.0, voltage), light=1.0, points=8),
        Step(0.2, Voltage(voltage, 0.0), light=1.0, points=8),
    ]
    made = []
    for one in (cell, patchy(cell, which, AREAS)):
        engine = Engine(build(one))
        made.append(engine.run(steps, engine.settled(0.0, 1.0)))
    first, second = made
    assert first.complete and second.complete
    assert np.array_equal(first.time, second.time)
    assert second.current == pytest.approx(first.current, abs=SAME_CURRENT * both[0].problem.photocurrent)
    assert second.constancy.max() <= 1.0


#: a second column that differs in light, in traps and in a dipole
OTHER = {"absorber.thickness": 250e-9, "absorber.bandgap": 1.72}


def test_the_bottom_gets_the_area_weighted_light_of_the_columns() -> None:
    cell = shining()
    other = cell.with_values({f"top.{path}": value for path, value in OTHER.items()})
    problem = build(patchy(cell, "top", AREAS, **OTHER))
    alone = [build(one) for one in (cell, other)]
    of_columns = [one.parts[1].generation for one in alone]
    wanted = AREAS[0] * of_columns[0] + AREAS[1] * of_columns[1]
    np.testing.assert_allclose(problem.parts[2].generation, wanted, rtol=1e-10)
    assert abs(of_columns[1].sum() / of_columns[0].sum() - 1.0) > 0.05
    # what the columns radiate reaches it by their areas too
    states = Solver(problem).sweep([0.0, 1.5, 2.0], 1.0)
    all_passed(states)
    light = np.zeros((3, problem.parts[2].generation.size))
    for number, (area, one) in enumerate(zip(AREAS, alone, strict=True)):
        rate = states.parts[number].losses()["absorber radiative"] / Q
        light += area * one.lights[0].share * np.outer(rate, one.lights[0].profile)
    assert light.sum() > 0.0
    np.testing.assert_allclose(states.parts[2].coupled, light, rtol=1e-9)


def unlike() -> Tandem:
    """Columns that are unlike in all that is electrical, and a resistive junction below them."""
    resistive = mobile().with_values({"junction": {"kind": "resistive", "resistance": 1e-4}})
    return patchy(
        resistive, "top", AREAS,
        **{
            "absorber.thickness": 260e-9, "htl|absorber.dipole": 0.06, "absorber.trap.1.electron_lifetime": 3e-8,
            "circuit.series_resistance": 5e-4, "circuit.shunt_resistance": 0.1,
        },
    )  # fmt: skip


@pytest.mark.parametrize("light", [1.0, 0.0])
def test_the_node_where_the_columns_meet_carries_one_potential(light: float) -> None:
    """Found from the fields: the potential at the contacts, and the fluxes along x for what the resistors take."""
    cell = unlike()
    solver = Solver(build(cell))
    states = solver.sweep(np.linspace(0.1, 2.2, 8), light)
    all_passed(states)
    assert list(solver.problem.names) == ["top.covered", "top.bare", "bottom"]

    def across(part: Any) -> np.ndarray:
        device = part.junction.device
        step = part.psi[:, 0] - part.psi[:, -1] - (device.contact[0, 0] - device.contact[1, 0])
        return np.asarray(device.vt * step)

    def through(part: Any) -> np.ndarray:
        fields = junction_profiles(part)
        total = -(fields.electron_current + fields.hole_current)
        quiet = np.argmin(np.maximum(fields.electron_density, fields.hole_density)[:, fields.edge], axis=1)
        shunt = part.junction.stack.circuit.shunt_resistance
        return total[np.arange(total.shape[0]), quiet] - across(part) / float(shunt)

    from_above = []
    currents = np.zeros(states.voltage.size)
    for part, area in zip(states.parts[:2], AREAS, strict=True):
        series = float(part.junction.stack.circuit.series_resistance)
        from_above.append(states.voltage - (across(part) - series * through(part)))
        currents += area * through(part)
    from_below = across(states.parts[2]) - 1e-4 * through(states.parts[2])
    assert from_above[0] == pytest.approx(from_above[1], abs=SAME_VOLTAGE)
    assert from_above[0] == pytest.approx(from_below, abs=SAME_VOLTAGE)
    assert currents == pytest.approx(through(states.parts[2]), abs=1e-9 * solver.problem.photocurrent)
    # though the columns are not at one voltage
    assert np.abs(across(states.parts[0]) - across(states.parts[1])).max() > 1e-3


@pytest.mark.parametrize("name", ["unlike", "patchy-tandem", "shining"])
def test_unequal_columns_are_what_their_junctions_are(name: str) -> None:
    """By hand: each junction alone at a held voltage, joined by a root finder."""
    if name == "unlike":
        cell: Any = unlike()
    else:
        cell = pt.load(name) if name == "patchy-tandem" else patchy(shining(), "top", AREAS, **OTHER)
    solver = Solver(build(cell))
    states = solver.sweep([0.0, 1.2, 1.8, 2.0, 2.1], 1.0)
    all_passed(states)
    for point in range(states.voltage.size):
        found = differences(solver, states, point)
        assert found["voltage"] < 1e-4, (point, found)
        assert max(found["current"], found["each alone"], found["light"]) < 1e-6, (point, found)


def test_the_cell_of_the_library_scans_and_has_an_impedance() -> None:
    cell = pt.load("patchy-tandem")
    problem = build(cell)
    engine = Engine(problem)
    light = float(cell.light.intensity)
    trace = engine.run([Step(1.0, Voltage(0.0, 1.9), light=light, points=10)], engine.settled(0.0, light))
    assert trace.complete and trace.constancy.max() <= 1.0
    solver = engine.solver
    state = solver.sweep([1.8], light).state(0)
    spectrum = solver.linearised(state, light).spectrum(np.geomspace(1e-3, 1e7, 11))
    # slow enough, it is the slope of the curve whose ions follow
    slow = solver.linearised(state, light).spectrum([1e-7])
    moving = Solver(problem.all_moving()) if problem.ions_settle else solver
    assert -1.0 / slow.impedance[0].real == pytest.approx(moving.slope(state, light), rel=1e-5)
    assert np.all(np.diff(np.abs(spectrum.impedance)) < 1e-12)
