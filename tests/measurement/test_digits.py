"""Numbers are written with the digits that they mean."""

import math

import pytest

from perotwin.measurement import Metric, Metrics
from perotwin.measurement.digits import significant
from perotwin.report.tables import readings_rows


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.9123e8, "3.91e8"), (-3.9123e-7, "−3.91e−7"), (53.821, "53.8"), (0.5, "0.500"), (999.6, "1000"),
        (1234.0, "1230"), (99999.0, "1.00e5"), (0.0, "0"), (math.nan, "–"), (8.0, "8.00"),
    ],
)  # fmt: skip
def test_three_digits(value: float, text: str) -> None:
    assert significant(value) == text


def rows(**metrics: Metric) -> dict[str, str]:
    return {words: values[0] for words, _, values in readings_rows([Metrics(metrics)])}


def test_readings_have_the_digits_of_their_quantity() -> None:
    made = rows(
        low_frequency_capacitance=Metric(3.9123e3, "F m-2"),
        power_drift=Metric(3.56e-6, "1"),
        stabilised_pce=Metric(0.185592, "1", "", 2.2e-5),
        stabilised_voltage=Metric(1.18503, "V", "", 0.0035),
        lifetime=Metric(4.515e-7, "s", "", 2.1e-11),
        arcs=Metric(2.0, "1"),
    )
    assert made["capacitance at the lowest frequency"] == "3.91e8"
    assert made["drift of the stabilised power"] == "< 0.01"
    assert made["stabilised efficiency"] == "18.56"
    assert made["voltage of the stabilised power"] == "1.185 ± 0.004"
    assert made["lifetime of the photovoltage"] == "0.452"
    assert made["maxima of -Z'' over the frequency"] == "2"


def test_small_volts_keep_their_digits() -> None:
    assert rows(voltage_between=Metric(3.2e-4, "V")) == {
        "voltage lost between the junctions and in series with them": "0.000320"
    }
