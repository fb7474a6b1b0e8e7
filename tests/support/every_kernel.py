"""Every compiled function once, interpreted, so that an index past the end of an array is an error.

Run as a program with NUMBA_DISABLE_JIT=1. numpy then raises IndexError where a compiled function would read or write
beyond an array. (A negative index counts from the end in numpy and is not seen.) What is done is small, but of every
kind: it prints one line of JSON with the functions that `perotwin.compiled` was given and those of them that were
called. `--shrink MODULE` takes a column from every work array that the functions of one module make, for a test that
this is seen. `--compile` runs them compiled instead, and so leaves all of them in the cache.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from perotwin import compiled as house

declared: set[str] = set()
called: set[str] = set()
#: of the meshes, as few nodes as solve
DENSITY = 0.25
DATA = Path(__file__).parents[1] / "data" / "memory"


def recorded(**_: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """In place of numba's njit: a function that says that it was called."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        name = f"{function.__module__}.{function.__qualname__}"
        declared.add(name)

        @functools.wraps(function)
        def call(*arguments: Any) -> Any:
            called.add(name)
            return function(*arguments)

        return call

    return decorate


def coarse(cell: Any) -> Any:
    """A cell on meshes of few nodes."""
    from perotwin.transport.build import build

    return build(cell, density=DENSITY)


def pair(share: float) -> Any:
    """Two unlike junctions in series on few nodes; `share` of the light of the first makes pairs in the second."""
    import series

    series.build = coarse
    return series.unlike(share)


def steady() -> None:
    """One junction with everything; each kind of statistics, of transport across faces and of ions."""
    from devices import everything
    from perotwin.transport.profiles import profiles
    from perotwin.transport.steady import Solver

    for statistics, transport, crowded in (
        ("fermi-dirac", ("continuous", "thermionic"), True),
        ("boltzmann", ("thermionic", "continuous"), False),
    ):
        found = Solver(coarse(everything(statistics, transport=transport, crowded=crowded))).sweep(
            [0.0, 0.9], 1.0
        )
        assert found.converged.all()
        profiles(found)


def reached_slowly() -> None:
    """A state that comes in pseudo-transient steps."""
    from devices import everything
    from perotwin.transport.kernels import recombination
    from perotwin.transport.kernels.circuit import Constraint
    from perotwin.transport.pseudo_transient import settle
    from perotwin.transport.steady import LONGEST, Solver

    solver = Solver(coarse(everything("fermi-dirac")))
    row = solver.dark.copy()
    device = solver.system.device
    recombination.coefficient_of(-1, device.layer[0], 1.0, 1.0)  # of no mechanism
    assert settle(
        solver.system, row, np.zeros(device.volume.size), solver.frozen_charge, Constraint(1.0, 0.0, 0.0),
        solver.tolerance, LONGEST,
    )  # fmt: skip


def species() -> None:
    """Four species and more, of one layer and of two, free and held."""
    import perotwin as pt
    from linear import three_ion_layers
    from perotwin.transport.steady import Solver

    for name in ("four-ion-species", "two-part-absorber"):
        stack = pt.load(DATA / f"{name}.toml")
        stack = stack.with_values({"light.generation": {"kind": "uniform", "rate": 1e27}})
        for made in (coarse(stack), coarse(stack).all_moving()):
            assert Solver(made).sweep([0.1], 0.5).converged.all()
    solver = Solver(coarse(three_ion_layers()))
    found = solver.sweep([0.0, 0.5], 1.0)
    assert solver.open_circuit(found.state(1), 1.0).converged.all()


def circuits() -> None:
    """Junctions in series, with light of one in the other and without, and columns side by side."""
    from columns import unlike as beside
    from perotwin.transport.steady import Solver

    for problem, voltage in ((pair(0.5), 1.5), (pair(0.0), 0.5), (coarse(beside()), 0.5)):
        solver = Solver(problem)
        found = solver.sweep([voltage], 1.0)
        assert found.converged.all()
        assert solver.open_circuit(found.state(0), 1.0).converged.all()


