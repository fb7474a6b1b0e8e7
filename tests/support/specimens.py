"""Samples as recipes leave them, written down instead of computed: to test instruments, not recipes."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np

SAM = SimpleNamespace(
    name="Me-4PACz",
    smiles="Cc1ccc2c(c1)c1cc(C)ccc1n2CCCCP(=O)(O)O",
    anchors=("phosphonic acid",),
    length=1.4e-9,
    carbons=18,
    carbonyls=0,
)
ADDITIVE = SimpleNamespace(
    name="5-AVAI",
    smiles="OC(=O)CCCC[NH3+].[I-]",
    anchors=("carboxylic acid", "ammonium"),
    length=0.9e-9,
    carbons=5,
    carbonyls=1,
)
DRIED = SimpleNamespace(film_thickness=450e-9, residue=0.0)
RECIPE = SimpleNamespace(
    to_toml=lambda: 'name = "stand-in"\n', coat=SimpleNamespace(grain_size=300e-9, roughness=20.4e-9)
)


@dataclass(frozen=True)
class Specimen:
    """A stand-in with exactly what instruments may read of a sample."""

    name: str = "target"
    sam: object = field(default_factory=lambda: SAM)
    additive: object = field(default_factory=lambda: ADDITIVE)
    shares: dict = field(default_factory=lambda: {"sam": 0.7, "additive": 0.2, "bare": 0.1})
    areal: dict = field(default_factory=lambda: {"sam": 8e17, "additive": 5e17})
    map: np.ndarray | None = None
    side: float = 200e-9
    dried: object = None
    washed: bool = False
    profile: tuple | None = None
    recipe: object = field(default_factory=lambda: RECIPE)

    @property
    def patch(self) -> SimpleNamespace:
        return SimpleNamespace(side=self.side)

    @property
    def face(self) -> SimpleNamespace:
        return SimpleNamespace(shares=self.shares)

    def potential(self, height: float | None = None, pixel: float = 0.5e-9) -> np.ndarray:
        if self.map is not None:
            return self.map
        return np.full((round(self.side / pixel),) * 2, 0.3)

    def areal_density(self, kind: str) -> float:
        return self.areal[kind]

    def depth_profile(self) -> tuple | None:
        return self.profile


def films() -> tuple[Specimen, Specimen]:
    """A control and a target under their films of 450 nm."""
    edges = 450e-9 * np.linspace(0.0, 1.0, 201)
    middle = 0.5 * (edges[1:] + edges[:-1])
    density = 1.5e25 * (1.0 + 1.5 * np.exp(-middle / 40e-9))
    none = {"sam": 7e17, "additive": 0.0}
    control = Specimen("control", SAM, None, {"sam": 0.7, "additive": 0.0, "bare": 0.3}, none, dried=DRIED,
                       profile=(middle, 0.0 * density))  # fmt: skip
    return control, Specimen("target", dried=DRIED, profile=(middle, density))


def washed() -> tuple[Specimen, Specimen, Specimen]:
    """Monolayer on oxide, washed control, washed target, with maps of clustered bare spots."""
    made = []
    for name, sam, additive, level, contrast in (
        ("sam-niox", 0.88, 0.0, 0.30, 0.30),
        ("control-washed", 0.70, 0.0, 0.24, 0.30),
        ("target-washed", 0.70, 0.24, 0.36, 0.08),
    ):
        chance = np.random.default_rng(len(name))
        noise = chance.standard_normal((400, 400))
        k = np.hypot(*np.meshgrid(np.fft.fftfreq(400), np.fft.fftfreq(400)))
        smooth = np.fft.ifft2(np.fft.fft2(noise) * np.exp(-((k / 0.03) ** 2))).real
        bare = smooth < np.quantile(smooth, 1.0 - sam)
        made.append(
            Specimen(
                name,
                SAM,
                ADDITIVE if additive else None,
                {"sam": sam, "additive": additive, "bare": 1.0 - sam - additive},
                {"sam": sam * 1.1e18, "additive": additive * 2.4e18},
                dried=DRIED if name.endswith("washed") else None,
                washed=name.endswith("washed"),
                map=level + contrast * (sam - 1.0 + (~bare).astype(float) - sam + 1.0 - (~bare).mean()),
            )
        )
    return tuple(made)
