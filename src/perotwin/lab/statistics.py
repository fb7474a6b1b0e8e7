"""Figures of merit of many devices: medians, means and their intervals, and what two groups differ by.

    found = analyse(dataset)
    found["pce, target, mean"], found["welch_p, pce, control - target"]

Devices on one substrate share its film: they are no independent measurements (S. E. Lazic, BMC Neurosci. 11, 5 (2010),
doi:10.1186/1471-2202-11-5). Where the substrates are known, the mean of each counts once in means, intervals and tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from perotwin.errors import InputError
from perotwin.lab.arguments import of_a_cell, of_measurements
from perotwin.lab.statistics_analysis import FIGURES, analyse, detectable, groups_of, remarks, together
from perotwin.measurement import Instrument, Variable
from perotwin.stack.quantity_fields import Model

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "INSTRUMENT",
    "Protocol",
    "analyse",
    "detectable",
    "groups_of",
    "measure",
    "plot",
    "remarks",
    "together",
]


class Protocol(Model):
    """How many devices a batch has.

    devices : of each cell. seed : of their draws.
    """

    devices: int = Field(default=30, ge=1)
    seed: int = Field(default=1, ge=0)


@of_a_cell
def measure(cell: Any, protocol: Protocol | None = None) -> xr.Dataset:
    """Refuse: one cell is no batch; how devices scatter is a study, which draws them.

    Raises:
        InputError: always, with what to do instead.
    """
    raise InputError(
        "one cell has no statistics: a batch of devices is drawn from a spread of its numbers.",
        "Use perotwin statistics CELL..., or perotwin.study.batch in Python.",
    )


@of_measurements("statistics")
def plot(datasets: xr.Dataset | Sequence[xr.Dataset], ax: Axes | None = None) -> Figure:
    """Box plots with every device; see `plotting.boxes.boxes`. Into given axes that of the efficiency."""
    from perotwin.plotting import boxes, style

    found = [group for item in style.as_list(datasets) for group in groups_of(item)]
    return boxes.boxes(found, FIGURES, ax)


INSTRUMENT = Instrument(
    name="statistics",
    title="statistics of devices",
    protocol=Protocol,
    measure=measure,
    analyse=analyse,
    plot=plot,
    caption=(
        "Figures of merit of devices of {cells}: medians and quartiles (boxes), all that lies within 1.5 of their "
        "distance (whiskers) and every device, with a marker for each substrate; diamonds are means."
    ),
    variables=(
        *(Variable(name, ("device",)) for name in (*FIGURES, "vmp", "jmp")),
        Variable("group", ("device",)),
        Variable("substrate", ("device",)),
    ),
    entries={"device": "devices"},
    listed=True,
    offered=False,
)


def __dir__() -> list[str]:
    return sorted(__all__)
