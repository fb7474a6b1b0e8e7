"""How long carriers live in a film that loses them at its faces: the slowest mode of diffusion.

    surface_lifetime(400e-9, 3e-6, 1.0, 1.0)          # 204.46 ns: both faces at 100 cm/s, 0.03 cm^2/s

In a film of thickness d in which excess carriers diffuse with D and recombine with S1 and S2 at its faces, what is left
late is one mode, cos(beta x - phase), that falls as exp(-D beta^2 t) with

    beta d = arctan(S1 / (D beta)) + arctan(S2 / (D beta)).

Equal faces give beta tan(beta d / 2) = S / D, one face alone beta tan(beta d) = S / D (A. B. Sproul, J. Appl. Phys. 76,
2851 (1994), doi:10.1063/1.357521). The sum of terms d / 2S + d^2 / (pi^2 D) that is often written instead is right for
slow and for fast faces; between, it is up to 5 % too long. D is that of the carrier that is fewer, or the ambipolar
one where both are as many.
"""

from __future__ import annotations

import numpy as np

__all__ = ["diffusion_time", "sum_of_terms", "surface_lifetime", "surface_velocity"]


def surface_lifetime(thickness: float, diffusion: float, front: float, back: float = 0.0) -> float:
    """Lifetime (s) of the slowest mode of a film whose bulk loses nothing.

    Args:
        thickness: m. diffusion: m^2/s. front, back: recombination velocities of its faces, m/s, zero or more.

    Returns:
        s; infinite where neither face recombines.
    """
    from scipy.optimize import brentq

    if front <= 0.0 and back <= 0.0:
        return np.inf

    def short(phase: float) -> float:
        beta = phase / thickness
        return phase - sum(float(np.arctan2(s, diffusion * beta)) for s in (front, back))

    # each face turns the phase by a quarter of a wave at most
    most = 0.5 * np.pi * sum(1 for velocity in (front, back) if velocity > 0.0)
    # of slow faces phase^2 = (S1 + S2) d / D
    least = 1e-3 * min(1.0, float(np.sqrt((max(front, 0.0) + max(back, 0.0)) * thickness / diffusion)))
    phase = brentq(short, least, most, xtol=1e-15 * most, rtol=1e-14)
    return thickness**2 / (diffusion * phase**2)


def diffusion_time(thickness: float, diffusion: float, faces: int = 2) -> float:
    """Lifetime (s) of the slowest mode where every carrier that reaches a face is lost; nothing lives shorter late."""
    return (faces and thickness * (1.0 if faces == 2 else 2.0) / np.pi) ** 2 / diffusion


def surface_velocity(lifetime: float, thickness: float, diffusion: float, faces: int = 2) -> float:
    """Recombination velocity (m/s) of one face or of both that makes the slowest mode live so long.

    Args:
        lifetime: of the mode, without the bulk's share, s. thickness: m. diffusion: m^2/s.
        faces: 2 equal ones, or 1 with the other one passive.

    Returns:
        m/s; NaN where diffusion alone takes longer than that, 0 for an infinite lifetime.
    """
    if lifetime == np.inf:
        return 0.0
    if not lifetime > diffusion_time(thickness, diffusion, faces):
        return np.nan
    beta = 1.0 / np.sqrt(diffusion * lifetime)
    return float(diffusion * beta * np.tan(beta * thickness / faces))


def sum_of_terms(thickness: float, diffusion: float, velocity: float, faces: int = 2) -> float:
    """The sum often written for the lifetime (s) of the slowest mode: d / 2S + d^2 / (pi^2 D) for two faces,
    d / S + 4 d^2 / (pi^2 D) for one.
    """
    return thickness / (faces * velocity) + diffusion_time(thickness, diffusion, faces)
