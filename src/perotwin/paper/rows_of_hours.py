"""What the twin says of light soaking; film ageing and operation join with their models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perotwin.paper.found import Found, Rows

if TYPE_CHECKING:
    from perotwin.paper.bench import Bench

__all__ = ["ROWS"]

ROWS = Rows()
_PHASES = "wide_bandgap.phase_segregation"


@ROWS.answers(f"{_PHASES}.iodide_rich_emission", "hours", "perotwin soak wbg-control")
def iodide_rich_emission(bench: Bench) -> Found:
    """Where the model of two phases lets the iodide-rich one shine; it is told so."""
    from perotwin.ageing.parameters import SegregationParameters

    return Found(float(SegregationParameters.library().rich_emission))


@ROWS.answers(f"{_PHASES}.control", "hours", "perotwin soak wbg-control")
def first_map_of_the_reference(bench: Bench) -> float:
    """Share of the light of the iodide-rich phase in the simulated first map, mean over its exposure."""
    return float(bench.soak("control")["red_share_first"])


@ROWS.answers(f"{_PHASES}.control_grows", "hours", "perotwin soak wbg-control")
def growth_in_the_reference(bench: Bench) -> float:
    """The same share after ten minutes less that of the first map."""
    found = bench.soak("control")
    return float(found["red_share_end"]) - float(found["red_share_first"])


@ROWS.answers(f"{_PHASES}.target", "hours", "perotwin soak wbg-target")
def target_after_ten_minutes(bench: Bench) -> float:
    """Share of the light of the iodide-rich phase in the target film after ten minutes."""
    return float(bench.soak("target")["red_share_end"])
