"""Generation without waves: a step at the bandgap, and rates that a cell states."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError
from perotwin.materials import HC
from perotwin.measurement.checks import check
from perotwin.measurement.series import Wanted, read_series
from perotwin.optics.absorption import Absorption, bare
from perotwin.optics.emitting_films import joined, one_gap
from perotwin.optics.films import optical_gap
from perotwin.optics.incidence import cosine
from perotwin.spectra import Monochromatic, chosen

if TYPE_CHECKING:
    from perotwin.optics.cell import OpticalCell

__all__ = ["depth_of", "prescribed", "step"]

F64 = NDArray[np.float64]
Side = Literal["front", "back"]

_PER_CM3 = re.compile(r"cm\s*(\^|\*\*)?\s*\(?\s*[-⁻−]?\s*[3³]", re.IGNORECASE)


def step(
    stack: OpticalCell, faces: F64, inside: dict[int, tuple[slice, float]], side: Side, suns: float
) -> Absorption:
    """Step absorptance: each photon above the gap of the first absorber it meets makes one pair, evenly over
    its depth. Neighbouring layers of one gap are one absorber.

    W. Shockley, H. J. Queisser, J. Appl. Phys. 32, 510 (1961), doi:10.1063/1.1736034.
    """
    light = chosen(stack.light.spectrum)
    if isinstance(light, Monochromatic):
        raise InputError(
            "a step absorptance needs a broad spectrum, not one wavelength.",
            'Write spectrum = "AM1.5G", or generation = "optics".',
            key="light.spectrum",
        )
    generation = np.zeros(len(faces) - 1)
    films = joined(stack, list(inside), one_gap(stack))
    order = films if side == "front" else films[::-1]
    arriving = suns * cosine(stack.light)
    reach = arriving * light.photon_flux()
    lam_end = 0.0
    for film in order:
        gap = optical_gap(stack.layer[film[0]], float(stack.temperature))
        assert gap is not None  # the stack refuses step generation without one
        end = HC / gap
        flux = arriving * light.photon_flux(lam_end, end) if end > lam_end else 0.0
        lam_end = max(lam_end, end)
        rows = slice(inside[film[0]][0].start, inside[film[-1]][0].stop)
        widths = np.diff(faces[rows.start : rows.stop + 1])
        generation[rows] = flux * widths / widths.sum()
    total = arriving * light.photon_flux(0.0, lam_end)
    gap_row = float(generation.sum()) - total
    return bare(
        stack,
        faces,
        generation,
        {"generation integrates to the absorbed flux": check(gap_row / max(reach, 1e-300), 1e-9)},
    )


def prescribed(
    stack: OpticalCell, faces: F64, inside: dict[int, tuple[slice, float]], side: Side, suns: float
) -> Absorption:
    """Uniform, Beer-Lambert or tabulated generation, integrated exactly over each interval."""
    law = stack.light.generation
    if stack.light.angle > 0.0:
        raise InputError(
            f"light comes at an angle, but its generation is prescribed ({law.kind}), so that nothing says what an "
            "angle changes.",
            'Write generation = "optics" or "step", or leave out the angle.',
            key="light.angle",
        )
    generation = np.zeros(len(faces) - 1)
    from_front = side == "front"
    crossed = 0.0  # thickness of absorbers that the light has passed
    for rows, _ in list(inside.values())[:: 1 if from_front else -1]:
        edges = faces[rows.start : rows.stop + 1]
        if law.kind == "uniform":
            generation[rows] = suns * float(law.rate) * np.diff(edges)
        elif law.kind == "beer-lambert":
            # only absorbers attenuate, so depth counts in them alone
            depth = crossed + (edges - edges[0] if from_front else edges[-1] - edges)
            remaining = np.exp(-float(law.absorption_coefficient) * depth)
            generation[rows] = suns * float(law.photon_flux) * np.abs(np.diff(remaining))
        else:
            assert law.kind == "file"
            depth = edges if from_front else (depth_of(stack) - edges)[::-1]
            found = suns * np.diff(_integral(law.path, depth))
            generation[rows] = found if from_front else found[::-1]
        crossed += float(edges[-1] - edges[0])
    return bare(stack, faces, generation, {})


def depth_of(stack: OpticalCell) -> float:
    """Thickness (m) of the electrical layers."""
    return sum(float(layer.thickness) for layer in stack.electrical_layers)


def _integral(path: str, depth: F64) -> F64:
    """Integral (m^-2 s^-1) of a tabulated rate up to each `depth` (m, ascending, those of one absorber)."""
    found = read_series(
        path, "generation profile", "depth in nm, rate in m^-3 s^-1", (Wanted("rate"),), axis="depth"
    )
    z, rate = found.axis, found.values["rate"]
    if _PER_CM3.search(found.headings["rate"]):
        rate = 1e6 * rate
    if np.any(rate < 0):
        raise InputError(
            "the generation profile holds a negative rate.", "Rates are zero or positive.", file=path
        )
    # rates at the middle of cells end half a cell short; what is missing beyond a row's distance was cut off
    reach = np.array([z[0] - (z[1] - z[0]), z[-1] + (z[-1] - z[-2])])
    if depth[0] < reach[0] - 1e-12 or depth[-1] > reach[1] + 1e-12:
        raise InputError(
            f"the generation profile reaches from {z[0] * 1e9:.6g} nm to {z[-1] * 1e9:.6g} nm, but an absorber lies "
            f"between {depth[0] * 1e9:.6g} nm and {depth[-1] * 1e9:.6g} nm.",
            "Depth counts from the lit side of the electrical layers; where nothing is generated, write a rate of 0.",
            file=path,
        )
    z = np.concatenate([[min(z[0], depth[0])], z, [max(z[-1], depth[-1])]])
    rate = np.concatenate([rate[:1], rate, rate[-1:]])
    sums = np.concatenate([[0.0], np.cumsum((rate[1:] + rate[:-1]) * np.diff(z) / 2)])
    cell = np.clip(np.searchsorted(z, depth, side="right") - 1, 0, len(z) - 2)
    local = np.interp(depth, z, rate)
    return sums[cell] + (rate[cell] + local) * (depth - z[cell]) / 2
