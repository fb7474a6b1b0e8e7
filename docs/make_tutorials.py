"""Run what README, tutorials and gallery tell to run, and show there what comes of it: `docs/make_tutorials.py`.

On these pages a block `sh` is run, line by line, in one empty folder for a page (with `docs/examples` in it, as in a
copy of the repository). A block `text` right after it is the first table that its last command prints. A picture
whose line follows a comment with a path, `<!-- results/fit/fit.png -->`, is that file, made smaller. Other blocks are
only looked at. `python docs/make_tutorials.py gallery` writes one page again; with `--examples` the measured files too.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

DOCS = Path(__file__).resolve().parent
EXAMPLES = DOCS / "examples"
TUTORIALS = [DOCS / f"tutorial-{name}.md" for name in ("own-files", "paper", "tandem", "ageing")]
PAGES = [DOCS.parent / "README.md", *TUTORIALS, DOCS / "gallery.md"]
#: of a picture on a page: points across, bytes
WIDTH, LARGEST = 900, 100_000
#: of the tables
COLUMNS = "100"
#: what the cell of the measured files has otherwise than `perotwin new` writes it
TRUTH = {
    "perovskite.lifetime": "60 ns",
    "perovskite|c60.trap.hole_velocity": "300 cm/s",
    "circuit.series_resistance": "4 ohm cm^2",
}

_PART = re.compile(
    r"^```(?P<language>\w*)\n(?P<text>.*?)^```$|^<!-- (?P<made>\S+\.png) -->\n!\[[^\]]*\]\((?P<shown>[^)]+)\)$",
    re.M | re.S,
)


class Block(NamedTuple):
    """Commands of a page, each as its words; where the table lies that the last one prints, if the page shows it."""

    commands: list[list[str]]
    table: tuple[int, int] | None


class Picture(NamedTuple):
    """A picture of a page: the file that a command made, the file that is shown."""

    made: str
    shown: Path


def parts(page: Path) -> Iterator[Block | Picture]:
    """What is run and shown on a page, in order."""
    text = page.read_text(encoding="utf-8")
    found = list(_PART.finditer(text))
    for n, part in enumerate(found):
        if part["made"]:
            yield Picture(part["made"], (page.parent / part["shown"]).resolve())
        elif part["language"] == "sh":
            lines = part["text"].replace("\\\n", " ").splitlines()
            words = [shlex.split(line, comments=True) for line in lines]
            after = found[n + 1] if n + 1 < len(found) else None
            shown = (
                after is not None
                and after["language"] == "text"
                and not text[part.end() : after.start()].strip()
            )
            yield Block(
                [one[1:] for one in words if one[:1] == ["perotwin"]],
                (after.start("text"), after.end("text")) if shown and after is not None else None,
            )


def commands(*pages: Path) -> set[tuple[str, ...]]:
    """All that is run on some pages."""
    return {
        tuple(one)
        for page in pages
        for part in parts(page)
        if isinstance(part, Block)
        for one in part.commands
    }


def prepare(folder: Path) -> None:
    """What a folder holds before the first command."""
    shutil.copytree(EXAMPLES, folder / "docs" / "examples")


def run(words: list[str]) -> str:
    """Run a command in this process and in this folder; what it printed on stdout. A failure is a RuntimeError."""
    from perotwin.cli import main

    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(words)
        except SystemExit as left:
            code = left.code
    if code:
        raise RuntimeError(f"{shlex.join(['perotwin', *words])}: {code}\n{out.getvalue()}{err.getvalue()}")
    return out.getvalue()


def first_table(printed: str) -> str:
    """The first table of an output: what stands before the first empty line below its rule."""
    lines = [line.rstrip() for line in printed.splitlines()]
    rule = next(n for n, line in enumerate(lines) if "───" in line)
    begin = max((n + 1 for n in range(rule) if not lines[n]), default=0)
    end = next((n for n in range(rule, len(lines)) if not lines[n]), len(lines))
    shift = min(len(line) - len(line.lstrip()) for line in lines[begin:end])
    return "".join(f"{line[shift:]}\n" for line in lines[begin:end])


def small(path: Path) -> Image.Image:
    """A picture as it is shown: maps of molecules, which hold most, with fewer colours and points."""
    image = Image.open(path).convert("RGB")
    for width, colours in ((WIDTH, 64), (WIDTH, 16), (600, 16)):
        size = (width, round(image.height * width / image.width))
        sized = image.resize(size, Image.Resampling.LANCZOS) if image.width > width else image
        made = sized.quantize(colours, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        bytes_of = io.BytesIO()
        made.save(bytes_of, "PNG", optimize=True)
        if len(bytes_of.getvalue()) < LARGEST:
            break
    return made


def write(page: Path, told_before: set[tuple[str, ...]]) -> None:
    """Run a page and write its tables and pictures; what other pages run and show already is theirs."""
    text = page.read_text(encoding="utf-8")
    new: list[tuple[int, int, str]] = []
    for part in parts(page):
        if isinstance(part, Picture):
            if Path(part.made).is_file():
                part.shown.parent.mkdir(parents=True, exist_ok=True)
                small(Path(part.made)).save(part.shown, optimize=True)
            continue
        printed = ""
        for one in part.commands:
            if tuple(one) not in told_before:
                print("perotwin", shlex.join(one), flush=True)
                printed = run(one)
        if part.table is not None:
            new.append((*part.table, first_table(printed)))
    for start, end, table in reversed(new):
        text = text[:start] + table + text[end:]
    page.write_text(text, encoding="utf-8")


def measured() -> None:
    """The measured files: a cell as `perotwin new` makes it but for `TRUTH`, with the noise of instruments."""
    import perotwin as pt

    with tempfile.TemporaryDirectory() as folder:
        cell = pt.new(Path(folder) / "my-cell.toml", absorber="1.63 eV").with_values(TRUTH)
    draw = np.random.default_rng(5)

    def put(name: str, heading: str, rows: str, *columns: np.ndarray) -> None:
        lines = [rows.format(*row) for row in zip(*columns, strict=True)]
        path = EXAMPLES / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([heading, *lines, ""]), encoding="utf-8")

    curve = pt.lab.jv.measure(cell, pt.lab.jv.Protocol(start="0 V", stop="1.2 V", step="20 mV"))
    volts, current = curve["voltage"].values, 0.1 * curve["current_density"].values
    put(
        "cell/cell_jv.txt",
        "Sample: cell\nIntensity (mW/cm2): 100\nVoltage (V)\tCurrent density (mA/cm2)",
        "{:.3f}\t{:.3f}", volts, current + draw.normal(0.0, 0.02, volts.size),
    )  # fmt: skip
    spectrum = pt.lab.eqe.measure(cell)
    length = np.arange(320.0, 860.0, 10.0)
    response = 100.0 * np.interp(length, 1e9 * spectrum["wavelength"].values, spectrum["eqe"].values)
    put(
        "cell/cell_eqe.txt",
        "Wavelength (nm)\tEQE (%)",
        "{:.0f}\t{:.2f}", length, response + draw.normal(0.0, 0.3, length.size),
    )  # fmt: skip
    hours = np.arange(0.0, 500.5)
    left = 0.06 * np.exp(-hours / 25.0) + 0.94 / (1.0 + hours / 3500.0)  # domains fill, traps grow on
    put(
        "trace/cell_trace.txt",
        "Sample: cell\nTime (h)\tPower (mW/cm2)",
        "{:.0f}\t{:.3f}", hours, 18.4 * left * (1.0 + 0.003 * draw.standard_normal(hours.size)),
    )  # fmt: skip
    dim = pt.lab.suns_voc.measure(cell)
    light, voltage = dim["intensity"].values, dim["voltage"].values
    keep = (light <= 1.0) & (light > 0.009)
    put(
        "cell/cell_sunsvoc.txt",
        "Light (suns)\tVoc (V)",
        "{:.4f}\t{:.4f}", light[keep], (voltage + draw.normal(0.0, 0.0005, voltage.size))[keep],
    )  # fmt: skip


def everything(names: list[str]) -> None:
    """Write the pages of some names, all where none is given."""
    os.environ["COLUMNS"] = COLUMNS
    if "--examples" in names:
        measured()
    wanted = [name for name in names if not name.startswith("--")]
    for n, page in enumerate(PAGES):
        if not wanted or any(name in page.stem for name in wanted):
            with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
                prepare(Path(folder))
                write(page, commands(*PAGES[:n]) if page.stem == "gallery" else set())


if __name__ == "__main__":
    everything(sys.argv[1:])
