"""What may be changed in a cell, to what, and on what that rests: read from `attainable.toml`.

    for one in changes():
        found = one.on(cell)      # what it would do to this cell, or why it does not apply

A change is a small frozen type: a number moved towards its best (`Towards`), the best of several values (`Best`), a
coating on the lit side (`Coating`), another material (`Material`). Each finds its layers by their role, so that a
cell may call them as it likes, and leaves a cell alone that is better already.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from perotwin import units
from perotwin.errors import InputError
from perotwin.study.sweep import unit_of

if TYPE_CHECKING:
    from perotwin.stack import Cell, Stack
    from perotwin.units import Quantity

__all__ = [
    "Applied",
    "Best",
    "Change",
    "Coating",
    "LeftOut",
    "Material",
    "Towards",
    "changes",
    "read_changes",
]

_FILE = Path(__file__).with_name("attainable.toml")
#: characters of a number that a person wrote, at most
_LONGEST = 9


@dataclass(frozen=True)
class LeftOut:
    """A change that does not apply to a cell. junction: of a tandem. why: a sentence."""

    name: str
    junction: str
    why: str


@dataclass(frozen=True)
class Applied:
    """A change on one cell, or on one junction of it.

    Attributes:
        change: what is done. junction: prefix of the field paths of what it is done to; "" of a whole cell.
        paths: full field paths that it sets, as far as it sets numbers.
        now, then: before and after, as people write it.
    """

    change: Change
    junction: str
    paths: tuple[str, ...]
    now: str
    then: str

    @property
    def name(self) -> str:
        """Of the change, with its junction where there are several."""
        return f"{self.change.name}, {self.junction}" if self.junction else self.change.name

    def to(self, cell: Cell, value: str | None = None) -> Cell:
        """The cell with the change.

        Args:
            cell: that it was found on, with the same or other numbers.
            value: another one than the attainable one, as written.
        """
        return self.change.to(cell, self, value)


@dataclass(frozen=True)
class _Base:
    """What all changes have: a name, and the words on what they rest; `sourced` says whether these name a source."""

    name: str
    words: str
    sourced: bool


@dataclass(frozen=True)
class Towards(_Base):
    """A number becomes as good as it was elsewhere; one that is better stays.

    Attributes:
        paths: by role, the first that a cell has is taken. better: which way. value, low, high: as written.
    """

    paths: tuple[str, ...]
    better: Literal["more", "less"]
    value: str
    low: str
    high: str
    kind: str = "towards"

    def on(self, cell: Cell, junction: str = "") -> Applied | LeftOut:
        """The change on a cell, or on a junction of it."""
        found = _numbers(cell, junction, self.paths)
        if isinstance(found, str):
            return LeftOut(self.name, junction, found)
        worse = {path: now for path, now in found.items() if self._worse(now, self.value)}
        shown = " and ".join(dict.fromkeys(read(now) for now in found.values()))
        if not worse:
            return LeftOut(self.name, junction, f"it is {shown} already, as good as {self.value} or better.")
        return Applied(self, junction, tuple(found), shown, self.value)

    def to(self, cell: Cell, applied: Applied, value: str | None = None) -> Cell:
        """The cell with what is worse than the attainable value moved there."""
        wanted = self.value if value is None else value
        values = {}
        for path in applied.paths:
            now = cell.get(path)
            if now is None or self._worse(now, wanted):
                values[path] = wanted
        return cell.with_values(values) if values else cell

    def _worse(self, now: Quantity, value: str) -> bool:
        assert now.dimension is not None
        other = float(units.parse(value, now.dimension))
        return float(now) < other if self.better == "more" else float(now) > other


@dataclass(frozen=True)
class Best(_Base):
    """The best of several values of a number, as parts of what it is now."""

    paths: tuple[str, ...]
    low: float
    high: float
    steps: int
    kind: str = "best"

    def on(self, cell: Cell, junction: str = "") -> Applied | LeftOut:
        """The change on a cell, or on a junction of it; which value is best is found by whoever judges cells."""
        found = _numbers(cell, junction, self.paths)
        if isinstance(found, str):
            return LeftOut(self.name, junction, found)
        now = next(iter(found.values()))
        low, high = (self._text(now, share) for share in (self.low, self.high))
        return Applied(self, junction, tuple(found), read(now), f"best of {low} to {high}")

    def values(self, cell: Cell, applied: Applied) -> list[str]:
        """The values that are tried, what it is now among them."""
        now = cell.get(applied.paths[0])
        step = (self.high - self.low) / (self.steps - 1)
        shares = [self.low + number * step for number in range(self.steps)]
        return [self._text(now, share) for share in sorted({*shares, 1.0})]

    def to(self, cell: Cell, applied: Applied, value: str | None = None) -> Cell:
        """The cell with one of the values."""
        return cell if value is None else cell.with_values(dict.fromkeys(applied.paths, value))

    @staticmethod
    def _text(now: Quantity, share: float) -> str:
        unit = unit_of(now.text)
        return f"{units.convert(share * float(now), unit, now.dimension):.4g} {unit}"


@dataclass(frozen=True)
class Coating(_Base):
    """A layer of the library in front of the one that light meets first."""

    layer: str
    value: str
    low: str
    high: str
    kind: str = "coating"

    def on(self, cell: Cell, junction: str = "") -> Applied | LeftOut:
        """The change on a cell; the junctions behind the first have no outside."""
        if cell.light.generation.kind != "optics":
            return LeftOut(self.name, junction, "the generation is prescribed and does not follow a coating.")
        if junction and junction.partition(".")[0] != "top":
            return LeftOut(self.name, junction, "light does not enter there.")
        if cell.light.side == "back":
            return LeftOut(self.name, junction, "light enters through the film and not through the glass.")
        first = _first(cell, junction).layer[0]
        if first.role == "coating":
            return LeftOut(self.name, junction, f"{first.name} is there already.")
        if first.role != "substrate":
            return LeftOut(self.name, junction, f"light meets {first.name} first and no substrate.")
        return Applied(self, junction, (), f"none on {first.name}", f"{self.layer}, {self.value}")

    def to(self, cell: Cell, applied: Applied, value: str | None = None) -> Cell:
        """The cell with the coating on every column of that junction."""
        data = tomllib.loads(cell.to_toml())
        thickness = self.value if value is None else value
        for table in _tables(data, applied.junction):
            table["layer"] = [{"use": self.layer, "thickness": thickness}, *table["layer"]]
        return type(cell).from_data(data)


@dataclass(frozen=True)
class Material(_Base):
    """Another material of layers of a role."""

    role: str
    before: str
    after: str
    kind: str = "material"

    def on(self, cell: Cell, junction: str = "") -> Applied | LeftOut:
        """The change on a cell, or on a junction of it."""
        stack = _first(cell, junction)
        own = [layer for layer in stack.layer if layer.role == self.role]
        if not own:
            return LeftOut(self.name, junction, f"there is no {self.role}.")
        if cell.light.generation.kind != "optics":
            return LeftOut(
                self.name, junction, "the generation is prescribed and does not follow a material."
            )
        found = [layer for layer in own if layer.material == self.before]
        if not found:
            materials = " and ".join(str(layer.material) for layer in own)
            return LeftOut(self.name, junction, f"the {self.role} is of {materials}, not of {self.before}.")
        paths = tuple(
            f"{prefix}.{layer.name}.material".removeprefix(".")
            for prefix in _stacks(cell, junction)
            for layer in found
        )
        return Applied(self, junction, paths, self.before, self.after)

    def to(self, cell: Cell, applied: Applied, value: str | None = None) -> Cell:
        """The cell with the other material."""
        return cell.with_values(dict.fromkeys(applied.paths, self.after))


Change = Towards | Best | Coating | Material


def _stacks(cell: Cell, junction: str) -> dict[str, Stack]:
    """The stacks of a junction, or of the whole cell, by the prefix of their field paths; columns are several."""
    return {
        prefix: stack
        for prefix, stack in cell.stacks.items()
        if not junction or prefix == junction or prefix.startswith(f"{junction}.")
    }


def _first(cell: Cell, junction: str) -> Stack:
    return next(iter(_stacks(cell, junction).values()))


def _tables(data: dict[str, Any], junction: str) -> list[dict[str, Any]]:
    """The tables with layers of a junction of a cell's plain form."""
    table = data[junction] if junction else data
    return [one["stack"] for one in table["column"]] if "column" in table else [table]


