"""Reading a curve: an ideal diode whose every number is known, read as people measure it."""

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import brentq, minimize_scalar
from scipy.special import lambertw

import fresh
import perotwin as pt
from perotwin.errors import InputError
from perotwin.lab import jv, scan
from perotwin.measurement import notes_of

N_VT, JPH, J0, RS, RSH = 1.3 * 0.02569, 220.0, 220.0 / np.expm1(1.2 / (1.3 * 0.02569)), 2e-4, 0.1


def diode(voltage: np.ndarray) -> np.ndarray:
    """J of one diode with both resistances in closed form (Jain and Kapoor, doi:10.1016/j.solmat.2003.11.018)."""
    total = RS + RSH
    top = (voltage + RS * (JPH + J0)) * RSH / (N_VT * total)
    z = np.log(RS * J0 * RSH / (N_VT * total)) + top
    w = np.where(z < 500, lambertw(np.exp(np.minimum(z, 500))).real, z - np.log(np.maximum(z, 1.0)))
    return (RSH * (JPH + J0) - voltage) / total - N_VT / RS * w


def known() -> dict[str, float]:
    voc = brentq(lambda v: float(diode(np.array(v))), 0.5, 1.4, xtol=1e-14)
    best = minimize_scalar(lambda v: -v * float(diode(np.array(v))), bounds=(0.6, voc), method="bounded",
                           options={"xatol": 1e-12})  # fmt: skip
    jsc = float(diode(np.array(0.0)))
    power = -best.fun
    return {
        "voc": voc,
        "jsc": jsc,
        "ff": power / voc / jsc,
        "pce": power / 1000,
        "vmp": best.x,
        "jmp": power / best.x,
    }


def curve(voltage: np.ndarray, **attrs: float) -> xr.Dataset:
    return xr.Dataset(
        {"current_density": ("voltage", diode(voltage))}, coords={"voltage": voltage}, attrs=attrs
    )


def test_the_closed_form_is_the_circuit() -> None:
    voltage = np.linspace(-0.5, 1.35, 40)
    current = diode(voltage)
    inner = voltage + RS * current
    assert JPH - J0 * np.expm1(inner / N_VT) - inner / RSH == pytest.approx(current, abs=1e-6)


@pytest.mark.parametrize(
    ("step", "volts", "share"), [(0.001, 1e-7, 1e-6), (0.01, 2e-5, 1e-4), (0.05, 1e-3, 3e-3)]
)
@pytest.mark.parametrize("start", [-0.1, 0.0, -0.123])
def test_monotone_cubics(step: float, volts: float, share: float, start: float) -> None:
    found = jv.analyse(curve(np.arange(start, 1.3, step)))
    right = known()
    assert all("cubic" in found[name].method for name in right)
    assert found["voc"].value == pytest.approx(right["voc"], abs=volts)
    assert found["jsc"].value == pytest.approx(right["jsc"], rel=share)
    assert found["ff"].value == pytest.approx(right["ff"], abs=share)
    assert found["pce"].value == pytest.approx(right["pce"], rel=2 * share)
    assert found["vmp"].value * found["jmp"].value == pytest.approx(right["pce"] * 1000, rel=2 * share)
    assert found["vmp"].value == pytest.approx(right["vmp"], abs=0.3 * step + 1e-4)


def test_astm_is_as_far_off_as_it_says() -> None:
    """A line through the last fifth of the current is no exponential: up to 1 mV and 0.005 in FF, and not exact."""
    found = jv.analyse(curve(np.arange(-0.1, 1.3, 0.01)), method="astm-e1036")
    right = known()
    assert all("E1036" in found[name].method for name in right)
    assert found["voc"].value == pytest.approx(right["voc"], abs=1.5e-3)
    assert found["jsc"].value == pytest.approx(right["jsc"], rel=1e-3)
    assert found["ff"].value == pytest.approx(right["ff"], abs=5e-3)
    assert found["voc"].value != pytest.approx(right["voc"], abs=1e-6)


@pytest.mark.parametrize("method", ["pchip", "astm-e1036"])
def test_the_order_of_the_points_does_not_matter(method: jv.Method) -> None:
    up = curve(np.arange(-0.1, 1.3, 0.01))
    down = up.isel(voltage=slice(None, None, -1))
    one, other = jv.analyse(up, method), jv.analyse(down, method)
    assert {name: m.value for name, m in one.items()} == {name: m.value for name, m in other.items()}


def test_missing_points_are_left_out() -> None:
    whole = curve(np.arange(-0.1, 1.3, 0.01))
    holes = whole.copy(deep=True)
    holes["current_density"][[3, 40, 120]] = np.nan
    one, other = jv.analyse(whole), jv.analyse(holes)
    for name, metric in one.items():
        assert other[name].value == pytest.approx(metric.value, rel=1e-3)


def test_what_the_curve_does_not_hold_is_nan() -> None:
    found = jv.analyse(curve(np.arange(0.2, 0.9, 0.01)))
    assert np.isnan(found["jsc"].value) and np.isnan(found["voc"].value)
    assert np.isnan(found["ff"].value)
    dark = jv.analyse(
        curve(np.arange(-0.1, 1.3, 0.01)).assign(current_density=lambda d: d["current_density"] - 225.0)
    )
    assert np.isnan(dark["voc"].value) and np.isnan(dark["ff"].value)
    with pytest.raises(InputError, match="solved"):
        jv.analyse(curve(np.arange(0.0, 1.3, 0.01)), method="solved")


