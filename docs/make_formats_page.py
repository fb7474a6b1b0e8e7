"""Write the table of the page about formats again, from what they declare: `python docs/make_formats_page.py`."""

from __future__ import annotations

from pathlib import Path

from perotwin.files.registry import formats

PAGE = Path(__file__).parent / "file-formats.md"
START, END = "<!-- the formats, written by make_formats_page.py -->\n", "<!-- end of the formats -->\n"
#: formats that need a package of the extra "files", by name
PACKAGES = {
    "becker_hickl": "sdtfile",
    "brml": "fairmat-readers-xrd",
    "jcamp_dx": "jcamp",
    "picoquant": "ptufile",
    "workbook": "python-calamine or openpyxl",
}


def table() -> str:
    """What stands between the two marks of the page."""
    rows = ["| format | what it is | endings | measurements | package |", "|---|---|---|---|---|"]
    for one in formats():
        measured = ", ".join(f"`{name}`" for name in one.instruments)
        endings = " ".join(one.extensions)
        rows.append(f"| `{one.name}` | {one.title} | {endings} | {measured} | {PACKAGES.get(one.name, '')} |")
    return "\n" + "\n".join(rows) + "\n\n"


if __name__ == "__main__":
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(START)
    after = rest.partition(END)[2]
    PAGE.write_text(before + START + table() + END + after, encoding="utf-8")
