"""What a layer is made of: optical models and the library of materials.

`optical(name)` gives the model of a library material, `read_csv(path)` that of a person's table; both answer
`nk(wavelength)`. `describe(name)` tells what stands behind a material. Nothing is loaded before it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

#: The library material that exists for any bandgap in a range, and that range (eV).
HALIDE = "halide-perovskite"
BANDGAPS = (1.1, 2.4)

#: Urbach energy (eV) of an absorber that does not state one; typical of good lead halides:
#: S. De Wolf et al., J. Phys. Chem. Lett. 5, 1035 (2014), doi:10.1021/jz500279b.
URBACH_ENERGY = 0.015

_LAZY = {
    "HC": "dielectric",
    "DielectricFunction": "dielectric",
    "Drude": "dielectric",
    "TaucLorentz": "dielectric",
    "Analytic": "models",
    "Blend": "models",
    "OpticalModel": "models",
    "Tabulated": "models",
    "Description": "description",
    "Source": "description",
    "describe": "description",
    "descriptions": "description",
    "source_points": "description",
    "names": "library",
    "optical": "library",
    "source": "library",
    "read_csv": "tables",
    "refractiveindex_page": "tables",
}

__all__ = [
    "BANDGAPS",
    "HALIDE",
    "HC",
    "URBACH_ENERGY",
    "Analytic",
    "Blend",
    "Description",
    "DielectricFunction",
    "Drude",
    "OpticalModel",
    "Source",
    "Tabulated",
    "TaucLorentz",
    "describe",
    "descriptions",
    "names",
    "optical",
    "read_csv",
    "refractiveindex_page",
    "source",
    "source_points",
]

if TYPE_CHECKING:
    from perotwin.materials.description import (
        Description,
        Source,
        describe,
        descriptions,
        source_points,
    )
    from perotwin.materials.dielectric import HC, DielectricFunction, Drude, TaucLorentz
    from perotwin.materials.library import names, optical, source
    from perotwin.materials.models import Analytic, Blend, OpticalModel, Tabulated
    from perotwin.materials.tables import read_csv, refractiveindex_page


def __getattr__(name: str) -> Any:
    try:
        module = _LAZY[name]
    except KeyError:
        raise AttributeError(f"module 'perotwin.materials' has no attribute {name!r}") from None
    value = getattr(import_module(f"perotwin.materials.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
