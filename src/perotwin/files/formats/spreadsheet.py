"""Tables in workbooks (.xlsx): each sheet is read as the same table of text would be."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

from perotwin.errors import InputError
from perotwin.files.format import Format, Found
from perotwin.files.shapes import SHAPES, read_tables, with_columns
from perotwin.files.source import Source

__all__ = ["FORMATS"]

#: bytes of all parts of a workbook together, unpacked, and how often larger than packed: a bomb is larger
_LARGEST, _MOST_RATIO = 200_000_000, 200
_MOST_CELLS = 5_000_000


def _names(source: Source) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(source.content)) as packed:
        return packed.namelist()


def _sniff(source: Source) -> float:
    return 0.6 if source.content.startswith(b"PK\x03\x04") and "xl/workbook.xml" in _names(source) else 0.0


def _read(source: Source) -> list[Found]:
    from perotwin.files.blocks import blocks

    with zipfile.ZipFile(io.BytesIO(source.content)) as packed:
        size = sum(one.file_size for one in packed.infolist())
        if size > _LARGEST or size > _MOST_RATIO * max(len(source.content), 10_000):
            raise InputError(
                "the workbook unpacks to more than any measurement.", "Save it anew.", file=source.file
            )
    found: list[Found] = []
    failed: list[str] = []
    sheets = _sheets(source)
    for name, rows in sheets:
        text = "\n".join("\t".join(_cell(cell) for cell in row) for row in rows)
        if not text.strip():
            continue
        own = Source(_named(source, name, len(sheets)), text.encode(), source.asked)
        try:
            tables = blocks(own)
            if source.asked.columns is not None:
                tables = with_columns(own, tables, source.asked.columns)
            made = read_tables(own, tables)
        except InputError as error:
            failed.append(f'sheet "{name[:40]}": {error.message}')
            continue
        for one in made:
            one.dataset.attrs["file"] = source.path.name
            found.append(one.noting(f'sheet "{name[:60]}"'))
    if not found:
        raise InputError(
            "; ".join(failed[:3]) or "its sheets are empty.", "Name the columns.", file=source.file
        )
    return [one.noting(*failed) for one in found] if failed else found


def _named(source: Source, sheet: str, count: int) -> Path:
    return (
        source.path if count == 1 else source.path.with_name(f"{source.path.stem} {sheet.replace('/', '-')}")
    )


def _sheets(source: Source) -> list[tuple[str, list[list[Any]]]]:
    try:
        from python_calamine import CalamineWorkbook
    except ImportError:
        return _by_openpyxl(source)
    book = CalamineWorkbook.from_filelike(io.BytesIO(source.content))
    return [(name, _bounded(book.get_sheet_by_name(name).to_python(), source)) for name in book.sheet_names]


def _by_openpyxl(source: Source) -> list[tuple[str, list[list[Any]]]]:
    try:
        import openpyxl
    except ImportError:
        raise InputError(
            "workbooks need a library that is not installed.",
            'pip install "perotwin[files]"',
            file=source.file,
        ) from None
    book = openpyxl.load_workbook(io.BytesIO(source.content), read_only=True, data_only=True)
    return [
        (sheet.title, _bounded([list(row) for row in sheet.iter_rows(values_only=True)], source))
        for sheet in book
    ]


def _bounded(rows: list[list[Any]], source: Source) -> list[list[Any]]:
    if sum(map(len, rows)) > _MOST_CELLS:
        raise InputError(
            f"a sheet has more than {_MOST_CELLS} cells.", "Export a part of it.", file=source.file
        )
    return rows


def _cell(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value)
    if isinstance(value, (int, float)):
        return f"{value!r}"
    return str(value).replace("\t", " ").replace("\n", " ").replace("\r", " ")


FORMATS = (
    Format(
        "workbook",
        "workbook (.xlsx)",
        tuple(one.instrument for one in SHAPES),
        (".xlsx", ".xlsm"),
        _sniff,
        _read,
    ),
)
