"""A monolayer whose numbers tests may rely on; the library's follow the samples."""

from perotwin.recipe.coverage import Monolayer

MONOLAYER = Monolayer(
    packing=0.78,  # type: ignore[arg-type]
    oxide_grain="15 nm",  # type: ignore[arg-type]
    reluctant_share=0.2,  # type: ignore[arg-type]
    reluctant_packing=0.68,  # type: ignore[arg-type]
    weaker_anchoring="50 meV",  # type: ignore[arg-type]
    desorption_rate="0.12 s^-1",  # type: ignore[arg-type]
    cohesion="30 meV",  # type: ignore[arg-type]
    additive_cohesion="15 meV",  # type: ignore[arg-type]
    cohesion_gap="0.3 nm",  # type: ignore[arg-type]
)
