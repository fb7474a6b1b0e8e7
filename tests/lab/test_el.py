"""Electroluminescence: the radiative limit, reciprocity with the photovoltage, junctions of a tandem apart."""

import tomllib
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import perotwin as pt
from columns import beside
from devices import Q
from perotwin.errors import ConvergenceError, InputError
from perotwin.lab import el, jv
from perotwin.measurement import checks_of, load, save, validate
from perotwin.report import machine
from perotwin.stack import Stack
from perotwin.transport.build import build
from perotwin.transport.steady import Solver
from tandems import ideal, no_pinholes, no_shunts

KT = 8.617333262e-5 * 298.15


@cache
def tandem() -> xr.Dataset:
    """Electroluminescence of a library tandem; not to be changed."""
    return el.measure(pt.load("tandem-target"))


def test_a_cell_that_only_radiates_gives_a_photon_for_each_electron() -> None:
    """Both junctions of the Shockley-Queisser pair: ELQY 1, and the splitting is kT ln(J / J0 + 1)."""
    data = el.measure(ideal(1.79, 1.25), el.Protocol(currents=("0.1 mA/cm^2", "1 mA/cm^2", "20 mA/cm^2")))
    assert list(data["emitter"].values) == ["top", "bottom"]
    assert data["elqy"].values == pytest.approx(np.ones((2, 3)), abs=1e-4)
    assert data["photons"].values == pytest.approx(np.tile([1.0, 10.0, 200.0], (2, 1)) / Q, rel=1e-4)
    for row, j0 in enumerate((7.4187e-24, 4.917e-15)):
        expected = KT * np.log1p(data["injected"].values / j0)
        assert data["qfls"].values[row] == pytest.approx(expected, abs=1e-3)
    # the terminal voltage is what both need
    assert data["voltage"].values == pytest.approx(data["qfls"].values.sum(axis=0), abs=2e-3)
    found = el.analyse(el.measure(ideal(1.79, 1.25)))
    for which in ("top", "bottom"):
        assert float(found[f"voc_luminescence, {which}"]) == pytest.approx(
            float(found[f"voc_radiative, {which}"]), abs=1e-4
        )


@pytest.mark.parametrize("name", ["wbg-target", "wbg-control", "nbg"])
def test_luminescence_tells_the_open_circuit_voltage(name: str) -> None:
    """Voc,rad + kT/q ln(ELQY) = Voc, where the levels are flat enough: they slope where a film feeds its pinholes."""
    cell = pt.load(name)
    cell = cell.with_values(no_pinholes(cell))
    data = el.measure(cell)
    assert all(row.passed for row in checks_of(data).values())
    assert list(data["emitter"].values) == ["perovskite"]
    found = el.analyse(data)
    assert float(found["voc_luminescence"]) == pytest.approx(float(found["voc_own"]), abs=1.5e-3)
    assert float(found["voc_own"]) == pytest.approx(float(jv.analyse(jv.measure(cell))["voc"]), abs=1e-9)
    assert 1e-4 < float(found["elqy"]) < 0.05


def test_it_tells_that_of_each_junction_of_a_tandem() -> None:
    data = tandem()
    assert all(row.passed for row in checks_of(data).values())
    found = el.analyse(data)
    for which in ("top", "bottom"):
        assert float(found[f"voc_luminescence, {which}"]) == pytest.approx(
            float(found[f"voc_own, {which}"]), abs=1.5e-3
        )
    # currents are what was asked for, and both junctions carry them
    asked = Solver(build(pt.load("tandem-target"))).problem.photocurrent * np.geomspace(1e-3, 2.0, 23)
    assert data["injected"].values == pytest.approx(asked, rel=1e-8)
    assert (np.diff(data["qfls"].values, axis=1) > 0.0).all()


def test_spectra_are_the_photons_of_each_junction() -> None:
    data = tandem()
    wavelength = data["wavelength"].values
    for row, (low, high) in enumerate(((660e-9, 720e-9), (950e-9, 1010e-9))):
        spectrum = data["spectrum"].values[row]
        assert low < wavelength[int(np.argmax(spectrum))] < high
        front = float(np.trapezoid(spectrum, wavelength))
        # the metal behind lets nothing out
        assert front == pytest.approx(float(data["photons"].values[row, -1]), rel=0.02)


def test_light_of_the_top_makes_the_bottom_brighter() -> None:
    quiet = pt.load("tandem-target").with_values({"top.perovskite.recombination.radiative": {"kind": "none"}})
    at = ("15 mA/cm^2",)
    dim = el.measure(quiet, el.Protocol(currents=at))
    bright = el.measure(pt.load("tandem-target"), el.Protocol(currents=at))
    assert list(dim["emitter"].values) == ["bottom"]
    gain = bright["photons"].sel(emitter="bottom").values / dim["photons"].sel(emitter="bottom").values
    assert 1.0 < float(gain[0]) < 1.1


