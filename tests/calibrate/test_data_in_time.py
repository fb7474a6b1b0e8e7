"""What time steps leave over in scans and decays that cells are compared with: less than data can tell."""

from __future__ import annotations

import numpy as np
import pytest

import perotwin as pt
from perotwin.calibrate import data_in_time
from perotwin.calibrate.synthetic import plan
from perotwin.calibrate.twin import Twin

pytestmark = pytest.mark.slow

#: of the allowed error of a step: what results converge to
FINE = 3e-2


def left_over(kind: str, rate: float | None = None, coarser: float = 1.0) -> float:
    """Sum of squares of what the steps of fits leave over, in standard deviations of a planned measurement."""
    from dataclasses import replace

    cell = pt.load("wbg-control")
    (one,) = plan(cell, [kind], Twin(cell))
    if rate is not None:
        one = replace(one, rate=rate)
    coarse, fine = (one._model(Twin(cell), {}, {}, finer) for finer in (coarser, FINE))
    sd = np.sqrt(fine) if kind.startswith("trpl") else one._data[2]
    return float((((coarse - fine) / sd) ** 2).sum())


@pytest.mark.parametrize(
    "asked", [("trpl",), ("trpl film/c60",), ("scan", 0.1), ("scan", 1.0)], ids=lambda asked: str(asked)
)
def test_time_steps_move_no_number_by_a_third_of_what_data_tell(asked: tuple) -> None:
    """A sum of squares of x moves a number by the root of x times its standard deviation at most."""
    assert left_over(*asked) < 0.1


def test_steps_that_are_too_coarse_would_be_seen() -> None:
    assert left_over("trpl", coarser=100.0) > 1.0


@pytest.mark.parametrize(
    "asked",
    [
        ("scan", ("perovskite.ions.diffusion_coefficient", "perovskite.ions.density")),
        ("trpl", ("perovskite.lifetime", "perovskite.mobility")),
    ],
    ids=lambda asked: str(asked[0]),
)
def test_slopes_of_steps_converge_to_those_of_runs(
    asked: tuple[str, tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With steps of no error the slopes of these steps are differences of runs that choose their own."""
    kind, fields = asked
    cell = pt.load("wbg-control")
    (one,) = plan(cell, [kind], Twin(cell))
    sizes = np.array([float(cell.get(path)) for path in fields])

    def slopes(finer: float) -> np.ndarray:
        monkeypatch.setattr(data_in_time, "_SCAN", finer * scan)
        monkeypatch.setattr(data_in_time, "_DECAY", finer * decay)
        return one.slopes(Twin(cell), {}, {}, fields)[:, : len(fields)] * sizes

    scan, decay = data_in_time._SCAN, data_in_time._DECAY
    taken, fine = slopes(1.0), slopes(FINE)
    largest = np.abs(fine).max(axis=0)
    assert (np.abs(taken - fine).max(axis=0) < 0.01 * largest).all()
    # of a central difference, whose own error goes as its square
    step = 0.004
    for number, (path, size) in enumerate(zip(fields, sizes, strict=True)):
        high, low = (
            one.residuals(Twin(cell), {path: size * np.exp(sign * step)}, {}) for sign in (1.0, -1.0)
        )
        error = np.abs((high - low) / (2.0 * step) - fine[:, number]).max()
        assert error < 1e-3 * largest[number]
