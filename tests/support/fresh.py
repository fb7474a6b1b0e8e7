"""A fresh interpreter that can import what the tests can, for what must hold in a new process."""

import json
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


class Forks:
    """An interpreter that has run some code, of which each call goes on in a copy of its own: what is loaded there is
    loaded once. Where nothing forks each call runs both in a new interpreter.
    """

    _LOOP = """
import json, os, sys, tempfile, traceback
exec(json.loads(sys.stdin.readline()))
for line in sys.stdin:
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.dup2(said.fileno(), 1)
                os.dup2(said.fileno(), 2)
                exec(json.loads(line), {"__name__": "__main__"})
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        said.seek(0)
        print(json.dumps([code, said.read()]), flush=True)
"""

    def __init__(self, before: str) -> None:
        self.before = before
        self._process: subprocess.Popen[str] | None = None

    def __call__(self, code: str) -> tuple[int, str]:
        """The exit code, and what was printed."""
        if not hasattr(os, "fork"):
            done = python("-c", f"{self.before}\n{code}")
            return done.returncode, done.stdout + done.stderr
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-c", self._LOOP],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", env=environment(),
            )  # fmt: skip
            self._say(self.before)
        self._say(code)
        assert self._process.stdout is not None
        returncode, said = json.loads(self._process.stdout.readline())
        return int(returncode), str(said)

    def _say(self, code: str) -> None:
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(json.dumps(code) + "\n")
        self._process.stdin.flush()

    def close(self) -> None:
        """End the interpreter."""
        if self._process is not None:
            self._process.communicate()
            self._process = None


def wait_until(seen: Callable[[], bool], process: subprocess.Popen[str], most: float = 120) -> None:
    """Until something is seen of a running process; one of which nothing is seen for `most` s is ended."""
    until = time.monotonic() + most
    while not seen():
        assert process.poll() is None, "it ended before"
        if time.monotonic() > until:
            process.kill()
            raise TimeoutError(f"nothing was seen of it in {most:g} s")
        time.sleep(0.05)
