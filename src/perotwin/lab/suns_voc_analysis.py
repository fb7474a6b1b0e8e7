"""What is read from open-circuit voltages under many lights, whoever took them: arrays only.

    analyse(dataset, curve)["pseudo_ff"]

A dataset has `voltage` (point) and the light of each point: `intensity` (suns), or `current_density` (A m^-2) at short
circuit in that light, with `jsc` (A m^-2) of one sun among the attributes or in a current-voltage curve of the cell.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError
from perotwin.lab import fill_factor_losses as losses
from perotwin.lab.arguments import of_measurements
from perotwin.measurement import Metric, Metrics, simulated

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Drawn", "analyse", "pictured"]

F64 = NDArray[np.float64]

#: K, of a file that says nothing
_ROOM = 298.15
#: K between temperatures, and the widest that points of one lie apart
_GAP, _WIDEST = 2.0, 6.0
#: suns of its own light that the ideality is fitted over unless said; slack of its ends, as a part
_REGION, _SLACK = (0.1, 1.0), 1e-6
#: fewest points of a fitted line
_LINE = 3
#: an ideality so many times that of the main region is a leak's, and one below the second number no junction's
_LEAK, _LOW = 1.5, 0.9
#: what Green's formula itself is off by, at most
_GREEN = 1e-4
#: deviation of Jsc from being proportional to the light that is said, and rounding
_NOT_LINEAR, _SAME = 0.02, 1e-12
#: curves with more noise that are read, and the seed of that noise
_DRAWS, _SEED = 200, 21
#: part of the largest pseudo power from which on noisy points tell the top, how many at least, and the degree of their
#: polynomial in the logarithm of the light
_ABOUT, _MANY, _DEGREE = 0.95, 8, 3
#: factor about its own light within which noisy points tell the voltage there, and how many at least
_NEAR, _FEW = 3.0, 5
#: points may end below their own light by so much and the voltage there still be told, by the last slope
_SHORT = 0.5


@dataclass(frozen=True)
class _Sweep:
    """Open-circuit voltages at one temperature.

    Attributes:
        suns: (K,) parts of the cell's own light, ascending, each once. voltage: (K,) V. temperature: K.
        noise: of the voltages, V; 0 where there is none, NaN where it is not known.
        words: what the light was taken from, and what was left out.
    """

    suns: F64
    voltage: F64
    temperature: float
    noise: float
    words: str


class _Curve(NamedTuple):
    """What the cell's current-voltage curve tells; NaN and None where it is not known."""

    jsc: float
    ff: float
    vmp: float
    jmp: float
    ff_error: float | None
    series: float
    radiative: float
    junctions: int


@of_measurements("suns_voc")
def analyse(
    dataset: xr.Dataset, curve: xr.Dataset | None = None, *, region: tuple[float, float] = _REGION
) -> Metrics:
    """Ideality by region of light, pseudo fill factor, and where fill factor is lost.

    Args:
        dataset: a measurement with `voltage` (point) and `intensity` or `current_density` (point); `temperature`
            (point) in K where there are several. A current without that of one sun (`jsc`) is taken in parts of the
            brightest, which then stands for it. Attributes that are used where they are there: `light` (suns that
            the curve is of; 1), `temperature` (K), `jsc` (A m^-2), `ff`, `vmp`, `jmp`, `series_resistance` (ohm m^2),
            `voc_radiative` (V), `junctions` (in series; 1).
        curve: the current-voltage curve of the same cell in that light, as `lab.jv.analyse` takes it, for its Jsc and
            fill factor; unless the dataset has them.
        region: of light, as parts of the curve's own, over which the ideality is fitted that Green's formula is given.

    Returns:
        `voc` and `jsc`; `ideality` of the region and, as "ideality, 0.01 to 0.1 sun", of each decade below it and of
        what is above; `pseudo_ff`. With a fill factor `ff_nonradiative_loss` (radiative limit to pseudo) and
        `ff_transport_loss` (pseudo to actual), the latter in `ff_series_loss` and `ff_layer_loss` where the series
        resistance is known, and `transport_resistance`, what would make all of it at maximum power. The pseudo curve
        defines these losses; `fitted_ff` is Green's formula at the fitted ideality, which depends on the region, and
        `ff_transport_loss, fitted` what the loss would be with it. `jsc_nonlinearity` where light and current are both
        there. Of several temperatures all is at the one nearest to the cell's own, with "voc, 280 K" and "ideality,
        280 K" of each and `activation_energy`, the intercept of q Voc at 0 K.

    Raises:
        InputError: neither light nor current.
    """
    known = _curve(dataset, curve)
    sweeps = _sweeps(dataset, known.jsc)
    sweep = _at_home(dataset, sweeps)
    made = _of_one(sweep, known, region, own_light=float(dataset.attrs.get("light", 1.0)))
    made |= _linearity(dataset, known.jsc)
    if simulated(dataset):
        made |= _of_mesh(dataset, made)
    if len(sweeps) > 1:
        made |= _of_temperatures(sweeps, region)
    return Metrics(made)


