"""What can be told of an impedance spectrum that has noise: its smooth course, its arcs and a circuit that gives it.

    smooth = relaxations(frequency, impedance)     # obeys Kramers and Kronig, noise estimated
    arcs(smooth)                                   # maxima of -Im Z that the noise does not make
    best_circuit(frequency, impedance)             # Rs and one to four elements, by lmfit

The smooth course is a sum of many relaxations R_k / (1 + i w tau_k) on a fixed grid of time constants, as in the test
of B. A. Boukamp, J. Electrochem. Soc. 142, 1885 (1995), doi:10.1149/1.2044210: whatever it cannot follow breaks the
relations of Kramers and Kronig, or is noise. How smooth it is follows from the data by generalised cross-validation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from lmfit import Parameters
    from lmfit.minimizer import MinimizerResult

__all__ = ["Circuit", "Element", "Smooth", "arcs", "best_circuit", "circuit", "maxima", "relaxations"]

F64 = NDArray[np.float64]
C128 = NDArray[np.complex128]

#: time constants of the smooth course, for each decade, and decades beyond the ends of the frequencies
_PER_DECADE, _BEYOND = 8, 1.0
#: a maximum of -Im Z counts as an arc if it stands out by this part of the largest, and by this many standard errors
_ARC, _SURE = 0.01, 5.0
#: an arc narrower than this many decades between its flanks is none: a single relaxation has 1.14 at half its height
_NARROW = 0.3
#: a smoother course is taken where its score is no more than this times the least
_AS_LIKELY = 1.05
#: elements that are tried
_MOST = 4
#: exponents that an element may have
_FLATTEST = 0.5
#: difference of the criterion above which a circuit is told from a simpler one (strong evidence)
_TELLING = 6.0
#: a circuit that leaves no more than this of |Z| needs no further element, whatever numbers without noise would allow
_ENOUGH = 1e-3


@dataclass(frozen=True)
class Smooth:
    """The smooth course of a spectrum over W frequencies.

    Attributes:
        frequency: (W,) Hz, ascending. impedance: (W,) of the smooth course.
        noise: standard deviation of what is left over |Z|, of either part.
        error: (W,) standard error of -Im of the smooth course.
        left: (W,) complex, what is left over |Z|.
        freedom: how many numbers the smooth course has in effect.
        follows: (2 W, K), of which the product with its transpose takes a spectrum, real parts over |Z| and then
            imaginary ones, to its smooth course.
    """

    frequency: F64
    impedance: C128
    noise: float
    error: F64
    left: C128
    freedom: float
    follows: F64


def relaxations(frequency: F64, impedance: C128) -> Smooth:
    """The smooth course of a spectrum, by relaxations on a fixed grid, and the noise about it.

    Each relaxation counts by the largest part of |Z| that it makes anywhere, and by that its weight is smooth: of a
    cell whose |Z| falls by five decades, weights in ohm that are smooth over all of them follow none of the upper ones.
    Weights may be negative, as an inductive arc asks.

    Args:
        frequency: (W,) Hz, ascending. impedance: (W,), any unit.
    """
    from scipy.linalg import cholesky, solve_triangular, svd

    size = np.abs(impedance)
    omega = 2.0 * np.pi * frequency
    low, high = -np.log10(omega[-1]) - _BEYOND, -np.log10(omega[0]) + _BEYOND
    tau = np.logspace(low, high, int(np.ceil((high - low) * _PER_DECADE)) + 1)
    columns = [
        np.ones(omega.size, complex),
        1j * omega / omega[-1],
        omega[0] / (1j * omega),
        *(1.0 / (1.0 + 1j * omega[:, None] * tau)).T,
    ]
    design = np.array(columns).T / size[:, None]
    design /= np.max(np.abs(design), axis=0)
    a = np.vstack([design.real, design.imag])
    b = np.concatenate([(impedance / size).real, (impedance / size).imag])
    bend = np.diff(np.eye(tau.size), n=2, axis=0)
    penalty = np.zeros((3 + tau.size, 3 + tau.size))
    penalty[3:, 3:] = bend.T @ bend + 1e-7 * np.eye(tau.size)
    # what carries the ends is free, but for a trace that keeps the equations regular
    penalty[:3, :3] = 1e-9 * np.eye(3)
    # with the root of the penalty as unit, each weight of it costs a division; by singular values, as normal equations
    # would square the condition and lose all but the coarsest half of what the relaxations can follow
    directions, strength, _ = svd(solve_triangular(cholesky(penalty), a.T, trans="T").T, full_matrices=False)
    curvature = strength**2
    along = directions.T @ b
    outside = b - directions @ along
    tried = []
    for weight in curvature[0] * np.logspace(-28.0, 3.0, 94):
        share = curvature / (curvature + weight)
        spare = b.size - float(share.sum())
        if spare < 2.0:
            continue
        left_over = float(outside @ outside + np.sum(((1.0 - share) * along) ** 2))
        tried.append((left_over / spare**2, weight))
    if not tried:
        whole = np.full(size.size, np.nan)
        return Smooth(frequency, impedance, np.nan, whole, whole + 0j, np.nan, np.zeros((b.size, 0)))
    # of courses that are about as likely the smoothest
    least = min(score for score, _ in tried)
    weight = next(one for score, one in reversed(tried) if score <= _AS_LIKELY * least)
    share = curvature / (curvature + weight)
    freedom = float(share.sum())
    found = directions @ (share * along)
    left = b - found
    count = omega.size
    noise = float(np.sqrt(left @ left / (b.size - freedom)))
    error = noise * size * np.sqrt(np.sum((directions[count:] * share) ** 2, axis=1))
    return Smooth(
        frequency,
        (found[:count] + 1j * found[count:]) * size,
        noise,
        error,
        left[:count] + 1j * left[count:],
        freedom,
        directions * np.sqrt(share),
    )


def maxima(height: F64) -> NDArray[np.int64]:
    """Indices of the maxima (W,) that stand out by a hundredth of the largest."""
    from scipy.signal import find_peaks

    peaks, _ = find_peaks(height, prominence=_ARC * float(np.max(np.abs(height), initial=0.0)))
    return np.asarray(peaks, dtype=np.int64)


def arcs(smooth: Smooth) -> NDArray[np.int64]:
    """Indices of the maxima of -Im Z (W,) that the noise does not make, lowest frequency first."""
    from scipy.signal import find_peaks, peak_widths

    height = -smooth.impedance.imag
    largest = float(np.max(np.abs(height), initial=0.0))
    error = np.nan_to_num(smooth.error)
    peaks, about = find_peaks(height, prominence=_ARC * largest)
    sure = about["prominences"] > _SURE * error[peaks]
    peaks, about = peaks[sure], {name: values[sure] for name, values in about.items()}
    if peaks.size == 0:
        return np.asarray(peaks, dtype=np.int64)
    with np.errstate(all="ignore"):
        _, _, left, right = peak_widths(
            height, peaks, 0.5, (about["prominences"], about["left_bases"], about["right_bases"])
        )
    place = np.log10(smooth.frequency)
    index = np.arange(place.size)
    wide = np.interp(right, index, place) - np.interp(left, index, place)
    # of a spectrum of few points the width is not known: what stands out of the noise then counts
    step = np.median(np.diff(place))
    return np.asarray(peaks[(wide >= _NARROW) | (step > 0.5 * _NARROW)], dtype=np.int64)


# --- circuits --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Element:
    """R / (1 + (i w tau)^n): a resistor beside a capacitor (n = 1) or a constant-phase element.

    Attributes:
        resistance: and its standard error. time: s. exponent: n, with an error of nothing where it is 1 by choice.
        capacitance: tau / R, of what lies beside the resistor at its own frequency.
    """

    resistance: tuple[float, float]
    time: tuple[float, float]
    exponent: tuple[float, float]
    capacitance: tuple[float, float]


@dataclass(frozen=True)
class Circuit:
    """A circuit that was fitted: a resistor and elements in series.

    Attributes:
        series: Rs and its standard error. elements: from the fastest to the slowest.
        inductance: of the wires, times the unit of the impedance and s; zero where the points support none.
        capacitance: Im(1 / (Z - Rs)) / (2 pi f) of the circuit at the lowest frequency, and its standard error.
        misfit: root mean square of what is left over |Z|.
        bic: of the choice among circuits, smaller is better.
        tried: how many circuits were compared.
        free: whether the exponents were free.
        report: lmfit's own, to be pasted.
    """

    series: tuple[float, float]
    inductance: tuple[float, float]
    elements: tuple[Element, ...]
    capacitance: tuple[float, float]
    misfit: float
    bic: float
    tried: int
    free: bool
    report: str

    @property
    def words(self) -> str:
        """What the circuit is: "Rs + (R1 || C1) + (R2 || C2)"."""
        kind = "CPE" if self.free else "C"
        first = ["Ls", "Rs"] if self.inductance[1] > 0.0 else ["Rs"]
        return " + ".join([*first, *(f"(R{n} || {kind}{n})" for n in range(1, len(self.elements) + 1))])

    def impedance(self, frequency: F64) -> C128:
        """(W,) of the circuit at (W,) Hz."""
        omega = 2.0 * np.pi * np.asarray(frequency, float)
        z: C128 = np.asarray(self.series[0] + 1j * omega * self.inductance[0], complex)
        for one in self.elements:
            z = z + one.resistance[0] / (1.0 + (1j * omega * one.time[0]) ** one.exponent[0])
        return np.asarray(z, complex)


def best_circuit(frequency: F64, impedance: C128, floor: float = 0.0) -> Circuit | None:
    """The circuit that a spectrum supports, by the Bayesian information criterion, among one to four elements.

    Args:
        frequency: (W,) Hz, ascending. impedance: (W,), any unit.
        floor: misfit (of |Z|) below which no circuit is expected to come, such as that of the smooth course: where
            coming down to it would not pay for another element, none is tried.

    Returns:
        Errors are standard errors from the scatter about the circuit, equal parts of |Z|. None of fewer than five
        points.
    """
    if frequency.size < 5:
        return None
    found: list[Circuit] = []
    tried = 0
    for free in (False, True):
        best = np.inf
        for count in range(1, _MOST + 1):
            numbers = 1 + count * (3 if free else 2)
            if 2 * frequency.size < numbers + 4:
                break
            made = circuit(frequency, impedance, count, free)
            tried += 1
            if made is None:
                continue
            found.append(made)
            if made.misfit < _ENOUGH or made.bic > best + 10.0:
                break
            points, more = 2 * frequency.size, 3 if free else 2
            if 2.0 * points * np.log(made.misfit / max(floor, _ENOUGH)) < more * np.log(points):
                break
            best = min(best, made.bic)
    if not found:
        return None
    # without noise any element more is a better fit: the least that is good enough; with noise the simplest of those
    # that the evidence does not tell apart
    good = [one for one in found if one.misfit < _ENOUGH]
    least = min(one.bic for one in found)
    near = good or [one for one in found if one.bic <= least + _TELLING]
    chosen = min(near, key=lambda one: (len(one.elements) * (3 if one.free else 2), one.bic))
    wired = circuit(frequency, impedance, len(chosen.elements), chosen.free, wires=True)
    tried += 1
    if wired is not None and wired.inductance[0] > 0.0 and wired.bic < chosen.bic - _TELLING:
        chosen = wired
    return Circuit(**{**chosen.__dict__, "tried": tried})


def circuit(
    frequency: F64, impedance: C128, count: int, free: bool = False, wires: bool = False
) -> Circuit | None:
    """A circuit of `count` elements, fitted; None where the fit gives no errors.

    Args:
        frequency: (W,) Hz. impedance: (W,). free: whether each element has an exponent of its own. wires: whether they
            have an inductance.
    """
    from lmfit import Minimizer, fit_report

    best: MinimizerResult | None = None
    for start in _starts(frequency, impedance, count, free, wires):
        fitted = Minimizer(_residual, start, fcn_args=(frequency, impedance, count)).leastsq(
            Dfun=_jacobian, col_deriv=0, max_nfev=400
        )
        if best is None or fitted.chisqr < best.chisqr:
            best = fitted
    if best is None or not best.errorbars or best.covar is None:
        return None
    below = float(best.params["s"].value) < 0.0
    if below:
        # a resistor below zero is an arc that the frequencies do not close: it is none, give or take its error
        off = np.asarray(best.covar)[best.var_names.index("s"), best.var_names.index("s")]
        held = best.params.copy()
        held["s"].set(value=0.0, vary=False)
        best = Minimizer(_residual, held, fcn_args=(frequency, impedance, count)).leastsq(
            Dfun=_jacobian, col_deriv=0, max_nfev=400
        )
        if not best.errorbars or best.covar is None:
            return None
    values, covariance = best.params.valuesdict(), np.asarray(best.covar)
    place = {name: index for index, name in enumerate(best.var_names)}

    def error(*terms: tuple[str, float]) -> float:
        """Standard error of a sum of fitted numbers."""
        slope = np.zeros(len(place))
        for name, factor in terms:
            if name in place:
                slope[place[name]] += factor
        return float(np.sqrt(slope @ covariance @ slope))

    elements = []
    for n in range(count):
        r, t = float(np.exp(values[f"r{n}"])), float(np.exp(values[f"t{n}"]))
        elements.append(
            Element(
                (r, r * error((f"r{n}", 1.0))),
                (t, t * error((f"t{n}", 1.0))),
                (float(values[f"n{n}"]), error((f"n{n}", 1.0))),
                (t / r, t / r * error((f"t{n}", 1.0), (f"r{n}", -1.0))),
            )
        )
    elements.sort(key=lambda one: one.time[0])
    scale = float(np.median(np.abs(impedance)))
    left = 2 * frequency.size
    henry = scale / (2.0 * np.pi * float(frequency.max()))
    level = _level(values, float(frequency.min()), count)
    slopes = []
    for name in place:
        # all numbers are of the order of one, or logarithms
        more = _level({**values, name: values[name] + 1e-6}, float(frequency.min()), count)
        slopes.append((name, (more - level) / 1e-6))
    return Circuit(
        (float(values["s"]) * scale, float(np.sqrt(off)) * scale if below else error(("s", scale))),
        (float(values["l"]) * henry, error(("l", henry))),
        tuple(elements),
        (level, error(*slopes)),
        float(np.sqrt(best.chisqr / left)),
        left * float(np.log(max(best.chisqr, 1e-300) / left)) + len(place) * float(np.log(left)),
        1,
        free,
        fit_report(best),
    )


def _level(values: dict[str, float], hertz: float, count: int) -> float:
    """Capacitance behind Rs at a frequency."""
    omega = 2.0 * np.pi * hertz
    z = 0.0j
    for n in range(count):
        z += np.exp(values[f"r{n}"]) / (1.0 + (1j * omega * np.exp(values[f"t{n}"])) ** values[f"n{n}"])
    return float((1.0 / z).imag / omega)


def _starts(frequency: F64, impedance: C128, count: int, free: bool, wires: bool) -> list[Parameters]:
    """First guesses: time constants where -Im Z is high, and evenly over the frequencies."""
    from lmfit import Parameters
    from scipy.signal import find_peaks

    omega = 2.0 * np.pi * frequency
    low, high = float(np.log(1.0 / omega.max())), float(np.log(1.0 / omega.min()))
    smooth = np.convolve(np.pad(-impedance.imag, 2, mode="edge"), np.ones(5) / 5.0, mode="valid")
    peaks, about = find_peaks(smooth, prominence=0.0)
    strong = peaks[np.argsort(-about["prominences"])][:count]
    even = np.linspace(low, high, count + 2)[1:-1]
    centres = [even]
    if strong.size:
        near = np.sort(-np.log(omega[strong]))
        rest = [
            one for one in np.linspace(low, high, 2 * count + 3)[1:-1] if np.all(np.abs(near - one) > 1.0)
        ]
        centres.append(np.sort(np.concatenate([near, rest[: count - near.size]])))
    span = max(float(np.ptp(impedance.real)), 2.0 * float(np.max(np.abs(impedance.imag))))
    floor = float(np.min(impedance.real))
    scale = float(np.median(np.abs(impedance)))
    made = []
    for centre in centres:
        if centre.size != count:
            continue
        start = Parameters()
        start.add("s", value=floor / scale)
        start.add("l", value=0.0, vary=wires)
        for n in range(count):
            start.add(f"r{n}", value=float(np.log(max(span / count, 1e-12 * scale))))
            start.add(f"t{n}", value=float(centre[n]), min=low - 7.0, max=high + 7.0)
            start.add(f"n{n}", value=0.9 if free else 1.0, min=_FLATTEST, max=1.0001, vary=free)
        made.append(start)
    return made


def _parts(params: Parameters, frequency: F64, count: int) -> list[tuple[float, float, C128, C128]]:
    """Of each element its R, n, ln(i w tau) and (i w tau)^n."""
    values = params.valuesdict()
    lines = np.log(2.0 * np.pi * frequency) + 0.5j * np.pi
    found = []
    for n in range(count):
        power = float(values[f"n{n}"])
        along = lines + float(values[f"t{n}"])
        found.append((float(np.exp(values[f"r{n}"])), power, along, np.exp(power * along)))
    return found


def _residual(params: Parameters, frequency: F64, impedance: C128, count: int) -> F64:
    size = np.abs(impedance)
    along = 1j * frequency / frequency.max() * float(params["l"].value)
    z = (float(params["s"].value) + along) * float(np.median(size))
    for r, _, _, raised in _parts(params, frequency, count):
        z += r / (1.0 + raised)
    left = (z - impedance) / size
    return np.concatenate([left.real, left.imag])


def _jacobian(params: Parameters, frequency: F64, impedance: C128, count: int) -> F64:
    """(2 W, P) slopes of the residual by the numbers that vary, in their order."""
    size = np.abs(impedance)
    scale = float(np.median(size))
    columns: dict[str, C128] = {
        "s": np.full(frequency.size, scale, complex),
        "l": 1j * frequency / frequency.max() * scale,
    }
    for n, (r, power, along, raised) in enumerate(_parts(params, frequency, count)):
        z = r / (1.0 + raised)
        columns[f"r{n}"] = z
        by_power = -z * raised / (1.0 + raised)
        columns[f"t{n}"] = by_power * power
        columns[f"n{n}"] = by_power * along
    varied = [columns[name] / size for name, one in params.items() if one.vary]
    return np.array([np.concatenate([one.real, one.imag]) for one in varied]).T
