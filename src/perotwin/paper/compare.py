"""Rows beside answers: what agrees, what does not, and how many of each kind."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from perotwin.paper.claims import LABELS, Claim
from perotwin.paper.found import Found, Row, Spread

if TYPE_CHECKING:
    from perotwin.paper.bench import Bench

__all__ = ["Line", "Score", "compared", "here", "scores"]

#: a standard deviation below this part of the number is rounding
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Line:
    """A row with the twin's answer.

    Attributes:
        claim, found: of the row; found is None where nothing answers it.
        command: that shows the answer; nothing where there is none. how: it comes about, in words.
        spread: what the calibration leaves open of it; None where that was not asked.
    """

    claim: Claim
    found: Found | None
    command: str = ""
    how: str = ""
    spread: Spread | None = None

    @property
    def agrees(self) -> bool | None:
        """Whether they agree; None where nothing here computes the row, or it was not computed."""
        if self.claim.label == "no model" or self.found is None:
            return None
        return self.claim.agrees(self.found.value)

    @property
    def verdict(self) -> str:
        """The same in a word."""
        if self.agrees is None:
            return "no model" if self.claim.label == "no model" else "not computed"
        return "agrees" if self.agrees else "differs"

    @property
    def twin(self) -> str:
        """The answer as people read it."""
        if self.found is None:
            return "–"
        sd = self.sd if self.found.known else math.nan
        return self.claim.shown(self.found.value, sd=sd if sd > 0.0 else math.nan)

    @property
    def sd(self) -> float:
        """What the calibration leaves open of the answer, SI; zero where no free number enters, NaN where not asked."""
        sd = math.nan if self.spread is None else self.spread.sd
        size = abs(self.found.value) if self.found is not None else 0.0
        # the rounding of a mean is no spread
        return 0.0 if sd < _ROUNDING * size else sd

    @property
    def agreeing(self) -> int:
        """Of the draws, how many agree with the row."""
        return 0 if self.spread is None else sum(self.claim.agrees(one) for one in self.spread.values)

    def to_json(self) -> dict[str, Any]:
        """The line as plain data."""
        claim, found = self.claim, self.found
        return {
            "claim": claim.name,
            "says": claim.says,
            "where": claim.where,
            "kind": claim.kind,
            "label": claim.label,
            "paper": claim.expects(),
            "tolerance": claim.within() if claim.is_number else None,
            "twin": self.twin if found is not None and found.known else None,
            "value": None if found is None or not found.known else found.value,
            "spread": None if self.spread is None else self.spread.to_json() | {"agree": self.agreeing},
            "verdict": self.verdict,
            "tied": claim.tied or None,
            "words": None if found is None else found.words or None,
            "because": claim.because if claim.because and not self.agrees else None,
            "data": [f"data/{name}.nc" for name in found.data] if found is not None else [],
            "how": self.how or None,
            "command": self.command or None,
        }


@dataclass(frozen=True)
class Score:
    """How many rows of a label agree, numbers and directions each for themselves; `free`: of those tied to no other."""

    label: str
    numbers: tuple[int, int]
    directions: tuple[int, int]
    free: tuple[int, int]

    def to_json(self) -> dict[str, Any]:
        """Plain data: agreeing and all."""
        return {
            "label": self.label,
            **{
                name: {"agree": pair[0], "of": pair[1]}
                for name, pair in (
                    ("numbers", self.numbers), ("directions", self.directions), ("not_tied", self.free),
                )
            },
        }  # fmt: skip


def here(row: Row, bench: Bench | None = None) -> str:
    """A row's command on the cells and recipes that a run writes beside its page, in place of the library's of the same
    names; that of a row that is of the library's as it is.

    Args:
        row: with its command. bench: of the run, whose scan rate, devices and seed stand in the command where they are
            not those of the calibrated set in full.
    """
    if row.library:
        return row.command
    command = re.sub(
        r"(?<!\S)((?:(?:wbg-|tandem-)?(?:control|target)(?:-washed)?)|sam-niox)(?!\S)",
        r"\1.toml",
        row.command,
    )
    if bench is None:
        return command
    command = re.sub(r"--rate '[^']*'", f"--rate '{1e3 * bench.scan_rate:.4g} mV/s'", command)
    if command.startswith("perotwin statistics "):
        usual = type(bench)
        command += f" --devices {bench.devices}" if bench.devices != usual.devices else ""
        command += f" --seed {bench.seed}" if bench.seed != usual.seed else ""
    return command


def compared(
    claims: Mapping[str, Claim],
    found: Mapping[str, Found],
    rows: Mapping[str, Any],
    spreads: Mapping[str, Spread] | None = None,
    bench: Bench | None = None,
) -> list[Line]:
    """Every claim with its answer, in the order of the claims; spreads: by row; bench: that answered, see `here`."""
    return [
        Line(
            claim,
            found.get(name),
            here(rows[name], bench) if name in rows else "",
            rows[name].how if name in rows else "",
            (spreads or {}).get(name),
        )
        for name, claim in claims.items()
    ]


def scores(lines: list[Line]) -> list[Score]:
    """How many agree, by label; rows that nothing computes are not counted as agreeing."""
    made = []
    for label in LABELS:
        here = [one for one in lines if one.claim.label == label]

        def pair(some: list[Line]) -> tuple[int, int]:
            return sum(bool(one.agrees) for one in some), len(some)

        made.append(
            Score(
                label,
                pair([one for one in here if one.claim.is_number]),
                pair([one for one in here if not one.claim.is_number]),
                pair([one for one in here if not one.claim.tied]),
            )
        )
    return made
