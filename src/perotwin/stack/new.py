"""A short, commented stack file from a few names: what `perotwin new` writes.

    text = new_text("my-cell", Single("p-i-n", absorber="1.63 eV", htl=("ptaa",), etl=("c60", "bcp")))

Names are entries of the library of layers (`perotwin.stack.layer_library`), in the order in which light meets them. An
order that cannot work is refused with a sentence.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from perotwin.errors import InputError, nearest, shown
from perotwin.stack.cell import Cell, from_toml
from perotwin.stack.joining import joint
from perotwin.stack.layer_library import LibraryLayer, entry, names
from perotwin.stack.tandem import Tandem
from perotwin.units import convert, parse

__all__ = ["STRUCTURES", "Pair", "Single", "new_text"]

STRUCTURES = ("p-i-n", "n-i-p", "tandem")

_HC = 1.239841984e-6  # eV m
#: eV below the gap of an absorber down to which its light and its emission matter
_BELOW_GAP = 0.25
#: what a cell of each structure has where nothing is said
_USUAL = {
    "p-i-n": {"htl": ("ptaa",), "etl": ("c60", "bcp"), "electrodes": ("ito", "cu")},
    "n-i-p": {"htl": ("spiro-ometad",), "etl": ("sno2",), "electrodes": ("fto", "au")},
}
#: what a tandem has where nothing is said, on glass and on silicon
_USUAL_PAIR: Mapping[bool, Mapping[str, Any]] = {
    False: {
        "top": "1.78 eV",
        "thickness": "400 nm",  # shares the light with a bottom of 1000 nm
        "etl": ("c60", "sno2"),
        "electrodes": ("ito", "cu"),
        "substrate": ("glass-low-iron",),
        "junction": "sno2-au-pedot",
    },
    True: {
        "top": "1.68 eV",
        "thickness": "450 nm",
        "etl": ("sno2", "c60"),
        "electrodes": ("izo", "ag"),
        "substrate": ("lif",),
        "junction": "ito",
    },
}
#: a wafer and its doped sides, as light meets them
_SILICON = ("silicon-n-plus", "silicon", "silicon-p-plus")
#: said in the file of a cell on silicon
_PLANAR = (
    "# Every face is flat: a textured wafer reflects less and takes more of the light beyond 1000 nm. Light meets the",
    "# electron side of the perovskite first, which is grown p-i-n on the n+ side of the wafer.",
    "",
)
_CARRIER = {"htl": "holes", "etl": "electrons"}


@dataclass(frozen=True)
class Single:
    """A cell of one junction.

    Attributes
    ----------
    structure : "p-i-n" (light enters through the hole transport layers) or "n-i-p".
    absorber : a bandgap ("1.63 eV") or an absorber by name ("mapbi3").
    htl, etl : transport layers in the order in which light meets them; None for the usual ones of the structure.
    electrodes : the front one first, behind the cell any number; None for the usual ones.
    substrate : what lies before the front electrode, coatings first; None for glass, of low iron under FTO.
    sam : a monolayer on the last of `htl`, or on the front electrode where `htl` is empty.
    """

    structure: Literal["p-i-n", "n-i-p"] = "p-i-n"
    absorber: str = "1.63 eV"
    htl: Sequence[str] | None = None
    etl: Sequence[str] | None = None
    electrodes: Sequence[str] | None = None
    substrate: Sequence[str] | None = None
    sam: str | None = None


@dataclass(frozen=True)
class Pair:
    """A tandem of two junctions with two terminals.

    On glass, both are p-i-n as light meets them. On silicon, the perovskite is grown p-i-n upwards, so that light meets
    its electron transport layers first, then a wafer whose n+ side looks up.

    Attributes
    ----------
    top, bottom : absorbers as in `Single`, or "silicon" at the bottom; the top, which light meets first, has the wider
        gap.
    htl, etl : of the top, in the order in which light meets them; those of a perovskite bottom are PEDOT:PSS, C60, BCP.
    electrodes, substrate, sam : as in `Single`. On silicon `substrate` is what coats the front electrode.
    junction : a junction of the library (`perotwin.stack.joints`) with two terminals.
    """

    top: str | None = None
    bottom: str = "sn-pb"
    htl: Sequence[str] | None = None
    etl: Sequence[str] | None = None
    electrodes: Sequence[str] | None = None
    substrate: Sequence[str] | None = None
    sam: str | None = None
    junction: str | None = None


def new_text(name: str, cell: Single | Pair, how: str = "perotwin new") -> str:
    """The text of a stack file that can be run as it stands.

    Parameters
    ----------
    name : of the cell. cell : what it is to be made of. how : the command that asks for it, for the first line.

    Raises
    ------
    UnknownNameError : a name that is not in the library; the nearest ones are offered.
    InputError : layers in an order that cannot work, a missing or opaque front electrode, a gap without data.
    """
    lines = _single(name, cell) if isinstance(cell, Single) else _pair(name, cell)
    text = "\n".join([f"# Written by: {shown(how, 500)}", *lines]) + "\n"
    return _with_reach(text, from_toml(text, file=f"{name}.toml"), name)


# --- text -----------------------------------------------------------------------------------------------------------


def _head(name: str) -> list[str]:
    return [
        "# use takes a layer from the library: optics, electronic numbers, their sources. A key below it overrides its",
        '# number, such as electronic.hole_mobility = "1e-3 cm^2/(V s)". perotwin show lists every number.',
        f"name = {_quoted(name)}",
        'source = "as built"  # of the numbers that stand here without one',
        "",
    ]


def _quoted(text: str) -> str:
    """A text as TOML writes it."""
    return json.dumps(text, ensure_ascii=False)


def _single(name: str, cell: Single) -> list[str]:
    plan = _planned(cell)
    return [
        *_head(name),
        *_layers(plan, "layer"),
        "",
        *_faces(plan, "interface"),
        "",
        "[contact]  # towards the electrodes",
        f'front = {{ use = "{plan.front_contact}" }}',
        f'back = {{ use = "{plan.back_contact}" }}',
        "",
        *_circuit("circuit"),
    ]


def _pair(name: str, cell: Pair) -> list[str]:
    silicon = _material(cell.bottom) == "silicon"
    if silicon and entry(cell.bottom).name != "silicon":
        raise InputError(
            f'"{cell.bottom}" is one layer of a silicon cell.',
            "Write --bottom silicon: a p-type wafer between its doped sides.",
            key="bottom",
        )
    usual = _USUAL_PAIR[silicon]
    top, etl, electrodes, substrate, junction = (
        usual[key] if getattr(cell, key) is None else getattr(cell, key)
        for key in ("top", "etl", "electrodes", "substrate", "junction")
    )
    structure: Literal["p-i-n", "n-i-p"] = "n-i-p" if silicon else "p-i-n"
    # a monolayer on silicon stands on an oxide
    htl = (("niox",) if cell.sam else _USUAL["p-i-n"]["htl"]) if silicon and cell.htl is None else cell.htl
    upper = _planned(Single(structure, top, htl, etl, electrodes, substrate, cell.sam), "top", grown=silicon)
    if silicon:
        lower = _wafer(_electrodes(electrodes)[1])
    else:
        below = Single("p-i-n", cell.bottom, ("pedot-pss",), ("c60", "bcp"), electrodes, substrate)
        lower = _planned(below, "bottom").without_front()
    if upper.gap <= lower.gap:
        raise InputError(
            f"the top has a gap of {upper.gap:.3g} eV and the bottom one of {lower.gap:.3g} eV: light meets the top "
            "first, and what it lets through has too little energy for the bottom.",
            "Exchange --top and --bottom.",
            key="top",
        )
    middle = joint(junction)
    if middle.junction.kind == "separate":
        raise InputError(
            f'"{junction}" gives each junction terminals of its own.',
            "Write two cells and join them: perotwin tandem --junction four-terminal.",
            key="junction",
        )
    upper = upper.without_back()
    return [
        *_head(name),
        *(_PLANAR if silicon else ()),
        *_layers(upper, "top.layer", short=True, thickness=usual["thickness"]),
        "[top.contact]",
        f'front = {{ use = "{upper.front_contact}" }}',
        *_inner_contact("back", upper.layers[-1][0]),
        *_faces(upper, "top.interface"),
        *_circuit("top.circuit"),
        "",
        *_joint_lines(junction),
        "",
        *_layers(lower, "bottom.layer", short=True),
        "[bottom.contact]",
        *_inner_contact("front", lower.layers[0][0]),
        f'back = {{ use = "{lower.back_contact}" }}',
        *(_faces(lower, "bottom.interface") if lower.faces else []),
    ]


def _inner_contact(end: str, layer: LibraryLayer) -> list[str]:
    """The contact towards the other junction, where flat bands with the layer that ends there do not describe it."""
    assert layer.layer is not None and layer.contact is not None
    doped = {"donor_density", "acceptor_density"} & set(layer.layer["electronic"])
    passivated = {"electron_velocity", "hole_velocity"} & set(layer.contact)
    return [] if doped and not passivated else [f'{end} = {{ use = "{layer.name}" }}']


def _wafer(behind: tuple[LibraryLayer, ...]) -> _Plan:
    """A wafer of silicon between its doped sides, as light from above meets them; `behind` lies at its back."""
    front, wafer, back = (entry(name) for name in _SILICON)
    assert wafer.layer is not None
    layers = (
        (front, "absorber"),
        (wafer, "absorber"),
        (back, "absorber"),
        *((one, "electrode") for one in behind),
    )
    return _Plan(
        layers, (), front.name, back.name, None, float(parse(_value(wafer.layer["bandgap"]), "energy"))
    )


def _joint_lines(name: str) -> list[str]:
    """How the junctions are joined, and the layers between."""
    middle = joint(name)
    lines = []
    for layer in middle.between:
        lines += ["[[between]]", f'use = "{layer.material}"', f'thickness = "{layer.thickness.text}"']
    lines += [f"[junction]  # as {name} of the library", f'kind = "{middle.junction.kind}"']
    for key in ("resistance", "electron_velocity", "hole_velocity"):
        number = getattr(middle.junction, key, None)
        if number is not None:
            lines.append(f'{key} = "{number.text}"')
    return lines


def _circuit(table: str) -> list[str]:
    return [
        f"[{table}]",
        'series_resistance = { value = "2 ohm cm^2", assumed = ["1 ohm cm^2", "6 ohm cm^2"] }',
        'shunt_resistance = { value = "1e4 ohm cm^2", assumed = ["1e3 ohm cm^2", "1e6 ohm cm^2"] }',
    ]


def _layers(plan: _Plan, table: str, short: bool = False, thickness: str | None = None) -> Iterator[str]:
    """A table for each layer; `short` leaves out the thicknesses of all but the absorber, whose may be given."""
    for one, role in plan.layers:
        yield f"[[{table}]]"
        yield f'use = "{one.name}"  # {one.title}'
        assert one.layer is not None
        if role != one.layer["role"]:
            yield f'role = "{role}"'
        if role == "absorber" and plan.bandgap is not None:
            yield f"bandgap = {_quoted(plan.bandgap)}"
        opaque = role == "electrode" and not one.transparent
        if role == "absorber" or not (short or opaque or role == "substrate"):
            own = thickness if role == "absorber" else None
            yield f'thickness = "{own or _value(one.layer["thickness"])}"'


def _faces(plan: _Plan, table: str) -> list[str]:
    lines = [f"[{table}]  # recombination"]
    for key, used in plan.faces:
        face = entry(used).face
        # a monolayer's dipole is stated for an absorber that lies behind it
        turned = entry(used).layer is None and plan.grown and face is not None and "dipole" in face
        dipole = f', dipole = "-{_value(face["dipole"])}"' if turned and face is not None else ""
        lines.append(f'"{key}" = {{ use = "{used}"{dipole} }}')
    return lines


def _value(number: object) -> str:
    return str(number["value"] if isinstance(number, dict) else number)


def _with_reach(text: str, cell: Cell, name: str) -> str:
    """The text with `extrapolate = true` in each layer whose optical constants end before the cell's light does."""
    from perotwin import materials

    stacks = list(cell.stacks.values())
    between = (*cell.between, *cell.lower_between) if isinstance(cell, Tandem) else ()
    reach = _HC / (min(layer.gap for stack in stacks for layer in stack.absorbers) - _BELOW_GAP)
    # where a perovskite of any gap is the narrowest, its own constants reach as far as its light
    wide = (
        {materials.HALIDE}
        if any(layer.material == "silicon" for stack in stacks for layer in stack.layer)
        else ()
    )
    short: dict[str, float] = {}
    for layer in (*(layer for stack in stacks for layer in stack.layer), *between):
        known = isinstance(layer.material, str) and (
            layer.material != materials.HALIDE or layer.material in wide
        )
        if known and layer.use is not None:
            assert isinstance(layer.material, str)
            gap = (
                float(layer.bandgap)
                if layer.material == materials.HALIDE and layer.bandgap is not None
                else None
            )
            end = materials.optical(layer.material, bandgap=gap).range[1]
            if end < reach:
                short[layer.use] = end
    if not short:
        return text
    lines: list[str] = []
    table = ""
    for line in text.splitlines():
        table = line if line.startswith("[") else table
        lines.append(line)
        used = line.split('"')[1] if line.startswith("use = ") else ""
        if used in short and table.startswith("[["):
            end = convert(short[used], "nm", "length")
            lines.append(f"extrapolate = true  # its optical constants end at {end:.0f} nm")
    text = "\n".join(lines) + "\n"
    from_toml(text, file=f"{name}.toml")
    return text


