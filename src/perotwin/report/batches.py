"""Batches of devices as people read them: a table of the groups, and one of what they differ by."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from perotwin.measurement import Metric, Metrics, field_unit, heading, term_of, write_text
from perotwin.measurement.digits import significant
from perotwin.report.tables import literal, plain
from perotwin.study.sweep import unit_of

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr
    from numpy.typing import NDArray
    from rich.table import Table

    from perotwin.report.waterfalls import Row

__all__ = [
    "QUANTILE_HEADS",
    "failures",
    "quantile_rows",
    "quantile_table",
    "stored_result",
    "tables_of",
    "write_devices",
]

#: decimals of figures of merit in the units that people read
_DECIMALS = {"voc": 3, "jsc": 2, "ff": 1, "pce": 2}
#: p values below are told so
_LEAST_P = 1e-4


class Group(Protocol):
    """What a table shows of a group (see `lab.statistics_analysis.Group`)."""

    @property
    def name(self) -> str: ...
    @property
    def values(self) -> Mapping[str, NDArray[np.float64]]: ...


def tables_of(groups: Sequence[Group], found: Mapping[str, Metric]) -> list[Table]:
    """Figures of each group, and the differences of each pair of groups.

    Args:
        groups: in their order. found: what `lab.statistics.analyse` read of them.
    """
    made = [_groups(groups, found)]
    pairs = [
        pair for pair in combinations(groups, 2) if any(name in pair[1].values for name in pair[0].values)
    ]
    if pairs:
        made.append(_pairs(pairs, found))
    return made


def _groups(groups: Sequence[Group], found: Mapping[str, Metric]) -> Table:
    table = plain(
        "group", "devices", "substrates", "dead", "figure", "median", "quartiles", "mean", "95 % of the mean"
    )
    for group in groups:
        tail = f", {group.name}" if group.name else ""
        counts = [_count(found.get(f"{name}{tail}")) for name in ("devices", "substrates", "dead")]
        first = [literal(group.name or "all"), *counts]
        for name in group.values:
            rows = {key: found[f"{name}{tail}, {key}"].in_field_units(name) for key in _ROWS}
            low, high = (_number(name, rows[key].value) for key in ("lower quartile", "upper quartile"))
            ends = [_number(name, rows[key].value) for key in ("low", "high")]
            mean = _number(name, rows["mean"].value)
            if rows["mean"].uncertainty is not None:
                mean += f" ± {_number(name, rows['mean'].uncertainty)}"
            table.add_row(
                *first, _called(name), _number(name, rows["median"].value),
                "–" if low == "–" else f"{low} to {high}", mean,
                " to ".join(ends) if "–" not in ends else "–",
            )  # fmt: skip
            first = ["", "", "", ""]
    return table


_ROWS = ("median", "lower quartile", "upper quartile", "mean", "low", "high")


def _pairs(pairs: Sequence[tuple[Group, Group]], found: Mapping[str, Metric]) -> Table:
    table = plain("difference", "figure", "of the means", "Welch p", "Mann-Whitney p", "g", "seen with 80 %")
    for one, other in pairs:
        between = f"{one.name} − {other.name}"
        for name in one.values:
            key = f"{name}, {one.name} - {other.name}"
            if key not in found:
                continue
            shown = found[key].in_field_units(name)
            value = _number(name, shown.value)
            if shown.uncertainty is not None:
                value += f" ± {_number(name, shown.uncertainty)}"
            seen = found.get(f"{key}, seen")
            table.add_row(
                literal(between), _called(name), value, _p(found.get(f"welch_p, {key}")),
                _p(found.get(f"mann_whitney_p, {key}")), _plain(found.get(f"hedges_g, {key}")),
                "–" if seen is None else _number(name, seen.in_field_units(name).value),
            )  # fmt: skip
            between = ""
    return table


def _called(name: str) -> str:
    term = term_of(name)
    assert term is not None
    return f"{term.symbol} ({term.field_unit})"


def _number(name: str, value: float) -> str:
    return "–" if not math.isfinite(value) else f"{value:.{_DECIMALS[name]}f}".replace("-", "−")


def _count(metric: Metric | None) -> str:
    return "–" if metric is None else f"{metric.value:.0f}"


def _plain(metric: Metric | None) -> str:
    return (
        "–" if metric is None or not math.isfinite(metric.value) else f"{metric.value:.2f}".replace("-", "−")
    )


def _p(metric: Metric | None) -> str:
    if metric is None or not math.isfinite(metric.value):
        return "–"
    return f"< {_LEAST_P:g}" if metric.value < _LEAST_P else significant(metric.value)


def write_devices(made: xr.Dataset, path: Path) -> Path:
    """A row a device as CSV: group, substrate, figures in the units that people read, why it failed, what was drawn."""
    figures = [name for name in (*_DECIMALS, "vmp", "jmp") if name in made.variables]
    words = [name for name in ("device", "group", "substrate", "failure") if name in made.coords]
    if "failure" in words and not any(made["failure"].values.tolist()):
        words.remove("failure")
    drawn = json.loads(made.attrs.get("drawn", "[]"))
    columns = {name: unit_of(text) for one in drawn for name, text in one.items()}
    heads = [name if unit == "1" else f"{name} ({unit})" for name, unit in columns.items()]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    units = {name: str(made[name].attrs.get("units", "1")) for name in figures}
    writer.writerow([*words, *(heading(name, units[name]) for name in figures), *heads])
    for row in range(made.sizes["device"]):
        values = []
        for name in figures:
            value = float(made[name].values[row]) * field_unit(name, units[name])[1]
            values.append(f"{value:.9g}" if math.isfinite(value) else "")
        own = drawn[row] if drawn else {}
        # the unit stands in the heading, so that a table of numbers is one
        others = [
            own.get(name, "").removesuffix("" if unit == "1" else f" {unit}")
            for name, unit in columns.items()
        ]
        writer.writerow([*(str(made[name].values[row]) for name in words), *values, *others])
    return write_text(path, out.getvalue())


# --- large batches ---------------------------------------------------------------------------------------------------

#: heads of the table of quantiles
QUANTILE_HEADS = (
    "figure",
    "median",
    "mean",
    "sd",
    "2.5 %",
    "25 %",
    "75 %",
    "97.5 %",
    "devices",
)
_QUANTILES = (0.025, 0.25, 0.75, 0.975)


def quantile_rows(made: xr.Dataset) -> list[Row]:
    """Medians, means, spreads and quantiles of each figure, group by group."""
    import numpy as np

    from perotwin.report.waterfalls import Row

    rows = []
    groups = made["group"].values
    for group in dict.fromkeys(str(one) for one in groups):
        rows.append(Row(f"devices of {group}", []))
        for name in _DECIMALS:
            values = made[name].values[groups == group]
            good = values[np.isfinite(values)] * field_unit(name, str(made[name].attrs.get("units", "1")))[1]
            decimals = _DECIMALS[name] + 1

            def shown(value: float, decimals: int = decimals) -> str:
                return f"{value:.{decimals}f}".replace("-", "−") if math.isfinite(value) else "–"

            if not good.size:
                rows.append(Row(_called(name), ["–"] * 7 + [f"0 of {values.size}"]))
                continue
            spread = float(good.std(ddof=1)) if good.size > 1 else math.nan
            numbers = [float(np.median(good)), float(good.mean()), spread, *np.quantile(good, _QUANTILES)]
            rows.append(Row(_called(name), [*map(shown, numbers), f"{good.size} of {values.size}"]))
    return rows


def quantile_table(made: xr.Dataset) -> Table:
    """The same for a terminal."""
    table = plain(*QUANTILE_HEADS)
    for row in quantile_rows(made):
        values = row.values or [""] * (len(QUANTILE_HEADS) - 1)
        table.add_row(literal(row.words), *values, style=None if row.values else "bold")
    return table


def failures(made: xr.Dataset) -> list[tuple[str, int]]:
    """Why devices failed, and how many, the most frequent first."""
    counts: dict[str, int] = {}
    for why in made["failure"].values:
        if why:
            counts[str(why)] = counts.get(str(why), 0) + 1
    return sorted(counts.items(), key=lambda pair: -pair[1])


def stored_result(made: xr.Dataset, found: Mapping[str, Metric]) -> dict[str, Any]:
    """A large batch for machines: what is read of it, and where its devices are."""
    from perotwin.measurement import notes_of

    return {
        "stack": str(made.attrs["stack"]),
        "devices": int(made.sizes["device"]),
        "failed": int(sum(1 for why in made["failure"].values if why)),
        "failures": [{"why": why, "devices": count} for why, count in failures(made)],
        "drawn_from": str(made.attrs["spread"]),
        "seed": int(made.attrs["seed"]),
        "store": str(made.attrs["store"]),
        "metrics": Metrics(dict(found)).to_json(),
        "complete": bool(made.attrs["complete"]),
        "notes": notes_of(made),
    }
