"""Scans in time and impedance spectra of anything that a file may say: how many are whole with every check passed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from outcomes import outcomes
from wide_outcomes import of_scan, of_spectrum
from wide_time_draw import FIRST_SCAN, FIRST_SPECTRUM

#: of scans and of spectra: first seed, how many make a sample and the whole draw, and the share that must be solved
DRAWN = {
    "scans": (of_scan, FIRST_SCAN, 5, 200, 0.95),
    "spectra": (of_spectrum, FIRST_SPECTRUM, 40, 400, 0.95),
}


def _share(outcome: Callable[[int], str | None], first: int, count: int) -> float:
    failures = outcomes(outcome, [first + number for number in range(count)])
    for seed, words in failures.items():
        print(f"seed {seed}: {words}")
    solved = 1.0 - len(failures) / count
    print(f"{solved:.2%} of {count} solved")
    return solved


@pytest.mark.long
@pytest.mark.parametrize("kind", DRAWN)
def test_a_sample_of_the_wide_draw_in_time(kind: str) -> None:
    outcome, first, sample, _, required = DRAWN[kind]
    assert _share(outcome, first, sample) >= required


@pytest.mark.long
@pytest.mark.parametrize("kind", DRAWN)
def test_the_wide_draw_in_time(kind: str) -> None:
    outcome, first, _, whole, required = DRAWN[kind]
    assert _share(outcome, first, whole) >= required
