"""perotwin analyse, formats and convert: what they print, write and leave with."""

import json
from pathlib import Path

import pytest

from curve_files import curve


def test_the_command_reports_all_and_says_by_its_code_that_some_failed(cli, tmp_path: Path) -> None:
    good = curve(tmp_path / "good_rev.txt", 1.05, 20.0)
    bad = tmp_path / "bad.txt"
    bad.write_text("nothing but words\n")
    done = cli("analyse", str(good), str(bad), "--json")
    assert done.returncode == 1, done.stderr
    document = json.loads(done.stdout)
    assert document["schema"] == 1
    one, other = document["results"]
    assert one["scans"][0]["metrics"]["voc"]["value"] == pytest.approx(1.05, abs=1e-4)
    assert "error" in other and other["file"] == str(bad)
    done = cli("analyse", str(good), "--area", "0.09 cm^2")
    assert done.returncode == 0 and "1.05" in done.stdout
    assert cli("analyse", str(bad)).returncode == 2
    odd = tmp_path / "odd.csv"
    odd.write_text("\n".join(good.read_text().splitlines()[1:]))
    assert cli("analyse", str(odd)).returncode == 2
    done = cli("analyse", str(odd), "--columns", "V=1, J=2 (mA/cm^2)", "--as", "jv")
    assert done.returncode == 0, done.stderr
    assert "kit_lti" in cli("formats").stdout
    done = cli("convert", str(odd), "--columns", "V=1, J=2", "-o", str(tmp_path / "clean.nc"))
    assert done.returncode == 0 and (tmp_path / "clean.nc").exists()
