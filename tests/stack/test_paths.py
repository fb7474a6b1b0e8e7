"""Field paths read and change a stack; files and faces follow the same rules."""

import copy
import pickle
from pathlib import Path

import pytest

import written
from perotwin.errors import InputError
from perotwin.stack import Coefficient, DetailedBalance, NoRadiation, Stack, Trap, load


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("perovskite.thickness", 450e-9),
        ("perovskite.bandgap", 1.79),
        ("perovskite.electronic.electron_mobility", 1e-4),
        ("perovskite.electron_mobility", 1e-4),
        ("perovskite.trap.2.density", 7.99e21),
        ("perovskite.ions.density", 3e22),
        ("niox|perovskite.dipole", 0.22),
        ("perovskite|c60.roughness", 7.4e-9),
        ("niox|perovskite.trap.electron_velocity", 0.2),
        ("contact.front.work_function", 5.30),
        ("circuit.series_resistance", 2e-4),
        ("temperature", 298.15),
        ("light.intensity", 1.0),
        ("light.side", "front"),
    ],
)
def test_a_path_reads_the_field(field: str, value: object) -> None:
    assert written.stack("wbg-target").get(field) == value


@pytest.mark.parametrize(
    ("field", "value", "si"),
    [
        ("perovskite.thickness", "500 nm", 500e-9),
        ("perovskite.thickness", 500e-9, 500e-9),
        ("perovskite.electron_mobility", "2 cm^2/(V s)", 2e-4),
        ("perovskite.trap.1.electron_lifetime", "1 us", 1e-6),
        ("niox|perovskite.dipole", "0.1 eV", 0.1),
        ("niox|perovskite.trap.1.hole_velocity", "1 cm/s", 0.01),
        ("c60|sno2.dipole", "-0.1 eV", -0.1),
        ("ito|niox.roughness", "2 nm", 2e-9),
        ("contact.back.electron_velocity", "1e5 cm/s", 1e3),
        ("circuit.shunt_resistance", "1e3 ohm cm^2", 0.1),
        ("light.intensity", "0.1 sun", 0.1),
        ("light.intensity", "dark", 0.0),
        ("temperature", "65 degC", 338.15),
        ("perovskite.ions.second.density", None, None),
        ("perovskite.recombination.auger", {"electron": "1e-28 cm^6/s", "hole": "1e-28 cm^6/s"}, None),
        ("perovskite.recombination.radiative", "none", None),
        ("light.spectrum", {"kind": "monochromatic", "wavelength": "532 nm"}, None),
        ("contact.front.work_function", "flat-band", None),
    ],
)
def test_a_path_changes_one_field(field: str, value: object, si: float | None) -> None:
    cell = written.stack("wbg-target")
    if value is None:
        with pytest.raises(InputError, match="diffusion_coefficient"):
            cell.with_values({field: 1e22})
        return
    changed = cell.with_values({field: value})
    if si is not None:
        assert changed.get(field) == pytest.approx(si, rel=1e-15)
    assert changed != cell
    assert cell == written.stack("wbg-target")
    assert Stack.from_toml(changed.to_toml()) == changed


def test_a_change_to_what_is_there_changes_nothing() -> None:
    cell = written.stack("wbg-target")
    assert cell.with_values({"perovskite.thickness": "450 nm"}) == cell
    assert cell.with_values({}) == cell


