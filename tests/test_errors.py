"""Errors are sentences for people and small documents for machines, and survive a trip to another process."""

import pickle

import pytest

from perotwin.errors import ConvergenceError, InputError, PerotwinError, UnknownNameError, nearest, suggestion


def test_an_input_error_names_file_key_cause_and_cure() -> None:
    error = InputError(
        "the value is wrong.", "Write another.", file="my-cell.toml", key="perovskite.thickness"
    )
    assert str(error) == "my-cell.toml, perovskite.thickness: the value is wrong. Write another."
    assert error.to_json() == {
        "type": "InputError",
        "message": "my-cell.toml, perovskite.thickness: the value is wrong.",
        "advice": "Write another.",
    }
    assert isinstance(error, ValueError)


def test_an_unknown_name_offers_the_nearest() -> None:
    error = UnknownNameError("material", "nio", ("niox", "ito", "glass"))
    assert 'Did you mean "niox"?' in str(error)
    assert error.context["nearest"][0] == "niox"


def test_without_a_near_name_all_are_listed() -> None:
    assert suggestion("zzz", ("ito", "glass")) == 'Choose from "ito", "glass".'
    assert suggestion("zzz", ()) == ""
    assert nearest("WBG-Targt", ("wbg-target", "wbg-control")) == ("wbg-target",)


@pytest.mark.parametrize(
    "error",
    [
        PerotwinError("a.", "b.", number=3),
        InputError("a.", "b.", file="f", key="k"),
        UnknownNameError("material", "nio", ("niox",), key="k"),
        ConvergenceError("a.", "b.", voltage=1.2, state=[1], residual_history=(1.0, 0.5), stage="bias"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_cross_process_borders_whole(error: PerotwinError) -> None:
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert back.context == error.context


def test_a_convergence_error_carries_what_was_reached() -> None:
    error = ConvergenceError("it stopped.", voltage=1.2, state="s", residual_history=[1.0], stage="bias")
    assert (error.voltage, error.state, error.residual_history, error.stage) == (1.2, "s", (1.0,), "bias")
