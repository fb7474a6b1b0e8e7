"""How steady states and spectra follow fields where all ions of a cell re-equilibrate, whatever response it states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from perotwin.transport.sensitivity import Following
from perotwin.transport.sensitivity_of_spectra import FollowingSpectra

if TYPE_CHECKING:
    from perotwin.transport.problem import Problem

__all__ = ["Moving", "MovingSpectra"]


class Moving(Following):
    """See `transport.sensitivity.Following`; the solver is of a problem that is `all_moving`."""

    def rebuilt(self, values: Mapping[str, Any]) -> Problem:
        return super().rebuilt(values).all_moving()


class MovingSpectra(FollowingSpectra):
    """See `transport.sensitivity_of_spectra.FollowingSpectra`; the solver is of a problem that is `all_moving`."""

    def rebuilt(self, values: Mapping[str, Any]) -> Problem:
        return super().rebuilt(values).all_moving()
