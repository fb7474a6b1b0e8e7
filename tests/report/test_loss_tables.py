"""What tables say of photons and carriers adds up, cell by cell and junction by junction."""

from pathlib import Path

import pytest

import perotwin as pt
import synthetic
import synthetic_tandem
from perotwin.measurement import Metric, Metrics
from perotwin.report import CellResult
from perotwin.report import loss_tables as losses


def single(name: str) -> CellResult:
    metrics = Metrics({"vmp": Metric(1.1, "V"), "jmp": Metric(165.0, "A m-2")})
    measured = {"jv": synthetic.jv(name), "eqe": synthetic.eqe(name)}
    return CellResult(name, pt.load("wbg-target"), measured, metrics)


def tandem(name: str) -> CellResult:
    metrics = Metrics({"vmp": Metric(1.95, "V"), "jmp": Metric(145.0, "A m-2")})
    measured = {"jv": synthetic_tandem.jv(name), "eqe": synthetic_tandem.eqe(name)}
    return CellResult(name, pt.load("tandem-target"), measured, metrics)


def test_cells_of_one_junction_have_one_group_without_a_heading() -> None:
    (group,) = losses.carriers([single("first"), single("second")])
    rows = dict(group.rows)
    assert (group.heading, group.total) == ("", "")
    assert set(rows) == {"delivered", *synthetic.CHANNELS}
    expected = 0.1 * float(
        synthetic.jv("first", 1.30)["channel_current"].sel(channel="front contact").interp(voltage=1.1)
    )
    assert float(rows["front contact"][0]) == pytest.approx(expected, abs=6e-4)


def test_of_a_tandem_each_junction_says_what_it_delivers_and_loses() -> None:
    groups = losses.carriers([tandem("toy")])
    assert [group.heading for group in groups] == ["top junction", "bottom junction"]
    for group in groups:
        names = [name for name, _ in group.rows]
        assert names[0] == "delivered" and names[-1] == group.total == "delivered and lost"
        values = [float(text) if not text.startswith("<") else 0.0 for _, (text,) in group.rows]
        assert values[0] == 14.5
        assert values[-1] == pytest.approx(sum(values[:-1]), abs=2e-3)
    assert "niox|perovskite trap 1" in dict(groups[0].rows)


def test_what_junctions_of_a_tandem_and_other_cells_lose_does_not_mix() -> None:
    groups = {group.heading: dict(group.rows) for group in losses.carriers([single("one"), tandem("two")])}
    assert list(groups) == ["cells of one junction", "top junction", "bottom junction"]
    assert groups["cells of one junction"]["perovskite radiative"][1] == "–"
    assert groups["top junction"]["perovskite radiative"][0] == "–"
    assert groups["top junction"]["delivered"] == ["–", "14.500"]


def test_photons_add_up_to_all_that_fall_on_the_cell() -> None:
    groups = losses.photons([tandem("toy")])
    assert [group.heading for group in groups] == [
        "", "top junction", "between the junctions", "bottom junction", "", "", ""
    ]  # fmt: skip
    assert [name for name, _ in groups[2].rows] == ["au"]
    above = [float(text.replace("−", "-")) for group in groups[:4] for _, (text,) in group.rows]
    ((_, (subtotal,)),) = groups[4].rows
    below = [float(text) for _, (text,) in groups[5].rows]
    ((_, (total,)),) = groups[6].rows
    assert float(total) == pytest.approx(0.1 * 1.602176634e-19 * 4e19 * 81, abs=0.01)
    assert sum(above) == pytest.approx(float(subtotal), abs=0.05)
    assert float(subtotal) + sum(below) == pytest.approx(float(total), abs=0.02)
    assert 0.0 < sum(below) < float(subtotal)


def test_the_light_of_an_absorber_is_told_as_what_is_collected_and_the_rest() -> None:
    rows = dict(losses.photons([tandem("toy")])[1].rows)
    taken = [name for name in rows if name.startswith("perovskite")]
    assert taken == ["perovskite, collected", "perovskite, not collected"]
    assert float(rows[taken[0]][0]) > float(rows[taken[1]][0].replace("−", "-"))


