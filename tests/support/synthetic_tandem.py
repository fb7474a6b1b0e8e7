"""Datasets of a tandem in the shape that the instruments give, from closed formulas: to test readers, not physics."""

from itertools import pairwise

import numpy as np
import xarray as xr

import synthetic
from perotwin.measurement import check, describe

#: thicknesses (m) by the names that layers of a tandem have
LAYERS = {
    "top niox": 10e-9,
    "top perovskite": 450e-9,
    "top c60": 20e-9,
    "top sno2": 15e-9,
    "bottom pedot-pss": 30e-9,
    "bottom perovskite": 1000e-9,
    "bottom c60": 20e-9,
    "bottom cu-oxide": 5e-9,
}
CHANNELS = {
    "top perovskite radiative": 0.02,
    "top niox|perovskite trap 1": 0.3,
    "top front contact": 1e-12,
    "top shunt": 0.1,
    "bottom perovskite radiative": 0.1,
    "bottom perovskite|c60 trap 1": 0.4,
}
OPTICAL = {
    "top glass": 0.01,
    "top ito": 0.04,
    "top niox": 0.01,
    "top c60": 0.0,
    "au": 0.01,
    "bottom cu": 0.02,
}


def depths() -> tuple[np.ndarray, np.ndarray]:
    """Depths (m) with every inner face twice, and the name of the layer at each."""
    ends = np.cumsum([0.0, *LAYERS.values()])
    x = [np.linspace(front, back, 11) for front, back in pairwise(ends)]
    return np.concatenate(x), np.repeat(np.array(list(LAYERS)), 11)


def fields(voltages: list[float]) -> dict[str, tuple[tuple[str, str], np.ndarray]]:
    """Bands and densities (rows: voltages) of two p-i-n junctions, each with half of the voltage."""
    x, layer = depths()
    top = np.char.startswith(layer, "top")
    gap = np.where(np.char.endswith(layer, "perovskite"), np.where(top, 1.79, 1.25), 3.0)
    rows: dict[str, list[np.ndarray]] = {
        name: [] for name in ("conduction_band", "valence_band", "electron_fermi_level", "hole_fermi_level")
    }
    for voltage in voltages:
        hole = np.where(top, -voltage, -0.5 * voltage)
        rows["hole_fermi_level"].append(hole)
        rows["electron_fermi_level"].append(hole + 0.5 * voltage)
        rows["valence_band"].append(hole - 0.3)
        rows["conduction_band"].append(hole - 0.3 + gap)
    made = {name: (("bias", "x"), np.array(values)) for name, values in rows.items()}
    for name in ("electron_density", "hole_density"):
        made[name] = (("bias", "x"), np.full((len(voltages), x.size), 1e21))
    return made


