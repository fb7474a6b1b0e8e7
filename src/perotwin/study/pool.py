"""Many small jobs, in this process or in several; what fails is recorded, what is done when it is stopped is kept.

    with Pool(job, processes=2) as pool:
        for index, outcome in pool.each(items, "21 x 21 cells"):
            ...

Processes are started afresh (spawn), so that they are alike on every system, with one thread each: the jobs
are the parallel part. A script that asks for more than one must keep its own work under `if __name__ == "__main__":`.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from perotwin import progress
from perotwin.errors import InputError, PerotwinError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

__all__ = ["Outcome", "Pool", "at_most"]

T = TypeVar("T")
A = TypeVar("A")

#: libraries that would each take all cores
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_UNGUARDED = "a script that asks for several processes does its work as soon as it is read."
_GUARD = 'Put the work under if __name__ == "__main__":, or ask for one process.'


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What a job gave, or why it failed, as a sentence."""

    result: T | None = None
    failure: str | None = None


def at_most(processes: int | None) -> int:
    """How many processes to use: as many as asked for, or the cores that this process may use.

    Raises:
        InputError: fewer than one.
    """
    if processes is None:
        try:
            return len(os.sched_getaffinity(0))
        except AttributeError:  # not on every system
            return os.cpu_count() or 1
    if processes < 1:
        raise InputError(f"{processes} processes do nothing.", "Ask for at least 1.", key="processes")
    return processes


class Pool(Generic[A, T]):
    """Does one job on many items. Use it as a context manager.

    Args:
        job: done on each item; for several processes it must be importable by name, and pickled with its items.
        processes: 1 does everything in this process, None uses all cores.
        patient: whether jobs that run are waited for when the block is left by an exception, such as Ctrl-C; of jobs
            that take many seconds the processes are better ended.
    """

    def __init__(self, job: Callable[[A], T], processes: int | None = 1, *, patient: bool = True) -> None:
        self.job = job
        self.processes = at_most(processes)
        self.patient = patient
        self._lifeline: Connection | None = None
        self._executor: ProcessPoolExecutor | None = None
        self._open = ExitStack()

    def __enter__(self) -> Self:
        if self.processes == 1:
            from perotwin.optics.reuse import reusing

            self._open.enter_context(reusing())
            return self
        from multiprocessing import Pipe, current_process, get_context

        if getattr(current_process(), "_inheriting", False):
            # a worker that is just starting reads the script again, and has come here once more
            raise PerotwinError(_UNGUARDED, _GUARD)
        self._open.enter_context(_one_thread())
        ends, self._lifeline = Pipe(duplex=False)
        self._executor = ProcessPoolExecutor(
            self.processes, mp_context=get_context("spawn"), initializer=_begin, initargs=(self.job, ends)
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._executor is not None:
            if kind is not None and not self.patient and self._lifeline is not None:
                self._lifeline.close()
            # what runs is a fraction of a second from its end
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = None
        self._open.close()

    def one(self, item: A) -> Outcome[T]:
        """Do the job on one item and wait for it; from several threads it is done side by side."""
        if self._executor is None:
            return _done(self.job, item)
        return _outcome(self._submit(item))

    def each(self, items: Sequence[A], label: str) -> Iterator[tuple[int, Outcome[T]]]:
        """Do the job on all items: index and outcome of each as it is done, in no fixed order.

        Raises:
            KeyboardInterrupt: when stopped; those that were given before are done.
        """
        with progress.task(label, total=len(items)) as counter:
            if self._executor is None:
                for index, item in enumerate(items):
                    yield index, _done(self.job, item)
                    counter.advance()
                return
            waiting = {self._submit(item): index for index, item in enumerate(items)}
            while waiting:
                ready, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in sorted(ready, key=waiting.__getitem__):
                    yield waiting.pop(future), _outcome(future)
                    counter.advance()

    def all(self, items: Sequence[A], label: str) -> list[Outcome[T]]:
        """Do the job on all items: the outcomes in their order."""
        done = dict(self.each(items, label))
        return [done[index] for index in range(len(items))]

    def begun(self, items: Sequence[A]) -> list[Callable[[], Outcome[T]]]:
        """Begin the job on all items, in their order. Each that is returned waits for its outcome; in this process the
        job is done when it is called."""
        if self._executor is None:
            return [partial(_done, self.job, item) for item in items]
        return [partial(_outcome, self._submit(item)) for item in items]

    def _submit(self, item: A) -> Future[Outcome[T]]:
        assert self._executor is not None
        try:
            return self._executor.submit(_work, item)
        except RuntimeError as fault:  # a broken pool takes nothing any more
            failed: Future[Outcome[T]] = Future()
            failed.set_exception(fault)
            return failed


def _outcome(future: Future[Outcome[T]]) -> Outcome[T]:
    from concurrent.futures.process import BrokenProcessPool

    try:
        return future.result()
    except BrokenProcessPool:
        return Outcome(failure=f"a worker process ended, for want of memory or because {_UNGUARDED} {_GUARD}")
    except Exception as fault:  # what could not be sent there or back
        return Outcome(failure=_words(fault))


def _done(job: Callable[[A], T], item: A) -> Outcome[T]:
    """A job done, or why it could not be."""
    try:
        return Outcome(job(item))
    except Exception as fault:
        # One point of hundreds must not cost the others, whatever went wrong there: it is recorded in words.
        return Outcome(failure=_words(fault))


def _words(fault: Exception) -> str:
    if isinstance(fault, PerotwinError):
        return str(fault)
    return f"perotwin met a fault of its own ({type(fault).__name__}: {fault})."


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let processes that start inside the block use one thread each."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


# --- in a worker process -----------------------------------------------------------------------------------------

#: the job of this worker process; set once when it starts
_job: Callable[[Any], Any] | None = None
#: what is kept open as long as the process lives
_kept_open = ExitStack()


def _begin(job: Callable[[Any], Any], lifeline: Connection) -> None:
    """Make a worker process ready: Ctrl-C is the parent's business, and so is what a person reads."""
    global _job
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(lifeline,), daemon=True).start()
    from perotwin.optics.reuse import reusing

    _job = job
    _kept_open.enter_context(progress.listening(progress.Silent()))
    _kept_open.enter_context(reusing())


def _end_with_parent(lifeline: Connection) -> None:
    """Wait until the parent is gone or lets go of the other end, and end this process: a parent that was killed tells
    its workers nothing, and they would wait for work for ever."""
    from multiprocessing import parent_process
    from multiprocessing.connection import wait as until

    parent = parent_process()
    assert parent is not None  # this is a worker
    until([parent.sentinel, lifeline])
    os._exit(1)


def _work(item: Any) -> Outcome[Any]:
    assert _job is not None
    return _done(_job, item)
