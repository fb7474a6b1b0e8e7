"""Small optical cells for tests, in TOML as a user writes them."""

from perotwin.stack import Stack, Tandem

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


def step_tandem(top: float, bottom: float, *, generation: str = '"step"') -> Tandem:
    """Two absorbers alone, without optical constants."""
    return tandem(
        [layer("perovskite", "absorber", None, "500 nm", gap=top)],
        [layer("perovskite", "absorber", None, "500 nm", gap=bottom)],
        light=f"generation = {generation}",
    )
