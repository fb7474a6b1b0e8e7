"""Quantities that follow from a stack before anything is solved, as a table row and as JSON."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from perotwin.measurement import field_unit

__all__ = ["Derived"]

#: unit stored -> units that people read, from small to large, with the factor that takes them to the stored
#: one
_SCALES = {
    "m": (("nm", 1e-9), ("µm", 1e-6), ("mm", 1e-3)),
    "s": (("ps", 1e-12), ("ns", 1e-9), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("h", 3600.0)),
}


@dataclass(frozen=True)
class Derived:
    """One derived quantity.

    Attributes
    ----------
    name : for machines, such as "debye_length".
    words : for people.
    where : the layer or face that it belongs to; "cell" for the whole.
    value, unit : SI (V for voltages); NaN when it does not exist, and then ``how`` says why.
    how : the formula in words, with its reference.
    """

    name: str
    words: str
    where: str
    value: float
    unit: str
    how: str

    @property
    def text(self) -> str:
        """Value and unit as a person reads them."""
        if not math.isfinite(self.value):
            return "–"
        if self.unit == "V":
            return f"{self.value:.3f} V"
        if self.unit == "1":
            return f"{self.value:.3g}"
        if self.unit not in _SCALES:
            unit, factor = field_unit(self.name, self.unit)
            return f"{self.value * factor:.4g} {unit}"
        fitting = [scale for scale in _SCALES[self.unit] if abs(self.value) >= scale[1] * 0.9995]
        unit, size = (fitting or _SCALES[self.unit][:1])[-1]
        return f"{self.value / size:.3g} {unit}"

    def to_json(self) -> dict[str, Any]:
        """``{"name", "where", "value", "unit", "how"}`` in field units; null where there is none."""
        unit, factor = field_unit(self.name, self.unit)
        value = self.value * factor if math.isfinite(self.value) else None
        return {"name": self.name, "where": self.where, "value": value, "unit": unit, "how": self.how}
