"""What shines on a cell in time besides its own light: other spectra and laser pulses.

    Step(1e-6, OpenCircuit(), light=1.0, beams=(LaserPulse(wavelength="532 nm", fluence="1 nJ/cm^2"),))

Where each light generates carriers is found once by optics; lights add up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator

from perotwin.errors import InputError
from perotwin.measurement.checks import Checks, worst
from perotwin.stack import Cell, Parallel, Separate, Tandem
from perotwin.stack.choices import Monochromatic, Spectrum, StandardSpectrum
from perotwin.stack.quantity_fields import Dim, Intensity, Length, Model
from perotwin.transport.junction import mesh_of
from perotwin.units import Quantity, parse

if TYPE_CHECKING:
    from perotwin.optics import Absorption
    from perotwin.transport.build import Problem
    from perotwin.transport.schedule import Step

F64 = NDArray[np.float64]
Side = Literal["front", "back"]

#: Planck's constant times the speed of light, J m (CODATA 2018, exact).
_HC = 6.62607015e-34 * 299792458.0
#: moments of a step that are closer than this part of it are one
_SAME = 1e-12

Span = Annotated[Quantity, Dim("time", least=0)]


def _pair(value: Any) -> Any:
    """One intensity stands for a constant one."""
    return tuple(value) if isinstance(value, tuple | list) else (value, value)


def _fluence(value: Any) -> Quantity:
    """Photons per area (m^-2), or energy per area (J m^-2) where its unit says so."""
    try:
        found = parse(value, "areal density")
    except InputError as wrong:
        try:
            found = parse(value, "energy per area")
        except InputError:
            raise wrong from None
    if not found > 0.0:
        raise InputError(
            f"a pulse of {found.text} holds no light.",
            'Give photons per area, "1e11 cm^-2", or energy per area, "1 uJ/cm^2".',
        )
    return found


class Beam(Model):
    """Light of a spectrum of its own, through the whole of a step.

    spectrum : AM1.5G, a file, or one wavelength, as in a stack.
    intensity : suns, one value or (first, last) of a ramp; a sun of one wavelength is the photon flux that generates
        the current of AM1.5G.
    side : where it enters; that of the stack's own light unless said.
    """

    spectrum: Spectrum = StandardSpectrum()
    intensity: Annotated[tuple[Intensity, Intensity], BeforeValidator(_pair)] = (
        Quantity(1.0, "1 sun", dimension="intensity"),
        Quantity(1.0, "1 sun", dimension="intensity"),
    )
    side: Side | None = None


class LaserPulse(Model):
    """A pulse of one wavelength, as strong from its beginning to its end.

    wavelength : vacuum, m.
    fluence : photons per area (m^-2, a bare number or "1e11 cm^-2") or energy per area ("1 uJ/cm^2").
    arrival : s from the step's start.
    duration : s; 0, unless said, is a pulse shorter than all that carriers do, whose carriers appear at once.
    side : where it enters; that of the stack's own light unless said.
    """

    wavelength: Length
    fluence: Annotated[Quantity, BeforeValidator(_fluence)]
    arrival: Span = Quantity(0.0, "0 s", dimension="time")
    duration: Span = Quantity(0.0, "0 s", dimension="time")
    side: Side | None = None

    @property
    def photons(self) -> float:
        """Photons per area, m^-2."""
        if self.fluence.dimension == "energy per area":
            return float(self.fluence) * float(self.wavelength) / _HC
        return float(self.fluence)

    @property
    def ends(self) -> tuple[float, float]:
        """Where it begins and where it is over, s from the step's start."""
        return float(self.arrival), float(self.arrival) + float(self.duration)


@dataclass(frozen=True)
class Piece:
    """A part of a step in which nothing about the light jumps.

    Attributes:
        begin, end: s from the step's start.
        first, last: (S,) pairs per area and time in each site at its ends (m^-2 s^-1), linear between.
        flash: (S,) pairs per area that appear at its beginning at once (m^-2), or None.
    """

    begin: float
    end: float
    first: F64
    last: F64
    flash: F64 | None = None

    @property
    def length(self) -> float:
        """s."""
        return self.end - self.begin

    def generation(self, time: float) -> F64:
        """(S,) pairs per area and time, m^-2 s^-1, at a time from the piece's beginning (s)."""
        if self.first is self.last:
            return self.first
        part = min(max(time / self.length, 0.0), 1.0)
        return self.first + part * (self.last - self.first)


