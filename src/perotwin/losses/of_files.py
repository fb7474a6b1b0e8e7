"""What measured curves tell of a cell's losses, as far as they do, and what is missing.

    found = losses_of_measured("my cell", jv=curve, eqe=spectrum, suns_voc=sweep)
    [one.words for one in found.missing]

The quantum efficiency gives the gap and the radiative limit, the curve what is delivered, open circuit under many
lights where fill factor is lost. What none of them tells apart stands as one step, with a sentence on what would.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from perotwin.constants import Boltzmann, e, elementary_charge, h
from perotwin.constants import c as speed
from perotwin.errors import InputError
from perotwin.files.jv_curves import LIGHT_NOT_STATED
from perotwin.losses.waterfall import Figures, Loss, Missing, Waterfall, closing, told
from perotwin.measurement.checks import Checks, check

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.measurement import Metrics
    from perotwin.stack import Light

__all__ = ["Conditions", "losses_of_measured"]

#: relative difference of the currents of curve and quantum efficiency that is said
_DIFFERS = 0.05
_NAN = math.nan


@dataclass(frozen=True)
class Conditions:
    """What a cell was measured in: its light, and its temperature (K); and whether a person said so."""

    light: Light
    temperature: float
    light_told: bool = True
    temperature_told: bool = True


@dataclass
class _Read:
    """What was read from the files."""

    where: Conditions
    curve: Metrics | None
    has_area: bool
    power: float
    sweep: Metrics | None
    spectra: dict[str, tuple[xr.Dataset, Metrics]]
    gaps: dict[str, float]
    kelvin_known: bool
    missing: list[Missing] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    checks: Checks = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Junctions in series."""
        return max(len(self.gaps), 1)

    def value(self, name: str) -> float:
        """A figure of the curve, or of open circuit under many lights; NaN where neither has it."""
        for found in (self.curve, self.sweep):
            if found is not None and name in found and math.isfinite(found[name].value):
                if name in ("jsc", "jmp", "pce") and found is self.curve and not self.has_area:
                    continue
                return abs(float(found[name]))
        return _NAN


def losses_of_measured(
    name: str,
    jv: xr.Dataset | None = None,
    eqe: xr.Dataset | None = None,
    suns_voc: xr.Dataset | None = None,
    *,
    where: Conditions | None = None,
    bandgap: float | None = None,
) -> Waterfall:
    """Losses of a measured cell, as far as its curves tell them.

    Args:
        name: of the cell.
        jv: a current-voltage curve in the light, `current_density` (A m^-2) or `current` over `voltage`.
        eqe: its quantum efficiency; of a tandem `eqe_top` and so on. With `reflectance` it tells what is reflected.
        suns_voc: open-circuit voltages under many lights, as `lab.suns_voc.analyse` takes them.
        where: light and temperature; AM1.5G as the curve's file says, and its temperature, unless given.
        bandgap: eV, where no quantum efficiency tells it.

    Returns:
        The steps that can be told. `missing` says in a sentence each what was not, and what would tell it.

    Raises:
        InputError: nothing was given, or a curve in the dark.
    """
    if jv is None and eqe is None and suns_voc is None:
        raise InputError("no measurement was given.", "Give --jv, --eqe or --suns-voc, or all of them.")
    read = _read(jv, eqe, suns_voc, where, bandgap)
    steps = [*_of_current(read), *_of_volts(read), *_of_fill_factor(read)]
    actual = Figures(read.value("voc"), read.value("jsc"), read.value("ff"), _NAN)
    actual = replace(actual, pce=actual.voc * actual.jsc * actual.ff / read.power)
    ideal = _ideal(read)
    losses = told(steps, ideal, actual)
    checks = {**read.checks, **closing(ideal, actual, losses)}
    notes = tuple(dict.fromkeys(read.notes))
    return Waterfall(
        name, read.gaps, ideal, actual, losses, checks, notes, tuple(read.missing), levels=None, exact=False
    )


# --- reading ---------------------------------------------------------------------------------------------------------