# --- what a dataset holds ---------------------------------------------------------------------------------------------


def _curve(dataset: xr.Dataset, curve: xr.Dataset | None) -> _Curve:
    """What is known of the curve, from the attributes or from the curve itself."""
    told = {name: float(dataset.attrs.get(name, np.nan)) for name in ("jsc", "ff", "vmp", "jmp")}
    error = None
    if curve is not None:
        from perotwin.lab.jv_analysis import analyse as read

        found = read(curve)
        told = {name: float(found[name]) if np.isnan(value) else value for name, value in told.items()}
        if "ff" not in dataset.attrs:
            error = found["ff"].uncertainty
    return _Curve(
        told["jsc"], told["ff"], told["vmp"], told["jmp"], error,
        float(dataset.attrs.get("series_resistance", np.nan)), float(dataset.attrs.get("voc_radiative", np.nan)),
        int(dataset.attrs.get("junctions", 1)),
    )  # fmt: skip


def _column(dataset: xr.Dataset, name: str) -> F64 | None:
    if name not in dataset.variables:
        return None
    return np.asarray(dataset[name], float)


def _sweeps(dataset: xr.Dataset, jsc: float) -> list[_Sweep]:
    """The points by temperature, each in parts of the curve's own light."""
    voltage = np.asarray(dataset["voltage"], float)
    light, words = _light(dataset, jsc)
    column = _column(dataset, "temperature")
    own = float(dataset.attrs.get("temperature", _ROOM))
    temperature = np.full(voltage.size, own) if column is None else column
    if column is None and "temperature" not in dataset.attrs:
        words += f"; at {_ROOM} K, as none is given"
    good = np.isfinite(voltage) & np.isfinite(light) & (light > 0.0) & np.isfinite(temperature)
    if int((~good).sum()):
        words += f"; {int((~good).sum())} points without light or voltage left out"
    if not good.any():
        raise InputError("no point has both a voltage and a light above zero.", "Look at the columns.")
    found = []
    levels = np.full(voltage.size, -1)
    levels[good] = _levels(temperature[good])
    for level in range(int(levels.max()) + 1):
        here = levels == level
        found.append(_sorted(light[here], voltage[here], float(temperature[here].mean()), words))
    return [replace(one, noise=0.0) for one in found] if simulated(dataset) else found


def _of_mesh(dataset: xr.Dataset, made: dict[str, Metric]) -> dict[str, Metric]:
    """Voc and Jsc of a simulation with what a finer mesh changes in them as their uncertainty."""
    from perotwin.lab.jv_analysis import mesh_errors

    errors = mesh_errors(dataset, float(made["jsc"]) if "jsc" in made else np.nan)
    return {name: made[name]._replace(uncertainty=error) for name, error in errors.items() if name in made}


def _at_home(dataset: xr.Dataset, sweeps: list[_Sweep]) -> _Sweep:
    """The sweep at the cell's own temperature, or at room temperature where a file has several."""
    own = float(dataset.attrs.get("temperature", _ROOM))
    if len(sweeps) > 1 and not simulated(dataset):
        own = _ROOM
    return min(sweeps, key=lambda one: abs(one.temperature - own))


