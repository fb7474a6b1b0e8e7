"""Write the table and the figures of the page about materials again: `python docs/make_materials_page.py`.

Tables that no package ships are drawn where the environment variable PEROTWIN_OPTICAL_TABLES names a folder that holds
them; what the page says of a material comes from its library file.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from perotwin import materials
from perotwin.materials.description import TABLES_VARIABLE
from perotwin.plotting import style
from perotwin.report import materials as shown

PAGE = Path(__file__).parent / "materials.md"
FIGURES = Path(__file__).parent / "figures" / "materials"
START, END = "<!-- the library, written by make_materials_page.py -->\n", "<!-- end of the library -->\n"
DPI = 110


def page_text() -> str:
    """What stands between the two marks of the page."""
    known = materials.descriptions()
    rows = [
        "| material | what it is | optics | range (nm) | rms in n, k |",
        "|---|---|---|---|---|",
        *(shown.markdown_row(one) for one in known),
    ]
    parts = ["\n".join(rows)]
    for one in known:
        caution = f" Mind: {one.caution}." if one.caution else ""
        parts.append(
            f"### {one.name}\n\n{one.title}. Source: {one.source}.{caution}\n\n"
            f"![n and k of {one.name}](figures/materials/{one.name}.png)"
        )
    return "\n" + "\n\n".join(parts) + "\n\n"


def draw() -> None:
    """Draw n and k of each material, with the points of its source."""
    FIGURES.mkdir(parents=True, exist_ok=True)
    for one in materials.descriptions():
        with style.context():
            made = shown.figure([one])
            path = FIGURES / f"{one.name}.png"
            made.savefig(path, dpi=DPI)
        Image.open(path).convert("RGB").quantize(48).save(path, optimize=True)


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(START)
    after = rest.split(END)[1]
    PAGE.write_text(before + START + page_text() + END + after, encoding="utf-8")
    draw()
    print(f"wrote {PAGE} and {FIGURES}; tables of one's own come from ${TABLES_VARIABLE}")
