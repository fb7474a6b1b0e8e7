# ruff: noqa: E501 - lines of files are as long as the programs write them
"""Small files in the layouts of instruments, made of closed formulas: what stands in tests/data/formats.

    python tests/support/made_files.py        writes them again

The formulas here are what the tests of the readers compare with; the layouts are those that the makers' programs write.
"""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parents[1] / "data" / "formats"

# --- what was measured -----------------------------------------------------------------------------------------------

#: Hz, ohm: 20 ohm in series with 100 ohm beside 10 uF
FREQUENCY = np.geomspace(1e5, 1.0, 11)
IMPEDANCE = 20.0 + 100.0 / (1.0 + 2j * math.pi * FREQUENCY * 100.0 * 1e-5)
#: V, F: of 0.1 cm2, built-in voltage 1 V
BIAS = np.linspace(-1.0, 0.6, 17)
CAPACITANCE = 2e-9 / np.sqrt(1.0 - BIAS)
#: s, V: a decay of 5 us after a trigger at 0
MOMENTS = np.arange(-20, 80) * 5e-7
TRACE = 0.01 + 0.04 * np.where(MOMENTS < 0.0, 0.0, np.exp(-np.clip(MOMENTS, 0.0, None) / 5e-6))
#: deg, counts: lines at 14.10 and 28.42
ANGLES = 12.0 + 0.05 * np.arange(361)
COUNTS = np.round(
    50
    + 4000 * np.exp(-0.5 * ((ANGLES - 14.1) / 0.08) ** 2)
    + 1500 * np.exp(-0.5 * ((ANGLES - 28.42) / 0.1) ** 2)
)
#: nm, shares: an edge at 700 nm
WAVELENGTH = np.arange(900.0, 499.0, -5.0)
TRANSMITTANCE = 0.05 + 0.8 / (1.0 + np.exp(-(WAVELENGTH - 700.0) / 15.0))
REFLECTANCE = 0.1 + 0.02 * np.cos(WAVELENGTH / 30.0)
#: eV, counts: Pb 4f7/2 at 138.4 and its partner
BINDING = np.arange(150.0, 130.0 - 1e-9, -0.1)
ELECTRONS = np.round(
    500
    + 8000 * np.exp(-0.5 * ((BINDING - 138.4) / 0.5) ** 2)
    + 6000 * np.exp(-0.5 * ((BINDING - 143.26) / 0.5) ** 2)
)
PHOTON = 1486.6
#: s, counts of two ions
SPUTTERED = np.arange(0.0, 100.0, 2.0)
IONS = {
    "PbI_2-": np.round(5000.0 / (1.0 + np.exp((SPUTTERED - 60.0) / 3.0))),
    "InO_2-": np.round(8000.0 / (1.0 + np.exp(-(SPUTTERED - 70.0) / 3.0))),
}
#: 1/cm, transmittance: a band at 1710
WAVENUMBER = np.arange(2000.0, 1499.0, -1.0)
BAND = np.round((0.98 - 0.4 / (1.0 + ((WAVENUMBER - 1710.0) / 8.0) ** 2)) * 10_000) / 10_000
#: ppm, intensity: a line at 2.50
SHIFT = np.linspace(12.0, -1.0, 1301)
LINE = np.round(1e6 / (1.0 + ((SHIFT - 2.5) / 0.01) ** 2))
#: heights in m on 2 x 1 um: a wave of 5 nm along x
ROWS, COLUMNS = 24, 40
HEIGHTS = 5e-9 * np.sin(2.0 * math.pi * np.arange(COLUMNS) / 20.0)[None, :] + 1e-9 * np.arange(ROWS)[:, None]
#: s, counts: a decay of photons
DELAYS = 1e-10 * np.arange(400)
PHOTONS = np.round(np.where(DELAYS < 4e-9, 2.0, 2.0 + 900.0 * np.exp(-(DELAYS - 4e-9) / 6e-9)))


# --- how it is written -----------------------------------------------------------------------------------------------


def table(columns, formats, between="\t", end="\n", comma=False):
    lines = []
    for row in zip(*columns, strict=True):
        cells = [form % value for form, value in zip(formats, row, strict=True)]
        lines.append(between.join(cell.replace(".", ",") if comma else cell for cell in cells))
    return end.join(lines) + end


