"""Which numbers of a cell a study varies, how far, and what else has to move with them.

    field = resolve(cell, "perovskite.thickness=400 nm..700 nm")
    field.written(0.5)                       # "550 nm"
    changed(cell, {field.path: "550 nm"})    # the cell with it

A bandgap is three things in one: the edge of the absorption, the distance of the bands, and with both the limit of the
voltage. A study moves them together, or refuses.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from perotwin import units
from perotwin.errors import InputError
from perotwin.study.sweep import unit_of
from perotwin.units import Quantity

if TYPE_CHECKING:
    from perotwin.stack import Cell, Layer

__all__ = ["Field", "Range", "changed", "refuse_half_a_bandgap", "resolve", "resolve_all", "usual_range"]

#: what a person gives for the ends of a range: texts with units, or SI floats
Range = tuple[str | float, str | float]
#: fields to vary: paths ("top.thickness", "top.thickness=400 nm..700 nm"), or paths with their ranges
Wanted = Sequence[str] | Mapping[str, Range | None]

#: where neither the user nor the number itself states a range: this factor down and up, by dimension. Lengths are what
#: a process can choose; what spans decades between samples (densities, lifetimes, mobilities) gets a decade.
_FACTOR = {
    "length": 2.0,
    "intensity": 2.0,
    "area resistance": 3.0,
    "dimensionless": 1.5,
    "number density": 10.0,
    "areal density": 10.0,
    "time": 10.0,
    "velocity": 10.0,
    "mobility": 10.0,
    "diffusion coefficient": 10.0,
    "volume rate": 10.0,
    "auger coefficient": 10.0,
}
#: the same as a distance, where a factor would mean nothing: energies count from the vacuum level (eV), K
_DISTANCE = {"energy": 0.1, "temperature": 10.0}
#: distance of a bandgap, eV: alloying halides or tin moves it about so far
_GAP_DISTANCE = 0.15
#: ends this far apart (ratio) are searched, mapped and drawn in the logarithm
_LOGARITHMIC = 10.0
#: a linear range is resolved this finely, so that a value that is found can be read and typed
_RESOLUTION = 1e-4
_NAME_OF_GAP = "bandgap"
#: what people set: thicknesses (m) in these steps, from a certain one on and below it; energies (eV)
_STEP_THICK, _STEP_THIN, _THICK = 5e-9, 1e-9, 30e-9
_STEP_ENERGY = 0.01


@dataclass(frozen=True)
class Field:
    """A number of a cell, and the range in which a study varies it.

    Attributes:
        path: its field path.
        dimension: a key of `units.DIMENSIONS`. unit: in which its numbers are written.
        low, high: ends of the range, in that unit.
        now: what the cell states, in that unit.
        log: whether the range is spaced in the logarithm.
        why: where the range comes from, in words.
    """

    path: str
    dimension: str
    unit: str
    low: float
    high: float
    now: float
    log: bool
    why: str

    def number(self, share: float) -> float:
        """The value at `share` (0 to 1) of the range, rounded to digits that can be typed."""
        share = min(max(share, 0.0), 1.0)
        if self.log:
            value = float(f"{self.low * (self.high / self.low) ** share:.5g}")
        else:
            step = 10.0 ** math.floor(math.log10(_RESOLUTION * (self.high - self.low)))
            value = round((self.low + share * (self.high - self.low)) / step) * step
        return min(max(float(f"{value:.12g}"), self.low), self.high)

    def share(self, number: float) -> float:
        """Where a value lies in the range: 0 at its low, 1 at its high end, beyond them less or more."""
        if self.log:
            return math.log(number / self.low) / math.log(self.high / self.low) if number > 0.0 else -math.inf
        return (number - self.low) / (self.high - self.low)

    def per_share(self, number: float) -> float:
        """How much of the number, as perotwin computes with it (SI, eV), one whole range more is at a value."""
        whole = number * math.log(self.high / self.low) if self.log else self.high - self.low
        return whole * (self.si(self.high) - self.si(self.low)) / (self.high - self.low)

    def written(self, share: float) -> str:
        """The value at `share` of the range as a stack file has it."""
        return self.text(self.number(share))

    def text(self, number: float) -> str:
        """A value in the field's unit with it."""
        return f"{number:.12g}" if self.unit == "1" else f"{number:.12g} {self.unit}"

    def read(self, text: str) -> float:
        """The value that `text` wrote."""
        return float(text.removesuffix("" if self.unit == "1" else self.unit))

    def settable(self, number: float) -> float:
        """The nearest value within the range that a person would set: thicknesses to 5 nm, below 30 nm to 1 nm,
        energies to 10 meV, all else to two digits.
        """
        if number == 0.0:
            return number
        per_si = number / self.si(number) if self.si(number) else 1.0
        if self.dimension == "length":
            step = (_STEP_THICK if self.si(number) >= _THICK else _STEP_THIN) * per_si
        elif self.dimension == "energy":
            step = _STEP_ENERGY * per_si
        else:
            step = 10.0 ** (math.floor(math.log10(abs(number))) - 1)
        nearest = sorted((round(number / step) + shift) * step for shift in (0, -1, 1))
        inside = [value for value in nearest if self.low <= value <= self.high]
        best = min(inside, key=lambda value: abs(value - number), default=number)
        return float(f"{best:.6g}")

    def si(self, number: float) -> float:
        """A value in the field's unit as perotwin computes with it (SI, eV)."""
        return float(units.parse(self.text(number), self.dimension))

    @property
    def range(self) -> str:
        """The range in words."""
        return f"{self.text(self.low)} to {self.text(self.high)}"


