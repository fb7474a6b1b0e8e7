"""Batches: what a spread file says, what is drawn of it, and what becomes of the devices."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import perotwin as pt
from perotwin.errors import ConvergenceError, InputError
from perotwin.lab import statistics
from perotwin.stack import Cell
from perotwin.study import Outcome, batch, planned, read_spread, usual_spread
from perotwin.study.merit import Merit
from perotwin.study.spread import _spread

NOW = float(pt.load("cell-a").get("perovskite.thickness"))


def _of(cell: Cell) -> Merit:
    """A device's worth by a formula: quick, and every number of it known."""
    thickness = float(cell.get("perovskite.thickness")) / NOW
    if thickness > 1.15:
        raise ConvergenceError("too thick.", "Thin it.", stage="test")
    return Merit(pce=0.2 * thickness, voc=1.2, jsc=200.0 * thickness, ff=0.8, vmp=1.0, jmp=190.0)


def _drawn(
    text: str, name: str = "cell-a", devices: int = 2000, seed: int = 1
) -> tuple[np.ndarray, tuple[int, ...]]:
    """(D,) m of the absorber's thickness, and the substrates."""
    cell = pt.load(name)
    found = _spread(text, "spread").draw(cell, devices, seed)
    return np.array([float(v["perovskite.thickness"].split()[0]) for v in found.values]), found.substrate


@pytest.mark.parametrize(
    ("words", "sd"),
    [('sd = "20 nm"', 20.0), ('relative = "5 %"', 20.0), ('sd = "0.02 um", distribution = "uniform"', 20.0)],
)
def test_a_standard_deviation_is_one(words: str, sd: float) -> None:
    values, _ = _drawn(f'"perovskite.thickness" = {{ {words} }}')
    now = 1e9 * float(pt.load("cell-a").get("perovskite.thickness"))
    sd = sd if "nm" in words or "um" in words else 0.05 * now
    assert values.mean() == pytest.approx(now, abs=4.0 * sd / np.sqrt(2000))
    assert values.std() == pytest.approx(sd, rel=0.06)
    if "uniform" in words:
        assert np.abs(values - now).max() <= np.sqrt(3.0) * sd * (1.0 + 1e-9)


def test_a_logarithm_scatters_about_the_median() -> None:
    values, _ = _drawn('perovskite.thickness = { relative = "40 %", distribution = "lognormal" }')
    now = 1e9 * float(pt.load("cell-a").get("perovskite.thickness"))
    logarithm = np.log(values / now)
    assert np.median(logarithm) == pytest.approx(0.0, abs=0.03)
    assert logarithm.std() == pytest.approx(np.sqrt(np.log(1.16)), rel=0.06)
    assert (values > 0.0).all()


def test_ends_hold_all() -> None:
    values, _ = _drawn('"perovskite.thickness" = { low = "380 nm", high = "0.42 um" }')
    assert values.min() >= 380.0 and values.max() <= 420.0 and np.ptp(values) > 38.0


def test_devices_of_a_substrate_share_its_draw() -> None:
    text = 'devices_per_substrate = 4\n[substrate]\n"perovskite.thickness" = { sd = "20 nm" }\n'
    values, substrate = _drawn(text, devices=40)
    assert substrate[:5] == (1, 1, 1, 1, 2) and substrate[-1] == 10
    assert len(np.unique(values)) == 10
    both, _ = _drawn(text + '[device]\n"perovskite.thickness" = { relative = "1 %" }\n', devices=40)
    # each device lies about its substrate, not about the file's number
    ratio = both / values
    assert (
        np.unique(both).size == 40
        and np.abs(ratio - 1.0).max() < 0.04
        and ratio.std() == pytest.approx(0.01, rel=0.4)
    )