def ec_lab(
    comma=False, header=True, names=("freq/Hz", "Re(Z)/Ohm", "-Im(Z)/Ohm"), area="0.001 cm²", extra=()
):
    z = {"freq/Hz": FREQUENCY, "Re(Z)/Ohm": IMPEDANCE.real, "-Im(Z)/Ohm": -IMPEDANCE.imag, "|Z|/Ohm": abs(IMPEDANCE),
         "Phase(Z)/deg": np.degrees(np.angle(IMPEDANCE)), "Im(Z)/Ohm": IMPEDANCE.imag}  # fmt: skip
    lines = ["EC-Lab ASCII FILE", "Nb header lines : {n}", "", "Potentio Electrochemical Impedance Spectroscopy", "",
             "Run on channel : 1 (SN 0)", "User : ", f"Electrode surface area : {area}", "Comments : made by hand",
             "Mode                Single sine         ", "Va (mV)             20.0                ", *extra, ""]  # fmt: skip
    lines.append("\t".join([*names, "cycle number", ""]))
    text = "\r\n".join(lines).replace("{n}", str(len(lines))) + "\r\n" if header else lines[-1] + "\r\n"
    columns = [z[name] for name in names] + [np.ones(FREQUENCY.size)]
    return (text + table(columns, ["%.7E"] * len(columns), end="\t\r\n", comma=comma)).encode("cp1252")


def gamry(announced="", curve=True, aborted=False, rows=None):
    text = (
        "EXPLAIN\nTAG\tEISPOT\nTITLE\tLABEL\tPotentiostatic EIS\tTest &Identifier\nDATE\tLABEL\t1/2/2026\tDate\n"
        "VDC\tPOTEN\t0.00000E+000\tF\tDC &Voltage (V)\nAREA\tQUANT\t1.00000E+000\t&Area (cm^2)\n"
        "OCVCURVE\tTABLE\t3\n\tPt\tT\tVf\tVm\tAch\n\t#\ts\tV vs. Ref.\tV\tV\n"
        "\t0\t0.25\t1.00E-003\t1.00E-003\t0\n\t1\t0.5\t1.10E-003\t1.10E-003\t0\n\t2\t0.75\t1.20E-003\t1.20E-003\t0\n"
    )
    if curve:
        text += (
            f"ZCURVE\tTABLE{announced}\n\tPt\tTime\tFreq\tZreal\tZimag\tZsig\tZmod\tZphz\tIdc\tVdc\tIERange\n"
        )
        text += "\t#\ts\tHz\tohm\tohm\tV\tohm\t°\tA\tV\t#\n"
        for at in range(FREQUENCY.size if rows is None else rows):
            z = IMPEDANCE[at]
            text += (
                f"\t{at}\t{at + 1}\t{FREQUENCY[at]:.7g}\t{z.real:.7g}\t{z.imag:.7g}\t1\t{abs(z):.7g}\t"
                f"{math.degrees(math.atan2(z.imag, z.real)):.6g}\t1E-006\t0.001\t7\n"
            )
    if aborted:
        text += "EXPERIMENTABORTED\tTOGGLE\tT\tExperiment Aborted\n"
    return text.encode("cp1252")


def zplot(points=11, named=True, between="\t"):
    head = "ZPLOT2 ASCII\n  Measured Data, ZPlot:       3.5h\n  Experiment Type:            Sweep Frequency\n"
    head += f"    Surface Area:             1\n  Data Points:                {points}\n"
    if named:
        head += "  Freq(Hz)\tAmpl\tBias\tTime(Sec)\tZ'(a)\tZ''(b)\tGD\tErr\tRange\n"
    zero = np.zeros(FREQUENCY.size)
    columns = [
        FREQUENCY,
        zero + 0.01,
        zero,
        np.arange(11.0),
        IMPEDANCE.real,
        IMPEDANCE.imag,
        zero,
        zero,
        zero + 3,
    ]
    return (head + "End Comments\n" + table(columns, ["%.6E"] * 7 + ["%d"] * 2, between=between)).encode()


def chi(name="CHI660E", imag='Z"/ohm', sign=1.0):
    head = (
        f"Jan. 2, 2026   10:00:00\nA.C. Impedance\nFile: made.bin\nData Source:  Experiment\nInstrument Model:  {name}\n"
        f"Header: \nNote: \n\nInit E (V) = 0\nAmplitude (V) = 0.01\n\nFreq/Hz, Z'/ohm, {imag}, Z/ohm, Phase/deg\n\n"
    )
    columns = [
        FREQUENCY,
        IMPEDANCE.real,
        sign * IMPEDANCE.imag,
        abs(IMPEDANCE),
        np.degrees(np.angle(IMPEDANCE)),
    ]
    return (head + table(columns, ["%.6e"] * 5, between=", ")).encode()


