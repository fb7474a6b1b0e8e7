"""The numbers of the recipe's models that come with perotwin: one file, read once, one table a model."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import ValidationError

from perotwin.stack.quantity_fields import BARE_NUMBERS, Model, explain
from perotwin.stack.toml import read

__all__ = ["PARAMETERS", "forget", "from_library"]

#: the file that holds every free parameter with its range and the measurement that fixes it
PARAMETERS = Path(__file__).parent / "library" / "parameters.toml"

Described = TypeVar("Described", bound=Model)


def from_library(model: type[Described], table: str | None = None) -> Described:
    """A model with the values of the library.

    Parameters
    ----------
    model : what the entries are.
    table : the table of the file that holds them; the whole file where None.

    Raises
    ------
    InputError : the table is not what the model describes, with file and key.
    """
    return cast(Described, _validated(model, table))


def forget() -> None:
    """Read the file again when it is next asked for: it was written."""
    _validated.cache_clear()
    _tables.cache_clear()


@cache
def _validated(model: type[Model], table: str | None) -> Model:
    entries = _tables() if table is None else _tables()[table]
    try:
        return model.model_validate(entries, context={BARE_NUMBERS: False})
    except ValidationError as error:
        raise explain(error, file=str(PARAMETERS), data=entries) from None


@cache
def _tables() -> dict[str, Any]:
    return read(PARAMETERS.read_text(encoding="utf-8"), str(PARAMETERS))
