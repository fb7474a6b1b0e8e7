"""Measured files that a report shows beside simulated cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from perotwin import lab
from perotwin.measurement import Metrics, file_name
from perotwin.report import machine

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.files.format import Found

__all__ = ["Beside", "beside", "of_instrument", "results"]


@dataclass(frozen=True)
class Beside:
    """A measurement that a file holds.

    Attributes:
        name: unique among all that is shown. file: that it was read from.
        instrument: its name. dataset: in the shape of that instrument. metrics: read by it.
    """

    name: str
    file: str
    instrument: str
    dataset: xr.Dataset
    metrics: Metrics


def beside(found: Iterable[Found], taken: Iterable[str]) -> list[Beside]:
    """What files hold, analysed, under names that no cell has ("my-cell, measured").

    Raises:
        InputError: an analysis cannot use one.
    """
    made: list[Beside] = []
    used = list(taken)
    for one in found:
        stem = file_name(str(one.dataset.attrs.get("stack") or "file"), [])
        name = unique = f"{stem}, measured"
        count = 1
        while unique in used:
            count += 1
            unique = f"{name} {count}"
        used.append(unique)
        dataset = one.dataset.assign_attrs(stack=unique)
        metrics = lab.known(one.instrument).analyse(dataset)
        made.append(Beside(unique, str(one.dataset.attrs.get("file", "")), one.instrument, dataset, metrics))
    return made


def of_instrument(shown: Sequence[Beside], instrument: str) -> list[Beside]:
    """Those that one instrument took."""
    return [one for one in shown if one.instrument == instrument]


def results(shown: Sequence[Beside]) -> list[dict[str, Any]]:
    """Entries of machine output."""
    return [
        {
            "measured": one.name,
            "file": one.file,
            "instrument": one.instrument,
            **machine.instrument_result(lab.known(one.instrument), one.dataset, one.metrics),
        }
        for one in shown
    ]
