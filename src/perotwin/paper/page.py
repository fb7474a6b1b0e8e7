"""The reproduction as people read it: a table of claims, what agrees, what does not and why, on one offline page."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from perotwin.paper import calibrated, claims, split
from perotwin.paper.compare import Line, Score
from perotwin.paper.figures import FIGURES
from perotwin.paper.rows import STAGES
from perotwin.report import study_page
from perotwin.report.waterfalls import Row

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["as_csv", "in_words", "render", "score_words", "table"]

#: groups of rows, by the beginning of their names
_GROUPS = {
    "buried_interface.": "the buried face",
    "wide_bandgap.film": "films",
    "wide_bandgap.phase": "halide segregation",
    "wide_bandgap.operation": "operation",
    "wide_bandgap.": "single junctions",
    "tandem.": "tandems",
    "statistics.": "statistics",
}
_LABELS = {
    "input": "the paper's number goes into the twin",
    "calibrated": "the number helped to choose a parameter of the twin",
    "predicted": "nothing that computes the answer knows the number",
    "no model": "nothing here computes it",
}


def _group(name: str) -> str:
    return next(words for start, words in _GROUPS.items() if name.startswith(start))


def _grouped(lines: Sequence[Line]) -> Iterator[tuple[str, list[Line]]]:
    for words in dict.fromkeys(_group(one.claim.name) for one in lines):
        yield words, [one for one in lines if _group(one.claim.name) == words]


def _label(one: Line) -> str:
    return f"{one.claim.label}, tied" if one.claim.tied else one.claim.label


def table(lines: Sequence[Line]) -> Table:
    """The claims in a terminal."""
    from rich import box
    from rich.table import Table

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for head in ("Claim", "Paper", "Within", "Twin", "Label", ""):
        made.add_column(head, overflow="fold")
    colours = {"agrees": "green", "differs": "red"}
    for one in lines:
        verdict = one.verdict
        made.add_row(
            one.claim.name,
            one.claim.expects(),
            one.claim.within() if one.claim.is_number else "",
            one.twin,
            _label(one),
            f"[{colours[verdict]}]{verdict}[/]" if verdict in colours else verdict,
        )
    return made


def _pair(pair: tuple[int, int]) -> str:
    return f"{pair[0]} of {pair[1]}" if pair[1] else "–"


def score_words(counted: Sequence[Score]) -> list[str]:
    """How many agree, in sentences."""
    made = []
    for one in counted:
        if one.label == "no model":
            made.append(f"no model: {one.numbers[1] + one.directions[1]} rows")
            continue
        words = f"{one.label}: numbers {_pair(one.numbers)}, directions {_pair(one.directions)} agree"
        if one.label == "predicted":
            words += f"; {_pair(one.free)} of those that are not tied to a calibrated row"
        made.append(words)
    return made


def in_words(line: Line, helped: Sequence[str]) -> list[str]:
    """One claim in sentences: what the paper says, how the twin comes to its answer, from what.

    Args:
        line: the claim and its answer. helped: numbers of the twin that the row helped to choose.
    """
    claim = line.claim
    made = [f"{claim.name}: {claim.says} ({claim.where}; {claim.kind})"]
    made.append(
        f"Paper: {claim.expects()}"
        + (f", agreement within {claim.within()}." if claim.is_number else ".")
        + f" Twin: {line.twin}, {line.verdict}."
    )
    made.append(f"Label: {claim.label} – {_LABELS[claim.label]}.")
    if claim.tied:
        made.append(f"It follows from a calibrated row more or less alone: {claim.tied}.")
    if helped:
        made.append(f"It helped to choose: {', '.join(helped)}.")
    if line.how:
        made.append(f"How: {line.how}")
    if line.found is not None and line.found.words:
        made.append(f"What was read: {line.found.words}.")
    if line.command:
        made.append(f"To see it: {line.command}")
    if claim.because and not line.agrees:
        made.append(f"Why: {claim.because}")
    for one in claims.contradictions():
        if claim.name in one.rows:
            made.append(f"The paper contradicts itself here: {one.says}")
    return made


def as_csv(lines: Sequence[Line]) -> str:
    """The table of claims as text, a row a claim."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    heads = (
        "claim", "says", "where", "kind", "label", "tied", "paper", "within", "twin", "verdict", "read", "because",
        "command",
    )  # fmt: skip
    writer.writerow(heads)
    for one in lines:
        claim = one.claim
        writer.writerow(
            (
                claim.name, claim.says, claim.where, claim.kind, claim.label, claim.tied, claim.expects(),
                claim.within() if claim.is_number else "", one.twin, one.verdict,
                one.found.words if one.found else "", claim.because if claim.because and not one.agrees else "",
                one.command,
            )
        )  # fmt: skip
    return text.getvalue()


