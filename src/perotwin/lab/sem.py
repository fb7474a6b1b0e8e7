"""Scanning electron microscopy from above: grains and pinholes of a film.

    measured = measure(prepare(load("target")))
    analyse(measured)["grain_diameter"], analyse(measured)["pinhole_share"]

Grains are found by watershed (see `grains`), which takes terraces and scratches for edges and two grains of one
brightness for one; the parameters are part of the result. Lengths need the scale of the image; without one they are
in pixels, and are said to be.

`measure` draws the film of a recipe as cells of random points of the recipe's grain size. It repeats that number and
predicts none; it shows no pinholes, since a recipe knows their share and not their sizes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

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

    from perotwin.lab.grains import Found
    from perotwin.lab.specimen import Specimen

__all__ = ["INSTRUMENT", "Protocol", "Reading", "analyse", "measure", "plot", "read"]

F64 = NDArray[np.float64]

Share = Annotated[Quantity, Dim("fraction", least=0, most=1)]

#: pinholes are sought on an image smoothed over this many pixels at most
_FINE = 2.5
_MOST_PIXELS = 2048


class Protocol(Model):
    """How an image is taken; the same for all samples.

    side : of the square, m.
    pixels : along it.
    noise : of a pixel (standard deviation) over the mean brightness.
    seed : of the place and of the noise.
    """

    side: Length = Quantity(5e-6, "5 um", dimension="length")
    pixels: int = Field(default=512, ge=32, le=_MOST_PIXELS)
    noise: Share = parse("4 %", "fraction").with_origin(
        None, (parse("1 %", "fraction"), parse("10 %", "fraction")), "of a slow scan"
    )
    seed: int = Field(default=1, ge=0)


# --- measurement -----------------------------------------------------------------------------------------------------


def measure(sample: Specimen, protocol: Protocol | None = None) -> xr.Dataset:
    """Take an image of a film from above.

    Args:
        sample: what a recipe left, with its film. protocol: of the instrument.

    Returns:
        The measurement: `brightness` (y, x) over that of the mean; x and y in m; in the attributes `grain_size` (m),
        the recipe's number that the image was drawn from.

    Raises:
        InputError: the sample has no film, or the image does not suit the grains.
    """
    from perotwin.lab import film_texture, specimen
    from perotwin.measurement import check, make_dataset

    protocol = protocol or Protocol()
    coat = film_texture.film_of(sample, "the microscope")
    side, pixels, diameter = float(protocol.side), protocol.pixels, float(coat.grain_size)
    random = film_texture.chance(sample, INSTRUMENT.name, protocol.seed)
    made = film_texture.cells(side, pixels, diameter, random)
    seen = film_texture.shades(made, diameter, random)
    seen = seen / seen.mean() + float(protocol.noise) * random.standard_normal(seen.shape)
    place = (np.arange(pixels) + 0.5) * side / pixels
    mean = float(np.mean(np.bincount(made.grain.ravel(), minlength=made.number))) * (side / pixels) ** 2
    return make_dataset(
        INSTRUMENT,
        {"brightness": (("y", "x"), seen)},
        {
            "x": ("x", place, {"units": "m", "long_name": "position along a line"}),
            "y": ("y", place, {"units": "m", "long_name": "position across the lines"}),
        },
        about={**specimen.about(sample, protocol), "grain_size": diameter},
        checks={"area of the grains": check(mean * made.number / side**2 - 1.0, 1e-9)},
        notes=[
            f"the image repeats a number of the recipe, grains of {diameter * 1e9:.4g} nm (assumed); it predicts "
            "nothing. Its shape, cells of random points with dark lines between them, is ours.",
            "the recipe knows no sizes of pinholes, and none are in the image: a film without them is no finding.",
        ],
    )


# --- analysis: arrays only -------------------------------------------------------------------------------------------


class Reading(NamedTuple):
    """What an image holds: the image (N, M) above its banner, its grains, where pinholes are, half the range
    of their share, and how both were found.
    """

    image: F64
    found: Found
    holes: NDArray[np.bool_]
    holes_range: float
    words: str
    hole_words: str


def read(
    dataset: xr.Dataset, *, smoothing: float | None = None, lines: bool = False, banner: int | None = None
) -> Reading:
    """Grains and pinholes of an image.

    Args:
        dataset: `brightness` (y, x). smoothing: before edges are sought, pixels; unless given 7 % of the intercept.
        lines: dark lines part the grains, and not all edges of brightness: better where there are such lines.
        banner: rows to cut at the lower end; unless given the attribute `banner`, or those that look like one.

    Raises:
        InputError: the banner leaves no image, or as `grains.segment`.
    """
    from perotwin.lab import grains

    whole = np.asarray(dataset["brightness"], float)
    said = dataset.attrs.get("banner") if banner is None else banner
    rows = grains.cut_banner(whole) if said is None else whole.shape[0] - int(said)
    if not 0 < rows <= whole.shape[0]:
        raise InputError(
            f"a banner of {said} rows leaves nothing of an image of {whole.shape[0]}.",
            f"Give a number from 0 to {whole.shape[0] - 1}.",
            key="banner",
        )
    image = whole[:rows]
    found = grains.segment(image, smoothing=smoothing, grooves=lines)
    holes, spread, hole_words = grains.pinholes(image, smoothing=min(found.smoothing, _FINE))
    cut = whole.shape[0] - rows
    cut_words = f"{cut} rows of banner cut" if cut else "no banner"
    return Reading(image, found, holes, spread, f"{found.words}; {cut_words}", f"{hole_words}; {cut_words}")


@of_measurements("sem")
def analyse(
    dataset: xr.Dataset, *, smoothing: float | None = None, lines: bool = False, banner: int | None = None
) -> Metrics:
    """Grains and pinholes of an image.

    Args:
        dataset: `brightness` (y, x) in any unit; x and y in m, without which lengths are in pixels. smoothing, lines,
            banner: as `read`.

    Returns:
        `grains`, `grain_area`, `grain_diameter` (of the circle of the mean area), `grain_area_spread`,
        `grain_intercept`; `pinholes` (number of dark spots) and `pinhole_share` of the area.

    Raises:
        InputError: as `read` and `maps.scale_of`.
    """
    from scipy import ndimage

    from perotwin.lab import grains
    from perotwin.lab.afm import size_metrics
    from perotwin.lab.maps import scale_of

    scale = scale_of(dataset)
    seen = read(dataset, smoothing=smoothing, lines=lines, banner=banner)
    limits = scale.words(seen.image.shape)
    sizes, judgement = grains.judged(seen.image, seen.found, scale.pixel)
    found = size_metrics(sizes, scale, f"{seen.words}; {judgement}; {limits}")
    _, number = ndimage.label(seen.holes)
    share = float(seen.holes.mean())
    # spots of a share come and go by chance as well
    by_chance = share / float(np.sqrt(number)) if number else 0.0
    found["pinholes"] = Metric(float(number), "1", f"dark spots, {seen.hole_words}", float(np.sqrt(number)))
    found["pinhole_share"] = Metric(
        share, "1", f"of the area, {seen.hole_words}; {limits}", float(np.hypot(seen.holes_range, by_chance))
    )
    return Metrics(found)


def plot(datasets: xr.Dataset | Sequence[xr.Dataset], ax: Axes | None = None) -> Figure:
    """Images with the edges of their grains, and how often each diameter occurs; see `plotting.maps.grains`."""
    from perotwin.lab import grains
    from perotwin.lab.maps import scale_of
    from perotwin.plotting import maps, style

    items = style.as_list(_conforming(datasets))
    seen = [read(item) for item in items]
    scales = [scale_of(item) for item in items]
    shown = []
    for one, scale in zip(seen, scales, strict=True):
        sizes, judgement = grains.judged(one.image, one.found, scale.pixel)
        error = 0.5 * sizes.area_error / sizes.area * float(np.sqrt(4.0 * sizes.area / np.pi))
        shown.append(
            maps.Image(
                one.image, one.found.labels, one.holes, scale.pixel, scale.unit, sizes.areas, sizes.weights, error,
                "no plateau" in judgement,
            )
        )  # fmt: skip
    return maps.grains(items, shown, ax)


@of_measurements("sem")
def _conforming(measured: Any) -> Any:
    return measured


INSTRUMENT = Instrument(
    name="sem",
    title="scanning electron microscopy",
    protocol=Protocol,
    measure=measure,
    analyse=analyse,
    plot=plot,
    caption="{cells} from above with the edges of grains that were found, and how often each diameter occurs.",
    variables=(
        Variable("x", ("x",)),
        Variable("y", ("y",)),
        Variable("brightness", ("y", "x"), required=True, written=False),
    ),
    of="sample",
)


def __dir__() -> list[str]:
    return sorted(__all__)
