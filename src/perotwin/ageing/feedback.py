"""How iodide-rich domains are felt by a cell: pairs gather in them, so that one splitting holds more carriers.

At one splitting a volume with a share phi of domains holds F = 1 - phi + phi r times the product n p of the parent
film, which is a larger density of states. Both bands may share it, or the valence band alone where holes funnel; both
are defensible, and what they differ by is part of the answer. Light sees nothing of it: the domains are too few.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from perotwin.stack.quantity_fields import Model

__all__ = ["BothBands", "Feedback", "NoFeedback", "ValenceBand"]


class BothBands(Model):
    """Both densities of states times the root of F."""

    kind: Literal["both-bands"] = "both-bands"

    def factors(self, more: float) -> tuple[float, float]:
        """Of the densities of states in conduction and valence band, where n p is `more` times the parent's."""
        return more**0.5, more**0.5


class ValenceBand(Model):
    """The valence band's times F: holes funnel, electrons do not."""

    kind: Literal["valence-band"] = "valence-band"

    def factors(self, more: float) -> tuple[float, float]:
        """Of the densities of states in conduction and valence band."""
        return 1.0, more


class NoFeedback(Model):
    """The cell does not feel its domains: to see what they alone do."""

    kind: Literal["none"] = "none"

    def factors(self, more: float) -> tuple[float, float]:
        """Of the densities of states in conduction and valence band."""
        return 1.0, 1.0


Feedback = Annotated[BothBands | ValenceBand | NoFeedback, Field(discriminator="kind")]
