"""JCAMP-DX (.dx, .jdx): infrared spectra, and NMR and UV-Vis spectra stored as one table."""

from __future__ import annotations

import contextlib
import io
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError, shown
from perotwin.files.format import Format, Found, dataset_of
from perotwin.files.source import Source

__all__ = ["FORMATS"]

F64 = NDArray[np.float64]

#: what the library can take without leaving time and memory behind: characters, points
_LONGEST, _MOST = 8_000_000, 2_000_000
#: relative difference of the extremes of the file and of the numbers read
_SAME = 1e-3


def _number(entries: dict[str, str], name: str) -> float:
    try:
        return float(entries.get(name, "").replace(",", "."))
    except ValueError:
        return float("nan")


def _decoded(source: Source, text: str) -> list[dict[str, Any]]:
    """What the library makes of it: a spectrum each, with "x" and "y".

    Raises:
        InputError: the library is not here, or finds the text damaged.
    """
    try:
        import jcamp
    except ImportError:
        raise InputError(
            "JCAMP-DX is read by another package, which is not here.",
            'pip install "perotwin[files]", or export the spectrum as two columns.',
            file=source.file,
        ) from None
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            held = jcamp.read(line + "\n" for line in text.split("\n"))
    except Exception as fault:  # the library raises bare Exception for a letter that it does not know
        raise InputError(
            f"the numbers cannot be decoded ({shown(str(fault), 80)}).",
            "The file is damaged: export it again.",
            file=source.file,
        ) from None
    # the format carries its own checks; the library only prints that they failed
    if "Y-Check failed" in said.getvalue() or "Mismatch" in said.getvalue():
        raise InputError(
            "the checks that the format carries fail: numbers are missing or changed.",
            "The file is damaged: export it again.",
            file=source.file,
        )
    children = held.get("children")
    return [one for one in children if "y" in one] if children else [held]


def _read(source: Source) -> list[Found]:
    text = "\n".join(source.lines)
    if len(text) > _LONGEST:
        raise InputError(
            f"the file has {len(text)} characters.", "Export a part of the spectrum.", file=source.file
        )
    for match in re.finditer(r"(?mi)^[ \t]*##[ \t]*NPOINTS[ \t]*=[ \t]*([0-9.eE+-]+)", text):
        with contextlib.suppress(ValueError):
            if float(match[1]) > _MOST:
                raise _long(source, match[1])
    if re.search(r"(?mi)^[ \t]*##[ \t]*(NTUPLES|PAGE)[ \t]*=", text):
        raise InputError(
            "the file holds several tables at once (NTUPLES), as NMR programs write.",
            "Export the processed spectrum as one table (XYDATA), or as text (TopSpin: convbin2asc).",
            file=source.file,
        )
    if not re.search(r"(?mi)^[ \t]*##[ \t]*END[ \t]*=", text):
        raise InputError(
            'the file ends before its last line, "##END=".',
            "It is not whole: copy it again.",
            file=source.file,
        )
    found = []
    spectra = _decoded(source, text)
    for number, held in enumerate(spectra, 1):
        name = str(held.get("title") or source.path.stem)
        found.append(_spectrum(source, held, name if len(spectra) == 1 else f"{name} {number}"))
    return found


def _long(source: Source, points: str) -> InputError:
    return InputError(
        f"{shown(points, 30)} points are announced.", "No spectrum has so many.", file=source.file
    )


