"""What a cell states that can be solved and can hardly be meant: polarity, work functions, gaps, lengths, light.

    remarks(build(cell))          # sentences; none for a cell that could be made

Each is a note that every result of the cell carries: the equations have an answer, and it is the right one for what the
file says.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from perotwin.constants import elementary_charge as Q
from perotwin.stack import Stack, Tandem
from perotwin.transport import device as dv
from perotwin.transport.energies import bands, neutral_fermi_level

if TYPE_CHECKING:
    from perotwin.stack import Cell, Layer
    from perotwin.transport.build import Problem
    from perotwin.transport.junction import Junction

__all__ = ["WRONG_WAY", "remarks"]

#: what the remark on a cell whose anode and cathode are exchanged says
WRONG_WAY = "the wrong way round"
#: doping that opposes the contacts by less than this is none that was meant, eV
_OPPOSED = 0.3
#: a contact's Fermi level lies within this of a band of its layer, eV
_FAR_FROM_BANDS = 1.0
#: gaps that rise by less than this in the direction of light do not count as reversed, eV
_SAME_GAP = 0.02
#: thickness, m: of a film of halide perovskite, of a wafer, of any absorber at least
_FILM, _WAFER, _MONOLAYERS = 20e-6, 1e-3, 5e-9
#: length of a bond, m: carriers that diffuse less are not described by densities
_BOND = 0.3e-9
#: suns at which sunlight is as intense as on the sun's surface: no optics brings more (R. Winston, J. C. Minano,
#: P. Benitez, Nonimaging Optics (Elsevier, 2005), chapter 2: 1 / sin^2 of the sun's half angle of 0.267 degrees)
_MOST_SUNS = 46_000.0
#: A m^-2 that prescribed generation makes at 1 sun at least: a thousandth of what a dim absorber takes of sunlight
_LEAST_CURRENT = 0.1


def remarks(problem: Problem) -> tuple[str, ...]:
    """What a reader of any result of the problem must see of the cell that it is of."""
    found: list[str] = []
    for name, number in problem.typical.items():
        part = problem.parts[number]
        where = f"{name}: " if name else ""
        found += [where + words for words in (*_polarity(part), *_work_functions(part))]
        found += [where + words for words in (*_thicknesses(part.stack), *_diffusion_lengths(part))]
    found += _gaps(problem.lit_cell)
    found += _light(problem)
    return tuple(found)


# --- polarity --------------------------------------------------------------------------------------------------------


def _polarity(part: Junction) -> Iterator[str]:
    """Whether the contacts of a junction oppose its layers.

    The anode is the side of the hole transport layer where the roles of the layers say so; else the larger work
    function marks it, and doping may contradict.
    """
    if part.isolated:
        return
    psi = [float(part.device.contact[side, dv.C_PSI]) * part.vt for side in (0, 1)]
    built_in = (psi[1] - psi[0]) * (1.0 if part.device.anode_front else -1.0)
    anode, cathode = ("front", "back") if part.device.anode_front else ("back", "front")
    if built_in < 0.0:
        yield (
            f"anode and cathode are {WRONG_WAY}: by the roles of its layers the anode is at the {anode}, and the work "
            f"functions (with the dipoles between them) pull holes to the {cathode}, a built-in voltage of "
            f"{built_in:.3g} V. Exchange contact.front and contact.back, or the roles htl and etl."
        )
        return
    layers = part.stack.electrical_layers
    if len(layers) < 2 or {"htl", "etl"} & {layer.role for layer in layers}:
        return
    first, last = (_neutral(part, layer) for layer in (layers[0], layers[-1]))
    rise = (last - first) * (1.0 if part.device.anode_front else -1.0)
    if rise < -_OPPOSED:
        yield (
            f"anode and cathode are {WRONG_WAY}: the larger work function is at the {anode}, and the doping makes the "
            f"{cathode} the p side, by {-rise:.3g} eV. Exchange contact.front and contact.back, or the doping."
        )


def _neutral(part: Junction, layer: Layer) -> float:
    """Fermi level of a layer by itself, eV from vacuum."""
    assert layer.electronic is not None
    own = layer.electronic
    band = bands(layer, float(part.stack.temperature))
    return float(neutral_fermi_level(band, float(own.donor_density), float(own.acceptor_density), layer.trap))


def _work_functions(part: Junction) -> Iterator[str]:
    """A remark for each contact whose Fermi level lies far from both bands of the layer that it touches."""
    stack = part.stack
    assert stack.contact is not None
    layers = stack.electrical_layers
    for side, layer in (("front", layers[0]), ("back", layers[-1])):
        work: Any = getattr(stack.contact, side).work_function
        if isinstance(work, str):
            continue
        assert layer.electronic is not None
        top = float(layer.electronic.electron_affinity)
        far = min(abs(float(work) - top), abs(float(work) - top - layer.gap))
        if far > _FAR_FROM_BANDS:
            yield (
                f"contact.{side}: a work function of {float(work):.3g} eV lies {far:.2g} eV from both bands of "
                f"{layer.name} (at {top:.3g} and {top + layer.gap:.3g} eV below vacuum), so that it makes contact with "
                'neither. Give one near the band that it serves, or "flat-band".'
            )


# --- lengths and gaps ------------------------------------------------------------------------------------------------


def _thicknesses(stack: Stack) -> Iterator[str]:
    for layer in stack.electrical_layers:
        thickness = float(layer.thickness)
        film = layer.role == "absorber" and layer.material == "halide-perovskite"
        most = _FILM if film else _WAFER
        if thickness > most:
            kind = "films of halide perovskite" if film else "layers of solar cells"
            yield (
                f"{layer.name}: a thickness of {1e6 * thickness:.4g} um is far beyond {kind} (below "
                f"{1e6 * most:g} um). Was nm meant?"
            )
        elif layer.role == "absorber" and thickness < _MONOLAYERS:
            yield (
                f"{layer.name}: a thickness of {1e9 * thickness:.3g} nm is a few unit cells, where bands and drift-"
                "diffusion mean little. Was um meant?"
            )


def _diffusion_lengths(part: Junction) -> Iterator[str]:
    """A remark for each layer through whose traps a carrier is lost before it has moved by a bond."""
    device = part.device
    for m, layer in enumerate(part.stack.electrical_layers):
        own = slice(int(device.trap_start[m]), int(device.trap_start[m + 1]))
        for carrier, rate, mobility in (("electrons", dv.T_RN, dv.MU_N), ("holes", dv.T_RP, dv.MU_P)):
            fastest = float(device.trap[own, rate].max(initial=0.0))
            if fastest <= 0.0:
                continue
            length = (device.vt * float(device.layer[m, mobility]) / fastest) ** 0.5
            if length < _BOND:
                yield (
                    f"{layer.name}: {carrier} diffuse {1e9 * length:.2g} nm before a trap takes them, less than a "
                    "bond: this is beyond drift-diffusion. Give a longer lifetime or a higher mobility."
                )


def _gaps(cell: Cell) -> Iterator[str]:
    """Whether light meets a narrower gap before a wider one, which then gets none of its photons."""
    if not isinstance(cell, Tandem):
        return
    gaps: dict[str, float] = {}
    for which, stack in cell.stacks.items():
        absorbers = [layer.gap for layer in stack.absorbers]
        name = which.partition(".")[0]
        if absorbers:
            gaps[name] = min([*absorbers, *([gaps[name]] if name in gaps else [])])
    order = list(gaps.items())
    for (first, wide), (second, narrow) in pairwise(order if cell.light.side == "front" else order[::-1]):
        if narrow > wide + _SAME_GAP:
            yield (
                f"the gaps are reversed: light meets the {first} junction of {wide:.3g} eV before the {second} one of "
                f"{narrow:.3g} eV, which is left with what the former does not take. Exchange them, or let the light "
                "in from the other side."
            )


# --- light ---------------------------------------------------------------------------------------------------------


def _light(problem: Problem) -> Iterator[str]:
    cell = problem.lit_cell
    suns = float(cell.light.intensity)
    if isinstance(cell, Tandem):
        suns *= max(float(one.light.intensity) for one in cell.stacks.values())
    if suns > _MOST_SUNS:
        yield (
            f"light.intensity: {suns:.3g} suns are more than sunlight can be concentrated to ({_MOST_SUNS:g}, as on "
            "the sun's surface)."
        )
    kind = cell.light.generation.kind
    made = max((Q * float(part.generation.sum()) for part in problem.parts), default=0.0)
    if kind in ("file", "uniform", "beer-lambert") and 0.0 < made < _LEAST_CURRENT:
        yield (
            f"light.generation: what is prescribed makes {0.1 * made:.2g} mA/cm^2 at 1 sun; sunlight holds 69. Rates "
            "are in m^-3 s^-1: one in cm^-3 s^-1 is a million times as much."
        )
