"""A person's table, and the cache of the packages' tables."""

from pathlib import Path

import numpy as np
import pytest

from perotwin.errors import InputError, OutOfRangeError
from perotwin.materials import cache, read_csv, refractiveindex_page

GOOD = "wavelength/nm,n,k\n" + "".join(f"{lam},{2 + lam / 1e4},{0.01}\n" for lam in range(400, 801, 20))


def table(folder: Path, text: str) -> Path:
    path = folder / "film.csv"
    path.write_text(text)
    return path


def test_a_table_is_linear_between_its_rows(tmp_path: Path) -> None:
    model = read_csv(table(tmp_path, GOOD))
    assert model.range == pytest.approx((400e-9, 800e-9))
    assert complex(model.nk(450e-9)) == pytest.approx(2.045 + 0.01j)
    with pytest.raises(OutOfRangeError, match="400 nm to 800 nm"):
        model.nk(350e-9)
    assert complex(read_csv(tmp_path / "film.csv", extrapolate=True).nk(350e-9)) == pytest.approx(
        2.04 + 0.01j
    )


@pytest.mark.parametrize("separator", [",", ";", "\t", "  "])
def test_separators_comments_and_order(tmp_path: Path, separator: str) -> None:
    rows = [("500", "2.0", "0.1"), ("400", "2.1", "0.2"), ("450", "2.2", "0.3")]
    text = "# measured\n\n" + "\n".join(separator.join(row) for row in rows)
    np.testing.assert_allclose(read_csv(table(tmp_path, text)).nk([400e-9, 450e-9]), [2.1 + 0.2j, 2.2 + 0.3j])


@pytest.mark.parametrize(
    "text, words",
    [
        ("400,2,0\n410,2\n420,2,0\n", "line 2"),
        ("400,2,0\n410,,0\n420,2,0\n", "line 2"),
        ("400,2,nan\n410,2,0\n", "line 1"),
        ("400,2,0\n", "1 row"),
        ("400,2,0\n400,2.5,0\n410,2,0\n", "400 nm twice"),
        ("400,2,-0.1\n410,2,0\n", "negative n or k"),
        ("nm,n,k\n0.4,2,0\n0.5,2,0\n", "micrometres"),
        ("400,2,0\n410,2,0\nk,n,nm\n1,2,3\n4,5,6", "line 4 begins the second"),
        ("-1,2,0\n410,2,0\n", "-1 nm"),
        (
            "".join(f"{lam},2,0\n" for lam in [*range(400, 500, 10), *range(700, 800, 10)]),
            "490 nm and 700 nm",
        ),
    ],
)
def test_bad_tables_are_refused_with_file_and_cause(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        read_csv(table(tmp_path, text))
    assert "film.csv" in str(caught.value) and caught.value.advice


def test_rows_even_in_energy_are_no_gap(tmp_path: Path) -> None:
    text = "".join(f"{1239.84 / energy},2,0\n" for energy in np.arange(0.6, 4.0, 0.1))
    assert read_csv(table(tmp_path, text)).range[1] == pytest.approx(2066.4e-9, rel=1e-4)


def test_a_missing_file_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be opened"):
        read_csv(tmp_path / "none.csv")


def test_a_page_that_does_not_exist_is_an_input_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PEROTWIN_CACHE", str(tmp_path))
    with pytest.raises(InputError, match="main/Unobtainium/Smith"):
        refractiveindex_page("main", "Unobtainium", "Smith")


def test_the_cache_returns_what_was_made_and_survives_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PEROTWIN_CACHE", str(tmp_path / "new"))
    calls = []

    def make() -> dict[str, np.ndarray]:
        calls.append(1)
        return {"x": np.array([1.0, 2.0])}

    for _ in range(2):
        np.testing.assert_array_equal(cache.arrays("thing", "numpy", make)["x"], [1.0, 2.0])
    assert len(calls) == 1
    (stored,) = (tmp_path / "new").glob("*.npz")
    stored.write_bytes(b"PK\x03\x04 not a zip file")
    np.testing.assert_array_equal(cache.arrays("thing", "numpy", make)["x"], [1.0, 2.0])
    assert len(calls) == 2


def test_an_unwritable_cache_costs_time_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv("PEROTWIN_CACHE", str(blocked / "below"))
    assert cache.arrays("thing", "numpy", lambda: {"x": np.ones(1)})["x"] == [1.0]
