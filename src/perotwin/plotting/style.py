"""How things look: one palette, one set of line widths and type sizes, axes that name quantity and unit.

Figures are made without pyplot, so drawing one changes no global state and needs no display. Sizes follow
the two column widths of most journals (85 and 174 mm) with 8 point type, so a figure goes into a manuscript
as it is.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perotwin.measurement import term_of, write_atomically
from perotwin.measurement.junction_names import junction_of
from perotwin.plotting.letters import MISSING_GLYPH, letter_by_letter
from perotwin.plotting.unit_words import unit_latex

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "CELLS",
    "ELECTRON",
    "HOLE",
    "INK",
    "JUNCTIONS",
    "MUTED",
    "ROLES",
    "STATES",
    "as_list",
    "axis_label",
    "channel_colours",
    "colour_in",
    "colour_of_cells",
    "context",
    "figure",
    "junction_colour",
    "junction_of",
    "layer_colour",
    "new_axes",
    "save",
    "spread",
    "text_key",
    "unit_latex",
]

INK = "#1c2733"
MUTED = "#6b7785"
#: cells of a comparison, in order; told apart by people who do not see red and green apart (Wong,
#: 10.1038/nmeth.1618)
CELLS = ("#0B62A4", "#D55E00", "#008F6B", "#8E4A9E", "#B07C00", "#4D4D4D")
ELECTRON = "#0B62A4"
HOLE = "#C6362F"
#: junctions in series, from the one that takes the blue light to the one that takes the red
JUNCTIONS = {"top": "#8E4A9E", "middle": "#008F6B", "bottom": "#D55E00"}
#: operating points, from dark to bright
STATES = {
    "dark": "#4D4D4D",
    "short-circuit": "#0B62A4",
    "maximum-power": "#008F6B",
    "open-circuit": "#D55E00",
}
#: layers by what they do, where their material has no colour of its own; an absorber is dark because it is
ROLES = {
    "substrate": "#DCE7EE",
    "coating": "#C9DDEB",
    "electrode": "#9DB8D2",
    "htl": "#E5A86B",
    "absorber": "#8A5A44",
    "etl": "#5E9C8F",
    "buffer": "#9CC3B5",
}
#: start of a material's name -> its colour in every figure; the longest that fits counts
MATERIALS = {
    "glass": ROLES["substrate"], "mgf2": "#C9DDEB", "lif": "#E8E2B5", "silicon": "#5D6B82", "c-si": "#5D6B82",
    "ito": "#9DB8D2", "fto": "#7FA3C0", "izo": "#B8CBE0", "azo": "#B8CBE0",
    "ag": "#B5B8BC", "au": "#D9B44A", "cu": "#C27B52", "al": "#C9CCD1", "carbon": "#4A4A4A",
    "ni": "#E5A86B", "ptaa": "#D98A5B", "spiro": "#EFC08A", "pedot": "#C58FB5", "moo": "#8E7CC3", "cuscn": "#D3C16A",
    "sam": "#E9B384", "2pacz": "#E9B384", "meo-2pacz": "#E9B384", "me-4pacz": "#E9B384",
    "c60": "#5E9C8F", "pcbm": "#3F8074", "bcp": "#BFD39A", "sno2": "#9CC3B5", "tio2": "#A8C6E8", "zno": "#B7D5E5",
}  # fmt: skip
#: starts of names of what absorbs, where its role is not known
_ABSORBING = ("perovskite", "halide-perovskite", "absorber", "mapb", "fapb", "cspb", "sn-pb")
#: names that tell a role and no material
_NAMED = {"htl": "htl", "etl": "etl"}
#: absorbers of the junctions behind the first, which take what is left
_BEHIND = {"middle": "#64405A", "bottom": "#3F2A3D"}
#: layers that need a colour and have none by any of these
SPARE = ("#B9CFE0", "#C59FC9", "#D9C27E", "#8FA8C9", "#A7B58E", "#D6A7A0")
#: recombination channels by kind
_RADIATIVE, _AUGER, _SHUNT = "#E0A100", "#8E4A9E", "#4D4D4D"
_BULK = ("#7A4B3A", "#B98068", "#D9B7A8")
_FACE = ("#C6362F", "#0B62A4", "#E58C7F", "#7FB2DB")
_CONTACT = ("#66727F", "#9AA6B2")

#: most characters of a word and of a line of text in a figure
_LONGEST_WORD, _LONGEST_LINE = 40, 160

COLUMN, PAGE = 85 / 25.4, 174 / 25.4

_RC: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib: a figure looks the same on every machine
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "mathtext.fontset": "dejavusans",
    "axes.linewidth": 0.7,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.direction": "out",
    "ytick.direction": "out",
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "lines.linewidth": 1.4,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.fonttype": "none",  # words stay words, to be searched, read aloud and edited
    "svg.hashsalt": "perotwin",  # the same data give the same file
}


#: dots per inch of pictures
_DPI = 300


@contextmanager
def context() -> Iterator[None]:
    """matplotlib with this look inside the block only."""
    import matplotlib

    with matplotlib.rc_context(_RC):
        yield


def figure(width: float = COLUMN, height: float = 2.5) -> Figure:
    """An empty figure (inches) that is laid out by itself and belongs to no window."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    made = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(made)
    return made


