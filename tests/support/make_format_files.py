"""Writes the small files of tests/data/formats: three ways in which each program may write a known measurement.

    python tests/support/make_format_files.py

Curves are an ideal diode, J = Jsc - J0 (exp(V/0.035 V) - 1), whose Voc is chosen; spectra and decays are closed formulas.
The first file of a format is as the program writes it; the second comes from another computer (line ends, encoding,
sign, order); the third is odd: a cut header, a further line, decimal commas, trailing separators.
"""

# ruff: noqa: E501 - files are written here as programs write them, line by line

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parents[1] / "data" / "formats"
EXPECTED: dict[str, Any] = {}
NVT = 0.035


def diode(voltage: np.ndarray, jsc: float, voc: float) -> np.ndarray:
    """mA/cm2, positive where power is delivered."""
    j0 = jsc / math.expm1(voc / NVT)
    return jsc - j0 * np.expm1(voltage / NVT)


def sweep(start: float = -0.1, stop: float = 1.2, step: float = 0.02) -> np.ndarray:
    return np.round(start + step * np.arange(round((stop - start) / step) + 1), 6)


def put(
    name: str, text: str, format: str, found: list[dict[str, Any]], encoding: str = "utf-8", end: str = "\n"
) -> None:
    path = FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.replace("\n", end).encode(encoding))
    EXPECTED[name] = {"format": format, "found": found}


def jv(points: int, voc: float | None, jsc: float, **more: Any) -> dict[str, Any]:
    return {"instrument": "jv", "points": points, "voc": voc, "jsc": jsc, **more}


def rows(
    *columns: np.ndarray, sep: str = "\t", form: str = "{:.6E}", comma: bool = False, tail: str = ""
) -> str:
    text = "\n".join(
        sep.join(form.format(value) for value in row) + tail for row in zip(*columns, strict=True)
    )
    return (text.replace(".", ",") if comma else text) + "\n"


def keithley() -> None:
    v = sweep()[::-1]
    one, other = diode(v, 20.0, 1.08), diode(v, 19.5, 1.06)

    def text(
        names: list[str], curves: list[np.ndarray], vocs: list[float], header: str, comma: bool = False
    ) -> str:
        made = header + "****************************************\n"
        made += "Parameter\t" + "\t".join(names) + "\t\n"
        made += "V_oc [V]:\t" + "\t".join(f"{x:.6f}" for x in vocs) + "\n"
        made += "****************************************\n"
        made += "Voltage\t" + "\t".join(names) + "\t\n[V]\t" + "\t".join("[mA/cm2]" for _ in names) + "\t\n"
        made = made.replace(".", ",") if comma else made
        return made + rows(v, *curves, comma=comma)

    head = "Keithley, SerialNo, Firmware:\tKEITHLEY INSTRUMENTS INC.,MODEL 2400\nactive area [cm2]:\t0.160000\t0.160000\n"
    head += "intensity [mW/cm2]:\t100.000000\ncompliance [mA/cm2]:\t50.000000\n"
    both = [jv(66, 1.08, 20.0, direction="reverse"), jv(66, 1.06, 19.5, direction="forward")]
    put(
        "hzb_keithley/a.txt",
        text(["b_rev", "b_for"], [-one, -other], [1.08, 1.06], head),
        "hzb_keithley",
        both,
    )
    put(
        "hzb_keithley/b.txt",
        text(
            ["c_rev", "c_for"],
            [one, other],
            [1.08, 1.06],
            head.replace("active area", "further: x\nactive area"),
        ),
        "hzb_keithley",
        both,
        "cp1252",
        "\r\n",
    )
    put(
        "hzb_keithley/c.txt",
        text(
            ["b_rev", "b_for"],
            [-one, -other],
            [1.08, 1.06],
            "Keithley, SerialNo, Firmware:\tKEITHLEY\n",
            True,
        ),
        "hzb_keithley",
        both,
    )


