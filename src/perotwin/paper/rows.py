"""The rows that the twin answers, by name; the functions stand in `rows_of_films`, `rows_of_cells` and others."""

from __future__ import annotations

from collections.abc import Mapping

from perotwin.paper.bench import CONDITIONS, Ask, Bench
from perotwin.paper.found import Row
from perotwin.paper.rows_of_cells import ROWS as CELLS
from perotwin.paper.rows_of_films import ROWS as FILMS
from perotwin.paper.rows_of_hours import ROWS as HOURS
from perotwin.paper.rows_of_tandems import ROWS as TANDEMS

__all__ = ["ROWS", "STAGES", "in_order", "needed"]

#: all rows that are answered
ROWS: dict[str, Row] = {**FILMS, **CELLS, **HOURS, **TANDEMS}

#: parts of the work, in order -> what they are
STAGES: dict[str, str] = {
    "interface": "the buried face: molecules, KPFM, XPS, ToF-SIMS",
    "film": "films: luminescence, lifetimes, traps, microscopes, diffraction",
    "cell": "single junctions: J-V, EQE, Suns-Voc, EL, power tracking, pulses",
    "statistics": "virtual batches of single junctions",
    "hours": "light soaking, film ageing, operation",
    "tandem": "tandems and their batches",
}


def _each(*named: tuple[str, ...]) -> tuple[Ask, ...]:
    return tuple((*one, condition) for one in named for condition in CONDITIONS)


#: what the rows of a stage measure, what takes long first; devices of batches come besides
_NEEDED: Mapping[str, tuple[Ask, ...]] = {
    "interface": (
        *(("on_sample", "kpfm", name) for name in ("sam-niox", "control-washed", "target-washed")),
        ("on_sample", "xps", "control-washed"), ("on_sample", "xps", "target-washed"),
        ("on_sample", "tof_sims", "target"),
    ),
    "film": (
        ("of", "sclc", "control"), *_each(("of", "pl"), ("of", "trpl")), ("of", "eqe", "target"),
        *_each(("on_sample", "afm")), ("on_sample", "xrd", "target"),
    ),
    "cell": (
        ("of", "mppt", "target"), *_each(("scan",), ("of", "tpv"), ("of", "tpc"), ("of", "suns_voc"), ("of", "el")),
        ("of", "eqe", "control"),
    ),
    "statistics": (),
    "hours": (
        ("retained", "singles", "target", 600.0), ("retained", "singles", "control", 400.0),
        *_each(("soak",), ("film_ageing",)),
    ),
    "tandem": (("retained", "tandems", "target", 800.0), *_each(("tandem",))),
}  # fmt: skip
#: what takes so long that it is begun with an earlier stage: at the end one process would work on it alone
_EARLY: Mapping[Ask, str] = {("tandem", "control"): "cell"}
#: stages that draw batches, and of which cells
_BATCHES = {"statistics": "singles", "tandem": "tandems"}


def needed(stage: str, bench: Bench) -> tuple[Ask, ...]:
    """What the rows of a stage measure on a bench, so that several processes can do it side by side.

    A measurement that a row takes and that is missing here is taken all the same, by the row itself.
    """
    asks = _NEEDED.get(stage, ())
    if stage in _BATCHES:
        kind = _BATCHES[stage]
        asks += tuple(("device", kind, number) for number in range(len(CONDITIONS) * bench.devices))
    return asks


def in_order(asks: Mapping[str, tuple[Ask, ...]]) -> list[Ask]:
    """What some stages need, in the order in which it is best begun on several processes."""
    order = list(STAGES)

    def rank(pair: tuple[str, Ask]) -> float:
        stage, ask = pair
        early = _EARLY.get(ask)
        return order.index(stage) if early is None else order.index(early) - 0.5

    return [
        ask for _, ask in sorted(((stage, ask) for stage, some in asks.items() for ask in some), key=rank)
    ]
