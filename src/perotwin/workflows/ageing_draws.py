"""A band of courses and not a line: what is assumed is drawn from its range, and what is calibrated fitted again each
time.

Each draw takes an order in carriers, a law of the patches, a way in which domains are felt, the numbers of the domains
that no source gives, an activation energy, how far below its bound the control lies and how fast tin oxidises; then two
rates are fitted to the two data, and the cell goes through its test. A course of a drawn set is a possible one: all of
them meet the data.

Each draw that is done is a line of a file: a job that was stopped or killed goes on with the others.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perotwin import measurement
from perotwin.ageing import rates as of_rates
from perotwin.ageing.conditions import Stretch
from perotwin.ageing.degradation import Run
from perotwin.ageing.feedback import BothBands, ValenceBand
from perotwin.ageing.films import film_of
from perotwin.ageing.lifetimes import evenly
from perotwin.ageing.mechanisms import Everywhere, FromEdges, Segregation
from perotwin.ageing.operating_point import Devices
from perotwin.ageing.segregation import TwoPhases
from perotwin.ageing.soak import VISIBLE, visible_at, with_threshold_and_paths
from perotwin.errors import ConvergenceError, InputError
from perotwin.stack import load as load_cell
from perotwin.study.pool import Pool
from perotwin.units import Quantity
from perotwin.workflows.age import Aged, sample_of
from perotwin.workflows.run import unique_names

if TYPE_CHECKING:
    from perotwin.ageing.protocols import Plan
    from perotwin.ageing.rates import Datum, Rates
    from perotwin.recipe import Sample
    from perotwin.stack import Cell

__all__ = ["Bands", "Draw", "bands", "drawn", "with_bands"]

F64 = NDArray[np.float64]

#: moments at which courses are told
_MOMENTS = 81
#: of runs, and of the data, within a draw
_TOLERANCE, _EXACT = 3e-3, 2e-3
_MOST = 100_000
#: tries at numbers of domains with which the reference film shows a second line in its first minute, and how many of
# them
#: a draw has; what domains alone must leave above a datum
_TRIES, _SETS, _ROOM = 1000, 16, 0.02
#: carriers of an ageing cell over those that rates count in, and rates of patches from anywhere over those from
# edges: for
#: a first guess
_CARRIERS, _EVERYWHERE = 0.3, 0.2
_MINUTE = 60.0


@dataclass(frozen=True)
class Draw:
    """What one draw assumes: see the module. Energies in eV, rates in s^-1.

    `domains` are sets of threshold (suns), exchange length (m) and nuclei, in the order in which they are tried: the
    first with which domains alone take less than the data allow counts.
    """

    number: int
    order: float
    everywhere: bool
    valence_band: bool
    bound: float
    activation_energy: float
    domains: tuple[tuple[float, float, float], ...]
    tin: float


def drawn(rates: Rates, draws: int, seed: int = 1) -> list[Draw]:
    """Sets of what is assumed, evenly over the ranges (of lengths, light and shares in the logarithm).

    The numbers of the domains are taken only where the film of the datum that is a bound, the reference, shows its
    second
    line within a minute of one sun: that much of them is known.

    Raises:
        InputError: no draws.
    """
    if not 1 <= draws <= _MOST:
        raise InputError(f"{draws} draws are no band.", f"Ask for 1 to {_MOST}.", key="draws")
    reference = next((one for one in rates.data if one.kind == "bound"), None)
    film = None
    if reference is not None:
        film = film_of(load_cell(reference.cell))
    made = []
    for number in range(draws):
        # each draw has its own generator: more draws leave the first ones as they are
        chance = np.random.default_rng([seed, number])
        low, high = _range(rates.order)
        order = float(chance.uniform(low, high))
        everywhere, valence = (bool(chance.integers(2)) for _ in range(2))
        bound = float(chance.uniform(*_range(reference.retained))) if reference is not None else float("nan")
        energy = float(chance.uniform(*_range(rates.activation_energy)))
        tin = float(chance.uniform(*_range(rates.tin_oxidation)))
        free = rates.segregation.free
        sets: list[tuple[float, float, float]] = []
        for _ in range(_TRIES):
            numbers = [
                float(np.exp(chance.uniform(*np.log(_range(free[name])))))
                for name in ("threshold", "exchange_length", "nuclei")
            ]
            if film is not None:
                phases = TwoPhases(film, with_threshold_and_paths(rates.segregation, numbers))
                if visible_at(phases, film.generation, _MINUTE) <= VISIBLE:
                    continue
            sets.append((numbers[0], numbers[1], numbers[2]))
            if len(sets) == _SETS:
                break
        made.append(Draw(number, order, everywhere, valence, bound, energy, tuple(sets), tin))
    return made


def _range(value: Quantity) -> tuple[float, float]:
    """Ends of what is assumed; a number without a range is what it is."""
    return (
        (float(value), float(value))
        if value.assumed is None
        else (float(value.assumed[0]), float(value.assumed[1]))
    )


@dataclass(frozen=True)
class _Job:
    """Fits the rates of a draw and lets the cell go through its test."""

    cell: Cell
    plan: Plan
    rates: Rates

    def __call__(self, draw: Draw) -> dict[str, Any]:
        cells = {one.cell: _loaded(one.cell) for one in self.rates.data}
        samples = {name: _sample(name) for name in cells}
        with ExitStack() as stack:
            devices = {name: stack.enter_context(Devices(cell)) for name, cell in cells.items()}
            rates, rejected = self._possible(draw, cells, samples, devices)
            fitted = of_rates.fit(rates, cells, samples, tolerance=_TOLERANCE, exact=_EXACT, devices=devices)
            own = stack.enter_context(Devices(self.cell))
            made: dict[str, Any] = {
                "number": draw.number,
                "rejected": rejected,
                "trap_growth": float(fitted.trap_growth),
                "bare_patches": float(fitted.bare_patches),
                "retained": self.course(fitted, own).tolist(),
                "tin": None,
            }
            if self.has_tin:
                oxidised = fitted.model_copy(
                    update={"tin_oxidation": Quantity(draw.tin, dimension="frequency")}
                )
                made["tin"] = self.course(oxidised, own).tolist()
        return made

    def _possible(
        self,
        draw: Draw,
        cells: Mapping[str, Cell],
        samples: Mapping[str, Sample | None],
        devices: Mapping[str, Devices],
    ) -> tuple[Rates, int]:
        """The rates of a draw with the first of its sets of domains that the data allow, and how many they did not.

        Raises:
            ConvergenceError: none is.
        """
        for number, numbers in enumerate(draw.domains):
            rates = self.assumed(draw, numbers)
            if all(
                _leaves_enough(one, rates, cells, samples, devices)
                for one in rates.data
                if one.kind == "value"
            ):
                return rates, number
        raise ConvergenceError(
            f"{len(draw.domains)} sets of numbers of the domains each take more than the data allow.",
            "See the ranges in the parameters of segregation.",
            stage="draws",
        )

    @property
    def has_tin(self) -> bool:
        """Whether tin can oxidise in the cell."""
        from perotwin.ageing.films import absorber_of
        from perotwin.ageing.mechanisms import holds_tin

        return any(holds_tin(absorber_of(stack)) for stack in self.cell.stacks.values())

    def assumed(self, draw: Draw, domains: Sequence[float]) -> Rates:
        """The rates with what a draw assumes, near where they will be fitted to."""
        slower = _CARRIERS ** (float(self.rates.order) - draw.order)
        fewer = _EVERYWHERE if draw.everywhere and self.rates.law.kind == "edges" else 1.0
        rates = self.rates.model_copy(
            update={
                "trap_growth": Quantity(float(self.rates.trap_growth) * slower, dimension="frequency"),
                "bare_patches": Quantity(
                    float(self.rates.bare_patches) * slower * fewer, dimension="frequency"
                ),
                "order": Quantity(draw.order, dimension="dimensionless"),
                "law": Everywhere() if draw.everywhere else FromEdges(),
                "feedback": ValenceBand() if draw.valence_band else BothBands(),
                "activation_energy": Quantity(draw.activation_energy, dimension="energy"),
                "tin_oxidation": Quantity(0.0, dimension="frequency"),
                "segregation": with_threshold_and_paths(self.rates.segregation, domains),
            }
        )
        for number, one in enumerate(rates.data):
            if one.kind == "bound" and np.isfinite(draw.bound):
                rates = of_rates.with_datum(rates, number, draw.bound)
        return rates

    def course(self, rates: Rates, devices: Devices) -> F64:
        """(G,) power over the first at even moments of the test."""
        sample = sample_of_cell(self.cell.to_toml())
        mechanisms, _ = of_rates.usual(self.cell, rates, sample)
        run = Run(
            self.cell, mechanisms, self.plan.stretches, self.plan.rounds, sample=sample, tolerance=_TOLERANCE,
            lag=np.inf,
        )  # fmt: skip
        course = run.to_end(devices)
        good = np.isfinite(course.power)
        time, power = evenly(course.time[good], course.retained[good], 20 * _MOMENTS)
        return np.asarray(np.interp(np.linspace(0.0, self.plan.duration, _MOMENTS), time, power))


def _leaves_enough(
    datum: Datum,
    rates: Rates,
    cells: Mapping[str, Cell],
    samples: Mapping[str, Sample | None],
    devices: Mapping[str, Devices],
) -> bool:
    """Whether domains alone leave the cell of a datum clearly more than was measured."""
    cell = cells[datum.cell]
    domains = Segregation(feedback=rates.feedback, parameters=rates.segregation)
    stretch = Stretch(float(datum.time), temperature=float(cell.temperature))
    run = Run(cell, [domains], [stretch], sample=samples[datum.cell], tolerance=_TOLERANCE, lag=np.inf)
    return run.to_end(devices[datum.cell]).at(float(datum.time)) > float(datum.retained) + _ROOM


@lru_cache(maxsize=8)
def _loaded(name: str) -> Cell:
    return load_cell(name)


@lru_cache(maxsize=8)
def _sample(name: str) -> Sample | None:
    return sample_of(_loaded(name))


@lru_cache(maxsize=8)
def sample_of_cell(text: str) -> Sample | None:
    """What the recipe of a cell left, by the cell's text, once for all draws of a process."""
    from perotwin.stack.cell import from_toml

    return sample_of(from_toml(text, file="cell"))


