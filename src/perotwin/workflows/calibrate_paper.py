"""The free numbers of the twin, fitted to the rows of the paper that the split declares as known.

    found = calibrate(processes=2)
    print(found.report())
    found.write("results/calibration")       # parameters, base, nuisances, what each row gives
    keep(found)                              # as the set that `perotwin reproduce` takes

What is free stands in `paper/split.toml`, what is fitted too. The search works on steady states (J-V and Suns-Voc, a
few lights); what the rows' own measurements give otherwise (reverse scans at each rate, EQE, all lights, decays) is
added as a correction, which is taken anew at the solution until it stays. So the rows are met by the answers that
`reproduce` shows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

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

__all__ = ["BARS", "RATES", "Calibration", "calibrate", "data", "free", "keep", "remade"]

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


def free() -> list[Parameter]:
    """What is fitted, with bounds from the ranges that the numbers state; the scan rate is chosen among `RATES`."""
    from perotwin.calibrate import Linear, Log, Parameter

    numbers = split.numbers()
    made = []
    for name, paths in split.free().items():
        value = numbers[paths[0]]
        if value.assumed is None or value.dimension is None:
            raise InputError(f'"{paths[0]}" states no range to be fitted in.', "State it.", key=paths[0])
        low, high = (float(end) for end in value.assumed)
        scale = Log() if low > 0.0 and value.dimension != "energy" else Linear()
        unit = _unit(value)
        start = min(max(float(value), low + 0.02 * (high - low) if low == 0.0 else low), high)
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


def remade(parameters: Sequence[Parameter], values: F64) -> tuple[Parameters, Stack]:
    """The recipe's parameters and the base stack with some values (SI) of the free numbers."""
    from perotwin import recipe, stack

    of_recipe: dict[str, str] = {}
    of_base: dict[str, str] = {}
    for one, value in zip(parameters, values, strict=True):
        for path in one.paths:
            if path.startswith("base."):
                of_base[path.removeprefix("base.")] = one.written(float(value))
            else:
                of_recipe[path] = one.written(float(value))
    base = stack.load(library_cells.BASE)
    assert isinstance(base, stack.Stack)
    made = recipe.load("target").with_values(of_recipe) if of_recipe else recipe.load("target")
    return made.parameters, base.with_values({**split.chosen(), **of_base})


def _quick(parameters: Sequence[Parameter], names: Sequence[str], values: F64) -> F64:
    """(N,) what quick steady measurements give for the rows at some values of the free numbers."""
    from perotwin.lab import suns_voc

    cells, _ = library_cells.made(*remade(parameters, values))
    protocol = suns_voc.Protocol(brightest="1 sun", dimmest=_DIMMEST, per_decade=_PER_DECADE)
    seen: dict[tuple[str, str], float] = {}
    lifetimes = {}
    for condition, cell in zip(CONDITIONS, cells.values(), strict=True):
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


def _full(parameters: Sequence[Parameter], names: Sequence[str], values: F64, rate: float) -> F64:
    """(N,) what the rows' own measurements give; NaN where one fails."""
    made, base = remade(parameters, values)
    cells, _ = library_cells.made(made, base)
    singles = dict(zip(CONDITIONS, cells.values(), strict=True))
    bench = Bench(singles, {}, scan_rate=rate, directions=("reverse",))
    found = []
    for name in names:
        try:
            found.append(ROWS[name](bench).value)
        except PerotwinError:
            found.append(math.nan)
    return np.array(found)


@dataclass(frozen=True)
class Calibration:
    """What was found.

    Attributes:
        fit: of the free numbers. rate: of the scans, V/s. names: of the rows. wanted, width: (N,) their values and
            standard deviations (SI). given: (N,) what their own measurements give.
        rounds: how often corrections were taken.
    """

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
            self.fit.report(), "",
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
        parameters, base = remade(self.fit.parameters, self.fit.values)
        for name, text in library_cells.texts(parameters, base).items():
            files.append(measurement.write_text(folder / f"{name}.toml", text))
        return files


def _at_bound(one: Parameter, value: float) -> bool:
    low, high = one.ends
    return min(one.coordinate(value) - low, high - one.coordinate(value)) < 1e-3 * one.span


