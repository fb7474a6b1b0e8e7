"""What a fit takes for granted: held numbers that the fitted ones lean on, and by how much.

    for one in leaning(found.objective, found.fit): print(one.words)

With r the residuals, J their slopes by the fitted numbers u, j by a held one h, and P the priors' information, the best
u follows h by du/dh = -(J'J + P)^-1 J'j: what a refit with h moved does, to first order. What the data and its stated
range leave of h, its standard deviation s, is that of a fit in which h has that range as its prior; a number leans on
h where s du/dh is more than its own standard deviation, in which h was taken for known.

A level at midgap has no slope: carriers that it frees count only once it comes near a band. There the fit is made again
with the level elsewhere.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from perotwin.calibrate.least_squares import Fit, covariance_of, solve
from perotwin.calibrate.objective import Objective, electric
from perotwin.calibrate.parameters import Parameter, known, values_at
from perotwin.calibrate.profile import RISE
from perotwin.errors import PerotwinError
from perotwin.stack.choices import Level, LevelAbove, LevelBelow, Midgap
from perotwin.stack.paths import resolve
from perotwin.stack.short_paths import full_paths
from perotwin.units import Quantity

if TYPE_CHECKING:
    from perotwin.stack import Cell, Layer

__all__ = ["Lean", "follow", "leaning", "levels_of", "named", "place_of", "ranges_of", "stands_for"]

F64 = NDArray[np.float64]

#: eV off a band where a level is tried that is held at midgap, and by how much one is moved that is held elsewhere
_SHALLOW, _MOVED = 0.3, 0.1
#: eV that a level stays away from both bands
_INSIDE = 0.05
#: fitted numbers that are named for a held one
_NAMED = 2
#: held numbers with a range that have a sentence of their own
_TOLD = 3
#: relative, at which a fit with a level elsewhere ends
_TOLERANCE = 1e-3
#: part of what one level changes up to which another one is the same
_ALIKE = 0.1


@dataclass(frozen=True)
class Lean:
    """A held number, and what fitted ones would be if it were another that the data allow as well.

    Attributes:
        cell, path: of the held number. held, other: what it is, and what it might be.
        moved: index of a parameter and its value (SI) then, those that move most in units of their own standard
            deviation first; NaN where it is not known by how much.
        worst: the largest move in these units, along the slopes of the fit where it was not made again.
        rise: of chi-square in a fit that was made again; NaN where none was.
        words: as a sentence.
    """

    cell: str
    path: str
    held: str
    other: str
    moved: tuple[tuple[int, float], ...]
    worst: float
    rise: float
    words: str


def leaning(objective: Objective, fit: Fit, seconds: float = math.inf) -> tuple[Lean, ...]:
    """What a fit leans on: levels of traps, then numbers that state a range, the most consequential of each first.

    Args:
        seconds: for fits with levels elsewhere, see `levels_of`.
    """
    return (*levels_of(objective, fit, seconds), *ranges_of(objective, fit))


def named(leans: Sequence[Lean]) -> list[str]:
    """Sentences about the most consequential of held numbers: all levels, and three of those that state a range."""
    levels = [one.words for one in leans if one.path.endswith(".level")]
    others = [one for one in leans if not one.path.endswith(".level")]
    more = others[_TOLD:]
    said = [*levels, *(one.words for one in others[:_TOLD])]
    if more:
        paths = ", ".join(one.path for one in more)
        said.append(
            f"fitted numbers lean on {len(more)} more held {'one' if len(more) == 1 else 'ones'}, less: {paths}"
        )
    return said


def follow(fit: Fit, slopes: F64) -> F64:
    """(P,) or (P, H) how the fitted coordinates follow held numbers, to first order; what is at a bound stays there.

    Args:
        slopes: (N,) or (N, H) of the residuals by the held numbers; or by how much the residuals changed.
    """
    gain = _inverse(fit) @ fit.jacobian.T
    return np.asarray(-gain @ slopes)


def _inverse(fit: Fit) -> F64:
    """(P, P) inverse of the information of data and priors, zero for what is at a bound or not told at all."""
    bound = [any(words.startswith(f"{one.name} (") for words in fit.at_bound) for one in fit.parameters]
    free = np.flatnonzero(~np.array(bound, dtype=bool))
    information = fit.jacobian.T @ fit.jacobian + np.diag(_certainty(fit.parameters))
    found = np.zeros_like(information)
    inner = covariance_of(information[np.ix_(free, free)])
    found[np.ix_(free, free)] = np.where(np.isfinite(inner), inner, 0.0)
    return found


def _certainty(parameters: Sequence[Parameter]) -> F64:
    return np.array([0.0 if one.prior is None else one.prior.sd**-2.0 for one in parameters])


# --- numbers that state a range --------------------------------------------------------------------------------------


def ranges_of(objective: Objective, fit: Fit) -> tuple[Lean, ...]:
    """The held numbers with a stated range that fitted ones lean on, the most consequential first.

    Of those that change the carriers' equations, whose slopes are exact for most data; of the optics the usual ones are
    found along.
    """
    held = [one for cell in objective.cells for one in _held(objective, cell)]
    if not held:
        return ()
    count = objective.count
    with_them = Objective(
        objective.cells, objective.data, [*objective.parameters[:count], *held], links=objective.links
    )
    values = np.concatenate([fit.values[:count], [one.start for one in held], fit.values[count:]])
    with with_them.remembering():
        slopes = with_them.columns(range(count, count + len(held)), values)
    slopes = slopes * np.array([one.scale.slope(one.start) for one in held])
    moves = follow(fit, slopes)
    found = [
        _lean(objective, fit, one, slopes[:, number], moves[:, number])
        for number, one in enumerate(held)
        if np.isfinite(slopes[:, number]).all()
    ]
    return tuple(sorted((one for one in found if one is not None), key=lambda one: -one.worst))


def _held(objective: Objective, cell: Cell) -> list[Parameter]:
    """Numbers of a cell that state a range and that the fit leaves as they are, with that range as prior."""
    set_by = objective.of_cell(np.array([one.start for one in objective.parameters]), cell.name)
    taken = {place_of(cell, path) for short in set_by for path in stands_for(cell, short)}
    found = []
    for path, value in cell.quantities().items():
        stated = isinstance(value, Quantity) and value.assumed is not None
        if not stated or place_of(cell, path) in taken or not electric(cell, (path,)):
            continue
        try:
            found.append(known(cell, path, cells=(cell.name,)))
        except PerotwinError:  # a number that cannot be varied
            continue
    return found


def stands_for(cell: Cell, path: str) -> tuple[str, ...]:
    """The paths that a short one stands for; those of recipes and of other cells stand for themselves."""
    try:
        return tuple(full_paths(cell, path))
    except PerotwinError:
        return (path,)


def place_of(cell: Cell, path: str) -> tuple[str | int, ...]:
    """Where a number stands in a cell, however its path is written: a trap's number, say, may be left out."""
    prefix = next((one for one in cell.stacks if one and path.startswith(f"{one}.")), "")
    try:
        return prefix, *resolve(cell.stacks[prefix], path.removeprefix(f"{prefix}."))
    except (KeyError, PerotwinError):
        return (path,)


