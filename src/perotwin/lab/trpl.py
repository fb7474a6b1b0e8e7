"""Time-resolved photoluminescence: how the light of a film, a half stack or a cell fades after a pulse.

    measured = measure(cell, Protocol(sample="film/c60", fluence="10 nJ/cm^2"))
    analyse(measured)["lifetime_late"]

The pulse makes carriers where the optics of the sample have it absorbed, at once; then they diffuse and recombine by
the sample's own equations, in the dark, no current flowing, ions held as they lie in the dark. What is counted is what
its absorbers radiate, time bin by time bin.

A lifetime is that of the light. Where electrons and holes are as many the light goes as the square of their density and
fades twice as fast as they do; where one kind is far more it fades as the other one does (T. Kirchartz et al., Adv.
Energy Mater. 10, 1904134 (2020), doi:10.1002/aenm.201904134). A fall can be transfer to a contact as well as loss: that
of a half stack alone does not tell them apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from perotwin.errors import InputError
from perotwin.lab import decay_fits, differential_lifetimes, surface_lifetimes
from perotwin.lab.arguments import of_a_cell, of_measurements
from perotwin.measurement import Instrument, Metric, Metrics, Variable, add_notes
from perotwin.stack.quantity_fields import Dim, Length, Model, Time
from perotwin.units import Quantity

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from perotwin.lab.decay_fits import Fit, Histogram
    from perotwin.stack import Cell

__all__ = [
    "INSTRUMENT",
    "Protocol",
    "analyse",
    "background_of",
    "counted",
    "measure",
    "models",
    "plot",
    "thickness_series",
]

F64 = NDArray[np.float64]

Fluence = Annotated[Quantity, Dim("energy per area", above=0)]

#: two exponentials are doubted where their mean changes by this part when the later half of the decay is left out
_STEADY = 0.15
#: and where the counts lie this many standard deviations from them
_OFF = 5.0
#: lifetimes are told that are at most so many times as long as the decay was followed
_BEYOND = 10.0


class Protocol(Model):
    """A short pulse on a sample, and the histogram of the photons that follow.

    sample : what of the cell is looked at: "film", "film/htl", "film/c60" and the like, or "cell".
    junction : of a tandem, "top", "middle" or "bottom".
    wavelength : of the pulse, m. fluence : of the pulse where it meets the sample, J m^-2.
    duration : of the histogram after the pulse, s; until 1e-4 of the peak is left unless said.
    bins : in that time; a twentieth as many lie before the pulse. photons : counted in all.
    background : counts a bin besides. seed : of the counting noise; without one the counts are those expected.
    """

    sample: str = "film"
    junction: str | None = None
    wavelength: Length = Quantity(470e-9, "470 nm", dimension="length")
    fluence: Fluence = Quantity(1e-4, "10 nJ/cm^2", dimension="energy per area")
    duration: Time | None = None
    bins: int = Field(default=2000, ge=100, le=100_000)
    photons: float = Field(default=1e6, gt=0.0)
    background: float = Field(default=0.0, ge=0.0)
    seed: int | None = Field(default=None, ge=0)


@of_a_cell
def measure(cell: Cell, protocol: Protocol | None = None) -> xr.Dataset:
    """Excite a sample of a cell with a short pulse and count its light.

    Args:
        cell: a stack whose absorber and optics are known; its ions are held as they lie in the dark.
        protocol: of the pulse; a default one if absent.

    Returns:
        `counts` over `time` (s from the pulse, middle of each bin). In the attributes `background` (counts a bin),
        `thickness` (m) of the absorber, `diffusion_coefficient` (m^2/s), ambipolar, and `excited` (m^-3), pairs that
        the pulse makes, mean over the absorber.

    Raises:
        InputError: there is no such sample, or nothing says where the pulse is absorbed.
        ConvergenceError: a time step could not be taken.
    """
    from perotwin.lab import pulsed_light

    made = pulsed_light.measure(cell, protocol or Protocol(), INSTRUMENT)
    _, best, doubt = models(counted(made))
    number = "two exponentials" if best.kind == "two" else "one exponential"
    return add_notes(made, [f"fit of {number}: {doubt}."] if doubt else [])


# --- analysis: arrays only -------------------------------------------------------------------------------------------


def counted(dataset: xr.Dataset) -> Histogram:
    """The histogram of a measurement, with what its attributes say: `background` (counts a bin), `period` (s)."""
    known = {
        name: float(dataset.attrs[name])
        for name in ("background", "period")
        if np.isfinite(float(dataset.attrs.get(name, np.nan)))
    }
    response = np.asarray(dataset["response"], float) if "response" in dataset.variables else None
    time, counts = (np.asarray(dataset[name], float) for name in ("time", "counts"))
    order = np.argsort(time, kind="stable")
    return decay_fits.histogram(
        time[order], counts[order], **known, response=None if response is None else response[order]
    )  # fmt: skip


def models(histogram: Histogram) -> tuple[dict[str, Fit], Fit, str]:
    """All models fitted to a decay, the number of exponentials that it asks for, and what is to be said of them.

    Returns:
        Fits by kind ("one", "two", "pairs"), the one of "one" and "two" that Bayes' criterion prefers, and words that
        doubt it, empty where nothing speaks against it.
    """
    fits = {kind: decay_fits.fit(histogram, kind) for kind in ("one", "two", "pairs")}
    best = decay_fits.chosen([fits["one"], fits["two"]])
    doubts = []
    if best.kind == "two":
        if fits["pairs"].bic < best.bic:
            doubts.append(
                "means nothing here: the decay is that of pairs which recombine with each other (n^2, one parameter "
                f"fewer, Bayes' criterion better by {best.bic - fits['pairs'].bic:.3g}), which has no two lifetimes"
            )
        elif histogram.response is None:
            span = float(histogram.time[-1]) - histogram.onset
            early = decay_fits.fit(histogram, "two", 0.5 * span)
            (whole, error), (part, other) = best.derived(_amplitude), early.derived(_amplitude)
            if abs(part - whole) > max(_STEADY * whole, 3.0 * float(np.hypot(error, other))):
                doubts.append(
                    f"means nothing here: its mean becomes {part * 1e9:.3g} ns where the later half of the decay is "
                    "left out, as of a power law"
                )
    if best.excess > _OFF:
        doubts.append(
            f"does not describe the decay: the counts lie {best.excess:.2g} standard deviations from it"
        )
    return fits, best, "; ".join(doubts)


def _amplitude(v: F64) -> float:
    """Mean lifetime weighted with amplitudes: the area under the decay over its height."""
    return (
        float(v[0]) * float(v[1]) / float(v[0])
        if v.size == 3
        else float((v[0] * v[1] + v[2] * v[3]) / (v[0] + v[2]))
    )


def _intensity(v: F64) -> float:
    """Mean lifetime weighted with intensities: the mean arrival of a photon."""
    if v.size == 3:
        return float(v[1])
    return float((v[0] * v[1] ** 2 + v[2] * v[3] ** 2) / (v[0] * v[1] + v[2] * v[3]))


@of_measurements("trpl")
def analyse(dataset: xr.Dataset) -> Metrics:
    """Lifetimes of a decay, by the likelihood of its counts.

    Returns:
        `peak_time` (s) and `peak_counts` of the fullest bin; `background_counts` a bin; `time_to_1e` (s) from that bin;
        `exponentials`, one or two as Bayes' criterion prefers, and of these `lifetime_amplitude` and
        `lifetime_intensity` (s), the two means in use; of two `lifetime_fast`, `lifetime_slow` (s) and `share_fast`
        (of the amplitude), else NaN. `lifetime_late` (s), the differential lifetime in the last decade that the counts
        tell. `pair_lifetime` (s) and `pair_share`: of carriers by the model of pairs, and how much of the loss at the
        onset is between them. With `thickness` (m) and `diffusion_coefficient` (m^2/s) in the attributes
        `surface_velocity` (m/s) of two equal faces from the late lifetime, the largest that it admits unless
        `bulk_lifetime` (s) is there as well. Uncertainties are those of the counting statistics.

    Raises:
        InputError: bins of several widths, no decay, a subtracted background that nothing tells.
    """
    histogram = counted(dataset)
    fits, best, doubt = models(histogram)
    pairs, two = fits["pairs"], best.kind == "two"
    background, spread, source = background_of(histogram, best, doubt)
    curve = differential_lifetimes.differential_lifetime(histogram, background, spread=spread)
    late, late_error, level = differential_lifetimes.late_lifetime(curve)
    until, until_error = differential_lifetimes.one_over_e(histogram, background)
    number = "two exponentials" if two else "one exponential"
    words = f"{number} by Poisson likelihood" + ("; doubtful: see exponentials" if doubt else "")
    words += (
        "; counts are no whole numbers: errors are those of so many photons" if _fractional(histogram) else ""
    )
    names = {"fast": (lambda v: float(v[1])), "slow": (lambda v: float(v[3]))}
    found = {
        "peak_time": Metric(float(histogram.time[histogram.peak]), "s", "fullest bin", 0.5 * histogram.width),
        "peak_counts": Metric(
            float(histogram.counts[histogram.peak]) - histogram.shift, "1", "fullest bin, background included",
            float(np.sqrt(histogram.counts[histogram.peak])),
        ),
        "background_counts": Metric(background - histogram.shift, "1", f"{source}{_of_tails(histogram)}", spread),
        "time_to_1e": Metric(until, "s", "from the fullest bin, background taken off", until_error),
        "exponentials": Metric(
            2.0 if two else 1.0, "1",
            f"Bayes' criterion: two less one is {fits['two'].bic - fits['one'].bic:.4g} "
            f"(Akaike's {fits['two'].aic - fits['one'].aic:.4g})" + (f"; {doubt}" if doubt else ""),
        ),
    }  # fmt: skip
    for name, function, how in (
        ("lifetime_amplitude", _amplitude, "mean by amplitudes"),
        ("lifetime_intensity", _intensity, "mean by intensities"),
    ):
        value, error = best.derived(function)
        found[name] = Metric(value, "s", f"{how}, {words}", error)
    for name, function in names.items():
        value, error = best.derived(function) if two else (np.nan, np.nan)
        found[f"lifetime_{name}"] = Metric(value, "s", words, error if two else None)
    share, error = best.derived(lambda v: float(v[0] / (v[0] + v[2]))) if two else (np.nan, np.nan)
    found["share_fast"] = Metric(share, "1", f"of the amplitude, {words}", error if two else None)
    found["lifetime_late"] = Metric(
        late,
        "s",
        f"differential lifetime of the light, last decade above {level:.2g} of the peak",
        late_error,
    )
    found |= _of_pairs(pairs, best, float(histogram.time[-1]) - histogram.onset)
    return Metrics(found | _surface(dataset, late, late_error))


def _fractional(histogram: Histogram) -> bool:
    return bool(np.any(histogram.counts != np.round(histogram.counts)))


def background_of(histogram: Histogram, best: Fit, doubt: str) -> tuple[float, float, str]:
    """Counts of the background in a bin, their standard error, and where they are from.

    A model that does not describe the decay makes up for it with its background: the bins before the pulse then tell
    it, where there are any.
    """
    if histogram.background is not None:
        return histogram.background, 0.0, "as the measurement states it"
    if doubt and histogram.before and histogram.period is None and histogram.response is None:
        error = np.sqrt(max(histogram.level, 1.0 / histogram.before) / histogram.before)
        return (
            histogram.level,
            float(error),
            f"{histogram.before} bins before the pulse, as the fit is doubtful",
        )
    value, spread = best.derived(lambda v: float(v[-1]))
    words = "fitted with the decay"
    return (
        value,
        spread,
        words + (f" and the {histogram.before} bins before the pulse" if histogram.before else ""),
    )


def _of_tails(histogram: Histogram) -> str:
    """What is to be said of a background besides."""
    words = ""
    if histogram.background is not None:
        return words
    if histogram.shift:
        words += f"; {histogram.shift:.3g} had been subtracted, as the noise where there is no light tells"
    if histogram.period is not None:
        return words + "; tails of earlier pulses are in the model"
    end = histogram.counts[-max(histogram.counts.size // 50, 5) :]
    mean = float(end.mean())
    error = float(np.sqrt(mean / end.size + max(histogram.level, 0.0) / max(histogram.before, 1)))
    if histogram.before and mean > histogram.level + 5.0 * error:
        words += (
            f"; {mean:.3g} counts a bin at the end and {histogram.level:.3g} before the pulse: the decay is not over, "
            "and its tail may lie under the next pulse (state the period)"
        )
    return words


def _of_pairs(pairs: Fit, best: Fit, span: float) -> dict[str, Metric]:
    words = "pairs that recombine with each other, light as n^2"
    if pairs.bic > best.bic:
        words += f"; Bayes' criterion prefers exponentials by {pairs.bic - best.bic:.3g}"
    lifetime, error = pairs.derived(lambda v: float(v[1]))
    share, other = pairs.derived(lambda v: float(v[2] / (1.0 + v[2])))
    if pairs.bic > best.bic and pairs.excess > _OFF:
        words += f"; it lies {pairs.excess:.2g} standard deviations from the counts"
        lifetime = error = share = other = np.nan
    elif lifetime > _BEYOND * span:
        words += "; the lifetime is longer than the decay can tell"
        lifetime = error = np.nan
    return {
        "pair_lifetime": Metric(
            lifetime, "s", f"of carriers, {words}", error if np.isfinite(error) else None
        ),
        "pair_share": Metric(
            share, "1", f"of the loss at the onset, {words}", other if np.isfinite(other) else None
        ),
    }


def _surface(dataset: xr.Dataset, late: float, error: float) -> dict[str, Metric]:
    """Recombination velocity of the faces, where thickness and diffusion are known."""
    thickness, diffusion, bulk = (
        float(dataset.attrs.get(name, np.nan))
        for name in ("thickness", "diffusion_coefficient", "bulk_lifetime")
    )
    faces = int(dataset.attrs.get("faces", 2))
    if not (np.isfinite(thickness) and np.isfinite(diffusion)):
        return {}

    def velocity(lifetime: float) -> float:
        rate = 1.0 / lifetime - (1.0 / bulk if np.isfinite(bulk) else 0.0)
        if not rate > 0.0:
            return np.nan
        return surface_lifetimes.surface_velocity(1.0 / rate, thickness, diffusion, faces)

    value = velocity(late)
    ends = [velocity(late + error), velocity(late - error)]
    words = "two equal faces, beta tan(beta d / 2)" if faces == 2 else "one face, beta tan(beta d)"
    words += " = S / D, of the late lifetime"
    words += " less the bulk's" if np.isfinite(bulk) else ": the most that it admits, all loss at the faces"
    if not np.isfinite(value):
        words += (
            "; it is shorter than diffusion to the faces takes" if not np.isfinite(bulk) else "; none is left"
        )
    spread = 0.5 * abs(ends[1] - ends[0])
    return {"surface_velocity": Metric(value, "m/s", words, spread if np.isfinite(spread) else None)}


def _slowest(metrics: Metrics) -> Metric:
    """The slowest lifetime of a decay: of its exponentials, or the late one where these are doubtful."""
    found = metrics["lifetime_slow" if metrics["exponentials"].value == 2.0 else "lifetime_amplitude"]
    return metrics["lifetime_late"] if "doubtful" in found.method else found


def thickness_series(datasets: Sequence[xr.Dataset]) -> Metrics:
    """Bulk and faces from films of several thicknesses that differ in nothing else.

    The slowest lifetime of each (of the exponentials that its counts ask for; the late differential one where these are
    doubtful) is fitted with 1 / tau = 1 / tau_b + D beta^2, beta the slowest mode of the faces; one thickness alone
    tells their sum only.

    Args:
        datasets: with `thickness` (m) and one `diffusion_coefficient` (m^2/s) in the attributes; `faces` 1 or 2 (2).

    Returns:
        `bulk_lifetime` (s) and `surface_velocity` (m/s) with the errors of the fit.

    Raises:
        InputError: fewer than two thicknesses.
    """
    from scipy.optimize import least_squares

    rows = []
    for one in datasets:
        found = _slowest(analyse(one))
        known_of = (float(one.attrs[name]) for name in ("thickness", "diffusion_coefficient"))
        rows.append((*known_of, found.value, found.uncertainty or 0.0))
    thickness, diffusion, tau, error = np.array(rows, float).reshape(-1, 4).T
    known = np.isfinite(tau)
    if known.sum() < 2 or not np.ptp(thickness[known]) > 0.02 * thickness[known].max():
        raise InputError(
            "one thickness does not tell the bulk from the faces.",
            "Measure films of two thicknesses or more.",
            key="thickness",
        )
    faces = int(datasets[0].attrs.get("faces", 2))
    weight = tau / np.maximum(error, 1e-4 * tau)

    def missed(log: F64) -> F64:
        velocity, bulk = np.exp(log)
        rates = [
            1.0 / bulk + 1.0 / surface_lifetimes.surface_lifetime(d, own, velocity, velocity * (faces == 2))
            for d, own in zip(thickness[known], diffusion[known], strict=True)
        ]
        return np.asarray(weight[known] * np.log(np.array(rates) * tau[known]))

    typical = float(np.median(tau[known]))
    start = np.log([float(np.median(thickness[known])) / (2.0 * faces * typical), 2.0 * typical])
    # some twenty decades are as good as none or all
    fitted = least_squares(missed, start, bounds=(start - 23.0, start + 23.0))
    covariance = np.linalg.pinv(fitted.jac.T @ fitted.jac)
    freedom = int(known.sum()) - 2
    # where the points scatter more than their counts explain, that is the error
    scale = max(1.0, 2.0 * float(fitted.cost) / freedom) if freedom > 0 else 1.0
    velocity, bulk = (float(value) for value in np.exp(fitted.x))
    spread = np.sqrt(scale * np.diag(covariance))
    words = f"slowest mode of {'two equal faces' if faces == 2 else 'one face'} over {int(known.sum())} thicknesses"
    return Metrics(
        {
            "bulk_lifetime": Metric(bulk, "s", words, bulk * float(spread[1])),
            "surface_velocity": Metric(velocity, "m/s", words, velocity * float(spread[0])),
        }
    )


@of_measurements("trpl")
def plot(datasets: xr.Dataset | Sequence[xr.Dataset], ax: Axes | None = None) -> Figure:
    """Decays over their peaks with the chosen fits, and the differential lifetimes; see `plotting.decays`."""
    from perotwin.plotting import decays, style

    items = style.as_list(datasets)
    shown = []
    for item in items:
        histogram = counted(item)
        _, best, doubt = models(histogram)
        background, spread, _ = background_of(histogram, best, doubt)
        curve = differential_lifetimes.differential_lifetime(histogram, background, spread=spread)
        shown.append(decays.Decay(item, histogram, best, curve, background, bool(doubt)))
    return decays.figure(shown, ax)


INSTRUMENT = Instrument(
    name="trpl",
    title="time-resolved photoluminescence",
    protocol=Protocol,
    measure=measure,
    analyse=analyse,
    plot=plot,
    caption="Luminescence of {cells} after a short pulse, with the fits that their counts ask for, and its "
    "differential lifetime.",
    variables=(
        Variable("time", ("time",)),
        Variable("counts", ("time",), required=True),
        Variable("response", ("time",), written=False),
    ),
    place=75,
)


def __dir__() -> list[str]:
    return sorted(__all__)
