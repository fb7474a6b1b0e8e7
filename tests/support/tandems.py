"""Tandems for tests of the physics, as plain data in SI and eV."""

from typing import Any

from devices import T, layer, selective
from perotwin.stack import Cell, Tandem

Q, KT = 1.602176634e-19, 0.025852


def ideal(top: float, bottom: float, temperature: float = 298.15, **more: Any) -> Tandem:
    """Two ideal cells of these gaps (eV) one behind the other: step absorptance, selective contacts."""

    def junction(gap: float) -> dict[str, Any]:
        return {
            "layer": [layer("absorber", 300e-9, gap=gap, affinity=4.0, mobility=100.0)],
            "contact": {
                "front": selective(4.0 + gap - 0.1, takes="holes"),
                "back": selective(4.1, takes="electrons"),
            },
        }

    return Tandem.from_data(
        {
            "name": "ideal",
            "temperature": temperature,
            "light": {"generation": "step"},
            "top": junction(top),
            "bottom": junction(bottom),
            **more,
        },
        bare_numbers=True,
    )


def plain(
    rates: tuple[float, float] = (6e27, 6e27), statistics: str = "boltzmann", ions: bool = False, **more: Any
) -> Tandem:
    """A tandem with transport layers and traps under a prescribed rate in both absorbers (m^-3 s^-1).

    rates: the second is reached by a factor on the light of the bottom junction.
    """

    def junction(gap: float, doping: float) -> dict[str, Any]:
        moving = {"density": 3e22, "response": "steady", "diffusion_coefficient": 1e-16} if ions else None
        return {
            "layer": [
                layer("htl", 20e-9, role="htl", affinity=4.0 + gap - 2.9, gap=2.9, nc=1e26, nv=1e26, eps=4.0,
                      doping=-doping, mobility=1e-5, statistics=statistics),
                layer("absorber", 200e-9, affinity=4.0, gap=gap, mobility=2e-4, radiative=2e-17, ions=moving,
                      statistics=statistics, trap=[{"electron_lifetime": 2e-7, "hole_lifetime": 2e-7}]),
                layer("etl", 20e-9, role="etl", affinity=4.0, gap=2.5, nc=1e26, nv=1e26, eps=5.0, doping=doping,
                      mobility=1e-5, statistics=statistics),
            ],
            "contact": {"front": {"work_function": "flat-band"}, "back": {"work_function": "flat-band"}},
        }  # fmt: skip

    top, bottom = junction(1.7, 2e24), junction(1.2, 3e24)
    bottom["light"] = {"intensity": rates[1] / rates[0]}
    for key in ("top", "bottom"):
        extra = more.pop(key, {})
        (top if key == "top" else bottom).update(extra)
    return Tandem.from_data(
        {
            "name": "plain",
            "temperature": T,
            "light": {"generation": {"kind": "uniform", "rate": rates[0]}},
            "top": top,
            "bottom": bottom,
            **more,
        },
        bare_numbers=True,
    )


def with_traps(tandem: Tandem, velocity: float, **more: Any) -> Tandem:
    """With recombination at these velocities (m/s) between the junctions."""
    junction = {"kind": "traps", "electron_velocity": velocity, "hole_velocity": velocity, **more}
    return tandem.with_values({"junction": junction})


def shining(closed: bool = True) -> Tandem:
    """A tandem with optics whose top, with more light than the bottom and no traps, shines on it.

    closed: whether the inner contacts keep one carrier off, as the outer ones do.
    """
    return Tandem.from_data(
        {
            "name": "shining",
            "top": {
                "layer": [
                    {"name": "glass", "role": "substrate", "material": "glass", "thickness": "1 mm"},
                    _absorber("500 nm", "1.79 eV"),
                ],
                "contact": {
                    "front": _contact("5.69 eV", "electron"),
                    "back": _contact("4.1 eV", "hole" if closed else None),
                },
            },
            "bottom": {
                "layer": [
                    _absorber("500 nm", "1.25 eV", "4.0 eV"),
                    {"name": "ag", "role": "electrode", "material": "ag", "thickness": "100 nm"},
                ],
                "contact": {
                    "front": _contact("5.15 eV", "electron" if closed else None),
                    "back": _contact("4.1 eV", "hole"),
                },
                "light": {"intensity": "0.6 sun"},
            },
        }
    )


def _contact(work_function: str, closed: str | None) -> dict[str, str]:
    return {"work_function": work_function, **({f"{closed}_velocity": "0 cm/s"} if closed else {})}


def _absorber(thickness: str, gap: str, affinity: str = "4.0 eV") -> dict[str, Any]:
    return {
        "name": "absorber",
        "role": "absorber",
        "material": "halide-perovskite",
        "thickness": thickness,
        "bandgap": gap,
        "electronic": {
            "electron_affinity": affinity,
            "conduction_dos": "2e18 cm^-3",
            "valence_dos": "2e18 cm^-3",
            "electron_mobility": "10 cm^2/(V s)",
            "hole_mobility": "10 cm^2/(V s)",
            "permittivity": 20,
        },
    }


def no_pinholes(cell: Cell) -> dict[str, None]:
    """What a cell without pinholes has otherwise, by field path: one column a junction."""
    return {
        f"{prefix}.{layer.name}.pinholes".removeprefix("."): None
        for prefix, stack in cell.stacks.items()
        for layer in stack.layer
        if layer.pinholes is not None
    }


def no_shunts(cell: Cell) -> dict[str, None]:
    """What a cell without shunts and pinholes has otherwise; where traps join junctions these have no node."""
    shunts = {
        f"{prefix}.circuit.shunt_resistance".removeprefix("."): None
        for prefix, stack in cell.stacks.items()
        if stack.circuit.shunt is not None
    }
    return shunts | no_pinholes(cell)
