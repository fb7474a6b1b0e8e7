"""Field paths: `perovskite.thickness`, `niox|perovskite.dipole`, `contact.front.work_function`,
`light.intensity`.

The first part names a layer, a face or a key of the stack; the rest walks down its fields. Traps are
counted from 1 (`perovskite.trap.1.density`); the number may be left out where there is one only. A field of
`electronic` may be named without it (`perovskite.electron_mobility`) unless the layer has a field of that
name (`perovskite.bandgap`). In a stack with exactly one absorber `thickness` and `bandgap` alone are the
absorber's; setting that `bandgap` moves the optical edge and the electronic gap together. Both carriers at once and
layers by their role: `short_paths`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from perotwin.errors import InputError, UnknownNameError
from perotwin.materials import HALIDE
from perotwin.stack import layer_library, short_paths
from perotwin.stack.choices import OpticalGeneration
from perotwin.stack.parts import Electronic, Interface, Layer
from perotwin.stack.quantity_fields import Bandgap, Model, model_of, unknown_key
from perotwin.units import Quantity

if TYPE_CHECKING:
    from perotwin.stack.stack import Stack
    from perotwin.stack.use import FromLibrary

#: fields that are the only absorber's where they stand alone
SHORT = ("thickness", "bandgap")
_GAP: TypeAdapter[Quantity] = TypeAdapter(Bandgap)


def get(stack: Stack, path: str) -> Any:
    """The value at a path; InputError with the nearest keys when there is none."""
    paths = short_paths.full(stack, path)
    return short_paths.common(
        paths, lambda one: value_at(stack, resolve(stack, one), path), path, f'stack "{stack.name}"'
    )


def value_at(cell: Any, steps: Sequence[str | int], path: str) -> Any:
    """What `steps` lead to from a cell; `path` is how a person called it."""
    node: Any = cell
    for step in steps:
        if node is None:
            raise InputError(
                f'"{path}" is not set in "{cell.name}".', "State it in the file first.", key=path
            )
        if isinstance(node, dict):
            # a face that the file leaves out is a plain one
            node = node.get(step, Interface())
        else:
            node = node[step] if isinstance(step, int) else getattr(node, step)
    return node


def put(stack: Stack, data: dict[str, Any], path: str, value: Any) -> None:
    """Set the value at a path in the plain form of a stack (see `plain`); tables that are missing are
    made."""
    for one in short_paths.full(stack, path):
        _put(stack, data, one, value)


def _put(stack: Stack, data: dict[str, Any], path: str, value: Any) -> None:
    """The same for a path that is not short for others."""
    if path == "bandgap" and is_short(stack, path):
        _put_bandgap(stack, data, value)
        return
    steps = resolve(stack, path)
    if steps[0] in ("layer", "interface") and len(steps) == 2 and not isinstance(value, (Mapping, Model)):
        raise InputError(
            f'"{path}" names a whole layer or face, not a number.',
            f'Name one of its fields, such as "{path}.{"roughness" if "|" in path else "thickness"}".',
            file=f'stack "{stack.name}"',
            key=path,
        )
    set_at(data, steps, value, stack)


def set_at(data: dict[str, Any], steps: Sequence[str | int], value: Any, cell: Model) -> None:
    """Set what `steps` lead to in the plain form of a cell.

    A list or a choice on the way that `use` takes from the library is stated as a whole from there on.
    """
    node: Any = data
    model: Any = cell
    used = False
    for step, following in pairwise(steps):
        model = _step(model, step)
        used = used or getattr(model, "use", None) is not None
        if isinstance(step, int):
            node = node[step]
            continue
        child = node.get(step)
        if child is None and used and (isinstance(model, tuple) or getattr(model, "inline", False)):
            child = node[step] = plain(model)
        if child is None or isinstance(child, str):
            # A shorthand such as "optics", or a default that nobody wrote: give it a table of its own.
            child = {"kind": child} if isinstance(child, str) else [] if isinstance(following, int) else {}
            node[step] = child
        node = child
    node[steps[-1]] = plain(value) if isinstance(value, Model) else value


def _step(model: Any, step: str | int) -> Any:
    """What a step leads to from a model, a table or a list; None where there is nothing yet."""
    if model is None or isinstance(step, int):
        return None if model is None else model[step]
    return model.get(step) if isinstance(model, Mapping) else getattr(model, step, None)


def hold(data: Mapping[str, Any], temperature: Quantity) -> None:
    """Let the numbers in the plain form of a stack that hold at the temperature stated so far go on to hold there.

    Those of the library of layers say themselves where they hold.
    """
    for layer in data["layer"]:
        if "use" in layer and "electronic" in layer_library.part(layer["use"], "layer"):
            continue
        if layer.get("electronic") is not None:
            layer["electronic"].setdefault("reference_temperature", temperature)


def is_short(stack: Stack, path: str) -> bool:
    """Whether a path is short for a field of the absorber: `thickness` or `bandgap` alone, no layer called so."""
    return path in SHORT and all(layer.name != path for layer in stack.layer)


def _absorber(stack: Stack, path: str) -> int:
    """The only absorber's place among the layers; InputError where there is none or more than one."""
    found = [index for index, layer in enumerate(stack.layer) if layer.role == "absorber"]
    if len(found) != 1:
        names = [stack.layer[index].name for index in found]
        raise InputError(
            f'"{path}" alone is that of the only absorber, but there are {len(found) or "none"}.',
            "Name one of them: " + ", ".join(f'"{name}.{path}"' for name in names) + "."
            if names
            else "Name the layer that is meant.",
            file=f'stack "{stack.name}"',
            key=path,
        )
    return found[0]


