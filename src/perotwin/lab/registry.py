"""The instruments that there are: those of this package, those that other packages bring, those that a script adds.

A module of `perotwin.lab` is an instrument if it declares one as `INSTRUMENT`. Another package names its own as an
entry point of the group "perotwin.instruments", either the declaration or the module that holds it:

    [project.entry-points."perotwin.instruments"]
    photoemission = "my_package.photoemission:INSTRUMENT"

A script adds one with `register`. What cannot be loaded is left out, and said.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from perotwin import progress
from perotwin.errors import InputError, nearest
from perotwin.measurement.instrument import Instrument

__all__ = ["GROUP", "find", "instruments", "known", "register", "titles", "withdraw"]

#: entry points by which other packages bring instruments
GROUP = "perotwin.instruments"

_registered: dict[str, Instrument] = {}
_brought: dict[str, Instrument | None] = {}


def register(instrument: Instrument) -> Instrument:
    """Make an instrument known to everything that lists, runs or shows instruments, in this process.

    Raises:
        InputError: there is one of that name.
    """
    there = _own(instrument.name) or _registered.get(instrument.name)
    if there is not None and there is not instrument:
        raise InputError(
            f'there is an instrument "{instrument.name}" already, {there.title}.',
            "Give the new one another name.",
            key="name",
        )
    _registered[instrument.name] = instrument
    return instrument


def withdraw(name: str) -> None:
    """Forget an instrument that `register` made known."""
    _registered.pop(name, None)


def find(name: str) -> Instrument | None:
    """The instrument of that name, or None; loads no other one."""
    found = _own(name) or _registered.get(name)
    if found is None:
        found = next((_bring(point) for point in _points() if point.name == name), None)
    return found


def known(name: str) -> Instrument:
    """The instrument of that name.

    Raises:
        InputError: there is none.
    """
    found = find(name)
    if found is None:
        names = [one.name for one in instruments()]
        close = nearest(name, names)
        advice = f'Did you mean "{close[0]}"?' if close else f"There are {', '.join(names)}."
        raise InputError(f'there is no instrument "{name}".', advice)
    return found


def instruments(of: str | None = None) -> list[Instrument]:
    """All instruments in the order of the main job, or those for a "cell" or a "sample"."""
    found = {name: one for name in _modules() if (one := _own(name)) is not None} | _registered
    for point in _points():
        brought = _bring(point)
        if brought is not None:
            found.setdefault(brought.name, brought)
    chosen = [one for one in found.values() if of in (None, one.of)]
    return sorted(chosen, key=lambda one: (one.place, one.name))


def titles() -> dict[str, str]:
    """Names of all instruments in the order of the main job, with what people call their measurements. Those of this
    room are read from their files: a list of them is asked for by a help page, which has no time to load them.
    """
    found: list[tuple[float, str, str]] = []
    folder = Path(__file__).parent
    for module in _modules():
        text = (folder / f"{module}.py").read_text(encoding="utf-8")
        _, declares, body = text.partition("\nINSTRUMENT = Instrument(")
        title = re.search(r'^    title="([^"\n]+)",$', body, re.MULTILINE)
        if declares and title is not None:
            place = re.search(r"^    place=([\d.]+),$", body, re.MULTILINE)
            found.append((100.0 if place is None else float(place[1]), module, title[1]))
    listed = {name for _, name, _ in found}
    others = [*_registered.values(), *(one for point in _points() if (one := _bring(point)) is not None)]
    found += [(one.place, one.name, one.title) for one in others if one.name not in listed]
    return {name: title for _, name, title in sorted(found)}


def _own(name: str) -> Instrument | None:
    """The instrument that a module of this room declares."""
    if not name.isidentifier() or find_spec(f"perotwin.lab.{name}") is None:
        return None
    declared = getattr(import_module(f"perotwin.lab.{name}"), "INSTRUMENT", None)
    return declared if isinstance(declared, Instrument) else None


@cache
def _modules() -> tuple[str, ...]:
    return tuple(module.name for module in iter_modules(import_module("perotwin.lab").__path__))


def _points() -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=GROUP))


def _bring(point: EntryPoint) -> Instrument | None:
    """The instrument behind an entry point, loaded once; None, and a sentence, where that is not possible."""
    key = f"{point.name} = {point.value}"
    if key not in _brought:
        _brought[key] = _loaded(point)
    return _brought[key]


def _loaded(point: EntryPoint) -> Instrument | None:
    try:
        made: Any = point.load()
        why = ""
    except Exception as fault:  # another package's code may fail in any way, and the rest is to go on
        made, why = None, f"it cannot be loaded ({type(fault).__name__}: {fault})"
    made = getattr(made, "INSTRUMENT", made)
    if isinstance(made, Instrument):
        if made.name != point.name:
            why = f'the instrument that it points at is called "{made.name}"'
        elif _own(made.name) is not None:
            why = "perotwin has an instrument of that name"
    else:
        why = why or "what it points at is no perotwin.measurement.Instrument"
    if why:
        package = "" if point.dist is None else f" of the package {point.dist.name}"
        progress.note(f'the instrument "{point.name}"{package} ({point.value}) is left out: {why}.')
        return None
    found: Instrument = made
    return found
