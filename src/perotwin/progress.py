"""Progress: what a long job says about itself while it runs.

Library code calls :func:`note` (a sentence) and :func:`task` (a counted job). Who listens is decided by the
caller with :func:`listening`; without a listener a note goes to stderr as a plain line and a count is
silent, so a script and a notebook still learn, for example, that the solver is being compiled. The listener
is held in a context variable: nested and threaded jobs each have their own.

    with progress.task("J-V of wbg-target", total=131) as job:
        for voltage in voltages:
            ...
            job.advance()
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Protocol

__all__ = ["Listener", "RichListener", "Silent", "Task", "listening", "note", "task"]


class Listener(Protocol):
    """Receives progress. ``begin`` returns a key by which ``advance`` and ``end`` name the same job."""

    def note(self, text: str) -> None: ...

    def begin(self, label: str, total: float | None) -> Any: ...

    def advance(self, key: Any, amount: float, label: str | None) -> None: ...

    def end(self, key: Any) -> None: ...


class Silent:
    """A listener that says nothing; the base of those that say something."""

    def note(self, text: str) -> None:
        return None

    def begin(self, label: str, total: float | None) -> Any:
        return None

    def advance(self, key: Any, amount: float, label: str | None) -> None:
        return None

    def end(self, key: Any) -> None:
        return None


class _PlainNotes(Silent):
    """The default: notes as lines on stderr, no bars."""

    def note(self, text: str) -> None:
        print(f"perotwin: {text}", file=sys.stderr, flush=True)


class RichListener(Silent):
    """Notes and progress bars on stderr, drawn with rich. Use as a context manager.

    On a stderr that is not a terminal only the notes are written, as lines, so that a log stays readable.
    """

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._console = Console(stderr=True, highlight=False)
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=32),
            TextColumn("{task.percentage:3.0f}%"),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )

    def __enter__(self) -> RichListener:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def note(self, text: str) -> None:
        self._console.print(text, style="dim", markup=False, soft_wrap=True)

    def begin(self, label: str, total: float | None) -> Any:
        return self._bars.add_task(label, total=total)

    def advance(self, key: Any, amount: float, label: str | None) -> None:
        if label is None:
            self._bars.update(key, advance=amount)
        else:
            self._bars.update(key, advance=amount, description=label)

    def end(self, key: Any) -> None:
        self._bars.remove_task(key)


_listener: ContextVar[Listener | None] = ContextVar("perotwin_progress_listener", default=None)
_default = _PlainNotes()


def _current() -> Listener:
    return _listener.get() or _default


@contextmanager
def listening(listener: Listener) -> Iterator[Listener]:
    """Send the progress of everything called inside the block to ``listener``."""
    token = _listener.set(listener)
    try:
        yield listener
    finally:
        _listener.reset(token)


def note(text: str) -> None:
    """Say one sentence to whoever listens: what is being done and about how long it takes."""
    _current().note(text)


class Task:
    """A counted job; made by :func:`task`, ended by leaving its ``with`` block."""

    def __init__(self, listener: Listener, label: str, total: float | None) -> None:
        self._listener = listener
        self._key = listener.begin(label, total)

    def advance(self, amount: float = 1, label: str | None = None) -> None:
        """Count ``amount`` more as done, and change what is shown to ``label`` if given."""
        self._listener.advance(self._key, amount, label)

    def __enter__(self) -> Task:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.end(self._key)


def task(label: str, total: float | None = None) -> Task:
    """Begin a counted job of ``total`` steps (None: unknown); use it as a context manager."""
    return Task(_current(), label, total)
