"""All losses of a cell: they close, an ideal cell has none, and each step is what another method says it is."""

from dataclasses import replace

import numpy as np
import pytest

import perotwin as pt
from devices import layer, selective
from perotwin import lab, losses
from perotwin.constants import Boltzmann, e
from perotwin.errors import InputError
from perotwin.losses.mechanisms import mechanisms, without
from perotwin.losses.waterfall import closing
from perotwin.stack import Parallel, Stack
from perotwin.transport.build import build
from perotwin.transport.steady import Solver


@pytest.fixture(scope="module")
def target() -> losses.Waterfall:
    return losses.losses_of(pt.load("wbg-target"))


@pytest.fixture(scope="module")
def tandem() -> losses.Waterfall:
    return losses.losses_of(pt.load("tandem-target"))


def by_kind(found: losses.Waterfall, of: str, junction: str = "") -> dict[str, float]:
    return {one.kind: one.value for one in found.of(of) if one.junction == junction}


def test_the_steps_close_to_a_hundredth_of_a_point(
    target: losses.Waterfall, tandem: losses.Waterfall
) -> None:
    for found in (target, tandem):
        for of, limit in (("voc", 1e-9), ("jsc", 1e-6), ("ff", 1e-6)):
            lost = getattr(found.ideal, of) - getattr(found.actual, of)
            assert sum(one.value for one in found.of(of)) == pytest.approx(lost, abs=limit), of
        assert sum(one.pce for one in found.losses) == pytest.approx(
            found.ideal.pce - found.actual.pce, abs=1e-9
        )
        assert all(one.passed for one in found.checks.values()), found.checks


@pytest.mark.parametrize("of", ["voc", "jsc", "ff"])
def test_a_corrupted_step_fails_its_check(target: losses.Waterfall, of: str) -> None:
    index = next(n for n, one in enumerate(target.losses) if one.of == of and abs(one.pce) > 1e-3)
    wrong = list(target.losses)
    wrong[index] = replace(wrong[index], value=0.9 * wrong[index].value, pce=0.9 * wrong[index].pce)
    checks = closing(target.ideal, target.actual, wrong)
    assert not checks[f"losses close: {of}"].passed and not checks["losses close: pce"].passed
    assert not closing(target.ideal, target.actual, target.losses[:-1])["losses close: pce"].passed


def test_the_cell_is_that_of_its_curve(target: losses.Waterfall) -> None:
    found = lab.jv.analyse(lab.jv.measure(pt.load("wbg-target")))
    for name in ("voc", "jsc", "ff", "pce"):
        assert getattr(target.actual, name) == pytest.approx(float(found[name]), rel=1e-6)


def test_fill_factor_is_lost_as_suns_voc_says(target: losses.Waterfall) -> None:
    """The steps below the limit at the cell's own Voc are suns_voc's pseudo curve, resistance and layers, shunt and
    ions told apart within them.
    """
    found = lab.suns_voc.analyse(lab.suns_voc.measure(pt.load("wbg-target")))
    limit = lab.fill_factor_losses.diode(target.actual.voc, 298.15)
    steps = by_kind(target, "ff")
    below = sum(value for kind, value in steps.items() if kind != "lower voltage")
    assert below == pytest.approx(limit - float(found["ff"]), abs=1e-6)
    # without a shunt and ions nothing is left to be told apart within suns_voc's own losses
    bare = pt.load("wbg-target").with_values(
        dict.fromkeys(("circuit.shunt_resistance", "perovskite.pinholes"))
        | {"perovskite.ions.density": "0 cm^-3"}
    )
    plain, own = by_kind(losses.losses_of(bare), "ff"), lab.suns_voc.analyse(lab.suns_voc.measure(bare))
    assert "shunt" not in plain and "ions" not in plain
    assert plain["series"] == pytest.approx(float(own["ff_series_loss"]), abs=1e-9)
    assert plain["transport"] == pytest.approx(float(own["ff_layer_loss"]), abs=1e-9)
    for kind in ("series", "transport", "ideality"):
        assert steps[kind] == pytest.approx(plain[kind], abs=1e-6)