def versastudio(binary=False, with_open_circuit=True, kinds=("Z Real", "Z Imag")):
    text = "<Application>\nName=VersaStudio\nVersion=2.6\n</Application>\n<Instrument>\nModel=VersaSTAT 3\n</Instrument>\n"
    text += f"<Experiment>\nDataFormat={'Binary' if binary else 'ASCII'}\n</Experiment>\n"
    if binary:
        return (
            text + "<Segment1>\nType=2\nDefinition=Segment #, Point #, E(V), Frequency(Hz)\n</Segment1>\n"
        ).encode()
    number = 0
    if with_open_circuit:
        text += "<Segment0>\nType=1\nDefinition=Segment #, Point #, E(V), I(A), Elapsed Time(s), Frequency(Hz), Z Real, Z Imag\n"
        text += "0,0,0.01,0,1,0,0,0\n0,1,0.011,0,2,0,0,0\n</Segment0>\n"
        number = 1
    text += f"<Segment{number}>\nType=2\nVersion=3\nDefinition=Segment #, Point #, E(V), I(A), Elapsed Time(s), Frequency(Hz), "
    text += f"E Real, E Imag, {kinds[0]}, {kinds[1]}, ActionId\n"
    zero = np.zeros(FREQUENCY.size)
    columns = [zero + number, np.arange(11.0), zero + 0.01, zero, np.arange(11.0), FREQUENCY, zero, zero, IMPEDANCE.real, IMPEDANCE.imag, zero + 5]  # fmt: skip
    text += table(
        columns, ["%d", "%d", "%.4f", "%.3E", "%.2f", "%.6E", "%g", "%g", "%.6E", "%.6E", "%d"], between=","
    )
    return (text + f"</Segment{number}>\n").encode()


def impedance_table(names, columns, between="\t", comma=False, digits="%.6E", encoding="utf-8"):
    return (
        between.join(names) + "\n" + table(columns, [digits] * len(columns), between, comma=comma)
    ).encode(encoding)


def capacitance_files():
    rp = 1.0 / (1e-5 + 1e-6 * np.arange(BIAS.size))
    empa = "Sample name: \tSAMPLE\nCell Area (cm²) \t0.1\nFrequency [Hz]: \t1.0E5\nTemperature [K]: \t298\n\n"
    yield (
        "cv_empa.txt",
        (
            "\ufeff"
            + empa
            + "Voltage\tCapacitance\tRp [Ohm]\n\n"
            + table([BIAS, CAPACITANCE, rp], ["%.4g", "%.7E", "%.6g"])
        ).encode(),
    )
    yield (
        "cv_keithley.csv",
        (
            "DCV_AB,F_AB,Cp_AB,Gp_AB\n"
            + table(
                [BIAS, np.full(BIAS.size, 1e5), CAPACITANCE, 1.0 / rp], ["%.4f", "%.0f", "%.7E", "%.6E"], ","
            )
        ).encode(),
    )
    yield (
        "cv_comma.txt",
        (
            "Bias (V);Capacitance (nF)\n"
            + table([BIAS, CAPACITANCE * 1e9], ["%.4f", "%.7f"], ";", comma=True)
        ).encode(),
    )
    hertz = np.geomspace(100.0, 1e6, 17)
    yield (
        "cf_empa.txt",
        (
            "Sample name: \tSAMPLE\nCell Area (cm²) \t0.1\nTemperature [K]: \t298\n\nFrequency [Hz]\tC [nF]\tRp [Ohm]\n\n"
            + table([hertz, CAPACITANCE * 1e9, rp], ["%.6E", "%.7f", "%.6g"])
        ).encode(),
    )


def oscilloscope_files():
    time, volts = ["%.9e"] * 2, [MOMENTS, TRACE]
    yield (
        "scope_rigol.csv",
        (
            "X,CH1,CH2,\r\nSecond,Volt,Volt,\r\n" + table([*volts, TRACE * 2], ["%.9e"] * 3, ",", ",\r\n")
        ).encode(),
    )
    yield (
        "scope_rigol_sequence.csv",
        (
            "X,CH1,Start,Increment,\nSequence,VOLT,-1.000000e-05,5.000000e-07\n"
            + table([np.arange(MOMENTS.size), TRACE], ["%d", "%.9e"], ",", ",,\n")
        ).encode(),
    )
    yield (
        "scope_rigol_raw.csv",
        ("CH1V,t0 =-1.000000e-05s, tInc = 5.000000e-07,\n" + table([TRACE], ["%.9e"], end=",\n")).encode(),
    )
    yield "scope_keysight.csv", ("x-axis,1\nsecond,Volt\n" + table(volts, time, ",")).encode()
    yield (
        "scope_siglent.csv",
        (
            f"Record Length,Analog:{MOMENTS.size}\nSample Interval,Analog:5e-07\nVertical Units,V\nSource,CH1\nSecond,Volt\n"
            + table(volts, time, ",")
        ).encode(),
    )
    yield (
        "scope_lecroy.csv",
        (
            f"LECROYWS44Xs,12345,Waveform\nSegments,1,SegmentSize,{MOMENTS.size}\nSegment,TrigTime,TimeSinceSegment1\n"
            "#1,02-Jan-2026 10:00:00,0\nTime,Ampl\n" + table(volts, time, ",")
        ).encode(),
    )
    entries = [f"Record Length,{MOMENTS.size:.6e}", "Sample Interval,5.000000e-07", "Trigger Point,20", "Source,CH1",
               "Vertical Units,V", "Vertical Scale,1e-2", "Horizontal Units,s", "Probe Atten,1"]  # fmt: skip
    rows = [
        (entries[at] if at < len(entries) else ",") + f",,{MOMENTS[at]:.9e},{TRACE[at]:.9e},"
        for at in range(MOMENTS.size)
    ]
    yield "scope_tektronix.csv", ("\n".join(rows) + "\n").encode()


