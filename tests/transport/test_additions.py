"""What it takes to add physics: a mechanism of recombination and a type of contact, in a copy of the package.

Each is one compiled function with value and slopes, the names of its columns, and one model in `stack/`; a mechanism
also has its rate in numpy, which the checks hold the solver to. Nothing else is touched.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

import perotwin
from fresh import SUPPORT, python

HOUSE = Path(perotwin.__file__).parent

#: file: what is replaced by what
MECHANISM = {
    "transport/device.py": [
        ("AUGER_P, LAYER_COLUMNS,\n) = range(13)", "AUGER_P, LIFETIME, LAYER_COLUMNS,\n) = range(14)"),
        ('"auger": (AUGER_N, AUGER_P)}', '"auger": (AUGER_N, AUGER_P), "monomolecular": (LIFETIME,)}'),
    ],
    "transport/kernels/recombination.py": [
        (
            "#: in the order of `device.MECHANISMS`\nCOEFFICIENTS = (radiative, auger)",
            """
@inlined
def monomolecular(row, n, p):
    if row[dv.LIFETIME] == 0.0:
        return 0.0, 0.0, 0.0
    c = 1.0 / (row[dv.LIFETIME] * (n + p))
    return c, -c * n / (n + p), -c * p / (n + p)


COEFFICIENTS = (radiative, auger, monomolecular)""",
        ),
    ],
    "stack/parts.py": [
        (
            "class Recombination(Model):",
            """class Monomolecular(Model):
    inline: ClassVar[bool] = True
    channel: ClassVar[str] = "single-carrier"
    lifetime: Time


class Recombination(Model):""",
        ),
        (
            "    auger: Auger | None = None\n",
            "    auger: Auger | None = None\n    monomolecular: Monomolecular | None = None\n",
        ),
    ],
}  # fmt: skip
IN_NUMPY = {
    "transport/profiles.py": [
        (
            '    "auger": lambda',
            '    "monomolecular": lambda layer, n, p: np.where(layer[:, dv.LIFETIME] > 0.0, 1.0, 0.0)\n'
            "    / (np.maximum(layer[:, dv.LIFETIME], 1e-300) * (n + p)),\n"
            '    "auger": lambda',
        )
    ]
}
CONTACT = {
    "transport/device.py": [
        ("C_SP, C_BARE, CONTACT_COLUMNS = range(5)", "C_SP, C_BARE, C_PAIR_V, C_PAIR_N, CONTACT_COLUMNS = range(7)"),
        (
            "CONTACT_TYPES: dict[str, tuple[int, ...]] = {}",
            'CONTACT_TYPES: dict[str, tuple[int, ...]] = {"in_pairs": (C_PAIR_V, C_PAIR_N)}',
        ),
    ],
    "transport/kernels/contacts.py": [
        (
            "LOSSES = (surface_recombination,)",
            """
@inlined
def in_pairs(row, carrier, n, d):
    if row[dv.C_PAIR_N] == 0.0:
        return 0.0, 0.0, 0.0
    c = row[dv.C_PAIR_V] * n * n / row[dv.C_PAIR_N]
    loss = -c * expm1(-d)
    return loss, 2.0 * loss, c * np.exp(-d)


LOSSES = (surface_recombination, in_pairs)""",
        ),
    ],
    "stack/parts.py": [
        (
            "class Contact(FromLibrary):",
            """class InPairs(Model):
    inline: ClassVar[bool] = True
    velocity: Velocity
    density: Density


class Contact(FromLibrary):""",
        ),
        (
            "    hole_velocity: Velocity | None = None\n\n\nclass Contacts",
            "    hole_velocity: Velocity | None = None\n    in_pairs: InPairs | None = None\n\n\nclass Contacts",
        ),
    ],
}  # fmt: skip

LINES = """
import json
import numpy as np
import perotwin
from devices import VT, cell, layer, selective
from perotwin.transport import profiles as tables
from perotwin.transport.build import build
from perotwin.transport.checks import steady_checks
from perotwin.transport.profiles import profiles
from perotwin.transport.steady import Solver

Q, told = 1.602176634e-19, {"where": perotwin.__file__}


def failed(states):
    assert states.converged.all()
    return [name for name, row in steady_checks(states).items() if not row.passed]


def slopes(solver, volts, h=2e-4):
    solver.tolerance = 1e-10
    near = solver.sweep([volts], 1.0)
    around = solver.sweep([volts - 2 * h, volts - h, volts + h, volts + 2 * h], 1.0, near.state(0)).current
    return solver.slope(near.state(0), 1.0), float(around[0] - 8 * around[1] + 8 * around[2] - around[3]) / (12 * h)


