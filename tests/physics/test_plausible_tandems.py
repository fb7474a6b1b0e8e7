"""The library's tandems at the thicknesses at which the reference is best."""

import pytest

import perotwin as pt
from perotwin.study.merit import merit

#: what all-perovskite tandems of 1.79 and 1.25 eV show: A m^-2 a junction, V, 1
WINDOW = {
    "photocurrent top": (150.0, 165.0),
    "photocurrent bottom": (150.0, 165.0),
    "voc": (2.0, 2.25),
    "ff": (0.78, 0.86),
}


@pytest.mark.slow
def test_control_and_target_fall_where_such_tandems_are_found() -> None:
    found = pt.study.optimise(pt.load("tandem-control"), ["top.thickness", "bottom.thickness"], processes=None)
    control, target = found.after, merit(pt.load("tandem-target").with_values(found.written))
    for figures in (control, target):
        print(figures)
        for key, (low, high) in WINDOW.items():
            assert low <= figures[key] <= high, (key, figures[key])
    # the order of the paper
    assert target.voc > control.voc and target.ff > control.ff
