"""Powder diffraction by crystals: where lines lie, how strong they are and how wide.

    cell = perovskite(bromide=0.4, caesium=0.2)
    lines = reflections(cell, CU_K_ALPHA1, (10.0, 60.0))
    lines[0].two_theta, lines[0].name          # 14.3 deg, "100"

Bragg's law gives places, the structure factor strengths: F = sum f exp(2 pi i (hx + ky + lz)) exp(-B s^2), with
s = sin(theta) / lambda and f = f0(s) + f' + i f''. f0 are the five Gaussians of D. Waasmaier and A. Kirfel, Acta Cryst.
A 51, 416 (1995), doi:10.1107/S0108767394013292; f' and f'' are those of NIST (C. T. Chantler, J. Phys. Chem. Ref. Data
29, 597 (2000), doi:10.1063/1.1321055) at 8047.8 eV, interpolated; they hold for copper radiation, as absorption does,
which is f'' in other units: mu = 2 r_e lambda sum(f'') / V.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perotwin.errors import InputError

__all__ = [
    "CU_K_ALPHA1",
    "CU_K_ALPHA2",
    "LEAD_IODIDE",
    "Atom",
    "Crystal",
    "Reflection",
    "bragg",
    "cubic",
    "instrument_width",
    "lattice_parameter",
    "lorentz_polarisation",
    "march_dollase",
    "penetrated",
    "perovskite",
    "reflections",
    "scattering_factor",
    "scherrer_size",
    "scherrer_width",
    "size_width",
    "spacing",
    "voigt_width",
]

F64 = NDArray[np.float64]

#: wavelengths, m: as diffractometers have them in their files (1.540598 and 1.544426 angstrom)
CU_K_ALPHA1, CU_K_ALPHA2 = 1.540598e-10, 1.544426e-10
#: Scherrer's constant for a width at half maximum
SHAPE = 0.9
#: classical electron radius, m
_RADIUS = 2.8179403205e-15
#: full width of a Gaussian over its standard deviation
_FULL = math.sqrt(8.0 * math.log(2.0))


class _Element(NamedTuple):
    """Five Gaussians (amplitudes; exponents, angstrom^2), the constant, f' and f'' at copper K-alpha."""

    amplitudes: tuple[float, ...]
    exponents: tuple[float, ...]
    constant: float
    real: float
    imaginary: float


_ELEMENTS = {
    "H": _Element(
        (0.413048, 0.294953, 0.187491, 0.080701, 0.023736),
        (15.569946, 32.398468, 5.711404, 61.889874, 1.334118),
        0.000049, 0.0, 0.0,
    ),
    "C": _Element(
        (2.657506, 1.078079, 1.490909, -4.241070, 0.713791),
        (14.780758, 0.776775, 42.086842, -0.000294, 0.239535),
        4.297983, 0.0, 0.0,
    ),
    "N": _Element(
        (11.893780, 3.277479, 1.858092, 0.858927, 0.912985),
        (0.000158, 10.232723, 30.344690, 0.656065, 0.217287),
        -11.804902, 0.0, 0.0,
    ),
    "Br": _Element(
        (17.550570, 5.411882, 3.937180, 3.880645, 6.707793),
        (2.119226, 16.557184, 0.002481, 42.164009, 0.162121),
        -2.492088, -0.682, 1.276,
    ),
    "I": _Element(
        (19.884502, 6.736593, 8.110516, 1.170953, 17.548716),
        (4.628591, 0.027754, 31.849096, 84.406387, 0.463550),
        -0.448811, -0.532, 6.793,
    ),
    "Cs": _Element(
        (17.418674, 8.314444, 10.323193, 1.383834, 19.876251),
        (0.399828, 0.016872, 25.605827, 233.339676, 3.826915),
        -2.322802, -0.951, 7.869,
    ),
    "Pb": _Element(
        (16.419567, 32.738590, 6.530247, 2.342742, 19.916475),
        (0.105499, 1.055049, 25.025890, 80.906593, 6.664449),
        4.049824, -4.308, 8.418,
    ),
}  # fmt: skip
#: formamidinium turns in its cage: its atoms scatter as if at the centre, damped by the displacement factor
_FORMAMIDINIUM = {"C": 1.0, "N": 2.0, "H": 5.0}
#: displacement factor B of all atoms, angstrom^2: assumed (1 to 6); halide perovskites are soft
_SOFT = 2.5
#: edges of the cube, angstrom. FAPbI3 by neutrons at 298 K (doi:10.1021/acs.jpclett.5b01432). The others are assumed:
#: FAPbBr3, cubic at room temperature (doi:10.1021/acs.inorgchem.7b02576), 5.98 to 6.00; the caesium salts are tilted
#: there, and their edge is the cube root of the volume per lead: CsPbI3 6.17 to 6.29, CsPbBr3 5.83 to 5.88
EDGES = {"FAPbI3": 6.3620, "FAPbBr3": 5.992, "CsPbI3": 6.19, "CsPbBr3": 5.84}


