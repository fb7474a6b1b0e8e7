"""Junctions one behind the other: limits, two of them each solved by itself, what lies between, and what is kept."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from scipy.constants import elementary_charge as Q
from scipy.optimize import brentq

import perotwin as pt
from devices import VT, layer
from perotwin.lab import jv
from perotwin.measurement import checks_of
from perotwin.stack import Tandem
from perotwin.transport.build import build
from perotwin.transport.checks import steady_checks
from perotwin.transport.circuit import Light
from perotwin.transport.profiles import junction_profiles
from perotwin.transport.steady import Solver, States
from tandems import ideal, no_pinholes, no_shunts, plain, shining, with_traps

VOLTAGE = np.linspace(-0.2, 2.3, 51)
#: eV, work function of a metal between the junctions
METAL = 4.3


def solved(tandem: Tandem, voltage: Any = VOLTAGE) -> States:
    """Steady states that have all converged and pass their checks."""
    states = Solver(build(tandem)).sweep(voltage, 1.0)
    assert states.converged.all()
    failed = {name: row for name, row in steady_checks(states).items() if not row.passed}
    assert not failed, failed
    return states


def most(states: States) -> int:
    """The point of most power."""
    return int(np.argmax(states.voltage * states.current))


def lost(states: States) -> float:
    """Voltage lost between the junctions at the point of most power, V."""
    return float(states.junction_voltages["between"][most(states)])


def unshunted(name: str) -> Tandem:
    """A tandem of the library without shunts, which have no node to end on where traps join the junctions."""
    tandem = pt.load(name)
    assert isinstance(tandem, Tandem)
    return tandem.with_values(no_shunts(tandem))


BETWEEN: dict[str, dict[str, Any]] = {
    "ideal": {"kind": "ideal"},
    "metal": {
        "kind": "traps",
        "electron_velocity": 1e3,
        "hole_velocity": 1e3,
        "metal": {"work_function": METAL},
    },
    "traps": {"kind": "traps", "electron_velocity": 1e-2, "hole_velocity": 1e-2},
}


# --- two junctions, each solved by itself -----------------------------------------------------------------------------


@dataclass
class Junction:
    """One junction solved by itself, without what is in series; states along its own curve are starts for others."""

    solver: Solver
    suns: float

    def __post_init__(self) -> None:
        self.grid = np.arange(-1.6, self.solver.problem.highest_voltage, 0.05)
        self.curve = self.solver.sweep(self.grid, self.suns)

    def at(self, voltage: float, extra: Any = None) -> States:
        """Its state at a voltage (V), with `extra` pairs made in each site besides (m^-2 s^-1)."""
        near = self.curve.state(
            int(np.argmin(np.abs(np.where(self.curve.converged, self.grid, np.inf) - voltage)))
        )
        solver = self.solver
        if extra is not None:
            solver = solver.relit(solver.problem.generation + extra / self.suns)
        found = solver.sweep([voltage], self.suns, near)
        assert found.converged.all()
        return found


@dataclass
class InSeries:
    """Two such junctions with a resistor (ohm m^2), the first one's light in the second: no circuit solves for them."""

    top: Junction
    bottom: Junction
    resistance: float
    light: Light | None = None

    def _bottom(self, top: States, voltage: float) -> States:
        """The second one where the terminals are at `voltage` and the first one is in a state."""
        extra = None
        if self.light is not None:
            part = top.parts[0]
            name = part.junction.stack.electrical_layers[self.light.layer].name
            radiated = float(part.losses()[f"{name} radiative"][0]) / Q
            extra = self.light.share * radiated * self.light.profile
        across = voltage + self.resistance * float(top.current[0])
        return self.bottom.at(across - float(top.parts[0].junction_voltage[0]), extra)

    def at(self, voltage: float) -> tuple[States, States]:
        """Their states at a terminal voltage (V): the root of J1(v1) = J2(V + J1 R - v1)."""

        def excess(volts: float) -> float:
            top = self.top.at(volts)
            return float(self._bottom(top, voltage).current[0] - top.current[0])

        # where the two curves by themselves say that it lies, and a little around it
        first, second = self.top.curve, self.bottom.curve
        rest = voltage + self.resistance * first.current - first.voltage
        known = first.converged & (rest > second.voltage[0]) & (rest < second.voltage[second.converged][-1])
        ours = self.top.grid[known]
        theirs = np.interp(rest[known], second.voltage[second.converged], second.current[second.converged])
        near = float(ours[np.argmin(np.abs(theirs - first.current[known]))])
        width = 0.05
        while excess(near - width) * excess(near + width) > 0.0:
            width *= 2.0
        root = brentq(excess, near - width, near + width, xtol=1e-14, rtol=1e-15)
        top = self.top.at(root)
        return top, self._bottom(top, voltage)


