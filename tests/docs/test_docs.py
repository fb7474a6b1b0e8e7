"""The documentation is true: its stack file loads, its names and links exist, its tables match the code."""

import importlib.util
import re
from pathlib import Path

import pytest

import perotwin as pt
from perotwin import materials
from perotwin.measurement import NOMENCLATURE

ROOT = Path(__file__).parents[2]
PAGES = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])


def blocks(page: Path, language: str) -> list[str]:
    """The fenced code blocks of one language on a page."""
    return re.findall(
        rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_examples_of_the_stack_file_page_are_usable_cells() -> None:
    cells = [
        pt.stack.from_toml(text, file="docs/stack-files.md")
        for text in blocks(ROOT / "docs" / "stack-files.md", "toml")
    ]
    names = ["my-cell", "my-reference", "my-patches", "my-tandem", "my-three", "my-patchy-tandem"]
    assert [cell.name for cell in cells] == names
    *plain, tandem, three, patchy = cells
    assert isinstance(tandem, pt.Tandem)
    assert isinstance(three, pt.Tandem) and list(three.stacks) == ["top", "middle", "bottom"]
    assert isinstance(patchy, pt.Tandem) and list(patchy.stacks) == ["top.covered", "top.bare", "bottom"]
    for stack in [*three.stacks.values(), *patchy.stacks.values()]:
        lost = stack.absorbers[0].gap - float(pt.lab.jv.analyse(pt.lab.jv.measure(stack))["voc"])
        assert 0.2 < lost < 0.5, stack.name
    for cell in [*plain, *tandem.cells.values()]:
        derived, _ = pt.workflows.check(cell)
        assert 0.9 < next(row.value for row in derived if row.name == "radiative_voc") < 1.7
        measured = pt.lab.jv.measure(cell)
        assert 0.75 < float(pt.lab.jv.analyse(measured)["voc"]) < 1.5
        assert all(check.passed for check in pt.measurement.checks_of(measured).values())


def test_the_page_on_your_cell_shows_a_usable_file_and_every_layer_is_listed() -> None:
    (text,) = blocks(ROOT / "docs" / "your-cell.md", "toml")
    cell = pt.stack.from_toml(text, file="docs/your-cell.md")
    assert isinstance(cell, pt.Stack)
    assert (
        cell.named("perovskite").trap[0].tau_n == 400e-9 and cell.taken()["pcbm.electronic.bandgap"] == "pcbm"
    )
    pages = (ROOT / "docs" / "stack-files.md").read_text(encoding="utf-8")
    (short,) = [
        block
        for block in blocks(ROOT / "docs" / "stack-files.md", "toml-fragment")
        if "my-short-cell" in block
    ]
    assert pt.stack.from_toml(short).name == "my-short-cell"
    for name in pt.stack.library_layers():
        assert f"`{name}`" in pages, name


def test_the_nomenclature_page_lists_every_stored_quantity_as_the_code_knows_it() -> None:
    text = (ROOT / "docs" / "nomenclature.md").read_text(encoding="utf-8")
    for name, term in NOMENCLATURE.items():
        row = f"| `{name}` | {term.symbol} | {term.words} | {term.unit} | {term.field_unit} |"
        assert row in text, f"write in docs/nomenclature.md: {row}"


def test_the_stack_file_page_names_every_key_and_material() -> None:
    from perotwin.stack import Column, Metal, Parallel, Resistive, Stack, Tandem, Traps, joints, parts

    text = (ROOT / "docs" / "stack-files.md").read_text(encoding="utf-8")
    for name in joints():
        assert f"`{name}`" in text, name
    models = [Stack, Parallel, Column, Tandem, Resistive, Traps, Metal, parts.Light, parts.Layer, parts.Electronic,
              parts.Trap, parts.FaceTrap, parts.Interface, parts.Ions, parts.Contact, parts.Circuit,
              parts.Recombination]  # fmt: skip
    for model in models:
        for key in model.model_fields:
            assert re.search(rf"[`\[.]{key}\b", text), f"{model.__name__}.{key}"
    for name in materials.names():
        assert f"`{name}`" in text, f"material {name}"


def test_the_architecture_page_lists_the_rooms_in_order() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    listed = re.findall(r"`(\w+)/?`", "\n".join(line for line in text.splitlines() if line.startswith("| `")))
    here = {
        path.stem
        for path in (ROOT / "src" / "perotwin").iterdir()
        if path.stem not in {"__init__", "__main__", "__pycache__", "py"} and not path.name.startswith(".")
    }
    assert here <= set(listed), f"not on the architecture page: {here - set(listed)}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_on_the_pages_exist(page: Path) -> None:
    from perotwin.cli.app import program

    names = set(program().list_commands(None))
    for block in blocks(page, ""):
        for line in block.splitlines():
            found = re.match(r"perotwin ([a-z][\w-]*)", line.strip())
            assert found is None or found.group(1) in names, line


def test_the_mechanism_of_the_page_is_the_one_that_is_added_to_a_copy() -> None:
    path = ROOT / "tests" / "transport" / "test_additions.py"
    spec = importlib.util.spec_from_file_location("additions", path)
    assert spec is not None and spec.loader is not None
    added = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(added)
    page = "".join((ROOT / "docs" / "extending.md").read_text(encoding="utf-8").split())
    done = 0
    for name, pairs in {**added.MECHANISM, **added.IN_NUMPY}.items():
        assert f"`{name}`" in page
        for _, after in pairs:
            new = "".join(after.split())
            for known in ("classRecombination(Model):", "auger:Auger|None=None", '"auger":lambda'):
                new = new.removesuffix(known).removeprefix(known)
            done += new in page
    # all but the widening of a list of columns, which the page says in words
    assert done == sum(map(len, {**added.MECHANISM, **added.IN_NUMPY}.values())) - 1
