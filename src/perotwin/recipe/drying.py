"""Where the additive goes while the wet film dries: into the solid, onto the oxide, or between the two.

Two stages. First the ink (lead concentration and thickness such that its lead makes the dry film) loses solvent at
its surface, at one speed, until lead reaches the concentration at which solid forms. Then solid grows from the
surface down at the expense of the liquid, whose lead concentration stays; solvent leaves the film as fast as it is
quenched. The growing solid keeps, between its grains, a share of what the liquid offers per lead (`partition`) and
pushes the rest ahead of itself towards the oxide, where the additive adsorbs on a finite number of sites. What is
in the last liquid layer when the front arrives stays at the buried interface as a residue.

The liquid is at rest and lead in it is uniform; the additive is dilute. It does not sink: gravity moves a molecule
by kT / (m g), kilometres. Equations and method in `liquid`.

References: evaporation against diffusion, A. F. Routh and W. B. Zimmerman, Chem. Eng. Sci. 59, 2961 (2004),
doi:10.1016/j.ces.2004.04.027; rejection by a solid front, V. G. Smith, W. A. Tiller and J. W. Rutter, Can. J. Phys.
33, 723 (1955), doi:10.1139/p55-089; drying of perovskite inks measured in situ, S. Ternes et al., Adv. Energy Mater.
9, 1901581 (2019), doi:10.1002/aenm.201901581.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from perotwin.errors import InputError
from perotwin.recipe.adsorption import Adsorption
from perotwin.recipe.library import from_library
from perotwin.stack.quantity_fields import Density, Diffusion, Dim, Length, Model
from perotwin.units import Quantity

if TYPE_CHECKING:
    from perotwin.recipe.liquid import Stage, Trace

__all__ = ["Adsorption", "DriedFilm", "Drying", "Snapshot", "dry", "wet_thickness"]

F64 = NDArray[np.float64]

#: lead in an ink of 1.3 mol/L, m^-3
INK = 1.3e3 * 6.02214076e23
#: A dose above this is an ingredient: the liquid would not be dilute.
LARGEST_DOSE = 0.2
#: cells of the depth profile, and the depth within which they are about equal (m)
_DEPTH_CELLS, _NEAR = 200, 5e-9

Speed = Annotated[Quantity, Dim("velocity", above=0)]
Share = Annotated[Quantity, Dim("fraction", least=0, most=1)]


class Drying(Model):
    """How the wet film dries; the same for every sample. Values, ranges and what fixes them: `parameters.toml`.

    lead_density : lead in the solid (m^-3).
    critical_concentration : lead in the liquid while solid grows (m^-3).
    evaporation_speed : thinning of the film before solid forms (m/s).
    quenched_speed : thinning of the film while solid grows (m/s).
    diffusion : of the additive in the liquid (m^2/s).
    partition : additive per lead that the solid keeps over additive per lead in the liquid at the front.
    saturation : additive in the liquid (m^-3) that the front cannot raise further.
    residual_liquid : thickness of the liquid that the front leaves on the oxide (m).
    """

    lead_density: Density
    critical_concentration: Density
    evaporation_speed: Speed
    quenched_speed: Speed
    diffusion: Diffusion
    partition: Share
    saturation: Density
    residual_liquid: Length

    @model_validator(mode="after")
    def _in_order(self) -> Drying:
        if not self.critical_concentration < self.lead_density:
            raise InputError(
                "the liquid in which solid grows holds as much lead as the solid.",
                "Give a critical concentration below the lead density.",
                subkey="critical_concentration",
            )
        return self

    @classmethod
    def library(cls) -> Drying:
        """The numbers that come with perotwin, each with its assumed range."""
        return from_library(cls, "drying")


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The liquid at one time (s): its thickness (m), cell centres (m from the oxide) and concentration (m^-3)."""

    time: float
    thickness: float
    depth: F64
    concentration: F64


