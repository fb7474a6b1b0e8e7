"""A sample as numbers and as a measurement: what tables print and what goes into files."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from perotwin.measurement import Metric, Metrics, check, checks_to_json, describe
from perotwin.recipe.coverage import survey

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.recipe.sample import Sample

__all__ = ["readings", "record"]

#: allowed error of the additive's balance and of the sum of the shares
_BALANCE, _SHARES = 1e-8, 1e-9
#: raster on which the surface is looked at against time, m
_COARSE = 0.5e-9


def readings(sample: Sample) -> Metrics:
    """The numbers of a sample: its buried face, where the additive is, and its film as far as there is one."""
    face, surface, dried, film = sample.face, sample.patch.surface, sample.dried, sample.film
    holes = surface.hole_diameters
    found = {
        "sam_share": Metric(face.shares["sam"], "1", "area"),
        "additive_share": Metric(face.shares["additive"], "1", "area"),
        "bare_share": Metric(face.shares["bare"], "1", "area where a probe of 0.567 nm touches the oxide"),
        "sam_density": Metric(sample.areal_density("sam"), "m-2", "molecules on the oxide"),
        "additive_density": Metric(sample.areal_density("additive"), "m-2", "molecules on the oxide"),
        "hole_diameter": Metric(
            float(np.median(holes)) if holes.size else math.nan, "m", "median largest circle"
        ),
        "patch_size": Metric(surface.patch_size, "m", "correlation length of the bare area"),
        "interface_step": Metric(face.step, "eV", "Helmholtz"),
        "interface_spread": Metric(face.spread, "eV", "standard deviation along the face"),
        "interface_velocity": Metric(face.velocity, "m/s", "mean over the area"),
    }
    if face.pinholes > 0.0:
        found["pinhole_share"] = Metric(face.pinholes, "1", "area where the film did not wet the face")
    if dried is not None and sample.additive is not None:
        shares = dried.shares
        found |= {
            "additive_adsorbed": Metric(shares["adsorbed"], "1", "of the dose"),
            "additive_residue": Metric(shares["residue"], "1", "of the dose, unbound at the buried face"),
            "additive_between_grains": Metric(shares["grain boundaries"], "1", "of the dose"),
            "surface_excess": Metric(dried.surface_excess, "m-2", "over a film as at mid-depth (Gibbs)"),
        }
    if film is not None:
        found |= {
            "film_lifetime": Metric(film.lifetime, "s", "of either carrier at recombining traps"),
            "trap_density": Metric(film.counted, "m-3", "counted by space-charge-limited current"),
            "mobile_ions": Metric(film.ions, "m-3"),
            "ion_diffusion": Metric(film.ion_diffusion, "m2/s"),
        }
    return Metrics(found)


def record(sample: Sample) -> xr.Dataset:
    """A sample as a dataset: the map of its surface and potential, the loss in each solvent, the additive's profile.

    Returns:
        `surface` (surface_y, surface_x): 0 bare, 1 monolayer, 2 additive; `surface_potential` (potential_y,
        potential_x), V over the bare oxide; `hole_diameter` (hole), m; for each step under a solvent
        `monolayer in ...` and `bare in ...` against `time in ...`; `additive` (depth), m^-3, depth from the oxide.
    """
    import xarray as xr

    surface, potential = sample.patch.surface, sample.potential()
    side = sample.patch.side

    def middle(count: int) -> np.ndarray:
        return (np.arange(count) + 0.5) * side / count

    variables: dict[str, Any] = {
        "surface": (
            ("surface_y", "surface_x"),
            surface.map,
            {"long_name": "0 bare, 1 monolayer, 2 additive"},
        ),
        "surface_potential": (("potential_y", "potential_x"), potential),
        "hole_diameter": ("hole", surface.hole_diameters),
    }
    coordinates: dict[str, Any] = {
        "surface_x": middle(surface.map.shape[1]),
        "surface_y": middle(surface.map.shape[0]),
        "potential_x": middle(potential.shape[1]),
        "potential_y": middle(potential.shape[0]),
    }
    for name, history in sample.solvents.items():
        time = f"time in {name}"
        coordinates[time] = history.times
        seen = [survey(patch, pixel=_COARSE) for patch in history.patches]
        variables[f"monolayer in {name}"] = (time, [one.coverage for one in seen], {"units": "1"})
        variables[f"bare in {name}"] = (time, [one.bare_fraction for one in seen], {"units": "1"})
    profile = sample.depth_profile()
    found = {"shares of the surface add up to one": check(sum(sample.face.shares.values()) - 1.0, _SHARES)}
    if sample.dried is not None:
        found["additive conserved while drying"] = check(sample.dried.balance, _BALANCE)
    if profile is not None:
        coordinates["depth"], variables["additive"] = profile[0], ("depth", profile[1], {"units": "m-3"})
    from perotwin import __version__

    return describe(
        xr.Dataset(
            variables,
            coords=coordinates,
            attrs={
                "instrument": "recipe",
                "stack": sample.name,
                "recipe": sample.recipe.to_toml(),
                "readings": json.dumps(readings(sample).to_json()),
                "checks": json.dumps(checks_to_json(found)),
                "perotwin": __version__,
            },
        )
    )
