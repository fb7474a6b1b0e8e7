"""Columns side by side: field paths, areas, refusals, and one reader for all cells."""

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest

import perotwin as pt
import written
from perotwin.errors import InputError
from perotwin.stack import Column, Parallel, Stack, from_toml, load


def mix(covered: Any = 0.7, bare: Any = 0.3, **changes: Any) -> Parallel:
    """The library's target beside its control; `changes` are made in the second column's stack."""
    stack = written.stack("wbg-control")
    assert isinstance(stack, Stack)
    columns = (
        {"name": "covered", "area": covered, "stack": written.stack("wbg-target")},
        {"name": "bare", "area": bare, "stack": stack.with_values(changes)},
    )
    return Parallel(name="mix", column=columns)


def test_a_path_names_a_column_or_means_all() -> None:
    cell = mix()
    assert cell.get("covered.niox|perovskite.dipole") == 0.22
    assert cell.get("bare.niox|perovskite.dipole") == 0.12
    assert cell.get("covered.area") == 0.7
    assert cell.get("perovskite.thickness") == 450e-9
    assert cell.get("light.intensity") == 1.0
    assert cell.get("name") == "mix"
    changed = cell.with_values({"perovskite.thickness": "500 nm", "bare.niox|perovskite.dipole": "0.1 eV"})
    assert [stack.get("perovskite.thickness") for stack in changed.stacks.values()] == [500e-9, 500e-9]
    assert changed.get("bare.niox|perovskite.dipole") == 0.1
    assert changed.get("covered.niox|perovskite.dipole") == 0.22
    assert cell == mix()
    warm = cell.with_values({"temperature": "65 degC"})
    assert warm.temperature == pytest.approx(338.15)
    # numbers that hold at room temperature go on to hold there
    assert warm.get("bare.perovskite.electronic.reference_temperature") == 298.15
    dim = cell.with_light(intensity="0.1 sun", side="back")
    assert dim.light.intensity == 0.1 and dim.get("bare.light.side") == "back"
    assert cell.with_values({}) == cell
    assert cell.with_values({"name": "other"}).name == "other"


def test_one_area_that_is_set_scales_the_others() -> None:
    cell = Parallel(
        name="three",
        column=tuple(
            Column(name=name, area=area, stack=load("cell-a"))
            for name, area in (("a", 0.5), ("b", "30 %"), ("c", 0.2))
        ),
    )
    changed = cell.with_values({"a.area": 0.1})
    assert [float(column.area) for column in changed.column] == pytest.approx([0.1, 0.54, 0.36], rel=1e-15)
    changed = cell.with_values({"a.area": {"value": "20 %", "source": "counted"}, "c.area": 0.3})
    assert [float(column.area) for column in changed.column] == pytest.approx([0.2, 0.5, 0.3], rel=1e-15)
    assert changed.sources()["a.area"] == "counted"
    assert from_toml(changed.to_toml()) == changed


def test_every_number_has_a_path_and_its_source() -> None:
    cell = mix({"value": "70 %", "source": "counted"}, "30 %")
    numbers, sources = cell.quantities(), cell.sources()
    for name, stack in cell.stacks.items():
        for path, number in stack.quantities().items():
            assert numbers[f"{name}.{path}"] is number
            assert cell.get(f"{name}.{path}") == number
            assert sources.get(f"{name}.{path}") == stack.sources().get(path)
    assert sources["covered.area"] == "counted" and "bare.area" not in sources
    assert numbers["covered.area"].text == "70 %"
    told = cell.with_values({"source": "a definition"}).sources()
    assert told["bare.area"] == "a definition" and told["covered.area"] == "counted"
    assert set(told) == set(numbers)


def test_what_others_ask_of_any_cell() -> None:
    cell, plain = mix(), load("cell-a")
    assert isinstance(plain, Stack)
    assert cell.absorbers == tuple(layer for stack in cell.stacks.values() for layer in stack.absorbers)
    assert len(cell.electrical_layers) == 8
    assert plain.stacks == {"": plain}
    assert cell.stacks["bare"] is cell.named("bare").stack
    assert pickle.loads(pickle.dumps(cell)) == cell == copy.deepcopy(cell)
    assert hash(cell) == hash(mix())


