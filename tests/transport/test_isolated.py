"""Samples without contacts against closed formulas: what is generated recombines, and nothing passes at the ends."""

from dataclasses import replace

import numpy as np
import pytest

import perotwin as pt
from perotwin.constants import elementary_charge as q
from perotwin.errors import InputError
from perotwin.stack import Parallel, Stack
from perotwin.stack.films import part_of
from perotwin.transport.build import build
from perotwin.transport.checks import steady_checks
from perotwin.transport.profiles import Profiles, junction_profiles
from perotwin.transport.schedule import OpenCircuit, Step, Voltage
from perotwin.transport.steady import Solver
from perotwin.transport.transient import Engine

KT = 8.617333262e-5 * 298.15

FILM = """
name = "film"
[light]
generation = { kind = "uniform", rate = "1e21 cm^-3 s^-1" }
[[layer]]
name = "film"
role = "absorber"
thickness = "400 nm"
[layer.electronic]
electron_affinity = "3.9 eV"
bandgap = "1.6 eV"
conduction_dos = "2e18 cm^-3"
valence_dos = "2e18 cm^-3"
electron_mobility = "1 cm^2/(V s)"
hole_mobility = "1 cm^2/(V s)"
permittivity = 22
statistics = "boltzmann"
[layer.recombination]
radiative = "none"
[[layer.trap]]
electron_lifetime = "100 ns"
hole_lifetime = "100 ns"
[contact.front]
work_function = "flat-band"
electron_velocity = "0 cm/s"
hole_velocity = "0 cm/s"
[contact.back]
work_function = "flat-band"
electron_velocity = "0 cm/s"
hole_velocity = "0 cm/s"
"""
NC, GAP = 2e24, 1.6
NI = NC * np.exp(-0.5 * GAP / KT)


def film(**values: object) -> Stack:
    return Stack.from_toml(FILM).with_values({key.replace("__", "."): value for key, value in values.items()})


def solved(stack: Stack, suns: float = 1.0) -> tuple[Solver, Profiles, np.ndarray]:
    """The solver, the profiles of its one state in a light, and the splitting (S,) in eV; all checks hold."""
    solver = Solver(build(stack))
    states = solver.sweep([0.0], suns)
    assert states.converged.all()
    assert abs(float(states.current[0])) <= 1e-9 * max(q * float(solver.generation.sum()) * suns, 1e-3)
    failed = {name: row for name, row in steady_checks(states).items() if not row.passed}
    assert not failed, failed
    fields = junction_profiles(states.parts[0])
    return solver, fields, fields.electron_fermi_level[0] - fields.hole_fermi_level[0]


# --- closed formulas -----------------------------------------------------------------------------


@pytest.mark.parametrize("suns", [1e-4, 1.0, 100.0])
def test_in_an_undoped_film_a_lifetime_alone_sets_the_splitting(suns: float) -> None:
    # R = (n^2 - ni^2) / (2 tau (n + ni)) = (n - ni) / (2 tau) where n = p and the level is at midgap
    generation, tau = 1e27 * suns, 100e-9
    density = 2.0 * tau * generation + NI
    _, fields, split = solved(film(), suns)
    assert np.ptp(split) < 1e-9
    assert split.mean() == pytest.approx(2.0 * KT * np.log(density / NI), abs=1e-9)
    assert fields.electron_density[0] == pytest.approx(density, rel=1e-8)
    assert fields.hole_density[0] == pytest.approx(density, rel=1e-8)


def test_in_a_doped_film_the_minority_lives_its_own_lifetime() -> None:
    # p = Na + n: (n p - ni^2) / (tau_n (p + ni) + tau_p (n + ni)) = G
    acceptors, tau_n, tau_p, generation = 1e23, 20e-9, 300e-9, 1e26
    _, _, split = solved(
        film(
            film__electronic__acceptor_density="1e17 cm^-3",
            film__trap__1__electron_lifetime="20 ns",
            film__trap__1__hole_lifetime="300 ns",
        ),
        0.1,
    )
    low, high = 0.0, 1e26
    for _ in range(200):
        n = 0.5 * (low + high)
        p = acceptors + n
        rate = (n * p - NI**2) / (tau_n * (p + NI) + tau_p * (n + NI))
        low, high = (n, high) if rate < generation else (low, n)
    assert split.mean() == pytest.approx(KT * np.log(n * p / NI**2), abs=1e-8)


def test_the_radiative_limit() -> None:
    # k n p = G with n = p
    _, _, split = solved(
        film(
            film__recombination__radiative={"kind": "coefficient", "coefficient": "1e-10 cm^3/s"},
            film__trap__1__electron_lifetime="1e6 s",
            film__trap__1__hole_lifetime="1e6 s",
        )
    )
    assert split.mean() == pytest.approx(2.0 * KT * np.log(np.sqrt(1e27 / 1e-16) / NI), abs=1e-7)


