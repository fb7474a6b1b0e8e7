"""The rows that the twin answers, by name; the functions stand in `rows_of_films`, `rows_of_cells` and others."""

from __future__ import annotations

from perotwin.paper.found import Row
from perotwin.paper.rows_of_cells import ROWS as CELLS
from perotwin.paper.rows_of_films import ROWS as FILMS
from perotwin.paper.rows_of_hours import ROWS as HOURS
from perotwin.paper.rows_of_tandems import ROWS as TANDEMS

__all__ = ["ROWS", "STAGES"]

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
