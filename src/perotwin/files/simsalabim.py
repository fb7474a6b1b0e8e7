"""Cells as SIMsalabim 5 defines them: a file of the simulation and one of each layer.

Lines are "key = value * comment", lines that begin with * are comments; units are SI, energies in eV below vacuum.
M. Koopmans, V. M. Le Corre, L. J. A. Koster, J. Open Source Softw. 7, 3727 (2022), doi:10.21105/joss.03727; the manual
of the program says what each key means.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from perotwin.constants import Boltzmann, e, epsilon_0
from perotwin.errors import InputError, shown
from perotwin.files.cells import ImportedCell, Keys, stack_of, text_of, written

__all__ = ["read"]

_VERSION = re.compile(r"version:\s*(\S+)")
_CHARGE = {-1: "acceptor", 0: "neutral", 1: "donor"}

_NUMERICS = "numerics of the other program; perotwin chooses its own"
_PROTOCOL = "what to simulate, not what the cell is: see perotwin jv --start, --stop, --step and --scan"
_INTERFACE = "files and fits of the other program"
_WITHOUT_EFFECT = "without effect here, because {switch} is off"
_UNKNOWN = "not known to perotwin"

_NUMERICAL_KEYS = (
    "NP", "tolPois", "maxDelV", "maxItPois", "maxItSS", "currDiffInt", "tolCurr", "tolDens", "couplePC", "minAcc",
    "maxAcc", "ignoreNegDens", "convVar", "failureMode", "grad", "tolVint",
)  # fmt: skip
_PROTOCOL_KEYS = ("Vdist", "Vscan", "Vmin", "Vmax", "Vstep", "Vacc", "NJV", "untilVoc")
_FILE_KEYS = (
    "timeout", "pauseAtEnd", "autoTidy", "useExpData", "expJV", "fitMode", "fitThreshold", "JVFile", "varFile",
    "limitDigits", "outputRatio", "scParsFile", "logFile",
)  # fmt: skip


def read(path: str | Path, text: str, name: str) -> ImportedCell:
    """The cell of a file of the simulation (`text`) and the layer files that it names.

    Raises
    ------
    InputError : a key is missing or no number, a layer file is missing, a profile of traps is in a file.
    """
    file = str(path)
    folder = Path(path).resolve().parent
    setup = Keys(Path(path).name, file, _pairs(text, file))
    version = _VERSION.search(text)
    temperature = setup.number("T")
    layers = _layers(setup, folder, file)
    cathode_in_front = setup.number("leftElec") < 0
    roles = _roles(layers, cathode_in_front, file)
    names = _names(roles)
    optical = setup.text("genProfile").strip().lower() == "calc"
    entries = [
        _layer(keys, role, one, temperature, optical, folder)
        for keys, role, one in zip(layers, roles, names, strict=True)
    ]
    fixed = setup.number("fixIons", 0.0) == 1
    start = setup.number("Vpre", 0.0) if setup.number("preCond", 0.0) == 1 else setup.number("Vmin", 0.0)
    if setup.number("preCond", 0.0) != 1:
        setup.moot("Vpre", _WITHOUT_EFFECT.format(switch="preCond"))
    for entry in entries:
        if "ions" in entry:
            held = {"kind": "frozen", "bias": written(start, "V"), "light": "1 sun"}
            entry["ions"]["response"] = held if fixed else {"kind": "steady"}
    faces = {}
    for number, keys in enumerate(layers):
        face = _face(keys, last=number == len(layers) - 1)
        if face is not None:
            faces[f"{names[number]}|{names[number + 1]}"] = {"trap": [face]}
    data: dict[str, Any] = {
        "name": name,
        "source": f"{Path(path).name} (SIMsalabim{'' if version is None else ' ' + version[1]})",
        "temperature": written(temperature, "K"),
        "light": _light(setup, layers, roles, folder),
        "layer": _optics(setup, entries, folder) if optical else entries,
        "contact": _contacts(setup),
        "circuit": _circuit(setup),
    }
    if faces:
        data["interface"] = faces
    for group, why in ((_NUMERICAL_KEYS, _NUMERICS), (_PROTOCOL_KEYS, _PROTOCOL), (_FILE_KEYS, _INTERFACE)):
        for key in group:
            setup.moot(key, why)
    setup.rest(_UNKNOWN)
    for layer in layers:
        layer.rest(_UNKNOWN)
    told = [one for keys in (setup, *layers) for one in keys.told]
    program = f"SIMsalabim{'' if version is None else ' ' + version[1]}"
    return ImportedCell(stack_of(data, file), program, file, tuple(told))


def _pairs(text: str, file: str) -> dict[str, str]:
    """Keys and values of a file."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        bare = line.split("*", 1)[0].strip()
        if not bare:
            continue
        key, equals, value = bare.partition("=")
        if not equals:
            raise InputError(
                f"line {number} is neither a comment nor key = value.",
                "Comments begin with *.",
                file=file,
            )
        if key.strip() in found:
            raise InputError(
                f'line {number} says "{shown(key.strip())}" a second time.', "Keep one of them.", file=file
            )
        found[key.strip()] = value.strip()
    return found


