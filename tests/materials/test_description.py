"""What is said of a material is true: residuals come out again from the tables that models were fitted to."""

from pathlib import Path

import numpy as np
import pytest

from perotwin.errors import UnknownNameError
from perotwin.materials import describe, descriptions, names, optical, source_points
from perotwin.materials.description import TABLES_VARIABLE
from perotwin.materials.halide import measured
from perotwin.materials.library import entry, halide_tables

FITTED = [one.name for one in descriptions() if one.model == "fit"]
PARTS = [part.name for part in halide_tables().parts]


def no_table(name: str, table: dict) -> str:
    """Why a residual cannot be taken again here."""
    if "file" in table:
        return f"{table['file']}, to which {name} was fitted, is not under ${TABLES_VARIABLE}"
    return f"the table that {name} was fitted to is in no package and no public file"


@pytest.mark.parametrize("name", FITTED)
def test_residuals_of_fits_come_out_again(name: str) -> None:
    source = source_points(name)
    if source is None:
        pytest.skip(no_table(name, entry(name).get("table", {})))
    one = describe(name)
    assert one.fitted is not None and one.rms_n is not None and one.rms_k is not None
    inside = (source.wavelength >= one.fitted[0]) & (source.wavelength <= one.fitted[1])
    assert inside.sum() > 30
    off = optical(name).nk(source.wavelength[inside]) - source.index[inside]
    # thinned rows weigh wavelengths otherwise than the fit did
    assert np.sqrt(np.mean(off.real**2)) == pytest.approx(one.rms_n, rel=0.5, abs=5e-4)
    assert np.sqrt(np.mean(off.imag**2)) == pytest.approx(one.rms_k, rel=0.5, abs=5e-4)


@pytest.mark.parametrize("part", PARTS)
def test_residuals_of_the_measured_perovskites_come_out_again(part: str) -> None:
    source = source_points("halide-perovskite", part)
    (found,) = [one for one in entry("halide-perovskite")["part"] if one["name"] == part]
    if source is None:
        pytest.skip(no_table(part, found["table"]))
    (model,) = [measured(one) for one in halide_tables().parts if one.name == part]
    inside = (source.wavelength >= model.range[0]) & (source.wavelength <= model.range[1])
    off = model.nk(source.wavelength[inside]) - source.index[inside]
    assert np.sqrt(np.mean(off.real**2)) == pytest.approx(found["rms_n"], rel=0.5, abs=1e-3)
    assert np.sqrt(np.mean(off.imag**2)) == pytest.approx(found["rms_k"], rel=0.5, abs=1e-3)


@pytest.mark.parametrize("name", names())
def test_a_material_says_what_it_is(name: str) -> None:
    one = describe(name)
    assert one.name == name and len(one.title) > 1 and len(one.source) > 20
    low, high = one.range
    assert 0 < low < high
    if one.model == "fit":
        assert one.fitted is not None and one.coefficients["oscillators"]
        assert low <= one.fitted[0] < one.fitted[1] <= high
    if one.model == "page of refractiveindex.info":
        assert one.page is not None and not one.coefficients
    if one.model == "literature":
        assert one.source.startswith("no free table") and one.caution and one.rms_n is None


def test_beyond_its_table_a_film_is_clear_and_its_index_goes_on_smoothly() -> None:
    for one in descriptions():
        if one.model != "fit" or one.fitted is None or one.range[1] <= one.fitted[1]:
            continue
        lam = np.linspace(one.fitted[1], one.range[1], 200)
        index = optical(one.name).nk(lam)
        assert np.all(index.imag < 1.1e-3), one.name
        assert np.all(np.diff(index.real) <= 0) and index.real[0] - index.real[-1] < 0.15, one.name


@pytest.mark.parametrize("name", ["mapbi3", "fapbi3", "cspbbr3", "mapbbr3"])
def test_a_perovskite_has_the_bandgap_that_it_states_and_a_tail_below(name: str) -> None:
    from perotwin.materials import HC
    from perotwin.optics.photovoltaic_bandgap import inflection

    gap = describe(name).bandgap
    assert gap is not None
    energy = np.arange(gap - 0.2, gap + 0.2, 2e-4)
    index = optical(name).nk(HC / energy)
    absorbed = -np.expm1(-8 * np.pi / HC * index.imag * energy * 450e-9)
    assert inflection(energy, absorbed) == pytest.approx(gap, abs=6e-3)
    slope = np.gradient(np.log(index.imag * energy), energy)
    assert slope.max() < 1.002 / 0.015 and np.all(slope[energy < gap - 0.12] > 0.99 / 0.015)
    wide = optical(name, urbach_energy=0.03).nk(HC / (gap - 0.15)).imag
    assert wide > 10 * optical(name).nk(HC / (gap - 0.15)).imag


def test_an_unknown_material_offers_the_near_ones() -> None:
    with pytest.raises(UnknownNameError, match='"ptaa"'):
        describe("ptta")


def test_tables_of_ones_own_are_found_in_the_folder_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(TABLES_VARIABLE, raising=False)
    assert source_points("bcp") is None
    folder = tmp_path / "below"
    folder.mkdir()
    rows = "".join(f"{lam}E-9 1.7 {1.2538 + k}\n" for lam, k in ((300, 0.3), (400, 0.02), (800, 0.0)))
    (folder / "nk_BCP.txt").write_text("lambda n k\n" + rows)
    monkeypatch.setenv(TABLES_VARIABLE, str(tmp_path))
    found = source_points("bcp")
    assert found is not None
    np.testing.assert_allclose(found.wavelength, [300e-9, 400e-9, 800e-9])
    np.testing.assert_allclose(found.index, [1.7 + 0.3j, 1.7 + 0.02j, 1.7], atol=1e-12)
