"""Pairs of junctions in series, made from stacks that stand by themselves, for tests of what is solved."""

from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy.optimize import brentq

from columns import another
from devices import everything
from perotwin.stack import Stack
from perotwin.transport.build import Group, Problem, build
from perotwin.transport.circuit import Circuit, Column, Light
from perotwin.transport.steady import Solver


def pair(top: Stack, bottom: Stack, share: float = 0.0) -> Problem:
    """Each stack under its own light; of the light of the top's absorber, `share` makes pairs in the bottom's."""
    problems = (build(top), build(bottom))
    parts = tuple(one.shown for one in problems)
    columns = tuple((column(stack),) for stack in (top, bottom))
    lights = ()
    if share > 0.0:
        emitter = top.electrical_layers.index(top.absorbers[0])
        here = parts[1].site_layer == bottom.electrical_layers.index(bottom.absorbers[0])
        # not evenly: more of it at the front
        profile = np.where(here, parts[1].device.volume * np.exp(-np.arange(here.size) / here.size), 0.0)
        lights = (Light(0, emitter, 1, share, profile / profile.sum()),)
    name: Any = SimpleNamespace(name="pair")
    return Problem(
        stack=name,
        parts=parts,
        names=("top", "bottom"),
        groups=(Group("top", (0,)), Group("bottom", (1,))),
        circuit=Circuit(columns),
        lights=lights,
        absorption=problems[0].absorption,
    )


def unlike(share: float = 0.0) -> Problem:
    """Two unlike junctions with charged traps, ions, a shunt, a resistor and light of one in the other."""
    return pair(everything("fermi-dirac"), another(), share)


def column(stack: Stack) -> Column:
    """The resistances that a stack states."""
    return Column(1.0, float(stack.circuit.series_resistance), stack.circuit.shunt)


def dimmed(problem: Problem, *suns: float) -> Problem:
    """The same where each junction has a light of its own."""
    made = [part * one.generation for part, one in zip(suns, problem.parts, strict=True)]
    return problem.relit(np.concatenate(made))


def current_by_root(top: Solver, bottom: Solver, voltage: float, between: tuple[float, float]) -> float:
    """Current (A m^-2) of two cells in series at a terminal voltage (V), found without a circuit: the root of
    J1(v1) = J2(V - v1), where each cell is solved by itself with all its own resistances.

    between: voltages of the top that bracket it.
    """

    def excess(v: float) -> float:
        found = [one.sweep([u], 1.0) for one, u in ((top, v), (bottom, voltage - v))]
        assert all(one.converged.all() for one in found)
        return float(found[0].current[0] - found[1].current[0])

    root = brentq(excess, *between, xtol=1e-14, rtol=1e-15)
    return float(top.sweep([root], 1.0).current[0])
