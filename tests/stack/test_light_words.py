"""Light as people say it, in stack files and on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from perotwin import stack
from perotwin.errors import InputError
from perotwin.stack import FileSpectrum, Monochromatic
from perotwin.stack.light_words import light_values


@pytest.mark.parametrize(
    ("words", "kind", "intensity"),
    [
        ("AM1.5G", "AM1.5G", "1 sun"),
        ("am1.5g, 100 mW/cm^2", "AM1.5G", "100 mW/cm^2"),
        ("AM1.5D", "AM1.5D", "1 sun"),
        ("AM0", "AM0", "1 sun"),
        ("5800 K", "black-body", "1 sun"),
        ("2856 K, 200 lux", "black-body", "200 lux"),
        ("532 nm, 1 sun", "monochromatic", "1 sun"),
        ("led.csv, 1000 lux", "file", "1000 lux"),
        ("a, b.csv, 0.3 suns", "file", "0.3 suns"),
    ],
)
def test_spectrum_and_intensity(words: str, kind: str, intensity: str) -> None:
    found = light_values(words)
    assert found["light.spectrum"].kind == kind and found["light.intensity"] == intensity


@pytest.mark.parametrize("words", ["0.1 sun", "dark", "100 mW/cm^2", "1000 lux"])
def test_an_intensity_alone_leaves_the_spectrum(words: str) -> None:
    assert light_values(words) == {"light.intensity": words}


def test_files_are_found_from_here() -> None:
    (path,) = (light_values("led.csv")["light.spectrum"].path,)
    assert path == str(Path.cwd() / "led.csv")


def test_power_of_a_laser_is_its_sun() -> None:
    found = light_values("532 nm, 10 mW/cm^2")
    assert found["light.intensity"] == "1 sun"
    assert found["light.spectrum"] == Monochromatic(wavelength="532 nm", irradiance="10 mW/cm^2")
    # 683 lx of 555 nm are 1 W m^-2
    assert float(light_values("555 nm, 683 lux")["light.spectrum"].irradiance) == pytest.approx(1.0)
    with pytest.raises(InputError, match="no eye sees light of 900 nm"):
        light_values("900 nm, 10 lux")


@pytest.mark.parametrize("words", ["AM2", "led.csv, bright", "AM1.5G, 3 V", "", "1 sun, AM1.5G", "3 kg"])
def test_what_cannot_be_understood_is_refused_with_examples(words: str) -> None:
    with pytest.raises(InputError) as caught:
        light_values(words)
    assert "AM1.5G, 100 mW/cm^2" in caught.value.advice


def cell(light: str) -> stack.Stack:
    text = stack.load("wbg-target").to_toml()
    head, _, tail = text.partition("[light]")
    rest = tail[tail.index("\n[") :] if "[light]" in text else tail
    return stack.Stack.from_toml(f"{head}\n[light]\n{light}\n{rest}" if "[light]" in text else text)


@pytest.mark.parametrize(
    "light",
    [
        'spectrum = "AM0"',
        'spectrum = "5800 K"\nintensity = "50 mW/cm^2"',
        'spectrum = "532 nm"',
        'intensity = "1000 lux"\nangle = "40 deg"\nother_side = "200 W/m^2"',
        'spectrum = { kind = "monochromatic", wavelength = "532 nm", irradiance = "10 mW/cm^2" }',
        'intensity = { value = "1000 lux", source = "lux meter" }',
    ],
)
def test_stack_files_say_it_alike_and_come_back_bit_for_bit(light: str) -> None:
    made = cell(light)
    assert stack.Stack.from_toml(made.to_toml()) == made
    again = stack.Stack.from_toml(made.to_toml())
    assert again.light.intensity == made.light.intensity and again.to_toml() == made.to_toml()


def test_a_file_is_found_beside_the_stack_file(tmp_path: Path) -> None:
    (tmp_path / "led.csv").write_text("400,1\n500,2\n600,1\n")
    path = tmp_path / "mine.toml"
    path.write_text(cell('spectrum = "led.csv"').to_toml())
    text = path.read_text()
    path.write_text(text.replace(text[text.index("spectrum =") :].splitlines()[0], 'spectrum = "led.csv"'))
    found = stack.load(path).light.spectrum
    assert found == FileSpectrum(path=str(tmp_path / "led.csv"))


def test_lux_follow_the_spectrum() -> None:
    """The same lux are more suns of a lamp whose light the eye hardly sees."""
    made = cell('intensity = "1000 lux"')
    warm = made.with_light(spectrum="2856 K")
    assert float(warm.light.intensity) > 4 * float(made.light.intensity)
    assert str(warm.light.intensity) == "1000 lux"
    assert warm.with_light(spectrum="AM1.5G").light.intensity == made.light.intensity


def test_power_of_one_wavelength_is_refused_with_the_cure() -> None:
    with pytest.raises(InputError, match="one wavelength") as caught:
        cell('spectrum = "532 nm"\nintensity = "10 mW/cm^2"')
    assert "irradiance" in caught.value.advice and caught.value.key == "light.intensity"


def test_light_along_the_surface_is_refused() -> None:
    with pytest.raises(InputError, match="does not enter"):
        cell('angle = "90 deg"')


def test_light_of_the_other_side_alone_is_refused() -> None:
    made = cell('intensity = "dark"\nother_side = "0.2 sun"')
    with pytest.raises(InputError, match="the lit side is dark") as caught:
        made.light.at_one_sun()
    assert 'side = "back"' in caught.value.advice


def test_a_junction_takes_suns_alone() -> None:
    tandem = stack.load("tandem-target")
    with pytest.raises(InputError, match="is a power"):
        tandem.with_values({"top.light.intensity": "1000 lux"})
    assert tandem.with_light(intensity="100 mW/cm^2").light.intensity == 1.0


def test_light_is_varied_in_its_own_unit() -> None:
    from perotwin import study

    made = cell('spectrum = "2856 K"')
    assert study.values(made, "light.intensity", "200 lux", "1000 lux", 3) == [
        "200 lux",
        "600 lux",
        "1000 lux",
    ]
    assert study.values(made, "light.angle", "0 deg", "60 deg", 3) == ["0 deg", "30 deg", "60 deg"]
    assert study.values(made, "light.other_side", "0 sun", "0.3 sun", 2) == ["0 sun", "0.3 sun"]
