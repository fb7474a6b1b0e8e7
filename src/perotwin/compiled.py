"""Compiled functions whose cache on disk sees every file that they depend on.

numba compiles a function together with the constants and the functions that it takes from other files, but its own
cache asks only whether the function's own file has changed: swap two columns in the file that names them, and the
compiled solver goes on with the old ones. Here what is kept is stamped by the content of every source file of the
function's room (the folder right under the top package, `perotwin/transport/` with all that is in it, say), of the
modules at the top of the package, of this file, and by the versions of numba, llvmlite and numpy. What a compiled
function takes as a constant must therefore stand in a Python file of its own room or at the top of the package
(`tests/test_compiled.py` holds that for perotwin), never come from a data file or the environment.

Where the cache goes is numba's choice: `$NUMBA_CACHE_DIR`, else `__pycache__` beside the source, else the user's
cache folder; where none of these can be written, a folder for temporary files that belongs to this user alone. A file
holds one function for one signature, carries its stamp in its name and in its content, and is renamed into place when
it is whole, so that processes that write at once do not meet. The first function that a process compiles anew
removes what other stamps have left in the folder.

numba calls the names used here its own. With a version that has others, nothing is kept: functions are compiled in
every process, and a note says so.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import pickle
import re
import sys
import tempfile
import threading
import time
import types
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple, overload

import llvmlite  # type: ignore[import-untyped]  # it has no types
import numba
import numpy as np
from numba import njit

from perotwin.progress import note

__all__ = ["clear", "compiled", "inlined", "is_cached"]

#: what numba's result of a compilation consists of
_RESULT = {
    "typing_context", "target_context", "entry_point", "typing_error", "type_annotation", "signature", "objectmode",
    "lifted", "fndesc", "library", "call_helper", "environment", "metadata", "reload_init", "referenced_envs",
}  # fmt: skip
_Cache: Any = object
_Implementation: Any = object
_JitLibrary: Any = object
_Result: Any = None
_KNOWN = False
try:
    from llvmlite import binding
    from numba.core import caching, codegen, compiler, serialize
    from numba.core.runtime import rtsys

    _Cache, _Implementation = caching.FunctionCache, caching.CompileResultCacheImpl
    _JitLibrary, _Result = codegen.JITCodeLibrary, compiler.CompileResult
    _KNOWN = (
        all(
            hasattr(owner, name)
            for owner, names in (
                (serialize, ("dumps",)),
                (binding, ("address_of_symbol", "parse_bitcode")),
                (rtsys, ("initialize",)),
                (_Cache, ("_index_key", "load_overload", "save_overload", "enable", "disable")),
                (_Implementation, ("_locator_classes", "locator", "reduce", "check_cachable")),
                (
                    _JitLibrary,
                    (
                        "enable_object_caching",
                        "_set_compiled_object",
                        "_finalize_final_module",
                        "_get_module_for_linking",
                    ),
                ),
                (codegen.JitEngine, ("is_symbol_defined", "_load_defined_symbols")),
            )
            for name in names
        )
        and set(_Result._fields) == _RESULT
    )
except (ImportError, AttributeError):
    _KNOWN = False

#: names of files that are kept, and of those that are being written; after this time (s) nobody is writing any more
_OURS = re.compile(r"-(?P<stamp>[0-9a-f]{16})\.[0-9a-f]{24}\.(?P<python>[\w-]+)\.nbc(?P<part>\.tmp\.\w+)?$")
_ABANDONED = 3600.0
_PYTHON = sys.implementation.cache_tag or f"py{sys.version_info[0]}{sys.version_info[1]}"

_lock = threading.Lock()
_noted: set[str] = set()


@overload
def compiled(function: Callable[..., Any], /) -> Any: ...
@overload
def compiled(*, contract: bool = True) -> Callable[[Callable[..., Any]], Any]: ...
def compiled(function: Callable[..., Any] | None = None, /, *, contract: bool = True) -> Any:
    """Compile a function with numba at its first call, kept on disk for the next process.

    Use as `@compiled`, or as `@compiled(contract=False)`. Division by zero gives infinity, as in numpy.

    Parameters
    ----------
    contract : allow fused multiply-add, nothing that assumes away NaN, infinities or the order of operations; without
        it results are the same to the last bit on every machine.
    """
    if function is None:
        return lambda function: _decorate(function, contract, inline="never")
    return _decorate(function, contract, inline="never")


@overload
def inlined(function: Callable[..., Any], /) -> Any: ...
@overload
def inlined(*, contract: bool = True) -> Callable[[Callable[..., Any]], Any]: ...
def inlined(function: Callable[..., Any] | None = None, /, *, contract: bool = True) -> Any:
    """As `compiled`, and its statements take the place of each call to it in other compiled functions."""
    if function is None:
        return lambda function: _decorate(function, contract, inline="always")
    return _decorate(function, contract, inline="always")


def is_cached(function: Any) -> bool:
    """Whether a compiled function has been compiled before: in this process, or by an earlier one from these sources.

    False means that its first call takes the time of a compilation. The signature is not asked for.
    """
    if not hasattr(function, "signatures"):  # not compiled at all: NUMBA_DISABLE_JIT
        return True
    if function.signatures:
        return True
    cache = getattr(function, "_cache", None)
    return isinstance(cache, _ContentCache) and cache.holds_any()


def clear(package: str | Path | None = None) -> list[Path]:
    """Remove what is kept of a package's compiled functions, wherever the cache of each of its folders is.

    Parameters
    ----------
    package : folder of the package; perotwin's own if not given.

    Returns
    -------
    The files that were removed.
    """
    root = Path(package) if package is not None else Path(__file__).parent
    removed = []
    folders = {path.parent for path in root.rglob("*.py")}
    for folder in sorted(folders):
        places = {folder / "__pycache__"}
        if _KNOWN:
            places.add(Path(_Kept(_stand_in(folder)).locator.get_cache_path()))
        for place in places:
            for path in [*place.glob("*.nbi"), *place.glob("*.nbc")]:
                path.unlink(missing_ok=True)
                removed.append(path)
    return removed


def _decorate(function: Callable[..., Any], contract: bool, inline: str) -> Any:
    options: dict[str, Any] = {"error_model": "numpy", "inline": inline}
    if contract:
        options["fastmath"] = {"contract"}
    dispatcher = njit(**options)(function)
    if not hasattr(dispatcher, "signatures"):  # NUMBA_DISABLE_JIT
        return dispatcher
    if not (_KNOWN and hasattr(dispatcher, "_cache")):
        _note_once(
            f"numba {numba.__version__} keeps compiled functions in a way that this release of perotwin does not know: "
            "they are compiled in every process. Install a version of numba from the time of this release."
        )
        return dispatcher
    stamp = _stamp_of(function)
    if stamp is not None:
        dispatcher._cache = _ContentCache(function, stamp)
    return dispatcher


def _note_once(text: str) -> None:
    with _lock:
        if text in _noted:
            return
        _noted.add(text)
    note(text)


# --- what a function depends on -----------------------------------------------------------------------------------


class _Sources(NamedTuple):
    """The files that a room's functions depend on, as they were when the first of them was defined.

    stamp : hash of their content and of the versions of what compiles them.
    seen : (path, time of change in ns, size in bytes) of each.
    """

    stamp: str
    seen: tuple[tuple[str, int, int], ...]


_sources: dict[tuple[str, ...], _Sources] = {}
_modules: dict[str, str | None] = {}


def _stamp_of(function: Callable[..., Any]) -> str | None:
    """The stamp of a function's room; None where its sources cannot be read or have changed since the room's first
    function was defined, so that what this process holds is of two minds and must not be kept."""
    path = inspect.getfile(function)
    with _lock:
        if path not in _modules:
            room = _room(path)
            try:
                seen = _look(room)
                if room not in _sources:
                    _sources[room] = _Sources(_digest(seen), seen)
                same = _sources[room].seen == seen and any(
                    os.path.samefile(path, name) for name, _, _ in seen
                )
                _modules[path] = _sources[room].stamp if same else None
            except OSError:  # in a zip file, or a prompt's: no file to read
                _modules[path] = None
        return _modules[path]


def _unchanged(path: str) -> bool:
    """Whether the sources of a room are still those that this process has read."""
    room = _room(path)
    try:
        return room in _sources and _sources[room].seen == _look(room)
    except OSError:
        return False


def _room(path: str) -> tuple[str, ...]:
    """Folders whose Python files a function in the file `path` may depend on: the first with all folders in it, the
    others without. Without a package that is the folder that the file lies in, alone."""
    folder = Path(path).resolve().parent
    chain: list[Path] = []
    while (folder / "__init__.py").exists():
        chain.insert(0, folder)
        folder = folder.parent
    if not chain:
        return ("", str(Path(path).resolve().parent))
    return (str(chain[1]), str(chain[0])) if len(chain) > 1 else (str(chain[0]),)


def _look(room: tuple[str, ...]) -> tuple[tuple[str, int, int], ...]:
    found: list[tuple[str, int, int]] = []
    pending = [(folder, place == 0) for place, folder in enumerate(room) if folder]
    while pending:
        folder, deep = pending.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(".py"):
                    status = entry.stat()
                    found.append((entry.path, status.st_mtime_ns, status.st_size))
                elif deep and "." not in entry.name and entry.name != "__pycache__" and entry.is_dir():
                    pending.append((entry.path, True))
    status = os.stat(__file__)
    found.append((__file__, status.st_mtime_ns, status.st_size))
    return tuple(sorted(set(found)))


def _digest(seen: tuple[tuple[str, int, int], ...]) -> str:
    root = os.path.commonpath([path for path, _, _ in seen if path != __file__] or [__file__])
    digest = hashlib.sha256(repr((numba.__version__, llvmlite.__version__, np.__version__)).encode())
    for path, _, _ in seen:
        with open(path, "rb") as stream:
            content = stream.read()
        name = "compiled.py" if path == __file__ else os.path.relpath(path, root)
        digest.update(repr((name, len(content))).encode())
        digest.update(content)
    return digest.hexdigest()


# --- what is kept -------------------------------------------------------------------------------------------------


class _TemporaryFolder:
    """Where the cache goes when neither the package nor the user's folder can be written (has what numba asks of a
    locator). What is read from the cache is run, so that the folder must be this user's and closed to others."""

    def __init__(self, path: str, line: int) -> None:
        self._path, self._line = path, line
        user = os.getuid() if hasattr(os, "getuid") else "user"
        name = hashlib.sha256(os.path.dirname(os.path.abspath(path)).encode()).hexdigest()[:24]
        self._base = Path(tempfile.gettempdir()) / f"perotwin-compiled-{user}"
        self._folder = self._base / name

    @classmethod
    def from_function(cls, function: Any, path: str) -> _TemporaryFolder | None:
        self = cls(path, function.__code__.co_firstlineno)
        try:
            self.ensure_cache_path()
        except OSError:
            return None
        _note_once(
            f"compiled functions are kept in {self._base}: neither the package's folder nor the user's can be written. "
            "NUMBA_CACHE_DIR names a folder that lasts."
        )
        return self

    def ensure_cache_path(self) -> None:
        self._base.mkdir(mode=0o700, exist_ok=True)
        status = self._base.lstat()
        foreign = hasattr(os, "getuid") and (status.st_uid != os.getuid() or bool(status.st_mode & 0o077))
        if foreign or self._base.is_symlink():
            raise PermissionError(f"{self._base} is open to others")
        self._folder.mkdir(exist_ok=True)
        tempfile.TemporaryFile(dir=self._folder).close()

    def get_cache_path(self) -> str:
        return str(self._folder)

    def get_source_stamp(self) -> str:
        return str(self._line)

    def get_disambiguator(self) -> str:
        return str(self._line)


