"""What a spectrum of luminescence tells of the carriers behind it, by Planck's law for light with a chemical potential.

A body of absorptance a(E) whose quasi-Fermi levels are split by dmu emits into one hemisphere, per area, time and
energy,

    phi(E) = a(E) 2 pi E^2 / (h^3 c^2) exp(-(E - dmu) / kT)                    (E - dmu well above kT)

(P. Wurfel, J. Phys. C 15, 3967 (1982), doi:10.1088/0022-3719/15/18/012). Above the gap, where a hardly changes,
ln(phi / E^2) falls by 1 / kT per energy, -38.92 / eV at 298.15 K: the slope is the temperature of the carriers, and
with absolute numbers the height is dmu + kT ln a. Energies in eV, fluxes in m^-2 s^-1 eV^-1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perotwin.units import BOLTZMANN, ELEMENTARY_CHARGE

__all__ = ["HC", "Fit", "Line", "black_body", "edge", "fit", "line_of", "per_energy", "step_flux"]

F64 = NDArray[np.float64]

#: Planck's constant times the speed of light, eV m, and 2 pi / (h^3 c^2), m^-2 s^-1 eV^-3
HC = 6.62607015e-34 * 299792458.0 / ELEMENTARY_CHARGE
_BLACK_BODY = 2.0 * np.pi * 299792458.0 / HC**3

#: the fit begins this far (kT) above the peak and ends where the flux has fallen to this part of it, or to so many
#: times the noise of a point
_ABOVE, _LOWEST, _CLEAR = 2.0, 1e-4, 5.0
#: kT at the beginning that a line is drawn through, and how far ln(phi) may leave it
_STRAIGHT, _BENT = 1.5, 0.15
#: points and kT that a fit needs at least
_POINTS, _SPAN = 6, 1.5
#: the flux that is not light is read this far (eV) from the peak: what the gap of a film emits has died there
_BELOW_PEAK, _ABOVE_PEAK = 0.30, 0.35
_DARK_POINTS = 8
#: and taken off from this part of the peak on
_OFFSET = 0.2 * _LOWEST
#: the peak is that of a parabola through the logarithm of what is above this part of the highest point
_TOP = 0.7
#: a standard deviation over the median absolute deviation of normal noise
_MAD = 1.4826


def per_energy(wavelength: F64, flux: F64) -> tuple[F64, F64]:
    """Photon energies (eV), ascending, and a flux per wavelength (m^-1) as one per energy (eV^-1)."""
    order = np.argsort(wavelength)[::-1]
    energy = HC / wavelength[order]
    return energy, flux[order] * wavelength[order] / energy


def black_body(energy: F64, temperature: float, splitting: float = 0.0) -> F64:
    """What a black body emits into one hemisphere at a splitting (eV) of its quasi-Fermi levels, m^-2 s^-1 eV^-1."""
    kt = BOLTZMANN * temperature
    return np.asarray(_BLACK_BODY * energy**2 / np.expm1((energy - splitting) / kt))


def step_flux(gap: float, temperature: float) -> float:
    """Photons (m^-2 s^-1) that a body which absorbs all above a gap (eV) emits into one hemisphere at equilibrium.

    W. Shockley, H. J. Queisser, J. Appl. Phys. 32, 510 (1961), doi:10.1063/1.1736034; the Bose integral as its series.
    """
    kt = BOLTZMANN * temperature
    m = np.arange(1, 60)
    terms = np.exp(-m * gap / kt) * (gap**2 * kt / m + 2.0 * gap * kt**2 / m**2 + 2.0 * kt**3 / m**3)
    return float(_BLACK_BODY * terms.sum())


@dataclass(frozen=True)
class Line:
    """A luminescence line.

    Attributes:
        energy: (K,) eV, ascending. flux: (K,) per eV, less what is no light. offset: what was taken off, per m.
        noise: (K,) standard deviation of the points of `flux` that does not scale with the light.
        relative: noise of a point as a part of its light.
        peak, width: eV, with their standard deviations. total: photons, with its own.
    """

    energy: F64
    flux: F64
    offset: float
    noise: F64
    relative: float
    peak: tuple[float, float]
    width: tuple[float, float]
    total: tuple[float, float]

    def deviation(self) -> F64:
        """(K,) standard deviation of each point."""
        return np.asarray(np.hypot(self.noise, self.relative * np.abs(self.flux)))


def line_of(wavelength: F64, flux: F64) -> Line | None:
    """The line in a spectrum, with its noise; None where nothing stands out of it.

    The flux far from the line is taken for what is no light, and for the noise that does not scale with it; the noise
    that does is the scatter of neighbouring points about a smooth line.

    Args:
        wavelength: (K,) m. flux: (K,) per wavelength, absolute or not.
    """
    good = np.isfinite(wavelength) & np.isfinite(flux) & (wavelength > 0.0)
    order = np.argsort(wavelength[good])
    x, y = wavelength[good][order], flux[good][order]
    if x.size < _POINTS or not y.max() > 0.0:
        return None
    photon = HC / x
    top = float(photon[np.argmax(_smooth(y))])
    far = (photon < top - _BELOW_PEAK) | (photon > top + _ABOVE_PEAK)
    offset, noise = 0.0, 0.0
    if int(far.sum()) >= _DARK_POINTS:
        offset = float(np.median(y[far]))
        steps = np.diff(y[far])
        # a little of it may be the light of the far tail
        offset = offset if abs(offset) > _OFFSET * float(y.max()) else 0.0
        noise = _MAD * float(np.median(np.abs(steps - np.median(steps)))) / np.sqrt(2.0)
    y = y - offset
    energy, light = per_energy(x, y)
    per = x[::-1] / energy
    scatter = _scatter(energy, light)
    peak = _peak(energy, light)
    if peak is None or not light.max() > _CLEAR * noise * float(per[np.argmax(light)]):
        return None
    relative = scatter
    spread = np.hypot(noise * per, relative * np.abs(light))
    width = _width(energy, light, spread, peak[0])
    weights = np.gradient(x)
    total = float(np.trapezoid(y, x)), float(np.sqrt(np.sum((weights * np.hypot(noise, relative * y)) ** 2)))
    if not total[0] > 0.0:
        return None
    return Line(energy, light, offset, noise * per, relative, peak, width, total)


def _smooth(values: F64) -> F64:
    """A running mean over five points, so that one that is off is no peak."""
    if values.size < 9:
        return values
    return np.asarray(np.convolve(np.pad(values, 2, mode="edge"), np.full(5, 0.2), mode="valid"))


def _scatter(energy: F64, light: F64) -> float:
    """Relative noise of a point: how neighbours scatter about a smooth line, where the line is bright."""
    bright = np.flatnonzero(light > 0.3 * light.max())
    if bright.size < 8:
        return 0.0
    log = np.log(light[bright[0] : bright[-1] + 1].clip(min=1e-3 * light.max()))
    # the third difference of even points knows no parabola; its terms are 1, 3, 3, 1
    third = np.diff(log, 3)
    return float(_MAD * np.median(np.abs(third)) / np.sqrt(20.0)) if third.size >= 4 else 0.0


def _peak(energy: F64, light: F64) -> tuple[float, float] | None:
    """Energy of the maximum by a parabola through ln(light) of the upper part, and its standard deviation."""
    at = int(np.argmax(_smooth(light)))
    first = last = at
    bar = _TOP * float(_smooth(light)[at])
    while first > 0 and light[first - 1] > bar:
        first -= 1
    while last < light.size - 1 and light[last + 1] > bar:
        last += 1
    here = slice(first, last + 1)
    x, y = energy[here] - energy[at], light[here]
    if x.size < 5 or not (y > 0.0).all():
        step = float(np.abs(np.gradient(energy)[at])) if energy.size > 1 else 0.0
        return float(energy[at]), step
    # weights: the noise of ln(light) is even where it is relative
    coefficients, covariance = (
        np.polyfit(x, np.log(y), 2, cov=True) if x.size > 6 else (np.polyfit(x, np.log(y), 2), None)
    )
    curvature, slope, _ = coefficients
    if not curvature < 0.0:
        return float(energy[at]), float(np.ptp(x)) / 4.0
    place = -slope / (2.0 * curvature)
    if abs(place) > np.ptp(x):
        return float(energy[at]), float(np.ptp(x)) / 4.0
    spread = float(np.abs(np.gradient(energy)[at])) / 2.0
    if covariance is not None:
        by = np.array([slope / (2.0 * curvature**2), -1.0 / (2.0 * curvature), 0.0])
        spread = float(np.sqrt(max(by @ covariance @ by, 0.0)))
    return float(energy[at] + place), spread


def _width(energy: F64, light: F64, spread: F64, peak: float) -> tuple[float, float]:
    """Full width at half maximum and its standard deviation; NaN where the spectrum ends before."""
    at = int(np.argmin(np.abs(energy - peak)))
    half = 0.5 * float(_smooth(light)[at])
    ends, errors = [], []
    for step in (-1, 1):
        i = at
        while 0 <= i + step < light.size and light[i + step] > half:
            i += step
        j = i + step
        if not 0 <= j < light.size:
            return np.nan, np.nan
        a, b = light[i] - half, light[j] - half
        if not a > b:
            return np.nan, np.nan
        ends.append(energy[i] + (energy[j] - energy[i]) * a / (a - b))
        near = slice(max(i - 3, 0), i + 4)
        slope = abs(float(np.polyfit(energy[near], light[near], 1)[0])) if light[near].size > 2 else 0.0
        errors.append(float(spread[i]) / slope if slope > 0.0 else np.nan)
    return float(ends[1] - ends[0]), float(np.hypot(errors[0], errors[1]))


# --- the side of high energies ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fit:
    """Planck's law through the tail of a line.

    Attributes:
        splitting: dmu, or dmu + kT ln a where the absorptance is not known, eV, with its standard deviation; NaN of
            relative numbers.
        temperature: K, with its standard deviation, which is zero where it was given.
        window: eV, between which the points lie. points: how many.
        shift: eV, by which the splitting changes where the window begins kT earlier or later, the larger.
        why: nothing was fitted because of this.
    """

    splitting: tuple[float, float] = (np.nan, np.nan)
    temperature: tuple[float, float] = (np.nan, np.nan)
    window: tuple[float, float] = (np.nan, np.nan)
    points: int = 0
    shift: float = np.nan
    why: str = ""


def fit(
    line: Line,
    temperature: float | None,
    *,
    guess: float = 298.15,
    absorptance: F64 | None = None,
    window: tuple[float, float] | None = None,
    absolute: bool = True,
) -> Fit:
    """Fit Planck's law to the high-energy side of a line by weighted least squares in ln(phi / E^2).

    Args:
        line: from `line_of`. temperature: of the carriers, K; None fits it.
        guess: temperature that the window is chosen by.
        absorptance: (K,) at the energies of the line; 1 unless given.
        window: eV; from 2 kT above the peak down to 1e-4 of it, or to 5 times the noise, unless given.
        absolute: whether the flux is in m^-2 s^-1 eV^-1; of relative ones only the temperature is known.
    """
    kt = BOLTZMANN * (temperature or guess)
    chosen = window or _window(line, kt)
    made = _fit(line, temperature, chosen, absorptance, kt)
    if made.why:
        return made
    shift = np.nan
    if window is None:
        others = [
            _fit(line, temperature, (chosen[0] + by * kt, chosen[1]), absorptance, kt) for by in (-1.0, 1.0)
        ]
        moved = [abs(one.splitting[0] - made.splitting[0]) for one in others if not one.why]
        shift = max(moved, default=np.nan)
    splitting = made.splitting if absolute else (np.nan, np.nan)
    return Fit(splitting, made.temperature, made.window, made.points, shift if absolute else np.nan)


def _window(line: Line, kt: float) -> tuple[float, float]:
    begin = line.peak[0] + _ABOVE * kt
    top = float(line.flux.max())
    floor = np.maximum(_LOWEST * top, _CLEAR * line.noise)
    above = np.flatnonzero((line.energy > line.peak[0]) & (line.flux < floor))
    end = float(line.energy[above[0]]) if above.size else float(line.energy[-1])
    # the point that fell below is no part of it
    end = float(np.nextafter(end, 0.0)) if above.size else end
    return begin, _until_it_bends(line, begin, end, kt)


def _until_it_bends(line: Line, begin: float, end: float, kt: float) -> float:
    """Where the flux leaves the line that its first kT make, for a background that was taken off wrongly, scattered
    light, or a threshold of the detector's program.
    """
    here = (line.energy >= begin) & (line.energy <= end) & (line.flux > 0.0)
    x, y = line.energy[here], np.log(line.flux[here] / line.energy[here] ** 2)
    first = x <= begin + _STRAIGHT * kt
    if int(first.sum()) < _POINTS or bool(first.all()):
        return end
    slope, level = np.polyfit(x[first] - begin, y[first], 1)
    rest = y - (level + slope * (x - begin))
    noise = float(np.std(rest[first], ddof=2))
    steepness = noise / (np.std(x[first]) * np.sqrt(first.sum()))
    off = np.abs(rest) > _BENT + 5.0 * noise + 3.0 * steepness * (x - begin)
    # one point may be off; three one after another are a bend
    bent = np.flatnonzero(off[:-2] & off[1:-1] & off[2:]) if off.size > 2 else np.zeros(0, dtype=int)
    return float(x[bent[0] - 1]) if bent.size and bent[0] > 0 else end


def _fit(
    line: Line, temperature: float | None, window: tuple[float, float], absorptance: F64 | None, kt: float
) -> Fit:
    a = np.ones_like(line.energy) if absorptance is None else absorptance
    here = (line.energy >= window[0]) & (line.energy <= window[1]) & (line.flux > 0.0) & (a > 0.0)
    x, y = line.energy[here], line.flux[here]
    if x.size < _POINTS or np.ptp(x) < _SPAN * kt:
        span = "none" if x.size == 0 else f"{x.size} in {1e3 * float(np.ptp(x)):.0f} meV"
        return Fit(
            window=window,
            points=int(x.size),
            why=f"too few points between {window[0]:.3f} and {window[1]:.3f} eV stand above the noise ({span})",
        )
    height = np.log(y / (_BLACK_BODY * a[here] * x**2))
    sigma = line.deviation()[here] / y
    # where no noise is seen all points count alike
    sigma = sigma if sigma.max() > 0.0 else np.ones_like(x)
    weight = 1.0 / np.maximum(sigma, 0.1 * np.median(sigma)) ** 2
    total = float(weight.sum())
    if temperature is not None:
        own = BOLTZMANN * temperature
        values = own * height + x
        mean = float(weight @ values / total)
        scale = float(weight @ (values - mean) ** 2 / (x.size - 1))
        return Fit((mean, float(np.sqrt(scale / total))), (temperature, 0.0), _ends(x), int(x.size))
    centre = float(weight @ x / total)
    dx = x - centre
    level = float(weight @ height / total)
    sxx = float(weight @ dx**2)
    slope = float(weight @ (dx * height) / sxx)
    if not slope < 0.0:
        return Fit(window=window, points=int(x.size), why="the flux does not fall towards high energies")
    rest = height - level - slope * dx
    scale = float(weight @ rest**2 / (x.size - 2))
    own = -1.0 / slope
    var_slope, var_level = scale / sxx, scale / total
    splitting = centre + own * level
    # centre + level * own, and own = -1 / slope: d own / d slope = own^2
    spread = float(np.sqrt(own**2 * var_level + (level * own**2) ** 2 * var_slope))
    told = own / BOLTZMANN, own**2 * float(np.sqrt(var_slope)) / BOLTZMANN
    return Fit((splitting, spread), told, _ends(x), int(x.size))


def _ends(x: F64) -> tuple[float, float]:
    return float(x[0]), float(x[-1])


# --- the edge --------------------------------------------------------------------------------------------------------

#: half a window (eV) of the cubic that smooths the edge, from the line's width; steps of its grid
_PART_OF_WIDTH, _GRID = 0.25, 1e-3
_DRAWS = 40


def edge(line: Line, temperature: float) -> tuple[float, float]:
    """The gap that a line tells: the inflection of its absorptance, phi exp(E / kT) / E^2, and its standard deviation.

    By reciprocity a body emits as it absorbs (doi:10.1103/PhysRevB.76.085303); re-absorption in the sample and fringes
    shift it. NaN where the edge is lost in noise.

    Args:
        line: from `line_of`. temperature: of the carriers, K.
    """
    kt = BOLTZMANN * temperature
    found = _inflection(line.energy, line.flux, line, kt)
    if not np.isfinite(found):
        return np.nan, np.nan
    rng = np.random.default_rng(0)
    spread = line.deviation()
    again = [
        _inflection(line.energy, line.flux + spread * rng.standard_normal(spread.size), line, kt)
        for _ in range(_DRAWS)
    ]
    told = np.array([one for one in again if np.isfinite(one)])
    return found, float(np.std(told)) if told.size > _DRAWS // 2 else np.nan


def _inflection(energy: F64, flux: F64, line: Line, kt: float) -> float:
    from scipy.signal import savgol_filter

    top, width = line.peak[0], line.width[0]
    if not np.isfinite(width):
        return np.nan
    low, high = max(top - 2.0 * width, energy[0]), min(top + 0.75 * width, energy[-1])
    grid = np.arange(low, high, _GRID)
    half = max(int(_PART_OF_WIDTH * width / _GRID), 3)
    if grid.size < 4 * half:
        return np.nan
    values = np.interp(grid, energy, flux)
    # relative to the peak, so that no exponential overflows
    absorbed = values * np.exp((grid - top) / kt) / grid**2
    slope = savgol_filter(absorbed, 2 * half + 1, 3, deriv=1, delta=_GRID)
    inner = slice(half, grid.size - half)
    at = int(np.argmax(slope[inner])) + half
    if at <= half + 1 or at >= grid.size - half - 2:
        return np.nan
    a, b, c = slope[at - 1 : at + 2]
    curve = a - 2.0 * b + c
    return float(grid[at] + (0.5 * (a - c) / curve if curve < 0.0 else 0.0) * _GRID)
