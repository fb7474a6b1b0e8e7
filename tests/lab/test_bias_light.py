"""Quantum efficiency of a tandem's junctions: against each junction's own, against its light, and done wrong."""

from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr

import perotwin as pt
import written
from perotwin.errors import InputError
from perotwin.lab import eqe, junctions, jv
from perotwin.measurement import checks_of, load, notes_of, protocol_of, save, validate
from perotwin.report import machine
from perotwin.transport.build import build
from perotwin.transport.steady import Solver

Q = 1.602176634e-19
QUIET = {"top.perovskite.recombination.radiative": {"kind": "none"}}
UNSHUNTED = {
    "top.circuit": {"series_resistance": "2 ohm cm^2"},
    "bottom.circuit": {"series_resistance": "0 ohm cm^2"},
}


def tandem(**values: Any) -> Any:
    """A library tandem."""
    return written.made("tandem-target").with_values(values)


@cache
def measured() -> xr.Dataset:
    """The quantum efficiency of a library tandem; not to be changed."""
    return eqe.measure(tandem())


def at(data: xr.Dataset, name: str, wavelength: float) -> float:
    """The quantum efficiency of a junction at a wavelength (m)."""
    return float(np.interp(wavelength, data["wavelength"].values, data[f"eqe_{name}"].values))


def test_in_series_a_junction_shows_its_own_short_circuit() -> None:
    """No shunts, and no light from one junction to the other: each gives what it gives alone at short circuit."""
    cell = tandem(**QUIET, **UNSHUNTED)
    data = eqe.measure(cell)
    solver = Solver(build(cell))
    alone = solver.junctions
    problems = {name: one.problem for name, one in alone.items()}
    for name, one in alone.items():
        pairs, _ = eqe.Led().generation(problems, name)
        lit = one.relit(pairs[name])
        own = lit.spectral_response(lit.sweep([0.0], 1.0).state(0), 1.0) / Q
        assert data[f"eqe_{name}"].values == pytest.approx(own, abs=2e-4 * own.max())


def test_what_is_collected_is_what_the_absorbers_take() -> None:
    """With carriers that live long EQE + R + T + the other layers' absorption is 1, wavelength by wavelength."""
    long = [{"electron_lifetime": "10 us", "hole_lifetime": "10 us"}]
    faces = (
        "top.niox|perovskite",
        "top.perovskite|c60",
        "bottom.pedot-pss|perovskite",
        "bottom.perovskite|c60",
    )
    cell = tandem(
        **QUIET, **{f"{which}.perovskite.trap": long for which in ("top", "bottom")},
        **{f"{face}.trap": [] for face in faces},
    )  # fmt: skip
    data = eqe.measure(cell)
    absorbed = data["absorptance"]
    for name in ("top", "bottom"):
        own = absorbed.sel(layer=f"{name} perovskite").values
        assert data[f"eqe_{name}"].values == pytest.approx(own, abs=3e-3)
    parasitic = absorbed.sel(layer=[x for x in absorbed["layer"].values if not x.endswith("perovskite")]).sum(
        "layer"
    )
    total = data["eqe_top"] + data["eqe_bottom"] + data["reflectance"] + data["transmittance"] + parasitic
    assert total.values == pytest.approx(np.ones(total.size), abs=3e-3)
    # junctions under bias lights of their own have no quantum efficiency together
    assert "eqe" not in data


def test_integrals_and_edges() -> None:
    data = measured()
    found = eqe.analyse(data)
    assert all(row.passed for row in checks_of(data).values())
    assert abs(checks_of(data)["EQE integral of the limiting junction against Jsc"].value) < 3e-3
    curve = jv.measure(tandem())
    own = junctions.metrics(curve)
    for name in ("top", "bottom"):
        assert float(found[f"jsc_integrated, {name}"]) == pytest.approx(float(own[name]["jsc"]), rel=5e-3)
    assert float(found["jsc_integrated"]) == min(float(found[f"jsc_integrated, {name}"]) for name in own)
    assert float(found["bandgap, top"]) == pytest.approx(1.79, abs=0.012)
    assert float(found["bandgap"]) == float(found["bandgap, bottom"]) == pytest.approx(1.25, abs=5e-3)


