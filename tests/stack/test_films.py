"""Parts of a cell as samples: which layers, faces and ends they have."""

import pytest

import perotwin as pt
from perotwin.errors import InputError
from perotwin.stack import Stack
from perotwin.stack.films import part_of, sample_name, single_carrier


def _layers(stack: Stack) -> list[str]:
    return [layer.name for layer in stack.layer]


def test_a_film_stands_on_the_glass_of_its_cell_without_electrodes() -> None:
    cell = pt.load("wbg-target")
    film = part_of(cell, "film")
    assert _layers(film) == ["glass", "perovskite"]
    assert film.named("perovskite") == cell.named("perovskite")
    assert (
        not film.interface
        and film.light == cell.light
        and film.circuit == Stack.model_fields["circuit"].default
    )
    assert film.isolated and not cell.isolated
    assert part_of(cell, "cell") is cell


def test_a_half_stack_keeps_the_faces_of_its_transport_layer_and_what_lies_under_it() -> None:
    cell = pt.load("wbg-target")
    under, over = part_of(cell, "film/htl"), part_of(cell, "film/c60")
    assert _layers(under) == ["glass", "ito", "niox", "perovskite"]
    assert _layers(over) == ["glass", "perovskite", "c60"]
    assert under.face("niox", "perovskite") == cell.face("niox", "perovskite")
    assert under.face("niox", "perovskite").trap and under.face("niox", "perovskite").dipole != 0.0
    assert over.face("perovskite", "c60") == cell.face("perovskite", "c60")
    assert part_of(cell, "film/etl") == over and part_of(cell, "film/niox") == under
    assert _layers(part_of(cell, "film/sno2")) == ["glass", "perovskite", "c60", "sno2"]
    assert sample_name(cell, "film/htl") == "film/niox" and sample_name(cell, "film") == "film"


def test_the_other_polarity_has_its_other_layer_under_the_film() -> None:
    cell = pt.load("nip-example")
    assert _layers(part_of(cell, "film/etl")) == ["glass", "ito", "sno2", "perovskite"]
    assert _layers(part_of(cell, "film/htl")) == ["glass", "perovskite", "niox"]


def test_a_mirrored_cell_gives_the_mirrored_sample() -> None:
    cell = pt.load("wbg-target")
    for part in ("film", "film/htl", "film/etl"):
        turned = part_of(cell.mirrored(), part)
        assert turned.layer == part_of(cell, part).mirrored().layer
        assert turned.interface == part_of(cell, part).mirrored().interface
        assert turned.light.side == "back"


def test_the_side_of_the_light_can_be_said() -> None:
    cell = pt.load("wbg-target")
    assert part_of(cell, "film", side="film").light.side == "back"
    assert part_of(cell.mirrored(), "film", side="film").light.side == "front"
    assert part_of(cell, "film", side="substrate").light.side == "front"


def test_a_cell_without_substrate_gets_glass_where_its_optics_count() -> None:
    tandem = pt.load("tandem-target")
    assert _layers(part_of(tandem, "film", junction="bottom")) == ["glass", "perovskite"]
    # prescribed generation needs no glass, and a wafer stands by itself
    assert _layers(part_of(pt.load("cell-a"), "film")) == ["perovskite"]
    assert _layers(part_of(pt.load("silicon-planar"), "film")) == ["n-plus", "silicon", "p-plus"]


@pytest.mark.parametrize("part", ["film", "film/htl", "film/c60"])
def test_a_part_is_a_cell_file_like_any_other(part: str) -> None:
    sample = part_of(pt.load("wbg-control"), part)
    assert Stack.from_toml(sample.to_toml()) == sample


def test_ions_that_a_voltage_shaped_settle_without_one() -> None:
    held = {"kind": "frozen", "bias": "1.1 V", "light": "1 sun"}
    cell = pt.load("wbg-target").with_values({"perovskite.ions.response": held})
    ions = part_of(cell, "film").named("perovskite").ions
    assert ions is not None
    assert float(ions.response.bias) == 0.0 and float(ions.response.light) == 1.0  # type: ignore[union-attr]  # frozen


def test_one_carrier_passes_between_two_of_its_own_sides() -> None:
    cell = pt.load("wbg-target")
    electrons, holes = single_carrier(cell, "electrons"), single_carrier(cell, "holes")
    assert _layers(electrons) == [
        "glass", "ag-front", "sno2-front", "c60-front", "perovskite", "c60", "sno2", "ag",
    ]  # fmt: skip
    assert _layers(holes) == ["glass", "ito", "niox", "perovskite", "niox-back", "ito-back"]
    assert (
        electrons.contact is not None
        and electrons.contact.front == electrons.contact.back == cell.contact.back
    )
    assert holes.contact is not None and holes.contact.front == holes.contact.back == cell.contact.front
    dipole = float(cell.face("niox", "perovskite").dipole)
    assert float(holes.face("niox", "perovskite").dipole) == dipole
    assert float(holes.face("perovskite", "niox-back").dipole) == -dipole
    assert holes.face("perovskite", "niox-back").trap == cell.face("niox", "perovskite").trap
    assert float(electrons.light.intensity) == 0.0
    for device in (electrons, holes):
        assert Stack.from_toml(device.to_toml()) == device
        turned = device.mirrored()
        assert [float(layer.thickness) for layer in turned.electrical_layers] == pytest.approx(
            [float(layer.thickness) for layer in device.electrical_layers]
        )


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: part_of(pt.load("tandem-target")), "several junctions"),
        (lambda: part_of(pt.load("tandem-target"), junction="upper"), "no junction"),
        (lambda: part_of(pt.load("wbg-target"), junction="top"), "no tandem"),
        (lambda: part_of(pt.load("patchy-tandem"), junction="top"), "patches"),
        (lambda: part_of(pt.load("wbg-target"), "film/ag"), "There are niox, c60, sno2"),
        (lambda: part_of(pt.load("wbg-target"), "layer"), "no part of a cell"),
        (lambda: part_of(pt.load("wbg-target"), "film/"), "no part of a cell"),
        (lambda: part_of(pt.load("wbg-target"), side="left"), "no side"),  # type: ignore[arg-type]  # what is refused
        (lambda: single_carrier(pt.load("wbg-target"), "ions"), "no carrier"),  # type: ignore[arg-type]  # the same
        (lambda: single_carrier(pt.load("silicon-planar"), "holes"), "nothing says"),
    ],
)
def test_what_is_no_part_of_a_cell_is_refused_in_a_sentence(make: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        make()  # type: ignore[operator]  # each is a function
