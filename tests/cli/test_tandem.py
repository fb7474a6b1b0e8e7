"""Two cells become a tandem on the command line, and the file goes through show, stacks and the drawing."""

import json
from pathlib import Path

import perotwin as pt
from perotwin.report import figures

JOIN = ("tandem", "--top", "wbg-target", "--bottom", "nbg", "--junction", "sno2-au-pedot")


def test_joining_writes_a_file_and_says_what_it_left_out(cli, tmp_path: Path) -> None:
    file = tmp_path / "my-tandem.toml"
    done = cli(*JOIN, "--set", "top.thickness=380 nm", "-o", str(file))
    assert done.returncode == 0, done.stderr
    for words in ("behind the top: ag", "before the bottom: glass, ito", "series resistance", "written:"):
        assert words in done.stdout
    read = pt.load(file)
    assert isinstance(read, pt.Tandem)
    assert read.name == "my-tandem" and read.get("top.perovskite.thickness") == 380e-9
    text = file.read_text(encoding="utf-8")
    assert text.startswith(
        "# Made by perotwin tandem from wbg-target and nbg with the junction sno2-au-pedot.\n"
    )
    assert "# Left out behind the top: ag" in text
    again = cli(*JOIN, "-o", str(file))
    assert again.returncode == 2 and "already" in again.stderr
    assert file.read_text(encoding="utf-8") == text


def test_joining_as_json(cli, tmp_path: Path) -> None:
    (entry,) = json.loads(cli(*JOIN, "--json").stdout)["results"]
    assert entry["stack"] == "wbg-target-nbg" and entry["junction"] == "sno2-au-pedot"
    parts = [layer["junction"] for layer in entry["layers"]]
    assert parts == ["top"] * 6 + ["between"] + ["bottom"] * 5
    assert any("left out" in note.lower() for note in entry["notes"])
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_joined_is_usage(cli, tmp_path: Path) -> None:
    for arguments, words in (
        (("tandem", "--top", "tandem-target", "--bottom", "nbg"), "is a tandem"),
        (("tandem", "--top", "wbg-target", "--bottom", "nbg", "--junction", "ideel"), '"ideal"'),
        (("tandem", "--top", "nip-example", "--bottom", "nbg"), "both give holes"),
        (("tandem", "--top", "wbg-target", "--bottom", "nbg", "-o", str(tmp_path / "x.txt")), ".toml"),
        (("tandem", "--top", "wbg-target", "--bottom", "nbg", "--set", "thickness=3 nm"), "top.thickness"),
        (("make", "target", "tandem-target"), "is a tandem"),
    ):
        done = cli(*arguments)
        assert done.returncode == 2 and words in done.stderr, (arguments, done)


def test_show_and_stacks_name_junctions_and_what_lies_between(cli) -> None:
    done = cli("show", "tandem-target")
    assert done.returncode == 0, done.stderr
    for words in ("top, light enters", "between, light enters", "bottom, light enters", "au.thickness"):
        assert words in done.stdout
    assert "[[between]]" in cli("show", "tandem-target", "--toml").stdout
    (entry,) = json.loads(cli("show", "tandem-target", "--set", "bottom.thickness=900 nm", "--json").stdout)[
        "results"
    ]
    assert entry["numbers"]["bottom.perovskite.thickness"]["written"] == "900 nm"
    rows = {
        entry["stack"]: entry["layers"] for entry in json.loads(cli("stacks", "--json").stdout)["results"]
    }
    assert rows["tandem-target"][5:8] == ["top.sno2", "au", "bottom.pedot-pss"]
    assert rows["cell-a"] == ["htl", "perovskite", "etl"]


def test_the_drawing_shows_the_whole_tandem() -> None:
    tandem = pt.load("tandem-target")
    assert isinstance(tandem, pt.Tandem)
    (axes,) = figures.drawing(tandem).axes
    words = [text.get_text() for text in axes.texts]
    drawn = [word.split("  ")[0] for word in words if "  " in word]
    assert drawn == [layer.name for _, layer in pt.stack.in_order(tandem)]
    assert {"top junction", "bottom junction"} <= set(words)


def test_check_derives_for_each_junction(cli, tmp_path: Path) -> None:
    (entry,) = json.loads(cli("check", "tandem-target", "--json").stdout)["results"]
    assert {"top", "bottom", "top.perovskite", "bottom.perovskite"} <= {
        row["where"] for row in entry["derived"]
    }
    currents = {row["where"]: row["value"] for row in entry["derived"] if row["name"] == "photocurrent"}
    assert 14.5 < currents["top"] < 16.5 and 14.5 < currents["bottom"] < 16.5, currents
    file = tmp_path / "traps.toml"
    assert cli(*JOIN[:-1], "sno2-pedot", "-o", str(file)).returncode == 0
    (entry,) = json.loads(cli("check", str(file), "--json").stdout)["results"]
    assert entry["valid"]
