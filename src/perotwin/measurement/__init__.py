"""The data model: what a measurement looks like, what an analysis returns, and the checks that come with a
result.
"""

from perotwin.measurement.checks import (
    Check,
    Checks,
    check,
    checks_from_json,
    checks_of,
    checks_to_json,
    worst,
)
from perotwin.measurement.dataset import SCHEMAS, describe, notes_of, protocol_of, validate
from perotwin.measurement.files import (
    load,
    make_folder,
    result_folder,
    save,
    whole_folder,
    write_atomically,
    write_text,
)
from perotwin.measurement.metrics import Metric, Metrics
from perotwin.measurement.nomenclature import NOMENCLATURE, Term, field_unit, heading

__all__ = [
    "NOMENCLATURE",
    "SCHEMAS",
    "Check",
    "Checks",
    "Metric",
    "Metrics",
    "Term",
    "check",
    "checks_from_json",
    "checks_of",
    "checks_to_json",
    "describe",
    "field_unit",
    "heading",
    "load",
    "make_folder",
    "notes_of",
    "protocol_of",
    "result_folder",
    "save",
    "validate",
    "whole_folder",
    "worst",
    "write_atomically",
    "write_text",
]
