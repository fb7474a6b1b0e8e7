"""Figures of three junctions: each has its curve, its colour and its name."""

import numpy as np
import xarray as xr

import synthetic
from perotwin.lab import eqe, junctions
from perotwin.measurement import describe
from perotwin.plotting import curves, luminescence, spectra, style

NAMES = ("top", "middle", "bottom")


def jv() -> xr.Dataset:
    """The curve of two junctions, and a third one whose own curve lies between theirs."""
    made = synthetic.tandem_jv().rename(
        {f"{what}_bottom": f"{what}_middle" for what in (
            "own_current", "own_voltage", "own_point", "own_solved_voltage", "own_solved_current", "voltage",
        )}
    )  # fmt: skip
    again = synthetic.tandem_jv()
    third = {str(name): again[name] for name in again.data_vars if str(name).endswith("_bottom")}
    return describe(made.assign(third))


def spectrum() -> xr.Dataset:
    made = synthetic.tandem_eqe()
    middle = 0.5 * made["eqe_bottom"]
    return describe(
        made.assign(eqe_middle=middle, eqe_bottom=made["eqe_bottom"] - middle)[
            ["eqe", *(f"eqe_{name}" for name in NAMES), "absorptance", "reflectance", "transmittance"]
        ].assign_attrs(made.attrs, jsc_integrated_middle=140.0)
    )


def test_each_junction_has_its_own_curve_and_is_named() -> None:
    data = jv()
    assert sorted(junctions.names(data)) == sorted(NAMES)
    assert set(junctions.metrics(data)) == set(NAMES)
    (axes,) = curves.jv(data).axes
    words = {text.get_text() for text in axes.texts}
    assert {f"{name} alone" for name in NAMES} <= words
    axes = curves.jv([data, synthetic.jv()]).axes[0]
    assert {"dotted: top", "dash-dotted: middle", "dashed: bottom"} <= {
        text.get_text() for text in axes.texts
    }


def test_quantum_efficiencies_of_three_are_three_areas_and_three_measurements() -> None:
    data = spectrum()
    found = eqe.junctions(data)
    assert list(found) == list(NAMES)
    assert found["middle"].attrs["jsc_integrated"] == 140.0
    metrics = eqe.analyse(data)
    assert float(metrics["jsc_integrated"]) == 140.0 and "bandgap, middle" in metrics
    (axes,) = spectra.eqe(data).axes
    words = " ".join(text.get_text() for text in axes.texts)
    assert all(f"{name} junction (EQE)" in words for name in NAMES)


def test_colours_tell_junctions_apart_and_columns_have_that_of_theirs() -> None:
    colours = [style.junction_colour(name) for name in NAMES]
    assert None not in colours and len(set(colours)) == 3
    assert style.junction_colour("top.covered") == colours[0] and style.junction_colour("perovskite") is None
    absorbers = [style.layer_colour(f"{name} perovskite") for name in NAMES]
    assert len(set(absorbers)) == 3


def test_emitters_of_three_junctions() -> None:
    made = luminescence.yields_and_spectra(synthetic.el("toy", NAMES))
    lines = [line.get_color() for line in made.axes[1].lines]
    assert lines == [style.junction_colour(name) for name in NAMES]
    assert np.isfinite(made.axes[1].get_ylim()).all()
