"""Two or three junctions one behind the other: a tandem with two terminals, or with four."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import Discriminator, Tag, ValidationInfo, field_validator, model_validator

from perotwin.errors import InputError, UnknownNameError, nearest
from perotwin.stack import coherence, merging, paths, short_paths, surroundings
from perotwin.stack.document import Document
from perotwin.stack.junction import Ideal, Junction, Separate
from perotwin.stack.layered import Layered
from perotwin.stack.parallel import Parallel
from perotwin.stack.parts import ROOM_TEMPERATURE, Faces, Layer, Light
from perotwin.stack.quantity_fields import Model, Name, Temperature
from perotwin.stack.stack import Stack
from perotwin.units import Quantity

__all__ = ["JUNCTIONS", "Tandem"]

T = TypeVar("T")

#: the junctions that every tandem has, in the order in which light from the front meets them
JUNCTIONS: tuple[Literal["top"], Literal["bottom"]] = ("top", "bottom")
#: where a field path walks down from the tandem itself
_OWN = ("name", "description", "source", "temperature", "light", "junction", "lower_junction")
_FOUR = "A tandem has [top], [bottom] and at most one [middle] between them; four junctions or more are not modelled."


def _kind(value: Any) -> str:
    columns = isinstance(value, Parallel) or (isinstance(value, Mapping) and "column" in value)
    return "tag:columns" if columns else "tag:stack"


#: a junction: one stack, or columns side by side
JunctionCell = Annotated[
    Annotated[Stack, Tag("tag:stack")] | Annotated[Parallel, Tag("tag:columns")], Discriminator(_kind)
]


class Tandem(Layered, Document):
    """Two or three junctions that share the light, the temperature and, with two terminals, the current.

    Each junction is a complete `Stack`: its electrical layers, and on the outer side whatever the light passes or
    ends at; or it is patchy, a `Parallel` of such stacks. Light and temperature are the tandem's; in a file a junction
    states neither, except for `[top.light] intensity`, a factor on the generation in that junction only (how many suns
    it alone gets). So `tandem.top.light` is the tandem's light with that factor as its intensity.

    A field path names a junction first: "top.perovskite.thickness", "bottom.pedot-pss|perovskite.dipole", and a column
    next, where one is meant: "top.covered.area". A layer between junctions is named alone ("au.thickness");
    "top.thickness" and "top.bandgap" are those of the absorber.

    Seen as layers in one row (`layer`, `interface`, `absorbers`, ...), a junction's layer is called after the junction
    too: "top perovskite", "top niox|top perovskite". A tandem with columns is no one row; each of its `columns` is.

    Attributes
    ----------
    name, description : for people.
    source : where the numbers come from that do not say so themselves.
    temperature, light : K; `Light`.
    top : the junction that light from the front meets first; it ends with its last electrical layer.
    between : layers without electronic parameters behind the top junction.
    junction : how the top is joined to what follows.
    middle : the second of three junctions; electrical layers only. None where there are two.
    lower_between, lower_junction : the same as `between` and `junction`, between middle and bottom.
    bottom : the last one; it begins with its first electrical layer.
    """

    name: Name
    description: str = ""
    source: str | None = None
    temperature: Temperature = ROOM_TEMPERATURE
    light: Light = Light()
    top: JunctionCell
    between: tuple[Layer, ...] = ()
    junction: Junction = Ideal()
    middle: JunctionCell | None = None
    lower_between: tuple[Layer, ...] = ()
    lower_junction: Junction = Ideal()
    bottom: JunctionCell

    hints: ClassVar[Mapping[str, str]] = {
        **{
            key: _FOUR
            for key in ("cell", "cells", "second", "third", "fourth", "centre", "center", "upper", "lower")
        },
        **{
            key: f"It belongs to a junction: [top.{key}] or [bottom.{key}]."
            for key in ("contact", "circuit", "interface")
        },
        "layer": "Layers belong to a junction, [[top.layer]] or [[bottom.layer]], or lie between: [[between]].",
        "column": "Columns belong to a junction: [[top.column]] or [[bottom.column]].",
    }

    # --- validation -------------------------------------------------------------------------------

    @field_validator("top", "middle", "bottom", mode="before")
    @classmethod
    def _shares_surroundings(cls, value: Any, info: ValidationInfo) -> Any:
        """Give a junction the light and the temperature of the whole, its default name and its inner contacts."""
        which = str(info.field_name)
        if isinstance(value, (list, tuple)):
            raise InputError(f"[[{which}]] is a list, but there is one {which} junction at most.", _FOUR)
        light = info.data.get("light", Light())
        temperature = info.data.get("temperature", ROOM_TEMPERATURE)
        return surroundings.completed(value, which, light, temperature, info.context)

    @model_validator(mode="after")
    def _coherent_whole(self) -> Tandem:
        if not self.name.strip():
            raise InputError(
                "the name is empty.", "Name the cell: tables and files are labelled with it.", subkey="name"
            )
        between = (*self.between, *self.lower_between)
        rows = {
            f"{name.partition('.')[0]} {one.name}"
            for name, stack in self.stacks.items()
            for one in stack.layer
        }
        coherence.check_ends(self.stacks)
        coherence.check_between(
            between, rows, type(self).model_fields, self.light.generation.kind == "optics"
        )
        if self.middle is None:
            coherence.check_no_third(self.model_fields_set)
        coherence.check_terminals(
            self.cells, {"junction": self.junction, "lower_junction": self.lower_junction}
        )
        return self

    # --- reading and writing ----------------------------------------------------------------------

    def to_toml(self) -> str:
        """The tandem as TOML, every number as it was written; `from_toml` gives the same tandem bit for bit."""
        from perotwin.stack.toml import write

        return write(self._stated)

    @functools.cached_property
    def _stated(self) -> Tandem:
        """The tandem as its file states it: what the junctions take over from it counts as not stated."""
        junctions = {
            which: surroundings.as_stated(cell, which, surroundings.INNER[which])
            for which, cell in self.cells.items()
        }
        copy = self.model_copy(update=junctions)
        copy.model_fields_set.clear()
        copy.model_fields_set.update(self.model_fields_set)
        return copy

    # --- field paths ------------------------------------------------------------------------------

    def get(self, path: str) -> Any:
        """The value at a field path such as "top.perovskite.thickness", "bottom.thickness", "top.covered.area",
        "au.thickness", "junction.resistance" or "light.intensity".

        Raises
        ------
        InputError : no such path, or one that names a layer without its junction (the full paths are offered).
        """
        which, rest = self._split(path)
        if which is not None:
            return self._within(which, lambda cell: cell.get(rest))
        own = self._own_paths(path)
        return short_paths.common(
            own, lambda one: paths.value_at(self, self._own_steps(one), path), path, self._file
        )

    def with_values(self, values: Mapping[str, Any]) -> Tandem:
        """A copy with the values at some field paths replaced, validated as a whole.

        A path that names a junction of columns but no column sets the field in every column of it. Numbers may be
        strings with a unit or floats in SI.

        Raises
        ------
        InputError : an unknown path, an impossible value.
        """
        data = paths.plain(self._stated)
        if "temperature" in values:
            for which in self.cells:
                columns = data[which].get("column")
                for stack in [data[which]] if columns is None else [entry["stack"] for entry in columns]:
                    paths.hold(stack, self.temperature)
        inside: dict[str, dict[str, Any]] = {which: {} for which in self.cells}
        for path, value in values.items():
            junction, rest = self._split(path)
            if junction is None:
                own = paths.plain(value) if isinstance(value, Model) else value
                for one in self._own_paths(path):
                    paths.set_at(data, self._own_steps(one), own, self)
            else:
                inside[junction][rest] = value
        for which, changes in inside.items():
            self._within(which, functools.partial(_put, data=data[which], values=changes))
        return type(self).from_data(data, file=self._file, bare_numbers=True)

    def with_light(self, **values: Any) -> Tandem:
        """A copy under another light: `with_light(intensity="0.1 sun", side="back")`."""
        return self.with_values({f"light.{key}": value for key, value in values.items()})

    @property
    def _file(self) -> str:
        return f'tandem "{self.name}"'

    def _within(self, which: str, do: Callable[[Stack | Parallel], T]) -> T:
        """What `do` makes of a junction; a refusal names the junction."""
        try:
            return do(self.cells[which])
        except InputError as fault:
            key = f"{which}.{fault.key}" if fault.key else which
            raise InputError(fault.message, fault.advice, file=self._file, key=key) from None

    def _split(self, path: str) -> tuple[str | None, str]:
        """Junction and the path in it; None for a path that begins at the tandem itself."""
        head, dot, rest = path.partition(".")
        if head in self.cells:
            if not dot:
                raise InputError(
                    f'"{path}" names a whole junction, not a number.',
                    f'Name one of its fields, such as "{path}.thickness".',
                    file=self._file,
                    key=path,
                )
            return head, rest
        between = [layer.name for layer in (*self.between, *self.lower_between)]
        if head in between or (head in _OWN and (head != "lower_junction" or self.middle is not None)):
            return None, path
        offered = [f"{which}.{path}" for which, cell in self.cells.items() if _resolves(cell, path)]
        if offered:
            listed = " or ".join(f'"{full}"' for full in offered)
            raise InputError(
                f'"{path}" does not say which junction of the tandem.',
                f"Write {listed}.",
                file=self._file,
                key=path,
            )
        full: dict[str, list[str]] = {
            name: [name] for name in (*between, *self.cells, "light", "temperature")
        }
        for which, cell in self.cells.items():
            known = [layer.name for stack in _stacks(cell) for layer in stack.layer]
            columns = [column.name for column in cell.column] if isinstance(cell, Parallel) else []
            for name in dict.fromkeys((*columns, *known)):
                full.setdefault(name, []).append(f"{which}.{name}")
        close = nearest(head, full) or tuple(full)
        listed = ", ".join(f'"{name}"' for known in close for name in full[known])
        raise UnknownNameError(
            "junction, layer, face or key",
            head,
            full,
            advice=f"Did you mean one of {listed}?" if len(close) < len(full) else f"Choose from {listed}.",
            file=self._file,
            key=path,
        )

    def _own_paths(self, path: str) -> tuple[str, ...]:
        """A path that begins at the tandem itself; two where it means both carriers of a junction's levels."""
        head, _, rest = path.partition(".")
        model = getattr(self, head, None)
        return short_paths.both(model, path) if isinstance(model, Model) and "." not in rest else (path,)

    def _own_steps(self, path: str) -> tuple[str | int, ...]:
        """A path that begins at the tandem itself as steps: one of its keys, or a layer between."""
        head, _, rest = path.partition(".")
        first: tuple[str | int, ...] = (head,)
        node, kind = getattr(self, head, None), paths.model_of(type(self), head) if head in _OWN else None
        for key in ("between", "lower_between"):
            for index, layer in enumerate(getattr(self, key)):
                if layer.name == head:
                    first, node, kind = (key, index), layer, Layer
        try:
            return (*first, *paths.below(self, path, rest, node, kind))
        except InputError as fault:
            raise InputError(fault.message, fault.advice, file=self._file, key=path) from None

    def quantities(self) -> dict[str, Quantity]:
        """Every number that the tandem states, by field path (defaults that nobody wrote are left out)."""
        found = dict(self._own_quantities())
        for which in self.cells:
            inside = surroundings.quantities(getattr(self._stated, which))
            found |= {f"{which}.{path}": number for path, number in inside.items()}
        return found

    def _own_quantities(self) -> Iterator[tuple[str, Quantity]]:
        for name in ("temperature", "light", "junction", "lower_junction"):
            if name in self.model_fields_set:
                yield from paths.walk(getattr(self, name), name)
        for layer in (*self.between, *self.lower_between):
            yield from paths.walk(layer, layer.name)

    def sources(self) -> dict[str, str]:
        """Where each stated number comes from, by field path; see `Stack.sources`.

        A number for which neither itself nor its junction names a source takes that of the tandem.
        """
        found = {path: paths.origin(number, self.source) for path, number in self._own_quantities()}
        for which in self.cells:
            told = surroundings.sources(getattr(self._stated, which), self.source)
            found |= {f"{which}.{path}": text for path, text in told.items()}
        return {path: text for path, text in found.items() if text}

    def taken(self) -> dict[str, str]:
        """The entry of the library of layers that each number comes from which `use` takes, by field path."""
        found = {
            f"{which}.{path}": used
            for which, stack in self.stacks.items()
            for path, used in stack.taken().items()
        }
        for layer in (*self.between, *self.lower_between):
            found |= dict(paths.taken_by(layer, layer.name))
        return found

    def spelled_out(self) -> Tandem:
        """The same cell with every number of the library of layers in place of `use`."""
        return type(self).from_data(paths.plain(self._stated, spelled_out=True), bare_numbers=True)

    # --- what others ask --------------------------------------------------------------------------

    @property
    def cells(self) -> dict[str, Stack | Parallel]:
        """The junctions by name, "top" first: a stack each, or the columns of a patchy one."""
        middle = {} if self.middle is None else {"middle": self.middle}
        return {"top": self.top, **middle, "bottom": self.bottom}

    @property
    def stacks(self) -> dict[str, Stack]:
        """The stacks that the cell consists of, by the prefix of their field paths: "top", or "top.covered"."""
        found: dict[str, Stack] = {}
        for which, cell in self.cells.items():
            if isinstance(cell, Stack):
                found[which] = cell
            else:
                found |= {f"{which}.{column}": stack for column, stack in cell.stacks.items()}
        return found

    @property
    def areas(self) -> dict[str, float]:
        """The fraction of the area that each of `stacks` covers: 1 but for the columns of a patchy junction."""
        found: dict[str, float] = {}
        for which, cell in self.cells.items():
            if isinstance(cell, Stack):
                found[which] = 1.0
            else:
                found |= {f"{which}.{column.name}": float(column.area) for column in cell.column}
        return found

    @property
    def joints(self) -> tuple[Junction, ...]:
        """What joins each junction to the next, in the order of light."""
        return (self.junction,) if self.middle is None else (self.junction, self.lower_junction)

    @property
    def in_order(self) -> tuple[tuple[str, Layer], ...]:
        """(part, layer) of all layers in the order of light, columns one after the other; see `stack.in_order`."""
        found: list[tuple[str, Layer]] = []
        for which in self.cells:
            found += [
                (name, layer)
                for name, stack in self.stacks.items()
                if name.partition(".")[0] == which
                for layer in stack.layer
            ]
            if which == "top":
                found += [("between", layer) for layer in self.between]
            elif which == "middle":
                found += [("lower_between", layer) for layer in self.lower_between]
        return tuple(found)

    @property
    def columns(self) -> tuple[tuple[float, dict[str, str], Tandem], ...]:
        """The tandems without columns that lie side by side in this one.

        Each with its fraction of the area (the product, where several junctions are patchy) and, by junction, the key
        of `stacks` that it consists of there. A tandem without columns is the only one itself, of area 1.
        """
        if list(self.stacks) == list(self.cells):
            return ((1.0, {which: which for which in self.cells}, self),)
        return self._columns

    @functools.cached_property
    def _columns(self) -> tuple[tuple[float, dict[str, str], Tandem], ...]:
        areas, stacks = self.areas, self.stacks
        choices = [[name for name in stacks if name.partition(".")[0] == which] for which in self.cells]
        # every part has been validated with the whole
        given = {key: getattr(self, key) for key in type(self).model_fields}
        found = []
        for chosen in itertools.product(*choices):
            names = dict(zip(self.cells, chosen, strict=True))
            patchy = ", ".join(name for which, name in names.items() if name != which)
            own = {which: stacks[name] for which, name in names.items()} | {"name": f"{self.name} {patchy}"}
            plain = type(self).model_construct(set(self.model_fields_set), **(given | own))
            found.append((math.prod(areas[name] for name in chosen), names, plain))
        return tuple(found)

    def _only_without_columns(self, what: str) -> None:
        """Raise InputError where a junction is patchy."""
        for which, cell in self.cells.items():
            if isinstance(cell, Parallel):
                listed = ", ".join(f"{which}.{column.name}" for column in cell.column)
                raise InputError(
                    f"the {which} junction has columns side by side ({listed}), so that {what}.",
                    "Look at one of the tandem's columns.",
                    file=self._file,
                    key=which,
                )

    @functools.cached_property
    def layer(self) -> tuple[Layer, ...]:
        """All layers in the order that light from the front meets them, called "top niox", "au", "bottom c60".

        Raises
        ------
        InputError : a junction is patchy, so that there is no one row.
        """
        self._only_without_columns("its layers stand in no one row")
        return tuple(
            layer.model_copy(update={"name": f"{part} {layer.name}"}) if part in self.cells else layer
            for part, layer in self.in_order
        )

    @functools.cached_property
    def interface(self) -> Faces:
        """The stated faces of all junctions, "top niox|top perovskite".

        Raises
        ------
        InputError : a junction is patchy.
        """
        self._only_without_columns("its layers stand in no one row")
        return Faces(
            {
                "|".join(f"{which} {name}" for name in key.split("|")): face
                for which, stack in self.stacks.items()
                for key, face in stack.interface.items()
            }
        )

    def merged(self, *names: str) -> Stack:
        """The electrical layers of consecutive junctions as one stack, whose inner faces hold the levels of `Traps`.

        Outer contacts; the series resistances of the junctions together; at each inner face the dipole that the joint
        states ("flat" stands as 0 here) and its levels. Layers are called "top niox". Generation cannot be found from
        this stack alone, because what carries no current is missing in it.

        Parameters
        ----------
        names : two junctions or three, one behind the other: "top", "middle".

        Raises
        ------
        InputError : junctions that are not neighbours, that have columns or a shunt resistance, or that are joined by
            anything but traps where the two layers touch.
        """
        known = list(self.cells)
        runs = [known[a:b] for a in range(len(known)) for b in range(a + 2, len(known) + 1)]
        if list(names) not in runs:
            raise InputError(
                f"{' and '.join(names) or 'nothing'} are no junctions one behind the other.",
                f"The junctions here are {', '.join(known)}.",
                file=self._file,
            )
        first = known.index(names[0])
        keys = ("junction", "lower_junction")[first : first + len(names) - 1]
        cells = {name: self.cells[name] for name in names}
        try:
            merging.check(cells, {key: getattr(self, key) for key in keys})
        except InputError as fault:
            raise InputError(fault.message, fault.advice, file=self._file, key=fault.key) from None
        stacks = {name: self.stacks[name] for name in names}
        return merging.one_stack(stacks, [getattr(self, key) for key in keys], self._shared)

    @property
    def whole(self) -> Stack:
        """All electrical layers as one stack without shunt, whatever joins the junctions; see `merged`.

        A `Resistive` junction adds its resistance to the others in series.

        Raises
        ------
        InputError : the junctions are separate, or one of them has columns.
        """
        if isinstance(self.junction, Separate):
            raise InputError(
                "a tandem with four terminals is no single stack: each junction works at its own point.",
                "Look at each junction alone.",
                file=self._file,
                key="junction",
            )
        self._only_without_columns("it is no single stack")
        return merging.one_stack(self.stacks, self.joints, self._shared)

    @property
    def _shared(self) -> dict[str, Any]:
        """What a stack of several junctions has from the tandem."""
        return {key: getattr(self, key) for key in ("name", "description", "source", "temperature", "light")}

    def at(self, terminals: Literal["top", "bottom"]) -> Tandem:
        """A tandem of four terminals with instruments connected to those of one junction, and called after it.

        Raises
        ------
        InputError : the tandem has two terminals.
        """
        if not isinstance(self.junction, Separate):
            raise InputError(
                "the junctions of this tandem share their terminals.",
                'Give it four with junction = "separate".',
                file=self._file,
                key="junction",
            )
        return self.with_values({"junction.terminals": terminals, "name": f"{self.name} {terminals}"})

    def mirrored(self) -> Tandem:
        """The same device described from the other end: junctions in the opposite order, each mirrored, the lit side
        changed, the dipoles between them flipped."""
        light = paths.plain(self.light)
        light.pop("side", None)
        if self.light.side == "front":
            light["side"] = "back"
        data = paths.plain(self._stated)
        data.pop("light", None)
        if light:
            data["light"] = light
        for which, other in zip(self.cells, reversed(self.cells), strict=True):
            seen = surroundings.as_stated(self.cells[other].mirrored(), other, surroundings.INNER[which])
            data[which] = paths.plain(seen)
        for keys in (("between", "lower_between"), ("junction", "lower_junction")):
            order = keys[: len(self.joints)]
            found = {key: data.pop(key) for key in order if key in data}
            data |= {
                there: found[here]
                for here, there in zip(order, reversed(order), strict=True)
                if here in found
            }
        for key in ("between", "lower_between"):
            if key in data:
                data[key] = list(reversed(data[key]))
        for key in ("junction", "lower_junction"):
            joint = data.get(key, {})
            if joint.get("terminals") in JUNCTIONS:
                data[key] = {**joint, "terminals": JUNCTIONS[1 - JUNCTIONS.index(joint["terminals"])]}
            if isinstance(joint.get("dipole"), Quantity):
                data[key] = {**joint, "dipole": joint["dipole"].negated()}
        return type(self).model_validate(data)


def _stacks(cell: Stack | Parallel) -> list[Stack]:
    return list(cell.stacks.values())


def _put(cell: Stack | Parallel, data: dict[str, Any], values: Mapping[str, Any]) -> None:
    """Set the values at some paths within a junction in its plain form, which states what `surroundings` leaves."""
    if isinstance(cell, Stack):
        for path, value in values.items():
            paths.put(cell, data, path, value)
        return
    # light and temperature are not the columns'
    shared = {path for path in values if path.partition(".")[0] in ("light", "temperature")}
    for path in shared:
        paths.put(_stacks(cell)[0], data, path, values[path])
    cell.put(data, {path: value for path, value in values.items() if path not in shared})


def _resolves(cell: Stack | Parallel, path: str) -> bool:
    head, _, rest = path.partition(".")
    if isinstance(cell, Parallel) and head in cell.stacks:
        return rest == "area" or _resolves(cell.stacks[head], rest)
    for stack in _stacks(cell):
        try:
            for full in short_paths.full(stack, path):
                paths.resolve(stack, full)
        except InputError:
            return False
    return True