def xrdml(what="intensities", factors=None, listed=False, scans=1, version="2.1"):
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<xrdMeasurements xmlns="http://www.xrdml.com/XRDMeasurement/{version}" status="Completed">\n'
    text += '<sample type="To be analyzed"><id>made</id><name>made</name></sample>\n<xrdMeasurement measurementType="Scan">\n'
    text += '<usedWavelength intended="K-Alpha 1"><kAlpha1 unit="Angstrom">1.5405980</kAlpha1><kAlpha2 unit="Angstrom">1.5444260</kAlpha2>'
    text += "<ratioKAlpha2KAlpha1>0.5000</ratioKAlpha2KAlpha1></usedWavelength>\n"
    text += "<incidentBeamPath><xRayTube><anodeMaterial>Cu</anodeMaterial></xRayTube></incidentBeamPath>\n"
    for _ in range(scans):
        text += '<scan scanAxis="Gonio" status="Completed"><dataPoints>\n<positions axis="2Theta" unit="deg">'
        if listed:
            text += "<listPositions>" + " ".join(f"{one:.4f}" for one in ANGLES) + "</listPositions>"
        else:
            text += (
                f"<startPosition>{ANGLES[0]:.8f}</startPosition><endPosition>{ANGLES[-1]:.8f}</endPosition>"
            )
        text += '</positions>\n<positions axis="Omega" unit="deg"><startPosition>6.0</startPosition><endPosition>15.0</endPosition></positions>\n'
        text += '<commonCountingTime unit="seconds">10.0</commonCountingTime>\n'
        counts = COUNTS if factors is None or what == "intensities" else COUNTS / factors
        if factors is not None:
            text += (
                "<beamAttenuationFactors>"
                + " ".join(f"{one:g}" for one in factors)
                + "</beamAttenuationFactors>\n"
            )
        text += (
            f'<{what} unit="counts">'
            + " ".join(f"{one:.10g}" for one in counts)
            + f"</{what}>\n</dataPoints></scan>\n"
        )
    return (text + "</xrdMeasurement>\n</xrdMeasurements>\n").encode()


def rigaku(factors=None, announced=None):
    factors = np.ones(COUNTS.size) if factors is None else factors
    text = '*RAS_DATA_START\r\n*RAS_HEADER_START\r\n*FILE_SAMPLE "made"\r\n*HW_XG_TARGET_NAME "Cu"\r\n*HW_XG_WAVE_LENGTH_ALPHA1 "1.540593"\r\n'
    text += f'*HW_XG_WAVE_LENGTH_ALPHA2 "1.544414"\r\n*MEAS_DATA_COUNT "{COUNTS.size if announced is None else announced}"\r\n*MEAS_SCAN_AXIS_X "2-Theta/Theta"\r\n'
    text += '*MEAS_SCAN_AXIS_X_INTERNAL "TwoThetaTheta"\r\n*MEAS_SCAN_UNIT_X "deg"\r\n*RAS_HEADER_END\r\n*RAS_INT_START\r\n'
    text += table([ANGLES, COUNTS / factors, factors], ["%.4f", "%.4f", "%.4f"], " ", "\r\n")
    return (text + "*RAS_INT_END\r\n*RAS_DATA_END\r\n").encode()


#: 2 where the direct beam would blind the detector
FACTORS = np.where(COUNTS > 2000.0, 2.0, 1.0)


def perkin(ordinate="%T", values=None, points=None, digits="%.6f"):
    values = TRANSMITTANCE * 100.0 if values is None else values
    head = "PE UV       SUBTECH     SPECTRUM    ASCII       PEDS        4.00        \r\n   -1\r\nmade.asc\r\n26/01/02\r\n"
    head += "10:00:00.00\r\n26/01/02\r\n10:00:00.00\r\nsomebody\r\n\r\n500.000000\r\n1\r\nLambda 1050\r\n"
    head += f"#HDR\r\n-1\r\n-1\r\n#GR\r\nnm\r\n{ordinate}\r\n1.0\r\n0.0\r\n900.000000\r\n-5.000000\r\n"
    head += f"{WAVELENGTH.size if points is None else points}\r\n8\r\n{values.max():.6f}\r\n{values.min():.6f}\r\n#DATA\r\n"
    return (head + table([WAVELENGTH, values], ["%.6f", digits], end="\r\n")).encode()


