"""Current-voltage exports of laboratories' own programs whose columns and headers say all that is needed."""

from __future__ import annotations

from perotwin.errors import InputError
from perotwin.files.format import Format, Found, has
from perotwin.files.shapes import read_tables
from perotwin.files.source import Source

__all__ = ["FORMATS"]


def _format(
    name: str, title: str, instruments: tuple[str, ...], extensions: tuple[str, ...], *words: str
) -> Format:
    def sniff(source: Source) -> float:
        return 0.9 if has(source.head[:6000], *words) else 0.0

    def read(source: Source) -> list[Found]:
        found = [one for one in read_tables(source) if one.instrument in instruments]
        if not found:
            raise InputError(
                "its header is that of such a file, but it has no such table.",
                "Export it again.",
                file=source.file,
            )
        return found

    return Format(name, title, instruments, extensions, sniff, read)


FORMATS = (
    _format(
        "hzb_keithley",
        "HZB Keithley, several pixels beside one voltage",
        ("jv",),
        (".txt",),
        "Keithley, SerialNo, Firmware",
    ),
    _format("pvcomb_sosim", 'PVcomB "SoSim"', ("jv", "mppt"), (".txt",), "Setup:", "SoSim"),
    _format("kit_lti", "KIT LTI J-V", ("jv",), (".csv", ".txt"), "LTI @ KIT", "J-V measurement"),
    _format(
        "kit_spp", "KIT LTI stabilised power (SPP)", ("mppt",), (".csv", ".txt"), "SPP measurement @ LTI"
    ),
    _format(
        "sss",
        "Singapore solar simulator",
        ("jv", "mppt"),
        (".txt",),
        "Singapore Solar Simulator",
    ),
    _format(
        "hzb_iris",
        "HZB IRIS, pixels in the dark and in the light side by side",
        ("jv",),
        (".txt",),
        "Location",
        "SuSi Intensity",
        "_Forward",
    ),
    _format(
        "hzb_mppt",
        "HZB power tracking",
        ("mppt",),
        (".txt",),
        "total time [s]",
        "time per track",
        "current density",
    ),
    _format(
        "palmsens",
        "PalmSens PSTrace CSV",
        ("jv",),
        (".csv",),
        "Date and time measurement",
        "Voltammetry",
    ),
)
