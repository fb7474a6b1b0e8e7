"""The material library: one TOML file a material, each with the source of its numbers."""

from __future__ import annotations

import tomllib
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from perotwin.errors import InputError, UnknownNameError
from perotwin.materials import HALIDE, URBACH_ENERGY
from perotwin.materials.dielectric import DielectricFunction, Drude, TaucLorentz
from perotwin.materials.halide import HalideTables, Part, blend
from perotwin.materials.models import Analytic, Blend, OpticalModel
from perotwin.materials.pages import with_tail
from perotwin.materials.tables import refractiveindex_page

__all__ = ["entry", "halide_tables", "names", "optical", "source"]


def names() -> tuple[str, ...]:
    """Names of the materials in the library, in alphabetical order."""
    folder = files("perotwin.materials") / "library"
    return tuple(sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".toml")))


@cache
def entry(name: str) -> dict[str, Any]:
    """What the library file of a material holds. Raises UnknownNameError."""
    path = files("perotwin.materials") / "library" / f"{name}.toml"
    if name not in names():
        raise UnknownNameError("material", name, names())
    return tomllib.loads(path.read_text(encoding="utf-8"))


def source(name: str) -> str:
    """Where the numbers of a material come from. Raises UnknownNameError."""
    found = entry(name)
    parts = [found["source"], *(f"{part['name']}: {part['source']}" for part in found.get("part", ()))]
    if found["kind"] == "halide":
        parts.append(halide_tables().coverage)
    return "; ".join(parts)


def optical(
    name: str,
    *,
    bandgap: float | None = None,
    urbach_energy: float = URBACH_ENERGY,
    extrapolate: bool = False,
) -> OpticalModel:
    """The optical model of a material of the library.

    Parameters
    ----------
    name : one of `names()`.
    bandgap : EQE inflection of the cell, eV; needed by "halide-perovskite", ignored by the others.
    urbach_energy : of a perovskite, eV.
    extrapolate : whether the model answers beyond its data.

    Raises
    ------
    UnknownNameError : no such material; the nearest names are offered.
    InputError : "halide-perovskite" without a bandgap.
    OutOfRangeError : a bandgap outside 1.1 to 2.4 eV.
    """
    found = entry(name)
    if found["kind"] == "model" and found["model"].get("tail"):
        return _absorber(name, float(urbach_energy), bool(extrapolate))
    if found["kind"] != "halide":
        return _fixed(name, bool(extrapolate))
    if bandgap is None:
        raise InputError(
            'the material "halide-perovskite" needs a bandgap.', 'Add bandgap = "1.79 eV", say, to the layer.'
        )
    return _halide(float(bandgap), float(urbach_energy), bool(extrapolate))


@cache
def _fixed(name: str, extrapolate: bool) -> OpticalModel:
    found = entry(name)
    if found["kind"] == "refractiveindex":
        page = refractiveindex_page(
            found["shelf"],
            found["book"],
            found["page"],
            name=name,
            source=found["source"],
            extrapolate=extrapolate,
        )
        return with_tail(page, found["tail_to_nm"] * 1e-9) if "tail_to_nm" in found else page
    return Analytic(
        name=name,
        source=found["source"],
        range=_range(found),
        extrapolate=extrapolate,
        function=_function(found["model"]),
    )


@lru_cache(maxsize=64)
def _absorber(name: str, urbach_energy: float, extrapolate: bool) -> OpticalModel:
    """A fitted absorber: the oscillators, and below their gap an Urbach tail."""
    if urbach_energy <= 0:
        raise InputError(
            f"an Urbach energy of {urbach_energy:g} eV is not positive.",
            'Give "15 meV", say.',
            key="urbach_energy",
        )
    found = entry(name)
    return Blend(
        name=name,
        source=found["source"],
        range=_range(found),
        extrapolate=extrapolate,
        parts=((1.0, _function(found["model"])),),
        urbach_energy=urbach_energy,
    )


@lru_cache(maxsize=64)
def _halide(bandgap: float, urbach_energy: float, extrapolate: bool) -> OpticalModel:
    return blend(halide_tables(), bandgap, urbach_energy, source=source(HALIDE), extrapolate=extrapolate)


@cache
def halide_tables() -> HalideTables:
    """The measured compositions behind "halide-perovskite", and its map from bandgap to edge."""
    found = entry(HALIDE)
    parts = tuple(Part(part["name"], part["edge"], _range(part), _function(part)) for part in found["part"])
    mapped = found["map"]
    return HalideTables(parts, tuple(mapped["bandgap"]), tuple(mapped["edge"]), mapped["cell"])


def _range(entry: dict[str, Any]) -> tuple[float, float]:
    low, high = entry["range_nm"]
    return low * 1e-9, high * 1e-9


def _function(entry: dict[str, Any]) -> DielectricFunction:
    oscillators = tuple(TaucLorentz(a, e0, c, entry["gap"]) for a, e0, c in entry["oscillators"])
    return DielectricFunction(
        entry["eps_inf"], oscillators, Drude(*entry["drude"]) if "drude" in entry else None
    )