def test_the_bias_is_what_the_standard_asks_and_is_told() -> None:
    """The other junction is saturated, the bias voltage is its open circuit, the measured one stands at 0 V."""
    data = measured()
    own = junctions.metrics(jv.measure(tandem()))
    for name, other in (("top", "bottom"), ("bottom", "top")):
        assert data.attrs[f"bias_voltage_{name}"] == pytest.approx(float(own[other]["voc"]), abs=5e-3)
        told = data.attrs[f"bias_light_{name}"]
        assert f"1 sun in the {other} junction; " in told and told.endswith(f"0.1 sun in the {name} junction")
        assert any(f"leaves the {name} junction at 0.00" in note for note in notes_of(data))
    # a diode that the measured junction does not see
    assert float(data.attrs["bias_light_top"].split(" nm")[0]) > 800.0
    assert float(data.attrs["bias_light_bottom"].split(" nm")[0]) < 500.0
    assert protocol_of(data)["bias_light"]["kind"] == "led"


def test_light_of_the_top_shows_in_the_bottom() -> None:
    """A saturated top junction sends on part of what it takes; without its luminescence there is nothing there."""
    lit, quiet = measured(), eqe.measure(tandem(**QUIET))
    assert at(lit, "bottom", 420e-9) > 0.01 > at(quiet, "bottom", 420e-9)
    assert any("luminescence" in note for note in notes_of(lit))
    assert not any("luminescence" in note for note in notes_of(quiet))


def test_bias_light_on_the_wrong_junction_shows_the_other_one() -> None:
    right, wrong = measured(), eqe.measure(tandem(), eqe.Protocol(bias_light="wrong"))
    for name, other in (("top", "bottom"), ("bottom", "top")):
        assert wrong[f"eqe_{name}"].values == pytest.approx(right[f"eqe_{other}"].values, abs=0.01)


def test_without_bias_light_the_shunts_decide() -> None:
    """In the dark a current passes as the resistances let it: the junction of larger resistance has the response."""
    cell = tandem(**{
        **QUIET,
        "top.circuit.shunt_resistance": "200 ohm cm^2",
        "bottom.circuit.shunt_resistance": "100 ohm cm^2",
    })  # fmt: skip
    dark = eqe.measure(cell, eqe.Protocol(bias_light="none", bias="0 V"))
    assert (dark["eqe_top"] == dark["eqe_bottom"]).all()
    share = at(dark, "top", 450e-9) / at(measured(), "top", 450e-9)
    assert share == pytest.approx(200.0 / 300.0, abs=0.02)
    rest = at(dark, "top", 850e-9) / at(measured(), "bottom", 850e-9)
    assert rest == pytest.approx(100.0 / 300.0, abs=0.03)


def test_a_shunted_junction_without_bias_voltage_shows_both() -> None:
    """Driven backwards, the leak of the bottom is nearly as much as the top gives: both junctions respond."""
    cell = tandem(**{**QUIET, "bottom.circuit.shunt_resistance": "95 ohm cm^2"})
    right = eqe.measure(cell)
    assert at(right, "bottom", 450e-9) < 0.02
    assert at(right, "bottom", 850e-9) > 0.65
    unbiased = eqe.measure(cell, eqe.Protocol(bias="0 V"))
    assert at(unbiased, "bottom", 450e-9) > 0.08
    assert 0.3 < at(unbiased, "bottom", 850e-9) < at(right, "bottom", 850e-9)
    # at 60 ohm cm^2 the leak is more than that, and it is the top that is measured
    worse = eqe.measure(
        tandem(**{**QUIET, "bottom.circuit.shunt_resistance": "60 ohm cm^2"}), eqe.Protocol(bias="0 V")
    )
    assert at(worse, "bottom", 450e-9) > 0.75 and at(worse, "bottom", 850e-9) < 0.1
    assert "EQE integral of the limiting junction against Jsc" not in checks_of(worse)


def test_suns_of_each_junction_do_as_well_as_a_diode() -> None:
    suns = eqe.measure(
        tandem(), eqe.Protocol(bias_light={"kind": "suns", "other": "1.5 sun", "measured": "0.05 sun"})
    )
    assert all(row.passed for row in checks_of(suns).values())
    for name in ("top", "bottom"):
        assert suns[f"eqe_{name}"].values == pytest.approx(measured()[f"eqe_{name}"].values, abs=0.02)
    assert suns.attrs["bias_light_top"] == "1.5 sun in the bottom junction, 0.05 sun in the top junction"


def test_solved_in_one_it_is_the_same() -> None:
    """Traps that are fast enough are an ideal junction."""
    fast = {"kind": "traps", "electron_velocity": "1e7 cm/s", "hole_velocity": "1e7 cm/s"}
    data = eqe.measure(tandem(junction=fast, **UNSHUNTED))
    series = eqe.measure(tandem(**UNSHUNTED))
    assert all(row.passed for row in checks_of(data).values())
    for name in ("top", "bottom"):
        assert data[f"eqe_{name}"].values == pytest.approx(series[f"eqe_{name}"].values, abs=2e-4)


