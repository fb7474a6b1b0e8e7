"""What the calibration of the paper leaves open of its numbers: where 95 % of many draws lie, and chi-square at them.

    python benchmarks/left_open.py                 # 96 draws on one process, some four minutes
    python benchmarks/left_open.py 200 2           # draws, processes

Beside them stands what the slopes of the fit alone allow, which are the proposals that a draw is taken from.
"""

from __future__ import annotations

import sys
from functools import partial

import numpy as np

from perotwin.calibrate.parameters import values_at
from perotwin.paper import posterior, split
from perotwin.study.pool import Pool
from perotwin.workflows import calibrate_paper
from perotwin.workflows.paper_draws import drawn


def one(left: posterior.Posterior, number: int) -> tuple[np.ndarray, np.ndarray]:
    """(P,) a draw on the scales, and (N,) what steady curves give there."""
    place = drawn(left, number, 1)
    values = values_at(left.free, place)
    return place, calibrate_paper.tried(split.picture().name, left.free, left.rows, values)


def main(draws: int, processes: int) -> None:
    """Draw, and print."""
    left = posterior.read()
    assert left is not None
    with Pool(partial(one, left), processes) as pool:
        found = [outcome.result for outcome in pool.all(range(draws), "draws")]
    places = np.array([each[0] for each in found if each is not None])
    rows = np.array([each[1] for each in found if each is not None])
    starts = np.array([each.start for each in left.free])
    own = calibrate_paper.steady_rows(split.picture().name, left.free, left.rows, starts)
    linear = left.coordinates(draws)
    for number, each in enumerate(left.free):
        ends = [
            " to ".join(
                each.text(each.value(float(end))) for end in np.quantile(some[:, number], [0.025, 0.975])
            )
            for some in (places, linear)
        ]
        print(f"{each.name:24s} {each.text(each.start):>20s}   95 %: {ends[0]} (by slopes alone: {ends[1]})")
    moved = (rows - own) / left.widths
    slopes = left.predicted(places) / left.widths
    chi = [((left.residuals + part) ** 2).sum(axis=1) for part in (moved, slopes)]
    by_rows, by_slopes = (f"{each.min():.1f} to {each.max():.1f}" for each in chi)
    print(f"chi-square at the draws: {by_rows}, by slopes {by_slopes}")
    for number, name in enumerate(left.rows):
        sd, linear_sd = (float(part[:, number].std(ddof=1)) for part in (moved, slopes))
        print(f"{name:52s} sd {sd:.2f} of its own in the fit, by slopes {linear_sd:.2f}")


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    main(*(given + [96, 1][len(given) :]))
