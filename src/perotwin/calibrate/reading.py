"""Measured files as data of a fit: read as everywhere, refused where they cannot be of the cell, their noise told.

data, notes = of_file("rev.txt", "jv", cell)
data, notes = of_evidence("evidence.toml", cells)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perotwin import units
from perotwin.calibrate import laboratory
from perotwin.calibrate.data import OF_CELL, Data, Scalar, Spectrum, SteadyCurve, SunsVoc, current_sd
from perotwin.calibrate.data_in_time import Decay, Scan, Segment, groups, thinned
from perotwin.calibrate.impedance_reading import impedance_of
from perotwin.calibrate.keys import refuse_unknown
from perotwin.calibrate.synthetic import eqe_sd, suns_sd
from perotwin.errors import InputError, nearest, shown
from perotwin.files.jv_curves import LIGHT_NOT_STATED

if TYPE_CHECKING:
    import xarray as xr

    from perotwin.files import Found
    from perotwin.stack import Cell

__all__ = ["KINDS", "NOTHING", "Told", "of_evidence", "of_files"]

#: what a file of data can be of
KINDS = ("jv", "suns_voc", "eqe", "impedance", "trpl")
#: what stated lights (part) and temperatures (K) may differ by from the cell's
_LIGHT, _TEMPERATURE = 0.02, 1.0
#: eV by which an edge of a spectrum may lie from the cell's gap
_EDGE = 0.1
#: points of a steady curve and of a spectrum that are compared at most
_POINTS = 120
#: keys of a [[file]] of any kind, and those of each kind besides
_KEYS = ("cell", "kind", "file", "label", "columns")
_SCANNED = ("rate", "dwell", "preconditioning", "steady")
_OF_KIND = {
    "jv": ("area", "sd", *_SCANNED), "suns_voc": ("area", "sd"), "eqe": ("sd",),
    "impedance": ("bias", "light", "area", "sd"), "trpl": ("sample", "wavelength", "fluence"),
}  # fmt: skip
_SCALAR_KEYS = ("cell", "of", "value", "sd", "source")


@dataclass(frozen=True)
class Told:
    """What a person says of measurements besides their files.

    Attributes:
        area, columns: as of `files.read`. rate: V/s, dwell: s, preconditioning: "1.2 V, 30 s", of scans.
        steady: whether curves are taken for steady, in whatever direction they were scanned.
        bias, bias_light: of an impedance: "open-circuit", "0.9 V"; "dark", "1 sun".
        sample, wavelength (m), fluence (J m^-2): of the pulse of a decay. sd: of each point, in the data's unit or "%".
    """

    area: str | None = None
    columns: str | None = None
    rate: float | None = None
    dwell: float | None = None
    preconditioning: str | None = None
    steady: bool = False
    bias: str | None = None
    bias_light: str | None = None
    sample: str = "film"
    wavelength: float | None = None
    fluence: float | None = None
    sd: str | None = None


#: what is told where nobody says anything
NOTHING = Told()


def of_files(
    files: Sequence[tuple[str, str]],
    cell: Cell,
    told: Told | Sequence[Told] | None = None,
    gap_varies: bool = False,
) -> tuple[list[Data], list[str]]:
    """Data of a cell in files.

    Args:
        files: kind (of `KINDS`) and path; "pixels.txt#b_rev" names one of several curves. cell: that they are of.
        told: of all of them, or of each. How curves were scanned is said of the first for all: they are scans in a row.
        gap_varies: whether the absorber's gap is found with the rest.

    Returns:
        The data, and what was decided on the way.

    Raises:
        InputError: a file that cannot be read, or cannot be of the cell.
    """
    each = [told or NOTHING] * len(files) if told is None or isinstance(told, Told) else told
    data: list[Data] = []
    notes: list[str] = []
    curves: list[tuple[xr.Dataset, Told]] = []
    for (kind, path), told in zip(files, each, strict=True):
        found = _read(kind, path, told)
        for one in found:
            _refuse(one, kind, path, cell, gap_varies)
            notes += [
                f"{Path(path.partition('#')[0]).name}: {_of_the_cell(note, cell)}" for note in one.notes
            ]
            if kind == "jv":
                curves.append((one.dataset, told))
            elif kind == "suns_voc":
                data.append(_suns(one.dataset, cell, _name("suns_voc", data), told))
            elif kind == "eqe":
                data.append(_spectrum(one.dataset, cell, _name("eqe", data), told))
            elif kind == "impedance":
                spectrum, said = impedance_of(
                    one.dataset, cell, path.partition("#")[0], bias=told.bias, light=told.bias_light, sd=told.sd,
                    thinned=thinned,
                )  # fmt: skip
                data.append(replace(spectrum, name=_name(spectrum.kind, data)))
                notes += said
            else:
                made, said = _decay(one.dataset, cell, _name("trpl", data), told)
                data.append(made)
                notes += said
    if curves:
        more, said = _curves(curves, cell)
        data = [*more, *data]
        notes += said
    return data, list(dict.fromkeys(notes))


def _name(kind: str, data: Sequence[Data]) -> str:
    taken = [one.name for one in data]
    return (
        kind if kind not in taken else next(f"{kind} {n}" for n in range(2, 99) if f"{kind} {n}" not in taken)
    )


def _read(kind: str, path: str, told: Told) -> list[Found]:
    from perotwin.files import read

    file, _, label = path.partition("#")
    found = [one for one in read(file, kind, told.columns, told.area)]
    if label:
        names = [str(one.dataset.attrs.get("label") or one.name) for one in found]
        kept = [one for one, name in zip(found, names, strict=True) if label in (name, one.name)]
        if not kept:
            close = nearest(label, names)
            raise InputError(
                f'no measurement in it is called "{shown(label)}".',
                f'Did you mean "{close[0]}"?' if close else f"There are {', '.join(names[:12])}.",
                file=file,
            )
        return kept
    if kind == "jv":
        lit = [one for one in found if float(one.dataset.attrs.get("light", 1.0)) > 0.0]
        found = lit or found
    directions = [one.dataset.attrs.get("direction") for one in found]
    pair = kind == "jv" and len(found) == 2 and set(directions) == {"reverse", "forward"}
    if len(found) > 1 and not pair:
        names = [str(one.dataset.attrs.get("label") or one.name) for one in found]
        if kind == "eqe" and len(found) == 2 and _apart(found):
            raise InputError(
                "it holds the spectra of two junctions: a tandem's file.",
                "Give the spectrum of the one junction that is fitted.",
                file=file,
            )
        raise InputError(
            f"it holds {len(found)} measurements, and a fit is of one cell.",
            f'Name one: "{Path(file).name}#{names[0]}". There are {", ".join(names[:12])}.',
            file=file,
        )
    return found


def _apart(found: Sequence[Found]) -> bool:
    """Whether two spectra are those of two junctions: their edges are far apart."""
    edges = [_edge(one) for one in found]
    return all(map(math.isfinite, edges)) and abs(edges[0] - edges[1]) > 2.0 * _EDGE


def _edge(found: Found) -> float:
    from perotwin.files.analysed import reading_of

    metric = reading_of(found).metrics.get("bandgap")
    return math.nan if metric is None else float(metric.value)


def _refuse(found: Found, kind: str, path: str, cell: Cell, gap_varies: bool) -> None:
    """Refuse a measurement that cannot be of this cell."""
    made, name = found.dataset, Path(path.partition("#")[0]).name
    if kind == "jv" and "current_density" not in made:
        raise InputError(
            f'"{name}" holds currents and no area, so that nothing says what a square centimetre gives.',
            'Give the area: --area "0.09 cm^2".',
            file=path,
            key="area",
        )
    light = None if LIGHT_NOT_STATED in found.notes else made.attrs.get("light")
    own = float(cell.light.intensity)
    if kind == "jv" and light is not None and abs(float(light) - own) > _LIGHT * max(own, 1e-6):
        raise InputError(
            f'"{name}" was measured at {float(light):.4g} sun, and "{cell.name}" is under {own:.4g} sun.',
            f'Say what shone on it: --light "{float(light):.4g} sun".',
            file=path,
            key="light.intensity",
        )
    kelvin = made.attrs.get("temperature")
    if kelvin is not None and abs(float(kelvin) - float(cell.temperature)) > _TEMPERATURE:
        raise InputError(
            f'"{name}" was measured at {float(kelvin):.1f} K, and "{cell.name}" is at {float(cell.temperature):.1f} K.',
            f'Say how warm it was: --temperature "{float(kelvin):.1f} K".',
            file=path,
            key="temperature",
        )
    junctions = len(cell.stacks) if type(cell).__name__ == "Tandem" else 1
    gaps = [float(layer.gap) for layer in cell.electrical_layers if layer.role == "absorber" and layer.gap]
    if junctions > 1 or not gaps:
        if kind in ("eqe", "trpl") and junctions > 1:
            raise InputError(
                f'"{cell.name}" has {junctions} junctions, and "{name}" is of one.',
                "Fit the junction by itself, or leave this file out.",
                file=path,
            )
        return
    gap = max(gaps)
    if kind in ("jv", "suns_voc"):
        voc = _voc(made, kind)
        if math.isfinite(voc) and voc > gap:
            raise InputError(
                f'"{name}" reaches {voc:.3f} V, more than the gap of {gap:.2f} eV of the one junction of '
                f'"{cell.name}": a tandem\'s file.',
                "Give the tandem's stack file, or the curve of one junction.",
                file=path,
            )
    if kind == "eqe" and not gap_varies:
        edge = _edge(found)
        if math.isfinite(edge) and abs(edge - gap) > _EDGE:
            raise InputError(
                f'the spectrum in "{name}" begins at {edge:.2f} eV, and the absorber of "{cell.name}" at {gap:.2f} eV.',
                f'Set the gap, --set perovskite.bandgap="{edge:.2f} eV", or vary it; or it is of another cell or of '
                "one junction of a tandem.",
                file=path,
                key="bandgap",
            )


def _of_the_cell(note: str, cell: Cell) -> str:
    """A note of a reader as it is for a fit: what no file states of the light is that of the cell."""
    suns = float(cell.light.intensity)
    other = note == LIGHT_NOT_STATED and suns != 1.0
    return f"the light is not stated: taken for that of the cell, {suns:.4g} sun" if other else note


def _voc(made: xr.Dataset, kind: str) -> float:
    """Open-circuit voltage, read off simply; NaN where none is in it."""
    if kind == "suns_voc":
        return float(np.nanmax(made["voltage"].values)) if "voltage" in made else math.nan
    _, voltage, current = _lines(made)[0]
    crossing = np.flatnonzero((current[:-1] > 0.0) & (current[1:] <= 0.0))
    return float(voltage[crossing[-1]]) if crossing.size else math.nan


def _lines(made: xr.Dataset) -> list[tuple[str, Any, Any]]:
    """The sweeps in a curve: direction, (K,) voltage (V), ascending, and current (A m^-2), power out positive."""
    from perotwin.lab import curve_points

    keep = _good(made)
    voltage, current = (made[name].values.astype(float)[keep] for name in ("voltage", "current_density"))
    found = curve_points.sweeps(voltage, current)
    stated = str(made.attrs.get("direction") or "")
    stated = stated if stated in ("reverse", "forward") else ""
    return [(way or stated, *curve_points.oriented(v, j)[:2]) for way, (v, j) in found.items()]


# --- curves ----------------------------------------------------------------------------------------------------------


def _curves(curves: Sequence[tuple[xr.Dataset, Told]], cell: Cell) -> tuple[list[Data], list[str]]:
    """Curves of one cell as scans with ions that move, or as steady ones; the first says how they were scanned."""
    notes: list[str] = []
    ions = any(layer.ions is not None for layer in cell.electrical_layers)
    lines = [(one, own, line) for one, own in curves for line in _lines(one)]
    told = curves[0][1]
    steady = told.steady or not ions
    if not steady and not all(direction for _, _, (direction, _, _) in lines):
        steady = True
        notes.append(
            "a curve does not say in which direction it was scanned: the curves are taken for steady. Ions that move "
            "during a scan are not looked at"
        )
    lit = float(cell.light.intensity)
    if not steady:
        hold = None
        if told.preconditioning is not None:
            from perotwin.lab.scan_protocol import Protocol

            hold = Protocol(preconditioning=told.preconditioning).preconditioning
        segments = tuple(_segment(line, own) for _, own, line in lines)
        rate, dwell = told.rate, told.dwell
        stated = {float(one.attrs["rate"]) for one, _, _ in lines if one.attrs.get("rate")}
        if rate is None and len(stated) == 1:
            (rate,) = stated
        if rate is None:
            notes.append(
                "nobody states how fast the curves were scanned: the rate is found with the rest, about 100 mV/s "
                "within a factor of e (assumed). Give --rate"
            )
        if dwell is None:
            notes.append(
                "nobody states how long the cell stood at the first voltage: that is found with the rest, about 10 s "
                "within a factor of e (assumed). Give --dwell"
            )
        return [
            Scan(
                "scan", cell.name, segments, rate, dwell, hold, None, lit,
                laboratory.number("scan", "light") if lit > 0.0 else 0.0,
            )
        ], notes  # fmt: skip
    made: list[Data] = []
    for number, (_, own, (direction, voltage, current)) in enumerate(lines, 1):
        sd = _stated_sd(own.sd, current, "current density")
        sd = current_sd(voltage, current) if sd is None else sd
        index = thinned(voltage, _POINTS)
        name = "jv" if len(lines) == 1 else f"jv {direction}".strip()
        if name in [other.name for other in made] or (name == "jv" and len(lines) > 1):
            name = f"{name} {number}"
        made.append(
            SteadyCurve(
                name, cell.name, voltage[index], current[index], sd[index], lit,
                laboratory.number("jv", "light") if lit > 0.0 else 0.0,
            )
        )  # fmt: skip
    return made, notes


def _good(one: xr.Dataset) -> Any:
    keep = np.isfinite(one["voltage"].values) & np.isfinite(one["current_density"].values)
    if "clipped" in one:
        keep &= ~one["clipped"].values.astype(bool)
    if keep.sum() < 5:
        raise InputError(
            "a curve of fewer than five points tells nothing.", "Give all points.", key="voltage"
        )
    return keep


def _segment(line: tuple[str, Any, Any], told: Told) -> Segment:
    """One direction in the order in which it was scanned."""
    direction, voltage, current = line
    order = slice(None, None, -1) if direction == "reverse" else slice(None)
    voltage, current = voltage[order], current[order]
    sd = _stated_sd(told.sd, current, "current density")
    sd = current_sd(voltage, current, "scan") if sd is None else sd
    index = thinned(voltage)
    return Segment(direction, voltage[index], current[index], sd[index])


def _stated_sd(sd: str | None, values: Any, dimension: str) -> Any:
    """(K,) a standard deviation that a person stated; None where nobody did."""
    if sd is None:
        return None
    if sd.strip().endswith("%"):
        return np.full(values.size, float(units.parse(sd, "fraction")) * float(np.nanmax(np.abs(values))))
    return np.full(values.size, float(units.parse(sd, dimension)))


def _suns(one: xr.Dataset, cell: Cell, name: str, told: Told) -> SunsVoc:
    voltage = one["voltage"].values.astype(float)
    if "intensity" in one:
        suns = one["intensity"].values.astype(float)
    else:
        own = float(one.attrs.get("jsc", math.nan))
        suns = one["current_density"].values.astype(float) / own
    temperature = float(cell.temperature)
    keep = np.isfinite(voltage) & np.isfinite(suns) & (suns > 0.0) & (voltage > 0.0)
    if "temperature" in one:
        keep &= np.abs(one["temperature"].values - temperature) <= _TEMPERATURE
    if keep.sum() < 3:
        raise InputError(
            "fewer than three lights at the cell's temperature tell nothing.",
            "Give the lights in suns, or the short-circuit current at each.",
            key="intensity",
        )
    suns, voltage = suns[keep], voltage[keep]
    sd = _stated_sd(told.sd, voltage, "voltage")
    if sd is None:
        sd = np.full(suns.size, suns_sd(units.BOLTZMANN * temperature))
    index = thinned(suns)
    return SunsVoc(name, cell.name, suns[index], voltage[index], sd[index])


def _spectrum(one: xr.Dataset, cell: Cell, name: str, told: Told) -> Spectrum:
    from perotwin.lab.eqe_reading import spectral

    made = spectral(one)
    wavelength, eqe = made["wavelength"].values.astype(float), made["eqe"].values.astype(float)
    if float(np.nanmax(eqe)) > 1.5:
        eqe = eqe / 100.0
    keep = np.isfinite(wavelength) & np.isfinite(eqe)
    order = np.argsort(wavelength[keep])
    wavelength, eqe = wavelength[keep][order], eqe[keep][order]
    sd = _stated_sd(told.sd, eqe, "dimensionless")
    sd = eqe_sd(eqe) if sd is None else sd
    index = thinned(wavelength, _POINTS)
    return Spectrum(
        name, cell.name, wavelength[index], eqe[index], sd[index], float(cell.light.intensity),
        laboratory.number("eqe", "level"),
    )  # fmt: skip


def _decay(one: xr.Dataset, cell: Cell, name: str, told: Told) -> tuple[Decay, list[str]]:
    from perotwin.lab import trpl

    notes = []
    histogram = trpl.counted(one)
    edges, counts, background = groups(histogram)
    wavelength, fluence = told.wavelength, told.fluence
    if wavelength is None:
        wavelength = 470e-9
        notes.append("nobody states the wavelength of the pulse: taken for 470 nm. Give --wavelength")
    fluence_sd = laboratory.number("trpl", "fluence")
    if fluence is None:
        fluence, fluence_sd = 1e-4, 1.5
        notes.append(
            "nobody states the fluence of the pulse: found with the rest, about 10 nJ/cm2 within a factor of 4 "
            "(assumed). Give --fluence"
        )
    if histogram.response is not None:
        notes.append("the instrument's response is left out: the decay is compared from beyond its rise on")
    made = Decay(name, cell.name, told.sample, wavelength, fluence, edges, counts, background, fluence_sd)
    return made, notes


# --- evidence --------------------------------------------------------------------------------------------------------


def of_evidence(path: str, cells: Sequence[Cell], gap_varies: bool = False) -> tuple[list[Data], list[str]]:
    """Data of several cells that a TOML file lists: files, and numbers; what it ties is read by `ties.ties_of`.

        [[file]]
        cell = "control"
        kind = "jv"                # jv, suns_voc, eqe, impedance, trpl
        file = "control_rev.txt"
        rate = "100 mV/s"

        [[scalar]]
        cell = "control"
        of = "voc"                 # voc, jsc, ff, pce, vmp, jmp
        value = "1.21 V"
        sd = "5 mV"

    Raises:
        InputError: it is no such file, or a measurement cannot be of its cell.
    """
    from perotwin.stack.toml import read

    place = Path(path)
    if not place.is_file():
        raise InputError(f'there is no file "{shown(path)}".', "Check the name.", file=path)
    content = read(place.read_text(encoding="utf-8"), file=path)
    refuse_unknown(content, ("file", "scalar", "tie"), path, "file of evidence")
    named = {cell.name: cell for cell in cells}
    data: list[Data] = []
    notes: list[str] = []
    groups_of: dict[str, list[_Entry]] = {}
    for entry in content.get("file", []):
        cell = _cell_of(entry, named, path)
        kind = str(entry.get("kind", "jv"))
        if kind not in KINDS:
            raise InputError(
                f'"{shown(kind)}" is no kind of data.',
                f"Choose from {', '.join(KINDS)}.",
                file=path,
                key="kind",
            )
        refuse_unknown(entry, (*_KEYS, *_OF_KIND[kind]), path, f'[[file]] of kind "{kind}"')
        if "file" not in entry:
            raise InputError("a [[file]] names no file.", 'Add file = "rev.txt".', file=path, key="file")
        where = str(place.parent / str(entry["file"]))
        where += f"#{entry['label']}" if "label" in entry else ""
        groups_of.setdefault(cell.name, []).append(((kind, where), entry))
    for name, entries in groups_of.items():
        jobs = _in_a_row([one for one in entries if one[0][0] == "jv"])
        jobs += [[one] for one in entries if one[0][0] != "jv"]
        for job in jobs:
            files, told = [each for each, _ in job], [_told(entry) for _, entry in job]
            made, said = of_files(files, named[name], told, gap_varies)
            for one in made:
                data.append(_renamed(one, f"{name} {one.name}" if len(cells) > 1 else one.name, data))
            notes += said
    for number, entry in enumerate(content.get("scalar", []), 1):
        cell = _cell_of(entry, named, path)
        refuse_unknown(entry, _SCALAR_KEYS, path, "[[scalar]]")
        data.append(_scalar(entry, cell, number, path, data, len(cells) > 1))
    if not data:
        raise InputError("it holds no evidence.", "Add a [[file]] or a [[scalar]].", file=path)
    return data, list(dict.fromkeys(notes))


_Entry = tuple[tuple[str, str], Mapping[str, Any]]


def _in_a_row(curves: Sequence[_Entry]) -> list[list[_Entry]]:
    """Curves of one cell by how they were scanned: those scanned alike follow one another, others are measurements of
    their own. What one entry says, and no other says otherwise, is said of all."""
    said = {key: [entry[key] for _, entry in curves if key in entry] for key in _SCANNED}
    usual = {
        key: values[0] for key, values in said.items() if values and values.count(values[0]) == len(values)
    }
    rows: list[list[_Entry]] = []
    for file, entry in curves:
        whole = {**usual, **entry}
        how = [whole.get(key) for key in _SCANNED]
        for row in rows:
            if [row[0][1].get(key) for key in _SCANNED] == how:
                row.append((file, whole))
                break
        else:
            rows.append([(file, whole)])
    return rows


def _renamed(one: Data, name: str, taken: Sequence[Data]) -> Data:
    names = [other.name for other in taken]
    if name in names:
        name = next(f"{name} {n}" for n in range(2, 999) if f"{name} {n}" not in names)
    return replace(one, name=name)  # type: ignore[type-var]  # all kinds of data are dataclasses


def _cell_of(entry: Mapping[str, Any], named: Mapping[str, Cell], path: str) -> Cell:
    name = entry.get("cell")
    if name is None and len(named) == 1:
        return next(iter(named.values()))
    if name not in named:
        close = nearest(str(name), named)
        raise InputError(
            "a measurement does not say of which cell it is." if name is None else
            f'a measurement is of "{shown(str(name))}", which is not among the cells.',
            f'Did you mean "{close[0]}"?' if close else f"There are {', '.join(named)}.",
            file=path, key="cell",
        )  # fmt: skip
    return named[str(name)]


def _told(entry: Mapping[str, Any]) -> Told:
    def number(key: str, dimension: str) -> float | None:
        return None if key not in entry else float(units.parse(str(entry[key]), dimension))

    return Told(
        area=entry.get("area"), columns=entry.get("columns"), rate=number("rate", "scan rate"),
        dwell=number("dwell", "time"), preconditioning=entry.get("preconditioning"),
        steady=bool(entry.get("steady", False)), bias=_text(entry, "bias"), bias_light=_text(entry, "light"),
        sample=str(entry.get("sample", "film")), wavelength=number("wavelength", "length"),
        fluence=number("fluence", "energy per area"), sd=entry.get("sd"),
    )  # fmt: skip


def _text(entry: Mapping[str, Any], key: str) -> str | None:
    return None if key not in entry else str(entry[key])


_DIMENSION = {
    "voc": "voltage", "vmp": "voltage", "jsc": "current density", "jmp": "current density", "ff": "fraction",
    "pce": "fraction",
}  # fmt: skip


def _scalar(
    entry: Mapping[str, Any], cell: Cell, number: int, path: str, taken: Sequence[Data], several: bool
) -> Scalar:
    for key in ("of", "value", "sd"):
        if key not in entry:
            raise InputError(
                f'scalar {number} has no "{key}".',
                'Write of = "voc", value = "1.21 V", sd = "5 mV".',
                file=path,
                key=key,
            )
    of = str(entry["of"])
    if of not in OF_CELL:
        raise InputError(
            f'"{shown(of)}" is no number of a steady curve.',
            f"Choose from {', '.join(OF_CELL)}.",
            file=path,
            key="of",
        )
    value, sd = (float(units.parse(entry[key], _DIMENSION[of])) for key in ("value", "sd"))
    name = f"{cell.name} {of}" if several else of
    names = [one.name for one in taken]
    name = name if name not in names else f"{name} {number}"
    return Scalar(name, cell.name, of, value, sd)
