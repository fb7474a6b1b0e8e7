"""What the command line was once told otherwise: former spellings, and what to write instead."""

from __future__ import annotations

__all__ = ["advice"]

#: option that is gone -> what to do now
_OPTIONS = {
    "--one-solve": "Leave it out: every cell, tandems included, is solved in one piece now.",
    "--one_solve": "Leave it out: every cell, tandems included, is solved in one piece now.",
}


def advice(words: str) -> str | None:
    """What to write instead of a former option that a message of the parser names; None where it names none."""
    return next((cure for option, cure in _OPTIONS.items() if option in words), None)
