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
    Reference(
        "lazic2010",
        "S. E. Lazic, The problem of pseudoreplication in neuroscientific studies: is it affecting your analysis?, "
        "BMC Neurosci. 11, 5 (2010)",
        "doi:10.1186/1471-2202-11-5",
    ),
    Reference(
        "waasmaier1995",
        "D. Waasmaier, A. Kirfel, New analytical scattering-factor functions for free atoms and ions, Acta Cryst. A "
        "51, 416 (1995)",
        "doi:10.1107/S0108767394013292",
    ),
    Reference(
        "chantler2000",
        "C. T. Chantler, Detailed tabulation of atomic form factors, photoelectric absorption and scattering cross "
        "section, J. Phys. Chem. Ref. Data 29, 597 (2000)",
        "doi:10.1063/1.1321055",
    ),
    Reference(
        "dollase1986",
        "W. A. Dollase, Correction of intensities for preferred orientation in powder diffractometry: application of "
        "the March model, J. Appl. Cryst. 19, 267 (1986)",
        "doi:10.1107/S0021889886089458",
    ),
    Reference(
        "weller2015",
        "M. T. Weller, O. J. Weber, J. M. Frost, A. Walsh, Cubic perovskite structure of black formamidinium lead "
        "iodide, alpha-[HC(NH2)2]PbI3, at 298 K, J. Phys. Chem. Lett. 6, 3209 (2015)",
        "doi:10.1021/acs.jpclett.5b01432",
    ),
    Reference(
        "schueller2018",
        "E. C. Schueller et al., Crystal structure evolution and notable thermal expansion in hybrid perovskites "
        "formamidinium tin iodide and formamidinium lead bromide, Inorg. Chem. (2018)",
        "doi:10.1021/acs.inorgchem.7b02576",
    ),
    Reference(
        "baek2015",
        "S.-J. Baek, A. Park, Y.-J. Ahn, J. Choo, Baseline correction using asymmetrically reweighted penalized least "
        "squares smoothing, Analyst 140, 250 (2015)",
        "doi:10.1039/C4AN01061B",
    ),
    Reference(
        "makula2018",
        "P. Makuła, M. Pacia, W. Macyk, How to correctly determine the band gap energy of modified semiconductor "
        "photocatalysts based on UV-Vis spectra, J. Phys. Chem. Lett. 9, 6814 (2018)",
        "doi:10.1021/acs.jpclett.8b02892",
    ),
    Reference(
        "zanatta2019",
        "A. R. Zanatta, Revisiting the optical bandgap of semiconductors and the proposal of a unified methodology to "
        "its determination, Sci. Rep. 9, 11225 (2019)",
        "doi:10.1038/s41598-019-47670-y",
    ),
    Reference(
        "boukamp1995",
        "B. A. Boukamp, A linear Kronig-Kramers transform test for immittance data validation, J. Electrochem. Soc. "
        "142, 1885 (1995)",
        "doi:10.1149/1.2044210",
    ),
    Reference(
        "walter1996",
        "T. Walter, R. Herberholz, C. Muller, H. W. Schock, Determination of defect distributions from admittance "
        "measurements, J. Appl. Phys. 80, 4411 (1996)",
        "doi:10.1063/1.363401",
    ),
    Reference(
        "khenkin2020",
        "M. V. Khenkin et al., Consensus statement for stability assessment and reporting for perovskite photovoltaics "
        "based on ISOS procedures, Nat. Energy 5, 35 (2020)",
        "doi:10.1038/s41560-019-0529-5",
    ),
    Reference(
        "harville1977",
        "D. A. Harville, Maximum likelihood approaches to variance component estimation and to related problems, J. "
        "Am. Stat. Assoc. 72, 320 (1977)",
        "doi:10.1080/01621459.1977.10480998",
    ),
    Reference(
        "hurvich1989",
        "C. M. Hurvich, C.-L. Tsai, Regression and time series model selection in small samples, Biometrika 76, 297 "
        "(1989)",
        "doi:10.1093/biomet/76.2.297",
    ),
    Reference(
        "rau2017",
        "U. Rau, B. Blank, T. C. M. Muller, T. Kirchartz, Efficiency potential of photovoltaic materials and devices "
        "unveiled by detailed-balance analysis, Phys. Rev. Appl. 7, 044016 (2017)",
        "doi:10.1103/PhysRevApplied.7.044016",
    ),
)
