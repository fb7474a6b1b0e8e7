"""Light of a step: every photon of a laser pulse is found again, another spectrum is what the optics say it is."""

from typing import Any

import numpy as np
import pytest
from scipy.constants import c, h

import perotwin as pt
from cells import optical_cell
from devices import cell, layer
from perotwin.errors import InputError
from perotwin.optics import absorb
from perotwin.stack import Stack
from perotwin.transport.build import build
from perotwin.transport.schedule import Beam, Current, LaserPulse, Load, OpenCircuit, Step, Voltage, repeat
from perotwin.transport.steady import Solver
from perotwin.transport.transient import Engine, Moment

GREEN, FLUENCE = 532e-9, 1e15


def closed() -> Stack:
    """A cell with optics between metals that next to nothing reaches, and in which nothing recombines.

    A velocity of zero at both ends would make a film by itself, which no voltage can be held at.
    """
    walls = {
        f"contact.{side}.{kind}_velocity": 1e-16
        for side in ("front", "back")
        for kind in ("electron", "hole")
    }
    return optical_cell().with_values(
        {**walls, "perovskite.recombination.radiative": {"kind": "none"}, "light.intensity": 0.0}
    )  # fmt: skip


def absorbed(stack: Stack, wavelength: float, side: str = "front") -> float:
    """Part of the photons that ends in the absorber, asked of the optics alone."""
    lit = stack.with_light(
        spectrum={"kind": "monochromatic", "wavelength": wavelength}, intensity=1.0, side=side
    )
    faces = build(stack, light=False).shown.mesh.control_faces
    found = absorb(lit, faces, wavelength=[wavelength])
    return float(found.absorptance[found.layers.index("perovskite"), 0])


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(build(closed()))


def electrons(engine: Engine, moment: Moment) -> float:
    """Electrons per area, m^-2."""
    engine._refresh(moment)
    return float(engine.work.n @ engine.device.volume)


def holes(engine: Engine, moment: Moment) -> float:
    engine._refresh(moment)
    return float(engine.work.p @ engine.device.volume)


PULSES: dict[str, tuple[LaserPulse, ...]] = {
    "at once": (LaserPulse(wavelength=GREEN, fluence=FLUENCE),),
    "at once, late": (LaserPulse(wavelength=GREEN, fluence=FLUENCE, arrival="3 us"),),
    "100 ps": (LaserPulse(wavelength=GREEN, fluence=FLUENCE, arrival="1 us", duration="100 ps"),),
    "overlapping": (
        LaserPulse(wavelength=GREEN, fluence=0.4 * FLUENCE, arrival="1 us", duration="2 us"),
        LaserPulse(wavelength=GREEN, fluence=0.6 * FLUENCE, arrival="2 us", duration="3 us"),
    ),
}


@pytest.mark.parametrize(
    "control", [Voltage(0.0), OpenCircuit(), Load(1.0)], ids=lambda one: type(one).__name__
)
@pytest.mark.parametrize("pulses", PULSES.values(), ids=PULSES)
def test_a_pulse_makes_the_carriers_that_optics_say(engine: Engine, pulses: Any, control: Any) -> None:
    start = engine.settled(0.0, 0.0)
    trace = engine.run([Step(1e-5, control, points=4, beams=pulses)], start)
    made = electrons(engine, trace.moments[-1]) - electrons(engine, start)
    expected = FLUENCE * absorbed(closed(), GREEN)
    assert 0.5 * FLUENCE < expected < FLUENCE
    assert made == pytest.approx(expected, rel=1e-9)
    assert holes(engine, trace.moments[-1]) - holes(engine, start) == pytest.approx(expected, rel=1e-9)


def test_pulses_add_to_a_bias_light_and_repeat(engine: Engine) -> None:
    """Ten pulses on a ramp of the cell's own light: all that both make."""
    start = engine.settled(0.0, 0.0)
    pulse = LaserPulse(wavelength=GREEN, fluence=FLUENCE, arrival="10 ns", duration="1 ns")
    steps = repeat([Step(1e-7, OpenCircuit(), light=0.5, beams=(pulse,))], 10)
    lit = Engine(build(closed().with_light(intensity=1.0)))
    trace = lit.run(steps, start)
    own = 0.5 * 1e-6 * float(lit.problem.generation.sum())
    made = electrons(lit, trace.moments[-1]) - electrons(lit, start)
    assert made == pytest.approx(own + 10 * FLUENCE * absorbed(closed(), GREEN), rel=1e-9)
    assert trace.generated == pytest.approx(np.full(10, 0.5 * lit.problem.absorption.photocurrent), rel=1e-12)
    assert trace.complete and trace.time[-1] == pytest.approx(1e-6)