def ideal(**more: object) -> Stack:
    """The cell of the Shockley-Queisser limit: a step absorber that only radiates, perfect transport."""
    absorber = layer("absorber", 300e-9, gap=1.6, affinity=4.0, mobility=100.0, **more)
    return Stack.from_data(
        {
            "name": "ideal",
            "temperature": 298.15,
            "light": {"generation": "step"},
            "layer": [absorber],
            "contact": {
                "front": selective(5.5, takes="holes"),
                "back": selective(4.1, takes="electrons"),
            },
        },
        bare_numbers=True,
    )


def test_an_ideal_cell_loses_nothing() -> None:
    found = losses.losses_of(ideal())
    assert found.actual.pce == pytest.approx(found.ideal.pce, rel=1e-3)
    for one in found.losses:
        assert abs(one.pce) < 3e-4, one


def test_what_one_mechanism_takes_alone_is_its_own() -> None:
    """With one mechanism there is nothing to share: the diode of a lifetime takes all that lies below the limit."""
    trap = {"level": "midgap", "electron_lifetime": 1e-8, "hole_lifetime": 1e-8}
    found = losses.losses_of(ideal(trap=[trap]))
    steps = by_kind(found, "voc")
    assert steps["bulk"] == pytest.approx(found.ideal.voc - found.actual.voc, abs=2e-4)
    assert steps["bulk"] > 0.1


def test_without_any_mechanism_a_cell_is_at_its_radiative_limit() -> None:
    """Two ways to one number: all switched off in the solved equations, and the optics' emission and generation."""
    cell = pt.load("wbg-target")
    solver = Solver(build(cell))
    near = solver.sweep(np.arange(0.0, 1.36, 0.05), 1.0).state(-1)
    bare = Solver(without(solver.problem, mechanisms(solver.problem)))
    opened = bare.open_circuit(near, 1.0)
    assert solver.problem.parts[0].emission is not None
    limit = solver.problem.vt * np.log1p(
        solver.problem.photocurrent / solver.problem.parts[0].emission.net_current("perovskite")
    )
    assert float(opened.voltage[0]) == pytest.approx(limit, abs=2e-4)
    lost = {name: float(value[0]) for name, value in opened.losses().items()}
    radiated = lost.pop("perovskite radiative")
    assert radiated == pytest.approx(solver.problem.photocurrent, rel=1e-9)
    assert max(map(abs, lost.values())) < 1e-12 * radiated


def test_the_radiative_limit_is_that_of_the_quantum_efficiency(target: losses.Waterfall) -> None:
    """By reciprocity, and by what the emission of the optics leaves the cell: two ways to one voltage."""
    read = lab.eqe.analyse(lab.eqe.measure(pt.load("wbg-target")))
    assert target.levels is not None
    assert target.levels[""]["radiative"] == pytest.approx(float(read["voc_radiative"]), abs=4e-3)
    assert target.levels[""]["radiative"] > target.levels[""]["own emission"]


def test_mechanisms_are_told_by_the_side_of_the_absorber_that_they_are_on() -> None:
    found = {one.kind: one.name for one in mechanisms(build(pt.load("wbg-target")))}
    assert found["hole-side face"] == "niox|perovskite" and found["electron-side face"] == "perovskite|c60"
    mirrored = {one.kind: one.name for one in mechanisms(build(pt.load("nip-example")))}
    assert (
        mirrored["hole-side face"] == "perovskite|niox"
        and mirrored["electron-side face"] == "sno2|perovskite"
    )


def test_volts_are_lost_where_luminescence_says_they_are(target: losses.Waterfall) -> None:
    """kT/q ln of the yield at open circuit is what lies between the radiative limit and the splitting that emits."""
    cell = pt.load("wbg-target")
    jv = lab.jv.measure(cell, lab.jv.Protocol(step="50 mV"))
    channels = {
        str(name): float(np.interp(target.actual.voc, jv["voltage"], row))
        for name, row in zip(jv["channel"].values, jv["channel_current"].values, strict=True)
    }
    share = channels["perovskite radiative"] / sum(channels.values())
    below = -Boltzmann * 298.15 / e * np.log(share)
    steps = by_kind(target, "voc")
    nonradiative = sum(
        steps[kind] for kind in ("bulk", "hole-side face", "electron-side face", "contacts", "shunt")
    )
    # the splitting is not even: what is at the terminals lies a little below what emits
    assert nonradiative == pytest.approx(below, abs=6e-3)


