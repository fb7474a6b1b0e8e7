"""Where photons, carriers and volts of a measured cell go.

photons(cell, eqe)       # what becomes of the light, layer by layer, above and below the gap
carriers(cell, jv)       # what each recombination channel takes at maximum power
voltages(cell, jv, eqe)  # from the limit of an ideal absorber down to the terminals, junction by junction
"""

from perotwin.losses.carriers import carriers
from perotwin.losses.photons import Photons, photons
from perotwin.losses.voltages import Voltages, voltages

__all__ = ["Photons", "Voltages", "carriers", "photons", "voltages"]
