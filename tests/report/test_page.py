"""The page is one file that needs nothing else, says where every number comes from, and marks what failed."""

import io
import re
from html import escape as html_escape
from html.parser import HTMLParser
from pathlib import Path

import pytest

import perotwin as pt
import synthetic
from perotwin import measurement
from perotwin.errors import ConvergenceError
from perotwin.measurement import Metric, Metrics
from perotwin.plotting import curves, style
from perotwin.report import CellResult, figures, page, tables


def result(name: str, tmp_path: Path, **changes: str) -> CellResult:
    cell = pt.load("wbg-target").with_values(changes) if changes else pt.load("wbg-target")
    voc = 1.30 if name == "first" else 1.25
    metrics = Metrics({"voc": Metric(voc, "V"), "jsc": Metric(175.0, "A m-2"), "vmp": Metric(1.1, "V")})
    made = CellResult(name, cell, {"jv": synthetic.jv(name, voc), "bands": synthetic.bands(name)}, metrics)
    made.figures["stack"] = style.save(figures.drawing(cell), tmp_path / f"{name}-stack")[0]
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="module")
def pair(folder: Path) -> list[CellResult]:
    return [result("first", folder), result("second", folder, **{"perovskite.thickness": "500 nm"})]


@pytest.fixture(scope="module")
def html(pair: list[CellResult], folder: Path) -> str:
    made = curves.jv([item.measurements["jv"] for item in pair])
    return page.render(pair, {"jv": style.save(made, folder / "jv")[0]})


class Balance(HTMLParser):
    """Counts elements that are opened and not closed."""

    VOID = ("meta", "br", "wbr", "link", "img", "hr", "input")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        self.ids += [value or "" for name, value in attrs if name == "id"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value or "" for name, value in attrs if name == "id"]


def test_the_page_is_well_formed_and_its_ids_are_unique(html: str) -> None:
    reader = Balance()
    reader.feed(html)
    assert reader.open == []
    assert len(reader.ids) == len(set(reader.ids))


def test_every_reference_inside_a_figure_stays_inside_the_page(html: str) -> None:
    used = set(re.findall(r'(?:xlink:href="#|url\(#)([^")]+)', html))
    assert used
    assert used <= set(re.findall(r'id="([^"]+)"', html))


def test_the_page_loads_nothing(html: str) -> None:
    assert "<script" not in html
    assert not re.findall(r'(?:src|srcset)="', html)
    assert not re.findall(r'<link[^>]+href="http', html)
    assert "@import" not in html


def test_the_page_shows_metrics_difference_and_what_differs(html: str, pair: list[CellResult]) -> None:
    assert ">1.300<" in html
    assert "mA/cm²" in html
    assert "cm^" not in html
    assert ">+0.050<" in html
    assert [path for path, _ in page.differences(pair)] == ["perovskite.thickness"]
    assert "500 nm" in html
    assert "predicted" in html


def test_every_number_of_the_stack_is_listed_with_its_source(html: str, pair: list[CellResult]) -> None:
    for path, quantity in pair[0].cell.quantities().items():
        assert page.breakable(path) in html
        assert html_escape(page.raised(quantity.text)) in html
    assert "https://doi.org/10.1038/s41560-024-01487-w" in html


def test_a_failed_cell_and_a_failed_check_are_marked(tmp_path: Path) -> None:
    broken = result("broken", tmp_path)
    broken.error = ConvergenceError("no solution at <1.2> V.", "Look.")
    broken.measurements["jv"] = synthetic.jv("broken", fail=True)
    text = page.render([broken], {})
    assert "broken could not be completed" in text
    assert "&lt;1.2&gt;" in text
    assert 'class="bad"' in text
    assert '<span class="tag bad">failed</span>' in text


def test_a_cell_whose_check_fails_says_so_where_its_numbers_stand(tmp_path: Path) -> None:
    doubtful = result("doubtful", tmp_path)
    doubtful.measurements["jv"] = synthetic.jv("doubtful", fail=True)
    text = page.render([doubtful], {})
    assert "Do not rely on doubtful." in text and "current continuity" in text
    assert '<span class="tag bad">a check fails</span>' in text
    assert ">predicted<" not in text


def test_names_are_listed_as_a_sentence_does() -> None:
    assert [page.listed("abc"[:count]) for count in range(4)] == ["", "a", "a and b", "a, b and c"]


def test_tables_escape_what_a_name_may_hold() -> None:
    from rich.console import Console

    console = Console(width=160, record=True, file=io.StringIO())
    console.print(
        tables.metrics_table([("[red]cell[/]", Metrics({"voc": Metric(1.0, "V")})), ("x", "failed")])
    )
    assert "[red]cell[/]" in console.export_text()


def test_of_checks_of_one_name_the_worst_is_shown(tmp_path: Path) -> None:
    item = result("first", tmp_path)
    item.measurements["jv-dark"] = synthetic.jv("first", light=0.0, fail=True)
    assert item.checks["current continuity"].passed is False
    assert item.checks["R + T + A"].passed is True
    assert not item.passed


