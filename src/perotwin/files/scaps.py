"""Cells as SCAPS 3.3 defines them: definition files (.def, .scaps).

Sections begin with a line of their own ("front contact", "layer", "srhrecombination", ...); in them stand lines
"key : values [unit]", of which the first value is that of the pure material; lines that begin with > are comments.
M. Burgelman, P. Nollet, S. Degrave, Thin Solid Films 361-362, 527 (2000), doi:10.1016/S0040-6090(99)00825-1; the manual
of the program says what each quantity means.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from perotwin import units
from perotwin.constants import Boltzmann, e
from perotwin.errors import InputError, shown
from perotwin.files.cells import ImportedCell, Keys, stack_of, written

__all__ = ["read"]

_SECTIONS = ("convergence", "layer", "interface properties", "front contact", "back contact")
_DEFECTS = ("srhrecombination", "interface recombination")
_LAYER_KEYS = {
    "eps": ("permittivity", "dimensionless"),
    "chi": ("electron_affinity", "energy"),
    "Eg": ("bandgap", "energy"),
    "Nc": ("conduction_dos", "number density"),
    "Nv": ("valence_dos", "number density"),
    "mu_n": ("electron_mobility", "mobility"),
    "mu_p": ("hole_mobility", "mobility"),
}
_SI = {
    "energy": "eV", "number density": "m^-3", "mobility": "m^2/(V s)", "velocity": "m/s", "length": "m",
    "volume rate": "m^3/s", "auger coefficient": "m^6/s", "area": "m^2", "areal density": "m^-2",
}  # fmt: skip
_UNIT = re.compile(r"\[([^\]]*)\]\s*$")
_VERSION = re.compile(r"SCAPS\s+(?:version\s+)?(\d[\d.]*)", re.IGNORECASE)
_END = re.compile(r"^>+\s*end of problem definition", re.IGNORECASE)
#: the place of the mode of grading among the values of a key, and the modes that are none
_GRADING, _UNIFORM = 7, ("0", "1")

_OPTICS = (
    "absorption without n and k has no counterpart: generation is a step at the bandgap (each photon above it makes a "
    'pair) until each layer has a material and light.generation is "optics"'
)
_RUN = "a setting of runs and of the program, not of the cell"
_UNKNOWN = "not known to perotwin"


@dataclass
class _Section:
    """A section of the file with its defects."""

    kind: str
    keys: Keys
    defects: list[Keys] = field(default_factory=list)


def read(path: str | Path, text: str, name: str) -> ImportedCell:
    """The cell of a definition file.

    Raises
    ------
    InputError : a contact or all layers are missing, a key is missing or no number.
    """
    file = str(path)
    sections, settings = _sections(text, file)
    contacts = [section for section in sections if section.kind.endswith("contact")]
    layers = [section for section in sections if section.kind == "layer"]
    kinds = [section.kind for section in contacts]
    if sorted(kinds) != ["back contact", "front contact"] or not layers:
        raise InputError(
            "a definition has a front contact, a back contact and layers between.",
            "See whether the file is complete.",
            file=file,
        )
    faces = [section for section in sections if section.kind == "interface properties"]
    from_back = kinds[0] == "back contact"
    temperature = _temperature(settings)
    optical = _absorber(layers)
    entries, properties = [], []
    for number, section in enumerate(layers):
        values = _properties(section.keys)
        properties.append(values)
        entries.append(_layer(section, values, number == optical, temperature))
    _roles(entries, optical, properties, from_back)
    names = _names(layers)
    for entry, own in zip(entries, names, strict=True):
        entry["name"] = own
    interface = {}
    for number, section in enumerate(faces[: len(layers) - 1]):
        traps = [
            _face_trap(keys, properties[number], properties[number + 1], temperature)
            for keys in section.defects
        ]
        _leave(section.keys)
        pair = names[number : number + 2]
        if traps:
            interface["|".join(reversed(pair) if from_back else pair)] = {"trap": traps}
    version = _VERSION.search(text)
    program = f"SCAPS{'' if version is None else ' ' + version[1].rstrip('.')}"
    data: dict[str, Any] = {
        "name": name,
        "source": f"{Path(path).name} ({program})",
        "temperature": written(temperature, "K"),
        "light": {"generation": "step"},
        "layer": entries[::-1] if from_back else entries,
        "contact": {section.kind.split()[0]: _contact(section.keys) for section in contacts},
    }
    if interface:
        data["interface"] = interface
    for section in sections:
        section.keys.rest(*((_RUN, False) if section.kind == "convergence" else (_UNKNOWN,)))
        for defect in section.defects:
            defect.rest(_UNKNOWN)
    settings.rest(_RUN, False)
    told = [one for section in sections for keys in (section.keys, *section.defects) for one in keys.told]
    return ImportedCell(stack_of(data, file), program, file, (*told, *settings.told))


def _sections(text: str, file: str) -> tuple[list[_Section], Keys]:
    """The sections of a problem definition, and all settings around it."""
    found: list[_Section] = []
    settings: dict[str, str] = {}
    values: dict[str, str] = settings
    for line in text.splitlines():
        bare = line.strip()
        if _END.match(bare):
            values = settings
            continue
        if not bare or bare.startswith(">"):
            continue
        if bare in _SECTIONS:
            values = {}
            count = 1 + sum(section.kind == bare for section in found)
            found.append(
                _Section(bare, Keys(f"{bare} {count}" if bare in _SECTIONS[1:3] else bare, file, values))
            )
        elif bare in _DEFECTS and found:
            values = {}
            where = found[-1]
            where.defects.append(Keys(f"{where.keys.place}, defect {len(where.defects) + 1}", file, values))
        else:
            key, colon, value = bare.partition(":")
            _put(values, key.strip(), " ".join(value.split()) if colon else "")
    return found, Keys("settings", file, settings)


def _put(values: dict[str, str], key: str, value: str) -> None:
    """Keep what is said twice under a key, such as the files of a list, as one entry."""
    values[key] = f"{values[key]}; {value}" if key in values else value


def _value(keys: Keys, key: str, dimension: str, default: float | None = None) -> float:
    """The first value of a key in the unit that perotwin computes with.

    Raises
    ------
    InputError : it is missing, no number, or in a unit of another dimension.
    """
    text = keys.text(key, None if default is None else repr(default))
    if key not in keys.values:
        return float(text)
    unit = _UNIT.search(text)
    parts = _UNIT.sub("", text).split()
    written = "" if unit is None else unit[1].strip()
    spelled = re.sub(r"^/(\w+)\^?(\d)$", r"\1^-\2", written)
    if not parts:
        raise InputError(
            f"{keys.place} has no value of {key}.", "Write a number there.", file=keys.file, key=key
        )
    if len(parts) > _GRADING and parts[_GRADING] not in _UNIFORM:
        keys.tell(key, "graded; the value of the pure first material is taken everywhere")
    try:
        number = float(parts[0])
        return float(
            units.parse(f"{number!r} {'' if spelled == '-' else spelled}".strip(), dimension, bare=True)
        )
    except (ValueError, InputError) as fault:
        if isinstance(fault, InputError) and not spelled and dimension in _SI:
            return number
        raise InputError(
            f'{keys.place}: "{shown(text)}" is no {dimension}.',
            "Write a number with its unit.",
            file=keys.file,
            key=key,
        ) from None


def _properties(keys: Keys) -> dict[str, float]:
    """Band edges, densities and velocities of a layer, by SCAPS's names."""
    found = {key: _value(keys, key, dimension) for key, (_, dimension) in _LAYER_KEYS.items()}
    found |= {key: _value(keys, key, "velocity", 1e5) for key in ("v_th_n", "v_th_p")}
    return found


