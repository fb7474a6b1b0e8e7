"""A sweep sets one field to evenly spaced values, records what fails and goes on."""

import pytest

import perotwin as pt
from perotwin import study
from perotwin.errors import ConvergenceError, InputError


@pytest.fixture
def cell() -> pt.Stack:
    return pt.load("cell-a")


def test_values_are_in_the_unit_of_the_start_and_include_both_ends(cell: pt.Stack) -> None:
    assert study.values(cell, "perovskite.thickness", "300 nm", "0.6 um", 4) == [
        "300 nm", "400 nm", "500 nm", "600 nm",
    ]  # fmt: skip


def test_logarithmic_values(cell: pt.Stack) -> None:
    path = "perovskite.electron_mobility"
    assert study.values(cell, path, "1e-2 cm^2/(V s)", "1e2 cm^2/(V s)", 5, log=True) == [
        f"{number} cm^2/(V s)" for number in ("0.01", "0.1", "1", "10", "100")
    ]


def test_a_field_without_unit_and_one_with_an_offset_unit(cell: pt.Stack) -> None:
    assert study.values(cell, "perovskite.permittivity", "10", "20", 3) == ["10", "15", "20"]
    assert study.values(cell, "temperature", "25 degC", "85 degC", 3) == ["25 degC", "55 degC", "85 degC"]


def test_a_field_that_the_cell_leaves_to_its_default_can_be_varied(cell: pt.Stack) -> None:
    written = study.values(cell, "circuit.series_resistance", "0 ohm cm^2", "10 ohm cm^2", 3)
    points = list(study.sweep(cell, "circuit.series_resistance", written, lambda c: c.circuit))
    assert [float(point.result.series_resistance) for point in points] == pytest.approx([0, 5e-4, 1e-3])


@pytest.mark.parametrize(
    ("path", "start", "stop", "steps", "log"),
    [
        ("perovskite.thicknes", "300 nm", "600 nm", 3, False),
        ("perovskite.thickness", "300", "600 nm", 3, False),
        ("perovskite.thickness", "-300 nm", "600 nm", 3, False),
        ("perovskite.thickness", "300 nm", "600 nm", 1, False),
        ("perovskite.role", "absorber", "etl", 3, False),
        ("contact.front.electron_velocity", "0 cm/s", "1 cm/s", 3, True),
    ],
)
def test_a_sweep_that_makes_no_sense_is_refused(
    cell: pt.Stack, path: str, start: str, stop: str, steps: int, log: bool
) -> None:
    with pytest.raises(InputError):
        study.values(cell, path, start, stop, steps, log=log)


def test_a_failed_point_is_recorded_and_the_sweep_goes_on(cell: pt.Stack) -> None:
    def job(changed: pt.Stack) -> float:
        thickness = float(changed.get("perovskite.thickness"))
        if abs(thickness - 400e-9) < 1e-12:
            raise ConvergenceError("no solution.", "Try another.", voltage=1.0)
        return thickness

    points = list(study.sweep(cell, "perovskite.thickness", ["300 nm", "400 nm", "500 nm"], job))
    assert [point.result for point in points] == [pytest.approx(300e-9), None, pytest.approx(500e-9)]
    assert isinstance(points[1].error, ConvergenceError)
    assert (points[1].number, points[1].unit) == (400, "nm")


def test_an_impossible_value_is_a_failed_point(cell: pt.Stack) -> None:
    (point,) = study.sweep(cell, "perovskite.thickness", ["-1 nm"], lambda c: c)
    assert isinstance(point.error, InputError)
    assert point.number == -1


def test_what_was_done_before_an_interruption_is_kept(cell: pt.Stack) -> None:
    def job(changed: pt.Stack) -> float:
        if float(changed.get("perovskite.thickness")) > 350e-9:
            raise KeyboardInterrupt
        return 1.0

    done = []
    with pytest.raises(KeyboardInterrupt):
        done.extend(study.sweep(cell, "perovskite.thickness", ["300 nm", "400 nm"], job))
    assert [point.result for point in done] == [1.0]
