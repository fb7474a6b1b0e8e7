"""What is read of the figures of merit of many devices: arrays only.

A dataset has `voc`, `jsc`, `ff`, `pce`, or some of them, over `device`, and may tell the `group` and the `substrate` of
each. The unit of all intervals and tests is the substrate where it is known, else the device, and that is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perotwin.errors import InputError
from perotwin.lab.arguments import of_measurements
from perotwin.measurement import Metric, Metrics, term_of

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["FIGURES", "Group", "analyse", "detectable", "groups_of", "remarks", "together"]

F64 = NDArray[np.float64]

#: figures of merit that are read, in this order
FIGURES = ("voc", "jsc", "ff", "pce")
#: a device whose efficiency is below this part of its group's median is dead
_DEAD = 0.1
#: devices beyond so many distances of the quartiles from them are outliers
_FENCE = 1.5
#: draws of the bootstrap, its seed, and the share of the interval
_DRAWS, _SEED, _SHARE = 5000, 1, 0.95
#: draws for medians and quartiles
_QUARTILE_DRAWS = 500
#: fewest units of an interval and of a test, and of a bootstrap of the mean
_FEW, _MANY = 3, 8
#: power and significance of the difference that could be seen
_POWER, _ALPHA = 0.8, 0.05


@dataclass(frozen=True)
class Group:
    """Devices that are one group.

    Attributes:
        name: "" of the only one without a name. values: figure -> (D,) of each living device.
        substrate: (D,) name of the substrate of each, "" where it is not known.
        dead: names of devices that give no power, and outlying: of those far from the others, by figure. The first are
            in none of the values, the others in all.
    """

    name: str
    values: dict[str, F64]
    substrate: NDArray[np.str_]
    dead: tuple[str, ...]
    outlying: dict[str, tuple[str, ...]]

    @property
    def by_substrate(self) -> bool:
        """Whether the substrates are known."""
        return bool((self.substrate != "").all()) and self.substrate.size > 0

    def units(self, figure: str) -> F64:
        """(U,) what counts once: the mean of each substrate, or each device."""
        values = self.values[figure]
        good = np.isfinite(values)
        if not self.by_substrate:
            return values[good]
        names, which = np.unique(self.substrate[good], return_inverse=True)
        return np.bincount(which, values[good], names.size) / np.bincount(which, minlength=names.size)

    @property
    def unit(self) -> str:
        """What counts once, in words."""
        return "substrates" if self.by_substrate else "devices, whose substrates are not known"


@of_measurements("statistics")
def analyse(dataset: xr.Dataset) -> Metrics:
    """Medians, means and differences of the groups of a batch.

    Args:
        dataset: `voc` (V), `jsc` (A m^-2), `ff`, `pce` or some of them over `device`; `group` and `substrate` over
            `device` where they are known.

    Returns:
        Of each group and figure "pce, GROUP, median", "lower quartile", "upper quartile", "mean" (its uncertainty is
        the standard error over substrates), "low" and "high" of the 95 % interval of the mean (by bootstrap; Student's
        of fewer than eight substrates); "devices, GROUP", "substrates, GROUP" and "dead, GROUP". Of each pair of groups
        "pce, A - B", the difference of the means, "welch_t, pce, A - B" with `welch_df` and `welch_p`,
        `mann_whitney_p`, `hedges_g` and `rank_effect` (the share of pairs in which A is larger, ties half, less that
        in which it is smaller), and "pce, A - B, seen": the difference that a Welch test of so many units of such a
        scatter sees with 80 % power. The p values are of one comparison each.

    Raises:
        InputError: no figure of merit, or one that runs over another axis.
    """
    groups = groups_of(dataset)
    made: dict[str, Metric] = {}
    for group in groups:
        made |= _of_group(group)
    pairs = list(combinations(groups, 2))
    for first, second in pairs:
        made |= _of_pair(first, second, len(pairs))
    return Metrics(made)


def groups_of(dataset: xr.Dataset) -> list[Group]:
    """The groups of a dataset in the order in which they come.

    Raises:
        InputError: as `analyse`.
    """
    figures = [name for name in FIGURES if name in dataset.variables]
    if not figures:
        raise InputError(
            "statistics read voc, jsc, ff or pce over devices, and this dataset has none of them.",
            "Name them so (xarray's rename does that).",
            key="pce",
        )
    for name in figures:
        axes = tuple(map(str, dataset[name].dims))
        if axes != ("device",):
            raise InputError(
                f'"{name}" runs over {", ".join(axes) or "nothing"} here; statistics read it over device.',
                "Name the axis so.",
                key=name,
            )
    count = int(dataset.sizes["device"])
    label = _words(dataset, "group", count)
    substrate = _words(dataset, "substrate", count)
    device = _words(dataset, "device", count)
    if not any(device):
        device = np.array([str(number + 1) for number in range(count)])
    only = str(dataset.attrs.get("stack", ""))
    found = []
    for name in dict.fromkeys(label.tolist()):
        here = np.flatnonzero(label == name)
        values = {figure: np.asarray(dataset[figure], float)[here] for figure in figures}
        found.append(_group(name or only, values, substrate[here], device[here]))
    return found


def together(datasets: Sequence[xr.Dataset]) -> xr.Dataset:
    """Tables of devices as one, group after group; what a table does not tell of a device stays empty.

    Raises:
        InputError: no table, or as `measurement.conform`.
    """
    import json

    import xarray as xr

    from perotwin.lab.registry import known
    from perotwin.measurement import notes_of
    from perotwin.measurement.conform import conform

    if not datasets:
        raise InputError("no device was given.", "Name a cell or a file.", key="FILE")
    if len(datasets) == 1:
        return datasets[0]
    conforming = [conform(one, known("statistics")) for one in datasets]
    names = dict.fromkeys(
        name for one in conforming for name in (*FIGURES, "vmp", "jmp") if name in one.variables
    )
    columns = {
        name: np.concatenate(
            [
                np.asarray(one[name], float)
                if name in one.variables
                else np.full(one.sizes["device"], np.nan)
                for one in conforming
            ]
        )
        for name in names
    }
    words = {
        name: np.concatenate([_words(one, name, one.sizes["device"]) for one in conforming])
        for name in ("device", "group", "substrate")
    }
    made = xr.Dataset(
        {name: ("device", values, {"units": _unit(name)}) for name, values in columns.items()},
        {name: ("device", values) for name, values in words.items()},
        {
            **conforming[0].attrs,
            "stack": " and ".join(dict.fromkeys(words["group"].tolist())),
            "notes": json.dumps(list(dict.fromkeys(note for one in conforming for note in notes_of(one)))),
            "complete": int(all(one.attrs.get("complete", 1) for one in conforming)),
        },
    )
    made.attrs.pop("drawn", None)
    return made


def _unit(name: str) -> str:
    term = term_of(name)
    assert term is not None
    return term.unit


def remarks(dataset: xr.Dataset) -> list[str]:
    """What a reader of the statistics must know: dead devices, outliers, substrates that are not known or few."""
    found = []
    for group in groups_of(dataset):
        who = group.name or "the devices"
        if group.dead:
            found.append(f"{who}: {len(group.dead)} dead, left out ({_listed(group.dead)}).")
        far = list(dict.fromkeys(name for names in group.outlying.values() for name in names))
        if far:
            found.append(f"{who}: {len(far)} far from the others, kept ({_listed(far)}).")
        if not group.by_substrate:
            found.append(
                f"{who}: on which substrate each device is, is not known. Devices on one substrate are no independent "
                "measurements: intervals and tests are too narrow if some share one. Give a column substrate."
            )
        count = int(np.unique(group.substrate).size) if group.by_substrate else int(group.substrate.size)
        if 0 < count < _FEW:
            what = "substrate" if group.by_substrate else "device"
            what += "s are" if count > 1 else " is"
            found.append(
                f"{who}: {count} {what} too few for an interval of the mean or a test, {_FEW} would do."
            )
    return found


def _words(dataset: xr.Dataset, name: str, count: int) -> NDArray[np.str_]:
    """(D,) names of a column; empty ones where there is none. NaN of a table is no name."""
    if name not in dataset.variables:
        return np.full(count, "")
    told = dataset[name].values
    return np.array(["" if str(one) in ("nan", "None") else str(one) for one in told.tolist()], dtype=str)


def _group(name: str, values: dict[str, F64], substrate: NDArray[np.str_], device: NDArray[np.str_]) -> Group:
    dead = ~np.any([np.isfinite(one) for one in values.values()], axis=0)
    power = values.get("pce")
    if power is not None:
        living = power[np.isfinite(power) & (power > 0.0)]
        least = _DEAD * float(np.median(living)) if living.size else 0.0
        dead |= ~(power > least)
    kept = {figure: one[~dead] for figure, one in values.items()}
    outlying = {figure: tuple(device[~dead][_far(one)].tolist()) for figure, one in kept.items()}
    return Group(name, kept, substrate[~dead], tuple(device[dead].tolist()), outlying)


def _far(values: F64) -> NDArray[np.bool_]:
    """(D,) which values lie beyond the fences of a box plot (J. W. Tukey)."""
    good = values[np.isfinite(values)]
    if good.size < 4:
        return np.zeros(values.size, dtype=bool)
    low, high = np.quantile(good, [0.25, 0.75])
    reach = _FENCE * (high - low)
    return np.isfinite(values) & ((values < low - reach) | (values > high + reach))


# --- one group --------------------------------------------------------------------------------------------------------


def _of_group(group: Group) -> dict[str, Metric]:
    tail = f", {group.name}" if group.name else ""
    count = int(group.substrate.size)
    made = {"devices" + tail: Metric(count, "1", "living ones; all figures are of these")}
    said = f"below {100 * _DEAD:g} % of the group's median efficiency, or without any: left out"
    if group.dead:
        said += f" ({_listed(group.dead)})"
    made["dead" + tail] = Metric(len(group.dead), "1", said)
    if group.by_substrate:
        made["substrates" + tail] = Metric(int(np.unique(group.substrate).size), "1", "each counts once")
    for figure in group.values:
        for name, one in _figure(group, figure, _unit(figure)).items():
            made[f"{figure}{tail}, {name}"] = one
    return made


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"


def _figure(group: Group, figure: str, unit: str) -> dict[str, Metric]:
    """Numbers of one figure of a group."""
    values = group.values[figure]
    values = values[np.isfinite(values)]
    units = group.units(figure)
    far = group.outlying[figure]
    words = f"of {values.size} devices"
    if far:
        words += f"; {len(far)} beyond {_FENCE} quartile distances kept ({_listed(far)})"
    quartiles = np.quantile(values, [0.25, 0.5, 0.75]) if values.size else np.full(3, np.nan)
    made = {
        name: Metric(float(value), unit, words)
        for name, value in zip(("lower quartile", "median", "upper quartile"), quartiles, strict=True)
    }
    order = ("median", "lower quartile", "upper quartile")
    rows = {name: made[name] for name in order}
    mean = float(units.mean()) if units.size else np.nan
    low = high = np.nan
    errors = dict.fromkeys(order)
    error = None
    how = f"mean of {units.size} {group.unit}"
    if units.size >= _FEW:
        error = float(units.std(ddof=1) / np.sqrt(units.size))
        low, high, spreads = _bootstrap(group, figure, units)
        errors = dict(zip(order, spreads, strict=True))
    rows = {name: one._replace(uncertainty=errors[name]) for name, one in rows.items()}
    interval = f"{100 * _SHARE:g} % interval of the mean: "
    if units.size >= _MANY:
        interval += f"bootstrap-t of {_DRAWS} draws of {group.unit}, seed {_SEED}"
    else:
        interval += f"Student's t, as {units.size} {group.unit} are too few for a bootstrap"
    return {
        **rows,
        "mean": Metric(mean, unit, how, error),
        "low": Metric(low, unit, interval),
        "high": Metric(high, unit, interval),
    }


def _bootstrap(group: Group, figure: str, units: F64) -> tuple[float, float, tuple[float, float, float]]:
    """Ends of the interval of the mean, and standard deviations of median and quartiles; whole substrates are drawn.

    The interval is that of the t of each draw (bootstrap-t), as percentiles of so few units are too narrow; of fewer
    than eight that of a normal distribution.
    """
    chance = np.random.default_rng(_SEED)
    count = units.size
    picks = chance.integers(0, count, (_DRAWS, count))
    drawn = units[picks]
    mean, error = float(units.mean()), float(units.std(ddof=1) / np.sqrt(count))
    low, high = mean - _tail(count) * error, mean + _tail(count) * error
    if count >= _MANY and error > 0.0:
        own = drawn.std(axis=1, ddof=1) / np.sqrt(count)
        good = own > 1e-9 * error
        scaled = (drawn.mean(axis=1)[good] - mean) / own[good]
        tails = np.quantile(scaled, [0.5 + 0.5 * _SHARE, 0.5 - 0.5 * _SHARE])
        low, high = mean - tails[0] * error, mean - tails[1] * error
    values = group.values[figure]
    good = np.isfinite(values)
    sets = [values[good & (group.substrate == name)] for name in np.unique(group.substrate[good])]
    if not group.by_substrate:
        sets = [np.array([one]) for one in values[good]]
    table = np.full((count, max(one.size for one in sets)), np.inf)
    for row, one in enumerate(sets):
        table[row, : one.size] = one
    first, second, third = _quantiles(table[picks[:_QUARTILE_DRAWS]].reshape(_QUARTILE_DRAWS, -1)).std(axis=1)
    return float(low), float(high), (float(first), float(second), float(third))


def _quantiles(rows: F64) -> F64:
    """(3, N) median and quartiles of rows (N, K), in which infinite values stand for none."""
    ordered = np.sort(rows, axis=1)
    last = np.isfinite(ordered).sum(axis=1) - 1
    each = []
    for share in (0.5, 0.25, 0.75):
        place = share * last
        below = np.floor(place).astype(int)
        low, high = (
            np.take_along_axis(ordered, index[:, None], axis=1)[:, 0]
            for index in (below, np.minimum(below + 1, last))
        )
        each.append(low + (place - below) * (high - low))
    return np.array(each)


def _tail(count: int) -> float:
    """How many standard errors Student's interval of so many values reaches."""
    from scipy.stats import t as student

    return float(student.ppf(0.5 + 0.5 * _SHARE, count - 1))


