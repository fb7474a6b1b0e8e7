"""Before measuring: what planned measurements would tell of a cell, and which further one would add most.

    told = identify(cell, ["jv", "suns_voc", "eqe"], [parameter_of(cell, "perovskite.lifetime"), ...])
    told.identified; told.groups; told.candidates[0].title

The information of independent measurements adds up (R. A. Fisher, Philos. Trans. R. Soc. A 222, 309 (1922),
doi:10.1098/rsta.1922.0009); what is unknown of a measurement itself is eliminated from its share first. What is
expected
holds at the cell as it is: of another one the answer is another.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin import progress
from perotwin.calibrate import laboratory
from perotwin.calibrate.data import Data
from perotwin.calibrate.fields import NO_LINKS, Links
from perotwin.calibrate.information import Group, identified, sizes, weak_groups
from perotwin.calibrate.least_squares import covariance_of
from perotwin.calibrate.objective import Objective
from perotwin.calibrate.parameters import Parameter, coordinates_of
from perotwin.calibrate.synthetic import KINDS, half_stacks, plan
from perotwin.errors import InputError, PerotwinError

if TYPE_CHECKING:
    from perotwin.stack import Cell

__all__ = ["Candidate", "Expected", "candidates_for", "identify", "information_of"]

F64 = NDArray[np.float64]

#: what the count of the numbers of a trial is called
_SLOPES = "slopes"
#: how the reason begins why something was not tried
LATE = "not tried: the time"
#: what is tried last: it follows a cell or a sample in time, for each number again
_SLOW = ("trpl", "scan")


@dataclass(frozen=True)
class Candidate:
    """A further measurement.

    Attributes:
        kind: as `synthetic.plan` takes it. title: what people call it. hours: that it takes, assumed.
        nats: information that it adds. newly: names of the parameters that it makes known.
        splits: numbers (from 0) of the groups that it splits up. sd: (P,) on the scales, with it.
        failure: why it could not be tried; "" where it was.
    """

    kind: str
    title: str
    hours: float
    nats: float
    newly: tuple[str, ...]
    splits: tuple[int, ...]
    sd: F64
    failure: str = ""

    @property
    def per_hour(self) -> float:
        """Nats by hour of laboratory time."""
        return self.nats / self.hours if self.hours > 0.0 else math.inf


@dataclass(frozen=True)
class Expected:
    """What measurements would tell of a cell. P parameters.

    Attributes:
        cell: at which. kinds: of the measurements. parameters: what is asked for; those with priors are nuisances.
        values: (P,) SI, of the cell. covariance: (P, P) on the scales. hours: that they take, assumed.
        identified: (P,). groups: of which only combinations would be known.
        candidates: further measurements, the one that adds most per hour first.
    """

    cell: Cell
    kinds: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    values: F64
    covariance: F64
    hours: float
    identified: NDArray[np.bool_]
    groups: tuple[Group, ...]
    candidates: tuple[Candidate, ...]
    complete: bool = True

    @property
    def sd(self) -> F64:
        """(P,) expected standard deviations on the scales."""
        return np.sqrt(np.maximum(np.diag(self.covariance), 0.0))

    def interval(self, index: int) -> tuple[float, float]:
        """The expected 95 % interval of a parameter (SI), within its bounds."""
        one = self.parameters[index]
        width, at = float(self.sd[index]), one.coordinate(float(self.values[index]))
        if not math.isfinite(width):
            return one.low, one.high
        low, high = one.ends
        return one.value(max(at - 1.96 * width, low)), one.value(min(at + 1.96 * width, high))

    def remedy(self, group: int) -> Candidate | None:
        """The measurement that splits a group up at the least cost of time; None where none of them does."""
        found = [one for one in self.candidates if group in one.splits]
        return min(found, key=lambda one: one.hours, default=None)


class _Late(Exception):
    """The time for trying is over."""


class _Watch(progress.Silent):
    """Tells of a trial while it runs, and ends it when its time is over: a listener of the counts inside."""

    def __init__(self, counter: progress.Task, title: str, numbers: int, until: float) -> None:
        self.counter, self.title, self.numbers, self.until = counter, title, numbers, until
        self.done = 0

    def advance(self, key: object, amount: float, label: str | None) -> None:
        if key is not self:
            return
        self.done += 1
        self.counter.advance(0, f"{self.title}: {self.done} of {self.numbers} numbers")
        self.refuse()

    def begin(self, label: str, total: float | None) -> object:
        return self if label == _SLOPES else None

    def refuse(self) -> None:
        """Raise where the time is over."""
        if time.monotonic() > self.until:
            raise _Late


def information_of(objective: Objective, values: F64, index: int) -> F64:
    """(C, C) information on the scales that one data set brings of the parameters of the cells, its own eliminated."""
    count = objective.count
    with progress.task(_SLOPES) as counter:
        slopes = objective.slopes_of(index, values, counter)
    slopes = np.where(np.isfinite(slopes), slopes, 0.0)
    chain = [one.scale.slope(float(v)) for one, v in zip(objective.parameters, values, strict=True)]
    slopes = slopes * np.array(chain)
    own = [
        number for number in range(count, len(objective.parameters))
        if objective.parameters[number].name.startswith(f"{objective.data[index].name}:")
    ]  # fmt: skip
    cells = slopes[:, :count]
    found = cells.T @ cells
    if own:
        of_own = slopes[:, own]
        priors = [objective.parameters[number].prior for number in own]
        known = np.diag([0.0 if prior is None else prior.sd**-2.0 for prior in priors])
        mixed = of_own.T @ cells
        found = found - mixed.T @ np.linalg.solve(of_own.T @ of_own + known, mixed)
    return np.asarray(0.5 * (found + found.T))


def _priors(parameters: Sequence[Parameter]) -> F64:
    return np.diag([0.0 if one.prior is None else one.prior.sd**-2.0 for one in parameters])


def _nats(information: F64, parameters: Sequence[Parameter]) -> float:
    """Information in nats against what the bounds tell."""
    bounds = np.diag([12.0 / one.span**2 for one in parameters])
    return 0.5 * float(np.linalg.slogdet(information + bounds)[1] - np.linalg.slogdet(bounds)[1])


def kinds_beside(cell: Cell, taken: Sequence[str]) -> list[str]:
    """Further measurements that a cell admits: of half-stacks as well where it is one stack."""
    found = [kind for kind in KINDS if kind not in ("jv", "trpl", "pl")]
    from perotwin.stack import Stack

    if isinstance(cell, Stack):
        found += ["trpl", *(f"pl {part}" for part in ("film", *half_stacks(cell)))]
        found += [f"trpl {part}" for part in half_stacks(cell)]
    if not any(layer.ions is not None for layer in cell.electrical_layers):
        found = ["jv" if kind == "scan" else kind for kind in found]
    return [kind for kind in found if kind not in taken and f"{kind} film" not in taken]


def title_of(kind: str) -> str:
    """What people call a planned measurement."""
    name, _, sample = kind.partition(" ")
    if name == "pl":
        return f"absolute photoluminescence of {sample or 'film'}"
    if name == "trpl" and sample:
        return f"time-resolved photoluminescence of {sample}"
    return laboratory.title(name)


def hours_of(kind: str) -> float:
    """Hours that a planned measurement takes, assumed."""
    name, _, sample = kind.partition(" ")
    if name == "pl" or (name == "trpl" and sample not in ("", "film")):
        name = f"{name}_half_stack"
    return laboratory.hours(name)


def candidates_for(
    cell: Cell,
    parameters: Sequence[Parameter],
    information: F64,
    groups: Sequence[Group],
    known: NDArray[np.bool_],
    kinds: Sequence[str],
    links: Links = NO_LINKS,
    seconds: float = math.inf,
) -> tuple[tuple[Candidate, ...], bool]:
    """What further measurements would add to an information matrix (P, P) of parameters of a cell.

    Args:
        seconds: after which none is begun any more, nor another number of one; those that follow the cell in time are
            tried last.

    Returns:
        The candidates, the one that adds most per hour first, and whether all were tried (Ctrl-C keeps those that
        were).
    """
    values = np.array([one.start for one in parameters])
    coordinates = coordinates_of(parameters, values)
    before = _nats(information, parameters)
    made = []
    complete = True
    until = time.monotonic() + seconds
    nothing = np.full(len(parameters), np.nan)

    def failed(kind: str, why: str) -> Candidate:
        return Candidate(kind, title_of(kind), hours_of(kind), 0.0, (), (), nothing, why)

    with progress.task("trying further measurements", total=len(kinds)) as counter:
        try:
            for kind in sorted(kinds, key=lambda one: one.startswith(_SLOW)):
                watch = _Watch(counter, f"trying {title_of(kind)}", len(parameters), until)
                counter.advance(0, watch.title)
                try:
                    watch.refuse()
                    with progress.listening(watch):
                        data = plan(cell, [kind])
                        watch.refuse()
                        objective = Objective([cell], data, parameters, links=links)
                        values = np.array([one.start for one in objective.parameters])
                        with objective.remembering():
                            more = information_of(objective, values, 0)
                except PerotwinError as fault:
                    made.append(failed(kind, str(fault)))
                    counter.advance()
                    continue
                except _Late:
                    made.append(failed(kind, f"{LATE} of {seconds:.0f} s was over"))
                    counter.advance()
                    continue
                covariance = covariance_of(information + more)
                sd = np.sqrt(np.maximum(np.diag(covariance), 0.0))
                now = identified(parameters, coordinates, sd)
                newly = tuple(
                    one.name
                    for one, a, b in zip(parameters, known, now, strict=True)
                    if b and not a and one.prior is None
                )
                splits = tuple(
                    number for number, group in enumerate(groups) if _split(group, parameters, covariance)
                )
                nats = _nats(information + more, parameters) - before
                made.append(Candidate(kind, title_of(kind), hours_of(kind), nats, newly, splits, sd))
                counter.advance()
        except KeyboardInterrupt:
            complete = False
    return tuple(sorted(made, key=lambda one: -one.per_hour)), complete


def _split(group: Group, parameters: Sequence[Parameter], covariance: F64) -> bool:
    """Whether the direction that a group does not tell is told with a covariance (P, P)."""
    from perotwin.calibrate.information import KNOWN

    direction = group.direction * sizes(parameters)
    inside = np.isfinite(np.diag(covariance))
    if not inside[list(group.members)].all():
        return False
    weight = group.direction / sizes(parameters)
    spread = math.sqrt(max(float(weight @ np.where(np.isfinite(covariance), covariance, 0.0) @ weight), 0.0))
    return bool(direction.size and spread < KNOWN)


def identify(
    cell: Cell,
    kinds: Sequence[str],
    parameters: Sequence[Parameter],
    further: Sequence[str] | None = None,
    links: Links = NO_LINKS,
) -> Expected:
    """What planned measurements would tell.

    Args:
        cell: as it is expected to be. kinds: of measurements, see `synthetic.plan`.
        parameters: what is asked for, and nuisances with priors.
        further: measurements that are tried besides; those that the cell admits unless given.
        links: the recipe that made the cell, where numbers of it are asked for.

    Raises:
        InputError: no such measurement, nothing to be found.
        PerotwinError: the cell cannot be solved.
    """
    if not parameters:
        raise InputError(
            "nothing is asked for.", "Name numbers of the cell: --vary perovskite.lifetime.", key="vary"
        )
    here = [_at(one, cell, links) for one in parameters]
    total = _priors(here)
    if kinds:
        data: tuple[Data, ...] = plan(cell, kinds)
        objective = Objective([cell], data, here, links=links)
        values = np.array([one.start for one in objective.parameters])
        with objective.remembering(), progress.task(f"{cell.name}: planned", total=len(data)) as counter:
            for index in range(len(data)):
                total = total + information_of(objective, values, index)
                counter.advance()
    covariance = covariance_of(total)
    values = np.array([one.start for one in here])
    sd = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    known = identified(here, coordinates_of(here, values), sd)
    free = [i for i, one in enumerate(here) if one.prior is None]
    groups = weak_groups(here, values, covariance, free)
    others = kinds_beside(cell, kinds) if further is None else list(further)
    found, complete = candidates_for(cell, here, total, groups, known, others, links)
    return Expected(
        cell,
        tuple(kinds),
        tuple(here),
        values,
        covariance,
        sum(map(hours_of, kinds)),
        known,
        groups,
        found,
        complete,
    )


def _at(parameter: Parameter, cell: Cell, links: Links) -> Parameter:
    """The parameter where the cell has it."""
    from dataclasses import replace

    value = links.value(cell, parameter.paths[0]) if parameter.paths else parameter.start
    return replace(parameter, start=min(max(value, parameter.low), parameter.high))
