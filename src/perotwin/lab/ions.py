"""Secondary ions as instruments name them, and what each stands for in a stack of oxide, monolayer and perovskite.

    role_of("PO_3-"), role_of("^206PbI_3-"), role_of("CN-")     # "sam", None, None

An isotope, a cluster or a sum of several ions is no marker by itself: only the plain formulas of the table are. A
fragment that more than one layer gives (CN-, O-, I-) stands for none of them. Who knows better says so: `roles`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from perotwin.errors import InputError, nearest

__all__ = ["MARKERS", "plain", "role_of", "roles_of"]

#: role -> formulas that stand for it, the best first. Phosphonic acids of monolayers give PO3-, carboxylic ones of the
#: additive COO-; the film gives its lead halides, the substrate what it alone is made of. SnO2 is on both sides of many
#: cells and stands for neither.
MARKERS: dict[str, tuple[str, ...]] = {
    "additive": ("COO", "CO2", "CHO2", "C5H10NO2", "C5H12NO2"),
    "sam": ("PO3", "PO2", "H2PO3"),
    "perovskite": ("PbI3", "PbI2", "PbBr3", "PbBr2", "PbI", "PbBr", "Pb"),
    "oxide": ("NiO2", "NiO", "Ni", "InO2", "InO", "In", "TiO2", "TiO"),
}


def plain(name: str) -> str:
    """The formula of an ion without underscores, brackets and charge: "PbI3" for "PbI_3-" and "PbI3 -"."""
    formula = re.sub(r"[\s_{}\[\]]", "", name.strip())
    return re.sub(r"[+\-−–]+\d*$", "", formula)


def role_of(name: str) -> str | None:
    """What an ion stands for; None of an isotope, a cluster, and of what several layers give."""
    if name in MARKERS:
        return name
    formula = plain(name)
    return next((role for role, formulas in MARKERS.items() if formula in formulas), None)


def roles_of(names: Iterable[str], said: Mapping[str, str] | str | None = None) -> dict[str, str]:
    """Role -> the ion among `names` that stands for it.

    Args:
        names: of all ions. said: ion -> role, over the table; as a mapping or as JSON.

    Raises:
        InputError: an ion that was said is not there, or its role is none.
    """
    known = list(names)
    given = json.loads(said) if isinstance(said, str) else dict(said or {})
    found: dict[str, str] = {}
    for ion, role in given.items():
        if ion not in known:
            close = nearest(ion, known)
            advice = f'Did you mean "{close[0]}"?' if close else "Give a name as the file has it."
            raise InputError(f'there is no ion "{ion}" in the profile.', advice, key="roles")
        if role not in MARKERS:
            raise InputError(
                f'an ion cannot stand for "{role}".', f"Choose one of {', '.join(MARKERS)}.", key="roles"
            )
        found[role] = ion
    for role, formulas in MARKERS.items():
        if role in found:
            continue
        if role in known:
            found[role] = role
            continue
        for formula in formulas:
            ion = next((name for name in known if name not in given and plain(name) == formula), None)
            if ion is not None:
                found[role] = ion
                break
    return {role: found[role] for role in MARKERS if role in found}
