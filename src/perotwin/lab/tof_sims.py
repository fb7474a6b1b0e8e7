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

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from perotwin.errors import InputError
from perotwin.lab import depth_reading, depth_turning
from perotwin.lab.arguments import of_measurements
from perotwin.measurement import Instrument, Metrics, Variable
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
    "on_depth",
    "over_total",
    "plot",
    "ratio",
    "resolved",
    "response",
]

F64 = NDArray[np.float64]

Range = Annotated[Quantity, Dim("fraction", above=0, most=0.1)]

SPECIES = ("additive", "sam", "perovskite", "oxide")
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


@of_measurements("tof_sims")
def analyse(dataset: xr.Dataset, *, roles: Mapping[str, str] | None = None) -> Metrics:
    """Where each species is, how sharp the buried interface is, and how much more of it is there than in the bulk.

    Args:
        dataset: `signal` over (species, sputter_depth), m, or over (species, sputter_time), s; counts, or each over its
            maximum. Species are ions as the instrument names them, or what they stand for.
        roles: ion -> "additive", "sam", "perovskite" or "oxide", over the table of `ions`; unless given the attribute
            `roles` (JSON).

    Returns:
        `interface_depth`, where oxide and perovskite, each over its maximum, are equal; `interface_half_rise` of the
        oxide and `interface_half_fall` of the perovskite; `interface_width` from 16 to 84 % of the oxide's rise, two
        standard deviations of an error function. For each role `peak_depth ...` (NaN for a plateau or no signal),
        `half_maximum_span ...`, `enrichment ...` (largest signal near the interface over the mean between a quarter and
        three quarters of its depth; at least the inverse of the dynamic range where the bulk holds nothing),
        `decay_length ...` (of an exponential between half and a hundredth of the maximum, on the deeper side where it
        falls there). With concentrations also `excess ...` (m^-2), what the interface holds more than the bulk would:
        unlike the enrichment it does not depend on the resolution. Against time the same are `..._time`, of a role
        `peak_sputter_time ...` and `decay_sputter_time ...`.
        Errors are from the step and, of counts, from their noise.

    Raises:
        InputError: as `ions.roles_of`.
    """
    return depth_reading.metrics(depth_reading.profile(dataset, roles))


def ratio(dataset: xr.Dataset, one: str, other: str, roles: Mapping[str, str] | None = None) -> xr.DataArray:
    """Signal of one ion over another's, along the profile; both have to be ions of one matrix.

    An ion's yield changes by orders of magnitude with what surrounds it, so that the ratio of a film's ion to an
    oxide's shows the matrix and no amount.

    Raises:
        InputError: an ion is missing, or the two are not known to come from one layer.
    """
    return depth_turning.ratio(_conforming(dataset), one, other, roles)


def over_total(
    dataset: xr.Dataset, between: tuple[float, float] | None = None, *, flat: float = 0.2
) -> xr.Dataset:
    """The profile with each point over its total, where the total is flat; see `depth_turning.over_total`.

    Raises:
        InputError: the total is not flat there.
    """
    return depth_turning.over_total(_conforming(dataset), between, flat=flat)


def on_depth(
    dataset: xr.Dataset, rates: Mapping[str, float | str], roles: Mapping[str, str] | None = None
) -> xr.Dataset:
    """The profile against depth, from one sputter rate a layer; see `depth_turning.on_depth`.

    Raises:
        InputError: a rate is missing, or no interface parts the layers.
    """
    return depth_turning.on_depth(_conforming(dataset), rates, roles)


def plot(datasets: xr.Dataset | Sequence[xr.Dataset], ax: Axes | None = None) -> Figure:
    """Signals over their maxima against depth or time, one panel a sample; see `plotting.interface.tof_sims`."""
    from perotwin.plotting import interface, style

    items = [depth_turning.shown(item) for item in style.as_list(_conforming(datasets))]
    return interface.tof_sims(items, ax)


@of_measurements("tof_sims")
def _conforming(measured: Any) -> Any:
    return measured


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
        Variable("sputter_time", ("sputter_time",)),
        Variable(
            "signal", ("species", "sputter_depth"), required=True, or_over=(("species", "sputter_time"),)
        ),
        Variable("species_density", ("species", "sputter_depth")),
    ),
    of="sample",
)


def __dir__() -> list[str]:
    return sorted(__all__)
