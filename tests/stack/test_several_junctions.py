"""Tandems of three junctions and of junctions with columns: field paths, joints, columns, refusals."""

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest

import perotwin as pt
from perotwin.errors import InputError
from perotwin.stack import (
    Column,
    Ideal,
    Parallel,
    Resistive,
    Separate,
    Stack,
    Tandem,
    Traps,
    from_toml,
    in_order,
    load,
)

TRAPS = {"kind": "traps", "electron_velocity": "1e5 cm/s", "hole_velocity": "1e4 cm/s"}


def layer(name: str, role: str, gap: float | None = None) -> dict[str, Any]:
    """A layer without optics; without a gap it carries no current."""
    data: dict[str, Any] = {"name": name, "role": role, "thickness": "50 nm"}
    if gap is not None:
        data["electronic"] = {
            "electron_affinity": "4 eV",
            "bandgap": f"{gap} eV",
            "conduction_dos": "1e18 cm^-3",
            "valence_dos": "1e18 cm^-3",
            "electron_mobility": "1 cm^2/(V s)",
            "hole_mobility": "1 cm^2/(V s)",
            "permittivity": 10,
        }
    return data


def junction(gap: float, dipole: str = "0.1 eV", **contact: str) -> dict[str, Any]:
    """One junction as a file has it, with its outer contacts only."""
    return {
        "layer": [layer("htl", "htl", 3.0), layer("film", "absorber", gap), layer("etl", "etl", 3.0)],
        "interface": {"htl|film": {"dipole": dipole}},
        "circuit": {"series_resistance": "1 ohm cm^2"},
        **({"contact": {end: {"work_function": depth} for end, depth in contact.items()}} if contact else {}),
    }


TOP, MIDDLE, BOTTOM = junction(1.9, front="5.3 eV"), junction(1.5), junction(1.2, back="4.1 eV")
LIGHT = {"generation": {"kind": "uniform", "rate": "1e21 cm^-3 s^-1"}}


def three(**changes: Any) -> Tandem:
    data = {
        "name": "t",
        "light": LIGHT,
        "top": TOP,
        "between": [layer("au", "electrode")],
        "junction": {"kind": "resistive", "resistance": "0.5 ohm cm^2"},
        "middle": MIDDLE,
        "lower_between": [layer("ito", "electrode"), layer("izo", "electrode")],
        "lower_junction": TRAPS | {"dipole": "0.3 eV"},
        "bottom": BOTTOM,
    }
    return Tandem.from_data(copy.deepcopy(data | changes))


def columns(areas: tuple[Any, Any] = (0.7, "30 %"), **light: Any) -> dict[str, Any]:
    """A top junction of two columns that differ in one dipole."""
    return {
        "column": [
            {"name": "covered", "area": areas[0], "stack": TOP},
            {"name": "bare", "area": areas[1], "stack": junction(1.9, "0.2 eV", front="5.3 eV")},
        ],
        **light,
    }


def patchy(**changes: Any) -> Tandem:
    """Columns above a plain bottom."""
    data = {
        "name": "p",
        "light": LIGHT,
        "top": columns(),
        "between": [layer("au", "electrode")],
        "bottom": BOTTOM,
    }
    return Tandem.from_data(copy.deepcopy(data | changes))


# --- three junctions ------------------------------------------------------------------------------


def test_three_junctions_stand_in_the_order_of_light() -> None:
    one = three()
    assert list(one.cells) == list(one.stacks) == ["top", "middle", "bottom"]
    assert [type(each) for each in one.joints] == [Resistive, Traps]
    own = ["htl", "film", "etl"]
    rows = [[f"{which} {name}" for name in own] for which in one.cells]
    assert [each.name for each in one.layer] == [*rows[0], "au", *rows[1], "ito", "izo", *rows[2]]
    parts = [part for part, _ in in_order(one)]
    assert list(dict.fromkeys(parts)) == ["top", "between", "middle", "lower_between", "bottom"]
    assert one.face("middle htl", "middle film").dipole == 0.1
    assert [each.name for each in one.absorbers] == ["top film", "middle film", "bottom film"]
    assert one.columns == ((1.0, {"top": "top", "middle": "middle", "bottom": "bottom"}, one),)
    assert one.areas == {"top": 1.0, "middle": 1.0, "bottom": 1.0}
    assert pickle.loads(pickle.dumps(one)) == one and hash(one) == hash(three())
    assert three(lower_junction="ideal").joints[1] == Ideal()


