"""Short paths: one number for both carriers, and layers by what they do."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import perotwin as pt
from perotwin.errors import InputError
from perotwin.stack import Cell, Parallel, Stack
from perotwin.stack.short_paths import ROLES, full
from perotwin.study import resolve

CELLS = ("wbg-control", "nip-example", "tandem-control", "patchy-tandem", "cell-a", "nbg")


def cells() -> st.SearchStrategy[Cell]:
    return st.sampled_from(CELLS).map(pt.load)


def in_columns() -> Parallel:
    one = pt.load("wbg-control")
    assert isinstance(one, Stack)
    columns: list[dict[str, Any]] = [
        {"name": "left", "area": 0.3, "stack": one},
        {"name": "right", "area": 0.7, "stack": one.with_values({"niox|perovskite.dipole": "0 eV"})},
    ]
    return Parallel.model_validate({"name": "two", "column": columns})


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("perovskite.lifetime", "perovskite.trap.1.{}_lifetime"),
        ("absorber.lifetime", "perovskite.trap.1.{}_lifetime"),
        ("perovskite.trap.1.lifetime", "perovskite.trap.1.{}_lifetime"),
        ("perovskite.mobility", "perovskite.{}_mobility"),
        ("perovskite.electronic.mobility", "perovskite.electronic.{}_mobility"),
        ("htl.mobility", "niox.{}_mobility"),
        ("niox|perovskite.velocity", "niox|perovskite.trap.1.{}_velocity"),
        ("htl|absorber.velocity", "niox|perovskite.trap.1.{}_velocity"),
        ("htl|perovskite.velocity", "niox|perovskite.trap.1.{}_velocity"),
        ("absorber|etl.velocity", "perovskite|c60.trap.1.{}_velocity"),
        ("contact.back.velocity", "contact.back.{}_velocity"),
        ("perovskite.trap.2.capture", "perovskite.trap.2.{}_capture"),
    ],
)
def test_a_short_path_stands_for_both_carriers(short: str, long: str) -> None:
    cell = pt.load("wbg-control")
    assert isinstance(cell, Stack)
    assert full(cell, short) == (long.format("electron"), long.format("hole"))


@given(cell=cells(), data=st.data())
@settings(max_examples=40, deadline=None)
def test_what_is_set_is_what_is_read_and_nothing_else_moves(cell: Cell, data: st.DataObject) -> None:
    prefix, stack = data.draw(st.sampled_from(list(cell.stacks.items())))
    head = f"{prefix}." if prefix else ""
    layers = [one for one in stack.layer if any(trap.electron_lifetime is not None for trap in one.trap)]
    places = [f"{one.name}.lifetime" for one in layers]
    places += [f"{one.name}.mobility" for one in stack.electrical_layers]
    places += [f"{key}.velocity" for key, face in stack.interface.items() if len(face.trap) == 1]
    path = head + data.draw(st.sampled_from(places))
    value = data.draw(st.floats(1e-9, 1e-3))
    changed = cell.with_values({path: value})
    assert changed.get(path) == value
    before, after = cell.quantities(), changed.quantities()
    moved = [key for key in after if before.get(key) != after[key]]
    quantity = path.rpartition(".")[2]
    assert len(moved) <= 2 and all(key.endswith(f"_{quantity}") and key.startswith(head) for key in moved)
    # as naming both does
    ends = [head + one for one in full(stack, path.removeprefix(head))]
    assert changed == cell.with_values(dict.fromkeys(ends, value))


@given(
    name=st.sampled_from(("wbg-control", "nip-example", "nbg", "mapi-tio2-spiro")),
    role=st.sampled_from(ROLES),
)
def test_a_role_stands_for_its_only_layer_or_is_refused(name: str, role: str) -> None:
    cell = pt.load(name)
    assert isinstance(cell, Stack)
    layers = [layer for layer in cell.layer if layer.role == role]
    path = f"{role}.thickness"
    if len(layers) == 1:
        assert cell.get(path) == layers[0].thickness
        assert cell.with_values({path: 7e-8}).named(layers[0].name).thickness == 7e-8
        return
    with pytest.raises(InputError, match="only layer of that role") as caught:
        cell.get(path)
    assert all(layer.name in str(caught.value) for layer in layers)


@given(electron=st.floats(1e-9, 1e-5), hole=st.floats(1e-9, 1e-5))
@settings(max_examples=20, deadline=None)
def test_two_that_differ_are_no_one_number(electron: float, hole: float) -> None:
    path = "perovskite.trap.1.{}_lifetime"
    cell = pt.load("wbg-control").with_values({path.format("electron"): electron, path.format("hole"): hole})
    if electron == hole:
        assert cell.get("perovskite.lifetime") == electron
        return
    with pytest.raises(InputError) as caught:
        cell.get("perovskite.lifetime")
    assert all(path.format(carrier) in caught.value.message for carrier in ("electron", "hole"))
    assert cell.with_values({"perovskite.lifetime": "1 us"}).get("perovskite.lifetime") == 1e-6


def test_a_name_goes_before_a_role() -> None:
    cell = pt.load("cell-a")
    assert cell.get("htl.thickness") == cell.stacks[""].named("htl").thickness
    plates = pt.load("silicon-planar")
    with pytest.raises(InputError, match=r"n-plus, silicon, p-plus"):
        plates.get("absorber.thickness")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("niox.lifetime", ["there is none", "[[layer.trap]]", "electron_lifetime"]),
        ("c60|sno2.velocity", ["there is none", 'interface."c60|sno2".trap']),
        ("absorber|htl.velocity", ['"htl|absorber.velocity"', "sign of a dipole"]),
        ("electrode.thickness", ['"ito.thickness", "ag.thickness"']),
        ("htl|etl.dipole", ["niox (htl)"]),
        ("perovskite.velocity", ['"velocity" does not exist']),
        ("light.velocity", ['"velocity" does not exist']),
        ("perovskite.trap.lifetime", ["which of 2 traps"]),
        ("perovskite.lifetme", ['Did you mean "lifetime"?']),
        ("niox|perovskite.velocty", ['Did you mean "velocity"?']),
        ("perovskite.electron_mobilty", ['Did you mean "electron_mobility"?']),
        ("contact.front.velocty", ['Did you mean "velocity"?']),
    ],
)
def test_what_is_not_clear_is_refused_with_what_to_write(path: str, words: list[str]) -> None:
    cell = pt.load("wbg-control")
    for act in (cell.get, lambda one: cell.with_values({one: "1 m/s"})):
        with pytest.raises(InputError) as caught:
            act(path)
        assert caught.value.file == 'stack "wbg-control"'
        assert all(word in str(caught.value) for word in words)


def test_levels_that_count_charge_or_are_several_are_told_apart() -> None:
    cell = pt.load("wbg-control")
    counted = [{"density": 1e14, "electron_capture": 1e-14, "hole_capture": 1e-14}]
    only = cell.with_values({"niox|perovskite.trap": counted})
    with pytest.raises(InputError, match=r'"niox\|perovskite.trap.1.density"'):
        only.get("niox|perovskite.velocity")
    level = {"electron_velocity": 1.0, "hole_velocity": 1.0}
    two = cell.with_values({"niox|perovskite.trap": [level, level]})
    with pytest.raises(
        InputError, match=r'"niox\|perovskite.trap.1.velocity", "niox\|perovskite.trap.2.velocity"'
    ):
        two.get("niox|perovskite.velocity")
    assert two.get("niox|perovskite.trap.2.velocity") == 1.0
    beside = cell.with_values({"niox|perovskite.trap": [*counted, level]})
    assert full(beside, "htl|absorber.velocity")[0] == "niox|perovskite.trap.2.electron_velocity"


def test_columns_take_short_paths_all_together_or_by_name() -> None:
    cell = in_columns()
    assert cell.get("absorber.lifetime") == cell.get("left.perovskite.lifetime")
    changed = cell.with_values({"htl|absorber.velocity": "7 cm/s", "right.absorber.lifetime": "1 us"})
    assert changed.get("left.htl|absorber.velocity") == changed.get("right.htl|absorber.velocity") == 0.07
    assert changed.get("right.perovskite.trap.1.hole_lifetime") == 1e-6
    with pytest.raises(InputError, match="not the same in all columns"):
        changed.get("absorber.lifetime")


def test_a_tandem_asks_for_the_junction() -> None:
    cell = pt.load("tandem-control")
    with pytest.raises(InputError, match=r'"top.absorber.lifetime" or "bottom.absorber.lifetime"'):
        cell.get("absorber.lifetime")
    assert cell.get("top.htl|absorber.velocity") == cell.get("top.niox|perovskite.trap.1.electron_velocity")
    changed = pt.load("patchy-tandem").with_values({"top.covered.absorber.lifetime": "3 us"})
    assert changed.get("top.covered.perovskite.lifetime") == 3e-6
    assert changed.get("top.bare.perovskite.lifetime") != 3e-6


def test_levels_that_join_junctions_have_both_carriers_too() -> None:
    joint = {"kind": "traps", "electron_velocity": "1 m/s", "hole_velocity": "2 m/s"}
    values = {"junction": joint, "top.circuit": {}, "bottom.circuit": {}}
    cell = pt.load("tandem-control").with_values(values)
    with pytest.raises(InputError, match=r"junction.hole_velocity is 2 m/s"):
        cell.get("junction.velocity")
    assert cell.with_values({"junction.velocity": "3 m/s"}).get("junction.velocity") == 3.0


def test_studies_vary_what_a_short_path_names() -> None:
    cell = pt.load("wbg-control")
    field = resolve(cell, "htl|absorber.velocity=10 cm/s..1000 cm/s")
    now = 100.0 * float(cell.get("niox|perovskite.trap.1.electron_velocity"))
    assert (field.unit, field.low, field.high, field.log) == ("cm/s", 10.0, 1000.0, True)
    assert field.now == pytest.approx(now, rel=1e-12)