def _read(
    jv: xr.Dataset | None,
    eqe: xr.Dataset | None,
    suns_voc: xr.Dataset | None,
    where: Conditions | None,
    bandgap: float | None,
) -> _Read:
    from perotwin.lab import eqe as spectral
    from perotwin.lab import jv as curves
    from perotwin.lab import suns_voc as lights

    told_by = _conditions(jv, suns_voc) if where is None else where
    curve, has_area = None, False
    if jv is not None:
        if float(jv.attrs.get("light", 1.0)) == 0.0 and where is None:
            raise InputError("the curve was taken in the dark.", "Give the one in the light.", key="jv")
        has_area = "current_density" in jv
        whole = jv if has_area else _of_a_whole_device(jv)
        curve = curves.analyse(whole)
    sweep = None
    if suns_voc is not None:
        with_area = jv if jv is not None and "current_density" in jv else None
        sweep = lights.analyse(suns_voc, with_area)
    spectra: dict[str, tuple[xr.Dataset, Metrics]] = {}
    if eqe is not None:
        parts = {
            which: one.assign_attrs(temperature=told_by.temperature)
            for which, one in (spectral.junctions(eqe) or {"": eqe}).items()
        }
        spectra = {which: (one, spectral.analyse(one)) for which, one in parts.items()}
    gaps = {which: float(found["bandgap"]) for which, (_, found) in spectra.items()}
    if bandgap is not None and not gaps:
        gaps = {"": bandgap}
    stated = any("temperature" in one.attrs for one in (jv, suns_voc) if one is not None)
    known = stated or (where is not None and where.temperature_told)
    read = _Read(told_by, curve, has_area, _power(told_by.light), sweep, spectra, gaps, known)
    if (where is None or not where.light_told) and jv is not None:
        _ask_for_light(read, jv)
    _what_is_missing(read, jv, eqe)
    return read


def _conditions(jv: xr.Dataset | None, suns_voc: xr.Dataset | None) -> Conditions:
    """AM1.5G of as many suns as the files say, at the temperature that they say."""
    from perotwin.stack import Light

    attributes = [one.attrs for one in (jv, suns_voc) if one is not None]
    suns = next((float(one["light"]) for one in attributes if "light" in one), 1.0)
    kelvin = next((float(one["temperature"]) for one in attributes if "temperature" in one), 298.15)
    return Conditions(Light.model_validate({"intensity": f"{suns!r} sun"}), kelvin)


def _power(light: Light) -> float:
    """W m^-2 that arrive."""
    from perotwin.optics.incidence import arriving
    from perotwin.spectra import Monochromatic, chosen

    spectrum = chosen(light.spectrum)
    if isinstance(spectrum, Monochromatic):
        raise InputError(
            "light of one wavelength has no Shockley-Queisser limit.",
            "Give the curve under a sun.",
            key="light",
        )
    return float(light.intensity) * arriving(light) * spectrum.power


def _of_a_whole_device(jv: xr.Dataset) -> xr.Dataset:
    """A curve without an area as if it were of one: its voltages and its fill factor do not depend on it."""
    made = jv.assign(current_density=jv["current"] / 1e-4)
    made["current_density"].attrs["units"] = "A m-2"
    return made


def _ask_for_light(read: _Read, jv: xr.Dataset) -> None:
    if LIGHT_NOT_STATED in str(jv.attrs.get("notes", "")):
        read.notes.append(
            "the file does not state the light of the curve: it is taken for 100 mW/cm^2 of AM1.5G. Give --light where "
            "it was another."
        )


