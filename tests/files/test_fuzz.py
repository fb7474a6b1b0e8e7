"""Files that are broken in every way are read or refused: never a traceback, a hang or a flood."""

import random
import re
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from perotwin.errors import InputError
from perotwin.files import Source
from perotwin.files.registry import _found, formats, recognise
from perotwin.files.source import Asked

FORMATS = Path(__file__).parents[1] / "data" / "formats"
SAMPLES = sorted(path for path in FORMATS.rglob("*") if path.is_file() and path.name != "expected.json")
#: seconds of a single file, on a machine that others use too
LONGEST = 5.0


def take(content: bytes, name: str = "x.txt", asked: Asked | None = None) -> str:
    """What becomes of a file: "read", or "refused"; anything else raises."""
    source = Source(Path(name), content, asked or Asked())
    started = time.process_time()
    try:
        if not content.strip():
            raise InputError("empty")
        found = _found(recognise(source).format, source)
    except InputError as error:
        assert error.message
        outcome = "refused"
    else:
        assert found
        for one in found:
            values = [v.values for v in one.dataset.variables.values() if v.dtype.kind == "f"]
            assert all(np.abs(v[np.isfinite(v)]).max(initial=0.0) < 1e300 for v in values)
            assert "/" not in one.dataset.attrs["file"]
        outcome = "read"
    assert time.process_time() - started < LONGEST
    return outcome


def cut(content: bytes, dice: random.Random) -> bytes:
    return content[: dice.randrange(len(content))]


