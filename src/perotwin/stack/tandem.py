"""Two junctions one behind the other: a tandem with two or with four terminals."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import ValidationInfo, field_validator, model_validator

from perotwin.errors import InputError, UnknownNameError, nearest
from perotwin.stack import paths
from perotwin.stack.document import Document
from perotwin.stack.fields import Model, Temperature
from perotwin.stack.junction import Ideal, Junction, Resistive, Separate, Traps
from perotwin.stack.layered import Layered
from perotwin.stack.parts import (
    ROOM_TEMPERATURE,
    Circuit,
    Contact,
    Contacts,
    Faces,
    FaceTrap,
    Interface,
    Layer,
    Light,
)
from perotwin.stack.stack import Stack
from perotwin.units import Quantity

__all__ = ["JUNCTIONS", "Tandem"]

T = TypeVar("T")

#: the two junctions, in the order in which light from the front meets them
JUNCTIONS: tuple[Literal["top"], Literal["bottom"]] = ("top", "bottom")
#: the end of each junction that faces the other one
_INNER = {"top": "back", "bottom": "front"}
#: where a field path walks down from the tandem itself
_OWN = ("name", "description", "source", "temperature", "light", "junction")
_FLAT = Contact(work_function="flat-band")
_THREE = (
    "A tandem here has two junctions, [top] and [bottom]; three or more are not modelled. Join two of them, or "
    "describe each alone."
)


class Tandem(Layered, Document):
    """Two single junctions that share the light, the temperature and, with two terminals, the current.

    Each junction is a complete `Stack`: its electrical layers, and on the outer side whatever the light passes or
    ends at. Light and temperature are the tandem's; in a file a junction states neither, except for
    `[top.light] intensity`, a factor on the generation in that junction only (how many suns it alone gets). So
    `tandem.top.light` is the tandem's light with that factor as its intensity.

    A field path names a junction first: "top.perovskite.thickness", "bottom.pedot-pss|perovskite.dipole". A layer
    between them is named alone ("au.thickness"); "top.thickness" and "top.bandgap" are those of the absorber.

    Seen as layers in one row (`layer`, `interface`, `absorbers`, ...), a junction's layer is called after the junction
    too: "top perovskite", "top niox|top perovskite".

    Attributes
    ----------
    name, description : for people.
    source : where the numbers come from that do not say so themselves.
    temperature, light : K; `Light`.
    top : the junction that light from the front meets first; it ends with its last electrical layer.
    between : layers without electronic parameters between the junctions.
    junction : how the junctions are joined.
    bottom : the other one; it begins with its first electrical layer.
    """

    name: str
    description: str = ""
    source: str | None = None
    temperature: Temperature = ROOM_TEMPERATURE
    light: Light = Light()
    top: Stack
    between: tuple[Layer, ...] = ()
    junction: Junction = Ideal()
    bottom: Stack

    hints: ClassVar[Mapping[str, str]] = {
        **{key: _THREE for key in ("middle", "cell", "cells", "third", "centre", "center")},
        **{
            key: f"It belongs to a junction: [top.{key}] or [bottom.{key}]."
            for key in ("contact", "circuit", "interface")
        },
        "layer": "Layers belong to a junction, [[top.layer]] or [[bottom.layer]], or lie between: [[between]].",
    }

    # --- validation -------------------------------------------------------------------------------

    @field_validator("top", "bottom", mode="before")
    @classmethod
    def _shares_surroundings(cls, value: Any, info: ValidationInfo) -> Any:
        """Give a junction the light and the temperature of the whole, its default name and its inner contact."""
        which = str(info.field_name)
        light = info.data.get("light", Light())
        temperature = info.data.get("temperature", ROOM_TEMPERATURE)
        if isinstance(value, Stack):
            value = _without_surroundings(value, which, light, temperature)
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
            shared = {key: part for key, part in paths.plain(light).items() if key != "intensity"}
            own = {**shared, **own}
        contact = data.get("contact")
        if isinstance(contact, Mapping) and _INNER[which] not in contact:
            data["contact"] = {**contact, _INNER[which]: {"work_function": "flat-band"}}
        return {"name": which, **data, "light": own, "temperature": temperature}

    @model_validator(mode="after")
    def _coherent_whole(self) -> Tandem:
        if not self.name.strip():
            raise InputError(
                "the name is empty.", "Name the cell: tables and files are labelled with it.", subkey="name"
            )
        _check_ends(self)
        _check_between(self)
        return self

    # --- reading and writing ----------------------------------------------------------------------

    def to_toml(self) -> str:
        """The tandem as TOML, every number as it was written; `from_toml` gives the same tandem bit for bit."""
        from perotwin.stack.toml import write

        return write(self._stated)

    @functools.cached_property
    def _stated(self) -> Tandem:
        """The tandem as its file states it: what the junctions take over from it counts as not stated."""
        junctions = {which: _as_stated(stack, which) for which, stack in self.cells.items()}
        copy = self.model_copy(update=junctions)
        copy.model_fields_set.clear()
        copy.model_fields_set.update(self.model_fields_set)
        return copy

    # --- field paths ------------------------------------------------------------------------------

    def get(self, path: str) -> Any:
        """The value at a field path such as "top.perovskite.thickness", "bottom.thickness", "au.thickness",
        "junction.resistance" or "light.intensity".

        Raises
        ------
        InputError : no such path, or one that names a layer without its junction (the full paths are offered).
        """
        which, rest = self._split(path)
        if which is not None:
            return self._within(which, functools.partial(Stack.get, path=rest))
        return paths.value_at(self, self._own_steps(path), path)

    def with_values(self, values: Mapping[str, Any]) -> Tandem:
        """A copy with the values at some field paths replaced, validated as a whole.

        Numbers may be strings with a unit or floats in SI.

        Raises
        ------
        InputError : an unknown path, an impossible value.
        """
        data = paths.plain(self._stated)
        if "temperature" in values:
            for which in JUNCTIONS:
                paths.hold(data[which], self.temperature)
        for path, value in values.items():
            junction, rest = self._split(path)
            if junction is None:
                own = paths.plain(value) if isinstance(value, Model) else value
                paths.set_at(data, self._own_steps(path), own)
            else:
                self._within(
                    junction, functools.partial(paths.put, data=data[junction], path=rest, value=value)
                )
        return type(self).from_data(data, file=self._file, bare_numbers=True)

    def with_light(self, **values: Any) -> Tandem:
        """A copy under another light: `with_light(intensity="0.1 sun", side="back")`."""
        return self.with_values({f"light.{key}": value for key, value in values.items()})

    @property
    def _file(self) -> str:
        return f'tandem "{self.name}"'

    def _within(self, which: str, do: Callable[[Stack], T]) -> T:
        """What `do` makes of a junction; a refusal names the junction."""
        try:
            return do(self.cells[which])
        except InputError as fault:
            key = f"{which}.{fault.key}" if fault.key else which
            raise InputError(fault.message, fault.advice, file=self._file, key=key) from None

    def _split(self, path: str) -> tuple[str | None, str]:
        """Junction and the path in it; None for a path that begins at the tandem itself."""
        head, dot, rest = path.partition(".")
        if head in JUNCTIONS:
            if not dot:
                raise InputError(
                    f'"{path}" names a whole junction, not a number.',
                    f'Name one of its fields, such as "{path}.thickness".',
                    file=self._file,
                    key=path,
                )
            return head, rest
        between = [layer.name for layer in self.between]
        if head in (*_OWN, *between):
            return None, path
        offered = [f"{which}.{path}" for which, stack in self.cells.items() if _resolves(stack, path)]
        if offered:
            listed = " or ".join(f'"{full}"' for full in offered)
            raise InputError(
                f'"{path}" does not say which junction of the tandem.',
                f"Write {listed}.",
                file=self._file,
                key=path,
            )
        full: dict[str, list[str]] = {name: [name] for name in (*between, *JUNCTIONS, "light", "temperature")}
        for which, stack in self.cells.items():
            for layer in stack.layer:
                full.setdefault(layer.name, []).append(f"{which}.{layer.name}")
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

    def _own_steps(self, path: str) -> tuple[str | int, ...]:
        """A path that begins at the tandem itself as steps: one of its keys, or a layer between."""
        head, _, rest = path.partition(".")
        names = [layer.name for layer in self.between]
        first: tuple[str | int, ...] = (head,)
        node, kind = getattr(self, head, None), paths.model_of(type(self), head) if head in _OWN else None
        if head in names:
            index = names.index(head)
            first, node, kind = ("between", index), self.between[index], Layer
        try:
            return (*first, *paths.below(self, path, rest, node, kind))
        except InputError as fault:
            raise InputError(fault.message, fault.advice, file=self._file, key=path) from None

    def quantities(self) -> dict[str, Quantity]:
        """Every number that the tandem states, by field path (defaults that nobody wrote are left out)."""
        found = dict(self._own_quantities())
        for which in JUNCTIONS:
            stated: Stack = getattr(self._stated, which)
            found |= {f"{which}.{path}": number for path, number in stated.quantities().items()}
        return found

    def _own_quantities(self) -> Iterator[tuple[str, Quantity]]:
        for name in ("temperature", "light", "junction"):
            if name in self.model_fields_set:
                yield from paths.walk(getattr(self, name), name)
        for layer in self.between:
            yield from paths.walk(layer, layer.name)

    def sources(self) -> dict[str, str]:
        """Where each stated number comes from, by field path; see `Stack.sources`.

        A number for which neither itself nor its junction names a source takes that of the tandem.
        """
        found = {path: paths.origin(number, self.source) for path, number in self._own_quantities()}
        for which in JUNCTIONS:
            stated: Stack = getattr(self._stated, which)
            told = stated.sources()
            for path in stated.quantities():
                found[f"{which}.{path}"] = told.get(path) or self.source or ""
        return {path: text for path, text in found.items() if text}

    # --- what others ask --------------------------------------------------------------------------

    @property
    def cells(self) -> dict[str, Stack]:
        """The junctions by name, "top" first."""
        return {"top": self.top, "bottom": self.bottom}

    @property
    def stacks(self) -> dict[str, Stack]:
        """The stacks that the cell consists of, by the prefix of their field paths."""
        return self.cells

    @functools.cached_property
    def layer(self) -> tuple[Layer, ...]:
        """All layers in the order that light from the front meets them, called "top niox", "au", "bottom c60"."""
        return (*_called(self.top.layer, "top"), *self.between, *_called(self.bottom.layer, "bottom"))

    @functools.cached_property
    def interface(self) -> Faces:
        """The stated faces of both junctions, "top niox|top perovskite"."""
        return Faces(
            {
                "|".join(f"{which} {name}" for name in key.split("|")): face
                for which, stack in self.cells.items()
                for key, face in stack.interface.items()
            }
        )

    @functools.cached_property
    def whole(self) -> Stack:
        """All electrical layers as one stack, as a solver of the whole tandem takes it.

        Outer contacts; the series resistances of both junctions and of a `Resistive` junction together, no shunt; at
        the inner face the dipole that the junction states ("flat" stands as 0 here) and the levels of `Traps`.
        Generation cannot be found from this stack alone, because what carries no current is missing in it.

        Raises
        ------
        InputError : the junctions are separate, or one of them has no contact.
        """
        if isinstance(self.junction, Separate):
            raise InputError(
                "a tandem with four terminals is no single stack: each junction works at its own point.",
                "Look at each junction alone.",
                file=self._file,
                key="junction",
            )
        top, bottom = self.top, self.bottom
        assert top.contact is not None and bottom.contact is not None  # both have electrical layers
        upper, lower = _called(top.electrical_layers, "top"), _called(bottom.electrical_layers, "bottom")
        names = {layer.name for layer in (*upper, *lower)}
        faces = {key: face for key, face in self.interface.items() if set(key.split("|")) <= names}
        faces[f"{upper[-1].name}|{lower[0].name}"] = self._inner_face()
        resistance = sum(float(one.circuit.series_resistance) for one in (top, bottom))
        if isinstance(self.junction, Resistive):
            resistance += float(self.junction.resistance)
        return Stack(
            name=self.name,
            description=self.description,
            source=self.source,
            temperature=self.temperature,
            light=self.light,
            layer=(*upper, *lower),
            interface=faces,
            contact=Contacts(front=top.contact.front, back=bottom.contact.back),
            circuit=Circuit(series_resistance=resistance),
        )

    def _inner_face(self) -> Interface:
        """The face between the two junctions as an interface of `whole`."""
        if not isinstance(self.junction, Traps):
            return Interface()
        joined = self.junction
        trap = FaceTrap(
            level=joined.level, electron_velocity=joined.electron_velocity, hole_velocity=joined.hole_velocity
        )
        step = {} if joined.dipole == "flat" else {"dipole": joined.dipole}
        return Interface(trap=(trap,), **step)

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
        """The same device described from the other end: junctions swapped, each mirrored, the lit side changed, the
        dipole of the junction flipped."""
        light = paths.plain(self.light)
        light.pop("side", None)
        if self.light.side == "front":
            light["side"] = "back"
        data = paths.plain(self._stated)
        data.pop("light", None)
        if light:
            data["light"] = light
        for which, other in zip(JUNCTIONS, reversed(JUNCTIONS), strict=True):
            seen = paths.plain(_as_stated(self.cells[other].mirrored(), other, inner=_INNER[which]))
            data[which] = seen
        if self.between:
            data["between"] = list(reversed(data["between"]))
        terminals = data.get("junction", {}).get("terminals")
        if terminals in JUNCTIONS:
            data["junction"] = {**data["junction"], "terminals": JUNCTIONS[1 - JUNCTIONS.index(terminals)]}
        step = data.get("junction", {}).get("dipole")
        if isinstance(step, Quantity):
            data["junction"] = {**data["junction"], "dipole": step.negated()}
        return type(self).model_validate(data)


def _called(layers: tuple[Layer, ...], which: str) -> tuple[Layer, ...]:
    """Copies of a junction's layers that are called after the junction too."""
    return tuple(layer.model_copy(update={"name": f"{which} {layer.name}"}) for layer in layers)


