"""How things look: style, palette, axes with units, and the figures that the instruments draw with them."""

import os
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from types import ModuleType

_MODULES = (
    "curves",
    "depth",
    "design",
    "film",
    "interface",
    "key",
    "luminescence",
    "pulses",
    "recipes",
    "signals",
    "spectra",
    "spectroscopy",
    "stack_drawing",
    "style",
    "surface",
    "sweeps",
    "time",
    "unit_words",
    "variants",
)

__all__ = list(_MODULES)


def _find_folder() -> None:
    """Give matplotlib a folder for its list of fonts where it would find none that can be written.

    It would make another one in every process, and say so each time.
    """
    if "MPLCONFIGDIR" in os.environ or "matplotlib" in sys.modules:
        return
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    place = Path(base)
    while not place.exists() and place != place.parent:
        place = place.parent
    if sys.platform.startswith("linux") and not _can_be_written(place):
        user = os.getuid() if hasattr(os, "getuid") else "user"
        folder = Path(tempfile.gettempdir()) / f"perotwin-matplotlib-{user}"
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            if folder.stat().st_uid == user and not folder.is_symlink():
                os.environ["MPLCONFIGDIR"] = str(folder)
        except OSError:
            return


def _can_be_written(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


_find_folder()


def __getattr__(name: str) -> ModuleType:
    """Import a module of figures when it is first used."""
    if name not in _MODULES:
        raise AttributeError(f"module 'perotwin.plotting' has no attribute {name!r}")
    return import_module(f"perotwin.plotting.{name}")


def __dir__() -> list[str]:
    return sorted(__all__)
