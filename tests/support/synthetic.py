"""Datasets of the shape that the instruments give, from closed formulas: to test readers, not physics."""

import json

import numpy as np
import xarray as xr

from perotwin.measurement import check, checks_to_json, describe

LAYERS = {"niox": 20e-9, "perovskite": 400e-9, "c60": 20e-9, "sno2": 20e-9}
CHANNELS = [
    "perovskite radiative",
    "perovskite trap 1",
    "niox|perovskite trap 1",
    "front contact",
    "back contact",
]
TOML = 'name = "toy"\ntemperature = "298.15 K"\n'


def depths() -> tuple[np.ndarray, np.ndarray]:
    """Depths (m) with every inner face twice, and the name of the layer at each."""
    x: list[np.ndarray] = []
    names: list[np.ndarray] = []
    start = 0.0
    for name, thickness in LAYERS.items():
        x.append(start + np.linspace(0.0, thickness, 21))
        names.append(np.full(21, name))
        start += thickness
    return np.concatenate(x), np.concatenate(names)


def profiles(voltages: list[float], light: float = 1.0) -> dict[str, tuple[tuple[str, str], np.ndarray]]:
    """Band edges and densities (rows: voltages) of a p-i-n cell with a linear drop over the absorber."""
    x, layer = depths()
    total = x[-1]
    affinity = {"niox": 2.2, "perovskite": 3.7, "c60": 3.95, "sno2": 4.1}
    gap = {"niox": 3.3, "perovskite": 1.79, "c60": 2.1, "sno2": 3.6}
    out: dict[str, list[np.ndarray]] = {
        name: []
        for name in (
            "conduction_band", "valence_band", "electron_fermi_level", "hole_fermi_level",
            "electron_density", "hole_density",
        )
    }  # fmt: skip
    for voltage in voltages:
        built_in = 1.3 - voltage
        vacuum = 5.3 - built_in * x / total - 0.6
        conduction = vacuum - np.array([affinity[name] for name in layer])
        valence = conduction - np.array([gap[name] for name in layer])
        splitting = voltage if light == 0 else max(voltage, 0.9)
        electron = np.interp(x / total, [0, 0.06, 0.95, 1], [0, splitting, splitting, voltage])
        hole = np.interp(x / total, [0, 0.06, 0.95, 1], [0, 0.0, 0.0, voltage])
        out["conduction_band"].append(conduction)
        out["valence_band"].append(valence)
        out["electron_fermi_level"].append(electron)
        out["hole_fermi_level"].append(hole)
        out["electron_density"].append(2e24 * np.exp(np.clip((electron - conduction) / 0.0257, -100, 0)))
        out["hole_density"].append(2e24 * np.exp(np.clip((valence - hole) / 0.0257, -100, 0)))
    return {name: (("bias", "x"), np.array(rows)) for name, rows in out.items()}


def jv(
    name: str = "toy", voc: float = 1.30, jsc: float = 175.0, light: float = 1.0, fail: bool = False
) -> xr.Dataset:
    """A diode's current-voltage curve (A/m^2 against V) with channels and profiles."""
    voltage = np.arange(0.0, 1.4001, 0.01)
    thermal = 1.6 * 0.0257
    dark = jsc * np.expm1(voltage / thermal) / np.expm1(voc / thermal)
    photo = jsc * light
    shares = np.array([0.08, 0.30, 0.55, 0.05, 0.02])
    bias = [0.0, 1.1, voc]
    x, layer = depths()
    generation = np.where(layer == "perovskite", 3e27 * light * np.exp(-(x - 20e-9) / 200e-9), 0.0)
    rows = profiles(bias, light)
    rows["recombination"] = (
        ("bias", "x"),
        np.array([generation * (0.02 + 0.9 * level / voc) for level in bias]),
    )
    checks = {"current continuity": check(1e-2 if fail else 3e-10, 1e-6), "R + T + A": check(2e-15, 1e-9)}
    return describe(
        xr.Dataset(
            {
                "current_density": ("voltage", photo - dark),
                "converged": ("voltage", np.ones(voltage.size, dtype=bool)),
                "channel_current": (("channel", "voltage"), shares[:, None] * (dark + 1e-3 * photo)),
                "generation": ("x", generation),
                **rows,
            },
            coords={"voltage": voltage, "channel": CHANNELS, "bias": bias, "x": x, "layer": ("x", layer)},
            attrs=attributes("jv", name, light, checks) | {"direction": "steady"},
        )
    )