def jasco(ordinate="%T", values=None, between="\t", comma=False):
    values = TRANSMITTANCE * 100.0 if values is None else values
    head = ["TITLE", "made"], ["DATA TYPE", "ULTRAVIOLET SPECTRUM"], ["ORIGIN", "JASCO"], ["XUNITS", "NANOMETERS"], ["YUNITS", ordinate], ["FIRSTX", "900"], ["LASTX", "500"], ["NPOINTS", str(WAVELENGTH.size)]  # fmt: skip
    text = "\r\n".join(between.join(one) for one in head) + "\r\nXYDATA\r\n"
    return (text + table([WAVELENGTH, values], ["%.1f", "%.8f"], between, "\r\n", comma)).encode()


def vamas(blank=0, irregular=False, second=False, binding=False, shared=False, work_function=4.4):
    """Blocks of Pb 4f; a second one with or without what it shares with the first."""
    kinetic = PHOTON - BINDING if not binding else BINDING
    lines = ["VAMAS Surface Chemical Analysis Standard Data Transfer Format 1988 May 4", "Not specified", "made", "somebody",
             "made", "1", "made of a formula", "NORM", "IRREGULAR" if irregular else "REGULAR", "1", "1", "Exp Variable", "d"]  # fmt: skip
    # parts that later blocks hold: names, comment, conditions and ordinates; all others are those of the first
    kept = [8, 11, 32, 40]
    lines += [str(len(kept)), *map(str, kept)] if shared else ["0"]
    lines += ["0", "0", "0", "2" if second else "1"]

    def block(name, counts, is_first):
        made = [name, "film"]
        whole = is_first or not shared
        if whole:
            made += ["2026", "1", "2", "10", "0", "0", "0"]
        made += ["1", "a comment"]
        if whole:
            made += ["XPS"]
        made += ["7"]
        if whole:
            made += ["Al", f"{PHOTON}", "150", "1E37", "1E37", "1E37", "1E37", "FAT", "20", "1E37", f"{work_function}",
                     "0", "1E37", "1E37", "0", "0", "Pb", "4f", "-1"]  # fmt: skip
            if not irregular:
                label = "Binding Energy" if binding else "Kinetic Energy"
                made += [label, "eV", f"{kinetic[0]:.4f}", f"{kinetic[1] - kinetic[0]:.4f}"]
        made += ["2", "Kinetic Energy", "eV", "Intensity", "d"] if irregular else ["1", "Intensity", "d"]
        if whole:
            made += ["pulse counting", "0.2", "3", "0", "0", "0", "0"]
        made += ["0"]
        if irregular:
            pairs = [f"{value:.4f}" for both in zip(kinetic, counts, strict=True) for value in both]
            made += [
                str(len(pairs)),
                f"{kinetic.min()}",
                f"{kinetic.max()}",
                f"{counts.min()}",
                f"{counts.max()}",
                *pairs,
            ]
        else:
            made += [
                str(counts.size),
                f"{counts.min()}",
                f"{counts.max()}",
                *(f"{one:.4f}" for one in counts),
            ]
        return made

    lines += block("Pb 4f", ELECTRONS, True)
    if second:
        lines += block("Pb 4f again", ELECTRONS * 2.0, False)
    lines += ["end of experiment"]
    return ("\r\n" * blank + "\r\n".join(lines) + "\r\n").encode("cp1252")


def scienta(regions=1, kinetic=False, size=None, slices=1):
    text = f"[Info]\r\nNumber of Regions={regions:04d}\r\nVersion=1.3.1\r\n\r\n"
    energy = PHOTON - BINDING if kinetic else BINDING
    for number in range(1, regions + 1):
        text += f"[Region {number}]\r\nRegion Name=Pb4f\r\nDimension 1 name={'Kinetic' if kinetic else 'Binding'} Energy [eV]\r\n"
        text += (
            f"Dimension 1 size={BINDING.size if size is None else size}\r\nDimension 1 scale="
            + " ".join(f"{one:g}" for one in energy)
            + "\r\n\r\n"
        )
        text += f"[Info {number}]\r\nRegion Name=Pb4f\r\nPass Energy=50\r\nNumber of Sweeps=2\r\nExcitation Energy={PHOTON}\r\n"
        text += f"Energy Scale={'Kinetic' if kinetic else 'Binding'}\r\n\r\n[Data {number}]\r\n"
        columns = [energy] + [ELECTRONS / slices] * slices
        text += table(columns, [" %.6E"] * len(columns), " ", "\r\n") + "\r\n"
    return text.encode()


