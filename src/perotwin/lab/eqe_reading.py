"""What a quantum efficiency, simulated or from a file, tells of the absorber's edge and of its radiative limit.

    spectrum = readable(dataset)                    # metres, fractions, rising; what was done is said
    tail = urbach(spectrum)                         # an exponential over at least a decade, above the noise
    radiative(spectrum, tail, 298.15)               # J0,rad and what of it comes from the tail

The inflection of the edge: U. Rau et al., Phys. Rev. Appl. 7, 044016 (2017), doi:10.1103/PhysRevApplied.7.044016; L.
Kruckemeier et al., Adv. Energy Mater. 10, 1902573 (2020), doi:10.1002/aenm.201902573. By reciprocity (U. Rau, Phys.
Rev. B 76, 085303 (2007), doi:10.1103/PhysRevB.76.085303) the saturation current of radiation alone is

    J0,rad = q int EQE(E) 2 pi E^2 / (h^3 c^2) exp(-E / kT) dE,      Voc,rad = kT/q ln(Jsc / J0,rad + 1)

where the thermal photons weigh the deepest part of the edge most: a tail that the instrument cannot see is put on with
the Urbach line, a noise floor is not taken for one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Radiative", "Spectrum", "Tail", "inflection", "radiative", "readable", "spectral", "urbach"]

F64 = NDArray[np.float64]

_Q, _H, _C = 1.602176634e-19, 6.62607015e-34, 299792458.0
_KB = 1.380649e-23 / _Q
_HC = _H * _C / _Q
#: names that an axis of photon energies may have
_ENERGIES = ("photon_energy", "energy")
#: an efficiency above this is given in per cent
_PER_CENT = 1.5
#: part of the highest efficiency below which the edge falls as its absorption does
_CAP = 0.15
#: standard deviations of the noise, and times its mean, that a tail must stand above it
_ABOVE = 5.0
#: eV below the edge where nothing but noise is left, and fewest points to tell it
_DEEP, _FEWEST = 0.12, 4
#: misfit in ln(EQE) of a straight tail, and standard deviations of the noise that it may have
_STRAIGHT, _NOISE = 0.1, 2.0
#: part of kT that an Urbach energy must stay below for its tail to have an integral that can be told
_NARROW = 0.9


@dataclass(frozen=True)
class Spectrum:
    """A quantum efficiency that can be read, W points.

    Attributes:
        energy: (W,) eV, ascending. value: (W,) fractions.
        noise: standard deviation of the efficiency where it is high, a part of it.
        floor: standard deviation where it should be nothing, and its mean there.
        words: what was done with the numbers.
    """

    energy: F64
    value: F64
    noise: float
    floor: tuple[float, float]
    words: str

    @property
    def wavelength(self) -> F64:
        """(W,) m, descending."""
        return _HC / self.energy


@dataclass(frozen=True)
class Tail:
    """An exponential tail: ln(EQE) = height + (E - pivot) / energy. NaN where there is none.

    Attributes:
        energy: Urbach energy and its standard error, eV. pivot, height: a point on the line.
        low, high: eV, its ends. decades: over which it falls. words: how it was found, or why not.
    """

    energy: tuple[float, float]
    pivot: float
    height: float
    low: float
    high: float
    decades: float
    words: str


@dataclass(frozen=True)
class Radiative:
    """J0,rad (A m^-2), its standard error as a part of it, the part that the extended tail brings, and what is said."""

    current: float
    error: float
    extended: float
    words: str


def spectral(dataset: Any) -> Any:
    """A dataset over `wavelength`: photon energies (an axis of that name, or wavelengths in eV) are turned into it."""
    if not hasattr(dataset, "data_vars"):
        return dataset
    name = next(
        (one for one in _ENERGIES if one in dataset.dims and "wavelength" not in dataset.variables), None
    )
    if name is None and "wavelength" in dataset.variables:
        unit = str(dataset["wavelength"].attrs.get("units", ""))
        name = "wavelength" if unit in ("eV", "meV") else None
    if name is None:
        return dataset
    scale = 1e-3 if str(dataset[name].attrs.get("units", "eV")) == "meV" else 1.0
    energy = scale * np.asarray(dataset[name], float)
    if not np.all(energy[np.isfinite(energy)] > 0.0):
        raise InputError("photon energies are above zero.", "Give them in eV.", key=name)
    moved = dataset if name == "wavelength" else dataset.rename({name: "wavelength"})
    return moved.assign_coords(wavelength=("wavelength", _HC / energy, {"units": "m"}))


def readable(dataset: xr.Dataset) -> Spectrum:
    """The quantum efficiency `eqe` (wavelength) of a dataset in the order of photon energies, in fractions.

    Raises:
        InputError: wavelengths that are none, or fewer than three points.
    """
    wavelength, value = np.asarray(dataset["wavelength"], float), np.asarray(dataset["eqe"], float)
    good = np.isfinite(wavelength) & np.isfinite(value)
    wavelength, value = wavelength[good], value[good]
    said = []
    typical = float(np.median(wavelength)) if wavelength.size else np.nan
    if 100.0 <= typical <= 10_000.0 and "units" not in dataset["wavelength"].attrs:
        wavelength = wavelength * 1e-9
        said.append("wavelengths without a unit taken for nm")
    if not np.all((wavelength > 1e-8) & (wavelength < 1e-4)):
        raise InputError(
            f"wavelengths about {typical:.3g} m are not those of a quantum efficiency.",
            'Give them in metres, or their unit: dataset["wavelength"].attrs["units"] = "nm".',
            key="wavelength",
        )
    if value.size and float(np.quantile(value, 0.95)) > _PER_CENT:
        value = 0.01 * value
        said.append("efficiencies above 1 taken for per cent")
    if np.unique(wavelength).size < 3:
        raise InputError(
            f"a quantum efficiency of {wavelength.size} points shows no edge.", "Give more.", key="eqe"
        )
    order = np.argsort(-wavelength, kind="stable")
    energy, value = _HC / wavelength[order], value[order]
    grid, which = np.unique(energy, return_inverse=True)
    if grid.size < energy.size:
        said.append(f"{energy.size - grid.size} repeated wavelengths averaged")
        energy, value = grid, np.bincount(which, weights=value) / np.bincount(which)
    noise = _scatter(energy, value)
    return Spectrum(energy, value, noise, _floor(energy, value), "; ".join(said))


def _scatter(energy: F64, value: F64) -> float:
    """Relative standard deviation where the efficiency is high, by third differences."""
    high = value > 0.3 * float(np.max(value))
    if high.sum() < 8:
        return 0.0
    third = np.diff(np.log(np.maximum(value[high], 1e-12)), n=3)
    return float(np.median(np.abs(third))) / 0.6745 / float(np.sqrt(20.0))


def _floor(energy: F64, value: F64) -> tuple[float, float]:
    """Standard deviation and mean where nothing is absorbed: a level stretch at the lowest energies; zeros if none."""
    edge = inflection(energy, value)[0]
    if not np.isfinite(edge):
        return 0.0, 0.0
    count = int((energy < edge - _DEEP).sum())
    # the longest stretch from the lowest energy on that does not rise
    for size in range(count, _FEWEST - 1, -1):
        x, y = energy[:size], value[:size]
        if np.any(y <= 0.0):
            # what is below zero is noise, whatever rises with it
            last = int(np.flatnonzero(y <= 0.0)[-1]) + 1
            if last >= max(_FEWEST, 0.5 * size):
                return float(y[:last].std(ddof=1)), float(y[:last].mean())
        slope, spread = _line(x, y)
        level = y.std() == 0.0 or abs(slope) < 3.0 * spread
        # a steep tail has curvature: its middle lies far below its ends
        if level and (abs(y.mean() - np.median(y)) < 0.5 * y.std() or y.std() < 0.3 * abs(y.mean())):
            return float(y.std(ddof=1)), float(y.mean())
    return 0.0, 0.0


def _line(x: F64, y: F64) -> tuple[float, float]:
    """Slope and its standard error."""
    off = x - x.mean()
    slope = float(off @ y / (off @ off))
    left = y - y.mean() - slope * off
    return slope, float(np.sqrt(left @ left / max(x.size - 2, 1) / (off @ off)))


def inflection(energy: F64, value: F64, noise: float = 0.0) -> tuple[float, float]:
    """Photon energy (eV) at which the EQE rises most steeply, by a parabola through its slope, and its standard error.

    Args:
        energy: (W,) eV, ascending. value: (W,). noise: of a value, a part of it. NaN without a rise.
    """

    def at(values: F64) -> tuple[float, int]:
        slope = np.gradient(values, energy)
        best = int(np.argmax(slope))
        if not 0 < best < slope.size - 1 or not slope[best] > 0.0:
            return float("nan"), best
        here = slice(best - 1, best + 2)
        a, b, _ = np.polyfit(energy[here] - energy[best], slope[here], 2)
        return float(energy[best] - b / (2.0 * a)) if a < 0.0 else float(energy[best]), best

    jumps = np.diff(value)
    largest = int(np.argmax(jumps))
    if jumps[largest] > 0.7 * float(np.ptp(value)):
        # a step between two points
        between = energy[largest : largest + 2]
        return float(between.mean()), float(np.ptp(between) / np.sqrt(12.0))
    place, best = at(value)
    if not np.isfinite(place):
        return place, float("nan")
    spread = 0.0
    for index in range(max(best - 2, 0), min(best + 3, value.size)):
        if noise > 0.0:
            moved = value.copy()
            moved[index] += noise * max(abs(float(value[index])), 0.05 * float(np.max(value)))
            other = at(moved)[0]
            if np.isfinite(other):
                spread += (other - place) ** 2
    # ways to find the steepest place differ by a part of the distance of points
    step = float(energy[best + 1] - energy[best - 1]) / 2.0
    return place, float(np.sqrt(spread + step**2 / 12.0))


def urbach(spectrum: Spectrum) -> Tail:
    """The exponential tail of an edge: the longest straight stretch of ln(EQE) over at least a decade.

    It lies below the edge, below 15 % of the highest efficiency, and above five times the noise of what is not
    absorbed.
    """
    energy, value = spectrum.energy, spectrum.value
    edge, _ = inflection(energy, value)
    if not np.isfinite(edge):
        return _no_tail("no edge")
    sigma, mean = spectrum.floor
    least = max(_ABOVE * sigma, 10.0 * abs(mean))
    cap = _CAP * float(np.max(value))
    seen = (energy < edge) & (value <= cap) & (value > least)
    # from the top of the tail down to the first point that is not above the noise
    top = np.flatnonzero((energy < edge) & (value <= cap))
    if not top.size:
        return _no_tail("no point below the edge and below 15 % of the highest efficiency")
    last = int(top[-1])
    first = last
    while first > 0 and seen[first - 1]:
        first -= 1
    if not seen[last] and least == 0.0:
        return _no_tail(
            "the edge falls from above 15 % of the highest efficiency to nothing between two points"
        )
    if not seen[last]:
        return _no_tail(f"the edge falls into the noise ({least:.1e}) at once")
    floor = f", above {least:.1e}: five times the noise of what is not absorbed" if least > 0.0 else ""
    x, y = energy[first : last + 1], np.log(value[first : last + 1])
    if x.size < _FEWEST or y[-1] - y[0] < np.log(10.0):
        return _no_tail(
            f"{max(y[-1] - y[0], 0.0) / np.log(10.0):.2g} decades and {x.size} points lie between 15 % of the highest "
            f"efficiency and the noise ({least:.1e}): a decade and {_FEWEST} points are needed"
        )
    error = np.hypot(max(spectrum.noise, 1e-6), sigma / np.exp(y))
    best: tuple[float, Any] = (0.0, None)
    for begin in range(x.size - _FEWEST + 1):
        for end in range(x.size, begin + _FEWEST - 1, -1):
            height = float(y[end - 1] - y[begin])
            if height < max(np.log(10.0), best[0]):
                break
            found = _weighted(x[begin:end], y[begin:end], error[begin:end])
            slope, _, _, _, misfit = found
            if slope > 0.0 and misfit <= max(_STRAIGHT, _NOISE * float(np.mean(error[begin:end]))):
                best = height, (begin, end, found)
                break
    if best[1] is None:
        return _no_tail(f"ln(EQE) is straight over no decade below the edge{floor}")
    begin, end, (slope, pivot, level, spread, _) = best[1]
    tail = 1.0 / slope
    decades = best[0] / np.log(10.0)
    return Tail(
        (tail, tail**2 * spread),
        pivot,
        level,
        float(x[begin]),
        float(x[end - 1]),
        decades,
        f"slope of ln(EQE) from {x[begin]:.3f} to {x[end - 1]:.3f} eV, {decades:.2g} decades, {end - begin} points"
        f"{floor}; the width of the light's band is part of it",
    )


def _no_tail(why: str) -> Tail:
    nan = float("nan")
    return Tail((nan, nan), nan, nan, nan, nan, 0.0, f"no Urbach energy: {why}")


def _weighted(x: F64, y: F64, error: F64) -> tuple[float, float, float, float, float]:
    """Slope, pivot, height there, standard error of the slope, and rms misfit of a line; of errors the ratio counts."""
    weight = error**-2.0
    pivot = float(np.average(x, weights=weight))
    level = float(np.average(y, weights=weight))
    off = x - pivot
    scatter = float(weight @ off**2)
    slope = float((weight * off) @ y) / scatter
    left = y - level - slope * off
    chi = float(weight @ left**2) / max(x.size - 2, 1)
    return slope, pivot, level, float(np.sqrt(chi / scatter)), float(np.sqrt(np.mean(left**2)))


def radiative(spectrum: Spectrum, tail: Tail, kelvin: float) -> Radiative:
    """The saturation current of radiation alone, of one side.

    Args:
        spectrum: of the efficiency. tail: that it is continued with below where it was read; without one it ends at its
            noise, and the limit is an upper bound. kelvin: temperature.
    """
    thermal = _KB * kelvin
    sigma, mean = spectrum.floor
    least = max(_ABOVE * sigma, 10.0 * abs(mean))
    energy, value = spectrum.energy, spectrum.value
    known = np.isfinite(tail.energy[0])
    if known and tail.energy[0] > _NARROW * thermal:
        words = (
            f"an Urbach energy of {1e3 * tail.energy[0]:.3g} meV, near kT or above: most of its light comes from below "
            "anything that was read, and the limit cannot be told"
        )
        return Radiative(np.nan, np.nan, np.nan, words)
    start = tail.low if known else float(energy[0])
    edge, _ = inflection(energy, value)
    if not known and np.isfinite(edge):
        below = np.flatnonzero((energy < edge) & (value <= least))
        start = float(energy[below[-1] + 1]) if below.size and least > 0.0 else float(energy[0])
    keep = energy >= start
    above = np.maximum(value[keep], 0.0)
    grid, fine = _fine(energy[keep], above)
    main = _thermal_current(grid, fine, thermal)
    # between points nobody knows: a straight line in the efficiency instead of its logarithm
    other = _thermal_current(grid, np.interp(grid, energy[keep], above), thermal)
    noise = np.hypot(
        spectrum.noise / np.sqrt(max(int(keep.sum()) / 10.0, 1.0)), 0.5 * abs(other / main - 1.0)
    )
    if not known:
        words = "upper bound: no tail is put on"
        lowest = float(value[keep][0]) / float(np.max(value))
        if lowest > 0.02:
            words += f", and the data end where the efficiency is still {lowest:.0%} of its highest"
        return Radiative(main, noise, 0.0, f"{words}; {tail.words}")

    def of_line(width: float) -> float:
        # below the start the integrand falls by e over this length
        length = 1.0 / (1.0 / width - 1.0 / thermal)
        low = np.linspace(max(start - 40.0 * length, 1e-3), start, 4001)
        return _thermal_current(low, np.exp(tail.height + (low - tail.pivot) / width), thermal)

    more = of_line(tail.energy[0])
    steps = [of_line(min(tail.energy[0] + sign * tail.energy[1], 0.99 * thermal)) for sign in (1.0, -1.0)]
    spread = 0.5 * abs(steps[0] - steps[1])
    total = main + more
    return Radiative(
        total,
        float(np.hypot(noise, spread / total)),
        more / total,
        f"tail continued below {start:.3f} eV by the Urbach line, {more / total:.1%} of the current",
    )


def _fine(energy: F64, value: F64) -> tuple[F64, F64]:
    """A grid of 0.5 meV or less, on which the efficiency is linear in its logarithm where it is above zero."""
    pieces, values = [energy[:1]], [value[:1]]
    for i in range(energy.size - 1):
        count = max(2, int(np.ceil((energy[i + 1] - energy[i]) / 5e-4)) + 1)
        share = np.linspace(0.0, 1.0, count)[1:]
        pieces.append(energy[i] + share * (energy[i + 1] - energy[i]))
        if value[i] > 0.0 and value[i + 1] > 0.0:
            values.append(value[i] * (value[i + 1] / value[i]) ** share)
        else:
            values.append(value[i] + share * (value[i + 1] - value[i]))
    return np.concatenate(pieces), np.concatenate(values)


def _thermal_current(energy: F64, value: F64, thermal: float) -> float:
    """A m^-2: q int EQE phi_bb dE on a fine grid (eV)."""
    flux = 2.0 * np.pi * energy**2 / (_H**3 * _C**2) * _Q**3 * np.exp(-energy / thermal)
    return float(_Q * np.trapezoid(value * flux, energy))
