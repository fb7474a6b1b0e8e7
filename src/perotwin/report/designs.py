"""Design studies as people and programs read them: tables, JSON, CSV, figures."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perotwin.measurement import NOMENCLATURE, field_unit, write_text
from perotwin.measurement.digits import significant
from perotwin.report import machine, tables
from perotwin.study.maps import PHOTOCURRENT, best_of
from perotwin.study.merit import NAMES
from perotwin.study.search import ABOUT_THE_BEST, SEARCH

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure
    from rich.table import Table

    from perotwin.study import Entry, Field, Merit, Optimum, Sensitivity, Trial

__all__ = [
    "map_figure", "map_result", "map_table", "optimum_figure", "optimum_result", "optimum_tables",
    "optimum_words", "sensitivity_figure", "sensitivity_result", "sensitivity_tables", "write_map", "write_sensitivity",
    "write_trials",
]  # fmt: skip

#: rows of a table of sensitivities; the files hold all
_ROWS = 15


# --- what the three share --------------------------------------------------------------------------------------------


def _shown(objective: str, value: float) -> float:
    """A figure of merit in the unit that people read."""
    return value * NOMENCLATURE[objective].factor


def _unit(objective: str) -> str:
    return NOMENCLATURE[objective].field_unit


def _change(objective: str) -> str:
    """The unit of a difference: of percentages it is a percentage point."""
    unit = _unit(objective)
    return "points" if unit == "%" else unit


def _signed(value: float, digits: int = 3) -> str:
    if not math.isfinite(value):
        return "–"
    return f"{value:+.{digits}g}".replace("-", "−")


def _metrics(merit: Merit | None) -> dict[str, Any] | None:
    return None if merit is None else merit.metrics.to_json()


def _number(field: Field, value: float) -> dict[str, Any]:
    return {"value": value, "unit": field.unit}


def _csv(path: Path, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> Path:
    """A table with units in its head; what is not a number stays empty."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(head)
    for row in rows:
        lines.writerow(
            [
                ("" if not math.isfinite(one) else f"{one:.10g}") if isinstance(one, float) else one
                for one in row
            ]
        )
    return write_text(path, text.getvalue())


def _heads(values: Any) -> tuple[list[str], list[float]]:
    """Heads of columns of a merit's numbers, and the factors to their units."""
    heads, factors = [], []
    for name, (_, unit) in values.items():
        read, factor = field_unit(name, unit)
        heads.append(f"{name} ({read})")
        factors.append(factor)
    return heads, factors


# --- optimum ---------------------------------------------------------------------------------------------------------


def optimum_tables(found: Optimum) -> list[Table]:
    """What was varied, what to set and how sharply; the figures of merit before and after."""
    term = NOMENCLATURE[found.objective]
    made = tables.plain(
        "number", "range", "as it is", "best", "set", "keeps 99.5 % between", f"{term.symbol} per 1 % more",
        f"{term.symbol} per unit",
        title=f"{tables.literal(found.cell.name)}: largest {term.symbol} after {len(found.trials)} cells"
        + (f", at the last {found.way.partition(':')[0]}" if found.way else ""),
    )  # fmt: skip
    for index, (field, number) in enumerate(zip(found.fields, found.numbers, strict=True)):
        keeps = per_percent = per_unit = "–"
        if found.slices:
            low, high = found.slices[index].within(found.objective)
            keeps = f"{significant(low)} and {significant(high)} {field.unit}".removesuffix(" 1")
        if found.slopes:
            slope = found.slopes[index]
            per_percent = f"{_signed(_shown(found.objective, slope.per_percent))} {_change(found.objective)}"
            each = "" if field.unit == "1" else f"/{field.unit}"
            per_unit = f"{_signed(_shown(found.objective, slope.per_unit))} {_change(found.objective)}{each}"
        made.add_row(
            tables.literal(field.path),
            field.range,
            field.text(field.now),
            _read_off(field, number),
            field.text(found.settable[index]) if found.settable else "–",
            keeps,
            per_percent,
            per_unit,
        )
    rows: list[tuple[str, Any]] = [
        ("as it is", "failed" if found.before is None else found.before.metrics),
        ("best", found.after.metrics),
    ]
    if found.after_settable is not None:
        rows.append(("set", found.after_settable.metrics))
    made_too = [made, tables.metrics_table(rows)]
    if found.after.photocurrents:
        made_too.append(_photocurrents([("as it is", found.before), ("best", found.after)]))
    return made_too


