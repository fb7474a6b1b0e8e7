"""A batch of virtual devices: cells whose numbers scatter as those of a laboratory do.

    made = batch([pt.load("wbg-control"), pt.load("wbg-target")], devices=30, processes=2)
    pt.lab.statistics.analyse(made)

Each device is the cell with numbers of its own (see `study.spread`), solved for short circuit, open circuit and maximum
power. One that cannot be solved is kept, with its reason and without figures.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perotwin.errors import InputError
from perotwin.study.merit import NAMES, Merit, MeritOf, merit
from perotwin.study.pool import Outcome, Pool
from perotwin.study.spread import Drawn, Spread, usual_spread
from perotwin.study.variables import changed

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.stack import Cell

__all__ = ["batch"]


@dataclass(frozen=True)
class _Device:
    """One device: the number of its cell, and its own values."""

    cell: int
    values: dict[str, str]


@dataclass(frozen=True)
class _Judge:
    """Makes a device and judges it: the job of the processes."""

    cells: tuple[Cell, ...]
    judge: MeritOf

    def __call__(self, device: _Device) -> Merit:
        return self.judge(changed(self.cells[device.cell], device.values))


def batch(
    cells: Sequence[Cell],
    devices: int = 30,
    spread: Spread | None = None,
    seed: int | None = None,
    *,
    processes: int | None = 1,
    judge: MeritOf = merit,
) -> xr.Dataset:
    """Figures of merit of a batch of each cell.

    Args:
        cells: under their own light; each is a group, by its name.
        devices: of each cell.
        spread: how their numbers scatter; the usual one that ships unless given.
        seed: of the draws; that of the spread file unless given.
        processes: on which to work; None takes all cores.
        judge: what a device is worth.

    Returns:
        A measurement over `device`, as `lab.statistics` reads it: `voc`, `jsc`, `ff`, `pce`, `vmp`, `jmp` (SI, NaN of a
        device that failed), `group` and `substrate`, `failure` (why, or ""). The attribute `drawn` holds the values
        of each device as JSON. Interrupted (Ctrl-C) it holds the devices that were done, and `complete` is 0.

    Raises:
        InputError: cells of one name, a spread that a cell cannot have.
        KeyboardInterrupt: interrupted before one device was done.
    """
    if not cells:
        raise InputError("no cell was given.", "Name one, such as wbg-target.", key="CELL")
    names = [cell.name for cell in cells]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f'two cells are called "{name}".', "Give each a name of its own.", key="name")
    for cell in cells:
        if not float(cell.light.intensity) > 0.0:
            raise InputError(
                f'"{cell.name}" is in the dark and has no efficiency.',
                "Give it light.",
                key="light.intensity",
            )
    spread = usual_spread() if spread is None else spread
    drawn = [spread.draw(cell, devices, seed) for cell in cells]
    items = [_Device(number, values) for number, one in enumerate(drawn) for values in one.values]
    done: dict[int, Outcome[Merit]] = {}
    complete = True
    with Pool(_Judge(tuple(cells), judge), processes) as pool:
        try:
            for index, outcome in pool.each(items, f"{len(items)} devices of {', '.join(names)}"):
                done[index] = outcome
        except KeyboardInterrupt:
            complete = False
    if not done:
        raise KeyboardInterrupt
    return _dataset(cells, drawn, done, spread, devices, complete)


def _dataset(
    cells: Sequence[Cell],
    drawn: Sequence[Drawn],
    done: dict[int, Outcome[Merit]],
    spread: Spread,
    devices: int,
    complete: bool,
) -> xr.Dataset:
    import xarray as xr

    from perotwin import __version__
    from perotwin.measurement import describe

    kept = sorted(done)
    results = [done[index] for index in kept]
    places = [divmod(index, devices) for index in kept]
    figures = {
        name: ("device", np.array([np.nan if one.result is None else one.result[name] for one in results]))
        for name in NAMES
    }
    notes = [note for one in drawn for note in one.notes]
    if spread.usual:
        notes.append(
            "the spread is the usual one, of assumed numbers: what scatters here is what was put in. Give your own "
            "with --spread."
        )
    failed = [done[index].failure for index in kept if done[index].failure is not None]
    if failed:
        notes.append(f"{len(failed)} of {len(kept)} devices could not be solved; the first: {failed[0]}")
    if not complete:
        notes.append(f"stopped after {len(kept)} of {devices * len(cells)} devices.")
    groups = [cells[cell].name for cell, _ in places]
    return describe(
        xr.Dataset(
            figures,
            {
                "device": [f"{cells[cell].name} {number + 1}" for cell, number in places],
                "group": ("device", groups),
                "substrate": ("device", [f"{cells[c].name} {drawn[c].substrate[n]}" for c, n in places]),
                "failure": ("device", [one.failure or "" for one in results]),
            },
            {
                "instrument": "statistics",
                "stack": " and ".join(dict.fromkeys(groups)),
                "seed": drawn[0].seed,
                "spread": spread.name,
                "drawn": json.dumps([drawn[c].values[n] for c, n in places]),
                "light": float(cells[0].light.intensity),
                "notes": json.dumps(list(dict.fromkeys(notes))),
                "complete": int(complete),
                "perotwin": __version__,
            },
        )
    )