def test_the_middle_needs_no_contact() -> None:
    middle = three().middle
    assert isinstance(middle, Stack) and middle.contact is not None
    assert middle.contact.front.work_function == middle.contact.back.work_function == "flat-band"
    assert "[middle.contact" not in three().to_toml()
    stated = three(middle=junction(1.5, back="4.2 eV"))
    assert stated.get("middle.contact.back.work_function") == 4.2
    assert stated.get("middle.contact.front.work_function") == "flat-band"
    assert from_toml(stated.to_toml()) == stated


def test_a_path_may_name_the_middle() -> None:
    one = three()
    assert one.get("middle.film.thickness") == one.get("middle.thickness") == 50e-9
    assert one.get("middle.bandgap") == 1.5
    assert one.get("izo.thickness") == 50e-9 and one.get("lower_junction.dipole") == 0.3
    changed = one.with_values(
        {
            "middle.thickness": "60 nm",
            "middle.htl|film.dipole": 0.2,
            "izo.thickness": "3 nm",
            "lower_junction.electron_velocity": 7.0,
            "middle.light.intensity": "0.5 sun",
            "temperature": "65 degC",
        }
    )
    assert changed.get("middle.film.thickness") == 60e-9 and changed.get("middle.htl|film.dipole") == 0.2
    assert changed.get("izo.thickness") == 3e-9 and changed.get("lower_junction.electron_velocity") == 7.0
    assert [float(each.light.intensity) for each in changed.stacks.values()] == [1.0, 0.5, 1.0]
    assert changed.get("middle.film.electronic.reference_temperature") == 298.15
    with pytest.raises(InputError, match=r'"top.film.thickness" or "middle.film.thickness" or "bottom'):
        one.get("film.thickness")
    numbers = one.quantities()
    assert all(one.get(path) == number for path, number in numbers.items())
    assert {"lower_junction.dipole", "izo.thickness", "middle.film.thickness"} <= set(numbers)
    told = three(source="a definition").sources()
    assert set(told) == set(numbers) and set(told.values()) == {"a definition"}


def test_the_mirror_image_of_three_junctions() -> None:
    seen = three().mirrored()
    assert [each.name for each in seen.between] == ["izo", "ito"]
    assert [each.name for each in seen.lower_between] == ["au"]
    assert isinstance(seen.junction, Traps) and seen.junction.dipole == -0.3
    assert isinstance(seen.lower_junction, Resistive)
    assert [stack.absorbers[0].gap for stack in seen.stacks.values()] == [1.2, 1.5, 1.9]
    assert seen.get("middle.film|htl.dipole") == -0.1 and seen.light.side == "back"
    assert seen.mirrored() == three() and from_toml(seen.to_toml()) == seen


def test_junctions_that_traps_join_are_one_stack() -> None:
    one = three()
    merged = one.merged("middle", "bottom")
    rows = [f"{which} {name}" for which in ("middle", "bottom") for name in ("htl", "film", "etl")]
    assert [each.name for each in merged.layer] == rows
    face = merged.interface["middle etl|bottom htl"]
    assert face.dipole == 0.3 and (face.trap[0].s_n, face.trap[0].s_p) == (1e3, 1e2)
    assert merged.interface["bottom htl|bottom film"].dipole == 0.1
    assert merged.contact is not None
    assert merged.contact.front.work_function == "flat-band" and merged.contact.back.work_function == 4.1
    assert merged.circuit.series_resistance == pytest.approx(2e-4)
    assert merged.light == one.light
    both = three(junction=TRAPS).merged("top", "middle", "bottom")
    assert len(both.layer) == 9 and set(both.interface) >= {"top etl|middle htl", "middle etl|bottom htl"}
    # two junctions: the whole
    pair = Tandem.from_data({"name": "t", "light": LIGHT, "top": TOP, "junction": TRAPS, "bottom": BOTTOM})
    assert pair.merged("top", "bottom") == pair.whole


@pytest.mark.parametrize(
    ("cell", "names", "key", "words"),
    [
        (three(), ("top", "middle"), "junction.kind", ['"resistive"', "own contacts"]),
        (three(), ("top", "bottom"), None, ["one behind the other", "top, middle, bottom"]),
        (three(), ("middle",), None, ["one behind the other"]),
        (
            three(lower_junction=TRAPS | {"metal": {"work_function": "5 eV"}}),
            ("middle", "bottom"),
            "lower_junction.kind",
            ["traps with a metal"],
        ),
        (
            three().with_values({"bottom.circuit.shunt_resistance": "1e3 ohm cm^2"}),
            ("middle", "bottom"),
            "bottom.circuit.shunt_resistance",
            ["no node to end on", "across a cell without"],
        ),
        (
            patchy(junction=TRAPS),
            ("top", "bottom"),
            "top",
            ["columns side by side", "couples the potentials"],
        ),
    ],
)
def test_what_is_no_one_stack_is_refused(
    cell: Tandem, names: tuple[str, ...], key: str | None, words: list[str]
) -> None:
    with pytest.raises(InputError) as found:
        cell.merged(*names)
    assert found.value.key == key and found.value.file == f'tandem "{cell.name}"'
    for word in words:
        assert word in str(found.value)


