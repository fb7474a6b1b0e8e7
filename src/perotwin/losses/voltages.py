"""Where the volts go at open circuit, junction by junction: from the limit of an ideal absorber to the terminals.

The steps are those by which such losses are told (U. Rau, B. Blank, T. C. M. Muller, T. Kirchartz, Phys. Rev. Appl. 7,
044016 (2017), doi:10.1103/PhysRevApplied.7.044016): an edge that is no step, and light that does not come in; what
recombines without light; what is lost between the absorber and the terminals.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from perotwin.constants import c, e, elementary_charge, h

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.measurement import Metrics
    from perotwin.stack import Cell, Light
    from perotwin.transport.steady import Solver

__all__ = ["Lit", "Voltages", "gaps_of", "step_current", "step_voltage", "voltages"]


@dataclass(frozen=True)
class Voltages:
    """Open-circuit voltages (V) of one junction; NaN where one is not known.

    Attributes:
        gap: eV, where its quantum efficiency is steepest, or that of its absorber where that was not measured.
        shockley_queisser: of a step at the gap that takes all light that reaches it and gives light to one side
            (doi:10.1063/1.1736034); behind another junction what that one's gap leaves.
        radiative: of this junction with its own light and its own emission, if all that it loses were photons that
            leave the cell.
        implied: mean splitting of the quasi-Fermi levels in its absorber.
        terminal: across it.
    """

    gap: float
    shockley_queisser: float
    radiative: float
    implied: float
    terminal: float


def voltages(
    cell: Cell, jv: xr.Dataset, eqe: xr.Dataset | None = None, metrics: Metrics | None = None
) -> dict[str, Voltages]:
    """What the open-circuit voltage of each junction falls short of, by junction ("" in a cell of one).

    Args:
        cell: that was measured, with its light.
        jv: its illuminated curve. eqe: its quantum efficiency, where it was measured. metrics: of the curve.

    Returns:
        Nothing for columns side by side, of which each has volts of its own, and in the dark.
    """
    from perotwin.lab import junctions
    from perotwin.lab import jv as instrument
    from perotwin.transport.build import build
    from perotwin.transport.steady import Solver

    suns = float(cell.light.intensity)
    whole = instrument.analyse(jv) if metrics is None else metrics
    if not suns > 0.0 or "voc" not in whole or not math.isfinite(whole["voc"].value):
        return {}
    own = junctions.metrics(jv)
    solver = Solver(build(cell))
    alone = junctions.each_alone(solver) if own else {"": solver}
    if len(solver.problem.films) > 1 and not set(alone) <= set(own):
        return {}
    there = junctions.at(jv, "open-circuit") if own else {"": whole["voc"].value}
    gaps = gaps_of(alone, eqe)
    found = {}
    before = math.inf
    for name, one in alone.items():
        current = (own[name] if own else whole)["jsc"].value
        found[name] = Voltages(
            gap=gaps[name],
            shockley_queisser=step_voltage(cell, gaps[name], before),
            radiative=_radiative(one, current),
            implied=_implied(jv, name, one),
            terminal=there.get(name, math.nan),
        )
        before = gaps[name]
    return found


def gaps_of(alone: dict[str, Solver], eqe: xr.Dataset | None) -> dict[str, float]:
    """eV, the gap of each junction."""
    from perotwin.lab import eqe as instrument

    read = {} if eqe is None else instrument.analyse(eqe)
    several = len(alone) > 1
    found = {}
    for name, one in alone.items():
        stack = one.problem.parts[0].stack
        stated = [layer.gap for layer in stack.electrical_layers if layer.role == "absorber"]
        measured = read.get(f"bandgap, {name}" if several else "bandgap")
        value = math.nan if measured is None else float(measured)
        found[name] = min(stated, default=math.nan) if math.isnan(value) else value
    return found


class Lit(Protocol):
    """What stands in a light at a temperature (K): a cell, or one that was measured there."""

    @property
    def light(self) -> Light: ...
    @property
    def temperature(self) -> float: ...


def step_current(cell: Lit, gap: float, before: float = math.inf) -> float:
    """Photons (A m^-2) of a cell's light above a gap (eV) that one at `before` leaves; NaN where its light is one
    wavelength, or no such photons are left.
    """
    from perotwin.optics.incidence import arriving
    from perotwin.spectra import Monochromatic, chosen

    light = chosen(cell.light.spectrum)
    if isinstance(light, Monochromatic) or not gap < before:
        return math.nan
    shortest = 0.0 if math.isinf(before) else h * c / (e * before)
    flux = arriving(cell.light) * light.photon_flux(shortest, h * c / (e * gap))
    return float(cell.light.intensity) * elementary_charge * flux


def step_voltage(cell: Lit, gap: float, before: float = math.inf, current: float | None = None) -> float:
    """V of a step at a gap (eV) in a cell's light, behind one at `before`, or with another photocurrent (A m^-2)."""
    from perotwin.optics.emission import step_current as emitted

    made = step_current(cell, gap, before) if current is None else current
    temperature = float(cell.temperature)
    return _volts(made, emitted(gap, temperature), temperature)


def _radiative(solver: Solver, current: float) -> float:
    """V of what a junction's own emission leaves of a photocurrent (A m^-2)."""
    emission = solver.problem.parts[0].emission
    if emission is None or not current > 0.0 or not emission.j0_radiative > 0.0:
        return math.nan
    stack = solver.problem.parts[0].stack
    if any(stack.radiative(layer).kind != "detailed-balance" for layer in stack.absorbers):
        return math.nan
    return _volts(current, emission.j0_radiative, float(stack.temperature))


def _volts(made: float, lost: float, temperature: float) -> float:
    """kT/q ln(made / lost + 1), V."""
    from perotwin.constants import Boltzmann

    return Boltzmann * temperature / e * math.log1p(made / lost)


def _implied(jv: xr.Dataset, name: str, solver: Solver) -> float:
    """Mean splitting (eV) in the absorber of a junction at the open circuit of the whole."""
    points = [str(one) for one in jv["point"].values] if "point" in jv.coords else []
    wanted = {"electron_fermi_level", "hole_fermi_level", "solved_voltage"}
    if jv.attrs.get("shown") or "open-circuit" not in points or not wanted <= set(jv.data_vars):
        return math.nan
    volts = float(jv["solved_voltage"].values[points.index("open-circuit")])
    row = np.flatnonzero(np.abs(jv["bias"].values - volts) < 1e-9)
    stack = solver.problem.parts[0].stack
    absorbers = {layer.name for layer in stack.electrical_layers if layer.role == "absorber"}
    absorbers |= {f"{name} {layer}" for layer in absorbers if name}
    here = np.array([str(layer) in absorbers for layer in jv["layer"].values])
    if not row.size or not here.any():
        return math.nan
    x = jv["x"].values
    split = (jv["electron_fermi_level"].values - jv["hole_fermi_level"].values)[row[0]]
    total = width = 0.0
    for layer in dict.fromkeys(jv["layer"].values[here]):
        inside = jv["layer"].values == layer
        total += float(np.trapezoid(split[inside], x[inside]))
        width += float(np.ptp(x[inside]))
    return total / width
