"""Names as their owners wrote them: what is no mathematics, and what no font has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.text import Text

__all__ = ["MISSING_GLYPH", "letter_by_letter"]

#: a name in a script that the font does not have shows boxes; the data carry it all the same
MISSING_GLYPH = "Glyph .* missing from"


def letter_by_letter(text: Text) -> bool:
    """Let a text that cannot be set as mathematics be drawn letter by letter; whether it is one."""
    from matplotlib.mathtext import MathTextParser

    parser: Any = MathTextParser("path")
    try:
        for line in text.get_text().split("\n") if text.get_parse_math() else ():
            if line.count("$") > 1:
                parser.parse(line)
    except ValueError:
        text.set_parse_math(False)
        return True
    return False
