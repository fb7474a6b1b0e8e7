"""X-ray diffraction by a film: places, widths and strengths of lines, and what may be read from them.

    measured = measure(prepare(load("target")))
    analyse(measured)["lattice_parameter"], compare([target, control])

What the virtual half predicts: the places of the lines from the composition that the recipe states (Vegard's law),
their strengths in a film without preferred orientation (`lab.diffraction`), what of a thick powder's intensity a thin
film gives, and the noise of counting. What it repeats: the recipe's composition, grain size and lead iodide, all of
them assumed there, and the texture of the protocol. Two recipes that differ in an additive alone give the same
pattern but for the noise: what an additive does to texture or strain is no output.

An intensity is no crystallinity. A line of a film grows when more of its planes lie flat (`texture`), when the film is
thicker, when the sample sits better in the beam; none of it makes the film more crystalline.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from perotwin.errors import InputError
from perotwin.lab import xrd_readings as readings
from perotwin.lab.arbitrary_units import in_any_unit
from perotwin.lab.arguments import of_measurements
from perotwin.measurement import Instrument, Metric, Metrics, Variable
from perotwin.stack.quantity_fields import Dim, Length, Model
from perotwin.units import Quantity, parse

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from perotwin.lab.diffraction import Crystal
    from perotwin.lab.specimen import Specimen
    from perotwin.lab.xrd_lines import Line, Radiation

__all__ = ["INSTRUMENT", "Protocol", "analyse", "compare", "lines", "measure", "plot", "ratio"]

F64 = NDArray[np.float64]

Angle = Annotated[Quantity, Dim("angle", above=0, most=math.radians(160.0))]
Displacement = Annotated[Quantity, Dim("length")]
Shape = Annotated[Quantity, Dim("dimensionless", above=0)]

#: most points of a pattern
_MOST = 200_000
_DEGREE = "deg"
#: deg: shift of lines by a displaced sample from which they are named again
_MOVED = 0.03
_WARNING = (
    "an intensity is no crystallinity: preferred orientation, thickness and the place of the sample in the beam "
    "change it"
)


def _assumed(value: str, low: str, high: str, note: str, dimension: str) -> Quantity:
    return parse(value, dimension).with_origin(None, (parse(low, dimension), parse(high, dimension)), note)


class Protocol(Model):
    """How a pattern is taken; the same for all samples.

    start : first angle 2 theta. stop : last one. step : between them.
    wavelength : of K-alpha1, m; copper's, as the scattering factors are.
    second : wavelength of K-alpha2, m.
    second_share : intensity of K-alpha2 over that of K-alpha1; 0 behind a monochromator.
    width : full width that the diffractometer gives a perfect powder at small angles; a Gaussian.
    spread : what tan(theta) adds to it in squares: width^2 + (spread tan theta)^2, Caglioti's w and u; v is zero.
    exposure : counts at the top of the line 100 of a thick powder of FAPbI3.
    haze : counts of the background at small angles.
    displacement : of the film above the axis of the diffractometer, towards source and detector, m.
    radius : of the diffractometer, m.
    texture : March's parameter of planes 100 lying flat: 1 for none, below 1 the more of them.
    seed : of the noise.
    """

    start: Angle = Quantity(math.radians(10.0), "10 deg", dimension="angle")
    stop: Angle = Quantity(math.radians(60.0), "60 deg", dimension="angle")
    step: Angle = Quantity(math.radians(0.02), "0.02 deg", dimension="angle")
    wavelength: Length = Quantity(1.540598e-10, "1.540598 angstrom", dimension="length")
    second: Length = Quantity(1.544426e-10, "1.544426 angstrom", dimension="length")
    second_share: Annotated[Quantity, Dim("fraction", least=0, most=1)] = Quantity(
        0.5, "50 %", dimension="fraction"
    )
    width: Angle = _assumed("0.06 deg", "0.03 deg", "0.15 deg", "a powder of LaB6 tells it", "angle")
    spread: Annotated[Quantity, Dim("angle", least=0)] = _assumed(
        "0.05 deg", "0 deg", "0.1 deg", "a powder of LaB6 tells it", "angle"
    )
    exposure: Shape = _assumed("20000", "1000", "1e6", "tube, slits and time", "dimensionless")
    haze: Annotated[Quantity, Dim("dimensionless", least=0)] = _assumed(
        "150", "10", "1000", "air and glass", "dimensionless"
    )
    displacement: Displacement = Quantity(0.0, "0 um", dimension="length")
    radius: Length = Quantity(0.24, "240 mm", dimension="length")
    texture: Shape = _assumed("1", "0.3", "1", "none; a film's own pattern tells it", "dimensionless")
    seed: int = Field(default=1, ge=0)

    @model_validator(mode="after")
    def _possible(self) -> Protocol:
        if not self.stop > self.start:
            raise InputError(
                f"from {self.start} to {self.stop} there is nothing.", "Let stop be larger.", key="stop"
            )
        if (self.stop - self.start) / self.step > _MOST:
            raise InputError(
                f"steps of {self.step} make more than {_MOST} points.", "Give a larger step.", key="step"
            )
        return self


# --- measurement -----------------------------------------------------------------------------------------------------


def measure(sample: Specimen, protocol: Protocol | None = None) -> xr.Dataset:
    """Take the pattern of the film on a sample, between two angles, source and detector moving alike.

    Args:
        sample: what a recipe left, with its film on. protocol: of the diffractometer.

    Returns:
        `counts` over `two_theta` (deg), whole numbers; in the attributes the wavelengths (m), the instrument's widths
        (`caglioti`, deg^2), and what was assumed of the film.

    Raises:
        InputError: no film, or a recipe that does not say what the film consists of.
    """
    from perotwin.lab import specimen
    from perotwin.measurement import check, make_dataset

    protocol = protocol or Protocol()
    coat = getattr(sample.recipe, "coat", None)
    if specimen.laid_bare(sample) or coat is None:
        raise InputError(
            f'there is no film on "{sample.name}" to diffract.',
            "Take the sample before its wash, or coat it.",
        )
    for name in ("bromide", "caesium"):
        if getattr(coat, name, None) is None:
            raise InputError(
                f'the recipe of "{sample.name}" does not say its share of {name}, which decides where the lines lie.',
                f'State coat.{name} in the recipe, such as {name} = "40 %".',
                key=f"coat.{name}",
            )
    axis = np.degrees(np.arange(float(protocol.start), float(protocol.stop) + 1e-9, float(protocol.step)))
    expected, strongest = _expected(axis, coat, protocol)
    chance = np.random.default_rng([protocol.seed, zlib.crc32(sample.name.encode())])
    thickness, size = float(coat.thickness), min(float(coat.grain_size), float(coat.thickness))
    return make_dataset(
        INSTRUMENT,
        {"counts": ("two_theta", chance.poisson(expected).astype(float))},
        {"two_theta": ("two_theta", axis, {"units": _DEGREE, "long_name": "angle of diffraction"})},
        about={
            **specimen.about(sample, protocol),
            "wavelength": float(protocol.wavelength),
            "second_wavelength": float(protocol.second),
            "second_share": float(protocol.second_share),
            "caglioti": np.array(_caglioti(protocol)),
            "thickness": thickness,
            "crystallite_size_assumed": size,
        },
        checks={"lines against Bragg's law (deg)": check(_off(strongest, protocol), 1e-9)},
        notes=_notes(coat, protocol, size),
    )


def _caglioti(protocol: Protocol) -> tuple[float, float, float]:
    return math.degrees(float(protocol.spread)) ** 2, 0.0, math.degrees(float(protocol.width)) ** 2


def _off(strongest: tuple[float, float], protocol: Protocol) -> float:
    """How far (deg) the strongest line's spacing and angle are from 2 d sin(theta) = lambda."""
    distance, angle = strongest
    sine = float(protocol.wavelength) * 1e10 / (2.0 * distance)
    return angle - 2.0 * math.degrees(math.asin(sine))


