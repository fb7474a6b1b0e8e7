"""The two reference cells that other codes can rebuild, through the front doors that people use."""

import json

import pytest

import perotwin as pt
from devices import metrics
from perotwin.cli import main

#: Voc (V), Jsc (A m^-2), FF: two independent codes agree on A1 to 0.1 mV, 0.02 % and 1e-4 on equal grids
REFERENCE = {"cell-a": (1.2946, 224.28, 0.8424), "cell-b": (1.1296, 216.21, 0.8092)}


@pytest.mark.parametrize("name", REFERENCE)
def test_reference_cells(name: str) -> None:
    voc, jsc, ff = REFERENCE[name]
    found = metrics(pt.load(name))
    assert found["voc"] == pytest.approx(voc, abs=5e-4)
    assert found["jsc"] == pytest.approx(jsc, rel=5e-4)
    assert found["ff"] == pytest.approx(ff, abs=5e-4)


def test_reference_cells_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(("jv", *REFERENCE, "--json"))
    assert not left.value.code
    results = json.loads(capsys.readouterr().out)["results"]
    for result, (name, (voc, jsc, ff)) in zip(results, REFERENCE.items(), strict=True):
        assert result["stack"] == name
        assert all(row["passed"] for row in result["checks"].values())
        (scan,) = result["scans"]
        found = {key: entry["value"] for key, entry in scan["metrics"].items()}
        assert found["voc"] == pytest.approx(voc, abs=5e-4)
        assert found["jsc"] == pytest.approx(jsc / 10, rel=5e-4)
        assert found["ff"] == pytest.approx(ff * 100, abs=0.05)


@pytest.mark.parametrize("name", REFERENCE)
def test_metrics_do_not_depend_on_the_voltage_step(name: str) -> None:
    fine, coarse = metrics(pt.load(name), step="10 mV"), metrics(pt.load(name), step="80 mV")
    assert fine["voc"] == pytest.approx(coarse["voc"], abs=1e-9)
    assert fine["jsc"] == pytest.approx(coarse["jsc"], rel=1e-9)
    assert fine["ff"] == pytest.approx(coarse["ff"], rel=1e-6)
