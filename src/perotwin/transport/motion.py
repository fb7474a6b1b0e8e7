"""Which ions move, and how fast; and where that is not known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError
from perotwin.transport import device as dv
from perotwin.transport.build import Problem
from perotwin.transport.energies import K_EV

F64 = NDArray[np.float64]


def all_moving(problem: Problem) -> Problem:
    """The problem with every ion mobile, whatever its steady response."""
    return problem if problem.mobile is None else replace(problem, device=problem.mobile, mobile=None)


def _slots(problem: Problem) -> list[int]:
    """First unknown of each layer's ions in a node's block: not that of a neighbour, with whom it shares a node."""
    first: list[int] = []
    taken = (3, 3)
    for layer in problem.stack.electrical_layers:
        ions = layer.ions
        species = [] if ions is None else [ions, *([ions.second] if ions.second is not None else [])]
        count = sum(float(one.density) > 0.0 for one in species)
        start = 3 if 3 + count <= taken[0] or taken[0] == taken[1] else taken[1]
        first.append(start)
        taken = (start, start + count)
    return first


def motion_of(problem: Problem) -> F64:
    """(I, MOTION_COLUMNS) of the moving species, in the order of `problem.device.ion`; diffusion at the stack's T."""
    temperature = float(problem.stack.temperature)
    rows: list[list[float]] = []
    slots = _slots(problem)
    for response in ("steady", "frozen"):
        for m, layer in enumerate(problem.stack.electrical_layers):
            if layer.ions is None or layer.ions.response.kind != response:
                continue
            species = [layer.ions, *([layer.ions.second] if layer.ions.second is not None else [])]
            for number, ion in enumerate(one for one in species if float(one.density) > 0.0):
                activation = float(ion.activation_energy or 0.0)
                factor = np.exp(-activation / K_EV * (1.0 / temperature - 1.0 / 298.15))
                rows.append(
                    [
                        float(ion.charge),
                        float(ion.diffusion_coefficient) * float(factor),
                        float(ion.site_density or 0.0),
                        float(m),
                        float(slots[m] + number),
                    ]
                )
    return np.array(rows).reshape(-1, dv.MOTION_COLUMNS)


def refuse_planes(problem: Problem, what: str) -> None:
    """Refuse a stack with a plane inside at which two junctions meet.

    Args:
        problem: the stack.
        what: that would be asked of it, "time steps".

    Raises:
        InputError: there is one.
    """
    if problem.device.plane_site.size:
        raise InputError(
            f'"{problem.stack.name}" is solved in one, with a plane where its junctions meet, and {what} of such a '
            "plane are not modelled.",
            'Give it a junction of the kind "ideal" or "resistive", which is two cells in series, in time and at small '
            "signal too.",
            key="junction.kind",
        )
