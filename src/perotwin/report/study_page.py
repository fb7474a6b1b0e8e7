"""The page of a study: sections of sentences, tables and figures in one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perotwin.report import links
from perotwin.report.page import inline, template

if TYPE_CHECKING:
    from jinja2 import Template

    from perotwin.report.waterfalls import Row

__all__ = ["Drawn", "Section", "Tabled", "render_study"]


@dataclass(frozen=True)
class Tabled:
    """A table: heads of its columns, rows, and the column from which on it holds numbers."""

    heads: Sequence[str]
    rows: Sequence[Row]
    numbers_from: int = 1


@dataclass(frozen=True)
class Drawn:
    """A figure as an SVG file, and what it shows."""

    file: Path
    caption: str


@dataclass(frozen=True)
class Section:
    """A part of a page: sentences, then figures, then tables, then what a reader must know besides.

    The heading begins with a capital, unless it is the name of a cell.
    """

    heading: str
    words: Sequence[str] = ()
    figures: Sequence[Drawn] = ()
    tables: Sequence[Tabled] = ()
    notes: Sequence[str] = ()
    of_cell: bool = False


def render_study(
    title: str,
    sections: Sequence[Section],
    lead: str = "",
    folder: Path | None = None,
    files: Sequence[Path] = (),
) -> str:
    """The page as HTML text.

    Args:
        title: of the page. sections: in order. lead: a sentence under the title.
        folder: where the page will lie. files: of data, below it, that the page leads to.
    """
    from perotwin import __version__

    made: list[dict[str, Any]] = []
    for number, one in enumerate(sections):
        figures = []
        for place, drawn in enumerate(one.figures):
            svg, width = inline(drawn.file, f"s{number}f{place}")
            found = links.drawn_as(drawn.file, folder)
            figures.append({"svg": svg, "width": width, "caption": drawn.caption, "files": found})
        made.append(
            {
                "heading": one.heading,
                "of_cell": one.of_cell,
                "words": one.words,
                "figures": figures,
                "tables": one.tables,
                "notes": one.notes,
            }
        )
    found = [links.Link(file.name, links.to(file, folder)) for file in files if links.to(file, folder)]
    return _template().render(
        title=title,
        lead=lead,
        version=__version__,
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        sections=made,
        files=found,
    )


@cache
def _template() -> Template:
    return template("study.html.j2")
