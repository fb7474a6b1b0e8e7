"""Waterfalls, gains and distributions say what they show and print no words over one another, whatever is missing."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from perotwin.plotting import style
from perotwin.plotting.advice import Bar, gains
from perotwin.plotting.histograms import by_group, distributions
from perotwin.plotting.waterfalls import Step, waterfall

NAN = float("nan")


def overprinted(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of words that lie over one another."""
    with style.context():
        figure.draw_without_rendering()
    unseen = set()
    for ax in figure.axes:
        for axis, (low, high) in ((ax.xaxis, sorted(ax.get_xlim())), (ax.yaxis, sorted(ax.get_ylim()))):
            ticks = zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True)
            # ticks beyond the ends of an axis are not drawn
            unseen |= {id(label) for place, label in ticks if not low <= place <= high}
    # a turned name takes a box that is wider than its letters
    flat = [
        (one.get_text(), one.get_window_extent().shrunk(0.98, 0.9))
        for one in figure.findobj(Text)
        if isinstance(one, Text) and one.get_text().strip() and one.get_visible()
        if one.get_rotation() == 0.0 and id(one) not in unseen
    ]
    return [(a[0], b[0]) for a, b in combinations(flat, 2) if a[1].overlaps(b[1])]


def steps(count: int) -> list[Step]:
    kinds = ("jsc", "voc", "ff", "pce")
    chance = np.random.default_rng(5)
    return [
        Step(
            f"step number {n} with a long name", kinds[n % 4], float(chance.normal(-0.4, 0.5)), "−0.45 mA/cm²"
        )
        for n in range(count)
    ]


@pytest.mark.parametrize("count", [1, 5, 34])
def test_a_waterfall_names_every_step(count: int, tmp_path: Path) -> None:
    made = steps(count)
    end = 27.4 + sum(one.change for one in made)
    figure = waterfall(("limit", 27.4), made, ("the cell", end), "PCE (%)")
    words = {text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)}
    assert {"limit", "the cell", "27.40", f"{end:.2f}", *(one.words for one in made)} <= words
    assert not overprinted(figure)
    assert all(path.stat().st_size > 5_000 for path in style.save(figure, tmp_path / "waterfall"))


@pytest.mark.parametrize("count", [1, 2, 14])
def test_gains_with_and_without_intervals(count: int, tmp_path: Path) -> None:
    bars = [
        Bar(f"a change called {n}", [(1.5 - 0.1 * n, *ends) for ends in ((NAN, NAN), (1.0 - 0.1 * n, 2.0))])
        for n in range(count)
    ]
    names = [one.name for one in bars[:6]]
    pairs = {pair: 0.1 for pair in combinations(names, 2)}
    figure = gains(bars, ["cell", "cell-nbg"], pairs)
    assert not overprinted(figure)
    style.save(figure, tmp_path / "gains")


def test_distributions_of_groups_of_which_one_failed(tmp_path: Path) -> None:
    chance = np.random.default_rng(1)
    values = {name: chance.normal(1.0, 0.01, 400) for name in ("pce", "voc", "jsc", "ff")}
    for name in values:
        values[name][200:] = NAN
    groups = by_group(["one"] * 200 + ["two"] * 200, values)
    figure = distributions(groups)
    assert not overprinted(figure)
    style.save(figure, tmp_path / "two")
    style.save(
        distributions(by_group(["two"] * 200, {name: one[200:] for name, one in values.items()})),
        tmp_path / "none",
    )
    style.save(
        distributions(by_group(["one"], {name: one[:1] for name, one in values.items()})), tmp_path / "single"
    )
