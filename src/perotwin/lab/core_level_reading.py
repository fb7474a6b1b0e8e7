"""What spectra of core levels say: places and areas of lines, shifts between samples, shares of atoms.

A place is worth as much as its reference. Spectra come as recorded; charging moves all lines of an insulator, and the
carbon from the air, at 284.8 eV by habit, moves with what it lies on by 0.3 to 0.5 eV
(doi:10.1016/j.pmatsci.2019.100591). So a reference is never assumed: `referenced` applies one that is told, once, and
every number says which. The work function of the analyser is part of its energy scale already and is never added.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError
from perotwin.lab import core_levels
from perotwin.measurement import Metric, Metrics

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["fit_of", "from_kinetic", "metrics", "referenced", "shares", "shift", "sorted_counts"]

F64 = NDArray[np.float64]

#: what carbon from the air is set to by habit, eV, and how far that may be wrong
_CARBON, _UNSAFE = 284.8, (0.3, 0.5)
#: a spectrum over more than this, eV, is a survey
_SURVEY = 60.0
_NO_LEVEL = re.compile(r"(?i)(survey|wide|vbm|valence|seco|cut.?off|he ?i)")


def sorted_counts(dataset: xr.Dataset) -> tuple[F64, F64]:
    """Binding energy (K,), ascending, eV, and counts (K,); points without a number left out.

    Raises:
        InputError: the spectrum has no counts, or fewer than three points.
    """
    if "counts" not in dataset:
        names = ", ".join(map(str, dataset.data_vars)) or "nothing"
        raise InputError(
            f"the spectrum holds no counts; it has {names}.",
            'Give "counts" over binding_energy (of a region, with the attribute region = "Pb 4f"), or "c1s".',
            key="counts",
        )
    energy, counts = (np.asarray(dataset[name], float) for name in ("binding_energy", "counts"))
    known = np.isfinite(energy) & np.isfinite(counts)
    if known.sum() < 3:
        raise InputError("the spectrum has fewer than three points.", "Give a whole region.", key="counts")
    order = np.argsort(energy[known], kind="stable")
    return energy[known][order], counts[known][order]


def from_kinetic(kinetic_energy: F64, photon_energy: float) -> F64:
    """Binding energy (eV) of electrons of a kinetic energy on the analyser's scale: photon energy less kinetic energy.

    The analyser's work function is in its scale already. What a file states of it is not added once more: that moves
    all lines by 4 to 5 eV.
    """
    return np.asarray(photon_energy - np.asarray(kinetic_energy, float))


def _region(dataset: xr.Dataset) -> str:
    """The level of a region: what its attributes `region` or `level` say, or its name where that is a level."""
    said = str(dataset.attrs.get("region") or dataset.attrs.get("level") or "")
    name = str(dataset.attrs.get("stack") or "").replace("-", " ").replace("_", " ")
    return (
        core_levels.level_name(said)
        if said
        else core_levels.level_name(name)
        if core_levels.is_level(name)
        else ""
    )


def fit_of(
    dataset: xr.Dataset, lines: int | Sequence[float] | None = None, splitting: float | None = None
) -> core_levels.Fit | None:
    """The fit of a region's lines; None of a survey, a valence band or a cut-off, unless lines are asked for.

    Args:
        dataset: `counts` over `binding_energy`. lines, splitting: as `core_levels.fit`; splitting unless given the
            attribute of that name.
    """
    energy, counts = sorted_counts(dataset)
    region = _region(dataset)
    named = f"{region} {dataset.attrs.get('stack') or ''}"
    wide = float(np.ptp(energy)) > _SURVEY or bool(_NO_LEVEL.search(named))
    wide = wide or dataset.attrs.get("technique") == "UPS"
    if lines is None and wide and not core_levels.is_level(region):
        return None
    said = splitting if splitting is not None else dataset.attrs.get("splitting")
    return core_levels.fit(
        energy, counts, region, lines=lines, splitting=None if said is None else float(said)
    )


def _reference_words(dataset: xr.Dataset) -> str:
    attributes = dataset.attrs
    if "energy_shift" not in attributes:
        return "as recorded, no charge reference: charging of the sample is in it"
    line, at = str(attributes.get("reference_line")), float(attributes.get("reference_set", np.nan))
    words = f"moved by {float(attributes['energy_shift']):+.3f} eV so that {line} is at {at:g} eV"
    if line == "C 1s":
        words += f"; systematic besides: carbon from the air is unsafe by {_UNSAFE[0]:g} to {_UNSAFE[1]:g} eV"
    return words


def referenced(
    dataset: xr.Dataset, found: float, at: float = _CARBON, line: str = "C 1s", *, error: float = 0.0
) -> xr.Dataset:
    """The spectrum on an energy scale on which a line is where it is set to be.

    Args:
        dataset: as recorded. found: where the line is in this sample's spectra, eV. at: where it is set, eV.
        line: which; "C 1s" at 284.8 eV is a habit and unsafe by 0.3 to 0.5 eV, the Fermi edge or a line of the
            substrate is better. error: of `found`, eV.

    Raises:
        InputError: the spectrum was moved already.
    """
    if "energy_shift" in dataset.attrs:
        raise InputError(
            f"the spectrum was moved by {float(dataset.attrs['energy_shift']):+.3f} eV already.",
            "Start from the spectrum as recorded.",
            key="energy_shift",
        )
    moved = float(at) - float(found)
    energy = dataset["binding_energy"]
    return dataset.assign_coords(binding_energy=("binding_energy", energy.values + moved, energy.attrs)).assign_attrs(
        energy_shift=moved, reference_line=line, reference_set=float(at), reference_found=float(found),
        reference_error=float(error),
    )  # fmt: skip


def metrics(
    dataset: xr.Dataset, lines: int | Sequence[float] | None = None, splitting: float | None = None
) -> Metrics:
    """Place, width and area of each line of a region, and the area below which nothing is seen.

    Args:
        dataset: `counts` over `binding_energy`, optionally `transmission`; attributes `region` and those of
            `referenced`. lines, splitting: as `fit_of`.

    Returns:
        `core_maximum` (eV); of each line, the largest first and told apart by its level and a letter, `core_level`,
        `core_width` (eV) and `core_area` (counts eV over the transmission, both partners); `core_limit`, the least area
        that is seen.
    """
    energy, counts = sorted_counts(dataset)
    reference = _reference_words(dataset)
    place, error = core_levels.maximum(energy, counts)
    found = {"core_maximum": Metric(place, "eV", f"parabola through the largest points, {reference}", error)}
    best = fit_of(dataset, lines, splitting)
    if best is None:
        return Metrics(found)
    error_of_reference = float(dataset.attrs.get("reference_error") or 0.0)
    name = _region(dataset) or "line"
    strong = "" if best.doublet is None else best.doublet.strong
    words = _fit_words(best)
    if best.doublet is None and core_levels.is_level(name) and not name.endswith("s"):
        words += "; partners of the level are lines of their own here (splitting makes them one)"
    for index, line in enumerate(best.lines):
        label = f"{name}{strong}" + ("" if index == 0 else f" {chr(ord('A') + index)}")
        sent = _transmission(dataset, line.position)
        divided = "" if sent is None else f", over a transmission of {sent:.4g}"
        loose = core_levels.at_bound(line) or not np.isfinite(line.width_error)
        bound = "; its width is at a bound: a sum of lines, or none" if loose else ""
        limit = best.detection_area(line) / (sent or 1.0)
        found[f"core_level, {label}"] = Metric(
            line.position,
            "eV",
            f"{words}{bound}; {reference}",
            float(np.hypot(line.position_error, error_of_reference)),
        )
        found[f"core_width, {label}"] = Metric(
            line.width, "eV", f"full width at half maximum, {words}{bound}", line.width_error
        )
        found[f"core_area, {label}"] = Metric(
            line.area / (sent or 1.0), "eV",
            f"counts times eV{', both partners' if strong else ''}{divided}, {line.area / (sent or 1.0) / limit:.3g} "
            f"times what is seen; {words}{bound}", line.area_error / (sent or 1.0),
        )  # fmt: skip
        if index == 0:
            found["core_limit"] = Metric(
                limit, "eV", f"three standard deviations of the background's counts within a width of {label}{divided}",
                limit * 0.5 * (line.width_error / line.width if np.isfinite(line.width_error) else 1.0),
            )  # fmt: skip
    return Metrics(found)


def _fit_words(best: core_levels.Fit) -> str:
    words = f"pseudo-Voigt ({100.0 * best.mixing:.0f} % Lorentzian) on a background of Shirley's form, fitted together"
    if best.doublet is not None:
        words += f"; partner fixed at {best.doublet.splitting:g} eV and {best.doublet.ratio:.3g} of the area"
    if best.gain != 1.0:
        words += f"; noise {best.gain:.2g} of that of counts, by third differences"
    if best.reduced > 1.3:
        words += f"; chi squared {best.reduced:.3g}: lines of another shape, errors scaled by its root"
    return words


def _transmission(dataset: xr.Dataset, place: float) -> float | None:
    """The analyser's transmission at a binding energy; None where nobody tells it."""
    if "transmission" not in dataset:
        return None
    energy = np.asarray(dataset["binding_energy"], float)
    order = np.argsort(energy)
    sent = float(np.interp(place, energy[order], np.asarray(dataset["transmission"], float)[order]))
    return sent if sent > 0.0 else None