def _expected(axis: F64, coat: Any, protocol: Protocol) -> tuple[F64, tuple[float, float]]:
    """Mean counts at each angle (deg), and spacing (angstrom) and angle of the strongest line."""
    from perotwin.lab import diffraction as d

    wavelength = float(protocol.wavelength)
    film = d.perovskite(float(coat.bromide), float(coat.caesium))
    excess = 0.0 if coat.lead_iodide is None else float(coat.lead_iodide)
    size = min(float(coat.grain_size), float(coat.thickness))
    powder = d.perovskite(0.0)
    first = d.reflections(powder, wavelength, (1.0, 40.0))[0]
    top = _strength(powder, first, 1.0, 1.0) / (2.0 * powder.absorption)
    width = float(d.instrument_width(first.two_theta, _caglioti(protocol)))
    scale = float(protocol.exposure) * width * math.sqrt(math.pi / math.log(2.0)) / 2.0 / top
    between = (max(float(axis[0]) - 3.0, 1.0), float(axis[-1]) + 1.0)
    total = _haze(axis, float(protocol.haze))
    best, strongest = 0.0, (math.nan, math.nan)
    # lead is shared out between the phases: their volumes follow from the lead in their cells
    volumes = (1.0 - excess) * film.volume, excess * d.LEAD_IODIDE.volume
    parts = [(film, volumes[0] / sum(volumes), float(protocol.texture))]
    if excess > 0.0:
        parts.append((d.LEAD_IODIDE, volumes[1] / sum(volumes), 1.0))
    absorption = sum(share * crystal.absorption for crystal, share, _ in parts)
    for crystal, share, texture in parts:
        for line in d.reflections(crystal, wavelength, between):
            seen = float(d.penetrated(line.two_theta, float(coat.thickness), absorption))
            area = scale * share * _strength(crystal, line, texture, seen) / (2.0 * absorption)
            total += area * _shape(axis, line.spacing, size, protocol)
            if area > best:
                best, strongest = area, (line.spacing, line.two_theta)
    return total, strongest


