"""Nothing flows at equilibrium, whatever the cell holds, and whichever way it got there."""

import numpy as np
import pytest

from devices import VT, everything, inside
from perotwin.stack import Stack
from perotwin.transport.checks import noise_floor, steady_checks

CASES = {
    "boltzmann": everything("boltzmann"),
    "fermi-dirac": everything("fermi-dirac"),
    "ions frozen in light": everything("fermi-dirac", {"kind": "frozen", "bias": 0.9, "light": 1.0}),
    "thermionic faces": everything("fermi-dirac", transport=("thermionic", "thermionic")),
}


@pytest.mark.parametrize("stack", CASES.values(), ids=CASES.keys())
def test_no_current_flows_at_equilibrium(stack: Stack) -> None:
    """Zero volt in the dark is reached here from a bias, so that nothing vanishes by having been set."""
    for path in ([0.4, 0.1, 0.0], [-0.5, 0.0]):
        states, fields = inside(stack, path, 0.0)
        floor = noise_floor(states.shown, fields)[-1]
        assert np.all(np.abs(fields.electron_current[-1]) <= floor)
        assert np.all(np.abs(fields.hole_current[-1]) <= floor)
        # the dark current at 0.1 V is the scale
        assert abs(states.current[-1]) <= 1e-12 * np.abs(states.current).max() + floor.min()
        levels = np.concatenate([fields.electron_fermi_level[-1], fields.hole_fermi_level[-1]])
        assert np.ptp(levels) < 1e-9


@pytest.mark.parametrize("stack", CASES.values(), ids=CASES.keys())
def test_every_channel_balances_at_equilibrium(stack: Stack) -> None:
    """Each channel by itself: its rate crosses zero with the bias, and near it goes as exp(V/kT) - 1 does."""
    small = 1e-4
    states, _ = inside(stack, [small, -small, 0.0], 0.0)
    up, down, zero = states.shown.channel
    assert np.all(up > 0.0)
    assert np.all(down < 0.0)
    assert np.all(np.abs(zero) <= 1e-9 * up)
    # the odd part leads: the even one is of second order in V
    assert np.all(np.abs(up + down) < 3 * small / VT * up)


@pytest.mark.parametrize("stack", CASES.values(), ids=CASES.keys())
def test_all_checks_pass_from_reverse_to_forward(stack: Stack) -> None:
    for intensity in (0.0, 1.0):
        states, fields = inside(stack, [-0.5, 0.0, 0.5, 1.0, 1.4], intensity)
        rows = steady_checks(states, fields)
        assert all(row.passed for row in rows.values()), rows
