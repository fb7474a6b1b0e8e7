"""What was found out about one cell, gathered for tables, pages and files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from perotwin.errors import PerotwinError
from perotwin.measurement import Checks, Metrics, checks_of, notes_of, worst

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.measurement import Instrument
    from perotwin.recipe import Made
    from perotwin.stack import Cell

__all__ = ["HEADLINE", "CellResult"]

#: the instrument whose metrics are those of a cell in tables
HEADLINE = "jv"


@dataclass
class CellResult:
    """Measurements, metrics and figures of one cell.

    Attributes
    ----------
    name : unique among the results shown together; also the name of the cell's folder.
    cell : the stack that was simulated.
    measurements : by the name of the instrument, with what tells several apart after a dash: "jv", "jv-dark"; "map".
    metrics : of the illuminated curve.
    readings : what each instrument read, by its name.
    absent : measurement -> why this cell has none (prescribed generation has no quantum efficiency, say).
    error : why the cell failed, if it did; what was measured before is kept.
    figures : by name, the SVG file of each figure.
    made : how a recipe made the cell, if one did.
    """

    name: str
    cell: Cell
    measurements: dict[str, xr.Dataset] = field(default_factory=dict)
    metrics: Metrics = field(default_factory=Metrics)
    readings: dict[str, Metrics] = field(default_factory=dict)
    absent: dict[str, PerotwinError] = field(default_factory=dict)
    error: PerotwinError | None = None
    figures: dict[str, Path] = field(default_factory=dict)
    made: Made | None = None

    def measured_by(self, instrument: str) -> dict[str, xr.Dataset]:
        """The measurements of one instrument, by what tells them apart: "" for the only one, "dark", "reverse", ..."""
        return {
            name.partition("-")[2]: dataset
            for name, dataset in self.measurements.items()
            if name.partition("-")[0] == instrument
        }

    def read_by(self, instrument: str) -> Metrics:
        """What one instrument read; of the illuminated curve the metrics of the cell."""
        return self.readings.get(instrument) or (self.metrics if instrument == HEADLINE else Metrics())

    @property
    def instruments(self) -> list[Instrument]:
        """The instruments that measured this cell, in the order in which they are shown."""
        from perotwin import lab

        names = dict.fromkeys(name.partition("-")[0] for name in self.measurements)
        found = [one for one in map(lab.find, names) if one is not None]
        return sorted(found, key=lambda one: (one.place, one.name))

    @property
    def checks(self) -> Checks:
        """The checks of all measurements; of those of one name, the one closest to its limit or beyond it."""
        return worst(checks_of(dataset) for dataset in self.measurements.values())

    @property
    def passed(self) -> bool:
        """Whether the cell was solved and every check holds."""
        return self.error is None and all(item.passed for item in self.checks.values())

    @property
    def faults(self) -> list[str]:
        """What is wrong with the results, as clauses: the checks that do not hold."""
        return [f'the check "{name}" fails' for name, item in self.checks.items() if not item.passed]

    @property
    def notes(self) -> list[str]:
        """Remarks of all measurements, each once, and how the recipe's face was seen."""
        found = [self.made.why] if self.made is not None else []
        found += [note for dataset in self.measurements.values() for note in notes_of(dataset)]
        return list(dict.fromkeys(found))
