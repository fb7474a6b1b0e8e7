"""What an analysis returns: named values, each with its unit, the method that gave it and, if known, its
uncertainty.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from perotwin.measurement.nomenclature import field_unit, term_of

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

    def __str__(self) -> str:
        spread = "" if self.uncertainty is None else f" ± {self.uncertainty:.2g}"
        return f"{self.value:.6g}{spread}" + ("" if self.unit == "1" else f" {self.unit}")

    def __format__(self, how: str) -> str:
        return f"{self.value:{how}}" if how else str(self)

    def to(self, unit: str) -> Metric:
        """The same number in another unit: `metrics["jsc"].to("mA/cm^2")`; its value is then `float(...)`.

        Raises:
            InputError: no unit, or one of another kind.
        """
        from perotwin.measurement.conform import ratio

        factor = ratio(unit, self.unit)
        spread = None if self.uncertainty is None else self.uncertainty / factor
        return Metric(self.value / factor, unit, self.method, spread)

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
        rows = [f"{name} = {metric.in_field_units(name)}" for name, metric in self._items.items()]
        return f"Metrics({', '.join(rows)})"

    def _repr_html_(self) -> str:
        """A table, as notebooks show it."""
        from html import escape

        rows = []
        for name, metric in self._items.items():
            shown = metric.in_field_units(name)
            known = term_of(name)
            cells = (
                name, f"{shown.value:.6g}", "" if shown.uncertainty is None else f"± {shown.uncertainty:.2g}",
                "" if shown.unit == "1" else shown.unit, shown.method or ("" if known is None else known.words),
            )  # fmt: skip
            rows.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
        return f"<table><tbody>{''.join(rows)}</tbody></table>"

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