# --- two groups -------------------------------------------------------------------------------------------------------


def _of_pair(first: Group, second: Group, comparisons: int) -> dict[str, Metric]:
    made: dict[str, Metric] = {}
    between = f"{first.name} - {second.name}"
    for figure in first.values:
        if figure not in second.values:
            continue
        one, other = first.units(figure), second.units(figure)
        made |= _difference(
            f"{figure}, {between}", _unit(figure), (one, other), _counted(first, second), comparisons
        )
    return made


def _counted(first: Group, second: Group) -> str:
    return first.unit if first.unit == second.unit else f"{first.unit} and {second.unit}"


def _difference(
    name: str, unit: str, values: tuple[F64, F64], counted: str, comparisons: int
) -> dict[str, Metric]:
    """What two sets of independent values differ by."""
    one, other = values
    of = f"{one.size} and {other.size} {counted}"
    if min(one.size, other.size) < _FEW:
        few = f"{of}: too few for a test"
        return {name: Metric(_mean(one) - _mean(other), unit, f"difference of the means; {few}")}
    from scipy.stats import mannwhitneyu
    from scipy.stats import t as student

    parts = one.var(ddof=1) / one.size, other.var(ddof=1) / other.size
    error = float(np.sqrt(sum(parts)))
    difference = float(one.mean() - other.mean())
    alone = "" if comparisons == 1 else f"; of one of {comparisons} comparisons, not corrected"
    made = {name: Metric(difference, unit, f"difference of the means of {of}", error)}
    if not error > 0.0:
        return made
    degrees = error**4 / (parts[0] ** 2 / (one.size - 1) + parts[1] ** 2 / (other.size - 1))
    t = difference / error
    p = 2.0 * float(student.sf(abs(t), degrees))
    ranks = mannwhitneyu(one, other, alternative="two-sided")
    pooled = np.sqrt(
        ((one.size - 1) * one.var(ddof=1) + (other.size - 1) * other.var(ddof=1))
        / (one.size + other.size - 2)
    )
    small = 1.0 - 3.0 / (4.0 * (one.size + other.size) - 9.0)
    rank = 2.0 * float(ranks.statistic) / (one.size * other.size) - 1.0
    made |= {
        f"welch_t, {name}": Metric(t, "1", f"Welch's t of {of}"),
        f"welch_df, {name}": Metric(float(degrees), "1", "its degrees of freedom (Welch and Satterthwaite)"),
        f"welch_p, {name}": Metric(p, "1", f"two-sided{alone}"),
        f"mann_whitney_p, {name}": Metric(float(ranks.pvalue), "1", f"Mann-Whitney, two-sided, of {of}{alone}"),
        f"hedges_g, {name}": Metric(float(small * difference / pooled), "1", "difference over the pooled scatter"),
        f"rank_effect, {name}": Metric(rank, "1", "pairs in which the first is larger less those in which it is not"),
        f"{name}, seen": Metric(
            detectable(one.size, float(one.std(ddof=1)), other.size, float(other.std(ddof=1))), unit,
            f"difference that Welch's test of {of} of this scatter sees with {100 * _POWER:g} % power",
        ),
    }  # fmt: skip
    return made


