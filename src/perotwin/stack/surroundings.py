"""What a junction takes over from its tandem, and what of it a file states: light, temperature, inner contacts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from perotwin.errors import InputError, shown
from perotwin.spectra.intensity import is_of_power
from perotwin.stack import paths
from perotwin.stack.parallel import Column, Parallel
from perotwin.stack.parts import Contact, Light
from perotwin.stack.quantity_fields import Model, explain
from perotwin.stack.stack import Stack
from perotwin.units import Quantity

__all__ = ["INNER", "StatedColumns", "as_stated", "completed", "quantities", "sources"]

#: the ends of each junction that face another one
INNER: Mapping[str, tuple[str, ...]] = {"top": ("back",), "middle": ("front", "back"), "bottom": ("front",)}
_FLAT = Contact(work_function="flat-band")


class StatedColumns(Model):
    """A junction of columns as the file of its tandem states it, to be written down.

    light : the factor on the light of this junction, once for all columns. The stacks have no other.
    """

    name: str
    description: str = ""
    source: str | None = None
    light: Light = Light()
    column: tuple[Column, ...]


def completed(value: Any, which: str, light: Light, temperature: Quantity, context: Any) -> Any:
    """A junction with what it takes over from its tandem: light, temperature, default name and inner contacts.

    Args:
        value: what stands in the file, a stack or columns. Anything else is given back as it is.
        which: "top", "middle" or "bottom". light, temperature: those of the tandem. context: of the validation.

    Raises:
        InputError: the junction has a light or a temperature of its own.
    """
    if isinstance(value, (Stack, Parallel)):
        _check_shared(value, light, temperature, "junction")
        value = paths.plain(as_stated(value, which, INNER[which]))
    if not isinstance(value, Mapping):
        return value
    data = dict(value)
    if "temperature" in data:
        raise InputError(
            "a junction has no temperature of its own.",
            "State it once, as the tandem's temperature.",
            subkey="temperature",
        )
    own = data.pop("light", {})
    if isinstance(own, Mapping):
        for key in own:
            if key in Light.model_fields and key != "intensity":
                raise InputError(
                    f"the light of a junction has no {key} of its own.",
                    f"State light.{key} once, for the tandem; a junction may have an intensity, a factor on the "
                    "generation in it.",
                    subkey=f"light.{key}",
                )
        if is_of_power(own.get("intensity")):
            raise InputError(
                f'"{shown(own["intensity"])}" is a power, and the intensity of a junction is a factor on the light of '
                "its tandem.",
                'Write a number of suns, such as "1 sun".',
                subkey="light.intensity",
            )
        shared = {key: part for key, part in paths.plain(light).items() if key != "intensity"}
        own = {**shared, **own}
    surroundings = {"light": own, "temperature": temperature}
    if "column" not in data:
        return {"name": which, **_with_inner_contacts(data, which), **surroundings}
    columns = data["column"]
    surroundings["light"] = _light(own, context)
    if isinstance(columns, (list, tuple)):
        columns = [_column(entry, which, surroundings) for entry in columns]
    return {"name": which, **data, "column": columns}


def _light(own: Any, context: Any) -> Light:
    """The light of a junction, checked once and not in each of its columns."""
    try:
        return Light.model_validate(own, context=context)
    except ValidationError as error:
        fault = explain(error, data=own)
        raise InputError(
            fault.message, fault.advice, subkey=".".join(filter(None, ("light", fault.key)))
        ) from None


def _column(entry: Any, which: str, surroundings: Mapping[str, Any]) -> Any:
    """A column of a junction whose stack has what it takes over from the tandem."""
    if isinstance(entry, Column):
        entry = {"name": entry.name, "area": entry.area, "stack": entry.stack}
    if not isinstance(entry, Mapping):
        return entry
    name = str(entry.get("name", ""))
    stack = entry.get("stack")
    if isinstance(stack, Stack):
        _check_shared(stack, surroundings["light"], surroundings["temperature"], "column", name)
        if stack.light.intensity != surroundings["light"].intensity:
            raise InputError(
                f"the column has {stack.light.intensity} and its junction {surroundings['light'].intensity}.",
                f"Give {which}.light.intensity once; it holds in all columns.",
                subkey=f"{name}.light.intensity",
            )
        stated = paths.plain(_stack_as_stated(stack, name, INNER[which]))
        stack = {key: part for key, part in stated.items() if key != "light"}
    if not isinstance(stack, Mapping):
        return entry
    for key in ("light", "temperature"):
        if key in stack:
            once = (
                f"a factor on it once, as {which}.light.intensity"
                if key == "light"
                else "it once, as the tandem's temperature"
            )
            raise InputError(
                f"a column of a junction has no {key} of its own.", f"State {once}.", subkey=f"{name}.{key}"
            )
    return {**entry, "stack": {"name": name, **_with_inner_contacts(stack, which), **surroundings}}


def _with_inner_contacts(stack: Mapping[str, Any], which: str) -> dict[str, Any]:
    """The plain form of a stack whose contacts towards other junctions are flat unless it states them."""
    missing = {end: {"work_function": "flat-band"} for end in INNER[which]}
    contact = stack.get("contact", {} if len(missing) == 2 else None)
    return {**stack, "contact": {**missing, **contact}} if isinstance(contact, Mapping) else dict(stack)


def as_stated(cell: Stack | Parallel, name: str, inner: tuple[str, ...]) -> Stack | StatedColumns:
    """A junction that counts as stated only what the file of its tandem states.

    Left out are light and temperature (but for the factor on its light), a name that is the default, and inner contacts
    that are the default.

    Args:
        cell: the junction, complete. name: its default name. inner: the ends that face other junctions.
    """
    if isinstance(cell, Stack):
        return _stack_as_stated(cell, name, inner)
    light = _factor(cell.light)
    stated = cell.model_fields_set - ({"name"} if cell.name == name else set())
    columns = []
    for column in cell.column:
        stack = _stack_as_stated(column.stack, column.name, inner)
        stack.model_fields_set.discard("light")
        columns.append(column.model_copy(update={"stack": stack}))
    return StatedColumns.model_construct(
        stated | ({"light"} if light.model_fields_set else set()),
        **{key: getattr(cell, key) for key in ("name", "description", "source")},
        light=light,
        column=tuple(columns),
    )


def _stack_as_stated(stack: Stack, name: str, inner: tuple[str, ...]) -> Stack:
    light, contact = _factor(stack.light), stack.contact
    left_out = {"temperature"} | ({"name"} if stack.name == name else set())
    update: dict[str, Any] = {"light": light}
    if not light.model_fields_set:
        left_out.add("light")
    if contact is not None:
        contact = contact.model_copy()
        contact.model_fields_set.difference_update({end for end in inner if getattr(contact, end) == _FLAT})
        update["contact"] = contact
        if not contact.model_fields_set:
            left_out.add("contact")
    copy = stack.model_copy(update=update)
    copy.model_fields_set.intersection_update(stack.model_fields_set - left_out)
    return copy


def _factor(light: Light) -> Light:
    """The light of a junction, of which its file states the intensity at most."""
    own = light.model_copy()
    own.model_fields_set.intersection_update({"intensity"})
    return own


def _check_shared(
    cell: Stack | Parallel, light: Light, temperature: Quantity, what: str, name: str | None = None
) -> None:
    """Refuse a stack that becomes part of a tandem where its light or temperature is not the tandem's."""
    prefix = "" if name is None else f"{name}."
    if cell.temperature != temperature:
        raise InputError(
            f"the {what} is at {cell.temperature} and the tandem at {temperature}.",
            "Give both the same temperature.",
            subkey=f"{prefix}temperature",
        )
    for key in Light.model_fields:
        if key != "intensity" and getattr(cell.light, key) != getattr(light, key):
            raise InputError(
                f"the light of the {what} has another {key} than that of the tandem.",
                "Give both the same light; only its intensity may differ, as a factor.",
                subkey=f"{prefix}light.{key}",
            )


def quantities(stated: Stack | StatedColumns) -> dict[str, Quantity]:
    """Every number that the file of a tandem states of a junction, by field path within it."""
    if isinstance(stated, Stack):
        return stated.quantities()
    found = dict(paths.walk(stated.light, "light")) if "light" in stated.model_fields_set else {}
    for column in stated.column:
        found[f"{column.name}.area"] = column.area
        found |= {f"{column.name}.{path}": number for path, number in column.stack.quantities().items()}
    return found


def sources(stated: Stack | StatedColumns, otherwise: str | None) -> dict[str, str]:
    """Where each of these numbers comes from; `otherwise` is the source of the tandem, for those that say nothing."""
    if isinstance(stated, Stack):
        told = stated.sources()
        found = {path: told.get(path) or otherwise or "" for path in stated.quantities()}
    else:
        source = stated.source or otherwise
        found = {path: paths.origin(number, source) for path, number in quantities(stated).items()}
        for column in stated.column:
            for path, text in column.stack.sources().items():
                found[f"{column.name}.{path}"] = text
    return {path: text for path, text in found.items() if text}
