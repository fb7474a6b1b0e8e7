"""Densities of the compiled code: the table of the Fermi-Dirac integral."""

import numpy as np
import pytest

from devices import cell, layer
from fermi_integrals import fermi
from perotwin.transport.build import build
from perotwin.transport.device import EC, EV, make_work, state_width
from perotwin.transport.kernels.rows import state_in
from perotwin.transport.kernels.statistics import densities


def test_the_table_of_the_compiled_code() -> None:
    """Densities and their slopes from -40 to 200 kT, the seams of the table among them."""
    made = build(cell(layer("body", 100e-9, statistics="fermi-dirac", nc=1e24, nv=3e24)), light=False)
    device = made.shown.device
    work = make_work(device, 1)
    row = np.zeros(state_width(device))
    state = state_in(device, row)
    nodes = device.x.size
    eta = np.array(
        [-40.0, -20.0, -8.001, -7.999, -3.3, -0.01, 0.7, 4.0, 12.3, 33.0, 59.999, 60.001, 90.0, 200.0]
    )
    where = np.linspace(-8.0 + 1e-3, 60.0 - 1e-3, 25)
    eta = np.concatenate([eta, where])
    psi = state.psi
    for start in range(0, eta.size, nodes):
        part = eta[start : start + nodes]
        psi[: part.size] = part + device.layer[0, EC]
        densities(device, work, state)
        f, slope = [fermi(0.5, e) for e in part], [fermi(-0.5, e) for e in part]
        assert work.n[: part.size] == pytest.approx(1e24 * np.array(f), rel=2e-9)
        assert work.gn[: part.size] == pytest.approx(np.array(slope) / np.array(f), rel=2e-7)
        # holes by the same table, from the valence band
        psi[: part.size] = device.layer[0, EV] - part
        densities(device, work, state)
        assert work.p[: part.size] == pytest.approx(3e24 * np.array(f), rel=2e-9)
        assert work.gp[: part.size] == pytest.approx(np.array(slope) / np.array(f), rel=2e-7)
