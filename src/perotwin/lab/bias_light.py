"""Bias light and bias voltage for the quantum efficiency of one of several junctions in series.

In series only the junction with the smallest current passes on what it collects. To measure one junction the others are
saturated by bias light, and a bias voltage of about their open circuit brings the measured one to its own short circuit
(IEC 60904-8-1:2017; M. Meusel et al., Prog. Photovolt. 11, 499 (2003), doi:10.1002/pip.514). What goes wrong without,
above all where a junction is shunted: J. P. Babaro, K. G. West, B. H. Hamadani, Energy Sci. Eng. 4, 372 (2016),
doi:10.1002/ese3.141.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field

from perotwin.errors import InputError
from perotwin.stack.quantity_fields import Intensity, Length, Model, shorthand
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
    """A diode that shines on each junction that is not measured, so strongly that the measured one limits; and a weak
    one on the measured junction, which fills its traps as the light of its operation does.

    suns : pairs that the first makes in its junction over those that the cell's spectrum makes there at 1 sun.
    measured : the same of the weak one.
    top, middle, bottom : wavelength (m) of the diode for that junction; unless said, one that it absorbs and the
        measured one (of the weak diode the others) does not.
    """

    kind: Literal["led"] = "led"
    suns: Intensity = _SUN
    measured: Intensity = _WEAK
    top: Length | None = None
    middle: Length | None = None
    bottom: Length | None = None

    def generation(self, junctions: Problems, measured: str) -> tuple[dict[str, F64], str]:
        """Pairs in each junction (S,), m^-2 s^-1, and what shines, in words."""
        others = _others(junctions, measured)
        shining = [_diode(self, junctions, other, [measured], self.suns) for other in others]
        if float(self.measured) > 0.0:
            shining.append(_diode(self, junctions, measured, others, self.measured))
        pairs = {
            name: sum((made[name] for made, _ in shining[1:]), shining[0][0][name]) for name in junctions
        }
        return pairs, "; ".join(words for _, words in shining)


class Wrong(Model):
    """What comes of a diode on the wrong junction: it shines on the one that is measured, and another one limits.

    suns, top, middle, bottom : as of `Led`.
    """

    kind: Literal["wrong"] = "wrong"
    suns: Intensity = _SUN
    top: Length | None = None
    middle: Length | None = None
    bottom: Length | None = None

    def generation(self, junctions: Problems, measured: str) -> tuple[dict[str, F64], str]:
        """Pairs in each junction (S,), m^-2 s^-1, and what shines, in words."""
        return _diode(self, junctions, measured, _others(junctions, measured), self.suns)


class Suns(Model):
    """The cell's own light, with a number of suns for each junction apart.

    measured, other : suns in the junction that is measured, and in those that are to be saturated.
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
        words = ", ".join(
            f"{float(self.other):g} sun in the {name} junction" for name in _others(junctions, measured)
        )
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


def _others(junctions: Problems, measured: str) -> list[str]:
    return [name for name in junctions if name != measured]


def _diode(
    led: Led | Wrong, junctions: Problems, lit: str, spared: Sequence[str], suns: float
) -> tuple[dict[str, F64], str]:
    """Pairs that a diode makes which shines on the junction `lit` and is to miss some others, and it in words."""
    chosen: Length | None = getattr(led, lit, None)
    wavelength = _best(junctions, lit, spared) if chosen is None else float(chosen)
    per_photon = {name: _at(one, wavelength) for name, one in junctions.items()}
    taken = float(per_photon[lit] @ junctions[lit].site_areas)
    if not taken > 1e-6:
        raise InputError(
            f"light of {1e9 * wavelength:.4g} nm makes no pairs in the {lit} junction.",
            "Give a wavelength that it absorbs.",
            key=f"bias_light.{lit}",
        )
    flux = float(suns) * float(junctions[lit].generation @ junctions[lit].site_areas) / taken
    words = f"{1e9 * wavelength:.0f} nm, {float(suns):g} sun in the {lit} junction"
    # what a diode far from an edge still makes there is nothing to its dark current
    faint = {
        name
        for name, share in per_photon.items()
        if float(share @ junctions[name].site_areas) < _FAINT * taken
    }
    return {name: 0.0 * share if name in faint else flux * share for name, share in per_photon.items()}, words


def _at(problem: Problem, wavelength: float) -> F64:
    """(S,) share of incident photons of one wavelength (m) that make pairs in each site."""
    absorption = problem.absorption
    assert absorption is not None
    lam, spectral = absorption.wavelength, absorption.spectral
    if not lam[0] <= wavelength <= lam[-1]:
        return np.zeros(spectral.shape[1])
    row = min(max(int(np.searchsorted(lam, wavelength)), 1), lam.size - 1)
    part = (wavelength - lam[row - 1]) / (lam[row] - lam[row - 1])
    return np.asarray((1.0 - part) * spectral[row - 1] + part * spectral[row])


def _best(junctions: Problems, lit: str, spared: Sequence[str]) -> float:
    """The wavelength (m) that one junction absorbs well and some others hardly at all."""
    absorptions = {name: junctions[name].absorption for name in (lit, *spared)}
    taken = {
        name: one.spectral @ junctions[name].site_areas
        for name, one in absorptions.items()
        if one is not None
    }
    wanted, unwanted = taken[lit], np.sum([taken[name] for name in spared], axis=0)
    merit = wanted**2 / np.maximum(wanted + _LEAK * unwanted, 1e-300)
    absorption = absorptions[lit]
    assert absorption is not None
    return float(absorption.wavelength[int(np.argmax(merit))])
