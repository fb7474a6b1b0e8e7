"""perotwin cite: what to cite for a cell."""

from __future__ import annotations

from perotwin.cli import options
from perotwin.cli.entry import Entry
from perotwin.cli.output import command


def cite(cells: options.Cells, json: options.Json = False) -> None:
    """List the works behind the numbers of a cell, and the numbers that have no work behind them."""
    with command(json) as out:
        stacks = options.load(cells)
        from perotwin.report import citations

        for stack in stacks:
            found = citations.of(stack)
            out.result({"stack": stack.name, **found.to_json()})
            out.say(found.text())


COMMANDS = (Entry(210, cite),)