def _strength(crystal: Crystal, line: Any, texture: float, seen: float) -> float:
    """Multiplicity, structure factor, Lorentz and polarisation, texture and thickness, for a unit of 1 / 2 mu."""
    from perotwin.lab import diffraction as d

    flat = 1.0
    if texture != 1.0:
        flat = float(np.mean([d.march_dollase(texture, planes) for planes in line.planes]))
    whole = line.multiplicity * line.square / crystal.volume**2
    return whole * float(d.lorentz_polarisation(line.two_theta)) * flat * seen


def _shape(axis: F64, distance: float, size: float, protocol: Protocol) -> F64:
    """Both wavelengths of a line as Voigt profiles; K-alpha1 has the area one (deg)."""
    from scipy.special import voigt_profile

    from perotwin.lab import diffraction as d

    total = np.zeros_like(axis)
    for wavelength, part in ((protocol.wavelength, 1.0), (protocol.second, float(protocol.second_share))):
        place = float(d.bragg(distance, float(wavelength)))
        if not (part > 0.0 and math.isfinite(place)):
            continue
        gaussian = float(d.instrument_width(place, _caglioti(protocol))) / math.sqrt(8.0 * math.log(2.0))
        lorentzian = float(d.scherrer_width(size, place, float(wavelength))) / 2.0
        # from a surface above the axis the ray leaves beside the one from the axis, by 2 s cos(theta), at larger angles
        half = math.radians(place) / 2.0
        moved = math.degrees(2.0 * float(protocol.displacement) * math.cos(half) / float(protocol.radius))
        total += part * voigt_profile(axis - place - moved, gaussian, lorentzian)
    return total


def _haze(axis: F64, level: float) -> F64:
    """Scattering by air, which falls with the angle, and the halo of glass."""
    return np.asarray(
        level * (0.25 + 0.75 * np.exp(-(axis - 10.0) / 12.0) + 0.25 * np.exp(-(((axis - 24.0) / 6.0) ** 2)))
    )


