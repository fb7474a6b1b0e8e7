"""Keys of entries in a file of evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from perotwin.errors import InputError, nearest, shown

__all__ = ["refuse_unknown"]


def refuse_unknown(entry: Mapping[str, Any], keys: Sequence[str], path: str, where: str) -> None:
    """Refuse an entry that has a key which does not exist.

    Args:
        entry: as it was read. keys: those that there are. path: of its file. where: in which entry, such as "[[tie]]".

    Raises:
        InputError: names the nearest key that exists.
    """
    for key in entry:
        if key not in keys:
            close = nearest(key, keys)
            raise InputError(
                f'the key "{shown(key)}" does not exist in a {where}.',
                f'Did you mean "{close[0]}"?' if close else f"The keys there are {', '.join(keys)}.",
                file=path,
                key=key,
            )