def _read_off(field: Field, number: float) -> str:
    """A value with four digits, which is more than anybody can set."""
    return field.text(float(f"{number:.4g}"))


def optimum_words(found: Optimum) -> list[str]:
    """What to set, what that costs and how flat the optimum is, as sentences, before the notes of the study."""
    term = NOMENCLATURE[found.objective]
    unit = _change(found.objective)
    said = []
    if found.after_settable is not None:
        best, there = found.after[found.objective], found.after_settable[found.objective]
        cost = max(_shown(found.objective, best - there), 0.0)
        values = " and ".join(
            f"{field.path} = {field.text(number)}"
            for field, number in zip(found.fields, found.settable, strict=True)
        )
        said.append(f"set {values}: {cost:.2g} {unit} of {term.symbol} below the best." if cost >= 5e-4 else
                    f"set {values}: as good as the best.")  # fmt: skip
    for index, one in enumerate(found.slices):
        low, high = one.within(found.objective)
        best = _shown(found.objective, found.after[found.objective])
        field = found.fields[index]
        ends = f"{significant(low)} to {significant(high)} {field.unit}".removesuffix(" 1")
        said.append(
            f"{field.path}: from {ends} {term.symbol} stays within {0.005 * abs(best):.2g} {unit} of its largest."
        )
    return [*said, *found.notes]


def _photocurrents(rows: Sequence[tuple[str, Merit | None]]) -> Table:
    names = list(next(one for _, one in rows if one is not None).photocurrents)
    made = tables.plain("cell", *(f"generated in {name} (mA/cm^2)" for name in names))
    for words, one in rows:
        made.add_row(
            words, *("–" if one is None else f"{0.1 * one.photocurrents[name]:.2f}" for name in names)
        )
    return made


def optimum_result(found: Optimum) -> dict[str, Any]:
    """An optimum for machines."""
    entries = []
    for index, (field, number) in enumerate(zip(found.fields, found.numbers, strict=True)):
        entry: dict[str, Any] = {
            "path": field.path,
            "range": {"low": field.low, "high": field.high, "unit": field.unit, "why": field.why},
            "before": _number(field, field.now),
            "best": _number(field, number),
        }
        if found.slopes:
            entry |= _slope(found.slopes[index], found.objective)
        if found.slices:
            low, high = found.slices[index].within(found.objective)
            entry["keeps_99.5_percent"] = {"low": low, "high": high, "unit": field.unit}
        entries.append(entry)
    return {
        "stack": found.cell.name,
        "objective": found.objective,
        "fields": entries,
        "before": _metrics(found.before),
        "after": _metrics(found.after),
        "tried": len(found.trials),
        "failed": sum(trial.merit is None for trial in found.trials),
        "way": found.way,
        "complete": found.complete,
        "settable": None
        if found.after_settable is None
        else {
            "values": [
                {"path": one.path, **_number(one, number)}
                for one, number in zip(found.fields, found.settable, strict=True)
            ],
            "metrics": _metrics(found.after_settable),
        },
        "notes": list(found.notes),
        "toml": found.best.to_toml(),
    }


def _slope(slope: Any, objective: str) -> dict[str, Any]:
    """A slope for machines, in the units that people read."""
    unit = _unit(objective)
    each = "" if slope.field.unit == "1" else f"/({slope.field.unit})"
    made: dict[str, Any] = {
        "per_change": {
            "change": slope.change,
            "value": _shown(objective, slope.per_change),
            "unit": unit,
            "uncertainty": _shown(objective, slope.uncertainty),
        },
        "per_percent": {"value": _shown(objective, slope.per_percent), "unit": unit},
        "per_unit": {"value": _shown(objective, slope.per_unit), "unit": f"{unit}{each}"},
    }
    return made if slope.failure is None else {**made, "failure": slope.failure}


