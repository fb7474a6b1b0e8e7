"""The free numbers of the twin, fitted to the rows of the paper that the split declares as known.

    found = calibrate("capture", processes=2)
    print(found.report())
    found.write("results/calibration")       # parameters, base, nuisances, what each row gives
    keep(found)                              # as what `perotwin reproduce` has of this picture

What each picture of the face frees stands in `paper/split.toml`, what is fitted too. The search works on steady states
(J-V and Suns-Voc, a few lights); what the rows' own measurements give otherwise (reverse scans at each rate, EQE, all
lights, decays) is added as a correction, which is taken anew at the solution until it stays. So the rows are met by the
answers that `reproduce` shows.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from perotwin import measurement, progress
from perotwin.errors import InputError, PerotwinError
from perotwin.paper import calibrated, claims, posterior, split
from perotwin.paper.bench import CONDITIONS, Bench
from perotwin.paper.rows import ROWS
from perotwin.units import parse
from perotwin.workflows import library_cells

if TYPE_CHECKING:
    from perotwin.calibrate import Fit, Parameter
    from perotwin.recipe.parameters import Parameters
    from perotwin.stack import Stack

__all__ = [
    "BARS",
    "RATES",
    "Calibration",
    "calibrate",
    "data",
    "free",
    "keep",
    "remade",
    "steady_rows",
    "tried",
]

F64 = NDArray[np.float64]

#: how near each kind of row is to come (SI); its standard deviation in the fit is half of it
BARS: Mapping[str, float] = {
    "voc": 5e-3,
    "voc_deficit": 5e-3,
    "jsc": 2.0,
    "ff": 8e-3,
    "pce": 3e-3,
    "loss": 1e-2,
}
#: of the ratio of lifetimes, as a part
_RATIO = 0.1
#: scan rates that are tried, V/s
RATES = (0.01, 0.02, 0.05, 0.1, 0.2)
#: lights of the quick Suns-Voc of the search, in suns, and how many a decade
_DIMMEST, _PER_DECADE = "0.03 sun", 5
#: steps of differences on the parameters' scales, and how often the corrections are taken anew at most
_STEP_LOG, _STEP_PART, _ROUNDS = 0.02, 0.01, 3
#: a number that ends within this part of its range from an end is named
_END = 0.01
#: points all over the ranges that are tried before a search
_DRAWS = 40
#: corrections stay where no row moves by more than this part of its standard deviation
_STAYS = 0.2

_JV = "wide_bandgap.jv."
#: what the quick steady measurements give for a row: condition and name; nothing else is in the search
_QUICK: Mapping[str, tuple[str, str]] = {
    f"{_JV}target.voc": ("target", "voc"),
    f"{_JV}control.voc_deficit": ("control", "voc_deficit"),
    f"{_JV}derived.ff_target": ("target", "ff"),
    f"{_JV}derived.ff_control": ("control", "ff"),
    f"{_JV}target.pce": ("target", "pce"),
    f"{_JV}control.pce": ("control", "pce"),
    "wide_bandgap.eqe.jsc_target": ("target", "jsc"),
    "wide_bandgap.eqe.jsc_control": ("control", "jsc"),
    **{
        f"wide_bandgap.fill_factor_loss.{kind}_{condition}": (condition, f"{kind}_loss")
        for kind in ("transport", "nonradiative")
        for condition in CONDITIONS
    },
    "wide_bandgap.film.lifetime_gain": ("both", "lifetime_gain"),
}


def free(picture: str | None = None) -> list[Parameter]:
    """What a picture fits, within the ranges that the numbers state; the scan rate is chosen among `RATES`."""
    from perotwin.calibrate import Linear, Log, Parameter

    numbers, before = split.numbers(), split.before()
    made = []
    for name, paths in split.picture(picture).free.items():
        value = numbers[paths[0]]
        if value.assumed is None or value.dimension is None:
            raise InputError(f'"{paths[0]}" states no range to be fitted in.', "State it.", key=paths[0])
        low, high = (float(end) for end in value.assumed)
        scale = Log() if low > 0.0 and value.dimension != "energy" else Linear()
        unit = _unit(value)
        begun = float(parse(before[paths[0]], value.dimension))
        start = min(max(begun, low + 0.02 * (high - low) if low == 0.0 else low), high)
        made.append(Parameter(name, start, low, high, scale, None, unit, value.dimension, paths))
    return made


def _unit(value: Any) -> str:
    from perotwin.units import DIMENSIONS

    written = str(value.written or "").partition(" ")[2]
    return written or DIMENSIONS[value.dimension][1]


def data() -> dict[str, tuple[float, float]]:
    """Value and standard deviation (SI) of each row that is fitted."""
    made = {}
    for name in _QUICK:
        claim = claims.find(name)
        if claim.name not in split.fitted():
            continue
        kind = _QUICK[name][1].split("_")[-1] if "loss" in _QUICK[name][1] else _QUICK[name][1]
        made[name] = (claim.value, _RATIO * claim.value if kind == "lifetime_gain" else 0.5 * BARS[kind])
    return made


def remade(
    parameters: Sequence[Parameter], values: F64, picture: str | None = None
) -> tuple[Parameters, Stack]:
    """The recipe's parameters and the base stack with some values (SI) of a picture's free numbers."""
    from perotwin import recipe, stack

    of_recipe, of_base = _parted(parameters, values, picture)
    base = stack.load(library_cells.BASE)
    assert isinstance(base, stack.Stack)
    made = recipe.load("target").with_values(of_recipe) if of_recipe else recipe.load("target")
    return made.parameters, base.with_values(of_base)


def _parted(
    parameters: Sequence[Parameter], values: F64, picture: str | None
) -> tuple[dict[str, str], dict[str, str]]:
    """What recipe and base are set to, by path."""
    of_recipe: dict[str, str] = {}
    of_base: dict[str, str] = {}
    given = split.before() | split.picture(picture).fixed
    fitted = {
        path: one.written(float(value))
        for one, value in zip(parameters, values, strict=True)
        for path in one.paths
    }
    for path, written in (given | fitted).items():
        which = of_base if path.startswith("base.") else of_recipe
        which[path.removeprefix("base.")] = written
    return of_recipe, of_base


def _singles(parameters: Sequence[Parameter], values: F64, picture: str) -> dict[str, Stack]:
    """The single junctions with some values of the free numbers, by condition."""
    from perotwin.stack import Stack

    made = library_cells.cells(*remade(parameters, values, picture)).values()
    found = dict(zip(CONDITIONS, (one.cell for one in made), strict=True))
    assert all(isinstance(cell, Stack) for cell in found.values())
    return cast("dict[str, Stack]", found)


def steady_rows(picture: str, parameters: Sequence[Parameter], names: Sequence[str], values: F64) -> F64:
    """(N,) what quick steady measurements give for the rows (SI) at some values (SI) of the free numbers of a picture.

    Raises:
        PerotwinError: a cell cannot be solved.
    """
    from perotwin.lab import suns_voc

    singles = _singles(parameters, values, picture)
    protocol = suns_voc.Protocol(brightest="1 sun", dimmest=_DIMMEST, per_decade=_PER_DECADE)
    seen: dict[tuple[str, str], float] = {}
    lifetimes = {}
    for condition, cell in singles.items():
        read = suns_voc.analyse(suns_voc.measure(cell, protocol))
        voc, jsc, ff = (float(read[name]) for name in ("voc", "jsc", "ff"))
        light = 1000.0 * float(cell.light.intensity)
        seen |= {
            (condition, "voc"): voc,
            (condition, "voc_deficit"): float(cell.absorbers[0].gap) - voc,
            (condition, "jsc"): jsc,
            (condition, "ff"): ff,
            (condition, "pce"): voc * jsc * ff / light,
            (condition, "transport_loss"): float(read["ff_transport_loss"]),
            (condition, "nonradiative_loss"): float(read["ff_nonradiative_loss"]),
        }
        lifetimes[condition] = float(cell.get("perovskite.trap.1.electron_lifetime"))
    seen["both", "lifetime_gain"] = lifetimes["target"] / lifetimes["control"]
    return np.array([seen[_QUICK[name]] for name in names])


def _full(
    picture: str, parameters: Sequence[Parameter], names: Sequence[str], values: F64, rates: Sequence[float]
) -> dict[float, F64]:
    """By scan rate, (N,) what the rows' own measurements give; NaN where one fails."""
    singles = _singles(parameters, values, picture)
    found: dict[float, F64] = {}
    steady: dict[str, float] = {}
    for rate in rates:
        bench = Bench(singles, {}, scan_rate=rate, directions=("reverse",))
        given = steady | {name: _answer(name, bench) for name in names if name not in steady}
        steady |= {name: value for name, value in given.items() if not name.startswith(_JV)}
        found[rate] = np.array([given[name] for name in names])
    return found


