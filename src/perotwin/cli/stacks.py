"""perotwin stacks: the cells that come with perotwin."""

from __future__ import annotations

from perotwin.cli import options
from perotwin.cli.entry import Entry
from perotwin.cli.output import command


def stacks(json: options.Json = False) -> None:
    """List the cells of the library."""
    with command(json) as out:
        from perotwin import stack
        from perotwin.report import tables

        rows = []
        for name in stack.names():
            cell = stack.load(name)
            layers = [
                f"{part}.{layer.name}" if part in cell.stacks and part else layer.name
                for part, layer in stack.in_order(cell)
            ]
            rows.append((name, cell.description, " / ".join(layers)))
            out.result({"stack": name, "description": cell.description, "layers": layers})
        out.table(tables.library(rows))


COMMANDS = (Entry(170, stacks),)
