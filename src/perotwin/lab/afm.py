"""Atomic force microscopy: how rough a film is, after which levelling, and the size of its grains.

    measured = measure(prepare(load("target")))
    analyse(measured)["sq"], analyse(measured)["sq, line medians"]

Sq and Sa (ISO 25178-2) after a plane, after the median of each line and after a polynomial, side by side: they are
three numbers, and papers seldom say which one theirs is. See `levelling` and `grains`.

`measure` shows the film of a recipe as cells of random points with the recipe's grain size and roughness. It repeats
these two numbers and predicts none.
"""

from __future__ import annotations

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

    from perotwin.lab.grains import Found, Sizes
    from perotwin.lab.maps import Scale
    from perotwin.lab.specimen import Specimen

__all__ = ["INSTRUMENT", "Protocol", "analyse", "grains_of", "measure", "plot"]

F64 = NDArray[np.float64]

Least = Annotated[Quantity, Dim("length", least=0)]
Tilt = Annotated[Quantity, Dim("angle", least=0, most=0.2)]

#: what each levelling takes out, in words
_WORDS = {
    "plane": "after a plane",
    "lines": "after the median of each line, which takes real waviness along",
    "polynomial": "after a polynomial of degree {degree}",
    "none": "as recorded, less the mean",
}
#: what tells the names of their roughness apart
_BEHIND = {"plane": "", "lines": ", line medians", "polynomial": ", polynomial", "none": ", as recorded"}
_MOST_PIXELS = 2048


def _assumed(value: str, low: str, high: str, note: str, dimension: str) -> Quantity:
    return parse(value, dimension).with_origin(None, (parse(low, dimension), parse(high, dimension)), note)


class Protocol(Model):
    """How a map of heights is taken; the same for all samples.

    side : of the square, m.
    pixels : along it.
    noise : of a pixel (standard deviation), m.
    line_noise : of the height of a line, as drift leaves it, m.
    tilt : of the sample under the tip, rad.
    seed : of the place and of the noise.
    """

    side: Length = Quantity(5e-6, "5 um", dimension="length")
    pixels: int = Field(default=384, ge=32, le=_MOST_PIXELS)
    noise: Least = _assumed("0.2 nm", "0.05 nm", "1 nm", "in air; fixed by a map of mica", "length")
    line_noise: Least = _assumed("0.5 nm", "0 nm", "3 nm", "drift from line to line in air", "length")
    tilt: Tilt = _assumed("0.2 deg", "0 deg", "2 deg", "of a sample glued by hand", "angle")
    seed: int = Field(default=1, ge=0)


# --- measurement -----------------------------------------------------------------------------------------------------


def measure(sample: Specimen, protocol: Protocol | None = None) -> xr.Dataset:
    """Map the height of a film.

    Args:
        sample: what a recipe left, with its film. protocol: of the instrument.

    Returns:
        The measurement: `height` (y, x) in m; x and y in m; in the attributes `grain_size` and `roughness` (m), the
        recipe's numbers that the map was drawn from.

    Raises:
        InputError: the sample has no film, the recipe states no roughness, or the map does not suit the grains.
    """
    from perotwin.lab import film_texture, specimen
    from perotwin.measurement import check, make_dataset

    protocol = protocol or Protocol()
    coat = film_texture.film_of(sample, "the microscope")
    if coat.roughness is None:
        raise InputError(
            f'the recipe of "{sample.name}" states no roughness of its film, and no model here predicts one.',
            'Give the coating a roughness = { value = "...", source = "..." }.',
            key="roughness",
        )
    side, pixels = float(protocol.side), protocol.pixels
    diameter, rough = float(coat.grain_size), float(coat.roughness)
    random = film_texture.chance(sample, INSTRUMENT.name, protocol.seed)
    made = film_texture.cells(side, pixels, diameter, random)
    surface = film_texture.heights(made, diameter, rough, side / pixels, random)
    place = (np.arange(pixels) + 0.5) * side / pixels
    direction = random.uniform(0.0, 2.0 * np.pi)
    slope = np.tan(float(protocol.tilt)) * np.array([np.sin(direction), np.cos(direction)])
    seen = surface + slope[0] * place[:, None] + slope[1] * place[None, :]
    seen += float(protocol.line_noise) * random.standard_normal((pixels, 1))
    seen += float(protocol.noise) * random.standard_normal((pixels, pixels))
    return make_dataset(
        INSTRUMENT,
        {"height": (("y", "x"), seen)},
        {
            "x": ("x", place, {"units": "m", "long_name": "position along a line"}),
            "y": ("y", place, {"units": "m", "long_name": "position across the lines"}),
        },
        about={**specimen.about(sample, protocol), "grain_size": diameter, "roughness": rough},
        checks={"roughness of the drawn surface": check(float(surface.std()) / rough - 1.0, 1e-9)},
        notes=[
            f"the map repeats two numbers of the recipe, grains of {diameter * 1e9:.4g} nm (assumed) and a roughness "
            f"of {rough * 1e9:.3g} nm (input); it predicts nothing. Its shape, cells of random points with grooves, is "
            "ours.",
            "the tip is a point: how a real one widens grains and fills grooves is not modelled.",
        ],
    )


# --- analysis: arrays only -------------------------------------------------------------------------------------------


