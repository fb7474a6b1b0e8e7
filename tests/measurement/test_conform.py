"""Datasets from anywhere: units are obeyed, and what an analysis cannot read is refused in words."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from perotwin import lab
from perotwin.errors import InputError
from perotwin.measurement import Metric, conform


def _diode(unit_j: str, j_factor: float, unit_v: str = "V", v_factor: float = 1.0) -> xr.Dataset:
    """20 mA/cm^2 less 1e-9 mA/cm^2 exp(V / 50 mV), in any unit."""
    voltage = np.linspace(0.0, 1.25, 251)
    current = 20.0 - 1e-9 * np.expm1(voltage / 0.05)
    return xr.Dataset(
        {"current_density": ("voltage", current * j_factor, {"units": unit_j})},
        {"voltage": ("voltage", voltage * v_factor, {"units": unit_v})},
    )


VOC = 0.05 * np.log(20.0 / 1e-9 + 1.0)


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("A m-2", 10.0), ("mA/cm2", 1.0), ("mA cm-2", 1.0), ("A/cm^2", 1e-3), ("µA/cm²", 1e3)],
)
def test_the_unit_that_is_stated_is_obeyed(unit: str, factor: float) -> None:
    found = lab.jv.analyse(_diode(unit, factor))
    assert float(found["jsc"]) == pytest.approx(200.0, rel=1e-9)
    assert float(found["voc"]) == pytest.approx(VOC, abs=1e-6)
    assert float(found["pce"]) == pytest.approx(20.0 * VOC * float(found["ff"]) / 100.0, rel=1e-6)


def test_an_axis_in_another_unit_is_converted_with_what_runs_over_it() -> None:
    found = lab.jv.analyse(_diode("mA/cm^2", 1.0, "mV", 1e3))
    assert float(found["voc"]) == pytest.approx(VOC, abs=1e-6)


def test_what_is_right_already_comes_back_as_it_is() -> None:
    dataset = _diode("A m-2", 10.0)
    assert conform(dataset, lab.jv.INSTRUMENT) is dataset


def test_a_unit_of_another_kind_is_refused() -> None:
    with pytest.raises(InputError, match="current density"):
        lab.jv.analyse(_diode("mA", 1.0))


def test_a_measurement_by_another_instrument_says_what_it_lacks() -> None:
    other = xr.Dataset(
        {"eqe": ("wavelength", [0.1, 0.2])}, {"wavelength": [4e-7, 5e-7]}, {"instrument": "eqe"}
    )
    with pytest.raises(InputError, match=r"a measurement by eqe, has none\. It has eqe, wavelength"):
        lab.jv.analyse(other)


def test_another_axis_and_no_dataset_are_refused() -> None:
    with pytest.raises(InputError, match="reads it over voltage"):
        lab.jv.analyse(_diode("A m-2", 10.0).rename(voltage="bias"))
    with pytest.raises(InputError, match="this is a dict"):
        lab.jv.analyse({"current_density": [1.0]})


def test_a_metric_in_another_unit() -> None:
    metric = Metric(200.0, "A m-2", "pchip", 2.0)
    assert metric.to("mA/cm^2") == Metric(20.0, "mA/cm^2", "pchip", 0.2)
    assert str(metric.to("mA/cm^2")) == "20 ± 0.2 mA/cm^2" and f"{metric:.1f}" == "200.0"
    with pytest.raises(InputError, match="dimension voltage"):
        metric.to("V")


def test_degrees_celsius_have_a_zero_of_their_own() -> None:
    """25 degC are 298.15 K: a factor alone would make thousands of kelvin of them."""
    from perotwin import lab

    dataset = xr.Dataset(
        {"voltage": ("point", np.array([0.9, 1.0, 1.1]))},
        {
            "intensity": ("point", np.array([0.1, 0.3, 1.0])),
            "temperature": ("point", np.array([0.0, 25.0, 50.0]), {"units": "degC"}),
        },
    )
    found = conform(dataset, lab.suns_voc.INSTRUMENT)
    np.testing.assert_allclose(found["temperature"], [273.15, 298.15, 323.15])
    assert found["temperature"].attrs["units"] == "K"
