"""Advice as people and programs read it: tables, JSON, CSV, a figure."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perotwin.measurement import write_text
from perotwin.report import tables
from perotwin.report.waterfalls import Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.table import Table

    from perotwin.advice import Advice, Entry, Gain, Pair
    from perotwin.study import Merit

__all__ = [
    "advice_figure", "advice_result", "advice_tables", "advice_words", "entry_heads", "entry_rows", "pair_heads",
    "pair_rows", "write_advice",
]  # fmt: skip


def _points(value: float) -> str:
    return f"{100 * value:+.2f}".replace("-", "−") if math.isfinite(value) else "–"


def _gain(one: Gain | None) -> str:
    """A gain with its interval, points of efficiency."""
    if one is None:
        return "–"
    if not math.isfinite(one.low):
        return _points(one.pce)
    return f"{_points(one.pce)} ({_points(one.low)} to {_points(one.high)})"


def entry_heads(found: Advice) -> list[str]:
    """Heads of the table of changes."""
    series = [f"PCE of {found.cell.name}", *([f"of {found.tandem_name}"] if found.tandem is not None else [])]
    return ["change", "now", "attained", *series, "Voc (mV)", "Jsc (mA/cm^2)", "FF (points)"]


def entry_rows(found: Advice) -> list[Row]:
    """Each change with what it gains, the largest first."""
    made = []
    for one in found.entries:
        values = [one.applied.now, _then(one), _gain(one.cell)]
        if found.tandem is not None:
            values.append(_gain(one.tandem))
        values += [_signed(1e3 * one.voc, 1), _signed(0.1 * one.jsc, 2), _signed(100 * one.ff, 2)]
        made.append(Row(one.name, values))
    together = ["", "", _gain(found.together)]
    if found.tandem is not None:
        together.append(_gain(found.together_in_tandem))
    made.append(Row("all that gain, together", [*together, "", "", ""], total=True))
    return made


def _then(one: Entry) -> str:
    return one.then if one.then == one.then_in_tandem else f"{one.then} (in the tandem {one.then_in_tandem})"


def _signed(value: float, decimals: int) -> str:
    if not math.isfinite(value):
        return "–"
    text = f"{value:+.{decimals}f}"
    return "0" if float(text) == 0.0 else text.replace("-", "−")


def pair_heads(found: Advice) -> list[str]:
    """Heads of the table of pairs."""
    heads = ["two changes", f"PCE of {found.cell.name}", "beyond the sum of both"]
    if found.tandem is not None:
        heads += [f"of {found.tandem_name}", "beyond the sum of both"]
    return heads


def pair_rows(found: Advice) -> list[Row]:
    """Each pair with what both gain together, the largest first."""

    def worth(one: Pair) -> float:
        return one.cell.pce if one.tandem is None else one.tandem.pce

    made = []
    for one in sorted(found.pairs, key=worth, reverse=True):
        values = [_gain(one.cell), _gain(one.interaction)]
        if found.tandem is not None:
            values += [_gain(one.tandem), _gain(one.interaction_in_tandem)]
        made.append(Row(f"{one.first} and {one.second}", values))
    return made


def advice_tables(found: Advice) -> list[Table]:
    """The changes, and pairs of the largest."""
    title = f"what changes gain (points), from {100 * found.base.pce:.2f} %"
    if found.tandem is not None:
        title += f", of the tandem from {100 * found.tandem.pce:.2f} %"
    made = []
    for heads, rows, name in (
        (entry_heads(found), entry_rows(found), title),
        (pair_heads(found), pair_rows(found), "two changes at once (points)"),
    ):
        table = tables.plain(
            *map(tables.literal, heads), title=name, numbers_from=3 if heads[1] == "now" else 1
        )
        for row in rows:
            table.add_row(
                tables.literal(row.words),
                *map(tables.literal, row.values),
                style="bold" if row.total else None,
            )
        if rows:
            made.append(table)
    return made


def advice_words(found: Advice) -> list[str]:
    """What to change first, what does not apply, what the intervals rest on: sentences."""
    said = []
    if found.entries:
        first = found.entries[0]
        gain = first.cell if first.tandem is None else first.tandem
        where = found.cell.name if first.tandem is None else found.tandem_name
        said.append(
            f"most is gained by: {first.name}, {first.applied.now} to {_then(first)}: {_gain(gain)} points in {where}."
        )
    said += [
        f"left out: {one.name}{f' ({one.junction})' if one.junction else ''}: {one.why}"
        for one in found.left_out
    ]
    return [*said, found.intervals, *found.notes]


# --- machines --------------------------------------------------------------------------------------------------------


def _number(one: Gain | None) -> dict[str, Any] | None:
    if one is None:
        return None

    def points(value: float) -> float | None:
        return 100 * value if math.isfinite(value) else None

    return {
        "value": points(one.pce),
        "unit": "points",
        "low": points(one.low),
        "high": points(one.high),
        "improves": one.improves if math.isfinite(one.improves) else None,
    }


def _merit(one: Merit | None) -> dict[str, Any] | None:
    return None if one is None else one.metrics.to_json()


def advice_result(found: Advice) -> dict[str, Any]:
    """Advice for machines."""
    return {
        "stack": found.cell.name,
        "base": _merit(found.base),
        "tandem": None
        if found.tandem is None
        else {"stack": found.tandem_name, "base": _merit(found.tandem)},
        "changes": [
            {
                "name": one.applied.change.name,
                "junction": one.applied.junction or None,
                "paths": list(one.applied.paths),
                "now": one.applied.now,
                "attained": one.then,
                "attained_in_tandem": one.then_in_tandem,
                ("source" if one.applied.change.sourced else "assumed"): one.applied.change.words,
                "gain": _number(one.cell),
                "gain_in_tandem": _number(one.tandem),
                "voc": {"value": one.voc, "unit": "V"},
                "jsc": {"value": 0.1 * one.jsc, "unit": "mA/cm^2"},
                "ff": {"value": 100 * one.ff, "unit": "points"},
            }
            for one in found.entries
        ],
        "pairs": [
            {
                "changes": [one.first, one.second],
                "gain": _number(one.cell),
                "interaction": _number(one.interaction),
                "gain_in_tandem": _number(one.tandem),
                "interaction_in_tandem": _number(one.interaction_in_tandem),
            }
            for one in found.pairs
        ],
        "together": _number(found.together),
        "together_in_tandem": _number(found.together_in_tandem),
        "left_out": [
            {"name": one.name, "junction": one.junction or None, "why": one.why} for one in found.left_out
        ],
        "intervals": found.intervals,
        "draws": found.draws,
        "complete": found.complete,
        "notes": list(found.notes),
    }


def write_advice(found: Advice, path: Path) -> Path:
    """The changes as a table for spreadsheets, gains in points."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(
        [
            "change",
            "junction",
            "now",
            "attained",
            "gain",
            "low",
            "high",
            "gain in tandem",
            "low",
            "high",
            "rests on",
        ]
    )

    def three(one: Gain | None) -> list[str]:
        values = (math.nan,) * 3 if one is None else (one.pce, one.low, one.high)
        return [f"{100 * value:.6g}" if math.isfinite(value) else "" for value in values]

    for one in found.entries:
        change = one.applied.change
        words = change.words if change.sourced else f"assumed: {change.words}"
        lines.writerow(
            [
                change.name,
                one.applied.junction,
                one.applied.now,
                one.then,
                *three(one.cell),
                *three(one.tandem),
                words,
            ]
        )
    return write_text(path, text.getvalue())


def advice_figure(found: Advice) -> Figure:
    """Gains with their intervals, and what pairs gain beyond the sum."""
    from perotwin.plotting.advice import Bar, gains

    def values(one: Entry) -> Sequence[tuple[float, float, float]]:
        each = [one.cell, *([one.tandem] if one.tandem is not None else [])]
        return [(100 * gain.pce, 100 * gain.low, 100 * gain.high) for gain in each]

    series = [found.cell.name, *([found.tandem_name] if found.tandem is not None else [])]
    pairs = {}
    for one in found.pairs:
        gain = one.interaction if one.interaction_in_tandem is None else one.interaction_in_tandem
        pairs[one.first, one.second] = 100 * gain.pce
    return gains([Bar(one.name, values(one)) for one in found.entries], series, pairs)
