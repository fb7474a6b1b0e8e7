"""What every command shares: where words, tables, JSON and errors go, and which exit code they end in.

With ``--json`` stdout carries one JSON document and nothing else; tables, progress and warnings go to stderr.
Exit codes: 0 fine, 1 a cell or one of its checks failed (the others are still reported), 2 usage or input,
130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from perotwin.cli import streams
from perotwin.errors import InputError, PerotwinError

if TYPE_CHECKING:
    from perotwin.measurement import Check

__all__ = ["Output", "command", "show_error"]

FAILED, WRONG, INTERRUPTED = 1, 2, 130
#: width of tables that go into a file or a pipe, where there is no terminal to fit
_PIPE_WIDTH = 160


class Output:
    """The voice of one command; made by :func:`command`."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.results: list[Mapping[str, Any]] = []
        self.errors: list[PerotwinError] = []
        self.doubtful = False
        self._console: Any = None

    @property
    def console(self) -> Any:
        """Where tables and sentences go: stdout, or stderr when stdout is for JSON."""
        if self._console is None:
            from rich.console import Console
            from rich.errors import MarkupError
            from rich.text import Text

            class Literal(Console):
                """A console that prints what only looks like markup, "[/mine]" in the name of a layer, as it stands."""

                def render_str(self, text: str, **options: Any) -> Text:
                    try:
                        return super().render_str(text, **options)
                    except MarkupError:
                        return Text(text)

            stream = sys.stderr if self.as_json else sys.stdout
            width = None if stream.isatty() else _PIPE_WIDTH
            self._console = Literal(file=stream, width=width, highlight=False, emoji=False)
        return self._console

    def table(self, table: Any) -> None:
        """Print a table."""
        self.console.print(table)

    def say(self, text: str, style: str | None = None) -> None:
        """Print a sentence, as it is."""
        self.console.print(text, markup=False, style=style, soft_wrap=True)

    def notes(self, datasets: Mapping[str, Any]) -> None:
        """Say what a reader of these results must know, such as an extrapolation; alike ones once."""
        from perotwin.measurement import notes_of

        said: dict[str, list[str]] = {}
        for name, dataset in datasets.items():
            for note in notes_of(dataset):
                said.setdefault(note, []).append(name)
        for note, names in said.items():
            self.say(f"{', '.join(names)}: {note}")

    def checks(self, named: Mapping[str, Mapping[str, Check]]) -> None:
        """Say how many checks hold, and show those that do not; data, JSON and report have all of them."""
        counted = {
            name: (sum(item.passed for item in items.values()), len(items)) for name, items in named.items()
        }
        words = [f"{name}: {good} of {all_} checks hold" for name, (good, all_) in counted.items() if all_]
        if words:
            self.say("; ".join(words))
        failed = {check for items in named.values() for check, item in items.items() if not item.passed}
        if failed:
            from perotwin.report import tables

            shown = {
                name: {check: item for check, item in items.items() if check in failed}
                for name, items in named.items()
            }
            self.table(tables.checks(shown))

    def look_at(self, name: str, checks: Mapping[str, Check], dataset: Any = None) -> None:
        """Warn when a check fails or points of a curve are missing; the exit code then says that a cell failed."""
        faults = [f'the check "{check}" fails' for check, item in checks.items() if not item.passed]
        if dataset is not None and "current_density" in dataset:
            missing = int(dataset["current_density"].isnull().sum())
            if missing:
                faults.append(f"{missing} of {dataset['current_density'].size} points have no solution")
        if faults:
            self.doubtful = True
            print(f"warning: {name}: {'; '.join(faults)}.", file=sys.stderr, flush=True)

    def result(self, entry: Mapping[str, Any]) -> None:
        """Add a result to the JSON document."""
        self.results.append(entry)

    def failed(self, name: str, error: PerotwinError, **entry: Any) -> None:
        """Record that a cell failed; the command goes on with the others."""
        from perotwin.report import machine

        self.errors.append(error)
        self.results.append({"stack": name, **entry, **machine.error_entry(error)})
        show_error(error, name)

    @property
    def code(self) -> int:
        """The exit code of what has happened so far."""
        if not self.errors:
            return FAILED if self.doubtful else 0
        only_failures = len(self.errors) == len(self.results)
        return (
            WRONG if only_failures and all(isinstance(item, InputError) for item in self.errors) else FAILED
        )

    def write(self, error: PerotwinError | None = None) -> None:
        """Put the JSON document on stdout, if that was asked for."""
        if not self.as_json:
            return
        from perotwin.report import machine

        if error is None and self.errors and len(self.errors) == len(self.results):
            error = self.errors[0]
        text = machine.to_text(machine.document(self.results, error))
        print(streams.sayable_json(text, sys.stdout), flush=True)


@contextmanager
def command(as_json: bool = False) -> Iterator[Output]:
    """Run a command's body: progress to stderr, errors as sentences, the exit code at the end.

    Raises
    ------
    SystemExit
        With the exit code, unless it is 0.
    """
    from perotwin import progress

    output = Output(as_json)
    error: PerotwinError | None = None
    code = 0
    try:
        with progress.RichListener() as listener, progress.listening(listener):
            yield output
        code = output.code
    except KeyboardInterrupt:
        count = len(output.results)
        done = (
            f"{count} result{'s' if count != 1 else ''} done before that {'are' if count != 1 else 'is'} kept"
        )
        error = PerotwinError("interrupted.", f"{done}." if count else "Nothing was finished.")
        show_error(error)
        code = INTERRUPTED
    except PerotwinError as problem:
        error = problem
        show_error(error)
        code = WRONG if isinstance(error, InputError) else FAILED
    except BrokenPipeError:
        _close_stdout()
        raise SystemExit(FAILED) from None
    except OSError as problem:
        # a disk that is full, a file that another program holds: the machine's fault and not ours
        error = PerotwinError(
            f"a file could not be read or written ({problem}).",
            "Check the disk and the permissions, and try again.",
        )
        show_error(error)
        code = FAILED
    except Exception as fault:
        error = _own_fault(fault)
        show_error(error)
        code = FAILED
    try:
        output.write(error)
    except BrokenPipeError:
        _close_stdout()
        raise SystemExit(FAILED) from None
    if code:
        raise SystemExit(code)


def _own_fault(fault: Exception) -> PerotwinError:
    """A fault of perotwin itself, as a sentence; with PEROTWIN_TRACEBACK set it is raised instead."""
    if os.environ.get("PEROTWIN_TRACEBACK"):
        raise fault
    return PerotwinError(
        f"perotwin met a fault of its own ({type(fault).__name__}: {fault}).",
        "Please report it with the command that you gave; PEROTWIN_TRACEBACK=1 shows where it arose.",
    )


def show_error(error: PerotwinError, name: str = "") -> None:
    """An error on stderr: what is wrong, then what to do about it."""
    document = error.to_json()
    start = f"{name}: " if name and not document["message"].startswith(name) else ""
    print(f"error: {start}{document['message']}", file=sys.stderr)
    if document["advice"]:
        print(f"       {document['advice']}", file=sys.stderr, flush=True)


def _close_stdout() -> None:
    """The reader has gone (``| head``): say nothing more, and leave the interpreter's last flush no pipe."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
