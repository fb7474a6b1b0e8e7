"""Time steps where next to nobody is: what is asked of densities there, how a step that leads nowhere ends."""

from __future__ import annotations

import numpy as np
import pytest

import perotwin as pt
from perotwin.lab import scan
from perotwin.stack import Stack
from perotwin.transport.build import build
from perotwin.transport.implicit_steps import Past
from perotwin.transport.kernels.implicit_step import NOBODY, Difference
from perotwin.transport.kernels.rows import stored_in
from perotwin.transport.schedule import Voltage
from perotwin.transport.time_series import Moment
from perotwin.transport.transient import Engine
from wide_outcomes import of_scan
from wide_time_draw import FIRST_SCAN
from wide_time_draw import scan as drawn

NAME = "wbg-control"


@pytest.fixture
def begun() -> tuple[Engine, Moment, Past]:
    """An engine, its cell settled in the dark, and that as a past."""
    engine = Engine(build(pt.load(NAME)))
    now = engine.settled(0.0, 0.0)
    engine._refresh(now)
    return engine, now, engine._past(0.0, now)


def _thinnest(engine: Engine, density: np.ndarray) -> int:
    """A site of the absorber whose holes are fewest."""
    device = engine.device
    layer = int(np.argmax(np.diff(device.x[device.site_node[device.site_start[:-1]]], append=0.0)))
    here = slice(device.site_start[layer] + 1, device.site_start[layer + 1] - 1)
    return int(here.start + np.argmin(density[here]))


def test_a_step_that_asks_for_a_negative_density_is_given_up_early(
    begun: tuple[Engine, Moment, Past],
) -> None:
    engine, now, past = begun
    rate = 1e9
    constraint = engine.constraint(Voltage(0.0), 0.0)
    none = np.zeros(engine.device.volume.size)
    assert engine._solve(now.copy(), constraint, none, Difference(rate, rate * past.stored), 120)[0]
    history = rate * past.stored
    holes = stored_in(engine.device, history).p
    holes[_thinnest(engine, holes)] = -1e-3 * holes.max()
    good, iterations = engine._solve(now.copy(), constraint, none, Difference(rate, history), 120)
    # what falls to a twentieth with each iteration is not followed until they are used up
    assert not good and iterations < 20


def test_next_to_nobody_is_not_asked_to_be_less_than_none(begun: tuple[Engine, Moment, Past]) -> None:
    engine, _, past = begun
    rate = 1e9
    was = stored_in(engine.device, past.stored)
    was.n[5], was.p[7], was.p[9] = 1e-20 * was.n.max(), 1e-18 * was.p.max(), 1e-3 * was.p.max()
    history = rate * past.stored
    asked = stored_in(engine.device, history)
    asked.n[5] = -0.5 * NOBODY * rate * was.n.max()
    asked.p[7] = -1e3 * NOBODY * rate * was.p.max()
    asked.p[9] = -1e-20 * rate * was.p.max()
    before = history.copy()
    found = stored_in(engine.device, engine._possible(history, rate, past))
    # of first order there; what somebody would miss stays, and so does all that is asked for in order
    assert found.n[5] == rate * was.n[5]
    expected = stored_in(engine.device, before)
    expected.n[5] = rate * was.n[5]
    for own, wanted in zip(found, expected, strict=True):
        assert np.array_equal(own, wanted)


def test_what_is_extrapolated_is_trusted_where_somebody_is_or_little_changes(
    begun: tuple[Engine, Moment, Past],
) -> None:
    engine, now, past = begun
    device, nodes = engine.device, engine.device.x.size
    was = stored_in(device, past.stored)
    thin, thick = int(device.site_node[np.argmin(was.p)]), int(device.site_node[np.argmax(was.p)])
    assert was.p.min() < NOBODY * was.p.max()
    values = past.smooth.copy()
    values[2 * nodes + thin] += 40.0
    values[2 * nodes + thick] += 40.0
    made = engine._guess(values, now, past).state
    assert made.fp[thin] == now.state.fp[thin] and made.fp[thick] == now.state.fp[thick] + 40.0
    # a little of it is, and a voltage that lifts all levels changes no density
    values = past.smooth.copy()
    values[2 * nodes + thin] += 0.5
    assert engine._guess(values, now, past).state.fp[thin] == now.state.fp[thin] + 0.5
    values = past.smooth.copy()
    values[2 * nodes : 3 * nodes] += 3.0
    values[-len(engine.problem.parts) :] += 3.0
    assert np.array_equal(engine._guess(values, now, past).state.fp, now.state.fp + 3.0)


@pytest.mark.slow
def test_carriers_that_nobody_counts_cost_no_iterations() -> None:
    """A cold cell whose densities span 250 decades: 14 iterations a time step where they were followed."""
    data, protocol = drawn(FIRST_SCAN + 32)
    cell = Stack.from_data(data, bare_numbers=True)
    found = scan.measure(cell, scan.Protocol(**protocol))["forward"]
    assert found.attrs["complete"] and found.attrs["iterations"] < 6.0 * found.attrs["steps"]


@pytest.mark.slow
def test_a_scan_on_adapted_meshes_is_whole_though_the_error_of_one_is_not_found() -> None:
    assert of_scan(FIRST_SCAN + 26) is None
