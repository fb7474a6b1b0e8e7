"""Units as figures show them."""

from __future__ import annotations

__all__ = ["unit_latex"]


def unit_latex(unit: str) -> str:
    """ "mA/cm^2" as a figure shows it: mA cm with a raised -2."""
    shown = unit.replace("mA/cm^2", "mA cm^-2").replace("mW/cm^2", "mW cm^-2").replace("kV/cm", "kV cm^-1")
    parts = [part.split("^") for part in shown.split(" ")]
    return " ".join(p[0] if len(p) == 1 else f"{p[0]}$^{{{p[1]}}}$".replace("-", "−") for p in parts)
