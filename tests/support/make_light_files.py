"""Small files of quantum efficiencies, luminescence and decays, as programs write them; see make_format_files."""

# ruff: noqa: E501 - files are written here as programs write them, line by line

from __future__ import annotations

import numpy as np

from make_format_files import put, rows


def eqe() -> None:
    lam = np.arange(300.0, 901.0, 20.0)
    q = 0.85 / (1.0 + np.exp((lam - 760.0) / 8.0))
    one = {"instrument": "eqe", "points": 31, "largest": 0.85}
    head = "{n}\t\t \t\t\t\nAM1.5G\t20.5\t \t \tMeasure Mode\tAC-EQE\nAM1.5D\t18.0\t \t \tAM 1.5G\t20.5\nAM 0\t25.0\t \t \tAM 1.5D\t18.0\n"
    head += "Lambda(nm)\tEQE (%)\tSR (A/W)\tJsc (mA/cm^2)\tAM 0\t25.0\n"
    beside = ["WL-Range\t300-900nm", "Voltage Bias\t0.00"] + ["\t"] * 29
    table = rows(lam, 100 * q, q * lam / 1239.84, q, form="{:.6f}").splitlines()
    body = "\n".join(f"{a}\t{b}" for a, b in zip(table, beside, strict=True)) + "\n"
    put("eqe_scans/a.txt", head.format(n=1) + body, "eqe_scans", [one], end="\r\n")
    put("eqe_scans/b.txt", head.format(n=1) + body + head.format(n=2) + body, "eqe_scans", [one, one])
    double = [
        f"{a}\t{b}"
        for a, b in zip(
            (head.format(n=1) + body).splitlines(), (head.format(n=2) + body).splitlines(), strict=True
        )
    ]
    put("eqe_scans/c.txt", "\n".join(double) + "\n", "eqe_scans", [one, one])

    ben = "VERSION: BenWin+ Version: 4.3.0.7\nCREATED: Friday\nSPECTRUM NAMES:\nours 1\nSPECTRUM NAMES END\n"
    ben += "MEASUREMENT TYPE/UNITS: Detector Responsivity / A W-1\nINTEGRALS: \n1\tIntegral\t20.5\t1\tmA cm-2\nINTEGRALS END\nPOINTS IN SPECTRUM:\n31\n\nPOINTS IN SPECTRUM END\n"
    put("bentham/a.dat", ben + rows(lam, 100 * q, form="{:.6f}"), "bentham", [one], end="\r\r\n")
    put(
        "bentham/b.dat",
        ben + rows(lam, q * lam / 1239.84198, form="{:.8f}"),
        "bentham",
        [one],
        "cp1252",
        "\r\n",
    )
    put(
        "bentham/c.dat",
        ben.replace("INTEGRALS: \n1\tIntegral\t20.5\t1\tmA cm-2\nINTEGRALS END\n", "")
        + rows(lam, 100 * q, form="{:.6f}"),
        "bentham",
        [one],
    )

    def empa(order: list[int], unit: float = 1.0) -> str:
        heads = ["Wavelength [nm]", "Signal reference cell [mA]", "QE ref. cell", "QE Cell"]
        columns = [lam, q * 1e-6, q * 0 + 0.7, q * unit]
        made = "This is a QE measurment\nSample name:\t\t\tours\nLockin settings:\t\tFrequency: 258\n\n"
        made += "".join(f"[{n}] {heads[at]}\n" for n, at in enumerate(order, 1)) + "\n"
        return made + rows(*[columns[at] for at in order])

    put("empa_sr/a.sr", empa([0, 1, 2, 3]), "empa_sr", [one])
    put("empa_sr/b.sr", empa([0, 3, 1, 2]), "empa_sr", [one], "cp1252", "\r\n")
    put("empa_sr/c.sr", empa([0, 2, 3], 100.0), "empa_sr", [one])

    trq = '[Header]\nMeasurement Name = "ours"\ntime stamp = "15.11.2019 16:46:45"\nScan Type = "QE Scan"\nX Units = "Wavelength (nm)"\nY Units = "QE (%)"\n\n//DATA//\nX\tY\tCalculated\n'
    put("trq/a.txt", trq + rows(lam, q * 0.01, 100 * q), "trq", [one])
    put("trq/b.TRQ", trq + rows(lam[::-1], q[::-1] * 0.01, 100 * q[::-1]), "trq", [one], end="\r\n")
    put(
        "trq/c.txt",
        trq.replace("X\tY\tCalculated", "X\tCalculated\tY") + rows(lam, 100 * q, q * 0.01),
        "trq",
        [one],
        "utf-8-sig",
    )

    csu = "CSU\nours-1\nBias Light Off\n.623\nEg = {gap}\n0\n{n}\n20.5E+0\nWavelength\tQE\n"
    put("csu_eqe/a.txt", csu.format(gap="1.62E+0", n=31) + rows(lam, q), "csu_eqe", [one])
    put(
        "csu_eqe/b.txt",
        csu.format(gap="1.62", n=31) + rows(lam, q, form="{:.9f}"),
        "csu_eqe",
        [one],
        end="\r\n",
    )
    put(
        "csu_eqe/c.txt",
        csu.format(gap="1.62", n=35) + rows(lam, q),
        "csu_eqe",
        [dict(one, note="announces 35")],
    )


