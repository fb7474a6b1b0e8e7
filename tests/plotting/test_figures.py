"""Figures are drawn from datasets alone, without pyplot, and labels never collide."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fresh
import synthetic
import synthetic_tandem
from perotwin import lab
from perotwin.plotting import curves, depth, luminescence, spectra, stack_drawing, style, time

LAYERS = [
    stack_drawing.Drawn("glass", 1.1e-3, "substrate", "glass"),
    stack_drawing.Drawn("ito", 150e-9, "electrode", "ito"),
    stack_drawing.Drawn("perovskite", 400e-9, "absorber", "halide-perovskite"),
    stack_drawing.Drawn("ag", 100e-9, "electrode", "ag"),
]
FIGURES = {
    "jv": lambda ax=None: curves.jv([synthetic.jv(), synthetic.jv("other", voc=1.2)], ax),
    "jv dark": lambda ax=None: curves.jv([synthetic.jv(), synthetic.jv(light=0.0)], ax),
    "only dark": lambda ax=None: curves.jv(synthetic.jv(light=0.0), ax),
    "scans": lambda ax=None: time.loops([*synthetic.scan().values(), *synthetic.scan("b", 1.2).values()], ax),
    "scans in the dark": lambda ax=None: time.loops(
        [one.assign_attrs(light=0.0) for one in synthetic.scan().values()], ax
    ),
    "scan rates": lambda ax=None: time.rates({"a": ([0.1, 1.0], [0.01, 0.1]), "b": ([1.0], [-0.02])}, ax),
    "tracking": lambda ax=None: time.tracking([synthetic.mppt(), synthetic.mppt("b", 150.0)], ax),
    "channels": lambda ax=None: curves.channels(synthetic.jv(), ax),
    "bands": lambda ax=None: depth.bands(synthetic.bands(), ax),
    "profiles": lambda ax=None: depth.profiles(synthetic.jv(), ax),
    "eqe": lambda ax=None: spectra.eqe(synthetic.eqe(), ax),
    "absorption": lambda ax=None: spectra.absorption(synthetic.absorption(), ax),
    "absorption of unknown light": lambda ax=None: spectra.absorption(
        synthetic.absorption().drop_vars("photon_flux"), ax
    ),
    "eqe of a tandem": lambda ax=None: spectra.eqe(synthetic.tandem_eqe(), ax),
    "eqe of two tandems": lambda ax=None: spectra.eqe(
        [synthetic.tandem_eqe(), synthetic.tandem_eqe("b")], ax
    ),
    "jv of a tandem": lambda ax=None: curves.jv(synthetic.tandem_jv(), ax),
    "jv of two tandems": lambda ax=None: curves.jv([synthetic.tandem_jv(), synthetic.tandem_jv("b")], ax),
    "el": lambda ax=None: luminescence.yields_and_spectra(synthetic.el(), ax),
    "el of two": lambda ax=None: luminescence.yields_and_spectra(
        [synthetic.el(), synthetic.el("b", ("perovskite",))], ax
    ),
    "mismatch": lambda ax=None: curves.mismatch([synthetic.mismatch(), synthetic.mismatch("b")], ax),
    "eqe of two": lambda ax=None: spectra.eqe([synthetic.eqe(), synthetic.eqe("b", 680e-9)], ax),
    "impedance": lambda ax=None: lab.impedance.plot(synthetic.impedance(), ax),
    "impedance of two": lambda ax=None: lab.impedance.plot(
        [synthetic.impedance(), synthetic.impedance("b", slow=(-1e-3, -0.3))], ax
    ),
    "cv": lambda ax=None: lab.cv.plot([synthetic.cv(), synthetic.cv("b", 3e22)], ax),
    "potential map": lambda ax=None: lab.kpfm.plot(synthetic.kpfm(), ax),
    "five potential maps": lambda ax=None: lab.kpfm.plot(
        [synthetic.kpfm(name, level) for name, level in zip("abcde", np.linspace(0.2, 0.4, 5), strict=True)],
        ax,
    ),
    "one potential everywhere": lambda ax=None: lab.kpfm.plot(synthetic.kpfm(spread=0.0), ax),
    "depth profiles": lambda ax=None: lab.tof_sims.plot([synthetic.tof_sims(), synthetic.tof_sims("b")], ax),
    "photoelectrons": lambda ax=None: lab.xps.plot([synthetic.xps(), synthetic.xps("b", 0.0)], ax),
    "bands of a tandem": lambda ax=None: depth.bands(synthetic_tandem.bands(), ax),
    "profiles of a tandem": lambda ax=None: depth.profiles(synthetic_tandem.jv(), ax),
    "channels of a tandem": lambda ax=None: curves.channels(synthetic_tandem.jv(), ax),
    "jv of tandems": lambda ax=None: curves.jv([synthetic_tandem.jv(), synthetic_tandem.jv("b")], ax),
    "eqe of a tandem and its light": lambda ax=None: spectra.eqe(synthetic_tandem.eqe(), ax),
    "absorption of a tandem and its light": lambda ax=None: spectra.absorption(synthetic_tandem.eqe(), ax),
    "stack of a tandem": lambda ax=None: stack_drawing.draw(
        [one._replace(part=part) for part in ("top", "bottom") for one in LAYERS], ax=ax
    ),
    "stack": lambda ax=None: stack_drawing.draw(LAYERS, ax=ax),
    "stack lit from the back": lambda ax=None: stack_drawing.draw(LAYERS, light_from="back", ax=ax),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_drawn_and_saved_whole(name: str, tmp_path: Path) -> None:
    svg, png = style.save(FIGURES[name](), tmp_path / "figures" / "f.a")
    assert (svg.name, png.name) == ("f.a.svg", "f.a.png")
    assert svg.read_text().rstrip().endswith("</svg>")
    assert png.read_bytes().startswith(b"\x89PNG")
    assert len(list(svg.parent.iterdir())) == 2


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_goes_into_given_axes(name: str) -> None:
    made = style.figure()
    ax = made.add_subplot()
    assert FIGURES[name](ax) is made
    assert made.axes == [ax]


def test_the_same_data_give_the_same_file(tmp_path: Path) -> None:
    first, _ = style.save(curves.jv(synthetic.jv()), tmp_path / "a")
    second, _ = style.save(curves.jv(synthetic.jv()), tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()


def test_both_files_have_one_layout_in_which_no_word_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside these axes stands a long key: one round of the layout leaves it too little room."""
    made = FIGURES["eqe of a tandem"]()
    engine, width, places = made.get_layout_engine(), made.get_figwidth(), []
    real = made.savefig

    def savefig(path: Path, **options: object) -> None:
        real(path, **options)
        places.append([one.get_position().bounds for one in made.axes])

    monkeypatch.setattr(made, "savefig", savefig)
    style.save(made, tmp_path / "a")
    assert len(places) == 2 and places[0] == places[1]
    assert made.get_tightbbox().x1 <= width
    assert made.get_layout_engine() is engine


