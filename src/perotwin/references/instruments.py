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
    Reference(
        "shirley1972",
        "D. A. Shirley, High-resolution X-ray photoemission spectrum of the valence bands of gold, Phys. Rev. B 5, "
        "4709 (1972)",
        "doi:10.1103/PhysRevB.5.4709",
    ),
    Reference(
        "tougaard1988",
        "S. Tougaard, Surf. Interface Anal. 11, 453 (1988), on backgrounds of electron spectra",
        "doi:10.1002/sia.740110902",
    ),
    Reference(
        "herreragomez2014",
        "A. Herrera-Gomez et al., Practical methods for background subtraction in photoemission spectra, Surf. "
        "Interface Anal. (2014)",
        "doi:10.1002/sia.5453",
    ),
    Reference(
        "greczynski2020",
        "G. Greczynski, L. Hultman, X-ray photoelectron spectroscopy: towards reliable binding energy referencing, "
        "Prog. Mater. Sci. 107, 100591 (2020)",
        "doi:10.1016/j.pmatsci.2019.100591",
    ),
    Reference(
        "vincent1991",
        "L. Vincent, P. Soille, Watersheds in digital spaces: an efficient algorithm based on immersion simulations, "
        "IEEE Trans. Pattern Anal. Mach. Intell. 13, 583 (1991)",
        "doi:10.1109/34.87344",
    ),
)
