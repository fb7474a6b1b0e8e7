"""Tables of measured files: a number stands under its unit, or says its own."""

from perotwin.measurement import Metric
from perotwin.measurement.nomenclature import heading
from perotwin.report.batch_page import head, shown_value


def test_numbers_of_a_whole_device_say_their_own_unit() -> None:
    of_area = Metric(63.46e-4, "ohm m2", "", 0.3e-4)
    of_device = Metric(63.46, "ohm", "", 0.3)
    assert "ohm cm" in head("series_resistance")
    assert shown_value("series_resistance", of_area) == "63.46 ± 0.3"
    assert shown_value("series_resistance", of_device) == "63.46 ± 0.3 ohm"


def test_a_heading_says_the_unit_that_the_numbers_are_in() -> None:
    assert heading("impedance_real") == heading("impedance_real", "ohm m2") == "Z' (ohm cm^2)"
    assert heading("impedance_real", "ohm") == "Z' (ohm)"
    assert heading("capacitance", "F") == "C (F)" and heading("voc") == "Voc (V)"
