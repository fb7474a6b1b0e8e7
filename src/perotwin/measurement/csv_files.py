"""Measurements and metrics as CSV, for spreadsheets and plotting programs: units in the head, one block a curve.

A block is a set of neighbouring columns: an axis, then all that runs over it. Blocks stand side by side with an empty
column between them. The text is UTF-8 with a byte-order mark (without one Excel takes it for another encoding), the
decimal mark a point, the separator a comma, and what is not known an empty cell.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perotwin.measurement.files import write_atomically
from perotwin.measurement.instrument import named
from perotwin.measurement.metrics import Metrics
from perotwin.measurement.nomenclature import field_unit, heading

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["write_csv", "write_measurements_csv", "write_metrics_csv"]

#: columns of one block: heads, each with its values
Columns = list[tuple[str, Sequence[Any]]]


def write_csv(path: str | Path, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> Path:
    """Write rows of numbers and words, in one step.

    Args:
        path: of the file.
        heads: what stands over each column, with its unit: "Voc (V)".
        rows: each as long as the heads; NaN and None leave a cell empty.

    Returns:
        The file.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows([_cell(value) for value in row] for row in rows)
    content = text.getvalue().encode("utf-8-sig")
    return write_atomically(path, lambda temporary: temporary.write_bytes(content))


def write_measurements_csv(path: str | Path, measured: Mapping[str, xr.Dataset]) -> Path:
    """Write curves: of each measurement what machine output shows of it (profiles through a cell stay in its NetCDF).

    Args:
        path: of the file.
        measured: datasets by name. The heads say the names where there are several.

    Returns:
        The file.
    """
    blocks: list[Columns] = []
    for name, dataset in measured.items():
        said = f"{name}: " if len(measured) > 1 else ""
        for block in _blocks(dataset):
            blocks.append([(said + head, values) for head, values in block])
    heads: list[str] = []
    columns: list[Sequence[Any]] = []
    for number, block in enumerate(blocks):
        if number:
            heads.append("")
            columns.append(())
        heads += [head for head, _ in block]
        columns += [values for _, values in block]
    return write_csv(path, heads, zip_longest(*columns))


def write_metrics_csv(
    path: str | Path, first: Sequence[str], rows: Sequence[tuple[Sequence[Any], Metrics]]
) -> Path:
    """Write a table of metrics, a row for each cell or value.

    Args:
        path: of the file.
        first: heads of what tells the rows apart: "cell", or "perovskite.thickness (nm)".
        rows: that, and the metrics; each metric of any row has a column.

    Returns:
        The file.
    """
    units: dict[str, str] = {}
    for _, metrics in rows:
        for name, metric in metrics.items():
            units.setdefault(name, metric.unit)
    heads = [f"{name} ({field_unit(name, unit)[0]})" for name, unit in units.items()]
    lines = [
        [*told, *(metrics[name].in_field_units(name).value if name in metrics else None for name in units)]
        for told, metrics in rows
    ]
    return write_csv(path, [*first, *heads], lines)


def _cell(value: Any) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, str):
        # what begins so would be a formula to a spreadsheet
        return f"'{value}" if value[:1] in ("=", "+", "-", "@") else value
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _blocks(dataset: xr.Dataset) -> list[Columns]:
    """The columns of one measurement, by the axis of numbers that they run over; maps of two such axes point by
    point, and lists whose axis has no numbers of its own line by line."""
    hidden, listed = _hidden(dataset), _listed(dataset)
    blocks: dict[tuple[str, ...], Columns] = {}
    for name in map(str, [*dataset.coords, *dataset.data_vars]):
        variable = dataset.variables[name]
        rows = tuple(
            axis for axis in map(str, variable.dims) if axis in dataset.coords and _is_numeric(dataset[axis])
        )
        rows = rows or listed.get(name, ())
        if not rows or name in rows or any(axis in hidden for axis in rows):
            continue
        if rows not in blocks:
            blocks[rows] = _axes(dataset, rows)
        blocks[rows] += _columns(dataset, name, rows)
    return list(blocks.values())


def _listed(dataset: xr.Dataset) -> dict[str, tuple[str, ...]]:
    """Variables in machine output over an axis without numbers or names, such as the points of a sweep of light."""
    instrument = named(str(dataset.attrs.get("instrument")))
    declared = () if instrument is None else instrument.variables
    dims = {
        one.name: dataset.variables[one.name].dims for one in declared if one.written and one.name in dataset
    }
    return {
        name: (str(axes[0]),)
        for name, axes in dims.items()
        if len(axes) == 1 and axes[0] not in dataset.coords
    }


def _hidden(dataset: xr.Dataset) -> set[str]:
    """Axes that its instrument leaves out of machine output, such as the depth in a cell whose curve was taken."""
    instrument = named(str(dataset.attrs.get("instrument")))
    declared = () if instrument is None else instrument.variables
    axes = {one.name for one in declared if one.over == (one.name,) and not one.written}
    # what stands on edges goes with the nodes between which they lie
    return axes | {f"{axis}_edge" for axis in axes}


def _is_numeric(axis: xr.DataArray) -> bool:
    return axis.dtype.kind in "iuf"


def _axes(dataset: xr.Dataset, rows: tuple[str, ...]) -> Columns:
    """The axes of a block, of several each point of them all; none where the points have no numbers."""
    import numpy as np

    if not set(rows) <= set(map(str, dataset.coords)):
        return []

    grid = np.meshgrid(*(dataset[axis].values for axis in rows), indexing="ij")
    return [_column(dataset, axis, values.ravel()) for axis, values in zip(rows, grid, strict=True)]


def _columns(dataset: xr.Dataset, name: str, rows: tuple[str, ...]) -> Columns:
    """A variable over the axes of its block: a column, or one for each name on its other axes."""
    import numpy as np

    variable = dataset[name]
    others = [str(axis) for axis in variable.dims if axis not in rows]
    found: Columns = []
    for place in np.ndindex(*(variable.sizes[axis] for axis in others)):
        chosen = dict(zip(others, place, strict=True))
        labels = [
            str(dataset[axis].values[at]) if axis in dataset.coords else str(at)
            for axis, at in chosen.items()
        ]
        values = variable.isel(chosen).transpose(*rows).values.ravel()
        found.append(_column(dataset, name, values, ", ".join(labels)))
    return found


def _column(dataset: xr.Dataset, name: str, values: Any, label: str = "") -> tuple[str, Sequence[Any]]:
    """Head and values in the unit that people read."""
    if values.dtype.kind not in "iuf":
        kept = values.astype(int) if values.dtype.kind == "b" else values
        return (f"{name}, {label}" if label else name), kept.tolist()
    unit = str(dataset[name].attrs.get("units", "1"))
    head = heading(name, unit)
    written, factor = field_unit(name, unit)
    if label:
        symbol = head.removesuffix(f" ({written})")
        head = f"{symbol}, {label}" + ("" if written == "1" else f" ({written})")
    return head, (values * factor).tolist()
