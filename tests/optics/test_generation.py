"""Absorption and generation of whole cells."""

from pathlib import Path

import numpy as np
import pytest

import perotwin as pt
from cells import cell, layer, optical_cell, slab
from perotwin.errors import InputError, OutOfRangeError
from perotwin.materials import HC, optical
from perotwin.optics import absorb, am15g
from perotwin.optics import generation as rules
from perotwin.optics.films import films
from perotwin.stack import Stack

Q = 1.602176634e-19
OPTICAL_CELLS = ["wbg-control", "wbg-target", "nip-example", "nbg"]


def faces(stack: Stack, each: int = 40) -> np.ndarray:
    """Faces with every layer boundary, graded towards them."""
    found, position = [0.0], 0.0
    for part in stack.electrical_layers:
        steps = (1 - np.cos(np.linspace(0, np.pi, each + 1))) / 2
        found += list(position + float(part.thickness) * steps[1:])
        position += float(part.thickness)
    return np.array(found)


@pytest.mark.parametrize("name", OPTICAL_CELLS)
def test_all_light_is_accounted_for(name: str) -> None:
    stack = pt.load(name)
    found = absorb(stack, faces(stack))
    assert all(row.passed for row in found.checks.values()), found.checks
    total = found.reflectance + found.transmittance + found.absorptance.sum(axis=0)
    np.testing.assert_allclose(total, 1.0, atol=1e-12)
    absorbers = [found.layers.index(part.name) for part in stack.absorbers]
    np.testing.assert_allclose(found.spectral.sum(axis=1), found.absorptance[absorbers].sum(0), atol=1e-13)
    assert found.photocurrent == pytest.approx(
        sum(found.current(part.name) for part in stack.absorbers), rel=1e-12
    )
    assert np.all(found.generation >= 0)


@pytest.mark.parametrize("name", OPTICAL_CELLS)
def test_only_absorbers_generate(name: str) -> None:
    stack = pt.load(name)
    x = faces(stack)
    middle = (x[1:] + x[:-1]) / 2
    found = absorb(stack, x)
    position = 0.0
    for part in stack.electrical_layers:
        inside = (middle > position) & (middle < position + float(part.thickness))
        assert np.any(found.generation[inside] > 0) == (part.role == "absorber")
        position += float(part.thickness)


def test_intervals_do_not_depend_on_their_neighbours() -> None:
    """Exact integration: halving the intervals changes no sum."""
    stack = optical_cell()
    coarse, fine = faces(stack, 10), faces(stack, 10)
    fine = np.sort(np.concatenate([fine, (fine[1:] + fine[:-1]) / 2]))
    one, two = absorb(stack, coarse).generation, absorb(stack, fine).generation
    np.testing.assert_allclose(two.reshape(-1, 2).sum(axis=1), one, rtol=1e-11, atol=one.max() * 1e-12)


