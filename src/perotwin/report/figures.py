"""The figures of a report, with the captions that they need to be read alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perotwin.plotting import stack_drawing
from perotwin.report import designs
from perotwin.report.beside import Beside, of_instrument

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from perotwin.measurement import Instrument, Picture
    from perotwin.report.result import CellResult
    from perotwin.stack import Cell, Layer

__all__ = [
    "caption",
    "comparison_figures",
    "drawing",
    "figures_of",
    "in_series",
    "instruments_of",
    "pictures",
]

#: what the page shows besides measurements: name of a figure -> caption, with ``{cells}`` for the names of its cells
_CAPTIONS = {
    "stack": "The layers of {cells} to scale, as light from the front meets them; the substrate is cut.",
    "map": (
        "{cells} with other numbers: each point is a cell that was solved with its light. The circle is the cell as "
        "it is, the star the best of the map; crosses could not be solved."
    ),
    "surface": "The oxide of {cells}: monolayer, additive and bare oxide, and a window with single molecules.",
    "surfaces": "The oxide of {cells}: monolayer, additive and bare oxide, and a window with single molecules.",
    "holes": "Holes in the molecules on the oxide of {cells}, by the largest circle that fits into each.",
    "solvents": "How each solvent lays the oxide of {cells} bare: share of the area, and its correlation length.",
    "additive": "Where the additive of {cells} is in the dry film: against the distance from the oxide, and by place.",
    "additives": "Where the additive of {cells} is in the dry film: against the distance from the oxide, and by place.",
    "drying": "The wet film of {cells} while it dries: thicknesses, concentrations, and places taken on the oxide.",
}
#: the same of tandems, where that is more or something else
_OF_TANDEMS = {
    "stack": (
        "The layers of {cells} to scale, as light from the front meets them, by junction; what is thicker than 20 µm "
        "is cut."
    ),
    "map": (
        "{cells} with other numbers: each point is a tandem that was solved with its light. The circle is the tandem "
        "as it is, the star the best of the map; along the dashed line the junctions generate the same current."
    ),
}


def instruments_of(results: Sequence[CellResult]) -> list[Instrument]:
    """The instruments that measured some cell, each once, in the order in which they are shown."""
    found = {one.name: one for result in results for one in result.instruments}
    return sorted(found.values(), key=lambda one: (one.place, one.name))


def pictures(results: Sequence[CellResult]) -> dict[str, tuple[Instrument, Picture]]:
    """The figures that instruments declare which measured some cell, by name, each with its instrument."""
    return {picture.name: (one, picture) for one in instruments_of(results) for picture in one.pictures}


def caption(figure: str, results: Sequence[CellResult]) -> str:
    """The caption of a figure that shows some cells, with ``{cells}`` for their names."""
    tandems = any(in_series(result.cell) for result in results)
    known = pictures(results).get(figure)
    if known is not None:
        picture = known[1]
        return picture.of_tandems if tandems and picture.of_tandems else picture.caption
    if figure in _OF_TANDEMS and (tandems or (figure == "stack" and any(map(_is_tandem, results)))):
        return _OF_TANDEMS[figure]
    return _CAPTIONS[figure]


def _is_tandem(result: CellResult) -> bool:
    from perotwin.stack import Tandem

    return isinstance(result.cell, Tandem)


def in_series(cell: Cell) -> bool:
    """Whether a cell has several junctions between its two terminals."""
    from perotwin.stack import Tandem

    return isinstance(cell, Tandem) and cell.junction.kind != "separate"


def drawing(cell: Cell) -> Figure:
    """The stack of a cell, to scale; columns side by side, the junctions of a tandem one behind the other."""
    from perotwin.stack import Tandem, in_order

    if isinstance(cell, Tandem):
        columns = {}
        for fraction, elements, plain in cell.columns:
            title = ", ".join(name for which, name in elements.items() if name != which)
            columns[f"{title}, {fraction:.4g} of the area"] = [
                _drawn(layer, part if part in plain.cells else "") for part, layer in in_order(plain)
            ]
        if len(columns) > 1:
            return stack_drawing.side_by_side(columns, light_from=cell.light.side)
        (layers,) = columns.values()
        return stack_drawing.draw(layers, light_from=cell.light.side)
    numbers = cell.quantities()
    stacks = {}
    for prefix, stack in cell.stacks.items():
        area = numbers.get(f"{prefix}.area")
        title = prefix if area is None else f"{prefix}, {area.text} of the area"
        stacks[title] = [_drawn(layer) for layer in stack.layer]
    return stack_drawing.side_by_side(stacks, light_from=cell.light.side)


def _drawn(layer: Layer, part: str = "") -> stack_drawing.Drawn:
    return stack_drawing.Drawn(
        layer.name,
        float(layer.thickness),
        layer.role,
        layer.material if isinstance(layer.material, str) else "",
        str(layer.bandgap.text) if layer.bandgap is not None else "",
        part,
    )


def figures_of(result: CellResult) -> dict[str, Figure]:
    """The figures of one cell, by name; those whose measurement is absent are left out."""
    made = {"stack": drawing(result.cell)}
    for instrument in result.instruments:
        dataset = result.measured_by(instrument.name).get("")
        if dataset is None:
            continue
        for picture in instrument.pictures:
            if not picture.together and picture.needs(dataset):
                made[picture.name] = picture.draw(dataset)
    if "map" in result.measurements:
        made["map"] = designs.map_figure(result.measurements["map"])
    return made


def comparison_figures(results: Sequence[CellResult], measured: Sequence[Beside] = ()) -> dict[str, Figure]:
    """The figures that show all cells at once, and what was measured beside them, by name."""
    made = {}
    for name, (instrument, picture) in pictures(results).items():
        if not picture.together:
            continue
        taken = [result.measured_by(instrument.name) for result in results]
        variants = [variant.name for variant in instrument.variants]
        # cell after cell in its own state, then in each of the others
        shown = [dataset for one in taken for key, dataset in one.items() if key not in variants]
        shown += [one[key] for key in variants for one in taken if key in one]
        shown += [one.dataset for one in of_instrument(measured, instrument.name)]
        if len(shown) >= picture.together:
            made[name] = picture.draw(shown)
    return made
