"""What became of the wide draws of tandems, scans and spectra, in sentences; each case has its time."""

from __future__ import annotations

import signal
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import numpy as np

import perotwin as pt
from outcomes import PROTOCOL, fault
from perotwin.errors import ConvergenceError, PerotwinError
from perotwin.lab import impedance, jv, scan
from perotwin.measurement import checks_of
from perotwin.stack import Stack, Tandem
from perotwin.transport.build import build
from perotwin.transport.refinement import refined
from perotwin.transport.steady import NOTHING, Solver
from wide_draw import cell as drawn_cell
from wide_tandem_draw import tandem
from wide_time_draw import scan as drawn_scan
from wide_time_draw import spectrum as drawn_spectrum

#: processor time that one case may take, s
BUDGET = 40.0


class OutOfTime(BaseException):
    """A case took longer than its budget; no `Exception`, so that nothing on the way takes it for a failed solution."""


@cache
def _warm() -> None:
    """Once in a process: what has to be compiled or loaded is no case's time."""
    cell = pt.load("wbg-control")
    impedance.measure(cell)
    scan.measure(cell, scan.Protocol(rate="10 V/s", step="50 mV"))


def within_budget(outcome: Callable[[int], str | None]) -> Callable[[int], str | None]:
    """The same outcome, or that it took too long."""

    def ring(*_: Any) -> None:
        raise OutOfTime

    @wraps(outcome)
    def timed(seed: int) -> str | None:
        _warm()
        before = signal.signal(signal.SIGVTALRM, ring)
        # once more every second: one that rings inside a call from a library is lost
        signal.setitimer(signal.ITIMER_VIRTUAL, BUDGET, 1.0)
        try:
            return outcome(seed)
        except OutOfTime:
            return f"no result within {BUDGET:g} s of processor time"
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
            signal.signal(signal.SIGVTALRM, before)

    return timed


@within_budget
def of_tandem(seed: int) -> str | None:
    """What went wrong with the tandem of a seed; None if nothing did."""
    return fault(Tandem.from_data(tandem(seed), bare_numbers=True))


@within_budget
def of_scan(seed: int) -> str | None:
    """What went wrong with the scan of a seed; None if nothing did."""
    data, protocol = drawn_scan(seed)
    cell = Stack.from_data(data, bare_numbers=True)
    try:
        scans = scan.measure(cell, scan.Protocol(**protocol))
    except PerotwinError as error:
        return _told(error)
    for direction, one in scans.items():
        if not one.attrs["complete"] or not np.isfinite(one["current_density"].values).all():
            return f"the {direction} scan is not whole"
        failed = {name: row for name, row in checks_of(one).items() if not row.passed}
        if failed:
            return f"checks failed: {failed}"
    return None if len(scans) == len(protocol["directions"]) else "a scan is missing"


@within_budget
def of_spectrum(seed: int) -> str | None:
    """What went wrong with the spectrum of a seed; None if nothing did."""
    data, part = drawn_spectrum(seed)
    cell = Stack.from_data(data, bare_numbers=True)
    light = float(cell.light.intensity)
    try:
        bias: str | float = part
        if light > 0.0:
            bias = "open-circuit"
            if part < 1.0:
                solver = Solver(build(cell).all_moving())
                bias = part * float(impedance.bias_point(solver, "open-circuit", light).voltage[0])
        measured = impedance.measure(cell, impedance.Protocol(bias=bias))
    except PerotwinError as error:
        return _told(error)
    bad = [name for name, one in measured.data_vars.items() if name != "time_constant" and
           not np.isfinite(one.values).all()]  # fmt: skip
    if bad:
        return f"not finite: {', '.join(map(str, bad))}"
    failed = {name: row for name, row in checks_of(measured).items() if not row.passed}
    return f"checks failed: {failed}" if failed else None


@within_budget
def of_mesh(seed: int) -> str | None:
    """How far Voc and Jsc of a cell whose checks of the mesh hold are off those of a mesh four times as fine that is
    solved from the dark, in words: where that is more than 0.1 mV or 1e-3.
    """
    cell, protocol = Stack.from_data(drawn_cell(seed), bare_numbers=True), jv.Protocol(**PROTOCOL)
    suns = float(cell.light.intensity)
    try:
        solver, _, points, checks = jv.solved(cell, protocol)
        if not all(row.passed for row in checks.values()):
            return None
    except PerotwinError:
        # the draw of whole curves counts these
        return None
    fine = Solver(refined(refined(solver.problem)), solver.tolerance)
    try:
        there = jv.solved_points(fine, jv.curve(fine, protocol, suns), suns)
    except PerotwinError as error:
        return f"nothing to compare with: {_told(error)}"
    found = []
    if "open-circuit" in points and "open-circuit" in there:
        off = abs(float(there["open-circuit"].voltage[0] - points["open-circuit"].voltage[0]))
        found += [f"Voc off by {1e3 * off:.3g} mV"] if off > 1e-4 else []
    if "short-circuit" in points and "short-circuit" in there:
        near, far = (float(one["short-circuit"].current[0]) for one in (points, there))
        off = abs(far - near) / max(abs(far), NOTHING * suns * solver.problem.photocurrent_scale)
        found += [f"Jsc off by {off:.3g}"] if off > 1e-3 else []
    return "; ".join(found) or None


def _told(error: PerotwinError) -> str:
    if isinstance(error, ConvergenceError):
        assert error.stage and error.advice, "a failure that does not say where it happened and what to do"
        return f"ConvergenceError at {error.stage}: {error}"
    return f"{type(error).__name__}: {error}"
