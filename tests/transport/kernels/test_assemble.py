"""The Jacobian that Newton's method uses is the derivative of the residual, entry by entry."""

from typing import Any

import numpy as np
import pytest

import perotwin as pt
from coarse import CASES, coarse
from jacobians import departures, device_of, disturbed
from perotwin.stack import Traps
from perotwin.transport import device as dv
from perotwin.transport.build import build
from tandems import plain


# Slow carriers make recombination and the contacts stand out beside transport, fast ones transport.
@pytest.mark.parametrize("speed", [1.0, 1e-12], ids=["fast", "slow"])
@pytest.mark.parametrize("statistics", ["boltzmann", "fermi-dirac"])
@pytest.mark.parametrize("options", CASES.values(), ids=CASES.keys())
def test_jacobian_is_the_slope_of_the_residual(
    statistics: str, speed: float, options: dict[str, Any]
) -> None:
    state = disturbed(coarse(statistics, **options), 0.9, seed=3, size=0.3)
    wrong, scale = departures(coarse(statistics, speed, **options), state)
    # the potential at a contact is given
    assert wrong[1:-1].max() < 1e-8
    assert wrong[[0, -1], 1:].max() < 1e-8
    assert np.all(scale[1:-1] > 0.0)


@pytest.mark.parametrize("statistics", ["boltzmann", "fermi-dirac"])
@pytest.mark.parametrize("options", CASES.values(), ids=CASES.keys())
def test_jacobian_of_a_sample_without_contacts(statistics: str, options: dict[str, Any]) -> None:
    """At bare ends Poisson's equation stands as anywhere else."""
    made = coarse(statistics, isolated=True, **options)
    state = disturbed(made, 0.0, seed=3, size=0.3)
    wrong, scale = departures(made, state)
    held = np.argwhere(made.shown.device.contact[:, [dv.C_SN, dv.C_SP]] < 0.0)
    assert len(held) == 1
    end, carrier = held[0]
    wrong[-int(end), 1 + int(carrier)] = 0.0
    assert wrong.max() < 1e-7
    assert np.all(scale[:, 0] > 0.0)


@pytest.mark.parametrize("statistics", ["boltzmann", "fermi-dirac"])
@pytest.mark.parametrize(
    "junction",
    [
        {"kind": "ideal"},
        {"kind": "traps", "electron_velocity": 300.0, "hole_velocity": 20.0},
        {"kind": "traps", "electron_velocity": 300.0, "hole_velocity": 20.0, "metal": {"work_function": 4.3}},
    ],
    ids=["ideal", "traps", "metal"],
)
@pytest.mark.parametrize("mirrored", [False, True])
def test_jacobian_where_two_junctions_meet(statistics: str, junction: dict[str, Any], mirrored: bool) -> None:
    """One mesh with levels at the face where traps join them, else two that end to end know nothing of each other."""
    tandem = plain((6e27, 5e27), statistics, junction=junction)
    made = build(tandem.mirrored() if mirrored else tandem)
    one_mesh = isinstance(tandem.joints[0], Traps) and tandem.joints[0].metal is None
    assert len(made.parts) == (1 if one_mesh else 2)
    wrong, scale = departures(made, disturbed(made, 1.6, seed=3, size=0.3))
    ends = np.zeros(wrong.shape[0], dtype=bool)
    start = device_of(made).node_start
    ends[start[:-1]] = ends[start[1:] - 1] = True
    assert wrong[~ends].max() < 1e-7
    assert wrong[ends, 1:].max() < 1e-7
    assert np.all(scale[~ends] > 0.0)


def test_columns_of_the_device_are_what_the_test_thinks() -> None:
    device = coarse("fermi-dirac").shown.device
    assert set(device.trap[:, dv.T_KIND]) == {-1.0, 0.0, 1.0}
    assert set(device.face_trap[:, dv.F_KIND]) == {-1.0, 1.0}
    assert np.all(device.ion[:, dv.I_SITES] > 0.0)
    assert np.all(device.contact[:, [dv.C_SN, dv.C_SP]] > 0.0)
    assert np.all(device.contact[:, dv.C_BARE] == 0.0)
    free = coarse("fermi-dirac", isolated=True).shown.device
    assert np.all(free.contact[:, dv.C_BARE] == 1.0)
    # one level is held as the zero of energy, and the other three stay
    assert sorted(free.contact[:, [dv.C_SN, dv.C_SP]].ravel()) == [-1.0, 0.0, 0.0, 0.0]
    assert device.layer[1, dv.AUGER_N] > 0.0


@pytest.mark.parametrize("speed", [1.0, 1e-12], ids=["fast", "slow"])
def test_jacobian_of_emission_by_crowded_carriers(speed: float) -> None:
    """In detailed balance the rate hangs on the splitting alone, though both densities enter it."""
    doped = pt.load("nbg").with_values({"perovskite.electronic.acceptor_density": "1e19 cm^-3"})
    slow = {f"perovskite.electronic.{one}_mobility": speed * 1e-3 for one in ("electron", "hole")}
    made, slowed = build(doped, density=0.3), build(doped.with_values(slow), density=0.3)
    state = disturbed(made, 0.85, seed=3, size=0.3)
    assert made.shown.device.balanced.sum() == 1
    wrong, scale = departures(slowed, state)
    assert wrong[1:-1].max() < 1e-8
    assert np.all(scale[1:-1] > 0.0)
