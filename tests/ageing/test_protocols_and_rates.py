"""Protocols are what they are called, rates keep what they were fitted to."""

from pathlib import Path

import numpy as np
import pytest

import perotwin as pt
import written
from perotwin.ageing import rates as of_rates
from perotwin.ageing.conditions import Air, FixedVoltage, Inert, MaximumPower, OpenCircuit
from perotwin.ageing.protocols import cycle_of, names, plan_of, protocol
from perotwin.ageing.rates import Rates, fingerprint, fit, library, load, to_toml, usual
from perotwin.errors import InputError
from perotwin.units import Quantity

HOUR = 3600.0
CELL = pt.load("wbg-target")


def test_all_families_levels_and_inert_ones_are_there() -> None:
    known = set(names())
    for family, levels in {"D": 3, "V": 3, "L": 3, "O": 3, "T": 3, "LC": 3, "LT": 3}.items():
        for level in range(1, levels + 1):
            assert {f"ISOS-{family}-{level}", f"ISOS-{family}-{level}I"} <= known
    for name in known:
        one = protocol(name)
        assert isinstance(one.atmosphere, Inert if name.endswith("I") else Air)
        assert (one.light == 0.0) == (name[5] in "DV" or name.startswith("ISOS-T"))


def test_plans_hold_the_conditions_of_their_protocol() -> None:
    (one,) = plan_of("ISOS-L-2", CELL, 100 * HOUR).stretches
    assert (
        one.temperature == pytest.approx(338.15) and one.light == 1.0 and isinstance(one.bias, MaximumPower)
    )
    (hot,) = plan_of("isos-l-2i", CELL, HOUR, temperature=358.15, bias="open-circuit").stretches
    assert (
        hot.temperature == 358.15 and isinstance(hot.atmosphere, Inert) and isinstance(hot.bias, OpenCircuit)
    )
    (dark,) = plan_of("ISOS-V-1", CELL, HOUR, bias="reverse").stretches
    assert dark.light == 0.0 and isinstance(dark.bias, FixedVoltage) and float(dark.bias.voltage) < -1.0
    days = plan_of("ISOS-LC-1", CELL, 100 * HOUR)
    assert days.rounds == 4 and [s.light for s in days.stretches] == [1.0, 0.0] and days.duration == 96 * HOUR
    frost = plan_of("ISOS-LT-3", CELL, 40 * HOUR)
    assert [s.temperature for s in frost.stretches] == pytest.approx([338.15, 248.15])
    assert "assumed" in " ".join(frost.words)


def test_cycles_are_read_as_people_write_them() -> None:
    assert cycle_of("12 h light, 12 h dark") == ((43200.0, "light"), (43200.0, "dark"))
    for wrong in ("12 h", "12 h light", "light, dark", "0 h light, 1 h dark"):
        with pytest.raises(InputError):
            cycle_of(wrong)


def test_rates_are_written_and_read_bit_for_bit(tmp_path: Path) -> None:
    path = tmp_path / "rates.toml"
    path.write_text(to_toml(library()), encoding="utf-8")
    again = load(path)
    for name in ("trap_growth", "bare_patches", "tin_oxidation", "order", "activation_energy"):
        assert float(getattr(again, name)) == pytest.approx(float(getattr(library(), name)), rel=1e-3)
    assert again.fitted_on == library().fitted_on and again.data == library().data
    with pytest.raises(InputError, match="nonsense"):
        (tmp_path / "wrong.toml").write_text('nonsense = "1"', encoding="utf-8")
        load(tmp_path / "wrong.toml")


def test_a_fingerprint_follows_numbers_and_not_words() -> None:
    cell = written.stack("aged-target")
    mark = fingerprint(cell)
    assert fingerprint(cell.with_values({"name": "another", "description": "words"})) == mark
    other = cell.with_values({"perovskite.ions.density": "2.5e15 cm^-3"})
    assert fingerprint(other) != mark
    rates = library().model_copy(update={"fitted_on": {"a": mark}})
    assert rates.stale({"a": cell}) == [] and rates.stale({"a": other}) == ["a"] and rates.stale({}) == ["a"]


def test_data_are_counted_and_what_acts_is_said() -> None:
    rates = library()
    assert rates.per_rate == 1.0 and [one.kind for one in rates.data].count("bound") == 1
    found, notes = usual(pt.load("tandem-target"), rates, None)
    assert [one.kind for one in found] == ["segregation", "trap-growth", "tin-oxidation"]
    assert any("no recipe is known" in note for note in notes) and any(
        "absorber has none" in note for note in notes
    )
    with pytest.raises(InputError, match="neither mobile ions nor tin"):
        usual(pt.load("cell-a"), rates, None)


@pytest.mark.slow
def test_a_fit_finds_the_rates_that_made_the_data(monkeypatch) -> None:
    from perotwin.ageing.conditions import Stretch
    from perotwin.ageing.degradation import Run

    cells = {f"aged-{name}": written.stack(f"aged-{name}") for name in ("control", "target")}
    shares = {"aged-control": 0.192, "aged-target": 0.041}
    plain = Rates.acting_on

    def with_shares(self: Rates, cell: pt.Stack):
        made, notes = plain(self, cell)
        given = Quantity(shares[cell.name], dimension="fraction")
        return [
            one.model_copy(update={"bare": given}) if one.kind == "bare-patches" else one for one in made
        ], notes

    monkeypatch.setattr(Rates, "acting_on", with_shares)

    def per_hour(value: float) -> Quantity:
        return Quantity(value / HOUR, dimension="frequency")

    true = library().model_copy(update={"trap_growth": per_hour(0.3), "bare_patches": per_hour(6e-3)})
    data = []
    for datum, name in zip(true.data, cells, strict=True):
        mechanisms, _ = usual(cells[name], true, None)
        left = (
            Run(cells[name], mechanisms, [Stretch(float(datum.time))], lag=np.inf)
            .to_end()
            .at(float(datum.time))
        )
        data.append(datum.model_copy(update={"cell": name, "retained": Quantity(left, dimension="fraction")}))
    begin = true.model_copy(
        update={
            "data": tuple(data),
            "trap_growth": per_hour(0.1),
            "bare_patches": per_hour(2e-3),
            "fitted_on": {},
        }
    )
    found = fit(begin, cells, dict.fromkeys(cells))
    assert float(found.trap_growth) * HOUR == pytest.approx(0.3, rel=0.02)
    assert float(found.bare_patches) * HOUR == pytest.approx(6e-3, rel=0.05)
    assert found.stale(cells) == []
    assert of_rates.library() is library()
