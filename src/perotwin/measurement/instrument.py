"""What an instrument says of itself: its name, what it measures, and who measures, analyses and draws it.

    INSTRUMENT = Instrument(
        name="echo",
        title="echoes of sound",
        protocol=Protocol,
        measure=measure,
        analyse=analyse,
        plot=plot,
        caption="Echoes that {cells} give back.",
        variables=(Variable("loudness", over=("sound",), required=True), ...),
    )

All that shows instruments follows from this: the experiments of the main job and what people can ask for, the shape of
a dataset, machine output, the sections of the page and its figures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from perotwin.errors import InputError
from perotwin.measurement.metrics import Metrics
from perotwin.measurement.nomenclature import Term, add_term, term_of

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure
    from pydantic import BaseModel

__all__ = [
    "Attribute",
    "Instrument",
    "Picture",
    "Section",
    "Variable",
    "Variant",
    "look_up_with",
    "named",
]

#: where on the page a figure stands; "measurements" is for all that has no place of its own
Section = Literal["measurements", "curves", "light", "recombination", "bands"]


@dataclass(frozen=True)
class Variable:
    """A variable of a measurement, or one of its axes (which runs over itself).

    Attributes:
        name: in the dataset, and in machine output.
        over: the axes that it runs over.
        required: whether every such measurement has it, one that was measured as well.
        written: whether machine output holds it; what is not written is in the NetCDF file.
        term: unit, symbol and words of a quantity that the nomenclature does not list.
        or_over: other axes that it may run over instead.
        whole: whether it may be that of the whole device (ohm, F, A), where no area is known.
        unit: that it is stored in here, where the nomenclature has another kind of quantity by the name.
        relative: whether it may be in units of nothing ("1"), as counts of a detector are.
    """

    name: str
    over: tuple[str, ...]
    required: bool = False
    written: bool = True
    term: Term | None = None
    or_over: tuple[tuple[str, ...], ...] = ()
    whole: bool = False
    unit: str = ""
    relative: bool = False


@dataclass(frozen=True)
class Attribute:
    """A number that belongs to the whole measurement.

    Attributes:
        name: of the attribute; also names the quantity. unit: that it is stored in.
        key: in machine output.
    """

    name: str
    unit: str
    key: str


@dataclass(frozen=True)
class Variant:
    """Another state of the cell that is measured too wherever the instrument is asked for.

    Attributes:
        name: what follows the instrument's name: "dark" makes "jv-dark". title: what people call it.
        cell: the cell in that state.
    """

    name: str
    title: str
    cell: Callable[[Any], Any]


@dataclass(frozen=True)
class Picture:
    """A figure of a report.

    Attributes:
        name: of the file, unique among all figures.
        draw: from the measurement of one cell or, of a figure that shows cells together, from those of all.
        caption: with "{cells}" for the names of what it shows. of_tandems: the same where it shows tandems.
        together: least number of measurements in a figure that shows them together; 0 for one figure a cell.
        section: of the page. wide: whether it takes the whole width there.
        inside: whether it shows what is inside, which may be that of a part of the cell only.
        needs: whether a measurement has what the figure of one cell shows.
    """

    name: str
    draw: Callable[..., Figure]
    caption: str
    of_tandems: str = ""
    together: int = 0
    section: Section = "measurements"
    wide: bool = False
    inside: bool = False
    needs: Callable[[xr.Dataset], bool] = lambda dataset: True


@dataclass(frozen=True)
class Instrument:
    """An instrument of the virtual laboratory.

    Attributes:
        name: an identifier; names its command, its files and its entry in machine output.
        title: what people call its measurement, within a sentence: "quantum efficiency".
        protocol: the model of what it can be told; without arguments what is done unless said.
        measure: `measure(cell, protocol)` gives a dataset, or datasets by name ("reverse", "forward").
        analyse: metrics of what `measure` gives.
        plot: `plot(datasets, ax=None)`, of one dataset or a list.
        variables: what a measurement holds, in the order in which machine output shows it.
        attributes: numbers of the whole that machine output shows.
        caption: of a figure of cells together by `plot`, with "{cells}" for their names.
        pictures: the figures of a report, where that one alone is not what it should show.
        of: what is measured: a "cell", or a "sample" that a recipe left.
        usual: whether the main job does it unless told what to do.
        place: among the experiments of the main job, smallest first.
        variants: other states of the cell that are measured with it.
        entries: of axes that are made of names, the key in machine output under which each name has an entry of its
            own. A variable over an axis of names without such a key is written by name under its own.
        listed: whether these entries are a list and say their names themselves.
        document: what machine output says of a measurement, where the general form does not say it.
        summary: what the entry of a cell in the main job's output says of it; its metrics under its name unless given.
        offered: whether "all experiments" means it too; False of what measures nothing on a twin.
        washed: whether it looks at what lies under the film, so that a coated sample is washed first.
        lit: whether the cell's own light matters; what is taken in the dark is asked about none.
        own_section: whether its results have a place of their own on the page and no table among the measurements.
        compare: `compare(datasets)`, what the first of several measurements is against the others, its references.
    """

    name: str
    title: str
    protocol: type[BaseModel]
    measure: Callable[..., Any]
    analyse: Callable[[Any], Metrics]
    plot: Callable[..., Figure]
    variables: tuple[Variable, ...]
    attributes: tuple[Attribute, ...] = ()
    caption: str = ""
    pictures: tuple[Picture, ...] = ()
    of: Literal["cell", "sample"] = "cell"
    usual: bool = False
    place: float = 100.0
    variants: tuple[Variant, ...] = ()
    entries: Mapping[str, str] = field(default_factory=dict)
    listed: bool = False
    document: Callable[[Any, Metrics], dict[str, Any]] | None = None
    summary: Callable[[Mapping[str, xr.Dataset], Metrics], dict[str, Any]] | None = None
    offered: bool = True
    washed: bool = False
    lit: bool = True
    own_section: bool = False
    compare: Callable[[Any], Metrics] | None = None

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise InputError(
                f'an instrument cannot be called "{self.name}".',
                "Give a name of letters, digits and underscores: it names a command and files.",
                key="name",
            )
        for variable in self.variables:
            if variable.term is not None:
                add_term(variable.name, variable.term)
        if not self.pictures:
            words = self.caption or f"{self.title[:1].upper()}{self.title[1:]} of {{cells}}."
            object.__setattr__(self, "pictures", (Picture(self.name, self.plot, words, together=1),))

    @property
    def drawn_together(self) -> bool:
        """Whether `plot` takes several measurements."""
        return any(one.together for one in self.pictures)

    @property
    def schema(self) -> dict[str, tuple[str, ...]]:
        """The variables that every such measurement has, with their axes."""
        return {one.name: one.over for one in self.variables if one.required}

    @property
    def whole(self) -> frozenset[str]:
        """The variables that may be those of the whole device."""
        return frozenset(one.name for one in self.variables if one.whole)

    def unit_of(self, name: str) -> str | None:
        """The unit of a variable as stored: as declared, or as the nomenclature has it; None of an unknown one."""
        own = next((one.unit for one in self.variables if one.name == name and one.unit), "")
        term = term_of(name)
        return own or (None if term is None else term.unit)

    def may_be_relative(self, name: str) -> bool:
        """Whether a variable may be in units of nothing."""
        return any(one.name == name and one.relative for one in self.variables)

    def other_axes(self, name: str) -> tuple[tuple[str, ...], ...]:
        """Axes that a variable may run over instead of those of the schema."""
        return next((one.or_over for one in self.variables if one.name == name), ())

    @property
    def experiments(self) -> dict[str, str]:
        """What the main job does where this instrument is asked for, with what people call it."""
        return {self.name: self.title} | {f"{self.name}-{one.name}": one.title for one in self.variants}


_finders: list[Callable[[str], Instrument | None]] = []


def look_up_with(find: Callable[[str], Instrument | None]) -> None:
    """Have instruments looked up by name with a function; the laboratory, which lies below this room, gives its own."""
    if find not in _finders:
        _finders.append(find)


def named(name: str) -> Instrument | None:
    """The instrument of that name; None where nothing knows it."""
    return next((found for find in _finders if (found := find(name)) is not None), None)
