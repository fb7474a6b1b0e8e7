"""Files as nobody should write them, from a fixed seed: each is read, or refused at once with a cure."""

import json
import sys

import pytest

import mutations
from fresh import python

#: kind, number of cases
DRAWN = [("toml", 3000), ("table", 800)]


def outcomes(kind: str, first: int, last: int) -> list[dict[str, object]]:
    """What came of some cases, read in a process with bounded memory that a case that hangs ends."""
    done = python(mutations.__file__, kind, str(first), str(last), timeout=900)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, f"case {first + len(rows)} of {kind}: {done.stderr[-3000:]}"
    assert len(rows) == last - first
    return rows


def faults(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    return [row for row in rows if row["outcome"] not in ("read", "refused")]


@pytest.mark.skipif(sys.platform == "win32", reason="limits of memory are those of POSIX")
@pytest.mark.parametrize(("kind", "count"), [("toml", 150), ("table", 80)])
def test_the_first_mutated_files_are_read_or_refused_with_a_cure(kind: str, count: int) -> None:
    assert faults(outcomes(kind, 0, count)) == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="limits of memory are those of POSIX")
@pytest.mark.parametrize(("kind", "count"), DRAWN)
def test_all_mutated_files_are_read_or_refused_with_a_cure(kind: str, count: int) -> None:
    rows = outcomes(kind, 0, count)
    assert faults(rows) == []
    assert max(float(str(row["seconds"])) for row in rows) < mutations.LONGEST
    # the draw is of use only where both happen often
    read = sum(row["outcome"] == "read" for row in rows)
    assert read > 0.04 * count and count - read > 0.4 * count


def test_a_case_that_hangs_or_fails_would_be_seen(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    from perotwin import stack
    from perotwin.errors import InputError

    def broken(path: object) -> object:
        raise TypeError("unhashable type: 'dict'")

    def without_cure(path: object) -> object:
        raise InputError("this is wrong.")

    number = next(n for n in range(100) if mutations.toml_case(n)[0] not in mutations.RECIPES)
    for fault, words in ((broken, "TypeError: unhashable"), (without_cure, "no cure")):
        monkeypatch.setattr(stack, "load", fault)
        (found,) = faults([mutations.judged("toml", number, tmp_path)])
        assert str(found["outcome"]).startswith(words)
