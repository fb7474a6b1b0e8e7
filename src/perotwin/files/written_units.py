"""Units as instruments write them: "mA/cm2", "[mA.cm-2]", "Ohmcm²", "photons/(s cm² nm)".

pint is the authority on units of stack files; headings of instruments hold units glued together, with superscripts,
badly decoded squares ("cm?") and words ("Cnts."), which no parser of proper units takes.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

__all__ = ["KINDS", "WrittenUnit", "written_unit"]

#: exponents of volt, ampere, metre, second, kelvin, electronvolt, sun, count, degree
Powers = tuple[int, ...]
_NOTHING: Powers = (0,) * 9

#: symbol -> (powers, factor, whether it takes prefixes)
_BASES: dict[str, tuple[Powers, float, bool]] = {
    "V": ((1, 0, 0, 0, 0, 0, 0, 0, 0), 1.0, True),
    "A": ((0, 1, 0, 0, 0, 0, 0, 0, 0), 1.0, True),
    "Amps": ((0, 1, 0, 0, 0, 0, 0, 0, 0), 1.0, False),
    "Volts": ((1, 0, 0, 0, 0, 0, 0, 0, 0), 1.0, False),
    "Volt": ((1, 0, 0, 0, 0, 0, 0, 0, 0), 1.0, False),
    "volts": ((1, 0, 0, 0, 0, 0, 0, 0, 0), 1.0, False),
    "W": ((1, 1, 0, 0, 0, 0, 0, 0, 0), 1.0, True),
    "J": ((1, 1, 0, 1, 0, 0, 0, 0, 0), 1.0, True),
    "C": ((0, 1, 0, 1, 0, 0, 0, 0, 0), 1.0, True),
    "F": ((-1, 1, 0, 1, 0, 0, 0, 0, 0), 1.0, True),
    "ohm": ((1, -1, 0, 0, 0, 0, 0, 0, 0), 1.0, True),
    "Ohm": ((1, -1, 0, 0, 0, 0, 0, 0, 0), 1.0, True),
    "OHM": ((1, -1, 0, 0, 0, 0, 0, 0, 0), 1.0, False),
    "S": ((-1, 1, 0, 0, 0, 0, 0, 0, 0), 1.0, False),
    "m": ((0, 0, 1, 0, 0, 0, 0, 0, 0), 1.0, True),
    "s": ((0, 0, 0, 1, 0, 0, 0, 0, 0), 1.0, True),
    "sec": ((0, 0, 0, 1, 0, 0, 0, 0, 0), 1.0, False),
    "seconds": ((0, 0, 0, 1, 0, 0, 0, 0, 0), 1.0, False),
    "min": ((0, 0, 0, 1, 0, 0, 0, 0, 0), 60.0, False),
    "minutes": ((0, 0, 0, 1, 0, 0, 0, 0, 0), 60.0, False),
    "h": ((0, 0, 0, 1, 0, 0, 0, 0, 0), 3600.0, False),
    "hr": ((0, 0, 0, 1, 0, 0, 0, 0, 0), 3600.0, False),
    "hrs": ((0, 0, 0, 1, 0, 0, 0, 0, 0), 3600.0, False),
    "hours": ((0, 0, 0, 1, 0, 0, 0, 0, 0), 3600.0, False),
    "hour": ((0, 0, 0, 1, 0, 0, 0, 0, 0), 3600.0, False),
    "days": ((0, 0, 0, 1, 0, 0, 0, 0, 0), 86400.0, False),
    "Hz": ((0, 0, 0, -1, 0, 0, 0, 0, 0), 1.0, True),
    "K": ((0, 0, 0, 0, 1, 0, 0, 0, 0), 1.0, True),
    "eV": ((0, 0, 0, 0, 0, 1, 0, 0, 0), 1.0, True),
    "sun": ((0, 0, 0, 0, 0, 0, 1, 0, 0), 1.0, False),
    "suns": ((0, 0, 0, 0, 0, 0, 1, 0, 0), 1.0, False),
    "Suns": ((0, 0, 0, 0, 0, 0, 1, 0, 0), 1.0, False),
    "Sun": ((0, 0, 0, 0, 0, 0, 1, 0, 0), 1.0, False),
    "counts": ((0, 0, 0, 0, 0, 0, 0, 1, 0), 1.0, False),
    "Counts": ((0, 0, 0, 0, 0, 0, 0, 1, 0), 1.0, False),
    "count": ((0, 0, 0, 0, 0, 0, 0, 1, 0), 1.0, False),
    "cts": ((0, 0, 0, 0, 0, 0, 0, 1, 0), 1.0, False),
    "Cnts": ((0, 0, 0, 0, 0, 0, 0, 1, 0), 1.0, False),
    "cnts": ((0, 0, 0, 0, 0, 0, 0, 1, 0), 1.0, False),
    "cps": ((0, 0, 0, -1, 0, 0, 0, 1, 0), 1.0, False),
    "CPS": ((0, 0, 0, -1, 0, 0, 0, 1, 0), 1.0, False),
    "#": ((0, 0, 0, 0, 0, 0, 0, 1, 0), 1.0, False),
    "deg": ((0, 0, 0, 0, 0, 0, 0, 0, 1), 1.0, False),
    "degrees": ((0, 0, 0, 0, 0, 0, 0, 0, 1), 1.0, False),
    "angstrom": ((0, 0, 1, 0, 0, 0, 0, 0, 0), 1e-10, False),
    "Angstrom": ((0, 0, 1, 0, 0, 0, 0, 0, 0), 1e-10, False),
    "photons": (_NOTHING, 1.0, False),
    "Photons": (_NOTHING, 1.0, False),
    "ph": (_NOTHING, 1.0, False),
    "%": (_NOTHING, 0.01, False),
    "pct": (_NOTHING, 0.01, False),
    "percent": (_NOTHING, 0.01, False),
    "1": (_NOTHING, 1.0, False),
}
_PREFIXES = {
    "a": 1e-18, "f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "c": 1e-2, "k": 1e3, "M": 1e6, "G": 1e9,
}  # fmt: skip


def _symbols() -> dict[str, tuple[Powers, float]]:
    every = {}
    for symbol, (powers, factor, prefixed) in _BASES.items():
        for prefix, times in _PREFIXES.items() if prefixed else ():
            if prefix != "c" or symbol == "m":
                every[prefix + symbol] = (powers, factor * times)
    return every | {symbol: (powers, factor) for symbol, (powers, factor, _) in _BASES.items()}


_SYMBOLS = _symbols()
_TOKEN = re.compile(
    r"\s*(?:(?P<mark>[/*.()])|(?P<symbol>"
    + "|".join(re.escape(one) for one in sorted(_SYMBOLS, key=len, reverse=True))
    + r")(?P<power>(?:\^|\*\*)?(?:\(\s*[+-]?\d\s*\)|[+-]?\d(?!\d)))?)"
)
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
#: what stands where a square was lost on the way through a wrong encoding
_LOST_SQUARE = re.compile(r"(?<=cm)(?:\?|\ufffd|Â2|\^\?|(?<=cm)\s*$(?!.))(?=$|[\s)/\]])")

#: powers -> kind of quantity
KINDS: dict[Powers, str] = {
    (1, 0, 0, 0, 0, 0, 0, 0, 0): "voltage",
    (0, 1, 0, 0, 0, 0, 0, 0, 0): "current",
    (0, 1, -2, 0, 0, 0, 0, 0, 0): "current density",
    (1, 1, 0, 0, 0, 0, 0, 0, 0): "power",
    (1, 1, -2, 0, 0, 0, 0, 0, 0): "power density",
    (0, 0, 0, 1, 0, 0, 0, 0, 0): "time",
    (0, 0, 0, -1, 0, 0, 0, 0, 0): "frequency",
    (0, 0, 1, 0, 0, 0, 0, 0, 0): "length",
    (0, 0, -1, 0, 0, 0, 0, 0, 0): "wavenumber",
    (0, 0, 2, 0, 0, 0, 0, 0, 0): "area",
    (0, 0, 0, 0, 1, 0, 0, 0, 0): "temperature",
    (0, 0, 0, 0, 0, 1, 0, 0, 0): "energy",
    (0, 0, 0, 0, 0, 0, 1, 0, 0): "suns",
    (0, 0, 0, 0, 0, 0, 0, 1, 0): "counts",
    (0, 0, 0, -1, 0, 0, 0, 1, 0): "count rate",
    (0, 0, 0, 0, 0, 0, 0, 0, 1): "angle",
    (1, -1, 0, 0, 0, 0, 0, 0, 0): "resistance",
    (1, -1, 2, 0, 0, 0, 0, 0, 0): "area resistance",
    (-1, 1, 0, 1, 0, 0, 0, 0, 0): "capacitance",
    (-1, 1, -2, 1, 0, 0, 0, 0, 0): "capacitance per area",
    (-1, 0, 0, 0, 0, 0, 0, 0, 0): "responsivity",
    (0, 0, -2, -1, 0, 0, 0, 0, 0): "photon flux",
    (0, 0, -3, -1, 0, 0, 0, 0, 0): "photon flux per wavelength",
    (0, 0, -2, -1, 0, -1, 0, 0, 0): "photon flux per energy",
    (0, 0, -3, 0, 0, 0, 0, 0, 0): "number density",
    (1, 0, 0, -1, 0, 0, 0, 0, 0): "scan rate",
    _NOTHING: "number",
}


class WrittenUnit(NamedTuple):
    """A unit. `kind`: of quantity ("other" where none that is known). `factor`, `offset`: SI = number factor + offset
    (energies in eV, light in suns, angles in degrees, counts as they are). `text`: as it was written."""

    kind: str
    factor: float
    offset: float
    text: str


@lru_cache(maxsize=4096)
def written_unit(text: str) -> WrittenUnit | None:
    """What a unit means; None for words that are none.

    text : without brackets: "mA/cm2".
    """
    if len(text) > 60:
        return None
    said = text.strip().translate(_SUPERSCRIPTS)
    if said.lower() in ("a.u.", "a. u.", "arb. units", "arb.units", "arb. u.", "au", "norm."):
        return WrittenUnit("arbitrary", 1.0, 0.0, text)
    if said in ("°C", "C°", "degC", "oC", "'C", "℃", "?C", "\ufffdC"):
        return WrittenUnit("temperature", 1.0, 273.15, text)
    for old, new in (("µ", "u"), ("μ", "u"), ("Ω", "ohm"), ("Ω", "ohm"), ("°", "deg"), ("·", "*"), ("⋅", "*"), ("−", "-"), ("Å", "angstrom"), ("Â", "")):  # noqa: E501 - one row  # fmt: skip
        said = said.replace(old, new)
    said = _LOST_SQUARE.sub("2", said).rstrip(".")
    powers, factor, place, sign, depth = [0] * 9, 1.0, 0, 1, [1]
    found = False
    while place < len(said):
        token = _TOKEN.match(said, place)
        if token is None or token.end() == place:
            if said[place:].strip():
                return None
            break
        place = token.end()
        mark = token["mark"]
        if mark == "/":
            sign = -1
            continue
        if mark == "(":
            depth.append(depth[-1] * sign)
            sign = 1
            continue
        if mark == ")":
            if len(depth) < 2:
                return None
            depth.pop()
            sign = 1
            continue
        if mark:
            continue
        own, times = _SYMBOLS[token["symbol"]]
        power = int(re.sub(r"[^\d+-]", "", token["power"])) if token["power"] else 1
        power *= sign * depth[-1]
        powers = [one + power * other for one, other in zip(powers, own, strict=True)]
        factor *= times**power
        found = True
        sign = 1
    if not found or len(depth) != 1:
        return None
    return WrittenUnit(KINDS.get(tuple(powers), "other"), factor, 0.0, text)
