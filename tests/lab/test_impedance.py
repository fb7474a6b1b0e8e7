"""The impedance instrument: its readings of known circuits, its bias points, and what it says of library cells."""

import numpy as np
import pytest

import perotwin as pt
import synthetic
import written
from perotwin.errors import InputError
from perotwin.lab import impedance
from perotwin.measurement import checks_of, load, notes_of, save, validate
from perotwin.stack import Stack
from perotwin.transport.steady import Solver
from wide_time_draw import FIRST_SPECTRUM, spectrum


def test_two_arcs_behind_a_resistor_are_read_as_such() -> None:
    found = impedance.analyse(synthetic.impedance(rs=2e-4, fast=(5e-3, 4e-4), slow=(2e-3, 0.3)))
    assert found["series_resistance"].value == pytest.approx(2e-4, rel=1e-3)
    assert found["geometric_capacitance"].value == pytest.approx(4e-4, rel=1e-2)
    assert found["recombination_resistance"].value == pytest.approx(5e-3, rel=0.02)
    assert found["low_frequency_resistance"].value == pytest.approx(7.2e-3, rel=1e-4)
    assert found["low_frequency_capacitance"].value == pytest.approx((2e-3 / 7e-3) ** 2 * 0.3, rel=0.01)
    assert found["arcs"].value == 2.0
    assert all(metric.method for metric in found.values())


def test_capacitance_is_one_value_in_table_figure_and_dataset() -> None:
    """Behind a resistor of 20 ohm cm^2 too, which is taken out everywhere."""
    cell = written.stack("wbg-target").with_values({"circuit.series_resistance": "20 ohm cm^2"})
    measured = impedance.measure(cell, impedance.Protocol(lowest="1 Hz", points=30))
    stored = measured["capacitance"].values
    assert impedance.analyse(measured)["low_frequency_capacitance"].value == pytest.approx(
        stored[0], rel=1e-12
    )
    panel = impedance.plot(measured).axes[1]
    assert "less" in panel.get_ylabel()
    drawn = np.asarray(panel.lines[0].get_ydata(), float)
    assert drawn == pytest.approx(np.where(stored > 0.0, stored, np.nan) * 1e5, rel=1e-9, nan_ok=True)
    z = measured["impedance_real"].values + 1j * measured["impedance_imag"].values
    behind = (1.0 / (z - 20e-4)).imag / (2.0 * np.pi * measured["frequency"].values)
    assert stored == pytest.approx(behind, rel=1e-9)
    # a file that does not say its resistor is read with the one that is fitted, in table and figure alike
    bare = synthetic.impedance(rs=2e-4, fast=(5e-3, 4e-4), slow=(2e-3, 0.3))
    value = impedance.analyse(bare)["low_frequency_capacitance"].value
    assert impedance.plot(bare).axes[1].lines[0].get_ydata()[0] == pytest.approx(value * 1e5, rel=1e-9)


def test_one_arc_is_read_in_any_order_of_frequencies() -> None:
    one = synthetic.impedance(slow=(0.0, 0.3))
    ours, turned = (impedance.analyse(item) for item in (one, one.isel(frequency=slice(None, None, -1))))
    assert ours["recombination_resistance"].value == pytest.approx(5e-3, rel=1e-3)
    assert dict(ours) == dict(turned)


def test_a_spectrum_of_a_whole_cell() -> None:
    cell = written.stack("wbg-target")
    measured = validate(impedance.measure(cell))
    assert all(row.passed for row in checks_of(measured).values())
    assert abs(measured.attrs["current_density"]) < 1e-9
    voc = pt.lab.jv.analyse(
        pt.lab.jv.measure(cell.with_values({"perovskite.ions.response": {"kind": "steady"}}))
    )["voc"]
    assert measured.attrs["voltage"] == pytest.approx(voc.value, abs=1e-9)
    found = impedance.analyse(measured)
    assert found["arcs"].value == 2.0
    series = float(cell.circuit.series_resistance)
    held = float(measured["impedance_real_held"][0])
    assert found["recombination_resistance"].value == pytest.approx(held - series, rel=1e-12)
    assert found["series_resistance"].value == pytest.approx(series, rel=0.1)
    assert 0.0 < found["electronic_time"].value < 1e-3 * found["ionic_time"].value
    # ions follow at the lowest frequency and cannot at the highest
    assert float(measured["capacitance"][0]) > 100.0 * float(measured["capacitance_held"][0])
    assert float(measured["impedance_real"][-1]) == pytest.approx(
        float(measured["impedance_real_held"][-1]), rel=1e-6
    )


