"""The figures of the paper, redrawn from the twin: what each shows, and which measurements it is made of.

    for one in FIGURES: one.draw(bench)

Each instrument draws its own measurements; nothing of the paper's curves is drawn beside them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perotwin.paper.bench import CONDITIONS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from perotwin.paper.bench import Bench

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


def _batches(kind: str) -> Callable[[Bench], Figure]:
    def draw(bench: Bench) -> Figure:
        from perotwin.lab import statistics

        return statistics.plot(bench.batch(kind))

    return draw


def _tandems(bench: Bench) -> Figure:
    from perotwin.lab import scan

    return scan.plot([bench.tandem_data(one) for one in CONDITIONS])


#: in the order of the paper
FIGURES: tuple[Drawing, ...] = (
    Drawing(
        "fig-1b-tof-sims", "interface", "Fig. 1b and S3", "Depth profiles: monolayer and additive at the buried face.",
        _samples("tof_sims", "control", "target"),
    ),
    Drawing(
        "fig-1c-xps", "interface", "Fig. 1c and S4", "C 1s of the washed oxide: C=O is left in the target only.",
        _samples("xps", "control-washed", "target-washed"),
    ),
    Drawing(
        "fig-1e-kpfm", "interface", "Fig. 1e", "Surface potential: monolayer on NiOx, washed reference, washed target.",
        _samples("kpfm", "sam-niox", "control-washed", "target-washed"),
    ),
    Drawing("fig-2c-pl", "film", "Fig. 2c, S9 and S11", "Luminescence of film, half-stacks and cell.", _cells("pl")),
    Drawing("fig-s9-trpl", "film", "Fig. S9", "Decays of luminescence.", _cells("trpl")),
    Drawing("fig-3a-jv", "cell", "Fig. 3a", "J-V curves, reverse and forward.", _scans),
    Drawing(
        "fig-3a-tracking", "cell", "Fig. 3a, inset",
        "Tracked power of the target cell, and the voltage at which it is held.", _tracking,
    ),
    Drawing("fig-3b-eqe", "cell", "Fig. 3b", "Quantum efficiency.", _cells("eqe")),
    Drawing(
        "fig-s18-suns-voc", "cell", "Fig. S18", "Voltage against light, and where fill factor is lost.",
        _cells("suns_voc"),
    ),
    Drawing("fig-3d-tpc", "cell", "Fig. 3d", "Transient photocurrent.", _cells("tpc")),
    Drawing("fig-s17-tpv", "cell", "Fig. S17", "Transient photovoltage.", _cells("tpv")),
    Drawing("fig-3e-el", "cell", "Fig. 3e and S19", "Electroluminescence.", _cells("el")),
    Drawing(
        "fig-3c-statistics", "statistics", "Fig. 3c and S16", "Virtual batches of single junctions.",
        _batches("singles"),
    ),
    Drawing(
        "fig-2e-soaking", "hours", "Fig. 2e and 2f",
        "Films in light: luminescence at several moments, and the share of the light that the iodide-rich phase emits, "
        "grain by grain and of the whole film. A map and its spectrum take a minute to collect: those at 0 min are the "
        "mean over it, and lie above where the curves begin.", _soaking,
    ),
    Drawing("fig-4c-tandem-jv", "tandem", "Fig. 4c", "J-V curves of the tandems.", _tandems),
    Drawing(
        "fig-4d-tandem-statistics", "tandem", "Fig. 4d and S22", "Virtual batches of tandems.", _batches("tandems")
    ),
)  # fmt: skip
