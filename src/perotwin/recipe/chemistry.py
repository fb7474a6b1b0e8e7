"""What can be computed of a molecule from its SMILES alone: size, and the dipole by conformer.

Size: the conformer that is longest along its axis of least inertia (among those within 2 % of the greatest length the
one of lowest MMFF94 energy), and the range over all conformers. Dipole: conformers of several seeds, ranked by GFN2-xTB
and relaxed with it; the Boltzmann average of all, and the spread of the averages of single seeds. Only neutral
molecules have a dipole: that of an ion depends on the origin. Results are kept on disk.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perotwin import progress
from perotwin.errors import PerotwinError
from perotwin.materials import cache
from perotwin.recipe import conformers, dft, xtb
from perotwin.recipe.conformers import Shapes, Species
from perotwin.recipe.molecule_size import Size, size
from perotwin.recipe.optional_packages import release

__all__ = ["EMBEDDINGS", "KEPT", "SEEDS", "Computed", "Conformer", "Refined", "compute", "longest", "refine"]

#: seeds of the conformer search
SEEDS = (1, 2, 3, 4, 5)
#: embeddings of each seed: extended chains and rotamers of two P-OH groups are both rare
EMBEDDINGS = 200
#: conformers of each seed that GFN2-xTB relaxes
KEPT = 12

TEMPERATURE = 298.15
_KT = 8.617333262e-5 * TEMPERATURE
#: conformers as long as this share of the longest count as extended
_EXTENDED = 0.98
#: raised when the same key would mean another document
_SCHEMA = 1

SIZE_METHOD = "RDKit ETKDGv3 + MMFF94, extended conformer"
DIPOLE_METHOD = "GFN2-xTB"
POLARISABILITY_METHOD = "Crippen's molar refractivity, Lorentz-Lorenz"


@dataclass(frozen=True)
class Conformer:
    """One minimum of the GFN2-xTB energy of a neutral molecule.

    Attributes
    ----------
    energy : above the lowest conformer (eV). weight : Boltzmann weight at 298.15 K among all that were found.
    dipole : its magnitude (C m).
    normal_dipole : component (C m) along the line from the middle of the other heavy atoms to the anchor; positive
        means that a molecule held by its anchor raises the vacuum level outside the oxide. None without an anchor.
    size : `Size` of this geometry. extended : whether it is among the longest.
    seeds : those that found it.
    positions : of the nuclei (m), in the order of the canonical SMILES, hydrogens last; shape (atoms, 3).
    """

    energy: float
    weight: float
    dipole: float
    normal_dipole: float | None
    size: Size
    extended: bool
    seeds: tuple[int, ...]
    positions: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class Computed:
    """What was computed of one species; lengths in m, dipoles in C m, energies in eV.

    Attributes
    ----------
    smiles, formula, charge, molar_mass, polarisability, anchors, carbons, carbonyls : as in `conformers.Species`.
    numbers : atomic numbers.
    size : of the extended conformer.
    diameters, nuclear_diameters, lengths : least and greatest over all MMFF94 conformers.
    conformers : by GFN2-xTB energy; empty for an ion.
    dipole : Boltzmann average of the magnitudes. by_seed : the same of each seed's own conformers.
    spread : standard deviation of `by_seed`.
    normal_dipole : Boltzmann average. normal_range : least and greatest among conformers that are extended
        or weigh 1 % or more.
    lost : conformers that GFN2-xTB turned into another molecule (a proton moved, a ring closed).
    refused : why there is no dipole, or "".
    versions : of the packages. seconds : that it took when it was computed. cached : whether it came from disk.
    """

    smiles: str
    formula: str
    charge: int
    numbers: tuple[int, ...]
    molar_mass: float
    polarisability: float
    anchors: tuple[str, ...]
    carbons: int
    carbonyls: int
    size: Size
    diameters: tuple[float, float]
    nuclear_diameters: tuple[float, float]
    lengths: tuple[float, float]
    conformers: tuple[Conformer, ...]
    dipole: float | None
    by_seed: tuple[float, ...]
    spread: float | None
    normal_dipole: float | None
    normal_range: tuple[float, float] | None
    lost: int
    refused: str
    versions: dict[str, str]
    seconds: float
    cached: bool = False

    @property
    def species(self) -> str:
        """What the numbers are of."""
        return "neutral molecule" if self.charge == 0 else f"ion of charge {self.charge:+d}"


def compute(
    smiles: str, *, seeds: Sequence[int] = SEEDS, embeddings: int = EMBEDDINGS, kept: int = KEPT
) -> Computed:
    """Size of any species, and of a neutral molecule the dipole by conformer.

    Parameters
    ----------
    smiles : one molecule or ion.
    seeds : of the conformer search. embeddings : tried with each. kept : relaxed with GFN2-xTB from each.

    Raises
    ------
    InputError : no SMILES, several fragments, a radical, an element without data.
    PerotwinError : RDKit or tblite is not installed, or nothing converges.
    """
    species = conformers.read(smiles)
    versions = {"rdkit": release("rdkit")} | ({} if species.charge else {"tblite": release("tblite")})
    key = {
        "schema": _SCHEMA, "smiles": species.smiles, "seeds": list(seeds), "embeddings": embeddings, "kept": kept,
        **versions,
    }  # fmt: skip

    def make() -> dict[str, Any]:
        return asdict(_compute(species, seeds, embeddings, kept, versions))

    document, cached = cache.document("molecule", key, make)
    return _from_json(document, cached)


def _compute(
    species: Species, seeds: Sequence[int], embeddings: int, kept: int, versions: dict[str, str]
) -> Computed:
    start = time.perf_counter()
    found = []
    with progress.task(f"shapes of {species.formula}", total=len(seeds)) as job:
        for seed in seeds:
            found.append(conformers.embed(species, embeddings, seed))
            job.advance()
    pool, origin = _pooled(found, seeds)
    sizes = [size(species.numbers, positions) for positions in pool.positions]
    extended = longest([one.nuclear_length for one in sizes], pool.energies)
    relaxed: tuple[Conformer, ...] = ()
    lost = 0
    refused = ""
    if species.charge:
        refused = (
            f"an ion of charge {species.charge:+d} has no dipole of its own: the number depends on the origin. "
            "Ask for the neutral molecule"
        )
    else:
        relaxed, lost = _relaxed(species, pool, origin, kept, extended)
    averages = (
        tuple(_average([one for one in relaxed if seed in one.seeds]) for seed in seeds) if relaxed else ()
    )
    normals = [one for one in relaxed if one.normal_dipole is not None]
    likely = [one.normal_dipole for one in normals if one.weight >= 0.01 or one.extended]
    return Computed(
        smiles=species.smiles,
        formula=species.formula,
        charge=species.charge,
        numbers=tuple(int(number) for number in species.numbers),
        molar_mass=species.molar_mass,
        polarisability=species.polarisability,
        anchors=species.anchors,
        carbons=species.carbons,
        carbonyls=species.carbonyls,
        size=sizes[extended],
        diameters=_ends(one.diameter for one in sizes),
        nuclear_diameters=_ends(one.nuclear_diameter for one in sizes),
        lengths=_ends(one.length for one in sizes),
        conformers=relaxed,
        dipole=_average(relaxed) if relaxed else None,
        by_seed=averages,
        spread=float(np.std(averages, ddof=1)) if len(averages) > 1 else None,
        normal_dipole=sum(one.weight * (one.normal_dipole or 0.0) for one in normals) if normals else None,
        normal_range=_ends(likely) if likely else None,
        lost=lost,
        refused=refused,
        versions=versions,
        seconds=time.perf_counter() - start,
    )


def longest(lengths: Sequence[float], energies: Sequence[float] | NDArray[np.float64]) -> int:
    """Index of the extended conformer: of those within 2 % of the greatest length the lowest in energy."""
    enough = _EXTENDED * max(lengths)
    return min(
        (index for index, length in enumerate(lengths) if length >= enough), key=lambda index: energies[index]
    )


def _pooled(found: Sequence[Shapes], seeds: Sequence[int]) -> tuple[Shapes, list[tuple[int, ...]]]:
    """The distinct shapes of all seeds, lowest first, and which seeds found each."""
    shapes, origin, _ = _merged(
        np.concatenate([one.positions for one in found]),
        np.concatenate([one.energies for one in found]),
        [(seed,) for one, seed in zip(found, seeds, strict=True) for _ in one.energies],
        energy=1e-3,
        distance=0.1e-10,
    )
    return shapes, origin


def _merged(
    positions: NDArray[np.float64],
    energies: NDArray[np.float64],
    origin: Sequence[tuple[int, ...]],
    *,
    energy: float,
    distance: float,
    marks: NDArray[np.float64] | None = None,
    mark: float = np.inf,
) -> tuple[Shapes, list[tuple[int, ...]], list[int]]:
    """Shapes alike in energy (eV), distances (m) and `marks` as one, lowest first; the seeds and the index of each."""
    order = np.argsort(energies, kind="stable")
    marks = np.zeros(len(energies)) if marks is None else marks
    prints: list[NDArray[np.float64]] = []
    kept: list[int] = []
    seeds: list[set[int]] = []
    for index in order:
        own = conformers.fingerprint(positions[index])
        for place, other in enumerate(kept):
            near = (
                abs(energies[index] - energies[other]) <= energy and abs(marks[index] - marks[other]) <= mark
            )
            if near and np.abs(own - prints[place]).max() <= distance:
                seeds[place].update(origin[index])
                break
        else:
            kept.append(int(index))
            prints.append(own)
            seeds.append(set(origin[index]))
    return Shapes(positions[kept], energies[kept]), [tuple(sorted(one)) for one in seeds], kept


def _relaxed(
    species: Species, pool: Shapes, origin: list[tuple[int, ...]], kept: int, extended: int
) -> tuple[tuple[Conformer, ...], int]:
    """The GFN2-xTB minima next to each seed's lowest shapes and to the extended one, and how many were lost."""
    start = time.perf_counter()
    with progress.task(f"GFN2-xTB energies of {species.formula}", total=len(pool.energies)) as job:
        first = []
        for positions in pool.positions:
            first.append(xtb.single_point(species.numbers, positions).energy)
            job.advance()
    each = (time.perf_counter() - start) / len(first)
    chosen = {extended}
    for seed in {seed for seeds in origin for seed in seeds}:
        own = [index for index, seeds in enumerate(origin) if seed in seeds]
        chosen.update(sorted(own, key=lambda index: first[index])[:kept])
    if 40 * each * len(chosen) > 5.0:
        progress.note(
            f"GFN2-xTB relaxes {len(chosen)} conformers of {species.formula}: about {40 * each * len(chosen):.0f} s, "
            "once; the result is kept."
        )
    points, seeds, lost = [], [], 0
    with progress.task(f"GFN2-xTB geometries of {species.formula}", total=len(chosen)) as job:
        for index in sorted(chosen, key=lambda index: first[index]):
            try:
                point = xtb.relax(species.numbers, pool.positions[index], species.bonds)
            except PerotwinError:
                lost += 1
            else:
                if _same_molecule(species, pool.positions[index], point.positions):
                    points.append(point)
                    seeds.append(origin[index])
                else:
                    lost += 1
            job.advance()
    if not points:
        raise PerotwinError(
            f"no conformer of {species.smiles} stays this molecule in the gas phase with GFN2-xTB.",
            "A zwitterion does not: give the neutral molecule (an acid with its proton, an amine without a second).",
        )
    return _conformers(species, points, seeds), lost