def _temperature(settings: Keys) -> float:
    """K; that of the first working point."""
    text = settings.text("Temperature", "300 K").split(";")[0].removesuffix("K").strip()
    try:
        return float(text)
    except ValueError:
        raise InputError(
            f'"{shown(text)}" is no temperature.', "Write it in K.", file=settings.file, key="Temperature"
        ) from None


def _absorber(layers: Sequence[_Section]) -> int:
    """The layer with the smallest gap, of several the thickest."""
    sizes = [(_value(one.keys, "Eg", "energy"), -_value(one.keys, "d", "length")) for one in layers]
    return sizes.index(min(sizes))


def _roles(
    entries: list[dict[str, Any]], absorber: int, properties: Sequence[dict[str, float]], from_back: bool
) -> None:
    """What the layers before and behind the absorber carry, by the doping of the outer ones."""
    for number, entry in enumerate(entries):
        if number == absorber:
            entry["role"] = "absorber"
            continue
        own = entry["electronic"]
        net = _density(own.get("donor_density")) - _density(own.get("acceptor_density"))
        if net == 0.0:
            # an undoped layer holds back the carrier whose band lies farther from the absorber's
            edge = properties[absorber]
            step = edge["chi"] - properties[number]["chi"]
            depth = properties[number]["chi"] + properties[number]["Eg"] - edge["chi"] - edge["Eg"]
            net = depth - step
        entry["role"] = "etl" if net > 0.0 else "htl"