def _levels(temperature: F64) -> NDArray[np.int64]:
    """(K,) number of the temperature (K) that each point belongs to, ascending: what people call one scatters by a
    kelvin or so. Where no gaps part them, each kelvin is one.
    """
    order = np.argsort(temperature, kind="stable")
    apart = np.concatenate([[0], np.cumsum(np.diff(temperature[order]) > _GAP)])
    made = np.empty(temperature.size, dtype=np.int64)
    made[order] = apart
    if any(np.ptp(temperature[made == level]) > _WIDEST for level in range(int(apart[-1]) + 1)):
        made = np.unique(np.round(temperature), return_inverse=True)[1]
    return made


def _sorted(light: F64, voltage: F64, temperature: float, words: str) -> _Sweep:
    from perotwin.lab import curve_points, curve_uncertainty

    suns, mean = curve_points.ascending(light, voltage)
    noise = curve_uncertainty.noise(np.log(suns), mean)
    return _Sweep(suns, mean, temperature, noise, words)


def _light(dataset: xr.Dataset, jsc: float) -> tuple[F64, str]:
    """The light of each point in parts of the curve's own, and what it was taken from."""
    intensity, current = _column(dataset, "intensity"), _column(dataset, "current_density")
    own = float(dataset.attrs.get("light", 1.0))
    if simulated(dataset) and intensity is not None:
        return intensity / own, "light as it was set"
    if current is not None and np.isfinite(jsc) and jsc != 0.0:
        # filters change the spectrum, and a lamp's dial is no measurement: the cell's own current tells its light
        return np.abs(current) / abs(jsc) if (current <= 0.0).all() else current / abs(
            jsc
        ), "light by its Jsc"
    if intensity is not None:
        return (
            intensity / own,
            "light as the file has it: its filters' spectrum is taken for that of the curve",
        )
    if current is None:
        raise InputError(
            "the voltages stand without a light.",
            "Give intensity (suns) or current_density at short circuit over the same points.",
            key="intensity",
        )
    most = float(np.nanmax(np.abs(current), initial=0.0))
    if not most > 0.0:
        raise InputError("no point has a light above zero.", "Look at the columns.", key="current_density")
    words = "light by its Jsc, in parts of the brightest, as Jsc of one sun is not known"
    return np.abs(current) / most if (current <= 0.0).all() else current / most, words


# --- what is read of one sweep ----------------------------------------------------------------------------------------


def _of_one(sweep: _Sweep, known: _Curve, region: tuple[float, float], own_light: float) -> dict[str, Metric]:
    """All metrics of the sweep at the cell's own temperature."""
    voc, top, errors, how = _tops(sweep)
    made = {"voc": Metric(voc, "V", f"under the curve's own light; {sweep.words}", errors["voc"])}
    if np.isfinite(known.jsc):
        made["jsc"] = Metric(abs(known.jsc), "A m-2", "of the current-voltage curve")
    fitted = _line(sweep, *region)
    made["ideality"] = _ideality(sweep, fitted, region)
    made |= _regions(sweep, region, float(made["ideality"]), own_light)
    words = f"of the pseudo curve; {how}"
    made["pseudo_ff"] = Metric(top.ff, "1", words, errors["pseudo_ff"])
    made |= _split(sweep, known, made, (voc, top.ff, errors["pseudo_ff"]))
    return made


