"""Impedance as data of a fit: slopes against differences, what it is compared with, files and what they lack."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import perotwin as pt
from perotwin.calibrate import laboratory
from perotwin.calibrate.fit import calibrate
from perotwin.calibrate.identify import hours_of, identify, kinds_beside
from perotwin.calibrate.impedance import Impedance
from perotwin.calibrate.objective import Objective
from perotwin.calibrate.parameters import parameter_of
from perotwin.calibrate.reading import Told, of_evidence, of_files
from perotwin.calibrate.synthetic import plan
from perotwin.calibrate.twin import Twin
from perotwin.errors import InputError
from perotwin.transport.sensitivity_of_spectra import SpectrumSlopes

from fresh import perotwin as shell  # isort: skip

HERTZ = np.geomspace(1.0, 1e6, 9)
ELECTRIC = (
    "perovskite.lifetime", "niox|perovskite.velocity", "perovskite.ions.density", "perovskite.mobility",
    "circuit.series_resistance", "circuit.shunt_resistance",
)  # fmt: skip
#: part of the largest slope of a column that fourth-order differences by 2e-3 of a number may be off by
CLOSE = 1e-5


@pytest.fixture(scope="module")
def cell() -> pt.Stack:
    return pt.load("wbg-target")


def spectra(cell: pt.Stack) -> list[Impedance]:
    """At open circuit in the light, and at a bias in the dark, without noise."""
    twin, ones = Twin(cell), np.ones(HERTZ.size, dtype=complex)
    sd = np.full(HERTZ.size, 5e-3)
    made = (
        Impedance("lit", cell.name, HERTZ, ones, sd, None, 1.0, 0.02, 0.02, 1e-3),
        Impedance("dark", cell.name, HERTZ, ones, sd, 1.1, 0.0, 0.02, 0.02, 1e-3),
    )
    return [one.expected(twin, {}, {}, None) for one in made]


def errors(cell: pt.Stack, data: list[Impedance]) -> dict[str, float]:
    """By parameter the largest difference of slopes and Richardson's differences over the largest slope."""
    objective = Objective([cell], data, [parameter_of(cell, path) for path in ELECTRIC])
    values = np.array([one.start for one in objective.parameters])
    found: dict[str, float] = {}
    with objective.remembering():
        slopes = objective.jacobian(values)
        for number, one in enumerate(objective.parameters):
            step = 2e-4 if one.name.endswith("bias") else 2e-3 * one.scale.slope(values[number])

            def at(k: int, number: int = number, step: float = step) -> np.ndarray:
                moved = values.copy()
                moved[number] += k * step
                return objective.residuals(moved)

            wanted = (at(-2) - 8.0 * at(-1) + 8.0 * at(1) - at(2)) / (12.0 * step)
            found[one.name] = float(np.abs(slopes[:, number] - wanted).max() / np.abs(wanted).max())
    return found


def test_slopes_are_those_of_differences_and_all_but_the_light_are_exact(cell: pt.Stack) -> None:
    data = spectra(cell)
    assert {name: error for name, error in errors(cell, data).items() if not error < CLOSE} == {}
    objective = Objective([cell], data, [parameter_of(cell, path) for path in ELECTRIC])
    values = np.array([one.start for one in objective.parameters])
    names = [one.name for one in objective.parameters]
    for index, own in ((0, {"lit: level"}), (1, {"dark: level", "dark: bias"})):
        assert {names[number] for number in objective._exact(index, values)} == {*ELECTRIC, *own}
    assert [one for one in names if one not in ELECTRIC] == [
        "lit: level", "lit: light", "dark: level", "dark: bias",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "wrong", "seen"),
    [
        # open circuit that stays where it was
        ("moved", lambda self, of_voltage: self, "perovskite.lifetime"),
        # the other sign of the imaginary part
        ("moved", lambda self, of_voltage: replace(self, admittance=self.admittance.conj()), "perovskite.mobility"),
    ],
)  # fmt: skip
def test_a_wrong_slope_is_seen(
    cell: pt.Stack, monkeypatch: pytest.MonkeyPatch, name: str, wrong: Any, seen: str
) -> None:
    monkeypatch.setattr(SpectrumSlopes, name, wrong)
    found = errors(cell, spectra(cell)[:1])
    assert found[seen] > 100.0 * CLOSE


