"""The paper's rows: complete, with the tolerances that were fixed, compared as they say."""

import math
import tomllib
from pathlib import Path
from typing import Any

import pytest

from perotwin.errors import InputError
from perotwin.paper import claims, compare
from perotwin.paper.found import Found
from perotwin.paper.rows import ROWS, STAGES
from perotwin.units import parse

SOURCE = Path(__file__).parents[3] / "shared" / "paper" / "claims.toml"

#: rows of the source whose number is a phrase there, and the rows that stand for it here
PHRASES = {
    "wide_bandgap.film.qfls": "wide_bandgap.film.qfls.",
    "buried_interface.kpfm": "buried_interface.kpfm.",
    "buried_interface.tof_sims": "buried_interface.tof_sims.",
}
#: what nothing here computes, and nothing else may be called so
NO_MODEL = {
    "wide_bandgap.film.xrd",
    "buried_interface.c1s_carbonyl", "buried_interface.ni2p_shift", "buried_interface.pb4f_shift",
    "buried_interface.halide_shift", "buried_interface.nmr_shift", "buried_interface.ftir_shift",
}  # fmt: skip


def leaves(node: dict[str, Any], above: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in node.items():
        if key in ("where", "tolerances"):
            continue
        path = f"{above}.{key}" if above else key
        found |= leaves(value, path) if isinstance(value, dict) else {path.removesuffix(".value"): value}
    return found


@pytest.fixture
def source() -> dict[str, Any]:
    if not SOURCE.is_file():
        pytest.skip("the collection of the paper's numbers is not here")
    return tomllib.loads(SOURCE.read_text(encoding="utf-8"))


def test_every_number_of_the_paper_has_its_row_with_its_value(source: dict[str, Any]) -> None:
    rows = claims.load()
    for path, value in leaves(source).items():
        if path in PHRASES:
            assert any(name.startswith(PHRASES[path]) for name in rows), path
            continue
        assert path in rows, path
        row = rows[path]
        if isinstance(value, int | float):
            assert row.value == value, path
        elif row.is_number:
            assert row.value == pytest.approx(
                float(parse(value.split(" of ")[0], row.dimension)), rel=1e-12
            ), path
        elif value.startswith("<"):
            assert row.below == pytest.approx(float(parse(value[1:].split(" of ")[0].strip(), row.dimension)))


def test_tolerances_are_those_that_were_fixed(source: dict[str, Any]) -> None:
    ours = tomllib.loads(claims.FILE.read_text(encoding="utf-8"))["tolerances"]
    fixed = {name: value for name, value in source["tolerances"].items()}
    assert set(ours) == set(fixed)
    for name, value in fixed.items():
        assert ours[name].get("factor", ours[name].get("value")) == value


def test_labels_kinds_and_answers_fit_together() -> None:
    rows = claims.load()
    assert {name for name, row in rows.items() if row.label == "no model"} == NO_MODEL
    assert not NO_MODEL & set(ROWS)
    assert set(ROWS) <= set(rows)
    assert {row.stage for row in ROWS.values()} == set(STAGES)
    for name, row in rows.items():
        assert row.label in claims.LABELS and row.kind in ("measured", "computed", "derived"), name
        if row.label != "no model":
            bounds = [row.is_number, bool(row.sign), math.isfinite(row.above), math.isfinite(row.below)]
            assert sum(bounds) == 1, name
        if row.is_number and row.label != "no model":
            assert math.isfinite(row.tolerance) != math.isfinite(row.factor), name
        if row.tied:
            assert row.label == "predicted"
            assert any(other.endswith(row.tied) and rows[other].label == "calibrated" for other in rows), name
    for name, answer in ROWS.items():
        assert answer.how and answer.command.startswith("perotwin "), name


def row(**fields: Any) -> claims.Claim:
    return claims.Claim("a", "says", "Fig. 0", "measured", "predicted", **fields)


@pytest.mark.parametrize(
    ("fields", "yes", "no"),
    [
        ({"value": 1.0, "tolerance": 0.1}, (0.9, 1.1), (0.899, 1.101, math.nan, math.inf)),
        ({"value": 4.0, "factor": 2.0}, (2.0, 8.0), (1.99, 8.01, -4.0, math.nan)),
        ({"sign": "+"}, (1e-9,), (0.0, -1e-9, math.nan)),
        ({"sign": "-"}, (-1e-9,), (0.0, 1.0, math.nan)),
        ({"above": 2.0}, (2.1,), (2.0, 1.0, math.nan)),
        ({"below": 2.0}, (1.9,), (2.0, 3.0, math.nan)),
    ],
)
def test_agreement_is_what_the_row_says(
    fields: dict[str, Any], yes: tuple[float, ...], no: tuple[float, ...]
) -> None:
    one = row(**fields)
    assert all(one.agrees(value) for value in yes)
    assert not any(one.agrees(value) for value in no)


@pytest.mark.parametrize(
    ("dimension", "written", "value", "sd", "shown"),
    [
        ("voltage", "1.372 V", 1.36987, math.nan, "1.37 V"),
        ("voltage", "1.372 V", 1.36987, 0.00238, "1.370 ± 0.002 V"),
        ("voltage", "87 mV", 0.08344, 0.00206, "83.4 ± 2.1 mV"),
        ("energy", "1.79 eV", 1.78932, 6e-9, "1.789 eV"),
        ("number density", "1.01e16 cm^-3", 1e22, math.nan, "1e16 cm^-3"),
        ("fraction", "2.2 %", 5.2427e-7, 4.4e-8, "5.24e-5 ± 0.44e-5 %"),
        ("", "", 10_000.4, math.nan, "10000"),
        ("", "", 0.0, 0.0, "0"),
        ("time", "1 ns", -15.8799e-9, 4.5e-10, "-15.88 ± 0.45 ns"),
        ("energy", "1.79 eV", math.nan, 0.1, "–"),
    ],
)
def test_a_number_ends_where_its_standard_deviation_does(
    dimension: str, written: str, value: float, sd: float, shown: str
) -> None:
    one = claims.Claim("a", "", "", "measured", "predicted", dimension, written)
    assert one.shown(value, sd=sd) == shown


def test_a_tolerance_of_a_share_is_in_points() -> None:
    assert claims.find("wide_bandgap.jv.target.pce").within() == "± 1 point"
    assert claims.find("wide_bandgap.jv.derived.ff_target").within() == "± 1.5 points"
    assert claims.find("wide_bandgap.jv.target.voc").within() == "± 0.03 V"


def test_what_was_not_computed_does_not_agree() -> None:
    rows = {
        "a": row(value=1.0, tolerance=0.1),
        "b": claims.Claim("b", "", "", "measured", "predicted", sign="+"),
    }
    lines = compare.compared(rows, {"a": Found(1.05)}, {})
    assert [one.verdict for one in lines] == ["agrees", "not computed"]
    scored = {one.label: one for one in compare.scores(lines)}["predicted"]
    assert (scored.numbers, scored.directions) == ((1, 1), (0, 1))
    lines = compare.compared(rows, {"a": Found(1.2), "b": Found(math.nan)}, {})
    assert [one.verdict for one in lines] == ["differs", "differs"]


def test_an_unknown_claim_is_answered_with_the_near_ones() -> None:
    assert claims.find("tandem.mean_target.voc").written == "2.158 V"
    assert claims.find("pl_gain").name == "wide_bandgap.film.pl_gain"
    with pytest.raises(InputError, match=r"there is no claim .*Near ones: .*tandem\.mean_target\.voc"):
        claims.find("tandem.mean_taget.voc")
    with pytest.raises(InputError, match="perotwin reproduce lists"):
        claims.find("zzzzzzzzzzzzzzzzzzzzzzzzzzzz")


def test_contradictions_name_rows_that_are_there() -> None:
    assert len(claims.contradictions()) == 3
    assert all(name in claims.load() for one in claims.contradictions() for name in one.rows)