def _split(
    sweep: _Sweep, known: _Curve, made: dict[str, Metric], found: tuple[float, float, float | None]
) -> dict[str, Metric]:
    """Fill factors and losses; found: Voc (V), pseudo fill factor and its uncertainty."""
    voc, pseudo, error = found
    ideality = made["ideality"]
    temperature = sweep.temperature
    own = not np.isfinite(known.radiative)
    drop = known.series * abs(known.jsc)
    plain = losses.of_lights(
        sweep.suns, sweep.voltage, voc=voc, actual=known.ff, temperature=temperature,
        resistance_drop=drop if np.isfinite(drop) else None, radiative_voc=None if own else known.radiative,
        junctions=known.junctions,
    )  # fmt: skip
    radiative = plain.radiative
    limit = "at the cell's own Voc, as the limit's is not known" if own else "at Voc of the radiative limit"
    rows = {"radiative_ff": Metric(radiative, "1", f"Green's formula, ideality {known.junctions}, {limit}")}
    fitted = float(losses.green(voc, temperature, float(ideality))) if ideality.value > 0.0 else np.nan
    if np.isfinite(fitted):
        spread = None
        if ideality.uncertainty is not None:
            up = float(losses.green(voc, temperature, float(ideality) + ideality.uncertainty))
            spread = float(np.hypot(up - fitted, _GREEN))
        said = f"Green's formula at Voc and an ideality of {float(ideality):.3g}, {ideality.method.partition(';')[0]}"
        rows["fitted_ff"] = Metric(fitted, "1", f"{said}; not what defines the losses", spread)
    nonradiative = "radiative_ff - pseudo_ff"
    if not np.isfinite(known.ff):
        rows["ff_nonradiative_loss"] = Metric(radiative - pseudo, "1", nonradiative, error)
        return rows
    resistive = plain.resistive
    if resistive is not None:
        # of what the same cubics make of the pseudo curve, so that the method drops out
        resistive += pseudo - plain.pseudo
    lost = losses.split(losses.FillFactors(radiative, pseudo, known.ff, resistive))
    both = _together(error, known.ff_error)
    rows["ff"] = Metric(known.ff, "1", "of the current-voltage curve", known.ff_error)
    rows["ff_nonradiative_loss"] = Metric(lost.nonradiative, "1", nonradiative, error)
    rows["ff_transport_loss"] = Metric(lost.transport, "1", "pseudo_ff - ff: the definition", both)
    if np.isfinite(fitted):
        spread = _together(rows["fitted_ff"].uncertainty, known.ff_error)
        words = "fitted_ff - ff: by Green's formula; beside the definition, as it depends on the region of the fit"
        rows["ff_transport_loss, fitted"] = Metric(fitted - known.ff, "1", words, spread)
    if resistive is not None:
        rows["ff_series_loss"] = Metric(
            lost.series, "1", "what the series resistance outside the layers takes from the pseudo curve"
        )
        rows["ff_layer_loss"] = Metric(lost.layers, "1", "ff_transport_loss - ff_series_loss", both)
    rows |= _lumped(sweep, known)
    return rows


def _together(*errors: float | None) -> float | None:
    """Uncertainty of a difference; None where none of its parts is known."""
    parts = [one for one in errors if one is not None]
    return float(np.hypot.reduce(parts)) if parts else None


def _lumped(sweep: _Sweep, known: _Curve) -> dict[str, Metric]:
    """The resistance that lies between the pseudo curve and the curve at maximum power."""
    share = 1.0 - abs(known.jmp / known.jsc)
    inside = sweep.suns[0] <= share <= sweep.suns[-1]
    if not (inside and abs(known.jmp) > 0.0 and known.vmp > 0.0):
        return {}
    there = float(np.interp(np.log(share), np.log(sweep.suns), sweep.voltage))
    value = (there - known.vmp) / abs(known.jmp)
    words = f"voltage between the pseudo curve ({share:.2g} of the light) and the curve at maximum power, over Jmp"
    return {"transport_resistance": Metric(value, "ohm m2", words)}


def _line(sweep: _Sweep, low: float, high: float) -> tuple[float, float | None, int]:
    """Slope dVoc/dln(suns) (V) from `low` to `high`, its standard error, and how many points it is of."""
    here = (sweep.suns >= low * (1.0 - _SLACK)) & (sweep.suns <= high * (1.0 + _SLACK))
    count = int(here.sum())
    if count < _LINE:
        return np.nan, None, count
    logarithm = np.log(sweep.suns[here])
    terms = np.vander(logarithm - logarithm.mean(), 2)
    inverse = np.linalg.pinv(terms)
    fitted = inverse @ sweep.voltage[here]
    left = sweep.voltage[here] - terms @ fitted
    variance = float(left @ left) / (count - 2)
    return float(fitted[0]), float(np.sqrt(variance * (inverse[0] @ inverse[0]))), count