@pytest.mark.parametrize(
    ("changes", "key", "words"),
    [
        (
            {"middle": {**MIDDLE, "layer": [layer("izo", "electrode"), *MIDDLE["layer"]]}},
            "middle.izo",
            ["begins"],
        ),
        (
            {"middle": {**MIDDLE, "layer": [*MIDDLE["layer"], layer("izo", "electrode")]}},
            "middle.izo",
            ["ends"],
        ),
        ({"middle": {**MIDDLE, "temperature": "300 K"}}, "middle.temperature", ["of its own"]),
        ({"junction": "separate"}, "junction", ["four terminals", "three"]),
        ({"lower_junction": "separate"}, "lower_junction", ["four terminals", "three"]),
        ({"lower_between": [layer("au", "electrode")]}, "au.name", ["two layers"]),
        ({"lower_between": [layer("middle", "electrode")]}, "middle.name", ["key of a tandem"]),
        ({"lower_between": [layer("x", "etl", 2.0)]}, "x.electronic", ["between the junctions"]),
        ({"lower_between": [layer("x", "etl") | {"thickness": "0 nm"}]}, "x.thickness", ["not positive"]),
    ],
)
def test_a_wrong_third_junction_is_refused(changes: dict[str, Any], key: str, words: list[str]) -> None:
    with pytest.raises(InputError) as found:
        three(**changes)
    assert found.value.key == key, str(found.value)
    for word in words:
        assert word in str(found.value)


# --- columns within a junction --------------------------------------------------------------------


def test_a_patchy_junction_shares_light_and_temperature() -> None:
    one = patchy(top=columns(light={"intensity": "0.9 sun"}), temperature="310 K")
    assert isinstance(one.top, Parallel) and one.top.name == "top"
    for stack in one.top.stacks.values():
        assert stack.temperature == 310.0 and stack.light.intensity == 0.9
        assert stack.light.generation == one.light.generation
        assert stack.contact is not None and stack.contact.back.work_function == "flat-band"
    text = one.to_toml()
    assert text.count("intensity") == 1 and "[top.light]" in text and "[[top.column]]" in text
    assert "column.stack.light" not in text and "column.stack.contact.back" not in text
    assert from_toml(text) == one and from_toml(text).to_toml() == text
    assert [stack.name for stack in one.top.stacks.values()] == ["covered", "bare"]


def test_a_path_names_junction_and_column_or_means_all() -> None:
    one = patchy()
    assert one.get("top.covered.htl|film.dipole") == 0.1 and one.get("top.bare.htl|film.dipole") == 0.2
    assert one.get("top.covered.area") == 0.7
    assert one.get("top.film.thickness") == one.get("top.thickness") == 50e-9
    assert one.get("top.bandgap") == one.get("top.bare.bandgap") == 1.9
    assert one.get("top.light.intensity") == 1.0 and one.get("top.name") == "top"
    changed = one.with_values(
        {
            "top.thickness": "60 nm",
            "top.bare.htl|film.dipole": "0.3 eV",
            "top.covered.area": 0.4,
            "top.light.intensity": "0.5 sun",
            "temperature": "310 K",
            "bottom.thickness": "70 nm",
            "top.name": "wide",
        }
    )
    assert [stack.get("thickness") for stack in changed.stacks.values()] == [60e-9, 60e-9, 70e-9]
    assert changed.get("top.bare.htl|film.dipole") == 0.3 and changed.get("top.bare.area") == pytest.approx(
        0.6
    )
    assert changed.get("top.covered.light.intensity") == 0.5 and changed.get("bottom.light.intensity") == 1.0
    assert changed.get("top.bare.film.electronic.reference_temperature") == 298.15
    assert changed.top.name == "wide" and from_toml(changed.to_toml()) == changed
    assert one.with_values({}) == one and one.with_light(side="back").get("top.bare.light.side") == "back"
    numbers = one.quantities()
    assert all(one.get(path) == number for path, number in numbers.items())
    assert {"top.covered.area", "top.bare.htl|film.dipole", "au.thickness"} <= set(numbers)
    assert "top.light.intensity" in changed.quantities()
    assert not any("temperature" in path or "stack" in path for path in numbers)


