"""Many cells at once: sweeps over a number of the stack, maps over two, the best of some, what it all hangs on."""

from perotwin.study.batch import batch
from perotwin.study.maps import best_of, map_of
from perotwin.study.merit import Merit, merit
from perotwin.study.optimise import Optimum, Slice, Trial, optimise
from perotwin.study.pool import Outcome, Pool
from perotwin.study.sensitivity import Entry, Sensitivity, sensitivity
from perotwin.study.slopes import Slope
from perotwin.study.spread import Spread, read_spread, usual_spread
from perotwin.study.sweep import Point, sweep, values
from perotwin.study.variables import Field, changed, resolve, resolve_all

__all__ = [
    "Entry",
    "Field",
    "Merit",
    "Optimum",
    "Outcome",
    "Point",
    "Pool",
    "Sensitivity",
    "Slice",
    "Slope",
    "Spread",
    "Trial",
    "batch",
    "best_of",
    "changed",
    "map_of",
    "merit",
    "optimise",
    "read_spread",
    "resolve",
    "resolve_all",
    "sensitivity",
    "sweep",
    "usual_spread",
    "values",
]
