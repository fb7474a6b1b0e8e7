"""Luminescence in a table: spectra against wavelength, counts against time after a pulse."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError
from perotwin.files.blocks import Block
from perotwin.files.eqe_tables import wavelengths
from perotwin.files.format import Found, dataset_of
from perotwin.files.headings import Heading
from perotwin.files.kinds import quantity_of
from perotwin.files.source import Source
from perotwin.measurement.metrics import Metric

__all__ = ["pl_found", "pl_of_block", "trpl_found", "trpl_of_block"]

F64 = NDArray[np.float64]


def pl_of_block(source: Source, block: Block, sample: str = "", notes: Sequence[str] = ()) -> list[Found]:
    """The spectra of a table: absolute ones in photons per area, time and wavelength, others relative."""
    said = list(notes)
    wavelength, axis = wavelengths(block, source, said)
    headings = block.columns
    kinds = [quantity_of(one) for one in headings]
    absolute = [n for n, one in enumerate(headings) if one.kind == "photon flux per wavelength"]
    chosen = absolute or [
        n
        for n, kind in enumerate(kinds)
        if kind in ("counts", "photon_flux") and n != axis and not _dark(headings[n])
    ]
    if not chosen:
        raise InputError("it has no column of luminescence.", "Say which it is: --columns.", file=source.file)
    found = []
    for at in chosen:
        unit = headings[at].unit
        label = headings[at].name if len(chosen) > 1 else ""
        factor = unit.factor if unit is not None and at in absolute else 1.0
        found.append(
            pl_found(
                source,
                wavelength,
                block.values[:, at] * factor,
                at in absolute,
                " ".join(p for p in (sample, label) if p),
                said,
            )
        )
    return found


def pl_found(
    source: Source,
    wavelength: F64,
    flux: F64,
    absolute: bool,
    name: str = "",
    notes: Sequence[str] = (),
    stated: Mapping[str, Metric] | None = None,
    **about: Any,
) -> Found:
    """One spectrum by ascending wavelength; flux (K,) m^-2 s^-1 m^-1, or in counts where it is not absolute."""
    kept = np.isfinite(wavelength) & np.isfinite(flux)
    order = np.argsort(wavelength[kept], kind="stable")
    x, y = wavelength[kept][order], flux[kept][order]
    if x.size < 4:
        raise InputError(
            "it holds fewer than four points of a spectrum.", "Export it again.", file=source.file
        )
    said = [*notes, *([] if absolute else ["counts: relative, so no yield"])]
    dataset = dataset_of(
        "pl",
        source,
        {"photon_flux": ("wavelength", y)},
        {"wavelength": x},
        name=name,
        notes=said,
        units={"photon_flux": "m-2 s-1 m-1" if absolute else "1"},
        **about,
    )
    return Found(dataset, dict(stated or {}))


def _dark(heading: Heading) -> bool:
    return re.search(r"(?i)\b(dark|raw|background|reference|err)", heading.name) is not None


def trpl_of_block(source: Source, block: Block, sample: str = "", notes: Sequence[str] = ()) -> list[Found]:
    """The decays of a table of counts against time.

    Raises
    ------
    InputError : it has none, or the unit of the time is not said.
    """
    headings = block.columns
    kinds = [quantity_of(one) for one in headings]
    axis = next((n for n, one in enumerate(headings) if one.kind == "time"), None)
    if axis is None:
        raise InputError(
            "the unit of its time is not stated, and decays are in anything from ps to ms.",
            'Say it: --columns "time=1 (ns), counts=2".',
            file=source.file,
        )
    chosen = [n for n, kind in enumerate(kinds) if kind == "counts" and n != axis]
    if not chosen:
        raise InputError("it has no column of counts.", "Say which it is: --columns.", file=source.file)
    unit = headings[axis].unit
    assert unit is not None
    found, response = (
        [],
        [n for n in chosen if re.search(r"(?i)\b(irf|response|prompt|scatter)", headings[n].name)],
    )
    for at in [n for n in chosen if n not in response] or chosen:
        label = headings[at].name if len(chosen) - len(response) > 1 else ""
        found.append(
            trpl_found(
                source,
                block.values[:, axis] * unit.factor,
                block.values[:, at],
                " ".join(p for p in (sample, label) if p),
                notes,
                block.values[:, response[0]] if response else None,
            )
        )
    return found


def trpl_found(
    source: Source,
    time: F64,
    counts: F64,
    name: str = "",
    notes: Sequence[str] = (),
    response: F64 | None = None,
    **about: Any,
) -> Found:
    """One decay; time (K,) s as in the file, counts (K,).

    Raises
    ------
    InputError : fewer than ten bins, or time does not rise.
    """
    said = list(notes)
    kept = np.isfinite(time) & np.isfinite(counts)
    x, y = time[kept], counts[kept]
    if x.size < 10:
        raise InputError("it holds fewer than ten bins.", "Export it again.", file=source.file)
    if (np.diff(x) < 0.0).any():
        raise InputError(
            "its time does not rise from bin to bin.",
            "See which column is the time: --columns.",
            file=source.file,
        )
    same = int((np.diff(x) == 0.0).sum())
    if same:
        # a time written with too few digits: its bins are even
        said.append(f"{same} times stand twice, as they are written with few digits: even bins are taken")
        x = np.linspace(x[0], x[-1], x.size)
    if (y < 0.0).any():
        said.append(f"{int((y < 0.0).sum())} bins are negative: a background was subtracted before")
    variables: dict[str, Any] = {"counts": ("time", y)}
    if response is not None:
        variables["response"] = ("time", np.nan_to_num(response[kept]))
    dataset = dataset_of(
        "trpl", source, variables, {"time": x}, name=name, notes=said, units={"counts": "1"}, **about
    )
    return Found(dataset)
