"""Three junctions one behind the other: their limit, what each of them does, and every instrument on them."""

from typing import Any

import numpy as np
import pytest
from scipy.constants import Boltzmann, c, elementary_charge, h
from scipy.integrate import quad
from scipy.optimize import brentq, minimize_scalar

import perotwin as pt
from cells import three
from devices import layer, selective
from perotwin.measurement import checks_of
from perotwin.stack import Tandem
from perotwin.transport.build import build
from perotwin.transport.checks import steady_checks
from perotwin.transport.steady import Solver

GAPS = {"top": 2.0, "middle": 1.5, "bottom": 1.1}
#: photon flux of AM1.5G above each gap, less that above the one before, A m^-2
CURRENTS = {"top": 145.86, "middle": 143.87, "bottom": 152.57}
TEMPERATURE = 298.15
VT = Boltzmann * TEMPERATURE / elementary_charge


def ideal() -> Tandem:
    """Ideal cells of `GAPS`: step absorptance, perfect transport, selective contacts, no coupling."""

    def junction(gap: float) -> dict[str, Any]:
        return {
            "layer": [layer("absorber", 300e-9, gap=gap, affinity=4.0, mobility=100.0)],
            "contact": {
                "front": selective(4.0 + gap - 0.1, takes="holes"),
                "back": selective(4.1, takes="electrons"),
            },
        }

    return Tandem.from_data(
        {
            "name": "ideal",
            "temperature": TEMPERATURE,
            "light": {"generation": "step"},
            **{name: junction(gap) for name, gap in GAPS.items()},
        },
        bare_numbers=True,
    )


def emission(gap: float) -> float:
    """Dark current of an ideal cell that radiates to one side, A m^-2 (doi:10.1063/1.1736034)."""
    scale = 2 * np.pi * elementary_charge**4 / (h**3 * c**2)
    return float(
        scale * quad(lambda e: e**2 / np.expm1(e / VT), gap, gap + 60 * VT, epsabs=0, epsrel=1e-12)[0]
    )


@pytest.fixture(scope="module")
def solver() -> Solver:
    return Solver(build(ideal()))


def all_passed(states: Any) -> None:
    assert states.converged.all()
    failed = {name: row for name, row in steady_checks(states).items() if not row.passed}
    assert not failed, failed


def test_shockley_queisser_in_series(solver: Solver) -> None:
    """2.0, 1.5 and 1.1 eV: 49.34 % (photon flux to the exact edges, one-sided emission, no coupling, 298.15 K)."""
    problem = solver.problem
    assert problem.lights == ()
    found = {name: part.photocurrent for name, part in zip(problem.names, problem.parts, strict=True)}
    assert found == pytest.approx(CURRENTS, rel=1e-3)
    states = solver.sweep(np.linspace(-0.2, 3.76, 67), 1.0)
    all_passed(states)
    short = solver.sweep([0.0], 1.0)
    assert short.current[0] == pytest.approx(143.87, rel=1e-3)
    end = solver.open_circuit(states.state(65), 1.0)
    all_passed(end)
    assert end.voltage[0] == pytest.approx(3.7477, rel=1e-3)
    near = solver.sweep([3.4], 1.0).state(0)

    def given(voltage: float) -> float:
        return voltage * float(solver.sweep([voltage], 1.0, near).current[0])

    best = minimize_scalar(lambda v: -given(v), bounds=(3.3, 3.6), method="bounded", options={"xatol": 1e-4})
    assert -best.fun / 1000.0 == pytest.approx(0.4934, rel=1e-3)


def test_each_is_the_ideal_diode_and_their_voltages_add_up(solver: Solver) -> None:
    """The curve of three diodes in series, V(J) = sum of kT/q ln((Jph - J)/J0 + 1), without a mesh."""
    made = {name: part.photocurrent for name, part in zip(GAPS, solver.problem.parts, strict=True)}
    dark = {name: emission(gap) for name, gap in GAPS.items()}

    def volts(name: str, current: float) -> float:
        return float(VT * np.log1p((made[name] - current) / dark[name]))

    def through(middle: float) -> float:
        """The current, from the voltage of the junction that limits it."""
        return float(made["middle"] - dark["middle"] * np.expm1(middle / VT))

    states = solver.sweep(np.linspace(2.6, 3.8, 25), 1.0)
    all_passed(states)
    for k, voltage in enumerate(states.voltage):

        def excess(middle: float, voltage: float = voltage) -> float:
            current = through(middle)
            return volts("top", current) + middle + volts("bottom", current) - voltage

        middle = brentq(excess, 0.0, 1.4, xtol=1e-14)
        assert states.current[k] == pytest.approx(through(middle), abs=1e-6 * made["middle"])
        assert states.junction_voltages["middle"][k] == pytest.approx(middle, abs=1e-6)
        for name in ("top", "bottom"):
            assert states.junction_voltages[name][k] == pytest.approx(
                volts(name, through(middle)), abs=1e-6
            ), name