# --- what can work --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Plan:
    """A junction as it is to be written: layers with their roles, faces and contacts by the entries that they use.

    grown : whether light meets last what was deposited first, as on silicon.
    """

    layers: tuple[tuple[LibraryLayer, str], ...]
    faces: tuple[tuple[str, str], ...]
    front_contact: str
    back_contact: str
    bandgap: str | None
    gap: float
    grown: bool = False

    def without_back(self) -> _Plan:
        """What light passes on its way to a junction behind: no back electrode."""
        last = max(place for place, (one, _) in enumerate(self.layers) if _electrical(one))
        return self._of(self.layers[: last + 1])

    def without_front(self) -> _Plan:
        """What light meets behind another junction: no substrate, no front electrode."""
        first = min(place for place, (one, _) in enumerate(self.layers) if _electrical(one))
        return self._of(self.layers[first:])

    def _of(self, layers: tuple[tuple[LibraryLayer, str], ...]) -> _Plan:
        return _Plan(
            layers, self.faces, self.front_contact, self.back_contact, self.bandgap, self.gap, self.grown
        )


def _planned(cell: Single, absorber: str = "absorber", grown: bool = False) -> _Plan:
    """Check a cell of one junction and lay its layers out.

    absorber : the option that names its absorber. grown : on silicon, where n-i-p in the order of light means p-i-n in
        that of deposition.
    """
    usual = _USUAL.get(cell.structure)
    if usual is None:
        close = nearest(cell.structure, STRUCTURES)
        raise InputError(
            f'there is no structure "{shown(cell.structure)}".',
            f'Did you mean "{close[0]}"?' if close else f"Choose from {', '.join(STRUCTURES)}.",
            key="structure",
        )
    middle, bandgap, gap = _absorber(cell.absorber, absorber)
    bare = cell.htl is None and cell.sam is not None  # a monolayer alone carries the holes
    holes = () if bare else _transport("htl", usual["htl"] if cell.htl is None else cell.htl)
    electrons = _transport("etl", usual["etl"] if cell.etl is None else cell.etl)
    monolayer = None if cell.sam is None else _monolayer(cell.sam, "p-i-n" if grown else cell.structure)
    if not holes and monolayer is None:
        raise _missing("htl")
    if not electrons:
        raise _missing("etl")
    front, back = _electrodes(usual["electrodes"] if cell.electrodes is None else cell.electrodes)
    substrate = cell.substrate
    if substrate is None:
        substrate = ("glass-low-iron",) if front.name == "fto" else ("glass",)
    outside = (_in_role(name, ("coating", "substrate"), "substrate") for name in substrate)
    before = [(one, one.roles[0]) for one in outside]
    p_first = cell.structure == "p-i-n"
    first, last = (holes, electrons) if p_first else (electrons, holes)
    ahead = _roles(first, "htl" if p_first else "etl", next_to_absorber=-1)
    behind = _roles(last, "etl" if p_first else "htl", next_to_absorber=0)
    layers = (
        *before,
        (front, "electrode"),
        *ahead,
        (middle, "absorber"),
        *behind,
        *((one, "electrode") for one in back),
    )
    called = [str(one.layer["name"]) for one, _ in layers if one.layer is not None]
    for name in called:
        if called.count(name) > 1:
            raise InputError(
                f'"{name}" stands twice among the layers.', "Name each layer once.", key=absorber
            )
    faces = []
    if ahead:
        used = monolayer if p_first and monolayer is not None else ahead[-1][0]
        faces.append((f"{ahead[-1][0].name}|{called[len(before) + 1 + len(ahead)]}", used.name))
    if behind:
        used = monolayer if grown and monolayer is not None else behind[0][0]
        faces.append((f"{called[len(before) + 1 + len(ahead)]}|{behind[0][0].name}", used.name))
    outer = ahead[0][0] if ahead else monolayer
    assert outer is not None
    return _Plan(layers, tuple(faces), outer.name, behind[-1][0].name, bandgap, gap, grown)