@dataclass
class Lights:
    """Where each light generates carriers in one cell: found when first asked for, then kept.

    Attributes:
        problem: the cell.
        checks, notes: what the optics of lights other than the cell's own found.
    """

    problem: Problem
    checks: Checks = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _known: dict[Any, F64] = field(default_factory=dict)

    def prepare(self, step: Step, where: str) -> None:
        """Find all that a step needs.

        Raises:
            InputError: light on a problem that was made for the dark, or another spectrum than its own on a cell
                without optics; what the optics refuse.
        """
        own = max(step.light_at(0.0), step.light_at(1.0))
        if own > 0.0 and self.problem.absorption is None:
            raise InputError(
                f'light of {own:g} suns on "{self.problem.stack.name}", which was made ready for the dark alone.',
                "Build it with its light: build(stack).",
                key=where,
            )
        for beam in step.beams:
            self.of(beam, where)

    def of(self, beam: Beam | LaserPulse, where: str | None = None) -> F64:
        """(S,) pairs per area and time at one sun of a beam (m^-2 s^-1), or per photon of a laser (1)."""
        light = self.problem.lit_cell.light
        side = beam.side or light.side
        pulsed = isinstance(beam, LaserPulse)
        key = (pulsed, side, float(beam.wavelength) if isinstance(beam, LaserPulse) else beam.spectrum)
        if key not in self._known:
            own = not isinstance(beam, LaserPulse) and side == light.side and beam.spectrum == light.spectrum
            own = own and light.other_side == 0.0
            if own and self.problem.absorption is not None:
                self._known[key] = self.problem.generation
            else:
                self._known[key] = self._absorbed(beam, side, where)
        return self._known[key]

    def _absorbed(self, beam: Beam | LaserPulse, side: str, where: str | None) -> F64:
        cell = self.problem.lit_cell
        kind = cell.light.generation.kind
        if kind != "optics" and not (kind == "step" and isinstance(beam, Beam)):
            what = "a laser pulse" if isinstance(beam, LaserPulse) else "a spectrum of its own"
            raise InputError(
                f'{what} on "{cell.name}", a cell without optics: its generation is prescribed ({kind}), so that '
                "nothing says where other light is absorbed.",
                'Give every layer a material and set light.generation = { kind = "optics" }, or keep to suns of the '
                "cell's own light.",
                key=where,
            )
        if isinstance(beam, Beam) and isinstance(beam.spectrum, Monochromatic) and isinstance(cell, Parallel):
            raise InputError(
                "suns of one wavelength are a photon flux that depends on what absorbs it, which is not the same "
                "in all columns.",
                "Give a broad spectrum, or a laser pulse with its fluence.",
                key=where,
            )
        light: dict[str, Any] = {"intensity": 1.0, "side": side}
        if cell.light.other_side > 0.0:
            light["other_side"] = 0.0
        line = None
        if isinstance(beam, LaserPulse):
            light["spectrum"], line = Monochromatic(wavelength=beam.wavelength), [float(beam.wavelength)]
        else:
            light["spectrum"] = beam.spectrum
        made, found = absorbed(self.problem, cell.with_light(**light), line)
        self.checks.update(worst(one.checks for one in found))
        for note in (note for one in found for note in one.notes):
            if note not in (*self.problem.notes, *self.notes):
                self.notes.append(note)
        return np.ascontiguousarray(made, dtype=float)

    def steady(self, suns: float, beams: tuple[Beam, ...] = ()) -> F64:
        """(S,) pairs per area and time (m^-2 s^-1) of the cell's own light and of beams at their first intensity."""
        total = suns * self.problem.generation
        for beam in beams:
            total = total + float(beam.intensity[0]) * self.of(beam)
        return total

    def pieces(self, step: Step, holds: F64 | None = None) -> Iterator[Piece]:
        """A step cut where a laser pulse begins or ends, and at the ends of a tracker's holds (s)."""
        pulses = [beam for beam in step.beams if isinstance(beam, LaserPulse)]
        marks = {mark for pulse in pulses for mark in pulse.ends}
        if holds is not None:
            marks.update(holds.tolist())
        corners = [0.0]
        for mark in sorted(marks):
            if mark - corners[-1] > _SAME * step.duration and step.duration - mark > _SAME * step.duration:
                corners.append(mark)
        corners.append(step.duration)
        at = np.array(corners)
        count = at.size - 1
        rate: list[F64 | None] = [None] * count
        flash: list[F64 | None] = [None] * count
        for pulse in pulses:
            first, last = (int(np.argmin(np.abs(at - mark))) for mark in pulse.ends)
            made = pulse.photons * self.of(pulse)
            if first == last:
                flash[first] = _sum(flash[first], made)
            for number in range(first, last):
                rate[number] = _sum(rate[number], made / (at[last] - at[first]))
        for number, (begin, end) in enumerate(pairwise(corners)):
            light = _sum(rate[number], self._smooth(step, begin / step.duration))
            later = _sum(rate[number], self._smooth(step, end / step.duration))
            if np.array_equal(light, later):
                later = light
            yield Piece(begin, end, light, later, flash[number])

    def _smooth(self, step: Step, fraction: float) -> F64:
        """(S,) generation of all but the pulses when `fraction` of a step has passed, m^-2 s^-1."""
        total = step.light_at(fraction) * self.problem.generation
        for beam in step.beams:
            if isinstance(beam, Beam):
                first, last = (float(suns) for suns in beam.intensity)
                total = total + (first + fraction * (last - first)) * self.of(beam)
        return total


