"""Infrared and magnetic resonance spectra: where lines are, and how far one spectrum is shifted against another.

    analyse(dataset)["wavenumber, 1"]
    shift(mixture, pure)

Both are measured files only. What a bond to lead does to a vibration or to a proton needs the electronic structure of
the complex in its solvent or film; there is no model of that here, and none is made up.

Two spectra are laid over one another by the maximum of their cross-correlation, between their points (the shift
theorem of Fourier transforms). Its error follows from what the best match leaves: with W the filter, A and B the
transforms, R that of what is left, and k the wave number,

    var(s) = sum W^2 k^2 |R|^2 |B|^2 / (sum W k^2 Re(A B* exp(iks)))^2,

the Cramer-Rao bound of a delay where the noise is white (A. H. Quazi, IEEE Trans. Acoust. 29, 527 (1981)).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError
from perotwin.lab.arbitrary_units import in_any_unit
from perotwin.lab.arguments import of_measurements
from perotwin.measurement import Instrument, Metric, Metrics, Variable
from perotwin.stack.quantity_fields import Model

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["INSTRUMENT", "Peak", "Protocol", "analyse", "compare", "measure", "peaks", "plot", "shift"]

F64 = NDArray[np.float64]

#: lines that are told, and standard deviations that make one
_LINES, _SIGNIFICANT = 8, 8.0
#: widths on either side of a line that are fitted
_REACHES = (2.0, 0.8)
#: how often spectra that have nothing in common may be taken for shifted ones
_BY_CHANCE = 1e-4
#: correlation and smoothness (standard deviations) by which spectra of few broad lines count as alike
_ALIKE, _SMOOTH = 0.8, 6.0
#: most points of a transform, and shift that is looked for at most as a part of the range
_MOST, _REACH = 400_000, 0.05
#: unit of the axis -> name of a line's place, of its width, of a difference of places
_NAMES = {
    "cm^-1": ("wavenumber", "wavenumber_width", "wavenumber_difference"),
    "ppm": ("chemical_shift", "chemical_shift_width", "chemical_shift_difference"),
}
#: how files write them
_SPELLINGS = {
    "cm^-1": ("cm^-1", "1/cm", "cm-1", "cm⁻¹", "cm**-1", "cm^{-1}"),
    "ppm": ("ppm", "ppm.", "parts per million"),
}


class Protocol(Model):
    """Nothing can be set: spectra of this kind come from files."""


def measure(sample: Any, protocol: Protocol | None = None) -> NoReturn:
    """There is no such virtual measurement.

    Raises:
        InputError: always, with the reason.
    """
    name = getattr(sample, "name", "this")
    raise InputError(
        f'no infrared or NMR spectrum of "{name}" is simulated: line shifts come from bonds in film or solution, which '
        "need an electronic structure that no model here has.",
        "Give measured files: perotwin ftir-nmr mixture.dx pure.dx.",
    )


# --- one spectrum ----------------------------------------------------------------------------------------------------


class Peak(NamedTuple):
    """A line: place with its standard error, full width with its, height over the background with its sign, all in the
    units of the axis and of the signal.
    """

    place: float
    error: float
    width: float
    width_error: float
    height: float


def _axis_unit(dataset: xr.Dataset) -> str:
    """The unit of the axis; refused where it names none, as wavenumbers and chemical shifts are told by it."""
    stated = str(dataset["position"].attrs.get("units", "")).strip()
    for unit, spellings in _SPELLINGS.items():
        if stated.lower() in spellings:
            return unit
    if not stated:
        raise InputError(
            "the axis names no unit, so that it could be wavenumbers or chemical shifts.",
            'Set dataset["position"].attrs["units"] to "cm^-1" or "ppm".',
            key="position",
        )
    return stated


def _curve(dataset: xr.Dataset) -> tuple[F64, F64]:
    """Places in rising order and signal, points that are no numbers left out."""
    x, y = np.asarray(dataset["position"], float), np.asarray(dataset["signal"], float)
    good = np.isfinite(x) & np.isfinite(y)
    x, first = np.unique(x[good], return_index=True)
    y = y[good][first]
    if x.size < 16:
        raise InputError(f"{x.size} points are no spectrum.", "Give the whole scan.", key="position")
    return x, y


def _noise(values: F64) -> float:
    """Standard deviation of a point, from second differences; too small where the file was smoothed or zero-filled."""
    return float(1.4826 * np.median(np.abs(np.diff(values, 2))) / math.sqrt(6.0))


def _sign(values: F64) -> float:
    """1 where lines stand up, -1 where they hang down, as in transmittance: by which way the signal reaches farther."""
    middle = float(np.median(values))
    return 1.0 if float(np.max(values)) - middle >= middle - float(np.min(values)) else -1.0


def peaks(dataset: xr.Dataset, most: int = _LINES) -> list[Peak]:
    """The tallest lines of a spectrum, tallest first: found above the noise, each fitted with a Lorentzian on a slope.

    Args:
        dataset: `signal` over `position`. most: how many.
    """
    from scipy.signal import find_peaks

    x, y = _curve(dataset)
    sign = _sign(y)
    up = sign * (y - float(np.median(y)))
    least = max(_SIGNIFICANT * _noise(y), 0.01 * float(up.max()))
    if not least > 0.0:
        return []
    places, seen = find_peaks(up, prominence=least, width=1, rel_height=0.5)
    order = np.argsort(-seen["prominences"])[: 3 * most]
    found: list[Peak] = []
    for one in order:
        place, points = int(places[one]), float(seen["widths"][one])
        tried = [_fitted(x, y, place, points, sign, reach) for reach in _REACHES]
        # the one that tells the place best: neighbours disturb a wide one, too few points a narrow one
        good = [peak for peak in tried if peak is not None]
        if good:
            found.append(min(good, key=lambda peak: peak.error))
    return sorted(found, key=lambda one: -abs(one.height))[:most]


def _fitted(x: F64, y: F64, place: int, points: float, sign: float, widths: float) -> Peak | None:
    """A Lorentzian on a slope through a line about a point, over widths on either side; None where none fits."""
    import lmfit

    reach = int(max(4, math.ceil(widths * points + 1.0)))
    inside = slice(max(place - reach, 0), min(place + reach + 1, x.size))
    if x[inside].size < 7:
        return None
    step = float(np.median(np.diff(x[inside])))
    base = 0.5 * float(y[inside][0] + y[inside][-1])
    tall = max(sign * (float(y[place]) - base), 1e-300)
    # in points and heights, so that all parameters are near one
    u, v = (x[inside] - x[place]) / step, sign * (y[inside] - base) / tall
    parameters = lmfit.Parameters()
    parameters.add("centre", value=0.1, min=float(u[0]), max=float(u[-1]))
    parameters.add("width", value=max(points, 1.5), min=0.3, max=10.0 * float(np.ptp(u)))
    parameters.add("height", value=1.2, min=0.0)
    parameters.add("level", value=-0.05)
    parameters.add("slope", value=0.01)

    def residual(values: Any) -> F64:
        line = values["height"].value / (
            1.0 + (2.0 * (u - values["centre"].value) / values["width"].value) ** 2
        )
        return np.asarray(line + values["level"].value + values["slope"].value * u - v)

    done = lmfit.minimize(residual, parameters, method="leastsq")
    centre, width, top = (done.params[name] for name in ("centre", "width", "height"))
    if centre.stderr is None or width.stderr is None or not math.isfinite(centre.stderr):
        return None
    # a fit that ran away tells nothing about this line
    if abs(centre.value) > 1.5 * points + 1.0 or width.stderr > 0.5 * width.value:
        return None
    return Peak(
        float(x[place] + step * centre.value), float(step * centre.stderr), float(step * width.value),
        float(step * width.stderr), sign * tall * float(top.value),
    )  # fmt: skip


@in_any_unit("signal")
@of_measurements("ftir_nmr")
def analyse(dataset: xr.Dataset) -> Metrics:
    """Places and widths of the tallest lines of a spectrum.

    Args:
        dataset: `signal` over `position`, whose attribute `units` is "cm^-1" or "ppm"; either order of the axis,
            absorbance or transmittance (also above one).

    Returns:
        `wavenumber, 1` or `chemical_shift, 1` and so on by height, with `wavenumber_width, 1`; `extreme_signal`, the
        largest or smallest number as recorded, whose place its method tells; `line_count`.

    Raises:
        InputError: too few points, or an axis without unit.
    """
    unit = _axis_unit(dataset)
    x, y = _curve(dataset)
    sign = _sign(y)
    at = int(np.argmax(sign * y))
    found = {
        "extreme_signal": Metric(
            float(y[at]),
            "1",
            f"{'largest' if sign > 0 else 'smallest'} point as recorded, at {x[at]:.6g} {unit}",
            _noise(y),
        )
    }
    place, breadth, _ = _NAMES.get(unit, ("position", "position_width", ""))
    told = peaks(dataset)
    found["line_count"] = Metric(
        float(len(told)), "1", f"of {_LINES} at most, above 8 standard deviations and 1 % of the tallest"
    )
    kind = "line" if sign > 0 else "dip"
    for rank, peak in enumerate(told, 1):
        words = f"Lorentzian through the {kind}, number {rank} by height ({peak.height:.4g}); the axis is not checked"
        found[f"{place}, {rank}"] = Metric(peak.place, unit, words, peak.error)
        found[f"{breadth}, {rank}"] = Metric(
            peak.width, unit, "full, at half maximum, of the same", peak.width_error
        )
    return Metrics(found)


# --- two spectra -----------------------------------------------------------------------------------------------------


def shift(one: xr.Dataset, other: xr.Dataset, window: tuple[float, float] | None = None) -> Metric:
    """How far one spectrum lies above another on their axis, by the maximum of the cross-correlation.

    Args:
        one, other: `signal` over `position`; heights and backgrounds may differ. window: part of the axis; all that
        both
            have unless given.

    Returns:
        Shift in the unit of the axis, positive where `one` lies at larger numbers, with its standard error.

    Raises:
        InputError: axes of different kinds or without overlap, or spectra without lines.
    """
    unit = _axis_unit(one)
    if _axis_unit(other) != unit:
        raise InputError(
            f"one axis is in {unit}, the other in {_axis_unit(other)}.",
            "Compare spectra of one kind.",
            key="position",
        )
    value, error, match = _delay(*_curve(one), *_curve(other), window)
    if not (math.isfinite(error) and match > 0.0):
        words = f"no shift: no line of one stands out of the noise where the other has one (correlation {match:.2f})"
        return Metric(math.nan, unit, words)
    words = f"maximum of the cross-correlation, error from what it leaves; correlation there {match:.3f}"
    if match < 0.5:
        words += ": the spectra are hardly alike, so that one shift says little"
    return Metric(value, unit, words, error)


def _delay(
    x: F64, y: F64, other_x: F64, other_y: F64, window: tuple[float, float] | None
) -> tuple[float, float, float]:
    """Shift, its standard error, and the correlation at the best match."""
    low, high = max(x[0], other_x[0]), min(x[-1], other_x[-1])
    if window is not None:
        low, high = max(low, min(window)), min(high, max(window))
    step = max(float(np.median(np.diff(x))), float(np.median(np.diff(other_x))))
    count = int((high - low) / step + 1e-9) + 1 if high > low else 0
    if count < 16:
        raise InputError(
            "the spectra have no part of the axis in common that could be compared.",
            "Give spectra, or a window, that overlap.",
            key="position",
        )
    if count > _MOST:
        raise InputError(f"{count} points are too many.", "Give a window.", key="window")
    values, offset = _side_by_side(x, y, other_x, other_y, low, step, count)
    first, second = (_prepared(one) for one in values)
    count = first.size
    if not (float(first @ first) > 0.0 and float(second @ second) > 0.0):
        raise InputError("a flat spectrum has nothing to compare.", "Give a window with lines.", key="signal")
    # room for the shift, so that what leaves at one end does not come in at the other
    size = 1 << math.ceil(math.log2(2 * count))
    a, b = np.fft.rfft(first, size), np.fft.rfft(second, size)
    k = 2.0 * np.pi * np.arange(a.size) / size
    weight = _signal_share(a) * _signal_share(b)
    weight[0] = 0.0
    twice = np.full(a.size, 2.0)
    twice[0] = twice[-1] = 1.0
    cross = weight * a * np.conj(b)
    coarse = np.fft.irfft(cross, size)
    reach = max(2, int(_REACH * count))
    lags = np.concatenate([np.arange(reach + 1), np.arange(-reach, 0)])
    delay = float(lags[int(np.argmax(coarse[lags]))])
    for _ in range(30):
        turned = twice * cross * np.exp(1j * k * delay)
        slope, bend = float(np.sum(-k * turned.imag)), float(np.sum(-(k**2) * turned.real))
        if not bend < 0.0:
            break
        move = float(np.clip(-slope / bend, -0.5, 0.5))
        delay += move
        if abs(move) < 1e-10:
            break
    turned_b = b * np.exp(-1j * k * delay)
    inner = float(np.sum(twice * weight * (a * np.conj(turned_b)).real))
    own, theirs = (float(np.sum(twice * weight * np.abs(one) ** 2)) for one in (a, b))
    left = a - inner / theirs * turned_b
    bend = float(np.sum(twice * weight * k**2 * (a * np.conj(turned_b)).real))
    # zeros were put behind the spectra: neighbouring wave numbers then tell one thing `size / count` times
    spread = float(np.sum(twice * weight**2 * k**2 * np.abs(left) ** 2 * np.abs(b) ** 2)) * size / count
    error = math.sqrt(spread) / bend if bend > 0.0 else math.nan
    match = inner / math.sqrt(own * theirs)
    # how often spectra that have nothing to do with one another would reach that at one of the lags that were looked at
    power = twice * np.abs(cross)
    chance = math.sqrt(float(np.sum(power * np.abs(cross))) * size / count)
    out = float(np.sum(twice * (cross * np.exp(1j * k * delay)).real)) / chance
    lags_apart = max(
        2.0 * reach * math.sqrt(float(np.sum(power * k**2)) / float(np.sum(power))) / math.pi, 1.0
    )
    by_chance = lags_apart * math.exp(-0.5 * out**2) > _BY_CHANCE
    # a broad line has few wave numbers, which chance could bring together; but it is smooth, as noise is not
    smooth = min(_smoothness(first), _smoothness(second)) > _SMOOTH and match > _ALIKE
    if by_chance and not smooth:
        error = math.nan
    return delay * step + offset, error * step, match


def _smoothness(values: F64) -> float:
    """How far neighbours are more alike than those of white noise, in its standard deviations (von Neumann's ratio)."""
    inner = values[values.size // 20 : values.size - values.size // 20]
    spread = float(np.var(inner))
    if not spread > 0.0:
        return 0.0
    return (1.0 - float(np.mean(np.diff(inner) ** 2)) / (2.0 * spread)) * math.sqrt(inner.size)


def _side_by_side(
    x: F64, y: F64, other_x: F64, other_y: F64, low: float, step: float, count: int
) -> tuple[tuple[F64, F64], float]:
    """Both spectra over some points from `low` on, and how far the first's axis lies above the second's.

    Axes of one even step are taken as they are, with the offset between their points; others through cubic splines.
    """
    steps = np.diff(x), np.diff(other_x)
    if all(float(np.abs(one - step).max()) < 1e-3 * step for one in steps):
        start, other_start = int(np.argmin(np.abs(x - low))), int(np.argmin(np.abs(other_x - low)))
        most = min(count, x.size - start, other_x.size - other_start)
        parts = y[start : start + most], other_y[other_start : other_start + most]
        return parts, float(x[start] - other_x[other_start])
    from scipy.interpolate import CubicSpline

    grid = low + step * np.arange(count)
    return (np.asarray(CubicSpline(x, y)(grid)), np.asarray(CubicSpline(other_x, other_y)(grid))), 0.0


def _signal_share(transform: NDArray[np.complex128]) -> F64:
    """Part of a transform's power that is no noise, by wave number (K,): what lies above the floor at its upper end."""
    power = np.abs(transform) ** 2
    width = max(power.size // 64, 3)
    smooth = np.convolve(np.pad(power, width // 2, mode="edge"), np.ones(width) / width, mode="same")
    smooth = smooth[width // 2 : width // 2 + power.size]
    # the least of three parts of the upper half: lines may be sharp enough to reach into one of them
    parts = np.array_split(power[power.size // 2 :], 3)
    floor = max(min(float(np.mean(part)) for part in parts), 1e-300)
    return np.asarray(np.clip(1.0 - 1.5 * floor / np.maximum(smooth, 1e-300), 0.0, 1.0))


def _prepared(values: F64) -> F64:
    """Without its straight background, and fading out at both ends."""
    place = np.linspace(-1.0, 1.0, values.size)
    edge = max(values.size // 20, 3)
    left, right = float(np.median(values[:edge])), float(np.median(values[-edge:]))
    flat = values - 0.5 * (left + right) - 0.5 * (right - left) * place
    ramp = np.minimum(np.minimum(np.arange(values.size), np.arange(values.size)[::-1]) / edge, 1.0)
    return np.asarray(flat * np.sin(0.5 * np.pi * ramp) ** 2)


@in_any_unit("signal")
@of_measurements("ftir_nmr")
def compare(datasets: Sequence[xr.Dataset]) -> Metrics:
    """The first spectrum against the others: the shift of the whole, and of each of its lines against the nearest one.

    Returns:
        `wavenumber_difference` or `chemical_shift_difference` of all and, behind a comma, of the lines by the place
        that they have in the first, where the other has one within half of both widths and 1 % of the range. With
        more than two the names say which is the reference.

    Raises:
        InputError: fewer than two spectra, or of different kinds.
    """
    if len(datasets) < 2:
        raise InputError("a comparison needs two spectra.", "Give the mixture first, then the pure compound.")
    unit = _axis_unit(datasets[0])
    name = _NAMES.get(unit, ("", "", "position_difference"))[2]
    first = peaks(datasets[0])
    found: dict[str, Metric] = {}
    for other in datasets[1:]:
        of = f" over {other.attrs.get('stack') or 'reference'}" if len(datasets) > 2 else ""
        found[f"{name}, all{of}"] = shift(datasets[0], other)
        x, theirs = _curve(other)[0], peaks(other)
        for peak in first:
            near = min(theirs, key=lambda one: abs(one.place - peak.place), default=None)
            reach = 0.5 * (peak.width + near.width) + 0.01 * float(np.ptp(x)) if near is not None else 0.0
            if near is None or abs(near.place - peak.place) > reach:
                continue
            words = f"line at {peak.place:.6g} less the nearest of the reference, at {near.place:.6g} {unit}"
            found[f"{name}, {peak.place:.5g}{of}"] = Metric(
                peak.place - near.place, unit, words, math.hypot(peak.error, near.error)
            )
    return Metrics(found)


@in_any_unit("signal")
@of_measurements("ftir_nmr")
def plot(datasets: xr.Dataset | Sequence[xr.Dataset], ax: Axes | None = None) -> Figure:
    """Spectra above one another on an axis that runs from large to small, as is the custom, their lines marked."""
    from perotwin.plotting import spectroscopy, style

    items = style.as_list(datasets)
    shown = [(*_curve(item), [peak.place for peak in peaks(item)]) for item in items]
    return spectroscopy.ftir_nmr(items, shown, _axis_unit(items[0]), ax)


INSTRUMENT = Instrument(
    name="ftir_nmr",
    title="infrared or NMR spectra",
    protocol=Protocol,
    measure=measure,
    analyse=analyse,
    plot=plot,
    compare=compare,
    caption="Spectra of {cells}.",
    variables=(
        Variable("position", ("position",)),
        Variable("signal", ("position",), required=True),
    ),
    of="sample",
    place=150,
)


def __dir__() -> list[str]:
    return sorted(__all__)
