"""Exact sensitivities of runs in time against differences of runs whose steps are those of the first, one by one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import perotwin as pt
from columns import patchy
from devices import everything
from field_steps import step_of
from perotwin.transport import implicit_steps, sensitivity_in_time
from perotwin.transport.build import build
from perotwin.transport.implicit_steps import Attempt
from perotwin.transport.kernels.rows import state_in, stored_in
from perotwin.transport.schedule import Current, LaserPulse, OpenCircuit, Step, Voltage
from perotwin.transport.sensitivity import Following
from perotwin.transport.sensitivity_in_time import Course, FollowingInTime, Knob
from perotwin.transport.steady import Solver
from perotwin.transport.time_series import Trace
from perotwin.transport.transient import Engine

#: part of the largest change of the run by a part of the field, and of the largest current where a field does less
RELATIVE = 1e-6
#: first stage of a step that begins anew (`implicit_steps`), as a part of it; two halves otherwise
STAGED = 1.0 - 0.5 * np.sqrt(2.0)


@dataclass
class Replayed(Engine):
    """An engine that notes the steps that it takes, or takes those that another one noted, one by one.

    Attributes:
        script: to be taken, as `taken` of the other one. stretched: by what factor each step of the schedule is.
    """

    script: Iterator[tuple[float, str]] | None = None
    stretched: float = 1.0
    taken: list[tuple[float, str]] = field(default_factory=list)

    def _advance(self, task: Any, now: Any, past: Any, time: float, size: float, count: Any) -> Any:
        if self.script is None:
            done = super()._advance(task, now, past, time, size, count)
            tried, _, used = done
            kind = "on"
            if len(tried.solved) == 2:
                staged = abs(tried.solved[0].difference.rate * used * STAGED - 1.0) < 1e-9
                kind = "staged" if staged else "halves"
            self.taken.append((used, kind))
            return done
        wanted, kind = next(self.script)
        used = wanted * self.stretched
        # to the end of the piece exactly, where the other one landed on it
        used = size if abs(used - size) < 1e-9 * size else used
        tried: Attempt = {
            "on": lambda: self._attempt(task, now, past, time, used),
            "staged": lambda: self._begin(task, now, past[0], time, used),
            "halves": lambda: self._begin_damped(task, now, past[0], time, used),
        }[kind]()
        assert tried.moment is not None
        return tried, np.inf, used


@pytest.fixture(autouse=True)
def _tight(monkeypatch: pytest.MonkeyPatch) -> None:
    """Equations solved so well that differences of solutions see little else."""
    monkeypatch.setattr(implicit_steps, "NEWTON", 1e-10)


def engine_of(problem: Any, tolerance: float = 1e-2, **options: Any) -> Replayed:
    made = Replayed(problem, tolerance, **options)
    made.solver = Solver(made.problem, 1e-11)
    return made


def followed(
    cell: Any,
    steps: Sequence[Step],
    paths: Sequence[str],
    knobs: Sequence[Knob] = (),
    rest: tuple[float, float] = (0, 0),
) -> tuple[FollowingInTime, Course, Trace]:
    engine = engine_of(build(cell))
    follows = FollowingInTime(engine, paths, knobs)
    start = engine.settled(*rest)
    course = follows.course(start, rest[1])
    return follows, course, engine.run(steps, start, companion=course)


def again(
    follows: FollowingInTime, problem: Any, steps: Sequence[Step], rest: Any, stretched: float = 1.0
) -> Trace:
    """The same steps of a changed cell."""
    engine = engine_of(problem, script=iter(follows.engine.taken), stretched=stretched)
    return engine.run(steps, engine.settled(*rest))


def differences(
    cell: Any, follows: FollowingInTime, steps: Sequence[Step], path: str, rest: Any
) -> tuple[np.ndarray, np.ndarray, float]:
    """Currents' and voltages' derivatives by Richardson's rule, and the size of the field."""
    value = cell.get(path)
    step, size = step_of(value)
    runs = [
        again(follows, follows.rebuilt({path: float(value) + k * step}), steps, rest) for k in (-2, -1, 1, 2)
    ]
    found = [
        (
            8.0 * (getattr(runs[2], name) - getattr(runs[1], name))
            - (getattr(runs[3], name) - getattr(runs[0], name))
        )
        / (12.0 * step)
        for name in ("current", "voltage")
    ]
    return found[0], found[1], size


