"""Fields inside: densities, bands, currents and rates that fit each other, by formulas of their own."""

import numpy as np
import pytest
from scipy.constants import Boltzmann, elementary_charge, epsilon_0

import perotwin as pt
from devices import VT, Q, T, everything, inside
from fermi_integrals import log_half
from perotwin.lab import jv
from perotwin.stack import Stack
from perotwin.transport.build import build
from perotwin.transport.profiles import Profiles
from perotwin.transport.steady import States

VOLTAGES = (-0.2, 0.7, 1.15)
CASES = {"boltzmann": everything("boltzmann"), "fermi-dirac": everything("fermi-dirac")}


@pytest.fixture(scope="module", params=CASES, ids=CASES.keys())
def made(request: pytest.FixtureRequest) -> tuple[Stack, States, Profiles]:
    stack = CASES[request.param]
    return stack, *inside(stack, VOLTAGES)


def per_layer(stack: Stack, name: str, layer: np.ndarray) -> np.ndarray:
    return np.array([float(getattr(item.electronic, name)) for item in stack.electrical_layers])[layer]


def test_densities_follow_from_levels_and_bands(made: tuple[Stack, States, Profiles]) -> None:
    stack, _, seen = made
    log_f = (
        log_half()
        if stack.electrical_layers[0].electronic.statistics.kind == "fermi-dirac"
        else (lambda e: e)
    )
    for density, dos, eta in (
        (seen.electron_density, "conduction_dos", seen.electron_fermi_level - seen.conduction_band),
        (seen.hole_density, "valence_dos", seen.valence_band - seen.hole_fermi_level),
    ):
        kt = Boltzmann * T / elementary_charge
        inside_table = eta / kt > -39.0
        expected = np.log(per_layer(stack, dos, seen.layer)) + log_f(np.maximum(eta / kt, -39.0))
        assert np.log(density)[inside_table] == pytest.approx(
            np.broadcast_to(expected, eta.shape)[inside_table], abs=1e-7
        )


def test_bands_step_at_faces(made: tuple[Stack, States, Profiles]) -> None:
    """A face stands twice: both levels are continuous, the bands step by affinity, gap and dipole."""
    stack, _, seen = made
    faces = np.flatnonzero(np.diff(seen.layer))
    assert len(faces) == 2
    for face, (key, interface) in zip(faces, stack.interface.items(), strict=True):
        left, right = (stack.named(name) for name in key.split("|"))
        assert seen.x[face] == seen.x[face + 1]
        assert seen.electron_fermi_level[:, face] == pytest.approx(
            seen.electron_fermi_level[:, face + 1], abs=0
        )
        assert seen.hole_fermi_level[:, face] == pytest.approx(seen.hole_fermi_level[:, face + 1], abs=0)
        step = (
            float(interface.dipole) + left.electronic.electron_affinity - right.electronic.electron_affinity
        )
        assert np.diff(seen.conduction_band)[:, face] == pytest.approx(np.full(3, step), abs=1e-12)
        assert np.diff(seen.valence_band)[:, face] == pytest.approx(
            np.full(3, step - right.gap + left.gap), abs=1e-12
        )
    # at the contacts: the cathode's level is zero, the anode's minus the bias
    _, solid = inside(pt.load("cell-a"), VOLTAGES)
    assert solid.electron_fermi_level[:, -1] == pytest.approx(np.zeros(3), abs=1e-12)
    assert solid.hole_fermi_level[:, 0] == pytest.approx(-np.array(VOLTAGES), abs=1e-12)
    assert solid.conduction_band[:, -1] == pytest.approx(np.full(3, 4.10 - 4.0), abs=1e-9)
    assert solid.conduction_band[:, 0] == pytest.approx(5.25 - 2.5 - np.array(VOLTAGES), abs=1e-9)


