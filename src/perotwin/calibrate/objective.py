"""All that cells are compared with at once: residuals of all data, and how they follow what is varied.

    objective = Objective([cell], data, parameters)
    solve(objective.residuals, objective.parameters, jacobian=objective.jacobian, labels=objective.labels)

Several cells share the parameters that name no cell. Currents of steady curves and open circuits follow fields that
light does not see by the exact adjoint (`transport.sensitivity`), all of them for the price of one solve; the rest by
differences on meshes and grids that stay as they are. What takes long to follow in time keeps its slopes while a fit
moves little.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perotwin import progress
from perotwin.calibrate.data import Data
from perotwin.calibrate.fields import NO_LINKS, Fields, Links
from perotwin.calibrate.parameters import Log, Parameter
from perotwin.calibrate.twin import Twin, remembering
from perotwin.errors import InputError, PerotwinError, nearest
from perotwin.stack.short_paths import full_paths

if TYPE_CHECKING:
    from perotwin.calibrate.solution import Fit
    from perotwin.stack import Cell

__all__ = ["Objective", "electric"]

F64 = NDArray[np.float64]

#: fields whose path ends so change the equations of carriers only: light does not see them
_ELECTRIC = (
    "mobility", "affinity", "dos", "permittivity", "lifetime", "velocity", "resistance", "work_function", "density",
    "capture", "dipole", "level", "depth", "height", "diffusion_coefficient",
)  # fmt: skip
#: results that are kept of each data set, and slopes of runs in time
_KEPT, _LASTING = 6, 8
#: how far on the scales slopes hold as they are
_NEAR = 0.1


@dataclass(frozen=True)
class _Lasting:
    """Slopes on the scales (N, P) at a place (P,)."""

    at: F64
    slopes: F64

    def distance(self, u: F64, sizes: F64) -> float:
        """How far a place is, in units of the sizes."""
        return float(np.max(np.abs(u - self.at) / sizes))


class Objective:
    """Cells, data of them, and what is varied.

    Args:
        cells: by unique names; data name theirs.
        data: what they are compared with.
        parameters: of the cells. What is unknown of the measurements themselves is added by the data.
        fixed: names of those additional ones that stay where they are.
        links: ties between numbers of the cells, and the recipes that made them.

    Raises:
        InputError: data of a cell that is not there, a parameter that no cell has.
    """

    def __init__(
        self,
        cells: Sequence[Cell],
        data: Sequence[Data],
        parameters: Sequence[Parameter],
        fixed: Sequence[str] = (),
        links: Links = NO_LINKS,
    ) -> None:
        self.cells, self.data = tuple(cells), tuple(data)
        self.twins = {cell.name: Twin(cell) for cell in cells}
        self._refuse()
        self.links = links
        self._fields = Fields(cells, parameters, links)
        own = [one for each in data for one in each.nuisances() if one.name not in fixed]
        self.parameters = (*parameters, *own)
        self.count = len(parameters)
        #: on the scales, what is a change of one: a factor e, or a quarter of the span
        self._sizes = np.array(
            [1.0 if isinstance(one.scale, Log) else 0.25 * one.span for one in self.parameters]
        )
        self._lasting: dict[int, list[_Lasting]] = {index: [] for index in range(len(self.data))}
        self._known: dict[int, list[tuple[Any, F64]]] = {index: [] for index in range(len(self.data))}

    def _refuse(self) -> None:
        names = list(self.twins)
        if len(names) < len(self.cells):
            raise InputError("two cells have one name.", "Give each a name of its own.", key="name")
        for one in self.data:
            if one.cell not in self.twins:
                close = nearest(one.cell, names)
                raise InputError(
                    f'"{one.name}" is of a cell "{one.cell}", which is not among the cells.',
                    f'Did you mean "{close[0]}"?' if close else f"There are {', '.join(names)}.",
                    key=one.name,
                )
        labels = [one.name for one in self.data]
        for label in labels:
            if labels.count(label) > 1:
                raise InputError(f'two data sets are called "{label}".', "Name them apart.", key=label)

    # --- values ------------------------------------------------------------------------------------------------------

    def of_cell(self, values: F64, cell: str) -> dict[str, float]:
        """The fields that a cell is set to, SI, by path."""
        return self._fields.of(values, cell)

    def derived(self, found: Fit, cell: str) -> dict[str, tuple[float, float]]:
        """Numbers of a cell that ties or its recipe set: value and standard deviation (SI) by path."""
        of = self._fields.of(found.values, cell)
        plain = {path for one in self.parameters if not one.cells or cell in one.cells for path in one.paths}
        slopes = {path: np.zeros(self.count) for path in of if path not in plain}
        for number in range(self.count) if slopes else ():
            for path, weight in self._fields.follow(number, found.values, cell).items():
                if path in slopes:
                    one = self.parameters[number]
                    slopes[path][number] = weight * one.scale.slope(float(found.values[number]))
        covariance = found.covariance[: self.count, : self.count]
        sds = {}
        for path, slope in slopes.items():
            moved = slope != 0.0
            variance = float(slope[moved] @ covariance[np.ix_(moved, moved)] @ slope[moved])
            sds[path] = (of[path], float(np.sqrt(variance)) if variance >= 0.0 else np.inf)
        return sds

    def own(self, values: F64) -> dict[str, float]:
        """What is unknown of the measurements, by name."""
        return {
            one.name: float(value)
            for one, value in zip(self.parameters, values, strict=True)
            if not one.paths
        }

    def with_values(self, values: F64) -> tuple[Cell, ...]:
        """The cells with these values (P,)."""
        return tuple(
            self.twins[cell.name].with_values(self.of_cell(values, cell.name)) for cell in self.cells
        )

    @property
    def labels(self) -> list[str]:
        """(N,) what each datum is."""
        return [label for one in self.data for label in one.labels()]

    @property
    def sizes(self) -> list[int]:
        """How many data each set has."""
        return [len(one.labels()) for one in self.data]

    @contextmanager
    def remembering(self) -> Iterator[None]:
        """Within the block the optics of cells that look alike are solved once."""
        with remembering():
            yield

    # --- residuals ---------------------------------------------------------------------------------------------------

    def residuals(self, values: F64) -> F64:
        """(N,) of all data at values (P,) SI."""
        return np.concatenate([self.residuals_of(index, values) for index in range(len(self.data))])

    def residuals_of(self, index: int, values: F64) -> F64:
        """Residuals of one data set at values (P,) SI."""
        one = self.data[index]
        fields = self.of_cell(values, one.cell)
        own = {key: value for key, value in self.own(values).items() if key.startswith(f"{one.name}:")}
        key = (tuple(sorted(fields.items())), tuple(sorted(own.items())))
        kept = self._known[index]
        for known, found in kept:
            if known == key:
                return found
        found = one.residuals(self.twins[one.cell], fields, own)
        kept.insert(0, (key, found))
        del kept[_KEPT:]
        return found

    # --- slopes ------------------------------------------------------------------------------------------------------

    def jacobian(self, values: F64) -> F64:
        """(N, P) how the residuals follow the values, SI."""
        rows = []
        with progress.task("slopes", total=len(self.data) * len(self.parameters)) as counter:
            for index in range(len(self.data)):
                rows.append(self.slopes_of(index, values, counter))
        return np.vstack(rows)

    def slopes_of(self, index: int, values: F64, counter: progress.Task) -> F64:
        """Of one data set. Runs in time keep the slopes on the scales that they had nearby."""
        if self.data[index].both_sides:
            return self._new_slopes(index, values, counter)
        u = np.array([one.coordinate(float(v)) for one, v in zip(self.parameters, values, strict=True)])
        chain = np.array([one.scale.slope(float(v)) for one, v in zip(self.parameters, values, strict=True)])
        near = min(self._lasting[index], key=lambda one: one.distance(u, self._sizes), default=None)
        distance = np.inf if near is None else near.distance(u, self._sizes)
        if near is not None and distance <= _NEAR:
            return np.asarray(near.slopes / chain)
        made = _Lasting(u, self._new_slopes(index, values, counter) * chain)
        self._lasting[index].insert(0, made)
        del self._lasting[index][_LASTING:]
        return np.asarray(made.slopes / chain)

    def columns(self, numbers: Sequence[int], values: F64) -> F64:
        """(N, K) how the residuals follow some of the parameters at values (P,), SI."""
        with progress.task("slopes", total=len(self.data) * len(numbers)) as counter:
            rows = [self._new_slopes(index, values, counter, numbers) for index in range(len(self.data))]
        return np.vstack(rows)[:, list(numbers)]

    def forget(self) -> None:
        """Let the slopes of runs in time be taken anew, as a result is to have those of its own place."""
        for kept in self._lasting.values():
            kept.clear()

    def _new_slopes(
        self, index: int, values: F64, counter: progress.Task, numbers: Sequence[int] | None = None
    ) -> F64:
        """(N, P) of one data set, by all parameters or by some of them."""
        asked = range(len(self.parameters)) if numbers is None else numbers
        one = self.data[index]
        here = self.residuals_of(index, values)
        found = np.zeros((here.size, len(self.parameters)))
        exact = self._exact(index, values, asked)
        for number, column in exact.items():
            found[:, number] = column
        seen = None
        for number in asked:
            counter.advance()
            if number in exact or not self._concerns(number, one):
                continue
            pair = self._pair(number, values, one)
            if number < self.count:
                twin = self.twins[one.cell]
                if seen is None:
                    seen = one.seen(twin, self.of_cell(values, one.cell))
                if seen is not None and one.seen(twin, self.of_cell(pair[0], one.cell)) == seen:
                    continue
            ends = [self._tried(index, end) for end in pair]
            apart = pair[0][number] - pair[1][number]
            if not np.isfinite(ends[0]).all():
                ends, apart = [here, ends[1]], values[number] - pair[1][number]
            elif not np.isfinite(ends[1]).all():
                ends, apart = [ends[0], here], pair[0][number] - values[number]
            if apart != 0.0:
                found[:, number] = (ends[0] - ends[1]) / apart
        return found

    def _tried(self, index: int, values: F64) -> F64:
        """Residuals, NaN where the cell cannot be solved or cannot be so."""
        try:
            return self.residuals_of(index, values)
        except PerotwinError:
            return np.full(len(self.data[index].labels()), np.nan)

    def _pair(self, number: int, values: F64, one: Data) -> tuple[F64, F64]:
        """Values above and below in one parameter; where one side is enough, the other is where it is."""
        parameter = self.parameters[number]
        u = parameter.coordinate(float(values[number]))
        step = one.step * float(self._sizes[number])
        if number < self.count:
            step = max(step, self._fields.step(number))
        low, high = parameter.ends
        up, down = min(u + step, high), max(u - step, low)
        if not one.both_sides:
            up, down = (up, u) if up > u else (u, down)
        above, below = values.copy(), values.copy()
        if up != u:
            above[number] = parameter.value(up)
        if down != u:
            below[number] = parameter.value(down)
        return above, below

    def _concerns(self, number: int, one: Data) -> bool:
        if number >= self.count:
            return self.parameters[number].name.startswith(f"{one.name}:")
        return self._fields.reaches(number, one.cell)

    def _exact(self, index: int, values: F64, asked: Sequence[int] | None = None) -> dict[int, F64]:
        """Columns that are told exactly, by number of the parameter: of all, or of some."""
        one = self.data[index]
        twin = self.twins[one.cell]
        fields = {
            number: found
            for number in range(self.count)
            if (asked is None or number in asked)
            and self._concerns(number, one)
            and (found := self._fields.follow(number, values, one.cell))
            and (electric(twin.cell, tuple(found)) if one.both_sides else _alone(tuple(found)))
        }
        paths = list(dict.fromkeys(path for found in fields.values() for path in found))
        names = [parameter.name for parameter in self.parameters]
        if not paths and not one.followed:
            return {}
        own = {key: value for key, value in self.own(values).items() if key.startswith(f"{one.name}:")}
        try:
            slopes = one.slopes(twin, self.of_cell(values, one.cell), own, paths)
        except PerotwinError:
            return {}
        if slopes is None:
            return {}
        place = {path: number for number, path in enumerate(paths)}
        columns = {
            number: np.sum([weight * slopes[:, place[path]] for path, weight in found.items()], axis=0)
            for number, found in fields.items()
        }
        for behind, name in enumerate(one.followed, len(paths)):
            if name in names:
                columns[names.index(name)] = slopes[:, behind]
        return {number: column for number, column in columns.items() if np.isfinite(column).all()}


def _alone(paths: Sequence[str]) -> bool:
    """Whether fields change a cell by themselves: a gap moves another one along (`study.variables`)."""
    return not any(path.endswith("bandgap") for path in paths)


def electric(cell: Cell, paths: Sequence[str]) -> bool:
    """Whether all that field paths stand for changes the equations of carriers only."""
    meant = [one for path in paths for one in full_paths(cell, path)]
    # "perovskite.electron_mobility" is short as well
    known = {short for path in cell.quantities() for short in (path, path.replace(".electronic.", "."))}
    return all(one in known and one.rpartition(".")[2].endswith(_ELECTRIC) for one in meant)
