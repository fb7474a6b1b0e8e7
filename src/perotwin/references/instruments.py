"""References behind the instruments and the analysis of what they measure."""

from __future__ import annotations

from perotwin.references.reference import Reference

__all__ = ["INSTRUMENTS"]

INSTRUMENTS: tuple[Reference, ...] = ()
