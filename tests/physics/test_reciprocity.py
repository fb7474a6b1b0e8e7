"""Light out against light in: the radiative limit, luminescence and what is lost between them.

U. Rau, Phys. Rev. B 76, 085303 (2007), doi:10.1103/PhysRevB.76.085303; R. T. Ross, J. Chem. Phys. 46, 4590 (1967),
doi:10.1063/1.1840606.
"""

import numpy as np
import pytest
from scipy.constants import Boltzmann, c, elementary_charge, h

import perotwin as pt
from devices import Q, generation
from perotwin.lab import eqe, jv
from perotwin.stack import Stack
from perotwin.transport.build import build
from perotwin.transport.profiles import profiles
from perotwin.transport.steady import Solver, States
from tandems import no_pinholes

KT = Boltzmann * 298.15 / elementary_charge
CELLS = ("wbg-target", "wbg-control", "nbg", "nip-example")


def open_circuit(stack: Stack, suns: float = 1.0) -> States:
    solver = Solver(build(stack))
    points = jv.solved_points(solver, jv.curve(solver, jv.Protocol(step="50 mV"), suns), suns)
    return points["open-circuit"]


def losses(found: States) -> dict[str, float]:
    """Every loss at open circuit, A m^-2, by name."""
    return {name: float(lost[0]) for name, lost in found.losses().items()}


def fast(stack: Stack) -> Stack:
    """The cell with an absorber in which both quasi-Fermi levels are flat, and without what conducts beside it: levels
    slope where a current leaves for a shunt, which in dim light takes it all."""
    names = [
        f"{layer.name}.electronic.{kind}_mobility"
        for layer in stack.absorbers
        for kind in ("electron", "hole")
    ]
    apart = {"circuit.shunt_resistance": "1e5 ohm cm^2"} | no_pinholes(stack)
    return stack.with_values({name: 1e4 * float(stack.get(name)) for name in names} | apart)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("suns", [1.0, 0.01])
def test_voc_is_its_radiative_limit_less_the_missing_light(name: str, suns: float) -> None:
    """Voc,rad + kT/q ln(ELQY) = Voc, with the light that leaves counted from the solved recombination.

    ELQY speaks of the splitting inside: this is exact where carriers reach each loss without a slope of their levels.
    """
    found = open_circuit(fast(pt.load(name)), suns)
    lost = losses(found)
    photo = suns * generation(found.problem)
    assert sum(lost.values()) == pytest.approx(photo, rel=1e-8)

    emission = found.problem.shown.emission
    (absorber,) = emission.absorbers
    part = emission[absorber]
    # what the equations lose to radiation is what escapes or is absorbed elsewhere; photons re-absorbed are no loss
    radiative = lost[f"{absorber} radiative"]
    out = radiative * part.escape / (part.escape + part.parasitic)
    limit = KT * np.log(1.0 + photo / part.escape)
    assert limit + KT * np.log(out / photo) == pytest.approx(float(found.voltage[0]), abs=1e-4)

    # the same through the optics' own words: internal efficiency, escape and re-absorption
    emitted = radiative * part.internal / part.net
    efficiency = emitted / (emitted + sum(lost.values()) - radiative)
    assert emission.elqy(efficiency) == pytest.approx(out / photo, rel=1e-9)
    assert emission.voc_radiative(photo) == pytest.approx(limit, abs=1e-9)
    assert 0.0 < emission.elqy(efficiency) < 1.0


@pytest.mark.parametrize("name", CELLS)
def test_luminescence_speaks_of_the_splitting_inside(name: str) -> None:
    """With real mobilities the same sum is the mean splitting of the absorber, and Voc lies below it (Ross's law)."""
    found = open_circuit(pt.load(name))
    (absorber,) = found.problem.shown.emission.absorbers
    part = found.problem.shown.emission[absorber]
    photo = generation(found.problem)
    out = losses(found)[f"{absorber} radiative"] * part.escape / part.net
    inside = KT * np.log(1.0 + photo / part.escape) + KT * np.log(out / photo)
    fields = profiles(found)
    here = fields.layer == [layer.name for layer in found.problem.shown.stack.electrical_layers].index(
        absorber
    )
    split = (fields.electron_fermi_level - fields.hole_fermi_level)[0, here]
    weight = found.problem.shown.device.volume[here]
    mean = KT * np.log(np.sum(weight * np.exp(split / KT)) / weight.sum())
    assert inside == pytest.approx(mean, abs=1e-4)
    # at the anode and the cathode the levels are those of the contacts: no splitting inside is far below Voc
    assert float(found.voltage[0]) < inside
    assert split.min() > float(found.voltage[0]) - 0.01