def test_a_draw_is_its_seed_and_nothing_else() -> None:
    text = '"perovskite.thickness" = { sd = "20 nm" }'
    first, _ = _drawn(text, devices=30)
    more, _ = _drawn(text, devices=60)
    np.testing.assert_array_equal(first, more[:30])
    other, _ = _drawn(text + '\n"circuit.series_resistance" = { sd = "0 ohm cm^2" }', devices=30)
    np.testing.assert_array_equal(first, other)
    assert not np.array_equal(first, _drawn(text, devices=30, seed=2)[0])
    # two cells are two batches, not one twice: a test of their difference needs that
    target = usual_spread().draw(pt.load("wbg-target"), 5).values
    control = usual_spread().draw(pt.load("wbg-control"), 5).values
    shares = [float(one["circuit.series_resistance"].split()[0]) for one in (*target, *control)]
    assert len(set(shares)) == 10


def test_what_belongs_together_is_drawn_together() -> None:
    values = usual_spread().draw(pt.load("wbg-target"), 12).values
    for one in values:
        assert one["perovskite.trap.1.electron_lifetime"] == one["perovskite.trap.1.hole_lifetime"]
    assert len({one["perovskite.trap.1.electron_lifetime"] for one in values}) == 12
    # the films of two junctions are two films
    tandem = pt.load("tandem-target")
    (one, *_) = usual_spread().draw(tandem, 1).values
    shares = {
        path: float(tandem.with_values({path: value}).get(path)) / float(tandem.get(path))
        for path, value in one.items()
        if path.endswith("electron_lifetime")
    }
    assert shares["top.perovskite.trap.1.electron_lifetime"] != pytest.approx(
        shares["bottom.perovskite.trap.1.electron_lifetime"], rel=1e-3
    )


@pytest.mark.parametrize("name", ["wbg-target", "cell-a", "nip-example", "tandem-target", "tandem-si"])
def test_the_usual_spread_fits_every_cell(name: str) -> None:
    cell = pt.load(name)
    found = usual_spread().draw(cell, 3)
    assert all(cell.with_values(one) for one in found.values)
    assert len(found.values[0]) >= 1
    # what it does not have is said once
    assert sum("scatters" in note for note in found.notes) <= 1