def _notes(coat: Any, protocol: Protocol, size: float) -> list[str]:
    found = [
        "composition, grain size and lead iodide are the recipe's assumptions, repeated here; places and strengths of "
        "the lines follow from them for a film without strain"
        + (
            " or preferred orientation"
            if float(protocol.texture) == 1.0
            else f" and a texture of {float(protocol.texture):g}"
        )
        + f". Crystallites are {size * 1e9:.3g} nm, the smaller of grain size and thickness.",
        "lines of the substrate (a transparent electrode near 30.6 and 35.5 deg) are left out.",
    ]
    if abs(float(protocol.wavelength) - 1.540598e-10) > 1e-13:
        found.append("scattering factors and absorption are those of copper K-alpha at any wavelength.")
    return found


# --- analysis: arrays only -------------------------------------------------------------------------------------------


def _radiation(dataset: xr.Dataset) -> Radiation:
    """The wavelengths of a pattern; copper's where it names none, K-alpha2 at half of K-alpha1."""
    from perotwin.lab.diffraction import CU_K_ALPHA1, CU_K_ALPHA2
    from perotwin.lab.xrd_lines import Radiation

    first = float(dataset.attrs.get("wavelength", CU_K_ALPHA1))
    if not 0.2e-10 < first < 5e-10:
        raise InputError(
            f"a wavelength of {first:g} m is none of X-rays.",
            "Give the attribute in metres: 1.540598e-10 for copper.",
            key="wavelength",
        )
    copper = abs(first - CU_K_ALPHA1) < 2e-13
    second = float(dataset.attrs.get("second_wavelength", CU_K_ALPHA2 if copper else first))
    share = float(dataset.attrs.get("second_share", 0.5 if second != first else 0.0))
    return Radiation(first, second, share)


def _pattern(dataset: xr.Dataset) -> tuple[F64, F64]:
    """Angles (deg) in rising order and counts, points that are no numbers left out."""
    x, y = np.asarray(dataset["two_theta"], float), np.asarray(dataset["counts"], float)
    good = np.isfinite(x) & np.isfinite(y)
    order = np.argsort(x[good], kind="stable")
    x, y = x[good][order], y[good][order]
    if x.size < 50:
        raise InputError(
            f"a pattern of {x.size} points holds no lines to fit.", "Give the whole scan.", key="counts"
        )
    if np.any(y < 0.0):
        raise InputError(
            "counts below zero are none.", "Give the pattern without its background taken off.", key="counts"
        )
    return x, y


def lines(dataset: xr.Dataset) -> list[Line]:
    """The lines of a pattern: found, fitted (K-alpha2 included) and named, by angle; see `lab.xrd_lines`."""
    from perotwin.lab import xrd_lines as found_by

    x, y = _pattern(dataset)
    radiation = _radiation(dataset)
    one = found_by.one_count(x, y)
    y = y / one
    base = found_by.background(x, y)
    width = found_by.typical_width(x, y, base)
    fitted = found_by.fit(x, y, found_by.search(x, y, base, width, radiation), radiation, width)
    named = _named(fitted, radiation.first)
    shift = readings.cube(named, radiation.first).get("displacement_shift")
    if shift is not None and abs(shift.value) > _MOVED:
        # a sample so far from the axis moves lines away from where names are looked for
        straight = [
            replace(
                line, two_theta=line.two_theta - shift.value * math.cos(math.radians(line.two_theta) / 2.0)
            )
            for line in fitted
        ]
        again = _named(straight, radiation.first)
        named = [
            replace(line, name=line.name if other.name.endswith(_DEGREE) else other.name)
            for line, other in zip(fitted, again, strict=True)
        ]
    return [
        replace(line, area=one * line.area, area_error=one * line.area_error, height=one * line.height)
        for line in named
    ]


def _named(fitted: Sequence[Line], wavelength: float) -> list[Line]:
    """Lines by the names of a cube's and other phases'; lead iodide's among the cube's where its first is there."""
    from perotwin.lab.xrd_lines import index

    named = index(fitted, wavelength, readings.other_phases(wavelength))
    if any(line.name == readings.IODIDE for line in named):
        named = index(fitted, wavelength, readings.other_phases(wavelength), readings.iodide(wavelength))
    return named