def sosim() -> None:
    v = sweep()[::-1]
    j = np.minimum(-diode(v, 22.0, 1.05), 31.25)  # held at 5 mA
    held = int((j >= 31.25).sum())
    head = "Sample:\tours_px1\nSetup:\tSoSim PVcomB\nTimestamp:\t21.11.2024 12:53:50\n\nActive area [cm2]:\t1.600000E-1\n"
    head += (
        "Intensity [W/m2]:\t1.000000E+3\nCompliance [A]:\t5.000000E-3\nScan direction:\tReverse\n**********\n"
    )
    head += "V_oc [V]:\t1.050000E+0\nFill factor [%]:\t8.0E+1\n**********\n"
    names = "V [V]\tI [mA]\tP [mW]\tJ [mA/cm2]\tP [mW/cm2]\n"
    body = rows(v, j * 0.16, v * j * 0.16, j, v * j)
    one = [jv(66, 1.05, 22.0, direction="reverse", clipped=held)]
    put("pvcomb_sosim/a.txt", head + names + body, "pvcomb_sosim", one, end="\r\n")
    put(
        "pvcomb_sosim/b.txt",
        head.replace("1.600000E-1", "0.16").replace("\n\n", "\n") + "V [V]\tJ [mA/cm2]\n" + rows(v, -j),
        "pvcomb_sosim",
        one,
    )
    only = head.replace("Compliance [A]:\t5.000000E-3\n", "") + "I [mA]\tV [V]\n" + rows(j * 0.16, v)
    put("pvcomb_sosim/c.txt", only, "pvcomb_sosim", one, "utf-16")


def kit() -> None:
    v = sweep()[::-1]
    a, b = -diode(v, 21.0, 1.02), -diode(v, 20.8, 1.01)
    head = "LTI @ KIT\tPV cell J-V measurement\t\t\nCell ID: \tours_1\t\t\nCell area [cm^2]: \t0.0784\t\t\nCell illuminated\t1\t\t\n"
    head += "Jsc [mA/cm^2]:\t-2.1E+1\t-2.08E+1\t\nVoc [V]:\t1.02\t1.01\t\n"
    names = "Voltage [V]\tCurrent density [1] [mA/cm^2]\tCurrent density [2] [mA/cm^2]\tAverage current density [mA/cm^2]\n"
    both = [jv(66, 1.02, 21.0), jv(66, 1.01, 20.8)]
    put("kit_lti/a.csv", head + names + rows(v, a, b, (a + b) / 2), "kit_lti", both, end="\r\n")
    bad = (head + names + rows(v, a, b, (a + b) / 2)).replace("cm^2", "cm²")
    put("kit_lti/b.csv", bad, "kit_lti", both, "cp1252")
    dark = head.replace("Cell illuminated\t1", "Cell illuminated\t0").split("Jsc")[0]
    put(
        "kit_lti/c.csv",
        dark + "Voltage [V]\tCurrent density [1] [mA/cm^2]\n" + rows(v, np.expm1(v / NVT) * 1e-10),
        "kit_lti",
        [jv(66, None, 0.0, light=0.0)],
    )


def spp() -> None:
    t = 1.2 * np.arange(1, 31)
    head = "SPP measurement @ LTI\t\t\t\t\n2023-02-28\t3:58 PM\t\t\t\nTime [s]\t3.6E+1\t\t\t\n"
    names = "Time Difference\tVoltage\tCurrent Density\tPower\tPCE\ns\tV\tmA/cm^2\tmW/cm^2\t%\n"
    one = [{"instrument": "mppt", "points": 30, "power": 17.64}]
    v, j = np.full(30, 0.84), np.full(30, 21.0)
    put("kit_spp/a.csv", head + names + rows(t, -v, -j, v * j, v * j), "kit_spp", one, end="\r\n")
    put("kit_spp/b.csv", head + names + rows(t, v, -j, -v * j, v * j), "kit_spp", one)
    put("kit_spp/c.csv", (head + names + rows(t, v, j, v * j, v * j)).replace(".", ","), "kit_spp", one)


