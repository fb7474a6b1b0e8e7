"""A molecule from its SMILES, and the shapes that it can take (RDKit; extra `perotwin[mol]`).

Conformers come from distance geometry with torsion preferences (ETKDGv3: S. Wang et al., J. Chem. Inf. Model. 60,
2044 (2020), doi:10.1021/acs.jcim.0c00025) and are relaxed with MMFF94 (T. A. Halgren, J. Comput. Chem. 17, 490
(1996), doi:10.1002/(SICI)1096-987X(199604)17:5/6<490::AID-JCC1>3.0.CO;2-P).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError, PerotwinError
from perotwin.recipe.molecule_size import ELEMENTS
from perotwin.recipe.optional_packages import load

__all__ = ["ANCHOR_PATTERNS", "Shapes", "Species", "embed", "fingerprint", "read"]

#: anchor -> what it looks like (SMARTS). The first atom is the one that the oxide holds.
ANCHOR_PATTERNS = {
    "phosphonic acid": "[PX4](=O)([OX2H1,O-])[OX2H1,O-]",
    "carboxylic acid": "[CX3](=O)[OX2H1,O-]",
    "ammonium": "[NX4+;!$([N+](=O))]",
    "amine": "[NX3;H2,H1;!$(N[C,S,P]=[O,N,S])]",
}

#: kcal/mol in eV
_KCAL = 0.0433641043
#: the most atoms (hydrogens included) for which waiting is sensible
MOST_ATOMS = 150


@dataclass(frozen=True)
class Species:
    """One molecule or ion as its formula says, before it has a shape.

    Attributes
    ----------
    smiles : canonical. formula : Hill order, with the charge.
    numbers : atomic numbers, shape (atoms,). bonds : pairs of atoms, shape (bonds, 2).
    charge : in elementary charges.
    molar_mass : kg/mol.
    polarisability : volume (m^3), from Crippen's molar refractivity by the Lorentz-Lorenz relation
        (S. A. Wildman and G. M. Crippen, J. Chem. Inf. Comput. Sci. 39, 868 (1999), doi:10.1021/ci990307l).
    anchors : names of `ANCHOR_PATTERNS` that it has. anchor_atom : the atom that holds it to an oxide, or None.
    carbons, carbonyls : counts of carbon atoms and of C=O carbons.
    """

    smiles: str
    formula: str
    numbers: NDArray[np.int64]
    bonds: NDArray[np.int64]
    charge: int
    molar_mass: float
    polarisability: float
    anchors: tuple[str, ...]
    anchor_atom: int | None
    carbons: int
    carbonyls: int


@dataclass(frozen=True)
class Shapes:
    """Conformers of one species: positions (m), shape (conformers, atoms, 3), and MMFF94 energies (eV)."""

    positions: NDArray[np.float64]
    energies: NDArray[np.float64]


def _rdkit(module: str) -> Any:
    return load(module, "mol", "Computing a molecule")


def read(smiles: str) -> Species:
    """The species that a SMILES means.

    Raises
    ------
    InputError : no SMILES, several fragments, a radical, an element without data, or too large.
    PerotwinError : RDKit is not installed.
    """
    chem, descriptors = _rdkit("rdkit.Chem"), _rdkit("rdkit.Chem.Descriptors")
    crippen, formulas = _rdkit("rdkit.Chem.Crippen"), _rdkit("rdkit.Chem.rdMolDescriptors")
    molecule = _hydrogenated(smiles)
    bare = chem.RemoveHs(molecule)
    anchors, holder = [], None
    for name, pattern in ANCHOR_PATTERNS.items():
        found = bare.GetSubstructMatches(chem.MolFromSmarts(pattern))
        if found:
            anchors.append(name)
            holder = found[0][0] if holder is None else holder
    carbonyl = bare.GetSubstructMatches(chem.MolFromSmarts("[#6]=[OX1]"))
    avogadro = 6.02214076e23
    return Species(
        smiles=chem.MolToSmiles(bare),
        formula=formulas.CalcMolFormula(molecule),
        numbers=np.array([atom.GetAtomicNum() for atom in molecule.GetAtoms()]),
        bonds=np.array(
            [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in molecule.GetBonds()], int
        ).reshape(-1, 2),
        charge=int(chem.GetFormalCharge(molecule)),
        molar_mass=1e-3 * float(descriptors.MolWt(bare)),
        polarisability=3e-6 * float(crippen.MolMR(molecule)) / (4 * math.pi * avogadro),
        anchors=tuple(anchors),
        anchor_atom=holder,
        carbons=sum(atom.GetAtomicNum() == 6 for atom in bare.GetAtoms()),
        carbonyls=len({match[0] for match in carbonyl}),
    )


def _hydrogenated(smiles: str) -> Any:
    """RDKit's molecule with all hydrogens; heavy atoms keep the order of the canonical SMILES."""
    chem = _rdkit("rdkit.Chem")
    with _rdkit("rdkit.rdBase").BlockLogs():
        molecule = chem.MolFromSmiles(smiles.strip()) if smiles.strip() else None
    if molecule is None:
        raise InputError(
            f'"{smiles}" is not a SMILES that RDKit can read.',
            'Write the molecule as a SMILES, for example "OC(=O)CCCCN" for 5-aminovaleric acid.',
        )
    if len(chem.GetMolFrags(molecule)) > 1:
        raise InputError(
            f'"{smiles}" holds several molecules or ions; a pair of ions has no geometry of its own in the gas phase.',
            "Give one of them, and for a dipole the neutral molecule (the acid with its free amine, say).",
        )
    if any(atom.GetNumRadicalElectrons() for atom in molecule.GetAtoms()):
        raise InputError(f'"{smiles}" is a radical.', "Only closed shells are computed.")
    # One numbering for every way of writing the same molecule, so that a seed gives the same conformers.
    molecule = chem.AddHs(chem.MolFromSmiles(chem.MolToSmiles(molecule)))
    strange = {atom.GetSymbol() for atom in molecule.GetAtoms() if atom.GetAtomicNum() not in ELEMENTS}
    if strange:
        raise InputError(
            f'"{smiles}" holds {", ".join(sorted(strange))}, for which there are no radii here.',
            "Molecules of H, C, N, O, F, Si, P, S, Cl, Br and I can be computed.",
        )
    if not 2 <= molecule.GetNumAtoms() <= MOST_ATOMS:
        raise InputError(
            f'"{smiles}" has {molecule.GetNumAtoms()} atoms.',
            f"Between 2 and {MOST_ATOMS} atoms can be computed.",
        )
    return molecule


