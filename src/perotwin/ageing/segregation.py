"""Halide segregation in light: one state, the share phi of the volume that has become iodide-rich.

    phases = TwoPhases(film)
    phases.follow(film.generation, np.linspace(0.0, 600.0, 61))     # phi against time in the light of one sun
    phases.red_share(phi)                                           # of the light that is emitted

A mixed film of bromide share x0 holds domains of x1, and a rest whose share x2 follows from the halide that is there.
Pairs have one chemical potential in both phases and gather where the gap is narrow: with r = exp((Eg(x0) - Eg(x1))/kT)
their density there is n1 = r n2, and n2 follows from what is lost in both,

    G = (phi r + 1 - phi) n2 / tau + k2 (phi r^2 + 1 - phi) n2^2.

They pay for the unmixing: from a density n1* on, that of the threshold light in a reference film, domains grow, against
a cost that rises as the rest fills with bromide. A = n1 / (n1* c) Tref/T - 1 and

    dphi/dt = kX (phi_n + phi) A / (1 + A)   for A > 0,      kX phi A   for A < 0: in the dark exp(-kX t).

kX is how often a halide within the exchange length changes place by vacancies, (N D / N_X) / L^2: density N and
diffusion coefficient D are what the recipe left in the film. Below the threshold nothing grows from nothing, in bright
light domains grow as fast as vacancies let them.

What it rests on: a free energy of mixing and one of the carriers, with a threshold and nucleation, Z. Chen, G. Brocks,
S. Tao, P. A. Bobbert, Nat. Commun. 12, 2687 (2021), doi:10.1038/s41467-021-23008-z; a rate by vacancies and a terminal
composition, S. Draguta et al., Nat. Commun. 8, 200 (2017), doi:10.1038/s41467-017-00284-2. Threshold, exchange length
and nuclei are free. A regular solution with usual numbers does not segregate in one sun, so that the cost here is an
effective one: nothing is claimed from first principles. That one chemical potential holds in domains of nanometres,
which charge up as they fill, makes r an upper bound.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perotwin.ageing.parameters import SegregationParameters
from perotwin.errors import ConvergenceError, InputError
from perotwin.units import BOLTZMANN, ELEMENTARY_CHARGE

__all__ = ["HC", "MixedFilm", "TwoPhases", "bromide_of", "unmixing"]

F64 = NDArray[np.float64]

#: Planck's constant times the speed of light, eV m
HC = 6.62607015e-34 * 299792458.0 / ELEMENTARY_CHARGE
#: of phi in time: relative, and absolute
_RTOL, _ATOL = 1e-8, 1e-14
#: the share stays so far below the one at which the rest is all bromide, as a part of it
_FULL = 1e-6


@dataclass(frozen=True)
class MixedFilm:
    """A mixed-halide film, as light and vacancies meet it.

    Attributes:
        name: of the sample. bandgap: eV, which fixes its share of bromide.
        vacancies: mobile halide vacancies, m^-3. diffusion: theirs, m^2/s.
        lifetime: of pairs that recombine at traps, s. generation: of pairs at 1 sun, m^-3 s^-1.
        temperature: K.
    """

    name: str
    bandgap: float
    vacancies: float
    diffusion: float
    lifetime: float
    generation: float
    temperature: float = 298.15


def bromide_of(gap: float, parameters: SegregationParameters) -> float:
    """Share of bromide among the halides of a gap (eV).

    Raises:
        InputError: no share from 0 to 1 has that gap.
    """
    a, b = float(parameters.bromide_bow), float(parameters.bromide_slope)
    c = float(parameters.pure_iodide_gap) - gap
    inside = b * b - 4.0 * a * c
    share = -c / b if a == 0.0 else (-b + np.sqrt(inside)) / (2.0 * a) if inside >= 0.0 else np.nan
    if not 0.0 <= share <= 1.0:
        low, high = gap - c, float(parameters.pure_iodide_gap) + a + b
        raise InputError(
            f"no mixture of iodide and bromide has a gap of {gap:.4g} eV: they span {low:.4g} to {high:.4g} eV.",
            "Segregation is a matter of mixed-halide films.",
            key="bandgap",
        )
    return float(share)


@dataclass(frozen=True)
class TwoPhases:
    """The two phases of a film, and how their shares change.

    Attributes:
        film: what it is of. parameters: of the model.
        cost_grows: whether unmixing costs more as the rest fills with bromide; off only to compare with what can be
            solved by hand.
    """

    film: MixedFilm
    parameters: SegregationParameters = field(default_factory=SegregationParameters.library)
    cost_grows: bool = True

    def __post_init__(self) -> None:
        p, film = self.parameters, self.film
        if not (film.vacancies > 0.0 and film.diffusion > 0.0):
            raise InputError(
                f'"{film.name}" has no mobile halide vacancies, by which halides change places.',
                "Give its absorber [layer.ions] with a density and a diffusion coefficient.",
                key="layer.ions",
            )
        if not film.lifetime > 0.0:
            raise InputError(
                f'the lifetime of pairs in "{film.name}" is not known.',
                "Give its absorber a trap with lifetimes.",
                key="layer.trap",
            )
        mixed, rich = bromide_of(film.bandgap, p), bromide_of(HC / float(p.rich_emission), p)
        if not rich < mixed:
            raise InputError(
                f'"{film.name}" has a gap of {film.bandgap:.4g} eV, not wider than that of the iodide-rich phase, '
                f"{HC / float(p.rich_emission):.4g} eV: nothing can segregate into it.",
                "Ask for segregation of a mixed film of a wider gap.",
                key="bandgap",
            )
        object.__setattr__(self, "mixed", mixed)
        object.__setattr__(self, "rich", rich)

    #: shares of bromide: of the film, and of the iodide-rich phase
    mixed: float = field(init=False)
    rich: float = field(init=False)

    @property
    def kt(self) -> float:
        """eV."""
        return BOLTZMANN * self.film.temperature

    @property
    def funnelling(self) -> float:
        """r: how much denser pairs are in the iodide-rich phase."""
        return float(np.exp((self.film.bandgap - HC / float(self.parameters.rich_emission)) / self.kt))

    @property
    def exchange_rate(self) -> float:
        """kX, s^-1."""
        p = self.parameters
        warm = np.exp(
            -float(p.activation_energy)
            / BOLTZMANN
            * (1.0 / self.film.temperature - 1.0 / float(p.temperature))
        )
        hops = self.film.vacancies * self.film.diffusion / float(p.halide_sites)
        return float(hops * warm / float(p.exchange_length) ** 2)

    @property
    def largest(self) -> float:
        """The share at which the rest would be pure bromide."""
        return (1.0 - self.mixed) / (1.0 - self.rich)

    def rest(self, phi: ArrayLike) -> F64:
        """x2, the bromide share of what is not iodide-rich: all halide is somewhere."""
        share: F64 = np.asarray(phi, float)
        return np.asarray((self.mixed - share * self.rich) / (1.0 - share))

    def halide(self, phi: ArrayLike) -> F64:
        """Bromide in both phases over all halide; that of the film, whatever phi."""
        share: F64 = np.asarray(phi, float)
        return np.asarray(share * self.rich + (1.0 - share) * self.rest(share))

    # --- pairs -------------------------------------------------------------------------------------------------------

    def pairs(self, phi: ArrayLike, generation: ArrayLike) -> F64:
        """n2, of the parent phase, m^-3, where so many pairs are made per volume and time (m^-3 s^-1)."""
        return _pairs(
            np.asarray(phi, float), np.asarray(generation, float), self.funnelling, self.film.lifetime,
            float(self.parameters.bimolecular),
        )  # fmt: skip

    @property
    def threshold_pairs(self) -> float:
        """n2 at the threshold (m^-3): in the reference film, unsegregated, in the threshold light.

        Films whose pairs live longer are there in less light; it is a density and not a light that unmixes.
        """
        p = self.parameters
        lit = float(p.threshold) * float(p.reference_generation)
        return float(
            _pairs(np.zeros(()), np.asarray(lit), 1.0, float(p.reference_lifetime), float(p.bimolecular))
        )

    @property
    def threshold_light(self) -> float:
        """Suns from which on this film segregates, where one sun makes `film.generation` in it."""
        p, n = (
            self.parameters,
            self.threshold_pairs * self.film.temperature / float(self.parameters.temperature),
        )
        needed = n / self.film.lifetime + float(p.bimolecular) * n * n
        return needed / self.film.generation if self.film.generation > 0.0 else np.inf

    def cost(self, phi: ArrayLike) -> F64:
        """c: what it costs to take x1 out of the rest, over that out of the film as it was."""
        phi = np.asarray(phi, float)
        if not self.cost_grows:
            return np.ones_like(phi)
        return np.asarray(unmixing(self.rich, self.rest(phi)) / unmixing(self.rich, np.asarray(self.mixed)))

    def affinity(self, phi: ArrayLike, pairs: ArrayLike) -> F64:
        """A, of so many pairs in the parent phase (m^-3): above zero domains grow; -1 in the dark."""
        colder = float(self.parameters.temperature) / self.film.temperature
        return np.asarray(np.asarray(pairs, float) / (self.threshold_pairs * self.cost(phi)) * colder - 1.0)

    def rate(self, phi: ArrayLike, pairs: ArrayLike) -> F64:
        """dphi/dt, s^-1, at so many pairs in the parent phase (m^-3)."""
        share: F64 = np.clip(np.asarray(phi, float), 0.0, self.largest * (1.0 - _FULL))
        a = self.affinity(share, pairs)
        growing = (float(self.parameters.nuclei) + share) * a / (1.0 + np.maximum(a, 0.0))
        return np.asarray(self.exchange_rate * np.where(a > 0.0, growing, share * a))

    # --- in time -----------------------------------------------------------------------------------------------------

    def follow(self, generation: float, times: ArrayLike, start: float = 0.0) -> F64:
        """phi against time in steady light.

        Args:
            generation: pairs per volume and time, m^-3 s^-1; 0 in the dark.
            times: (T,) s, ascending from zero or later. start: phi at time zero.

        Returns:
            (T,) phi.

        Raises:
            ConvergenceError: it could not be followed.
        """
        from scipy.integrate import solve_ivp

        at = np.atleast_1d(np.asarray(times, float))
        if generation <= 0.0:
            return np.asarray(start * np.exp(-self.exchange_rate * at))
        if start == 0.0 and float(self.affinity(0.0, self.pairs(0.0, generation))) <= 0.0:
            return np.zeros_like(at)
        end = float(at[-1])
        if end == 0.0:
            return np.full_like(at, start)

        def slope(_: float, y: F64) -> F64:
            return np.atleast_1d(self.rate(y[0], self.pairs(y[0], generation)))

        found = solve_ivp(
            slope, (0.0, end), [start], method="LSODA", t_eval=np.clip(at, 0.0, end), rtol=_RTOL, atol=_ATOL,
            first_step=min(1e-3 / self.exchange_rate, end),
        )  # fmt: skip
        if not found.success:
            raise ConvergenceError(
                f'segregation of "{self.film.name}" could not be followed: {found.message}',
                "Look at its lifetime, its ions and the light for a value far out of the ordinary.",
            )
        return np.asarray(np.maximum(found.y[0], 0.0))

    def settled(self, generation: float) -> float:
        """phi at which nothing changes any more in this light (m^-3 s^-1); 0 below the threshold."""
        from scipy.optimize import brentq

        def drive(phi: float) -> float:
            return float(self.affinity(phi, self.pairs(phi, generation)))

        if generation <= 0.0 or drive(0.0) <= 0.0:
            return 0.0
        high = self.largest * (1.0 - _FULL)
        return high if drive(high) > 0.0 else float(brentq(drive, 0.0, high, xtol=1e-15, rtol=1e-12))

    # --- what is seen ------------------------------------------------------------------------------------------------

    def red_share(self, phi: ArrayLike) -> F64:
        """Share of the light that the iodide-rich phase emits: phi r to 1 - phi, at one splitting.

        Both phases emit as van Roosbroeck and Shockley have it: a thousandth of the volume is most of the light.
        """
        phi = np.asarray(phi, float)
        red = phi * self.funnelling
        return np.asarray(red / (red + 1.0 - phi))

    def light(self, phi: ArrayLike, generation: ArrayLike) -> tuple[F64, F64]:
        """Light of the parent and of the iodide-rich phase, over that of the film before it segregated."""
        phi = np.asarray(phi, float)
        over = self.pairs(phi, generation) / self.pairs(np.zeros_like(phi), generation)
        return np.asarray((1.0 - phi) * over), np.asarray(phi * self.funnelling * over)


def _pairs(phi: F64, generation: F64, r: float, lifetime: float, bimolecular: float) -> F64:
    """The positive root of the balance; in a form that does not cancel."""
    first = (phi * r + 1.0 - phi) / lifetime
    second = bimolecular * (phi * r * r + 1.0 - phi)
    return np.asarray(2.0 * generation / (first + np.sqrt(first * first + 4.0 * second * generation)))


def unmixing(a: float, b: F64) -> F64:
    """a ln(a/b) + (1 - a) ln((1 - a)/(1 - b)): free energy over kT of taking share a out of share b."""
    iodide = (1.0 - a) * np.log((1.0 - a) / (1.0 - b))
    return np.asarray(iodide + (a * np.log(a / b) if a > 0.0 else 0.0))