@pytest.mark.parametrize("name", ["ideal", "three-junctions"])
def test_voltages_of_the_junctions_add_up(name: str) -> None:
    cell = ideal() if name == "ideal" else pt.load(name)
    solver = Solver(build(cell))
    top = 3.7 if name == "ideal" else 3.2
    states = solver.sweep(np.linspace(-0.3, top, 41), 1.0)
    all_passed(states)
    for one in (states, solver.open_circuit(states.state(40), 1.0)):
        all_passed(one)
        found = one.junction_voltages
        assert list(found) == ["top", "middle", "bottom", "between"]
        total = found["top"] + found["middle"] + found["bottom"] - found["between"]
        assert total == pytest.approx(one.voltage, abs=1e-9)
        # what stands at the contacts says the same, apart from the numbers that are kept
        for junction, part in zip(GAPS, one.parts, strict=True):
            device = part.junction.device
            step = part.psi[:, 0] - part.psi[:, -1] - (device.contact[0, 0] - device.contact[1, 0])
            assert device.vt * step == pytest.approx(found[junction], abs=1e-9), junction
    lost = float(pt.load(name).top.circuit.series_resistance) + 2e-5 if name != "ideal" else 0.0
    assert states.junction_voltages["between"] == pytest.approx(lost * states.current, abs=1e-12)


def test_seen_from_the_other_end() -> None:
    """What is first and what is last does not matter where light needs no layers to pass."""
    cell = pt.load("three-junctions")
    voltage = np.linspace(0.0, 3.2, 9)
    forth, back = (Solver(build(one)).sweep(voltage, 1.0) for one in (cell, cell.mirrored()))
    all_passed(forth)
    all_passed(back)
    assert back.current == pytest.approx(forth.current, rel=1e-8, abs=1e-8 * forth.current.max())
    for name, other in zip(("top", "middle", "bottom"), ("bottom", "middle", "top"), strict=True):
        assert back.junction_voltages[other] == pytest.approx(forth.junction_voltages[name], abs=1e-9)


def test_each_junction_is_at_a_point_of_its_own_curve() -> None:
    """One current, found by a root finder over three single junctions."""
    problem = build(pt.load("three-junctions"))
    solver = Solver(problem)
    alone = list(solver.junctions.values())
    resistance = problem.circuit.resistance
    for voltage in (0.5, 2.6, 3.1):
        states = solver.sweep([voltage], 1.0)
        all_passed(states)
        near = [
            one.sweep([part.junction_voltage[0]], 1.0).state(0)
            for one, part in zip(alone, states.parts, strict=True)
        ]

        def volts(which: int, current: float, near: Any = near) -> float:
            def excess(v: float) -> float:
                return float(alone[which].sweep([v], 1.0, near[which]).current[0]) - current

            return brentq(excess, near[which].voltage - 0.02, near[which].voltage + 0.02, xtol=1e-13)

        def missed(current: float, voltage: float = voltage, volts: Any = volts) -> float:
            return sum(volts(which, current) for which in range(3)) - resistance * current - voltage

        centre = float(states.current[0])
        width = 1e-3 * abs(alone[1].slope(near[1], 1.0))
        current = brentq(missed, centre - width, centre + width, xtol=1e-11)
        assert centre == pytest.approx(current, abs=1e-6 * problem.photocurrent)
        for which, name in enumerate(solver.junctions):
            assert states.junction_voltages[name][0] == pytest.approx(volts(which, current), abs=1e-6), name


# --- every instrument -------------------------------------------------------------------------------------------------

NAMES = ("top", "middle", "bottom")


@pytest.fixture(scope="module")
def cell() -> Tandem:
    found = pt.load("three-junctions")
    assert isinstance(found, Tandem)
    return found


def checked(measured: Any) -> Any:
    """A measurement all of whose checks are passed."""
    failed = {name: row for name, row in checks_of(measured).items() if not row.passed}
    assert not failed, failed
    return measured


def volts_add_up(measured: Any, prefix: str = "", total: Any = None) -> None:
    parts = {name: measured[f"{prefix}voltage_{name}"].values for name in (*NAMES, "between")}
    added = parts["top"] + parts["middle"] + parts["bottom"] - parts["between"]
    assert added == pytest.approx(measured["voltage"].values if total is None else total, abs=1e-9)


@pytest.fixture(scope="module")
def curve(cell: Tandem) -> Any:
    return checked(pt.lab.jv.measure(cell))


def test_current_voltage(curve: Any) -> None:
    volts_add_up(curve)
    volts_add_up(curve, "solved_", curve["solved_voltage"].values)
    found = pt.lab.jv.analyse(curve)
    # at open circuit each junction is at its own
    own = [
        float(curve[f"own_solved_voltage_{name}"].sel({f"own_point_{name}": "open-circuit"}))
        for name in NAMES
    ]
    assert found["voc"].value == pytest.approx(sum(own), abs=1e-6)
    least = min(CURRENTS.values())
    assert least < found["jsc"].value < sorted(CURRENTS.values())[1]
    limit = 0.4934
    assert 0.8 * limit < found["pce"].value < limit