def eqe(name: str = "toy", edge: float = 693e-9) -> xr.Dataset:
    """A quantum efficiency with an edge at ``edge`` (m), reflectance and absorptance by layer."""
    wavelength = np.arange(300e-9, 901e-9, 5e-9)
    step = 1 / (1 + np.exp((wavelength - edge) / 6e-9))
    reflectance = 0.08 + 0.03 * np.cos(wavelength / 40e-9) + 0.35 * (1 - step)
    parasitic = {
        "glass": np.clip((340e-9 - wavelength) / 60e-9, 0, 0.8) * (1 - reflectance),
        "ito": np.full(wavelength.size, 0.03),
        "niox": 0.02 * np.exp(-(wavelength - 300e-9) / 80e-9),
        "c60": 0.01 * np.ones(wavelength.size),
        "ag": 0.02 + 0.03 * (1 - step),
    }
    used = sum(parasitic.values())
    perovskite = np.clip(1 - reflectance - used, 0, None) * step
    absorptance = np.array([*parasitic.values(), perovskite])
    return describe(
        xr.Dataset(
            {
                "eqe": ("wavelength", 0.97 * perovskite),
                "reflectance": ("wavelength", reflectance),
                "transmittance": ("wavelength", 1 - reflectance - absorptance.sum(axis=0)),
                "absorptance": (("layer", "wavelength"), absorptance),
            },
            coords={"wavelength": wavelength, "layer": [*parasitic, "perovskite"]},
            attrs=attributes("eqe", name, 1.0, {"EQE integral against Jsc": check(2e-4, 5e-3)})
            | {"jsc_integrated": 173.2},
        )
    )


def tandem_jv(name: str = "toy tandem") -> xr.Dataset:
    """A curve of two junctions in series with both junctions' own."""
    made = jv(name, voc=2.1, jsc=155.0).drop_vars([x for x in PROFILES if x in jv()])
    made = made.assign_coords(voltage=made["voltage"].values * 1.6)
    voltage = made["voltage"].values
    lost = 2e-4 * made["current_density"].values
    shares = {
        "voltage_top": 0.6 * (voltage + lost),
        "voltage_bottom": 0.4 * (voltage + lost),
        "voltage_between": lost,
    }
    parts: dict = {key: ("voltage", values) for key, values in shares.items()}
    for which, voc, jsc in (("top", 1.3, 157.0), ("bottom", 0.85, 153.0)):
        own = np.linspace(0.0, voc + 0.02, 40)
        current = jsc * (1.0 - np.expm1(own / 0.04) / np.expm1(voc / 0.04))
        best = int(np.argmax(own * current))
        made = made.assign_coords({f"own_voltage_{which}": own})
        made = made.assign_coords({f"own_point_{which}": ["short-circuit", "maximum-power", "open-circuit"]})
        parts[f"own_current_{which}"] = (f"own_voltage_{which}", current)
        parts[f"own_solved_voltage_{which}"] = (f"own_point_{which}", np.array([0.0, own[best], voc]))
        parts[f"own_solved_current_{which}"] = (f"own_point_{which}", np.array([jsc, current[best], 0.0]))
    return describe(made.assign(parts))


PROFILES = (
    "conduction_band", "valence_band", "electron_fermi_level", "hole_fermi_level", "electron_density", "hole_density",
    "generation", "recombination", "channel_current",
)  # fmt: skip


