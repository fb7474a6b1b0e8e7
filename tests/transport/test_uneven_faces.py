"""Cells whose faces are uneven: one circuit of areas, against sums of cells solved one by one."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import perotwin as pt
from perotwin.errors import InputError
from perotwin.lab import jv
from perotwin.stack import Stack, face_areas
from perotwin.transport import enough_areas
from perotwin.transport.build import build
from perotwin.transport.checks import steady_checks
from perotwin.transport.sensitivity import Following
from perotwin.transport.steady import Solver
from tandems import no_pinholes

FACE = "htl|perovskite"
PATCHES = {"share": "5 %", "size": "3 um", "velocity": "1000 cm/s"}


def cell(**values: Any) -> Stack:
    """The first reference cell, whose light is prescribed, behind a resistance and beside a shunt."""
    circuit = {"circuit.series_resistance": "3 ohm cm^2", "circuit.shunt_resistance": "2e3 ohm cm^2"}
    made = pt.load("cell-a").with_values(circuit | {f"{FACE}.{key}": value for key, value in values.items()})
    assert isinstance(made, Stack)
    return made


def curve(one: Any, volts: Any) -> np.ndarray:
    return np.asarray(Solver(build(one)).sweep(volts, 1.0).current)


def brute(
    one: Stack, dipoles: np.ndarray, weights: np.ndarray, across: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """V and J of areas with these dipoles, from cells without resistance that are solved one by one."""
    bare = one.with_values({"circuit.series_resistance": 0.0, f"{FACE}.dipole_spread": 0.0})
    current = sum(
        weight * curve(bare.with_values({f"{FACE}.dipole": float(dipole)}), across)
        for dipole, weight in zip(dipoles, weights, strict=True)
    )
    return across - current * float(one.circuit.series_resistance), np.asarray(current)


def test_no_spread_is_the_even_cell_to_rounding() -> None:
    volts = np.linspace(0.0, 1.1, 12)
    even, found = curve(cell(), volts), curve(cell(dipole_spread="1e-9 eV"), volts)
    assert np.abs(found - even).max() <= 1e-9 * np.abs(even).max()
    tiny = cell(patches=PATCHES | {"share": 1e-12})
    assert np.abs(curve(tiny, volts) - even).max() <= 1e-9 * np.abs(even).max()


@pytest.mark.parametrize("spread", [0.03, 0.08])
def test_a_spread_is_the_sum_of_many_even_cells_behind_one_resistance(spread: float) -> None:
    one = cell(dipole_spread=spread)
    nodes = np.linspace(-6.0, 6.0, 41)
    weights = np.exp(-0.5 * nodes**2)
    voltage, current = brute(
        one,
        float(cell().get(f"{FACE}.dipole")) + spread * nodes,
        weights / weights.sum(),
        np.linspace(0.0, 1.05, 22),
    )
    found = curve(one, voltage)
    assert np.abs(found - current).max() <= 2e-4 * current[0]


def test_few_areas_are_seen_and_more_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    one = cell(dipole_spread="0.14 eV")
    solver, _, points, found = jv.solved(one, jv.Protocol())
    rows = {name: row for name, row in found.items() if "areas" in name}
    assert len(rows) == 2 and all(row.passed for row in rows.values()) and solver.problem.finer == 1.0
    monkeypatch.setattr(face_areas, "enough", lambda spread, finer=1.0: {1.0: 3, 2.0: 5, 4.0: 9}[finer])
    poor, _, points, found = jv.solved(one, jv.Protocol())
    # three were not enough, and neither were the five that were taken in their place
    assert poor.problem.finer == 2.0
    assert not all(row.passed for name, row in found.items() if "areas" in name)
    assert enough_areas.checks(Solver(build(cell())), points, 1.0) == {}


def test_patches_are_between_the_even_face_and_columns() -> None:
    volts = np.linspace(0.0, 1.0, 6)
    even = curve(cell(patches=PATCHES | {"size": "1 nm"}), volts)
    assert even == pytest.approx(curve(face_areas.averaged(cell(patches=PATCHES)), volts), rel=1e-5)
    apart = curve(cell(patches=PATCHES | {"size": "1 mm"}), volts)
    columns = []
    for values in ({}, {"dipole": 0.0, "trap": [{"electron_velocity": 10.0, "hole_velocity": 10.0}]}):
        one = cell(**values).with_values({"circuit.series_resistance": 0.0})
        across = np.linspace(0.0, 1.06, 400)
        columns.append(curve(one, across))
    total = 0.95 * columns[0] + 0.05 * columns[1]
    at = across - total * float(cell().circuit.series_resistance)
    assert apart == pytest.approx(np.interp(volts, at, total), abs=2e-3 * total[0])
    between = curve(cell(patches=PATCHES), volts)
    assert ((between - even) * (apart - between) >= -1e-6 * total[0] ** 2).all()


def test_kirchhoff_holds_and_a_current_that_is_not_there_is_seen() -> None:
    states = Solver(build(cell(dipole_spread="50 meV", patches=PATCHES))).sweep([0.0, 0.9], 1.0)
    checks = steady_checks(states)
    assert all(row.passed for row in checks.values())
    parts = tuple(replace(part, junction_voltage=part.junction_voltage + 1e-4) for part in states.parts[:1])
    wrong = replace(states, parts=(*parts, *states.parts[1:]))
    assert not all(row.passed for row in steady_checks(wrong).values()) or steady_checks(wrong) != checks
    shifted = replace(
        states, parts=(replace(states.parts[0], psi=states.parts[0].psi * 1.001), *states.parts[1:])
    )
    assert not all(row.passed for row in steady_checks(shifted).values())


@pytest.mark.parametrize(
    "field", ["dipole_spread", "dipole", "patches.share", "patches.size", "patches.velocity"]
)
def test_the_numbers_of_an_uneven_face_are_followed(field: str) -> None:
    one, path = cell(dipole_spread="50 meV", patches=PATCHES), f"{FACE}.{field}"
    solver = Solver(build(one), 1e-10)
    volts = [0.0, 0.8, 0.95]
    follows = Following(solver, [path])
    found = follows.current(solver.sweep(volts, 1.0)).by_field[:, 0]
    here = float(one.get(path))
    step = 2e-3 * here if here else 1e-4

    def changed(k: int) -> np.ndarray:
        return np.asarray(Solver(follows.rebuilt({path: here + k * step}), 1e-10).sweep(volts, 1.0).current)

    wanted = (8.0 * (changed(1) - changed(-1)) - (changed(2) - changed(-2))) / (12.0 * step)
    assert found == pytest.approx(wanted, rel=1e-5, abs=1e-7 * np.abs(wanted).max())


def test_a_film_without_contacts_is_taken_in_the_mean_and_says_so() -> None:
    bare: dict[str, Any] = {f"contact.{end}.work_function": "flat-band" for end in ("front", "back")}
    bare |= {
        f"contact.{end}.{carrier}_velocity": 0.0
        for end in ("front", "back")
        for carrier in ("electron", "hole")
    }
    problem = build(cell(dipole_spread="50 meV").with_values(bare))
    assert len(problem.parts) == 1 and any("taken as even" in note for note in problem.notes)


def test_a_tandem_has_areas_in_each_junction_and_its_light_goes_to_all() -> None:
    plain = pt.load("tandem-control")
    volts = [0.0, 1.9]
    even = curve(plain, volts)
    same = curve(plain.with_values({"top.htl|absorber.dipole_spread": 1e-9}), volts)
    assert np.abs(same - even).max() <= 1e-9 * even[0]
    both = plain.with_values(
        {"top.htl|absorber.dipole_spread": 0.03, "bottom.htl|absorber.dipole_spread": 0.02}
    )
    problem = build(both)
    assert set(problem.homes) == {"top", "bottom"} and list(problem.typical) == ["top", "bottom"]
    one = build(plain)
    sent = sum(light.share for light in one.lights if light.emitter != light.receiver)
    last = len(problem.parts) - 1
    assert sum(light.share for light in problem.lights if light.receiver == last) == pytest.approx(
        sent, rel=1e-12
    )
    states = Solver(problem).sweep(volts, 1.0)
    assert states.converged.all() and all(row.passed for row in steady_checks(states).values())


def test_junctions_that_traps_make_one_mesh_are_even() -> None:
    joint = {"kind": "traps", "electron_velocity": "1 m/s", "hole_velocity": "1 m/s"}
    cell = pt.load("tandem-control")
    values = no_pinholes(cell) | {
        "junction": joint,
        "top.circuit": {},
        "bottom.circuit": {},
        "top.htl|absorber.dipole_spread": 0.03,
    }
    with pytest.raises(InputError, match="one mesh") as caught:
        build(cell.with_values(values))
    assert "ideal" in caught.value.advice
