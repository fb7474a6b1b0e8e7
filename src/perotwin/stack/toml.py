"""TOML: text to nested data, and models (stacks, recipes) back to it as a person would write them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from perotwin.errors import InputError, shown
from perotwin.stack.quantity_fields import Model, names_a_table
from perotwin.units import Quantity

#: What a file may hold, far beyond any cell or recipe: tables within tables, parts of a dotted key, entries of a table
#: or a list. A reader of TOML takes the square of the first two in time, and what is made of the third its own.
_DEEPEST, _MOST_ENTRIES = 30, 1000
#: bytes of a file, and characters of a text; the files of the library have some ten thousand
LARGEST = 1_000_000
_TOO_DEEP = (
    "No cell or recipe goes deeper than a handful of tables: see whether this is the file that was meant."
)

#: the parts of TOML that tell how deep it goes; strings and comments as wholes, for what stands in them counts nothing
_PARTS = re.compile(
    r'"""(?:[^"\\]|\\.|""?(?!"))*"""|'
    r"'''(?:[^']|''?(?!'))*'''|"
    r'"(?:[^"\\\n]|\\.)*"|'
    r"'[^'\n]*'|#[^\n]*|[\[\]{}.,=\n]",
    re.DOTALL,
)


def read(text: str, file: str | None = None) -> dict[str, Any]:
    """Nested data from TOML; relative paths in it are resolved against the folder of `file`.

    Raises
    ------
    InputError : not TOML, with the line; tables within tables, keys or lists beyond any use.
    """
    import tomllib

    where = file or "TOML text"
    if len(text) > LARGEST:
        raise InputError(
            f"this is longer than {LARGEST / 1e6:g} MB.", "See whether this is what was meant.", file=where
        )
    if max(_depths(text), default=0) > _DEEPEST:
        raise InputError(f"tables or keys go deeper than {_DEEPEST} here.", _TOO_DEEP, file=where)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(
            f"this is not valid TOML: {shown(str(error))}.",
            "Check quotes, brackets and that no key or table stands twice.",
            file=where,
        ) from None
    except RecursionError:
        raise InputError("tables go too deep here.", _TOO_DEEP, file=where) from None
    except ValueError:  # of an integer with thousands of digits, which is no fault of TOML's
        raise InputError(
            "a number has more digits than can be read.", "Write it with an exponent.", file=where
        ) from None
    folder = Path(file).resolve().parent if file else Path.cwd()
    _anchor(data, folder, where, "")
    return data


def _depths(text: str) -> Iterator[int]:
    """How deep TOML goes at each of its brackets and dots, dotted keys included."""
    depth = dots = 0
    for part in _PARTS.finditer(text):
        mark = part.group()
        if mark == ".":
            dots += 1
        elif mark in ("[", "{"):
            depth, dots = depth + 1, 0
        elif mark in ("]", "}"):
            depth, dots = max(depth - 1, 0), 0
        elif mark in (",", "=", "\n"):
            dots = 0
        yield depth + dots


def _anchor(node: Any, folder: Path, file: str, key: str) -> None:
    """Make every `path` absolute, so that a stack means the same file wherever it goes; refuse what is too long."""
    if not isinstance(node, (dict, list)):
        return
    if len(node) > _MOST_ENTRIES:
        raise InputError(
            f"there are {len(node)} entries, more than the {_MOST_ENTRIES} that are taken.",
            "Leave out what the cell does not need; a table of numbers belongs into a CSV file.",
            file=file,
            key=key or None,
        )
    for name, value in node.items() if isinstance(node, dict) else enumerate(node, start=1):
        if name == "path" and isinstance(value, str) and isinstance(node, dict):
            node[name] = str(folder / expanded(value))
        elif (
            name == "spectrum" and isinstance(value, str) and isinstance(node, dict) and names_a_table(value)
        ):
            node[name] = {"kind": "file", "path": str(folder / expanded(value.strip()))}
        else:
            _anchor(value, folder, file, f"{key}.{name}" if key else str(name))


def expanded(path: str) -> Path:
    """A path as a person wrote it, with their home folder for "~"; as it stands where there is no such person."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def write(model: Model) -> str:
    """TOML text of a model: what it states, in the order of the schema, numbers as they were written."""
    import tomlkit

    document = tomlkit.document()
    for key, value in _entries(model):
        document.add(key, value)
    return tomlkit.dumps(document)


def _entries(model: Model) -> list[tuple[str, Any]]:
    """Scalars and inline tables first, then tables, as TOML wants them."""
    model = model.as_stated()
    used = getattr(model, "use", None) is not None  # an empty list then stands instead of the library's
    stated = model.model_fields_set | ({"kind"} if "kind" in type(model).model_fields else set())
    scalars: list[tuple[str, Any]] = []
    tables: list[tuple[str, Any]] = []
    for name in type(model).model_fields:
        value = getattr(model, name)
        if name not in stated or value is None:
            continue
        is_table = (isinstance(value, Model) and not value.inline) or isinstance(value, (dict, tuple))
        is_table = is_table and not _are_words(value)
        if isinstance(value, (tuple, dict)) and not value and not used:
            continue
        (tables if is_table else scalars).append((name, _item(value)))
    return scalars + tables


def _item(value: Any) -> Any:
    import tomlkit

    if isinstance(value, Quantity):
        return _number(value)
    if isinstance(value, Model):
        if value.inline:
            entries = _entries(value)
            if len(entries) == 1 and entries[0][0] == "kind":
                return entries[0][1]
            return _fill(tomlkit.inline_table(), entries)
        return _fill(tomlkit.table(), _entries(value))
    if isinstance(value, dict):
        return _fill(
            tomlkit.table(is_super_table=True), [(key, _item(entry)) for key, entry in value.items()]
        )
    if isinstance(value, tuple):
        if _are_words(value):
            return list(value)
        array = tomlkit.aot()
        for entry in value:
            array.append(_item(entry))
        return array
    return value


def _are_words(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(entry, str) for entry in value)


def _fill(table: Any, entries: list[tuple[str, Any]]) -> Any:
    for key, value in entries:
        table.add(key, value)
    return table


def _number(quantity: Quantity) -> Any:
    import tomlkit

    bare = quantity.written is None and quantity.dimension in ("dimensionless", "fraction")
    text = float(quantity) if bare else quantity.text
    if quantity.source is None and quantity.assumed is None and quantity.note is None:
        return text
    table = tomlkit.inline_table()
    table.add("value", text)
    if quantity.source is not None:
        table.add("source", quantity.source)
    if quantity.assumed is not None:
        table.add("assumed", [end.text for end in quantity.assumed])
    if quantity.note is not None:
        table.add("note", quantity.note)
    return table