def _spectrum(source: Source, held: dict[str, Any], name: str) -> Found:
    x, y = np.asarray(held.get("x", ()), float), np.asarray(held.get("y", ()), float)
    entries = {
        re.sub(r"[\s/_-]", "", str(key)): str(value)
        for key, value in held.items()
        if key not in ("x", "y", "children")
    }
    announced = _number(entries, "npoints")
    if x.size != y.size or x.size < 2 or (np.isfinite(announced) and announced != x.size):
        raise InputError(
            f"{x.size} places and {y.size} values do not belong together"
            + (f" ({announced:g} points are announced)." if np.isfinite(announced) else "."),
            "The file is not whole: copy or export it again.",
            file=source.file,
        )
    _check(source, entries, x, y)
    notes: list[str] = []
    kind, unit = entries.get("datatype", "").upper(), entries.get("xunits", "").upper().replace(" ", "")
    ordinate = entries.get("yunits", "").upper()
    micrometres = unit in ("MICROMETERS", "UM", "MICROMETRES")
    if micrometres and "INFRARED" in kind:
        x, unit = 1e4 / x, "1/CM"
        notes.append("wavenumbers of the wavelengths in um that the file holds")
    elif unit in ("NANOMETERS", "NM", "NANOMETER") or micrometres:
        return _uv_vis(source, x * (1.0 if unit.startswith("N") else 1e3), y, ordinate, name)
    if unit in ("1/CM", "CM-1", "CM^-1"):
        position, stated = x, "cm^-1"
    elif unit == "PPM":
        position, stated = x, "ppm"
    elif unit == "HZ" and "NMR" in kind:
        field = _number(entries, ".observefrequency")
        if not field > 0.0:
            raise InputError(
                "the axis is in Hz and the file does not say the frequency of the spectrometer.",
                "Export it in ppm.",
                file=source.file,
            )
        position, stated = x / field, "ppm"
        notes.append(f"Hz over the {field:g} MHz of the spectrometer.")
        if np.isfinite(reference := _number(entries, ".shiftreference")):
            notes.append(f"a shift reference of {reference:g} stands in the file and is not applied.")
    else:
        raise InputError(
            f'the axis is in "{shown(entries.get("xunits", ""), 30)}".',
            "Infrared spectra are over 1/CM, NMR over PPM, UV-Vis over NANOMETERS.",
            file=source.file,
        )
    what = {
        "TRANSMITTANCE": "transmittance",
        "%TRANSMITTANCE": "transmittance in %",
        "ABSORBANCE": "absorbance",
    }.get(ordinate, ordinate.lower())
    notes.append(f"the signal is {shown(what, 40) or 'in units that the file does not name'}.")
    if ordinate in ("TRANSMITTANCE", "%TRANSMITTANCE"):
        full = 100.0 if ordinate.startswith("%") else 1.0
        if np.any(y > full):
            notes.append(f"the transmittance is up to {y.max() / full:.3g}: the baseline is not at 1.")
    dataset = dataset_of(
        "ftir_nmr",
        source,
        {"signal": ("position", y)},
        {"position": ("position", position, {"units": stated})},
        name=name,
        notes=notes,
        units={"signal": "%" if ordinate.startswith("%") else "1"},
        ordinate=ordinate.lower() or None,
    )
    return Found(dataset)


def _check(source: Source, entries: dict[str, str], x: F64, y: F64) -> None:
    """What the file says of its numbers, against what was read.

    Raises:
        InputError: the first or the last place, or the extremes, are others.
    """
    size = float(np.ptp(y)) or 1.0
    for name, value, scale in (
        ("firstx", x[0], float(np.ptp(x)) or 1.0), ("lastx", x[-1], float(np.ptp(x)) or 1.0),
        ("maxy", y.max(), size), ("miny", y.min(), size), ("firsty", y[0], size),
    ):  # fmt: skip
        stated = _number(entries, name)
        if np.isfinite(stated) and abs(stated - value) > _SAME * scale + 1e-9 * abs(value):
            # some programs state them before the factor, and most round them to a few digits
            factor = _number(entries, "yfactor")
            if name.endswith("y") and np.isfinite(factor) and abs(stated * factor - value) <= _SAME * scale:
                continue
            if abs(stated - value) <= 10.0 ** (np.floor(np.log10(abs(stated) or 1.0)) - 3.0):
                continue
            raise InputError(
                f"the file says {name.upper()} = {stated:g}, and its numbers give {value:g}.",
                "The file is damaged, or scaled in a way that it does not say: export it again.",
                file=source.file,
            )


def _uv_vis(source: Source, nanometres: F64, y: F64, ordinate: str, name: str) -> Found:
    from perotwin.files.formats.uv_vis_text import spectrum

    known = {
        "TRANSMITTANCE": ("transmittance", 1.0),
        "%TRANSMITTANCE": ("transmittance", 0.01),
        "REFLECTANCE": ("reflectance", 1.0),
        "ABSORBANCE": ("absorbance", None),
    }.get(ordinate)
    if known is None:
        raise InputError(
            f'the ordinate is "{shown(ordinate, 30)}".',
            "Export transmittance or absorbance.",
            file=source.file,
        )
    return spectrum(source, nanometres, [(*known, y)], name)


def _sniff(source: Source) -> float:
    head = source.head.lstrip()
    if not re.match(r"(\$\$[^\n]*\n\s*)*##\s*TITLE\s*=", head):
        return 0.0
    return 0.98 if re.search(r"(?mi)^[ \t]*##[ \t]*JCAMP[- _]?DX[ \t]*=", head) else 0.6


FORMATS = (
    Format(
        "jcamp_dx",
        "JCAMP-DX (infrared, NMR, UV-Vis)",
        ("ftir_nmr", "uv_vis"),
        (".dx", ".jdx", ".jcm"),
        _sniff,
        _read,
    ),
)