def light() -> None:
    lam = np.arange(600.0, 900.0, 5.0)
    peak = np.exp(-(((lam - 750.0) / 20.0) ** 2))
    head = "04.04.2025 16:46:56\nLuQY (%)\t0.5\n{qfls}\t1.172\nLaser intensity (suns)\t{suns}\nBandgap (eV)\t1.671\nJsc (mA/cm2)\t19.31\n"
    head += "EQE @ laser wavelength\t0.90\nSubcell area (cm²)\t1.000\n----------------------------\n"
    names = "Wavelength (nm)\tLuminescence flux density (photons/(s cm² nm))\tRaw spectrum (counts)\n"
    found = [{"instrument": "pl", "points": 60, "largest": 1e12 * 1e13, "absolute": True}]
    put(
        "luqy/a.txt",
        head.format(qfls="iVoc (V)", suns="0.00") + names + rows(lam, 1e12 * peak, peak),
        "luqy",
        [dict(found[0], note="not set")],
        end="\r\n",
    )
    put(
        "luqy/b.txt",
        head.format(qfls="QFLS (eV)", suns="0.98") + names + rows(lam, 1e12 * peak, peak),
        "luqy",
        found,
        "cp1252",
    )
    swapped = "Wavelength (nm)\tRaw spectrum (counts)\tLuminescence flux density (photons/(s cm² nm))\n"
    put(
        "luqy/c.txt",
        head.format(qfls="QFLS (eV)", suns="1.0") + swapped + rows(lam, peak, 1e12 * peak),
        "luqy",
        found,
    )

    scan = "Labels,{label},\nType,Emission Scan,\nComment,,\nFixed/Offset,367.00,\nXaxis,Wavelength,\nYaxis,Counts,\nTemp,295.86,\nDetector,Ext Red PMT,\n\n"
    relative = [{"instrument": "pl", "points": 60, "largest": 1e4}]
    put(
        "emission_scan/a.csv",
        scan.format(label="ours") + rows(lam, 1e4 * peak, sep=",", form="{:.4f}", tail=","),
        "emission_scan",
        relative,
    )
    put(
        "emission_scan/b.csv",
        scan.format(label="ours") + rows(lam, 1e4 * peak, sep=",", form="{:.4f}"),
        "emission_scan",
        relative,
        end="\r\n",
    )
    put(
        "emission_scan/c.csv",
        scan.format(label="one,two") + rows(lam, 1e4 * peak, 1e4 * peak, sep=",", form="{:.4f}", tail=","),
        "emission_scan",
        relative * 2,
    )

    lock = "Output file of Abt207 PLQY setup (home-made with lock-in amplifier). Version\t2.3.1\nSample name\tours\n"
    lock += "Acquisition datapoints number\t{n}\nLaser wavelength [nm]\t635.0\nExcitation spot current density (from lock-in signal) [mA/cm2]\t69.8\n"
    lock += "Excitation spot current density (from lock-in signal) [suns]\t2.29\nlabel\tValue X\tPLQY average\nTime\tValue X\tPLQY average\n"
    t = 0.3 * np.arange(20)
    trace = [{"instrument": "plqy_trace", "points": 20, "light": 2.29}]
    put(
        "plqy_lockin/a.txt",
        lock.format(n=20) + rows(t, t * 0 - 6.8e-10, 3e-4 - 1e-6 * t),
        "plqy_lockin",
        trace,
    )
    put(
        "plqy_lockin/b.txt",
        lock.format(n=20) + rows(t, t * 0 - 6.8e-10, 3e-4 - 1e-6 * t),
        "plqy_lockin",
        trace,
        "cp1252",
        "\r\n",
    )
    put(
        "plqy_lockin/c.txt",
        lock.format(n=50) + rows(t, t * 0 - 6.8e-10, 3e-4 - 1e-6 * t),
        "plqy_lockin",
        [dict(trace[0], note="announces 50")],
    )

    s = np.geomspace(1e-8, 1e-2, 30)
    two = [{"instrument": "surface_photovoltage", "points": 30}]
    put(
        "surface_photovoltage/a.txt",
        "Time(s)\t688.00\t476.00\n" + rows(s, -0.05 * np.exp(-s / 1e-4), -0.03 * np.exp(-s / 1e-4)),
        "surface_photovoltage",
        two,
    )
    put(
        "surface_photovoltage/b.txt",
        "Time (s)\t688\n" + rows(s, -0.05 * np.exp(-s / 1e-4)),
        "surface_photovoltage",
        two,
        end="\r\n",
    )
    put(
        "surface_photovoltage/c.txt",
        "time(s)\t688.0\t563.0\t476.0\n" + rows(s, -0.05 * np.exp(-s / 1e-4), s * 0, s * 0, tail="\t"),
        "surface_photovoltage",
        two,
    )

    counts = np.round(1.0 + 500.0 * np.exp(-np.arange(80) / 20.0))
    lines = "\t\n".join(f"{x:.0f}" for x in counts) + "\t\n"
    harp = "#{name}  Histogram Data\t08/13/25\n#channels per curve\n{n}\n#display curve no.\n0\t\n#memory block no.\n0\t\n#ns/bin\n{bin}\t\n#counts\n"
    decay = [{"instrument": "trpl", "points": 80, "largest": 501.0}]
    put(
        "picoquant_text/a.dat",
        harp.format(name="TimeHarp 260", n=80, bin="1.0000") + lines,
        "picoquant_text",
        decay,
        end="\r\n",
    )
    put(
        "picoquant_text/b.dat",
        harp.format(name="PicoHarp 300", n=80, bin="0.0160") + lines.replace("\t", ""),
        "picoquant_text",
        decay,
    )
    pair = "\n".join(f"{x:.0f}\t{2 * x:.0f}\t" for x in counts) + "\n"
    put(
        "picoquant_text/c.dat",
        harp.format(name="TimeHarp 260", n=100, bin="1.0\t0.5") + pair,
        "picoquant_text",
        [dict(decay[0], note="announces 100"), dict(decay[0], largest=1002.0)],
    )

    ns = 0.05 * np.arange(200)
    pl = 1e5 * np.exp(-ns / 2.0)
    metro = [{"instrument": "trpl", "points": 200, "largest": 1e5}]
    put("metro_trpl/trpl_a.csv", rows(ns, pl, 0.01 * pl, sep=",", form="{:.10g}"), "metro_trpl", metro)
    put(
        "metro_trpl/film_trpl_b.csv",
        rows(ns, pl, 0.01 * pl, sep=",", form="{:.10g}"),
        "metro_trpl",
        metro,
        end="\r\n",
    )
    put("metro_trpl/decay_c.csv", rows(ns, pl, np.sqrt(pl), sep=",", form="{:.6E}"), "metro_trpl", metro)


def luminescent() -> None:
    j = np.geomspace(1.0, 1000.0, 8)
    v = [1.3 + 0.03 * np.log(j), 0.9 + 0.035 * np.log(j)]

    def text(end: str = "") -> str:
        head = ",V0,V1,Vtot,J0,J1,Jtot" + end + "\n"
        return head + "".join(
            f"{n},{v[0][n]:.8f},{v[1][n]:.8f},{v[0][n] + v[1][n]:.8f},{j[n]},{j[n]},{j[n]}{end}\n"
            for n in range(8)
        )

    found = [{"instrument": "el_subcells", "points": 8}]
    put("el_subcells/a.csv", text(), "el_subcells", found, "utf-8-sig")
    put("el_subcells/b.csv", text(), "el_subcells", found, end="\r\n")
    put("el_subcells/c.csv", text(","), "el_subcells", found)
