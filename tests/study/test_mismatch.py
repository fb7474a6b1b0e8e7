"""Current mismatch: the fill factor is lowest near matching and gains beside it."""

import numpy as np
import pytest

import perotwin as pt
from perotwin.errors import InputError
from perotwin.lab import jv
from perotwin.study.mismatch import lowest, mismatch


def test_the_fill_factor_is_lowest_near_matching_and_gains_with_mismatch() -> None:
    """As measured under other spectra (doi:10.1039/C9SE00120D): the fill factor makes good a part of the current."""
    cell = pt.load("tandem-target")
    ratios = (0.8, 0.9, 0.96, 0.98, 1.0, 1.02, 1.04, 1.1, 1.2)
    data = mismatch(cell, ratios)
    found = lowest(data)
    assert found["ratio"] == pytest.approx(1.0, abs=0.05)
    assert found["gain_low"] > 0.01 and found["gain_high"] > 0.01
    assert found["best"] == pytest.approx(1.0, abs=0.1)
    # less is lost than the smaller current alone would cost
    at = list(ratios).index(1.2)
    lost = data["pce"].values[at] / data["pce"].max().item()
    current = data["bottom"].values[at] / data["bottom"].values[ratios.index(1.0)]
    assert current < lost < 1.0
    # the short-circuit current follows the junction that has less
    assert data["jsc"].values == pytest.approx(np.minimum(data["top"], data["bottom"]).values, rel=0.03)
    total = (data["top"] + data["bottom"]).values
    assert total == pytest.approx(np.full(total.size, total[0]), rel=1e-12)


def test_at_its_own_ratio_it_is_the_cell() -> None:
    cell = pt.load("tandem-control")
    own = float(mismatch(cell, (1.0,)).attrs["own"])
    data = mismatch(cell, (own,))
    measured = jv.analyse(jv.measure(cell))
    for name in ("voc", "jsc", "ff", "pce"):
        assert float(data[name].values[0]) == pytest.approx(float(measured[name]), rel=2e-5), name


def test_what_has_no_ratio_is_refused() -> None:
    for cell in (pt.load("cell-a"), pt.load("tandem-target").with_light(intensity="dark")):
        with pytest.raises(InputError, match="no two junctions"):
            mismatch(cell)
    with pytest.raises(InputError, match="above zero"):
        mismatch(pt.load("tandem-target"), (0.0, 1.0))
