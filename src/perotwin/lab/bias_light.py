"""Bias light and bias voltage for the quantum efficiency of one junction of a tandem.

In series only the junction with the smallest current passes on what it collects. To measure one junction the others are
saturated by bias light, and a bias voltage of about their open circuit brings the measured one to its own short circuit
(IEC 60904-8-1:2017; M. Meusel et al., Prog. Photovolt. 11, 499 (2003), doi:10.1002/pip.514). What goes wrong without,
above all where a junction is shunted: J. P. Babaro, K. G. West, B. H. Hamadani, Energy Sci. Eng. 4, 372 (2016),
doi:10.1002/ese3.141.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field

from perotwin.errors import InputError
from perotwin.stack.fields import Intensity, Length, Model, shorthand
from perotwin.units import Quantity

if TYPE_CHECKING:
    from perotwin.transport.build import Problem

__all__ = ["BiasLight", "Led", "Suns", "Unlit", "Wrong"]

F64 = NDArray[np.float64]
Problems = dict[str, "Problem"]

_SUN = Quantity(1.0, "1 sun", dimension="intensity")
_WEAK = Quantity(0.1, "0.1 sun", dimension="intensity")
#: how much worse light in the measured junction is than light that misses the other one, in the choice of a diode
_LEAK = 1e3
#: part of a diode's pairs in the measured junction that counts as none
_FAINT = 1e-6


class Led(Model):
    """A diode that shines on the junction that is not measured, so strongly that the measured one limits; and a weak
    one on the measured junction, which fills its traps as the light of its operation does.

    suns : pairs that the first makes in its junction over those that the cell's spectrum makes there at 1 sun.
    measured : the same of the second.
    top, bottom : wavelength (m) of the diode for that junction; one that it absorbs and the other one does not, unless
        said.
    """

    kind: Literal["led"] = "led"
    suns: Intensity = _SUN
    measured: Intensity = _WEAK
    top: Length | None = None
    bottom: Length | None = None

    def generation(self, junctions: Problems, measured: str) -> tuple[dict[str, F64], str]:
        """Pairs in each junction (S,), m^-2 s^-1, and what shines, in words."""
        other = _other(junctions, measured)
        pairs, words = _diode(self, junctions, other, self.suns)
        if float(self.measured) > 0.0:
            weak, more = _diode(self, junctions, measured, self.measured)
            pairs, words = {name: pairs[name] + weak[name] for name in pairs}, f"{words}; {more}"
        return pairs, words


class Wrong(Model):
    """What comes of a diode on the wrong junction: it shines on the one that is measured, and the other one limits.

    suns, top, bottom : as of `Led`.
    """

    kind: Literal["wrong"] = "wrong"
    suns: Intensity = _SUN
    top: Length | None = None
    bottom: Length | None = None

    def generation(self, junctions: Problems, measured: str) -> tuple[dict[str, F64], str]:
        """Pairs in each junction (S,), m^-2 s^-1, and what shines, in words."""
        return _diode(self, junctions, measured, self.suns)


class Suns(Model):
    """The cell's own light, with a number of suns for each junction apart.

    measured, other : suns in the junction that is measured, and in the one that is to be saturated.
    """

    kind: Literal["suns"] = "suns"
    measured: Intensity = _WEAK
    other: Intensity = _SUN

    def generation(self, junctions: Problems, measured: str) -> tuple[dict[str, F64], str]:
        """Pairs in each junction (S,), m^-2 s^-1, and what shines, in words."""
        pairs = {
            name: float(self.measured if name == measured else self.other) * one.generation
            for name, one in junctions.items()
        }
        words = f"{float(self.other):g} sun in the {_other(junctions, measured)} junction"
        if float(self.measured) > 0.0:
            words += f", {float(self.measured):g} sun in the {measured} junction"
        return pairs, words


class Unlit(Model):
    """What comes of no bias light at all."""

    kind: Literal["none"] = "none"

    def generation(self, junctions: Problems, measured: str) -> tuple[dict[str, F64], str]:
        """Pairs in each junction (S,), m^-2 s^-1, and what shines, in words."""
        return {name: np.zeros_like(one.generation) for name, one in junctions.items()}, "no bias light"


_KINDS: dict[str, type[Model]] = {"led": Led, "suns": Suns, "none": Unlit, "wrong": Wrong}
BiasLight = Annotated[
    Led | Suns | Unlit | Wrong,
    Field(discriminator="kind"),
    BeforeValidator(lambda value: shorthand(value, _KINDS, "bias light")),
]


def _other(junctions: Problems, measured: str) -> str:
    return next(name for name in junctions if name != measured)


def _diode(led: Led | Wrong, junctions: Problems, lit: str, suns: float) -> tuple[dict[str, F64], str]:
    """Pairs that a diode makes which shines on the junction `lit`, and the diode in words."""
    chosen = led.top if lit == "top" else led.bottom
    dark = _other(junctions, lit)
    wavelength = _best(junctions[lit], junctions[dark]) if chosen is None else float(chosen)
    per_photon = {name: _at(one, wavelength) for name, one in junctions.items()}
    taken = float(per_photon[lit].sum())
    if not taken > 1e-6:
        raise InputError(
            f"light of {1e9 * wavelength:.4g} nm makes no pairs in the {lit} junction.",
            "Give a wavelength that it absorbs.",
            key=f"bias_light.{lit}",
        )
    flux = float(suns) * float(junctions[lit].generation.sum()) / taken
    words = f"{1e9 * wavelength:.0f} nm, {float(suns):g} sun in the {lit} junction"
    # what a diode far from an edge still makes there is nothing to its dark current
    faint = float(per_photon[dark].sum()) < _FAINT * taken
    return {
        name: 0.0 * share if faint and name == dark else flux * share for name, share in per_photon.items()
    }, words


def _at(problem: Problem, wavelength: float) -> F64:
    """(S,) share of incident photons of one wavelength (m) that make pairs in each site."""
    lam, spectral = problem.absorption.wavelength, problem.absorption.spectral
    if not lam[0] <= wavelength <= lam[-1]:
        return np.zeros(spectral.shape[1])
    row = min(max(int(np.searchsorted(lam, wavelength)), 1), lam.size - 1)
    part = (wavelength - lam[row - 1]) / (lam[row] - lam[row - 1])
    return np.asarray((1.0 - part) * spectral[row - 1] + part * spectral[row])


def _best(lit: Problem, dark: Problem) -> float:
    """The wavelength (m) that one junction absorbs well and the other hardly at all."""
    wanted, unwanted = (one.absorption.spectral.sum(axis=1) for one in (lit, dark))
    merit = wanted**2 / np.maximum(wanted + _LEAK * unwanted, 1e-300)
    return float(lit.absorption.wavelength[int(np.argmax(merit))])