def jv(name: str = "toy", light: float = 1.0) -> xr.Dataset:
    """A tandem's curve, with the junctions' voltages, their own curves, channels and profiles."""
    voltage = np.linspace(0.0, 2.3, 47)
    dark = 150.0 * np.expm1(voltage / 0.06) / np.expm1(2.2 / 0.06)
    current = 150.0 * light - dark
    points = {"short-circuit": 0.0, "maximum-power": 1.95, "open-circuit": 2.2}
    at = np.array(list(points.values()))
    solved = 150.0 * light - 150.0 * np.expm1(at / 0.06) / np.expm1(2.2 / 0.06)
    x, layer = depths()
    rows = fields(list(points.values()))
    rows["recombination"] = (("bias", "x"), np.full((3, x.size), 1e26))
    absorbing = np.char.endswith(layer, "perovskite")
    rows["generation"] = (("bias", "x"), np.tile(np.where(absorbing, 1e27, 0.0), (3, 1)))
    shared = {"voltage_top": 0.6, "voltage_bottom": 0.4}
    own = {}
    for which, (jsc, voc) in {"top": (150.0, 1.3), "bottom": (155.0, 0.9)}.items():
        scan = np.linspace(0.0, voc + 0.02, 40)
        falling = jsc * (1.0 - np.expm1(scan / 0.03) / np.expm1(voc / 0.03))
        own[f"own_current_{which}"] = (f"own_voltage_{which}", falling)
        own[f"own_solved_voltage_{which}"] = (f"own_point_{which}", np.array([0.0, voc - 0.1, voc]))
        own[f"own_solved_current_{which}"] = (f"own_point_{which}", np.array([jsc, 0.95 * jsc, 0.0]))
    return describe(
        xr.Dataset(
            {
                "current_density": ("voltage", current),
                "converged": ("voltage", np.ones(voltage.size, dtype=bool)),
                "channel_current": (
                    ("channel", "voltage"),
                    np.array(list(CHANNELS.values()))[:, None] * (dark + 0.1),
                ),
                "solved_voltage": ("point", at),
                "solved_current": ("point", solved),
                **{f"{key}": ("voltage", part * (voltage + 0.02)) for key, part in shared.items()},
                **{f"solved_{key}": ("point", part * (at + 0.02)) for key, part in shared.items()},
                "voltage_between": ("voltage", np.full(voltage.size, 0.02)),
                "solved_voltage_between": ("point", np.full(3, 0.02)),
                **own,
                **rows,
            },
            coords={
                "voltage": voltage,
                "channel": list(CHANNELS),
                "point": list(points),
                "bias": at,
                "x": x,
                "layer": ("x", layer),
                **{f"own_point_{which}": list(points) for which in ("top", "bottom")},
                "own_voltage_top": np.linspace(0.0, 1.32, 40),
                "own_voltage_bottom": np.linspace(0.0, 0.92, 40),
            },
            attrs=synthetic.attributes("jv", name, light, {"R + T + A": check(2e-15, 1e-9)})
            | {"direction": "steady", "irradiance": 1000.0},
        )
    )


def bands(name: str = "toy") -> xr.Dataset:
    """Band diagrams of the four states."""
    x, layer = depths()
    voltages = {"dark": 0.0, "short-circuit": 0.0, "maximum-power": 1.95, "open-circuit": 2.2}
    rows = {key: (("state", "x"), values) for key, (_, values) in fields(list(voltages.values())).items()}
    return describe(
        xr.Dataset(
            rows,
            coords={
                "state": list(voltages), "voltage": ("state", list(voltages.values())), "x": x, "layer": ("x", layer),
            },
            attrs=synthetic.attributes("bands", name, 1.0, {}),
        )
    )  # fmt: skip


def eqe(name: str = "toy") -> xr.Dataset:
    """Quantum efficiencies of two junctions with edges at 690 and 990 nm."""
    wavelength = np.arange(300e-9, 1101e-9, 10e-9)
    above = [1 / (1 + np.exp((wavelength - edge) / 8e-9)) for edge in (690e-9, 990e-9)]
    lost = sum(OPTICAL.values())
    taken = {"top perovskite": 0.85 * above[0], "bottom perovskite": 0.8 * (above[1] - above[0]).clip(0.0)}
    absorbed = {**{layer: np.full(wavelength.size, part) for layer, part in OPTICAL.items()}, **taken}
    order = [
        "top glass",
        "top ito",
        "top niox",
        "top perovskite",
        "top c60",
        "au",
        "bottom perovskite",
        "bottom cu",
    ]
    collected = {which: 0.98 * taken[f"{which} perovskite"] for which in ("top", "bottom")}
    return describe(
        xr.Dataset(
            {
                **{f"eqe_{which}": ("wavelength", part) for which, part in collected.items()},
                "reflectance": ("wavelength", 1.0 - lost - sum(taken.values())),
                "transmittance": ("wavelength", np.zeros(wavelength.size)),
                "absorptance": (("layer", "wavelength"), np.array([absorbed[layer] for layer in order])),
                "photon_flux": ("wavelength", np.full(wavelength.size, 4e19)),
            },
            coords={"wavelength": wavelength, "layer": order},
            attrs=synthetic.attributes("eqe", name, 1.0, {})
            | {
                "absorbers": "top perovskite,bottom perovskite",
                "jsc_integrated": 150.0, "jsc_integrated_top": 150.0, "jsc_integrated_bottom": 153.0,
            },
        )
    )  # fmt: skip