def test_under_the_title_stands_what_the_results_were_made_under(html: str) -> None:
    top = html[html.index("<h1>") : html.index("<nav>")]
    assert "AM1.5G, 1 sun" in top and "from the front (glass)" in top
    assert "25.0 °C (298.15 K)" in top
    assert re.search(r"written \d{4}-\d\d-\d\d \d\d:\d\d UTC by perotwin \S+", top)


def test_cells_in_other_conditions_say_theirs(tmp_path: Path) -> None:
    cold = result("cold", tmp_path, temperature="0 degC", **{"light.intensity": "0.1 sun"})
    text = page.render([result("first", tmp_path), cold], {})
    assert "first: AM1.5G, 1 sun" in text
    assert "cold: AM1.5G, 0.1 sun" in text and "0.0 °C (273.15 K)" in text


def test_the_difference_says_which_minus_which(html: str) -> None:
    assert "<td>first − second</td>" in html


def test_checks_are_one_line_unless_one_fails(html: str, tmp_path: Path) -> None:
    assert "<details><summary>2 of 2 checks hold in each cell</summary>" in html
    doubtful = result("doubtful", tmp_path)
    doubtful.measurements["jv"] = synthetic.jv("doubtful", fail=True)
    text = page.render([doubtful], {})
    assert '<details open><summary class="bad">1 of 2 checks hold</summary>' in text


def test_no_heading_is_bare(tmp_path: Path) -> None:
    item = result("first", tmp_path)
    del item.measurements["bands"]
    item.measurements["jv"] = item.measurements["jv"].drop_vars("channel_current")
    text = page.render([item], {})
    found = re.split(r"<h[23][^>]*>", text)
    for part in found[1:]:
        heading, _, body = part.partition("</h")
        body = re.sub(r"<!--.*?-->", "", body.partition(">")[2], flags=re.DOTALL)
        following = text[text.index(part) + len(part) :]
        # what follows at once may be a heading of a part of it
        words = re.sub(r"<[^>]*>", "", body).strip()
        assert words or "<svg" in body or following.startswith("<h3"), f"nothing stands under {heading!r}"
    assert "Where the light goes" not in text and 'href="#light"' not in text
    assert set(re.findall(r'href="#([^"]+)"', text[text.index("<nav>") : text.index("</nav>")])) <= set(
        re.findall(r'<h[23] id="([^"]+)"', text)
    )


def test_figures_lead_to_their_files_and_data(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    item = result("first", folder / "first" / "figures")
    measurement.save(item.measurements["jv"], folder / "first" / "jv.nc")
    (folder / "first" / "jv.csv").write_text("V,J")
    (folder / "first" / "stack.toml").write_text("")
    for name in ("results.json", "metrics.csv"):
        (folder / name).write_text("")
    shown = {"jv": style.save(curves.jv(item.measurements["jv"]), folder / "figures" / "jv")[0]}
    text = page.render([item], shown, folder)
    for address in ("figures/jv.svg", "figures/jv.png", "first/jv.nc", "first/jv.csv", "first/stack.toml"):
        assert f'href="{address}"' in text, address
        assert (folder / address).exists()
    assert 'href="results.json"' in text and 'href="metrics.csv"' in text
    assert "href=" not in page.render([item], shown)[: text.index("<nav>")]


def test_names_with_spaces_lead_somewhere_too(tmp_path: Path) -> None:
    from perotwin.report import links

    assert links.to(tmp_path / "a b" / "ü.nc", tmp_path) == "a%20b/%C3%BC.nc"
    assert links.to(Path("/elsewhere/x.nc"), tmp_path) == ""


def test_the_page_is_for_paper_dark_rooms_and_narrow_screens_too(html: str) -> None:
    assert "prefers-color-scheme: dark" in html
    assert "details-content" in html[html.index("@media print") :]
    assert "overflow-x: auto" in html
    wide = re.findall(r"grid-template-columns: repeat\(auto-fit, minmax\(([^)]*)\)", html)
    assert wide and all(one.startswith("min(100%") for one in wide), "a column wider than a narrow screen"


def test_words_in_figures_are_words(html: str) -> None:
    figures_ = re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL)
    assert figures_ and all("<text" in one for one in figures_)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("most is gained by ions.", "Most is gained by ions."),
        ("electron-side face", "Electron-side face"),
        ("cell_jv.txt: the light is not stated.", "cell_jv.txt: the light is not stated."),
        ("my-cell: 40 of 40 checks hold", "my-cell: 40 of 40 checks hold"),
        ("niox|perovskite", "niox|perovskite"),
        ("solvents.*, drying.*", "solvents.*, drying.*"),
        ("", ""),
    ],
)
def test_what_has_a_name_keeps_it_at_the_head_of_a_sentence(words: str, shown: str) -> None:
    assert page.sentence(words) == shown


def test_an_option_stays_in_one_piece_and_words_are_escaped() -> None:
    assert page.unbroken("a <b>: --nuisance x|y.z finds it, --vary -1") == (
        'a &lt;b&gt;: <span class="option">--nuisance</span> x|y.z finds it, <span class="option">--vary</span> -1'
    )
