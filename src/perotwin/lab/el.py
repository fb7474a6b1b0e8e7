"""Electroluminescence: how much light each absorber gives when a current is driven through the cell, and what splitting
of its quasi-Fermi levels is behind it.

    measured = measure(cell)                               # in the dark, up to the photocurrent of one sun
    analyse(measured)["elqy"]                              # of several junctions "elqy, top" and so on

What leaves the cell is the escaping share of each absorber's radiative recombination, by the same optics that fix its
rate. Light of one junction in another is part of a tandem's. By reciprocity the yield at an injection as
large as the photocurrent tells the open-circuit voltage, Voc = Voc,rad + kT/q ln(ELQY) (U. Rau, Phys. Rev. B 76, 085303
(2007), doi:10.1103/PhysRevB.76.085303), for each junction of a tandem apart (S. Roensch, R. Hoheisel, F. Dimroth, A. W.
Bett, Appl. Phys. Lett. 98, 251113 (2011), doi:10.1063/1.3601472).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from perotwin.errors import ConvergenceError, InputError
from perotwin.lab.arguments import of_a_cell, of_measurements
from perotwin.measurement import Instrument, Metrics, Variable
from perotwin.measurement.junction_names import junction_of
from perotwin.stack.quantity_fields import CurrentDensity, Intensity, Model, Voltage
from perotwin.units import Quantity

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from perotwin.measurement.checks import Checks
    from perotwin.optics.emission import AbsorberEmission
    from perotwin.stack import Cell
    from perotwin.transport.states import States
    from perotwin.transport.steady import Solver

__all__ = ["INSTRUMENT", "Protocol", "analyse", "at_currents", "measure", "plot"]

F64 = NDArray[np.float64]

#: injected currents unless said: from the first to the last part of the photocurrent at 1 sun
_FIRST, _LAST, _COUNT = 1e-3, 2.0, 23
#: V between the points of the curve that currents are looked for on, and how many are solved between looks
_STEP, _CHUNK = 0.1, 2
#: allowed relative miss of a current that was asked for
_CURRENT = 1e-9
#: V by which the splitting that an absorber emits by and what its light tells of it may differ
_SPLITTING = 1e-5
#: points of the spectra
_WAVELENGTHS = 400


class Protocol(Model):
    """How light is driven out of a cell.

    currents : injected (A m^-2, positive), or
    voltages : applied (V). Unless said, currents up to twice the photocurrent at 1 sun.
    light : suns that fall on the cell meanwhile; the dark unless said.
    """

    currents: tuple[CurrentDensity, ...] = ()
    voltages: tuple[Voltage, ...] = ()
    light: Intensity = Quantity(0.0, "0 sun", dimension="intensity")

    @model_validator(mode="after")
    def _possible(self) -> Protocol:
        if self.currents and self.voltages:
            raise InputError(
                "both currents and voltages are given, and either follows from the other.",
                "Give one of them.",
                key="voltages",
            )
        return self


@dataclass(frozen=True)
class _Emitter:
    """A film whose light is known: where it is in the cell, in how many layers, and what of its recombination gets out.

    A line through a film makes two layers of it and no second emitter.
    """

    name: str
    junction: str
    absorbers: tuple[str, ...]
    meshes: tuple[int, ...]
    areas: tuple[float, ...]
    layers: tuple[int, ...]
    channels: tuple[int, ...]
    emission: AbsorberEmission


@of_a_cell
def measure(cell: Cell, protocol: Protocol | None = None) -> xr.Dataset:
    """Drive currents through a cell and look at its light.

    Args:
        cell: one at least one of whose absorbers radiates as detailed balance has it.
        protocol: currents or voltages, and light; a default one if absent.

    Returns:
        Over `injected` (A m^-2): `voltage` (V); over (`emitter`, injected): `qfls` (eV, mean over the absorber),
        `photons` out (m^-2 s^-1) and `elqy`, photons out over electrons through the terminals (in the light over all
        pairs). `spectrum` (emitter, wavelength): what leaves at the front at the largest injection, photons m^-2 s^-1
        per m. Over `emitter` besides, under the cell's own light: `voc_radiative`, `voc_own`, `jsc_own` of its
        junction. An emitter is called after its junction in a tandem, else after its layer.

    Raises:
        InputError: no absorber's light is known; a tandem with four terminals of which none are chosen.
        ConvergenceError: the cell cannot carry a current that was asked for.
    """
    from perotwin.constants import elementary_charge as q
    from perotwin.lab import conditions, junctions
    from perotwin.measurement import check, make_dataset, worst
    from perotwin.transport.build import build
    from perotwin.transport.checks import optical_checks, steady_checks
    from perotwin.transport.steady import Solver

    protocol = protocol or Protocol()
    solver = Solver(build(cell))
    alone = junctions.each_alone(solver)
    emitters = list(_emitters(solver, alone))
    if not emitters:
        raise InputError(
            f'how light leaves "{cell.name}" is not known: no absorber radiates as detailed balance has it.',
            'Set light.generation = { kind = "optics" }, and leave out recombination.radiative.',
            key="light.generation",
        )
    light = float(protocol.light)
    if protocol.voltages:
        states = solver.sweep(np.array([float(v) for v in protocol.voltages]), light)
    else:
        asked = np.array([float(j) for j in protocol.currents])
        if not asked.size:
            asked = solver.problem.photocurrent * np.geomspace(_FIRST, _LAST, _COUNT)
        states = at_currents(solver, np.sort(asked), light)
    order = np.argsort(-states.current, kind="stable")
    states = states.pick(order)
    injected = -states.current
    photons = np.array([_photons(states, one) for one in emitters])
    made = light * np.array(
        [sum(one.areas) * solver.problem.parts[one.meshes[0]].photocurrent for one in emitters]
    )
    pairs = (injected if light == 0.0 else np.maximum(injected, 0.0)) + made[:, None]
    alone_by_light = [_own(cell, alone[one.junction], one) for one in emitters]
    own = [told for told, _ in alone_by_light]
    found = {**steady_checks(states), **optical_checks(solver.problem)}
    misses = [one.pop("miss") for one in own]
    found["splitting at open circuit against the light that it makes (V)"] = check(
        max(misses, key=abs) if np.isfinite(misses).all() else np.nan, _SPLITTING
    )
    found.update(worst(of_mesh for _, of_mesh in alone_by_light))
    wavelength, spectra = _spectra(emitters, photons[:, -1])
    return make_dataset(
        INSTRUMENT,
        {
            "voltage": ("injected", states.voltage),
            "qfls": (("emitter", "injected"), np.array([_splitting(states, one) for one in emitters])),
            "photons": (("emitter", "injected"), photons),
            "elqy": (("emitter", "injected"), q * photons / pairs),
            "spectrum": (("emitter", "wavelength"), spectra),
            **{name: ("emitter", np.array([one[name] for one in own])) for name in own[0]},
        },
        {"injected": injected, "emitter": [one.name for one in emitters], "wavelength": wavelength},
        about=conditions.about(cell, protocol, light),
        checks=found,
        notes=conditions.notes(states),
    )


def _emitters(solver: Solver, alone: Mapping[str, Any]) -> Iterator[_Emitter]:
    """The absorbers whose emission follows from optics; `alone` has the names of the junctions."""
    from perotwin.lab import junctions

    for part, meshes, areas, problem in junctions.parts(solver.problem):
        emission = problem.emission
        if emission is None:
            continue
        # junctions that are solved as one stack: the layers are called after theirs
        joined = bool(problem.halves)
        layers = [layer.name for layer in problem.stack.electrical_layers]
        channels = {one.place: c for c, one in enumerate(problem.channels) if one.kind == "radiative"}
        found = [
            layer.name
            for layer in problem.stack.absorbers
            if layer.name in channels
            and layer.name in emission.absorbers
            and problem.stack.radiative(layer).kind == "detailed-balance"
        ]
        films = dict.fromkeys(tuple(n for n in emission.film(name) if n in found) for name in found)
        for film in films:
            junction = junction_of(film[0])[0] if joined else part
            # the film is named where its junction does not tell it from the others
            told = bool(junction) and (joined or len(films) == 1)
            ends = " to ".join(dict.fromkeys((film[0], film[-1])))
            called = junction if told else f"{part} {ends}".strip()
            sizes = {layer.name: float(layer.thickness) for layer in problem.stack.electrical_layers}
            # emission is spread over the layers of a film by thickness
            whole = sum(sizes[name] for name in film) / sizes[film[0]]
            yield _Emitter(
                called,
                junction,
                film,
                meshes,
                areas,
                tuple(layers.index(name) for name in film),
                tuple(channels[name] for name in film),
                emission[film[0]].scaled(whole),
            )


def _photons(states: States, emitter: _Emitter) -> F64:
    """(K,) photons that leave the cell on both sides, m^-2 s^-1 of the whole area."""
    from perotwin.constants import elementary_charge as q

    pairs = zip(emitter.meshes, emitter.areas, strict=True)
    channels = list(emitter.channels)
    net = np.asarray(sum(area * states.parts[mesh].channel[:, channels].sum(axis=1) for mesh, area in pairs))
    share = emitter.emission.escape / emitter.emission.net
    return np.asarray(share * net / q)


def _splitting(states: States, emitter: _Emitter) -> F64:
    """(K,) mean splitting of the quasi-Fermi levels over the absorber, eV."""
    from perotwin.transport.profiles import junction_profiles

    found = np.zeros(states.voltage.size)
    for mesh, area in zip(emitter.meshes, emitter.areas, strict=True):
        part = states.parts[mesh]
        fields = junction_profiles(part)
        here = np.isin(fields.layer, emitter.layers)
        width = part.junction.device.volume[here]
        split = fields.electron_fermi_level[:, here] - fields.hole_fermi_level[:, here]
        found += area / sum(emitter.areas) * (split @ width) / width.sum()
    return found


def _own(cell: Cell, solver: Solver, emitter: _Emitter) -> tuple[dict[str, float], Checks]:
    """What an emitter's junction does by itself under the cell's own light.

    Args:
        cell: what is measured. solver: of the junction by itself. emitter: the film.

    Returns:
        `voc_own` (V) and `jsc_own` (A m^-2) as solved, `voc_radiative` (V) of photons that leave the cell alone, and
        `miss` (V): the splitting at open circuit less the one that the photons out tell; and the checks of the mesh.
    """
    from dataclasses import replace

    from perotwin.constants import elementary_charge as q
    from perotwin.lab import junctions, jv
    from perotwin.transport import refinement

    suns = float(cell.light.intensity) or 1.0
    points = jv.solved_points(solver, jv.curve(solver, jv.Protocol(step="50 mV"), suns), suns)
    if "open-circuit" not in points or "short-circuit" not in points:
        return {"voc_own": np.nan, "jsc_own": np.nan, "voc_radiative": np.nan, "miss": np.nan}, {}
    at = points["open-circuit"]
    part = at.parts[0]
    layers = [layer.name for layer in part.junction.stack.electrical_layers]
    # by itself a junction calls its layers without its own name
    film = tuple(name if name in layers else junction_of(name)[1] for name in emitter.absorbers)
    channels = {x.place: c for c, x in enumerate(part.junction.channels) if x.kind == "radiative"}
    (whole,) = junctions.parts(solver.problem)
    local = replace(
        emitter,
        meshes=whole.meshes,
        areas=whole.areas,
        layers=tuple(layers.index(name) for name in film),
        channels=tuple(channels[name] for name in film),
    )
    jsc, vt = float(points["short-circuit"].current[0]), solver.problem.vt
    escape = emitter.emission.escape
    told = vt * float(np.log1p(q * _photons(at, local)[0] / (escape * sum(local.areas))))
    told_of = {
        "voc_own": float(at.voltage[0]),
        "jsc_own": jsc,
        "voc_radiative": vt * float(np.log1p(jsc / escape)),
        "miss": vt * _emitting(at, local) - told,
    }
    return told_of, refinement.checks(solver, points, suns)


def _emitting(states: States, emitter: _Emitter) -> float:
    """Splitting (kT) that an absorber emits by in the first of its states: ln of the mean of its exponential.

    In an uneven film or at an uneven face it is more than the mean splitting, and it is what the light tells.
    """
    from perotwin.transport.profiles import junction_profiles

    logs = []
    for mesh, area in zip(emitter.meshes, emitter.areas, strict=True):
        part = states.parts[mesh].pick(np.array([0]))
        fields = junction_profiles(part)
        here = np.isin(fields.layer, emitter.layers)
        width = part.junction.device.volume[here]
        split = (fields.electron_fermi_level[0, here] - fields.hole_fermi_level[0, here]) / part.junction.vt
        logs.append(split + np.log(area * width / width.sum()))
    every = np.concatenate(logs)
    top = float(every.max())
    return top + float(np.log(np.exp(every - top).sum() / sum(emitter.areas)))


def _spectra(emitters: Sequence[_Emitter], photons: F64) -> tuple[F64, F64]:
    """(W,) m and (E, W) photons m^-2 s^-1 per m that leave at the front, of `photons` (E,) that leave on both sides."""
    from perotwin.constants import c, e, h

    known = [one.emission.energy for one in emitters if one.emission.energy.size]
    if not known:
        return np.zeros(0), np.zeros((len(emitters), 0))
    low, high = (
        h * c / e / limit(each)
        for limit, each in ((np.max, np.concatenate(known)), (np.min, np.concatenate(known)))
    )
    wavelength = np.linspace(low, high, _WAVELENGTHS)
    energy = h * c / (e * wavelength)
    found = np.zeros((len(emitters), wavelength.size))
    for row, (one, out) in enumerate(zip(emitters, photons, strict=True)):
        emission = one.emission
        if emission.energy.size:
            # per eV to per m: dE/dlambda = E / lambda
            shape = np.interp(energy, emission.energy, emission.spectrum_front, left=0.0, right=0.0)
            found[row] = out * shape / emission.escape * energy / wavelength
    return wavelength, found


def at_currents(solver: Solver, injected: F64, light: float) -> States:
    """Steady states at injected currents (K,), A m^-2, positive and ascending, under `light` suns.

    Raises:
        ConvergenceError: one was not reached.
    """
    from perotwin.transport.states import join

    most = solver.problem.highest_voltage + 2.0
    voltage, start = 0.0, None
    parts: list[States] = []
    while voltage < most:
        part = solver.sweep(voltage + _STEP * np.arange(_CHUNK), light, start)
        voltage += _CHUNK * _STEP
        good = np.flatnonzero(part.converged)
        if not good.size:
            # ideal junctions in the dark share a low voltage by currents that rounding hides
            continue
        parts.append(part.pick(good))
        start = part.state(int(good[-1]))
        if float(parts[-1].current[-1]) < -injected[-1]:
            break
    if not parts:
        raise _unreached(solver, float(injected[0]), voltage)
    found = []
    for wanted in injected:
        curve = join(parts) if len(parts) > 1 else parts[0]
        past = np.flatnonzero(curve.current < -wanted)
        if not past.size:
            raise _unreached(solver, wanted, voltage)
        index = int(past[0])
        found.append(_at_current(solver, curve, index, float(wanted), light))
    return join(found) if len(found) > 1 else found[0]


def _at_current(solver: Solver, curve: States, index: int, wanted: float, light: float) -> States:
    """The state of one current, by Newton's method from the first point of the curve that carries more."""
    state, voltage = curve.state(index), float(curve.voltage[index])
    low = float(curve.voltage[index - 1]) if index else voltage - _STEP
    current = float(curve.current[index])
    made = None
    for _ in range(30):
        step = -(current + wanted) / solver.slope(state, light)
        voltage = float(np.clip(voltage + step, low, float(curve.voltage[index])))
        made = solver.sweep([voltage], light, state)
        if not made.converged[0]:
            break
        state, current = made.state(0), float(made.current[0])
        if abs(current + wanted) < _CURRENT * wanted:
            return made
    if made is None or not made.converged[0] or abs(current + wanted) > 1e-4 * wanted:
        raise _unreached(solver, wanted, voltage)
    return made


