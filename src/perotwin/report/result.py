"""What was found out about one cell, gathered for tables, pages and files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from perotwin.errors import PerotwinError
from perotwin.measurement import Checks, Metrics, checks_of, notes_of

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.stack import Stack

__all__ = ["CellResult"]


@dataclass
class CellResult:
    """Measurements, metrics and figures of one cell.

    Attributes
    ----------
    name : unique among the results shown together; also the name of the cell's folder.
    cell : the stack that was simulated.
    measurements : by name: "jv", "jv-dark", "eqe", "bands".
    metrics : of the illuminated curve. eqe_metrics : of the quantum efficiency.
    absent : measurement -> why this cell has none (prescribed generation has no quantum efficiency, say).
    error : why the cell failed, if it did; what was measured before is kept.
    figures : by name, the SVG file of each figure.
    """

    name: str
    cell: Stack
    measurements: dict[str, xr.Dataset] = field(default_factory=dict)
    metrics: Metrics = field(default_factory=Metrics)
    eqe_metrics: Metrics = field(default_factory=Metrics)
    absent: dict[str, PerotwinError] = field(default_factory=dict)
    error: PerotwinError | None = None
    figures: dict[str, Path] = field(default_factory=dict)

    @property
    def checks(self) -> Checks:
        """The checks of all measurements; the measurement's name tells apart those of one name."""
        found: Checks = {}
        for kind, dataset in self.measurements.items():
            for name, item in checks_of(dataset).items():
                found[name if name not in found else f"{name} ({kind})"] = item
        return found

    @property
    def passed(self) -> bool:
        """Whether the cell was solved and every check holds."""
        return self.error is None and all(item.passed for item in self.checks.values())

    @property
    def notes(self) -> list[str]:
        """Remarks of all measurements, each once."""
        return list(
            dict.fromkeys(note for dataset in self.measurements.values() for note in notes_of(dataset))
        )
