"""Transient photovoltage and photocurrent: what they read, and that it is what the cell's equations say."""

from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy.constants import elementary_charge as Q
from scipy.constants import epsilon_0

import perotwin as pt
import synthetic
import written
from devices import VT, layer, selective
from devices import cell as electrical
from perotwin.errors import InputError
from perotwin.lab import jv, pulses, tpc, tpv
from perotwin.measurement import checks_of, validate
from perotwin.stack import Stack
from perotwin.transport.build import build
from perotwin.transport.small_signal import Linearised
from perotwin.transport.steady import Solver

CELLS = ("wbg-control", "wbg-target")


@pytest.fixture(scope="module")
def voltages() -> dict[str, xr.Dataset]:
    return {name: tpv.measure(pt.load(name)) for name in CELLS}


@pytest.fixture(scope="module")
def currents() -> dict[str, xr.Dataset]:
    return {name: tpc.measure(pt.load(name)) for name in CELLS}


# --- analysis of what is known ---------------------------------------------------------------------------------------


def test_an_exponential_gives_its_time_constant() -> None:
    found = tpv.analyse(synthetic.tpv(lifetime=3e-7))
    assert found["lifetime"].value == pytest.approx(3e-7, rel=1e-9)
    assert found["lifetime"].uncertainty == pytest.approx(0.0, abs=1e-13)
    assert found["photovoltage"].value == pytest.approx(4e-3)
    assert found["voc"].value == pytest.approx(1.2)
    found = tpc.analyse(synthetic.tpc(constant=1e-7))
    assert found["decay_time"].value == pytest.approx(1e-7, rel=1e-9)
    assert found["extraction_time"].value == pytest.approx(1e-7, rel=1e-3)
    assert found["photocurrent"].value == pytest.approx(10.0, rel=1e-4)
    assert found["collected"].value == pytest.approx(1.0, rel=1e-3)
    assert found["extracted_charge"].value == pytest.approx(1e-5, rel=1e-3)


def test_a_decay_of_two_kinds_is_read_from_its_end() -> None:
    data = synthetic.tpv(lifetime=3e-7)
    time = data["time"].values
    fast = np.where(time > 0, np.exp(-time / 2e-8), 0.0)
    mixed = data.assign(voltage=("time", data["voltage"].values + 4e-3 * fast))
    assert tpv.analyse(mixed)["lifetime"].value == pytest.approx(3e-7, rel=1e-3)
    # and the other way round: what decays downwards is a decay too
    upside = data.assign(voltage=("time", 2.4 - data["voltage"].values))
    assert tpv.analyse(upside)["lifetime"].value == pytest.approx(3e-7, rel=1e-9)
    assert tpv.analyse(upside)["photovoltage"].value == pytest.approx(-4e-3)


def test_noise_widens_the_uncertainty_to_what_it_does() -> None:
    data = synthetic.tpv(lifetime=3e-7)
    rng = np.random.default_rng(1)
    off = []
    for _ in range(60):
        noisy = data.assign(
            voltage=("time", data["voltage"].values + 2e-5 * rng.standard_normal(data["time"].size))
        )
        noisy["voltage"][0] = data["voltage"][0]
        read = tpv.analyse(noisy)["lifetime"]
        assert read.uncertainty is not None
        off.append((read.value - 3e-7) / read.uncertainty)
    assert 0.3 < np.std(off) < 3.0
    assert abs(np.mean(off)) < 1.0


@pytest.mark.parametrize("keep", [0, 1, 3, 20])
def test_what_a_measurement_does_not_hold_is_not_a_number(keep: int) -> None:
    short = synthetic.tpv().isel(time=slice(0, keep)) if keep else synthetic.tpv().isel(time=slice(0, 1))
    assert np.isnan(tpv.analyse(short)["lifetime"].value)
    flat = synthetic.tpc()
    flat = flat.assign(current_density=("time", np.full(flat["time"].size, 3.0)))
    found = tpc.analyse(flat)
    assert np.isnan(found["decay_time"].value)
    assert np.isnan(found["extraction_time"].value)


