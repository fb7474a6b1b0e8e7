"""A space-charge curve of closed formulas: ohm's law, traps that fill, Mott and Gurney's law."""

import numpy as np
import xarray as xr

from perotwin.measurement import describe

Q, EPS0 = 1.602176634e-19, 8.8541878128e-12
THICKNESS, PERMITTIVITY, MOBILITY = 400e-9, 25.0, 1e-4


def square_law(voltage: np.ndarray) -> np.ndarray:
    """Mott and Gurney's current density, A m^-2."""
    return 9.0 / 8.0 * EPS0 * PERMITTIVITY * MOBILITY * voltage**2 / THICKNESS**3


def limit(density: float) -> float:
    """q Nt d^2 / 2 eps, V, of a density in m^-3."""
    return Q * density * THICKNESS**2 / (2.0 * EPS0 * PERMITTIVITY)


def curve(
    density: float = 5e22, power: float = 10.0, stop: float = 40.0, count: int = 120
) -> tuple[np.ndarray, ...]:
    """Voltages (V) and current densities (A m^-2) whose rise, as V^(power + 2), meets the square law at the limit."""
    voltage = np.geomspace(0.02, stop, count)
    held = (limit(density) / voltage) ** power if density > 0.0 else 0.0
    return voltage, square_law(voltage) / (1.0 + held) + 1e-2 * voltage


def of(voltage: np.ndarray, current: np.ndarray, **attributes: float | str) -> xr.Dataset:
    """The dataset of a curve and of the same one in the other polarity."""
    both = np.concatenate([-voltage[::-1], voltage])
    made = xr.Dataset(
        {"current_density": ("voltage", np.concatenate([current[::-1], -current]))},
        {"voltage": both},
        {"instrument": "sclc", "thickness": THICKNESS, "permittivity": PERMITTIVITY, **attributes},
    )
    return describe(made)


def dataset() -> xr.Dataset:
    """One device with 5e16 cm^-3."""
    return of(
        *curve(),
        stack="toy",
        temperature=298.15,
        doping=0.0,
        ion_density=0.0,
        ions="held",
        built_in_voltage=0.0,
    )