def compare(
    cell: Any, steps: Sequence[Step], paths: Sequence[str], rest: tuple[float, float] = (0.0, 0.0)
) -> dict[str, float]:
    """Errors by field over what they may be."""
    follows, course, trace = followed(cell, steps, paths, rest=rest)
    largest = np.abs(trace.current).max(), np.abs(trace.voltage).max()
    found: dict[str, float] = {}
    for number, path in enumerate(paths):
        *wanted, size = differences(cell, follows, steps, path, rest)
        errors = [
            size * np.abs(own[:, number] - one).max() / max(size * np.abs(one).max(), scale)
            for own, one, scale in zip((course.current, course.voltage), wanted, largest, strict=True)
        ]
        found[path] = max(errors) / RELATIVE
    return found


def scan(top: float, rate: float = 1.0, points: int = 6) -> list[Step]:
    """Preconditioned under light, then down and up again."""
    time = top / rate
    return [
        Step(2.0, Voltage(top), light=1.0),
        Step(time, Voltage(top, 0.0), light=1.0, points=points),
        Step(time, Voltage(0.0, top), light=1.0, points=points),
    ]


def numeric(cell: Any) -> list[str]:
    """Paths of all numbers that are not zero, where most have a bound."""
    return [
        path
        for path, value in cell.quantities().items()
        if not path.endswith(".charge") and float(value) != 0.0
    ]


#: of a cell with everything: one of each kind of number
SOME = (
    "absorber.thickness", "absorber.electronic.electron_affinity", "absorber.electronic.permittivity",
    "absorber.trap.1.density", "absorber.trap.1.hole_capture", "absorber.ions.site_density",
    "absorber.ions.diffusion_coefficient", "htl|absorber.trap.1.density", "contact.front.electron_velocity",
)  # fmt: skip


def with_everything(statistics: str) -> tuple[Any, list[Step]]:
    """Charged traps that remember, in layers and at faces, crowded ions, Auger, dipoles, finite contacts; open circuit
    and a held current besides voltages, and light that changes."""
    transport = ("continuous", "thermionic") if statistics == "fermi-dirac" else ("thermionic", "continuous")
    cell = everything(statistics, transport=transport, crowded=statistics == "fermi-dirac")
    steps = [
        Step(0.3, Voltage(0.9, 0.1), light=(0.3, 1.0), points=3),
        Step(1e-3, OpenCircuit(), light=1.0, times=(1e-5, 1e-3)),
        Step(0.1, Current(20.0), light=1.0),
    ]
    return cell, steps


@pytest.mark.slow
def test_a_cell_with_everything_is_followed_in_time() -> None:
    cell, steps = with_everything("fermi-dirac")
    errors = compare(cell, steps, SOME, rest=(0.2, 0.3))
    assert max(errors.values()) <= 1.0, errors


@pytest.mark.slow
def test_every_second_number_of_a_cell_with_everything_is_followed_in_time() -> None:
    cell, steps = with_everything("fermi-dirac")
    errors = compare(cell, steps, numeric(cell)[::2], rest=(0.2, 0.3))
    assert max(errors.values()) <= 1.0, errors


@pytest.mark.long
@pytest.mark.parametrize("statistics", ["fermi-dirac", "boltzmann"])
def test_every_number_of_a_cell_with_everything_is_followed_in_time(statistics: str) -> None:
    cell, steps = with_everything(statistics)
    errors = compare(cell, steps, numeric(cell), rest=(0.2, 0.3))
    assert max(errors.values()) <= 1.0, errors