# --- what is measured ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("light", [1.0, 0.01])
@pytest.mark.parametrize("name", CELLS)
def test_the_lifetime_is_the_slowest_electronic_mode(name: str, light: float) -> None:
    """The eigenvalue of the linearised equations, ions held, to 1 %: another way to the same number."""
    cell = written.made(name).with_light(intensity=light)
    solver = Solver(build(cell).all_moving())
    states = jv.curve(solver, jv.Protocol(step="20 mV"), light)
    point = jv.solved_points(solver, states, light)["open-circuit"].state(0)
    (rate,) = Linearised(solver, point, light, "held").rates(1)
    lifetime = tpv.analyse(tpv.measure(cell))["lifetime"]
    assert abs(rate.imag) < 1e-9 * abs(rate.real)
    assert lifetime.value == pytest.approx(-1.0 / rate.real, rel=0.01)


def recombining(lifetime: float, rate: float) -> Stack:
    """A slab of 3 um whose deep traps see many carriers: at open circuit they live as long as the two lifetimes.

    The contacts' work functions are those of the carriers that the light keeps, so that the bands are flat.
    """
    trap = [{"electron_lifetime": lifetime / 2, "hole_lifetime": lifetime / 2}]
    body = layer("body", 3e-6, gap=1.5, mobility=1.0, trap=trap)
    depth = VT * np.log(1e24 / (rate * lifetime))
    return electrical(
        body, front=selective(5.5 - depth, "holes"), back=selective(4.0 + depth, "electrons"), rate=rate
    )


def test_the_lifetime_of_many_carriers_is_dn_by_dr() -> None:
    """Where the chemical capacitance is far above the geometric one: (tau_n + tau_p), whatever the light."""
    geometric = 10.0 * epsilon_0 / 3e-6
    for rate in (1e28, 5e28):
        # q dQ/d(q V) of electrons and holes that rise together, kT/q each for a factor of e squared
        chemical = Q * rate * 4e-6 * 3e-6 / (2.0 * VT)
        assert chemical > 100.0 * geometric
        found = tpv.analyse(tpv.measure(recombining(4e-6, rate)))
        assert found["lifetime"].value == pytest.approx(4e-6, rel=0.01)


def test_the_size_of_the_pulse_does_not_matter_while_it_is_small() -> None:
    cell = written.stack("wbg-control")
    half = tpv.analyse(tpv.measure(cell, tpv.Protocol(pulse=0.02)))
    short = tpv.analyse(tpv.measure(cell, tpv.Protocol(width="100 ns")))
    full = tpv.analyse(tpv.measure(cell))
    assert half["lifetime"].value == pytest.approx(full["lifetime"].value, rel=0.01)
    assert short["lifetime"].value == pytest.approx(full["lifetime"].value, rel=0.01)
    assert half["photovoltage"].value == pytest.approx(0.2 * full["photovoltage"].value, rel=0.05)
    big = tpv.measure(cell, tpv.Protocol(pulse=20.0))
    assert any("more than kT/q" in note for note in pt.measurement.notes_of(big))


def test_a_duration_is_kept() -> None:
    cell = pt.load("wbg-control")
    for duration in (2e-8, 3e-7, 1e-3):
        made = tpv.measure(cell, tpv.Protocol(duration=f"{duration} s"))
        assert made["time"].values[-1] == pytest.approx(duration, rel=1e-12)
        assert made["time"].values[0] == -1e-6
        assert np.all(np.diff(made["time"].values) > 0)
        assert made.attrs["complete"] == 1
    voltage = made["voltage"].values
    assert abs(voltage[-1] - voltage[0]) < 5e-3 * np.ptp(voltage)


@pytest.mark.parametrize(
    ("name", "light", "load", "time"),
    [
        ("wbg-target", 1.0, "1 ohm cm^2", 110.2e-9),
        ("cell-a", 0.0, "1 ohm cm^2", 29.97e-9),
        ("cell-a", 0.0, "0.1 ohm cm^2", 4.35e-9),
        ("cell-a", 0.0, "0.01 ohm cm^2", 1.073e-9),
        ("mapi-tio2-spiro", 0.0, "0.01 ohm cm^2", 0.821e-9),
    ],
)
def test_how_long_the_light_was_on_does_not_change_how_fast_carriers_leave(
    name: str, light: float, load: str, time: float
) -> None:
    """Values with steps ten times as fine and read at five times as many moments agree to 0.5 %."""
    cell = written.made(name).with_light(intensity=light)
    for width in ("1 us", "100 us", "1 ms"):
        made = tpc.measure(cell, tpc.Protocol(width=width, load=load))
        found = tpc.analyse(made)
        assert found["extraction_time"].value == pytest.approx(time, rel=5e-3)
        assert found["collected"].value == pytest.approx(1.0, abs=0.012)
        assert all(check.passed for check in checks_of(made).values())