def optimum_figure(found: Optimum) -> Figure:
    """The way to an optimum, and the objective along each number through it."""
    from perotwin.plotting import design

    def shown(trial: Trial) -> float:
        return math.nan if trial.merit is None else _shown(found.objective, trial.merit[found.objective])

    wide = [trial for trial in found.trials if trial.stage not in ABOUT_THE_BEST]
    best = _shown(found.objective, found.after[found.objective])
    curves = []
    for index, (field, number) in enumerate(zip(found.fields, found.numbers, strict=True)):
        tried = np.array([_place(field, trial.place[index]) for trial in wide])
        if found.slices:
            one = found.slices[index]
            x = np.array(one.numbers)
            y = np.array(
                [np.nan if m is None else _shown(found.objective, m[found.objective]) for m in one.merits]
            )
            good = one.within(found.objective)
        else:
            x, y, good = np.array([field.low, field.high]), np.array([np.nan, np.nan]), (number, number)
        now = field.now if field.low <= field.now <= field.high else None
        values = np.array([shown(trial) for trial in wide])
        chosen = found.settable[index] if found.settable else None
        curves.append(
            design.Curve(
                field.path, field.unit, field.log, x, y, (number, best), now, (tried, values), good, chosen
            )
        )
    groups: dict[str, list[tuple[int, float]]] = {"survey": [], "searches": [], "about the best": []}
    for place, trial in enumerate(found.trials, 1):
        searched = "searches" if trial.stage.startswith(SEARCH) else "survey"
        group = "about the best" if trial.stage in ABOUT_THE_BEST else searched
        if trial.merit is not None:
            groups[group].append((place, shown(trial)))
    history = {
        name: (np.array([x for x, _ in points]), np.array([y for _, y in points]))
        for name, points in groups.items()
        if points
    }
    return design.optimum(curves, history, found.objective, "keeps 99.5 % of the best")


def _place(field: Field, share: float) -> float:
    """A value that was tried, in the field's unit; `Field.number` stays within the range."""
    if 0.0 <= share <= 1.0:
        return field.number(share)
    if field.log:
        return field.low * (field.high / field.low) ** share
    return field.low + share * (field.high - field.low)


def write_trials(found: Optimum, path: Path) -> Path:
    """Every cell that was tried, as CSV."""
    heads, factors = _heads(found.after.values)
    rows = []
    for trial in found.trials:
        numbers = [_place(one, share) for one, share in zip(found.fields, trial.place, strict=True)]
        merits = [math.nan] * len(factors)
        if trial.merit is not None:
            merits = [
                value * factor
                for (value, _), factor in zip(trial.merit.values.values(), factors, strict=True)
            ]
        rows.append([trial.stage, *numbers, *merits, trial.failure or ""])
    names = [f"{one.path} ({one.unit})" for one in found.fields]
    return _csv(path, ["stage", *names, *heads, "failure"], rows)


# --- maps ------------------------------------------------------------------------------------------------------------


def _of_map(made: xr.Dataset) -> dict[str, float]:
    """The mapped numbers by name, with the factor to the unit that people read."""
    names = [*NAMES, *(str(name) for name in made if str(name).startswith(PHOTOCURRENT))]
    return {name: field_unit(name, str(made[name].attrs["units"]))[1] for name in names}


def _read(made: xr.Dataset, axis: str, value: Any) -> Any:
    """Stored values of an axis in the unit that people read, to the twelve digits that they are written with."""
    numbers = np.asarray(value, dtype=float) * made[axis].attrs["factor"] + made[axis].attrs["offset"]
    rounded = np.array([float(f"{number:.12g}") for number in numbers.ravel()]).reshape(numbers.shape)
    return rounded if numbers.ndim else float(rounded)


def map_table(made: xr.Dataset) -> Table:
    """The best point of a map."""
    best = best_of(made)
    names = _of_map(made)
    heads = [
        f"{tables.literal(made[axis].attrs['path'])} ({made[axis].attrs['unit']})" for axis in ("x", "y")
    ]
    table = tables.plain("best", *heads, *(_head(made, name) for name in names))
    values = [f"{_read(made, axis, best[axis]):.5g}" for axis in ("x", "y")]
    table.add_row(
        tables.literal(made.attrs["stack"]),
        *values,
        *(f"{best[name] * factor:.4g}" for name, factor in names.items()),
    )
    return table


