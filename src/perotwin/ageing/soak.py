"""A film under light, looked at by its luminescence: spectra and maps against time, and the way back in the dark.

    course = soak(cell, Protocol(duration="10 min"))
    course["red_share"]                    # of the light that the iodide-rich phase emits

The film lies on its substrate without contacts and is lit as the cell is. A map takes time to collect, and what is
called the map at 0 min is the mean over that exposure. Each grain of the map goes its own way (`films.grain_films`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from perotwin.ageing.films import Grains, depth_of, film_of, grain_films
from perotwin.ageing.parameters import SegregationParameters
from perotwin.ageing.segregation import HC, TwoPhases
from perotwin.errors import InputError
from perotwin.measurement.metrics import Metric, Metrics
from perotwin.stack.quantity_fields import Length, Model, Time
from perotwin.units import Quantity, parse

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.recipe.sample import Sample
    from perotwin.stack import Cell

__all__ = ["VISIBLE", "Protocol", "readings", "soak"]

F64 = NDArray[np.float64]

#: share of the light from which on a second line is seen beside the first
VISIBLE = 0.05
#: moments of a course besides those of the maps, and points of a spectrum
_MOMENTS, _WAVELENGTHS = 121, 301
#: what of the spectra is drawn, m
_FROM, _TO = 620e-9, 880e-9
#: moments within an exposure
_IN_A_MAP = 5
_MOST_MAPS = 24


class Protocol(Model):
    """How a film is soaked in light.

    duration : s in the light. exposure : s that a map takes to collect. maps : moments (s) at which one is begun.
    recovery : s in the dark afterwards. side, pixels : of the maps (m). seed : of the grains' drawing.
    """

    duration: Time = Quantity(600.0, "10 min", dimension="time")
    exposure: Time = Quantity(60.0, "1 min", dimension="time").with_origin(
        None, (parse("1 s", "time"), parse("5 min", "time")), "of a map; not stated in fu-5avai"
    )
    maps: tuple[float, ...] | None = None
    recovery: Time | None = None
    side: Length = Quantity(3e-6, "3 um", dimension="length")
    pixels: int = Field(default=96, ge=16, le=1024)
    seed: int = Field(default=1, ge=0)

    @model_validator(mode="after")
    def _possible(self) -> Protocol:
        if self.exposure > self.duration:
            raise InputError(
                f"a map of {self.exposure.text} does not fit into {self.duration.text} of light.",
                "Give a shorter exposure, or a longer duration.",
                key="exposure",
            )
        moments = self.moments
        if not 0 < len(moments) <= _MOST_MAPS or moments[0] < 0.0 or moments[-1] > self.duration:
            raise InputError(
                f"maps are taken at 1 to {_MOST_MAPS} moments from 0 s to {self.duration.text}.",
                'Write --maps "0 s, 2 min, 5 min, 10 min".',
                key="maps",
            )
        return self

    @property
    def moments(self) -> tuple[float, ...]:
        """s, at which a map is begun; four over the soaking unless told."""
        given = self.maps
        if given is None:
            given = tuple(float(self.duration) * part for part in (0.0, 0.2, 0.5, 1.0))
        return tuple(sorted(dict.fromkeys(given)))


@dataclass(frozen=True)
class _Line:
    """The film's own light: energy (E,) eV, photons per eV in any unit, and its peak (eV)."""

    energy: F64
    flux: F64
    peak: float


def _line(cell: Cell, junction: str | None) -> _Line:
    """The spectrum that the mixed film emits by its optics.

    Raises:
        InputError: the optics do not tell it.
    """
    from perotwin.stack.films import part_of
    from perotwin.transport.build import build

    stack = part_of(cell, "film", junction=junction)
    emission = build(stack).parts[0].emission
    known = () if emission is None else emission.absorbers
    name = next((layer.name for layer in stack.absorbers if layer.name in known), None)
    if emission is None or name is None or not emission[name].energy.size:
        raise InputError(
            f'how light leaves the film of "{cell.name}" is not known.',
            'Set light.generation = { kind = "optics" }, and leave out recombination.radiative.',
            key="light.generation",
        )
    own = emission[name]
    flux = np.asarray(own.spectrum_front + own.spectrum_back, float)
    return _Line(np.asarray(own.energy, float), flux, float(own.energy[int(np.argmax(flux))]))


