"""Data and figures of a single instrument, for the commands that take -o FOLDER."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from perotwin.cli.output import Output

if TYPE_CHECKING:
    import xarray as xr


def unique(name: str, taken: Container[str]) -> str:
    """``name`` as part of a file name, with a number when it is taken."""
    base = re.sub(r"[^\w.+-]+", "-", name).strip("-.") or "cell"
    count, candidate = 1, base
    while candidate in taken:
        count += 1
        candidate = f"{base}-{count}"
    return candidate


def write(out: Output, folder: str | None, instrument: str, datasets: Mapping[str, xr.Dataset]) -> None:
    """Write each measurement as NetCDF and draw it, into ``folder`` if one was given."""
    if folder is None:
        return
    from perotwin import lab, measurement
    from perotwin.plotting import style

    plot = getattr(lab, instrument).plot
    written: list[Path] = []
    for name, dataset in datasets.items():
        stem = Path(folder) / f"{name}-{instrument}"
        written.append(measurement.save(dataset, stem.with_name(stem.name + ".nc")))
        written.extend(style.save(plot(dataset), stem))
    if len(datasets) > 1 and instrument != "bands":
        written.extend(style.save(plot(list(datasets.values())), Path(folder) / instrument))
    out.say("written: " + ", ".join(str(path) for path in written))
