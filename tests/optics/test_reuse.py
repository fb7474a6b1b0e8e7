"""Inside `reusing` the optics of a cell that light sees alike are solved once, and are what they would be anyway."""

from collections.abc import Iterator

import numpy as np
import pytest

import perotwin as pt
from perotwin.errors import InputError
from perotwin.optics import absorb, emission, emit, generation
from perotwin.optics.reuse import reusing, seen
from perotwin.study import resolve

CELL = "edge-reference"


@pytest.fixture
def cell() -> pt.Stack:
    return pt.load(CELL)


@pytest.fixture
def solved(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What was really solved."""
    done: list[str] = []
    films = generation.films

    def counted(stack: pt.Stack) -> object:
        done.append(stack.name)
        return films(stack)

    monkeypatch.setattr(generation, "films", counted)
    monkeypatch.setattr(emission, "films", counted)
    yield done


FACES = np.array([0.0, 10e-9, 235e-9, 460e-9, 480e-9, 495e-9])


def test_what_light_does_not_see_is_not_solved_again(cell: pt.Stack, solved: list[str]) -> None:
    with reusing():
        first = absorb(cell, FACES), emit(cell)
        other = cell.with_values({"perovskite.hole_mobility": "3 cm^2/(V s)", "contact.front.work_function": "5.2 eV",
                                  "perovskite.trap.1.electron_lifetime": "1 us", "name": "other"})  # fmt: skip
        assert absorb(other, FACES) is first[0]
        assert emit(other) is first[1]
    assert len(solved) == 2


def test_what_light_sees_is(cell: pt.Stack, solved: list[str]) -> None:
    with reusing():
        whole = absorb(cell, FACES)
        for path, value in (
            ("perovskite.bandgap", "1.7 eV"),
            ("perovskite.urbach_energy", "16 meV"),
            ("perovskite|c60.roughness", "5 nm"),
            ("ito.thickness", "90 nm"),
            ("light.intensity", 0.5),
        ):
            values = {path: value}
            assert absorb(cell.with_values(values), FACES) is not whole, values
        assert absorb(cell, FACES[[0, 1, 3, 4, 5]]) is not whole
        assert absorb(cell, FACES) is whole
    assert len(solved) == 7


def test_outside_every_call_is_solved(cell: pt.Stack, solved: list[str]) -> None:
    with reusing():
        emit(cell)
    emit(cell)
    emit(cell)
    assert len(solved) == 3


def test_the_oldest_are_forgotten(cell: pt.Stack, solved: list[str]) -> None:
    with reusing(most=2):
        for thickness in (80, 90, 100, 80):
            emit(cell.with_values({"ito.thickness": f"{thickness} nm"}))
    assert len(solved) == 4


def test_a_failure_is_not_kept(cell: pt.Stack) -> None:
    with reusing():
        for _ in range(2):
            with pytest.raises(InputError, match="boundaries"):
                absorb(cell, FACES[[0, 5]])


@pytest.mark.parametrize("name", [CELL, pytest.param("tandem-target", marks=pytest.mark.slow)])
def test_no_number_that_light_sees_is_taken_for_one_that_it_does_not(name: str) -> None:
    """Each number of a cell in turn: where the optics say that the cell looks alike, they are the same to the bit."""
    from perotwin.transport.build import build

    cell = pt.load(name)
    alike = 0
    with_all = {path: value for path, value in cell.quantities().items() if value != 0.0}
    base = build(cell)
    for path in with_all:
        field = resolve(cell, path)
        made = cell.with_values(
            {path: field.text(field.now * 1.01 if field.dimension != "temperature" else 300.0)}
        )
        if seen(made) != seen(cell):
            continue
        alike += 1
        for before, after in zip(base.parts, build(made).parts, strict=True):
            if before.mesh.control_faces.size == after.mesh.control_faces.size:
                assert np.array_equal(before.generation, after.generation), path
            for layer in before.emission.absorbers:
                assert before.emission.net_current(layer) == after.emission.net_current(layer), path
    assert alike > 25
