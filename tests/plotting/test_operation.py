"""Power through the hours beside what is stated of it: every mark where it belongs, words on nothing that is drawn."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from perotwin.plotting import operation, style

HOUR = 3600.0


def course(name: str, hours: float, end: float) -> xr.Dataset:
    """A cell that ends at a part of its first power; dark at one moment."""
    time = HOUR * hours * np.linspace(0.0, 1.0, 41) ** 2
    retained = 1.0 - (1.0 - end) * np.sqrt(time / time[-1])
    retained[7] = np.nan
    return xr.Dataset({"retained": ("time", retained)}, {"time": time}, {"stack": name})


COURSES = (course("reference", 400.0, 0.49), course("target", 600.0, 0.864))
BOUND = operation.Mark("reference", 400.0 * HOUR, 0.5, "stated: below 50 %", bound="below")
VALUE = operation.Mark("target", 600.0 * HOUR, 0.864, "stated: 86.4 %", 0.05)


def marked(axes: Axes) -> dict[tuple[float, float], str]:
    """Markers of single points by their place (h, %)."""
    found = {}
    for line in axes.lines:
        x, y = (np.asarray(one, float) for one in (line.get_xdata(), line.get_ydata()))
        if x.size == 1:
            found[round(float(x[0]), 6), round(float(y[0]), 6)] = str(line.get_marker())
    return found


def words(axes: Axes) -> dict[str, Annotation]:
    return {one.get_text(): one for one in axes.texts if isinstance(one, Annotation)}


def bars(axes: Axes) -> list[np.ndarray]:
    """Ends (h, %) of lines beside points."""
    return [
        segment
        for one in axes.collections
        if isinstance(one, LineCollection)
        for segment in one.get_segments()
    ]


def lines(axes: Axes) -> list[np.ndarray]:
    """(400, 2) points on each curve and bar, and on each marker, in pixels."""
    whole = [np.column_stack([line.get_xdata(), line.get_ydata()]).astype(float) for line in axes.lines]
    share = np.linspace(0.0, 1.0, 400)
    found = []
    for one in (*whole, *bars(axes)):
        one = axes.transData.transform(one[np.isfinite(one).all(axis=1)])
        found.append(
            np.column_stack([np.interp(share, np.linspace(0.0, 1.0, len(one)), one[:, k]) for k in (0, 1)])
        )
    return found


def hidden(made: Figure) -> list[str]:
    """Words that lie on a curve, a bar, a mark or other words, or beyond the figure."""
    canvas = FigureCanvasAgg(made)
    canvas.draw()
    (axes,) = made.axes
    boxes = {text: one.get_window_extent() for text, one in words(axes).items()}
    across, down = canvas.get_width_height()
    found = []
    for text, box in boxes.items():
        covered = any(box.contains(*point) for line in lines(axes) for point in line)
        others = any(box.overlaps(other) for name, other in boxes.items() if name != text)
        outside = box.x0 < 0.0 or box.y0 < 0.0 or box.x1 > across or box.y1 > down
        if covered or others or outside:
            found.append(text)
    return found


def test_values_are_circles_with_what_they_may_be_off_and_bounds_bars_with_an_arrow(tmp_path: Path) -> None:
    made = operation.retained(COURSES, (BOUND, VALUE))
    (axes,) = made.axes
    points = marked(axes)
    assert points[600.0, 86.4] == "o" and points[400.0, 50.0] == "_"
    ends = {(one[0, 0], *sorted(one[:, 1])) for one in np.round(bars(axes), 6)}
    assert (600.0, 81.4, 91.4) in ends
    (down,) = (end for end in ends if end[0] == 400.0)
    assert down[2] == 50.0 and down[1] < 50.0
    above = operation.Mark("reference", 400.0 * HOUR, 0.4, "", bound="above")
    (up,) = (end for end in bars(operation.retained(COURSES, (above,)).axes[0]))
    assert sorted(up[:, 1])[0] == pytest.approx(40.0) and max(up[:, 1]) > 40.0
    svg, _ = style.save(made, tmp_path / "f")
    text = svg.read_text(encoding="utf-8")
    assert "stated: below 50 %" in text and "reference 49.0 %" in text and "target 86.4 %" in text


def test_curves_are_what_was_given_and_keep_their_own_end() -> None:
    (axes,) = operation.retained(COURSES, colours=("#111111", "#222222")).axes
    for line, one, colour in zip(axes.lines, COURSES, ("#111111", "#222222"), strict=True):
        lit = np.isfinite(one["retained"].values)
        np.testing.assert_allclose(line.get_xdata(), one["time"].values[lit] / HOUR)
        np.testing.assert_allclose(line.get_ydata(), 100.0 * one["retained"].values[lit])
        assert line.get_color() == colour
    assert words(axes)["reference 49.0 %"].xy == pytest.approx((400.0, 49.0))
    assert axes.get_xlabel().endswith("(h)") and axes.get_ylabel().endswith("(%)")
    low, high = axes.get_ylim()
    assert low < 49.0 and high > 100.0


@pytest.mark.parametrize("stated", [0.78, 0.85, 0.864, 0.87, 0.9, 0.99])
def test_words_hide_nothing(stated: float) -> None:
    value = operation.Mark("target", 600.0 * HOUR, stated, f"paper: {stated:.1%}; twin: calibrated", 0.05)
    assert hidden(operation.retained(COURSES, (BOUND, value))) == []
    assert hidden(operation.retained(COURSES[1:], (value,))) == []


def test_what_hides_is_seen() -> None:
    made = operation.retained(COURSES, (VALUE,))
    made.axes[0].annotate("across", (590.0, 86.4), ha="right", va="center")
    assert "across" in hidden(made)