def resolve_all(cell: Cell, wanted: Wanted) -> tuple[Field, ...]:
    """The fields that a study varies, see `resolve`.

    Raises:
        InputError: none, one twice, one that cannot be varied.
    """
    if isinstance(wanted, str):
        wanted = [wanted]
    if isinstance(wanted, Mapping):
        fields = tuple(resolve(cell, path, given) for path, given in wanted.items())
    else:
        fields = tuple(resolve(cell, path) for path in wanted)
    if not fields:
        raise InputError("nothing is varied.", "Name a number of the cell, such as perovskite.thickness.")
    paths = [field.path for field in fields]
    for path in paths:
        if paths.count(path) > 1:
            raise InputError("the field is named twice.", "Name it once.", key=path)
    return fields


def resolve(cell: Cell, wanted: str, given: Range | None = None) -> Field:
    """A field that a person names, with its range.

    Args:
        cell: what it belongs to.
        wanted: a field path, with or without a range: "perovskite.thickness=400 nm..700 nm".
        given: the ends, instead of in the text; floats are SI.

    Raises:
        InputError: no such path, no number, ends that are the wrong way round or impossible for this cell, a bandgap
            that would move without its optical edge.
    """
    path, equals, text = wanted.partition("=")
    path = path.strip()
    if equals:
        given = _ends(path, text)
    value = cell.get(path)
    if not isinstance(value, Quantity) or value.dimension is None:
        raise _no_number(cell, path, value)
    if given is None:
        low, high, why = usual_range(cell, path, value)
    else:
        low, high = (_read(end, value, path) for end in given)
        why = "as given"
    if not low < high:
        raise InputError(
            f"a range from {low} to {high} holds nothing.",
            f'Give the lower end first: "{path}={high}..{low}".' if high < low else "Let the ends differ.",
            key=path,
        )
    for end in (low, high):
        _try(cell, path, end, why)
    refuse_half_a_bandgap(cell, path, low, high)
    # nothing needs no unit: a range from 0 to 10 nm is in nm
    texts = [value.text, low.text, high.text]
    if given is not None:
        texts = [end for end in given if isinstance(end, str)] + texts
    unit = next((found for text in texts if (found := unit_of(text)) != "1"), "1")
    # twelve digits: what a person wrote, and not its binary image in another unit
    first, last, now = (
        float(f"{units.convert(end, unit, value.dimension):.12g}") for end in (low, high, value)
    )
    log = first > 0.0 and last / first > _LOGARITHMIC and value.dimension not in _DISTANCE
    return Field(path, value.dimension, unit, first, last, now, log, why)