def test_how_long_the_light_was_on_does_not_change_a_lifetime() -> None:
    """0.286 us from the eigenvalue of the linearised equations; after a millisecond ions have begun to follow."""
    for width, bound in (("1 us", 2e-3), ("100 us", 2e-3), ("1 ms", 0.01)):
        found = tpv.analyse(tpv.measure(written.made("wbg-control"), tpv.Protocol(width=width)))
        assert found["lifetime"].value == pytest.approx(0.2862e-6, rel=bound)


@pytest.mark.parametrize("light", [1.0, 0.1])
def test_a_pulse_that_ends_before_carriers_have_parted_shows_the_same_lifetime(light: float) -> None:
    # after 1 ns in the dark middle of cell-a the voltage has fallen, and rises only as its carriers reach the contacts
    cell = pt.load("cell-a").with_light(intensity=light)
    brief, usual = (tpv.measure(cell, tpv.Protocol(width=width)) for width in (1e-9, 1e-6))
    time, signal = pulses.change(brief, "voltage")
    assert signal[time >= 0.0][0] < 0.0 < signal[time > 1e-6][0]
    expected = tpv.analyse(usual)["lifetime"].value
    assert tpv.analyse(brief)["lifetime"].value == pytest.approx(expected, rel=2e-3)
    assert tpv.analyse(brief)["photovoltage"].value > 0.0


def test_the_moments_at_which_a_decay_was_read_do_not_matter() -> None:
    """Of a decay of two kinds too, whose slope is not the same all along its window."""
    dense = np.geomspace(1e-11, 1e-5, 4000)
    sparse = np.geomspace(1e-10, 1e-5, 150)
    even = np.linspace(0.0, 1e-5, 4000)[1:]
    read = []
    for after in (dense, sparse, even):
        time = np.concatenate([[-1e-6, 0.0], after])
        decay = 0.5 * np.exp(-after / 1e-7) + 0.5 * np.exp(-after / 3e-7)
        made = synthetic.tpc().isel(time=slice(0, 1))
        made = xr.Dataset(
            {"current_density": ("time", np.concatenate([[0.0, 10.0], 10.0 * decay]))},
            {"time": time}, {**made.attrs, "generated": 2e-6},
        )  # fmt: skip
        found = tpc.analyse(made)
        read.append([found[key].value for key in ("extraction_time", "decay_time", "extracted_charge")])
    assert read[1] == pytest.approx(read[0], rel=5e-3)
    assert read[2] == pytest.approx(read[0], rel=5e-3)


def test_more_charge_than_was_made_fails_a_check(currents: Any) -> None:
    for made in currents.values():
        assert checks_of(made)[tpc.CHARGE_CHECK].passed
        time = made["time"].values
        change = made["current_density"].values - made["current_density"].values[0]
        limit = made.attrs["extractable"]
        assert limit == pytest.approx(made.attrs["generated"], rel=1e-3)
        assert pulses.charge_check(time, change, limit).passed
        more = 1.05 * change / tpc.analyse(made)["collected"].value
        assert not pulses.charge_check(time, more, limit).passed
        assert not pulses.charge_check(time, np.where(time > 1e-8, np.nan, change), limit).passed


def insulator(resistance: float) -> Stack:
    """A cell whose carriers leave at once: what is left is its capacitance in front of its resistors."""
    body = layer("body", 300e-9, gap=1.6, mobility=0.1, eps=20.0)
    return electrical(
        body, front=selective(5.4, "holes"), back=selective(4.2, "electrons"), rate=1e26,
        circuit={"series_resistance": resistance},
    )  # fmt: skip


