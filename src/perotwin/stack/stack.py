"""The stack: a whole cell as one frozen model, its field paths, its mirror image and its sources."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, model_validator

from perotwin.errors import InputError, UnknownNameError, suggestion
from perotwin.stack import paths, pinholes
from perotwin.stack.choices import DetailedBalance, OpticalGeneration, StepGeneration
from perotwin.stack.document import Document
from perotwin.stack.layered import Layered
from perotwin.stack.parts import ROOM_TEMPERATURE, Circuit, Contact, Contacts, Faces, Interface, Layer, Light
from perotwin.stack.quantity_fields import Name, Temperature
from perotwin.units import BOLTZMANN, Quantity

#: ways in which carriers pass a contact
_WAYS = tuple(name for name in Contact.model_fields if name not in ("use", "work_function"))
#: The largest gap, in kT, whose exponential stays well within a float.
_MOST_GAP_IN_KT = 650.0


class Stack(Layered, Document):
    """A single-junction cell: layers in the order that light meets them, faces, contacts, circuit.

    Build one from TOML (`Stack.from_toml`, `perotwin.load`) or from keyword arguments; every fault is an
    `InputError` that names file, key, cause and cure.

    Attributes
    ----------
    name, description : for people.
    source : where the numbers come from that do not say so themselves.
    recipe : name of the recipe that made it, if one did; instruments on samples measure what that recipe leaves.
    temperature : K.
    light : `Light`.
    layer : the layers, first the one that light meets when it comes from the front.
    interface : faces by "a|b", a before b.
    contact : front and back; absent only where no layer is electrical.
    circuit : series and shunt resistance.
    """

    name: Name
    description: str = ""
    source: str | None = None
    recipe: Name | None = None
    temperature: Temperature = ROOM_TEMPERATURE
    light: Light = Light()
    layer: tuple[Layer, ...]
    interface: Annotated[dict[str, Interface], AfterValidator(Faces)] = Field(default_factory=Faces)
    contact: Contacts | None = None
    circuit: Circuit = Circuit()

    hints: ClassVar[Mapping[str, str]] = {
        "column": "A file with columns is a Parallel: read it with perotwin.load or Parallel.from_toml.",
        "spectrum": "It belongs to the light: [light] with spectrum.",
        "intensity": "It belongs to the light: [light] with intensity.",
        "generation": "It belongs to the light: [light] with generation.",
        **{
            key: "A file with two junctions is a Tandem: read it with perotwin.load or Tandem.from_toml."
            for key in ("top", "bottom", "between", "junction")
        },
    }

    # --- validation -------------------------------------------------------------------------------

    @model_validator(mode="after")
    def _coherent_whole(self) -> Stack:
        _check_layers(self)
        pinholes.check(self)
        _check_temperature(self)
        _check_faces(self)
        _check_materials(self)
        _check_light(self)
        return self

    # --- field paths ------------------------------------------------------------------------------

    def get(self, path: str) -> Any:
        """The value at a field path such as "perovskite.thickness", "niox|perovskite.dipole" or
        "light.intensity"; "thickness" and "bandgap" alone are those of the only absorber."""
        return paths.get(self, path)

    def with_values(self, values: Mapping[str, Any]) -> Stack:
        """A copy with the values at some field paths replaced, validated as a whole.

        Numbers may be strings with a unit or floats in SI. Raises InputError (unknown path, impossible
        value).
        """
        data = paths.plain(self)
        if "temperature" in values:
            paths.hold(data, self.temperature)
        for path, value in values.items():
            paths.put(self, data, path, value)
        return type(self).from_data(data, file=f'stack "{self.name}"', bare_numbers=True)

    def with_light(self, **values: Any) -> Stack:
        """A copy under another light: `with_light(intensity="0.1 sun", side="back")`."""
        return self.with_values({f"light.{key}": value for key, value in values.items()})

    def quantities(self) -> dict[str, Quantity]:
        """Every number that the stack states, by field path (defaults that nobody wrote are left out)."""
        return dict(paths.quantities(self))

    def sources(self) -> dict[str, str]:
        """Where each stated number comes from, by field path.

        The text is the source, or "assumed, low to high", or both; a number that says neither takes the
        stack's `source`; one without any is left out.
        """
        found = {path: paths.origin(number, self.source) for path, number in paths.quantities(self)}
        return {path: text for path, text in found.items() if text}

    def taken(self) -> dict[str, str]:
        """The entry of the library of layers that each number comes from which `use` takes, by field path."""
        return dict(paths.taken(self))

    def spelled_out(self) -> Stack:
        """The same cell with every number of the library of layers in place of `use`."""
        return type(self).from_data(paths.plain(self, spelled_out=True), bare_numbers=True)

    # --- what others ask --------------------------------------------------------------------------

    @property
    def isolated(self) -> bool:
        """Whether no carrier passes at either end, as in a film without electrodes: what is generated recombines."""
        if self.contact is None:
            return False
        return all(
            (float(value) == 0.0 if "velocity" in way else False)
            if value is not None
            else "velocity" not in way
            for contact in (self.contact.front, self.contact.back)
            for way, value in ((way, getattr(contact, way)) for way in _WAYS)
        )

    @property
    def stacks(self) -> dict[str, Stack]:
        """The stacks that the cell consists of, by the prefix of their field paths: itself, without one."""
        return {"": self}

    def mirrored(self) -> Stack:
        """The same device described from the other end: layers, faces, contacts and lit side reversed,
        dipoles flipped."""
        data = paths.plain(self)
        data["layer"] = list(reversed(data["layer"]))
        for layer in data["layer"]:
            if layer.get("pinholes"):
                layer["pinholes"] = paths.turned(layer["pinholes"])
        faces: dict[str, Any] = {}
        for key, stated in self.interface.items():
            # a dipole of the library has a direction, so that the mirrored face states its own
            face = paths.plain(stated if stated.dipole == 0.0 else stated.all_stated())
            front, back = key.split("|")
            face = paths.turned(face)
            faces[f"{back}|{front}"] = face
        if faces:
            data["interface"] = faces
        if data.get("contact"):
            contacts = data["contact"]
            data["contact"] = {"front": contacts["back"], "back": contacts["front"]}
        light = dict(data.get("light", {}))
        if self.light.side == "front":
            light["side"] = "back"
        else:
            light.pop("side", None)
        data["light"] = light
        if not light:
            del data["light"]
        return type(self).model_validate(data)


def _check_layers(stack: Stack) -> None:
    if not stack.name.strip():
        raise InputError(
            "the name is empty.", "Name the cell: tables and files are labelled with it.", subkey="name"
        )
    names = [layer.name for layer in stack.layer]
    if not names:
        raise InputError(
            "the stack has no layer.",
            "Add [[layer]] tables, in the order that light meets them.",
            subkey="layer",
        )
    for name in names:
        if names.count(name) > 1:
            raise InputError(
                f'two layers are named "{name}", so that a field path could mean either.',
                "Give each layer its own name.",
                subkey=f"{name}.name",
            )
    electrical = [index for index, layer in enumerate(stack.layer) if layer.electronic is not None]
    if electrical:
        for index in range(electrical[0], electrical[-1]):
            if stack.layer[index].electronic is None:
                raise InputError(
                    f'the layer "{names[index]}" lies between electrical layers but has no electronic '
                    "parameters, so that no current could pass.",
                    f'Add [layer.electronic] to "{names[index]}", or move it out.',
                    subkey=f"{names[index]}.electronic",
                )
        if stack.contact is None:
            raise InputError(
                "the stack has electrical layers but no contacts.",
                'Add [contact.front] and [contact.back], each with work_function = "... eV" or "flat-band".',
                subkey="contact",
            )


def _check_temperature(stack: Stack) -> None:
    """Refuse a cold at which exp(-gap / kT) is no number any more: emission in detailed balance is divided by it."""
    for layer in stack.electrical_layers:
        least = layer.gap / (_MOST_GAP_IN_KT * BOLTZMANN)
        if stack.temperature < least and isinstance(stack.radiative(layer), DetailedBalance):
            raise InputError(
                f'{stack.temperature} is too cold for "{layer.name}": with its gap of {layer.gap:g} eV no carriers are '
                "left at equilibrium that a computer could count.",
                f"Give a temperature of at least {math.ceil(least)} K.",
                subkey="temperature",
            )


def _check_faces(stack: Stack) -> None:
    names = [layer.name for layer in stack.layer]
    for key, face in stack.interface.items():
        pair = key.split("|")
        if len(pair) != 2:
            raise InputError(
                f'"{key}" does not name a face.',
                'Write the two layers as "a|b", in the order of the layers.',
                subkey=key,
            )
        for name in pair:
            if name not in names:
                raise InputError(f'there is no layer "{name}".', suggestion(name, names), subkey=key)
        front, back = names.index(pair[0]), names.index(pair[1])
        if front - back == 1:
            raise InputError(
                f'the face "{key}" names its layers against the order of the stack.',
                f'Write "{pair[1]}|{pair[0]}"; the sign of a dipole follows that order.',
                subkey=key,
            )
        if back - front != 1:
            between = ", ".join(names[min(front, back) + 1 : max(front, back)]) or "nothing"
            raise InputError(
                f'the layers of the face "{key}" do not touch ({between} lies between them).',
                "Name two adjacent layers.",
                subkey=key,
            )
        if face.use is not None and stack.layer[back].role != "absorber" and _takes_dipole(face):
            raise InputError(
                f'the dipole of "{face.use}" holds where the absorber lies behind it as light from the front comes, '
                f'and "{pair[1]}" is no absorber.',
                'State the dipole in place: dipole = "... eV", the vacuum level of the second layer minus the first.',
                subkey=f"{key}.use",
            )
        electrical = all(stack.layer[index].electronic is not None for index in (front, back))
        stated = [
            name
            for name in ("dipole", "dipole_spread", "patches", "trap", "transport")
            if name in face.model_fields_set
        ]
        if stated and not electrical:
            raise InputError(
                f'the face "{key}" has {stated[0]}, but not both of its layers are electrical.',
                "Only roughness can stand there.",
                subkey=f"{key}.{stated[0]}",
            )


def _takes_dipole(face: Interface) -> bool:
    """Whether the dipole of a face is that of the library."""
    return face.dipole != 0.0 and "dipole" not in face.as_stated().model_fields_set


@functools.lru_cache(maxsize=1)
def _material_names() -> tuple[str, ...]:
    from perotwin import materials

    return materials.names()


def _check_materials(stack: Stack) -> None:
    for layer in stack.layer:
        if isinstance(layer.material, str) and layer.material not in _material_names():
            error = UnknownNameError("material", layer.material, _material_names())
            raise InputError(
                error.message,
                f'{error.advice} Your own table is {{ kind = "table", path = "..." }}, a page of refractiveindex.info '
                '{ kind = "refractiveindex", shelf = "...", book = "...", page = "..." }.',
                subkey=f"{layer.name}.material",
            )


def _check_light(stack: Stack) -> None:
    if isinstance(stack.light.generation, OpticalGeneration):
        for layer in stack.layer:
            if layer.material is None:
                raise InputError(
                    f'the layer "{layer.name}" has no material, but generation comes from optics.',
                    'Add material = "..." to the layer, or prescribe light.generation '
                    '(for example { kind = "uniform", rate = "1e21 cm^-3 s^-1" }).',
                    subkey=f"{layer.name}.material",
                )
    for layer in stack.layer:
        stated = layer.recombination.radiative
        if isinstance(stated, DetailedBalance):
            step = isinstance(stack.light.generation, StepGeneration) and layer.role == "absorber"
            if layer.material is None and not step:
                raise InputError(
                    f'radiative recombination of "{layer.name}" is to follow from its absorption, but it '
                    "has no material.",
                    'Add material = "...", or radiative = { kind = "coefficient", coefficient = "..." }.',
                    subkey=f"{layer.name}.recombination.radiative",
                )
    if isinstance(stack.light.generation, StepGeneration):
        for layer in stack.absorbers:
            if layer.bandgap is None and (layer.electronic is None or layer.electronic.bandgap is None):
                raise InputError(
                    f'generation is a step at the bandgap, but the absorber "{layer.name}" has none.',
                    'Add bandgap = "... eV" to the layer.',
                    subkey=f"{layer.name}.bandgap",
                )
