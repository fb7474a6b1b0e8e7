"""Machine output: results as JSON that other programs read. Its page in the documentation is
``docs/json.md``.

Every quantity is ``{"value", "unit"}`` in field units, unknown is null, and no number is NaN or infinite.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from perotwin.errors import PerotwinError
from perotwin.measurement import Metrics, checks_to_json, protocol_of, quantity
from perotwin.measurement.document import conditions, merged, vouched, written
from perotwin.report.tables import material_name

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.measurement import Instrument
    from perotwin.report.derived import Derived
    from perotwin.report.result import CellResult
    from perotwin.stack import Cell

__all__ = [
    "SCHEMA",
    "cell_result",
    "check_result",
    "document",
    "error_entry",
    "instrument_result",
    "quantity",
    "stack_result",
    "terminals_result",
    "to_text",
]

#: raised when a reader written for the old output would misread the new one
SCHEMA = 1


def document(results: Sequence[Mapping[str, Any]], error: PerotwinError | None = None) -> dict[str, Any]:
    """The top level of every output: schema, version, results and, when there is nothing else, the error."""
    from perotwin import __version__

    made: dict[str, Any] = {"schema": SCHEMA, "perotwin": __version__, "results": list(results)}
    if error is not None:
        made.update(error_entry(error))
    return made


def to_text(made: Mapping[str, Any]) -> str:
    """The document as JSON text; numpy numbers and arrays become plain ones, what is not finite null."""
    return json.dumps(_plain(made), ensure_ascii=False, allow_nan=False, indent=1)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, str) or value is None or isinstance(value, bool):
        return value
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, Iterable):
        return [_plain(entry) for entry in value]
    if isinstance(value, int):
        return int(value)
    number = float(value)
    return number if math.isfinite(number) else None


def error_entry(error: PerotwinError) -> dict[str, Any]:
    """``{"error": {"type", "message", "advice"}}``; a solver's error also says how far it came."""
    entry: dict[str, Any] = dict(error.to_json())
    for name in ("voltage", "stage"):
        known = getattr(error, name, None)
        if known not in (None, ""):
            entry[name] = quantity("voltage", known, "V") if name == "voltage" else known
    return {"error": entry}


def instrument_result(instrument: Instrument, measured: Any, metrics: Metrics) -> dict[str, Any]:
    """What an instrument measured on one cell: conditions, metrics, variables, protocol, checks and notes.

    Args:
        instrument: that took it; it declares what of this there is, or gives a form of its own.
        measured: a dataset, or datasets by name as the instrument gives them.
        metrics: of it.
    """
    datasets = [measured] if hasattr(measured, "data_vars") else list(measured.values())
    first: xr.Dataset = datasets[0]
    if instrument.document is not None:
        body = instrument.document(measured, metrics)
    else:
        body = {"metrics": metrics.to_json()}
        for one in instrument.attributes:
            if one.name in first.attrs:
                body[one.key] = quantity(one.name, first.attrs[one.name], one.unit)
        body |= written(instrument, first)
        body["protocol"] = protocol_of(first)
        if "complete" in first.attrs:
            body["complete"] = bool(first.attrs["complete"])
    return {**conditions(first), **body, **vouched(datasets)}


def terminals_result(
    name: str, instrument: Instrument, taken: Mapping[str, tuple[xr.Dataset, Metrics]], together: Metrics
) -> dict[str, Any]:
    """Curves of a cell whose junctions have terminals of their own: those of each junction, and their powers together.

    Args:
        name: of the cell. instrument: that took the curves. taken: by junction. together: metrics of all.
    """
    made = {which: instrument_result(instrument, *one)["scans"][0] for which, one in taken.items()}
    datasets = [dataset for dataset, _ in taken.values()]
    return {
        **conditions(datasets[0]),
        "stack": name,
        "scans": [],
        "metrics": together.to_json(),
        "junctions": {
            which: {key: scan[key] for key in ("metrics", "curve")} for which, scan in made.items()
        },
        **vouched(datasets),
    }


def cell_result(result: CellResult) -> dict[str, Any]:
    """All that the main job found out about a cell, except what only its NetCDF files hold (profiles)."""
    made: dict[str, Any] = {"stack": result.name}
    for instrument in result.instruments:
        measured = result.measured_by(instrument.name)
        metrics = result.read_by(instrument.name)
        if instrument.summary is not None:
            merged(made, instrument.summary(measured, metrics))
        elif metrics:
            made[instrument.name] = metrics.to_json()
        if "light" not in made and "" in measured:
            made = {**conditions(measured[""]), **made}
    if "map" in result.measurements:
        from perotwin.report import designs

        made["map"] = designs.map_result(result.measurements["map"])
    made["checks"] = checks_to_json(result.checks)
    made["notes"] = result.notes
    made["absent"] = {part: reason.to_json() for part, reason in result.absent.items()}
    if result.error is not None:
        made |= error_entry(result.error)
    return made


def stack_result(cell: Cell) -> dict[str, Any]:
    """What a cell is made of: its layers, and every number by field path with unit and source.

    A layer of a cell with columns says its "column", one of a tandem its "junction" ("top", "between", "bottom").
    """
    from perotwin.stack import Tandem, in_order

    kind = "junction" if isinstance(cell, Tandem) else "column"
    sources = cell.sources()
    taken = cell.taken()
    return {
        "stack": cell.name,
        "description": cell.description,
        "layers": [
            {
                "name": layer.name,
                **({kind: part} if part else {}),
                "role": layer.role,
                "material": None if layer.material is None else material_name(layer.material),
                "thickness": quantity("x", float(layer.thickness), "m"),
            }
            for part, layer in in_order(cell)
        ],
        "numbers": {
            path: {
                "written": number.text,
                "source": sources.get(path),
                **({"library_layer": taken[path]} if path in taken else {}),
            }
            for path, number in cell.quantities().items()
        },
        "toml": cell.to_toml(),
    }


def check_result(cell: Cell, derived: Sequence[Derived], notes: Sequence[str]) -> dict[str, Any]:
    """Whether a stack can be used, which one that swaps anode and cathode cannot, and what follows from it."""
    from perotwin.transport.plausibility import WRONG_WAY

    return {
        "stack": cell.name,
        "valid": not any(WRONG_WAY in note for note in notes),
        "derived": [row.to_json() for row in derived],
        "notes": list(notes),
    }
