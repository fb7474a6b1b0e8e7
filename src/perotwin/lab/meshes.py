"""Results on fine enough meshes: what a mesh costs is estimated, and a finer one is taken where it is too much.

First one that is finer everywhere, and where that is not enough, one that is finer where the error comes from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, isfinite
from typing import TYPE_CHECKING, Generic, TypeVar

from perotwin.errors import ConvergenceError

if TYPE_CHECKING:
    from perotwin.measurement.checks import Checks
    from perotwin.transport.mesh import Like
    from perotwin.transport.states import States
    from perotwin.transport.steady import Solver

__all__ = ["Attempt", "at_bias", "finer_at_bias", "until_fine"]

T = TypeVar("T")
#: density, over the usual one, up to which a mesh is made finer everywhere at first
_EVERYWHERE = 2.0
#: attempts on meshes that are finer where the error comes from, one after another, and from how many times the least of
#: their errors on they go astray. What a mesh does not show falls by nothing until one does: 1239, 1202, 1183, 1160, 15
_ADAPTED, _ASTRAY = 8, 1.5
#: a current in the dark counts from this many times its rounding on
_TOLD = 1e4


@dataclass(frozen=True)
class Attempt(Generic[T]):
    """What was found on one mesh.

    Attributes:
        found: the result. checks: of the mesh (`transport.refinement.checks`).
        whole: whether nothing is missing in it: what has gaps gets more of them on a finer mesh, slowly.
        finer: finds meshes that are finer where the error comes from, if there are any; it takes the part of the nodes
            that is kept at least where none does (`transport.adapted`).
    """

    found: T
    checks: Checks
    whole: bool = True
    finer: Callable[[float], Like | None] = lambda _: None

    @property
    def passed(self) -> bool:
        """Whether the mesh is fine enough."""
        return all(row.passed for row in self.checks.values())

    @property
    def off(self) -> float:
        """The largest error by the mesh over what it may be; infinite where it is not known."""
        errors = [float(row.value) / row.limit for row in self.checks.values()]
        return max((one if isfinite(one) else inf for one in errors), default=0.0)


def until_fine(attempt: Callable[[float | Like], Attempt[T]]) -> Attempt[T]:
    """Try meshes of rising density until the checks of the mesh pass.

    Where a finer mesh reaches less, what the one before found stands with its failed checks. Where twice the usual
    density is not enough, it is raised where the error comes from before it is raised everywhere, unless the error
    falls so fast that once more everywhere should do: to ask where it comes from may take longer. It is asked again
    of the finest. Elsewhere the mesh is as fine as the usual one.

    Args:
        attempt: makes the result on a mesh of a density (see `transport.mesh`), or on given ones.

    Raises:
        ConvergenceError: the first attempt failed.
    """
    from perotwin.transport.mesh import DENSITY
    from perotwin.transport.refinement import FINER

    best: Attempt[T] | None = None
    asked = False
    for factor in FINER:
        try:
            made = attempt(factor * DENSITY)
        except ConvergenceError:
            if best is None:
                raise
            break
        if best is not None and not made.whole:
            break
        sooner = factor >= _EVERYWHERE and not (factor == _EVERYWHERE and _soon_enough(best, made))
        if (sooner and not asked) or factor == FINER[-1]:
            asked = True
            # also where it seems worth less than the one before: an error may look small where the mesh does not
            # show what it comes from yet
            made = _where_it_comes_from(attempt, made, 1.0 / factor)
        if best is not None and made.off > best.off:
            # one that is finer where the error comes from may be worth more than one that is finer everywhere
            continue
        best = made
        if not best.whole or best.passed:
            break
    assert best is not None
    return best


def _soon_enough(before: Attempt[T] | None, made: Attempt[T]) -> bool:
    """Whether the next mesh should be fine enough if the error falls by the same part once more."""
    return before is not None and isfinite(before.off) and made.off**2 <= before.off


def _where_it_comes_from(
    attempt: Callable[[float | Like], Attempt[T]], made: Attempt[T], least: float
) -> Attempt[T]:
    """What is found on meshes that are finer where the error comes from, until one is fine enough; where none comes
    from, the first of them has the part `least` of the nodes that are there.

    A mesh whose own error is not found may still tell where it comes from, stretch by stretch: the next one is made
    from it, and counts beside the last whose error was known.
    """
    best = last = made
    for _ in range(_ADAPTED):
        # an error that is not known, of no mesh, has no place
        known = best.whole and not best.passed and isfinite(best.off)
        meshes = last.finer(least) if known else None
        if meshes is None:
            break
        least = 1.0
        try:
            last = attempt(meshes)
        except ConvergenceError:
            break
        if not last.whole:
            break
        if isfinite(last.off):
            if last.off > _ASTRAY * best.off:
                break
            best = last if last.off < best.off else best
    return best


def at_bias(solver: Solver, settled: States, bias: str | float, intensity: float) -> Checks:
    """How far a settled state is off by the mesh: its voltage at "open-circuit", else its current.

    Args:
        solver: of the mesh. settled: the one state. bias: where it is, "open-circuit" or anything else.
        intensity: suns that it is under.
    """
    from perotwin.transport.checks import noise_floor
    from perotwin.transport.profiles import junction_profiles
    from perotwin.transport.refinement import checks

    points = _as_point(settled, bias, intensity)
    if "open-circuit" in points:
        return checks(solver, points, intensity)
    if intensity == 0.0:
        noise = sum(float(noise_floor(part, junction_profiles(part)).max()) for part in settled.parts)
        if abs(float(settled.current[0])) <= _TOLD * noise:
            # rounding has no mesh
            return {}
    (row,) = checks(solver, points, intensity).values()
    return {"current on a mesh twice as fine, relative": row}


def finer_at_bias(
    solver: Solver, settled: States, bias: str | float, intensity: float, least: float = 1.0
) -> Like | None:
    """Meshes that are finer where what `at_bias` tells comes from, if there are any; arguments as there, and `least` as
    of `adapted`.
    """
    from perotwin.transport.adapted import adapted

    return adapted(solver, _as_point(settled, bias, intensity), intensity, least)


def _as_point(settled: States, bias: str | float, intensity: float) -> dict[str, States]:
    """A settled state as what its mesh is judged by: the voltage at open circuit, the current elsewhere."""
    lit = bias == "open-circuit" and intensity > 0.0
    return {"open-circuit" if lit else "short-circuit": settled}
