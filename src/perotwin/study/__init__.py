"""Many cells at once: sweeps over a number of the stack, maps over two, the best of some, what it all hangs on."""

from perotwin.study.batch import Plan, Task, Worker, batch, planned, tasks
from perotwin.study.draws import Draws, from_posterior, from_ranges, from_spread
from perotwin.study.maps import best_of, map_of
from perotwin.study.merit import Merit, merit
from perotwin.study.optimise import Optimum, Slice, Trial, optimise
from perotwin.study.pool import Outcome, Pool
from perotwin.study.sensitivity import Entry, Sensitivity, sensitivity
from perotwin.study.slopes import Slope
from perotwin.study.spread import Spread, read_spread, usual_spread
from perotwin.study.store import Row, Store
from perotwin.study.sweep import Point, sweep, values
from perotwin.study.variables import Field, changed, resolve, resolve_all

__all__ = [
    "Draws",
    "Entry",
    "Field",
    "Merit",
    "Optimum",
    "Outcome",
    "Plan",
    "Point",
    "Pool",
    "Row",
    "Sensitivity",
    "Slice",
    "Slope",
    "Spread",
    "Store",
    "Task",
    "Trial",
    "Worker",
    "batch",
    "best_of",
    "changed",
    "from_posterior",
    "from_ranges",
    "from_spread",
    "map_of",
    "merit",
    "optimise",
    "planned",
    "read_spread",
    "resolve",
    "resolve_all",
    "sensitivity",
    "sweep",
    "tasks",
    "usual_spread",
    "values",
]