def read(now: Quantity) -> str:
    """A number as people read it: as it is written, or to four digits where a fit wrote it to the last one."""
    unit = unit_of(now.text)
    if len(now.text.removesuffix(unit).strip()) <= _LONGEST or now.dimension is None:
        return now.text
    number = f"{units.convert(now, unit, now.dimension):.4g}"
    return number if unit == "1" else f"{number} {unit}"


def _numbers(cell: Cell, junction: str, paths: tuple[str, ...]) -> Mapping[str, Quantity] | str:
    """The numbers that a cell states at the first of some short paths that it knows; else why there are none."""
    from perotwin.stack.short_paths import full

    said = ""
    for path in paths:
        found: dict[str, Quantity | None] = {}
        try:
            for prefix, stack in _stacks(cell, junction).items():
                found |= {f"{prefix}.{one}".removeprefix("."): stack.get(one) for one in full(stack, path)}
        except InputError as error:
            # of several ways to call a face the first says what is missing
            said = said or error.message
            continue
        stated = {one: value for one, value in found.items() if value is not None}
        return stated or "the cell states none, and so it is ideal already."
    return said or "the cell has none."


# --- the file --------------------------------------------------------------------------------------------------------


@cache
def changes() -> tuple[Change, ...]:
    """The changes that ship."""
    return read_changes(_FILE)


