"""Where the light goes: spectra, transfer matrix, generation, emission.

`absorb(stack, faces)` says where a cell generates carriers; `emit(stack)` what its absorbers emit, and what
becomes of it; `parts(tandem, ...)` tells both by junction."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

_LAZY = {
    "Absorption": "absorption",
    "absorb": "generation",
    "absorption_edge": "photovoltaic_bandgap",
    "parts": "tandem",
    "Emission": "emission",
    "emit": "emission",
    "Coupling": "luminescent_coupling",
    "Films": "films",
    "Parts": "tandem",
    "Response": "transfer_matrix",
    "solve": "transfer_matrix",
}

#: the room above that these live in
_SPECTRA = ("Spectrum", "am15g")

__all__ = [
    "Absorption",
    "Coupling",
    "Emission",
    "Films",
    "Parts",
    "Response",
    "Spectrum",
    "absorb",
    "absorption_edge",
    "am15g",
    "emit",
    "parts",
    "solve",
]

if TYPE_CHECKING:
    from perotwin.optics.absorption import Absorption
    from perotwin.optics.emission import Emission, emit
    from perotwin.optics.films import Films
    from perotwin.optics.generation import absorb
    from perotwin.optics.luminescent_coupling import Coupling
    from perotwin.optics.photovoltaic_bandgap import absorption_edge
    from perotwin.optics.tandem import Parts, parts
    from perotwin.optics.transfer_matrix import Response, solve
    from perotwin.spectra import Spectrum, am15g


def __getattr__(name: str) -> Any:
    if name in _SPECTRA:
        return getattr(import_module("perotwin.spectra"), name)
    try:
        module = _LAZY[name]
    except KeyError:
        # a file of the room, by its own name
        if not name.startswith("_") and find_spec(f"perotwin.optics.{name}") is not None:
            return import_module(f"perotwin.optics.{name}")
        raise AttributeError(f"module 'perotwin.optics' has no attribute {name!r}") from None
    value = getattr(import_module(f"perotwin.optics.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
