"""Measured curves tell of their cell what the cell itself tells, as far as they do, and name what is missing."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import perotwin as pt
from perotwin import lab, losses, workflows
from perotwin.errors import InputError


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The curves of wbg-target as tables of text, as a laboratory would have them."""
    folder = tmp_path_factory.mktemp("curves")
    cell = pt.load("wbg-target")
    jv = lab.jv.measure(cell)
    eqe = lab.eqe.measure(cell)
    lights = lab.suns_voc.measure(cell)
    found = {}

    def write(name: str, head: str, *columns: np.ndarray) -> None:
        rows = "\n".join(",".join(f"{value:.9g}" for value in row) for row in np.column_stack(columns))
        found[name] = folder / f"{name}.csv"
        found[name].write_text(f"{head}\n{rows}\n", encoding="utf-8")

    write(
        "jv", "Voltage (V),Current density (mA/cm2)", jv["voltage"].values, 0.1 * jv["current_density"].values
    )
    write("eqe", "Wavelength (nm),EQE", 1e9 * eqe["wavelength"].values, eqe["eqe"].values)
    write(
        "suns_voc", "Intensity (suns),Voc (V),Jsc (mA/cm2)", lights["intensity"].values, lights["voltage"].values,
        0.1 * lights["current_density"].values,
    )  # fmt: skip
    return found


@pytest.fixture(scope="module")
def measured(files: dict[str, Path]) -> losses.Waterfall:
    return workflows.measured_losses(**{name: str(path) for name, path in files.items()})


@pytest.fixture(scope="module")
def exact() -> losses.Waterfall:
    return losses.losses_of(pt.load("wbg-target"))


def kinds(found: losses.Waterfall, of: str) -> dict[str, float]:
    return {one.kind: one.value for one in found.of(of)}


def test_files_close_and_end_where_the_cell_does(measured: losses.Waterfall, exact: losses.Waterfall) -> None:
    assert sum(one.pce for one in measured.losses) == pytest.approx(
        measured.ideal.pce - measured.actual.pce, abs=1e-9
    )
    assert measured.ideal.pce == pytest.approx(exact.ideal.pce, rel=1e-3)
    assert measured.actual.pce == pytest.approx(exact.actual.pce, rel=1e-3)
    assert all(one.passed for one in measured.checks.values()), measured.checks


def test_what_files_tell_as_one_step_is_the_sum_of_what_the_cell_tells(
    measured: losses.Waterfall, exact: losses.Waterfall
) -> None:
    volts, own = kinds(measured, "voc"), kinds(exact, "voc")
    assert volts["radiative limit"] == pytest.approx(own["radiative limit"], abs=4e-3)
    rest = sum(value for kind, value in own.items() if kind != "radiative limit")
    assert volts["nonradiative"] == pytest.approx(rest, abs=4e-3)
    fill, own = kinds(measured, "ff"), kinds(exact, "ff")
    assert fill["ideality"] + fill["transport"] == pytest.approx(
        sum(value for kind, value in own.items() if kind != "lower voltage"), abs=1e-3
    )
    current, own = kinds(measured, "jsc"), kinds(exact, "jsc")
    assert current["tail"] == pytest.approx(own["tail"], abs=0.2)
    assert sum(current.values()) == pytest.approx(sum(own.values()), abs=0.5)


def test_what_is_missing_is_said_in_a_sentence_each(
    files: dict[str, Path], measured: losses.Waterfall
) -> None:
    said = " ".join(one.words for one in measured.missing)
    for words in ("reflectance", "half-stacks", "scan rate", "series resistance"):
        assert words in said
    alone = workflows.measured_losses(jv=str(files["jv"]))
    said = " ".join(one.words for one in alone.missing)
    assert "--bandgap" in said and "--suns-voc" in said and "--eqe" in said
    assert kinds(alone, "ff") == {
        "all": pytest.approx(sum(kinds(measured, "ff").values()), abs=0.01)
    } and not alone.of("voc")
    given = workflows.measured_losses(jv=str(files["jv"]), bandgap="1.79 eV")
    assert set(kinds(given, "voc")) == {"nonradiative"} and given.ideal.pce == pytest.approx(
        measured.ideal.pce, rel=2e-3
    )