def test_sources_go_from_column_to_tandem() -> None:
    top = columns()
    top["source"] = "the junction"
    top["column"][0] = top["column"][0] | {"stack": TOP | {"source": "the column"}}
    told = patchy(top=top, source="the tandem").sources()
    assert told["top.covered.film.thickness"] == "the column"
    assert told["top.bare.film.thickness"] == told["top.covered.area"] == "the junction"
    assert told["bottom.film.thickness"] == told["au.thickness"] == "the tandem"
    assert set(told) == set(patchy().quantities())


def test_a_patchy_tandem_consists_of_plain_ones() -> None:
    one = patchy()
    assert list(one.stacks) == ["top.covered", "top.bare", "bottom"]
    assert one.areas == {"top.covered": 0.7, "top.bare": pytest.approx(0.3), "bottom": 1.0}
    assert list(dict.fromkeys(part for part, _ in in_order(one))) == [
        "top.covered",
        "top.bare",
        "between",
        "bottom",
    ]
    (_, first, covered), (area, second, bare) = one.columns
    assert first == {"top": "top.covered", "bottom": "bottom"} and second["top"] == "top.bare"
    assert area == pytest.approx(0.3) and isinstance(bare.top, Stack)
    assert covered.name == "p top.covered"
    assert (covered.get("top.htl|film.dipole"), bare.get("top.htl|film.dipole")) == (0.1, 0.2)
    assert [each.name for each in bare.layer] == [each.name for each in covered.layer]
    # complete in themselves
    assert from_toml(bare.to_toml()) == bare and bare.mirrored().mirrored() == bare
    both = three(top=columns(), middle={"column": [
        {"name": name, "area": each, "stack": MIDDLE} for name, each in (("a", 0.5), ("b", 0.25), ("c", 0.25))
    ]})  # fmt: skip
    assert [each for each, _, _ in both.columns] == pytest.approx([0.35, 0.175, 0.175, 0.15, 0.075, 0.075])
    assert both.columns[-1][1] == {"top": "top.bare", "middle": "middle.c", "bottom": "bottom"}
    assert from_toml(both.to_toml()) == both


def test_the_mirror_image_of_a_patchy_tandem() -> None:
    seen = patchy().mirrored()
    assert isinstance(seen.top, Stack) and isinstance(seen.bottom, Parallel)
    assert seen.get("bottom.bare.film|htl.dipole") == -0.2 and seen.get("bottom.covered.area") == 0.7
    assert seen.mirrored() == patchy() and from_toml(seen.to_toml()) == seen


def test_stacks_in_python_become_columns() -> None:
    both = {"front": {"work_function": "5.3 eV"}, "back": {"work_function": "flat-band"}}
    stack = Stack.from_data({**TOP, "name": "mine", "contact": both, "light": LIGHT})
    bottom = Stack.from_data({**BOTTOM, "name": "bottom", "light": LIGHT, "contact": BOTTOM["contact"] | {
        "front": {"work_function": "flat-band"}}})  # fmt: skip
    cell = Parallel(name="side by side", column=(Column(name="only", area=1.0, stack=stack),))
    one = Tandem(name="t", light=stack.light, top=cell, bottom=bottom)
    assert one.top == cell and from_toml(one.to_toml()) == one and one.columns[0][0] == 1.0
    dim = Tandem(name="t", light=stack.light, top=cell.with_light(intensity=0.5), bottom=bottom)
    assert dim.get("top.light.intensity") == 0.5
    mixed = {"column": [{"name": "a", "area": 1.0, "stack": stack}]}
    assert Tandem(name="t", light=stack.light, top=mixed, bottom=bottom).stacks["top.a"] == stack
    with pytest.raises(InputError, match=r"at 310 K and the tandem at 298\.15 K"):
        Tandem(name="t", light=stack.light, top=cell.with_values({"temperature": "310 K"}), bottom=bottom)
    with pytest.raises(InputError, match="another side") as found:
        Tandem(name="t", light=stack.light, top=mixed, bottom=bottom.with_light(side="back"))
    assert found.value.key == "bottom.light.side"
    mixed = {"column": [{"name": "a", "area": 1.0, "stack": stack.with_light(intensity=0.5)}]}
    with pytest.raises(InputError, match=r"top\.light\.intensity once") as found:
        Tandem(name="t", light=stack.light, top=mixed, bottom=bottom)
    assert found.value.key == "top.a.light.intensity"