class _Kept(_Implementation):
    """How a compiled function is written and read, and in which folder."""

    if _KNOWN:
        _locator_classes = [*_Implementation._locator_classes, _TemporaryFolder]


class _ContentCache(_Cache):
    """The cache of one function. It keeps for each signature (and processor) one file, stamped by content."""

    def __init__(self, function: Callable[..., Any], stamp: str) -> None:
        # numba's own beginning is left out: it opens an index that knows one file, and looks for the folder at import
        self._py_func, self._name, self._stamp = function, repr(function), stamp
        self._file = inspect.getfile(function)
        self._kept: _Kept | None = None
        self.enable()

    @property
    def _impl(self) -> _Kept:
        if self._kept is None:
            self._kept = _Kept(self._py_func)
        return self._kept

    @property
    def cache_path(self) -> str | None:
        """Where the cache is; None where no folder can be written."""
        try:
            return str(self._folder())
        except RuntimeError:
            return None

    def _folder(self) -> Path:
        """As numba has it: a RuntimeError where no folder can be written."""
        return Path(self._impl.locator.get_cache_path())

    def holds_any(self) -> bool:
        try:
            names = os.listdir(self._folder())
        except (OSError, RuntimeError):
            return False
        return any(name.startswith(self._stem()) and name.endswith(f".{_PYTHON}.nbc") for name in names)

    def flush(self) -> None:
        for path in self._folder().glob("*.nbc"):
            if path.name.startswith(self._stem()):
                path.unlink(missing_ok=True)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        if not self._enabled:
            return None
        key = self._index_key(sig, target_context.codegen())
        try:
            content = self._path(key).read_bytes()
        except FileNotFoundError:
            return None
        except (OSError, RuntimeError) as error:
            self._give_up("read", error)
            return None
        try:
            stamp, stored, needed, defined, bitcode, data = pickle.loads(content)
            if stamp != self._stamp or stored != key:
                return None
            _make_ready(target_context, needed)
            return _rebuilt(target_context, pickle.loads(data), defined, bitcode)
        except (EOFError, ValueError, RuntimeError, pickle.UnpicklingError):
            return None  # damaged: compiled again and written over

    def save_overload(self, sig: Any, data: Any) -> None:
        if not self._enabled or not _unchanged(self._file):
            return
        try:
            if not self._impl.check_cachable(data):
                return
            self._impl.locator.ensure_cache_path()
            key = self._index_key(sig, data.codegen)
            # Reduced first: what is pickled apart from its key is not built again where the key is another's.
            library, *others = self._impl.reduce(data)
            name, kind, (machine_code, bitcode) = library
            reduced = serialize.dumps(((name, kind, machine_code), *others))
            needed = _names(data.library._final_module, declared=True)
            defined = _names(data.library._get_module_for_linking(), declared=False)
            content = serialize.dumps((self._stamp, key, needed, defined, bitcode, reduced))
            path = self._path(key)
            partial = path.with_name(f"{path.name}.tmp.{uuid.uuid4().hex[:16]}")
            try:
                partial.write_bytes(content)
                os.replace(partial, path)
            finally:
                partial.unlink(missing_ok=True)
            _sweep(path.parent, self._stamp[:16])
        except (OSError, RuntimeError) as error:
            self._give_up("written", error)

    def _stem(self) -> str:
        name = re.sub(r"[<>]", "", self._py_func.__qualname__)
        line = self._py_func.__code__.co_firstlineno
        return f"{Path(self._file).stem}.{name}-{line}-{self._stamp[:16]}."

    def _path(self, key: Any) -> Path:
        signature, target, content = key
        named = hashlib.sha256(repr((str(signature), target, content)).encode()).hexdigest()[:24]
        return self._folder() / f"{self._stem()}{named}.{_PYTHON}.nbc"

    def _give_up(self, doing: str, error: Exception) -> None:
        """A cache that fails costs time, never a result: the function is compiled in this process."""
        self.disable()
        _note_once(
            f"compiled functions could not be {doing} ({error}); they are compiled again in the next process."
        )


