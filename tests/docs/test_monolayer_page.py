"""The page about the monolayer is true: its example runs and its tables say what the library says."""

import re
from pathlib import Path

import pytest

from perotwin.recipe.compensation import Competition
from perotwin.recipe.coverage import Monolayer
from perotwin.units import parse

PAGE = (Path(__file__).parents[2] / "docs" / "monolayer.md").read_text(encoding="utf-8")


def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    namespace: dict[str, object] = {}
    for block in re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE):
        exec(compile(block, "monolayer.md", "exec"), namespace)
    covered, bare, compensated = map(float, capsys.readouterr().out.splitlines()[0].split())
    assert covered + bare == pytest.approx(1.0)
    assert 0.05 < compensated < bare < 0.25


@pytest.mark.parametrize("model", [Monolayer, Competition])
def test_the_tables_say_what_the_library_says(model: type[Monolayer] | type[Competition]) -> None:
    for name, value in model.library():
        row = re.search(rf"^\| `{name}` \| (.*?) \| (.*?) \|", PAGE, re.MULTILINE)
        assert row is not None, name
        unit = value.text.partition(" ")[2]
        low, high = row.group(2).split(" to ")
        written = [row.group(1), f"{low} {unit}", high]
        assert [parse(text.strip(), value.dimension) for text in written] == [value, *value.assumed], name
