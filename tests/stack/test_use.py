"""`use` completes what a file states, says what is the library's, and refuses what it cannot mean."""

import pickle

import pytest

from perotwin.errors import InputError
from perotwin.stack import Layer, Pair, Stack, Tandem, from_toml, join_tandem, new_text

CELL = """
name = "mine"
[[layer]]
use = "glass"
[[layer]]
use = "ito"
[[layer]]
use = "niox"
thickness = "12 nm"
[[layer]]
use = "perovskite"
bandgap = "1.65 eV"
electronic.electron_mobility = { value = "3 cm^2/(V s)", source = "measured" }
[[layer]]
use = "c60"
name = "fullerene"
[[layer]]
use = "bcp"
[[layer]]
use = "cu"
[interface]
"niox|perovskite" = { use = "me-4pacz" }
"perovskite|fullerene" = { use = "c60", roughness = "5 nm" }
[contact]
front = { use = "niox" }
back = { use = "bcp" }
"""


@pytest.fixture
def cell() -> Stack:
    made = from_toml(CELL)
    assert isinstance(made, Stack)
    return made


def test_what_is_not_stated_is_the_librarys_and_says_so(cell: Stack) -> None:
    c60 = cell.named("fullerene")
    assert c60.role == "etl" and c60.material == "c60" and c60.electronic is not None
    assert c60.electronic.electron_affinity == 3.9
    assert cell.sources()["fullerene.electronic.electron_affinity"] == "thiesbrummel2024, C60"
    assert cell.taken()["fullerene.electronic.electron_affinity"] == "c60"
    assert cell.taken()["niox|perovskite.dipole"] == "me-4pacz"
    assert cell.taken()["contact.back.work_function"] == "bcp"
    stated = {path for path in cell.quantities() if path not in cell.taken()}
    assert stated == {
        "niox.thickness", "perovskite.bandgap", "perovskite.electronic.electron_mobility",
        "perovskite|fullerene.roughness",
    }  # fmt: skip


def test_a_number_in_place_wins_and_the_others_stay(cell: Stack) -> None:
    perovskite = cell.named("perovskite").electronic
    assert perovskite is not None
    assert (
        perovskite.electron_mobility.text == "3 cm^2/(V s)"
        and perovskite.electron_mobility.source == "measured"
    )
    assert perovskite.hole_mobility.text == "5 cm^2/(V s)"
    assert (
        cell.face("perovskite", "fullerene").trap and cell.face("perovskite", "fullerene").roughness == 5e-9
    )


def test_a_list_in_place_replaces_the_librarys(cell: Stack) -> None:
    none = from_toml(CELL.replace('bandgap = "1.65 eV"', 'bandgap = "1.65 eV"\ntrap = []'))
    assert cell.named("perovskite").trap and not none.named("perovskite").trap  # type: ignore[union-attr]  # a stack
    assert "trap = []" in none.to_toml() and from_toml(none.to_toml()) == none
    one = cell.with_values({"perovskite.trap.electron_lifetime": "1 us"})
    assert one.named("perovskite").trap[0].tau_n == 1e-6 and one.named("perovskite").trap[0].tau_p == 200e-9
    assert (
        one.taken().keys() & {"perovskite.trap.1.electron_lifetime", "perovskite.trap.1.hole_lifetime"}
        == set()
    )


def test_it_numbers_hold_at_standard_temperature_whatever_the_cells(cell: Stack) -> None:
    warm = cell.with_values({"temperature": "65 degC"})
    hot = warm.with_values({"temperature": "85 degC"})
    for one in (warm, hot):
        electronic = one.named("perovskite").electronic
        assert electronic is not None and electronic.reference_temperature == 298.15
        assert "reference_temperature" not in one.to_toml()


def test_what_the_library_has_cannot_be_left_out_in_silence(cell: Stack) -> None:
    with pytest.raises(InputError, match='"ions" of "perovskite" stands in the library'):
        cell.with_values({"perovskite.ions": None})
    still = cell.with_values({"perovskite.ions.density": "0 cm^-3"})
    ions = still.named("perovskite").ions  # type: ignore[union-attr]  # a stack
    assert ions is not None and ions.density == 0.0


