"""References behind cells, layers, materials and their physics."""

from __future__ import annotations

from perotwin.references.reference import Reference

__all__ = ["WORKS"]

#: what cells, layers, materials and their physics rest on
WORKS: tuple[Reference, ...] = (
    Reference(
        "fu-5avai",
        "S. Fu, N. Sun, S. Hu, H. Chen et al., In-situ molecular compensation in wide-bandgap "
        "perovskite for efficient all-perovskite tandem solar cells (accepted manuscript, Royal "
        "Society of Chemistry; its DOI is not yet printed in it)",
    ),
    Reference(
        "yanguas-gil2011",
        "A. Yanguas-Gil, B. A. Sperling, J. R. Abelson, Theory of light scattering from self-affine surfaces: "
        "relationship between surface morphology and effective medium roughness, Phys. Rev. B 84, 085402 (2011)",
        "doi:10.1103/PhysRevB.84.085402",
    ),
    Reference(
        "thiesbrummel2024",
        "J. Thiesbrummel et al., Ion-induced field screening as a dominant factor in perovskite "
        "solar cell operational stability, Nat. Energy (2024); parameter set with the data, "
        "doi:10.25446/oxford.24359959",
        "doi:10.1038/s41560-024-01487-w",
    ),
    Reference(
        "abdel2025",
        "D. Abdel, J. Relle, T. Kirchartz, P. Jaap, J. Fuhrmann, S. Burger, C. Becker, K. Jäger, P."
        " Farrell, How nanotextured interfaces influence the electronics in perovskite solar cells "
        "(2025), parameter files in NUMSEMIC/TexturedPerovskiteSolarCells.jl",
        "arXiv:2506.10691",
    ),
    Reference(
        "simsalabim",
        "SIMsalabim 5.36, default device, kostergroup/SIMsalabim (SimSS/L1_parameters.txt and following)",
        "https://github.com/kostergroup/SIMsalabim",
    ),
    Reference(
        "odtu-gunam2025",
        "ODTU-GUNAM, Hybrid sequential processing of mixed Sn-Pb narrow-bandgap perovskite solar "
        "cells (2025), SCAPS fits to measured J-V curves",
        "https://github.com/ODTUGUNAM/Mixed-SnPb-Perovskite-Simulation",
    ),
    Reference(
        "tong2019",
        "J. Tong et al., Carrier lifetimes of >1 us in Sn-Pb perovskites enable efficient all-perovskite "
        "tandem solar cells, Science 364, 475 (2019)",
        "doi:10.1126/science.aav7911",
    ),
    Reference(
        "li2020",
        "C. Li, Z. Song, C. Chen et al., Low-bandgap mixed tin-lead iodide perovskites with reduced "
        "methylammonium for simultaneous enhancement of solar cell efficiency and stability, Nat. Energy 5, "
        "768 (2020)",
        "doi:10.1038/s41560-020-00692-7",
    ),
    Reference(
        "lin2022",
        "R. Lin, J. Xu, M. Wei et al., All-perovskite tandem solar cells with improved grain surface "
        "passivation, Nature 603, 73 (2022)",
        "doi:10.1038/s41586-021-04372-8",
    ),
    Reference(
        "lin2019",
        "R. Lin, K. Xiao, Z. Qin et al., Monolithic all-perovskite tandem solar cells with 24.8% efficiency "
        "exploiting comproportionation to suppress Sn(II) oxidation in precursor ink, Nat. Energy 4, 864 (2019)",
        "doi:10.1038/s41560-019-0466-3",
    ),
    Reference(
        "yu2020",
        "Z. Yu, Z. Yang, Z. Ni et al., Simplified interconnection structure based on C60/SnO2-x for "
        "all-perovskite tandem solar cells, Nat. Energy 5, 657 (2020)",
        "doi:10.1038/s41560-020-0657-y",
    ),
    Reference(
        "wang2020",
        "J. Wang et al., 16.8% monolithic all-perovskite triple-junction solar cells via a universal two-step "
        "solution process, Nat. Commun. 11, 5254 (2020); layers as the NOMAD tandem database has them",
        "doi:10.1038/s41467-020-19062-8",
    ),
    Reference(
        "driftfusion",
        "Driftfusion, Input_files/pedotpss_mapi_pcbm.csv, barnesgroupICL/Driftfusion",
        "https://github.com/barnesgroupICL/Driftfusion",
    ),
    Reference(
        "courtier2019",
        "N. E. Courtier, J. M. Cave, J. M. Foster, A. B. Walker, G. Richardson, How transport layer properties "
        "affect perovskite solar cell performance: insights from a coupled charge transport/ion migration model, "
        "Energy Environ. Sci. 12, 396 (2019); as the default parameters of IonMonger "
        "(doi:10.1007/s10825-019-01396-2)",
        "doi:10.1039/c8ee01576g",
    ),
    Reference(
        "etkdg",
        "S. Wang, J. Witek, G. A. Landrum, S. Riniker, Improving conformer generation for small rings and "
        "macrocycles based on distance geometry and experimental torsional-angle preferences, J. Chem. Inf. "
        "Model. 60, 2044 (2020)",
        "doi:10.1021/acs.jcim.0c00025",
    ),
    Reference(
        "mmff94",
        "T. A. Halgren, Merck molecular force field. I. Basis, form, scope, parameterization, and performance of "
        "MMFF94, J. Comput. Chem. 17, 490 (1996)",
        "doi:10.1002/(SICI)1096-987X(199604)17:5/6<490::AID-JCC1>3.0.CO;2-P",
    ),
    Reference(
        "gfn2",
        "C. Bannwarth, S. Ehlert, S. Grimme, GFN2-xTB: an accurate and broadly parametrized self-consistent "
        "tight-binding quantum chemical method, J. Chem. Theory Comput. 15, 1652 (2019)",
        "doi:10.1021/acs.jctc.8b01176",
    ),
    Reference(
        "b3lyp",
        "P. J. Stephens, F. J. Devlin, C. F. Chabalowski, M. J. Frisch, Ab initio calculation of vibrational "
        "absorption and circular dichroism spectra using density functional force fields, J. Phys. Chem. 98, "
        "11623 (1994)",
        "doi:10.1021/j100096a001",
    ),
    Reference(
        "bondi",
        "A. Bondi, Van der Waals volumes and radii, J. Phys. Chem. 68, 441 (1964)",
        "doi:10.1021/j100785a001",
    ),
    Reference(
        "crippen",
        "S. A. Wildman, G. M. Crippen, Prediction of physicochemical parameters by atomic contributions, J. Chem. "
        "Inf. Comput. Sci. 39, 868 (1999)",
        "doi:10.1021/ci990307l",
    ),
    Reference(
        "michaelson1977",
        "H. B. Michaelson, The work function of the elements and its periodicity, J. Appl. Phys. 48, 4729 (1977)",
        "doi:10.1063/1.323539",
    ),
    Reference(
        "krogmeier2018",
        "B. Krogmeier, F. Staub, D. Grabowski, U. Rau, T. Kirchartz, Quantitative analysis of the transient "
        "photoluminescence of CH3NH3PbI3/PC61BM heterojunctions by numerical simulations, Sustain. Energy Fuels "
        "2, 1027 (2018)",
        "doi:10.1039/c7se00603a",
    ),
    Reference(
        "butlercaddle2024",
        "E. Butler-Caddle, K. D. G. I. Jayawardena, A. Wijesekara, R. L. Milot, J. Lloyd-Hughes, Distinguishing "
        "carrier transport and interfacial recombination at perovskite-transport layer interfaces using ultrafast "
        "spectroscopy and numerical simulation (2024)",
        "arXiv:2407.02809",
    ),
    Reference(
        "alashouri2019",
        "A. Al-Ashouri, A. Magomedov, M. Roß et al., Conformal monolayer contacts with lossless interfaces for "
        "perovskite single junction and monolithic tandem solar cells, Energy Environ. Sci. 12, 3356 (2019)",
        "doi:10.1039/C9EE02268F",
    ),
    Reference(
        "bi2015",
        "C. Bi, Q. Wang, Y. Shao, Y. Yuan, Z. Xiao, J. Huang, Non-wetting surface-driven high-aspect-ratio "
        "crystalline grain growth for efficient hybrid perovskite solar cells, Nat. Commun. 6, 7747 (2015)",
        "doi:10.1038/ncomms8747",
    ),
    Reference(
        "liu2019",
        "Z. Liu, L. Krückemeier, B. Krogmeier et al., Open-circuit voltages exceeding 1.26 V in planar "
        "methylammonium lead iodide perovskite solar cells, ACS Energy Lett. 4, 110 (2019)",
        "doi:10.1021/acsenergylett.8b01906",
    ),
    Reference(
        "jiang2019",
        "Q. Jiang, Y. Zhao, X. Zhang et al., Surface passivation of perovskite film for efficient solar cells, "
        "Nat. Photonics 13, 460 (2019)",
        "doi:10.1038/s41566-019-0398-2",
    ),
    Reference(
        "green1990",
        "M. A. Green, Intrinsic concentration, effective densities of states, and effective mass in silicon, "
        "J. Appl. Phys. 67, 2944 (1990)",
        "doi:10.1063/1.345414",
    ),
    Reference(
        "masetti1983",
        "G. Masetti, M. Severi, S. Solmi, Modeling of carrier mobility against carrier concentration in arsenic-, "
        "phosphorus-, and boron-doped silicon, IEEE Trans. Electron Devices 30, 764 (1983)",
        "doi:10.1109/T-ED.1983.21207",
    ),
    Reference(
        "dziewior1977",
        "J. Dziewior, W. Schmid, Auger coefficients for highly doped and highly excited silicon, Appl. Phys. Lett. "
        "31, 346 (1977)",
        "doi:10.1063/1.89694",
    ),
    Reference(
        "yan2013",
        "D. Yan, A. Cuevas, Empirical determination of the energy band gap narrowing in highly doped n+ silicon, "
        "J. Appl. Phys. 114, 044508 (2013)",
        "doi:10.1063/1.4816694",
    ),
    Reference(
        "yan2014",
        "D. Yan, A. Cuevas, Empirical determination of the energy band gap narrowing in p+ silicon heavily doped "
        "with boron, J. Appl. Phys. 116, 194505 (2014)",
        "doi:10.1063/1.4902066",
    ),
    Reference(
        "alashouri2020",
        "A. Al-Ashouri, E. Köhnen, B. Li et al., Monolithic perovskite/silicon tandem solar cell with >29% "
        "efficiency by enhanced hole extraction, Science 370, 1300 (2020)",
        "doi:10.1126/science.abd4016",
    ),
    Reference(
        "amse2023",
        "Adv. Mater. Sci. Eng. 2023, 4154962, Table 1",
        "doi:10.1155/2023/4154962",
    ),
    Reference(
        "shapley1953",
        "L. S. Shapley, A value for n-person games, in Contributions to the Theory of Games II, Ann. Math. Stud. 28, "
        "307 (1953)",
        "https://zbmath.org/?q=an%3A0050.14404",
    ),
    Reference(
        "deboer2020",
        "P. de Boer, J. F. D. Rodrigues, Decomposition analysis: when to use which method?, Econ. Syst. "
        "Res. 32, 1 (2020)",
        "doi:10.1080/09535314.2019.1652571",
    ),
    Reference(
        "chen2021",
        "Z. Chen, G. Brocks, S. Tao, P. A. Bobbert, Unified theory for light-induced halide segregation in mixed "
        "halide perovskites, Nat. Commun. 12, 2687 (2021)",
        "doi:10.1038/s41467-021-23008-z",
    ),
    Reference(
        "draguta2017",
        "S. Draguta, O. Sharia, S. J. Yoon et al., Rationalizing the light-induced phase separation of mixed halide "
        "organic-inorganic perovskites, Nat. Commun. 8, 200 (2017)",
        "doi:10.1038/s41467-017-00284-2",
    ),
    Reference(
        "hoke2015",
        "E. T. Hoke, D. J. Slotcavage, E. R. Dohner, A. R. Bowring, H. I. Karunadasa, M. D. McGehee, Reversible "
        "photo-induced trap formation in mixed-halide hybrid perovskites for photovoltaics, Chem. Sci. 6, 613 (2015)",
        "doi:10.1039/C4SC03141E",
    ),
    Reference(
        "mcmeekin2016",
        "D. P. McMeekin, G. Sadoughi, W. Rehman et al., A mixed-cation lead mixed-halide perovskite absorber for "
        "tandem solar cells, Science 351, 151 (2016)",
        "doi:10.1126/science.aad5845",
    ),
    Reference(
        "aptms2020",
        "Approaching the limits of optoelectronic performance in mixed cation mixed halide perovskites by controlling "
        "surface recombination, preprint on arXiv (2020), abstract: lifetimes above 4 us, surface recombination from "
        "1000 to 10 cm/s in FA0.83Cs0.17Pb(I0.85Br0.15)3 by (3-aminopropyl)trimethoxysilane",
    ),
    Reference(
        "aptms2022",
        "(3-Aminopropyl)trimethoxysilane surface passivation improves perovskite solar cell performance by reducing "
        "surface recombination velocity, preprint (2022), abstract: 125 cm/s with C60",
        "arXiv:2209.15105",
    ),
    Reference(
        "dequilettes2016",
        "D. W. deQuilettes, S. Koch, S. Burke, R. K. Paranji, A. J. Shropshire, M. E. Ziffer, D. S. Ginger, "
        "Photoluminescence lifetimes exceeding 8 us and quantum yields exceeding 30 % in hybrid perovskite thin films "
        "by ligand passivation, ACS Energy Lett. (2016)",
        "doi:10.1021/acsenergylett.6b00236",
    ),
    Reference(
        "rehman2015",
        "W. Rehman, R. L. Milot, G. E. Eperon, C. Wehrenfennig, J. L. Boland, H. J. Snaith, M. B. Johnston, L. M. "
        "Herz, Charge-carrier dynamics and mobilities in formamidinium lead mixed-halide perovskites, Adv. Mater. 27, "
        "7938 (2015)",
        "https://research.manchester.ac.uk/en/publications/charge-carrier-dynamics-and-mobilities-in-formamidinium-lead-mixe",
    ),
    Reference(
        "lim2019",
        "J. Lim, M. T. Hörantner, N. Sakai et al., Elucidating the long-range charge carrier mobility in metal halide "
        "perovskite thin films, Energy Environ. Sci. 12, 169 (2019), abstract: 0.2 to 2.2 cm^2/(V s)",
        "doi:10.1039/C8EE03395A",
    ),
    Reference(
        "zhao2022",
        "X. Zhao, T. Liu, Q. C. Burlingame et al., Accelerated aging of all-inorganic, interface-stabilized perovskite "
        "solar cells, Science 377, 307 (2022)",
        "doi:10.1126/science.abn5679",
    ),
    Reference(
        "siegler2022",
        "T. D. Siegler, W. A. Dunlap-Shohl, Y. Meng et al., Water-accelerated photooxidation of CH3NH3PbI3 perovskite, "
        "J. Am. Chem. Soc. 144, 5552 (2022)",
        "doi:10.1021/jacs.2c00391",
    ),
    Reference(
        "bazant2004",
        "M. Z. Bazant, K. Thornton, A. Ajdari, Diffuse-charge dynamics in electrochemical systems, Phys. Rev. E 70, "
        "021506 (2004)",
        "doi:10.1103/PhysRevE.70.021506",
    ),
)
