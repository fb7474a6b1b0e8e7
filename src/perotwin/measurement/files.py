"""Measurements on disk: NetCDF through h5netcdf, written so that a file that exists is a file that is
complete.
"""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import re
import shutil
import stat
import tempfile
import time
import uuid
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perotwin.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "bounded_bytes",
    "bounded_text",
    "file_name",
    "load",
    "make_folder",
    "result_folder",
    "save",
    "whole_folder",
    "write_atomically",
    "write_text",
]

# HDF5 keeps an attribute in a header of at most 64 KiB; a long text (a cell, a protocol) becomes a scalar
# variable.
_LONGEST_ATTRIBUTE = 8_000
_TEXT_PREFIX = "text_of_"


#: what is being written is called after the machine, the process and the start of that process that writes it
_HIDDEN = re.compile(r"\.perotwin-(?P<machine>[0-9a-f]{8})-(?P<process>\d+)-(?P<start>[0-9a-f]{8})-")
#: after this time (s) nobody writes any more at what another machine began
_ABANDONED = 3600.0
#: most bytes of a name that becomes a part of a file's: systems take 255 for all of it
_LONGEST_NAME = 120
#: names that some systems keep for themselves
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def file_name(name: str, taken: Iterable[str] = ()) -> str:
    """A name as part of a file's name: letters (of any script), digits and .+- of it, not too long, with a number where
    it is taken ("my-cell-2"), whether or not capitals count."""
    base = re.sub(r"[^\w.+-]+", "-", name)
    base = base.encode("utf-8", "ignore")[:_LONGEST_NAME].decode("utf-8", "ignore").strip("-.") or "cell"
    if _DEVICES.fullmatch(base):
        base = f"{base}-"
    used = {one.casefold() for one in taken}
    count, candidate = 1, base
    while candidate.casefold() in used:
        count += 1
        candidate = f"{base}-{count}"
    return candidate


def bounded_bytes(path: str | Path, what: str, most: int, cure: str, *, only_files: bool = False) -> bytes:
    """The content of a file that somebody named, read only so far that it cannot fill the memory.

    Parameters
    ----------
    what, cure : what the file should be, and the advice where it cannot be read.
    most : bytes that such a file has at most.
    only_files : refuse devices, pipes and sockets, which another file may name to keep a program waiting.

    Raises
    ------
    InputError
        It cannot be read, is larger, or is no file.
    """
    try:
        # a pipe without a writer would wait for one
        handle = os.open(path, os.O_RDONLY | (getattr(os, "O_NONBLOCK", 0) if only_files else 0))
        try:
            if only_files and not stat.S_ISREG(os.fstat(handle).st_mode):
                raise InputError(
                    f"the {what} cannot be opened: this is a device, a pipe or a folder.",
                    cure,
                    file=str(path),
                )
            with open(handle, "rb", closefd=False) as stream:
                content = stream.read(most + 1)
        finally:
            os.close(handle)
    except OSError as error:
        raise InputError(
            f"the {what} cannot be opened ({error.strerror or 'its name cannot be used'}).",
            cure,
            file=str(path),
        ) from None
    except ValueError as error:  # a NUL in the name
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"the {what} cannot be opened (its name cannot be used).", cure, file=str(path)
        ) from None
    if len(content) > most:
        raise InputError(
            f"the {what} is larger than {most / 1e6:g} MB, which no {what} is.",
            "See whether this is the file that was meant.",
            file=str(path),
        )
    return content


def bounded_text(path: str | Path, what: str, most: int, cure: str, *, only_files: bool = False) -> str:
    """The text (UTF-8) of such a file; arguments as of `bounded_bytes`.

    Raises
    ------
    InputError
        It cannot be read, is larger, is no text, or is no file.
    """
    content = bounded_bytes(path, what, most, cure, only_files=only_files)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"the {what} is not UTF-8 text.", "Save it as UTF-8.", file=str(path)) from None


def make_folder(path: str | Path) -> Path:
    """The folder ``path``, made if need be; asked for before a long job, not after it.

    Raises
    ------
    InputError
        It cannot be made, or nothing can be written into it.
    """
    folder = Path(path)
    try:
        if not str(path):
            raise FileNotFoundError(0, "its name is empty")
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        _clear(folder)
    except (OSError, ValueError) as error:  # a ValueError is a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"nothing can be written into this folder ({reason}).", "Give another.", file=str(path) or '""'
        ) from None
    return folder


