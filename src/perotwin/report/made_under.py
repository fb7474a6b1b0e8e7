"""What results were made under: light, side, temperature, as a reader has to know before any number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perotwin.measurement.junction_names import BETWEEN

if TYPE_CHECKING:
    from perotwin.report.result import CellResult
    from perotwin.stack import Cell

__all__ = ["made_under", "words"]

_ZERO_CELSIUS = 273.15
_MW_CM2 = 0.1  # W m^-2 -> mW cm^-2


def made_under(results: Sequence[CellResult]) -> list[tuple[str, str]]:
    """What each cell was measured under, by the names of those that share it; one entry "" where all do."""
    found: dict[str, list[str]] = {}
    for result in results:
        found.setdefault(words(result), []).append(result.name)
    if len(found) == 1:
        return [("", next(iter(found)))]
    return [(", ".join(names), said) for said, names in found.items()]


def words(result: CellResult) -> str:
    """ "AM1.5G, 1 sun (100 mW/cm^2), from the front (glass), 25.0 °C (298.15 K)"."""
    cell = result.cell
    light = cell.light
    power = ""
    jv = result.measurements.get("jv")
    if jv is not None and float(jv.attrs.get("irradiance", 0.0)) > 0.0:
        power = f" ({_MW_CM2 * float(jv.attrs['irradiance']):.4g} mW/cm^2)"
    if not light.intensity.text.endswith("sun"):
        # written as a power or in lux
        power = f" ({float(light.intensity):.4g} sun)"
    parts = [_spectrum(cell), f"{light.intensity.text}{power}", _side(cell)]
    if light.angle > 0.0:
        parts.append(f"at {light.angle.text} to the normal")
    if light.other_side > 0.0:
        parts.append(f"{light.other_side.text} from the other side too")
    kelvin = float(cell.temperature)
    parts.append(f"{kelvin - _ZERO_CELSIUS:.1f} °C ({kelvin:.2f} K)".replace("-", "−"))
    if light.generation.kind != "optics":
        parts.append(f"generation as the file prescribes it ({light.generation.kind})")
    return ", ".join(part for part in parts if part)


def _spectrum(cell: Cell) -> str:
    chosen = cell.light.spectrum
    if chosen.kind == "black-body":
        return f"black body of {float(chosen.temperature):.4g} K"
    if chosen.kind == "monochromatic":
        return f"{1e9 * float(chosen.wavelength):.4g} nm"
    if chosen.kind == "file":
        return f"spectrum of {chosen.path}"
    return str(chosen.kind)


def _side(cell: Cell) -> str:
    """Which side the light meets, and the layer that it meets first there."""
    from perotwin.stack import in_order

    side = str(cell.light.side)
    layers = [layer for part, layer in in_order(cell) if part != BETWEEN]
    if side not in ("front", "back") or not layers:
        return f"from the {side}"
    return f"from the {side} ({layers[0 if side == 'front' else -1].name})"
