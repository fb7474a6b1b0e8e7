"""Open-circuit voltage against light: a diode in closed form, a real pair of files, and cells of the library."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import measured_suns_voc as made
import perotwin as pt
import written
from perotwin.errors import InputError
from perotwin.lab import fill_factor_losses as losses
from perotwin.lab import jv, suns_voc
from perotwin.measurement import checks_of, notes_of

FILES = Path(__file__).resolve().parents[2].parent / "shared" / "instrument_files_2"
SEEDS, VOC, N = 200, 1.2, 1.4


# --- formulas ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("voc", "ideality", "percent"), [(1.372, 1.0, 90.83), (1.285, 1.0, 90.34), (1.372, 1.3, 88.75)]
)
def test_greens_formula(voc: float, ideality: float, percent: float) -> None:
    """Values by hand; and against the exact diode to 1e-4, as Green says."""
    found = float(losses.green(voc, 298.15, ideality))
    assert 100.0 * found == pytest.approx(percent, abs=0.01)
    assert found == pytest.approx(losses.diode(voc, 298.15, ideality), abs=1e-4)


def test_the_exact_diode_is_the_largest_power_of_its_curve() -> None:
    for voc, ideality in ((1.2, 1.0), (0.3, 1.8), (0.05, 2.0)):
        scale = ideality * losses.thermal_voltage(300.0)
        voltage = np.linspace(0.0, voc, 200_001)
        power = voltage * -np.expm1((voltage - voc) / scale) / -np.expm1(-voc / scale)
        assert losses.diode(voc, 300.0, ideality) == pytest.approx(power.max() / voc, abs=1e-9)
    assert np.isnan(float(losses.green(0.1, 300.0)))
    assert np.isnan(losses.diode(-0.1, 300.0))


def test_a_split_adds_up_and_refuses_percent() -> None:
    found = losses.split(losses.FillFactors(0.91, 0.87, 0.80, 0.85))
    assert found.nonradiative + found.series + found.layers == pytest.approx(0.11)
    assert found.transport == pytest.approx(found.series + found.layers)
    assert np.isnan(losses.split(losses.FillFactors(0.91, 0.87, 0.80)).series)
    with pytest.raises(InputError, match="fill factor of 82"):
        losses.split(losses.FillFactors(0.91, 0.87, 82.0))


def test_a_leak_alone_has_a_quarter_with_and_without_a_resistance() -> None:
    """A resistor's curve is a line: 25 %, whatever is in series with it."""
    suns = np.linspace(1e-3, 1.5, 400)
    for drop in (0.0, 0.1):
        assert losses.pseudo_top(suns, 0.8 * suns, 0.8, drop).ff == pytest.approx(0.25, abs=1e-4)


def test_arrays_give_all_fill_factors() -> None:
    suns = np.geomspace(1e-3, 2.0, 80)
    found = losses.of_lights(
        suns, made.voltage(suns, N, VOC), voc=VOC, actual=0.8, temperature=298.15, resistance_drop=0.06,
        radiative_voc=1.3,
    )  # fmt: skip
    assert found.radiative == pytest.approx(losses.diode(1.3, 298.15), abs=1e-4)
    assert found.pseudo == pytest.approx(losses.diode(VOC, 298.15, N), abs=1e-6)
    lost = losses.split(found)
    # FF0 (1 - 1.1 r) + r^2 / 5.4 with r the drop over Voc (Green's formula for a series resistance)
    share = 0.06 / VOC
    assert lost.series == pytest.approx(1.1 * share * found.pseudo - share**2 / 5.4, abs=1e-3)
    assert lost.nonradiative + lost.transport == pytest.approx(found.radiative - 0.8)
    assert (
        losses.of_lights(suns, made.voltage(suns), voc=VOC, actual=0.8, temperature=298.15).resistive is None
    )


def test_a_series_resistance_takes_what_a_curve_with_it_loses() -> None:
    """The pseudo curve less J Rs, against the largest power of the diode with that resistance."""
    suns = np.geomspace(1e-3, 2.0, 80)
    drop = 0.06
    found = losses.pseudo_top(suns, made.voltage(suns, N, VOC), VOC, drop).ff
    share = np.linspace(0.0, 1.0, 400_001)[1:-1]
    power = (made.voltage(1.0 - share, N, VOC) - drop * share) * share
    assert found == pytest.approx(power.max() / VOC, abs=2e-6)


