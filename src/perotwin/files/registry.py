"""The formats that there are, and the measurements of a file.

    read("cell_rev.txt")[0].dataset

A module of `perotwin.files.formats` is a format if it declares any as `FORMATS`. Another package names its own as an
entry point of the group "perotwin.formats", either a `Format`, a list of them or the module that holds `FORMATS`:

    [project.entry-points."perotwin.formats"]
    our-setup = "my_package.our_setup"

The format that is surest takes the file. Where two are equally sure, or none is, the file is refused with what was
seen: a wrong number is worse than none.
"""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, NamedTuple

from perotwin import progress, units
from perotwin.errors import InputError, PerotwinError, nearest, shown
from perotwin.files.format import Format, Found
from perotwin.files.source import Asked, Source

__all__ = ["GROUP", "LEAST", "Recognised", "formats", "named", "read", "recognise"]

#: entry points by which other packages bring formats
GROUP = "perotwin.formats"
#: how sure a format has to be
LEAST = 0.1
#: the format of tables of no known program, asked where none is as sure as this
_GENERAL, _SURE = "generic", 0.5
#: what a file that is no good makes of code that reads it
_FAULTS = (
    ValueError, IndexError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError, MemoryError, EOFError,
    struct.error, zlib.error, zipfile.BadZipFile, SyntaxError, RuntimeError, AssertionError, OSError,
)  # fmt: skip


class Recognised(NamedTuple):
    """Which format a file is of. `confidence`: 0 to 1. `others`: less sure ones, surest first."""

    format: Format
    confidence: float
    others: tuple[tuple[Format, float], ...]


@cache
def formats() -> tuple[Format, ...]:
    """All formats, by name."""
    own: dict[str, Format] = {}
    package = import_module("perotwin.files.formats")
    for module in sorted(one.name for one in iter_modules(package.__path__)):
        for declared in getattr(import_module(f"{package.__name__}.{module}"), "FORMATS", ()):
            assert declared.name not in own, f"two formats are called {declared.name}"
            own[declared.name] = declared
    for point in entry_points(group=GROUP):
        for brought in _brought(point):
            if brought.name in own:
                progress.note(
                    f'the format "{brought.name}" of {point.value} is left out: there is one already.'
                )
            else:
                own[brought.name] = brought
    return tuple(own[name] for name in sorted(own))


def _brought(point: EntryPoint) -> list[Format]:
    """The formats behind an entry point; none, and a sentence, where that is not possible."""
    try:
        made: Any = point.load()
        made = getattr(made, "FORMATS", made)
        found = [made] if isinstance(made, Format) else list(made)
        if found and all(isinstance(one, Format) for one in found):
            return found
        why = "what it points at is no perotwin.files.Format"
    except Exception as fault:  # another package's code may fail in any way, and the rest is to go on
        why = f"it cannot be loaded ({type(fault).__name__}: {fault})"
    package = "" if point.dist is None else f" of the package {point.dist.name}"
    progress.note(f'the format "{point.name}"{package} ({point.value}) is left out: {why}.')
    return []


def named(name: str) -> Format:
    """The format of that name.

    Raises
    ------
    InputError : there is none.
    """
    found = {one.name: one for one in formats()}
    if name not in found:
        close = nearest(name, found)
        advice = f'Did you mean "{close[0]}"?' if close else "perotwin formats lists them."
        raise InputError(f'there is no format "{shown(name)}".', advice)
    return found[name]


def _elsewhere(source: Source, instrument: str | None) -> str:
    """A sentence where the file is surely one of another instrument; else empty."""
    others = [one for one in formats() if instrument not in one.instruments and one.name != _GENERAL]
    if instrument is None or not others:
        return ""
    confidence, best = max(((_sure(one, source), one) for one in others), key=lambda pair: pair[0])
    if confidence < _SURE:
        return ""
    return f"It looks like {best.title}, which holds {', '.join(best.instruments)}: perotwin analyse FILE reads it."


