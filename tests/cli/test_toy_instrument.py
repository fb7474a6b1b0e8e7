"""An instrument that nothing but this file knows is run, written and shown like those of perotwin."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import perotwin as pt
from perotwin import lab, measurement
from perotwin.errors import InputError
from perotwin.lab import conditions, registry
from perotwin.measurement import Instrument, Metric, Metrics, Term, Variable, check, make_dataset
from perotwin.plotting import style
from perotwin.report import machine
from perotwin.stack.quantity_fields import Length, Model
from perotwin.units import Quantity

# --- the instrument: how loud sound comes back from a cell, against the wavelength of the sound ----------------------


class Protocol(Model):
    """longest : wavelength of the sound (m)."""

    longest: Length = Quantity(2e-6, "2 um", dimension="length")


def measure(cell: pt.Stack, protocol: Protocol | None = None) -> Any:
    protocol = protocol or Protocol()
    length = np.linspace(0.1, 1.0, 10) * float(protocol.longest)
    thickness = sum(float(layer.thickness) for layer in cell.electrical_layers)
    return make_dataset(
        INSTRUMENT,
        {
            "loudness": ("sound", np.sin(2.0 * np.pi * thickness / length) ** 2),
            "pitch": ("sound", 5e3 / length),
        },
        {"sound": length},
        about={**conditions.about(cell, protocol, 0.0), "acoustic_thickness": thickness},
        checks={"echo no louder than the sound": check(0.0, 1.0)},
        notes=["the echo of a toy."],
    )


def analyse(dataset: Any) -> Metrics:
    return Metrics(
        {"acoustic_thickness": Metric(float(dataset.attrs["acoustic_thickness"]), "m", "time of flight")}
    )


def plot(datasets: Any, ax: Any = None) -> Any:
    items: Sequence[Any] = style.as_list(datasets)
    with style.context():
        made, axes = style.new_axes(ax)
        for item in items:
            axes.plot(item["sound"].values * 1e6, item["loudness"].values)
        axes.set_xlabel(style.axis_label("sound"))
        return made


INSTRUMENT = Instrument(
    name="echo",
    title="echoes of sound",
    protocol=Protocol,
    measure=measure,
    analyse=analyse,
    plot=plot,
    caption="Echoes that {cells} give back.",
    variables=(
        Variable(
            "sound", ("sound",), term=Term("Λ", r"$\Lambda$", "m", "um", 1e6, "wavelength of the sound")
        ),
        Variable(
            "loudness",
            ("sound",),
            required=True,
            term=Term("E", "$E$", "1", "%", 100.0, "loudness of the echo"),
        ),
        Variable("pitch", ("sound",), written=False, term=Term("f", "$f$", "Hz", "Hz", 1.0, "pitch")),
    ),
)


# --- by registration, and by the entry point of another package ------------------------------------------------------


@pytest.fixture(params=["registered", "brought by a package"])
def echo(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if request.param == "registered":
        lab.register(INSTRUMENT)
        yield
        lab.withdraw("echo")
        return
    installed(tmp_path / "site", "echo = echo_package:INSTRUMENT", monkeypatch)
    monkeypatch.setitem(sys.modules, "echo_package", sys.modules[Protocol.__module__])
    yield


def installed(site: Path, entries: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package with these entry points, as pip leaves it."""
    folder = site / "echo_package-1.0.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: echo-package\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(f"[{registry.GROUP}]\n{entries}\n")
    monkeypatch.syspath_prepend(str(site))