@pytest.mark.parametrize(
    ("values", "key", "words"),
    [
        ({"top.light.side": "back"}, "top.light.side", ["no side of its own"]),
        (
            {"top.covered.light.intensity": 0.5},
            "top.covered.light",
            ["no light of its own", "top.light.intensity"],
        ),
        ({"top.covered.temperature": 300.0}, "top.covered.temperature", ["no temperature of its own"]),
        ({"top.temperature": 300.0}, "top.temperature", ["no temperature of its own"]),
        ({"top.light.intensity": "-1 sun"}, "top.light.intensity", ["negative"]),
        ({"top.covered.area": 1.0}, "top.covered.area", ["leaves nothing for bare"]),
        ({"top.bare.film.thickness": "-3 nm"}, "top.bare.film.thickness", ["not positive"]),
        ({"top.film.thickness": "3 eV"}, "top.covered.film.thickness", ["length"]),
        ({"top.cover.area": 0.5}, "top.cover.area", ['Did you mean "covered"']),
        ({"covered.area": 0.5}, "covered.area", ['Write "top.covered.area"']),
        ({"coverd.area": 0.5}, "coverd.area", ['"top.covered"']),
        ({"top.covered": 0.5}, "top.covered", ["whole column"]),
        ({"junction": "separate"}, "junction", ["four terminals", "top junction has columns"]),
    ],
)
def test_an_impossible_change_is_refused(values: dict[str, Any], key: str, words: list[str]) -> None:
    with pytest.raises(InputError) as found:
        patchy().with_values(values)
    assert found.value.key == key, str(found.value)
    for word in ["tandem", *words]:
        assert word in str(found.value)


@pytest.mark.parametrize(
    ("top", "key", "words"),
    [
        (columns((0.7, 0.4)), "top.column", ["add up to 1"]),
        ({"column": []}, "top.column", ["no column"]),
        ({"column": 3}, "top.column", ["[[top.column]]"]),
        ({"column": [{"name": "a", "area": 1.0}]}, "top.a", ['"stack" is missing']),
        (columns() | {"layer": []}, "top.layer", ["[column.stack.layer]"]),
        ({"column": [{"name": "a", "area": 1, "stack": TOP | {"light": {}}}]}, "top.a.light", ["of its own"]),
        (
            {"column": [{"name": "a", "area": 1, "stack": {"layer": [layer("film", "absorber")]}}]},
            "top.a",
            ["no electrical layer", "[top.column.stack.layer.electronic]"],
        ),
        (
            {
                "column": [
                    {
                        "name": "a",
                        "area": 1,
                        "stack": {**TOP, "layer": [*TOP["layer"], layer("x", "coating")]},
                    }
                ]
            },
            "top.a.x",
            ["ends with", "[[between]]"],
        ),
    ],
)
def test_a_wrong_patchy_junction_is_refused(top: dict[str, Any], key: str, words: list[str]) -> None:
    with pytest.raises(InputError) as found:
        patchy(top=top)
    assert found.value.key == key, str(found.value)
    for word in words:
        assert word in str(found.value)


@pytest.mark.parametrize("ask", [lambda one: one.layer, lambda one: one.interface, lambda one: one.absorbers,
                                 lambda one: one.named("top film"), lambda one: one.whole])  # fmt: skip
def test_columns_are_no_one_row_of_layers(ask: Any) -> None:
    with pytest.raises(
        InputError, match=r"columns side by side \(top.covered, top.bare\).*one of the tandem's col"
    ):
        ask(patchy())


# --- both in the library --------------------------------------------------------------------------


def test_the_library_has_three_junctions_and_a_patchy_tandem(tmp_path: Path) -> None:
    one, other = load("three-junctions"), load("patchy-tandem")
    assert isinstance(one, Tandem) and isinstance(other, Tandem)
    assert [stack.absorbers[0].gap for stack in one.stacks.values()] == [2.0, 1.5, 1.1]
    assert not any(isinstance(joint, Separate) for joint in one.joints)
    # the columns are the film of tandem-target, and differ at the monolayer's face
    target, (covered, bare) = load("tandem-target"), (each for _, _, each in other.columns)
    assert isinstance(target, Tandem)
    assert covered.top.layer == target.top.layer and other.bottom == target.bottom
    differing = {path for path, number in covered.quantities().items() if bare.get(path) != number}
    assert differing and all(path.startswith("top.niox|perovskite.") for path in differing)
    file = tmp_path / "patchy.toml"
    file.write_text(other.to_toml(), encoding="utf-8")
    assert pt.load(file) == other
