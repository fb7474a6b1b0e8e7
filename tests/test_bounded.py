"""What stands in a file cannot make the program wait or fill the memory: it is refused at once, with a cure."""

import ast
import os
import re
import time
from pathlib import Path

import pytest

import perotwin
from perotwin import materials, stack, workflows
from perotwin.errors import InputError, PerotwinError, nearest, quoted, shown
from perotwin.units import convert, parse

HOSTILE = Path(__file__).parent / "data" / "hostile"
HOUSE = Path(perotwin.__file__).parent


@pytest.mark.parametrize(
    ("name", "words"), [("exp", "closer to zero"), ("pow", "not known"), ("kzero", "absorbs nothing")]
)
def test_a_hostile_cell_is_refused_at_once(name: str, words: str) -> None:
    start = time.perf_counter()
    with pytest.raises(InputError, match=words) as caught:
        workflows.check(stack.load(HOSTILE / f"{name}.toml"))
    assert caught.value.advice
    assert time.perf_counter() - start < 20.0  # what was read for the first time included


@pytest.mark.parametrize(
    "text",
    [
        "1e-99999999 nm", "1e99999999 nm", "-1e999999999 nm", "1e-330 nm", "1" * 300 + " nm",
        "1e" + "9" * 150 + " nm", "1 nm^(9^9^9)", "1 9^9^9^9 nm", "1 nm^9^9", "1 nm^1e9", "1 nm^999",
        "1 (nm^20)^20", "1 2^30 nm", "1 " + "(" * 90 + "nm", "1 nm)", "1 nm^nan", "1 nm^(1/0)", "1 degC^2",
        "1 dBm", "1 1e9999 nm", "1 nm'", "1 nm#", "1" + " " * 150 + "x",
    ],
)  # fmt: skip
def test_numbers_and_units_are_bounded(text: str) -> None:
    start = time.perf_counter()
    with pytest.raises(InputError) as caught:
        parse(text, "length")
    assert caught.value.advice
    assert len(str(caught.value)) < 2000
    # pint loads in this time where nothing has needed it before
    assert time.perf_counter() - start < 3.0


def test_units_of_people_stay_readable() -> None:
    assert float(parse("3 (V s)^-1 cm^2", "mobility")) == pytest.approx(3e-4)
    assert float(parse("1 um^(1/2) um^0.5", "length")) == pytest.approx(1e-6)
    assert float(parse("1e-300 m", "length")) == 1e-300
    assert convert(1e-3, "m^2/(V s)", "mobility") == 1e-3
    with pytest.raises(InputError, match="not known"):
        convert(1.0, "m^(9^9^9^9)", "length")


def test_an_integer_beyond_all_floats_is_not_finite() -> None:
    with pytest.raises(InputError, match="not a finite number"):
        parse(10**400, "dimensionless")


LAYER = '[[layer]]\nname = "extra{}"\nrole = "buffer"\nthickness = "1 nm"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("".join(LAYER.format(number) for number in range(10_000)), "entries"),
        ("".join(LAYER.format(number) for number in range(100_000)), "longer than 1 MB"),
        ("a." * 30_000 + "a = 1", "deeper than"),
        ("a = " + "[" * 100_000 + "]" * 100_000, "deeper than"),
        ("a = " + "{ b = " * 10_000 + "1" + " }" * 10_000, "deeper than"),
        ("[" + "a." * 30_000 + "a]", "deeper than"),
        ("a = " + "1" * 5000, "more digits"),
        ('a = "' + "x" * 5000, "not valid TOML"),
    ],
    ids=[
        "thousands of layers",
        "layers",
        "dotted key",
        "lists",
        "tables",
        "dotted heading",
        "digits",
        "string",
    ],
)
def test_toml_is_bounded(text: str, words: str) -> None:
    start = time.perf_counter()
    with pytest.raises(InputError, match=words) as caught:
        stack.from_toml(text, file="mine.toml")
    assert caught.value.advice and len(str(caught.value)) < 1000
    assert time.perf_counter() - start < 8.0


def test_brackets_and_dots_in_strings_and_comments_count_nothing() -> None:
    text = (stack.library.path("cell-a")).read_text(encoding="utf-8")
    marks = "[" * 200 + "." * 200
    again = f"# {marks}\n" + re.sub(r"(?m)^description = .*$", f'description = """{marks}\\n"\'"""', text)
    assert stack.from_toml(again).description.startswith("[[[")


def test_a_file_far_too_large_is_refused(tmp_path: Path) -> None:
    (tmp_path / "large.toml").write_text("# " + "x" * 2_000_000)
    with pytest.raises(InputError, match="larger than 1 MB"):
        stack.load(tmp_path / "large.toml")
    with pytest.raises(InputError, match="larger than 1 MB"):
        stack.load("/dev/zero")


TYPES = [
    "{}", "[]", "true", "1", '""', "{ kind = {} }", "{ kind = [] }", "{ kind = true }", "1979-05-27", "[[]]",
    "[{}]",
]  # fmt: skip


