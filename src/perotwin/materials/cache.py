"""What installed packages compute, kept in the user's cache folder so that the next process starts at once.

Loading the packages behind the optical tables and the solar spectrum takes a second; the arrays take a
millisecond. A molecule's conformers take a minute; their document takes none. The folder is `$PEROTWIN_CACHE`,
else the platform's cache folder; it may be deleted at any time. An unwritable folder or a damaged file costs
time, never a result."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["arrays", "document", "folder"]


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
        base = Path(os.environ.get("XDG_CACHE_HOME") or _home() / ".cache")
    return base / "perotwin"


def _home() -> Path:
    """The user's folder; that of temporary files where the system knows no such user, as in containers."""
    try:
        return Path.home()
    except RuntimeError:
        return Path(tempfile.gettempdir())


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
    _store(path, lambda stream: np.savez(stream, **made))  # type: ignore[arg-type]  # its keywords are arrays by any name
    return made


def document(
    name: str, key: Mapping[str, Any], make: Callable[[], dict[str, Any]]
) -> tuple[dict[str, Any], bool]:
    """The document that `make()` returns, from the cache if it was made before for the same key.

    Parameters
    ----------
    name : of the kind of document; becomes part of a file name.
    key : everything that the document depends on, versions of packages included; stored with it and compared.
    make : computes the document: what JSON holds, floats finite.

    Returns
    -------
    The document, and whether it came from the cache.
    """
    asked = json.loads(json.dumps(key))
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:24]
    path = folder() / f"{name}-{digest}.json"
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        if stored["key"] == asked:
            return dict(stored["document"]), True
    except (OSError, ValueError, KeyError, TypeError):
        pass
    made = json.loads(json.dumps(make(), allow_nan=False))
    text = json.dumps({"key": asked, "document": made})
    _store(path, lambda stream: stream.write(text.encode()))
    return made, False


def _store(path: Path, write: Callable[[Any], object]) -> None:
    """Write through a temporary file, so that processes that start together never see half a file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=path.suffix, delete=False) as stream:
            write(stream)
        os.replace(stream.name, path)
    except OSError:
        return
