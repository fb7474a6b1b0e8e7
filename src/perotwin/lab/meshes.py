"""Results on fine enough meshes: what a mesh costs is estimated, and a finer one is taken where it is too much."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from perotwin.errors import ConvergenceError

if TYPE_CHECKING:
    from perotwin.measurement.checks import Checks
    from perotwin.transport.states import States
    from perotwin.transport.steady import Solver

__all__ = ["Attempt", "at_bias", "until_fine"]

T = TypeVar("T")
#: a current in the dark counts from this many times its rounding on
_TOLD = 1e4


@dataclass(frozen=True)
class Attempt(Generic[T]):
    """What was found on one mesh.

    Attributes:
        found: the result. checks: of the mesh (`transport.refinement.checks`).
        whole: whether nothing is missing in it: what has gaps gets more of them on a finer mesh, slowly.
    """

    found: T
    checks: Checks
    whole: bool = True


def until_fine(attempt: Callable[[float], Attempt[T]]) -> Attempt[T]:
    """Try meshes of rising density until the checks of the mesh pass.

    Where a finer mesh reaches less, what the one before found stands with its failed checks.

    Args:
        attempt: makes the result on a mesh of a density (see `transport.mesh`).

    Raises:
        ConvergenceError: the first attempt failed.
    """
    from perotwin.transport.mesh import DENSITY
    from perotwin.transport.refinement import FINER

    best: Attempt[T] | None = None
    for factor in FINER:
        try:
            made = attempt(factor * DENSITY)
        except ConvergenceError:
            if best is None:
                raise
            break
        if best is not None and not made.whole:
            break
        best = made
        if not made.whole or all(row.passed for row in made.checks.values()):
            break
    assert best is not None
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

    if bias == "open-circuit" and intensity > 0.0:
        return checks(solver, {"open-circuit": settled}, intensity)
    if intensity == 0.0:
        noise = sum(float(noise_floor(part, junction_profiles(part)).max()) for part in settled.parts)
        if abs(float(settled.current[0])) <= _TOLD * noise:
            # rounding has no mesh
            return {}
    (row,) = checks(solver, {"short-circuit": settled}, intensity).values()
    return {"current on a mesh twice as fine, relative": row}
