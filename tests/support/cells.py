"""Small optical cells for tests, in TOML as a user writes them."""

import numpy as np

from perotwin.optics.tandem import Parts, parts
from perotwin.stack import Column, Parallel, Stack, Tandem, load, paths

_ELECTRONIC = """
[layer.electronic]
electron_affinity = "3.9 eV"
bandgap = "{gap} eV"
conduction_dos = "2.2e18 cm^-3"
valence_dos = "2.2e18 cm^-3"
electron_mobility = "1 cm^2/(V s)"
hole_mobility = "1 cm^2/(V s)"
permittivity = 20
"""


def layer(
    name: str, role: str, material: str | None, thickness: str, *, gap: float | None = None, more: str = ""
) -> str:
    """One [[layer]] table; with `gap` it is electrical."""
    text = f'[[layer]]\nname = "{name}"\nrole = "{role}"\nthickness = "{thickness}"\n'
    if material is not None:
        text += f'material = "{material}"\n'
    if material == "halide-perovskite":
        text += f'bandgap = "{gap} eV"\n'
    text += more + "\n"
    return text + (_ELECTRONIC.format(gap=gap) if gap is not None else "")


def cell(*layers: str, light: str = "", faces: str = "") -> Stack:
    """A cell of these layers with contacts that fit."""
    text = f'name = "test"\n[light]\n{light}\n' + "".join(layers) + faces
    text += '[contact.front]\nwork_function = "flat-band"\n[contact.back]\nwork_function = "flat-band"\n'
    return Stack.from_toml(text)


def optical_cell(*, gap: float = 1.7, thickness: str = "450 nm", light: str = "", faces: str = "") -> Stack:
    """glass / ITO / NiOx / perovskite / C60 / Ag."""
    return cell(
        layer("glass", "substrate", "glass", "1.1 mm"),
        layer("ito", "electrode", "ito", "150 nm"),
        layer("niox", "htl", "niox", "15 nm", gap=3.5),
        layer("perovskite", "absorber", "halide-perovskite", thickness, gap=gap),
        layer("c60", "etl", "c60", "30 nm", gap=2.0),
        layer("ag", "electrode", "ag", "100 nm"),
        light=light,
        faces=faces,
    )


def slab(gap: float, thickness: str = "500 nm", light: str = "") -> Stack:
    """An absorber alone, without optical constants."""
    return cell(layer("perovskite", "absorber", None, thickness, gap=gap), light=light)


def tandem(top: list[str], bottom: list[str], *, between: list[str] | None = None, light: str = "") -> Tandem:
    """A tandem of these layers (each a [[layer]] table) with flat contacts."""
    text = f'name = "test"\n[light]\n{light}\n'
    for which, layers, outer in (("top", top, "front"), ("bottom", bottom, "back")):
        for table in layers:
            text += table.replace("[[layer", f"[[{which}.layer").replace("[layer.", f"[{which}.layer.")
        text += f'[{which}.contact.{outer}]\nwork_function = "flat-band"\n'
    for table in between or ():
        text += table.replace("[[layer]]", "[[between]]")
    return Tandem.from_toml(text)


def three(middle_gap: float = 1.5) -> Tandem:
    """The library's tandem with a cell of its bottom's layers in the middle, 400 nm thick and of this gap (eV)."""
    both = load("tandem-target")
    assert isinstance(both, Tandem) and isinstance(both.bottom, Stack)
    electrical = tuple(one.name for one in both.bottom.electrical_layers)
    data = paths.plain(both.bottom)
    data["layer"] = [one for one in data["layer"] if one["name"] in electrical]
    data["contact"] = {end: {"work_function": "flat-band"} for end in ("front", "back")}
    middle = Stack.model_validate(data | {"name": "middle"}).with_values(
        {"thickness": "400 nm", "bandgap": middle_gap, "perovskite.electronic.electron_affinity": 3.9}
    )
    return Tandem(
        name="three", temperature=both.temperature, light=both.light, top=both.top, between=both.between,
        junction=both.junction, middle=middle, bottom=both.bottom,
    )  # fmt: skip


def patchy(cell: Tandem, which: str, areas: tuple[float, float] = (0.7, 0.3), **changes: object) -> Tandem:
    """A tandem one of whose junctions has a column as it was and one with changes, by path within the junction."""
    plain = cell.cells[which]
    assert isinstance(plain, Stack)
    stacks = {"covered": plain, "bare": plain.with_values(changes)}
    columns = tuple(
        Column(name=name, area=area, stack=stack.with_values({"name": name}))
        for area, (name, stack) in zip(areas, stacks.items(), strict=True)
    )
    given = {key: getattr(cell, key) for key in cell.model_fields_set}
    return Tandem(**(given | {which: Parallel(name=which, column=columns)}))


def faces(stack: Stack, each: int = 30) -> np.ndarray:
    """Faces of one junction with every layer boundary, graded towards them, m."""
    found, position = [0.0], 0.0
    for part in stack.electrical_layers:
        steps = (1 - np.cos(np.linspace(0, np.pi, each + 1))) / 2
        found += list(position + float(part.thickness) * steps[1:])
        position += float(part.thickness)
    return np.array(found)


def told(cell: Tandem, **options: object) -> Parts:
    """The optics of a tandem on such faces."""
    return parts(cell, {name: faces(stack) for name, stack in cell.stacks.items()}, **options)


def step_tandem(top: float, bottom: float, *, generation: str = '"step"') -> Tandem:
    """Two absorbers alone, without optical constants."""
    return tandem(
        [layer("perovskite", "absorber", None, "500 nm", gap=top)],
        [layer("perovskite", "absorber", None, "500 nm", gap=bottom)],
        light=f"generation = {generation}",
    )