def by_themselves(tandem: Tandem, **contacts: dict[str, Any]) -> InSeries:
    """The junctions of a tandem without optics, as stacks that know nothing of each other.

    contacts: by junction, values of its inner contact where that is not the one that the tandem states.
    """
    found, resistance = [], getattr(tandem.junction, "resistance", 0.0)
    for which, stack in tandem.stacks.items():
        resistance += float(stack.circuit.series_resistance)
        alone = stack.with_values({"circuit.series_resistance": 0.0, **contacts.get(which, {})})
        found.append(Junction(Solver(build(alone)), float(stack.light.intensity)))
    return InSeries(found[0], found[1], float(resistance))


def in_one_light(tandem: Tandem) -> InSeries:
    """The junctions of a tandem with optics, each lit as it is there."""
    problem = build(tandem)
    (light,) = problem.lights
    assert (light.emitter, light.receiver) == (0, 1)
    found = [Junction(Solver(problem.group(number)), 1.0) for number in range(2)]
    resistance = sum(float(stack.circuit.series_resistance) for stack in tandem.stacks.values())
    resistance += float(getattr(tandem.junction, "resistance", 0.0))
    return InSeries(found[0], found[1], resistance, light)


def agree(states: States, judge: InSeries) -> None:
    """Each junction is at the point of its own curve that the judge finds."""
    scale = float(np.abs(states.current).max())
    voltages, losses = states.junction_voltages, states.losses()
    for k, voltage in enumerate(states.voltage):
        both = judge.at(float(voltage))
        for name, one in zip(("top", "bottom"), both, strict=True):
            assert one.current[0] == pytest.approx(states.current[k], abs=1e-9 * scale), voltage
            assert one.voltage[0] == pytest.approx(voltages[name][k], abs=1e-9), (name, voltage)
            for channel, value in one.losses().items():
                assert losses[f"{name} {channel}"][k] == pytest.approx(
                    value[0], rel=1e-6, abs=1e-9 * scale
                ), channel
        between = judge.resistance * states.current[k]
        assert voltages["between"][k] == pytest.approx(between, abs=1e-12)


#: V: the flat part, the bend, past open circuit
POINTS = (-0.2, 0.5, 1.4, 1.9, 2.1, 2.2)


@pytest.mark.parametrize("statistics", ["boltzmann", "fermi-dirac"])
@pytest.mark.parametrize("ions", [False, True])
def test_each_junction_is_at_a_point_of_its_own_curve(statistics: str, ions: bool) -> None:
    """The tandem's curve from two separate ones, by a root of the difference of their currents: no common Newton."""
    shunted = {"circuit": {"series_resistance": 1e-4, "shunt_resistance": 0.5}}
    tandem = plain((6e27, 5e27), statistics, ions, top=shunted, bottom={"circuit": {"shunt_resistance": 0.2}})
    agree(solved(tandem, POINTS), by_themselves(tandem))


@pytest.mark.parametrize("tandem", ["tandem-control", "tandem-target", "shining"])
def test_so_it_is_with_the_light_of_one_junction_in_the_other(tandem: str) -> None:
    # the judge has one column a junction
    made = shining() if tandem == "shining" else pt.load(tandem).with_values(no_pinholes(pt.load(tandem)))
    assert isinstance(made, Tandem)
    states, judge = solved(made, POINTS), in_one_light(made)
    agree(states, judge)
    # at open circuit the top is at its own, and the bottom at that of its own light and the top's
    top = judge.top.solver.open_circuit(
        judge.top.curve.state(int(np.argmin(np.abs(judge.top.curve.current)))), 1.0
    )

    def leaves(volts: float) -> float:
        return float(judge._bottom(top, float(top.voltage[0]) + volts).current[0])

    voltage = float(top.voltage[0]) + brentq(leaves, 0.0, judge.bottom.grid[-1] - 0.2, xtol=1e-13)
    found = Solver(build(made)).open_circuit(states.state(3), 1.0)
    assert found.voltage[0] == pytest.approx(voltage, abs=1e-9)


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


# --- what lies between ------------------------------------------------------------------------------------------------


