"""Output to terminals and files whose encoding does not hold every letter: Windows' code pages, and plain ASCII."""

from __future__ import annotations

import codecs
import sys
from typing import Any

__all__ = ["make_sayable", "sayable_json"]

_ESCAPING = "perotwin-escape"


def make_sayable() -> None:
    """Let stdout and stderr write what their encoding does not hold as an escape, which TOML reads as the letter."""
    codecs.register_error(_ESCAPING, _escaped)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None and getattr(stream, "errors", "") in ("strict", "surrogateescape", None):
            reconfigure(errors=_ESCAPING)


def _escaped(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    letters = error.object[error.start : error.end]
    return "".join(_escape(ord(letter)) for letter in letters), error.end


def _escape(code: int) -> str:
    if 0xD800 <= code <= 0xDFFF:  # a byte of a file's name that is no text
        return "?"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def sayable_json(text: str, stream: Any) -> str:
    """JSON text whose letters that a stream's encoding does not hold are escaped as JSON does it."""
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        import json

        return "".join(letter if letter.isascii() else json.dumps(letter)[1:-1] for letter in text)
    return text
