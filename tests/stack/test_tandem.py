"""Tandems: field paths, what the junctions share, the row of layers, the whole as one stack, refusals."""

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest

import perotwin as pt
from perotwin.errors import InputError, UnknownNameError
from perotwin.stack import (
    Ideal,
    Layer,
    Metal,
    Parallel,
    Resistive,
    Separate,
    Stack,
    Tandem,
    Traps,
    from_toml,
    load,
    paths,
)

TRAPS = {"kind": "traps", "electron_velocity": "1e5 cm/s", "hole_velocity": "1e4 cm/s"}


def layer(name: str, role: str, **more: Any) -> dict[str, Any]:
    """A layer without optics; without a gap it carries no current."""
    gap = more.pop("gap", None)
    data = {"name": name, "role": role, "thickness": "50 nm", **more}
    if gap is not None:
        data["electronic"] = {
            "electron_affinity": "4 eV",
            "bandgap": gap,
            "conduction_dos": "1e18 cm^-3",
            "valence_dos": "1e18 cm^-3",
            "electron_mobility": "1 cm^2/(V s)",
            "hole_mobility": "1 cm^2/(V s)",
            "permittivity": 10,
        }
    return data


def cell(gap: str, *, front: bool) -> dict[str, Any]:
    """One junction as a file has it, with its outer contact only."""
    outer = {"work_function": "5.3 eV" if front else "4.1 eV"}
    return {
        "layer": [
            layer("htl", "htl", gap="3 eV"),
            layer("film", "absorber", gap=gap),
            layer("etl", "etl", gap="3 eV"),
        ],
        "interface": {"htl|film": {"dipole": "0.1 eV"}},
        "contact": {"front" if front else "back": outer},
        "circuit": {"series_resistance": "1 ohm cm^2"},
    }


def data(**changes: Any) -> dict[str, Any]:
    return {
        "name": "t",
        "light": {"generation": {"kind": "uniform", "rate": "1e21 cm^-3 s^-1"}},
        "top": cell("1.8 eV", front=True),
        "between": [layer("au", "electrode")],
        "bottom": cell("1.25 eV", front=False),
        **changes,
    }


def tandem(**changes: Any) -> Tandem:
    return Tandem.from_data(data(**changes))


def test_a_path_names_a_junction_or_the_tandem() -> None:
    one = tandem(junction={"kind": "resistive", "resistance": "0.5 ohm cm^2"})
    assert one.get("top.film.thickness") == one.get("top.thickness") == 50e-9
    assert one.get("bottom.bandgap") == one.get("bottom.film.electronic.bandgap") == 1.25
    assert one.get("bottom.htl|film.dipole") == 0.1
    assert one.get("au.thickness") == 50e-9
    assert one.get("junction.resistance") == 0.5e-4
    assert one.get("light.intensity") == one.get("top.light.intensity") == 1.0
    assert one.get("temperature") == one.get("top.temperature") == 298.15
    assert one.get("name") == "t" and one.get("top.name") == "top"
    changed = one.with_values(
        {
            "top.thickness": "60 nm",
            "bottom.film.thickness": 7e-8,
            "au.thickness": "1 nm",
            "junction.resistance": "2 ohm cm^2",
            "light.intensity": "0.1 sun",
            "bottom.light.intensity": "2 sun",
            "name": "u",
        }
    )
    assert changed.get("top.film.thickness") == 60e-9 and changed.get("bottom.thickness") == 70e-9
    assert changed.get("au.thickness") == 1e-9 and changed.get("junction.resistance") == 2e-4
    assert (changed.light.intensity, changed.top.light.intensity, changed.bottom.light.intensity) == (
        0.1,
        1.0,
        2.0,
    )
    assert changed.name == "u" and one == tandem(junction={"kind": "resistive", "resistance": "0.5 ohm cm^2"})
    assert one.with_values({}) == one


