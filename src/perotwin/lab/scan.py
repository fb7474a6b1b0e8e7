"""Current-voltage scans in time: forward and reverse, with ions that move while the voltage does.

    scans = measure(cell, Protocol(rate="100 mV/s", preconditioning="1.3 V, 60 s"))
    analyse(scans)["loop"]["hysteresis_index"]

The cell rests in the dark at 0 V until its ions have settled; then come the light, the preconditioning if there is
one, the dwell at the first voltage, and the scans, one after another without a pause.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perotwin.lab.arguments import of_a_cell
from perotwin.lab.preconditioning import onwards
from perotwin.lab.scan_protocol import ABOVE, DIRECTIONS, RATE, Hold, Protocol, Rest
from perotwin.measurement import Instrument, Metric, Metrics, Variable

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from perotwin.lab.open_circuit import Settled
    from perotwin.stack import Cell
    from perotwin.transport.mesh import Like
    from perotwin.transport.schedule import Step
    from perotwin.transport.steady import Solver
    from perotwin.transport.time_series import Moment, Trace
    from perotwin.transport.transient import Engine

__all__ = [
    "DIRECTIONS",
    "INSTRUMENT",
    "Hold",
    "Protocol",
    "Rest",
    "analyse",
    "hysteresis_index",
    "measure",
    "plot",
    "plot_series",
    "series",
]

F64 = NDArray[np.float64]
Scans = dict[str, "xr.Dataset"]

#: how far above open circuit the higher end lies unless said, V, and further where the scans do not pass it there
_ABOVE = (ABOVE, 0.06, 0.12, 0.24, 0.48)
#: a larger step (V) may move the figures that are read from the points; by how much they may move without a remark:
#: Voc in V, fill factor and efficiency as a part
_COARSE, _MOVED = 0.02, {"voc": 5e-4, "ff": 1e-3, "pce": 1e-3}
#: first time step of a staircase's tread, as a part of its delay
_TREAD = 1e-2
#: allowed relative change of the number of ions over a run
ION_LIMIT = 1e-10


def _schedule(protocol: Protocol, light: float) -> tuple[list[Step], list[str]]:
    """Steps of a resolved protocol, and for each the direction that it belongs to ("" before the scans)."""
    from perotwin.transport.schedule import Step, Voltage

    steps: list[Step] = []
    owner: list[str] = []
    hold = protocol.preconditioning
    if hold is not None:
        steps.append(Step(float(hold.time), Voltage(float(hold.voltage)), light))
        owner.append("")
    points = protocol.voltages()
    assert protocol.dwell is not None
    steps.append(Step(float(protocol.dwell), Voltage(float(points[0])), light))
    owner.append("")
    for number, direction in enumerate(protocol.directions):
        path = points if number == 0 else points[::-1]
        if protocol.delay is None:
            times = np.abs(_fine(path)[1:] - path[0]) / float(protocol.rate or RATE)
            ramp = Voltage(float(path[0]), float(path[-1]))
            steps.append(Step(float(times[-1]), ramp, light, times=tuple(times.tolist())))
            owner.append(direction)
            continue
        delay = float(protocol.delay)
        for voltage in path[1:]:
            steps.append(Step(delay, Voltage(float(voltage)), light, first=_TREAD * delay))
            owner.append(direction)
    return steps, owner


def _fine(path: F64) -> F64:
    """The points of a ramp (V), and between those that lie far apart others at which it is read as well."""
    parts = [path[:1]]
    for first, last in pairwise(path):
        count = int(np.ceil(abs(last - first) / _COARSE - 1e-6))
        parts.append(np.append(first + (last - first) * np.arange(1, count) / count, last))
    return np.concatenate(parts)


@of_a_cell
def measure(cell: Cell, protocol: Protocol | None = None, *, tolerance: float | None = None) -> Scans:
    """Scan a cell under its own light.

    Args:
        cell: the stack; all its ions move, whatever their response in steady states.
        protocol: a default one if absent.
        tolerance: of the time steps (see `transport.transient.Engine`).

    Returns:
        By direction, in the order of the scans: `current_density` (voltage), A m^-2, and the coordinate `time`
        (voltage), s since the first scan began; of a tandem `voltage_top` and so on and what is lost,
        `voltage_between`, V. After Ctrl-C it holds what was computed, and `complete` among the
        attributes is 0.

    Raises:
        InputError: light on a cell that has no optics.
        ConvergenceError: a time step could not be taken; `measured` in its context holds the scans so far.
        KeyboardInterrupt: interrupted before the first point.
    """
    from perotwin import progress
    from perotwin.errors import ConvergenceError
    from perotwin.lab import open_circuit
    from perotwin.lab.meshes import Attempt, until_fine
    from perotwin.measurement import add_notes
    from perotwin.transport.build import build
    from perotwin.transport.transient import TOLERANCE, Engine

    intensity = float(cell.light.intensity)
    protocol = protocol or Protocol()
    lit = max(intensity, float(protocol.rest.light)) > 0.0

    coarser: Solver | None = None

    def attempt(density: float | Like) -> Attempt[tuple[Engine, Settled]]:
        nonlocal coarser
        made = Engine(build(cell, light=lit, density=density), tolerance or TOLERANCE, coarser)
        coarser = made.solver
        found = open_circuit.of_cell(made.solver, intensity)
        return Attempt((made, found), found.of_mesh, finer=found.finer)

    engine, steady = until_fine(attempt).found
    rest = engine.settled(float(protocol.rest.voltage), float(protocol.rest.light))
    asked, held = protocol, None
    for above in _ABOVE:
        protocol = asked.resolved(steady.end, above)
        steps, owner = _schedule(protocol, intensity)
        before = owner.count("")
        total = before + (protocol.voltages().size - 1) * len(protocol.directions)
        with progress.task(f"{cell.name}: scanning", total=total) as counter:
            # a scan that does not pass open circuit is not followed to its end, unless it is the last that is tried
            passing = asked.open_above and intensity > 0.0 and above != _ABOVE[-1]
            due = _on_points(protocol, before, counter.advance, passing)
            try:
                if held is None and asked.preconditioning is not None:
                    # how far the scans go makes no difference to it
                    held = engine.run(steps[:1], rest)
                trace = onwards(engine, steps, rest, held, due)
            except ConvergenceError as error:
                known = error.context.get("trace")
                error.context["measured"] = (
                    {} if known is None else _datasets(cell, protocol, steady, engine, known, owner)
                )
                raise
        if not passing or _passes(trace, protocol):
            break
    found = _datasets(cell, protocol, steady, engine, trace, owner)
    if not found:
        raise KeyboardInterrupt
    if protocol.delay is not None and float(protocol.step) > _COARSE and trace.complete:
        words = _stairs(engine, rest, held, protocol, intensity, found)
        found = {direction: add_notes(one, words) for direction, one in found.items()}
    return found


def _on_points(
    protocol: Protocol, before: int, advance: Callable[[], Any], passing: bool
) -> Callable[[float, float, float], bool]:
    """What the engine calls at each moment: it counts those that are reported, and lets the run go on.

    Args:
        protocol: resolved. before: moments before the scans. advance: counts.
        passing: whether the run ends where the cell still gives current at the higher end.
    """
    reported, seen = protocol.voltages(), 0
    high = float(reported.max())
    # what is read at the end of a dwell there counts, what preconditioning leaves does not
    first = before if reported[0] == high else before + 1

    def passed(_time: float, voltage: float, current: float) -> bool:
        nonlocal seen
        seen += 1
        if seen <= before or np.abs(reported - voltage).min() < 1e-9:
            advance()
        return passing and seen >= first and abs(voltage - high) < 1e-9 and current > 0.0

    return passed


def _passes(trace: Trace, protocol: Protocol) -> bool:
    """Whether all scans of a trace reach beyond open circuit as the cell is when they get there; one that was
    interrupted by its reader counts as one that does.
    """
    assert protocol.start is not None and protocol.stop is not None
    high = max(float(protocol.start), float(protocol.stop))
    there = np.abs(trace.voltage - high) < 1e-9
    return bool(np.all(trace.current[there] <= 0.0))


def _datasets(
    cell: Cell, protocol: Protocol, steady: Settled, engine: Engine, trace: Trace, owner: Sequence[str]
) -> Scans:
    """The scans of a trace, complete or not."""
    from perotwin.lab import conditions, jv
    from perotwin.measurement import check, make_dataset
    from perotwin.transport.checks import CURRENT_LIMIT, optical_checks
    from perotwin.transport.splitting_in_time import splitting_checks

    direction_of = np.array([owner[int(number)] for number in trace.step])
    points = protocol.voltages()
    every = points if protocol.delay is not None else _fine(points)
    asked = every.size * len(protocol.directions)
    scanned = int(np.count_nonzero(direction_of != "")) + len(protocol.directions)
    found_checks = {
        "points without a solution": check(max(asked - scanned, 0), 0.0),
        **optical_checks(engine.problem),
        **steady.checks,
        **steady.of_mesh,
        **splitting_checks(trace.splitting),
    }
    if trace.constancy.size:
        worst = CURRENT_LIMIT * float(trace.constancy.max())
        found_checks["total current constant along x in time"] = check(worst, CURRENT_LIMIT)
    if trace.ions.size:
        change = np.abs(trace.ions / trace.ions[0] - 1.0).max()
        found_checks["ion number conserved in time"] = check(float(change), ION_LIMIT)
    before = np.flatnonzero(direction_of == "")
    clock = float(trace.time[before[-1]]) if before.size else 0.0
    lowest = float(np.min(trace.voltage, initial=0.0))
    notes = [*steady.notes, *conditions.reverse_bias(engine.problem, lowest), protocol.words()]
    if not trace.complete:
        notes.append("interrupted: the scans hold what was computed until then.")
    made: Scans = {}
    each = engine.junction_voltages(trace)
    short = [
        direction
        for direction in protocol.directions
        if jv.short_of_the_top(
            trace.voltage[direction_of == direction], trace.current[direction_of == direction]
        )
    ]
    if short:
        notes.append(
            f"the {' and the '.join(short)} scan ends before maximum power: fill factor and efficiency are not known. "
            "Scan further, with --start and --stop."
        )
    for number, direction in enumerate(protocol.directions):
        here = np.flatnonzero(direction_of == direction)
        if here.size == 0:
            break
        # the first point is what was read last before the scan: at the end of the dwell, or where the voltage turns
        index = np.concatenate(([here[0] - 1], here))
        path = (points if number == 0 else points[::-1])[: 1 + here.size]
        if protocol.delay is None:
            passed = _fine(points if number == 0 else points[::-1])[: index.size]
            if here.size + 1 == every.size:
                notes += _moved(direction, (passed, trace.current[index]), path, float(protocol.step))
            asked_for = np.isin(passed, path)
            path, index = passed[asked_for], index[asked_for]
        # a scan has the shape of a current-voltage curve
        made[direction] = make_dataset(
            jv.INSTRUMENT,
            {
                "current_density": ("voltage", trace.current[index]),
                "converged": ("voltage", np.ones(index.size, dtype=bool)),
                **{f"voltage_{name}": ("voltage", values[index]) for name, values in each.items()},
            },
            {"voltage": path, "time": ("voltage", trace.time[index] - clock)},
            about={
                **conditions.about(cell, protocol, steady.curve.intensity),
                "direction": direction,
                "irradiance": conditions.irradiance(steady.curve),
                "steps": trace.steps,
                "iterations": trace.iterations,
                "complete": int(trace.complete),
            },
            checks=found_checks,
            notes=notes,
        )
    return made


def _moved(direction: str, passed: tuple[F64, F64], points: F64, step: float) -> list[str]:
    """What the points of a scan do to the figures that are read from them, against all moments of the ramp, in words.

    Args:
        direction: of the scan. passed: (M,) voltage (V) and current density (A m^-2) at all moments.
        points: (K,) V, those of them that are reported. step: V.
    """
    voltage, current = passed
    if not step > _COARSE:
        return []
    reported = np.isin(voltage, points)
    found = _apart((voltage, current), (voltage[reported], current[reported]))
    if not found:
        return []
    return [
        f"the step of {1e3 * step:g} mV moves what is read from the points of the {direction} scan "
        f"({found}, against every {1e3 * _COARSE:g} mV of the same ramp). Give a smaller --step."
    ]


def _stairs(
    engine: Engine,
    rest: Moment,
    held: Trace | None,
    protocol: Protocol,
    intensity: float,
    scans: Mapping[str, xr.Dataset],
) -> list[str]:
    """What the treads of a coarse staircase do to the figures, against finer ones at the same pace, in words.

    Args:
        rest: the cell before it all. held: its preconditioning. protocol: resolved. intensity: suns.
        scans: what was found.
    """
    from perotwin.errors import ConvergenceError

    assert protocol.delay is not None
    parts = int(np.ceil(float(protocol.step) / _COARSE - 1e-6))
    told = {**protocol.model_dump(), "step": protocol.step / parts, "delay": protocol.delay / parts}
    finer = Protocol(**told)
    steps, owner = _schedule(finer, intensity)
    size = f"the step of {1e3 * protocol.step:g} mV"
    try:
        trace = onwards(engine, steps, rest, held)
    except ConvergenceError:
        return [
            f"{size} is coarse, and a finer staircase was not found to tell what that does to the figures."
        ]
    if not trace.complete:
        return []
    direction_of = np.array([owner[int(number)] for number in trace.step])
    notes = []
    for direction, coarse in scans.items():
        here = np.flatnonzero(direction_of == direction)
        index = np.concatenate(([here[0] - 1], here))
        found = _apart(
            (trace.voltage[index], trace.current[index]),
            (coarse["voltage"].values, coarse["current_density"].values),
        )
        if found:
            notes.append(
                f"{size} moves the figures of the {direction} scan ({found}, against a staircase of "
                f"{1e3 * finer.step:g} mV and {float(finer.delay or 0.0):.3g} s a point, the same pace). "
                "Give a smaller --step."
            )
    return notes


def _apart(fine: tuple[F64, F64], coarse: tuple[F64, F64]) -> str:
    """By how much figures that are read from points move from fine ones to coarse ones, in words; empty where they do
    not. Each: (K,) V and (K,) A m^-2.
    """
    import xarray as xr

    from perotwin.lab import jv

    right_ones, read_ones = (
        jv.analyse(xr.Dataset({"current_density": ("voltage", current)}, {"voltage": voltage}))
        for voltage, current in (fine, coarse)
    )
    found = []
    for name, most in _MOVED.items():
        right, read = float(right_ones[name]), float(read_ones[name])
        off = read - right if name == "voc" else read / right - 1.0
        if not abs(off) <= most and np.isfinite(right):
            unit = f"{1e3 * off:+.1f} mV" if name == "voc" else f"{100.0 * off:+.1f} %"
            found.append(
                f"{name.upper() if name != 'voc' else 'Voc'} {unit if np.isfinite(read) else 'unknown'}"
            )
    return ", ".join(found)


def series(cell: Cell, rates: Sequence[str | float], protocol: Protocol | None = None) -> dict[float, Scans]:
    """The same scan at several rates, each from the cell at rest.

    Args:
        cell: the stack.
        rates: "100 mV/s" and the like, or V/s.
        protocol: all but its rate or delay.

    Returns:
        Rate (V/s) -> scans; after Ctrl-C those that are done.
    """
    told = (protocol or Protocol()).model_dump(exclude={"rate", "delay"})
    protocols = [Protocol(**told, rate=rate) for rate in rates]
    made: dict[float, Scans] = {}
    for one in protocols:
        assert one.rate is not None
        try:
            scans = measure(cell, one)
        except KeyboardInterrupt:
            if not made:
                raise
            return made
        made[float(one.rate)] = scans
        if not all(item.attrs["complete"] for item in scans.values()):
            break
    return made


# --- analysis: arrays only -------------------------------------------------------------------------------------------


def analyse(scans: Mapping[str, xr.Dataset] | xr.Dataset) -> dict[str, Metrics]:
    """Metrics of each scan (`lab.jv.analyse`), and of the loop where both directions are there.

    Args:
        scans: by direction, simulated or read from files; or one scan, or one that goes there and back.

    Returns:
        direction -> Metrics, and "loop" -> Metrics with `hysteresis_index`.
    """
    from perotwin.lab import jv

    one: Any = scans
    # a dataset is a mapping as well, of its variables
    several = _ways(one) if hasattr(one, "data_vars") else one
    found = {direction: jv.analyse(dataset) for direction, dataset in several.items()}
    if {"reverse", "forward"} <= found.keys():
        index = hysteresis_index(found["reverse"], found["forward"])
        found["loop"] = Metrics({"hysteresis_index": index})
    return found


def hysteresis_index(reverse: Metrics, forward: Metrics) -> Metric:
    """(PCE reverse - PCE forward) / PCE reverse: 0 without hysteresis, negative where it is inverted.

    Its uncertainty is that of both efficiencies, as of two curves whose noise is apart; area and light drop out.
    """
    first, second = reverse["pce"], forward["pce"]
    words = "(PCE reverse - PCE forward) / PCE reverse"
    if not first.value > 0.0:
        return Metric(float("nan"), "1", words)
    ratio = second.value / first.value
    spread = None
    if first.uncertainty is not None and second.uncertainty is not None:
        spread = float(np.hypot(second.uncertainty, ratio * first.uncertainty)) / first.value
    return Metric(1.0 - ratio, "1", words, spread)


def _ways(dataset: xr.Dataset) -> Scans:
    """A scan by its direction; both sweeps of one that somebody took there and back."""
    from perotwin.lab import jv
    from perotwin.measurement import simulated

    if not simulated(dataset):
        both = jv.sweeps_of(dataset)
        if len(both) > 1:
            return {way: one.assign_attrs(direction=way) for way, one in both.items()}
    return {str(dataset.attrs.get("direction", "steady")): dataset}


def plot(scans: Any, ax: Axes | None = None) -> Figure:
    """Both directions of one cell or, given a list, of several cells in one panel; see `plotting.time.loops`."""
    from perotwin.plotting import time

    return time.loops(_flat(scans), ax)


def plot_series(made: Sequence[Mapping[float, Mapping[str, xr.Dataset]]], ax: Axes | None = None) -> Figure:
    """Hysteresis index against scan rate, one curve a cell; `made` are results of `series`."""
    from perotwin.plotting import time

    curves: dict[str, tuple[list[float], list[float]]] = {}
    for one in made:
        for rate, scans in one.items():
            loop = analyse(scans).get("loop")
            if loop is None:
                continue
            name = str(next(iter(scans.values())).attrs.get("stack", ""))
            rates, indices = curves.setdefault(name, ([], []))
            rates.append(rate)
            indices.append(float(loop["hysteresis_index"]))
    return time.rates(curves, ax)


def _flat(scans: Any) -> list[xr.Dataset]:
    """Datasets of a scan, of scans by direction, or of a list of either."""
    if hasattr(scans, "data_vars"):
        return [scans]
    if isinstance(scans, Mapping):
        return list(scans.values())
    return [dataset for one in scans for dataset in _flat(one)]


# --- what it is ------------------------------------------------------------------------------------------------------


def _by_direction(scans: Any) -> dict[str, xr.Dataset]:
    if isinstance(scans, Mapping) and not hasattr(scans, "data_vars"):
        return {str(way): one for way, one in scans.items()}
    return {way: part for one in _flat(scans) for way, part in _ways(one).items()}


def read(scans: Any) -> Metrics:
    """What a table shows of scans: the metrics of each direction, "pce, reverse", and of the loop."""
    flat = {
        name if direction == "loop" else f"{name}, {direction}": metric
        for direction, metrics in analyse(_by_direction(scans)).items()
        for name, metric in metrics.items()
        if name in ("voc", "jsc", "ff", "pce", "hysteresis_index")
    }
    return Metrics(flat)


def _entries(scans: Any) -> dict[str, Any]:
    from perotwin.lab import jv

    found = analyse(_by_direction(scans))
    unknown = Metrics({"hysteresis_index": Metric(float("nan"), "1")})
    return {
        "scans": [jv.scan_entry(one, found[direction]) for direction, one in _by_direction(scans).items()],
        **found.get("loop", unknown).to_json(),
    }


def _document(scans: Any, metrics: Metrics) -> dict[str, Any]:
    """The scans for machines, with times, hysteresis index and protocol."""
    from perotwin.measurement import protocol_of

    first = _flat(scans)[0]
    return {
        **_entries(scans),
        "protocol": protocol_of(first),
        "complete": bool(first.attrs.get("complete", True)),
    }


INSTRUMENT = Instrument(
    name="scan",
    title="scans in time",
    protocol=Protocol,
    measure=measure,
    analyse=read,
    plot=plot,
    caption=(
        "Scans of {cells} in time, reverse solid and forward dashed; dots mark maximum power. The notes below say how "
        "the cells were preconditioned and how fast they were scanned."
    ),
    variables=(
        Variable("voltage", ("voltage",)),
        Variable("time", ("voltage",)),
        Variable("current_density", ("voltage",), required=True),
    ),
    document=_document,
    summary=lambda measured, metrics: _entries(measured),
    place=10,
)


def __dir__() -> list[str]:
    return sorted(__all__)
