"""TOML: text to nested data, and models (stacks, recipes) back to it as a person would write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from perotwin.errors import InputError
from perotwin.stack.quantity_fields import Model
from perotwin.units import Quantity


def read(text: str, file: str | None = None) -> dict[str, Any]:
    """Nested data from TOML; relative paths in it are resolved against the folder of `file`.

    Raises
    ------
    InputError : not TOML, with the line.
    """
    import tomllib

    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(
            f"this is not valid TOML: {error}.",
            "Check quotes, brackets and that no key or table stands twice.",
            file=file or "TOML text",
        ) from None
    folder = Path(file).resolve().parent if file else Path.cwd()
    _anchor(data, folder)
    return data


def _anchor(node: Any, folder: Path) -> None:
    """Make every `path` absolute, so that a stack means the same file wherever it goes."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "path" and isinstance(value, str):
                node[key] = str(folder / Path(value).expanduser())
            else:
                _anchor(value, folder)
    elif isinstance(node, list):
        for entry in node:
            _anchor(entry, folder)


def write(model: Model) -> str:
    """TOML text of a model: what it states, in the order of the schema, numbers as they were written."""
    import tomlkit

    document = tomlkit.document()
    for key, value in _entries(model):
        document.add(key, value)
    return tomlkit.dumps(document)


def _entries(model: Model) -> list[tuple[str, Any]]:
    """Scalars and inline tables first, then tables, as TOML wants them."""
    stated = model.model_fields_set | ({"kind"} if "kind" in type(model).model_fields else set())
    scalars: list[tuple[str, Any]] = []
    tables: list[tuple[str, Any]] = []
    for name in type(model).model_fields:
        value = getattr(model, name)
        if name not in stated or value is None:
            continue
        is_table = (isinstance(value, Model) and not value.inline) or isinstance(value, (dict, tuple))
        is_table = is_table and not _are_words(value)
        if isinstance(value, (tuple, dict)) and not value:
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