def test_light_and_temperature_are_those_of_the_whole() -> None:
    warm = tandem().with_values({"temperature": "65 degC", "light.side": "back"})
    for stack in warm.cells.values():
        assert stack.temperature == pytest.approx(338.15)
        assert stack.light.side == "back" and stack.light.generation == warm.light.generation
        # numbers that hold at room temperature go on to hold there
        assert stack.get("film.electronic.reference_temperature") == 298.15
    assert warm.with_light(intensity="0.1 sun").light.intensity == 0.1
    text = tandem().to_toml()
    assert text.count("temperature") == 0 and text.count("light]") == 1
    assert "[top.light]" in tandem().with_values({"top.light.intensity": "0 sun"}).to_toml()
    # the junctions are complete stacks: a change of one keeps what it took over
    dark = warm.top.with_light(intensity=0.0)
    assert dark.light.side == "back" and dark.temperature == warm.temperature
    assert Stack.from_toml(warm.bottom.to_toml()) == warm.bottom


def test_the_short_bandgap_moves_edge_and_electronic_gap_together() -> None:
    one = pt.load("tandem-target").with_values({"top.bandgap": "1.75 eV"})
    assert one.get("top.perovskite.bandgap") == one.top.named("perovskite").gap == 1.75
    apart = pt.load("wbg-target").with_values({"perovskite.electronic.bandgap": "1.80 eV"})
    moved = apart.with_values({"bandgap": "1.75 eV"})
    assert moved.get("perovskite.bandgap") == 1.75
    assert moved.named("perovskite").gap == pytest.approx(1.76, abs=1e-12)
    assert apart.with_values({"perovskite.bandgap": "1.75 eV"}).named("perovskite").gap == 1.80
    assert pt.load("cell-a").with_values({"bandgap": 1.7}).get("perovskite.electronic.bandgap") == 1.7
    patches = Parallel(name="p", column=({"name": "a", "area": 1.0, "stack": pt.load("wbg-target")},))
    assert patches.with_values({"thickness": "400 nm"}).get("a.perovskite.thickness") == 400e-9
    table = pt.load("wbg-target").with_values({"perovskite.material": "tio2"})
    with pytest.raises(InputError, match=r"one absorption edge only.*halide-perovskite"):
        table.with_values({"bandgap": 1.7})
    two = [layer("a", "absorber", gap="1 eV"), layer("b", "absorber", gap="1 eV")]
    homojunction = Stack.from_data({**cell_alone(), "layer": two, "interface": {}})
    with pytest.raises(InputError, match=r"there are 2\..*\"a\.thickness\", \"b\.thickness\""):
        homojunction.get("thickness")
    none = Stack.from_data({**cell_alone(), "layer": two[:1]} | {"interface": {}}).with_values(
        {"a.role": "htl"}
    )
    with pytest.raises(InputError, match="there are none"):
        none.with_values({"bandgap": 1.0})


def cell_alone() -> dict[str, Any]:
    both = {"front": {"work_function": "flat-band"}, "back": {"work_function": "flat-band"}}
    return {**cell("1 eV", front=True), "name": "c", "contact": both, "light": data()["light"]}


def test_layers_stand_in_one_row_called_after_their_junction() -> None:
    one = tandem()
    names = ["top htl", "top film", "top etl", "au", "bottom htl", "bottom film", "bottom etl"]
    assert [each.name for each in one.layer] == names
    assert [each.name for each in one.absorbers] == ["top film", "bottom film"]
    assert [each.name for each in one.electrical_layers] == [name for name in names if name != "au"]
    assert one.named("top film").model_copy(update={"name": "film"}) == one.top.named("film")
    assert one.face("top htl", "top film").dipole == 0.1 == one.face(*one.layer[:2]).dipole
    assert one.face("top etl", "au").dipole == 0.0
    assert one.face_layer("bottom htl|bottom film").name == "bottom film"
    assert one.radiative(one.absorbers[0]).kind == "none"
    assert list(one.stacks) == list(one.cells) == ["top", "bottom"]
    assert pickle.loads(pickle.dumps(one)) == one == copy.deepcopy(one)
    assert hash(one) == hash(tandem())


