"""Exact sensitivities of spectra against differences of whole solutions, against steady slopes and closed forms."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pytest

import columns
import perotwin as pt
from devices import everything
from field_steps import step_of
from linear import three_ion_layers
from perotwin.errors import InputError
from perotwin.transport import sensitivity_of_spectra
from perotwin.transport.build import build
from perotwin.transport.sensitivity import Following
from perotwin.transport.sensitivity_of_spectra import FollowingSpectra, SpectrumSlopes
from perotwin.transport.small_signal import Linearised, Spectrum
from perotwin.transport.states import State
from perotwin.transport.steady import Solver
from written import made

EPS0 = 8.8541878128e-12
#: of the last step of an accepted state
FINE = 1e-10
#: part of the largest change of the spectrum by a part of the field, or of the spectrum itself where a field does less.
#: Differences of whole solutions are known to 3e-9 of the spectrum per part of a field, and to 4e-8 per eV.
RELATIVE = 1e-6
HERTZ = np.geomspace(1e-2, 1e7, 10)


def numeric(cell: Any) -> list[str]:
    """Paths of all numbers of a cell that are not zero, where most have a bound, but for whole numbers."""
    return [
        path
        for path, value in cell.quantities().items()
        if not path.endswith((".charge", ".area")) and float(value) != 0.0
    ]


def at(solver: Solver, voltage: float, light: float) -> State:
    states = solver.sweep([voltage], light)
    assert states.converged.all()
    return states.state(0)


def worst(
    cell: Any,
    paths: Sequence[str],
    voltage: float,
    light: float = 1.0,
    ions: Literal["moving", "held"] = "moving",
    finer: float = 1.0,
) -> dict[str, float]:
    """By path the largest error of impedance or response to light, in parts of what `RELATIVE` counts by.

    finer: how much smaller than usual the steps of the differences are.
    """
    solver = Solver(build(cell), FINE)
    follows = FollowingSpectra(solver, paths, ions)
    found = follows.spectrum(at(solver, voltage, light), light, HERTZ)
    own = Linearised(solver, at(solver, voltage, light), light, ions).spectrum(HERTZ)
    assert found.spectrum.impedance == pytest.approx(own.impedance, rel=1e-9)
    assert found.spectrum.imps == pytest.approx(own.imps, rel=1e-9, abs=1e-12 * float(np.abs(own.imps).max()))
    errors = {}
    for number, path in enumerate(paths):
        value = cell.get(path)
        step, size = step_of(value)
        step /= finer

        def changed(k: int, path: str = path, value: Any = value, step: float = step) -> Spectrum:
            one = Solver(follows.rebuilt({path: float(value) + k * step}), FINE)
            return Linearised(one, at(one, voltage, light), light, ions).spectrum(HERTZ)

        ends = [changed(k) for k in (-2, -1, 1, 2)]
        error = 0.0
        for name in ("impedance", "imps"):
            rows = [getattr(one, name) for one in ends]
            wanted = size * (rows[0] - 8.0 * rows[1] + 8.0 * rows[2] - rows[3]) / (12.0 * step)
            off = np.abs(size * getattr(found, name)[:, number] - wanted).max()
            scale = max(np.abs(wanted).max(), np.abs(getattr(own, name)).max())
            error = max(error, float(off / scale))
        errors[path] = error
    return errors


def compare(*arguments: Any, **more: Any) -> None:
    errors = worst(*arguments, **more)
    assert {path: error for path, error in errors.items() if not error <= RELATIVE} == {}


@pytest.mark.parametrize("ions", ["moving", "held"])
@pytest.mark.parametrize("statistics", ["fermi-dirac", "boltzmann"])
def test_a_cell_with_everything_follows_every_number(
    statistics: str, ions: Literal["moving", "held"]
) -> None:
    """Charged traps in layers and at faces, Auger, barriers, contacts of finite velocity, crowded ions."""
    cell = everything(statistics, transport=("continuous", "thermionic"), crowded=statistics == "fermi-dirac")
    compare(cell, numeric(cell), 0.7, ions=ions)


def test_ions_of_several_species_and_what_is_held_are_followed() -> None:
    cell = three_ion_layers()
    everywhere = {
        f"{one.name}.ions.response": {"kind": "steady"} for one in cell.layer if one.ions is not None
    }
    cell = cell.with_values(everywhere)
    compare(cell, numeric(cell), 0.4)
    frozen = everything("fermi-dirac", response={"kind": "frozen", "bias": 0.3, "light": 1.0})
    compare(frozen, ["absorber.ions.density", "absorber.ions.response.bias", "absorber.trap.1.density"], 0.7)


@pytest.mark.slow
def test_columns_share_a_voltage_by_area_and_resistance() -> None:
    cell = columns.unlike()
    alone = ("temperature", "light.generation.rate")  # what columns cannot have each for itself
    compare(cell, [path for path in numeric(cell) if not path.endswith(alone)], 0.5)


@pytest.mark.parametrize(
    "path",
    ["perovskite.thickness", "perovskite.bandgap", "perovskite.ions.density",
     "perovskite.ions.diffusion_coefficient", "perovskite.trap.1.electron_lifetime", "temperature"],
)  # fmt: skip
def test_fields_of_the_paper_s_cell_through_its_optics_and_ions(path: str) -> None:
    compare(pt.load("wbg-target"), [path], 0.9)


def test_a_junction_that_limits_the_other_is_followed_in_small_steps() -> None:
    """The other's voltage moves by many kT where its light changes by a per cent.

    It is the differences that want small steps: half the step leaves a sixteenth of the distance.
    """
    paths = ["top.perovskite.thickness", "bottom.perovskite.electronic.electron_mobility"]
    compare(pt.load("tandem-target"), paths, 1.6, finer=4.0)
    wide, narrow = (
        worst(pt.load("tandem-target"), paths[:1], 1.6, finer=one)[paths[0]] for one in (0.5, 1.0)
    )
    assert wide / narrow == pytest.approx(16.0, rel=0.3)


@pytest.mark.slow
@pytest.mark.parametrize("ions", ["moving", "held"])
def test_every_number_of_the_paper_s_cell(ions: Literal["moving", "held"]) -> None:
    # a cell that stays: how far differences of the light know its slope by the Urbach energy, whose edge passes
    # wavelengths of the grid, lies close to what is asked of all
    cell = made("wbg-target")
    compare(cell, numeric(cell), 0.9, ions=ions)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tandem-target", pytest.param("patchy-tandem", marks=pytest.mark.long)])
def test_light_between_junctions_joints_and_columns(name: str) -> None:
    """A sample of every kind of number, with the light that the top junction sends to the other."""
    cell = pt.load(name)
    compare(cell, numeric(cell)[::7], 1.6, finer=4.0)


# --- against what is known otherwise ---------------------------------------------------------------------------------


def test_a_series_resistance_is_itself_and_a_shunt_its_part() -> None:
    """In the dark without bias nothing flows: dZ/dRs = 1, and dZ/dRsh = ((Z - Rs)/Rsh)^2 of what lies beside it."""
    # what conducts beside must not be so little that its impedance hides the resistance in series in rounding
    circuit = {"series_resistance": "2 ohm cm^2", "shunt_resistance": "1e4 ohm cm^2"}
    cell = pt.load("wbg-target").with_values({"circuit": circuit})
    solver = Solver(build(cell), FINE)
    paths = ["circuit.series_resistance", "circuit.shunt_resistance"]
    found = FollowingSpectra(solver, paths).spectrum(at(solver, 0.0, 0.0), 0.0, HERTZ)
    series, shunt = (float(cell.get(path)) for path in paths)
    assert found.impedance[:, 0] == pytest.approx(np.ones(HERTZ.size), rel=1e-10)
    wanted = ((found.spectrum.impedance - series) / shunt) ** 2
    assert found.impedance[:, 1] == pytest.approx(wanted, rel=1e-9)


def test_at_open_circuit_a_series_resistance_is_itself_too() -> None:
    """No current, no drop: but only at the bias that follows; at a held one it would be seen elsewhere."""
    cell = pt.load("wbg-target").with_values({"circuit.series_resistance": "5 ohm cm^2"})
    solver = Solver(build(cell), FINE)
    near = solver.sweep([1.2], 1.0).state(0)
    states = solver.open_circuit(near, 1.0)
    paths = ["circuit.series_resistance", "perovskite.trap.1.electron_lifetime"]
    held = FollowingSpectra(solver, paths).spectrum(states.state(0), 1.0, HERTZ)
    found = held.moved(Following(solver, paths).current(states).of_voltage[0])
    assert found.impedance[:, 0] == pytest.approx(np.ones(HERTZ.size), rel=1e-6)

    def open_spectrum(k: int) -> Spectrum:
        here = float(cell.get(paths[1]))
        one = Solver(build(cell.with_values({paths[1]: here * (1.0 + k * 1e-3)})), FINE)
        state = one.open_circuit(one.sweep([1.2], 1.0).state(0), 1.0).state(0)
        return Linearised(one, state, 1.0).spectrum(HERTZ)

    ends = [open_spectrum(k) for k in (-2, -1, 1, 2)]
    for name in ("impedance", "imvs", "capacitance"):
        rows = [getattr(one, name) for one in ends]
        wanted = (rows[0] - 8.0 * rows[1] + 8.0 * rows[2] - rows[3]) / 12e-3
        off = np.abs(getattr(found, name)[:, 1] * float(cell.get(paths[1])) - wanted)
        assert off.max() <= RELATIVE * np.abs(wanted).max(), name
    # the bias itself counts
    assert np.abs(held.impedance[:, 1] / found.impedance[:, 1] - 1.0).max() > 0.1


def test_at_vanishing_frequency_it_is_the_slope_of_steady_slopes() -> None:
    """dY/dp = -d(dJ/dp)/dV, of which dJ/dp comes from another adjoint."""
    cell = everything("fermi-dirac")
    solver = Solver(build(cell), FINE)
    paths = ["absorber.ions.density", "absorber.electronic.hole_mobility", "htl.electronic.electron_affinity",
             "absorber.thickness"]  # fmt: skip
    found = FollowingSpectra(solver, paths).spectrum(at(solver, 0.8, 1.0), 1.0, 1e-7)
    step = 5e-4
    beside = solver.sweep(0.8 + step * np.array([-2.0, -1.0, 1.0, 2.0]), 1.0)
    rows = Following(solver, paths).current(beside).by_field
    wanted = -np.array([1.0, -8.0, 8.0, -1.0]) @ rows / (12.0 * step)
    assert found.admittance[0].real == pytest.approx(wanted, rel=1e-5)
    slopes = Following(solver, paths[:1]).current(beside).by_voltage
    curved = -np.array([1.0, -8.0, 8.0, -1.0]) @ slopes / (12.0 * step)
    assert found.admittance_by_voltage[0].real == pytest.approx(curved, rel=1e-5)


def test_above_every_dielectric_rate_it_is_that_of_layers_in_series() -> None:
    """1/C = sum d/eps: dC/d(eps_r) = C^2 d/(eps0 eps_r^2), dC/d(d) = -C^2/eps."""
    cell = pt.load("wbg-target").with_values({"circuit.series_resistance": "0 ohm cm^2"})
    solver = Solver(build(cell), FINE)
    layers = cell.electrical_layers
    paths = [f"{one.name}.electronic.permittivity" for one in layers] + [
        f"{one.name}.thickness" for one in layers
    ]
    found = FollowingSpectra(solver, paths).spectrum(at(solver, 0.9, 1.0), 1.0, 1e16)
    thickness = np.array([float(one.thickness) for one in layers])
    eps = np.array([float(one.electronic.permittivity) for one in layers])
    capacitance = 1.0 / np.sum(thickness / (EPS0 * eps))
    wanted = capacitance**2 * np.concatenate([thickness / (EPS0 * eps**2), -1.0 / (EPS0 * eps)])
    assert found.capacitance[0] == pytest.approx(wanted, rel=1e-3)


# --- what is left out is seen ----------------------------------------------------------------------------------------


def _without_states(monkeypatch: pytest.MonkeyPatch) -> None:
    beside = FollowingSpectra._beside
    bias: dict[int, Any] = {}

    def stays(self: FollowingSpectra, row: Any, state: State, light: float, voltage: float) -> Linearised:
        made = beside(self, row, state, light, voltage)
        first = bias.setdefault(id(self), made)
        made.row[:] = first.row
        return made

    monkeypatch.setattr(FollowingSpectra, "_beside", stays)


def _without_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sensitivity_of_spectra, "lagging", lambda *_: None)


def _without_storage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sensitivity_of_spectra, "QUICK", 1e300)


def _without_circuit(monkeypatch: pytest.MonkeyPatch) -> None:
    change = sensitivity_of_spectra._Change
    monkeypatch.setattr(change, "_of_circuit", lambda self, _: np.zeros_like(self.lag))


@pytest.mark.parametrize(
    ("leave_out", "path"),
    [
        (_without_states, "absorber.trap.1.density"),
        (_without_lag, "absorber.trap.1.density"),
        (_without_storage, "absorber.electronic.permittivity"),
        (_without_circuit, "circuit.series_resistance"),
    ],
)
def test_a_term_that_is_left_out_is_seen(leave_out: Any, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = everything("fermi-dirac").with_values({"circuit.series_resistance": "2 ohm cm^2"})
    assert worst(cell, [path], 0.7)[path] <= RELATIVE
    leave_out(monkeypatch)
    assert worst(cell, [path], 0.7)[path] > 100.0 * RELATIVE


# --- refusals --------------------------------------------------------------------------------------------------------


def test_what_cannot_be_asked_is_refused() -> None:
    cell = pt.load("wbg-target")
    solver = Solver(build(cell))
    state = at(solver, 0.5, 1.0)
    with pytest.raises(InputError, match="is no number"):
        FollowingSpectra(solver, ["perovskite.name"]).spectrum(state, 1.0, [1.0])
    with pytest.raises(InputError, match="needs frequencies"):
        FollowingSpectra(solver, ["perovskite.lifetime"]).spectrum(state, 1.0, [0.0])
    mixed = three_ion_layers()
    first = next(one.name for one in mixed.layer if one.ions is not None)
    half = Solver(build(mixed.with_values({f"{first}.ions.response": {"kind": "steady"}})))
    with pytest.raises(InputError, match="some are held and some are not"):
        FollowingSpectra(half, [f"{first}.electronic.permittivity"])
    held = FollowingSpectra(half, [f"{first}.electronic.permittivity"], "held")
    assert np.isfinite(held.spectrum(at(half, 0.3, 1.0), 1.0, [1.0]).impedance).all()


def test_nothing_but_what_moves_in_the_spectrum_follows_how_fast_ions_are() -> None:
    solver = Solver(build(pt.load("wbg-target")))
    paths = ["perovskite.ions.diffusion_coefficient"]
    found: SpectrumSlopes = FollowingSpectra(solver, paths, "held").spectrum(at(solver, 0.5, 1.0), 1.0, HERTZ)
    speed = float(solver.problem.stack.get(paths[0]))
    assert np.abs(speed * found.impedance[:, 0] / found.spectrum.impedance).max() <= 1e-9
    moving = FollowingSpectra(solver, paths).spectrum(at(solver, 0.5, 1.0), 1.0, HERTZ)
    assert np.abs(speed * moving.impedance[:, 0] / found.spectrum.impedance).max() >= 1e-4
