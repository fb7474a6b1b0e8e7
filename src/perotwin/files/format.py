"""What a format of files is, and what is found in a file of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from perotwin.errors import InputError
from perotwin.files.source import Source
from perotwin.measurement.metrics import Metric

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Format", "Found", "dataset_of", "has"]

#: most points of one measurement
MOST_POINTS = 20_000_000


@dataclass(frozen=True)
class Found:
    """One measurement of a file.

    dataset : in the shape of its instrument, SI; attributes `instrument`, `stack` (the sample's name), `measured` (1),
        `file`, `format`, `notes` (JSON).
    stated : what the file itself says of it, by the names of metrics, SI: {"voc": Metric(1.02, "V", "stated ...")}.
    """

    dataset: xr.Dataset
    stated: Mapping[str, Metric] = field(default_factory=dict)

    @property
    def instrument(self) -> str:
        """The instrument whose measurement it is."""
        return str(self.dataset.attrs["instrument"])

    @property
    def name(self) -> str:
        """What the file calls it."""
        return str(self.dataset.attrs["stack"])

    @property
    def notes(self) -> list[str]:
        """What its reader must know."""
        return [str(one) for one in json.loads(str(self.dataset.attrs.get("notes") or "[]"))]

    def noting(self, *notes: str) -> Found:
        """The same with further notes."""
        said = json.dumps([*self.notes, *(note.rstrip(".") for note in notes)])
        return replace(self, dataset=self.dataset.assign_attrs(notes=said))


@dataclass(frozen=True)
class Format:
    """A format of files.

    Attributes
    ----------
    name : an identifier, unique among all formats.
    title : what people call it: "EC-Lab text (.mpt)".
    instruments : names of the instruments whose measurements it holds.
    extensions : endings of names, in small letters with their dot; only for the list of formats.
    sniff : how sure it is that a file is one, 0 to 1, by `source.head`, `source.content` and the name; must not raise.
        0.9 and more: words that no other program writes; 0.5: likely; below 0.3: a guess that any other may beat.
    read : what is in a file; raises InputError where it does not hold what its kind should.
    """

    name: str
    title: str
    instruments: tuple[str, ...]
    extensions: tuple[str, ...]
    sniff: Callable[[Source], float]
    read: Callable[[Source], list[Found]]


def dataset_of(
    instrument: str,
    source: Source,
    variables: Mapping[str, Any],
    coordinates: Mapping[str, Any],
    *,
    name: str = "",
    notes: Sequence[str] = (),
    units: Mapping[str, str] | None = None,
    **about: Any,
) -> xr.Dataset:
    """A measurement that a file holds.

    Parameters
    ----------
    variables, coordinates : as `xarray.Dataset` takes them, SI.
    name : of the sample; that of the file unless given.
    notes : what was decided, such as which area was used.
    units : of variables that are in others than the stored unit of their name.
    about : further attributes; None is left out.

    Raises
    ------
    InputError : it has no points, or more than any measurement.
    """
    import numpy as np
    import xarray as xr

    from perotwin import __version__
    from perotwin.measurement.dataset import describe, indexed

    along = {axis: indexed(axis, values) for axis, values in coordinates.items()}
    made = xr.Dataset(dict(variables), along)
    size = max((int(np.size(one)) for one in made.data_vars.values()), default=0)
    if size == 0:
        raise InputError("it holds no points.", "See whether the export was complete.", file=source.file)
    if size > MOST_POINTS:
        raise InputError(f"it holds {size} points.", "Export a part of it.", file=source.file)
    for variable, unit in (units or {}).items():
        made[variable].attrs["units"] = unit
    made.attrs = {
        "instrument": instrument,
        "stack": name.strip()[:200] or source.path.stem,
        "file": source.path.name,
        "measured": 1,
        **{key: value for key, value in about.items() if value is not None},
        "perotwin": __version__,
        "notes": json.dumps(
            [note.rstrip(".") for note in (*(source.decisions if source.is_text else ()), *notes)]
        ),
    }
    return describe(made)


def has(text: str, *words: str) -> bool:
    """Whether a text holds all words, capitals or not."""
    low = text.lower()
    return all(word.lower() in low for word in words)
