"""Space-charge-limited current: the dark curve of a device that one carrier passes, and what it tells of traps.

    measured = measure(cell, Protocol(carrier="electrons", trap_density="5e16 cm^-3"))
    analyse(measured)["counted_traps"]

A density of traps is counted by the voltage that fills them, V_TFL = q Nt d^2 / 2 eps: here where the tangent of the
steepest rise meets Mott and Gurney's line, which is itself read where the root of the current rises straight with the
voltage. Of deep traps that are dense this is 10 to 20 % low: those next to the contacts are filled without a voltage.
The steepest point and the crossing with the ohmic line are lower by 2 to 4 and are given beside, as what they are.

Such a voltage is a density of traps only if nothing else makes one. Checked are: the slope (a film without traps rises
nowhere steeper than by V^2); a decade above the charge that the contacts bring by themselves; a rise that is not that
of a diode, both polarities alike and a stated built-in voltage, which a voltage of the same size would be; doping; ions
and the direction of the scan; a square law at the end, without which contacts or leads limit the current. Where one
fails there is "no trap density", and why. Formulas and sources: `space_charge`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from perotwin.errors import InputError
from perotwin.lab import space_charge
from perotwin.lab.arguments import of_a_cell, of_measurements
from perotwin.measurement import Instrument, Metric, Metrics, Variable, add_notes
from perotwin.stack.quantity_fields import Dim, Length, Model, NonNegativeEnergy, PositiveEnergy, TrapDensity
from perotwin.units import Quantity

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from perotwin.lab.space_charge import Reading
    from perotwin.stack import Cell

__all__ = ["INSTRUMENT", "Protocol", "analyse", "branches", "measure", "plot", "thickness_scaling"]

F64 = NDArray[np.float64]

#: a density is told from the charge of the contacts where it is so many times that
_DECADE = 10.0
#: kT/q dlnJ/dV above which a rise is a diode's: traps that fill stay below 0.35, a built-in voltage makes 0.7 to 0.9
_DIODE = 0.5
#: branches agree where their readings differ by less than this part, and a built-in voltage is small below this part
_AGREE, _SMALL = 0.2, 1.0 / 3.0
#: ions and dopants matter from this part of the density on
_IONS = 0.1
#: by how much the reading by the crossing is off, as a part (deep traps that are dense: 10 to 20 % low)
_METHOD = 0.2
_ROOM = 298.15

PositiveVoltage = Annotated[Quantity, Dim("voltage", above=0)]


class Protocol(Model):
    """A device of one carrier and the dark curve that is taken of it.

    carrier : that passes, "electrons" or "holes". junction : of a tandem, "top", "middle" or "bottom".
    thickness : of the absorber, m; the cell's unless said.
    barrier : eV from both contacts to the band of the carrier; the film then lies between bare contacts. Without it the
        cell's own layers for that carrier lie on both sides.
    built_in : V between such contacts, the one at the back being the worse; only with a barrier.
    trap_density : m^-3, charged traps of the absorber instead of the cell's own. trap_depth : eV from the band.
    ions : "held" as they lie at 0 V, as in a pulsed scan, or "moving", settled at each voltage, as in a slow one.
    start : smallest voltage (V) of each polarity. stop : largest one.
    points : voltages in each polarity, evenly in the logarithm.
    """

    carrier: Literal["electrons", "holes"] = "electrons"
    junction: str | None = None
    thickness: Length | None = None
    barrier: NonNegativeEnergy | None = None
    built_in: Annotated[Quantity, Dim("voltage", least=0)] = Quantity(0.0, "0 V", dimension="voltage")
    trap_density: TrapDensity | None = None
    trap_depth: PositiveEnergy = Quantity(0.6, "0.6 eV", dimension="energy")
    ions: Literal["held", "moving"] = "held"
    start: PositiveVoltage = Quantity(0.01, "10 mV", dimension="voltage")
    stop: PositiveVoltage = Quantity(10.0, "10 V", dimension="voltage")
    points: int = Field(default=90, ge=20, le=2000)

    @model_validator(mode="after")
    def _possible(self) -> Protocol:
        if not float(self.stop) > 3.0 * float(self.start):
            raise InputError(
                f"a curve from {self.start} to {self.stop} shows no law of the voltage.",
                "Let it span a decade or more.",
                key="stop",
            )
        if float(self.built_in) > 0.0 and self.barrier is None:
            raise InputError(
                "a built-in voltage is stated, and the contacts are the cell's own on both sides.",
                "Give a barrier, 0 eV for contacts that inject freely.",
                key="built_in",
            )
        return self


@of_a_cell
def measure(cell: Cell, protocol: Protocol | None = None) -> xr.Dataset:
    """Take the dark curve of a device of one carrier, made of a cell's absorber.

    Args:
        cell: a stack.
        protocol: of the device and the curve; a default one if absent.

    Returns:
        `current_density` (A m^-2) over `voltage` (V, both polarities). In the attributes `thickness` (m) and
        `permittivity` of the absorber, `built_in_voltage` (V) between the contacts, its `doping` (m^-3, donors less
        acceptors), `ion_density` (m^-3) and `ions`.
        Leads have no resistance.

    Raises:
        InputError: no such device can be made of the cell.
        ConvergenceError: equilibrium could not be reached.
    """
    from perotwin.lab import single_carrier

    made = single_carrier.measure(cell, protocol or Protocol(), INSTRUMENT)
    return add_notes(made, _doubts(analyse(made)))


# --- analysis: arrays only -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Known:
    """What the attributes of a measurement say."""

    thickness: float
    permittivity: float
    temperature: float
    built_in: float
    ions: float
    doping: float
    response: str

    @classmethod
    def of(cls, dataset: xr.Dataset) -> _Known:
        names = ("thickness", "permittivity", "temperature", "built_in_voltage", "ion_density", "doping")
        thickness, permittivity, temperature, built_in, ions, doping = (
            float(dataset.attrs.get(name, np.nan)) for name in names
        )
        return cls(
            thickness,
            permittivity,
            temperature if np.isfinite(temperature) else _ROOM,
            built_in,
            ions,
            doping,
            str(dataset.attrs.get("ions", "")),
        )


def branches(dataset: xr.Dataset) -> dict[str, Reading]:
    """Readings of a curve by polarity and direction: "positive", "negative", and of what is scanned twice "back" too.

    The first one is the one that counts.
    """
    known = _Known.of(dataset)
    voltage, current = np.asarray(dataset["voltage"], float), np.asarray(dataset["current_density"], float)
    found: dict[str, Reading] = {}
    for name, sign in (("positive", 1.0), ("negative", -1.0)):
        v, j = sign * voltage[sign * voltage > 0.0], current[sign * voltage > 0.0]
        # where the scan turns; a few steps back are noise of the source
        turn = int(np.argmax(v)) + 1 if v.size else 0
        whole = turn in (0, 1) or turn >= v.size - 9
        parts = [(v, j)] if whole else [(v[:turn], j[:turn]), (v[turn:], j[turn:])]
        for number, (one, other) in enumerate(parts):
            made = space_charge.read(one, other, known.permittivity, known.thickness, known.temperature)
            if made is not None:
                found[f"{name}, back" if number else name] = made
    return found


@of_measurements("sclc")
def analyse(dataset: xr.Dataset) -> Metrics:
    """Mobility, trap-filled limit and the density of traps, where the curve can tell one.

    Returns:
        `space_charge_mobility` (m^2/(V s)) by Mott and Gurney; `trap_filled_voltage` (V), where the steepest tangent
        meets their line; beside it two other readings in use, `trap_filled_steepest` and `trap_filled_tangents` (V);
        `counted_traps` (m^-3), NaN where a condition fails, which its method names; `apparent_traps` (m^-3), what the
        voltage would stand for; `diffused_charge` (m^-3), the scale of what contacts bring; `steepest_slope`;
        `ohmic_conductivity` (S/m) of the beginning, whatever carries it. Read from the attributes: `thickness` (m) and
        `permittivity`, without which there is neither mobility nor density; `temperature` (K), `built_in_voltage` (V),
        `doping`, `ion_density` (m^-3) and `ions` ("held" or "moving") where they are known.

    Raises:
        InputError: fewer than ten points of one polarity.
    """
    known, found = _Known.of(dataset), branches(dataset)
    if not found:
        raise InputError(
            "fewer than ten points of one polarity have a current: no law of the voltage can be read.",
            "Give more points, evenly in the logarithm of the voltage.",
            key="voltage",
        )
    name, one = next(iter(found.items()))
    of = "" if len(found) == 1 else f", {name} branch"
    eps, d = known.permittivity, known.thickness
    apparent_from, how = next(
        (value, words)
        for value, words in (
            (one.crossing, "by the crossing with Mott and Gurney's line"),
            (one.steepest if one.most > space_charge.TRAPS else np.nan, "by the steepest point"),
            (np.nan, "the curve has no rise that a trap-filled limit could be"),
        )
        if np.isfinite(value) or words.startswith("the curve")
    )
    apparent = space_charge.trap_density(apparent_from, eps, d)
    least = space_charge.diffused_charge(known.temperature, eps, d)
    refused, unknown = _conditions(known, found, one, apparent, least)
    spread = (
        float(np.hypot(_METHOD, one.crossing_error / one.crossing)) if np.isfinite(one.crossing) else None
    )
    if refused:
        words = f"no trap density: {'; '.join(refused)}"
    else:
        words = "trap-filled limit, q Nt d^2 / 2 eps; of deep, dense traps 10 to 20 % low"
        words += f"; not known and taken as none: {', '.join(unknown)}" if unknown else ""
    square = space_charge.mobility(one.square, eps, d)
    return Metrics(
        {
            "space_charge_mobility": Metric(
                square, "m2 V-1 s-1", _of_mobility(one, of),
                2.0 * square * one.square_error / one.square if np.isfinite(square) else None,
            ),
            "trap_filled_voltage": Metric(
                one.crossing, "V", f"steepest tangent meets Mott and Gurney's line{of}",
                one.crossing_error if np.isfinite(one.crossing) else None,
            ),
            "trap_filled_steepest": Metric(
                one.steepest if one.most > space_charge.TRAPS else np.nan, "V",
                "steepest point: 2 to 4 times below the limit of deep traps",
            ),
            "trap_filled_tangents": Metric(
                one.tangents, "V", "steepest tangent meets the ohmic line: 2 to 5 times below the limit of deep traps"
            ),
            "counted_traps": Metric(
                np.nan if refused else apparent, "m-3", words, None if refused or spread is None else spread * apparent
            ),
            "apparent_traps": Metric(apparent, "m-3", how, None if spread is None else spread * apparent),
            "diffused_charge": Metric(least, "m-3", "27 kT eps / (4 q^2 d^2), an order of magnitude"),
            "steepest_slope": Metric(one.most, "1", f"largest dlnJ/dlnV below the square law, at {one.steepest:.3g} V"),
            "ohmic_conductivity": Metric(
                one.ohmic * d, "S/m", "beginning of the curve; of a thin film it is charge from the contacts"
            ),
        }
    )  # fmt: skip


def _of_mobility(one: Reading, of: str) -> str:
    if np.isfinite(one.square):
        return (
            f"root of the current over V - ({one.shift:.3g} V) at the highest voltages{of}; the thickness enters by "
            "its cube"
        )
    why = "contacts or leads limit it" if one.end < 2.0 else "traps are still filled"
    return f"no square law: the current goes as V^{one.end:.2g} at the highest voltages, {why}"


def _conditions(
    known: _Known, found: dict[str, Reading], one: Reading, apparent: float, least: float
) -> tuple[list[str], list[str]]:
    """Why there is no density of traps, and what could not be looked at."""
    refused, unknown = [], []
    if not (np.isfinite(known.thickness) and np.isfinite(known.permittivity)):
        refused.append("thickness and permittivity are not stated")
    if not one.most > space_charge.TRAPS:
        refused.append(
            f"the curve rises nowhere steeper than by V^{one.most:.2g}, which no filled traps show"
        )
    elif not np.isfinite(one.square):
        refused.append(f"there is no square law to meet ({_of_mobility(one, '')})")
    if one.most > space_charge.TRAPS and apparent < _DECADE * least:
        refused.append(
            f"{apparent * 1e-6:.2g} cm^-3 is within a decade of the {least * 1e-6:.2g} cm^-3 that contacts bring into "
            "a film of this thickness without any traps"
        )
    if one.diode > _DIODE:
        refused.append(
            f"the current rises as a diode's, with kT/q dlnJ/dV of {one.diode:.2f}: that is a built-in voltage"
        )
    if np.isfinite(known.built_in):
        if abs(known.built_in) > _SMALL * one.crossing:
            refused.append(f"{abs(known.built_in):.3g} V are built in between the contacts")
    elif "negative" not in found:
        unknown.append("built-in voltage")
    refused += _disagreements(found)
    if not np.isfinite(known.ions):
        if not any("back" in name for name in found):
            unknown.append("ions and scan rate")
    elif known.response == "moving" and known.ions >= _IONS * apparent:
        refused.append(
            f"{known.ions * 1e-6:.2g} cm^-3 of mobile ions settle at each voltage and screen the traps: the voltage is "
            "that of a net charge"
        )
    elif known.ions >= _IONS * apparent:
        unknown.append(f"a net charge of the {known.ions * 1e-6:.2g} cm^-3 of ions that are held")
    if not np.isfinite(known.doping):
        unknown.append("doping")
    elif abs(known.doping) >= _IONS * apparent:
        refused.append(
            f"the film is doped with {abs(known.doping) * 1e-6:.2g} cm^-3, whose charge makes a voltage as traps do"
        )
    if not refused:
        unknown.append("how the voltage goes with the thickness (thickness_scaling)")
    return refused, unknown


def _disagreements(found: dict[str, Reading]) -> list[str]:
    """What branches of one curve say against each other."""
    said = []
    (first, one), *others = found.items()
    for name, other in others:
        same = np.interp(one.steepest, other.voltage, np.log(other.current))
        gap = abs(float(np.interp(one.steepest, one.voltage, np.log(one.current)) - same))
        values = one.crossing, other.crossing
        off = (
            abs(values[1] / values[0] - 1.0)
            if np.isfinite(values).all()
            else (np.inf if gap > np.log(2.0) else 0.0)
        )
        if off > _AGREE and one.most > space_charge.TRAPS:
            why = "ions that follow, or charge that stays" if "back" in name else "contacts that differ"
            told = "none" if not np.isfinite(values[1]) else f"{values[1]:.3g} V"
            said.append(f"the {first} branch reads {values[0]:.3g} V and the {name} one {told}: {why}")
    return said


def _doubts(metrics: Metrics) -> list[str]:
    """What a reader of the curve must know."""
    counted = metrics["counted_traps"]
    return [] if np.isfinite(counted.value) else [counted.method]


def thickness_scaling(datasets: Sequence[xr.Dataset]) -> Metrics:
    """How the trap-filled voltage of films of several thicknesses goes with it: traps make it d^2, the densities then
    agree; a built-in voltage makes it d^0, and densities that fall as d^-2.

    Returns:
        `thickness_exponent`, by least squares through the logarithms.

    Raises:
        InputError: fewer than two thicknesses whose curves have such a voltage.
    """
    rows = []
    for one in datasets:
        value = float(analyse(one)["trap_filled_voltage"])
        if np.isfinite(value):
            rows.append((float(one.attrs["thickness"]), value))
    table = np.log(np.array(rows).reshape(-1, 2))
    if table.shape[0] < 2 or not np.ptp(table[:, 0]) > 0.05:
        raise InputError(
            "curves with a trap-filled voltage at two thicknesses or more are needed.",
            "Measure films of other thicknesses.",
            key="thickness",
        )
    off = table[:, 0] - table[:, 0].mean()
    exponent = float(off @ table[:, 1] / (off @ off))
    left = table[:, 1] - table[:, 1].mean() - exponent * off
    free = table.shape[0] - 2
    error = float(np.sqrt(left @ left / free / (off @ off))) if free else None
    meaning = (
        "traps"
        if exponent > 1.5
        else "no traps: a built-in voltage or the contacts"
        if exponent < 1.0
        else "mixed"
    )
    return Metrics({"thickness_exponent": Metric(exponent, "1", f"V_TFL as d^p; {meaning}", error)})


@of_measurements("sclc")
def plot(datasets: xr.Dataset | Sequence[xr.Dataset], ax: Axes | None = None) -> Figure:
    """Curves and slopes, both logarithmic, with Mott and Gurney's line and readings; see `plotting.space_charge`."""
    from perotwin.plotting import space_charge as drawing
    from perotwin.plotting import style

    items = style.as_list(datasets)
    shown: list[Any] = []
    for item in items:
        found, metrics = branches(item), analyse(item)
        shown.append(
            drawing.Curve(item, next(iter(found.values())), bool(np.isfinite(metrics["counted_traps"].value)))
        )
    return drawing.figure(shown, ax)


INSTRUMENT = Instrument(
    name="sclc",
    title="space-charge-limited current",
    protocol=Protocol,
    measure=measure,
    analyse=analyse,
    plot=plot,
    caption="Dark current of {cells} between contacts for one carrier, with Mott and Gurney's line, and its slope.",
    variables=(
        Variable("voltage", ("voltage",)),
        Variable("current_density", ("voltage",), required=True),
    ),
    place=95,
)


def __dir__() -> list[str]:
    return sorted(__all__)
