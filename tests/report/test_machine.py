"""Machine output keeps its promise: field units, nulls instead of NaN, one schema for every instrument."""

import json
import math

import numpy as np
import pytest

import perotwin as pt
import synthetic
from perotwin.errors import ConvergenceError
from perotwin.measurement import Metric, Metrics
from perotwin.report import CellResult, machine

METRICS = Metrics(
    {"voc": Metric(1.3, "V", "root of J"), "jsc": Metric(175.0, "A m-2"), "ff": Metric(0.81, "1")}
)


def as_read(document: object) -> dict:
    """The document as a program that reads stdout gets it; NaN would be refused."""
    text = machine.to_text(document)
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))


def test_a_scan_has_metrics_curve_and_checks() -> None:
    result = machine.instrument_result(pt.lab.jv.INSTRUMENT, synthetic.jv(fail=True), METRICS)
    document = as_read(machine.document([result]))
    assert document["schema"] == 1
    assert document["perotwin"] == pt.__version__
    (read,) = document["results"]
    assert read["stack"] == "toy"
    (scan,) = read["scans"]
    assert scan["direction"] == "steady"
    assert list(scan["metrics"]) == ["voc", "jsc", "ff", "pce", "vmp", "jmp"]
    assert scan["metrics"]["jsc"] == {"value": 17.5, "unit": "mA/cm^2"}
    assert scan["metrics"]["ff"]["value"] == pytest.approx(81.0)
    assert scan["metrics"]["pce"] == {"value": None, "unit": "%"}
    assert scan["curve"]["voltage"]["unit"] == "V"
    assert scan["curve"]["current_density"]["unit"] == "mA/cm^2"
    assert scan["curve"]["current_density"]["value"][0] == pytest.approx(17.5)
    assert read["checks"]["current continuity"] == {"value": 1e-2, "limit": 1e-6, "passed": False}


def test_a_point_that_did_not_converge_is_null_not_a_number() -> None:
    dataset = synthetic.jv()
    dataset["converged"][5] = False
    dataset["current_density"][7] = np.nan
    (scan,) = as_read(machine.instrument_result(pt.lab.jv.INSTRUMENT, dataset, METRICS))["scans"]
    assert [i for i, value in enumerate(scan["curve"]["current_density"]["value"]) if value is None] == [5, 7]


def test_eqe_is_a_fraction_against_nanometres() -> None:
    metrics = Metrics({"jsc_integrated": Metric(173.2, "A m-2")})
    read = as_read(machine.instrument_result(pt.lab.eqe.INSTRUMENT, synthetic.eqe(), metrics))
    assert read["wavelength"]["unit"] == "nm"
    assert read["wavelength"]["value"][0] == pytest.approx(300)
    assert read["eqe"]["unit"] == "1"
    assert max(read["eqe"]["value"]) < 1
    assert read["bandgap"] == {"value": None, "unit": "eV"}
    assert read["jsc_integrated"] == {"value": pytest.approx(17.32), "unit": "mA/cm^2"}
    assert set(read["absorptance"]) == {"glass", "ito", "niox", "c60", "ag", "perovskite"}


def test_bands_by_state() -> None:
    dataset = synthetic.bands()
    read = as_read(machine.instrument_result(pt.lab.bands.INSTRUMENT, dataset, pt.lab.bands.analyse(dataset)))
    assert [state["state"] for state in read["states"]] == [
        "dark", "short-circuit", "maximum-power", "open-circuit",
    ]  # fmt: skip
    assert read["x"]["unit"] == "nm"
    assert len(read["x"]["value"]) == len(read["layer"]) == len(read["states"][0]["conduction_band"]["value"])
    assert read["states"][0]["electron_density"]["unit"] == "cm^-3"


def test_an_error_says_type_message_advice_and_how_far_it_came() -> None:
    error = ConvergenceError("no solution at 1.2 V.", "Try a finer step.", voltage=1.2, stage="bias")
    read = as_read(machine.document([], error))["error"]
    assert read["type"] == "ConvergenceError"
    assert read["message"] == "no solution at 1.2 V."
    assert read["advice"] == "Try a finer step."
    assert read["voltage"] == {"value": 1.2, "unit": "V"}
    assert read["stage"] == "bias"


def test_the_main_job_reports_what_is_absent_and_what_failed() -> None:
    cell = pt.load("cell-a")
    result = CellResult("cell-a", cell, {"jv": synthetic.jv("cell-a")}, METRICS)
    result.absent["eqe"] = pt.errors.InputError("generation is prescribed.", "Use optics.")
    result.error = ConvergenceError("no solution.", "Look at the contacts.")
    read = as_read(machine.cell_result(result))
    assert read["scans"][0]["metrics"]["voc"]["value"] == 1.3
    assert read["absent"]["eqe"]["message"] == "generation is prescribed."
    assert read["error"]["type"] == "ConvergenceError"


def test_numbers_of_every_kind_become_plain_json() -> None:
    mixed = {
        "a": np.float32(1.5),
        "b": np.array([1, np.inf]),
        "c": (True, None),
        "d": math.nan,
        "e": np.int64(3),
    }
    assert as_read(mixed) == {"a": 1.5, "b": [1, None], "c": [True, None], "d": None, "e": 3}
