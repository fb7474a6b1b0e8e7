"""perotwin soak as a user and as a program that reads the JSON meet it."""

import json
from pathlib import Path

import pytest


def test_two_films_side_by_side_with_files_and_a_page(cli, tmp_path: Path) -> None:
    out = tmp_path / "soak"
    done = cli(
        "soak", "wbg-control", "wbg-target", "--light", "532 nm, 1 sun", "--duration", "10 min", "--draws", "40",
        "--recovery", "15 min", "--csv", "-o", str(out), "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    control, target = json.loads(done.stdout)["results"]
    shares = [one["metrics"]["red_share_end"] for one in (control, target)]
    assert [one["unit"] for one in shares] == ["%", "%"]
    # the paper: a second line in the control's first map and growing, one line in the target after 10 min
    assert control["metrics"]["red_share_first"]["value"] > 5.0
    assert control["metrics"]["red_share_end"]["value"] > control["metrics"]["red_share_first"]["value"]
    assert target["metrics"]["red_share_end"]["value"] < 5.0
    assert all(check["passed"] for one in (control, target) for check in one["checks"].values())
    assert any("free parameters" in note and "calibrated" in note for note in control["notes"])
    # what holds over the ranges of the free parameters is what may be claimed
    assert target["draws"]["visible_at_the_end"] <= 2 and control["draws"]["count"] == 40
    names = {path.name for path in out.iterdir()}
    assert {
        "soak.svg",
        "soak.png",
        "soak.html",
        "soak.json",
        "wbg-control-soak.nc",
        "wbg-target-soak.csv",
    } <= names
    page = (out / "soak.html").read_text(encoding="utf-8")
    assert (
        "<svg" in page
        and "exchange length" in page
        and "http" not in page.split("</style>")[1].split("<svg")[0]
    )
    head, *rows = (out / "wbg-target-soak.csv").read_text(encoding="utf-8").splitlines()
    assert head.startswith("time (s),segregated_share") and len(rows) > 100


def test_in_the_dark_nothing_happens_and_a_map_of_a_moment_is_asked_for(cli) -> None:
    done = cli("soak", "wbg-control", "--light", "dark", "--json")
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)["results"]
    assert max(result["course"]["segregated_share"]["value"]) == 0.0
    done = cli("soak", "wbg-control", "--maps", "0 s, 3 min", "--json")
    (result,) = json.loads(done.stdout)["results"]
    assert result["spectra"]["time"]["value"] == [0.0, 180.0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("soak", "nbg"), "no mobile ions"),
        (("soak", "tandem-target"), "several junctions"),
        (("soak", "wbg-target", "--duration", "10 s", "--exposure", "1 min"), "does not fit"),
        (("soak", "wbg-target", "--draws", "-1"), "draws"),
        (("soak", "wbg-target", "--maps", "2 h"), "maps"),
        (("soak", "wbg-target", "--csv"), "-o"),
        (("soak", "wbg-target", "--side", "100 nm"), "grains"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(cli, arguments: tuple[str, ...], words: str) -> None:
    done = cli(*arguments)
    assert done.returncode == 2
    assert words in done.stderr and "Traceback" not in done.stderr
