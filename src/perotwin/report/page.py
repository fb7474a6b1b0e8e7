"""One HTML page that holds everything and needs nothing: figures inlined, no script, no network."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from perotwin import references
from perotwin.measurement import NOMENCLATURE, heading
from perotwin.report import junctions, links, loss_tables
from perotwin.report.beside import Beside, of_instrument
from perotwin.report.figures import caption, instruments_of, pictures
from perotwin.report.made_under import made_under
from perotwin.report.result import HEADLINE
from perotwin.report.tables import CELL_COLUMNS, comparison_rows, digits, doubts, readings_rows

if TYPE_CHECKING:
    from jinja2 import Template
    from markupsafe import Markup

    from perotwin.measurement import Section
    from perotwin.report.result import CellResult

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

__all__ = ["checks_words", "differences", "inline", "listed", "map_words", "provenance", "raised", "render"]


class Row(NamedTuple):
    """A number of a stack file: where it stands, as written, where it comes from, and a link if there is
    one.
    """

    path: str
    value: str
    source: str
    link: str


def provenance(result: CellResult) -> list[Row]:
    """Every number that the stack file states, with its source."""
    sources = result.cell.sources()
    rows = []
    for path, quantity in result.cell.quantities().items():
        text = sources.get(path, "not stated")
        known = references.find(text)
        rows.append(Row(path, quantity.text, text, _link(known.link if known else text)))
    return rows


def _link(text: str) -> str:
    """The address behind the first DOI, arXiv number or URL in a text; empty when there is none."""
    found = re.search(r"doi:(10\.\S+?)(?=[\s;,)]|$)", text)
    if found:
        return f"https://doi.org/{found.group(1)}"
    found = re.search(r"arXiv:(\S+?)(?=[\s;,)]|$)", text)
    if found:
        return f"https://arxiv.org/abs/{found.group(1)}"
    found = re.search(r"https?://\S+?(?=[\s;,)]|$)", text)
    return found.group(0) if found else ""


def differences(results: Sequence[CellResult]) -> list[tuple[str, list[tuple[str, str]]]]:
    """The field paths in which cells differ, with value and source in each ("–" where a cell does not state
    it).
    """
    tables = [{row.path: (row.value, row.source) for row in provenance(result)} for result in results]
    paths = list(dict.fromkeys(path for table in tables for path in table))
    absent = ("–", "")
    found = []
    for path in paths:
        cells = [table.get(path, absent) for table in tables]
        if len({value for value, _ in cells}) > 1:
            found.append((path, cells))
    return found


def experiments(results: Sequence[CellResult], measured: Sequence[Beside] = ()) -> list[dict[str, Any]]:
    """Name, heading, names of figures, names of columns and rows (words, unit, value by cell and by measured file) of
    each instrument without a section of its own that read something of some cell.
    """
    from perotwin.measurement import Metrics

    found = []
    for one in instruments_of(results):
        columns = [item.readings.get(one.name, Metrics()) for item in results]
        if one.own_section or not any(columns):
            continue
        others = of_instrument(measured, one.name)
        columns += [other.metrics for other in others]
        names = [item.name for item in results] + [other.name for other in others]
        heading = one.title[:1].upper() + one.title[1:]
        figures = [picture.name for picture in one.pictures if picture.section == "measurements"]
        found.append(
            {
                "name": one.name,
                "heading": heading,
                "figures": figures,
                "names": names,
                "rows": readings_rows(columns),
                "doubts": doubts(dict(zip(names, columns, strict=True))),
            }
        )
    return found


def _sections(
    results: Sequence[CellResult], each: Sequence[Mapping[str, Any]], together: Mapping[str, Any]
) -> dict[Section, list[Any]]:
    """The figures of each section that instruments declare them for, those of all cells first, then figure by figure
    those of each.

    Args:
        each: the figures of each cell, by name. together: those of all.
    """
    sections: tuple[Section, ...] = ("curves", "light", "recombination", "bands")
    made: dict[Section, list[Any]] = {}
    for section in sections:
        found = [picture for _, picture in pictures(results).values() if picture.section == section]
        # on a line of its own, so that what follows stands cell beside cell
        shown = [
            {**together[one.name], "wide": True} for one in found if one.together and one.name in together
        ]
        for one in sorted((one for one in found if not one.together), key=lambda one: one.wide):
            shown += [figures[one.name] for figures in each if one.name in figures]
        made[section] = shown
    return made


def _called() -> dict[str, str]:
    """What people call each experiment of the main job."""
    from perotwin import lab

    return {part: words for one in lab.instruments() for part, words in one.experiments.items()}


def _left_out(results: Sequence[CellResult]) -> list[tuple[str, str]]:
    """What was asked for and not measured, and why: sentences with the cells that they are about; alike ones once."""
    called, found = _called(), dict[str, list[str]]()
    for item in results:
        for part, reason in item.absent.items():
            found.setdefault(f"{called.get(part, part)}: {reason.message}", []).append(item.name)
    return [(listed(names), words) for words, names in found.items()]


def _missing(results: Sequence[CellResult]) -> dict[str, list[str]]:
    """Sentences for the sections with measurements that some cell does not have, by section."""
    from perotwin import lab

    found: dict[str, list[str]] = {}
    for item in results:
        for part, reason in item.absent.items():
            one = lab.find(part)
            if one is not None and one.own_section:
                words = f"{item.name} has no {one.title}: {reason.message}"
                found.setdefault(one.pictures[0].section, []).append(words)
    return found


def inline(path: Path, prefix: str) -> tuple[str, float]:
    """The SVG element of a file, its ids made unique within the page, and its width in pt."""
    text = path.read_text(encoding="utf-8")
    text = text[text.index("<svg") :]
    found = re.search(r'<svg[^>]*? width="([\d.]+)pt"', text)
    width = float(found.group(1)) if found else 490.0
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{prefix}-', text)
    text = re.sub(r'((?:xlink:)?href="#|url\(#)', rf"\g<1>{prefix}-", text)
    text = re.sub(
        r'(<svg[^>]*?) (?:width|height)="[^"]*"([^>]*?) (?:width|height)="[^"]*"', r"\1\2", text, count=1
    )
    return text, width


#: pt, from which on a figure takes the whole width of the page
_WIDE = 420.0


def _figure(
    name: str, path: Path, cells: str, prefix: str, results: Sequence[CellResult], folder: Path | None
) -> dict[str, Any]:
    svg, width = inline(path, prefix)
    words = caption(name, results).format(cells=cells)
    return {
        "name": name,
        "svg": svg,
        "width": width,
        "wide": width > _WIDE,
        "caption": words,
        "alt": words.split(".")[0],
        "files": links.drawn_as(path, folder),
        "data": links.data_of(results, _shown_data(name, results), folder),
    }


def _shown_data(figure: str, results: Sequence[CellResult]) -> list[str]:
    """The names of the data that a figure shows: of measurements "jv", "jv-dark", ..."""
    known = pictures(results).get(figure)
    if known is None:
        return [figure] if figure in ("stack", "map") else ["sample"]
    instrument, picture = known
    keys = [key for one in results for key in one.measured_by(instrument.name)]
    shown = dict.fromkeys(keys if picture.together else [""])
    return [f"{instrument.name}-{key}" if key else instrument.name for key in shown]


def render(
    results: Sequence[CellResult],
    comparison: Mapping[str, Path],
    folder: Path | None = None,
    measured: Sequence[Beside] = (),
) -> str:
    """The page of a run as HTML text.

    Parameters
    ----------
    results : the cells, in order.
    comparison : name -> SVG file of the figures that show all cells at once.
    folder : where the page will lie; it leads to the files of figures and data below that.
    measured : files that are shown beside the cells.
    """
    from perotwin import __version__

    names = listed([item.name for item in results])
    cells: list[dict[str, Any]] = []
    for number, item in enumerate(results):
        figures = [
            _figure(name, path, _whose(name, item), f"c{number}{name}", [item], folder)
            for name, path in item.figures.items()
        ]
        cells.append(
            {
                "result": item,
                "figures": {figure["name"]: figure for figure in figures},
                "provenance": provenance(item),
                "cited": _cited(item),
            }
        )
    together = {
        name: _figure(name, path, listed(_shown(name, results, measured)), f"all{name}", results, folder)
        for name, path in comparison.items()
    }
    checks: dict[str, list[Any]] = {}
    for number, item in enumerate(results):
        for name, check in item.checks.items():
            checks.setdefault(name, [None] * len(results))[number] = check
    return _template().render(
        title=f"{names}: simulated solar cell" + ("s" if len(results) > 1 else ""),
        version=__version__,
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        conditions=made_under(results),
        columns=[(raised(heading(name)), NOMENCLATURE[name].words) for name in CELL_COLUMNS],
        rows=comparison_rows(results),
        beside=bool(measured),
        measured=[
            (one.name, one.file, [digits(name, one.metrics.get(name)) for name in CELL_COLUMNS])
            for one in of_instrument(measured, HEADLINE)
        ],
        cells=cells,
        comparison=together,
        called=_called(),
        sections=_sections(results, [cell["figures"] for cell in cells], together),
        missing=_missing(results),
        differences=differences(results) if len(results) > 1 else [],
        junctions=junctions.of(results),
        at_maximum_power=junctions.AT,
        together=junctions.four_terminals(results),
        carriers=loss_tables.carriers(results),
        photons=loss_tables.photons(results),
        gaps=listed(loss_tables.gaps(results)),
        wavelengths=loss_tables.wavelengths(results),
        voltages=loss_tables.voltages(results),
        maps={item.name: map_words(item) for item in results if "map" in item.measurements},
        experiments=experiments(results, measured),
        left_out=_left_out(results),
        samples=_samples(results),
        checks=checks,
        held=checks_words(results),
        files=links.every_file(results, folder),
        numbers=links.summaries(folder),
    )


def checks_words(results: Sequence[CellResult]) -> str:
    """How many checks hold, as a clause: "12 of 12 checks hold", cell by cell where that differs."""
    said: dict[str, list[str]] = {}
    for item in results:
        items = item.checks.values()
        said.setdefault(f"{sum(one.passed for one in items)} of {len(items)} checks hold", []).append(
            item.name
        )
    if len(said) == 1:
        (words,) = said
        return words if len(results) == 1 else f"{words} in each cell"
    return "; ".join(f"{listed(names)}: {words}" for words, names in said.items())


def map_words(result: CellResult) -> str:
    """Where the map of a cell is best, as a sentence."""
    from perotwin.report import designs

    made = result.measurements["map"]
    best = designs.map_result(made)["best"]
    where = " and ".join(
        f"{made[axis].attrs['path']} = {best[axis]['value']:.4g} {best[axis]['unit']}" for axis in ("x", "y")
    )
    now = f", against {digits('pce', result.metrics['pce'])} % as it is" if "pce" in result.metrics else ""
    return f"at its best the map has {float(best['pce']['value']):.2f} %, with {where}{now}."


def _samples(results: Sequence[CellResult]) -> dict[str, Any]:
    """What the recipes left: their names, and rows (words, unit, value by sample); empty without recipes."""
    made = {item.made.sample.name: item.made.sample for item in results if item.made is not None}
    if not made:
        return {}
    from perotwin.recipe import readings

    return {"names": list(made), "rows": readings_rows([readings(sample) for sample in made.values()])}


def _shown(figure: str, results: Sequence[CellResult], measured: Sequence[Beside] = ()) -> list[str]:
    """The cells and the files whose measurement a figure of the comparison draws."""
    known = pictures(results).get(figure)
    if known is None:
        # figures of samples
        return [item.name for item in results if item.made is not None]
    cells = [item.name for item in results if item.measured_by(known[0].name)]
    return cells + [one.name for one in of_instrument(measured, known[0].name)]


def _whose(figure: str, result: CellResult) -> str:
    """What a figure of one cell shows: the cell, or for fields inside the part of it that they belong to."""
    known = pictures([result]).get(figure)
    measured = None
    if known is not None and known[1].inside:
        measured = result.measured_by(known[0].name).get("")
    part = "" if measured is None else str(measured.attrs.get("shown", ""))
    return f"{result.name} ({part})" if part else result.name


def listed(names: Sequence[str]) -> str:
    """Names as a sentence lists them: "a, b and c"."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else ""


