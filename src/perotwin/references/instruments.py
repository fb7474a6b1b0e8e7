"""References behind the instruments and the analysis of what they measure."""

from __future__ import annotations

from perotwin.references.reference import Reference

__all__ = ["INSTRUMENTS"]

INSTRUMENTS: tuple[Reference, ...] = (
    Reference(
        "laurence2010",
        "T. A. Laurence, B. A. Chromy, Efficient maximum likelihood estimator fitting of histograms, Nat. Methods 7, "
        "338 (2010)",
        "doi:10.1038/nmeth0510-338",
    ),
    Reference(
        "kirchartz2020",
        "T. Kirchartz, J. A. Márquez, M. Stolterfoht, T. Unold, Photoluminescence-based characterization of halide "
        "perovskites for photovoltaics, Adv. Energy Mater. 10, 1904134 (2020)",
        "doi:10.1002/aenm.201904134",
    ),
    Reference(
        "sproul1994",
        "A. B. Sproul, Dimensionless solution of the equation describing the effect of surface recombination on "
        "carrier decay in semiconductors, J. Appl. Phys. 76, 2851 (1994)",
        "doi:10.1063/1.357521",
    ),
    Reference(
        "lampert1956",
        "M. A. Lampert, Simplified theory of space-charge-limited currents in an insulator with traps, Phys. Rev. 103, "
        "1648 (1956)",
        "doi:10.1103/PhysRev.103.1648",
    ),
    Reference(
        "lecorre2021",
        "V. M. Le Corre et al., ACS Energy Lett. 6, 1087 (2021), on space-charge-limited currents of perovskites with "
        "mobile ions",
        "doi:10.1021/acsenergylett.0c02599",
    ),
    Reference(
        "green1982",
        "M. A. Green, Accuracy of analytical expressions for solar cell fill factors, Solar Cells 7, 337 (1982)",
        "doi:10.1016/0379-6787(82)90057-6",
    ),
)