def in_time() -> None:
    """Steps of time of all kinds of control."""
    from devices import everything
    from linear import three_ion_layers
    from perotwin.transport.schedule import Current, Load, OpenCircuit, Step, Voltage
    from perotwin.transport.transient import Engine

    steps = [
        Step(1e-3, Voltage(0.2, 0.4), light=(0.5, 1.0), points=2),
        Step(1e-6, OpenCircuit(), 1.0),
        Step(1e-6, Load(1e-2), 1.0),
        Step(1e-6, Current(10.0), 1.0),
    ]
    for problem in (
        coarse(everything("fermi-dirac", transport=("continuous", "thermionic"))),
        coarse(three_ion_layers()),
        pair(0.5),
    ):
        engine = Engine(problem, tolerance=1.0)
        engine.run(steps, engine.settled(0.2, 0.5))


def without_contacts() -> None:
    """A sample that nothing enters or leaves, steady and in time."""
    from coarse import bare
    from devices import everything
    from perotwin.transport.schedule import OpenCircuit, Step
    from perotwin.transport.steady import Solver
    from perotwin.transport.transient import Engine

    made = coarse(bare(everything("fermi-dirac")))
    assert Solver(made).sweep([0.0], 1.0).converged.all()
    engine = Engine(made, tolerance=1.0)
    engine.run([Step(1e-6, OpenCircuit(), 1.0)], engine.settled(0.0, 0.5))


def small_signals() -> None:
    """Of one junction and of several; ions that move and ions that are held; of bias and of light."""
    from devices import everything
    from linear import three_ion_layers
    from perotwin.transport.linear_response import photocurrent_response, terminal_slope
    from perotwin.transport.sensitivity_of_spectra import FollowingSpectra
    from perotwin.transport.small_signal import Linearised
    from perotwin.transport.steady import Solver

    for problem in (coarse(everything("fermi-dirac")), coarse(three_ion_layers()), pair(0.5)):
        solver = Solver(problem.all_moving())
        state = solver.sweep([0.4], 1.0).state(0)
        for ions in ("moving", "held"):
            Linearised(solver, state, 1.0, ions).spectrum([1e2])
            FollowingSpectra(solver, []).spectrum(state, 1.0, [1e2])
        terminal_slope(solver, state)
        photocurrent_response(
            solver, state, [np.ones((2, part.device.volume.size)) for part in problem.parts]
        )


def sensitivities() -> None:
    """How currents follow numbers: one junction with everything, ions of several layers, light between junctions."""
    from devices import everything
    from linear import three_ion_layers
    from perotwin.transport.sensitivity import Following
    from perotwin.transport.steady import Solver

    for problem in (
        coarse(everything("fermi-dirac", transport=("continuous", "thermionic"))),
        coarse(three_ion_layers()),
        pair(0.5),
    ):
        solver = Solver(problem)
        assert np.isfinite(Following.by_number(solver, solver.sweep([0.3], 1.0))[0]).all()
        assert np.isfinite(Following(solver, []).sweep([0.3], 1.0)[1].by_voltage).all()


def sensitivities_in_time() -> None:
    """How runs follow numbers: one junction with everything, ions of several layers, light between junctions."""
    from devices import everything
    from linear import three_ion_layers
    from perotwin.transport.schedule import Step, Voltage
    from perotwin.transport.sensitivity_in_time import FollowingInTime, Knob
    from perotwin.transport.transient import Engine

    for problem in (
        coarse(everything("fermi-dirac", transport=("continuous", "thermionic"))),
        coarse(three_ion_layers()),
        pair(0.5),
    ):
        engine = Engine(problem)
        start = engine.settled(0.3, 1.0)
        course = FollowingInTime(engine, [], [Knob(light=1.0)]).course(start, 1.0)
        engine.run([Step(1e-9, Voltage(0.3), light=1.0, first=1e-9)], start, companion=course)
        assert np.isfinite(course.current).all()