def test_in_the_dark_a_film_is_at_equilibrium() -> None:
    for stack in (film(), part_of(pt.load("wbg-target"), "film/htl"), part_of(pt.load("nbg"), "film/etl")):
        _, fields, split = solved(stack, 0.0)
        assert np.abs(split).max() < 1e-12
        assert np.ptp(fields.electron_fermi_level[0]) < 1e-12
        charge = fields.charge[0] @ Solver(build(stack, light=False)).system.device.volume
        carriers = np.abs(fields.charge[0]) @ Solver(build(stack, light=False)).system.device.volume
        assert abs(charge) <= 1e-6 * carriers + 1e4


def test_levels_flatten_as_the_mobility_rises() -> None:
    # light that is taken up near the front: what keeps the levels uneven is the diffusion
    lit = {"kind": "beer-lambert", "absorption_coefficient": "1e5 cm^-1", "photon_flux": "4e17 cm^-2 s^-1"}
    uneven = []
    for mobility in ("0.1 cm^2/(V s)", "10 cm^2/(V s)", "1000 cm^2/(V s)"):
        _, _, split = solved(
            film(light__generation=lit, film__electronic__electron_mobility=mobility,
                 film__electronic__hole_mobility=mobility)
        )  # fmt: skip
        uneven.append(float(np.ptp(split)))
    # n varies by G d^2 / D at most, so that it falls as one over the mobility
    assert uneven[0] > 1e-2 and uneven[2] < 1e-5
    assert uneven[1] / uneven[2] == pytest.approx(100.0, rel=0.02)


def test_both_ends_are_free_of_field_and_no_carrier_leaves() -> None:
    sample = part_of(pt.load("wbg-target"), "film/htl")
    solver, fields, _ = solved(sample)
    volume = solver.system.device.volume
    total = float(fields.charge[0] @ volume)
    assert abs(total) < 1e-9 * float(np.abs(fields.charge[0]) @ volume) + 1e3
    current = fields.electron_current[0] + fields.hole_current[0]
    assert np.abs(current).max() < 1e-6 * q * float(solver.generation.sum())


@pytest.mark.parametrize("carrier", ["electrons", "holes"])
def test_a_film_beside_a_transport_layer_loses_at_the_face_and_nowhere_else(carrier: str) -> None:
    part = {"electrons": "film/etl", "holes": "film/htl"}[carrier]
    with_face = part_of(pt.load("wbg-target"), part)
    (key,) = [key for key in with_face.interface if "perovskite" in key]
    fast = with_face.with_values(
        {f"{key}.trap.1.electron_velocity": "1000 cm/s", f"{key}.trap.1.hole_velocity": "1000 cm/s"}
    )
    slow = with_face.with_values(
        {f"{key}.trap.1.electron_velocity": "0.01 cm/s", f"{key}.trap.1.hole_velocity": "0.01 cm/s"}
    )
    splits = []
    for stack in (fast, slow, part_of(pt.load("wbg-target"), "film")):
        solver, fields, split = solved(stack)
        here = np.array([fields.layers[m] == "perovskite" for m in fields.layer])
        splits.append(float(split[here].mean()))
        states = solver.sweep([0.0], 1.0)
        lost = {name: float(values[0]) for name, values in states.losses().items()}
        made = q * float(solver.generation.sum())
        assert sum(lost.values()) == pytest.approx(made, rel=1e-8)
        assert abs(lost["front contact"]) < 1e-8 * made and abs(lost["back contact"]) < 1e-8 * made
    assert splits[0] < splits[1] - 0.05 and splits[1] < splits[2] + 0.02


def test_a_mirrored_sample_gives_the_same_splitting() -> None:
    for part in ("film/htl", "film/etl"):
        sample = part_of(pt.load("wbg-control"), part)
        _, _, split = solved(sample)
        _, _, turned = solved(sample.mirrored())
        assert turned[::-1] == pytest.approx(split, abs=1e-8)


def test_small_velocities_approach_none_continuously() -> None:
    _, _, none = solved(film())
    missing = []
    for speed in (10.0, 1.0, 0.1, 0.01):
        ends = {f"contact.{side}.{carrier}_velocity": f"{speed} cm/s"
                for side in ("front", "back") for carrier in ("electron", "hole")}  # fmt: skip
        cell = film().with_values(ends)
        assert not cell.isolated
        solver = Solver(build(cell))
        states = solver.open_circuit(solver.short_circuit(1.0), 1.0)
        fields = junction_profiles(states.parts[0])
        split = fields.electron_fermi_level[0] - fields.hole_fermi_level[0]
        missing.append(float(none.mean() - split.mean()))
    # R = n / 2 tau + 2 S n / d: the splitting falls by 2 kT ln(1 + 4 S tau / d)
    for speed, loss in zip((10.0, 1.0, 0.1, 0.01), missing, strict=True):
        assert loss == pytest.approx(
            2.0 * KT * np.log1p(4.0 * 0.01 * speed * 100e-9 / 400e-9), rel=0.02, abs=1e-9
        )


