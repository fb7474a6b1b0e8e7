"""Meshes that are fine enough: how one is chosen, and that instruments which rest on a steady state are on one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import perotwin as pt
from perotwin.errors import ConvergenceError
from perotwin.lab import el, eqe, impedance, meshes, mppt, open_circuit, scan, tpc, tpv
from perotwin.lab.meshes import Attempt, until_fine
from perotwin.measurement import check, checks_of
from perotwin.transport.build import build
from perotwin.transport.mesh import DENSITY, Like
from perotwin.transport.refinement import FINER
from perotwin.transport.steady import Solver


def _trial(
    errors: dict[float, float], missing: tuple[float, ...] = (), raises: tuple[float, ...] = ()
) -> Any:
    """Attempts whose error at each factor of the density is known, and the factors that were tried."""
    tried: list[float] = []

    def attempt(density: float) -> Attempt[float]:
        factor = density / DENSITY
        tried.append(factor)
        if factor in raises:
            raise ConvergenceError("no.", "Look elsewhere.", voltage=0.0, stage="light")
        return Attempt(factor, {"mesh": check(errors[factor], 1.0)}, factor not in missing)

    return attempt, tried


ERRORS = {1.0: 30.0, 2.0: 8.0, 4.0: 0.5, 8.0: 0.1}


def test_the_first_mesh_that_is_fine_enough_is_taken() -> None:
    attempt, tried = _trial(ERRORS)
    best = until_fine(attempt)
    assert best.found == 4.0 and best.checks["mesh"].passed and tried == [1.0, 2.0, 4.0]


def test_where_none_is_the_finest_stands_and_fails() -> None:
    attempt, tried = _trial(dict.fromkeys(FINER, 2.0))
    best = until_fine(attempt)
    assert best.found == FINER[-1] and not best.checks["mesh"].passed and tried == list(FINER)


@pytest.mark.parametrize("how", [{"missing": (2.0,)}, {"raises": (2.0,)}])
def test_a_finer_one_that_reaches_less_is_left(how: Any) -> None:
    attempt, tried = _trial(ERRORS, **how)
    best = until_fine(attempt)
    assert best.found == 1.0 and not best.checks["mesh"].passed and tried == [1.0, 2.0]


def test_what_is_not_whole_is_not_tried_on_finer_ones() -> None:
    attempt, tried = _trial(ERRORS, missing=(1.0,))
    assert until_fine(attempt).found == 1.0 and tried == [1.0]


def test_nothing_at_all_is_an_error() -> None:
    attempt, _ = _trial(ERRORS, raises=(1.0,))
    with pytest.raises(ConvergenceError):
        until_fine(attempt)


def test_the_finest_mesh_is_asked_again_and_keeps_few_nodes_elsewhere() -> None:
    """What coarser meshes do not show, a layer of carriers thinner than their intervals, comes to light on it."""
    errors, asked = iter([15.0, 329.0, 500.0, 436.0, 17.0, 0.3]), []

    def attempt(density: Any) -> Attempt[Any]:
        def finer(least: float) -> Like:
            asked.append((density, least))
            return Like({("made",): ()})

        return Attempt(density, {"mesh": check(next(errors), 1.0)}, finer=finer)

    best = until_fine(attempt)
    assert best.passed and isinstance(best.found, Like)
    assert asked == [(2.0 * DENSITY, 0.5), (8.0 * DENSITY, 0.125)]


def test_what_is_not_fine_enough_at_twice_the_density_is_made_finer_where_the_error_comes_from() -> None:
    tried: list[Any] = []

    def attempts(errors: list[float]) -> Any:
        left = iter(errors)

        def attempt(density: Any) -> Attempt[int]:
            tried.append(density)
            checked = {"mesh": check(next(left), 1.0)}
            return Attempt(len(tried), checked, finer=lambda _: Like({("made",): ()}))

        return attempt

    best = until_fine(attempts([30.0, 8.0, 3.0, 0.5]))
    assert best.found == 4 and best.passed
    assert tried[:2] == [DENSITY, 2.0 * DENSITY] and all(isinstance(one, Like) for one in tried[2:])
    # what gains nothing goes on: the error stays until a mesh shows what it comes from
    tried.clear()
    best = until_fine(attempts([30.0, 1239.0, 1202.0, 1183.0, 1160.0, 15.0, 0.5]))
    assert best.found == 7 and best.passed and all(isinstance(one, Like) for one in tried[2:])
    # what goes astray is left, and the mesh is made finer everywhere
    tried.clear()
    best = until_fine(attempts([30.0, 8.0, 13.0, 0.5]))
    assert best.found == 4 and tried[3] == 4.0 * DENSITY
    # and what is worth less than before does not take its place
    tried.clear()
    best = until_fine(attempts([30.0, 8.0, 3.0, 2.9, 4.4, 4.0, 3.5, 9.0]))
    assert best.found == 4 and len(tried) == 8 and not best.passed
    # an error that falls fast is left to a mesh that is finer everywhere, and is asked where it comes from if it stays
    tried.clear()
    best = until_fine(attempts([30.0, 5.0, 0.9]))
    assert best.found == 3 and best.passed and tried[2] == 4.0 * DENSITY
    tried.clear()
    best = until_fine(attempts([30.0, 5.0, 2.0, 0.9]))
    assert best.found == 4 and best.passed and isinstance(tried[3], Like)
    # what seems worth less than the usual mesh shows where its error comes from all the same
    tried.clear()
    best = until_fine(attempts([30.0, 90.0, 3.0, 0.5]))
    assert best.found == 4 and best.passed and all(isinstance(one, Like) for one in tried[2:])
    # and does not take its place
    tried.clear()
    best = until_fine(attempts([30.0, 90.0, 40.0, 39.0, 59.0, 50.0, 60.0, 95.0]))
    assert best.found == 1 and not best.passed and len(tried) == 8
    # an error that is not known comes from nowhere
    tried.clear()
    assert until_fine(attempts([30.0, float("nan"), 0.5])).found == 3 and tried[2] == 4.0 * DENSITY
    # but an adapted mesh whose error is not found is passed over, and tells where the next one is finer
    tried.clear()
    best = until_fine(attempts([30.0, 8.0, float("nan"), 0.5]))
    assert best.found == 4 and best.passed and isinstance(tried[3], Like)
    # and one that was known stands, with what it is worth, where no later one is found
    tried.clear()
    best = until_fine(attempts([30.0, 8.0, 3.0, *[float("nan")] * 7, 9.0, 9.0, 14.0]))
    assert best.found == 3 and not best.passed and len(tried) == 13


def test_no_current_in_the_dark_has_no_mesh() -> None:
    solver = Solver(build(pt.load("cell-b"), light=False))
    assert meshes.at_bias(solver, solver.sweep([0.0], 0.0), 0.0, 0.0) == {}
    (row,) = meshes.at_bias(solver, solver.sweep([1.0], 0.0), 1.0, 0.0).values()
    assert row.passed and row.value > 0.0


def test_where_open_circuit_is_not_found_a_current_says_what_the_mesh_costs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nowhere(*_: object) -> None:
        raise ConvergenceError("no.", "Look elsewhere.", voltage=0.0, stage="open circuit")

    monkeypatch.setattr(open_circuit, "of_curve", nowhere)
    cell = pt.load("mapi-tio2-spiro")
    usual, coarse = (
        open_circuit.of_cell(Solver(build(cell, density=density)), 1.0)
        for density in (DENSITY, DENSITY / 4.0)
    )
    assert list(usual.of_mesh) == list(coarse.of_mesh) == [CURRENT]
    assert 0.0 < usual.of_mesh[CURRENT].value < 0.25 * coarse.of_mesh[CURRENT].value
    assert usual.of_mesh[CURRENT].passed and coarse.finer(1.0) is not None


VOC, CURRENT = "Voc on a mesh twice as fine, V", "current on a mesh twice as fine, relative"
INSTRUMENTS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "eqe": (eqe.measure, CURRENT),
    "el": (el.measure, VOC),
    "impedance": (impedance.measure, VOC),
    "impedance at 0 V": (lambda cell: impedance.measure(cell, impedance.Protocol(bias="0 V")), CURRENT),
    "tpv": (tpv.measure, VOC),
    "tpc": (tpc.measure, CURRENT),
    "scan": (lambda cell: scan.measure(cell, scan.Protocol(rate="10 V/s", step="50 mV"))["reverse"], VOC),
    "mppt": (lambda cell: mppt.measure(cell, mppt.Protocol(duration="20 s")), VOC),
}


@pytest.mark.parametrize("kind", INSTRUMENTS)
def test_each_says_what_its_mesh_costs(kind: str) -> None:
    measure, row = INSTRUMENTS[kind]
    found = checks_of(measure(pt.load("wbg-target")))
    assert found[row].passed and found[row].value > 0.0


def test_a_coarse_mesh_is_left_for_a_finer_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a mesh a quarter as dense as usual open circuit is off: it is refined until it is not."""
    from perotwin.transport import mesh

    usual = impedance.measure(pt.load("mapi-tio2-spiro")).attrs["voltage"]
    monkeypatch.setattr(mesh, "DENSITY", DENSITY / 4.0)
    found = impedance.measure(pt.load("mapi-tio2-spiro"))
    assert checks_of(found)[VOC].passed
    assert found.attrs["voltage"] == pytest.approx(usual, abs=2e-4)
