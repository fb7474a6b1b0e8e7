"""Any voltage, any light: from deep reverse bias to far past open circuit, with all checks passed."""

import numpy as np
import pytest

import perotwin as pt
from devices import cell, everything, layer
from perotwin.errors import ConvergenceError
from perotwin.lab import bands, impedance, jv, open_circuit
from perotwin.measurement import checks_of, notes_of
from perotwin.stack import Stack, Tandem
from perotwin.transport.build import build
from perotwin.transport.steady import Solver
from wide_tandem_draw import FIRST_SEED, tandem

CELLS: dict[str, Stack] = {
    **{name: pt.load(name) for name in ("cell-a", "cell-b", "wbg-target", "nip-example", "nbg")},
    "everything": everything("fermi-dirac"),
    "thermionic": everything("boltzmann", transport=("thermionic", "thermionic")),
}


@pytest.mark.parametrize("stack", CELLS.values(), ids=CELLS.keys())
@pytest.mark.parametrize("suns", [0.0, 1.0], ids=["dark", "light"])
def test_from_deep_reverse_to_far_forward(stack: Stack, suns: float) -> None:
    lit = stack.with_light(intensity=suns)
    for protocol in (
        jv.Protocol(start=0.0, stop=-5.0, step=0.25),
        jv.Protocol(start=-0.2, stop=2.0, step=0.1),
        jv.Protocol(start=2.0, stop=-0.5, step=0.25),
    ):
        measured = jv.measure(lit, protocol)
        rows = checks_of(measured)
        assert all(row.passed for row in rows.values()), rows
        current = measured.sortby("voltage")["current_density"].values
        assert np.isfinite(current).all()
        # more forward bias never gives more power out
        assert np.all(np.diff(current) < 1e-9 * np.abs(current).max())


def test_the_answer_does_not_depend_on_the_path() -> None:
    """Up or down, in long steps or short ones: a steady state is one of the voltage alone."""
    stack = pt.load("wbg-target")
    long_up = jv.measure(stack, jv.Protocol(start=-1.0, stop=1.5, step="0.5 V"))
    long_down = jv.measure(stack, jv.Protocol(start=1.5, stop=-1.0, step="0.5 V"))
    short = jv.measure(stack, jv.Protocol(start=-1.0, stop=1.5, step="20 mV"))
    for voltage in (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5):
        found = [float(each["current_density"].sel(voltage=voltage)) for each in (long_up, long_down, short)]
        assert np.ptp(found) < 1e-8 * 165.0


def test_dark_and_light_without_a_stated_end() -> None:
    dark = jv.measure(pt.load("cell-a").with_light(intensity=0.0))
    assert abs(float(dark["current_density"][-1])) > 1e3
    assert dark["point"].size == 0
    lit = jv.measure(pt.load("cell-a"))
    current = lit["current_density"].values
    assert current[-1] < 0.0 < current[-4]
    assert jv.measure(pt.load("cell-a"), jv.Protocol(start="0.4 V"))["voltage"].values[0] == 0.4


def test_weak_and_strong_light() -> None:
    """From a millionth of a sun to ten thousand: every point is solved, Voc rises throughout."""
    voc = []
    for suns in (1e-6, 1e-3, 1.0, 100.0, 1e4):
        measured = jv.measure(pt.load("cell-a").with_light(intensity=suns), jv.Protocol(step="50 mV"))
        rows = checks_of(measured)
        assert all(row.passed for row in rows.values()), (suns, rows)
        voc.append(jv.analyse(measured)["voc"].value)
    assert np.all(np.diff(voc) > 0.0)
    slope = np.diff(voc) / np.diff(np.log([1e-6, 1e-3, 1.0, 100.0, 1e4])) / 0.02585
    assert np.all((slope > 0.6) & (slope < 2.6))


