"""What the twin says of light soaking, of films in warm toluene and of operation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perotwin.paper.found import Found, Rows

if TYPE_CHECKING:
    from perotwin.paper.bench import Bench

__all__ = ["OPERATION", "ROWS"]

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


_FILMS, _LASTS = "wide_bandgap.film_ageing", "wide_bandgap.operation"
#: rows of operation -> kind of the cell, its condition, and the hours after which it is looked at
OPERATION: dict[str, tuple[str, str, float]] = {
    f"{_LASTS}.control_after_400_h": ("singles", "control", 400.0),
    f"{_LASTS}.target_after_600_h": ("singles", "target", 600.0),
    "tandem.operation.target_after_800_h": ("tandems", "target", 800.0),
}


@ROWS.answers(f"{_FILMS}.control", "hours", "perotwin film-ageing control target")
def triiodide_of_the_reference(bench: Bench) -> Found:
    """Absorbance of triiodide that the simulated reference film has given off after 6 h over that after 24 h."""
    early, late = bench.film_ageing("control")
    return Found(early / late, f"absorbance {early:.3g} after 6 h and {late:.3g} after 24 h")


@ROWS.answers(f"{_FILMS}.target", "hours", "perotwin film-ageing control target")
def triiodide_of_the_target(bench: Bench) -> Found:
    """Absorbance of triiodide after 24 h, of the simulated target film over that of the reference."""
    target, control = (bench.film_ageing(one)[1] for one in ("target", "control"))
    return Found(target / control, f"absorbance {target:.3g} against {control:.3g}")


@ROWS.answers(
    f"{_LASTS}.control_after_400_h", "hours", 'perotwin age wbg-control --duration "400 h"', library=True
)
def reference_after_400_hours(bench: Bench) -> Found:
    """Power after 400 simulated hours at maximum power in one sun (ISOS-L-1) over the first."""
    return Found(
        bench.retained(*OPERATION[f"{_LASTS}.control_after_400_h"]),
        "two rates are calibrated on two such numbers",
    )


@ROWS.answers(
    f"{_LASTS}.target_after_600_h", "hours", 'perotwin age wbg-target --duration "600 h"', library=True
)
def target_after_600_hours(bench: Bench) -> Found:
    """Power after 600 simulated hours at maximum power in one sun (ISOS-L-1) over the first."""
    return Found(
        bench.retained(*OPERATION[f"{_LASTS}.target_after_600_h"]),
        "two rates are calibrated on two such numbers",
    )


@ROWS.answers(
    "tandem.operation.target_after_800_h",
    "tandem",
    'perotwin age tandem-target --duration "800 h"',
    library=True,
)
def tandem_after_800_hours(bench: Bench) -> Found:
    """Power after 800 simulated hours at maximum power in one sun (ISOS-L-1) over the first."""
    return Found(
        bench.retained(*OPERATION["tandem.operation.target_after_800_h"]),
        "with the rates of the single junctions; stable tin",
    )
