"""What the lines of a powder pattern tell: the edge of a cube, the size of crystallites, lead iodide, other phases."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.measurement import Metric

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.lab.xrd_lines import Line, Radiation

__all__ = ["IODIDE", "by_name", "cube", "iodide", "lead_iodide", "other_phases", "size"]

F64 = NDArray[np.float64]

#: deg: how well a diffractometer's zero is usually known
_ZERO = 0.01
#: of a size: a pseudo-Voigt is not quite a Voigt
_PROFILE = 0.03

#: the line of lead iodide that films show, and its angle (deg) for copper
IODIDE = "PbI2 001"
#: other lines that films of this kind show (copper, deg): hexagonal FAPbI3 and CsPbI3, and the electrode of the
#: substrate
_OTHERS = (("hexagonal FAPbI3 100", 11.80), ("orthorhombic CsPbI3 002", 10.03), ("ITO 222", 30.58))


def iodide(wavelength: float) -> list[tuple[str, float]]:
    """Names and angles of the other lines of lead iodide, looked for where its first one is."""
    from perotwin.lab.diffraction import LEAD_IODIDE, reflections

    found: dict[float, str] = {}
    for line in reflections(LEAD_IODIDE, wavelength, (14.0, 70.0)):
        # planes such as 101 and 011 share an angle
        digits = max((plane for plane in line.planes if min(plane) >= 0), default=line.planes[0])
        found[line.two_theta] = "PbI2 " + "".join(
            str(abs(index)) for index in (*sorted(digits[:2], reverse=True), digits[2])
        )
    return [(name, angle) for angle, name in found.items()]


def other_phases(wavelength: float) -> list[tuple[str, float]]:
    """Names and angles of lines of other phases at a wavelength (m)."""
    from perotwin.lab.diffraction import CU_K_ALPHA1, LEAD_IODIDE, bragg, spacing

    known = [(IODIDE, float(bragg(LEAD_IODIDE.c, wavelength)))]
    return known + [(name, float(bragg(spacing(angle, CU_K_ALPHA1), wavelength))) for name, angle in _OTHERS]


def by_name(fitted: Sequence[Line]) -> dict[str, Line]:
    """The lines of the cube, by name."""
    return {line.name: line for line in fitted if line.name.isdigit()}


def cube(fitted: Sequence[Line], wavelength: float) -> dict[str, Metric]:
    """Edge of the cube by least squares over the named lines, with the sample's displacement from three lines on.

    A sample at height s over the axis moves lines by 2 s cos(theta) / R.
    """
    cube = by_name(fitted)
    if not cube:
        return {"lattice_parameter": Metric(math.nan, "m", "no two lines of a cubic perovskite were found")}
    angle = np.array([line.two_theta for line in cube.values()])
    error = np.array([line.two_theta_error for line in cube.values()])
    root = np.sqrt([sum(int(digit) ** 2 for digit in name) for name in cube])
    a, shift = 6.2, 0.0
    both = len(cube) >= 3
    for _ in range(20):
        sine = np.clip(wavelength * 1e10 * root / (2.0 * a), -1.0, 1.0)
        place = 2.0 * np.degrees(np.arcsin(sine))
        cosine = np.cos(np.radians(place) / 2.0)
        slope = -2.0 * np.degrees(np.tan(np.radians(place) / 2.0)) / a
        base = np.stack([slope, cosine], axis=1)[:, : 2 if both else 1] / error[:, None]
        left = (angle - place - shift * cosine) / error
        step, *_ = np.linalg.lstsq(base, left, rcond=None)
        a += float(step[0])
        shift += float(step[1]) if both else 0.0
    freedom = len(cube) - (2 if both else 1)
    scale = max(float(left @ left) / freedom, 1.0) if freedom > 0 else 1.0
    errors = np.sqrt(np.diag(np.linalg.inv(base.T @ base)) * scale)
    # what the scale of the angles does, which no line tells
    moved, *_ = np.linalg.lstsq(base, _ZERO / error, rcond=None)
    systematic = f"a zero of the angles wrong by {_ZERO:g} deg adds {abs(float(moved[0])):.1g} angstrom"
    names = ", ".join(cube)
    how = (
        "with the displacement of the sample" if both else "a displaced sample is not told from another edge"
    )
    found = {
        "lattice_parameter": Metric(
            a * 1e-10, "m", f"least squares over {names}, {how}; {systematic}", float(errors[0]) * 1e-10
        )
    }  # fmt: skip
    if both:
        words = (
            "of lines at small angles, 2 s / R for a sample s above the axis of a diffractometer of radius R"
        )
        found["displacement_shift"] = Metric(shift, "deg", words, float(errors[1]))
    return found


def size(fitted: Sequence[Line], dataset: xr.Dataset, wavelength: float) -> dict[str, Metric]:
    """Scherrer's size from the strongest line of the cube, the instrument's Gaussian taken out first."""
    from perotwin.lab import diffraction as d

    cube = by_name(fitted)
    if not cube:
        return {"crystallite_size": Metric(math.nan, "m", "no line of a cubic perovskite was found")}
    line = max(cube.values(), key=lambda one: one.area)
    known = "caglioti" in dataset.attrs
    own = 0.0
    if known:
        own = float(d.instrument_width(line.two_theta, [float(one) for one in dataset.attrs["caglioti"]]))
    what = f"Scherrer (0.9) from {line.name}"
    taken = (
        f"instrument's {own:.3f} deg taken out as the Gaussian of a Voigt"
        if known
        else "nothing known of the instrument's width, so that it counts as the crystals'"
    )
    strain = "strain and uneven composition widen lines too, so that crystals are this large at least"
    left = d.size_width(line.width, own)
    most = d.size_width(line.width + 2.0 * line.width_error, own)
    if left < 2.0 * (most - left) / 2.0 or left < 0.1 * own:
        # no wider than the instrument, within two standard errors or a tenth of it, which is how well its width is
        # known
        bound = float(d.scherrer_size(max(most, 0.1 * own, 1e-9), line.two_theta, wavelength))
        words = f"at least: {what}, {taken}: the line is as narrow as the instrument's"
        return {"crystallite_size": Metric(bound, "m", words)}
    size = float(d.scherrer_size(left, line.two_theta, wavelength))
    slope = (d.size_width(line.width + line.width_error, own) - left) / left
    spread = size * math.hypot(slope, _PROFILE)
    words = f"{what}; {taken}; {strain}; {100.0 * _PROFILE:g} % of the error for the shape of lines"
    return {"crystallite_size": Metric(size, "m", words, spread)}


def lead_iodide(x: F64, y: F64, fitted: Sequence[Line], radiation: Radiation) -> Metric:
    """Area at the place of PbI2 001 over that of the cube's 100."""
    from perotwin.lab.xrd_lines import flanks, one_count, weak_area

    named = by_name(fitted)
    if "100" not in named:
        return Metric(math.nan, "1", "no line 100 to compare with")
    reference = named["100"]
    there = next((line for line in fitted if line.name == IODIDE), None)
    if there is not None:
        area, error, how = there.area, there.area_error, f"fitted at {there.two_theta:.3f} deg"
    else:
        place = dict(other_phases(radiation.first))[IODIDE]
        moved = cube(fitted, radiation.first).get("displacement_shift")
        if moved is not None:
            place += moved.value * math.cos(math.radians(place) / 2.0)
        mixing = min(max(reference.mixing, 0.0), 1.0)
        one = one_count(x, y)
        area, error = weak_area(
            x, y / one, place, (reference.width, mixing), radiation, flanks(x, fitted, radiation) / one
        )
        area, error = one * area, one * error
        how = f"no line found; what lies at {place:.3f} deg with the shape of 100"
        if not math.isfinite(area):
            return Metric(math.nan, "1", f"the pattern does not reach {place:.3f} deg")
    value = area / reference.area
    spread = math.hypot(error / reference.area, value * reference.area_error / reference.area)
    words = f"area of PbI2 001 over that of 100, {how}; lead iodide lies flat, so that it is no content"
    return Metric(value, "1", words, spread)
