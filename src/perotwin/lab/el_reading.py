"""What electroluminescence tells, simulated or from a file, with whatever of it was measured; arrays only.

By reciprocity (U. Rau, Phys. Rev. B 76, 085303 (2007), doi:10.1103/PhysRevB.76.085303) the yield at an injection as
large as the photocurrent tells the open-circuit voltage, Voc = Voc,rad + kT/q ln(ELQY): each decade of yield is kT/q
ln(10), 59 mV, whatever the radiative limit is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError
from perotwin.measurement.dataset import simulated
from perotwin.measurement.metrics import Metric, Metrics
from perotwin.units import BOLTZMANN

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["analyse", "named_emitters"]

F64 = NDArray[np.float64]

#: V by which the voltages of junctions and that of the whole may differ, beside what is in series
_SUM = 1e-3


def named_emitters(dataset: xr.Dataset) -> xr.Dataset:
    """A measurement whose yields and splittings run over emitters: what runs over the injection alone gets one.

    Raises:
        InputError: none of yields, splittings and a voltage, or no injected current.
    """
    if "injected" not in dataset.variables:
        raise InputError(
            'electroluminescence is read over "injected", the current through the cell, and this dataset has none.',
            "Name the axis so (A m^-2).",
            key="injected",
        )
    known = [name for name in ("elqy", "qfls", "voltage") if name in dataset]
    if not known:
        raise InputError(
            'electroluminescence has a yield "elqy", a splitting "qfls" or a "voltage"; this dataset has none of them.',
            "Name what was measured so.",
            key="elqy",
        )
    of_emitters = ("elqy", "qfls", "photons", "junction_current")
    alone = [name for name in of_emitters if name in dataset and dataset[name].dims == ("injected",)]
    made = dataset.assign({name: dataset[name].expand_dims(emitter=[""]) for name in alone})
    for name in ("elqy", "qfls"):
        if name in made and set(made[name].dims) != {"emitter", "injected"}:
            raise InputError(
                f'"{name}" runs over {", ".join(map(str, made[name].dims))} here; it is read over emitter, injected.',
                "Name the axes so.",
                key=name,
            )
        if name in made:
            made[name] = made[name].transpose("emitter", "injected")
    return made


def analyse(dataset: xr.Dataset) -> Metrics:
    """The metrics of a measurement of luminescence, as its instrument describes them."""
    dataset = named_emitters(dataset)
    dark = float(dataset.attrs.get("light", 0.0)) == 0.0
    stated = dataset.attrs.get("temperature")
    kelvin = 298.15 if stated is None else float(stated)
    at = "" if stated is not None else "; temperature not told: 298.15 K"
    kt = BOLTZMANN * kelvin
    injected = np.asarray(dataset["injected"], float)
    found: dict[str, Metric] = {}
    names = [str(name) for name in dataset["emitter"].values] if "emitter" in dataset.dims else []
    for index, emitter in enumerate(names):
        one = dataset.isel(emitter=index)
        end = f", {emitter}" if len(names) > 1 else ""
        own = _own_current(one, injected)
        for name, metric in _of_emitter(one, dataset, own, kt, dark, at).items():
            found[f"{name}{end}"] = metric
    if "qfls" in dataset and "voltage" in dataset and not simulated(dataset) and names:
        total = np.asarray(dataset["qfls"], float).sum(axis=0)
        off = np.asarray(dataset["voltage"], float) - total
        worst = int(np.argmax(np.abs(off)))
        found["voltage_between"] = Metric(
            float(off[worst]),
            "V",
            f"largest difference of the terminal voltage and the sum of the junctions, at {_ma(injected[worst])}"
            + (
                "; they add up"
                if abs(off[worst]) < _SUM
                else "; what is in series, or an error of the junctions"
            ),
        )
    if "voltage" in dataset and "qfls" not in dataset:
        values = np.asarray(dataset["voltage"], float)
        found["ideality"] = _ideality(
            injected, values, kt, f"voltage of the cell, series resistance in it{at}"
        )
    return Metrics(found)


def _ma(current: float) -> str:
    return f"{0.1 * current:.4g} mA/cm2"


def _own_current(one: xr.Dataset, injected: F64) -> F64:
    """(K,) A m^-2 through an emitter's junction: its own where luminescence brings it more, else the injected one."""
    if "junction_current" in one:
        return np.asarray(one["junction_current"], float)
    return injected


def _told(one: xr.Dataset, dataset: xr.Dataset, name: str, attribute: str) -> float:
    """A number of an emitter: its variable, or an attribute of the whole; NaN of neither."""
    if name in one and one[name].ndim == 0:
        return float(one[name])
    return float(dataset.attrs.get(attribute, np.nan))


