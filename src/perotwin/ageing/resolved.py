"""A cell through minutes with everything followed: slow states, ions, carriers and displacement.

    found = resolved(cell, mechanisms, Stretch(1200.0), pieces=120)

Nothing is slaved to anything: between its pieces the cell is rebuilt with the states that it has then, and goes on from
where it was. It is what the multirate run (`degradation`) is held against, and what there is where that is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.ageing.conditions import Stretch
from perotwin.ageing.degradation import Run
from perotwin.ageing.mechanisms import Acting, Here
from perotwin.ageing.operating_point import Devices
from perotwin.transport import device as dv
from perotwin.transport.schedule import Step, Voltage
from perotwin.transport.time_series import Moment
from perotwin.transport.transient import Engine

if TYPE_CHECKING:
    from perotwin.ageing.mechanisms import Mechanism
    from perotwin.recipe.sample import Sample
    from perotwin.stack import Cell
    from perotwin.transport.junction import Junction

__all__ = ["Resolved", "resolved"]

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Resolved:
    """Moments (M,) s, power (M,) W m^-2, voltage (M,) V, and by mechanism its state (M,)."""

    time: F64
    power: F64
    voltage: F64
    states: dict[str, F64]


def resolved(
    cell: Cell,
    mechanisms: Sequence[Mechanism],
    stretch: Stretch,
    sample: Sample | None = None,
    *,
    pieces: int = 120,
    tolerance: float = 1e-3,
) -> Resolved:
    """Follow all that moves through one stretch, at the voltage of most power of each moment's settled cell.

    Args:
        cell, mechanisms, sample: as of `degradation.Run`. stretch: of light, tracked at maximum power.
        pieces: in which the slow states are held and the rest is followed; second order in their length.
        tolerance: local error of the steps of time.

    Raises:
        ConvergenceError: a step could not be taken.
    """
    run = Run(cell, mechanisms, [stretch], sample=sample, lag=np.inf)
    at = run.at(stretch.temperature)
    state = np.array([one.start for one in at])
    step = stretch.duration / pieces
    times, powers, volts, states = [0.0], [], [], [state.copy()]
    moment: Moment | None = None
    with Devices(cell) as devices:
        first = devices.at(run.changes(state, at), stretch.light, stretch.bias, stretch.temperature)
        powers.append(first.power)
        volts.append(first.voltage)
        here = run.conditions(stretch, state, first)
        before = _slopes(at, state, here)
        for number in range(pieces):
            # the cell of the middle of the piece
            ahead = state + 0.5 * step * before
            settled = devices.at(run.changes(ahead, at), stretch.light, stretch.bias, stretch.temperature)
            engine = Engine(settled.problem.all_moving(), tolerance)
            begin = (
                engine.settled(first.voltage, stretch.light) if moment is None else _carried(engine, moment)
            )
            trace = engine.run(
                [Step(step, Voltage(settled.voltage), stretch.light, points=2)], begin, keep=True
            )
            middle, moment = trace.moments
            here = _here(run, ahead, middle, engine, stretch)
            rate = _slopes(at, ahead, here)
            state, before = state + step * rate, rate
            times.append((number + 1) * step)
            powers.append(float(trace.voltage[0] * trace.current[0]))
            volts.append(settled.voltage)
            states.append(state.copy())
    # the power of a piece belongs to its middle
    middles = np.concatenate([[0.0], np.asarray(times[:-1]) + 0.5 * step])
    table = np.array(states)
    half = np.vstack([table[:1], 0.5 * (table[1:] + table[:-1])])
    return Resolved(
        middles, np.array(powers), np.array(volts), {name: half[:, k] for k, name in enumerate(run.names)}
    )


def _slopes(at: Sequence[Acting], state: F64, here: dict[str, Here]) -> F64:
    return np.array(
        [one.rate(float(value), here[one.junction]) for one, value in zip(at, state, strict=True)]
    )


def _carried(engine: Engine, moment: Moment) -> Moment:
    """A moment of the cell before as one of the cell that it has become."""
    made = moment.copy()
    made.device = engine.device
    return made


def _here(run: Run, state: F64, moment: Moment, engine: Engine, stretch: Stretch) -> dict[str, Here]:
    """Conditions of each junction, from the carriers of a moment."""
    problem = engine.problem
    sums: dict[str, F64] = {}
    for number, part in enumerate(problem.parts):
        n, p, volume = _carriers(part, moment, number)
        own = float(problem.areas[number]) * np.array(
            [volume.sum(), volume @ n, volume @ p, volume @ np.sqrt(n * p)]
        )
        name = (problem.homes or problem.names)[number]
        sums[name] = sums.get(name, 0.0) + own
    found = {}
    for name, one in sums.items():
        up = down = 1.0
        for acting, value in zip(run.at(stretch.temperature), state, strict=True):
            if acting.junction == name:
                more = acting.thicker(float(value))
                up, down = up * more[0], down * more[1]
        carriers = min(one[1] / up, one[2] / down) / one[0]
        found[name] = Here(stretch.light, stretch.temperature, carriers, one[3] / one[0], stretch.atmosphere)
    return found


def _carriers(part: Junction, moment: Moment, number: int) -> tuple[F64, F64, F64]:
    """Electrons, holes (m^-3) and widths (m) of the control volumes of a junction's absorber, at one moment.

    Dilute: absorbers are far from degenerate.
    """
    inside, device = moment.junction(number), part.device
    places = [k for k, layer in enumerate(part.stack.electrical_layers) if layer.role == "absorber"]
    here = np.isin(part.site_layer, places)
    table, node = device.layer[part.site_layer[here]], part.site_node[here]
    psi, v = inside.psi[node], float(inside.v[0])
    n = np.exp(psi + inside.fn[node] - table[:, dv.EC] + table[:, dv.LN_NC])
    p = np.exp(table[:, dv.EV] - psi - (inside.fp[node] - v) + table[:, dv.LN_NV])
    return n, p, device.volume[here]