def embed(species: Species, count: int, seed: int) -> Shapes:
    """Distinct conformers, relaxed with MMFF94 and sorted by its energy.

    Hydrogens count when shapes are compared, so rotamers of P-OH, COOH and NH2 groups survive.

    Parameters
    ----------
    count : embeddings to try, half from distances and half from random places. seed : fixed seed, fixed conformers.

    Raises
    ------
    PerotwinError : RDKit finds no geometry, or MMFF94 does not know the atoms.
    """
    chem, geometry = _rdkit("rdkit.Chem"), _rdkit("rdkit.Chem.AllChem")
    molecule = chem.AddHs(chem.MolFromSmiles(species.smiles))
    with _rdkit("rdkit.rdBase").BlockLogs():
        known = geometry.MMFFHasAllMoleculeParams(molecule)
        positions: list[Any] = []
        energies: list[float] = []
        # One half from distances finds the extended chains, one from random places the rare rotamers.
        for scattered in (False, True) if known else ():
            settings = geometry.ETKDGv3()
            settings.randomSeed = int(seed)
            settings.numThreads = 1
            settings.useRandomCoords = scattered
            settings.onlyHeavyAtomsForRMS = False
            settings.pruneRmsThresh = 0.05
            found = list(geometry.EmbedMultipleConfs(molecule, (int(count) + 1) // 2, settings))
            relaxed = (
                geometry.MMFFOptimizeMoleculeConfs(molecule, numThreads=1, maxIters=5000) if found else []
            )
            positions += [molecule.GetConformer(index).GetPositions() for index in found]
            energies += [energy * _KCAL for _, energy in relaxed]
    if not positions:
        cause = "RDKit finds no geometry for it" if known else "MMFF94 has no parameters for its atoms"
        raise PerotwinError(
            f"{species.smiles} cannot be given a shape: {cause}.", "Check the SMILES, valences above all."
        )
    order = np.argsort(energies, kind="stable")
    shapes = Shapes(np.array(positions)[order] * 1e-10, np.array(energies)[order])
    return distinct(shapes, 0.02 * _KCAL, 0.1e-10)


def distinct(shapes: Shapes, energy: float, distance: float) -> Shapes:
    """Of conformers alike within `energy` (eV) and `distance` (m) the first; mirror images are alike."""
    kept: list[int] = []
    prints = [fingerprint(positions) for positions in shapes.positions]
    for index, own in enumerate(prints):
        alike = (
            other
            for other in kept
            if abs(shapes.energies[index] - shapes.energies[other]) <= energy
            and np.abs(own - prints[other]).max() <= distance
        )
        if next(alike, None) is None:
            kept.append(index)
    return Shapes(shapes.positions[kept], shapes.energies[kept])


def fingerprint(positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """All distances between atoms (m), sorted: blind to place, turn, mirror and the numbering of like atoms."""
    first, second = np.triu_indices(len(positions), 1)
    return np.sort(np.linalg.norm(positions[first] - positions[second], axis=1))
