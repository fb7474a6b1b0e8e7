"""How layers, faces and channels of a cell with several junctions are called after the junction that they belong to.

A junction is "top", "middle" or "bottom"; one that consists of columns is followed by the column's name: "top.covered".
Layers are then "top perovskite", faces "top niox|top perovskite", channels "top perovskite radiative".
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["BETWEEN", "IN_SERIES", "is_junction", "junction_layers", "junction_of"]

#: junctions one behind the other, in the order in which light meets them
IN_SERIES = ("top", "middle", "bottom")
#: what belongs to no junction but lies between two, and what is lost there and in all that is in series with them
BETWEEN = "between"


def is_junction(name: str) -> bool:
    """Whether a name is that of a junction in series, or of a column of one."""
    return name.partition(".")[0] in IN_SERIES


def junction_of(name: str) -> tuple[str, str]:
    """The junction that a layer, face or channel is called after, and its name there.

    "top perovskite radiative" gives "top" and "perovskite radiative", "top niox|top perovskite" gives "top" and
    "niox|perovskite"; the face where two junctions meet gives "between" and its own name, what belongs to no junction
    "" and its own name.
    """
    junction, _, rest = name.partition(" ")
    if not is_junction(junction) or not rest:
        return "", name
    other = rest.partition("|")[2].partition(" ")
    if other[2] and is_junction(other[0]) and other[0] != junction:
        return BETWEEN, name
    return junction, rest.replace(f"|{junction} ", "|")


def junction_layers(layers: Iterable[str]) -> dict[str, list[str]]:
    """Layers along a depth axis by the junction that they are called after; all under "" where there is but one."""
    names = list(layers)
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(junction_of(name)[0], []).append(name)
    order = [junction_of(name)[0] for name in names]
    in_order = order == sorted(order, key=list(found).index)
    if len(found) < 2 or "" in found or not in_order:
        return {"": names}
    return found
