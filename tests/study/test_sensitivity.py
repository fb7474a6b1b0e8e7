"""Slopes are the derivatives that they claim to be; ranges are those that the numbers state."""

import numpy as np
import pytest

import judges
import perotwin as pt
from perotwin import progress
from perotwin.errors import InputError
from perotwin.study import Sensitivity, resolve, sensitivity
from perotwin.study.slopes import plan


@pytest.fixture(scope="module")
def cell() -> pt.Stack:
    return pt.load("cell-a")


SOME = (
    "perovskite.thickness", "circuit.series_resistance", "circuit.shunt_resistance", "c60.hole_mobility",
    "pedot-pss.acceptor_density", "contact.back.work_function", "perovskite.conduction_dos",
)  # fmt: skip


@pytest.fixture(scope="module")
def some() -> Sensitivity:
    return sensitivity(pt.load("nbg"), SOME)


def test_known_derivatives(cell: pt.Stack) -> None:
    """0.1 d^3 / eps^2: +3 % and -2 % of itself per 1 % more, to the fourth power of the step."""
    found = sensitivity(cell, ["perovskite.thickness", "perovskite.permittivity"], judge=judges.powers)
    thickness, permittivity = found.entries
    now = found.now.pce
    assert thickness.slope.per_percent == pytest.approx(0.03 * now, rel=1e-7)
    assert thickness.slope.per_unit == pytest.approx(3.0 * now / 500.0, rel=1e-7)  # per nm
    assert permittivity.slope.per_percent == pytest.approx(-0.02 * now, rel=1e-6)
    assert abs(permittivity.slope.uncertainty) < 1e-3 * abs(permittivity.slope.per_change)
    assert [entry.field.path for entry in found.ranked] == ["perovskite.thickness", "perovskite.permittivity"]


def test_small_changes_suit_the_number() -> None:
    cell = pt.load("wbg-target")
    for path, change, step in (
        ("perovskite.thickness", "1 %", 4.5),
        ("c60.electron_affinity", "10 meV", 0.004),
        ("perovskite.urbach_energy", "1 meV", 0.4),
        ("temperature", "1 K", 1.0),
    ):
        field = resolve(cell, path)
        low, lower, higher, high = plan(field, field.now)
        assert high - field.now == pytest.approx(step)
        assert field.now - low == pytest.approx(step)
        assert higher - lower == pytest.approx(step)
        found = sensitivity(cell, [path], judge=_first)
        assert found.entries[0].slope.change == change


def _first(cell: pt.Stack) -> pt.study.Merit:
    return judges.worth(0.2)


def test_at_zero_the_slope_is_that_upwards() -> None:
    cell = pt.load("cell-a").with_values({"circuit.series_resistance": "0 ohm cm^2"})
    found = sensitivity(cell, ["circuit.series_resistance=0..4 ohm cm^2"], judge=_by_resistance)
    slope = found.entries[0].slope
    assert slope.per_unit == pytest.approx(-0.01, rel=1e-4)
    assert slope.per_percent == 0.0
    assert slope.change == "1 % of its range"
    assert slope.per_change == pytest.approx(-0.01 * 0.04, rel=1e-4)
    assert [entry.field.path for entry in found.ranked] == ["circuit.series_resistance"]


def _by_resistance(cell: pt.Stack) -> pt.study.Merit:
    """-0.01 per ohm cm2 at zero, and curved."""
    rs = 1e4 * float(cell.circuit.series_resistance)
    return judges.worth(0.2 - 0.01 * rs + 0.003 * rs**2 - 0.001 * rs**3)


def test_a_temperature_in_degrees_counts_from_absolute_zero() -> None:
    cell = pt.load("cell-a").with_values({"temperature": "25 degC"})
    found = sensitivity(cell, ["temperature"], judge=_by_temperature)
    slope = found.entries[0].slope
    assert slope.per_unit == pytest.approx(1e-4)
    assert slope.per_change == pytest.approx(1e-4)
    assert slope.per_percent == pytest.approx(2.9815e-4)


def _by_temperature(cell: pt.Stack) -> pt.study.Merit:
    return judges.worth(0.1 + 1e-4 * (float(cell.temperature) - 298.15))


@pytest.mark.slow
def test_every_number_of_a_cell() -> None:
    cell = pt.load("nbg")
    whole = sensitivity(cell)
    named = {entry.field.path for entry in whole.entries}
    left = {note.split(" ")[0] for note in whole.notes}
    assert named | left == set(cell.quantities())
    assert {entry.field.path for entry in (*whole.ranked, *whole.swings, *whole.idle)} <= named
    assert "circuit.series_resistance" in {entry.field.path for entry in whole.ranked}


def test_the_largest_come_first_and_what_does_nothing_apart(some: Sensitivity) -> None:
    sizes = [abs(entry.slope.per_change) for entry in some.ranked]
    assert sizes == sorted(sizes, reverse=True)
    # no holes come to C60, so that it does not matter how fast they would be
    assert "c60.hole_mobility" in {entry.field.path for entry in some.idle}
    assert len(some.ranked) >= 4


