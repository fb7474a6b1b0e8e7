"""A cell described from its other end is the same cell."""

import numpy as np
import pytest

import perotwin as pt
from devices import inside
from perotwin.stack import Stack

VOLTAGES = (-0.3, 0.0, 0.6, 1.1, 1.3)


@pytest.mark.parametrize("name", ["cell-a", "wbg-target", "nip-example"])
def test_a_mirrored_cell_mirrors(name: str) -> None:
    cell: Stack = pt.load(name)
    found, seen = inside(cell, VOLTAGES)
    other, mirrored = inside(cell.mirrored(), VOLTAGES)
    jsc = abs(found.current[1])
    ours, theirs = found.shown, other.shown
    assert np.abs(ours.current - theirs.current).max() < 1e-9 * jsc
    # losses follow their place: the front contact's are now the back contact's
    assert theirs.back_loss == pytest.approx(ours.front_loss, abs=1e-9 * jsc)
    assert theirs.front_loss == pytest.approx(ours.back_loss, abs=1e-9 * jsc)
    channels = [channel.name for channel in ours.junction.channels]
    for c, channel in enumerate(theirs.junction.channels):
        place, _, rest = channel.name.partition(" ")
        own = channels.index(" ".join(("|".join(reversed(place.split("|"))), rest)))
        assert theirs.channel[:, c] == pytest.approx(ours.channel[:, own], rel=1e-8, abs=1e-10 * jsc)

    assert mirrored.x[::-1] == pytest.approx(seen.x[-1] - seen.x, abs=1e-18)
    for field in ("conduction_band", "valence_band", "electron_fermi_level", "hole_fermi_level"):
        assert getattr(mirrored, field)[:, ::-1] == pytest.approx(getattr(seen, field), abs=1e-8), field
    for field in ("electron_density", "hole_density", "ion_density"):
        assert getattr(mirrored, field)[:, ::-1] == pytest.approx(getattr(seen, field), rel=1e-6), field
    largest = np.abs(seen.electric_field).max()
    assert -mirrored.electric_field[:, ::-1] == pytest.approx(seen.electric_field, abs=1e-8 * largest)


def test_the_dipole_turns_with_its_cell() -> None:
    cell = pt.load("wbg-target")
    dipole = float(cell.get("niox|perovskite.dipole"))
    assert dipole != 0.0
    assert float(cell.mirrored().get("perovskite|niox.dipole")) == -dipole
    # and it matters: without turning, the mirrored cell would be another one
    flat = cell.mirrored().with_values({"perovskite|niox.dipole": dipole})
    ours, _ = inside(cell, [1.2])
    other, _ = inside(flat, [1.2])
    assert abs(ours.current[0] - other.current[0]) > 0.01 * abs(ours.current[0])