def _conformers(
    species: Species, points: Sequence[xtb.Point], seeds: Sequence[tuple[int, ...]]
) -> tuple[Conformer, ...]:
    magnitudes = np.array([np.linalg.norm(point.dipole) for point in points])
    # Forces that are small but not nothing leave copies of one minimum a few meV and a tenth of an angstrom apart.
    shapes, found_by, kept = _merged(
        np.array([point.positions for point in points]),
        np.array([point.energy for point in points]),
        seeds,
        energy=0.01,
        distance=0.3e-10,
        marks=magnitudes,
        mark=0.2e-21 / 299792458,
    )
    dipoles = [points[index].dipole for index in kept]
    above = shapes.energies - shapes.energies.min()
    weights = np.exp(-above / _KT) / np.exp(-above / _KT).sum()
    sizes = [size(species.numbers, positions) for positions in shapes.positions]
    enough = _EXTENDED * max(one.nuclear_length for one in sizes)
    made = []
    for index, positions in enumerate(shapes.positions):
        dipole = dipoles[index]
        made.append(
            Conformer(
                energy=float(above[index]),
                weight=float(weights[index]),
                dipole=float(np.linalg.norm(dipole)),
                normal_dipole=_along_normal(species, positions, dipole),
                size=sizes[index],
                extended=bool(sizes[index].nuclear_length >= enough),
                seeds=found_by[index],
                positions=tuple((float(x), float(y), float(z)) for x, y, z in positions),
            )
        )
    return tuple(made)