def test_volts_are_told_from_the_limit_of_the_gap_down_with_what_each_step_loses() -> None:
    first = single("first")
    measured = first.measurements["jv"].assign_coords(point=["short-circuit", "open-circuit"])
    measured["solved_voltage"] = ("point", [0.0, 1.30])
    measured["solved_current"] = ("point", [175.0, 0.0])
    first.measurements["jv"] = measured
    first.metrics = Metrics({"voc": Metric(1.30, "V"), "jsc": Metric(175.0, "A m-2")})
    (group,) = losses.voltages([first])
    rows = dict(group.rows)
    assert list(rows) == [
        "gap (eV)", "Shockley-Queisser limit of the gap", "radiative limit of these layers",
        "implied, splitting in the absorber", "at the terminals",
    ]  # fmt: skip
    volts = [float(text.split(" ")[0]) for name, (text,) in rows.items() if name != "gap (eV)"]
    assert volts[:3] == sorted(volts[:3], reverse=True)
    step = float(rows["at the terminals"][0].split("(")[1].split(" ")[0].replace("−", "-"))
    assert step == pytest.approx(1e3 * (volts[3] - volts[2]), abs=1.1)


def test_the_table_says_which_photons_it_counts() -> None:
    assert losses.wavelengths([tandem("toy")]) == "from 300 to 1100 nm"
    assert "each quantum efficiency" in losses.wavelengths([tandem("toy"), single("other")])


def test_without_the_spectrum_of_the_light_no_current_is_said() -> None:
    assert losses.photons([single("no flux in the file")]) == []
    bare = CellResult("nothing", pt.load("wbg-target"))
    assert losses.photons([bare]) == [] and losses.carriers([bare]) == []


def test_recombination_between_the_junctions_is_nobodys_loss(tmp_path: Path) -> None:
    one = tandem("toy")
    face = "top sno2|bottom pedot-pss trap 1"
    channels = [
        face if name == "top shunt" else str(name) for name in one.measurements["jv"]["channel"].values
    ]
    one.measurements["jv"] = one.measurements["jv"].assign_coords(channel=channels)
    groups = {group.heading: dict(group.rows) for group in losses.carriers([one])}
    assert list(groups["between the junctions"]) == [face]
    assert face not in groups["top junction"]


def test_a_junction_has_one_row_a_channel_whatever_its_terminals_call_it() -> None:
    """At its own terminals a junction's channels and layers are called as in a cell of one junction."""
    whole = tandem("series")
    four = pt.load("tandem-target").with_values({"junction": {"kind": "separate"}}).at("top")
    own = CellResult("own", four, {"jv": synthetic.jv("own")}, whole.metrics)
    groups = {group.heading: group for group in losses.carriers([whole, own])}
    assert list(groups) == ["top junction", "bottom junction"]
    names = [name for name, _ in groups["top junction"].rows]
    assert len(names) == len(set(names))
    assert "–" not in dict(groups["top junction"].rows)["perovskite radiative"]
    assert dict(groups["bottom junction"].rows)["delivered"] == ["14.500", "–"]


def test_layers_of_one_name_are_told_apart_by_where_they_stand() -> None:
    """Glass in front and glass between: at one junction's terminals both may be called glass."""
    four = pt.load("tandem-target").with_values({"junction": {"kind": "separate"}}).at("top")
    count = len(four.layer)
    dataset = synthetic_tandem.eqe()
    share = 0.9 / count
    alike = dataset.drop_dims("layer").assign_coords(layer=["glass"] * count)
    alike["absorptance"] = (("layer", "wavelength"), [[share] * dataset.sizes["wavelength"]] * count)
    groups = losses.photons([CellResult("own", four, {"eqe": alike})])
    counts = [len(layers) for layers in (four.top.layer, four.between, four.bottom.layer)]
    assert [len(group.rows) for group in groups if group.heading] == counts