def test_slopes_agree_with_a_step_by_hand(some: Sensitivity) -> None:
    cell = pt.load("nbg")
    for path in ("circuit.series_resistance", "perovskite.thickness"):
        entry = next(one for one in some.entries if one.field.path == path)
        change = 0.002 * entry.field.now
        ends = [
            pt.study.merit(cell.with_values({path: entry.field.text(entry.field.now + side * change)})).pce
            for side in (-1.0, 1.0)
        ]
        assert entry.slope.per_unit == pytest.approx((ends[1] - ends[0]) / (2.0 * change), rel=0.01)


def test_the_step_does_not_matter() -> None:
    """Slopes with half and twice the step agree within 2 %: neither noise nor curvature rules."""
    from perotwin.study import slopes

    cell = pt.load("wbg-target")
    paths = [
        "perovskite.trap.1.electron_lifetime",
        "circuit.series_resistance",
        "perovskite.electron_mobility",
    ]
    found = []
    for factor in (0.5, 1.0, 2.0):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(slopes, "STEP", factor * slopes.STEP)
            found.append([one.slope.per_unit for one in sensitivity(cell, paths).entries])
    assert np.ptp(found, axis=0) == pytest.approx(np.zeros(3), abs=0.02 * np.abs(found[1]).min())


def test_ranges_are_those_that_numbers_state(some: Sensitivity) -> None:
    for entry in some.entries:
        value = pt.load("nbg").get(entry.field.path)
        assert entry.stated == (value.assumed is not None)
        assert (entry.low is None and entry.high is None and not entry.failures) == (not entry.stated)
    swings = [entry.swing("pce", some.now.pce) for entry in some.swings]
    assert swings == sorted(swings, reverse=True)


def test_failures_are_told_and_the_rest_goes_on(cell: pt.Stack) -> None:
    thin = cell.with_values({"perovskite.thickness": "400 nm"})
    found = sensitivity(
        thin, ["perovskite.thickness=350 nm..600 nm", "perovskite.permittivity"], judge=judges.patchy
    )
    thickness, permittivity = found.entries
    assert thickness.high is None
    assert thickness.low is not None
    assert thickness.failures == ("no solution. Take less.",)
    assert np.isfinite(thickness.slope.per_percent)
    assert permittivity.failures == ()
    lost = sensitivity(cell, ["perovskite.thickness"], judge=judges.patchy)
    assert np.isnan(lost.entries[0].slope.per_unit)
    assert lost.entries[0].slope.failure == "no solution. Take less."
    assert not lost.ranked


def test_stopped_it_keeps_the_numbers_that_were_done(cell: pt.Stack) -> None:
    with progress.listening(judges.Stopping(30)):
        found = sensitivity(cell, judge=judges.powers)
    assert not found.complete
    assert 0 < len(found.entries) < len(cell.quantities())
    assert "stopped after" in found.notes[-1]
    with progress.listening(judges.Stopping(2)), pytest.raises(KeyboardInterrupt):
        sensitivity(cell, judge=judges.powers)


@pytest.mark.slow
def test_two_processes_give_what_one_gives(cell: pt.Stack) -> None:
    one, two = (sensitivity(cell, judge=judges.powers, processes=processes) for processes in (1, 2))
    assert one == two


def test_what_is_no_number_is_refused(cell: pt.Stack) -> None:
    with pytest.raises(InputError, match="not a number"):
        sensitivity(cell, ["perovskite.role"], judge=judges.powers)
    with pytest.raises(InputError, match="no objective"):
        sensitivity(cell, objective="fun", judge=judges.powers)


@pytest.mark.parametrize("objective", ["pce", "voc", "jsc", "ff"])
def test_exact_slopes_are_those_of_differences(objective: str) -> None:
    from perotwin.study.exact_slopes import exact_slopes
    from perotwin.study.merit import merit

    cell = pt.load("cell-a").with_values({"circuit.series_resistance": "2 ohm cm^2"})
    paths = [
        "perovskite.lifetime",
        "htl.electron_affinity",
        "circuit.series_resistance",
        "perovskite.thickness",
    ]
    found = exact_slopes(cell, paths, objective)
    assert list(found) == paths
    for path in paths:
        here = float(cell.get(path))
        # a solved efficiency is known to a 1e-8 part: smaller steps would see that
        step = 4e-3 if "affinity" in path else 2e-2 * here
        ends = [merit(cell.with_values({path: here + k * step}))[objective] for k in (-2, -1, 1, 2)]
        wanted = (ends[0] - 8.0 * ends[1] + 8.0 * ends[2] - ends[3]) / (12.0 * step)
        # a mesh of its own for each thickness, where the exact slope keeps that of the cell
        within = 2e-2 if path.endswith("thickness") else 1e-4
        worth = abs(merit(cell)[objective]) / (1.0 if "affinity" in path else here)
        assert found[path] == pytest.approx(wanted, rel=within, abs=2e-7 * worth)


def test_what_has_no_exact_slope_is_left_to_differences() -> None:
    from perotwin.study.exact_slopes import exact_slopes

    cell = pt.load("wbg-target")
    assert exact_slopes(cell, ["perovskite.bandgap", "light.intensity"], "pce") == {}
    assert exact_slopes(cell, ["perovskite.lifetime"], "vmp") == {}
    assert set(exact_slopes(cell, ["niox|perovskite.dipole_spread", "perovskite.lifetime"], "pce")) == {
        "perovskite.lifetime"
    }
