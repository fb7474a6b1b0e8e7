"""Open-circuit voltage under many lights: ideality, the curve without resistances, and where fill factor is lost.

    measured = measure(cell, Protocol(brightest="2 sun", dimmest="1e-3 sun"))
    analyse(measured)["pseudo_ff"]

No current flows at open circuit, so that no resistance and no slow carrier counts. Each voltage is that of the current
which the missing light stands for, Jsc (1 - suns): the pseudo curve. The fill factors and losses are those of
`lab.fill_factor_losses`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from perotwin.errors import ConvergenceError, InputError
from perotwin.lab.arguments import of_a_cell, of_measurements
from perotwin.lab.suns_voc_analysis import analyse
from perotwin.measurement import Attribute, Instrument, Picture, Variable
from perotwin.stack.quantity_fields import Intensity, Model, Temperature

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from perotwin.measurement.checks import Checks
    from perotwin.stack import Cell
    from perotwin.transport.states import JunctionStates, State, States
    from perotwin.transport.steady import Solver

__all__ = ["INSTRUMENT", "Protocol", "analyse", "measure", "plot"]

F64 = NDArray[np.float64]

#: brightest and dimmest light, unless said, as parts of the cell's own
_BRIGHTEST, _DIMMEST = 2.0, 1e-3
#: what fits need below the cell's own light
_LEAST_RANGE = 10.0
_MOST = 1000
#: step (V) of the curve under the cell's own light
_STEP = "20 mV"


class Protocol(Model):
    """How open-circuit voltages are taken.

    brightest : light in suns of the cell's spectrum; twice the cell's own unless said.
    dimmest : the same; a thousandth of the cell's own unless said.
    per_decade : lights in each factor of ten.
    settle : whether ions settle under each light, as far as the cell's file lets them move; else all stay as they are
        at open circuit under the cell's own light, as in a sweep of less than a second.
    temperatures : K, at which it is done too, beside the cell's own.
    """

    brightest: Intensity | None = None
    dimmest: Intensity | None = None
    per_decade: int = 10
    settle: bool = True
    temperatures: tuple[Temperature, ...] = ()

    @model_validator(mode="after")
    def _possible(self) -> Protocol:
        if not 3 <= self.per_decade <= _MOST:
            raise InputError(
                f"{self.per_decade} lights a decade tell no slope, or too many of them.",
                f"Give 3 to {_MOST}.",
                key="per_decade",
            )
        return self

    def suns(self, own: float) -> F64:
        """(K,) lights in suns, the brightest first; the cell's own one (suns) is among them.

        Raises:
            InputError: the range does not hold the cell's own light and a tenth of it.
        """
        brightest = _BRIGHTEST * own if self.brightest is None else float(self.brightest)
        dimmest = _DIMMEST * own if self.dimmest is None else float(self.dimmest)
        if not (dimmest > 0.0 and brightest >= own and dimmest <= own / _LEAST_RANGE):
            raise InputError(
                f"lights from {dimmest:g} to {brightest:g} sun do not hold the cell's own {own:g} sun and a tenth "
                "of it.",
                "Give a brightest light of at least the cell's own and a dimmest one of a tenth of it or less.",
                key="dimmest",
            )
        first = np.ceil(self.per_decade * np.log10(dimmest / own) - 1e-9)
        last = np.floor(self.per_decade * np.log10(brightest / own) + 1e-9)
        inner = own * 10.0 ** (np.arange(first, last + 1.0) / self.per_decade)
        every = np.unique(np.round(np.concatenate([[dimmest], inner, [brightest]]) / own, 12)) * own
        if every.size > _MOST:
            raise InputError(
                f"{every.size} lights are more than {_MOST}.", "Give fewer a decade.", key="per_decade"
            )
        return np.asarray(every[::-1])


@of_a_cell
def measure(cell: Cell, protocol: Protocol | None = None) -> xr.Dataset:
    """Solve open and short circuit of a cell under many lights, and its curve under its own.

    Args:
        cell: a stack, several side by side, or a tandem.
        protocol: a default one if absent.

    Returns:
        Over `point`, brightest first, temperature by temperature: `voltage` (V) at open circuit, `intensity` (suns),
        `current_density` (A m^-2) at short circuit, `temperature` (K); NaN where a state was not reached. Over `curve`
        the current-voltage curve under the cell's own light, `curve_voltage` and `curve_current`. Among the attributes
        what that curve has: `jsc`, `ff`, `vmp`, `jmp`; `series_resistance` (ohm m^2) outside the layers; and
        `voc_radiative` (V) where the optics tell the radiative limit of each junction.

    Raises:
        InputError: the cell is in the dark; lights that do not hold its own.
        ConvergenceError: not even its curve was found.
    """
    from perotwin import progress
    from perotwin.lab import conditions
    from perotwin.measurement import check, make_dataset
    from perotwin.measurement.checks import worst
    from perotwin.transport.checks import optical_checks

    protocol = protocol or Protocol()
    own = float(cell.light.intensity)
    if own == 0.0:
        raise InputError(
            f'"{cell.name}" is in the dark, and its light is what is varied.',
            'Give it light: intensity = "1 sun".',
            key="light.intensity",
        )
    suns = protocol.suns(own)
    temperatures = dict.fromkeys([cell.temperature, *protocol.temperatures])
    rows: list[tuple[F64, F64, float]] = []
    found: list[Checks] = []
    first: _Lit | None = None
    with progress.task(f"{cell.name}: lights", total=suns.size * len(temperatures)) as counter:
        for temperature in temperatures:
            warm = cell if temperature == cell.temperature else cell.with_values({"temperature": temperature})
            lit = _lit(warm if protocol.settle else _held(warm))
            first = first or lit
            found.append(lit.of_mesh)
            voltage, current = np.full(suns.size, np.nan), np.full(suns.size, np.nan)
            near = lit.points["open-circuit"].state(0)
            for number, light in enumerate(suns):
                point, checks = _open(lit.solver, near, float(light))
                found.append(checks)
                if point is not None:
                    near, voltage[number] = point, point.voltage
                current[number] = float(lit.solver.sweep([0.0], float(light)).current[0])
                counter.advance()
            rows.append((voltage, current, float(temperature)))
    assert first is not None
    points, states = first.points, first.states
    vmp, jmp = float(points["maximum-power"].voltage[0]), float(points["maximum-power"].current[0])
    voc, jsc = float(points["open-circuit"].voltage[0]), float(points["short-circuit"].current[0])
    missing = sum(int(np.isnan(v).sum() + np.isnan(j).sum()) for v, j, _ in rows)
    about = {
        **conditions.about(cell, protocol, own),
        "irradiance": conditions.irradiance(states),
        "jsc": jsc,
        "ff": vmp * jmp / (voc * jsc),
        "vmp": vmp,
        "jmp": jmp,
        "junctions": sum(max(len(part.junction.halves), 1) for part in _in_series(states)),
        "series_resistance": first.solver.problem.circuit.in_series,
    }
    limit = _radiative_limit(points["short-circuit"])
    if np.isfinite(limit):
        about["voc_radiative"] = limit
    return make_dataset(
        INSTRUMENT,
        {
            "voltage": ("point", np.concatenate([v for v, _, _ in rows])),
            "current_density": ("point", np.concatenate([j for _, j, _ in rows])),
            "curve_voltage": ("curve", states.voltage),
            "curve_current": ("curve", states.current),
        },
        {
            "intensity": ("point", np.tile(suns, len(rows))),
            "temperature": ("point", np.repeat([t for _, _, t in rows], suns.size)),
        },
        about=about,
        checks={
            "points without a solution": check(missing, 0.0),
            **worst(found),
            **optical_checks(first.solver.problem),
        },
        notes=[*conditions.notes(states), _of_ions(cell, protocol)],
    )


class _Lit:
    """A cell's curve under its own light, its points, and the solver that they are of."""

    def __init__(self, cell: Cell) -> None:
        from perotwin.lab import jv

        self.solver, self.states, self.points, self.of_mesh = jv.solved(cell, jv.Protocol(step=_STEP))
        for name in ("short-circuit", "open-circuit", "maximum-power"):
            if name not in self.points or not self.points[name].converged.all():
                raise ConvergenceError(
                    f'{name.replace("-", " ")} of "{cell.name}" was not found under its own light.',
                    "Look at perotwin jv.",
                    stage=name,
                )


