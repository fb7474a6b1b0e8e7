"""From curves back to the cell: what data tell of its numbers, how well, and what they cannot tell."""

from perotwin.calibrate.least_squares import Cauchy, Fit, Loss, SoftL1, Squares, solve
from perotwin.calibrate.parameters import Gaussian, Linear, Log, Parameter, known, parameter_of, prior_of

__all__ = [
    "Cauchy",
    "Fit",
    "Gaussian",
    "Linear",
    "Log",
    "Loss",
    "Parameter",
    "SoftL1",
    "Squares",
    "known",
    "parameter_of",
    "prior_of",
    "solve",
]
