"""Files of real instruments, which lie beside the repository where somebody has put them."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (ROOT.parent / "shared" / "instrument_files_2", ROOT.parent / "shared" / "instrument_files")
#: small files of our own making, in the public layouts
OWN = ROOT / "tests" / "data" / "formats"


def real(name: str) -> Path:
    """The path of a real file; the test that asks is skipped where it is not there."""
    for folder in FOLDERS:
        if (folder / name).is_file():
            return folder / name
    pytest.skip(f"{name} is not there: the folder of real instrument files is no part of the repository")
