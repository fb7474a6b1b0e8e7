"""A batch of virtual devices: cells whose numbers scatter as those of a laboratory do, or as a fit leaves them.

    made = batch([pt.load("wbg-control"), pt.load("wbg-target")], devices=30, processes=2)
    pt.lab.statistics.analyse(made)
    batch([pt.load("wbg-target")], 10_000, store="results/batch")       # killed, the same call goes on

Each device is the cell with numbers of its own (see `study.spread` and `study.draws`), solved for short circuit, open
circuit and maximum power. One that cannot be solved is kept, with its reason and without figures. With a store what is
done is on disk at once (see `study.store`), and `tasks` and `Worker` are what another scheduler needs.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from perotwin.errors import InputError, PerotwinError
from perotwin.study.draws import from_posterior
from perotwin.study.merit import NAMES, Merit, MeritOf, merit
from perotwin.study.pool import Outcome, Pool
from perotwin.study.spread import Drawn, Spread, usual_spread
from perotwin.study.store import Row, Store
from perotwin.study.variables import changed

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.stack import Cell

__all__ = ["Plan", "Task", "Worker", "batch", "planned", "tasks"]

#: devices of a task, and rows and seconds after which a part is written
_AT_ONCE, _ROWS, _SECONDS = 20, 400, 5.0


@dataclass(frozen=True)
class Task:
    """Some devices of one cell, as plain data.

    Attributes:
        cell: number of the cell among those of the worker. devices: their numbers, from 0, of `of`.
        values: what was drawn of each; None where the worker draws it.
    """

    cell: int
    devices: tuple[int, ...]
    of: int
    values: tuple[dict[str, str], ...] | None = None


@dataclass(frozen=True)
class Worker:
    """Makes the devices of a task and judges them: what processes, or another scheduler, call. It can be pickled.

    Attributes:
        cells: that are drawn of. judge: what a device is worth. spread: how numbers scatter. seed: of the draws.
    """

    cells: tuple[Cell, ...]
    judge: MeritOf = merit
    spread: Spread = field(default_factory=usual_spread)
    seed: int | None = None

    def __call__(self, task: Task) -> list[Row]:
        """The rows of a task. A device that fails is one with its reason; never raises for it."""
        cell = self.cells[task.cell]
        values = task.values
        substrates = tuple(number + 1 for number in task.devices)
        if values is None:
            drawn = self.spread.draw(cell, task.of, self.seed, task.devices)
            values, substrates = drawn.values, drawn.substrate
        made = []
        for number, substrate, own in zip(task.devices, substrates, values, strict=True):
            start = time.perf_counter()
            figures, failure = dict.fromkeys(NAMES, math.nan), ""
            try:
                found = self.judge(changed(cell, own))
                figures = {name: found[name] for name in NAMES}
            except PerotwinError as error:
                failure = str(error)
            except Exception as fault:
                # one device of thousands must not cost the others, whatever went wrong there
                failure = f"perotwin met a fault of its own ({type(fault).__name__}: {fault})."
            made.append(Row(cell.name, number, substrate, own, figures, failure, time.perf_counter() - start))
        return made


def tasks(
    cells: Sequence[Cell],
    devices: int,
    kept: Store,
    values: Sequence[Sequence[dict[str, str]]] | None = None,
    at_once: int = _AT_ONCE,
) -> list[Task]:
    """What a store lacks of a batch, in pieces.

    Args:
        cells: of the worker. devices: of each. kept: what is done. values: of each cell's devices, where they are not
            drawn by the worker. at_once: devices of a piece.
    """
    done = kept.keys()
    made = []
    for number, cell in enumerate(cells):
        missing = [device for device in range(devices) if (cell.name, device) not in done]
        for first in range(0, len(missing), at_once):
            some = tuple(missing[first : first + at_once])
            own = None if values is None else tuple(values[number][device] for device in some)
            made.append(Task(number, some, devices, own))
    return made


@dataclass(frozen=True)
class Plan:
    """A batch that is drawn and not solved, see `planned`.

    Called with the number of a device (from 0, cell by cell) it gives what that one is worth; it can be pickled.

    Attributes:
        cells: that are drawn of. devices: of each. drawn: their numbers, of each cell. about: what the batch is.
        judge: what a device is worth.
    """

    cells: tuple[Cell, ...]
    devices: int
    drawn: tuple[Drawn, ...]
    about: _About
    judge: MeritOf = merit

    def __len__(self) -> int:
        return self.devices * len(self.cells)

    def __call__(self, number: int) -> Merit:
        cell, device = divmod(number, self.devices)
        return self.judge(changed(self.cells[cell], self.drawn[cell].values[device]))

    def dataset(self, done: Mapping[int, Outcome[Merit]], complete: bool = True) -> xr.Dataset:
        """The measurement that devices make. done: what each number gave; complete: False where it was interrupted."""
        rows = []
        for index in sorted(done):
            cell, device = divmod(index, self.devices)
            result = done[index].result
            figures = {name: math.nan if result is None else result[name] for name in NAMES}
            own = self.drawn[cell]
            place = self.cells[cell].name, device, own.substrate[device]
            rows.append(Row(*place, own.values[device], figures, done[index].failure or ""))
        notes = [note for one in self.drawn for note in one.notes]
        made = _dataset(self.cells, rows, notes, replace(self.about, complete=complete))
        return made.assign_attrs(drawn=json.dumps([dict(row.values) for row in rows]))


def planned(
    cells: Sequence[Cell],
    devices: int = 30,
    spread: Spread | None = None,
    seed: int | None = None,
    *,
    posterior: str | Path | None = None,
    judge: MeritOf = merit,
) -> Plan:
    """The devices of a batch; arguments, and what is refused, as of `batch`."""
    _refuse(cells, devices, posterior)
    how = usual_spread() if spread is None else spread
    if posterior is None:
        drawn = [how.draw(cell, devices, seed) for cell in cells]
    else:
        drawn = [_of_posterior(cells[0], posterior, devices, seed)]
    about = _About(_words(how, posterior), drawn[0].seed, devices, True, posterior is None and how.usual)
    return Plan(tuple(cells), devices, tuple(drawn), about, judge)


def batch(
    cells: Sequence[Cell],
    devices: int = 30,
    spread: Spread | None = None,
    seed: int | None = None,
    *,
    posterior: str | Path | None = None,
    store: str | Path | None = None,
    processes: int | None = 1,
    judge: MeritOf = merit,
) -> xr.Dataset:
    """Figures of merit of a batch of each cell.

    Args:
        cells: under their own light; each is a group, by its name.
        devices: of each cell.
        spread: how their numbers scatter; the usual one that ships unless given.
        seed: of the draws; that of the spread file unless given.
        posterior: of a fit of the only cell, drawn from instead of a spread (see `study.draws.from_posterior`).
        store: a folder that keeps what is done; a batch that was killed goes on from there, and one of fewer devices
            is added to.
        processes: on which to work; None takes all cores.
        judge: what a device is worth.

    Returns:
        A measurement over `device`, as `lab.statistics` reads it: `voc`, `jsc`, `ff`, `pce`, `vmp`, `jmp` (SI, NaN of a
        device that failed), `group` and `substrate`, `failure` (why, or ""). The attribute `drawn` holds the values
        of each device as JSON; with a store they are there. Interrupted (Ctrl-C) it holds the devices that were done,
        and `complete` is 0.

    Raises:
        InputError: cells of one name, a spread that a cell cannot have, a folder that holds another batch.
        PerotwinError: worker processes ended; what was done is in the store.
        KeyboardInterrupt: interrupted before one device was done.
    """
    if store is not None:
        _refuse(cells, devices, posterior)
        how = usual_spread() if spread is None else spread
        return _stored(cells, devices, how, seed, posterior, Path(store), processes, judge)
    plan = planned(cells, devices, spread, seed, posterior=posterior, judge=judge)
    done: dict[int, Outcome[Merit]] = {}
    complete = True
    names = ", ".join(cell.name for cell in cells)
    with Pool(plan, processes) as pool:
        try:
            for index, outcome in pool.each(range(len(plan)), f"{len(plan)} devices of {names}"):
                done[index] = outcome
        except KeyboardInterrupt:
            complete = False
    if not done:
        raise KeyboardInterrupt
    return plan.dataset(done, complete)


def _refuse(cells: Sequence[Cell], devices: int, posterior: str | Path | None) -> None:
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
    if posterior is not None and len(cells) > 1:
        raise InputError(
            f"a posterior is of one cell, and {len(cells)} were given.",
            "Name the cell that was fitted.",
            key="posterior",
        )
    if devices < 1:
        raise InputError(f"{devices} devices are no batch.", "Ask for 1 or more.", key="devices")


def _of_posterior(cell: Cell, posterior: str | Path, devices: int, seed: int | None) -> Drawn:
    """Devices of a posterior: each by itself, no substrate shared."""
    found = from_posterior(cell, posterior, devices, 1 if seed is None else seed)
    return Drawn(found.values, tuple(range(1, devices + 1)), 1 if seed is None else seed, found.notes)


def _words(spread: Spread, posterior: str | Path | None) -> str:
    return spread.name if posterior is None else f"the posterior {Path(posterior).name}"


# --- with a store -----------------------------------------------------------------------------------------------------


def _stored(
    cells: Sequence[Cell],
    devices: int,
    spread: Spread,
    seed: int | None,
    posterior: str | Path | None,
    folder: Path,
    processes: int | None,
    judge: MeritOf,
) -> xr.Dataset:
    notes: list[str] = []
    values = None
    used = spread.seed if seed is None else seed
    if posterior is not None:
        drawn = _of_posterior(cells[0], posterior, devices, seed)
        values, used, notes = [drawn.values], drawn.seed, list(drawn.notes)
    else:
        # what the spread says of each cell is said once, and what it cannot have is refused before anything is solved
        notes += [note for cell in cells for note in spread.draw(cell, 1, seed).notes]
    complete, lost = True, []
    with Store(folder, _about(cells, spread, used, posterior)) as kept:
        missing = tasks(cells, devices, kept, values)
        count = sum(len(one.devices) for one in missing)
        held = len(cells) * devices - count
        if held:
            notes.append(f"{held} devices were in the store already.")
        label = f"{count} devices of {', '.join(cell.name for cell in cells)}, {_AT_ONCE} at a time"
        waiting: list[Row] = []
        last = time.monotonic()
        worker = Worker(tuple(cells), judge, spread, seed)
        with Pool(worker, processes) as pool:
            try:
                for _, outcome in pool.each(missing, label):
                    if outcome.result is None:
                        lost.append(outcome.failure or "")
                        continue
                    waiting += outcome.result
                    if len(waiting) >= _ROWS or time.monotonic() - last > _SECONDS:
                        # taken out first: stopped while they are written, they are made again and never twice
                        some, waiting, last = waiting, [], time.monotonic()
                        kept.add(some)
            except KeyboardInterrupt:
                complete = False
            finally:
                kept.add(waiting)
        rows = [row for row in kept.rows() if row.device < devices]
        if not rows and not complete:
            raise KeyboardInterrupt
        if lost:
            raise PerotwinError(
                f"{len(lost)} of {len(missing)} pieces of the batch were not done ({lost[0]}).",
                "What was done is in the store; give the same command again to go on.",
            )
        if complete:
            kept.whole()
        notes += kept.notes
    about = _About(_words(spread, posterior), used, devices, complete, posterior is None and spread.usual)
    return _dataset(cells, rows, notes, about).assign_attrs(store=str(folder))


def _about(cells: Sequence[Cell], spread: Spread, seed: int, posterior: str | Path | None) -> dict[str, str]:
    """What a batch is of, so that another one is not mixed in."""
    if posterior is None:
        rests = f"{spread.entries!r} {spread.devices_per_substrate}"
    else:
        rests = hashlib.sha256(Path(posterior).read_bytes()).hexdigest()
    return {
        "cells": ", ".join(cell.name for cell in cells),
        "numbers of the cells": _hashed("".join(cell.to_toml() for cell in cells)),
        "draws": _words(spread, posterior).rpartition("/")[2],
        "numbers of the draws": _hashed(rests),
        "seed": str(seed),
    }


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


# --- as a measurement -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _About:
    """What a batch was drawn from, its seed, devices of each cell, whether all are there, and whether the spread is the
    usual one.
    """

    drawn: str
    seed: int
    devices: int
    complete: bool
    usual: bool


def _dataset(cells: Sequence[Cell], rows: Sequence[Row], notes: Sequence[str], about: _About) -> xr.Dataset:
    import xarray as xr

    from perotwin import __version__
    from perotwin.measurement import describe

    said = list(notes)
    if about.usual:
        said.append(
            "the spread is the usual one, of assumed numbers: what scatters here is what was put in. Give your own "
            "with --spread."
        )
    failed = [row.failure for row in rows if row.failure]
    if failed:
        said.append(f"{len(failed)} of {len(rows)} devices could not be solved; the first: {failed[0]}")
    if not about.complete:
        said.append(f"stopped after {len(rows)} of {about.devices * len(cells)} devices.")
    order = {cell.name: place for place, cell in enumerate(cells)}
    rows = sorted(rows, key=lambda row: (order[row.cell], row.device))
    groups = [row.cell for row in rows]
    return describe(
        xr.Dataset(
            {name: ("device", np.array([row.figures[name] for row in rows])) for name in NAMES},
            {
                "device": [f"{row.cell} {row.device + 1}" for row in rows],
                "group": ("device", groups),
                "substrate": ("device", [f"{row.cell} {row.substrate}" for row in rows]),
                "failure": ("device", [row.failure for row in rows]),
            },
            {
                "instrument": "statistics",
                "stack": " and ".join(dict.fromkeys(groups)),
                "seed": about.seed,
                "spread": about.drawn,
                "light": float(cells[0].light.intensity),
                "notes": json.dumps(list(dict.fromkeys(said))),
                "complete": int(about.complete),
                "perotwin": __version__,
            },
        )
    )
