"""A monolayer whose numbers tests may rely on; the library's follow the samples."""

from perotwin.recipe.coverage import Monolayer

MONOLAYER = Monolayer(
    packing=0.78,
    oxide_grain="15 nm",
    reluctant_share=0.2,
    reluctant_packing=0.68,
    weaker_anchoring="50 meV",
    desorption_rate="0.12 s^-1",
    cohesion="30 meV",
    additive_cohesion="15 meV",
    cohesion_gap="0.3 nm",
)
