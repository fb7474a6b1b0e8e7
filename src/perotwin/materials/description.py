"""What there is to say of a material of the library: model, coefficients, source, range, residual, doubts."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perotwin.materials.library import entry, halide_tables, names, optical, source
from perotwin.materials.tables import refractiveindex_page

__all__ = ["TABLES_VARIABLE", "Description", "Source", "describe", "descriptions", "source_points"]

F64 = NDArray[np.float64]
C128 = NDArray[np.complex128]

#: The environment variable that names a folder with the tables that no package ships.
TABLES_VARIABLE = "PEROTWIN_OPTICAL_TABLES"

#: Points of a source that a figure shows, at most.
_POINTS = 90


@dataclass(frozen=True)
class Source:
    """Rows of the table behind a material.

    wavelength : (P,), m. index : (P,), n + i k. name : what the table is called.
    """

    wavelength: F64
    index: C128
    name: str


@dataclass(frozen=True)
class Description:
    """A material of the library in words and numbers.

    Attributes
    ----------
    name, title : what files call it, and what it is.
    model : "fit", "page of refractiveindex.info", "family" (any bandgap) or "literature" (no table was fitted).
    coefficients : what the model is made of, by name; energies in eV.
    source : where the numbers come from.
    range : (shortest, longest) wavelength that it answers, m.
    fitted : the same of the table that it was fitted to, m; None where there is none.
    rms_n, rms_k : root-mean-square deviation from that table; None where there is none.
    bandgap : eV, of an absorber: where what 450 nm of it absorb rises most steeply; None of other materials.
    caution : what a reader must know before trusting it; empty where nothing.
    page : (shelf, book, page) of refractiveindex.info behind it, if one is.
    """

    name: str
    title: str
    model: str
    coefficients: dict[str, Any] = field(repr=False)
    source: str = field(repr=False)
    range: tuple[float, float]
    fitted: tuple[float, float] | None
    rms_n: float | None
    rms_k: float | None
    bandgap: float | None
    caution: str = field(repr=False)
    page: tuple[str, str, str] | None


def descriptions() -> tuple[Description, ...]:
    """All materials of the library, in alphabetical order."""
    return tuple(describe(name) for name in names())


def describe(name: str) -> Description:
    """What there is to say of a material. Raises UnknownNameError, with the near names."""
    found = entry(name)
    page = found if found["kind"] == "refractiveindex" else found.get("table", {})
    family = found["kind"] == "halide"
    if family:
        parts = halide_tables().parts
        limits = (max(part.range[0] for part in parts), min(part.range[1] for part in parts))
        rms = [max(part[key] for part in found["part"]) for key in ("rms_n", "rms_k")]
    else:
        limits = optical(name).range
        rms = [found.get("rms_n"), found.get("rms_k")]
    fitted = found.get("fitted_nm") or (found.get("range_nm") if rms[0] is not None else None)
    return Description(
        name=name,
        title=found["title"],
        model=_kind(found, fitted is not None or family),
        coefficients=_coefficients(found),
        source=source(name),
        range=limits,
        fitted=None if fitted is None else (fitted[0] * 1e-9, fitted[1] * 1e-9),
        rms_n=rms[0],
        rms_k=rms[1],
        bandgap=found.get("bandgap"),
        caution=found.get("caution", ""),
        page=(page["shelf"], page["book"], page["page"]) if "page" in page else None,
    )


def _kind(found: dict[str, Any], fitted: bool) -> str:
    if found["kind"] == "refractiveindex":
        return "page of refractiveindex.info"
    if found["kind"] == "halide":
        return "family"
    return "fit" if fitted else "literature"


def _coefficients(found: dict[str, Any]) -> dict[str, Any]:
    if found["kind"] == "halide":
        return {part["name"]: {"edge": part["edge"], **_of_model(part)} for part in found["part"]}
    return _of_model(found["model"]) if found["kind"] == "model" else {}


def _of_model(model: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {key: model[key] for key in ("gap", "eps_inf") if key in model}
    kept["oscillators"] = [
        {"amplitude": a, "centre": e0, "broadening": c} for a, e0, c in model["oscillators"]
    ]
    if "drude" in model:
        kept["drude"] = {"plasma": model["drude"][0], "damping": model["drude"][1]}
    return kept


def source_points(name: str, part: str = "") -> Source | None:
    """Rows of the table behind a material, thinned: of its page of refractiveindex.info; of another table where the
    folder that the environment variable PEROTWIN_OPTICAL_TABLES names holds its file. None where it is not at hand.

    Parameters
    ----------
    part : of a family, the name of one of its tables.

    Raises
    ------
    UnknownNameError : no such material.
    """
    found = entry(name)
    if part:
        found = next(one for one in found["part"] if one["name"] == part)
    table = found if found.get("kind") == "refractiveindex" else found.get("table", {})
    if "page" in table:
        page = refractiveindex_page(table["shelf"], table["book"], table["page"])
        wavelength = page.wavelength
        return _thinned(Source(wavelength, page.values, f"{table['shelf']}/{table['book']}/{table['page']}"))
    return None if "file" not in table else _from_folder(table["file"], table.get("k_floor", 0.0))


def _from_folder(file: str, floor: float) -> Source | None:
    folder = os.environ.get(TABLES_VARIABLE)
    paths = sorted(Path(folder).expanduser().rglob(file)) if folder else []
    if not paths:
        return None
    rows = []
    for line in paths[0].read_text(encoding="utf-8").splitlines():
        cells = line.replace(",", " ").split()
        if len(cells) == 3 and cells[0][0].isdigit():
            rows.append([float(cell) for cell in cells])
    wavelength, n, k = np.array(rows).T
    metres = wavelength if wavelength[0] < 1e-3 else wavelength * 1e-9
    return _thinned(Source(metres, n + 1j * np.maximum(k - floor, 0.0), file))


def _thinned(whole: Source) -> Source:
    """At most `_POINTS` rows between 250 nm and 2.5 um, as even in the logarithm of the wavelength as rows allow."""
    low, high = max(whole.wavelength[0], 250e-9), min(whole.wavelength[-1], 2.5e-6)
    wanted = np.geomspace(low, high, _POINTS)
    rows = np.unique(np.abs(whole.wavelength[:, None] - wanted).argmin(axis=0))
    return Source(whole.wavelength[rows], whole.index[rows], whole.name)
