"""Fits as people and programs read them: tables, sentences, JSON, CSV, figures, one page."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perotwin.calibrate.identify import LATE
from perotwin.measurement import field_unit, write_text
from perotwin.report import tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.table import Table

    from perotwin.calibrate.data import Data
    from perotwin.calibrate.data import Table as Compared
    from perotwin.calibrate.fit import Calibration
    from perotwin.calibrate.identify import Candidate
    from perotwin.calibrate.information import Group
    from perotwin.calibrate.leaning import Lean
    from perotwin.calibrate.parameters import Parameter
    from perotwin.calibrate.profile import Profile

__all__ = [
    "candidate_result", "cannot_tell", "correlation_figure", "fit_figure", "fit_result", "fit_tables", "fit_words",
    "interval", "render_fit", "write_data",
]  # fmt: skip


def cannot_tell(groups: Sequence[Group], candidates: Sequence[Candidate]) -> list[str]:
    """What data do not tell and what would, as sentences; the remedies are measurements that were tried on the cell."""
    said = []
    for number, group in enumerate(groups):
        cures = sorted((one for one in candidates if number in one.splits), key=lambda one: one.hours)
        verb = "tell it" if group.kind == "alone" else "split them"
        if cures:
            words = f"; {cures[0].title} would {verb} (about {cures[0].hours:g} h)"
        elif any(not one.failure for one in candidates):
            words = "; none of the measurements that were tried would"
        else:
            words = ""
        said.append(f"{group.words}{words}.")
    return said


def _not_told(found: Calibration, candidates: Sequence[Candidate]) -> list[str]:
    """What the data of a fit cannot tell, as sentences: see `Calibration.untold`."""
    groups = found.told.groups
    return [*cannot_tell(groups, candidates), *(f"{words}." for words in found.untold[len(groups) :])]


def _taken_for_granted(found: Calibration) -> list[str]:
    """Which held numbers the fitted ones lean on, as sentences."""
    from perotwin.calibrate.leaning import named

    return [f"{words}." for words in named(found.leans)]


def interval(one: Parameter, low: float, high: float) -> str:
    """Both ends with the unit that they share: a page has room for it once."""
    return f"{one.text(low).removesuffix(f' {one.unit}')} to {one.text(high)}"


def _texts(found: Calibration, index: int, values: Sequence[float]) -> list[str]:
    """Values (SI) of a number as people read them; what measures a measurement (its light, its fluence) is a factor."""
    one = found.fit.parameters[index]
    factor = "× " if index >= found.objective.count and one.unit == "1" else ""
    return [f"{factor}{one.text(value)}" for value in values]


def fit_tables(found: Calibration, profiles: Mapping[str, Profile] | None = None) -> list[Table]:
    """The numbers with their intervals, and how each data set fits."""
    fit = found.fit
    names = " and ".join(cell.name for cell in found.objective.cells)
    made = tables.plain(
        "number", "began at", "found", "95 % interval", "told by the data",
        title=f"{tables.literal(names)}: {fit.residuals.size} data, chi-square {fit.chi2:.4g} "
        f"with {fit.degrees} degrees of freedom",
    )  # fmt: skip
    for index, one in enumerate(fit.parameters):
        low, high = fit.interval(index)
        if profiles and one.name in profiles:
            low, high = profiles[one.name].interval
        made.add_row(
            tables.literal(one.name), *_texts(found, index, (one.start, float(fit.values[index]))),
            interval(one, low, high), _told_words(found, index),
        )  # fmt: skip
    second = tables.plain("data", "points", "chi-square", "by chance", "runs", "runs by chance", "")
    for each in found.misfits:
        second.add_row(
            tables.literal(each.name), str(each.count), f"{each.chi2:.4g}", f"{each.probability:.2g}", str(each.runs),
            f"{each.expected_runs:.0f}", "NOT DESCRIBED" if each.flagged else "fits",
        )  # fmt: skip
    return [made, second]


def _told_words(found: Calibration, index: int) -> str:
    if index >= found.objective.count:
        return "of the measurement itself"
    if found.told.prior_only[index]:
        return "no: what was known before"
    if not found.told.identified[index]:
        return "no"
    # data that a model does not describe tell its numbers as little as they tell it
    return "if it were described" if found.flagged else "yes"


def fit_words(found: Calibration, candidates: Sequence[Candidate] = ()) -> list[str]:
    """What stands against the fit, and what the data cannot tell, as sentences."""
    said = [one.words for one in found.flagged]
    if found.fit.outliers:
        more = f" and {len(found.fit.outliers) - 6} more" if len(found.fit.outliers) > 6 else ""
        said.append(f"far from the fit: {'; '.join(found.fit.outliers[:6])}{more}.")
    for other in found.fit.elsewhere:
        values = zip(found.fit.parameters, other.ended, strict=True)
        listed = ", ".join(f"{p.name} {p.text(float(v))}" for p, v in values if p.paths and p.prior is None)
        said.append(f"other numbers explain the data as well: {listed}.")
    said += [f"what these data cannot tell: {words}" for words in _not_told(found, candidates)]
    said += [f"what these data cannot tell: {words}" for words in _taken_for_granted(found)]
    late = [one.title for one in candidates if one.failure.startswith(LATE)]
    if late:
        said.append(
            f"{late[0] if len(late) == 1 else ', '.join(late[:-1]) + ' and ' + late[-1]}: not tried, since it took too "
            "long; perotwin identify on the fitted cell tries all."
        )
    said += [f"{note.rstrip('.')}." for note in found.notes]
    return said


def fit_result(
    found: Calibration,
    candidates: Sequence[Candidate] = (),
    profiles: Mapping[str, Profile] | None = None,
    posterior: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A fit for machines; values in field units, `value_si` besides."""
    fit = found.fit
    numbers = []
    for index, one in enumerate(fit.parameters):
        low, high = fit.interval(index)
        entry: dict[str, Any] = {
            "name": one.name,
            "paths": list(one.paths),
            "cells": list(one.cells),
            "value": one.shown(float(fit.values[index])),
            "unit": one.unit,
            "value_si": float(fit.values[index]),
            "scale": type(one.scale).__name__.lower(),
            "sd_on_scale": float(fit.sd[index]),
            "interval_95": {"low": one.shown(low), "high": one.shown(high), "unit": one.unit},
            "bounds": {"low": one.shown(one.low), "high": one.shown(one.high), "unit": one.unit},
            "start": one.shown(one.start),
            "prior": None
            if one.prior is None
            else {"mean": one.shown(one.prior.mean), "sd_on_scale": one.prior.sd},
            "identified": bool(found.told.identified[index]),
        }
        if profiles and one.name in profiles:
            low, high = profiles[one.name].interval
            entry["profile_95"] = {"low": one.shown(low), "high": one.shown(high), "unit": one.unit}
        numbers.append(entry)
    made = {
        "stack": " and ".join(cell.name for cell in found.objective.cells),
        "numbers": numbers,
        "chi2": fit.chi2,
        "degrees_of_freedom": fit.degrees,
        "probability": fit.probability,
        "data": [
            {
                "name": one.name, "points": one.count, "chi2": one.chi2, "probability": one.probability,
                "runs": one.runs, "expected_runs": one.expected_runs, "described": not one.flagged,
            }
            for one in found.misfits
        ],
        "at_bound": list(fit.at_bound),
        "outliers": list(fit.outliers),
        "cannot_tell": _not_told(found, candidates),
        "leans_on": [_lean_result(found, one) for one in found.leans],
        "further_measurements": [candidate_result(one) for one in candidates],
        "correlations": {"names": [one.name for one in fit.parameters], "values": fit.correlations},
        "evaluations": fit.evaluations,
        "complete": fit.complete,
        "notes": list(found.notes),
    }  # fmt: skip
    if posterior is not None:
        made["posterior"] = dict(posterior)
    return made


