"""Along depth every layer is wide enough for its name, to scale where it can be, and nothing changes places."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import synthetic
import synthetic_tandem
from perotwin.plotting import depth, style
from perotwin.plotting.depth_axis import DepthAxis, Span, layer_spans, runs


def axis_of(thicknesses: list[float], names: list[str]) -> DepthAxis:
    ends = np.cumsum([0.0, *thicknesses])
    return DepthAxis(tuple(Span(*one) for one in zip(names, ends[:-1], ends[1:], strict=True)))


def test_one_junction_whose_layers_have_room_is_to_scale() -> None:
    axis = axis_of([2e-7, 5e-7, 2e-7], ["htl", "perovskite", "etl"])
    assert not axis.stretched and axis.planes == ()
    assert axis.at([0.0, 123e-9, 900e-9]) == pytest.approx([0.0, 123.0, 900.0])


def test_thin_layers_of_one_junction_are_drawn_as_wide_as_their_names() -> None:
    axis = DepthAxis.of(synthetic.bands())
    assert axis.stretched and not axis.several
    made = depth.bands(synthetic.bands())
    panel = made.axes[0]
    made.draw_without_rendering()
    boxes = [
        text.get_window_extent()
        for text in panel.texts
        if text.get_text() in synthetic.LAYERS and text.get_position()[1] > 0
    ]
    assert len(boxes) == len(synthetic.LAYERS)
    for first, second in pairwise(boxes):
        assert first.x1 < second.x0, "names of neighbouring layers meet"
    labels = [tick.label1.get_window_extent() for tick in made.axes[-1].xaxis.get_major_ticks()]
    for first, second in pairwise(labels):
        assert first.x1 < second.x0, "depths at neighbouring faces meet"


def test_a_stack_whose_layer_is_called_top_something_is_one_junction() -> None:
    assert not axis_of([1e-8, 5e-7, 1e-8], ["top contact", "perovskite", "bottom contact"]).several
    assert not axis_of([1e-8, 5e-7], ["top contact", "top perovskite"]).several


def test_two_junctions_meet_at_a_plane() -> None:
    axis = DepthAxis.of(synthetic_tandem.bands())
    assert list(axis.junctions) == ["top", "bottom"]
    assert axis.planes == pytest.approx([495e-9])
    assert axis.widest(axis.junctions["bottom"]).name == "bottom perovskite"


def test_the_names_of_a_tandems_layers_do_not_collide() -> None:
    axis = DepthAxis.of(synthetic_tandem.bands())
    width = float(np.ptp(axis.at([0.0, 1550e-9])))
    for span in axis.spans:
        letters = len(style.junction_of(span.name)[1])
        drawn = float(np.ptp(axis.at([span.front, span.back])))
        assert drawn / width > 0.0075 * letters, span.name


@given(
    st.lists(st.floats(1e-9, 3e-6), min_size=2, max_size=9),
    st.lists(st.floats(1e-9, 3e-6), min_size=1, max_size=9),
    st.integers(1, 30),
)
def test_depths_keep_their_order_and_their_ends(top: list[float], bottom: list[float], letters: int) -> None:
    names = [f"top {'l' * letters}{index}" for index in range(len(top))]
    names += [f"bottom {'l' * letters}{index}" for index in range(len(bottom))]
    axis = axis_of([*top, *bottom], names)
    assert axis.several
    total = sum(top) + sum(bottom)
    drawn = axis.at(np.linspace(0.0, total, 500))
    assert np.all(np.diff(drawn) >= -1e-9 * total * 1e9)
    assert drawn[0] == 0.0
    assert drawn[-1] == pytest.approx(total * 1e9)


def test_a_thick_layer_stays_thicker_than_a_thin_one() -> None:
    axis = DepthAxis.of(synthetic_tandem.bands())
    drawn = {span.name: float(np.ptp(axis.at([span.front, span.back]))) for span in axis.spans}
    assert drawn["bottom perovskite"] > drawn["top perovskite"] > drawn["bottom pedot-pss"]


def test_lines_break_at_faces() -> None:
    dataset = synthetic_tandem.bands()
    assert [dataset["layer"].values[run][0] for run in runs(dataset)] == list(synthetic_tandem.LAYERS)
    assert sum(run.stop - run.start for run in runs(dataset)) == dataset.sizes["x"]
    assert [span.thickness for span in layer_spans(dataset)] == pytest.approx(
        list(synthetic_tandem.LAYERS.values())
    )


def test_a_tandem_shows_the_states_that_are_asked_for_and_both_splittings() -> None:
    made = depth.bands(synthetic_tandem.bands(), states=("maximum-power", "dark", "of another kind"))
    assert [ax.get_title(loc="left") for ax in made.axes] == ["Maximum power, 1.950 V", "Equilibrium (dark)"]
    words = [text.get_text() for text in made.axes[0].texts]
    assert words.count("0.975 eV") == 2
    assert {"top junction", "bottom junction", "pedot-pss"} <= set(words)


def test_no_fermi_level_is_drawn_across_the_plane() -> None:
    made = depth.bands(synthetic_tandem.bands(), states=("open-circuit",))
    plane = float(DepthAxis.of(synthetic_tandem.bands()).at(495e-9))
    dashed = [line for line in made.axes[0].lines if line.get_color() in (style.ELECTRON, style.HOLE)]
    assert len(dashed) == 4
    for line in dashed:
        x = np.asarray(line.get_xdata())
        assert x.max() <= plane + 1e-9 or x.min() >= plane - 1e-9


def test_depths_in_a_wafer_are_short_enough_to_stand_beside_each_other() -> None:
    from perotwin.plotting.depth_axis import _depth

    assert [_depth(nm) for nm in (0.0, 505.0, 9999.0, 181005.0, 182005.0)] == [
        "0", "505", "9999", "181 µm", "182 µm"
    ]  # fmt: skip
