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
from perotwin.measurement import Metric, Metrics, checks_of, checks_to_json, field_unit, notes_of, protocol_of

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.report.derived import Derived
    from perotwin.report.result import CellResult
    from perotwin.stack import Cell

__all__ = [
    "SCHEMA",
    "bands_result",
    "cell_result",
    "check_result",
    "document",
    "el_result",
    "eqe_result",
    "error_entry",
    "four_terminal_result",
    "jv_result",
    "mppt_result",
    "pulse_result",
    "quantity",
    "scan_result",
    "signal_result",
    "stack_result",
    "to_text",
]

#: raised when a reader written for the old output would misread the new one
SCHEMA = 1

#: metrics that every current-voltage scan reports, known or not
_OF_A_SCAN = {"voc": "V", "jsc": "A m-2", "ff": "1", "pce": "1", "vmp": "V", "jmp": "A m-2"}


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


def quantity(name: str, value: Any, unit: str) -> dict[str, Any]:
    """``{"value", "unit"}`` of a number or an array stored in ``unit``, in field units."""
    import numpy as np

    read, factor = field_unit(name, unit)
    return {"value": np.asarray(value, dtype=float) * factor, "unit": read}


def _variable(dataset: xr.Dataset, name: str) -> dict[str, Any]:
    return quantity(name, dataset[name].values, str(dataset[name].attrs.get("units", "1")))


def _common(dataset: xr.Dataset) -> dict[str, Any]:
    entry: dict[str, Any] = {"stack": str(dataset.attrs.get("stack", ""))}
    if "light" in dataset.attrs:
        entry["light"] = {"value": dataset.attrs["light"], "unit": "sun"}
    if "temperature" in dataset.attrs:
        entry["temperature"] = {"value": dataset.attrs["temperature"], "unit": "K"}
    return entry


def _tail(*datasets: xr.Dataset) -> dict[str, Any]:
    checks = {name: item for dataset in datasets for name, item in checks_of(dataset).items()}
    notes = list(dict.fromkeys(note for dataset in datasets for note in notes_of(dataset)))
    return {"checks": checks_to_json(checks), "notes": notes}


def jv_result(scans: Sequence[tuple[xr.Dataset, Metrics]]) -> dict[str, Any]:
    """The result of one cell: scans (forward and reverse apart) with metrics and curve, and checks."""
    import numpy as np

    entries = []
    for dataset, metrics in scans:
        unknown = {name: Metric(math.nan, unit) for name, unit in _OF_A_SCAN.items()}
        current = dataset["current_density"].values
        if "converged" in dataset:
            current = np.where(dataset["converged"].values, current, np.nan)
        entries.append(
            {
                "direction": str(dataset.attrs.get("direction", "steady")),
                "metrics": Metrics({**unknown, **metrics}).to_json(),
                "curve": {
                    "voltage": _variable(dataset, "voltage"),
                    "current_density": quantity("current_density", current, "A m-2"),
                    **_junction_voltages(dataset),
                },
            }
        )
    first = scans[0][0]
    made = {**_common(first), "scans": entries, **_junctions(first)}
    return {**made, **_tail(*(dataset for dataset, _ in scans))}


def four_terminal_result(
    name: str, taken: Mapping[str, tuple[xr.Dataset, Metrics]], together: Metrics
) -> dict[str, Any]:
    """A tandem with four terminals: the curve and the metrics of each junction, and their powers together."""
    datasets = [dataset for dataset, _ in taken.values()]
    made = {
        which: jv_result([(dataset, metrics)])["scans"][0] for which, (dataset, metrics) in taken.items()
    }
    return {
        **_common(datasets[0]),
        "stack": name,
        "scans": [],
        "metrics": together.to_json(),
        "junctions": {
            which: {key: scan[key] for key in ("metrics", "curve")} for which, scan in made.items()
        },
        **_tail(*datasets),
    }


def _junction_voltages(dataset: xr.Dataset) -> dict[str, Any]:
    """``{"junction_voltages": {"top", "bottom", "between"}}`` of a tandem's curve; nothing of another cell's."""
    from perotwin.lab import junctions

    found = junctions.names(dataset)
    if not found:
        return {}
    told = {name: _variable(dataset, f"voltage_{name}") for name in (*found, junctions.BETWEEN)}
    return {"junction_voltages": told}