def read_changes(file: str | Path) -> tuple[Change, ...]:
    """Changes of a file like `attainable.toml`.

    Raises:
        InputError: the file cannot be read, or a change says what cannot be.
    """
    path = Path(file)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise InputError(
            f"the file of attainable values cannot be read ({fault}).",
            "Check its name and its TOML.",
            file=str(file),
        ) from None
    return tuple(_change(entry, str(file)) for entry in data.get("change", ()))


def _change(entry: Mapping[str, Any], file: str) -> Change:
    given = dict(entry)
    name = str(given.pop("name", ""))
    if ("source" in given) == ("assumed" in given):
        raise InputError(
            f'"{name}" does not say on what it rests.',
            "Give it a source, or assumed with a reason.",
            file=file,
            key=name,
        )
    words, sourced = str(given.get("source", given.get("assumed"))), "source" in given
    kind = given.get("kind")
    try:
        base: Any = {"name": name, "words": words, "sourced": sourced}
        if kind == "towards":
            low, high = given["range"]
            return Towards(
                **base,
                paths=tuple(given["paths"]),
                better=given["better"],
                value=given["value"],
                low=low,
                high=high,
            )
        if kind == "best":
            low, high = given["range"]
            return Best(**base, paths=tuple(given["paths"]), low=low, high=high, steps=int(given["steps"]))
        if kind == "coating":
            low, high = given["range"]
            return Coating(**base, layer=given["layer"], value=given["value"], low=low, high=high)
        if kind == "material":
            return Material(**base, role=given["role"], before=given["before"], after=given["after"])
    except (KeyError, ValueError, TypeError) as fault:
        raise InputError(
            f'the change "{name}" is not whole ({fault}).',
            "See attainable.toml of perotwin.",
            file=file,
            key=name,
        ) from None
    raise InputError(
        f'"{kind}" is no kind of change.', "Write towards, best, coating or material.", file=file, key=name
    )