def _names(module: Any, declared: bool) -> tuple[str, ...]:
    """Functions and variables of a module of LLVM that it defines, or only declares and has from elsewhere."""
    return tuple(
        item.name
        for items in (module.functions, module.global_variables)
        for item in items
        if item.is_declaration == declared and not item.name.startswith("llvm.")
    )


def _make_ready(target_context: Any, needed: Iterable[str]) -> None:
    """Prepare numba for machine code that calls the functions `needed`.

    Its whole library of implementations is what a compilation needs, and takes a third of a second to load. Machine
    code needs the runtime that counts references, and whatever it calls by name; where one of these is not there yet,
    the library is loaded.
    """
    rtsys.initialize(target_context)
    if any(binding.address_of_symbol(name) is None for name in needed):
        target_context.refresh()


class _Library(_JitLibrary):
    """Machine code from the cache. Its LLVM code is what a caller that is compiled anew takes in, and is parsed then:
    to parse it takes longer than all else that is done with what is read."""

    bitcode: bytes = b""
    _parsed: Any = None

    @property
    def _shared_module(self) -> Any:
        if self._parsed is None and self.bitcode:
            self._parsed = binding.parse_bitcode(self.bitcode)
        return self._parsed

    @_shared_module.setter
    def _shared_module(self, module: Any) -> None:
        self._parsed = module