@pytest.mark.parametrize(
    "path",
    ["perovskite.thickness", "perovskite.ions.diffusion_coefficient", "perovskite.ions.density",
     "niox|perovskite.dipole", "perovskite.trap.1.electron_lifetime", "circuit.series_resistance", "temperature"],
)  # fmt: skip
def test_scans_of_the_paper_s_cell_in_both_directions(path: str) -> None:
    cell = pt.load("wbg-target")
    errors = compare(cell, scan(1.3), [path])
    assert max(errors.values()) <= 1.0, errors


@pytest.mark.slow
def test_a_cell_whose_face_is_uneven_is_followed() -> None:
    face = {"htl|perovskite.dipole_spread": "60 meV", "circuit.series_resistance": "3 ohm cm^2",
            "circuit.shunt_resistance": "2e3 ohm cm^2"}  # fmt: skip
    cell = pt.load("cell-a").with_values(face)
    paths = ["htl|perovskite.dipole_spread", "htl|perovskite.dipole", "perovskite.trap.1.electron_lifetime",
             "circuit.series_resistance"]  # fmt: skip
    errors = compare(cell, scan(1.1, points=3), paths)
    assert max(errors.values()) <= 1.0, errors


@pytest.mark.slow
def test_columns_of_a_patchy_cell_are_followed() -> None:
    cell = patchy()
    paths = [
        p
        for p in numeric(cell)
        if p.endswith(("electron_lifetime", "electron_mobility", "resistance", "dipole"))
    ]
    errors = compare(cell, scan(1.0, points=2), paths[:6])
    assert max(errors.values()) <= 1.0, errors


@pytest.mark.parametrize(
    ("name", "up_to", "every"),
    [
        pytest.param("wbg-target", 1.3, 3, marks=pytest.mark.slow),
        pytest.param("wbg-target", 1.3, 1, marks=pytest.mark.long),
        pytest.param("tandem-target", 2.1, 6, marks=pytest.mark.slow),
    ],
)
def test_numbers_of_a_scanned_cell_with_its_optics(name: str, up_to: float, every: int) -> None:
    cell = pt.load(name)
    paths = [path for path in numeric(cell) if not path.endswith(".area")]
    errors = compare(cell, scan(up_to, points=2), paths[::every])
    assert max(errors.values()) <= 1.0, errors


@pytest.mark.slow
def test_rate_dwell_and_light_are_followed() -> None:
    cell, rest = everything("boltzmann"), (0.0, 0.0)
    steps = scan(0.9, points=3)
    knobs = [Knob(light=1.0), Knob(duration={0: 1.0}), Knob(duration={1: -1.0, 2: -1.0})]
    follows, course, trace = followed(cell, steps, [], knobs, rest)
    small = 1e-3

    def run(light: float, hold: float, rate: float) -> np.ndarray:
        lit = [
            Step(
                step.duration * (hold if number == 0 else 1.0 / rate), step.control, light=float(step.light) * light,
                points=step.points,
            )
            for number, step in enumerate(steps)
        ]  # fmt: skip
        made = engine_of(follows.engine.problem, script=iter(follows.engine.taken))
        start = made.settled(*rest)
        found = []
        for number, step in enumerate(lit):
            made.stretched = hold if number == 0 else 1.0 / rate
            one = made.run([step], start)
            start = one.moments[-1]
            found.append(one.current)
        return np.concatenate(found)

    for number in range(3):
        ends = [
            run(*(np.exp(k * small) if place == number else 1.0 for place in range(3)))
            for k in (-2, -1, 1, 2)
        ]
        wanted = (8.0 * (ends[2] - ends[1]) - (ends[3] - ends[0])) / (12.0 * small)
        error = np.abs(course.current[:, number] - wanted).max()
        assert error <= RELATIVE * max(np.abs(wanted).max(), np.abs(trace.current).max())


