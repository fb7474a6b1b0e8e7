"""Radiative recombination in detailed balance: R0 (exp(D) - 1), from the splitting alone."""

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.constants import elementary_charge as Q

import perotwin as pt
from perotwin.lab import jv
from perotwin.optics import emit
from perotwin.stack import Stack
from perotwin.transport.build import build
from perotwin.transport.checks import steady_checks
from perotwin.transport.profiles import junction_profiles
from perotwin.transport.steady import Solver, States

DATA = Path(__file__).parents[1] / "data" / "emission"


def open_circuit(stack: Stack) -> States:
    solver = Solver(build(stack))
    return solver.open_circuit(solver.short_circuit(1.0), 1.0)


def voc(stack: Stack) -> float:
    return float(open_circuit(stack).voltage[0])


def divided(gaps: list[float]) -> Stack:
    """The cell that radiates only, its film of 450 nm in slices of these gaps (eV) and equal thickness."""
    data = tomllib.loads((DATA / "radiative_one.toml").read_text(encoding="utf-8"))
    layers = []
    for one in data["layer"]:
        if one["name"] != "a0":
            layers.append(one)
            continue
        for n, gap in enumerate(gaps):
            layers.append(
                {**one, "name": f"s{n}", "thickness": f"{450 / len(gaps)} nm", "bandgap": f"{gap} eV"}
            )
    last = f"s{len(gaps) - 1}"
    faces = {"niox|s0": data["interface"]["niox|a0"], f"{last}|c60": data["interface"]["a0|c60"]}
    return Stack.from_data({**data, "layer": layers, "interface": faces})


def test_a_film_in_two_layers_is_one_film() -> None:
    one, split = (pt.load(DATA / f"radiative_{name}.toml") for name in ("one", "split"))
    first, second = (float(jv.analyse(jv.measure(stack))["voc"]) for stack in (one, split))
    assert first == pytest.approx(1.4560, abs=2e-4)
    assert second == pytest.approx(first, abs=2e-5)


@pytest.mark.parametrize("count", [2, 3, 10])
def test_a_film_in_any_number_of_slices_is_one_film(count: int) -> None:
    assert voc(divided([1.79] * count)) == pytest.approx(voc(divided([1.79])), abs=2e-5)


def test_slices_that_differ_by_next_to_nothing_are_next_to_one_film() -> None:
    """They exchange light instead of being one: the same but for the error of rays, 17 mV where it is lost."""
    whole, cut = voc(divided([1.79])), divided([1.79, 1.79001])
    assert voc(cut) == pytest.approx(whole, abs=3e-4)
    problem = build(cut)
    assert {(one.emitter, one.receiver) for one in problem.lights} == {(0, 0)} and len(problem.lights) == 2
    states = open_circuit(cut)
    assert all(row.passed for row in steady_checks(states).values())
    # what the one sends, the other takes, and the other way round
    received = Q * float(states.parts[0].coupled.sum())
    sent = sum(states.parts[0].losses()[f"s{n} radiative"][0] * problem.lights[n].share for n in (0, 1))
    assert received == pytest.approx(sent, rel=1e-9)
    assert received > 0.3 * problem.photocurrent
    without = Solver(replace(problem, lights=()))
    lost = without.open_circuit(without.short_circuit(1.0), 1.0)
    assert float(lost.voltage[0]) < whole - 0.01


def test_the_exchange_stops_where_the_splittings_are_equal() -> None:
    """With one splitting everywhere the net exchange is nothing: R_ij (exp(D_i) - exp(D_j))."""
    problem = build(divided([1.79, 1.78]))
    one, two = problem.lights
    device = problem.parts[0].device
    names = [layer.name for layer in problem.stack.electrical_layers]
    emission = emit(problem.stack)
    rates = [light.share * emission.net_current(names[light.layer]) for light in (one, two)]
    assert rates[0] == pytest.approx(rates[1], rel=1e-12, abs=0.0)
    assert device.balanced[[one.layer, two.layer]].all()


@pytest.mark.parametrize("statistics", ["fermi-dirac", "boltzmann"])
def test_statistics_do_not_move_the_limit(statistics: str) -> None:
    stack = pt.load(DATA / "radiative_one.toml")
    limit = emit(stack).voc_optical(build(stack).photocurrent)
    found = voc(stack.with_values({"a0.electronic.statistics": statistics}))
    assert found == pytest.approx(limit, abs=3e-4)
    assert found == pytest.approx(voc(stack), abs=1e-6)


def doped(density: str) -> Stack:
    return pt.load("nbg").with_values({"perovskite.electronic.acceptor_density": density})


def test_doping_does_not_lift_a_cell_above_its_limit() -> None:
    measured = jv.measure(doped("1e19 cm^-3"))
    found = float(jv.analyse(measured)["voc"])
    assert found == pytest.approx(0.8916, abs=1e-4)
    limit = emit(pt.load("nbg")).voc_optical(build(pt.load("nbg")).photocurrent)
    assert limit == pytest.approx(0.951, abs=1e-3) and found < limit
    assert all(row["passed"] for row in json.loads(measured.attrs["checks"]).values())
    assert any(
        "Burstein-Moss" in note and "perovskite" in note for note in json.loads(measured.attrs["notes"])
    )


def test_a_random_cell_that_was_above_its_limit() -> None:
    stack = pt.load(DATA / "overrad.toml")
    measured = jv.measure(stack)
    assert float(jv.analyse(measured)["voc"]) == pytest.approx(1.5853, abs=1e-4)
    assert all(row["passed"] for row in json.loads(measured.attrs["checks"]).values())
    suns = float(stack.light.intensity)
    assert emit(stack).voc_optical(suns * build(stack).photocurrent) == pytest.approx(1.599, abs=1e-3)


@pytest.mark.parametrize("density", ["0 cm^-3", "1e19 cm^-3", "2e19 cm^-3"])
def test_the_rate_is_that_of_the_splitting(density: str) -> None:
    """Summed over the film from stored levels, against what the solver says it loses."""
    states = open_circuit(doped(density))
    (part,) = states.parts
    fields, junction = junction_profiles(part), part.junction
    m = [layer.name for layer in junction.stack.electrical_layers].index("perovskite")
    here = junction.site_layer == m
    split = (fields.electron_fermi_level - fields.hole_fermi_level)[0, here] / junction.vt
    thickness = float(junction.stack.electrical_layers[m].thickness)
    rate = emit(junction.stack).rate("perovskite", thickness) * np.expm1(split)
    wanted = Q * float((rate * junction.device.volume[here]).sum())
    assert part.losses()["perovskite radiative"][0] == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("name", ["nbg", "tandem"])
def test_slopes_with_crowded_carriers(name: str) -> None:
    """The exact slope of the curve against differences, where the rate is not that of n p."""
    if name == "nbg":
        solver = Solver(build(doped("1e19 cm^-3")))
    else:
        cell = pt.load("tandem-target").with_values(
            {f"{which}.perovskite.electronic.acceptor_density": "1e18 cm^-3" for which in ("top", "bottom")}
        )
        solver = Solver(build(cell))
    solver.tolerance = 1e-10
    at, h = float(solver.open_circuit(solver.short_circuit(1.0), 1.0).voltage[0]) + 0.03, 2e-4
    near = solver.sweep([at], 1.0)
    around = solver.sweep([at - 2 * h, at - h, at + h, at + 2 * h], 1.0, near.state(0)).current
    difference = float(around[0] - 8 * around[1] + 8 * around[2] - around[3]) / (12 * h)
    assert solver.slope(near.state(0), 1.0) == pytest.approx(difference, rel=1e-6)
