"""Every run-time check passes on what the solver gives, and fails on a result that is wrong by little."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import perotwin as pt
import series
from columns import patchy, unlike
from devices import cell, everything, layer
from perotwin.errors import InputError
from perotwin.lab import eqe, jv
from perotwin.measurement import checks_of
from perotwin.transport import device as dv
from perotwin.transport.build import Problem, build
from perotwin.transport.checks import optical_checks, photocurrent, steady_checks
from perotwin.transport.kernels.rows import stored_in
from perotwin.transport.schedule import Step, Voltage
from perotwin.transport.states import JunctionStates
from perotwin.transport.steady import Solver, States
from perotwin.transport.transient import Engine, Moment
from tandems import plain

CURRENT = "current constant along x"
BALANCE = "contact currents balance generation and recombination"
GAUSS = "Gauss' law"
IONS = "ion number conserved"
VOLTAGES = "junction voltages sum to the terminal's (V)"
ONE_CURRENT = "junctions carry one current"


@pytest.fixture(scope="module")
def good() -> dict[str, States]:
    """Sound states of the cell that has everything: steady and frozen ions, with and without emitting faces."""
    cases = {
        "steady": everything("fermi-dirac"),
        "frozen": everything("boltzmann", {"kind": "frozen", "bias": 0.4, "light": 0.1}),
        "thermionic": everything("fermi-dirac", transport=("thermionic", "continuous")),
    }
    return {name: Solver(build(stack)).sweep([-0.2, 0.6, 1.1], 1.0) for name, stack in cases.items()}


def failed(states: States) -> set[str]:
    return {name for name, row in steady_checks(states).items() if not row.passed}


def corrupted(states: States, part: int, corrupt: Callable[[JunctionStates], JunctionStates]) -> States:
    """The same with the states of one junction exchanged."""
    parts = list(states.parts)
    parts[part] = corrupt(parts[part])
    return replace(states, parts=tuple(parts))


def device(states: JunctionStates, **changes: Any) -> JunctionStates:
    """The same fields, said to belong to another device."""
    junction = states.junction
    return replace(states, junction=replace(junction, device=junction.device._replace(**changes)))


def column(table: np.ndarray, where: Any, factor: float) -> np.ndarray:
    changed = table.copy()
    changed[where] *= factor
    return changed


def bump(states: JunctionStates, size: float) -> np.ndarray:
    """A smooth disturbance, nothing at the ends, of one point of the three."""
    x = states.junction.device.x / states.junction.device.x[-1]
    out = np.zeros_like(states.psi)
    out[1] = size * np.sin(np.pi * x) ** 2
    return out


CORRUPTIONS: dict[str, tuple[str, Callable[[JunctionStates], JunctionStates], set[str]]] = {
    "terminal current": ("steady", lambda s: replace(s, current=s.current * (1 + 1e-5)), {CURRENT}),
    "electrons' level": ("steady", lambda s: replace(s, fn=s.fn + bump(s, 1e-4)), {CURRENT, BALANCE}),
    "holes' level": ("frozen", lambda s: replace(s, fp=s.fp + bump(s, 1e-4)), {CURRENT, BALANCE}),
    "potential": ("steady", lambda s: replace(s, psi=s.psi + bump(s, 1e-4)), {GAUSS, IONS}),
    "junction voltage": (
        "frozen",
        lambda s: replace(s, junction_voltage=s.junction_voltage * (1 + 1e-6)),
        {GAUSS},
    ),
    "generation": (
        "steady",
        lambda s: replace(s, junction=replace(s.junction, generation=s.junction.generation * (1 + 1e-6))),
        {BALANCE},
    ),
    "radiative coefficient": (
        "steady",
        lambda s: device(s, layer=column(s.junction.device.layer, (1, dv.K_RAD), 1.001)),
        {BALANCE},
    ),
    "Auger coefficient": (
        "frozen",
        lambda s: device(s, layer=column(s.junction.device.layer, (1, dv.AUGER_P), 1.5)),
        {BALANCE},
    ),
    "mobility": (
        "steady",
        lambda s: device(s, layer=column(s.junction.device.layer, (1, dv.MU_N), 1.0001)),
        {CURRENT, BALANCE},
    ),
    "permittivity": (
        "frozen",
        lambda s: device(s, layer=column(s.junction.device.layer, (2, dv.EPS), 1.0001)),
        {GAUSS},
    ),
    "doping": ("steady", lambda s: device(s, fixed_charge=s.junction.device.fixed_charge * 1.0001), {GAUSS}),
    "trap's capture": (
        "frozen",
        lambda s: device(s, trap=column(s.junction.device.trap, (2, dv.T_RN), 1.001)),
        {BALANCE},
    ),
    "trap's charge": (
        "steady",
        lambda s: device(s, trap=column(s.junction.device.trap, (0, dv.T_NT), 1.01)),
        {GAUSS},
    ),
    "face trap's capture": (
        "steady",
        lambda s: device(s, face_trap=column(s.junction.device.face_trap, (0, dv.F_SN), 1.001)),
        {BALANCE},
    ),
    "face trap's charge": (
        "steady",
        lambda s: device(s, face_trap=column(s.junction.device.face_trap, (1, dv.F_NT), 1.001)),
        {GAUSS},
    ),
    "emission over a face": (
        "thermionic",
        lambda s: device(s, barrier=column(s.junction.device.barrier, (0, slice(0, 2)), 1.001)),
        {BALANCE},
    ),
    "ions' activity": ("steady", lambda s: replace(s, mu=s.mu + 1e-6), {IONS}),
    "held ions": ("frozen", lambda s: replace(s, frozen_density=s.frozen_density * (1 + 1e-7)), {IONS}),
    "held charge": ("frozen", lambda s: replace(s, frozen_charge=s.frozen_charge * 1.001), {GAUSS}),
    "no number among the fields": (
        "steady",
        lambda s: replace(s, psi=np.where(np.arange(s.psi.shape[1]) == 40, np.nan, s.psi)),
        {CURRENT, BALANCE, GAUSS},
    ),
}


def test_sound_results_pass(good: dict[str, States]) -> None:
    for name, states in good.items():
        assert states.converged.all()
        assert failed(states) == set(), name
        assert {CURRENT, BALANCE, GAUSS, IONS} <= set(steady_checks(states))


@pytest.mark.parametrize(("case", "corrupt", "expected"), CORRUPTIONS.values(), ids=CORRUPTIONS.keys())
def test_wrong_results_fail(
    good: dict[str, States],
    case: str,
    corrupt: Callable[[JunctionStates], JunctionStates],
    expected: set[str],
) -> None:
    assert expected <= failed(corrupted(good[case], 0, corrupt))


def test_points_that_did_not_converge_are_no_one_elses_fault(good: dict[str, States]) -> None:
    broken = corrupted(good["steady"], 0, lambda s: replace(s, psi=s.psi + bump(s, 1.0)))
    assert failed(broken)
    reached = np.array([True, False, True])
    broken = corrupted(replace(broken, converged=reached), 0, lambda s: replace(s, converged=reached))
    assert failed(broken) == set()


def test_a_point_without_a_solution_is_a_failed_row(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Solver.sweep

    def lame(self: Solver, *arguments: Any, **options: Any) -> States:
        found = honest(self, *arguments, **options)
        lost = np.isclose(found.voltage, 0.5)
        return replace(found, converged=~lost, current=np.where(lost, np.nan, found.current))

    row = "points without a solution"
    assert checks_of(jv.measure(pt.load("cell-b")))[row].passed
    monkeypatch.setattr(Solver, "sweep", lame)
    measured = jv.measure(pt.load("cell-b"))
    assert not checks_of(measured)[row].passed
    assert np.isnan(measured["current_density"].sel(voltage=0.5))
    assert np.isnan(measured["channel_current"].sel(voltage=0.5)).all()


def radiative(problem: Problem, factor: float) -> Problem:
    (part,) = problem.parts
    table = part.device.layer.copy()
    table[:, dv.K_RAD] *= factor
    return replace(problem, parts=(replace(part, device=part.device._replace(layer=table)),))


def test_a_radiative_limit_above_the_absorptance_fails() -> None:
    row = "radiative limit above that of the absorptance (V)"
    problem = build(pt.load("wbg-target"))
    assert optical_checks(problem)[row].passed
    # parasitic absorption keeps the equations below what escapes: two thirds of a kT/q are to be lost first
    emission = problem.shown.emission
    share = emission.j0_radiative / emission.j0_optical
    assert optical_checks(radiative(problem, share))[row].passed
    # 1 mV is kT/q / 25.7
    assert optical_checks(radiative(problem, share * np.exp(-0.0009 / problem.vt)))[row].passed
    assert not optical_checks(radiative(problem, share * np.exp(-0.0011 / problem.vt)))[row].passed
    assert not optical_checks(radiative(problem, 0.0))[row].passed
    # the literature's coefficient for a 1.79 eV cell lies above Shockley and Queisser
    stated = pt.load("wbg-target").with_values(
        {"perovskite.recombination.radiative": {"kind": "coefficient", "coefficient": 3e-17}}
    )
    assert not optical_checks(build(stated))[row].passed


@pytest.mark.parametrize(
    ("part", "row"),
    [("reflectance", "R + T + A = 1"), ("absorbed", "generation integrates to the absorbed flux")],
)
def test_photons_that_vanish_fail(part: str, row: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from perotwin.optics.films import LitFilms

    stack = pt.load("wbg-target")
    assert optical_checks(build(stack))[row].passed
    if part == "reflectance":
        honest = LitFilms.reflectance.fget
        monkeypatch.setattr(LitFilms, part, property(lambda self: honest(self) * (1 + 1e-7)))
    else:
        count = LitFilms.absorbed
        monkeypatch.setattr(LitFilms, part, lambda self, *a: count(self, *a) * (1 + 1e-7))
    assert not optical_checks(build(stack))[row].passed


def test_a_spectrum_that_misses_its_current_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    from perotwin.transport import linear_response

    honest = linear_response.photocurrent_response
    row = "EQE integral against Jsc"
    assert checks_of(eqe.measure(pt.load("wbg-target")))[row].passed
    monkeypatch.setattr(linear_response, "photocurrent_response", lambda *a: honest(*a) * 1.02)
    assert not checks_of(eqe.measure(pt.load("wbg-target")))[row].passed


def test_flat_bands_are_no_fault() -> None:
    """With no field at all only rounding is left, which is not held against a result."""
    for gap in (0.8, 1.6, 3.0):
        body = layer("body", 300e-9, gap=gap, radiative=1e-17)
        states = Solver(build(cell(body, front=4.0 + gap / 2, back=4.0 + gap / 2, rate=1e20))).sweep(
            [0.0], 0.0
        )
        assert failed(states) == set()
        lit = Solver(build(cell(body, front=4.3 + gap / 2, back=4.0 + gap / 2, rate=1e20))).sweep([0.3], 1.0)
        assert failed(lit) == set()


def test_a_current_in_time_that_is_not_one_fails() -> None:
    """Of ions, carriers and displacement: each disturbed by little is seen."""
    engine = Engine(build(everything("fermi-dirac")))
    schedule = [Step(1e-3, Voltage(0.9, 0.7), light=1.0, points=3)]
    trace = engine.run(schedule, engine.settled(0.9, 1.0))
    assert 0.0 < trace.constancy.max() <= 1.0
    made, generated = trace.moments[-1], float(trace.generated[-1])
    rate, past = engine.difference.rate, stored_in(engine.device, engine.difference.past).psi
    assert engine.problem.circuit.resistance == engine.problem.circuit.shunts(0) == 0.0
    (currents,) = engine._currents

    def departure(moment: Moment, rate: float = rate, **changes: float) -> float:
        current = changes.get("current", float(trace.current[-1]))
        return currents.departure(moment.junction(0), rate, past, generated, current)

    assert departure(made) == pytest.approx(float(trace.constancy[-1]), rel=1e-6)
    middle = made.state.psi.size // 2
    for name in ("fn", "fp", "level"):
        wrong = made.copy()
        getattr(wrong.state, name)[..., middle] += 1e-2
        assert departure(wrong) > 1.0, name
    assert departure(made, rate=rate * (1.0 + 1e-4)) > 1.0
    assert departure(made, current=float(trace.current[-1]) + 1e-3) > 1.0


# --- several junctions -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", [0, 1])
def test_a_corrupted_column_fails_the_checks(column: int) -> None:
    states = Solver(build(unlike())).sweep([0.0, 0.8], 1.0)
    assert not failed(states)
    bent = corrupted(states, column, lambda s: replace(s, psi=s.psi + 1e-4 * np.sin(np.pi * depth(s)) ** 2))
    assert GAUSS in failed(bent)
    # the worst of each name, and no row less than each column has
    found = steady_checks(states)
    each = [steady_checks(Solver(states.problem.part(d)).sweep([0.0, 0.8], 1.0)) for d in (0, 1)]
    assert set(found) == set(each[0]) | set(each[1]) | {VOLTAGES}


def depth(states: JunctionStates) -> np.ndarray:
    x = states.junction.device.x
    return x / x[-1]


def test_a_column_that_radiates_too_little_fails_the_optical_check() -> None:
    row = "radiative limit above that of the absorptance (V)"
    cell = patchy()
    assert optical_checks(build(cell))[row].passed
    stated = cell.with_values(
        {"bare.perovskite.recombination.radiative": {"kind": "coefficient", "coefficient": 3e-17}}
    )
    assert not optical_checks(build(stated))[row].passed


@pytest.fixture(scope="module", params=["ideal", "metal", "traps"])
def joined(request: pytest.FixtureRequest) -> States:
    """A sound tandem, with a leaking top where a shunt has a node to end on, by what lies between its junctions."""
    junction = {
        "ideal": {"kind": "ideal"},
        "metal": {
            "kind": "traps", "electron_velocity": 1e3, "hole_velocity": 1e3, "metal": {"work_function": 4.3},
        },
        "traps": {"kind": "traps", "electron_velocity": 1e-2, "hole_velocity": 1e-2},
    }[request.param]  # fmt: skip
    leak = {} if request.param == "traps" else {"circuit": {"shunt_resistance": 0.05}}
    tandem = plain((6e27, 5e27), top=leak, junction=junction)
    states = Solver(build(tandem)).sweep([-0.2, 1.5, 1.9], 1.0)
    assert states.converged.all()
    assert len(states.parts) == (1 if request.param == "traps" else 2)
    return states


def test_sound_states_of_a_tandem_pass(joined: States) -> None:
    assert not failed(joined)
    assert VOLTAGES in steady_checks(joined)
    assert (ONE_CURRENT in steady_checks(joined)) == (len(joined.parts) == 2)


def test_a_junction_without_light_is_judged_by_what_the_others_make() -> None:
    """All that passes it comes from them: a current of 1e-34 A/m2 beside their 3e3 has no digits to be checked."""
    problem = series.dimmed(series.unlike(), 0.0, 1.0)
    states = Solver(problem).sweep([0.0], 1.0)
    dark = states.parts[0]
    assert photocurrent(dark) == 0.0 and photocurrent(states.parts[1]) > 100.0
    assert not failed(states)
    for share, seen in ((1e-7, False), (1e-5, True)):
        more = share * float(photocurrent(states.parts[1])[0])
        wrong = corrupted(states, 0, lambda s, more=more: replace(s, current=s.current + more))
        assert (CURRENT in failed(wrong)) == seen


def test_voltages_that_do_not_add_up_fail(joined: States) -> None:
    assert VOLTAGES in failed(replace(joined, voltage=joined.voltage + 1e-6))


def test_a_current_at_the_terminals_that_is_not_the_junctions_fails(joined: States) -> None:
    if len(joined.parts) == 1:
        wrong = corrupted(joined, 0, lambda s: replace(s, current=s.current * (1 + 1e-5)))
        assert CURRENT in failed(wrong)
    else:
        assert ONE_CURRENT in failed(replace(joined, current=joined.current * (1 + 1e-5)))


def test_a_leak_that_is_another_fails(joined: States) -> None:
    """The shunt of the top alone has a node between the junctions to end on."""
    if len(joined.parts) == 1:
        with pytest.raises(InputError, match="joined by traps but has a shunt resistance"):
            build(joined.problem.stack.with_values({"top.circuit.shunt_resistance": 0.05}))
        return

    def leaking(states: JunctionStates) -> JunctionStates:
        stack = states.junction.stack.with_values({"circuit.shunt_resistance": 0.05 * 1.001})
        return replace(states, junction=replace(states.junction, stack=stack))

    assert ONE_CURRENT in failed(corrupted(joined, 0, leaking))


def test_what_happens_where_junctions_meet_is_checked(joined: States) -> None:
    if len(joined.parts) == 1:
        (part,) = joined.parts
        node = int(part.junction.site_node[part.junction.between[0]])
        table = part.junction.device.face_trap
        assert table.shape[0] == 1
        for changed in ((0, dv.F_SN), (0, dv.F_SP)):
            assert BALANCE in failed(
                corrupted(joined, 0, lambda s, at=changed: device(s, face_trap=column(table, at, 1.001)))
            )
    else:
        node = joined.parts[0].psi.shape[1] - 1
        # what a metal takes hangs on its level
        moved = corrupted(
            joined,
            0,
            lambda s: device(s, contact=column(s.junction.device.contact, (1, dv.C_PSI), 1.0 + 1e-6)),
        )
        assert VOLTAGES in failed(moved)

    def shifted(states: JunctionStates) -> JunctionStates:
        fn = states.fn.copy()
        fn[1, node] += 1e-3
        return replace(states, fn=fn)

    assert BALANCE in failed(corrupted(joined, 0, shifted))