def test_the_whole_is_one_stack() -> None:
    one = tandem(junction=TRAPS | {"dipole": "0.3 eV", "level": {"below": "vacuum", "depth": "4.4 eV"}})
    whole = one.whole
    assert [each.name for each in whole.layer] == [each.name for each in one.electrical_layers]
    assert whole.contact is not None
    assert (whole.contact.front.work_function, whole.contact.back.work_function) == (5.3, 4.1)
    assert whole.circuit.series_resistance == pytest.approx(2e-4) and whole.circuit.shunt_resistance is None
    inner = whole.interface["top etl|bottom htl"]
    assert inner.dipole == 0.3 and (inner.trap[0].s_n, inner.trap[0].s_p) == (1e3, 1e2)
    assert inner.trap[0].level.below_vacuum(4.0, 3.0) == 4.4
    assert whole.light == one.light and whole.temperature == one.temperature
    assert whole.interface["top htl|top film"].dipole == 0.1
    assert tandem(junction=TRAPS).whole.interface["top etl|bottom htl"].dipole == 0.0
    ideal = tandem().whole
    assert ideal.interface["top etl|bottom htl"].trap == ()
    resistive = tandem(junction={"kind": "resistive", "resistance": "3 ohm cm^2"}).whole
    assert resistive.circuit.series_resistance == pytest.approx(5e-4)
    with pytest.raises(InputError, match="four terminals"):
        _ = tandem(junction="separate").whole


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (None, Ideal()),
        ("ideal", Ideal()),
        ("separate", Separate()),
        ({"kind": "resistive", "resistance": "1 ohm cm^2"}, Resistive(resistance="1 ohm cm^2")),
        (TRAPS, Traps(electron_velocity=1e3, hole_velocity=1e2)),
        (
            TRAPS | {"metal": {"work_function": "5.1 eV"}, "dipole": "-0.2 eV"},
            Traps(electron_velocity=1e3, hole_velocity=1e2, metal=Metal(work_function=5.1), dipole=-0.2),
        ),
    ],
)
def test_junctions_are_types(written: Any, read: Any) -> None:
    one = tandem() if written is None else tandem(junction=written)
    assert one.junction == read
    assert from_toml(one.to_toml()) == one
    mirrored = one.mirrored()
    assert mirrored.mirrored() == one and from_toml(mirrored.to_toml()) == mirrored


def test_the_mirror_image_is_the_device_from_the_other_end() -> None:
    extra = [layer("au", "electrode"), layer("izo", "electrode")]
    one = tandem(between=extra, junction=TRAPS | {"dipole": "0.3 eV"}).with_values(
        {"bottom.name": "nbg", "bottom.light.intensity": "2 sun"}
    )
    seen = one.mirrored()
    assert [each.name for each in seen.top.layer] == ["etl", "film", "htl"]
    assert [each.name for each in seen.between] == ["izo", "au"]
    assert seen.top.named("film").gap == 1.25 and seen.top.name == "nbg" and seen.bottom.name == "bottom"
    assert seen.light.side == seen.top.light.side == "back" and seen.top.light.intensity == 2.0
    assert seen.get("junction.dipole") == -0.3 and seen.get("top.film|htl.dipole") == -0.1
    assert seen.top.contact is not None and seen.top.contact.back.work_function == "flat-band"
    assert seen.get("top.contact.front.work_function") == 4.1
    assert seen.mirrored() == one


def test_every_number_has_a_path_and_its_source() -> None:
    one = load("tandem-target")
    assert isinstance(one, Tandem)
    numbers, sources = one.quantities(), one.sources()
    assert all(one.get(path) == number for path, number in numbers.items())
    assert set(sources) == set(numbers)
    assert "junction.resistance" in numbers and "au.thickness" in numbers and "temperature" in numbers
    assert not any(path.startswith(("top.temperature", "bottom.light")) for path in numbers)
    told = tandem(source="a definition")
    assert set(told.sources().values()) == {"a definition"} and set(told.sources()) == set(told.quantities())
    inside = tandem(source="outer", top={**cell("1.8 eV", front=True), "source": "inner"}).sources()
    assert inside["top.film.thickness"] == "inner" and inside["bottom.film.thickness"] == "outer"


