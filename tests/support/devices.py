"""Electrical cells for tests of the physics, as plain data in SI and eV: nothing but what a test states."""

from typing import Any

import numpy as np
from scipy.constants import Boltzmann, elementary_charge

import perotwin as pt
from perotwin.stack import Stack
from perotwin.transport.build import build
from perotwin.transport.profiles import Profiles, profiles
from perotwin.transport.steady import Solver, States

Q = elementary_charge
T = 300.0
#: kT/q, V, at the temperature of these cells
VT = Boltzmann * T / Q


def layer(
    name: str,
    thickness: float,
    *,
    role: str = "absorber",
    affinity: float = 4.0,
    gap: float = 1.6,
    nc: float = 1e24,
    nv: float = 1e24,
    mobility: float | tuple[float, float] = 1e-4,
    eps: float = 10.0,
    doping: float = 0.0,
    statistics: str = "boltzmann",
    radiative: float | None = None,
    auger: tuple[float, float] | None = None,
    trap: list[dict[str, Any]] | None = None,
    ions: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """One electrical layer; doping > 0 are donors, mobility of both carriers or (electrons, holes)."""
    electrons, holes = mobility if isinstance(mobility, tuple) else (mobility, mobility)
    recombination: dict[str, Any] = {}
    if radiative is not None:
        recombination["radiative"] = {"kind": "coefficient", "coefficient": radiative}
    if auger is not None:
        recombination["auger"] = {"electron": auger[0], "hole": auger[1]}
    data: dict[str, Any] = {
        "name": name,
        "role": role,
        "thickness": thickness,
        "electronic": {
            "electron_affinity": affinity,
            "bandgap": gap,
            "conduction_dos": nc,
            "valence_dos": nv,
            "electron_mobility": electrons,
            "hole_mobility": holes,
            "permittivity": eps,
            "donor_density": max(doping, 0.0),
            "acceptor_density": max(-doping, 0.0),
            "statistics": statistics,
            "reference_temperature": T,
        },
        "recombination": recombination,
        **more,
    }
    if trap:
        data["trap"] = trap
    if ions:
        data["ions"] = {"diffusion_coefficient": 1e-14, **ions}
    return data


def cell(
    *layers: dict[str, Any],
    front: Any = "flat-band",
    back: Any = "flat-band",
    rate: float = 0.0,
    faces: dict[str, Any] | None = None,
    **more: Any,
) -> Stack:
    """A cell under uniform generation `rate` (m^-3 s^-1); a contact is a work function (eV) or a whole table."""
    contacts = [side if isinstance(side, dict) else {"work_function": side} for side in (front, back)]
    return Stack.from_data(
        {
            "name": "test",
            "temperature": T,
            "light": {"generation": {"kind": "uniform", "rate": rate}},
            "layer": list(layers),
            "interface": faces or {},
            "contact": {"front": contacts[0], "back": contacts[1]},
            **more,
        },
        bare_numbers=True,
    )


def selective(work_function: Any, takes: str) -> dict[str, Any]:
    """A contact that takes one kind of carrier, "electrons" or "holes", and reflects the other."""
    closed = "hole_velocity" if takes == "electrons" else "electron_velocity"
    return {"work_function": work_function, closed: 0.0}


def states(stack: Stack, voltages: Any, intensity: float = 1.0, **options: Any) -> States:
    """Steady states of a cell; all of them must have converged."""
    found = Solver(build(stack, **options)).sweep(voltages, intensity)
    assert found.converged.all()
    return found


def inside(stack: Stack, voltages: Any, intensity: float = 1.0, **options: Any) -> tuple[States, Profiles]:
    """Steady states and their fields."""
    found = states(stack, voltages, intensity, **options)
    return found, profiles(found)


def metrics(stack: Stack, **protocol: Any) -> dict[str, float]:
    """What `lab.jv` makes of a cell, every check passed."""
    measured = pt.lab.jv.measure(stack, pt.lab.jv.Protocol(**protocol))
    failed = {name: row for name, row in pt.measurement.checks_of(measured).items() if not row.passed}
    assert not failed, failed
    return {name: metric.value for name, metric in pt.lab.jv.analyse(measured).items()}


def generation(problem: Any) -> float:
    """Pairs that one sun makes, as a current, A m^-2."""
    return float(Q * np.sum(problem.generation))


_FACE = {"level": {"below": "conduction", "depth": 0.5}, "density": 3e15}
_CAPTURE = {"electron_capture": 1e-14, "hole_capture": 3e-15}


def everything(
    statistics: str,
    response: Any = "steady",
    transport: tuple[str, str] = ("continuous", "continuous"),
    crowded: bool = True,
) -> Stack:
    """A cell with all that the equations know: levels of each charge, ions of both signs, a dipole, finite contacts."""
    traps = [
        {"level": {"below": "conduction", "depth": 0.3}, "density": 2e22, "charge": "acceptor", **_CAPTURE},
        {"level": {"above": "valence", "height": 0.4}, "density": 1e22, "charge": "donor", **_CAPTURE},
        {"electron_lifetime": 1e-7, "hole_lifetime": 3e-7},
    ]
    second = {"density": 2e22, "charge": -1, "site_density": 1e25, "diffusion_coefficient": 1e-14}
    ions = {"density": 1e23, "site_density": 2e24, "second": second, "response": response}
    if not crowded:
        del ions["site_density"], second["site_density"]
    faces: dict[str, Any] = {
        "htl|absorber": {"dipole": 0.15, "transport": transport[0]},
        "absorber|etl": {"dipole": -0.05, "transport": transport[1]},
    }
    if transport[0] == "continuous":
        faces["htl|absorber"]["trap"] = [{**_FACE, **_CAPTURE, "charge": "donor"}]
    if transport[1] == "continuous":
        faces["absorber|etl"]["trap"] = [{**_FACE, **_CAPTURE, "charge": "acceptor"}]
    return cell(
        layer("htl", 30e-9, role="htl", affinity=2.5, gap=2.9, nc=1e25, nv=1e26, mobility=1e-7, eps=4.0,
              doping=-3e24, statistics=statistics),
        layer("absorber", 300e-9, affinity=3.9, gap=1.6, nc=2e24, nv=3e24, mobility=(2e-4, 1e-4), eps=20.0,
              doping=1e21, statistics=statistics, radiative=1e-16, auger=(1e-40, 2e-40), trap=traps, ions=ions),
        layer("etl", 40e-9, role="etl", affinity=4.05, gap=2.0, nc=1e26, nv=1e25, mobility=1e-6, eps=5.0,
              doping=2e25, statistics=statistics),
        front={"work_function": 5.3, "electron_velocity": 10.0, "hole_velocity": 1e3},
        back={"work_function": 4.1, "electron_velocity": 1e4, "hole_velocity": 1.0},
        faces=faces,
        rate=3e27,
    )  # fmt: skip