def _junctions(dataset: xr.Dataset) -> dict[str, Any]:
    """Each junction's own curve and metrics, which one limits, and where they stand at maximum power."""
    from perotwin.lab import junctions

    own = junctions.curves(dataset)
    if not own:
        return {}
    found = junctions.metrics(dataset)
    made: dict[str, Any] = {
        "junctions": {
            name: {
                "metrics": found[name].to_json(),
                "curve": {key: _variable(curve, key) for key in ("voltage", "current_density")},
            }
            for name, curve in own.items()
        },
        "limiting": junctions.limiting(dataset),
    }
    here = junctions.at(dataset)
    if here:
        made["maximum_power"] = {f"voltage_{name}": quantity("voltage", value, "V") for name, value in here.items()}
    return made


def scan_result(scans: Mapping[str, xr.Dataset], metrics: Mapping[str, Metrics]) -> dict[str, Any]:
    """The result of one cell that was scanned in time: as `jv_result`, with times, hysteresis index and protocol."""
    made = jv_result([(dataset, metrics.get(direction, Metrics())) for direction, dataset in scans.items()])
    for entry, dataset in zip(made["scans"], scans.values(), strict=True):
        if "time" in dataset.coords:
            entry["curve"]["time"] = _variable(dataset, "time")
    unknown = Metrics({"hysteresis_index": Metric(math.nan, "1")})
    made |= metrics.get("loop", unknown).to_json()
    first = next(iter(scans.values()))
    made["protocol"] = protocol_of(first)
    made["complete"] = bool(first.attrs.get("complete", True))
    return made


def mppt_result(dataset: xr.Dataset, metrics: Metrics) -> dict[str, Any]:
    """Power tracking of one cell: stabilised power, and voltage, current and power against time."""
    names = ("time", "voltage", "current_density", "power_density")
    return {
        **_common(dataset),
        "metrics": metrics.to_json(),
        **{name: _variable(dataset, name) for name in names},
        "protocol": protocol_of(dataset),
        "complete": bool(dataset.attrs.get("complete", True)),
        **_tail(dataset),
    }


def pulse_result(dataset: xr.Dataset, metrics: Metrics) -> dict[str, Any]:
    """A pulse of light on one cell: metrics, and what was read against the time from the pulse's end."""
    names = [name for name in ("voltage", "current_density") if name in dataset]
    return {
        **_common(dataset),
        "metrics": metrics.to_json(),
        **{name: _variable(dataset, name) for name in ("time", *names)},
        "protocol": protocol_of(dataset),
        "complete": bool(dataset.attrs.get("complete", True)),
        **_tail(dataset),
    }


def signal_result(dataset: xr.Dataset, metrics: Metrics) -> dict[str, Any]:
    """Impedance or capacitance of one cell: metrics, and every quantity against the frequency or the voltage."""
    (axis,) = (name for name in ("frequency", "voltage") if name in dataset.dims)
    made = {**_common(dataset), "metrics": metrics.to_json(), axis: _variable(dataset, axis)}
    for name, unit in (("voltage", "V"), ("current_density", "A m-2"), ("frequency", "Hz")):
        if name in dataset.attrs:
            made["bias_" + name if axis == "frequency" else name] = quantity(name, dataset.attrs[name], unit)
    made |= {str(name): _variable(dataset, str(name)) for name in dataset if dataset[name].dims == (axis,)}
    return {**made, "protocol": protocol_of(dataset), **_tail(dataset)}


def eqe_result(dataset: xr.Dataset, metrics: Metrics) -> dict[str, Any]:
    """Quantum efficiency, reflectance and absorptance by layer against wavelength, and the current they
    give.
    """
    made = {
        **_common(dataset),
        "wavelength": _variable(dataset, "wavelength"),
        "eqe": _variable(dataset, "eqe"),
    }
    for name in ("reflectance", "transmittance"):
        if name in dataset:
            made[name] = _variable(dataset, name)
    if "absorptance" in dataset:
        made["absorptance"] = {
            str(layer): quantity("absorptance", dataset["absorptance"].sel(layer=layer).values, "1")
            for layer in dataset["layer"].values
        }
    unknown = {"jsc_integrated": Metric(math.nan, "A m-2"), "bandgap": Metric(math.nan, "eV")}
    made |= Metrics({**unknown, **{name: metrics[name] for name in unknown if name in metrics}}).to_json()
    return {**made, **_spectra_of_junctions(dataset), **_tail(dataset)}


