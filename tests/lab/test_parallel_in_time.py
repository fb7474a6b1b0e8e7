"""Instruments in time measure columns side by side as one stack."""

from typing import Any

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


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_instruments_in_time_measure_columns_as_a_stack(name: str) -> None:
    stack = written.stack("wbg-target")
    # where the voltage is given nothing couples the columns; else to what the time steps are told to keep to
    rounding = 1e-12 if name in ("scan", "mppt") else 1e-4
    for one, two in zip(measured(name, stack), measured(name, twice(stack, stack.name)), strict=True):
        alike(one, two, rounding)
    for dataset in measured(name, patchy()):
        assert all(row.passed for row in checks_of(dataset).values())
        assert dataset.attrs["complete"] == 1 and dataset.attrs["stack"] == "patchy"
        assert any("columns side by side" in note for note in notes_of(dataset))
