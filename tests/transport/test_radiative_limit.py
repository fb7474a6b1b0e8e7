"""What light may split the quasi-Fermi levels to, and the remarks beside it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import perotwin as pt
from devices import VT, cell, layer
from perotwin.lab import jv
from perotwin.measurement import checks_of
from perotwin.stack import Cell, Stack
from perotwin.transport import device as dv
from perotwin.transport.build import build
from perotwin.transport.checks import steady_checks
from perotwin.transport.profiles import junction_profiles
from perotwin.transport.radiative_limit import LIMIT, balances, remarks
from perotwin.transport.states import JunctionStates
from perotwin.transport.steady import Solver, States

DATA = Path(__file__).parents[1] / "data" / "emission"
ROW = "splitting that emits above the limit of its light (V)"


def opened(stack: Cell, light: float = 1.0) -> States:
    solver = Solver(build(stack))
    return solver.open_circuit(solver.short_circuit(light), light)


@pytest.fixture(scope="module")
def ideal() -> States:
    """A cell that radiates only: its splitting is at the limit."""
    return opened(pt.load(DATA / "radiative_one.toml"))


def changed(states: States, corrupt: Callable[[JunctionStates], JunctionStates]) -> States:
    return replace(states, parts=tuple(corrupt(part) for part in states.parts))


def test_a_cell_that_radiates_only_is_at_the_limit(ideal: States) -> None:
    (one,) = balances(ideal.parts[0], junction_profiles(ideal.parts[0]))
    assert one.weight.sum() == pytest.approx(1.0)
    short = ideal.problem.vt * (one.limit - one.weighted)
    assert 0.0 <= short[0] < 1e-4, "nothing but a little at the contacts is lost otherwise"
    assert steady_checks(ideal)[ROW].passed


CORRUPTIONS: dict[str, Callable[[JunctionStates], JunctionStates]] = {
    "electrons' level": lambda s: replace(s, fn=s.fn + 2e-4 / s.junction.vt),
    "holes' level": lambda s: replace(s, fp=s.fp - 2e-4 / s.junction.vt),
    "generation": lambda s: replace(s, junction=replace(s.junction, generation=0.99 * s.junction.generation)),
    "emission": lambda s: replace(
        s,
        junction=replace(
            s.junction,
            emission=replace(
                s.junction.emission,
                absorbers={name: part.scaled(1.01) for name, part in s.junction.emission.absorbers.items()},
            ),
        ),
    ),
    "no number among the levels": lambda s: replace(
        s, fn=np.where(np.arange(s.fn.shape[1]) == 60, np.nan, s.fn)
    ),
}


@pytest.mark.parametrize("corrupt", CORRUPTIONS.values(), ids=CORRUPTIONS.keys())
def test_wrong_results_fail(ideal: States, corrupt: Callable[[JunctionStates], JunctionStates]) -> None:
    assert not steady_checks(changed(ideal, corrupt))[ROW].passed


def test_a_rate_from_the_product_of_densities_fails() -> None:
    """Without what crowding takes out again, a doped film is above its limit, as a solver with that rate would be."""
    problem = build(pt.load(DATA / "overrad.toml"))
    (part,) = problem.parts
    device = part.device._replace(balanced=np.zeros_like(part.device.balanced))
    solver = Solver(replace(problem, parts=(replace(part, device=device),)))
    suns = float(problem.stack.light.intensity)
    states = solver.open_circuit(solver.short_circuit(suns), suns)
    assert float(states.voltage[0]) > 1.8
    # what the optics say of the film is not what that solver did
    told = changed(states, lambda s: replace(s, junction=replace(s.junction, device=part.device)))
    row = steady_checks(told)[ROW]
    assert not row.passed and row.value > 0.1


@pytest.mark.parametrize("name", ["wbg-target", "nbg", "nip-example", "tandem-target", "patchy-tandem"])
def test_the_library_keeps_within_its_light(name: str) -> None:
    row = checks_of(jv.measure(pt.load(name)))[ROW]
    assert row.passed and row.limit == LIMIT


def test_light_that_a_junction_receives_counts() -> None:
    """The bottom, filtered to a thousandth of its light, lives on what the top emits."""
    states = opened(pt.load("tandem-target").with_values({"bottom.light.intensity": 1e-3}))
    top, bottom = (next(balances(part, junction_profiles(part))) for part in states.parts)
    own = 1.602176634e-19 * float(states.parts[1].junction.generation.sum())
    assert bottom.made[0] > 1.02 * own
    assert steady_checks(states)[ROW].passed
    alone = changed(states, lambda s: replace(s, coupled=None))
    fields = junction_profiles(alone.parts[1])
    assert next(balances(alone.parts[1], fields)).made[0] == pytest.approx(own, rel=1e-9)
    assert top.j0 < bottom.j0


def test_no_limit_without_detailed_balance_and_none_in_the_dark() -> None:
    assert ROW not in steady_checks(opened(pt.load("cell-b")))
    stack = pt.load("wbg-target")
    dark = Solver(build(stack, light=False)).sweep([0.0, 0.5, 1.0], 0.0)
    assert ROW not in steady_checks(dark)


def test_columns_that_drive_each_other_keep_within_light_and_current() -> None:
    """At open circuit of the whole one column injects into the other, whose limit that current raises."""
    found = checks_of(jv.measure(pt.load("patchy-tandem")))
    assert found[ROW].passed


# --- remarks ----------------------------------------------------------------------------------------------------------


def test_an_uneven_splitting_is_no_failure() -> None:
    slow = {f"a0.electronic.{one}_mobility": "1e-5 cm^2/(V s)" for one in ("electron", "hole")}
    states = opened(pt.load(DATA / "radiative_one.toml").with_values(slow))
    assert steady_checks(states)[ROW].passed
    (note,) = [one for one in remarks(states) if "above the radiative limit" in one]
    volts = float(note.partition("Voc lies ")[2].partition(" mV")[0])
    (balance,) = balances(states.parts[0], junction_profiles(states.parts[0]))
    assert volts == pytest.approx(1e3 * (states.voltage[0] - states.problem.vt * balance.limit[0]), rel=1e-2)
    assert 20.0 < volts < 50.0 and "taken as local" in note


def test_the_library_needs_no_remark() -> None:
    for name in ("cell-a", "cell-b", "wbg-target", "nbg", "nip-example", "tandem-target"):
        assert remarks(opened(pt.load(name))) == [], name


def test_a_level_inside_a_band_asks_for_the_table_of_the_doped_film() -> None:
    stack = pt.load("nbg").with_values({"perovskite.electronic.acceptor_density": "1e19 cm^-3"})
    (note,) = [one for one in remarks(opened(stack)) if "Burstein" in one]
    assert note.startswith("the quasi-Fermi level of holes") and "perovskite" in note and "doped film" in note
    less = stack.with_values({"perovskite.electronic.acceptor_density": "1e18 cm^-3"})
    assert not any("Burstein" in one for one in remarks(opened(less)))


def slab(radiative: float, rate: float, **more: object) -> Stack:
    return cell(
        layer("absorber", 300e-9, gap=1.6, mobility=1e-3, radiative=radiative),
        front={"work_function": 4.1, "hole_velocity": 0.0},
        back={"work_function": 5.5, "electron_velocity": 0.0},
        rate=rate,
        **more,
    )


def test_without_detailed_balance_the_step_limit_is_a_remark() -> None:
    high = opened(slab(1e-20, 4e27))
    (note,) = [one for one in remarks(high) if "step absorber" in one]
    assert "detailed-balance" in note and ROW not in steady_checks(high)
    assert not any("step absorber" in one for one in remarks(opened(slab(1e-14, 4e27))))
    # the limit itself: kT ln(J / J_step + 1)
    told = float(note.partition("above ")[2].partition(" V")[0])
    from perotwin.optics.emission import step_current

    assert told == pytest.approx(
        VT * np.log1p(high.problem.photocurrent / step_current(1.6, 300.0)), abs=1e-4
    )


def test_a_voltage_above_the_gap_is_a_remark() -> None:
    states = opened(slab(1e-24, 4e27))
    assert float(states.voltage[0]) > 1.6
    assert any("above the gap of 1.6" in one for one in remarks(states))
    assert not any("above the gap" in one for one in remarks(opened(slab(1e-16, 4e27))))


def test_more_pairs_than_photons_is_a_remark() -> None:
    """At 1.6 eV AM1.5G holds 25.5 mA/cm2."""
    (note,) = [one for one in remarks(opened(slab(1e-16, 6e27))) if "photons" in one]
    assert "28.84 mA/cm^2" in note and "1.6 eV" in note
    assert not any("photons" in one for one in remarks(opened(slab(1e-16, 5e27))))


def test_the_table_of_the_device_is_not_what_the_limit_comes_from(ideal: States) -> None:
    """A solver that radiates too little is found out, whatever its own coefficients say."""

    def halved(states: JunctionStates) -> JunctionStates:
        table = states.junction.device.layer.copy()
        table[:, dv.K_RAD] *= 0.5
        return replace(
            states, junction=replace(states.junction, device=states.junction.device._replace(layer=table))
        )

    assert steady_checks(changed(ideal, halved))[ROW].value == steady_checks(ideal)[ROW].value