def new_axes(ax: Axes | None, width: float = COLUMN, height: float = 2.5) -> tuple[Figure, Axes]:
    """``ax`` and the figure that it is in, or new ones when it is None."""
    if ax is None:
        made = figure(width, height)
        return made, made.add_subplot()
    from matplotlib.figure import Figure

    root = ax.get_figure(root=True)
    if not isinstance(root, Figure):
        raise ValueError("these axes belong to no figure; make them with Figure.add_subplot")
    return root, ax


def apart(made: Figure) -> None:
    """Give the panels of a figure room for labels that reach over their edges."""
    engine = made.get_layout_engine()
    if engine is not None:
        engine.set(wspace=0.06, hspace=0.04)  # type: ignore[call-arg]  # constrained layout takes both


def save(made: Figure, stem: str | Path) -> tuple[Path, Path]:
    """Write ``stem.svg`` and ``stem.png`` (300 dpi) of one layout, each in one step; returns their paths."""
    stem = Path(stem)
    paths = stem.with_name(stem.name + ".svg"), stem.with_name(stem.name + ".png")
    with context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", MISSING_GLYPH, UserWarning)
        _cut_long_names(made)
        with _laid_out(made):
            write_atomically(paths[0], lambda path: _write_svg(made, path))
            write_atomically(paths[1], lambda path: _write(made, path, format="png", dpi=_DPI))
    return paths


@contextmanager
def _laid_out(made: Figure) -> Iterator[None]:
    """Lay a figure out once for all files that are written within.

    Saved by itself, each would be laid out and drawn in vain before it is drawn.
    """
    engine, dpi = made.get_layout_engine(), made.dpi
    try:
        if engine is not None:
            made.set_dpi(_DPI)
            for _ in range(2):  # words beside a panel that gets narrower have their room after the second
                _literally_if_needed(made, lambda: engine.execute(made))
            made.set_dpi(dpi)
        made.set_layout_engine(None)
        yield
    finally:
        made.set_dpi(dpi)
        made.set_layout_engine(engine)


def _cut_long_names(made: Figure) -> None:
    """Let far too long words and lines end in an ellipsis; a name of hundreds of letters leaves the axes no room."""
    from matplotlib.text import Text

    for one in made.findobj(Text):
        assert isinstance(one, Text)
        text = one.get_text()
        if len(text) > _LONGEST_WORD and "$" not in text:
            lines = [
                " ".join(_cut(word, _LONGEST_WORD) for word in line.split(" ")) for line in text.split("\n")
            ]
            one.set_text("\n".join(_cut(line, _LONGEST_LINE) for line in lines))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _write(made: Figure, path: Path, **options: Any) -> None:
    """Write a figure."""
    _literally_if_needed(made, lambda: made.savefig(path, **options))


def _literally_if_needed(made: Figure, do: Callable[[], object]) -> None:
    """Do what draws words; a name that looks like mathematics and is none ("$\\frac{$") stands as it is written."""
    try:
        do()
    except ValueError:
        if not _take_literally(made):
            raise
        do()


#: what stands in for the font where that is not installed, the most alike first
_ALIKE = "'DejaVu Sans', 'Bitstream Vera Sans', Verdana, Geneva, sans-serif"


def _write_svg(made: Figure, path: Path) -> None:
    """Write a figure as SVG, its words as words."""
    _write(made, path, format="svg", metadata={"Date": None})
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("'DejaVu Sans'", _ALIKE), encoding="utf-8")


def _take_literally(made: Figure) -> bool:
    """Let texts that cannot be set as mathematics be drawn letter by letter; whether there were any."""
    from matplotlib.text import Text

    texts = [one for one in made.findobj(Text) if isinstance(one, Text)]
    return any([letter_by_letter(one) for one in texts])


def axis_label(name: str) -> str:
    """ "Terminal voltage $V$ (V)" and the like, in the units that people read."""
    term = term_of(name)
    if term is None:
        raise KeyError(name)
    words = term.words[0].upper() + term.words[1:]
    symbol = "" if term.symbol in ("EQE", "FF", "PCE", "HI", "drift") else f" {term.latex}"
    return f"{words}{symbol}" + ("" if term.field_unit == "1" else f" ({unit_latex(term.field_unit)})")


def as_list(datasets: xr.Dataset | Sequence[xr.Dataset]) -> list[xr.Dataset]:
    """One measurement or several, as a list; cells of one name that differ are told apart."""
    from perotwin.plotting.variants import told_apart

    return told_apart(list(datasets) if isinstance(datasets, Sequence) else [datasets])