def sss() -> None:
    v = sweep()
    head = "#Singapore Solar Simulator, Python\n\nSampleName:\tours\nMeas. type:\tLIV\nPixArea:\t{area}\n#sun:\t1\ntemperature:\t25.0\n"
    head += "currentlimit:\t0.2\nscandirection:\t{way}\n\n#IV results\nVoc\t1100.0\nFF\t80.0\n\n#IV data\n"
    names = "Voltage\tCurrentDensity\tCurrent\n"
    j = -diode(v, 19.0, 1.1)
    one = [jv(66, 1.1, 19.0, direction="forward")]
    put("sss/a.txt", head.format(area=1.0, way="fwd") + names + rows(v, j, j * 1e-3), "sss", one, end="\r\n")
    back = [jv(66, 1.1, 19.0, direction="reverse")]
    put(
        "sss/b.txt",
        head.format(area=0.5, way="rev") + names + rows(v[::-1], -j[::-1], -j[::-1] * 0.5e-3),
        "sss",
        back,
    )
    t = 0.5 * np.arange(40)
    track = "#Singapore Solar Simulator, Python\n\nSampleName:\tours\nMeas. type:\tMPPT\nPixArea:\t1.0\n#sun:\t1\n\n#MPPT data\n"
    track += "Time\tPower\tVoltage\tCurrentDensity\tCurrent\n"
    u, d = np.full(40, 1400.0), np.full(40, 15.0)
    put(
        "sss/c.txt",
        track + rows(t, u * d * 1e-3, u, d, d * 1e-3),
        "sss",
        [{"instrument": "mppt", "points": 40, "power": 21.0}],
    )


def iris() -> None:
    up, down = sweep(), sweep()[::-1]
    names = ["a_Forward_Dark", "a_Reverse_Dark", "a_Forward_Light", "a_Reverse_Light"]
    curves = [
        (up, np.expm1(up / NVT) * 1e-11),
        (down, np.expm1(down / NVT) * 1e-11),
        (up, -diode(up, 18.0, 1.0)),
        (down, -diode(down, 18.2, 1.02)),
    ]
    head = "Date\t17:30:54 - 30.11.2023\nLocation\tOURS\nSample\tours_1\nCurrent limit (mA)\t100\nCell area(cm^2)\t[0.16, 0.16]\n"
    head += "Power Density (mW/cm^2)\t{light}\nSun%\t0\nSuSi Intensity (%)\t104.3\n--\n\ta_Forward_Light\ta_Reverse_Light\n"
    head += "Voc(V)\t1.0\t1.02\nTime\t30.11.2023 15:45:15\t30.11.2023 15:46:50\n--\n"
    heads = "\t".join(f"Voltage (V)_{n}\tCurrent Density(mA/cm^2)_{n}" for n in names)
    body = rows(*[column for pair in curves for column in pair])
    found = [
        jv(66, None, 0.0, light=0.0, direction="forward"), jv(66, None, 0.0, light=0.0, direction="reverse"),
        jv(66, 1.0, 18.0, direction="forward"), jv(66, 1.02, 18.2, direction="reverse"),
    ]  # fmt: skip
    put("hzb_iris/a.txt", head.format(light=100) + heads + "\n" + body, "hzb_iris", found)
    half = [dict(one, light=0.5) if one["voc"] else one for one in found]
    put(
        "hzb_iris/b.txt",
        head.format(light=50) + heads + "\t\n" + body.replace("\n", "\t\n"),
        "hzb_iris",
        half,
        end="\r\n",
    )
    lit = "\t".join(f"Voltage (V)_{n}\tCurrent Density(mA/cm^2)_{n}" for n in names[2:])
    put(
        "hzb_iris/c.txt",
        head.format(light=0) + lit + "\n" + rows(*[c for pair in curves[2:] for c in pair]),
        "hzb_iris",
        found[2:],
    )


