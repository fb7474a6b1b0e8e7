"""Failures as sentences: what is wrong, where, and what to do about it.

Every error that perotwin raises on purpose derives from `PerotwinError` and carries a message (what
happened and why), an advice (the cure) and a context (file, key, the last state of a solver, and so on).
Faces print `str(error)`; machines read `error.to_json()`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

__all__ = [
    "ConvergenceError",
    "InputError",
    "OutOfRangeError",
    "PerotwinError",
    "UnknownNameError",
    "nearest",
    "quoted",
    "shown",
    "suggestion",
]

#: most characters of a value, a place (file, key) and a whole sentence in a message; the middle of longer ones is left
#: out
_VALUE, _PLACE, _SENTENCES = 120, 300, 1500
#: most characters of a name that is compared with others, which takes the product of both lengths
_COMPARED = 200


def shown(value: object, most: int = _VALUE) -> str:
    """A value that a person wrote, for a message: printable (control characters as escapes), its middle left out where
    it is longer than `most` characters.

    Texts stand as they are, other values as Python writes them.
    """
    if not isinstance(value, str):
        try:
            value = repr(value)
        except (ValueError, RecursionError):  # an integer of thousands of digits; tables within tables
            value = f"a {type(value).__name__}"
    if len(value) > most:
        left = (most - 5) * 2 // 3
        value = f"{value[:left]} ... {value[left + 5 - most :]}"
    if value.isprintable():
        return value
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in value)


def quoted(value: object) -> str:
    """As `shown`, with texts in quotes."""
    return shown(f'"{value}"' if isinstance(value, str) else value)


class PerotwinError(Exception):
    """Base of perotwin's own errors.

    Parameters
    ----------
    message : what happened and why, as a sentence.
    advice : what to do next, as a sentence; may be empty.
    **context : anything that helps a caller (file, key, ...); kept in `context` and as attributes through it.

    What a person wrote may be quoted in them: both are kept to a length and to printable characters.
    """

    def __init__(self, message: str, advice: str = "", **context: Any) -> None:
        message = shown(message, _SENTENCES)
        super().__init__(message)
        self.message = message
        self.advice = shown(advice, _SENTENCES)
        self.context = context

    def __str__(self) -> str:
        return f"{self.message} {self.advice}".strip()

    def to_json(self) -> dict[str, str]:
        """The error as `{"type", "message", "advice"}`."""
        return {"type": type(self).__name__, "message": self.message, "advice": self.advice}

    def __reduce__(self) -> Any:
        # Errors cross process borders in sweeps; the default would lose advice and context.
        return _rebuild, (type(self), self.message, self.advice, self.context)


def _rebuild(kind: type[PerotwinError], message: str, advice: str, context: dict[str, Any]) -> PerotwinError:
    error = kind.__new__(kind)
    PerotwinError.__init__(error, message, advice, **context)
    return error


class InputError(PerotwinError, ValueError):
    """Something that a person wrote cannot be used.

    `file` and `key` say where; the message that is shown starts with them. It is also a ValueError, so that
    pydantic collects it with the place in the model where it arose.
    """

    def __init__(
        self,
        message: str,
        advice: str = "",
        *,
        file: str | None = None,
        key: str | None = None,
        **context: Any,
    ) -> None:
        super().__init__(message, advice, file=file, key=key, **context)

    @property
    def file(self) -> str | None:
        """The file that holds the fault, if there is one."""
        return self.context.get("file")

    @property
    def key(self) -> str | None:
        """The key (field path) that holds the fault, if known."""
        return self.context.get("key")

    @property
    def where(self) -> str:
        """`file, key` as far as they are known."""
        return ", ".join(shown(str(part), _PLACE) for part in (self.file, self.key) if part)

    def __str__(self) -> str:
        text = super().__str__()
        return f"{self.where}: {text}" if self.where else text

    def to_json(self) -> dict[str, str]:
        message = f"{self.where}: {self.message}" if self.where else self.message
        return {"type": type(self).__name__, "message": message, "advice": self.advice}


class OutOfRangeError(InputError):
    """A value lies where no data exist (outside an optical table, say); the message names the range."""


class UnknownNameError(InputError):
    """A name that does not exist; the nearest ones that do are offered.

    Parameters
    ----------
    what : the kind of thing, for example "material".
    name : what was asked for.
    options : the names that exist.
    """

    def __init__(
        self,
        what: str,
        name: str,
        options: Iterable[str],
        *,
        advice: str = "",
        file: str | None = None,
        key: str | None = None,
    ) -> None:
        known = tuple(options)
        super().__init__(
            f'there is no {what} "{shown(name)}".',
            advice or suggestion(name, known) or f"There is no {what} to choose from.",
            file=file,
            key=key,
            name=name,
            options=known,
            nearest=nearest(name, known),
        )


class ConvergenceError(PerotwinError):
    """The solver could not reach the point asked for; what it did reach is kept.

    Parameters
    ----------
    message, advice : as in `PerotwinError`.
    voltage : the terminal voltage (V) that could not be solved.
    state : the last converged state (opaque to everyone but the solver), or None.
    residual_history : norms of the residual over the last Newton iterations.
    stage : "equilibrium", "light", "bias", "ions", ...: where the continuation stood.
    """

    def __init__(
        self,
        message: str,
        advice: str = "",
        *,
        voltage: float | None = None,
        state: Any = None,
        residual_history: Sequence[float] = (),
        stage: str = "",
        **context: Any,
    ) -> None:
        super().__init__(
            message,
            advice,
            voltage=voltage,
            state=state,
            residual_history=tuple(residual_history),
            stage=stage,
            **context,
        )

    @property
    def voltage(self) -> float | None:
        """Terminal voltage (V) at which it failed."""
        return self.context.get("voltage")

    @property
    def state(self) -> Any:
        """The last converged state."""
        return self.context.get("state")

    @property
    def residual_history(self) -> tuple[float, ...]:
        """Residual norms, oldest first."""
        return self.context.get("residual_history", ())

    @property
    def stage(self) -> str:
        """Where the continuation stood."""
        return self.context.get("stage", "")


def nearest(name: str, options: Iterable[str], count: int = 3) -> tuple[str, ...]:
    """The options that look most like `name`, best first (none if nothing is close)."""
    import difflib

    if len(name) > _COMPARED:
        return ()
    lower = {option.lower(): option for option in options if len(option) <= _COMPARED}
    close = difflib.get_close_matches(name.lower(), lower, n=count, cutoff=0.5)
    likeness = [difflib.SequenceMatcher(None, match, name.lower()).ratio() for match in close]
    # A plain slip of the pen has one cure: names much less alike than the best one only distract.
    return tuple(
        lower[match] for match, ratio in zip(close, likeness, strict=True) if ratio > likeness[0] - 0.15
    )


def suggestion(name: str, options: Iterable[str]) -> str:
    """A sentence that offers the nearest names, or all of them when none is near."""
    known = tuple(options)
    close = nearest(name, known)
    if close:
        return "Did you mean " + " or ".join(f'"{shown(option)}"' for option in close) + "?"
    if known:
        return "Choose from " + ", ".join(f'"{shown(option)}"' for option in known) + "."
    return ""