def _what_is_missing(read: _Read, jv: xr.Dataset | None, eqe: xr.Dataset | None) -> None:
    def say(of: str, words: str) -> None:
        read.missing.append(Missing(of, words))

    if not read.gaps:
        say(
            "voc",
            "the gap is not known, and with it no limit: a quantum efficiency (--eqe) tells it, or give --bandgap.",
        )
    if jv is None:
        say("pce", "no current-voltage curve (--jv): what is delivered, and so the efficiency, is not known.")
    elif not read.has_area:
        say("jsc", "the curve's file states no area, and so no current density: give --area.")
    if not read.kelvin_known:
        read.notes.append(
            f"at {read.where.temperature:g} K, where no file states a temperature: give --temperature. A kelvin moves "
            "the radiative limit by some 2 mV."
        )
    if eqe is None:
        say(
            "jsc",
            "no quantum efficiency (--eqe): what the current falls short of at which wavelength, and the radiative "
            "limit of the voltage, are not known.",
        )
    elif not any("reflectance" in one for one, _ in read.spectra.values()):
        say(
            "jsc",
            "reflection, parasitic absorption and collection are one step: the total reflectance of the cell beside "
            "its quantum efficiency parts off what is reflected; the layers' thicknesses (a cell's file) the rest.",
        )
    if read.gaps:
        say(
            "voc",
            "recombination in the bulk, at either face and at the contacts is one step: luminescence or lifetimes of "
            "the film and of half-stacks (perotwin pl, perotwin trpl) tell them apart.",
        )
    if read.sweep is None:
        say(
            "ff",
            "ideality, shunt, series resistance, transport and ions are one step: open-circuit voltages under many "
            "lights (--suns-voc) part ideality and shunt from the rest.",
        )
    else:
        say(
            "ff",
            "a shunt is not told from ideality, nor ions from both: a curve in the dark and one at another scan rate "
            "tell them.",
        )
        if "ff_series_loss" not in read.sweep:
            say(
                "ff",
                "series resistance is not told from transport in the layers: impedance at high frequency, or the sheet "
                "resistance of the electrodes, tells it.",
            )


# --- current ---------------------------------------------------------------------------------------------------------


def _step_currents(read: _Read) -> dict[str, float]:
    """Photons (A m^-2) above each gap that the one before leaves."""
    from perotwin.losses.voltages import step_current

    found, before = {}, math.inf
    for which, gap in read.gaps.items():
        found[which] = step_current(read.where, gap, before)
        before = gap
    return found


def _ideal(read: _Read) -> Figures:
    from perotwin.lab.fill_factor_losses import diode
    from perotwin.losses.voltages import step_voltage

    if not read.gaps or not all(math.isfinite(one) for one in read.gaps.values()):
        return Figures(_NAN, _NAN, _NAN, _NAN)
    volts, before = 0.0, math.inf
    for gap in read.gaps.values():
        volts += step_voltage(read.where, gap, before)
        before = gap
    current = sum(_step_currents(read).values()) / read.count
    ff = diode(volts, read.where.temperature, float(read.count))
    return Figures(volts, current, ff, volts * current * ff / read.power)


def _collected(read: _Read) -> dict[str, tuple[float, float, float]]:
    """Of each junction what it collects in its light above the last gap, below it, and what is reflected above it
    (A m^-2; NaN where it was not measured).
    """
    from perotwin.losses.photons import share_before
    from perotwin.optics.incidence import arriving
    from perotwin.spectra import Spectrum, chosen

    spectrum = chosen(read.where.light.spectrum)
    assert isinstance(spectrum, Spectrum)
    scale = float(read.where.light.intensity) * arriving(read.where.light) * elementary_charge
    edge = h * speed / (e * list(read.gaps.values())[-1])
    found = {}
    for which, (one, _) in read.spectra.items():
        order = np.argsort(one["wavelength"].values)
        wavelength = one["wavelength"].values[order]
        flux = scale * spectrum.weights(wavelength)
        value = one["eqe"].values[order]
        value = value / 100.0 if np.nanmax(value) > 1.5 else value
        above = flux * share_before(wavelength, edge)
        reflected = float(above @ one["reflectance"].values[order]) if "reflectance" in one else _NAN
        found[which] = float(np.nansum(above * value)), float(np.nansum((flux - above) * value)), reflected
    return found


