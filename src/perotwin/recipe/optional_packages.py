"""Packages that only some questions need: loaded when asked for, or a sentence that says how to install them."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from perotwin.errors import PerotwinError

__all__ = ["load", "one_thread", "release"]


def load(module: str, extra: str, purpose: str) -> Any:
    """The module, imported now.

    Parameters
    ----------
    module : for example "rdkit.Chem".
    extra : of perotwin, the one that installs it.
    purpose : what it is needed for, as the start of a sentence.

    Raises
    ------
    PerotwinError : it is not installed, or it cannot be loaded; the advice says what to do.
    """
    package = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != package:
            raise
        elsewhere = " Where pip has none (Windows, Linux on ARM): conda install -c conda-forge tblite-python."
        raise PerotwinError(
            f'{purpose} needs the package "{package}", which is not installed.',
            f'Install it: pip install "perotwin[{extra}]".' + (elsewhere if package == "tblite" else ""),
        ) from None
    except ImportError as error:
        raise PerotwinError(
            f'{purpose} needs the package "{package}", which cannot be loaded ({error}).',
            "On Linux it may lack a system library: tblite needs libgomp (Debian, Ubuntu: apt install libgomp1).",
        ) from None


def release(package: str) -> str:
    """The installed version of a package, for a record of what computed a number."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Keep OpenMP to one thread inside the block: small molecules run several times slower on two.

    The variable serves libraries that load their OpenMP inside the block. One that is loaded already reads no
    variable any more, so on Linux it is told through its own function as well.
    """
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    openmp = _openmp()
    threads = openmp.omp_get_max_threads() if openmp else 1
    os.environ.update(dict.fromkeys(names, "1"))
    if openmp:
        openmp.omp_set_num_threads(1)
    try:
        yield
    finally:
        if openmp:
            openmp.omp_set_num_threads(threads)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _openmp() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    import ctypes

    try:
        return ctypes.CDLL("libgomp.so.1")
    except OSError:
        return None