def test_a_resistance_in_series_moves_the_logarithm_by_its_part(cell: pt.Stack) -> None:
    """In the dark at 0 V no current flows: dZ/dRs = 1, so that d ln|Z| = Re(1/Z) and d arg Z = Im(1/Z)."""
    (_, dark) = spectra(cell)
    still = replace(dark, bias=None).expected(Twin(cell), {}, {}, None)
    assert still.nuisances()[0].name == "dark: level" and len(still.nuisances()) == 1
    found = still.slopes(Twin(cell), {}, {}, ["circuit.series_resistance"])
    assert found is not None
    wanted = np.concatenate([(1.0 / still.impedance).real, (1.0 / still.impedance).imag]) / 5e-3
    assert found[:, 0] == pytest.approx(wanted, rel=1e-6, abs=1e-9 * np.abs(wanted).max())


def test_it_is_what_the_instrument_measures_whatever_response_the_ions_state(cell: pt.Stack) -> None:
    lit, dark = spectra(cell)
    hertz = tuple(f"{one} Hz" for one in HERTZ)
    light = pt.lab.impedance.measure(cell, pt.lab.impedance.Protocol(frequencies=hertz))
    night = cell.with_values({"light.intensity": "dark"})
    still = pt.lab.impedance.measure(night, pt.lab.impedance.Protocol(bias="1.1 V", frequencies=hertz))
    for one, measured in ((lit, light), (dark, still)):
        z = measured["impedance_real"].values + 1j * measured["impedance_imag"].values
        assert np.abs(one.impedance / z - 1.0).max() < 5e-3
    held = cell.with_values({"perovskite.ions.response": {"kind": "frozen", "bias": "0 V", "light": "dark"}})
    assert Twin(held).moving is not Twin(held) and Twin(cell).moving.cell is cell
    assert np.abs(lit.residuals(Twin(held), {}, {})).max() < 1e-6
    values = {"perovskite.ions.density": float(cell.get("perovskite.ions.density"))}
    (one, other) = (lit.slopes(Twin(some), values, {}, [*values]) for some in (held, cell))
    assert one is not None and other is not None
    assert one == pytest.approx(other, abs=1e-5 * np.abs(other).max())


def test_noise_is_of_both_parts_and_phases_do_not_jump(cell: pt.Stack) -> None:
    lit, _ = spectra(cell)
    many = replace(
        lit, frequency=np.full(4000, 1e3), impedance=np.ones(4000, dtype=complex), sd=np.full(4000, 5e-3)
    )
    found = many.expected(Twin(cell), {}, {}, np.random.default_rng(3))
    left = found.residuals(Twin(cell), {}, {})
    assert np.std(left[:4000]) == pytest.approx(1.0, abs=0.05)
    assert np.std(left[4000:]) == pytest.approx(1.0, abs=0.05)
    # a phase half a turn away, one with a hair more: the same distance
    turned = replace(lit, impedance=lit.impedance * np.exp(1j * np.where(np.arange(9) % 2, 3.0, -3.0)))
    assert np.abs(turned.residuals(Twin(cell), {}, {})[9:]) == pytest.approx(3.0 / 5e-3)
    first, second = lit.table(Twin(cell), {}, {}).all
    assert (first.value, second.value) == ("impedance_magnitude", "impedance_phase")
    assert second.model == pytest.approx(second.data) and second.sd == pytest.approx(np.degrees(lit.sd))


def test_what_is_no_spectrum_is_refused(cell: pt.Stack) -> None:
    lit, _ = spectra(cell)
    with pytest.raises(InputError, match="without a frequency above zero"):
        replace(lit, frequency=np.zeros(9))
    with pytest.raises(InputError, match="standard deviation"):
        replace(lit, sd=np.zeros(9))


