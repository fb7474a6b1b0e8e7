"""External quantum efficiency: the current that one more photon gives, wavelength by wavelength.

The extra light is small: the response is the exact linearisation of the steady state under the cell's own light
(its bias light) at the protocol's voltage, ions held where that state has them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from perotwin.errors import InputError
from perotwin.measurement import Metric, Metrics
from perotwin.stack.fields import Model, Voltage
from perotwin.units import Quantity

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from perotwin.stack import Cell

__all__ = ["Protocol", "analyse", "measure", "plot"]

#: allowed relative difference of the spectrum's integral and the short-circuit current; recombination that is not
#: linear in light makes it real, so that it is not a rounding error that is looked for
_INTEGRAL_LIMIT = 0.01


class Protocol(Model):
    """How a quantum efficiency is taken.

    bias : terminal voltage (V), short circuit unless said. The bias light is the cell's own.
    """

    bias: Voltage = Quantity(0.0, "0 V", dimension="voltage")


def measure(cell: Cell, protocol: Protocol | None = None) -> xr.Dataset:
    """Take the external quantum efficiency of a cell.

    Args:
        cell: one whose generation follows from optics.
        protocol: bias voltage.

    Returns:
        The measurement: `eqe`, `reflectance`, `transmittance` (wavelength), `absorptance` (layer, wavelength), the
        photons `photon_flux` (wavelength) of 1 sun that stand for each wavelength (their sum over a response is an
        integral over the spectrum), and
        `jsc_integrated` (A m^-2, over the stored spectrum at 1 sun) in its attributes.

    Raises:
        InputError: generation is prescribed, so that no wavelength is known.
        ConvergenceError: the bias point could not be reached.
    """
    import xarray as xr
    from scipy.constants import elementary_charge as q

    from perotwin.errors import ConvergenceError
    from perotwin.lab import fields as inside
    from perotwin.measurement import check, checks_to_json, describe
    from perotwin.transport.cell import build, solver_of
    from perotwin.transport.checks import optical_checks, steady_checks

    protocol = protocol or Protocol()
    if cell.light.generation.kind != "optics":
        raise InputError(
            f'the generation of "{cell.name}" is prescribed ({cell.light.generation.kind}), so that nothing says how '
            "it depends on the wavelength.",
            'Give every layer a material and set light.generation = { kind = "optics" }.',
            key="light.generation",
        )
    problem = build(cell)
    absorption = problem.absorption
    assert absorption is not None
    solver = solver_of(problem)
    intensity = float(cell.light.intensity)
    states = solver.sweep([float(protocol.bias)], intensity)
    if not states.converged[0]:
        raise ConvergenceError(
            f'the bias point of "{cell.name}" at {protocol.bias} was not reached.',
            "Try another bias, or look at perotwin jv.",
            voltage=float(protocol.bias),
            stage="bias",
        )
    eqe = solver.spectral_response(states.state(0), intensity) / q
    integrated = q * float(absorption.photon_flux @ eqe)
    found = {**steady_checks(states), **optical_checks(problem)}
    if intensity > 0.0 and float(protocol.bias) == 0.0 and states.current[0] > 0.0:
        found["EQE integral against Jsc"] = check(
            intensity * integrated / float(states.current[0]) - 1.0, _INTEGRAL_LIMIT
        )
    dataset = xr.Dataset(
        {
            "eqe": ("wavelength", eqe),
            "reflectance": ("wavelength", absorption.reflectance),
            "transmittance": ("wavelength", absorption.transmittance),
            "absorptance": (("layer", "wavelength"), absorption.absorptance),
            "photon_flux": ("wavelength", absorption.photon_flux),
        },
        coords={"wavelength": absorption.wavelength, "layer": list(absorption.layers)},
        attrs={
            **inside.attributes("eqe", cell, protocol, intensity),
            "jsc_integrated": integrated,
            "absorbers": ",".join(dict.fromkeys(layer.name for layer in cell.absorbers)),
            "checks": json.dumps(checks_to_json(found)),
            "notes": json.dumps(inside.notes(states)),
        },
    )
    return describe(dataset)


def analyse(dataset: xr.Dataset) -> Metrics:
    """Integrated current and bandgap of a spectrum.

    Returns:
        `jsc_integrated` (A m^-2; over AM1.5G, as the measurement stored it or NaN) and `bandgap` (eV), the steepest
        point of the EQE against photon energy (doi:10.1002/aenm.201901223), from a parabola through its slope.
    """
    wavelength, eqe = np.asarray(dataset["wavelength"], float), np.asarray(dataset["eqe"], float)
    stored = float(dataset.attrs.get("jsc_integrated", np.nan))
    return Metrics(
        {
            "jsc_integrated": Metric(stored, "A m-2", "EQE times the photon flux of the spectrum"),
            "bandgap": Metric(inflection(wavelength, eqe), "eV", "steepest point of the EQE"),
        }
    )


def inflection(wavelength: np.ndarray, eqe: np.ndarray) -> float:
    """Photon energy (eV) at which the EQE rises most steeply; wavelength (W,) in m. NaN without a rise."""
    from scipy.constants import c, e, h

    energy = h * c / (e * wavelength)
    order = np.argsort(energy)
    energy, eqe = energy[order], eqe[order]
    slope = np.gradient(eqe, energy)
    best = int(np.argmax(slope))
    if not 0 < best < slope.size - 1 or not slope[best] > 0.0:
        return float("nan")
    a, b, _ = np.polyfit(energy[best - 1 : best + 2] - energy[best], slope[best - 1 : best + 2], 2)
    return float(energy[best] - b / (2.0 * a)) if a < 0.0 else float(energy[best])


def plot(datasets: xr.Dataset | Sequence[xr.Dataset], ax: Axes | None = None) -> Figure:
    """Quantum efficiency and where the other photons go; see `plotting.spectra.eqe`."""
    from perotwin.plotting import spectra

    return spectra.eqe(datasets, ax)
