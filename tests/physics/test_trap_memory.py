"""Occupation of charged traps in time against the closed form of emission, and against statistics at rest."""

from __future__ import annotations

import numpy as np
import pytest

from perotwin.stack import Stack
from perotwin.transport import device as dv
from perotwin.transport.build import build
from perotwin.transport.schedule import Step, Voltage
from perotwin.transport.transient import Engine

T = 300.0
VT = 8.617333262e-5 * T
NC = 1e25
DEPTH, CAPTURE, DENSITY = 0.35, 1e-15, 1e19


def slab(charge: str = "acceptor") -> Stack:
    """An electron-selective slab of one micrometre, with an electron trap too dilute to bend the bands."""
    return Stack.from_data(
        {
            "name": "slab",
            "temperature": T,
            "light": {"generation": {"kind": "uniform", "rate": 0.0}},
            "layer": [
                {
                    "name": "slab",
                    "role": "absorber",
                    "thickness": 1e-6,
                    "electronic": {
                        "electron_affinity": 4.0,
                        "bandgap": 2.0,
                        "conduction_dos": NC,
                        "valence_dos": NC,
                        "electron_mobility": 1e-3,
                        "hole_mobility": 1e-3,
                        "permittivity": 10.0,
                        "statistics": "boltzmann",
                    },
                    "trap": [
                        {
                            "level": {"below": "conduction", "depth": DEPTH},
                            "density": DENSITY,
                            "electron_capture": CAPTURE,
                            "hole_capture": 1e-25,
                            "charge": charge,
                        }
                    ],
                }
            ],
            "contact": {"front": {"work_function": 5.2}, "back": {"work_function": 4.2}},
        },
        bare_numbers=True,
    )


@pytest.mark.parametrize("charge", ["acceptor", "donor"])
def test_a_level_empties_at_its_emission_rate(charge: str) -> None:
    """Filled in forward bias, then swept clear in reverse: f decays as exp(-e t), e = C Nc exp(-depth / kT)."""
    engine = Engine(build(slab(charge)), tolerance=1e-5)
    filled = engine.settled(1.0, 0.0)
    emission = CAPTURE * NC * np.exp(-DEPTH / VT)
    times = tuple(np.array([0.5, 1.0, 2.0, 3.0]) / emission)
    trace = engine.run([Step(times[-1], Voltage(-3.0), times=times)], filled)
    # where the reverse field leaves no electrons, away from the cathode that supplies them
    middle = int(np.argmin(np.abs(engine.problem.shown.mesh.sites - 0.3e-6)))
    occupation = [float(moment.bulk[0, middle]) for moment in trace.moments]
    swept = occupation[0] / np.exp(-0.5)
    expected = swept * np.exp(-emission * np.array(times))
    assert occupation == pytest.approx(expected, rel=5e-3)
    assert occupation[-1] < 0.1 * occupation[0]


def test_at_rest_the_occupation_is_that_of_the_fermi_level() -> None:
    engine = Engine(build(slab()))
    trace = engine.run([Step(1.0, Voltage(0.0))], engine.settled(0.0, 0.0))
    moment = trace.moments[-1]
    state, node = moment.state, engine.device.site_node
    # Ec - EF in units of kT, from the potential and the levels
    ec = engine.device.layer[0, dv.EC] - state.psi[node] - state.fn[node]
    fermi = 1.0 / (1.0 + np.exp(ec - DEPTH / VT))
    assert moment.bulk[0] == pytest.approx(fermi, rel=1e-9)


def test_no_charge_is_lost_between_bands_and_traps() -> None:
    """The current that leaves at one contact, less that which enters at the other, is the charge that piles up."""
    engine = Engine(build(slab()), tolerance=2e-4)
    start = engine.settled(1.0, 0.0)
    emission = CAPTURE * NC * np.exp(-DEPTH / VT)
    trace = engine.run([Step(1e-3 / emission, Voltage(1.0, 0.9), points=2)], start)
    volume, device = engine.device.volume, engine.device
    charges = []
    for moment in (start, *trace.moments):
        engine._refresh(moment)
        held = engine.work.p - engine.work.n - DENSITY * engine._filled.bulk[0]
        charges.append(float((held * volume)[1:-1].sum()))
    # Gauss: the field's difference between the ends holds the same charge at every moment
    eps = device.layer[0, dv.EPS]
    for moment, charge in zip((start, *trace.moments), charges, strict=True):
        slope = np.diff(moment.state.psi) / np.diff(device.x)
        assert -eps * (slope[-1] - slope[0]) == pytest.approx(charge, rel=1e-7)