@pytest.mark.usefixtures("echo")
def test_a_run_does_it_and_writes_and_shows_it(cli, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = cli("run", "cell-a", "cell-b", "--experiments", "echo", "-o", str(out), "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document == json.loads((out / "results.json").read_text())
    entry = document["results"][0]
    thickness = sum(float(layer.thickness) for layer in pt.load("cell-a").electrical_layers)
    assert entry["echo"]["acoustic_thickness"]["value"] == pytest.approx(1e9 * thickness)
    assert entry["echo"]["acoustic_thickness"]["unit"] == "nm"
    assert entry["notes"] == ["the echo of a toy."] and list(entry["checks"]) == [
        "echo no louder than the sound"
    ]
    kept = measurement.load(out / "cell-a" / "echo.nc")
    assert measurement.validate(kept) is kept
    assert kept["sound"].attrs == {"units": "m", "long_name": "wavelength of the sound"}
    html = (out / "report.html").read_text()
    assert "<h3>Echoes of sound</h3>" in html and "Echoes that cell-a and cell-b give back." in html
    assert "acoustic_thickness" in html and (out / "figures" / "echo.svg").exists()
    # a second run replaces the files of the first one: they are its own
    assert cli("run", "cell-a", "--experiments", "echo", "-o", str(out)).returncode == 0


@pytest.mark.usefixtures("echo")
def test_people_find_it_and_its_own_document_has_the_units_that_they_read(cli) -> None:
    assert "echo" in cli("run", "--help").stdout
    done = cli("run", "cell-a", "--experiments", "ecko", "--json")
    assert 'Did you mean "echo"?' in json.loads(done.stdout)["error"]["advice"]
    found = lab.known("echo")
    made = found.measure(pt.load("cell-a"))
    entry = machine.instrument_result(found, made, found.analyse(made))
    assert entry["sound"] == {"value": pytest.approx(np.linspace(0.2, 2.0, 10)), "unit": "um"}
    assert entry["loudness"]["unit"] == "%" and "pitch" not in entry
    assert set(entry) == {
        "stack", "light", "temperature", "metrics", "sound", "loudness", "protocol", "checks", "notes",
    }  # fmt: skip


def test_without_it_nothing_knows_it(cli) -> None:
    assert "echo" not in cli("run", "--help").stdout
    assert lab.find("echo") is None


# --- what cannot be ------------------------------------------------------------------------------------------------


def test_a_package_that_is_broken_is_said_and_left_out(
    cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = "missing = no_such_package:INSTRUMENT\nfloat = math:pi\njv = echo_package:INSTRUMENT\n"
    installed(tmp_path, entries + "echo = echo_package:INSTRUMENT", monkeypatch)
    monkeypatch.setitem(sys.modules, "echo_package", sys.modules[Protocol.__module__])
    done = cli("run", "cell-a", "--experiments", "echo", "--json")
    assert done.returncode == 0
    assert "echo" in json.loads(done.stdout)["results"][0]
    for sentence in (
        'the instrument "missing" of the package echo-package (no_such_package:INSTRUMENT) is left out: it cannot be '
        "loaded (ModuleNotFoundError",
        'the instrument "float" of the package echo-package (math:pi) is left out: what it points at is no perotwin',
        'the instrument "jv" of the package echo-package (echo_package:INSTRUMENT) is left out: the instrument that it '
        'points at is called "echo"',
    ):
        assert sentence in " ".join(done.stderr.split()), done.stderr
    asked = cli("run", "cell-a", "--experiments", "missing", "--json")
    assert asked.returncode == 2 and 'no experiment "missing"' in json.loads(asked.stdout)["error"]["message"]


def test_a_name_or_a_quantity_that_is_taken_is_refused() -> None:
    from dataclasses import replace

    with pytest.raises(InputError, match='an instrument "jv" already'):
        lab.register(replace(INSTRUMENT, name="jv"))
    with pytest.raises(InputError, match="cannot be called"):
        replace(INSTRUMENT, name="my echo")
    voltage = Variable("voltage", ("sound",), term=Term("V", "$V$", "1", "1", 1.0, "volume"))
    with pytest.raises(InputError, match='"voltage" is the voltage in V already'):
        replace(INSTRUMENT, variables=(voltage,))


def test_a_measurement_without_what_the_instrument_declares_is_refused() -> None:
    with pytest.raises(ValueError, match="a echo measurement needs 'loudness'"):
        make_dataset(INSTRUMENT, {}, {"sound": [1.0]}, about={}, checks={})
