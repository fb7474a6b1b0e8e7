"""What an analysis returns: named values, each with its unit, the method that gave it and, if known, its
uncertainty.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from perotwin.measurement.nomenclature import field_unit

__all__ = ["Metric", "Metrics"]


class Metric(NamedTuple):
    """One number. ``value`` is in SI (``unit`` names it; fractions have unit "1"), NaN when the data do not
    hold it.
    """

    value: float
    unit: str
    method: str = ""
    uncertainty: float | None = None

    def __float__(self) -> float:
        return float(self.value)

    def in_field_units(self, name: str) -> Metric:
        """The same number in the unit that people read it in: ff and pce in %, currents in mA/cm^2."""
        unit, factor = field_unit(name, self.unit)
        uncertainty = None if self.uncertainty is None else self.uncertainty * factor
        return Metric(self.value * factor, unit, self.method, uncertainty)


class Metrics(Mapping[str, Metric]):
    """An ordered, read-only mapping from a name (voc, jsc, ff, pce, vmp, jmp, ...) to a :class:`Metric`."""

    def __init__(self, items: Mapping[str, Metric] | Iterable[tuple[str, Metric]] = ()) -> None:
        self._items = {name: Metric(*metric) for name, metric in dict(items).items()}

    def __getitem__(self, name: str) -> Metric:
        return self._items[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        rows = []
        for name, metric in self._items.items():
            shown = metric.in_field_units(name)
            spread = "" if shown.uncertainty is None else f" ± {shown.uncertainty:.2g}"
            unit = "" if shown.unit == "1" else f" {shown.unit}"
            rows.append(f"{name} = {shown.value:.6g}{spread}{unit}")
        return f"Metrics({', '.join(rows)})"

    def to_json(self) -> dict[str, dict[str, Any]]:
        """``{name: {"value", "unit"}}`` in field units, with uncertainty and method where known; NaN
        becomes null.
        """
        document: dict[str, dict[str, Any]] = {}
        for name, metric in self._items.items():
            shown = metric.in_field_units(name)
            entry: dict[str, Any] = {
                "value": shown.value if math.isfinite(shown.value) else None,
                "unit": shown.unit,
            }
            if shown.uncertainty is not None:
                entry["uncertainty"] = shown.uncertainty if math.isfinite(shown.uncertainty) else None
            if shown.method:
                entry["method"] = shown.method
            document[name] = entry
        return document
