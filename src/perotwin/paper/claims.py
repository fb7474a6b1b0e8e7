"""The paper's claims as rows: what it says, where, how we stand to it, and what counts as agreement.

    one = find("tandem.mean_target.voc")
    one.value, one.tolerance, one.label

Read by what compares and shows. What computes the twin's answers (`bench`, `rows`) does not read it, and a test runs it
with the file gone.
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from perotwin.errors import InputError, nearest
from perotwin.units import DIMENSIONS, parse

__all__ = ["FILE", "LABELS", "Claim", "Contradiction", "contradictions", "find", "load"]

FILE = Path(__file__).with_name("claims.toml")
LABELS = ("input", "calibrated", "predicted", "no model")
#: sizes that are written without a power of ten
_PLAIN = (1e-3, 1e6)


@dataclass(frozen=True)
class Claim:
    """A row.

    Attributes:
        name: of the row. says: the statement. where: in the paper.
        kind: "measured", "computed" or "derived". label: one of `LABELS`.
        dimension: a key of `units.DIMENSIONS`; nothing where the row has no number.
        written: the number as it stands in the file. value: SI; NaN of a direction.
        tolerance: SI, either way; NaN where it is a factor. factor: either way; NaN where it is a difference.
        sign: "+" or "-" that the twin's number must have. above, below: bounds on it, SI; NaN where there is none.
        tied: the calibrated row that a prediction follows from more or less alone. because: our best explanation.
    """

    name: str
    says: str
    where: str
    kind: str
    label: str
    dimension: str = ""
    written: str = ""
    value: float = math.nan
    tolerance: float = math.nan
    factor: float = math.nan
    sign: str = ""
    above: float = math.nan
    below: float = math.nan
    tied: str = ""
    because: str = ""

    @property
    def is_number(self) -> bool:
        """Whether the row has a value with a tolerance; else it is a direction."""
        return math.isfinite(self.value)

    def expects(self) -> str:
        """What the twin's number has to be, in words."""
        if self.is_number:
            return self.written
        if self.sign:
            return "above zero" if self.sign == "+" else "below zero"
        if math.isfinite(self.above):
            return f"above {self.shown(self.above)}"
        if math.isfinite(self.below):
            return f"below {self.shown(self.below)}"
        return "–"

    def within(self) -> str:
        """The tolerance in words."""
        if math.isfinite(self.factor):
            return f"a factor of {self.factor:g}"
        if not math.isfinite(self.tolerance):
            return "–"
        shown = f"± {self.shown(self.tolerance)}"
        # of a share of a whole, not a part of the number
        word = "point" if shown == "± 1 %" else "points"
        return f"{shown.removesuffix(' %')} {word}" if shown.endswith(" %") else shown

    def agrees(self, found: float) -> bool:
        """Whether a number of the twin (SI) is what the row says; one that is not finite is not."""
        if not math.isfinite(found):
            return False
        if self.is_number:
            if math.isfinite(self.factor):
                return found > 0.0 and abs(math.log(found / self.value)) <= math.log(self.factor) * (
                    1 + 1e-12
                )
            return abs(found - self.value) <= self.tolerance * (1 + 1e-12)
        if self.sign:
            return found > 0.0 if self.sign == "+" else found < 0.0
        return not (found <= self.above) and not (found >= self.below)

    def shown(self, value: float, digits: int = 4, sd: float = math.nan) -> str:
        """A number (SI) as people read this row, to some digits, with its standard deviation where that is given.

        With one, both end at the same place, where the standard deviation has two digits or the number has all of its
        own; one that is nothing there is left out.
        """
        if not math.isfinite(value):
            return "–"
        unit = self._unit()
        scale = float(parse(f"1 {unit}", self.dimension)) if unit else 1.0
        value, sd = value / scale, sd / scale
        power = 0 if value == 0.0 or _PLAIN[0] <= abs(value) < _PLAIN[1] else _power(value)
        raised = f"e{power}" if power else ""
        value, sd = value / 10.0**power, sd / 10.0**power
        text = f"{float(f'{value:.{digits}g}'):.12g}{raised}"
        if sd > 0.0:
            places = digits - 1 - (_power(value) if value else 0)
            places = max(min(places, 1 - _power(sd)), 0)
            spread = f"{sd:.{places}f}"
            if float(spread) > 0.0:
                text = f"{value:.{places}f}{raised} ± {spread}{raised}"
        return f"{text} {unit}".rstrip()

    def _unit(self) -> str:
        """The unit in which the row is written, or the usual one of its dimension."""
        if self.dimension in ("", "dimensionless"):
            return ""
        if self.written:
            return self.written.partition(" ")[2]
        return {"voltage": "mV", "energy": "meV", "time": "ns"}.get(
            self.dimension, DIMENSIONS[self.dimension][1]
        )


def _power(value: float) -> int:
    """Of ten, by which a number that is not zero is written as one below ten."""
    return math.floor(math.log10(abs(value)))


@dataclass(frozen=True)
class Contradiction:
    """Where the paper contradicts itself: the rows, and in what."""

    rows: tuple[str, ...]
    says: str


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


@cache
def load() -> dict[str, Claim]:
    """All rows by name, in the order of the file."""
    data = _data()
    tolerances = data["tolerances"]
    rows: dict[str, Claim] = {}
    for entry in data["claim"]:
        dimension = entry.get("dimension", "")
        numbers: dict[str, float] = {}
        if "value" in entry:
            numbers["value"] = float(parse(entry["value"], dimension))
        for key in ("above", "below"):
            if key in entry:
                numbers[key] = float(parse(entry[key], dimension))
        allowed = tolerances.get(entry.get("tolerance", ""), {})
        if "factor" in allowed:
            numbers["factor"] = float(allowed["factor"])
        elif allowed:
            numbers["tolerance"] = float(parse(allowed["value"], allowed["dimension"]))
        rows[entry["name"]] = Claim(
            name=entry["name"],
            says=entry["says"],
            where=entry["where"],
            kind=entry["kind"],
            label=entry["label"],
            dimension=dimension,
            written=entry.get("value", ""),
            sign=entry.get("sign", ""),
            tied=entry.get("tied", ""),
            because=entry.get("because", ""),
            value=numbers.get("value", math.nan),
            tolerance=numbers.get("tolerance", math.nan),
            factor=numbers.get("factor", math.nan),
            above=numbers.get("above", math.nan),
            below=numbers.get("below", math.nan),
        )
    return rows


def find(name: str) -> Claim:
    """A row by its name.

    Raises:
        InputError: there is none; the near ones are offered.
    """
    rows = load()
    if name in rows:
        return rows[name]
    tail = [one for one in rows if one.endswith(f".{name}") or name in one]
    if len(tail) == 1:
        return rows[tail[0]]
    close = list(dict.fromkeys([*tail, *nearest(name, tuple(rows))]))[:6]
    advice = f"Near ones: {', '.join(close)}." if close else "perotwin reproduce lists all of them."
    raise InputError(f'there is no claim "{name}".', advice, key="claim")


def contradictions() -> tuple[Contradiction, ...]:
    """Where the paper contradicts itself."""
    return tuple(Contradiction(tuple(one["rows"]), one["says"]) for one in _data()["contradiction"])
