"""Energies of a layer at its temperature: bands, levels of traps, the Fermi level of a neutral layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from perotwin.constants import Boltzmann, elementary_charge
from perotwin.errors import InputError

if TYPE_CHECKING:
    from perotwin.stack import Layer

__all__ = ["KIND", "K_EV", "Bands", "bands", "level_densities", "level_energy", "neutral_fermi_level"]

#: Boltzmann's constant, eV/K
K_EV = Boltzmann / elementary_charge

#: what a level is charged like, as the solver's tables have it
KIND = {"neutral": 0.0, "donor": 1.0, "acceptor": -1.0}


@dataclass(frozen=True)
class Bands:
    """Electronic numbers of a layer at the stack's temperature (eV, m^-3, m^2/(V s))."""

    affinity: float
    gap: float
    nc: float
    nv: float
    mu_n: float
    mu_p: float
    vt: float
    degenerate: bool

    @property
    def np_eq(self) -> float:
        """Product of the carrier densities at equilibrium, dilute limit (m^-6)."""
        return float(self.nc * self.nv * np.exp(-self.gap / self.vt))


def bands(layer: Layer, temperature: float) -> Bands:
    """A layer's electronic numbers at `temperature` (K), from those at its reference temperature.

    Densities of states go as T^1.5, the gap linearly about the reference (the valence band moves), mobilities as
    stated by their activation energy.
    """
    e = layer.electronic
    if e is None:
        raise InputError(
            f'the layer "{layer.name}" has no electronic parameters.',
            "Add [layer.electronic].",
            key=layer.name,
        )
    reference = temperature if e.reference_temperature is None else float(e.reference_temperature)
    dos = (temperature / reference) ** 1.5
    gap = layer.gap + float(e.bandgap_temperature_coefficient) * (temperature - reference)
    if gap <= 0.0:
        raise InputError(
            f"the bandgap at {temperature:g} K is {gap:.3g} eV.",
            "Check bandgap_temperature_coefficient and the temperature.",
            key=f"{layer.name}.electronic.bandgap_temperature_coefficient",
        )
    activation = float(e.mobility_activation_energy)
    activated = np.exp(-activation / K_EV * (1.0 / temperature - 1.0 / reference))
    return Bands(
        affinity=float(e.electron_affinity),
        gap=gap,
        nc=float(e.conduction_dos) * dos,
        nv=float(e.valence_dos) * dos,
        mu_n=float(e.electron_mobility) * activated,
        mu_p=float(e.hole_mobility) * activated,
        vt=K_EV * temperature,
        degenerate=e.statistics.kind == "fermi-dirac",
    )


def level_energy(level: Any, band: Bands) -> float:
    """Energy of a trap level (eV) from the layer's own vacuum level, negative downwards."""
    if getattr(level, "kind", None) == "midgap":
        return -band.affinity - 0.5 * band.gap
    if getattr(level, "below", None) == "vacuum":
        return -float(level.depth)
    if getattr(level, "below", None) == "conduction":
        return -band.affinity - float(level.depth)
    return -band.affinity - band.gap + float(level.height)


def level_densities(energy: float, affinity: float, band: Bands) -> tuple[float, float]:
    """n1 and p1 (m^-3) of a level at `energy` on a scale where the layer's affinity is `affinity`."""
    return (
        band.nc * float(np.exp((energy + affinity) / band.vt)),
        band.nv * float(np.exp(-(energy + affinity + band.gap) / band.vt)),
    )


def neutral_fermi_level(band: Bands, donors: float, acceptors: float, traps: Sequence[Any] = ()) -> float:
    """Fermi level (eV, from the vacuum level) of a neutral layer.

    Args:
        band: of the layer.
        donors, acceptors: ionised dopants, m^-3.
        traps: its levels; those with a charge count with their occupation.
    """
    levels = tuple(
        (level_energy(trap.level, band), float(trap.density or 0.0), KIND[trap.charge])
        for trap in traps
        if KIND[trap.charge] != 0.0
    )
    return _neutral(band, donors, acceptors, levels)


@lru_cache(maxsize=256)
def _neutral(
    band: Bands, donors: float, acceptors: float, levels: tuple[tuple[float, float, float], ...]
) -> float:
    """The same with the energy (eV), density (m^-3) and kind of each charged level; found once for each layer."""
    from scipy.optimize import brentq

    from perotwin.transport.fermi import fermi_dirac_half

    def carriers(eta: float) -> float:
        if not band.degenerate or eta < -20.0:
            return float(np.exp(eta))
        return float(fermi_dirac_half(np.asarray(eta)))

    def excess(level: float) -> float:
        negative = band.nc * carriers((level + band.affinity) / band.vt) + acceptors
        positive = band.nv * carriers(-(level + band.affinity + band.gap) / band.vt) + donors
        for energy, density, kind in levels:
            filled = 0.5 * (1.0 - np.tanh(0.5 * (energy - level) / band.vt))
            negative += density * filled if kind < 0.0 else 0.0
            positive += density * (1.0 - filled) if kind > 0.0 else 0.0
        # the logarithms of both sides: the densities span too many decades for a root search
        return float(np.log(negative) - np.log(positive))

    def reach(density: float, dos: float) -> float:
        """A little more than the level (kT into the band) of `density` carriers; F(eta) is near 3/4 eta^1.5 there."""
        ratio = density / dos
        return 40.0 + (1.5 * ratio ** (2.0 / 3.0) if band.degenerate else float(np.log1p(ratio)))

    charged = sum(density for _, density, _ in levels)
    low = -band.affinity - band.gap - band.vt * reach(acceptors + charged, band.nv)
    high = -band.affinity + band.vt * reach(donors + charged, band.nc)
    return float(brentq(excess, low, high, xtol=1e-13, rtol=1e-14))
