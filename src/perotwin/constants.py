"""Constants of nature in SI, under the names that `scipy.constants` has for them.

Importing `scipy.constants` takes a fifth of a second, most of it for tables of all that was ever measured. Those that
define the SI are exact (SI Brochure, 9th edition, 2019); the electric constant is that of CODATA 2022
(DOI 10.1103/RevModPhys.97.025002).
"""

from __future__ import annotations

__all__ = ["Boltzmann", "c", "e", "elementary_charge", "epsilon_0", "h"]

#: elementary charge, C
elementary_charge = e = 1.602176634e-19
#: Boltzmann's constant, J/K
Boltzmann = 1.380649e-23
#: Planck's constant, J s
h = 6.62607015e-34
#: speed of light in vacuum, m/s
c = 299792458.0
#: permittivity of vacuum, F/m
epsilon_0 = 8.8541878188e-12