def test_at_short_circuit_the_plateau_is_the_capacitance_of_the_layers() -> None:
    cell = pt.load("wbg-target")
    found = impedance.analyse(impedance.measure(cell, impedance.Protocol(bias="0 V")))
    eps0 = 8.8541878128e-12
    layers = [
        eps0 * float(one.electronic.permittivity) / float(one.thickness) for one in cell.electrical_layers
    ]
    assert found["geometric_capacitance"].value == pytest.approx(
        1.0 / sum(1.0 / one for one in layers), rel=0.12
    )
    assert "upper bound" not in found["geometric_capacitance"].method


def test_where_the_plateau_is_not_reached_a_note_says_so() -> None:
    measured = impedance.measure(pt.load("wbg-target"))
    assert any("upper bounds" in note for note in notes_of(measured))


def test_bias_points() -> None:
    cell = pt.load("cell-a")
    dark = cell.with_light(intensity="dark")
    at_power = impedance.measure(cell, impedance.Protocol(bias="maximum-power", points=5))
    power = pt.lab.jv.analyse(pt.lab.jv.measure(cell))
    assert at_power.attrs["voltage"] == pytest.approx(power["vmp"].value, abs=1e-4)
    assert "impedance_real_held" not in at_power
    assert list(at_power["mode"].values) == ["electronic"]
    rest = impedance.measure(dark, impedance.Protocol(points=5))
    assert rest.attrs["voltage"] == 0.0
    assert "imps_real" not in rest
    with pytest.raises(InputError, match="no point of maximum power"):
        impedance.measure(dark, impedance.Protocol(bias="maximum-power"))


def test_a_response_that_is_next_to_nothing_is_compared_on_the_scale_of_what_is_made(monkeypatch) -> None:
    # 1e-17 of the pairs that light makes leave the cell: rounding. A response that is off by 1e-9 of them fails.
    data, part = spectrum(FIRST_SPECTRUM + 43)
    cell = Stack.from_data(data, bare_numbers=True)
    bias = impedance.Protocol(bias=part * 0.7, points=5)
    name = "response to light at zero frequency against the steady one"
    assert checks_of(impedance.measure(cell, bias))[name].passed
    exact = Solver.light_response

    def off(self, state, intensity):
        return exact(self, state, intensity) + 1e-9 * self.problem.photocurrent_scale

    monkeypatch.setattr(Solver, "light_response", off)
    assert not checks_of(impedance.measure(cell, bias))[name].passed


def test_protocols() -> None:
    hertz = impedance.Protocol().hertz()
    assert (hertz.size, hertz[0], hertz[-1]) == (60, pytest.approx(1e-3), pytest.approx(1e7))
    assert list(impedance.Protocol(frequencies=("1 kHz", "10 Hz")).hertz()) == [10.0, 1000.0]
    with pytest.raises(InputError, match="do not rise"):
        impedance.Protocol(lowest="1 Hz", highest="1 mHz")
    with pytest.raises(InputError, match='"dark" is no bias'):
        impedance.Protocol(bias="dark")
    with pytest.raises(InputError):
        impedance.Protocol(lowest="0 Hz")


def test_a_spectrum_survives_the_file(tmp_path) -> None:
    measured = impedance.measure(pt.load("cell-a"), impedance.Protocol(points=7))
    again = load(save(measured, tmp_path / "z.nc"))
    assert np.array_equal(again["impedance_imag"], measured["impedance_imag"])
    assert dict(impedance.analyse(again)) == dict(impedance.analyse(measured))
