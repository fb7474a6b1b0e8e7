"""Many cells at once: sweeps over a number of the stack."""

from perotwin.study.sweep import Point, sweep, values

__all__ = ["Point", "sweep", "values"]
