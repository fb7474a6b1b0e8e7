"""The quantities of the data model: how each is called in print, in which unit it is stored and in which it
is read.

Everything is stored in SI (energies in eV); people, tables, figures and machine output use field units.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from perotwin.errors import InputError

__all__ = ["NOMENCLATURE", "OF_A_JUNCTION", "Term", "add_term", "field_unit", "heading", "term_of"]


class Term(NamedTuple):
    """``symbol`` in plain text, ``latex`` for figures, stored ``unit``, unit that people read, and the
    factor between.
    """

    symbol: str
    latex: str
    unit: str
    field_unit: str
    factor: float
    words: str


#: name -> Term. The nomenclature page of the documentation lists the same names; a test compares the two.
NOMENCLATURE: dict[str, Term] = {
    "voc": Term("Voc", r"$V_\mathrm{oc}$", "V", "V", 1.0, "open-circuit voltage"),
    "jsc": Term("Jsc", r"$J_\mathrm{sc}$", "A m-2", "mA/cm^2", 0.1, "short-circuit current density"),
    "ff": Term("FF", "FF", "1", "%", 100.0, "fill factor"),
    "pce": Term("PCE", "PCE", "1", "%", 100.0, "power conversion efficiency"),
    "vmp": Term("Vmp", r"$V_\mathrm{mp}$", "V", "V", 1.0, "voltage at maximum power"),
    "jmp": Term("Jmp", r"$J_\mathrm{mp}$", "A m-2", "mA/cm^2", 0.1, "current density at maximum power"),
    "rs": Term("Rs", r"$R_\mathrm{s}$", "ohm m2", "ohm cm^2", 1e4, "apparent series resistance, -dV/dJ at Voc"),
    "rsh": Term("Rsh", r"$R_\mathrm{sh}$", "ohm m2", "ohm cm^2", 1e4, "apparent shunt resistance, -dV/dJ at 0 V"),
    "pmp": Term("Pmp", r"$P_\mathrm{mp}$", "W m-2", "mW/cm^2", 0.1, "maximum power density"),
    "voltage": Term("V", "$V$", "V", "V", 1.0, "voltage"),
    "junction_voltage": Term(
        "Vj", r"$V_\mathrm{j}$", "V", "V", 1.0, "voltage behind what is in series with the junctions"
    ),
    "current_density": Term("J", "$J$", "A m-2", "mA/cm^2", 0.1, "current density"),
    "power_density": Term("P", "$P$", "W m-2", "mW/cm^2", 0.1, "power density"),
    "time": Term("t", "$t$", "s", "s", 1.0, "time"),
    "ff_lost_in_transport": Term("pFF - FF", "pFF $-$ FF", "1", "%", 100.0, "fill factor lost in transport"),
    "received_irradiance": Term("G", "$G$", "W m-2", "mW/cm^2", 0.1, "irradiance that was recorded"),
    "hysteresis_index": Term("HI", "HI", "1", "%", 100.0, "hysteresis index"),
    "stabilised_power": Term("Pst", r"$P_\mathrm{st}$", "W m-2", "mW/cm^2", 0.1, "stabilised power density"),
    "stabilised_pce": Term("PCEst", r"PCE$_\mathrm{st}$", "1", "%", 100.0, "stabilised efficiency"),
    "stabilised_voltage": Term("Vst", r"$V_\mathrm{st}$", "V", "V", 1.0, "voltage of the stabilised power"),
    "stabilised_current": Term(
        "Jst", r"$J_\mathrm{st}$", "A m-2", "mA/cm^2", 0.1, "current density of the stabilised power"
    ),
    "power_drift": Term("drift", "drift", "1", "%", 100.0, "drift of the stabilised power"),
    "t80": Term("T80", r"$T_{80}$", "s", "h", 1.0 / 3600.0, "time after which 80 % of the first power is left"),
    "t95": Term("T95", r"$T_{95}$", "s", "h", 1.0 / 3600.0, "time after which 95 % of the first power is left"),
    "ts80": Term("Ts80", r"$T_\mathrm{s80}$", "s", "h", 1.0 / 3600.0, "T80 from the burn-in's end on"),
    "burn_in": Term("Ts", r"$T_\mathrm{s}$", "s", "h", 1.0 / 3600.0, "end of the burn-in"),
    "t80_model": Term("T80m", r"$T_\mathrm{80,m}$", "s", "h", 1.0 / 3600.0, "T80 of the likeliest curve"),
    "retained": Term("left", "left", "1", "%", 100.0, "power at the end over that at the start"),
    "segregated_share": Term("φ", r"$\phi$", "1", "1", 1.0, "share of the volume that is iodide-rich"),
    "segregated_end": Term("φend", r"$\phi_\mathrm{end}$", "1", "1", 1.0, "iodide-rich share of the volume at the end"),
    "segregated_settled": Term("φ∞", r"$\phi_\infty$", "1", "1", 1.0, "iodide-rich share of the volume when settled"),
    "red_share": Term("red", "red", "1", "%", 100.0, "share of the light that the iodide-rich phase emits"),
    "red_share_first": Term("red0", r"red$_0$", "1", "%", 100.0, "iodide-rich share of the light of the first map"),
    "red_share_end": Term("red end", "red end", "1", "%", 100.0, "iodide-rich share of the light at the end"),
    "red_light": Term("I1", "$I_1$", "1", "1", 1.0, "light of the iodide-rich phase over that of the mixed film"),
    "parent_light": Term("I2", "$I_2$", "1", "1", 1.0, "light of the parent phase over that of the mixed film"),
    "emission": Term("I", "$I$", "1", "1", 1.0, "luminescence per wavelength over the mixed film's highest"),
    "visible_after": Term("tvis", r"$t_\mathrm{vis}$", "s", "s", 1.0, "time until a second line is seen"),
    "exchange_rate": Term("kX", r"$k_\mathrm{X}$", "Hz", "Hz", 1.0, "rate at which halides change places"),
    "threshold_light": Term("I*", "$I^*$", "sun", "sun", 1.0, "light from which on a film segregates"),
    "tin_factor": Term("fSn", r"$f_\mathrm{Sn}$", "1", "1", 1.0, "doping of the tin film over that of the fresh one"),
    "doping_left": Term("fdop", r"$f_\mathrm{dop}$", "1", "1", 1.0, "doping of the transport layer over the fresh one"),
    "added_resistance": Term("ΔRs", r"$\Delta R_\mathrm{s}$", "ohm m2", "ohm cm^2", 1e4, "resistance by corrosion"),
    "energy_yield": Term("W", "$W$", "J m-2", "kWh/m^2", 1.0 / 3.6e6, "energy over the test"),
    "eta1000": Term("η1000", r"$\eta_{1000}$", "1", "%", 100.0, "power after 1,000 h over the first"),
    "released_share": Term("out", "out", "1", "%", 100.0, "iodide that has left a film"),
    "iodide_released": Term("I out", r"$I_\mathrm{out}$", "m-2", "cm^-2", 1e-4, "iodide out of a film, per area"),
    "iodide_left": Term("I in", r"$I_\mathrm{in}$", "m-2", "cm^-2", 1e-4, "iodide left in a film, per area"),
    "absorbance_near": Term("A360", r"$A_{360}$", "1", "1", 1.0, "decadic absorbance of a solution at 360 nm"),
    "absorbance_6h": Term("A360 6h", r"$A_{360}$(6 h)", "1", "1", 1.0, "absorbance at 360 nm after 6 h"),
    "absorbance_end": Term("A360 end", r"$A_{360}$(end)", "1", "1", 1.0, "absorbance at 360 nm at the end"),
    "trap_growth_rate": Term("kT", r"$k_\mathrm{T}$", "Hz", "1/h", 3600.0, "rate at which traps grow"),
    "patch_growth_rate": Term("kB", r"$k_\mathrm{B}$", "Hz", "1/h", 3600.0, "rate at which bare patches grow"),
    "domain_rate": Term("kD", r"$k_\mathrm{D}$", "Hz", "1/h", 3600.0, "rate at which domains fill"),
    "irradiance": Term("E", "$E$", "W m-2", "mW/cm^2", 0.1, "irradiance"),
    "voltage_between": Term(
        "ΔVj", r"$\Delta V_\mathrm{j}$", "V", "V", 1.0, "voltage lost between the junctions and in series with them"
    ),
    "channel_current": Term("Jch", r"$J_\mathrm{ch}$", "A m-2", "mA/cm^2", 0.1, "current lost in a channel"),
    "wavelength": Term("λ", r"$\lambda$", "m", "nm", 1e9, "wavelength"),
    "eqe": Term("EQE", "EQE", "1", "1", 1.0, "external quantum efficiency"),
    "radiative_saturation_current": Term(
        "J0r", r"$J_\mathrm{0,rad}$", "A m-2", "mA/cm^2", 0.1, "saturation current of radiation alone"
    ),
    "reflectance": Term("R", "$R$", "1", "1", 1.0, "reflectance"),
    "transmittance": Term("T", "$T$", "1", "1", 1.0, "transmittance"),
    "absorptance": Term("A", "$A$", "1", "1", 1.0, "absorptance of a layer"),
    "photon_flux": Term("Φ", r"$\Phi$", "m-2 s-1", "cm^-2 s^-1", 1e-4, "photons that stand for a wavelength"),
    "x": Term("x", "$x$", "m", "nm", 1e9, "depth"),
    "x_edge": Term("x", "$x$", "m", "nm", 1e9, "depth"),
    "conduction_band": Term("Ec", r"$E_\mathrm{C}$", "eV", "eV", 1.0, "conduction-band edge"),
    "valence_band": Term("Ev", r"$E_\mathrm{V}$", "eV", "eV", 1.0, "valence-band edge"),
    "electron_fermi_level": Term(
        "EFn", r"$E_\mathrm{F,n}$", "eV", "eV", 1.0, "quasi-Fermi level of electrons"
    ),
    "hole_fermi_level": Term("EFp", r"$E_\mathrm{F,p}$", "eV", "eV", 1.0, "quasi-Fermi level of holes"),
    "electron_density": Term("n", "$n$", "m-3", "cm^-3", 1e-6, "electron density"),
    "hole_density": Term("p", "$p$", "m-3", "cm^-3", 1e-6, "hole density"),
    "ion_density": Term("a", "$a$", "m-3", "cm^-3", 1e-6, "density of mobile ions"),
    "generation": Term("G", "$G$", "m-3 s-1", "cm^-3 s^-1", 1e-6, "generation rate"),
    "recombination": Term("R", "$R$", "m-3 s-1", "cm^-3 s^-1", 1e-6, "recombination rate"),
    "electric_field": Term("F", "$F$", "V m-1", "kV/cm", 1e-5, "electric field"),
    "electron_current": Term("Jn", r"$J_\mathrm{n}$", "A m-2", "mA/cm^2", 0.1, "electron current density"),
    "hole_current": Term("Jp", r"$J_\mathrm{p}$", "A m-2", "mA/cm^2", 0.1, "hole current density"),
    "lifetime": Term("τpv", r"$\tau_\mathrm{pv}$", "s", "us", 1e6, "lifetime of the photovoltage"),
    "photovoltage": Term("ΔV", r"$\Delta V$", "V", "mV", 1e3, "photovoltage of a pulse"),
    "extraction_time": Term("tex", r"$t_\mathrm{ex}$", "s", "us", 1e6, "extraction time, to 1/e of the photocurrent"),
    "decay_time": Term("τpc", r"$\tau_\mathrm{pc}$", "s", "us", 1e6, "time constant of the photocurrent"),
    "photocurrent": Term("ΔJ", r"$\Delta J$", "A m-2", "mA/cm^2", 0.1, "photocurrent of a pulse"),
    "extracted_charge": Term("Qex", r"$Q_\mathrm{ex}$", "C m-2", "nC/cm^2", 1e5, "charge extracted after a pulse"),
    "collected": Term("ηc", r"$\eta_\mathrm{c}$", "1", "%", 100.0, "extracted over generated charge"),
    "injected": Term("Jin", r"$J_\mathrm{in}$", "A m-2", "mA/cm^2", 0.1, "injected current density"),
    "plqy_change": Term("ΔPLQY", r"$\Delta$PLQY", "1", "%", 100.0, "change of the luminescence yield over a trace"),
    "surface_photovoltage": Term("SPV", "SPV", "V", "mV", 1e3, "surface photovoltage"),
    "subcell_voltage": Term("Vi", "$V_i$", "V", "V", 1.0, "voltage of a junction by its luminescence"),
    "subcell_current": Term("Ji", "$J_i$", "A m-2", "mA/cm^2", 0.1, "injection that a junction's voltage belongs to"),
    "elqy": Term("ELQY", "ELQY", "1", "%", 100.0, "photons out over injected electrons"),
    "qfls": Term("Δμ", r"$\Delta\mu$", "eV", "eV", 1.0, "splitting of the quasi-Fermi levels, mean over an absorber"),
    "plqy": Term("PLQY", "PLQY", "1", "%", 100.0, "photons out per pair that light makes, or per photon in"),
    "qfls_planck": Term("Δμ(E)", r"$\Delta\mu(E)$", "eV", "eV", 1.0,
        "splitting by Planck's law on the high-energy side"),
    "qfls_radiative": Term("Δμrad", r"$\Delta\mu_\mathrm{rad}$", "eV", "eV", 1.0,
        "splitting without any loss but the light that leaves"),
    "qfls_inside": Term("Δμin", r"$\Delta\mu_\mathrm{in}$", "eV", "eV", 1.0,
        "solved splitting, weighted with what each depth emits"),
    "qfls_mean": Term("Δμ0", r"$\Delta\mu_0$", "eV", "eV", 1.0, "solved splitting, mean over the absorber"),
    "qfls_spread": Term("δΔμ", r"$\delta\Delta\mu$", "eV", "meV", 1e3, "highest less lowest splitting in an absorber"),
    "qfls_less_voc": Term("Δμ-qVoc", r"$\Delta\mu - qV_\mathrm{oc}$", "eV", "meV", 1e3,
        "splitting in the absorber less the open-circuit voltage"),
    "slope_temperature": Term("Tφ", r"$T_\phi$", "K", "K", 1.0, "temperature of the high-energy slope of a spectrum"),
    "pl_peak": Term("Epl", r"$E_\mathrm{PL}$", "eV", "eV", 1.0, "photon energy of the peak of luminescence"),
    "pl_width": Term("ΔEpl", r"$\Delta E_\mathrm{PL}$", "eV", "meV", 1e3, "full width of luminescence at half maximum"),
    "pl_gap": Term("Eg,PL", r"$E_\mathrm{g,PL}$", "eV", "eV", 1.0,
        "inflection of the absorptance that a spectrum tells"),
    "generated": Term("G", "$G$", "m-2 s-1", "cm^-2 s^-1", 1e-4, "pairs that light makes per area"),
    "excitation_flux": Term("Φex", r"$\Phi_\mathrm{ex}$", "m-2 s-1", "cm^-2 s^-1", 1e-4, "photons of the excitation"),
    "escape_probability": Term("pe", r"$p_\mathrm{e}$", "1", "%", 100.0, "photons emitted inside that leave"),
    "reabsorption_probability": Term("pr", r"$p_\mathrm{r}$", "1", "%", 100.0,
        "photons emitted inside that make a pair again"),
    "parasitic_probability": Term("pa", r"$p_\mathrm{a}$", "1", "%", 100.0,
        "photons emitted inside that other layers take"),
    "photons": Term("Φ", r"$\Phi$", "m-2 s-1", "cm^-2 s^-1", 1e-4, "photons that leave the cell"),
    "spectrum": Term(
        "φ", r"$\phi$", "m-3 s-1", "cm^-2 s^-1 nm^-1", 1e-13, "photons that leave at the front per wavelength"
    ),
    "group": Term("group", "group", "1", "1", 1.0, "group that a device belongs to"),
    "substrate": Term("substrate", "substrate", "1", "1", 1.0, "substrate that a device is on"),
    "devices": Term("N", "$N$", "1", "1", 1.0, "devices that give power"),
    "substrates": Term("Nsub", r"$N_\mathrm{sub}$", "1", "1", 1.0, "substrates that they are on"),
    "dead": Term("dead", "dead", "1", "1", 1.0, "devices that give none"),
    "welch_t": Term("t", "$t$", "1", "1", 1.0, "Welch's t of two groups"),
    "welch_df": Term("df", "df", "1", "1", 1.0, "its degrees of freedom"),
    "welch_p": Term("p", "$p$", "1", "1", 1.0, "its p value, two-sided"),
    "mann_whitney_p": Term("pMW", r"$p_\mathrm{MW}$", "1", "1", 1.0, "p value of the Mann-Whitney test, two-sided"),
    "hedges_g": Term("g", "$g$", "1", "1", 1.0, "difference of two groups over their scatter (Hedges)"),
    "rank_effect": Term("r", "$r$", "1", "1", 1.0, "share of pairs in which the first is larger, less the others"),
    "intensity": Term("light", "light", "sun", "sun", 1.0, "light in suns of its spectrum"),
    "temperature": Term("T", "$T$", "K", "K", 1.0, "temperature"),
    "curve_voltage": Term("V", "$V$", "V", "V", 1.0, "voltage of a curve under the cell's own light"),
    "curve_current": Term("J", "$J$", "A m-2", "mA/cm^2", 0.1, "current density of a curve under the cell's own light"),
    "ideality": Term("n", "$n$", "1", "1", 1.0, "ideality, (q/kT) dVoc/dln(light)"),
    "activation_energy": Term("EA", r"$E_\mathrm{A}$", "eV", "eV", 1.0, "q Voc extrapolated to 0 K"),
    "jsc_nonlinearity": Term("ΔJsc", r"$\Delta J_\mathrm{sc}$", "1", "%", 100.0, "Jsc off being proportional to light"),
    "radiative_ff": Term("FFrad", r"FF$_\mathrm{rad}$", "1", "%", 100.0, "fill factor of the radiative limit"),
    "pseudo_ff": Term("pFF", "pFF", "1", "%", 100.0, "pseudo fill factor, of open-circuit voltages"),
    "fitted_ff": Term("FF0", r"FF$_0$", "1", "%", 100.0, "fill factor by Green's formula at a fitted ideality"),
    "ff_nonradiative_loss": Term(
        "ΔFFnr", r"$\Delta$FF$_\mathrm{nr}$", "1", "%", 100.0, "fill factor lost to recombination that is not radiative"
    ),
    "ff_transport_loss": Term("ΔFFt", r"$\Delta$FF$_\mathrm{t}$", "1", "%", 100.0, "fill factor lost to transport"),
    "ff_series_loss": Term(
        "ΔFFs", r"$\Delta$FF$_\mathrm{s}$", "1", "%", 100.0, "fill factor lost in series resistance outside the layers"
    ),
    "ff_layer_loss": Term(
        "ΔFFl", r"$\Delta$FF$_\mathrm{l}$", "1", "%", 100.0, "fill factor lost in the layers and their faces"
    ),
    "transport_resistance": Term(
        "Rt", r"$R_\mathrm{t}$", "ohm m2", "ohm cm^2", 1e4, "resistance between pseudo curve and curve at maximum power"
    ),
    "voc_radiative": Term(
        "Vrad", r"$V_\mathrm{rad}$", "V", "V", 1.0, "radiative limit of the open-circuit voltage"
    ),
    "voc_luminescence": Term(
        "Vlum", r"$V_\mathrm{lum}$", "V", "V", 1.0, "open-circuit voltage that the luminescence tells"
    ),
    "voc_loss": Term("ΔVnr", r"$\Delta V_\mathrm{nr}$", "V", "mV", 1e3, "voltage lost beside radiation"),
    "junction_current": Term(
        "Jj", r"$J_\mathrm{j}$", "A m-2", "mA/cm^2", 0.1, "current density through a junction, luminescence included"
    ),
    "voc_own": Term("Voc1", r"$V_\mathrm{oc1}$", "V", "V", 1.0, "open-circuit voltage of the junction alone"),
    "jsc_own": Term(
        "Jsc1", r"$J_\mathrm{sc1}$", "A m-2", "mA/cm^2", 0.1, "short-circuit current density of the junction alone"
    ),
    "frequency": Term("f", "$f$", "Hz", "Hz", 1.0, "frequency"),
    "impedance_real": Term("Z'", "$Z$′", "ohm m2", "ohm cm^2", 1e4, "real part of the impedance"),
    "impedance_imag": Term("Z''", "$Z$″", "ohm m2", "ohm cm^2", 1e4, "imaginary part of the impedance"),
    "impedance_magnitude": Term("abs Z", "$|Z|$", "ohm m2", "ohm cm^2", 1e4, "magnitude of the impedance"),
    "impedance_phase": Term("arg Z", r"$\arg Z$", "deg", "deg", 1.0, "phase of the impedance"),
    "impedance_real_held": Term("Z'h", r"$Z_\mathrm{h}$′", "ohm m2", "ohm cm^2", 1e4, "the same with the ions held"),
    "impedance_imag_held": Term("Z''h", r"$Z_\mathrm{h}$″", "ohm m2", "ohm cm^2", 1e4, "the same with the ions held"),
    "capacitance": Term("C", "$C$", "F m-2", "nF/cm^2", 1e5, "capacitance"),
    "capacitance_held": Term("Ch", r"$C_\mathrm{h}$", "F m-2", "nF/cm^2", 1e5, "capacitance with the ions held"),
    "conductance": Term("G'", "$G$′", "S m-2", "S/cm^2", 1e-4, "real part of the admittance"),
    "imps_real": Term("Q'", "$Q$′", "A m-2", "mA/cm^2", 0.1, "current response per sun of light, real part"),
    "imps_imag": Term("Q''", "$Q$″", "A m-2", "mA/cm^2", 0.1, "current response per sun of light, imaginary part"),
    "imvs_real": Term("W'", "$W$′", "V", "V", 1.0, "voltage response per sun of light, real part"),
    "imvs_imag": Term("W''", "$W$″", "V", "V", 1.0, "voltage response per sun of light, imaginary part"),
    "time_constant": Term("τ", r"$\tau$", "s", "s", 1.0, "slowest time constant at open circuit"),
    "recombination_resistance": Term(
        "Rrec", r"$R_\mathrm{rec}$", "ohm m2", "ohm cm^2", 1e4, "recombination resistance"
    ),
    "low_frequency_resistance": Term(
        "Rlf", r"$R_\mathrm{lf}$", "ohm m2", "ohm cm^2", 1e4, "real part of the impedance at the lowest frequency"
    ),
    "series_resistance": Term("Rs", r"$R_\mathrm{s}$", "ohm m2", "ohm cm^2", 1e4, "series resistance"),
    "geometric_capacitance": Term("Cg", r"$C_\mathrm{g}$", "F m-2", "nF/cm^2", 1e5, "geometric capacitance"),
    "low_frequency_capacitance": Term(
        "Clf", r"$C_\mathrm{lf}$", "F m-2", "nF/cm^2", 1e5, "capacitance at the lowest frequency"
    ),
    "electronic_time": Term("τe", r"$\tau_\mathrm{e}$", "s", "us", 1e6, "slowest time constant with the ions held"),
    "ionic_time": Term("τion", r"$\tau_\mathrm{ion}$", "s", "s", 1.0, "slowest time constant of all"),
    "arcs": Term("arcs", "arcs", "1", "1", 1.0, "maxima of -Z'' over the frequency"),
    "kramers_kronig": Term("ΔKK", r"$\Delta_\mathrm{KK}$", "1", "%", 100.0, "what a sum of relaxations leaves of it"),
    "points_dropped": Term("out", "out", "1", "1", 1.0, "points that were left out"),
    "inductance": Term("Ls", r"$L_\mathrm{s}$", "H m2", "H cm^2", 1e4, "inductance in series, of the wires"),
    "element_resistance": Term("R", "$R$", "ohm m2", "ohm cm^2", 1e4, "resistance of an element of a circuit"),
    "element_capacitance": Term("C", "$C$", "F m-2", "nF/cm^2", 1e5, "capacitance of an element of a circuit"),
    "element_time": Term("τ", r"$\tau$", "s", "us", 1e6, "time constant of an element of a circuit"),
    "element_exponent": Term("n", "$n$", "1", "1", 1.0, "exponent of an element of a circuit, 1 for a capacitor"),
    "high_frequency_capacitance": Term(
        "Chf", r"$C_\mathrm{hf}$", "F m-2", "nF/cm^2", 1e5, "capacitance at the highest frequency"
    ),
    "step_frequency": Term("fstep", r"$f_\mathrm{step}$", "Hz", "Hz", 1.0, "frequency of a step of the capacitance"),
    "capacitance_step": Term("ΔC", r"$\Delta C$", "F m-2", "nF/cm^2", 1e5, "height of a step of the capacitance"),
    "capacitance_steps": Term("steps", "steps", "1", "1", 1.0, "steps of the capacitance over the frequency"),
    "apparent_doping": Term("Nms", r"$N_\mathrm{MS}$", "m-3", "cm^-3", 1e-6, "doping that a Mott-Schottky plot shows"),
    "resolvable_doping": Term(
        "Nmin", r"$N_\mathrm{min}$", "m-3", "cm^-3", 1e-6, "least doping that the thickness lets such a plot show"
    ),
    "built_in_voltage": Term("Vbi", r"$V_\mathrm{bi}$", "V", "V", 1.0, "intercept of a Mott-Schottky plot"),
    "counts": Term("N", "$N$", "1", "1", 1.0, "counts"),
    "response": Term("N0", "$N_0$", "1", "1", 1.0, "response of an instrument to a pulse alone"),
    "peak_time": Term("tpk", r"$t_\mathrm{pk}$", "s", "ns", 1e9, "time of the fullest bin of a decay"),
    "peak_counts": Term("Npk", r"$N_\mathrm{pk}$", "1", "1", 1.0, "counts in the fullest bin of a decay"),
    "background_counts": Term("Nbg", r"$N_\mathrm{bg}$", "1", "1", 1.0, "counts of the background in a bin"),
    "time_to_1e": Term("t1/e", r"$t_{1/\mathrm{e}}$", "s", "ns", 1e9, "time in which a decay falls to 1/e"),
    "exponentials": Term("exps", "exps", "1", "1", 1.0, "exponentials that a decay asks for"),
    "lifetime_amplitude": Term(
        "τamp", r"$\tau_\mathrm{amp}$", "s", "ns", 1e9, "lifetime of a decay, mean by amplitudes"
    ),
    "lifetime_intensity": Term(
        "τint", r"$\tau_\mathrm{int}$", "s", "ns", 1e9, "lifetime of a decay, mean by intensities"
    ),
    "lifetime_fast": Term("τ1", r"$\tau_1$", "s", "ns", 1e9, "shorter lifetime of two exponentials"),
    "lifetime_slow": Term("τ2", r"$\tau_2$", "s", "ns", 1e9, "longer lifetime of two exponentials"),
    "share_fast": Term("A1", "$A_1$", "1", "%", 100.0, "share of the amplitude that falls fast"),
    "lifetime_late": Term(
        "τlate", r"$\tau_\mathrm{late}$", "s", "ns", 1e9, "differential lifetime at the end of a decay"
    ),
    "pair_lifetime": Term(
        "τpair", r"$\tau_\mathrm{pair}$", "s", "ns", 1e9, "lifetime of carriers by the model of pairs"
    ),
    "pair_share": Term(
        "βpair", r"$\beta_\mathrm{pair}$", "1", "%", 100.0, "part of the loss at the onset that is between pairs"
    ),
    "surface_velocity": Term(
        "Ssurf", r"$S_\mathrm{surf}$", "m/s", "cm/s", 100.0, "recombination velocity of two equal faces of a film"
    ),
    "bulk_lifetime": Term(
        "τb", r"$\tau_\mathrm{b}$", "s", "ns", 1e9, "lifetime of a film without what its faces take"
    ),
    "thickness_exponent": Term(
        "pd", r"$p_d$", "1", "1", 1.0, "power of the thickness with which a trap-filled voltage goes"
    ),
    "space_charge_mobility": Term(
        "μMG", r"$\mu_\mathrm{MG}$", "m2 V-1 s-1", "cm^2/(V s)", 1e4, "mobility by Mott and Gurney"
    ),
    "trap_filled_voltage": Term(
        "VTFL", r"$V_\mathrm{TFL}$", "V", "V", 1.0, "trap-filled limit: where the curve meets Mott and Gurney's line"
    ),
    "trap_filled_steepest": Term(
        "Vsteep", r"$V_\mathrm{steep}$", "V", "V", 1.0, "voltage of the steepest rise of a space-charge curve"
    ),
    "trap_filled_tangents": Term(
        "Vtan", r"$V_\mathrm{tan}$", "V", "V", 1.0, "voltage at which ohmic line and steepest tangent meet"
    ),
    "counted_traps": Term(
        "Nscl", r"$N_\mathrm{scl}$", "m-3", "cm^-3", 1e-6, "density of traps by the trap-filled limit"
    ),
    "apparent_traps": Term(
        "Napp", r"$N_\mathrm{app}$", "m-3", "cm^-3", 1e-6, "density that such a voltage stands for, whatever it is of"
    ),
    "diffused_charge": Term(
        "Ndiff", r"$N_\mathrm{diff}$", "m-3", "cm^-3", 1e-6, "charge from the contacts, as a density"
    ),
    "steepest_slope": Term(
        "mmax", r"$m_\mathrm{max}$", "1", "1", 1.0, "steepest slope of a space-charge curve"
    ),
    "ohmic_conductivity": Term(
        "σ", r"$\sigma$", "S/m", "S/cm", 0.01, "conductivity of the ohmic beginning of a curve"
    ),
    "sam_share": Term("θs", r"$\theta_\mathrm{s}$", "1", "%", 100.0, "area under the monolayer"),
    "additive_share": Term("θa", r"$\theta_\mathrm{a}$", "1", "%", 100.0, "area under the additive"),
    "bare_share": Term("θ0", r"$\theta_0$", "1", "%", 100.0, "bare area"),
    "sam_density": Term("Γs", r"$\Gamma_\mathrm{s}$", "m-2", "nm^-2", 1e-18, "molecules of the monolayer per area"),
    "additive_density": Term("Γa", r"$\Gamma_\mathrm{a}$", "m-2", "nm^-2", 1e-18, "molecules of the additive per area"),
    "hole_diameter": Term("dh", r"$d_\mathrm{h}$", "m", "nm", 1e9,
        "diameter of a hole by the largest circle in it; of a sample the median"),
    "patch_size": Term("ℓ", r"$\ell$", "m", "nm", 1e9, "correlation length of the bare area"),
    "interface_step": Term("Δ", r"$\Delta$", "eV", "meV", 1e3, "step of the vacuum level at the buried face"),
    "interface_spread": Term("σΔ", r"$\sigma_\Delta$", "eV", "meV", 1e3, "its standard deviation along the face"),
    "interface_velocity": Term("S", "$S$", "m/s", "cm/s", 100.0, "recombination velocity of the buried face"),
    "additive_adsorbed": Term("fa", r"$f_\mathrm{a}$", "1", "%", 100.0, "share of the additive adsorbed on the oxide"),
    "additive_residue": Term("fr", r"$f_\mathrm{r}$", "1", "%", 100.0, "share of the additive unbound at the face"),
    "additive_between_grains": Term("fg", r"$f_\mathrm{g}$", "1", "%", 100.0, "share of the additive between grains"),
    "surface_excess": Term("Γx", r"$\Gamma_\mathrm{x}$", "m-2", "nm^-2", 1e-18,
        "additive at the face beyond the film's"),
    "film_lifetime": Term("τ", r"$\tau$", "s", "ns", 1e9, "lifetime of carriers in the film"),
    "trap_density": Term("Nt", r"$N_\mathrm{t}$", "m-3", "cm^-3", 1e-06, "density of counted traps"),
    "mobile_ions": Term("Nion", r"$N_\mathrm{ion}$", "m-3", "cm^-3", 1e-06, "density of mobile ions in the film"),
    "ion_diffusion": Term("Dion", r"$D_\mathrm{ion}$", "m2/s", "cm^2/s", 1e4, "diffusion coefficient of the ions"),
    "y": Term("y", "$y$", "m", "nm", 1e9, "position across the lines of a map"),
    "surface_potential": Term(
        "SP", "SP", "V", "mV", 1e3, "surface potential over the bare oxide, higher for more p-type"
    ),
    "mean_potential": Term("SPmean", r"SP$_\mathrm{mean}$", "V", "mV", 1e3, "mean of the surface potential"),
    "potential_spread": Term("σSP", r"$\sigma_\mathrm{SP}$", "V", "mV", 1e3, "standard deviation of a potential map"),
    "potential_fwhm": Term("ΔSP", r"$\Delta$SP", "V", "mV", 1e3, "full width at half maximum of its histogram"),
    "potential_noise": Term("σn", r"$\sigma_\mathrm{n}$", "V", "mV", 1e3, "noise of a pixel of a potential map"),
    "potential_spread_own": Term("σSP0", r"$\sigma_\mathrm{SP,0}$", "V", "mV", 1e3,
        "standard deviation of a potential map without its noise"),
    "potential_spread_areas": Term("σSP,areas", r"$\sigma_\mathrm{SP,areas}$", "V", "mV", 1e3,
        "standard deviation of the surface potential over areas wider than a map of molecules"),
    "potential_length": Term("ℓSP", r"$\ell_\mathrm{SP}$", "m", "nm", 1e9,
        "lag at which the autocorrelation of a potential map falls to 0.2"),
    "potential_difference": Term("ΔSPmean", r"$\Delta$SP$_\mathrm{mean}$", "V", "mV", 1e3,
        "mean surface potential less that of the reference sample"),
    "height": Term("z", r"$z$", "m", "nm", 1e9, "height of a surface"),
    "sq": Term("Sq", r"$S_\mathrm{q}$", "m", "nm", 1e9, "root mean square height, after a plane unless said"),
    "sa": Term("Sa", r"$S_\mathrm{a}$", "m", "nm", 1e9, "mean height about the mean, after a plane unless said"),
    "sz": Term("Sz", r"$S_\mathrm{z}$", "m", "nm", 1e9, "highest less lowest point, after a plane unless said"),
    "correlation_length": Term("ℓc", r"$\ell_\mathrm{c}$", "m", "nm", 1e9,
        "lag at which the autocorrelation of a map falls to 0.2"),
    "height_noise": Term("σz", r"$\sigma_z$", "m", "nm", 1e9, "noise of a pixel of a map of heights"),
    "brightness": Term("I", r"$I$", "1", "1", 1.0, "brightness of an image"),
    "grains": Term("n", r"$n$", "1", "1", 1.0, "grains that the border of a map does not cut"),
    "grain_area": Term("A", r"$A$", "m2", "um^2", 1e12, "mean area of a grain"),
    "grain_diameter": Term("d", r"$d$", "m", "nm", 1e9, "diameter of the circle of the mean area of a grain"),
    "grain_area_spread": Term("σA/A", r"$\sigma_A/A$", "1", "1", 1.0,
        "standard deviation of the areas of grains over their mean"),
    "grain_intercept": Term("ℓ", r"$\ell$", "m", "nm", 1e9, "mean lineal intercept of grains"),
    "pinholes": Term("np", r"$n_\mathrm{p}$", "1", "1", 1.0, "dark spots of an image"),
    "pinhole_share": Term("fp", r"$f_\mathrm{p}$", "1", "%", 100.0, "area of pinholes; of an image, of dark spots"),
    "sputter_depth": Term("zs", r"$z_\mathrm{s}$", "m", "nm", 1e9, "sputter depth from the surface of the film"),
    "species_density": Term(
        "c", "$c$", "m-3", "cm^-3", 1e-6, "number density as the depth resolution lets it be seen"
    ),
    "signal": Term("I/Imax", r"$I/I_\mathrm{max}$", "1", "1", 1.0, "signal of a species over its maximum"),
    "interface_depth": Term("zi", r"$z_\mathrm{i}$", "m", "nm", 1e9, "sputter depth of the buried interface"),
    "sputter_time": Term("ts", r"$t_\mathrm{s}$", "s", "s", 1.0, "sputter time"),
    "interface_time": Term("ti", r"$t_\mathrm{i}$", "s", "s", 1.0, "sputter time of the buried interface"),
    "interface_half_rise": Term("z½o", r"$z_{1/2,\mathrm{o}}$", "m", "nm", 1e9,
        "sputter depth at which the oxide reaches half its maximum"),
    "interface_half_rise_time": Term("t½o", r"$t_{1/2,\mathrm{o}}$", "s", "s", 1.0,
        "sputter time at which the oxide reaches half its maximum"),
    "interface_half_fall": Term("z½p", r"$z_{1/2,\mathrm{p}}$", "m", "nm", 1e9,
        "sputter depth at which the perovskite is last at half its maximum"),
    "interface_half_fall_time": Term("t½p", r"$t_{1/2,\mathrm{p}}$", "s", "s", 1.0,
        "sputter time at which the perovskite is last at half its maximum"),
    "interface_width": Term("wi", r"$w_\mathrm{i}$", "m", "nm", 1e9, "width of the oxide's rise from 16 to 84 %"),
    "interface_width_time": Term("wti", r"$w_{t,\mathrm{i}}$", "s", "s", 1.0,
        "time of the oxide's rise from 16 to 84 %"),
    "peak_depth": Term("zmax", r"$z_\mathrm{max}$", "m", "nm", 1e9, "sputter depth of the largest signal"),
    "peak_sputter_time": Term("tmax", r"$t_\mathrm{max}$", "s", "s", 1.0, "sputter time of the largest signal"),
    "half_maximum_span": Term("ws", r"$w_\mathrm{s}$", "m", "nm", 1e9,
        "span between the outermost half maxima of a signal"),
    "enrichment": Term("e", "$e$", "1", "1", 1.0, "largest signal near the interface over that of the bulk"),
    "decay_length": Term("λd", r"$\lambda_\mathrm{d}$", "m", "nm", 1e9,
        "length over which a signal falls to 1/e beyond its maximum"),
    "decay_sputter_time": Term("τd", r"$\tau_\mathrm{d}$", "s", "s", 1.0,
        "time over which a signal falls to 1/e beyond its maximum"),
    "excess": Term("Γ", r"$\Gamma$", "m-2", "cm^-2", 1e-4, "what the interface holds more than the bulk would"),
    "binding_energy": Term("EB", r"$E_\mathrm{B}$", "eV", "eV", 1.0, "binding energy"),
    "core_maximum": Term("Emax", r"$E_\mathrm{max}$", "eV", "eV", 1.0, "binding energy at which a spectrum is largest"),
    "core_level": Term("EB", r"$E_\mathrm{B}$", "eV", "eV", 1.0, "binding energy of a line"),
    "core_width": Term("Γ", r"$\Gamma$", "eV", "eV", 1.0, "full width of a line at half maximum"),
    "core_area": Term("A", r"$A$", "eV", "eV", 1.0, "area of a line, counts times eV"),
    "core_limit": Term("Amin", r"$A_\mathrm{min}$", "eV", "eV", 1.0, "least area of a line that is seen"),
    "core_shift": Term("ΔEB", r"$\Delta E_\mathrm{B}$", "eV", "eV", 1.0,
        "binding energy of a line less that of the reference sample's"),
    "atomic_share": Term("x", r"$x$", "1", "%", 100.0, "share of atoms of an element"),
    "c1s": Term("C 1s", "C 1s", "eV-1", "eV^-1", 1.0, "C 1s spectrum, in units of Ni 2p of the bare oxide"),
    "component_intensity": Term("Ic", r"$I_\mathrm{c}$", "eV-1", "eV^-1", 1.0, "component of the C 1s spectrum"),
    "level_intensity": Term("I", "$I$", "1", "1", 1.0, "intensity of a core level over Ni 2p of the bare oxide"),
    "sensitivity": Term("S", "$S$", "1", "1", 1.0, "sensitivity factor of a core level, C 1s = 1"),
    "attenuation_length": Term("L", "$L$", "m", "nm", 1e9, "effective attenuation length in the molecules"),
    "carbonyl_share": Term("C=O/C 1s", "C=O/C 1s", "1", "%", 100.0, "share of the carbonyl in C 1s"),
    "carbonyl_content": Term("C=O", "C=O", "1", "%", 100.0, "carbonyl carbon among all detected atoms"),
    "carbonyl_detected": Term("seen", "seen", "1", "1", 1.0, "1 where the carbonyl is above its detection limit"),
    "nickel_ratio": Term("Ni 2p", "Ni 2p", "1", "%", 100.0, "Ni 2p over that of the bare oxide"),
    "two_theta": Term("2θ", r"$2\theta$", "deg", "deg", 1.0, "angle of diffraction"),
    "spacing": Term("d", "$d$", "m", "angstrom", 1e10, "distance of lattice planes"),
    "line_area": Term("A", "$A$", "deg", "deg", 1.0, "area of a line, counts times degrees"),
    "line_width": Term("B", "$B$", "deg", "deg", 1.0, "full width of a line at half maximum"),
    "line_count": Term("lines", "lines", "1", "1", 1.0, "lines found"),
    "unassigned_lines": Term("unknown", "unknown", "1", "1", 1.0, "lines of no phase that is known here"),
    "lattice_parameter": Term("a", "$a$", "m", "angstrom", 1e10, "edge of the cubic cell"),
    "displacement_shift": Term("δ2θ", r"$\delta 2\theta$", "deg", "deg", 1.0, "shift of lines by a displaced sample"),
    "crystallite_size": Term("L", "$L$", "m", "nm", 1e9, "size of crystallites by Scherrer"),
    "lead_iodide_ratio": Term("PbI2/100", r"PbI$_2$/100", "1", "%", 100.0, "PbI2 001 over the film's 100"),
    "intensity_ratio": Term("A/A0", r"$A/A_0$", "1", "1", 1.0, "area of a line over that of the reference"),
    "orientation_ratio": Term("Q", "$Q$", "1", "1", 1.0, "gain of 100 over that of another line"),
    "lattice_difference": Term("Δa", r"$\Delta a$", "m", "angstrom", 1e10, "edge less that of the reference"),
    "new_lines": Term("new", "new", "1", "1", 1.0, "lines that the reference lacks"),
    "tauc_gap": Term("EgT", r"$E_\mathrm{g,T}$", "eV", "eV", 1.0, "gap after Tauc: intercept of (αdE)²"),
    "inflection_gap": Term("Egi", r"$E_\mathrm{g,i}$", "eV", "eV", 1.0, "steepest place of a film's absorption"),
    "step_gap": Term("Egs", r"$E_\mathrm{g,s}$", "eV", "eV", 1.0, "gap of a square root with an exponential tail"),
    "jsc_integrated": Term(
        "Jsc,EQE", r"$J_\mathrm{sc,EQE}$", "A m-2", "mA/cm^2", 0.1, "current density that the EQE integrates to"
    ),
    "bandgap": Term("Eg", r"$E_\mathrm{g}$", "eV", "eV", 1.0, "bandgap, of an absorber the inflection of its EQE"),
    "urbach_energy": Term("EU", r"$E_\mathrm{U}$", "eV", "meV", 1e3, "Urbach energy of the tail"),
    "gap_difference": Term("ΔEg", r"$\Delta E_\mathrm{g}$", "eV", "meV", 1e3, "edge less that of the reference"),
    "absorption": Term("α", r"$\alpha$", "m-1", "cm^-1", 1e-2, "absorption coefficient 0.1 eV above the edge"),
    "baseline": Term("αd0", r"$\alpha d_0$", "1", "1", 1.0, "optical depth far below the edge"),
    "absorbance_growth": Term("ΔA", r"$\Delta A$", "1", "1", 1.0, "growth of a decadic absorbance"),
    "band_ratio": Term("290/360", "290/360", "1", "1", 1.0, "growth at 290 nm over that at 360 nm"),
    "wavenumber": Term("ν", r"$\tilde\nu$", "cm^-1", "cm^-1", 1.0, "wavenumber of a line"),
    "wavenumber_width": Term("Δν", r"$\Delta\tilde\nu$", "cm^-1", "cm^-1", 1.0, "its full width at half maximum"),
    "wavenumber_difference": Term("δν", r"$\delta\tilde\nu$", "cm^-1", "cm^-1", 1.0, "place less the reference's"),
    "chemical_shift": Term("δ", r"$\delta$", "ppm", "ppm", 1.0, "chemical shift of a line"),
    "chemical_shift_width": Term("w", "$w$", "ppm", "ppm", 1.0, "its full width at half maximum"),
    "chemical_shift_difference": Term("Δδ", r"$\Delta\delta$", "ppm", "ppm", 1.0, "shift less the reference's"),
    "extreme_signal": Term("Sx", r"$S_\mathrm{x}$", "1", "1", 1.0, "tallest or deepest point of a spectrum"),
}  # fmt: skip

#: the same of quantities that each junction of a cell has, by the start of their names: "voltage_top", "eqe_middle"
OF_A_JUNCTION: dict[str, Term] = {
    "own_voltage": Term(
        "V {} alone", r"$V_\mathrm{{{},1}}$", "V", "V", 1.0, "voltage of the {} junction alone"
    ),
    "own_current": Term(
        "J {} alone", r"$J_\mathrm{{{},1}}$", "A m-2", "mA/cm^2", 0.1, "current of the {} junction alone"
    ),
    "voltage": Term("V {}", r"$V_\mathrm{{{}}}$", "V", "V", 1.0, "voltage of the {} junction"),
    "eqe": Term("EQE {}", r"EQE$_\mathrm{{{}}}$", "1", "1", 1.0, "quantum efficiency of the {} junction"),
}

#: quantities that instruments bring along
_BROUGHT: dict[str, Term] = {}

#: stored unit -> (unit that people read, factor), for quantities that are not listed by name
_BY_UNIT: dict[str, tuple[str, float]] = {
    "A m-2": ("mA/cm^2", 0.1),
    "W m-2": ("mW/cm^2", 0.1),
    "m-3": ("cm^-3", 1e-6),
    "m-3 s-1": ("cm^-3 s^-1", 1e-6),
    "V m-1": ("kV/cm", 1e-5),
    "ohm m2": ("ohm cm^2", 1e4),
    "F m-2": ("nF/cm^2", 1e5),
    "m": ("nm", 1e9),
    "m-2": ("cm^-2", 1e-4),
    "m-2 s-1 m-1": ("cm^-2 s^-1 nm^-1", 1e-13),
}


def term_of(name: str) -> Term | None:
    """What is known of a quantity; None of an unknown one. What stands behind a comma or a blank in a name tells it
    from others of its kind.
    """
    base = re.split("[, ]", name, maxsplit=1)[0]
    known = NOMENCLATURE.get(base) or _BROUGHT.get(base)
    if known is not None:
        return known
    for start, term in OF_A_JUNCTION.items():
        junction = base.removeprefix(f"{start}_")
        if junction != base:
            return term._replace(
                symbol=term.symbol.format(junction),
                latex=term.latex.format(junction),
                words=term.words.format(junction),
            )
    return None


def add_term(name: str, term: Term) -> None:
    """Make a quantity known that an instrument brings along.

    Raises
    ------
    InputError
        It is known already, as something else.
    """
    known = term_of(name)
    if known is not None and known != term:
        raise InputError(
            f'"{name}" is the {known.words} in {known.unit} already, and an instrument declares it as the '
            f"{term.words} in {term.unit}.",
            "Give the instrument's quantity another name.",
            key=name,
        )
    if known is None:
        _BROUGHT[name] = term


def field_unit(name: str, unit: str) -> tuple[str, float]:
    """The unit in which people read the quantity ``name`` stored in ``unit``, and the factor that takes it
    there.
    """
    known = term_of(name)
    if known is not None and known.unit == unit:
        return known.field_unit, known.factor
    return _BY_UNIT.get(unit, (unit, 1.0))


def heading(name: str, unit: str | None = None) -> str:
    """A table heading such as "Voc (V)"; ``name`` itself when the quantity is not a known one.

    What is in another unit than the quantity is stored in (an impedance in ohm, of a device whose area nobody told)
    says its own.
    """
    known = term_of(name)
    if known is None:
        return name if unit in (None, "1") else f"{name} ({field_unit(name, str(unit))[0]})"
    if unit is not None and unit != known.unit:
        shown = field_unit(name, unit)[0]
        return known.symbol if shown == "1" else f"{known.symbol} ({shown})"
    return known.symbol if known.field_unit == "1" else f"{known.symbol} ({known.field_unit})"
