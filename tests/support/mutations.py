"""Files as nobody should write them: mutations of library files and of tables, drawn from a fixed seed, and what
reading each of them comes to.

`python mutations.py KIND FIRST LAST` reads cases one after the other in one process with bounded memory and prints one
JSON line for each; a case that takes too long ends the process with the place where it hung.
"""

from __future__ import annotations

import faulthandler
import json
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import perotwin
from perotwin.errors import InputError, PerotwinError

SEED = 20261010
#: seconds that one case may take, and bytes that reading may add to what the process has at its start
LONGEST, MEMORY = 10, 2 * 1024**3

HOUSE = Path(perotwin.__file__).parent
CELLS = [HOUSE / "stack" / "library" / f"{name}.toml" for name in (
    "cell-a", "cell-b", "mapi-tio2-spiro", "nbg", "nip-example", "patchy-tandem", "tandem-target",
    "three-junctions", "wbg-base", "wbg-control", "wbg-target",
)]  # fmt: skip
RECIPES = sorted((HOUSE / "recipe" / "library" / "recipes").glob("*.toml"))

NUMBER = re.compile(r"(?<![\w.])[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
STRING = re.compile(r'"[^"\n]*"')
KEY = re.compile(r"^(\w[\w-]*)\s*=\s*(.*)$", re.MULTILINE)
TABLE = re.compile(r"^\[+[^\]\n]+\]+$", re.MULTILINE)

NUMBERS = [
    "1e-99999999", "1e999999999", "-1e999999999", "1e-400", "1e400", "1e308", "1e-308", "5e-324", "0", "-0.0",
    "-1", "nan", "inf", "-inf", "1" * 400, "1" * 50_000, "0." + "0" * 5000 + "1", "1e" + "9" * 5000, "1_000",
    "0x10", "1,5", "1e3e3", "3", "7", "0.5", "12", "1e2", "0.1", "40", "2.5e3", "1e-6", "1e12", "٣", "1/3",
    "--5", "1..2", "+ 3", "1 " * 5000, "1" + " " * 100_000 + "x",
]  # fmt: skip
UNITS = [
    "um", "mm", "cm", "meV", "cm^-3", "m^-3", "cm^2/(V s)", "us", "ps", "K", "sun", "ohm cm^2", "cm/s", "V",
    "cm^3/s", "degF", "hour", "mil", "nm^(9^9^9^9)", "nm^9^9^9^9", "K^(1e9)", "9^9^9^9 nm",
    "(((((nm^20)^20)^20)^20)^20)", "m" * 5000, "(" * 300 + "nm" + ")" * 300, "nm" + "^2" * 300, "degC^2",
    "delta_degC", "dBm", "dB/m", "nm**nm", "nm; import os", "nm # x", "'nm'", "nm\\u0000", "{}", "[length]",
    "__class__", "lambda: 1", "1e9999 nm", "nm/0", "nm^-99999999", "nm^1e99", "nm 1e-99999", "ℏ", "😀",
    "nm nm nm", "%", "parsec", "nm^0.5", "nm^(1/3)", "nm^(1/0)", "nm^nan", "offset_unit", "count", "sun^3",
    "°C", "nm/" * 400 + "s", "nm\\n", "0 nm", "@x",
]  # fmt: skip
VALUES = [
    "{}", "[]", "true", "false", "1", "-1", "1.5", "nan", "-inf", '""', '" "', '"x"', "[{}]", "[[]]", "[1, 2]",
    '["a", "b"]', "{ kind = {} }", '{ kind = [] }', "{ kind = true }", "{ kind = 1979-05-27 }",
    "1979-05-27T07:32:00Z", "07:32:00", "{ value = {} }", '{ value = "1 nm", assumed = true }',
    '{ value = "1 nm", assumed = {} }', '{ value = "1 nm", assumed = [{}, {}] }',
    '{ value = "1 nm", assumed = 5 }', '{ value = "1 nm", source = [] }', '{ value = "1 nm", note = {} }',
    '{ value = true }', '{ value = ["1 nm"] }', "9" * 400, "9" * 6000, '"' + "a" * 20_000 + '"',
    '{ kind = "table", path = "/dev/zero" }', '{ kind = "table", path = "~nobody-here/x.csv" }',
    '{ kind = "table", path = "a\\u0000b" }', '{ kind = "table", path = {} }', '{ kind = "file", path = "" }',
    '{ below = {}, depth = "1 eV" }', '{ below = [], above = [] }', '{ above = "valence" }', '{ path = 3 }',
    "[" * 5000 + "]" * 5000, "{ a = " * 500 + "1" + " }" * 500, '"\\u001b[2J\\u0007"', '"$\\\\frac{$"',
    "{ 5 = 5 }", '"dark"', '"flat-band"', "'''\nlines\n'''", '"midgap"', '"nan nm"',
    '{ kind = "frozen", bias = {} }', "[true, false]", "{ name = {} }",
]  # fmt: skip
NAMES = [
    "", " ", "a\\u0000b", "\\u0000", "n" * 400, "n" * 50_000, "report.html", "figures", "$\\\\frac{$", "$x^2$",
    "_", "太阳能电池", "🌞" * 40, "../../etc", "/etc/passwd", "a\\nb", "..", "-", "con", "\\u202e", "\\ud800", "a|b",
    "top", "light", "perovskite",
]  # fmt: skip
TYPED = "0123456789.eE+-[]{}=\"'#,\n \t\\|$%&_abcxyz\x00\x7f\u0394\u5149\U0001f31e"


def _characters(draw: random.Random, text: str) -> str:
    """A few characters put in, taken out or replaced."""
    for _ in range(draw.choice([1, 1, 2, 5, 30])):
        place = draw.randrange(len(text) + 1)
        end = place + draw.choice([0, 1, 1, 2, 10])
        text = text[:place] + draw.choice(["", draw.choice(TYPED), draw.choice(TYPED) * 3]) + text[end:]
    return text


def _lines(draw: random.Random, text: str) -> str:
    """Lines left out, doubled, swapped, or everything cut off."""
    lines = text.split("\n")
    for _ in range(draw.choice([1, 1, 3])):
        a, b = draw.randrange(len(lines)), draw.randrange(len(lines))
        way = draw.randrange(5)
        if way == 0:
            del lines[a : a + draw.choice([1, 1, 5])]
        elif way == 1:
            lines.insert(b, lines[a])
        elif way == 2:
            lines[a], lines[b] = lines[b], lines[a]
        elif way == 3:
            lines[a : a + 3] = [" ".join(lines[a : a + 3])]
        else:
            lines = lines[: max(a, 1)]
        lines = lines or [""]
    return "\n".join(lines)


def _replaced(pattern: re.Pattern[str], entries: list[str]) -> Callable[[random.Random, str], str]:
    """What makes a mutation: one or two finds of a pattern become one of the entries."""

    def mutate(draw: random.Random, text: str) -> str:
        for _ in range(draw.choice([1, 1, 2])):
            found = list(pattern.finditer(text))
            if found:
                one = draw.choice(found)
                text = text[: one.start()] + draw.choice(entries) + text[one.end() :]
        return text

    return mutate


def _unit(draw: random.Random, text: str) -> str:
    """Another unit behind a number."""
    found = list(re.finditer(r'"([+-]?\d[\d.eE+-]*) [^"\n]+"', text))
    if not found:
        return text
    one = draw.choice(found)
    return text[: one.start()] + f'"{one.group(1)} {draw.choice(UNITS)}"' + text[one.end() :]


def _value(draw: random.Random, text: str) -> str:
    """Another value of a key, most often of another type."""
    one = draw.choice(list(KEY.finditer(text)))
    return text[: one.start(2)] + draw.choice(VALUES) + text[one.end(2) :]


def _within(draw: random.Random, text: str) -> str:
    """Another value of a key of an inline table."""
    found = list(re.finditer(r'(?<!\w)(\w+) = ("[^"\n]*"|\[[^\]\n]*\])(?=[,} ])', text))
    if not found:
        return text
    one = draw.choice(found)
    return text[: one.start(2)] + draw.choice(VALUES) + text[one.end(2) :]


def _key(draw: random.Random, text: str) -> str:
    """A key, or a table's heading, by another name."""
    found = [(one.start(1), one.end(1)) for one in KEY.finditer(text)]
    found += [(one.start() + 1, one.end() - 1) for one in TABLE.finditer(text)]
    start, end = draw.choice(found)
    keys = [
        "a." * 30_000 + "a",
        "a." * 200 + "a",
        '""',
        '"a b"',
        "kind",
        "name",
        "value",
        "layer",
        "k" * 20_000,
        '"$x$"',
        "light.light",
        "1",
        "top",
    ]
    return text[:start] + draw.choice(keys) + text[end:]


def _name(draw: random.Random, text: str) -> str:
    """A strange name."""
    found = list(re.finditer(r'^name = ("[^"\n]*")', text, re.MULTILINE))
    if not found:
        return text
    one, name = draw.choice(found), draw.choice(NAMES)
    return text[: one.start(1)] + f'"{name}"' + text[one.end(1) :]


def _grown(draw: random.Random, text: str) -> str:
    """Far too much of something."""
    layer = '[[layer]]\nname = "extra{}"\nrole = "buffer"\nthickness = "1 nm"\n'
    ways: list[Callable[[], str]] = [
        lambda: text + "\n" + "".join(layer.format(number) for number in range(draw.choice([300, 3000, 20_000]))),
        lambda: text + "\n" + "[[layer]]\n" * 100_000,
        lambda: "a." * 30_000 + "a = 1\n" + text,
        lambda: "deep = " + "[" * 100_000 + "]" * 100_000 + "\n" + text,
        lambda: "deep = " + "{a=" * 3000 + "1" + "}" * 3000 + "\n" + text,
        lambda: text + "\n# " + "x" * 3_000_000,
        lambda: text + "\n" + "".join(f"[a{'.a' * depth}]\n" for depth in range(400)),
        lambda: text + "\n" + "".join(f'[interface."a{number}|b"]\n' for number in range(20_000)),
        lambda: "\n" * 500_000 + text,
        lambda: text.replace("\n", "\r\n"),
        lambda: text.replace("\n", "\r"),
        lambda: "\ufeff" + text,
    ]  # fmt: skip
    return draw.choice(ways)()


TOML_WAYS = [
    _characters, _lines, _replaced(NUMBER, NUMBERS), _unit, _value, _within, _key, _name,
    _replaced(STRING, [f'"{n}"' for n in NAMES]),
]  # fmt: skip


def toml_case(number: int) -> tuple[Path, bytes]:
    """The library file that case `number` comes from, and what it has become."""
    draw = random.Random(SEED * 100_003 + number)
    source = draw.choice([*CELLS, *CELLS, *RECIPES])
    text = source.read_text(encoding="utf-8")
    for _ in range(draw.choice([1, 1, 1, 2, 3])):
        # what has grown far too large takes longer to make than to refuse
        text = (_grown if draw.random() < 0.03 else draw.choice(TOML_WAYS))(draw, text) or "\n"
        if len(text) > 100_000 or not KEY.search(text) or "\nname = " not in f"\n{text}":
            break
    content = text.encode("utf-8", "surrogatepass")
    if draw.random() < 0.02:
        place = draw.randrange(len(content) + 1)
        content = content[:place] + bytes(draw.randrange(256) for _ in range(5)) + content[place:]
    return source, content


CELLS_OF_TABLES = [
    "", "nan", "inf", "-inf", "1e400", "1e308", "-1", "0", "1e-320", "abc", '"', '"1"', "1;2", "1e99999999",
    "9" * 5000, "0x1", "1_0", " ", "\x00", "½", "=1+1", "1" + " " * 5000, "5e3", "-0.0", "1e-9", "1e6",
]  # fmt: skip


TABLE_WAYS: list[Callable[[random.Random, str, str], str]] = [
    lambda draw, text, separator: "",
    lambda draw, text, separator: "\n" * 100_000,
    lambda draw, text, separator: text * 3,
    lambda draw, text, separator: text.replace("\n", "\r"),
    lambda draw, text, separator: text.replace("\n", " "),
    lambda draw, text, separator: text[: len(text) // 2],
    lambda draw, text, separator: text + "1" * 200_000,
    lambda draw, text, separator: text + '"' + "," * 200_000,
    lambda draw, text, separator: "".join(f"{300 + 0.001 * row:.3f}{separator}1\n" for row in range(300_000)),
    lambda draw, text, separator: f"1{separator}2{separator}3\n" * 4_000_000,
    lambda draw, text, separator: _characters(draw, text),
    lambda draw, text, separator: _characters(draw, text),
]


def table_case(number: int) -> tuple[str, bytes]:
    """What case `number` is read as (optical constants, a spectrum, a generation profile), and its content."""
    draw = random.Random(SEED * 100_019 + number)
    what = draw.choice(["nk", "spectrum", "generation"])
    separator = draw.choice([",", ";", "\t", " "])
    rows = []
    for place in range(draw.choice([2, 20, 60])):
        first = place * 10.0 if what == "generation" else 300.0 + place * 20.0
        last = (
            [2.0 + 0.01 * place, max(0.5 - 0.01 * place, 0.0)]
            if what == "nk"
            else [1e27 if what == "generation" else 1.0]
        )
        rows.append([f"{value:g}" for value in [first, *last]])
    for _ in range(draw.choice([0, 1, 1, 3])):
        row = draw.choice(rows)
        way = draw.randrange(6)
        if way <= 2:
            row[draw.randrange(len(row))] = draw.choice(CELLS_OF_TABLES)
        elif way == 3:
            row.append(draw.choice(CELLS_OF_TABLES))
        elif way == 4 and len(row) > 1:
            row.pop()
        else:
            rows.insert(draw.randrange(len(rows)), list(draw.choice(rows)))
    text = "\n".join(separator.join(row) for row in rows) + "\n"
    if draw.random() < 0.5:
        text = (
            draw.choice(
                [
                    "# comment\n",
                    "wavelength,n,k\n",
                    "\ufeff",
                    "\n\n",
                    '"' * 3,
                    "x\ny\n",
                    ";;;\n",
                    "nm\tn\tk\n",
                ]
            )
            + text
        )
    if draw.random() < 0.2:
        text = draw.choice(TABLE_WAYS)(draw, text, separator)
    content = text.encode("utf-8")
    if draw.random() < 0.05:
        content = (
            content[: draw.randrange(len(content) + 1)]
            + bytes(draw.randrange(256) for _ in range(50))
            + content
        )
    return what, content


# --- what reading comes to ----------------------------------------------------------------------------------------


def read_toml(source: Path, path: Path) -> None:
    """Read a mutated file; what is accepted is written down and read again."""
    if source in RECIPES:
        from perotwin import recipe

        made = recipe.load(path)
        assert recipe.Recipe.from_toml(made.to_toml(), file=str(path)) == made, (
            "written down it reads otherwise"
        )
        return
    from perotwin import stack
    from perotwin.report import machine

    cell = stack.load(path)
    assert stack.from_toml(cell.to_toml(), file=str(path)) == cell, "written down it reads otherwise"
    json.dumps(machine.stack_result(cell), allow_nan=False)
    cell.sources()


def read_table(what: str, path: Path) -> None:
    """Read a mutated table as what it is meant for."""
    import numpy as np

    if what == "nk":
        from perotwin.materials import read_csv

        model = read_csv(path)
        low, high = model.range
        assert np.all(np.isfinite(model.nk(np.linspace(low, high, 200)))), "not finite"
        return
    if what == "spectrum":
        from perotwin.spectra import from_file

        made = from_file(path)
        assert np.all(np.isfinite(made.photon_flux_density)), "not finite"
        return
    from perotwin.measurement.series import Wanted, read_series

    found = read_series(path, "generation profile", "depth in nm, rate", (Wanted("rate"),), axis="depth")
    assert np.all(np.isfinite(found.axis)) and np.all(np.isfinite(found.values["rate"])), "not finite"


def judged(kind: str, number: int, folder: Path) -> dict[str, object]:
    """What came of one case: "read", "refused", or a fault of the program in words."""
    case, read, suffix = {"toml": (toml_case, read_toml, ".toml"), "table": (table_case, read_table, ".csv")}[
        kind
    ]
    what, content = case(number)
    path = folder / f"mutated{suffix}"
    path.write_bytes(content)
    faulthandler.dump_traceback_later(LONGEST, exit=True)
    start = time.perf_counter()
    try:
        read(what, path)  # type: ignore[arg-type]  # each reads its own cases
        outcome = "read"
    except InputError as refusal:
        outcome = "refused"
        if not refusal.advice.strip():
            outcome = f"no cure: {refusal}"
        elif len(str(refusal)) > 4000:
            outcome = f"{len(str(refusal))} characters of message: {str(refusal)[:300]}"
        elif not str(refusal).isprintable():
            outcome = f"control characters: {str(refusal)!r}"
    except PerotwinError as fault:
        outcome = f"no input error: {fault}"
    except Exception as fault:
        import traceback

        place = traceback.extract_tb(fault.__traceback__)[-1]
        outcome = f"{type(fault).__name__}: {str(fault)[:300]} ({place.filename}:{place.lineno})"
    faulthandler.cancel_dump_traceback_later()
    return {"case": number, "outcome": outcome, "seconds": time.perf_counter() - start}


def main(kind: str, first: int, last: int) -> None:
    import resource

    with tempfile.TemporaryDirectory() as folder:
        # what a first case loads and builds is not its own
        judged(kind, first, Path(folder))
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, resource.RLIM_INFINITY))
        for number in range(first, last):
            print(json.dumps(judged(kind, number, Path(folder))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
