"""Fronts of carriers that no mesh resolves do not set the time step, and everything that a mesh resolves does."""

from __future__ import annotations

import numpy as np
import pytest

import perotwin as pt
from perotwin.stack import Stack
from perotwin.transport.build import build
from perotwin.transport.device import Device
from perotwin.transport.kernels.implicit_step import _resolved
from perotwin.transport.schedule import Step, Voltage
from perotwin.transport.transient import TOLERANCE, Engine
from wide_time_draw import FIRST_SCAN, scan

NAME = "cell-a"


@pytest.fixture(scope="module")
def device() -> Device:
    return build(pt.load(NAME)).parts[0].device


def _counts(device: Device, density: np.ndarray, layer: int) -> np.ndarray:
    counts = np.full(density.size, np.nan)
    _resolved(device, density, layer, counts)
    return counts[device.site_start[layer] : device.site_start[layer + 1]]


def _positions(device: Device, layer: int) -> np.ndarray:
    sites = device.x[device.site_node]
    return np.asarray(sites[device.site_start[layer] : device.site_start[layer + 1]])


def test_what_a_mesh_resolves_counts_in_full(device: Device) -> None:
    density = np.full(device.volume.size, 1e30)
    for layer in range(device.offset.size):
        here = slice(device.site_start[layer], device.site_start[layer + 1])
        # a factor of e in five nodes, and of ten thousand in all; beside layers that are far denser
        density[here] = 1e20 * np.exp(-0.2 * np.arange(device.volume[here].size))
    for layer in range(device.offset.size):
        assert np.all(_counts(device, density, layer) == 1.0)


def test_what_stands_before_a_front_counts_by_how_steep_it_is(device: Device) -> None:
    layer = 1
    first, last = int(device.site_start[layer]), int(device.site_start[layer + 1])
    middle = (first + last) // 2
    density = np.full(device.volume.size, 1e20)
    density[middle:last] = 1e17
    for values, there in ((density, middle - first), (density[::-1].copy(), None)):
        if there is None:
            values = np.full(device.volume.size, 1e20)
            values[first:middle] = 1e17
            there = middle - first - 1
        counts = _counts(device, values, layer)
        assert counts[there] == pytest.approx((10.0 * 1e-3) ** 3, rel=1e-12)
        # far from it, and behind it, all counts
        behind = counts[:there] if values is density else counts[there + 1 :]
        x = _positions(device, layer)
        beyond = np.abs(x - x[there]) > 1e-9
        assert np.all(behind == 1.0) and np.all(counts[beyond] == 1.0)


def test_within_a_bond_of_a_front_nothing_counts_however_fine_the_mesh() -> None:
    fine = build(pt.load(NAME), density=160.0).parts[0].device
    density = np.full(fine.volume.size, 1e10)
    density[fine.site_start[1]] = 1e20
    counts, x = _counts(fine, density, 1), _positions(fine, 1)
    assert np.count_nonzero(x - x[0] < 0.1e-9) > 20
    assert counts[0] == 1.0 and np.all(counts[1:][x[1:] - x[0] < 0.1e-9] < 1e-20)
    # ten decades fade, by e each 0.3 nm, to one
    assert np.all(counts[x - x[0] > 0.3e-9 * np.log(1e10)] == 1.0)


@pytest.mark.slow
def test_a_cell_whose_traps_fill_node_by_node_is_followed_to_the_same_currents() -> None:
    data, _ = scan(FIRST_SCAN + 52)
    cell = Stack.from_data(data, bare_numbers=True)
    light, found = float(cell.light.intensity), []
    for tolerance in (TOLERANCE, 0.1 * TOLERANCE):
        engine = Engine(build(cell), tolerance)
        times = tuple(np.geomspace(1e-6, 0.5, 24).tolist())
        trace = engine.run([Step(0.5, Voltage(1.3262), light, times=times)], engine.settled(0.0, 0.0))
        found.append(trace.current)
        assert trace.constancy.max() <= 1.0
    assert found[0] == pytest.approx(found[1], rel=2e-3)
