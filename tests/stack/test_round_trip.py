"""from_toml(to_toml(cell)) is the cell, bit for bit and with the units that people wrote."""

import tomllib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from perotwin.stack import Parallel, Stack, Tandem, from_toml
from perotwin.units import COMMON_UNITS, DIMENSIONS, parse


def quantity(dimension: str, low: float, high: float) -> st.SearchStrategy[Any]:
    """A bare SI number, a string in some unit, or a sourced entry, with its SI value between low and high."""
    factors = {unit: float(factor) for unit, (found, factor) in COMMON_UNITS.items() if found == dimension}
    factors.pop("degC", None)
    if dimension == "dimensionless":
        factors = {"": 1.0}

    def dress(drawn: tuple[float, str, str]) -> Any:
        value, unit, form = drawn
        text = f"{value / factors[unit]!r} {unit}".strip()
        if not low <= parse(text, dimension) <= high:
            return value
        if form == "bare":
            return value
        if form == "text":
            return text
        if form == "source":
            return {"value": text, "source": 'a "quoted" source, p. 3 \\ µ'}
        return {"value": text, "assumed": [text, f"{2 * high!r} {DIMENSIONS[dimension][0]}"], "note": "why"}

    return st.tuples(
        st.floats(low, high, allow_subnormal=False),
        st.sampled_from(sorted(factors)),
        st.sampled_from(["bare", "text", "source", "assumed"]),
    ).map(dress)