def _resolves(stack: Stack, path: str) -> bool:
    try:
        paths.resolve(stack, path)
    except InputError:
        return False
    return True


def _as_stated(stack: Stack, which: str, inner: str | None = None) -> Stack:
    """A junction that counts as stated only what the file of its tandem states.

    Left out are light and temperature (but for the factor on its light), a name that is the default, and an inner
    contact that is the default; `inner` is the end that faces the other junction.
    """
    inner = inner or _INNER[which]
    update: dict[str, Any] = {}
    light = stack.light.model_copy()
    light.model_fields_set.intersection_update({"intensity"})
    update["light"] = light
    contact = stack.contact
    if contact is not None and getattr(contact, inner) == _FLAT:
        contact = contact.model_copy()
        contact.model_fields_set.discard(inner)
        update["contact"] = contact
    copy = stack.model_copy(update=update)
    left_out = {"temperature"} | ({"name"} if stack.name == which else set())
    if not light.model_fields_set:
        left_out.add("light")
    copy.model_fields_set.intersection_update(stack.model_fields_set - left_out)
    return copy


def _without_surroundings(stack: Stack, which: str, light: Light, temperature: Quantity) -> dict[str, Any]:
    """The plain form of a stack that becomes a junction; refused where light or temperature is not the tandem's."""
    if stack.temperature != temperature:
        raise InputError(
            f"the junction is at {stack.temperature} and the tandem at {temperature}.",
            "Give both the same temperature.",
            subkey="temperature",
        )
    for key in Light.model_fields:
        if key != "intensity" and getattr(stack.light, key) != getattr(light, key):
            raise InputError(
                f"the light of the junction has another {key} than that of the tandem.",
                "Give both the same light; only its intensity may differ, as a factor.",
                subkey=f"light.{key}",
            )
    return dict(paths.plain(_as_stated(stack, which)))


