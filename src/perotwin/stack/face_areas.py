"""Stacks that are not the same everywhere, as areas side by side: a spread of the dipole, patches, pinholes of a film.

    areas(stack)        # each with its share of the area and the stack that is there, whose faces are even

Areas wider than carriers reach along the film lie side by side at one voltage. A dipole that is normally distributed
over them is a sum over the nodes of a Gauss-Hermite rule, which integrates what depends smoothly on it with an error
that falls exponentially with their number; how many are enough is estimated (`enough`), and told of a result by
taking more of them.

Patches are discs with a dipole and levels of their own. Carriers that are made at a place recombine within their reach
L of it, with the density K0(r / L) / (2 pi L^2) of lateral diffusion. Of what a disc of radius a does to the carriers
over itself the part

    1 - 2 I1(a / L) K1(a / L)

is its own, the mean over the disc of what a source that fills it leaves there (H. S. Carslaw and J. C. Jaeger,
Conduction of Heat in Solids, 1959); the rest is shared with all. So the face over a patch is a mixture of patch and
even face in that proportion, and the face beside it one of what lies there and the even face, which leaves the mean
over the area what it is: a patch of nanometres acts evenly, one of ten micrometres as a column of its own.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from perotwin.errors import InputError
from perotwin.stack import pinholes
from perotwin.stack.parts import Faces, FaceTrap, Interface
from perotwin.units import BOLTZMANN, Quantity

if TYPE_CHECKING:
    from perotwin.stack.parts import Layer
    from perotwin.stack.stack import Stack

__all__ = ["Area", "apart", "areas", "as_columns", "averaged", "enough", "hermite", "reach", "uneven"]

#: what an area of the whole may weigh less than nothing changes by leaving it out
_WEIGHTLESS = 1e-9
#: width (kT) of the step whose mean an estimate looks at, its error, and the most nodes that it tries
_STEP, _ENOUGH, _MOST = 1.5, 2e-4, 61
#: columns of a cell at most
_COLUMNS = 400
#: a disc this many reaches in radius is itself but for the first terms of its edge
_LARGE = 40.0


@dataclass(frozen=True)
class Area:
    """A part of the area where the faces are even. name: of it, "" of what is all but pinholes; share: of the area;
    stack: what is there."""

    name: str
    share: float
    stack: Stack


@dataclass(frozen=True)
class _Kind:
    """What a face is like on a share of the area: mean dipole and its standard deviation (eV), levels."""

    name: str
    share: float
    dipole: float
    spread: float
    trap: tuple[FaceTrap, ...]


def uneven(stack: Stack) -> tuple[str, ...]:
    """The faces of a stack that are not the same everywhere, "a|b"."""
    return tuple(key for key, face in stack.interface.items() if face.dipole_spread > 0.0 or _patchy(face))


def _patchy(face: Interface) -> bool:
    return face.patches is not None and float(face.patches.share) > 0.0


def areas(
    stack: Stack,
    *,
    finer: float = 1.0,
    decided: Callable[[tuple[str, ...], Callable[[], int]], int] = lambda _, make: make(),
) -> tuple[Area, ...]:
    """The parts of a stack's area whose faces are even, pinholes last; the stack itself where it is even and whole.

    Args:
        stack: the cell or junction. Its series resistance is one for the whole area, whatever the parts state.
        finer: how many times as many nodes stand for a distribution as are estimated to be enough.
        decided: where a number of nodes is decided: given what it is of, and what estimates it.

    Raises:
        InputError: more areas than can be solved side by side.
    """
    bare = pinholes.share(stack)
    if bare > 0.0:
        covered = areas(pinholes.covered(stack), finer=finer, decided=decided)
        return (
            *(replace(one, share=(1.0 - bare) * one.share) for one in covered),
            Area("pinholes", bare, pinholes.inside(stack)),
        )
    keys = uneven(stack)
    if not keys:
        return (Area("", 1.0, stack),)
    kt = BOLTZMANN * float(stack.temperature)
    choices: list[list[tuple[str, float, str, Interface]]] = []
    for key in keys:
        face, found = stack.interface[key], []
        for kind in _kinds(stack, key):

            def estimate(kind: _Kind = kind) -> int:
                return enough(kind.spread / kt, finer)

            count = decided((stack.name, key, kind.name), estimate) if kind.spread > 0.0 else 1
            nodes, weights = hermite(count)
            for number, (node, weight) in enumerate(zip(nodes, weights, strict=True), start=1):
                name = f"{kind.name} {number}" if count > 1 else kind.name
                dipole = kind.dipole + kind.spread * node
                found.append((name, kind.share * weight, key, _even(face, dipole, kind.trap)))
        choices.append(found)
    count = math.prod(len(one) for one in choices)
    if count > _COLUMNS:
        raise InputError(
            f"the distributions of {', '.join(keys)} make {count} areas side by side, more than {_COLUMNS}.",
            "Let one face be uneven and the others even, or give a smaller dipole_spread.",
            file=f'stack "{stack.name}"',
            key=f"{keys[-1]}.dipole_spread",
        )
    made = []
    for chosen in itertools.product(*choices):
        faces = {key: face for _, _, key, face in chosen}
        one = stack.model_copy(update={"interface": Faces({**stack.interface, **faces})})
        name = ", ".join(name for name, *_ in chosen)
        made.append(Area(name, math.prod(share for _, share, _, _ in chosen), one))
    return tuple(made)


def averaged(stack: Stack) -> Stack:
    """The stack without pinholes, whose faces are everywhere what uneven ones are in the mean: dipole and levels."""
    stack = pinholes.covered(stack)
    faces = dict(stack.interface)
    for key in uneven(stack):
        face = stack.interface[key]
        (mean, *_) = _kinds(stack, key, 0.0)
        faces[key] = _even(face, mean.dipole, mean.trap)
    return stack.model_copy(update={"interface": Faces(faces)})


def as_columns(stack: Stack, finer: float = 1.0) -> Any:
    """A stack with uneven faces or pinholes as a `Parallel` of even ones; the stack itself where it has none.

    Each column has the series resistance of the stack for its own area, where the uneven face has one for all: to be
    looked at and to be solved by other programs.
    """
    from perotwin.stack.parallel import Parallel

    found = areas(stack, finer=finer)
    if len(found) == 1:
        return found[0].stack if uneven(stack) else stack
    shares = [one.share for one in found]
    columns = [
        {"name": one.name or "film", "area": share / math.fsum(shares), "stack": one.stack}
        for one, share in zip(found, shares, strict=True)
    ]
    data = {"name": stack.name, "description": stack.description, "column": columns}
    return Parallel.model_validate(data)


def _even(face: Interface, dipole: float, trap: tuple[FaceTrap, ...]) -> Interface:
    """The face as it is on one area."""
    even: Mapping[str, Any] = {
        "dipole": Quantity(dipole, dimension="energy"),
        "dipole_spread": Quantity(0.0, dimension="energy"),
        "patches": None,
        "trap": trap,
    }
    return face.model_copy(update=even)


# --- patches -------------------------------------------------------------------------------------------------------


def _kinds(stack: Stack, key: str, own: float | None = None) -> list[_Kind]:
    """What a face consists of: itself, or what lies beside its patches and what lies on them.

    Args:
        own: how much of a patch is its own; found from its size unless given.
    """
    face = stack.interface[key]
    dipole, spread = float(face.dipole), float(face.dipole_spread)
    patches = face.patches
    if patches is None or not _patchy(face):
        return [_Kind("area", 1.0, dipole, spread, face.trap)]
    share = float(patches.share)
    if own is None:
        own = apart(float(patches.size), reach(stack, stack.face_layer(key), float(patches.velocity)))
    kinds = []
    # how much of each is patch: its own part is all or nothing, the rest is what lies on the whole
    for name, area, foreign in (
        ("area", 1.0 - share, share * (1.0 - own)),
        ("patches", share, own + share * (1.0 - own)),
    ):
        bare = FaceTrap(
            electron_velocity=_times(patches.velocity, foreign),
            hole_velocity=_times(patches.velocity, foreign),
        )
        levels = tuple(_weaker(trap, 1.0 - foreign) for trap in face.trap)
        mean = (1.0 - foreign) * dipole + foreign * float(patches.dipole)
        kinds.append(_Kind(name, area, mean, (1.0 - foreign) * spread, (*levels, bare)))
    return kinds


def _weaker(trap: FaceTrap, part: float) -> FaceTrap:
    """A level on a part of the area only, as the mean over it."""
    if trap.density is not None:
        return trap.model_copy(update={"density": _times(trap.density, part)})
    assert trap.electron_velocity is not None and trap.hole_velocity is not None
    return trap.model_copy(
        update={
            "electron_velocity": _times(trap.electron_velocity, part),
            "hole_velocity": _times(trap.hole_velocity, part),
        }
    )


def _times(number: Quantity, factor: float) -> Quantity:
    return Quantity(float(number) * factor, dimension=number.dimension)


def reach(stack: Stack, absorber: Layer, velocity: float) -> float:
    """How far carriers move along the film, m: a diffusion length, or what a sink as fast as `velocity` (m/s) drains,
    the diffusion coefficient over it."""
    layer = stack.named(absorber.name)
    assert layer.electronic is not None
    mobility = min(float(layer.electronic.electron_mobility), float(layer.electronic.hole_mobility))
    diffusion = mobility * BOLTZMANN * float(stack.temperature)
    lifetimes = [float(trap.electron_lifetime) for trap in layer.trap if trap.electron_lifetime is not None]
    length = math.sqrt(diffusion * min(lifetimes)) if lifetimes else math.inf
    return min(length, diffusion / velocity if velocity > 0.0 else math.inf)


@functools.lru_cache(maxsize=256)
def apart(size: float, length: float) -> float:
    """How much of what a disc does to carriers is its own, 0 to 1; see the top of this file.

    Args:
        size: its diameter, m. length: the carriers' reach, m.
    """
    if length == math.inf:
        return 0.0
    x = 0.5 * size / length if length > 0.0 else math.inf
    if x > _LARGE:
        return 1.0 - (1.0 - 0.375 / (x * x)) / x
    # both by the trapezoidal rule, which converges exponentially on what is periodic or decays so
    steps = 400
    first = sum(
        math.exp(x * (math.cos(angle) - 1.0)) * math.cos(angle)
        for angle in (math.pi * (2 * k + 1) / (2 * steps) for k in range(steps))
    ) / steps  # fmt: skip
    far = math.acosh(1.0 + 40.0 / x)
    step = far / steps
    second = step * (
        0.5 + sum(math.exp(-x * (math.cosh(k * step) - 1.0)) * math.cosh(k * step) for k in range(1, steps))
    )
    return 1.0 - 2.0 * first * second


# --- distributions -------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=64)
def hermite(count: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Nodes and weights of the Gauss-Hermite rule of `count` nodes for the normal distribution of variance 1.

    Nodes that weigh next to nothing are left out, and the others take their weight.
    """
    from numpy.polynomial.hermite_e import hermegauss

    nodes, weights = hermegauss(count)
    weights = weights / weights.sum()
    kept = weights > _WEIGHTLESS
    weights = weights / weights[kept].sum()
    # symmetric to the last digit, and the middle one zero
    nodes = 0.5 * (nodes - nodes[::-1])
    return tuple(nodes[kept].tolist()), tuple(weights[kept].tolist())