def _electrical(one: LibraryLayer) -> bool:
    return one.layer is not None and "electronic" in one.layer


def _named(role: str) -> tuple[str, ...]:
    """Entries that can have a role."""
    found = (name for name in names("layer") if role in entry(name).roles)
    return tuple(name for name in found if role != "absorber" or _material(name) != "silicon")


def _material(name: str) -> str | None:
    """The optical material of an entry; None for a bandgap and for a monolayer."""
    layer = None if name.strip()[:1].isdigit() else entry(name).layer
    return None if layer is None else str(layer["material"])


def _missing(which: str) -> InputError:
    return InputError(
        f"without {which} nothing lets the {_CARRIER[which]} out and keeps the other carriers in.",
        f"Give --{which} one or more of {', '.join(_named(which))}.",
        key=which,
    )


def _absorber(name: str, option: str) -> tuple[LibraryLayer, str | None, float]:
    """The entry of an absorber, the gap that its layer has to state, and its gap (eV)."""
    if name.strip()[:1].isdigit():
        try:
            gap = float(parse(name.strip(), "energy", bare=False))
        except InputError as fault:
            raise InputError(fault.message, fault.advice, key=option) from None
        # Sn-Pb films are another material electronically, whatever the gap says of their optics
        return entry("sn-pb" if gap < 1.4 else "perovskite"), name.strip(), gap
    one = _in_role(name, ("absorber",), option)
    assert one.layer is not None
    if one.layer["material"] == "silicon":
        raise InputError(
            f'"{one.name}" ({one.title}) is no absorber between films: its junctions are made by doping.',
            "Write --structure tandem --bottom silicon, or change the cell of the library: "
            "perotwin show silicon-planar --toml.",
            key=option,
        )
    if "bandgap" not in one.layer:
        raise InputError(
            f'"{one.name}" is a perovskite of any gap.', f'Give the gap: --{option} "1.63 eV".', key=option
        )
    return one, None, float(parse(_value(one.layer["bandgap"]), "energy"))


