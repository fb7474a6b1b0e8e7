"""The numbers of the recipe's models: one file, one table a model, each number with its range and what fixes it."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from perotwin.stack.fields import BARE_NUMBERS, Model, explain
from perotwin.stack.toml import read

__all__ = ["FILE", "table"]

FILE = Path(__file__).parent / "library" / "parameters.toml"

Parameters = TypeVar("Parameters", bound=Model)


def table(name: str, model: type[Parameters]) -> Parameters:
    """The table `name` of the parameter file as the model that it describes."""
    entries = _tables()[name]
    try:
        return model.model_validate(entries, context={BARE_NUMBERS: False})
    except ValidationError as error:
        raise explain(error, file=str(FILE), data=entries) from None


@functools.lru_cache(maxsize=1)
def _tables() -> dict[str, Any]:
    return read(FILE.read_text(encoding="utf-8"), str(FILE))
