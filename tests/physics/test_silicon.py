"""A planar wafer of crystalline silicon: the current that it can give, and what it emits."""

from pathlib import Path

import numpy as np
import pytest

import perotwin as pt
from perotwin.materials import optical
from perotwin.optics import emit, solve
from perotwin.units import ELEMENTARY_CHARGE as Q

WAFER = """
name = "wafer"
[[layer]]
name = "ito"
role = "electrode"
material = "ito"
thickness = "75 nm"
extrapolate = true
[[layer]]
name = "silicon"
role = "absorber"
material = MATERIAL
bandgap = "1.12 eV"
thickness = "180 um"
coherent = false
[layer.electronic]
electron_affinity = "4.05 eV"
conduction_dos = "2.8e19 cm^-3"
valence_dos = "2.65e19 cm^-3"
electron_mobility = "1400 cm^2/(V s)"
hole_mobility = "450 cm^2/(V s)"
permittivity = 11.7
[contact.front]
work_function = "4.1 eV"
[contact.back]
work_function = "5.1 eV"
"""


def test_a_planar_wafer_of_180_um_takes_33_mA_of_sunlight() -> None:
    """33.1 mA/cm^2 under 75 nm of ITO: two transfer-matrix codes."""
    import pvlib

    sun = pvlib.spectrum.get_reference_spectra(standard="ASTM G173-03")["global"]
    lam = np.arange(310.0, 1250.0, 1.0)
    photons = Q * np.interp(lam, sun.index, sun.to_numpy()) * lam * 1e-9 / (6.62607015e-34 * 299792458.0)
    index = np.ones((4, lam.size), complex)
    index[1] = optical("ito").nk(lam * 1e-9)
    index[2] = optical("silicon").nk(lam * 1e-9)
    found = solve(index, np.array([75e-9, 180e-6]), lam * 1e-9, coherent=np.array([True, False]))
    current = np.trapezoid(photons * found.absorptance[1], lam) / 10
    assert current == pytest.approx(33.1, abs=0.15)


def silicon_as_a_table(folder: Path) -> str:
    """Rows each 10 nm to 1450 nm, as such tables are published."""
    lam = np.arange(300, 1451, 10)
    index = optical("silicon").nk(lam * 1e-9)
    rows = "\n".join(f"{a},{b.real:.4f},{b.imag:.5e}" for a, b in zip(lam, index, strict=True))
    path = folder / "silicon.csv"
    path.write_text(f"nm,n,k\n{rows}\n")
    return f'{{ kind = "table", path = "{path}" }}'


@pytest.mark.parametrize("which", ["library", "table", "Green-2008", "Schinke"])
def test_the_emission_of_silicon_is_no_false_alarm(which: str, tmp_path: Path) -> None:
    """Phonons let silicon emit 0.1 eV below its gap, which is not the noise of a table."""
    page = f'{{ kind = "refractiveindex", shelf = "main", book = "Si", page = "{which}" }}'
    material = {"library": '"silicon"', "table": silicon_as_a_table(tmp_path)}.get(which, page)
    emission = emit(pt.stack.from_toml(WAFER.replace("MATERIAL", material)))
    assert all(check.passed for check in emission.checks.values()), emission.checks
    assert not emission.notes
    part = emission["silicon"]
    peak = part.energy[np.argmax(part.spectrum_front)]
    assert peak == pytest.approx(1.1, abs=0.02)
    # a planar wafer emits less than a step at 1.12 eV, and never more than the light that it could keep
    assert 0.86 < emission.voc_radiative(331.0) < 0.91
