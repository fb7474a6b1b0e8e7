"""Schedules that begin with what others began with before: it is run once, and they go on from where it ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import ConvergenceError

if TYPE_CHECKING:
    from perotwin.transport.schedule import Step
    from perotwin.transport.time_series import Moment, Trace
    from perotwin.transport.transient import Engine

__all__ = ["onwards"]

F64 = NDArray[np.float64]


def onwards(
    engine: Engine,
    steps: Sequence[Step],
    rest: Moment,
    held: Trace | None,
    stop: Callable[[float, float, float], bool] | None = None,
) -> Trace:
    """What a schedule gives (`Engine.run`).

    Args:
        rest: the cell before it.
        held: what its first step gave from there, if that was run before; `stop` is told of it all the same.

    Raises:
        ConvergenceError: as of `Engine.run`, with the trace and the place in the whole schedule.
    """
    if held is None:
        return engine.run(steps, rest, stop=stop)
    if not held.complete:
        return held
    if stop is not None and stop(float(held.time[-1]), float(held.voltage[-1]), float(held.current[-1])):
        return replace(held, complete=False)
    try:
        return _joined(held, engine.run(steps[1:], held.moments[-1], stop=stop))
    except ConvergenceError as error:
        error.context.update(trace=_joined(held, error.context["trace"]), step=1 + error.context["step"])
        raise


def _joined(held: Trace, then: Trace) -> Trace:
    """The trace of one step of a schedule and that of the others as one."""

    def both(name: str) -> F64:
        return np.concatenate((getattr(held, name), getattr(then, name)))

    return replace(
        then,
        time=np.concatenate((held.time, held.time[-1] + then.time)),
        step=np.concatenate((held.step, 1 + then.step)),
        voltage=both("voltage"),
        current=both("current"),
        light=both("light"),
        generated=both("generated"),
        moments=held.moments + then.moments,
        steps=held.steps + then.steps,
        iterations=held.iterations + then.iterations,
        # a trace without moments does not know how many species move
        ions=np.concatenate((held.ions, then.ions.reshape(then.time.size, held.ions.shape[1]))),
        constancy=both("constancy"),
        splitting=both("splitting"),
    )
