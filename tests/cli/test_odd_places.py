"""Odd names, odd encodings, folders that cannot be written, runs that are stopped: a finished result is never lost."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
import warnings
from pathlib import Path

import pytest

import fresh
import perotwin as pt
from perotwin import lab, measurement
from perotwin.cli import main
from perotwin.errors import InputError
from perotwin.plotting import style
from perotwin.workflows.run import unique_names

TEXT = pt.stack.library.path("cell-a").read_text(encoding="utf-8")
NAMES = {
    "mathematics": "$\\frac{$ 5$",
    "more mathematics": "$x^2$",
    "markup": "[/mine] [red]cell[/red]",
    "long": "n" * 400,
    "page": "report.html",
    "figures": "figures",
    "CJK": "太阳能电池",
    "emoji": "🌞🌞",
    "folder": "../../x",
    "dots": "..",
    "device": "con",
}


def cell(name: str) -> pt.stack.Cell:
    return pt.load("cell-a").with_values({"name": name})


def named(folder: Path, key: str) -> str:
    path = folder / f"{key}.toml"
    path.write_text(TEXT.replace('"cell-a"', json.dumps(NAMES[key], ensure_ascii=False), 1), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("key", NAMES)
def test_no_name_loses_a_finished_curve(cli, tmp_path: Path, key: str) -> None:
    out = tmp_path / "out"
    done = cli("jv", named(tmp_path, key), "--step", "0.2 V", "-o", str(out))
    assert done.returncode == 0, done.stderr
    assert sorted(path.suffix for path in out.iterdir()) == [".nc", ".png", ".svg"]
    assert all(len(path.name.encode()) < 200 and path.parent == out for path in out.iterdir())
    (stored,) = out.glob("*.nc")
    assert measurement.load(stored).attrs["stack"] == NAMES[key]


@pytest.mark.slow
def test_no_name_loses_a_finished_run(cli, tmp_path: Path) -> None:
    out, given = tmp_path / "out", ["mathematics", "markup", "page", "figures", "CJK"]
    files = [named(tmp_path, key) for key in given]
    done = cli("run", *files, "-o", str(out), "--experiments", "jv")
    assert done.returncode == 0, done.stderr
    assert len(json.loads((out / "results.json").read_text(encoding="utf-8"))["results"]) == len(given)
    assert (out / "report.html").is_file() and (out / "figures" / "jv.svg").is_file()
    assert len(list(out.glob("*/jv.nc"))) == len(given)


def test_folders_of_cells_are_unique_wherever_capitals_do_not_count() -> None:
    names = unique_names(
        [cell(name) for name in ("Cell", "cell", "Figures", "results.json", "n" * 400, "n" * 401)]
    )
    assert (
        len({name.casefold() for name in names} | {"figures", "report.html", "results.json"})
        == len(names) + 3
    )
    assert all(len(name) < 150 for name in names)


@pytest.mark.parametrize("name", ["a\x00b", "a\nb", "\x1b[2J", "n" * 2000, "\udc80"])
def test_a_name_that_nothing_can_show_is_refused_at_the_start(name: str) -> None:
    with pytest.raises(InputError, match="name") as caught:
        cell(name)
    assert caught.value.advice and str(caught.value).isprintable()


def test_a_figure_shows_what_is_no_mathematics_as_it_is_written(tmp_path: Path) -> None:
    figure, axes = style.new_axes(None)
    axes.plot([0, 1], [0, 1], label="$\\frac{$")
    axes.set_xticks([0, 1], ["$\\sqrt{$", "太阳"])
    axes.set_title("n" * 400)
    axes.legend()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        svg, png = style.save(figure, tmp_path / "figure")
    assert svg.stat().st_size > 1000 and png.stat().st_size > 1000


# --- encodings -----------------------------------------------------------------------------------------------------


ENCODINGS = ["ascii", "cp1252", "cp437"]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "cell-a"], ["cite", "nbg"], ["molecule", "5-AVAI"], ["--help"], ["show", "nowhere"],
        ["coverage", "--help"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_output_goes_into_any_encoding(
    encoding: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Into streams like those that Python opens on a terminal of that encoding."""
    out, err = io.BytesIO(), io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding=encoding, errors="strict"))
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(err, encoding=encoding, errors="backslashreplace"))
    with pytest.raises(SystemExit) as left:
        main(arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    judge(encoding, arguments, out.getvalue() + err.getvalue(), int(left.value.code or 0))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_output_of_a_process_goes_into_any_encoding(encoding: str) -> None:
    start = [sys.executable, "-c", "from perotwin.cli import main; main()"]
    arguments = ["show", "wbg-target"]
    done = subprocess.run(
        [*start, *arguments],
        capture_output=True,
        env=fresh.environment(PYTHONIOENCODING=encoding),
        timeout=300,
    )
    judge(encoding, arguments, done.stdout + done.stderr, done.returncode)


def judge(encoding: str, arguments: list[str], output: bytes, code: int) -> None:
    said = output.decode(encoding)
    assert said.strip() and "Error" not in said and "fault of its own" not in said, said
    assert code == (2 if "nowhere" in arguments else 0)


def test_json_and_toml_say_the_same_in_ascii(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(TEXT.replace('"cell-a"', '"µ 太阳 🌞"', 1), encoding="utf-8")
    done = fresh.perotwin("show", str(path), "--json", PYTHONIOENCODING="ascii")
    assert json.loads(done.stdout)["results"][0]["stack"] == "µ 太阳 🌞"
    done = fresh.perotwin("show", str(path), "--toml", PYTHONIOENCODING="ascii")
    assert done.stdout.isascii() and tomllib.loads(done.stdout)["name"] == "µ 太阳 🌞"


# --- interruptions -------------------------------------------------------------------------------------------------

SWEEP = [
    "--vary",
    "perovskite.thickness",
    "--from",
    "300 nm",
    "--to",
    "600 nm",
    "--steps",
    "4",
    "--step",
    "0.2 V",
]


def interrupted_after(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Let the measurement of a curve be interrupted once so many are done."""
    real, done = lab.jv.measure, []

    def measure(*given: object) -> object:
        if len(done) == count:
            raise KeyboardInterrupt
        done.append(1)
        return real(*given)

    monkeypatch.setattr(lab.jv, "measure", measure)


@pytest.mark.parametrize(
    "arguments", [["cell-a", *SWEEP], ["cell-a", "cell-b", "wbg-target"]], ids=["vary", "cells"]
)
def test_what_was_done_before_an_interruption_is_kept(
    cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    interrupted_after(monkeypatch, 2)
    done = cli("jv", *arguments, "-o", str(tmp_path))
    assert done.returncode == 130
    assert len(list(tmp_path.glob("*.nc"))) == 2
    assert "2 results done before that are kept" in done.stderr


def test_a_fault_amid_a_sweep_keeps_what_was_done(
    cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, done = lab.jv.measure, []

    def measure(*given: object) -> object:
        done.append(1)
        return 1 / 0 if len(done) == 3 else real(*given)

    monkeypatch.setattr(lab.jv, "measure", measure)
    left = cli("jv", "cell-a", *SWEEP, "-o", str(tmp_path))
    assert left.returncode == 1 and "fault of its own" in left.stderr
    assert len(list(tmp_path.glob("*.nc"))) == 2


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_ends_in_130_and_leaves_whole_files(tmp_path: Path) -> None:
    start = "from perotwin.cli import main; main()"
    arguments = ["jv", "wbg-target", *SWEEP[:-4], "--steps", "4000", "-o", str(tmp_path), "--json"]
    with subprocess.Popen(
        [sys.executable, "-c", start, *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=fresh.environment(),
        # a test runner in the background has the signal ignored, and its children would inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as child:  # fmt: skip
        # files are written at the end
        time.sleep(10)
        child.send_signal(signal.SIGINT)
        try:
            out, err = child.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            child.kill()
            raise
    assert child.returncode == 130, err
    assert "Traceback" not in err
    kept = [one for one in json.loads(out)["results"] if "error" not in one]
    assert len(list(tmp_path.glob("*.nc"))) == len(kept) > 0


# --- folders that cannot be written --------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="folders of POSIX")
def test_neither_package_nor_home_can_be_written(tmp_path: Path) -> None:
    package = tmp_path / "read-only" / "perotwin"
    shutil.copytree(fresh.SRC / "perotwin", package, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in [package, *(path for path in package.rglob("*") if path.is_dir())]:
        (folder / "__pycache__").write_text("in the way, for root may write everywhere")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    place = {
        "PYTHONPATH": str(package.parent),
        "HOME": os.devnull,
        "TMPDIR": str(temporary),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    for name in ("NUMBA_CACHE_DIR", "PEROTWIN_CACHE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR"):
        assert name not in os.environ, f"unset {name} for this test"
    done = fresh.perotwin("check", "wbg-target", **place)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("compiled functions are kept in") == 1
    again = fresh.perotwin("check", "wbg-target", **place)
    assert again.returncode == 0, again.stderr
    drawn = fresh.python("-c", "from perotwin.plotting import style; style.new_axes(None)", **place)
    assert drawn.returncode == 0 and drawn.stderr == ""
