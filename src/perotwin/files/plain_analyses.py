"""What is read from measurements that no instrument of the laboratory takes: means, slopes, extremes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from perotwin.measurement.metrics import Metric, Metrics
from perotwin.units import BOLTZMANN

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["PLAIN", "ideality_of_pairs"]


def ideality_of_pairs(dataset: xr.Dataset) -> Metrics:
    """Ideality factor of pairs of Voc and Jsc whose one sun is not known: (q/kT) dVoc/dln Jsc over all of them."""
    density = dataset["current_density"].values
    voltage = dataset["voltage"].values
    good = (density > 0.0) & np.isfinite(voltage)
    temperature = float(dataset.attrs.get("temperature", 298.15))
    if good.sum() < 4:
        return Metrics()
    (slope, _), covariance = np.polyfit(np.log(density[good]), voltage[good], 1, cov=True)
    thermal = BOLTZMANN * temperature
    spread = float(np.sqrt(covariance[0, 0]) / thermal)
    words = f"slope of Voc against ln Jsc over all {int(good.sum())} pairs at {temperature:.4g} K"
    return Metrics({"ideality": Metric(float(slope / thermal), "1", words, spread)})


def _plqy_trace(dataset: xr.Dataset) -> Metrics:
    values = dataset["plqy"].values
    change = float(values[-1] / values[0] - 1.0)
    return Metrics(
        {
            "plqy": Metric(float(values.mean()), "1", "mean over the trace", float(values.std())),
            "plqy_change": Metric(change, "1", "last point against the first"),
        }
    )


def _surface_photovoltage(dataset: xr.Dataset) -> Metrics:
    """The extreme at each wavelength: read and plotted only."""
    found = {}
    for wave in dataset["wavelength"].values:
        one = dataset["surface_photovoltage"].sel(wavelength=wave).values
        value = float(one[int(np.abs(one).argmax())])
        found[f"surface_photovoltage, {wave * 1e9:.0f} nm"] = Metric(
            value, "V", "largest deviation from zero"
        )
    return Metrics(found)


def _el_subcells(dataset: xr.Dataset) -> Metrics:
    """Ideality factor of each junction: slope of its voltage against the logarithm of the injection."""
    temperature = float(dataset.attrs.get("temperature", 298.15))
    injection = np.log(dataset["current_density"].values)
    found = {}
    for name in dataset["junction"].values:
        volts = dataset["subcell_voltage"].sel(junction=name).values
        (slope, _), covariance = np.polyfit(injection, volts, 1, cov=True)
        thermal = BOLTZMANN * temperature
        found[f"ideality, {name}"] = Metric(
            float(slope / thermal),
            "1",
            f"slope of V against ln J over all points, {temperature:.5g} K",
            float(np.sqrt(covariance[0, 0]) / thermal),
        )
    return Metrics(found)


#: kind of measurement -> what is read from it
PLAIN: dict[str, Callable[[xr.Dataset], Metrics]] = {
    "plqy_trace": _plqy_trace,
    "surface_photovoltage": _surface_photovoltage,
    "el_subcells": _el_subcells,
}