def _lit(cell: Cell) -> _Lit:
    return _Lit(cell)


def _open(solver: Solver, near: State, light: float) -> tuple[State | None, Checks]:
    """Open circuit under a light from that under the one before, and its checks; None where it is not found."""
    from perotwin.lab import open_circuit
    from perotwin.transport.checks import steady_checks

    try:
        found = solver.open_circuit(near, light)
        if not found.converged[0]:
            found = open_circuit.settled(solver, light)
    except ConvergenceError:
        try:
            found = open_circuit.settled(solver, light)
        except ConvergenceError:
            return None, {}
    return found.state(0), steady_checks(found)


def _held(cell: Cell) -> Cell:
    """The cell with all its ions as they are at open circuit under its own light."""
    voc = float(_lit(cell).points["open-circuit"].voltage[0])
    response = {"kind": "frozen", "bias": voc, "light": f"{float(cell.light.intensity)!r} sun"}
    return cell.with_values({f"{path}.ions.response": response for path in _layers_with_ions(cell)})


def _layers_with_ions(cell: Cell) -> list[str]:
    return [
        f"{prefix}.{layer.name}" if prefix else layer.name
        for prefix, stack in cell.stacks.items()
        for layer in stack.electrical_layers
        if layer.ions is not None
    ]


def _of_ions(cell: Cell, protocol: Protocol) -> str:
    """What the ions do meanwhile, in words."""
    from perotwin.lab.conditions import frozen_in_light

    if not _layers_with_ions(cell):
        return "no ions move in this cell: a fast and a slow sweep of the light are the same."
    if not protocol.settle:
        return "ions are held as they are at open circuit under the cell's own light (a fast sweep of the light)."
    stack = next(iter(cell.stacks.values()))
    held = frozen_in_light(cell) or any(
        layer.ions is not None and layer.ions.response.kind == "frozen" for layer in stack.electrical_layers
    )
    if held:
        return "ions are held as the cell's file has it."
    return "ions settle under each light (a slow sweep: minutes a point in a real cell)."


