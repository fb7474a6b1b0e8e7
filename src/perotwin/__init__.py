"""perotwin: a digital twin of perovskite solar cells.

>>> import perotwin as pt
>>> cell = pt.load("wbg-target")                                   # doctest: +SKIP
>>> m = pt.lab.jv.measure(cell, pt.lab.jv.Protocol(stop="1.3 V"))  # doctest: +SKIP
>>> pt.lab.jv.analyse(m)["voc"]                                    # doctest: +SKIP

Importing the package loads nothing heavy: names below are looked up on first use (PEP 562).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0.dev0"

#: public name -> (module, attribute in it; None means the module itself)
_LAZY: dict[str, tuple[str, str | None]] = {
    "load": ("perotwin.stack", "load"),
    "new": ("perotwin.workflows", "new"),
    "Stack": ("perotwin.stack", "Stack"),
    "Parallel": ("perotwin.stack", "Parallel"),
    "Tandem": ("perotwin.stack", "Tandem"),
    "PerotwinError": ("perotwin.errors", "PerotwinError"),
    **{
        room: (f"perotwin.{room}", None)
        for room in (
            "advice", "ageing", "calibrate", "errors", "files", "lab", "losses", "materials", "measurement", "optics",
            "paper", "plotting", "progress", "recipe", "references", "report", "spectra", "stack", "study", "transport",
            "units", "workflows",
        )
    },
}  # fmt: skip

__all__ = ["__version__", *sorted(_LAZY)]

if TYPE_CHECKING:
    from perotwin import lab as lab
    from perotwin.stack import Parallel as Parallel
    from perotwin.stack import Stack as Stack
    from perotwin.stack import Tandem as Tandem
    from perotwin.stack import load as load
    from perotwin.workflows import new as new


def __getattr__(name: str) -> Any:
    """Import the room that holds ``name`` when it is first asked for."""
    try:
        module, attribute = _LAZY[name]
    except KeyError:
        raise AttributeError(f"module 'perotwin' has no attribute {name!r}") from None
    found = import_module(module)
    value = found if attribute is None else getattr(found, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
