"""Variants in one file are the base with their changes, each by its own name."""

from __future__ import annotations

from pathlib import Path

import pytest

import perotwin as pt
from perotwin.errors import InputError
from perotwin.stack import load_all

FILE = """
base = "cell-a"

[variant.thin]
"perovskite.thickness" = "300 nm"

[variant."cold and dim"]
temperature = "250 K"
light.intensity = "0.1 sun"

[variant.other]
perovskite.recombination.radiative = { kind = "coefficient", coefficient = "1e-11 cm^3/s" }
"""


def _write(folder: Path, text: str) -> Path:
    path = folder / "variants.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_each_variant_is_the_base_with_its_changes(tmp_path: Path) -> None:
    thin, dim, other = load_all(_write(tmp_path, FILE))
    base = pt.load("cell-a")
    assert thin == base.with_values({"name": "thin", "perovskite.thickness": "300 nm"})
    assert dim == base.with_values(
        {"name": "cold and dim", "temperature": "250 K", "light.intensity": "0.1 sun"}
    )
    assert other.name == "other"


def test_a_base_may_be_a_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(pt.load("cell-b").to_toml(), encoding="utf-8")
    path = _write(tmp_path, 'base = "mine.toml"\n[variant.same]\n')
    assert load_all(path) == [pt.load("cell-b").with_values({"name": "same"})]


def test_a_table_of_a_variant_lies_beside_its_file_and_not_where_somebody_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for folder in (tmp_path, elsewhere):
        (folder / "lamp.csv").write_text("wavelength_nm,irradiance\n300,1\n900,1\n", encoding="utf-8")
    path = _write(tmp_path, 'base = "wbg-target"\n[variant.lamp]\nlight.spectrum = "lamp.csv"\n')
    monkeypatch.chdir(elsewhere)
    (lit,) = load_all(path)
    assert str(tmp_path / "lamp.csv") in lit.to_toml()


def test_anything_else_is_one_cell(tmp_path: Path) -> None:
    assert load_all("cell-a") == [pt.load("cell-a")]
    assert load_all(_write(tmp_path, pt.load("cell-a").to_toml())) == [pt.load("cell-a")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (FILE.replace("perovskite.thickness", "perovskit.thickness"), "variant.thin, perovskit.thickness"),
        (FILE.replace('base = "cell-a"', ""), "holds a base and variants"),
        ('base = "cell-a"\n[[variant]]\nname = "x"\n', "holds a base and variants"),
        ('base = "cell-a"\nlight = "dark"\n[variant.a]\n', "holds a base and variants"),
        ('base = "cell-a"\nvariant.thin = 3\n', "no table of changes"),
        ('base = "cell-c"\n[variant.a]\n', "cell-c"),
        ('base = "cell-a"\n[variant.a]\nthickness = "-3 nm"\n', "variant.a"),
        ('base = "cell-a\n', "variants.toml"),
    ],
)
def test_what_cannot_be_used_says_where(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError) as refused:
        load_all(_write(tmp_path, text))
    assert words in str(refused.value) and refused.value.advice