def _answer(name: str, bench: Bench) -> float:
    try:
        return ROWS[name](bench).value
    except PerotwinError:
        return math.nan


@dataclass(frozen=True)
class Calibration:
    """What was found.

    Attributes:
        picture: of the face. fit: of the free numbers. rate: of the scans, V/s.
        names: of the rows. wanted, width: (N,) their values and standard deviations (SI).
        given: (N,) what their own measurements give. at_rates: that at each rate that was tried.
        rounds: how often corrections were taken.
    """

    picture: str
    fit: Fit
    rate: float
    names: tuple[str, ...]
    wanted: F64
    width: F64
    given: F64
    rounds: int
    at_rates: Mapping[float, F64] = field(default_factory=dict)

    @property
    def chi_square(self) -> float:
        """Of the rows, by their own measurements."""
        return float((((self.given - self.wanted) / self.width) ** 2).sum())

    def report(self) -> str:
        """What was found, for people."""
        lines = [
            f"picture: {split.picture(self.picture).says}", "", self.fit.report(), "",
            f"scan rate: {1e3 * self.rate:.3g} mV/s, of {', '.join(f'{1e3 * one:.3g}' for one in self.at_rates)} tried",
            f"chi-square of {len(self.names)} rows by their own measurements: {self.chi_square:.2f}", "",
        ]  # fmt: skip
        for name, wanted, given, width in zip(self.names, self.wanted, self.given, self.width, strict=True):
            claim = claims.find(name)
            off = (given - wanted) / width
            lines.append(f"{name}: {claim.shown(wanted)}, found {claim.shown(given)} ({off:+.1f} half bars)")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Plain data: free numbers with ranges and standard deviations, rows, rate."""
        widths = np.sqrt(np.diag(self.fit.covariance))
        return {
            "picture": self.picture,
            "free": [
                {
                    "name": one.name,
                    "paths": list(one.paths),
                    "value": one.text(float(value)),
                    "range": [one.text(one.low), one.text(one.high)],
                    "sd": float(sd) if math.isfinite(sd) else None,
                    "at_bound": bool(_at_bound(one, float(value))),
                }
                for one, value, sd in zip(self.fit.parameters, self.fit.values, widths, strict=True)
            ],
            "scan_rate": self.rate,
            "chi_square": self.chi_square,
            "rows": [
                {"claim": name, "wanted": float(wanted), "given": float(given), "sd": float(width)}
                for name, wanted, given, width in zip(
                    self.names, self.wanted, self.given, self.width, strict=True
                )
            ],
            "rounds": self.rounds,
        }

    def write(self, out: str | Path) -> list[Path]:
        """The report, the numbers, and the cells that follow, in a folder."""
        from perotwin.report import machine

        folder = measurement.make_folder(out)
        files = [
            measurement.write_text(folder / "calibration.txt", self.report() + "\n"),
            measurement.write_text(
                folder / "calibration.json", machine.to_text(machine.document([self.to_json()]))
            ),
        ]
        files.append(keep(self, folder / f"{self.picture}.toml"))
        parameters, base = remade(self.fit.parameters, self.fit.values, self.picture)
        for name, text in library_cells.texts(parameters, base).items():
            files.append(measurement.write_text(folder / f"{name}.toml", text))
        return files


def _at_bound(one: Parameter, value: float) -> bool:
    low, high = one.ends
    return min(one.coordinate(value) - low, high - one.coordinate(value)) < _END * one.span


def calibrate(
    picture: str | None = None,
    *,
    processes: int = 1,
    start: Mapping[str, float] | None = None,
    draws: int = _DRAWS,
    evaluations: int = 12,
    rates: Sequence[float] = RATES,
    rounds: int = _ROUNDS,
) -> Calibration:
    """Fit the free numbers of a picture of the face to the rows of the split.

    Args:
        picture: the one that the reproduction takes unless named.
        processes: on which differences are computed.
        start: values (SI) by name, in place of the library's, where the search begins.
        draws: points all over the ranges of which the search begins at the best, where no start is given.
        evaluations: of each search at most, differences not counted. rates: of scans that are tried, V/s.
        rounds: how often corrections are taken anew at most.

    Raises:
        UnknownNameError: there is no such picture.
        PerotwinError: the cells cannot be solved where the search begins.
    """
    from perotwin.calibrate import solve

    picture = split.picture(picture).name
    parameters = [
        replace(one, start=min(max((start or {}).get(one.name, one.start), one.low), one.high))
        for one in free(picture)
    ]
    rows = data()
    names = tuple(rows)
    wanted, width = (np.array([rows[name][which] for name in names]) for which in (0, 1))
    at_rates: dict[float, F64] = {}
    with _workers(processes) as many, progress.task("calibrating") as counter:
        here = np.array([one.start for one in parameters])
        if draws and start is None:
            places = [here, *_drawn(parameters, draws)]
            seen = many(partial(tried, picture, parameters, names), places)
            misfit = [float((((one - wanted) / width) ** 2).sum()) for one in seen]
            here = places[int(np.argmin(np.nan_to_num(misfit, nan=math.inf)))]
            parameters = [
                replace(one, start=float(value)) for one, value in zip(parameters, here, strict=True)
            ]
        quick = steady_rows(picture, parameters, names, here)
        # where the search begins one rate will do
        rate = min(max(split.scan_rate(), rates[0]), rates[-1])
        at_rates = _full(picture, parameters, names, here, [rate])
        _, given = _scanned(at_rates, quick, wanted, width)

        def search(values: F64, shift: F64, label: str) -> Fit:
            begun = [replace(one, start=float(value)) for one, value in zip(parameters, values, strict=True)]

            def residuals(values: F64) -> F64:
                counter.advance()
                return (steady_rows(picture, begun, names, values) + shift - wanted) / width

            return solve(
                residuals,
                begun,
                jacobian=partial(_slopes, many, picture, begun, names, width),
                labels=list(names),
                evaluations=evaluations,
                tolerance=1e-3,
                label=label,
            )

        fit = search(here, given - quick, "first search")
        quick = steady_rows(picture, parameters, names, fit.values)
        halves = many(partial(_full, picture, parameters, names, fit.values), (rates[::2], rates[1::2]))
        at_rates = {one: given for half in halves for one, given in half.items()}
        _scanned(at_rates, quick, wanted, width)
        # each rate by what the numbers can make of it: at those of another rate its own neighbours look best
        found = {
            one: search(fit.values, given - quick, f"at {1e3 * one:.3g} mV/s")
            for one, given in at_rates.items()
        }
        rate = min(found, key=lambda one: found[one].chi2)
        fit, correction = found[rate], at_rates[rate] - quick
        told = ", ".join(f"{1e3 * one:.3g} mV/s {found[one].chi2:.1f}" for one in sorted(found))
        progress.note(f"chi-square by scan rate: {told}")
        for number in range(1, rounds + 1):
            quick = steady_rows(picture, parameters, names, fit.values)
            _, given = _scanned(_full(picture, parameters, names, fit.values, [rate]), quick, wanted, width)
            moved = float(np.abs((given - quick - correction) / width).max())
            correction, at_rates[rate] = given - quick, given
            progress.note(f"round {number}: corrections moved by {moved:.2f} standard deviations")
            if moved < _STAYS or not fit.complete or number == rounds:
                break
            fit = search(fit.values, correction, f"round {number + 1}")
    return Calibration(
        picture, fit, rate, names, wanted, width, given, number, dict(sorted(at_rates.items()))
    )


def _drawn(parameters: Sequence[Parameter], count: int) -> list[F64]:
    """Points all over the ranges: a Latin hypercube on the parameters' scales, the same ones each time."""
    draw = np.random.default_rng(1)
    parts = np.array([(draw.permutation(count) + draw.random(count)) / count for _ in parameters]).T
    return [
        np.array(
            [
                one.value(one.ends[0] + float(part) * one.span)
                for one, part in zip(parameters, row, strict=True)
            ]
        )
        for row in parts
    ]


