"""The figures of a report, with the captions that they need to be read alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perotwin import lab
from perotwin.plotting import curves, depth, spectra, stack_drawing
from perotwin.report import designs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from perotwin.report.result import CellResult
    from perotwin.stack import Cell, Layer

__all__ = ["CAPTIONS", "caption", "comparison_figures", "drawing", "figures_of", "in_series"]

#: name of a figure -> caption; ``{cells}`` stands for the names of the cells that it shows
CAPTIONS = {
    "jv": (
        "Current density against voltage of {cells}, under illumination (left; the dot marks maximum power) "
        "and in the dark (right)."
    ),
    "scan": (
        "Scans of {cells} in time, reverse solid and forward dashed; dots mark maximum power. The notes below say how "
        "the cells were preconditioned and how fast they were scanned."
    ),
    "mppt": (
        "Tracked power of {cells} from the moment that the light goes on, and the voltage at which the tracker "
        "held them."
    ),
    "tpv": ("Photovoltage of {cells} after a small pulse of light at open circuit."),
    "tpc": ("Photocurrent of {cells} after a small pulse of light at short circuit."),
    "impedance": (
        "Impedance of {cells}: Nyquist plot, magnitude and phase, and capacitance against frequency."
    ),
    "cv": ("Capacitance of {cells} against voltage in the dark, and its inverse square."),
    "eqe": (
        "External quantum efficiency of {cells} and, dashed, the share of photons that is not reflected. The "
        "current density is the overlap with the AM1.5G spectrum."
    ),
    "el": (
        "Electroluminescence of {cells}: spectra at the largest injection (left), and photons out over injected "
        "electrons against the current (right)."
    ),
    "stack": ("The layers of {cells} to scale, as light from the front meets them; the substrate is cut."),
    "absorption": (
        "Where the photons go in {cells}: collected as current (EQE), absorbed by a layer without giving "
        "current, transmitted, or reflected (above the dashed line)."
    ),
    "channels": (
        "Current density lost in each recombination channel of {cells} against voltage. Dotted: delivered."
    ),
    "bands": (
        "Energy bands of {cells} in the dark, at short circuit, at maximum power and at open circuit. "
        "Dashed: quasi-Fermi levels of electrons (blue) and holes (red); the arrow is their splitting in the "
        "absorber."
    ),
    "profiles": (
        "Generation and recombination rates (left) and carrier densities (right; electrons solid, holes "
        "dashed) in {cells} against depth. Recombination at faces and contacts is not part of the rates."
    ),
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


#: what a figure shows of a tandem, where that is more or something else
_OF_TANDEMS = {
    "jv": (
        "Current density against voltage of {cells}, under illumination (left; the dot marks maximum power; thin lines "
        "are the junctions of tandems alone, top dotted and bottom dashed) and in the dark (right)."
    ),
    "stack": (
        "The layers of {cells} to scale, as light from the front meets them, by junction; what is thicker than 20 µm "
        "is cut."
    ),
    "eqe": (
        "External quantum efficiency of the junctions of {cells}, each under its bias light and bias voltage, and, "
        "dashed, the share of photons that is not reflected. The current densities, top and bottom, are the overlap "
        "with the AM1.5G spectrum."
    ),
    "absorption": (
        "Which layer of {cells} absorbs the photons: the absorbers of both junctions below, above them what gives no "
        "current, and reflection. The numbers are the current densities that they come to."
    ),
    "collected": (
        "What {cells} makes of the photons: collected by each junction (EQE, under bias light and bias voltage), "
        "absorbed without giving current, or reflected (above the dashed line)."
    ),
    "map": (
        "{cells} with other numbers: each point is a tandem that was solved with its light. The circle is the tandem "
        "as it is, the star the best of the map; along the dashed line both junctions generate the same current."
    ),
    "channels": (
        "Current density lost in each recombination channel of {cells} against the voltage of the whole, junction by "
        "junction. Dotted: delivered."
    ),
    "bands": (
        "Energy bands of the whole of {cells} at maximum power and, below, at equilibrium. Dashed: quasi-Fermi levels "
        "of electrons (blue) and holes (red); the arrows are their splitting in the absorbers. At the dotted line the "
        "junctions meet. Layers too thin for their name are drawn wider than they are: the axis says at which depth "
        "each face is."
    ),
    "profiles": (
        "Generation at short circuit and recombination rates (above) and carrier densities (below; electrons solid, "
        "holes dashed) in {cells} against depth. Recombination at faces and contacts is not part of the rates. Layers "
        "too thin for their name are drawn wider than they are."
    ),
}


#: operating points whose bands a tandem's page shows; its files hold the others too
_STATES = ("maximum-power", "dark")


def caption(figure: str, results: Sequence[CellResult]) -> str:
    """The caption of a figure that shows some cells, with ``{cells}`` for their names."""
    tandems = any(in_series(result.cell) for result in results)
    if figure in _OF_TANDEMS and (tandems or (figure == "stack" and any(map(_is_tandem, results)))):
        return _OF_TANDEMS[figure]
    return CAPTIONS[figure]


def _is_tandem(result: CellResult) -> bool:
    from perotwin.stack import Tandem

    return isinstance(result.cell, Tandem)


def in_series(cell: Cell) -> bool:
    """Whether a cell has two junctions between its two terminals."""
    from perotwin.stack import Tandem

    return isinstance(cell, Tandem) and cell.junction.kind != "separate"


def drawing(cell: Cell) -> Figure:
    """The stack of a cell, to scale; columns side by side, the junctions of a tandem one behind the other."""
    from perotwin.stack import Tandem, in_order

    if isinstance(cell, Tandem):
        layers = [_drawn(layer, part if part in cell.cells else "") for part, layer in in_order(cell)]
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
    known = result.measurements
    tandem = in_series(result.cell)
    if "eqe" in known:
        if tandem and "photon_flux" in known["eqe"]:
            made["absorption"] = spectra.absorption(known["eqe"])
        made["collected" if tandem else "absorption"] = lab.eqe.plot(known["eqe"])
    if "jv" in known and "channel_current" in known["jv"]:
        made["channels"] = curves.channels(known["jv"])
    if "bands" in known:
        made["bands"] = depth.bands(known["bands"], states=_STATES if tandem else None)
    if "jv" in known and "recombination" in known["jv"]:
        made["profiles"] = depth.profiles(known["jv"])
    if "map" in known:
        made["map"] = designs.map_figure(known["map"])
    return made


def comparison_figures(results: Sequence[CellResult]) -> dict[str, Figure]:
    """The figures that show all cells at once, by name."""
    made = {}
    scans = [
        item.measurements[part] for part in ("jv", "jv-dark") for item in results if part in item.measurements
    ]
    if scans:
        made["jv"] = lab.jv.plot(scans)
    spectra = [item.measurements["eqe"] for item in results if "eqe" in item.measurements]
    if len(spectra) > 1:
        made["eqe"] = lab.eqe.plot(spectra)
    for part in dict.fromkeys(part for item in results for part in item.readings):
        shown = [
            dataset
            for item in results
            for name, dataset in item.measurements.items()
            if name == part or name.startswith(f"{part}-")
        ]
        if shown:
            made[part] = getattr(lab, part).plot(shown)
    return made
