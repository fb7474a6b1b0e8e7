"""Light besides the cell's own: absorbed where the whole cell absorbs it."""

from dataclasses import replace

import pytest

import perotwin as pt
from columns import patchy
from perotwin.errors import InputError
from perotwin.transport.build import build
from perotwin.transport.light import Beam, LaserPulse
from perotwin.transport.schedule import Step, Voltage
from perotwin.transport.transient import Engine


def test_a_pulse_is_absorbed_where_the_whole_cell_absorbs_it() -> None:
    """Blue light by the top, red light by the bottom, which sees only what the top lets through."""
    tandem = pt.load("tandem-target").with_values({"bottom.light.intensity": 0.5})
    engine = Engine(build(tandem))
    made = {}
    for wavelength in ("450 nm", "850 nm"):
        pulse = LaserPulse(wavelength=wavelength, fluence="1e10 cm^-2")
        step = Step(1e-6, Voltage(0.0), beams=(pulse,))
        engine.lights.prepare(step, "step 1")
        (piece,) = engine.lights.pieces(step)
        assert piece.flash is not None
        made[wavelength] = [float(piece.flash[part].sum()) / 1e14 for part in engine.problem.sites]
    assert made["450 nm"][0] > 0.5 and made["450 nm"][1] < 1e-3
    # half of what falls on the bottom counts in it alone
    assert made["850 nm"][0] < 1e-6 and 0.25 < made["850 nm"][1] < 0.5


def test_suns_of_the_cell_s_own_spectrum_are_its_own_light() -> None:
    """A beam of it is as much light more, on both junctions."""
    engine = Engine(build(pt.load("tandem-target")))
    step = Step(1e-3, Voltage(1.7), 0.5, points=3)
    beam = Beam(intensity=0.5)
    one = engine.run([replace(step, light=1.0)], engine.settled(1.7, 1.0))
    two = engine.run([replace(step, beams=(beam,))], engine.settled(1.7, 0.5, (beam,)))
    assert two.current == pytest.approx(one.current, rel=1e-6)
    assert two.generated == pytest.approx(one.generated, rel=1e-12)


def test_other_light_on_the_whole_cell_drives_the_junction_that_takes_it() -> None:
    """Infrared on top of sunlight adds to the bottom alone, so that the top comes to limit the current."""
    engine = Engine(build(pt.load("tandem-target")))
    red = Beam(spectrum={"kind": "monochromatic", "wavelength": "850 nm"}, intensity=0.2)
    start = engine.settled(1.0, 1.0, (red,))
    found = engine.run([Step(1e-6, Voltage(1.0), 1.0, beams=(red,))], start)
    plain = engine.run([Step(1e-6, Voltage(1.0), 1.0)], engine.settled(1.0, 1.0))
    assert found.current[-1] > plain.current[-1]
    top = engine.problem.parts[0].photocurrent
    assert found.current[-1] == pytest.approx(top, rel=0.02)


def test_light_on_a_tandem_made_for_the_dark_is_refused() -> None:
    engine = Engine(build(pt.load("tandem-target"), light=False))
    with pytest.raises(InputError, match="made ready for the dark alone"):
        engine.run([Step(1.0, Voltage(0.0), 1.0)], engine.settled(0.0, 0.0))


def test_a_laser_beam_in_suns_is_refused_and_a_pulse_is_not() -> None:
    engine = Engine(build(patchy()))
    laser = LaserPulse(wavelength="532 nm", fluence="1e10 cm^-2")
    start = engine.settled(0.0, 0.0)
    beam = Beam(spectrum={"kind": "monochromatic", "wavelength": "532 nm"})
    with pytest.raises(InputError, match=r"step 1.*not the same in all columns"):
        engine.run([Step(1e-6, Voltage(0.0), beams=(beam,))], start)
    found = engine.run([Step(1e-6, Voltage(0.0), beams=(laser,), points=2)], start)
    assert found.complete and found.current[0] > 0.0