@dataclass(frozen=True, eq=False)
class DriedFilm:
    """Where the additive is in the dry film, and how it came there. Amounts are per area of the film (m^-2).

    dose : additive per lead. film_thickness (m), lead_density (m^-3) of the dry film.
    depth_edges (N + 1,) : m from the oxide, ascending, from the residue to the top. density (N,) : additive in the
    solid (m^-3), all of it between the grains.
    dosed : additive in the wet film; adsorbed : on the oxide's sites; grain_boundaries : in the solid;
    residue : between solid and oxide, unbound. sites : places on the oxide.
    time (T,) (s), liquid and solid thickness (T,) (m), oxide and top (T,) : concentration in the liquid next to the
    oxide and to its top boundary (m^-3); theta (T,) : share of sites taken; lead (T,) : lead in the liquid (m^-3).
    onset : time at which solid appears (s). peclet : speed x thickness / diffusion of evaporation and of the front,
    each at its start. snapshots : the liquid's profile at some times.
    """

    dose: float
    film_thickness: float
    lead_density: float
    depth_edges: F64
    density: F64
    dosed: float
    adsorbed: float
    grain_boundaries: float
    residue: float
    sites: float
    time: F64
    liquid: F64
    solid: F64
    oxide: F64
    top: F64
    lead: F64
    theta: F64
    onset: float
    peclet: tuple[float, float]
    snapshots: tuple[Snapshot, ...]

    @property
    def depth(self) -> F64:
        """Centres of the cells of the depth profile (m from the oxide)."""
        return 0.5 * (self.depth_edges[1:] + self.depth_edges[:-1])

    @property
    def per_lead(self) -> F64:
        """Additive per lead in the solid, cell by cell."""
        return self.density / self.lead_density

    @property
    def interface(self) -> float:
        """Additive at the buried interface: adsorbed and residue (m^-2)."""
        return self.adsorbed + self.residue

    @property
    def surface_excess(self) -> float:
        """What the interface and the solid hold more than a film as the one at mid-depth would (m^-2; Gibbs)."""
        return (
            self.dosed
            - float(np.interp(0.5 * self.film_thickness, self.depth, self.density)) * self.film_thickness
        )

    @property
    def leftover(self) -> float:
        """Additive between the grains per volume of the film, mean (m^-3)."""
        return self.grain_boundaries / self.film_thickness

    @property
    def shares(self) -> dict[str, float]:
        """Share of the dose that is adsorbed, residue, and between grains; zeros where there is no dose."""
        parts = {
            "adsorbed": self.adsorbed,
            "residue": self.residue,
            "grain boundaries": self.grain_boundaries,
        }
        return {name: part / self.dosed if self.dosed else 0.0 for name, part in parts.items()}

    @property
    def balance(self) -> float:
        """What is missing or too much, relative to the dose."""
        found = self.adsorbed + self.residue + self.grain_boundaries
        return (found - self.dosed) / self.dosed if self.dosed else found

    def within(self, depth: float) -> float:
        """Additive between the oxide and `depth` (m), what the interface holds included (m^-2)."""
        widths = np.diff(self.depth_edges)
        below = np.clip((depth - self.depth_edges[:-1]) / widths, 0.0, 1.0)
        return self.interface + float(np.sum(self.density * widths * below))


def wet_thickness(film_thickness: float, ink_concentration: float, parameters: Drying | None = None) -> float:
    """Thickness of ink (m) whose lead makes the dry film."""
    parameters = parameters or Drying.library()
    return film_thickness * parameters.lead_density / ink_concentration


def dry(
    dose: float,
    adsorption: Adsorption | None = None,
    parameters: Drying | None = None,
    *,
    film_thickness: float = 450e-9,
    ink_concentration: float = INK,
    cells: int = 160,
    tolerance: float = 1e-4,
) -> DriedFilm:
    """Dry a film and say where its additive is.

    Parameters
    ----------
    dose : additive per lead (0.01 is 1 mol%).
    adsorption : sites on the oxide and the rates with which they fill; nothing adsorbs where None.
    parameters : of drying; the library's where None.
    film_thickness : of the dry film (m).
    ink_concentration : lead in the ink when it stops flowing off (m^-3); 1.3 mol/L unless given.
    cells, tolerance : of the liquid; relative local error of a time step.

    Raises
    ------
    InputError : a negative dose or one beyond 20 mol%, an ink that would be solid at once, a film hardly thicker
        than the residual liquid.
    ConvergenceError : the steps in time do not reach the end.
    """
    from perotwin.recipe.liquid import cell_faces, run

    parameters = parameters or Drying.library()
    ink = float(ink_concentration)
    _refuse(dose, film_thickness, ink, parameters)
    wet = wet_thickness(film_thickness, ink, parameters)
    stages, moments = _stages(wet, ink, film_thickness, parameters)
    start = float(dose) * ink
    oxide = adsorption or Adsorption()
    trace = run(
        stages,
        wet,
        start,
        float(parameters.diffusion),
        oxide,
        faces=cell_faces(cells),
        moments=moments,
        tolerance=tolerance,
    )
    return _film(float(dose), film_thickness, start * wet, stages, oxide, parameters, trace)


