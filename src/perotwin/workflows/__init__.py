"""What a command does, as library functions."""

from perotwin.workflows.check import check
from perotwin.workflows.run import measure, run

__all__ = ["check", "measure", "run"]