def _ideality(
    sweep: _Sweep, fitted: tuple[float, float | None, int], region: tuple[float, float], of: str = ""
) -> Metric:
    slope, error, count = fitted
    scale = losses.thermal_voltage(sweep.temperature)
    low, high = (f"{end:g}" for end in region)
    words = f"fitted from {low} to {high} of the light{of}, {count} points at {sweep.temperature:.5g} K"
    if np.isnan(slope):
        return Metric(np.nan, "1", f"{words}: too few")
    words += "; temperature (0.34 % a kelvin) not in the uncertainty"
    if slope / scale < _LOW:
        words += "; less than one: the light's spectrum or the temperature changes along the sweep"
    return Metric(slope / scale, "1", words, None if error is None else error / scale)


def _regions(sweep: _Sweep, region: tuple[float, float], main: float, own_light: float) -> dict[str, Metric]:
    """Idealities of the decades below the main region, and of what is above it."""
    made = {}
    spans = []
    low = region[0]
    while sweep.suns[0] < low * (1.0 - _SLACK):
        spans.append((low / 10.0, low))
        low /= 10.0
    if sweep.suns[-1] > region[1] * (1.0 + _SLACK):
        spans.append((region[1], float(sweep.suns[-1])))
    for span in spans:
        fitted = _line(sweep, *span)
        if np.isnan(fitted[0]):
            continue
        one = _ideality(sweep, fitted, span)
        if span[0] < region[0] and one.value > _LEAK * main:
            one = one._replace(
                method=f"{one.method}; no ideality: a shunt or a leak carries the current there"
            )
        first, last = (f"{end * own_light:.3g}" for end in span)
        made[f"ideality, {first} to {last} sun"] = one
    return made


# --- voltage under its own light, and the pseudo curve ---------------------------------------------------------------


def _tops(sweep: _Sweep) -> tuple[float, losses.Pseudo, dict[str, float | None], str]:
    """Voc (V), the top of the pseudo curve, the uncertainty of both by name, and how it was found."""
    logarithm, voltage = np.log(sweep.suns), sweep.voltage
    window = _window(sweep)
    voc = float(_at_own(sweep, voltage[:, None])[0])
    plain = losses.pseudo_top(sweep.suns, voltage, voc)
    how = "monotone cubics in the logarithm of the light"
    top = plain
    if window is not None:
        looks, powers, volts = _smooth(logarithm[window], voltage[window, None])
        best = int(np.argmax(powers[:, 0]))
        top = losses.Pseudo(float(powers[best, 0]) / voc, float(volts[best, 0]), float(np.exp(looks[best])))
        how = f"a polynomial through {int(window.sum())} points about maximum power, for their noise"
    if sweep.suns[-1] < 1.0 - _SLACK:
        how += f"; Voc is extrapolated from {sweep.suns[-1]:.2g} of the light"
    errors: dict[str, float | None] = {"voc": None, "pseudo_ff": None}
    halves = _of_halves(sweep, voc, plain.ff) if window is None else (0.0, 0.0)
    random = (0.0, 0.0)
    if sweep.noise > 0.0:
        random = _of_noise(sweep, window, voc, top.ff)
    for name, step, chance in zip(errors, halves, random, strict=True):
        both = float(np.hypot(step, chance))
        errors[name] = both if np.isfinite(both) and both > 0.0 else None
    if np.isnan(sweep.noise):
        how += "; too few points to tell their noise"
    return voc, top, errors, how


def _window(sweep: _Sweep) -> NDArray[np.bool_] | None:
    """Points that tell the top of a noisy pseudo curve; None where cubics through all do."""
    if not sweep.noise > 0.0:
        return None
    power = sweep.voltage * (1.0 - sweep.suns)
    best = int(np.argmax(power))
    about = power >= _ABOUT * power[best]
    about &= np.cumsum(~about) == np.cumsum(~about)[best]
    if int(about.sum()) < _MANY or best in (0, power.size - 1):
        return None
    logarithm = np.log(sweep.suns[about])
    terms = np.vander(logarithm - logarithm.mean(), _DEGREE + 1)
    left = sweep.voltage[about] - terms @ (np.linalg.pinv(terms) @ sweep.voltage[about])
    # where the polynomial misses more than the noise, the cubics follow the points
    return about if float(np.sqrt(np.mean(left**2))) <= 2.0 * sweep.noise else None


