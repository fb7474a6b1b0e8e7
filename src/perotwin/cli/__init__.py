"""The command line: one file a command, each a thin face of the library."""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Sequence

__all__ = ["main"]

INTERRUPTED = 130
#: objects made and not freed between two looks for cycles among them
_BETWEEN_LOOKS = 200_000


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; leaves with SystemExit.

    Parameters
    ----------
    arguments
        As after the program's name; ``sys.argv[1:]`` when absent.
    """
    from perotwin.cli import streams

    _look_for_cycles_rarely()
    given = list(sys.argv[1:] if arguments is None else arguments)
    streams.make_sayable()
    try:
        from perotwin.cli.app import program

        code = program()(args=given, prog_name="perotwin", standalone_mode=False)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as error:
        if type(error).__name__ == "Abort":  # what typer makes of an interruption between commands
            raise SystemExit(INTERRUPTED) from None
        # typer has its own copy of click's exceptions, older versions click's; both know their code and
        # words.
        if not hasattr(error, "exit_code") or not hasattr(error, "format_message"):
            raise
        code = error.exit_code
        _usage(error, "--json" in given)
    raise SystemExit(code if isinstance(code, int) else 0)


def _look_for_cycles_rarely() -> None:
    """Python looks for garbage in cycles each 700 objects: through all that a command imports, and which stays, that
    is a fifth of a short command's time. At the end there is nothing to look for: the process goes."""
    gc.set_threshold(_BETWEEN_LOOKS, *gc.get_threshold()[1:])
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)


def _usage(error: Exception, as_json: bool) -> None:
    """A wrong command line: how it should look, and as JSON where a program is listening."""
    from perotwin.cli import former
    from perotwin.cli.output import Output
    from perotwin.errors import InputError

    show = getattr(error, "show", None)
    if show is not None:
        show(file=sys.stderr)
    words = str(getattr(error, "format_message", lambda: error)())
    cure = former.advice(words)
    if cure is not None:
        print(cure, file=sys.stderr)
    Output(as_json).write(InputError(words, cure or "Run perotwin --help, or perotwin COMMAND --help."))
