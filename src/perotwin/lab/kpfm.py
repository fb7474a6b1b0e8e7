"""Kelvin probe force microscopy: the surface potential as a tip of finite size sees it.

    measured = measure(prepare(load("target-washed")), Protocol(radius="25 nm"))
    analyse(measured)["potential_spread"]

Amplitude modulation nulls the force on the tip, which is linear in the potential of the surface below: what it finds
is the surface's potential weighted with the gradient of the tip's capacitance to each point (doi:10.1063/1.368181).
Each ring of an apex of radius R at a distance z faces the surface as a plate at its own distance h = z + r^2 / 2R
(ring by ring as in doi:10.1007/s100510050219), whose gradient is as 1 / h^2. The weights and their transform, what is
left of a cosine of wave number k, are then

    w(r) = 1 / (pi a^2 (1 + r^2 / a^2)^2),     T(k) = ka K1(ka),     a^2 = 2 R z,

with K1 the modified Bessel function; the weight is halved at r = 0.64 a. For R = 25 nm at 10 nm that is a spot of 29 nm
across; the exact electrostatics of a sphere gives 30 nm.

Cone and cantilever see the mean of the surface; their share of the gradient is `background`. Potentials are steps over
the bare oxide; higher is more p-type.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from perotwin.errors import InputError
from perotwin.lab.arguments import of_measurements
from perotwin.measurement import Instrument, Metric, Metrics, Variable
from perotwin.stack.quantity_fields import Dim, Length, Model
from perotwin.units import Quantity, parse

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from perotwin.lab.specimen import Specimen

__all__ = [
    "INSTRUMENT",
    "Protocol",
    "analyse",
    "compare",
    "difference",
    "full_width",
    "histogram",
    "measure",
    "plot",
    "potential",
    "resolution",
    "transfer",
    "weight",
]

F64 = NDArray[np.float64]

Noise = Annotated[Quantity, Dim("voltage", least=0)]
Share = Annotated[Quantity, Dim("fraction", least=0, most=1)]

#: the map of the sample is taken this fine at least, m
_FINE = 0.5e-9
_MOST_PIXELS = 4000
#: spots of the tip's width on a map, below which its spread is a matter of chance
_FEW_SPOTS = 25
#: what simulated maps are over
_OXIDE = "bare oxide"


def _assumed(value: str, low: str, high: str, note: str, dimension: str) -> Quantity:
    return parse(value, dimension).with_origin(None, (parse(low, dimension), parse(high, dimension)), note)


class Protocol(Model):
    """How a map of the surface potential is taken; the same for all samples.

    radius : of the tip's apex, m. lift : mean distance between apex and molecules, m.
    background : share of the gradient of the capacitance that cone and cantilever have, 0 to 1. They see the mean, so
        that all contrast shrinks by it; 0 is the largest contrast that such a tip could show.
    pixel : of the map, m. noise : of a pixel (standard deviation), V. seed : of the noise.
    """

    radius: Length = _assumed("25 nm", "10 nm", "50 nm", "metal-coated tips as they are sold", "length")
    lift: Length = _assumed("10 nm", "3 nm", "50 nm", "mean distance of a second pass", "length")
    background: Share = _assumed(
        "0 %", "0 %", "80 %", "apex alone; fixed by a step of known height", "fraction"
    )
    pixel: Length = Quantity(2e-9, "2 nm", dimension="length")
    noise: Noise = _assumed("3 mV", "1 mV", "10 mV", "in air; fixed by a map of gold or graphite", "voltage")
    seed: int = Field(default=1, ge=0)


# --- the tip ---------------------------------------------------------------------------------------------------------


def transfer(wave_number: F64, radius: float, lift: float) -> F64:
    """Share of a cosine's amplitude that the tip sees.

    Args:
        wave_number: 2 pi over the period, m^-1, of any shape. radius, lift: of the tip, m.

    Returns:
        The same shape; 1 at zero, falling to 0.
    """
    from scipy.special import k1

    size = np.asarray(wave_number, float) * _reach(radius, lift)
    safe = np.maximum(size, 1e-12)
    return np.asarray(np.where(size > 0.0, safe * k1(safe), 1.0))


def weight(distance: F64, radius: float, lift: float) -> F64:
    """How much the surface at a distance (m) from below the tip counts, m^-2; its integral over the plane is one."""
    area = np.pi * _reach(radius, lift) ** 2
    return np.asarray(1.0 / (area * (1.0 + np.pi * np.asarray(distance, float) ** 2 / area) ** 2))


def resolution(radius: float, lift: float) -> float:
    """Diameter (m) at which the weight of the surface has fallen to half of that below the tip."""
    return 2.0 * float(np.sqrt(np.sqrt(2.0) - 1.0)) * _reach(radius, lift)


def _reach(radius: float, lift: float) -> float:
    """The length a (m) of the weights."""
    return float(np.sqrt(2.0 * radius * lift))


# --- measurement -----------------------------------------------------------------------------------------------------


def measure(sample: Specimen, protocol: Protocol | None = None) -> xr.Dataset:
    """Map the surface potential of a sample whose oxide lies bare: not coated yet, or washed.

    Args:
        sample: what a recipe left. protocol: of the tip.

    Returns:
        The measurement: `surface_potential` (y, x) in V over the bare oxide; x and y in m; in the attributes
        `resolution` (m), the width of the tip's weight.

    Raises:
        InputError: a film covers the oxide, or the map has too many pixels.
    """
    from perotwin.lab import specimen
    from perotwin.measurement import check, make_dataset

    protocol = protocol or Protocol()
    if not specimen.laid_bare(sample):
        raise InputError(
            f'a film lies on the molecules of "{sample.name}": the tip would see the film\'s surface, which the recipe '
            "does not know.",
            "Add a wash to the recipe, or leave the coating out.",
        )
    if float(sample.patch.side) / float(protocol.pixel) > _MOST_PIXELS:
        raise InputError(
            f"pixels of {protocol.pixel} over {float(sample.patch.side) * 1e9:.3g} nm make more than {_MOST_PIXELS} "
            "along a line.",
            "Give a larger pixel.",
            key="pixel",
        )
    side, radius, lift = float(sample.patch.side), float(protocol.radius), float(protocol.lift)
    # the tip's own distance does all the smoothing that distance does
    truth = np.asarray(sample.potential(height=0.0, pixel=min(_FINE, float(protocol.pixel))), float)
    count = truth.shape[0]
    wave = 2.0 * np.pi * np.fft.fftfreq(count, side / count)
    size = np.hypot(wave[:, None], wave[None, : count // 2 + 1])
    seen = transfer(size, radius, lift) * (1.0 - float(protocol.background))
    seen[0, 0] = 1.0
    smooth = np.fft.irfft2(np.fft.rfft2(truth) * seen, s=truth.shape)
    block = _block(count, float(protocol.pixel) * count / side)
    pixels = count // block
    scanned = smooth.reshape(pixels, block, pixels, block).mean(axis=(1, 3))
    chance = np.random.default_rng([protocol.seed, zlib.crc32(sample.name.encode())])
    noisy = scanned + float(protocol.noise) * chance.standard_normal(scanned.shape)
    place = (np.arange(pixels) + 0.5) * side / pixels
    width = resolution(radius, lift)
    return make_dataset(
        INSTRUMENT,
        {"surface_potential": (("y", "x"), noisy)},
        {
            "x": ("x", place, {"units": "m", "long_name": "position along a line"}),
            "y": ("y", place, {"units": "m", "long_name": "position across the lines"}),
        },
        about={
            **specimen.about(sample, protocol),
            "resolution": width,
            "reference": _OXIDE,
            **_of_areas(sample, protocol),
        },
        checks={"mean kept by the tip": check(scanned.mean() - truth.mean(), 1e-9)},
        notes=_notes(side, width),
    )


def _of_areas(sample: Specimen, protocol: Protocol) -> dict[str, float]:
    """What areas wider than this map add, V: no tip blurs it, cone and lever weaken it; none where it is not known.

    A sample that is only a map knows nothing of wider areas.
    """
    wide = (1.0 - float(protocol.background)) * float(
        getattr(getattr(sample, "face", None), "area_spread", 0.0)
    )
    return {"area_spread": wide} if wide > 0.0 else {}


def _block(count: int, wanted: float) -> int:
    """Fine pixels along a pixel of the map: the largest number that divides `count` and is not above `wanted`."""
    return max(block for block in range(1, max(1, int(wanted + 1e-9)) + 1) if count % block == 0)


def _notes(side: float, width: float) -> list[str]:
    spots = (side / width) ** 2
    if spots >= _FEW_SPOTS:
        return []
    return [
        f"the map of {side * 1e9:.3g} nm holds about {spots:.2g} spots of the tip's width of {width * 1e9:.3g} nm, so "
        "that its spread and histogram are one draw of many: prepare a larger side for those."
    ]


# --- analysis: arrays only -------------------------------------------------------------------------------------------


def potential(dataset: xr.Dataset) -> tuple[F64, str]:
    """The map (N, M) in V with the sign of this package, higher for more p-type, and words on the sign.

    The voltage that nulls the force is (W_tip - W_sample) / q on the tip and the negative of it on the sample. A map
    says in its attribute `bias_on` ("tip" or "sample") where it was applied.

    Raises:
        InputError: the attribute says something else.
    """
    values = np.asarray(dataset["surface_potential"], float)
    values = np.where(np.isfinite(values), values, np.nan)
    on = str(dataset.attrs.get("bias_on") or "").strip().lower()
    if on == "tip":
        return -values, "; the sign turned, since the bias was on the tip"
    if on == "sample" or dataset.attrs.get("reference") == _OXIDE:
        return values, ""
    if on:
        raise InputError(
            f'the bias of the map was on "{on}".', 'Say bias_on = "tip" or bias_on = "sample".', key="bias_on"
        )
    return (
        values,
        "; the sign as recorded: higher is more p-type if the bias was on the sample (attribute bias_on)",
    )


@of_measurements("kpfm")
def analyse(dataset: xr.Dataset, *, levelling: str | None = None) -> Metrics:
    """Mean, standard deviation and width of the histogram of a map; all in V.

    Args:
        dataset: `surface_potential` (y, x) in V; x and y in m, without which lengths are in pixels. Its attributes may
            name `bias_on` ("tip", "sample"), the `reference`, `reference_potential` (V, what the same tip found on it),
            `reference_error` (V) and the `session`.
        levelling: "none", "plane", "lines" or "polynomial", before spread, width and length are read; unless given the
            attribute `levelling`, or none. It takes real differences along with drift. The mean is that of the map.

    Returns:
        `mean_potential`, less `reference_potential` where there is one; `potential_spread` and `potential_fwhm`, in
        which the noise is, as in any measured map; `potential_noise` of a pixel and `potential_spread_own` without it;
        `potential_length`, where the autocorrelation has fallen to 0.2; of a sample whose recipe states a spread
        between areas wider than the map, `potential_spread_areas`, what a map over many of them would read. Errors are
        those of a map whose pixels are alike over that length.

    Raises:
        InputError: the levelling is none of these, or as `potential` and `maps.scale_of`.
    """
    from perotwin.lab import levelling as ways
    from perotwin.lab.maps import scale_of

    how = str(levelling or dataset.attrs.get("levelling") or "none")
    if how not in ways.WAYS:
        raise InputError(
            f'a map is not levelled by "{how}".', f"Choose one of {', '.join(ways.WAYS)}.", key="levelling"
        )
    values, sign = potential(dataset)
    scale = scale_of(dataset)
    known = values[np.isfinite(values)]
    if known.size == 0:
        names = ("mean_potential", "potential_spread", "potential_fwhm")
        return Metrics({name: Metric(np.nan, "V", "no pixel has a value") for name in names})
    mean, mean_words, systematic = _mean(dataset, float(known.mean()))
    error, count = ways.error_of_the_mean(values, scale.pixel)
    flat = ways.WAYS[how](values)
    rough = ways.roughness(flat, scale.pixel)
    words = "" if how == "none" else f" after levelling by {how}"
    width = full_width(flat)
    edges, _ = histogram(flat)
    relative = rough.sq_error / rough.sq if rough.sq > 0.0 else 0.0
    noise = ways.pixel_noise(flat)
    own = float(np.sqrt(max(rough.sq**2 - noise**2, 0.0))) if np.isfinite(noise) else np.nan
    limits = scale.words(values.shape)
    wide = float(dataset.attrs.get("area_spread") or 0.0)
    areas = {}
    if wide > 0.0:
        areas["potential_spread_areas"] = Metric(
            float(np.hypot(rough.sq, wide)), "V",
            f"with the recipe's {1e3 * wide:.3g} mV between areas wider than this map, which no tip blurs",
            rough.sq_error * rough.sq / float(np.hypot(rough.sq, wide)),
        )  # fmt: skip
    return Metrics(
        {
            "mean_potential": Metric(
                mean, "V", f"{mean_words}{sign}; error of {count:.3g} independent places; {limits}",
                float(np.hypot(error, systematic)),
            ),
            "potential_spread": Metric(
                rough.sq, "V", f"standard deviation of the pixels{words}; {limits}", rough.sq_error
            ),
            "potential_fwhm": Metric(
                width, "V", f"full width at half maximum of the histogram{words}",
                float(np.hypot(width * relative, 0.5 * (edges[1] - edges[0]))),
            ),
            "potential_noise": Metric(
                noise, "V", "third differences along the lines; at most: fine structure counts as noise",
                noise / float(np.sqrt(max(2.0 * values.size / 5.0, 1.0))),
            ),
            "potential_spread_own": Metric(
                own, "V", f"standard deviation less the noise of a pixel, in squares{words}",
                rough.sq_error * rough.sq / own if own > 0.0 else rough.sq_error,
            ),
            "potential_length": Metric(
                rough.length, scale.unit, f"autocorrelation fallen to 0.2, all directions{words}; {limits}",
                rough.length / float(np.sqrt(rough.heights)),
            ),
            **areas,
        }
    )  # fmt: skip


def _mean(dataset: xr.Dataset, mean: float) -> tuple[float, str, float]:
    """Mean over the map's reference, words on that, and the reference's own error."""
    against = dataset.attrs.get("reference_potential")
    name = str(dataset.attrs.get("reference") or "")
    if against is None:
        if name:
            return mean, f"mean of the map, over {name}", 0.0
        return (
            mean,
            "mean of the map, over a reference that nobody names: only differences within a session compare",
            0.0,
        )
    found, error = float(against), float(dataset.attrs.get("reference_error") or 0.0)
    if str(dataset.attrs.get("bias_on") or "").strip().lower() == "tip":
        found = -found
    named = name or "the session's reference"
    return (
        mean - found,
        f"mean of the map less {found * 1e3:.4g} mV that the same tip found on {named}",
        error,
    )


def difference(one: xr.Dataset, other: xr.Dataset) -> Metric:
    """Mean surface potential of one map less that of another, V.

    A tip changes from session to session, and its work function with it: means compare within one session, or where
    each is over what the same tip found on one reference.

    Args:
        one, other: maps as `analyse` takes them. They compare where both have a `reference_potential` on one
            `reference`, where both are simulated over the bare oxide, or where both name one `session`.

    Raises:
        InputError: nothing says that they compare.
    """
    attributes = one.attrs, other.attrs
    references = [str(each.get("reference") or "") for each in attributes]
    sessions = [str(each.get("session") or "") for each in attributes]
    if all("reference_potential" in each for each in attributes) and references[0] == references[1]:
        words = f"each over {references[0] or 'the reference'} in its own session"
    elif references == [_OXIDE, _OXIDE]:
        words = "each over the bare oxide"
    elif (
        sessions[0]
        and sessions[0] == sessions[1]
        and not any("reference_potential" in each for each in attributes)
    ):
        words = f"both of the session {sessions[0]}, one tip"
    else:
        raise InputError(
            "nothing says that the two maps have one reference: the tip's work function is part of each, and it "
            "changes from session to session by more than samples differ.",
            'State attrs["session"], alike for maps of one tip on one day, or attrs["reference_potential"] (V) that '
            "the tip found on one reference in each session.",
            key="session",
        )
    values = [analyse(each)["mean_potential"] for each in (one, other)]
    error = float(np.hypot(values[0].uncertainty or 0.0, values[1].uncertainty or 0.0))
    return Metric(values[0].value - values[1].value, "V", f"difference of the means, {words}", error)


def compare(datasets: Sequence[xr.Dataset]) -> Metrics:
    """`difference` of the first map from each of the others, by name; NaN, with the reason, where none is known."""
    first, *others = _conforming(list(datasets))
    found: dict[str, Metric] = {}
    for number, other in enumerate(others, 2):
        key = f"potential_difference, {other.attrs.get('stack') or number}"
        try:
            found[key] = difference(first, other)
        except InputError as error:
            found[key] = Metric(np.nan, "V", f"{error.message} {error.advice}")
    return Metrics(found)


def histogram(values: F64) -> tuple[F64, F64]:
    """Edges (B + 1,) in V and density (B,) in V^-1 of a histogram with bins after Freedman and Diaconis.

    All values in one bin of no width when they are equal.
    """
    values = np.ravel(values)
    values = values[np.isfinite(values)]
    low, high = float(values.min()), float(values.max())
    quarter, three = np.quantile(values, [0.25, 0.75])
    step = 2.0 * (three - quarter) / np.cbrt(values.size)
    if not high - low > 1e-12 * max(1.0, abs(high)):
        return np.array([low, low]), np.array([np.inf])
    bins = int(np.clip(np.ceil((high - low) / step), 1, 400)) if step > 0.0 else 20
    density, edges = np.histogram(values, bins=bins, range=(low, high), density=True)
    return edges, density


def full_width(values: F64) -> float:
    """Full width (V) at half maximum of the histogram, between the outermost places where it crosses half."""
    edges, density = histogram(values)
    if density.size == 1:
        return float(edges[1] - edges[0])
    half_bin = 0.5 * (edges[1] - edges[0])
    centre = np.concatenate([[edges[0] - half_bin], edges[:-1] + half_bin, [edges[-1] + half_bin]])
    # three bins together: the count of one is a matter of chance
    smooth = np.convolve(np.concatenate([[0.0], density, [0.0]]), [0.25, 0.5, 0.25], mode="same")
    smooth[0] = smooth[-1] = 0.0
    half = 0.5 * smooth.max()
    above = np.flatnonzero(smooth >= half)
    first, last = above[0], above[-1]

    def crossing(inside: int, outside: int) -> float:
        part = (smooth[inside] - half) / (smooth[inside] - smooth[outside])
        return float(centre[inside] + part * (centre[outside] - centre[inside]))

    return crossing(last, last + 1) - crossing(first, first - 1)


def plot(datasets: xr.Dataset | Sequence[xr.Dataset], ax: Axes | None = None) -> Figure:
    """Maps side by side on one colour scale, and their histograms; see `plotting.interface.kpfm`."""
    from perotwin.plotting import interface, style

    items = style.as_list(_conforming(datasets))
    turned = [item.assign(surface_potential=(("y", "x"), potential(item)[0])) for item in items]
    for item in turned:
        if not np.isfinite(np.asarray(item["surface_potential"], float)).any():
            raise InputError(
                "a map without a pixel that has a value cannot be drawn.",
                "Leave it out.",
                key="surface_potential",
            )
    found: list[tuple[Any, Any]] = [
        histogram(np.asarray(item["surface_potential"], float)) for item in turned
    ]
    return interface.kpfm(turned, found, ax)


@of_measurements("kpfm")
def _conforming(measured: Any) -> Any:
    return measured


INSTRUMENT = Instrument(
    name="kpfm",
    title="Kelvin probe force microscopy",
    protocol=Protocol,
    measure=measure,
    analyse=analyse,
    plot=plot,
    caption="Surface potential of {cells} as the tip sees it, over the bare oxide, and its histogram.",
    variables=(
        Variable("x", ("x",)),
        Variable("y", ("y",)),
        Variable("surface_potential", ("y", "x"), required=True),
    ),
    of="sample",
    compare=compare,
    washed=True,
)


def __dir__() -> list[str]:
    return sorted(__all__)