def test_field_is_the_slope_of_the_bands_and_charge_that_of_the_field(
    made: tuple[Stack, States, Profiles],
) -> None:
    stack, _, seen = made
    slope = np.diff(seen.conduction_band)[:, seen.edge] / np.diff(seen.x)[seen.edge]
    largest = np.abs(seen.electric_field).max()
    assert seen.electric_field == pytest.approx(slope, abs=1e-9 * largest)
    eps = epsilon_0 * per_layer(stack, "permittivity", seen.layer[seen.edge])
    displacement = eps * seen.electric_field
    for m in range(3):
        here = np.flatnonzero(seen.layer[seen.edge] == m)
        divergence = np.diff(displacement[:, here]) / np.diff(seen.x_edge[here])
        charge = Q * seen.charge[:, seen.edge[here[1:]]]
        assert divergence == pytest.approx(charge, rel=1e-6, abs=1e-6 * np.abs(charge).max())


def test_currents_are_the_slopes_of_the_levels(made: tuple[Stack, States, Profiles]) -> None:
    """J = mu n dEF/dx, with the mean density of an interval: exact as the mesh gets fine."""
    stack, found, seen = made
    for current, density, level, mobility in (
        (seen.electron_current, seen.electron_density, seen.electron_fermi_level, "electron_mobility"),
        (seen.hole_current, seen.hole_density, seen.hole_fermi_level, "hole_mobility"),
    ):
        e = seen.edge
        n = np.sqrt(density[:, e] * density[:, e + 1])
        steep = np.abs(np.log(density[:, e + 1] / density[:, e])) > 0.1
        gradient = np.diff(level)[:, e] / np.diff(seen.x)[e]
        expected = Q * per_layer(stack, mobility, seen.layer[e]) * n * gradient
        # where the level's own slope is above its rounding
        clear = ~steep & (np.abs(np.diff(level)[:, e]) > 1e-10) & (np.abs(np.diff(level)[:, e]) < 1e-3)
        assert clear.sum() > 100
        assert current[clear] == pytest.approx(expected[clear], rel=2e-3)
    # the total is the same everywhere, and it is the terminal current
    total = seen.electron_current + seen.hole_current
    assert total == pytest.approx(np.broadcast_to(-found.current[:, None], total.shape), rel=1e-6, abs=1e-4)


def test_rates_add_up_to_channels(made: tuple[Stack, States, Profiles]) -> None:
    _, found, seen = made
    (part,) = found.parts
    width = np.diff(part.junction.mesh.control_faces)
    names = [channel.kind for channel in part.junction.channels]
    bulk = [i for i, kind in enumerate(names) if kind != "face trap"]
    assert Q * seen.recombination @ width == pytest.approx(part.channel[:, bulk].sum(axis=1), rel=1e-9)
    everything_lost = part.channel.sum(axis=1) + part.front_loss + part.back_loss + found.current
    assert everything_lost == pytest.approx(np.full(3, Q * seen.generation @ width), rel=1e-9)
    n, p = seen.electron_density, seen.hole_density
    split = (seen.electron_fermi_level - seen.hole_fermi_level) / VT
    radiative = 1e-16 * n * p * -np.expm1(-split)
    assert part.channel[:, names.index("radiative")] == pytest.approx(
        Q * (radiative * (seen.layer == 1)) @ width, rel=1e-7
    )


def test_the_measurement_keeps_the_fields_at_chosen_voltages() -> None:
    stack = pt.load("cell-a")
    measured = jv.measure(stack, jv.Protocol(start=0.0, stop=1.35, step=0.05, profiles=("0.33 V",)))
    assert 0.33 in np.round(measured["bias"].values, 12)
    row = measured.sel(bias=0.33, method="nearest")
    _, seen = inside(stack, [0.33])
    assert row["conduction_band"].values == pytest.approx(seen.conduction_band[0], abs=1e-8)
    assert row["electron_density"].values == pytest.approx(seen.electron_density[0], rel=1e-6)
    assert row["electric_field"].values == pytest.approx(seen.electric_field[0], rel=1e-6, abs=1.0)
    assert list(np.unique(measured["layer"].values)) == ["etl", "htl", "perovskite"]
    assert measured["x"].size == seen.x.size == build(stack).shown.mesh.sites.size
