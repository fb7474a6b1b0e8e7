"""The instruments through the command line, as a user and as a program that reads the JSON meets them."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import fresh
import perotwin as pt


def test_jv_prints_a_table_and_its_checks(cli) -> None:
    done = cli("jv", "cell-a", "cell-b")
    assert done.returncode == 0, done.stderr
    assert "Voc (V)" in done.stdout
    assert "1.295" in done.stdout
    assert re.search(r"cell-a: (\d+) of \1 checks hold; cell-b: (\d+) of \2 checks hold", done.stdout)


def test_jv_as_json_is_alone_on_stdout(cli) -> None:
    done = cli("jv", "cell-a", "--json")
    document = json.loads(done.stdout)
    assert done.returncode == 0
    (result,) = document["results"]
    (scan,) = result["scans"]
    assert result["stack"] == "cell-a"
    assert scan["direction"] == "steady"
    metrics = {name: entry["value"] for name, entry in scan["metrics"].items()}
    # Reference cell A of the documentation: Voc to 0.5 mV, Jsc to 0.05 %, FF to 0.0005.
    assert metrics["voc"] == pytest.approx(1.2946, abs=5e-4)
    assert metrics["jsc"] == pytest.approx(22.428, rel=5e-4)
    assert metrics["ff"] == pytest.approx(84.24, abs=0.05)
    assert metrics["pce"] == pytest.approx(metrics["voc"] * metrics["jsc"] * metrics["ff"] / 100, rel=1e-3)
    units = ["V", "mA/cm^2", "%", "%", "V", "mA/cm^2", "ohm cm^2", "ohm cm^2"]
    assert [entry["unit"] for entry in scan["metrics"].values()] == units
    curve = scan["curve"]
    assert len(curve["voltage"]["value"]) == len(curve["current_density"]["value"])
    assert all(check["passed"] for check in result["checks"].values())


def test_jv_options_reach_the_measurement(cli) -> None:
    arguments = ("--start", "-0.2 V", "--stop", "1.0 V", "--step", "100 mV")
    done = cli("jv", "cell-a", "--light", "0.1 sun", "--temperature", "300 K", *arguments, "--json")
    (result,) = json.loads(done.stdout)["results"]
    assert result["light"] == {"value": 0.1, "unit": "sun"}
    voltage = result["scans"][0]["curve"]["voltage"]["value"]
    assert voltage == pytest.approx([round(-0.2 + 0.1 * i, 10) for i in range(13)])
    assert result["scans"][0]["metrics"]["jsc"]["value"] == pytest.approx(2.243, rel=1e-3)
    # The curve ends before it crosses zero; open circuit is solved for all the same.
    assert result["scans"][0]["metrics"]["voc"]["value"] == pytest.approx(1.195, abs=1e-3)


def test_zero_needs_no_unit_and_files_of_one_name_are_told_apart(cli, tmp_path: Path) -> None:
    copy = tmp_path / "edited.toml"
    copy.write_text(pt.load("cell-a").to_toml(), encoding="utf-8")
    done = cli("jv", str(copy), "cell-a", "--start", "0", "--stop", "0.2 V", "--step", "0.1 V", "--json")
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)["results"]
    assert [result["stack"] for result in results] == ["edited", "cell-a"]
    assert results[0]["scans"][0]["curve"]["voltage"]["value"] == [0.0, 0.1, 0.2]


@pytest.mark.parametrize("command", ["run", "jv", "eqe", "bands"])
def test_a_folder_that_takes_nothing_is_refused_before_anything_is_computed(
    cli, tmp_path: Path, command: str
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder", encoding="utf-8")
    done = cli(command, "wbg-target", "-o", str(in_the_way / "results"), "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["type"] == "InputError"
    assert "nothing can be written" in done.stderr and "mA/cm^2" not in done.stderr


def test_a_dark_curve_has_no_photovoltaic_metrics(cli) -> None:
    done = cli("jv", "cell-a", "--light", "dark", "--json")
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)["results"]
    metrics = result["scans"][0]["metrics"]
    assert metrics["ff"]["value"] is None
    assert metrics["pce"]["value"] is None
    assert min(result["scans"][0]["curve"]["current_density"]["value"]) < 0


def test_a_sweep_prints_one_row_a_value_and_one_result_each(cli) -> None:
    sweep = ("--vary", "perovskite.thickness", "--from", "300 nm", "--to", "600 nm", "--steps", "4")
    table = cli("jv", "cell-a", *sweep)
    assert table.returncode == 0, table.stderr
    assert all(f"{value} nm" in table.stdout for value in (300, 400, 500, 600))
    results = json.loads(cli("jv", "cell-a", *sweep, "--json").stdout)["results"]
    assert [entry["vary"] for entry in results] == [
        {"path": "perovskite.thickness", "value": value, "unit": "nm"} for value in (300, 400, 500, 600)
    ]
    jsc = [entry["scans"][0]["metrics"]["jsc"]["value"] for entry in results]
    assert jsc == sorted(jsc)


def test_a_sweep_leaves_data_of_each_point_its_curves_and_its_metrics(cli, tmp_path: Path) -> None:
    varied = ("--vary", "perovskite.thickness", "--from", "400 nm", "--to", "500 nm", "--steps", "2")
    done = cli("jv", "cell-a", *varied, "-o", str(tmp_path))
    assert done.returncode == 0, done.stderr
    names = {path.name for path in tmp_path.iterdir()}
    against = {"cell-a-perovskite.thickness.csv"}
    against |= {f"perovskite.thickness-metrics.{kind}" for kind in ("svg", "png")}
    assert names == {"cell-a-400-nm-jv.nc", "cell-a-500-nm-jv.nc", "jv.svg", "jv.png", *against}


def test_csv_stands_beside_the_data_and_a_sweep_leaves_its_table(cli, tmp_path: Path) -> None:
    sweep = (
        "--vary",
        "perovskite.thickness",
        "--from",
        "400 nm",
        "--to",
        "500 nm",
        "--steps",
        "2",
        "--step",
        "0.1 V",
    )
    cli("jv", "cell-a", *sweep, "-o", str(tmp_path), "--csv")
    table = (tmp_path / "cell-a-perovskite.thickness.csv").read_text(encoding="utf-8-sig").splitlines()
    assert table[0].startswith("perovskite.thickness (nm),voc (V),jsc (mA/cm^2)")
    assert [line.split(",")[0] for line in table[1:]] == ["400", "500"]
    assert {path.name for path in tmp_path.glob("*.csv")} == {
        "cell-a-perovskite.thickness.csv", "cell-a-400-nm-jv.csv", "cell-a-500-nm-jv.csv", "jv.csv",
    }  # fmt: skip


@pytest.mark.parametrize(
    "words", [("jv", "cell-a"), ("run", "cell-a"), ("tpv", "cell-a"), ("coverage", "target")]
)
def test_csv_needs_a_folder(cli, words: tuple[str, ...]) -> None:
    done = cli(*words, "--csv")
    assert done.returncode == 2 and "Add -o FOLDER" in done.stderr


def test_a_sweep_whose_points_fail_records_them_and_goes_on(cli) -> None:

    sweep = ("--vary", "perovskite.permittivity", "--from", "-24", "--to", "24", "--steps", "3")
    done = cli("jv", "cell-a", *sweep, "--json")
    assert done.returncode == 2  # an end of the sweep is impossible: nothing is run
    assert "permittivity" in json.loads(done.stdout)["error"]["message"]


def test_eqe_of_a_prescribed_cell_is_refused_with_a_sentence(cli) -> None:
    done = cli("eqe", "cell-a", "--json")
    assert done.returncode == 2
    document = json.loads(done.stdout)
    assert document["error"]["type"] == "InputError"
    assert "generation" in document["error"]["message"]
    assert document["results"][0]["stack"] == "cell-a"


def test_one_cell_fails_and_the_other_is_still_reported(cli) -> None:
    done = cli("eqe", "cell-a", "wbg-target", "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert "error" in document["results"][0]
    assert "eqe" in document["results"][1]
    assert "error" not in document


def test_eqe_as_json(cli) -> None:
    (result,) = json.loads(cli("eqe", "wbg-target", "--json").stdout)["results"]
    assert result["wavelength"]["unit"] == "nm"
    assert result["eqe"]["unit"] == "1"
    assert 0.5 < max(result["eqe"]["value"]) < 1
    assert 16 <= result["jsc_integrated"]["value"] <= 18.5


def test_bands_prints_levels_and_draws_them(cli, tmp_path: Path) -> None:
    done = cli("bands", "cell-a", "-o", str(tmp_path))
    assert done.returncode == 0, done.stderr
    for words in ("dark", "short circuit", "maximum power", "open circuit", "Ec", "EFn"):
        assert words in done.stdout
    assert {path.name for path in tmp_path.iterdir()} == {
        "cell-a-bands.nc", "cell-a-bands.svg", "cell-a-bands.png",
    }  # fmt: skip


def test_run_prints_one_comparison_and_says_where_the_report_is(cli, tmp_path: Path) -> None:
    cli("run", "nbg", "--experiments", "jv", "-o", str(tmp_path / "out"))
    done = cli("run", "cell-a", "cell-b", "--experiments", "jv", "-o", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert "nbg: of an earlier run; the report does not show it" in done.stdout
    assert "cell-a − cell-b" in done.stdout
    assert "report.html" in done.stdout
    assert (tmp_path / "out" / "report.html").exists()


def test_a_run_without_a_folder_says_that_it_wrote_nothing(cli) -> None:
    done = cli("run", "cell-a", "--experiments", "jv")
    assert done.returncode == 0, done.stderr
    assert "nothing was written; with -o FOLDER" in done.stdout


#: the command line where each curve that is done leaves a point in a file
TELLING = """
from perotwin import lab
from perotwin.cli import main
measure = lab.jv.measure
def telling(*given, **more):
    found = measure(*given, **more)
    with open({file!r}, "a") as stream:
        stream.write(".")
    return found
