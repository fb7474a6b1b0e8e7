"""What the oxide's face takes up from the liquid."""

from __future__ import annotations

import math
from dataclasses import dataclass

from perotwin.errors import InputError

__all__ = ["Adsorption"]


@dataclass(frozen=True)
class Adsorption:
    """How the oxide takes the additive: a finite number of sites, and a solvent that competes for them.

    d theta/dt = k_on c (1 - theta) / (1 + solvent_competition x) - k_off theta, with c next to the oxide and x the
    share of the liquid's volume that is solvent.

    sites : places that the additive fits into, per area of the face (m^-2).
    k_on : rate constant of adsorption (m^3/s).
    k_off : rate of desorption (1/s).
    solvent_competition : sites that pure solvent holds for each free one.

    Reference: I. Langmuir, J. Am. Chem. Soc. 40, 1361 (1918), doi:10.1021/ja02242a004.
    """

    sites: float = 0.0
    k_on: float = 0.0
    k_off: float = 0.0
    solvent_competition: float = 0.0

    def __post_init__(self) -> None:
        for name in ("sites", "k_on", "k_off", "solvent_competition"):
            value = getattr(self, name)
            if not 0.0 <= value < math.inf:
                raise InputError(
                    f"{name} of the oxide is {value:g}, and it must be a number from zero up.",
                    "Give a value of at least 0.",
                    key=name,
                )