def emission() -> None:
    """Rays through a cell with a rough face, on a grid of few energies and angles, and radiation by that law."""
    from cells import optical_cell
    from perotwin.optics import emission as rules
    from perotwin.optics import kernels
    from perotwin.transport.steady import Solver

    rules._STEP, rules._RAYS, rules._TRAPPED = 0.2, 1, 1
    cell = optical_cell(faces='[interface."niox|perovskite"]\nroughness = "2 nm"\n')
    degenerate = {"statistics": "fermi-dirac", "donor_density": "1e19 cm^-3"}
    cell = cell.with_values({f"perovskite.electronic.{key}": value for key, value in degenerate.items()})
    Solver(coarse(cell)).sweep([0.0], 1.0)
    index = np.array([1.0, 2.2, 1.5 + 1e-6j, 2.4 + 0.1j, 1.0])[:, None]
    flags, k0 = np.array([True, False, True]), np.array([2 * np.pi / 6e-7])
    for first, step in ((0, 1), (2, -1)):
        kernels.respond(
            index, np.array([8e-8, 1e-5, 2e-7]), flags, k0, np.array([[0.0], [0.7]]), first, 3, step
        )


def monolayers() -> None:
    """Deposition, delamination, holes, what fills them, and the liquid above."""
    from monolayers import MONOLAYER
    from perotwin.recipe.adsorption import Adsorption
    from perotwin.recipe.compensation import Competition, fill, sites, wash
    from perotwin.recipe.coverage import delaminate, deposit, saturate
    from perotwin.recipe.liquid import Stage, cell_faces, run

    saturate(12e-9, 1.129e-9)
    patch = deposit(1.129e-9, MONOLAYER, side=20e-9, seed=5)
    coated = delaminate(patch, MONOLAYER, [10.0, 40.0]).end
    filled = fill(coated, sites(coated, 0.567e-9), 0.8)
    washed = wash(filled, MONOLAYER, Competition.library(), [600.0]).end
    assert washed.bare_fraction >= 0.0 and washed.hole_diameters.size >= 0
    oxide = Adsorption(sites=1e18, k_on=1e-22, k_off=1e-3, solvent_competition=1.0)
    run(
        [Stage(1.0, 1e-7), Stage(0.5, 1e-7, partition=0.3, saturation=5e25)],
        1e-6,
        1e25,
        1e-10,
        oxide,
        faces=cell_faces(12),
        moments=[0.5],
        tolerance=1e-2,
    )


PARTS = (
    steady,
    reached_slowly,
    species,
    circuits,
    in_time,
    without_contacts,
    small_signals,
    sensitivities,
    sensitivities_in_time,
    emission,
    monolayers,
)


class Narrow:
    """numpy, but that its new arrays of two and more axes are a column short."""

    def __getattr__(self, name: str) -> Any:
        made = getattr(np, name)
        if name not in ("zeros", "empty"):
            return made

        def short(shape: Any, *arguments: Any, **options: Any) -> Any:
            if isinstance(shape, tuple) and len(shape) > 1:
                shape = (*shape[:-1], shape[-1] - 1)
            return made(shape, *arguments, **options)

        return short


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--shrink", metavar="MODULE")
    names = [part.__name__ for part in PARTS]
    asked.add_argument("--part", choices=names, nargs="+", default=names, help="these alone")
    asked.add_argument("--compile", action="store_true", help="run what is compiled, and keep it")
    options = asked.parse_args()
    if not options.compile:
        house.njit = recorded  # before anything that is compiled is imported
    if options.shrink:
        importlib.import_module(options.shrink).np = Narrow()  # type: ignore[attr-defined]  # a module of any name
    for part in PARTS:
        if part.__name__ not in options.part:
            continue
        begin = time.perf_counter()
        part()
        print(f"{part.__name__}: {time.perf_counter() - begin:.1f} s", file=sys.stderr)
    print(json.dumps({"declared": sorted(declared), "called": sorted(called)}))


if __name__ == "__main__":
    main()
