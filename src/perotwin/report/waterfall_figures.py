"""Waterfalls of losses as figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from perotwin.losses.waterfall import between
from perotwin.report.waterfalls import gained, shown, unit_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from perotwin.losses.waterfall import Waterfall
    from perotwin.plotting.waterfalls import Step

__all__ = ["difference_figure", "losses_figure"]

#: points of efficiency from which on a step has a bar of its own; the others are one
_OWN_BAR = 0.02


def losses_figure(one: Waterfall) -> Figure:
    """From the limit of the gap down to the cell, in points of efficiency."""
    from perotwin.plotting.waterfalls import Step, waterfall

    steps = []
    for loss in one.losses:
        words = loss.name + (f", {loss.junction}" if loss.junction else "")
        size = f"{_signed(shown(loss.of, -loss.value))} {_unit(loss.of)}"
        steps.append(Step(words, loss.of, -100 * loss.pce, size))
    gaps = " and ".join(f"{gap:.2f} eV" for gap in one.gaps.values())
    return waterfall(
        (f"Shockley-Queisser, {gaps}", 100 * one.ideal.pce),
        _largest(steps),
        (one.name, 100 * one.actual.pce),
        "PCE (%)",
    )


def difference_figure(first: Waterfall, second: Waterfall) -> Figure:
    """From one cell to another, the largest step first."""
    from perotwin.plotting.waterfalls import Step, waterfall

    steps = []
    for one in between(first, second):
        words = one.name + (f", {one.junction}" if one.junction else "")
        change = one.second - one.first if one.kind == "limit" else one.first - one.second
        size = f"{_signed(shown(one.of, change))} {_unit(one.of)}"
        steps.append(Step(words, one.of, 100 * one.pce, size))
    return waterfall(
        (first.name, 100 * first.actual.pce),
        _largest(steps),
        (second.name, 100 * second.actual.pce),
        "PCE (%)",
    )


def _signed(text: str) -> str:
    return text if text.startswith("−") else f"+{text}"


def _unit(of: str) -> str:
    return "points of FF" if of == "ff" else unit_of(of).replace("cm^2", "cm²")


def _largest(steps: Sequence[Step]) -> list[Step]:
    """Steps with a bar of their own, and one for all others."""
    from perotwin.plotting.waterfalls import Step

    large = [one for one in steps if abs(one.change) >= _OWN_BAR]
    small = [one for one in steps if abs(one.change) < _OWN_BAR]
    if small:
        total = math.fsum(one.change for one in small)
        words = f"{len(small)} smaller steps" if len(small) > 1 else small[0].words
        large.append(Step(words, "pce", total, f"{gained(0.01 * total)} points"))
    return large
