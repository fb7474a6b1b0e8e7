"""What degrades a cell: each mechanism one small class with its state, its rate law and what it does to the cell.

    TrapGrowth().of(stack, sample) -> Acting: start, rate(state, here), what becomes of the cell's numbers

A mechanism knows its own state and the conditions, and nothing of the others: adding one touches nothing else. Rates
follow light and bias by the carriers at the operating point, g = (scarcer carrier / n_ref)^m, those of the parent phase
where domains have formed, and temperature by exp(-E/k (1/T - 1/Tref)).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from perotwin.ageing.conditions import Air, DryAir, Inert
from perotwin.ageing.feedback import BothBands, Feedback
from perotwin.ageing.films import absorber_of, film_of
from perotwin.ageing.parameters import SegregationParameters
from perotwin.ageing.segregation import TwoPhases
from perotwin.errors import InputError, OutOfRangeError
from perotwin.stack.quantity_fields import AreaResistance, Dim, Energy, Frequency, Model
from perotwin.units import BOLTZMANN, Quantity, parse

if TYPE_CHECKING:
    from perotwin.recipe.sample import Sample
    from perotwin.stack import Layer, Stack

__all__ = [
    "Acting",
    "BarePatches",
    "Electrode",
    "Everywhere",
    "FromEdges",
    "Here",
    "Mechanism",
    "Segregation",
    "TinOxidation",
    "TransportLayer",
    "TrapGrowth",
    "arrhenius",
]

#: scarcer carriers that g counts in (m^-3), and the temperature that rates are stated at (K)
REFERENCE_CARRIERS, REFERENCE_TEMPERATURE = 1e20, 298.15
#: K, in which rates of a solar cell's materials are extrapolated by one energy
_COLDEST, _HOTTEST = 233.15, 383.15

Rate = Annotated[Quantity, Dim("frequency", least=0)]
Order = Annotated[Quantity, Dim("dimensionless", least=0, most=2)]
Factor = Annotated[Quantity, Dim("dimensionless", least=0)]


def _per_hour(text: str, low: str, high: str, note: str) -> Quantity:
    return parse(text, "frequency").with_origin(
        None, (parse(low, "frequency"), parse(high, "frequency")), note
    )


def _assumed(text: str, dimension: str, low: str, high: str, note: str) -> Quantity:
    return parse(text, dimension).with_origin(None, (parse(low, dimension), parse(high, dimension)), note)


@dataclass(frozen=True)
class Here:
    """Conditions at an operating point, of one junction.

    Attributes:
        light: suns. temperature: K. carriers: of the scarcer kind, mean over the absorber, of the parent phase, m^-3.
        pairs: root of n p in both phases together, likewise. atmosphere: around the cell.
    """

    light: float
    temperature: float
    carriers: float
    pairs: float
    atmosphere: Inert | DryAir | Air = field(default_factory=Inert)


@dataclass(frozen=True)
class Acting:
    """A mechanism at work in a junction of a cell.

    It is of the junction at one temperature; its state goes on where the temperature changes.

    Attributes:
        name: of it. junction: by the prefix of its field paths, nothing in a cell of one junction.
        start: its state in the fresh cell. size: of a state that matters, for the steps of time.
        rate: d(state)/dt (s^-1) from the state and the conditions.
        changes: field paths (of the junction) by which the cell's numbers become others in a state: "times" or "to".
        shown: what is reported of a state, by the name of the quantity.
        thicker: of a state, how much denser electrons and holes are than in the parent phase.
    """

    name: str
    junction: str
    start: float
    size: float
    rate: Callable[[float, Here], float]
    changes: Callable[[float], Mapping[str, tuple[str, float]]]
    shown: tuple[str, Callable[[float], float]]
    thicker: Callable[[float], tuple[float, float]] = lambda state: (1.0, 1.0)


def arrhenius(energy: float, temperature: float) -> float:
    """exp(-E/k (1/T - 1/Tref)), E in eV.

    Raises:
        OutOfRangeError: a temperature to which no rate here is extrapolated.
    """
    if not _COLDEST <= temperature <= _HOTTEST:
        raise OutOfRangeError(
            f"rates are not known at {temperature - 273.15:.4g} degC: one activation energy is stretched from "
            f"{_COLDEST - 273.15:.4g} to {_HOTTEST - 273.15:.4g} degC and no farther.",
            "Ask for a temperature in that range.",
            key="temperature",
        )
    return float(np.exp(-energy / BOLTZMANN * (1.0 / temperature - 1.0 / REFERENCE_TEMPERATURE)))


def driven(carriers: float, order: float) -> float:
    """g = (carriers / n_ref)^m: 1 at m = 0, whatever the light."""
    if order == 0.0:
        return 1.0
    return float(max(carriers, 0.0) / REFERENCE_CARRIERS) ** order


def _ions_of(stack: Stack, layer: Layer, what: str) -> float:
    """Mobile vacancies of an absorber, m^-3.

    Raises:
        InputError: it has none.
    """
    if layer.ions is None or not float(layer.ions.density) > 0.0:
        raise InputError(
            f'the absorber of "{stack.name}" has no mobile ions, and {what} comes by them.',
            "Give it [layer.ions], or leave this mechanism out.",
            key=f"{layer.name}.ions",
        )
    return float(layer.ions.density)


class Segregation(Model):
    """Iodide-rich domains (see `segregation`), in the light of the operating point; feedback : on the cell."""

    kind: Literal["segregation"] = "segregation"
    feedback: Feedback = Field(default_factory=BothBands)
    parameters: SegregationParameters = Field(default_factory=SegregationParameters.library)

    def of(self, stack: Stack, sample: Sample | None = None, junction: str = "") -> Acting:
        """At work in a junction.

        Raises:
            InputError: no ions, no mixed film.
        """
        layer = absorber_of(stack)
        phases = TwoPhases(film_of(stack, lit=False), self.parameters)

        def rate(phi: float, here: Here) -> float:
            arrhenius(0.0, here.temperature)  # refuses what is out of range
            # as the balance of the film has it: pairs of both phases are F times those of the parent
            return float(phases.rate(phi, here.pairs / (1.0 + max(phi, 0.0) * (phases.funnelling - 1.0))))

        def thicker(phi: float) -> tuple[float, float]:
            return self.feedback.factors(1.0 + max(phi, 0.0) * (phases.funnelling - 1.0))

        def changes(phi: float) -> dict[str, tuple[str, float]]:
            up, down = thicker(phi)
            return {
                f"{layer.name}.conduction_dos": ("times", up),
                f"{layer.name}.valence_dos": ("times", down),
            }

        return Acting(
            self.kind, junction, 0.0, 1e-5, rate, changes, ("segregated_share", lambda phi: phi), thicker
        )


class TrapGrowth(Model):
    """Recombination centres that the film's mobile vacancies make, at a constant rate each.

    1/tau = 1/tau_0 + C N (u - 1), du/dt = k g a: u counts centres by those of the fresh film's vacancies N, C is what a
    vacancy captures with. Only the product k C N shows, so that it is no count of defects.

    rate : k. order : m of g. activation_energy : eV. capture : C, m^3/s.
    """

    kind: Literal["trap-growth"] = "trap-growth"
    rate: Rate = _per_hour("0.18 h^-1", "0 h^-1", "5 h^-1", "calibrated; see the file of rates")
    order: Order = _assumed(
        "0.5", "dimensionless", "0", "1", "0.7 in light for photo-oxidation in siegler2022"
    )
    activation_energy: Energy = _assumed(
        "0.43 eV", "energy", "0.27 eV", "0.9 eV", "from lifetimes at 35 and 110 degC in zhao2022"
    )
    capture: Annotated[Quantity, Dim("volume rate", above=0)] = _assumed(
        "4.5e-11 cm^3/s",
        "volume rate",
        "1e-11 cm^3/s",
        "1e-8 cm^3/s",
        "the recipe's; only its product with the rate counts",
    )

    def of(self, stack: Stack, sample: Sample | None = None, junction: str = "") -> Acting:
        """At work in a junction.

        Raises:
            InputError: no ions, or no trap with a lifetime.
        """
        layer = absorber_of(stack)
        vacancies = _ions_of(stack, layer, "the growth of traps")
        traps = [n for n, trap in enumerate(layer.trap, 1) if trap.electron_lifetime is not None]
        if not traps:
            raise InputError(
                f'the absorber of "{stack.name}" has no trap with lifetimes that could become shorter.',
                "Give it one, or leave this mechanism out.",
                key=f"{layer.name}.trap",
            )
        first = traps[0]
        lifetime = layer.trap[first - 1].tau_n
        more = float(self.capture) * vacancies
        rate, order, energy = float(self.rate), float(self.order), float(self.activation_energy)

        def growth(_: float, here: Here) -> float:
            return rate * driven(here.carriers, order) * arrhenius(energy, here.temperature)

        def shorter(u: float) -> float:
            return 1.0 / (1.0 + lifetime * more * (max(u, 1.0) - 1.0))

        def changes(u: float) -> dict[str, tuple[str, float]]:
            place = f"{layer.name}.trap.{first}"
            return {
                f"{place}.electron_lifetime": ("times", shorter(u)),
                f"{place}.hole_lifetime": ("times", shorter(u)),
            }

        return Acting(
            self.kind, junction, 1.0, 0.1, growth, changes, ("film_lifetime", lambda u: lifetime * shorter(u))
        )


class FromEdges(Model):
    """Patches grow where they end: db/dt = k b (1 - b)."""

    kind: Literal["edges"] = "edges"

    def share(self, bare: float) -> float:
        """Of the face that may turn bare."""
        return bare * (1.0 - bare)


class Everywhere(Model):
    """Molecules leave anywhere: db/dt = k (1 - b)."""

    kind: Literal["everywhere"] = "everywhere"

    def share(self, bare: float) -> float:
        """Of the face that may turn bare."""
        return 1.0 - bare


class BarePatches(Model):
    """Molecules that leave the buried face: S = S_covered (1 - b) + S_bare b, and the dipole likewise.

    rate, order, activation_energy : as of `TrapGrowth`. law : where they leave. bare : share of the fresh face without
    molecules; of the recipe that made the cell where none is given. bare_velocity : of bare oxide (m/s).
    """

    kind: Literal["bare-patches"] = "bare-patches"
    rate: Rate = _per_hour("5e-3 h^-1", "0 h^-1", "0.1 h^-1", "calibrated; see the file of rates")
    order: Order = _assumed("0.5", "dimensionless", "0", "1", "as of traps")
    activation_energy: Energy = _assumed("0.43 eV", "energy", "0.27 eV", "0.9 eV", "as of traps")
    law: Annotated[FromEdges | Everywhere, Field(discriminator="kind")] = Field(default_factory=FromEdges)
    bare: Annotated[Quantity, Dim("fraction", least=0, most=1)] | None = None
    bare_velocity: Annotated[Quantity, Dim("velocity", least=0)] | None = None

    def of(self, stack: Stack, sample: Sample | None = None, junction: str = "") -> Acting:
        """At work in a junction.

        Raises:
            InputError: how much of the face is bare is not known, or there is no such face.
        """
        key = _buried_face(stack)
        face = stack.interface[key]
        made = sample if sample is not None and stack.recipe == sample.recipe.name else None
        if self.bare is None and made is None:
            raise InputError(
                f'no recipe is known that made "{stack.name}", so that nothing says how much of its '
                "buried face is bare.",
                "Give bare, or leave this mechanism out.",
                key="bare",
            )
        from perotwin.recipe.parameters import library_parameters

        start = made.face.shares["bare"] if made is not None else 0.0
        if self.bare is not None:
            start = float(self.bare)
        oxide = float((library_parameters() if made is None else made.parameters).interface.bare_velocity)
        if self.bare_velocity is not None:
            oxide = float(self.bare_velocity)
        now, step = face.trap[0].s_n, float(face.dipole)
        covered = max((now - oxide * start) / (1.0 - start), 0.0) if start < 1.0 else 0.0
        own = step / (1.0 - start) if start < 1.0 else 0.0
        rate, order, energy = float(self.rate), float(self.order), float(self.activation_energy)
        law = self.law

        def growth(bare: float, here: Here) -> float:
            bare = min(max(bare, 0.0), 1.0)
            speed = rate * driven(here.carriers, order) * arrhenius(energy, here.temperature)
            return speed * law.share(bare)

        def velocity(bare: float) -> float:
            # at the start the cell's own number, to the last bit
            return now if bare == start else covered * (1.0 - bare) + oxide * bare

        def changes(bare: float) -> dict[str, tuple[str, float]]:
            bare = min(max(bare, 0.0), 1.0)
            return {
                f"{key}.trap.1.electron_velocity": ("to", velocity(bare)),
                f"{key}.trap.1.hole_velocity": ("to", velocity(bare)),
                f"{key}.dipole": ("to", step if bare == start else own * (1.0 - bare)),
            }

        return Acting(self.kind, junction, start, 1e-2, growth, changes, ("bare_share", lambda bare: bare))


class TinOxidation(Model):
    """Sn(II) that becomes Sn(IV) in a narrow-gap film: doping times f, lifetime over f, d ln f/dt = k g a.

    rate, order, activation_energy : as of `TrapGrowth`. inert : what is left of the rate without oxygen.
    """

    kind: Literal["tin-oxidation"] = "tin-oxidation"
    rate: Rate = _per_hour(
        "0 h^-1",
        "0 h^-1",
        "3.06e-3 h^-1",
        "zero is tin that is stable; the upper end makes of a single cell what ref. Sn-Pb loses",
    )
    order: Order = _assumed("0", "dimensionless", "0", "1", "by oxygen and not by light, as assumed")
    activation_energy: Energy = _assumed("0.43 eV", "energy", "0.2 eV", "0.9 eV", "not known of this film")
    inert: Factor = _assumed(
        "1", "dimensionless", "0", "1", "a seal that holds all oxygen away would make it 0"
    )

    def of(self, stack: Stack, sample: Sample | None = None, junction: str = "") -> Acting:
        """At work in a junction.

        Raises:
            InputError: its absorber holds no tin.
        """
        layer = absorber_of(stack)
        if not holds_tin(layer):
            raise InputError(
                f'the absorber of "{stack.name}" has a gap of {float(layer.gap):.4g} eV: it holds no tin.',
                "Leave this mechanism out.",
                key=layer.name,
            )
        rate, order, energy = float(self.rate), float(self.order), float(self.activation_energy)
        sealed = float(self.inert)
        traps = [n for n, trap in enumerate(layer.trap, 1) if trap.electron_lifetime is not None]

        def growth(_: float, here: Here) -> float:
            speed = rate * driven(here.carriers, order) * arrhenius(energy, here.temperature)
            return speed * (sealed if isinstance(here.atmosphere, Inert) else 1.0)

        def changes(logarithm: float) -> dict[str, tuple[str, float]]:
            more = float(np.exp(max(logarithm, 0.0)))
            found = {f"{layer.name}.acceptor_density": ("times", more)}
            for number in traps:
                found[f"{layer.name}.trap.{number}.electron_lifetime"] = ("times", 1.0 / more)
                found[f"{layer.name}.trap.{number}.hole_lifetime"] = ("times", 1.0 / more)
            return found

        return Acting(
            self.kind, junction, 0.0, 0.05, growth, changes, ("tin_factor", lambda one: float(np.exp(one)))
        )


class TransportLayer(Model):
    """A hole transport layer that loses its doping: d ln f/dt = -k a. Assumed, and off unless it is given a rate."""

    kind: Literal["transport-layer"] = "transport-layer"
    rate: Rate
    activation_energy: Energy = _assumed("0.43 eV", "energy", "0.27 eV", "0.9 eV", "not known")

    def of(self, stack: Stack, sample: Sample | None = None, junction: str = "") -> Acting:
        """At work in a junction.

        Raises:
            InputError: it has no doped hole transport layer.
        """
        layers = [one for one in stack.electrical_layers if one.role == "htl" and one.electronic is not None]
        doped = [
            one
            for one in layers
            if one.electronic is not None and float(one.electronic.acceptor_density) > 0.0
        ]
        if not doped:
            raise InputError(
                f'"{stack.name}" has no doped hole transport layer that could lose its doping.',
                "Leave this mechanism out.",
                key="layer",
            )
        name = doped[0].name
        rate, energy = float(self.rate), float(self.activation_energy)

        def growth(_: float, here: Here) -> float:
            return -rate * arrhenius(energy, here.temperature)

        return Acting(
            self.kind, junction, 0.0, 0.05, growth,
            lambda one: {f"{name}.acceptor_density": ("times", float(np.exp(one)))},
            ("doping_left", lambda one: float(np.exp(one))),
        )  # fmt: skip


class Electrode(Model):
    """An electrode that corrodes: the series resistance grows, dR/dt = rate a. Assumed, and off unless it is given.

    growth : ohm m^2 per `per` of time.
    """

    kind: Literal["electrode"] = "electrode"
    rate: Frequency
    resistance: AreaResistance = _assumed(
        "1 ohm cm^2", "area resistance", "0 ohm cm^2", "50 ohm cm^2", "what one inverse rate of time adds"
    )
    activation_energy: Energy = _assumed("0.43 eV", "energy", "0.27 eV", "0.9 eV", "not known")

    def of(self, stack: Stack, sample: Sample | None = None, junction: str = "") -> Acting:
        """At work in a junction."""
        rate, energy, unit = float(self.rate), float(self.activation_energy), float(self.resistance)
        own = float(stack.circuit.series_resistance)

        def growth(_: float, here: Here) -> float:
            return rate * arrhenius(energy, here.temperature)

        return Acting(
            self.kind, junction, 0.0, 0.05, growth,
            lambda one: {"circuit.series_resistance": ("to", own + unit * max(one, 0.0))},
            ("added_resistance", lambda one: unit * one),
        )  # fmt: skip


Mechanism = Annotated[
    Segregation | TrapGrowth | BarePatches | TinOxidation | TransportLayer | Electrode,
    Field(discriminator="kind"),
]

#: eV, below which a halide perovskite holds tin
_TIN = 1.42


def holds_tin(layer: Layer) -> bool:
    """Whether an absorber is a tin-lead perovskite, by its gap: no lead perovskite has one as narrow."""
    return layer.material == "halide-perovskite" and float(layer.gap) < _TIN


def _buried_face(stack: Stack) -> str:
    """Key of the face between hole transport layer and absorber.

    Raises:
        InputError: there is none with a trap.
    """
    layers = stack.electrical_layers
    for front, back in pairwise(layers):
        if {front.role, back.role} == {"htl", "absorber"}:
            key = f"{front.name}|{back.name}"
            if key in stack.interface and stack.interface[key].trap:
                return key
    raise InputError(
        f'"{stack.name}" has no face with traps between a hole transport layer and its absorber.',
        "Leave the mechanism of bare patches out.",
        key="interface",
    )