@functools.lru_cache(maxsize=256)
def enough(spread: float, finer: float = 1.0) -> int:
    """How many nodes stand for a normal distribution of the dipole.

    What passes a face follows its dipole exponentially until something else limits it: a step 1 / (1 + exp(x)). Its
    width is kT where one carrier limits and 2 kT where two meet; 1.5 kT lies between, as the ideality of cells does.
    The number is the least odd one whose mean of such a step is within 2e-4 of the exact one, wherever the step lies;
    what it comes to in a result is told by `transport.refinement`.

    Args:
        spread: its standard deviation, kT. finer: a factor on the number.
    """
    import numpy as np

    if spread <= 0.0:
        return 1
    # the trapezoidal rule on the normal distribution itself, far finer than the step
    grid = np.linspace(-8.0, 8.0, 16 * max(101, int(np.ceil(4.0 * spread))) + 1)
    density = np.exp(-0.5 * grid**2)
    density /= density.sum()
    places = np.linspace(0.0, 3.0, 61)

    def step(at: Any) -> Any:
        return 0.5 * (1.0 - np.tanh(0.5 * spread / _STEP * (np.asarray(at)[:, None] - places)))

    exact = density @ step(grid)
    count = 3
    while count < _MOST:
        nodes, weights = hermite(count)
        if np.abs(np.asarray(weights) @ step(nodes) - exact).max() <= _ENOUGH:
            break
        count += 2
    return 2 * math.ceil(0.5 * (finer * count - 1.0)) + 1
