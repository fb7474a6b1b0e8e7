"""What follows from a stack before anything is solved: the lengths, times and limits that people look for."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from perotwin.report.derived import Derived
from perotwin.units import BOLTZMANN

if TYPE_CHECKING:
    from perotwin.stack import Cell, Layer, Stack, Tandem
    from perotwin.transport.build import Problem
    from perotwin.transport.junction import Junction

__all__ = ["check"]


def check(cell: Cell) -> tuple[list[Derived], list[str]]:
    """Make a cell ready to be solved, which finds every fault that a file can have, and derive what follows.

    Returns
    -------
    The derived quantities (built-in voltage, Debye lengths, depletion widths, transit, diffusion and ionic scales,
    photocurrent, radiative limit of Voc), of several stacks those of each and of a tandem those of the whole first, and
    the remarks that any result would carry.

    Raises
    ------
    PerotwinError
        The stack has no electrical layers, a material or its range does not fit, and so on.
    """
    from perotwin.stack import Tandem
    from perotwin.transport.build import build, with_ideal_joints

    if isinstance(cell, Tandem) and cell.junction.kind == "separate":
        tandem: Any = cell
        each = [build(tandem.at(which)) for which in cell.stacks]
        problems = [problem.parts[next(iter(problem.typical.values()))] for problem in each]
        notes = list(dict.fromkeys(note for problem in each for note in problem.notes))
    else:
        problem = build(cell)
        notes = list(problem.notes)
        if any(part.halves for part in problem.parts):
            # What is one mesh is derived by junction all the same.
            problem = with_ideal_joints(problem)
        problems = [problem.parts[number] for number in problem.typical.values()]
    rows: list[Derived] = []
    for (prefix, stack), part in zip(cell.stacks.items(), problems, strict=True):
        found = _of_stack(part)
        if prefix:
            found = [
                replace(row, where=prefix if row.where == "cell" else f"{prefix}.{row.where}")
                for row in found
            ]
        rows += found
        notes += [f"{prefix}.{note}" if prefix else note for note in _levels_outside(stack)]
    notes += _from_library(cell)
    if isinstance(cell, Tandem) and cell.junction.kind != "separate":
        rows[:0] = _of_tandem(cell, problem, rows)
    return rows, notes


def _from_library(cell: Cell) -> Iterator[str]:
    """A sentence on what the file takes from the library of layers, and what of it the file states otherwise."""
    taken = cell.taken()
    if taken:
        used = ", ".join(dict.fromkeys(taken.values()))
        stated = [path for path in cell.quantities() if path not in taken]
        yield (
            f"{len(taken)} numbers are those of the library of layers ({used}); the file states {len(stated)}: "
            f"{', '.join(stated)}. perotwin show lists each with its source."
        )


def _of_tandem(cell: Tandem, problem: Problem, rows: list[Derived]) -> Iterator[Derived]:
    """What follows for the junctions together from what follows for each."""
    known = {(row.name, row.where): row.value for row in rows}
    current = {which: known.get(("photocurrent", which), 0.0) for which in cell.cells}
    if max(current.values()) > 0.0:
        least = min(current, key=lambda which: current[which])
        how = f"of the {least} junction, which generates least: the current of all"
        yield Derived("photocurrent", "photocurrent", "cell", current[least], "A m-2", how)
        if len(current) == 2:
            front, back = current
            gap = current[front] - current[back]
            how = f"photocurrent of the {front} junction minus that of the {back} one; zero where they match"
        else:
            gap = max(current.values()) - min(current.values())
            how = "largest photocurrent of a junction minus the smallest one; zero where they match"
        yield Derived("photocurrent_mismatch", "current mismatch", "cell", gap, "A m-2", how)
    limits = [known[key] for key in (("radiative_voc", which) for which in cell.cells) if key in known]
    if len(limits) == len(current):
        how = "sum of those of the junctions, each with its own photocurrent"
        yield Derived("radiative_voc", "radiative limit of Voc", "cell", sum(limits), "V", how)
    between: dict[tuple[str, str], float] = {}
    for light in problem.lights:
        homes = problem.homes[light.emitter], problem.homes[light.receiver]
        crossing = homes[0] != homes[1] or problem.parts[light.emitter].halves
        # what all areas of one stack send to an area of the other
        if crossing and light.receiver == problem.typical[homes[1]]:
            between[homes] = between.get(homes, 0.0) + light.share
    for (source, into), share in between.items():
        how = f"photons that {into} absorbs per net radiative event in {source} (doi:10.1063/1.4729827)"
        name, title = "luminescent_coupling", "luminescent coupling"
        if len(between) > 1:
            title = f"{title}, {source} into {into}"
        yield Derived(name, title, "cell", share, "1", how)


def _of_stack(problem: Junction) -> list[Derived]:
    stack = problem.stack
    rows = [_built_in(problem)]
    for layer in stack.electrical_layers:
        rows += _of_doping(problem, layer, rows[0].value)
    for layer in stack.absorbers:
        if layer.electronic is not None:
            rows += [*_of_carriers(problem, layer, rows[0].value), *_of_ions(problem, layer)]
    rows += _of_light(problem)
    return rows


def _levels_outside(stack: Stack) -> Iterator[str]:
    """A remark for each trap whose level lies in a band: most often it was counted from another edge than meant."""
    levels = [
        (layer.name, layer, number, trap.level)
        for layer in stack.electrical_layers
        for number, trap in enumerate(layer.trap, 1)
    ]
    levels += [
        (key, stack.face_layer(key), number, trap.level)
        for key, face in stack.interface.items()
        for number, trap in enumerate(face.trap, 1)
    ]
    for name, layer, number, level in levels:
        assert layer.electronic is not None
        top = float(layer.electronic.electron_affinity)
        depth = level.below_vacuum(top, layer.gap)
        if not top <= depth <= top + layer.gap:
            band = "conduction" if depth < top else "valence"
            yield (
                f"{name}: the level of trap {number} lies in the {band} band of {layer.name}, {depth:.3g} eV below "
                f"vacuum; its gap reaches from {top:.3g} to {top + layer.gap:.3g} eV. See what depth or height "
                "counts from."
            )


def _built_in(problem: Any) -> Derived:
    from perotwin.transport import device as dv

    front, back = (float(problem.device.contact[side, dv.C_PSI]) for side in (0, 1))
    how = "difference of the contacts' work functions, plus the dipoles at faces"
    value = (back - front) * problem.vt
    if not problem.device.anode_front:
        value = -value
    if value < 0.0:
        how += "; negative: it pulls holes to the cathode"
    return Derived("built_in_voltage", "built-in voltage", "cell", value, "V", how)


def _permittivity(layer: Layer) -> float:
    from perotwin.constants import epsilon_0

    assert layer.electronic is not None
    return float(layer.electronic.permittivity) * float(epsilon_0)


def _debye(layer: Layer, density: float, charge: float, vt: float) -> float:
    """Debye length (m) of ``density`` (m^-3) carriers of ``charge`` elementary charges: P. Debye, E.
    Hueckel, 1923.
    """
    from perotwin.constants import elementary_charge as q

    return math.sqrt(_permittivity(layer) * vt / (q * density)) / abs(charge)


def _of_doping(problem: Any, layer: Layer, built_in: float) -> Iterator[Derived]:
    from perotwin.constants import elementary_charge as q

    assert layer.electronic is not None
    net = float(layer.electronic.donor_density) - float(layer.electronic.acceptor_density)
    if net == 0.0:
        if layer.role == "absorber":
            missing = "undoped: the field crosses the whole layer"
            yield Derived("depletion_width", "depletion width", layer.name, math.nan, "m", missing)
        return
    debye = _debye(layer, abs(net), 1.0, problem.vt)
    yield Derived("debye_length", "Debye length", layer.name, debye, "m", "sqrt(eps kT / (q^2 doping))")
    if layer.role == "absorber":
        width = math.sqrt(2.0 * _permittivity(layer) * max(built_in, 0.0) / (q * abs(net)))
        how = "sqrt(2 eps Vbi / (q doping)), abrupt and one-sided"
        if width > float(layer.thickness):
            how += "; wider than the layer, which is depleted throughout"
        yield Derived("depletion_width", "depletion width", layer.name, width, "m", how)


def _of_carriers(problem: Any, layer: Layer, built_in: float) -> Iterator[Derived]:
    from perotwin.transport.energies import bands

    band = bands(layer, float(problem.stack.temperature))
    thickness = float(layer.thickness)
    for carrier, mobility in (("electron", band.mu_n), ("hole", band.mu_p)):
        if built_in > 0.0:
            transit = thickness**2 / (mobility * built_in)
            how = "d^2 / (mobility Vbi), drift at short circuit"
            yield Derived(f"{carrier}_transit_time", f"{carrier} transit time", layer.name, transit, "s", how)
    # At high injection a trap needs both carriers one after the other: its lifetime is the sum of the two.
    rate = sum(1.0 / (trap.tau_n + trap.tau_p) for trap in layer.trap)
    if rate > 0.0:
        mobility = 2.0 * band.mu_n * band.mu_p / (band.mu_n + band.mu_p)
        length = math.sqrt(mobility * problem.vt / rate)
        how = "sqrt(ambipolar mobility kT/q lifetime), high injection, traps of the layer alone"
        yield Derived("diffusion_length", "diffusion length", layer.name, length, "m", how)


def _of_ions(problem: Any, layer: Layer) -> Iterator[Derived]:
    if layer.ions is None:
        return
    species = [
        ("ion", layer.ions),
        *([("second ion", layer.ions.second)] if layer.ions.second is not None else []),
    ]
    for words, ion in species:
        if float(ion.density) == 0.0:
            continue
        name = words.replace(" ", "_")
        debye = _debye(layer, float(ion.density), float(ion.charge), problem.vt)
        how = "sqrt(eps kT / (q^2 z^2 density))"
        yield Derived(f"{name}_debye_length", f"{words}: Debye length", layer.name, debye, "m", how)
        diffusion = float(ion.diffusion_coefficient)
        if ion.activation_energy is not None:
            step = 1.0 / float(problem.stack.temperature) - 1.0 / 298.15
            diffusion *= math.exp(-float(ion.activation_energy) / BOLTZMANN * step)
        if diffusion > 0.0:
            how = "Debye length times d / D (doi:10.1103/PhysRevE.70.021506)"
            time = debye * float(layer.thickness) / diffusion
            yield Derived(f"{name}_time_constant", f"{words}: time constant", layer.name, time, "s", how)


def _of_light(problem: Any) -> Iterator[Derived]:
    """Photocurrent and the open-circuit voltage that radiative recombination alone would allow."""
    from perotwin.constants import elementary_charge as q
    from perotwin.transport import device as dv

    photo = q * float(problem.stack.light.intensity) * float(problem.generation.sum())
    yield Derived("photocurrent", "photocurrent", "cell", photo, "A m-2", "everything generated is collected")
    dark = sum(
        q * row[dv.K_RAD] * row[dv.NP_EQ] * float(layer.thickness)
        for row, layer in zip(problem.device.layer, problem.stack.electrical_layers, strict=True)
    )
    if problem.emission is not None:
        # what absorbers of one junction send each other is not lost
        films = problem.emission.absorbers
        dark -= sum(part.taken.get(other, 0.0) for part in films.values() for other in films)
    if photo > 0.0 and dark > 0.0:
        limit = problem.vt * math.log1p(photo / dark)
        how = "kT/q ln(photocurrent / radiative dark current + 1) (doi:10.1063/1.1736034)"
        yield Derived("radiative_voc", "radiative limit of Voc", "cell", limit, "V", how)
