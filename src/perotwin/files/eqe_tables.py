"""Quantum efficiencies in a table: against wavelength or photon energy, as a fraction, in %, or as a responsivity."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError
from perotwin.files.blocks import Block
from perotwin.files.format import Found, dataset_of
from perotwin.files.header import Header
from perotwin.files.headings import Heading
from perotwin.files.kinds import quantity_of
from perotwin.files.source import Source
from perotwin.measurement.metrics import Metric

__all__ = ["eqe_found", "eqe_of_block", "wavelengths"]

F64 = NDArray[np.float64]
#: h c / q, V m: photon energy (eV) times wavelength
_HC = 1.23984198433e-6
#: wavelengths (m) that an instrument of this kind can have
_SHORTEST, _LONGEST = 150e-9, 30e-6


def wavelengths(block: Block, source: Source, notes: list[str]) -> tuple[F64, int]:
    """(R,) wavelengths, m, and the number of the column that holds them (or photon energies).

    Raises
    ------
    InputError : no column does, or their unit is neither said nor evident.
    """
    headings = block.columns
    kinds = [quantity_of(one) for one in headings]
    at = next((n for n, kind in enumerate(kinds) if kind in ("wavelength", "photon_energy")), None)
    if at is None:
        raise InputError("it has no column of wavelengths.", "Say which it is: --columns.", file=source.file)
    values, heading = block.values[:, at], headings[at]
    if kinds[at] == "photon_energy":
        with np.errstate(divide="ignore", invalid="ignore"):
            found = _HC / (values * (1.0 if heading.unit is None else heading.unit.factor))
        notes.append("against photon energy in the file")
    elif heading.unit is not None:
        found = values * heading.unit.factor
    else:
        found = values * _by_size(values, source)
        notes.append("the unit of the wavelength is not stated: told by its size")
    finite = found[np.isfinite(found)]
    if not finite.size or finite.min() < _SHORTEST or finite.max() > _LONGEST:
        raise InputError("its wavelengths are none of light.", "Say their unit: --columns.", file=source.file)
    return found, at


def _by_size(values: F64, source: Source) -> float:
    finite = values[np.isfinite(values)]
    if finite.size and finite.min() >= 150.0 and finite.max() <= 30_000.0:
        return 1e-9
    if finite.size and finite.min() >= 0.15 and finite.max() <= 30.0:
        return 1e-6
    raise InputError("the unit of its wavelengths is not stated.", "Say it: --columns.", file=source.file)


def eqe_of_block(
    source: Source,
    block: Block,
    header: Header | None = None,
    only: Sequence[int] | None = None,
    stated: Sequence[dict[str, Metric]] = (),
    sample: str = "",
    unit: float | None = None,
    notes: Sequence[str] = (),
) -> list[Found]:
    """The quantum efficiencies of a table.

    only : which columns hold them; found by name unless given. stated : of each, what the file says.
    unit : of the numbers (0.01 for %), where the format knows it.

    Raises
    ------
    InputError : there is none.
    """
    said = list(notes)
    wavelength, axis = wavelengths(block, source, said)
    headings = block.columns
    kinds = [quantity_of(one) for one in headings]
    chosen = (
        list(only) if only is not None else [n for n, kind in enumerate(kinds) if kind == "eqe" and n != axis]
    )
    if not chosen:
        chosen = [n for n, kind in enumerate(kinds) if kind == "responsivity"]
    if not chosen:
        raise InputError(
            "it has no column of quantum efficiency.", "Say which it is: --columns.", file=source.file
        )
    found = []
    for number, at in enumerate(chosen):
        heading, own = headings[at], list(said)
        values = block.values[:, at]
        if kinds[at] == "responsivity" or heading.kind == "responsivity":
            factor = 1.0 if heading.unit is None else heading.unit.factor
            values = values * factor * _HC / wavelength
            own.append("from the responsivity of the file")
        else:
            values = values * (unit if unit is not None else _fraction(heading, values, own))
        label = _label(heading) if len(chosen) > 1 else ""
        known = stated[number] if number < len(stated) else _stated(header, len(chosen), number)
        found.append(
            eqe_found(source, wavelength, values, known, " ".join(p for p in (sample, label) if p), own)
        )
    return found


def eqe_found(
    source: Source,
    wavelength: F64,
    eqe: F64,
    stated: dict[str, Metric] | None = None,
    name: str = "",
    notes: Sequence[str] = (),
    **about: Any,
) -> Found:
    """One quantum efficiency, by ascending wavelength; wavelength (K,) m, eqe (K,) fraction.

    Raises
    ------
    InputError : fewer than four points, or no fraction.
    """
    said = list(notes)
    kept = np.isfinite(wavelength) & np.isfinite(eqe)
    x, y = wavelength[kept], eqe[kept]
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    if x.size < 4:
        raise InputError(
            "it holds fewer than four points of a quantum efficiency.", "Export it again.", file=source.file
        )
    if (np.diff(x) == 0.0).any():
        places, which, count = np.unique(x, return_inverse=True, return_counts=True)
        x, y = places, np.bincount(which, weights=y) / count
        said.append("wavelengths that stand twice: the mean of both")
    if float(np.median(y)) > 1.5 or float(y.max()) > 3.0:
        raise InputError(
            f"its quantum efficiency reaches {y.max():.3g}, which is no fraction.",
            'Say its unit: --columns "wavelength=1 (nm), eqe=2 (%)".',
            file=source.file,
        )
    if y.max() > 1.05:
        said.append(f"its largest value is {100 * y.max():.4g} %: above 1")
    dataset = dataset_of(
        "eqe", source, {"eqe": ("wavelength", y)}, {"wavelength": x}, name=name, notes=said, **about
    )
    return Found(dataset, stated or {})


def _fraction(heading: Heading, values: F64, notes: list[str]) -> float:
    if heading.unit is not None:
        return heading.unit.factor
    if "%" in heading.text:
        return 0.01
    largest = float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 0.0
    if largest > 1.5:
        notes.append("the unit of the quantum efficiency is not stated: taken for % by its size")
        return 0.01
    return 1.0


def _label(heading: Heading) -> str:
    name = re.sub(
        r"(?i)\b(eqe|ipce|qe|external quantum efficiency)\b",
        " ",
        heading.name.replace("_", " ").replace("|", " "),
    )
    return re.sub(r"\s+", " ", name).strip(" :-")


def _stated(header: Header | None, count: int, at: int) -> dict[str, Metric]:
    if header is None:
        return {}
    values = header.numbers(
        r"^ (j ?_?sc|am ?1 ?5g|integrated j|jsc integrated|integrated current density)\b",
        kind="current density",
    )
    if len(values) == count and not math.isnan(values[at]):
        entry = header.find(
            r"^ (j ?_?sc|am ?1 ?5g|integrated j|jsc integrated|integrated current density)\b"
        )[0]
        factor = 1.0 if entry.key.unit is not None or entry.unit is not None else 10.0
        return {"jsc": Metric(values[at] * factor, "A m-2", "stated by the file")}
    return {}
