"""Keys stand where no curve is, variants and sweeps are told apart, and words of a tornado do not meet."""

import warnings
from collections.abc import Callable
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

import synthetic
import synthetic_tandem
from perotwin import lab
from perotwin.measurement import Metric, Metrics
from perotwin.plotting import curves, depth, design, pulses, spectra, style, sweeps, time
from perotwin.plotting.key import _Placer

FIGURES: dict[str, Callable[[], Figure]] = {
    "jv": lambda: curves.jv([synthetic.jv(), synthetic.jv("other", voc=1.2)]),
    "jv dark": lambda: curves.jv([synthetic.jv(), synthetic.jv(light=0.0)]),
    "jv of a tandem": lambda: curves.jv(synthetic.tandem_jv()),
    "jv of tandems": lambda: curves.jv([synthetic_tandem.jv(), synthetic_tandem.jv("b")]),
    "scans": lambda: time.loops([*synthetic.scan().values(), *synthetic.scan("b", 1.2).values()]),
    "tracking": lambda: time.tracking([synthetic.mppt(), synthetic.mppt("b", 150.0)]),
    "profiles": lambda: depth.profiles(synthetic.jv()),
    "profiles of a tandem": lambda: depth.profiles(synthetic_tandem.jv()),
    "eqe of two": lambda: spectra.eqe([synthetic.eqe(), synthetic.eqe("b", 680e-9)]),
    "eqe of two tandems": lambda: spectra.eqe([synthetic.tandem_eqe(), synthetic.tandem_eqe("b")]),
    "impedance of two": lambda: lab.impedance.plot([synthetic.impedance(), synthetic.impedance("b")]),
    "cv": lambda: lab.cv.plot([synthetic.cv(), synthetic.cv("b", 3e22)]),
    "mismatch": lambda: curves.mismatch([synthetic.mismatch(), synthetic.mismatch("b")]),
    "lifetimes": lambda: pulses.lifetimes({"a": [(0.1, 3e-6), (1.0, 1e-6)], "b": [(0.1, 2e-6), (1.0, 5e-7)]}),
}


def drawn_over(ax: Axes, words: Text, renderer: object) -> float:
    """Points of curves (not of guides) that lie within the box of some words."""
    box = words.get_window_extent(renderer)
    count = 0
    for other in ax.figure.axes:
        if not np.allclose(other.get_position().bounds, ax.get_position().bounds):
            continue
        for line in other.lines:
            if line.get_zorder() < 1.0 or not line.get_visible():
                continue
            path = line.get_transform().transform_path(line.get_path()).vertices
            fine = [path[np.isfinite(path).all(axis=1)]]
            for first, second in pairwise(path):
                if np.isfinite([first, second]).all() and line.get_linestyle() != "None":
                    fine.append(first + np.linspace(0, 1, 30)[:, None] * (second - first))
            x, y = np.concatenate(fine).T
            count += int(np.sum((x > box.x0) & (x < box.x1) & (y > box.y0) & (y < box.y1)))
    return count


@pytest.mark.parametrize("name", FIGURES)
def test_no_key_stands_on_a_curve_or_on_other_words(name: str) -> None:
    made = FIGURES[name]()
    made.draw_without_rendering()
    renderer = made.canvas.get_renderer()
    keys = 0
    for ax in made.axes:
        for placer in (one for one in ax.get_children() if isinstance(one, _Placer)):
            keys += 1
            panel = ax.get_window_extent(renderer)
            for words in placer.lines:
                assert drawn_over(ax, words, renderer) == 0, words.get_text()
                box = words.get_window_extent(renderer)
                assert box.x0 >= panel.x0 - 1 and box.y1 <= panel.y1 + 1 and box.y0 >= panel.y0 - 1
            for first, second in combinations([*placer.lines], 2):
                lower, upper = sorted(
                    (first.get_window_extent(renderer), second.get_window_extent(renderer)),
                    key=lambda b: b.y0,
                )
                assert lower.y1 < upper.y0 + 1.5
    assert keys