def _spectra_of_junctions(dataset: xr.Dataset) -> dict[str, Any]:
    """``{"junctions": {"top": {"eqe", "jsc_integrated", "bandgap", "bias_light", "bias_voltage"}, ...}}`` of a
    tandem.
    """
    from perotwin.lab import eqe

    made = {
        name: {
            "eqe": _variable(one, "eqe"),
            **eqe.analyse(one).to_json(),
            "bias_light": one.attrs.get("bias_light"),
            "bias_voltage": quantity("voltage", one.attrs.get("bias_voltage", math.nan), "V"),
        }
        for name, one in eqe.junctions(dataset).items()
    }
    return {"junctions": made} if made else {}


def el_result(dataset: xr.Dataset, metrics: Metrics) -> dict[str, Any]:
    """Electroluminescence of one cell: metrics, voltage against the injected current, and yield, splitting and spectrum
    of each emitter.
    """
    rows = ("elqy", "qfls", "photons")
    return {
        **_common(dataset),
        "metrics": metrics.to_json(),
        "injected": _variable(dataset, "injected"),
        "voltage": _variable(dataset, "voltage"),
        "wavelength": _variable(dataset, "wavelength"),
        "emitters": {
            str(name): {
                key: _variable(dataset.sel(emitter=name), key) for key in (*rows, "spectrum")
            }
            for name in dataset["emitter"].values
        },
        "protocol": protocol_of(dataset),
        **_tail(dataset),
    }


def bands_result(dataset: xr.Dataset) -> dict[str, Any]:
    """The band diagram at each operating point against depth."""
    names = ("conduction_band", "valence_band", "electron_fermi_level", "hole_fermi_level",
             "electron_density", "hole_density")  # fmt: skip
    states = []
    for state in dataset["state"].values:
        one = dataset.sel(state=state)
        entry: dict[str, Any] = {
            "state": str(state),
            "voltage": quantity("voltage", one["voltage"].values, "V"),
        }
        entry |= {name: _variable(one, name) for name in names if name in one}
        states.append(entry)
    return {
        **_common(dataset),
        "x": _variable(dataset, "x"),
        "layer": [str(name) for name in dataset["layer"].values],
        "states": states,
        **_tail(dataset),
    }


def cell_result(result: CellResult) -> dict[str, Any]:
    """All that the main job found out about a cell, except what only its NetCDF files hold (profiles)."""
    made: dict[str, Any] = {"stack": result.name}
    if "jv" in result.measurements:
        made |= jv_result([(result.measurements["jv"], result.metrics)])
        made["stack"] = result.name
    if "jv-dark" in result.measurements:
        made["dark"] = jv_result([(result.measurements["jv-dark"], Metrics())])["scans"][0]["curve"]
    if "eqe" in result.measurements:
        full = eqe_result(result.measurements["eqe"], result.eqe_metrics)
        wanted = ("wavelength", "eqe", "jsc_integrated", "bandgap", "junctions")
        made["eqe"] = {key: full[key] for key in wanted if key in full}
    scans = [
        result.measurements[name] for name in ("scan-reverse", "scan-forward") if name in result.measurements
    ]
    if scans:
        from perotwin import lab

        by_direction = {str(dataset.attrs["direction"]): dataset for dataset in scans}
        timed = scan_result(by_direction, lab.scan.analyse(by_direction))
        made["scans"] = [*made.get("scans", []), *timed["scans"]]
        made["hysteresis_index"] = timed["hysteresis_index"]
    for part, metrics in result.readings.items():
        if part != "scan":
            made[part] = metrics.to_json()
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
    return {
        "stack": cell.name,
        "description": cell.description,
        "layers": [
            {
                "name": layer.name,
                **({kind: part} if part else {}),
                "role": layer.role,
                "material": layer.material if isinstance(layer.material, str) else None,
                "thickness": quantity("x", float(layer.thickness), "m"),
            }
            for part, layer in in_order(cell)
        ],
        "numbers": {
            path: {"written": number.text, "source": sources.get(path)}
            for path, number in cell.quantities().items()
        },
        "toml": cell.to_toml(),
    }


def check_result(cell: Cell, derived: Sequence[Derived], notes: Sequence[str]) -> dict[str, Any]:
    """That a stack can be used, and what follows from it."""
    return {
        "stack": cell.name,
        "valid": True,
        "derived": [row.to_json() for row in derived],
        "notes": list(notes),
    }
