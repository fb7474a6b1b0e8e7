"""The user's cache: what is kept comes back, and damage costs time, never a result."""

from pathlib import Path

import pytest

from perotwin.materials import cache


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PEROTWIN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def made(number: float = 1.0) -> dict[str, object]:
    return {"number": number, "list": (1, 2)}


def test_a_document_is_made_once_for_a_key(folder: Path) -> None:
    first, again = (cache.document("thing", {"a": (1, 2)}, made) for _ in range(2))
    assert first == ({"number": 1.0, "list": [1, 2]}, False)
    assert again == (first[0], True)
    assert cache.document("thing", {"a": (1, 3)}, lambda: made(2.0)) == (
        {"number": 2.0, "list": [1, 2]},
        False,
    )
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"key": 1}', '{"key": {"a": 2}, "document": {}}'])
def test_a_damaged_file_is_made_anew(folder: Path, damage: str) -> None:
    cache.document("thing", {"a": 1}, made)
    (file,) = folder.iterdir()
    file.write_text(damage, encoding="utf-8")
    assert cache.document("thing", {"a": 1}, made) == ({"number": 1.0, "list": [1, 2]}, False)
    assert cache.document("thing", {"a": 1}, made)[1]


def test_a_folder_that_cannot_be_written_costs_only_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PEROTWIN_CACHE", str(tmp_path / "file" / "below"))
    assert cache.document("thing", {}, made)[0]["number"] == 1.0


def test_no_half_file_is_left_behind(folder: Path) -> None:
    cache.document("thing", {}, made)
    with pytest.raises(ValueError):
        cache.document("other", {}, lambda: made(float("nan")))
    assert [file.suffix for file in folder.iterdir()] == [".json"]