def _in_role(name: str, roles: Sequence[str], option: str) -> LibraryLayer:
    """An entry that can have one of some roles."""
    one = entry(name)
    if any(role in one.roles for role in roles):
        return one
    what = "a monolayer" if not one.roles else f"of role {' or '.join(one.roles)}"
    cure = f"Choose from {', '.join(dict.fromkeys(found for role in roles for found in _named(role)))}."
    if not one.roles and option == "htl":
        cure = f"Give --sam {one.name}, with --htl for an oxide below it or alone for ITO."
    raise InputError(f'"{one.name}" ({one.title}) is {what} and cannot stand for {option}.', cure, key=option)


def _transport(which: str, listed: Sequence[str]) -> tuple[LibraryLayer, ...]:
    """The transport layers of one side."""
    other = "etl" if which == "htl" else "htl"
    found = []
    for name in listed:
        one = entry(name)
        if other in one.roles and which not in one.roles:
            raise InputError(
                f'"{one.name}" lets {_CARRIER[other]} through and keeps {_CARRIER[which]} back: as {which} no current '
                "could flow.",
                f"Exchange --htl and --etl, or choose from {', '.join(_named(which))}.",
                key=which,
            )
        found.append(_in_role(name, (which, "buffer"), which))
    return tuple(found)