def _head(made: xr.Dataset, name: str) -> str:
    if name in NOMENCLATURE:
        return tables.heading(name)
    return f"{name.removeprefix(PHOTOCURRENT)} generates (mA/cm^2)"


def map_result(made: xr.Dataset) -> dict[str, Any]:
    """A map for machines."""
    result: dict[str, Any] = {"stack": str(made.attrs["stack"])}
    for axis in ("x", "y"):
        attrs = made[axis].attrs
        result[axis] = {
            "path": attrs["path"],
            "value": _read(made, axis, made[axis].values),
            "unit": attrs["unit"],
        }
    for name in _of_map(made):
        result[name] = machine.quantity(name, made[name].values, str(made[name].attrs["units"]))
    best = best_of(made)
    result["best"] = {
        axis: {"value": _read(made, axis, best[axis]), "unit": made[axis].attrs["unit"]}
        for axis in ("x", "y")
    } | {name: machine.quantity(name, best[name], str(made[name].attrs["units"])) for name in _of_map(made)}
    if "matching_x" in made:
        result["matching"] = {
            axis: {
                "value": _read(made, axis, made[f"matching_{axis}"].values),
                "unit": made[axis].attrs["unit"],
            }
            for axis in ("x", "y")
        }
    failed = np.argwhere(made["failure"].values != "")
    result["failures"] = [
        {"row": int(row), "column": int(column), "message": str(made["failure"].values[row, column])}
        for row, column in failed
    ]
    from perotwin.measurement import notes_of

    return {**result, "complete": bool(made.attrs["complete"]), "notes": notes_of(made)}


def map_figure(made: xr.Dataset) -> Figure:
    """See `plotting.design.field_map`."""
    from perotwin.plotting import design

    return design.field_map(made)


def write_map(made: xr.Dataset, path: Path) -> Path:
    """Every point of a map, as CSV."""
    names = _of_map(made)
    heads = [f"{made[axis].attrs['path']} ({made[axis].attrs['unit']})" for axis in ("x", "y")]
    for name in names:
        heads.append(f"{name} ({field_unit(name, str(made[name].attrs['units']))[0]})")
    rows = []
    for row, y in enumerate(_read(made, "y", made["y"].values)):
        for column, x in enumerate(_read(made, "x", made["x"].values)):
            values = [float(made[name].values[row, column]) * factor for name, factor in names.items()]
            rows.append([float(x), float(y), *values, str(made["failure"].values[row, column])])
    return _csv(path, [*heads, "failure"], rows)


# --- sensitivity -----------------------------------------------------------------------------------------------------


def sensitivity_tables(found: Sensitivity) -> list[Table]:
    """What a small change of each number does, and what its range does; the largest first."""
    term = NOMENCLATURE[found.objective]
    unit = _change(found.objective)
    now = found.now[found.objective]
    name = f"{tables.literal(found.cell.name)}, {term.symbol} {_shown(found.objective, now):.2f} {term.field_unit}"
    ranked = found.ranked
    first = tables.plain(
        "number", "as it is", "small change", f"does to {term.symbol} ({unit})", f"{term.symbol} per unit ({unit})",
        title=f"{name}: small changes",
    )  # fmt: skip
    for entry in ranked[:_ROWS]:
        each = "" if entry.field.unit == "1" else f" per {entry.field.unit}"
        first.add_row(
            tables.literal(entry.field.path),
            entry.field.text(entry.field.now),
            f"+{entry.slope.change}",
            _signed(_shown(found.objective, entry.slope.per_change)),
            _signed(_shown(found.objective, entry.slope.per_unit)) + each,
        )
    made = [first]
    if found.swings:
        second = tables.plain(
            "number", "as it is", "range", "at its low end", "at its high end", f"swing ({unit})",
            title=f"{name}: over the range that each number states",
        )  # fmt: skip
        for entry in found.swings[:_ROWS]:
            ends = [
                "failed" if one is None else f"{_shown(found.objective, one[found.objective]):.2f}"
                for one in (entry.low, entry.high)
            ]
            swing = f"{_shown(found.objective, entry.swing(found.objective, now)):.2f}"
            second.add_row(
                tables.literal(entry.field.path),
                entry.field.text(entry.field.now),
                entry.field.range,
                *ends,
                swing,
            )
        made.append(second)
    return made