@pytest.mark.parametrize("name", OPTICAL_CELLS)
def test_the_photocurrent_is_converged_in_wavelength(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = pt.load(name)
    used = absorb(stack, faces(stack, 3)).photocurrent
    monkeypatch.setattr(rules, "_STEP", 0.5e-9)
    monkeypatch.setattr(rules, "_EDGE_STEP", 0.25e-9)
    assert used == pytest.approx(absorb(stack, faces(stack, 3)).photocurrent, rel=1e-4)


@pytest.mark.parametrize("name", OPTICAL_CELLS)
def test_a_mirrored_cell_mirrors(name: str) -> None:
    """The same device told from its other end, roughness included."""
    stack = pt.load(name)
    x = faces(stack)
    there, back = absorb(stack, x), absorb(stack.mirrored(), x[-1] - x[::-1])
    assert back.side == "back"
    np.testing.assert_allclose(
        back.generation[::-1], there.generation, rtol=1e-9, atol=1e-9 * there.generation.max()
    )
    np.testing.assert_allclose(back.reflectance, there.reflectance, atol=1e-12)
    np.testing.assert_allclose(back.absorptance[::-1], there.absorptance, atol=1e-12)


@pytest.mark.parametrize("side", ["front", "back"])
@pytest.mark.parametrize("degrees, polarisation", [(0.0, "s"), (50.0, "s"), (50.0, "p")])
def test_a_library_cell_agrees_with_tmm(side: str, degrees: float, polarisation: str) -> None:
    """Glass incoherent, the rest coherent, every layer's absorptance."""
    import tmm

    stack = pt.load("nbg")
    bound = films(stack)
    lam = np.array([350e-9, 500e-9, 700e-9, 950e-9])
    sine = np.sin(np.radians(degrees))
    lit = bound.lit(lam, side, sine=sine, polarisation=polarisation)
    order = slice(None) if side == "front" else slice(None, None, -1)
    index = np.array([model.nk(lam) for model in bound.models])[order]
    thick = bound.thickness[order]
    kinds = ["i", *["c" if part.is_coherent else "i" for part in stack.layer][order], "i"]
    for j, wavelength in enumerate(lam):
        found = tmm.inc_tmm(
            polarisation,
            [1, *index[:, j], 1],
            [np.inf, *thick, np.inf],
            kinds,
            np.radians(degrees),
            wavelength,
        )
        assert lit.reflectance[j] == pytest.approx(found["R"], abs=1e-9)
        wanted = np.array(tmm.inc_absorp_in_each_layer(found))[1:-1][order]
        np.testing.assert_allclose(lit.absorptance[:, j], wanted, atol=1e-9)


def test_light_from_the_back() -> None:
    """A semitransparent cell lit from behind generates at the back; transmission is the same both ways."""
    layers = (
        layer("glass", "substrate", "glass", "1.1 mm"),
        layer("ito", "electrode", "ito", "150 nm"),
        layer("perovskite", "absorber", "halide-perovskite", "500 nm", gap=1.7),
        layer("izo", "electrode", "izo", "100 nm"),
    )
    front, back = cell(*layers), cell(*layers, light='side = "back"')
    x = np.linspace(0, 500e-9, 101)
    ahead, behind = absorb(front, x), absorb(back, x)
    np.testing.assert_allclose(ahead.transmittance, behind.transmittance, atol=1e-6)
    assert ahead.generation[:10].sum() > 2 * ahead.generation[-10:].sum()
    assert behind.generation[-10:].sum() > 2 * behind.generation[:10].sum()


def test_intensity_scales_everything() -> None:
    x = faces(optical_cell())
    sun, tenth = absorb(optical_cell(), x), absorb(optical_cell(light='intensity = "0.1 sun"'), x)
    np.testing.assert_allclose(tenth.generation, 0.1 * sun.generation, rtol=1e-12)
    dark = absorb(optical_cell(light='intensity = "dark"'), x)
    assert dark.photocurrent == 0.0 and all(row.passed for row in dark.checks.values())


# --- ranges and extrapolation -------------------------------------------------------------------------


def test_photons_outside_the_tables_are_a_row_of_the_checks() -> None:
    """TiO2 is known from 330 nm: the ultraviolet below counts as lost, and is told in mA/cm^2."""
    stack = cell(
        layer("glass", "substrate", "glass", "1.1 mm"),
        layer("tio2", "etl", "tio2", "30 nm", gap=3.2),
        layer("perovskite", "absorber", "halide-perovskite", "450 nm", gap=1.6),
        layer("ag", "electrode", "ag", "100 nm"),
    )
    x = faces(stack)
    found = absorb(stack, x)
    row = found.checks["photons outside the optical tables (mA/cm^2)"]
    assert found.wavelength[0] == pytest.approx(330e-9)
    ultraviolet = Q * am15g().photon_flux(280e-9, 330e-9) / 10
    assert row.value == pytest.approx(ultraviolet, rel=0.01) and row.passed
    stated = stack.with_values({"tio2.extrapolate": True})
    wider = absorb(stated, x)
    assert wider.wavelength[0] < 313e-9 and any("tio2" in note and "330" in note for note in wider.notes)
    assert wider.photocurrent > found.photocurrent


def test_wavelengths_that_a_caller_names_are_refused_outside_the_tables() -> None:
    stack = optical_cell()
    found = absorb(stack, faces(stack), wavelength=[400e-9, 500e-9])
    assert found.spectral.shape == (2, len(faces(stack)) - 1)
    with pytest.raises(OutOfRangeError, match=r"niox.*1080 nm") as caught:
        absorb(stack, faces(stack), wavelength=[500e-9, 1090e-9])
    assert caught.value.key == "niox.material" and "extrapolate" in caught.value.advice


def test_a_gap_between_tables_is_said_with_the_result() -> None:
    stack = optical_cell(gap=1.45)
    assert any("extrapolated" in note for note in absorb(stack, faces(stack)).notes)
    stack = optical_cell(gap=1.70)
    assert not any("extrapolated" in note for note in absorb(stack, faces(stack)).notes)


def test_a_layer_without_material_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="material"):
        stack = slab(1.6)
        absorb(stack, faces(stack))


