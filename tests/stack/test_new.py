"""A new file is short, runs as it stands, says what to change; an order that cannot work is refused with a sentence."""

from typing import Any

import pytest

from perotwin.errors import InputError, UnknownNameError
from perotwin.stack import Pair, Single, Tandem, from_toml, new_text

SINGLES = [
    Single(),
    Single("n-i-p"),
    Single(absorber="1.55 eV", htl=("pedot-pss",), etl=("pcbm",), electrodes=("ito", "al")),
    Single(absorber="1.25 eV", htl=("pedot-pss",)),
    Single(absorber="1.68 eV", sam="me-4pacz"),
    Single(
        absorber="1.68 eV", htl=("niox",), sam="2pacz", etl=("c60", "sno2"), electrodes=("ito", "izo", "ag")
    ),
    Single("n-i-p", "fapbi3", electrodes=("fto", "moox", "ag"), substrate=("mgf2", "glass")),
    Single("n-i-p", "cspbbr3", etl=("tio2",), electrodes=("fto", "carbon")),
]


@pytest.mark.parametrize("plan", SINGLES, ids=str)
def test_a_file_is_short_and_read_as_it_was_asked_for(plan: Single) -> None:
    text = new_text("mine", plan, "perotwin new mine.toml")
    assert len(text.splitlines()) <= 42
    cell = from_toml(text)
    assert from_toml(cell.to_toml()) == cell
    roles = [layer.role for layer in cell.layer]  # type: ignore[union-attr]  # new writes one stack here
    order = [role for role in roles if role in ("htl", "absorber", "etl")]
    assert (
        order
        == [role for role in (["htl"] if plan.htl != () else []) + ["absorber", "etl"] if role in order][
            :: 1 if plan.structure == "p-i-n" else -1
        ]
    )
    assert not [path for path in cell.quantities() if path not in cell.sources()]


def test_a_monolayer_alone_is_the_front_contact_and_on_an_oxide_a_face() -> None:
    bare = from_toml(new_text("mine", Single(sam="me-4pacz")))
    assert bare.electrical_layers[0].role == "absorber"
    assert bare.taken()["contact.front.electron_velocity"] == "me-4pacz"
    oxide = from_toml(new_text("mine", Single(sam="me-4pacz", htl=("niox",))))
    assert oxide.taken()["niox|perovskite.dipole"] == "me-4pacz"
    assert oxide.taken()["contact.front.work_function"] == "niox"


def test_a_tandem_joins_two_absorbers_and_reaches_as_far_as_the_narrow_one() -> None:
    cell = from_toml(new_text("mine", Pair(top="1.8 eV", bottom="1.22 eV", sam="me-4pacz", htl=("niox",))))
    assert isinstance(cell, Tandem)
    assert cell.get("top.bandgap") == 1.8 and cell.get("bottom.bandgap") == 1.22
    assert cell.get("top.c60.extrapolate") and cell.get("bottom.pedot-pss.extrapolate")
    assert [layer.name for layer in cell.between] == ["au"]
    assert from_toml(cell.to_toml()) == cell


def test_on_silicon_light_meets_the_electron_side_of_the_perovskite_first() -> None:
    plan = Pair(bottom="Si", htl=("niox",), sam="me-4pacz", electrodes=("ito", "al"), substrate=("mgf2",))
    cell = from_toml(new_text("mine", plan))
    assert isinstance(cell, Tandem)
    assert [layer.role for layer in cell.top.layer] == [
        "coating",
        "electrode",
        "buffer",
        "etl",
        "absorber",
        "htl",
    ]
    assert [layer.name for layer in cell.bottom.layer] == ["n-plus", "silicon", "p-plus", "al"]
    assert cell.get("bottom.silicon.bandgap") == 1.125 and not cell.get("bottom.silicon.coherent")
    # the oxide lies behind the absorber here: the same step of the vacuum level, seen from the other side
    assert cell.get("top.perovskite|niox.dipole") == -0.135
    # their optical constants end before the light that silicon takes
    for path in ("top.perovskite", "top.c60", "top.sno2", "top.niox"):
        assert cell.get(f"{path}.extrapolate"), path
    assert cell.get("bottom.contact.front.hole_velocity") == 100.0
    assert from_toml(cell.to_toml()) == cell


