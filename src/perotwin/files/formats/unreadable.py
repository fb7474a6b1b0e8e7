"""Files of measuring instruments that are recognised and not read, with the way out: closed layouts, or readers under
licences that this package cannot take."""

from __future__ import annotations

import re
from typing import NamedTuple

from perotwin.errors import InputError
from perotwin.files.format import Format, Found
from perotwin.files.source import Source

__all__ = ["FORMATS"]


class _Kind(NamedTuple):
    """name, title: of the format. instruments, endings: as in `Format`. begins: what its content begins with, a
    pattern; "" where only the ending tells. way: out of it."""

    name: str
    title: str
    instruments: tuple[str, ...]
    endings: tuple[str, ...]
    begins: bytes
    way: str


_KINDS = (
    _Kind(
        "nanoscope",
        "Bruker Nanoscope",
        ("afm", "kpfm"),
        (".spm", ".000", ".001"),
        rb"\\\*(File|Force file) list",
        "Open it in Gwyddion and save it as .gwy or .gsf.",
    ),
    _Kind(
        "nanonis",
        "Nanonis scan (.sxm)",
        ("afm", "kpfm"),
        (".sxm",),
        rb":NANONIS_VERSION:",
        "Open it in Gwyddion and save it as .gwy or .gsf.",
    ),
    _Kind(
        "igor",
        "Igor binary wave (.ibw)",
        ("afm", "kpfm", "xps"),
        (".ibw", ".pxt"),
        b"",
        "Open it in Gwyddion and save it as .gwy, or export it from Igor as text.",
    ),
    _Kind(
        "digital_micrograph",
        "Gatan DigitalMicrograph (.dm3, .dm4)",
        ("sem",),
        (".dm3", ".dm4"),
        rb"\x00\x00\x00[\x03\x04]",
        "Save it as TIFF with its scale.",
    ),
    _Kind(
        "bruker_raw",
        "Bruker RAW (.raw)",
        ("xrd",),
        (".raw",),
        rb"RAW[1-4 ]",
        "Export it as .xy, or give the .brml file.",
    ),
    _Kind(
        "rigaku_raw", "Rigaku binary (.raw)", ("xrd",), (".raw",), rb"FI\x00", "Export it as .ras or .rasx."
    ),
    _Kind(
        "opus",
        "Bruker OPUS",
        ("ftir_nmr",),
        (".0", ".1"),
        rb"\x0a\x0a\xfe\xfe",
        "In OPUS: save it as JCAMP-DX or as a data point table.",
    ),
    _Kind(
        "renishaw",
        "Renishaw WiRE (.wdf)",
        ("pl",),
        (".wdf",),
        rb"WDF1",
        "In WiRE: export the spectrum as text.",
    ),
    _Kind(
        "multipak",
        "PHI MultiPak (.spe, .pro)",
        ("xps",),
        (".spe", ".pro"),
        rb"SOFH",
        "In MultiPak: export it as VAMAS (ISO) or as ASCII.",
    ),
    _Kind(
        "avantage",
        "Thermo Avantage (.vgd)",
        ("xps",),
        (".vgd",),
        rb"\xd0\xcf\x11\xe0",
        "In Avantage: export it as VAMAS.",
    ),
    _Kind(
        "iontof_binary",
        "IONTOF (.ita, .itm)",
        ("tof_sims",),
        (".ita", ".itm", ".itax", ".itmx"),
        b"",
        "In SurfaceLab: export the depth profile as text.",
    ),
    _Kind(
        "nova",
        "Autolab NOVA (.nox)",
        ("impedance", "jv"),
        (".nox",),
        b"",
        "In NOVA: export the data as ASCII with the names of the columns.",
    ),
    _Kind(
        "zahner",
        "Zahner Thales (.ism)",
        ("impedance",),
        (".ism",),
        b"",
        "In Thales: export the spectrum as text.",
    ),
    _Kind(
        "ivium",
        "Ivium (.idf)",
        ("impedance",),
        (".idf",),
        b"",
        "In IviumSoft: export the data as text with the names of the columns.",
    ),
    _Kind("rigol_binary", "Rigol binary trace (.wfm)", ("tpv",), (".wfm",), b"", "Save the trace as CSV."),
    _Kind(
        "origin", "Origin project (.opj, .opju)", (), (".opj", ".opju"), rb"CPY", "Export the sheet as text."
    ),
)


def _format(kind: _Kind) -> Format:
    def sniff(source: Source) -> float:
        if kind.begins:
            return 0.98 if re.match(kind.begins, source.content[:64]) else 0.0
        return 0.9 if source.suffix in kind.endings and not source.is_text else 0.0

    def read(source: Source) -> list[Found]:
        raise InputError(f"this is a file of {kind.title}, which is not read.", kind.way, file=source.file)

    return Format(kind.name, f"{kind.title}: refused", kind.instruments, kind.endings, sniff, read)


FORMATS = tuple(_format(kind) for kind in _KINDS)
