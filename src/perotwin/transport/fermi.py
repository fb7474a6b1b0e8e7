"""The Fermi-Dirac integral of order one half, as a table that compiled code reads.

The kernels need ln(F(eta) exp(-eta)), the logarithm of the activity coefficient of a degenerate carrier gas, and its
slope, fast and smooth. The integral is evaluated here by the trapezoidal rule on the whole real line, which converges
exponentially for this integrand, and stored as quintic polynomials whose value, slope and curvature are continuous.

F(eta) = 2/sqrt(pi) * integral of sqrt(t) / (1 + exp(t - eta)) dt, normalised so that F -> exp(eta) for eta -> -inf
(Blakemore, Solid-State Electronics 25, 1067 (1982), doi:10.1016/0038-1101(82)90143-5).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

#: the table's first argument, its last, and how many intervals lie in one unit of eta
ETA_MIN, ETA_MAX, PER_UNIT = -8.0, 60.0, 16


def fermi_dirac_half(eta: NDArray[np.float64]) -> NDArray[np.float64]:
    """F_1/2(eta), normalised to exp(eta) in the dilute limit.

    Args:
        eta: reduced Fermi energies (EF - Ec) / kT, any shape.

    Returns:
        The integral, same shape, with a relative error of about 1e-14.

    With t = u**2 the integrand is even and analytic in a strip about the real axis, so the trapezoidal rule over
    all u is exponentially accurate (Trefethen and Weideman, SIAM Review 56, 385 (2014), doi:10.1137/130932132).
    Above 60 Sommerfeld's expansion takes over, whose first neglected term is 2e-10 there.
    """
    eta = np.asarray(eta, dtype=float)
    out = np.empty(eta.shape)
    # the integrand's poles come closer to the real axis as eta grows: 2 pi Im sqrt(eta + i pi) / step > 37 in both
    for chosen, step in (((eta > -40.0) & (eta <= 10.0), 0.08), ((eta > 10.0) & (eta <= 60.0), 0.02)):
        u = (np.arange(round(11.0 / step)) + 0.5) * step
        u2 = u * u
        # exp(t - eta) as a product: one exponential an argument, not one a node
        here = np.exp(-eta[chosen])[..., None] * np.exp(u2)
        here += 1.0
        out[chosen] = 4.0 / np.sqrt(np.pi) * step * np.sum(np.divide(u2, here, out=here), axis=-1)
    # to rounding
    out[eta <= -40.0] = np.exp(eta[eta <= -40.0])
    deep = eta[eta > 60.0]
    y = deep**-2.0
    out[eta > 60.0] = (
        4.0 / (3.0 * np.sqrt(np.pi)) * deep**1.5 * (1.0 + y * (np.pi**2 / 8.0 + y * 7.0 * np.pi**4 / 640.0))
    )
    return out


def _log_activity(eta: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.log(fermi_dirac_half(eta)) - eta


@lru_cache(maxsize=1)
def activity_table() -> NDArray[np.float64]:
    """Quintic pieces of ln(F(eta)) - eta on [ETA_MIN, ETA_MAX].

    Returns:
        Array (intervals, 6): polynomial coefficients in the local coordinate 0..1, lowest power first.
    """
    count = int((ETA_MAX - ETA_MIN) * PER_UNIT)
    nodes = ETA_MIN + np.arange(count + 1) / PER_UNIT
    # slope and curvature from sixth-order central differences; the integral itself is accurate to rounding
    d = 0.05
    shifted = [_log_activity(nodes + k * d) for k in (-3, -2, -1, 0, 1, 2, 3)]
    m3, m2, m1, f, p1, p2, p3 = shifted
    slope = (45 * (p1 - m1) - 9 * (p2 - m2) + (p3 - m3)) / (60 * d)
    curvature = (2 * (p3 + m3) - 27 * (p2 + m2) + 270 * (p1 + m1) - 490 * f) / (180 * d * d)
    h = 1.0 / PER_UNIT
    s, c = slope * h, 0.5 * curvature * h * h
    rise = f[1:] - f[:-1] - s[:-1] - c[:-1]
    ds = s[1:] - s[:-1] - 2 * c[:-1]
    dc = c[1:] - c[:-1]
    return np.ascontiguousarray(
        np.stack(
            [
                f[:-1],
                s[:-1],
                c[:-1],
                10 * rise - 4 * ds + dc,
                -15 * rise + 7 * ds - 2 * dc,
                6 * rise - 3 * ds + dc,
            ],
            axis=1,
        )
    )