def record(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(required, optional=optional)


energy = quantity("energy", 0.1, 6.0)
density = quantity("number density", 1e10, 1e27)
rate = quantity("volume rate", 1e-25, 1e-10)
mobility = quantity("mobility", 1e-10, 1.0)

levels = st.one_of(
    st.just("midgap"),
    st.builds(
        lambda below, depth: {"below": below, "depth": depth},
        st.sampled_from(["vacuum", "conduction"]),
        energy,
    ),
    st.builds(lambda height: {"above": "valence", "height": height}, energy),
)
charges = st.sampled_from(["neutral", "donor", "acceptor"])
traps = st.one_of(
    record(
        {"density": density, "electron_capture": rate, "hole_capture": rate},
        {"level": levels, "charge": charges},
    ),
    record(
        {"electron_lifetime": quantity("time", 1e-12, 1.0), "hole_lifetime": quantity("time", 1e-12, 1.0)},
        {"level": levels},
    ),
)
face_traps = st.one_of(
    record(
        {
            "electron_velocity": quantity("velocity", 0.0, 1e5),
            "hole_velocity": quantity("velocity", 0.0, 1e5),
        },
        {"level": levels},
    ),
    record(
        {"density": quantity("areal density", 0.0, 1e18), "electron_capture": rate, "hole_capture": rate},
        {"level": levels, "charge": charges},
    ),
)
species = record(
    {
        "density": quantity("number density", 0.0, 1e25),
        "diffusion_coefficient": quantity("diffusion coefficient", 1e-20, 1e-8),
    },
    {
        "site_density": quantity("number density", 2e25, 1e28),
        "activation_energy": energy,
        "charge": st.sampled_from([1, -1, "2"]),
    },
)
responses = st.one_of(
    st.sampled_from(["frozen", "steady"]),
    record(
        {"kind": st.just("frozen")},
        {"bias": quantity("voltage", -2.0, 2.0), "light": quantity("intensity", 0.0, 10.0)},
    ),
)
ions = st.builds(
    lambda one, two, how: {**one, **two, **how},
    species,
    record({}, {"second": species}),
    record({}, {"response": responses}),
)
electronic = record(
    {
        "electron_affinity": energy,
        "bandgap": energy,
        "conduction_dos": density,
        "valence_dos": density,
        "electron_mobility": mobility,
        "hole_mobility": mobility,
        "permittivity": quantity("dimensionless", 1.0, 100.0),
    },
    {
        "donor_density": density,
        "acceptor_density": density,
        "statistics": st.sampled_from(["boltzmann", "fermi-dirac", {"kind": "boltzmann"}]),
        "bandgap_temperature_coefficient": quantity("energy per temperature", -1e-3, 1e-3),
        "mobility_activation_energy": energy,
        "reference_temperature": quantity("temperature", 100.0, 400.0),
    },
)
recombination = record(
    {},
    {
        "radiative": st.one_of(
            st.just("none"), record({"kind": st.just("coefficient"), "coefficient": rate}, {})
        ),
        "auger": record(
            {
                "electron": quantity("auger coefficient", 0, 1e-38),
                "hole": quantity("auger coefficient", 0, 1e-38),
            },
            {},
        ),
    },
)
layers = record(
    {"thickness": quantity("length", 1e-10, 1e-3), "electronic": electronic},
    {
        "material": st.sampled_from(
            [
                "niox",
                {"kind": "table", "path": "/data/my nk.csv"},
                {"kind": "refractiveindex", "shelf": "main", "book": "Si", "page": "Schinke"},
            ]
        ),
        "coherent": st.booleans(),
        "extrapolate": st.booleans(),
        "urbach_energy": energy,
        "trap": st.lists(traps, max_size=2),
        "ions": ions,
        "recombination": recombination,
    },
)
faces = record(
    {},
    {
        "dipole": quantity("energy", -1.0, 1.0),
        "roughness": quantity("length", 0.0, 1e-7),
        "transport": st.sampled_from(["continuous", "thermionic"]),
        "trap": st.lists(face_traps, max_size=2),
    },
)
contacts = record(
    {"work_function": st.one_of(st.just("flat-band"), quantity("energy", 1.0, 7.0))},
    {"electron_velocity": quantity("velocity", 0.0, 1e5), "hole_velocity": quantity("velocity", 0.0, 1e5)},
)
lights = record(
    {
        "generation": st.one_of(
            record({"kind": st.just("uniform"), "rate": quantity("rate per volume", 0.0, 1e29)}, {}),
            record(
                {
                    "kind": st.just("beer-lambert"),
                    "absorption_coefficient": quantity("absorption coefficient", 1.0, 1e8),
                    "photon_flux": quantity("rate per area", 0.0, 1e24),
                },
                {},
            ),
            record({"kind": st.just("file"), "path": st.just("/data/profile.csv")}, {}),
        )
    },
    {
        "side": st.sampled_from(["front", "back"]),
        "intensity": quantity("intensity", 0.0, 100.0),
        "spectrum": st.one_of(
            st.just("AM1.5G"),
            record({"kind": st.just("monochromatic"), "wavelength": quantity("length", 1e-7, 2e-6)}, {}),
        ),
    },
)


@st.composite
def stacks(draw: st.DrawFn) -> dict[str, Any]:
    roles = ["htl", "absorber", "etl"]
    names = draw(
        st.sampled_from([["htl", "perovskite", "etl"], ["NiO x", "A-site µ", "c60 (evap.)".replace(".", "")]])
    )
    drawn = [draw(layers) | {"name": name, "role": role} for name, role in zip(names, roles, strict=True)]
    data: dict[str, Any] = {
        "name": "n" + draw(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)),
        "light": draw(lights),
        "layer": drawn,
        "contact": {"front": draw(contacts), "back": draw(contacts)},
    }
    optional = {
        "description": st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
        "source": st.just("a definition"),
        "temperature": quantity("temperature", 100.0, 500.0),
        "circuit": record(
            {},
            {
                "series_resistance": quantity("area resistance", 0.0, 1.0),
                "shunt_resistance": quantity("area resistance", 1e-6, 1e6),
            },
        ),
        "interface": st.dictionaries(
            st.sampled_from([f"{names[0]}|{names[1]}", f"{names[1]}|{names[2]}"]), faces
        ),
    }
    return data | draw(st.fixed_dictionaries({}, optional=optional))