def test_traps_approach_an_ideal_junction() -> None:
    """One mesh over both junctions against a node between two meshes."""
    tandem = unshunted("tandem-target").with_values({"junction": {"kind": "ideal"}})
    perfect = solved(tandem)
    resistance = float(tandem.whole.circuit.series_resistance)
    best = most(perfect)
    losses, power, curves = [], [], []
    for velocity in (1e-6, 1e-4, 1e-2, 1.0, 100.0, 1e4, 1e6, 1e8):
        states = solved(with_traps(tandem, velocity))
        here = most(states)
        losses.append(lost(states) - resistance * float(states.current[here]))
        power.append(float((states.voltage * states.current)[best]))
        curves.append(states)
    assert all(np.diff(losses) < 0.0), losses
    # the last two are one another's equals to rounding
    assert all(np.diff(power[:-1]) > 0.0), power
    # one that costs more than 50 mV, and one that is as good as ideal
    assert losses[0] > 0.05
    assert losses[4] < 1e-5 and losses[-1] < 1e-11
    assert power[4] == pytest.approx(float((perfect.voltage * perfect.current)[best]), rel=1e-5)
    last = curves[-1]
    assert last.current == pytest.approx(perfect.current, abs=1e-7 * perfect.current.max())
    for name, values in perfect.junction_voltages.items():
        # where one junction holds the current, the other's voltage hangs on the last digits of both
        assert last.junction_voltages[name] == pytest.approx(values, abs=1e-6), name


#: m^-3, of both layers where the junctions of `alike` meet
DOPING = 2e24


def alike(velocity: float, trap: list[dict[str, Any]] | None) -> Tandem:
    """With alike layers on both sides of what traps of a velocity (m/s) join; trap: in the absorbers."""
    wide = {"nc": 1e26, "nv": 1e26, "eps": 5.0, "mobility": 1e-5}

    def junction(gap: float) -> dict[str, Any]:
        return {
            "layer": [
                layer("htl", 40e-9, role="htl", affinity=4.0 + gap - 2.9, gap=2.9, doping=-DOPING, **wide),
                layer("absorber", 200e-9, affinity=4.0, gap=gap, mobility=2e-4, radiative=2e-17, trap=trap),
                layer("etl", 40e-9, role="etl", affinity=4.0, gap=2.5, doping=DOPING, **wide),
            ]
        }

    return with_traps(plain(top=junction(1.7), bottom=junction(1.2)), velocity)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("velocity", [1e-6, 1e-4, 1e-2, 1.0, 100.0])
def test_traps_cost_what_flat_bands_and_their_level_say(velocity: float, mirrored: bool) -> None:
    """Alike layers of N carriers on both sides, flat bands, a level in the middle: J = q S N (exp(dV / 2 kT) - 1) / 2.

    Half of the splitting dV bends the bands of each side, n = p = N exp(dV / 2 kT); midway is where both Fermi levels
    are at equilibrium, so n1 = p1 = N.
    """
    tandem = alike(velocity, [{"electron_lifetime": 2e-7, "hole_lifetime": 2e-7}])
    states = solved(tandem.mirrored() if mirrored else tandem, np.linspace(0.0, 2.0, 9))
    given = states.current > 0.0
    expected = 2.0 * VT * np.log1p(2.0 * states.current[given] / (Q * velocity * DOPING))
    assert states.junction_voltages["between"][given] == pytest.approx(expected, rel=1e-5)
    assert given.sum() > 2


@pytest.mark.parametrize("mirrored", [False, True])
def test_halves_are_lit_where_nothing_but_light_recombines(mirrored: bool) -> None:
    """The dark cell has no slope there that would lead to open circuit."""
    tandem = alike(1e-4, None)
    assert solved(tandem.mirrored() if mirrored else tandem, np.linspace(0.0, 2.0, 9)).current[0] > 0.0


@pytest.mark.parametrize("velocity", [1e-4, 1.0, 1e8])
def test_voltages_of_halves_add_up(velocity: float) -> None:
    """Of one mesh: each half's is that between the levels of the carriers that it brings to its two neighbours."""
    tandem = with_traps(plain((6e27, 5e27), bottom={"circuit": {"series_resistance": 2e-4}}), velocity)
    states = solved(tandem)
    assert len(states.parts) == 1 and states.parts[0].junction.halves == ("top", "bottom")
    found = states.junction_voltages
    assert found["top"] + found["bottom"] - found["between"] == pytest.approx(states.voltage, abs=1e-12)
    assert np.all(np.diff(found["top"]) > 0.0)
    # forward current is what the splitting at the face drives, besides the resistor
    assert np.all((found["between"] - 2e-4 * states.current)[states.current > 0.0] > 0.0)
    # the levels on either side of the face, from the fields
    fields = junction_profiles(states.parts[0])
    face = states.parts[0].junction.between[0]
    bottom = 0.0 - fields.hole_fermi_level[:, face + 1]
    top = fields.electron_fermi_level[:, face] + states.junction_voltage
    assert found["bottom"] == pytest.approx(bottom, abs=1e-9)
    assert found["top"] == pytest.approx(top, abs=1e-9)


