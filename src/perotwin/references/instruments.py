"""References behind the instruments and the analysis of what they measure."""

from __future__ import annotations

from perotwin.references.reference import Reference

__all__ = ["INSTRUMENTS"]

INSTRUMENTS: tuple[Reference, ...] = (
    Reference(
        "green1982",
        "M. A. Green, Accuracy of analytical expressions for solar cell fill factors, Solar Cells 7, 337 (1982)",
        "doi:10.1016/0379-6787(82)90057-6",
    ),
)
