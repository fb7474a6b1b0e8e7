"""Spectra as instruments write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perotwin.constants import c, e, h
from perotwin.errors import InputError
from perotwin.spectra import from_file

LAMBDA = np.arange(400.0, 701.0, 20.0)
#: W m^-2 nm^-1
IRRADIANCE = 1.0 + 0.01 * (LAMBDA - 400.0)


def lamp(folder: Path, heading: str, axis: np.ndarray, values: np.ndarray) -> Path:
    path = folder / "led.csv"
    rows = "".join(f"{x:.10g};{y:.12g}\n" for x, y in zip(axis, values, strict=True))
    path.write_text((heading + "\n" if heading else "") + rows)
    return path


@pytest.mark.parametrize(
    ("heading", "factor"),
    [
        ("", 1.0),
        ("wavelength (nm);irradiance (W/m2/nm)", 1.0),
        ("wavelength (nm);irradiance (W m^-2 nm^-1)", 1.0),
        ("wavelength (nm);irradiance (mW/m2/nm)", 1e3),
        ("wavelength (nm);irradiance (uW/cm2/nm)", 1e2),
        ("wavelength (nm);irradiance (W/m²/µm)", 1e3),
        ("wavelength (nm);Photons (1/(s m^2 nm))", None),
    ],
)
def test_units_of_irradiance(tmp_path: Path, heading: str, factor: float | None) -> None:
    photons = IRRADIANCE * LAMBDA * 1e-9 / (h * c)
    values = photons if factor is None else factor * IRRADIANCE
    found = from_file(lamp(tmp_path, heading, LAMBDA, values))
    np.testing.assert_allclose(found.photon_flux_density, photons * 1e9, rtol=1e-9)
    assert bool(found.notes) == (factor != 1.0)


def test_a_spectrum_against_energy_needs_to_say_per_what(tmp_path: Path) -> None:
    energy = (h * c / e) / (LAMBDA * 1e-9)
    per_energy = IRRADIANCE * 1e9 * LAMBDA * 1e-9 / energy
    found = from_file(lamp(tmp_path, "energy (eV);irradiance (W/m2/eV)", energy, per_energy))
    expected = IRRADIANCE * 1e9 * LAMBDA * 1e-9 / (h * c)
    np.testing.assert_allclose(found.photon_flux_density, expected, rtol=1e-8)
    with pytest.raises(InputError, match="per nm or per eV"):
        from_file(lamp(tmp_path, "energy (eV);irradiance", energy, per_energy))


def test_negative_noise_is_taken_as_zero_and_told(tmp_path: Path) -> None:
    values = IRRADIANCE.copy()
    values[3] = -0.01
    found = from_file(lamp(tmp_path, "", LAMBDA, values))
    assert found.photon_flux_density[3] == 0.0
    assert "1 negative value of irradiance" in found.notes[0]


@pytest.mark.parametrize(
    ("heading", "axis", "factor"), [("lambda I", 1e-9, 1e9), ("lambda (um) I", 1e-3, 1e3)]
)
def test_values_per_metre_are_known_by_their_size(
    tmp_path: Path, heading: str, axis: float, factor: float
) -> None:
    """As SIMsalabim and others in SI write a spectrum: W m^-2 m^-1 against m."""
    found = from_file(lamp(tmp_path, heading, axis * LAMBDA, 1e3 * factor * IRRADIANCE))
    assert found.irradiance == pytest.approx(1e3 * np.trapezoid(IRRADIANCE, LAMBDA), rel=1e-9)
    assert "as its size tells" in found.notes[0]


def test_relative_values_are_told(tmp_path: Path) -> None:
    (note,) = from_file(lamp(tmp_path, "nm;counts (a.u.)", LAMBDA, IRRADIANCE)).notes
    assert "relative values" in note and "lux or W/m^2" in note


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    import os

    before = from_file(lamp(tmp_path, "", LAMBDA, IRRADIANCE)).irradiance
    path = lamp(tmp_path, "", LAMBDA, 2 * IRRADIANCE)
    os.utime(path, ns=(1, 1))
    assert from_file(path).irradiance == pytest.approx(2 * before)