@in_any_unit("counts")
@of_measurements("xrd")
def analyse(dataset: xr.Dataset) -> Metrics:
    """Places, strengths and widths of the lines, the edge of the cube, the size of crystallites, lead iodide.

    Args:
        dataset: `counts` over `two_theta` (deg). Attributes, all optional: `wavelength` of K-alpha1 in m (copper's
            1.540598 angstrom unless given), `second_wavelength`, `second_share`, and `caglioti` (u, v, w in deg^2), the
            widths of the instrument by a powder without broadening of its own.

    Returns:
        For each line, by name, `two_theta`, `spacing`, `line_area`, `line_width`; `lattice_parameter` with
        `displacement_shift` where three lines let it be told; `crystallite_size`; `lead_iodide_ratio`; `line_count`,
        `unassigned_lines`. Errors are standard errors of the fits.

    Raises:
        InputError: too few points, counts below zero, or a wavelength that is none.
    """
    x, y = _pattern(dataset)
    radiation = _radiation(dataset)
    fitted = lines(dataset)
    about = f"wavelength {radiation.first * 1e10:.6f} angstrom" + (
        f", K-alpha2 at {radiation.ratio:g} of K-alpha1" if radiation.ratio > 0.0 else ", one wavelength"
    )
    if "wavelength" not in dataset.attrs:
        about += " (copper, as the pattern names none)"
    found: dict[str, Metric] = {
        "line_count": Metric(float(len(fitted)), "1", f"above 6 standard deviations; {about}")
    }
    strange = [line for line in fitted if line.name.endswith(_DEGREE)]
    words = ", ".join(line.name for line in strange) or "none"
    found["unassigned_lines"] = Metric(
        float(len(strange)), "1", f"neither of a cubic perovskite nor PbI2, hexagonal phases or ITO: {words}"
    )
    found |= readings.cube(fitted, radiation.first)
    found |= readings.size(fitted, dataset, radiation.first)
    found["lead_iodide_ratio"] = readings.lead_iodide(x, y, fitted, radiation)
    for line in fitted:
        found |= _of_line(line, radiation.first, about)
    return Metrics(found)


def _of_line(line: Line, wavelength: float, about: str) -> dict[str, Metric]:
    from perotwin.lab.diffraction import spacing

    distance = float(spacing(line.two_theta, wavelength)) * 1e-10
    slope = (
        distance * math.radians(line.two_theta_error) / (2.0 * math.tan(math.radians(line.two_theta) / 2.0))
    )
    words = f"pseudo-Voigt of K-alpha1, mixing {line.mixing:.2f}, chi^2 {line.reduced:.2f}"
    return {
        f"two_theta, {line.name}": Metric(line.two_theta, _DEGREE, f"{words}; {about}", line.two_theta_error),
        f"spacing, {line.name}": Metric(distance, "m", "Bragg's law, no displacement taken out", slope),
        f"line_area, {line.name}": Metric(
            line.area, _DEGREE, f"counts times degrees, {words}", line.area_error
        ),
        f"line_width, {line.name}": Metric(
            line.width, _DEGREE, f"full, at half maximum, instrument included; {words}", line.width_error
        ),
    }


# --- two samples -----------------------------------------------------------------------------------------------------


def ratio(one: xr.Dataset, other: xr.Dataset) -> Metrics:
    """How strong the lines of one pattern are over the same lines of another, with standard errors.

    Returns:
        `intensity_ratio` for each line that both have, by name. Areas of K-alpha1 over one another: neither thickness
        nor place of the sample is taken out.
    """
    first, second = (_lines(each) for each in (one, other))
    return Metrics({f"intensity_ratio, {name}": metric for name, metric in _ratios(first, second).items()})


@in_any_unit("counts")
@of_measurements("xrd")
def _lines(dataset: xr.Dataset) -> list[Line]:
    """`lines` of a pattern in any units."""
    return lines(dataset)


def _ratios(first: Sequence[Line], second: Sequence[Line]) -> dict[str, Metric]:
    """Areas of the lines that both have, over one another, by name."""
    base, found = {line.name: line for line in second}, {}
    for line in first:
        if line.name in base:
            there = base[line.name]
            value = line.area / there.area
            spread = value * math.hypot(line.area_error / line.area, there.area_error / there.area)
            found[line.name] = Metric(value, "1", f"ratio of areas; {_WARNING}", spread)
    return found


