"""perotwin check: is a stack file usable, and what follows from it before anything is solved."""

from __future__ import annotations

from perotwin.cli import options
from perotwin.cli.entry import Entry
from perotwin.cli.output import command


def check(cells: options.Cells, changes: options.Set = None, json: options.Json = False) -> None:
    """Check stack files and print what follows from them: built-in voltage, lengths, times, radiative
    limit.
    """
    with command(json) as out:
        from perotwin.errors import PerotwinError
        from perotwin.report import machine, tables
        from perotwin.workflows import check as work

        for cell in cells:
            try:
                (stack,) = options.load([cell], changes=changes)
                derived, notes = work(stack)
            except PerotwinError as error:
                out.failed(cell, error)
                continue
            entry = machine.check_result(stack, derived, notes)
            out.result(entry)
            if entry["valid"]:
                out.say(f"{cell}: this stack can be used")
            else:
                out.doubtful = True
                out.say(f"{cell}: this stack can be solved, but not be meant: see the notes")
            out.table(tables.derived(derived))
            for note in notes:
                out.say(f"note: {note}")


COMMANDS = (Entry(190, check),)