def calibrate(
    *,
    processes: int = 1,
    start: Mapping[str, float] | None = None,
    evaluations: int = 12,
    rates: Sequence[float] = RATES,
    rounds: int = _ROUNDS,
) -> Calibration:
    """Fit the free numbers of the split to its rows.

    Args:
        processes: on which differences are computed. start: values (SI) by name in place of the library's.
        evaluations: of each search at most, differences not counted. rates: of scans that are tried, V/s.
        rounds: how often corrections are taken anew at most.

    Raises:
        PerotwinError: the cells cannot be solved where the search begins.
    """
    from perotwin.calibrate import solve

    parameters = [
        replace(one, start=min(max((start or {}).get(one.name, one.start), one.low), one.high))
        for one in free()
    ]
    rows = data()
    names = tuple(rows)
    wanted, width = (np.array([rows[name][which] for name in names]) for which in (0, 1))
    rate = split.scan_rate()
    correction = np.zeros(len(names))
    given = np.full(len(names), math.nan)
    at_rates: dict[float, F64] = {}
    context = get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool, progress.task("calibrating") as counter:
        for number in range(1, rounds + 1):
            here = np.array([one.start for one in parameters])
            if number == 1:
                quick = _quick(parameters, names, here)
                rate, given, at_rates = _scanned(pool, parameters, names, here, quick, wanted, width, rates)
                correction = given - quick

            def residuals(
                values: F64, shift: F64 = correction, searched: Sequence[Parameter] = tuple(parameters)
            ) -> F64:
                counter.advance()
                return (_quick(searched, names, values) + shift - wanted) / width

            fit = solve(
                residuals,
                parameters,
                jacobian=partial(_slopes, pool, parameters, names, width),
                labels=list(names),
                evaluations=evaluations,
                tolerance=1e-3,
                label=f"round {number}",
            )
            quick = _quick(parameters, names, fit.values)
            rate, given, at_rates = _scanned(pool, parameters, names, fit.values, quick, wanted, width, rates)
            moved = float(np.abs((given - quick - correction) / width).max())
            correction = given - quick
            parameters = [
                replace(one, start=float(value)) for one, value in zip(parameters, fit.values, strict=True)
            ]
            progress.note(f"round {number}: corrections moved by {moved:.2f} standard deviations")
            if moved < _STAYS or not fit.complete:
                break
    return Calibration(fit, rate, names, wanted, width, given, number, at_rates)


def _scanned(
    pool: ProcessPoolExecutor,
    parameters: Sequence[Parameter],
    names: Sequence[str],
    values: F64,
    quick: F64,
    wanted: F64,
    width: F64,
    rates: Sequence[float],
) -> tuple[float, F64, dict[float, F64]]:
    """The scan rate at which the rows' own measurements lie nearest, what they give there, and at each rate."""
    work = [pool.submit(_full, parameters, names, values, rate) for rate in rates]
    found = {rate: one.result() for rate, one in zip(rates, work, strict=True)}
    for given in found.values():
        lost = ~np.isfinite(given)
        given[lost] = quick[lost]
    best = min(found, key=lambda rate: float((((found[rate] - wanted) / width) ** 2).sum()))
    return best, found[best], found


def _slopes(
    pool: ProcessPoolExecutor, parameters: Sequence[Parameter], names: Sequence[str], width: F64, values: F64
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
    work = [pool.submit(_quick, parameters, names, one) for one in (values, *moved)]
    here, *others = (one.result() for one in work)
    return np.array([(other - here) / width / step for other, step in zip(others, steps, strict=True)]).T


# --- kept ------------------------------------------------------------------------


def keep(found: Calibration, file: Path = calibrated.FILE, beside: Path = posterior.FILE) -> Path:
    """Write the numbers that were found, to four digits, as the calibrated set that `reproduce` takes, and how well
    they are known.

    Args:
        file: of the set; the package's own unless given, which an editable installation can write.
        beside: of what the rows leave open (see `paper.posterior`).
    """
    of: dict[str, dict[str, str]] = {"recipe": {}, "base": dict(split.chosen())}
    for one, value in zip(found.fit.parameters, found.fit.values, strict=True):
        for path in one.paths:
            which = "base" if path.startswith("base.") else "recipe"
            of[which][path.removeprefix("base.")] = one.text(float(value))
    lines = [
        "# Written by perotwin reproduce --calibrate: numbers of recipe and base that were fitted to the rows that",
        "# split.toml names, inside the ranges that the numbers state. All else is the library's.",
        f"# chi-square of {len(found.names)} rows: {found.chi_square:.2f}; standard deviations are half bars",
        f'scan_rate = "{1e3 * found.rate:.3g} mV/s"',
    ]
    for which, values in of.items():
        lines += ["", f"[{which}]", *(f'"{path}" = "{value}"' for path, value in values.items())]
    kept = measurement.write_text(file, "\n".join(lines) + "\n")
    measurement.write_text(beside, posterior.as_text(left_open(found, file)))
    return kept


def left_open(found: Calibration, file: Path = calibrated.FILE) -> posterior.Posterior:
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


def around(file: Path = calibrated.FILE, processes: int = 1) -> posterior.Posterior:
    """The same of a set that is there, without a search: slopes and rows are computed at its values."""
    kept = calibrated.read(file)
    rate = float(parse(kept["scan_rate"], "scan rate"))
    parameters = [replace(one, start=_kept_value(one, kept)) for one in free()]
    values = np.array([one.start for one in parameters])
    rows = data()
    wanted, width = (np.array([rows[name][which] for name in rows]) for which in (0, 1))
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        full = pool.submit(_full, parameters, tuple(rows), values, rate)
        slopes = _slopes(pool, parameters, tuple(rows), width, values)
        given = full.result()
    scales = [one.scale.slope(float(value)) for one, value in zip(parameters, values, strict=True)]
    return posterior.Posterior(
        posterior.stamp(file),
        tuple(parameters),
        tuple(rows),
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
