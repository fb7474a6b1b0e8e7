"""The materials of the library as tables for people, as entries of machine output, and as figures."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perotwin import materials
from perotwin.errors import UnknownNameError
from perotwin.materials import HALIDE, Description, OpticalModel, Source
from perotwin.materials.halide import measured
from perotwin.materials.library import halide_tables
from perotwin.measurement import write_atomically
from perotwin.plotting import style
from perotwin.plotting.optical_constants import Constants, nk
from perotwin.report.tables import literal, plain
from perotwin.stack import layer_library

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.table import Table

    from perotwin.stack.layer_library import LibraryLayer

__all__ = [
    "constants",
    "constants_at",
    "entry",
    "figure",
    "find",
    "library",
    "markdown_row",
    "save",
    "used_by",
    "words",
]

#: Wavelengths (nm) at which n and k are printed, and the bandgap (eV) at which a family of any bandgap is shown.
_SHOWN = (350, 450, 550, 650, 800, 1000, 1200)
SHOWN_GAP = 1.6

#: Wavelengths of a figure (m) and their number.
_DRAWN, _POINTS = (280e-9, 1600e-9), 1200

#: Models in a word or two.
_MODELS = {"fit": "own fit", "page of refractiveindex.info": "page", "family": "own fits, any bandgap",
           "literature": "no table: literature numbers"}  # fmt: skip


def _nm(limits: tuple[float, float]) -> str:
    return f"{_short(limits[0])} to {_short(limits[1])}"


def _short(wavelength: float) -> str:
    return f"{wavelength * 1e9:.0f}" if wavelength >= 1e-9 else "0"


def _rms(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def used_by() -> dict[str, list[str]]:
    """Material -> names of the layers of the library of layers that are made of it."""
    found: dict[str, list[str]] = {}
    for name in layer_library.names("layer"):
        material = layer_library.part(name, "layer").get("material")
        if isinstance(material, str):
            found.setdefault(material, []).append(name)
    return found


def find(name: str) -> tuple[Description | None, list[LibraryLayer]]:
    """A material by its name, or by that of a layer made of it, and the layers of the library to show with it.

    Raises
    ------
    UnknownNameError : neither a material nor a layer is called so; the near ones of both are offered.
    """
    made_of = used_by()
    if name in materials.names():
        alike = [one for one in made_of.get(name, ()) if name != HALIDE]
        return materials.describe(name), [layer_library.entry(one) for one in alike]
    try:
        layer = layer_library.entry(name)
    except UnknownNameError:
        both = dict.fromkeys((*materials.names(), *layer_library.names()))
        raise UnknownNameError("material or layer", name, both) from None
    material = None if layer.layer is None else layer.layer.get("material")
    return (materials.describe(material) if isinstance(material, str) else None), [layer]


def library(known: Sequence[Description], used: Mapping[str, Sequence[str]]) -> Table:
    """All materials, one a row; `used` tells which layers of the library of layers are made of each."""
    made = plain(
        "material",
        "what it is",
        "optics",
        "range (nm)",
        "rms n",
        "rms k",
        "used by",
        "source",
        numbers_from=9,
    )
    made.columns[-1].overflow = "fold"  # a DOI that is cut is none
    for one in known:
        made.add_row(
            one.name,
            literal(one.title),
            _MODELS[one.model] + (" *" if one.caution else ""),
            _nm(one.range),
            _rms(one.rms_n),
            _rms(one.rms_k),
            literal(", ".join(used.get(one.name, ())) or "–"),
            literal(_brief(one.source)),
        )
    return made


def markdown_row(one: Description) -> str:
    """A material as a row of the page about materials."""
    rms = "–" if one.rms_n is None else f"{_rms(one.rms_n)}, {_rms(one.rms_k)}"
    return f"| `{one.name}` | {one.title} | {_MODELS[one.model]} | {_nm(one.range)} | {rms} |"


def _brief(source: str) -> str:
    """The DOI of a source, or the start of the sentence."""
    dois = [word.strip("().;,") for word in source.split() if "doi:10." in word]
    if dois:
        first = dois[0][dois[0].index("doi:") :]
        return first + (f" and {len(dois) - 1} more" if len(dois) > 1 else "")
    brief = source.partition(" to ")[2] or source
    return brief if len(brief) <= 60 else brief[:57].rsplit(" ", 1)[0] + " ..."


def words(one: Description, used: Sequence[str]) -> list[str]:
    """A material in sentences: model, range, residual, source, doubts."""
    lines = [f"{one.name}: {one.title}", f"  optics      {_MODELS[one.model]}"]
    if one.page is not None:
        lines[-1] += f"; refractiveindex.info {'/'.join(one.page)}"
    lines.append(f"  range       {_nm(one.range)} nm")
    if one.fitted is not None and one.fitted != one.range:
        lines[-1] += f"; the source ends at {one.fitted[1] * 1e9:.0f} nm, and the model goes on"
    if one.rms_n is not None:
        worst = "at most " if one.model == "family" else ""
        lines.append(
            f"  residual    {worst}{_rms(one.rms_n)} in n, {_rms(one.rms_k)} in k (root mean square)"
        )
    if one.bandgap is not None:
        lines.append(f"  bandgap     {one.bandgap:g} eV")
    lines.append(f"  source      {one.source}")
    if one.caution:
        lines.append(f"  mind        {one.caution}")
    lines.append(f"  used by     {', '.join(used) or 'nothing in the libraries'}")
    return lines + _coefficient_lines(one)


def _coefficient_lines(one: Description) -> list[str]:
    if one.model == "family":
        parts = [f"{name} (edge {part['edge']:g} eV)" for name, part in one.coefficients.items()]
        return [f"  tables      {'; '.join(parts)}", "  coefficients in the JSON output"]
    if not one.coefficients:
        return []
    found = one.coefficients
    lines = [f"  model       Tauc-Lorentz: gap {found['gap']:g} eV, eps_inf {found['eps_inf']:g}"]
    lines += [
        f"              A {term['amplitude']:g}, E0 {term['centre']:g}, C {term['broadening']:g} eV"
        for term in found["oscillators"]
    ]
    if "drude" in found:
        drude = found["drude"]
        lines.append(
            f"              Drude: plasma energy {drude['plasma']:g}, damping {drude['damping']:g} eV"
        )
    return lines


def constants_at(one: Description) -> Table:
    """n and k of a material at a few wavelengths of its range."""
    made = plain("wavelength (nm)", "n", "k", numbers_from=0)
    low, high = one.range
    shown = [lam for lam in _SHOWN if low <= lam * 1e-9 <= high]
    index = materials.optical(one.name, bandgap=SHOWN_GAP).nk(np.array(shown, float) * 1e-9)
    for lam, value in zip(shown, index, strict=True):
        made.add_row(str(lam), f"{value.real:.3f}", f"{value.imag:.3g}")
    return made


def entry(one: Description, used: Sequence[str]) -> dict[str, Any]:
    """A material for machines: wavelengths in nm, energies in eV."""
    low, high = one.range
    shown = [lam for lam in _SHOWN if low <= lam * 1e-9 <= high]
    index = materials.optical(one.name, bandgap=SHOWN_GAP).nk(np.array(shown, float) * 1e-9)

    def nanometres(limits: tuple[float, float] | None) -> dict[str, Any] | None:
        return None if limits is None else {"value": [1e9 * limits[0], 1e9 * limits[1]], "unit": "nm"}

    return {
        "material": one.name,
        "title": one.title,
        "model": one.model,
        "coefficients": one.coefficients,
        "source": one.source,
        "caution": one.caution or None,
        "page": None if one.page is None else dict(zip(("shelf", "book", "page"), one.page, strict=True)),
        "range": nanometres(one.range),
        "fitted": nanometres(one.fitted),
        "rms_n": one.rms_n,
        "rms_k": one.rms_k,
        "bandgap": None if one.bandgap is None else {"value": one.bandgap, "unit": "eV"},
        "used_by": list(used),
        "wavelength": {"value": shown, "unit": "nm"},
        "n": {"value": [float(value) for value in index.real], "unit": "1"},
        "k": {"value": [float(value) for value in index.imag], "unit": "1"},
    }


def constants(one: Description) -> list[Constants]:
    """A material's curve and the points of its source, for a figure; of a family each of its tables."""
    if one.model != "family":
        known = one.fitted or (one.range if one.page is not None else None)
        return [_curve(one.name, materials.optical(one.name), known, materials.source_points(one.name))]
    return [
        _curve(
            f"{part.edge:.2f} eV", measured(part), part.range, materials.source_points(one.name, part.name)
        )
        for part in halide_tables().parts
    ]


def _curve(
    name: str, model: OpticalModel, known: tuple[float, float] | None, source: Source | None
) -> Constants:
    wavelength = np.linspace(max(model.range[0], _DRAWN[0]), min(model.range[1], _DRAWN[1]), _POINTS)
    shown = None
    if source is not None:
        inside = (source.wavelength >= wavelength[0]) & (source.wavelength <= wavelength[-1])
        shown = source.wavelength[inside], source.index[inside]
    return Constants(name, wavelength, model.nk(wavelength), known, shown)


def figure(known: Sequence[Description]) -> Figure:
    """n and k of one material or several, with the points of their sources where these are at hand."""
    return nk([curve for one in known for curve in constants(one)])


def save(made: Figure, path: Path) -> Path:
    """Write a figure into one file, whose name ends in .png or .svg; returns its path."""
    with tempfile.TemporaryDirectory() as folder:
        svg, png = style.save(made, Path(folder) / "figure")
        drawn = (svg if path.suffix.lower() == ".svg" else png).read_bytes()
    write_atomically(path, lambda target: target.write_bytes(drawn))
    return path
