"""The virtual laboratory: one file an instrument: ``Protocol``, ``measure``, ``analyse`` and ``plot``."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

_INSTRUMENTS = (
    "bands", "cv", "el", "eqe", "impedance", "jv", "kpfm", "mppt", "scan", "tof_sims", "tpc", "tpv", "xps",
)  # fmt: skip

__all__ = list(_INSTRUMENTS)


def __getattr__(name: str) -> ModuleType:
    """Import an instrument when it is first used, so that ``import perotwin`` stays light."""
    if name not in _INSTRUMENTS:
        raise AttributeError(f"module 'perotwin.lab' has no attribute {name!r}")
    return import_module(f"perotwin.lab.{name}")


def __dir__() -> list[str]:
    return sorted(__all__)