@pytest.mark.parametrize("load", [1e-3, 1e-2])
def test_a_fast_cell_discharges_through_its_resistors(load: float) -> None:
    """RC of the geometric capacitance with the load and the series resistance."""
    from scipy.constants import epsilon_0

    made = tpc.measure(
        insulator(2e-3).with_light(intensity=0.0), tpc.Protocol(load=load, width="10 us", pulse="0.1 sun")
    )
    expected = (load + 2e-3) * 20.0 * epsilon_0 / 300e-9
    found = tpc.analyse(made)
    assert found["decay_time"].value == pytest.approx(expected, rel=0.03)
    assert found["extraction_time"].value == pytest.approx(expected, rel=0.03)
    assert found["collected"].value == pytest.approx(1.0, abs=4e-3)
    assert made["voltage"].values == pytest.approx(load * made["current_density"].values, abs=1e-9)


@pytest.mark.parametrize("kind", ["tpv", "tpc"])
def test_measurements_have_their_shape_and_hold_their_checks(kind: str, voltages: Any, currents: Any) -> None:
    for name, made in (voltages if kind == "tpv" else currents).items():
        validate(made)
        assert made.attrs["instrument"] == kind
        assert made.attrs["stack"] == name
        checks = checks_of(made)
        assert "ion number conserved in time" in checks
        assert all(check.passed for check in checks.values()), checks
        assert np.all(np.diff(made["time"].values) > 0)
        assert made["time"].values[0] == -1e-6
    if kind == "tpv":
        photo = checks["current at open circuit over photocurrent"]
        assert photo.value < 1e-12


def test_the_paper_s_story_in_kind(voltages: Any, currents: Any) -> None:
    """Fewer ions and traps, better faces: the target's photocurrent decays faster and its photovoltage slower."""
    control, target = (tpv.analyse(voltages[name]) for name in CELLS)
    assert target["lifetime"].value > 1.5 * control["lifetime"].value
    control, target = (tpc.analyse(currents[name]) for name in CELLS)
    assert target["extraction_time"].value < 0.95 * control["extraction_time"].value
    assert target["decay_time"].value < 0.9 * control["decay_time"].value
    assert target["collected"].value > control["collected"].value


def test_a_series_goes_down_with_light() -> None:
    made = tpv.series(pt.load("wbg-control"), [0.03, 0.3, 3.0])
    lifetimes = [tpv.analyse(one)["lifetime"].value for one in made]
    # ten times the light each time, with an ideality near two
    assert lifetimes[0] > 3 * lifetimes[1] > 9 * lifetimes[2]
    assert [one.attrs["light"] for one in made] == [0.03, 0.3, 3.0]
    axes = tpv.plot(made).axes[0]
    assert axes.get_xscale() == "log"
    assert "Bias light" in axes.get_xlabel()


def test_several_cells_share_one_panel(voltages: Any, currents: Any) -> None:
    for tool, made in ((tpv, voltages), (tpc, currents)):
        figure = tool.plot(list(made.values()))
        (axes,) = figure.axes
        words = " ".join(text.get_text() for text in axes.texts)
        assert all(name in words for name in CELLS)
        assert axes.get_yscale() == "log"
        high = axes.get_xlim()[1]
        for line in axes.lines:
            assert np.nanmax(line.get_ydata()) <= 1.6
            assert line.get_xdata()[0] < high


# --- what is refused -------------------------------------------------------------------------------------------------


def test_no_photovoltage_in_the_dark() -> None:
    with pytest.raises(InputError, match="in the dark"):
        tpv.measure(pt.load("wbg-control").with_light(intensity=0.0))
    dark = tpc.measure(pt.load("wbg-control").with_light(intensity=0.0))
    assert dark["current_density"].values[0] == pytest.approx(0.0, abs=1e-9)
    generated = Q * 0.1 * float(build(pt.load("wbg-control")).generation.sum())
    assert tpc.analyse(dark)["photocurrent"].value == pytest.approx(generated, rel=0.05)


@pytest.mark.parametrize(
    ("tool", "given"),
    [
        (tpv, {"pulse": 0.0}),
        (tpv, {"pulse": -0.1}),
        (tpv, {"pulse": float("nan")}),
        (tpv, {"width": "0 s"}),
        (tpv, {"width": "-1 us"}),
        (tpv, {"duration": "0 s"}),
        (tpc, {"pulse": "0 sun"}),
        (tpc, {"pulse": "-1 sun"}),
        (tpc, {"load": "-1 ohm cm^2"}),
        (tpc, {"width": "1 V"}),
    ],
)
def test_impossible_protocols_are_refused(tool: Any, given: dict[str, Any]) -> None:
    with pytest.raises((InputError, ValueError)):
        tool.Protocol(**given)