def _lean_result(found: Calibration, one: Lean) -> dict[str, Any]:
    """A held number that fitted ones lean on, for machines; `chi2_change` is null where no fit was made again."""
    moved = []
    for index, value in one.moved:
        number = found.fit.parameters[index]
        told = math.isfinite(value)
        moved.append(
            {
                "name": number.name, "value": number.shown(value) if told else None, "unit": number.unit,
                "value_si": value if told else None,
            }
        )  # fmt: skip
    return {
        "cell": one.cell, "path": one.path, "held": one.held, "other": one.other, "moved": moved,
        "move_over_sd": one.worst, "chi2_change": one.rise if math.isfinite(one.rise) else None, "words": one.words,
    }  # fmt: skip


def candidate_result(one: Candidate) -> dict[str, Any]:
    """A further measurement for machines."""
    return {
        "measurement": one.kind, "title": one.title, "hours": one.hours, "nats": one.nats, "nats_per_hour":
        one.per_hour, "makes_known": list(one.newly), "failure": one.failure or None,
    }  # fmt: skip


def write_data(found: Calibration, path: Path) -> Path:
    """All data beside the fit, as CSV."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(
        [
            "data",
            "part",
            "axis",
            "x",
            "x unit",
            "quantity",
            "measured",
            "fit",
            "standard deviation",
            "unit",
            "residual (sd)",
        ]
    )
    for one, table in _each(found):
        x_unit, x_factor = field_unit(table.axis, table.axis_unit) if table.axis else ("", 1.0)
        y_unit, y_factor = field_unit(table.value, table.value_unit)
        for x, data, model, sd, part in zip(
            table.x, table.data, table.model, table.sd, table.parts, strict=True
        ):
            row = [x_factor * x, y_factor * data, y_factor * model, y_factor * sd, (model - data) / sd]
            told = [f"{value:.8g}" if math.isfinite(value) else "" for value in row]
            lines.writerow(
                [
                    one.name,
                    part,
                    table.axis,
                    told[0] if table.axis else "",
                    x_unit,
                    table.value,
                    *told[1:4],
                    y_unit,
                    told[4],
                ]
            )
    return write_text(path, text.getvalue())


def _each(found: Calibration) -> list[tuple[Data, Compared]]:
    """Each data set with each quantity of it beside the fit."""
    pairs = zip(found.objective.data, found.tables, strict=True)
    return [(one, table) for one, first in pairs for table in first.all]


def fit_figure(found: Calibration) -> Figure | None:
    """See `plotting.calibration.fits`; None where all data are single numbers."""
    from perotwin.plotting import calibration as drawing

    panels = [
        drawing.Panel(
            _title(one.name), t.axis, t.axis_unit, t.value, t.value_unit, t.x, t.data, t.model, t.sd, t.parts
        )
        for one, t in _each(found)
        if t.axis
    ]
    return drawing.fits(panels) if panels else None


#: what data sets are called over their panels, by how their names begin
_TITLES = {
    "scan": "scans", "suns_voc": "Voc against light", "eqe": "quantum efficiency", "trpl": "decay",
    "jv": "steady curve", "impedance_dark": "impedance in the dark",
}  # fmt: skip


def _title(name: str) -> str:
    """What stands over the panel of a data set, its cell and number kept."""
    words = " ".join(_TITLES.get(word, word) for word in name.split())
    return words[:1].upper() + words[1:]


def correlation_figure(found: Calibration) -> Figure:
    """See `plotting.calibration.correlations`."""
    from perotwin.plotting import calibration as drawing

    return drawing.correlations([one.name for one in found.fit.parameters], found.fit.correlations)


def render_fit(
    found: Calibration,
    figures: Mapping[str, tuple[Path, str]],
    candidates: Sequence[Candidate] = (),
    profiles: Mapping[str, Profile] | None = None,
    words: Sequence[str] = (),
) -> str:
    """The page of a fit as HTML text. figures: SVG files with their captions."""
    from perotwin import __version__
    from perotwin.report.page import inline, template

    fit = found.fit
    rows = []
    for index, one in enumerate(fit.parameters):
        low, high = fit.interval(index)
        if profiles and one.name in profiles:
            low, high = profiles[one.name].interval
        start, value = _texts(found, index, (one.start, float(fit.values[index])))
        rows.append(
            {
                "name": one.name, "start": start, "value": value,
                "interval": interval(one, low, high), "told": _told_words(found, index),
                "known": found.told.identified[index] or index >= found.objective.count,
            }
        )  # fmt: skip
    shown = []
    for number, (name, (path, caption)) in enumerate(figures.items()):
        svg, width = inline(path, f"fit{number}")
        shown.append({"name": name, "svg": svg, "width": width, "caption": caption})
    return template("calibration.html.j2").render(
        title=f"{' and '.join(cell.name for cell in found.objective.cells)}: fit",
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        version=__version__,
        count=fit.residuals.size,
        chi2=f"{fit.chi2:.4g}",
        degrees=fit.degrees,
        probability=f"{fit.probability:.2g}" if fit.degrees else "–",
        described=not found.flagged,
        rows=rows,
        misfits=found.misfits,
        cannot=_not_told(found, candidates),
        granted=_taken_for_granted(found),
        candidates=[one for one in candidates if not one.failure],
        words=[one for one in words if not one.startswith("what these data cannot tell")],
        figures=shown,
        report=fit.report(),
    )
