"""What lies between a cell and the limit of its gap, step by step, and whether the steps close."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from perotwin.errors import PerotwinError
from perotwin.losses.sharing import in_product
from perotwin.measurement.checks import Checks, check

__all__ = [
    "QUANTITIES",
    "Difference",
    "Figures",
    "Loss",
    "Missing",
    "Waterfall",
    "between",
    "closing",
    "told",
]

#: quantities of which losses are told, with their SI units
QUANTITIES = {"jsc": "A m-2", "voc": "V", "ff": "1"}
#: by how much steps may miss the whole: fraction of the irradiance or of the fill factor (0.01 points), A m^-2, V
CLOSES = {"pce": 1e-4, "ff": 1e-4, "jsc": 1e-2, "voc": 1e-5}


@dataclass(frozen=True)
class Figures:
    """Figures of merit: voc (V), jsc (A m^-2), ff and pce (fractions)."""

    voc: float
    jsc: float
    ff: float
    pce: float


@dataclass(frozen=True)
class Loss:
    """One step down.

    Attributes:
        of: "jsc", "voc" or "ff". kind: what it is, the same word for every cell: "reflection", "bulk", "series" ...
        name: the same in words of this cell: its layers and faces. junction: "" of the whole cell.
        value: A m^-2, V or a fraction; below zero where something is gained.
        pce: the same as a fraction of the irradiance.
    """

    of: str
    kind: str
    name: str
    value: float
    junction: str = ""
    pce: float = math.nan

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it the same step in another cell."""
        return self.of, self.junction, self.kind


@dataclass(frozen=True)
class Missing:
    """What could not be told, and what would tell it, as a sentence."""

    of: str
    words: str


@dataclass(frozen=True)
class Waterfall:
    """From the limit of a cell's gap down to the cell.

    Attributes:
        name: of the cell. gaps: eV, by junction ("" of the only one).
        ideal: of the Shockley-Queisser limit; actual: of the cell. NaN where a quantity is not told.
        losses: the steps, from above, quantity by quantity.
        checks: run-time checks. notes: what a reader must know. missing: what could not be told.
        levels: voltages (V) of the junctions by name, where they are known.
        exact: whether the steps are of a described cell; else of measured files.
    """

    name: str
    gaps: dict[str, float]
    ideal: Figures
    actual: Figures
    losses: tuple[Loss, ...]
    checks: Checks
    notes: tuple[str, ...] = ()
    missing: tuple[Missing, ...] = ()
    levels: dict[str, dict[str, float]] | None = None
    exact: bool = True

    def of(self, quantity: str) -> list[Loss]:
        """The steps of one quantity."""
        return [one for one in self.losses if one.of == quantity]


@dataclass(frozen=True)
class Difference:
    """One step of two cells.

    Attributes:
        of, kind, junction: as of `Loss`; the kind "limit" is what the limits of two gaps differ by. name: in words.
        first, second: the losses, or the limits, SI; pce: how much the second cell gains by it over the first, as a
            fraction of the irradiance: what both lose alike is nothing.
    """

    of: str
    kind: str
    junction: str
    name: str
    first: float
    second: float
    pce: float


def told(steps: Iterable[Loss], ideal: Figures, actual: Figures) -> tuple[Loss, ...]:
    """The steps with what each does to the efficiency.

    Args:
        steps: that add up, quantity by quantity, to the difference of the two. ideal, actual: above and below.
    """
    found = []
    whole = (ideal.pce, actual.pce)
    for one in steps:
        ends = (getattr(ideal, one.of), getattr(actual, one.of))
        found.append(
            Loss(one.of, one.kind, one.name, one.value, one.junction, in_product(one.value, ends, whole))
        )
    return tuple(found)


def closing(ideal: Figures, actual: Figures, losses: Sequence[Loss]) -> Checks:
    """How far the steps miss the difference of both ends: SI, the efficiency as a fraction.

    Computed from what is stored, so that a step that was changed or lost is seen.
    """
    found: Checks = {}
    for name, limit in CLOSES.items():
        own = [one for one in losses if name in ("pce", one.of)]
        steps = [one.pce if name == "pce" else one.value for one in own]
        ends = getattr(ideal, name) - getattr(actual, name)
        if steps and math.isfinite(ends):
            found[f"losses close: {name}"] = check(math.fsum(steps) - ends, limit)
    return found


def between(first: Waterfall, second: Waterfall) -> list[Difference]:
    """What the difference of two cells consists of, largest first.

    Raises:
        PerotwinError: their efficiencies are not known, or their steps do not close.
    """
    for one in (first, second):
        if not (math.isfinite(one.ideal.pce) and math.isfinite(one.actual.pce)):
            raise PerotwinError(
                f'the losses of "{one.name}" are not told as a whole, so that no difference can be made of them.',
                "Give what is missing, or compare quantity by quantity.",
            )
    found = [*_limits(first, second), *_steps(first, second)]
    missed = math.fsum(one.pce for one in found) - (second.actual.pce - first.actual.pce)
    if not abs(missed) <= CLOSES["pce"]:
        raise PerotwinError(
            f"the steps between {first.name} and {second.name} miss their difference by {100 * missed:.2g} points.",
            "Please report it with both cells.",
        )
    return sorted(found, key=lambda one: -abs(one.pce))


def _gain(of: str, step: float, first: Waterfall, second: Waterfall) -> float:
    """What a step in a figure of merit, from the first cell to the second, does to the efficiency between both."""
    ends = getattr(first.actual, of), getattr(second.actual, of)
    return in_product(step, ends, (first.actual.pce, second.actual.pce))


def _limits(first: Waterfall, second: Waterfall) -> Iterator[Difference]:
    """What the limits of two gaps differ by."""
    for of in QUANTITIES:
        ends = getattr(first.ideal, of), getattr(second.ideal, of)
        if ends[0] != ends[1]:
            gain = _gain(of, ends[1] - ends[0], first, second)
            yield Difference(of, "limit", "", "limit of the gap", *ends, gain)


def _steps(first: Waterfall, second: Waterfall) -> Iterator[Difference]:
    each = [_by_key(one) for one in (first, second)]
    for key in dict.fromkeys([*each[0], *each[1]]):
        pair = [one.get(key, []) for one in each]
        name = (pair[1] or pair[0])[0].name
        values = [math.fsum(one.value for one in some) for some in pair]
        quantity, junction, kind = key
        gain = _gain(quantity, values[0] - values[1], first, second)
        yield Difference(quantity, kind, junction, name, values[0], values[1], gain)


def _by_key(one: Waterfall) -> dict[tuple[str, str, str], list[Loss]]:
    found: dict[tuple[str, str, str], list[Loss]] = {}
    for loss in one.losses:
        found.setdefault(loss.key, []).append(loss)
    return found
