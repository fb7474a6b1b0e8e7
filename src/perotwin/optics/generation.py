"""Where the absorbers of a cell absorb photons, between any faces.

Rates hold for one sun times the stack's intensity. Only layers of role absorber generate; the other layers'
light is lost."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perotwin.constants import c, h
from perotwin.errors import InputError, OutOfRangeError
from perotwin.materials import HALIDE, HC
from perotwin.measurement.checks import Checks, check
from perotwin.optics.absorption import Absorption
from perotwin.optics.emitting_films import film_name, joined, one_material
from perotwin.optics.films import Films, LitFilms, films, optical_gap
from perotwin.optics.grids import kept
from perotwin.optics.incidence import both_sides, cosine, lit, opposite
from perotwin.optics.photovoltaic_bandgap import inflection
from perotwin.optics.prescribed import depth_of, prescribed, step
from perotwin.optics.reuse import reusable
from perotwin.spectra import Monochromatic, Spectrum, am15g, chosen
from perotwin.units import ELEMENTARY_CHARGE as Q

if TYPE_CHECKING:
    from perotwin.optics.cell import OpticalCell
    from perotwin.stack import Cell

__all__ = ["Absorption", "absorb", "absorption_grid", "intervals", "spectrum"]

F64 = NDArray[np.float64]
Side = Literal["front", "back"]

#: Longest and shortest distance of wavelengths (m), the distance near the absorber's edge, and the points per
#: fringe: the photocurrents of the library's cells are then converged to 1e-4.
_STEP, _FINEST, _EDGE_STEP, _PER_FRINGE = 5e-9, 0.2e-9, 1.5e-9, 12

#: Where glass and conducting oxides begin to absorb (m), and the distance of wavelengths there: the photocurrent has
#: no need of it, a drawn spectrum has.
_ULTRAVIOLET, _ULTRAVIOLET_STEP = 360e-9, 2e-9

#: A lower limit (eV) under the bandgap, plus this many Urbach energies: nothing is absorbed below.
_BELOW_GAP, _URBACH_ENERGIES = 0.1, 12

#: Photocurrent of photons outside the tables, as a share of that of the junction with least, that is told and counted
#: as lost; more than that is refused, for it would be taken for the cell's.
_LOST_SHARE = 0.02

#: Share of what the absorbers could absorb below which they are behind something opaque.
_OPAQUE = 0.01

#: Share of the light below which none of it arrives, and one that only rounding could tell from none.
_DARK, _NO_LIGHT = 1e-6, 1e-200

#: Share of the light that a flat piece may give off, by rounding, where it should absorb.
_GIVEN_OFF = 1e-12

#: Irradiance at the end of a spectrum, as a share of its largest, above which it seems to have been cut off.
_CUT = 0.05

#: Distance (eV) of a cell's edge from the stated bandgap that is worth a sentence.
_EDGE_NOTE = 0.01


def spectrum(stack: Cell | OpticalCell) -> Spectrum | Monochromatic:
    """The spectrum that a cell's light names, at one sun. Raises InputError for a file that cannot be
    used.
    """
    return chosen(stack.light.spectrum)


@reusable
def absorb(
    stack: OpticalCell,
    faces: ArrayLike,
    *,
    wavelength: ArrayLike | None = None,
    optical: Films | None = None,
) -> Absorption:
    """Absorption and generation of a cell under its light.

    Parameters
    ----------
    stack : the cell; `light.generation` says how generation is found.
    faces : (M + 1,) ascending positions, m from the front of the first electrical layer, layer boundaries
        among them.
    wavelength : (W,) ascending, m: solve at these instead of a grid of its own (generation from optics only);
        wavelengths outside the tables are then refused.
    optical : `films(stack)`, where it is known already.

    Raises
    ------
    InputError : a layer without material, no absorber, faces that miss a layer boundary, a file that cannot
        be used.
    OutOfRangeError : `wavelength`, or light that matters for the photocurrent, leaves the data of a layer that states
        no extrapolation.
    """
    x = np.asarray(faces, float)
    inside = intervals(stack, x)
    kind = stack.light.generation.kind
    grid = None if wavelength is None else np.asarray(wavelength, float)
    of_waves = (optical or films(stack)) if kind == "optics" else None

    def under(side: Side, suns: float) -> Absorption:
        if of_waves is not None:
            return _from_optics(stack, of_waves, x, inside, grid, side, suns)
        return (step if kind == "step" else prescribed)(stack, x, inside, side, suns)

    side, suns, beside = stack.light.side, float(stack.light.intensity), float(stack.light.other_side)
    one = under(side, suns)
    return both_sides(one, under(opposite(side), beside), (suns, beside)) if beside > 0.0 else one


def intervals(stack: OpticalCell, faces: F64) -> dict[int, tuple[slice, float]]:
    """For each absorber (index in the stack): its intervals, and the position of its front."""
    found: dict[int, tuple[slice, float]] = {}
    position = 0.0
    total = depth_of(stack)
    for index, layer in enumerate(stack.layer):
        if layer.electronic is None:
            continue
        end = position + float(layer.thickness)
        if layer.role == "absorber":
            first, last = (int(np.argmin(np.abs(faces - edge))) for edge in (position, end))
            if max(abs(faces[first] - position), abs(faces[last] - end)) > 1e-9 * total:
                raise InputError(
                    f'the faces do not include both boundaries of the layer "{layer.name}" ({position:g} m, '
                    f"{end:g} m).",
                    "Put a face on every boundary between layers.",
                )
            found[index] = (slice(first, last), position)
        position = end
    if not found:
        raise InputError(
            "no electrical layer has the role absorber, so that no light generates carriers.",
            'Give one layer role = "absorber".',
        )
    return found


def absorption_grid(stack: OpticalCell, optical: Films, spectral: Spectrum) -> F64:
    """Wavelengths (m) at which the response is solved, see `_absorption_grid`; those of cells that are compared."""
    return kept(
        ("absorption", optical.names, spectral.name), lambda: _absorption_grid(stack, optical, spectral)
    )


def _absorption_grid(stack: OpticalCell, optical: Films, spectral: Spectrum) -> F64:
    """Wavelengths (m) at which the response is solved: fine at the absorbers' edges, and as fringes need
    elsewhere.

    It covers the spectrum from its shortest wavelength in the tables to where the absorbers are transparent.
    """
    low, high = _span(stack, spectral)
    shortest, longest = optical.limits
    low, high = max(low, shortest), min(high, longest)
    if low >= high:
        raise InputError(
            "the optical tables of the layers have no wavelength in common with the spectrum "
            f"{spectral.name}.",
            'Use materials whose ranges overlap, or write "extrapolate = true" in a layer.',
        )
    edges = [(HC / (gap + 0.10), HC / (gap - 0.12)) for gap in _gaps(stack)]
    films_thickness = sum(float(layer.thickness) for layer in stack.layer if layer.is_coherent)
    points = [low]
    lam = low
    while lam < high:
        fringe = lam**2 / (5.0 * films_thickness)  # two passes at an index of 2.5
        step = min(_STEP, max(_FINEST, fringe / _PER_FRINGE))
        for first, last in edges:
            if first < lam < last:
                step = min(step, _EDGE_STEP)
        if lam < _ULTRAVIOLET:
            step = min(step, _ULTRAVIOLET_STEP)
        lam += step
        points.append(lam)
    points[-1] = high
    return np.array(points)


def _gaps(stack: OpticalCell) -> list[float]:
    gaps = (optical_gap(layer, float(stack.temperature)) for layer in stack.absorbers)
    return [gap for gap in gaps if gap is not None]


def _span(stack: OpticalCell, spectral: Spectrum) -> tuple[float, float]:
    """Wavelengths (m) of the spectrum that an absorber could absorb."""
    low, high = float(spectral.wavelength[0]), float(spectral.wavelength[-1])
    ends = []
    for layer in stack.absorbers:
        gap = optical_gap(layer, float(stack.temperature))
        if gap is None:
            return low, high
        ends.append(HC / max(gap - _BELOW_GAP - _URBACH_ENERGIES * float(layer.urbach_energy), 0.1))
    return low, min(high, max(ends))


def _from_optics(
    stack: OpticalCell,
    optical: Films,
    faces: F64,
    inside: dict[int, tuple[slice, float]],
    asked: F64 | None,
    side: Side,
    suns: float,
) -> Absorption:
    """Absorption of the light on one side, by the transfer matrix."""
    light = spectrum(stack)
    intensity = suns * cosine(stack.light)
    checks: Checks = {}
    lost: tuple[float, float] | None = None
    opaque = False
    shaded: tuple[str, ...] = ()
    if isinstance(light, Monochromatic):
        lam = np.array([light.wavelength]) if asked is None else asked
        flux = np.zeros(len(lam))
        if asked is None:
            flux[:] = intensity * _laser_sun(stack, optical, light, side)
    elif asked is not None:
        lam = asked
        flux = intensity * light.weights(lam) if len(lam) > 1 else np.zeros(1)
    else:
        lam = absorption_grid(stack, optical, light)
        flux = intensity * light.weights(lam)
        lost = _lost(stack, optical, light, lam)
    response = lit(optical, lam, stack.light, side)
    absorptance = response.absorptance
    _refuse_thin_incoherent(response, lam)
    spectral = np.zeros((len(faces) - 1, len(lam)))
    for layer, (rows, front) in inside.items():
        edges = faces[rows.start : rows.stop + 1] - front
        edges[0], edges[-1] = 0.0, optical.thickness[layer]
        spectral[rows] = response.absorbed(layer, edges)
    generation = spectral @ flux
    each = [float(absorptance[layer] @ flux) for layer in inside]
    whole = sum(each)
    if lost is not None:
        # the first row that people look for when a photocurrent seems low
        could = float(_two_passes(stack, optical, lam) @ flux)
        # behind an opaque metal the photocurrent is about zero, of the light outside the tables too
        opaque = whole < _OPAQUE * could
        limit = _LOST_SHARE * Q / 10 * (could if opaque else _least(stack, each))
        current = intensity * Q / 10 * sum(lost)
        if current > limit:
            raise _too_short(optical, lost, current)
        if opaque and current > _LOST_SHARE * Q / 10 * whole:
            shaded = (
                f"next to no light comes to the absorbers ({Q / 10 * whole:.2g} mA/cm^2); light outside the optical "
                f"constants, {current:.2g} mA/cm^2 if all of it came to them, is left out.",
            )
        checks["photons outside the optical tables (mA/cm^2)"] = check(current, limit)
    balance = response.reflectance + response.transmittance + absorptance.sum(axis=0) - 1
    checks["R + T + A = 1"] = check(float(np.max(np.abs(balance))), 1e-9)
    gap = float(generation.sum()) - whole
    checks["generation integrates to the absorbed flux"] = check(
        gap / max(whole, _NO_LIGHT * float(flux.sum())) if whole else gap, 1e-9
    )
    return Absorption(
        faces=faces,
        generation=generation,
        wavelength=lam,
        photon_flux=flux,
        reflectance=response.reflectance,
        transmittance=response.transmittance,
        layers=optical.names,
        absorptance=absorptance,
        spectral=spectral.T,
        side=side,
        checks=checks,
        notes=(
            *optical.notes,
            *(() if isinstance(light, Monochromatic) else light.notes),
            *_beyond(optical, lam),
            *_flat_note(stack, optical),
            *shaded,
            *_cut_note(stack, light),
            *(() if opaque else _edge_note(stack, optical, lam, absorptance)),
        ),
    )


def _least(stack: OpticalCell, absorbed: list[float]) -> float:
    """Of the photons in each absorber, those of the junction that has fewest; one that gets next to none does not
    count.
    """
    rest = iter(absorbed)
    junctions = [sum(itertools.islice(rest, len(one.absorbers))) for one in stack.stacks.values()]
    return max(min(junctions), 0.1 * sum(junctions))


def _lost(stack: OpticalCell, optical: Films, light: Spectrum, lam: F64) -> tuple[float, float]:
    """Photons (m^-2 s^-1, at one sun) of shorter and of longer wavelength than the grid's that two passes through the
    absorbers would absorb; they count as lost.
    """
    low, high = _span(stack, light)
    found = []
    for first, last in ((low, lam[0]), (lam[-1], high)):
        flux = 0.0
        if first < last:
            grid = np.linspace(first, last, 100)
            flux = float(light.weights(grid) @ _two_passes(stack, optical, grid))
        found.append(flux)
    return found[0], found[1]


def _two_passes(stack: OpticalCell, optical: Films, lam: F64) -> F64:
    """Share of the light that two passes through the absorbers would absorb if all of it came to them, (W,)."""
    depth = np.zeros(len(lam))
    for layer, model, thickness in zip(stack.layer, optical.models, optical.thickness, strict=True):
        if layer.role == "absorber":
            depth += 8 * np.pi * model.index(lam).imag / lam * thickness
    return -np.expm1(-depth)


def _refuse_thin_incoherent(lit: LitFilms, lam: F64) -> None:
    """Refuse a layer that gives off light: without phase, but thinner than the waves that interfere in it."""
    optical = lit.films
    for piece, own in lit.by_piece.items():
        worst = int(own.argmin())
        if own[worst] < -_GIVEN_OFF:
            layer = optical.slices[piece].first
            raise InputError(
                f'the layer "{optical.names[layer]}" ({optical.thickness[layer] * 1e9:.4g} nm) would give off '
                f"{-own[worst]:.2g} of the light of {lam[worst] * 1e9:.4g} nm instead of absorbing it: it is stated to "
                "be incoherent, but is thinner than the distance over which light waves interfere in it.",
                "Leave out coherent = false; only layers much thicker than a micrometre are incoherent.",
                key=f"{optical.names[layer]}.coherent",
            )


def _too_short(optical: Films, lost: tuple[float, float], current: float) -> OutOfRangeError:
    """The refusal of tables that end where the absorbers could still use `current` (mA/cm^2) of the light."""
    shortest, longest = optical.limits
    ends = []
    if lost[0] > 0.1 * sum(lost):
        ends += [
            (name, model)
            for name, model in zip(optical.names, optical.models, strict=True)
            if model.limits[0] >= shortest
        ]
    if lost[1] > 0.1 * sum(lost):
        ends += [
            (name, model)
            for name, model in zip(optical.names, optical.models, strict=True)
            if model.limits[1] <= longest
        ]
    ranges = ", ".join(
        f"{name} from {model.range[0] * 1e9:.6g} nm to {model.range[1] * 1e9:.6g} nm"
        for name, model in dict(ends).items()
    )
    return OutOfRangeError(
        f"light that the absorber could use lies outside the optical constants, which cover {ranges}: "
        f"{current:.2g} mA/cm^2 of photocurrent would be missing.",
        'Give a longer table, or write "extrapolate = true" in the layer.',
        key=f"{ends[0][0]}.material",
    )


def _cut_note(stack: OpticalCell, light: Spectrum | Monochromatic) -> tuple[str, ...]:
    """A sentence for a spectrum that ends, still bright, where the absorbers could use more of it."""
    if isinstance(light, Monochromatic):
        return ()
    dimmest = _CUT * float(light.photon_flux_density.max())
    _, high = _span(stack, am15g())
    ends = [
        f"{light.wavelength[end] * 1e9:.4g} nm"
        for end, within in ((0, light.wavelength[0] > 310e-9), (-1, light.wavelength[-1] < high))
        if within and light.photon_flux_density[end] > dimmest
    ]
    if not ends:
        return ()
    return (
        f"the spectrum {light.name} ends, still bright, at {' and '.join(ends)}; no light is assumed beyond, where the "
        "absorber could use it.",
    )


def _edge_note(stack: OpticalCell, optical: Films, lam: F64, absorptance: F64) -> tuple[str, ...]:
    """A sentence for each absorber whose absorptance does not rise at its bandgap: interference moved the
    edge.
    """
    notes = []
    absorbers = [index for index, layer in enumerate(stack.layer) if layer.role == "absorber"]
    for film in joined(stack, absorbers, one_material(optical)):
        layer = stack.layer[film[0]]
        gap = optical_gap(layer, float(stack.temperature))
        if layer.material != HALIDE or gap is None:
            continue
        energy = HC / lam[::-1]
        near = (energy > gap - 0.11) & (energy < gap + 0.10)
        if np.count_nonzero(near) < 10:
            continue
        edge = inflection(energy[near], absorptance[list(film)].sum(axis=0)[::-1][near])
        if abs(edge - gap) > _EDGE_NOTE:
            notes.append(
                f"{film_name(film, optical)}: the absorptance in this cell rises most steeply at {edge:.3f} eV, "
                f"{abs(edge - gap) * 1e3:.0f} meV {'above' if edge > gap else 'below'} the stated bandgap; "
                "interference in this stack differs from that in the cell for which bandgaps are defined."
            )
    return tuple(notes)


def _flat_note(stack: OpticalCell, optical: Films) -> tuple[str, ...]:
    """A sentence where wafers absorb, which are textured in most cells."""
    wafers = [
        name
        for name, layer in zip(optical.names, stack.layer, strict=True)
        if layer.role == "absorber" and not layer.is_coherent
    ]
    if not wafers:
        return ()
    return (
        f"{', '.join(wafers)}: every face is flat in this description. Texture, which most wafers have, reflects less "
        "and leads light that is hardly absorbed through the wafer many times; it is left out.",
    )


def _beyond(optical: Films, lam: F64) -> tuple[str, ...]:
    """A sentence for each layer that is used beyond its data, as its stack allows."""
    notes = []
    for name, model in zip(optical.names, optical.models, strict=True):
        outside = lam[model.extrapolated(lam)]
        if len(outside):
            low, high = model.range
            notes.append(
                f"{name}: optical constants of {model.name} are extrapolated, as the stack states: data "
                f"cover {low * 1e9:.6g} to {high * 1e9:.6g} nm, and {lam[0] * 1e9:.4g} to "
                f"{lam[-1] * 1e9:.4g} nm are used."
            )
    return tuple(notes)


def _laser_sun(stack: OpticalCell, optical: Films, laser: Monochromatic, side: Side) -> float:
    """Photon flux (m^-2 s^-1) of one sun of one wavelength: that of its irradiance where it states one, or else the one
    that gives the absorbers the current of AM1.5G from that side and angle; where none of it comes to them, the one
    that would do so without reflection and other layers.
    """
    wavelength = laser.wavelength
    if laser.irradiance is not None:
        return laser.irradiance * wavelength / (h * c)
    sun = am15g()
    grid = absorption_grid(stack, optical, sun)
    absorbers = [i for i, layer in enumerate(stack.layer) if layer.role == "absorber"]
    absorbed = lit(optical, grid, stack.light, side).absorptance[absorbers].sum(axis=0)
    share = float(lit(optical, np.array([wavelength]), stack.light, side).absorptance[absorbers].sum())
    if share >= _DARK:
        return float(absorbed @ sun.weights(grid)) / share
    could = float(_two_passes(stack, optical, np.array([wavelength]))[0])
    if could < _DARK:
        raise InputError(
            f"the absorber does not absorb light of {wavelength * 1e9:.4g} nm, so that no flux of it "
            "corresponds to one sun.",
            "Choose a wavelength above the absorber's bandgap.",
            key="light.spectrum.wavelength",
        )
    # an opaque layer lies before the absorber: what it could absorb of both if all of it arrived
    return float(_two_passes(stack, optical, grid) @ sun.weights(grid)) / could
