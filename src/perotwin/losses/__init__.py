"""Where photons, carriers and volts of a cell go, and what that costs.

losses_of(cell)          # all steps from the Shockley-Queisser limit of the gap down to the cell
losses_of_measured(...)  # the same of measured curves, as far as they tell
between(first, second)   # what the difference of two cells consists of
photons(cell, eqe)       # what becomes of the light, layer by layer, above and below the gap
carriers(cell, jv)       # what each recombination channel takes at maximum power
voltages(cell, jv, eqe)  # from the limit of an ideal absorber down to the terminals, junction by junction
"""

from perotwin.losses.carriers import carriers
from perotwin.losses.of_cell import losses_of
from perotwin.losses.of_files import Conditions, losses_of_measured
from perotwin.losses.photons import Photons, photons
from perotwin.losses.voltages import Voltages, voltages
from perotwin.losses.waterfall import Difference, Figures, Loss, Missing, Waterfall, between, closing

__all__ = [
    "Conditions",
    "Difference",
    "Figures",
    "Loss",
    "Missing",
    "Photons",
    "Voltages",
    "Waterfall",
    "between",
    "carriers",
    "closing",
    "losses_of",
    "losses_of_measured",
    "photons",
    "voltages",
]
