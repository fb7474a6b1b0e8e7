"""Measured impedance spectra as data of a fit: where their area, bias and light come from, what of them is compared."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perotwin import units
from perotwin.calibrate import laboratory
from perotwin.calibrate.impedance import Impedance
from perotwin.errors import InputError, shown

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.stack import Cell

__all__ = ["bias_of", "impedance_of", "light_of", "suns"]

#: what a stated bias (V) and light (part) may differ by from those in the file
_BIAS, _LIGHT = 0.01, 0.02
_OPEN = "open-circuit"
#: points of which a smooth course tells the scatter
_TELLING = 12
#: points above the axis at the highest frequencies that are taken for wires
_WIRES = 3


def suns(text: str) -> float:
    """A light: "dark", "0.1 sun".

    Raises:
        InputError: it is none.
    """
    return float(units.parse(text, "intensity"))


def light_of(made: xr.Dataset, stated: str | None, path: str) -> float:
    """Suns under which a spectrum was measured, as its file or a person says.

    Raises:
        InputError: nobody says it, or both do and differ.
    """
    name = Path(path).name
    own = made.attrs.get("light")
    if stated is None and own is None:
        raise InputError(
            f'nothing says which light shone while "{name}" was measured.',
            'Say it: --bias-light dark, or --bias-light "1 sun" (light = "dark" in a file of evidence).',
            file=path,
            key="light",
        )
    recorded = math.nan if own is None else float(own)
    if stated is None:
        return recorded
    said = suns(stated)
    if abs(recorded - said) > _LIGHT * max(recorded, said):
        raise InputError(
            f'"{name}" says that it was measured at {recorded:.4g} sun, and {said:.4g} sun is stated.',
            "Leave the light out, or give the file that was measured in it.",
            file=path,
            key="light",
        )
    return said


def bias_of(made: xr.Dataset, stated: str | None, light: float, path: str) -> float | None:
    """The bias (V) of a spectrum, None at open circuit, as its file or a person says.

    Raises:
        InputError: nobody says it, both do and differ, or it is no bias.
    """
    name = Path(path).name
    protocol = json.loads(str(made.attrs.get("protocol") or "{}"))
    own = made.attrs.get("voltage")
    volts = math.nan if own is None else float(own)
    if stated is None:
        if protocol.get("bias") == _OPEN:
            return None
        if not math.isfinite(volts):
            raise InputError(
                f'nothing says at which bias "{name}" was measured.',
                f'Say it: --bias "0.9 V", or --bias {_OPEN} (bias = "0.9 V" in a file of evidence).',
                file=path,
                key="bias",
            )
        return volts
    text = stated.strip()
    if text == _OPEN:
        if light == 0.0 and abs(volts) > _BIAS:
            raise InputError(
                f'"{name}" was measured at {volts:.4g} V, and a cell in the dark is at 0 V at open circuit.',
                "Give its light, or its bias as a voltage.",
                file=path,
                key="bias",
            )
        return None
    if text[:1].isalpha():
        raise InputError(
            f'"{shown(text)}" is no bias of an impedance.',
            f'Choose {_OPEN} or a voltage such as "0.9 V".',
            key="bias",
        )
    said = float(units.parse(text, "voltage"))
    # which contact the instrument calls the working electrode is its own affair
    if math.isfinite(volts) and abs(abs(volts) - abs(said)) > _BIAS:
        raise InputError(
            f'"{name}" says that it was measured at {volts:.4g} V, and {said:.4g} V is stated.',
            "Leave the bias out, or give the file that was measured at it.",
            file=path,
            key="bias",
        )
    return said


def impedance_of(
    made: xr.Dataset,
    cell: Cell,
    path: str,
    *,
    bias: str | None,
    light: str | None,
    sd: str | None,
    thinned: Callable[[Any], Any],
) -> tuple[Impedance, list[str]]:
    """A spectrum as data, and what was decided on the way.

    Args:
        made: as read from the file. path: of it, for messages. bias, light: as a person states them. sd: of each point,
            as a part of |Z| ("1 %") or as an impedance of an area ("0.1 ohm cm^2"). thinned: which points (K,) are
            compared.

    Raises:
        InputError: no area, bias or light, or one that contradicts the file or the cell; too few points.
    """
    from perotwin.lab.impedance_reading import reading, validity

    if str(made["impedance_real"].attrs.get("units", "ohm m2")) == "ohm":
        raise InputError(
            f'"{Path(path).name}" is in ohm and states no area, so that nothing says what a square centimetre gives.',
            'Give the area: --area "0.09 cm^2".',
            file=path,
            key="area",
        )
    suns_on_it = light_of(made, light, path)
    volts = bias_of(made, bias, suns_on_it, path)
    _refuse_beyond(volts, cell, path)
    read = reading(made)
    hertz, impedance, notes = _points(made, read.words)
    scatter = float(read.smooth.noise) if hertz.size >= _TELLING else math.nan
    if "breaks the relations" in (words := validity(read)):
        notes.append(f"{Path(path).name}: {words.removeprefix('rms of ')}")
    relative = laboratory.number("impedance", "relative")
    each = np.full(hertz.size, max(relative, scatter if math.isfinite(scatter) else 0.0))
    if sd is not None:
        if sd.strip().endswith("%"):
            each[:] = float(units.parse(sd, "fraction"))
        else:
            each = float(units.parse(sd, "area resistance")) / np.abs(impedance)
    index = thinned(hertz)
    lit = laboratory.number("impedance", "light") if suns_on_it > 0.0 else 0.0
    return Impedance(
        "impedance", cell.name, hertz[index], impedance[index], each[index], volts, suns_on_it,
        laboratory.number("impedance", "level"), lit, laboratory.number("impedance", "bias", "voltage"),
    ), notes  # fmt: skip


def _points(made: xr.Dataset, words: str) -> tuple[Any, Any, list[str]]:
    """Frequencies (W,), ascending, and impedances (W,) that a cell without wires can be compared with."""
    from perotwin.lab.impedance_reading import in_order

    hertz, impedance = in_order(made)
    known = hertz > 0.0
    hertz, impedance = hertz[known], impedance[known]
    notes = []
    if "turned round" in words:
        impedance = impedance.conj()
        notes.append(words.rpartition("; ")[2])
    below = np.flatnonzero(impedance.imag <= 0.0)
    last = int(below[-1]) + 1 if below.size else 0
    if hertz.size - last >= _WIRES:
        notes.append(
            f"{hertz.size - last} points from {hertz[last]:.3g} Hz on are left out: there Im Z > 0, the inductance of "
            "wires, which no cell has. What lies just below is a little off as well"
        )
        hertz, impedance = hertz[:last], impedance[:last]
    if hertz.size < _WIRES:
        raise InputError(
            f"of this spectrum {hertz.size} points are left, which tell nothing.",
            "Give Im Z with its sign, negative where the cell is capacitive, and all frequencies.",
            key="impedance_imag",
        )
    return hertz, impedance, notes


def _refuse_beyond(volts: float | None, cell: Cell, path: str) -> None:
    """Refuse a bias above what the cell can be held at: that of another cell."""
    gaps = [float(layer.gap) for layer in cell.electrical_layers if layer.role == "absorber" and layer.gap]
    if volts is not None and gaps and volts > sum(gaps):
        raise InputError(
            f'"{Path(path).name}" was measured at {volts:.3f} V, more than the gaps of "{cell.name}" hold '
            f"({sum(gaps):.2f} eV).",
            "Give the stack file of the cell that was measured, or the right bias.",
            file=path,
            key="bias",
        )
