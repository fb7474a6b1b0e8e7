"""Voltages of the junctions of a tandem by their luminescence, against injection: V0, V1, ..., Vtot, J0, ..., Jtot."""

from __future__ import annotations

import re

import numpy as np

from perotwin.errors import InputError
from perotwin.files.blocks import blocks
from perotwin.files.format import Format, Found, dataset_of
from perotwin.files.source import Source

__all__ = ["FORMATS"]


def _sniff(source: Source) -> float:
    first = source.head.split("\n", 1)[0]
    return 0.9 if re.search(r"(^|,)V0,V1,.*Vtot,.*J0,J1,.*Jtot", first) else 0.0


def _read(source: Source) -> list[Found]:
    found = blocks(source)
    heads = list(found[0].headings) if found else []
    if "Vtot" not in heads or "Jtot" not in heads:
        raise InputError("it has no rows below its headings.", "Export it again.", file=source.file)
    block = found[0]
    junctions = sorted(int(one[1:]) for one in heads if re.fullmatch(r"V\d+", one))
    whole = block.values[:, heads.index("Vtot")]
    density = block.values[:, heads.index("Jtot")] * 10.0
    if any(f"J{one}" not in heads for one in junctions):
        raise InputError("a junction has no current.", "Export it again.", file=source.file)
    each = np.stack([block.values[:, heads.index(f"V{one}")] for one in junctions])
    most = float(np.abs(each.sum(axis=0) - whole).max())
    notes = [
        "current densities are taken for mA/cm2",
        f"the voltages of the junctions add up to that of the whole within {most:.2g} V",
    ]
    along = {"junction": [f"junction {one}" for one in junctions]}
    dataset = dataset_of(
        "el_subcells",
        source,
        {
            "voltage": ("point", whole),
            "current_density": ("point", density),
            "subcell_voltage": (("junction", "point"), each, {"units": "V"}),
            "subcell_current": (
                ("junction", "point"),
                np.stack([block.values[:, heads.index(f"J{one}")] for one in junctions]) * 10.0,
                {"units": "A m-2"},
            ),
        },
        along,
        notes=notes,
    )
    return [Found(dataset)]


FORMATS = (
    Format(
        "el_subcells",
        "junctions' voltages by electroluminescence",
        ("el_subcells",),
        (".csv",),
        _sniff,
        _read,
    ),
)
