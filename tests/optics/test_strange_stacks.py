"""Light in stacks that are hard to follow: a committed draw, rough faces, the weakest absorption, opaque backs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tmm

import optics_draw
import perotwin as pt
from cells import cell, faces, layer, optical_cell
from perotwin.errors import InputError, OutOfRangeError
from perotwin.optics import absorb, solve
from perotwin.optics.films import films
from perotwin.optics.roughness import Zone
from perotwin.stack import Stack

OUTSIDE = "photons outside the optical tables (mA/cm^2)"
LASER = {"kind": "monochromatic", "wavelength": "550 nm"}


def outcome(seed: int, folder: Path) -> str:
    """What became of one stack of the draw: "good", "refused" for a layer of some nanometres without phase, or what
    is wrong.
    """
    drawn = optics_draw.cell(seed, folder)
    stack = Stack.model_validate(drawn)
    try:
        found = absorb(stack, faces(stack))
    except InputError as error:
        name = error.key.removesuffix(".coherent") if error.key else ""
        of = next((one for one in drawn["layer"] if one["name"] == name), {})
        thin = of.get("coherent") is False and of["thickness"] < 100e-9
        return "refused" if thin and "give off" in error.message else str(error)
    failed = [name for name, row in found.checks.items() if not row.passed]
    if failed:
        return ", ".join(failed)
    takes = found.spectral.min() >= -1e-12 and found.generation.min() >= -1e-12 * found.generation.max()
    return "good" if takes else "gives off light"


def outcomes(count: int, folder: Path) -> dict[int, str]:
    return {
        seed: outcome(seed, folder) for seed in range(optics_draw.FIRST_SEED, optics_draw.FIRST_SEED + count)
    }


def judge(found: dict[int, str]) -> None:
    wrong = {seed: one for seed, one in found.items() if one not in ("good", "refused")}
    assert not wrong, wrong
    assert list(found.values()).count("refused") <= 0.06 * len(found)


def test_generation_is_what_the_absorbers_absorb(tmp_path: Path) -> None:
    judge(outcomes(18, tmp_path))


@pytest.mark.slow
def test_generation_is_what_the_absorbers_absorb_in_many_stacks(tmp_path: Path) -> None:
    judge(outcomes(200, tmp_path))


# --- each interval --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("polarisation", ["s", "p"])
@pytest.mark.parametrize("k", [1e-12, 1e-7, 1e-3, 0.5, 4.0])
def test_the_absorption_of_an_interval_is_the_integral_of_tmm_s_profile(k: float, polarisation: str) -> None:
    """Gauss' rule over the profile that tmm gives, in intervals from a picometre to a tenth of a micrometre."""
    index = [1.0, 1.8 + 0.02j, 2.4 + k * 1j, 1.6, 0.2 + 3.5j, 1.0]
    thickness, lam, angle = np.array([80e-9, 900e-9, 40e-9, 30e-9]), 530e-9, 0.6
    widths = np.array([1e-12, 1e-10, 1e-8, 1e-7])
    begin = np.array([100e-9, 200e-9, 300e-9, 350e-9])
    edges = np.sort(np.concatenate([[0.0], begin, begin + widths, [900e-9]]))
    found = solve(index, thickness, lam, transverse=np.sin(angle), polarisation=polarisation).absorbed(
        1, edges
    )[1:-1:2]
    waves = tmm.coh_tmm(polarisation, index, [np.inf, *thickness, np.inf], angle, lam)
    node, weight = np.polynomial.legendre.leggauss(20)
    at = begin[:, None] + widths[:, None] * (node + 1) / 2
    density = np.vectorize(lambda x: tmm.position_resolved(2, x, waves)["absor"])(at)
    wanted = density @ weight * widths / 2
    np.testing.assert_allclose(found, wanted, rtol=1e-9)


def test_no_depth_of_a_thick_layer_gives_off_light() -> None:
    """Without phase, and black: what its faces lose to interference goes with the light that is there."""
    edges = np.linspace(0.0, 20e-6, 401)
    found = solve([1.0, 2.5 + 0.3j, 1.5 + 2.0j], [20e-6], 600e-9, coherent=[False])
    parts = found.absorbed(0, edges)
    assert np.all(parts >= 0.0)
    assert parts.sum() == pytest.approx(found.absorptance[0], rel=1e-12)