def test_faults_name_file_key_and_cure() -> None:
    with pytest.raises(InputError) as fault:
        from_toml(CELL.replace('use = "bcp"\n[[layer]]', 'use = "bcq"\n[[layer]]'), file="mine.toml")
    assert fault.value.file == "mine.toml" and fault.value.key == "bcq.use" and '"bcp"' in fault.value.advice
    with pytest.raises(InputError, match="is nothing for") as fault:
        from_toml(CELL.replace('front = { use = "niox" }', 'front = { use = "glass" }'), file="mine.toml")
    assert fault.value.key == "contact.front.use"
    with pytest.raises(InputError, match='"mobility" does not exist') as fault:
        from_toml(CELL.replace("electronic.electron_mobility", "electronic.mobility"), file="mine.toml")
    assert fault.value.key == "perovskite.electronic.mobility"
    assert fault.value.advice == "Write electron_mobility and hole_mobility."
    with pytest.raises(InputError, match="have no bandgap") as fault:
        from_toml(CELL.replace('bandgap = "1.65 eV"\n', ""), file="mine.toml")
    assert fault.value.key == "perovskite.electronic.bandgap"


def test_a_monolayers_dipole_has_a_direction() -> None:
    turned = CELL.replace('{ use = "c60", roughness = "5 nm" }', '{ use = "me-4pacz" }')
    with pytest.raises(InputError, match="holds where the absorber lies behind it"):
        from_toml(turned)
    from_toml(turned.replace('{ use = "me-4pacz" }', '{ use = "me-4pacz", dipole = "0.1 eV" }'))


def test_the_mirror_image_states_its_dipole_and_is_the_same_device(cell: Stack) -> None:
    image = cell.mirrored()
    assert image.face("perovskite", "niox").dipole == -cell.face("niox", "perovskite").dipole
    assert image.layer[1].use == "bcp"
    assert from_toml(image.to_toml()) == image
    twice = image.mirrored()
    assert {path: number.hex() for path, number in twice.quantities().items()} == {
        path: number.hex() for path, number in cell.quantities().items()
    }


def test_copies_keep_what_was_stated(cell: Stack) -> None:
    assert pickle.loads(pickle.dumps(cell)) == cell
    assert pickle.loads(pickle.dumps(cell)).to_toml() == cell.to_toml()
    renamed = cell.layer[4].model_copy(update={"name": "other"})
    assert renamed.as_stated().model_fields_set == {"use", "name"}
    assert Layer(use="c60").as_stated().model_fields_set == {"use"}


def test_it_goes_into_a_tandem_and_stays_short(cell: Stack) -> None:
    narrow = CELL.replace('use = "perovskite"\nbandgap = "1.65 eV"', 'use = "sn-pb"')
    bottom = from_toml(narrow.replace("niox", "pedot-pss").replace("me-4pacz", "pedot-pss"))
    assert isinstance(bottom, Stack)
    tandem, _ = join_tandem(cell, bottom, name="both")
    text = tandem.to_toml()
    assert text.count('use = "c60"') == 4 and "electron_affinity" not in text
    assert isinstance(tandem, Tandem) and from_toml(text) == tandem
    assert tandem.taken()["bottom.pedot-pss.electronic.bandgap"] == "pedot-pss"
    gap = tandem.with_values({"top.bandgap": "1.7 eV"})
    assert gap.get("top.perovskite.bandgap") == 1.7 and from_toml(gap.to_toml()) == gap


def test_spelled_out_it_is_the_same_cell_without_the_library(cell: Stack) -> None:
    full = cell.spelled_out()
    assert "use =" not in full.to_toml() and not full.taken()
    assert full.sources() == cell.sources() and from_toml(full.to_toml()) == full
    assert {path: one.hex() for path, one in full.quantities().items()} == {
        path: one.hex() for path, one in cell.quantities().items()
    }
    tandem = from_toml(new_text("both", Pair()))
    assert "use =" not in tandem.spelled_out().to_toml()
    assert tandem.spelled_out().quantities() == tandem.quantities()
