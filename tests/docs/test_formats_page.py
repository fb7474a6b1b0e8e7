"""The page about formats lists what the code reads, with the package that each needs."""

import ast
import inspect
import sys
from pathlib import Path

import perotwin.files.formats
from perotwin.files.registry import formats

DOCS = Path(__file__).parents[2] / "docs"
sys.path.insert(0, str(DOCS))
import make_formats_page as maker  # noqa: E402  # its folder goes on the path first

#: import name -> name of the package in the extra "files"
OPTIONAL = {
    "jcamp": "jcamp",
    "fairmat_readers_xrd": "fairmat-readers-xrd",
    "ptufile": "ptufile",
    "sdtfile": "sdtfile",
    "python_calamine": "python-calamine",
    "openpyxl": "openpyxl",
    "gwyfile": "gwyfile",
}


def test_the_table_is_what_the_formats_declare() -> None:
    page = maker.PAGE.read_text(encoding="utf-8")
    assert page.split(maker.START)[1].split(maker.END)[0] == maker.table(), (
        "run python docs/make_formats_page.py"
    )


def test_the_packages_are_those_that_the_modules_import() -> None:
    by_module: dict[str, set[str]] = {}
    for one in formats():
        by_module.setdefault(one.read.__module__, set()).add(one.name)
    imported: dict[str, set[str]] = {}
    folder = Path(perotwin.files.formats.__path__[0])
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found = {OPTIONAL[name.partition(".")[0]] for name in names if name.partition(".")[0] in OPTIONAL}
            imported.setdefault(f"perotwin.files.formats.{path.stem}", set()).update(found)
    for module, packages in imported.items():
        said = {
            word
            for name in by_module.get(module, ())
            for word in maker.PACKAGES.get(name, "").split(" or ")
            if word
        }
        assert said == packages, module


def test_packages_come_with_the_extra() -> None:
    extra = (
        (DOCS.parent / "pyproject.toml")
        .read_text(encoding="utf-8")
        .partition("\nfiles = [")[2]
        .partition("]")[0]
    )
    for packages in maker.PACKAGES.values():
        assert all(f'"{name}>=' in extra for name in packages.split(" or "))


def test_modules_import_them_only_when_a_file_asks() -> None:
    for one in formats():
        source = inspect.getsource(sys.modules[one.read.__module__])
        for node in ast.parse(source).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = (
                    [alias.name for alias in node.names]
                    if isinstance(node, ast.Import)
                    else [node.module or ""]
                )
                assert not {name.partition(".")[0] for name in names} & set(OPTIONAL), one.name
