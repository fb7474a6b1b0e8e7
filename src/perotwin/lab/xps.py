"""X-ray photoelectron spectroscopy of the washed oxide: carbon 1s of what holds on to it, nickel 2p through it.

    measured = measure(prepare(load("target-washed")))
    analyse(measured)["carbonyl_content"], analyse(measured)["nickel_ratio"]

Electrons from under a layer of thickness t reach the analyser, at an angle theta from the normal, as
exp(-t / L cos theta). The surface is a mosaic: each kind of it (monolayer, additive, bare oxide; area fractions f)
is a layer of its own thickness, so that with S the sensitivity factors and N molecules per area

    nickel:  I = S n L' cos theta  sum_kinds f exp(-t / L cos theta)
    carbon:  I = S  sum_molecules N [ (atoms spread over the layer) (1 - exp(-x)) / x + (atoms of the anchor) exp(-x) ],
             x = t / L cos theta

L is the effective attenuation length in the layer, L' in the oxide: the inelastic mean free path of the TPP-2M
formula (doi:10.1002/sia.740210302) times a factor near one for elastic scattering (C. J. Powell and A. Jablonski, Nucl.
Instrum. Methods A 601, 54 (2009)), which lengths measured in monolayers bracket (doi:10.1021/la981168p; P. E. Laibinis,
C. D. Bain and G. M. Whitesides, J. Phys. Chem. 95, 7017 (1991)). S are the cross sections of Scofield for Al K-alpha
(doi:10.1016/0368-2048(76)80015-1), the analyser's transmission divided out. All intensities are in units of nickel 2p
of the bare oxide.

A chemical shift needs the electronic structure of the bond. It is not computed: the 0.65 eV by which nickel 2p shifts
in the paper is no output of this model, and nickel is an intensity here, not a spectrum. Nor are lead, iodine and
bromine: shifts are read of measured spectra (`shift`), which come as counts of a region.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError
from perotwin.lab import core_level_reading
from perotwin.lab.arguments import of_measurements
from perotwin.measurement import Instrument, Metric, Metrics, Variable
from perotwin.stack.quantity_fields import Dim, Model, PositiveEnergy
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
    "atoms_of",
    "compare",
    "components",
    "from_kinetic",
    "line",
    "mean_free_path",
    "measure",
    "plot",
    "referenced",
    "shares",
    "shift",
]

F64 = NDArray[np.float64]
F = TypeVar("F", bound=Callable[..., Any])

#: beyond 60 degrees elastic scattering makes the attenuation other than exponential
Angle = Annotated[
    Quantity, Dim("angle", least=0, most=np.pi / 3, because=", where elastic scattering decides")
]
Factor = Annotated[Quantity, Dim("dimensionless", above=0, most=2)]
Limit = Annotated[Quantity, Dim("fraction", above=0, most=1)]


class Level(NamedTuple):
    """A core level: element, binding energy (eV, where the line is), sensitivity relative to C 1s."""

    element: str
    energy: float
    sensitivity: float


#: Scofield, Al K-alpha; 2p are both spin-orbit partners with their satellites
LEVELS = {
    "C 1s": Level("C", 285.0, 1.00),
    "N 1s": Level("N", 400.0, 1.80),
    "O 1s": Level("O", 530.0, 2.93),
    "P 2p": Level("P", 133.5, 1.19),
    "Ni 2p": Level("Ni", 855.0, 22.18),
}
#: C 1s components: position (eV) and full width (eV). Carbon next to nitrogen (about 286 eV) and next to carbon
#: (284.8 eV) are one broad line here; the carboxyl's position is the paper's.
COMPONENTS = {"C–C, C–N": (285.0, 1.8), "carbonyl": (288.6, 1.3)}
#: units of counts over time, as files write them
_RATES = ("s-1", "s^-1", "1/s", "cps", "c/s", "counts/s")
#: detection limit of a measurement that names none
_LIMIT = 1e-3
#: share of a Lorentzian in the lines
_LORENTZ = 0.3
_AXIS = np.round(np.arange(281.0, 293.0001, 0.05), 2)


class Matter(NamedTuple):
    """What TPP-2M asks of a solid: density (g cm^-3), valence electrons, molar mass (g/mol), bandgap (eV)."""

    density: float
    valence: float
    mass: float
    gap: float


_ORGANIC = Matter(1.2, 122, 331.3, 3.5)  # Me-4PACz, C18H22NO3P
_OXIDE = Matter(6.67, 16, 74.69, 3.7)  # NiO
_PEROVSKITE = Matter(3.95, 40, 594.0, 1.8)  # Cs0.2FA0.8Pb(I0.6Br0.4)3
#: formula units of the oxide (Ni and O each), and heavy atoms of the perovskite, m^-3
_NICKEL, _FILM_ATOMS = 5.4e28, 2.6e28


def _assumed(value: str, low: str, high: str, note: str, dimension: str) -> Quantity:
    return parse(value, dimension).with_origin(None, (parse(low, dimension), parse(high, dimension)), note)


class Protocol(Model):
    """How photoelectrons are taken; the same for all samples.

    photon_energy : eV, Al K-alpha. The sensitivity factors hold there.
    emission_angle : from the surface normal, at most 60 degrees.
    attenuation : effective attenuation length over the inelastic mean free path of TPP-2M.
    detection_limit : share of all detected atoms below which a carbonyl is not seen.
    """

    photon_energy: PositiveEnergy = Quantity(1486.6, "1486.6 eV", dimension="energy")
    emission_angle: Angle = Quantity(0.0, "0 deg", dimension="angle")
    attenuation: Factor = _assumed(
        "1", "0.85", "1.15", "from lengths measured in monolayers", "dimensionless"
    )
    detection_limit: Limit = _assumed(
        "0.1 %", "0.05 %", "0.5 %", "of a component beside a strong line", "fraction"
    )


# --- electrons -------------------------------------------------------------------------------------------------------


def mean_free_path(energy: float, matter: Matter) -> float:
    """Inelastic mean free path (m) of electrons of 50 to 2000 eV by TPP-2M."""
    squared = 28.8**2 * matter.valence * matter.density / matter.mass
    beta = -0.10 + 0.944 / np.sqrt(squared + matter.gap**2) + 0.069 * matter.density**0.1
    gamma = 0.191 / np.sqrt(matter.density)
    u = squared / 829.4
    c, d = 1.97 - 0.91 * u, 53.4 - 20.8 * u
    return float(1e-10 * energy / (squared * (beta * np.log(gamma * energy) - c / energy + d / energy**2)))


def atoms_of(smiles: str) -> dict[str, int]:
    """Heavy atoms in a molecule, its largest part where it is a salt: {"C": 5, "N": 1, "O": 2}."""
    largest: dict[str, int] = {}
    for part in smiles.split("."):
        found: dict[str, int] = {}
        for bracket, plain in re.findall(
            r"\[\d*([A-Z][a-z]?|[a-z])[^\]]*\]|(Cl|Br|[BCNOPSFI]|[bcnops])", part
        ):
            element = (bracket or plain).capitalize()
            if element != "H":
                found[element] = found.get(element, 0) + 1
        if sum(found.values()) > sum(largest.values()):
            largest = found
    return largest


def line(energy: F64, position: float, width: float) -> F64:
    """A pseudo-Voigt line of unit area (eV^-1) at a position, full width at half maximum `width`, all in eV."""
    x = (energy - position) / width
    gauss = np.sqrt(4.0 * np.log(2.0) / np.pi) * np.exp(-4.0 * np.log(2.0) * x**2)
    lorentz = 2.0 / np.pi / (1.0 + 4.0 * x**2)
    return np.asarray((_LORENTZ * lorentz + (1.0 - _LORENTZ) * gauss) / width)


# --- measurement -----------------------------------------------------------------------------------------------------


def measure(sample: Specimen, protocol: Protocol | None = None) -> xr.Dataset:
    """Photoelectrons of a sample, meant for one whose oxide lies bare (not coated, or washed).

    A film on top lets nothing through; the result then holds the vanishing intensities and says so in its notes. The
    film's own spectrum is not modelled but for the number of its atoms.

    Returns:
        The measurement: `c1s` (binding_energy; eV^-1), `component_intensity` (component, binding_energy), `position`
        and `width` (component; eV), `level_intensity` and `sensitivity` (level), `attenuation_length` (level; m, in the
        molecules). Intensities are in units of Ni 2p of the bare oxide. The level "film" stands for all atoms of a
        film on top. In the attributes `detection_limit`.
    """
    from perotwin.lab import specimen
    from perotwin.measurement import check, make_dataset

    protocol = protocol or Protocol()
    parts = _intensities(sample, protocol)
    carbons = parts.carbon
    unit = np.array([line(_AXIS, *COMPONENTS[name]) for name in COMPONENTS])
    spectra = np.array([carbons[name] for name in COMPONENTS])[:, None] * unit
    levels = list(parts.level)
    shares = sample.face.shares
    return make_dataset(
        INSTRUMENT,
        {
            "c1s": ("binding_energy", spectra.sum(axis=0)),
            "component_intensity": (("component", "binding_energy"), spectra),
            "level_intensity": ("level", [parts.level[name] for name in levels]),
            "sensitivity": ("level", [parts.sensitivity[name] for name in levels]),
            "attenuation_length": ("level", [parts.length[name] for name in levels]),
        },
        {
            "binding_energy": _AXIS,
            "component": list(COMPONENTS),
            "position": ("component", [place for place, _ in COMPONENTS.values()]),
            "width": ("component", [width for _, width in COMPONENTS.values()]),
            "level": levels,
        },
        about={
            **specimen.about(sample, protocol),
            "detection_limit": float(protocol.detection_limit),
            "through_film": parts.through,
        },
        checks={"area of the surface": check(sum(shares.values()) - 1.0, 1e-9)},
        notes=_notes(sample, parts.through),
    )


class _Parts(NamedTuple):
    level: dict[str, float]
    sensitivity: dict[str, float]
    length: dict[str, float]
    carbon: dict[str, float]
    through: float


def _intensities(sample: Specimen, protocol: Protocol) -> _Parts:
    """Intensities over that of Ni 2p from the bare oxide, level by level, and of the components of C 1s."""
    from perotwin.lab import specimen

    slant = float(np.cos(protocol.emission_angle))

    def reach(level: str, matter: Matter) -> float:
        """Depth (m, along the normal) from which a share of 1/e leaves."""
        kinetic = float(protocol.photon_energy) - LEVELS[level].energy
        return float(protocol.attenuation) * mean_free_path(kinetic, matter) * slant

    molecules = (
        {"sam": sample.sam} if sample.additive is None else {"sam": sample.sam, "additive": sample.additive}
    )
    covering = 0.0 if specimen.laid_bare(sample) else float(specimen.film_edges(sample)[0][-1])
    oxide = {"Ni": _NICKEL, "O": _NICKEL}
    unit = LEVELS["Ni 2p"].sensitivity * _NICKEL * reach("Ni 2p", _OXIDE)
    made: dict[str, float] = {}
    carbon = dict.fromkeys(COMPONENTS, 0.0)
    for name, (element, _, sensitivity) in LEVELS.items():
        inside = reach(name, _ORGANIC)
        over = float(np.exp(-covering / reach(name, _PEROVSKITE)))
        open_ = sum(
            share * (np.exp(-float(molecules[kind].length) / inside) if kind in molecules else 1.0)
            for kind, share in sample.face.shares.items()
        )
        total = oxide.get(element, 0.0) * reach(name, _OXIDE) * open_
        for kind, molecule in molecules.items():
            x = float(molecule.length) / inside
            spread, anchored = -np.expm1(-x) / x, np.exp(-x)
            atoms = molecule.carbons if element == "C" else atoms_of(molecule.smiles).get(element, 0)
            below = _in_anchor(molecule, element)
            number = sample.areal_density(kind)
            total += number * ((atoms - below) * spread + below * anchored)
            if element == "C":
                scale = sensitivity * over / unit * number
                acids = molecule.carbonyls * (anchored if below else spread)
                carbon["carbonyl"] += scale * acids
                carbon["C–C, C–N"] += scale * (molecule.carbons - molecule.carbonyls) * spread
        made[name] = sensitivity * over / unit * total
    factors = {name: level.sensitivity for name, level in LEVELS.items()}
    length = {name: reach(name, _ORGANIC) / slant for name in LEVELS}
    through = float(np.exp(-covering / reach("Ni 2p", _PEROVSKITE)))
    if covering > 0.0:
        made["film"] = _FILM_ATOMS * reach("C 1s", _PEROVSKITE) / unit
        factors["film"], length["film"] = 1.0, length["C 1s"]
    return _Parts(made, factors, length, carbon, through)


def _in_anchor(molecule: Any, element: str) -> int:
    """Atoms of an element in the group that lies on the oxide, under the rest of the molecule."""
    if element == "C":
        return int(molecule.carbonyls) if "carboxylic acid" in molecule.anchors else 0
    return (
        atoms_of(molecule.smiles).get("P", 0)
        if element == "P" and "phosphonic acid" in molecule.anchors
        else 0
    )


def _notes(sample: Specimen, through: float) -> list[str]:
    from perotwin.lab import specimen

    notes = [
        "the shift of nickel 2p by the bond is not modelled, nor are spectra of Pb 4f, I 3d and Br 3d: no sourced "
        "model predicts them. Carbon from the air is not modelled either."
    ]
    if not specimen.laid_bare(sample):
        notes.insert(
            0,
            f'a film lies on the oxide of "{sample.name}": of the electrons from below, the share {through:.1e} gets '
            "through it, and nothing of the buried interface is seen. Wash the sample first.",
        )
    return notes


# --- analysis: arrays only -------------------------------------------------------------------------------------------


def components(dataset: xr.Dataset) -> dict[str, float]:
    """Areas of the components of C 1s, by a fit of lines of known place and width that cannot be negative.

    Places and widths are the dataset's own (`position` and `width`) or, for a measured spectrum without any, those of
    this module.
    """
    return {name: area for name, (area, _) in _components(dataset).items()}


def _components(dataset: xr.Dataset) -> dict[str, tuple[float, float]]:
    """Areas with their standard errors, from what the lines leave of the spectrum."""
    from scipy.optimize import nnls

    energy, counts = np.asarray(dataset["binding_energy"], float), np.asarray(dataset["c1s"], float)
    if "position" in dataset.coords and "width" in dataset.coords:
        named = zip(
            map(str, dataset["component"].values),
            np.asarray(dataset["position"], float),
            np.asarray(dataset["width"], float),
            strict=True,
        )
        lines = {name: (float(place), float(width)) for name, place, width in named}
    else:
        lines = dict(COMPONENTS)
    top = float(np.abs(counts).max(initial=0.0))
    if not top > 0.0:
        return dict.fromkeys(lines, (0.0, 0.0))
    shapes = np.array([line(energy, *place) for place in lines.values()]).T
    areas, left = nnls(shapes, counts / top)
    noise = left**2 / max(energy.size - len(lines), 1)
    errors = np.sqrt(noise * np.diag(np.linalg.pinv(shapes.T @ shapes)))
    return {
        name: (float(area) * top, float(error) * top)
        for name, area, error in zip(lines, areas, errors, strict=True)
    }


def _as_counts(measured: Any) -> Any:
    """Rates as what they are of counts: a part of them, whose noise tells which."""
    if isinstance(measured, (list, tuple)):
        return [_as_counts(one) for one in measured]
    if not hasattr(measured, "data_vars") or "counts" not in measured:
        return measured
    stated = str(measured["counts"].attrs.get("units", "1")).lower().replace(" ", "")
    if stated not in _RATES:
        return measured
    counts = measured["counts"]
    return measured.assign(counts=(counts.dims, counts.values, {**counts.attrs, "units": "1"}))


def _of_spectra(function: F) -> F:
    """As `arguments.of_measurements`, for counts and for rates."""
    conforming = of_measurements("xps")(function)

    @functools.wraps(function)
    def checked(measured: Any, *others: Any, **named: Any) -> Any:
        return conforming(_as_counts(measured), *others, **named)

    return cast(F, checked)


@_of_spectra
def analyse(
    dataset: xr.Dataset, *, lines: int | Sequence[float] | None = None, splitting: float | None = None
) -> Metrics:
    """What a spectrum says: of the washed oxide where it is `c1s`, of a core level where it is `counts`.

    Args:
        dataset: over `binding_energy` (eV) either `c1s`, on the scale of this module's lines, or the `counts` of one
            region, which its attribute `region` names ("Pb 4f"); optionally `transmission`.
        lines, splitting: of a fit of counts; see `core_levels.fit`.

    Returns:
        Of `c1s`: `carbonyl_share` of C 1s; `carbonyl_content`, share of all detected atoms (each level over its
        sensitivity and the attenuation length in the molecules, as for an even solid); `carbonyl_detected` (1 or 0
        against the measurement's limit, 0.1 at% unless it says another); `nickel_ratio`, Ni 2p over that of the bare
        oxide. NaN where the dataset lacks what a number needs, or where the interface cannot be seen.
        Of `counts`: place, width and area of each line; see `core_level_reading.metrics`.

    Raises:
        InputError: it holds neither, or as `core_levels.fit`.
    """
    found = dict(_of_the_oxide(dataset)) if "c1s" in dataset else {}
    if "counts" in dataset or not found:
        found |= dict(core_level_reading.metrics(dataset, lines, splitting))
    return Metrics(found)


def _of_the_oxide(dataset: xr.Dataset) -> Metrics:
    areas = _components(dataset)
    total = sum(area for area, _ in areas.values())
    part, error = areas.get("carbonyl", (0.0, 0.0))
    share = part / total if total > 0.0 else np.nan
    others = float(np.sqrt(sum(spread**2 for name, (_, spread) in areas.items() if name != "carbonyl")))
    spread = float(np.hypot((1.0 - share) * error, share * others)) / total if total > 0.0 else np.nan
    content, ratio = _content(dataset, part), np.nan
    limit = float(dataset.attrs.get("detection_limit", _LIMIT))
    if "level" in dataset.coords and "Ni 2p" in dataset["level"].values:
        ratio = float(dataset["level_intensity"].sel(level="Ni 2p"))
    hidden = float(dataset.attrs.get("through_film", 1.0)) < limit
    words = "; a film hides the interface" if hidden else ""
    seen = np.nan if np.isnan(content) else float(content >= limit)
    fitted = "; error from what the lines leave, their places and widths are systematic"
    lengths = "; systematic besides: the range of the attenuation length"
    return Metrics(
        {
            "carbonyl_share": Metric(
                np.nan if hidden else share, "1", "area of the line over C 1s" + fitted + words, spread
            ),
            "carbonyl_content": Metric(
                content, "1", "of all detected atoms, as in an even solid" + lengths + words,
                content * error / part if part > 0.0 else None,
            ),
            "carbonyl_detected": Metric(seen, "1", f"content against a limit of {100 * limit:g} at%" + words),
            "nickel_ratio": Metric(ratio, "1", "over Ni 2p of the bare oxide" + lengths + words),
        }
    )  # fmt: skip


referenced = core_level_reading.referenced
from_kinetic = core_level_reading.from_kinetic


def shift(one: xr.Dataset, other: xr.Dataset, *, lines: int | Sequence[float] | None = 1) -> Metric:
    """How far the largest line of one region lies above that of another sample; see `core_level_reading.shift`.

    Raises:
        InputError: regions or references differ.
    """
    return core_level_reading.shift(_conforming(one), _conforming(other), lines=lines)


def shares(datasets: Sequence[xr.Dataset], sensitivity: Mapping[str, float] | None = None) -> Metrics:
    """Shares of atoms from the regions of one sample; see `core_level_reading.shares`.

    Args:
        datasets: counts of one region each. sensitivity: by level, over those of this module (Scofield, Al K-alpha).

    Raises:
        InputError: a region has no factor, or as there.
    """
    factors = {name: level.sensitivity for name, level in LEVELS.items()} | dict(sensitivity or {})
    return core_level_reading.shares(_conforming(list(datasets)), factors)


def compare(datasets: Sequence[xr.Dataset]) -> Metrics:
    """`shift` of the first spectrum from each of the others of its level, by name.

    Raises:
        InputError: none of them compares, for the reason that the last one gives.
    """
    first, *others = _conforming(list(datasets))
    found: dict[str, Metric] = {}
    reason = InputError("there is one spectrum.", "Give one of each sample.")
    for number, other in enumerate(others, 2):
        try:
            found[f"core_shift, {other.attrs.get('stack') or number}"] = core_level_reading.shift(
                first, other
            )
        except InputError as error:
            reason = error
    if not found:
        raise reason
    return Metrics(found)


def _content(dataset: xr.Dataset, carbonyl: float) -> float:
    """Carbonyl carbon over all detected atoms; NaN without intensities by level."""
    if "level_intensity" not in dataset or "C 1s" not in dataset["level"].values:
        return float("nan")
    each = dataset["level_intensity"] / dataset["sensitivity"] / dataset["attenuation_length"]
    of_carbon = float((dataset["sensitivity"] * dataset["attenuation_length"]).sel(level="C 1s"))
    everything = float(each.sum())
    return carbonyl / of_carbon / everything if everything > 0.0 else float("nan")


def plot(datasets: xr.Dataset | Sequence[xr.Dataset], ax: Axes | None = None) -> Figure:
    """Spectra of C 1s with their components and nickel intensities, or regions in counts with their fits.

    See `plotting.interface.xps` and `plotting.core_levels.regions`.
    """
    from perotwin.plotting import core_levels as figures
    from perotwin.plotting import interface, style

    items = style.as_list(_conforming(datasets))
    measured = [item for item in items if "c1s" not in item]
    if measured:
        return figures.regions(measured, [core_level_reading.fit_of(item) for item in measured], ax)
    contents = [
        (analyse(item)["carbonyl_content"].value, float(item.attrs.get("detection_limit", _LIMIT)))
        for item in items
    ]
    return interface.xps(items, contents, ax)


@_of_spectra
def _conforming(measured: Any) -> Any:
    return measured


INSTRUMENT = Instrument(
    name="xps",
    title="X-ray photoelectron spectroscopy",
    protocol=Protocol,
    measure=measure,
    analyse=analyse,
    plot=plot,
    caption="Carbon 1s of {cells} with its components, and nickel 2p over that of the bare oxide.",
    variables=(
        Variable("binding_energy", ("binding_energy",), required=True),
        Variable("c1s", ("binding_energy",)),
        Variable("counts", ("binding_energy",)),
        Variable("transmission", ("binding_energy",)),
        Variable("component_intensity", ("component", "binding_energy")),
        Variable("level_intensity", ("level",)),
        Variable("sensitivity", ("level",)),
        Variable("attenuation_length", ("level",)),
    ),
    of="sample",
    compare=compare,
    washed=True,
)


def __dir__() -> list[str]:
    return sorted(__all__)