def test_electroluminescence_of_the_target_cell() -> None:
    """The dark cell driven with its photocurrent: Voc,rad + kT/q ln(ELQY) meets Voc as far as superposition holds."""
    stack = pt.load("wbg-target")
    solver = Solver(build(stack))
    points = jv.solved_points(solver, jv.curve(solver, jv.Protocol(step="50 mV"), 1.0), 1.0)
    voc, jsc = float(points["open-circuit"].voltage[0]), float(points["short-circuit"].current[0])
    dark = solver.sweep(np.arange(1.2, 1.45, 0.005), 0.0, solver.sweep([0.6, 1.0, 1.2], 0.0).state(2))
    (absorber,) = dark.problem.shown.emission.absorbers
    part = dark.problem.shown.emission[absorber]
    out = dark.losses()[f"{absorber} radiative"] * part.escape / part.net
    yields = np.interp(np.log(jsc), np.log(-dark.current), np.log(-out / dark.current))
    limit = KT * np.log(1.0 + generation(dark.problem) / part.escape)
    assert limit + KT * yields == pytest.approx(voc, abs=2e-3)


@pytest.mark.parametrize("name", CELLS)
def test_without_other_losses_the_cell_reaches_its_optical_limit(name: str) -> None:
    """Traps, faces, contacts and resistances off: Voc is what absorptance and parasitic absorption allow."""
    stack = pt.load(name)
    values: dict[str, object] = {}
    for layer in stack.electrical_layers:
        for number, trap in enumerate(layer.trap, 1):
            if trap.density is None:
                values |= {
                    f"{layer.name}.trap.{number}.{kind}_lifetime": 1e3 for kind in ("electron", "hole")
                }
            else:
                values |= {f"{layer.name}.trap.{number}.{kind}_capture": 0.0 for kind in ("electron", "hole")}
    for key, face in stack.interface.items():
        for number, _ in enumerate(face.trap, 1):
            values |= {f"{key}.trap.{number}.{kind}_velocity": 0.0 for kind in ("electron", "hole")}
    values |= {"circuit.series_resistance": 0.0, "circuit.shunt_resistance": 1e15} | no_pinholes(stack)
    minority = {"front": "electron", "back": "hole"}
    if next(layer.role for layer in stack.electrical_layers) in ("etl", "buffer"):
        minority = {"front": "hole", "back": "electron"}
    values |= {f"contact.{side}.{kind}_velocity": 0.0 for side, kind in minority.items()}
    found = open_circuit(stack.with_values(values))
    emission = found.problem.shown.emission
    photo = generation(found.problem)
    # transport takes a little: the splitting is not quite the same everywhere
    assert float(found.voltage[0]) == pytest.approx(emission.voc_optical(photo), abs=1e-3)
    assert float(found.voltage[0]) < emission.voc_radiative(photo)
    row = pt.measurement.checks_of(jv.measure(stack, jv.Protocol(start=0.0, stop=0.1, step=0.1)))
    assert row["radiative limit above that of the absorptance (V)"].passed


@pytest.mark.parametrize("name", CELLS)
def test_emission_follows_from_the_quantum_efficiency(name: str) -> None:
    """Rau: what leaves the lit side in the dark is the EQE times the black body.

    The EQE is that of normal incidence and includes collection, the emission is that into all angles: they agree to
    what the path's length at an angle adds and what collection loses, which is little on the scale of kT.
    """
    measured = eqe.measure(pt.load(name))
    wavelength, quantum = measured["wavelength"].values, measured["eqe"].values
    black = 2 * np.pi * c / wavelength**4 / np.expm1(h * c / (wavelength * Boltzmann * 298.15))
    j0 = Q * np.trapezoid(quantum * black, wavelength)
    emission = build(pt.load(name)).shown.emission
    front = sum(part.escape_front for part in emission.absorbers.values())
    assert KT * abs(np.log(front / j0)) < 8e-3
    # and so does the shape of the spectrum: its peak lies where EQE times the black body has it
    (part,) = emission.absorbers.values()
    energy = h * c / elementary_charge / wavelength
    peak = energy[np.argmax(quantum * black * wavelength**2)]
    assert part.energy[np.argmax(part.spectrum_front)] == pytest.approx(peak, abs=0.02)
