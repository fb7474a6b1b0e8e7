"""Segregation along the depth of a film: where vacancies are, domains grow first, and bromide moves between depths.

    profile = Profile(phases, edges, vacancies, diffusion)
    profile.follow(film.generation, times)

Each depth has its phi and its bromide; what the parent phase holds diffuses to where it holds less, by the vacancies of
both sides, so that the bromide of the film stays what it was. Pairs cross the film within their life (500 nm and more)
and have one density in the parent phase of all depths.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perotwin.ageing.segregation import TwoPhases, unmixing
from perotwin.errors import ConvergenceError, InputError

__all__ = ["Course", "Profile"]

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Course:
    """T moments of D depths: time (T,) s, phi (T, D), bromide (T, D) of all halide, and its balance, relative."""

    time: F64
    phi: F64
    bromide: F64
    balance: float


@dataclass(frozen=True)
class Profile:
    """A film in depth cells.

    Attributes:
        phases: of the film; its light and lifetime hold for all depths.
        edges: (D + 1,) m. vacancies: (D,) m^-3. diffusion: (D,) m^2/s.
    """

    phases: TwoPhases
    edges: F64
    vacancies: F64
    diffusion: F64

    def __post_init__(self) -> None:
        shapes = (self.edges.size - 1, self.vacancies.size, self.diffusion.size)
        if len(set(shapes)) > 1 or not np.all(np.diff(self.edges) > 0.0):
            raise InputError(
                "depth cells, vacancies and their diffusion do not belong together.",
                "Give one more edge, ascending, than values.",
                key="edges",
            )

    @property
    def _mobility(self) -> F64:
        """(D,) m^2/s, of halides by vacancies, N D / N_X."""
        film, whole = self.phases.film, self.phases.exchange_rate
        length = float(self.phases.parameters.exchange_length)
        return np.asarray(
            self.vacancies * self.diffusion / (film.vacancies * film.diffusion) * whole * length**2
        )

    def follow(self, generation: float, times: ArrayLike) -> Course:
        """The course in steady light, from a film that is mixed throughout.

        Args:
            generation: pairs per volume and time, mean of the film, m^-3 s^-1. times: (T,) s, ascending.

        Raises:
            ConvergenceError: it could not be followed.
        """
        from scipy.integrate import solve_ivp

        phases, at = self.phases, np.atleast_1d(np.asarray(times, float))
        width = np.diff(self.edges)
        share = width / width.sum()
        middle = 0.5 * (self.edges[1:] + self.edges[:-1])
        count, p = width.size, phases.parameters
        mobility, length = self._mobility, float(p.exchange_length)
        between = 2.0 / (1.0 / mobility[1:] + 1.0 / mobility[:-1]) / np.diff(middle)
        usual = float(unmixing(phases.rich, np.asarray(phases.mixed)))

        def slope(_: float, y: F64) -> F64:
            phi, bromide = np.clip(y[:count], 0.0, None), y[count:]
            rest = np.clip((bromide - phi * phases.rich) / (1.0 - phi), 1e-9, 1.0 - 1e-9)
            mean = float(share @ phi)
            pairs = phases.pairs(mean, generation)
            # in units of kX of the film's mean: each depth has its own
            cost = unmixing(phases.rich, rest) / usual
            colder = float(p.temperature) / phases.film.temperature
            a = pairs / (phases.threshold_pairs * cost) * colder - 1.0
            growing = (float(p.nuclei) + phi) * a / (1.0 + np.maximum(a, 0.0))
            change = mobility / length**2 * np.where(a > 0.0, growing, phi * a)
            flux = -between * np.diff(rest)
            inflow = np.zeros(count)
            inflow[1:] += flux
            inflow[:-1] -= flux
            return np.concatenate([change, inflow / width])

        start = np.concatenate([np.zeros(count), np.full(count, phases.mixed)])
        found = solve_ivp(
            slope, (0.0, float(at[-1])), start, method="LSODA", t_eval=at, rtol=1e-6, atol=1e-12,
            first_step=min(1e-3 / phases.exchange_rate, float(at[-1])),
        )  # fmt: skip
        if not found.success:
            raise ConvergenceError(
                f'segregation along the depth of "{phases.film.name}" could not be followed: {found.message}',
                "Give fewer depth cells, or a shorter time.",
            )
        phi, bromide = found.y[:count].T, found.y[count:].T
        balance = float(np.abs(bromide @ share / phases.mixed - 1.0).max())
        return Course(at, phi, bromide, balance)
