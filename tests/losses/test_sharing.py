"""Shares add up to the whole, whatever the order of the causes."""

import math
from itertools import permutations

import pytest

from perotwin.losses.sharing import in_product, logarithmic_mean, shapley

CAUSES = ("a", "b", "c", "d")


def together(some: frozenset[str]) -> float:
    """Causes in one logarithm, as recombination is, and a fourth that does nothing."""
    return -math.log1p(5.0 * ("a" in some) + 2.0 * ("b" in some) + 2.0 * ("c" in some))


def test_shares_add_up_and_do_not_hang_on_the_order() -> None:
    first = shapley(CAUSES, together)
    assert sum(first.values()) == pytest.approx(
        together(frozenset(CAUSES)) - together(frozenset()), abs=1e-14
    )
    for order in permutations(CAUSES):
        other = shapley(order, together)
        assert all(other[name] == pytest.approx(first[name], abs=1e-14) for name in CAUSES)


def test_causes_that_do_the_same_get_the_same_and_one_that_does_nothing_gets_nothing() -> None:
    found = shapley(CAUSES, together)
    assert found["b"] == pytest.approx(found["c"], abs=1e-14)
    assert found["d"] == 0.0
    assert abs(found["a"]) > abs(found["b"])


def test_shares_are_the_mean_over_all_orders() -> None:
    """By the definition itself: each order switched on one after the other."""
    mean = dict.fromkeys(CAUSES, 0.0)
    orders = list(permutations(CAUSES))
    for order in orders:
        some: frozenset[str] = frozenset()
        for name in order:
            mean[name] += (together(some | {name}) - together(some)) / len(orders)
            some |= {name}
    found = shapley(CAUSES, together)
    assert all(found[name] == pytest.approx(mean[name], abs=1e-14) for name in CAUSES)


def test_one_after_the_other_would_hang_on_the_order() -> None:
    alone = together(frozenset("b")) - together(frozenset())
    last = together(frozenset("abc")) - together(frozenset("ac"))
    assert abs(alone) > 3.0 * abs(last)


def test_steps_of_a_product_add_up_however_finely_they_are_told() -> None:
    first, last = (1.5, 200.0, 0.91), (1.3, 165.0, 0.82)
    whole = math.prod(first), math.prod(last)
    total = 0.0
    for a, b in zip(first, last, strict=True):
        # in unequal pieces, one of them a gain
        for part in (0.7, 0.5, -0.2):
            total += in_product(part * (b - a), (a, b), whole)
    assert total == pytest.approx(whole[1] - whole[0], rel=1e-13)


def test_the_logarithmic_mean_is_smooth_where_both_are_one() -> None:
    assert logarithmic_mean(2.0, 2.0) == 2.0
    assert logarithmic_mean(2.0, 2.0 * (1 + 1.1e-6)) == pytest.approx(2.0 * (1 + 0.55e-6), rel=1e-9)
    assert math.isnan(logarithmic_mean(0.0, 1.0))
