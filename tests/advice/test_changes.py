"""Changes find their numbers by role, in cells with other names too, and leave alone what is better already."""

import re
from pathlib import Path

import pytest

import perotwin as pt
from perotwin import references, units
from perotwin.advice import Applied, LeftOut, changes, read_changes
from perotwin.advice.changes import Best, Coating, Material, Towards
from perotwin.errors import InputError


def on(cell: object, name: str) -> Applied | LeftOut:
    (change,) = (one for one in changes() if one.name == name)
    return change.on(cell)  # type: ignore[arg-type]  # any cell


def test_each_change_says_on_what_it_rests() -> None:
    names = [one.name for one in changes()]
    assert len(names) == len(set(names)) > 10
    for one in changes():
        assert one.words
        if one.sourced:
            # the first word is a key of the references, and so are the others that look like one
            assert references.find(one.words) is not None, one.words
            for key in re.findall(r"\b[a-z]+20\d\d\b", one.words):
                references.get(key)
        if isinstance(one, Towards):
            dimension = None
            cell = pt.load("wbg-target")
            found = one.on(cell)
            path = found.paths[0] if isinstance(found, Applied) else None
            if path is None:
                continue
            dimension = cell.get(path).dimension
            low, value, high = (
                float(units.parse(text, dimension)) for text in (one.low, one.value, one.high)
            )
            assert low <= value <= high, one.name


def test_a_change_moves_both_carriers_to_what_was_attained() -> None:
    cell = pt.load("wbg-control")
    found = on(cell, "hole-side face")
    own = cell["niox|perovskite.velocity"].text
    assert isinstance(found, Applied) and found.now == own and own.endswith(" cm/s")
    made = found.to(cell)
    assert made["niox|perovskite.velocity"].text == "10 cm/s"
    assert cell["niox|perovskite.velocity"].text == own


def test_numbers_that_a_fit_wrote_are_read_to_four_digits() -> None:
    cell = pt.load("wbg-control").with_values({"niox|perovskite.velocity": "104.123456789012 cm/s"})
    found = on(cell, "hole-side face")
    assert isinstance(found, Applied) and found.now == "104.1 cm/s"
    best = on(cell.with_values({"perovskite.thickness": "491.462850621324 nm"}), "thickness of the absorber")
    assert isinstance(best, Applied) and best.now == "491.5 nm"
    whole = cell.with_values({"perovskite.ions.density": "2.4712345678e15 cm^-3"})
    ions = on(whole, "mobile ions")
    assert isinstance(ions, Applied) and ions.now == "2.471e+15 cm^-3"


def test_layers_are_found_by_their_role_whatever_they_are_called() -> None:
    cell = pt.load("wbg-target")
    text = cell.to_toml().replace('"perovskite"', '"my-film"').replace('name = "niox"', 'name = "dots"')
    text = text.replace("niox|perovskite", "dots|my-film").replace("perovskite|c60", "my-film|c60")
    other = pt.stack.from_toml(text)
    found = on(other, "bulk lifetime")
    assert isinstance(found, Applied)
    assert found.paths == ("my-film.trap.1.electron_lifetime", "my-film.trap.1.hole_lifetime")
    mirrored = on(pt.load("nip-example"), "hole-side face")
    assert isinstance(mirrored, Applied) and mirrored.paths[0].startswith("perovskite|niox")


def test_what_is_better_already_is_left_out_aloud() -> None:
    cell = pt.load("wbg-target").with_values({"perovskite.lifetime": "20 us"})
    found = on(cell, "bulk lifetime")
    assert isinstance(found, LeftOut) and "20 us already" in found.why
    # of two carriers only the worse one is moved
    cell = pt.load("wbg-target").with_values({"perovskite.trap.1.electron_lifetime": "20 us"})
    found = on(cell, "bulk lifetime")
    assert isinstance(found, Applied)
    made = found.to(cell)
    assert made["perovskite.trap.1.electron_lifetime"].text == "20 us"
    assert made["perovskite.trap.1.hole_lifetime"].text == "4 us"


def test_what_a_cell_does_not_have_is_left_out_with_the_reason() -> None:
    cell = pt.load("cell-a")
    assert isinstance(found := on(cell, "hole-side face"), LeftOut) and found.why
    assert isinstance(found := on(cell, "coating against reflection"), LeftOut) and "prescribed" in found.why
    assert (
        isinstance(found := on(pt.load("nbg"), "glass of little iron"), LeftOut)
        and "glass-low-iron" in found.why
    )


def test_a_coating_lies_on_the_side_that_is_lit() -> None:
    cell = pt.load("wbg-target")
    found = on(cell, "coating against reflection")
    assert isinstance(found, Applied)
    made = found.to(cell)
    assert [layer.name for layer in made.layer][:2] == ["mgf2", "glass"]
    assert isinstance(on(made, "coating against reflection"), LeftOut)
    tandem = pt.load("tandem-target")
    (change,) = (one for one in changes() if isinstance(one, Coating))
    top = change.on(tandem, "top")
    assert isinstance(top, Applied) and isinstance(change.on(tandem, "bottom"), LeftOut)
    assert top.to(tandem).top.layer[0].name == "mgf2"


def test_columns_are_changed_each() -> None:
    cell = pt.load("patchy-tandem")
    (change,) = (one for one in changes() if one.name == "hole-side face")
    found = change.on(cell, "top")
    assert isinstance(found, Applied)
    assert {path.split(".")[1] for path in found.paths} == {"covered", "bare"}
    made = found.to(cell)
    for path in found.paths:
        assert float(made[path]) <= 0.1 * (1 + 1e-12)


def test_the_best_of_several_values_holds_what_is() -> None:
    cell = pt.load("wbg-target")
    (change,) = (one for one in changes() if isinstance(one, Best))
    found = change.on(cell)
    assert isinstance(found, Applied)
    values = change.values(cell, found)
    assert "450 nm" in values and values[0] == "315 nm" and values[-1] == "720 nm"
    assert found.to(cell, "500 nm")["perovskite.thickness"].text == "500 nm"


def test_another_material_of_a_role() -> None:
    cell = pt.load("wbg-base").with_values({"glass.material": "glass"})
    (change,) = (one for one in changes() if isinstance(one, Material))
    found = change.on(cell)
    assert isinstance(found, Applied)
    assert found.to(cell)["glass.material"] == "glass-low-iron"


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        '[[change]]\nname = "x"\nkind = "towards"\npaths = ["absorber.lifetime"]\nbetter = "more"\nvalue = "1 us"\n'
        'range = ["1 us", "2 us"]\nassumed = "hope"\n',
        encoding="utf-8",
    )
    (one,) = read_changes(file)
    assert isinstance(one.on(pt.load("wbg-target")), Applied) and not one.sourced
    for text, words in (
        (file.read_text(encoding="utf-8").replace('assumed = "hope"', ""), "on what it rests"),
        (file.read_text(encoding="utf-8").replace("towards", "upwards"), "no kind"),
        (file.read_text(encoding="utf-8").replace('value = "1 us"', ""), "not whole"),
        ("[[change", "cannot be read"),
    ):
        bad = tmp_path / "bad.toml"
        bad.write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=words) as caught:
            read_changes(bad)
        assert caught.value.advice