def _layers(setup: Keys, folder: Path, file: str) -> list[Keys]:
    """The files of the layers, from left to right."""
    found = []
    number = 1
    while f"l{number}" in setup.values:
        named = setup.text(f"l{number}").replace("\\", "/")
        text = text_of(folder / named, "file of a layer")
        found.append(Keys(named, str(folder / named), _pairs(text, str(folder / named))))
        number += 1
    if not found:
        raise InputError(
            "no layer is named.", "Name the file of the first layer: l1 = ...", file=file, key="l1"
        )
    return found


def _generates(keys: Keys) -> bool:
    return keys.number("layerGen", 0.0) == 1


def _roles(layers: Sequence[Keys], cathode_in_front: bool, file: str) -> list[str]:
    """What each layer is: absorbers generate, those before and behind them carry to their contact."""
    absorbing = [number for number, keys in enumerate(layers) if _generates(keys)]
    if not absorbing:
        raise InputError(
            "no layer generates electrons and holes (layerGen = 1), so that none is an absorber.",
            "Write layerGen = 1 in the file of the absorber.",
            file=file,
            key="layerGen",
        )
    front, back = ("etl", "htl") if cathode_in_front else ("htl", "etl")
    return [
        "absorber" if number in absorbing else front if number < absorbing[0] else back
        for number in range(len(layers))
    ]


def _names(roles: Sequence[str]) -> list[str]:
    """Names of the layers by their roles, numbered where there are several of one."""
    return [
        role if roles.count(role) == 1 else f"{role}-{roles[: number + 1].count(role)}"
        for number, role in enumerate(roles)
    ]


def _nanometres(metres: float) -> str:
    return f"{1e9 * metres:.15g} nm"


def _layer(
    keys: Keys, role: str, name: str, temperature: float, optical: bool, folder: Path
) -> dict[str, Any]:
    """The entry of a layer."""
    affinity, ionisation = keys.number("E_c"), keys.number("E_v")
    states = keys.number("N_c")
    electronic: dict[str, Any] = {
        "electron_affinity": written(affinity, "eV"),
        "bandgap": written(float(f"{ionisation - affinity:.12g}"), "eV"),
        "conduction_dos": written(states, "m^-3"),
        "valence_dos": written(states, "m^-3"),
        "electron_mobility": written(keys.number("mu_n"), "m^2/(V s)"),
        "hole_mobility": written(keys.number("mu_p"), "m^2/(V s)"),
        "permittivity": keys.number("eps_r"),
        "statistics": "boltzmann",
    }
    for key, own in (("N_D", "donor_density"), ("N_A", "acceptor_density")):
        if keys.number(key, 0.0) > 0.0:
            electronic[own] = written(keys.number(key), "m^-3")
    entry: dict[str, Any] = {
        "name": name,
        "role": role,
        "thickness": _nanometres(keys.number("L")),
        "electronic": electronic,
        "recombination": {"radiative": _band_to_band(keys)},
    }
    table = keys.text("nkLayer", "none")
    if optical:
        entry["material"] = {"kind": "table", "path": str(folder / table.replace("\\", "/"))}
    else:
        keys.moot("nkLayer", "without effect here, because generation is prescribed")
    trap = _bulk_trap(keys)
    if trap is not None:
        entry["trap"] = [trap]
    ions = _ions(keys, temperature)
    if ions is not None:
        entry["ions"] = ions
    _switches(keys)
    return entry