def write_atomically(path: str | Path, write: Callable[[Path], Any]) -> Path:
    """Let ``write`` fill a temporary file beside ``path``, then rename it: nobody ever sees half a file.

    The folder is made if it is missing. When ``write`` raises, an existing ``path`` stays as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _clear(path.parent)
    handle, name = tempfile.mkstemp(prefix=_hidden(), suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)  # mkstemp makes files that only their owner can read
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def result_folder(out: str | Path, names: Iterable[str], ours: Container[str]) -> Path:
    """The folder of a job that makes one folder for each of `names`, once it is sure that nothing of somebody else's
    is replaced; `ours` is what may stand in those.

    Raises
    ------
    InputError
        It cannot be written into, or a place is taken by something that is no result.
    """
    folder = make_folder(out)
    for place in (folder / name for name in names):
        if not place.exists():
            continue
        foreign = ["a file of that name"]
        if place.is_dir():
            foreign = sorted(entry.name for entry in place.iterdir() if entry.name not in ours)
        if foreign:
            raise InputError(
                f"results would replace what is not a result ({', '.join(foreign)}).",
                "Give another output folder.",
                file=str(place),
            )
    return folder


@contextmanager
def whole_folder(place: Path) -> Iterator[Path]:
    """A folder to build in beside ``place``, which takes its place in one step when the block ends well."""
    _clear(place.parent)
    building = Path(tempfile.mkdtemp(prefix=_hidden(), dir=place.parent))
    before = building.with_name(f"{building.name}-before")
    try:
        building.chmod(0o755)
        yield building
        if place.exists():
            # moved, not removed file by file: whoever is killed in between leaves the old result or the new one
            place.rename(before)
        building.rename(place)
    finally:
        shutil.rmtree(building, ignore_errors=True)
        shutil.rmtree(before, ignore_errors=True)


@functools.cache
def _machine() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


@functools.cache
def _start(process: int) -> str:
    """What tells this process from an earlier one of the same number, as in containers."""
    return uuid.uuid4().hex[:8]


def _hidden() -> str:
    """How the name of what this process is writing begins."""
    process = os.getpid()
    return f".perotwin-{_machine()}-{process}-{_start(process)}-"


_cleared: set[tuple[int, str]] = set()


def _clear(folder: Path) -> None:
    """Remove, once in a process, what processes that are no more have left half written in a folder."""
    ours = os.getpid(), os.path.abspath(folder)
    if ours in _cleared:
        return
    _cleared.add(ours)
    for path in folder.glob(".perotwin-*"):
        if _is_abandoned(path):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _is_abandoned(path: Path) -> bool:
    name = _HIDDEN.match(path.name)
    if name is None:
        return False
    process = int(name["process"])
    if name["machine"] == _machine() and os.name == "posix":
        if process == os.getpid():
            return name["start"] != _start(process)
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        except PermissionError:  # somebody else's process
            return False
    try:
        return time.time() - path.stat().st_mtime > _ABANDONED
    except FileNotFoundError:
        return False


def write_text(path: str | Path, text: str) -> Path:
    """Write ``text`` (UTF-8) to ``path`` in one step."""
    return write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def save(dataset: xr.Dataset, path: str | Path) -> Path:
    """Write a measurement as NetCDF-4; :func:`load` gives it back with every value and attribute."""
    import xarray as xr

    stored = dataset.copy()
    stored.attrs = {}
    for key, value in dataset.attrs.items():
        if value is None:
            continue
        if isinstance(value, str) and len(value) > _LONGEST_ATTRIBUTE:
            stored[_TEXT_PREFIX + key] = xr.DataArray(value)
        else:
            stored.attrs[key] = value
    return write_atomically(path, lambda temporary: stored.to_netcdf(temporary, engine="h5netcdf"))


def load(path: str | Path) -> xr.Dataset:
    """Read a measurement that :func:`save` wrote, wholly into memory (the file is closed again).

    Raises
    ------
    FileNotFoundError, OSError
        When there is no such file, or it is not NetCDF.
    """
    import xarray as xr

    with xr.open_dataset(path, engine="h5netcdf") as opened:
        dataset = opened.load()
    for name in [str(name) for name in dataset.variables if str(name).startswith(_TEXT_PREFIX)]:
        dataset.attrs[name.removeprefix(_TEXT_PREFIX)] = str(dataset[name].values)
        dataset = dataset.drop_vars(name)
    return dataset
