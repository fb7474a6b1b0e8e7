"""The documentation as a site: built by one command, strict about links, its contents those of the index page."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mkdocs", reason="the extra [docs] is not installed")

ROOT = Path(__file__).parents[2]


def build(folder: Path, out: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--clean", "-f", str(folder / "mkdocs.yml"), "-d", str(out)],
        capture_output=True, text=True, check=False, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip


@pytest.mark.slow
def test_the_site_is_built_and_a_broken_link_is_seen(tmp_path: Path) -> None:
    here = tmp_path / "copy"
    here.mkdir()
    for name in ("mkdocs.yml", "README.md", "CHANGELOG.md", "CONTRIBUTING.md"):
        shutil.copy(ROOT / name, here / name)
    shutil.copytree(ROOT / "docs", here / "docs")
    done = build(here, tmp_path / "site")
    assert done.returncode == 0, done.stderr[-2000:]
    front = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert "The paper, reproduced" in front and "recipes/" in front
    assert (tmp_path / "site" / "readme" / "index.html").is_file()
    page = here / "docs" / "paper.md"
    page.write_text(page.read_text(encoding="utf-8") + "\n[nowhere](no-such-page.md)\n", encoding="utf-8")
    broken = build(here, tmp_path / "site")
    assert broken.returncode != 0 and "no-such-page.md" in broken.stderr