def tandem_eqe(name: str = "toy tandem") -> xr.Dataset:
    """Quantum efficiencies of two junctions, with where the light goes."""
    where = absorption(name)
    top, bottom = (
        where["absorptance"].sel(layer=f"{which} perovskite").values for which in ("top", "bottom")
    )
    along = "wavelength"
    attrs = attributes("eqe", name, 1.0, {}) | {
        "absorbers": "top perovskite,bottom perovskite",
        "jsc_integrated": 150.0,
        **{f"jsc_integrated_{which}": value for which, value in (("top", 155.0), ("bottom", 150.0))},
        **{f"bias_voltage_{which}": value for which, value in (("top", 0.85), ("bottom", 1.3))},
        **{f"bias_light_{which}": "850 nm" for which in ("top", "bottom")},
    }
    spectra = {"eqe": 0.97 * top + 0.9 * bottom, "eqe_top": 0.97 * top, "eqe_bottom": 0.9 * bottom}
    return describe(where.assign({key: (along, value) for key, value in spectra.items()}).assign_attrs(attrs))


def el(name: str = "toy tandem", emitters: tuple[str, ...] = ("top", "bottom")) -> xr.Dataset:
    """Electroluminescence of ideal diodes with a yield that rises with the current."""
    injected = np.geomspace(0.1, 300.0, 15)
    wavelength = np.linspace(550e-9, 1080e-9, 200)
    elqy, qfls, spectrum = [], [], []
    for row, _ in enumerate(emitters):
        elqy.append(2e-3 * (row + 1) * (injected / 150.0) ** 0.3)
        qfls.append(1.5 - 0.5 * row + 0.0257 * np.log(injected / 150.0 * elqy[-1]))
        centre = 690e-9 + 290e-9 * row
        spectrum.append(1e24 * np.exp(-(((wavelength - centre) / 25e-9) ** 2)))
    own = np.array([1.5 - 0.5 * row for row in range(len(emitters))])
    axes = ("emitter", "injected")
    return describe(
        xr.Dataset(
            {
                "voltage": ("injected", np.sum(qfls, axis=0)),
                "elqy": (axes, np.array(elqy)),
                "qfls": (axes, np.array(qfls)),
                "photons": (axes, np.array(elqy) * injected / 1.602e-19),
                "spectrum": (("emitter", "wavelength"), np.array(spectrum)),
                "voc_own": ("emitter", own - 0.15),
                "jsc_own": ("emitter", np.full(own.size, 150.0)),
                "voc_radiative": ("emitter", own),
            },
            coords={"injected": injected, "emitter": list(emitters), "wavelength": wavelength},
            attrs=attributes("el", name, 0.0, {}),
        )
    )


def mismatch(name: str = "toy tandem") -> xr.Dataset:
    """Fill factor and efficiency about matching."""
    ratio = np.linspace(0.8, 1.25, 19)
    return describe(
        xr.Dataset(
            {
                "ff": ("ratio", 0.8 + 0.1 * (ratio - 1.0) ** 2),
                "pce": ("ratio", 0.28 - 0.2 * (ratio - 1.02) ** 2),
            },
            coords={"ratio": ratio},
            attrs={"stack": name, "own": 0.99},
        )
    )


def absorption(name: str = "toy tandem") -> xr.Dataset:
    """Where the light goes in two junctions, layer by layer."""
    one = eqe(name)
    top = one["absorptance"].sel(layer="perovskite").values
    rest = 1 - one["reflectance"].values - one["absorptance"].values.sum(axis=0)
    bottom = 0.8 * rest
    layers = {
        "top ito": one["absorptance"].sel(layer="ito").values,
        "top perovskite": top,
        "au": 0.05 * rest,
        "bottom ito": 0.05 * rest,
        "bottom perovskite": bottom,
        "bottom cu": one["absorptance"].values.sum(axis=0) - top - one["absorptance"].sel(layer="ito").values,
    }
    absorptance = np.array(list(layers.values()))
    along = "wavelength"
    return describe(
        xr.Dataset(
            {
                "reflectance": (along, one["reflectance"].values),
                "transmittance": (along, 1 - one["reflectance"].values - absorptance.sum(axis=0)),
                "absorptance": (("layer", along), absorptance),
                "photon_flux": (along, np.full(one[along].size, 2e19)),
            },
            coords={along: one[along].values, "layer": list(layers)},
            attrs={"stack": name, "absorbers": "top perovskite,bottom perovskite"},
        )
    )