lab.jv.measure = telling
main()
"""


def test_ctrl_c_keeps_what_was_done_and_says_so(tmp_path: Path) -> None:
    # Enough points that the interruption comes in the middle, whatever the machine.
    sweep = ("--vary", "perovskite.thickness", "--from", "300 nm", "--to", "600 nm", "--steps", "5000")
    told = tmp_path / "told"
    start = [sys.executable, "-c", TELLING.format(file=str(told)), "jv", "cell-a", "--json", *sweep]
    with subprocess.Popen(
        start,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=fresh.environment(),
        # a test runner in the background has the signal ignored, and its children would inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as child:
        fresh.wait_until(lambda: told.is_file() and told.stat().st_size > 1, child)
        child.send_signal(signal.SIGINT)
        try:
            out, err = child.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            child.kill()
            raise
    assert child.returncode == 130, err
    document = json.loads(out)
    assert 0 < len(document["results"]) < 5000
    assert "interrupted" in document["error"]["message"]
    assert "kept" in err
    assert "Traceback" not in err


def test_a_user_file_runs_like_a_library_cell(cli, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(pt.load("cell-b").to_toml().replace('"cell-b"', '"mine"', 1))
    done = cli("jv", str(path), "--json")
    assert json.loads(done.stdout)["results"][0]["stack"] == "mine"


def test_set_takes_tables_as_a_stack_file_writes_them(cli) -> None:
    green = 'light.spectrum={ kind = "monochromatic", wavelength = "532 nm" }'
    done = cli("show", "wbg-target", "--set", green, "--set", "perovskite.extrapolate=true", "--json")
    assert done.returncode == 0, done.stderr
    shown = pt.Stack.from_toml(json.loads(done.stdout)["results"][0]["toml"])
    assert shown.light.spectrum.kind == "monochromatic"
    assert shown.named("perovskite").extrapolate is True


def test_a_check_that_fails_is_a_warning_and_an_exit_code(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    measure = pt.lab.jv.measure

    def spoiled(*arguments: object, **more: object) -> object:
        dataset = measure(*arguments, **more)
        checks = json.loads(dataset.attrs["checks"])
        checks["Gauss' law"] = {"value": 1.0, "limit": 1e-8, "passed": False}
        dataset["current_density"][3] = float("nan")
        return dataset.assign_attrs(checks=json.dumps(checks))

    monkeypatch.setattr(pt.lab.jv, "measure", spoiled)
    done = cli("jv", "cell-b", "--json")
    assert done.returncode == 1
    assert '"Gauss\' law" fails' in done.stderr
    assert "1 of " in done.stderr
    (result,) = json.loads(done.stdout)["results"]
    assert result["scans"][0]["curve"]["current_density"]["value"][3] is None


def test_lists_of_a_protocol_are_taken_apart_at_their_commas(cli) -> None:
    done = cli(
        "suns-voc", "cell-a", "--temperatures", "290 K, 310 K", "--per-decade", "3", "--dimmest", "0.05 sun"
    )
    assert done.returncode == 0, done.stderr
    assert "open-circuit voltage, 290 K" in done.stdout and "open-circuit voltage, 310 K" in done.stdout
