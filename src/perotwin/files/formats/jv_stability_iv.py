"""Stability set-up that writes a line for each moment: four cells, both sweeps, figures first, then currents and
voltages. A line: number, moment, start, stop, step, a delay, four areas, "hysteresis$", then 8 Jsc, 8 Voc (mV), 8 FF,
8 PCE, and for each cell and sweep its current densities and its voltages."""

from __future__ import annotations

import re

import numpy as np

from perotwin.errors import InputError
from perotwin.files.format import Format, Found
from perotwin.files.jv_curves import RawCurve, curves
from perotwin.files.merit import Area, Conditions
from perotwin.files.source import Source
from perotwin.measurement.metrics import Metric

__all__ = ["FORMATS"]

_START = re.compile(r"^\d+\t\d{1,2}:\d{2}:\d{2} \w{3} \d{1,2} \d{4}\t[-+.\d]+\t[-+.\d]+\t[-+.\d]+\t")


def _sniff(source: Source) -> float:
    return 0.95 if _START.match(source.head) and "$" in source.head[:2000] else 0.0


def _read(source: Source) -> list[Found]:
    found: list[Found] = []
    for line in source.lines:
        if _START.match(line):
            found += _moment(source, line)
    return found


def _moment(source: Source, line: str) -> list[Found]:
    first, _, rest = line.partition("$")
    head = first.split("\t")
    values = _numbers(source, [cell for cell in rest.split("\t") if cell.strip()])
    start, stop, step = _numbers(source, head[2:5])
    areas = [float(one) for one in _numbers(source, head[6:-1])]
    both = "hysteresis" in head[-1].lower()
    sweeps = len(areas) * (2 if both else 1)
    points = round(abs(start - stop) / step) + 1 if step else 0
    per_curve = (values.size - 4 * sweeps) // (2 * sweeps) if sweeps else 0
    if (
        not areas
        or per_curve < 5
        or values.size != sweeps * (4 + 2 * per_curve)
        or abs(per_curve - points) > 1
    ):
        raise InputError(
            f"line {head[0]} holds {values.size} numbers, which are not {sweeps} curves of {points} points.",
            "Export it again: it is cut off, or of another version of the program.",
            file=source.file,
        )
    figures = values[: 4 * sweeps].reshape(4, sweeps)
    blocks = values[4 * sweeps :].reshape(2 * sweeps, per_curve)
    pairs = [_pair(source, blocks, sweeps, at, start, stop) for at in range(sweeps)]
    # figures of all cells in one direction stand before those in the other, curves cell by cell; older versions had
    # both alike: the file's own Voc decides
    apart = [at // 2 + (sweeps // 2) * (at % 2) if both else at for at in range(sweeps)]
    misses = [
        sum(abs(_crossing(*pair) - figures[1, one] * 1e-3) for pair, one in zip(pairs, order, strict=True))
        for order in (apart, range(sweeps))
    ]
    order = apart if not misses[1] < misses[0] else list(range(sweeps))
    raw = []
    for at, (density, voltage) in enumerate(pairs):
        reverse = voltage[0] > voltage[-1]
        cell = at // 2 if both else at
        raw.append(
            RawCurve(
                voltage,
                density * 10.0,
                None,
                label=f"cell {cell + 1} {'reverse' if reverse else 'forward'}, line {head[0]}",
                area=Area(areas[cell] * 1e-4),
                stated={
                    name: Metric(float(figures[row, order[at]]) * factor, unit, "stated by the file")
                    for row, (name, factor, unit) in enumerate(
                        (("jsc", 10.0, "A m-2"), ("voc", 1e-3, "V"), ("ff", 0.01, "1"), ("pce", 0.01, "1"))
                    )
                },
                direction="reverse" if reverse else "forward",
                about={"pixel": str(cell + 1), "moment": head[1], "file_area": areas[cell] * 1e-4},
            )
        )
    return curves(source, raw, Conditions(), source.path.stem)


def _numbers(source: Source, cells: list[str]) -> np.ndarray:
    found = [source.number(cell.strip()) for cell in cells]
    if None in found:
        raise InputError("a cell that should be a number is none.", "Export it again.", file=source.file)
    return np.array(found, float)


def _crossing(density: np.ndarray, voltage: np.ndarray) -> float:
    """The voltage (V) at which a curve vanishes; 0 where it does not."""
    at = np.flatnonzero(np.sign(density[:-1]) * np.sign(density[1:]) <= 0.0)
    return float(voltage[at[0]]) if at.size else 0.0


def _pair(
    source: Source, blocks: np.ndarray, sweeps: int, at: int, start: float, stop: float
) -> tuple[np.ndarray, np.ndarray]:
    """Current densities and voltages of a sweep: alternating, or all currents first, as the numbers tell."""
    low, high = min(start, stop) - 0.05, max(start, stop) + 0.05

    def is_voltage(values: np.ndarray) -> bool:
        steps = np.diff(values)
        return bool(values.min() > low and values.max() < high and ((steps > 0).all() or (steps < 0).all()))

    for density, voltage in ((2 * at, 2 * at + 1), (at, sweeps + at)):
        if is_voltage(blocks[voltage]) and not is_voltage(blocks[density]):
            return blocks[density], blocks[voltage]
    raise InputError("its voltages are not where they were expected.", "Export it again.", file=source.file)


FORMATS = (
    Format("stability_iv", "stability set-up, four cells a line (.IV)", ("jv",), (".iv",), _sniff, _read),
)
