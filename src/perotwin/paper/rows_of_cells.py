"""What the twin says of single junctions and of batches of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from perotwin.paper.found import Found, Rows

if TYPE_CHECKING:
    from perotwin.paper.bench import Bench

__all__ = ["ROWS", "champion", "of_group"]

ROWS = Rows()
_JV, _CELL = "wide_bandgap.jv", "wide_bandgap"
_CONDITIONS = ("control", "target")
#: of the command that scans
_SCAN = "--scan reverse,forward --rate '100 mV/s'"


def _reverse(bench: Bench, condition: str, name: str) -> float:
    return float(bench.scan(condition)["reverse"][name])


def _at(bench: Bench) -> str:
    return f"reverse scan at {1e3 * bench.scan_rate:.3g} mV/s"


@ROWS.answers(f"{_JV}.control.pce", "cell", f"perotwin jv wbg-control {_SCAN}")
def efficiency_of_the_reference(bench: Bench) -> Found:
    """Simulated reverse scan of the reference cell."""
    return Found(_reverse(bench, "control", "pce"), _at(bench))


@ROWS.answers(f"{_JV}.target.pce", "cell", f"perotwin jv wbg-target {_SCAN}")
def efficiency_of_the_target(bench: Bench) -> Found:
    """Simulated reverse scan of the target cell."""
    return Found(_reverse(bench, "target", "pce"), _at(bench))


@ROWS.answers(f"{_JV}.control.voc_deficit", "cell", f"perotwin jv wbg-control {_SCAN}")
def deficit_of_the_reference(bench: Bench) -> Found:
    """Stated bandgap over q less the voltage at which the simulated reverse scan passes zero."""
    gap = float(bench.singles["control"].absorbers[0].gap)
    return Found(gap - _reverse(bench, "control", "voc"), _at(bench))


@ROWS.answers(f"{_JV}.target.voc", "cell", f"perotwin jv wbg-target {_SCAN}")
def voltage_of_the_target(bench: Bench) -> Found:
    """Voltage at which the simulated reverse scan passes zero."""
    return Found(_reverse(bench, "target", "voc"), _at(bench))


@ROWS.answers(f"{_JV}.derived.ff_control", "cell", f"perotwin jv wbg-control {_SCAN}")
def fill_factor_of_the_reference(bench: Bench) -> Found:
    """Simulated reverse scan of the reference cell."""
    return Found(_reverse(bench, "control", "ff"), _at(bench))


@ROWS.answers(f"{_JV}.derived.ff_target", "cell", f"perotwin jv wbg-target {_SCAN}")
def fill_factor_of_the_target(bench: Bench) -> Found:
    """Simulated reverse scan of the target cell."""
    return Found(_reverse(bench, "target", "ff"), _at(bench))


def _index(bench: Bench, condition: str) -> Found:
    loop = bench.scan(condition)["loop"]["hysteresis_index"]
    return Found(
        float(loop.value), f"(PCE reverse - PCE forward) / PCE reverse at {1e3 * bench.scan_rate:.3g} mV/s"
    )


@ROWS.answers(f"{_JV}.control.hysteresis", "cell", f"perotwin jv wbg-control {_SCAN}")
def hysteresis_of_the_reference(bench: Bench) -> Found:
    """Index of both simulated scans of the reference cell."""
    return _index(bench, "control")


@ROWS.answers(f"{_JV}.target.hysteresis", "cell", f"perotwin jv wbg-target {_SCAN}")
def hysteresis_of_the_target(bench: Bench) -> Found:
    """Size of the index of both simulated scans of the target cell."""
    found = _index(bench, "target")
    return Found(abs(found.value), f"size of {found.words}")


@ROWS.answers(f"{_JV}.target.stabilised_power", "cell", "perotwin mppt wbg-target --interval '5 s'")
def stabilised_power(bench: Bench) -> Found:
    """Mean power at the end of ten simulated minutes of power tracking, over that of the light."""
    return Found(
        float(bench.of("mppt", "target")["stabilised_pce"]),
        "ten minutes of power tracking, perturbed every 5 s",
    )


@ROWS.answers(f"{_CELL}.eqe.jsc_control", "cell", "perotwin eqe wbg-control")
def photocurrent_of_the_reference(bench: Bench) -> Found:
    """Simulated quantum efficiency over AM1.5G."""
    return Found(float(bench.of("eqe", "control")["jsc_integrated"]), "ions settled at short circuit")


@ROWS.answers(f"{_CELL}.eqe.jsc_target", "cell", "perotwin eqe wbg-target")
def photocurrent_of_the_target(bench: Bench) -> Found:
    """Simulated quantum efficiency over AM1.5G."""
    return Found(float(bench.of("eqe", "target")["jsc_integrated"]), "ions settled at short circuit")


def _loss(bench: Bench, condition: str, name: str) -> Found:
    return Found(float(bench.of("suns_voc", condition)[name]), "steady Suns-Voc against the steady J-V curve")


@ROWS.answers(f"{_CELL}.fill_factor_loss.transport_control", "cell", "perotwin suns-voc wbg-control")
def transport_loss_of_the_reference(bench: Bench) -> Found:
    """Fill factor between the pseudo curve of simulated Suns-Voc and the J-V curve."""
    return _loss(bench, "control", "ff_transport_loss")


@ROWS.answers(f"{_CELL}.fill_factor_loss.transport_target", "cell", "perotwin suns-voc wbg-target")
def transport_loss_of_the_target(bench: Bench) -> Found:
    """Fill factor between the pseudo curve of simulated Suns-Voc and the J-V curve."""
    return _loss(bench, "target", "ff_transport_loss")


@ROWS.answers(f"{_CELL}.fill_factor_loss.nonradiative_control", "cell", "perotwin suns-voc wbg-control")
def recombination_loss_of_the_reference(bench: Bench) -> Found:
    """Fill factor between the radiative limit and the pseudo curve of simulated Suns-Voc."""
    return _loss(bench, "control", "ff_nonradiative_loss")


@ROWS.answers(f"{_CELL}.fill_factor_loss.nonradiative_target", "cell", "perotwin suns-voc wbg-target")
def recombination_loss_of_the_target(bench: Bench) -> Found:
    """Fill factor between the radiative limit and the pseudo curve of simulated Suns-Voc."""
    return _loss(bench, "target", "ff_nonradiative_loss")


@ROWS.answers(f"{_CELL}.electroluminescence.voc_gain_from_el", "cell", "perotwin el wbg-control wbg-target")
def gain_by_electroluminescence(bench: Bench) -> Found:
    """kT/q times the logarithm of the simulated yields of electroluminescence, target over reference."""
    high, low = (float(bench.of("el", one)["elqy"]) for one in ("target", "control"))
    kt = 8.617333262e-5 * float(bench.singles["target"].temperature)
    return Found(kt * float(np.log(high / low)), "yields at the current that the photocurrent is")


@ROWS.answers(
    f"{_CELL}.electroluminescence.voc_gain_from_jv", "cell", f"perotwin jv wbg-control wbg-target {_SCAN}"
)
def gain_by_curves(bench: Bench) -> Found:
    """Voltages of the simulated reverse scans, target less reference."""
    return Found(_reverse(bench, "target", "voc") - _reverse(bench, "control", "voc"), _at(bench))


@ROWS.answers(f"{_CELL}.film.tpc", "cell", "perotwin tpc wbg-control wbg-target")
def photocurrent_decays(bench: Bench) -> Found:
    """Time in which half of the charge has left after a simulated pulse, target less reference."""
    target, control = (float(bench.of("tpc", one)["extraction_time"]) for one in ("target", "control"))
    return Found(target - control, f"{1e9 * target:.3g} ns against {1e9 * control:.3g} ns")


@ROWS.answers(f"{_CELL}.film.tpv", "cell", "perotwin tpv wbg-control wbg-target")
def photovoltage_decays(bench: Bench) -> Found:
    """Lifetime of the photovoltage after a simulated pulse at open circuit, target less reference."""
    target, control = (float(bench.of("tpv", one)["lifetime"]) for one in ("target", "control"))
    return Found(target - control, f"{1e9 * target:.3g} ns against {1e9 * control:.3g} ns")


# --- batches ------------------------------------------------------------


def of_group(bench: Bench, kind: str, condition: str, name: str) -> np.ndarray:
    """(N,) a figure of merit of all devices of a virtual batch that could be solved."""
    made = bench.batch(kind)
    cells = bench.singles if kind == "singles" else bench.tandems
    here = np.asarray(made["group"].values) == cells[condition].name
    values = np.asarray(made[name].values, dtype=float)[here]
    return values[np.isfinite(np.asarray(made["pce"].values, dtype=float)[here])]


def champion(bench: Bench, kind: str, condition: str, name: str) -> float:
    """The figure of merit of the device of the highest efficiency in a virtual batch."""
    return float(of_group(bench, kind, condition, name)[np.argmax(of_group(bench, kind, condition, "pce"))])


@ROWS.answers(f"{_JV}.target.highest_voc", "statistics", "perotwin statistics wbg-target")
def highest_voltage(bench: Bench) -> Found:
    """The target cell stands for the most efficient; in the virtual batch the highest voltage lies so much higher."""
    above = float(of_group(bench, "singles", "target", "voc").max()) - champion(
        bench, "singles", "target", "voc"
    )
    return Found(
        _reverse(bench, "target", "voc") + above, f"{1e3 * above:.1f} mV above the most efficient device"
    )


@ROWS.answers(f"{_JV}.target.least_voc_deficit", "statistics", "perotwin statistics wbg-target")
def least_deficit(bench: Bench) -> Found:
    """Stated bandgap over q less the highest voltage."""
    return Found(float(bench.singles["target"].absorbers[0].gap) - highest_voltage_of(bench))


def highest_voltage_of(bench: Bench) -> float:
    """The highest voltage, V."""
    found = highest_voltage(bench)
    return float(found.value) if isinstance(found, Found) else float(found)


def _mean_gain(bench: Bench, name: str) -> Found:
    target, control = (of_group(bench, "singles", one, name) for one in ("target", "control"))
    error = float(np.hypot(target.std(ddof=1) / target.size**0.5, control.std(ddof=1) / control.size**0.5))
    gain = float(target.mean() - control.mean())
    return Found(gain, f"{gain / error:.0f} standard errors of {target.size} devices each")


@ROWS.answers(f"{_JV}.mean_voc", "statistics", "perotwin statistics wbg-control wbg-target")
def gain_of_the_mean_voltage(bench: Bench) -> Found:
    """Means of the virtual batches, target less reference."""
    return _mean_gain(bench, "voc")


@ROWS.answers(f"{_JV}.mean_pce", "statistics", "perotwin statistics wbg-control wbg-target")
def gain_of_the_mean_efficiency(bench: Bench) -> Found:
    """Means of the virtual batches, target less reference."""
    return _mean_gain(bench, "pce")


@ROWS.answers("statistics.devices_per_condition", "statistics", "perotwin statistics wbg-control wbg-target")
def devices(bench: Bench) -> Found:
    """Devices of each virtual batch, unless fewer are asked for."""
    return Found(float(type(bench).devices), f"{bench.devices} in this run")