def _roles(
    layers: Sequence[LibraryLayer], which: str, next_to_absorber: int
) -> list[tuple[LibraryLayer, str]]:
    """Each transport layer with its role: the one at the absorber transports, those beyond are buffers if they can."""
    given = []
    for place, one in enumerate(layers):
        inner = place == next_to_absorber % len(layers)
        if inner and which not in one.roles:
            order = ",".join(other.name for other in reversed(layers))
            raise InputError(
                f'"{one.name}" ({one.title}) would lie on the absorber, where a transport layer belongs.',
                f"Write --{which} {order}: in the order in which light meets them."
                if len(layers) > 1
                else f"Put it behind one of {', '.join(_named(which))}.",
                key=which,
            )
        given.append((one, which if inner or "buffer" not in one.roles else "buffer"))
    return given


def _monolayer(name: str, structure: str) -> LibraryLayer:
    one = entry(name)
    monolayers = tuple(known for known in names("face") if entry(known).layer is None)
    if one.layer is not None:
        raise InputError(
            f'"{one.name}" ({one.title}) is a layer, not a monolayer.',
            f"Choose from {', '.join(monolayers)}.",
            key="sam",
        )
    if structure != "p-i-n":
        raise InputError(
            "a monolayer that takes holes stands on the front electrode or its oxide, and in n-i-p the holes leave "
            "at the back.",
            "Choose --structure p-i-n, or leave out --sam.",
            key="sam",
        )
    return one


def _electrodes(listed: Sequence[str]) -> tuple[LibraryLayer, tuple[LibraryLayer, ...]]:
    """The front electrode, and what lies behind the cell."""
    if len(listed) < 2:
        raise InputError(
            f"a cell needs two electrodes, and {', '.join(listed) or 'none'} is given.",
            "Write the front one and the back one: --electrodes ito,cu.",
            key="electrodes",
        )
    front, *back = (_in_role(name, ("electrode",), "electrodes") for name in listed)
    if not front.transparent:
        clear = ", ".join(name for name in _named("electrode") if entry(name).transparent)
        raise InputError(
            f'"{front.name}" ({front.title}) is the front electrode, and light cannot enter through it.',
            f"Name the transparent one first: one of {clear}.",
            key="electrodes",
        )
    if not any(one.contact is not None for one in back):
        raise InputError(
            f"{', '.join(one.name for one in back)} at the back carries no current.",
            "End with a metal: --electrodes ito,cu.",
            key="electrodes",
        )
    return front, tuple(back)
