"""The library of layers: each entry is complete, of known material, sourced throughout, and found by its spellings."""

from typing import Any

import pytest

from perotwin import materials, references
from perotwin.errors import InputError, UnknownNameError
from perotwin.stack import Contact, Interface, Layer, library_layer, library_layers
from perotwin.stack.layer_library import part
from perotwin.stack.paths import walk
from perotwin.stack.use import FromLibrary
from perotwin.units import Quantity

#: what the page promises
NAMED = {
    "glass", "fto", "ito", "izo", "niox", "sno2", "tio2", "zno", "pedot-pss", "ptaa", "spiro-ometad", "c60", "pcbm",
    "bcp", "lif", "mgf2", "moox", "ag", "au", "cu", "al", "carbon", "2pacz", "meo-2pacz", "me-4pacz", "perovskite",
    "mapbi3", "fapbi3", "cspbbr3", "sn-pb", "silicon", "silicon-n", "silicon-n-plus", "silicon-p-plus",
}  # fmt: skip


def parts(name: str) -> list[FromLibrary]:
    """The layer, face and contact of an entry, as far as it has them."""
    one = library_layer(name)
    found: list[FromLibrary] = []
    if one.layer is not None:
        gap: dict[str, Any] = {"bandgap": "1.6 eV"} if name == "perovskite" else {}
        found.append(Layer(use=name, **gap))
    if one.face is not None:
        found.append(Interface(use=name))
    if one.contact is not None:
        found.append(Contact(use=name))
    return found


def test_the_layers_are_there() -> None:
    assert set(library_layers()) >= NAMED


@pytest.mark.parametrize("name", library_layers())
def test_an_entry_is_complete_and_its_numbers_say_where_they_come_from(name: str) -> None:
    one = library_layer(name)
    assert one.title and parts(name)
    for model in parts(name):
        for path, number in walk(model, name):
            assert isinstance(number, Quantity)
            if path == "perovskite.bandgap":
                continue
            known = number.source == "standard test conditions" or (
                number.source is not None and references.find(number.source) is not None
            )
            assert known or number.assumed is not None, f"{path} has neither a source nor a range"
            if number.assumed is not None:
                assert number.assumed[0] < number.assumed[1], path
        if isinstance(model, Layer):
            assert isinstance(model.material, str) and model.material in materials.names()
            assert model.role == one.roles[0]
    transports = one.layer is not None and {"htl", "etl"} & set(one.roles)
    assert not transports or (one.face is not None and one.contact is not None)


@pytest.mark.parametrize("name", library_layers("layer"))
def test_the_optics_cover_the_light_that_a_lead_halide_uses(name: str) -> None:
    model = materials.optical(str(library_layer(name).layer["material"]), bandgap=1.6)  # type: ignore[index]  # a table
    assert model.range[0] <= 331e-9 and model.range[1] >= 1050e-9


@pytest.mark.parametrize(
    ("spelling", "name"),
    [("C60", "c60"), ("PEDOT:PSS", "pedot-pss"), ("Spiro-OMeTAD", "spiro-ometad"), ("spiro", "spiro-ometad"),
     ("MAPbI3", "mapbi3"), ("Me4PACz", "me-4pacz"), ("NiO", "niox"), ("Sn-Pb", "sn-pb"),
     ("Si", "silicon"), ("c-Si", "silicon"), ("n+", "silicon-n-plus")],
)  # fmt: skip
def test_people_spell_differently(spelling: str, name: str) -> None:
    assert library_layer(spelling).name == name


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match='Did you mean "spiro-ometad"'):
        library_layer("spiro-ometed")
    with pytest.raises(UnknownNameError, match=r'use = "perovskite" with bandgap = "1\.63 eV"'):
        library_layer("1.63 eV")


def test_a_monolayer_is_no_layer_and_says_where_it_belongs() -> None:
    with pytest.raises(InputError, match=r"nothing for \[\[layer\]\].*Use it in \[interface"):
        part("me-4pacz", "layer")
    with pytest.raises(InputError, match=r"nothing for \[interface"):
        part("glass", "face")
