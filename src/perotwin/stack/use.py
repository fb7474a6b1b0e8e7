"""`use = "c60"`: a layer, a face or a contact that takes what the file does not state from the library of layers.

Such a model is complete: it holds every number, those of the library among them. It remembers which ones the file
stated, so that it is written as it was: `use` and what was stated in place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Self

from pydantic import ModelWrapValidatorHandler, PrivateAttr, model_validator

from perotwin.errors import InputError
from perotwin.stack import layer_library
from perotwin.stack.quantity_fields import Model, Name, model_of

__all__ = ["FromLibrary"]

#: where a key stands in a table and in the tables within it
Steps = tuple[str, ...]


class FromLibrary(Model):
    """A model that may take from the library of layers what is not stated.

    use : an entry of the library (see `perotwin.stack.layer_library`). Keys that are stated win, number by number in
        tables; a list (the traps) and a choice of a kind are replaced as a whole.
    """

    #: the part of an entry that this model takes
    part: ClassVar[str]

    use: Name | None = None

    _stated: frozenset[Steps] = PrivateAttr(default=frozenset())

    @model_validator(mode="wrap")
    @classmethod
    def _taken_from_library(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(data, Mapping) or not isinstance(data.get("use"), str):
            return handler(data)
        try:
            known = layer_library.part(data["use"], cls.part)
        except InputError as fault:
            raise InputError(fault.message, fault.advice, subkey="use") from None
        given = {key: value for key, value in data.items() if value is not None}
        for key, value in data.items():
            if value is None and key in known:
                raise InputError(
                    f'"{key}" of "{data["use"]}" stands in the library of layers and cannot be left out.',
                    "State another value (a density of zero, an empty list of traps), or write the whole table "
                    "without use.",
                    subkey=key,
                )
        made = handler(_merged(cls, known, given))
        made._stated = frozenset(_leaves(cls, given))
        return made

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy; what is updated counts as stated."""
        copy = super().model_copy(update=update, deep=deep)
        if update and copy.use is not None:
            copy._stated = copy._stated | {(key,) for key in update}
        return copy

    def as_stated(self) -> Self:
        """The model as its file states it: what it takes from the library does not count as stated."""
        return self if self.use is None else _only(self, self._stated)

    def all_stated(self) -> Self:
        """The same with every number stated in place, and no `use`."""
        if self.use is None:
            return self
        copy = super().model_copy(update={"use": None})
        copy._stated = frozenset()
        copy.model_fields_set.discard("use")
        return copy


def _inner(kind: type[Model], key: str) -> type[Model] | None:
    """The class of a table within a table, whose keys are taken one by one; None for values, lists and choices."""
    inner = model_of(kind, key) if key in kind.model_fields else None
    return None if inner is None or inner.inline else inner


def _merged(kind: type[Model], known: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What is given, completed with what the library has."""
    both = {**known, **given}
    for key, value in given.items():
        inner, base = _inner(kind, key), known.get(key)
        if inner is not None and isinstance(value, Mapping) and isinstance(base, Mapping):
            both[key] = _merged(inner, base, value)
    return both


def _leaves(kind: type[Model], given: Mapping[str, Any], before: Steps = ()) -> Iterator[Steps]:
    """Where the values stand that are given."""
    for key, value in given.items():
        inner = _inner(kind, key)
        if inner is not None and isinstance(value, Mapping):
            yield from _leaves(inner, value, (*before, key))
        else:
            yield (*before, key)


def _only(model: Any, kept: Iterable[Steps]) -> Any:
    """A copy of a model that counts as stated only what stands at some places."""
    below: dict[str, set[Steps]] = {}
    for first, *rest in kept:
        below.setdefault(first, set()).add(tuple(rest))
    copy = Model.model_copy(
        model,
        update={key: _only(getattr(model, key), deeper) for key, deeper in below.items() if () not in deeper},
    )
    copy.model_fields_set.intersection_update(below)
    return copy