@pytest.mark.parametrize("velocities", [(1e2, 1e2), (1e3, 1e3), (1e5, 1e2), (1e5, 1e5)])
def test_traps_with_a_metal_are_two_contacts_of_finite_velocity(velocities: tuple[float, float]) -> None:
    """What each junction says by itself with the metal as its inner contact; nothing else is lost between."""
    metal = {"work_function": METAL}
    electrons, holes = velocities
    tandem = with_traps(plain((6e27, 5e27)), 1.0, metal=metal).with_values(
        {"junction.electron_velocity": electrons, "junction.hole_velocity": holes}
    )
    states = solved(tandem, POINTS[:-1])
    contact = {"work_function": METAL, "electron_velocity": electrons, "hole_velocity": holes}
    judge = by_themselves(
        tandem,
        top={f"contact.back.{key}": value for key, value in contact.items()},
        bottom={f"contact.front.{key}": value for key, value in contact.items()},
    )
    agree(states, judge)
    # the level that brings the current lies over the metal's, J = q S n0 (exp(d / kT) - 1), n0 what the metal has
    found = [junction_profiles(part) for part in states.parts]
    for number, (velocity, density) in enumerate(
        ((electrons, 1e26 * np.exp((4.0 - METAL) / VT)), (holes, 1e26 * np.exp((METAL - 5.2) / VT)))
    ):
        if number == 0:
            rise = found[0].electron_fermi_level[:, -1]
        else:
            rise = -states.junction_voltages["bottom"] - found[1].hole_fermi_level[:, 0]
        given = states.current > 0.0
        # what the carriers of the other kind lose there is next to nothing
        expected = VT * np.log1p(states.current[given] / (Q * velocity * density))
        assert rise[given] == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_a_slow_metal_costs_more() -> None:
    """Voltage lost to a perfect junction at the current of most power."""
    perfect = solved(plain())
    found = []
    for velocity in (1e2, 1e3, 1e5):
        states = solved(with_traps(plain(), velocity, metal={"work_function": METAL}))
        best = most(states)
        found.append(float(np.interp(-states.current[best], -perfect.current, VOLTAGE) - VOLTAGE[best]))
    assert found[0] > found[1] > found[2] > 0.0
    assert found[0] > 0.05


def test_a_resistance_costs_its_ohmic_drop() -> None:
    resistance = 5e-4
    tandem = plain((6e27, 5e27))
    costly = tandem.with_values({"junction": {"kind": "resistive", "resistance": resistance}})
    with_it = solved(costly)
    without = solved(tandem, with_it.voltage + resistance * with_it.current)
    assert without.current == pytest.approx(with_it.current, abs=1e-8 * with_it.current.max())
    between = with_it.junction_voltages["between"] - without.junction_voltages["between"]
    assert between == pytest.approx(resistance * with_it.current, abs=1e-10)


def test_voltages_of_the_junctions_add_up() -> None:
    states = solved(plain((6e27, 5e27), bottom={"circuit": {"series_resistance": 2e-4}}))
    found = states.junction_voltages
    assert found["top"] + found["bottom"] - found["between"] == pytest.approx(states.voltage, abs=1e-12)
    assert np.all(np.diff(found["top"]) > 0.0)


def test_a_tandem_seen_from_the_other_end() -> None:
    tandem = plain((6e27, 5e27), ions=True)
    forth, back = solved(tandem), solved(tandem.mirrored())
    assert back.current == pytest.approx(forth.current, rel=1e-8, abs=1e-8)
    assert back.junction_voltages["bottom"] == pytest.approx(forth.junction_voltages["top"], abs=1e-9)
    agree(solved(tandem.mirrored(), POINTS), by_themselves(tandem.mirrored()))


@pytest.mark.parametrize("metal", [{}, {"metal": {"work_function": METAL}}], ids=["traps", "metal"])
def test_what_lies_between_seen_from_the_other_end(metal: dict[str, Any]) -> None:
    tandem = with_traps(plain((6e27, 5e27), ions=True), 1e-3 if not metal else 1e3, **metal)
    forth, back = solved(tandem), solved(tandem.mirrored())
    assert back.current == pytest.approx(forth.current, rel=1e-8, abs=1e-8)
    for ours, theirs in (("top", "bottom"), ("bottom", "top"), ("between", "between")):
        assert back.junction_voltages[theirs] == pytest.approx(forth.junction_voltages[ours], abs=1e-9)