def _spectra(line: _Line, phases: TwoPhases, parent: F64, red: F64) -> tuple[F64, F64]:
    """Wavelengths (W,) m and light per wavelength (T, W), one at the highest point of the mixed film's line.

    The iodide-rich phase emits the line of the film at its own peak: its domains are small, and what leaves passes
    through the same film.
    """
    wavelength = np.linspace(_FROM, _TO, _WAVELENGTHS)
    energy = HC / wavelength
    shift = line.peak - HC / float(phases.parameters.rich_emission)

    def shape(at: F64) -> F64:
        return np.interp(at, line.energy, line.flux, left=0.0, right=0.0) * energy / wavelength

    own, shifted = shape(energy), shape(energy + shift)
    # a line carries its photons wherever it lies
    shifted = shifted * (np.trapezoid(own, wavelength) / np.trapezoid(shifted, wavelength))
    made = parent[:, None] * own + red[:, None] * shifted
    return wavelength, made / own.max()


def soak(
    cell: Cell,
    protocol: Protocol | None = None,
    sample: Sample | None = None,
    *,
    junction: str | None = None,
    parameters: SegregationParameters | None = None,
) -> xr.Dataset:
    """Soak the film of a cell in the cell's light.

    Args:
        cell: a stack, or a tandem with the junction named.
        protocol: a default one if absent.
        sample: what the cell's recipe left, from which grains are drawn; without it there are no maps.
        parameters: of the model; the library's unless given.

    Returns:
        Over `time` (s): `segregated_share` (phi), `red_share` of the light, `parent_light` and `red_light` over the
        light of the mixed film; over (`map_time`, `wavelength`) `emission`, means over an exposure; with a sample over
        (`map_time`, `y`, `x`) `red_share_map`, and over `depth` `segregated_profile` at the end; with a recovery over
        `dark_time` `dark_share` (phi).

    Raises:
        InputError: no film, no ions, no gap of a mixed film.
    """
    import xarray as xr

    from perotwin import __version__, progress
    from perotwin.lab import conditions
    from perotwin.measurement import check, checks_to_json, describe

    protocol = protocol or Protocol()
    film = film_of(cell, junction=junction)
    phases = TwoPhases(film, parameters or SegregationParameters.library())
    suns = float(cell.light.intensity)
    lit = suns * film.generation
    duration, exposure = float(protocol.duration), float(protocol.exposure)
    # a map at the end of the soaking is collected after it
    end = max(duration, protocol.moments[-1] + exposure)
    time = np.unique(np.concatenate([[0.0, duration], np.geomspace(end * 1e-4, end, _MOMENTS - 1)]))
    phi = phases.follow(lit, time)
    parent, red = phases.light(phi, lit) if lit > 0.0 else (np.ones_like(phi), np.zeros_like(phi))
    starts = np.array(protocol.moments)
    within = starts[:, None] + (np.arange(_IN_A_MAP) + 0.5) / _IN_A_MAP * exposure
    of_maps = _at(phases, lit, within)
    line = _line(cell, junction)
    both = phases.light(of_maps, lit) if lit > 0.0 else (np.ones_like(of_maps), np.zeros_like(of_maps))
    seen = [part.mean(axis=1) for part in both]
    wavelength, spectra = _spectra(line, phases, *seen)
    variables: dict[str, object] = {
        "segregated_share": ("time", phi),
        "red_share": ("time", phases.red_share(phi)),
        "parent_light": ("time", parent),
        "red_light": ("time", red),
        "emission": (("map_time", "wavelength"), spectra),
    }
    coordinates: dict[str, object] = {"time": time, "map_time": starts, "wavelength": wavelength}
    balance = float(np.abs(phases.halide(phi) / phases.mixed - 1.0).max())
    found = {"halide of both phases is that of the film": check(balance, 1e-12)}
    notes = _notes(phases, protocol)
    if sample is not None:
        with progress.task(f"{film.name}: grains", total=1):
            grains = grain_films(sample, film, float(protocol.side), protocol.pixels, protocol.seed)
            variables["red_share_map"] = (("map_time", "y", "x"), _maps(grains, phases, suns, within))
        place = (np.arange(protocol.pixels) + 0.5) * float(protocol.side) / protocol.pixels
        coordinates |= {"x": ("x", place, {"units": "m"}), "y": ("y", place, {"units": "m"})}
        from perotwin.ageing.segregation_profile import Profile

        edges, vacancies, diffusion = depth_of(sample, film)
        course = Profile(phases, edges, vacancies, diffusion).follow(lit, np.array([end]))
        coordinates["depth"] = 0.5 * (edges[1:] + edges[:-1])
        variables["segregated_profile"] = ("depth", course.phi[-1])
        found["halide along the depth is that of the film"] = check(course.balance, 1e-8)
        notes.append(
            "grains differ in size (cells of random points about that of the recipe) and so, by the "
            "recipe's rule, in vacancies, their diffusion, lifetime and nuclei; the drawing of the sizes is ours."
        )
    if protocol.recovery is not None:
        dark = np.linspace(0.0, float(protocol.recovery), 61)
        coordinates["dark_time"] = ("dark_time", dark, {"units": "s"})
        variables["dark_share"] = ("dark_time", phases.follow(0.0, dark, float(phi[-1])))
    return describe(
        xr.Dataset(
            variables,
            coordinates,
            {
                "instrument": "soak",
                **conditions.about(cell, protocol, suns),
                "stack": film.name,
                "duration": duration,
                "exposure": exposure,
                "exchange_rate": phases.exchange_rate,
                "threshold_light": phases.threshold_light,
                "settled_share": phases.settled(lit),
                "parent_peak": HC / line.peak,
                "red_peak": float(phases.parameters.rich_emission),
                "gap": film.bandgap,
                "vacancies": film.vacancies,
                "diffusion": film.diffusion,
                "checks": json.dumps(checks_to_json(found)),
                "notes": json.dumps(notes),
                "perotwin": __version__,
            },
        )
    )


