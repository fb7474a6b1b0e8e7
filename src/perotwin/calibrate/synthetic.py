"""Measurements that were not made: what a cell would give, with the noise that a laboratory has.

    planned = plan(pt.load("wbg-target"), ["scan", "suns_voc", "eqe", "trpl"])
    measured = [one.expected(twin, {}, {}, rng) for one in planned]

They tell before a measurement what it would tell (`identify`), and whether a fit finds what is known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.calibrate import laboratory
from perotwin.calibrate.data import Data, Spectrum, SteadyCurve, SunsVoc, current_sd
from perotwin.calibrate.data_in_time import DWELL, RATE, Decay, Scan, Segment
from perotwin.calibrate.impedance import Impedance
from perotwin.calibrate.luminescence import Splitting
from perotwin.calibrate.twin import Twin, remembering
from perotwin.constants import c, elementary_charge, h
from perotwin.errors import InputError, nearest

if TYPE_CHECKING:
    from perotwin.stack import Cell

__all__ = ["KINDS", "half_stacks", "plan"]

F64 = NDArray[np.float64]

#: measurements that can be planned; of half-stacks besides, as "trpl film/c60" and "pl film/c60"
KINDS = ("jv", "scan", "suns_voc", "eqe", "impedance", "impedance_dark", "trpl", "pl")
#: points of a curve, and how far above open circuit it goes, V
_POINTS, _ABOVE = 28, 0.06
#: brightest and dimmest light as parts of the cell's own, and lights a decade
_BRIGHT, _DIM, _A_DECADE = 2.0, 1e-3, 3
#: a planned spectrum: from (m), step (m), and how far beyond the edge (m)
_FROM, _STEP, _BEYOND = 320e-9, 10e-9, 60e-9
#: a planned decay: pulse (m, J/m^2), first edge (s), groups a decade, background as a part of all counts in a group
_PULSE, _FLUENCE, _FIRST, _GROUPS, _BACKGROUND = 470e-9, 1e-4, 0.5e-9, 14, 1e-4
#: a planned impedance: lowest and highest frequency (Hz), points; bias in the dark as a part of the lit open circuit
_LOWEST, _HIGHEST, _FREQUENCIES, _BIAS = 1.0, 1e6, 37, 0.9
#: ideality by which an error of the light is one of the voltage
_IDEALITY = 1.5


def plan(cell: Cell, kinds: Sequence[str], twin: Twin | None = None) -> tuple[Data, ...]:
    """Measurements of a cell as they would be expected, without noise but with its size.

    Args:
        cell: of one junction or a tandem; spectra and decays are of one junction. kinds: of `KINDS`, or "trpl film/c60"
            and the like.

    Raises:
        InputError: no such measurement, a cell that cannot be measured so.
    """
    twin = Twin(cell) if twin is None else twin
    made: list[Data] = []
    with remembering():
        for kind in kinds:
            name, _, sample = kind.partition(" ")
            if name not in (*_MAKE, "trpl", "pl"):
                close = nearest(name, KINDS)
                raise InputError(
                    f'there is no measurement "{kind}" to plan.',
                    f'Did you mean "{close[0]}"?' if close else f"Choose from {', '.join(KINDS)}.",
                    key="plan",
                )
            if name in ("trpl", "pl"):
                made.append((_decay if name == "trpl" else _splitting)(twin, sample or "film"))
            else:
                made.append(_MAKE[name](twin))
    return tuple(made)


def half_stacks(cell: Cell) -> list[str]:
    """Samples between film and cell that can be made of it: its absorber with the layer on either side."""
    found = []
    absorber = next((i for i, one in enumerate(cell.electrical_layers) if one.role == "absorber"), None)
    if absorber is None:
        return []
    for near in (absorber - 1, absorber + 1):
        if 0 <= near < len(cell.electrical_layers):
            found.append(f"film/{cell.electrical_layers[near].name}")
    return found


def _light(twin: Twin) -> float:
    light = float(twin.cell.light.intensity)
    if not light > 0.0:
        raise InputError(f'"{twin.cell.name}" is in the dark.', "Give it light.", key="light.intensity")
    return light


def _voltages(twin: Twin) -> F64:
    from perotwin.lab.open_circuit import settled

    voc = float(settled(twin.solver({}), _light(twin)).voltage[0])
    # finer about the knee, where most is told
    low, high = (
        np.linspace(0.0, 0.7 * voc, _POINTS // 4, endpoint=False),
        np.linspace(0.7 * voc, voc + _ABOVE, _POINTS - _POINTS // 4),
    )
    return np.round(np.concatenate([low, high]), 4)


def _steady(twin: Twin) -> SteadyCurve:
    voltage = _voltages(twin)
    light = _light(twin)
    first = SteadyCurve("jv", twin.cell.name, voltage, voltage, np.ones(voltage.size), light)
    current = first.expected(twin, {}, {}, None).current
    sd = current_sd(voltage, current)
    return SteadyCurve("jv", twin.cell.name, voltage, current, sd, light, laboratory.number("jv", "light"))


def _scan(twin: Twin) -> Scan:
    voltage = _voltages(twin)
    light = _light(twin)
    ones = np.ones(voltage.size)
    segments = (Segment("reverse", voltage[::-1], ones, ones), Segment("forward", voltage, ones, ones))
    first = Scan("scan", twin.cell.name, segments, RATE, DWELL, light=light)
    made = first.expected(twin, {}, {}, None)
    segments = tuple(
        Segment(one.direction, one.voltage, one.current, current_sd(one.voltage, one.current, "scan"))
        for one in made.segments
    )  # type: ignore[assignment]  # two of them again
    return Scan(
        "scan",
        twin.cell.name,
        segments,
        RATE,
        DWELL,
        light=light,
        level_sd=laboratory.number("scan", "light"),
    )


def _suns(twin: Twin) -> SunsVoc:
    own = _light(twin)
    count = round(_A_DECADE * np.log10(_BRIGHT / _DIM)) + 1
    suns = own * np.geomspace(_BRIGHT, _DIM, count)
    sd = np.full(suns.size, suns_sd(twin.solver({}).problem.vt))
    first = SunsVoc("suns_voc", twin.cell.name, suns, np.zeros(suns.size), sd)
    return first.expected(twin, {}, {}, None)


def suns_sd(vt: float) -> float:
    """Standard deviation (V) of an open-circuit voltage at a light that is known to so much; `vt`: kT/q, V."""
    voltage = laboratory.number("suns_voc", "voltage", "voltage")
    return float(np.hypot(voltage, _IDEALITY * vt * laboratory.number("suns_voc", "light")))


def _eqe(twin: Twin) -> Spectrum:
    absorption = twin.solver({}).problem.absorption
    if absorption is None:
        raise InputError(
            f'"{twin.cell.name}" has no optics, and so no spectrum.',
            "Give every layer a material.",
            key="light",
        )
    top = float(absorption.wavelength.max())
    gaps = [layer.gap for layer in twin.cell.electrical_layers if layer.role == "absorber"]
    if gaps and gaps[0]:
        top = min(top, h * c / elementary_charge / float(min(gaps)) + _BEYOND)
    wavelength = np.arange(_FROM, top, _STEP)
    first = Spectrum("eqe", twin.cell.name, wavelength, wavelength, np.ones(wavelength.size), _light(twin))
    eqe = first.expected(twin, {}, {}, None).eqe
    return Spectrum(
        "eqe", twin.cell.name, wavelength, eqe, eqe_sd(eqe), _light(twin), laboratory.number("eqe", "level")
    )


def eqe_sd(eqe: F64) -> F64:
    """(W,) standard deviation of a quantum efficiency (W,)."""
    relative, absolute = laboratory.number("eqe", "relative"), laboratory.number("eqe", "absolute")
    return np.asarray(np.hypot(absolute, relative * eqe))


def _impedance(twin: Twin) -> Impedance:
    """At open circuit in the cell's own light."""
    return _spectrum(twin, "impedance", None, _light(twin))


