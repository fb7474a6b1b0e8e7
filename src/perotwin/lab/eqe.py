"""External quantum efficiency: the current that one more photon gives, wavelength by wavelength.

The extra light is small: the response is the exact linearisation of a steady state, ions held where that state has
them. A cell of one junction is measured under its own light at the protocol's voltage. A tandem is measured once for
each junction, with bias light that saturates the others and a bias voltage that brings the measured one to its short
circuit (see `lab.bias_light`).

    measured = measure(tandem)
    junctions(measured)["top"]           # a measurement of the top junction
    measure(tandem, Protocol(bias_light="none", bias="0 V"))       # what a wrong protocol shows
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from perotwin.errors import InputError
from perotwin.lab.arguments import of_a_cell, of_measurements
from perotwin.lab.bias_light import BiasLight, Led, Suns, Unlit, Wrong
from perotwin.lab.eqe_reading import Spectrum, inflection, radiative, readable, spectral, urbach
from perotwin.measurement import Instrument, Metric, Metrics, Picture, Variable, quantity
from perotwin.measurement.conform import conform
from perotwin.measurement.dataset import simulated
from perotwin.stack.quantity_fields import Model, Voltage
from perotwin.units import BOLTZMANN

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from perotwin.measurement import Checks
    from perotwin.optics import Absorption
    from perotwin.stack import Cell
    from perotwin.transport.build import Problem
    from perotwin.transport.states import States
    from perotwin.transport.steady import Solver

__all__ = [
    "INSTRUMENT",
    "Led",
    "Protocol",
    "Suns",
    "Unlit",
    "Wrong",
    "analyse",
    "junctions",
    "measure",
    "plot",
]

#: allowed relative difference of the spectrum's integral and the short-circuit current; recombination that is not
#: linear in light makes it real, so that it is not a rounding error that is looked for
_INTEGRAL_LIMIT = 0.01
#: part of the incident photons that is worth a remark
_SHONE = 2e-3


class Protocol(Model):
    """How a quantum efficiency is taken.

    bias : terminal voltage (V). Unless said, short circuit; of a tandem the open circuits of the junctions that are not
        measured, under the bias light.
    bias_light : of a tandem, what saturates the junctions that are not measured. For a cell of one junction the bias
        light is the cell's own.
    """

    bias: Voltage | None = None
    bias_light: BiasLight = Led()


@of_a_cell
def measure(cell: Cell, protocol: Protocol | None = None) -> xr.Dataset:
    """Take the external quantum efficiency of a cell.

    Args:
        cell: one whose generation follows from optics.
        protocol: bias voltage and, for a tandem, bias light.

    Returns:
        The measurement: `eqe`, `reflectance`, `transmittance` (wavelength), `absorptance` (layer, wavelength), the
        photons `photon_flux` (wavelength) of 1 sun that stand for each wavelength (their sum over a response is an
        integral over the spectrum), and
        `jsc_integrated` (A m^-2, over the stored spectrum at 1 sun) in its attributes. Of a tandem, instead of `eqe`,
        `eqe_top` and so on (wavelength): each is taken under another bias light, and their sum, which luminescence of a
        saturated junction takes above one, is no efficiency of anything. Then there are the attributes
        `jsc_integrated_top`, `bias_voltage_top` (V), `bias_light_top` (words) and those of the others; and
        `jsc_integrated` is the smallest of all.

    Raises:
        InputError: generation is prescribed, so that no wavelength is known; a tandem with four terminals of which
            none are chosen.
        ConvergenceError: a bias point could not be reached.
    """
    from perotwin.lab import conditions
    from perotwin.measurement import make_dataset
    from perotwin.transport.build import build
    from perotwin.transport.checks import optical_checks
    from perotwin.transport.steady import Solver

    protocol = protocol or Protocol()
    if cell.light.generation.kind != "optics":
        raise InputError(
            f'the generation of "{cell.name}" is prescribed ({cell.light.generation.kind}), so that nothing says how '
            "it depends on the wavelength.",
            'Give every layer a material and set light.generation = { kind = "optics" }.',
            key="light.generation",
        )
    problem = build(cell)
    absorption = problem.absorption
    assert absorption is not None
    solver = Solver(problem)
    intensity = float(cell.light.intensity)
    alone = solver.junctions
    take = _of_junctions if alone else _of_cell
    spectra, integrated, found, notes = take(solver, alone, protocol, intensity)
    return make_dataset(
        INSTRUMENT,
        {
            **{name: ("wavelength", values) for name, values in spectra.items()},
            "reflectance": ("wavelength", absorption.reflectance),
            "transmittance": ("wavelength", absorption.transmittance),
            "absorptance": (("layer", "wavelength"), absorption.absorptance),
            "photon_flux": ("wavelength", absorption.photon_flux),
        },
        {"wavelength": absorption.wavelength, "layer": list(absorption.layers)},
        about={
            **conditions.about(cell, protocol, intensity),
            **integrated,
            "absorbers": ",".join(_absorbers(problem)),
        },
        checks={**found, **optical_checks(problem)},
        notes=[*problem.notes, *notes, *conditions.shares(cell)],
    )


Found = tuple[dict[str, Any], dict[str, Any], "Checks", list[str]]


def _of_cell(solver: Solver, alone: dict[str, Solver], protocol: Protocol, intensity: float) -> Found:
    """Spectra, attributes, checks and notes of a cell of one junction under its own light."""
    from perotwin.constants import elementary_charge as q
    from perotwin.lab.meshes import at_bias
    from perotwin.measurement import check
    from perotwin.transport.checks import steady_checks

    bias = 0.0 if protocol.bias is None else float(protocol.bias)
    states = _reached(solver, bias, intensity)
    eqe = solver.spectral_response(states.state(0), intensity) / q
    assert solver.problem.absorption is not None
    integrated = q * float(solver.problem.absorption.photon_flux @ eqe)
    found = steady_checks(states) | at_bias(solver, states, bias, intensity)
    if intensity > 0.0 and bias == 0.0 and states.current[0] > 0.0:
        found["EQE integral against Jsc"] = check(
            intensity * integrated / float(states.current[0]) - 1.0, _INTEGRAL_LIMIT
        )
    return {"eqe": eqe}, {"jsc_integrated": integrated}, found, []


def _absorbers(problem: Problem) -> list[str]:
    """The absorbers of all parts, by the names that they have in the cell, each once."""
    names = [
        called
        for part in problem.parts
        for called, layer in zip(part.layers, part.stack.electrical_layers, strict=True)
        if layer.role == "absorber"
    ]
    return list(dict.fromkeys(names))


def _reached(solver: Solver, voltage: float, intensity: float) -> States:
    """The steady state at a terminal voltage (V).

    Raises:
        ConvergenceError: it was not reached.
    """
    from perotwin.errors import ConvergenceError

    states = solver.sweep([voltage], intensity)
    if not states.converged[0]:
        raise ConvergenceError(
            f'the bias point of "{solver.problem.stack.name}" at {voltage:.4g} V was not reached.',
            "Try another bias, or look at perotwin jv.",
            voltage=voltage,
            stage="bias",
        )
    return states


def _of_junctions(solver: Solver, alone: dict[str, Solver], protocol: Protocol, intensity: float) -> Found:
    """The same of a tandem, each junction under its own bias light and at its own bias voltage."""
    from perotwin.constants import elementary_charge as q
    from perotwin.lab.meshes import at_bias
    from perotwin.measurement import check, worst
    from perotwin.transport.checks import steady_checks

    problems = {name: one.problem for name, one in alone.items()}
    absorption = solver.problem.absorption
    assert absorption is not None
    spectra: dict[str, Any] = {}
    direct: dict[str, float] = {}
    attributes: dict[str, Any] = {"jsc_integrated": np.inf}
    checks, notes = [], []
    biased = solver
    for measured in problems:
        pairs, words = protocol.bias_light.generation(problems, measured)
        made = biased.relit(np.concatenate(list(pairs.values())))
        if protocol.bias is None:
            voltage = sum(
                _open_circuit(one.relit(pairs[name])) for name, one in alone.items() if name != measured
            )
        else:
            voltage = float(protocol.bias)
        states = _reached(made, voltage, 1.0)
        eqe = made.spectral_response(states.state(0), 1.0) / q
        spectra[f"eqe_{measured}"] = eqe
        integrated = q * float(absorption.photon_flux @ eqe)
        attributes[f"jsc_integrated_{measured}"] = integrated
        attributes["jsc_integrated"] = min(attributes["jsc_integrated"], integrated)
        attributes[f"bias_voltage_{measured}"] = voltage
        attributes[f"bias_light_{measured}"] = words
        checks.append(steady_checks(states) | at_bias(made, states, voltage, 1.0))
        across = float(states.junction_voltages[measured][0])
        direct[measured] = min(integrated, _of_its_own(alone[measured].relit(pairs[measured]), across))
        # 0.0 and not -0.0
        inside = round(across, 3) + 0.0
        notes.append(
            f"quantum efficiency of the {measured} junction: bias light {words}; bias voltage {voltage:.3f} V, which "
            f"leaves the {measured} junction at {inside:.3f} V."
        )
    notes += _shone(absorption, _absorbers(solver.problem), sum(spectra.values()))
    found = worst(checks)
    if intensity > 0.0 and protocol.bias is None and isinstance(protocol.bias_light, Led | Suns):
        which = min(alone, key=lambda name: attributes[f"jsc_integrated_{name}"])
        share = _against_short_circuit(solver, alone, which, direct[which], intensity)
        found["EQE integral of the limiting junction against Jsc"] = check(share, _INTEGRAL_LIMIT)
    return spectra, attributes, found, notes


def _shone(absorption: Absorption, absorbers: list[str], eqe: np.ndarray) -> list[str]:
    """Whether junctions together give more than their absorbers take from the light, and why.

    A saturated junction is near its open circuit, and part of what it absorbs more it sends on (S. H. Lim et al.,
    Prog. Photovolt. 21, 344 (2013), doi:10.1002/pip.1215).
    """
    taken = sum(absorption.absorptance[absorption.layers.index(name)] for name in absorbers)
    more = eqe - taken
    best = int(np.argmax(more))
    if not more[best] > _SHONE:
        return []
    return [
        f"the junctions together respond with up to {100.0 * more[best]:.1f} % more than their absorbers take "
        f"({1e9 * absorption.wavelength[best]:.0f} nm): luminescence of a saturated junction in the one behind it."
    ]


def _open_circuit(solver: Solver) -> float:
    """V at which a junction carries no current under the pairs that its problem holds; 0 V where those are none."""
    from perotwin.lab import jv

    if not solver.problem.photocurrent > 0.0:
        return 0.0
    points = jv.solved_points(solver, jv.curve(solver, jv.Protocol(step="50 mV"), 1.0), 1.0)
    return float(points["open-circuit"].voltage[0]) if "open-circuit" in points else 0.0


def _of_its_own(solver: Solver, voltage: float) -> float:
    """What the light that a junction absorbs itself gives in it at a voltage across it (V), A m^-2 at 1 sun; without
    bound where that is not known.
    """
    absorption = solver.problem.absorption
    if absorption is None:
        return np.inf
    states = _reached(solver, voltage, 1.0)
    # photons of the whole, whatever suns the junction has of its own
    suns = float(solver.problem.parts[0].stack.light.intensity) or 1.0
    return float(absorption.photon_flux @ solver.spectral_response(states.state(0), 1.0)) / suns


def _against_short_circuit(
    solver: Solver, alone: dict[str, Solver], which: str, direct: float, intensity: float
) -> float:
    """How far the limiting junction's integral is from the cell's short-circuit current, as a part of it.

    At short circuit of the whole that junction is not at its own: the others drive it backwards. What its curve rises
    to on the way there, and what light of the others adds, is counted beside the integral, and so not within it.

    Args:
        solver, alone: of the cell and of its junctions. which: of them limits. intensity: suns.
        direct: A m^-2 at 1 sun, its integral less what light absorbed in the others brings it as luminescence.
    """
    from perotwin.constants import elementary_charge as q
    from perotwin.lab import junctions as of_cell

    states = solver.sweep([0.0], intensity)
    there = float(states.junction_voltages[which][0])
    own = alone[which].sweep([0.0, there], intensity)
    shone = q * of_cell.received(states, which)
    expected = intensity * direct + float(own.current[1] - own.current[0]) + shone
    return expected / float(states.current[0]) - 1.0


def junctions(dataset: xr.Dataset) -> dict[str, xr.Dataset]:
    """The quantum efficiency of each junction of a tandem as a measurement; empty for a cell of one junction."""
    found = {}
    for name in (str(key).removeprefix("eqe_") for key in dataset.data_vars if str(key).startswith("eqe_")):
        one = dataset[[f"eqe_{name}"]].rename({f"eqe_{name}": "eqe"})
        one.attrs = {
            "instrument": "eqe",
            "stack": f"{dataset.attrs.get('stack', '')}, {name} junction",
            **{
                key.removesuffix(f"_{name}"): value
                for key, value in dataset.attrs.items()
                if key.endswith(f"_{name}")
            },
        }
        found[name] = one
    return found


def analyse(dataset: xr.Dataset) -> Metrics:
    """Integrated current, bandgap, Urbach energy and radiative limit of a spectrum.

    Args:
        dataset: `eqe` (wavelength), or that of junctions; fractions or per cent, wavelengths in either order, or an
            axis `photon_energy` (eV). `temperature` (K) among the attributes.

    Returns:
        `jsc_integrated` (A m^-2; as the measurement stored it, else over AM1.5G between the ends of the spectrum),
        `bandgap` (eV), the steepest point of the EQE against photon energy (doi:10.1002/aenm.201901223) by a parabola
        through its slope; `urbach_energy` (eV), the slope of ln(EQE) over at least a decade above the noise;
        `radiative_saturation_current` (A m^-2) and `voc_radiative` (V), the limit of radiation through the lit side,
        with the tail continued by the Urbach line (see `eqe_reading`). NaN with the reason where the data do not hold
        it. Of a tandem the current of the junction that has less and the edge of the one that begins first, and all of
        each junction: "jsc_integrated, top" and so on.

    Raises:
        InputError: neither `eqe` nor that of any junction; wavelengths that are none.
    """
    return _analyse(spectral(dataset))


@of_measurements("eqe")
def _analyse(dataset: xr.Dataset) -> Metrics:
    parts = junctions(dataset)
    if parts:
        found = {name: _analyse(one) for name, one in parts.items()}
        edges = [one["bandgap"] for one in found.values()]
        currents = [one["jsc_integrated"] for one in found.values()]
        return Metrics(
            {
                "jsc_integrated": min(currents, key=float),
                "bandgap": min(edges, key=float),
                **{f"{key}, {name}": one[key] for name, one in found.items() for key in one},
            }
        )
    if "eqe" not in dataset:
        raise InputError(
            "this measurement holds no quantum efficiency.",
            'Name its variable "eqe", or "eqe_top" and so on.',
            key="eqe",
        )
    spectrum = readable(dataset)
    said = f"; {spectrum.words}" if spectrum.words else ""
    stored = dataset.attrs.get("jsc_integrated")
    current, words, error = _integral(spectrum)
    if stored is not None:
        current, words, error = float(stored), "EQE times the photon flux of the spectrum", np.nan
    edge, edge_error = inflection(spectrum.energy, spectrum.value, spectrum.noise)
    tail = urbach(spectrum)
    stated = dataset.attrs.get("temperature")
    kelvin = 298.15 if stated is None else float(stated)
    limit = radiative(spectrum, tail, kelvin)
    thermal = BOLTZMANN * kelvin
    at = f"at {kelvin:.2f} K" + (", not told" if stated is None else "")
    voc = thermal * float(np.log1p(current / limit.current)) if limit.current > 0.0 else np.nan
    return Metrics(
        {
            "jsc_integrated": Metric(
                current, "A m-2", words + said + ("" if stored is not None else "; its calibration is systematic"),
                _known(error),
            ),
            "bandgap": Metric(edge, "eV", f"steepest point of the EQE{said}", _known(edge_error)),
            "urbach_energy": Metric(tail.energy[0], "eV", tail.words, _known(tail.energy[1])),
            "radiative_saturation_current": Metric(
                limit.current, "A m-2", f"{limit.words}; {at}", _known(limit.error * limit.current)
            ),
            "voc_radiative": Metric(
                voc,
                "V",
                f"kT/q ln(Jsc / J0,rad + 1) of the lit side, {at}; {limit.words}",
                _known(thermal * float(np.hypot(limit.error, np.nan_to_num(error / current)))),
            ),
        }
    )  # fmt: skip


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _integral(spectrum: Spectrum) -> tuple[float, str, float]:
    """Current (A m^-2) of an EQE under AM1.5G, linear between its wavelengths, how it was found, and its error."""
    from perotwin.constants import e
    from perotwin.spectra import am15g

    grid, value = spectrum.wavelength[::-1], spectrum.value[::-1]
    weights = am15g().weights(grid)
    current = e * float(weights @ value)
    noise = np.hypot(spectrum.noise * value, spectrum.floor[0])
    words = f"EQE times the photon flux of AM1.5G, {grid[0] * 1e9:.0f} to {grid[-1] * 1e9:.0f} nm"
    return current, words, e * float(np.sqrt(np.sum((weights * noise) ** 2)))


def plot(datasets: xr.Dataset | Sequence[xr.Dataset], ax: Axes | None = None) -> Figure:
    """Quantum efficiency and where the other photons go; see `plotting.spectra.eqe`."""
    several = isinstance(datasets, Sequence)
    items = [_drawn(spectral(item)) for item in (datasets if several else [datasets])]
    return _plot(items if several else items[0], ax)


@of_measurements("eqe")
def _plot(datasets: xr.Dataset | Sequence[xr.Dataset], ax: Axes | None = None) -> Figure:
    from perotwin.plotting import spectra

    items = list(datasets) if isinstance(datasets, Sequence) else [datasets]
    gaps = [float(_analyse(item)["bandgap"]) for item in items if "absorptance" in item]
    return spectra.eqe(datasets, ax, gaps)


def _drawn(item: xr.Dataset) -> xr.Dataset:
    """A measured spectrum of one junction as it is read: in metres and fractions, from the shortest wavelength on."""
    if simulated(item) or "eqe" not in item or "absorptance" in item or item["eqe"].dims != ("wavelength",):
        return item
    read = readable(conform(item, INSTRUMENT))
    one = item.drop_vars([name for name in item.variables if "wavelength" in item[name].dims])
    return one.assign(eqe=("wavelength", read.value[::-1])).assign_coords(wavelength=read.wavelength[::-1])


def _several(dataset: xr.Dataset) -> bool:
    return bool(junctions(dataset))


def _layers(dataset: xr.Dataset) -> Figure:
    """Which layer absorbs what, where the quantum efficiency is drawn apart."""
    from perotwin.plotting import spectra

    return spectra.absorption(dataset, gap=float(analyse(dataset)["bandgap"]))


def _document(dataset: xr.Dataset, metrics: Metrics) -> dict[str, Any]:
    """The spectra, what they come to, and of junctions those of each with its bias light and voltage."""
    from perotwin.measurement.document import variable, written

    def came_to(found: Metrics) -> dict[str, Any]:
        unknown = {"jsc_integrated": Metric(np.nan, "A m-2"), "bandgap": Metric(np.nan, "eV")}
        own = {name: metric for name, metric in found.items() if "," not in name}
        return Metrics({**unknown, **own}).to_json()

    each = {
        name: {
            "eqe": variable(one, "eqe"),
            **came_to(analyse(one)),
            "bias_light": one.attrs.get("bias_light"),
            "bias_voltage": quantity("voltage", one.attrs.get("bias_voltage", np.nan), "V"),
        }
        for name, one in junctions(dataset).items()
    }
    # of several junctions there is no efficiency of the whole
    of_each = {"eqe": None, "junctions": each} if each else {}
    return {**written(INSTRUMENT, dataset), **came_to(metrics), **of_each}


def _summary(measured: Mapping[str, xr.Dataset], metrics: Metrics) -> dict[str, Any]:
    full = _document(next(iter(measured.values())), metrics)
    wanted = ("wavelength", "eqe", "jsc_integrated", "bandgap", "junctions")
    return {"eqe": {key: full[key] for key in wanted if key in full}}


INSTRUMENT = Instrument(
    name="eqe",
    title="quantum efficiency",
    protocol=Protocol,
    measure=measure,
    analyse=analyse,
    plot=plot,
    pictures=(
        Picture(
            "eqe",
            plot,
            "External quantum efficiency of {cells}; dashed the share of photons that is not reflected, dotted (right "
            "axis) the current density from the shortest wavelength on, at one sun of the cell's spectrum.",
            of_tandems=(
                "External quantum efficiency of the junctions of {cells}, each under its bias light and bias voltage; "
                "dashed the share of photons that is not reflected, dotted (right axis) the current density from the "
                "shortest wavelength on, at one sun of the cell's spectrum."
            ),
            together=2,
            section="light",
        ),
        Picture(
            "absorption",
            lambda dataset: _layers(dataset) if _several(dataset) else plot(dataset),
            "Where the photons go in {cells}: collected as current (EQE), absorbed by a layer without giving current, "
            "transmitted, or reflected (above the dashed line). Dotted (right axis): the current from the shortest "
            "wavelength on. The numbers are for photons above the gap; what lies below it is told apart.",
            of_tandems=(
                "Which layer of {cells} absorbs the photons: the absorbers of the junctions below, above them what "
                "gives no current, and reflection. The numbers are the current densities that photons above the gap of "
                "the last absorber come to; what lies below it is told apart."
            ),
            section="light",
            needs=lambda dataset: "photon_flux" in dataset or not _several(dataset),
        ),
        Picture(
            "collected",
            plot,
            "What {cells} makes of the photons: collected by each junction (EQE, under bias light and bias voltage), "
            "absorbed without giving current, or reflected (above the dashed line).",
            section="light",
            needs=_several,
        ),
    ),
    variables=(
        Variable("wavelength", ("wavelength",)),
        Variable("eqe", ("wavelength",)),
        Variable("reflectance", ("wavelength",)),
        Variable("transmittance", ("wavelength",)),
        Variable("absorptance", ("layer", "wavelength")),
        Variable("photon_flux", ("wavelength",), written=False),
    ),
    document=_document,
    summary=_summary,
    usual=True,
    own_section=True,
    place=20,
)


def __dir__() -> list[str]:
    return sorted(__all__)