def tried(picture: str, parameters: Sequence[Parameter], names: Sequence[str], values: F64) -> F64:
    """(N,) what `steady_rows` gives; NaN where a cell cannot be solved."""
    try:
        return steady_rows(picture, parameters, names, values)
    except PerotwinError:
        return np.full(len(names), math.nan)


def _scanned(found: dict[float, F64], quick: F64, wanted: F64, width: F64) -> tuple[float, F64]:
    """The scan rate at which the rows' own measurements lie nearest, and what they give there."""
    for given in found.values():
        lost = ~np.isfinite(given)
        given[lost] = quick[lost]
    best = min(found, key=lambda rate: float((((found[rate] - wanted) / width) ** 2).sum()))
    return best, found[best]


@contextmanager
def _workers(processes: int) -> Iterator[Callable[..., Iterable[Any]]]:
    """What does the same to many, on processes or here where one is enough."""
    if processes == 1:
        yield map
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield pool.map


def _slopes(
    many: Callable[..., Iterable[Any]],
    picture: str,
    parameters: Sequence[Parameter],
    names: Sequence[str],
    width: F64,
    values: F64,
) -> F64:
    """(N, P) how the residuals follow the values, by one-sided differences on the parameters' scales."""
    from perotwin.calibrate import Log

    moved, steps = [], []
    for index, one in enumerate(parameters):
        high = one.ends[1]
        u = one.coordinate(float(values[index]))
        step = _STEP_LOG if isinstance(one.scale, Log) else _STEP_PART * one.span
        step = step if u + step <= high else -step
        other = values.copy()
        other[index] = one.value(u + step)
        moved.append(other)
        steps.append(other[index] - values[index])
    here, *others = many(partial(steady_rows, picture, parameters, names), (values, *moved))
    return np.array([(other - here) / width / step for other, step in zip(others, steps, strict=True)]).T


