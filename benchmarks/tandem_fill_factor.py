"""What the paper's single junctions say of the fill factor of its tandems, whatever their reference loses it by.

    python benchmarks/tandem_fill_factor.py        # some ten seconds

The curve of the target is given the reference's open-circuit voltage and fill factor by one law after the other: a
current beside the cell that follows a power of the voltage or a diode, or a voltage in series that follows a power of
the current. How much of it there is, and how much recombination of ideality one takes the rest of the voltage, is told
by the single junction alone. Then the same law sits at the top of the tandem, and the bottom is as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.optimize import brentq

import perotwin as pt
from perotwin.constants import Boltzmann, elementary_charge
from perotwin.lab import junctions, jv
from perotwin.paper import claims
from perotwin.study.merit import merit
from perotwin.units import parse

if TYPE_CHECKING:
    import xarray as xr

Law = Callable[[np.ndarray], np.ndarray]

#: kT/q, V
THERMAL = Boltzmann * 298.15 / elementary_charge
#: what the bottom cell makes, over what the library's does
BOTTOM = (0.95, 1.0, 1.05)


def power(exponent: float, unit: float) -> Law:
    """A law that follows a power of a voltage or current; one at the unit."""
    return lambda x: np.sign(x) * np.abs(x / unit) ** exponent


def diode(ideality: float) -> Law:
    """A diode's current over what it is at 1.2 V."""
    return lambda v: np.expm1(v / (ideality * THERMAL)) / np.expm1(1.2 / (ideality * THERMAL))


#: losses by what they are: A/m^2 beside the cell at a voltage, V in series at a current, for a size of one each, and
#: the share of the lost fill factor that is lost in series; None is the share of the paper's own split
LOSSES: dict[str, tuple[Law | None, Law | None, float | None]] = {
    "beside it, as the voltage (a resistor)": (power(1.0, 1.0), None, 0.0),
    "beside it, as its square": (power(2.0, 1.0), None, 0.0),
    "beside it, as its fourth power": (power(4.0, 1.0), None, 0.0),
    "beside it, as its eighth power": (power(8.0, 1.0), None, 0.0),
    "beside it, a diode of ideality 4": (diode(4.0), None, 0.0),
    "beside it, a diode of ideality 2": (diode(2.0), None, 0.0),
    "in series, as the square root of the current": (None, power(0.5, 150.0), 1.0),
    "in series, as the current (a resistor)": (None, power(1.0, 150.0), 1.0),
    "in series, as its square": (None, power(2.0, 150.0), 1.0),
    "by the paper's split, two resistors": (power(1.0, 1.0), power(1.0, 150.0), None),
    "by the paper's split, a diode of 3 and a resistor": (diode(3.0), power(1.0, 150.0), None),
    "by the paper's split, a diode of 2 and a resistor": (diode(2.0), power(1.0, 150.0), None),
}


class Loss(NamedTuple):
    """What a cell loses: A/m^2 of photocurrent, of recombination of ideality one (at 1.2 V), and two laws' sizes."""

    photocurrent: float
    recombination: float = 0.0
    beside: Law | None = None
    series: Law | None = None
    size: float = 0.0
    resistance: float = 0.0


class Curve(NamedTuple):
    """(K,) V, rising, and A/m^2, falling."""

    voltage: np.ndarray
    current: np.ndarray

    def at(self, currents: np.ndarray) -> np.ndarray:
        """(M,) V at which it carries these; beyond its ends not a number."""
        return np.interp(currents, self.current[::-1], self.voltage[::-1], left=np.nan, right=np.nan)

    def merit(self) -> tuple[float, float]:
        """Open-circuit voltage (V) and fill factor."""
        voc = float(self.at(np.zeros(1))[0])
        jsc = float(np.interp(0.0, self.voltage, self.current))
        return voc, float((self.voltage * self.current).max()) / (voc * jsc)

    @property
    def jsc(self) -> float:
        """Short-circuit current, A/m^2."""
        return float(np.interp(0.0, self.voltage, self.current))

    def less(self, loss: Loss) -> Curve:
        """The curve with a loss."""
        current = self.current - loss.photocurrent - loss.recombination * diode(1.0)(self.voltage)
        if loss.beside is not None:
            current = current - loss.size * loss.beside(self.voltage)
        drop = 0.0 if loss.series is None else loss.resistance * loss.series(current)
        return Curve(self.voltage - drop, current)