def _put_bandgap(stack: Stack, data: dict[str, Any], value: Any) -> None:
    """Set the absorber's bandgap; an electronic gap that is stated apart keeps its distance from it."""
    index = _absorber(stack, "bandgap")
    layer = stack.layer[index]
    if isinstance(stack.light.generation, OpticalGeneration) and layer.material != HALIDE:
        raise InputError(
            f'the bandgap of "{layer.name}" cannot be changed as a whole, because its material has one absorption '
            "edge only.",
            f'Give it the material "{HALIDE}", whose edge follows the bandgap, or set '
            f'"{layer.name}.electronic.bandgap", which leaves the light as it is.',
            file=f'stack "{stack.name}"',
            key="bandgap",
        )
    apart = layer.electronic.bandgap if layer.electronic is not None else None
    if layer.bandgap is None:
        data["layer"][index].setdefault("electronic", {})["bandgap"] = value
        return
    data["layer"][index]["bandgap"] = value
    if apart is not None:
        gap = _GAP.validate_python(value)
        moved = float(apart) + (float(gap) - float(layer.bandgap))
        data["layer"][index].setdefault("electronic", {})["bandgap"] = Quantity(moved, dimension="energy")


def resolve(stack: Stack, path: str) -> tuple[str | int, ...]:
    """The path as steps from the root of the stack (attribute names, keys and indices), checked to exist."""
    head, _, rest = path.partition(".")
    steps: list[str | int]
    node: Any
    kind: Any
    if is_short(stack, path):
        index = _absorber(stack, path)
        layer = stack.layer[index]
        own = path in layer.model_fields_set or layer.electronic is None
        return ("layer", index, path) if own or path == "thickness" else ("layer", index, "electronic", path)
    if "|" in head:
        steps, node, kind = _face(stack, head, path), stack.interface.get(head), Interface
    elif head in type(stack).model_fields and head not in ("layer", "interface"):
        steps, node = [head], getattr(stack, head)
        kind = model_of(type(stack), head)
    else:
        names = [layer.name for layer in stack.layer]
        if head not in names:
            short = SHORT if len(stack.absorbers) == 1 else ()
            roles = dict.fromkeys(layer.role for layer in stack.layer)
            known = [
                *names,
                *short,
                *(role for role in roles if role not in names),
                *stack.interface,
                "light",
                "contact",
                "circuit",
                "temperature",
            ]
            raise UnknownNameError("layer, face or key", head, known, file=f'stack "{stack.name}"', key=path)
        index = names.index(head)
        steps, node, kind = ["layer", index], stack.layer[index], Layer
    return (*steps, *below(stack, path, rest, node, kind))


def _face(stack: Stack, head: str, path: str) -> list[str | int]:
    names = [layer.name for layer in stack.layer]
    faces = [f"{a}|{b}" for a, b in pairwise(names)]
    if head not in faces:
        advice = "The faces here are " + ", ".join(f'"{face}"' for face in faces) + "."
        raise UnknownNameError("face", head, faces, advice=advice, file=f'stack "{stack.name}"', key=path)
    return ["interface", head]


def below(cell: Any, path: str, rest: str, node: Any, kind: Any) -> list[str | int]:
    """The rest of a path as steps from `node`, a model or nothing yet of the class `kind`, checked to exist.

    `path` is the whole of it, for messages about the cell.
    """
    steps: list[str | int] = []
    parts = rest.split(".") if rest else []
    while parts:
        part = parts.pop(0)
        model = type(node) if isinstance(node, Model) else kind
        if model is None:
            raise InputError(
                f'"{path}" goes deeper than there are fields.',
                f'End it at "{path.removesuffix("." + ".".join([part, *parts]))}".',
                file=f'stack "{cell.name}"',
                key=path,
            )
        fields = model.model_fields
        if part not in fields and model is Layer and part in Electronic.model_fields:
            parts.insert(0, part)
            part = "electronic"
        if part not in fields:
            error = unknown_key(part, _known(model), f'in "{path.rpartition("." + part)[0] or path}"')
            raise InputError(error.message, error.advice, file=f'stack "{cell.name}"', key=path)
        steps.append(part)
        kind = model_of(model, part)
        node = getattr(node, part) if isinstance(node, Model) else None
        if part == "trap" and parts:
            index = _trap_index(cell, path, parts, node or ())
            steps.append(index)
            node = node[index]
    return steps