def test_a_curve_without_an_area_has_no_current_and_keeps_its_volts(
    tmp_path: Path, files: dict[str, Path]
) -> None:
    whole = tmp_path / "whole.csv"
    lines = files["jv"].read_text(encoding="utf-8").splitlines()
    rows = [line.split(",") for line in lines[1:]]
    text = "\n".join(f"{volts},{1e-4 * float(current):.9g}" for volts, current in rows)
    whole.write_text(f"Voltage (V),Current (A)\n{text}\n", encoding="utf-8")
    found = workflows.measured_losses(jv=str(whole), eqe=str(files["eqe"]))
    assert any("--area" in one.words for one in found.missing)
    assert np.isnan(found.actual.jsc) and np.isnan(found.actual.pce)
    assert kinds(found, "voc")["nonradiative"] > 0.05
    with_area = workflows.measured_losses(jv=str(whole), eqe=str(files["eqe"]), area="0.1 cm^2")
    own = float(lab.jv.analyse(lab.jv.measure(pt.load("wbg-target")))["jsc"])
    assert with_area.actual.jsc == pytest.approx(own, rel=1e-3)


def test_reflectance_beside_the_efficiency_is_a_step_of_its_own(exact: losses.Waterfall) -> None:
    cell = pt.load("wbg-target")
    spectrum = lab.eqe.measure(cell)[["eqe", "reflectance"]]
    found = losses.losses_of_measured("cell", lab.jv.measure(cell), spectrum)
    own = kinds(exact, "jsc")
    reflected = own["reflection"] + own["incomplete absorption"]
    assert kinds(found, "jsc")["reflection"] == pytest.approx(reflected, abs=0.1)


def test_light_that_the_files_do_not_state_is_asked_for(files: dict[str, Path]) -> None:
    found = workflows.measured_losses(jv=str(files["jv"]), eqe=str(files["eqe"]))
    half = workflows.measured_losses(
        jv=str(files["jv"]), eqe=str(files["eqe"]), light={"light.intensity": "0.5 sun"}
    )
    assert any("--light" in note for note in found.notes)
    assert half.ideal.jsc == pytest.approx(0.5 * found.ideal.jsc, rel=1e-9)
    assert any("light, area or spot" in note for note in half.notes)


def test_what_a_person_says_is_not_asked_for_again(files: dict[str, Path]) -> None:
    def asked(**told: Any) -> list[str]:
        found = workflows.measured_losses(str(files["jv"]), **told)
        return [
            name for name in ("--light", "--temperature") if any(f"ive {name}" in one for one in found.notes)
        ]

    assert asked() == ["--light", "--temperature"]
    assert asked(light={"light.intensity": "1 sun"}) == ["--temperature"]
    assert asked(temperature="25 degC") == ["--light"]


def test_the_page_says_what_is_not_told(files: dict[str, Path], tmp_path: Path) -> None:
    from perotwin.workflows.losses import write_waterfalls

    found = workflows.measured_losses(str(files["jv"]))
    page, *_ = write_waterfalls([found], tmp_path)
    text = page.read_text(encoding="utf-8")
    assert found.missing and text.count("Not told: ") == len(found.missing)


def test_a_voltage_that_the_quantum_efficiency_cannot_give_is_said(
    files: dict[str, Path], tmp_path: Path
) -> None:
    wavelength = np.arange(300.0, 1000.0, 5.0)
    rows = [f"{one:.0f},{0.9 / (1.0 + np.exp((one - 900.0) / 5.0)):.6f}" for one in wavelength]
    other = tmp_path / "other.csv"
    other.write_text("\n".join(["Wavelength (nm),EQE", *rows]) + "\n", encoding="utf-8")
    found = workflows.measured_losses(str(files["jv"]), str(other))
    assert not all(one.passed for one in found.checks.values())
    assert any("above what a cell of this quantum efficiency can give" in one for one in found.notes)


def test_nothing_and_the_dark_are_refused() -> None:
    with pytest.raises(InputError, match="no measurement") as caught:
        losses.losses_of_measured("nothing")
    assert caught.value.advice
    dark = lab.jv.measure(pt.load("wbg-target").with_light(intensity="dark"))
    with pytest.raises(InputError, match="dark"):
        losses.losses_of_measured("dark", dark)


def test_what_is_nothing_has_no_sign() -> None:
    from perotwin.report.waterfalls import gained

    assert [gained(value) for value in (-1e-6, 1e-6, 0.0123, -0.0123)] == ["0.00", "0.00", "+1.23", "−1.23"]