def _along_normal(
    species: Species, positions: NDArray[np.float64], dipole: NDArray[np.float64]
) -> float | None:
    if species.anchor_atom is None:
        return None
    others = [
        index for index, number in enumerate(species.numbers) if number > 1 and index != species.anchor_atom
    ]
    if not others:
        return None
    inwards = positions[species.anchor_atom] - positions[others].mean(axis=0)
    return float(dipole @ inwards / np.linalg.norm(inwards))


def _same_molecule(species: Species, before: NDArray[np.float64], after: NDArray[np.float64]) -> bool:
    """Whether every bond held, and every hydrogen is still nearest to the atom that it is bonded to."""
    first, second = species.bonds.T
    length = [np.linalg.norm(places[first] - places[second], axis=1) for places in (before, after)]
    if (length[1] > 1.25 * length[0]).any():
        return False
    heavy = np.flatnonzero(species.numbers > 1)
    for one, other in species.bonds:
        for hydrogen, partner in ((one, other), (other, one)):
            if species.numbers[hydrogen] == 1 and species.numbers[partner] > 1:
                nearest = heavy[np.linalg.norm(after[heavy] - after[hydrogen], axis=1).argmin()]
                if nearest != partner:
                    return False
    return True


def _average(some: Sequence[Conformer]) -> float:
    """Boltzmann average of the dipole's magnitude over some conformers."""
    total = sum(one.weight for one in some)
    return sum(one.weight * one.dipole for one in some) / total