def test_one_reader_reads_every_cell(tmp_path: Path) -> None:
    file = tmp_path / "mix.toml"
    file.write_text(mix().to_toml(), encoding="utf-8")
    assert pt.load(file) == mix()
    assert from_toml(load("cell-a").to_toml()) == load("cell-a")
    with pytest.raises(InputError, match=r"column.*Parallel"):
        Stack.from_toml(mix().to_toml())
    # tables of a column's stack are found beside the file
    text = mix().to_toml().replace('"AM1.5G"', '{ kind = "file", path = "lamp.csv" }')
    read = from_toml(text, file=str(file))
    assert read.light.spectrum.path == str(tmp_path / "lamp.csv")


FACE = "niox|perovskite.dipole"


@pytest.mark.parametrize(
    ("values", "key", "words"),
    [
        ({"bare.area": 1.0}, "bare.area", ["leaves nothing for covered"]),
        ({"bare.area": 0.8, "covered.area": 0.3}, "column", ["0.3 + 0.8 = 1.1", "add up to 1"]),
        ({"bare.area": -0.2}, "bare.area", ["not positive"]),
        ({"bare.area": "3 nm"}, "bare.area", ["length"]),
        ({"bare.area": "120 %"}, "bare.area", ["above 1"]),
        ({"bare": 0.2}, "bare", ["whole column", "bare.area"]),
        ({"bear.area": 0.2}, "bear.area", ['"bare"']),
        ({"peroskite.thickness": 1e-7}, "peroskite.thickness", ['"perovskite"']),
        ({"bare.perovskite.thicknes": 1e-7}, "bare.perovskite.thicknes", ['"thickness"']),
        ({"covered.perovskite.thickness": "-3 nm"}, "covered.perovskite.thickness", ["not positive"]),
        ({"a|b.dipole": 0.1}, "covered.a|b.dipole", ['no face "a|b"']),
        ({"bare.temperature": "300 K"}, "bare.temperature", ["300 K", "298.15 K", "one cell"]),
        ({"bare.light.intensity": "0.1 sun"}, "bare.light.intensity", ["light", "one cell"]),
        ({"bare.light.side": "back"}, "bare.light.side", ["light", "one cell"]),
    ],
)
def test_an_impossible_change_is_refused(values: dict[str, Any], key: str, words: list[str]) -> None:
    with pytest.raises(InputError) as found:
        mix().with_values(values)
    assert found.value.key == key
    for word in ["mix", *words]:
        assert word in str(found.value)


def test_a_value_that_differs_has_no_single_one() -> None:
    with pytest.raises(InputError, match=r"not the same in all columns.*covered\.niox\|perovskite\.dipole"):
        mix().get(FACE)
    with pytest.raises(InputError, match="whole column"):
        mix().get("bare")


TEXT = mix().to_toml()
CASES = [
    ('name = "bare"', 'name = "covered"', "covered.name", ["two columns"]),
    ('name = "bare"', 'name = "perovskite"', "perovskite.name", ["a column and a layer"]),
    ('name = "bare"', 'name = "light"', "light.name", ["key of a cell"]),
    ('name = "bare"', 'name = "ba.re"', "ba.re.name", ["field paths"]),
    ("area = 0.3", "area = 0.2", "column", ["0.7 + 0.2 = 0.9"]),
    ("area = 0.3", "area = 0", "bare.area", ["not positive"]),
    ("area = 0.3\n", "", "bare.area", ["missing"]),
    ("area = 0.3", "are = 0.3", "bare.are", ['"area"']),
    ('name = "mix"', 'name = " "', "name", ["empty"]),
    ('name = "mix"', 'name = "mix"\ntemperature = "300 K"', "temperature", ["does not exist"]),
    ('value = "450 nm"', 'value = "450 eV"', "covered.perovskite.thickness", ["energy", "length"]),
    ('"niox|perovskite"', '"niox|c60"', "covered.niox|c60", ["do not touch"]),
]


@pytest.mark.parametrize(("old", "new", "key", "words"), CASES, ids=[case[1] for case in CASES])
def test_a_wrong_file_is_refused(old: str, new: str, key: str, words: list[str]) -> None:
    assert TEXT.count(old) >= 1
    with pytest.raises(InputError) as found:
        from_toml(TEXT.replace(old, new, 1), file="mix.toml")
    assert found.value.file == "mix.toml" and found.value.key == key, str(found.value)
    for word in words:
        assert word in str(found.value)


def test_a_cell_without_columns_is_refused() -> None:
    with pytest.raises(InputError, match="no column"):
        Parallel(name="none", column=())
