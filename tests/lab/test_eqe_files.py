"""Quantum efficiencies that somebody measured: units, order, the radiative limit, and a tail that is no noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from perotwin.constants import c, e, h
from perotwin.errors import InputError
from perotwin.lab import eqe, eqe_reading

HC = h * c / e
FILES = Path(__file__).parents[2].parent / "shared" / "instrument_files_2"


def spectrum(
    wavelength: np.ndarray, value: np.ndarray, unit: str | None = None, **attributes: object
) -> xr.Dataset:
    units = {} if unit is None else {"units": unit}
    return xr.Dataset(
        {"eqe": ("wavelength", value)}, {"wavelength": ("wavelength", wavelength, units)}, attributes
    )


def step(gap: float) -> xr.Dataset:
    edge = HC / gap
    wavelength = np.concatenate(
        [np.linspace(280e-9, edge, 2000), np.linspace(edge * (1 + 1e-9), 1.2 * edge, 50)]
    )
    return spectrum(wavelength, np.where(np.arange(wavelength.size) < 2000, 1.0, 0.0))


@pytest.mark.parametrize(
    ("gap", "jsc", "voc"), [(1.25, 37.575, 0.9988), (1.424, 31.886, 1.1620), (1.79, 19.906, 1.5043)]
)
def test_a_step_edge_has_the_radiative_limit(gap: float, jsc: float, voc: float) -> None:
    """AM1.5G, one side, 298.15 K: figures of the Shockley-Queisser limit."""
    found = eqe.analyse(step(gap))
    assert float(found["jsc_integrated"].to("mA/cm^2")) == pytest.approx(jsc, abs=1.5e-3)
    assert found["voc_radiative"].value == pytest.approx(voc, abs=1e-4)
    assert found["bandgap"].value == pytest.approx(gap, abs=1e-6)
    assert np.isnan(found["urbach_energy"].value) and "between two points" in found["urbach_energy"].method
    assert "upper bound" in found["voc_radiative"].method and "not told" in found["voc_radiative"].method


def edge(
    seed: int = 0,
    gap: float = 1.6,
    width: float = 0.015,
    noise: float = 0.03,
    floor: float = 2e-5,
    offset: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """0.9 above the gap, an exponential below, every 2 nm; relative noise, and noise that does not go away."""
    wavelength = np.arange(300e-9, 950e-9, 2e-9)
    energy = HC / wavelength
    value = np.where(energy > gap, 0.9, 0.9 * np.exp((energy - gap) / width))
    chance = np.random.default_rng(seed)
    value = value * (1.0 + noise * chance.standard_normal(wavelength.size))
    return wavelength, value + offset + floor * chance.standard_normal(wavelength.size)


def test_the_stated_interval_of_an_urbach_energy_holds_the_truth_as_often_as_it_says() -> None:
    inside = 0
    for seed in range(200):
        wavelength, value = edge(seed)
        read = eqe_reading.readable(spectrum(wavelength, value))
        tail = eqe_reading.urbach(read)
        inside += abs(tail.energy[0] - 0.015) < tail.energy[1]
        assert tail.decades > 1.5
    assert 116 <= inside <= 156, inside


def test_the_limit_with_a_tail_is_the_integral_of_the_formula() -> None:
    """J0,rad against its closed integral on a fine grid, and the share that the extension brings."""
    wavelength, value = edge(noise=0.0, floor=0.0)
    found = eqe.analyse(spectrum(wavelength, value, temperature=300.0))
    kt = 8.617333262e-5 * 300.0
    energy = np.linspace(0.3, 4.0, 400_001)
    truth = np.where(energy > 1.6, 0.9, 0.9 * np.exp((energy - 1.6) / 0.015))
    flux = 2.0 * np.pi * energy**2 * e**3 / (h**3 * c**2) * np.exp(-energy / kt)
    exact = e * np.trapezoid(truth * flux, energy)
    assert found["radiative_saturation_current"].value == pytest.approx(exact, rel=0.02)
    expected = kt * np.log1p(found["jsc_integrated"].value / exact)
    assert found["voc_radiative"].value == pytest.approx(expected, abs=5e-4)
    assert found["urbach_energy"].value == pytest.approx(0.015, rel=1e-3)
    assert "tail continued" in found["voc_radiative"].method
    # a floor cuts it at a level 500 times as high: the extension then brings more, and the limit stays
    cut = eqe.analyse(spectrum(*edge(1, floor=1e-3), temperature=300.0))
    assert cut["voc_radiative"].value == pytest.approx(expected, abs=3e-3)


def test_a_noise_floor_is_no_tail() -> None:
    for floor, offset in ((3e-3, 0.0), (1e-4, 5e-3), (5e-3, 5e-3)):
        found = eqe.analyse(spectrum(*edge(3, width=0.006, floor=floor, offset=offset)))
        tail = found["urbach_energy"]
        assert np.isnan(tail.value) or tail.value == pytest.approx(0.006, rel=0.2), (floor, offset, tail)
    # a floor that stands as high as the edge falls leaves nothing to read
    found = eqe.analyse(spectrum(*edge(3, width=0.006, floor=2e-2)))
    assert np.isnan(found["urbach_energy"].value) and "noise" in found["urbach_energy"].method
    assert "upper bound" in found["voc_radiative"].method


def test_a_tail_as_broad_as_kt_has_no_limit() -> None:
    found = eqe.analyse(spectrum(*edge(0, width=0.03)))
    assert found["urbach_energy"].value == pytest.approx(0.03, rel=0.05)
    assert np.isnan(found["voc_radiative"].value) and "cannot be told" in found["voc_radiative"].method


def test_units_and_order_change_nothing() -> None:
    wavelength, value = edge(2)
    ours = eqe.analyse(spectrum(wavelength, value))
    others = [
        spectrum(wavelength * 1e9, value, "nm"),
        spectrum(wavelength * 1e9, value),
        spectrum(wavelength[::-1], value[::-1]),
        spectrum(wavelength, 100.0 * value),
        spectrum(HC / wavelength, value, "eV"),
        xr.Dataset({"eqe": ("photon_energy", value[::-1])}, {"photon_energy": HC / wavelength[::-1]}),
    ]
    per_cent = spectrum(wavelength, 100.0 * value)
    per_cent["eqe"].attrs["units"] = "%"
    for one in [*others, per_cent]:
        found = eqe.analyse(one)
        for name in ("jsc_integrated", "bandgap", "urbach_energy", "voc_radiative"):
            assert found[name].value == pytest.approx(ours[name].value, rel=1e-9), name
    assert "taken for nm" in eqe.analyse(others[1])["bandgap"].method
    assert "taken for per cent" in eqe.analyse(others[3])["bandgap"].method
    figure = eqe.plot(others[4])
    assert figure.axes[0].get_xlim()[0] == pytest.approx(300.0)


def test_what_is_no_spectrum_is_refused() -> None:
    with pytest.raises(InputError, match="not those of a quantum efficiency"):
        eqe.analyse(spectrum(np.linspace(1.0, 3.0, 50), np.ones(50)))
    with pytest.raises(InputError, match="shows no edge"):
        eqe.analyse(spectrum(np.array([5e-7, 6e-7]), np.ones(2)))
    with pytest.raises(InputError, match="above zero"):
        eqe.analyse(spectrum(np.linspace(0.0, 3.0, 50), np.ones(50), "eV"))


def test_noise_tells_how_sure_a_current_is() -> None:
    """The spread of 100 currents is the stated uncertainty, and that of the inflections not above it."""
    found = [eqe.analyse(spectrum(*edge(seed))) for seed in range(100)]
    currents = [float(one["jsc_integrated"]) for one in found]
    stated = np.mean([one["jsc_integrated"].uncertainty for one in found])
    assert np.std(currents) == pytest.approx(stated, rel=0.25)


@pytest.mark.skipif(not FILES.is_dir(), reason="the real instrument files are not here")
def test_real_spectra_integrate_to_what_their_readers_found() -> None:
    lines = (FILES / "eqe_hzb_trq.txt").read_text("latin-1").split("//DATA//")[1].splitlines()[2:]
    rows = np.array([[float(x) for x in line.split()] for line in lines if line.strip()])
    found = eqe.analyse(spectrum(rows[:, 0], rows[:, 2], "nm"))
    assert float(found["jsc_integrated"].to("mA/cm^2")) == pytest.approx(21.89, abs=0.01)
    assert found["bandgap"].value == pytest.approx(1.63, abs=0.01)
    lines = (FILES / "eqe_csu_bare_header.txt").read_text("latin-1").splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("Wavelength"))
    rows = np.array([[float(x) for x in line.split()[:2]] for line in lines[start + 1 :] if line.strip()])
    found = eqe.analyse(spectrum(rows[:, 0], rows[:, 1], "nm"))
    assert float(found["jsc_integrated"].to("mA/cm^2")) == pytest.approx(23.84, abs=0.01)
    # the point of the steepest central difference, on a grid of 18 meV
    assert abs(found["bandgap"].value - 1.494) < 1.5 * found["bandgap"].uncertainty < 0.01