def absorbed(problem: Problem, cell: Cell, wavelength: list[float] | None) -> tuple[F64, list[Absorption]]:
    """What the sites of a problem take of the light of a cell.

    Args:
        problem: whose sites. cell: the same under another light. wavelength: (1,) m, of a laser.

    Returns:
        (S,) pairs per area of each part, time and site (m^-2 s^-1), at one wavelength per photon; the optics' findings.
    """
    from perotwin.optics import absorb, parts

    def taken(one: Absorption) -> F64:
        return one.generation if wavelength is None else one.spectral[0]

    homes = _homes(problem, cell)
    each = list(zip(homes, problem.parts, strict=True))
    mesh = {home: part.mesh for home, part in each if part.stack.absorbers}

    def of_all(taken: Mapping[str, F64]) -> F64:
        """Part after part; nothing in a pinhole, and of junctions that are one mesh one after the other."""
        return np.concatenate(
            [
                one
                for home, part in each
                for one in (
                    [taken[name] for name in home.split("+")]
                    if part.stack.absorbers
                    else [np.zeros(part.generation.size)]
                )
            ]
        )

    if isinstance(cell, Tandem):
        faces = {
            name: (mesh[name] if name in mesh else mesh_of(stack)).control_faces
            for name, stack in cell.stacks.items()
        }
        found = parts(cell, faces, emission=False, wavelength=wavelength)
        made: dict[str, F64] = {}
        for name, stack in cell.stacks.items():
            own = found.absorption[name]
            assert own is not None
            suns = 1.0 if wavelength is None else float(stack.light.intensity)
            made[name] = suns * taken(own)
        assert found.whole is not None
        return of_all(made), [found.whole]
    alike = {
        name: absorb(stack, mesh[name].control_faces, wavelength=wavelength)
        for name, stack in cell.stacks.items()
    }
    return of_all({name: taken(one) for name, one in alike.items()}), list(alike.values())


def _homes(problem: Problem, cell: Cell) -> tuple[str, ...]:
    """The key of `cell.stacks` that each part is of; of junctions that are one mesh, theirs joined by "+"."""
    if isinstance(cell, Tandem) and isinstance(cell.junction, Separate):
        return (cell.junction.terminals,) * len(problem.parts)
    if isinstance(cell, Tandem) and len(problem.parts) == 1:
        return ("+".join(cell.stacks),)
    return problem.homes or tuple(cell.stacks)


def _sum(one: F64 | None, other: F64) -> F64:
    return other if one is None else one + other
