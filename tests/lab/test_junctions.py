"""Junctions of a tandem in its current-voltage curve: what adds up, their own curves, four terminals."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import perotwin as pt
from perotwin.lab import junctions, jv
from perotwin.measurement import checks_of, load, save, validate
from perotwin.report import machine
from perotwin.stack import Tandem
from perotwin.transport.build import build
from perotwin.transport.checks import circuit_checks, steady_checks
from perotwin.transport.profiles import junction_profiles
from perotwin.transport.steady import Solver
from tandems import no_shunts, plain

SUM, ONE = "junction voltages sum to the terminal's (V)", "junctions carry one current"


def wired(**more: Any) -> Tandem:
    """A tandem with resistances and shunts of its own in both junctions."""
    return plain(
        (6e27, 5e27),
        top={"circuit": {"series_resistance": 2e-4, "shunt_resistance": 0.5}},
        bottom={"circuit": {"series_resistance": 1e-4, "shunt_resistance": 0.2}},
        junction={"kind": "resistive", "resistance": 3e-4},
        **more,
    )


def resistance(tandem: Any) -> float:
    """All that is in series with both junctions, ohm m^2."""
    between = float(tandem.junction.resistance) if tandem.junction.kind == "resistive" else 0.0
    return between + sum(float(one.circuit.series_resistance) for one in tandem.stacks.values())


@cache
def measured() -> xr.Dataset:
    """The curve of a library tandem; not to be changed."""
    return jv.measure(pt.load("tandem-target"))


def unshunted() -> Tandem:
    """The same without shunts."""
    tandem = pt.load("tandem-target")
    return tandem.with_values(no_shunts(tandem))


def trapped() -> Tandem:
    """And with traps where its junctions touch: they are one mesh."""
    velocity = {"electron_velocity": "1e7 cm/s", "hole_velocity": "1e7 cm/s"}
    return unshunted().with_values({"junction": {"kind": "traps", **velocity}})


def test_voltages_of_the_junctions_are_the_terminals_at_every_point() -> None:
    data = measured()
    assert junctions.names(data) == ["top", "bottom"]
    rest = data["voltage_top"] + data["voltage_bottom"] - data["voltage_between"] - data["voltage"]
    assert np.abs(rest.values).max() < 1e-12
    solved = [data[f"solved_voltage_{name}"].values for name in ("top", "bottom", "between")]
    assert solved[0] + solved[1] - solved[2] == pytest.approx(data["solved_voltage"].values, abs=1e-12)
    assert all(row.passed for row in checks_of(data).values())
    assert {SUM, ONE} <= checks_of(data).keys()
    # what is lost is the current times what the cell states; the plane itself costs next to nothing
    drop = resistance(pt.load("tandem-target")) * data["current_density"].values
    assert data["voltage_between"].values == pytest.approx(drop, abs=1e-6)


def test_junctions_of_one_mesh_are_told_apart() -> None:
    """Traps that recombine fast at flat bands cost next to nothing, and each half is what the junction is alone."""
    series = jv.measure(unshunted().with_values({"junction": {"kind": "ideal"}}))
    whole = jv.measure(trapped())
    assert all(row.passed for row in checks_of(whole).values()) and SUM in checks_of(whole)
    rest = whole["voltage_top"] + whole["voltage_bottom"] - whole["voltage_between"] - whole["voltage"]
    assert np.abs(rest.values).max() < 1e-12
    for name in ("voltage_top", "voltage_bottom", "current_density"):
        assert whole[name].values == pytest.approx(series[name].values, abs=2e-3, rel=1e-3), name
    for name, found in junctions.metrics(whole).items():
        assert float(found["pce"]) == pytest.approx(float(junctions.metrics(series)[name]["pce"]), rel=1e-9)


def test_the_checks_find_what_does_not_add_up() -> None:
    solver = Solver(build(wired()))
    good = solver.sweep(np.linspace(-0.1, 1.9, 9), 1.0)
    assert all(row.passed for row in steady_checks(good).values())

    def checked(states: Any) -> dict[str, bool]:
        fields = [junction_profiles(part) for part in states.parts]
        return {name: row.passed for name, row in circuit_checks(states, fields).items()}

    assert checked(good) == {SUM: True, ONE: True}
    top, bottom = good.parts
    moved = replace(top, junction_voltage=top.junction_voltage + 1e-5)
    assert not checked(replace(good, parts=(moved, bottom)))[SUM]
    assert not checked(replace(good, voltage=good.voltage + 1e-5))[SUM]
    (other,) = solver.junctions["bottom"].sweep(bottom.junction_voltage + 1e-4, 1.0).parts
    assert not checked(replace(good, parts=(top, other)))[ONE]
    # a resistance that the cell states and the solver did not know of
    told = good.problem.stack.with_values({"junction.resistance": 6e-4})
    assert not checked(replace(good, problem=replace(good.problem, stack=told)))[SUM]


def test_the_checks_find_a_level_of_one_mesh_that_is_off() -> None:
    good = Solver(build(trapped())).sweep(np.linspace(0.0, 2.0, 5), 1.0)
    assert steady_checks(good)[SUM].passed
    (part,) = good.parts
    fields = [junction_profiles(part)]
    moved = replace(fields[0], electron_fermi_level=fields[0].electron_fermi_level + 1e-5)
    assert circuit_checks(good, fields)[SUM].passed and not circuit_checks(good, [moved])[SUM].passed


def test_a_junctions_own_curve_is_that_of_the_junction_in_the_tandem() -> None:
    """Without luminescence between them each junction of the pair stands on its own curve."""
    tandem = wired()
    data = jv.measure(tandem, jv.Protocol(step="50 mV"))
    own = junctions.curves(data)
    solver = Solver(build(tandem))
    for name, one in solver.junctions.items():
        states = one.sweep(data[f"voltage_{name}"].values, 1.0)
        assert states.current == pytest.approx(data["current_density"].values, rel=1e-6, abs=1e-6)
        curve = validate(own[name])
        assert curve["current_density"].values == pytest.approx(
            one.sweep(curve["voltage"].values, 1.0).current, rel=1e-9, abs=1e-9
        )
        assert float(jv.analyse(curve)["voc"]) == pytest.approx(
            float(jv.analyse(curve, "pchip")["voc"]), abs=1e-3
        )


def test_what_is_said_of_the_junctions() -> None:
    data = measured()
    found = junctions.metrics(data)
    assert junctions.limiting(data) == min(found, key=lambda name: float(found[name]["jsc"]))
    here = junctions.at(data)
    assert here["top"] + here["bottom"] - here["between"] == pytest.approx(
        float(jv.analyse(data)["vmp"]), abs=1e-12
    )
    said = junctions.words(data)
    assert f"{here['top']:.3f} V" in said and f"{1e3 * here['between']:.1f} mV lost" in said
    assert said.endswith(f"the {junctions.limiting(data)} junction limits the current.")
    # the sum of what the junctions give alone is above what one current lets them give
    assert sum(float(one["pce"]) for one in found.values()) > float(jv.analyse(data)["pce"])


def test_a_cell_of_one_junction_says_nothing_of_junctions() -> None:
    data = jv.measure(pt.load("cell-a"), jv.Protocol(step="0.1 V"))
    assert junctions.names(data) == [] and junctions.curves(data) == {} and junctions.words(data) == ""
    assert junctions.limiting(data) is None and junctions.at(data) == {}
    assert set(machine.instrument_result(jv.INSTRUMENT, data, jv.analyse(data))) == {
        "stack", "light", "temperature", "scans", "checks", "notes"
    }  # fmt: skip
    assert junctions.terminals(pt.load("cell-a")) == {"": pt.load("cell-a")}


def test_own_curves_are_left_out_where_they_are_not_asked_for() -> None:
    data = jv.measure(wired(), jv.Protocol(step="0.1 V", junctions=False))
    assert junctions.curves(data) == {} and junctions.names(data) == ["top", "bottom"]
    assert "limits" not in junctions.words(data)


def test_machine_output_of_a_tandem() -> None:
    data = measured()
    made = machine.instrument_result(jv.INSTRUMENT, data, jv.analyse(data))
    told = made["scans"][0]["curve"]["junction_voltages"]
    assert set(told) == {"top", "bottom", "between"} and told["top"]["unit"] == "V"
    assert set(made["junctions"]) == {"top", "bottom"} and made["limiting"] == junctions.limiting(data)
    own = made["junctions"]["bottom"]
    assert own["metrics"]["jsc"]["unit"] == "mA/cm^2"
    assert own["curve"]["voltage"]["value"].size == own["curve"]["current_density"]["value"].size
    assert set(made["maximum_power"]) == {"voltage_top", "voltage_bottom", "voltage_between"}
    machine.to_text(machine.document([made]))


def test_it_is_stored_and_read_again(tmp_path: Path) -> None:
    data = measured()
    again = load(save(validate(data), tmp_path / "tandem.nc"))
    assert junctions.words(again) == junctions.words(data)
    assert pt.stack.from_toml(again.attrs["cell"]) == pt.load("tandem-target")


@pytest.mark.parametrize("joint", ["ideal", "traps"])
def test_a_tandem_in_the_dark(joint: str) -> None:
    more = (
        {"junction": {"kind": "traps", "electron_velocity": 10.0, "hole_velocity": 10.0}}
        if joint == "traps"
        else {}
    )
    dark = plain(**more).with_light(intensity="dark")
    data = jv.measure(dark, jv.Protocol(start="0 V", stop="1.2 V", step="0.1 V"))
    assert all(row.passed for row in checks_of(data).values())
    assert junctions.words(data) == ""
    assert data["voltage_top"].values[0] == pytest.approx(0.0, abs=1e-9)


def test_suns_of_one_junction_alone() -> None:
    """Half a sun on the top: it limits, and its own current is half of what it was."""
    half = jv.measure(pt.load("tandem-target").with_values({"top.light.intensity": "0.5 sun"}))
    assert junctions.limiting(half) == "top"
    full, own = junctions.metrics(measured()), junctions.metrics(half)
    assert float(own["top"]["jsc"]) == pytest.approx(0.5 * float(full["top"]["jsc"]), rel=5e-3)
    assert float(own["bottom"]["jsc"]) == pytest.approx(float(full["bottom"]["jsc"]), rel=1e-9)


def test_a_solver_under_other_light_is_the_cell_with_other_suns() -> None:
    tandem = wired()
    told = tandem.with_values({"top.light.intensity": 0.7, "bottom.light.intensity": 0.6})
    solver = Solver(build(tandem))
    before = solver.problem.generation.copy()
    was = [float(one.light.intensity) for one in tandem.cells.values()]
    pairs = [
        f / w * one.problem.generation
        for f, w, one in zip((0.7, 0.6), was, solver.junctions.values(), strict=True)
    ]
    found = solver.relit(np.concatenate(pairs)).sweep([0.0, 1.5], 1.0)
    expected = Solver(build(told)).sweep([0.0, 1.5], 1.0)
    assert found.current == pytest.approx(expected.current, rel=1e-9)
    assert np.array_equal(solver.problem.generation, before)


def test_scans_in_time_carry_the_junctions() -> None:
    tandem = pt.load("tandem-target")
    scans = pt.lab.scan.measure(tandem, pt.lab.scan.Protocol(step="50 mV", directions="reverse"))
    data = scans["reverse"]
    rest = data["voltage_top"] + data["voltage_bottom"] - data["voltage_between"] - data["voltage"]
    assert np.abs(rest.values).max() < 1e-12
    assert data["voltage_between"].values == pytest.approx(
        resistance(tandem) * data["current_density"].values, abs=1e-9
    )
    made = machine.instrument_result(pt.lab.scan.INSTRUMENT, scans, pt.lab.scan.INSTRUMENT.analyse(scans))
    assert set(made["scans"][0]["curve"]["junction_voltages"]) == {"top", "bottom", "between"}


def test_bands_tell_the_splitting_in_each_junction() -> None:
    tandem = pt.load("tandem-target")
    found = pt.lab.bands.analyse(pt.lab.bands.measure(tandem))
    own = junctions.metrics(measured())
    for name in ("top", "bottom"):
        # at open circuit of the pair both are at their own, but for the light of the top in the bottom
        assert float(found[f"qfls open-circuit, {name}"]) == pytest.approx(float(own[name]["voc"]), abs=8e-3)


def test_four_terminals_are_measured_one_pair_after_the_other() -> None:
    tandem = pt.load("tandem-target").with_values({"junction": "separate"})
    cells = junctions.terminals(tandem)
    assert list(cells) == ["top", "bottom"]
    taken = {}
    for name, cell in cells.items():
        data = jv.measure(cell, jv.Protocol(step="50 mV"))
        assert junctions.names(data) == []
        taken[name] = (data, jv.analyse(data))
    both = junctions.together({name: found for name, (_, found) in taken.items()})
    assert float(both["pce"]) == pytest.approx(
        sum(float(found["pce"]) for _, found in taken.values()), rel=1e-12
    )
    assert float(both["pce"]) > float(jv.analyse(measured())["pce"])
    entry = machine.terminals_result(tandem.name, jv.INSTRUMENT, taken, both)
    assert entry["scans"] == [] and entry["metrics"]["pce"]["unit"] == "%"
    assert set(entry["junctions"]["top"]) == {"metrics", "curve"}
    assert float(pt.lab.eqe.analyse(pt.lab.eqe.measure(cells["bottom"]))["bandgap"]) == pytest.approx(
        1.25, abs=5e-3
    )


# --- what an efficiency is over --------------------------------------------------------------------------------------


def test_the_power_that_falls_in_follows_the_suns_of_each_junction() -> None:
    """Half a sun in every junction is half a sun; half a sun in one takes away a part of the power that it absorbs."""
    cell = pt.load("tandem-target")
    protocol = jv.Protocol(step="50 mV", junctions=False)

    def power(**suns: str) -> float:
        values = {f"{which}.light.intensity": one for which, one in suns.items()}
        return float(jv.measure(cell.with_values(values), protocol).attrs["irradiance"])

    assert power() == 1000.0
    assert power(top="0.5 sun", bottom="0.5 sun") == pytest.approx(500.0, rel=1e-12)
    less_top, less_bottom = power(top="0.5 sun"), power(bottom="0.5 sun")
    # photons of the top carry more energy each, and both make the same current
    assert 600.0 < less_top < 750.0 < less_bottom < 900.0
    assert (1000.0 - less_top) + (1000.0 - less_bottom) == pytest.approx(500.0, rel=1e-9)
    apart = {"junction": {"kind": "separate", "terminals": "bottom"}}
    four = cell.with_values({**apart, "top.light.intensity": "0.5 sun"})
    assert float(jv.measure(four, protocol).attrs["irradiance"]) == pytest.approx(less_top, rel=1e-3)


def test_prescribed_generation_is_weighed_by_its_pairs() -> None:
    cell = pt.load("three-junctions").with_values({"middle.light.intensity": "0.5 sun"})
    made = jv.measure(cell, jv.Protocol(step="50 mV", junctions=False))
    assert 750.0 < made.attrs["irradiance"] < 900.0