def test_faces_must_include_the_layers_boundaries() -> None:
    stack = optical_cell()
    with pytest.raises(InputError, match='boundaries of the layer "perovskite"'):
        absorb(stack, np.linspace(0, 495e-9, 20))


# --- other spectra ------------------------------------------------------------------------------------


def test_one_sun_of_a_laser_gives_the_current_of_the_sun() -> None:
    x = faces(optical_cell())
    sun = absorb(optical_cell(), x)
    laser = absorb(optical_cell(light='spectrum = { kind = "monochromatic", wavelength = "532 nm" }'), x)
    assert laser.photocurrent == pytest.approx(sun.photocurrent, rel=1e-12)
    assert laser.wavelength == pytest.approx([532e-9])
    assert laser.generation[-60:].sum() < sun.generation[-60:].sum()
    with pytest.raises(InputError, match="does not absorb"):
        absorb(optical_cell(light='spectrum = { kind = "monochromatic", wavelength = "1000 nm" }'), x)


def test_a_spectrum_from_a_file(tmp_path: Path) -> None:
    sun = am15g()
    path = tmp_path / "sun.csv"
    power = sun.photon_flux_density * HC * Q / sun.wavelength * 1e-9
    path.write_text(
        "\n".join(f"{lam * 1e9:.17g},{p:.17g}" for lam, p in zip(sun.wavelength, power, strict=True))
    )
    x = faces(optical_cell())
    stack = optical_cell(light=f'spectrum = {{ kind = "file", path = "{path}" }}')
    assert absorb(stack, x).photocurrent == pytest.approx(absorb(optical_cell(), x).photocurrent, rel=1e-6)


# --- generation that is not from optics ---------------------------------------------------------------


@pytest.mark.parametrize("gap, current", [(1.79, 19.906), (1.25, 37.575)])
def test_a_step_absorber_takes_every_photon_above_its_gap(gap: float, current: float) -> None:
    stack = slab(gap, light='generation = "step"')
    found = absorb(stack, np.linspace(0, 500e-9, 11))
    assert found.photocurrent / 10 == pytest.approx(current, abs=5e-4)
    np.testing.assert_allclose(found.generation, found.generation[0])
    assert all(row.passed for row in found.checks.values())


def test_of_two_step_absorbers_the_second_gets_what_the_first_leaves() -> None:
    stack = cell(
        layer("wide", "absorber", None, "400 nm", gap=1.79),
        layer("narrow", "absorber", None, "800 nm", gap=1.25),
        light='generation = "step"',
    )
    found = absorb(stack, np.array([0.0, 400e-9, 1200e-9]))
    assert found.generation * Q / 10 == pytest.approx([19.906, 17.669], abs=1e-3)
    back = absorb(stack.with_light(side="back"), np.array([0.0, 400e-9, 1200e-9]))
    assert back.generation * Q / 10 == pytest.approx([0.0, 37.575], abs=1e-3)


def test_uniform_generation() -> None:
    stack = slab(
        1.6, light='generation = { kind = "uniform", rate = "2.8e21 cm^-3 s^-1" }\nintensity = "0.5 sun"'
    )
    x = np.array([0.0, 10e-9, 300e-9, 500e-9])
    np.testing.assert_allclose(absorb(stack, x).generation, 1.4e27 * np.diff(x))


def test_beer_lambert_generation_from_both_sides() -> None:
    law = (
        'generation = { kind = "beer-lambert", absorption_coefficient = "1e5 cm^-1", '
        'photon_flux = "1e17 cm^-2 s^-1" }'
    )
    x = np.array([0.0, 10e-9, 300e-9, 500e-9])
    ahead = absorb(slab(1.6, light=law), x).generation
    np.testing.assert_allclose(ahead, 1e21 * -np.diff(np.exp(-1e7 * x)))
    back = absorb(slab(1.6, light=law + '\nside = "back"'), x).generation
    np.testing.assert_allclose(back, 1e21 * np.diff(np.exp(-1e7 * (500e-9 - x))))


