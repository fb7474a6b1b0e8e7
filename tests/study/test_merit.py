"""A merit is what the current-voltage instrument says, for less."""

import numpy as np
import pytest

import perotwin as pt
from perotwin.errors import InputError, PerotwinError
from perotwin.study import merit, optimise, sensitivity

from tandems import no_shunts  # isort: skip


@pytest.mark.parametrize("name", ["cell-a", "cell-b", "nbg", "nip-example", "wbg-control", "wbg-target"])
def test_it_is_what_the_instrument_says(name: str) -> None:
    """The root is the same; two searches for a maximum of power agree to 1e-8 of it, and so to 0.1 mV in place."""
    cell = pt.load(name)
    found, told = merit(cell), pt.lab.jv.analyse(pt.lab.jv.measure(cell))
    assert found.voc == pytest.approx(told["voc"].value, abs=1e-9)
    assert found.jsc == pytest.approx(told["jsc"].value, rel=1e-9)
    assert found.pce == pytest.approx(told["pce"].value, rel=2e-8)
    assert found.ff == pytest.approx(told["ff"].value, rel=2e-8)
    assert found.vmp == pytest.approx(told["vmp"].value, abs=1e-4)
    assert found["jmp"] == pytest.approx(told["jmp"].value, rel=1e-3)
    assert not found.photocurrents
    assert found.metrics["pce"].value == found.pce


def test_of_a_tandem_it_tells_what_each_junction_generates() -> None:
    cell = pt.load("tandem-target")
    found, told = merit(cell), pt.lab.jv.analyse(pt.lab.jv.measure(cell))
    assert found.pce == pytest.approx(told["pce"].value, rel=2e-8)
    assert found.voc == pytest.approx(told["voc"].value, abs=1e-9)
    assert list(found.photocurrents) == ["top", "bottom"]
    assert found["photocurrent top"] == pytest.approx(154.0, abs=4.0)
    assert min(found.photocurrents.values()) == pytest.approx(found.jsc, rel=0.02)
    half = merit(cell.with_light(intensity=0.5))
    assert half["photocurrent bottom"] == pytest.approx(0.5 * found["photocurrent bottom"])


def test_of_a_tandem_solved_as_one_stack_too() -> None:
    traps = {"kind": "traps", "electron_velocity": "1e5 cm/s", "hole_velocity": "1e5 cm/s"}
    tandem = pt.load("tandem-target")
    found, told = (
        merit(tandem.with_values({"junction": joint, **no_shunts(tandem)}))
        for joint in (traps, {"kind": "ideal"})
    )
    assert dict(found.photocurrents) == pytest.approx(dict(told.photocurrents), rel=1e-9)
    assert found.pce == pytest.approx(told.pce, rel=1e-4)


def test_with_four_terminals_each_junction_works_at_its_own_point() -> None:
    four = pt.load("tandem-target").with_values({"junction": {"kind": "separate"}})
    found = merit(four)
    each = [pt.lab.jv.analyse(pt.lab.jv.measure(four.at(which)))["pce"].value for which in ("top", "bottom")]
    assert found.pce == pytest.approx(sum(each), rel=2e-8)
    assert np.isnan(found.voc)
    assert found["photocurrent top"] == pytest.approx(merit(pt.load("tandem-target"))["photocurrent top"])
    with pytest.raises(InputError, match="no voc as a whole"):
        optimise(four, ["top.thickness"], "voc")
    with pytest.raises(InputError, match="no ff as a whole"):
        sensitivity(four, ["top.thickness"], "ff")


def test_other_light_counts_by_its_own_power() -> None:
    found = merit(pt.load("nbg").with_light(intensity="0.1 sun"))
    told = pt.lab.jv.analyse(pt.lab.jv.measure(pt.load("nbg").with_light(intensity="0.1 sun")))
    assert found.pce == pytest.approx(told["pce"].value, rel=2e-8)


def test_in_the_dark_there_is_none() -> None:
    with pytest.raises(InputError, match="dark"):
        merit(pt.load("cell-a").with_light(intensity=0.0))


def test_numbers_that_fail_their_checks_are_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    from perotwin.measurement import check
    from perotwin.transport import checks

    monkeypatch.setattr(checks, "optical_checks", lambda problem: {"R + T + A = 1": check(1.0, 1e-9)})
    with pytest.raises(PerotwinError, match=r"R \+ T \+ A = 1"):
        merit(pt.load("cell-a"))
