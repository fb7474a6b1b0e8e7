"""All that a described cell loses, from the Shockley-Queisser limit of its gap down: volts, current, fill factor.

    found = losses_of(pt.load("wbg-target"))
    found.of("voc")

Current: what is reflected, what other layers take, what the absorbers let pass, what is not collected. Volts: see
`losses.open_circuit`. Fill factor: from that of an ideal diode at the voltage of the limit to the same at the cell's
own; from there by what `lab.suns_voc` says of the pseudo curve, with shunts, pinholes and mobile ions told
apart by cells without them. Each step is told in points of efficiency too (`losses.sharing`).

Of junctions in series the current is that which each would have if all light above the last gap were divided evenly:
what the real division costs is the mismatch, and all other steps are the mean over the junctions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

from perotwin.errors import InputError
from perotwin.losses.sharing import shapley
from perotwin.losses.waterfall import Figures, Loss, Waterfall, closing, told
from perotwin.measurement.checks import Checks, check, worst

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.losses.open_circuit import Volts
    from perotwin.losses.photons import Photons
    from perotwin.stack import Cell
    from perotwin.transport.states import States
    from perotwin.transport.steady import Solver

__all__ = ["losses_of"]

#: V, a difference that is a step of its own
_WORTH = 1e-6
#: relative difference of photons absorbed and pairs generated
_GENERATED = 1e-3
#: what FF is lost by where open circuit is known under all lights
_GROUPS = ("ideality", "series", "transport")


def losses_of(cell: Cell) -> Waterfall:
    """What a cell loses under its own light.

    Args:
        cell: a stack, several side by side, a tandem of two terminals, or one junction of a tandem whose junctions
            have terminals of their own (`lab.junctions.terminals`).

    Returns:
        The steps from the Shockley-Queisser limit of its gap, or gaps, to the cell.

    Raises:
        InputError: the cell is in the dark, its light is of one wavelength, or its junctions have terminals of their
            own.
        ConvergenceError: the cell, or the cell without some mechanism, could not be solved.
    """
    from perotwin.optics.reuse import reusing

    _refuse(cell)
    with reusing():
        return _told(cell)


def _refuse(cell: Cell) -> None:
    if not float(cell.light.intensity) > 0.0:
        raise InputError(
            f'"{cell.name}" is in the dark, where nothing is gained that could be lost.',
            "Give it light: --light AM1.5G.",
            key="light.intensity",
        )
    if cell.light.spectrum.kind == "monochromatic":
        raise InputError(
            f'"{cell.name}" stands in light of one wavelength, which has no Shockley-Queisser limit.',
            "Look at it under a sun: --light AM1.5G.",
            key="light.spectrum",
        )
    joint: Any = getattr(cell, "junction", None)
    if joint is not None and joint.kind == "separate" and joint.terminals == "both":
        raise InputError(
            f'the junctions of "{cell.name}" have terminals of their own, and no common voltage or current to lose.',
            "Take each at its terminals: perotwin.lab.junctions.terminals(cell).",
            key="junction",
        )


@dataclass
class _Known:
    """What is measured of a cell before its losses are told."""

    cell: Cell
    solver: Solver
    points: dict[str, States]
    gaps: dict[str, float]
    eqe: xr.Dataset | None
    checks: Checks
    #: eV, of a junction in front that has terminals of its own; infinite where there is none
    in_front: float = math.inf

    @property
    def behind(self) -> bool:
        """Whether it is one junction of several with terminals of their own: its light is shared with another."""
        joint: Any = getattr(self.cell, "junction", None)
        return joint is not None and joint.kind == "separate"

    @property
    def suns(self) -> float:
        return float(self.cell.light.intensity)

    @property
    def count(self) -> int:
        """Junctions in series."""
        return len(self.gaps)


def _told(cell: Cell) -> Waterfall:
    from perotwin.lab import conditions, eqe, jv, open_circuit
    from perotwin.losses.open_circuit import volts
    from perotwin.losses.voltages import gaps_of

    solver, states, points, of_mesh = jv.solved(cell, jv.Protocol(step="20 mV"))
    for name in ("short-circuit", "open-circuit", "maximum-power"):
        if name not in points or not points[name].converged.all():
            raise InputError(
                f'the curve of "{cell.name}" has no {name.replace("-", " ")}, so that nothing can be told of it.',
                "Look at perotwin jv.",
            )
    spectral = eqe.measure(cell) if cell.light.generation.kind == "optics" else None
    alone = solver.junctions or {"": solver}
    known = _Known(
        cell, solver, points, gaps_of(alone, spectral), spectral, dict(of_mesh), _gap_in_front(cell)
    )
    levels: dict[str, dict[str, float]] = {}
    steps: list[Loss] = []
    total, available = 0.0, 0.0
    limits = dict(_limits(known))
    apart = _apart(solver)
    opened = points["open-circuit"] if apart is solver else open_circuit.settled(apart, known.suns)
    found = volts(apart, opened, {name: level for name, (_, level) in limits.items()})
    for name, (made, level) in limits.items():
        steps += _of_volts(name, level, found[name])
        levels[name] = {
            "shockley_queisser": level,
            "radiative": found[name].outside,
            "own emission": found[name].limit,
            "terminal": found[name].terminal,
        }
        total, available = total + level, available + made
    own = worst(one.checks for one in found.values())
    known.checks |= {f"without mechanisms: {name}": row for name, row in own.items()}
    voc, jsc = float(points["open-circuit"].voltage[0]), float(points["short-circuit"].current[0])
    rest = sum(one.terminal for one in found.values()) - voc
    if abs(rest) > _WORTH:
        steps.append(Loss("voc", "between junctions", "between the junctions", rest))
    ideal_current = available / known.count
    currents = list(_of_current(known, available, alone))
    best = points["maximum-power"]
    power = float(best.voltage[0] * best.current[0])
    ideal_ff = _diode(total, known)
    fill = _FillFactor(known)
    actual = Figures(voc, jsc, power / (voc * jsc), power / conditions.irradiance(states))
    area = conditions.irradiance(states)
    ideal = Figures(total, ideal_current, ideal_ff, total * ideal_current * ideal_ff / area)
    lower = Loss("ff", "lower voltage", "limit at a lower voltage", ideal_ff - fill.limit)
    losses = told([*currents, *steps, lower, *fill.steps()], ideal, actual)
    checks = {**known.checks, **fill.checks, **closing(ideal, actual, losses)}
    notes = [*conditions.notes(states), *fill.notes]
    return Waterfall(
        cell.name, known.gaps, ideal, actual, losses, checks, tuple(dict.fromkeys(notes)), levels=levels
    )


def _gap_in_front(cell: Cell) -> float:
    """eV, gap of the junction with terminals of its own in front of this one; infinite where there is none."""
    from perotwin.lab import eqe

    joint: Any = getattr(cell, "junction", None)
    if joint is None or joint.kind != "separate" or joint.terminals == "top":
        return math.inf
    tandem: Any = cell
    return float(eqe.analyse(eqe.measure(tandem.at("top")))["bandgap"])


def _limits(known: _Known) -> Iterator[tuple[str, tuple[float, float]]]:
    """Photons (A m^-2) and Shockley-Queisser voltage (V) of each junction.

    Raises:
        InputError: there is no such limit.
    """
    from perotwin.losses.voltages import step_current, step_voltage

    before = known.in_front
    for name, gap in known.gaps.items():
        made = step_current(known.cell, gap, before)
        if not math.isfinite(made):
            raise InputError(
                f'no Shockley-Queisser limit can be told of "{known.cell.name}": a junction has no light of its own.',
                "Put the junction of the wider gap in front.",
                key="light.spectrum",
            )
        yield name, (made, step_voltage(known.cell, gap, before))
        before = gap


def _apart(solver: Solver) -> Solver:
    """What is solved for the volts of each junction: halves of one mesh are taken apart."""
    from perotwin.transport.build import with_ideal_joints
    from perotwin.transport.steady import Solver as Made

    if any(part.halves for part in solver.problem.parts):
        return Made(with_ideal_joints(solver.problem), solver.tolerance)
    return solver


# --- volts -----------------------------------------------------------------------------------------------------------


def _of_volts(junction: str, level: float, found: Volts) -> Iterator[Loss]:
    """Steps of one junction, from its Shockley-Queisser limit (V) to its terminals."""
    if math.isfinite(found.limit):
        outside = found.outside if math.isfinite(found.outside) else found.limit
        yield Loss("voc", "radiative limit", "light and edge: radiative limit", level - outside, junction)
        trapped = outside - found.limit
        if abs(trapped) > _WORTH:
            yield Loss("voc", "trapped light", "luminescence that other layers absorb", trapped, junction)
        uneven = found.limit - found.alone
        if abs(uneven) > _WORTH:
            yield Loss("voc", "uneven splitting", "splitting that is not even", uneven, junction)
    else:
        words = "radiative recombination as the cell states it"
        if abs(level - found.alone) > _WORTH:
            yield Loss("voc", "radiative limit", words, level - found.alone, junction)
    for one, taken in found.shares.items():
        yield Loss("voc", one.kind, one.name, taken, junction)


# --- current ---------------------------------------------------------------------------------------------------------


def _of_current(known: _Known, available: float, alone: dict[str, Solver]) -> Iterator[Loss]:
    """Steps from the light above the last gap, divided evenly, to the short-circuit current."""
    problem, count, suns = known.solver.problem, known.count, known.suns
    made = {name: suns * value for name, value in problem.photocurrents.items()} if count > 1 else {}
    made = made or {"": suns * problem.photocurrent}
    counted = None if known.behind else _photons(known)
    if counted is None:
        rest = available - sum(made.values())
        words = (
            "reflected, or absorbed elsewhere" if known.behind else "light that makes no pairs (prescribed)"
        )
        yield Loss("jsc", "not generated", words, rest / count)
    else:
        taken = (
            sum(value for name, value in counted.layers.items() if name in counted.absorbers) + counted.tail
        )
        pairs = sum(made.values()) / suns
        known.checks["photons absorbed against pairs generated"] = check(taken / pairs - 1.0, _GENERATED)
        yield from _of_light(known, counted, available)
    short = known.points["short-circuit"]
    own = {}
    for name, one in alone.items():
        if count == 1:
            own[name] = float(short.current[0])
        else:
            own[name] = float(one.sweep([0.0], suns).current[0])
        yield Loss("jsc", "collection", "not collected", (made[name] - own[name]) / count, name)
    mismatch = sum(own.values()) / count - float(short.current[0])
    if count > 1:
        yield Loss("jsc", "mismatch", "unequal currents of the junctions", mismatch)


def _photons(known: _Known) -> Photons | None:
    """The light above the last gap, at one sun; None where generation is prescribed."""
    from perotwin.losses.photons import counted

    if known.eqe is None:
        return None
    return counted(known.cell, known.eqe, list(known.gaps.values())[-1], {})


def _of_light(known: _Known, counted: Photons, available: float) -> Iterator[Loss]:
    scale = known.suns / known.count
    # and the rounding of a sum over wavelengths that ends at the gap
    outside = available / known.count - scale * counted.above
    yield Loss("jsc", "outside", "light outside the optical data", outside)
    opaque = _reflected_if_opaque(known, counted)
    if math.isnan(opaque):
        yield Loss("jsc", "reflection", "reflection", scale * counted.reflected)
        yield Loss("jsc", "incomplete absorption", "through the cell", scale * counted.transmitted)
    else:
        left = counted.reflected - opaque + counted.transmitted
        yield Loss("jsc", "reflection", "reflection", scale * opaque)
        yield Loss("jsc", "incomplete absorption", "out again: absorber too thin", scale * left)
    for name, value in counted.layers.items():
        if name not in counted.absorbers:
            yield Loss("jsc", f"parasitic, {name}", f"absorbed in {name}", scale * value)
    yield Loss("jsc", "tail", "absorbed below the gap", -scale * counted.tail)


def _reflected_if_opaque(known: _Known, counted: Photons) -> float:
    """What would be reflected above the gap (A m^-2 at one sun) if the last absorber let nothing pass."""
    from perotwin.losses.photons import counted as count_again
    from perotwin.losses.thick import reflectance_if_opaque

    eqe = known.eqe
    assert eqe is not None
    reflectance = reflectance_if_opaque(known.cell, eqe["wavelength"].values)
    if reflectance is None:
        return math.nan
    dataset = eqe.assign(reflectance=("wavelength", reflectance))
    return count_again(known.cell, dataset, counted.gap, {}).reflected


# --- fill factor -----------------------------------------------------------------------------------------------------


def _diode(voc: float, known: _Known) -> float:
    from perotwin.lab.fill_factor_losses import diode

    return diode(voc, float(known.cell.temperature), float(known.count))


class _FillFactor:
    """The fill factor of a cell, and of the cell without shunts, pinholes and mobile ions.

    What open circuit under all lights says of each (`lab.suns_voc`): ideality from the diode's limit at its own Voc to
    the pseudo curve, series resistance and transport from there to the cell.
    """

    def __init__(self, known: _Known) -> None:
        self.known = known
        paths: dict[str, Mapping[str, str | None]] = {
            "shunt": _shunts(known.cell),
            "pinholes": _pinholes(known.cell),
            "ions": _ions(known.cell),
        }
        self.causes = [name for name, some in paths.items() if some]
        self._found: dict[frozenset[str], dict[str, float]] = {}
        self.checks: Checks = {}
        self.notes: list[str] = []
        self.limit = self.actual = math.nan
        for on in product((True, False), repeat=len(self.causes)):
            acting = frozenset(name for name, one in zip(self.causes, on, strict=True) if one)
            off = {
                path: none for name in self.causes if name not in acting for path, none in paths[name].items()
            }
            self._found[acting] = self._read(known.cell.with_values(off) if off else known.cell, bool(off))

    def _read(self, cell: Cell, changed: bool) -> dict[str, float]:
        from perotwin.lab import suns_voc
        from perotwin.measurement import checks_of

        measured = suns_voc.measure(cell)
        found = suns_voc.analyse(measured)
        limit = _diode(float(found["voc"]), self.known)
        if not changed:
            self.limit, self.actual = limit, float(found["ff"])
        own = {
            f"{'without leaks or ions' if changed else 'under many lights'}: {name}": one
            for name, one in checks_of(measured).items()
        }
        self.checks = worst([self.checks, own])
        return {
            "ideality": limit - float(found["pseudo_ff"]),
            "series": float(found["ff_series_loss"]) if "ff_series_loss" in found else math.nan,
            "transport": float(found["ff_layer_loss"]) if "ff_layer_loss" in found else math.nan,
        }

    def _part(self, name: str, acting: frozenset[str]) -> float:
        return self._found[acting][name]

    def steps(self) -> Iterator[Loss]:
        """From the diode's limit at the cell's own Voc to the cell."""
        words = {
            "ideality": "ideality",
            "series": "series resistance",
            "transport": "transport in the layers",
        }
        if self.known.count > 1:
            words["transport"] = "transport in the layers, less what unequal currents give back"
        if not all(math.isfinite(value) for one in self._found.values() for value in one.values()):
            self.notes.append(
                "fill factor is not told apart: the pseudo curve of the cell, or of the cell without leaks or ions, "
                "has no maximum power between the lights that were taken."
            )
            yield Loss(
                "ff", "all", "ideality, leaks, resistances, transport and ions", self.limit - self.actual
            )
            return
        taken = dict.fromkeys(self.causes, 0.0)
        bare = self._found[frozenset()]
        for name in _GROUPS:
            shares = shapley(self.causes, partial(self._part, name))
            taken = {cause: taken[cause] + share for cause, share in shares.items()}
            yield Loss("ff", name, words[name], bare[name])
        names = {"shunt": "shunt", "pinholes": "pinholes", "ions": "mobile ions"}
        for cause, share in taken.items():
            yield Loss("ff", cause, names[cause], share)


def _shunts(cell: Cell) -> dict[str, None]:
    """Field paths of the shunts of a cell, and what they are where there is none."""
    return {
        f"{prefix}.circuit.shunt_resistance".removeprefix("."): None
        for prefix, stack in cell.stacks.items()
        if stack.circuit.shunt is not None
    }


def _pinholes(cell: Cell) -> dict[str, None]:
    """Field paths of the pinholes of a cell, and what they are where there are none."""
    return {
        f"{prefix}.{layer.name}.pinholes".removeprefix("."): None
        for prefix, stack in cell.stacks.items()
        for layer in stack.layer
        if layer.pinholes is not None
    }


def _ions(cell: Cell) -> dict[str, str]:
    """Field paths of the densities of the mobile ions of a cell, and what they are where there are none."""
    found = {}
    for prefix, stack in cell.stacks.items():
        for layer in stack.electrical_layers:
            path = f"{prefix}.{layer.name}.ions".removeprefix(".")
            if layer.ions is not None and float(layer.ions.density) > 0.0:
                found[f"{path}.density"] = "0 cm^-3"
            if layer.ions is not None and layer.ions.second is not None:
                found[f"{path}.second.density"] = "0 cm^-3"
    return found