def test_a_plan_counts_it_with_its_hours(cell: pt.Stack) -> None:
    assert {"impedance", "impedance_dark"} <= set(kinds_beside(cell, ["jv"]))
    assert "impedance" not in kinds_beside(cell, ["impedance"])
    lit, dark = plan(cell, ["impedance", "impedance_dark"])
    assert isinstance(lit, Impedance) and isinstance(dark, Impedance)
    assert (lit.kind, lit.bias, lit.light) == ("impedance", None, 1.0)
    assert (dark.kind, dark.light) == ("impedance_dark", 0.0) and dark.bias == pytest.approx(1.2, abs=0.1)
    assert lit.frequency[[0, -1]] == pytest.approx([1.0, 1e6])
    asked = [parameter_of(cell, path) for path in ("perovskite.lifetime", "circuit.series_resistance")]
    found = identify(cell, ["impedance"], asked, further=["impedance_dark"])
    assert found.hours == laboratory.hours("impedance") == hours_of("impedance")
    # at the high frequencies all that is left is the resistance
    assert found.sd[1] < 0.05
    assert found.candidates[0].nats > 0.0 and not found.candidates[0].failure


# --- files -----------------------------------------------------------------------------------------------------------


def written(path: Path, one: Impedance, area: float = 0.1, wires: float = 0.0, head: str = "") -> Path:
    """A table of a spectrum as instruments export it: ohm of a cell of so many cm^2; wires: henry."""
    z = one.impedance * 1e4 / area + 2j * np.pi * one.frequency * wires
    rows = [f"{f:.6g}\t{p.real:.7g}\t{p.imag:.7g}" for f, p in zip(one.frequency, z, strict=True)]
    path.write_text("\n".join(["Frequency (Hz)\tZ' (Ohm)\tZ'' (Ohm)" + head, *rows[::-1]]) + "\n")
    return path


TOLD = Told(area="0.1 cm^2", bias="1.1 V", bias_light="dark")


def test_a_file_becomes_a_spectrum_with_what_is_told_of_it(cell: pt.Stack, tmp_path: Path) -> None:
    _, dark = spectra(cell)
    file = written(tmp_path / "z.txt", dark)
    (one,), _ = of_files([("impedance", str(file))], cell, TOLD)
    assert isinstance(one, Impedance)
    assert (one.name, one.bias, one.light) == ("impedance_dark", 1.1, 0.0)
    assert one.frequency == pytest.approx(HERTZ, rel=1e-5)
    assert one.impedance == pytest.approx(dark.impedance, rel=1e-5)
    assert one.sd == pytest.approx(np.full(9, laboratory.number("impedance", "relative")))
    assert [each.name for each in one.nuisances()] == ["impedance_dark: level", "impedance_dark: bias"]
    (part,), _ = of_files([("impedance", str(file))], cell, replace(TOLD, sd="2 %"))
    assert part.sd == pytest.approx(np.full(9, 0.02))
    (same,), _ = of_files([("impedance", str(file))], cell, replace(TOLD, sd="0.1 ohm cm^2"))
    assert same.sd * np.abs(same.impedance) == pytest.approx(np.full(9, 1e-5))
    (lit,), _ = of_files(
        [("impedance", str(file))], cell, replace(TOLD, bias="open-circuit", bias_light="1 sun")
    )
    assert (lit.bias, lit.light) == (None, 1.0)


