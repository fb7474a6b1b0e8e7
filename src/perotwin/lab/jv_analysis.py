"""What is read from a current-voltage curve, whoever took it: arrays only.

    analyse(measured)["voc"]

A curve of points gives its figures of merit by monotone cubics or as ASTM E1036 has it; one that a simulation solved
for short circuit, open circuit and maximum power gives those points.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from perotwin.constants import elementary_charge
from perotwin.errors import InputError
from perotwin.lab import curve_points
from perotwin.lab.arguments import of_measurements
from perotwin.measurement import Metric, Metrics, simulated

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Method", "analyse", "mesh_errors", "points_of", "short_of_the_top", "sweeps_of", "without_merit"]

F64 = NDArray[np.float64]
Method = Literal["solved", "pchip", "astm-e1036"]

#: what a curve's figures of merit are, with their units
_UNITS = {"voc": "V", "jsc": "A m-2", "ff": "1", "pce": "1", "vmp": "V", "jmp": "A m-2"}
#: points that a simulation has solved for where it has figures of merit; an open circuit that rounding decides is not
_SOLVED = {"short-circuit", "maximum-power"}
#: checks of a simulation that tell how far a solved point is off by its mesh
_MESH_VOC, _MESH_JSC = "Voc on a mesh twice as fine, V", "Jsc on a mesh twice as fine, relative"
#: what no curve tells of itself, by figure of merit
_SYSTEMATIC = {
    "voc": "temperature and light not in it",
    "jsc": "area and light not in it",
    "jmp": "area and light not in it",
    "pce": "area and light not in it",
}


@of_measurements("jv")
def analyse(dataset: xr.Dataset, method: Method | None = None) -> Metrics:
    """Voc, Jsc, FF, PCE, the point of maximum power and the apparent resistances of a curve.

    Args:
        dataset: a measurement with `current_density` (voltage), simulated or read from a file.
        method: "solved" uses the points that a simulation solved for (the default where they exist); "pchip" monotone
            cubics through the points (the default elsewhere); "astm-e1036" the polynomial fits of ASTM E1036, which
            on steep curves are up to 1 mV and 0.005 in FF off.

    Returns:
        `Metrics`; what the curve does not hold is NaN. All are NaN in the dark, and of a curve that gives no power:
        zero volts in the dark are no open circuit. Points may count the current either way; the method says where it
        was turned round. Points that go there and back give the metrics of the sweep that came first, and those of
        both as "voc, reverse" and "voc, forward".

        Uncertainties of what was read from points hold their noise and their step (see `lab.curve_uncertainty`), those
        of solved points the mesh; the method says which part is in neither. `rs` and `rsh` are -dV/dJ at open circuit
        and at 0 V: apparent, as the first holds the diode's n kT/(q Jsc) and the second all that lets the photocurrent
        fall with the voltage.

    Raises:
        InputError: "solved" for a curve without solved points.
    """
    solved = points_of(dataset)
    if not simulated(dataset):
        ways = sweeps_of(dataset)
        if len(ways) > 1:
            found = {way: analyse(one, method) for way, one in ways.items()}
            first = next(iter(found))
            own = {
                name: one._replace(method=f"{one.method}; {first} sweep")
                for name, one in found[first].items()
            }
            each = {f"{name}, {way}": one for way, metrics in found.items() for name, one in metrics.items()}
            return Metrics({**own, **each})
    if method is None:
        method = "solved" if solved.keys() >= _SOLVED else "pchip"
    why = without_merit(dataset, solved)
    if why:
        names = {**_UNITS, "rs": "ohm m2", "rsh": "ohm m2"}
        return Metrics({name: Metric(np.nan, unit, why) for name, unit in names.items()})
    curve = _oriented(dataset)
    read = _solved(dataset, solved) if method == "solved" else _read(dataset, curve, solved, method)
    power_in = float(dataset.attrs.get("irradiance", 1000.0))
    values = dict(read.values)
    power = values["vmp"] * values["jmp"]
    both = values["voc"] * values["jsc"]
    values["ff"] = power / both if both > 0.0 else np.nan
    values["pce"] = power / power_in if power_in > 0.0 else np.nan
    spread = dict(read.spread)
    if "power" in spread and power_in > 0.0:
        spread["pce"] = spread.pop("power") / power_in
    made = {}
    for name, unit in _UNITS.items():
        known = spread.get(name, np.nan)
        uncertainty = float(known) if np.isfinite(known) and np.isfinite(values[name]) else None
        words = read.words[name]
        if uncertainty is not None and method != "solved" and name in _SYSTEMATIC:
            words += f"; {_SYSTEMATIC[name]}"
        made[name] = Metric(float(values[name]), unit, words, uncertainty)
    return Metrics({**made, **_resistances(curve, float(values["voc"]), _noise(dataset, curve))})


class _Curve(NamedTuple):
    """Points (K,) in V and A m^-2, by ascending voltage, power out positive, and what was turned round for that."""

    voltage: F64
    current: F64
    turned: str


class _Read(NamedTuple):
    """`voc`, `jsc`, `vmp` and `jmp` of a curve, how each figure was found, and what is known of its uncertainty."""

    values: Mapping[str, float]
    words: Mapping[str, str]
    spread: Mapping[str, float]


def _solved(dataset: xr.Dataset, solved: Mapping[str, tuple[float, float]]) -> _Read:
    """The points that a simulation solved for."""
    missing = _SOLVED - solved.keys()
    if missing:
        raise InputError(
            f"the curve holds no solved {', '.join(sorted(missing))}.",
            'Use method = "pchip", which works on any curve.',
        )
    vmp, jmp = solved["maximum-power"]
    voc, _ = solved.get("open-circuit", (np.nan, 0.0))
    values = {"voc": voc, "jsc": solved["short-circuit"][1], "vmp": vmp, "jmp": jmp}
    words = dict.fromkeys(_UNITS, "solved for")
    if "open-circuit" not in solved:
        words |= dict.fromkeys(("voc", "ff"), "none: rounding alone decides where its current is zero")
    return _Read(values, words, mesh_errors(dataset, values["jsc"]))


def mesh_errors(dataset: xr.Dataset, jsc: float) -> dict[str, float]:
    """By how much a finer mesh changes Voc (V) and Jsc (A m^-2) of a simulation, as far as its checks tell.

    Args:
        dataset: with the checks of a simulation. jsc: its short-circuit current density, A m^-2.
    """
    from perotwin.measurement import checks_of

    checks = checks_of(dataset)
    made = {}
    if _MESH_VOC in checks:
        made["voc"] = abs(checks[_MESH_VOC].value)
    if _MESH_JSC in checks and np.isfinite(jsc):
        made["jsc"] = abs(checks[_MESH_JSC].value * jsc)
    return {name: value for name, value in made.items() if np.isfinite(value)}


def _read(
    dataset: xr.Dataset, curve: _Curve, solved: Mapping[str, tuple[float, float]], method: Method
) -> _Read:
    """What a method reads from a curve's points."""
    from perotwin.lab import curve_uncertainty

    reader = curve_points.astm_e1036 if method == "astm-e1036" else curve_points.pchip
    jsc, voc, vmp, jmp = reader(curve.voltage, curve.current)
    name = "ASTM E1036" if method == "astm-e1036" else "monotone cubics"
    words = dict.fromkeys(_UNITS, f"{name}; {curve.turned}" if curve.turned else name)
    spread = {}
    size = _noise(dataset, curve)
    if np.isfinite([jsc, voc, vmp]).any():
        fits = method == "astm-e1036"
        top = None if fits else curve_uncertainty.top_in_noise(curve.voltage, curve.current, size)
        if top is not None:
            vmp, jmp = top.vmp, top.jmp
            for power in ("ff", "pce", "vmp", "jmp"):
                words[power] += (
                    f"; maximum of a polynomial through {int(top.points.sum())} points, for their noise"
                )
        spread = curve_uncertainty.spread(curve.voltage, curve.current, reader, size, fits=fits, top=top)
    if short_of_the_top(curve.voltage, curve.current):
        vmp = jmp = np.nan
        for power in ("ff", "pce", "vmp", "jmp"):
            words[power] += "; the curve ends before maximum power"
    if "short-circuit" in solved and method == "pchip" and not np.isfinite(jsc):
        jsc, words["jsc"] = solved["short-circuit"][1], "solved for"
        spread.pop("jsc", None)
    return _Read({"voc": voc, "jsc": jsc, "vmp": vmp, "jmp": jmp}, words, spread)