def test_traps_that_light_fills_want_a_weak_light_on_the_measured_junction() -> None:
    cell = written.made("tandem-control")
    own = float(junctions.metrics(jv.measure(cell))["top"]["jsc"])
    data = eqe.measure(cell)
    assert all(row.passed for row in checks_of(data).values())
    assert data.attrs["jsc_integrated_top"] == pytest.approx(own, rel=8e-3)
    dark = eqe.measure(cell, eqe.Protocol(bias_light={"kind": "led", "measured": "0 sun"}))
    assert dark.attrs["jsc_integrated_top"] < 0.98 * own
    assert not checks_of(dark)["EQE integral of the limiting junction against Jsc"].passed


def test_what_makes_no_bias_light_is_refused() -> None:
    with pytest.raises(InputError, match='there is no bias light of kind "blue"'):
        eqe.Protocol(bias_light="blue")
    with pytest.raises(InputError, match="950 nm makes no pairs in the top junction"):
        eqe.measure(tandem(), eqe.Protocol(bias_light={"kind": "led", "top": "950 nm"}))
    with pytest.raises(InputError, match="2000 nm makes no pairs in the bottom junction"):
        eqe.measure(tandem(), eqe.Protocol(bias_light={"kind": "led", "bottom": "2000 nm"}))


def test_a_cell_of_one_junction_is_measured_as_ever() -> None:
    data = eqe.measure(pt.load("wbg-target"))
    assert eqe.junctions(data) == {} and "eqe_top" not in data
    assert set(eqe.analyse(data)) >= {"jsc_integrated", "bandgap"}
    assert "EQE integral against Jsc" in checks_of(data)


def test_it_is_stored_and_written_by_junction(tmp_path: Path) -> None:
    again = load(save(validate(measured()), tmp_path / "eqe.nc"))
    entry = machine.instrument_result(eqe.INSTRUMENT, again, eqe.analyse(again))
    assert set(entry["junctions"]) == {"top", "bottom"}
    top = entry["junctions"]["top"]
    assert top["bias_voltage"]["unit"] == "V" and top["jsc_integrated"]["unit"] == "mA/cm^2"
    assert "nm" in top["bias_light"] and top["eqe"]["value"].size == entry["wavelength"]["value"].size
    assert entry["eqe"] is None
    machine.to_text(machine.document([entry]))


def test_a_measurement_without_any_efficiency_is_refused() -> None:
    with pytest.raises(InputError, match="no quantum efficiency"):
        eqe.analyse(measured().drop_vars(["eqe_top", "eqe_bottom"]))


def three() -> dict[str, Any]:
    """Three junctions that absorb one part of the spectrum each, and a little of the next."""
    wavelength = np.linspace(400e-9, 1100e-9, 8)
    shares = {
        "top": (0.9, 0.9, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0),
        "middle": (0.0, 0.1, 0.5, 0.9, 0.9, 0.1, 0.0, 0.0),
        "bottom": (0.0, 0.0, 0.0, 0.0, 0.1, 0.9, 0.9, 0.5),
    }
    found = {}
    for name, part in shares.items():
        spectral = np.outer(part, [0.5, 0.5])
        found[name] = SimpleNamespace(
            generation=np.array([1.0, 3.0]) * 1e20,
            site_areas=np.ones(2),
            absorption=SimpleNamespace(wavelength=wavelength, spectral=spectral),
        )
    return found


@pytest.mark.parametrize("measured", ["top", "middle", "bottom"])
def test_of_three_junctions_the_others_are_saturated_and_the_measured_one_is_spared(measured: str) -> None:
    cell = three()
    pairs, words = eqe.Led().generation(cell, measured)
    for name, made in pairs.items():
        share = made.sum() / cell[name].generation.sum()
        assert share >= 1.0 - 1e-12 if name != measured else 0.1 - 1e-12 <= share < 0.3, name
        assert f"{'0.1' if name == measured else '1'} sun in the {name} junction" in words
    wrong, said = eqe.Wrong().generation(cell, measured)
    assert wrong[measured].sum() == pytest.approx(cell[measured].generation.sum())
    assert said.endswith(f"1 sun in the {measured} junction")
    chosen, told = eqe.Led(middle=700e-9).generation(cell, "top")
    assert "700 nm, 1 sun in the middle junction" in told and set(chosen) == set(cell)
