"""Arrays derived from installed packages, kept in the user's cache folder so that the next process starts at
once.

Loading the packages behind the optical tables and the solar spectrum takes a second; the arrays take a
millisecond. The folder is `$PEROTWIN_CACHE`, else the platform's cache folder; it may be deleted at any time.
An unwritable folder or a damaged file costs time, never a result."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["arrays", "folder"]


def folder() -> Path:
    """Where the cache lives (it need not exist)."""
    chosen = os.environ.get("PEROTWIN_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "perotwin"


def arrays(
    name: str, package: str, make: Callable[[], Mapping[str, NDArray[np.float64]]]
) -> dict[str, NDArray[np.float64]]:
    """The arrays that `make()` returns, from the cache if this version of `package` made them before.

    Parameters
    ----------
    name : of the data; becomes part of a file name.
    package : the installed distribution that the data come from; its version is part of the key.
    make : loads the package and returns the arrays.
    """
    try:
        release = version(package)
    except PackageNotFoundError:
        release = "unknown"
    safe = "".join(c if c.isalnum() or c in "-." else "_" for c in f"{name}-{package}-{release}-1")
    path = folder() / f"{safe}.npz"
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {key: stored[key] for key in stored.files}
    except (OSError, ValueError, EOFError, KeyError):
        pass
    except Exception as error:  # zipfile.BadZipFile, without importing zipfile for the name
        if type(error).__name__ != "BadZipFile":
            raise
    made = {key: np.asarray(value, float) for key, value in make().items()}
    _store(path, made)
    return made


def _store(path: Path, made: Mapping[str, NDArray[np.float64]]) -> None:
    """Write through a temporary file, so that processes that start together never see half a file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".npz", delete=False) as stream:
            np.savez(stream, **made)  # type: ignore[arg-type]
        os.replace(stream.name, path)
    except OSError:
        return
