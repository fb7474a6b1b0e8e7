"""What a tandem gives when its junctions do not have the same current: fill factor and efficiency against their ratio.

    found = mismatch(tandem)
    lowest(found)                # where the fill factor is lowest, and how much it gains beside

The fill factor is lowest where the junctions are about matched, because there both approach their maximum power at one
current; with a mismatch the junction that has more works near its open circuit and only the other one bends the curve.
What the short-circuit current loses by a mismatch is so made good in part (E. Koehnen et al., Sustainable Energy Fuels
3, 1995 (2019), doi:10.1039/C9SE00120D; M. Boccard, C. Ballif, ACS Energy Lett. 5, 1077 (2020),
doi:10.1021/acsenergylett.0c00156).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from perotwin import progress
from perotwin.errors import InputError

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from perotwin.stack import Cell

__all__ = ["lowest", "mismatch", "plot"]

#: photocurrent of the top junction over that of the bottom one, unless said
_RATIOS = tuple(float(one) for one in np.round(np.linspace(0.8, 1.25, 19), 4))
_METRICS = ("voc", "jsc", "ff", "pce", "vmp", "jmp")


def mismatch(cell: Cell, ratios: Sequence[float] = _RATIOS) -> xr.Dataset:
    """Light moved from one junction of a tandem to the other, the sum of both photocurrents being held.

    Only the number of pairs in each junction changes, not where in it they are made; the optics are done once.

    Args:
        cell: a tandem with two terminals.
        ratios: photocurrent of the top junction over that of the bottom one.

    Returns:
        Over `ratio`: `voc`, `jsc`, `ff`, `pce`, `vmp`, `jmp` (SI, fractions), and the photocurrents `top` and `bottom`
        (A m^-2); the attribute `own` is the cell's own ratio. After Ctrl-C those that are done.

    Raises:
        InputError: the cell is no tandem with two terminals, is in the dark, or a ratio is not above zero.
        ConvergenceError: a curve was not found.
    """
    import xarray as xr

    from perotwin.lab import conditions, jv
    from perotwin.measurement import describe
    from perotwin.transport.build import build
    from perotwin.transport.steady import Solver

    solver = Solver(build(cell))
    alone = solver.junctions
    intensity = float(cell.light.intensity)
    if len(alone) != 2 or intensity == 0.0:
        raise InputError(
            f'"{cell.name}" has no two junctions whose currents could differ under one light.',
            "Give a tandem with two terminals, and light.",
        )
    if not ratios or min(ratios) <= 0.0:
        raise InputError("a ratio of photocurrents is above zero.", "Give numbers around 1.", key="ratios")
    pairs = [one.problem.generation for one in alone.values()]
    own = [one.problem.photocurrent for one in alone.values()]
    rows: list[list[float]] = []
    with progress.task(f"{cell.name}: current mismatch", total=len(ratios)) as counter:
        for ratio in ratios:
            wanted = sum(own) * np.array([ratio, 1.0]) / (1.0 + ratio)
            shares = [w / j * g for w, j, g in zip(wanted, own, pairs, strict=True)]
            made = solver.relit(np.concatenate(shares))
            try:
                states = jv.curve(made, jv.Protocol(step="20 mV"), intensity)
                points = jv.solved_points(made, states, intensity)
            except KeyboardInterrupt:
                if not rows:
                    raise
                break
            rows.append([*_metrics(points, conditions.irradiance(states)), *(intensity * wanted)])
            counter.advance()
    values = np.array(rows).T
    names = (*_METRICS, "top", "bottom")
    return describe(
        xr.Dataset(
            {name: ("ratio", row) for name, row in zip(names, values, strict=True)},
            coords={"ratio": np.array(ratios[: len(rows)], dtype=float)},
            attrs={"stack": cell.name, "own": own[0] / own[1], "light": intensity},
        )
    )


def _metrics(points: Any, irradiance: float) -> list[float]:
    """Those of `_METRICS`, from solved points."""
    if not {"short-circuit", "open-circuit", "maximum-power"} <= set(points):
        return [np.nan] * len(_METRICS)
    voc, jsc = float(points["open-circuit"].voltage[0]), float(points["short-circuit"].current[0])
    vmp, jmp = (float(getattr(points["maximum-power"], name)[0]) for name in ("voltage", "current"))
    return [voc, jsc, vmp * jmp / (voc * jsc), vmp * jmp / irradiance, vmp, jmp]


def lowest(dataset: xr.Dataset) -> dict[str, float]:
    """Where the fill factor is lowest and the efficiency highest, and what the fill factor gains towards either end.

    Returns:
        `ratio` and `ff` of the lowest fill factor, `best` ratio of the highest efficiency, and `gain_low`, `gain_high`:
        the fill factor at the first and at the last ratio less the lowest one. The first two are tops of parabolas
        through three points where the extremum lies inside.
    """
    ratio, ff, pce = (np.asarray(dataset[name], float) for name in ("ratio", "ff", "pce"))
    where, least = _vertex(ratio, -ff)
    return {
        "ratio": where,
        "ff": -least,
        "best": _vertex(ratio, pce)[0],
        "gain_low": float(ff[0]) + least,
        "gain_high": float(ff[-1]) + least,
    }


def _vertex(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Place and height of the largest value, by a parabola through it and its neighbours."""
    best = int(np.nanargmax(y))
    if not 0 < best < x.size - 1:
        return float(x[best]), float(y[best])
    curve = np.polyfit(x[best - 1 : best + 2] - x[best], y[best - 1 : best + 2], 2)
    shift = -curve[1] / (2.0 * curve[0])
    return float(x[best] + shift), float(np.polyval(curve, shift))


def plot(datasets: xr.Dataset | Sequence[xr.Dataset], ax: Axes | None = None) -> Figure:
    """Fill factor and efficiency against the ratio; see `plotting.curves.mismatch`."""
    from perotwin.plotting import curves

    return curves.mismatch(datasets, ax)
