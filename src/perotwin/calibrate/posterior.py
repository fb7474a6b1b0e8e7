"""The posterior of a fit, drawn on the device solver itself.

    drawn = posterior_of(calibration, 20_000, processes=2, path="posterior.nc")
    drawn.interval("perovskite.lifetime")

An ensemble of walkers (emcee: D. Foreman-Mackey et al., Publ. Astron. Soc. Pac. 125, 306 (2013), doi:10.1086/670067)
that begins about the best fit with its covariance and takes steps of differential evolution. Steady data are solved for
every sample. What runs in time (scans, decays) takes too long for that: it enters by its residuals as they follow the
numbers at the best fit, to first order, and what that is off by is told by solving some draws in full.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perotwin import progress
from perotwin.calibrate.data import Data
from perotwin.calibrate.fields import RECIPE, Links
from perotwin.calibrate.objective import Objective
from perotwin.calibrate.parameters import Parameter, values_at
from perotwin.errors import InputError, PerotwinError
from perotwin.study.pool import Pool

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.calibrate.fit import Calibration
    from perotwin.stack import Cell

__all__ = ["Posterior", "posterior_of"]

F64 = NDArray[np.float64]

#: walkers at least, and for each number
_WALKERS, _EACH = 24, 3
#: steps of a chain that its time of correlation must fit into this often before it is trusted
_LONG = 50.0
#: part of the chain that is left out at its beginning, at least, and times of correlation
_BURN, _BURN_TIMES = 0.1, 3.0
#: draws that are solved in full where data entered to first order
_CHECKED = 12
#: draws in a file at most where a recipe is followed for each
_FOLLOWED = 1000
#: what the logarithm of the likelihood may scatter by on account of that without a remark
_OFF = 1.0


@dataclass(frozen=True)
class _Linear:
    """Data that enter to first order: residuals at the best fit, (N, P) slopes on the scales there."""

    at: F64
    residuals: F64
    slopes: F64

    def chi2(self, u: F64) -> float:
        left = self.residuals + self.slopes @ (u - self.at)
        return float(left @ left)


@dataclass
class _LogPosterior:
    """Of places on the scales; what processes do. It is sent to them once."""

    cells: tuple[Cell, ...]
    data: tuple[Data, ...]
    parameters: tuple[Parameter, ...]
    count: int
    linear: _Linear | None
    links: Links
    _objective: Objective | None = field(default=None, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_objective": None}

    def __call__(self, places: F64) -> list[float]:
        """Of several places (K, P)."""
        return [self.of(u) for u in places]

    def of(self, u: F64) -> float:
        """Logarithm of the posterior at one place (P,), up to a constant."""
        prior = sum(one.log_prior(float(x)) for one, x in zip(self.parameters, u, strict=True))
        if not math.isfinite(prior):
            return -math.inf
        total = 0.0 if self.linear is None else self.linear.chi2(u)
        if self.data:
            if self._objective is None:
                self._objective = _objective(self.cells, self.data, self.parameters, self.count, self.links)
            try:
                residuals = self._objective.residuals(values_at(self.parameters, u))
            except PerotwinError:
                return -math.inf
            total += float(residuals @ residuals)
        return prior - 0.5 * total if math.isfinite(total) else -math.inf


def _objective(
    cells: Sequence[Cell], data: Sequence[Data], parameters: Sequence[Parameter], count: int, links: Links
) -> Objective:
    """The objective of some of the data with the parameters of all."""
    made = Objective(cells, data, parameters[:count], links=links)
    # what is unknown of data that enter otherwise is among the numbers too
    made.parameters = tuple(parameters)
    return made


@dataclass(frozen=True)
class Posterior:
    """Draws from the posterior of a fit. K draws, P parameters.

    Attributes:
        parameters: whose. draws: (K, P) SI.
        times: (P,) of correlation, in steps; NaN where the chain is too short for them. steps, walkers: of the chain.
        accepted: part of the steps. checked: standard deviation of the logarithm of the likelihood that comes of data
            that entered to first order; NaN where none did.
        complete: False when it was interrupted.
    """

    parameters: tuple[Parameter, ...]
    draws: F64
    times: F64
    steps: int
    walkers: int
    accepted: float
    checked: float
    linear: tuple[str, ...] = ()
    complete: bool = True

    @property
    def converged(self) -> bool:
        """Whether the chain is long enough for what it tells."""
        known = self.times[np.isfinite(self.times)]
        return bool(known.size == self.times.size and self.steps >= _LONG * float(known.max(initial=0.0)))

    @property
    def effective(self) -> float:
        """Draws as good as independent ones, of the number that is known worst."""
        worst = float(np.nanmax(self.times)) if np.isfinite(self.times).any() else float(self.steps)
        return self.draws.shape[0] / max(worst, 1.0)

    def interval(self, name: str, part: float = 0.95) -> tuple[float, float]:
        """The interval (SI) between quantiles that holds a part of the draws.

        Raises:
            InputError: there is no such number.
        """
        names = [one.name for one in self.parameters]
        if name not in names:
            raise InputError(f'no parameter is called "{name}".', f"There are {', '.join(names)}.", key=name)
        low, high = np.quantile(self.draws[:, names.index(name)], [0.5 - 0.5 * part, 0.5 + 0.5 * part])
        return float(low), float(high)

    @property
    def summary(self) -> dict[str, Any]:
        """For machines: intervals in field units, and how far the chain can be trusted."""
        numbers = {}
        for index, one in enumerate(self.parameters):
            low, high = self.interval(one.name)
            middle = float(np.median(self.draws[:, index]))
            numbers[one.name] = {
                "median": one.shown(middle), "low_95": one.shown(low), "high_95": one.shown(high), "unit": one.unit,
            }  # fmt: skip
        return {
            "draws": int(self.draws.shape[0]), "steps": self.steps, "walkers": self.walkers,
            "correlation_time": [float(t) for t in self.times], "effective_draws": self.effective,
            "converged": self.converged, "acceptance": self.accepted, "numbers": numbers, "words": self.words,
            "first_order": list(self.linear), "first_order_off": self.checked,
        }  # fmt: skip

    @property
    def words(self) -> list[str]:
        """What a reader of it must know."""
        said = []
        if not self.converged:
            known = self.times[np.isfinite(self.times)]
            long = f"{known.max():.0f} steps" if known.size else "not known from so few"
            said.append(
                f"the chain of {self.steps} steps is shorter than {_LONG:.0f} of its times of correlation "
                f"({long}): its intervals are not to be trusted yet. Draw more, with --resume"
            )
        if self.linear:
            said.append(
                f"{', '.join(self.linear)} entered to first order about the best fit; solved in full for some "
                "draws that "
                f"moves the logarithm of the likelihood by {self.checked:.2g}"
                + (": too much for its intervals, take the profiles" if not self.checked < _OFF else "")
            )
        return said


class _Map:
    """What emcee maps with: batches of walkers to processes."""

    def __init__(self, pool: Pool[F64, list[float]]) -> None:
        self.pool = pool

    def map(self, _function: Callable[..., Any], places: Iterable[F64]) -> list[float]:
        every = np.array(list(places))
        parts = [part for part in np.array_split(every, self.pool.processes) if part.size]
        with progress.listening(progress.Silent()):
            found = self.pool.all(parts, "walkers")
        values: list[float] = []
        for outcome in found:
            if outcome.result is None:
                raise PerotwinError(outcome.failure or "a process ended.", "Ask for fewer processes.")
            values += outcome.result
        assert len(values) == every.shape[0]
        return values


def posterior_of(
    found: Calibration,
    draws: int,
    *,
    seed: int = 0,
    processes: int | None = 1,
    path: str | Path | None = None,
    resume: bool = False,
) -> Posterior:
    """Draw from the posterior of a fit.

    Args:
        found: the fit. draws: samples in all, those of the beginning included.
        seed: of the walk. processes: on which to work; None takes all cores.
        path: of the file of draws (NetCDF), of several cells with the cell's name in it; the chain lies beside it as
            HDF5.
        resume: whether to go on from a chain that lies there.

    Returns:
        The posterior. Interrupted (Ctrl-C), it holds what was drawn, and is not `complete`.

    Raises:
        InputError: fewer draws than walkers, a chain of another fit.
        KeyboardInterrupt: interrupted before anything was drawn.
    """
    import emcee

    objective = found.objective
    parameters = tuple(objective.parameters)
    count = len(parameters)
    walkers = max(_WALKERS, _EACH * count)
    walkers += walkers % 2
    steps = draws // walkers
    if steps < 2:
        raise InputError(
            f"{draws} samples are fewer than two for each of {walkers} walkers.", f"Ask for {20 * walkers} or more.",
            key="posterior",
        )  # fmt: skip
    solved = tuple(one for one in objective.data if one.both_sides)
    linear, names = _first_order(found)
    log = _LogPosterior(objective.cells, solved, parameters, objective.count, linear, objective.links)
    backend = None
    place = None if path is None else Path(path)
    done = 0
    if place is not None:
        backend = emcee.backends.HDFBackend(str(place.with_suffix(".chain.h5")))
        if resume and place.with_suffix(".chain.h5").is_file() and backend.iteration > 0:
            if backend.shape != (walkers, count):
                raise InputError(
                    f'the chain beside "{place.name}" is of another fit: {backend.shape[1]} numbers, here {count}.',
                    "Take another folder.",
                    key="resume",
                )
            done = int(backend.iteration)
        else:
            backend.reset(walkers, count)
    rng = np.random.default_rng(seed)
    complete = True
    moves = [
        (emcee.moves.DEMove(), 0.75),
        (emcee.moves.DESnookerMove(), 0.15),
        (emcee.moves.StretchMove(), 0.1),
    ]
    with ExitStack() as stack:
        pool = stack.enter_context(Pool(log, processes))
        if pool.processes == 1:
            stack.enter_context(objective.remembering())
        sampler = emcee.EnsembleSampler(walkers, count, log.of, pool=_Map(pool), moves=moves, backend=backend)
        state: Any = (
            backend.get_last_sample() if done and backend is not None else _begin(found, walkers, rng)
        )
        random = np.random.RandomState(seed + done)
        sampler.random_state = random.get_state()
        counter = stack.enter_context(progress.task("posterior", total=max(steps - done, 0)))
        try:
            if steps > done:
                for _ in sampler.sample(state, iterations=steps - done, skip_initial_state_check=True):
                    counter.advance()
        except KeyboardInterrupt:
            complete = False
            if sampler.backend.iteration < 2:
                raise
    chain = np.asarray(sampler.get_chain())
    made = _concluded(found, chain, sampler, names, complete, rng)
    if place is not None:
        write(made, found, place)
    return made


def _first_order(found: Calibration) -> tuple[_Linear | None, tuple[str, ...]]:
    """What enters to first order, and the names of those data."""
    rows, first, names = [], 0, []
    for one, size in zip(found.objective.data, found.objective.sizes, strict=True):
        if not one.both_sides:
            rows += list(range(first, first + size))
            names.append(one.name)
        first += size
    if not rows:
        return None, ()
    return _Linear(found.fit.coordinates, found.fit.residuals[rows], found.fit.jacobian[rows]), tuple(names)


def _begin(found: Calibration, walkers: int, rng: np.random.Generator) -> F64:
    """(W, P) places about the best fit, spread as its covariance has it, within the bounds."""
    fit = found.fit
    parameters = found.objective.parameters
    covariance = fit.covariance.copy()
    lost = ~np.isfinite(np.diag(covariance))
    covariance[~np.isfinite(covariance)] = 0.0
    spans = np.array([one.span for one in parameters])
    covariance[lost, lost] = (0.1 * spans[lost]) ** 2
    weights, axes = np.linalg.eigh(0.5 * (covariance + covariance.T))
    root = axes * np.sqrt(np.maximum(weights, 0.0))
    low, high = (np.array(end) for end in zip(*(one.ends for one in parameters), strict=True))
    places: list[F64] = []
    while len(places) < walkers:
        u = fit.coordinates + 0.7 * root @ rng.standard_normal(len(parameters))
        # folded back at the bounds, so that walkers differ
        u = np.where(u < low, 2.0 * low - u, np.where(u > high, 2.0 * high - u, u))
        places.append(
            np.clip(u, low + 1e-9 * spans * rng.random(u.size), high - 1e-9 * spans * rng.random(u.size))
        )
    return np.array(places)


def _concluded(
    found: Calibration,
    chain: F64,
    sampler: Any,
    names: tuple[str, ...],
    complete: bool,
    rng: np.random.Generator,
) -> Posterior:
    from emcee.autocorr import integrated_time

    steps, walkers, count = chain.shape
    times = np.full(count, np.nan)
    if steps >= 8:
        times = np.asarray(integrated_time(chain, tol=0), dtype=float)
    burn = int(_BURN * steps)
    known = times[np.isfinite(times)]
    if known.size:
        burn = min(max(burn, int(_BURN_TIMES * float(known.max()))), steps // 2)
    kept = chain[burn:].reshape(-1, count)
    parameters = tuple(found.objective.parameters)
    values = np.array([values_at(parameters, u) for u in kept])
    off = _off(found, kept, rng) if names and complete else math.nan
    return Posterior(
        parameters,
        values,
        times,
        steps,
        walkers,
        float(np.mean(sampler.acceptance_fraction)),
        off,
        names,
        complete,
    )


def _off(found: Calibration, kept: F64, rng: np.random.Generator) -> float:
    """Standard deviation of the logarithm of the likelihood that comes of data which entered to first order."""
    linear, _ = _first_order(found)
    assert linear is not None
    objective = found.objective
    here = []
    chosen = rng.choice(kept.shape[0], size=min(_CHECKED, kept.shape[0]), replace=False)
    with objective.remembering(), progress.task("solving draws in full", total=chosen.size) as counter:
        for number in chosen:
            counter.advance()
            values = values_at(objective.parameters, kept[number])
            try:
                left = [
                    objective.residuals_of(index, values)
                    for index, one in enumerate(objective.data)
                    if not one.both_sides
                ]
            except PerotwinError:
                return math.inf
            full = sum(float(part @ part) for part in left)
            here.append(0.5 * (full - linear.chi2(kept[number])))
    return float(np.std(here))


# --- files -----------------------------------------------------------------------------------------------------------


def dataset_of(made: Posterior, found: Calibration, cell: Cell) -> xr.Dataset:
    """The draws of a cell's fields: `value` (draw, parameter), SI, `parameter` the field paths; numbers of recipes,
    ratios and what is unknown of the measurements as `nuisance_value` (draw, nuisance). The attribute `cell` holds the
    fitted cell as TOML; `study.draws.read_posterior` reads it all.
    """
    import json

    import xarray as xr

    from perotwin import __version__

    objective = found.objective
    rows = made.draws
    if objective.links.recipes and len(rows) > _FOLLOWED:
        rows = rows[np.linspace(0, len(rows) - 1, _FOLLOWED).astype(np.int64)]
    # by what the cell is set to, so that what ties and a recipe make of it is there as well
    settings = [objective.of_cell(row, cell.name) for row in rows]
    paths = list(dict.fromkeys(path for one in settings for path in one))
    value = np.array([
        [one[path] if path in one else float(cell.get(path)) for path in paths] for one in settings
    ])  # fmt: skip
    own = [
        (one.name, index)
        for index, one in enumerate(made.parameters)
        if not one.paths or one.paths[0].startswith(RECIPE)
    ]
    fitted = next(
        (new for old, new in zip(found.objective.cells, found.fitted, strict=True) if old.name == cell.name),
        cell,
    )
    variables: dict[str, Any] = {"value": (("draw", "parameter"), value)}
    coordinates: dict[str, Any] = {
        "draw": np.arange(len(rows)),
        "parameter": paths,
        "dimension": ("parameter", [cell.get(path).dimension for path in paths]),
    }
    if own:
        variables["nuisance_value"] = (("draw", "nuisance"), rows[:, [index for _, index in own]])
        coordinates["nuisance"] = [name for name, _ in own]
    return xr.Dataset(
        variables,
        coordinates,
        {
            "cell": fitted.to_toml(),
            "stack": cell.name,
            "steps": made.steps,
            "walkers": made.walkers,
            "correlation_time": made.times,
            "converged": int(made.converged),
            "complete": int(made.complete),
            "notes": json.dumps(made.words),
            "perotwin": __version__,
        },
    )


def write(made: Posterior, found: Calibration, path: Path) -> list[Path]:
    """The draws as NetCDF: of one cell in `path`, of several each in a file with the cell's name."""
    from perotwin.measurement import file_name, save

    written = []
    several = len(found.objective.cells) > 1
    for cell in found.objective.cells:
        where = path.with_name(f"{path.stem}-{file_name(cell.name)}{path.suffix}") if several else path
        written.append(save(dataset_of(made, found, cell), where))
    return written
