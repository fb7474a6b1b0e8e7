"""Space-charge-limited currents: what counts traps, and what only looks as if it did."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import measured_sclc as made
import perotwin as pt
from perotwin.errors import InputError
from perotwin.lab import sclc, space_charge
from perotwin.measurement import checks_of, notes_of, validate
from perotwin.plotting import style
from perotwin.stack import Stack

SEEDS = 200
LEAST, MOST = 0.58 * SEEDS, 0.78 * SEEDS


# --- formulas --------------------------------------------------------------------------------------------------------


def test_the_square_law_and_the_limit_of_the_literature() -> None:
    # 1 cm^2/(V s), 400 nm, 25, 1 V: 38.9 A/cm^2
    assert space_charge.mott_gurney(np.array([1.0]), 1e-4, 25.0, 400e-9)[0] == pytest.approx(38.9e4, rel=1e-3)
    assert space_charge.trap_filled_voltage(5e22, 25.0, 400e-9) == pytest.approx(2.895, abs=1e-3)
    # the paper's two densities
    assert space_charge.trap_filled_voltage(1.01e22, 25.0, 400e-9) == pytest.approx(0.585, abs=1e-3)
    assert space_charge.trap_filled_voltage(7.99e21, 25.0, 400e-9) == pytest.approx(0.463, abs=1e-3)
    assert space_charge.trap_density(2.895, 25.0, 400e-9) == pytest.approx(5e22, rel=1e-3)
    assert space_charge.diffused_charge(298.15, 25.0, 400e-9) == pytest.approx(1.5e21, rel=2e-3)


def test_a_square_law_gives_its_mobility() -> None:
    voltage = np.geomspace(0.1, 10.0, 60)
    found = sclc.analyse(made.of(voltage, made.square_law(voltage)))
    assert found["space_charge_mobility"].value == pytest.approx(made.MOBILITY, rel=1e-9)
    # a voltage that is built in shifts the root and changes nothing else
    shifted = sclc.analyse(made.of(voltage[30:], made.square_law(voltage[30:] - 0.3)))
    assert shifted["space_charge_mobility"].value == pytest.approx(made.MOBILITY, rel=1e-9)
    assert "no trap density" in found["counted_traps"].method and np.isnan(found["counted_traps"].value)


def test_a_known_limit_is_read_and_the_other_readings_are_named() -> None:
    found = sclc.analyse(made.dataset())
    assert found["trap_filled_voltage"].value == pytest.approx(made.limit(5e22), rel=0.01)
    assert found["counted_traps"].value == pytest.approx(5e22, rel=0.01)
    assert found["counted_traps"].uncertainty == pytest.approx(0.2 * 5e22, rel=0.02)
    assert found["space_charge_mobility"].value == pytest.approx(made.MOBILITY, rel=1e-3)
    assert found["trap_filled_steepest"].value < 0.6 * found["trap_filled_voltage"].value
    assert found["trap_filled_tangents"].value < found["trap_filled_steepest"].value
    assert "steepest point" in found["trap_filled_steepest"].method
    assert "ohmic line" in found["trap_filled_tangents"].method


def test_intervals_hold_what_went_in() -> None:
    """200 curves with 3 % of noise: mobility against the truth, the limit against what the curve itself reads."""
    voltage, current = made.curve()
    exact = float(sclc.analyse(made.of(voltage, current))["trap_filled_voltage"])
    inside = near = 0
    for seed in range(SEEDS):
        noisy = current * (1.0 + 0.03 * np.random.default_rng(seed).standard_normal(current.size))
        dataset = made.of(voltage, noisy)
        one = space_charge.read(voltage, noisy, made.PERMITTIVITY, made.THICKNESS, 298.15)
        assert one is not None and dataset.sizes["voltage"] == 2 * voltage.size
        mobility = space_charge.mobility(one.square, made.PERMITTIVITY, made.THICKNESS)
        inside += abs(mobility - made.MOBILITY) < 2.0 * mobility * one.square_error / one.square
        near += abs(one.crossing / exact - 1.0) < 0.02
    assert LEAST <= inside <= MOST
    assert near == SEEDS


# --- conditions ------------------------------------------------------------------------------------------------------


def why(dataset: xr.Dataset) -> str:
    found = sclc.analyse(dataset)["counted_traps"]
    assert np.isnan(found.value) and found.uncertainty is None
    assert found.method.startswith("no trap density: ")
    return found.method


@pytest.mark.parametrize("density", [1.01e22, 7.99e21])
def test_the_papers_densities_lie_within_a_decade_of_what_contacts_bring(density: float) -> None:
    dataset = made.of(*made.curve(density))
    found = sclc.analyse(dataset)
    assert found["apparent_traps"].value == pytest.approx(density, rel=0.03)
    assert "within a decade" in why(dataset)


def test_each_condition_is_looked_at() -> None:
    voltage, current = made.curve()
    known = {
        "temperature": 298.15,
        "ion_density": 0.0,
        "ions": "held",
        "built_in_voltage": 0.0,
        "doping": 0.0,
    }
    good = sclc.analyse(made.of(voltage, current, **known))["counted_traps"]
    assert np.isfinite(good.value) and "not known" in good.method and "thickness_scaling" in good.method
    assert "built in between" in why(made.of(voltage, current, **(known | {"built_in_voltage": 1.2})))
    assert "is doped" in why(made.of(voltage, current, **(known | {"doping": -4e22})))
    moving = known | {"ion_density": 2e22, "ions": "moving"}
    assert "mobile ions" in why(made.of(voltage, current, **moving))
    held = sclc.analyse(made.of(voltage, current, **(moving | {"ions": "held"})))["counted_traps"]
    assert np.isfinite(held.value) and "ions that are held" in held.method
    # a square law that the curve does not reach, and contacts that limit it
    early = voltage < 2.5
    assert "no square law" in why(made.of(voltage[early], current[early], **known))
    limited = 1.0 / (1.0 / current + 1.0 / (2e5 * voltage))
    assert "contacts or leads" in why(made.of(voltage, limited, **known))
    # a diode
    diode = np.minimum(1e-2 * np.expm1(np.minimum(voltage / 0.0257 / 1.2, 100.0)), made.square_law(voltage))
    assert "diode" in why(made.of(voltage, np.maximum(diode, 1e-3 * voltage), **known))
    # thickness or permittivity unknown
    bare = made.of(voltage, current, **known)
    del bare.attrs["thickness"]
    assert "not stated" in why(bare)


def test_polarities_and_directions_have_to_agree() -> None:
    voltage, current = made.curve()
    dataset = made.of(voltage, current)
    uneven = dataset.assign(
        current_density=("voltage", np.concatenate([made.curve(2e22)[1][::-1], -current]))
    )
    assert "contacts that differ" in why(uneven)
    # up and down again with ions in between
    there_and_back = xr.Dataset(
        {"current_density": ("voltage", np.concatenate([current, made.curve(3e22)[1][::-1]]))},
        {"voltage": np.concatenate([voltage, voltage[::-1]])},
        {"thickness": made.THICKNESS, "permittivity": made.PERMITTIVITY},
    )
    assert "ions that follow" in why(there_and_back)
    alike = there_and_back.assign(current_density=("voltage", np.concatenate([current, current[::-1]])))
    found = sclc.analyse(alike)["counted_traps"]
    assert found.value == pytest.approx(5e22, rel=0.01)
    assert "built-in voltage" in found.method and "scan rate" not in found.method


def test_traps_scale_with_the_thickness_and_a_built_in_voltage_does_not() -> None:
    def at(thickness: float, limit: float) -> xr.Dataset:
        voltage = np.geomspace(0.02, 20.0 * limit, 150)
        square = 9.0 / 8.0 * made.EPS0 * made.PERMITTIVITY * made.MOBILITY * voltage**2 / thickness**3
        current = square / (1.0 + (limit / voltage) ** 10) + 1e-2 * voltage
        return made.of(voltage, current).assign_attrs(thickness=thickness)

    sizes = (300e-9, 500e-9, 800e-9)
    traps = sclc.thickness_scaling([at(d, made.limit(5e22) * (d / 400e-9) ** 2) for d in sizes])
    assert traps["thickness_exponent"].value == pytest.approx(2.0, abs=0.05)
    assert traps["thickness_exponent"].method.endswith("; traps")
    same = sclc.thickness_scaling([at(d, 2.0) for d in sizes])
    assert same["thickness_exponent"].value == pytest.approx(0.0, abs=0.05)
    assert "built-in" in same["thickness_exponent"].method
    with pytest.raises(InputError, match="two thicknesses"):
        sclc.thickness_scaling([at(300e-9, 2.0)])


def test_units_are_obeyed_and_too_few_points_refused() -> None:
    voltage, current = made.curve()
    dataset = xr.Dataset(
        {"current_density": ("voltage", 0.1 * current, {"units": "mA/cm^2"})},
        {"voltage": ("voltage", 1e3 * voltage, {"units": "mV"})},
        {"thickness": made.THICKNESS, "permittivity": made.PERMITTIVITY},
    )
    assert sclc.analyse(dataset)["counted_traps"].value == pytest.approx(5e22, rel=0.01)
    with pytest.raises(InputError, match="fewer than ten points"):
        sclc.analyse(made.of(voltage[:8], current[:8]))


def test_a_figure_shows_readings(tmp_path: Path) -> None:
    figure = sclc.plot([made.dataset(), made.of(*made.curve(0.0), stack="free")])
    assert [one.get_xlabel() for one in figure.axes] == ["Voltage $V$ (V)"] * 2
    style.save(figure, tmp_path / "currents")


# --- devices ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cell() -> Stack:
    loaded = pt.load("wbg-target")
    assert isinstance(loaded, Stack)
    return loaded.with_values(
        {"perovskite.electronic.permittivity": 25, "perovskite.ions.density": "1e13 cm^-3"}
    )


def measured(cell: Stack, **told: Any) -> xr.Dataset:
    return sclc.measure(
        cell, sclc.Protocol(**({"barrier": "0 eV", "thickness": "400 nm", "stop": "15 V"} | told))
    )


@pytest.mark.parametrize("carrier", ["electrons", "holes"])
def test_dense_deep_traps_are_counted(cell: Stack, carrier: str) -> None:
    """5e16 cm^-3, 0.6 eV deep, 400 nm: within 20 % by the crossing; other readings are off by 2 to 4 and more."""
    dataset = measured(cell, trap_density="5e16 cm^-3", carrier=carrier)
    assert validate(dataset, sclc.INSTRUMENT) is dataset
    assert all(one.passed for one in checks_of(dataset).values())
    found = sclc.analyse(dataset)
    assert found["counted_traps"].value == pytest.approx(5e22, rel=0.2)
    assert abs(found["counted_traps"].value - 5e22) < 1.05 * found["counted_traps"].uncertainty
    assert found["space_charge_mobility"].value == pytest.approx(1e-4, rel=0.02)
    limit = space_charge.trap_filled_voltage(5e22, 25.0, 400e-9)
    assert 2.0 < limit / found["trap_filled_steepest"].value < 4.0
    assert limit / found["trap_filled_tangents"].value > 2.0
    assert dataset.attrs["built_in_voltage"] == pytest.approx(0.0, abs=1e-12)
    # the same forwards and backwards
    current = dataset["current_density"].values
    np.testing.assert_allclose(current, -current[::-1], rtol=1e-4)


def test_a_film_without_traps_has_no_trap_density(cell: Stack) -> None:
    dataset = measured(cell, trap_density="0 cm^-3")
    assert "nowhere steeper" in why(dataset)
    assert sclc.analyse(dataset)["space_charge_mobility"].value == pytest.approx(1e-4, rel=0.02)
    assert any("no trap density" in note for note in notes_of(dataset))


def test_contacts_apart_are_no_traps(cell: Stack) -> None:
    """Contacts 0.6 eV apart: a naive reading finds the paper's own size, 7e15 cm^-3."""
    dataset = measured(cell, trap_density="0 cm^-3", built_in="0.6 V")
    words = why(dataset)
    assert all(
        part in words for part in ("within a decade", "diode", "built in between", "contacts that differ")
    )
    one = sclc.branches(dataset)["positive"]
    naive = space_charge.trap_density(one.steepest, 25.0, 400e-9)
    assert 4e21 < naive < 1.2e22
    # the forward branch alone, of which nothing else is known, as in a file
    forward = dataset.where(dataset["voltage"] > 0.0, drop=True)
    for name in ("built_in_voltage", "ion_density", "ions"):
        del forward.attrs[name]
    assert "diode" in why(forward) and "within a decade" in why(forward)