def _oriented(dataset: xr.Dataset) -> _Curve:
    """A curve by ascending voltage; one that somebody measured in this package's convention of the current."""
    voltage, current = _finite(dataset)
    order = np.argsort(voltage, kind="stable")
    voltage, current = voltage[order], current[order]
    if simulated(dataset):
        return _Curve(voltage, current, "")
    return _Curve(*curve_points.oriented(*curve_points.ascending(voltage, current)))


def _noise(dataset: xr.Dataset, curve: _Curve) -> float:
    """Noise of the current, A m^-2: none of what was computed."""
    from perotwin.lab import curve_uncertainty

    return 0.0 if simulated(dataset) else curve_uncertainty.noise(curve.voltage, curve.current)


def _resistances(curve: _Curve, voc: float, size: float) -> dict[str, Metric]:
    """The apparent resistances, ohm m^2."""
    from perotwin.lab import curve_uncertainty

    words = {
        "rs": "apparent: -dV/dJ at Voc, with the diode's n kT/(q Jsc) in it",
        "rsh": "apparent: -dV/dJ at 0 V, with a photocurrent that falls with the voltage in it",
    }
    found = curve_uncertainty.resistances(curve.voltage, curve.current, voc, size)
    made = {}
    for (name, said), one in zip(words.items(), found, strict=True):
        if np.isfinite(one.least):
            said = f"no slope is told from its noise: more than {1e4 * one.least:.3g} ohm cm^2"
        error = one.error if np.isfinite(one.error) else None
        made[name] = Metric(one.value, "ohm m2", said, error)
    return made


