"""States on a finer mesh from those on a coarser one: the same as the finer mesh's own, also where its own way ends."""

from typing import Any

import numpy as np
import pytest

from devices import everything
from perotwin.errors import ConvergenceError
from perotwin.stack import Tandem
from perotwin.transport.build import build
from perotwin.transport.checks import steady_checks
from perotwin.transport.kernels.rows import state_in
from perotwin.transport.mesh import DENSITY
from perotwin.transport.nested import _along, prolonged
from perotwin.transport.refinement import refined
from perotwin.transport.steady import Solver
from tandems import plain
from wide_tandem_draw import FIRST_SEED, tandem


@pytest.fixture(params=["cell", "tandem"])
def problems(request: Any) -> Any:
    """A cell, or two in series, on the usual mesh and on one of half the intervals."""
    drawn = everything("fermi-dirac") if request.param == "cell" else plain((6e27, 5e27))
    return build(drawn), build(drawn, density=2.0 * DENSITY)


def no_way(*_: Any) -> Any:
    raise ConvergenceError("there is no other way.", "Take the coarser mesh's.")


def test_a_finer_mesh_begins_where_the_coarser_one_is(problems: Any, monkeypatch: Any) -> None:
    own = Solver(problems[1]).sweep([0.0, 0.4], 1.0)
    coarse = Solver(problems[0])
    coarse.short_circuit(1.0)
    monkeypatch.setattr(Solver, "_from_the_dark", no_way)
    nested = Solver(problems[1], coarser=coarse).sweep([0.0, 0.4], 1.0)
    assert nested.converged.all()
    assert nested.current == pytest.approx(own.current, rel=1e-9)
    with pytest.raises(ConvergenceError):
        Solver(problems[1]).short_circuit(1.0)


def test_a_state_that_is_kept_is_not_what_is_given_away() -> None:
    solver = Solver(build(everything("boltzmann")))
    first = solver.short_circuit(1.0)
    first.row[:] = np.nan
    assert np.isfinite(solver.short_circuit(1.0).row).all()
    # the same suns that make other pairs are another light
    brighter = solver.relit(2.0 * solver.generation)
    assert brighter.sweep([0.0], 1.0).current[0] == pytest.approx(
        solver.sweep([0.0], 2.0).current[0], rel=1e-9
    )


def test_prolonged_states_are_smooth_and_keep_their_nodes() -> None:
    coarse = Solver(build(everything("fermi-dirac")))
    fine = Solver(refined(coarse.problem), coarser=coarse)
    state = coarse.sweep([0.5], 1.0).state(0)
    made = prolonged(coarse, fine, state)
    assert made is not None
    old, new = state_in(coarse.system.device, state.row), state_in(fine.system.device, made.row)
    assert new.psi[::2] == pytest.approx(old.psi, abs=1e-12)


def test_a_parabola_is_prolonged_exactly_and_all_else_to_the_third_order() -> None:
    wanted = np.linspace(0.0, 1.0, 301)
    errors = []
    for count in (20, 40, 80):
        x = np.sin(0.5 * np.pi * np.linspace(0.0, 1.0, count)) ** 2
        assert _along(x, 1.0 - 3.0 * x + 2.0 * x * x, wanted) == pytest.approx(
            1.0 - 3.0 * wanted + 2.0 * wanted**2, abs=1e-13
        )
        errors.append(np.abs(_along(x, np.exp(3.0 * x), wanted) - np.exp(3.0 * wanted)).max())
    assert errors[0] / errors[1] > 7.0 and errors[1] / errors[2] > 7.0


def test_states_of_another_cell_are_none() -> None:
    one, two = Solver(build(everything("fermi-dirac"))), Solver(build(plain((6e27, 5e27))))
    assert prolonged(one, two, one.short_circuit(1.0)) is None


def test_ions_are_held_where_the_coarser_mesh_has_found_them() -> None:
    # on the mesh twice as fine they are not found from the dark
    drawn = Tandem.from_data(tandem(FIRST_SEED + 88), bare_numbers=True)
    coarse = Solver(build(drawn, density=2.0 * DENSITY))
    fine = Solver(refined(coarse.problem), coarser=coarse)
    numbers = [float(one.frozen_density @ one.system.device.volume) for one in (coarse, fine)]
    assert numbers[1] == pytest.approx(numbers[0], rel=1e-8)
    (settled,) = fine.settled.items()
    (bias, light), state = settled
    again = fine.moving.sweep([bias], light, state)
    assert all(row.passed for row in steady_checks(again).values())