def test_voltages_and_currents_say_the_same() -> None:
    cell = pt.load("wbg-target")
    first = el.measure(cell, el.Protocol(currents=("1 mA/cm^2", "10 mA/cm^2")))
    again = el.measure(cell, el.Protocol(voltages=tuple(float(v) for v in first["voltage"].values)))
    assert again["injected"].values == pytest.approx(first["injected"].values, rel=1e-6)
    assert again["elqy"].values == pytest.approx(first["elqy"].values, rel=1e-6)


def test_in_the_light_all_pairs_count() -> None:
    """At open circuit under one sun the yield is that of photoluminescence, and the splitting tells it."""
    cell = pt.load("wbg-target")
    voc = float(jv.analyse(jv.measure(cell))["voc"])
    data = el.measure(cell, el.Protocol(voltages=(voc,), light="1 sun"))
    found = el.analyse(data)
    assert "voc_luminescence" not in found
    jsc = float(data["jsc_own"].values[0])
    told = float(data["voc_radiative"].values[0]) + KT * np.log(float(data["elqy"].values[0, 0]))
    # pairs made are a little more than those collected at short circuit
    assert told == pytest.approx(float(data["qfls"].values[0, 0]), abs=2e-3)
    assert abs(float(data["injected"].values[0])) < 1e-6 * jsc


def test_columns_side_by_side_emit_by_their_areas() -> None:
    wide, other = pt.load("wbg-target"), pt.load("wbg-control").with_values({"perovskite.pinholes": None})
    cell = beside(("good", 0.7, wide), ("bad", 0.3, other))
    data = el.measure(cell, el.Protocol(voltages=(1.3,)))
    assert list(data["emitter"].values) == ["good", "bad"]
    for row, (area, stack) in enumerate(((0.7, wide), (0.3, other))):
        alone = el.measure(stack, el.Protocol(voltages=(1.3,)))
        assert data["photons"].values[row] == pytest.approx(area * alone["photons"].values[0], rel=1e-9)


def test_solved_in_one_it_is_the_same() -> None:
    fast = {"kind": "traps", "electron_velocity": "1e7 cm/s", "hole_velocity": "1e7 cm/s"}
    at = el.Protocol(currents=("15 mA/cm^2",))
    tandem = pt.load("tandem-target")
    unshunted = tandem.with_values(no_shunts(tandem))
    whole = el.measure(unshunted.with_values({"junction": fast}), at)
    series = el.measure(unshunted, at)
    assert list(whole["emitter"].values) == ["top", "bottom"]
    assert whole["elqy"].values == pytest.approx(series["elqy"].values, rel=2e-3)
    assert whole["voc_own"].values == pytest.approx(series["voc_own"].values, abs=1e-9)


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(InputError, match="both currents and voltages"):
        el.Protocol(currents=("1 mA/cm^2",), voltages=("1 V",))
    with pytest.raises(InputError, match="how light leaves"):
        el.measure(
            pt.load("wbg-target").with_values({"perovskite.recombination.radiative": {"kind": "none"}})
        )
    with pytest.raises(ConvergenceError, match="was not brought to carry 1e\\+12 mA/cm2"):
        el.measure(pt.load("wbg-target"), el.Protocol(currents=("1e12 mA/cm^2",)))


def test_it_is_stored_and_written(tmp_path: Path) -> None:
    again = load(save(validate(tandem()), tmp_path / "el.nc"))
    assert el.analyse(again).to_json() == el.analyse(tandem()).to_json()
    entry = machine.instrument_result(el.INSTRUMENT, again, el.analyse(again))
    assert entry["metrics"]["elqy, top"]["unit"] == "%"
    assert entry["injected"]["unit"] == "mA/cm^2" and set(entry["emitters"]) == {"top", "bottom"}
    assert entry["emitters"]["top"]["photons"]["unit"] == "cm^-2 s^-1"
    machine.to_text(machine.document([entry]))


@pytest.mark.parametrize("slices", [1, 4])
def test_what_light_tells_of_an_uneven_doped_film_is_what_it_emits_by(slices: int) -> None:
    """Electrons that hardly move in a film doped to 1e19 cm^-3, in one piece or in four.

    Its mean splitting and its light do not agree, by more than 5 mV; what it emits by and its light do.
    """
    data = tomllib.loads(pt.load("nbg").to_toml())
    layers, faces = [], data.get("interface", {})
    for one in data["layer"]:
        if one["name"] != "perovskite":
            layers.append(one)
            continue
        electronic = {
            **one["electronic"], "acceptor_density": "1e19 cm^-3", "electron_mobility": "1e-3 cm^2/(V s)",
        }  # fmt: skip
        thickness = f"{1e9 * float(pt.load('nbg').get('perovskite.thickness')) / slices:.9g} nm"
        layers += [
            {**one, "electronic": electronic, "name": f"s{n}", "thickness": thickness} for n in range(slices)
        ]
    renamed = {}
    for key, face in faces.items():
        front, back = key.split("|")
        front = f"s{slices - 1}" if front == "perovskite" else front
        renamed[f"{front}|{'s0' if back == 'perovskite' else back}"] = face
    cell = Stack.from_data({**data, "layer": layers, "interface": renamed})
    found = checks_of(el.measure(cell))
    row = found["splitting at open circuit against the light that it makes (V)"]
    assert row.passed and row.limit == 1e-5, found
