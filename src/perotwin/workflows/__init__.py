"""What a command does, as library functions."""

from perotwin.workflows.check import check
from perotwin.workflows.recipes import choice, coverage, made_text, series
from perotwin.workflows.run import measure, run

__all__ = ["check", "choice", "coverage", "made_text", "measure", "run", "series"]
