"""What README, tutorials and gallery tell to run runs, and what they show is what comes of it.

Tables may differ from the page by a twentieth in each number, pictures by little when seen from afar: a new
calibration of the library's cells moves both, and then `python docs/make_tutorials.py` has to write them again.
"""

import re
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageChops

from perotwin.plotting import style

DOCS = Path(__file__).parents[2] / "docs"
sys.path.insert(0, str(DOCS))
import make_tutorials as maker  # noqa: E402  # its folder goes on the path first

CURE = "run python docs/make_tutorials.py, and read the page again"
#: two pictures that a reader would take for one
ALIKE = 0.003
NUMBER = re.compile(r"[+\-−]?\d+(?:\.\d+)?(?:[eE][+\-−]?\d+)?")


def differs(shown: str, printed: str) -> str | None:
    """In what a table differs from the one on the page; None where words agree and numbers nearly."""
    words = [" ".join(NUMBER.sub("#", text).replace("─", "").split()) for text in (shown, printed)]
    if words[0] != words[1]:
        return f"{words[0]!r} is {words[1]!r}"
    values = [[float(one.replace("−", "-")) for one in NUMBER.findall(text)] for text in (shown, printed)]
    far = [(a, b) for a, b in zip(*values, strict=True) if abs(a - b) > 0.05 * max(abs(a), abs(b))]
    return f"{far}" if far else None


def apart(first: Image.Image, second: Image.Image) -> float:
    """How far two pictures are apart when looked at from afar: 0 alike, 1 black against white.

    A layout that another version moves by two points is the same picture, so the nearest of such shifts counts.
    """

    def seen(picture: Image.Image) -> np.ndarray:
        return np.asarray(picture.resize((48, 48), Image.Resampling.BOX), float) / 255.0

    fixed, other = (one.convert("RGB") for one in (first, second))
    other = other.resize(fixed.size)
    looked = seen(fixed)
    steps = [(x, y) for x in range(-2, 3) for y in range(-2, 3)]
    return min(float(np.abs(looked - seen(ImageChops.offset(other, x, y))).mean()) for x, y in steps)


def hold(page: Path, elsewhere: set[tuple[str, ...]]) -> None:
    """Run a page in this folder and compare what it shows; commands of other pages are run there."""
    text = page.read_text(encoding="utf-8")
    for part in maker.parts(page):
        if isinstance(part, maker.Picture):
            shown = Image.open(part.shown)
            assert part.shown.stat().st_size < 2 * maker.LARGEST and shown.width <= maker.WIDTH
            if Path(part.made).is_file():
                now = maker.small(Path(part.made))
                assert abs(now.height - shown.height) <= 0.05 * shown.height, f"{part.shown.name}: {CURE}"
                assert apart(now, shown) < ALIKE, f"{part.shown.name}: {CURE}"
            else:
                assert elsewhere, f"nothing makes {part.made}"
            continue
        printed = ""
        for words in part.commands:
            printed = maker.run(words) if tuple(words) not in elsewhere else ""
        if part.table is not None:
            found = differs(text[slice(*part.table)], maker.first_table(printed))
            assert found is None, f"{found}: {CURE}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    maker.prepare(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", maker.COLUMNS)
    return tmp_path


@pytest.mark.slow
def test_a_fit_of_ones_own_files_finds_what_was_hidden(folder: Path) -> None:
    page = maker.TUTORIALS[0]
    hold(page, set())
    told = (folder / "results" / "fit" / "report.txt").read_text(encoding="utf-8")
    text = page.read_text(encoding="utf-8")
    for path, value in maker.TRUTH.items():
        assert value.replace("cm^2", "cm²") in text
        low, high = (
            float(x)
            for x in re.search(
                rf"{re.escape(path)}.*? ([\d.e+-]+) \S+(?: cm\^2)? to ([\d.e+-]+) ", told
            ).groups()
        )
        assert low < float(value.split()[0]) < high, path
    with (folder / "results" / "fit" / "my-cell.toml").open("rb") as file:
        assert tomllib.load(file)["name"] == "my-cell"


@pytest.mark.slow
@pytest.mark.parametrize("page", maker.TUTORIALS[1:], ids=lambda page: page.stem)
def test_a_tutorial_shows_what_its_commands_give(page: Path, folder: Path) -> None:
    hold(page, set())


@pytest.mark.slow
def test_the_gallery_shows_what_its_commands_give(folder: Path) -> None:
    """Commands that stand in a tutorial too are run there, and make the same picture."""
    elsewhere = maker.commands(*maker.TUTORIALS)
    pictures = {
        (part.made, part.shown)
        for page in maker.TUTORIALS
        for part in maker.parts(page)
        if isinstance(part, maker.Picture)
    }
    page = maker.PAGES[-1]
    *_, last = [None]
    for part in maker.parts(page):
        if isinstance(part, maker.Block):
            (last,) = part.commands
        elif tuple(last) in elsewhere:
            assert (part.made, part.shown) in pictures
    hold(page, elsewhere)


def test_the_start_is_short_and_runs(folder: Path) -> None:
    hold(maker.PAGES[0], set())


def jv_picture(path: Path, voc: float, shift: int) -> Image.Image:
    """A curve as pages show it, all of it moved by some points."""
    volts = np.linspace(0.0, 1.3, 200)
    with style.context():
        made, ax = style.new_axes(None)
        ax.plot(volts, 20.0 * (1.0 - np.exp((volts - voc) / 0.05)))
        ax.set_ylim(-2.0, 22.0)
        made.savefig(path, dpi=300)
    return ImageChops.offset(maker.small(path).convert("RGB"), shift, 0)


def test_another_table_and_another_picture_are_seen(folder: Path) -> None:
    shown = "cell  Voc (V)\n────\nmine    1.18\n"
    assert differs(shown, shown.replace("1.18", "1.20")) is None
    assert "1.3" in str(differs(shown, shown.replace("1.18", "1.3")))
    assert "theirs" in str(differs(shown, shown.replace("mine", "theirs")))
    one, moved, better = (
        jv_picture(folder / f"{name}.png", voc, shift)
        for name, voc, shift in (("one", 1.20, 0), ("moved", 1.20, 2), ("better", 1.25, 0))
    )
    assert apart(one, one) == 0.0 and apart(one, moved) < ALIKE / 4
    assert apart(one, better) > 1.5 * ALIKE
    with pytest.raises(RuntimeError, match="no-such-cell"):
        maker.run(["jv", "no-such-cell"])