def _dark_impedance(twin: Twin) -> Impedance:
    """At a forward bias in the dark."""
    voc = float(twin.moving.open_circuit({}, _light(twin)).voltage[0])
    return _spectrum(twin, "impedance_dark", round(_BIAS * voc, 2), 0.0)


def _spectrum(twin: Twin, name: str, bias: float | None, light: float) -> Impedance:
    hertz = np.geomspace(_LOWEST, _HIGHEST, _FREQUENCIES)
    sd = np.full(hertz.size, laboratory.number("impedance", "relative"))
    known = (
        laboratory.number("impedance", "level"), laboratory.number("impedance", "light"),
        laboratory.number("impedance", "bias", "voltage"),
    )  # fmt: skip
    first = Impedance(
        name, twin.cell.name, hertz, np.ones(hertz.size, dtype=complex), sd, bias, light, *known
    )
    return first.expected(twin, {}, {}, None)


def _decay(twin: Twin, sample: str) -> Decay:
    from perotwin.lab import pulsed_light, trpl
    from perotwin.transport.transient import Engine

    small = twin.sample(sample)
    engine = Engine(small.problem({}), 1e-3)
    protocol = trpl.Protocol(sample=sample, wavelength=_PULSE, fluence=_FLUENCE)
    last = float(pulsed_light.followed(engine, protocol)[0].time[-1])
    count = max(int(np.ceil(_GROUPS * np.log10(last / _FIRST))), 8)
    edges = np.geomspace(_FIRST, last, count + 1)
    kind = "trpl" if sample == "film" else "trpl_half_stack"
    photons = laboratory.number(kind, "photons")
    background = _BACKGROUND * photons * np.diff(edges) / last
    name = "trpl" if sample == "film" else f"trpl {sample}"
    first = Decay(
        name, twin.cell.name, sample, _PULSE, _FLUENCE, edges, np.full(count, photons / count) + background,
        background, laboratory.number(kind, "fluence"),
    )  # fmt: skip
    return first.expected(twin, {}, {}, None)


def _splitting(twin: Twin, sample: str) -> Splitting:
    sd = laboratory.number("pl_half_stack", "splitting", "energy")
    first = Splitting(f"pl {sample}", twin.cell.name, sample, 1.0, sd, _light(twin))
    return first.expected(twin, {}, {}, None)


_MAKE: dict[str, Callable[[Twin], Data]] = {
    "jv": _steady, "scan": _scan, "suns_voc": _suns, "eqe": _eqe, "impedance": _impedance,
    "impedance_dark": _dark_impedance,
}  # fmt: skip
