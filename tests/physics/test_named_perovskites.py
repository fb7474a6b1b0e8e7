"""Perovskites by name as absorbers: they emit at their edge, and take the sunlight that cells of them take."""

import numpy as np
import pytest

import perotwin as pt
from perotwin.materials import describe, optical
from perotwin.optics import emit, solve
from perotwin.units import ELEMENTARY_CHARGE as Q

CELL = """
name = "film"
[[layer]]
name = "fto"
role = "electrode"
material = "fto"
thickness = "300 nm"
[[layer]]
name = "perovskite"
role = "absorber"
material = "NAME"
bandgap = "GAP eV"
thickness = "500 nm"
[layer.electronic]
electron_affinity = "3.9 eV"
conduction_dos = "2.2e18 cm^-3"
valence_dos = "2.2e18 cm^-3"
electron_mobility = "1 cm^2/(V s)"
hole_mobility = "1 cm^2/(V s)"
permittivity = 24
[[layer]]
name = "carbon"
role = "electrode"
material = "carbon"
thickness = "1 um"
[contact.front]
work_function = "flat-band"
[contact.back]
work_function = "flat-band"
"""


@pytest.mark.parametrize("name", ["mapbi3", "fapbi3", "cspbbr3", "mapbbr3"])
def test_a_named_perovskite_emits_at_its_edge_and_raises_no_alarm(name: str) -> None:
    gap = describe(name).bandgap
    assert gap is not None
    emission = emit(pt.stack.from_toml(CELL.replace("NAME", name).replace("GAP", f"{gap}")))
    assert all(check.passed for check in emission.checks.values()), emission.checks
    assert not emission.notes
    part = emission["perovskite"]
    peak = part.energy[np.argmax(part.spectrum_front)]
    assert gap - 0.06 < peak < gap + 0.02
    assert gap - 0.36 < emission.voc_radiative(200.0) < gap - 0.24


def current(layers: list[tuple[str, float]], of: str) -> float:
    """mA/cm^2 of AM1.5G that one of some layers (material, nm) takes; thick ones without interference."""
    import pvlib

    sun = pvlib.spectrum.get_reference_spectra(standard="ASTM G173-03")["global"]
    lam = np.arange(312.0, 1150.0, 1.0)
    photons = Q * np.interp(lam, sun.index, sun.to_numpy()) * lam * 1e-9 / (6.62607015e-34 * 299792458.0)
    index = np.ones((len(layers) + 2, lam.size), complex)
    for row, (name, _) in enumerate(layers, start=1):
        index[row] = optical(name, extrapolate=True).nk(lam * 1e-9)
    sizes = np.array([size for _, size in layers]) * 1e-9
    found = solve(index, sizes, lam * 1e-9, coherent=sizes < 1e-5)
    return float(np.trapezoid(photons * found.absorptance[[name for name, _ in layers].index(of)], lam)) / 10


def test_planar_cells_take_the_light_that_such_cells_take() -> None:
    """Within 1.5 mA/cm^2 of planar cells: 22.0 of MAPbI3 on PTAA (doi:10.1038/ncomms8747), 24.9 of FAPbI3 between SnO2
    and spiro-OMeTAD (doi:10.1038/nenergy.2016.177)."""
    pin = [
        ("glass-low-iron", 1.1e6),
        ("ito", 100),
        ("ptaa", 10),
        ("mapbi3", 500),
        ("c60", 25),
        ("bcp", 7),
        ("cu", 100),
    ]
    assert current(pin, "mapbi3") == pytest.approx(22.0, abs=1.5)
    nip = [
        ("glass-low-iron", 2.2e6),
        ("fto", 350),
        ("sno2", 30),
        ("fapbi3", 700),
        ("spiro-ometad", 200),
        ("au", 80),
    ]
    assert current(nip, "fapbi3") == pytest.approx(24.9, abs=1.5)