def test_a_noisy_file_is_known_as_well_as_it_scatters_and_wires_are_left_out(
    cell: pt.Stack, tmp_path: Path
) -> None:
    _, dark = spectra(cell)
    rng = np.random.default_rng(5)
    hertz = np.geomspace(1.0, 1e6, 61)
    wide = replace(dark, frequency=hertz, impedance=np.ones(61, dtype=complex), sd=np.full(61, 0.03))
    noisy = wide.expected(Twin(cell), {}, {}, rng)
    (one,), _ = of_files([("impedance", str(written(tmp_path / "noisy.txt", noisy)))], cell, TOLD)
    assert one.sd[0] == pytest.approx(0.03, rel=0.3)
    bent = replace(noisy, sd=np.full(61, 1e-3)).expected(Twin(cell), {}, {}, rng)
    (cut,), notes = of_files(
        [("impedance", str(written(tmp_path / "wires.txt", bent, wires=2e-5)))], cell, TOLD
    )
    assert cut.frequency[-1] < 1e6 and cut.impedance.imag[-1] <= 0.0
    assert any("inductance of wires" in note for note in notes)


def test_what_a_simulated_cell_wrote_is_as_good_as_the_instrument_and_a_drift_in_it_is_told(
    cell: pt.Stack, tmp_path: Path
) -> None:
    """Over six decades of |Z|, at a bias below open circuit in the light."""
    from perotwin.lab import impedance

    solved = impedance.measure(cell, impedance.Protocol(bias=1.0))
    z = np.asarray(solved["impedance_real"]) + 1j * np.asarray(solved["impedance_imag"])
    hertz = np.asarray(solved["frequency"])
    one = replace(spectra(cell)[0], frequency=hertz, impedance=z, sd=np.full(hertz.size, 5e-3))
    told = replace(TOLD, bias="1 V", bias_light="1 sun")
    (exact,), notes = of_files([("impedance", str(written(tmp_path / "exact.txt", one)))], cell, told)
    assert exact.sd == pytest.approx(laboratory.number("impedance", "relative"))
    assert not any("Kramers" in note for note in notes)
    drifted = replace(one, impedance=z * (1.0 + 0.1 * np.linspace(1.0, 0.0, hertz.size)))
    _, notes = of_files([("impedance", str(written(tmp_path / "drifted.txt", drifted)))], cell, told)
    assert any("drifted.txt: what a sum" in note and "breaks the relations" in note for note in notes)


@pytest.mark.parametrize(
    ("told", "words", "cure"),
    [
        (replace(TOLD, area=None), "states no area", "--area"),
        (replace(TOLD, bias=None), "at which bias", "--bias"),
        (replace(TOLD, bias_light=None), "which light shone", "--bias-light"),
        (replace(TOLD, bias="joy"), "no bias of an impedance", "open-circuit"),
        (replace(TOLD, bias="1.95 V"), "more than the gaps", "stack file"),
    ],
)
def test_what_nobody_says_of_a_spectrum_is_asked_for(
    cell: pt.Stack, tmp_path: Path, told: Told, words: str, cure: str
) -> None:
    file = written(tmp_path / "z.txt", spectra(cell)[1])
    with pytest.raises(InputError, match=words) as caught:
        of_files([("impedance", str(file))], cell, told)
    assert cure in caught.value.advice


def test_a_file_that_says_its_bias_and_light_needs_no_words_and_bears_no_others(
    cell: pt.Stack, tmp_path: Path
) -> None:
    hertz = tuple(f"{one} Hz" for one in HERTZ)
    half = cell.with_values({"light.intensity": "0.5 sun"})
    measured = pt.lab.impedance.measure(half, pt.lab.impedance.Protocol(frequencies=hertz))
    file = [("impedance", str(pt.measurement.save(measured, tmp_path / "open.nc")))]
    (one,), _ = of_files(file, cell)
    assert (one.bias, one.light) == (None, 0.5)
    assert np.abs(one.residuals(Twin(cell), {}, {})).max() < 1.0
    with pytest.raises(InputError, match=r"measured at 0\.5 sun, and 1 sun is stated"):
        of_files(file, cell, Told(bias_light="1 sun"))
    at = measured.attrs["voltage"]
    with pytest.raises(InputError, match=r"and 0\.4 V is stated"):
        of_files(file, cell, Told(bias="0.4 V"))
    (same,), _ = of_files(file, cell, Told(bias=f"{at + 2e-3} V"))
    assert same.bias == pytest.approx(at + 2e-3)


