"""A map: what a cell is worth over two of its numbers.

    made = map_of(pt.load("wbg-target"), "perovskite.thickness=300 nm..900 nm", "perovskite.bandgap", steps=21)
    made["pce"]                                     # (y, x), in the units that its attributes name

Of a tandem it also holds what each junction generates, and the line along which both generate the same.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perotwin import units
from perotwin.errors import ConvergenceError, InputError
from perotwin.measurement import NOMENCLATURE
from perotwin.study.merit import NAMES, Merit, MeritOf, merit
from perotwin.study.optimise import Variant
from perotwin.study.pool import Outcome, Pool
from perotwin.study.variables import Field, resolve_all

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.stack import Cell

__all__ = ["PHOTOCURRENT", "best_of", "equal_line", "map_of"]

F64 = NDArray[np.float64]

#: start of the names of the variables that hold what a junction generates
PHOTOCURRENT = "photocurrent_"
_MOST = 10_000


def map_of(
    cell: Cell,
    x: str,
    y: str,
    steps: int | tuple[int, int] = 21,
    *,
    processes: int | None = 1,
    judge: MeritOf = merit,
) -> xr.Dataset:
    """Solve a cell at every point of a grid over two of its numbers.

    Args:
        cell: any cell.
        x, y: field paths, each with or without its range; see `fields.resolve`.
        steps: of both, or of x and of y; both ends are included.
        processes: on which to work; None takes all cores.
        judge: what a cell is worth.

    Returns:
        A dataset over (y, x) with CF conventions, SI: pce, voc, jsc, ff, vmp, jmp; of a tandem photocurrent_top,
        photocurrent_bottom and `matching_x`, `matching_y` (vertex), the line where they are equal (NaN between pieces).
        A point that could not be solved is NaN, and `failure` says why. Interrupted (Ctrl-C), it holds what was done,
        with attribute `complete` 0.

    Raises:
        InputError: a field or range that cannot be, one field twice, fewer than two steps.
        ConvergenceError: not one point could be solved.
        KeyboardInterrupt: interrupted before one point was solved.
    """
    fields = resolve_all(cell, [x, y])
    counts = (steps, steps) if isinstance(steps, int) else steps
    if min(counts) < 2:
        raise InputError(f"{min(counts)} steps make no map.", "Ask for at least 2.", key="steps")
    if counts[0] * counts[1] > _MOST:
        raise InputError(
            f"{counts[0]} x {counts[1]} points are more than {_MOST}.", "Ask for fewer steps.", key="steps"
        )
    columns, rows = (
        [one.number(share) for share in np.linspace(0.0, 1.0, count)]
        for one, count in zip(fields, counts, strict=True)
    )
    across, up = fields
    items = [{across.path: across.text(a), up.path: up.text(b)} for b in rows for a in columns]
    done: dict[int, Outcome[Merit]] = {}
    complete = True
    with Pool(Variant(cell, judge), processes) as pool:
        try:
            for index, outcome in pool.each(items, f"{cell.name}: {counts[0]} x {counts[1]} cells"):
                done[index] = outcome
        except KeyboardInterrupt:
            complete = False
            if not any(outcome.result for outcome in done.values()):
                raise
    if not any(outcome.result for outcome in done.values()):
        raise ConvergenceError(
            f'none of {len(items)} versions of "{cell.name}" could be solved. The first: {done[0].failure}',
            "Look at the cell itself with perotwin check and perotwin jv.",
        )
    return _dataset(cell, fields, (columns, rows), done, complete)


def _dataset(
    cell: Cell,
    fields: Sequence[Field],
    axes: tuple[list[float], list[float]],
    done: dict[int, Outcome[Merit]],
    complete: bool,
) -> xr.Dataset:
    """The map as it is stored."""
    import xarray as xr

    columns, rows = axes
    shape = (len(rows), len(columns))
    some = next(outcome.result for outcome in done.values() if outcome.result is not None)
    values = {name: np.full(shape, np.nan) for name in some.values}
    failure = np.full(shape, "", dtype=object)
    for index in range(shape[0] * shape[1]):
        outcome = done.get(index, Outcome(failure="not computed: stopped before."))
        place = divmod(index, shape[1])
        if outcome.result is None:
            failure[place] = outcome.failure
            continue
        for name, array in values.items():
            array[place] = outcome.result[name]
    made = xr.Dataset(
        {
            **{_stored(name): (("y", "x"), array, _attributes(name)) for name, array in values.items()},
            "failure": (("y", "x"), failure.astype(str), {"long_name": "why a point could not be solved"}),
        },
        coords={
            name: (name, [one.si(number) for number in numbers], _axis(one))
            for name, one, numbers in zip(("x", "y"), fields, axes, strict=True)
        },
        attrs={
            "Conventions": "CF-1.11",
            "title": f"{cell.name}: {fields[0].path} and {fields[1].path}",
            "source": "drift-diffusion and transfer-matrix model",
            "instrument": "map",
            "stack": cell.name,
            "cell": cell.to_toml(),
            "light": float(cell.light.intensity),
            "temperature": float(cell.temperature),
            "perotwin": _version(),
            "complete": int(complete),
            "notes": json.dumps(_notes(fields, done, complete)),
        },
    )
    pair = [name for name in values if name.startswith("photocurrent ")]
    if len(pair) == 2:
        line = equal_line(made["x"].values, made["y"].values, values[pair[0]] - values[pair[1]])
        for name, numbers in zip(("x", "y"), line, strict=True):
            made[f"matching_{name}"] = (
                "vertex",
                numbers,
                {**made[name].attrs, "long_name": "equal photocurrents"},
            )
    return made


def _stored(name: str) -> str:
    return name.replace("photocurrent ", PHOTOCURRENT)


def _attributes(name: str) -> dict[str, str]:
    """Unit and words of a variable."""
    if name in NAMES:
        return {"units": NAMES[name], "long_name": NOMENCLATURE[name].words}
    junction = name.removeprefix("photocurrent ")
    return {"units": "A m-2", "long_name": f"photocurrent of the {junction} junction"}


def _axis(field: Field) -> dict[str, Any]:
    """What an axis is of; `unit` is the one that people read."""
    stored = units.si_unit(field.dimension).replace("^", "")
    factor = (field.high - field.low) / (field.si(field.high) - field.si(field.low))
    offset = field.low - factor * field.si(field.low)
    return {
        "units": stored,
        "long_name": field.path,
        "path": field.path,
        "unit": field.unit,
        # value in that unit = stored value times factor plus offset
        "factor": factor,
        "offset": offset if abs(offset) > 1e-9 * abs(field.high) else 0.0,
        "now": field.si(field.now),
        "log": int(field.log),
    }


def _version() -> str:
    from perotwin import __version__

    return __version__


def _notes(fields: Sequence[Field], done: dict[int, Outcome[Merit]], complete: bool) -> list[str]:
    made = [f"{one.path} goes from {one.range}: {one.why}." for one in fields if one.why != "as given"]
    failed = [done[index].failure for index in sorted(done) if done[index].result is None]
    if failed:
        made.append(f"{len(failed)} of {len(done)} cells could not be solved; the first: {failed[0]}")
    if not complete:
        made.append(f"stopped after {len(done)} cells; the others are empty.")
    return made


def best_of(made: xr.Dataset, objective: str = "pce") -> dict[str, float]:
    """The best point of a map: x, y and every number there, as stored."""
    values = made[objective].values
    row, column = np.unravel_index(int(np.nanargmax(values)), values.shape)
    found = {"x": float(made["x"][column]), "y": float(made["y"][row])}
    names = [str(name) for name in made if made[name].dims == ("y", "x") and name != "failure"]
    return found | {name: float(made[name].values[row, column]) for name in names}


def equal_line(x: F64, y: F64, difference: F64) -> tuple[F64, F64]:
    """Where a quantity over (y, x) passes zero: x and y of the vertices, pieces apart by NaN; linear between points."""
    from contourpy import contour_generator

    pieces = contour_generator(x, y, np.ma.masked_invalid(difference)).lines(0.0)
    parts: list[F64] = []
    for piece in pieces:
        if parts:
            parts.append(np.full((1, 2), np.nan))
        parts.append(np.asarray(piece, dtype=float))
    line = np.concatenate(parts) if parts else np.empty((0, 2))
    return line[:, 0], line[:, 1]