def _known(model: type[Model]) -> tuple[str, ...]:
    """What may stand behind the path of such a table: its keys, those of `electronic` of a layer, and short names."""
    fields = dict.fromkeys(model.model_fields)
    if model is Layer:
        fields |= dict.fromkeys(("lifetime", *Electronic.model_fields))
    elif model is Interface:
        fields["velocity"] = None
    rest = [one.removeprefix("electron_") for one in fields if one.startswith("electron_")]
    return tuple(fields | dict.fromkeys(one for one in rest if f"hole_{one}" in fields))


def _trap_index(cell: Any, path: str, parts: list[str], traps: Any) -> int:
    if parts[0].isdigit():
        number = int(parts.pop(0))
    elif len(traps) == 1:
        number = 1
    else:
        number = 0
    if not 1 <= number <= len(traps):
        raise InputError(
            f'"{path}" does not say which of {len(traps)} traps.',
            "Count from 1, as in perovskite.trap.1.density."
            if len(traps)
            else "There is no trap to vary there.",
            file=f'stack "{cell.name}"',
            key=path,
        )
    return number - 1


def turned(face: dict[str, Any]) -> dict[str, Any]:
    """The plain form of a face whose two layers change places: its dipoles point the other way."""
    if "dipole" in face:
        face = {**face, "dipole": face["dipole"].negated()}
    if "dipole" in face.get("patches", {}):
        patches = face["patches"]
        face = {**face, "patches": {**patches, "dipole": patches["dipole"].negated()}}
    return face


def plain(node: Any, spelled_out: bool = False) -> Any:
    """The stated fields of a model as nested dicts and lists; numbers stay `Quantity`, defaults are left out.

    What `use` takes from the library of layers is left out too, or stands in place of `use` where it is spelled out.
    """
    if isinstance(node, Model):
        node = node.all_stated() if spelled_out else node.as_stated()
        stated = node.model_fields_set
        if "kind" in type(node).model_fields:
            stated = stated | {"kind"}
        return {
            name: plain(getattr(node, name), spelled_out)
            for name in type(node).model_fields
            if _kept(node, name, stated)
        }
    if isinstance(node, tuple):
        return [plain(entry, spelled_out) for entry in node]
    if isinstance(node, dict):
        return {key: plain(entry, spelled_out) for key, entry in node.items()}
    return node


def _kept(node: Model, name: str, stated: set[str]) -> bool:
    return name in stated and getattr(node, name) is not None


def quantities(stack: Stack) -> Iterator[tuple[str, Quantity]]:
    """(field path, number) of everything that the stack states."""
    for name in type(stack).model_fields:
        if name not in stack.model_fields_set:
            continue
        value = getattr(stack, name)
        if name == "layer":
            for layer in value:
                yield from walk(layer, layer.name)
        elif name == "interface":
            for key, face in value.items():
                yield from walk(face, key)
        else:
            yield from walk(value, name)


def origin(quantity: Quantity, otherwise: str | None) -> str:
    """Where a number comes from: its source, "assumed, low to high", or both; `otherwise` where it says neither."""
    parts = [quantity.source] if quantity.source else []
    if quantity.assumed:
        parts.append(f"assumed, {quantity.assumed[0]} to {quantity.assumed[1]}")
    if not parts and otherwise:
        parts.append(otherwise)
    return "; ".join(parts) + (f" ({quantity.note})" if parts and quantity.note else "")


def taken(stack: Stack) -> Iterator[tuple[str, str]]:
    """(field path, entry of the library of layers) of every number that `use` takes from there."""
    contact = stack.contact
    ends = {} if contact is None else {f"contact.{end}": getattr(contact, end) for end in ("front", "back")}
    places: dict[str, Any] = {layer.name: layer for layer in stack.layer} | dict(stack.interface) | ends
    for place, model in places.items():
        yield from taken_by(model, place)


def taken_by(model: FromLibrary, place: str) -> Iterator[tuple[str, str]]:
    """(field path, entry of the library of layers) of the numbers that a layer, face or contact takes from there."""
    if model.use is not None:
        stated = {path for path, _ in walk(model.as_stated(), place)}
        yield from ((path, model.use) for path, _ in walk(model, place) if path not in stated)


def walk(node: Any, path: str) -> Iterator[tuple[str, Quantity]]:
    """(path, number) of everything that a model states, its own place being `path`."""
    if isinstance(node, Quantity):
        yield path, node
    elif isinstance(node, Model):
        for name in type(node).model_fields:
            if name in node.model_fields_set:
                yield from walk(getattr(node, name), f"{path}.{name}")
    elif isinstance(node, tuple):
        for number, entry in enumerate(node, start=1):
            yield from walk(entry, f"{path}.{number}")
