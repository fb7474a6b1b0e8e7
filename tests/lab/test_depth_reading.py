"""Profiles of ions against sputter time: roles, edges of known shape, intervals from counting, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy.special import erf

from perotwin.errors import InputError
from perotwin.lab import ions, tof_sims
from perotwin.plotting import style

ROOT = Path(__file__).parents[2]
FILE = ROOT.parent / "shared" / "instrument_files_2" / "tof_sims_film_on_MeO-2PACz_negative.txt"
TIME = np.arange(0.0, 500.0, 2.0)


def counted(scale: float = 2e4, seed: int | None = 1, width: float = 20.0) -> xr.Dataset:
    """A film on an oxide at 300 s by an error function of standard deviation `width`, and a sheet of 30 s on it."""
    step = 0.5 * (1.0 + erf((TIME - 300.0) / (np.sqrt(2.0) * width)))
    rows = {
        "total": np.full(TIME.size, 9.0 * scale),
        "PbI_3-": scale * (1.0 - step),
        "PbI_2-": 0.5 * scale * (1.0 - step),
        "NiO_2-": scale * step,
        "PO_3-": 0.1 * scale * np.exp(-0.5 * ((TIME - 295.0) / 30.0) ** 2) + 0.001 * scale,
        "^206PbI_3-": 0.3 * scale * (1.0 - step),
        "CN-": 0.2 * scale * np.ones(TIME.size),
    }
    values = np.array(list(rows.values()))
    if seed is not None:
        values = np.random.default_rng(seed).poisson(values).astype(float)
    return xr.Dataset(
        {"signal": (("species", "sputter_time"), values)},
        coords={"species": list(rows), "sputter_time": ("sputter_time", TIME, {"units": "s"})},
        attrs={"stack": "counted"},
    )


def normal() -> xr.Dataset:
    """The same without noise, each over its maximum."""
    exact = counted(seed=None)
    return exact.assign(signal=exact["signal"] / exact["signal"].max("sputter_time"))


def test_ions_stand_for_what_gives_them_and_nothing_else() -> None:
    known = {"PO_3-": "sam", "PO3-": "sam", "NiO2-": "oxide", "PbI3-": "perovskite", "PbBr_2 -": "perovskite",
             "COO-": "additive", "Pb+": "perovskite", "InO_2-": "oxide", "sam": "sam"}  # fmt: skip
    assert {name: ions.role_of(name) for name in known} == known
    for name in (
        "CN-",
        "O-",
        "I-",
        "^206PbI_3-",
        "Pb_2I_5-",
        "PO_3- / ( O- )",
        "SnO_2-",
        "C_60-",
        "total",
        "P-",
    ):
        assert ions.role_of(name) is None
    assert ions.roles_of(["PbI_2-", "PbI_3-", "CN-"]) == {"perovskite": "PbI_3-"}
    assert ions.roles_of(["PbI_3-", "CN-"], {"CN-": "additive"}) == {
        "additive": "CN-",
        "perovskite": "PbI_3-",
    }
    assert ions.roles_of(["PbI_3-", "CN-"], '{"CN-": "sam"}')["sam"] == "CN-"
    with pytest.raises(InputError, match="PbI_3-"):
        ions.roles_of(["PbI_3-"], {"PbI_4-": "perovskite"})
    with pytest.raises(InputError, match="stand for"):
        ions.roles_of(["PbI_3-"], {"PbI_3-": "film"})


def test_an_error_function_has_its_middle_and_twice_its_deviation() -> None:
    found = tof_sims.analyse(normal())
    assert found["interface_time"].value == pytest.approx(300.0, abs=1e-6)
    assert found["interface_half_rise_time"].value == pytest.approx(300.0, abs=1e-6)
    assert found["interface_half_fall_time"].value == pytest.approx(300.0, abs=1e-6)
    assert found["interface_width_time"].value == pytest.approx(40.0, rel=2e-3)
    assert found["peak_sputter_time sam"].value == pytest.approx(295.0, abs=1.0)
    # the sheet stands on a hundredth of itself
    assert found["half_maximum_span sam"].value == pytest.approx(30.0 * np.sqrt(8.0 * np.log(2.0)), rel=0.02)
    assert found["interface_time"].unit == "s" and "NiO_2-" in found["interface_time"].method


def test_intervals_of_the_interface_hold_the_truth_as_often_as_they_say() -> None:
    inside = dict.fromkeys(("interface_time", "interface_half_rise_time", "interface_width_time"), 0)
    for seed in range(200):
        found = tof_sims.analyse(counted(scale=2000.0, seed=seed))
        for name in inside:
            truth = 40.0 if "width" in name else 300.0
            inside[name] += abs(found[name].value - truth) <= found[name].uncertainty
    assert all(116 <= number <= 156 for number in inside.values()), inside


def test_a_profile_that_stops_in_the_film_has_no_interface() -> None:
    for end in (140, 149):
        found = tof_sims.analyse(counted().isel(sputter_time=slice(0, end)))
        assert np.isnan(found["interface_time"].value) and "within the film" in found["interface_time"].method
        assert np.isnan(found["interface_width_time"].value)
    # and the last point of a run that was stopped does not look like its end
    stopped = counted().isel(sputter_time=slice(0, 140)).copy(deep=True)
    stopped["signal"].values[:, -1] *= 0.01
    assert np.isnan(tof_sims.analyse(stopped)["interface_time"].value)


def test_roles_that_nobody_gives_are_asked_for() -> None:
    found = tof_sims.analyse(counted().isel(species=[0, 4, 6]))
    assert np.isnan(found["interface_time"].value) and "roles" in found["interface_time"].method
    said = tof_sims.analyse(counted(), roles={"CN-": "additive"})
    assert said["enrichment additive"].value == pytest.approx(1.0, abs=0.1)
    by_attribute = tof_sims.analyse(counted().assign_attrs(roles='{"CN-": "additive"}'))
    assert by_attribute.to_json() == said.to_json()


def test_only_ions_of_one_matrix_have_a_ratio() -> None:
    found = tof_sims.ratio(counted(seed=None), "PbI_3-", "PbI_2-")
    assert float(found[50]) == pytest.approx(2.0)
    with pytest.raises(InputError, match="one matrix"):
        tof_sims.ratio(counted(), "PO_3-", "PbI_3-")
    with pytest.raises(InputError, match="one matrix"):
        tof_sims.ratio(counted(), "NiO_2-", "PbI_3-")
    assert float(
        tof_sims.ratio(counted(seed=None), "PbI_3-", "CN-", {"CN-": "perovskite"})[10]
    ) == pytest.approx(5.0)
    with pytest.raises(InputError, match="no ion"):
        tof_sims.ratio(counted(), "PbI_9-", "PbI_3-")


def test_points_are_divided_by_a_total_only_where_it_is_flat() -> None:
    beam = counted(seed=None)
    drift = 1.0 + 0.08 * np.sin(TIME / 20.0)
    beam = beam.assign(signal=beam["signal"] * drift)
    found = tof_sims.over_total(beam, (0.0, 200.0))
    steady = np.asarray(found["signal"])[1]
    assert np.ptp(steady) / steady.mean() < 1e-3
    assert found.sizes["sputter_time"] == 101
    step = beam.copy(deep=True)
    step["signal"].values[0] *= 1.0 + (TIME > 300.0)
    with pytest.raises(InputError, match="total varies"):
        tof_sims.over_total(step)


def test_depth_takes_one_rate_a_layer() -> None:
    with pytest.raises(InputError, match="oxide"):
        tof_sims.on_depth(counted(), {"perovskite": "1.5 nm/s"})
    moved = tof_sims.on_depth(normal(), {"perovskite": 1.5e-9, "oxide": "0.5 nm/s"})
    found = tof_sims.analyse(moved)
    assert found["interface_depth"].value == pytest.approx(450e-9, rel=1e-9)
    assert float(moved["sputter_depth"][-1]) == pytest.approx(450e-9 + 198.0 * 0.5e-9)
    with pytest.raises(InputError, match="against depth already"):
        tof_sims.on_depth(moved, {"perovskite": 1e-9, "oxide": 1e-9})


def test_a_real_profile_reads_as_it_was_read_by_hand(tmp_path: Path) -> None:
    if not FILE.exists():
        pytest.skip("the folder of real instrument files is not here")
    lines = FILE.read_text(encoding="latin-1").splitlines()
    names = lines[1].rstrip("\t").split("\t")[4:]
    table = np.array(
        [[float(one) for one in line.split("\t") if one] for line in lines if line[:1].isdigit()]
    )
    dataset = xr.Dataset(
        {"signal": (("species", "sputter_time"), table[:, 4:].T)},
        coords={"species": names, "sputter_time": table[:, 1]},
    )
    found = tof_sims.analyse(dataset)
    assert found["peak_sputter_time sam"].value == pytest.approx(278.7, abs=0.05)
    # the 42nd point is the first of the oxide at half its maximum or more
    place = found["interface_half_rise_time"].value
    assert table[40, 1] < place <= table[41, 1]
    assert "InO_2-" in found["interface_half_rise_time"].method
    style.save(tof_sims.plot([dataset, counted()]), tmp_path / "figure")
    style.save(tof_sims.plot(dataset.isel(species=[1, 2, 11, 12])), tmp_path / "unknown")