def _density(written: str | None) -> float:
    return 0.0 if written is None else float(units.parse(written, "number density"))


def _names(layers: Sequence[_Section]) -> list[str]:
    """Names of the layers as field paths can have them, each once."""
    found: list[str] = []
    for number, section in enumerate(layers, start=1):
        bare = re.sub(r'[.|="\s]+', "-", section.keys.text("name", f"layer-{number}")).strip("-").lower()
        base = bare or f"layer-{number}"
        found.append(base if base not in found else f"{base}-{number}")
    return found


def _layer(
    section: _Section, properties: dict[str, float], is_absorber: bool, temperature: float
) -> dict[str, Any]:
    keys = section.keys
    electronic: dict[str, Any] = {
        own: properties[key] if dimension == "dimensionless" else written(properties[key], _SI[dimension])
        for key, (own, dimension) in _LAYER_KEYS.items()
    }
    electronic["statistics"] = "boltzmann"
    for letter, own in (("d", "donor_density"), ("a", "acceptor_density")):
        for key in [key for key in keys.values if re.fullmatch(rf"N{letter}\(.*\)", key)]:
            density = _value(keys, key, "number density")
            if density > 0.0:
                electronic[own] = written(density, "m^-3")
            if not key.endswith("(uniform)"):
                keys.tell(key, "graded; the first value is taken everywhere")
    coefficient = _value(keys, "K_rad", "volume rate", 0.0)
    radiative: Any = "none"
    if coefficient > 0.0:
        radiative = {"kind": "coefficient", "coefficient": written(coefficient, "m^3/s")}
    recombination: dict[str, Any] = {"radiative": radiative}
    auger = [_value(keys, f"c_{carrier}_auger", "auger coefficient", 0.0) for carrier in "np"]
    if any(auger):
        recombination["auger"] = {"electron": written(auger[0], "m^6/s"), "hole": written(auger[1], "m^6/s")}
    entry: dict[str, Any] = {
        "thickness": f"{1e9 * _value(keys, 'd', 'length'):.15g} nm",
        "electronic": electronic,
        "recombination": recombination,
    }
    traps = [_trap(defect, properties, temperature) for defect in section.defects]
    if traps:
        entry["trap"] = traps
    _leave(keys)
    for key in list(keys.values):
        if key.lower().startswith("absorption"):
            keys.tell(key, _OPTICS if is_absorber else "no light is absorbed there here")
    return entry


def _leave(keys: Keys) -> None:
    """Tunnelling and effective masses: without counterpart where they are on, without effect where they are off."""
    on = any(
        keys.values.get(key, "0").split()[:1] not in (["0"], []) for key in keys.values if "unneling" in key
    )
    why = "carriers do not tunnel here" if on else "without effect here, because tunnelling is off"
    for key in list(keys.values):
        if "unneling" in key:
            if on:
                keys.tell(key, why)
            else:
                keys.text(key)
        elif key.startswith("Relative") and key.endswith("mass"):
            (keys.tell if on else keys.moot)(key, why)
    keys.text("interfacename", "")


def _charge(keys: Keys) -> str:
    text = keys.text("type", "neutral").lower()
    if "double" in text or "amphoteric" in text or "multi" in text:
        keys.tell("type", "a defect of several charges has no counterpart: taken as neutral")
        return "neutral"
    return next((charge for charge in ("donor", "acceptor") if charge in text), "neutral")


def _single(keys: Keys) -> None:
    """Tell an energy distribution that is none of a single level."""
    if "single" not in keys.text("energy distribution", "single").lower():
        keys.tell("energy distribution", "levels are single here: all states stand at its energy")
        keys.tell("Ekar", "width of that distribution")
    else:
        keys.moot("Ekar", "without effect there, because the level is single")


