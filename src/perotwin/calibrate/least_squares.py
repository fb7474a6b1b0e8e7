"""Weighted least squares with bounds, priors and several starts: what was found, how well, and what stands against it.

    found = solve(residuals, [Parameter("a", 1.0, 0.1, 10.0), Parameter("b", 0.0, -1.0, 1.0, Linear())])
    print(found.report())

The search is `scipy.optimize.least_squares` (trust region reflective: M. A. Branch, T. F. Coleman and Y. Li, SIAM J.
Sci. Comput. 21, 1 (1999), doi:10.1137/S1064827595289108). Residuals are differences over their standard deviations, so
that the sum of their squares is a chi-square; a Gaussian prior is one more residual.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perotwin import progress
from perotwin.calibrate.parameters import Log, Parameter, coordinates_of, values_at
from perotwin.errors import ConvergenceError, InputError, PerotwinError

__all__ = ["Cauchy", "Fit", "Loss", "SoftL1", "Squares", "Start", "solve"]

F64 = NDArray[np.float64]
#: of values (P,) SI: residuals (N,) over their standard deviations
Residuals = Callable[[F64], F64]
#: of values (P,) SI: (N, P) how the residuals follow the values
Jacobian = Callable[[F64], F64]

#: steps of central differences where no Jacobian is given: on a logarithmic scale, and as a part of the bounds' span
_STEP_LOG, _STEP_PART = 1e-3, 1e-4
#: a number so near a bound (part of their distance) is at it
_AT_BOUND = 1e-3
#: residuals beyond so many standard deviations are outliers
_OUTLIER = 4.0
#: starts that end with a chi-square so near the least are as good (two standard deviations of one number)
_AS_GOOD = 4.0
#: and are another explanation where a number differs by so many of its standard deviations
_ELSEWHERE = 2.0
#: a direction in which the data tell less than this part of what they tell in the best one has no standard deviation
_SINGULAR = 1e-13
#: correlations worth a line of the report
_CORRELATED = 0.7
_TOLERANCE = 1e-8
_MOST = 200


@dataclass(frozen=True)
class Squares:
    """The sum of squares: every residual counts in full."""

    name = "squares"
    scipy = "linear"
    scale: float = 1.0


@dataclass(frozen=True)
class SoftL1:
    """Residuals beyond `scale` standard deviations count linearly and no longer as squares."""

    name = "soft L1"
    scipy = "soft_l1"
    scale: float = 2.0


@dataclass(frozen=True)
class Cauchy:
    """Residuals far beyond `scale` standard deviations hardly count: for data with points that are wrong."""

    name = "Cauchy"
    scipy = "cauchy"
    scale: float = 2.5


Loss = Squares | SoftL1 | Cauchy


@dataclass(frozen=True)
class Start:
    """Where a search began and ended, (P,) values (SI); its cost there, half of what is made small; whether it ended by
    itself.
    """

    begun: F64
    ended: F64
    cost: float
    ended_by_itself: bool


@dataclass(frozen=True)
class Fit:
    """What a fit found. P parameters, N data.

    Attributes:
        parameters: what was varied.
        values: (P,) best values, SI. coordinates: the same on their scales.
        covariance: (P, P) of the coordinates, for residuals whose standard deviations are as stated; infinite where the
            data and priors tell nothing.
        residuals: (N,) at the best values, over their standard deviations, outliers included.
        jacobian: (N, P) of the residuals by the coordinates.
        priors: (Q,) residuals of the priors.
        labels: (N,) what each residual is of; empty where nobody said.
        starts: all searches, the best first.
        loss: what was made small.
        evaluations: of the residuals. seconds: it took. complete: False when it was interrupted.
        message: how the search ended.
    """

    parameters: tuple[Parameter, ...]
    values: F64
    coordinates: F64
    covariance: F64
    residuals: F64
    jacobian: F64
    priors: F64
    labels: Sequence[str] = ()
    starts: tuple[Start, ...] = ()
    loss: Loss = Squares()
    evaluations: int = 0
    seconds: float = 0.0
    complete: bool = True
    message: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def chi2(self) -> float:
        """Sum of the squared residuals of the data."""
        return float(self.residuals @ self.residuals)

    @property
    def degrees(self) -> int:
        """Degrees of freedom: data less parameters without a prior."""
        free = sum(one.prior is None for one in self.parameters)
        return max(int(self.residuals.size) - free, 0)

    @property
    def reduced(self) -> float:
        """Chi-square by degree of freedom; NaN where there is none."""
        return self.chi2 / self.degrees if self.degrees else math.nan

    @property
    def probability(self) -> float:
        """How likely chance alone makes a chi-square as large as this; NaN without degrees of freedom."""
        if not self.degrees:
            return math.nan
        from scipy.stats import chi2

        return float(chi2.sf(self.chi2, self.degrees))

    @property
    def sd(self) -> F64:
        """(P,) standard deviations on the scales: of a logarithm, 0.1 is 10 %."""
        return np.sqrt(np.maximum(np.diag(self.covariance), 0.0))

    @property
    def correlations(self) -> F64:
        """(P, P) correlations; 0 with a number that is not known at all."""
        sd = self.sd
        with np.errstate(invalid="ignore", divide="ignore"):
            found = self.covariance / np.outer(sd, sd)
        found[~np.isfinite(found)] = 0.0
        np.fill_diagonal(found, 1.0)
        return np.clip(found, -1.0, 1.0)

    def interval(self, index: int, sds: float = 1.96) -> tuple[float, float]:
        """The interval of a parameter (SI), `sds` standard deviations to either side, within its bounds."""
        one, at, width = self.parameters[index], float(self.coordinates[index]), float(self.sd[index])
        if not math.isfinite(width):
            return one.low, one.high
        low, high = one.ends
        return one.value(max(at - sds * width, low)), one.value(min(at + sds * width, high))

    @property
    def at_bound(self) -> tuple[str, ...]:
        """Names of the parameters that ended at a bound, and which."""
        found = []
        for one, at in zip(self.parameters, self.coordinates, strict=True):
            low, high = one.ends
            near = _AT_BOUND * one.span
            if at - low < near:
                found.append(f"{one.name} (lower, {one.text(one.low)})")
            elif high - at < near:
                found.append(f"{one.name} (upper, {one.text(one.high)})")
        return tuple(found)

    @property
    def outliers(self) -> tuple[str, ...]:
        """Data that lie more than four standard deviations from the fit, the farthest first."""
        order = np.argsort(-np.abs(self.residuals))
        far = [int(i) for i in order if abs(self.residuals[i]) > _OUTLIER]
        return tuple(f"{self.label(i)} ({self.residuals[i]:+.1f} sd)" for i in far)

    @property
    def elsewhere(self) -> tuple[Start, ...]:
        """Searches that ended as well elsewhere: other values that explain the data."""
        best = self.starts[0].cost if self.starts else 0.0
        sd = np.where(np.isfinite(self.sd) & (self.sd > 0.0), self.sd, np.inf)
        found: list[Start] = []
        for one in self.starts[1:]:
            if 2.0 * (one.cost - best) > _AS_GOOD:
                continue
            places = [coordinates_of(self.parameters, other.ended) for other in found]
            there = coordinates_of(self.parameters, one.ended)
            new = all(
                np.any(np.abs(there - place) > _ELSEWHERE * sd) for place in [self.coordinates, *places]
            )
            if new:
                found.append(one)
        return tuple(found)

    def label(self, index: int) -> str:
        """What a residual is of."""
        return self.labels[index] if index < len(self.labels) else f"datum {index + 1}"

    def value(self, name: str) -> float:
        """The best value (SI) of a parameter.

        Raises:
            InputError: none is called so.
        """
        names = [one.name for one in self.parameters]
        if name not in names:
            raise InputError(f'no parameter is called "{name}".', f"There are {', '.join(names)}.", key=name)
        return float(self.values[names.index(name)])

    def report(self) -> str:
        """What was found, as text for a paper or a notebook."""
        lines = [
            f"Weighted least squares ({self.loss.name}), {self.residuals.size} data, {len(self.parameters)} "
            f"parameters, {sum(one.prior is not None for one in self.parameters)} of them with a prior",
            f"chi-square {self.chi2:.4g} with {self.degrees} degrees of freedom"
            + (f" (reduced {self.reduced:.3g}, p = {self.probability:.2g})" if self.degrees else ""),
        ]
        if not self.complete:
            lines.append("INTERRUPTED: the best of what was tried until then.")
        width = max((len(one.name) for one in self.parameters), default=4)
        lines.append("")
        for index, one in enumerate(self.parameters):
            low, high = self.interval(index)
            spread = float(self.sd[index])
            width_words = (
                f"95 % {one.text(low)} to {one.text(high)}"
                if math.isfinite(spread)
                else "not told by the data"
            )
            known = f"; prior {one.text(one.prior.mean)}" if one.prior is not None else ""
            lines.append(
                f"  {one.name:{width}}  {one.text(float(self.values[index]))}  ({width_words}{known})"
            )
        strong = self._correlated()
        if strong:
            lines += ["", "correlations:", *(f"  {words}" for words in strong)]
        if self.at_bound:
            lines += ["", "at a bound: " + "; ".join(self.at_bound)]
        if self.outliers:
            more = f" and {len(self.outliers) - 8} more" if len(self.outliers) > 8 else ""
            lines += ["", "outliers: " + "; ".join(self.outliers[:8]) + more]
        if len(self.starts) > 1:
            same = sum(2.0 * (one.cost - self.starts[0].cost) <= _AS_GOOD for one in self.starts)
            lines += ["", f"{same} of {len(self.starts)} searches ended as well as the best"]
            for other in self.elsewhere:
                values = zip(self.parameters, other.ended, strict=True)
                lines.append("  also: " + ", ".join(f"{p.name} {p.text(float(v))}" for p, v in values))
        lines += ["", f"{self.evaluations} evaluations, {self.seconds:.1f} s: {self.message}"]
        return "\n".join(lines)

    def _correlated(self) -> list[str]:
        found = self.correlations
        pairs = [
            (abs(float(found[i, j])), i, j)
            for i in range(len(self.parameters))
            for j in range(i)
            if abs(found[i, j]) >= _CORRELATED
        ]
        return [
            f"{self.parameters[j].name} with {self.parameters[i].name}: {found[i, j]:+.3f}"
            for _, i, j in sorted(pairs, reverse=True)
        ]


def covariance_of(information: F64) -> F64:
    """(P, P) inverse of an information matrix; directions that it does not hold have an infinite variance.

    The matrix is scaled to a unit diagonal first, so that units do not decide what counts as nothing.
    """
    diagonal = np.diag(information).copy()
    lost = ~(diagonal > 0.0)
    size = np.sqrt(np.where(lost, 1.0, diagonal))
    scaled = information / np.outer(size, size)
    weights, axes = np.linalg.eigh(0.5 * (scaled + scaled.T))
    told = weights > _SINGULAR * max(float(weights.max(initial=0.0)), 1e-300)
    inverse = (axes[:, told] / weights[told]) @ axes[:, told].T
    made = inverse / np.outer(size, size)
    # what has a part in a direction that nothing tells is not known
    unknown = lost | (np.abs(axes[:, ~told]) > 1e-6).any(axis=1)
    made[np.ix_(unknown, unknown)] = 0.0
    made[unknown, unknown] = np.inf
    return made


class _Work:
    """The function that is made small, in the coordinates of the scales, with the best of what was tried."""

    def __init__(
        self,
        residuals: Residuals,
        jacobian: Jacobian | None,
        parameters: Sequence[Parameter],
        step: float | None,
        counter: progress.Task,
    ) -> None:
        self.residuals, self.jacobian, self.parameters = residuals, jacobian, tuple(parameters)
        self.counter, self.count = counter, 0
        self.fault: PerotwinError | None = None
        with_prior = [i for i, one in enumerate(parameters) if one.prior is not None]
        self.mean = np.array([parameters[i].coordinate(_prior(parameters[i]).mean) for i in with_prior])
        self.width = np.array([_prior(parameters[i]).sd for i in with_prior])
        self.with_prior = np.array(with_prior, dtype=np.int64)
        self.low, self.high = (np.array(end) for end in zip(*(one.ends for one in parameters), strict=True))
        self.step = np.array(
            [
                step or (_STEP_LOG if isinstance(one.scale, Log) else _STEP_PART * one.span)
                for one in parameters
            ]
        )
        self.best: tuple[float, F64] | None = None
        self.known: dict[bytes, F64] = {}
        self.size = 0
        #: the latest slopes, and where
        self.latest: tuple[bytes, F64] | None = None
        #: residuals of the data at the best
        self.found = np.zeros(0)

    def of_data(self, u: F64) -> F64:
        """(N,) residuals of the data; NaN where they cannot be computed."""
        key = u.tobytes()
        if key not in self.known:
            self.count += 1
            self.counter.advance()
            try:
                found = np.asarray(self.residuals(values_at(self.parameters, u)), dtype=float)
            except PerotwinError as fault:
                self.fault = fault
                found = np.full(self.size, np.nan) if self.known else np.zeros(0)
                if not found.size:
                    raise
            if len(self.known) > 4:
                self.known.clear()
            self.known[key] = found
            self.size = found.size
        return self.known[key]

    def of_priors(self, u: F64) -> F64:
        """(Q,) residuals of the priors."""
        return (u[self.with_prior] - self.mean) / self.width

    def all(self, u: F64) -> F64:
        """(N + Q,) what is made small."""
        found = np.concatenate([self.of_data(u), self.of_priors(u)])
        cost = float(found @ found)
        if np.isfinite(cost) and (self.best is None or cost < self.best[0]):
            self.best, self.found = (cost, u.copy()), self.of_data(u)
        return found

    def slopes(self, u: F64) -> F64:
        """(N, P) of the residuals of the data by the coordinates."""
        key = u.tobytes()
        if self.latest is None or self.latest[0] != key:
            self.latest = key, self._slopes(u)
        return self.latest[1]

    def _slopes(self, u: F64) -> F64:
        if self.jacobian is not None:
            values = values_at(self.parameters, u)
            chain = [one.scale.slope(float(v)) for one, v in zip(self.parameters, values, strict=True)]
            return np.asarray(self.jacobian(values), dtype=float) * np.array(chain)
        columns = []
        for index, step in enumerate(self.step):
            up, down = u.copy(), u.copy()
            up[index], down[index] = (
                min(u[index] + step, self.high[index]),
                max(u[index] - step, self.low[index]),
            )
            ends = self.of_data(up), self.of_data(down)
            apart = up[index] - down[index]
            if not all(np.isfinite(end).all() for end in ends):
                # one side cannot be solved: the other tells
                here = self.of_data(u)
                side = 0 if np.isfinite(ends[0]).all() else 1
                near = (up, down)[side]
                ends, apart = (ends[side], here), near[index] - u[index]
            columns.append((ends[0] - ends[1]) / apart)
        return np.array(columns).T

    def all_slopes(self, u: F64) -> F64:
        """(N + Q, P) of what is made small."""
        more = np.zeros((self.with_prior.size, len(self.parameters)))
        more[np.arange(self.with_prior.size), self.with_prior] = 1.0 / self.width
        found = np.vstack([self.slopes(u), more])
        return np.where(np.isfinite(found), found, 0.0)


def _prior(parameter: Parameter) -> Any:
    assert parameter.prior is not None
    return parameter.prior


def solve(
    residuals: Residuals,
    parameters: Sequence[Parameter],
    *,
    jacobian: Jacobian | None = None,
    labels: Sequence[str] = (),
    loss: Loss = Squares(),
    starts: int = 1,
    seed: int = 0,
    step: float | None = None,
    tolerance: float = _TOLERANCE,
    evaluations: int = _MOST,
    label: str = "fitting",
    kept: Callable[[F64, float], Any] | None = None,
) -> Fit:
    """The values that make residuals small.

    Args:
        residuals: of values (P,) SI, (N,) differences between what is computed and what was measured, over the standard
            deviations of that. A `PerotwinError` that it raises shortens the step; at the first start it is passed on.
        parameters: what is varied.
        jacobian: of values (P,) SI, (N, P) how the residuals follow them; differences on the scales if absent.
        labels: (N,) what each residual is of, for outliers.
        loss: how residuals count. starts: how many searches, the first from the parameters' own starts, others drawn
            from priors and bounds by `seed`.
        step: of differences on the scales. tolerance: relative, at which a search ends. evaluations: of one search at
            most, differences not counted.
        label: of the progress. kept: called with values (P,) and chi-square after each search that is the best so far.

    Returns:
        The fit. Interrupted (Ctrl-C) it holds the best of what was tried, and is not `complete`.

    Raises:
        InputError: no parameters, two of one name, more of them than residuals.
        PerotwinError: the residuals cannot be computed where the search begins.
        KeyboardInterrupt: interrupted before one evaluation was done.
    """
    from scipy.optimize import least_squares

    _refuse(parameters)
    began = time.perf_counter()
    with progress.task(label) as counter:
        work = _Work(residuals, jacobian, parameters, step, counter)
        searches: list[Start] = []
        size = np.array([one.span if one.prior is None else 2.0 * one.prior.sd for one in parameters])
        complete, message = True, ""
        try:
            for number, begun in enumerate(_begins(parameters, starts, seed)):
                try:
                    first = work.all(begun)
                    _refuse_few(first.size - work.with_prior.size, parameters)
                    if not np.isfinite(first).all():
                        raise work.fault or ConvergenceError(
                            "the model gives no number where the search begins.", "Begin elsewhere."
                        )
                except PerotwinError:
                    # another start may do
                    if (number == 0 and starts == 1) or isinstance(work.fault, InputError):
                        raise
                    continue
                found = least_squares(
                    work.all,
                    begun,
                    jac=work.all_slopes,
                    bounds=(work.low, work.high),
                    x_scale=size,
                    loss=loss.scipy,
                    f_scale=loss.scale,
                    ftol=tolerance,
                    xtol=tolerance,
                    gtol=1e-12,
                    max_nfev=evaluations,
                )
                searches.append(
                    Start(
                        values_at(parameters, begun), values_at(parameters, found.x),
                        float(found.cost), found.status > 0,
                    )
                )  # fmt: skip
                if found.cost <= min(one.cost for one in searches):
                    message = str(found.message).rstrip(".")
                    if kept is not None:
                        kept(searches[-1].ended, 2.0 * float(found.cost))
        except KeyboardInterrupt:
            complete, message = False, "interrupted"
            if work.best is None:
                raise
            searches.append(
                Start(values_at(parameters, work.best[1]), values_at(parameters, work.best[1]),
                      0.5 * work.best[0], False)
            )  # fmt: skip
        if not searches:
            raise work.fault or ConvergenceError("no start could be computed.", "Narrow the bounds.")
        searches.sort(key=lambda one: one.cost)
        if complete:
            made = at(residuals, parameters, searches[0].ended, labels=labels, work=work)
        else:
            # a person who interrupts does not wait for more: the latest slopes are near enough
            assert work.best is not None
            slopes = np.zeros((work.found.size, len(parameters))) if work.latest is None else work.latest[1]
            made = _told(work, work.best[1], work.found, slopes, labels)
    return replace(
        made,
        starts=tuple(searches),
        loss=loss,
        evaluations=work.count,
        seconds=time.perf_counter() - began,
        complete=complete,
        message=message,
    )


def at(
    residuals: Residuals,
    parameters: Sequence[Parameter],
    values: F64,
    *,
    jacobian: Jacobian | None = None,
    step: float | None = None,
    labels: Sequence[str] = (),
    work: _Work | None = None,
) -> Fit:
    """What data tell of parameters at given values (P,) SI, without a search: residuals, slopes and covariance."""
    if work is None:
        with progress.task("slopes") as counter:
            return at(
                residuals, parameters, values, jacobian=jacobian, step=step, labels=labels,
                work=_Work(residuals, jacobian, parameters, step, counter),
            )  # fmt: skip
    u = np.clip(coordinates_of(parameters, values), work.low, work.high)
    return _told(work, u, work.of_data(u), work.slopes(u), labels)


def _told(work: _Work, u: F64, own: F64, slopes: F64, labels: Sequence[str]) -> Fit:
    """What residuals (N,) and slopes (N, P) at coordinates tell."""
    parameters = work.parameters
    slopes = np.where(np.isfinite(slopes), slopes, 0.0)
    information = slopes.T @ slopes
    information[work.with_prior, work.with_prior] += work.width**-2.0
    return Fit(
        parameters=tuple(parameters),
        values=values_at(parameters, u),
        coordinates=u,
        covariance=covariance_of(information),
        residuals=own,
        jacobian=slopes,
        priors=work.of_priors(u),
        labels=tuple(labels),
        evaluations=work.count,
    )


def _begins(parameters: Sequence[Parameter], starts: int, seed: int) -> list[F64]:
    """(P,) coordinates where searches begin: the parameters' own, and others spread over what is possible."""
    inside = []
    for one in parameters:
        low, high = one.ends
        inside.append(min(max(one.coordinate(one.start), low + 1e-6 * one.span), high - 1e-6 * one.span))
    made = [np.array(inside)]
    if starts > 1:
        from scipy.stats import qmc

        chances = qmc.LatinHypercube(len(parameters), rng=np.random.default_rng(seed)).random(starts - 1)
        for row in 0.02 + 0.96 * chances:
            values = [one.drawn(float(chance)) for one, chance in zip(parameters, row, strict=True)]
            made.append(coordinates_of(parameters, values))
    return made


def _refuse(parameters: Sequence[Parameter]) -> None:
    if not parameters:
        raise InputError("nothing is varied.", "Name what the data are to tell.", key="vary")
    names = [one.name for one in parameters]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f'"{name}" is varied twice.', "Name it once.", key=name)


def _refuse_few(data: int, parameters: Sequence[Parameter]) -> None:
    """Refuse more parameters than data; those with a prior bring a datum of their own."""
    free = sum(one.prior is None for one in parameters)
    if free > data:
        raise InputError(
            f"{free} parameters are to be found from {data} data.",
            "Vary fewer, or give more data.",
            key="vary",
        )
