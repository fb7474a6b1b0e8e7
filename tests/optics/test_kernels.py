"""The compiled rays against the transfer matrix, which the `tmm` package holds to, on random stacks."""

import numpy as np
import pytest

from perotwin.optics import kernels, solve

ENERGIES, ANGLES = 4, 6


def drawn(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Indices (S + 2, E), thicknesses, coherence, wavelengths and transverse indices (A, E), past total reflection."""
    count = int(rng.integers(1, 12))
    index = rng.uniform(1.0, 3.5, count + 2).astype(complex)
    kind = rng.integers(3, size=count + 2)
    index[kind == 1] += 1j * 10 ** rng.uniform(-7, 0, np.count_nonzero(kind == 1))
    metals = np.count_nonzero(kind == 2)
    index[kind == 2] = rng.uniform(0.05, 1.5, metals) + 1j * rng.uniform(2, 6, metals)
    index[0] = rng.uniform(1.0, 2.6)
    thickness = 10 ** rng.uniform(-9.5, -6, count)
    coherent = rng.random(count) < 0.8
    for j in np.flatnonzero(~coherent):
        thickness[j] = 10 ** rng.uniform(-6, -3.5)
        index[j + 1] = rng.uniform(1.2, 2.6) + 1j * 10 ** rng.uniform(-9, -4)
    kx = np.repeat(index[0].real * np.sqrt(1 - rng.uniform(0, 1, (ANGLES, 1)) ** 2), ENERGIES, axis=1)
    return (
        np.repeat(index[:, None], ENERGIES, axis=1),
        thickness,
        coherent,
        np.linspace(4e-7, 9e-7, ENERGIES),
        kx,
    )


@pytest.mark.parametrize("seed", range(60))
def test_rays_agree_with_the_transfer_matrix(seed: int) -> None:
    """Thick layers, evanescent waves, both polarisations, from either end."""
    index, thickness, coherent, lam, kx = drawn(np.random.default_rng(seed))
    count = len(thickness)
    there = kernels.respond(index, thickness, coherent, 2 * np.pi / lam, kx, 0, count, 1)
    turned = (index[::-1].copy(), thickness[::-1].copy(), coherent[::-1].copy())
    back = kernels.respond(*turned, 2 * np.pi / lam, kx, count - 1, count, -1)
    for found, absorbed in ((there, there[2]), (back, back[2][..., ::-1])):
        for i, polarised in enumerate("sp"):
            wanted = solve(index, thickness, lam, coherent=coherent, transverse=kx, polarisation=polarised)
            np.testing.assert_allclose(found[0][i], wanted.reflectance, rtol=0, atol=1e-11)
            np.testing.assert_allclose(found[1][i], wanted.transmittance, rtol=0, atol=1e-11)
            np.testing.assert_allclose(
                absorbed[i], np.moveaxis(wanted.absorptance, 0, -1), rtol=0, atol=1e-11
            )
        np.testing.assert_allclose(found[0] + found[1] + found[2].sum(-1), 1.0, atol=1e-11)


@pytest.mark.parametrize("thickness", [1e-9, 3e-7])
@pytest.mark.parametrize("k", [1e-6, 1e-10, 1e-14])
def test_the_weakest_absorption_is_exact(thickness: float, k: float) -> None:
    """Between strong neighbours: not the small difference of two large powers."""
    index = np.array([1.0, 2.2, 2.4 + 1j * k, 1.4, 0.1 + 4j, 1.0])[:, None]
    depth = np.array([8e-8, thickness, 5e-8, 1e-7])
    kx = np.array([[0.0], [0.7]])
    _, _, taken = kernels.respond(index, depth, np.ones(4, bool), np.array([2 * np.pi / 6e-7]), kx, 0, 4, 1)
    for i, polarised in enumerate("sp"):
        wanted = solve(index, depth, [6e-7], transverse=kx, polarisation=polarised).absorptance[1]
        np.testing.assert_allclose(taken[i, ..., 1], wanted, rtol=1e-9)
        assert not taken[i, ..., 0].any(), "and none is none"


def test_a_thin_thick_layer_keeps_no_phase() -> None:
    """Whether a layer is coherent is the cell's word, not a matter of its thickness."""
    index = np.array([1.0, 1.5, 2.0 + 0.01j, 1.0])[:, None]
    args = (np.array([1e-9, 2e-7]), np.array([False, True]))
    found = kernels.respond(index, *args, np.array([2 * np.pi / 6e-7]), np.zeros((1, 1)), 0, 2, 1)
    wanted = solve(index, args[0], [6e-7], coherent=args[1])
    assert found[0][0, 0, 0] == pytest.approx(wanted.reflectance[0], abs=1e-13)


def test_opaque_metal_overflows_nothing() -> None:
    index = np.array([1.0, 0.1 + 6j, 2.0, 1.0])[:, None]
    found = kernels.respond(
        index, np.array([5e-5, 1e-7]), np.ones(2, bool), np.array([1e7]), np.zeros((1, 1)), 0, 2, 1
    )
    assert all(np.isfinite(part).all() for part in found)
    assert found[1].max() == 0.0 and found[0][0, 0, 0] + found[2][0, 0, 0, 0] == pytest.approx(1.0)
