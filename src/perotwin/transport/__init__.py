"""Where carriers and ions go: meshes, equations, compiled kernels, steady states, time, small signals, their checks.

`build` makes a cell ready; `steady.Solver` finds its steady states, `transient.Engine` runs schedules on it,
`small_signal.Linearised` linearises it. All three take any cell: to them it is a circuit of junctions.

A file of the room is loaded when it is first asked for: `perotwin.transport.build.build(cell)` needs no other import.
"""

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType


def __getattr__(name: str) -> ModuleType:
    """Import a file of the room when it is first used."""
    if name.startswith("_") or find_spec(f"perotwin.transport.{name}") is None:
        raise AttributeError(f"module 'perotwin.transport' has no attribute {name!r}")
    return import_module(f"perotwin.transport.{name}")
