"""Numbers with as many digits as they mean."""

from __future__ import annotations

import math

__all__ = ["significant"]

#: powers of ten between which a number is written out
_SMALL, _LARGE = -4, 5


def significant(value: float, digits: int = 3) -> str:
    """A number to so many significant digits, without an exponent from 0.0001 to 100,000 and as "3.91e8" beyond.

    Zeros that the digits ask for are kept ("0.500", "1.00e8"), as they say how well the number is known; 1234 to three
    digits is "1230". What is no number is a dash.
    """
    if not math.isfinite(value):
        return "–"
    if value == 0.0:
        return "0"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    power = int(exponent)
    if _SMALL <= power < _LARGE:
        rounded = float(f"{mantissa}e{power}")
        return f"{rounded:.{max(digits - 1 - power, 0)}f}".replace("-", "−")
    return f"{mantissa}e{power}".replace("-", "−")
