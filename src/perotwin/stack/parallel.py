"""Stacks side by side at one terminal voltage: a cell whose area is not the same everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, ClassVar, TypeVar

from pydantic import TypeAdapter, ValidationError, field_validator, model_validator

from perotwin.errors import InputError, UnknownNameError
from perotwin.stack.document import Document
from perotwin.stack.parts import Layer, Light
from perotwin.stack.paths import SHORT, hold, origin, plain, put
from perotwin.stack.quantity_fields import BARE_NUMBERS, AreaFraction, Model, Name, explain
from perotwin.stack.stack import Stack
from perotwin.units import Quantity

__all__ = ["Column", "Parallel"]

T = TypeVar("T")

#: how far the sum of the areas may be from one
_SUM = 1e-9
#: what a field path may begin with in any cell, so that no column can be called so
_KEYS = ("name", "description", "source", "column", *Stack.model_fields)


class Column(Model):
    """A part of the area, and the stack that is there.

    name : first part of the field paths of what is in it.
    area : fraction of the cell's area.
    """

    name: Name
    area: AreaFraction
    stack: Stack

    @field_validator("name")
    @classmethod
    def _usable_name(cls, name: str) -> str:
        if name != name.strip() or not name or any(character in name for character in '.|="\n'):
            raise InputError(
                f'"{name}" cannot name a column, because names are part of field paths.',
                "Use letters, digits and hyphens.",
            )
        if name in _KEYS:
            raise InputError(
                f'"{name}" cannot name a column, because it is a key of a cell.', "Choose another name."
            )
        return name


class Parallel(Document):
    """Columns side by side, all at the terminal voltage of the cell; their currents add in proportion to area.

    Carriers do not pass from one column to the next: it describes patches larger than the carriers' reach. Each column
    has the circuit of its own stack, whose resistances times area refer to the column's own area.

    A field path names a column first ("covered.niox|perovskite.dipole", "covered.area"); one that does not
    ("perovskite.thickness", "light.intensity") means the field in all columns.

    Attributes
    ----------
    name, description : for people.
    source : where the numbers come from that do not say so themselves.
    column : at least one; areas add up to one, light and temperature are the same in all.
    """

    name: Name
    description: str = ""
    source: str | None = None
    column: tuple[Column, ...]

    hints: ClassVar[Mapping[str, str]] = {
        key: f"Here it belongs to the stack of a column: [column.stack.{key}]."
        for key in ("layer", "interface", "contact", "circuit")
    }

    @model_validator(mode="after")
    def _coherent_whole(self) -> Parallel:
        _check_names(self)
        _check_areas(self)
        _check_surroundings(self)
        return self

    # --- field paths ------------------------------------------------------------------------------

    def get(self, path: str) -> Any:
        """The value at a field path such as "covered.perovskite.thickness", "covered.area" or "light.intensity".

        Raises
        ------
        InputError : no such path, or one without a column whose value is not the same in all.
        """
        name, rest = self._split(path)
        if name is None and path in ("name", "description", "source"):
            return getattr(self, path)
        if name is not None:
            column = self.named(name)
            return column.area if rest == "area" else self._within(column, partial(Stack.get, path=rest))
        values = {column.name: self._within(column, partial(Stack.get, path=path)) for column in self.column}
        first, *others = values.values()
        if any(other != first for other in others):
            listed = ", ".join(f"{value} in {column}" for column, value in values.items())
            raise InputError(
                f'"{path}" is not the same in all columns ({listed}).',
                f'Name the column first, as in "{self.column[0].name}.{path}".',
                file=f'cell "{self.name}"',
                key=path,
            )
        return first

    def with_values(self, values: Mapping[str, Any]) -> Parallel:
        """A copy with the values at some field paths replaced, validated as a whole.

        A path without a column sets the field in every column. The areas that are not set are scaled, so that all add
        up to one. Numbers may be strings with a unit or floats in SI.

        Raises
        ------
        InputError : an unknown path, an impossible value.
        """
        data = plain(self)
        self.put(data, values)
        return type(self).from_data(data, file=f'cell "{self.name}"', bare_numbers=True)

    def put(self, data: dict[str, Any], values: Mapping[str, Any]) -> None:
        """Set the values at some field paths in the plain form of this cell; see `with_values`.

        Raises
        ------
        InputError : an unknown path, an impossible area.
        """
        areas: dict[str, Any] = {}
        inside: dict[str, dict[str, Any]] = {column.name: {} for column in self.column}
        for path, value in values.items():
            name, rest = self._split(path)
            if name is None and path in ("name", "description", "source"):
                data[path] = value
            elif name is None:
                for changes in inside.values():
                    changes[path] = value
            elif rest == "area":
                areas[name] = value
            else:
                inside[name][rest] = value
        fractions = self._areas(areas)
        for column, entry in zip(self.column, data["column"], strict=True):
            entry["area"] = fractions[column.name]
            for path, value in inside[column.name].items():
                if path == "temperature":
                    hold(entry["stack"], column.stack.temperature)
                self._within(column, partial(put, data=entry["stack"], path=path, value=value))

    def with_light(self, **values: Any) -> Parallel:
        """A copy under another light: `with_light(intensity="0.1 sun", side="back")`."""
        return self.with_values({f"light.{key}": value for key, value in values.items()})

    def _within(self, column: Column, do: Callable[[Stack], T]) -> T:
        """What `do` makes of a column's stack; a refusal names the column."""
        try:
            return do(column.stack)
        except InputError as fault:
            key = f"{column.name}.{fault.key}" if fault.key else column.name
            raise InputError(fault.message, fault.advice, file=f'cell "{self.name}"', key=key) from None

    def _split(self, path: str) -> tuple[str | None, str]:
        """Column and the path in it; None for a path without a column."""
        head, dot, rest = path.partition(".")
        names = [column.name for column in self.column]
        if head not in names:
            layers = dict.fromkeys(layer.name for stack in self.stacks.values() for layer in stack.layer)
            roles = {layer.role for stack in self.stacks.values() for layer in stack.layer}
            if "|" not in head and head not in (*_KEYS, *layers, *roles) and path not in SHORT:
                known = [*names, *layers, "light", "contact", "circuit", "temperature"]
                raise UnknownNameError(
                    "column, layer, face or key", head, known, file=f'cell "{self.name}"', key=path
                )
            return None, path
        if not dot:
            raise InputError(
                f'"{path}" names a whole column, not a number.',
                f'Name one of its fields, such as "{path}.area".',
                file=f'cell "{self.name}"',
                key=path,
            )
        return head, rest

    def _areas(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The area of every column when some are set: the others share the rest in the proportion that they had."""
        areas: dict[str, Any] = {column.name: column.area for column in self.column}
        if not given:
            return areas
        for name, value in given.items():
            try:
                areas[name] = _AREA.validate_python(value, context={BARE_NUMBERS: True})
            except ValidationError as error:
                fault = explain(error)
                raise InputError(
                    fault.message, fault.advice, file=f'cell "{self.name}"', key=f"{name}.area"
                ) from None
        others = [name for name in areas if name not in given]
        if not others:
            return areas
        left = 1.0 - sum(float(areas[name]) for name in given)
        if not left > _SUM:
            raise InputError(
                f"an area of {', '.join(str(areas[name]) for name in given)} leaves nothing for "
                f"{', '.join(others)}.",
                "Give less than the whole area, or take the column out of the file.",
                file=f'cell "{self.name}"',
                key=", ".join(f"{name}.area" for name in given),
            )
        scale = left / sum(float(areas[name]) for name in others)
        return areas | {name: Quantity(float(areas[name]) * scale, dimension="fraction") for name in others}

    def quantities(self) -> dict[str, Quantity]:
        """Every number that the cell states, by field path (defaults that nobody wrote are left out)."""
        return dict(self._prefixed(lambda stack: stack.quantities(), lambda column: column.area))

    def sources(self) -> dict[str, str]:
        """Where each stated number comes from, by field path; see `Stack.sources`.

        A number for which neither itself nor its column's stack names a source takes that of the cell.
        """
        found = dict(
            self._prefixed(lambda stack: stack.sources(), lambda column: origin(column.area, self.source))
        )
        if self.source:
            found = {path: found.get(path) or self.source for path in self.quantities()}
        return {path: text for path, text in found.items() if text}

    def taken(self) -> dict[str, str]:
        """The entry of the library of layers that each number comes from which `use` takes, by field path."""
        return {
            f"{column.name}.{path}": used
            for column in self.column
            for path, used in column.stack.taken().items()
        }

    def spelled_out(self) -> Parallel:
        """The same cell with every number of the library of layers in place of `use`."""
        return type(self).from_data(plain(self, spelled_out=True), bare_numbers=True)

    def _prefixed(
        self, inside: Callable[[Stack], Mapping[str, T]], area: Callable[[Column], T]
    ) -> Iterator[tuple[str, T]]:
        for column in self.column:
            yield f"{column.name}.area", area(column)
            for path, value in inside(column.stack).items():
                yield f"{column.name}.{path}", value

    # --- what others ask --------------------------------------------------------------------------

    @property
    def light(self) -> Light:
        """What shines on the cell, the same on all columns."""
        return self.column[0].stack.light

    @property
    def temperature(self) -> Quantity:
        """K, the same in all columns."""
        return self.column[0].stack.temperature

    @property
    def stacks(self) -> dict[str, Stack]:
        """The stacks of the columns, by the prefix of their field paths."""
        return {column.name: column.stack for column in self.column}

    @property
    def electrical_layers(self) -> tuple[Layer, ...]:
        """The layers with electronic parameters of all columns, one column after the other."""
        return tuple(layer for column in self.column for layer in column.stack.electrical_layers)

    @property
    def absorbers(self) -> tuple[Layer, ...]:
        """The layers of role absorber of all columns, one column after the other."""
        return tuple(layer for column in self.column for layer in column.stack.absorbers)

    def named(self, name: str) -> Column:
        """The column of that name; UnknownNameError with the nearest ones otherwise."""
        for column in self.column:
            if column.name == name:
                return column
        names = (column.name for column in self.column)
        raise UnknownNameError("column", name, names, file=f'cell "{self.name}"')

    def mirrored(self) -> Parallel:
        """The same cell described from the other end; see `Stack.mirrored`."""
        columns = [
            {"name": column.name, "area": column.area, "stack": column.stack.mirrored()}
            for column in self.column
        ]
        return type(self).model_validate({**plain(self), "column": columns})


_AREA: TypeAdapter[Quantity] = TypeAdapter(AreaFraction)


def _check_names(cell: Parallel) -> None:
    if not cell.name.strip():
        raise InputError(
            "the name is empty.", "Name the cell: tables and files are labelled with it.", subkey="name"
        )
    if not cell.column:
        raise InputError(
            "the cell has no column.", "Add [[column]] tables with name, area and stack.", subkey="column"
        )
    names = [column.name for column in cell.column]
    layers = {layer.name for column in cell.column for layer in column.stack.layer}
    for name in names:
        if names.count(name) > 1:
            raise InputError(
                f'two columns are named "{name}", so that a field path could mean either.',
                "Give each column its own name.",
                subkey=f"{name}.name",
            )
        if name in layers:
            raise InputError(
                f'"{name}" names a column and a layer, so that a field path could mean either.',
                "Give the column another name.",
                subkey=f"{name}.name",
            )


def _check_areas(cell: Parallel) -> None:
    total = sum(float(column.area) for column in cell.column)
    if abs(total - 1.0) > _SUM:
        listed = " + ".join(f"{float(column.area):.12g}" for column in cell.column)
        raise InputError(
            f"the areas of the columns are fractions of the cell, but {listed} = {total:.12g}.",
            "Let them add up to 1.",
            subkey="column",
        )


def _check_surroundings(cell: Parallel) -> None:
    """Refuse columns under different light or at different temperatures: they are parts of one cell."""
    first, *others = cell.column
    for other in others:
        if other.stack.temperature != first.stack.temperature:
            raise InputError(
                f"the column has {other.stack.temperature} and {first.name} has {first.stack.temperature}, but "
                "they are parts of one cell.",
                "Give all columns the same temperature.",
                subkey=f"{other.name}.temperature",
            )
        for key in Light.model_fields:
            if getattr(other.stack.light, key) != getattr(first.stack.light, key):
                raise InputError(
                    f"the light of the column is not that of {first.name}, but they are parts of one cell.",
                    "Give all columns the same [light].",
                    subkey=f"{other.name}.light.{key}",
                )