def _band_to_band(keys: Keys) -> dict[str, Any] | str:
    """Direct recombination, or Langevin's (P. Langevin, Ann. Chim. Phys. 28, 433 (1903)) as a coefficient."""
    coefficient = keys.number("k_direct", 0.0)
    prefactor = keys.number("preLangevin", 1.0)
    if keys.number("useLangevin", 0.0) == 1:
        mobility = keys.number("mu_n") + keys.number("mu_p")
        coefficient = prefactor * e * mobility / (epsilon_0 * keys.number("eps_r"))
        keys.tell(
            "useLangevin",
            f"became the coefficient {coefficient:.6g} m^3/s, which stays where mobilities change",
        )
        keys.moot("k_direct", "without effect there, because Langevin's rate is used")
    else:
        keys.moot("preLangevin", _WITHOUT_EFFECT.format(switch="useLangevin"))
    return (
        {"kind": "coefficient", "coefficient": written(coefficient, "m^3/s")} if coefficient > 0.0 else "none"
    )


def _trap(
    keys: Keys, where: str, densities: str, file_key: str, type_key: str, unit: str
) -> dict[str, Any] | None:
    """A level with density and capture coefficients: `where` is bulk or int."""
    density = keys.number(densities, 0.0)
    energy, charge = keys.number(f"E_t_{where}", 0.0), int(keys.number(type_key, 0.0))
    capture = [keys.number(f"C_{carrier}_{where}", 0.0) for carrier in "np"]
    profile = keys.text(file_key, "none")
    if profile.lower() != "none" and density > 0.0:
        raise InputError(
            f'the traps are a profile in energy, in the file "{shown(profile)}".',
            f"A stack file lists single levels: write {file_key} = none and one level, and add others by hand.",
            file=keys.file,
            key=file_key,
        )
    if not density > 0.0:
        return None
    return {
        "level": {"below": "vacuum", "depth": written(energy, "eV")},
        "density": written(density, unit),
        "electron_capture": written(capture[0], "m^3/s"),
        "hole_capture": written(capture[1], "m^3/s"),
        "charge": _CHARGE[max(-1, min(1, charge))],
    }


def _bulk_trap(keys: Keys) -> dict[str, Any] | None:
    return _trap(keys, "bulk", "N_t_bulk", "bulkTrapFile", "bulkTrapType", "m^-3")


def _face(keys: Keys, *, last: bool) -> dict[str, Any] | None:
    """Traps at the face of a layer towards the next one."""
    if last:
        for key in (
            "nu_int_n",
            "nu_int_p",
            "N_t_int",
            "E_t_int",
            "intTrapFile",
            "intTrapType",
            "C_n_int",
            "C_p_int",
        ):
            keys.moot(key, "without effect there: no layer lies behind the last one")
        return None
    for key in ("nu_int_n", "nu_int_p"):
        keys.tell(key, "faces here do not hold carriers up: both quasi-Fermi levels are continuous")
    return _trap(keys, "int", "N_t_int", "intTrapFile", "intTrapType", "m^-2")


def _ions(keys: Keys, temperature: float) -> dict[str, Any] | None:
    """Mobile ions, whose counter charge stands still here."""
    species = []
    for sign, which in ((1, "cation"), (-1, "anion")):
        density, mobility = keys.number(f"N_{which}", 0.0), keys.number(f"mu_{which}", 0.0)
        if density > 0.0 and mobility > 0.0:
            diffusion = mobility * Boltzmann * temperature / e
            species.append(
                {
                    "density": written(density, "m^-3"),
                    "charge": sign,
                    "diffusion_coefficient": written(diffusion, "m^2/s"),
                }
            )
    densities = [keys.number(f"N_{which}", 0.0) for which in ("cation", "anion")]
    if densities[0] != densities[1]:
        why = "ions of a layer are neutral together here: a difference is left out"
        keys.tell("N_cation", why)
        keys.tell("N_anion", why)
    if species:
        if keys.number("ionsMayEnter", 0.0) == 1:
            keys.tell("ionsMayEnter", "ions stay in their layer here")
    else:
        keys.moot("ionsMayEnter", "without effect here: no ions move")
    if not species:
        return None
    first = dict(species[0])
    if len(species) > 1:
        first["second"] = species[1]
    return first


def _switches(keys: Keys) -> None:
    """What is off has no effect; what is on and has no counterpart is told."""
    for carrier in "np":
        switch = f"mob{carrier}Dep"
        if keys.number(switch, 0.0) != 0:
            keys.tell(switch, "mobilities do not depend on the field here: the one at no field is taken")
            keys.tell(f"gamma_{carrier}", f"belongs to {switch}")
        else:
            keys.moot(f"gamma_{carrier}", _WITHOUT_EFFECT.format(switch=switch))
    on = keys.number("fieldDepG", 0.0) == 1
    if on:
        keys.tell(
            "fieldDepG", "generation does not depend on the field here: each photon makes a pair that is free"
        )
    for key in ("P0", "a", "thermLengDist", "k_f"):
        (keys.tell if on else keys.moot)(
            key, "belongs to fieldDepG" if on else _WITHOUT_EFFECT.format(switch="fieldDepG")
        )