@pytest.mark.parametrize("method", ["pchip", "astm-e1036"])
@pytest.mark.parametrize("ends", [(-0.1, 0.9), (1.12, 1.3)], ids=["below", "above"])
def test_a_curve_that_ends_before_maximum_power_has_no_efficiency(
    method: jv.Method, ends: tuple[float, float]
) -> None:
    """The power still rises at its end: that last power is a number, but no maximum."""
    found = jv.analyse(curve(np.arange(*ends, 0.01)), method)
    for name in ("pce", "ff", "vmp", "jmp"):
        assert np.isnan(found[name].value)
        assert "ends before maximum power" in found[name].method
    assert "maximum power" not in found["voc"].method
    if ends[0] < 0.0:
        assert found["jsc"].value == pytest.approx(known()["jsc"], rel=1e-3)


def test_efficiency_counts_the_light() -> None:
    voltage = np.arange(-0.1, 1.3, 0.01)
    full, tenth = jv.analyse(curve(voltage)), jv.analyse(curve(voltage, irradiance=100.0))
    assert tenth["pce"].value == pytest.approx(10 * full["pce"].value, rel=1e-12)


def test_simulated_and_read_agree() -> None:
    """The points that a simulation solves for against its own curve read as a measured one."""
    import perotwin as pt

    measured = jv.measure(pt.load("cell-a"))
    solved, read = jv.analyse(measured), jv.analyse(measured, method="pchip")
    assert solved["voc"].value == pytest.approx(read["voc"].value, abs=1e-4)
    assert solved["jsc"].value == pytest.approx(read["jsc"].value, rel=1e-9)
    assert solved["ff"].value == pytest.approx(read["ff"].value, abs=3e-4)
    # and the maximum is one: no power beside it is larger
    power = measured["voltage"] * measured["current_density"]
    assert solved["vmp"].value * solved["jmp"].value >= float(power.max())


@pytest.mark.parametrize("instrument", ["jv", "eqe", "bands"])
def test_analysis_and_plots_need_arrays_only(instrument: str) -> None:
    """With the solver unimportable a curve is analysed and drawn all the same: a measured file has no solver."""
    program = f"""
import sys
import matplotlib
matplotlib.use("agg")
sys.path.insert(0, {str(fresh.SUPPORT)!r})
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name == "numba" or name.startswith(("perotwin.transport", "perotwin.optics")):
            raise ImportError(name + " is out of bounds")
sys.meta_path.insert(0, Refuse())
import synthetic
from perotwin.lab import {instrument} as instrument
dataset = synthetic.{instrument}()
found = instrument.analyse(dataset)
assert len(found) > 0
instrument.plot(dataset)
assert not any(name.startswith("perotwin.transport") for name in sys.modules)
print("fine")
"""
    done = fresh.python("-c", program)
    assert done.stdout.strip().endswith("fine"), done.stderr


# --- figures of merit that do not exist ------------------------------------------------------------------------------


def test_a_curve_in_the_dark_has_no_figures_of_merit() -> None:
    dark = jv.measure(pt.load("cell-a").with_light(intensity=0.0), jv.Protocol(step="50 mV"))
    cell = pt.load("mapi-tio2-spiro").with_light(intensity=0.0)
    scans = scan.measure(cell, scan.Protocol(rate="1 V/s", step="50 mV", stop="1 V"))
    for one in (dark, *scans.values()):
        found = jv.analyse(one)
        assert all(np.isnan(metric.value) for metric in found.values())
        assert all("dark" in metric.method for metric in found.values())
    assert np.isnan(scan.analyse(scans)["loop"]["hysteresis_index"].value)


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_a_curve_without_power_has_no_figures_of_merit(sign: float) -> None:
    """A resistor, and a cell that was read with plus and minus exchanged, which gives its power below zero volts."""
    voltage = np.linspace(-1.2, 1.2, 97)
    current = -100.0 * voltage if sign > 0 else -200.0 + 1e-3 * np.expm1(-voltage / 0.04)
    made = xr.Dataset({"current_density": ("voltage", current)}, coords={"voltage": voltage})
    found = jv.analyse(made)
    assert all(np.isnan(metric.value) for metric in found.values())
    assert all("no power" in metric.method for metric in found.values())


def test_a_cell_without_power_says_so() -> None:
    cell = pt.load("cell-a").with_values(
        {"contact.front.work_function": "3.9 eV", "contact.back.work_function": "5.9 eV"}
    )
    made = jv.measure(cell, jv.Protocol(step="50 mV"))
    assert any("no power" in note for note in notes_of(made))
    assert np.isnan(float(jv.analyse(made)["pce"]))
    sound = jv.measure(pt.load("cell-a"), jv.Protocol(step="50 mV"))
    assert not any("no power" in note for note in notes_of(sound))


def test_a_bias_at_which_real_cells_break_down_is_remarked_upon() -> None:
    """Of three junctions in series three times as far."""
    for name, count in (("cell-a", 1), ("three-junctions", 3)):
        for start, far in ((-0.9 * count, False), (-1.5 * count, True)):
            protocol = jv.Protocol(start=start, stop=0.0, step=0.3 * count, junctions=False)
            made = jv.measure(pt.load(name), protocol)
            assert any("broken down" in note for note in notes_of(made)) == far
    swept = scan.measure(
        pt.load("cell-a"), scan.Protocol(start="-1.5 V", stop="0.5 V", step="0.5 V", rate="1 V/s")
    )
    assert all(any("broken down" in note for note in notes_of(one)) for one in swept.values())