# --- arrays from anywhere ---------------------------------------------------------------------------------------------


def test_a_diode_gives_its_ideality_and_fill_factor() -> None:
    found = suns_voc.analyse(made.dataset(0.0))
    assert float(found["voc"]) == pytest.approx(VOC, abs=1e-4)
    assert float(found["ideality"]) == pytest.approx(N, abs=1e-6)
    assert float(found["pseudo_ff"]) == pytest.approx(losses.diode(VOC, 298.15, N), abs=1e-5)
    assert float(found["fitted_ff"]) == pytest.approx(losses.diode(VOC, 298.15, N), abs=1e-4)
    for name in ("ideality, 0.01 to 0.1 sun", "ideality, 0.001 to 0.01 sun", "ideality, 1 to 2 sun"):
        assert float(found[name]) == pytest.approx(N, abs=1e-4)
        assert "leak" not in found[name].method
    assert float(found["ff_transport_loss"]) == pytest.approx(float(found["pseudo_ff"]) - 0.83, abs=1e-12)
    assert "definition" in found["ff_transport_loss"].method
    assert "0.1 to 1 of the light" in found["fitted_ff"].method
    # without a radiative limit the cell's own voltage stands for it, and that is said
    assert "own Voc" in found["radiative_ff"].method
    assert float(found["radiative_ff"]) == pytest.approx(float(losses.green(VOC, 298.15)), abs=1e-5)


def test_intervals_hold_the_truth_in_two_cases_of_three() -> None:
    right = {
        "voc": VOC, "ideality": N, "pseudo_ff": losses.diode(VOC, 298.15, N), "ideality, 0.01 to 0.1 sun": N,
        "fitted_ff": losses.diode(VOC, 298.15, N),
    }  # fmt: skip
    held = dict.fromkeys(right, 0)
    for seed in range(SEEDS):
        found = suns_voc.analyse(made.dataset(1e-3, seed, 25))
        for name, truth in right.items():
            one = found[name]
            assert one.uncertainty is not None
            held[name] += abs(one.value - truth) <= one.uncertainty
    assert all(0.58 <= count / SEEDS <= 0.78 for count in held.values()), held


def _shunted(shunt: float) -> xr.Dataset:
    """A diode of 200 A m^-2 with a shunt (ohm m^2): at each voltage the light that makes it the open-circuit one."""
    scale = N * losses.thermal_voltage(298.15)
    voltage = np.linspace(0.15, 1.25, 160)
    current = 200.0 * np.expm1(voltage / scale) / np.expm1(VOC / scale) + voltage / shunt
    return xr.Dataset({"voltage": ("point", voltage)}, {"intensity": ("point", current / 200.0)},
                      {"temperature": 298.15})  # fmt: skip


def test_a_shunt_is_told_from_an_ideality() -> None:
    found = suns_voc.analyse(_shunted(0.5))
    low = found["ideality, 0.001 to 0.01 sun"]
    assert low.value > 3.0 and "no ideality: a shunt" in low.method
    assert "shunt" not in suns_voc.analyse(_shunted(1e9))["ideality, 0.001 to 0.01 sun"].method


def test_the_light_is_told_by_the_current_where_that_is_known() -> None:
    """Filters halve the blue: the dial says 0.5 where the cell makes 0.4 of its current."""
    suns = np.geomspace(1e-3, 2.0, 60)
    dataset = xr.Dataset(
        {
            "voltage": ("point", made.voltage(suns)),
            "current_density": ("point", 20.0 * suns, {"units": "mA/cm^2"}),
            "intensity": ("point", suns * np.where(suns < 0.9, 1.25, 1.0)),
        },
        attrs={"jsc": 200.0, "temperature": 298.15},
    )
    found = suns_voc.analyse(dataset)
    assert float(found["ideality"]) == pytest.approx(N, abs=1e-4)
    assert float(found["jsc_nonlinearity"]) == pytest.approx(0.2, abs=1e-6)
    assert "proportional" in found["jsc_nonlinearity"].method and "Jsc" in found["voc"].method
    # either sign of the current
    turned = dataset.assign(current_density=-dataset["current_density"].assign_attrs(units="mA/cm^2"))
    turned["current_density"].attrs["units"] = "mA/cm^2"
    assert float(suns_voc.analyse(turned)["ideality"]) == pytest.approx(N, abs=1e-4)
    # the same with nothing but the dial is off
    dial = dataset.drop_vars("current_density")
    assert abs(float(suns_voc.analyse(dial)["ideality"]) - N) > 0.01


