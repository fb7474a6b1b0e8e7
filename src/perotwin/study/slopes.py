"""How much a figure of merit changes with each number of a cell, and how well that is known.

Exact slopes (`study.exact_slopes`) are taken where there are any, central differences of other numbers. Their step is a
part of the range in which the number is varied: small against the fringes and offsets that a whole range spans, large
against what a solved point is known to. Both are seen in the answer, for half the step is taken as well: where the two
differ, the difference is the uncertainty, and the one extrapolated from both (Richardson) is given.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perotwin.study.merit import Merit
from perotwin.study.pool import Outcome
from perotwin.study.variables import Field

__all__ = ["STEP", "Slope", "exact", "plan", "slopes"]

#: the larger step, as a share of the value where a number has a natural zero, eV and K elsewhere. The efficiency of a
#: solved point is known to a 1e-8 part, and a hundredth of a layer is a twentieth of a fringe.
STEP = 0.01
_ABSOLUTE = {"energy": 0.004, "temperature": 1.0}
#: to which part of it an exact slope is known
_EXACT = 1e-6
#: small changes as people make and meet them, where a share of the number would mean nothing: eV, K, and in words
_CHANGES = {"energy": (0.01, "10 meV"), "temperature": (1.0, "1 K")}
#: an energy below this, eV, is a width and not a height: of the tail of an absorption edge, say
_SMALL_ENERGY, _OF_SMALL = 0.1, (0.001, "1 meV")


@dataclass(frozen=True)
class Slope:
    """Change of a figure of merit with one number of a cell, at the values that all have.

    Attributes:
        field: what is changed. number: its value there, in the field's unit.
        change: a small change as people make them, in words: 1 % of what has a natural zero, 10 meV, 1 K.
        per_change: what that change does. per_percent: 1 % more of the number. per_unit: one unit of the field more.
            All in SI of the merit, and all from one derivative.
        uncertainty: of `per_change`.
        failure: why there is none (the numbers are NaN then).
    """

    field: Field
    number: float
    change: str
    per_change: float
    per_percent: float
    per_unit: float
    uncertainty: float
    failure: str | None = None


def plan(field: Field, number: float) -> tuple[float, ...]:
    """The four values (field's unit) at which a slope needs the figure of merit.

    A step and half of it to each side; at zero, below which most numbers cannot be, the place itself and three above.
    """
    step = _step(field, number)
    if _at_zero(field, number):
        return (0.0, 0.5 * step, step, 2.0 * step)
    return tuple(number + share * step for share in (-1.0, -0.5, 0.5, 1.0))


def _at_zero(field: Field, number: float) -> bool:
    return number == 0.0 and field.dimension not in _ABSOLUTE


def _step(field: Field, number: float) -> float:
    """The larger step, in the field's unit."""
    distance = _ABSOLUTE.get(field.dimension)
    if distance is not None:
        return distance * _unit(field) * (0.1 if _is_small(field, number) else 1.0)
    if number == 0.0:
        return STEP * (field.high - field.low)
    return STEP * abs(number)


def _is_small(field: Field, number: float) -> bool:
    return field.dimension == "energy" and 0.0 < field.si(number) < _SMALL_ENERGY


def _unit(field: Field) -> float:
    """Units of the field in one of perotwin's own (1000 for meV), for those without a natural zero."""
    return (field.high - field.low) / (field.si(field.high) - field.si(field.low))


def slopes(
    at: Sequence[tuple[Field, float]], outcomes: Mapping[tuple[int, int], Outcome[Merit]], objective: str
) -> tuple[Slope, ...]:
    """Slopes from the outcomes of `plan`.

    Args:
        at: fields and their values.
        outcomes: by index of the field and of the value in its plan.
        objective: name of the figure of merit.
    """
    return tuple(
        _slope(field, number, [outcomes[index, place] for place in range(4)], objective)
        for index, (field, number) in enumerate(at)
    )


def _slope(field: Field, number: float, found: list[Outcome[Merit]], objective: str) -> Slope:
    amount, words = _CHANGES.get(field.dimension, (math.nan, "1 %"))
    if _is_small(field, number):
        amount, words = _OF_SMALL
    failures = [one.failure for one in found if one.result is None]
    if failures:
        nothing = math.nan
        return Slope(field, number, words, nothing, nothing, nothing, nothing, failures[0])
    values = [one.result[objective] for one in found if one.result is not None]
    step = _step(field, number)
    if _at_zero(field, number):
        narrow = (-3.0 * values[0] + 4.0 * values[1] - values[2]) / step
        wide = (-3.0 * values[0] + 4.0 * values[2] - values[3]) / (2.0 * step)
        amount, words = STEP * (field.high - field.low) / _unit(field), "1 % of its range"
    else:
        narrow = (values[2] - values[1]) / step
        wide = (values[3] - values[0]) / (2.0 * step)
    per_unit = (4.0 * narrow - wide) / 3.0
    return _told(field, number, per_unit, narrow - wide, amount, words)


def exact(field: Field, number: float, per_si: float) -> Slope:
    """The slope that a derivative by the field in SI (energies eV) tells; known to a 1e-6 part of it."""
    amount, words = _CHANGES.get(field.dimension, (math.nan, "1 %"))
    if _is_small(field, number):
        amount, words = _OF_SMALL
    per_unit = per_si / _unit(field)
    return _told(field, number, per_unit, _EXACT * per_unit, amount, words)


def _told(field: Field, number: float, per_unit: float, error: float, amount: float, words: str) -> Slope:
    """A slope and its error, per unit of the field, as what small changes do."""
    # of the number counted from its true zero, as a temperature in degC is not
    percent = 0.01 * field.si(number) * _unit(field)
    change = percent if math.isnan(amount) else amount * _unit(field)
    return Slope(field, number, words, per_unit * change, per_unit * percent, per_unit, abs(error * change))
