"""A film in warm toluene under light: iodine that leaves it, and what a spectrometer sees of that.

    course = age_film(sample, Protocol(temperature="85 degC", duration="24 h"))

All iodide of a film of 450 nm would, as triiodide in 3 mL per cm^2, absorb some 1.5; all of its vacancies 1e-5.
Vacancies
are the path and not the stock: iodide leaves at a rate that they set, until none is left,

    dI/dt = -k (N D)/(N D)_ref a I       (or with N alone in place of N D),

and what has left is in the solution, no more and no less. How fast k is and into how much toluene is free. Only the
ratio of samples and the shape in time are claims.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, model_validator

from perotwin.ageing.parameters import section
from perotwin.errors import InputError
from perotwin.measurement.metrics import Metric, Metrics
from perotwin.stack.quantity_fields import (
    Density,
    Diffusion,
    Dim,
    Energy,
    Frequency,
    Intensity,
    Length,
    Model,
    Temperature,
    Time,
)
from perotwin.units import BOLTZMANN, Quantity

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.recipe.sample import Sample

__all__ = ["ByNumber", "ByTransport", "Parameters", "Protocol", "Stock", "age_film", "readings", "stock_of"]

F64 = NDArray[np.float64]

_AVOGADRO = 6.02214076e23
#: bands in the solution: peak (m) and width (eV, standard deviation)
_NEAR, _FAR, _IODINE = (360e-9, 0.22), (290e-9, 0.20), (497e-9, 0.18)
_HC = 1.2398419843320026e-6
#: halides of the solid by each lead
_HALIDES = 3.0
_MOMENTS, _FROM, _TO, _WAVELENGTHS = 97, 280e-9, 620e-9, 341
#: s, at which samples are compared, as the paper shows them
_SHOWN = (6.0 * 3600.0, 24.0 * 3600.0)
_COLDEST, _HOTTEST = 273.15, 383.15

Volume = Annotated[Quantity, Dim("volume", above=0)]
Area = Annotated[Quantity, Dim("area", above=0)]
Share = Annotated[Quantity, Dim("fraction", above=0, most=1)]


class Parameters(Model):
    """Of films in toluene; see `parameters.toml`.

    release_rate : of the iodide that is left, from the reference film (s^-1). reference_vacancies (m^-3),
    reference_diffusion (m^2/s) : of that film. activation_energy (eV), temperature (K) : of the rate.
    volume (m^3) of toluene to area (m^2) of film. path : of light through it (m). triiodide_share : of released iodine.
    triiodide_near, triiodide_far, iodine : decadic cross sections of a molecule at 360, 290 and 497 nm (m^2).
    """

    release_rate: Frequency
    reference_vacancies: Density
    reference_diffusion: Diffusion
    activation_energy: Energy
    temperature: Temperature
    volume: Volume
    area: Area
    path: Length
    triiodide_share: Share
    triiodide_near: Area
    triiodide_far: Area
    iodine: Area

    @classmethod
    def library(cls) -> Parameters:
        """The numbers that come with perotwin, each with its range."""
        return section(cls, "film_ageing")


class ByTransport(Model):
    """Vacancies carry iodide out: the rate goes as their density times their diffusion."""

    kind: Literal["transport"] = "transport"

    def over(self, stock: Stock, p: Parameters) -> float:
        """Rate of a film over that of the reference."""
        reference = float(p.reference_vacancies) * float(p.reference_diffusion)
        return stock.vacancies * stock.diffusion / reference


class ByNumber(Model):
    """Iodide leaves next to a vacancy: the rate goes as their density alone."""

    kind: Literal["number"] = "number"

    def over(self, stock: Stock, p: Parameters) -> float:
        """Rate of a film over that of the reference."""
        return stock.vacancies / float(p.reference_vacancies)


class Protocol(Model):
    """How a film is aged. temperature : K. duration : s. light : suns of AM1.5G. path : what sets the rate."""

    temperature: Temperature = Quantity(358.15, "85 degC", dimension="temperature")
    duration: Time = Quantity(86400.0, "24 h", dimension="time")
    light: Intensity = Quantity(1.0, "1 sun", dimension="intensity")
    path: Annotated[ByTransport | ByNumber, Field(discriminator="kind")] = Field(default_factory=ByTransport)

    @model_validator(mode="after")
    def _possible(self) -> Protocol:
        if not _COLDEST <= self.temperature <= _HOTTEST:
            raise InputError(
                f"toluene at {self.temperature.text}: it is liquid below 110 degC, and the rate is not stretched "
                f"below 0.",
                "Ask for 0 to 110 degC.",
                key="temperature",
            )
        return self


@dataclass(frozen=True)
class Stock:
    """Of a film: name, iodide and mobile vacancies per area (m^-2), vacancies (m^-3), their diffusion (m^2/s)."""

    name: str
    iodide: float
    vacancies: float
    diffusion: float
    mobile: float


def stock_of(sample: Sample) -> Stock:
    """The iodide and the vacancies of a sample's film.

    Raises:
        InputError: the sample has no film, or its recipe does not say how much of the halide is bromide.
    """
    coat, film = sample.recipe.coat, sample.film
    if coat is None or film is None or coat.bromide is None:
        raise InputError(
            f'the recipe "{sample.name}" leaves no film of known composition.',
            "Take a recipe that coats, anneals and states bromide, and does not wash.",
            key="coat",
        )
    halide = _HALIDES * float(sample.parameters.drying.lead_density) * float(coat.thickness)
    return Stock(
        sample.name, halide * (1.0 - float(coat.bromide)), film.ions, film.ion_diffusion,
        film.ions * float(coat.thickness),
    )  # fmt: skip


def left(stock: Stock, times: ArrayLike, protocol: Protocol, p: Parameters) -> F64:
    """(T,) iodide that is left in a film, m^-2."""
    warm = np.exp(
        -float(p.activation_energy)
        / BOLTZMANN
        * (1.0 / float(protocol.temperature) - 1.0 / float(p.temperature))
    )
    rate = float(p.release_rate) * protocol.path.over(stock, p) * float(warm) * float(protocol.light)
    return np.asarray(stock.iodide * np.exp(-rate * np.asarray(times, float)))


def absorbance(released: ArrayLike, wavelength: ArrayLike, p: Parameters) -> F64:
    """(T, W) decadic absorbance of a solution.

    Args:
        released: (T,) iodide per area of film that has left it, m^-2. wavelength: (W,) m. p: volumes and cross
            sections.
    """
    iodide = np.asarray(released, float)[:, None] * float(p.area) / float(p.volume)
    energy = _HC / np.asarray(wavelength, float)

    def band(peak: tuple[float, float], height: float) -> F64:
        return np.asarray(height * np.exp(-0.5 * ((energy - _HC / peak[0]) / peak[1]) ** 2))

    share = float(p.triiodide_share)
    # a triiodide holds three, an iodine two
    triiodide = band(_NEAR, float(p.triiodide_near)) + band(_FAR, float(p.triiodide_far))
    each = share / 3.0 * triiodide + (1.0 - share) / 2.0 * band(_IODINE, float(p.iodine))
    return np.asarray(iodide * each * float(p.path))


def age_film(
    sample: Sample, protocol: Protocol | None = None, parameters: Parameters | None = None
) -> xr.Dataset:
    """A film in toluene, moment by moment.

    Returns:
        Over `time` (s): `iodide_left` and `iodide_released` (m^-2), `absorbance_near` (at 360 nm); over (`shown_time`,
        `wavelength`) `absorbance` at 0, 6 and 24 h as far as the test goes.

    Raises:
        InputError: as of `stock_of`.
    """
    import xarray as xr

    from perotwin import __version__
    from perotwin.measurement import check, checks_to_json, describe

    protocol, p = protocol or Protocol(), parameters or Parameters.library()
    stock = stock_of(sample)
    duration = float(protocol.duration)
    time = np.linspace(0.0, duration, _MOMENTS)
    remaining = left(stock, time, protocol, p)
    released = stock.iodide - remaining
    shown = np.array([0.0, *(t for t in _SHOWN if t < duration), duration])
    wavelength = np.linspace(_FROM, _TO, _WAVELENGTHS)
    spectra = absorbance(stock.iodide - left(stock, shown, protocol, p), wavelength, p)
    near = absorbance(released, [_NEAR[0]], p)[:, 0]
    most = float(absorbance([stock.iodide], [_NEAR[0]], p)[0, 0])
    balance = float(np.abs((remaining + released) / stock.iodide - 1.0).max())
    units = {"units": "m-2"}
    return describe(
        xr.Dataset(
            {
                "iodide_left": ("time", remaining, units),
                "iodide_released": ("time", released, units),
                "absorbance_near": ("time", near, {"units": "1"}),
                "absorbance": (("shown_time", "wavelength"), spectra, {"units": "1"}),
            },
            {"time": time, "shown_time": ("shown_time", shown, {"units": "s"}), "wavelength": wavelength},
            {
                "instrument": "film-ageing",
                "stack": stock.name,
                "recipe": sample.recipe.to_toml(),
                "protocol": protocol.model_dump_json(),
                "temperature": float(protocol.temperature),
                "iodide": stock.iodide,
                "mobile": stock.mobile,
                "over_reference": protocol.path.over(stock, p),
                "most": most,
                "checks": json.dumps(
                    checks_to_json(
                        {
                            "iodide in film and solution is that of the film": check(balance, 1e-12),
                            "no more is released than the film holds": check(
                                float(max(released.max() / stock.iodide - 1.0, 0.0)), 1e-12
                            ),
                        }
                    )
                ),
                "notes": json.dumps(
                    [
                        "how fast iodide leaves and into how much toluene is free: only the ratio of samples and the "
                        "shape in time are claims, absolute absorbances are not.",
                        f"all iodide of the film would absorb {most:.2g} at 360 nm, as many molecules as it has mobile "
                        f"vacancies {most * stock.mobile / stock.iodide:.1g}: vacancies are the path and not the "
                        f"stock.",
                    ]
                ),
                "perotwin": __version__,
            },
        )
    )


def readings(course: xr.Dataset) -> Metrics:
    """What a film in toluene tells: `released_share` at the end, `absorbance_6h`, `absorbance_end` (at 360 nm)."""
    time, near = np.asarray(course["time"], float), np.asarray(course["absorbance_near"], float)
    released = np.asarray(course["iodide_released"], float)
    found = {
        "released_share": Metric(
            float(released[-1] / float(course.attrs["iodide"])), "1", "of the film's iodide, at the end"
        ),
        "absorbance_end": Metric(
            float(near[-1]), "1", "at 360 nm, decadic; its height hangs on what is free"
        ),
    }
    if time[-1] >= _SHOWN[0]:
        found["absorbance_6h"] = Metric(
            float(np.interp(_SHOWN[0], time, near)), "1", "at 360 nm after 6 h, decadic"
        )
    return Metrics(found)