def test_a_fluence_in_energy_and_the_other_side(engine: Engine) -> None:
    start = engine.settled(0.0, 0.0)
    for side in ("front", "back"):
        thin = closed().with_values({"ag.thickness": "5 nm"})
        through = Engine(build(thin))
        pulse = LaserPulse(wavelength="640 nm", fluence="1 nJ/cm^2", side=side)
        assert pulse.photons == pytest.approx(1e-5 * 640e-9 / (h * c), rel=1e-12)
        trace = through.run([Step(1e-8, Voltage(0.0), beams=(pulse,))], through.settled(0.0, 0.0))
        made = electrons(through, trace.moments[-1]) - electrons(engine, start)
        assert made == pytest.approx(pulse.photons * absorbed(thin, 640e-9, side), rel=1e-9)


LIGHTS: dict[str, dict[str, Any]] = {
    "laser": {"spectrum": {"kind": "monochromatic", "wavelength": "450 nm"}},
    "other side": {"spectrum": "AM1.5G", "side": "back"},
}


@pytest.mark.parametrize("name", [*LIGHTS, "file"])
def test_a_step_under_another_spectrum_ends_in_its_steady_state(name: str, tmp_path: Any) -> None:
    """Waited for in the engine, and solved for the stack under that light: one current, one voltage."""
    lamp = tmp_path / "lamp.csv"
    lamp.write_text(
        "".join(f"{nm},{2.0 * np.exp(-(((nm - 550) / 60) ** 2)):.6e}\n" for nm in range(300, 901, 5))
    )
    told = LIGHTS.get(name, {"spectrum": {"kind": "file", "path": str(lamp)}})
    stack = pt.load("wbg-control").with_values({"perovskite.ions.response": "steady"})
    if name == "other side":
        stack = stack.with_values({"ag.thickness": "10 nm"})
    engine = Engine(build(stack))
    beam = Beam(intensity=0.7, **told)
    held = [Step(1e6, Voltage(0.9), beams=(beam,)), Step(1e6, OpenCircuit(), beams=(beam,))]
    trace = engine.run(held, engine.settled(0.0, 0.0))
    solver = Solver(build(stack.with_light(**told)))
    steady = solver.sweep([0.9], 0.7)
    assert trace.current[0] == pytest.approx(float(steady.current[0]), rel=1e-6)
    voc = solver.open_circuit(solver.sweep([1.1], 0.7).state(0), 0.7).voltage[0]
    assert trace.voltage[1] == pytest.approx(float(voc), abs=1e-6)
    assert trace.light == pytest.approx([0.0, 0.0])
    # settled there from the start, nothing happens
    rest = engine.run([Step(1.0, Voltage(0.9), beams=(beam,))], engine.settled(0.9, 0.0, (beam,)))
    assert rest.current[0] == pytest.approx(float(steady.current[0]), rel=1e-6)
    # a sun of one wavelength is the flux that makes the current of the sun
    if name == "laser":
        sun = float(engine.problem.generation.sum())
        assert engine.lights.of(beam).sum() == pytest.approx(sun, rel=1e-6)


def test_beams_ramp_and_add_up() -> None:
    stack = pt.load("wbg-control")
    engine = Engine(build(stack))
    blue = {"kind": "monochromatic", "wavelength": "450 nm"}
    step = Step(
        1e-3,
        Voltage(0.0),
        light=(1.0, 0.5),
        points=4,
        beams=(Beam(spectrum=blue, intensity=(0.0, 0.4)), Beam(intensity=0.1)),
    )
    trace = engine.run([step], engine.settled(0.0, 1.0))
    sun = engine.problem.absorption.photocurrent
    part = np.array([0.25, 0.5, 0.75, 1.0])
    assert trace.generated == pytest.approx(sun * (1.0 - 0.5 * part + 0.4 * part + 0.1), rel=1e-6)
    assert trace.light == pytest.approx(1.0 - 0.5 * part)
    assert trace.constancy.max() <= 1.0
    # the optics of a light are done once
    assert len(engine.lights._known) == 2
    before = engine.lights.of(Beam(spectrum=blue))
    assert engine.lights.of(Beam(spectrum=blue, intensity=2.0)) is before