@st.composite
def parallels(draw: st.DrawFn) -> dict[str, Any]:
    """One to three columns of drawn stacks under one light and temperature, with areas in some form."""
    columns = draw(st.lists(stacks(), min_size=1, max_size=3))
    shares = draw(st.lists(st.integers(1, 99), min_size=len(columns), max_size=len(columns)))
    forms = st.sampled_from(
        [
            lambda area: area,
            lambda area: f"{100.0 * area!r} %",
            lambda area: {"value": area, "source": "counted"},
            lambda area: {"value": f"{area!r}", "assumed": ["0 %", 1]},
        ]
    )
    for data in columns[1:]:
        for key in ("light", "temperature"):
            data.pop(key, None)
            if key in columns[0]:
                data[key] = columns[0][key]
    areas = [share / sum(shares) for share in shares]
    optional = {"description": st.text(max_size=5), "source": st.just("a definition")}
    return {
        "name": "side by side",
        "column": [
            {"name": f"column {number}", "area": draw(forms)(area), "stack": data}
            for number, (area, data) in enumerate(zip(areas, columns, strict=True))
        ],
    } | draw(st.fixed_dictionaries({}, optional=optional))


junctions = st.one_of(
    st.sampled_from(["ideal", "separate", {"kind": "ideal"}]),
    record({"kind": st.just("resistive"), "resistance": quantity("area resistance", 0.0, 1.0)}, {}),
    record(
        {
            "kind": st.just("traps"),
            "electron_velocity": quantity("velocity", 0.0, 1e5),
            "hole_velocity": quantity("velocity", 0.0, 1e5),
        },
        {
            "level": levels,
            "dipole": st.one_of(st.just("flat"), quantity("energy", -1.0, 1.0)),
            "metal": record({"work_function": energy}, {}),
        },
    ),
)


def without_inner(draw: st.DrawFn, stack: dict[str, Any], inner: tuple[str, ...]) -> dict[str, Any]:
    """A drawn stack as part of a tandem: some inner contacts not stated, no light and temperature."""
    for key in ("light", "temperature"):
        stack.pop(key, None)
    for end in inner:
        if draw(st.booleans()):
            del stack["contact"][end]
    if not stack["contact"]:
        del stack["contact"]
    if draw(st.booleans()):
        del stack["name"]
    return stack


@st.composite
def tandems(draw: st.DrawFn) -> dict[str, Any]:
    """Two or three junctions, drawn stacks or columns of them, with up to two layers between each."""
    data: dict[str, Any] = {"name": "one behind the other", "light": draw(lights)}
    if draw(st.booleans()):
        data["temperature"] = draw(quantity("temperature", 100.0, 500.0))
    inner: dict[str, tuple[str, ...]] = {"top": ("back",), "middle": ("front", "back"), "bottom": ("front",)}
    third = draw(st.booleans())
    for which in inner if third else ("top", "bottom"):
        if draw(st.integers(0, 3)):
            data[which] = without_inner(draw, draw(stacks()), inner[which])
        else:
            count = draw(st.integers(1, 2))
            data[which] = {
                "column": [
                    {
                        "name": f"column {number}",
                        "area": 1.0 / count,
                        "stack": without_inner(draw, draw(stacks()), inner[which]),
                    }
                    for number in range(count)
                ]
            } | draw(
                st.fixed_dictionaries({}, optional={"name": st.just("patchy"), "source": st.just("a book")})
            )
        if draw(st.booleans()):
            data[which]["light"] = {"intensity": draw(quantity("intensity", 0.0, 100.0))}
    thickness = quantity("length", 1e-10, 1e-3)
    for key, names in (("between", ["au", "rear izo"]), ("lower_between", ["ito", "front izo"]))[: 1 + third]:
        count = draw(st.integers(0, 2))
        data[key] = [
            {"name": name, "role": "electrode", "thickness": draw(thickness)} for name in names[:count]
        ]
    plain = not third and not any("column" in data[which] for which in ("top", "bottom"))
    allowed = junctions if plain else junctions.filter(lambda joint: joint != "separate")
    optional = {"description": st.text(max_size=5), "source": st.just("a definition"), "junction": allowed}
    if third:
        optional["lower_junction"] = allowed
    return data | draw(st.fixed_dictionaries({}, optional=optional))


def some(inner: dict[str, Any], required: dict[str, Any] | None = None) -> st.SearchStrategy[dict[str, Any]]:
    """Any of some keys, as a file states beside `use`."""
    return record(required or {}, inner)


