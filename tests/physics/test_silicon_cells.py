"""Cells on a planar wafer of crystalline silicon come out where published planar ones lie, and every check holds."""

import numpy as np
import pytest

import perotwin as pt
from perotwin.lab import junctions
from perotwin.measurement import checks_of, notes_of
from perotwin.stack import Pair, from_toml, new_text
from perotwin.units import BOLTZMANN
from perotwin.units import ELEMENTARY_CHARGE as Q


def failed(measured) -> list[str]:
    return [name for name, check in checks_of(measured).items() if not check.passed]


def test_the_planar_cell_comes_out_where_a_published_one_lies() -> None:
    """A. W. Blakers, M. A. Green et al., Appl. Phys. Lett. 44, 1163 (1984), doi:10.1063/1.94678: a diffused, passivated
    emitter without texture, 653 mV, 36.0 mA/cm^2, 81.1 %."""
    cell = pt.load("silicon-planar")
    curve, spectrum = pt.lab.jv.measure(cell), pt.lab.eqe.measure(cell)
    metrics = pt.lab.jv.analyse(curve)
    assert float(metrics["voc"]) == pytest.approx(0.653, abs=0.080)
    assert 0.1 * float(metrics["jsc"]) == pytest.approx(36.0, abs=1.5)
    assert float(metrics["ff"]) == pytest.approx(0.811, abs=0.02)
    assert not failed(curve) and not failed(spectrum)
    assert any("every face is flat" in note for note in notes_of(curve))


def test_a_doped_side_conducts_and_recombines_as_its_numbers_say() -> None:
    """Sheet resistance of the n+ side; recombination there is Auger's at its doping, a few 10 fA/cm^2 per face."""
    front = pt.load("silicon-planar").named("n-plus")
    assert front.electronic is not None
    donors, mobility = float(front.electronic.donor_density), float(front.electronic.electron_mobility)
    assert 1 / (Q * donors * mobility * float(front.thickness)) == pytest.approx(109, abs=2)
    ni2 = float(front.electronic.conduction_dos) * float(front.electronic.valence_dos)
    ni2 *= np.exp(-front.gap / (BOLTZMANN * 298.15))
    auger = front.recombination.auger
    assert auger is not None
    j0 = Q * ni2 * float(auger.electron) * donors * float(front.thickness)
    assert 5e-15 < j0 * 1e-4 < 50e-15  # A/cm^2


def test_the_wafer_has_the_intrinsic_density_of_silicon() -> None:
    """P. P. Altermatt et al., J. Appl. Phys. 93, 1598 (2003), doi:10.1063/1.1529297: 9.65e9 cm^-3 at 300 K, so 8.3e9
    at 298.15 K; M. A. Green (1990) is 10 % above."""
    wafer = pt.load("silicon-planar").named("silicon")
    assert wafer.electronic is not None
    states = float(wafer.electronic.conduction_dos) * float(wafer.electronic.valence_dos)
    density = np.sqrt(states) * np.exp(-wafer.gap / (2 * BOLTZMANN * 298.15))
    assert density * 1e-6 == pytest.approx(8.3e9, rel=0.12)


def test_the_librarys_tandem_is_what_new_writes() -> None:
    made = from_toml(new_text("tandem-si", Pair(top="1.68 eV", bottom="silicon")))
    library = pt.load("tandem-si")
    assert made.quantities() == library.quantities()
    assert [layer.material for layer in made.layer] == [layer.material for layer in library.layer]
    assert [layer.extrapolate for layer in made.layer] == [layer.extrapolate for layer in library.layer]


@pytest.mark.slow
def test_the_tandem_comes_out_where_planar_ones_lie() -> None:
    """1.90 V in A. Al-Ashouri et al., Science 370, 1300 (2020), doi:10.1126/science.abd4016: 1.68 eV, flat front.

    17.8 and 19.2 mA/cm^2 in the junctions of M. Singh et al., Prog. Photovolt. 31, 877 (2023), doi:10.1002/pip.3693;
    their wafer is textured at the back, so that the flat one here takes less of the light beyond 1000 nm.
    """
    cell = pt.load("tandem-si")
    curve = pt.lab.jv.measure(cell)
    metrics, parts = pt.lab.jv.analyse(curve), junctions.metrics(curve)
    assert float(metrics["voc"]) == pytest.approx(1.90, abs=0.080)
    assert 0.1 * float(metrics["jsc"]) == pytest.approx(17.8, abs=1.5)
    assert 0.1 * float(parts["top"]["jsc"]) == pytest.approx(17.8, abs=1.5)
    assert 1.0 < 19.2 - 0.1 * float(parts["bottom"]["jsc"]) < 2.5
    spectrum, light = pt.lab.eqe.measure(cell), pt.lab.el.measure(cell)
    assert not failed(curve) and not failed(spectrum) and not failed(light)
    integrated = pt.lab.eqe.analyse(spectrum)
    for which in ("top", "bottom"):
        alone = float(parts[which]["jsc"])
        assert float(integrated[f"jsc_integrated, {which}"]) == pytest.approx(alone, rel=0.01)
    assert any("bottom silicon: every face is flat" in note for note in notes_of(curve))
