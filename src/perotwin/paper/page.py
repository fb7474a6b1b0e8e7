"""The reproduction as people read it: a table of claims, what agrees, what does not and why, on one offline page."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from perotwin.paper import calibrated, claims, split
from perotwin.paper.compare import Line, Score
from perotwin.paper.figures import FIGURES
from perotwin.paper.posterior import Carried
from perotwin.paper.rows import STAGES
from perotwin.report import links, study_page
from perotwin.report.waterfalls import Row

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["Told", "as_csv", "in_words", "render", "score_words", "table"]

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
#: a row this many standard deviations off lies outside its bar
_BAR = 2.0
#: a standard deviation below this part of the one taken in the fit is rounding
_ROUNDING = 1e-9
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
    made = [f"{claim.name}: {claim.says.rstrip('.')} ({claim.where}; {claim.kind})."]
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
        made.append(f"To see it, in the folder of a run (-o): {line.command}")
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


@dataclass(frozen=True)
class Told:
    """What a run found.

    Attributes:
        lines: claims with their answers. scores: how many agree. carried: what draws of the calibrated numbers give.
        complete: whether all stages were done. made_by: what decides the run, in words.
        picture: of the face that the answers are of; None for cells of one's own.
    """

    lines: Sequence[Line]
    scores: Sequence[Score]
    carried: Carried | None
    complete: bool
    made_by: str
    picture: str | None = None


def render(told: Told, drawn: Mapping[str, Sequence[Path]], folder: Path, files: Sequence[Path]) -> str:
    """The page.

    Args:
        told: of the run. drawn: figures (files) by stage. folder: where the page will lie. files: of data, below it.
    """
    sections = [_scores(told), _differing(told)]
    sections += [_claims(words, some, folder) for words, some in _grouped(told.lines)]
    sections.append(
        study_page.Section(
            "where the paper contradicts itself", words=[one.says for one in claims.contradictions()]
        )
    )
    sections += [] if told.picture is None else [_calibrated(told.picture)]
    sections += [_pictures(told.picture), _left_open(told.carried), _split()]
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
        f"its virtual twin says to it. Made with perotwin reproduce: {told.made_by}. Under each claim stands how the "
        "number comes about, the command that shows it, given in this folder, and the files that it was read from."
    )
    return study_page.render_study("The paper, reproduced", sections, lead, folder, files)


def _scores(told: Told) -> study_page.Section:
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
        for one in told.scores
    ]
    words = [
        "Tolerances were fixed before any calibration. A row that nothing computed counts as one that does not agree; "
        "rows without a model are counted apart.",
    ]
    if not told.complete:
        left = any(one.found is None and one.claim.label != "no model" for one in told.lines)
        words.append(
            "This run was interrupted: "
            + ("rows of later stages are not computed." if left else "its draws are not done.")
        )
    return study_page.Section("what agrees", words=words, tables=[study_page.Tabled(heads, rows, 5)])


def _differing(told: Told) -> study_page.Section:
    """What does not agree, with our best explanation."""
    off = [one for one in told.lines if one.agrees is False]
    rows = [
        Row(
            _says(one.claim),
            [_close(one.claim.expects()), _within(one), _close(one.twin), _label(one)],
            below=one.claim.because or "Not explained.",
        )
        for one in off
    ]
    words = [] if rows else ["Every row that was computed agrees."]
    taken = split.picture().name
    if rows and told.picture != taken:
        words.append(
            f"Explanations, and the numbers in them, are of the picture of the face that is taken, {taken}. A row that "
            "agrees there has none."
        )
    heads = ["Claim, and our best explanation", "Paper", "Within", "Twin", "Label"]
    return study_page.Section(
        "what differs", words=words, tables=[study_page.Tabled(heads, rows, 9)] if rows else []
    )


def _claims(words: str, lines: Sequence[Line], folder: Path) -> study_page.Section:
    heads = ["Claim", "Paper", "Within", "Twin", "Label", "Verdict"]
    rows = []
    for one in lines:
        claim = one.claim
        rows.append(
            Row(
                _says(claim),
                [
                    _close(claim.expects()),
                    _within(one),
                    _close(one.twin),
                    _label(one),
                    one.verdict,
                ],
                below=_how(one),
                command=one.command,
                links=_links(one, folder),
                off=one.agrees is False,
            )
        )
    return study_page.Section(words, tables=[study_page.Tabled(heads, rows, 9)])


def _says(claim: claims.Claim) -> str:
    """What the paper says, and where."""
    return f"{claim.says.rstrip('.')} ({claim.where})"


def _close(text: str) -> str:
    """A number that stays with its unit where a line breaks."""
    return re.sub(r" (?=[^\s\d±][^\s±]*$)|(?<=±) ", "\u00a0", text)


def _within(one: Line) -> str:
    return one.claim.within().replace(" ", "\u00a0") if one.claim.is_number else "–"


def _how(one: Line) -> str:
    """How an answer comes about, in sentences."""
    words = [one.how] if one.how else []
    if one.found is not None and one.found.words:
        words.append(f"Read: {one.found.words}.")
    if one.sd > 0.0 and one.spread is not None:
        words.append(f"{one.agreeing} of {len(one.spread.values)} draws agree.")
    return " ".join(words)


def _links(one: Line, folder: Path) -> list[links.Link]:
    """The cells that the command names, and the measurements that the answer was read from."""
    cells = [folder / word for word in one.command.split() if word.endswith(".toml")]
    data = [] if one.found is None else [folder / "data" / f"{name}.nc" for name in one.found.data]
    return [links.Link(file.name, links.to(file, folder)) for file in (*cells, *data) if file.exists()]


def _calibrated(picture: str) -> study_page.Section:
    """The calibrated set beside what its numbers were before and their ranges."""
    data, numbers = calibrated.read(calibrated.file(picture)), split.numbers()
    one, before = split.picture(picture), split.before()
    called = {path: f"fitted: {name}" for name, paths in one.free.items() for path in paths}
    called |= {path: "set, not fitted" for path in one.fixed}
    rows = []
    for which, above in (("recipe", ""), ("base", "base.")):
        for path, value in data.get(which, {}).items():
            if (how := called.get(above + path)) is None:
                continue
            own = numbers[above + path] if above + path in numbers else numbers[f"base.{_whole(path)}"]
            low, high = ("–", "–") if own.assumed is None else (end.text for end in own.assumed)
            rows.append(Row(path, [value, before[above + path], f"{low} to {high}", how]))
    words = [
        "Numbers of the recipe and of wbg-base that were fitted, or set for this picture of the face; with the scan "
        "rate they are at most eight. "
        + (
            "They are the library's."
            if calibrated.file(picture) == calibrated.file()
            else "The library's are others."
        ),
    ]
    if "scan_rate" in data:
        rows.append(
            Row("scan rate of the J-V curves", [str(data["scan_rate"]), "–", "10 to 200 mV/s", "fitted"])
        )
    else:
        words = ["Nothing was calibrated; all numbers are the library's."]
    heads = ["Number", "Here", "Before", "Range", "How"]
    return study_page.Section(
        "the calibrated set", words=words, tables=[study_page.Tabled(heads, rows, 5)] if rows else []
    )


def _left_open(carried: Carried | None) -> study_page.Section:
    """What the calibration leaves open, and whether the draws have carried it as the fit says."""
    if carried is None:
        words = [
            "Not computed in this run: numbers stand without what the calibration leaves open of them. "
            "A run without --quick, or with --draws N, tells."
        ]
        return study_page.Section("what the calibration leaves open", words=words)
    count = len(carried.coordinates)
    words = [
        f"{count} draws of the calibrated numbers, within their ranges, from what the fitted rows allow of them: "
        "proposed by the slopes of the fit (posterior.toml), taken or left by steady curves of the cells that they "
        "make. Each draw makes cells, tandems and recipes again and answers every row: ± is the standard deviation, "
        f"itself known to {100.0 / (2.0 * max(count - 1, 1)) ** 0.5:.0f} %. A row without it has none "
        "that its digits show. Batches and hours are those of the set; the scan rate is held.",
        "Of the rows that were fitted, the slopes of the fit say how far these draws move them; beside it what the "
        "rows' own measurements give:",
    ]
    rows = []
    for name, drawn, linear in carried.fitted():
        claim = claims.find(name)
        width = float(carried.posterior.widths[carried.posterior.rows.index(name)])
        # what moves by less is rounding
        moved = [one if one > _ROUNDING * width else 0.0 for one in (linear, drawn)]
        rows.append(
            Row(f"{claim.says.rstrip('.')} ({name})", [claim.shown(one, 2) for one in (width, *moved)])
        )
    heads = [
        "Fitted row",
        "Standard deviation taken in the fit",
        "Of the draws, by the fit",
        "Of the draws, computed",
    ]
    return study_page.Section(
        "what the calibration leaves open", words=words, tables=[study_page.Tabled(heads, rows, 6)]
    )


def _pictures(picture: str | None) -> study_page.Section:
    """Each picture of the face that was fitted to the same rows, and what rejects it."""
    rows = []
    kept = [(one, calibrated.read(calibrated.file(one.name))) for one in split.pictures().values()]
    fitted = [(one, data) for one, data in kept if "row" in data]
    for one, data in sorted(fitted, key=lambda pair: float(pair[1]["chi_square"])):
        missed = sorted(
            (name for name, row in data["row"].items() if abs(row["off"]) > _BAR),
            key=lambda name: -abs(data["row"][name]["off"]),
        )
        against = "; ".join(
            f"{claims.find(name).says.rstrip('.')}: {data['row'][name]['given']}" for name in missed
        )
        taken = " (taken here)" if one.name == picture else ""
        rows.append(
            Row(
                f"{one.name}: {one.says}{taken}",
                [
                    f"{data['chi_square']:.1f}",
                    str(data["scan_rate"]),
                    ", ".join(data["at_bounds"]) or "none",
                    against or "none",
                ],
            )
        )
    words = [
        "Ways to see the face and the film, each fitted to the same rows with at most eight numbers, the scan rate "
        "counted. Chi-square takes half of each bar as a standard deviation; a row outside its bar speaks against its "
        "picture.",
    ]
    heads = ["Picture", "Chi-square", "Scan rate", "At the ends of their ranges", "Rows outside their bars"]
    return study_page.Section(
        "other pictures of the face", words=words, tables=[study_page.Tabled(heads, rows, 9)] if rows else []
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
