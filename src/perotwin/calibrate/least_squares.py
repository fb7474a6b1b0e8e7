"""Weighted least squares with bounds, priors and several starts: what was found, how well, and what stands against it.

    found = solve(residuals, [Parameter("a", 1.0, 0.1, 10.0), Parameter("b", 0.0, -1.0, 1.0, Linear())])
    print(found.report())

The search is `scipy.optimize.least_squares` (trust region reflective: M. A. Branch, T. F. Coleman and Y. Li, SIAM J.
Sci. Comput. 21, 1 (1999), doi:10.1137/S1064827595289108). Residuals are differences over their standard deviations, so
that the sum of their squares is a chi-square; a Gaussian prior is one more residual.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perotwin import progress
from perotwin.calibrate.parameters import Log, Parameter, coordinates_of, values_at
from perotwin.calibrate.solution import SQUARES, Cauchy, Fit, Loss, SoftL1, Squares, Start, covariance_of
from perotwin.errors import ConvergenceError, InputError, PerotwinError

__all__ = ["SQUARES", "Cauchy", "Fit", "Loss", "SoftL1", "Squares", "Start", "at", "covariance_of", "solve"]

F64 = NDArray[np.float64]
#: of values (P,) SI: residuals (N,) over their standard deviations
Residuals = Callable[[F64], F64]
#: of values (P,) SI: (N, P) how the residuals follow the values
Jacobian = Callable[[F64], F64]

#: steps of central differences where no Jacobian is given: on a logarithmic scale, and as a part of the bounds' span
_STEP_LOG, _STEP_PART = 1e-3, 1e-4
_TOLERANCE = 1e-8
_MOST = 200
#: a search goes on where slopes promise that its cost falls by so much, while a part of what they promised comes true
_PROMISED, _KEPT_PROMISE = 0.05, 0.1
#: s, between tellings of the best so far
_TOLD_EVERY = 5.0


class _Work:
    """The function that is made small, in the coordinates of the scales, with the best of what was tried."""

    def __init__(
        self,
        residuals: Residuals,
        jacobian: Jacobian | None,
        parameters: Sequence[Parameter],
        step: float | None,
        counter: progress.Task,
        kept: Callable[[F64, float], Any] | None = None,
    ) -> None:
        self.kept, self.told = kept, time.monotonic()
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
            if self.kept is not None and time.monotonic() - self.told > _TOLD_EVERY:
                self.told = time.monotonic()
                self.kept(values_at(self.parameters, u), cost)
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
    loss: Loss = SQUARES,
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
        label: of the progress. kept: called with values (P,) and what is made small at the best so far, every few
            seconds and after each search.

    Returns:
        The fit. Interrupted (Ctrl-C) it holds the best of what was tried, and is not `complete`.

    Raises:
        InputError: no parameters, two of one name, more of them than residuals.
        PerotwinError: the residuals cannot be computed where the search begins.
        KeyboardInterrupt: interrupted before one evaluation was done.
    """
    _refuse(parameters)
    began = time.perf_counter()
    with progress.task(label) as counter:
        work = _Work(residuals, jacobian, parameters, step, counter, kept)
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
                found = _searched(work, begun, size, loss, tolerance, evaluations)
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


def _searched(work: _Work, begun: F64, size: F64, loss: Loss, tolerance: float, evaluations: int) -> Any:
    """A search from coordinates (P,) to its end: what scipy says of it.

    Near a bound every step is cut to what remains to that bound, and a search may end for the shortness of its steps
    where other numbers have far to go. It goes on from there, with steps of full length, while its slopes promise more.
    """
    from scipy.optimize import least_squares

    used, before, hoped = 0, np.inf, 0.0
    while True:
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
            max_nfev=evaluations - used,
        )
        used += found.nfev
        promised = _promised(found, work.low, work.high, size)
        if promised <= max(_PROMISED, 10.0 * tolerance * found.cost):
            return found
        if used >= evaluations or before - found.cost < _KEPT_PROMISE * hoped:
            # its slopes are not what the model does there: noise, a kink, a run in time that remembers old ones
            found.message = f"{found.message.rstrip('.')}; its slopes promise {2.0 * promised:.2g} less"
            return found
        begun, before, hoped = found.x, float(found.cost), promised


def _promised(found: Any, low: F64, high: F64, size: F64) -> float:
    """How much the slopes at the end of a search promise that its cost, half a chi-square, can fall within bounds: by
    what is made small as a quadratic form there, exact at the bounds (bounded-variable least squares: P. B. Stark and
    R. L. Parker, Comput. Stat. 10, 129 (1995)).
    """
    from scipy.optimize import lsq_linear

    slopes = found.jac * size
    # for a loss that is not of squares scipy's slopes make its curvature, and its gradient is that of the loss
    lever = np.linalg.lstsq(slopes.T, found.grad * size, rcond=None)[0]
    step = lsq_linear(
        slopes,
        -lever,
        bounds=((low - found.x) / size - 1e-12, (high - found.x) / size + 1e-12),
        method="bvls",
    ).x
    return float(-(found.grad * size) @ step - 0.5 * np.sum((slopes @ step) ** 2))


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
