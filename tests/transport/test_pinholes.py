"""Films with pinholes: a contact of both neighbours beside the film, against stacks that are solved one by one."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import perotwin as pt
from perotwin.errors import InputError
from perotwin.lab import eqe, jv, scan, suns_voc
from perotwin.losses.voltages import voltages
from perotwin.stack import Parallel, Stack, face_areas, pinholes
from perotwin.transport import enough_areas
from perotwin.transport.build import build
from perotwin.transport.checks import steady_checks
from perotwin.transport.light import Lights
from perotwin.transport.schedule import LaserPulse
from perotwin.transport.sensitivity import Following
from perotwin.transport.steady import Solver
from perotwin.transport.transient import TOLERANCE
from perotwin.units import parse

HOLES = {"share": "0.5 %", "velocity": "1e4 cm/s", "dipole": "0.02 eV"}
VOLTS = np.linspace(-0.2, 1.15, 28)
KT = 0.025693


def bare(**values: Any) -> Stack:
    """The first reference cell, whose light is prescribed, behind a resistance and beside a shunt."""
    circuit = {"circuit.series_resistance": "3 ohm cm^2", "circuit.shunt_resistance": "2e3 ohm cm^2"}
    made = pt.load("cell-a").with_values(circuit | values)
    assert isinstance(made, Stack)
    return made


def holed(one: Any = None, **values: Any) -> Any:
    return (bare() if one is None else one).with_values({"perovskite.pinholes": HOLES | values})


def curve(one: Any, volts: Any, light: float = 1.0) -> np.ndarray:
    states = Solver(build(one)).sweep(volts, light)
    assert states.converged.all()
    return np.asarray(states.current)


def contact(**values: Any) -> Stack:
    """What lies in a pinhole, taken from the cell by hand: a stack of its own, in the dark."""
    one = bare()
    front, back = (layer.model_copy() for layer in one.layer if layer.role != "absorber")
    velocity = values.get("velocity", HOLES["velocity"])
    made = Stack.model_validate(
        {
            "name": "contact",
            "temperature": one.temperature,
            "layer": [front, back.model_copy(update={"role": "absorber"})],
            "light": {"generation": {"kind": "uniform", "rate": "0 cm^-3 s^-1"}},
            "contact": one.contact,
            "interface": {
                "htl|etl": {
                    "dipole": HOLES["dipole"],
                    "trap": [{"level": "midgap", "electron_velocity": velocity, "hole_velocity": velocity}],
                }
            },
        }
    )
    assert isinstance(made, Stack)
    return made


def test_a_cell_is_its_film_and_the_contact_in_its_pinholes_behind_one_resistance() -> None:
    """Both solved by themselves, without resistances, and added at each voltage between their ends."""
    one, share = bare(), 0.005
    inner = np.linspace(-0.2, 1.2, 29)
    free = one.with_values({"circuit.series_resistance": 0.0})
    # the shunt is told of the whole area and so is found in the film's part alone
    film = curve(free.with_values({"circuit.shunt_resistance": None}), inner)
    current = (1.0 - share) * film + share * curve(contact(), inner, 0.0) - inner / 0.2
    found = curve(holed(), inner - current * 3e-4)
    assert np.abs(found - current).max() <= 1e-6 * np.abs(film).max()
    # and the pinholes are no small part of it: at the film's maximum power they take a third of a percent, past it more
    assert (curve(one, [1.0]) - curve(holed(), [1.0]))[0] > 1e-2 * film[4]


def test_carriers_that_do_not_recombine_where_layers_touch_carry_nothing() -> None:
    idle = curve(contact(velocity="0 cm/s"), [0.9], 0.0)
    busy = curve(contact(), [0.9], 0.0)
    assert abs(idle[0]) < 1e-3 * abs(busy[0])


def test_a_contact_is_a_diode_that_opens_towards_what_is_built_in() -> None:
    """Far below it each decade takes one to two kT ln 10; reverse it blocks, which no resistor does."""
    current = -curve(contact(), [-0.6, 0.4, 0.5, 0.6], 0.0)
    ideality = 0.1 / KT / np.log(current[2:] / current[1:-1])
    assert ((ideality > 0.98) & (ideality < 2.02)).all()
    assert abs(current[0]) < 1e-6 * current[3]


@pytest.mark.parametrize("base", ["wbg-base", "cell-a"])
def test_a_share_of_nothing_is_the_cell_without(base: str) -> None:
    one = pt.load(base)
    same = curve(one.with_values({"perovskite.pinholes": HOLES | {"share": 0.0}}), [0.0, 0.9])
    assert np.array_equal(same, curve(one, [0.0, 0.9]))
    tiny = curve(one.with_values({"perovskite.pinholes": HOLES | {"share": 1e-13}}), [0.0, 0.9])
    assert np.abs(tiny - same).max() <= 1e-9 * np.abs(same).max()


def test_a_film_in_slices_has_the_pinholes_that_one_of_them_states() -> None:
    one = holed()
    layers = []
    for layer in one.layer:
        if layer.role != "absorber":
            layers.append(layer)
            continue
        half = layer.model_copy(update={"thickness": layer.thickness * 0.5, "pinholes": None})
        layers += [layer.model_copy(update={"name": "upper", "thickness": layer.thickness * 0.5}),
                   half.model_copy(update={"name": "lower"})]  # fmt: skip
    faces = {
        key.replace("htl|perovskite", "htl|upper").replace("perovskite|etl", "lower|etl"): face
        for key, face in one.interface.items()
    }
    sliced = type(one).model_validate(
        {**{name: getattr(one, name) for name in type(one).model_fields}, "layer": layers, "interface": faces}
    )
    assert [layer.name for layer in pinholes.inside(sliced).layer] == ["htl", "etl"]
    whole = curve(one, VOLTS)
    assert np.abs(curve(sliced, VOLTS) - whole).max() <= 2e-4 * whole[4]


def test_a_cell_from_the_other_end_is_the_same() -> None:
    one = holed()
    assert one.mirrored().mirrored() == one
    assert float(one.mirrored().get("perovskite.pinholes.dipole")) == -0.02
    found, wanted = curve(one.mirrored(), VOLTS), curve(one, VOLTS)
    assert np.abs(found - wanted).max() <= 1e-8 * np.abs(wanted).max()


def test_kirchhoff_holds_and_pinholes_take_no_light() -> None:
    one = holed(pt.load("wbg-control").with_values({"perovskite.pinholes": None}), share="1 %")
    problem = build(one)
    assert problem.names == ("film", "pinholes")
    film, hole = problem.parts
    assert hole.photocurrent == 0.0 and hole.absorption is not None and film.photocurrent > 0.0
    states = Solver(problem).sweep([0.0, 0.8], 1.0)
    checks = steady_checks(states)
    assert all(row.passed for row in checks.values()), checks
    assert states.current[0] == pytest.approx(
        0.99 * curve(one.with_values({"perovskite.pinholes": None}), [0.0])[0], rel=2e-4
    )
    # nor of another light than the cell's own
    pulse = LaserPulse.model_validate({"wavelength": "532 nm", "fluence": "1 nJ/cm^2", "duration": "1 ns"})
    made = Lights(problem).of(pulse)
    assert made.size == problem.generation.size
    assert made[problem.sites[0]].sum() > 0.0 and not made[problem.sites[1]].any()


@pytest.mark.parametrize(
    "path",
    [
        "etl.electronic.electron_affinity",
        "etl.electronic.electron_mobility",
        "perovskite.trap.1.electron_lifetime",
        "perovskite.electronic.hole_mobility",
        "htl.electronic.hole_mobility",
        "contact.front.work_function",
        "circuit.shunt_resistance",
        "circuit.series_resistance",
        "perovskite.pinholes.share",
        "perovskite.pinholes.velocity",
        "perovskite.pinholes.dipole",
    ],
)
def test_every_number_is_followed(path: str) -> None:
    one = holed()
    volts = [0.3, 0.95, 1.05]
    solver = Solver(build(one), 1e-10)
    follows = Following(solver, [path])
    found = follows.current(solver.sweep(volts, 1.0)).by_field[:, 0]
    value = float(one.get(path))
    step = 1e-3 * abs(value)

    def changed(k: int) -> np.ndarray:
        return np.asarray(Solver(follows.rebuilt({path: value + k * step}), 1e-10).sweep(volts, 1.0).current)

    wanted = (8.0 * (changed(1) - changed(-1)) - (changed(2) - changed(-2))) / (12.0 * step)
    assert np.abs(wanted).max() > 0.0
    assert np.abs(found - wanted).max() <= 1e-5 * np.abs(wanted).max() + 1e-7 * 200.0 / abs(value)


def test_an_uneven_face_and_pinholes_are_areas_side_by_side() -> None:
    spread = {"htl|perovskite.dipole_spread": "0.05 eV"}
    one = holed(bare(**spread))
    found = face_areas.areas(one)
    assert [area.name for area in found][-1] == "pinholes" and len(found) > 3
    assert sum(area.share for area in found) == pytest.approx(1.0)
    _, _, points, checks = jv.solved(one, jv.Protocol())
    assert all(row.passed for row in checks.values())
    assert sum("areas" in name for name in checks) == 2
    # of pinholes alone there is nothing to be taken more of
    plain = holed()
    assert enough_areas.checks(Solver(build(plain)), points, 1.0) == {}


def test_in_columns_a_resistance_is_in_front_of_the_film_alone() -> None:
    """The pinholes of columns that are alike take what the contact does at the terminals' voltage, those of the cell
    what it does at the film's.
    """
    one, share, volts = holed(share="0.1 %"), 1e-3, 0.9
    columns = [{"name": name, "area": 0.5, "stack": one} for name in ("left", "right")]
    both = Parallel.model_validate({"name": "both", "column": columns})
    film = curve(bare(), [volts])[0]
    for cell, across in ((both, volts), (one, volts + 3e-4 * film)):
        taken = (1.0 - share) * film - curve(cell, [volts])[0]
        assert taken == pytest.approx(-share * curve(contact(), [across], 0.0)[0], rel=0.05)
    assert any("in front of the film alone" in note for note in build(both).notes)
    alike = face_areas.as_columns(one)
    assert [column.name for column in alike.column] == ["film", "pinholes"]
    assert float(alike.column[1].stack.circuit.series_resistance) == 0.0


def test_what_falls_on_pinholes_is_reflected_and_the_light_still_adds_up() -> None:
    """For each layer: what it absorbs is what it generates, in a cell and in a tandem; all light is accounted for."""
    single = pt.load("wbg-control").with_values({"perovskite.pinholes": None})
    tandem = pt.load("tandem-control").with_values({"top.perovskite.pinholes": None})
    for one, prefix, film in ((single, "", "perovskite"), (tandem, "top.", "top perovskite")):
        problem = build(one.with_values({f"{prefix}perovskite.pinholes": HOLES | {"share": "2 %"}}))
        light = problem.absorption
        assert light is not None
        made = 1.602176634e-19 * float(
            sum(
                area * part.generation[part.site_layer == part.layers.index(film)].sum()
                for area, part in zip(problem.areas, problem.parts, strict=True)
                if film in part.layers
            )
        )
        assert made == pytest.approx(light.current(film), rel=1e-9)
        total = light.reflectance + light.transmittance + light.absorptance.sum(axis=0)
        assert np.abs(total - 1.0).max() < 1e-9


def test_a_tandem_has_them_in_either_junction() -> None:
    none = {"top.perovskite.pinholes": None}
    tandem = pt.load("tandem-control").with_values(none)
    for layer in ("top.perovskite", "bottom.perovskite"):
        one = tandem.with_values({f"{layer}.pinholes": HOLES | {"share": "0.05 %", "dipole": "0 eV"}})
        problem = build(one)
        assert len(problem.parts) == 3 and [g.name for g in problem.groups] == ["top", "bottom"]
        before, after = (
            jv.analyse(jv.measure(each, jv.Protocol(step=parse("50 mV", "voltage"))))
            for each in (tandem, one)
        )
        assert float(after["pce"]) < float(before["pce"])
        assert float(after["jsc"]) == pytest.approx(float(before["jsc"]), rel=5e-3)


def test_scans_and_quantum_efficiency_see_them() -> None:
    one = holed(
        pt.load("wbg-control").with_values({"perovskite.pinholes": None}), share="0.01 %", dipole="0 eV"
    )
    none = one.with_values({"perovskite.pinholes": None})
    found, without = (jv.analyse(scan.measure(each)["reverse"])["ff"] for each in (one, none))
    assert float(found) < float(without) - 0.005
    spectra = [eqe.measure(each)["eqe"].values for each in (one, none)]
    ratio = np.nanmax(spectra[0]) / np.nanmax(spectra[1])
    assert ratio == pytest.approx(1.0 - 1e-4, abs=2e-5)


def test_pinholes_that_pass_nothing_do_not_set_the_steps() -> None:
    # below what opens the contact, carriers retreat from it within nanoseconds of each tread: asked to be followed they
    # cost six times as many steps as the film
    cell = pt.load("wbg-control")
    told: dict[str, Any] = {"start": "0.9 V", "stop": "0.8 V", "step": "20 mV", "directions": "reverse"}
    protocol = scan.Protocol(**told, delay="20 ms", dwell="20 ms")
    steps, off = [], []
    for one in (cell.with_values({"perovskite.pinholes": None}), cell):
        (usual,) = scan.measure(one, protocol).values()
        (fine,) = scan.measure(one, protocol, tolerance=TOLERANCE / 10).values()
        steps.append(usual.attrs["steps"])
        off.append(float(np.abs(usual["current_density"] - fine["current_density"].values).max()))
    assert steps[1] < 1.1 * steps[0]
    # and what is read is as good as it is of the film by itself
    assert off[1] < 1.2 * off[0] and off[0] > 0.0


def test_what_is_told_of_the_film_is_that_of_the_film() -> None:
    """Its radiative limits, the splitting inside, the losses of voltage: pinholes move them by their share alone."""
    holes = HOLES | {"share": "1e-6", "dipole": "0 eV"}
    for name, prefix in (("wbg-control", ""), ("tandem-control", "top.")):
        none = pt.load(name).with_values({f"{prefix}perovskite.pinholes": None})
        one = none.with_values({f"{prefix}perovskite.pinholes": holes})
        limits = [float(suns_voc.analyse(suns_voc.measure(each))["radiative_ff"]) for each in (one, none)]
        assert limits[0] == pytest.approx(limits[1], abs=2e-6)
        curves = [jv.measure(each) for each in (one, none)]
        assert "shown" not in curves[0].attrs or name != "wbg-control"
        found, wanted = (voltages(each, curve) for each, curve in zip((one, none), curves, strict=True))
        assert found.keys() == wanted.keys() and found
        for junction in found:
            for field in ("gap", "shockley_queisser", "radiative", "implied", "terminal"):
                told, same = getattr(found[junction], field), getattr(wanted[junction], field)
                assert told == pytest.approx(same, abs=1e-3, nan_ok=True), (name, junction, field)


def test_a_film_without_contacts_is_taken_without_them_and_says_so() -> None:
    closed = dict.fromkeys(
        (
            f"contact.{end}.{carrier}_velocity"
            for end in ("front", "back")
            for carrier in ("electron", "hole")
        ),
        "0 cm/s",
    )
    closed |= dict.fromkeys(("contact.front.work_function", "contact.back.work_function"), "flat-band")
    one = holed().with_values(closed)
    problem = build(one)
    assert len(problem.parts) == 1 and any("pinholes" in note for note in problem.notes)
    assert not any("uneven" in note for note in problem.notes)


def test_what_no_film_leaves_bare_is_refused() -> None:
    with pytest.raises(InputError, match="pinholes are of an absorber"):
        bare().with_values({"etl.pinholes": HOLES})
    with pytest.raises(InputError, match="no two that conduct"):
        data = bare()
        Stack.from_data(
            {
                "name": "film",
                "layer": [layer for layer in holed(data).layer if layer.role == "absorber"],
                "contact": data.contact,
                "light": data.light,
            }
        )
    with pytest.raises(InputError, match="What a pinhole conducts is solved"):
        bare().with_values({"perovskite.pinholes": {"share": "1 %", "resistance": "1 ohm cm^2"}})
    with pytest.raises(InputError, match="is above 30 %"):
        holed(share="50 %")


def test_another_absorber_that_does_not_adjoin_is_refused() -> None:
    """It would be left in the pinhole, where nothing is lit."""
    one = holed()
    other = one.named("perovskite").model_copy(update={"name": "other", "pinholes": None})
    spacer = one.named("etl").model_copy(update={"name": "spacer"})
    layers = [one.layer[0], one.named("perovskite"), spacer, other, one.layer[-1]]
    data = {"name": "two", "layer": layers, "light": one.light, "contact": one.contact}
    with pytest.raises(InputError, match='"other" absorbs besides'):
        Stack.from_data(data)


def test_two_absorbers_that_state_other_pinholes_are_refused() -> None:
    one = holed()
    lower = one.named("perovskite").model_copy(update={"name": "lower"})
    layers = [one.layer[0], one.named("perovskite"), lower, one.layer[-1]]
    data = {"name": "two", "layer": layers, "light": one.light, "contact": one.contact}
    assert pinholes.holed(Stack.from_data(data)) == one.named("perovskite")
    assert lower.pinholes is not None
    other = lower.pinholes.model_copy(update={"share": parse("1 %", "fraction")})
    data["layer"] = [*layers[:2], lower.model_copy(update={"pinholes": other}), layers[-1]]
    with pytest.raises(InputError, match="both state pinholes"):
        Stack.from_data(data)


def test_a_replaced_part_of_a_problem_is_still_dark() -> None:
    """Cutting the film's light leaves the contact in the dark as it was."""
    problem = build(holed())
    dark = replace(problem.parts[0], generation=np.zeros_like(problem.parts[0].generation))
    found = Solver(replace(problem, parts=(dark, problem.parts[1]))).sweep([0.5], 1.0).current
    assert found[0] == pytest.approx(curve(holed(), [0.5], 0.0)[0], rel=1e-9)
