"""What is solved for does not depend on the grid of the curve, however coarse it is or whichever way it runs."""

import pytest

import perotwin as pt


@pytest.mark.parametrize("name", ["cell-a", "wbg-target"])
@pytest.mark.parametrize(
    ("start", "stop", "step"),
    [
        ("-3 V", "4 V", "500 mV"),
        ("-0.3 V", "1.8 V", "300 mV"),
        ("1.5 V", "0 V", "100 mV"),
        ("0 V", "1.6 V", "7 mV"),
        # ranges that hold neither open circuit nor maximum power, or only one of them
        ("0 V", "0.3 V", "10 mV"),
        ("0 V", "1.25 V", "10 mV"),
        ("1.25 V", "1.5 V", "10 mV"),
    ],
)
def test_metrics_are_those_of_a_fine_curve(name: str, start: str, stop: str, step: str) -> None:
    cell = pt.load(name)
    fine = pt.lab.jv.analyse(pt.lab.jv.measure(cell))
    protocol = pt.lab.jv.Protocol(start=start, stop=stop, step=step)
    other = pt.lab.jv.analyse(pt.lab.jv.measure(cell, protocol))
    assert float(other["voc"]) == pytest.approx(float(fine["voc"]), abs=1e-5)
    assert float(other["jsc"]) == pytest.approx(float(fine["jsc"]), rel=1e-6)
    # The top of the power is flat: 0.1 mV beside it costs less than a 1e-7 part.
    assert float(other["pce"]) == pytest.approx(float(fine["pce"]), rel=1e-5)
    assert float(other["vmp"]) == pytest.approx(float(fine["vmp"]), abs=2e-4)