def without_merit(dataset: xr.Dataset, solved: Mapping[str, tuple[float, float]]) -> str:
    """Why a curve has no figures of merit, in words; empty where it has."""
    if float(dataset.attrs.get("light", 1.0)) == 0.0:
        return "none in the dark"
    voltage, current = _finite(dataset)
    if voltage.size and not simulated(dataset):
        order = np.argsort(voltage, kind="stable")
        voltage, current, _ = curve_points.oriented(voltage[order], current[order])
    points = np.array([*zip(voltage, current, strict=True), *solved.values()]).reshape(-1, 2)
    nothing = (
        simulated(dataset)
        and solved.keys() == {"short-circuit"}
        and _keeps_all(dataset, solved["short-circuit"][1])
    )
    leaves = "next to nothing of what light makes leaves the cell"
    ahead = points[points[:, 0] > 0.0]
    if ahead.size and not (ahead[:, 1] > 0.0).any():
        return f"none: the curve gives no power{f', and {leaves}' if nothing else ''}"
    return f"none: {leaves}, and its open circuit is not found" if nothing else ""


def _keeps_all(dataset: xr.Dataset, current: float) -> bool:
    """Whether a current (A m^-2) is not told from none of what light makes; its sign is rounding then."""
    from perotwin.transport.steady import NOTHING

    made = dataset.get("generation")
    if made is None:
        return False
    return abs(current) <= NOTHING * elementary_charge * float(made.fillna(0.0).integrate("x").max())


def _finite(dataset: xr.Dataset) -> tuple[F64, F64]:
    """Voltage (V) and current density (A m^-2) of the points that hold both, in their order."""
    voltage, current = (np.asarray(dataset[name], float) for name in ("voltage", "current_density"))
    keep = np.isfinite(voltage) & np.isfinite(current)
    return voltage[keep], current[keep]


def sweeps_of(dataset: xr.Dataset) -> dict[str, xr.Dataset]:
    """The sweeps of a curve that goes there and back, by direction in their order; {"": ...} of one that does not."""
    ways = curve_points.sweeps(*_finite(dataset))
    return {way: _alone(dataset, *points) for way, points in ways.items()}


def _alone(dataset: xr.Dataset, voltage: F64, current: F64) -> xr.Dataset:
    """Some points of a curve as a curve of their own, with what is said of the whole."""
    import xarray as xr

    from perotwin.measurement.dataset import indexed

    along = indexed("voltage", voltage)
    along.attrs.update(dataset["voltage"].attrs)
    return xr.Dataset(
        {"current_density": ("voltage", current, dataset["current_density"].attrs)},
        {"voltage": along},
        dataset.attrs,
    )


def short_of_the_top(voltage: F64, current: F64) -> bool:
    """Whether a curve (K,) gives power and ends, on either side, where that is largest: its maximum is not known."""
    good = np.flatnonzero(np.isfinite(current))
    if good.size == 0:
        return False
    order = good[np.argsort(voltage[good], kind="stable")]
    power = voltage[order] * current[order]
    best = int(np.argmax(power))
    return bool(power[best] > 0.0 and best in (0, power.size - 1))


def points_of(dataset: xr.Dataset) -> dict[str, tuple[float, float]]:
    """Solved points by name: voltage (V) and current density (A m^-2)."""
    if "point" not in dataset.coords or "solved_voltage" not in dataset:
        return {}
    names = [str(name) for name in dataset["point"].values]
    voltage, current = dataset["solved_voltage"].values, dataset["solved_current"].values
    return {
        name: (float(v), float(j))
        for name, v, j in zip(names, voltage, current, strict=True)
        if np.isfinite(v) and np.isfinite(j)
    }
