"""What a command does, as library functions."""

from perotwin.workflows.advice import advice
from perotwin.workflows.batch import batch, stored_batch, write_batch
from perotwin.workflows.cells_from_recipes import choice, made_cells, made_text
from perotwin.workflows.check import check
from perotwin.workflows.design import best, field_map, hangs_on
from perotwin.workflows.losses import cell_losses, measured_losses, write_waterfalls
from perotwin.workflows.measured_files import analyse, convert
from perotwin.workflows.new_cell import new
from perotwin.workflows.nomad import export
from perotwin.workflows.recipes import coverage, series
from perotwin.workflows.run import measure, run
from perotwin.workflows.samples import measure_sample, recipe_of, sample_for

__all__ = [
    "advice",
    "analyse",
    "batch",
    "best",
    "cell_losses",
    "check",
    "choice",
    "convert",
    "coverage",
    "export",
    "field_map",
    "hangs_on",
    "made_cells",
    "made_text",
    "measure",
    "measure_sample",
    "measured_losses",
    "new",
    "recipe_of",
    "run",
    "sample_for",
    "series",
    "stored_batch",
    "write_batch",
    "write_waterfalls",
]