def _smooth(logarithm: F64, voltage: F64) -> tuple[F64, F64, F64]:
    """Logarithms (L,) of light, pseudo powers and voltages (L, N) by a polynomial through (P, N) voltages."""
    middle, half = 0.5 * (logarithm[0] + logarithm[-1]), 0.5 * (logarithm[-1] - logarithm[0])
    terms = np.vander((logarithm - middle) / half, _DEGREE + 1)
    share = np.linspace(-1.0, 1.0, 400)
    looks = middle + half * share
    volts = np.vander(share, _DEGREE + 1) @ (np.linalg.pinv(terms) @ voltage)
    return looks, -np.expm1(looks)[:, None] * volts, volts


def _at_own(sweep: _Sweep, voltage: F64) -> F64:
    """(N,) voltages under the curve's own light, of (K, N) at the sweep's lights."""
    logarithm = np.log(sweep.suns)
    if sweep.noise > 0.0:
        near = np.abs(logarithm) <= np.log(_NEAR)
        if int(near.sum()) >= _FEW and (sweep.suns[near] > 1.0).any() and (sweep.suns[near] < 1.0).any():
            return np.asarray((np.linalg.pinv(np.vander(logarithm[near], 3)) @ voltage[near])[-1])
    if sweep.suns[-1] < _SHORT or sweep.suns[0] > 1.0 + _SLACK or sweep.suns.size < 2:
        return np.full(voltage.shape[1], np.nan)
    place = int(np.clip(np.searchsorted(logarithm, 0.0), 1, logarithm.size - 1))
    share = (0.0 - logarithm[place - 1]) / (logarithm[place] - logarithm[place - 1])
    return np.asarray(voltage[place - 1] + share * (voltage[place] - voltage[place - 1]))


def _of_halves(sweep: _Sweep, voc: float, ff: float) -> tuple[float, float]:
    """What the step between lights does to both: every second point, with the cell's own light in either half."""
    found = []
    for first in (0, 1):
        kept = np.zeros(sweep.suns.size, dtype=bool)
        kept[first::2] = True
        kept |= np.abs(sweep.suns - 1.0) < 1e-9
        half = replace(sweep, suns=sweep.suns[kept], voltage=sweep.voltage[kept], noise=0.0)
        own = float(_at_own(half, half.voltage[:, None])[0])
        found.append((own - voc, losses.pseudo_top(half.suns, half.voltage, own).ff - ff))
    off = np.abs(np.array(found))
    # cubics and lines that miss by a step of second order miss four times as much at twice the step
    return float(off[:, 0].max()) / 3.0, float(off[:, 1].max()) / 3.0


def _of_noise(sweep: _Sweep, window: NDArray[np.bool_] | None, voc: float, ff: float) -> tuple[float, float]:
    """What the noise does to both: the same reading of curves with as much noise again."""
    from scipy.interpolate import PchipInterpolator

    normal = np.random.default_rng(_SEED).standard_normal((sweep.suns.size, _DRAWS))
    normal -= normal.mean(axis=1, keepdims=True)
    drawn = sweep.voltage[:, None] + sweep.noise * normal / normal.std(axis=1, keepdims=True)
    logarithm = np.log(sweep.suns)
    opened = _at_own(sweep, drawn)
    if window is not None:
        powers = _smooth(logarithm[window], drawn[window])[1]
    else:
        looks = np.linspace(logarithm[0], min(logarithm[-1], 0.0), 20 * sweep.suns.size)
        powers = -np.expm1(looks)[:, None] * PchipInterpolator(logarithm, drawn)(looks)
    each = powers.max(axis=0) / opened
    return float(np.sqrt(np.mean((opened - voc) ** 2))), float(np.sqrt(np.mean((each - ff) ** 2)))