def noise(content: bytes, dice: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(dice.randint(1, 30)):
        changed[dice.randrange(len(changed))] = dice.randrange(256)
    return bytes(changed)


def swapped(content: bytes, dice: random.Random) -> bytes:
    marks = [b"\t", b",", b";", b".", b" ", b"\n", b"\r\n", b":"]
    one, other = dice.sample(marks, 2)
    return content.replace(one, other)


def words(content: bytes, dice: random.Random) -> bytes:
    odd = [
        b"NaN",
        b"nan",
        b"inf",
        b"-",
        b"",
        b"1e999",
        b"1_000",
        b"0x10",
        "\u0663".encode(),
        b"9" * 400,
        b"../../etc",
        b"<x>",
    ]
    numbers = list(re.finditer(rb"[-+]?\d+\.\d+(?:[eE][-+]?\d+)?", content))
    for match in dice.sample(numbers, min(len(numbers), dice.randint(1, 8))):
        content = content.replace(match[0], dice.choice(odd), 1)
    return content


def doubled(content: bytes, dice: random.Random) -> bytes:
    lines = content.split(b"\n")
    at = dice.randrange(len(lines))
    kind = dice.randrange(4)
    if kind == 0:  # a column twice
        return b"\n".join(line + b"\t" + line for line in lines)
    if kind == 1:  # a line very often
        return b"\n".join([*lines[:at], *[lines[at]] * 500, *lines[at:]])
    if kind == 2:  # a line left out
        return b"\n".join([*lines[:at], *lines[at + 1 :]])
    dice.shuffle(lines)
    return b"\n".join(lines)


def joined(content: bytes, dice: random.Random) -> bytes:
    other = dice.choice(SAMPLES).read_bytes()
    return content[: dice.randrange(len(content))] + other[dice.randrange(len(other)) :]


WAYS: tuple[Callable[[bytes, random.Random], bytes], ...] = (cut, noise, swapped, words, doubled, joined)


def broken(seed: int, count: int) -> Iterator[tuple[str, bytes]]:
    dice = random.Random(seed)
    contents = {path: path.read_bytes() for path in SAMPLES}
    for _ in range(count):
        path = dice.choice(SAMPLES)
        content = dice.choice(WAYS)(contents[path], dice)
        if dice.random() < 0.3 and content:
            content = dice.choice(WAYS)(content, dice)
        yield path.name, content


def test_a_few_hundred_broken_files() -> None:
    outcomes = [take(content, name) for name, content in broken(1, 300)]
    assert {"read", "refused"} == set(outcomes)


@pytest.mark.slow
def test_thousands_of_broken_files(record_property: Callable[[str, object], None]) -> None:
    outcomes = [take(content, name) for name, content in broken(2, 4000)]
    record_property("inputs", len(outcomes))
    print(f"{len(outcomes)} inputs: {outcomes.count('read')} read, {outcomes.count('refused')} refused")


@pytest.mark.slow
def test_truncation_at_every_byte_of_some() -> None:
    tried = 0
    for path in SAMPLES[:: max(len(SAMPLES) // 12, 1)]:
        content = path.read_bytes()
        for end in range(1, len(content), max(len(content) // 80, 1)):
            take(content[:end], path.name)
            tried += 1
    print(f"{tried} inputs")


@pytest.mark.parametrize(
    "content",
    [
        bytes(range(256)) * 40,
        b"\xff\xfe" + b"x",
        b"\xff\xfe" + bytes(1001),
        b"PK\x03\x04" + bytes(500),
        b"{" * 20_000,
        b'{"parameters": {}, "data": [{"curve_parameters": 3, "measurements": [7]}]}',
        b'{"data": {"curve_parameters": 1}, "x": "' + b"[" * 5000,
        b"V (V),J (mA/cm2)\n" + b"1,2\n" * 3,
        b"V (V),J (mA/cm2)\n" + b"nan,nan\n" * 30,
        b"V (V),J (mA/cm2)\n" + b"1,1\n" * 30,
        b"Voltage (V)\tJ (mA/cm2)\n" + b"1e308\t1e308\n" * 30,
        b"wavelength (nm),EQE\n" + b"500,0.5\n" * 30,
        b"time (ns),counts\n" + b"1,1\n" * 30,
        b"Time (s)\tVoltage (V)\tPower (mW/cm2)\n" + b"0\t0\t0\n" * 30,
        ("(" * 5000).encode(),
        b"a" * 390_000 + b"\n1,2\n",
        b"\t".join([b"1.5"] * 20_000) + b"\n" + b"\t".join([b"2.5"] * 20_000),
        b"[General]\n[Measurement]\nLabel1:\tLOANA\n**Data**\n" + b"1\t2\n" * 20,
        b"#TimeHarp 260  Histogram Data\n#ns/bin\n0.0\n#counts\n" + b"1\n" * 40,
        b"1\t15:18:25 jul 23 2025\t1.2\t-0.1\t0.0\t0\t0.1\thysteresis$1\t2",
        b"LuQY (%)\t1\nLuminescence flux density\n1 2\n",
        b"#" * 300_000,
    ],
    ids=lambda content: repr(content[:24]),
)
@pytest.mark.parametrize("instrument", [None, "jv", "mppt", "trpl"])
def test_odd_files_are_refused_or_read_but_never_a_traceback(content: bytes, instrument: str | None) -> None:
    take(content, asked=Asked(instrument))


@pytest.mark.parametrize(
    "columns", ["V=1, J=2", "t=1, V=2, J=2", "wavelength=1, eqe=2", "time=1 (ns), counts=2", "Voc=1, Jsc=2"]
)
def test_odd_files_with_named_columns(columns: str) -> None:
    for content in (b"1,2\n" * 30, b"nan,1\n" * 30, b"1\n2\n3\n", b"1,2\n2,3\n" * 30, b"5,1e300\n4,2\n" * 20):
        take(content, asked=Asked(None, columns, None))


def test_a_workbook_that_unpacks_to_a_flood_is_refused(tmp_path: Path) -> None:
    import io
    import zipfile

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/workbook.xml", "<workbook/>")
        book.writestr("xl/worksheets/sheet1.xml", b" " * 30_000_000)
    tracemalloc.start()
    assert take(packed.getvalue(), "bomb.xlsx") == "refused"
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()


def test_a_file_larger_than_any_measurement_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "large.txt"
    with path.open("wb") as file:
        file.truncate(200_000_000)
    with pytest.raises(InputError, match="larger"):
        Source.of(path)


def test_every_format_looks_at_anything_without_a_fault() -> None:
    """The registry would take a fault for a no; a format that faults has not thought of something."""
    dice = random.Random(3)
    for path in dice.sample(SAMPLES, 12):
        content = path.read_bytes()
        for made in (content, cut(content, dice), noise(content, dice), b"PK\x03\x04" + content):
            source = Source(Path("x.txt"), made or b"x", Asked())
            for one in formats():
                if one.name in ("generic", "workbook", "jv_matrix", "metro_trpl"):
                    continue  # they read the whole text, which may be refused
                assert 0.0 <= one.sniff(source) <= 1.0, one.name
