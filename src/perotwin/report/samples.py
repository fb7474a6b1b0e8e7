"""Samples that recipes left: their figures, tables and machine output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perotwin import lab
from perotwin.measurement import NOMENCLATURE, Check, Metric, Metrics, checks_to_json
from perotwin.report import machine, tables

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure
    from rich.table import Table

    from perotwin.recipe import Sample

__all__ = ["SERIES_COLUMNS", "comparison_figures", "figures_of", "result", "series_table", "write_series"]

#: what a series of recipes shows, in order, with the digits that are worth reading; J-V metrics where there are any
SERIES_COLUMNS = {
    "sam_share": 1, "additive_share": 1, "bare_share": 1, "interface_step": 0, "interface_velocity": 0,
    "film_lifetime": 0, "trap_density": 2, "mobile_ions": 2, "voc": 3, "jsc": 2, "ff": 1, "pce": 2,
}  # fmt: skip


def result(
    name: str,
    sample: Sample,
    readings: Metrics,
    data: xr.Dataset | None = None,
    curve: xr.Dataset | None = None,
    metrics: Metrics | None = None,
    checks: Mapping[str, Check] | None = None,
) -> dict[str, Any]:
    """A sample for machines: its readings, its recipe, profiles where its data are given, and its cell's J-V."""
    made: dict[str, Any] = {"sample": name, "readings": readings.to_json(), "recipe": sample.recipe.to_toml()}
    if data is not None and "additive" in data:
        made["profile"] = {
            "depth": machine.quantity("x", data["depth"].values, "m"),
            "additive": machine.quantity("additive", data["additive"].values, "m-3"),
        }
        made["hole_diameters"] = machine.quantity("hole_diameter", data["hole_diameter"].values, "m")
    if curve is not None:
        made["jv"] = machine.instrument_result(lab.jv.INSTRUMENT, curve, metrics or Metrics())
    made["checks"] = checks_to_json(dict(checks or {}))
    return made


def series_table(path: str, rows: Sequence[tuple[str, Metrics]]) -> Table:
    """One row a value: what the sample and, if it was made, its cell come to."""
    shown = [name for name in SERIES_COLUMNS if any(name in metrics for _, metrics in rows)]
    heads = []
    for name in shown:
        term = NOMENCLATURE[name]
        heads.append(f"{term.symbol} ({term.field_unit})")
    made = tables.plain(tables.literal(path), *heads)
    for text, metrics in rows:
        made.add_row(text, *(_digits(name, metrics.get(name)) for name in shown))
    return made


def _digits(name: str, metric: Metric | None) -> str:
    if metric is None or metric.value != metric.value:
        return "–"
    value = metric.in_field_units(name).value
    return f"{value:.{SERIES_COLUMNS[name]}f}" if abs(value) < 1e5 else f"{value:.{SERIES_COLUMNS[name]}e}"


def figures_of(sample: Sample) -> dict[str, Figure]:
    """The figures of one sample, by name."""
    from perotwin.plotting import film, surface

    made = {"surface": surface.maps({sample.name: sample.patch})}
    if sample.solvents:
        made["solvents"] = surface.solvent(sample.solvents)
    if sample.dried is not None and sample.dried.dose > 0.0:
        made["additive"] = film.depth_profile({sample.name: sample.dried})
        made["drying"] = film.drying_history(sample.dried)
    return made


def comparison_figures(samples: Sequence[Sample]) -> dict[str, Figure]:
    """The figures that show all samples at once, by name."""
    from perotwin.plotting import film, surface

    if len(samples) < 2:
        return {}
    made = {
        "surfaces": surface.maps({sample.name: sample.patch for sample in samples}),
        "holes": surface.holes({sample.name: sample.patch for sample in samples}),
    }
    dried = {
        sample.name: sample.dried
        for sample in samples
        if sample.dried is not None and sample.dried.dose > 0.0
    }
    if len(dried) > 1:
        made["additives"] = film.depth_profile(dried)
    return made


def write_series(stem: Path, path: str, unit: str, rows: Sequence[tuple[float, Metrics]]) -> list[Path]:
    """A series as a table (CSV, units in its head) and as a figure (SVG, PNG): the files."""
    from perotwin.measurement import write_text
    from perotwin.plotting import recipes, style

    names = list(dict.fromkeys(name for _, metrics in rows for name in metrics))
    heads = [f"{path} ({unit})"]
    heads += [f"{name} ({NOMENCLATURE[name].field_unit})" if name in NOMENCLATURE else name for name in names]
    lines = [",".join(heads)]
    for number, metrics in rows:
        values = [
            metrics[name].in_field_units(name).value if name in metrics else float("nan") for name in names
        ]
        lines.append(",".join(f"{value:.10g}" for value in (number, *values)))
    table = stem.with_name(stem.name + ".csv")
    write_text(table, "\n".join(lines) + "\n")
    return [table, *style.save(recipes.series(path, unit, rows), stem)]