def _lean(objective: Objective, fit: Fit, held: Parameter, slope: F64, moves: F64) -> Lean | None:
    prior, (path,) = held.prior, held.paths
    cell = next(one for one in objective.cells if one.name in held.cells)
    if prior is None:
        return None
    beyond = slope + fit.jacobian @ moves
    told = float(beyond @ beyond) + float(np.sum(_certainty(fit.parameters) * moves**2))
    left = 1.0 / math.sqrt(prior.sd**-2.0 + told)
    listed, worst = _listed(objective, fit, fit.coordinates + left * moves)
    if not listed:
        return None
    of, other = held.text(held.start), held.text(held.value(held.coordinate(held.start) + left))
    low, high = cast("tuple[float, float]", cast("Quantity", cell.get(path)).assumed)
    words = (
        f"{_names(fit, listed)} on {_own(objective, cell)}{path}, held at {of} ({held.text(low)} to "
        f"{held.text(high)} is stated): {_then(fit, listed)} if it were {other}, as these data allow (along "
        f"the slopes of the fit). --nuisance {path} finds it along"
    )
    return Lean(cell.name, path, of, other, listed, worst, math.nan, words)


def _own(objective: Objective, cell: Cell) -> str:
    return f"{cell.name}: " if len(objective.cells) > 1 else ""


