"""What to cite for a cell: the works behind its numbers, its materials and the methods that it uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from perotwin import materials, references
from perotwin.errors import PerotwinError
from perotwin.stack import Tandem, in_order

if TYPE_CHECKING:
    from perotwin.stack import Cell, Stack

__all__ = ["Citations", "of"]

_FLUXES = (
    "fluxes between mesh points",
    "D. L. Scharfetter, H. K. Gummel, IEEE Trans. Electron Devices 16, 64 (1969)",
    "doi:10.1109/T-ED.1969.16566",
)
_TRAPS = (
    "recombination through traps",
    "W. Shockley, W. T. Read, Phys. Rev. 87, 835 (1952)",
    "doi:10.1103/PhysRev.87.835",
)
_DETAILED_BALANCE = (
    "radiative recombination from absorption",
    "W. van Roosbroeck, W. Shockley, Phys. Rev. 94, 1558 (1954)",
    "doi:10.1103/PhysRev.94.1558",
)
_RECIPROCITY = (
    "reciprocity of absorption and emission",
    "U. Rau, Phys. Rev. B 76, 085303 (2007)",
    "doi:10.1103/PhysRevB.76.085303",
)
_COUPLING = (
    "light of one junction in the other",
    "M. A. Steiner, J. F. Geisz, Appl. Phys. Lett. 100, 251106 (2012)",
    "doi:10.1063/1.4729827",
)
_SUN = (
    "AM1.5G spectrum, as shipped by pvlib",
    "ASTM G173-03; K. S. Anderson et al., J. Open Source Softw. 8, 5994 (2023)",
    "doi:10.21105/joss.05994",
)


@dataclass
class Citations:
    """Works by what they are cited for.

    Attributes
    ----------
    works : reference -> the field paths that rest on it.
    materials : material -> source of its optical constants.
    methods : (what for, work, link).
    assumed : field path -> its assumed range.
    unsourced : field paths that state no source.
    """

    stack: str
    works: dict[str, list[str]] = field(default_factory=dict)
    materials: dict[str, str] = field(default_factory=dict)
    methods: list[tuple[str, str, str]] = field(default_factory=list)
    assumed: dict[str, str] = field(default_factory=dict)
    unsourced: list[str] = field(default_factory=list)

    def text(self) -> str:
        """The list as a person pastes it into a document."""
        lines = [self.stack, "", "Numbers of the stack"]
        for work, paths in self.works.items():
            lines += [f"  {work}", f"      for {', '.join(paths)}"]
        if self.assumed:
            lines += ["", "Assumed, not measured"]
            lines += [f"  {path}: {text}" for path, text in self.assumed.items()]
        if self.unsourced:
            lines += ["", "Without a source", "  " + ", ".join(self.unsourced)]
        if self.materials:
            lines += ["", "Optical constants"]
            lines += [f"  {name}: {text}" for name, text in self.materials.items()]
        lines += ["", "Methods"]
        lines += [f"  {what}: {work}. {link}" for what, work, link in self.methods]
        return "\n".join(lines)

    def to_json(self) -> dict[str, object]:
        """The same for machines."""
        return {
            "works": [{"reference": work, "for": paths} for work, paths in self.works.items()],
            "materials": self.materials,
            "methods": [{"for": what, "reference": work, "link": link} for what, work, link in self.methods],
            "assumed": self.assumed,
            "unsourced": self.unsourced,
        }


def of(cell: Cell) -> Citations:
    """The citations of a cell."""
    found = Citations(cell.name)
    sources = cell.sources()
    for path in cell.quantities():
        text = sources.get(path)
        if text is None:
            found.unsourced.append(path)
            continue
        if "assumed" in text:
            found.assumed[path] = text
        known = references.find(text)
        if known is not None:
            found.works.setdefault(str(known), []).append(path)
        elif "assumed" not in text:
            found.works.setdefault(text, []).append(path)
    for _, layer in in_order(cell):
        if isinstance(layer.material, str):
            if layer.material not in found.materials:
                found.materials[layer.material] = _source(layer.material)
        elif layer.material is not None and layer.material.kind == "refractiveindex":
            page = f"{layer.material.shelf}/{layer.material.book}/{layer.material.page}"
            found.materials[page] = f"refractiveindex.info {page} (CC0); the page names the work to cite"
    for stack in cell.stacks.values():
        found.methods += [method for method in _methods(stack) if method not in found.methods]
    if isinstance(cell, Tandem):
        found.methods += _methods_of_tandem(cell, found.methods)
    return found


def _source(material: str) -> str:
    try:
        return materials.source(material)
    except PerotwinError as error:
        return error.message


def _methods_of_tandem(cell: Tandem, known: Sequence[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """What is used for two junctions and not for one."""
    used = []
    if any(joint.kind == "traps" for joint in cell.joints) and _TRAPS not in known:
        used.append(_TRAPS)
    if _RECIPROCITY in known and cell.light.generation.kind == "optics":
        used.append(_COUPLING)
    return used


def _methods(cell: Stack) -> list[tuple[str, str, str]]:
    used = []
    if cell.electrical_layers:
        used.append(_FLUXES)
    faces = any(face.trap for face in cell.interface.values())
    if faces or any(layer.trap for layer in cell.electrical_layers):
        used.append(_TRAPS)
    if any(cell.radiative(layer).kind == "detailed-balance" for layer in cell.electrical_layers):
        used += [_DETAILED_BALANCE, _RECIPROCITY]
    if cell.light.spectrum.kind in ("AM1.5G", "AM1.5D", "AM0") and cell.light.generation.kind in (
        "optics",
        "step",
    ):
        used.append(_SUN)
    return used
