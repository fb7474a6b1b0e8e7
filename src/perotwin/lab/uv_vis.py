"""Transmittance and reflectance of a film, and the edge of its absorption.

    measured = measure(load("wbg-target"))
    analyse(measured)["tauc_gap"], analyse(measured)["urbach_energy"]

The virtual half lays the cell's absorber on the cell's substrate, film towards the light, and follows the light
through both (`optics.films`): no electrode, no transport layer, no electronics. What it predicts is what thickness,
interference, noise and range of a spectrometer make of the optical constants; the constants themselves, with their
edge and tail, are the cell's.

The optical depth is alpha d = ln((1 - R) / T), which leaves out interference and light that goes back and forth, or
ln(1 / T) where R is not known, which counts reflected light as absorbed. Three readings of the edge follow from it,
and they are three
quantities: the intercept of (alpha d E)^2 after Tauc, the steepest place, and the step of a square root with an
exponential tail (F. Urbach, doi:10.1103/PhysRev.92.1324). None of them is the inflection of a cell's quantum
efficiency, which `eqe` calls the bandgap. The range of a line rules its intercept (doi:10.1021/acs.jpclett.8b02892,
doi:10.1038/s41598-019-47670-y), so that it is stated with the spread over other ranges.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from perotwin.errors import InputError
from perotwin.lab.absorption_edge import Edge, Spectrum, derivative, step_with_tail, tauc, tauc_range
from perotwin.lab.arguments import of_a_cell, of_measurements
from perotwin.measurement import Instrument, Metric, Metrics, Variable
from perotwin.stack.quantity_fields import Dim, Length, Model
from perotwin.units import Quantity, parse

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from perotwin.optics.cell import OpticalCell
    from perotwin.stack import Cell, Stack

__all__ = [
    "INSTRUMENT",
    "Protocol",
    "analyse",
    "compare",
    "joined",
    "measure",
    "plot",
    "spectrum",
    "tauc",
    "triiodide",
]

F64 = NDArray[np.float64]
Noise = Annotated[Quantity, Dim("fraction", least=0, most=0.2)]

#: most points of a spectrum; absorbance three, beyond which stray light rules
_MOST, _STRAY = 20_000, 1e-3
#: R + T above this is scattering, a reference that drifted, or a mistake
_TOO_MUCH = 1.02
#: bands of triiodide in solution and where none of it absorbs, m
_BANDS, _CLEAR = (290e-9, 360e-9), (500e-9, 600e-9)


class Protocol(Model):
    """How spectra are taken.

    start : first wavelength, m. stop : last one, m; both cut to where optical constants are known.
    step : between them, m.
    noise : of a point of transmittance and reflectance (standard deviation).
    seed : of the noise.
    """

    start: Length = Quantity(320e-9, "320 nm", dimension="length")
    stop: Length = Quantity(1100e-9, "1100 nm", dimension="length")
    step: Length = Quantity(1e-9, "1 nm", dimension="length")
    noise: Noise = parse("0.02 %", "fraction").with_origin(
        None,
        (parse("0.005 %", "fraction"), parse("0.2 %", "fraction")),
        "of double-beam instruments; a blank tells it",
    )
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


@of_a_cell
def measure(cell: Cell, protocol: Protocol | None = None) -> xr.Dataset | dict[str, xr.Dataset]:
    """Take transmittance and reflectance of the absorber of a cell on the cell's substrate.

    Args:
        cell: one whose layers have materials. protocol: a default one if absent.

    Returns:
        `transmittance` and `reflectance` over `wavelength` (m), with `thickness` (m) in the attributes; of a cell of
        several junctions or columns one such measurement each, by name.

    Raises:
        InputError: an absorber without a material, or wavelengths at which none of its constants are known.
    """
    protocol = protocol or Protocol()
    found = {which: _of_film(cell, which, stack, protocol) for which, stack in cell.stacks.items()}
    return next(iter(found.values())) if len(found) == 1 else found


def _of_film(cell: Cell, which: str, stack: Stack, protocol: Protocol) -> xr.Dataset:
    from perotwin.lab import conditions
    from perotwin.measurement import check, make_dataset
    from perotwin.optics.films import films

    absorbers = [layer for layer in stack.layer if layer.role == "absorber"]
    if not absorbers:
        raise InputError(
            f'"{cell.name}" has no absorber whose film could be laid on its substrate.',
            'Give one of its layers role = "absorber".',
            key="role",
        )
    ground = [layer for layer in stack.layer if layer.role == "substrate"]
    if not ground:
        ground = [layer for one in cell.stacks.values() for layer in one.layer if layer.role == "substrate"][
            :1
        ]
    # from the stack: what optics reads of a cell is its layers, their faces and its temperature
    film = cast(
        "OpticalCell",
        SimpleNamespace(
            name=cell.name,
            temperature=stack.temperature,
            light=stack.light,
            interface={},
            layer=(*absorbers, *ground),
        ),
    )
    optical = films(film)
    low, high = max(float(protocol.start), optical.limits[0]), min(float(protocol.stop), optical.limits[1])
    wavelength = np.arange(float(protocol.start), float(protocol.stop) + 1e-12, float(protocol.step))
    wavelength = wavelength[(wavelength >= low * (1 - 1e-9)) & (wavelength <= high * (1 + 1e-9))]
    if wavelength.size < 20:
        raise InputError(
            f"optical constants of {', '.join(optical.names)} are known from {optical.limits[0] * 1e9:.0f} to "
            f"{optical.limits[1] * 1e9:.0f} nm, which leaves {wavelength.size} points.",
            "Give a range that overlaps with it.",
            key="start",
        )
    lit = optical.lit(wavelength, "front")
    reflected, passed = np.asarray(lit.reflectance), np.asarray(lit.transmittance)
    name = cell.name if len(cell.stacks) == 1 else f"{cell.name} {which}"
    chance = np.random.default_rng([protocol.seed, zlib.crc32(name.encode())])
    noise = float(protocol.noise) * chance.standard_normal((2, wavelength.size))
    about = {key: value for key, value in conditions.about(cell, protocol, 1.0).items() if key != "light"}
    return make_dataset(
        INSTRUMENT,
        {
            "transmittance": ("wavelength", passed + noise[0]),
            "reflectance": ("wavelength", reflected + noise[1]),
        },
        {"wavelength": wavelength},
        about={**about, "stack": name, "thickness": float(sum(float(layer.thickness) for layer in absorbers))},
        checks={"R + T + A": check(float(np.abs(reflected + passed + lit.absorptance.sum(axis=0) - 1.0).max()), 1e-9)},
        notes=[*optical.notes, *_notes(protocol, wavelength, [layer.name for layer in ground])],
    )  # fmt: skip


def _notes(protocol: Protocol, wavelength: F64, ground: Sequence[str]) -> list[str]:
    on = f"on {' and '.join(ground)}" if ground else "by itself, as the cell has no substrate"
    found = [f"the absorber {on}, flat, film towards the light: the cell's other layers are left out."]
    if wavelength[0] > float(protocol.start) * 1.001 or wavelength[-1] < float(protocol.stop) * 0.999:
        found.append(
            f"cut to {wavelength[0] * 1e9:.0f} to {wavelength[-1] * 1e9:.0f} nm, where optical constants are known."
        )
    return found


# --- analysis: arrays only -------------------------------------------------------------------------------------------


def spectrum(dataset: xr.Dataset) -> Spectrum:
    """The optical depth against the photon energy, with what was left out and why.

    Points at which less than 0.1 % passes (absorbance three), or less than three times the noise, are left out:
    beyond that stray light decides, and the logarithm of what noise leaves, often negative, is none. A spectrum in
    which R + T exceeds 1.02 is told as such.

    Raises:
        InputError: nothing is left, or the numbers are no fractions.
    """
    from perotwin.constants import c, e, h

    wavelength = np.asarray(dataset["wavelength"], float)
    passed = np.asarray(dataset["transmittance"], float)
    known = "reflectance" in dataset
    reflected = np.asarray(dataset["reflectance"], float) if known else np.zeros_like(passed)
    good = np.isfinite(wavelength) & np.isfinite(passed) & np.isfinite(reflected) & (wavelength > 0.0)
    wavelength, first = np.unique(wavelength[good], return_index=True)
    passed, reflected = passed[good][first], reflected[good][first]
    if wavelength.size < 10:
        raise InputError(
            f"{wavelength.size} points are no spectrum.", "Give the whole scan.", key="wavelength"
        )
    if float(np.median(wavelength)) > 1e-4:
        raise InputError(
            f"wavelengths about {float(np.median(wavelength)):.3g} m are no light.",
            'Give them in metres, or say units="nm".', key="wavelength",
        )  # fmt: skip
    if float(np.nanmax(passed)) > 1.5:
        raise InputError(
            f"a transmittance of {float(np.nanmax(passed)):.3g} is no fraction.",
            'Say units="%" where these are percent.', key="transmittance",
        )  # fmt: skip
    noise = _noise(passed)
    least = max(3.0 * noise, _STRAY)
    told = [] if known else ["R unknown: what is reflected counts as absorbed"]
    dim = passed < least
    if dim.any():
        below = int((passed <= 0.0).sum())
        told.append(
            f"{int(dim.sum())} points below T = {100 * least:.2g} % left out"
            + (f", {below} of them not above zero" if below else "")
        )
    if known and float(np.max(reflected + passed)) > _TOO_MUCH:
        told.append(f"R + T reaches {float(np.max(reflected + passed)):.3f}: the reference is off")
    keep = ~dim & (reflected < 1.0)
    if int(keep.sum()) < 10:
        raise InputError(
            "hardly any light passes: no absorption edge can be read.",
            "Take a thinner film.",
            key="transmittance",
        )
    depth = np.log((1.0 - reflected[keep]) / passed[keep])
    error = np.hypot(noise / passed[keep], _noise(reflected) / (1.0 - reflected[keep]) if known else 0.0)
    energy = h * c / e / wavelength[keep]
    return Spectrum(energy[::-1], depth[::-1], np.maximum(error[::-1], 1e-6), known, tuple(told))


def _noise(values: F64) -> float:
    """Standard deviation of a point of a smooth curve, from its second differences."""
    second = np.diff(values, 2)
    return float(1.4826 * np.median(np.abs(second)) / math.sqrt(6.0)) if second.size else 0.0


def analyse(measured: xr.Dataset | Mapping[str, xr.Dataset]) -> Metrics:
    """Absorption edge and tail of a film.

    Args:
        measured: `transmittance` over `wavelength` (m), `reflectance` if known (fractions, or "%" in `units`);
        `thickness` (m)
            as an attribute gives an absorption coefficient. Several by name: metrics carry the name behind a comma.

    Returns:
        `tauc_gap`, `inflection_gap`, `step_gap` and `urbach_energy` (eV); `baseline`, the optical depth far below the
        edge, and `absorption` (m^-1) 0.1 eV above it. NaN with the reason in the method where the data do not hold
        them.
    """
    if isinstance(measured, Mapping) and not hasattr(measured, "data_vars"):
        return Metrics(
            {
                f"{name}, {which}": one
                for which, each in measured.items()
                for name, one in analyse(each).items()
            }
        )
    return _analyse(cast("xr.Dataset", measured))


@of_measurements("uv_vis")
def _analyse(dataset: xr.Dataset) -> Metrics:
    seen = spectrum(dataset)
    why = "; ".join((f"alpha d = {'ln((1 - R) / T)' if seen.reflectance_known else 'ln(1 / T)'}", *seen.told))
    steep = derivative(seen)
    line = tauc_range(seen, steep.value)
    step, tail = step_with_tail(seen, steep.value)
    return Metrics(
        {
            "tauc_gap": _metric(line, why),
            "inflection_gap": _metric(steep, why),
            "step_gap": _metric(step, why),
            "urbach_energy": _metric(tail, why),
            "baseline": _metric(seen.baseline(steep.value), why, "1"),
            "absorption": _coefficient(dataset, seen, steep.value, why),
        }
    )


def _metric(edge: Edge, why: str, unit: str = "eV") -> Metric:
    error = edge.error if math.isfinite(edge.error) else None
    return Metric(edge.value, unit, f"{edge.how}; {why}", error)


def _coefficient(dataset: xr.Dataset, seen: Spectrum, gap: float, why: str) -> Metric:
    """Absorption coefficient (m^-1) a tenth of an eV above the edge."""
    place = gap + 0.1
    if "thickness" not in dataset.attrs:
        return Metric(math.nan, "m-1", "no thickness is known")
    if not seen.energy[0] <= place <= seen.energy[-1]:
        return Metric(math.nan, "m-1", f"nothing measured at {place:.3g} eV")
    thickness = float(dataset.attrs["thickness"])
    value = float(np.interp(place, seen.energy, seen.depth)) / thickness
    error = float(np.interp(place, seen.energy, seen.error)) / thickness
    words = (
        f"at {place:.3f} eV, 0.1 eV above the steepest place, over {thickness * 1e9:.3g} nm, whose error adds"
    )
    return Metric(value, "m-1", f"{words}; {why}", error)


def joined(transmittance: xr.Dataset, reflectance: xr.Dataset) -> xr.Dataset:
    """One measurement of two files, as spectrometers write them: T of one, R of the other, on the wavelengths of T.

    Args:
        transmittance: with `transmittance` over `wavelength`. reflectance: with `reflectance` over `wavelength`, in any
            units that their attributes say.

    Raises:
        InputError: R is missing, or covers less than the wavelengths of T.
    """
    from perotwin.measurement import conform

    whole = conform(transmittance, INSTRUMENT)
    if "reflectance" not in reflectance:
        raise InputError("the second dataset has no reflectance.", "Give T first, then R.", key="reflectance")
    # R in the place of T, so that its units are obeyed
    other = conform(
        reflectance.drop_vars("transmittance", errors="ignore").assign(
            transmittance=reflectance["reflectance"]
        ),
        INSTRUMENT,
    )
    order = np.argsort(np.asarray(other["wavelength"], float))
    axis, values = (np.asarray(other[name], float)[order] for name in ("wavelength", "reflectance"))
    wanted = np.asarray(whole["wavelength"], float)
    if wanted.min() < axis[0] * (1 - 1e-9) or wanted.max() > axis[-1] * (1 + 1e-9):
        raise InputError(
            f"R is known from {axis[0] * 1e9:.0f} to {axis[-1] * 1e9:.0f} nm, T from {wanted.min() * 1e9:.0f} to "
            f"{wanted.max() * 1e9:.0f} nm.",
            "Cut T to where R was taken.",
            key="wavelength",
        )
    return whole.assign(reflectance=("wavelength", np.interp(wanted, axis, values), {"units": "1"}))


# --- two samples -----------------------------------------------------------------------------------------------------


def triiodide(one: xr.Dataset, other: xr.Dataset) -> Metrics:
    """Growth of triiodide in solution: the difference of two spectra at its bands near 290 and 360 nm.

    Args:
        one, other: `transmittance` over `wavelength` (m), after and before.

    Returns:
        `absorbance_growth` (decadic) at both bands, less that from 500 to 600 nm, where triiodide is clear (a cuvette
        that stands otherwise shifts all of it), with the noise of both spectra; `band_ratio`, 290 over 360 nm.

    Raises:
        InputError: the spectra do not reach the bands.
    """
    made = [_absorbance(dataset) for dataset in (one, other)]
    low, high = (pick([float(part[0][0 if pick is max else -1]) for part in made]) for pick in (max, min))
    if low > _BANDS[0] or high < _CLEAR[0] + 20e-9:
        raise InputError(
            f"the spectra have {low * 1e9:.0f} to {high * 1e9:.0f} nm in common, where light passes.",
            "Give spectra from 290 nm to beyond 520 nm; where nothing passes, dilute or take a thinner cuvette.",
            key="wavelength",
        )
    grid = np.arange(low, high + 1e-12, 1e-9)
    change = np.interp(grid, *made[0][:2]) - np.interp(grid, *made[1][:2])
    error = np.hypot(*(np.interp(grid, part[0], part[2]) for part in made))
    clear = (grid >= _CLEAR[0]) & (grid <= _CLEAR[1])
    level = float(change[clear].mean())
    found, rises = {}, []
    for band in _BANDS:
        near = np.abs(grid - band) <= 5e-9
        rise = float(change[near].mean()) - level
        spread = math.hypot(
            float(error[near].mean()) / math.sqrt(near.sum()),
            float(error[clear].mean()) / math.sqrt(clear.sum()),
        )
        rises.append((rise, spread))
        end = 1e9 * min(high, _CLEAR[1])
        words = f"decadic, mean within 5 nm of {band * 1e9:.0f} nm, less that from 500 to {end:.0f} nm"
        found[f"absorbance_growth, {band * 1e9:.0f} nm"] = Metric(rise, "1", words, spread)
    (first, first_error), (second, second_error) = rises
    value = first / second if abs(second) > 3.0 * second_error else math.nan
    words = "290 over 360 nm" if math.isfinite(value) else "no growth at 360 nm above three times its noise"
    relative = math.hypot(first_error / first, second_error / second) if first and second else math.nan
    found["band_ratio"] = Metric(value, "1", words, abs(value) * relative if math.isfinite(value) else None)
    return Metrics(found)


def _absorbance(dataset: xr.Dataset) -> tuple[F64, F64, F64]:
    """Wavelength (m, rising), decadic absorbance and its noise, where light passes."""
    wavelength, first = np.unique(np.asarray(dataset["wavelength"], float), return_index=True)
    passed = np.asarray(dataset["transmittance"], float)[first]
    noise = _noise(passed)
    keep = np.isfinite(passed) & (passed > max(3.0 * noise, _STRAY))
    return wavelength[keep], -np.log10(passed[keep]), noise / passed[keep] / math.log(10.0)


@of_measurements("uv_vis")
def compare(datasets: Sequence[xr.Dataset]) -> Metrics:
    """The first film against the others: how far its edge lies from theirs; of solutions also the growth of triiodide.

    Returns:
        `gap_difference` (eV) of the steepest places, positive where the first lies higher, and what `triiodide` gives
        where both spectra reach its bands. With more than two the names say which is the reference.

    Raises:
        InputError: fewer than two spectra.
    """
    if len(datasets) < 2:
        raise InputError("a comparison needs two spectra.", "Give the sample first, then its reference.")
    own = derivative(spectrum(datasets[0]))
    found: dict[str, Metric] = {}
    for other in datasets[1:]:
        of = f", over {other.attrs.get('stack') or 'reference'}" if len(datasets) > 2 else ""
        theirs = derivative(spectrum(other))
        error = math.hypot(own.error, theirs.error)
        found[f"gap_difference{of}"] = Metric(
            own.value - theirs.value, "eV", "steepest place of the first less that of the second",
            error if math.isfinite(error) else None,
        )  # fmt: skip
        try:
            found |= {f"{name}{of}": one for name, one in triiodide(datasets[0], other).items()}
        except InputError:
            # films on glass do not reach the bands: nothing is claimed of triiodide then
            continue
    return Metrics(found)


def plot(
    datasets: xr.Dataset | Sequence[xr.Dataset] | Mapping[str, xr.Dataset], ax: Axes | None = None
) -> Figure:
    """Transmittance and reflectance, and the edge with its Tauc line; see `plotting.spectroscopy.uv_vis`."""
    if isinstance(datasets, Mapping) and not hasattr(datasets, "data_vars"):
        return _plot(list(datasets.values()), ax)
    return _plot(datasets, ax)


@of_measurements("uv_vis")
def _plot(datasets: Any, ax: Axes | None) -> Figure:
    from perotwin.plotting import spectroscopy, style

    items = style.as_list(datasets)
    shown = []
    for item in items:
        seen = spectrum(item)
        line = tauc_range(seen, derivative(seen).value)
        shown.append((seen.energy, seen.depth, line.window, line.value))
    return spectroscopy.uv_vis(items, shown, ax)


INSTRUMENT = Instrument(
    name="uv_vis",
    title="transmittance and reflectance of a film",
    protocol=Protocol,
    measure=measure,
    analyse=analyse,
    plot=plot,
    compare=compare,
    caption="Transmittance and reflectance of the absorber films of {cells}, and their absorption edges after Tauc.",
    variables=(
        Variable("wavelength", ("wavelength",)),
        Variable("transmittance", ("wavelength",), required=True),
        Variable("reflectance", ("wavelength",)),
    ),
    place=130,
)


def __dir__() -> list[str]:
    return sorted(__all__)
