"""Photoluminescence from arrays: yield, splitting of the quasi-Fermi levels, temperature and gap of a spectrum.

With a yield per pair, PLQY, the splitting is that of the radiative limit less what is lost in the dark,

    QFLS = QFLS_rad + kT ln(PLQY),     QFLS_rad = kT ln(pairs / J0,rad + 1)

(U. Rau, Phys. Rev. B 76, 085303 (2007), doi:10.1103/PhysRevB.76.085303); Planck's law on the high-energy side tells it
without any excitation (`lab.planck`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError
from perotwin.lab import planck
from perotwin.lab.arguments import of_measurements
from perotwin.measurement import Metric, Metrics
from perotwin.units import BOLTZMANN, ELEMENTARY_CHARGE

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["analyse", "is_relative", "samples"]

F64 = NDArray[np.float64]

#: K, of the carriers where nothing is said
ROOM = 298.15
#: m, between which the middle of a spectrum lies
_SHORTEST, _LONGEST = 1e-7, 3e-5


@dataclass(frozen=True)
class _Spectrum:
    """One spectrum with what is known of it.

    Attributes:
        data: of the sample alone. name: of the sample, nothing of the only one.
        wavelength, flux: (K,) m; per m, absolute or not.
        relative: whether the flux is in units of nothing. temperature: of the carriers, K.
        window: eV, that the fit is told to use; None where it may choose.
        free: whether the temperature is fitted for the splitting as well.
    """

    data: xr.Dataset
    name: str
    wavelength: F64
    flux: F64
    relative: bool
    temperature: float
    window: tuple[float, float] | None
    free: bool

    @property
    def end(self) -> str:
        """What tells its metrics from those of other samples."""
        return f", {self.name}" if self.name else ""

    def known(self, name: str) -> float:
        """A number of the sample, from a variable or an attribute; NaN where it is not said."""
        if name in self.data.variables and self.data[name].size == 1:
            return float(self.data[name])
        value = self.data.attrs.get(name)
        try:
            return float("nan") if value is None else float(value)
        except (TypeError, ValueError):
            return float("nan")

    @property
    def pairs(self) -> tuple[float, str]:
        """What the yield is counted against (m^-2 s^-1), and in words what that is."""
        made = self.known("generated")
        if np.isfinite(made):
            return made, "pairs that the light makes in the absorber"
        flux = self.known("excitation_flux")
        if np.isfinite(flux):
            return flux, "photons of the excitation"
        suns, jsc, eqe = (self.known(name) for name in ("light", "jsc", "eqe_at_laser"))
        if np.isfinite(suns) and suns > 0.0 and np.isfinite(jsc):
            eqe = eqe if np.isfinite(eqe) and eqe > 0.0 else 1.0
            return (
                suns * jsc / ELEMENTARY_CHARGE / eqe,
                f"photons of the laser, {suns:g} suns of {0.1 * jsc:.4g} mA/cm2 at a quantum efficiency of {eqe:g}",
            )
        return (
            np.nan,
            "the excitation is not said (attributes excitation_flux, or light, jsc and eqe_at_laser)",
        )


def samples(dataset: xr.Dataset) -> list[tuple[str, xr.Dataset]]:
    """Each sample of a measurement by name; one without a name where it holds a single spectrum."""
    if "sample" not in dataset.dims:
        return [("", dataset)]
    return [(str(name), dataset.isel(sample=row)) for row, name in enumerate(dataset["sample"].values)]


def is_relative(dataset: xr.Dataset) -> bool:
    """Whether the spectra are in counts or the like, which know no yield."""
    return str(dataset["photon_flux"].attrs.get("units", "")) == "1"


@of_measurements("pl")
def analyse(
    dataset: xr.Dataset,
    *,
    temperature: float | None = None,
    fit_temperature: bool = False,
    window: tuple[float, float] | None = None,
) -> Metrics:
    """Yield and splitting of each spectrum, and what its shape tells.

    Args:
        dataset: `photon_flux` over wavelength (m), or over (sample, wavelength): absolute in m^-2 s^-1 m^-1, or
            relative with the unit "1". Of use beside: `generated` (m^-2 s^-1, pairs), or the attributes
            `excitation_flux` (photons m^-2 s^-1), or `light` (suns), `jsc` (A m^-2) and `eqe_at_laser`; `bandgap` (eV);
            `absorptance` over wavelength; `temperature` (K).
        temperature: of the carriers, K; that of the dataset, else 298.15 K.
        fit_temperature: whether `qfls_planck` takes the temperature of the slope in place of it.
        window: photon energies (eV) of Planck's fit; chosen by peak and noise unless given.

    Returns:
        Of each sample, its name behind a comma where there are several: `photons` (m^-2 s^-1), `plqy`, `qfls` and
        `qfls_planck` (eV; of relative spectra NaN, with the reason), `slope_temperature` (K), `pl_peak`, `pl_width` and
        `pl_gap` (eV). Of simulated samples besides `qfls_inside`, `qfls_spread`, `qfls_less_voc` of the cell.

    Uncertainties are those of the points' noise. What the calibration, the excitation and the absorptance leave open is
    systematic, and the methods name it.
    """
    _refuse_lengths(dataset)
    found: dict[str, Metric] = {}
    given = temperature if temperature is not None else dataset.attrs.get("temperature")
    for name, one in samples(dataset):
        spectrum = _Spectrum(
            one,
            name,
            np.asarray(one["wavelength"], float),
            np.asarray(one["photon_flux"], float),
            is_relative(dataset),
            float(given) if given is not None else ROOM,
            window,
            fit_temperature,
        )
        found |= {f"{key}{spectrum.end}": metric for key, metric in _read(spectrum).items()}
        found |= {f"{key}{spectrum.end}": metric for key, metric in _inside(spectrum).items()}
    return Metrics(found)


def _refuse_lengths(dataset: xr.Dataset) -> None:
    """Refuse wavelengths that no light of a semiconductor has: their unit is missing or another quantity meant."""
    wavelength = np.asarray(dataset["wavelength"], float)
    middle = float(np.nanmedian(wavelength)) if wavelength.size else np.nan
    if not _SHORTEST < middle < _LONGEST:
        raise InputError(
            f"wavelengths of {middle:.4g} m are not those of luminescence.",
            'Say their unit: dataset["wavelength"].attrs["units"] = "nm".',
            key="wavelength",
        )


def _read(spectrum: _Spectrum) -> dict[str, Metric]:
    line = planck.line_of(spectrum.wavelength, spectrum.flux)
    if line is None:
        why = "no line stands out of the noise"
        names = {"plqy": "1", "qfls": "eV", "qfls_planck": "eV", "slope_temperature": "K", "pl_peak": "eV"}
        return {name: Metric(np.nan, unit, why) for name, unit in names.items()}
    offset = _offset(line, spectrum)
    slope = planck.fit(line, None, guess=spectrum.temperature, window=spectrum.window, absolute=False)
    gap = planck.edge(line, spectrum.temperature)
    sloping = None if slope.why else slope.temperature[1]
    found: dict[str, Metric] = {}
    if not spectrum.relative:
        found["photons"] = Metric(
            line.total[0],
            "m-2 s-1",
            f"integral of the spectrum{offset}; calibration is systematic",
            line.total[1],
        )
    return found | {
        "plqy": _yield(spectrum, line),
        "qfls": _splitting(spectrum, line, gap),
        "qfls_planck": _of_planck(spectrum, line),
        "slope_temperature": Metric(slope.temperature[0], "K", slope.why or _of_slope(slope) + offset, sloping),
        "pl_peak": Metric(line.peak[0], "eV", "parabola through ln(phi) per energy near the peak", line.peak[1]),
        "pl_width": Metric(line.width[0], "eV", "full width at half maximum of phi per energy", line.width[1]),
        "pl_gap": Metric(
            gap[0],
            "eV",
            "inflection of phi exp(E/kT) / E^2, the shape of the absorptance; re-absorption and fringes shift it"
            if np.isfinite(gap[0])
            else "the edge is lost in noise, or the spectrum ends too near to it",
            gap[1],
        ),
    }  # fmt: skip


def _of_slope(slope: planck.Fit) -> str:
    return (
        f"ln(phi / E^2) against E from {slope.window[0]:.3f} to {slope.window[1]:.3f} eV, {slope.points} points, slope "
        f"{-1.0 / (BOLTZMANN * slope.temperature[0]):.2f} /eV; an absorptance that still rises there makes it too hot"
    )


def _offset(line: planck.Line, spectrum: _Spectrum) -> str:
    """In words, what was taken off."""
    largest = float(np.max(spectrum.flux))
    return (
        f", less {line.offset / largest:.2%} of the peak as no light"
        if abs(line.offset) > 1e-4 * largest
        else ""
    )


def _yield(spectrum: _Spectrum, line: planck.Line) -> Metric:
    if spectrum.relative:
        return Metric(np.nan, "1", "the spectrum is relative: it knows no yield")
    pairs, words = spectrum.pairs
    if not (np.isfinite(pairs) and pairs > 0.0):
        return Metric(np.nan, "1", words)
    return Metric(
        line.total[0] / pairs,
        "1",
        f"photons out over {words}; calibration and excitation are systematic",
        line.total[1] / pairs,
    )


def _splitting(spectrum: _Spectrum, line: planck.Line, edge: tuple[float, float]) -> Metric:
    """kT ln(photons out / photons out at equilibrium): the same as QFLS_rad + kT ln PLQY."""
    if spectrum.relative:
        return Metric(np.nan, "eV", "the spectrum is relative: no absolute splitting follows from it")
    kt = BOLTZMANN * spectrum.temperature
    spread = kt * line.total[1] / line.total[0]
    radiative, pairs = spectrum.known("qfls_radiative"), spectrum.known("generated")
    if np.isfinite(radiative) and np.isfinite(pairs) and pairs > 0.0:
        plqy = line.total[0] / pairs
        return Metric(
            radiative + kt * float(np.log(plqy)),
            "eV",
            f"QFLS_rad + kT ln(PLQY) with QFLS_rad = {radiative:.4f} eV of the sample's own optics",
            spread,
        )
    stated = spectrum.known("bandgap")
    gap, words = (stated, "stated") if np.isfinite(stated) else (edge[0], "of the spectrum")
    if not np.isfinite(gap):
        return Metric(np.nan, "eV", "no bandgap is stated, and the spectrum tells none")
    own = 0.0 if np.isfinite(stated) or not np.isfinite(edge[1]) else edge[1]
    return Metric(
        kt * float(np.log(line.total[0] / planck.step_flux(gap, spectrum.temperature))),
        "eV",
        f"QFLS_rad + kT ln(PLQY) with the limit of a step at {gap:.3f} eV ({words}), one face; a real edge and another "
        "gap shift it by as much as the gap (systematic, tens of meV)",
        float(np.hypot(spread, own)),
    )


def _of_planck(spectrum: _Spectrum, line: planck.Line) -> Metric:
    if spectrum.relative:
        return Metric(np.nan, "eV", "the spectrum is relative: no absolute splitting follows from it")
    own = None
    if "absorptance" in spectrum.data.variables:
        order = np.argsort(spectrum.wavelength)
        own = np.interp(
            planck.HC / line.energy,
            spectrum.wavelength[order],
            np.asarray(spectrum.data["absorptance"], float)[order],
        )
    temperature = None if spectrum.free else spectrum.temperature
    fit = planck.fit(line, temperature, guess=spectrum.temperature, absorptance=own, window=spectrum.window)
    if fit.why:
        return Metric(np.nan, "eV", fit.why)
    taken = (
        "with the sample's own absorptance"
        if own is not None
        else "with an absorptance of 1, so that it is dmu + kT ln a: half the absorptance would be 17.8 meV more"
    )
    moves = (
        ""
        if np.isnan(fit.shift)
        else f"; a window that begins kT earlier or later moves it by {1e3 * fit.shift:.2g} meV"
    )
    at = f"{fit.temperature[0]:.2f} K, fitted" if spectrum.free else f"{spectrum.temperature:.2f} K"
    return Metric(
        fit.splitting[0],
        "eV",
        f"Planck's law at {at} from {fit.window[0]:.3f} to {fit.window[1]:.3f} eV, {fit.points} points, {taken}{moves}",
        fit.splitting[1],
    )


def _inside(spectrum: _Spectrum) -> dict[str, Metric]:
    """What only the model of a sample knows."""
    found: dict[str, Metric] = {}
    inside, spread, voc = (spectrum.known(name) for name in ("qfls_inside", "qfls_spread", "voc_own"))
    if np.isfinite(inside):
        found["qfls_inside"] = Metric(
            inside,
            "eV",
            "mean of the solved splitting over the absorber, weighted with what each depth emits",
        )
    if np.isfinite(spread):
        found["qfls_spread"] = Metric(spread, "eV", "highest less lowest solved splitting in the absorber")
    if np.isfinite(voc) and np.isfinite(inside):
        found["qfls_less_voc"] = Metric(inside - voc, "eV", f"qfls_inside less the solved Voc of {voc:.4f} V")
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
