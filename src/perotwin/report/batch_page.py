"""The page of a batch of measured files: one HTML file that needs nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perotwin.files.analysed import beside
from perotwin.measurement import heading, term_of
from perotwin.measurement.metrics import Metric
from perotwin.report import links
from perotwin.report.batch import FIGURES, Batch, Member, Summary
from perotwin.report.page import inline, raised, template
from perotwin.report.tables import digits

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["columns_of", "render_batch", "rows_of", "shown_value", "titles"]

#: metrics of one measurement that tables of the page show, where its instrument reads more
_MOST_COLUMNS = 8
#: rows of a table after which the rest is folded away
_FOLDED = 30


def titles() -> dict[str, str]:
    """Words for what was measured, by name of the instrument."""
    from perotwin import lab

    own = {
        "plqy_trace": "luminescence yield against time",
        "surface_photovoltage": "surface photovoltage (read and plotted only)",
        "el_subcells": "junctions' voltages by electroluminescence",
        "jv": "current and voltage",
    }
    return lab.titles() | own


def columns_of(members: Sequence[Member]) -> list[str]:
    """The metrics that a table of measurements shows: those that most of them have."""
    counts: dict[str, int] = {}
    for one in members:
        for name, metric in one.reading.metrics.items():
            if "," not in name or len(members) < 4:
                counts[name] = counts.get(name, 0) + math.isfinite(metric.value)
    known = [name for name in counts if counts[name]] or list(counts)
    return known[:_MOST_COLUMNS]


def shown_value(name: str, metric: Metric | None) -> str:
    """A metric in the unit that people read, with its uncertainty; a dash where it is unknown."""
    if metric is None or not math.isfinite(metric.value):
        return "–"
    if name in FIGURES or name in ("vmp", "jmp"):
        return digits(name, metric)
    shown = metric.in_field_units(name)
    text = f"{shown.value:.4g}"
    if shown.uncertainty is not None and math.isfinite(shown.uncertainty):
        text = f"{text} ± {shown.uncertainty:.2g}"
    # what is of a whole device, because no area is known, is not in the unit of the heading
    term = term_of(name)
    return text if term is None or term.unit == metric.unit else f"{text} {shown.unit}"


def head(name: str) -> str:
    """What stands over the column of a metric."""
    return raised(heading(name)) if term_of(name) is not None else name.replace("_", " ")


def rows_of(members: Sequence[Member], columns: Sequence[str]) -> list[dict[str, Any]]:
    """A row for each measurement: name, file, how it was taken, metrics, what the file states, what is to be said."""
    made = []
    for one in members:
        made.append(
            {
                "name": one.reading.name,
                "file": Path(one.path).name,
                "how": _how(one),
                "values": [shown_value(name, one.reading.metrics.get(name)) for name in columns],
                "stated": _stated(one),
                "notes": [
                    note.rstrip(".")
                    for note in (*one.reading.notes, *([one.reading.failure] if one.reading.failure else []))
                ],
                "failed": bool(one.reading.failure),
            }
        )
    return made


def _how(member: Member) -> str:
    parts = [member.direction] if member.direction else []
    if member.dark:
        parts.append("dark")
    light = float(member.reading.dataset.attrs.get("light", 1.0))
    if member.reading.instrument == "jv" and light not in (0.0, 1.0):
        parts.append(f"{light:.3g} sun")
    return ", ".join(parts)


def _stated(member: Member) -> list[str]:
    """What the file states, with the difference of ours from it."""
    said = []
    for name, (stated, difference) in beside(member.reading).items():
        shown = stated.in_field_units(name)
        unit = "" if shown.unit == "1" else f" {shown.unit}"
        term = term_of(name)
        words = name if term is None else term.symbol
        text = f"{words} {abs(shown.value) if name in ('jsc', 'jmp') else shown.value:.5g}{unit}"
        if math.isfinite(difference):
            factor = Metric(difference, stated.unit).in_field_units(name).value
            text += f" (ours {factor:+.2g})".replace("-", "−")
        said.append(text)
    return said


def _group_rows(summaries: Sequence[Summary]) -> list[dict[str, Any]]:
    def value(name: str, number: float) -> str:
        return digits(name, Metric(number, "V" if name == "voc" else "A m-2" if name == "jsc" else "1"))

    return [
        {
            "group": one.group or "all",
            "count": one.count,
            "medians": [value(name, one.medians[name]) for name in FIGURES],
            "means": [
                f"{value(name, one.means[name])} ± {value(name, one.spreads[name])}"
                if math.isfinite(one.spreads[name])
                else value(name, one.means[name])
                for name in FIGURES
            ],
            "best": f"{one.best.reading.name}: {digits('pce', one.best.reading.metrics['pce'])} %",
        }
        for one in summaries
    ]


def render_batch(
    batch: Batch,
    figures: Mapping[str, Sequence[tuple[Path, str]]],
    left_aside: Sequence[str] = (),
    folder: Path | None = None,
) -> str:
    """The page as HTML text.

    Parameters
    ----------
    figures : instrument -> SVG files with their captions.
    left_aside : files of a folder that are no data by their ending.
    folder : where the page will lie.
    """
    from perotwin import __version__
    from perotwin.files.registry import formats

    format_titles = {one.name: one.title for one in formats()}
    called = titles()
    sections = []
    for instrument, members in batch.by_instrument().items():
        columns = columns_of(members)
        rows = rows_of(members, columns)
        sections.append(
            {
                "name": instrument,
                "title": called.get(instrument, instrument.replace("_", " ")),
                "heads": [head(name) for name in columns],
                "rows": rows[:_FOLDED],
                "more": rows[_FOLDED:],
                "figures": [
                    _figure(path, words, f"{instrument}{at}", folder)
                    for at, (path, words) in enumerate(figures.get(instrument, ()))
                ],
                "methods": _methods(members, columns),
            }
        )
    failed = [
        {
            "path": file.path,
            "why": str(file.error.message) if file.error else "",
            "cure": file.error.advice if file.error else "",
        }
        for file in batch.files
        if file.error is not None
    ]
    read = [
        {
            "path": file.path,
            "format": format_titles.get(file.format, file.format),
            "found": _found_words(file, called),
        }
        for file in batch.files
        if file.error is None
    ]
    return _template().render(
        title=f"{len(batch.files)} measured file{'s' if len(batch.files) != 1 else ''}",
        version=__version__,
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        sections=sections,
        failed=failed,
        read=read[:200],
        more_read=read[200:],
        left_aside=list(left_aside),
        groups=_group_rows(batch.summaries),
        group_heads=[raised(heading(name)) for name in FIGURES],
        pairs=[
            {
                "key": one.key,
                "group": one.group,
                "members": ", ".join(f"{m.reading.instrument} {_how(m)}".strip() for m in one.members),
                "metrics": [_words(name, metric) for name, metric in one.metrics.items()],
            }
            for one in batch.pairs[:100]
        ],
        measurements=len(batch.members),
    )


def _words(name: str, metric: Metric) -> str:
    unit = metric.in_field_units(name).unit
    return f"{name.replace('_', ' ')} {shown_value(name, metric)}" + ("" if unit == "1" else f" {unit}")


def _found_words(file: Any, called: Mapping[str, str]) -> str:
    counts: dict[str, int] = {}
    for one in file.readings:
        counts[one.instrument] = counts.get(one.instrument, 0) + 1
    return ", ".join(
        f"{count} × {called.get(name, name)}" if count > 1 else called.get(name, name)
        for name, count in counts.items()
    )


def _methods(members: Sequence[Member], columns: Sequence[str]) -> list[str]:
    """How each metric was obtained, each way once."""
    found: dict[str, list[str]] = {}
    for name in columns:
        ways = {one.reading.metrics[name].method for one in members if name in one.reading.metrics} - {""}
        for way in sorted(ways)[:3]:
            found.setdefault(way, []).append(name.replace("_", " "))
    return [f"{', '.join(dict.fromkeys(names))}: {way}" for way, names in found.items()][:12]


def _figure(path: Path, words: str, prefix: str, folder: Path | None) -> dict[str, Any]:
    svg, width = inline(path, prefix)
    return {"svg": svg, "width": width, "caption": words, "files": links.drawn_as(path, folder)}


@cache
def _template() -> Template:
    return template("batch.html.j2")
