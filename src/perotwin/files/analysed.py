"""Measurements of a file with what their instruments' analysis finds, beside what the file itself states."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from perotwin import lab
from perotwin.errors import InputError, PerotwinError
from perotwin.files.format import Found
from perotwin.files.plain_analyses import PLAIN, ideality_of_pairs
from perotwin.files.registry import read
from perotwin.measurement.metrics import Metric, Metrics

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["AnalysedFile", "Reading", "analyse_file", "beside", "reading_of"]

#: what needs no area of a curve of currents
_WITHOUT_AREA = ("voc", "ff", "vmp")


@dataclass(frozen=True)
class Reading:
    """One measurement of a file and what was read from it.

    name, instrument : of the measurement. dataset, stated : as the file holds and says it. metrics : by our analysis.
    notes : what its reader must know. failure : why it could not be analysed; "" where it was.
    """

    name: str
    instrument: str
    dataset: xr.Dataset
    stated: Mapping[str, Metric]
    metrics: Metrics
    notes: tuple[str, ...] = ()
    failure: str = ""


@dataclass(frozen=True)
class AnalysedFile:
    """A file. format : its name; "" where none took it. error : why it could not be read; None where it was."""

    path: str
    format: str = ""
    readings: tuple[Reading, ...] = ()
    error: PerotwinError | None = field(default=None)

    @property
    def failed(self) -> bool:
        """Whether it could not be read, or any of its measurements not be analysed."""
        return self.error is not None or any(one.failure for one in self.readings)


def analyse_file(
    path: str | Path,
    instrument: str | None = None,
    columns: str | None = None,
    area: str | float | None = None,
) -> AnalysedFile:
    """Read a file and analyse all that is in it. Never raises for what a file holds: it says so.

    Parameters
    ----------
    instrument, columns, area : as of `files.read`.
    """
    try:
        found = read(path, instrument, columns, area)
    except PerotwinError as error:
        return AnalysedFile(str(path), error=error)
    format = str(found[0].dataset.attrs["format"])
    return AnalysedFile(str(path), format, tuple(reading_of(one) for one in found))


def reading_of(found: Found) -> Reading:
    """A measurement with what its analysis finds, or why that cannot take it."""
    metrics, notes, failure = Metrics(), list(found.notes), ""
    try:
        metrics, more = _metrics(found)
        notes += more
    except InputError as error:
        failure = f"{error.message} {error.advice}".strip()
    except (
        Exception
    ) as fault:  # one measurement of hundreds must not cost the others, whatever went wrong there
        failure = f"the analysis of {found.instrument} cannot take it ({type(fault).__name__}: {fault})."
    notes += _doubts(found, metrics)
    return Reading(
        found.name,
        found.instrument,
        found.dataset,
        dict(found.stated),
        metrics,
        tuple(dict.fromkeys(notes)),
        failure,
    )


#: by how much ours may differ from what the file states before that is said: absolute in SI, and relative
_LIMITS = {"voc": (0.02, 0.0), "jsc": (0.0, 0.03), "ff": (0.03, 0.0), "pce": (0.0, 0.06)}


def _doubts(found: Found, metrics: Metrics) -> list[str]:
    """Where what the file states of itself is not what its points give: an area, a unit or a light is another."""
    said = []
    for name, (absolute, relative) in _LIMITS.items():
        stated = found.stated.get(name)
        ours = metrics.get(name) or metrics.get(_ALIKE.get(name, ""))
        if stated is None or ours is None or not math.isfinite(ours.value) or not stated.value:
            continue
        if abs(abs(ours.value) - abs(stated.value)) > max(absolute, relative * abs(stated.value)):
            one, other = stated.in_field_units(name), ours.in_field_units(name)
            unit = "" if one.unit == "1" else f" {one.unit}"
            said.append(
                f"the file states {name} = {abs(one.value):.4g}{unit} and its points give {abs(other.value):.4g}{unit}"
            )
    return said


def _metrics(found: Found) -> tuple[Metrics, list[str]]:
    import warnings

    dataset = found.dataset
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if found.instrument in PLAIN:
            return PLAIN[found.instrument](dataset), []
        instrument = lab.find(found.instrument)
        if instrument is None:
            return Metrics(), [f"read and plotted only: there is no analysis of {found.instrument}"]
        if found.instrument == "jv" and "current_density" not in dataset:
            # Voc and FF do not depend on the area
            whole = dataset.assign(current_density=dataset["current"] / 1e-4)
            whole["current_density"].attrs["units"] = "A m-2"
            made = instrument.analyse(whole)
            return Metrics(
                {name: one for name, one in made.items() if name.split(",")[0] in _WITHOUT_AREA}
            ), []
        if found.instrument == "suns_voc" and not {"intensity"} & set(dataset) and "jsc" not in dataset.attrs:
            return ideality_of_pairs(dataset), ["the light of one sun is not known: no pseudo fill factor"]
        return instrument.analyse(dataset), []


def beside(reading: Reading) -> dict[str, tuple[Metric, float]]:
    """What the file states of each metric, and by how much ours differs from it (SI; signs of currents aside)."""
    found = {}
    for name, stated in reading.stated.items():
        ours = reading.metrics.get(name) or reading.metrics.get(_ALIKE.get(name, ""))
        if ours is not None and not math.isnan(ours.value):
            value = stated.value if np.sign(stated.value) == np.sign(ours.value) else abs(stated.value)
            found[name] = (
                stated,
                abs(ours.value) - abs(value) if name in ("jsc", "jmp") else ours.value - value,
            )
        else:
            found[name] = (stated, math.nan)
    return found


#: metrics that instruments call otherwise than files state them
_ALIKE = {"jsc": "jsc_integrated", "pseudo_ff": "pff"}