def _refuse(dose: float, film_thickness: float, ink: float, parameters: Drying) -> None:
    if not 0.0 <= dose <= LARGEST_DOSE:
        what = "cannot be negative" if dose < 0.0 else "is no additive any more"
        raise InputError(
            f"a dose of {100 * float(dose):g} mol% per lead {what}.",
            f"Give a dose from 0 to {100 * LARGEST_DOSE:g} mol%.",
            key="additive.dose",
        )
    if not 0.0 < ink < parameters.critical_concentration:
        raise InputError(
            f"an ink with {ink:.3g} lead atoms in a cubic metre is "
            + (
                "empty."
                if ink <= 0.0
                else "solid at once: solid forms from " + f"{parameters.critical_concentration}."
            ),
            "Give a lead concentration between zero and the critical concentration.",
            key="ink_concentration",
        )
    last = parameters.residual_liquid * parameters.critical_concentration / parameters.lead_density
    if not film_thickness > 10.0 * last:
        raise InputError(
            f"a film of {film_thickness * 1e9:.3g} nm is hardly thicker than the liquid that it leaves on the oxide.",
            "Give a thicker film or a thinner residual liquid.",
            key="film_thickness",
        )


def _stages(wet: float, ink: float, film_thickness: float, parameters: Drying) -> tuple[list[Stage], F64]:
    """Evaporation and growth, and times spread over both at which to keep the profile."""
    from perotwin.recipe.liquid import Stage

    solid, critical = float(parameters.lead_density), float(parameters.critical_concentration)
    onset = film_thickness * solid / critical
    evaporation = Stage(
        (wet - onset) / parameters.evaporation_speed,
        float(parameters.evaporation_speed),
        # lead's salts take the volume in the liquid that they take in the solid, the rest is solvent
        solvent=(1.0, film_thickness),
    )
    # each volume of liquid that the front takes leaves the share critical / solid of it as solid, the rest evaporates
    front = float(parameters.quenched_speed) / (1.0 - critical / solid)
    last = float(parameters.residual_liquid)
    growth = Stage(
        (onset - last) / front,
        front,
        float(parameters.partition),
        float(parameters.saturation),
        solvent=(1.0 - critical / solid, 0.0),
    )
    thick = np.geomspace(onset, last, 6)[1:-1]
    early = evaporation.duration * np.array([0.0, 0.5, 1.0])
    return [evaporation, growth], np.concatenate([early, evaporation.duration + (onset - thick) / front])


def _film(
    dose: float,
    film_thickness: float,
    dosed: float,
    stages: list[Stage],
    oxide: Adsorption,
    parameters: Drying,
    trace: Trace,
) -> DriedFilm:
    from scipy.interpolate import PchipInterpolator

    solid, critical = float(parameters.lead_density), float(parameters.critical_concentration)
    evaporation, growth = stages
    onset = evaporation.duration
    growing = trace.time >= onset
    # the solid next to a front at height l lies where the lead that is still liquid will end: l critical / solid
    height = np.minimum(trace.thickness[growing] * critical / solid, film_thickness)
    taken = trace.uptake[growing]
    top, rise = film_thickness, np.arcsinh(film_thickness / _NEAR)
    edges = _NEAR * np.sinh(np.linspace(np.arcsinh(height[-1] / _NEAR), rise, _DEPTH_CELLS + 1))
    edges[0], edges[-1] = height[-1], top
    with np.errstate(over="ignore"):  # slopes of nothing, where the solid takes next to none
        above = PchipInterpolator(height[::-1], taken[::-1])(edges)
    above[0], above[-1] = taken[-1], 0.0
    made = np.where(growing, np.clip(film_thickness - trace.thickness * critical / solid, 0.0, None), 0.0)
    wet = trace.thickness[0]
    centres = 0.5 * (trace.faces[1:] + trace.faces[:-1])
    return DriedFilm(
        dose=dose,
        film_thickness=film_thickness,
        lead_density=solid,
        depth_edges=edges,
        density=(above[:-1] - above[1:]) / np.diff(edges),
        dosed=dosed,
        adsorbed=float(oxide.sites * trace.theta[-1]),
        grain_boundaries=float(taken[-1]),
        residue=float(np.sum(trace.amount)),
        sites=float(oxide.sites),
        time=trace.time,
        liquid=trace.thickness,
        solid=made,
        oxide=trace.oxide,
        top=trace.top,
        lead=np.minimum(film_thickness * solid / trace.thickness, critical),
        theta=trace.theta,
        onset=onset,
        peclet=(
            evaporation.speed * wet / float(parameters.diffusion),
            growth.speed * float(trace.thickness[growing][0]) / float(parameters.diffusion),
        ),
        snapshots=tuple(
            Snapshot(float(time), float(thickness), thickness * centres, concentration)
            for time, thickness, concentration in zip(
                trace.moment_time, trace.moment_thickness, trace.moment_concentration, strict=True
            )
        ),
    )
