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
from perotwin.measurement.conform import conform
from perotwin.measurement.csv_files import write_csv, write_measurements_csv, write_metrics_csv
from perotwin.measurement.dataset import (
    add_notes,
    describe,
    make_dataset,
    notes_of,
    protocol_of,
    simulated,
    validate,
)
from perotwin.measurement.document import quantity
from perotwin.measurement.files import (
    bounded_text,
    file_name,
    load,
    make_folder,
    result_folder,
    save,
    whole_folder,
    write_atomically,
    write_text,
)
from perotwin.measurement.instrument import Attribute, Instrument, Picture, Section, Variable, Variant
from perotwin.measurement.metrics import Metric, Metrics
from perotwin.measurement.nomenclature import NOMENCLATURE, Term, field_unit, heading, term_of

__all__ = [
    "NOMENCLATURE",
    "Attribute",
    "Check",
    "Checks",
    "Instrument",
    "Metric",
    "Metrics",
    "Picture",
    "Section",
    "Term",
    "Variable",
    "Variant",
    "add_notes",
    "bounded_text",
    "check",
    "checks_from_json",
    "checks_of",
    "checks_to_json",
    "conform",
    "describe",
    "field_unit",
    "file_name",
    "heading",
    "load",
    "make_dataset",
    "make_folder",
    "notes_of",
    "protocol_of",
    "quantity",
    "result_folder",
    "save",
    "simulated",
    "term_of",
    "validate",
    "whole_folder",
    "worst",
    "write_atomically",
    "write_csv",
    "write_measurements_csv",
    "write_metrics_csv",
    "write_text",
]
