"""Numbers of a cell, drawn: from a spread, from the posterior of a fit, or from the ranges that the cell states.

drawn = from_posterior(pt.load("my-cell.toml"), "fit/posterior.nc", 100)
cells = [changed(cell, values) for values in drawn.values]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perotwin import units
from perotwin.errors import InputError
from perotwin.study.spread import Spread
from perotwin.study.sweep import unit_of

if TYPE_CHECKING:
    from perotwin.stack import Cell

__all__ = [
    "Draws", "Samples", "as_written", "from_posterior", "from_ranges", "from_spread", "log_between", "read_posterior",
]  # fmt: skip

#: dimensions of a posterior
_DRAW, _PARAMETER, _CHAIN = "draw", "parameter", "chain"


@dataclass(frozen=True)
class Draws:
    """Draws of a cell's numbers.

    Attributes:
        values: of each draw, field path -> value as a stack file has it.
        words: what they rest on, as a clause. notes: what a reader must know.
    """

    values: tuple[dict[str, str], ...]
    words: str
    notes: tuple[str, ...] = ()


def from_spread(cell: Cell, spread: Spread, count: int, seed: int | None = None) -> Draws:
    """As a laboratory's cells scatter; see `Spread.draw`. More draws leave the first ones as they are.

    Raises:
        InputError: a spread that the cell cannot have.
    """
    drawn = spread.draw(cell, count, seed)
    return Draws(drawn.values, f"drawn from {spread.name}, seed {drawn.seed}", drawn.notes)


def from_posterior(cell: Cell, file: str | Path, count: int, seed: int = 1) -> Draws:
    """From the samples of a fit: each draw is one sample, so that what is correlated stays so.

    Args:
        cell: that was fitted. file: NetCDF with a variable over `draw` and `parameter` (and `chain`); the parameters
            are field paths, their values SI. Those that are no number of the cell (a scan rate, an area) are left out
            and said.
        count: of draws, taken in a random order; each once, if there are as many.
        seed: of that order.

    Raises:
        InputError: no such file, or it holds no posterior of this cell.
    """
    read = read_posterior(file)
    samples, said = read.values, list(read.notes)
    if read.stack not in (None, cell.name):
        said.append(f"the posterior is of {read.stack}, and is taken for {cell.name}.")
    known, left = [], []
    for place, name in enumerate(read.names):
        try:
            cell.get(name)
        except InputError:
            left.append(name)
            continue
        known.append((place, name))
    if not known:
        raise InputError(
            f'none of its parameters is a number of "{cell.name}": {", ".join(read.names)}.',
            "Give the posterior of a fit of this cell.",
            file=str(file),
        )
    chance = np.random.default_rng([seed, len(samples)])
    rows = chance.permutation(len(samples))[:count]
    notes = said
    if count > len(samples):
        rows = np.concatenate([rows, chance.integers(len(samples), size=count - len(samples))])
        notes.append(
            f"the posterior has {len(samples)} samples; some are taken more than once for {count} draws."
        )
    if left:
        notes.append(f"no numbers of the cell, and left as they are: {', '.join(left)}.")
    values = tuple(
        {name: as_written(cell, name, float(samples[row, place])) for place, name in known} for row in rows
    )
    return Draws(values, f"drawn from the posterior {Path(file).name}", tuple(notes))


@dataclass(frozen=True)
class Samples:
    """What a file of a posterior holds. N samples, P numbers.

    Attributes:
        names: (P,) field paths, and whatever else was found with them. values: (N, P), SI.
        cell: that was fitted, at its best values; None where the file holds none. stack: its name.
        notes: what the posterior says of itself.
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]
    cell: Cell | None = None
    stack: str | None = None
    notes: tuple[str, ...] = ()


def read_posterior(file: str | Path) -> Samples:
    """The samples of a posterior, of `perotwin fit --posterior` or any NetCDF with a variable over `draw` and
    `parameter` (and `chain`); samples that hold no number are left out.

    Raises:
        InputError: no such file, or it holds no posterior.
    """
    import xarray as xr

    from perotwin.stack import from_toml

    try:
        dataset = xr.load_dataset(file, engine="h5netcdf")
    except (OSError, ValueError) as fault:
        raise InputError(
            f"the posterior cannot be read ({fault}).",
            "Give the posterior.nc of perotwin fit.",
            file=str(file),
        ) from None
    for variable in dataset.data_vars.values():
        dims = set(map(str, variable.dims))
        if {_DRAW, _PARAMETER} <= dims <= {_DRAW, _PARAMETER, _CHAIN} and variable.dtype.kind == "f":
            break
    else:
        raise InputError(
            f"it holds no variable over {_DRAW} and {_PARAMETER}.",
            "Give the posterior.nc that perotwin fit ... --posterior 20000 -o FOLDER leaves.",
            file=str(file),
        )
    order = [one for one in (_CHAIN, _DRAW) if one in dims]
    table = variable.transpose(*order, _PARAMETER).values
    table = table.reshape(-1, table.shape[-1])
    said = []
    if not dataset.attrs.get("converged", 1):
        said.append("the posterior says of itself that it has not converged: take its intervals with care.")
    text, stack = dataset.attrs.get("cell"), dataset.attrs.get("stack")
    return Samples(
        tuple(str(name) for name in dataset[_PARAMETER].values),
        table[np.isfinite(table).all(axis=1)],
        None if text is None else from_toml(str(text), file=str(file)),
        None if stack is None else str(stack),
        tuple(said),
    )


def from_ranges(cell: Cell, paths: Sequence[str], count: int, seed: int = 1) -> Draws:
    """Of numbers that state a range ("assumed"), evenly in it, by their logarithm where it is above zero.

    Args:
        cell: that states them. paths: full field paths; those without a range stay as they are. count, seed: of draws.
    """
    stated: dict[str, tuple[float, float]] = {}
    for path in dict.fromkeys(paths):
        value: Any = cell.get(path)
        if getattr(value, "assumed", None) is not None:
            stated[path] = float(value.assumed[0]), float(value.assumed[1])
    values = []
    for number in range(count):
        row = {}
        for place, (path, (low, high)) in enumerate(stated.items()):
            share = float(np.random.default_rng([seed, place, number]).random())
            row[path] = as_written(cell, path, log_between(low, high, share))
        values.append(row)
    words = f"drawn from the ranges that {len(stated)} numbers of the cell state"
    return Draws(tuple(values), words if stated else "no number of the cell states a range")


def log_between(low: float, high: float, share: float) -> float:
    """A value so far between two ends, by the logarithm where both are above zero."""
    if low > 0.0 and high > 0.0:
        return float(low * (high / low) ** share)
    return low + share * (high - low)


def as_written(cell: Cell, path: str, value: float) -> str:
    """A value in SI as a stack file has it, in the unit in which the cell states it."""
    now = cell.get(path)
    unit = unit_of(now.text)
    number = units.convert(value, unit, now.dimension)
    return f"{number:.9g}" if unit == "1" else f"{number:.9g} {unit}"
