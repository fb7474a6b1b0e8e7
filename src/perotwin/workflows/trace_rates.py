"""A measured trace of power, and what mechanisms it may be of: laws beside descriptive curves, and rates of a cell.

found = trace_rates("trace.txt")                       # laws alone: no cell is needed
found = trace_rates("trace.txt", load("wbg-target"))   # and the rates with which that cell would lose as much
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perotwin import files, measurement, progress
from perotwin.ageing import rates as of_rates
from perotwin.ageing import trace_laws
from perotwin.ageing.conditions import Stretch
from perotwin.ageing.degradation import Run
from perotwin.ageing.lifetimes import EXTRAPOLATED, MEASURED
from perotwin.errors import InputError
from perotwin.lab import degradation, tracked_power
from perotwin.lab.degradation import Envelope, Fit
from perotwin.measurement import heading, quantity, term_of
from perotwin.measurement.metrics import Metric
from perotwin.units import Quantity
from perotwin.workflows.age import rates_for, sample_of

if TYPE_CHECKING:
    from rich.table import Table

    from perotwin.ageing.rates import Rates
    from perotwin.stack import Cell

__all__ = ["TraceRates", "result", "tables_of", "trace_rates", "words", "write_trace"]

F64 = NDArray[np.float64]

_READ = ("t95", "t80", "burn_in", "ts80", "retained")
#: step of a logarithm in a difference, how near a fit is brought, and tries
_STEP, _NEAR, _TRIES = 0.1, 1e-3, 12
#: the rates of a cell are sought between these, s^-1
_LOWEST, _HIGHEST = 1e-8 / 3600.0, 1e3 / 3600.0


@dataclass(frozen=True)
class TraceRates:
    """What a trace tells.

    Attributes:
        name: of the file. trace: time (T,) s and power (T,) as they were read. envelope: of it, time from its first
            bins.
        read: T80 and its kin, measured. fits: laws and descriptive curves, the likeliest first.
        rates: by law, by name. cell: name of the cell whose rates were fitted; "" where none was.
        of_cell: its rates (s^-1), `trap_growth_rate` and `patch_growth_rate`. curve: (B,) of that cell, over the
            envelope.
        notes: what a reader must know.
    """

    name: str
    trace: tuple[F64, F64]
    envelope: Envelope
    read: dict[str, Metric]
    fits: list[Fit]
    rates: dict[str, dict[str, Metric]]
    cell: str = ""
    of_cell: dict[str, Metric] = field(default_factory=dict)
    curve: F64 | None = None
    notes: tuple[str, ...] = ()


def trace_rates(
    path: str | Path,
    cell: Cell | None = None,
    *,
    columns: str | None = None,
    area: str | None = None,
    rates: Rates | None = None,
) -> TraceRates:
    """Fit laws of mechanisms to a measured trace of tracked power.

    Args:
        path: of the file. cell: whose rates are fitted too. columns, area: as of `files.read`.
        rates: orders, laws and energies of the cell's mechanisms; the library's unless given.

    Raises:
        InputError: no trace of power in the file, or one that is too short for any statement about degradation.
    """
    need = f"Rates need a trace of power over {degradation.span(degradation.SHORTEST)} and more, a T80 tens of hours."
    try:
        found = files.read(path, instrument="mppt", columns=columns, area=area)
    except InputError as error:
        raise InputError(error.message, f"{error.advice} {need}", file=str(path)) from None
    if not found:
        raise InputError(
            "this file holds no trace of tracked power.",
            "Say what its columns are: --columns.",
            file=str(path),
        )
    dataset = found[0].dataset
    time, power = np.asarray(dataset["time"], float), np.asarray(dataset["power_density"], float)
    sign = -1.0 if np.nanmedian(power) < 0.0 else 1.0
    try:
        degradation.refuse_short(time[np.isfinite(time)])
        trace = tracked_power.tracked(time, sign * power)
    except InputError as error:
        raise InputError(
            error.message,
            f"{error.advice} {need}",
            file=str(path),
        ) from None
    read, envelope, _ = tracked_power.lifetimes(trace)
    read = {name: _labelled(one) for name, one in read.items() if name in _READ}
    fits = trace_laws.fits(envelope.time, envelope.value)
    made = TraceRates(
        Path(path).stem, (trace.time - trace.time[0], trace.power), envelope, read, fits, trace_laws.rates_of(fits),
        notes=(envelope.words, *trace.notes),
    )  # fmt: skip
    return made if cell is None else _with_cell(made, cell, rates or rates_for()[0])


def _labelled(one: Metric) -> Metric:
    return one if not np.isfinite(one.value) else one._replace(method=f"{MEASURED}: {one.method}")


def _with_cell(made: TraceRates, cell: Cell, rates: Rates) -> TraceRates:
    """The rates of traps and patches with which a cell loses as much as was measured, by weighted least squares."""
    best = made.fits[0]
    sample = sample_of(cell)
    time = made.envelope.time - made.envelope.time[0]
    start = float(best.at(0.0)[0])
    data = made.envelope.value / start
    sigma = best.sigma / start
    gaps = np.diff(time) / float(np.median(np.diff(time)))
    along = np.sign(best.correlation) * np.abs(best.correlation) ** gaps

    def white(rows: F64) -> F64:
        rest = (rows[1:] - along * rows[:-1]) / np.sqrt(1.0 - along**2)
        return np.concatenate([rows[:1], rest]) / sigma

    def course(x: F64) -> F64:
        values = np.exp(np.clip(x, np.log(_LOWEST), np.log(_HIGHEST)))
        tried = rates.model_copy(
            update={
                "trap_growth": Quantity(float(values[0]), dimension="frequency"),
                "bare_patches": Quantity(float(values[1]), dimension="frequency"),
            }
        )
        mechanisms, _ = of_rates.usual(cell, tried, sample)
        run = Run(
            cell, mechanisms, [Stretch(float(time[-1]) + 1.0)], sample=sample, tolerance=3e-3, lag=np.inf
        )
        done = run.to_end()
        from perotwin.ageing.lifetimes import evenly

        return np.interp(time, *evenly(done.time, done.retained, 4000))

    def scaled(x: F64) -> tuple[F64, float]:
        """The course times the height that suits the data best: a trace begins when it begins."""
        shape = course(x)
        a, b = white(shape), white(data)
        return shape, float(a @ b / (a @ a))

    x = np.log([max(float(rates.trap_growth), _LOWEST), max(float(rates.bare_patches), _LOWEST)])
    with progress.task(f"{cell.name}: rates of {made.name}", total=None) as counter:
        shape, height = scaled(x)
        miss, damping = white(data - height * shape), 1e-2
        slopes = np.zeros((miss.size, 2))
        for _ in range(_TRIES):
            counter.advance()
            for number in range(2):
                beside = x.copy()
                beside[number] += _STEP
                slopes[:, number] = white(height * (course(beside) - shape)) / _STEP
            before = float(miss @ miss)
            square = slopes.T @ slopes
            while damping < 1e6:
                move = np.linalg.solve(square + damping * np.diag(np.diag(square) + 1e-12), slopes.T @ miss)
                trial = np.clip(x + np.clip(move, -2.0, 2.0), np.log(_LOWEST), np.log(_HIGHEST))
                new_shape, new_height = scaled(trial)
                new = white(data - new_height * new_shape)
                if float(new @ new) < before:
                    break
                damping *= 10.0
            else:
                break
            gained = before - float(new @ new)
            x, shape, height, miss, damping = trial, new_shape, new_height, new, damping / 10.0
            if gained < _NEAR * before:
                break
    spread = float(miss @ miss) / max(miss.size - 3, 1)
    covariance = np.linalg.pinv(slopes.T @ slopes) * max(spread, 1.0)
    found = {}
    for number, name in enumerate(("trap_growth_rate", "patch_growth_rate")):
        error = float(np.sqrt(max(covariance[number, number], 0.0)))
        low, high = (3600.0 * float(np.exp(x[number] + k * 1.96 * error)) for k in (-1.0, 1.0))
        bounded = 1.96 * error < 5.0 and np.log(_LOWEST) + 0.1 < x[number] < np.log(_HIGHEST) - 0.1
        words = f"of {cell.name}, with domains beside it; 95 % interval {low:.3g} to {high:.3g} per h"
        found[name] = (
            Metric(float(np.exp(x[number])), "Hz", words, float(np.exp(x[number])) * error)
            if bounded
            else Metric(float("nan"), "Hz", f"of {cell.name}: not told, the trace does not bound it")
        )
    note = (
        f"the rates of {cell.name} are those with which it would lose as much; that the trace is of such a cell, only "
        f"its "
        f"owner knows. What is left scatters {np.sqrt(spread):.2g} times as much as about the likeliest curve."
    )
    return replace(
        made, cell=cell.name, of_cell=found, curve=start * height * shape, notes=(*made.notes, note)
    )  # fmt: skip


# --- for people and programs -----------------------------------------------------------------------------------------


def tables_of(one: TraceRates) -> list[Table]:
    """What was read, curves and laws by likelihood, and rates."""
    from perotwin.report import tables
    from perotwin.report.batch_page import shown_value

    first = tables.plain("trace", *(heading(name) for name in _READ))
    first.add_row(tables.literal(one.name), *(shown_value(name, one.read.get(name)) for name in _READ))
    second = tables.plain("curve or law", "AICc above the best", "T80 (h)", "95 % interval (h)", "")
    for row in curve_rows(one):
        second.add_row(*map(tables.literal, row))
    third = tables.plain("law", "rate", "per hour", "95 % interval and how", numbers_from=9)
    for row in rate_rows(one):
        third.add_row(*map(tables.literal, row))
    return [first, second, third]


def curve_rows(one: TraceRates) -> list[list[str]]:
    """Curve, AICc over the best, T80, its interval, whether it was measured."""
    rows = []
    laws = {law.model.name for law in trace_laws.LAWS}
    for fit in one.fits:
        lived = fit.lifetime(0.8)
        value = f"{lived.value / 3600.0:.4g}" if np.isfinite(lived.value) else "never"
        ends = (
            f"{lived.low / 3600.0:.3g} to {lived.high / 3600.0:.3g}"
            if np.isfinite(lived.low + lived.high)
            else "–"
        )
        label = EXTRAPOLATED if lived.extrapolated else "within the data"
        name = f"{fit.model} (law)" if fit.model in laws else fit.model
        rows.append([name, f"{fit.aicc - one.fits[0].aicc:.1f}", value, ends, label])
    return rows


def rate_rows(one: TraceRates) -> list[list[str]]:
    """Law, rate, value per hour, interval and how it was found."""
    rows = []
    groups = {**one.rates, **({f"cell {one.cell}": one.of_cell} if one.of_cell else {})}
    for law, metrics in groups.items():
        for name, metric in metrics.items():
            term = term_of(name)
            value = f"{3600.0 * metric.value:.3g}" if np.isfinite(metric.value) else "–"
            rows.append([law, name if term is None else term.words, value, metric.method or ""])
    return rows


def words(one: TraceRates) -> list[str]:
    """What a reader must know."""
    count = sum(len(metrics) for metrics in one.rates.values())
    return [
        f"{one.name}: {one.envelope.time.size} points of the envelope; each law has one or two rates of {count} in "
        f"all. A "
        "power alone does not say which mechanism it was: laws whose AICc differs by less than 6 are not to be told "
        "apart.",
        *(f"{one.name}: {note}." if not note.endswith(".") else f"{one.name}: {note}" for note in one.notes),
    ]


def result(one: TraceRates) -> dict[str, Any]:
    """For machines."""
    best = one.fits[0].aicc
    return {
        "stack": one.name,
        "instrument": "mppt",
        "measured": True,
        "metrics": measurement.Metrics(one.read).to_json(),
        "fits": [
            {
                "model": fit.model,
                "aicc_above_best": fit.aicc - best,
                "t80": {
                    **quantity("t80", lived.value, "s"),
                    "low": lived.low / 3600.0,
                    "high": lived.high / 3600.0,
                    "extrapolated": lived.extrapolated,
                },
                "correlation": fit.correlation,
            }
            for fit in one.fits
            for lived in [fit.lifetime(0.8)]
        ],
        "rates": {law: measurement.Metrics(metrics).to_json() for law, metrics in one.rates.items()},
        "cell": one.cell or None,
        "cell_rates": measurement.Metrics(one.of_cell).to_json(),
        "notes": list(one.notes),
    }


def write_trace(found: Sequence[TraceRates], out: str | Path) -> list[Path]:
    """Write figures, numbers (JSON) and the page of traces."""
    from perotwin.plotting import ageing as drawing
    from perotwin.plotting import style
    from perotwin.report import ageing_page, machine

    folder = measurement.make_folder(out)
    progress.note("drawing and writing")
    figures: dict[str, Path] = {}
    written: list[Path] = []
    parts = []
    for one in found:
        curves = {fit.model: fit.at(one.envelope.time - one.envelope.time[0]) for fit in one.fits[:4]}
        if one.curve is not None:
            curves[f"cell {one.cell}"] = one.curve
        name = measurement.file_name(one.name, [path.stem for path in figures.values()])
        svg, png = style.save(drawing.trace(one.trace, one.envelope, curves), folder / f"{name}-degradation")
        figures[f"{one.name}: readings, their upper envelope and the likeliest curves and laws."] = svg
        written += [svg, png]
        parts += [
            ageing_page.Part(
                one.name, words(one), ("curve or law", "AICc above the best", "T80 (h)", "95 % interval (h)", ""),
                curve_rows(one),
            ),
            ageing_page.Part(
                f"Rates in {one.name}", (), ("law", "rate", "per hour", "interval and how"), rate_rows(one), False
            ),
        ]  # fmt: skip
    document = machine.to_text(machine.document([result(one) for one in found]))
    written.append(measurement.write_text(folder / "degradation.json", document))
    html = ageing_page.render("Traces of power", ", ".join(one.name for one in found), figures, parts)
    written.append(measurement.write_text(folder / "degradation.html", html))
    return written