def shift(one: xr.Dataset, other: xr.Dataset, *, lines: int | Sequence[float] | None = 1) -> Metric:
    """How far the largest line of one spectrum lies above that of another, eV, with its error.

    What moves all lines of a sample, charging or band bending, is in it unless both stand on one reference.

    Args:
        one, other: the same region of two samples. lines: as `core_levels.fit`; one, unless told, so that both are read
            alike.

    Raises:
        InputError: the regions differ, only one spectrum is referenced, or they are to different lines.
    """
    regions = _region(one), _region(other)
    if regions[0] != regions[1]:
        raise InputError(
            f'a shift is one of the same level; these are "{regions[0]}" and "{regions[1]}".',
            "Give the same region of both samples.",
            key="region",
        )
    scales = [(each.attrs.get("reference_line"), each.attrs.get("reference_set")) for each in (one, other)]
    if scales[0] != scales[1]:
        raise InputError(
            f"the two spectra stand on different energy scales: {_reference_words(one)}; {_reference_words(other)}.",
            "Refer both to one line, or neither.",
            key="reference_line",
        )
    if not regions[0] and any(fit_of(each) is None for each in (one, other)):
        raise InputError(
            "a survey, a valence band or a cut-off has no line whose shift could be told.",
            "Give the region of a core level of both samples.",
            key="region",
        )
    found = []
    for each in (one, other):
        best = fit_of(each, lines)
        assert best is not None  # lines are asked for
        found.append((best.lines[0], float(each.attrs.get("reference_error") or 0.0)))
    (first, first_reference), (second, second_reference) = found
    error = float(
        np.sqrt(first.position_error**2 + second.position_error**2 + first_reference**2 + second_reference**2)
    )
    if scales[0][0] is None:
        words = "both as recorded: a difference of charging is in it, which no error here holds"
    else:
        words = f"both on {scales[0][0]} at {float(scales[0][1] or np.nan):g} eV"
        if scales[0][0] == "C 1s":
            words += f", whose own place differs between samples by up to {_UNSAFE[0]:g} to {_UNSAFE[1]:g} eV"
    return Metric(
        first.position - second.position,
        "eV",
        f"largest lines of {regions[0] or 'the region'}, {words}",
        error,
    )