# --- kept ------------------------------------------------------------------------


def keep(found: Calibration, file: Path | None = None, beside: Path | None = None) -> Path:
    """Write what was found, numbers to four digits, as what `reproduce` has of its picture; of the one that is taken
    also how well they are known, and into the library, whose cells are made again. Rates of ageing are refitted then by
    `perotwin age --refit`.

    Args:
        file: of the picture; the package's own unless given, which an editable installation can write.
        beside: of what the rows leave open (see `paper.posterior`); the package's own for the picture that is taken.
    """
    of_recipe, of_base = (
        {path: _short(written) for path, written in one.items()}
        for one in _parted(found.fit.parameters, found.fit.values, found.picture)
    )
    ends = [
        one.name
        for one, value in zip(found.fit.parameters, found.fit.values, strict=True)
        if _at_bound(one, float(value))
    ]
    lines = [
        "# Written by perotwin reproduce --calibrate: numbers of recipe and base that were fitted to the rows that",
        "# split.toml names, inside the ranges that the numbers state. All else is the library's.",
        "# Standard deviations are half bars; off: of each row, in these.",
        f"chi_square = {found.chi_square:.2f}",
        f"at_bounds = {json.dumps(ends)}",
        f'scan_rate = "{1e3 * found.rate:.3g} mV/s"',
    ]
    for which, values in {"recipe": of_recipe, "base": of_base}.items():
        lines += ["", f"[{which}]", *(f'"{path}" = "{value}"' for path, value in values.items())]
    off = (found.given - found.wanted) / found.width
    lines += ["", "[row]"]
    for name, given, one in zip(found.names, found.given, off, strict=True):
        lines.append(f'"{name}" = {{ given = "{claims.find(name).shown(given)}", off = {one:.1f} }}')
    own = calibrated.file(found.picture)
    kept = measurement.write_text(file or own, "\n".join(lines) + "\n")
    taken = file is None and own == calibrated.file()
    if beside is None and taken:
        beside = posterior.FILE
    if beside is not None:
        measurement.write_text(beside, posterior.as_text(left_open(found, kept)))
    if taken:
        library_cells.adopt(of_recipe, of_base)
    return kept