def scattering_factor(element: str, s: ArrayLike, *, anomalous: bool = True) -> NDArray[np.complex128]:
    """What an atom scatters, in electrons.

    Args:
        element: H, C, N, Br, I, Cs or Pb. s: sin(theta) / lambda, angstrom^-1, of any shape, up to 6.
        anomalous: whether f' and f'' at copper K-alpha are added.

    Raises:
        InputError: an element that is not tabulated.
    """
    if element not in _ELEMENTS:
        raise InputError(
            f'no scattering factors of "{element}" are tabulated here.',
            f"There are {', '.join(_ELEMENTS)}.",
        )
    known = _ELEMENTS[element]
    square = np.asarray(s, float)[..., None] ** 2
    found = known.constant + np.sum(
        np.array(known.amplitudes) * np.exp(-np.array(known.exponents) * square), axis=-1
    )
    return np.asarray(found + (known.real + 1j * known.imaginary if anomalous else 0.0))


# --- crystals --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Atom:
    """A place in a cell: fractional coordinates and what sits there, element -> how many on average."""

    place: tuple[float, float, float]
    content: dict[str, float]


@dataclass(frozen=True)
class Crystal:
    """A crystal: name, edges a and c (angstrom), whether it is hexagonal (else cubic, c is a), its atoms, and B.

    b : displacement factor of all atoms, angstrom^2.
    """

    name: str
    a: float
    atoms: tuple[Atom, ...]
    c: float = 0.0
    hexagonal: bool = False
    b: float = _SOFT

    @property
    def volume(self) -> float:
        """Of the cell, angstrom^3."""
        return math.sqrt(0.75) * self.a**2 * self.c if self.hexagonal else self.a**3

    @property
    def absorption(self) -> float:
        """Linear absorption coefficient for copper K-alpha, m^-1."""
        total = sum(n * _ELEMENTS[one].imaginary for atom in self.atoms for one, n in atom.content.items())
        return 2.0 * _RADIUS * CU_K_ALPHA1 * total / (self.volume * 1e-30)

    def spacing(self, hkl: tuple[int, int, int]) -> float:
        """Distance of lattice planes, angstrom."""
        h, k, l = hkl  # noqa: E741  the crystallographers' letters
        if self.hexagonal:
            inverse = 4.0 / 3.0 * (h * h + h * k + k * k) / self.a**2 + (l / self.c) ** 2
        else:
            inverse = (h * h + k * k + l * l) / self.a**2
        return 1.0 / math.sqrt(inverse)

    def structure_factor(self, hkl: tuple[int, int, int]) -> complex:
        """F of one set of planes, in electrons."""
        s = 0.5 / self.spacing(hkl)
        total = 0.0 + 0.0j
        for atom in self.atoms:
            f = sum(n * complex(scattering_factor(one, s)) for one, n in atom.content.items())
            total += f * np.exp(2j * np.pi * float(np.dot(hkl, atom.place)))
        return complex(total * math.exp(-self.b * s * s))


def _shares(bromide: float, caesium: float) -> None:
    for name, value in (("bromide", bromide), ("caesium", caesium)):
        if not 0.0 <= value <= 1.0:
            raise InputError(
                f"a share of {value:g} of {name} cannot be.", "Give it between 0 and 1.", key=name
            )


def lattice_parameter(bromide: float, caesium: float = 0.0) -> float:
    """Edge (angstrom) of the cube of CsyFA1-yPb(I1-xBrx)3 between the edges of the pure salts (Vegard's law).

    Args:
        bromide: x. caesium: y.

    Raises:
        InputError: a share below 0 or above 1.
    """
    _shares(bromide, caesium)
    organic = (1.0 - bromide) * EDGES["FAPbI3"] + bromide * EDGES["FAPbBr3"]
    inorganic = (1.0 - bromide) * EDGES["CsPbI3"] + bromide * EDGES["CsPbBr3"]
    return (1.0 - caesium) * organic + caesium * inorganic


def perovskite(bromide: float, caesium: float = 0.0, a: float | None = None) -> Crystal:
    """A cubic lead halide (Pm-3m): lead at the corner, the A cation in the middle, halides on the edges.

    Args:
        bromide, caesium: shares of the halide and of the A site. a: edge, angstrom; by Vegard's law unless given.
    """
    edge = lattice_parameter(bromide, caesium) if a is None else a
    cation = {name: (1.0 - caesium) * n for name, n in _FORMAMIDINIUM.items()} | {"Cs": caesium}
    halide = {"I": 1.0 - bromide, "Br": bromide}
    atoms = (
        Atom((0.0, 0.0, 0.0), {"Pb": 1.0}),
        Atom((0.5, 0.5, 0.5), cation),
        *(Atom(place, halide) for place in ((0.5, 0.0, 0.0), (0.0, 0.5, 0.0), (0.0, 0.0, 0.5))),
    )
    return Crystal("perovskite", edge, atoms)