# --- light from one junction in the other -----------------------------------------------------------------------------


def test_luminescent_coupling_balances() -> None:
    """What the top radiates escapes, is absorbed elsewhere or makes pairs in the bottom; the currents know of it."""
    problem = build(shining())
    (light,) = problem.lights
    emission = problem.parts[0].emission
    assert emission is not None
    own = emission["absorber"]
    taken = own.taken["bottom absorber"]
    assert light.share == pytest.approx(taken / own.net, rel=1e-12)
    assert light.profile.sum() == pytest.approx(1.0, rel=1e-12)
    for made in (problem, replace(problem, lights=())):
        states = Solver(made).sweep(np.linspace(0.0, 2.1, 15), 1.0)
        assert states.converged.all()
        top, bottom = states.parts
        radiated = top.losses()["absorber radiative"]
        share = light.share if made.lights else 0.0
        extra = np.zeros(15) if bottom.coupled is None else Q * bottom.coupled.sum(axis=1)
        assert extra == pytest.approx(share * radiated, rel=1e-10, abs=1e-12)
        for part, more in ((top, 0.0), (bottom, extra)):
            gone = sum(part.losses().values())
            made_here = Q * part.junction.generation.sum() + more
            assert made_here - gone == pytest.approx(
                part.current, abs=1e-6 * Q * part.junction.generation.sum()
            )


def test_coupling_lifts_the_junction_that_limits() -> None:
    """Without traps the top's surplus shines on the bottom: most of the mismatch comes back as current."""
    problem = build(shining())
    currents = [
        float(Solver(made).sweep([0.0], 1.0).current[0]) for made in (problem, replace(problem, lights=()))
    ]
    surplus = problem.parts[0].photocurrent - problem.parts[1].photocurrent
    assert surplus > 10.0
    assert currents[0] - currents[1] > 0.3 * surplus


@pytest.mark.parametrize("between", BETWEEN)
def test_the_light_goes_to_the_front_seen_from_the_other_end(between: str) -> None:
    """The wider gap lies behind there, and what it emits makes the same pairs in the same places."""
    tandem = unshunted("tandem-target").with_values({"junction": BETWEEN[between]})
    (forth,), (back,) = build(tandem).lights, build(tandem.mirrored()).lights
    assert back.share == pytest.approx(forth.share, rel=1e-6)
    assert back.profile[::-1] == pytest.approx(forth.profile, abs=1e-6 * forth.profile.max())
    if between != "traps":
        assert (forth.emitter, forth.receiver, back.emitter, back.receiver) == (0, 1, 1, 0)


# --- small changes ----------------------------------------------------------------------------------------------------


def derivative(function: Any, at: float, step: float = 2e-3) -> float:
    """Of fourth order with a long step: what lies between may leave 1e-9 of the current to rounding."""
    ends = [float(function(at + d * step)) for d in (-2, -1, 1, 2)]
    return (ends[0] - 8 * ends[1] + 8 * ends[2] - ends[3]) / (12 * step)


@pytest.mark.parametrize("between", BETWEEN)
def test_slopes_and_responses_are_derivatives(between: str) -> None:
    tandem = unshunted("tandem-target") if between == "traps" else pt.load("tandem-target")
    solver = Solver(build(tandem.with_values({"junction": BETWEEN[between]})))
    voltages: Sequence[float] = (0.5, 1.3, 1.5) if between == "metal" else (0.5, 1.9, 2.15)
    for voltage in voltages:
        state = solver.sweep([voltage], 1.0).state(0)
        slope = derivative(lambda v, at=state: solver.sweep([v], 1.0, at).current[0], voltage)
        assert solver.slope(state, 1.0) == pytest.approx(slope, rel=2e-4)
    # ions are held in the response to light: compared without any
    frozen = plain((6e27, 5e27), junction=BETWEEN[between])
    solver = Solver(build(frozen))
    for voltage in (0.5, 1.4 if between == "metal" else 1.9):
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


@pytest.mark.parametrize("between", BETWEEN)
def test_open_circuit_is_found_from_anywhere(between: str) -> None:
    """Newton's method with the voltage unknown too does not arrive from the flat part of the curve by itself."""
    solver = Solver(build(unshunted("tandem-target").with_values({"junction": BETWEEN[between]})))
    found = [
        float(solver.open_circuit(solver.sweep([volts], 1.0).state(0), 1.0).voltage[0])
        for volts in (0.0, 1.5, 2.3)
    ]
    assert found == pytest.approx([found[-1]] * 3, abs=1e-9)
