"""Two junctions one behind the other: limits, one method against the other, and what is kept."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.constants import elementary_charge as Q

import perotwin as pt
from perotwin.lab import jv
from perotwin.measurement import checks_of
from perotwin.stack import Tandem
from perotwin.transport.cell import build, solver_of
from perotwin.transport.checks import steady_checks
from perotwin.transport.tandem import TandemProblem, TandemSolver
from tandems import ideal, plain, shining, with_traps

VOLTAGE = np.linspace(-0.2, 2.3, 51)


def solved(tandem: Tandem, voltage: Any = VOLTAGE, one_solve: bool = False) -> Any:
    """Steady states that have all converged and pass their checks."""
    states = solver_of(build(tandem, one_solve=one_solve)).sweep(voltage, 1.0)
    assert states.converged.all()
    failed = {name: row for name, row in steady_checks(states).items() if not row.passed}
    assert not failed, failed
    return states


def apart(one: Any, other: Any) -> float:
    """How far two curves of one set of voltages lie apart along the voltage, V, up to a little past open circuit."""
    slope = np.gradient(one.current, one.voltage)
    here = one.current > -0.1 * one.current.max()
    return float(np.abs((other.current - one.current) / slope)[here].max())


def lost(states: Any) -> float:
    """Voltage lost between the junctions at the point of most power, V."""
    best = int(np.argmax(states.voltage * states.current))
    return float(states.junction_voltages["between"][best])


# --- limits -----------------------------------------------------------------------------------------------------------


def test_shockley_queisser_in_series() -> None:
    """1.79 and 1.25 eV: 40.44 % (photon flux to the exact edges, one-sided emission, no coupling, 298.15 K)."""
    measured = jv.measure(ideal(1.79, 1.25))
    assert all(row.passed for row in checks_of(measured).values())
    found = jv.analyse(measured)
    assert found["pce"].value == pytest.approx(0.4044, rel=1e-3)
    assert found["jsc"].value == pytest.approx(176.69, rel=1e-3)
    # each junction's own limit: the sum of the voltages at its share of the light
    vt = 8.617333262e-5 * 298.15
    parts = [vt * np.log(j / j0 + 1.0) for j, j0 in ((199.06, 7.4187e-24), (176.69, 4.917e-15))]
    assert found["voc"].value == pytest.approx(sum(parts), abs=1e-3)


@pytest.mark.parametrize("statistics", ["boltzmann", "fermi-dirac"])
@pytest.mark.parametrize("ions", [False, True])
def test_series_and_one_solve_agree(statistics: str, ions: bool) -> None:
    shunted = {"circuit": {"series_resistance": 1e-4, "shunt_resistance": 0.5}}
    tandem = plain((6e27, 5e27), statistics, ions, top=shunted, bottom={"circuit": {"shunt_resistance": 0.2}})
    series, whole = solved(tandem), solved(tandem, one_solve=True)
    assert apart(series, whole) < 2e-6
    for name, values in series.junction_voltages.items():
        assert whole.junction_voltages[name] == pytest.approx(values, abs=2e-6), name
    one, other = series.losses(), whole.losses()
    for name in ("top absorber trap 1", "bottom absorber radiative", "bottom absorber trap 1", "bottom shunt"):
        assert other[name] == pytest.approx(one[name], rel=1e-3, abs=1e-6), name
    assert one["top shunt"] == pytest.approx(other["top shunt"], rel=1e-5)


@pytest.mark.parametrize("name", ["tandem-control", "tandem-target"])
def test_series_and_one_solve_agree_on_library_tandems(name: str) -> None:
    tandem = pt.load(name)
    assert isinstance(tandem, Tandem)
    series, whole = solved(tandem), solved(tandem, one_solve=True)
    assert apart(series, whole) < 1e-4
    ends = [
        solver_of(states.problem).open_circuit(states.state(46), 1.0).voltage[0] for states in (series, whole)
    ]
    assert ends[1] == pytest.approx(ends[0], abs=1e-4)


# --- what lies between ------------------------------------------------------------------------------------------------


def test_traps_approach_an_ideal_junction() -> None:
    tandem = pt.load("tandem-target").with_values({"junction": {"kind": "ideal"}})
    perfect = solved(tandem, one_solve=True)
    resistance = float(tandem.whole.circuit.series_resistance)
    best = int(np.argmax(perfect.voltage * perfect.current))
    losses, power = [], []
    for velocity in (1e-6, 1e-4, 1e-2, 1.0, 100.0):
        states = solved(with_traps(tandem, velocity))
        here = int(np.argmax(states.voltage * states.current))
        losses.append(lost(states) - resistance * float(states.current[here]))
        power.append(float((states.voltage * states.current)[best]))
    assert all(np.diff(losses) < 0.0), losses
    assert all(np.diff(power) > 0.0), power
    # one that costs more than 50 mV, and one that is as good as ideal
    assert losses[0] > 0.05
    assert losses[-1] < 1e-5
    assert power[-1] == pytest.approx(float((perfect.voltage * perfect.current)[best]), rel=1e-5)


def test_the_same_with_a_thin_metal() -> None:
    """Capture by a metal whose work function lies between the bands; a slow one costs more."""
    tandem = plain()
    perfect = solved(tandem, one_solve=True)
    found = [
        lost(solved(with_traps(tandem, velocity, metal={"work_function": 4.3}))) for velocity in (1e2, 1e3, 1e5)
    ]
    assert found[0] > found[1] > found[2] > lost(perfect)
    assert found[0] > 0.05


def test_a_resistance_costs_its_ohmic_drop() -> None:
    resistance = 5e-4
    tandem = plain((6e27, 5e27))
    costly = tandem.with_values({"junction": {"kind": "resistive", "resistance": resistance}})
    for one_solve in (False, True):
        with_it = solved(costly, one_solve=one_solve)
        without = solved(tandem, with_it.voltage + resistance * with_it.current, one_solve=one_solve)
        assert without.current == pytest.approx(with_it.current, abs=1e-8 * with_it.current.max())
        between = with_it.junction_voltages["between"] - without.junction_voltages["between"]
        assert between == pytest.approx(resistance * with_it.current, abs=1e-10)


@pytest.mark.parametrize("one_solve", [False, True])
def test_voltages_of_the_junctions_add_up(one_solve: bool) -> None:
    states = solved(plain((6e27, 5e27), bottom={"circuit": {"series_resistance": 2e-4}}), one_solve=one_solve)
    found = states.junction_voltages
    assert found["top"] + found["bottom"] - found["between"] == pytest.approx(states.voltage, abs=1e-12)
    assert np.all(np.diff(found["top"]) > 0.0)


def test_each_junction_is_at_a_point_of_its_own_curve() -> None:
    """The tandem's curve from two separate ones, by a root of their voltages' sum: no common Newton."""
    from scipy.optimize import brentq

    tandem = plain((6e27, 5e27))
    states = solved(tandem, [0.0, 1.0, 1.9])
    solver = solver_of(build(tandem))
    assert isinstance(solver, TandemSolver)
    for k, voltage in enumerate(states.voltage):
        near = [part.state(k) for part in states.parts]

        def excess(top: float, voltage: float = voltage, near: Any = near) -> float:
            currents = [
                float(one.sweep([v], 1.0, at).current[0])
                for one, v, at in zip(solver.junctions, (top, voltage - top), near, strict=True)
            ]
            return currents[0] - currents[1]

        centre = float(states.junction_voltages["top"][k])
        assert brentq(excess, centre - 0.05, centre + 0.05, xtol=1e-13) == pytest.approx(centre, abs=1e-9)


def test_a_tandem_seen_from_the_other_end() -> None:
    tandem = plain((6e27, 5e27), ions=True)
    forth, back = solved(tandem), solved(tandem.mirrored())
    assert back.current == pytest.approx(forth.current, rel=1e-8, abs=1e-8)
    assert back.junction_voltages["bottom"] == pytest.approx(forth.junction_voltages["top"], abs=1e-9)
    whole = solved(tandem.mirrored(), one_solve=True)
    assert apart(forth, whole) < 2e-6


# --- light from one junction in the other -----------------------------------------------------------------------------


def test_luminescent_coupling_balances() -> None:
    """What the top radiates escapes, is absorbed elsewhere or makes pairs in the bottom; the currents know of it."""
    tandem = shining()
    problem = build(tandem)
    assert isinstance(problem, TandemProblem) and problem.coupling is not None
    emission = problem.optics.emission
    assert emission is not None
    own = emission["top absorber"]
    taken = own.taken["bottom absorber"]
    assert problem.coupling.share == pytest.approx(taken / own.net, rel=1e-12)
    assert problem.coupling.profile.sum() == pytest.approx(1.0, rel=1e-12)
    for made in (problem, replace(problem, coupling=None)):
        solver = TandemSolver(made)
        states = solver.sweep(np.linspace(0.0, 2.1, 15), 1.0)
        assert states.converged.all()
        top, bottom = states.parts
        radiated = top.losses()["absorber radiative"]
        share = 0.0 if made.coupling is None else made.coupling.share
        extra = np.zeros(15) if bottom.coupled is None else Q * bottom.coupled.sum(axis=1)
        assert extra == pytest.approx(share * radiated, rel=1e-10, abs=1e-12)
        for part, more in ((top, 0.0), (bottom, extra)):
            gone = sum(part.losses().values())
            made_here = Q * part.problem.generation.sum() + more
            assert made_here - gone == pytest.approx(part.current, abs=1e-6 * Q * part.problem.generation.sum())


def test_coupling_lifts_the_junction_that_limits() -> None:
    """Without traps the top's surplus shines on the bottom: most of the mismatch comes back as current."""
    problem = build(shining())
    assert isinstance(problem, TandemProblem)
    currents = [
        float(TandemSolver(made).sweep([0.0], 1.0).current[0]) for made in (problem, replace(problem, coupling=None))
    ]
    surplus = problem.junctions[0].photocurrent - problem.junctions[1].photocurrent
    assert surplus > 10.0
    assert currents[0] - currents[1] > 0.3 * surplus


