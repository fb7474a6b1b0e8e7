"""Every way to write a wrong stack is refused with a sentence: file, key, cause and cure."""

import pytest

import written
from perotwin.errors import InputError
from perotwin.stack import FaceTrap, Layer, Stack, Trap, load
from perotwin.stack.library import path

A = path("cell-a").read_text(encoding="utf-8")
W = written.text("wbg-target")
THICK = 'thickness = "500 nm"'
BAND = 'bandgap = "1.6 eV"'
RADIATIVE = 'kind = "coefficient", coefficient = "1e-17 m^3/s"'
LIFETIME = 'electron_lifetime = "1 us"'
LEVEL = 'level = { below = "vacuum", depth = "4.7 eV" }'
FRONT = '[contact.front]\nwork_function = "5.25 eV"'
BACK = '[contact.back]\nwork_function = "4.10 eV"'
GAP = 'bandgap = { value = "1.79 eV", source = "fu-5avai, Fig. S8 and Fig. 2e-f" }'
GENERATION = '{ kind = "uniform", rate = "2.8e27 m^-3 s^-1" }'

CASES = [
    # text, what it says, what it is made to say, key, words in the message or the advice
    (A, THICK, "thickness = 500", "perovskite.thickness", ["500", "no unit", '"500 nm"']),
    (A, THICK, 'thickness = "500"', "perovskite.thickness", ["no unit"]),
    (A, THICK, 'thickness = "500 eV"', "perovskite.thickness", ["energy", "length"]),
    (A, THICK, 'thickness = "500 nmm"', "perovskite.thickness", ["nmm", '"nm"']),
    (A, THICK, 'thickness = "-500 nm"', "perovskite.thickness", ["-500 nm", "positive"]),
    (A, THICK, 'thickness = "0 nm"', "perovskite.thickness", ["0 nm", "positive"]),
    (A, THICK, 'thicknes = "500 nm"', "perovskite.thicknes", ['"thicknes"', 'mean "thickness"']),
    (A, THICK, 'thickness = "1e9 nm"', "perovskite.thickness", ["above 0.1 m"]),
    (
        W,
        'value = "298.15 K", assumed = ["293.15 K"',
        'value = "20 K", assumed = ["10 K"',
        "temperature",
        ["too cold"],
    ),
    (A, THICK, "", "perovskite.thickness", ["missing"]),
    (A, THICK, "thickness = true", "perovskite.thickness", ["not a quantity"]),
    (A, THICK, 'thickness = "1e400 nm"', "perovskite.thickness", ["finite"]),
    (
        A,
        THICK,
        'thickness = { value = "5 nm", assumed = ["6 nm", "7 nm"] }',
        "perovskite.thickness",
        ["range"],
    ),
    (A, THICK, 'thickness = { value = "5 nm", assumed = "6 nm" }', "perovskite.thickness", ["two values"]),
    (A, THICK, 'thickness = { value = "5 nm", sauce = "x" }', "perovskite.thickness.sauce", ['"source"']),
    (
        A,
        THICK,
        'thickness = { value = "5 nm", source = "" }',
        "perovskite.thickness",
        ["source must be text"],
    ),
    (A, THICK, 'thickness = { source = "x" }', "perovskite.thickness", ["needs its value"]),
    (
        A,
        BAND,
        'bandgap = "-1.6 eV"',
        "perovskite.electronic.bandgap",
        ["valence band", "below the conduction band"],
    ),
    (A, BAND, "", "perovskite.electronic.bandgap", ["no bandgap"]),
    (A, BAND, 'Ev = "5.5 eV"', "perovskite.electronic.Ev", ["electron_affinity and bandgap"]),
    (
        A,
        "permittivity = 24",
        'permittivity = "24 nm"',
        "perovskite.electronic.permittivity",
        ["plain number"],
    ),
    (A, "permittivity = 24", "permittivity = 0.5", "perovskite.electronic.permittivity", ["below 1"]),
    (A, 'role = "absorber"', 'role = "absorbr"', "perovskite.role", ["absorbr", "absorber"]),
    (A, 'role = "absorber"', 'role = "electrode"', "perovskite.electronic", ["optical only"]),
    (A, 'name = "etl"', 'name = "htl"', "htl.name", ["two layers"]),
    (A, 'name = "etl"', 'name = "e.tl"', "e.tl.name", ["field paths"]),
    (A, 'name = "etl"', 'name = "light"', "light.name", ["key of the stack"]),
    (A, RADIATIVE, 'kind = "coeficient"', "perovskite.recombination.radiative", ['"coefficient"']),
    (A, RADIATIVE, 'kind = "coefficient"', "perovskite.recombination.radiative.coefficient", ["missing"]),
    (A, RADIATIVE, 'coefficient = "1 m^3/s"', "perovskite.recombination.radiative", ["no kind"]),
    (A, RADIATIVE, 'kind = "detailed-balance"', "perovskite.recombination.radiative", ["no material"]),
    (A, GENERATION, '"optics"', "htl.material", ["comes from optics", "prescribe"]),
    (A, GENERATION, '"uniform"', "light.generation", ["rate", "missing"]),
    (A, GENERATION, '"unifrm"', "light.generation", ['"uniform"']),
    (A, GENERATION, "3", "light.generation", ["no choice of generation"]),
    (A, FRONT, "", "contact.front", ["missing"]),
    (A, f"{FRONT}\n\n{BACK}", "", "contact", ["no contacts", "work_function"]),
    (A, FRONT, '[contact.front]\nworkfunction = "5 eV"', "contact.front.workfunction", ['"work_function"']),
    (A, FRONT, '[contact.front]\nwork_function = "-5 eV"', "contact.front.work_function", ["downwards"]),
    (A, FRONT, '[contact.front]\nwork_function = "flatband"', "contact.front.work_function", ["number"]),
    (A, LIFETIME, f'{LIFETIME}\ndensity = "1e16 cm^-3"', "perovskite.trap.1.electron_lifetime", ["both"]),
    (A, LIFETIME, "", "perovskite.trap.1", ["lacks electron_lifetime"]),
    (A, f'{LIFETIME}\nhole_lifetime = "1 us"', "", "perovskite.trap.1", ["nothing about its strength"]),
    (A, LIFETIME, f'{LIFETIME}\ncharge = "donor"', "perovskite.trap.1.charge", ["neutral"]),
    (A, LIFETIME, f'{LIFETIME}\ncharge = "dono"', "perovskite.trap.1.charge", ["dono", "donor"]),
    (A, LEVEL, 'level = { below = "vacum", depth = "4.7 eV" }', "perovskite.trap.1.level.below", ["vacuum"]),
    (A, LEVEL, 'level = { below = "vacuum", depth = 4.7 }', "perovskite.trap.1.level.depth", ["no unit"]),
    (A, LEVEL, 'level = "mid"', "perovskite.trap.1.level", ["midgap"]),
    (
        A,
        FRONT,
        f'[interface."htl|etl"]\ndipole = "0.1 eV"\n{FRONT}',
        "htl|etl",
        ["do not touch", "perovskite"],
    ),
    (
        A,
        FRONT,
        f'[interface."perovskite|htl"]\ndipole = "0.1 eV"\n{FRONT}',
        "perovskite|htl",
        ['"htl|perovskite"'],
    ),
    (A, FRONT, f'[interface."htl|perovskit"]\n{FRONT}', "htl|perovskit", ['"perovskite"']),
    (A, FRONT, f"[interface.htl]\n{FRONT}", "htl", ['"a|b"']),
    (
        A,
        FRONT,
        f'[interface."htl|perovskite"]\ndipole = "0.1 V"\n{FRONT}',
        "htl|perovskite.dipole",
        ["voltage"],
    ),
    (
        A,
        FRONT,
        f'[[interface."htl|perovskite".trap]]\nelectron_velocity = "1 m/s"\n{FRONT}',
        "htl|perovskite.trap.1",
        ["lacks hole_velocity"],
    ),
    (A, FRONT, f"[contacts]\n{FRONT}", "contacts", ['"contact"']),
    (A, 'temperature = "300 K"', "temperature = 300", "temperature", ["no unit", '"300 K"']),
    (A, 'temperature = "300 K"', 'temperature = "-300 degC"', "temperature", ["positive"]),
    (A, 'name = "cell-a"', "", "name", ["missing"]),
    (A, 'name = "cell-a"', 'name = " "', "name", ["empty"]),
    (A, 'name = "cell-a"', "name = ", None, ["not valid TOML", "line 1"]),
    (W, 'material = "niox"', 'material = "nio"', "niox.material", ['mean "niox"', "table"]),
    (W, 'material = "niox"', "material = 3", "niox.material", ["table"]),
    (W, 'material = "niox"\n', "", "niox.material", ["no material"]),
    (W, GAP, 'bandgap = "2.6 eV"', "perovskite.bandgap", ["1.1 to 2.4 eV"]),
    (W, GAP, "", "perovskite.electronic.bandgap", ["no bandgap"]),
    (W, 'response = "steady"', 'response = "stedy"', "perovskite.ions.response", ['"steady"']),
    (
        W,
        'response = "steady"',
        'response = "steady"\ncharge = 0.5',
        "perovskite.ions.charge",
        ["whole number"],
    ),
    (W, 'response = "steady"', 'site_density = "1e10 cm^-3"', "perovskite.ions.site_density", ["do not fit"]),
    (
        W,
        '[interface."perovskite|c60"]',
        '[interface."glass|ito"]\ndipole = "1 eV"\n[interface."perovskite|c60"]',
        "glass|ito.dipole",
        ["roughness"],
    ),
    (W, "[light]", '[light]\nsidee = "front"', "light.sidee", ['"side"']),
    (W, "[light]", '[light]\nside = "left"', "light.side", ["front"]),
    (W, "[light]", "[light]\nintensity = 1", "light.intensity", ['"1 sun"']),
    (W, "[light]", '[light]\nintensity = "100 mA/cm^2"', "light.intensity", ["current density"]),
    (W, 'spectrum = "AM1.5G"', 'spectrum = "AM1.5"', "light.spectrum", ['"AM1.5G"']),
]


