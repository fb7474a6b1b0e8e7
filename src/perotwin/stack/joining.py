"""A tandem from two single junctions: what is left out where they meet, and said so; and the named junctions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from perotwin.errors import InputError, UnknownNameError
from perotwin.stack import paths
from perotwin.stack.junction import Ideal, Junction, Separate, Traps
from perotwin.stack.library import load
from perotwin.stack.parts import Layer
from perotwin.stack.quantity_fields import BARE_NUMBERS, Model, explain
from perotwin.stack.stack import Stack
from perotwin.stack.tandem import Tandem

__all__ = [
    "DESIGN",
    "LIBRARY",
    "Joint",
    "join_tandem",
    "joined_text",
    "joint",
    "joints",
    "library_tandem",
]

_FOLDER = Path(__file__).parent / "junctions"

#: the tandems of the library: name -> what it is, and the names of top, bottom and junction
LIBRARY: Mapping[str, tuple[str, str, str, str]] = {
    "tandem-control": (
        "An all-perovskite tandem of two terminals whose top is wbg-control, the film without additive.",
        "wbg-control",
        "nbg",
        "sno2-au-pedot",
    ),
    "tandem-target": (
        "An all-perovskite tandem of two terminals whose top is wbg-target, the film with 5-AVAI in its ink.",
        "wbg-target",
        "nbg",
        "sno2-au-pedot",
    ),
}

#: what the tandems of the library have otherwise than their junctions alone: the one place for their design
DESIGN: Mapping[str, Any] = {
    # their tables end where the bottom still emits, and where they are transparent
    "top.niox.extrapolate": True,
    "top.c60.extrapolate": True,
    "top.perovskite.thickness": {
        "value": "450 nm",
        "assumed": ["350 nm", "550 nm"],
        "note": "with 1000 nm below, the junctions absorb 15.6 and 15.5 mA/cm^2",
    },
    "bottom.perovskite.thickness": {
        "value": "1000 nm",
        "assumed": ["430 nm", "1200 nm"],
        "note": "as in nbg",
    },
}


class Joint(Model):
    """A junction with the layers that belong to it, as a file of the small library has it."""

    description: str = ""
    between: tuple[Layer, ...] = ()
    junction: Junction = Ideal()


def joints() -> tuple[str, ...]:
    """Names of the junctions of the library, sorted."""
    return tuple(sorted(entry.stem for entry in _FOLDER.glob("*.toml")))


def joint(name: str) -> Joint:
    """A junction by its name ("sno2-au-pedot"); UnknownNameError with the nearest names when there is none."""
    from perotwin.stack.toml import read

    file = _FOLDER / f"{name}.toml"
    if name not in joints():
        raise UnknownNameError("junction in the library", name, joints())
    data = read(file.read_text(encoding="utf-8"), str(file))
    try:
        return Joint.model_validate(data, context={BARE_NUMBERS: False})
    except ValidationError as error:
        raise explain(error, file=str(file), data=data) from None


def join_tandem(
    top: Stack,
    bottom: Stack,
    *,
    name: str,
    description: str = "",
    between: tuple[Layer, ...] = (),
    junction: Junction | None = None,
) -> tuple[Tandem, tuple[str, ...]]:
    """A tandem from two single-junction stacks, light entering through the top's front.

    The top loses what lies behind its last electrical layer (its metal), the bottom what lies before its first
    (substrate and electrode), and with that electrode its series resistance; the inner contacts become flat. With
    `Separate` terminals both keep their contacts and resistances, and the bottom's front goes between. Light and
    temperature are the top's.

    Parameters
    ----------
    between : layers between the junctions, in the order of light.
    junction : absent means `Ideal`.

    Returns
    -------
    The tandem, and what was left out or changed as sentences.

    Raises
    ------
    InputError : a stack without electrical layers, two ends that give the same carrier, or a tandem that cannot be.
    """
    junction = Ideal() if junction is None else junction
    separate = isinstance(junction, Separate)
    notes: list[str] = []
    _check_polarity(top, bottom, separate)
    behind, before = _outside(top)[1], _outside(bottom)[0]
    upper, lower = _without(top, behind), _without(bottom, before)
    if behind:
        notes.append(f"Left out behind the top: {_listed(behind)}; the light goes on there.")
    moved: list[Any] = []
    if separate:
        taken = {layer.name for layer in between}
        for layer in before:
            name_ = layer.name if layer.name not in taken else f"bottom-{layer.name}"
            moved.append(paths.plain(layer) | {"name": name_})
        if before:
            notes.append(f"Between the junctions now: {_listed(before)}, the front of the bottom.")
        notes.append("Each junction keeps its contacts and resistances.")
    else:
        if before:
            notes.append(f"Left out before the bottom: {_listed(before)}.")
        notes += _without_inner_circuit(upper, lower, top, bottom)
        if isinstance(junction, Traps) and junction.metal is None:
            notes += _without_shunts({"top": upper, "bottom": lower})
    notes += _surroundings(lower, top, bottom)
    data = {
        "name": name,
        "description": description,
        "temperature": top.temperature,
        "light": paths.plain(top.light),
        "top": upper,
        "between": [*(paths.plain(layer) for layer in between), *moved],
        "junction": junction,
        "bottom": lower,
    }
    if not between and not moved:
        del data["between"]
    if not description:
        del data["description"]
    gaps = [max((layer.gap for layer in stack.absorbers), default=0.0) for stack in (top, bottom)]
    if gaps[0] < gaps[1]:
        notes.append(
            f"The top has the smaller bandgap ({gaps[0]:g} eV against {gaps[1]:g} eV), so that little light is left "
            "for the bottom."
        )
    return Tandem.from_data(data, bare_numbers=True), tuple(notes)


def joined_text(tandem: Tandem, notes: tuple[str, ...], how: str) -> str:
    """The file of a joined tandem: how it came about as comments, then the tandem."""
    return "".join(f"# {line}\n" for line in (how, *notes)) + tandem.to_toml()


def library_tandem(name: str, cells: Mapping[str, Stack] | None = None) -> tuple[Tandem, str]:
    """A tandem of the library made again from its junctions, and the text of its file.

    To change the library, change `DESIGN` and write the texts to the files of `stack/library`
    (`workflows.library_cells` does).

    Parameters
    ----------
    cells : junctions by name, in place of those of the library.
    """
    description, top, bottom, between = LIBRARY[name]
    parts = [(cells or {}).get(part) or load(part) for part in (top, bottom)]
    middle = joint(between)
    upper, lower = (part for part in parts if isinstance(part, Stack))
    tandem, notes = join_tandem(
        upper,
        lower,
        name=name,
        description=description,
        between=middle.between,
        junction=middle.junction,
    )
    how = (
        f"Made by joining {top} and {bottom} with the junction {between}; change those or the design in "
        "stack/joining.py, not this file."
    )
    tandem = tandem.with_values(DESIGN)
    return tandem, joined_text(tandem, notes, how)


def _outside(stack: Stack) -> tuple[tuple[Layer, ...], tuple[Layer, ...]]:
    """The layers before the first electrical one, and those behind the last."""
    electrical = [index for index, layer in enumerate(stack.layer) if layer.electronic is not None]
    if not electrical:
        raise InputError(
            "a junction of a tandem needs electrical layers, but the stack has none.",
            "Give a stack that works alone.",
            file=f'stack "{stack.name}"',
        )
    return stack.layer[: electrical[0]], stack.layer[electrical[-1] + 1 :]


def _without(stack: Stack, gone: tuple[Layer, ...]) -> dict[str, Any]:
    """The plain form of a stack as a junction, without some layers and their faces, without light and temperature."""
    data: dict[str, Any] = paths.plain(stack)
    for key in ("description", "temperature", "light"):
        data.pop(key, None)
    names = {layer.name for layer in gone}
    data["layer"] = [paths.plain(layer) for layer in stack.layer if layer.name not in names]
    faces = {key: face for key, face in data.pop("interface", {}).items() if not names & set(key.split("|"))}
    return data | ({"interface": faces} if faces else {})


def _without_inner_circuit(
    upper: dict[str, Any], lower: dict[str, Any], top: Stack, bottom: Stack
) -> list[str]:
    """Take the inner contacts and the bottom's series resistance away, and say so."""
    notes = []
    kept = []
    for data, stack, which, end in ((upper, top, "top", "back"), (lower, bottom, "bottom", "front")):
        layer = stack.electrical_layers[-1 if end == "back" else 0]
        assert layer.electronic is not None
        if layer.electronic.donor_density == layer.electronic.acceptor_density == 0.0:
            kept.append(f'that of the {which} stays, because "{layer.name}" is not doped')
        else:
            data["contact"] = {key: part for key, part in data["contact"].items() if key != end}
    if len(kept) < 2:
        notes.append("The inner contacts are flat: what they were belonged to the electrodes.")
    if kept:
        notes.append(f"Of the inner contacts {', '.join(kept)}: flat bands would let no current through.")
    circuit = dict(lower.get("circuit", {}))
    resistance = circuit.pop("series_resistance", None)
    if resistance:
        notes.append(
            f"Left out with the bottom's electrode: its series resistance of {resistance}; that of the top, "
            f"{top.circuit.series_resistance}, stays."
        )
        lower.pop("circuit")
        if circuit:
            lower["circuit"] = circuit
    return notes


