"""Depth profiles by time-of-flight secondary-ion mass spectrometry, through the film down to the oxide.

    measured = measure(prepare(load("target")))
    analyse(measured)["enrichment additive"]

Sputtering mixes what lies near the surface of the crater over a length w, roughness spreads the depth that is reached
by sigma, and ions come from an information depth l: the model of Hofmann (MRI; doi:10.1016/j.apsusc.2014.06.159,
arXiv:cond-mat/9807053). What lies at depth z0 is then seen at depth z as

    g(z - z0) = 1 / (2 (w + l)) { exp(s^2 / 2 w^2 - u / w) erfc[(s / w - u / s) / sqrt 2]
                                + exp(s^2 / 2 l^2 + u / l) erfc[(s / l + u / s) / sqrt 2] },   u = z - z0 + w,

with s = sigma: an exponential of decay w behind, one of l before, both blurred by a Gaussian. Its area is one, its mean
lies at -l, its variance is w^2 + l^2 + s^2. A profile of steps is a sum of differences of its integral: nothing is
convolved on a grid.

How many ions a molecule gives depends on what surrounds it. That is not modelled, so that signals can be compared
along the depth of one species within one matrix, and over their maximum, as the figures of papers show them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from perotwin.errors import InputError
from perotwin.measurement import Instrument, Metric, Metrics, Variable
from perotwin.stack.quantity_fields import Density, Dim, Length, Model
from perotwin.units import Quantity, parse

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from perotwin.lab.specimen import Specimen

__all__ = [
    "INSTRUMENT",
    "Protocol",
    "Resolution",
    "analyse",
    "blur",
    "measure",
    "plot",
    "resolved",
    "response",
]

F64 = NDArray[np.float64]

Range = Annotated[Quantity, Dim("fraction", above=0, most=0.1)]

SPECIES = ("additive", "sam", "perovskite", "oxide")
#: a maximum that is this flat over this share of the axis is a plateau, whose place means nothing
_FLAT, _WIDE = 0.95, 0.1
#: the bulk of a film, as shares of the depth of its buried interface
_BULK = (0.25, 0.75)
#: a decay is read between these shares of the maximum
_DECAY = (0.5, 0.01)
_MOST = 20_000


def _assumed(value: str, low: str, high: str, note: str, dimension: str = "length") -> Quantity:
    return parse(value, dimension).with_origin(None, (parse(low, dimension), parse(high, dimension)), note)


class Protocol(Model):
    """How a profile is sputtered; the same for all samples.

    mixing : length over which sputtering mixes, m. roughness : spread of the depth that is reached (rms), of the film
        and of the crater, m. information_depth : from which ions come, m.
    step : between the points of the profile, m. below : how far it goes on into the oxide, m.
    dynamic_range : weakest signal over the maximum that can be told from nothing.
    lead_density : of the perovskite, m^-3. nickel_density : of the oxide, m^-3.
    """

    mixing: Length = _assumed(
        "2 nm", "1 nm", "5 nm", "3 nm for Ar+ of 3 keV (arXiv:cond-mat/0104434), less for slower ions"
    )
    roughness: Length = _assumed(
        "10 nm", "3 nm", "30 nm", "rms of the film; fixed by atomic force microscopy"
    )
    information_depth: Length = _assumed("0.4 nm", "0.3 nm", "1 nm", "arXiv:cond-mat/0104434")
    step: Length = Quantity(1e-9, "1 nm", dimension="length")
    below: Length = Quantity(60e-9, "60 nm", dimension="length")
    dynamic_range: Range = _assumed("1e-4", "1e-5", "1e-3", "background of a profile", "fraction")
    lead_density: Density = _assumed(
        "4.0 nm^-3", "3.9 nm^-3", "4.3 nm^-3", "one lead in a cube of 0.63 nm", "number density"
    )
    nickel_density: Density = _assumed(
        "54 nm^-3",
        "45 nm^-3",
        "55 nm^-3",
        "NiO of 6.7 g/cm^3; sol-gel films are less dense",
        "number density",
    )

    @model_validator(mode="after")
    def _possible(self) -> Protocol:
        if self.below / self.step > _MOST:
            raise InputError(
                f"steps of {self.step} over {self.below} make more than {_MOST} points.",
                "Give a larger step.",
                key="step",
            )
        return self

    @property
    def resolution(self) -> Resolution:
        """The three lengths that blur a profile."""
        return Resolution(float(self.mixing), float(self.roughness), float(self.information_depth))


# --- depth resolution ------------------------------------------------------------------------------------------------


class Resolution(NamedTuple):
    """Mixing length, roughness (rms) and information depth, all positive, m."""

    mixing: float
    roughness: float
    information: float


def _tails(offset: F64, resolution: Resolution) -> tuple[F64, F64, F64]:
    """u and the two blurred exponentials exp(s^2/2a^2 -+ u/a) erfc(...) / 2, without overflow."""
    from scipy.special import erfc, erfcx

    mixing, rough, information = resolution
    u = np.asarray(offset, float) + mixing

    def tail(sign: float, length: float) -> F64:
        x = (rough / length - sign * u / rough) / np.sqrt(2.0)
        # for x >= 0 the exponential and erfc are one bounded function times a Gaussian; for x < 0 each is bounded
        gentle = np.exp(-0.5 * (u / rough) ** 2) * erfcx(np.maximum(x, 0.0))
        steep = np.exp(np.minimum(0.5 * (rough / length) ** 2 - sign * u / length, 0.0)) * erfc(
            np.minimum(x, 0.0)
        )
        return np.asarray(0.5 * np.where(x >= 0.0, gentle, steep))

    return u, tail(1.0, mixing), tail(-1.0, information)


def response(offset: F64, resolution: Resolution) -> F64:
    """The depth-resolution function g (m^-1): a thin layer at z0 as it is seen at z = z0 + offset (m, any shape)."""
    _, behind, before = _tails(offset, resolution)
    return np.asarray((behind + before) / (resolution.mixing + resolution.information))


def resolved(offset: F64, resolution: Resolution) -> F64:
    """The integral of `response` up to an offset (m): 0 far before a step at z0, 1 far behind it."""
    from scipy.special import ndtr

    u, behind, before = _tails(offset, resolution)
    total = resolution.mixing + resolution.information
    blurred = ndtr(u / resolution.roughness)
    return np.asarray(blurred - (resolution.mixing * behind - resolution.information * before) / total)


def blur(
    depth: F64, edges: F64, density: F64, sheets: Sequence[tuple[float, float]], resolution: Resolution
) -> F64:
    """A true profile as the instrument sees it.

    Args:
        depth: (D,) where, m. edges: (N + 1,) ascending, m; infinite ends are allowed. density: (N,) between them, m^-3.
        sheets: (depth (m), areal density (m^-2)) of thin layers. resolution: of the instrument.

    Returns:
        (D,) m^-3. Its integral over all depths is that of the true profile.
    """
    found = np.zeros(np.shape(depth))
    if len(density):
        passed = resolved(np.asarray(depth)[:, None] - np.clip(edges, -1.0, 1.0)[None, :], resolution)
        found = (passed[:, :-1] - passed[:, 1:]) @ np.asarray(density, float)
    for place, amount in sheets:
        found = found + amount * response(np.asarray(depth) - place, resolution)
    return np.asarray(found)


# --- measurement -----------------------------------------------------------------------------------------------------


def measure(sample: Specimen, protocol: Protocol | None = None) -> xr.Dataset:
    """Sputter through the film of a sample into the oxide.

    The surface itself is not modelled: what lies there goes on above it, so that the first nanometres show no edge.

    Args:
        sample: with its film. protocol: of the instrument.

    Returns:
        The measurement over `sputter_depth` (m from the film's surface) and `species` (additive, sam, perovskite,
        oxide): `species_density` (m^-3; molecules, lead, nickel, after the depth resolution) and `signal`, the same
        over the maximum of each species. `fragment` (species) names what the instrument counts. In the attributes
        `film_thickness` (m).

    Raises:
        InputError: the sample has no film.
    """
    from perotwin.lab import specimen
    from perotwin.measurement import check, make_dataset

    protocol = protocol or Protocol()
    edges, density = specimen.film_edges(sample)
    thickness = float(edges[-1])
    if (thickness + protocol.below) / protocol.step > _MOST:
        raise InputError(
            f"steps of {protocol.step} through a film of {thickness * 1e9:.3g} nm make more than {_MOST} points.",
            "Give a larger step.",
            key="step",
        )
    resolution = protocol.resolution
    depth = np.arange(0.0, thickness + float(protocol.below) + 1e-6 * protocol.step, float(protocol.step))
    # from the film's surface down; its topmost step goes on above it
    steps = thickness - edges[::-1]
    steps[0] = -np.inf
    sheets = {kind: sample.areal_density(kind) for kind in ("sam", "additive")}
    # what dried out between the film and the oxide without finding a place on it
    sheets["additive"] += float(sample.dried.residue)
    rows = {
        "additive": blur(depth, steps, density[::-1], [(thickness, sheets["additive"])], resolution),
        "sam": blur(depth, np.empty(0), np.empty(0), [(thickness, sheets["sam"])], resolution),
        "perovskite": float(protocol.lead_density) * (1.0 - resolved(depth - thickness, resolution)),
        "oxide": float(protocol.nickel_density) * resolved(depth - thickness, resolution),
    }
    concentration = np.array([rows[name] for name in SPECIES])
    top = concentration.max(axis=1, keepdims=True)
    checks = {}
    if sheets["sam"] > 0.0:
        seen = float(np.trapezoid(rows["sam"], depth))
        checks["monolayer on the depth axis"] = check(seen / sheets["sam"] - 1.0, 0.01)
    return make_dataset(
        INSTRUMENT,
        {
            "species_density": (("species", "sputter_depth"), concentration),
            "signal": (("species", "sputter_depth"), concentration / np.where(top > 0.0, top, 1.0)),
        },
        {
            "species": list(SPECIES),
            "sputter_depth": depth,
            "fragment": ("species", _fragments(sample)),
        },
        about={
            **specimen.about(sample, protocol),
            "film_thickness": thickness,
            "dynamic_range": float(protocol.dynamic_range),
        },
        checks=checks,
        notes=_notes(sample),
    )


def _fragments(sample: Specimen) -> list[str]:
    """What is counted for each species: the group by which a molecule holds on to the oxide."""

    def of(molecule: Any) -> str:
        if molecule is None:
            return "COO-"
        known = {"carboxylic acid": "COO-", "phosphonic acid": "PO3-", "ammonium": "CN-", "amine": "CN-"}
        return next((fragment for anchor, fragment in known.items() if anchor in molecule.anchors), "M-")

    return [of(sample.additive), of(sample.sam), "PbI3-", "NiO-"]


def _notes(sample: Specimen) -> list[str]:
    notes = ["signals are numbers of molecules: how ion yields change with the matrix is not modelled."]
    if sample.additive is not None and "carboxylic acid" not in sample.additive.anchors:
        notes.append(f"{sample.additive.name} has no carboxyl group: its profile is not that of COO-.")
    if sample.additive is not None and "carboxylic acid" in sample.sam.anchors:
        notes.append(
            f"{sample.sam.name} gives COO- as the additive does; the profiles here tell them apart all the same."
        )
    return notes


# --- analysis: arrays only -------------------------------------------------------------------------------------------


def analyse(dataset: xr.Dataset) -> Metrics:
    """Where each species is, how much more of it is at the buried interface than in the bulk, and how it decays.

    Returns:
        `interface_depth` (m), where oxide and perovskite, each over its maximum, are equal; for each species
        `peak_depth ...` (m; NaN for a plateau or no signal), `enrichment ...` (largest signal near the interface over
        the mean between a quarter and three quarters of its depth; at least the inverse of the dynamic range where
        the bulk holds nothing), `decay_length ...` (m, of an exponential between half and a hundredth of the maximum,
        on the deeper side where it falls there). With concentrations also `excess ...` (m^-2), what the interface
        holds more than the bulk would: unlike the enrichment it does not depend on the resolution.
    """
    depth = np.asarray(dataset["sputter_depth"], float)
    rows = {
        str(name): np.asarray(dataset["signal"].sel(species=name), float)
        for name in dataset["species"].values
    }
    weakest = float(dataset.attrs.get("dynamic_range", 1e-4))
    interface = _crossing(depth, rows)
    found = {"interface_depth": Metric(interface, "m", "oxide and perovskite equal, each over its maximum")}
    for name, row in rows.items():
        found[f"peak_depth {name}"] = _peak(depth, row)
        found[f"enrichment {name}"] = _enrichment(depth, row, interface, weakest)
        found[f"decay_length {name}"] = _decay(depth, row)
    if "species_density" in dataset:
        for name in ("additive", "sam"):
            if name in rows:
                values = np.asarray(dataset["species_density"].sel(species=name), float)
                found[f"excess {name}"] = _excess(depth, values, interface)
    return Metrics(found)


def _crossing(depth: F64, rows: dict[str, F64]) -> float:
    """Depth (m) at which the oxide's signal rises through the perovskite's; NaN without both."""
    if "oxide" not in rows or "perovskite" not in rows:
        return float("nan")
    lead = rows["oxide"] - rows["perovskite"]
    after = int(np.argmax(lead >= 0.0))
    if not (after > 0 and lead[after] >= 0.0):
        return float("nan")
    part = lead[after - 1] / (lead[after - 1] - lead[after])
    return float(depth[after - 1] + part * (depth[after] - depth[after - 1]))


def _peak(depth: F64, row: F64) -> Metric:
    top = float(row.max(initial=0.0))
    if not top > 0.0:
        return Metric(np.nan, "m", "no signal")
    near = depth[row >= _FLAT * top]
    if np.ptp(near) > _WIDE * np.ptp(depth):
        return Metric(np.nan, "m", "a plateau has no maximum")
    best = int(np.argmax(row))
    if best == row.size - 1:
        return Metric(np.nan, "m", "still rises at the end of the profile")
    if best == 0:
        return Metric(float(depth[0]), "m", "at the surface")
    centre = depth[best]
    a, b, _ = np.polyfit(depth[best - 1 : best + 2] - centre, row[best - 1 : best + 2] / top, 2)
    return Metric(
        float(centre - b / (2.0 * a)) if a < 0.0 else float(centre), "m", "parabola through the maximum"
    )


def _enrichment(depth: F64, row: F64, interface: float, weakest: float) -> Metric:
    top = float(row.max(initial=0.0))
    inner = (depth >= _BULK[0] * interface) & (depth <= _BULK[1] * interface)
    outer = depth > _BULK[1] * interface
    if not top > 0.0 or not inner.any() or not outer.any():
        return Metric(np.nan, "1", "no signal" if not top > 0.0 else "no buried interface")
    bulk, near = float(row[inner].mean()), float(row[outer].max())
    if bulk < weakest * top:
        return Metric(near / (weakest * top), "1", f"at least: the bulk is below {weakest:g} of the maximum")
    return Metric(near / bulk, "1", "largest near the interface over the mean of the bulk")


def _decay(depth: F64, row: F64) -> Metric:
    """Length (m) of an exponential through the fall behind the maximum, or before it where nothing falls behind."""
    top = float(row.max(initial=0.0))
    if not top > 0.0:
        return Metric(np.nan, "m", "no signal")
    high, low = _DECAY[0] * top, _DECAY[1] * top
    best = int(np.argmax(row))
    for side, words in ((slice(best, None), "behind"), (slice(best, None, -1), "before")):
        x, y = np.abs(depth[side] - depth[best]), row[side]
        reached = np.flatnonzero(y < low)
        if reached.size == 0:
            continue
        keep = np.flatnonzero(y[: reached[0]] <= high)
        if keep.size < 3:
            continue
        slope = np.polyfit(x[keep], np.log(y[keep]), 1)[0]
        return Metric(float(-1.0 / slope), "m", f"exponential {words} the maximum, from 1/2 to 1/100 of it")
    return Metric(np.nan, "m", "does not fall to a hundredth of its maximum")


def _excess(depth: F64, values: F64, interface: float) -> Metric:
    """Amount (m^-2) at the interface beyond a film as in its middle (Gibbs), NaN without an interface."""
    inner = (depth >= _BULK[0] * interface) & (depth <= _BULK[1] * interface)
    outer = depth >= _BULK[1] * interface
    if not inner.any() or outer.sum() < 2:
        return Metric(np.nan, "m-2", "no buried interface")
    bulk = float(values[inner].mean())
    start = float(depth[outer][0])
    amount = float(np.trapezoid(values[outer], depth[outer])) - bulk * (interface - start)
    return Metric(amount, "m-2", "integral beyond the mean of the bulk")


def plot(datasets: xr.Dataset | Sequence[xr.Dataset], ax: Axes | None = None) -> Figure:
    """Signals over their maxima against depth, one panel a sample; see `plotting.interface.tof_sims`."""
    from perotwin.plotting import interface

    return interface.tof_sims(datasets, ax)


INSTRUMENT = Instrument(
    name="tof_sims",
    title="depth profiles of secondary ions",
    protocol=Protocol,
    measure=measure,
    analyse=analyse,
    plot=plot,
    caption="Signals of {cells} over their maxima against the sputter depth; the dashed line is the buried interface.",
    variables=(
        Variable("sputter_depth", ("sputter_depth",)),
        Variable("signal", ("species", "sputter_depth"), required=True),
        Variable("species_density", ("species", "sputter_depth")),
    ),
    of="sample",
)


def __dir__() -> list[str]:
    return sorted(__all__)