def hzb_mppt() -> None:
    t = 0.011 * np.arange(60)
    v, j = np.full(60, 0.95), np.full(60, -23.0)
    head = "total time [s]:\t180.000000\nstep size [V]:\t0.010000\ntime per track [ms]:\t1000.000000\nactive area [cm²]:\t0.1\n***\n"
    names = "time\tvoltage\tcurrent density\tpower\n[s]\t[V]\t[mA/cm²]\t[mW/cm²]\n"
    one = [{"instrument": "mppt", "points": 60, "power": 21.85}]
    put("hzb_mppt/a.txt", head + names + rows(t, v, j, v * j), "hzb_mppt", one, end="\r\n")
    broken = (
        rows(t[:30], v[:30], j[:30], (v * j)[:30]) + "max. average power (last 50% of values): -2.165E+1\n"
    )
    put(
        "hzb_mppt/b.txt",
        head + names + broken + rows(t[30:], v[30:], j[30:], (v * j)[30:]),
        "hzb_mppt",
        one,
        "cp1252",
    )
    put(
        "hzb_mppt/c.txt",
        head + names.replace("power", "P") + rows(t, v, -j, -v * j, comma=True),
        "hzb_mppt",
        one,
    )


def palmsens() -> None:
    up, down = sweep(), sweep()[::-1][1:]
    v = np.concatenate([up, down])
    i = -diode(v, 20.0, 1.05) * 100.0  # uA on 0.1 cm2
    head = "Date and time:,2023-06-12 14:16:50\nNotes:\n\nCyclic Voltammetry: CV i vs E\nDate and time measurement:,2023-06-12 14:16:18,\n"
    both = [
        {"instrument": "jv", "points": 66, "direction": "forward"},
        {"instrument": "jv", "points": 66, "direction": "reverse"},
    ]
    put(
        "palmsens/a.csv",
        head + "V,µA\n" + rows(v, i, sep=",", form="{:.9f}") + "\ufeff",
        "palmsens",
        both,
        "utf-16",
        "\r\n",
    )
    put("palmsens/b.csv", head + "V,uA\n" + rows(v, i, sep=",", form="{:.9f}"), "palmsens", both)
    put(
        "palmsens/c.csv",
        head + "V,mA\n" + rows(up, i[: up.size] * 1e-3, sep=",", form="{:.9f}"),
        "palmsens",
        both[:1],
        "utf-8-sig",
    )


def loana() -> None:
    v = sweep()
    i = -diode(v, 20.0, 1.05) * 4e-3  # 4 cm2

    def text(
        mode: str, extra: str, labels: list[str], columns: list[np.ndarray], exposed: str = "4.00"
    ) -> str:
        made = "[General]\nOperator:\tx\nMeasuring device:\tLOANA ISFH\n\n[Sample]\nCell name:\tours\nCell area:\t3.96\t[cm²]\n\n"
        made += f"[Settings]\nMode: \t{mode}\nExposed area:\t{exposed}\t[cm²]\nIntensity:\t1\t[Suns]\n\n[Results]\n{extra}\n[Measurement]\n"
        made += "".join(f"Label{n}:\t{label}\n" for n, label in enumerate(labels, 1)) + "\n**Data**\n"
        return made + rows(*columns)

    found = [jv(66, 1.05, 20.0, direction="forward")]
    labels = ["Voltage\t[V]", "Current\t[A]", "Temperature\t[°C]"]
    put(
        "loana/a.lgt",
        text("light", "Voc:\t1050.0\t[mV]\n", labels, [v, i, v * 0 + 25.0]),
        "loana",
        found,
        "cp1252",
        "\r\n",
    )
    put("loana/b.lgt", text("light", "Voc:\t1050.0\t[mV]\n", [labels[1], labels[0]], [i, v]), "loana", found)
    suns = np.geomspace(1e-3, 1.1, 40)
    voc = NVT * np.log1p(suns * math.expm1(1.05 / NVT))
    iv = text(
        "Isc-Voc",
        "pFF:\t85.0\t[%]\n",
        ["Voltage\t[V]", "Current\t[A]", "Shifted current\t[A]"],
        [voc, 0.08 * suns, 0.08 * suns - 0.08],
    )
    put("loana/c.jv", iv, "loana", [{"instrument": "suns_voc", "points": 40, "jsc": 20.0}], "cp1252")