def test_settled_states_follow_as_steady_ones_do() -> None:
    """Where a run begins, as the transposed steady equations have it."""
    cell = everything("fermi-dirac")
    paths = [path for path in numeric(cell) if not path.endswith("diffusion_coefficient")]
    engine = engine_of(build(cell))
    follows = FollowingInTime(engine, paths)
    solver = Solver(build(cell), 1e-11)
    steady = Following(solver, paths).current(solver.sweep([0.0, 0.9], 1.0)).by_field
    size = np.array([1.0 if cell.get(p).dimension == "energy" else abs(float(cell.get(p))) for p in paths])
    for wanted, voltage in zip(steady, (0.0, 0.9), strict=True):
        found = follows.course(engine.settled(voltage, 1.0), 1.0).settled[0]
        assert np.abs((found - wanted) * size).max() <= 1e-7 * np.abs(wanted * size).max()


def test_light_after_a_pulse_on_a_film_is_followed() -> None:
    from perotwin.lab import pulsed_light
    from perotwin.stack import films

    sample = films.part_of(pt.load("wbg-target"), "film")
    steps = [
        Step(1e-7, OpenCircuit(), times=(1e-10, 1e-8, 1e-7), first=1e-13,
             beams=(LaserPulse(wavelength="470 nm", fluence="10 nJ/cm^2"),))
    ]  # fmt: skip
    paths = [
        "perovskite.trap.1.electron_lifetime",
        "perovskite.electronic.hole_mobility",
        "perovskite.thickness",
    ]
    follows, course, trace = followed(sample, steps, paths, rest=(0.0, 1e-6))
    light = course.radiation.sum(axis=2)

    def shining(problem: Any) -> np.ndarray:
        engine = engine_of(problem, script=iter(follows.engine.taken))
        emission = pulsed_light.Emission(engine)
        run = engine.run(steps, engine.settled(0.0, 1e-6))
        return np.array([emission.of(moment)[0] for moment in run.moments])

    assert trace.complete
    for number, path in enumerate(paths):
        here = float(sample.get(path))
        step = 5e-4 * here
        ends = [shining(follows.rebuilt({path: here + k * step})) for k in (-2, -1, 1, 2)]
        wanted = (8.0 * (ends[2] - ends[1]) - (ends[3] - ends[0])) / (12.0 * step)
        error = np.abs(light[:, number] - wanted) / np.abs(wanted).max()
        assert error.max() <= RELATIVE


@pytest.mark.parametrize("left_out", ["past", "rate", "start", "displacement"])
def test_what_is_left_out_is_seen(left_out: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison fails where a term is missing: what came before, how fast it was, where the run began."""
    cell = everything("boltzmann")
    path = "absorber.ions.density" if left_out == "start" else "absorber.electronic.permittivity"
    steps = [Step(0.05, Voltage(0.6, 0.2), light=1.0, points=3)]
    whole = compare(cell, steps, [path], rest=(0.6, 1.0))[path]
    kernel = sensitivity_in_time.follow_step

    def without(device: Any, work: Any, blocks: Any, net: Any, row: Any, sources: Any, *rest: Any) -> Any:
        (difference, constraint, first), filled, fields, before, memory, out = rest
        past, rate, generation = before
        begins = difference.rate == sensitivity_in_time._AT_REST
        if (left_out == "past" and not begins) or (left_out == "start" and begins):
            past = np.zeros_like(past)
        if left_out == "rate" and not begins:
            difference = difference._replace(rate=0.9 * difference.rate)
        if left_out == "displacement":
            still = difference.past.copy()
            stored_in(device, still).psi[:] = difference.rate * state_in(device, row).psi
            difference = difference._replace(past=still)
        step, before = (difference, constraint, first), (past, rate, generation)
        return kernel(device, work, blocks, net, row, sources, step, filled, fields, before, memory, out)

    monkeypatch.setattr(sensitivity_in_time, "follow_step", without)
    assert whole <= 1.0 < 10.0 < compare(cell, steps, [path], rest=(0.6, 1.0))[path]