def test_a_few_nanometres_without_phase_are_refused() -> None:
    stack = cell(
        layer("glass", "substrate", "glass", "1.1 mm"),
        layer("mgf2", "electrode", "mgf2", "100 nm"),
        layer("perovskite", "absorber", "halide-perovskite", "2 nm", gap=1.6, more="coherent = false"),
        layer("c60", "etl", "c60", "30 nm", gap=2.0),
    )
    with pytest.raises(InputError, match=r"\(2 nm\) would give off .* thinner") as caught:
        absorb(stack, faces(stack))
    assert caught.value.key == "perovskite.coherent" and "coherent = false" in caught.value.advice


# --- rough faces ----------------------------------------------------------------------------------------------------


def test_a_zone_has_its_face_in_the_middle_to_the_last_bit() -> None:
    for width in np.geomspace(1e-10, 1e-7, 700):
        edges = Zone(1, float(width), 1e-9).edges()
        assert edges[len(edges) // 2] == 0.0
        np.testing.assert_array_equal(edges, -edges[::-1])
        assert edges[-1] == pytest.approx(width / 2, rel=1e-14)


def test_layers_absorb_no_less_from_face_to_face_whatever_the_roughness() -> None:
    lam = np.array([400e-9, 600e-9])
    for rms in np.geomspace(0.3, 20.0, 60):
        stack = optical_cell(faces=f'[interface."niox|perovskite"]\nroughness = "{rms} nm"\n')
        bound = films(stack)
        for side in ("front", "back"):
            lit = bound.lit(lam, side)
            for at, thickness in enumerate(bound.thickness):
                whole = lit.absorbed(at, [0.0, thickness])[0]
                np.testing.assert_allclose(whole, lit.absorptance[at], rtol=1e-10, atol=1e-16)


# --- opaque backs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["wbg-control", "nip-example", "nbg"])
@pytest.mark.parametrize("thickness, most", [("100 nm", 0.5), ("2 um", 1e-6), ("1 mm", 0.0)])
@pytest.mark.parametrize("light", [None, LASER])
def test_next_to_no_light_passes_an_opaque_back(name: str, thickness: str, most: float, light: Any) -> None:
    """In mA/cm^2 of one sun; a laser whose light does not arrive is as strong as if all of it and the sun's did."""
    stack = pt.load(name)
    assert isinstance(stack, Stack)
    changes = {"light.side": "back", f"{stack.layer[-1].name}.thickness": thickness}
    stack = stack.with_values(changes | ({} if light is None else {"light.spectrum": light}))
    found = absorb(stack, faces(stack))
    assert all(row.passed for row in found.checks.values()), found.checks
    assert 0.0 <= found.photocurrent <= 10 * most
    assert found.photon_flux.sum() < 1e23
    assert light is not None or not any("interference" in note for note in found.notes)
    if light is None and found.checks[OUTSIDE].value > 0.02 * found.photocurrent / 10:
        assert any("next to no light comes to the absorbers" in note for note in found.notes)


def test_what_passes_a_thin_back_is_what_tmm_finds() -> None:
    """60 nm of silver let a few percent through, of which the absorber gets the larger part."""
    stack = optical_cell(light='side = "back"').with_values({"ag.thickness": "60 nm"})
    lam = np.array([450e-9, 550e-9, 650e-9])
    found = absorb(stack, faces(stack), wavelength=lam)
    bound = films(stack)
    index = np.array([model.nk(lam) for model in bound.models])[::-1]
    kinds = ["i", *["c" if part.is_coherent else "i" for part in stack.layer][::-1], "i"]
    for j, wavelength in enumerate(lam):
        other = tmm.inc_tmm(
            "s", [1, *index[:, j], 1], [np.inf, *bound.thickness[::-1], np.inf], kinds, 0, wavelength
        )
        wanted = np.array(tmm.inc_absorp_in_each_layer(other))[1:-1][::-1]
        assert found.spectral[j].sum() == pytest.approx(wanted[found.layers.index("perovskite")], rel=1e-8)


def test_an_opaque_back_does_not_excuse_tables_that_hold_none_of_the_light(tmp_path: Path) -> None:
    lam = np.linspace(620.0, 1200.0, 60)
    table = tmp_path / "red.csv"
    np.savetxt(
        table, np.column_stack([lam, np.full(60, 2.4), np.where(lam < 730, 0.05, 1e-6)]), delimiter=","
    )
    table.write_text("wl,n,k\n" + table.read_text())
    stack = optical_cell(light='side = "back"').with_values(
        {"perovskite.material": {"path": str(table)}, "ag.thickness": "500 nm"}
    )
    with pytest.raises(OutOfRangeError, match="photocurrent would be missing"):
        absorb(stack, faces(stack))
