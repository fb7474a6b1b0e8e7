"""Where a page finds what it was made of: addresses of data and figures beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

if TYPE_CHECKING:
    from perotwin.report.result import CellResult

__all__ = ["Link", "data_of", "drawn_as", "every_file", "summaries", "to"]

#: files of data by their ending, as people call them
_KINDS = {".nc": "NetCDF", ".csv": "CSV", ".toml": "TOML", ".json": "JSON"}


class Link(NamedTuple):
    """Words, and where they lead."""

    words: str
    address: str


def to(path: Path, folder: Path | None) -> str:
    """The address of a file from a page in ``folder``; empty where it is not below it."""
    if folder is None or not path.is_relative_to(folder):
        return ""
    return quote(path.relative_to(folder).as_posix())


def drawn_as(path: Path, folder: Path | None) -> list[Link]:
    """A figure as files: SVG, and PNG where there is one."""
    files = [path, path.with_suffix(".png")]
    return [
        Link(file.suffix[1:].upper(), to(file, folder))
        for file in files
        if file.exists() and to(file, folder)
    ]


def data_of(results: Sequence[CellResult], names: Sequence[str], folder: Path | None) -> list[Link]:
    """The files of the measurements of some names ("jv", "jv-dark") of some cells; with the cell's name where there are
    several.
    """
    found = []
    for result in results:
        for name in names:
            for file in _files(result, name, folder):
                words = _KINDS.get(file.suffix, file.suffix[1:])
                told = file.stem if len(names) > 1 else ""
                whose = result.name if len(results) > 1 else ""
                found.append(Link(" ".join(filter(None, (whose, told, words))), to(file, folder)))
    return found


def every_file(results: Sequence[CellResult], folder: Path | None) -> list[tuple[str, list[Link]]]:
    """All data of each cell: its name, and its stack file, recipe and measurements."""
    made = []
    for result in results:
        names = ["stack", "recipe", "sample", *result.measurements]
        links = [Link(file.name, to(file, folder)) for name in names for file in _files(result, name, folder)]
        if links:
            made.append((result.name, links))
    return made


def summaries(folder: Path | None) -> list[Link]:
    """What stands beside the page itself: the numbers of all cells together."""
    names = ("results.json", "metrics.csv")
    return [] if folder is None else [Link(name, name) for name in names if (folder / name).exists()]


def _files(result: CellResult, name: str, folder: Path | None) -> Iterator[Path]:
    """The files of a measurement, the stack file or the like, in the cell's folder."""
    if folder is None:
        return
    for suffix in _KINDS:
        file = folder / result.name / f"{name}{suffix}"
        if file.exists():
            yield file