def _of_emitter(
    one: xr.Dataset, dataset: xr.Dataset, current: F64, kt: float, dark: bool, at: str
) -> dict[str, Metric]:
    """The metrics of one emitter."""
    jsc = _told(one, dataset, "jsc_own", "jsc")
    radiative = _told(one, dataset, "voc_radiative", "voc_radiative")
    known = np.isfinite(jsc) and jsc > 0.0
    unsolved = known or simulated(dataset)
    largest = float(np.nanmax(current)) if np.isfinite(current).any() else np.nan
    place = jsc if unsolved else largest
    where = (
        f"at an injection of {_ma(jsc)}, its short-circuit current"
        if unsolved
        else f"at the largest injection, {_ma(largest)}: no short-circuit current is told"
    )
    found: dict[str, Metric] = {}
    # what was solved for does not scatter: what its course bends by is no error
    solved = np.nan if simulated(dataset) else 1.0
    elqy, spread = np.nan, np.nan
    if "elqy" in one:
        elqy, spread = _read(current, np.asarray(one["elqy"], float), place, logarithmic=True)
        spread *= solved
        found["elqy"] = Metric(elqy, "1", where + _missing(elqy, place, current), _known(elqy * spread))
    if "qfls" in one:
        split, error = _read(current, np.asarray(one["qfls"], float), place, logarithmic=False)
        found["qfls"] = Metric(split, "eV", f"mean over the absorber {where}", _known(error * solved))
    if "elqy" in one:
        found["voc_loss"] = Metric(
            -kt * float(np.log(elqy)), "V", f"-kT/q ln(elqy) {where}; the detector's calibration is systematic{at}",
            _known(kt * spread),
        )  # fmt: skip
    if simulated(dataset) or np.isfinite(radiative):
        found["voc_radiative"] = Metric(
            radiative,
            "V",
            "kT/q ln(Jsc / J0), J0 the photons that leave the cell" if simulated(dataset) else "as stated",
        )
    if dark and "elqy" in one:
        words = "voc_radiative + kT/q ln(elqy)"
        if not np.isfinite(radiative):
            words += ": no voc_radiative is told (an EQE tells it); voc_loss says how far below it lies"
        elif not known:
            words += f", {where}: Voc under another light than one sun"
        found["voc_luminescence"] = Metric(
            radiative + kt * float(np.log(elqy)), "V", words, _known(kt * spread)
        )
    if "voc_own" in one:
        found["voc_own"] = Metric(float(one["voc_own"]), "V", "solved for, the junction alone under light")
    if "qfls" in one and not simulated(dataset):
        found["ideality"] = _ideality(
            current, np.asarray(one["qfls"], float), kt, f"splitting of the emitter{at}"
        )
    return found


def _missing(value: float, place: float, current: F64) -> str:
    """Why a reading is NaN."""
    if np.isfinite(value):
        return ""
    if not np.isfinite(place):
        return "; nothing was injected"
    good = current[np.isfinite(current) & (current > 0.0)]
    return f"; the injections reach from {0.1 * good.min():.4g} to {_ma(good.max())}" if good.size else ""


def _read(current: F64, values: F64, place: float, *, logarithmic: bool) -> tuple[float, float]:
    """A value at a current, by a line in the logarithm of both or of the current, and its standard error.

    The error is the scatter of neighbouring values about a smooth course, by third differences; of a logarithmic value
    it is a part of it.
    """
    good = np.isfinite(values) & np.isfinite(current) & (current > 0.0)
    if logarithmic:
        good &= values > 0.0
    if not good.any() or not current[good].min() * (1 - 1e-9) <= place <= current[good].max() * (1 + 1e-9):
        return float("nan"), float("nan")
    order = np.argsort(current[good], kind="stable")
    at = np.log(current[good][order])
    y = np.log(values[good][order]) if logarithmic else values[good][order]
    read = float(np.interp(np.log(place), at, y))
    spread = np.nan
    if at.size >= 8:
        spread = float(np.median(np.abs(np.diff(y, n=3)))) / 0.6745 / float(np.sqrt(20.0))
    return (float(np.exp(read)) if logarithmic else read), spread


def _ideality(current: F64, volts: F64, kt: float, words: str) -> Metric:
    """Slope of a voltage with the logarithm of the current, over kT/q."""
    good = np.isfinite(current) & np.isfinite(volts) & (current > 0.0)
    if good.sum() < 3:
        return Metric(float("nan"), "1", f"{words}: three injections are needed")
    x, y = np.log(current[good]), volts[good]
    off = x - x.mean()
    slope = float(off @ y / (off @ off))
    left = y - y.mean() - slope * off
    error = float(np.sqrt(left @ left / (good.sum() - 2) / (off @ off)))
    return Metric(
        slope / kt,
        "1",
        f"(q/kT) dV/dln(J) over all {int(good.sum())} injections, {_ma(float(current[good].min()))} to "
        f"{_ma(float(current[good].max()))}, {words}",
        error / kt,
    )


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
