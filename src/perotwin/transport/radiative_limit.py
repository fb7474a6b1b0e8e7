"""The radiative limit of solved states: what light may split the quasi-Fermi levels to, and remarks beside it.

An absorber in detailed balance emits R0 (exp(D) - 1) per volume, D the splitting in kT (doi:10.1103/PhysRev.94.1558).
All that it emits was generated or injected, so that over a junction the mean of exp(D), weighted by R0, is at most
(Jgen + Jinj) / J0 + 1 with J0 = q sum R0: at open circuit kT ln(Jgen / J0 + 1), with the light of other layers among
what is generated. Everything is computed from stored potentials and from what the optics say, apart from the solver.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.constants import elementary_charge as Q
from perotwin.measurement.checks import Check, check
from perotwin.transport.profiles import Profiles, junction_profiles
from perotwin.transport.states import JunctionStates, States

if TYPE_CHECKING:
    from perotwin.stack import Layer, Stack
    from perotwin.transport.junction import Junction

F64 = NDArray[np.float64]

__all__ = ["LIMIT", "Balance", "balances", "emitted", "remarks", "splitting_within_light"]

#: V by which the splitting may exceed its limit: numerical error alone
LIMIT = 1e-5
#: of a photocurrent, current at the terminals that is still open circuit
_OPEN = 1e-3
#: V, differences that are worth a remark
_WORTH = 1e-3
#: kT inside a band, and the part of a film's emission that must be there, from which on a table must be that of the
#: doped film
_INSIDE, _PART = 2.0, 0.05
#: unevenness (kT) and radiative part of the recombination from which on local re-absorption is an approximation that
#: is said
_UNEVEN, _RADIATES = 0.5, 0.05
#: relative amount by which prescribed generation may exceed what the spectrum holds
_MORE = 1e-3
_ROUNDING = 16.0 * np.finfo(float).eps


@dataclass(frozen=True)
class Balance:
    """Emission and light of one junction in K states.

    Attributes:
        name: of the junction, where a mesh holds several. sites: of the mesh.
        weight: (S',) R0 times the width of each site, over the sum of all. j0: net emission at equilibrium, A m^-2.
        split: (K, S') kT.
        made: (K,) pairs generated, A m^-2, those of light from other layers among them.
        injected: (K,) current that the terminals bring in, or its round-off if that is larger, A m^-2.
    """

    name: str
    sites: slice
    weight: F64
    j0: float
    split: F64
    made: F64
    injected: F64

    @property
    def weighted(self) -> F64:
        """(K,) splitting that the junction emits by, kT: ln(sum R0 exp(D) / sum R0)."""
        top = self.split.max(axis=1, keepdims=True)
        return np.asarray(top[:, 0] + np.log((np.exp(self.split - top) * self.weight).sum(axis=1)))

    @property
    def limit(self) -> F64:
        """(K,) the most that it can be, kT."""
        return np.asarray(np.log1p((self.made + self.injected) / self.j0))


def balances(states: JunctionStates, fields: Profiles, noise: F64 | float = 0.0) -> Iterator[Balance]:
    """What each junction of a mesh emits and gets; those without an absorber in detailed balance are left out.

    Args:
        states: of one mesh. fields: `junction_profiles` of it.
        noise: (K,) round-off of the current along x, A m^-2.
    """
    junction = states.junction
    width = junction.device.volume
    rate = emitted(junction)
    made = np.broadcast_to(fields.generation, fields.recombination.shape) * width
    split = (fields.electron_fermi_level - fields.hole_fermi_level) / junction.vt
    inner = states.current + states.shunt
    injected = np.maximum(-inner, 0.0) + noise + _ROUNDING * np.abs(states.shunt)
    ends = (0, *(site + 1 for site in junction.between), width.size)
    names = junction.halves or ("",)
    for name, (first, last) in zip(names, pairwise(ends), strict=True):
        weight = rate[first:last] * width[first:last]
        total = float(weight.sum())
        if total > 0.0:
            own = slice(first, last)
            yield Balance(
                name, own, weight / total, Q * total, split[:, own], Q * made[:, own].sum(axis=1), injected
            )


def emitted(junction: Junction) -> F64:
    """(S,) net emission per volume at equilibrium (m^-3 s^-1), as the optics say it."""
    rate = np.zeros(junction.device.volume.size)
    if junction.emission is None:
        return rate
    for m, layer in enumerate(junction.stack.electrical_layers):
        if junction.device.balanced[m] and layer.name in junction.emission.absorbers:
            rate[junction.site_layer == m] = junction.emission.rate(layer.name, float(layer.thickness))
    return rate


def splitting_within_light(
    states: JunctionStates, fields: Profiles, noise: F64 | float = 0.0
) -> Check | None:
    """How far (V) the splitting that a lit junction emits by exceeds what its light and its terminals can make.

    None in the dark, and where no absorber follows detailed balance.

    Args:
        states: of one mesh. fields: `junction_profiles` of it.
        noise: (K,) round-off of the current along x, A m^-2.
    """
    excess = []
    for one in balances(states, fields, noise):
        lit = states.converged & (one.made > 0.0)
        over = one.weighted[lit] - one.limit[lit]
        # max() would pass over what is not a number
        excess.append(float(np.max(np.append(over, 0.0))))
    if not excess or states.intensity == 0.0:
        return None
    return check(states.junction.vt * float(np.max(excess)), LIMIT)


# --- remarks ---------------------------------------------------------------------------------------------------------


def remarks(states: States) -> list[str]:
    """What a reader must know of open circuit beside the checks; each names its junction, where there are several."""
    found: list[str] = []
    films = states.problem.films
    for number in films or range(len(states.parts)):
        part = states.parts[number]
        name = states.problem.names[number] if len(films) != 1 else ""
        found += [f"{name}: {text}" if name else text for text in _of_generation(part)]
        current = np.abs(states.current)
        scale = states.intensity * states.problem.photocurrent
        open_circuit = np.flatnonzero(states.converged & (current <= _OPEN * scale))
        if not (scale > 0.0 and open_circuit.size):
            continue
        one = part.pick(open_circuit[[int(np.argmin(current[open_circuit]))]])
        found += [f"{name}: {text}" if name else text for text in _at_open_circuit(one)]
    return list(dict.fromkeys(found))


def _at_open_circuit(states: JunctionStates) -> Iterator[str]:
    junction, fields = states.junction, junction_profiles(states)
    emitting = list(balances(states, fields))
    voltages = states.half_voltages() if junction.halves else {"": states.junction_voltage}
    for one in emitting:
        voltage = float(voltages[one.name][0])
        prefix = f"{one.name}: " if one.name else ""
        yield from (prefix + text for text in _of_limit(states, fields, one, voltage))
    if not junction.halves:
        yield from _of_gap(junction.stack, junction, float(voltages[""][0]), states, bool(emitting))


def _of_limit(states: JunctionStates, fields: Profiles, one: Balance, voltage: float) -> Iterator[str]:
    vt = states.junction.vt
    limit = vt * float(one.limit[0])
    below = voltage - vt * float(one.weighted[0])
    spread = float(np.ptp(one.split[0][one.weight > 0.0]))
    within = "Re-absorption within a film is taken as local, an approximation where the splitting is uneven."
    if voltage > limit + _WORTH:
        yield (
            f"Voc lies {1e3 * (voltage - limit):.3g} mV above the radiative limit of {limit:.4f} V: splitting uneven "
            f"by {1e3 * vt * spread:.3g} mV over what emits, on average {1e3 * below:.3g} mV less than Voc. {within}"
        )
    elif spread > _UNEVEN and np.exp(one.weighted[0] - one.limit[0]) > _RADIATES:
        yield (
            f"at open circuit the splitting of the quasi-Fermi levels is uneven by {1e3 * vt * spread:.3g} mV over "
            f"what emits. {within}"
        )
    yield from _of_bands(states, fields, one)


def _of_bands(states: JunctionStates, fields: Profiles, one: Balance) -> Iterator[str]:
    """Levels inside a band, where the absorption is no longer that of the undoped film."""
    vt, here = states.junction.vt, one.sites
    inside = {
        "electrons": fields.electron_fermi_level[0, here] - fields.conduction_band[0, here],
        "holes": fields.valence_band[0, here] - fields.hole_fermi_level[0, here],
    }
    for carrier, depth in inside.items():
        deep = (depth > _INSIDE * vt) & (one.weight > 0.0)
        part = float(one.weight[deep].sum())
        if part > _PART:
            layers = dict.fromkeys(fields.layers[m] for m in fields.layer[here][deep])
            yield (
                f"the quasi-Fermi level of {carrier} lies up to {float(depth[deep].max()) / vt:.2g} kT inside the band "
                f"in {', '.join(layers)} ({part:.0%} of what emits): the table of its optical constants must be that "
                "of the doped film, whose absorption begins at higher energy (Burstein-Moss, "
                "doi:10.1103/PhysRev.93.632). With that of an undoped one its radiative lifetime comes out too short."
            )


def _of_gap(
    stack: Stack, junction: Junction, voltage: float, states: JunctionStates, emitting: bool
) -> Iterator[str]:
    absorbers = [layer for layer in stack.electrical_layers if layer.role == "absorber"]
    if not absorbers:
        return
    gap = max(_gap(layer, stack) for layer in absorbers)
    if voltage > gap:
        yield (
            f"Voc of {voltage:.4f} V lies above the gap of {gap:.4f} eV of what absorbs, which no cell in sunlight "
            "reaches: look at the light, the work functions and the dipoles."
        )
    if emitting:
        return
    from perotwin.optics.emission import step_current

    made = states.intensity * junction.photocurrent
    if states.coupled is not None:
        made += Q * float(states.coupled[0].sum())
    lowest = min(_gap(layer, stack) for layer in absorbers)
    limit = junction.vt * float(np.log1p(made / step_current(lowest, float(stack.temperature))))
    if voltage > limit:
        yield (
            f"Voc of {voltage:.4f} V lies above {limit:.4f} V, the limit of a step absorber of {lowest:.4f} eV in this "
            "light: the radiative recombination that the cell states is less than its absorption makes it. Take "
            'radiative = "detailed-balance", or a larger coefficient.'
        )


def _gap(layer: Layer, stack: Stack) -> float:
    from perotwin.transport.energies import bands

    return bands(layer, float(stack.temperature)).gap


def _of_generation(states: JunctionStates) -> Iterator[str]:
    """Prescribed generation against the photons that there are."""
    from perotwin.materials import HC
    from perotwin.optics.generation import spectrum
    from perotwin.spectra import Spectrum

    stack = states.junction.stack
    kind = stack.light.generation.kind
    absorbers = [layer for layer in stack.electrical_layers if layer.role == "absorber"]
    if kind in ("optics", "step") or states.intensity == 0.0 or not absorbers:
        return
    light = spectrum(stack)
    if not isinstance(light, Spectrum):
        return
    gap = min(_gap(layer, stack) for layer in absorbers)
    most = Q * light.photon_flux(0.0, HC / gap)
    made = states.junction.photocurrent
    if made > (1.0 + _MORE) * most:
        yield (
            f"the prescribed generation makes {made / 10:.4g} mA/cm^2 at one sun, more than the photons above the gap "
            f"of {gap:.4g} eV that its spectrum holds ({most / 10:.4g} mA/cm^2)."
        )
