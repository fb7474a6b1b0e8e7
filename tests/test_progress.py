"""Progress reaches whoever listens, and only them."""

import pytest

from perotwin import progress


class Recorder(progress.Silent):
    def __init__(self) -> None:
        self.heard: list[object] = []

    def note(self, text: str) -> None:
        self.heard.append(text)

    def begin(self, label: str, total: float | None) -> str:
        self.heard.append(("begin", label, total))
        return label

    def advance(self, key: object, amount: float, label: str | None) -> None:
        self.heard.append(("advance", key, amount))

    def end(self, key: object) -> None:
        self.heard.append(("end", key))


def test_a_note_without_a_listener_is_a_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    progress.note("compiling the solver, once")
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "perotwin: compiling the solver, once\n"


def test_a_listener_hears_notes_and_counts_in_order() -> None:
    recorder = Recorder()
    with progress.listening(recorder), progress.task("sweep", total=2) as job:
        job.advance()
        progress.note("half way")
    assert recorder.heard == [("begin", "sweep", 2), ("advance", "sweep", 1), "half way", ("end", "sweep")]


def test_a_task_ends_when_the_job_fails() -> None:
    recorder = Recorder()
    with progress.listening(recorder), pytest.raises(ZeroDivisionError), progress.task("sweep"):
        _ = 1 / 0
    assert recorder.heard[-1] == ("end", "sweep")


def test_listeners_nest_and_are_taken_off_again(capsys: pytest.CaptureFixture[str]) -> None:
    outer, inner = Recorder(), Recorder()
    with progress.listening(outer):
        with progress.listening(inner):
            progress.note("in")
        progress.note("out")
    assert (outer.heard, inner.heard) == (["out"], ["in"])
    progress.note("alone")
    assert "alone" in capsys.readouterr().err


def test_rich_listener_writes_notes_to_stderr_only(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.RichListener() as listener, progress.listening(listener):
        with progress.task("J-V", total=3) as job:
            job.advance()
            job.advance(1, label="J-V, second half")
        progress.note("[kept as written]")
    out, err = capsys.readouterr()
    assert out == ""
    assert "[kept as written]" in err