def colour_of_cells(datasets: Sequence[xr.Dataset]) -> dict[str, str]:
    """A colour for each cell that occurs, in order of appearance; the same cell has one colour in all its
    curves. The points of a sweep take theirs from a scale.
    """
    from perotwin.plotting.variants import named, sweep_of

    swept = sweep_of(datasets)
    if swept is not None:
        return {named(item): swept.colour(float(item.attrs["varied_value"])) for item in datasets}
    names = dict.fromkeys(named(dataset) for dataset in datasets)
    if len(names) <= len(CELLS):
        return dict(zip(names, CELLS, strict=False))
    # So many colours are not told apart: a scale from dark to bright at least shows their order.
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    scale = colormaps["viridis"]
    return {name: to_hex(scale(0.9 * index / (len(names) - 1))) for index, name in enumerate(names)}


def junction_colour(name: str) -> str | None:
    """The colour of a junction in series, or of the one that a column belongs to; None of anything else."""
    return JUNCTIONS.get(name.partition(".")[0])


def layer_colour(name: str, role: str | None = None, material: str | None = None) -> str:
    """The colour of a layer: of its material, one in all figures; of its role where the material has none; by its name
    where neither is known. An absorber has that of its junction.
    """
    junction, own = junction_of(name)
    known = (material or own).lower()
    absorbs = known.startswith(_ABSORBING) and role in (None, "absorber")
    if role == "absorber" or absorbs:
        silicon = known.startswith(("silicon", "c-si"))
        return MATERIALS["silicon"] if silicon else _BEHIND.get(junction.partition(".")[0], ROLES["absorber"])
    for key in dict.fromkeys((known, own.lower())):
        found = max((start for start in MATERIALS if _begins(key, start)), key=len, default=None)
        if found is not None:
            return MATERIALS[found]
    role = role if role in ROLES else _NAMED.get(own.lower())
    return ROLES[role] if role is not None else SPARE[sum(known.encode()) % len(SPARE)]


def _begins(name: str, start: str) -> bool:
    """Whether a name is a material's, or a kind of it: "ito-low-doping" is ITO, "album" is not aluminium."""
    rest = name.removeprefix(start)
    return name.startswith(start) and (
        len(start) > 2 or not rest[:1].isalpha() or (start == "ni" and rest[:1] == "o")
    )


def colour_in(dataset: xr.Dataset, name: str) -> str:
    """The colour of a layer of a measurement, which may tell the role and material of its layers."""
    known = json.loads(str(dataset.attrs.get("layers", "{}")))
    role, material = known.get(name, (None, None))
    return layer_colour(name, role, material or None)


def channel_colours(channels: Sequence[str]) -> dict[str, str]:
    """A colour for each recombination channel, the same kind in the same family in every figure."""
    used = {"bulk": 0, "face": 0, "contact": 0}

    def next_of(kind: str, family: tuple[str, ...]) -> str:
        used[kind] += 1
        return family[(used[kind] - 1) % len(family)]

    colours: dict[str, str] = {}
    for channel in channels:
        if channel.endswith("contact"):
            colours[channel] = next_of("contact", _CONTACT)
        elif "radiative" in channel:
            colours[channel] = _RADIATIVE
        elif "auger" in channel.lower():
            colours[channel] = _AUGER
        elif "shunt" in channel:
            colours[channel] = _SHUNT
        elif "|" in channel:
            colours[channel] = next_of("face", _FACE)
        else:
            colours[channel] = next_of("bulk", _BULK)
    return colours


def text_key(ax: Axes, entries: Sequence[tuple[str, str]], x: float, y: float, **text: Any) -> None:
    """Names in the colours of their curves, in a place without curves near (x, y); see `key.text_key`."""
    from perotwin.plotting.key import text_key as placed

    placed(ax, entries, x, y, **text)


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Positions as close to ``wanted`` as they can be at least ``gap`` apart within [low, high], in the
    same order.

    Pools neighbours that would collide and centres each pool on the mean of what its members wanted; when
    the range cannot hold them all the gap shrinks to what fits.
    """
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    if not order:
        return []
    gap = min(gap, (high - low) / max(len(order) - 1, 1))
    pools: list[tuple[float, list[int]]] = []  # (start of the pool, members)

    def placed(members: list[int]) -> float:
        start = sum(wanted[member] - gap * rank for rank, member in enumerate(members)) / len(members)
        return min(max(start, low), high - gap * (len(members) - 1))

    for index in order:
        members = [index]
        start = placed(members)
        while pools and pools[-1][0] + gap * len(pools[-1][1]) > start:
            members = pools.pop()[1] + members
            start = placed(members)
        pools.append((start, members))
    result = [0.0] * len(wanted)
    for start, members in pools:
        for rank, member in enumerate(members):
            result[member] = start + gap * rank
    return result