def render(
    lines: Sequence[Line],
    counted: Sequence[Score],
    drawn: Mapping[str, Sequence[Path]],
    folder: Path,
    files: Sequence[Path],
    complete: bool,
) -> str:
    """The page.

    Args:
        lines, counted: of the run. drawn: figures (files) by stage. folder: where the page will lie.
        files: of data, below it. complete: whether all stages were done.
    """
    sections = [_scores(counted, complete)]
    sections += [_claims(words, some) for words, some in _grouped(lines)]
    sections.append(
        study_page.Section(
            "where the paper contradicts itself", words=[one.says for one in claims.contradictions()]
        )
    )
    sections += [_calibrated(), _split()]
    for stage, words in STAGES.items():
        shown = [
            study_page.Drawn(folder / f"{one.name}.svg", f"{one.caption} The paper's {one.paper}.")
            for one in FIGURES
            if one.stage == stage and (folder / f"{one.name}.svg") in drawn.get(stage, ())
        ]
        if shown:
            sections.append(study_page.Section(f"figures – {words}", figures=shown))
    lead = (
        "In-situ molecular compensation in wide-bandgap perovskite (S. Fu et al.): every claim of the paper, and what "
        "its virtual twin says to it."
    )
    return study_page.render_study("The paper, reproduced", sections, lead, folder, files)


def _scores(counted: Sequence[Score], complete: bool) -> study_page.Section:
    heads = [
        "Rows",
        "Numbers that agree",
        "Directions that agree",
        "Without tied rows",
        "What the label means",
    ]
    rows = [
        Row(one.label, [_pair(one.numbers), _pair(one.directions), _pair(one.free), _LABELS[one.label]])
        if one.label != "no model"
        else Row(one.label, [f"{one.numbers[1]} rows", f"{one.directions[1]} rows", "–", _LABELS[one.label]])
        for one in counted
    ]
    words = [
        "Tolerances were fixed before any calibration. A row that nothing computed counts as one that does not agree; "
        "rows without a model are counted apart.",
    ]
    if not complete:
        words.append("This run was interrupted: rows of later stages are not computed.")
    return study_page.Section("what agrees", words=words, tables=[study_page.Tabled(heads, rows, 5)])


def _claims(words: str, lines: Sequence[Line]) -> study_page.Section:
    heads = ["Claim", "Paper", "Within", "Twin", "Label", "Verdict", "How it comes about"]
    rows = []
    notes = []
    for one in lines:
        claim = one.claim
        how = f"{one.how} ({one.command})" if one.how else ""
        if one.found is not None and one.found.words:
            how += f" Read: {one.found.words}."
        rows.append(
            Row(
                f"{claim.says} {claim.where}.",
                [
                    claim.expects(),
                    claim.within() if claim.is_number else "–",
                    one.twin,
                    _label(one),
                    one.verdict,
                    how,
                ],
            )
        )
        if claim.because and not one.agrees:
            notes.append(f"{claim.says} {claim.because}")
    return study_page.Section(words, tables=[study_page.Tabled(heads, rows, 9)], notes=notes)


def _calibrated() -> study_page.Section:
    """The calibrated set beside the library's numbers and their ranges."""
    data, numbers = calibrated.read(), split.numbers()
    called = {path: name for name, paths in split.free().items() for path in paths}
    rows = []
    for which, above in (("recipe", ""), ("base", "base.")):
        for path, value in data.get(which, {}).items():
            own = numbers[above + path] if above + path in numbers else numbers[f"base.{_whole(path)}"]
            low, high = ("–", "–") if own.assumed is None else (end.text for end in own.assumed)
            fitted = called.get(above + path)
            how = f"fitted: {fitted}" if fitted else "chosen with the EQE known"
            rows.append(Row(path, [value, own.text, f"{low} to {high}", how]))
    words = [
        "Numbers of the recipe and of wbg-base that this run has otherwise than the library, whose all else is. "
        "With the scan rate those that were fitted are eight.",
    ]
    if "scan_rate" in data:
        rows.append(
            Row("scan rate of the J-V curves", [str(data["scan_rate"]), "–", "10 to 200 mV/s", "fitted"])
        )
    else:
        words = ["Nothing was calibrated; all numbers are the library's."]
    heads = ["Number", "Here", "In the library", "Range", "How"]
    return study_page.Section(
        "the calibrated set", words=words, tables=[study_page.Tabled(heads, rows, 5)] if rows else []
    )


def _whole(path: str) -> str:
    """A short path of a layer's electronic number, as the list of numbers has it."""
    layer, _, field = path.partition(".")
    return f"{layer}.electronic.{field}"


def _split() -> study_page.Section:
    heads = ["Numbers of the twin", "Chosen", "Rows of the paper that helped", "Note"]
    rows = [
        Row(", ".join(one.names), [one.how, ", ".join(one.rows) or "none", one.note])
        for one in split.entries()
    ]
    words = [
        "Each number of the recipe and of the base stack, and which rows of the paper were known when it was chosen. "
        "Rows that helped are inputs or calibrated; all others are predictions.",
    ]
    return study_page.Section("what was known", words=words, tables=[study_page.Tabled(heads, rows, 9)])