def test_drawing_leaves_matplotlib_as_it_was_and_pyplot_unloaded() -> None:
    code = (
        "import sys, matplotlib, synthetic\n"
        "before = matplotlib.rcParams.copy()\n"
        "from perotwin.plotting import curves\n"
        "curves.jv(synthetic.jv())\n"
        "assert matplotlib.rcParams.copy() == before\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    done = fresh.python("-c", code)
    assert done.returncode == 0, done.stderr


def test_a_cell_keeps_its_colour_in_the_light_and_in_the_dark() -> None:
    items = [synthetic.jv("a"), synthetic.jv("b"), synthetic.jv("a", light=0.0)]
    made = curves.jv(items)
    lit, dark = made.axes
    assert lit.lines[0].get_color() == dark.lines[0].get_color()


@given(
    st.lists(st.floats(-1, 2), min_size=1, max_size=12),
    st.floats(0.0, 0.2),
)
def test_spread_keeps_order_gap_and_range(wanted: list[float], gap: float) -> None:
    placed = np.array(style.spread(wanted, gap, 0.0, 1.0))
    fits = min(gap, 1.0 / max(len(wanted) - 1, 1))
    ordered = placed[np.argsort(wanted, kind="stable")]
    assert np.all(np.diff(ordered) >= fits - 1e-9)
    assert placed.min() >= -1e-9
    assert placed.max() <= 1 + 1e-9


def test_layers_of_both_junctions_are_told_apart_in_a_tandem() -> None:
    made = spectra.absorption(synthetic.absorption())
    bands = [(tuple(band.get_facecolor()[0]), band.get_hatch()) for band in made.axes[0].collections]
    assert len(bands) == len(set(bands)) == 7, "six layers, and what passes them"
    assert style.layer_colour("top ito") == style.layer_colour("ito") != style.layer_colour("bottom cu")
    words = [text.get_text() for text in made.axes[0].texts]
    assert any(text.startswith("top perovskite  ") for text in words) and "mA cm$^{−2}$" in words


def test_spread_moves_nothing_that_has_room() -> None:
    assert style.spread([0.1, 0.9, 0.5], 0.2, 0.0, 1.0) == pytest.approx([0.1, 0.9, 0.5])


def test_what_belongs_to_a_junction_has_the_name_and_colour_that_it_has_there() -> None:
    assert style.junction_of("top niox|top perovskite") == ("top", "niox|perovskite")
    assert style.junction_of("bottom perovskite radiative") == ("bottom", "perovskite radiative")
    assert style.junction_of("top sno2|bottom pedot-pss trap 1")[0] == "between"
    assert style.junction_of("au") == ("", "au")
    assert style.junction_of("top") == ("", "top")
    assert style.layer_colour("top c60") == style.layer_colour("bottom c60") == style.layer_colour("c60")
    assert style.layer_colour("top perovskite") != style.layer_colour("bottom perovskite")


def test_channels_of_a_tandem_have_a_panel_for_each_junction_and_colours_of_one_cell() -> None:
    made = curves.channels(synthetic_tandem.jv())
    assert [ax.get_title(loc="left") for ax in made.axes] == ["top junction", "bottom junction"]
    alone = curves.channels(synthetic.jv()).axes[0]
    radiative = [
        next(text.get_color() for text in ax.texts if "radiative" in text.get_text())
        for ax in (*made.axes, alone)
    ]
    assert len(set(radiative)) == 1


def test_units_are_set_as_powers() -> None:
    assert style.unit_latex("mA/cm^2") == "mA cm$^{−2}$"
    assert style.unit_latex("cm^-3 s^-1") == "cm$^{−3}$ s$^{−1}$"
    assert style.axis_label("voltage") == "Voltage $V$ (V)"


def test_the_names_of_correlated_numbers_are_as_large_as_all_words_and_not_cut() -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    from perotwin.plotting import calibration

    names = ["perovskite|c60.trap.hole_velocity", "jv: light"]
    made = calibration.correlations(names, np.array([[1.0, -0.9], [-0.9, 1.0]]))
    with style.context():
        (small,) = {one.get_size() for one in style.new_axes(None)[1].get_xticklabels()}
    canvas = FigureCanvasAgg(made)
    canvas.draw()
    across, down = canvas.get_width_height()
    for one in (*made.axes[0].get_xticklabels(), *made.axes[0].get_yticklabels()):
        box = one.get_window_extent()
        assert one.get_size() == small
        assert box.x0 >= 0.0 and box.y0 >= 0.0 and box.x1 <= across and box.y1 <= down, one.get_text()