def test_the_electronic_gap_follows_the_layer() -> None:
    cell = written.stack("wbg-target").with_values({"perovskite.bandgap": "1.7 eV"})
    assert cell.named("perovskite").gap == 1.7


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("perovskit.thickness", "1 nm", ['"perovskite"']),
        ("perovskite.thicknes", "1 nm", ['"thickness"']),
        ("perovskite.trap.3.density", "1 cm^-3", ["which of 2 traps"]),
        ("perovskite.trap.density", "1 cm^-3", ["which of 2 traps"]),
        ("c60.trap.1.density", "1 cm^-3", ["no trap"]),
        ("niox|c60.dipole", "0.1 eV", ['"niox|perovskite"']),
        ("niox|perovskite.dipol", "0.1 eV", ['"dipole"']),
        ("light.intensty", 1.0, ['"intensity"']),
        ("perovskite.thickness.value", 1.0, ["deeper"]),
        ("perovskite.thickness", "1 eV", ["energy"]),
        ("perovskite.thickness", "-1 nm", ["positive"]),
    ],
)
def test_a_wrong_path_or_value_is_refused(field: str, value: object, words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        written.stack("wbg-target").with_values({field: value})
    assert caught.value.file == 'stack "wbg-target"'
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("field", ["perovskite", "niox|perovskite"])
def test_a_whole_layer_or_face_takes_no_number(field: str) -> None:
    with pytest.raises(InputError, match="names a whole layer or face") as caught:
        written.stack("wbg-target").with_values({field: "300 nm"})
    assert f'"{field}.' in caught.value.advice


def test_reading_what_is_not_set_says_so() -> None:
    with pytest.raises(InputError, match="not set"):
        written.stack("wbg-target").get("perovskite.ions.second.density")


def test_a_face_that_is_not_stated_is_a_plain_one() -> None:
    cell = written.stack("wbg-target")
    assert "c60|sno2" not in cell.interface and cell.get("c60|sno2.dipole") == 0.0


def test_light_can_be_changed_alone() -> None:
    cell = written.stack("wbg-target").with_light(intensity="0.1 sun", side="back")
    assert (cell.light.intensity, cell.light.side) == (0.1, "back")


def test_mirroring_turns_layers_faces_contacts_and_light() -> None:
    cell = written.stack("wbg-target")
    mirror = cell.mirrored()
    assert [layer.name for layer in mirror.layer] == [layer.name for layer in reversed(cell.layer)]
    assert mirror.interface["perovskite|niox"].dipole == -0.22
    assert mirror.interface["perovskite|niox"].dipole.written == "-0.22 eV"
    assert mirror.interface["c60|perovskite"].roughness == 7.4e-9
    assert mirror.light.side == "back"
    assert mirror.contact is not None and cell.contact is not None
    assert mirror.contact.front == cell.contact.back


def test_radiation_follows_the_optics_unless_stated() -> None:
    target, a = written.stack("wbg-target"), load("cell-a")
    assert isinstance(target.radiative(target.named("perovskite")), DetailedBalance)
    assert isinstance(target.radiative(target.named("c60")), NoRadiation)
    assert isinstance(a.radiative(a.named("perovskite")), Coefficient)
    bare = a.with_values({"perovskite.recombination": {}})
    assert isinstance(bare.radiative(bare.named("perovskite")), NoRadiation)
    step = bare.with_values({"light.generation": "step"})
    assert isinstance(step.radiative(step.named("perovskite")), DetailedBalance)


def test_face_traps_stand_on_the_absorber_scale() -> None:
    target = written.stack("wbg-target")
    assert target.face_layer("niox|perovskite").name == "perovskite"
    assert target.face_layer("perovskite|c60").name == "perovskite"
    assert target.face_layer("c60|sno2").name == "c60"


def test_derived_trap_strengths() -> None:
    trap = load("nbg").named("perovskite").trap[0]
    assert trap.tau_n == 1e-6
    caught = Trap(density="8e14 cm^-3", electron_capture="1e-8 cm^3/s", hole_capture="2e-8 cm^3/s")
    assert (caught.tau_n, caught.tau_p) == pytest.approx((125e-9, 62.5e-9))
    assert load("nbg").interface["perovskite|c60"].trap[0].s_p == 1.5
    assert written.stack("wbg-control").interface["niox|perovskite"].trap[0].s_n == 1.0


def test_relative_files_are_found_beside_the_stack(tmp_path: Path) -> None:
    text = written.text("wbg-target")
    text = text.replace('material = "niox"', 'material = { kind = "table", path = "nk/mine.csv" }')
    text = text.replace('spectrum = "AM1.5G"', 'spectrum = { kind = "file", path = "lamp.csv" }')
    file = tmp_path / "cell.toml"
    file.write_text(text, encoding="utf-8")
    cell = load(file)
    assert cell.named("niox").material.path == str(tmp_path / "nk" / "mine.csv")
    assert cell.light.spectrum.path == str(tmp_path / "lamp.csv")
    assert Stack.from_toml(cell.to_toml()) == cell


def test_equal_stacks_hash_alike_and_survive_pickling() -> None:
    cell = written.stack("wbg-target")
    twin = cell.with_values({"perovskite.thickness": 450e-9})
    assert twin == cell
    assert hash(twin) == hash(cell)
    back = pickle.loads(pickle.dumps(cell))
    assert back == cell
    assert back.sources() == cell.sources()
    assert copy.deepcopy(cell) == cell