@pytest.mark.slow
@pytest.mark.parametrize("name", pt.stack.names())
def test_the_film_and_half_stacks_of_every_cell_of_the_library_are_solved_in_any_light(name: str) -> None:
    cell = pt.load(name)
    tried = 0
    for junction in getattr(cell, "cells", {None: cell}):
        for part in ("film", "film/htl", "film/etl"):
            try:
                sample = part_of(cell, part, junction=junction)
            except InputError:
                # patches, or no such layer
                continue
            solver = Solver(build(sample))
            before = -1.0
            for suns in (0.0, 1e-6, 1e-3, 1.0, 100.0, 1e4):
                states = solver.sweep([0.0], suns)
                assert states.converged.all()
                failed = {row: found for row, found in steady_checks(states).items() if not found.passed}
                assert not failed, (part, suns, failed)
                fields = junction_profiles(states.parts[0])
                split = float((fields.electron_fermi_level[0] - fields.hole_fermi_level[0]).max())
                assert split > before
                before, tried = split, tried + 1
    assert tried > 0


# --- in time -------------------------------------------------------------------------------------


def test_after_the_light_an_undoped_film_decays_with_twice_its_lifetime() -> None:
    engine = Engine(build(film()), tolerance=1e-5)
    start = engine.settled(0.0, 1.0)
    times = np.linspace(20e-9, 600e-9, 30)
    trace = engine.run([Step(float(times[-1]), OpenCircuit(), light=0.0, times=tuple(times))], start)
    vt = engine.problem.vt
    split = np.array([float((m.state.fn - m.state.fp).mean()) for m in trace.moments]) * vt
    # n = p falls as exp(-t / 2 tau), and its logarithm counts twice in the splitting
    told = -2.0 * vt / float(np.polyfit(times, split, 1)[0])
    assert told == pytest.approx(200e-9, rel=1e-3)
    assert np.abs(trace.current).max() < 1e-6 and trace.constancy.max() < 1.0


def test_in_steady_light_a_settled_half_stack_stays_as_it_is() -> None:
    engine = Engine(build(part_of(pt.load("wbg-target"), "film/htl")))
    start = engine.settled(0.0, 1.0)
    trace = engine.run([Step(1e-3, OpenCircuit(), light=1.0, points=4)], start)
    before, after = start.state, trace.moments[-1].state
    assert (after.fn - after.fp) == pytest.approx(before.fn - before.fp, abs=1e-6)


# --- what is refused -----------------------------------------------------------------------------


def test_a_current_at_a_voltage_is_refused_in_a_sentence() -> None:
    solver = Solver(build(film()))
    with pytest.raises(InputError, match=r"no contacts that carriers pass.*a voltage means nothing"):
        solver.sweep([0.0, 0.5], 1.0)
    with pytest.raises(InputError, match="a load means nothing"):
        solver.loaded(1.0, 1.0)
    state = solver.short_circuit(1.0)
    with pytest.raises(InputError, match="a small signal"):
        solver.linearised(state, 1.0)
    with pytest.raises(InputError, match="a current means nothing"):
        solver.slope(state, 1.0)
    with pytest.raises(InputError, match="a photocurrent means nothing"):
        solver.light_response(state, 1.0)
    with pytest.raises(InputError, match="open circuit"):
        engine = Engine(build(film()))
        engine.run([Step(1e-6, Voltage(0.5), light=1.0)], engine.settled(0.0, 1.0))
    with pytest.raises(InputError, match="a voltage means nothing"):
        pt.lab.jv.measure(film())


def test_a_work_function_that_nothing_would_know_of_is_refused() -> None:
    with pytest.raises(InputError, match="nothing settles its charge"):
        build(film(contact__front__work_function="5.1 eV"))


def test_a_column_that_nothing_passes_is_refused() -> None:
    columns = tuple({"name": name, "area": 0.5, "stack": film()} for name in ("one", "other"))
    with pytest.raises(InputError, match="no part of a circuit"):
        build(Parallel(name="mix", column=columns))  # type: ignore[arg-type]  # columns as data


# --- the checks see what is wrong ----------------------------------------------------------------


def test_corrupted_states_fail_the_checks_of_isolated_samples() -> None:
    solver = Solver(build(part_of(pt.load("wbg-target"), "film/htl")))
    states = solver.sweep([0.0], 1.0)
    part = states.parts[0]

    def failing(**fields: np.ndarray) -> set[str]:
        wrong = replace(states, parts=(replace(part, **fields),))  # type: ignore[arg-type]  # fields of states
        return {name for name, row in steady_checks(wrong).items() if not row.passed}

    assert failing() == set()
    # a millivolt more of splitting everywhere: more recombines than is generated
    assert "all that is generated recombines" in failing(fn=part.fn + 1e-3 / KT)
    # the potential shifted against both levels: the sample would be charged
    shifted = failing(psi=part.psi + 1e-3)
    assert "no field beyond the sample (V)" in shifted