def fine(voltage: np.ndarray, current: np.ndarray) -> Curve:
    """A curve on many points, from -0.8 V on along its slope at the first point."""
    kept = np.isfinite(current)
    voltage, current = voltage[kept], current[kept]
    through = PchipInterpolator(voltage, current)
    slope = float(through.derivative()(voltage[0]))
    before = np.arange(-0.8, voltage[0], 5e-4)
    after = np.arange(voltage[0], voltage[-1], 2e-4)
    return Curve(
        np.concatenate([before, after]),
        np.concatenate([current[0] + slope * (before - voltage[0]), through(after)]),
    )


def of_tandem(top: Curve, bottom: Curve, between: float) -> float:
    """Fill factor of two junctions in series with so many ohm m^2."""
    currents = np.linspace(-20.0, 200.0, 40001)
    voltage = top.at(currents) + bottom.at(currents) - between * currents
    kept = np.isfinite(voltage)
    return Curve(voltage[kept][::-1], currents[kept][::-1]).merit()[1]


def sized(cell: Curve, loss: Loss, what: str, most: float, voc: float, ff: float) -> Loss | None:
    """The loss with the size of one of its laws, and with recombination, at which a cell has these; None where it never
    has: its voltage falls below before.
    """

    def at(size: float) -> tuple[Loss, float, float]:
        """The loss of a size with recombination for the voltage, and both figures with it."""
        tried = loss._replace(**{what: size}, recombination=0.0)
        if cell.less(tried).merit()[0] > voc:

            def over(recombination: float) -> float:
                return cell.less(tried._replace(recombination=recombination)).merit()[0] - voc

            tried = tried._replace(recombination=float(brentq(over, 0.0, 100.0, xtol=1e-9)))
        return tried, *cell.less(tried).merit()

    if at(most)[2] > ff:
        return None
    found, voltage, _ = at(float(brentq(lambda size: at(size)[2] - ff, 0.0, most, xtol=1e-9)))
    return found if abs(voltage - voc) < 1e-4 else None


def stated(name: str) -> float:
    """What the paper states of its single junctions, SI."""
    value = claims.find(f"wide_bandgap.{name}").value
    assert value is not None
    return float(value)


def own_curve(measured: xr.Dataset) -> Curve:
    """A measured curve on many points."""
    return fine(measured["voltage"].values, measured["current_density"].values)


def main() -> None:
    """Fit each loss to the single junction, and print what the tandem loses by it."""
    tandem = pt.load("tandem-target")
    protocol = jv.Protocol(step=parse("5 mV", "voltage"))
    whole = jv.measure(tandem, protocol)
    own = {name: own_curve(one) for name, one in junctions.curves(whole).items()}
    single = own_curve(jv.measure(pt.load("wbg-target"), protocol))
    current = float(whole["solved_current"].sel(point="maximum-power"))
    between = junctions.at(whole)[junctions.BETWEEN] / current
    parts = of_tandem(own["top"], own["bottom"], between)
    print(f"tandem-target: {parts:.2%} from the curves of its parts, {merit(tandem).ff:.2%} solved")

    voc = single.merit()[0] - stated("electroluminescence.voc_gain_from_jv")
    gap = stated("jv.derived.ff_target") - stated("jv.derived.ff_control")
    ratio = stated("eqe.jsc_control") / stated("eqe.jsc_target")
    transport, other = (
        stated(f"fill_factor_loss.{name}_control") - stated(f"fill_factor_loss.{name}_target")
        for name in ("transport", "nonradiative")
    )
    split = transport / (transport + other)
    print(
        f"reference: {voc:.3f} V, {100 * gap:.1f} points less, {ratio:.3f} of the current; {split:.0%} in series"
    )
    shares = ", ".join(f"{share:.0%}" for share in BOTTOM)
    print(
        f"{'what the reference loses that by':52s} points of the tandem, with {shares} of the bottom's current"
    )
    for words, (beside, series, share) in LOSSES.items():
        in_series = split if share is None else share
        loss: Loss | None = Loss((1.0 - ratio) * single.jsc, beside=beside, series=series)
        ff = single.merit()[1]
        if loss is not None and series is not None:
            loss = sized(single, loss, "resistance", 0.5, voc, ff - in_series * gap)
        if loss is not None and beside is not None:
            loss = sized(single, loss, "size", 60.0, voc, ff - gap)
        if loss is None:
            print(f"{words:52s} gives no such single junction")
            continue
        top = own["top"].less(loss._replace(photocurrent=(1.0 - ratio) * own["top"].jsc))
        gains = []
        for less in BOTTOM:
            bottom = own["bottom"].less(Loss((1.0 - less) * own["bottom"].jsc))
            gains.append(of_tandem(own["top"], bottom, between) - of_tandem(top, bottom, between))
        print(f"{words:52s} {', '.join(f'{100 * gain:.1f}' for gain in gains)}")


if __name__ == "__main__":
    main()
