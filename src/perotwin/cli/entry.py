"""What a file of this room declares of its commands, so that the application finds them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["Entry"]


class Entry(NamedTuple):
    """A command.

    Attributes:
        place: among the commands on the help page, in the order in which a newcomer meets them.
        command: the function. kind: what makes its help page; typer's own unless said.
        name: of the command, where it cannot be that of a function.
    """

    place: float
    command: Callable[..., Any]
    kind: Any = None
    name: str | None = None
