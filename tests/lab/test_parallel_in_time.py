"""Instruments in time measure columns side by side as one stack."""

from typing import Any

import numpy as np
import pytest

import perotwin as pt
import written
from columns import alike, patchy, twice
from perotwin.measurement import checks_of, notes_of
from perotwin.stack import Parallel, Stack

INSTRUMENTS: dict[str, Any] = {
    "scan": pt.lab.scan.Protocol(step="50 mV", rate="1 V/s", preconditioning="1.2 V, 1 s"),
    "mppt": pt.lab.mppt.Protocol(duration="6 s"),
    "tpv": pt.lab.tpv.Protocol(duration="2 us"),
    "tpc": pt.lab.tpc.Protocol(duration="1 us"),
}


def measured(name: str, cell: Parallel | Stack) -> list[Any]:
    made = getattr(pt.lab, name).measure(cell, INSTRUMENTS[name])
    return list(made.values()) if isinstance(made, dict) else [made]


def last_bits(name: str, stack: Stack, alone: list[Any]) -> float:
    """What a few of them move by the last bits of the light, an iteration more or less at some step, in parts of the
    largest: how near two runs of one cell can be, which depends on the processor."""
    moved = []
    for part in (1.0 - 2e-15, 1.0 + 2e-15):
        light = stack.with_values({"light.intensity": part * float(stack.light.intensity)})
        for one, other in zip(alone, measured(name, light), strict=True):
            for quantity in ("current_density", "voltage"):
                a, b = one[quantity].values, other[quantity].values
                moved.append(float(np.nanmax(np.abs(a - b)) / np.nanmax(np.abs(a))))
    found = 10.0 * max(moved)
    assert found < 1e-10
    return found


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_instruments_in_time_measure_columns_as_a_stack(name: str) -> None:
    stack = written.stack("wbg-target")
    alone = measured(name, stack)
    # where the voltage is given nothing couples the columns; else to what the time steps are told to keep to
    rounding = last_bits(name, stack, alone) if name in ("scan", "mppt") else 1e-4
    for one, two in zip(alone, measured(name, twice(stack, stack.name)), strict=True):
        alike(one, two, rounding)
    for dataset in measured(name, patchy()):
        assert all(row.passed for row in checks_of(dataset).values())
        assert dataset.attrs["complete"] == 1 and dataset.attrs["stack"] == "patchy"
        assert any("columns side by side" in note for note in notes_of(dataset))