def _without_shunts(junctions: Mapping[str, dict[str, Any]]) -> list[str]:
    """Take shunts and pinholes away that would end where two layers meet without a metal, and say so."""
    notes = []
    for which, data in junctions.items():
        for layer in data["layer"]:
            if layer.pop("pinholes", None) is not None:
                notes.append(
                    f"Left out: the pinholes of the {which}; where the junctions touch without a metal they have no "
                    "node to end on."
                )
        circuit = dict(data.get("circuit", {}))
        shunt = circuit.pop("shunt_resistance", None)
        if shunt is None:
            continue
        notes.append(
            f"Left out: the shunt of the {which}, {shunt}; where the junctions touch without a metal it has no node "
            "to end on."
        )
        data.pop("circuit")
        if circuit:
            data["circuit"] = circuit
    return notes


def _surroundings(lower: dict[str, Any], top: Stack, bottom: Stack) -> list[str]:
    """Say where the bottom's light or temperature gives way to the top's; its numbers go on to hold where they did."""
    notes = []
    if bottom.temperature != top.temperature:
        paths.hold(lower, bottom.temperature)
        notes.append(f"The temperature is the top's, {top.temperature}, not {bottom.temperature}.")
    if bottom.light != top.light:
        notes.append("The light is the top's.")
    return notes


def _check_polarity(top: Stack, bottom: Stack, separate: bool) -> None:
    """Refuse two junctions in series whose inner ends give the same carrier."""
    _outside(top), _outside(bottom)
    roles = [stack.electrical_layers[index].role for stack, index in ((top, -1), (bottom, 0))]
    holes = [role == "htl" for role in roles]
    if not separate and "absorber" not in roles and holes[0] == holes[1]:
        carrier = "holes" if holes[0] else "electrons"
        raise InputError(
            f'the top "{top.name}" ends with its {roles[0]} and the bottom "{bottom.name}" begins with its {roles[1]}: '
            f"both give {carrier} there, so that no current could pass.",
            "Join two p-i-n cells or two n-i-p cells, or give each its own terminals.",
            file=f'stack "{bottom.name}"',
        )


def _listed(layers: tuple[Layer, ...]) -> str:
    return ", ".join(layer.name for layer in layers)
