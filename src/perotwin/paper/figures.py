"""The figures of the paper, redrawn from the twin: what each shows, and which measurements it is made of.

    for one in FIGURES: one.draw(bench)

Each instrument draws its own measurements; nothing of the paper's curves is drawn beside them. Of operation the numbers
that the paper states are marked, each with the label of its claim.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perotwin.paper import claims
from perotwin.paper.bench import CONDITIONS
from perotwin.paper.rows_of_hours import OPERATION
from perotwin.plotting import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from perotwin.paper.bench import Bench
    from perotwin.plotting import operation

__all__ = ["FIGURES", "Drawing"]


@dataclass(frozen=True)
class Drawing:
    """A figure.

    Attributes:
        name: of its files. stage: whose measurements it shows. paper: the figure of the paper that it redraws.
        caption: for people. draw: of a bench, the figure.
    """

    name: str
    stage: str
    paper: str
    caption: str
    draw: Callable[[Bench], Figure]


def _samples(instrument: str, *names: str) -> Callable[[Bench], Figure]:
    def draw(bench: Bench) -> Figure:
        from perotwin import lab

        made: Figure = getattr(lab, instrument).plot(
            [bench.data_of_sample(instrument, name) for name in names]
        )
        return made

    return draw


def _cells(instrument: str) -> Callable[[Bench], Figure]:
    def draw(bench: Bench) -> Figure:
        from perotwin import lab

        made: Figure = getattr(lab, instrument).plot([bench.data(instrument, one) for one in CONDITIONS])
        return made

    return draw


def _scans(bench: Bench) -> Figure:
    from perotwin.lab import scan

    return scan.plot([bench.scan_data(one) for one in CONDITIONS])


def _tracking(bench: Bench) -> Figure:
    from perotwin.lab import mppt

    return mppt.plot([bench.data("mppt", "target")])


def _soaking(bench: Bench) -> Figure:
    from perotwin.plotting import ageing

    return ageing.soaking([bench.soak_data(one) for one in CONDITIONS])


def _operation(kind: str) -> Callable[[Bench], Figure]:
    def draw(bench: Bench) -> Figure:
        from perotwin.plotting import operation

        items, marks = [], []
        for name, run in OPERATION.items():
            if run[0] == kind:
                items.append(course := bench.retained_data(*run))
                marks.append(_mark(claims.find(name), str(course.attrs["stack"]), run[2]))
        # of one cell too, the colour that its condition has in other figures
        colours = [style.CELLS[CONDITIONS.index(run[1])] for run in OPERATION.values() if run[0] == kind]
        return operation.retained(items, marks, colours)

    return draw


def _mark(claim: claims.Claim, cell: str, hours: float) -> operation.Mark:
    """What the paper states of a cell after some hours."""
    from perotwin.plotting import operation

    words = f"paper: {claim.expects()}; twin: {claim.label}"
    if claim.is_number:
        return operation.Mark(cell, 3600.0 * hours, claim.value, words, claim.tolerance)
    if math.isfinite(claim.below):
        return operation.Mark(cell, 3600.0 * hours, claim.below, words, bound="below")
    return operation.Mark(cell, 3600.0 * hours, claim.above, words, bound="above")


def _batches(kind: str) -> Callable[[Bench], Figure]:
    def draw(bench: Bench) -> Figure:
        from perotwin.lab import statistics

        return statistics.plot(bench.batch(kind))

    return draw


def _tandems(bench: Bench) -> Figure:
    from perotwin.lab import scan

    return scan.plot([bench.tandem_data(one) for one in CONDITIONS])


#: what signs in several figures say
_MARKS = (
    "Marked is what the paper states, with the label of its claim: circles with the tolerance that was fixed "
    "beforehand, a bar with an arrow where the paper gives a bound."
)

_FITTED = "Dotted: the exponential that is fitted, with its time beside the name."
_BOXES = (
    "Boxes are quartiles, whiskers all within 1.5 of their distance, points every device, with a marker for each "
    "substrate; diamonds are means."
)

#: in the order of the paper
FIGURES: tuple[Drawing, ...] = (
    Drawing(
        "fig-1b-tof-sims", "interface", "Fig. 1b and S3",
        "Depth profiles: monolayer and additive at the buried face (dashed); below, near it.",
        _samples("tof_sims", "control", "target"),
    ),
    Drawing(
        "fig-1c-xps", "interface", "Fig. 1c and S4",
        "C 1s of the washed oxide: C=O is left in the target only. Right: Ni 2p over that of the bare oxide.",
        _samples("xps", "control-washed", "target-washed"),
    ),
    Drawing(
        "fig-1e-kpfm", "interface", "Fig. 1e", "Surface potential: monolayer on NiOx, washed reference, washed target.",
        _samples("kpfm", "sam-niox", "control-washed", "target-washed"),
    ),
    Drawing(
        "fig-2c-pl", "film", "Fig. 2c, S9 and S11",
        "Luminescence of film, half-stacks and cell, and the splitting of the quasi-Fermi levels below its radiative "
        "limit.", _cells("pl"),
    ),
    Drawing(
        "fig-s9-trpl", "film", "Fig. S9",
        "Decays of luminescence, and their differential lifetime. A fit by exponentials is doubtful where the counts "
        "tell that the decay is no sum of so few.", _cells("trpl"),
    ),
    Drawing(
        "fig-3a-jv", "cell", "Fig. 3a", "J-V curves, reverse and forward; circles mark maximum power.", _scans
    ),
    Drawing(
        "fig-3a-tracking", "cell", "Fig. 3a, inset",
        "Tracked power of the target cell, and the voltage at which it is held.", _tracking,
    ),
    Drawing("fig-3b-eqe", "cell", "Fig. 3b", "Quantum efficiency.", _cells("eqe")),
    Drawing(
        "fig-s18-suns-voc", "cell", "Fig. S18",
        "Voltage against light, with the lines of the ideality, and where fill factor is lost; dots mark maximum "
        "power.",
        _cells("suns_voc"),
    ),
    Drawing("fig-3d-tpc", "cell", "Fig. 3d", f"Transient photocurrent. {_FITTED}", _cells("tpc")),
    Drawing("fig-s17-tpv", "cell", "Fig. S17", f"Transient photovoltage. {_FITTED}", _cells("tpv")),
    Drawing(
        "fig-3e-el", "cell", "Fig. 3e and S19",
        "Electroluminescence at the largest injection, and photons out over injected electrons.", _cells("el"),
    ),
    Drawing(
        "fig-3c-statistics", "statistics", "Fig. 3c and S16", f"Virtual batches of single junctions. {_BOXES}",
        _batches("singles"),
    ),
    Drawing(
        "fig-2e-soaking", "hours", "Fig. 2e and 2f",
        "Films in light: luminescence at several moments, and the share of the light that the iodide-rich phase emits, "
        "grain by grain and of the whole film. A map and its spectrum take a minute to collect: those at 0 min are the "
        "mean over it, and lie above where the curves begin.", _soaking,
    ),
    Drawing(
        "fig-3f-operation", "hours", "Fig. 3f",
        "Single junctions of the library at maximum power in one sun (ISOS-L-1; perotwin age): power over the first. "
        f"{_MARKS} Both rates of the twin are calibrated on the two numbers that are marked, so that the curves end "
        "there; what lies between is not.", _operation("singles"),
    ),
    Drawing(
        "fig-4c-tandem-jv", "tandem", "Fig. 4c", "J-V curves of the tandems, reverse; circles mark maximum power.",
        _tandems,
    ),
    Drawing(
        "fig-4d-tandem-statistics", "tandem", "Fig. 4d and S22", f"Virtual batches of tandems. {_BOXES}",
        _batches("tandems"),
    ),
    Drawing(
        "fig-4e-operation", "tandem", "Fig. 4e",
        "The target tandem of the library at maximum power in one sun (ISOS-L-1; perotwin age), with the rates of the "
        f"single junctions: power over the first. {_MARKS}", _operation("tandems"),
    ),
)  # fmt: skip
