"""Quantum efficiency: an exact linearisation, against two solved steady states and against what light there is."""

from itertools import pairwise

import numpy as np
import pytest
import xarray as xr

import perotwin as pt
from devices import Q, everything
from perotwin.errors import InputError
from perotwin.lab import eqe, jv
from perotwin.stack import Stack
from perotwin.transport.build import build
from perotwin.transport.linear_response import photocurrent_response
from perotwin.transport.steady import Solver


def wired(name: str, **values: str) -> Stack:
    return pt.load(name).with_values(
        {"circuit.series_resistance": "6 ohm cm^2", "circuit.shunt_resistance": "400 ohm cm^2", **values}
    )


def frozen(stack: Stack, bias: float, light: float) -> Stack:
    """The cell with its ions held where they stand at a bias and light."""
    ions = [layer.name for layer in stack.electrical_layers if layer.ions is not None]
    held = {"kind": "frozen", "bias": bias, "light": light}
    return stack.with_values({f"{name}.ions.response": held for name in ions})


CASES = {
    "reference cell": (pt.load("cell-a"), 0.0),
    "reference cell, past maximum power": (pt.load("cell-a"), 1.2),
    "resistances": (wired("cell-a"), 0.9),
    "mobile ions are held": (pt.load("wbg-target"), 0.6),
    "everything": (everything("fermi-dirac"), 0.8),
    "thermionic faces, mirrored": (
        everything("boltzmann", transport=("thermionic", "thermionic")).mirrored(),
        0.5,
    ),
}


@pytest.mark.parametrize(("stack", "voltage"), CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("suns", [1.0, 0.0], ids=["light bias", "dark"])
def test_response_is_the_slope_of_the_current(stack: Stack, voltage: float, suns: float) -> None:
    """A little more light in a third of the absorber, solved anew, with the ions where they were."""
    solver = Solver(build(stack))
    state = solver.sweep([voltage], suns)
    problem = solver.problem
    lit = np.flatnonzero(problem.generation)
    scale = problem.generation.max() / 30
    sources = np.zeros((4, problem.generation.size))
    for row, part in zip(sources, np.array_split(lit, 3), strict=False):
        row[part] = scale * np.linspace(0.5, 1.5, part.size)
    sources[3] = sources[:3].sum(axis=0)
    response = photocurrent_response(solver, state.state(0), [sources])
    assert response[3] == pytest.approx(response[:3].sum(), rel=1e-9)

    # ions that are held settled at the terminal voltage, resistances included
    twin = Solver(build(frozen(stack, voltage, suns)))
    step = 1e-3 if suns else 1e-6
    for source, slope in zip(sources, response, strict=True):
        ends = []
        for sign in (1, -1):
            # the bias light and its change both pass through the generation at one sun
            other = Solver(twin.problem.relit(suns * problem.generation + sign * step * source))
            other.frozen_charge, other.frozen_density, other.dark = (
                twin.frozen_charge,
                twin.frozen_density,
                twin.dark,
            )
            if suns == 0.0 and sign < 0:
                ends.append(twin.sweep([voltage], 0.0).current[0])
                continue
            ends.append(other.sweep([voltage], 1.0).current[0])
        found = (ends[0] - ends[1]) / (step * (2 if suns else 1))
        assert found == pytest.approx(slope, rel=2e-5, abs=1e-6 * Q * source.sum())
        assert 0.0 < slope < Q * source.sum() * (1 + 1e-9)


@pytest.fixture(scope="module")
def spectrum() -> xr.Dataset:
    return eqe.measure(pt.load("wbg-target"))


def test_integral_against_jsc(spectrum: xr.Dataset) -> None:
    row = pt.measurement.checks_of(spectrum)["EQE integral against Jsc"]
    assert row.passed and row.limit <= 0.01
    jsc = jv.analyse(jv.measure(pt.load("wbg-target"), jv.Protocol(step="0.1 V")))["jsc"].value
    assert spectrum.attrs["jsc_integrated"] == pytest.approx(jsc, rel=2e-3)
    # and by the spectrum of the sun, not by the instrument's own weights
    from perotwin.spectra import am15g

    sun = am15g()
    fine = np.linspace(float(spectrum.wavelength[0]), float(spectrum.wavelength[-1]), 4001)
    per_metre = np.array([sun.photon_flux(a, b) for a, b in pairwise(fine)])
    middle = 0.5 * (fine[1:] + fine[:-1])
    integral = Q * np.sum(per_metre * np.interp(middle, spectrum.wavelength, spectrum.eqe))
    assert integral == pytest.approx(jsc, rel=3e-3)


def test_efficiency_stays_below_the_absorptance(spectrum: xr.Dataset) -> None:
    absorbed = spectrum["absorptance"].sel(layer="perovskite").values
    assert np.all(spectrum["eqe"].values <= absorbed + 1e-12)
    assert np.all(spectrum["eqe"].values >= 0.0)
    balance = spectrum["reflectance"] + spectrum["transmittance"] + spectrum["absorptance"].sum("layer")
    assert balance.values == pytest.approx(np.ones(balance.size), abs=1e-9)


def test_a_cell_without_losses_collects_what_it_absorbs() -> None:
    """Without recombination, wrong contacts and resistances EQE is the absorptance; it is never called so otherwise."""
    stack = pt.load("wbg-target")
    traps = {f"perovskite.trap.1.{kind}_lifetime": "1 s" for kind in ("electron", "hole")}
    paths = set(stack.quantities())
    assert traps.keys() <= paths, sorted(paths)
    found = eqe.measure(
        stack.with_values(
            {
                **traps,
                **{
                    f"{face}.trap.1.{kind}_velocity": "1e-6 cm/s"
                    for face in ("niox|perovskite", "perovskite|c60")
                    for kind in ("electron", "hole")
                },
                "perovskite.trap.2.density": "1 cm^-3",
                "circuit.series_resistance": "0 ohm cm^2",
                "circuit.shunt_resistance": "1e12 ohm cm^2",
            }
        )
    )
    absorbed = found["absorptance"].sel(layer="perovskite").values
    seen = absorbed > 1e-3
    assert found["eqe"].values[seen] == pytest.approx(absorbed[seen], rel=1e-3)


def test_prescribed_generation_has_no_spectrum() -> None:
    with pytest.raises(InputError, match="wavelength"):
        eqe.measure(pt.load("cell-a"))


def test_bandgap_read_from_a_synthetic_edge() -> None:
    """A logistic edge has its inflection where it is put."""
    energy = np.linspace(1.4, 2.4, 400)
    wavelength = 1.23984198e-6 / energy[::-1]
    curve = 0.9 / (1 + np.exp(-(energy - 1.7312) / 0.012))
    dataset = xr.Dataset({"eqe": ("wavelength", curve[::-1])}, coords={"wavelength": wavelength})
    found = eqe.analyse(dataset)
    assert found["bandgap"].value == pytest.approx(1.7312, abs=2e-4)
    assert "AM1.5G, 517 to 886 nm" in found["jsc_integrated"].method