def test_without_the_current_of_one_sun_the_brightest_stands_for_it() -> None:
    suns = np.geomspace(1e-3, 1.0, 40)
    dataset = xr.Dataset(
        {"voltage": ("point", made.voltage(suns)), "current_density": ("point", 123.0 * suns)},
        attrs={"temperature": 298.15},
    )
    found = suns_voc.analyse(dataset)
    assert float(found["ideality"]) == pytest.approx(N, abs=1e-5)
    assert float(found["voc"]) == pytest.approx(VOC, abs=1e-4)
    assert "parts of the brightest" in found["voc"].method and "jsc" not in found


def test_a_real_temperature_series_ends_at_its_gap() -> None:
    """Eleven lights from 123 K to room temperature, each temperature a kelvin wide: a CIGS cell, 1.0 to 1.3 eV."""
    file = FILES.with_name("instrument_files") / "jsc_voc_temperature.txt"
    if not file.is_file():
        pytest.skip("the instrument files are not here")
    rows = [line.split("\t") for line in file.read_text(encoding="latin-1").splitlines()[5:] if line.strip()]
    voltage, current, temperature = np.array(rows, float).T
    dataset = xr.Dataset(
        {"voltage": ("point", voltage), "current_density": ("point", current, {"units": "mA/cm^2"}),
         "temperature": ("point", temperature)}
    )  # fmt: skip
    found = suns_voc.analyse(dataset)
    levels = [name for name in found if name.startswith("voc, ")]
    assert len(levels) == round(len(rows) / 11)
    assert found["activation_energy"].uncertainty is not None
    assert 0.95 < float(found["activation_energy"]) < 1.35
    assert 0.9 < float(found["ideality"]) < 2.5


def test_units_of_temperature_are_obeyed() -> None:
    """Three temperatures in degrees Celsius: Voc = EA - slope T gives its energy back."""
    rows = []
    suns = np.geomspace(1e-2, 1.5, 25)
    for celsius in (0.0, 25.0, 50.0):
        kelvin = celsius + 273.15
        scale = losses.thermal_voltage(kelvin)
        rows.append((1.6 - 1e-3 * kelvin + 1.5 * scale * np.log(suns), np.full(25, celsius)))
    dataset = xr.Dataset(
        {"voltage": ("point", np.concatenate([v for v, _ in rows]))},
        {
            "intensity": ("point", np.tile(suns, 3)),
            "temperature": ("point", np.concatenate([t for _, t in rows]), {"units": "degC"}),
        },
    )
    found = suns_voc.analyse(dataset)
    assert float(found["activation_energy"]) == pytest.approx(1.6, abs=1e-4)
    assert float(found["ideality"]) == pytest.approx(1.5, abs=1e-4)
    assert float(found["voc"]) == pytest.approx(1.6 - 0.29815, abs=1e-4)
    assert {"voc, 273.15 K", "ideality, 323.15 K"} <= set(found)


def test_a_sweep_that_ends_below_its_own_light_says_so() -> None:
    cut = made.dataset(0.0)
    cut = cut.isel(point=cut["intensity"].values < 0.8)
    found = suns_voc.analyse(cut)
    assert float(found["voc"]) == pytest.approx(VOC, abs=1e-3)
    assert "extrapolated" in found["pseudo_ff"].method
    half = cut.isel(point=cut["intensity"].values < 0.3)
    assert np.isnan(float(suns_voc.analyse(half)["voc"]))


def test_what_is_missing_is_named() -> None:
    voltages = xr.Dataset({"voltage": ("point", np.linspace(0.5, 1.2, 20))})
    with pytest.raises(InputError, match="without a light"):
        suns_voc.analyse(voltages)
    with pytest.raises(InputError, match="above zero"):
        suns_voc.analyse(voltages.assign(current_density=("point", np.zeros(20))))
    with pytest.raises(InputError, match="voltage"):
        suns_voc.analyse(xr.Dataset({"intensity": ("point", np.ones(3))}))


# --- a real pair: the same cell by its light and by its curve ---------------------------------------------------------


def _rows(name: str) -> np.ndarray:
    file = FILES / name
    if not file.is_file():
        pytest.skip("the instrument files are not here")
    body = file.read_text(encoding="cp1252").split("**Data**")[1].strip().splitlines()
    return np.array([line.split("\t") for line in body], float)


