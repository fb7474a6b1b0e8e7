"""Which ions move, and how fast."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perotwin.transport import device as dv
from perotwin.transport.device import Device
from perotwin.transport.energies import K_EV
from perotwin.transport.junction import Junction

F64 = NDArray[np.float64]


def in_motion(junction: Junction, species: int | None = None) -> Device:
    """The arrays of a junction whose ions move, in the order of its re-equilibrating ones.

    Args:
        junction: all its ions re-equilibrate in a steady state (`Junction.all_moving`).
        species: how many of them move, the first ones; all if absent. None re-equilibrates.
    """
    none = np.zeros((0, dv.ION_COLUMNS))
    return junction.device._replace(ion=none, motion=motion_of(junction)[:species])


def _slots(junction: Junction) -> list[int]:
    """First unknown of each layer's ions in a node's block: not that of a neighbour, with whom it shares a node."""
    first: list[int] = []
    taken = (3, 3)
    for layer in junction.stack.electrical_layers:
        ions = layer.ions
        species = [] if ions is None else [ions, *([ions.second] if ions.second is not None else [])]
        count = sum(float(one.density) > 0.0 for one in species)
        start = 3 if 3 + count <= taken[0] or taken[0] == taken[1] else taken[1]
        first.append(start)
        taken = (start, start + count)
    return first


def motion_of(junction: Junction) -> F64:
    """(I, MOTION_COLUMNS) of the moving species, in the order of `junction.device.ion`; diffusion at the stack's T."""
    temperature = float(junction.stack.temperature)
    rows: list[list[float]] = []
    slots = _slots(junction)
    for response in ("steady", "frozen"):
        for m, layer in enumerate(junction.stack.electrical_layers):
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