@in_any_unit("counts")
@of_measurements("xrd")
def compare(datasets: Sequence[xr.Dataset]) -> Metrics:
    """The first pattern against each other one, the second being the reference of most.

    Returns:
        `intensity_ratio` by line; `orientation_ratio`, that of 100 over that of 110 or, without it, of 210 or 111: 1
        where all planes gained alike, another number where orientation changed; `lattice_difference` (m); `new_lines`,
        how many the first has that the reference lacks (beyond 0.15 deg from any line of it), which the method names.
        With more than two patterns the names say which is the reference.

    Raises:
        InputError: fewer than two patterns.
    """
    if len(datasets) < 2:
        raise InputError("a comparison needs two patterns.", "Give the sample first, then its reference.")
    own = lines(datasets[0])
    found: dict[str, Metric] = {}
    edge = readings.cube(own, _radiation(datasets[0]).first)["lattice_parameter"]
    for other in datasets[1:]:
        of = f", over {other.attrs.get('stack') or 'reference'}" if len(datasets) > 2 else ""
        reference = lines(other)
        theirs = readings.cube(reference, _radiation(other).first)["lattice_parameter"]
        ratios = _ratios(own, reference)
        whole = _against(own, reference, edge, theirs, ratios)
        found |= {f"{name}{of}": metric for name, metric in whole.items()}
        found |= {f"intensity_ratio, {name}{of}": metric for name, metric in ratios.items()}
    return Metrics(found)


def _against(
    own: Sequence[Line], reference: Sequence[Line], edge: Metric, theirs: Metric, ratios: dict[str, Metric]
) -> dict[str, Metric]:
    """What a comparison says of the whole patterns."""
    new = [line for line in own if not any(abs(line.two_theta - one.two_theta) < 0.15 for one in reference)]
    names = ", ".join(f"{line.name} at {line.two_theta:.2f} deg" for line in new) or "none"
    spread = None
    if edge.uncertainty is not None and theirs.uncertainty is not None:
        spread = math.hypot(edge.uncertainty, theirs.uncertainty)
    words = "edge of the first less that of the second"
    made = {
        "new_lines": Metric(float(len(new)), "1", f"in the first pattern and not in the second: {names}"),
        "lattice_difference": Metric(edge.value - theirs.value, "m", words, spread),
    }
    base = ratios.get("100")
    beside = next((name for name in ("110", "210", "111") if name in ratios), None)
    if base is not None and beside is not None:
        other = ratios[beside]
        value = base.value / other.value
        error = value * math.hypot(
            (base.uncertainty or 0.0) / base.value, (other.uncertainty or 0.0) / other.value
        )
        words = f"ratio of 100 over that of {beside}: other than 1 where the planes that lie flat changed"
        made["orientation_ratio"] = Metric(value, "1", words, error)
    return made


@in_any_unit("counts")
@of_measurements("xrd")
def plot(datasets: xr.Dataset | Sequence[xr.Dataset], ax: Axes | None = None) -> Figure:
    """Patterns stacked, their lines named, and with two of them their difference; see `plotting.spectroscopy.xrd`."""
    from perotwin.lab import xrd_lines as found_by
    from perotwin.plotting import spectroscopy, style

    items = style.as_list(datasets)
    shown = []
    for item in items:
        x, y = _pattern(item)
        shown.append(
            (
                x,
                y,
                found_by.background(x, y),
                [(line.name, line.two_theta, line.height) for line in lines(item)],
            )
        )
    return spectroscopy.xrd(items, shown, ax)


INSTRUMENT = Instrument(
    name="xrd",
    title="X-ray diffraction",
    protocol=Protocol,
    measure=measure,
    analyse=analyse,
    plot=plot,
    compare=compare,
    caption="Diffraction patterns of {cells}, shifted against one another, with the names of their lines.",
    variables=(
        Variable("two_theta", ("two_theta",)),
        Variable("counts", ("two_theta",), required=True),
    ),
    of="sample",
    place=140,
)


def __dir__() -> list[str]:
    return sorted(__all__)