def test_a_real_pair_loses_in_transport_what_its_own_software_says() -> None:
    """pFF 80.11 % and FF 78.8 %, and the resistance of 0.279 ohm cm2 that its file names."""
    area = 3.97e-4
    light, pairs = _rows("jv_loana_light.lgt"), _rows("isc_voc_loana.jv")
    curve = xr.Dataset({"current_density": ("voltage", light[:, 1] / area)}, {"voltage": light[:, 0]})
    dataset = xr.Dataset(
        {"voltage": ("point", pairs[:, 0]), "current_density": ("point", pairs[:, 1] / area)},
        attrs={"jsc": 0.15825 / area, "temperature": 298.15},
    )
    found = suns_voc.analyse(dataset, curve)
    pseudo = found["pseudo_ff"]
    assert pseudo.uncertainty is not None and pseudo.uncertainty < 5e-4
    assert 100.0 * pseudo.value == pytest.approx(80.11, abs=0.02)
    assert 100.0 * float(found["ff"]) == pytest.approx(78.80, abs=0.01)
    assert 100.0 * float(found["ff_transport_loss"]) == pytest.approx(1.31, abs=0.03)
    assert found["transport_resistance"].to("ohm cm^2").value == pytest.approx(0.279, abs=0.003)
    assert float(found["voc"]) == pytest.approx(0.7038, abs=5e-4)
    # between 0.63 and 0.705 V
    assert float(suns_voc.analyse(dataset, curve, region=(0.12, 1.1))["ideality"]) == pytest.approx(
        1.32, abs=0.01
    )
    # and what is none: 3.7 between 0.5 and 0.6 V
    assert "leak" in found["ideality, 0.01 to 0.1 sun"].method
    # of the two ways one defines the loss, and the other stands beside it
    assert float(found["ff_transport_loss, fitted"]) > float(found["ff_transport_loss"]) + 0.005


# --- cells ------------------------------------------------------------------------------------------------------------


@lru_cache
def _measured(name: str) -> xr.Dataset:
    return suns_voc.measure(written.made(name))


def _without_resistance(name: str, mobility: str = "") -> pt.Stack:
    cell = written.made(name)
    values = {"circuit.series_resistance": "0 ohm cm^2"}
    if mobility:
        for layer in cell.electrical_layers:
            for carrier in ("electron", "hole"):
                values[f"{layer.name}.electronic.{carrier}_mobility"] = mobility
    return cell.with_values(values)


@pytest.mark.parametrize("name", ["wbg-target", "wbg-control", "cell-a"])
def test_without_resistance_and_with_fast_carriers_both_fill_factors_are_one(name: str) -> None:
    """Rs = 0 and 1e3 cm2/Vs everywhere: to 0.03 points."""
    cell = _without_resistance(name, "1e3 cm^2/(V s)")
    found = suns_voc.analyse(suns_voc.measure(cell))
    assert 100.0 * abs(float(found["ff_transport_loss"])) < 0.03
    assert float(found["ff"]) == pytest.approx(float(jv.analyse(jv.measure(cell))["ff"]), abs=1e-7)


@pytest.mark.parametrize(("name", "points"), [("wbg-target", 2.9), ("wbg-control", 7.0)])
def test_what_the_layers_take_is_what_is_lost_without_resistance(name: str, points: float) -> None:
    """The pseudo curve with the resistance, against the cell solved without it."""
    found = suns_voc.analyse(_measured(name))
    alone = suns_voc.analyse(suns_voc.measure(_without_resistance(name)))
    assert 100.0 * float(alone["ff_transport_loss"]) == pytest.approx(points, abs=0.05)
    assert float(alone["ff_series_loss"]) == 0.0
    assert float(found["pseudo_ff"]) == pytest.approx(float(alone["pseudo_ff"]), abs=1e-6)
    # losses are not quite additive: the resistance takes a little less where the layers have taken something
    assert float(found["ff_layer_loss"]) == pytest.approx(float(alone["ff_transport_loss"]), abs=5e-3)
    assert float(found["ff_series_loss"]) + float(found["ff_layer_loss"]) == pytest.approx(
        float(found["ff_transport_loss"]), abs=1e-12
    )


