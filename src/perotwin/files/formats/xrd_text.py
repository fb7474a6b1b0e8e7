"""Diffractograms as text: two or three columns (.xy, .xye, .csv), with whatever header the program writes."""

from __future__ import annotations

import re

import numpy as np

from perotwin.errors import InputError
from perotwin.files.blocks import Block, blocks
from perotwin.files.format import Format, Found
from perotwin.files.formats.xrd_packed import scan_of
from perotwin.files.source import Source

__all__ = ["FORMATS"]

#: K-alpha1 of the usual anodes (m): Hölzer et al., Phys. Rev. A 56, 4554 (1997); Mo: Deslattes et al. (2003)
_ANODES = {
    "cu": 1.540593e-10,
    "co": 1.788996e-10,
    "fe": 1.936041e-10,
    "cr": 2.289726e-10,
    "mo": 7.0931715e-11,
}
_ANGLE = re.compile(r"(?i)(2\s*[-_]?\s*(θ|theta|th\b)|two[-_ ]?theta|2θ|\b2th\b|\btth\b|°2)")
_COUNTS = re.compile(r"(?i)(intensity|counts|cps|int\b|\bi\b)")


def _angles(block: Block) -> bool:
    """Whether the first column can be 2 theta: rising in even steps within 0 to 180 deg."""
    if block.values.shape[1] < 2 or block.values.shape[0] < 20:
        return False
    first = block.values[:, 0]
    if not np.all(np.isfinite(first)) or first.min() < -5.0 or first.max() > 180.0:
        return False
    steps = np.diff(first)
    if not (steps.min() > 0.0 and steps.max() < 1.0):
        return False
    # without a name they are angles only where nothing else has such a range: scattering vectors end at a few
    # 1/angstrom, energies of valence electrons begin at zero
    named = _ANGLE.search(" ".join(block.above)) or re.search(
        r"Scantype|\[Scan points\]", " ".join(block.above)
    )
    return bool(named) or bool(first.min() >= 2.0 and first.max() >= 20.0)


def _sniff(source: Source) -> float:
    head = source.head
    if not head:
        return 0.0
    bruker = re.match(r"'?\s*Id:.*(Scantype|TimePerStep|Anode)", head[:2000])
    if bruker:
        return 0.95
    # names of what else may stand over two columns
    if re.search(r"(?i)(energy|\beV\b|kinetic|wavelength \(nm|wavelength, nm|raman|cm-1)", head[:6000]):
        return 0.0
    named = bool(_ANGLE.search(head[:4000]) and _COUNTS.search(head[:4000])) or "[Scan points]" in head
    ending = source.suffix in (".xy", ".xye", ".xyd")
    if not (named or ending):
        return 0.0
    found = blocks(source, 0, min(len(source.lines), 400))
    if not found or not any(_angles(block) for block in found):
        return 0.0
    return 0.85 if named else 0.6


def _read(source: Source) -> list[Found]:
    found: list[Found] = []
    for block in blocks(source):
        if not _angles(block):
            continue
        above = " ".join(block.above)
        notes = []
        headings = block.columns
        column = next((at for at, one in enumerate(headings) if at > 0 and _COUNTS.search(one.text)), 1)
        if not any(one.text for one in headings):
            notes.append(
                "the columns have no names: the first is taken for 2 theta in deg, the second for the intensity."
            )
        if block.values.shape[1] > 2 and not any(one.text for one in headings):
            notes.append("the third column is not read.")
        about = {}
        anode = re.search(r'(?i)anode:?\s*"?([A-Z][a-z]?)\b', above)
        wave = re.search(r"(?i)wavelength[^0-9\n]{0,30}([01]\.\d+)", above)
        if wave:
            about["wavelength"] = float(wave[1]) * 1e-10
        elif anode and anode[1].lower() in _ANODES:
            about["wavelength"] = _ANODES[anode[1].lower()]
            notes.append(f"the wavelength is that of K-alpha1 of {anode[1]}, the anode that the file names.")
        else:
            notes.append("the file does not say the wavelength.")
        name = source.path.stem if not found else f"{source.path.stem} {len(found) + 1}"
        found.append(
            scan_of(source, block.values[:, 0], block.values[:, column], name=name, notes=notes, **about)
        )
    if not found:
        raise InputError(
            "no columns with rising angles and an intensity were found.",
            "A diffractogram as text has 2 theta in deg first, then the counts.",
            file=source.file,
        )
    return found


FORMATS = (
    Format(
        "xrd_text",
        "diffractogram as text (.xy, .xye, two columns)",
        ("xrd",),
        (".xy", ".xye", ".csv", ".txt"),
        _sniff,
        _read,
    ),
)
