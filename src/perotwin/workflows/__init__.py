"""What a command does, as library functions."""

from perotwin.workflows.check import check
from perotwin.workflows.made import choice, made_cells, made_text
from perotwin.workflows.recipes import coverage, series
from perotwin.workflows.run import measure, run

__all__ = ["check", "choice", "coverage", "made_cells", "made_text", "measure", "run", "series"]
