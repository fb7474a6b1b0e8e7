"""A fresh interpreter that can import what the tests can, for what must hold in a new process."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

SUPPORT = Path(__file__).parent
SRC = SUPPORT.parents[1] / "src"


def environment(**extra: str) -> dict[str, str]:
    """The environment of a child process: this one's, and the paths that pytest adds for the tests."""
    paths = [str(SRC), str(SUPPORT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **extra}


def python(*arguments: str, timeout: float = 300, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run the interpreter with ``arguments`` and return what it said; ``extra`` goes into its environment."""
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=environment(**extra),
    )


def perotwin(*arguments: str, timeout: float = 300, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user does, in a process of its own."""
    start = "from perotwin.cli import main; main()"
    return python("-c", start, *arguments, timeout=timeout, **extra)


def wait_until(seen: Callable[[], bool], process: subprocess.Popen[str], most: float = 120) -> None:
    """Until something is seen of a running process; one of which nothing is seen for `most` s is ended."""
    until = time.monotonic() + most
    while not seen():
        assert process.poll() is None, "it ended before"
        if time.monotonic() > until:
            process.kill()
            raise TimeoutError(f"nothing was seen of it in {most:g} s")
        time.sleep(0.05)