def _listed(objective: Objective, fit: Fit, moved: F64) -> tuple[tuple[tuple[int, float], ...], float]:
    """The numbers of the cells that are more than their own standard deviation away at other coordinates (P,)."""
    far = np.abs(moved - fit.coordinates) / np.where(fit.sd > 0.0, fit.sd, np.inf)
    asked = [
        i for i, one in enumerate(fit.parameters[: objective.count])
        if one.prior is None and math.isfinite(fit.sd[i]) and far[i] > 1.0
    ]  # fmt: skip
    asked.sort(key=lambda i: -far[i])
    values = [one.value(float(np.clip(u, *one.ends))) for one, u in zip(fit.parameters, moved, strict=True)]
    return tuple((i, values[i]) for i in asked[:_NAMED]), float(max(far[asked], default=0.0))


def _names(fit: Fit, listed: Sequence[tuple[int, float]]) -> str:
    names = [fit.parameters[i].name for i, _ in listed]
    joined = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return f"{joined} lean{'s' if len(names) == 1 else ''}"


def _then(fit: Fit, listed: Sequence[tuple[int, float]]) -> str:
    several = len(listed) > 1
    parts = []
    for i, value in listed:
        one = fit.parameters[i]
        name = f"{one.name} " if several else ""
        now = one.text(float(fit.values[i]))
        parts.append(f"{name}{one.text(value)} in place of {now}")
    return ", ".join(parts)


# --- levels ----------------------------------------------------------------------------------------------------------


def levels_of(objective: Objective, fit: Fit, seconds: float = math.inf) -> tuple[Lean, ...]:
    """Trap levels that are held while lifetime, velocity or captures of the trap are fitted, and might lie elsewhere.

    Each is tried nearer to both bands. Where fitted numbers would move, the fit is made again with the level there, and
    what the data speak against is left out. Where no time is left for another fit, its values are NaN.

    Args:
        seconds: for all these fits.
    """
    found: list[Lean] = []
    end = time.monotonic() + seconds
    for cell in objective.cells:
        for trap, level, layer in _traps(objective, cell):
            tried = _Tried(objective, fit, cell, trap, level)
            able = [one for one in (tried.at(other, end) for other in _elsewhere(level, layer)) if one]
            found += [max(able, key=lambda one: one.worst)] if able else []
    return tuple(sorted(found, key=lambda one: -one.worst))


def _traps(objective: Objective, cell: Cell) -> Iterator[tuple[str, Level, Layer]]:
    """Traps of which fitted numbers tell how they capture and none where they lie: path, level, layer with its gap."""
    fitted = [
        path
        for one in objective.parameters[: objective.count]
        if not one.cells or cell.name in one.cells
        for short in one.paths
        for path in stands_for(cell, short)
    ]
    levels = {place_of(cell, path)[:-1] for path in fitted}
    seen: set[tuple[str | int, ...]] = set()
    for trap in (path.rpartition(".")[0] for path in fitted if ".trap." in path):
        where, level = place_of(cell, f"{trap}.level"), f"{trap}.level"
        if trap.endswith(".level") or where in levels or where in seen:
            continue
        seen.add(where)
        prefix, _, place = trap.partition(".trap")[0].rpartition(".")
        layers = {one.name: one for one in cell.stacks[prefix].electrical_layers}
        near = [layers[name] for name in place.split("|")]
        # of a face it stands on the absorber's side
        home = next((one for one in near if one.role == "absorber"), near[0])
        yield trap, cast("Level", cell.get(level)), home


def _elsewhere(level: Level, layer: Layer) -> list[Level]:
    """Levels that are tried in place of one."""
    gap = float(layer.gap or 0.0)

    def within(energy: float) -> str:
        return f"{min(max(energy, _INSIDE), gap - _INSIDE):.4g} eV"

    if isinstance(level, Midgap):
        near = within(min(_SHALLOW, 0.25 * gap))
        return [_below("conduction", near), _above(near)]
    if isinstance(level, LevelAbove):
        return [_above(within(float(level.height) + step)) for step in (-_MOVED, _MOVED)]
    if level.below == "conduction":
        return [_below("conduction", within(float(level.depth) + step)) for step in (-_MOVED, _MOVED)]
    return [_below("vacuum", f"{float(level.depth) + step:.4g} eV") for step in (-_MOVED, _MOVED)]