@dataclass(frozen=True)
class Bands:
    """Courses of D draws at G moments.

    Attributes:
        time: (G,) s. retained: (D, G) power over the first; with tin as it was drawn, where there is any.
        stable: (D, G) with tin that is stable; None for a cell without tin.
        trap_growth, bare_patches: (D,) fitted rates, s^-1. failures: of draws that met no data or could not be solved.
        asked: how many draws were asked for.
    """

    time: F64
    retained: F64
    stable: F64 | None
    trap_growth: F64
    bare_patches: F64
    failures: tuple[str, ...]
    asked: int

    def quantiles(self, which: F64) -> dict[str, list[float]]:
        """5, 25, 50, 75 and 95 % of courses at each moment."""
        return {
            f"{p:g}": np.quantile(which, p / 100.0, axis=0).tolist() for p in (5.0, 25.0, 50.0, 75.0, 95.0)
        }

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        made: dict[str, Any] = {
            "count": int(self.retained.shape[0]),
            "asked": self.asked,
            "failed": len(self.failures),
            "time": {"value": (self.time / 3600.0).tolist(), "unit": "h"},
            "retained": {"unit": "1", **self.quantiles(self.retained)},
        }
        if self.stable is not None:
            made["retained_tin_stable"] = {"unit": "1", **self.quantiles(self.stable)}
        return made

    def words(self) -> list[str]:
        """What the band says, in sentences."""
        hours = self.time[-1] / 3600.0

        def spread(which: F64) -> str:
            end = which[:, -1]
            low, middle, high = np.quantile(end, [0.05, 0.5, 0.95])
            words = (
                f"{low:.3f} to {high:.3f} in nine tenths of them, {end.min():.3f} to {end.max():.3f} in all"
            )
            return f"{middle:.3f} ({words})"

        said = [
            f"{self.retained.shape[0]} draws of what is assumed, each with its rates fitted to the same data: after "
            f"{hours:.4g} h the power over the first is {spread(self.retained if self.stable is None else self.stable)}"
            + ("." if self.stable is None else " with tin that is stable.")
        ]
        if self.stable is not None:
            said.append(f"with tin that oxidises at up to the published rate it is {spread(self.retained)}.")
        if self.failures:
            said.append(
                f"{len(self.failures)} of {self.asked} draws are left out, as their assumptions cannot meet the data; "
                f"the "
                f"first: {self.failures[0]}"
            )
        return said