def _ends(path: str, text: str) -> Range:
    """The two ends of "400 nm..700 nm"; one unit serves both."""
    low, dots, high = (part.strip() for part in text.partition(".."))
    if not dots or not low or not high:
        raise InputError(
            f'"{text.strip()}" is not a range.',
            f'Write the two ends with two dots between: "{path}=400 nm..700 nm".',
            key=path,
        )
    if unit_of(low) == "1" and unit_of(high) != "1":
        low = f"{low} {unit_of(high)}"
    return low, high


def _read(end: str | float, value: Quantity, path: str) -> Quantity:
    """One end of a range."""
    assert value.dimension is not None
    try:
        return units.parse(end, value.dimension)
    except InputError as fault:
        raise InputError(fault.message, fault.advice, key=path) from None


def _no_number(cell: Cell, path: str, value: Any) -> InputError:
    if value is None:
        layer, _, name = path.rpartition(".")
        if name == _NAME_OF_GAP and f"{layer}.electronic.{name}" in cell.quantities():
            return InputError(
                f'"{layer}" states the gap of its bands only.', f"Vary {layer}.electronic.{name}.", key=path
            )
        return InputError(
            "the cell does not state this number, so there is nothing to start from.",
            "Write it into the stack file, or set it first: --set PATH=VALUE.",
            key=path,
        )
    return InputError(
        f'"{path}" is not a number that could be varied.',
        "Name a number, such as perovskite.thickness.",
        key=path,
    )


def _try(cell: Cell, path: str, end: Quantity, why: str) -> None:
    """Refuse an end that this cell cannot have."""
    try:
        cell.with_values({path: end.text})
    except InputError as fault:
        whose = "" if why == "as given" else f" ({why})"
        raise InputError(
            f"the range{whose} ends where the cell cannot be: {fault.message}",
            f'Give another range: "{path}=LOW..HIGH". {fault.advice}'.strip(),
            key=path,
        ) from None


def usual_range(cell: Cell, path: str, value: Quantity) -> tuple[Quantity, Quantity, str]:
    """The range of a number for which nobody gave one, and where it comes from, in words.

    The range that the number itself states ("assumed"), or else a distance or a factor by its dimension.

    Raises:
        InputError: zero has no factor, and nothing sensible can be said of this dimension.
    """
    if value.assumed is not None:
        return *value.assumed, "the range that the number states"
    dimension = str(value.dimension)
    # a temperature in degC has a unit with an offset: steps are in K
    unit = unit_of(value.text) if dimension != "temperature" else "K"
    number = units.convert(value, unit, dimension)

    def made(low: float, high: float) -> tuple[Quantity, Quantity]:
        ends = (f"{end:.6g}" if unit == "1" else f"{end:.6g} {unit}" for end in (low, high))
        first, last = (units.parse(end, dimension) for end in ends)
        return first, last

    if path.rpartition(".")[2] == _NAME_OF_GAP:
        return *_gaps(cell, path, value), f"{_GAP_DISTANCE:g} eV to either side"
    if dimension in _DISTANCE:
        distance = _DISTANCE[dimension]
        around = units.convert(distance, unit) if dimension == "energy" else distance
        words = f"{distance:g} {units.si_unit(dimension)} to either side"
        return *made(number - around, number + around), words
    factor = _FACTOR.get(dimension)
    if factor is None or number <= 0.0:
        raise InputError(
            f"no usual range can be told for {value}.", f'Give one: "{path}=LOW..HIGH".', key=path
        )
    words = f"a factor of {factor:g} down and up"
    return *made(number / factor, number * factor), words