def test_open_circuit_is_that_of_the_curve() -> None:
    measured = _measured("wbg-target")
    found, curve = suns_voc.analyse(measured), jv.analyse(jv.measure(written.made("wbg-target")))
    assert float(found["voc"]) == pytest.approx(float(curve["voc"]), abs=1e-6)
    assert float(found["jsc"]) == pytest.approx(float(curve["jsc"]), rel=1e-6)
    checks = checks_of(measured)
    assert all(check.passed for check in checks.values())
    assert found["voc"].uncertainty == abs(checks["Voc on a mesh twice as fine, V"].value)
    # dimmer light by another way: a curve under a hundredth of a sun
    dim = written.made("wbg-target").with_light(intensity="0.01 sun")
    place = int(np.argmin(np.abs(measured["intensity"].values - 0.01)))
    there = jv.analyse(jv.measure(dim))
    assert float(measured["voltage"][place]) == pytest.approx(float(there["voc"]), abs=2e-5)
    assert float(measured["current_density"][place]) == pytest.approx(float(there["jsc"]), rel=1e-5)


def test_a_finer_sweep_reads_the_same() -> None:
    coarse, fine = (
        suns_voc.analyse(
            suns_voc.measure(written.made("wbg-target"), suns_voc.Protocol(per_decade=n, dimmest="0.01 sun"))
        )
        for n in (10, 40)
    )  # fmt: skip
    assert coarse["pseudo_ff"].uncertainty is not None
    off = abs(float(coarse["pseudo_ff"]) - float(fine["pseudo_ff"]))
    assert off < 2.0 * coarse["pseudo_ff"].uncertainty + 1e-7 and off < 5e-5


def test_a_tandem_has_the_idealities_of_both() -> None:
    measured = _measured("tandem-target")
    found = suns_voc.analyse(measured)
    assert measured.attrs["junctions"] == 2 and "ideality 2" in found["radiative_ff"].method
    assert 2.0 < float(found["ideality"]) < 4.0
    assert 0.85 < float(found["pseudo_ff"]) < float(found["radiative_ff"]) < 0.92


def test_the_radiative_limit_is_that_of_the_optics() -> None:
    """A cell that loses nothing but light has its pseudo curve at the limit."""
    measured = _measured("wbg-target")
    limit = measured.attrs["voc_radiative"]
    assert 1.40 < limit < 1.5043
    assert "limit" in suns_voc.analyse(measured)["radiative_ff"].method
    assert "voc_radiative" not in _measured("cell-a").attrs


def test_ions_that_are_held_are_another_measurement() -> None:
    cell = written.made("wbg-control")
    settled = _measured("wbg-control")
    held = suns_voc.measure(cell, suns_voc.Protocol(settle=False))
    assert any("are held" in note for note in notes_of(held))
    assert any("settle under each light" in note for note in notes_of(settled))
    own = int(np.argmin(np.abs(settled["intensity"].values - 1.0)))
    assert float(held["voltage"][own]) == pytest.approx(float(settled["voltage"][own]), abs=1e-6)
    assert not np.allclose(held["voltage"], settled["voltage"], atol=1e-5)


def test_a_temperature_axis() -> None:
    protocol = suns_voc.Protocol(per_decade=4, dimmest="0.02 sun", temperatures=("280 K", "320 K"))
    measured = suns_voc.measure(written.made("cell-a"), protocol)
    assert set(np.unique(measured["temperature"])) == {280.0, 300.0, 320.0}
    found = suns_voc.analyse(measured)
    assert float(found["voc, 280 K"]) > float(found["voc, 300 K"]) > float(found["voc, 320 K"])
    # recombination in the bulk: near the bandgap of cell A, 1.6 eV
    assert 1.4 < float(found["activation_energy"]) < 1.8


def test_refusals() -> None:
    cell = written.made("cell-a")
    with pytest.raises(InputError, match="in the dark"):
        suns_voc.measure(cell.with_light(intensity="dark"))
    with pytest.raises(InputError, match="a tenth"):
        suns_voc.measure(cell, suns_voc.Protocol(dimmest="0.5 sun"))
    with pytest.raises(InputError, match="decade"):
        suns_voc.Protocol(per_decade=1)


def test_lights_hold_the_cells_own() -> None:
    for own in (1.0, 0.1, 3.0):
        suns = suns_voc.Protocol().suns(own)
        assert suns[0] == pytest.approx(2.0 * own) and suns[-1] == pytest.approx(1e-3 * own)
        assert np.abs(suns / own - 1.0).min() < 1e-12
        assert (np.diff(suns) < 0.0).all()
