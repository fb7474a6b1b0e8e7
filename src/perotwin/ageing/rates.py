"""Rates of operation: what was fitted, to which data, on which cells; and fitting them again.

    rates = library()
    rates.mechanisms(cell)                 # what acts on a cell, with these rates
    rates.stale(cells)                     # names of the cells that are others now than those that it was fitted on
    fit(cells, rates.data)

Two numbers are known of the paper's single junctions, and one of them is a bound: they fix two rates. Orders,
activation energies, laws and the split between mechanisms they do not fix: those are assumed, with ranges.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field, ValidationError

from perotwin.ageing.conditions import Stretch
from perotwin.ageing.degradation import Run
from perotwin.ageing.feedback import BothBands, Feedback
from perotwin.ageing.films import absorber_of
from perotwin.ageing.mechanisms import (
    BarePatches,
    Everywhere,
    FromEdges,
    Mechanism,
    Segregation,
    TinOxidation,
    TrapGrowth,
    holds_tin,
)
from perotwin.ageing.operating_point import Devices
from perotwin.ageing.parameters import SegregationParameters
from perotwin.errors import ConvergenceError, InputError
from perotwin.measurement import bounded_text
from perotwin.stack.quantity_fields import BARE_NUMBERS, Dim, Energy, Model, Time, explain
from perotwin.stack.toml import read
from perotwin.units import Quantity

if TYPE_CHECKING:
    from perotwin.recipe.sample import Sample
    from perotwin.stack import Cell

__all__ = ["Datum", "Rates", "fingerprint", "fit", "library", "load", "usual"]

_FILE = Path(__file__).parent / "rates.toml"
_LARGEST = 1_000_000

Rate = Annotated[Quantity, Dim("frequency", least=0)]
Part = Annotated[Quantity, Dim("fraction", above=0, most=1)]
Order = Annotated[Quantity, Dim("dimensionless", least=0, most=2)]


class Datum(Model):
    """A number that rates are fitted to.

    cell : its name in the library. time : of operation at maximum power (s). retained : of the first power; `assumed`
    holds the range where it is a bound. kind : "value", or "bound" where the source says only less or more than.
    """

    cell: str
    time: Time
    retained: Part
    kind: Literal["value", "bound"] = "value"


class Rates(Model):
    """Rates and what they belong to.

    trap_growth, bare_patches : fitted (s^-1). tin_oxidation : assumed (s^-1). order : m of both. activation_energy :
        of all (eV).
    law : where molecules leave. feedback : of domains on the cell. data : that they were fitted to.
    fitted_on : of each cell that they were fitted on, its fingerprint. segregation : parameters of the domains.
    """

    trap_growth: Rate
    bare_patches: Rate
    tin_oxidation: Rate
    order: Order
    activation_energy: Energy
    law: Annotated[FromEdges | Everywhere, Field(discriminator="kind")] = Field(default_factory=FromEdges)
    feedback: Feedback = Field(default_factory=BothBands)
    data: tuple[Datum, ...] = ()
    fitted_on: dict[str, str] = Field(default_factory=dict)
    segregation: SegregationParameters = Field(default_factory=SegregationParameters.library)

    @property
    def per_rate(self) -> float:
        """Data points behind each calibrated rate, bounds counted."""
        return len(self.data) / 2.0

    def stale(self, cells: Mapping[str, Cell]) -> list[str]:
        """Names of the cells that they were fitted on and that are others now, or not there any more."""
        return [
            name
            for name, mark in self.fitted_on.items()
            if name not in cells or fingerprint(cells[name]) != mark
        ]

    def acting_on(self, cell: Cell) -> tuple[list[Mechanism], list[str]]:
        """The usual mechanisms that can act on a cell, with these rates, and what is to be said of the others."""
        ions = [name for name, stack in cell.stacks.items() if _has_ions(stack)]
        tin = [name for name, stack in cell.stacks.items() if holds_tin(absorber_of(stack))]
        made: list[Mechanism] = []
        notes: list[str] = []
        if ions:
            made.append(Segregation(feedback=self.feedback, parameters=self.segregation))
            made.append(
                TrapGrowth(rate=self.trap_growth, order=self.order, activation_energy=self.activation_energy)
            )
            made.append(
                BarePatches(
                    rate=self.bare_patches,
                    order=self.order,
                    activation_energy=self.activation_energy,
                    law=self.law,
                )
            )
        if tin:
            made.append(TinOxidation(rate=self.tin_oxidation, activation_energy=self.activation_energy))
        for name, stack in cell.stacks.items():
            if not _has_ions(stack):
                where = f"in {name} ({stack.name})" if name else f"in {stack.name}"
                notes.append(f"no mechanism that goes by ions acts {where}: its absorber has none.")
        return made, notes


def _has_ions(stack: Any) -> bool:
    ions = absorber_of(stack).ions
    return ions is not None and float(ions.density) > 0.0


def usual(cell: Cell, rates: Rates, sample: Sample | None) -> tuple[list[Mechanism], list[str]]:
    """The mechanisms of a cell with some rates; those that it lacks the numbers for are left out and said.

    Raises:
        InputError: none can act on it.
    """
    from perotwin.ageing.degradation import acting

    found, notes = rates.acting_on(cell)
    kept = []
    for one in found:
        try:
            acting(cell, [one], sample)
        except InputError as reason:
            notes.append(f"left out: {reason.message}")
        else:
            kept.append(one)
    if not kept:
        raise InputError(
            f'nothing that is known here ages "{cell.name}": its absorbers have neither mobile ions nor tin.',
            "Give its absorber [layer.ions] and a recipe, or take a cell that has them.",
            key="layer.ions",
        )
    return kept, notes


def fingerprint(cell: Cell) -> str:
    """What tells a cell from another one by its numbers: names, notes and sources aside."""
    numbers = sorted((path, float(value)) for path, value in cell.quantities().items())
    text = "\n".join(f"{path} {value:.12g}" for path, value in numbers)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def library() -> Rates:
    """The rates that come with perotwin."""
    return load(_FILE)


def load(path: str | Path) -> Rates:
    """Rates from a file.

    Raises:
        InputError: no such file, or one that holds no rates (file, key, cause, cure).
    """
    text = bounded_text(Path(path), "file of rates", _LARGEST, "Name a file that perotwin age --refit wrote.")
    entries = read(text, str(path))
    try:
        return Rates.model_validate(entries, context={BARE_NUMBERS: False})
    except ValidationError as error:
        raise explain(error, file=str(path), data=entries) from None


def to_toml(rates: Rates) -> str:
    """Rates as a file."""
    import tomlkit

    def written(value: Quantity, unit: str, scale: float) -> dict[str, Any]:
        made: dict[str, Any] = {"value": f"{float(value) / scale:.4g} {unit}".replace("e-0", "e-")}
        if value.assumed is not None:
            made["assumed"] = [f"{float(end) / scale:.4g} {unit}" for end in value.assumed]
        if value.note:
            made["note"] = value.note
        return made

    hour = 1.0 / 3600.0
    document: dict[str, Any] = {
        "trap_growth": written(rates.trap_growth, "h^-1", hour),
        "bare_patches": written(rates.bare_patches, "h^-1", hour),
        "tin_oxidation": written(rates.tin_oxidation, "h^-1", hour),
        "order": {"value": float(rates.order), **_origin(rates.order, 1.0, "")},
        "activation_energy": written(rates.activation_energy, "eV", 1.0),
        "law": {"kind": rates.law.kind},
        "feedback": {"kind": rates.feedback.kind},
        "fitted_on": dict(rates.fitted_on),
        "data": [
            {
                "cell": one.cell,
                "time": f"{float(one.time) / 3600.0:g} h",
                "retained": {
                    "value": f"{100.0 * float(one.retained):.4g} %",
                    **_origin(one.retained, 0.01, "%"),
                },
                "kind": one.kind,
            }
            for one in rates.data
        ],
    }
    head = "# Written by perotwin age --refit: rates, and the data and cells that they were fitted to."
    head += " Numbers with a range are assumed.\n\n"
    return head + tomlkit.dumps(document)


def _origin(value: Quantity, scale: float, unit: str) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if value.assumed is not None:
        made["assumed"] = [
            f"{float(end) / scale:.4g} {unit}" if unit else float(end) for end in value.assumed
        ]
    if value.source:
        made["source"] = value.source
    if value.note:
        made["note"] = value.note
    return made


# --- fitting ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Trial:
    """What is tried: cells of the data with their samples and devices, rates that stay."""

    rates: Rates
    cells: Mapping[str, Cell]
    samples: Mapping[str, Sample | None]
    devices: Mapping[str, Devices]
    tolerance: float

    def missed(self, number: int, trap_growth: float, bare_patches: float) -> float:
        """Power over that at the start, less what a datum says."""
        rates = self.rates.model_copy(
            update={
                "trap_growth": Quantity(trap_growth, dimension="frequency"),
                "bare_patches": Quantity(bare_patches, dimension="frequency"),
            }
        )
        one = self.rates.data[number]
        cell = self.cells[one.cell]
        mechanisms, _ = usual(cell, rates, self.samples[one.cell])
        run = Run(
            cell, mechanisms, [Stretch(float(one.time), temperature=float(cell.temperature))],
            sample=self.samples[one.cell], tolerance=self.tolerance, lag=np.inf,
        )  # fmt: skip
        return run.to_end(self.devices[one.cell]).at(float(one.time)) - float(one.retained)


def fit(
    rates: Rates,
    cells: Mapping[str, Cell],
    samples: Mapping[str, Sample | None],
    *,
    tolerance: float = 1e-3,
    exact: float = 2e-4,
    devices: Mapping[str, Devices] | None = None,
) -> Rates:
    """Rates of trap growth and bare patches that meet the data, all else staying as it is.

    Args:
        rates: to begin with, and the data. cells, samples: by the names in the data.
        tolerance: of the runs. exact: how near (parts of the first power) the data are met.
        devices: of the cells, open; own ones unless given.

    Returns:
        The rates, with the fingerprints of the cells. A bound is met at the value that the data give for it.

    Raises:
        InputError: other than two data, or a cell that is not there.
        ConvergenceError: no two rates meet the data.
    """
    if len(rates.data) != 2:
        raise InputError(
            f"{len(rates.data)} numbers cannot fix two rates.",
            "Give two data, or fit a whole trace: perotwin analyse TRACE --model degradation.",
            key="data",
        )
    missing = [one.cell for one in rates.data if one.cell not in cells]
    if missing:
        raise InputError(
            f"the cell {missing[0]} of the data is not there.", "Give it, or other data.", key="data.cell"
        )
    from perotwin import progress

    names = list(dict.fromkeys(one.cell for one in rates.data))
    with ExitStack() as stack, progress.task("fitting rates", total=None) as counter:
        if devices is None:
            devices = {name: stack.enter_context(Devices(cells[name])) for name in names}
        trial = _Trial(rates, cells, samples, devices, tolerance)

        def missed(number: int, traps: float, patches: float) -> float:
            counter.advance()
            return trial.missed(number, traps, patches)

        at = _met(missed, float(rates.trap_growth), float(rates.bare_patches), exact)
    found = [Quantity(float(value), dimension="frequency") for value in at]
    kept = [
        one.with_origin(old.source, None, old.note)
        for one, old in zip(found, (rates.trap_growth, rates.bare_patches), strict=True)
    ]
    return rates.model_copy(
        update={
            "trap_growth": kept[0],
            "bare_patches": kept[1],
            "fitted_on": {one.cell: fingerprint(cells[one.cell]) for one in rates.data},
        }
    )


def _met(
    missed: Callable[[int, float, float], float], traps: float, patches: float, exact: float
) -> tuple[float, float]:
    """Two rates (s^-1) at which neither datum is missed: traps follow the first datum, patches the second.

    Raises:
        ConvergenceError: there are none, because already without patches the second one loses too much, or too slow.
    """

    def along(rate: float, start: float) -> float:
        """The rate of traps at which the first datum is met, beside a rate of patches."""
        x = [np.log(start), np.log(start) + _STEP]
        f = [missed(0, float(np.exp(one)), rate) for one in x]
        for _ in range(_TRIES):
            if abs(f[-1]) <= 0.5 * exact:
                return float(np.exp(x[-1]))
            slope = (f[-1] - f[-2]) / (x[-1] - x[-2])
            # more traps lose more; where a difference says otherwise it is too small to say anything
            move = -f[-1] / slope if slope < 0.0 else np.sign(f[-1])
            new = float(
                np.clip(x[-1] + np.clip(move, -_FARTHEST, _FARTHEST), np.log(_SLOWEST), np.log(_FASTEST))
            )
            if new == x[-1]:
                break
            x, f = [x[-1], new], [f[-1], missed(0, float(np.exp(new)), rate)]
        raise _unmet(f[-1])

    rates = [0.0, patches]
    at = along(0.0, traps)
    left = [missed(1, at, 0.0)]
    if left[0] <= exact:
        if left[0] >= -exact:
            return at, 0.0
        raise _unmet(left[0])
    for _ in range(_TRIES):
        at = along(rates[-1], at)
        left.append(missed(1, at, rates[-1]))
        if abs(left[-1]) <= exact:
            return at, rates[-1]
        # what patches cost goes about as their rate
        slope = (left[-1] - left[-2]) / (rates[-1] - rates[-2])
        new = rates[-1] - left[-1] / slope if slope < 0.0 else 3.0 * rates[-1]
        rates.append(float(np.clip(new, 0.1 * rates[-1], 10.0 * rates[-1])))
    raise _unmet(left[-1])


def _unmet(by: float) -> ConvergenceError:
    return ConvergenceError(
        f"no two rates meet both data: one of them is missed by {by:+.2g} of the first power.",
        "Another order, law or set of numbers of the domains may; see the ranges in the file of rates.",
        stage="fitting rates",
    )


#: step of a logarithm in a difference, the farthest move of one, and moves at most
_STEP, _FARTHEST, _TRIES = 0.1, 1.5, 12
#: s^-1, between which rates of traps are sought
_SLOWEST, _FASTEST = 1e-6 / 3600.0, 1e3 / 3600.0


def with_datum(rates: Rates, number: int, retained: float) -> Rates:
    """The rates with another value of one of their data, to draw from a bound's range."""
    data = list(rates.data)
    data[number] = data[number].model_copy(update={"retained": Quantity(retained, dimension="fraction")})
    return rates.model_copy(update={"data": tuple(data)})