#: lead iodide, 2H: P-3m1, iodine at (1/3, 2/3, z); layers 6.979 angstrom apart
LEAD_IODIDE = Crystal(
    "lead iodide",
    4.557,
    (
        Atom((0.0, 0.0, 0.0), {"Pb": 1.0}),
        Atom((1.0 / 3.0, 2.0 / 3.0, 0.2675), {"I": 1.0}),
        Atom((2.0 / 3.0, 1.0 / 3.0, -0.2675), {"I": 1.0}),
    ),
    c=6.979,
    hexagonal=True,
    b=2.0,
)


# --- lines -----------------------------------------------------------------------------------------------------------


class Reflection(NamedTuple):
    """A line: its name ("100"), spacing (angstrom), 2 theta (deg), the planes that give it, |F|^2 of one of them."""

    name: str
    spacing: float
    two_theta: float
    planes: tuple[tuple[int, int, int], ...]
    square: float

    @property
    def multiplicity(self) -> int:
        """How many sets of planes give the line."""
        return len(self.planes)


def bragg(spacing: ArrayLike, wavelength: float) -> F64:
    """2 theta (deg) of planes of some spacing (angstrom) at a wavelength (m); NaN where they do not reflect it."""
    sine = np.asarray(wavelength * 1e10 / (2.0 * np.asarray(spacing, float)))
    with np.errstate(invalid="ignore"):
        return np.asarray(2.0 * np.degrees(np.arcsin(np.where(sine <= 1.0, sine, np.nan))))


def spacing(two_theta: ArrayLike, wavelength: float) -> F64:
    """Spacing (angstrom) of planes that reflect a wavelength (m) to 2 theta (deg)."""
    return np.asarray(wavelength * 1e10 / (2.0 * np.sin(np.radians(np.asarray(two_theta, float)) / 2.0)))


def reflections(crystal: Crystal, wavelength: float, between: tuple[float, float]) -> list[Reflection]:
    """All lines of a crystal between two angles (2 theta, deg), by angle; planes alike are one line.

    Lines weaker than a 1e-6 part of the strongest one are left out: the lattice extinguishes them.
    """
    shortest = float(spacing(between[1], wavelength))
    most = math.ceil(max(crystal.a, crystal.c) / shortest) + 1
    groups: dict[tuple[float, float], list[tuple[int, int, int]]] = {}
    along = range(most, -most - 1, -1)
    for hkl in itertools.product(along, along, along):
        if hkl == (0, 0, 0):
            continue
        distance = crystal.spacing(hkl)
        angle = float(bragg(distance, wavelength))
        if not between[0] <= angle <= between[1]:
            continue
        square = abs(crystal.structure_factor(_family(crystal, hkl))) ** 2
        groups.setdefault((round(distance, 7), round(square, 6)), []).append(hkl)
    found = []
    for (distance, square), planes in groups.items():
        first = max(planes, key=lambda one: (min(one) >= 0, one))
        name = "".join(str(index) for index in first)
        angle = float(bragg(distance, wavelength))
        found.append(Reflection(name, distance, angle, tuple(planes), square))
    strongest = max((one.multiplicity * one.square for one in found), default=0.0)
    kept = [one for one in found if one.multiplicity * one.square > 1e-6 * strongest]
    return sorted(kept, key=lambda one: one.two_theta)


def _family(crystal: Crystal, hkl: tuple[int, int, int]) -> tuple[int, int, int]:
    """One set of planes that stands for all that are alike, so that a cube's |F|^2 is worked out alike for all."""
    if crystal.hexagonal:
        return hkl
    first, second, third = sorted((abs(index) for index in hkl), reverse=True)
    return first, second, third


def cubic(a: float, most: int) -> list[tuple[str, float]]:
    """Names and spacings (angstrom) of all lines of a primitive cube of edge a with h^2 + k^2 + l^2 up to `most`."""
    found: dict[int, str] = {}
    top = math.isqrt(most)
    for h, k, l in itertools.product(range(top, -1, -1), repeat=3):  # noqa: E741  as above
        total = h * h + k * k + l * l
        if h >= k >= l and 0 < total <= most:
            found.setdefault(total, f"{h}{k}{l}")
    return [(found[total], a / math.sqrt(total)) for total in sorted(found)]