def test_more_volts_apart_are_found_by_their_diode(cell: Stack) -> None:
    dataset = measured(cell, trap_density="0 cm^-3", built_in="1.0 V")
    forward = dataset.where(dataset["voltage"] > 0.0, drop=True)
    del forward.attrs["built_in_voltage"]
    assert sclc.analyse(forward)["apparent_traps"].value > 1.5e22 and "diode" in why(forward)


def test_contacts_that_limit_the_current_are_found(cell: Stack) -> None:
    assert "contacts or leads" in why(measured(cell, trap_density="5e16 cm^-3", barrier="0.3 eV"))


def test_ions_that_follow_screen_the_traps(cell: Stack) -> None:
    ionic = cell.with_values({"perovskite.ions.density": "2e16 cm^-3"})
    held, moving = (measured(ionic, trap_density="5e16 cm^-3", ions=ions) for ions in ("held", "moving"))
    assert "mobile ions settle" in why(moving)
    read = [float(sclc.analyse(one)["trap_filled_voltage"]) for one in (held, moving)]
    assert read[1] < 0.9 * read[0]
    assert np.isfinite(sclc.analyse(held)["counted_traps"].value)


def test_devices_of_the_papers_cells_count_no_traps() -> None:
    """The cell's own layers on both sides: the traps of its recipe are too few and too shallow to be seen."""
    for name in ("wbg-target", "wbg-control"):
        dataset = sclc.measure(pt.load(name))
        assert "no trap density" in why(dataset)
        assert any("c60" in note for note in notes_of(dataset))


def test_dopants_are_no_traps(cell: Stack) -> None:
    """Acceptors hold electrons back as filled traps do: the same voltage, and no trap density."""
    doped = cell.with_values({"perovskite.electronic.acceptor_density": "5e16 cm^-3"})
    dataset = measured(doped, trap_density="0 cm^-3")
    assert sclc.analyse(dataset)["apparent_traps"].value == pytest.approx(5e22, rel=0.25)
    assert "is doped" in why(dataset)


def test_what_makes_no_device_is_refused(cell: Stack) -> None:
    with pytest.raises(InputError, match="built-in voltage is stated"):
        sclc.Protocol(built_in="0.6 V")
    with pytest.raises(InputError, match="no law of the voltage"):
        sclc.Protocol(stop="20 mV")
    with pytest.raises(InputError, match="beyond the gap"):
        measured(cell, barrier="1 eV", built_in="1 V")