def test_electroluminescence(cell: Tandem, curve: Any) -> None:
    """Each junction's light at its photocurrent tells its own open circuit, and together they tell the cell's."""
    measured = checked(pt.lab.el.measure(cell))
    assert list(measured["emitter"].values) == list(NAMES)
    found = pt.lab.el.analyse(measured)
    told = [found[f"voc_luminescence, {name}"].value for name in NAMES]
    for name, volts in zip(NAMES, told, strict=True):
        assert volts == pytest.approx(found[f"voc_own, {name}"].value, abs=1e-3), name
        assert found[f"voc_own, {name}"].value < found[f"voc_radiative, {name}"].value
    assert sum(told) == pytest.approx(pt.lab.jv.analyse(curve)["voc"].value, abs=2e-3)


def test_scan(cell: Tandem, curve: Any) -> None:
    """Without ions a scan at 0.1 V/s is the steady curve, both ways."""
    scans = pt.lab.scan.measure(cell, pt.lab.scan.Protocol(start="3.3 V", stop="0 V", step="100 mV"))
    assert list(scans) == ["reverse", "forward"]
    for one in scans.values():
        checked(one)
        volts_add_up(one)
        steady = np.interp(one["voltage"].values, curve["voltage"].values, curve["current_density"].values)
        flat = one["voltage"].values < 2.5
        assert one["current_density"].values[flat] == pytest.approx(steady[flat], rel=1e-3)


def test_impedance(cell: Tandem) -> None:
    """At open circuit: the slope of the curve at the slow end, three capacitances in series at the fast one."""
    measured = checked(pt.lab.impedance.measure(cell, pt.lab.impedance.Protocol(points=25)))
    assert sum(measured.attrs[f"voltage_{name}"] for name in NAMES) == pytest.approx(
        measured.attrs["voltage"], abs=1e-9
    )
    solver = Solver(build(cell))
    end = solver.open_circuit(solver.sweep([3.3], 1.0).state(0), 1.0)
    slow = float(measured["impedance_real"].sel(frequency=1e-3, method="nearest"))
    assert slow == pytest.approx(-1.0 / solver.slope(end.state(0), 1.0), rel=1e-6)
    fast = pt.lab.impedance.analyse(measured)["series_resistance"].value
    assert fast > solver.problem.circuit.resistance
    capacitances = [part.geometric_capacitance for part in solver.problem.parts]
    assert solver.problem.geometric_capacitance == pytest.approx(1.0 / sum(1.0 / one for one in capacitances))


def test_power_tracking(cell: Tandem, curve: Any) -> None:
    measured = checked(pt.lab.mppt.measure(cell, pt.lab.mppt.Protocol(duration="20 s")))
    found, steady = pt.lab.mppt.analyse(measured), pt.lab.jv.analyse(curve)
    assert found["stabilised_power"].value == pytest.approx(steady["pce"].value * 1000.0, rel=1e-3)
    assert found["stabilised_voltage"].value == pytest.approx(steady["vmp"].value, abs=0.02)


def test_light_of_others_counts_once_in_the_integral_of_the_limiting_junction() -> None:
    """Long-lived films shine on those behind them, near open circuit under bias light more than at short circuit."""
    long = {
        f"{name}.perovskite.trap.1.{carrier}_lifetime": "100 us"
        for name in NAMES
        for carrier in ("electron", "hole")
    }
    for cell in (three(), three().with_values({**long, "top.thickness": "600 nm"})):
        found = checks_of(pt.lab.eqe.measure(cell))["EQE integral of the limiting junction against Jsc"]
        assert abs(found.value) < 1e-3


def test_quantum_efficiency_with_bias_light() -> None:
    """On three with optics, whose films radiate little: each junction's curve is that of its own photons."""
    dull = {
        f"{name}.perovskite.trap.1.{carrier}_lifetime": "5 ns"
        for name in ("top", "middle")
        for carrier in ("electron", "hole")
    }
    lit = three().with_values({"top.thickness": "230 nm", "middle.thickness": "700 nm", **dull})
    measured = checked(pt.lab.eqe.measure(lit))
    problem = build(lit)
    assert "EQE integral of the limiting junction against Jsc" in checks_of(measured)
    for name, part in zip(NAMES, problem.parts, strict=True):
        collected = measured.attrs[f"jsc_integrated_{name}"] / part.photocurrent
        assert 0.85 < collected < 1.01, name
        others = [other for other in NAMES if other != name]
        assert all(f"in the {other} junction" in measured.attrs[f"bias_light_{name}"] for other in others)
    assert "eqe" not in measured
    # red light is the bottom's, blue light the top's
    at = {name: float(measured[f"eqe_{name}"].sel(wavelength=450e-9, method="nearest")) for name in NAMES}
    assert at["top"] > 10.0 * max(at["middle"], at["bottom"])
    at = {name: float(measured[f"eqe_{name}"].sel(wavelength=930e-9, method="nearest")) for name in NAMES}
    assert at["bottom"] > 10.0 * max(at["middle"], at["top"])