def sensitivity_words(found: Sensitivity) -> list[str]:
    """What the tables leave out."""
    said = []
    for what, rows in (("small changes", found.ranked), ("ranges", found.swings)):
        if len(rows) > _ROWS:
            said.append(f"{len(rows) - _ROWS} more {what} are in the files (-o) and in --json.")
    if found.idle:
        said.append(f"without effect: {', '.join(entry.field.path for entry in found.idle)}.")
    for entry in found.entries:
        for failure in (entry.slope.failure, *entry.failures):
            if failure:
                said.append(f"{entry.field.path}: {failure}")
    return [*said, *found.notes]


def _entry(entry: Entry, objective: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "path": entry.field.path,
        "value": entry.field.now,
        "unit": entry.field.unit,
        **_slope(entry.slope, objective),
    }
    if entry.stated:
        made["range"] = {"low": entry.field.low, "high": entry.field.high, "unit": entry.field.unit}
        for end, one in (("at_low", entry.low), ("at_high", entry.high)):
            value = math.nan if one is None else _shown(objective, one[objective])
            made[end] = {"value": value, "unit": _unit(objective)}
    return made


def _ends(entry: Entry, objective: str) -> list[float]:
    """The objective at both ends of a number's range; NaN where it is not known."""
    return [math.nan if one is None else _shown(objective, one[objective]) for one in (entry.low, entry.high)]


def sensitivity_result(found: Sensitivity) -> dict[str, Any]:
    """A study of sensitivity for machines."""
    return {
        "stack": found.cell.name,
        "objective": found.objective,
        "metrics": _metrics(found.now),
        "numbers": [_entry(entry, found.objective) for entry in found.entries],
        "ranked": [entry.field.path for entry in found.ranked],
        "without_effect": [entry.field.path for entry in found.idle],
        "complete": found.complete,
        "notes": list(found.notes),
    }


def _typed(number: float) -> str:
    """An end of a range as short as people write it: "350", "1e6"."""
    text = f"{number:.4g}"
    return re.sub(r"e([+-])0*(\d)", lambda found: f"e{found.group(1).replace('+', '')}{found.group(2)}", text)


def sensitivity_figure(found: Sensitivity) -> Figure:
    """See `plotting.design.tornado`."""
    from perotwin.plotting import design, style

    def bar(entry: Entry) -> design.Bar:
        ends = _ends(entry, found.objective)
        unit = "" if entry.field.unit == "1" else f" {style.unit_latex(entry.field.unit)}"
        texts = [f"{_typed(number)}{unit}" for number in (entry.field.low, entry.field.high)]
        slope = _shown(found.objective, entry.slope.per_change)
        return design.Bar(entry.field.path, ends[0], ends[1], texts[0], texts[1], slope, entry.slope.change)

    now = _shown(found.objective, found.now[found.objective])
    return design.tornado(
        [bar(one) for one in found.swings], [bar(one) for one in found.ranked], now, found.objective
    )


def write_sensitivity(found: Sensitivity, path: Path) -> Path:
    """Every number of a study of sensitivity, as CSV."""
    unit = _unit(found.objective)
    heads = [
        "number", "value", "unit", "small change", f"{found.objective} for it ({unit})", f"uncertainty ({unit})",
        f"{found.objective} per 1 % more ({unit})", f"{found.objective} per unit ({unit})", "low end", "high end",
        f"{found.objective} at low end ({unit})",
        f"{found.objective} at high end ({unit})", "failure",
    ]  # fmt: skip
    rows: list[list[Any]] = []
    for entry in found.entries:
        field, slope = entry.field, entry.slope
        ends = _ends(entry, found.objective)
        span = [field.low, field.high] if entry.stated else [math.nan, math.nan]
        known = (slope.per_change, slope.uncertainty, slope.per_percent, slope.per_unit)
        slopes = [_shown(found.objective, value) for value in known]
        failure = "; ".join(text for text in (slope.failure, *entry.failures) if text)
        rows.append([field.path, field.now, field.unit, slope.change, *slopes, *span, *ends, failure])
    return _csv(path, heads, rows)
