"""Data in time, and how a cell compares with them: scans with ions that move, decays of luminescence.

Their slopes are those of the time steps as they were taken (`transport.sensitivity_in_time`), for all numbers in one
run. What these do not tell, gaps that move others along, is differenced: by a coarser step than that of steady states,
which keeps what the time steps scatter by out of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
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
    from perotwin.lab.pulsed_light import Decay as Decayed
    from perotwin.lab.scan_protocol import Hold, Rest
    from perotwin.stack import Cell, Stack
    from perotwin.transport.schedule import Step
    from perotwin.transport.sensitivity_in_time import Knob

__all__ = ["Decay", "Scan", "Segment", "thinned"]

F64 = NDArray[np.float64]

#: step of differences on the scales
_COARSE = 0.02
#: allowed local error of a time step (kT, relative) of scans and of decays. What it leaves of all points together, in
#: their standard deviations, moves no number by more than a third of its own (a decay of 1e6 photons, currents to 1e-3)
_SCAN, _DECAY = 1e-3, 1e-5
#: by what part of that it is finer in what is expected of an instrument: a fit's own error is then left over
_FINER = 0.1
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
#: relative step along a direction that is known, of what costs nothing
_ALONG = 1e-4
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

    @property
    def followed(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.nuisances())

    def _unknown(self, own: Own, what: str) -> float:
        stated = {"rate": self.rate, "dwell": self.dwell, "light": None}[what]
        usual = {"rate": RATE, "dwell": DWELL, "light": 1.0}[what]
        return stated if stated is not None else own.get(f"{self.name}: {what}", usual)

    def _schedule(self, own: Own) -> tuple[list[Step], dict[str, Knob], list[bool]]:
        """Steps, its unknowns as knobs of them, and of each segment whether it begins where the one before ended."""
        from perotwin.transport.schedule import Step, Voltage
        from perotwin.transport.sensitivity_in_time import Knob

        rate, dwell, light = (self._unknown(own, what) for what in ("rate", "dwell", "light"))
        light *= self.light
        steps = []
        if self.hold is not None:
            steps.append(Step(float(self.hold.time), Voltage(float(self.hold.voltage)), light))
        last = float(self.segments[0].voltage[0])
        steps.append(Step(float(dwell), Voltage(last), light))
        before = len(steps)
        shared = []
        for one in self.segments:
            shared.append(bool(abs(one.voltage[0] - last) < 1e-9))
            path = one.voltage if shared[-1] else np.concatenate([[last], one.voltage])
            times = np.abs(path[1:] - path[0]) / rate
            ramp = Voltage(float(path[0]), float(path[-1]))
            steps.append(Step(float(times[-1]), ramp, light, times=tuple(times.tolist())))
            last = float(path[-1])
        ramps = range(before, len(steps))
        knobs = {
            "light": Knob(light=1.0),
            "rate": Knob(duration=dict.fromkeys(ramps, -1.0)),
            "dwell": Knob(duration={before - 1: 1.0}),
        }
        return steps, knobs, shared

    def _run(
        self, twin: Twin, values: Values, own: Own, fields: Sequence[str] | None = None, finer: float = 1.0
    ) -> tuple[F64, F64 | None]:
        """(N,) currents, and (N, F + K) how they follow fields and its own unknowns, where fields are given; by time
        steps of an error `finer` times as large.

        Raises:
            ConvergenceError: a time step could not be taken.
        """
        from perotwin.transport.sensitivity_in_time import FollowingInTime
        from perotwin.transport.transient import Engine

        steps, knobs, shared = self._schedule(own)
        engine = Engine(twin.problem(values), finer * _SCAN)
        rest, dim = (0.0, 0.0), self._unknown(own, "light")
        if self.rest is not None:
            rest = float(self.rest.voltage), float(self.rest.light) * dim
        now = engine.settled(*rest)
        unknown = [one.removeprefix(f"{self.name}: ") for one in self.followed]
        course = None
        if fields is not None:
            follows = FollowingInTime(engine, fields, [knobs[what] for what in unknown])
            course = follows.course(now, rest[1])
        trace = engine.run(steps, now, keep=False, companion=course)
        if not trace.complete:
            raise KeyboardInterrupt
        index: list[int] = []
        before = len(steps) - len(self.segments)
        for number, (one, begun) in enumerate(zip(self.segments, shared, strict=True)):
            here = np.flatnonzero(trace.step == before + number).tolist()
            # its first point is what was read last before it, where it begins there
            index += ([here[0] - 1, *here] if begun else here)[: one.voltage.size]
        if course is None:
            return trace.current[index], None
        slopes = course.current[index]
        # knobs by their logarithms
        slopes[:, slopes.shape[1] - len(unknown) :] /= [self._unknown(own, what) for what in unknown]
        return trace.current[index], slopes

    def _model(self, twin: Twin, values: Values, own: Own, finer: float = 1.0) -> F64:
        try:
            return self._run(twin, values, own, finer=finer)[0]
        except ConvergenceError:
            return np.full(sum(one.voltage.size for one in self.segments), np.nan)

    def residuals(self, twin: Twin, values: Values, own: Own) -> F64:
        _, current, sd = self._data
        return (self._model(twin, values, own) - current) / sd

    def slopes(self, twin: Twin, values: Values, own: Own, fields: Sequence[str]) -> F64 | None:
        _, found = self._run(twin, values, own, fields)
        assert found is not None
        return found / self._data[2][:, None]

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
        found = self._model(twin, values, own, _FINER)
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
        return [f"{self.name} at {1e9 * t:{'.0f' if t >= 1e-7 else '.3g'}} ns" for t in middles]

    def seen(self, twin: Twin, values: Values) -> Any:
        """The sample that a cell's film makes."""
        from perotwin.calibrate.twin import sample_of

        return sample_of(twin.with_values(values), self.sample)

    @property
    def followed(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.nuisances())

    def _decay(
        self,
        small: Twin,
        sample: Stack,
        factor: float,
        fields: Sequence[str] | None = None,
        finer: float = 1.0,
    ) -> Decayed:
        """The light of the sample after a pulse, and how it follows fields and the fluence where fields are given; by
        time steps of an error `finer` times as large.

        Raises:
            ConvergenceError: a time step could not be taken.
        """
        from perotwin.lab import pulsed_light, trpl
        from perotwin.transport.sensitivity_in_time import FollowingInTime, Knob
        from perotwin.transport.transient import Engine

        protocol = trpl.Protocol(
            sample=self.sample, wavelength=self.wavelength, fluence=self.fluence * factor,
            duration=float(self.edges[-1]),
        )  # fmt: skip
        engine = Engine(small.problem_of(sample), finer * _DECAY)
        follows = None
        if fields is not None:
            follows = FollowingInTime(engine, fields, [Knob(pulses=1.0)] * len(self.followed))
        return pulsed_light.followed(engine, protocol, follows)[0]

    def _shares(self, twin: Twin, values: Values, own: Own, finer: float) -> F64:
        """(B,) share of the light in each group."""
        from perotwin.lab import pulsed_light

        small = twin.sample(self.sample)
        factor = own.get(self._fluence, 1.0)
        sample = self.seen(twin, values)
        kept = small.decays
        key = (
            self.name,
            factor,
            self.fluence,
            self.wavelength,
            self.edges.size,
            float(self.edges[-1]),
            finer,
        )
        for (known, other), found in kept:
            if known == key and other == sample:
                return found
        try:
            found = pulsed_light.shares(self._decay(small, sample, factor, finer=finer), self.edges)
        except ConvergenceError:
            found = np.full(self.counts.size, np.nan)
        kept.insert(0, ((key, sample), found))
        del kept[_KEPT:]
        return found

    def _counted(self, share: F64) -> F64:
        """(B,) counts from the share of the light in each group."""
        light = max(float(self.counts.sum() - self.background.sum()), 1.0)
        return np.maximum(light * share + self.background, 1e-6)

    def _model(self, twin: Twin, values: Values, own: Own, finer: float = 1.0) -> F64:
        return self._counted(self._shares(twin, values, own, finer))

    def residuals(self, twin: Twin, values: Values, own: Own) -> F64:
        return deviance(self._model(twin, values, own), self.counts)

    def slopes(self, twin: Twin, values: Values, own: Own, fields: Sequence[str]) -> F64 | None:
        from perotwin.lab import pulsed_light

        cell, sample = twin.with_values(values), self.seen(twin, values)
        factor = own.get(self._fluence, 1.0)
        found = np.zeros((self.counts.size, len(fields) + len(self.followed)))
        paths: list[str] = []
        places: list[int] = []
        for place, path in enumerate(fields):
            seen = _seen(cell, sample, path, lambda some: self.seen(twin, {**values, **some}))
            if seen is None:
                found[:, place] = np.nan
            elif seen:
                paths.append(path)
                places.append(place)
        places += range(len(fields), found.shape[1])
        if not places:
            return found
        decay = self._decay(twin.sample(self.sample), sample, factor, paths)
        assert decay.by is not None

        def deviates(light: F64) -> F64:
            shares = pulsed_light.shares(replace(decay, light=light), self.edges)
            return deviance(self._counted(shares), self.counts)

        known = decay.light > 0.0
        for place, by in zip(places, decay.by.T, strict=True):
            most = float(np.max(np.abs(by[known] / decay.light[known])))
            if most > 0.0:
                # what counts make of the light, along the direction in which it moves
                step = _ALONG / most
                apart = deviates(decay.light + step * by) - deviates(decay.light - step * by)
                found[:, place] = apart / (2.0 * step)
        found[:, len(fields) :] /= factor
        return found

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
        model = self._model(twin, values, own, _FINER)
        return replace(self, counts=model if rng is None else rng.poisson(model).astype(float))


def _seen(cell: Cell, sample: Stack, path: str, changed: Callable[[dict[str, float]], Any]) -> bool | None:
    """Whether a sample of a cell has a number of it; None where it follows it in another way than by having it."""
    from perotwin.stack.short_paths import full_paths

    here = float(cell.get(path))
    if changed({path: here * (1.0 + _ALONG) if here else _ALONG}) == sample:
        return False
    try:
        return True if all(float(sample.get(one)) == here for one in full_paths(cell, path)) else None
    except InputError:
        return None


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