def lorentz_polarisation(two_theta: ArrayLike) -> F64:
    """(1 + cos^2 2 theta) / (sin^2 theta cos theta) of a flat powder on a diffractometer without monochromator."""
    angle = np.radians(np.asarray(two_theta, float))
    return np.asarray((1.0 + np.cos(angle) ** 2) / (np.sin(angle / 2.0) ** 2 * np.cos(angle / 2.0)))


def penetrated(two_theta: ArrayLike, thickness: float, absorption: float) -> F64:
    """What a film of some thickness (m) gives of the lines of a thick one: 1 - exp(-2 mu t / sin theta).

    Args:
        two_theta: deg. absorption: mu, m^-1.
    """
    path = 2.0 * thickness / np.sin(np.radians(np.asarray(two_theta, float)) / 2.0)
    return np.asarray(-np.expm1(-absorption * path))


def march_dollase(texture: float, hkl: tuple[int, int, int], axis: tuple[int, int, int] = (1, 0, 0)) -> float:
    """How much more of the planes hkl of a cube lie flat than in a powder without preferred orientation.

    W = mean over the family of (r^2 cos^2 + sin^2 / r)^(-3/2), with the angle between hkl and `axis` (W. A. Dollase, J.
    Appl. Cryst. 19, 267 (1986), doi:10.1107/S0021889886089458). The mean over all directions is one.

    Args:
        texture: r, above zero; 1 for none, below 1 where planes of `axis` lie flat.
    """
    family = set(itertools.permutations([abs(index) for index in axis]))
    signs = itertools.product((1, -1), repeat=3)
    axes = {tuple(s * i for s, i in zip(sign, one, strict=True)) for sign in signs for one in family}
    length = math.sqrt(float(np.dot(hkl, hkl)) * float(np.dot(axis, axis)))
    cosines = np.array([float(np.dot(hkl, one)) / length for one in axes])
    square = np.minimum(cosines**2, 1.0)
    return float(np.mean((texture**2 * square + (1.0 - square) / texture) ** -1.5))


# --- widths ----------------------------------------------------------------------------------------------------------


def instrument_width(two_theta: ArrayLike, caglioti: Sequence[float]) -> F64:
    """Full width at half maximum (deg) that a diffractometer gives a perfect powder.

    sqrt(u tan^2 theta + v tan theta + w): G. Caglioti, A. Paoletti and F. P. Ricci, Nucl. Instrum. 3, 223 (1958).

    Args:
        two_theta: deg. caglioti: u, v, w, deg^2.
    """
    tangent = np.tan(np.radians(np.asarray(two_theta, float)) / 2.0)
    u, v, w = caglioti
    return np.asarray(np.sqrt(np.maximum(u * tangent**2 + v * tangent + w, 0.0)))


def scherrer_width(size: float, two_theta: ArrayLike, wavelength: float) -> F64:
    """Full width (deg) that crystallites of some size (m) give a line: 0.9 lambda / (L cos theta)."""
    cosine = np.cos(np.radians(np.asarray(two_theta, float)) / 2.0)
    return np.asarray(np.degrees(SHAPE * wavelength / (size * cosine)))


def scherrer_size(width: ArrayLike, two_theta: ArrayLike, wavelength: float) -> F64:
    """Size (m) of crystallites that give a line a full width (deg)."""
    cosine = np.cos(np.radians(np.asarray(two_theta, float)) / 2.0)
    with np.errstate(divide="ignore"):
        return np.asarray(SHAPE * wavelength / (np.radians(np.asarray(width, float)) * cosine))


def voigt_width(gaussian: ArrayLike, lorentzian: ArrayLike) -> F64:
    """Full width of a Gaussian and a Lorentzian convolved, within 0.02 %.

    J. J. Olivero and R. L. Longbothum, J. Quant. Spectrosc. Radiat. Transf. 17, 233 (1977).
    """
    g, l = np.asarray(gaussian, float), np.asarray(lorentzian, float)  # noqa: E741  as in the formula
    return np.asarray(0.5346 * l + np.sqrt(0.2166 * l**2 + g**2))


def size_width(width: float, gaussian: float) -> float:
    """The Lorentzian width that is left of a Voigt's full width once the instrument's Gaussian is taken out.

    The inverse of `voigt_width`; zero where the line is no wider than the instrument makes it.
    """
    if not width > gaussian:
        return 0.0
    # 0.5346 l + sqrt(0.2166 l^2 + g^2) = f  is  (0.5346^2 - 0.2166) l^2 - 2 0.5346 f l + f^2 - g^2 = 0
    square, linear, constant = 0.5346**2 - 0.2166, -2.0 * 0.5346 * width, width**2 - gaussian**2
    return float(2.0 * constant / (-linear + math.sqrt(linear**2 - 4.0 * square * constant)))