@pytest.mark.parametrize("tolerance", [1e-3, 1e-4])
def test_a_flash_in_the_dark_is_followed_while_traps_and_ions_take_its_carriers(tolerance: float) -> None:
    """Levels that exchange far more carriers than they keep leave rounding in few carriers: no reason to stop."""
    engine = Engine(build(pt.load("wbg-target")), tolerance=tolerance)
    pulse = LaserPulse(wavelength=GREEN, fluence="10 nJ/cm^2", duration="500 ps")
    times = tuple(np.geomspace(1e-9, 1e-4, 40))
    step = Step(times[-1], OpenCircuit(), times=times, beams=(pulse,))
    trace = engine.run([step], engine.settled(0.0, 0.0))
    assert trace.complete
    assert trace.constancy.max() <= 1.0
    top = int(np.argmax(trace.voltage))
    assert trace.voltage[top] > 0.08
    assert np.all(np.diff(trace.voltage[top:]) < 0.0)
    # the capacitor of all layers keeps the charge that the pulse left on it
    assert trace.voltage[-1] > 0.5 * trace.voltage[top]


# --- what is refused --------------------------------------------------------------------------------------------------

PRESCRIBED = cell(layer("slab", 300e-9, radiative=1e-16), rate=1e27)


@pytest.mark.parametrize(
    "beam",
    [LaserPulse(wavelength=GREEN, fluence=1e14), Beam(spectrum={"kind": "monochromatic", "wavelength": GREEN})],
    ids=["laser", "spectrum"],
)  # fmt: skip
def test_other_light_on_a_cell_without_optics_is_refused(beam: Any) -> None:
    engine = Engine(build(PRESCRIBED))
    start = engine.settled(0.0, 0.0)
    with pytest.raises(InputError, match="without optics") as refused:
        engine.run([Step(1.0, Voltage(0.0)), Step(1.0, Voltage(0.0), beams=(beam,))], start)
    assert "step 2" in str(refused.value)
    assert "material" in refused.value.advice
    # suns of its own light are no other light
    engine.run([Step(1.0, Voltage(0.0), beams=(Beam(intensity=0.5),))], start)


def test_light_on_what_was_made_for_the_dark_is_refused() -> None:
    engine = Engine(build(closed(), light=False))
    with pytest.raises(InputError, match="dark alone"):
        engine.run([Step(1.0, Voltage(0.0), light=(0.0, 0.1))], engine.settled(0.0, 0.0))


@pytest.mark.parametrize(
    ("beam", "words"),
    [
        (LaserPulse(wavelength=GREEN, fluence=1e14, arrival=2.0), "its step"),
        (LaserPulse(wavelength=GREEN, fluence=1e14, arrival=1.0), "its step"),
        (LaserPulse(wavelength=GREEN, fluence=1e14, arrival=0.5, duration=0.6), "its step"),
        ("bright", "no light"),
    ],
)
def test_a_pulse_outside_its_step_is_refused(engine: Engine, beam: Any, words: str) -> None:
    with pytest.raises(InputError) as refused:
        engine.run([Step(1.0, Current(0.0), beams=(beam,))], engine.settled(0.0, 0.0))
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"fluence": 0.0}, "holds no light"),
        ({"fluence": "-1 uJ/cm^2"}, "holds no light"),
        ({"fluence": "1 V"}, "areal density"),
        ({"wavelength": "0 nm"}, "not positive"),
        ({"duration": "-1 ns"}, "negative"),
        ({"arrival": "-1 ns"}, "negative"),
    ],
)
def test_an_impossible_pulse_is_refused(told: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        LaserPulse(**{"wavelength": GREEN, "fluence": 1e14, **told})


def test_a_wavelength_outside_the_tables_is_refused(engine: Engine) -> None:
    pulse = LaserPulse(wavelength="40 um", fluence=1e14)
    with pytest.raises(InputError, match="nm"):
        engine.run([Step(1.0, Voltage(0.0), beams=(pulse,))], engine.settled(0.0, 0.0))


def test_negative_suns_of_a_beam_are_refused() -> None:
    with pytest.raises(InputError, match="negative"):
        Beam(intensity=(1.0, -0.5))