def test_tabulated_generation_is_integrated_exactly(tmp_path: Path) -> None:
    path = tmp_path / "rate.csv"
    path.write_text("depth nm, rate\n0, 1e27\n200, 3e27\n600, 3e27\n")
    law = f'generation = {{ kind = "file", path = "{path}" }}'
    x = np.array([0.0, 100e-9, 300e-9, 500e-9])
    expected = [1.5e27 * 100e-9, 2.5e27 * 100e-9 + 3e27 * 100e-9, 3e27 * 200e-9]
    np.testing.assert_allclose(absorb(slab(1.6, light=law), x).generation, expected)
    mirrored = absorb(slab(1.6, light=law + '\nside = "back"'), 500e-9 - x[::-1]).generation
    np.testing.assert_allclose(mirrored[::-1], expected)


def test_a_table_for_a_material(tmp_path: Path) -> None:
    """A person's table of the library's own numbers gives the library's answer."""
    model = optical("c60")
    lam = np.arange(300, 1101, 1.0)
    path = tmp_path / "c60.csv"
    index = model.nk(lam * 1e-9)
    path.write_text("\n".join(f"{a},{b.real:.17g},{b.imag:.17g}" for a, b in zip(lam, index, strict=True)))
    stack = optical_cell()
    table = stack.with_values({"c60.material": {"kind": "table", "path": str(path)}})
    x = faces(stack)
    assert absorb(table, x).photocurrent == pytest.approx(absorb(stack, x).photocurrent, rel=1e-5)


# --- files that were cut off ----------------------------------------------------------------------------


def test_a_table_that_ends_where_the_cell_absorbs_is_refused_with_its_range(tmp_path: Path) -> None:
    path = tmp_path / "short.csv"
    path.write_text("".join(f"{lam},2.0,0.1\n" for lam in range(300, 641, 5)))
    stack = optical_cell().with_values({"c60.material": {"kind": "table", "path": str(path)}})
    with pytest.raises(OutOfRangeError, match=r"c60 from 300 nm to 640 nm: \d") as caught:
        absorb(stack, faces(stack))
    assert caught.value.key == "c60.material" and "extrapolate" in caught.value.advice
    stated = stack.with_values({"c60.extrapolate": True})
    assert any("640 nm" in note for note in absorb(stated, faces(stated)).notes)


@pytest.mark.parametrize("side", ["front", "back"])
def test_a_generation_profile_that_ends_inside_the_absorber_is_refused(tmp_path: Path, side: str) -> None:
    path = tmp_path / "rate.csv"
    rows = "".join(f"{depth},1e27\n" for depth in range(0, 301, 10))
    law = f'generation = {{ kind = "file", path = "{path}" }}\nside = "{side}"'
    x = np.linspace(0, 500e-9, 11)
    path.write_text(rows)
    with pytest.raises(InputError, match="from 0 nm to 300 nm, but an absorber lies between 0 nm and 500 nm"):
        absorb(slab(1.6, light=law), x)
    path.write_text(rows + "310,0\n500,0\n")  # said to be dark
    assert absorb(slab(1.6, light=law), x).photocurrent == pytest.approx(Q * 1e27 * 305e-9, rel=1e-12)


def test_rates_in_the_middle_of_cells_fill_the_cells(tmp_path: Path) -> None:
    path = tmp_path / "rate.csv"
    path.write_text("".join(f"{depth},1e27\n" for depth in np.arange(5, 500, 10)))
    stack = slab(1.6, light=f'generation = {{ kind = "file", path = "{path}" }}')
    assert absorb(stack, np.linspace(0, 500e-9, 11)).photocurrent == pytest.approx(Q * 5e20, rel=1e-12)


def test_a_spectrum_that_ends_bright_is_said_with_the_result(tmp_path: Path) -> None:
    path = tmp_path / "lamp.csv"
    x = faces(optical_cell())
    light = f'spectrum = {{ kind = "file", path = "{path}" }}'
    path.write_text("".join(f"{lam},1.0\n" for lam in range(320, 561, 5)))
    notes = absorb(optical_cell(light=light), x).notes
    assert any("ends, still bright, at 320 nm and 560 nm" in note for note in notes)
    path.write_text(
        "".join(f"{lam},{np.exp(-(((lam - 450) / 30) ** 2)):.6g}\n" for lam in range(350, 561, 5))
    )
    assert not any("bright" in note for note in absorb(optical_cell(light=light), x).notes)
