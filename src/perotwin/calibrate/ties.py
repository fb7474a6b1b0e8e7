"""Ties between numbers of cells, as a file of evidence states them.

    [[tie]]
    cell = "control"
    number = "perovskite.lifetime"
    of_cell = "target"             # this cell unless given
    of = "perovskite.lifetime"     # the same number unless given
    factor = "0.2..1"              # found in between; or 0.5; or 0.5 with sd = "10 %"
    name = "gain"                  # ties of one name have one factor

The control's lifetime is then a factor times the target's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perotwin.calibrate.fields import RECIPE, Tie
from perotwin.calibrate.keys import refuse_unknown
from perotwin.calibrate.parameters import Gaussian, Log, Parameter
from perotwin.errors import InputError, shown

if TYPE_CHECKING:
    from perotwin.stack import Cell

__all__ = ["ties_of"]

_KEYS = ("cell", "number", "of_cell", "of", "factor", "sd", "name")
#: bounds of a factor that is known, in standard deviations
_BEYOND = 4.0
_WRITE = 'Write factor = 0.5, factor = "0.2..1", or factor = 0.5 with sd = "10 %".'


def ties_of(path: str, cells: Sequence[Cell]) -> tuple[tuple[Tie, ...], tuple[Parameter, ...]]:
    """The ties that a TOML file of evidence states, and the factors among them that are found.

    Raises:
        InputError: a cell that is not there, a factor that is none.
    """
    from perotwin.stack.toml import read

    content = read(Path(path).read_text(encoding="utf-8"), file=path)
    made: list[Tie] = []
    factors: dict[str, Parameter] = {}
    for entry in content.get("tie", []):
        refuse_unknown(entry, _KEYS, path, "[[tie]]")
        if "number" not in entry:
            raise InputError(
                "a [[tie]] names no number.", 'Add number = "perovskite.lifetime".', file=path, key="number"
            )
        number = str(entry["number"])
        if number.startswith(RECIPE):
            raise InputError(
                "numbers of recipes are not tied.", "Share them between the cells: --share.", file=path, key="number"
            )  # fmt: skip
        names = [cell.name for cell in cells]
        if "cell" not in entry and len(cells) > 1:
            raise InputError(
                "a [[tie]] names no cell.", f"Add cell = one of {', '.join(names)}.", file=path, key="cell"
            )
        cell = str(entry.get("cell", names[0]))
        tie = Tie(cell, number, str(entry.get("of_cell", cell)), str(entry.get("of", number)))
        factor = _factor(entry, str(entry.get("name") or f"factor {tie.name}"), path)
        if not isinstance(factor, Parameter):
            made.append(replace(tie, factor=factor))
            continue
        if factors.setdefault(factor.name, factor) != factor:
            raise InputError(
                f'two ties share the factor "{factor.name}" and state it differently.',
                "State it alike, or name them apart.",
                file=path,
                key="name",
            )
        made.append(replace(tie, factor=factor.name))
    return tuple(made), tuple(factors.values())


def _factor(entry: Mapping[str, Any], name: str, path: str) -> Parameter | float:
    """A factor: a number, or a parameter between bounds or with a prior."""
    given = entry.get("factor", 1.0)
    low, dots, high = str(given).partition("..")
    try:
        ends = [float(end) for end in ((low, high) if dots else (low,))]
    except ValueError:
        raise InputError(f'"{shown(given)}" is no factor.', _WRITE, file=path, key="factor") from None
    if not all(0.0 < end < float("inf") for end in ends) or (dots and not ends[0] < ends[1]):
        raise InputError(
            f'"{shown(given)}" is no factor above zero, or its ends lie the wrong way round.', _WRITE,
            file=path, key="factor",
        )  # fmt: skip
    if dots:
        return Parameter(name, (ends[0] * ends[1]) ** 0.5, ends[0], ends[1])
    if "sd" not in entry:
        return ends[0]
    width = str(entry["sd"]).strip()
    try:
        sd = 0.01 * float(width[:-1]) if width.endswith("%") else float(width) / ends[0]
    except ValueError:
        sd = 0.0
    if not 0.0 < sd < float("inf"):
        raise InputError(f'"{shown(width)}" is no standard deviation.', _WRITE, file=path, key="sd")
    scale = Log()
    low_end, high_end = (scale.value(scale.coordinate(ends[0]) + sign * _BEYOND * sd) for sign in (-1.0, 1.0))
    return Parameter(name, ends[0], low_end, high_end, scale, Gaussian(ends[0], sd, "as given"))