def _ends(values: Any) -> tuple[float, float]:
    listed = [float(value) for value in values]
    return min(listed), max(listed)


def _from_json(document: dict[str, Any], cached: bool) -> Computed:
    """The result as it was before it became JSON."""
    made = dict(document)
    made["size"] = Size(**made["size"])
    made["conformers"] = tuple(
        Conformer(
            **{
                **one,
                "size": Size(**one["size"]),
                "seeds": tuple(one["seeds"]),
                "positions": tuple(tuple(place) for place in one["positions"]),
            }
        )
        for one in made["conformers"]
    )
    for name in ("numbers", "anchors", "by_seed", "diameters", "nuclear_diameters", "lengths"):
        made[name] = tuple(made[name])
    made["normal_range"] = None if made["normal_range"] is None else tuple(made["normal_range"])
    return Computed(**{**made, "cached": cached})


@dataclass(frozen=True)
class Refined:
    """A dipole (C m) by density-functional theory: of which conformer of `Computed.conformers`, and how."""

    index: int
    conformer: str
    dipole: float
    method: str
    seconds: float
    cached: bool


def refine(computed: Computed, *, basis: str = dft.BASIS) -> tuple[Refined, ...]:
    """B3LYP dipoles of the lowest and of the extended conformer, on their GFN2-xTB geometries.

    Raises
    ------
    InputError : an ion, or a basis that PySCF does not know.
    PerotwinError : PySCF is not installed, or the field does not converge.
    """
    if not computed.conformers:
        dft.dipole(computed.numbers, np.zeros((1, 3)), basis=basis, charge=computed.charge)
    lengths = [one.size.nuclear_length for one in computed.conformers]
    longest_one = longest(lengths, [one.energy for one in computed.conformers])
    wanted = {0: "lowest in energy"}
    wanted[longest_one] = "lowest in energy, and extended" if longest_one == 0 else "extended"
    made = []
    with progress.task(f"B3LYP dipoles of {computed.formula}", total=len(wanted)) as job:
        for index, words in wanted.items():
            made.append(_refine_one(computed, index, words, basis))
            job.advance()
    return tuple(made)


def _refine_one(computed: Computed, index: int, words: str, basis: str) -> Refined:
    places = computed.conformers[index].positions
    key = {
        "schema": _SCHEMA, "numbers": list(computed.numbers), "positions": places, "basis": basis,
        "pyscf": release("pyscf"),
    }  # fmt: skip

    def make() -> dict[str, Any]:
        start = time.perf_counter()
        progress.note(
            f"B3LYP/{basis} of {computed.formula}, conformer {index + 1}: seconds to minutes, once."
        )
        value = dft.dipole(computed.numbers, np.array(places), basis=basis)
        return {"dipole": float(np.linalg.norm(value)), "seconds": time.perf_counter() - start}

    document, cached = cache.document("dipole", key, make)
    return Refined(index, words, document["dipole"], dft.method(basis), document["seconds"], cached)
