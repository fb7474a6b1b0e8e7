"""The figures of the reproduction: each once, of a stage; those of operation from what the rows have read."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from perotwin import progress
from perotwin.ageing import degradation
from perotwin.errors import ConvergenceError
from perotwin.measurement import describe
from perotwin.paper import claims
from perotwin.paper.bench import Bench, library_bench
from perotwin.paper.figures import FIGURES, Drawing
from perotwin.paper.rows import ROWS, STAGES, needed
from perotwin.paper.rows_of_hours import OPERATION
from perotwin.plotting import style
from perotwin.stack import load
from perotwin.workflows import age
from perotwin.workflows import reproduce as job

#: power over the first at the end, by row; made up
ENDS = dict(zip(OPERATION, (0.41, 0.83, 0.92), strict=True))


def course(cell: str, hours: float, end: float) -> xr.Dataset:
    time = 3600.0 * np.linspace(0.0, hours, 11)
    made = xr.Dataset(
        {"retained": ("time", np.linspace(1.0, end, 11))},
        {"time": time},
        {"instrument": "age", "stack": cell},
    )
    return describe(made)


@pytest.fixture
def aged(monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A bench that knows what became of its cells, and may not let them age."""
    monkeypatch.setattr(degradation.Run, "to_end", lambda *_: pytest.fail("aged a second time"))
    bench = library_bench()
    for name, (kind, condition, hours) in OPERATION.items():
        cell = {"singles": "wbg-", "tandems": "tandem-"}[kind] + condition
        bench.learn({("data", "retained", kind, condition, f"{hours:g}"): course(cell, hours, ENDS[name])})
    return bench


def drawn(name: str) -> Drawing:
    (found,) = (one for one in FIGURES if one.name == name)
    return found


def test_every_figure_has_one_name_a_stage_and_says_what_it_shows() -> None:
    assert len({one.name for one in FIGURES}) == len(FIGURES)
    assert {one.stage for one in FIGURES} == set(STAGES)
    assert all(one.caption.endswith(".") and one.paper.startswith("Fig. ") for one in FIGURES)


def test_rows_of_operation_and_their_curves_are_one_measurement(aged: Bench) -> None:
    for name, (kind, condition, hours) in OPERATION.items():
        found = ROWS[name](aged)
        assert found.value == pytest.approx(ENDS[name], abs=1e-12)
        assert found.data == (f"retained-{kind}-{condition}-{hours:g}",)
        assert ("retained", kind, condition, hours) in needed(ROWS[name].stage, aged)
        claim = claims.find(name)
        # the hours stand in the claim and in the command too
        assert f"{hours:g} h" in claim.says and f'"{hours:g} h"' in ROWS[name].command


@pytest.mark.parametrize(
    ("figure", "cells"),
    [
        ("fig-3f-operation", {"wbg-control": (41.0, 0), "wbg-target": (83.0, 1)}),
        ("fig-4e-operation", {"tandem-target": (92.0, 1)}),
    ],
)
def test_figures_of_operation_show_the_curves_and_what_the_paper_states(
    aged: Bench, figure: str, cells: dict[str, tuple[float, int]]
) -> None:
    one = drawn(figure)
    (axes,) = one.draw(aged).axes
    texts = {text.get_text(): text for text in axes.texts}
    for cell, (end, place) in cells.items():
        # one cell has one colour in all figures
        assert texts[f"{cell} {end:.1f} %"].get_color() == style.CELLS[place]
    rows = [claims.find(name) for name in OPERATION if claims.find(name).where == one.paper]
    assert len(rows) == len(cells)
    points = {
        (
            float(np.asarray(line.get_xdata())[0]),
            round(float(np.asarray(line.get_ydata())[0]), 9),
            line.get_marker(),
        )
        for line in axes.lines
        if np.size(line.get_xdata()) == 1
    }
    for row in rows:
        assert f"paper: {row.expects()}; twin: {row.label}" in texts
        stated, sign = (row.value, "o") if row.is_number else (row.below, "_")
        assert (OPERATION[row.name][2], round(100.0 * stated, 9), sign) in points
        assert ROWS[row.name].stage == one.stage


def test_what_is_marked_is_read_from_the_claims(aged: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = dict(claims.load())
    name = "tandem.operation.target_after_800_h"
    other = claims.Claim(name, "says", "Fig. 4e", "measured", "input", "fraction", above=0.77)
    monkeypatch.setattr(claims, "load", lambda: rows | {name: other})
    (axes,) = drawn("fig-4e-operation").draw(aged).axes
    assert "paper: above 77 %; twin: input" in {text.get_text() for text in axes.texts}


@pytest.mark.slow
def test_the_curve_is_that_of_the_command_beside_its_row() -> None:
    bench = library_bench()
    found = bench.retained_data("singles", "target", 2.0)
    cell = load("wbg-target")
    (one,) = age.age([cell], age.plans_for([cell], "ISOS-L-1", "2 h"), age.rates_for()[0])
    np.testing.assert_array_equal(found["time"], one.course.time)
    np.testing.assert_array_equal(found["retained"], one.course.retained)
    assert bench.retained("singles", "target", 2.0) == one.metrics["retained"].value


def test_a_figure_whose_measurement_failed_is_left_out_and_not_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(bench: Bench) -> Any:
        raise ConvergenceError("the cell was not followed.", "Look at the rates.")

    monkeypatch.setattr(job, "ROWS", {})
    monkeypatch.setattr(job, "STAGES", {"hours": "hours"})
    monkeypatch.setattr(job, "needed", lambda stage, bench: ())
    monkeypatch.setattr(job, "FIGURES", (Drawing("fig-0", "hours", "Fig. 0", "Nothing.", failing),))
    notes: list[str] = []

    class Listening(progress.Silent):
        def note(self, text: str) -> None:
            notes.append(text)

    with progress.listening(Listening()):
        assert job.reproduce(tmp_path, draws=0).complete
        assert "fig-0 is not drawn: the cell was not followed." in notes
        notes.clear()
        job.reproduce(tmp_path, draws=0)
        assert not any("not drawn" in note for note in notes)
        # what a run of fewer figures has kept lacks one
        kept = tmp_path / "stages" / "hours.json"
        kept.write_text(json.dumps(json.loads(kept.read_text(encoding="utf-8")) | {"drawn": []}))
        job.reproduce(tmp_path, draws=0)
        assert any("not drawn" in note for note in notes)
