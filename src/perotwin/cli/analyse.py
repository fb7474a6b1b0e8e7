"""perotwin analyse, formats, convert: measured files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from perotwin.cli import options
from perotwin.cli.entry import Entry
from perotwin.cli.output import Output, command

Files = Annotated[
    list[str], typer.Argument(metavar="FILE|FOLDER...", help="Measured files, and folders of them.")
]
As = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="INSTRUMENT",
        help="Whose measurement it is: jv, eqe, mppt, pl, trpl, ...",
        show_default="told by the file",
    ),
]
Columns = Annotated[
    str | None,
    typer.Option(
        "--columns",
        metavar="LIST",
        help='What columns hold: "V=1, J=3 (mA/cm^2)".',
        show_default="by their names",
    ),
]
Area = Annotated[
    str | None, typer.Option("--area", help='Of the cell: "0.09 cm^2".', show_default="of the file")
]


#: what to do about a file that was read and could not be analysed
_CURE = "See whether the file is whole, or say what it holds: --as INSTRUMENT, --columns, --area."


def analyse(
    paths: Files,
    instrument: As = None,
    columns: Columns = None,
    area: Area = None,
    groups: Annotated[
        str | None,
        typer.Option(
            metavar="PATTERN",
            help="Regular expression for the group in a file's name.",
            show_default="folders",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="degradation: laws of mechanisms fitted to long traces of power."),
    ] = None,
    cell: Annotated[
        str | None,
        typer.Option(metavar="CELL", help="With --model degradation: a cell whose rates are fitted too."),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("-o", "--output", metavar="FOLDER", help="Write page, figures, tables and data there."),
    ] = None,
    json: options.Json = False,
) -> None:
    """Read measured files of any kind, analyse and compare them."""
    with command(json) as out:
        if model is not None or cell is not None:
            _degradation(out, paths, model, cell, {"columns": columns, "area": area}, output)
            return
        from perotwin.workflows.measured_files import analyse as job
        from perotwin.workflows.measured_files import entry

        done = job(paths, output, instrument=instrument, columns=columns, area=area, groups=groups)
        batch = done.batch
        for one in batch.members:
            # what was read is shown; whether it failed is told by the error in it
            if one.reading.failure:
                from perotwin.errors import InputError

                out.failed(
                    one.reading.name, InputError(one.reading.failure, _CURE, file=one.path), file=one.path
                )
            elif json:
                out.result(entry(one))
            else:
                out.result({})
        for file in batch.files:
            if file.error is not None:
                out.failed(Path(file.path).name, file.error, file=file.path)
        if not json:
            _show(out, done)
        if output is not None:
            out.say(f"written: {Path(output) / 'index.html'}")


def _degradation(
    out: Output,
    paths: list[str],
    model: str | None,
    cell: str | None,
    given: dict[str, Any],
    output: str | None,
) -> None:
    """Laws of mechanisms beside descriptive curves, of each trace."""
    from perotwin.errors import InputError
    from perotwin.workflows import trace_rates as job

    if model != "degradation":
        raise InputError(
            f'there is no model "{model}".' if model else "a cell is fitted to a trace only with a model.",
            "Write --model degradation.",
            key="model",
        )
    loaded = None if cell is None else options.load([cell])[0]
    done = []
    for path in paths:
        try:
            one = job.trace_rates(path, loaded, **given)
        except InputError as error:
            out.failed(Path(path).stem, error, file=path)
            continue
        done.append(one)
        out.result(job.result(one))
        for table in job.tables_of(one):
            out.table(table)
        for sentence in job.words(one):
            out.say(sentence)
    if done and output is not None:
        out.say(f"written: {', '.join(map(str, job.write_trace(done, output)))}")


def _show(out: Output, done: Any) -> None:
    """Tables of what was read, instrument by instrument."""
    from perotwin.report import batch_page, tables

    batch = done.batch
    called = batch_page.titles()
    for name, members in batch.by_instrument().items():
        columns = batch_page.columns_of(members)[:6]
        title = called.get(name, name)
        table = tables.plain(
            tables.literal(title),
            "",
            *(tables.literal(batch_page.head(one)) for one in columns),
            "the file states",
            numbers_from=2,
        )
        table.columns[-1].justify = "left"
        rows = batch_page.rows_of(members, columns)
        for row in rows[:40]:
            stated = ", ".join(row["stated"]) if len(rows) <= 12 else ""
            table.add_row(tables.literal(row["name"]), row["how"], *row["values"], tables.literal(stated))
        out.table(table)
        if len(rows) > 40:
            out.say(f"and {len(rows) - 40} more.")
        said: dict[str, list[str]] = {}
        for row in rows:
            for note in row["notes"]:
                said.setdefault(note, []).append(row["name"])
        for note, names in said.items():
            whose = names[0] if len(names) == 1 else f"{len(names)} measurements"
            out.say(f"{whose}: {note}.")
    for one in batch.summaries:
        if one.count > 1:
            best = one.best.reading
            out.say(
                f"{one.group or 'all'}: {one.count} pixels, median {100 * one.medians['pce']:.2f} %, "
                f"best {100 * one.best.figure('pce'):.2f} % ({best.name})."
            )
    if done.left_aside:
        out.say(f"left aside, no data by their ending: {len(done.left_aside)} files.")


def formats(json: options.Json = False) -> None:
    """List the formats of measured files that are read."""
    with command(json) as out:
        from perotwin.files.registry import formats as known
        from perotwin.report import tables

        found = known()
        for one in found:
            out.result(
                {
                    "name": one.name,
                    "title": one.title,
                    "instruments": list(one.instruments),
                    "extensions": list(one.extensions),
                }
            )
        if not json:
            table = tables.plain("format", "what it is", "measurements of", "endings", numbers_from=9)
            for one in found:
                table.add_row(
                    one.name, tables.literal(one.title), ", ".join(one.instruments), ", ".join(one.extensions)
                )
            out.table(table)


def convert(
    path: Annotated[str, typer.Argument(metavar="FILE", help="A measured file.")],
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FILE", help="NetCDF (.nc) or CSV (.csv).")
    ],
    instrument: As = None,
    columns: Columns = None,
    area: Area = None,
    json: options.Json = False,
) -> None:
    """Write the measurements of a file as NetCDF or CSV, in SI with units."""
    with command(json) as out:
        from perotwin.workflows.measured_files import convert as job

        written, notes = job(path, output, instrument=instrument, columns=columns, area=area)
        for note in notes:
            out.say(note)
        out.result(
            {"stack": Path(path).stem, "file": path, "written": [str(one) for one in written], "notes": notes}
        )
        out.say(f"written: {', '.join(map(str, written))}")


def export(
    folder: Annotated[
        str, typer.Argument(metavar="FOLDER", help="Where perotwin analyse wrote its results.")
    ],
    nomad: Annotated[
        bool, typer.Option("--nomad", help="An archive a pixel in the NOMAD perovskite schema's names.")
    ] = False,
    xlsx: Annotated[bool, typer.Option("--xlsx", help="One workbook, a sheet for each instrument.")] = False,
    json: options.Json = False,
) -> None:
    """Write results of measured files for other programs."""
    with command(json) as out:
        from perotwin.workflows import export as job

        written = job(folder, nomad=nomad, workbook=xlsx)
        out.result({"stack": Path(folder).name, "written": [str(one) for one in written]})
        names = ", ".join(map(str, written))
        out.say(f"written: {names}" if len(written) < 10 else f"written: {len(written)} files in {folder}")


COMMANDS = (Entry(12, analyse), Entry(13, convert), Entry(14, formats), Entry(14.5, export))