@st.composite
def used_stacks(draw: st.DrawFn) -> dict[str, Any]:
    """Layers, faces and contacts of the library with anything stated in place."""
    numbers = {
        "electron_affinity": energy,
        "bandgap": energy,
        "conduction_dos": density,
        "valence_dos": density,
        "electron_mobility": mobility,
        "hole_mobility": mobility,
        "permittivity": quantity("dimensionless", 1.0, 100.0),
        "donor_density": density,
        "acceptor_density": density,
        "statistics": st.sampled_from(["boltzmann", "fermi-dirac", {"kind": "boltzmann"}]),
        "mobility_activation_energy": energy,
        "reference_temperature": quantity("temperature", 100.0, 400.0),
    }
    in_place = {
        "thickness": quantity("length", 1e-10, 1e-3),
        "extrapolate": st.booleans(),
        "electronic": some(numbers),
        "trap": st.lists(traps, max_size=2),
        "recombination": recombination,
    }
    absorber = draw(st.sampled_from(["perovskite", "mapbi3", "fapbi3", "cspbbr3", "sn-pb"]))
    holes, electrons = draw(st.sampled_from([("niox", "c60"), ("PTAA", "pcbm"), ("pedot:pss", "sno2")]))
    free = {
        "density": quantity("number density", 0.0, 1e25),
        "diffusion_coefficient": quantity("diffusion coefficient", 1e-20, 1e-8),
        "response": responses,
        "second": species,
    }
    gap = {"bandgap": draw(quantity("energy", 1.25, 1.85))} if absorber == "perovskite" else {}
    data: dict[str, Any] = {
        "name": "of the library",
        "layer": [
            {"use": "glass"} | draw(some({"thickness": quantity("length", 1e-4, 1e-3)})),
            {"use": "ito"},
            {"use": holes} | draw(some(in_place)),
            # what a layer of the library lacks cannot be half stated
            {"use": absorber}
            | gap
            | draw(some(in_place | ({"ions": some(free)} if absorber != "sn-pb" else {}))),
            {"use": electrons} | draw(some(in_place | {"name": st.just("other"), "role": st.just("buffer")})),
            {"use": "ag"},
        ],
    }
    if draw(st.booleans()):
        data["temperature"] = draw(quantity("temperature", 250.0, 400.0))
    names = [entry.get("name", {"PTAA": "ptaa", "pedot:pss": "pedot-pss"}.get(entry["use"], entry["use"]))
             for entry in data["layer"]]  # fmt: skip
    names[3] = "perovskite"
    front, back = f"{names[2]}|{names[3]}", f"{names[3]}|{names[4]}"
    monolayer = st.sampled_from([holes, "me-4pacz", "2pacz"])
    stated = {"roughness": quantity("length", 0.0, 1e-7), "trap": st.lists(face_traps, max_size=2)}
    faces_here = {
        front: {"use": draw(monolayer)} | draw(some(stated | {"dipole": quantity("energy", -1.0, 1.0)})),
        back: {"use": electrons} | draw(some(stated)),
    }
    data["interface"] = {key: faces_here[key] for key in faces_here if draw(st.booleans())}
    ends = {"work_function": quantity("energy", 1.0, 7.0), "hole_velocity": quantity("velocity", 0.0, 1e5)}
    data["contact"] = {
        "front": {"use": draw(monolayer)} | draw(some(ends)),
        "back": {"use": draw(st.sampled_from([electrons, "ag"]))} | draw(some(ends)),
    }
    return data


def keys(node: Any) -> Any:
    """The shape of nested tables; a value, whatever it is, is a leaf, and so are tables without a key."""
    if isinstance(node, dict) and not {"value", "kind", "below", "above", "electron"} & set(node):
        shape = {key: keys(entry) for key, entry in node.items()}
        return {key: entry for key, entry in shape.items() if entry != {}}
    if isinstance(node, list):
        return [keys(entry) for entry in node]
    return None