def _unreached(solver: Solver, wanted: float, voltage: float) -> ConvergenceError:
    return ConvergenceError(
        f'"{solver.problem.stack.name}" was not brought to carry {0.1 * wanted:.3g} mA/cm2; it was followed to '
        f"{voltage:.4g} V.",
        "Ask for smaller currents.",
        voltage=voltage,
        stage="injection",
    )


# --- analysis: arrays only -------------------------------------------------------------------------------------------


@of_measurements("el")
def analyse(dataset: xr.Dataset) -> Metrics:
    """Yields, splittings and the voltages that they tell, of each emitter.

    Args:
        dataset: over `injected` (A m^-2) what was measured of `elqy` and `qfls` (both (emitter, injected); the
            splitting may be the voltage of each subcell as its luminescence tells it) and `voltage` (injected); of each
            emitter `jsc_own` (A m^-2) and `voc_radiative` (V), or the attributes `jsc` and `voc_radiative`, and
            `junction_current` (emitter, injected) where luminescence couples the junctions.

    Returns:
        At an injection as large as the junction's short-circuit current (the largest where that is not told): `elqy`
        and `qfls` (eV); `voc_loss`, -kT/q ln(elqy), what is lost beside radiation; `voc_radiative` (V), without any
        loss but the light that leaves; in the dark `voc_luminescence`, that less the loss; `voc_own` as solved under
        light; `ideality`, the slope of the splitting with the logarithm of the injection. What the measurement does not
        hold is left out, or NaN with the reason. With several emitters each name is followed by the emitter's: "elqy,
        top".

    Raises:
        InputError: none of yields, splittings and a voltage.
    """
    from perotwin.lab import el_reading

    return el_reading.analyse(dataset)