def recognise(path: str | Path | Source, instrument: str | None = None) -> Recognised:
    """Which format a file is of.

    instrument : only formats that hold its measurements are asked.

    Raises
    ------
    InputError : none is sure enough, or two are equally sure.
    """
    source = path if isinstance(path, Source) else Source.of(path)
    asked = [one for one in formats() if instrument is None or instrument in one.instruments]
    known = [(_sure(one, source), one) for one in asked if one.name != _GENERAL]
    if not any(confidence >= _SURE for confidence, _ in known):
        # it reads the whole file to see what its columns are
        known += [(_sure(one, source), one) for one in asked if one.name == _GENERAL]
    sure = sorted(known, key=lambda pair: -pair[0])
    found = [(one, confidence) for confidence, one in sure if confidence >= LEAST]
    if not found:
        raise InputError(
            f"no format {'of ' + instrument + ' ' if instrument else ''}is known that looks so: {_seen(source)}.",
            _elsewhere(source, instrument)
            or 'Say what its columns are: perotwin analyse FILE --columns "V=1, J=3 (mA/cm^2)"; perotwin formats lists '
            "what is read.",
            file=source.file,
        )
    if len(found) > 1 and found[0][1] == found[1][1]:
        names = " and ".join(one.title for one, confidence in found if confidence == found[0][1])
        raise InputError(
            f"it may be {names}: {_seen(source)}.",
            "Say whose measurement it is (perotwin analyse FILE --as jv), or what its columns are (--columns).",
            file=source.file,
        )
    return Recognised(found[0][0], found[0][1], tuple(found[1:]))


def _sure(format: Format, source: Source) -> float:
    try:
        return min(max(float(format.sniff(source)), 0.0), 1.0)
    except (*_FAULTS, PerotwinError):  # it cannot even look at it
        return 0.0


def _seen(source: Source) -> str:
    """What a file looks like, in words that show no line of it."""
    if not source.is_text:
        return f"{len(source.content)} bytes that are no text"
    from perotwin.files.blocks import blocks

    try:
        found = blocks(source)
    except InputError as error:
        return error.message.rstrip(".")
    if not found:
        return f"{len(source.lines)} lines of text without columns of numbers"
    parts = []
    for one in found[:3]:
        heads = ", ".join(f'"{shown(head, 30)}"' for head in one.headings[:8] if head) or "no headings"
        rows, columns = one.values.shape
        parts.append(f"{rows} rows of {columns} column{'s' if columns > 1 else ''} ({heads})")
    return "; ".join(parts) + (f" and {len(found) - 3} more tables" if len(found) > 3 else "")


def read(
    path: str | Path,
    instrument: str | None = None,
    columns: str | None = None,
    area: str | float | None = None,
) -> list[Found]:
    """The measurements of a file.

    Parameters
    ----------
    instrument : whose measurement it is, where the file does not tell ("jv").
    columns : which column holds what, by number from 1 or by heading: "V=1, J=3 (mA/cm^2)".
    area : of the cell ("0.09 cm^2"; a number is in m^2); instead of that in the file.

    Returns
    -------
    At least one, in the order of the file.

    Raises
    ------
    InputError : it cannot be opened, no format takes it, or it does not hold what it should.
    """
    square_metres = None if area is None else float(units.parse(area, "area"))
    if square_metres is not None and not square_metres > 0.0:
        raise InputError("an area is larger than zero.", 'For example --area "0.09 cm^2".', key="area")
    source = Source.of(path, Asked(instrument, columns, square_metres))
    format = named(_GENERAL) if columns else recognise(source, instrument).format
    return _found(format, source)


def _found(format: Format, source: Source) -> list[Found]:
    """What a format finds, marked with its name; a fault of the file as a sentence."""
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = format.read(source)
    except PerotwinError as error:
        if isinstance(error, InputError) and error.file is None:
            raise InputError(error.message, error.advice, file=source.file, key=error.key) from None
        raise
    except _FAULTS as fault:
        raise InputError(
            f"it looks like {format.title}, but cannot be read as such ({type(fault).__name__}).",
            "See whether the file is whole; if it is, export it as text, or say its columns (--columns).",
            file=source.file,
        ) from fault
    wanted = source.asked.instrument
    kept = [one for one in found if wanted is None or one.instrument == wanted]
    if not kept:
        others = ", ".join(sorted({one.instrument for one in found})) or "nothing"
        raise InputError(
            f"it holds no measurement {'by ' + wanted if wanted else 'that is known'}, but {others} ({format.title}).",
            "Leave the instrument out, or name the right one.",
            file=source.file,
        )
    for one in kept:
        _refuse_impossible(one, source, format)
        one.dataset.attrs["format"] = format.name
        one.dataset.attrs["stated"] = json.dumps(
            {name: {"value": metric.value, "unit": metric.unit} for name, metric in one.stated.items()}
        )
    return kept


#: no quantity in SI is so large; a damaged file of numbers in binary form holds such
_BEYOND = 1e100


def _refuse_impossible(found: Found, source: Source, format: Format) -> None:
    import numpy as np

    for name, variable in found.dataset.variables.items():
        values = variable.values
        if (
            values.dtype.kind == "f"
            and values.size
            and float(np.nanmax(np.abs(values), initial=0.0)) > _BEYOND
        ):
            raise InputError(
                f'its "{name}" holds numbers beyond any use ({format.title}).',
                "The file is damaged, or of another kind: export it again.",
                file=source.file,
            )
