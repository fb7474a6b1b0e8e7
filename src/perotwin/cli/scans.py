"""Scans in time, for `perotwin jv --scan`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from perotwin.cli import files
from perotwin.cli.output import Output
from perotwin.errors import InputError, PerotwinError

if TYPE_CHECKING:
    from perotwin.stack import Cell


def refuse_sweep(*sweep: str | None) -> None:
    """Refuse a sweep of the stack together with a scan in time."""
    if any(value is not None for value in sweep):
        raise InputError(
            "a sweep (--vary) takes steady curves, and a scan in time was asked for.",
            "Leave out --scan and the options that go with it; or change one number with --set.",
        )


def curves(out: Output, stacks: list[Cell], given: Mapping[str, str], place: files.Place) -> None:
    """Scan each cell and report its directions, its hysteresis and its checks."""
    from perotwin import lab
    from perotwin.measurement import checks_of
    from perotwin.report import machine, tables

    tool = lab.scan.INSTRUMENT
    protocol = lab.scan.Protocol(**given)
    files.prepare(place)
    rows: list[tuple[str, Any]] = []
    said: list[str] = []
    datasets: dict[str, Any] = {}
    cells: dict[str, Any] = {}  # one scan of each: notes and checks belong to the whole run
    interrupted = False
    for stack in stacks:
        try:
            scans = lab.scan.measure(stack, protocol)
        except PerotwinError as error:
            kept = error.context.get("measured") or {}
            entry = machine.instrument_result(tool, kept, tool.analyse(kept)) if kept else {}
            out.failed(stack.name, error, **entry)
            continue
        except KeyboardInterrupt:
            interrupted = True
            break
        found = lab.scan.analyse(scans)
        out.result(machine.instrument_result(tool, scans, tool.analyse(scans)))
        for direction, dataset in scans.items():
            rows.append((f"{stack.name}, {direction}", found[direction]))
            datasets[files.unique(f"{stack.name}-{direction}", datasets)] = dataset
        cells[files.unique(stack.name, cells)] = next(iter(scans.values()))
        index = found["loop"]["hysteresis_index"] if "loop" in found else None
        if index is not None and math.isfinite(float(index)):
            said.append(f"{stack.name}: hysteresis index {100.0 * float(index):.2f} %, {index.method}")
        interrupted = not all(dataset.attrs["complete"] for dataset in scans.values())
        if interrupted:
            break
    if rows:
        out.table(tables.metrics_table(rows, first="scan"))
        for sentence in said:
            out.say(sentence)
        out.checks({name: checks_of(dataset) for name, dataset in cells.items()})
        out.notes(cells)
        for name, dataset in cells.items():
            out.look_at(name, checks_of(dataset), dataset)
        files.write(out, place, tool, datasets, draw_each=len(datasets) == 1)
    if interrupted:
        raise KeyboardInterrupt
