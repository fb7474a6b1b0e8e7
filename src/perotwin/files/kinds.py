"""Which quantity a column holds, by its name and its unit; never by its place."""

from __future__ import annotations

import re
from functools import lru_cache

from perotwin.files.headings import Heading, heading_of, words_of

__all__ = ["direction_in", "is_dark", "is_lit", "quantity_of"]

#: kind of unit -> the quantity that a column in it is, unless its name says another
_BY_UNIT = {
    "voltage": "voltage",
    "current": "current",
    "current density": "current_density",
    "power": "power",
    "power density": "power_density",
    "time": "time",
    "energy": "photon_energy",
    "counts": "counts",
    "count rate": "counts",
    "photon flux per wavelength": "photon_flux",
    "photon flux per energy": "photon_flux",
    "photon flux": "photon_flux",
    "temperature": "temperature",
    "suns": "intensity",
    "frequency": "frequency",
    "responsivity": "responsivity",
    "capacitance": "capacitance",
    "capacitance per area": "capacitance",
    "area resistance": "resistance",
    "resistance": "resistance",
    "wavenumber": "wavenumber",
}
#: quantity -> how its name reads, tried in this order (words in small letters between blanks)
_BY_NAME: tuple[tuple[str, str], ...] = (
    ("voc", r" (v ?_?oc\w*|u ?_?oc|ivoc|open circuit voltage|pseudo voltage) "),
    ("jsc", r" (j ?_?sc\w*|short circuit current density) "),
    ("isc", r" (i ?_?sc\w*|short circuit current) "),
    ("ff", r" (ff|fill factor|fillfactor|ff\(%\)) "),
    ("pce", r" (pce|eff|efficiency|eta|pce\(%\)|mppt_eff|mppt_pce) "),
    ("eqe", r" (eqe|ipce|qe|iqe|quantum efficiency|external quantum efficiency|qe\(%\)) "),
    ("responsivity", r" (sr|spectral response|responsivity) "),
    ("two_theta", r" (2 ?theta|two ?theta|2θ|2th|2theta) "),
    ("wavelength", r" (wavelength|lambda|wl|wellenlänge|λ) "),
    ("photon_energy", r" (photon energy|energy|energie) "),
    ("counts", r" (counts|cts|cnts|crv|photon counts|decay|pl counts) "),
    (
        "current_density",
        r" (j|j\d*|current ?density|stromdichte|jdark|jlight|j dark|j light|j ?_?(fw|rv|for|rev)\w*) ",
    ),
    ("power", r" (power|p|leistung) "),
    (
        "voltage",
        r" (v|u|voltage|bias|potential|spannung|v ?dark|v ?light|ecell|e ?we|volt|v ?_?(fw|rv|for|rev)\w*) ",
    ),
    ("current", r" (i|current|strom|idark|ilight|i dark|i light|amp) "),
    ("time", r" (time|t|zeit|elapsed|duration|seconds?) "),
    ("photon_flux", r" (photon flux|flux density|pl flux|luminescence) "),
    ("counts", r" (pl|intensity|signal|emission|pl intensity) "),
    ("temperature", r" (temp|temperature|temperatur) "),
)  # fmt: skip
_BY_NAME_COMPILED = tuple((quantity, re.compile(pattern)) for quantity, pattern in _BY_NAME)
#: what a name may make of a quantity that the unit gives, and which units each quantity may have
_FINER = {
    "voltage": {"voc", "voltage"},
    "current_density": {"jsc", "current_density"},
    "current": {"isc", "current"},
    "number": {"ff", "pce", "eqe", "intensity", "reflectance", "transmittance"},
    "length": {"wavelength"},
    "energy": {"photon_energy"},
    "angle": {"two_theta"},
}


@lru_cache(maxsize=4096)
def quantity_of(heading: Heading | str) -> str:
    """The quantity in a column: "voltage", "current_density", "voc", "time", "eqe", ...; "" where unknown."""
    one = heading_of(heading) if isinstance(heading, str) else heading
    text = one.text.split(" | ")[0]
    named = _by_name(one.name.split(" | ")[0] or text)
    kind = one.kind
    if not kind or kind == "arbitrary":
        return named
    if kind == "number":
        said = _fraction(one.name or text)
        return said or (named if named in ("ff", "pce", "eqe", "counts") else "")
    if kind == "length":
        # thickness and roughness are lengths too; one that is nothing but a unit of light is a wavelength
        if named in ("", "wavelength") and (named or not one.name or " x " in words_of(one.name)):
            return "wavelength"
        return ""
    if kind == "angle":
        return "two_theta" if named == "two_theta" or " 2 " in words_of(one.name) else ""
    plain = _BY_UNIT.get(kind, "")
    words = words_of(one.name)
    finer = {"voltage": "voc", "current density": "jsc", "current": "isc"}.get(kind)
    if named and named == finer:
        return named
    if kind == "voltage" and re.search(
        r" (mpp|vmpp?|umpp|vmp|u mpp|v mpp|v set|v_set|set|std|error|step) ", words
    ):
        return (
            "voltage" if re.search(r" mppt ", words) else "" if " set " in words or "std" in words else "vmp"
        )
    if kind in ("current", "current density") and re.search(
        r" (mpp|impp?|jmpp?|i mpp|j mpp|std|error|limit) ", words
    ):
        return "jmp"
    if kind == "power density" and re.search(
        r" (irradiance|intensity|radiation|sun|suns|light|illumination) ", words
    ):
        return "irradiance"
    if kind == "power density" and re.search(r" (mpp|pmpp?|p mpp|pmax) ", words):
        return "pmp"
    return plain


def _by_name(name: str) -> str:
    words = words_of(name)
    for quantity, pattern in _BY_NAME_COMPILED:
        if pattern.search(words):
            return quantity
    return ""


def _fraction(name: str) -> str:
    """Which of the quantities without a unit (in %, say) a name means."""
    words = words_of(name)
    low = name.strip().lower().rstrip("%")
    for quantity, pattern in (
        ("ff", r" (ff|fill factor|fillfactor) "),
        ("pce", r" (pce|eff|efficiency|eta) "),
        ("eqe", r" (eqe|ipce|qe|iqe|quantum efficiency) "),
        ("transmittance", r" (t|transmittance|transmission|trans) "),
        ("reflectance", r" (r|reflectance|reflection|refl) "),
    ):
        if re.search(pattern, words) or low == quantity:
            return quantity
    return ""


_REVERSE = re.compile(
    r" (rev|reverse|rv|bwd|backward|backwards|back|rw|down|rueck|rückwärts|rev\d+|revscan) "
)
_FORWARD = re.compile(r" (for|fwd|forward|fw|fwd\d+|up|vorwärts|forwards|fwdscan) ")
_DARK = re.compile(r" (dark|dunkel|dk|v?dark\w*|jdark|idark|div|unlit) ")
_LIT = re.compile(r" (light|lit|illuminated|lt|hell|liv|jlight|vlight|ilight|1sun|am1) ")


def direction_in(text: str) -> str:
    """ "reverse" or "forward" where a name says one of them; "" where it says neither or both."""
    words = words_of(text.replace("_", " "))
    back, forth = _REVERSE.search(words), _FORWARD.search(words)
    if bool(back) == bool(forth):
        return ""
    return "reverse" if back else "forward"


def is_dark(text: str) -> bool:
    """Whether a name says that there was no light."""
    return _DARK.search(words_of(text.replace("_", " "))) is not None


def is_lit(text: str) -> bool:
    """Whether a name says that there was light."""
    return _LIT.search(words_of(text.replace("_", " "))) is not None
