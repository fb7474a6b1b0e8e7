"""What cells lose, with its figures, tables and page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perotwin import measurement, progress
from perotwin.errors import InputError, PerotwinError
from perotwin.losses.of_cell import losses_of
from perotwin.report import machine, study_page, waterfall_figures, waterfalls

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from perotwin.losses.waterfall import Waterfall
    from perotwin.stack import Cell

__all__ = ["cell_losses", "measured_losses", "write_waterfalls"]

#: name of the files
_STEM = "losses"


def cell_losses(cells: Sequence[Cell]) -> tuple[list[Waterfall], dict[str, PerotwinError], bool]:
    """The waterfall of each cell, of each that failed why, and whether it was not interrupted; see `losses.losses_of`.

    Raises:
        KeyboardInterrupt: interrupted before the first was told.
    """
    found, failed = [], {}
    with progress.task("losses", total=len(cells)) as counter:
        for cell in cells:
            try:
                found.append(losses_of(cell))
            except PerotwinError as error:
                failed[cell.name] = error
            except KeyboardInterrupt:
                if not found:
                    raise
                return found, failed, False
            counter.advance()
    return found, failed, True


def write_waterfalls(found: Sequence[Waterfall], out: str | Path) -> list[Path]:
    """Write tables (CSV), numbers (JSON), figures (SVG, PNG) and the page (HTML) of waterfalls into a folder.

    Returns:
        The files, the page first.
    """
    from perotwin.workflows.run import unique_names

    folder = measurement.make_folder(out)
    progress.note("drawing and writing")
    table = waterfalls.write_losses(found, folder / f"{_STEM}.csv")
    results: list[dict[str, object]] = [waterfalls.result(one) for one in found]
    whole = [one for one in found if math.isfinite(one.actual.pce) and math.isfinite(one.ideal.pce)]
    pair = whole if len(found) == 2 and all(one.exact for one in whole) else []
    if len(pair) == 2:
        results[-1] |= {"difference": waterfalls.difference_result(*pair)}
    document = measurement.write_text(folder / f"{_STEM}.json", machine.to_text(machine.document(results)))
    sections = []
    written: list[Path] = []
    if len(pair) == 2:
        first, second = pair
        files = _drawn(folder / f"{_STEM}-difference", waterfall_figures.difference_figure(first, second))
        written += files
        caption = f"From {first.name} to {second.name}: points of efficiency by step, the largest first."
        heads = ["Step", f"Lost by {first.name}", f"by {second.name}", "Gained (points of PCE)"]
        rows = waterfalls.difference_rows(first, second)
        sections.append(
            study_page.Section(
                f"from {first.name} to {second.name}",
                figures=[study_page.Drawn(files[0], caption)],
                tables=[study_page.Tabled(heads, rows)],
            )
        )
    names = unique_names(found)
    for one, name in zip(found, names, strict=True):
        figures = []
        if one in whole:
            files = _drawn(folder / f"{_STEM}-{name}", waterfall_figures.losses_figure(one))
            written += files
            caption = (
                f"Losses of {one.name} from the Shockley-Queisser limit of its gap down, in points of efficiency; "
                "beside each bar the loss itself. Steps that are too small for a bar are together in one."
            )
            figures.append(study_page.Drawn(files[0], caption))
        tables = [
            study_page.Tabled(["", "Limit", "Cell"], waterfalls.figures_rows([one])),
            study_page.Tabled(["Lost by", "Loss", "Points of PCE"], waterfalls.rows([one])),
        ]
        notes = [*(f"not told: {each.words}" for each in one.missing), *one.notes]
        sections.append(study_page.Section(one.name, [_vouched(one)], figures, tables, notes, of_cell=True))
    sections.append(study_page.Section("how the steps are told", [waterfalls.how_told(found)]))
    title = f"Losses of {' and '.join(one.name for one in found)}"
    page = study_page.render_study(title, sections, folder=folder, files=[table, document])
    return [measurement.write_text(folder / f"{_STEM}.html", page), table, document, *written]


def _vouched(one: Waterfall) -> str:
    held = sum(check.passed for check in one.checks.values())
    failed = [name for name, check in one.checks.items() if not check.passed]
    words = f"{held} of {len(one.checks)} checks hold."
    return words if not failed else f"{words} These fail: {', '.join(failed)}."


def _drawn(stem: Path, figure: Figure) -> tuple[Path, Path]:
    from perotwin.plotting import style

    return style.save(figure, stem)


# --- measured files --------------------------------------------------------------------------------------------------


def measured_losses(
    jv: str | None = None,
    eqe: str | None = None,
    suns_voc: str | None = None,
    *,
    light: Mapping[str, Any] | None = None,
    temperature: str | None = None,
    area: str | None = None,
    bandgap: str | None = None,
) -> Waterfall:
    """Losses of a measured cell from its files; see `losses.losses_of_measured`.

    Args:
        jv, eqe, suns_voc: files. Of a file with several curves the best one in the light is taken, and said.
        light: values of a cell's light by field path ("light.intensity"), where the files do not state it.
        temperature, area, bandgap: as written, with units, where the files do not state them.

    Raises:
        InputError: a file that cannot be read or holds no such measurement.
    """
    from perotwin import units
    from perotwin.losses.of_files import Conditions, losses_of_measured
    from perotwin.stack import Light

    notes: list[str] = []
    curve = None if jv is None else _one_of(jv, "jv", area, notes)
    sweep = None if suns_voc is None else _one_of(suns_voc, "suns_voc", area, notes)
    spectrum = None if eqe is None else _one_of(eqe, "eqe", None, notes)
    where = None
    if light or temperature is not None:
        own = {} if curve is None else curve.attrs
        given = {name.removeprefix("light."): value for name, value in (light or {}).items()}
        kelvin = own.get("temperature", 298.15)
        if temperature is not None:
            kelvin = units.parse(temperature, "temperature")
        told = any(name in given for name in ("intensity", "spectrum"))
        given.setdefault("intensity", f"{float(own.get('light', 1.0))!r} sun")
        where = Conditions(Light.model_validate(given), float(kelvin), told, temperature is not None)
    gap = None if bandgap is None else float(units.parse(bandgap, "energy"))
    name = next((Path(one).stem for one in (jv, eqe, suns_voc) if one is not None), "measured")
    found = losses_of_measured(name, curve, spectrum, sweep, where=where, bandgap=gap)
    return replace(found, notes=(*notes, *found.notes))


def _one_of(path: str, instrument: str, area: str | None, notes: list[str]) -> xr.Dataset:
    """The measurement of a file; of several curves the one with the largest efficiency or voltage.

    Raises:
        InputError: it holds none.
    """
    from perotwin.files.analysed import analyse_file

    found = analyse_file(path, instrument, None, area)
    if found.error is not None:
        raise found.error
    mine = [one for one in found.readings if one.instrument == instrument and not one.failure]
    lit = [one for one in mine if float(one.dataset.attrs.get("light", 1.0)) > 0.0]
    if not lit:
        raise InputError(
            f"the file holds no {instrument} in the light that can be read.",
            "See what it holds: perotwin analyse FILE.",
            file=path,
        )
    if instrument == "eqe" and 1 < len(lit) <= 3:
        joined = _junctions([one.dataset for one in lit])
        if joined is not None:
            notes.append(
                f"{Path(path).name} holds {len(lit)} spectra of different gaps: they are taken for the junctions of "
                "one tandem."
            )
            return joined

    def worth(one: Any) -> float:
        for name in ("pce", "voc", "jsc_integrated"):
            if name in one.metrics and one.metrics[name].value == one.metrics[name].value:
                return float(one.metrics[name])
        return 0.0

    best = max(lit, key=worth)
    if len(lit) > 1:
        notes.append(f"{Path(path).name} holds {len(lit)} measurements; the best is taken: {best.name}.")
    return best.dataset


#: eV by which the gaps of two junctions differ at least
_APART = 0.1


def _junctions(spectra: Sequence[xr.Dataset]) -> xr.Dataset | None:
    """Spectra of several gaps as those of a tandem, the widest gap on top; None where the gaps are alike."""
    import numpy as np
    import xarray as xr

    from perotwin.lab import eqe
    from perotwin.measurement.junction_names import IN_SERIES

    gaps = [float(eqe.analyse(one)["bandgap"]) for one in spectra]
    order = np.argsort(gaps)[::-1]
    if not np.all(np.abs(np.diff(np.array(gaps)[order])) > _APART):
        return None
    names = (IN_SERIES[0], *IN_SERIES[1 : len(spectra) - 1], IN_SERIES[-1])
    wavelength = np.unique(np.concatenate([one["wavelength"].values for one in spectra]))
    data = {}
    for name, place in zip(names, order, strict=True):
        one = spectra[place].sortby("wavelength")
        value = np.interp(wavelength, one["wavelength"].values, one["eqe"].values, left=0.0, right=0.0)
        data[f"eqe_{name}"] = ("wavelength", value, {"units": "1"})
    made = xr.Dataset(data, {"wavelength": ("wavelength", wavelength, {"units": "m"})})
    return made.assign_attrs(instrument="eqe", stack=str(spectra[0].attrs.get("stack", "")), measured=1)