def _of_current(read: _Read) -> Iterator[Loss]:
    jsc = read.value("jsc")
    if not read.gaps:
        return
    available = sum(_step_currents(read).values())
    if not read.spectra:
        if math.isfinite(jsc):
            yield Loss("jsc", "not converted", "light that makes no current", available / read.count - jsc)
        return
    found = _collected(read)
    above, below = (sum(one[n] for one in found.values()) for n in (0, 1))
    reflected = next((one[2] for one in found.values() if math.isfinite(one[2])), 0.0)
    if reflected:
        yield Loss("jsc", "reflection", "reflection", reflected / read.count)
        words = "absorbed in other layers or not collected"
    else:
        words = "reflected, absorbed in other layers or not collected"
    yield Loss("jsc", "not converted", words, (available - above - reflected) / read.count)
    yield Loss("jsc", "tail", "collected below the gap", -below / read.count)
    each = {which: one[0] + one[1] for which, one in found.items()}
    smallest = min(each.values())
    if len(each) > 1:
        mismatch = sum(each.values()) / read.count - smallest
        yield Loss("jsc", "mismatch", "unequal currents of the junctions", mismatch)
    if math.isfinite(jsc):
        differs = smallest - jsc
        yield Loss("jsc", "curve", "quantum efficiency against the curve", differs)
        if abs(differs) > _DIFFERS * jsc:
            read.notes.append(
                f"the quantum efficiency integrates to {0.1 * smallest:.2f} mA/cm^2 and the curve has {0.1 * jsc:.2f}: "
                "light, area or spot are not the same, and what is lost of the current is uncertain by as much."
            )


# --- volts -----------------------------------------------------------------------------------------------------------


def _of_volts(read: _Read) -> Iterator[Loss]:
    from perotwin.losses.voltages import step_voltage

    voc = read.value("voc")
    if not read.gaps or not math.isfinite(voc):
        return
    vt = Boltzmann * read.where.temperature / e
    limits, total, before = 0.0, 0.0, math.inf
    collected = _collected(read) if read.spectra else {}
    for which, gap in read.gaps.items():
        level = step_voltage(read.where, gap, before)
        before, total = gap, total + level
        found = read.spectra[which][1] if which in read.spectra else None
        lost = (
            float(found["radiative_saturation_current"])
            if found and "radiative_saturation_current" in found
            else _NAN
        )
        if which not in collected or not lost > 0.0:
            limits = _NAN
            continue
        limit = vt * math.log1p((collected[which][0] + collected[which][1]) / lost)
        limits += limit
        yield Loss("voc", "radiative limit", "light and edge: radiative limit", level - limit, which)
        assert found is not None
        read.notes.append(
            f"radiative limit{f' of the {which}' if which else ''}: {found['voc_radiative'].method}."
        )
    if math.isfinite(limits):
        above = check(max(voc - limits, 0.0), 2e-3)
        read.checks["open-circuit voltage above the radiative limit (V)"] = above
        if not above.passed:
            read.notes.append(
                f"the open-circuit voltage lies {1e3 * above.value:.0f} mV above what a cell of this quantum "
                "efficiency can give: the files are of different cells, or of a tandem and one of its junctions, or "
                "the light was brighter than is said. What is told of the voltage means nothing."
            )
        yield Loss("voc", "nonradiative", "recombination that is not radiative", limits - voc)
    else:
        yield Loss(
            "voc", "nonradiative", "radiative limit and recombination that is not radiative", total - voc
        )


# --- fill factor -----------------------------------------------------------------------------------------------------


def _of_fill_factor(read: _Read) -> Iterator[Loss]:
    from perotwin.lab.fill_factor_losses import diode

    voc, ff = read.value("voc"), read.value("ff")
    if not math.isfinite(ff):
        return
    limit = diode(voc, read.where.temperature, float(read.count))
    ideal = _ideal(read).ff
    if math.isfinite(ideal):
        yield Loss("ff", "lower voltage", "limit at a lower voltage", ideal - limit)
    pseudo = _NAN if read.sweep is None else float(read.sweep["pseudo_ff"])
    if not math.isfinite(pseudo):
        yield Loss("ff", "all", "ideality, shunt, resistances and transport", limit - ff)
        return
    yield Loss("ff", "ideality", "ideality and shunt", limit - pseudo)
    if read.sweep is not None and "ff_series_loss" in read.sweep:
        series = float(read.sweep["ff_series_loss"])
        yield Loss("ff", "series", "series resistance", series)
        yield Loss("ff", "transport", "transport in the layers", pseudo - series - ff)
    else:
        yield Loss("ff", "transport", "series resistance and transport", pseudo - ff)
