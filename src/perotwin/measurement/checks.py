"""Run-time checks: a number that must stay below a limit, kept with the result that it vouches for."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Check", "Checks", "check", "checks_from_json", "checks_of", "checks_to_json", "worst"]


class Check(NamedTuple):
    """``passed`` says whether ``value`` was within ``limit`` (both plain numbers in the unit that the name
    implies).
    """

    value: float
    limit: float
    passed: bool


Checks = dict[str, Check]


def check(value: float, limit: float) -> Check:
    """A check that holds when ``|value| <= limit``; a value that is not a number fails."""
    value, limit = float(value), float(limit)
    return Check(value, limit, bool(abs(value) <= limit))


def worst(many: Iterable[Mapping[str, Check]]) -> Checks:
    """Of the checks of one name, the one closest to its limit or beyond it; one that is no number comes last."""
    found: Checks = {}
    for checks in many:
        for name, item in checks.items():
            if name not in found or _strain(item) > _strain(found[name]):
                found[name] = item
    return found


def _strain(item: Check) -> tuple[bool, float]:
    """How near a check is to failing."""
    share = abs(item.value) / item.limit if item.limit > 0 else abs(item.value)
    return not item.passed, share if math.isfinite(share) else math.inf


def checks_to_json(checks: Mapping[str, Check]) -> dict[str, dict[str, Any]]:
    """``{name: {"value", "limit", "passed"}}`` with numbers that are not finite as null."""
    return {
        name: {
            "value": item.value if math.isfinite(item.value) else None,
            "limit": item.limit if math.isfinite(item.limit) else None,
            "passed": bool(item.passed),
        }
        for name, item in checks.items()
    }


def checks_from_json(document: str | Mapping[str, Mapping[str, Any]]) -> Checks:
    """The inverse of :func:`checks_to_json`, from the mapping or from its JSON text; null becomes NaN."""
    stored = json.loads(document) if isinstance(document, str) else document
    return {
        name: Check(
            math.nan if item.get("value") is None else float(item["value"]),
            math.nan if item.get("limit") is None else float(item["limit"]),
            bool(item["passed"]),
        )
        for name, item in stored.items()
    }


def checks_of(dataset: xr.Dataset) -> Checks:
    """The checks stored with a measurement (empty when it has none, as for a measured file)."""
    return checks_from_json(dataset.attrs.get("checks") or "{}")