def test_one_reader_reads_every_cell(tmp_path: Path) -> None:
    file = tmp_path / "t.toml"
    file.write_text(tandem().to_toml(), encoding="utf-8")
    assert pt.load(file) == tandem() == pt.Tandem.from_toml(file.read_text(encoding="utf-8"))
    with pytest.raises(InputError, match=r"top.*Tandem"):
        Stack.from_toml(tandem().to_toml())
    text = tandem().to_toml().replace("[light]", '[light]\nspectrum = { kind = "file", path = "lamp.csv" }')
    read = from_toml(text, file=str(file))
    assert read.light.spectrum.path == read.cells["top"].light.spectrum.path == str(tmp_path / "lamp.csv")


def test_stacks_in_python_become_junctions() -> None:
    stack = Stack.from_data({**cell_alone(), "name": "mine"})
    one = Tandem(name="t", light=stack.light, top=stack, bottom=stack.with_light(intensity=0.5))
    assert one.top == stack and one.bottom.light.intensity == 0.5 and one.light.intensity == 1.0
    assert from_toml(one.to_toml()) == one
    with pytest.raises(InputError, match=r"at 310 K and the tandem at 298\.15 K"):
        Tandem(name="t", light=stack.light, top=stack.with_values({"temperature": "310 K"}), bottom=stack)
    with pytest.raises(InputError, match="another side"):
        Tandem(name="t", light=stack.light, top=stack, bottom=stack.with_light(side="back"))
    with pytest.raises(InputError) as found:
        Tandem(name="t", top=7, bottom=stack, light=stack.light)
    assert found.value.key == "top"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("film.thickness", ['"top.film.thickness" or "bottom.film.thickness"']),
        ("thickness", ['"top.thickness" or "bottom.thickness"']),
        ("htl|film.dipole", ['"top.htl|film.dipole" or "bottom.htl|film.dipole"']),
        ("circuit.series_resistance", ['"top.circuit.series_resistance"']),
        ("top", ["whole junction", "top.thickness"]),
        ("flim.thickness", ['"top.film"', '"bottom.film"']),
        ("middle.thickness", ["no junction, layer, face or key"]),
        ("junction.resistance", ['"resistance" does not exist', '"kind"']),
        ("top.flim.thickness", ['Did you mean "film"']),
        ("top.temperature.value", ["deeper"]),
    ],
)
def test_an_unknown_path_is_refused(path: str, words: list[str]) -> None:
    with pytest.raises(InputError) as found:
        tandem().get(path)
    assert found.value.key == path
    for word in ["tandem", *words]:
        assert word in str(found.value)


@pytest.mark.parametrize(
    ("values", "key", "words"),
    [
        ({"top.light.side": "back"}, "top.light.side", ["no side of its own", "light.side once"]),
        ({"bottom.temperature": "310 K"}, "bottom.temperature", ["no temperature of its own"]),
        ({"top.film.thickness": "-3 nm"}, "top.film.thickness", ["not positive"]),
        ({"au.thickness": "3 eV"}, "au.thickness", ["length"]),
        ({"top.light.intensity": "-1 sun"}, "top.light.intensity", ["negative"]),
        ({"light.intensity": "-1 sun"}, "light.intensity", ["negative"]),
        ({"top.film": 3}, "top.film", ["whole layer"]),
        ({"junction": {"kind": "tunnel"}}, "junction", ['no junction of kind "tunnel"']),
        ({"junction": {"kind": "resistive"}}, "junction.resistance", ["missing"]),
        ({"junction": TRAPS | {"electron_velocity": "-1 cm/s"}}, "junction.electron_velocity", ["negative"]),
        ({"junction": TRAPS | {"dipole": "steep"}}, "junction.dipole", ["steep"]),
        ({"name": " "}, "name", ["empty"]),
        ({"film.thickness": 1e-7}, "film.thickness", ["top.film.thickness"]),
    ],
)
def test_an_impossible_change_is_refused(values: dict[str, Any], key: str, words: list[str]) -> None:
    with pytest.raises(InputError) as found:
        tandem().with_values(values)
    assert found.value.key == key, str(found.value)
    for word in words:
        assert word in str(found.value)


