"""Shares of causes that act together, the same whatever the order in which they are told.

    shapley(("bulk", "face"), voc_with)["face"]      # of a quantity that any set of causes has
    in_product(step, of, whole)                      # of a product, from a step in one of its factors

Switched off one after the other, causes get shares that depend on the order: the last one to go takes what none before
could free. The mean over all orders does not (L. S. Shapley, A value for n-person games, Contributions to the Theory of
Games II, Ann. Math. Stud. 28, 307 (1953), Zbl 0050.14404): its shares add up to the whole, causes that do the same get
the same, one that does nothing gets nothing. A product of voltage, current and fill factor needs no sets: with the
logarithmic mean each step gets a share that is linear in it, and all add up exactly, in any order and however finely
they are told apart (Montgomery and Vartia's form: P. de Boer, J. F. D. Rodrigues, Econ. Syst. Res. 32, 1 (2020),
doi:10.1080/09535314.2019.1652571).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from itertools import combinations
from typing import TypeVar

__all__ = ["in_product", "logarithmic_mean", "shapley"]

K = TypeVar("K", bound=Hashable)

#: relative difference below which the mean of two numbers is the middle
_ALIKE = 1e-6


def shapley(causes: Sequence[K], value: Callable[[frozenset[K]], float]) -> dict[K, float]:
    """What each of some causes does to a quantity, on average over all orders in which they come.

    Args:
        causes: N of them, each once; `value` is asked for each of their 2^N sets.
        value: the quantity where a set of causes acts and the others do not.

    Returns:
        By cause; together the value of all less that of none.
    """
    count = len(causes)
    known = {
        frozenset(one): value(frozenset(one))
        for size in range(count + 1)
        for one in combinations(causes, size)
    }
    shares = dict.fromkeys(causes, 0.0)
    for some, without in known.items():
        weight = math.factorial(len(some)) * math.factorial(count - len(some) - 1) if len(some) < count else 0
        for cause in causes:
            if cause not in some:
                shares[cause] += weight / math.factorial(count) * (known[some | {cause}] - without)
    return shares


def logarithmic_mean(first: float, second: float) -> float:
    """(a - b) / ln(a / b) of two numbers above zero; either of them where they are one."""
    if not (first > 0.0 and second > 0.0):
        return math.nan
    if abs(first - second) <= _ALIKE * first:
        return 0.5 * (first + second)
    return (first - second) / math.log(first / second)


def in_product(step: float, of: tuple[float, float], whole: tuple[float, float]) -> float:
    """What a step in one factor of a product does to the product.

    Args:
        step: change of the factor. of: the factor at the beginning and at the end of all steps.
        whole: the product at both.

    Returns:
        Of the product; over all steps of all factors they add up to the change of the whole. NaN where one of the
        numbers is not above zero.
    """
    return step * logarithmic_mean(*whole) / logarithmic_mean(*of)
