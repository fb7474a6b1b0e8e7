"""The absorption edge of a cell: where its absorber's absorptance, and so its EQE, rises most steeply.

This is the photovoltaic bandgap (U. Rau et al., Phys. Rev. Appl. 7, 044016 (2017),
doi:10.1103/PhysRevApplied.7.044016). It belongs to the cell: interference moves it by up to 25 meV against
the edge of the material."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perotwin.errors import InputError
from perotwin.materials import BANDGAPS, HC, OpticalModel
from perotwin.materials.halide import at_edge
from perotwin.materials.library import halide_tables
from perotwin.optics.films import Films, films, optical_gap

if TYPE_CHECKING:
    from perotwin.optics.cell import OpticalCell

__all__ = ["absorption_edge", "edge_map", "edge_map_toml", "inflection"]

F64 = NDArray[np.float64]

#: Reach below and above the expected edge, and distance of energies (eV).
_BELOW, _ABOVE, _STEP = 0.11, 0.14, 1e-3


def inflection(energy: ArrayLike, response: ArrayLike) -> float:
    """Energy (eV) of the steepest rise of a response: vertex of a parabola through the top of its derivative.

    Parameters
    ----------
    energy : (E,) ascending, eV. response : (E,).
    """
    e, a = np.asarray(energy, float), np.asarray(response, float)
    slope = np.gradient(a, e)
    top = int(np.argmax(slope))
    first = last = top
    while first > 0 and slope[first - 1] > 0.95 * slope[top]:
        first -= 1
    while last < len(e) - 1 and slope[last + 1] > 0.95 * slope[top]:
        last += 1
    if last - first < 2:
        return float(e[top])
    curve = np.polyfit(e[first : last + 1] - e[top], slope[first : last + 1], 2)
    if curve[0] >= 0:
        return float(e[top])
    return float(np.clip(e[top] - curve[1] / (2 * curve[0]), e[first], e[last]))


def absorption_edge(stack: OpticalCell, layer: str | None = None) -> float:
    """Inflection (eV) of the absorptance of an absorber in its cell, under light on the side that the stack
    names.

    Parameters
    ----------
    layer : an absorber; the only one by default. It needs a stated bandgap to look near to.

    Raises
    ------
    InputError : no such absorber, or no bandgap.
    """
    candidates = [
        i for i, each in enumerate(stack.layer) if each.role == "absorber" and layer in (None, each.name)
    ]
    if len(candidates) != 1:
        raise InputError(
            f"{len(candidates)} absorbers could be meant by {layer or 'the absorber'}.",
            "Name one absorber of the stack.",
        )
    index = candidates[0]
    gap = optical_gap(stack.layer[index], float(stack.temperature))
    if gap is None:
        raise InputError(
            f'the absorber "{stack.layer[index].name}" states no bandgap near which its edge could be.',
            'Add bandgap = "... eV" to the layer.',
        )
    return _measured(_extrapolating(films(stack)), index, gap, stack.light.side == "back")


def edge_map(stack: OpticalCell, bandgaps: Iterable[float]) -> list[float]:
    """Edge (eV) of the halide perovskite that gives this cell each EQE inflection of `bandgaps` (eV).

    The map of the library is made with this from the cell that it names; `edge_map_toml` writes it.
    """
    optical = _extrapolating(films(stack))
    index = next(i for i, each in enumerate(stack.layer) if each.role == "absorber")
    urbach = float(stack.layer[index].urbach_energy)
    back = stack.light.side == "back"

    def found(edge: float) -> float:
        model = at_edge(halide_tables(), edge, urbach, name="trial", source="", extrapolate=True)
        return _measured(_with_model(optical, index, model), index, edge, back)

    trial = np.arange(min(bandgaps) - 0.04, max(bandgaps) + 0.045, 0.005)
    measured = np.array([found(edge) for edge in trial])
    # a straight line through five neighbours takes out the ripple that the rows of optical tables leave
    smooth = np.convolve(np.pad(measured - trial, 2, mode="edge"), np.ones(5) / 5, mode="valid") + trial
    return [float(np.interp(gap, smooth, trial)) for gap in bandgaps]


def edge_map_toml(stack: OpticalCell) -> str:
    """The `[map]` table of the halide perovskite's library file, made with this cell: from 1.1 to 2.4 eV by
    20 meV.
    """
    gaps = [round(float(gap), 2) for gap in np.arange(BANDGAPS[0], BANDGAPS[1] + 0.01, 0.02)]
    rows = {
        "bandgap": [f"{gap:.2f}" for gap in gaps],
        "edge": [f"{edge:.4f}" for edge in edge_map(stack, gaps)],
    }
    lines = ["[map]", f'cell = "{stack.name}"']
    for key, values in rows.items():
        lines += [
            f"{key} = [",
            *(f"    {', '.join(values[i : i + 12])}," for i in range(0, len(values), 12)),
            "]",
        ]
    return "\n".join(lines) + "\n"


def _measured(optical: Films, index: int, near: float, back: bool) -> float:
    energy = np.arange(near - _BELOW, near + _ABOVE, _STEP)
    lit = optical.lit(HC / energy, "back" if back else "front")
    return inflection(energy, lit.absorptance[index])


def _with_model(optical: Films, index: int, model: OpticalModel) -> Films:
    models = list(optical.models)
    models[index] = model
    return replace(optical, models=tuple(models))


def _extrapolating(optical: Films) -> Films:
    return replace(optical, models=tuple(model.extrapolating() for model in optical.models))