@pytest.mark.parametrize("name", ["cell-a", "wbg-target"])
@pytest.mark.parametrize("value", TYPES)
def test_a_wrong_type_at_any_key_is_answered_by_us(name: str, value: str) -> None:
    lines = stack.library.path(name).read_text(encoding="utf-8").splitlines()
    keys = [index for index, line in enumerate(lines) if " = " in line and not line.startswith("#")]
    refused = 0
    for index in keys:
        text = "\n".join(
            [*lines[:index], f"{lines[index].partition(' = ')[0]} = {value}", *lines[index + 1 :]]
        )
        try:
            stack.from_toml(text, file="mine.toml")
        except InputError as error:
            refused += 1
            assert error.advice, str(error)
    assert refused > 0.8 * len(keys)


@pytest.mark.parametrize("assumed", ["true", "5", "{}", '"6 nm"', "[{}, {}]", '["1 nm"]', "[true, false]"])
def test_a_range_that_is_none_is_refused(assumed: str) -> None:
    text = stack.library.path("cell-a").read_text(encoding="utf-8")
    wrong = text.replace('thickness = "500 nm"', f'thickness = {{ value = "500 nm", assumed = {assumed} }}')
    assert wrong != text
    with pytest.raises(InputError) as caught:
        stack.from_toml(wrong)
    assert caught.value.advice


# --- tables --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/dev/zero",
        "/dev/stdin",
        "/dev/tty",
        "/proc/self/fd/0",
        "/",
        "a\x00b",
        "x" * 5000,
    ],
)
def test_only_files_are_tables(path: str) -> None:
    with pytest.raises(InputError) as caught:
        materials.read_csv(path)
    assert caught.value.advice


def test_a_pipe_is_no_table_and_nobody_waits_for_it(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    with pytest.raises(InputError, match="device, a pipe or a folder"):
        materials.read_csv(pipe)


def test_no_line_of_somebody_elses_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "foreign.csv"
    for text in ("400,2,0\nroot:secret:0:0\n", "1 secret secret\n", "400,2,secret\n"):
        path.write_text(text)
        with pytest.raises(InputError) as caught:
            materials.read_csv(path)
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("400,1e308,0\n500,2,0\n", "beyond any use in column 2"),
        ("400,2e4,0\n500,2,0\n", "n or k above"),
        ("400,0,0\n500,2,0\n", "both zero"),
        ("400,2,0\n1e12,2,0\n", "longer than a metre"),
        ("1" * 200_000 + "\n500,2,0\n", "characters"),
        ("400,2,0\n" + '"' + "," * 900 + "\n", "line 2"),
        ("".join(f"{300 + 0.001 * row:.3f},2,0\n" for row in range(250_000)), "more than 200000 rows"),
        ("400,2,0\n" * 3_000_000, "larger than 20 MB"),
    ],
    ids=["huge", "index", "zero", "wavelength", "line", "quote", "rows", "size"],
)
def test_tables_are_bounded(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "film.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=words) as caught:
        materials.read_csv(path)
    assert caught.value.advice


# --- messages ------------------------------------------------------------------------------------------------------


def test_long_values_are_cut_and_control_characters_are_shown_as_such() -> None:
    error = InputError(f'"{"x" * 100_000}" is wrong.', "y" * 100_000, file="f" * 5000, key="k" * 5000)
    assert len(str(error)) < 4000 and len(str(error.to_json())) < 4000
    assert str(error).endswith("y") and "is wrong" in str(error)
    assert "\x1b" not in str(PerotwinError("a \x1b[2J b.", "c\n")) and "\\x1b[2J" in str(
        PerotwinError("a \x1b[2J b.")
    )
    assert shown("太阳 µ") == "太阳 µ"
    assert quoted("x") == '"x"' and quoted([1]) == "[1]" and quoted(10**10_000) == "a int"
    assert nearest("x" * 100_000, ["xx"]) == ()


def test_no_refusal_in_the_source_is_without_a_cure() -> None:
    refusals = {"InputError", "OutOfRangeError", "PerotwinError"}
    seen = 0
    for path in sorted(HOUSE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (
                isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in refusals
            ):
                continue
            seen += 1
            advice = [*node.args[1:2], *(word.value for word in node.keywords if word.arg == "advice")]
            assert advice, f"{path}:{node.lineno} has no advice"
            (given,) = advice
            assert not (isinstance(given, ast.Constant) and not str(given.value).strip()), (
                f"{path}:{node.lineno}"
            )
    assert seen > 200


# --- how much is asked for -----------------------------------------------------------------------------------------


def test_curves_and_sweeps_of_more_points_than_anybody_reads_are_refused_before_they_begin() -> None:
    from perotwin import lab, study

    for step in ("1e-12 V", "1e-300 V"):
        with pytest.raises(InputError, match="more than 100000 points"):
            lab.jv.Protocol(step=step).voltages(1.3)
    with pytest.raises(InputError, match="longer than 10000"):
        study.values(stack.load("cell-a"), "perovskite.thickness", "300 nm", "400 nm", 10**9)
