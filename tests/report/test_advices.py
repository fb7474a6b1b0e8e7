"""Advice as people read it."""

from types import SimpleNamespace
from typing import Any

import pytest

from perotwin.report import advices


@pytest.mark.parametrize(
    ("stated", "shown"),
    [
        ("130 cm/s and 296.457795334089 cm/s", "130 cm/s and 296.5 cm/s"),
        ("59.5357757908121 ns", "59.54 ns"),
        ("6e16 cm^-3", "6e16 cm^-3"),
        ("1e-4 cm^2/(V s)", "1e-4 cm^2/(V s)"),
        ("0.0015 um", "0.0015 um"),
    ],
)
def test_what_a_fit_found_has_the_digits_that_it_means(stated: str, shown: str) -> None:
    one: Any = SimpleNamespace(applied=SimpleNamespace(now=stated))
    assert advices._now(one) == shown