def _below(edge: str, depth: str) -> Level:
    return LevelBelow.model_validate({"below": edge, "depth": depth})


def _above(height: str) -> Level:
    return LevelAbove.model_validate({"above": "valence", "height": height})


def _place(level: Level) -> str:
    if isinstance(level, Midgap):
        return "at midgap"
    if isinstance(level, LevelAbove):
        return f"{level.height} above the valence band"
    return f"{level.depth} below the {'conduction band' if level.below == 'conduction' else 'vacuum level'}"


class _Tried:
    """What a fit finds with the level of one trap elsewhere."""

    def __init__(self, objective: Objective, fit: Fit, cell: Cell, trap: str, level: Level) -> None:
        self.objective, self.fit, self.cell, self.trap, self.level = objective, fit, cell, trap, level
        #: by how much the residuals changed at the levels that were tried
        self._changes: list[F64] = []

    def at(self, other: Level, end: float) -> Lean | None:
        """At a level; None where nothing moves, the data speak against it, or it is as another one that was tried.

        Args:
            end: of the time for fits, on the monotonic clock.
        """
        objective, fit = self.objective, self.fit
        rise = math.nan
        try:
            changed = {f"{self.trap}.level": other}
            cells = [
                one.with_values(changed) if one.name == self.cell.name else one for one in objective.cells
            ]
            there = Objective(
                cells, objective.data, objective.parameters[: objective.count], links=objective.links
            )
            with there.remembering():
                change = there.residuals(fit.values) - fit.residuals
                if not np.isfinite(change).all() or self._known(change):
                    return None
                moved = fit.coordinates + follow(fit, change)
                if _listed(objective, fit, moved)[0] and time.monotonic() + fit.seconds < end:
                    again = _again(there, fit, moved)
                    if not again.complete:
                        raise KeyboardInterrupt
                    rise = 2.0 * (again.starts[0].cost - fit.starts[0].cost)
                    if rise > RISE:
                        return None
                    moved = again.coordinates
        except PerotwinError:
            return None
        listed, worst = _listed(objective, fit, moved)
        return self._worded(other, listed, worst, rise) if listed else None

    def _known(self, change: F64) -> bool:
        size = float(np.linalg.norm(change))
        if any(float(np.linalg.norm(change - one)) < _ALIKE * size for one in self._changes):
            return True
        self._changes.append(change)
        return False

    def _worded(self, other: Level, listed: tuple[tuple[int, float], ...], worst: float, rise: float) -> Lean:
        held, there = _place(self.level), _place(other)
        state = ""
        if isinstance(self.level, Midgap):
            table = ", ".join(f'{key} = "{value}"' for key, value in other)
            state = f"state it in the stack file, level = {{ {table} }}, and "
        path = f"{self.trap}.level.{'height' if isinstance(other, LevelAbove) else 'depth'}"
        cure = f"To find it along, {state}--vary {path}"
        where = f"the level of {_own(self.objective, self.cell)}{self.trap}, held {held}"
        names = _names(self.fit, listed)
        if math.isfinite(rise):
            change = f"chi-square {abs(rise):.2g} {'more' if rise > 0.0 else 'less'}"
            well = "better" if rise < -RISE else "as well"
            words = (
                f"{names} on {where}: {_then(self.fit, listed)} if it lay {there}, with which the data are described "
                f"{well} ({change}, fitted again). {cure}"
            )
        else:
            # a level changes too much for the slopes to tell by how much
            words = f"{names} on {where}: whether the data allow it {there} was not tried. {cure}"
            listed = tuple((index, math.nan) for index, _ in listed)
        return Lean(self.cell.name, f"{self.trap}.level", held, there, listed, worst, rise, words)


def _again(changed: Objective, fit: Fit, near: F64) -> Fit:
    """The fit with something else held, begun near its end."""
    ends = [float(np.clip(u, *one.ends)) for one, u in zip(fit.parameters, near, strict=True)]
    begin = [
        replace(one, start=float(value))
        for one, value in zip(fit.parameters, values_at(fit.parameters, np.array(ends)), strict=True)
    ]
    return solve(
        changed.residuals, begin, jacobian=changed.jacobian, loss=fit.loss, tolerance=_TOLERANCE,
        label="fitting with a level elsewhere",
    )  # fmt: skip