# --- light and temperature --------------------------------------------------------------------------------------------


def _linearity(dataset: xr.Dataset, jsc: float) -> dict[str, Metric]:
    """How far the short-circuit current is from being proportional to the light."""
    intensity, current = _column(dataset, "intensity"), _column(dataset, "current_density")
    if intensity is None or current is None or not np.isfinite(jsc) or jsc == 0.0:
        return {}
    suns = intensity / float(dataset.attrs.get("light", 1.0))
    good = np.isfinite(suns) & np.isfinite(current) & (suns > 0.0)
    if "temperature" in dataset.variables and "temperature" in dataset.attrs:
        # the current changes with the temperature as well
        good &= np.abs(np.asarray(dataset["temperature"], float) - float(dataset.attrs["temperature"])) < 1.0
    if not good.any():
        return {}
    off = float(np.max(np.abs(np.abs(current[good] / jsc) / suns[good] - 1.0)))
    if off < _SAME:
        # the light was told by the current, which tells nothing of itself
        return {}
    words = "largest difference of Jsc over light from that under the curve's own light"
    if off > _NOT_LINEAR:
        words += "; the pseudo curve takes it for proportional"
    return {"jsc_nonlinearity": Metric(off, "1", words)}


def _of_temperatures(sweeps: list[_Sweep], region: tuple[float, float]) -> dict[str, Metric]:
    """Voc and ideality of each temperature, and the energy that q Voc goes to at 0 K."""
    made, points = {}, []
    for one in sweeps:
        voc, _, errors, _ = _tops(one)
        name = f"{one.temperature:.5g} K"
        made[f"voc, {name}"] = Metric(voc, "V", "under the curve's own light", errors["voc"])
        made[f"ideality, {name}"] = _ideality(one, _line(one, *region), region)
        points.append((one.temperature, voc))
    temperature, voltage = np.array(points)[np.isfinite(np.array(points)).all(axis=1)].T
    if temperature.size < 2:
        return made
    terms = np.vander(temperature, 2)
    inverse = np.linalg.pinv(terms)
    fitted = inverse @ voltage
    error = None
    if temperature.size > 2:
        left = voltage - terms @ fitted
        error = float(np.sqrt(left @ left / (temperature.size - 2) * (inverse[1] @ inverse[1])))
    words = f"q Voc of a line through {temperature.size} temperatures at 0 K"
    made["activation_energy"] = Metric(float(fitted[1]), "eV", words, error)
    return made


# --- for figures ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Drawn:
    """What a figure shows of a dataset.

    Attributes:
        suns: (K,) of the cell's own light. voltage: (K,) V. line: (2,) suns and (2,) V of the fitted region.
        pseudo: (M,) V and (M,) current in parts of Jsc. top: V and part of Jsc at the pseudo curve's maximum power.
        metrics: of the dataset.
    """

    suns: F64
    voltage: F64
    line: tuple[F64, F64]
    pseudo: tuple[F64, F64]
    top: tuple[float, float]
    metrics: Metrics


def pictured(dataset: xr.Dataset, region: tuple[float, float] = _REGION) -> Drawn:
    """What a figure shows of a dataset, at the temperature nearest to the cell's own."""
    known = _curve(dataset, None)
    sweep = _at_home(dataset, _sweeps(dataset, known.jsc))
    voc, top, _, _ = _tops(sweep)
    slope, _, _ = _line(sweep, *region)
    here = (sweep.suns >= region[0] * (1.0 - _SLACK)) & (sweep.suns <= region[1] * (1.0 + _SLACK))
    ends = np.array(region)
    middle = float(np.log(sweep.suns[here]).mean()) if here.any() else np.nan
    level = float(sweep.voltage[here].mean()) if here.any() else np.nan
    line = ends, level + slope * (np.log(ends) - middle)
    below = sweep.suns < 1.0
    volts = np.append(sweep.voltage[below], voc)
    share = np.append(1.0 - sweep.suns[below], 0.0)
    return Drawn(
        sweep.suns, sweep.voltage, line, (volts, share), (top.voltage, 1.0 - top.suns), analyse(dataset)
    )
