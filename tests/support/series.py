"""Pairs of junctions in series, made from stacks that stand by themselves, for tests of what is solved."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from perotwin.stack import Stack
from perotwin.transport.build import build
from perotwin.transport.tandem import Coupling, TandemProblem


def pair(top: Stack, bottom: Stack, share: float = 0.0) -> TandemProblem:
    """Each stack under its own light; of the light of the top's absorber, `share` makes pairs in the bottom's."""
    problems = (build(top), build(bottom))
    resistance = sum(float(stack.circuit.series_resistance) for stack in (top, bottom))
    coupling = None
    if share > 0.0:
        emitter = top.electrical_layers.index(top.absorbers[0])
        here = problems[1].site_layer == bottom.electrical_layers.index(bottom.absorbers[0])
        # not evenly: more of it at the front
        profile = np.where(here, problems[1].device.volume * np.exp(-np.arange(here.size) / here.size), 0.0)
        coupling = Coupling(share, emitter, profile / profile.sum())
    name: Any = SimpleNamespace(name="pair")
    return TandemProblem(name, problems, problems[0].absorption, resistance, coupling)


def dimmed(problem: TandemProblem, *suns: float) -> TandemProblem:
    """The same where each junction has a light of its own."""
    top, bottom = (
        replace(one, generation=part * one.generation)
        for one, part in zip(problem.junctions, suns, strict=True)
    )
    return replace(problem, junctions=(top, bottom))