def shares(datasets: Sequence[xr.Dataset], sensitivity: Mapping[str, float]) -> Metrics:
    """Shares of atoms from the regions of one sample: areas over sensitivity and transmission.

    As for an even solid: no part of it lies under another, and electrons of all energies come from the same depth.

    Args:
        datasets: one region of a core level each. sensitivity: factor by level ("Pb 4f", both partners).

    Raises:
        InputError: a region is no core level, comes twice, or has no factor; or some regions have a transmission and
            others none.
    """
    regions = [_region(each) for each in datasets]
    for region in regions:
        if not core_levels.is_level(region) or regions.count(region) > 1:
            raise InputError(
                f'shares of atoms are of one region a core level; "{region}" is none, or comes twice.',
                "Give one spectrum a level, with the attribute region.",
                key="region",
            )
        if not float(sensitivity.get(region, 0.0)) > 0.0:
            raise InputError(
                f'there is no sensitivity factor of "{region}".',
                "Give that of your source and analyser: sensitivity = {...}.",
                key="sensitivity",
            )
    if len({"transmission" in each for each in datasets}) > 1:
        raise InputError(
            "some regions have a transmission and others have none: their areas do not compare.",
            "Give it for all, or for none where the counts are divided by it.",
            key="transmission",
        )
    amounts, errors = [], []
    for region, each in zip(regions, datasets, strict=True):
        best = fit_of(each)
        assert best is not None  # core levels are fitted
        sent = _transmission(each, best.lines[0].position) or 1.0
        factor = float(sensitivity[region]) * sent
        amounts.append(sum(line.area for line in best.lines) / factor)
        errors.append(float(np.sqrt(np.nansum([line.area_error**2 for line in best.lines]))) / factor)
    amount, error, total = np.array(amounts), np.array(errors), float(sum(amounts))
    words = "area over sensitivity" + (" and transmission" if "transmission" in datasets[0] else "")
    found = {}
    for index, region in enumerate(regions):
        part = amount[index] / total
        others = float(np.sum(np.delete(error, index) ** 2))
        spread = float(np.sqrt(((1.0 - part) * error[index]) ** 2 + part**2 * others)) / total
        found[f"atomic_share, {region}"] = Metric(
            float(part), "1",
            f"{words}, as in an even solid; systematic besides: about a tenth, by factors and depths", spread,
        )  # fmt: skip
    return Metrics(found)
