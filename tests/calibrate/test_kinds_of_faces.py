"""Cells of one kind fitted as another: which residuals tell, and which do not.

A face with patches or a wide spread of its dipole is not described as an even one. One that captures electrons better
than holes is: no residual tells, so that a plan has to say which measurement would.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from perotwin.calibrate.fit import Calibration, calibrate
from perotwin.calibrate.identify import identify
from perotwin.calibrate.parameters import parameter_of
from perotwin.calibrate.synthetic import plan
from perotwin.calibrate.twin import Twin
from written import made

FACE = "niox|perovskite"
EVEN = (
    "perovskite.lifetime=20 ns..4 us", f"{FACE}.velocity=1 cm/s..1e5 cm/s", "perovskite|c60.velocity=1 cm/s..1e5 cm/s",
    "circuit.series_resistance=0.1 ohm cm^2..10 ohm cm^2", "circuit.shunt_resistance=200 ohm cm^2..1e5 ohm cm^2",
)  # fmt: skip
UNEQUAL = {f"{FACE}.trap.1.electron_velocity": "140 cm/s", f"{FACE}.trap.1.hole_velocity": "7 cm/s"}
KINDS: dict[str, dict[str, Any]] = {
    "even": {},
    "unequal": UNEQUAL,
    "spread": {f"{FACE}.dipole_spread": "90 meV"},
    "patches": {f"{FACE}.patches": {"share": "1 %", "size": "5 um", "velocity": "1e4 cm/s"}},
    "shallow": {"perovskite.trap.1.level": {"below": "conduction", "depth": "0.1 eV"}},
    "deep": {"perovskite.trap.1.level": {"below": "conduction", "depth": "0.5 eV"}},
}


@cache
def as_even(kind: str) -> Calibration:
    """A cell of some kind, measured with noise, and fitted with even faces and levels at midgap."""
    cell = made("wbg-target")
    twin = Twin(cell.with_values(KINDS[kind]))
    rng = np.random.default_rng(7)
    data = [one.expected(twin, {}, {}, rng) for one in plan(twin.cell, ["jv", "suns_voc"], twin)]
    return calibrate([cell], data, [parameter_of(cell, path) for path in EVEN])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "flagged"),
    [("even", set()), ("unequal", set()), ("deep", set()), ("shallow", {"suns_voc"}),
     ("spread", {"suns_voc"}), ("patches", {"jv", "suns_voc"})],
)  # fmt: skip
def test_residuals_tell_patches_a_wide_spread_and_shallow_levels_from_an_even_face(
    kind: str, flagged: set[str]
) -> None:
    found = as_even(kind)
    names = {one.name for one in found.flagged}
    assert flagged <= names if flagged else not names


@pytest.mark.slow
def test_the_carrier_that_is_there_anyhow_is_told_by_nothing() -> None:
    """At the face with NiOx electrons are few: how fast they are captured is told, how fast holes are is not."""
    cell = made("wbg-target").with_values(UNEQUAL)
    wanted = (EVEN[0], *(f"{path}=1 cm/s..1e5 cm/s" for path in UNEQUAL), *EVEN[2:])
    parameters = [parameter_of(cell, path) for path in wanted]
    found = identify(cell, ["jv", "suns_voc"], parameters, further=["pl film/niox", "pl film"])
    electrons, holes = (found.identified[i] for i in (1, 2))
    assert electrons and not holes
    number = next(n for n, group in enumerate(found.groups) if group.members == (2,))
    assert found.remedy(number) is None
    # and the lifetime that an even face gives instead is right all the same
    low, high = as_even("unequal").fit.interval(0)
    assert low < float(cell.get("perovskite.lifetime")) < high


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["patches", "spread"])
def test_what_is_uneven_is_told_and_a_half_stack_splits_the_faces_beside_it(kind: str) -> None:
    cell = made("wbg-target").with_values(KINDS[kind])
    own = {"patches": f"{FACE}.patches.share=0.1 %..50 %", "spread": f"{FACE}.dipole_spread=5 meV..150 meV"}
    parameters = [parameter_of(cell, path) for path in (*EVEN, own[kind])]
    found = identify(cell, ["jv", "suns_voc"], parameters, further=["pl film/c60", "pl film"])
    assert found.identified[5]
    number = next(n for n, group in enumerate(found.groups) if 2 in group.members)
    remedy = found.remedy(number)
    assert remedy is not None and remedy.kind == "pl film/c60"
