"""The narrow-bandgap cell is as good cells of its kind are reported, before any tandem is looked at.

Single junctions of 1.25 to 1.28 eV on PEDOT:PSS: 20.4 % with 0.865 V (C. Li et al., doi:10.1038/s41560-020-00692-7),
above 20 % (J. Tong et al., doi:10.1126/science.aav7911), above 22 % (R. Lin et al., doi:10.1038/s41586-021-04372-8).
"""

import perotwin as pt
from perotwin.lab import jv


def test_the_cell_performs_as_reported() -> None:
    found = jv.analyse(jv.measure(pt.load("nbg"), jv.Protocol()))
    assert 0.83 < found["voc"].value < 0.89
    assert 290.0 < found["jsc"].value < 330.0  # A/m^2
    assert 0.77 < found["ff"].value < 0.82
    assert 0.20 < found["pce"].value < 0.23