@pytest.mark.parametrize(
    ("text", "says", "wrong", "key", "words"), CASES, ids=[f"{c[3]}: {c[2][:30]}" for c in CASES]
)
def test_a_wrong_stack_is_refused(
    text: str, says: str, wrong: str, key: str | None, words: list[str]
) -> None:
    assert says in text
    with pytest.raises(InputError) as caught:
        Stack.from_toml(text.replace(says, wrong, 1), file="my-cell.toml")
    error = caught.value
    assert error.file == "my-cell.toml"
    assert error.key == key
    assert str(error).startswith("my-cell.toml")
    assert error.message.endswith((".", "there."))
    assert error.advice.endswith((".", "?"))
    for word in words:
        assert word in str(error)
    assert "tag:" not in str(error)


def test_a_layer_without_conduction_between_electrical_ones_is_refused() -> None:
    start = W.index("[layer.electronic]", W.index('name = "c60"'))
    end = W.index("[[layer]]", start)
    with pytest.raises(InputError, match="no current could pass") as caught:
        Stack.from_toml(W[:start] + W[end:])
    assert caught.value.key == "c60.electronic"


def test_several_faults_are_told_together() -> None:
    text = A.replace(THICK, "thickness = 500").replace("permittivity = 24", "permittivity = 0.1")
    with pytest.raises(InputError) as caught:
        Stack.from_toml(text, file="my-cell.toml")
    assert "1 more problem" in str(caught.value)
    assert "permittivity" in str(caught.value)
    assert [problem.key for problem in caught.value.context["problems"]] == [
        "perovskite.thickness",
        "perovskite.electronic.permittivity",
    ]


def test_models_built_in_python_refuse_in_sentences_too() -> None:
    with pytest.raises(InputError, match="thickness: -1"):
        Layer(name="a", role="htl", thickness=-1)
    with pytest.raises(InputError, match="lacks hole_lifetime"):
        Trap(electron_lifetime="1 us")
    with pytest.raises(InputError, match="both"):
        FaceTrap(electron_velocity=1.0, density=1e15)
    with pytest.raises(InputError, match="field paths"):
        Layer(name="a|b", role="htl", thickness=1e-9)


def test_a_stack_cannot_be_changed_in_place() -> None:
    cell = load("wbg-target")
    with pytest.raises(TypeError, match="with_values"):
        cell.interface["niox|perovskite"] = cell.interface["perovskite|c60"]
    with pytest.raises(TypeError, match="with_values"):
        cell.interface.clear()
    with pytest.raises(ValueError, match="frozen"):
        cell.name = "other"
