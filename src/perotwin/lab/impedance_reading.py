"""What an impedance spectrum, simulated or from a file, is read as: arrays only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError
from perotwin.lab.arguments import of_measurements
from perotwin.lab.kramers_kronig import breach
from perotwin.lab.spectrum_fit import Circuit, Smooth, arcs, best_circuit, maxima, relaxations
from perotwin.measurement import Metric
from perotwin.measurement.dataset import simulated

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "BOUND",
    "FOLLOWS",
    "Reading",
    "arcs_of",
    "capacitance",
    "equivalent_circuit",
    "high_frequency",
    "in_order",
    "of_elements",
    "point_by_point",
    "reading",
    "series_resistance",
    "validity",
    "with_noise",
]

F64 = NDArray[np.float64]
C128 = NDArray[np.complex128]

#: noise (of |Z|) below which a spectrum is read point by point
_EXACT = 2e-3
#: misfit (of |Z|) of a circuit that follows a measured spectrum without noise to speak of
FOLLOWS = 0.01
#: standard errors by which what lies above the axis at an end of the spectrum is no noise
_LOOP = 3.0
#: points that break the relations of Kramers and Kronig which are named
_NAMED = 3
#: relative misfit above which the highest decade is no plateau
_FITS = 0.01
BOUND = ": an upper bound, the plateau lies at higher frequencies"


@dataclass(frozen=True)
class Reading:
    """A spectrum as the analysis reads it, W frequencies.

    Attributes:
        frequency: (W,) Hz, ascending. impedance: (W,).
        smooth: the same without noise.
        noisy: whether the noise decides how it is read.
        ohm, farad: units of resistances and capacitances: of an area, or of the whole device.
        dropped: how many points were left out. words: which, and what else was done.
    """

    frequency: F64
    impedance: C128
    smooth: Smooth
    noisy: bool
    ohm: str
    farad: str
    dropped: int
    words: str


@of_measurements("impedance")
def reading(dataset: xr.Dataset) -> Reading:
    """A spectrum in the order of its frequencies, without what cannot be read: see `analyse`.

    Raises:
        InputError: fewer than two points are left.
    """
    units = str(dataset["impedance_real"].attrs.get("units", "ohm m2"))
    of_device = units == "ohm"
    frequency, impedance = in_order(dataset)
    said: list[str] = []
    still = frequency <= 0.0
    if still.any():
        said.append(f"{int(still.sum())} at zero frequency")
        frequency, impedance = frequency[~still], impedance[~still]
    dropped = int(still.sum())
    _refuse_few(frequency, dropped)
    smooth = relaxations(frequency, impedance)
    turned = ""
    if np.mean(impedance.imag > 0.0) > 0.5:
        # -Im Z under the name of Im Z: what is turned breaks the relations of Kramers and Kronig
        other = relaxations(frequency, impedance.conj())
        if other.noise < 0.5 * smooth.noise:
            impedance, smooth = impedance.conj(), other
            turned = (
                "the imaginary part was turned round: as given it breaks the relations of Kramers and Kronig"
            )
    noisy = not smooth.noise < _EXACT
    above = impedance.imag > 0.0
    # a simulated cell that is inductive is so
    if above.any() and (noisy or not simulated(dataset)):
        places = frequency[above]
        where = f"{places.min():.3g} to {places.max():.3g} Hz" if places.size > 1 else f"{places[0]:.3g} Hz"
        said.append(f"{places.size} with Im Z > 0 ({where}{_kind(above, smooth)})")
        dropped += int(above.sum())
        frequency, impedance = frequency[~above], impedance[~above]
        _refuse_few(frequency, dropped)
        smooth = relaxations(frequency, impedance)
    words = (
        f"left out of {frequency.size + dropped} points: {', '.join(said)}" if said else "all points are read"
    )
    words += f"; {turned}" if turned else ""
    ohm, farad = ("ohm", "F") if of_device else ("ohm m2", "F m-2")
    return Reading(frequency, impedance, smooth, noisy, ohm, farad, dropped, words)


def _refuse_few(frequency: F64, dropped: int) -> None:
    if frequency.size < 2:
        raise InputError(
            f"this spectrum has {frequency.size} points that can be read; {dropped} were left out (zero frequency, or "
            "Im Z > 0).",
            "Give Im Z with its sign, negative where the cell is capacitive.",
            key="impedance_imag",
        )


def _kind(above: NDArray[np.bool_], smooth: Smooth) -> str:
    """What points above the axis are: wires, a loop, or noise."""
    run = int(np.argmin(above)) if not above.all() else above.size
    if run >= 3 and smooth.impedance.imag[0] > _LOOP * smooth.error[0]:
        return ": a loop at the lowest frequencies, where the cell answers like an inductor"
    run = int(np.argmin(above[::-1])) if not above.all() else above.size
    if run >= 3 and smooth.impedance.imag[-1] > _LOOP * smooth.error[-1]:
        return ": the inductance of wires at the highest"
    return ", noise" if not smooth.noise < _EXACT else ""


def point_by_point(dataset: xr.Dataset, read: Reading) -> dict[str, Metric]:
    """The readings of a spectrum without noise to speak of."""
    frequency, impedance = read.frequency, read.impedance
    fitted, geometric, words, errors = high_frequency(frequency, impedance)
    series = float(dataset.attrs.get("series_resistance", fitted))
    lowest = f"at {frequency[0]:.3g} Hz"
    # a solved spectrum has none; that of its smooth course is what relaxations on a grid cannot follow
    noise = np.nan if simulated(dataset) else float(read.smooth.noise) * float(np.abs(impedance[0]))
    if "impedance_real_held" in dataset:
        order = np.argsort(np.asarray(dataset["frequency"], float))
        width = float(np.asarray(dataset["impedance_real_held"], float)[order][0]) - series
        how = f"low-frequency intercept {lowest} with the ions held, less Rs"
    else:
        width, how = _fast_arc(impedance, arcs_of(read), series)
    level = float(capacitance(frequency[:1], impedance[:1], series)[0])
    of_level = noise / float(np.abs(impedance[0] - series)) ** 2 / (2.0 * np.pi * float(frequency[0]))
    return {
        "recombination_resistance": Metric(width, read.ohm, how, _known(np.hypot(noise, errors[0]))),
        "low_frequency_resistance": Metric(
            float(impedance[0].real), read.ohm, f"real part {lowest}", _known(noise)
        ),
        "series_resistance": Metric(fitted, read.ohm, words, _known(errors[0])),
        "geometric_capacitance": Metric(geometric, read.farad, words, _known(errors[1])),
        "low_frequency_capacitance": Metric(
            level, read.farad, f"Im(1 / (Z - Rs)) / (2 pi f) {lowest}", _known(of_level)
        ),
    }


def with_noise(read: Reading, made: Circuit) -> dict[str, Metric]:
    """The same of a spectrum with noise: from its circuit, and from its smooth course at the lowest frequency."""
    fast, lowest = made.elements[0], f"at {read.frequency[0]:.3g} Hz"
    words = f"of {made.words}, {_left(made)}"
    z, size = read.smooth.impedance[0], float(np.abs(read.smooth.impedance[0]))
    # of the smooth course: what it is made of at its end is about one point's worth of noise, or less
    noise = float(max(read.smooth.error[0], 0.3 * read.smooth.noise * size))
    return {
        "recombination_resistance": Metric(fast.resistance[0], read.ohm, f"R1 {words}", fast.resistance[1]),
        "low_frequency_resistance": Metric(
            float(z.real), read.ohm, f"real part of the smooth course {lowest}", noise
        ),
        "series_resistance": Metric(made.series[0], read.ohm, f"Rs {words}", made.series[1]),
        "geometric_capacitance": Metric(
            fast.capacitance[0], read.farad, f"C1 = tau1 / R1 {words}", fast.capacitance[1]
        ),
        "low_frequency_capacitance": Metric(
            made.capacitance[0],
            read.farad,
            f"Im(1 / (Z - Rs)) / (2 pi f) {lowest} {words}",
            _known(made.capacitance[1]),
        ),
    }


def _left(made: Circuit) -> str:
    return (
        f"by lmfit, chosen by BIC among {made.tried} circuits; it leaves {made.misfit:.2g} of |Z|; standard errors "
        "from what is left"
    )


def of_elements(read: Reading, made: Circuit) -> dict[str, Metric]:
    """The numbers of each element of a circuit."""
    found: dict[str, Metric] = {}
    if made.inductance[1] > 0.0:
        unit = "H" if read.ohm == "ohm" else "H m2"
        found["inductance"] = Metric(
            made.inductance[0],
            unit,
            f"Ls of the wires, of {made.words}, {_left(made)}",
            _known(made.inductance[1]),
        )
    highest, low = 2.0 * np.pi * read.frequency[-1], 2.0 * np.pi * read.frequency[0]
    for n, one in enumerate(made.elements, start=1):
        words = f"element {n} of {made.words}, {_left(made)}"
        if one.time[0] * low > 1.0 or one.time[0] * highest < 1.0:
            words += "; its frequency lies beyond the spectrum: not to be relied on"
        found[f"element_resistance, {n}"] = Metric(
            one.resistance[0], read.ohm, words, _known(one.resistance[1])
        )
        found[f"element_capacitance, {n}"] = Metric(
            one.capacitance[0], read.farad, f"tau / R of {words}", _known(one.capacitance[1])
        )
        found[f"element_time, {n}"] = Metric(one.time[0], "s", words, _known(one.time[1]))
        if made.free:
            found[f"element_exponent, {n}"] = Metric(one.exponent[0], "1", words, _known(one.exponent[1]))
    return found


def validity(read: Reading) -> str:
    """What the relations of Kramers and Kronig say of a spectrum."""
    left = np.abs(read.smooth.left)
    if not np.isfinite(read.smooth.noise) or read.frequency.size < 8:
        return "too few points to tell"
    worst = int(np.argmax(left))
    place = read.frequency[worst]
    words = f"rms of what a sum of relaxations leaves over |Z|; largest {left[worst]:.2g} at {place:.3g} Hz"
    broken = breach(read.smooth)
    if broken is None:
        return words + "; without a trend: the relations of Kramers and Kronig hold within the noise"
    said = []
    if broken.trend is not None:
        height, place = broken.trend
        said.append(
            "it has a trend along the frequency, which noise has not, largest at "
            f"{place:.3g} Hz ({height:.2g} of |Z|): the cell drifted, was driven too far, or the instrument erred"
        )
    if broken.points:
        shown = ", ".join(f"{one:.3g}" for one in broken.points[:_NAMED])
        more = f" and {len(broken.points) - _NAMED} more" if len(broken.points) > _NAMED else ""
        said.append(
            f"{'points stand' if len(broken.points) > 1 else 'a point stands'} out of the scatter of the others "
            f"({shown} Hz{more}; by {broken.off:.2g} standard deviations)"
        )
    return f"{words}; {'; '.join(said)}; the spectrum breaks the relations of Kramers and Kronig"


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def equivalent_circuit(measured: xr.Dataset | Reading) -> Circuit | None:
    """The circuit that a spectrum supports: Rs and one to four elements R || C or R || CPE; see `spectrum_fit`.

    Returns:
        None of fewer than five points. Its `report` is lmfit's.
    """
    read = measured if isinstance(measured, Reading) else reading(measured)
    left = read.smooth.left
    floor = float(np.sqrt(np.mean(np.abs(left) ** 2) / 2.0)) if np.isfinite(left).all() else 0.0
    return best_circuit(read.frequency, read.impedance, floor)


def capacitance(frequency: F64, impedance: C128, series: float) -> F64:
    """(W,) F m^-2 of what lies behind the series resistance: Im(1 / (Z - Rs)) / (2 pi f).

    With the resistance left in, it would fall towards high frequencies as the resistor takes the voltage.

    Args:
        frequency: (W,) Hz. impedance: (W,) ohm m^2. series: Rs, ohm m^2.
    """
    return np.asarray((1.0 / (impedance - series)).imag / (2.0 * np.pi * frequency))


def series_resistance(dataset: xr.Dataset) -> float:
    """Rs that is taken out of a spectrum, ohm m^2: the resistor of the circuit where the measurement states it.

    A simulation knows it; the fit, which serves elsewhere, also takes in what the layers add to it.
    """
    if "series_resistance" in dataset.attrs:
        return float(dataset.attrs["series_resistance"])
    read = reading(dataset)
    made = equivalent_circuit(read) if read.noisy else None
    return high_frequency(read.frequency, read.impedance)[0] if made is None else made.series[0]


def in_order(dataset: xr.Dataset) -> tuple[F64, C128]:
    """Frequencies, ascending, and the impedance where both parts are known."""
    frequency = np.asarray(dataset["frequency"], float)
    impedance = np.asarray(dataset["impedance_real"], float) + 1j * np.asarray(
        dataset["impedance_imag"], float
    )
    order = np.argsort(frequency)
    order = order[np.isfinite(impedance[order])]
    return frequency[order], impedance[order]


def high_frequency(frequency: F64, impedance: C128) -> tuple[float, float, str, tuple[float, float]]:
    """Series resistance, capacitance, how they were found, and their standard errors: Rs + (G || C) over the highest
    decade.

    For a given Rs the rest is linear in G and C; Rs is the one of least relative misfit. (W,) Hz ascending, ohm m^2.
    """
    from scipy.optimize import minimize_scalar

    first = min(int(np.searchsorted(frequency, 0.0999 * frequency[-1])), max(frequency.size - 3, 0))
    omega, z = 2.0 * np.pi * frequency[first:], impedance[first:]

    def rest(series: float) -> tuple[float, float, float]:
        y = 1.0 / (z - series)
        g = float(np.sum(y.real / np.abs(y) ** 2) / np.sum(1.0 / np.abs(y) ** 2))
        weight = omega / np.abs(y)
        c = float(np.sum(weight * y.imag / np.abs(y)) / np.sum(weight**2))
        misfit = np.abs(series + 1.0 / (g + 1j * omega * c) - z) / np.abs(z)
        return g, c, float(np.sqrt(np.mean(misfit**2)))

    top = float(z[-1].real)
    if z.size < 3 or not top > 0.0:
        return (
            0.0,
            float(1.0 / z[-1].conjugate().imag / omega[-1]) if z[-1].imag else np.nan,
            "highest frequency",
            (np.nan, np.nan),
        )
    # the misfit has more than one valley, and Rs may be all but the whole real part
    parts = 1.0 - np.geomspace(1.0, 1e-9, 181)
    best = int(np.argmin([rest(part * top)[2] for part in parts]))
    found = minimize_scalar(
        lambda part: rest(part * top)[2],
        bounds=(parts[max(best - 1, 0)], parts[min(best + 1, parts.size - 1)]),
        method="bounded",
        options={"xatol": 1e-12},
    )
    series = min(float(found.x), parts[best], key=lambda part: rest(part * top)[2]) * top
    g, c, misfit = rest(series)
    # slopes of the misfit by Rs, G and C
    behind = 1.0 / (g + 1j * omega * c)
    slopes = np.array([np.ones(z.size), -(behind**2), -1j * omega * behind**2]) / np.abs(z)
    spare = max(2 * z.size - 3, 1)
    normal = (slopes.conj() @ slopes.T).real
    scale = np.sqrt(np.diag(normal))
    covariance = np.linalg.pinv(normal / np.outer(scale, scale), hermitian=True) * misfit**2 * z.size / spare
    errors = np.sqrt(np.maximum(np.diag(covariance), 0.0)) / scale
    words = f"Rs + (G || C) over the highest decade, misfit {misfit:.1%}"
    return series, c, words + (BOUND if misfit > _FITS else ""), (float(errors[0]), float(errors[2]))


def arcs_of(read: Reading) -> NDArray[np.int64]:
    """Indices of the maxima of -Im Z (W,), lowest frequency first: of the spectrum, or of its smooth course."""
    if read.noisy:
        return arcs(read.smooth)
    return maxima(-read.impedance.imag)


def _fast_arc(impedance: C128, peaks: NDArray[np.int64], series: float) -> tuple[float, str]:
    """Width of the arc at the highest frequencies, up to the valley before the next one."""
    if peaks.size == 0:
        return float("nan"), "no arc"
    if peaks.size == 1:
        return float(impedance[0].real) - series, "width of the only arc"
    between = slice(int(peaks[-2]), int(peaks[-1]) + 1)
    valley = int(peaks[-2]) + int(np.argmin(-impedance[between].imag))
    return float(
        impedance[valley].real
    ) - series, "width of the arc at the highest frequencies, up to the next valley"