def test_a_tandem_is_told_by_junction(tandem: losses.Waterfall) -> None:
    assert list(tandem.gaps) == ["top", "bottom"]
    for name in tandem.gaps:
        steps = by_kind(tandem, "voc", name)
        assert {
            "radiative limit",
            "trapped light",
            "bulk",
            "hole-side face",
            "electron-side face",
            "contacts",
            "shunt",
        } <= set(steps)
        assert tandem.levels is not None
        level = tandem.levels[name]
        assert sum(steps.values()) == pytest.approx(level["shockley_queisser"] - level["terminal"], abs=1e-9)
    assert "mismatch" in by_kind(tandem, "jsc")
    assert {"collection"} == set(by_kind(tandem, "jsc", "top"))


def patchy() -> Parallel:
    stack = pt.load("wbg-target")
    assert isinstance(stack, Stack)
    bare = stack.with_values(
        {
            "niox|perovskite.trap.1.electron_velocity": "3000 cm/s",
            "niox|perovskite.trap.1.hole_velocity": "3000 cm/s",
        }
    )
    columns = [("covered", 0.9, stack), ("bare", 0.1, bare)]
    data = {
        "name": "patchy",
        "column": [{"name": name, "area": area, "stack": one} for name, area, one in columns],
    }
    return Parallel.model_validate(data)


def test_of_columns_side_by_side_each_face_is_told() -> None:
    found = losses.losses_of(patchy())
    steps = by_kind(found, "voc")
    assert sum(one.pce for one in found.losses) == pytest.approx(found.ideal.pce - found.actual.pce, abs=1e-9)
    # an area that recombines a hundred times as fast takes more of itself than the rest does
    assert steps["hole-side face, bare"] / 0.1 > 2.0 * steps["hole-side face, covered"] / 0.9 > 0.0
    assert all(one.passed for one in found.checks.values()), found.checks


def test_columns_that_are_alike_are_the_cell_itself(target: losses.Waterfall) -> None:
    stack = pt.load("wbg-target")
    data = {
        "name": "alike",
        "column": [{"name": name, "area": 0.5, "stack": stack} for name in ("one", "other")],
    }
    found, own = by_kind(losses.losses_of(Parallel.model_validate(data)), "voc"), by_kind(target, "voc")
    assert found["bulk"] == pytest.approx(own["bulk"], abs=2e-3)
    assert found["hole-side face, one"] == pytest.approx(found["hole-side face, other"], abs=1e-6)


def test_a_cell_that_hardly_works_closes_too() -> None:
    """A shunt that takes nearly all: what cannot be told apart is one step, and the steps still end at the cell."""
    cell = pt.load("wbg-target").with_values({"circuit.shunt_resistance": "8 ohm cm^2"})
    found = losses.losses_of(cell)
    assert found.actual.voc < 0.2
    assert sum(one.pce for one in found.losses) == pytest.approx(found.ideal.pce - found.actual.pce, abs=1e-9)
    assert all(one.passed for one in found.checks.values()), found.checks
    assert by_kind(found, "voc")["shunt"] > 0.8 * (found.ideal.voc - found.actual.voc)


def test_pinholes_are_a_mechanism_of_their_own() -> None:
    """What they take goes under their name, in volts and fill factor, and it is what the cell has less without them."""
    ions = {"perovskite.ions.density": "0 cm^-3"}
    closed = pt.load("wbg-target").with_values({"perovskite.pinholes": None, **ions})
    holed = closed.with_values({"perovskite.pinholes": {"share": "0.01 %", "velocity": "1e5 cm/s"}})
    found, before = losses.losses_of(holed), losses.losses_of(closed)
    assert {one.name for one in found.losses if one.kind == "pinholes"} == {"pinholes"}
    assert all(one.passed for one in found.checks.values()), found.checks
    for of, name in (("voc", "voc"), ("ff", "ff")):
        steps = by_kind(found, of)
        assert "pinholes" not in by_kind(before, of)
        less = getattr(before.actual, name) - getattr(found.actual, name)
        # the mean over all orders is more than what the last one takes, and no more than all
        assert 0.9 * less < steps["pinholes"] < 3.0 * less
        assert less > 0.005
    assert by_kind(found, "voc")["contacts"] == pytest.approx(by_kind(before, "voc")["contacts"], abs=1e-4)