def specs(regions=1, kinetic=True, scans=1, comma=False):
    text = "# Created by:        SpecsLab2, Version 2.85\n#\n# Group:             made\n#\n"
    energy = PHOTON - BINDING if kinetic else BINDING
    for _ in range(regions):
        text += "# Region:            Pb 4f\n# Analysis Method:   XPS\n# Number of Scans:   1\n"
        text += f"# Curves/Scan:       1\n# Values/Curve:      {BINDING.size}\n# Dwell Time:        0.1\n# Excitation Energy: {PHOTON}\n"
        text += f"# Pass Energy:       20\n# Eff. Workfunction: 4.3\n# Energy Axis:       {'Kinetic' if kinetic else 'Binding'} Energy\n# Count Rate:        Counts\n"
        for scan in range(scans):
            text += f"#\n# Cycle: 0, Curve: 0, Scan: {scan}\n# ColumnLabels: energy counts\n#\n"
            text += table([energy, ELECTRONS / scans], ["%.4f", "%.4f"], "  ", comma=comma)
    return text.encode()


def iontof(header=True, corrected=False, leading=True, tail="\t"):
    species = ["total", *IONS]
    columns = [sum(IONS.values()), *IONS.values()]
    kind = "Intensity (Raw. Poisson Corrected)" if corrected else "Intensity"
    before = (
        ["#Data Point #", "Sputter Time (s)", "Dose (ions)", "Fluence (ions/cm^2)"]
        if leading
        else ["Sputter Time (s)"]
    )
    rows = ["# Profile Smoothing is Disabled"] if header else []
    blank = [""] * len(before)
    if leading:
        blank = ["#", "", "", ""]
    rows.append("\t".join([*blank, *species]) + tail)
    rows.append("\t".join([*blank, "N/A" if leading else "", "461.7853", "146.8937"]) + tail)
    rows.append("\t".join([*before, *[kind] * 3]) + tail)
    number = np.arange(1, SPUTTERED.size + 1)
    lead = [number, SPUTTERED, number * 1e10, number * 1e12] if leading else [SPUTTERED]
    forms = ["%d", "%.4f", "%.5e", "%.5e"] if leading else ["%.4f"]
    text = "\n".join(rows) + "\n" + table([*lead, *columns], [*forms, *["%g"] * 3], end=tail + "\n")
    return text.replace("\n", "\r\n" if leading else "\n").encode()


def jcamp(kind="affn"):
    head = {
        "affn": ("INFRARED SPECTRUM", "1/CM", "TRANSMITTANCE", WAVENUMBER, BAND, 1e-4),
        "pairs": ("INFRARED SPECTRUM", "1/CM", "TRANSMITTANCE", WAVENUMBER, BAND, 1.0),
        "squeezed": ("INFRARED SPECTRUM", "1/CM", "TRANSMITTANCE", WAVENUMBER, BAND, 1e-4),
        "nmr": ("NMR SPECTRUM", "PPM", "ARBITRARY UNITS", SHIFT, LINE, 1.0),
    }[kind]
    data, xunits, yunits, x, y, factor = head
    text = f"##TITLE= made ({kind})\n##JCAMP-DX= 4.24\n##DATA TYPE= {data}\n##ORIGIN= made\n##OWNER= nobody\n"
    text += f"##XUNITS= {xunits}\n##YUNITS= {yunits}\n##XFACTOR= 1.0\n##YFACTOR= {factor:g}\n##FIRSTX= {x[0]:.6f}\n##LASTX= {x[-1]:.6f}\n"
    text += f"##NPOINTS= {x.size}\n##FIRSTY= {y[0]:.6g}\n##MAXY= {y.max():.6g}\n##MINY= {y.min():.6g}\n"
    whole = np.round(y / factor).astype(int)
    if kind == "pairs":
        text += "##XYPOINTS= (XY..XY)\n" + "".join(f"{a:.2f}, {b:.4f}\n" for a, b in zip(x, y, strict=True))
    elif kind == "squeezed":
        text += "##XYDATA= (X++(Y..Y))\n" + _squeezed(x, whole)
    else:
        text += "##XYDATA= (X++(Y..Y))\n"
        for at in range(0, x.size, 10):
            text += f"{x[at]:.2f} " + " ".join(str(one) for one in whole[at : at + 10]) + "\n"
    return (text + "##END=\n").encode()


