"""Transmittance, reflectance and absorbance against the wavelength: PerkinElmer (.asc), JASCO, and tables with named
columns (Shimadzu, Cary, Ocean Optics and others)."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError, shown
from perotwin.files.blocks import Block, blocks
from perotwin.files.format import Format, Found, dataset_of
from perotwin.files.source import Source

__all__ = ["FORMATS", "spectrum"]

F64 = NDArray[np.float64]

#: what a column holds and the factor to a fraction, by its name in small letters without blanks; None: absorbance
_ORDINATES: tuple[tuple[str, str, float | None], ...] = (
    (r"%(t|transmittance|transmission)|(t|transmittance|transmission)(%|\[%\]|\(%\)|/%)", "transmittance", 0.01),
    (r"%(r|reflectance|reflection)|(r|reflectance|reflection)(%|\[%\]|\(%\)|/%)", "reflectance", 0.01),
    (r"t|transmittance|transmission", "transmittance", 1.0),
    (r"r|reflectance|reflection", "reflectance", 1.0),
    (r"(a|abs\.?|absorbance)([\[(](a\.?u|o\.?d)\.?[\])])?|o\.?d\.?|opticaldensity|extinction", "absorbance", None),
)  # fmt: skip
#: characters of a name
_LONGEST_NAME = 200
_WAVELENGTH = re.compile(
    r"(wavelength|wave length|wl|lambda|λ|nm|nanometers?|wavelengths?)(\s*[\[(/]?\s*nm\.?\s*[\])]?)?\.?"
)


def _ordinate(heading: str) -> tuple[str, float | None] | None:
    if len(heading) > _LONGEST_NAME:
        return None
    low = re.sub(r"[\s\"']", "", heading.lower().partition("|")[0]).strip(".:;,")
    for pattern, name, factor in _ORDINATES:
        if re.fullmatch(pattern, low):
            return name, factor
    # "R%" with the sample before it, "Sample1 %T"
    end = re.search(r"(%t|%r|t%|r%)$", low)
    return None if end is None else ("transmittance" if "t" in end[1] else "reflectance", 0.01)


def _is_wavelength(heading: str) -> bool:
    return (
        len(heading) <= _LONGEST_NAME
        and _WAVELENGTH.fullmatch(heading.lower().partition("|")[0].strip(" \"'.:;").strip()) is not None
    )


def spectrum(
    source: Source,
    nanometres: F64,
    ordinates: Sequence[tuple[str, float | None, F64]],
    name: str,
    notes: Sequence[str] = (),
) -> Found:
    """A measurement of one or more ordinates on one axis.

    Raises:
        InputError: the wavelengths are none, or a share is far above all that can be.
    """
    notes = list(notes)
    there = np.isfinite(nanometres)
    for _, _, values in ordinates:
        there &= np.isfinite(values)
    if not there.any():
        raise InputError(
            "no row holds a wavelength and a value.", "Export the spectrum again.", file=source.file
        )
    if not there.all():
        notes.append(
            f"{np.count_nonzero(~there)} of {there.size} rows hold no complete numbers and are left out."
        )
    axis = nanometres[there]
    if not (axis.min() > 50.0 and axis.max() < 100_000.0):
        raise InputError(
            f"the wavelengths run from {axis.min():g} to {axis.max():g} nm.",
            "Give wavelengths in nm.",
            file=source.file,
        )
    variables = {}
    for what, factor, values in ordinates:
        kept = values[there]
        if factor is None:
            kept = 10.0**-kept
            notes.append(
                "the transmittance is 10 to the minus absorbance; reflection is part of what that counts as absorbed."
            )
            what = "transmittance"
        else:
            kept = kept * factor
            # a share of 150 % is a wrong baseline, one of 5000 % a wrong unit
            if float(np.median(np.abs(kept))) > 1.5 and factor == 1.0:
                raise InputError(
                    f'"{what}" has numbers up to {np.max(kept):g} and no unit: a share is at most 1.',
                    'Write "%" into the heading, if it is in per cent.',
                    file=source.file,
                )
        if (low := int(np.count_nonzero(kept <= 0.0))) > 0 and what == "transmittance":
            notes.append(
                f"the transmittance is zero or below in {low} points (detector's zero); they have no logarithm."
            )
        if what in variables:
            notes.append(f"a second {what} is left out.")
            continue
        variables[what] = ("wavelength", kept)
    dataset = dataset_of(
        "uv_vis",
        source,
        variables,
        {"wavelength": ("wavelength", axis * 1e-9, {"units": "m"})},
        name=name,
        notes=notes,
        units=dict.fromkeys(variables, "1"),
    )
    return Found(dataset)


# --- PerkinElmer -----------------------------------------------------------------------------------------------------


def _sniff_perkin(source: Source) -> float:
    return (
        0.97
        if re.match(r"PE (UV|IR|FL)\s", source.head.lstrip()[:20]) and "SUBTECH" in source.head[:200]
        else 0.0
    )


def _read_perkin(source: Source) -> list[Found]:
    lines = source.lines
    graph = next((at for at, line in enumerate(lines) if line.strip() == "#GR"), None)
    data = next((at for at, line in enumerate(lines) if line.strip() == "#DATA"), None)
    if graph is None or data is None or data - graph < 8:
        raise InputError(
            "the file has no part #GR or #DATA.", "It is not whole: export it again.", file=source.file
        )
    unit, ordinate = lines[graph + 1].strip(), lines[graph + 2].strip()
    if unit.lower() != "nm":
        raise InputError(
            f'the axis is in "{shown(unit, 20)}".',
            "Export the spectrum over the wavelength in nm.",
            file=source.file,
        )
    known = _ordinate(ordinate)
    if known is None:
        raise InputError(
            f'the ordinate is "{shown(ordinate, 20)}".', "Export it as %T, %R or A.", file=source.file
        )
    rows = [[source.number(cell) for cell in line.split()] for line in lines[data + 1 :] if line.strip()]
    good = [row[:2] for row in rows if len(row) >= 2 and row[0] is not None and row[1] is not None]
    values = np.array(good, float).reshape(-1, 2)
    notes = []
    numbers = [source.number(line.strip()) for line in lines[graph + 5 : graph + 8]]
    announced = numbers[2]
    if announced is not None and announced != values.shape[0]:
        notes.append(f"{announced:g} points are announced and {values.shape[0]} are there.")
    return [spectrum(source, values[:, 0], [(*known, values[:, 1])], source.path.stem, notes)]


# --- JASCO -----------------------------------------------------------------------------------------------------------


def _sniff_jasco(source: Source) -> float:
    head = source.head[:3000]
    return (
        0.95
        if re.search(r"(?m)^XUNITS[\t,; ]", head)
        and re.search(r"(?m)^XYDATA", head)
        and "##" not in head[:20]
        else 0.0
    )


def _read_jasco(source: Source) -> list[Found]:
    lines = source.lines
    entries = {
        cells[0].strip().upper(): cells[1].strip()
        for line in lines[:200]
        if len(cells := re.split(r"[\t,;]", line, maxsplit=1)) == 2
    }
    at = next((at for at, line in enumerate(lines) if line.startswith("XYDATA")), len(lines))
    known = _ordinate(entries.get("YUNITS", ""))
    if (
        entries.get("XUNITS", "").strip(' ",;').upper()
        not in ("NANOMETERS", "NM", "WAVELENGTH (NM)", "WAVELENGTH")
        or known is None
    ):
        raise InputError(
            f'the axes are "{shown(entries.get("XUNITS", ""), 30)}" and "{shown(entries.get("YUNITS", ""), 30)}".',
            "Export transmittance, reflectance or absorbance over the wavelength in nm.",
            file=source.file,
        )
    found = blocks(source, at + 1)
    if not found or found[0].values.shape[1] < 2:
        raise InputError("no points follow XYDATA.", "It is not whole: export it again.", file=source.file)
    values = found[0].values
    notes = []
    announced = source.number(entries.get("NPOINTS", ""))
    if announced is not None and announced != values.shape[0]:
        notes.append(f"{announced:g} points are announced and {values.shape[0]} are there.")
    return [spectrum(source, values[:, 0], [(*known, values[:, 1])], entries.get("TITLE", ""), notes)]


# --- tables ----------------------------------------------------------------------------------------------------------


def _groups(block: Block) -> list[tuple[int, list[int]]]:
    """Axes of wavelengths, each with the columns of its ordinates (those up to the next axis)."""
    found: list[tuple[int, list[int]]] = []
    for at, heading in enumerate(block.headings):
        if _is_wavelength(heading):
            found.append((at, []))
        elif found and _ordinate(heading) is not None:
            found[-1][1].append(at)
    return [(axis, columns) for axis, columns in found if columns]


def _sniff_table(source: Source) -> float:
    head = source.head
    if not re.search(r"(?i)wavelength|\bnm\b|lambda|λ", head[:6000]):
        return 0.0
    for block in blocks(source, 0, min(len(source.lines), 300)):
        if not _groups(block):
            continue
        # reflectance beside a quantum efficiency belongs to that
        if any(
            re.search(r"(?i)\b(e?qe|iqe|ipce|spectral response|sr|pl|flux|irradiance)\b", one)
            for one in block.headings
        ):
            return 0.0
        # one letter may be anything
        short = all(
            len(one.strip(' "')) == 1
            for axis, columns in _groups(block)
            for one in [block.headings[at] for at in columns]
        )
        return 0.5 if short else 0.7
    return 0.0


def _read_table(source: Source) -> list[Found]:
    found = []
    for block in blocks(source):
        for axis, columns in _groups(block):
            first = _ordinate(block.headings[columns[0]])
            assert first is not None
            name = _name(source, block, axis)
            ordinates = [
                (*meant, block.values[:, at])
                for at in columns
                if (meant := _ordinate(block.headings[at])) is not None
            ]
            kinds = {what for what, _, _ in ordinates}
            # several samples on one axis are measurements of their own; T and R are of one sample
            if len(ordinates) == len(kinds):
                found.append(spectrum(source, block.values[:, axis], ordinates, name))
            else:
                found += [
                    spectrum(source, block.values[:, axis], [one], f"{name} {number}")
                    for number, one in enumerate(ordinates, 1)
                ]
    if not found:
        raise InputError(
            "no columns of wavelengths and of T, R or A were found.",
            'The headings should say so: "Wavelength (nm)", "%T".',
            file=source.file,
        )
    return found


def _name(source: Source, block: Block, axis: int) -> str:
    group = block.headings[axis].partition("|")[2].strip()
    if group:
        return group
    # a line of its own over the headings is what Shimadzu's program calls the spectrum
    alone = [
        line.strip().strip('"')
        for line in block.above[:-1]
        if line.strip() and len(source.cells(line.strip())) == 1
    ]
    return alone[0] if len(alone) == 1 and len(alone[0]) < 80 else source.path.stem


FORMATS = (
    Format("perkin_elmer", "PerkinElmer UV-Vis (.asc)", ("uv_vis",), (".asc",), _sniff_perkin, _read_perkin),
    Format("jasco", "JASCO UV-Vis text", ("uv_vis",), (".txt", ".csv"), _sniff_jasco, _read_jasco),
    Format(
        "uv_vis_table",
        "transmittance, reflectance or absorbance as a table with named columns",
        ("uv_vis",),
        (".txt", ".csv", ".dat"),
        _sniff_table,
        _read_table,
    ),
)