def without_electronic(which: str, index: int) -> dict[str, Any]:
    changed = copy.deepcopy(data())
    del changed[which]["layer"][index]["electronic"]
    changed[which]["layer"][index]["role"] = "electrode"
    changed[which]["interface"] = {}
    return changed


@pytest.mark.parametrize(
    ("wrong", "key", "words"),
    [
        (
            data(middle=[cell("1.5 eV", front=True)]),
            "middle",
            ["one [middle]", "four junctions", "not modelled"],
        ),
        (data(cell=[]), "cell", ["[top], [bottom]", "four junctions"]),
        (data(third=cell("1.5 eV", front=True)), "third", ["one [middle]", "not modelled"]),
        (data(lower_junction="ideal"), "lower_junction", ["no", "[middle]", "write junction"]),
        (data(lower_between=[layer("izo", "electrode")]), "lower_between", ["[middle]", "write between"]),
        (data(column=[]), "column", ["[[top.column]]"]),
        (data(contact={}), "contact", ["[top.contact]"]),
        (data(layer=[]), "layer", ["[[top.layer]]", "[[between]]"]),
        (data(temperature="-1 K"), "temperature", ["not positive"]),
        ({key: value for key, value in data().items() if key != "bottom"}, "bottom", ["missing"]),
        (data(top={**cell("1 eV", front=True), "temperature": "300 K"}), "top.temperature", ["of its own"]),
        (data(top={**cell("1 eV", front=True), "light": {"side": "back"}}), "top.light.side", ["of its own"]),
        (data(top={**cell("1 eV", front=True), "light": {"sid": "back"}}), "top.light.sid", ['"side"']),
        (data(top={**cell("1 eV", front=True), "contact": {}}), "top.contact.front", ["missing"]),
        (data(top={**cell("1 eV", front=True), "layer": []}), "top.layer", ["no layer"]),
        (without_electronic("top", 2), "top.etl", ["ends with", "[[between]]"]),
        (without_electronic("bottom", 0), "bottom.htl", ["begins with", "[[between]]"]),
        (
            data(top={"layer": [layer("film", "absorber")], "interface": {}}),
            "top",
            ["no electrical layer", "[top.layer.electronic]"],
        ),
        (data(between=[layer("au", "etl", gap="1 eV")]), "au.electronic", ["between the junctions"]),
        (data(between=[layer("junction", "electrode")]), "junction.name", ["key of a tandem"]),
        (data(between=[layer("top film", "electrode")]), "top film.name", ["two layers"]),
        (data(between=[layer("au", "electrode", thickness="0 nm")]), "au.thickness", ["not positive"]),
        (
            data(top={**cell("1 eV", front=True), "interface": {"htl|etl": {}}}),
            "top.htl|etl",
            ["do not touch"],
        ),
    ],
)
def test_a_wrong_file_is_refused(wrong: dict[str, Any], key: str, words: list[str]) -> None:
    with pytest.raises(InputError) as found:
        Tandem.from_data(wrong, file="t.toml")
    assert found.value.file == "t.toml" and found.value.key == key, str(found.value)
    for word in words:
        assert word in str(found.value)


def test_a_layer_between_needs_a_material_where_light_is_followed() -> None:
    plain = paths.plain(load("tandem-target")._stated)
    plain["between"] = [layer("gap", "coating")]
    with pytest.raises(InputError, match='"gap" has no material'):
        Tandem.from_data(plain, bare_numbers=True)


def test_what_is_unknown_offers_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match='Did you mean "top film"'):
        tandem().named("top flim")
    joined = tandem(junction=TRAPS)
    with pytest.raises(InputError, match="not set"):
        joined.get("junction.metal.work_function")
    held = joined.with_values({"junction.metal.work_function": "5.1 eV"})
    assert held.get("junction.metal.work_function") == 5.1


def test_layers_between_are_layers() -> None:
    assert all(isinstance(each, Layer) for each in tandem().between)
    assert tandem(between=[]).between == () and from_toml(tandem(between=[]).to_toml()) == tandem(between=[])
