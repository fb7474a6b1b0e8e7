"""Data in time, and how a cell compares with them: scans with ions that move, decays of luminescence.

Their slopes are differences of whole runs, whose time steps adapt: a coarser step of differences than that of steady
states keeps what the time steps scatter by out of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from perotwin.calibrate.data import Own, Table, level
from perotwin.calibrate.parameters import Gaussian, Log, Parameter
from perotwin.calibrate.twin import Twin, Values
from perotwin.errors import ConvergenceError, InputError

if TYPE_CHECKING:
    from perotwin.lab.decay_fits import Histogram
    from perotwin.lab.scan_protocol import Hold, Rest

__all__ = ["Decay", "Scan", "Segment", "thinned"]

F64 = NDArray[np.float64]

#: step of differences on the scales
_COARSE = 0.02
#: allowed local error of a time step (kT, relative) of scans and of decays: currents are then right to 1e-5 of Jsc
_SCAN, _DECAY = 1e-2, 1e-3
#: bounds of a rate or a time that nobody stated, as factors, and the standard deviation of its logarithm
_UNSAID, _UNSAID_SD = 30.0, 1.0
#: what a rate and a dwell are taken for that nobody stated, V/s and s
RATE, DWELL = 0.1, 10.0
#: points of a scan that are compared at most
MOST = 40
#: results of decays that are kept
_KEPT = 8
#: counts of a group of bins at least, and its width as a part of the time since the onset
_COUNTS, _GROUP = 30.0, 0.04
#: bins after the fullest one that the rise may still reach
_AFTER = 3


@dataclass(frozen=True)
class Segment:
    """One direction of a scan: (K,) voltage (V) and current (A m^-2) in the order of the scan, (K,) its sd."""

    direction: str
    voltage: F64
    current: F64
    sd: F64


@dataclass(frozen=True)
class Scan:
    """Scans one after the other, without a pause, under one light; all ions move.

    Attributes:
        segments: in the order in which they were scanned.
        rate: V/s; None where nobody stated it: then it is found with the rest.
        dwell: s at the first voltage under light; None as of the rate.
        hold: preconditioning under light before that. rest: where the cell had settled before it all.
        light: suns. level_sd: of the light, in all points alike.
    """

    name: str
    cell: str
    segments: tuple[Segment, ...]
    rate: float | None = None
    dwell: float | None = None
    hold: Hold | None = None
    rest: Rest | None = None
    light: float = 1.0
    level_sd: float = 0.0
    kind = "scan"
    step = _COARSE
    both_sides = False

    def nuisances(self) -> tuple[Parameter, ...]:
        made = []
        if self.level_sd > 0.0:
            made.append(
                level(f"{self.name}: light", self.level_sd, "level of the light and area of the mask")
            )
        for what, stated, usual, unit, dimension in (
            ("rate", self.rate, RATE, "mV/s", "scan rate"), ("dwell", self.dwell, DWELL, "s", "time"),
        ):  # fmt: skip
            if stated is None:
                prior = Gaussian(usual, _UNSAID_SD, "not stated: assumed")
                made.append(
                    Parameter(
                        f"{self.name}: {what}",
                        usual,
                        usual / _UNSAID,
                        usual * _UNSAID,
                        Log(),
                        prior,
                        unit,
                        dimension,
                    )
                )
        return tuple(made)

    def labels(self) -> list[str]:
        return [f"{self.name}, {one.direction} at {v:.3f} V" for one in self.segments for v in one.voltage]

    @property
    def _data(self) -> tuple[F64, F64, F64]:
        return tuple(  # type: ignore[return-value]  # three columns
            np.concatenate([getattr(one, name) for one in self.segments])
            for name in ("voltage", "current", "sd")
        )

    def _model(self, twin: Twin, values: Values, own: Own) -> F64:
        from perotwin.transport.schedule import Step, Voltage
        from perotwin.transport.transient import Engine

        rate = self.rate if self.rate is not None else own.get(f"{self.name}: rate", RATE)
        dwell = self.dwell if self.dwell is not None else own.get(f"{self.name}: dwell", DWELL)
        light = self.light * own.get(f"{self.name}: light", 1.0)
        nothing = np.full(sum(one.voltage.size for one in self.segments), np.nan)
        try:
            engine = Engine(twin.problem(values), _SCAN)
            rest = self.rest
            now = engine.settled(*((0.0, 0.0) if rest is None else (float(rest.voltage), float(rest.light))))
            steps = []
            if self.hold is not None:
                steps.append(Step(float(self.hold.time), Voltage(float(self.hold.voltage)), light))
            first = float(self.segments[0].voltage[0])
            steps.append(Step(float(dwell), Voltage(first), light))
            before, last = len(steps), first
            parts = []
            for one in self.segments:
                path = (
                    one.voltage
                    if abs(one.voltage[0] - last) < 1e-9
                    else np.concatenate([[last], one.voltage])
                )
                times = np.abs(path[1:] - path[0]) / rate
                ramp = Voltage(float(path[0]), float(path[-1]))
                steps.append(Step(float(times[-1]), ramp, light, times=tuple(times.tolist())))
                parts.append(path.size == one.voltage.size)
                last = float(path[-1])
            trace = engine.run(steps, now, keep=False)
        except ConvergenceError:
            return nothing
        if not trace.complete:
            raise KeyboardInterrupt
        found = []
        for number, (one, shared) in enumerate(zip(self.segments, parts, strict=True)):
            here = np.flatnonzero(trace.step == before + number)
            # its first point is what was read last before it, where it begins there
            index = np.concatenate([[here[0] - 1], here]) if shared else here
            found.append(trace.current[index][: one.voltage.size])
        return np.concatenate(found)

    def residuals(self, twin: Twin, values: Values, own: Own) -> F64:
        _, current, sd = self._data
        return (self._model(twin, values, own) - current) / sd

    def slopes(self, twin: Twin, values: Values, own: Own, fields: Sequence[str]) -> F64 | None:
        return None

    def seen(self, twin: Twin, values: Values) -> Any:
        return None

    def table(self, twin: Twin, values: Values, own: Own) -> Table:
        voltage, current, sd = self._data
        parts = tuple(one.direction for one in self.segments for _ in one.voltage)
        return Table(
            "voltage",
            "V",
            "current_density",
            "A m-2",
            voltage,
            current,
            self._model(twin, values, own),
            sd,
            parts,
        )

    def expected(self, twin: Twin, values: Values, own: Own, rng: np.random.Generator | None) -> Self:
        found = self._model(twin, values, own)
        sd = self._data[2]
        if rng is not None:
            found = found + sd * rng.standard_normal(found.size)
        ends = np.cumsum([one.voltage.size for one in self.segments])[:-1]
        return replace(
            self,
            segments=tuple(
                replace(one, current=part)
                for one, part in zip(self.segments, np.split(found, ends), strict=True)
            ),
        )


def thinned(voltage: F64, most: int = MOST) -> NDArray[np.int64]:
    """Which points of a curve (K,) are compared: all, or as many as told, evenly along it, both ends included."""
    if voltage.size <= most:
        return np.arange(voltage.size)
    return np.unique(np.round(np.linspace(0, voltage.size - 1, most)).astype(np.int64))


@dataclass(frozen=True)
class Decay:
    """Photons counted after a short pulse on a sample of the cell, in B groups of bins from the peak on.

    The number of photons and the background are the measurement's own: the model gives as many as were counted, and the
    background is that of the bins before the pulse.

    Attributes:
        sample: "film", "film/c60" and the like. wavelength (m), fluence (J m^-2): of the pulse.
        edges: (B + 1,) s from the onset. counts: (B,). background: (B,) of them, expected.
        fluence_sd: of the logarithm of the fluence, about what is stated.
    """

    name: str
    cell: str
    sample: str
    wavelength: float
    fluence: float
    edges: F64
    counts: F64
    background: F64
    fluence_sd: float = 0.0
    step = _COARSE
    both_sides = False

    @property
    def kind(self) -> str:
        return "trpl" if self.sample == "film" else "trpl_half_stack"

    @property
    def _fluence(self) -> str:
        return f"{self.name}: fluence"

    def nuisances(self) -> tuple[Parameter, ...]:
        if self.fluence_sd == 0.0:
            return ()
        return (level(self._fluence, self.fluence_sd, "energy and spot of the pulse"),)

    def labels(self) -> list[str]:
        middles = 0.5 * (self.edges[1:] + self.edges[:-1])
        return [f"{self.name} at {1e9 * t:.3g} ns" for t in middles]

    def seen(self, twin: Twin, values: Values) -> Any:
        """The sample that a cell's film makes."""
        from perotwin.calibrate.twin import sample_of

        return sample_of(twin.with_values(values), self.sample)

    def _shares(self, twin: Twin, values: Values, own: Own) -> F64:
        """(B,) share of the light in each group."""
        from perotwin.lab import pulsed_light, trpl
        from perotwin.transport.transient import Engine

        small = twin.sample(self.sample)
        factor = own.get(self._fluence, 1.0)
        sample = self.seen(twin, values)
        kept = small.decays
        key = (self.name, factor, self.fluence, self.wavelength, self.edges.size, float(self.edges[-1]))
        for (known, other), found in kept:
            if known == key and other == sample:
                return found
        protocol = trpl.Protocol(
            sample=self.sample, wavelength=self.wavelength, fluence=self.fluence * factor,
            duration=float(self.edges[-1]),
        )  # fmt: skip
        try:
            engine = Engine(small.problem_of(sample), _DECAY)
            decay, _ = pulsed_light.followed(engine, protocol)
            found = pulsed_light.shares(decay, self.edges)
        except ConvergenceError:
            found = np.full(self.counts.size, np.nan)
        kept.insert(0, ((key, sample), found))
        del kept[_KEPT:]
        return found

    def _model(self, twin: Twin, values: Values, own: Own) -> F64:
        share = self._shares(twin, values, own)
        light = max(float(self.counts.sum() - self.background.sum()), 1.0)
        return np.maximum(light * share + self.background, 1e-6)

    def residuals(self, twin: Twin, values: Values, own: Own) -> F64:
        return deviance(self._model(twin, values, own), self.counts)

    def slopes(self, twin: Twin, values: Values, own: Own, fields: Sequence[str]) -> F64 | None:
        return None

    def table(self, twin: Twin, values: Values, own: Own) -> Table:
        middles = np.sqrt(np.maximum(self.edges[1:] * self.edges[:-1], 0.25 * self.edges[1] ** 2))
        width = np.diff(self.edges)
        narrowest = float(width.min())
        per = narrowest / width
        return Table(
            "time", "s", "counts", "1", middles, per * self.counts, per * self._model(twin, values, own),
            per * np.sqrt(np.maximum(self.counts, 1.0)), (self.sample,) * middles.size,
        )  # fmt: skip

    def expected(self, twin: Twin, values: Values, own: Own, rng: np.random.Generator | None) -> Self:
        model = self._model(twin, values, own)
        return replace(self, counts=model if rng is None else rng.poisson(model).astype(float))