# --- small changes ----------------------------------------------------------------------------------------------------


def derivative(function: Any, at: float, step: float = 2e-3) -> float:
    """Of fourth order with a long step: the plane of the one solve leaves 1e-9 of the current to rounding."""
    ends = [float(function(at + d * step)) for d in (-2, -1, 1, 2)]
    return (ends[0] - 8 * ends[1] + 8 * ends[2] - ends[3]) / (12 * step)


@pytest.mark.parametrize("one_solve", [False, True])
def test_slopes_and_responses_are_derivatives(one_solve: bool) -> None:
    tandem = pt.load("tandem-target")
    solver = solver_of(build(tandem, one_solve=one_solve))
    for voltage in (0.5, 1.9, 2.15):
        state = solver.sweep([voltage], 1.0).state(0)
        slope = derivative(lambda v, at=state: solver.sweep([v], 1.0, at).current[0], voltage)
        assert solver.slope(state, 1.0) == pytest.approx(slope, rel=2e-4)
    # ions are held in the response to light: compared without any
    frozen = plain((6e27, 5e27))
    solver = solver_of(build(frozen, one_solve=one_solve))
    for voltage in (0.5, 1.9):
        state = solver.sweep([voltage], 1.0).state(0)
        slope = derivative(lambda suns, v=voltage, at=state: solver.sweep([v], suns, at).current[0], 1.0)
        assert solver.light_response(state, 1.0) == pytest.approx(slope, rel=2e-4)


