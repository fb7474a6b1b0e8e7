"""ISOS protocols as named sets of conditions, and what a run makes of one: stretches of light, bias, heat and gas.

    plan = plan_of("ISOS-L-2", cell, duration=3.6e6, temperature=338.15)
    plan.stretches, plan.rounds

Names and their order are those of the consensus of M. V. Khenkin et al., Nat. Energy 5, 35 (2020),
doi:10.1038/s41560-019-0529-5; the conditions stand in `protocols.toml`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perotwin.ageing.conditions import (
    Air,
    DryAir,
    FixedVoltage,
    Inert,
    MaximumPower,
    OpenCircuit,
    ShortCircuit,
    Stretch,
)
from perotwin.errors import InputError, UnknownNameError
from perotwin.stack.toml import read
from perotwin.units import Quantity, parse

if TYPE_CHECKING:
    from perotwin.stack import Cell

__all__ = ["Plan", "Protocol", "cycle_of", "names", "plan_of", "protocol"]

_FILE = Path(__file__).parent / "protocols.toml"
#: of room air, where a protocol says ambient
_AMBIENT = 0.4
#: K by which a temperature may miss the ends of a range
_SLACK = 0.2
#: words of a cycle -> whether they are of the light, and of the heat
_WORDS = {"light": "lit", "dark": "dark", "hot": "hot", "cold": "cold"}


@dataclass(frozen=True)
class Protocol:
    """A named set of conditions.

    Attributes:
        name: as the consensus calls it. title: in words. light: suns.
        temperatures: ranges that are allowed, K, the first one usual; usual: the one that is taken unless told.
        cold: K, of thermal cycles. humidity: of the air, a part; the room's where the protocol says ambient.
        inert: whether it is in inert gas. cycle: in words, of one without steady conditions.
        bias: names of those that it allows, the first one usual. assumed: what is ours and not the consensus's.
    """

    name: str
    title: str
    light: float
    temperatures: tuple[tuple[float, float], ...]
    usual: float
    cold: float | None
    humidity: float
    inert: bool
    cycle: str
    bias: tuple[str, ...]
    assumed: str

    @property
    def atmosphere(self) -> Inert | Air:
        """Around the cell."""
        return Inert() if self.inert else Air(humidity=Quantity(self.humidity, dimension="fraction"))


@dataclass(frozen=True)
class Plan:
    """What is done: stretches, gone through some rounds, and the sentences that say so."""

    name: str
    stretches: tuple[Stretch, ...]
    rounds: int
    words: tuple[str, ...]

    @property
    def duration(self) -> float:
        """s."""
        return self.rounds * sum(one.duration for one in self.stretches)


def names() -> tuple[str, ...]:
    """All protocols, those in inert gas too."""
    return tuple(name + more for name in _entries() for more in ("", "I"))


def protocol(name: str) -> Protocol:
    """A protocol by its name; "ISOS-L-2I" is ISOS-L-2 in inert gas.

    Raises:
        UnknownNameError: there is none.
    """
    word = name.strip().upper().replace(" ", "-")
    base = word.removesuffix("I") if word not in _entries() else word
    if base not in _entries():
        raise UnknownNameError("protocol", name, names())
    data = _entries()[base]
    ranges = tuple((_kelvin(low), _kelvin(high)) for low, high in data["temperatures"])
    low, high = ranges[0]
    usual = _kelvin(data["usual_temperature"]) if "usual_temperature" in data else 0.5 * (low + high)
    if low <= 298.15 <= high:
        usual = 298.15
    return Protocol(
        name=word,
        title=data["title"] + (", in inert gas" if word != base else ""),
        light=0.0 if data["light"] == "dark" else float(parse(data["light"], "intensity")),
        temperatures=ranges,
        usual=usual,
        cold=_kelvin(data["cold"]) if "cold" in data else None,
        humidity=float(parse(data["humidity"], "fraction")) if "humidity" in data else _AMBIENT,
        inert=word != base,
        cycle=data.get("cycle", ""),
        bias=tuple(data["bias"]),
        assumed=data.get("assumed", ""),
    )


def plan_of(
    name: str,
    cell: Cell,
    duration: float,
    *,
    temperature: float | None = None,
    bias: str | None = None,
    cycle: str | None = None,
    light: float | None = None,
    atmosphere: Inert | DryAir | Air | None = None,
) -> Plan:
    """The stretches of a protocol for a cell.

    Args:
        name: of the protocol. cell: whose bandgap and voltages a bias follows. duration: s.
        temperature: K, one that the protocol allows. bias: one that it allows. cycle: another than the protocol's,
            such as "12 h light, 12 h dark". light: suns, another than the protocol's. atmosphere: another than the
            protocol's.

    Raises:
        InputError: a temperature, bias or cycle that the protocol does not have, a duration of nothing.
    """
    found = protocol(name)
    if not duration > 0.0:
        raise InputError("a test of no time tests nothing.", "Give a duration.", key="duration")
    heat = found.usual if temperature is None else temperature
    if not any(low - _SLACK <= heat <= high + _SLACK for low, high in found.temperatures):
        ranges = " or ".join(_range(one) for one in found.temperatures)
        raise InputError(
            f"{found.name} is run at {ranges}, not at {heat - 273.15:.4g} degC.",
            "Choose one of these, or another protocol.",
            key="temperature",
        )
    held = _bias(found, bias, cell)
    suns = found.light if light is None else light
    air = found.atmosphere if atmosphere is None else atmosphere
    words = [f"{found.name}: {found.title}"]
    parts = cycle_of(cycle or found.cycle) if cycle or found.cycle else ()
    if not parts:
        stretches: tuple[Stretch, ...] = (Stretch(duration, suns, held, heat, air),)
        rounds = 1
    else:
        cold = found.cold if found.cold is not None else heat
        if any(word in ("hot", "cold") for _, word in parts) and found.cold is None:
            raise InputError(
                f"{found.name} has one temperature, and the cycle asks for hot and cold.",
                "Take ISOS-T or ISOS-LT, or a cycle of light and dark.",
                key="cycle",
            )
        made = [
            Stretch(
                seconds,
                0.0 if word == "dark" else suns,
                OpenCircuit() if word == "dark" and not isinstance(held, FixedVoltage) else held,
                cold if word == "cold" else heat,
                air,
            )
            for seconds, word in parts
        ]
        period = sum(one.duration for one in made)
        rounds = max(round(duration / period), 1)
        if abs(rounds * period / duration - 1.0) > 0.5:
            raise InputError(
                f"a cycle of {period:.4g} s does not fit into {duration:.4g} s.",
                "Give a longer duration or a shorter cycle.",
                key="cycle",
            )
        stretches = tuple(made)
        words.append(f"{rounds} cycles of {cycle or found.cycle}, {rounds * period / 3600.0:.4g} h in all")
    if found.assumed and not cycle:
        words.append(f"assumed: {found.assumed}")
    return Plan(found.name, stretches, rounds, tuple(words))


def cycle_of(text: str) -> tuple[tuple[float, str], ...]:
    """ "12 h light, 12 h dark" as seconds and words.

    Raises:
        InputError: it is no cycle.
    """
    found = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(.+?)\s+(light|dark|hot|cold)\s*", part)
        if match is None:
            raise InputError(f'"{text}" is no cycle.', 'Write --cycle "12 h light, 12 h dark".', key="cycle")
        found.append((float(parse(match.group(1), "time")), match.group(2)))
    if len(found) < 2 or min(seconds for seconds, _ in found) <= 0.0:
        raise InputError(
            f'"{text}" is no cycle: it has fewer than two parts, or one without time.',
            'Write --cycle "12 h light, 12 h dark".',
            key="cycle",
        )
    return tuple(found)


def _bias(found: Protocol, bias: str | None, cell: Cell) -> Any:
    name = found.bias[0] if bias is None else bias
    if name not in found.bias:
        raise InputError(
            f'{found.name} has no bias "{name}".', f"It allows {', '.join(found.bias)}.", key="bias"
        )
    plain = {"maximum-power": MaximumPower, "open-circuit": OpenCircuit, "short-circuit": ShortCircuit}
    if name in plain:
        return plain[name]()
    from perotwin.lab import jv

    read_ = jv.analyse(
        jv.measure(cell if float(cell.light.intensity) > 0.0 else cell.with_light(intensity="1 sun"))
    )
    volts = {
        "maximum-power-voltage": float(read_["vmp"]),
        "open-circuit-voltage": float(read_["voc"]),
        "reverse": -float(read_["voc"]),
    }[name]
    return FixedVoltage(voltage=Quantity(volts, dimension="voltage"))


def _kelvin(text: str) -> float:
    return float(parse(text, "temperature"))


def _range(ends: Sequence[float]) -> str:
    low, high = (f"{one - 273.15:.4g}" for one in ends)
    return f"{low} degC" if low == high else f"{low} to {high} degC"


@cache
def _entries() -> dict[str, dict[str, Any]]:
    return read(_FILE.read_text(encoding="utf-8"), str(_FILE))