def bands(name: str = "toy") -> xr.Dataset:
    """Band diagrams of the four states."""
    x, layer = depths()
    dark = profiles([0.0], light=0.0)
    lit = profiles([0.0, 1.1, 1.3])
    stacked = {key: (("state", "x"), np.vstack([dark[key][1], lit[key][1]])) for key in lit}
    return describe(
        xr.Dataset(
            stacked,
            coords={
                "state": ["dark", "short-circuit", "maximum-power", "open-circuit"],
                "voltage": ("state", [0.0, 0.0, 1.1, 1.3]),
                "x": x,
                "layer": ("x", layer),
            },
            attrs=attributes("bands", name, 1.0, {}),
        )
    )


def impedance(
    name: str = "toy",
    rs: float = 2e-4,
    fast: tuple[float, float] = (5e-3, 4e-4),
    slow: tuple[float, float] = (2e-3, 0.3),
) -> xr.Dataset:
    """Two arcs, (resistance in ohm m2, capacitance in F/m2) each, behind a resistor."""
    frequency = np.geomspace(1e-3, 1e7, 121)
    omega = 2.0 * np.pi * frequency
    z = rs + sum(r / (1.0 + 1j * omega * r * c) for r, c in (fast, slow))
    return describe(
        xr.Dataset(
            {
                "impedance_real": ("frequency", z.real),
                "impedance_imag": ("frequency", z.imag),
            },
            coords={"frequency": frequency},
            attrs=attributes("impedance", name, 1.0, {}),
        )
    )


def cv(name: str = "toy", doping: float = 1e23, built_in: float = 1.0) -> xr.Dataset:
    """The depletion capacitance of an absorber of 2 um with a permittivity of 10."""
    voltage = np.linspace(-0.5, 0.7, 61)
    eps, charge = 10 * 8.8541878128e-12, 1.602176634e-19
    return describe(
        xr.Dataset(
            {"capacitance": ("voltage", np.sqrt(charge * eps * doping / (2.0 * (built_in - voltage))))},
            coords={"voltage": voltage},
            attrs=attributes("cv", name, 0.0, {})
            | {"permittivity": 10.0, "thickness": 2e-6, "frequency": 1e4},
        )
    )


def tpv(name: str = "toy", lifetime: float = 3e-7, light: float = 1.0) -> xr.Dataset:
    """A photovoltage of 4 mV that decays exponentially after a pulse of 1 us."""
    time = np.append(np.linspace(-1e-6, 0.0, 11), np.linspace(0.0, 7 * lifetime, 141)[1:])
    rise = np.clip(1 + time / 1e-6, 0, 1)
    voltage = 1.2 + 4e-3 * np.where(time <= 0, rise, np.exp(-time / lifetime))
    return describe(
        xr.Dataset(
            {"voltage": ("time", voltage)}, coords={"time": time}, attrs=attributes("tpv", name, light, {})
        )
    )


def tpc(name: str = "toy", constant: float = 1e-7) -> xr.Dataset:
    """A photocurrent of 1 mA/cm^2 that decays exponentially after a pulse of 1 us, all of its charge collected."""
    time = np.append(np.linspace(-1e-6, 0.0, 2001), np.linspace(0.0, 12 * constant, 2401)[1:])
    extra = 10.0 * np.where(time <= 0, -np.expm1(-(time + 1e-6) / constant), np.exp(-time / constant))
    return describe(
        xr.Dataset(
            {"current_density": ("time", 170.0 + extra)},
            coords={"time": time},
            attrs=attributes("tpc", name, 1.0, {}) | {"generated": 10.0 * 1e-6},
        )
    )