def _check_ends(tandem: Tandem) -> None:
    """Refuse a junction without electrical layers, or with others towards the other junction."""
    for which, stack in tandem.cells.items():
        if not stack.electrical_layers:
            raise InputError(
                "the junction has no electrical layer.",
                "Add [top.layer.electronic] to its layers."
                if which == "top"
                else "Add [bottom.layer.electronic] to its layers.",
                subkey=which,
            )
        inner = stack.layer[-1 if which == "top" else 0]
        if inner.electronic is None:
            place = "ends" if which == "top" else "begins"
            raise InputError(
                f'the {which} junction {place} with "{inner.name}", which has no electronic parameters, so that no '
                "current could pass to the other junction.",
                "Move it out of the junction into [[between]], where light passes it.",
                subkey=f"{which}.{inner.name}",
            )


def _check_between(tandem: Tandem) -> None:
    names = [layer.name for layer in tandem.layer]
    for layer in tandem.between:
        if layer.electronic is not None:
            raise InputError(
                f'"{layer.name}" lies between the junctions but has electronic parameters.',
                "Give it to a junction as its last or first layer, or remove [between.electronic].",
                subkey=f"{layer.name}.electronic",
            )
        if layer.name in (*_OWN, *JUNCTIONS, "between"):
            raise InputError(
                f'"{layer.name}" cannot name a layer between, because it is a key of a tandem.',
                "Choose another name.",
                subkey=f"{layer.name}.name",
            )
        if names.count(layer.name) > 1:
            raise InputError(
                f'two layers are named "{layer.name}", so that a field path could mean either.',
                "Give each layer its own name.",
                subkey=f"{layer.name}.name",
            )
        if layer.material is None and tandem.light.generation.kind == "optics":
            raise InputError(
                f'the layer "{layer.name}" has no material, but generation comes from optics.',
                'Add material = "..." to the layer, or prescribe light.generation.',
                subkey=f"{layer.name}.material",
            )