def bands(
    cell: Cell,
    plan: Plan,
    rates: Rates,
    draws: int,
    seed: int = 1,
    file: Path | None = None,
    processes: int | None = None,
) -> Bands:
    """Courses of a cell over what is assumed.

    Args:
        cell: what is aged. plan: its test. rates: with ranges and data. draws: how many. seed: of them.
        file: that holds each finished draw, a line each; those of the same job that are there are not done again.
        processes: on which to work; None takes all cores.

    Raises:
        InputError: no draws, or a file of another job.
        ConvergenceError: no draw could be followed.
        KeyboardInterrupt: stopped; what is done stands in the file.
    """
    sets = drawn(rates, draws, seed)
    job = _Job(cell, plan, rates)
    mark = _mark(cell, plan, rates, seed)
    done = _kept(file, mark)
    failures = {number: one["failure"] for number, one in done.items() if "failure" in one}
    wanted = [one for one in sets if one.number not in done]
    if wanted:
        with Pool(job, processes) as pool:
            for index, outcome in pool.each(
                wanted, f"{cell.name}: {draws} draws, {len(done)} of them done before"
            ):
                number = wanted[index].number
                made = outcome.result
                if made is None:
                    made = {"number": number, "failure": outcome.failure or "it ended without a word."}
                    failures[number] = made["failure"]
                done[number] = made
                _keep(file, mark, {**made, "draw": asdict(wanted[index])})
    good = [done[one.number] for one in sets if "failure" not in done[one.number]]
    if not good:
        raise ConvergenceError(
            f"none of {draws} draws could be followed; the first: {next(iter(failures.values()))}",
            "Look at the ranges in the file of rates.",
            stage="draws",
        )
    plain = np.array([one["retained"] for one in good])
    tin = None if good[0]["tin"] is None else np.array([one["tin"] for one in good])
    return Bands(
        np.linspace(0.0, plan.duration, _MOMENTS),
        plain if tin is None else tin,
        None if tin is None else plain,
        np.array([one["trap_growth"] for one in good]),
        np.array([one["bare_patches"] for one in good]),
        tuple(failures[one.number] for one in sets if one.number in failures),
        draws,
    )