def test_evidence_names_bias_and_light_of_each_spectrum(cell: pt.Stack, tmp_path: Path) -> None:
    lit, dark = spectra(cell)
    written(tmp_path / "lit.txt", lit)
    written(tmp_path / "dark.txt", dark)
    place = tmp_path / "evidence.toml"
    place.write_text(
        '[[file]]\nkind = "impedance"\nfile = "lit.txt"\narea = "0.1 cm^2"\nbias = "open-circuit"\nlight = "1 sun"\n'
        '[[file]]\nkind = "impedance"\nfile = "dark.txt"\narea = "0.1 cm^2"\nbias = "1.1 V"\nlight = "dark"\n'
    )
    data, _ = of_evidence(str(place), [cell])
    assert [(one.name, one.bias, one.light) for one in data if isinstance(one, Impedance)] == [
        ("impedance", None, 1.0), ("impedance_dark", 1.1, 0.0),
    ]  # fmt: skip
    # without noise, but for the digits of the files
    assert all(np.abs(one.residuals(Twin(cell), {}, {})).max() < 0.01 for one in data)


def test_the_command_asks_for_what_the_file_lacks(cell: pt.Stack, tmp_path: Path) -> None:
    file = written(tmp_path / "z.txt", spectra(cell)[1])
    told = ("fit", cell.name, "--impedance", str(file), "--area", "0.1 cm^2", "--bias-light", "dark")
    done = shell(*told, "--vary", "perovskite.lifetime", "--json")
    assert done.returncode == 2
    error = json.loads(done.stdout)["error"]
    assert "at which bias" in error["message"] and "--bias" in error["advice"]


# --- fits ------------------------------------------------------------------------------------------------------------

BOUNDS = (
    "perovskite.lifetime=20 ns..4 us", "niox|perovskite.velocity=1 cm/s..1e5 cm/s",
    "circuit.series_resistance=0.1 ohm cm^2..10 ohm cm^2", "perovskite.ions.density",
)  # fmt: skip


def measured(cell: pt.Stack, truth: dict[str, Any], seed: int) -> list[Any]:
    """A steady curve and both impedances with noise; level, light and bias of each off by what is assumed of it."""
    twin, rng = Twin(cell.with_values(truth)), np.random.default_rng(seed)
    made = []
    for one in plan(twin.cell, ["jv", "impedance", "impedance_dark"], twin):
        own = {each.name: each.drawn(float(rng.random())) for each in one.nuisances()}
        made.append(one.expected(twin, {}, own, rng))
    return made


@pytest.mark.slow
def test_the_truth_comes_back_from_a_curve_and_impedances_and_ions_with_it(cell: pt.Stack) -> None:
    truth = {
        "perovskite.lifetime": 2e-7, "niox|perovskite.velocity": 0.4, "circuit.series_resistance": 3e-4,
        "perovskite.ions.density": 8e21,
    }  # fmt: skip
    data = measured(cell, truth, 11)
    parameters = [parameter_of(cell, path) for path in BOUNDS]
    found = calibrate([cell], data, parameters)
    assert not found.flagged
    for index, (path, true) in enumerate(truth.items()):
        low, high = found.fit.interval(index)
        assert low < true < high, path
        assert found.told.identified[index]
    assert found.fit.sd[3] < 0.1


@pytest.mark.slow
def test_a_wrong_model_that_the_curve_does_not_see_is_flagged_by_impedances(cell: pt.Stack) -> None:
    """Another permittivity: other numbers make up for it in a steady curve, the plate capacitor stays."""
    data = measured(cell, {"perovskite.electronic.permittivity": 30.0, "circuit.series_resistance": 3e-4}, 12)
    parameters = [parameter_of(cell, path) for path in BOUNDS]
    assert not calibrate([cell], data[:1], parameters).flagged
    found = calibrate([cell], data, parameters)
    assert "impedance_dark" in {one.name for one in found.flagged}
