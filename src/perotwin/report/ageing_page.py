"""The pages of what the hours do: figures and tables in one file that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from perotwin.report.page import inline, template

__all__ = ["Part", "render"]


@dataclass(frozen=True)
class Part:
    """A part of a page: a heading, sentences, and a table of texts whose first column is words.

    Attributes:
        heading: of the part. words: sentences. heads: of the columns. rows: of the table.
        numbers: whether the columns but the first hold numbers, and are set as such.
    """

    heading: str
    words: Sequence[str] = ()
    heads: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    numbers: bool = True


def render(title: str, lead: str, figures: Mapping[str, Path], parts: Sequence[Part]) -> str:
    """A page as HTML.

    Args:
        title, lead: its heading, and a sentence below. figures: SVG files by caption. parts: below the figures.
    """
    from perotwin import __version__

    shown = []
    for number, (caption, path) in enumerate(figures.items()):
        svg, width = inline(path, f"f{number}")
        shown.append({"svg": svg, "width": width, "caption": caption})
    return template("ageing.html.j2").render(
        title=title,
        lead=lead,
        figures=shown,
        parts=parts,
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        version=__version__,
    )