def test_a_panel_full_of_curves_is_made_longer_for_its_key() -> None:
    made = style.figure()
    ax = made.add_subplot()
    x = np.linspace(0.0, 1.0, 50)
    for height in np.linspace(0.0, 1.0, 25):
        ax.plot(x, height + 0.0 * x)
    ax.set_ylim(0.0, 1.0)
    style.text_key(ax, [("first", "k"), ("second", "b")], 0.1, 0.9)
    assert ax.get_ylim()[1] > 1.1
    made.draw_without_rendering()
    renderer = made.canvas.get_renderer()
    assert all(drawn_over(ax, words, renderer) == 0 for words in ax.texts)


TOML = """name = "cell"
[[layer]]
name = "perovskite"
thickness = {{ value = "{0} nm", source = "x" }}
[light]
intensity = "{1} sun"
"""


def test_variants_of_one_cell_are_told_apart_by_what_differs() -> None:
    items = [synthetic.jv("cell").assign_attrs(cell=TOML.format(t, 1)) for t in (300, 400, 500)]
    made = curves.jv(items)
    ax = made.axes[0]
    words = [text.get_text() for text in ax.texts]
    assert words == [f"cell, perovskite.thickness {t} nm" for t in (300, 400, 500)]
    assert len({text.get_color() for text in ax.texts}) == 3
    drawn = [line.get_color() for line in ax.lines if len(line.get_xdata()) > 10]
    assert len(set(drawn)) == 3


def test_a_cell_in_the_dark_is_the_cell_in_the_light() -> None:
    items = [
        synthetic.jv("cell", light=light).assign_attrs(cell=TOML.format(300, light)) for light in (1.0, 0.0)
    ]
    lit, dark = curves.jv(items).axes
    assert [text.get_text() for text in (*lit.texts, *dark.texts)] == ["cell", "cell"]


def test_one_cell_in_several_lights_has_a_colour_for_each() -> None:
    items = [synthetic.jv("cell", light=light) for light in (1.0, 0.5, 0.1)]
    texts = curves.jv(items).axes[0].texts
    assert [text.get_text() for text in texts] == ["cell, 1 sun", "cell, 0.5 sun", "cell, 0.1 sun"]
    assert len({text.get_color() for text in texts}) == 3


def swept(values: list[float]) -> list:
    return [
        synthetic.jv(f"cell, {value} nm", jsc=100.0 + 0.1 * value).assign_attrs(
            varied_of="cell", varied_path="perovskite.thickness", varied_value=value, varied_unit="nm"
        )
        for value in values
    ]


def test_the_curves_of_a_sweep_are_in_order_with_a_bar_that_names_the_number() -> None:
    made = curves.jv(swept([600.0, 200.0, 400.0]))
    ax, bar = made.axes
    assert bar.get_ylabel() == "perovskite.thickness (nm)"
    assert [label.get_text() for label in bar.get_yticklabels()] == ["200", "400", "600"]
    first = [float(line.get_ydata()[0]) for line in ax.lines if len(line.get_xdata()) > 10]
    assert first == sorted(first)
    assert [text.get_text() for text in ax.texts] == ["cell"]


def test_a_sweep_over_decades_is_told_by_its_logarithm() -> None:
    rows = [
        (value, Metrics({"pce": Metric(0.2, "1"), "voc": Metric(1.0, "V")})) for value in (1.0, 10.0, 100.0)
    ]
    made = sweeps.metrics("perovskite.trap.1.density", "cm^-3", {"cell": rows})
    assert all(ax.get_xscale() == "log" for ax in made.axes)
    assert made.axes[-1].get_xlabel() == "perovskite.trap.1.density (cm$^{−3}$)"
    assert len(made.axes) == 4


def test_a_point_that_failed_leaves_the_others(tmp_path) -> None:
    rows = [(300.0, Metrics({"voc": Metric(1.1, "V")})), (200.0, Metrics({"voc": Metric(1.2, "V")}))]
    made = sweeps.metrics("a.thickness", "nm", {"one": rows, "two": []})
    assert list(made.axes[0].lines[0].get_xdata()) == [200.0, 300.0]
    style.save(made, tmp_path / "metrics")


