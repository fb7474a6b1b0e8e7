"""Advice on a cell, with its table, figure and page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from perotwin import measurement, progress
from perotwin.advice import advise
from perotwin.report import advices, machine, study_page
from perotwin.report.waterfalls import Row
from perotwin.workflows.run import unique_names

if TYPE_CHECKING:
    from perotwin.advice import Advice, Change
    from perotwin.stack import Cell, Stack

__all__ = ["advice"]


def advice(
    cell: Cell,
    in_tandem: Stack | None = None,
    posterior: str | Path | None = None,
    out: str | Path | None = None,
    draws: int = 30,
    seed: int = 1,
    among: Sequence[Change] | None = None,
    processes: int | None = None,
) -> tuple[Advice, list[Path]]:
    """See `advice.advise`; with `out` it leaves the page, the table (CSV), the numbers (JSON) and the figure there.
    Also when it was interrupted.

    Returns:
        The advice, and the files, the page first.
    """
    folder = None if out is None else measurement.make_folder(out)
    found = advise(cell, in_tandem, posterior, draws=draws, seed=seed, among=among, processes=processes)
    return found, [] if folder is None else _written(found, folder)


def _written(found: Advice, folder: Path) -> list[Path]:
    from perotwin.plotting import style

    progress.note("drawing and writing")
    stem = folder / f"{unique_names([found.cell])[0]}-advice"
    table = advices.write_advice(found, stem.with_name(f"{stem.name}.csv"))
    result = machine.to_text(machine.document([advices.advice_result(found)]))
    document = measurement.write_text(stem.with_name(f"{stem.name}.json"), result)
    figures = style.save(advices.advice_figure(found), stem)
    base = f"the efficiency of {found.cell.name} is {100 * found.base.pce:.2f} %"
    if found.tandem is not None:
        base += f", that of the tandem {found.tandem_name} {100 * found.tandem.pce:.2f} %"
    caption = (
        "What each change gains (bars; lines are intervals), and what two of the largest gain together beyond the sum "
        "of both: below zero where one takes what the other would have gained."
    )
    words = [f"{base}.", advices.advice_words(found)[0], found.intervals]
    rests = [
        Row(
            one.name,
            [
                one.applied.change.words
                if one.applied.change.sourced
                else f"assumed: {one.applied.change.words}"
            ],
        )
        for one in found.entries
    ]
    sections = [
        study_page.Section(
            "what each change gains",
            words,
            [study_page.Drawn(figures[0], caption)],
            [study_page.Tabled(advices.entry_heads(found), advices.entry_rows(found), 3)],
        ),
        study_page.Section(
            "two changes at once",
            tables=[study_page.Tabled(advices.pair_heads(found), advices.pair_rows(found))],
        ),
        study_page.Section(
            "what the attained values rest on",
            tables=[study_page.Tabled(["Change", "Source, or what is assumed"], rests, 9)],
        ),
    ]
    aside = [f"{one.name}{f' ({one.junction})' if one.junction else ''}: {one.why}" for one in found.left_out]
    if aside or found.notes:
        sections.append(study_page.Section("what was left out, and notes", notes=[*aside, *found.notes]))
    page = study_page.render_study(
        f"What to change in {found.cell.name}", sections, folder=folder, files=[table, document]
    )
    path = measurement.write_text(stem.with_name(f"{stem.name}.html"), page)
    return [path, table, document, *figures]