@of_measurements("afm")
def analyse(dataset: xr.Dataset, *, degree: int = 2, smoothing: float | None = None) -> Metrics:
    """Roughness of a map after each levelling, and the sizes of its grains.

    Args:
        dataset: `height` (y, x) in m; x and y in m, without which lengths along the surface are in pixels.
        degree: of the polynomial of "sq, polynomial". smoothing: before grains are sought, pixels; unless given 7 %
            of the intercept, at least one.

    Returns:
        `sq`, `sa`, `sz` after a plane; `sq` and `sa` with ", line medians", ", polynomial" and ", as recorded" after
            the others;
        `correlation_length`, where the autocorrelation has fallen to 0.2; `height_noise` of a pixel; `grains`,
        `grain_area`, `grain_diameter` (of the circle of the mean area), `grain_area_spread` and `grain_intercept`.
        Errors of the roughness are those of one map of so many independent heights; what is longer than the map or
        finer than the pixel is in neither number nor error.

    Raises:
        InputError: as `levelling.polynomial` and `maps.scale_of`.
    """
    from perotwin.lab import levelling
    from perotwin.lab.maps import scale_of

    height = np.asarray(dataset["height"], float)
    scale = scale_of(dataset)
    limits = scale.words(height.shape)
    ways: dict[str, F64] = {name: way(height) for name, way in levelling.WAYS.items()}
    ways["polynomial"] = levelling.polynomial(height, degree)
    found: dict[str, Metric] = {}
    for name in ("plane", "lines", "polynomial", "none"):
        rough = levelling.roughness(ways[name], scale.pixel)
        words = f"{_WORDS[name].format(degree=degree)}; {limits}"
        behind = _BEHIND[name]
        if name == "plane":
            words += f"; {rough.heights:.3g} independent heights, Sq is low by about 1.5 / that number"
        found[f"sq{behind}"] = Metric(rough.sq, "m", f"ISO 25178-2, {words}", rough.sq_error)
        found[f"sa{behind}"] = Metric(rough.sa, "m", f"ISO 25178-2, {words}", rough.sa_error)
        if name == "plane":
            found["sz"] = Metric(
                rough.sz, "m", f"highest less lowest, {words}; grows with the map, no error can be given"
            )
            found["correlation_length"] = Metric(
                rough.length, scale.unit, f"autocorrelation fallen to 0.2, all directions, {words}",
                rough.length / float(np.sqrt(rough.heights)),
            )  # fmt: skip
    noise = levelling.pixel_noise(ways["plane"])
    found["height_noise"] = Metric(
        noise, "m", "third differences along the lines; at most: fine structure counts as noise",
        noise / float(np.sqrt(max(2.0 * height.size / 5.0, 1.0))),
    )  # fmt: skip
    found.update(_grain_metrics(ways["plane"], scale, smoothing, limits))
    return Metrics(found)


def grains_of(flat: F64, smoothing: float | None = None) -> Found:
    """Grains of a levelled map (N, M): basins between its grooves.

    Args:
        flat: heights, finite. smoothing: pixels; unless given 7 % of the intercept.
    """
    from perotwin.lab import grains

    return grains.segment(flat, smoothing=smoothing, grooves=True)


def _grain_metrics(flat: F64, scale: Scale, smoothing: float | None, limits: str) -> dict[str, Metric]:
    from perotwin.lab import grains

    missing = np.nan
    try:
        found = grains_of(flat, smoothing)
        sizes, judgement = grains.judged(flat, found, scale.pixel)
        words = f"{found.words}; {judgement}; {limits}"
    except InputError as error:
        # roughness stands without grains: a flat map, one with holes, or no scikit-image
        sizes = grains.Sizes(0, missing, missing, missing, missing, missing, np.empty(0), np.empty(0))
        words = f"none: {error}"
    return size_metrics(sizes, scale, words)


def size_metrics(sizes: Sizes, scale: Scale, words: str) -> dict[str, Metric]:
    """Metrics of the sizes of grains."""
    area, spread = sizes.area, sizes.spread
    diameter = float(np.sqrt(4.0 * area / np.pi))
    return {
        "grains": Metric(
            float(sizes.number), "1", f"not cut by the border; {words}; people differ by a fifth", sizes.number_error
        ),
        "grain_area": Metric(area, scale.area_unit, f"mean, weighted for the border; {words}", sizes.area_error),
        "grain_diameter": Metric(
            diameter, scale.unit, f"circle of the mean area; {words}", 0.5 * diameter * sizes.area_error / area
        ),
        "grain_area_spread": Metric(
            spread, "1", f"standard deviation over mean of the areas; 0.53 of random cells; {words}",
            sizes.spread_error,
        ),
        "grain_intercept": Metric(
            sizes.intercept, scale.unit, f"mean lineal intercept (ASTM E112, ISO 13067), both axes; {words}",
            sizes.intercept_error,
        ),
    }  # fmt: skip


def plot(datasets: xr.Dataset | Sequence[xr.Dataset], ax: Axes | None = None) -> Figure:
    """Maps after a plane on one colour scale, and the distributions of their heights; see `plotting.maps.heights`."""
    from perotwin.lab import levelling
    from perotwin.plotting import maps, style

    items = style.as_list(_conforming(datasets))
    flat = [levelling.plane(np.asarray(item["height"], float)) for item in items]
    return maps.heights(items, flat, ax)


@of_measurements("afm")
def _conforming(measured: Any) -> Any:
    return measured


INSTRUMENT = Instrument(
    name="afm",
    title="atomic force microscopy",
    protocol=Protocol,
    measure=measure,
    analyse=analyse,
    plot=plot,
    caption="Height of {cells} after a plane, and how often each height occurs.",
    variables=(
        Variable("x", ("x",)),
        Variable("y", ("y",)),
        Variable("height", ("y", "x"), required=True, written=False),
    ),
    of="sample",
)


def __dir__() -> list[str]:
    return sorted(__all__)
