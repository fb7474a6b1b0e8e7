"""Absolute photoluminescence of a film, of half-stacks and of the whole cell: what each layer costs the splitting.

    measured = measure(cell, Protocol(samples="film,film/htl,film/c60,cell", laser="532 nm"))
    analyse(measured)["qfls, film"]

A film and a half-stack (`stack.films`) are lit without terminals: all that is generated recombines in them. The cell
is at open circuit. What leaves is the escaping share of each sample's radiative recombination, by the optics of that
sample (photons that come back are recycled, those that other layers take are lost), so that the light that gets out of
a film on glass differs from that of a full stack of the same film also where their carriers do not. The spectrum is
that of reciprocity (P. Wurfel, J. Phys. C 15, 3967 (1982), doi:10.1088/0022-3719/15/18/012).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import field_validator

from perotwin.errors import InputError
from perotwin.lab.arguments import of_a_cell, of_measurements
from perotwin.lab.pl_analysis import analyse
from perotwin.measurement import Instrument, Picture, Variable
from perotwin.stack.choices import Monochromatic
from perotwin.stack.quantity_fields import Intensity, Length, Model
from perotwin.units import BOLTZMANN, Quantity

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from perotwin.measurement.checks import Checks
    from perotwin.stack import Cell, Stack
    from perotwin.transport.states import States

__all__ = ["INSTRUMENT", "Protocol", "analyse", "measure", "plot"]

F64 = NDArray[np.float64]

SAMPLES = ("film", "film/htl", "film/etl", "cell")
#: points of the spectra
_WAVELENGTHS = 400
#: eV by which the splitting may change on a mesh twice as fine, and what the light tells may miss the solved one
_MESH, _TOLD = 1e-4, 1e-5


class Protocol(Model):
    """How the light of films and cells is taken.

    samples : "film", "film/htl", "film/etl", "film/" and a layer's name, "cell"; several with commas.
    laser : wavelength of the excitation (m); the light of the cell's file unless given.
    intensity : in suns, that of the cell's file unless given, one sun where that is dark; of a laser, one sun is the
        flux that makes the pairs of one sun of AM1.5G in that sample.
    side : that the excitation of films and half-stacks enters, through the "substrate" or through the "film"; as in the
        cell unless said.
    junction : of a tandem, whose film is measured.
    """

    samples: tuple[str, ...] = SAMPLES
    laser: Length | None = None
    intensity: Intensity | None = None
    side: Literal["substrate", "film"] | None = None
    junction: str | None = None

    @field_validator("samples", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        """One text with commas, or several that may have some."""
        texts = [value] if isinstance(value, str) else list(value)
        words = [word.strip() for text in texts for word in str(text).split(",") if word.strip()]
        if not words:
            raise InputError("no sample is named.", 'Write "film,film/htl,film/etl,cell".', key="samples")
        return tuple(dict.fromkeys(words))

    @field_validator("intensity")
    @classmethod
    def _lit(cls, value: Quantity | None) -> Quantity | None:
        if value is not None and not value > 0.0:
            raise InputError("a dark film gives no light.", "Give an intensity above zero.", key="intensity")
        return value


@dataclass(frozen=True)
class _Lit:
    """What was solved of one sample; energies in eV, rates in m^-2 s^-1.

    Attributes:
        name: as tables call it. generated: pairs. incident: photons that fall on it; NaN where the optics say none.
        photons: that leave on both sides. energy, emission, absorptance: (E,) eV; what leaves per eV, and that of both
            faces, by which it emits.
        inside, spread, mean: of the splitting: weighted with what is emitted, range, over the absorber.
        told: of the light. radiative: limit of the splitting. voc: V, NaN of a sample without terminals.
        escape, reabsorbed, parasitic: fates of a photon emitted inside.
        checks, notes: what vouches for it.
    """

    name: str
    generated: float
    incident: float
    photons: float
    energy: F64
    emission: F64
    absorptance: F64
    inside: float
    spread: float
    mean: float
    told: float
    radiative: float
    voc: float
    escape: float
    reabsorbed: float
    parasitic: float
    checks: Checks
    notes: tuple[str, ...]


@of_a_cell
def measure(cell: Cell, protocol: Protocol | None = None) -> xr.Dataset:
    """Light up the film of a cell, its half-stacks and the cell, and look at what comes back.

    Args:
        cell: a stack, or a tandem, of which the protocol names the junction.
        protocol: samples and excitation; a default one if absent.

    Returns:
        Over (`sample`, `wavelength`): `photon_flux` out of both faces (m^-2 s^-1 per m) and `absorptance` of both, by
        which it emits. Over `sample`: `generated` and `excitation_flux` (m^-2 s^-1), `qfls_inside` (eV, weighted with
        what each depth emits), `qfls_spread` (highest less lowest), `qfls_mean` (over the absorber), `qfls_radiative`,
        `voc_own` (V, of the cell), `escape_probability`, `reabsorption_probability`, `parasitic_probability` of a
        photon emitted inside.

    Raises:
        InputError: patches, a tandem without a junction, a part that the cell does not have, an absorber whose light is
            not known.
        ConvergenceError: a sample could not be solved.
    """
    from perotwin import progress
    from perotwin.lab import conditions
    from perotwin.measurement import make_dataset, worst
    from perotwin.stack.films import CELL, part_of, sample_name

    protocol = protocol or Protocol()
    made: list[_Lit] = []
    stacks: dict[str, Stack] = {}
    for part in protocol.samples:
        name = sample_name(cell, part, junction=protocol.junction)
        # a cell's electrodes leave it but one side
        side = None if part.strip() == CELL else protocol.side
        stacks[name] = _under(part_of(cell, part, junction=protocol.junction, side=side), protocol)
    with progress.task(f"{cell.name}: photoluminescence", total=len(stacks)) as counter:
        for name, stack in stacks.items():
            made.append(_solved(name, stack))
            counter.advance()
    wavelength, flux, absorptance = _spectra(made)
    one = {
        "generated": "generated", "excitation_flux": "incident", "qfls_inside": "inside", "qfls_spread": "spread",
        "qfls_mean": "mean", "qfls_radiative": "radiative", "voc_own": "voc", "escape_probability": "escape",
        "reabsorption_probability": "reabsorbed", "parasitic_probability": "parasitic",
    }  # fmt: skip
    notes = list(dict.fromkeys(note for lit in made for note in lit.notes))
    first = next(iter(stacks.values()))
    return make_dataset(
        INSTRUMENT,
        {
            "photon_flux": (("sample", "wavelength"), flux, {"units": "m-2 s-1 m-1", "long_name": _FLUX}),
            "absorptance": (("sample", "wavelength"), absorptance),
            **{name: ("sample", np.array([getattr(lit, of) for lit in made])) for name, of in one.items()},
        },
        {"sample": [lit.name for lit in made], "wavelength": wavelength},
        about={**conditions.about(cell, protocol, float(first.light.intensity)), "side": first.light.side},
        checks=worst(lit.checks for lit in made),
        notes=[*notes, _excitation(protocol, first)],
    )


_FLUX = "photons that leave both faces per wavelength"


def _under(stack: Stack, protocol: Protocol) -> Stack:
    """A sample under the excitation."""
    own = stack.light.intensity
    values: dict[str, Any] = {"intensity": protocol.intensity or (own if own > 0.0 else "1 sun")}
    if protocol.laser is not None:
        values["spectrum"] = {"kind": "monochromatic", "wavelength": protocol.laser}
    if stack.light.other_side > 0.0:
        values["other_side"] = "0 sun"
    return stack.with_light(**values)


def _excitation(protocol: Protocol, stack: Stack) -> str:
    """In words, what shines on the samples."""
    side = "the lit side" if protocol.side is None else f"the {protocol.side}"
    suns, spectrum = stack.light.intensity, stack.light.spectrum
    if not isinstance(spectrum, Monochromatic):
        return f"excited by {suns} of {spectrum.kind} through {side}."
    equal = (
        ""
        if spectrum.irradiance is not None
        else ", by pairs: in each sample as many as that of AM1.5G makes in it"
    )
    return f"excited at {spectrum.wavelength} through {side}, {suns}{equal}."


def _solved(name: str, stack: Stack) -> _Lit:
    """One sample in its light, and how much a finer mesh changes."""
    from dataclasses import replace

    from perotwin.measurement import check
    from perotwin.transport.mesh import DENSITY

    coarse = _on_mesh(name, stack, DENSITY)
    fine = _on_mesh(name, stack, 2.0 * DENSITY)
    found = {
        **fine.checks,
        "splitting on a mesh twice as fine (eV)": check(fine.inside - coarse.inside, _MESH),
        "splitting that emits against the light that it makes (eV)": check(fine.told, _TOLD),
    }
    return replace(fine, checks=found)


def _on_mesh(name: str, stack: Stack, density: float) -> _Lit:
    from perotwin.constants import elementary_charge as q
    from perotwin.lab import conditions, open_circuit
    from perotwin.lab.planck import black_body
    from perotwin.transport.build import build
    from perotwin.transport.checks import optical_checks, steady_checks
    from perotwin.transport.profiles import junction_profiles
    from perotwin.transport.radiative_limit import balances
    from perotwin.transport.steady import Solver

    problem = build(stack, density=density)
    junction = problem.parts[0]
    emission = junction.emission
    channels = {one.place: index for index, one in enumerate(junction.channels) if one.kind == "radiative"}
    balanced = [
        layer.name for layer in stack.absorbers
        if layer.name in channels and emission is not None and layer.name in emission.absorbers
        and stack.radiative(layer).kind == "detailed-balance"
    ]  # fmt: skip
    if not balanced or emission is None or not emission[balanced[0]].energy.size:
        raise InputError(
            f'how light leaves "{stack.name}" is not known: no absorber radiates as detailed balance has it.',
            'Set light.generation = { kind = "optics" }, and leave out recombination.radiative.',
            key="light.generation",
        )
    solver = Solver(problem)
    suns = float(stack.light.intensity)
    states: States = open_circuit.settled(solver, suns)
    part = states.parts[0]
    fields = junction_profiles(part)
    (one,) = balances(part, fields)
    split, weight = one.split[0], one.weight
    emitted = weight * np.exp(split - split.max())
    vt = junction.vt
    lit = [emission[layer] for layer in balanced]
    net = {layer: float(part.channel[0, channels[layer]]) for layer in balanced}
    photons = sum(net[layer] * own.escape / own.net for layer, own in zip(balanced, lit, strict=True)) / q
    energy = lit[0].energy
    each = [
        np.interp(energy, own.energy, own.spectrum_front + own.spectrum_back, left=0.0, right=0.0)
        for own in lit
    ]
    at_rest = sum(each)
    spectrum = sum(net[layer] / own.net * out for layer, own, out in zip(balanced, lit, each, strict=True))
    internal, escape = sum(own.internal for own in lit), sum(own.escape for own in lit)
    generated = suns * float(junction.generation.sum())
    absorption = problem.absorption
    seen = weight > 0.0
    told = vt * float(np.log1p(q * photons / escape))
    return _Lit(
        name=name,
        generated=generated,
        incident=np.nan if absorption is None else suns * float(np.sum(absorption.photon_flux)),
        photons=photons,
        energy=energy,
        emission=np.asarray(spectrum) / q,
        absorptance=np.asarray(at_rest) / q / black_body(energy, float(stack.temperature)),
        inside=vt * float(emitted @ split / emitted.sum()),
        spread=vt * float(np.ptp(split[seen])),
        mean=vt * float(weight @ split),
        told=told - vt * float(one.weighted[0]),
        radiative=vt * float(np.log1p(q * generated / escape)),
        voc=np.nan if problem.isolated else float(states.voltage[0]),
        escape=escape / internal,
        reabsorbed=sum(own.reabsorption_probability * own.internal for own in lit) / internal,
        parasitic=sum(own.parasitic for own in lit) / internal,
        checks={**steady_checks(states), **optical_checks(problem)},
        notes=tuple(conditions.notes(states)),
    )


def _spectra(made: Sequence[_Lit]) -> tuple[F64, F64, F64]:
    """(W,) m, (sample, W) photons m^-2 s^-1 per m, and (sample, W) absorptance of both faces."""
    from perotwin.lab.planck import HC

    energies = np.concatenate([lit.energy for lit in made])
    wavelength = np.linspace(HC / energies.max(), HC / energies.min(), _WAVELENGTHS)
    energy = HC / wavelength
    flux, absorptance = np.zeros((len(made), energy.size)), np.zeros((len(made), energy.size))
    for row, lit in enumerate(made):
        per_ev = np.interp(energy, lit.energy, lit.emission, left=0.0, right=0.0)
        shape = per_ev * energy / wavelength
        # the sum of what is drawn is what leaves
        flux[row] = shape * (lit.photons / float(np.trapezoid(shape, wavelength)))
        absorptance[row] = np.interp(energy, lit.energy, lit.absorptance, left=0.0, right=0.0)
    return wavelength, flux, absorptance


@of_measurements("pl")
def plot(datasets: xr.Dataset | Sequence[xr.Dataset], ax: Axes | None = None) -> Figure:
    """Spectra together, and the splitting of the samples or the high-energy side; see `plotting.photoluminescence`."""
    from perotwin.plotting import photoluminescence, style

    items = style.as_list(datasets)
    tails = {number: tail for number, item in enumerate(items) if (tail := _tail(item)) is not None}
    return photoluminescence.figure(items, tails, ax)


def _tail(item: xr.Dataset) -> Any:
    """The high-energy side of a single spectrum with its fit (`plotting.photoluminescence.Tail`); None without one."""
    from perotwin.lab import planck
    from perotwin.plotting.photoluminescence import Tail

    if "sample" in item.dims:
        return None
    line = planck.line_of(np.asarray(item["wavelength"], float), np.asarray(item["photon_flux"], float))
    fit = None if line is None else planck.fit(line, None)
    if line is None or fit is None or fit.why:
        return None
    good = line.flux > 0.0
    height = np.log(line.flux[good] / line.energy[good] ** 2)
    inside = (line.energy[good] >= fit.window[0]) & (line.energy[good] <= fit.window[1])
    top = float(height.max())
    slope = -1.0 / (BOLTZMANN * fit.temperature[0])
    level = float(np.median(height[inside] - slope * line.energy[good][inside])) - top
    ends = (level + slope * fit.window[0], level + slope * fit.window[1])
    words = f"slope {slope:.1f} /eV, {fit.temperature[0]:.0f} K".replace("-", "\N{MINUS SIGN}")
    return Tail(line.energy[good], height - top, fit.window, ends, words)


INSTRUMENT = Instrument(
    name="pl",
    title="photoluminescence",
    protocol=Protocol,
    measure=measure,
    analyse=analyse,
    plot=plot,
    pictures=(
        Picture(
            "pl",
            plot,
            "Photoluminescence of {cells}: photons that leave film, half-stacks and cell per wavelength (left) and the "
            "splitting of their quasi-Fermi levels (right). Pale, with a number in meV: what is lost below the "
            "radiative limit of each; the white line in a bar is the open-circuit voltage.",
            together=1,
        ),
    ),
    variables=(
        Variable("sample", ("sample",)),
        Variable("wavelength", ("wavelength",)),
        Variable(
            "photon_flux", ("wavelength",), required=True, or_over=(("sample", "wavelength"),), unit="m-2 s-1 m-1",
            relative=True,
        ),
        Variable("absorptance", ("sample", "wavelength"), written=False),
        *(
            Variable(name, ("sample",))
            for name in (
                "generated", "excitation_flux", "qfls_inside", "qfls_spread", "qfls_mean", "qfls_radiative", "voc_own",
                "escape_probability", "reabsorption_probability", "parasitic_probability",
            )
        ),
    ),
    entries={"sample": "samples"},
    place=35,
)  # fmt: skip


def __dir__() -> list[str]:
    return sorted(__all__)