def deviance(model: F64, counts: F64) -> F64:
    """Signed roots of the deviance of Poisson counts: their squares sum up to twice the logarithm of the likelihood
    ratio (T. A. Laurence, B. A. Chromy, Nat. Methods 7, 338 (2010), doi:10.1038/nmeth0510-338)."""
    ratio = np.where(counts > 0.0, counts / model, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        twice = 2.0 * (model - counts + np.where(counts > 0.0, counts * np.log(ratio), 0.0))
    return np.asarray(np.sign(model - counts) * np.sqrt(np.maximum(twice, 0.0)))


def groups(histogram: Histogram) -> tuple[F64, F64, F64]:
    """Bins of a histogram put together from the peak on: edges (s from the onset), counts, expected background.

    Raises:
        InputError: too little light.
    """
    first = histogram.peak + _AFTER
    time = histogram.time - histogram.onset
    background = histogram.background
    if background is None:
        background = histogram.level if math.isfinite(histogram.level) else 0.0
    bounds = [first]
    total = 0.0
    for index in range(first, time.size):
        total += histogram.counts[index]
        wide = (index + 1 - bounds[-1]) * histogram.width >= _GROUP * max(float(time[index]), 0.0)
        if wide and total >= _COUNTS + background * (index + 1 - bounds[-1]):
            bounds.append(index + 1)
            total = 0.0
    if len(bounds) < 6:
        raise InputError(
            "this decay holds too little light above its background for a comparison.",
            "Count longer, or leave it out.",
            key="counts",
        )
    edges = np.append(time[bounds[:-1]] - 0.5 * histogram.width, time[bounds[-1] - 1] + 0.5 * histogram.width)
    counts = np.array([histogram.counts[a:b].sum() for a, b in pairwise(bounds)])
    expected = background * np.diff(bounds).astype(float)
    return np.maximum(edges, 0.0), counts, expected
