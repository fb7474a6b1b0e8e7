"""How the numbers of a cell scatter from substrate to substrate and from device to device, and draws from it.

    spread = read_spread("spread.toml")
    drawn = spread.draw(pt.load("wbg-target"), devices=30, seed=1)
    drawn.values[0]                       # {"perovskite.thickness": "457.1 nm", ...} of the first device

A spread file has tables `[substrate]` and `[device]` of field paths; what stands outside them is of devices:

    devices_per_substrate = 6

    [substrate]
    "perovskite.thickness" = { relative = "4 %" }

    [device]
    "circuit.series_resistance" = { relative = "15 %", distribution = "lognormal" }
    "perovskite.bandgap" = { low = "1.785 eV", high = "1.795 eV" }

`*` in a path stands for any part of it. Entries that say `together = "a name"` are drawn with one random number, of a
tandem with one for each junction.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perotwin import units
from perotwin.errors import InputError, nearest, shown
from perotwin.measurement.junction_names import is_junction
from perotwin.study.sweep import unit_of
from perotwin.units import Quantity

if TYPE_CHECKING:
    from perotwin.stack import Cell

__all__ = ["Drawn", "Entry", "Spread", "read_spread", "usual_spread"]

F64 = NDArray[np.float64]

_USUAL = Path(__file__).parent / "spread.toml"
_LEVELS = ("substrate", "device")
_DISTRIBUTIONS = ("normal", "lognormal", "uniform")
_SIZES = ("sd", "relative", "low", "high")
_KEYS = (*_SIZES, "distribution", "together", "assumed", "note", "source")
#: devices on a substrate unless said
_ON_A_SUBSTRATE = 6
#: a relative spread of this size leaves one normal draw in seven hundred below zero
_WIDE = 1.0 / 3.0
_MOST = 100_000


@dataclass(frozen=True)
class Entry:
    """How one number, or several by a pattern, scatter at one level.

    Attributes:
        path: a field path, or a pattern with "*". level: "substrate" or "device".
        sd: standard deviation as written, in the unit of the number; relative: as a fraction of it; low, high: ends of
            a uniform distribution as written. What is not given is None.
        distribution: normal, lognormal (about the stated number as its median) or uniform.
        together: name of the random number that it shares; "" for one of its own.
        note: what the spread rests on.
    """

    path: str
    level: str
    sd: str | None
    relative: float | None
    low: str | None
    high: str | None
    distribution: str
    together: str
    note: str


@dataclass(frozen=True)
class Drawn:
    """Numbers of the devices of one cell.

    Attributes:
        values: of each device, field path -> value as a stack file has it.
        substrate: (D,) number of the substrate of each device, from 1.
        seed: that they were drawn with. notes: what a reader must know.
    """

    values: tuple[dict[str, str], ...]
    substrate: tuple[int, ...]
    seed: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Spread:
    """A spread file.

    Attributes:
        entries: in the order of the file. devices_per_substrate: how many devices lie on one substrate.
        seed: that draws take unless told another. name: of the file. usual: whether it is the one that ships: what a
            cell does not have is then left out and said, and not refused.
    """

    entries: tuple[Entry, ...]
    devices_per_substrate: int = _ON_A_SUBSTRATE
    seed: int = 1
    name: str = "spread"
    usual: bool = False

    def draw(
        self, cell: Cell, devices: int, seed: int | None = None, only: Sequence[int] | None = None
    ) -> Drawn:
        """The numbers of some devices of a cell.

        The same cell, by name, and seed give the same devices, whatever else is drawn beside them; more devices leave
        the first ones as they are.

        Args:
            cell: that states the numbers. devices: how many there are. seed: that of the file unless given.
            only: numbers of those that are wanted, from 0; all unless given.

        Raises:
            InputError: no devices, a path that the cell does not have or that is no number, a spread that it cannot
                have.
        """
        if not 1 <= devices <= _MOST:
            raise InputError(f"{devices} devices are no batch.", f"Ask for 1 to {_MOST}.", key="devices")
        seed = self.seed if seed is None else seed
        notes: list[str] = []
        missing: list[str] = []
        rows = [row for entry in self.entries for row in self._rows(cell, entry, notes, missing)]
        if missing:
            absent = ", ".join(dict.fromkeys(missing))
            notes.append(f"no number of {cell.name} is called {absent}: nothing of that kind scatters.")
        if not rows:
            raise InputError(
                f'nothing in {self.name} is a number of "{cell.name}".',
                "Give a spread file: --spread.",
                key="spread",
            )
        wanted = range(devices) if only is None else only
        substrate = [self.substrate(number) for number in wanted]
        values: list[dict[str, str]] = []
        for place, number in enumerate(wanted):
            made: dict[str, float] = {}
            for entry, path, now in rows:
                which = number if entry.level == "device" else substrate[place]
                # the generator of a level, a number and a device is its own: nothing else moves it
                label = f"{entry.level}/{_shared(entry, path)}"
                chance = np.random.default_rng(
                    [seed, zlib.crc32(cell.name.encode()), zlib.crc32(label.encode()), which]
                )
                made[path] = _one(entry, now, made.get(path), chance)
            values.append({path: _text(cell, path, value) for path, value in made.items()})
        return Drawn(tuple(values), tuple(substrate), seed, tuple(notes))

    def substrate(self, number: int) -> int:
        """The number, from 1, of the substrate that a device (from 0) lies on."""
        return 1 + number // self.devices_per_substrate

    def _rows(
        self, cell: Cell, entry: Entry, notes: list[str], missing: list[str]
    ) -> Iterator[tuple[Entry, str, Quantity]]:
        """The numbers of a cell that an entry is of, each looked at once."""
        for path in self._paths(cell, entry, missing):
            now = cell.get(path)
            if not isinstance(now, Quantity) or now.dimension is None:
                raise InputError(
                    "the cell states no number there, so there is nothing to scatter.",
                    "Name a number of the cell, such as perovskite.thickness.",
                    file=self.name,
                    key=entry.path,
                )
            if float(now) == 0.0 and entry.relative is not None:
                notes.append(f"{path} is zero, and a part of it is nothing: it does not scatter.")
                continue
            _refuse(entry, now, self.name)
            yield entry, path, now

    def _paths(self, cell: Cell, entry: Entry, missing: list[str]) -> list[str]:
        if "*" not in entry.path:
            try:
                cell.get(entry.path)
            except InputError:
                if not self.usual:
                    raise
                missing.append(entry.path)
                return []
            return [entry.path]
        found = [path for path in cell.quantities() if fnmatchcase(path, entry.path)]
        if not found and not self.usual:
            raise InputError(
                f'no number of "{cell.name}" is called {entry.path}.',
                "See perotwin show for what it states.",
                file=self.name,
                key=entry.path,
            )
        if not found:
            missing.append(entry.path)
        return found


def _shared(entry: Entry, path: str) -> str:
    """Name of the random number of a path: its own, or one that entries of the same junction share; films of two
    junctions are two films.
    """
    if not entry.together:
        return path
    first = path.partition(".")[0]
    return f"{first} {entry.together}" if is_junction(first) else entry.together


def read_spread(file: str | Path) -> Spread:
    """A spread file.

    Raises:
        InputError: it cannot be read, or says what cannot be.
    """
    path = Path(file)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise InputError(
            f"the spread file cannot be read ({fault}).",
            "Check its name and that it is text.",
            file=str(file),
        ) from None
    return _spread(text, str(file))


def usual_spread() -> Spread:
    """The spread that is taken unless another one is given: assumed numbers, each with its range."""
    made = _spread(_USUAL.read_text(encoding="utf-8"), "the usual spread")
    return Spread(made.entries, made.devices_per_substrate, made.seed, made.name, usual=True)


def _spread(text: str, file: str) -> Spread:
    from perotwin.stack.toml import read

    data = read(text, file)
    numbers = {
        name: _whole(data.pop(name), name, file, least)
        for name, least in (("devices_per_substrate", 1), ("seed", 0))
        if name in data
    }
    levels = {name: data.pop(name, {}) for name in _LEVELS}
    entries = []
    for level, table in (*levels.items(), ("device", data)):
        if not isinstance(table, Mapping):
            raise InputError(
                "a table of field paths is needed here.", f"Write [{level}].", file=file, key=level
            )
        entries += [_entry(path, level, given, file) for path, given in _flat(table, "")]
    if not entries:
        raise InputError(
            "the file lets nothing scatter.",
            'Write "perovskite.thickness" = { relative = "4 %" }.',
            file=file,
        )
    seen: set[tuple[str, str]] = set()
    for one in entries:
        if (one.path, one.level) in seen:
            raise InputError(
                f"the field is named twice for one {one.level}.", "Name it once.", file=file, key=one.path
            )
        seen.add((one.path, one.level))
    for one in entries:
        if one.level == "device" and one.low is not None and (one.path, "substrate") in seen:
            raise InputError(
                "ends for each device leave nothing of what its substrate drew.",
                'Give the device "sd" or "relative", which are about its substrate\'s.',
                file=file,
                key=one.path,
            )
    return Spread(
        tuple(entries), numbers.get("devices_per_substrate", _ON_A_SUBSTRATE), numbers.get("seed", 1), file
    )


def _whole(value: Any, name: str, file: str, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise InputError(
            f"{shown(value)} is no whole number from {least} on.", f"Write {name} = 6.", file=file, key=name
        )
    return value


def _flat(table: Mapping[str, Any], above: str) -> Iterator[tuple[str, Any]]:
    """Field paths of a table and what is said of each: dotted keys without quotes make tables within tables."""
    for name, value in table.items():
        path = f"{above}.{name}" if above else name
        if isinstance(value, Mapping) and value and not any(key in value for key in _KEYS):
            yield from _flat(value, path)
        else:
            yield path, value


def _entry(path: str, level: str, given: Any, file: str) -> Entry:
    """One line of a spread file.

    Raises:
        InputError: it says nothing, too much, or what is not known.
    """
    if not isinstance(given, Mapping):
        _refuse_key(path.rpartition(".")[2], path, file, sure=False)
        raise InputError(
            f"{shown(given)} says nothing of a spread.", 'Write { sd = "15 nm" } or { relative = "5 %" }.', file=file,
            key=path,
        )  # fmt: skip
    for key in given:
        _refuse_key(key, path, file, sure=True)
    sizes = {name for name in _SIZES if name in given}
    if sizes not in ({"sd"}, {"relative"}, {"low", "high"}):
        raise InputError(
            f"a spread has one size; this one has {' and '.join(sorted(sizes)) or 'none'}.",
            'Give sd = "15 nm", or relative = "5 %", or low and high.',
            file=file,
            key=path,
        )
    usual = "uniform" if "low" in sizes else "normal"
    kind = str(given.get("distribution", usual))
    if kind not in _DISTRIBUTIONS or ("low" in sizes and kind != "uniform"):
        words = "between two ends is uniform" if "low" in sizes else f"is one of {', '.join(_DISTRIBUTIONS)}"
        raise InputError(
            f"a distribution {words}, not {shown(kind)}.", "Choose another one.", file=file, key=path
        )
    relative = None
    if "relative" in sizes:
        try:
            relative = float(units.parse(given["relative"], "fraction"))
        except InputError as fault:
            raise InputError(fault.message, fault.advice, file=file, key=path) from None
        if not relative >= 0.0:
            raise InputError("a spread is not below zero.", "Leave the sign out.", file=file, key=path)
        if kind == "normal" and relative > _WIDE:
            raise InputError(
                f"a normal spread of {100 * relative:.3g} % goes below zero time and again.",
                'Write distribution = "lognormal".',
                file=file,
                key=path,
            )
    texts = {name: None if name not in given else str(given[name]) for name in ("sd", "low", "high")}
    note = "; ".join(str(given[name]) for name in ("source", "note") if name in given)
    return Entry(
        path,
        level,
        texts["sd"],
        relative,
        texts["low"],
        texts["high"],
        kind,
        str(given.get("together", "")),
        note,
    )


def _refuse_key(key: str, path: str, file: str, *, sure: bool) -> None:
    """Refuse a key that a spread does not know; one that may be a part of a path only where it looks like one."""
    close = nearest(key, list(_KEYS))
    if key in _KEYS or not (sure or close):
        return
    advice = f'Did you mean "{close[0]}"?' if close else f"It knows {', '.join(_KEYS)}."
    raise InputError(f'a spread knows no "{key}".', advice, file=file, key=path)


def _read(text: str, now: Quantity, file: str, path: str) -> float:
    assert now.dimension is not None
    try:
        return float(units.parse(text, now.dimension))
    except InputError as fault:
        raise InputError(fault.message, fault.advice, file=file, key=path) from None


def _refuse(entry: Entry, now: Quantity, file: str) -> None:
    """Refuse a spread that a number cannot have.

    Raises:
        InputError: a wrong unit, ends the wrong way round, a logarithm of what is not above zero.
    """
    if entry.sd is not None:
        if now.dimension == "temperature" and "deg" in entry.sd.lower():
            raise InputError("a spread of temperatures is in K.", "Write it in K.", file=file, key=entry.path)
        if not _read(entry.sd, now, file, entry.path) >= 0.0:
            raise InputError("a spread is not below zero.", "Leave the sign out.", file=file, key=entry.path)
    if entry.low is not None and entry.high is not None:
        low, high = (_read(end, now, file, entry.path) for end in (entry.low, entry.high))
        if not low < high:
            raise InputError(
                f"a range from {entry.low} to {entry.high} holds nothing.", "Give the lower end first.", file=file,
                key=entry.path,
            )  # fmt: skip
    if entry.distribution == "lognormal" and not float(now) > 0.0:
        raise InputError(
            f"{now} has no logarithm to scatter in.", "Use a normal distribution.", file=file, key=entry.path
        )


def _one(entry: Entry, now: Quantity, drawn: float | None, chance: np.random.Generator) -> float:
    """A value in SI: about the stated number, or about what the substrate drew of it."""
    centre = float(now) if drawn is None else drawn
    assert now.dimension is not None
    if entry.low is not None and entry.high is not None:
        low, high = (float(units.parse(end, now.dimension)) for end in (entry.low, entry.high))
        return low + (high - low) * float(chance.random())
    size = (
        float(units.parse(entry.sd, now.dimension))
        if entry.sd is not None
        else float(entry.relative or 0.0) * abs(centre)
    )
    if entry.distribution == "uniform":
        return centre + np.sqrt(3.0) * size * (2.0 * float(chance.random()) - 1.0)
    normal = float(chance.standard_normal())
    if entry.distribution == "lognormal":
        return centre * float(np.exp(np.sqrt(np.log1p((size / centre) ** 2)) * normal))
    return centre + size * normal


def _text(cell: Cell, path: str, value: float) -> str:
    """A value in SI as a stack file has it, in the unit in which the cell states it."""
    now = cell.get(path)
    unit = unit_of(now.text)
    number = units.convert(value, unit, now.dimension)
    return f"{number:.9g}" if unit == "1" else f"{number:.9g} {unit}"
