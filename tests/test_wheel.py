"""What pip builds holds all that perotwin needs, and the main job runs from it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(command, check=True, timeout=300)
    (made,) = folder.glob("*.whl")
    return made


@pytest.mark.slow
def test_every_file_of_the_package_is_in_the_wheel(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    source = ROOT / "src"
    wanted = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {"perotwin/py.typed", "perotwin/stack/library/wbg-target.toml"} <= wanted
    assert wanted <= held, sorted(wanted - held)[:10]


@pytest.mark.slow
def test_the_main_job_runs_from_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    """In an environment of its own, which sees this one's libraries but finds perotwin in the wheel first."""
    venv.create(tmp_path / "venv", with_pip=False)
    paths = {"base": str(tmp_path / "venv"), "platbase": str(tmp_path / "venv")}
    site = Path(sysconfig.get_path("purelib", vars=paths))
    zipfile.ZipFile(wheel).extractall(site)
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    python = Path(sysconfig.get_path("scripts", vars=paths)) / Path(sys.executable).name
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def run(*words: str) -> tuple[str, str]:
        done = subprocess.run(
            [python, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, done.stderr
        return done.stdout, done.stderr

    where, _ = run("-c", "import perotwin; print(perotwin.__file__)")
    assert Path(where.strip()).is_relative_to(site)
    # the first run compiles, and says so beside its output
    first, said = run("-m", "perotwin", "jv", "cell-b", "--json")
    assert json.loads(first)["results"] and "Compiling the solver" in said
    done, said = run("-m", "perotwin", "run", "cell-a", "nbg", "--experiments", "jv", "-o", "out")
    assert "report.html" in done and "Compiling the solver" not in said
    assert (tmp_path / "out" / "report.html").read_text(encoding="utf-8").count("<h2") >= 2