def iris_json() -> None:
    v = sweep()
    j = -diode(v, 20.0, 1.05)

    def text(general: dict[str, Any], parameters: dict[str, Any]) -> str:
        points = [
            {
                "V_set [V]": float(a),
                "V_corr [V]": float(a),
                "V_raw [V]": float(a) + 0.01,
                "J [mA/cm2]": float(b),
            }
            for a, b in zip(v, j, strict=True)
        ]
        curve = {
            "direction": "FWD",
            "sample": "ours",
            "cell": "A",
            "curve_parameters": parameters,
            "measurements": points,
        }
        return json.dumps({"parameters": general, "data": [curve]}, ensure_ascii=False)

    found = [jv(66, 1.05, 20.0, direction="forward")]
    put(
        "iris_json/a.json",
        text({"irradiance": 100.0}, {"Voc [V]": 1.05, "area [cm2]": 0.16}),
        "iris_json",
        found,
    )
    put(
        "iris_json/b.json",
        text({"irradiance": 1000.0}, {"Voc [V]": 1.05, "area [cm2]": 0.16}),
        "iris_json",
        found,
        end="\r\n",
    )
    put(
        "iris_json/c.json",
        text({}, {"irradiance [mW/cm2]": 50.0, "T_meas [°C]": 25.0}),
        "iris_json",
        [dict(found[0], light=0.5)],
        "cp1252",
    )


def stability() -> None:
    v = sweep(-0.1, 1.2, 0.02)[::-1]

    def line(number: int, apart: bool) -> str:
        jscs, vocs = (20.0, 19.0), (1.05, 1.03)
        curves = [diode(v, a, b) for a, b in zip(jscs, vocs, strict=True)]
        figures = [*jscs, *(1e3 * x for x in vocs), 80.0, 80.0, 17.0, 16.0]
        body = (
            [value for curve in curves for value in (*curve, *v)]
            if apart
            else [*curves[0], *curves[1], *v, *v]
        )
        head = f"{number}\t15:18:25 jul 23 2025\t1.2\t-0.1\t0.02\t0\t0.0895\thysteresis$"
        # the second sweep runs back
        turned = [*curves[0], *v, *curves[1][::-1], *v[::-1]] if apart else body
        return head + "\t".join(f"{value:.8g}" for value in [*figures, *turned])

    both = [jv(66, 1.05, 20.0, direction="reverse"), jv(66, 1.03, 19.0, direction="forward")]
    put("stability_iv/a.IV", line(1, True) + "\n", "stability_iv", both)
    put(
        "stability_iv/b.IV", line(1, True) + "\n" + line(2, True) + "\n", "stability_iv", both * 2, end="\r\n"
    )
    put(
        "stability_iv/c.IV",
        line(7, False) + "\t\n\n",
        "stability_iv",
        [dict(one, direction="reverse") for one in both],
        "cp1252",
    )


def matrix() -> None:
    v = sweep()
    one, other = -diode(v, 18.0, 1.1), -diode(v, 17.5, 1.08)

    def text(columns: list[np.ndarray], area: str = "Solar Cell Area [mm2]", comma: bool = False) -> str:
        made = f"Time [h]\tJSC [mA/cm2]\tVoc [V]\tFF\tPCE [%]\t{area}\tSolar sim. intensity [mW/cm2]\tFile\n"
        made += "0\t-18.0\t1.1\t0.8\t15.8\t15.0\t100.0\tours_1_forward.txt\n0\t-17.5\t1.08\t0.8\t15.1\t15.0\t100.0\tours_1_reverse.txt\n\n"
        made += "U [V]/Exposure [h]\t0\t0\n" + rows(v, *columns, form="{:.8f}")
        if not comma:
            return made
        return made.replace(".txt", "§").replace(".", ",").replace("§", ".txt")

    found = [jv(66, 1.1, 18.0, direction="forward"), jv(66, 1.08, 17.5, direction="reverse")]
    put("jv_matrix/a.txt", text([one, other[::-1]]), "jv_matrix", found)
    put("jv_matrix/b.txt", text([one, other]), "jv_matrix", found, end="\r\n")
    put("jv_matrix/c.txt", text([one, other[::-1]], comma=True), "jv_matrix", found)