@of_measurements("el")
def plot(datasets: xr.Dataset | Sequence[xr.Dataset], ax: Axes | None = None) -> Figure:
    """Spectra, and yields against the injected current; see `plotting.luminescence.yields_and_spectra`.

    Where no yields were measured, the splittings against the current instead.
    """
    from perotwin.lab import el_reading
    from perotwin.plotting import luminescence, style

    items = [el_reading.named_emitters(item) for item in style.as_list(datasets)]
    if all("elqy" not in item for item in items):
        return luminescence.splittings(items, ax)
    return luminescence.yields_and_spectra(items, ax)


INSTRUMENT = Instrument(
    name="el",
    title="electroluminescence",
    protocol=Protocol,
    measure=measure,
    analyse=analyse,
    plot=plot,
    caption=(
        "Electroluminescence of {cells}: spectra at the largest injection (left), and photons out over injected "
        "electrons against the current (right)."
    ),
    variables=(
        Variable("injected", ("injected",)),
        Variable("voltage", ("injected",)),
        Variable("wavelength", ("wavelength",)),
        Variable("elqy", ("emitter", "injected")),
        Variable("qfls", ("emitter", "injected")),
        Variable("junction_current", ("emitter", "injected"), written=False),
        Variable("photons", ("emitter", "injected")),
        Variable("spectrum", ("emitter", "wavelength")),
        *(Variable(name, ("emitter",), written=False) for name in ("voc_own", "jsc_own", "voc_radiative")),
    ),
    entries={"emitter": "emitters"},
    place=30,
)


def __dir__() -> list[str]:
    return sorted(__all__)
