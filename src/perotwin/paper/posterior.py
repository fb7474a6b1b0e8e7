"""What the calibration leaves open: draws of the free numbers that the fitted rows allow, within their ranges.

    left = posterior.read()
    left.coordinates(12, seed=1)             # as far as the rows are linear in the numbers
    left.draw(0, 1, rows)                    # as the rows themselves have it

`perotwin reproduce --calibrate` writes `posterior.toml` with the picture that is taken: the rows' residuals at the
calibrated set (differences to the paper over standard deviations), and how they follow the free numbers on their
scales. Where the rows are linear in them, the numbers that they allow are normally distributed, cut off at the ends
of the ranges:

    p(u) ~ exp(-|r + J (u - u0)|^2 / 2)        low <= u <= high

Far from the set they are not: a shunt that tells nothing where it is large takes all the fill factor where it is small.
A draw is therefore proposed by the linear model, and taken or left by what the rows are there.

A number that ends at a bound has its most likely value beyond it, so that the mean of the draws is not the set.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perotwin.calibrate.parameters import Linear, Log, Parameter, coordinates_of, values_at
from perotwin.errors import InputError
from perotwin.paper import calibrated
from perotwin.paper.found import Spread
from perotwin.units import parse

__all__ = ["FILE", "Carried", "Posterior", "as_text", "read", "stamp"]

F64 = NDArray[np.float64]

FILE = Path(__file__).with_name("posterior.toml")
#: sweeps of the sampler from the set to a draw
_SWEEPS = 200
#: proposals of which the last that is taken is a draw. Where half are taken, one draw of 250 is still the set
_PROPOSALS = 8


@dataclass(frozen=True)
class Posterior:
    """Free numbers, and what the rows say of them.

    Attributes:
        of: stamp of the set that it belongs to (see `stamp`).
        free: (P,) the numbers, which start at the set's values and have their ranges as bounds.
        rows: (N,) names of the claims. widths: (N,) their standard deviations, SI.
        residuals: (N,) of the set, over the widths. slopes: (N, P) of the residuals by the scales.
    """

    of: str
    free: tuple[Parameter, ...]
    rows: tuple[str, ...]
    widths: F64
    residuals: F64
    slopes: F64

    def coordinates(self, count: int, seed: int = 1) -> F64:
        """(count, P) draws of the linear model on the scales; more of them leave the first ones as they are.

        Each is the end of a chain of its own from the set, drawn one direction after another (Gibbs sampling; S. Geman
        and D. Geman, IEEE Trans. Pattern Anal. Mach. Intell. 6, 721 (1984), doi:10.1109/TPAMI.1984.4767596), along the
        numbers and along the axes of the normal distribution, so that correlated numbers move together.
        """
        return self._drawn([np.random.default_rng([seed, number]) for number in range(count)])

    def draw(self, number: int, seed: int, rows: Callable[[F64], F64]) -> F64:
        """(P,) a draw on the scales as the rows themselves have it, by its number.

        Metropolis-Hastings from the set, with independent proposals of the linear model (W. K. Hastings, Biometrika
        57, 97 (1970), doi:10.1093/biomet/57.1.97): each is taken by how much likelier the rows make it than the linear
        model did, against the one before.

        Args:
            number, seed: the same ones give the same draw. rows: gives (N,) what the rows are (SI), at values (P,) of
                the free numbers (SI); not a number where a cell cannot be solved, which is never taken.
        """
        proposed = self._drawn([np.random.default_rng([seed, number, k]) for k in range(_PROPOSALS)])
        chances = np.random.default_rng([seed, number, _PROPOSALS]).uniform(size=_PROPOSALS)
        starts = np.array([one.start for one in self.free])
        own = rows(starts)
        linear = self.residuals + self.predicted(proposed) / self.widths
        now, weight = coordinates_of(self.free, starts), 0.0
        for place, expected, chance in zip(proposed, linear, chances, strict=True):
            found = self.residuals + (rows(values_at(self.free, place)) - own) / self.widths
            other = 0.5 * float(expected @ expected - found @ found)
            if np.log(chance) < other - weight:
                now, weight = place, other
        return now

    def _drawn(self, streams: Sequence[np.random.Generator]) -> F64:
        """(K, P) a draw of the linear model from each of K streams of chances."""
        at = coordinates_of(self.free, [one.start for one in self.free])
        low, high = (np.array(ends) for ends in zip(*(one.ends for one in self.free), strict=True))
        size = high - low
        slopes = self.slopes * size
        low, high = (low - at) / size, (high - at) / size
        axes = np.vstack([np.eye(at.size), np.linalg.eigh(slopes.T @ slopes)[1].T])
        along = slopes @ axes.T
        chances = [one.uniform(size=(_SWEEPS, len(axes))) for one in streams]
        now = np.zeros((len(streams), at.size))
        for sweep in range(_SWEEPS):
            for number, axis in enumerate(axes):
                moving = np.abs(axis) > 1e-12
                ends = [(end - now)[:, moving] / axis[moving] for end in (low, high)]
                first, last = np.minimum(*ends).max(axis=1), np.maximum(*ends).min(axis=1)
                part = np.array([one[sweep, number] for one in chances])
                residuals = self.residuals + now @ slopes.T
                step = _between(
                    np.minimum(first, 0.0), np.maximum(last, 0.0), part, along[:, number], residuals
                )
                now = np.clip(now + step[:, None] * axis, low, high)
        return at + size * now

    def predicted(self, coordinates: F64) -> F64:
        """(K, N) what the linear model gives for the rows less what the set gives (SI), of places (K, P)."""
        at = coordinates_of(self.free, [one.start for one in self.free])
        found: F64 = (np.asarray(coordinates) - at) @ self.slopes.T * self.widths
        return found

    def settings(self, coordinates: Sequence[float] | F64) -> dict[str, dict[str, str]]:
        """A draw (P,) as what `calibrated` takes in place of its file: values by path of recipe and base."""
        made: dict[str, dict[str, str]] = {"recipe": {}, "base": {}}
        for one, value in zip(self.free, values_at(self.free, np.asarray(coordinates)), strict=True):
            for path in one.paths:
                which = "base" if path.startswith("base.") else "recipe"
                made[which][path.removeprefix("base.")] = one.written(float(value))
        return made


@dataclass(frozen=True)
class Carried:
    """What draws of the calibrated numbers give.

    Attributes:
        spreads: by row. coordinates: (K, P) the draws. posterior: that they are of.
    """

    spreads: Mapping[str, Spread]
    coordinates: F64
    posterior: Posterior

    def fitted(self) -> list[tuple[str, float, float]]:
        """Of each fitted row its standard deviation (SI) by these draws, and by the linear model at the same draws."""
        linear = self.posterior.predicted(self.coordinates)
        return [
            (name, self.spreads[name].sd, Spread(tuple(linear[:, number].tolist())).sd)
            for number, name in enumerate(self.posterior.rows)
        ]


def _between(first: F64, last: F64, part: F64, along: F64, residuals: F64) -> F64:
    """(K,) steps between two ends (K,), normally distributed where residuals (K, N) follow a step by `along` (N,).

    part: (K,) of the probability between the ends that lies below the step.
    """
    from scipy.special import log_ndtr, ndtri_exp

    sharp = float(np.sqrt(along @ along))
    if sharp == 0.0:
        even: F64 = first + part * (last - first)
        return even
    middle = -(residuals @ along) / sharp**2
    low, high = sharp * (first - middle), sharp * (last - middle)
    # in the tail below the middle, by logarithms: far out nothing is lost
    side = np.where(low + high > 0.0, -1.0, 1.0)
    place = np.logaddexp(np.log1p(-part) + log_ndtr(side * low), np.log(part) + log_ndtr(side * high))
    return np.clip(middle + side * ndtri_exp(place) / sharp, first, last)


def stamp(file: Path | None = None) -> str:
    """What tells a calibrated set from another."""
    data = calibrated.read(file)
    told = [
        f"{which} {path} {value}"
        for which in ("recipe", "base")
        for path, value in data.get(which, {}).items()
    ]
    return hashlib.sha256("\n".join([str(data.get("scan_rate")), *sorted(told)]).encode()).hexdigest()[:16]


def read(file: Path = FILE, of: Path | None = None) -> Posterior | None:
    """What belongs to the calibrated set; None where there is none, or it is of another set."""
    if not file.is_file():
        return None
    data: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    if data["of"] != stamp(of):
        return None
    free = []
    for one in data["free"]:
        value, low, high = (float(parse(one[name], one["dimension"])) for name in ("value", "low", "high"))
        scale = Log() if one["scale"] == "log" else Linear()
        free.append(
            Parameter(
                one["name"], value, low, high, scale, None, one["unit"], one["dimension"], tuple(one["paths"])
            )
        )
    rows = data["row"]
    widths, residuals = (np.array([float(one[name]) for one in rows]) for name in ("sd", "residual"))
    slopes = np.array([one["slopes"] for one in rows], dtype=float)
    found = Posterior(data["of"], tuple(free), tuple(one["claim"] for one in rows), widths, residuals, slopes)
    if found.slopes.shape != (len(rows), len(free)):
        raise InputError(
            "the slopes of the posterior do not fit its rows and numbers.",
            "Write it again: perotwin reproduce --calibrate.",
            file=str(file),
        )
    return found


def as_text(found: Posterior) -> str:
    """The file."""
    lines = [
        "# Written by perotwin reproduce --calibrate with the picture that is taken: what the fitted rows leave open.",
        "# value, low, high: calibrated value and range of a free number. residual: of the set, (twin - paper) / sd;",
        "# sd: of the row, SI; slopes: of the residual by the numbers on their scales (logarithm of SI, or SI).",
        f'of = "{found.of}"',
    ]
    for one in found.free:
        lines += [
            "", "[[free]]", f'name = "{one.name}"',
            "paths = [" + ", ".join(f'"{path}"' for path in one.paths) + "]",
            f'unit = "{one.unit}"', f'dimension = "{one.dimension}"',
            f'scale = "{"log" if isinstance(one.scale, Log) else "linear"}"',
            *(f'{name} = "{one.written(value)}"' for name, value in
              (("value", one.start), ("low", one.low), ("high", one.high))),
        ]  # fmt: skip
    for name, width, residual, slopes in zip(
        found.rows, found.widths, found.residuals, found.slopes, strict=True
    ):
        lines += [
            "", "[[row]]", f'claim = "{name}"', f"sd = {width:.6g}", f"residual = {residual:.6g}",
            "slopes = [" + ", ".join(f"{one:.6g}" for one in slopes) + "]",
        ]  # fmt: skip
    return "\n".join(lines) + "\n"