def _cited(result: CellResult) -> list[tuple[str, str]]:
    """The full references behind the sources of a cell, each once, with links."""
    found = {}
    for text in result.cell.sources().values():
        known = references.find(text)
        if known is not None:
            found[known.key] = (str(known), _link(known.link))
    return list(found.values())


def template(name: str) -> Template:
    """A template of this room, with the filters that its pages share."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["raised"] = raised
    environment.filters["sentence"] = sentence
    environment.filters["breakable"] = breakable
    environment.filters["unbroken"] = unbroken
    environment.filters["short"] = short
    return environment.get_template(name)


@cache
def _template() -> Template:
    return template("report.html.j2")


def raised(text: str) -> str:
    """Powers as people set them: "cm^-3" becomes cm with a raised -3 (plain characters, no markup)."""
    return re.sub(r"\^([-−]?\d+)", lambda found: found.group(1).replace("−", "-").translate(_RAISED), text)


def sentence(text: str) -> str:
    """Words with a capital first; a file, a path or what a colon follows ("my-cell: ...") is left as it is called."""
    first = text.partition(" ")[0]
    named = first.endswith(":") or re.search(r"[._|/\\][\w*]", first)
    return text if named else text[:1].upper() + text[1:]


def short(value: float) -> str:
    """A number of a check: two digits, "2e-08" as 2e−8."""
    text = re.sub(
        r"e([+-])0*(\d)", lambda found: f"e{found.group(1).replace('+', '')}{found.group(2)}", f"{value:.2g}"
    )
    return text.replace("-", "−")


def unbroken(text: str) -> Markup:
    """A sentence in which options of a command ("--nuisance") stay in one piece."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"(--[a-z][a-z-]*[a-z])", r'<span class="option">\1</span>', str(escape(text))))


def breakable(path: str) -> Markup:
    """A field path that may break after its dots and bars, where a reader would break it."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"([.|_])", r"\1<wbr>", str(escape(path))))
