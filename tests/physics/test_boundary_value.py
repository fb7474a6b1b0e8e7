"""Whole cells against a boundary-value solver that shares nothing with ours but the stack: see `collocation`.

Ours is of second order, so that two meshes extrapolate to what the equations say; there both must meet.
"""

from typing import Any

import numpy as np
import pytest

import collocation
from devices import VT, cell, layer
from devices import inside as solve
from perotwin.stack import Stack
from perotwin.transport.mesh import graded

CAPTURE = {"electron_capture": 1e-14, "hole_capture": 3e-15}
FACE = {"level": {"below": "conduction", "depth": 0.5}, "density": 3e15, **CAPTURE}
OPEN = {"electron_velocity": 1e3, "hole_velocity": 1e3}


def complete(statistics: str, ions: dict[str, Any] | None = None, offset: float = 0.4) -> Stack:
    """Three layers with offsets, dipoles, charged levels inside and at both faces, contacts of finite velocities."""
    traps = [
        {"level": {"below": "conduction", "depth": 0.3}, "density": 2e22, "charge": "acceptor", **CAPTURE},
        {"level": {"above": "valence", "height": 0.4}, "density": 1e22, "charge": "donor", **CAPTURE},
        {"electron_lifetime": 1e-7, "hole_lifetime": 3e-7},
    ]
    return cell(
        layer("htl", 30e-9, role="htl", affinity=3.9 - offset, gap=1.5 + offset, nc=1e25, nv=1e26, mobility=1e-7,
              eps=4.0, doping=-3e24, statistics=statistics),
        layer("absorber", 300e-9, affinity=3.9, gap=1.6, nc=2e24, nv=3e24, mobility=(2e-4, 1e-4), eps=20.0,
              doping=1e21, statistics=statistics, radiative=1e-16, auger=(1e-40, 2e-40), trap=traps,
              ions=None if ions is None else {"density": 1e23, "response": "steady", **ions}),
        layer("etl", 40e-9, role="etl", affinity=4.05, gap=2.0, nc=1e26, nv=1e25, mobility=1e-6, eps=5.0,
              doping=2e25, statistics=statistics),
        front={"work_function": 5.3, "electron_velocity": 10.0, "hole_velocity": 1e3},
        back={"work_function": 4.1, "electron_velocity": 1e4, "hole_velocity": 1.0},
        faces={
            "htl|absorber": {"dipole": 0.15, "trap": [{**FACE, "charge": "donor"}]},
            "absorber|etl": {"dipole": -0.05, "trap": [{**FACE, "charge": "acceptor"}]},
        },
        rate=3e27,
    )  # fmt: skip


def homojunction() -> Stack:
    trap = [
        {"electron_lifetime": 1e-9, "hole_lifetime": 4e-9, "level": {"below": "conduction", "depth": 0.5}}
    ]
    half: dict[str, Any] = {
        "affinity": 4.0,
        "gap": 1.3,
        "mobility": (1e-3, 4e-4),
        "eps": 12.0,
        "radiative": 1e-16,
    }
    return cell(
        layer("p", 400e-9, role="htl", doping=-3e22, trap=trap, **half),
        layer("n", 300e-9, doping=1e22, trap=trap, **half),
        front={"work_function": 5.15, **OPEN},
        back={"work_function": 4.12, **OPEN},
        rate=1e27,
    )


#: stack, junction voltage, suns
CASES: dict[str, tuple[Stack, float, float]] = {
    "short circuit": (complete("fermi-dirac"), 0.0, 1.0),
    "maximum power": (complete("boltzmann"), 0.9, 1.0),
    "wide transport layer": (complete("fermi-dirac", offset=0.8), 0.95, 1.0),
    "dark": (complete("fermi-dirac"), 1.0, 0.0),
    "ions": (complete("boltzmann", {}), 0.9, 1.0),
    "ions, short circuit": (complete("fermi-dirac", {}), 0.0, 1.0),
    "crowded ions": (complete("fermi-dirac", {"site_density": 2e24}), 0.9, 1.0),
    "negative ions": (complete("boltzmann", {"charge": -1}), 0.85, 1.0),
    "ions in the dark": (complete("boltzmann", {"site_density": 5e23}), 1.0, 0.0),
    "mirrored": (complete("fermi-dirac", {}).mirrored(), 0.9, 1.0),
    "homojunction, dark": (homojunction(), 0.6, 0.0),
    "homojunction, reverse": (homojunction(), -1.0, 0.0),
    "homojunction, light": (homojunction(), 0.5, 1.0),
}


@pytest.mark.parametrize(("stack", "voltage", "suns"), CASES.values(), ids=CASES.keys())
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_whole_cells(stack: Stack, voltage: float, suns: float) -> None:
    mesh = graded([float(each.thickness) for each in stack.electrical_layers])
    coarse, guess = solve(stack, [voltage], suns, mesh=mesh)
    fine, seen = solve(stack, [voltage], suns, mesh=mesh.refined(2))
    anode = stack.electrical_layers[0].role == "htl"
    exact, fields, _ = collocation.current(stack, voltage, suns, guess, front_anode=anode)

    ours = (4 * fine.current[0] - coarse.current[0]) / 3
    assert ours == pytest.approx(exact, rel=1e-5)
    # the error itself falls with the square of the node distance, and on the usual mesh it is small
    assert (coarse.current[0] - exact) / (fine.current[0] - exact) == pytest.approx(4.0, abs=0.2)
    assert coarse.current[0] == pytest.approx(exact, rel=2e-3)

    # levels and bands, node by node
    start = 0.0
    for m, each in enumerate(stack.electrical_layers):
        here = seen.layer == m
        there = fields((seen.x[here] - start) / float(each.thickness))[collocation.UNKNOWNS * m :]
        start += float(each.thickness)
        for row, field in (
            (collocation.PHI, seen.conduction_band + float(each.electronic.electron_affinity)),
            (collocation.FN, seen.electron_fermi_level),
            (collocation.FP, seen.hole_fermi_level),
        ):
            assert np.abs(field[0, here] - VT * there[row]).max() < 3e-4
