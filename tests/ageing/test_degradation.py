"""Cells through the hours: against what can be solved by hand, against a run that follows everything, and refusals."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import perotwin as pt
import written
from perotwin.ageing.conditions import (
    Air,
    FixedVoltage,
    Inert,
    MaximumPower,
    OpenCircuit,
    ShortCircuit,
    Stretch,
)
from perotwin.ageing.degradation import LAG, Run, acting, ion_time
from perotwin.ageing.feedback import BothBands, NoFeedback, ValenceBand
from perotwin.ageing.lifetimes import evenly
from perotwin.ageing.mechanisms import (
    BarePatches,
    Electrode,
    Everywhere,
    Here,
    Segregation,
    TinOxidation,
    TransportLayer,
    TrapGrowth,
    arrhenius,
    driven,
)
from perotwin.ageing.operating_point import Devices
from perotwin.ageing.resolved import resolved
from perotwin.errors import ConvergenceError, InputError
from perotwin.recipe import library_parameters
from perotwin.units import parse

HOUR = 3600.0


def rate(per_hour: float) -> object:
    return parse(f"{per_hour} h^-1", "frequency")


def order(number: float) -> object:
    return parse(str(number), "dimensionless")


CONTROL, TARGET = (written.stack(f"aged-{name}") for name in ("control", "target"))
BARE = {"aged-control": 0.192, "aged-target": 0.041}


def patches(cell: pt.Stack, per_hour: float = 5e-3, **more: object) -> BarePatches:
    """With bare oxide as it was when these cells were made."""
    share = parse(str(BARE[cell.name]), "fraction")
    return BarePatches(
        rate=rate(per_hour), bare=share, **{"bare_velocity": parse("500 cm/s", "velocity"), **more}
    )


def run(cell: pt.Stack, mechanisms: list, duration: float = 100 * HOUR, **more: object) -> object:
    stretch = Stretch(duration, **{k: more.pop(k) for k in ("light", "bias", "temperature") if k in more})
    return Run(cell, mechanisms, [stretch], **{"lag": np.inf, **more}).to_end()


# --- laws by themselves ----------------------------------------------------------------------------------------------


def test_patches_that_grow_from_their_edges_follow_the_logistic_curve() -> None:
    k, b0, time = 0.05, BARE["aged-control"], 100 * HOUR
    missed = []
    for tolerance in (1e-3, 1e-4, 5e-6):
        course = run(CONTROL, [patches(CONTROL, k, order=order(0))], time, tolerance=tolerance)
        exact = 1.0 / (1.0 + (1.0 - b0) / b0 * np.exp(-k * course.time / HOUR))
        missed.append(np.abs(course.states["bare-patches"] - exact).max())
    assert missed[0] < 2e-3 and missed[1] < 3e-4 and missed[2] < 2e-5
    assert course.states["bare-patches"][-1] > 0.9


def test_molecules_that_leave_anywhere_leave_an_exponential() -> None:
    k, b0 = 0.02, BARE["aged-control"]
    course = run(CONTROL, [patches(CONTROL, k, order=order(0), law=Everywhere())], tolerance=1e-5)
    exact = 1.0 - (1.0 - b0) * np.exp(-k * course.time / HOUR)
    assert course.states["bare-patches"] == pytest.approx(exact, abs=5e-5)


def test_traps_at_a_constant_rate_grow_in_proportion_to_time() -> None:
    course = run(TARGET, [TrapGrowth(rate=rate(0.2), order=order(0))])
    assert course.states["trap-growth"] == pytest.approx(1.0 + 0.2 * course.time / HOUR, rel=1e-9)
    # 1/tau = 1/tau_0 + C N (u - 1)
    layer = TARGET.named("perovskite")
    more = 4.5e-17 * float(layer.ions.density) * (course.states["trap-growth"] - 1.0)
    assert 1.0 / course.shown["film_lifetime"] == pytest.approx(1.0 / layer.trap[0].tau_n + more, rel=1e-9)


@pytest.mark.parametrize("mechanism", [TrapGrowth, BarePatches])
def test_rates_follow_temperature_and_carriers_as_they_say(mechanism: type) -> None:
    given = {"rate": rate(1.0), "activation_energy": parse("0.6 eV", "energy"), "order": order(0.7)}
    if mechanism is BarePatches:
        given["bare"] = parse("0.2", "fraction")
    act = mechanism(**given).of(CONTROL)
    here = Here(1.0, 298.15, 3e19, 3e19)
    warm = act.rate(0.5, replace(here, temperature=338.15)) / act.rate(0.5, here)
    assert warm == pytest.approx(15.8, rel=0.01)
    assert act.rate(0.5, replace(here, carriers=6e19)) / act.rate(0.5, here) == pytest.approx(2**0.7)
    assert act.rate(0.5, replace(here, carriers=0.0)) == 0.0
    assert driven(0.0, 0.0) == 1.0


def test_the_velocity_and_the_dipole_of_the_face_are_means_over_its_area() -> None:
    act = patches(CONTROL).of(CONTROL)
    face = CONTROL.interface["niox|perovskite"]
    fresh, bare = act.changes(act.start), act.changes(1.0)
    assert fresh["niox|perovskite.trap.1.electron_velocity"][1] == face.trap[0].s_n
    assert fresh["niox|perovskite.dipole"][1] == float(face.dipole)
    open_oxide = 5.0
    assert bare["niox|perovskite.trap.1.electron_velocity"][1] == pytest.approx(open_oxide)
    # the library's, unless told
    own = (
        patches(TARGET, bare_velocity=None)
        .of(TARGET)
        .changes(1.0)["niox|perovskite.trap.1.electron_velocity"][1]
    )
    assert own == pytest.approx(float(library_parameters().interface.bare_velocity))
    assert bare["niox|perovskite.dipole"][1] == pytest.approx(0.0)
    half = act.changes(0.5 * (1.0 + act.start))["niox|perovskite.trap.1.hole_velocity"][1]
    assert half == pytest.approx(0.5 * (open_oxide + face.trap[0].s_n))


# --- mechanisms beside each other ------------------------------------------------------------------------------------


def test_a_mechanism_that_is_off_leaves_its_state_bit_for_bit() -> None:
    both = run(CONTROL, [TrapGrowth(rate=rate(0.3)), patches(CONTROL, 0.0)])
    alone = run(CONTROL, [TrapGrowth(rate=rate(0.3))])
    assert np.all(both.states["bare-patches"] == both.states["bare-patches"][0])
    assert both.states["bare-patches"][0] == BARE["aged-control"]
    assert both.retained[-1] == pytest.approx(alone.retained[-1], abs=2e-4)
    dark = run(CONTROL, [Segregation(), TrapGrowth(rate=rate(0.3))], light=0.0, bias=OpenCircuit())
    assert np.all(dark.states["segregation"] == 0.0) and np.all(dark.states["trap-growth"] == 1.0)


def test_below_its_threshold_a_cell_does_not_segregate() -> None:
    dim = run(CONTROL, [Segregation()], light=1e-3)
    assert np.all(dim.states["segregation"] == 0.0)
    assert run(CONTROL, [Segregation()], 2 * HOUR).states["segregation"][-1] > 1e-4


def test_what_domains_cost_hangs_on_the_band_that_holds_them_and_both_ways_are_told() -> None:
    lost = {}
    for feedback in (BothBands(), ValenceBand(), NoFeedback()):
        lost[feedback.kind] = 1.0 - run(CONTROL, [Segregation(feedback=feedback)], 10 * HOUR).retained[-1]
    assert lost["none"] == pytest.approx(0.0, abs=1e-6)
    assert 0.01 < lost["both-bands"] < 0.15 and 0.005 < lost["valence-band"] < 0.15


@pytest.mark.parametrize("phi", [1e-4, 1e-3, 5e-3])
def test_domains_lower_the_voltage_and_not_the_current(phi: float) -> None:
    act = Segregation().of(CONTROL)
    with Devices(CONTROL) as devices:
        change = act.changes(phi)
        now, then = (devices.at(c, 1.0, OpenCircuit(), 298.15) for c in ({}, change))
        short = [devices.at(c, 1.0, ShortCircuit(), 298.15).current for c in ({}, change)]
    expected = {1e-4: -4e-3, 1e-3: -22e-3, 5e-3: -45e-3}[phi]
    assert then.voltage - now.voltage == pytest.approx(expected, abs=2e-3 + 0.15 * abs(expected))
    assert short[1] == pytest.approx(short[0], rel=2e-3)


def test_open_circuit_ages_faster_than_maximum_power_and_that_than_short_circuit() -> None:
    grown = [
        run(TARGET, [TrapGrowth(rate=rate(0.2))], bias=bias).states["trap-growth"][-1]
        for bias in (ShortCircuit(), MaximumPower(), OpenCircuit())
    ]
    assert grown[0] < grown[1] < grown[2]
    # a voltage in the dark brings carriers too
    biased = run(TARGET, [TrapGrowth(rate=rate(0.2))], light=0.0, bias=FixedVoltage(voltage="1.2 V"))
    assert biased.states["trap-growth"][-1] > 1.0


def test_shares_of_the_loss_add_up_to_it_and_are_those_of_what_acts() -> None:
    making = Run(
        TARGET, [TrapGrowth(rate=rate(0.3)), patches(TARGET, 0.0)], [Stretch(200 * HOUR)], lag=np.inf
    )
    with Devices(TARGET) as devices:
        course = making.to_end(devices)
        time, shares = making.shares(course, devices, 5)
    total = sum(shares.values())
    assert total == pytest.approx([1.0 - course.at(t) for t in time], abs=1e-9)
    assert np.abs(shares["bare-patches"]).max() < 1e-9 < shares["trap-growth"][-1]


def test_tin_acts_where_tin_is_and_assumed_damage_only_where_it_is_asked_for() -> None:
    cell = pt.load("nbg")
    course = run(cell, [TinOxidation(rate=rate(3.06e-3))], 400 * HOUR)
    assert course.shown["tin_factor"][-1] == pytest.approx(np.exp(3.06e-3 * 400), rel=1e-3)
    assert course.retained[-1] < 0.97
    sealed = Run(
        cell,
        [TinOxidation(rate=rate(3e-3), inert=parse("0", "dimensionless"))],
        [Stretch(100 * HOUR)],
        lag=np.inf,
    ).to_end()
    assert sealed.retained[-1] == pytest.approx(1.0, abs=1e-12)
    open_ = Run(
        cell, [TinOxidation(rate=rate(3e-3), inert=parse("0", "dimensionless"))],
        [Stretch(100 * HOUR, atmosphere=Air())], lag=np.inf,
    ).to_end()  # fmt: skip
    assert open_.retained[-1] < 1.0
    worn = run(TARGET, [Electrode(rate=rate(0.1)), TransportLayer(rate=rate(0.01))])
    assert worn.retained[-1] < 0.95 and worn.shown["added_resistance"][-1] == pytest.approx(10e-4)


# --- against everything followed -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_multirate_run_is_the_one_in_which_ions_and_carriers_are_followed() -> None:
    # 20 min stand for 300 h: rates times 900
    fast = [TrapGrowth(rate=rate(900 * 0.39)), patches(CONTROL, 900 * 4e-3)]
    slaved = run(CONTROL, fast, 1200.0, lag=LAG)
    followed = resolved(CONTROL, fast, Stretch(1200.0), pieces=120)
    assert 0.4 < slaved.retained[-1] < 0.6
    known = np.interp(followed.time, *evenly(slaved.time, slaved.power, 20_000))
    error = np.abs(followed.power - known)[1:] / slaved.power[0]
    assert error.max() < 5e-4
    # and what the run itself says of it is no less than what it is
    assert error.max() < slaved.lag < LAG


@pytest.mark.slow
def test_domains_that_live_in_minutes_are_followed_as_well() -> None:
    slaved = run(CONTROL, [Segregation()], 1200.0)
    followed = resolved(CONTROL, [Segregation()], Stretch(1200.0), pieces=60)
    known = np.interp(followed.time, *evenly(slaved.time, slaved.power, 20_000))
    assert np.abs(followed.power - known)[1:].max() / slaved.power[0] < 5e-4
    assert followed.states["segregation"][-1] == pytest.approx(
        np.interp(followed.time[-1], slaved.time, slaved.states["segregation"]), rel=2e-3
    )


def test_ions_that_lag_too_far_behind_are_seen_and_refused() -> None:
    fast = [TrapGrowth(rate=rate(20000 * 0.39))]
    with pytest.raises(ConvergenceError, match="lag behind") as caught:
        run(TARGET, fast, 1200.0, lag=LAG)
    assert caught.value.advice
    assert run(TARGET, [TrapGrowth(rate=rate(0.39))], lag=LAG).lag < LAG


def test_tolerances_of_the_states_are_what_the_course_is_good_to() -> None:
    # at the rates that were fitted on this cell as it was made
    mechanisms = [Segregation(), TrapGrowth(rate=rate(0.39)), patches(CONTROL, 4e-3)]
    usual, fine = (run(CONTROL, mechanisms, 1000 * HOUR, tolerance=t) for t in (1e-3, 3e-5))
    assert np.abs([usual.at(h * HOUR) - fine.at(h * HOUR) for h in (10, 100, 400, 1000)]).max() < 1e-3
    assert usual.points <= 600 and usual.optics == 1


# --- cycles, checkpoints, refusals -----------------------------------------------------------------------------------


def test_cycles_are_followed_one_by_one_and_nights_heal_domains_only() -> None:
    day = [Stretch(12 * HOUR), Stretch(12 * HOUR, light=0.0, bias=OpenCircuit())]
    mechanisms = [Segregation(), TrapGrowth(rate=rate(0.3))]
    course = Run(CONTROL, mechanisms, day, rounds=3, lag=np.inf).to_end()
    phi, traps = course.states["segregation"], course.states["trap-growth"]
    ends = [int(np.flatnonzero(course.time == 12 * HOUR * k)[0]) for k in range(1, 7)]
    assert phi[ends[1]] < 1e-9 < phi[ends[0]] and traps[ends[1]] == traps[ends[0]]
    lit = run(CONTROL, mechanisms, 36 * HOUR)
    assert course.power[ends[4]] / course.power[0] == pytest.approx(lit.retained[-1], abs=3e-3)
    assert course.energy == pytest.approx(lit.energy, rel=0.02)


def test_each_temperature_is_built_once() -> None:
    hot = [Stretch(2 * HOUR, temperature=t) for t in (338.15, 298.15)]
    with Devices(TARGET) as devices:
        Run(TARGET, [TrapGrowth(rate=rate(0.2))], hot, rounds=4, lag=np.inf).to_end(devices)
        assert devices.optics == 2


def test_a_run_that_was_stopped_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    mechanisms = [Segregation(), TrapGrowth(rate=rate(0.39))]
    whole = run(CONTROL, mechanisms)

    def stop(time: float) -> None:
        if time > 30 * HOUR:
            raise KeyboardInterrupt

    place = tmp_path / "a.checkpoint"
    half = run(CONTROL, mechanisms, checkpoint=place, each=stop)
    assert not half.complete and place.is_file()
    rest = Run(CONTROL, mechanisms, [Stretch(100 * HOUR)], lag=np.inf, checkpoint=place)
    course = rest.to_end()
    assert course.complete and course.time[-1] == 100 * HOUR
    # what was done before is there, to the last bit, and is not done again
    assert np.array_equal(course.time[: half.time.size], half.time)
    assert np.array_equal(course.power[: half.time.size], half.power)
    assert course.retained[-1] == pytest.approx(whole.retained[-1], abs=5e-4)
    assert course.energy == pytest.approx(whole.energy, rel=1e-3)
    with pytest.raises(InputError, match="another run"):
        Run(TARGET, mechanisms, [Stretch(100 * HOUR)], lag=np.inf, checkpoint=place).to_end()
    rest.forget()
    assert not list(tmp_path.iterdir())


def test_what_cannot_act_is_refused_and_where_it_can_is_said() -> None:
    with pytest.raises(InputError, match="no mobile ions"):
        acting(pt.load("nbg"), [TrapGrowth()])
    with pytest.raises(InputError, match="holds no tin"):
        acting(TARGET, [TinOxidation()])
    with pytest.raises(InputError, match="no recipe is known"):
        acting(TARGET, [BarePatches()])
    found, notes = acting(pt.load("tandem-target"), [TrapGrowth(), TinOxidation()])
    assert [(one.name, one.junction) for one in found] == [
        ("trap-growth", "top"),
        ("tin-oxidation", "bottom"),
    ]
    assert len(notes) == 2
    with pytest.raises(InputError, match="columns side by side"):
        Devices(pt.load("patchy-tandem"))


def test_temperatures_and_cycles_outside_what_rates_and_ions_allow_are_refused() -> None:
    with pytest.raises(InputError, match="not known at"):
        arrhenius(0.4, 450.0)
    short = [Stretch(30.0), Stretch(30.0, light=0.0)]
    assert ion_time(TARGET) > 30.0
    with pytest.raises(InputError, match="shorter than"):
        Run(TARGET, [TrapGrowth()], short, rounds=2)
    for stretch in ({"duration": 0.0}, {"duration": 1.0, "light": -1.0}):
        with pytest.raises(InputError):
            Stretch(**stretch)


def test_maximum_power_is_where_a_fine_curve_has_it_and_hangs_on_no_history() -> None:
    with Devices(TARGET) as devices:
        cold = devices.at({}, 1.0, MaximumPower(), 298.15)
        devices.at({"perovskite.trap.1.electron_lifetime": ("times", 0.05)}, 1.0, MaximumPower(), 298.15)
        warm = devices.at({}, 1.0, MaximumPower(), 298.15)
    assert warm.voltage == pytest.approx(cold.voltage, abs=2e-5)
    assert warm.power == pytest.approx(cold.power, rel=1e-7)
    read = pt.lab.jv.analyse(pt.lab.jv.measure(TARGET))
    assert cold.voltage == pytest.approx(float(read["vmp"]), abs=1e-3)
    assert cold.power / 1000.0 == pytest.approx(float(read["pce"]), rel=2e-4)
    assert isinstance(Inert(), Inert)
