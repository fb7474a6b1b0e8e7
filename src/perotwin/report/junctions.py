"""The junctions of tandems as tables: what each gives alone, and where it stands in the tandem at maximum power."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perotwin.lab import junctions
from perotwin.measurement import Metric
from perotwin.report.tables import CELL_COLUMNS, digits, plain

if TYPE_CHECKING:
    from rich.table import Table

    from perotwin.report.result import CellResult

__all__ = ["AT", "LOST", "Junctions", "four_terminals", "of", "table"]

#: heading of the last column, and the row of what no junction keeps
AT = "V in tandem"
LOST = "lost in series"


@dataclass(frozen=True)
class Junctions:
    """The junctions of one tandem.

    Attributes
    ----------
    cell : its name.
    rows : name ("top junction"), the metrics of its own curve as text, its voltage (V) at the tandem's maximum power;
        after the junctions what is lost between them and in series resistances, and the tandem itself.
    limiting : name of the row of the junction that limits the current; "" where that is not known.
    """

    cell: str
    rows: list[tuple[str, list[str], str]]
    limiting: str


def of(results: Sequence[CellResult]) -> list[Junctions]:
    """The junctions of each tandem among some cells, as its illuminated curve holds them."""
    found = []
    for result in results:
        dataset = result.measurements.get("jv")
        own = {} if dataset is None else junctions.metrics(dataset)
        if dataset is None or not own:
            continue
        here = junctions.at(dataset)
        rows = []
        for name, metrics in own.items():
            values = [digits(column, metrics.get(column)) for column in CELL_COLUMNS]
            rows.append((f"{name} junction", values, _volts(here.get(name))))
        nothing = [""] * len(CELL_COLUMNS)
        if junctions.BETWEEN in here:
            rows.append((LOST, nothing, _volts(-here[junctions.BETWEEN])))
        whole = [digits(column, result.metrics.get(column)) for column in CELL_COLUMNS]
        rows.append(("tandem", whole, digits("vmp", result.metrics.get("vmp"))))
        least = junctions.limiting(dataset)
        found.append(Junctions(result.name, rows, f"{least} junction" if least else ""))
    return found


def four_terminals(results: Sequence[CellResult]) -> list[str]:
    """What tandems with four terminals give from both junctions together, as sentences."""
    from perotwin.stack import Tandem

    pairs: dict[str, dict[str, CellResult]] = {}
    for result in results:
        cell = result.cell
        if isinstance(cell, Tandem) and cell.junction.kind == "separate" and "pce" in result.metrics:
            which = cell.junction.terminals
            pairs.setdefault(cell.name.removesuffix(f" {which}"), {})[which] = result
    said = []
    for name, found in pairs.items():
        if len(found) > 1:
            parts = [100.0 * one.metrics["pce"].value for one in found.values()]
            terms = " + ".join(f"{part:.2f}" for part in parts)
            said.append(
                f"From its four terminals {name} gives {terms} = {sum(parts):.2f} %, each junction at its own maximum "
                "power."
            )
    return said


def _volts(value: float | None) -> str:
    return digits("vmp", None if value is None else Metric(value, "V")).replace("-", "−")


def table(results: Sequence[CellResult]) -> Table | None:
    """The junctions of all tandems for the terminal; None where there are none."""
    from rich.markup import escape

    from perotwin.measurement import heading

    found = of(results)
    if not found:
        return None
    title = "junctions of the tandems, each alone, and their voltage at the tandem's maximum power"
    made = plain("junction", *(heading(name) for name in CELL_COLUMNS), f"{AT} (V)", title=title)
    for one in found:
        made.add_row(f"[bold]{escape(one.cell)}[/]")
        for index, (name, values, volts) in enumerate(one.rows):
            words = f"{name}, limits the current" if name == one.limiting else name
            made.add_row(f"  {words}", *values, volts, end_section=index == len(one.rows) - 1)
    return made
