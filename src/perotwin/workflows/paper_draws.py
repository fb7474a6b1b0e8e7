"""What the calibration leaves open, carried to the rows: draws of the free numbers, each answered as the set is.

    found = answered(bench, 12, seed=1, processes=2)
    found.spreads["tandem.gain.voc"].sd

A draw is proposed by what the fit says of the free numbers, and taken or left by steady curves of the cells that they
make (see `paper.posterior`). It makes cells, tandems and recipes again and takes every measurement of the rows. What no
free number enters, or hardly, is that of the set: virtual batches, of which rows take how far the best device lies
above the mean; operation, which is of the library's cells; and of films that are the same what is of a film alone,
such as its decay, its map and its ageing.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perotwin import measurement, progress
from perotwin.errors import PerotwinError
from perotwin.paper import posterior, split
from perotwin.paper.bench import Bench, Taker, calibrated_bench
from perotwin.paper.calibrated import Settings
from perotwin.paper.found import Spread
from perotwin.paper.posterior import Carried, Posterior
from perotwin.paper.rows import ROWS, STAGES, needed
from perotwin.stack.films import part_of
from perotwin.study.pool import Pool, at_most
from perotwin.workflows import calibrate_paper

__all__ = ["answered", "drawn"]

F64 = NDArray[np.float64]

#: what draws take from the set, by the first word under which a bench keeps it; and what where the film is the same
_SHARED = ("batch", "retained")
_OF_FILMS = ("soak", "film_ageing", "trpl", "sclc", "afm", "xrd")


@dataclass(frozen=True)
class _Drawn:
    """A draw.

    Attributes:
        place: (P,) of the free numbers on their scales. rows: what each row gives, SI; NaN where one gives nothing.
    """

    place: tuple[float, ...]
    rows: Mapping[str, float]


@dataclass(frozen=True)
class _Answering:
    """Draws by number, and answers all rows with the numbers drawn in place of the calibrated ones; several processes
    can."""

    left: Posterior
    drawn_by: int
    devices: int
    seed: int
    scan_rate: float
    shared: Mapping[tuple[str, ...], Any]
    films: Mapping[str, str]

    def __call__(self, number: int) -> _Drawn:
        place = drawn(self.left, number, self.drawn_by)
        return _Drawn(tuple(place.tolist()), self.answers(self.left.settings(place)))

    def answers(self, others: Settings) -> dict[str, float]:
        """What each row gives with some numbers."""
        bench = calibrated_bench(
            others=others, devices=self.devices, seed=self.seed, scan_rate=self.scan_rate
        )
        alike = films(bench) == self.films
        bench.learn({key: one for key, one in self.shared.items() if alike or key[0] not in _OF_FILMS})
        found = {}
        for name, row in ROWS.items():
            try:
                found[name] = row(bench).value
            except PerotwinError:
                found[name] = math.nan
        return found


def drawn(left: Posterior, number: int, seed: int) -> F64:
    """(P,) a draw of the free numbers of the picture that is taken, on their scales, as its steady curves allow it."""
    return left.draw(number, seed, partial(calibrate_paper.tried, split.picture().name, left.free, left.rows))


def answered(
    bench: Bench,
    draws: int,
    *,
    seed: int = 1,
    processes: int | None = 1,
    file: Path | None = None,
    key: str = "",
) -> Carried | None:
    """The rows by draws of the calibrated numbers; None where nothing tells what the calibration leaves open.

    Args:
        bench: of the calibrated set, with its batches. draws: how many. seed: of them.
        processes: on which to work. file: that keeps what is done. key: what else decides the answers, for that file.

    Raises:
        KeyboardInterrupt: interrupted; what was done is in the file.
    """
    left = posterior.read()
    if left is None:
        progress.note(
            "the spread of the calibrated numbers is not known: perotwin reproduce --calibrate writes it"
        )
        return None
    known = _kept(file, key)
    missing = [number for number in range(draws) if number not in known]
    shared = _shared(bench, processes) if missing else {}
    job = _Answering(left, seed, bench.devices, bench.seed, bench.scan_rate, shared, films(bench))
    with Pool(job, processes, patient=False) as pool:
        words = f"{len(missing)} draws of the calibrated numbers"
        for place, outcome in pool.each(missing, words):
            if outcome.result is None:
                raise PerotwinError(
                    f"draw {missing[place] + 1} of the calibrated numbers was not done ({outcome.failure}).",
                    "What was done is kept in the folder of the run, if it has one; give the same command again.",
                )
            known[missing[place]] = outcome.result
            if file is not None:
                _keep(file, key, known)
    spreads = {
        name: Spread(tuple(known[number].rows.get(name, math.nan) for number in range(draws)))
        for name in ROWS
    }
    return Carried(spreads, np.array([known[number].place for number in range(draws)]), left)


def _shared(bench: Bench, processes: int | None) -> dict[tuple[str, ...], Any]:
    """What draws take from the set; measured now, side by side, where an earlier run has kept only what it gave."""
    wanted = [
        ask
        for stage in STAGES
        for ask in needed(stage, bench)
        if (ask[1] if ask[0] in ("of", "on_sample") else ask[0]) in ("device", *_SHARED, *_OF_FILMS)
    ]
    missing = [ask for ask in wanted if not bench.knows(ask)]
    if missing:
        job = Taker(bench if at_most(processes) == 1 else replace(bench, _kept={}))
        with Pool(job, processes, patient=False) as pool:
            for _, outcome in pool.each(missing, "what draws take from the set"):
                bench.learn(outcome.result or {})
    for kind in ("singles", "tandems"):
        bench.batch(kind)
    return {key: one for key, one in bench.learnt().items() if key[0] in (*_SHARED, *_OF_FILMS)}


def films(bench: Bench) -> dict[str, str]:
    """By condition, what tells a film from another: its layer, how it was coated, and what the recipe left in it."""
    made = {}
    for condition, cell in bench.singles.items():
        told = hashlib.sha256(part_of(cell, "film").to_toml().encode())
        sample = bench.sample(condition)
        left, coat = sample.film, sample.recipe.coat
        told.update(b"" if coat is None else coat.model_dump_json().encode())
        for name, value in vars(left).items() if left is not None else ():
            told.update(name.encode() + np.asarray(value, dtype=float).tobytes())
        made[condition] = told.hexdigest()
    return made


def _kept(file: Path | None, key: str) -> dict[int, _Drawn]:
    """What is done of the draws."""
    if file is None:
        return {}
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        if data["key"] != key:
            return {}
        return {
            int(number): _Drawn(
                tuple(float(one) for one in draw["place"]),
                {name: math.nan if value is None else float(value) for name, value in draw["rows"].items()},
            )
            for number, draw in data["draws"].items()
            if set(draw["rows"]) == set(ROWS)
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _keep(file: Path, key: str, known: Mapping[int, _Drawn]) -> None:
    draws = {
        str(number): {
            "place": known[number].place,
            "rows": {
                name: value if math.isfinite(value) else None for name, value in known[number].rows.items()
            },
        }
        for number in sorted(known)
    }
    measurement.write_text(file, json.dumps({"key": key, "draws": draws}, indent=1))