def _light(setup: Keys, layers: Sequence[Keys], roles: Sequence[str], folder: Path) -> dict[str, Any]:
    """Generation: prescribed, of a file, or of the optics."""
    light: dict[str, Any] = {}
    fraction = setup.number("G_frac", 1.0)
    if fraction != 1.0:
        light["intensity"] = written(fraction, "sun")
    profile = setup.text("genProfile")
    rates = [keys.number("G_ehp", 0.0) for keys in layers]
    made = [rate for rate, role in zip(rates, roles, strict=True) if role == "absorber"]
    for keys, role, rate in zip(layers, roles, rates, strict=True):
        if role != "absorber" and rate > 0.0:
            keys.tell("G_ehp", "left out: only absorbers (layerGen = 1) generate here")
    optical_keys = ("L_TCO", "L_BE", "nkSubstrate", "nkTCO", "nkBE", "spectrum", "lambda_min", "lambda_max")
    if profile.lower() == "calc":
        for keys in layers:
            keys.moot("G_ehp", "without effect there, because genProfile is calc")
        spectrum = setup.text("spectrum", "AM15G.txt")
        if re.search(r"am1?\.?5g?", Path(spectrum).stem.replace("_", ""), re.IGNORECASE):
            setup.tell("spectrum", "taken for AM1.5G, of which perotwin has its own table")
        else:
            light["spectrum"] = {"kind": "file", "path": str(folder / spectrum.replace("\\", "/"))}
        for key in ("lambda_min", "lambda_max"):
            setup.tell(key, "all light counts that the tables cover")
        return light
    for key in optical_keys:
        setup.moot(key, "without effect here, because generation is prescribed")
    if profile.lower() != "none":
        for keys in layers:
            keys.moot("G_ehp", "without effect there, because genProfile names a file")
        light["generation"] = {"kind": "file", "path": str(folder / profile)}
        return light
    if len(set(made)) > 1:
        for keys, role in zip(layers, roles, strict=True):
            if role == "absorber":
                keys.tell(
                    "G_ehp",
                    f"differs between absorbers; here all have that of the first, {made[0]:g} m^-3 s^-1",
                )
    light["generation"] = {"kind": "uniform", "rate": written(made[0], "m^-3 s^-1")}
    return light


def _optics(setup: Keys, entries: list[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    """The layers with what light passes before and behind them."""

    def table(key: str) -> dict[str, str]:
        return {"kind": "table", "path": str(folder / setup.text(key).replace("\\", "/"))}

    # the other program has an endless substrate; a thickness without absorption changes nothing
    before: list[dict[str, Any]] = [
        {"name": "substrate", "role": "substrate", "thickness": "1 mm", "material": table("nkSubstrate")}
    ]
    if setup.number("L_TCO", 0.0) > 0.0:
        size = _nanometres(setup.number("L_TCO"))
        before.append({"name": "tco", "role": "electrode", "thickness": size, "material": table("nkTCO")})
    else:
        setup.moot("nkTCO", "without effect there, because L_TCO is 0")
    size = _nanometres(setup.number("L_BE"))
    behind = {"name": "back-electrode", "role": "electrode", "thickness": size, "material": table("nkBE")}
    return [*before, *entries, behind]


def _contacts(setup: Keys) -> dict[str, Any]:
    """Work functions and velocities, both infinite where they are negative."""
    found: dict[str, Any] = {}
    for side, end in (("L", "front"), ("R", "back")):
        text = setup.text(f"W_{side}").strip()
        contact: dict[str, Any] = {"work_function": "flat-band"}
        if text.lower() != "sfb":
            contact["work_function"] = written(setup.number(f"W_{side}"), "eV")
        for carrier, own in (("n", "electron_velocity"), ("p", "hole_velocity")):
            velocity = setup.number(f"S_{carrier}_{side}", -1.0)
            if velocity >= 0.0:
                contact[own] = written(velocity, "m/s")
        found[end] = contact
    return found


def _circuit(setup: Keys) -> dict[str, str]:
    series, shunt = setup.number("R_series", 0.0), setup.number("R_shunt", -1.0)
    circuit = {"series_resistance": written(series, "ohm m^2")}
    if shunt > 0.0:
        circuit["shunt_resistance"] = written(shunt, "ohm m^2")
    return circuit