def _at(phases: TwoPhases, lit: float, moments: F64) -> F64:
    """phi at moments of any shape, from the beginning of the light."""
    order = np.unique(moments)
    return np.asarray(np.interp(moments, order, phases.follow(lit, order)))


def _maps(grains: Grains, phases: TwoPhases, suns: float, within: F64) -> F64:
    """(M, P, P) share of the light that is red, mean over each exposure, of each pixel's grain."""
    each = np.zeros((within.shape[0], len(grains.films)))
    p = phases.parameters
    for number, (film, more) in enumerate(zip(grains.films, grains.nuclei, strict=True)):
        nuclei = min(float(p.nuclei) * float(more), 1.0)
        own = TwoPhases(film, p.model_copy(update={"nuclei": Quantity(nuclei, dimension="fraction")}))
        lit = suns * film.generation
        if lit <= 0.0:
            continue
        parent, red = own.light(_at(own, lit, within), lit)
        each[:, number] = red.mean(axis=1) / (red.mean(axis=1) + parent.mean(axis=1))
    return np.asarray(each[:, grains.map])


def _notes(phases: TwoPhases, protocol: Protocol) -> list[str]:
    p = phases.parameters
    free = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in p.free.items())
    return [
        f"free parameters: {free}. That the control shows its second line in the first map fixes exchange length and "
        "nuclei together (calibrated); threshold and final share are one number. No other film enters.",
        "vacancies and their diffusion are the recipe's: how fast one film segregates against another is a prediction.",
        f"a map takes {protocol.exposure.text} to collect; the one at 0 min is the mean over its exposure.",
        "the cost of unmixing is an effective one, fitted to a threshold: a regular solution with usual energies would "
        "not segregate in one sun.",
    ]


