"""What measurements scatter by, and how long they take, as `laboratory.toml` assumes it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from perotwin import units
from perotwin.errors import InputError
from perotwin.stack.toml import read

__all__ = ["hours", "number", "title"]

_FILE = Path(__file__).parent / "laboratory.toml"


@cache
def _all() -> dict[str, Any]:
    return dict(read(_FILE.read_text(encoding="utf-8")))


def number(measurement: str, name: str, dimension: str | None = None) -> float:
    """A number of a measurement, SI: `number("suns_voc", "voltage", "voltage")`.

    Raises:
        InputError: there is none.
    """
    found = _all().get(measurement, {}).get(name)
    if found is None:
        raise InputError(
            f'nothing is assumed of "{name}" of {measurement}.', "State it with the data.", key=measurement
        )
    value = found["value"]
    return float(value) if dimension is None else float(units.parse(str(value), dimension))


def hours(measurement: str) -> float:
    """Hours of laboratory time that a measurement takes, assumed."""
    return number(measurement, "hours")


def title(measurement: str) -> str:
    """What people call a measurement."""
    return str(_all()[measurement]["title"])
