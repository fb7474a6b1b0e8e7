"""What a TOML file holds: read, checked and written as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from pydantic import ValidationError

from perotwin.stack.quantity_fields import BARE_NUMBERS, Model, explain

__all__ = ["Document"]


class Document(Model):
    """A model that is written down in a file of its own."""

    @classmethod
    def from_toml(cls, text: str, file: str | None = None) -> Self:
        """One from TOML text; `file` names it in messages and anchors relative paths of tables and spectra.

        Raises
        ------
        InputError : anything that cannot be used, with file, key, cause and cure.
        """
        from perotwin.stack.toml import read

        return cls.from_data(read(text, file), file=file)

    @classmethod
    def from_data(
        cls, data: Mapping[str, Any], *, file: str | None = None, bare_numbers: bool = False
    ) -> Self:
        """One from nested mappings; `bare_numbers` says whether numbers without unit may stand for SI.

        Raises
        ------
        InputError : anything that cannot be used, with file, key, cause and cure.
        """
        try:
            return cls.model_validate(data, context={BARE_NUMBERS: bare_numbers})
        except ValidationError as error:
            raise explain(error, file=file, data=data) from None

    if TYPE_CHECKING:

        def get(self, path: str) -> Any: ...

    def __getitem__(self, path: str) -> Any:
        """The value at a field path: `cell["perovskite.thickness"]`.

        Raises
        ------
        InputError : no such path.
        """
        return self.get(path)

    def __repr__(self) -> str:
        from perotwin.stack.notebook import in_words

        return in_words(self)

    def _repr_html_(self) -> str:
        from perotwin.stack.notebook import as_table

        return as_table(self)

    def to_toml(self) -> str:
        """TOML with every number as it was written; `from_toml` gives the same back bit for bit."""
        from perotwin.stack.toml import write

        return write(self)