def _in_series(states: States) -> list[JunctionStates]:
    """One mesh of each group of columns that lie side by side."""
    return [states.parts[group.parts[0]] for group in states.problem.groups]


def _radiative_limit(short: States) -> float:
    """Open-circuit voltage (V) of the radiative limit, kT/q ln(Jgen / J0 + 1) of each junction in series; NaN where the
    optics do not tell it of all of them, or columns lie side by side.
    """
    from perotwin.transport.profiles import junction_profiles
    from perotwin.transport.radiative_limit import balances

    problem = short.problem
    if len(problem.films) > len(problem.groups):
        return float("nan")
    total = 0.0
    for part in (short.parts[number] for number in problem.films):
        each = list(balances(part, junction_profiles(part)))
        if len(each) != max(len(part.junction.halves), 1):
            return float("nan")
        total += sum(part.junction.vt * float(one.limit[0]) for one in each)
    return total


@of_measurements("suns_voc")
def plot(datasets: xr.Dataset | Sequence[xr.Dataset], ax: Axes | None = None) -> Figure:
    """Voltage against light, and the pseudo curve beside the curve; see `plotting.suns.light`."""
    from perotwin.lab.suns_voc_analysis import pictured
    from perotwin.plotting import style, suns

    items = style.as_list(datasets)
    return suns.light(items, [pictured(item) for item in items], ax)


def _losses(datasets: xr.Dataset | Sequence[xr.Dataset]) -> Figure:
    from perotwin.plotting import style, suns

    items = style.as_list(datasets)
    return suns.losses(items, [analyse(item) for item in items])


INSTRUMENT = Instrument(
    name="suns_voc",
    title="open-circuit voltage against light",
    protocol=Protocol,
    measure=measure,
    analyse=analyse,
    plot=plot,
    pictures=(
        Picture(
            "suns_voc",
            plot,
            "Open-circuit voltage of {cells} against light with the fitted idealities (left), and the pseudo curve "
            "that these voltages make (dashed) beside the curve under the cell's own light (right); the dots mark "
            "maximum power.",
            together=1,
        ),
        Picture(
            "fill_factor_losses",
            _losses,
            "Fill factor of {cells}, and what is lost of it from the radiative limit (line) on: to recombination that "
            "is not radiative, to series resistance outside the layers, to transport in the layers.",
            together=1,
        ),
    ),
    variables=(
        Variable("intensity", ("point",)),
        Variable("voltage", ("point",), required=True),
        Variable("current_density", ("point",)),
        Variable("temperature", ("point",)),
        Variable("curve_voltage", ("curve",)),
        Variable("curve_current", ("curve",)),
    ),
    attributes=(
        Attribute("jsc", "A m-2", "short_circuit_current"),
        Attribute("series_resistance", "ohm m2", "series_resistance"),
    ),
    place=45,
)


def __dir__() -> list[str]:
    return sorted(__all__)