def test_a_cell_whose_pinholes_take_nothing_is_the_cell_without() -> None:
    """Of a single junction and of the top of a tandem; the shunt beside them stays, or goes by its own name."""
    for name, prefix, junction in (("wbg-control", "", ""), ("tandem-control", "top.", "top")):
        cell = pt.load(name)
        problem = build(cell)
        every = {(one.junction, one.kind): one for one in mechanisms(problem)}
        share = float(cell.get(f"{prefix}perovskite.pinholes.share"))
        volts = [0.0, 1.1 if name == "wbg-control" else 1.85]
        wanted = (
            Solver(build(cell.with_values({f"{prefix}perovskite.pinholes": None}))).sweep(volts, 1.0).current
        )
        found = Solver(without(problem, [every[junction, "pinholes"]])).sweep(volts, 1.0).current
        assert abs(found - wanted).max() < 3.0 * share * wanted[0]
        assert abs(Solver(problem).sweep(volts, 1.0).current - wanted).max() > 20.0 * share * wanted[0]
        cut = without(problem, [every[junction, "shunt"]])
        top = [number for number in problem.groups[0].parts]
        assert [cut.circuit.columns[number].shunt for number in top] == [None, None]
        if junction:
            assert cut.circuit.columns[-1].shunt == problem.circuit.columns[-1].shunt is not None


def test_the_difference_of_two_cells_is_made_of_what_differs(target: losses.Waterfall) -> None:
    cell = pt.load("wbg-target").with_values({"circuit.series_resistance": "4 ohm cm^2"})
    worse = losses.losses_of(cell)
    found = losses.between(worse, target)
    assert sum(one.pce for one in found) == pytest.approx(target.actual.pce - worse.actual.pce, abs=1e-9)
    assert found[0].kind == "series" and found[0].pce > 0.9 * sum(abs(one.pce) for one in found[1:])
    # what both lose alike makes no difference, though it costs the better cell more
    assert all(abs(one.pce) < 1e-7 for one in found if one.kind in ("reflection", "bulk"))


def test_what_has_no_limit_is_refused() -> None:
    cell = pt.load("wbg-target")
    for other, words in (
        (cell.with_light(intensity="dark"), "in the dark"),
        (cell.with_values({"light.spectrum": "532 nm"}), "one wavelength"),
        (pt.load("tandem-target").with_values({"junction": {"kind": "separate"}}), "terminals of their own"),
    ):
        with pytest.raises(InputError, match=words) as caught:
            losses.losses_of(other)
        assert caught.value.advice


@pytest.mark.slow
def test_junctions_with_terminals_of_their_own_are_told_each() -> None:
    cell = pt.load("tandem-target").with_values({"junction": {"kind": "separate"}})
    each = {name: losses.losses_of(one) for name, one in lab.junctions.terminals(cell).items()}
    assert list(each) == ["top", "bottom"]
    for found in each.values():
        assert sum(one.pce for one in found.losses) == pytest.approx(
            found.ideal.pce - found.actual.pce, abs=1e-9
        )
        assert set(by_kind(found, "jsc")) == {"not generated", "collection"}
    # the bottom's limit is that of the light that the top's gap leaves
    whole = losses.losses_of(pt.load("tandem-target"))
    assert each["top"].ideal.jsc + each["bottom"].ideal.jsc == pytest.approx(2.0 * whole.ideal.jsc, rel=2e-3)


@pytest.mark.slow
def test_uneven_faces_are_taken_together_and_patches_apart() -> None:
    spread = pt.load("wbg-target").with_values({"niox|perovskite.dipole_spread": "40 meV"})
    steps = by_kind(losses.losses_of(spread), "voc")
    even = by_kind(losses.losses_of(pt.load("wbg-target")), "voc")
    # uneven dipoles take volts at their own face
    assert steps["hole-side face"] > even["hole-side face"] + 5e-3
    patches = {"share": "2 %", "size": "5 um", "dipole": "0 eV", "velocity": "1000 cm/s"}
    patched = pt.load("wbg-target").with_values({"niox|perovskite.patches": patches})
    found = losses.losses_of(patched)
    assert by_kind(found, "voc")["hole-side face, patches"] > 0.01
    assert all(one.passed for one in found.checks.values()), found.checks


def test_a_cell_that_does_not_radiate_is_bounded_by_its_gap() -> None:
    found = losses.losses_of(pt.load("mapi-tio2-spiro"))
    assert "radiative limit" not in by_kind(found, "voc")
    assert sum(by_kind(found, "voc").values()) == pytest.approx(found.ideal.voc - found.actual.voc, abs=1e-9)