def readings(course: xr.Dataset) -> Metrics:
    """What a soaking tells.

    Returns:
        `red_share_first` and `red_share_end` (of the emitted light, in the first map and at the end of the light),
        `visible_after` (s, until the second line holds 5 % of the light; NaN where it never does), `exchange_rate`
        (kX, Hz), `threshold_light` (suns), `segregated_end` and `segregated_settled` (shares of the volume).
    """
    time, share = np.asarray(course["time"], float), np.asarray(course["red_share"], float)
    duration = float(course.attrs["duration"])
    after = np.nan
    above = np.flatnonzero(share >= VISIBLE)
    if above.size and above[0] > 0:
        one = int(above[0])
        after = float(np.interp(VISIBLE, share[one - 1 : one + 1], time[one - 1 : one + 1]))
    end = float(np.interp(duration, time, share))
    never = f"not within {duration:g} s: {share[-1]:.2%} at the end"
    first = _first_map(course)
    return Metrics(
        {
            "red_share_first": Metric(first, "1", "of the light of the first map, mean over its exposure"),
            "red_share_end": Metric(end, "1", "of the light at the end of the soaking"),
            "visible_after": Metric(
                after, "s", f"until {VISIBLE:.0%} of the light" if np.isfinite(after) else never
            ),
            "exchange_rate": Metric(
                float(course.attrs["exchange_rate"]), "Hz", "N D / N_X over the length squared"
            ),
            "threshold_light": Metric(
                float(course.attrs["threshold_light"]), "sun", "from which on this film segregates"
            ),
            "segregated_end": Metric(
                float(np.interp(duration, time, np.asarray(course["segregated_share"], float))),
                "1",
                "of the volume",
            ),
            "segregated_settled": Metric(
                float(course.attrs["settled_share"]), "1", "of the volume, after very long"
            ),
        }
    )


def _first_map(course: xr.Dataset) -> float:
    """Share of the iodide-rich line in the light of the first map."""
    time, starts = np.asarray(course["time"], float), np.asarray(course["map_time"], float)
    at = starts[0] + np.linspace(0.0, float(course.attrs["exposure"]), 21)
    red = np.interp(at, time, np.asarray(course["red_light"], float)).mean()
    parent = np.interp(at, time, np.asarray(course["parent_light"], float)).mean()
    return float(red / (red + parent))


def with_threshold_and_paths(
    parameters: SegregationParameters, values: Sequence[float]
) -> SegregationParameters:
    """The parameters with other free numbers: threshold (suns), exchange length (m), nuclei, in this order."""
    names = {"threshold": "intensity", "exchange_length": "length", "nuclei": "fraction"}
    changed = {
        name: Quantity(float(value), dimension=dimension)
        for (name, dimension), value in zip(names.items(), values, strict=True)
    }
    return parameters.model_copy(update=changed)


def visible_at(phases: TwoPhases, lit: float, moment: float) -> float:
    """Red share of the light after a time (s) of so many pairs (m^-3 s^-1)."""
    return float(phases.red_share(phases.follow(lit, np.array([moment])))[0])


def drawn(parameters: SegregationParameters, draws: int, seed: int = 1) -> list[SegregationParameters]:
    """Parameters whose free numbers are drawn from their ranges, evenly in the logarithm and independently."""
    chance = np.random.default_rng(seed)
    ranges = [one.assumed for one in parameters.free.values()]
    assert all(ends is not None for ends in ranges)
    low, high = (np.log([float(ends[k]) for ends in ranges if ends is not None]) for k in (0, 1))
    values = np.exp(low + (high - low) * chance.random((draws, len(ranges))))
    return [with_threshold_and_paths(parameters, row) for row in values]
