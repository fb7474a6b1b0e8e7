"""What a fit varies: numbers with a start, bounds, the scale in which they are searched, and what was known before.

    Parameter("lifetime", start=3e-7, low=3e-8, high=3e-6, scale=Log())
    parameter_of(cell, "perovskite.trap.1.electron_lifetime=30 ns..3 us")
    known(cell, "ito.thickness")                  # with a Gaussian prior from the range that the number states

A fit works in the coordinates of the scales: natural logarithms of what spans decades, plain numbers otherwise. A
standard deviation of 0.1 on a logarithmic scale is one of 10 % of the number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perotwin import units
from perotwin.errors import InputError
from perotwin.study.sweep import unit_of
from perotwin.study.variables import resolve
from perotwin.units import Quantity

if TYPE_CHECKING:
    from perotwin.stack import Cell

__all__ = ["Gaussian", "Linear", "Log", "Parameter", "Scale", "known", "parameter_of", "prior_of"]

F64 = NDArray[np.float64]

#: a stated range is what holds a number in 95 of 100 cases: its ends lie two standard deviations from its middle
_ENDS = 2.0
#: bounds of a number with a prior, in standard deviations from its mean
_BEYOND = 4.0


@dataclass(frozen=True)
class Log:
    """Searched in the natural logarithm: numbers above zero that span decades."""

    def coordinate(self, value: float) -> float:
        """Where a value lies on the scale."""
        return math.log(value) if value > 0.0 else -math.inf

    def value(self, coordinate: float) -> float:
        """The value at a place of the scale."""
        return math.exp(coordinate)

    def slope(self, value: float) -> float:
        """By how much the value grows with the coordinate."""
        return value


@dataclass(frozen=True)
class Linear:
    """Searched as it is: energies, and whatever may be zero or negative."""

    def coordinate(self, value: float) -> float:
        """Where a value lies on the scale."""
        return value

    def value(self, coordinate: float) -> float:
        """The value at a place of the scale."""
        return coordinate

    def slope(self, value: float) -> float:
        """By how much the value grows with the coordinate."""
        return 1.0


Scale = Log | Linear


@dataclass(frozen=True)
class Gaussian:
    """What was known of a number before: a mean (its own unit), and a standard deviation on its scale.

    words: where that comes from.
    """

    mean: float
    sd: float
    words: str = ""


@dataclass(frozen=True)
class Parameter:
    """A number that a fit varies.

    Attributes:
        name: what people call it.
        start, low, high: SI (energies eV), where the search begins and its bounds.
        scale: in which it is searched.
        prior: what was known of it; None where all that lies between the bounds is as likely, on its scale.
        unit: in which people read it. dimension: a key of `units.DIMENSIONS`, or "dimensionless".
        paths: the field paths that it sets, all to the same value. cells: names of the cells that it is of; nothing
            for all.
    """

    name: str
    start: float
    low: float
    high: float
    scale: Scale = Log()
    prior: Gaussian | None = None
    unit: str = "1"
    dimension: str = "dimensionless"
    paths: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for label, value in (("start", self.start), ("low", self.low), ("high", self.high)):
            if not math.isfinite(value):
                raise InputError(
                    f'the {label} of "{self.name}" is no finite number.', "Give one.", key=self.name
                )
        if isinstance(self.scale, Log) and not self.low > 0.0:
            raise InputError(
                f'"{self.name}" is searched in its logarithm, and its lower bound {self.low:g} has none.',
                "Give a lower bound above zero, or a linear scale.",
                key=self.name,
            )
        if not self.low < self.high:
            raise InputError(
                f'the bounds of "{self.name}", {self.low:g} and {self.high:g}, hold nothing.',
                "Give the lower one first.",
                key=self.name,
            )
        if not self.low <= self.start <= self.high:
            raise InputError(
                f'"{self.name}" starts at {self.start:g}, outside its bounds {self.low:g} and {self.high:g}.',
                "Widen the bounds, or start within them.",
                key=self.name,
            )
        if self.prior is not None and not self.prior.sd > 0.0:
            raise InputError(
                f'the prior of "{self.name}" has no width.', "Leave the number fixed instead.", key=self.name
            )

    # --- on its scale ------------------------------------------------------------------------------------------------

    @property
    def ends(self) -> tuple[float, float]:
        """The bounds on its scale."""
        return self.scale.coordinate(self.low), self.scale.coordinate(self.high)

    @property
    def span(self) -> float:
        """How far the bounds are apart on its scale."""
        low, high = self.ends
        return high - low

    def coordinate(self, value: float) -> float:
        """Where a value (SI) lies on its scale."""
        return self.scale.coordinate(value)

    def value(self, coordinate: float) -> float:
        """The value (SI) at a place of its scale, within the bounds."""
        return min(max(self.scale.value(coordinate), self.low), self.high)

    def drawn(self, chance: float) -> float:
        """The value (SI) below which lies a part `chance` (0 to 1) of what was known, within the bounds."""
        low, high = self.ends
        if self.prior is None:
            return self.value(low + chance * (high - low))
        from scipy.special import ndtr, ndtri

        mean = self.coordinate(self.prior.mean)
        first, last = (float(ndtr((end - mean) / self.prior.sd)) for end in (low, high))
        return self.value(mean + self.prior.sd * float(ndtri(first + chance * (last - first))))

    def log_prior(self, coordinate: float) -> float:
        """Logarithm of how likely a place on its scale was before, up to a constant; -inf beyond the bounds."""
        low, high = self.ends
        if not low <= coordinate <= high:
            return -math.inf
        if self.prior is None:
            return 0.0
        return -0.5 * ((coordinate - self.coordinate(self.prior.mean)) / self.prior.sd) ** 2

    # --- for people --------------------------------------------------------------------------------------------------

    def shown(self, value: float) -> float:
        """A value (SI) in the unit that people read."""
        return units.convert(value, self.unit, self.dimension) if self.unit != "1" else value

    def text(self, value: float, digits: int = 4) -> str:
        """A value (SI) with its unit."""
        number = f"{self.shown(value):.{digits}g}"
        return number if self.unit == "1" else f"{number} {self.unit}"

    def written(self, value: float) -> str:
        """A value (SI) as a stack file has it, to the last digit."""
        number = f"{self.shown(value):.15g}"
        return number if self.unit == "1" else f"{number} {self.unit}"


def prior_of(low: float, high: float, scale: Scale, middle: float | None = None, words: str = "") -> Gaussian:
    """The Gaussian that a range stands for: its ends lie two standard deviations from its middle.

    Args:
        low, high: SI. scale: of the parameter. middle: mean; that of the range on its scale unless given.
    """
    first, last = scale.coordinate(low), scale.coordinate(high)
    mean = scale.value(0.5 * (first + last)) if middle is None else middle
    return Gaussian(mean, (last - first) / (2.0 * _ENDS), words)


def parameter_of(
    cell: Cell, wanted: str, *, name: str | None = None, cells: Sequence[str] = (), also: Sequence[str] = ()
) -> Parameter:
    """A number of a cell to be found, all that lies within its range as likely as anything else, on its scale.

    Args:
        cell: whose number it is, and where the search begins.
        wanted: a field path with or without its range: "perovskite.trap.1.electron_lifetime=30 ns..3 us". Unless given,
            the range that the number states, or the usual one of its dimension.
        name: what to call it; its path unless given. cells: names of the cells that it is of.
        also: further paths that are set to the same value.

    Raises:
        InputError: no such path, no number, a range that cannot be or does not hold the number.
    """
    field = resolve(cell, wanted)
    low, high = field.si(field.low), field.si(field.high)
    start = float(cell.get(field.path))
    scale: Scale = Log() if low > 0.0 and field.dimension not in ("energy", "temperature") else Linear()
    if not low <= start <= high:
        start = scale.value(0.5 * (scale.coordinate(low) + scale.coordinate(high)))
    return Parameter(
        name or field.path, start, low, high, scale, None, field.unit, field.dimension,
        (field.path, *also), tuple(cells),
    )  # fmt: skip


def known(
    cell: Cell,
    path: str,
    sd: str | float | None = None,
    *,
    name: str | None = None,
    cells: Sequence[str] = (),
) -> Parameter:
    """A number of a cell that is known within limits: with a Gaussian prior about what the cell states.

    Args:
        cell: whose number it is. path: of it.
        sd: a standard deviation ("5 nm", "10 %"; a float is a part of the number); unless given, a quarter of the range
            that the number states, or of the usual one of its dimension.
        name: what to call it. cells: names of the cells that it is of.

    Raises:
        InputError: no such path, no number, a standard deviation that is none.
    """
    value = cell.get(path)
    made = parameter_of(cell, path, name=name, cells=cells)
    mean = float(value)
    if sd is None:
        stated = isinstance(value, Quantity) and value.assumed is not None
        words = "the range that the number states" if stated else "the usual range of its kind"
        prior = prior_of(made.low, made.high, made.scale, mean, words)
    else:
        width = _width(sd, mean, made)
        on_scale = width / made.scale.slope(mean)
        prior = Gaussian(mean, on_scale, "as given")
    middle = made.scale.coordinate(mean)
    low, high = (made.scale.value(middle + sign * _BEYOND * prior.sd) for sign in (-1.0, 1.0))
    low, high = _possible(cell, path, made, low, high)
    return replace(made, start=mean, low=low, high=high, prior=prior)


def _width(sd: str | float, mean: float, parameter: Parameter) -> float:
    """A standard deviation in SI."""
    text = str(sd).strip()
    if isinstance(sd, (int, float)):
        width = float(sd) * abs(mean)
    elif unit_of(text) == "%":
        width = 0.01 * float(text.removesuffix("%")) * abs(mean)
    elif parameter.dimension == "energy" or parameter.dimension != "temperature":
        width = float(units.parse(text, parameter.dimension))
    else:
        width = float(text.split()[0])
    if not width > 0.0:
        raise InputError(f'"{text}" is no standard deviation.', 'Write "5 nm" or "10 %".', key=parameter.name)
    return width


def _possible(cell: Cell, path: str, made: Parameter, low: float, high: float) -> tuple[float, float]:
    """Bounds that the cell can have: where one is impossible, the end of the range that was tried before."""
    ends = []
    for wide, narrow in ((low, made.low), (high, made.high)):
        try:
            cell.with_values({path: made.written(wide)})
            ends.append(wide)
        except InputError:
            ends.append(narrow)
    return ends[0], ends[1]


def values_at(parameters: Sequence[Parameter], coordinates: F64) -> F64:
    """(P,) values (SI) at places on the scales."""
    return np.array([one.value(float(u)) for one, u in zip(parameters, coordinates, strict=True)])


def coordinates_of(parameters: Sequence[Parameter], values: Sequence[float] | F64) -> F64:
    """(P,) places on the scales of values (SI)."""
    return np.array([one.coordinate(float(v)) for one, v in zip(parameters, values, strict=True)])


def settings(parameters: Sequence[Parameter], values: Sequence[float] | F64, cell: str) -> dict[str, Any]:
    """What a cell of that name is set to, by field path, as it is written."""
    return {
        path: one.written(float(value))
        for one, value in zip(parameters, values, strict=True)
        if not one.cells or cell in one.cells
        for path in one.paths
    }


def named_values(parameters: Sequence[Parameter], values: Sequence[float] | F64) -> Mapping[str, float]:
    """Values (SI) by name."""
    return {one.name: float(value) for one, value in zip(parameters, values, strict=True)}