def test_no_words_of_a_tornado_meet() -> None:
    bars = [
        design.Bar(
            "perovskite|c60.trap.1.hole_velocity",
            14.0,
            18.7,
            "1000 cm s$^{−1}$",
            "2 cm s$^{−1}$",
            -0.18,
            "10 meV",
        ),
        design.Bar("niox.bandgap", 15.0, 18.0, "3.2 eV", "3.8 eV", 0.051, "10 meV"),
        design.Bar("c60.thickness", 18.5, 18.6, "10 nm", "30 nm", -0.0074, "1 %"),
        design.Bar("ito.thickness", 18.4, 18.65, "80 nm", "180 nm", 0.0041, "1 %"),
    ]
    made = design.tornado(bars, bars, 18.57, "pce")
    made.draw_without_rendering()
    renderer = made.canvas.get_renderer()
    words = [
        text
        for ax in made.axes
        for text in (*ax.texts, *ax.get_yticklabels(), *ax.get_xticklabels(), ax.xaxis.label)
        if text.get_text() and text.get_visible()
    ]
    for first, second in combinations(words, 2):
        one, other = first.get_window_extent(renderer), second.get_window_extent(renderer)
        apart = one.x1 <= other.x0 or other.x1 <= one.x0 or one.y1 <= other.y0 or other.y1 <= one.y0
        assert apart, (first.get_text(), second.get_text())


def test_the_curve_through_an_optimum_is_smooth_and_stays_with_its_points() -> None:
    x = np.union1d(np.linspace(350.0, 550.0, 17), [440.0, 442.3])  # as a study leaves them
    y = 18.6 - ((x - 442.0) / 120.0) ** 2
    fine, along = design.smooth(x, y)
    assert np.max(np.abs(along - (18.6 - ((fine - 442.0) / 120.0) ** 2))) < 2e-3
    assert np.interp(x, fine, along) == pytest.approx(y, abs=1e-9)
    turns = np.abs(np.diff(np.diff(along) / np.diff(fine)))
    straight = np.abs(np.diff(np.diff(y) / np.diff(x)))
    assert turns.max() < 0.2 * straight.max()


def test_the_curve_through_an_optimum_has_gaps_where_nothing_is_known() -> None:
    x, y = design.smooth(np.arange(9.0), np.array([0, 1, 2, 3, np.nan, 5, 6, 7, 8.0]))
    assert not np.isfinite(np.interp(4.0, x, y))


def test_one_material_has_one_colour_in_all_figures() -> None:
    layers = {"etl": ("etl", "c60"), "htl": ("htl", "niox"), "perovskite": ("absorber", "halide-perovskite")}
    import json

    told = synthetic.jv().assign_attrs(layers=json.dumps(layers))
    for name, (role, material) in layers.items():
        assert style.colour_in(told, name) == style.layer_colour(name, role, material)
    assert (
        style.layer_colour("etl", "etl", "c60")
        == style.layer_colour("c60")
        == style.layer_colour("bottom c60")
    )
    assert style.layer_colour("x", "electrode", "ag") != style.layer_colour("x", "electrode", "ito")
    assert style.layer_colour("album", None) != style.layer_colour("al")
    colours = list(style.MATERIALS.items())
    same = {("izo", "azo"), ("silicon", "c-si")}
    sams = {"sam", "2pacz", "meo-2pacz", "me-4pacz"}
    for (first, one), (second, other) in combinations(colours, 2):
        if (first, second) not in same and not {first, second} <= sams:
            assert one != other, (first, second)


def test_words_of_a_figure_stay_words_with_fonts_to_stand_in(tmp_path) -> None:
    svg, _ = style.save(curves.jv(synthetic.jv()), tmp_path / "jv")
    text = svg.read_text()
    assert ">toy</text>" in text and "sans-serif" in text and "Verdana" in text


@pytest.mark.parametrize("name", [r"$\frac{a$ of {0}", "钙钛矿"])
def test_any_name_makes_a_key(name: str, tmp_path: Path) -> None:
    # what is no mathematics, or in no font, is drawn as it is, and nobody is warned of it
    made, ax = style.new_axes(None)
    ax.plot([0.0, 1.0], [0.0, 1.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        style.text_key(ax, [(name, "k")], 0.1, 0.9)
        style.save(made, tmp_path / "named")
    assert name in (tmp_path / "named.svg").read_text(encoding="utf-8")