def _squeezed(x, whole):
    """Lines of the squeezed and difference forms of JCAMP-DX 4.24: each begins with the last value of the one before."""
    positive, negative = "@ABCDEFGHI", "@abcdefghi"
    up, down = "%JKLMNOPQR", "%jklmnopqr"

    def form(value, plus, minus):
        digits = str(abs(value))
        letters = plus if value >= 0 else minus
        return letters[int(digits[0])] + digits[1:]

    lines, at = [], 0
    while at < whole.size:
        part = whole[max(at - 1, 0) : at + 10]
        start = x[max(at - 1, 0)]
        text = f"{start:.0f}" + form(int(part[0]), positive, negative)
        text += "".join(form(int(b - a), up, down) for a, b in pairwise(part))
        lines.append(text)
        at += 10 if at else part.size
    return "\n".join(lines) + "\n"


def topspin(size=None, comma=False, name="made"):
    left, right = ("12,0", "-1,0") if comma else ("12.0", "-1.0")
    head = f"# File created = Friday\n# Data set = {name}  1  1\n# Spectral Region:\n# LEFT = {left} ppm. RIGHT = {right} ppm.\n#\n"
    head += f"# SIZE = {SHIFT.size if size is None else size} ( = number of points)\n#\n# In the following ordering is from the 'left' to the 'right' limits!\n#\n"
    return (head + "\n".join(f"{one:.1f}" for one in LINE) + "\n").encode()