def kpfm(name: str = "toy", mean: float = 0.3, spread: float = 0.01) -> xr.Dataset:
    """A map of 100 x 100 independent pixels with a Gaussian histogram."""
    place = (np.arange(100) + 0.5) * 2e-9
    values = mean + spread * np.random.default_rng(7).standard_normal((100, 100))
    return describe(
        xr.Dataset(
            {"surface_potential": (("y", "x"), values)},
            coords={"x": place, "y": place},
            attrs=attributes("kpfm", name, 0.0, {}),
        )
    )


def tof_sims(
    name: str = "toy", face: float = 400e-9, width: float = 10e-9, decay: float = 6e-9
) -> xr.Dataset:
    """An additive of 5 % in the bulk and a peak at the face, a monolayer that decays exponentially behind it."""
    depth = np.arange(0.0, face + 100e-9, 1e-9)
    past = depth - face
    oxide = 1.0 / (1.0 + np.exp(-past / (0.4 * width)))
    peak = np.where(past < 0.0, np.exp(-((past / width) ** 2)), np.exp(-past / decay))
    rows = {
        "additive": 0.05 * (1.0 - oxide) + 0.95 * peak,
        "sam": peak,
        "perovskite": 1.0 - oxide,
        "oxide": oxide,
    }
    return describe(
        xr.Dataset(
            {"signal": (("species", "sputter_depth"), np.array([row / row.max() for row in rows.values()]))},
            coords={"species": list(rows), "sputter_depth": depth},
            attrs=attributes("tof_sims", name, 0.0, {}),
        )
    )


def xps(name: str = "toy", carbonyl: float = 0.1) -> xr.Dataset:
    """A C 1s spectrum of two Gaussians, 1.8 and 1.3 eV wide, as a file would hold it: no lines named."""
    energy = np.arange(280.0, 294.0, 0.05)

    def gauss(place: float, width: float) -> np.ndarray:
        sigma = width / np.sqrt(8.0 * np.log(2.0))
        return np.exp(-0.5 * ((energy - place) / sigma) ** 2) / (sigma * np.sqrt(2.0 * np.pi))

    return describe(
        xr.Dataset(
            {"c1s": ("binding_energy", (1.0 - carbonyl) * gauss(285.0, 1.8) + carbonyl * gauss(288.6, 1.3))},
            coords={"binding_energy": energy},
            attrs=attributes("xps", name, 0.0, {}),
        )
    )


def attributes(instrument: str, name: str, light: float, checks: dict) -> dict:
    return {
        "instrument": instrument,
        "stack": name,
        "cell": TOML,
        "protocol": json.dumps({"instrument": instrument}),
        "checks": json.dumps(checks_to_json(checks)),
        "light": light,
        "temperature": 298.15,
        "perotwin": "0",
    }


def scan(name: str = "toy", voc: float = 1.30) -> dict[str, xr.Dataset]:
    """A reverse scan and a forward one that gives less."""
    reverse, forward = jv(name, voc), jv(name, voc - 0.03)
    keep = ["current_density", "converged"]
    return {
        "reverse": reverse[keep].isel(voltage=slice(None, None, -1)).assign_attrs(direction="reverse"),
        "forward": forward[keep].assign_attrs(direction="forward"),
    }


def mppt(name: str = "toy", power: float = 165.0) -> xr.Dataset:
    """Power that settles within a minute, and a tracker that steps about 1.1 V."""
    time = np.arange(1.0, 601.0)
    voltage = 1.1 + 0.005 * np.array([0, 1, 0, -1])[np.arange(600) % 4]
    tracked = power * (1.0 - 0.1 * np.exp(-time / 20.0)) - 4e3 * (voltage - 1.1) ** 2
    return describe(
        xr.Dataset(
            {
                "voltage": ("time", voltage),
                "current_density": ("time", tracked / voltage),
                "power_density": ("time", tracked),
            },
            coords={"time": time},
            attrs=attributes("mppt", name, 1.0, {}),
        )
    )