# holes that nothing takes away live as long as the mechanism says
rate, lifetime, doping = 1e24, 1e-7, 1e23
one = layer("absorber", 300e-9, doping=doping, mobility=1.0)
one["recombination"]["monomolecular"] = {"lifetime": lifetime}
wall = selective("flat-band", takes="electrons")
stack = cell(one, front=wall, back=wall, rate=rate)
again = type(stack).from_toml(stack.to_toml())
assert again == stack and "lifetime" in stack.to_toml()
solver = Solver(build(stack))
states = solver.sweep([0.0, 0.01], 1.0)
told["losses"] = {name: lost.tolist() for name, lost in states.losses().items()}
told["generated"] = Q * rate * 300e-9
told["holes"] = profiles(states).hole_density[0].tolist()
told["checks"] = failed(states)
told["slope"] = []
both = cell(
    layer("htl", 20e-9, role="htl", affinity=2.8, gap=2.8, doping=-1e24, mobility=1e-5),
    one | {"electronic": one["electronic"] | {"donor_density": 0.0}},
    layer("etl", 20e-9, role="etl", affinity=4.0, gap=2.5, doping=1e24, mobility=1e-5),
    rate=3e27,
)
solver = Solver(build(both))
told["slope"] += [slopes(solver, volts) for volts in (0.5, 0.9, 1.05)]
told["checks"] += failed(solver.sweep([0.0, 0.5, 0.9, 1.05], 1.0))
kept = dict(tables.COEFFICIENTS)
tables.COEFFICIENTS["monomolecular"] = lambda layer, n, p: 0.999 * kept["monomolecular"](layer, n, p)
told["wrong"] = failed(solver.sweep([0.0, 0.9], 1.0))
tables.COEFFICIENTS.update(kept)

# electrons that leave in pairs: all of the voltage is their step at the contact
velocity, density = 1e-3, 1e22
for where in ("front", "back"):
    odd = {"work_function": "flat-band", "in_pairs": {"velocity": velocity, "density": density}}
    ends = {"front": "flat-band", "back": "flat-band"} | {where: odd}
    stack = cell(layer("absorber", 100e-9, doping=1e22, mobility=1e-2), **ends)
    assert type(stack).from_toml(stack.to_toml()) == stack
    solver = Solver(build(stack))
    volts = np.array([-0.05, -0.03, 0.0, 0.02, 0.05])
    states = solver.sweep(volts, 1.0)
    told["checks"] += failed(states)
    told[where] = states.current.tolist()
    d = volts / VT if where == "front" else -volts / VT
    sign = -1.0 if where == "front" else 1.0
    told[f"{where} wanted"] = (sign * Q * velocity / density * 1e44 * (np.exp(2 * d) - np.exp(d))).tolist()
    told["slope"] += [slopes(solver, v, 1e-4) for v in (-0.03, 0.02)]
print(json.dumps(told))
"""


def changed(folder: Path, *changes: dict[str, list[tuple[str, str]]]) -> Path:
    """A copy of the package with changes; each must find its place once."""
    house = folder / "perotwin"
    shutil.copytree(HOUSE, house, ignore=shutil.ignore_patterns("__pycache__"))
    for change in changes:
        for name, pairs in change.items():
            path = house / name
            text = path.read_text(encoding="utf-8")
            for before, after in pairs:
                assert text.count(before) == 1, (name, before, text.count(before))
                text = text.replace(before, after)
            path.write_text(text, encoding="utf-8")
    return house


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a new process finds with both additions."""
    folder = tmp_path_factory.mktemp("added")
    house = changed(folder, MECHANISM, IN_NUMPY, CONTACT)
    done = python("-c", LINES, timeout=900, PYTHONPATH=os.pathsep.join([str(folder), str(SUPPORT)]))
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert Path(found["where"]).parent == house
    return found


@pytest.mark.slow
def test_a_mechanism_is_one_function_and_one_model(told: dict[str, Any]) -> None:
    losses, rate, lifetime = told["losses"], 1e24, 1e-7
    assert set(losses) == {"absorber single-carrier", "front contact", "back contact"}
    assert losses["absorber single-carrier"] == pytest.approx([told["generated"]] * 2, rel=1e-9)
    # p n / (n + p) / lifetime = rate, where p is a millionth of n
    assert told["holes"] == pytest.approx([rate * lifetime] * len(told["holes"]), rel=1e-4)


@pytest.mark.slow
def test_a_contact_type_is_one_function_and_one_model(told: dict[str, Any]) -> None:
    """J = q v n0^2 / N (exp(2 V / kT) - exp(V / kT)): the square of the density at the contact, n0 exp(V / kT)."""
    for where in ("front", "back"):
        assert told[where] == pytest.approx(told[f"{where} wanted"], rel=1e-4, abs=1e-9), where
    assert max(abs(value) for value in told["front"]) > 1.0


@pytest.mark.slow
def test_the_slopes_that_were_added_are_those_of_the_values(told: dict[str, Any]) -> None:
    assert len(told["slope"]) == 7
    for exact, difference in told["slope"]:
        assert exact == pytest.approx(difference, rel=1e-6)


@pytest.mark.slow
def test_the_checks_see_what_was_added(told: dict[str, Any]) -> None:
    """All pass, and not by looking away: a rate that is a thousandth off in numpy fails one."""
    assert told["checks"] == []
    assert "contact currents balance generation and recombination" in told["wrong"]
