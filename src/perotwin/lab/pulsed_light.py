"""A short pulse of light on a sample and the light that it gives back: the measuring half of `trpl`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import ConvergenceError, InputError
from perotwin.lab import conditions

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.lab.trpl import Protocol
    from perotwin.measurement import Instrument
    from perotwin.stack import Cell, Stack
    from perotwin.transport.sensitivity_in_time import FollowingInTime
    from perotwin.transport.time_series import Moment, Trace
    from perotwin.transport.transient import Engine

__all__ = ["Decay", "Emission", "follow", "followed", "measure", "shares"]

F64 = NDArray[np.float64]

#: allowed local error of a time step (kT, relative): lifetimes are then right to half a percent, four decades down too
_TOLERANCE = 1e-4
#: first reported moment after the pulse, s, and how many a decade of time
_FIRST, _A_DECADE = 1e-11, 24
#: a decay without a stated end is followed until this part of its peak is left, for so long at most, s
_LEFT, _LONGEST = 1e-4, 1e-3
#: the first time step of a piece of the decay as a part of the time that has passed
_BEGIN = 1e-2
#: suns that shine all the time where a sample without any light has so few carriers that it cannot be solved; what they
#: make is taken off
_DIM = 1e-6
#: bins before the pulse as a part of those after it, and points of an integral over them in a decade of time
_BEFORE, _FINE = 0.05, 400
#: ions that do not get anywhere, m^2/s
_HELD = "1e-26 cm^2/s"
#: pairs may be more than those made by this part, and light at the end that is more than this part of its peak is said
_PAIRS, _CUT = 1e-6, 1e-3
#: charge that leaves a sample at open circuit over what the pulse made in it
_CHARGE = 1e-6


def measure(cell: Cell, protocol: Protocol, instrument: Instrument) -> xr.Dataset:
    """The histogram of a decay; see `trpl.measure`."""
    from perotwin.measurement import check, make_dataset
    from perotwin.stack import films
    from perotwin.transport.build import build
    from perotwin.transport.splitting_in_time import splitting_checks
    from perotwin.transport.transient import Engine

    sample = _held(films.part_of(cell, protocol.sample, junction=protocol.junction))
    engine = Engine(build(sample), tolerance=_TOLERANCE)
    if not any(float(part.device.layer[:, _radiative_column()].max()) > 0.0 for part in engine.problem.parts):
        raise InputError(
            f'nothing in "{sample.name}" radiates, so that there is no light to count.',
            "Give the absorber radiative recombination; with optics it has it unless it is left out.",
            key="recombination.radiative",
        )
    decay, dim = followed(engine, protocol)
    last = float(decay.time[-1]) if protocol.duration is None else float(protocol.duration)
    time, share = _bins(decay, last, protocol.bins)
    counts = share * protocol.photons + protocol.background
    if protocol.seed is not None:
        counts = np.random.default_rng(protocol.seed).poisson(counts).astype(float)
    thickness = sum(float(layer.thickness) for layer in sample.absorbers)
    excited = decay.made / thickness
    known = {"background": 0.0} if protocol.background == 0.0 else {}
    left = float(decay.light[-1] / decay.light.max())
    return make_dataset(
        instrument,
        {"counts": ("time", counts)},
        {"time": time},
        about={
            **conditions.about(sample, protocol, 0.0),
            **known,
            "thickness": thickness,
            "diffusion_coefficient": _diffusion(sample, excited),
            "excited": excited,
            "steps": decay.steps,
        },
        checks={
            **splitting_checks(decay.splitting),
            **engine.lights.checks,
            "charge through the ends over what the pulse made": check(decay.passed, _CHARGE),
            "pairs above those that the pulse made": check(max(decay.kept - 1.0, 0.0), _PAIRS),
        },
        notes=[*engine.problem.notes, *engine.lights.notes, *_remarks(excited, left, dim)],
    )


def _held(sample: Stack) -> Stack:
    """The sample with its ions as they lie in the dark: they do not get anywhere."""
    slow = {}
    for layer in sample.electrical_layers:
        if layer.ions is not None:
            slow[f"{layer.name}.ions.diffusion_coefficient"] = _HELD
            if layer.ions.second is not None:
                slow[f"{layer.name}.ions.second.diffusion_coefficient"] = _HELD
    return sample.with_values(slow) if slow else sample


def _radiative_column() -> int:
    from perotwin.transport import device as dv

    return int(dv.K_RAD)


def _diffusion(sample: Stack, excited: float) -> float:
    """Diffusion coefficient (m^2/s) with which a density (m^-3) spreads: ambipolar, or that of the carrier that is
    fewer where the absorber is doped more than that.
    """
    from perotwin.transport.energies import K_EV

    layer = max(sample.absorbers, key=lambda one: float(one.thickness))
    assert layer.electronic is not None
    own = layer.electronic
    thermal = K_EV * float(sample.temperature)
    n, p = thermal * float(own.electron_mobility), thermal * float(own.hole_mobility)
    doping = float(own.donor_density) - float(own.acceptor_density)
    if abs(doping) > excited:
        return p if doping > 0.0 else n
    return 2.0 * n * p / (n + p)


def _remarks(excited: float, left: float, dim: float) -> list[str]:
    said = [f"the pulse makes {excited * 1e-6:.3g} pairs a cm^3, mean over the absorber."]
    if dim > 0.0:
        said.append(
            f"light of {dim:g} suns shines all the time: in the dark the sample holds next to no carriers."
        )
    if left > _CUT:
        said.append(
            f"{100.0 * left:.2g} % of the peak is left at the end: under pulses that come again so soon it would lie "
            "under the next decay. Give a longer duration."
        )
    return said


def _bins(decay: Decay, last: float, bins: int) -> tuple[F64, F64]:
    """Middles of bins (s), those before the pulse first, and the share of all light after it that falls into each."""
    edges = np.linspace(0.0, last, bins + 1)
    share = shares(decay, edges)
    width = edges[1]
    before = round(_BEFORE * bins)
    middles = (np.arange(-before, bins) + 0.5) * width
    return middles, np.concatenate([np.zeros(before), share])


def shares(decay: Decay, edges: F64) -> F64:
    """The share of the light between the first and the last edge (s after the pulse) that falls between each two.

    Args:
        decay: of the sample. edges: (B + 1,) ascending, none before the pulse.
    """
    from scipy.interpolate import CubicSpline

    last = float(edges[-1])
    known = decay.light > 0.0
    u, log_light = np.log(decay.time[known]), np.log(decay.light[known])
    fine = np.linspace(u[0], np.log(last), int(np.ceil(_FINE * (np.log(last) - u[0]) / np.log(10.0))) + 1)
    height = CubicSpline(u, log_light)(np.minimum(fine, u[-1]))
    time, light = np.exp(fine), np.exp(height)
    fall = height[:-1] - height[1:]
    # each stretch as an exponential
    mean = light[:-1] * np.where(
        np.abs(fall) > 1e-6, -np.expm1(-fall) / np.where(fall == 0.0, 1.0, fall), 1.0
    )
    # from the pulse to the first moment as at that
    total = np.concatenate(
        [[0.0], light[0] * time[0] + np.concatenate([[0.0], np.cumsum(mean * np.diff(time))])]
    )
    time = np.concatenate([[0.0], time])
    # within a stretch by a cubic in time, as bins are no part of the grid
    from scipy.interpolate import PchipInterpolator

    at = PchipInterpolator(time, total)(edges)
    return np.asarray(np.diff(at) / (at[-1] - at[0]))


# --- the sample in time ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Decay:
    """The light of a sample after a pulse. T moments.

    Attributes:
        time: (T,) s after the pulse. light: (T,) net radiative recombination that the pulse adds, m^-2 s^-1.
        made: pairs that the pulse made, m^-2. kept: the most pairs in the sample over those made.
        steps: of the solver. splitting: (T,) V (see `transport.time_series.Trace`). passed: charge that went
            through the ends of the sample as a part of what the pulse made.
        by: (T, P) how the light follows P fields, where that was asked for.
    """

    time: F64
    light: F64
    made: float
    kept: float
    steps: int
    splitting: F64
    passed: float
    by: F64 | None = None


class Emission:
    """Net radiative recombination and carriers of a sample at moments in time, recomputed apart from the solver."""

    def __init__(self, engine: Engine) -> None:
        from perotwin.transport import device as dv

        self._parts = [(part.device, part.site_layer, part.site_node) for part in engine.problem.parts]
        self._dv = dv

    def of(self, moment: Moment) -> tuple[float, float, float]:
        """Net radiative recombination (m^-2 s^-1), electrons and holes (m^-2) of the whole sample."""
        from perotwin.transport.profiles import drive, log_activity

        dv = self._dv
        light = electrons = holes = 0.0
        for number, (device, layer, node) in enumerate(self._parts):
            state, table = moment.junction(number), device.layer[layer]
            up = (state.fn + state.fn_rest)[node]
            down = (state.fp + state.fp_rest)[node] - float(state.v[0])
            psi = state.psi[node]
            free = table[:, dv.DEGENERATE] != 0.0
            eta_n, eta_p = psi + up - table[:, dv.EC], table[:, dv.EV] - psi - down
            n = np.exp(eta_n + table[:, dv.LN_NC] + log_activity(eta_n, free))
            p = np.exp(eta_p + table[:, dv.LN_NV] + log_activity(eta_p, free))
            # in detailed balance the rate follows the splitting alone, also of carriers that are crowded
            equal = table[:, dv.NP_EQ] * np.expm1(np.minimum(up - down, 700.0))
            lit = np.where(device.balanced[layer], equal, drive(n, p, up - down))
            light += float((table[:, dv.K_RAD] * lit) @ device.volume)
            electrons += float(n @ device.volume)
            holes += float(p @ device.volume)
        return light, electrons, holes


def followed(
    engine: Engine, protocol: Protocol, follows: FollowingInTime | None = None
) -> tuple[Decay, float]:
    """The decay of a sample in the dark, or where that holds too few carriers in a dim light, and that light (suns).

    Raises:
        ConvergenceError: a time step could not be taken in either.
    """
    try:
        return follow(engine, protocol, 0.0, follows), 0.0
    except ConvergenceError:
        return follow(engine, protocol, _DIM, follows), _DIM


def follow(engine: Engine, protocol: Protocol, light: float, follows: FollowingInTime | None = None) -> Decay:
    """The decay after a pulse on a sample that has settled in a dim light (suns) or none.

    Args:
        engine: of the sample. protocol: of the pulse. light: suns that shine all the time. follows: what the light is
            to follow besides.

    Raises:
        ConvergenceError: a time step could not be taken.
    """
    from perotwin.constants import elementary_charge as Q
    from perotwin.transport.schedule import LaserPulse, OpenCircuit, Step

    start = engine.settled(0.0, light)
    course = None if follows is None else follows.course(start, light)
    emission = Emission(engine)
    pulse = LaserPulse(wavelength=protocol.wavelength, fluence=protocol.fluence)
    made = float(engine.lights.of(pulse).sum()) * pulse.photons
    dim, electrons, holes = emission.of(start)
    last = _LONGEST if protocol.duration is None else float(protocol.duration)
    times = np.geomspace(
        min(_FIRST, 1e-3 * last), last, int(np.ceil(_A_DECADE * np.log10(last / _FIRST))) + 1
    )
    times[-1] = last
    rows: list[tuple[float, float, float]] = []
    traces: list[Trace] = []
    now, passed, passed_charge = start, 0.0, 0.0
    # a decade at a time, so that what is long over is not followed
    for begin in range(0, times.size, _A_DECADE):
        since = times[begin : begin + _A_DECADE] - passed
        first = 1e-13 if begin == 0 else _BEGIN * passed
        beams = () if begin else (pulse,)
        step = Step(
            float(since[-1]), OpenCircuit(), light, times=tuple(since.tolist()), first=first, beams=beams
        )
        traces.append(engine.run([step], now, companion=course))
        # at open circuit the current is what rounding leaves of it
        passed_charge += float(
            np.abs(traces[-1].current) @ np.diff(since, prepend=0.0)[: traces[-1].time.size]
        )
        for time, moment in zip(traces[-1].time, traces[-1].moments, strict=True):
            shining, n, p = emission.of(moment)
            rows.append((passed + float(time), shining - dim, max(n - electrons, p - holes)))
        now, passed = traces[-1].moments[-1], float(times[begin : begin + _A_DECADE][-1])
        peak = max(row[1] for row in rows)
        if not traces[-1].complete or (protocol.duration is None and rows[-1][1] < _LEFT * peak):
            break
    table = np.array(rows)
    by = None if course is None else course.radiation.sum(axis=2) - course.settled[2].sum(axis=1)
    if protocol.duration is None:
        gone = np.flatnonzero(table[:, 1] < _LEFT * table[:, 1].max())
        table = table[: int(gone[0]) + 1] if gone.size else table
        by = None if by is None else by[: table.shape[0]]
    return Decay(
        table[:, 0], table[:, 1], made, float(table[:, 2].max()) / made, sum(one.steps for one in traces),
        np.concatenate([one.splitting for one in traces]), passed_charge / (Q * made), by,
    )  # fmt: skip