def test_every_number_of_the_usual_spread_says_that_it_is_assumed() -> None:
    import tomllib

    from perotwin.study import spread

    text = Path(spread.__file__).with_name("spread.toml").read_text(encoding="utf-8")
    for table in ("substrate", "device"):
        for path, entry in tomllib.loads(text)[table].items():
            assert entry["note"], path
            low, size, high = (
                float(one.removesuffix(" %"))
                for one in (*entry["assumed"][:1], entry["relative"], *entry["assumed"][1:])
            )
            assert low <= size <= high, path


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "lets nothing scatter"),
        ('"perovskite.thickness" = "5 %"', "says nothing of a spread"),
        ('"perovskite.thickness" = { relative = "5 %", sd = "1 nm" }', "one size"),
        ('"perovskite.thickness" = { distribution = "normal" }', "one size"),
        ('"perovskite.thickness" = { relativ = "5 %" }', 'no "relativ"'),
        ('"perovskite.thickness" = { relative = "50 %" }', "below zero"),
        ('"perovskite.thickness" = { relative = "5 %", distribution = "cauchy" }', "cauchy"),
        ('"perovskite.thickness" = { low = "1 nm", high = "2 nm", distribution = "normal" }', "uniform"),
        ('"perovskite.thickness" = { sd = "5 V" }', "length"),
        ('"perovskite.thickness" = { low = "2 nm", high = "1 nm" }', "holds nothing"),
        ('"perovskite.thicknes" = { sd = "5 nm" }', "thicknes"),
        ('"perovskite.thin*" = { sd = "5 nm" }', "no number of"),
        ('"perovskite.role" = { relative = "5 %" }', "no number"),
        ('"temperature" = { sd = "2 degC" }', "in K"),
        ("devices_per_substrate = 0", "whole number"),
        ('[substrate]\n"perovskite.thickness" = { relative = "2 %" }\n[device]\n"perovskite.thickness" = '
         '{ low = "1 nm", high = "2 nm" }', "substrate drew"),
    ],
)  # fmt: skip
def test_refusals_of_spread_files(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        _spread(text, "spread.toml").draw(pt.load("cell-a"), 2)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_spread(tmp_path / "none.toml")
    (tmp_path / "one.toml").write_text('seed = 7\n"perovskite.thickness" = { sd = "5 nm" }', encoding="utf-8")
    assert read_spread(tmp_path / "one.toml").seed == 7


def test_a_device_that_fails_is_kept_with_its_reason() -> None:
    spread = _spread('devices_per_substrate = 5\nperovskite.thickness = { relative = "12 %" }', "spread")
    made = batch([pt.load("cell-a")], 40, spread, judge=_of)
    assert made.sizes["device"] == 40 and made.attrs["complete"] == 1
    failed = np.isnan(made["pce"].values)
    assert 1 <= failed.sum() < 20
    reasons = made["failure"].values
    assert all("too thick" in one for one in reasons[failed]) and not any(reasons[~failed])
    values = [float(one["perovskite.thickness"].split()[0]) for one in json.loads(made.attrs["drawn"])]
    now = 1e9 * NOW
    np.testing.assert_allclose(made["pce"].values[~failed], 0.2 * np.array(values)[~failed] / now, rtol=1e-8)
    assert f"{failed.sum()} of 40" in made.attrs["notes"]
    found = statistics.analyse(made)
    assert found["dead, cell-a"].value == failed.sum()
    assert found["substrates, cell-a"].value == len(set(made["substrate"].values[~failed]))


def test_interrupted_it_keeps_what_is_done() -> None:
    count = 0

    def judge(cell: Cell) -> Merit:
        nonlocal count
        count += 1
        if count > 7:
            raise KeyboardInterrupt
        return Merit(0.2, 1.2, 200.0, 0.8, 1.0, 190.0)

    made = batch([pt.load("cell-a")], 20, _spread('perovskite.thickness = { sd = "5 nm" }', "s"), judge=judge)
    assert (
        made.sizes["device"] == 7 and made.attrs["complete"] == 0 and "stopped after 7" in made.attrs["notes"]
    )
    with pytest.raises(KeyboardInterrupt):
        batch([pt.load("cell-a")], 20, _spread('perovskite.thickness = { sd = "5 nm" }', "s"), judge=judge)


def test_refusals_of_a_batch() -> None:
    cell = pt.load("cell-a")
    with pytest.raises(InputError, match="no cell"):
        batch([])
    with pytest.raises(InputError, match="two cells"):
        batch([cell, cell])
    with pytest.raises(InputError, match="in the dark"):
        batch([cell.with_light(intensity="dark")])
    with pytest.raises(InputError, match="no batch"):
        batch([cell], 0)


def test_a_real_batch_scatters_about_the_cell() -> None:
    """Solved devices: the cell itself lies among them, and a spread of nothing gives the cell again."""
    cell = pt.load("cell-a")
    found = batch([cell], 6, _spread('perovskite.thickness = { relative = "0 %" }', "s"))
    from perotwin.study import merit

    np.testing.assert_allclose(found["pce"].values, merit(cell).pce, rtol=1e-9)
    wide = batch([cell], 6, _spread('perovskite.thickness = { relative = "5 %" }', "s"))
    assert wide["jsc"].values.min() < merit(cell).jsc < wide["jsc"].values.max()


def test_a_plan_gives_the_devices_of_the_batch_one_by_one() -> None:
    cells = [pt.load("cell-a"), pt.load("cell-b")]
    whole = batch(cells, 4, seed=3, judge=_of)
    plan = planned(cells, 4, seed=3, judge=_of)
    assert len(plan) == 8
    done = {}
    for number in reversed(range(8)):
        try:
            done[number] = Outcome(plan(number))
        except ConvergenceError as error:
            done[number] = Outcome(failure=str(error))
    assert plan.dataset(done).identical(whole)
    some = plan.dataset({5: done[5]}, complete=False)
    assert some.attrs["complete"] == 0 and list(some["device"].values) == ["cell-b 2"]
