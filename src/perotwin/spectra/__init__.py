"""What shines: the standard suns, black bodies, spectra from files, and their power in W m^-2 and lux.

`am15g()`, `am15d()`, `am0()`, `black_body(temperature)` and `from_file(path)` give a `Spectrum`; `chosen(choice)` the
one that a cell's light names. Nothing is loaded before it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_LAZY = {
    "Monochromatic": "spectrum",
    "Spectrum": "spectrum",
    "am0": "standard",
    "am15d": "standard",
    "am15g": "standard",
    "black_body": "planck",
    "chosen": "choice",
    "from_file": "files",
    "suns": "intensity",
}

__all__ = [
    "Monochromatic",
    "Spectrum",
    "am0",
    "am15d",
    "am15g",
    "black_body",
    "chosen",
    "from_file",
    "suns",
]

if TYPE_CHECKING:
    from perotwin.spectra.choice import chosen
    from perotwin.spectra.files import from_file
    from perotwin.spectra.intensity import suns
    from perotwin.spectra.planck import black_body
    from perotwin.spectra.spectrum import Monochromatic, Spectrum
    from perotwin.spectra.standard import am0, am15d, am15g


def __getattr__(name: str) -> Any:
    try:
        module = _LAZY[name]
    except KeyError:
        raise AttributeError(f"module 'perotwin.spectra' has no attribute {name!r}") from None
    value = getattr(import_module(f"perotwin.spectra.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