@settings(max_examples=80, deadline=None)
@given(used_stacks())
def test_what_is_used_from_the_library_is_written_as_it_was(data: dict[str, Any]) -> None:
    stack = Stack.from_data(data, bare_numbers=True)
    text = stack.to_toml()
    again = Stack.from_toml(text)
    assert again == stack
    assert keys(tomllib.loads(text)) == keys(data)
    for path, (_, *origin) in written(stack).items():
        assert tuple(origin) == written(again)[path][1:]
    assert again.to_toml() == text and again.taken() == stack.taken()
    assert stack.with_values({}) == stack


@settings(max_examples=30, deadline=None)
@given(used_stacks(), st.data())
def test_any_number_of_the_library_can_be_set_and_stays_set(
    data: dict[str, Any], more: st.DataObject
) -> None:
    stack = Stack.from_data(data, bare_numbers=True)
    if not stack.taken():
        return
    path = more.draw(st.sampled_from(sorted(stack.taken())))
    number = stack.quantities()[path]
    changed = stack.with_values({path: number.with_origin("set here")})
    assert changed.get(path).hex() == number.hex() and changed.quantities()[path].source == "set here"
    others = {key: one.hex() for key, one in stack.quantities().items()}
    assert {key: one.hex() for key, one in changed.quantities().items()} == others
    assert path not in changed.taken()
    assert Stack.from_toml(changed.to_toml()) == changed


def written(stack: Stack | Parallel | Tandem) -> dict[str, Any]:
    return {
        path: (q.written, q.source, q.assumed, q.note, float(q).hex())
        for path, q in stack.quantities().items()
    }


@settings(max_examples=60, deadline=None)
@given(stacks())
def test_a_written_stack_reads_back_bit_for_bit(data: dict[str, Any]) -> None:
    stack = Stack.from_data(data, bare_numbers=True)
    text = stack.to_toml()
    again = Stack.from_toml(text)
    assert again == stack
    for path, (_, *origin) in written(stack).items():
        assert tuple(origin) == written(again)[path][1:]
    assert again.to_toml() == text


@settings(max_examples=40, deadline=None)
@given(parallels())
def test_columns_side_by_side_read_back_bit_for_bit(data: dict[str, Any]) -> None:
    cell = Parallel.from_data(data, bare_numbers=True)
    text = cell.to_toml()
    again = from_toml(text)
    assert again == cell
    found = written(again)
    for path, (_, *origin) in written(cell).items():
        assert tuple(origin) == found[path][1:]
    assert again.to_toml() == text
    twice = cell.mirrored().mirrored()
    assert twice == cell
    assert [q.hex() for q in twice.quantities().values()] == [q.hex() for q in cell.quantities().values()]


@settings(max_examples=60, deadline=None)
@given(tandems())
def test_tandems_read_back_bit_for_bit(data: dict[str, Any]) -> None:
    cell = Tandem.from_data(data, bare_numbers=True)
    text = cell.to_toml()
    again = from_toml(text)
    assert again == cell
    found = written(again)
    for path, (_, *origin) in written(cell).items():
        assert tuple(origin) == found[path][1:]
    assert again.to_toml() == text
    twice = cell.mirrored().mirrored()
    assert twice == cell
    numbers = {path: number.hex() for path, number in cell.quantities().items()}
    for one in (again, twice):
        assert {path: number.hex() for path, number in one.quantities().items()} == numbers
    assert cell.with_values({}) == cell


@settings(max_examples=30, deadline=None)
@given(stacks())
def test_mirroring_twice_changes_nothing(data: dict[str, Any]) -> None:
    stack = Stack.from_data(data, bare_numbers=True)
    twice = stack.mirrored().mirrored()
    assert twice == stack
    assert [q.hex() for q in twice.quantities().values()] == [q.hex() for q in stack.quantities().values()]


def test_the_written_unit_is_kept() -> None:
    stack = Stack.from_data(
        {
            "name": "n",
            "temperature": "25 degC",
            "light": {"generation": {"kind": "uniform", "rate": "1e21 cm^-3 s^-1"}},
            "layer": [{"name": "glass", "role": "substrate", "thickness": "1.1 mm"}],
        }
    )
    text = stack.to_toml()
    for written_unit in ('"25 degC"', '"1e21 cm^-3 s^-1"', '"1.1 mm"'):
        assert written_unit in text