def generic() -> None:
    v = sweep()
    j = -diode(v, 20.0, 1.05)
    one = [jv(66, 1.05, 20.0)]
    put("generic/a.csv", "Voltage (V),Current Density (mA/cm2)\n" + rows(v, j, sep=","), "generic", one)
    put(
        "generic/b.txt",
        "U / V;j / A m⁻²\n" + rows(v, -10 * j, sep=";", comma=True),
        "generic",
        one,
        "utf-8-sig",
        "\r\n",
    )
    put(
        "generic/c.dat",
        "# Area: 0.09 cm^2\n# V (mV)   I (mA)\n" + rows(1e3 * v, j * 0.09, sep="   "),
        "generic",
        one,
    )
    dark = [jv(66, None, 0.0, light=0.0), jv(66, 1.05, 20.0)]
    put(
        "generic/d.csv",
        "P1 dark,,P1 light,\nV (V),J (A/cm^2),V (V),J (A/cm^2)\n"
        + rows(v, np.expm1(v / NVT) * 1e-14, v, 1e-3 * j, sep=","),
        "generic",
        dark,
    )
    lam = np.arange(300.0, 901.0, 20.0)
    eqe = 0.9 / (1.0 + np.exp((lam - 780.0) / 8.0))
    spectrum = [{"instrument": "eqe", "points": 31, "largest": 0.9}]
    put(
        "generic/e.csv",
        "Wavelength [nm],EQE [%]\n" + rows(lam[::-1], 100 * eqe[::-1], sep=",", form="{:.5f}"),
        "generic",
        spectrum,
    )
    t = np.arange(0.0, 100.0, 0.5)
    decay = np.round(3.0 + 1000.0 * np.exp(-t / 12.0))
    put(
        "generic/f.dat",
        "Time[ns]\tcrv[0] [Cnts.]\n" + rows(t, decay, form="{:.4f}"),
        "generic",
        [{"instrument": "trpl", "points": 200, "largest": 1003.0}],
    )
    put(
        "generic/g.txt",
        "Zeit [h]\tPCE [%]\n" + rows(t, 20.0 - 0.01 * t, comma=True),
        "generic",
        [{"instrument": "mppt", "points": 200, "power": 20.0}],
    )
    table = "Sample,Group,Voc (V),Jsc (mA/cm2),FF (%),PCE (%)\n" + "".join(
        f"s{n},{'AB'[n % 2]},1.1{n},20.{n},80.{n},17.{n}\n" for n in range(6)
    )
    put("generic/h.csv", table, "generic", [{"instrument": "statistics", "points": 6}])
    pairs = "Voc [V]\tJsc [mA/cm²]\tTemp [K]\n" + rows(
        np.linspace(0.9, 1.1, 8), np.geomspace(0.1, 30.0, 8), np.full(8, 298.0)
    )
    put("generic/i.txt", pairs, "generic", [{"instrument": "suns_voc", "points": 8}], "cp1252")


def main() -> None:
    """Write all of it."""
    from make_light_files import eqe, light, luminescent

    EXPECTED.clear()
    for make in (
        keithley,
        sosim,
        kit,
        spp,
        sss,
        iris,
        hzb_mppt,
        palmsens,
        loana,
        iris_json,
        stability,
        matrix,
        generic,
        eqe,
        light,
        luminescent,
    ):
        make()
    text = json.dumps(EXPECTED, indent=1, ensure_ascii=False)
    (FOLDER / "expected.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    import make_format_files

    make_format_files.main()
