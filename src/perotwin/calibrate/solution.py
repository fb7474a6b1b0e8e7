"""What a fit found: values, covariance, residuals, and what stands against it; a report of it as text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perotwin.calibrate.parameters import Parameter, coordinates_of
from perotwin.errors import InputError

__all__ = ["SQUARES", "Cauchy", "Fit", "Loss", "SoftL1", "Squares", "Start", "covariance_of"]

F64 = NDArray[np.float64]

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
SQUARES = Squares()


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
    loss: Loss = SQUARES
    evaluations: int = 0
    seconds: float = 0.0
    complete: bool = True
    message: str = ""

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
