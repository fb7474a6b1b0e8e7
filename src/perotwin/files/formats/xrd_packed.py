"""X-ray diffraction as the makers store it: .xrdml (Malvern Panalytical), .rasx (Rigaku), .brml (Bruker)."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError, shown
from perotwin.files.format import Format, Found, dataset_of
from perotwin.files.formats.packed_xml import members, refuse_entities, root_of
from perotwin.files.source import Source

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["FORMATS", "scan_of"]

F64 = NDArray[np.float64]

_ANGSTROM = 1e-10
_LENGTHS = {"angstrom": 1e-10, "a": 1e-10, "å": 1e-10, "nm": 1e-9, "": 1e-10, "angstroms": 1e-10}


def scan_of(
    source: Source,
    two_theta: F64,
    counts: F64,
    *,
    name: str = "",
    notes: list[str] | None = None,
    **about: Any,
) -> Found:
    """A diffractogram.

    Args:
        two_theta: (K,) deg. counts: (K,). about: attributes: wavelength (m) and so on.

    Raises:
        InputError: both are of different lengths, or hold no points.
    """
    if two_theta.size != counts.size or two_theta.size < 2:
        raise InputError(
            f"{two_theta.size} angles and {counts.size} intensities do not belong together.",
            "The file is not whole: export it again.",
            file=source.file,
        )
    notes = list(notes or ())
    there = np.isfinite(two_theta) & np.isfinite(counts)
    if not there.all():
        notes.append(f"{np.count_nonzero(~there)} of {there.size} points hold no numbers and are left out.")
    dataset = dataset_of(
        "xrd",
        source,
        {"counts": ("two_theta", counts[there])},
        {"two_theta": ("two_theta", two_theta[there], {"units": "deg"})},
        name=name,
        notes=notes,
        **about,
    )
    return Found(dataset)


# --- .xrdml ----------------------------------------------------------------------------------------------------------


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _child(element: Element | None, *path: str) -> Element | None:
    """The first descendant along a path of names, whatever the name space (schemas 1.0 to 2.x differ in it)."""
    for name in path:
        if element is None:
            return None
        element = next((one for one in element if _local(one) == name), None)
    return element


def _numbers(element: Element | None) -> F64:
    if element is None or not (element.text or "").strip():
        return np.array([])
    try:
        return np.array((element.text or "").split(), float)
    except ValueError:
        raise InputError(
            f"<{_local(element)}> holds something that is no number.", "The file is damaged: export it again."
        ) from None


def _number(element: Element | None) -> float | None:
    values = _numbers(element)
    return float(values[0]) if values.size == 1 else None


def _length(element: Element | None) -> float | None:
    value = _number(element)
    if element is None or value is None:
        return None
    factor = _LENGTHS.get(str(element.get("unit", "")).lower())
    return None if factor is None or not value > 0.0 else value * factor


def _read_xrdml(source: Source) -> list[Found]:
    root = root_of(source.content, "diffractogram")
    measurements = [one for one in root.iter() if _local(one) == "xrdMeasurement"]
    name = _text(_child(root, "sample", "name")) or _text(_child(root, "sample", "id"))
    found: list[Found] = []
    left: list[str] = []
    scans = [(one, scan) for one in measurements for scan in one if _local(scan) == "scan"]
    for measurement, scan in scans:
        made = _xrdml_scan(
            source,
            measurement,
            scan,
            name if len(scans) == 1 else f"{name or source.path.stem} {len(found) + 1}",
        )
        if isinstance(made, str):
            left.append(made)
        else:
            found.append(made)
    if not found:
        raise InputError(
            "the file holds no scan of 2 theta" + (f": {left[0]}" if left else "."),
            "A diffractogram is a scan of 2 theta with its counts.",
            file=source.file,
        )
    return [one.noting(f"{len(left)} other scans are left out: {left[0]}") if left else one for one in found]


def _text(element: Element | None) -> str:
    return "" if element is None else (element.text or "").strip()


def _xrdml_scan(source: Source, measurement: Element, scan: Element, name: str) -> Found | str:
    """A scan, or why it is none of 2 theta."""
    points = _child(scan, "dataPoints")
    if points is None:
        return "a scan has no points."
    notes = []
    counts = _numbers(_child(points, "intensities"))
    factors = _numbers(_child(points, "beamAttenuationFactors"))
    if counts.size:
        # <intensities> have the attenuation in them already
        if factors.size:
            notes.append("the intensities hold the beam attenuation already; its factors are not used again.")
    else:
        counts = _numbers(_child(points, "counts"))
        if factors.size in (1, counts.size) and counts.size:
            counts = counts * factors
            if np.any(factors != 1.0):
                notes.append("counts times the beam attenuation factors of the file, once.")
        elif factors.size:
            raise InputError(
                f"{factors.size} attenuation factors stand beside {counts.size} counts.",
                "The file is not whole: export it again.",
                file=source.file,
            )
    if not counts.size:
        return "a scan has no intensities."
    axis = next((one for one in points if _local(one) == "positions" and one.get("axis") == "2Theta"), None)
    if axis is None:
        return f"a scan is of {shown(scan.get('scanAxis') or 'another axis', 30)}."
    if axis.get("unit", "deg") != "deg":
        raise InputError(
            f"2 theta is in {shown(axis.get('unit'), 20)}.", "Export it in deg.", file=source.file
        )
    listed = _numbers(_child(axis, "listPositions"))
    start, end = _number(_child(axis, "startPosition")), _number(_child(axis, "endPosition"))
    if listed.size:
        angles = listed
    elif start is not None and end is not None:
        angles = np.linspace(start, end, counts.size)
    else:
        return "a scan holds 2 theta still."
    if scan.get("status") not in (None, "Completed"):
        notes.append(
            f"the scan's status is {shown(scan.get('status'), 30)}: its angles may end before the planned one."
        )
    held = _held(points)
    if held:
        notes.append(f"other axes stand still: {held}")
    waves = _child(measurement, "usedWavelength")
    about = {
        "wavelength": _length(_child(waves, "kAlpha1")),
        "second_wavelength": _length(_child(waves, "kAlpha2")),
        "second_share": _number(_child(waves, "ratioKAlpha2KAlpha1")),
        "anode": _text(_child(measurement, "incidentBeamPath", "xRayTube", "anodeMaterial")) or None,
        "counting_time": _counting_time(points),
    }
    return scan_of(source, angles, counts, name=name, notes=notes, **about)


def _held(points: Element) -> str:
    """The axes that stand still during a scan which takes place, with where they stand."""
    found = []
    for axis in points:
        place = _number(_child(axis, "commonPosition")) if _local(axis) == "positions" else None
        if place is not None and axis.get("axis") in ("Omega", "Phi", "Chi", "Psi"):
            found.append(f"{axis.get('axis')} at {place:g} {axis.get('unit', '')}".strip())
    return ", ".join(found)


def _counting_time(points: Element) -> float | None:
    element = _child(points, "commonCountingTime")
    return _number(element) if element is not None and element.get("unit", "seconds") == "seconds" else None


def _sniff_xrdml(source: Source) -> float:
    return 0.98 if "<xrdMeasurements" in source.head[:4000] else 0.0


# --- .rasx -----------------------------------------------------------------------------------------------------------

_PROFILE = re.compile(r"(?:^|/)Data(\d+)/Profile(\d+)\.txt$")


def _rasx_wanted(name: str) -> bool:
    # the instrument's program writes the word with its slip of the pen
    return bool(_PROFILE.search(name) or re.search(r"(^|/)Data\d+/Mesurement?Conditions\d+\.xml$", name))


def _read_rasx(source: Source) -> list[Found]:
    parts = members(source.content, _rasx_wanted, "Rigaku file")
    profiles = sorted(
        (int(place[1]), int(place[2]), name) for name in parts if (place := _PROFILE.search(name))
    )
    if not profiles:
        raise InputError(
            "the file holds no profile (only images, or nothing).",
            "Integrate the images and save the profile.",
            file=source.file,
        )
    found: list[Found] = []
    left = []
    for data, number, name in profiles:
        conditions = next(
            (
                parts[other]
                for other in parts
                if re.search(rf"Data{data}/Mesurement?Conditions{number}\.xml$", other)
            ),
            None,
        )
        title = source.path.stem if len(profiles) == 1 else f"{source.path.stem} {len(found) + 1}"
        made = _rasx_scan(source, parts[name], conditions, title)
        if isinstance(made, str):
            left.append(made)
        else:
            found.append(made)
    if not found:
        raise InputError(
            f"the file holds no scan of 2 theta: {left[0]}", "Give a diffractogram.", file=source.file
        )
    return [one.noting(f"{len(left)} other scans are left out: {left[0]}") if left else one for one in found]


def _rasx_scan(source: Source, profile: bytes, conditions: bytes | None, name: str) -> Found | str:
    text = profile.decode("utf-8-sig", "replace")
    try:
        rows = [[float(cell) for cell in line.split()] for line in text.splitlines() if line.strip()]
        values = np.array(rows, float)
    except ValueError:
        values = np.empty(0)
    if values.ndim != 2 or values.shape[1] < 2:
        raise InputError(
            "the profile is no table of angles and intensities.", "The file is damaged.", file=source.file
        )
    notes = []
    counts = values[:, 1]
    if values.shape[1] > 2 and np.any(values[:, 2] != 1.0):
        counts = counts * values[:, 2]
        notes.append("intensities times the attenuator's factors, the third column, once.")
    about: dict[str, Any] = {}
    if conditions is None:
        notes.append(
            "the file does not say under which conditions it was measured; the axis is taken for 2 theta."
        )
    else:
        root = root_of(conditions, "Rigaku file")
        axis = _text(_child(root, "ScanInformation", "AxisName"))
        if axis and not axis.lower().startswith("twotheta"):
            return f"a scan is of {shown(axis, 30)}."
        if _text(_child(root, "ScanInformation", "PositionUnit")).lower() not in ("", "deg"):
            raise InputError("the angles are not in deg.", "Export them in deg.", file=source.file)
        announced = _number(_child(root, "ScanInformation", "DataCount"))
        if announced is not None and announced != counts.size:
            notes.append(f"{announced:g} points are announced and {counts.size} are there.")
        tube = _child(root, "HWConfigurations", "XrayGenerator")
        about = {
            "wavelength": _rigaku_length(tube, "WavelengthKalpha1"),
            "second_wavelength": _rigaku_length(tube, "WavelengthKalpha2"),
            "anode": _text(_child(tube, "TargetName")) or None,
        }
        name = _text(_child(root, "GeneralInformation", "SampleName")) or name
    return scan_of(source, values[:, 0], counts, name=name, notes=notes, **about)


def _rigaku_length(tube: Element | None, name: str) -> float | None:
    value = _number(_child(tube, name))
    unit = _text(_child(tube, f"{name}Unit")).lower()
    factor = _LENGTHS.get(unit)
    return None if value is None or factor is None or not value > 0.0 else value * factor


def _names(source: Source) -> str:
    """Names of the members of a zip archive, as they stand at its end and beginning; "" of other files."""
    if not source.content.startswith(b"PK\x03\x04"):
        return ""
    return (source.content[:2000] + source.content[-20_000:]).decode("latin-1")


def _sniff_rasx(source: Source) -> float:
    return (
        0.97
        if re.search(r"Data\d+/Profile\d+\.txt", _names(source))
        else 0.9
        if _names(source) and source.suffix == ".rasx"
        else 0.0
    )


# --- .brml -----------------------------------------------------------------------------------------------------------


def _brml_wanted(name: str) -> bool:
    return bool(re.search(r"(^|/)(DataContainer|RawData\d+)\.xml$", name))


def _read_brml(source: Source) -> list[Found]:
    for part in members(source.content, _brml_wanted, "Bruker file").values():
        refuse_entities(part, "Bruker file")
    try:
        from fairmat_readers_xrd.readers import read_bruker_brml
    except ImportError:
        raise InputError(
            "files of Bruker diffractometers (.brml) are read by another package, which is not here.",
            'pip install "perotwin[files]", or export the scan as .xy.',
            file=source.file,
        ) from None
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            # what takes a path opens an archive, which may be a stream as well
            read: Mapping[str, Any] = read_bruker_brml(io.BytesIO(source.content))
    except NotImplementedError:  # the package's word for what it does not read
        raise InputError(
            "the file holds several scans, or a map.", "Export each scan as .xy.", file=source.file
        ) from None
    angles, counts = read.get("2Theta"), read.get("intensity")
    if angles is None or counts is None:
        raise InputError("the file holds no scan of 2 theta.", "Give a diffractogram.", file=source.file)
    if max(np.ndim(angles.magnitude), np.ndim(counts.magnitude)) > 1:
        raise InputError(
            "the file holds a map of several scans.", "Export each scan as .xy.", file=source.file
        )
    source_of = read["metadata"]["source"]
    about: dict[str, Any] = {
        "wavelength": _metres(source_of.get("kAlpha1")),
        "second_wavelength": _metres(source_of.get("kAlpha2")),
        "anode": source_of.get("anode_material") or None,
    }
    ratio = source_of.get("ratioKAlpha2KAlpha1")
    if ratio is not None and np.size(ratio) == 1:
        about["second_share"] = float(getattr(ratio, "magnitude", ratio))
    two_theta = np.atleast_1d(np.asarray(angles.to("degree").magnitude, float))
    return [scan_of(source, two_theta, np.atleast_1d(np.asarray(counts.magnitude, float)), **about)]


def _metres(quantity: Any) -> float | None:
    if quantity is None or not hasattr(quantity, "to"):
        return None
    value = float(quantity.to("meter").magnitude)
    return value if value > 0.0 else None


def _sniff_brml(source: Source) -> float:
    names = _names(source)
    return (
        0.97
        if re.search(r"Experiment\d+/(DataContainer|RawData\d+)\.xml", names)
        else 0.9
        if names and source.suffix == ".brml"
        else 0.0
    )


FORMATS = (
    Format(
        "xrdml",
        "diffractogram of Malvern Panalytical (.xrdml)",
        ("xrd",),
        (".xrdml",),
        _sniff_xrdml,
        _read_xrdml,
    ),
    Format("rasx", "diffractogram of Rigaku (.rasx)", ("xrd",), (".rasx",), _sniff_rasx, _read_rasx),
    Format("brml", "diffractogram of Bruker (.brml)", ("xrd",), (".brml",), _sniff_brml, _read_brml),
)
