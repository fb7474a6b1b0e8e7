"""Fermi-Dirac integrals by adaptive quadrature: what tests hold the tables of the solver to."""

from itertools import pairwise

import numpy as np
from scipy.integrate import quad
from scipy.interpolate import CubicSpline


def fermi(order: float, eta: float) -> float:
    """Fermi-Dirac integral of order 1/2 or -1/2, normalised to exp(eta) when dilute.

    With t = u^2 the integrand is smooth: F_1/2 = 4/sqrt(pi) int u^2 / (1 + exp(u^2 - eta)) du.
    """
    power, scale = (2, 4.0) if order > 0 else (0, 2.0)

    def integrand(u: float) -> float:
        return float(u**power * np.exp(-np.logaddexp(0.0, u * u - eta)))

    edge = np.sqrt(max(eta, 0.0))
    parts = [0.0, edge, edge + 3.0, edge + 12.0] if edge > 0.0 else [0.0, 3.0, 12.0]
    pieces = pairwise(parts)
    return scale / np.sqrt(np.pi) * sum(quad(integrand, a, b, epsabs=0, epsrel=1e-12)[0] for a, b in pieces)


def log_half() -> CubicSpline:
    """ln F_1/2 on -40..40, from the quadrature."""
    eta = np.linspace(-40.0, 40.0, 801)
    return CubicSpline(eta, np.log([fermi(0.5, e) for e in eta]))
