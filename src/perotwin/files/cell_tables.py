"""Tables of cells: open-circuit voltages at several lights, and figures of merit of many devices."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from perotwin.errors import InputError
from perotwin.files.blocks import Block
from perotwin.files.format import Found, dataset_of
from perotwin.files.header import Header
from perotwin.files.kinds import quantity_of
from perotwin.files.merit import area_of
from perotwin.files.source import Source

__all__ = ["statistics_of_block", "suns_voc_of_block"]


def suns_voc_of_block(
    source: Source, block: Block, header: Header, sample: str = "", label: str = ""
) -> Found:
    """Open-circuit voltages with the short-circuit current densities of the same light.

    Raises
    ------
    InputError : a column is missing.
    """
    headings = block.columns
    kinds = [quantity_of(one) for one in headings]

    def column(kind: str, default: float) -> np.ndarray | None:
        if kind not in kinds:
            return None
        unit = headings[kinds.index(kind)].unit
        return block.values[:, kinds.index(kind)] * (default if unit is None else unit.factor) + (
            0.0 if unit is None else unit.offset
        )

    voltage, density, light, temperature = (
        column(kind, default)
        for kind, default in (("voc", 1.0), ("jsc", 10.0), ("intensity", 1.0), ("temperature", 1.0))
    )
    if voltage is None or (density is None and light is None):
        raise InputError(
            "it has no Voc with Jsc or light.", "Say which they are: --columns.", file=source.file
        )
    good = np.isfinite(voltage)
    variables: dict[str, object] = {"voltage": ("point", voltage[good])}
    if density is not None:
        variables["current_density"] = ("point", np.abs(density[good]))
    if light is not None:
        variables["intensity"] = ("point", light[good], {"units": "sun"})
    about: dict[str, Any] = {}
    if temperature is not None:
        variables["temperature"] = ("point", temperature[good], {"units": "K"})
        about["temperature"] = float(np.nanmean(temperature[good]))
        label = label or f"{about['temperature']:.0f} K"
    area = area_of(header, source)
    dataset = dataset_of(
        "suns_voc",
        source,
        variables,
        {},
        name=" ".join(p for p in (sample or header.text(r"^ sample ?name ", r"^ sample "), label) if p),
        area=area.value if area.value > 0.0 else None,
        **about,
    )
    return Found(dataset)


def statistics_of_block(source: Source, block: Block, notes: Sequence[str] = ()) -> Found:
    """Figures of merit of devices, a row each; groups and substrates by the columns so called.

    Raises
    ------
    InputError : a figure is missing.
    """
    headings = block.columns
    kinds = [quantity_of(one) for one in headings]
    variables: dict[str, object] = {}
    said = list(notes)
    for name, default in (("voc", 1.0), ("jsc", 10.0), ("ff", 0.0), ("pce", 0.0)):
        if name not in kinds:
            raise InputError(
                f'it has no column of "{name}".', "Say which it is: --columns.", file=source.file
            )
        at = kinds.index(name)
        unit = headings[at].unit
        values = block.values[:, at]
        largest = float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else math.nan
        factor = unit.factor if unit is not None else default
        if unit is None:
            if name == "voc" and largest > 20.0:
                factor = 1e-3
            if name in ("ff", "pce"):
                factor = 0.01 if largest > (1.0 if name == "ff" else 0.5) else 1.0
            said.append(f"the unit of {headings[at].name} is not stated: told by its size")
        variables[name] = ("device", np.abs(values * factor) if name == "jsc" else values * factor)
    count = block.values.shape[0]
    device = _words(block, source, r"(?i)\b(device|cell|pixel|name|id|file|sample)", count)
    names = device if device is not None else [str(number + 1) for number in range(count)]
    if len(set(names)) < len(names):
        names = [f"{name} {number + 1}" for number, name in enumerate(names)]
    along: dict[str, object] = {"device": names}
    for name, pattern in (
        ("group", r"(?i)\b(group|batch|variation|condition|variant|treatment|type)"),
        ("substrate", r"(?i)\b(substrate|sub|chip)"),
    ):
        words = _words(block, source, pattern, count)
        if words is not None:
            along[name] = ("device", words)
    return Found(dataset_of("statistics", source, variables, along, notes=said))


def _words(block: Block, source: Source, pattern: str, count: int) -> list[str] | None:
    for at, heading in enumerate(block.headings):
        if re.search(pattern, heading) and quantity_of(heading) == "":
            if at in block.beside:
                return [cell or "-" for cell in block.beside[at]]
            values = block.values[:, at]
            if np.isfinite(values).any():
                return [f"{value:g}" for value in values]
    return None
