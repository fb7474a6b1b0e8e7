"""At which temperature the numbers of a stack hold."""

import numpy as np
import pytest

import perotwin as pt
from perotwin.transport.energies import bands


def test_numbers_hold_at_the_temperature_that_the_stack_states() -> None:
    cell = pt.load("cell-a")
    layer = cell.named("perovskite")
    assert float(cell.temperature) == 300.0
    assert bands(layer, 300.0).nc == 2.2e24


def test_a_copy_at_another_temperature_scales_from_there() -> None:
    warm = pt.load("cell-a").with_values({"temperature": "330 K"})
    again = warm.with_values({"temperature": "345 K"})
    assert float(warm.named("perovskite").electronic.reference_temperature) == 300.0
    assert bands(warm.named("perovskite"), 330.0).nc == pytest.approx(2.2e24 * 1.1**1.5, rel=1e-12)
    assert bands(again.named("perovskite"), 345.0).nc == pytest.approx(2.2e24 * 1.15**1.5, rel=1e-12)


def test_a_stated_reference_stays() -> None:
    cell = pt.load("cell-a").with_values({"perovskite.reference_temperature": "290 K"})
    assert bands(cell.with_values({"temperature": "320 K"}).named("perovskite"), 320.0).nc == pytest.approx(
        2.2e24 * np.power(320 / 290, 1.5), rel=1e-12
    )