@pytest.mark.parametrize("name", ["cell-a", "wbg-target"])
def test_bands_of_the_working_points(name: str) -> None:
    stack = pt.load(name)
    diagram = bands.measure(stack)
    assert list(diagram["state"].values) == ["dark", "short-circuit", "maximum-power", "open-circuit"]
    assert all(row.passed for row in checks_of(diagram).values())
    solved = jv.analyse(jv.measure(stack))
    voltage = dict(zip(diagram["state"].values, diagram["voltage"].values, strict=True))
    assert voltage["open-circuit"] == pytest.approx(solved["voc"].value, abs=1e-9)
    assert voltage["maximum-power"] == pytest.approx(solved["vmp"].value, abs=1e-3)
    dark = diagram.sel(state="dark")
    levels = np.concatenate([dark["electron_fermi_level"].values, dark["hole_fermi_level"].values])
    assert np.ptp(levels) == 0.0
    split = bands.analyse(diagram)
    assert split["qfls dark"].value == 0.0
    # inside the absorber the splitting is at least what the terminals see, but for little
    assert split["qfls open-circuit"].value > solved["voc"].value - 2e-3
    assert (
        split["qfls short-circuit"].value
        < split["qfls maximum-power"].value
        < split["qfls open-circuit"].value
    )


def test_a_cell_that_nothing_recombines_in_says_why_it_has_no_open_circuit() -> None:
    """A given generation brings no emission, so that without traps the current never turns."""
    layers = (
        layer("p", 20e-9, role="htl", affinity=1.9, gap=3.5, doping=-1e24),
        layer("i", 400e-9),
        layer("n", 20e-9, role="etl", affinity=4.0, gap=3.5, doping=1e24),
    )
    measured = jv.measure(cell(*layers, rate=2.4e27))
    found = jv.analyse(measured)
    assert np.isnan(found["voc"].value) and found["jsc"].value > 0.0
    assert any("no open circuit" in note and "coefficient" in note for note in notes_of(measured))
    whole = jv.measure(cell(layers[0], layer("i", 400e-9, radiative=1e-17), layers[2], rate=2.4e27))
    assert np.isfinite(jv.analyse(whole)["voc"].value)
    assert not any("open circuit" in note for note in notes_of(whole))


def test_an_open_circuit_that_rounding_decides_is_no_figure() -> None:
    """A tandem of whose light 3e-4 leave it at short circuit, and whose curve then lies on zero over volts: on three
    meshes it crosses zero at 0.61, 0.88 and 0.64 V, with currents of 1e-15 of those that light makes, and searches
    end 50 mV apart.
    """
    dead = Tandem.from_data(tandem(FIRST_SEED + 60), bare_numbers=True)
    measured = jv.measure(dead)
    found = jv.analyse(measured)
    assert np.isnan([found["voc"].value, found["ff"].value]).all() and "rounding" in found["voc"].method
    assert found["pce"].value > 0.0 and found["vmp"].value == pytest.approx(0.0689, abs=1e-4)
    assert all(row.passed for row in checks_of(measured).values())
    assert any("rounding decides" in note for note in notes_of(measured))
    with pytest.raises(ConvergenceError, match="rounding decides"):
        impedance.measure(dead)


def test_an_open_circuit_of_a_steep_curve_is_told() -> None:
    solver = Solver(build(pt.load("cell-a")))
    found = solver.open_circuit(solver.sweep([1.1], 1.0).state(0), 1.0)
    assert open_circuit.left_open(solver, found, 1.0) < 1e-9
    beside = solver.sweep(found.voltage + 1e-3, 1.0)
    assert open_circuit.left_open(solver, beside, 1.0) == pytest.approx(1e-3, rel=0.05)


def test_slices_of_a_film_whose_ions_move_are_told() -> None:
    """Ions do not cross the line; without them a line changes nothing and is not spoken of."""
    mobile = {"density": 1e23, "diffusion_coefficient": 1e-15}
    other = layer("b", 200e-9, ions=mobile, gap=1.7)
    for ions, second, told in ((mobile, None, True), (None, None, False), (mobile, other, False)):
        slices = cell(layer("a", 200e-9, ions=ions), second or layer("b", 200e-9, ions=ions), rate=1e27)
        measured = jv.measure(slices, jv.Protocol(start=0.0, stop=0.2, step=0.1))
        assert any("slices of one film" in note for note in notes_of(measured)) is told