def _rebuilt(target_context: Any, reduced: Any, defined: Iterable[str], bitcode: bytes) -> Any:
    """What was compiled, from its parts: as numba's `CompileResult._rebuild`, but the LLVM code is not parsed."""
    (name, _, machine_code), description, environment, *others, referenced = reduced
    codegen = target_context.codegen()
    library = _Library(codegen, name)
    library.bitcode = bitcode
    library.enable_object_caching()
    library._set_compiled_object(machine_code)
    library._finalize_final_module()
    codegen._engine._defined_symbols.update(defined)
    signature, object_mode, lifted, annotation, initializers = others
    for initialize in initializers:
        initialize()
    entry_point = target_context.get_executable(library, description, environment)
    for one in referenced:
        codegen.set_env(one.env_name, one)
    return _Result(
        target_context=target_context,
        typing_context=target_context.typing_context,
        library=library,
        environment=environment,
        entry_point=entry_point,
        fndesc=description,
        type_annotation=annotation,
        signature=signature,
        objectmode=object_mode,
        lifted=lifted,
        typing_error=None,
        call_helper=None,
        metadata=None,
        reload_init=initializers,
        referenced_envs=referenced,
    )


_swept: set[Path] = set()


def _sweep(folder: Path, stamp: str) -> None:
    """Remove, once in a process, what other stamps (of this Python) and interrupted processes have left in a folder."""
    with _lock:
        if folder in _swept:
            return
        _swept.add(folder)
    for path in folder.glob("*.nbc*"):
        name = _OURS.search(path.name)
        if name is None or name["python"] != _PYTHON:
            continue
        if name["part"]:
            try:
                abandoned = time.time() - path.stat().st_mtime > _ABANDONED
            except FileNotFoundError:
                continue
            if not abandoned:
                continue
        elif name["stamp"] == stamp:
            continue
        path.unlink(missing_ok=True)


def _stand_in(folder: Path) -> Callable[..., Any]:
    """A function that says it lies in `folder`, to ask numba where the cache of that folder is."""

    def nothing() -> None:
        return None

    path = next(iter(sorted(folder.glob("*.py"))))
    return types.FunctionType(nothing.__code__.replace(co_filename=str(path)), {}, "nothing")