def _intrinsic(one: dict[str, float], temperature: float) -> float:
    """Depth of the intrinsic level below vacuum, eV."""
    kt = Boltzmann * temperature / e
    return one["chi"] + 0.5 * one["Eg"] - 0.5 * kt * math.log(one["Nv"] / one["Nc"])


def _trap(keys: Keys, layer: dict[str, float], temperature: float) -> dict[str, Any]:
    """A defect of a layer."""
    reference, energy = (
        int(_value(keys, "Reference for defect energy", "dimensionless", 0.0)),
        _value(keys, "Et", "energy"),
    )
    depths = {
        0: layer["chi"] + layer["Eg"] - energy,
        1: _intrinsic(layer, temperature) - energy,
        2: layer["chi"] + energy,
    }
    density_key = next((key for key in keys.values if key.startswith("Nt")), "Nt(uniform)")
    density = _value(keys, density_key, "number density")
    if not density_key.endswith("(uniform)"):
        keys.tell(density_key, "graded; the first value is taken everywhere")
    _single(keys)
    keys.text("profile", "")
    return {
        "level": _level(keys, depths, reference),
        "density": written(density, "m^-3"),
        "electron_capture": written(_value(keys, "sigma_n", "area") * layer["v_th_n"], "m^3/s"),
        "hole_capture": written(_value(keys, "sigma_p", "area") * layer["v_th_p"], "m^3/s"),
        "charge": _charge(keys),
    }


def _level(keys: Keys, depths: dict[int, float], reference: int) -> dict[str, str]:
    if reference not in depths:
        raise InputError(
            f"{keys.place}: {reference} is no reference of a defect's energy that perotwin knows.",
            f"It knows {', '.join(map(str, depths))}.",
            file=keys.file,
            key="Reference for defect energy",
        )
    return {"below": "vacuum", "depth": written(float(f"{depths[reference]:.12g}"), "eV")}


def _face_trap(
    keys: Keys, left: dict[str, float], right: dict[str, float], temperature: float
) -> dict[str, Any]:
    """A defect of an interface; left and right are those of the file."""
    reference, energy = (
        int(_value(keys, "Reference for defect energy", "dimensionless", 3.0)),
        _value(keys, "Et", "energy"),
    )
    valence = min(one["chi"] + one["Eg"] for one in (left, right))
    conduction = max(one["chi"] for one in (left, right))
    depths = {
        3: valence - energy,
        4: conduction + energy,
        5: _intrinsic(left, temperature) - energy,
        6: _intrinsic(right, temperature) - energy,
        7: left["chi"] + left["Eg"] - energy,
        8: right["chi"] + right["Eg"] - energy,
        9: 0.5 * (valence + conduction) - energy,
    }
    captures = []
    for carrier in "np":
        each = [
            _value(keys, f"sigma_{carrier}{side}", "area") * layer[f"v_th_{carrier}"]
            for side, layer in (("left", left), ("right", right))
        ]
        if not math.isclose(*each, rel_tol=1e-6):
            keys.tell(
                f"sigma_{carrier}{'left' if each[0] < each[1] else 'right'}",
                "a face has one capture coefficient for the carriers of both sides: the larger one is taken",
            )
        captures.append(max(each))
    _single(keys)
    _leave(keys)
    return {
        "level": _level(keys, depths, reference),
        "density": written(_value(keys, "N", "areal density"), "m^-2"),
        "electron_capture": written(captures[0], "m^3/s"),
        "hole_capture": written(captures[1], "m^3/s"),
        "charge": _charge(keys),
    }


def _contact(keys: Keys) -> dict[str, Any]:
    """Work function and recombination velocities."""
    flat = keys.text("flatband", "0").split()[:1] == ["1"]
    found: dict[str, Any] = {"work_function": "flat-band"}
    if flat:
        keys.moot("Fi_m", "without effect there, because the contact is flat-band")
    else:
        found["work_function"] = written(_value(keys, "Fi_m", "energy"), "eV")
    for key, own in (("Sn", "electron_velocity"), ("Sp", "hole_velocity")):
        if key in keys.values:
            found[own] = written(_value(keys, key, "velocity"), "m/s")
    keys.text("recalculate", "")
    _leave(keys)
    return found