def _short(written: str) -> str:
    """A number with its unit, to four digits."""
    number, _, unit = written.partition(" ")
    return f"{float(number):.4g} {unit}".strip()


def left_open(found: Calibration, file: Path | None = None) -> posterior.Posterior:
    """What the rows of a calibration leave open around the set that was kept in a file."""
    kept = calibrated.read(file)
    values = [_kept_value(one, kept) for one in found.fit.parameters]
    return posterior.Posterior(
        posterior.stamp(file),
        tuple(replace(one, start=value) for one, value in zip(found.fit.parameters, values, strict=True)),
        found.names,
        found.width,
        (found.given - found.wanted) / found.width,
        found.fit.jacobian,
    )


def around(file: Path | None = None, processes: int = 1) -> posterior.Posterior:
    """The same of a set that is there, without a search: slopes and rows are computed at its values."""
    kept = calibrated.read(file)
    rate = float(parse(kept["scan_rate"], "scan rate"))
    picture = split.picture().name
    parameters = [replace(one, start=_kept_value(one, kept)) for one in free(picture)]
    values = np.array([one.start for one in parameters])
    rows = data()
    wanted, width = (np.array([rows[name][which] for name in rows]) for which in (0, 1))
    names = tuple(rows)
    with _workers(processes) as many:
        slopes = _slopes(many, picture, parameters, names, width, values)
    given = _full(picture, parameters, names, values, [rate])[rate]
    scales = [one.scale.slope(float(value)) for one, value in zip(parameters, values, strict=True)]
    return posterior.Posterior(
        posterior.stamp(file),
        tuple(parameters),
        names,
        width,
        (given - wanted) / width,
        slopes * np.array(scales),
    )


def _kept_value(one: Parameter, kept: Mapping[str, Any]) -> float:
    """A free number as the set has it, which holds four digits."""
    path = one.paths[0]
    which = "base" if path.startswith("base.") else "recipe"
    value = float(parse(kept[which][path.removeprefix("base.")], one.dimension))
    return min(max(value, one.low), one.high)
