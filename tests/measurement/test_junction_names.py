"""Layers, faces and channels are called after their junction, whatever the number of junctions and columns."""

import pytest

from perotwin.measurement import term_of
from perotwin.measurement.junction_names import is_junction, junction_layers, junction_of


@pytest.mark.parametrize(
    ("name", "junction", "there"),
    [
        ("perovskite trap 1", "", "perovskite trap 1"),
        ("middle perovskite radiative", "middle", "perovskite radiative"),
        ("top niox|top perovskite", "top", "niox|perovskite"),
        ("top sno2|middle pedot trap 1", "between", "top sno2|middle pedot trap 1"),
        ("top.covered niox|top.covered perovskite", "top.covered", "niox|perovskite"),
        ("top.covered sno2|bottom pedot", "between", "top.covered sno2|bottom pedot"),
        ("bottom", "", "bottom"),
    ],
)
def test_a_name_tells_the_junction_and_what_it_is_called_there(name: str, junction: str, there: str) -> None:
    assert junction_of(name) == (junction, there)


def test_layers_of_three_junctions_stand_in_three_groups() -> None:
    layers = [f"{which} {layer}" for which in ("top", "middle", "bottom") for layer in ("niox", "perovskite")]
    assert {name: len(found) for name, found in junction_layers(layers).items()} == {
        "top": 2,
        "middle": 2,
        "bottom": 2,
    }
    # a stack whose layers happen to be called so, and one whose order is not that of junctions
    assert list(junction_layers(["top contact", "perovskite", "bottom contact"])) == [""]
    assert list(junction_layers(["top a", "bottom a", "top b"])) == [""]


def test_what_a_junction_or_a_column_of_it_has_is_known_by_its_name() -> None:
    assert is_junction("top.covered") and is_junction("middle") and not is_junction("covered")
    for name, words in (
        ("voltage_middle", "voltage of the middle junction"),
        ("own_current_top.bare", "current of the top.bare junction alone"),
        ("eqe_bottom", "quantum efficiency of the bottom junction"),
    ):
        term = term_of(name)
        assert term is not None and term.words == words
    between = term_of("voltage_between")
    assert between is not None and "lost" in between.words