def _mean(values: F64) -> float:
    return float(values.mean()) if values.size else float("nan")


def detectable(
    count: int,
    scatter: float,
    other_count: int | None = None,
    other_scatter: float | None = None,
    *,
    power: float = _POWER,
    alpha: float = _ALPHA,
) -> float:
    """The smallest difference of two means that Welch's test sees with some power.

    Args:
        count, scatter: units of the first group and their standard deviation, in any unit.
        other_count, other_scatter: of the second one; the same unless given.
        power: chance to see it, 0.5 or more. alpha: chance to see one where there is none, both sides together.

    Returns:
        In the unit of the scatter; from the noncentral t distribution.

    Raises:
        InputError: fewer than two units, no scatter, a power that cannot be had.
    """
    from scipy.optimize import brentq
    from scipy.stats import nct
    from scipy.stats import t as student

    other_count = count if other_count is None else other_count
    other_scatter = scatter if other_scatter is None else other_scatter
    if min(count, other_count) < 2:
        raise InputError(
            f"{min(count, other_count)} devices have no scatter.", "Give two or more.", key="count"
        )
    if not (scatter > 0.0 or other_scatter > 0.0) or not (0.0 < alpha < 0.5 <= power < 1.0):
        raise InputError(
            "a scatter above zero is needed, a power from one half to below one, and a significance below one half.",
            "Look at all three.",
            key="power",
        )
    parts = scatter**2 / count, other_scatter**2 / other_count
    error = float(np.sqrt(sum(parts)))
    degrees = error**4 / (parts[0] ** 2 / (count - 1) + parts[1] ** 2 / (other_count - 1))
    edge = float(student.ppf(1.0 - 0.5 * alpha, degrees))

    def short(shift: float) -> float:
        # that the test sees it on the wrong side has no part in a power of one half and more
        return float(nct.sf(edge, degrees, shift)) - power

    most = edge
    while short(most) < 0.0:
        most *= 1.3
    return float(brentq(short, 0.0, most)) * error
