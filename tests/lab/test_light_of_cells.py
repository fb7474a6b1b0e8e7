"""What efficiencies are divided by: the power that arrives."""

from __future__ import annotations

import numpy as np
import pytest

from perotwin import stack
from perotwin.lab import jv
from perotwin.lab.conditions import darkened

COARSE = jv.Protocol(step="50 mV")


@pytest.fixture(scope="module")
def cell() -> stack.Stack:
    made = stack.load("wbg-target")
    assert isinstance(made, stack.Stack)
    return made


def power(cell: stack.Stack) -> float:
    """W m^-2 that the efficiency of a cell is of."""
    found = jv.analyse(jv.measure(cell, COARSE))
    values = {name: float(found[name]) for name in ("voc", "jsc", "ff", "pce")}
    return values["voc"] * values["jsc"] * values["ff"] / values["pce"]


@pytest.mark.parametrize(
    ("light", "expected"),
    [
        ({}, 1000.0),
        ({"intensity": "50 mW/cm^2"}, 500.0),
        ({"spectrum": "AM0"}, 1366.1),
        ({"spectrum": "5800 K"}, 1000.0),
        ({"spectrum": "AM1.5D", "intensity": "450 W/m^2"}, 450.0),
        ({"angle": "60 deg"}, 500.0),
        ({"other_side": "0.2 sun"}, 1200.0),
        ({"other_side": "100 W/m^2", "intensity": "0.5 sun", "angle": "60 deg"}, 300.0),
        ({"spectrum": {"kind": "monochromatic", "wavelength": "532 nm", "irradiance": "10 mW/cm^2"}}, 100.0),
    ],
    ids=lambda value: str(value),
)
def test_the_power_that_arrives(cell: stack.Stack, light: dict[str, object], expected: float) -> None:
    assert power(cell.with_light(**light)) == pytest.approx(expected, rel=1e-9)


def test_what_arrives_is_said(cell: stack.Stack) -> None:
    from perotwin.measurement import notes_of

    def told(**light: str) -> list[str]:
        return [
            note for note in notes_of(jv.measure(cell.with_light(**light), COARSE)) if "efficiencies" in note
        ]

    assert told() == []
    assert told(angle="60 deg") == [
        "light comes at 60 deg; efficiencies are of the 500 W/m^2 that arrive on the cell."
    ]
    (note,) = told(other_side="0.2 sun")
    assert "on both sides (1 sun on the front, 0.2 sun on the other)" in note and "1200 W/m^2" in note


def test_the_dark_is_dark_on_both_sides(cell: stack.Stack) -> None:
    lit = cell.with_light(other_side="0.2 sun")
    dark = darkened(lit).light
    assert dark.intensity == 0.0 and dark.other_side == 0.0
    assert darkened(cell).to_toml() == cell.with_light(intensity="0 sun").to_toml()


def test_light_of_both_sides_scales_with_the_lit_one_in_the_cell_that_is_solved(cell: stack.Stack) -> None:
    """The solver knows suns of the lit side; the other side keeps its share."""
    from perotwin.transport.build import build

    half = build(cell.with_light(intensity="0.5 sun", other_side="0.1 sun"))
    whole = build(cell.with_light(intensity="1 sun", other_side="0.2 sun"))
    np.testing.assert_allclose(half.generation, whole.generation, rtol=1e-12)


def test_a_tandem_at_an_angle_and_from_both_sides() -> None:
    from perotwin.transport.build import build

    tandem = stack.load("tandem-target")
    front = build(tandem)
    tilted = build(tandem.with_light(angle="40 deg"))
    for which, current in tilted.photocurrents.items():
        assert 0.5 < current / front.photocurrents[which] < np.cos(np.radians(40.0)) * 1.1
    assert all(one.passed for one in tilted.checks.values())


def test_quantum_efficiencies_of_both_sides_say_whose_photons_they_count(cell: stack.Stack) -> None:
    from perotwin.lab import eqe
    from perotwin.measurement import notes_of

    one, both = eqe.measure(cell), eqe.measure(cell.with_light(other_side="0.25 sun"))
    # next to nothing comes through the silver, so the photons of the back are lost
    np.testing.assert_allclose(both["eqe"].max(), one["eqe"].max() / 1.25, rtol=5e-3)
    assert any("of the photons of both" in note for note in notes_of(both))
    assert not any("of the photons of both" in note for note in notes_of(one))