def test_an_undoped_layer_between_two_junctions_states_its_contact() -> None:
    """Flat bands with a layer without carriers of its own let no current through."""
    cell = from_toml(new_text("mine", Pair(etl=("c60",))))
    assert cell.taken()["top.contact.back.work_function"] == "c60"
    assert "back" not in new_text("mine", Pair()).split("[top.contact]")[1].split("[top.interface]")[0]


@pytest.mark.parametrize(
    ("plan", "words", "cure"),
    [
        (Single(htl=("c60",), etl=("ptaa",)), "lets electrons through and keeps holes back", "Exchange"),
        (Single(etl=("bcp", "c60")), "would lie on the absorber", "--etl c60,bcp"),
        (Single(etl=("bcp",)), "would lie on the absorber", "behind one of"),
        (Single(etl=()), "without etl nothing lets the electrons out", "--etl"),
        (Single(htl=()), "without htl nothing lets the holes out", "--htl"),
        (Single(electrodes=("ito",)), "needs two electrodes", "ito,cu"),
        (Single(electrodes=("cu", "ito")), "light cannot enter through it", "transparent one first"),
        (Single(electrodes=("ito", "c60")), "cannot stand for electrodes", "Choose from"),
        (Single(electrodes=("ito", "lif")), "carries no current", "End with a metal"),
        (Single(absorber="c60"), "cannot stand for absorber", "perovskite"),
        (Single(absorber="1.63"), "has no unit", "1.63 eV"),
        (Single(absorber="perovskite"), "a perovskite of any gap", "1.63 eV"),
        (Single(htl=("me-4pacz",)), "is a monolayer and cannot stand for htl", "--sam me-4pacz"),
        (Single(sam="niox"), "is a layer, not a monolayer", "me-4pacz"),
        (Single("n-i-p", sam="me-4pacz"), "in n-i-p the holes leave at the back", "p-i-n"),
        (Single("pin"), 'no structure "pin"', '"p-i-n"'),  # type: ignore[arg-type]  # the wrong word is meant
        (Single(etl=("c60", "c60")), "stands twice", "once"),
        (Single(substrate=("ag",)), "cannot stand for substrate", "glass"),
        (Pair(top="1.25 eV", bottom="1.78 eV"), "light meets the top first", "Exchange"),
        (Pair(bottom="silicon-n-plus"), "one layer of a silicon cell", "--bottom silicon"),
        (Pair(top="1.1 eV", bottom="silicon"), "light meets the top first", "Exchange"),
        (Pair(bottom="silicon", etl=("c60", "bcp")), "where a transport layer belongs", "--etl bcp,c60"),
        (Single(absorber="silicon"), "junctions are made by doping", "silicon-planar"),
        (Pair(junction="four-terminal"), "terminals of its own", "perotwin tandem"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_what_cannot_work_is_refused_with_a_cure(plan: Any, words: str, cure: str) -> None:
    with pytest.raises(InputError) as fault:
        new_text("mine", plan)
    assert words in fault.value.message and cure in fault.value.advice


def test_an_unknown_name_lists_the_near_ones() -> None:
    with pytest.raises(UnknownNameError, match='"spiro-ometad"'):
        new_text("mine", Single("n-i-p", htl=("spiro-ometat",)))
    with pytest.raises(InputError, match="covers bandgaps"):
        new_text("mine", Single(absorber="3.1 eV"))


@pytest.mark.parametrize("name", ['my "best" cell', "back\\slash", "Zelle 1,63 eV – µ"])
def test_any_name_of_a_file_is_a_name_of_a_cell(name: str) -> None:
    assert from_toml(new_text(name, Single(), f"perotwin new {name}\n[light]\nside = 1")).name == name
