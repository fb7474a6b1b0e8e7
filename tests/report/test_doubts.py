"""Numbers that their own method takes back are marked where people read them, with the reason below."""

import io

import pytest
from rich.console import Console

from perotwin.measurement import Metric, Metrics
from perotwin.report import tables

NAN = float("nan")


def printed(**named: Metrics) -> str:
    text = io.StringIO()
    Console(file=text, width=160).print(tables.readings(named))
    return text.getvalue()


@pytest.mark.parametrize(
    ("method", "value", "why"),
    [
        ("two exponentials; doubtful: see exponentials; whole numbers", 1.0, "doubtful: see exponentials"),
        ("fitted from 0.01 to 0.1; no ideality: a shunt carries it", 1.0, "no ideality: a shunt carries it"),
        ("Rs + (G || C): an upper bound, the plateau lies higher", 1.0,
         "Rs + (G || C): an upper bound, the plateau lies higher"),
        ("rms; it has a trend: the spectrum breaks the relations", 1.0,
         "it has a trend: the spectrum breaks the relations"),
        ("by watershed, which decides the size here (no plateau): choose it; map of 5 um", 1.0,
         "by watershed, which decides the size here (no plateau): choose it"),
        ("at least: the bulk is below 0.0001", 1.0, "at least: the bulk is below 0.0001"),
        ("no signal", NAN, "no signal"),
        ("does not reach half of its maximum", NAN, "does not reach half of its maximum"),
        # what only describes a number, or where it comes from
        ("no signal", 1.0, ""), ("steepest point: 2 to 4 times below the limit of deep traps", NAN, ""),
        ("Green's formula; not what defines the losses", 1.0, ""), ("watershed; no banner", 1.0, ""), ("", NAN, ""),
    ],
)  # fmt: skip
def test_what_a_method_takes_back(method: str, value: float, why: str) -> None:
    assert tables.doubt_of(Metric(value, "1", method)) == why


def test_marks_and_reasons_stand_in_the_table() -> None:
    why = "no ideality: a shunt or a leak carries the current there"
    low = {"ideality, 0.01 to 0.1 sun": Metric(2.1, "1", f"fitted; {why}")}
    text = printed(one=Metrics({"ideality": Metric(1.36, "1", "fitted"), **low}), two=Metrics(low))
    first, second = (line for line in text.splitlines() if line.startswith(" ideality"))
    assert "2.10 *" in second and "*" not in first
    flat = " ".join(text.split())
    assert flat.count(why) == 1 and "* one:" not in flat
    # of one column alone it says of which
    other = printed(one=Metrics(low), two=Metrics({"ideality": Metric(1.36, "1", "fitted")}))
    assert "* one: ideality" in " ".join(other.split())


def test_sound_numbers_have_no_mark() -> None:
    text = printed(one=Metrics({"ideality": Metric(1.36, "1", "fitted"), "lifetime": Metric(1e-6, "s")}))
    assert "*" not in text


def test_what_tells_a_number_from_its_kind_stands_behind_its_words() -> None:
    (row,) = tables.readings_rows([Metrics({"peak_depth additive": Metric(443e-9, "m")})])
    assert row == ("sputter depth of the largest signal, additive", "nm", ["443"])
    (row,) = tables.readings_rows([Metrics({"pce, reverse": Metric(0.2, "1")})])
    assert row == ("power conversion efficiency, reverse", "%", ["20.00"])


def test_long_tables_of_the_page_fold_behind_their_first_rows() -> None:
    from perotwin.report.page import _template

    environment = _template().environment
    made = environment.get_template("readings.html.j2").module.readings  # type: ignore[attr-defined]  # a macro
    rows = [(f"row {index}", "", ["1"]) for index in range(16)]
    text = made(["a"], rows, ["* why"])
    assert (
        text.index("Row 11") < text.index("<details") < text.index("4 more quantities") < text.index("Row 12")
    )
    assert text.index("</details>") < text.index("* why")
    assert "<details" not in made(["a"], rows[:15])
