"""What changes gain is what the changed cell has more; pairs, intervals and tandems follow from the same cells."""

import math
from pathlib import Path

import numpy as np
import pytest

import perotwin as pt
from perotwin.advice import Advice, advise, changes
from perotwin.errors import InputError
from perotwin.study import Merit, merit


def among(*names: str) -> list:
    return [one for one in changes() if one.name in names]


#: numbers that a made-up judge takes as factors
KNOWN = {"perovskite.lifetime": 0.02, "niox|perovskite.velocity": -0.03, "perovskite.mobility": 0.01}
NOW = {path: float(pt.load("wbg-target")[path]) for path in KNOWN}


def logarithms(cell: pt.Stack) -> Merit:
    """An efficiency whose gains are known: linear in the logarithms of three numbers."""
    total = 0.2 + sum(weight * math.log10(float(cell[path]) / NOW[path]) for path, weight in KNOWN.items())
    return Merit(total, 1.0, 200.0, total / 0.2, 0.9, 190.0)


@pytest.fixture(scope="module")
def made_up() -> Advice:
    some = among("bulk lifetime", "hole-side face", "mobility of the absorber")
    return advise(pt.load("wbg-target"), among=some, draws=40, judge=logarithms)


def test_a_gain_is_the_changed_cell_less_the_cell(made_up: Advice) -> None:
    by_name = {one.name: one for one in made_up.entries}
    assert by_name["bulk lifetime"].cell.pce == pytest.approx(0.02 * math.log10(4000 / 408.6), abs=1e-12)
    velocity = 100.0 * NOW["niox|perovskite.velocity"]
    assert by_name["hole-side face"].cell.pce == pytest.approx(0.03 * math.log10(velocity / 10), abs=1e-12)
    gains = [one.cell.pce for one in made_up.entries]
    assert gains == sorted(gains, reverse=True)


def test_changes_that_do_not_meet_have_no_interaction(made_up: Advice) -> None:
    assert len(made_up.pairs) == 3
    by_name = {one.name: one.cell.pce for one in made_up.entries}
    for pair in made_up.pairs:
        assert pair.cell.pce == pytest.approx(by_name[pair.first] + by_name[pair.second], abs=1e-12)
        assert pair.interaction.pce == pytest.approx(0.0, abs=1e-12)
        assert max(abs(pair.interaction.low), abs(pair.interaction.high)) < 1e-9
    assert made_up.together.pce == pytest.approx(sum(by_name.values()), abs=1e-12)


def test_intervals_are_those_of_the_ranges_without_a_posterior(made_up: Advice) -> None:
    """The lifetime of wbg-target states no range, so that only that of the attained value, 1 to 8.8 us, counts."""
    (entry,) = (one for one in made_up.entries if one.name == "bulk lifetime")
    ends = [0.02 * math.log10(end / 408.6) for end in (1000.0, 8800.0)]
    assert ends[0] <= entry.cell.low < entry.cell.pce < entry.cell.high <= ends[1]
    assert entry.cell.high - entry.cell.low > 0.7 * (ends[1] - ends[0])
    assert "ranges" in made_up.intervals and "posterior" not in made_up.intervals


def test_intervals_are_those_of_a_posterior(tmp_path: Path) -> None:
    """Samples of a lifetime scattered about the cell's: the interval of the gain is theirs, mirrored."""
    import xarray as xr

    chance = np.random.default_rng(3)
    spread = 408.6e-9 * 10 ** (0.2 * chance.standard_normal(400))
    samples = np.column_stack([spread, np.full(400, 0.1)])
    file = tmp_path / "posterior.nc"
    xr.Dataset(
        {"samples": (("draw", "parameter"), samples)}, {"parameter": ["perovskite.lifetime", "scan.rate"]}
    ).to_netcdf(file, engine="h5netcdf")
    found = advise(
        pt.load("wbg-target"), posterior=file, among=among("bulk lifetime"), draws=200, judge=logarithms
    )
    (entry,) = found.entries
    # both scatter: the samples by 0.2 in the logarithm, the attained value evenly over a factor of 8.8
    sd = math.hypot(0.2, math.log10(8.8) / math.sqrt(12.0))
    assert entry.cell.high - entry.cell.low == pytest.approx(2 * 1.96 * 0.02 * sd, rel=0.2)
    assert "posterior.nc" in found.intervals
    assert any("scan.rate" in note for note in found.notes)


