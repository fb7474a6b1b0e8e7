"""Traces of an oscilloscope: trigger, baseline, sign, repeated pulses, noise, and how sure a lifetime is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import synthetic
from perotwin.errors import InputError
from perotwin.lab import tpc, tpv, traces

FILES = Path(__file__).parents[2].parent / "shared" / "instrument_files_2"
TAU, PEAK, BASE = 3e-6, 4e-3, 0.4


def scope(
    seed: int = 0,
    noise: float = 0.02,
    sign: float = 1.0,
    start: float = 2e-6,
    count: int = 1000,
    last: float = 20e-6,
) -> tuple[np.ndarray, np.ndarray]:
    """An exponential of 4 mV on 0.4 V that begins somewhere in the record; noise is a part of the peak."""
    time = np.linspace(0.0, last, count)
    curve = np.where(time < start, 0.0, np.exp(-(time - start) / TAU))
    return time, BASE + sign * PEAK * (curve + noise * np.random.default_rng(seed).standard_normal(count))


def measured(time: np.ndarray, values: np.ndarray, name: str = "voltage", **attributes: object) -> xr.Dataset:
    axes = ("trace", "time") if values.ndim == 2 else ("time",)
    return xr.Dataset({name: (axes, values)}, {"time": time}, attributes)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("start", [0.5e-6, 2e-6, 6e-6])
@pytest.mark.parametrize("shift", [0.0, -7e-6])
def test_the_pulse_is_found_wherever_it_is_and_whichever_way_it_goes(
    sign: float, start: float, shift: float
) -> None:
    time, values = scope(1, 0.01, sign, start)
    found = tpv.analyse(measured(time + shift, values))
    assert found["lifetime"].value == pytest.approx(TAU, rel=0.06)
    assert abs(found["lifetime"].value - TAU) < 3.5 * found["lifetime"].uncertainty
    assert found["photovoltage"].value == pytest.approx(sign * PEAK, rel=0.04)
    assert found["voc"].value == pytest.approx(BASE, abs=2e-5)
    assert 0.0 < found["voc"].uncertainty < 2e-5
    assert ("the change is negative" in found["photovoltage"].method) == (sign < 0.0)
    assert "points before the pulse" in found["voc"].method


@pytest.mark.parametrize("noise", [0.01, 0.05])
def test_the_interval_of_a_lifetime_holds_the_truth_as_often_as_it_says(noise: float) -> None:
    """200 seeds: 68 % intervals of the lifetime, and of the 1/e time of a photocurrent."""
    inside = np.zeros(2)
    for seed in range(200):
        trace = traces.read(*scope(seed, noise, count=500))
        assert trace is not None
        fitted = traces.decay(trace)
        place, error = traces.falls_to(trace, float(np.exp(-1.0)))
        inside += abs(fitted.time - TAU) < fitted.error, abs(place - TAU) < error
    assert 116 <= inside[0] <= 156, inside
    # the 1/e time leans on the highest point, which noise pulls up
    assert 100 <= inside[1] <= 160, inside


def test_repeated_traces_are_averaged() -> None:
    rows = np.array([scope(seed, 0.3)[1] for seed in range(100)])
    found = tpv.analyse(measured(scope()[0], rows))
    one = tpv.analyse(measured(scope()[0], rows[0]))["lifetime"]
    assert "mean of 100 traces" in found["lifetime"].method
    assert found["lifetime"].value == pytest.approx(TAU, rel=0.15)
    assert not one.uncertainty or one.uncertainty > 3.0 * found["lifetime"].uncertainty


def test_several_pulses_in_a_record_are_laid_over_each_other() -> None:
    period = 400
    step = 20e-6 / 1000
    time = np.arange(10 * period) * step
    since = (np.arange(time.size) % period - 60) * step
    curve = np.where(since < 0.0, np.exp(-(since + period * step) / 1e-6), np.exp(-since / 1e-6))
    values = 1.0 - 0.2 * (curve + 0.1 * np.random.default_rng(1).standard_normal(time.size))
    trace = traces.read(time, values)
    assert trace is not None and trace.pulses >= 9 and trace.sign == -1.0
    assert f"{trace.pulses} pulses in the record, one every 8 us" in trace.words
    assert traces.decay(trace).time == pytest.approx(1e-6, rel=0.1)


def test_what_begins_at_its_peak_takes_its_end_for_the_baseline() -> None:
    time, values = scope(3, 0.01, start=0.0, last=30e-6)
    found = tpv.analyse(measured(time, values))
    assert "no baseline before the pulse" in found["voc"].method
    assert found["lifetime"].value == pytest.approx(TAU, rel=0.06)


def test_a_long_pulse_decays_from_its_end() -> None:
    time = np.linspace(-10e-6, 30e-6, 2000)
    curve = np.where(time < 0.0, np.clip((time + 5e-6) * 1e7, 0.0, 1.0), np.exp(-time / TAU))
    noisy = 0.1 + curve + 0.01 * np.random.default_rng(5).standard_normal(time.size)
    found = tpc.analyse(measured(time, noisy, "current_density"))
    assert found["extraction_time"].value == pytest.approx(TAU, rel=0.05)
    assert found["decay_time"].value == pytest.approx(TAU, rel=0.05)
    assert found["extracted_charge"].value == pytest.approx(TAU + 5e-6 - 0.05e-6, rel=0.02)


def test_nothing_but_noise_is_no_pulse() -> None:
    time = np.linspace(0.0, 1e-3, 800)
    values = 0.5 + 1e-3 * np.random.default_rng(9).standard_normal(800)
    for instrument, name, what in ((tpv, "voltage", "lifetime"), (tpc, "current_density", "decay_time")):
        found = instrument.analyse(measured(time, values, name))
        assert np.isnan(found[what].value) and "stands out of its noise" in found[what].method


def test_a_trace_that_ends_too_early_says_so() -> None:
    time, values = scope(1, 0.01, last=4e-6)
    found = tpv.analyse(measured(time, values))
    assert np.isnan(found["lifetime"].value)
    assert (
        "does not fall below" in found["lifetime"].method and "within the trace" in found["lifetime"].method
    )


def test_noise_on_a_simulated_trace_is_seen() -> None:
    clean = synthetic.tpv(lifetime=3e-7)
    chance = np.random.default_rng(1).standard_normal(clean["time"].size)
    found = tpv.analyse(clean.assign(voltage=clean["voltage"] + 4e-5 * chance))
    assert abs(found["lifetime"].value - 3e-7) < 3.0 * found["lifetime"].uncertainty < 0.6e-7
    exact = tpv.analyse(clean)
    assert exact["lifetime"].value == pytest.approx(3e-7, rel=1e-9)


def test_a_current_is_read_from_the_voltage_over_a_resistor() -> None:
    time, values = scope(2, 0.01)
    bare = tpc.analyse(measured(time, values))
    assert bare["photocurrent"].unit == "V" and "no current is" in bare["photocurrent"].method
    ohm = tpc.analyse(measured(time, values, resistance=50.0))
    assert ohm["photocurrent"].unit == "A"
    assert ohm["photocurrent"].value == pytest.approx(PEAK / 50.0, rel=0.04)
    assert ohm["extracted_charge"].unit == "C"
    full = tpc.analyse(
        measured(time, values, resistance=50.0, area="0.09 cm^2", generated=PEAK / 50.0 / 0.09e-4 * TAU)
    )
    assert full["photocurrent"].value == pytest.approx(PEAK / 50.0 / 0.09e-4, rel=0.04)
    assert full["collected"].value == pytest.approx(1.0, abs=0.05)
    load = tpc.analyse(measured(time, values, load=50.0 * 0.09e-4))
    assert load["photocurrent"].value == pytest.approx(full["photocurrent"].value, rel=1e-9)
    for one in (ohm, full, load):
        assert float(one["decay_time"]) == pytest.approx(float(bare["decay_time"]), rel=1e-6)
    milli = measured(time, values / 50.0 * 1e3, "current_density")
    milli["current_density"].attrs["units"] = "mA"
    assert tpc.analyse(milli)["photocurrent"].value == pytest.approx(ohm["photocurrent"].value, rel=1e-9)
    with pytest.raises(InputError, match="neither"):
        tpc.analyse(xr.Dataset({"light": ("time", values)}, {"time": time}))


@pytest.mark.skipif(not FILES.is_dir(), reason="the real instrument files are not here")
def test_a_square_wave_of_a_real_oscilloscope_has_no_time_constant() -> None:
    time, one, two = np.genfromtxt(FILES / "scope_rigol_ds1102e.csv", delimiter=",", skip_header=2)[:, :3].T
    assert time.size == 600
    for values, sign, size in ((one, 1.0, 5.58), (two, -1.0, 5.37)):
        found = tpc.analyse(measured(time, values))
        assert found["photocurrent"].value == pytest.approx(sign * size, rel=0.05)
        assert np.isnan(found["decay_time"].value)
        assert "falls within 2 us" in found["decay_time"].method
        assert "pulses in the record, one every 240 us" in found["decay_time"].method