def files():
    """Names and contents of all text files."""
    f, z = FREQUENCY, IMPEDANCE
    degrees = np.degrees(np.angle(z))
    yield "eis_ec_lab.mpt", ec_lab()
    yield (
        "eis_ec_lab_comma.mpt",
        ec_lab(comma=True, names=("freq/Hz", "|Z|/Ohm", "Phase(Z)/deg", "Re(Z)/Ohm", "-Im(Z)/Ohm")),
    )
    yield "eis_ec_lab_short.txt", ec_lab(header=False, names=("Re(Z)/Ohm", "-Im(Z)/Ohm", "freq/Hz"))
    yield "eis_ec_lab_area.mpt", ec_lab(area="0.160 cm²")
    yield "eis_gamry.DTA", gamry()
    yield "eis_gamry_counted.DTA", gamry(announced="\t15")
    yield "eis_gamry_aborted.DTA", gamry(aborted=True)
    yield "eis_zplot.z", zplot()
    yield "eis_zplot_short.z", zplot(points=20)
    yield "eis_zplot_unnamed.z", zplot(named=False, between=", ")
    yield "eis_chi.txt", chi()
    yield "eis_chi_minus.txt", chi(imag='-Z"/ohm', sign=-1.0)
    yield "eis_chi_760.txt", chi(name="CHI760E")
    yield "eis_versastudio.par", versastudio()
    yield "eis_versastudio_one.par", versastudio(with_open_circuit=False)
    yield "eis_versastudio_units.par", versastudio(kinds=("Z Real(Ohms)", "Z Imag(Ohms)"))
    yield "eis_autolab.txt", impedance_table(["Index", "Frequency (Hz)", "Z' (Ω)", "-Z'' (Ω)", "Z (Ω)", "-Phase (°)"], [np.arange(1.0, 12.0), f, z.real, -z.imag, abs(z), -degrees], ";", True)  # fmt: skip
    yield "eis_parstat.txt", impedance_table(["Segment", "Point", "Potential (V)", "Frequency (Hz)", "Zre (ohms)", "Zim (ohms)"], [f * 0, np.arange(11.0), f * 0, f, z.real, z.imag])  # fmt: skip
    yield (
        "eis_powersuite.txt",
        impedance_table(["Frequency (Hz)", "Zre (ohms)", "Zim (ohms)"], [f, z.real, z.imag]),
    )
    yield "eis_bode_kohm.csv", impedance_table(["Frequency [kHz]", "|Z| [kOhm]", "Phase [deg]"], [f / 1e3, abs(z) / 1e3, degrees], ",")  # fmt: skip
    yield (
        "eis_per_area.csv",
        impedance_table(["f/Hz", "Z'/ohm cm2", "Z''/ohm cm2"], [f, z.real * 0.1, z.imag * 0.1], ","),
    )
    yield from capacitance_files()
    yield from oscilloscope_files()
    yield "xrd.xrdml", xrdml()
    yield "xrd_counts_attenuated.xrdml", xrdml("counts", FACTORS, version="1.3")
    yield "xrd_intensities_attenuated.xrdml", xrdml("intensities", FACTORS, listed=True)
    yield "xrd_two_scans.xrdml", xrdml(scans=2)
    plain = table([ANGLES, COUNTS], ["%.4f", "%.0f"], " ")
    yield "xrd.xy", plain.encode()
    yield "xrd_bruker.xy", ("'Id: \"made\" Comment: \"\" Operator: \"\" Anode: \"Cu\" Scantype: \"Coupled TwoTheta/Theta\" TimePerStep: \"1\"\n" + plain).encode()  # fmt: skip
    yield (
        "xrd_named.csv",
        ("2Theta (deg),Intensity (counts)\n" + table([ANGLES, COUNTS], ["%.4f", "%.0f"], ",")).encode(),
    )
    yield "xrd_errors.xye", table([ANGLES, COUNTS, np.sqrt(COUNTS)], ["%.4f", "%.0f", "%.3f"], "\t").encode()
    yield "xrd_panalytical.csv", ("[Measurement conditions]\nSample identification,made\nAnode material,Cu\nK-Alpha1 wavelength,1.5406\nScan range,12,30\n\n[Scan points]\nAngle,TimePerStep,Intensity,ESD\n" + table([ANGLES, np.full(ANGLES.size, 10.0), COUNTS, np.sqrt(COUNTS)], ["%.4f", "%.1f", "%.0f", "%.3f"], ",")).encode()  # fmt: skip
    yield "xrd_rigaku.ras", rigaku()
    yield "xrd_rigaku_attenuated.ras", rigaku(FACTORS)
    yield "xrd_rigaku_more_announced.ras", rigaku(announced=400)
    yield "uv_perkin.asc", perkin()
    yield "uv_perkin_absorbance.asc", perkin("A", -np.log10(TRANSMITTANCE), digits="%.8f")
    yield "uv_perkin_reflectance.asc", perkin("%R", REFLECTANCE * 100.0, points=100)
    yield "uv_jasco.txt", jasco()
    yield "uv_jasco_absorbance.txt", jasco("ABSORBANCE", -np.log10(TRANSMITTANCE))
    yield "uv_jasco_comma.txt", jasco(comma=True)
    yield "uv_shimadzu.txt", ('"film"\n"Wavelength nm."\t"T%"\n' + table([WAVELENGTH, TRANSMITTANCE * 100], ["%.5f", "%.5f"])).encode()  # fmt: skip
    yield "uv_both.csv", ("Wavelength (nm),T (%),R (%)\n" + table([WAVELENGTH, TRANSMITTANCE * 100, REFLECTANCE * 100], ["%.1f", "%.5f", "%.5f"], ",")).encode()  # fmt: skip
    yield "uv_comma.csv", ("Wavelength (nm);Transmittance\n" + table([WAVELENGTH, TRANSMITTANCE], ["%.1f", "%.6f"], ";", comma=True)).encode()  # fmt: skip
    yield "uv_cary_pairs.csv", ("one,,two,\nWavelength (nm),%T,Wavelength (nm),%T\n" + table([WAVELENGTH, TRANSMITTANCE * 100, WAVELENGTH, TRANSMITTANCE * 50], ["%.1f", "%.5f"] * 2, ",")).encode()  # fmt: skip
    yield "xps.vms", vamas()
    yield "xps_irregular.vms", vamas(irregular=True)
    yield "xps_blank_lines.npl", vamas(blank=2, second=True)
    yield "xps_shared_parts.vms", vamas(second=True, shared=True)
    yield "xps_binding.vms", vamas(binding=True, work_function=-4.5)
    yield "xps_scienta.txt", scienta()
    yield "xps_scienta_kinetic.txt", scienta(regions=2, kinetic=True)
    yield "xps_scienta_slices.txt", scienta(slices=3, size=300)
    pairs = [BINDING, ELECTRONS]
    yield "xps_columns.csv", ("Point1\nA_0\nPb 4f\n1\n" + table(pairs, ["%.4f", "%.4f"], ",")).encode()
    yield "xps_columns_named.txt", ("Binding Energy (eV)\tCounts\n" + table(pairs, ["%.2f", "%.1f"])).encode()
    yield "xps_columns_comma.txt", ("Binding Energy (eV);Counts\n" + table(pairs, ["%.2f", "%.1f"], ";", comma=True)).encode()  # fmt: skip
    yield "xps_specs.xy", specs()
    yield "xps_specs_binding.xy", specs(regions=2, kinetic=False)
    yield "xps_specs_scans.xy", specs(scans=4)
    yield "sims.txt", iontof()
    yield "sims_corrected.TXT", iontof(header=False, corrected=True, leading=False)
    yield "sims_no_tail.txt", iontof(tail="")
    yield "ir_affn.dx", jcamp("affn")
    yield "ir_pairs.jdx", jcamp("pairs")
    yield "ir_squeezed.dx", jcamp("squeezed")
    yield "nmr.dx", jcamp("nmr")
    yield "nmr_topspin.txt", topspin()
    yield "nmr_topspin_short.txt", topspin(size=1400)
    yield "nmr_topspin_comma.txt", topspin(comma=True)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, content in files():
        (FOLDER / name).write_bytes(content)