def with_bands(
    found: Sequence[Aged],
    draws: int,
    seed: int = 1,
    out: str | Path | None = None,
    processes: int | None = None,
) -> list[Aged]:
    """Cells that went through tests, with bands of draws; `out` holds what is done while it is done."""
    folder = None if out is None else measurement.make_folder(out)
    names = unique_names([one.cell for one in found])
    return [
        replace(
            one,
            bands=bands(
                one.cell, one.plan, one.rates, draws, seed,
                None if folder is None else folder / f"{name}-{one.plan.name}.draws.jsonl", processes,
            ),
        )
        for name, one in zip(names, found, strict=True)
    ]  # fmt: skip


# --- what is kept ----------------------------------------------------------------------------------------------------


def _mark(cell: Cell, plan: Plan, rates: Rates, seed: int) -> str:
    """What tells one job from another."""
    text = json.dumps(
        [of_rates.fingerprint(cell), repr(plan.stretches), plan.rounds, rates.model_dump_json(), seed]
    )
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _kept(file: Path | None, mark: str) -> dict[int, dict[str, Any]]:
    """Draws that are done, by number; a line that was cut off is none."""
    if file is None or not file.is_file():
        return {}
    found: dict[int, dict[str, Any]] = {}
    whole = []
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            one = json.loads(line)
        except ValueError:
            continue
        if one.get("job") != mark:
            raise InputError(
                f'"{file.name}" holds draws of another job: cell, test, rates or seed differ.',
                "Remove it, or name another folder.",
                file=str(file),
            )
        whole.append(line)
        found[int(one["number"])] = one
    # what was cut off must not run into the next line
    measurement.write_text(file, "".join(f"{line}\n" for line in whole))
    return found


def _keep(file: Path | None, mark: str, made: dict[str, Any]) -> None:
    if file is None:
        return
    with file.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps({"job": mark, **made}) + "\n")
        stream.flush()
