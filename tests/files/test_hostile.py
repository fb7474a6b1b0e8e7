"""Definitions as nobody should write them are read, or refused with a cure."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from perotwin.errors import InputError
from perotwin.files import read_cell
from perotwin.stack import Stack

DATA = Path(__file__).parents[1] / "data" / "files"
VALUES = [
    "",
    "nan",
    "inf",
    "-1",
    "0",
    "1e400",
    "1e-400",
    "abc",
    "9" * 400,
    "0x1",
    "½",
    "-0.0",
    "1e9",
    "none",
    "[",
    "=",
    "\\",
]


def mutated(draw: random.Random, text: str, separator: str) -> str:
    lines = text.splitlines()
    for _ in range(draw.choice([1, 1, 2, 4])):
        at = draw.randrange(len(lines))
        way = draw.randrange(6)
        key, found, _ = lines[at].partition(separator)
        if way <= 2 and found:
            lines[at] = f"{key}{separator} {draw.choice(VALUES)}"
        elif way == 3:
            del lines[at]
        elif way == 4:
            lines.insert(draw.randrange(len(lines)), lines[at])
        else:
            lines[at] = lines[at][: draw.randrange(len(lines[at]) + 1)]
    return "\n".join(lines) + "\n"


def judged(path: Path) -> bool:
    """Whether a definition is read; what is refused has a cure."""
    try:
        made = read_cell(path)
    except InputError as refusal:
        assert refusal.advice.strip() and len(str(refusal)) < 4000
        return False
    assert Stack.from_toml(made.to_toml()) == made.cell
    return True


@pytest.mark.parametrize("seed", range(120))
def test_mutated_scaps_files(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "cell.def"
    path.write_text(mutated(random.Random(seed), (DATA / "scaps" / "pin.def").read_text(), ":"))
    judged(path)


@pytest.mark.parametrize("seed", range(120))
def test_mutated_simsalabim_files(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    for file in (DATA / "simsalabim").iterdir():
        text = file.read_text()
        (tmp_path / file.name).write_text(mutated(draw, text, "=") if draw.random() < 0.4 else text)
    judged(tmp_path / "simulation_setup.txt")


def test_both_happen(tmp_path: Path) -> None:
    """The draw is of use only where some are read and some refused."""
    outcomes = []
    for seed in range(60):
        path = tmp_path / "cell.def"
        path.write_text(mutated(random.Random(seed), (DATA / "scaps" / "pin.def").read_text(), ":"))
        outcomes.append(judged(path))
    assert 5 < sum(outcomes) < 55
