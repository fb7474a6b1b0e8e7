"""Several cells in one short file: a base and, by name, what each variant changes of it.

base = "wbg-target"                       # a name of the library, or a stack file beside this one

[variant.thin]
"perovskite.thickness" = "300 nm"

[variant."cold and dim"]
temperature = "250 K"
light.intensity = "0.1 sun"
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from perotwin.errors import InputError
from perotwin.stack.cell import Cell
from perotwin.stack.library import load, names, read_file
from perotwin.stack.toml import expanded, read

__all__ = ["load_all"]

_BASE, _VARIANT = "base", "variant"


def load_all(name_or_path: str | Path) -> list[Cell]:
    """The cells of a file with variants, each called by its own name; of anything else the one cell that `load` gives.

    Raises
    ------
    InputError : as of `load`; a variant that changes what its base does not have, or that leaves no possible cell.
    """
    text = str(name_or_path)
    file = expanded(text)
    if file.suffix != ".toml":
        return [load(name_or_path)]
    data = read(read_file(file, names()), file=text)
    if _VARIANT not in data:
        return [load(name_or_path)]
    base, variants = data.get(_BASE), data[_VARIANT]
    if not isinstance(base, str) or set(data) != {_BASE, _VARIANT} or not isinstance(variants, Mapping):
        raise InputError(
            "a file with variants holds a base and variants, and nothing else.",
            'Write base = "wbg-target" and tables such as [variant.thin]; a [[variant]] list has no names.',
            file=text,
        )
    beside = file.parent / base
    start = load(beside if base.endswith(".toml") else base)
    return [_variant(start, name, changes, text) for name, changes in variants.items()]


def _variant(base: Cell, name: str, changes: Any, file: str) -> Cell:
    if not isinstance(changes, Mapping):
        raise InputError(
            f'"{name}" is no table of changes.',
            'Write [variant.thin] and below it "perovskite.thickness" = "300 nm".',
            file=file,
            key=f"{_VARIANT}.{name}",
        )
    try:
        return base.with_values({"name": name, **dict(_flat(changes))})
    except InputError as error:
        raise InputError(
            error.message, error.advice, file=file, key=f"{_VARIANT}.{name}, {error.key or ''}".rstrip(", ")
        ) from None


def _flat(changes: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys as the field paths that they mean; a table that says its kind or its source is a value."""
    for key, value in changes.items():
        if isinstance(value, Mapping) and not {"kind", "value"} & set(value):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value
