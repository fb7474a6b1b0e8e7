"""The radiative limit at moments in time: sound runs keep it, corrupted ones do not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import perotwin as pt
from perotwin.lab import mppt, scan, tpc, tpv
from perotwin.measurement import checks_of
from perotwin.transport.build import build
from perotwin.transport.radiative_limit import LIMIT
from perotwin.transport.schedule import OpenCircuit, Step, Voltage
from perotwin.transport.splitting_in_time import SplittingInTime, splitting_checks
from perotwin.transport.time_series import Trace
from perotwin.transport.transient import Engine

DATA = Path(__file__).parents[1] / "data" / "emission"
ROW = "splitting that emits above the limit of its light, in time (V)"

INSTRUMENTS: dict[str, Callable[[Any], list[Any]]] = {
    "tpv": lambda cell: [tpv.measure(cell)],
    "tpc": lambda cell: [tpc.measure(cell)],
    "scan": lambda cell: list(scan.measure(cell, scan.Protocol(step="20 mV", rate="10 V/s")).values()),
    "mppt": lambda cell: [mppt.measure(cell, mppt.Protocol(duration="20 s"))],
}


def _opened(name: str | Path) -> tuple[Engine, Trace]:
    """A cell at open circuit in steady light, that is doubled then and at last goes out."""
    engine = Engine(build(pt.load(name)))
    solver = engine.solver
    start = engine.moment(solver.open_circuit(solver.short_circuit(1.0), 1.0).state(0))
    steps = [Step(1e-6, OpenCircuit(), suns, points=4) for suns in (1.0, 2.0, 0.0)]
    return engine, engine.run(steps, start)


@pytest.mark.parametrize("kind", INSTRUMENTS)
def test_every_result_in_time_is_held_to_it(kind: str) -> None:
    for one in INSTRUMENTS[kind](pt.load("wbg-control")):
        found = checks_of(one)
        assert found[ROW].passed and found[ROW].limit == LIMIT
        assert all(row.passed for row in found.values()), found


def test_a_cell_that_radiates_only_stays_at_the_limit() -> None:
    """Nothing else takes carriers: what is not emitted is what the splitting still rises by, and after the light what
    is emitted is what was stored.
    """
    _, trace = _opened(DATA / "radiative_one.toml")
    assert trace.splitting.max() <= LIMIT
    assert trace.splitting[0] > -1e-4
    assert splitting_checks(trace.splitting)[ROW].passed


@pytest.mark.parametrize("name", ["fn", "fp", "generation", "past", "not a number"])
def test_corrupted_moments_fail(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the cell that radiates only: levels apart by 3 mV more, a fifth of the light less, nothing stored before."""
    sound = SplittingInTime.excess

    def corrupted(
        self: Any, moment: Any, rate: float, past: Any, held: Any, made: Any, current: float
    ) -> float:
        shift = 3e-3 / self._vt
        if name == "fn":
            moment = moment._replace(fn=moment.fn + shift)
        elif name == "fp":
            moment = moment._replace(fp=moment.fp - shift)
        elif name == "generation":
            made = 0.8 * made
        elif name == "past":
            past = past._replace(n=0.0 * past.n, p=0.0 * past.p)
        else:
            moment = moment._replace(fn=np.where(np.arange(moment.fn.size) == 60, np.nan, moment.fn))
        return sound(self, moment, rate, past, held, made, current)

    monkeypatch.setattr(SplittingInTime, "excess", corrupted)
    _, trace = _opened(DATA / "radiative_one.toml")
    assert not splitting_checks(trace.splitting)[ROW].passed


def test_no_limit_without_detailed_balance() -> None:
    engine = Engine(build(pt.load("cell-b")))
    trace = engine.run([Step(1e-6, Voltage(0.5), 1.0)], engine.settled(0.5, 1.0))
    assert splitting_checks(trace.splitting) == {}


@pytest.mark.parametrize("name", ["tandem-target", "patchy-tandem"])
def test_junctions_that_light_each_other_keep_it(name: str) -> None:
    engine, trace = _opened(name)
    assert np.isfinite(trace.splitting).all()
    assert splitting_checks(trace.splitting)[ROW].passed
    assert engine.net.emitter.size > 0
