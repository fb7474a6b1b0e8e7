"""What was known when a number was chosen: declared for all, and what predicts cannot read what it predicts."""

import ast
import builtins
import io
from pathlib import Path
from typing import Any

import pytest

from perotwin.errors import InputError
from perotwin.paper import bench, claims, split
from perotwin.paper.rows import ROWS

ROOM = Path(bench.__file__).parent
#: what computes the twin's answers
BLIND = sorted([*(ROOM / f"{name}.py" for name in ("bench", "calibrated", "found")), *ROOM.glob("rows*.py")])
#: what knows the paper
KNOWING = {"claims", "compare", "page", "calibration"}


def test_every_number_is_declared_and_no_helping_row_is_called_predicted() -> None:
    rows = claims.load()
    numbers = split.numbers()
    assert len(numbers) > 100
    for path in numbers:
        assert split.entry_of(path).how in ("input", "source", "assumed", "calibrated", "free")
    for entry in split.entries():
        for name in entry.rows:
            assert rows[name].label in ("input", "calibrated"), f"{name} helped to choose {entry.names}"
        if entry.how in ("calibrated", "free"):
            assert entry.rows, entry.names
    with pytest.raises(InputError, match="is not declared"):
        split.entry_of("passivation.no_such_number")


def test_every_calibrated_row_is_named_where_it_helped() -> None:
    helped = {name for entry in split.entries() for name in entry.rows}
    ageing = {"wide_bandgap.operation.control_after_400_h", "wide_bandgap.operation.target_after_600_h"}
    for name, row in claims.load().items():
        if row.label == "calibrated" and name not in ageing:
            assert name in helped or name in split.fitted(), name


def test_what_predicts_imports_nothing_that_knows_the_paper() -> None:
    assert len(BLIND) == 8
    for file in BLIND:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            named: list[str] = []
            if isinstance(node, ast.Import):
                named = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                named = [f"{node.module}.{alias.name}" for alias in node.names] + [str(node.module)]
            for name in named:
                if name.startswith("perotwin.paper."):
                    assert name.split(".")[2] not in KNOWING, f"{file.name} imports {name}"


def test_no_predicted_value_stands_in_what_predicts() -> None:
    numbers = {
        row.written.split()[0] for row in claims.load().values() if row.label == "predicted" and row.is_number
    }
    telling = {number for number in numbers if len(number.replace(".", "")) >= 3}
    assert len(telling) > 8
    for file in BLIND:
        words = {
            str(node.value)
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            if isinstance(node, ast.Constant) and isinstance(node.value, int | float)
        }
        assert not words & telling, file.name


def test_answers_are_the_same_where_the_claims_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["buried_interface.kpfm.target", "tandem.champion.voc", "wide_bandgap.film.grain_size"]
    before = {name: ROWS[name](bench.library_bench()).value for name in names}
    opened = io.open

    def refusing(file: Any, *arguments: Any, **options: Any) -> Any:
        if Path(str(file)).name == claims.FILE.name:
            raise AssertionError("the claims were read")
        return opened(file, *arguments, **options)

    for where in (builtins, io):
        monkeypatch.setattr(where, "open", refusing)
    claims.load.cache_clear()
    claims._data.cache_clear()
    with pytest.raises(AssertionError, match="were read"):
        claims.load()
    assert {name: ROWS[name](bench.library_bench()).value for name in names} == before