# --- four terminals ---------------------------------------------------------------------------------------------------


def test_four_terminals_are_two_cells_in_one_light() -> None:
    tandem = pt.load("tandem-target").with_values({"junction": {"kind": "separate"}})
    both = build(pt.load("tandem-target"))
    for which, lit in zip(("top", "bottom"), both.parts, strict=True):
        measured = jv.measure(tandem.at(which))
        assert all(row.passed for row in checks_of(measured).values())
        assert measured.attrs["stack"] == f"tandem-target {which}"
        assert {"R + T + A = 1", f"emission of {which} perovskite outside the optical tables"} <= set(
            checks_of(measured)
        )
        assert jv.analyse(measured)["jsc"].value == pytest.approx(lit.photocurrent, rel=0.01)
    with pytest.raises(pt.errors.InputError, match="four terminals, and an instrument connects to two"):
        jv.measure(tandem)
    with pytest.raises(pt.errors.InputError, match="share their terminals"):
        pt.load("tandem-target").at("top")
    assert tandem.at("top").mirrored().junction.terminals == "bottom"


def test_light_that_is_left_out_is_told() -> None:
    """Seen from the other end the wider gap lies behind, and its light goes to the front."""
    tandem = pt.load("tandem-target")
    for one_solve in (False, True):
        assert not any("left out" in note for note in build(tandem, one_solve=one_solve).notes)
        assert any("it is left out" in note for note in build(tandem.mirrored(), one_solve=one_solve).notes)


@pytest.mark.parametrize("one_solve", [False, True])
def test_open_circuit_is_found_from_anywhere(one_solve: bool) -> None:
    """Newton's method with the voltage unknown too does not arrive from the flat part of the curve by itself."""
    solver = solver_of(build(pt.load("tandem-target"), one_solve=one_solve))
    found = [
        float(solver.open_circuit(solver.sweep([volts], 1.0).state(0), 1.0).voltage[0]) for volts in (0.0, 1.5, 2.3)
    ]
    assert found == pytest.approx([found[-1]] * 3, abs=1e-9)