def _gaps(cell: Cell, path: str, value: Quantity) -> tuple[Quantity, Quantity]:
    """Bandgaps about the one at a path; of mixed halides within what their optical model covers."""
    from perotwin.materials import BANDGAPS, HALIDE

    near = cell.with_values({path: f"{float(value) - 1e-4:.12g} eV"})
    moved = {after.material for _, before, after in _layers(cell, near) if before != after}
    least, most = BANDGAPS if HALIDE in moved else (0.1, math.inf)
    low = max(float(value) - _GAP_DISTANCE, min(least, float(value)))
    high = min(float(value) + _GAP_DISTANCE, max(most, float(value)))
    first, last = (units.parse(f"{end:.6g} eV", "energy") for end in (low, high))
    return first, last


# --- what moves together -----------------------------------------------------------------------------------------


def changed(cell: Cell, values: Mapping[str, Any]) -> Cell:
    """A copy of a cell with the values at some field paths replaced.

    An electronic gap that a layer states apart from its optical one moves by as much as that does, unless it is
    itself among the values.

    Raises:
        InputError: an unknown path, an impossible value.
    """
    made = cell.with_values(values)
    if not any(path.rpartition(".")[2] == _NAME_OF_GAP for path in values):
        return made
    along: dict[str, str] = {}
    for prefix, before, after in _layers(cell, made):
        own, stated = before.electronic, after.electronic
        if None in (before.bandgap, after.bandgap, own, stated):
            continue
        assert before.bandgap is not None and after.bandgap is not None and own and stated
        moved = float(after.bandgap) - float(before.bandgap)
        if own.bandgap is not None and stated.bandgap == own.bandgap and moved != 0.0:
            path = f"{prefix}{after.name}.electronic.bandgap"
            along[path] = f"{float(own.bandgap) + moved:.12g} eV"
    return made.with_values(along) if along else made


def refuse_half_a_bandgap(cell: Cell, path: str, low: Quantity, high: Quantity) -> None:
    """Refuse to vary the distance of an absorber's bands without the edge of its absorption.

    Raises:
        InputError: the light that the cell absorbs would stay as it is, so that the wider gap always looked better.
    """
    if path.rpartition(".")[2] != _NAME_OF_GAP:
        return
    from perotwin.materials import HALIDE
    from perotwin.optics.films import optical_gap

    first, last = (changed(cell, {path: end.text}) for end in (low, high))
    for (_, before, after), stack in zip(_layers(first, last), _stack_of_layers(cell), strict=True):
        if before.role != "absorber" or before.electronic is None or before.gap == after.gap:
            continue
        temperature = float(cell.temperature)
        optical = optical_gap(before, temperature), optical_gap(after, temperature)
        kind = stack.light.generation.kind
        name = f'"{after.name}"'
        if optical[0] == optical[1]:
            whole = path.removesuffix(f".electronic.{_NAME_OF_GAP}")
            raise InputError(
                f"this moves the bands of {name} and leaves the edge of its absorption at {optical[0]:g} eV.",
                f"Vary {whole}.{_NAME_OF_GAP}, which moves both.",
                key=path,
            )
        if kind not in ("optics", "step"):
            raise InputError(
                f'the generation in {name} is prescribed ("{kind}") and would not follow its bandgap.',
                'Use light.generation = "optics" or "step", with which the absorption follows.',
                key=path,
            )
        if kind == "optics" and after.material != HALIDE:
            raise InputError(
                f"the optical constants of {name} are a table, whose edge does not follow the bandgap.",
                f'Use material = "{HALIDE}", whose edge does.',
                key=path,
            )


def _layers(first: Cell, second: Cell) -> list[tuple[str, Layer, Layer]]:
    """The layers of two versions of a cell: the prefix of their field paths, then the layer in either."""
    return [
        (f"{prefix}." if prefix else "", before, after)
        for (prefix, one), other in zip(first.stacks.items(), second.stacks.values(), strict=True)
        for before, after in zip(one.layer, other.layer, strict=True)
    ]


def _stack_of_layers(cell: Cell) -> list[Any]:
    """The stack that each of those layers belongs to."""
    return [stack for stack in cell.stacks.values() for _ in stack.layer]
