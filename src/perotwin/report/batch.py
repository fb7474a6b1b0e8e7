"""A batch of measured files: what was read as what, which measurements belong together, and figures by group.

Curves of one pixel are matched by what is left of their name without the words of direction and light: forward with
reverse, dark with light, and an Isc-Voc measurement with the curve of the same cell.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from perotwin.files.analysed import AnalysedFile, Reading
from perotwin.measurement.metrics import Metric

__all__ = ["Batch", "Member", "Pair", "Summary", "batch_of", "group_by"]

_DIRECTIONS = re.compile(
    r"(?i)(?<![a-z])(rev|reverse|rv|bwd|backward|for|fwd|forward|fw|light|dark|lit|illuminated|sweep \d|scan \d+"
    r"|\d{8}(_\d{4,6})?)(?![a-z])"
)
#: the figures that tables of groups show
FIGURES = ("voc", "jsc", "ff", "pce")


@dataclass(frozen=True)
class Member:
    """A measurement of a batch.

    path : of its file, as given. group : it belongs to; "" without groups. key : of its pixel.
    """

    reading: Reading
    path: str
    format: str
    group: str
    key: str

    @property
    def direction(self) -> str:
        """ "forward", "reverse" or ""."""
        return str(self.reading.dataset.attrs.get("direction", ""))

    @property
    def dark(self) -> bool:
        """Whether it was taken in the dark."""
        return float(self.reading.dataset.attrs.get("light", 1.0)) == 0.0

    def figure(self, name: str) -> float:
        """A metric in SI; NaN where it is not known."""
        found = self.reading.metrics.get(name)
        return math.nan if found is None else found.value


@dataclass(frozen=True)
class Pair:
    """Measurements of one pixel that say something together. metrics : what they say."""

    key: str
    group: str
    members: tuple[Member, ...]
    metrics: dict[str, Metric]


@dataclass(frozen=True)
class Summary:
    """The cells of a group. count : pixels with power. medians, means, spreads : by figure, SI. best : its best one."""

    group: str
    count: int
    medians: dict[str, float]
    means: dict[str, float]
    spreads: dict[str, float]
    best: Member


@dataclass(frozen=True)
class Batch:
    """All of it, in the order in which the files were named."""

    files: tuple[AnalysedFile, ...]
    members: tuple[Member, ...]
    pairs: tuple[Pair, ...] = ()
    summaries: tuple[Summary, ...] = field(default=())

    @property
    def failed(self) -> list[AnalysedFile]:
        """Files that could not be read or analysed as a whole."""
        return [one for one in self.files if one.failed]

    def by_instrument(self) -> dict[str, list[Member]]:
        """The measurements of each instrument."""
        found: dict[str, list[Member]] = {}
        for one in self.members:
            found.setdefault(one.reading.instrument, []).append(one)
        return found


def group_by(paths: Sequence[str], pattern: str | None) -> list[str]:
    """The group of each file: what a pattern finds in its name, else its folder, where there are several.

    pattern : a regular expression; its group "group", or its first one, or all that it finds.
    """
    if pattern is not None:
        found = [re.search(pattern, Path(path).name) for path in paths]
        return ["" if one is None else _of_match(one) for one in found]
    folders = [Path(path).parent for path in paths]
    if len(set(folders)) < 2:
        return [""] * len(paths)
    names = [folder.name for folder in folders]
    if len(set(names)) == len(set(folders)):
        return names
    return [str(folder) for folder in folders]


def _of_match(match: re.Match[str]) -> str:
    if "group" in match.groupdict():
        return match["group"] or ""
    return (match[1] or "") if match.groups() else match[0]


def batch_of(files: Sequence[AnalysedFile], groups: Sequence[str]) -> Batch:
    """The batch that files make, `groups` naming the group of each."""
    members = tuple(
        Member(reading, file.path, file.format, group, _key(file, reading))
        for file, group in zip(files, groups, strict=True)
        for reading in file.readings
    )
    return Batch(tuple(files), members, tuple(_pairs(members)), tuple(_summaries(members)))


def _key(file: AnalysedFile, reading: Reading) -> str:
    """What names the pixel: sample and label without words of direction and light, with folder."""
    attributes = reading.dataset.attrs
    if reading.instrument == "jv" and attributes.get("label"):
        name = f"{attributes.get('sample', '')} {attributes['label']}"
    elif attributes.get("sample") and attributes["sample"] != Path(file.path).stem:
        name = str(attributes["sample"])
    else:
        name = Path(file.path).stem
    bare = _DIRECTIONS.sub(" ", name.replace("_", " "))
    return re.sub(r"[\s,]+", " ", bare).strip() or name


def _pairs(members: Sequence[Member]) -> list[Pair]:
    """Forward with reverse, and Isc-Voc with the curve of the same cell; a key that several files share is left alone
    where it is not told which belong together."""
    by_key: dict[tuple[str, str], list[Member]] = {}
    for one in members:
        by_key.setdefault((one.group, one.key), []).append(one)
    found = []
    for (group, key), of_pixel in by_key.items():
        lit = [one for one in of_pixel if one.reading.instrument == "jv" and not one.dark]
        forward = [one for one in lit if one.direction == "forward"]
        reverse = [one for one in lit if one.direction == "reverse"]
        dark = [one for one in of_pixel if one.reading.instrument == "jv" and one.dark]
        if len(forward) == 1 and len(reverse) == 1:
            pair = (*forward, *reverse, *dark)
            there, back = forward[0].figure("pce"), reverse[0].figure("pce")
            index = (back - there) / back if back > 0.0 else math.nan
            method = "(PCE of the reverse scan - of the forward scan) / that of the reverse scan"
            metrics = {"hysteresis_index": Metric(index, "1", method)}
            found.append(Pair(key, group, pair, metrics))
        elif len(lit) == 1 and dark:
            found.append(Pair(key, group, (*lit, *dark), {}))
        suns = [one for one in of_pixel if one.reading.instrument == "suns_voc"]
        energy = _activation(suns)
        if energy is not None:
            found.append(Pair(key, group, tuple(suns), {"activation_energy": energy}))
        if len(suns) == 1 and lit:
            best = max(lit, key=lambda one: np.nan_to_num(one.figure("ff"), nan=-1.0))
            names = [name for name in suns[0].reading.metrics if name in ("pseudo_ff", "pff")]
            if names:
                lost = suns[0].figure(names[0]) - best.figure("ff")
                method = "pseudo fill factor of the Isc-Voc measurement less the fill factor of the curve"
                found.append(
                    Pair(key, group, (best, suns[0]), {"ff_lost_in_transport": Metric(lost, "1", method)})
                )
    return found


def _activation(members: Sequence[Member]) -> Metric | None:
    """Activation energy of recombination, eV: Voc at one short-circuit current density, extrapolated to 0 K.

    The density is one that all temperatures have; a straight line through the temperatures above 200 K where there are
    three, else through all.
    """
    datasets = [one.reading.dataset for one in members if "temperature" in one.reading.dataset.attrs]
    if len({round(float(one.attrs["temperature"])) for one in datasets}) < 3:
        return None
    try:
        lowest = max(float(one["current_density"].min()) for one in datasets)
        highest = min(float(one["current_density"].max()) for one in datasets)
    except KeyError:
        return None
    if not 0.0 < lowest < highest:
        return None
    at = math.sqrt(lowest * highest)
    kelvin, volts = [], []
    for one in datasets:
        order = np.argsort(one["current_density"].values)
        logs = np.log(one["current_density"].values[order])
        kelvin.append(float(one.attrs["temperature"]))
        volts.append(float(np.interp(math.log(at), logs, one["voltage"].values[order])))
    t, v = np.array(kelvin), np.array(volts)
    warm = t > 200.0
    used = warm if warm.sum() > 3 else np.ones(t.size, bool)
    (_, energy), covariance = (
        np.polyfit(t[used], v[used], 1, cov=used.sum() > 3)
        if used.sum() > 3
        else (
            np.polyfit(t[used], v[used], 1),
            np.full((2, 2), np.nan),
        )
    )
    spread = float(np.sqrt(covariance[1, 1]))
    words = (
        f"Voc at {at / 10.0:.3g} mA/cm2, a line through {int(used.sum())} temperatures from {t[used].min():.0f} to "
        f"{t[used].max():.0f} K, at 0 K"
    )
    return Metric(float(energy), "eV", words, spread if math.isfinite(spread) else None)


def _summaries(members: Sequence[Member]) -> list[Summary]:
    """Of each group: medians, means and spread over its pixels (each by its better scan), and its best one."""
    pixels: dict[str, dict[str, Member]] = {}
    for one in members:
        if one.reading.instrument != "jv" or one.dark or not one.figure("pce") > 0.0:
            continue
        of_group = pixels.setdefault(one.group, {})
        key = (
            f"{one.key} {one.path}"
            if not one.reading.dataset.attrs.get("label") and not one.direction
            else one.key
        )
        if key not in of_group or of_group[key].figure("pce") < one.figure("pce"):
            of_group[key] = one
    found = []
    for group, chosen in pixels.items():
        values = {name: np.array([one.figure(name) for one in chosen.values()]) for name in FIGURES}
        found.append(
            Summary(
                group,
                len(chosen),
                {name: float(np.nanmedian(one)) for name, one in values.items()},
                {name: float(np.nanmean(one)) for name, one in values.items()},
                {
                    name: float(np.nanstd(one, ddof=1)) if one.size > 1 else math.nan
                    for name, one in values.items()
                },
                max(chosen.values(), key=lambda one: one.figure("pce")),
            )
        )
    return found