def test_too_few_draws_are_said_to_tell_no_interval() -> None:
    found = advise(pt.load("wbg-target"), among=among("bulk lifetime"), draws=4, judge=logarithms)
    assert math.isnan(found.entries[0].cell.low)
    assert found.intervals.startswith("No intervals: 4 draws")


def test_a_cell_that_fails_costs_no_other() -> None:
    found = advise(
        pt.load("wbg-target"),
        among=among("bulk lifetime", "hole-side face", "mobile ions"),
        draws=0,
        judge=fails_on_ions,
    )
    assert {one.name for one in found.entries} == {"bulk lifetime", "hole-side face"}
    assert any("mobile ions could not be judged: no such film" in note for note in found.notes)
    assert math.isnan(found.entries[0].cell.low)


def fails_on_ions(cell: pt.Stack) -> Merit:
    if cell["perovskite.ions.density"].text == "1e15 cm^-3":
        raise InputError("no such film.", "None.")
    return logarithms(cell)


def test_the_best_of_several_values_is_found_and_what_is_best_already_left_out() -> None:
    name = "thickness of the absorber"
    found = advise(pt.load("wbg-target"), among=among(name, "bulk lifetime"), draws=0, judge=thick)
    (entry,) = (one for one in found.entries if one.name == name)
    assert entry.then == "585 nm" and entry.cell.pce == pytest.approx((600 - 450) / 1e4 - (600 - 585) / 1e4)
    at_best = pt.load("wbg-target").with_values({"perovskite.thickness": "600 nm"})
    found = advise(at_best, among=among(name, "bulk lifetime"), draws=0, judge=thick)
    assert name not in {one.name for one in found.entries}
    assert any(one.name == name and "none of" in one.why for one in found.left_out)


def thick(cell: pt.Stack) -> Merit:
    total = 0.2 - abs(float(cell["perovskite.thickness"]) * 1e9 - 600.0) / 1e4
    total += 0.001 * math.log10(float(cell["perovskite.lifetime"]) / 408.6e-9)
    return Merit(total, 1.0, 200.0, 0.8, 0.9, 190.0)


def test_the_cell_and_the_tandem_made_with_it() -> None:
    """Against the cells built by hand and joined by hand."""
    top, bottom = pt.load("wbg-target"), pt.load("nbg")
    found = advise(top, bottom, among=among("coating against reflection", "series resistance"), draws=0)
    assert found.tandem is not None
    by_name = {one.name: one for one in found.entries}
    changed = top.with_values({"circuit.series_resistance": "0.5 ohm cm^2"})
    assert by_name["series resistance"].cell.pce == pytest.approx(
        merit(changed).pce - merit(top).pce, abs=1e-12
    )
    tandems = [pt.stack.join_tandem(one, bottom, name="x")[0] for one in (top, changed)]
    before, after = (merit(one).pce for one in tandems)
    assert found.tandem.pce == pytest.approx(before, abs=1e-9)
    gain = by_name["series resistance"].tandem
    assert gain is not None and gain.pce == pytest.approx(after - before, abs=1e-9)
    # a coating is worth more where both junctions have light of it
    coating = by_name["coating against reflection"]
    assert coating.tandem is not None and coating.tandem.pce > coating.cell.pce > 0.0


def test_a_tandem_is_looked_at_junction_by_junction() -> None:
    found = advise(
        pt.load("tandem-target"), among=among("bulk lifetime", "coating against reflection"), draws=0
    )
    assert {one.name for one in found.entries} == {
        "bulk lifetime, top", "bulk lifetime, bottom", "coating against reflection, top"
    }  # fmt: skip
    assert [(one.name, one.junction) for one in found.left_out] == [("coating against reflection", "bottom")]


def test_what_cannot_be_advised_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no single stack"):
        advise(pt.load("tandem-target"), pt.load("nbg"))
    good = pt.load("wbg-target").with_values({"perovskite.lifetime": "20 us"})
    with pytest.raises(InputError, match="nothing can be changed") as caught:
        advise(good, among=among("bulk lifetime"))
    assert caught.value.advice
    with pytest.raises(InputError, match="cannot be read"):
        advise(pt.load("wbg-target"), posterior=tmp_path / "none.nc", among=among("bulk lifetime"))
