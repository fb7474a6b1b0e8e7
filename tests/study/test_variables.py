"""Which numbers a study varies and how far; a bandgap moves as a whole or not at all."""

import pytest

import perotwin as pt
from perotwin.errors import InputError
from perotwin.study import changed, resolve, resolve_all


@pytest.fixture(scope="module")
def cell() -> pt.Stack:
    return pt.load("wbg-target")


def test_a_range_is_read_in_its_units(cell: pt.Stack) -> None:
    field = resolve(cell, "perovskite.thickness=0.4 um..700 nm")
    assert (field.low, field.high, field.unit) == (0.4, 0.7, "um")
    assert field.now == pytest.approx(0.45)
    assert field.written(0.5) == "0.55 um"
    assert field.why == "as given"
    assert resolve(cell, "perovskite.thickness = 400..700 nm").written(0.0) == "400 nm"
    assert resolve(cell, "perovskite.thickness", (4e-7, "700 nm")).written(1.0) == "700 nm"


def test_without_a_range_it_is_the_one_that_the_number_states(cell: pt.Stack) -> None:
    field = resolve(cell, "perovskite.thickness")
    assert field.range == "350 nm to 550 nm"
    assert "states" in field.why


@pytest.mark.parametrize(
    ("path", "ends", "why"),
    [
        ("perovskite.bandgap", "1.64 eV to 1.94 eV", "0.15 eV"),
        ("perovskite.conduction_dos", "2.2e+17 cm^-3 to 2.2e+19 cm^-3", "factor of 10"),
        ("perovskite.permittivity", "14.6667 to 33", "factor of 1.5"),
        ("c60.electron_affinity", "3.8 eV to 4 eV", "0.1 eV"),
        ("sno2.electronic.bandgap", "3.45 eV to 3.75 eV", "0.15 eV"),
    ],
)
def test_otherwise_it_is_usual_for_its_kind_and_says_so(
    cell: pt.Stack, path: str, ends: str, why: str
) -> None:
    field = resolve(cell, path)
    assert (
        field.range.replace("220000000000000000", "2.2e+17").replace("22000000000000000000", "2.2e+19")
        == ends
    )
    assert why in field.why


def test_every_number_of_the_library_can_be_varied_or_says_why_not() -> None:
    for name in ("wbg-target", "nbg", "nip-example"):
        cell = pt.load(name)
        for path, value in cell.quantities().items():
            if value != 0.0:
                field = resolve(cell, path)
                assert field.low <= field.now <= field.high, path


def test_what_spans_decades_is_spaced_in_the_logarithm(cell: pt.Stack) -> None:
    field = resolve(cell, "perovskite.trap.1.electron_lifetime=10 ns..10 us")
    assert field.log
    assert field.unit == "ns"
    assert field.number(1 / 3) == pytest.approx(100.0)
    assert field.share(1000.0) == pytest.approx(2 / 3)
    assert not resolve(cell, "perovskite.thickness=400 nm..700 nm").log


def test_a_value_can_be_typed(cell: pt.Stack) -> None:
    field = resolve(cell, "perovskite.thickness=400 nm..700 nm")
    assert field.written(0.123456789) == "437.04 nm"
    assert resolve(cell, "perovskite.bandgap=1.6 eV..1.9 eV").written(1 / 3) == "1.7 eV"


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("perovskite.thicknes", "thickness"),
        ("perovskite.thickness=700 nm..400 nm", "lower end first"),
        ("perovskite.thickness=400 nm..400 nm", "holds nothing"),
        ("perovskite.thickness=400 nm", "two dots"),
        ("perovskite.thickness=400 nm..", "two dots"),
        ("perovskite.thickness=400 eV..500 eV", "length"),
        ("perovskite.thickness=-10 nm..500 nm", "ends where the cell cannot be"),
        ("perovskite.bandgap=0.5 eV..1.8 eV", "2.4"),
        ("perovskite.role", "not a number"),
        ("contact.front.hole_velocity", "does not state"),
        ("niox.donor_density", "usual range"),
        ("sno2.bandgap", "Vary sno2.electronic.bandgap"),
    ],
)
def test_what_cannot_be_varied_is_refused_with_a_sentence(cell: pt.Stack, wanted: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        resolve(cell, wanted)


def test_a_field_twice_and_none_are_refused(cell: pt.Stack) -> None:
    with pytest.raises(InputError, match="twice"):
        resolve_all(cell, ["perovskite.thickness", "perovskite.thickness=400 nm..500 nm"])
    with pytest.raises(InputError, match="nothing is varied"):
        resolve_all(cell, [])


# --- a bandgap is one thing ------------------------------------------------------------------------------------------


def two_gaps(cell: pt.Stack) -> pt.Stack:
    """The same with its electronic gap stated apart, 20 meV above the optical one."""
    return cell.with_values({"perovskite.electronic.bandgap": "1.81 eV"})


def test_an_electronic_gap_that_is_stated_apart_moves_along(cell: pt.Stack) -> None:
    made = changed(two_gaps(cell), {"perovskite.bandgap": "1.69 eV"})
    assert made.get("perovskite.bandgap") == pytest.approx(1.69)
    assert made.get("perovskite.electronic.bandgap") == pytest.approx(1.71)
    (absorber,) = changed(cell, {"perovskite.bandgap": "1.69 eV"}).absorbers
    assert absorber.gap == pytest.approx(1.69)


def test_nothing_else_moves_with_other_fields(cell: pt.Stack) -> None:
    made = changed(two_gaps(cell), {"perovskite.thickness": "500 nm"})
    assert made == two_gaps(cell).with_values({"perovskite.thickness": "500 nm"})


def test_bands_without_their_optical_edge_are_refused(cell: pt.Stack) -> None:
    with pytest.raises(
        InputError, match=r"edge of its absorption at 1.79 eV.*perovskite.bandgap, which moves both"
    ):
        resolve(two_gaps(cell), "perovskite.electronic.bandgap=1.7 eV..1.9 eV")


def test_a_gap_that_prescribed_light_does_not_follow_is_refused() -> None:
    with pytest.raises(InputError, match="prescribed"):
        resolve(pt.load("cell-a"), "perovskite.electronic.bandgap=1.5 eV..1.7 eV")


def test_of_a_layer_that_does_not_generate_the_gap_is_a_number_like_others(cell: pt.Stack) -> None:
    assert resolve(cell, "niox.electronic.bandgap").range == "3.2 eV to 3.8 eV"


@pytest.mark.parametrize("apart", [False, True])
def test_bandgap_moves_edge_bands_and_limit_together(cell: pt.Stack, apart: bool) -> None:
    """By 0.1 V for 0.1 eV, less what the powers of the gap in J0 (3 mV) and the lost photocurrent (4 mV) come to; how
    steeply the absorptance rises differs between mixtures, which is worth 10 mV.
    """
    from perotwin.transport.build import build

    base = two_gaps(cell) if apart else cell
    edges, gaps, limits, currents = [], [], [], []
    for gap in (1.69, 1.79, 1.89):
        made = changed(base, {"perovskite.bandgap": f"{gap} eV"})
        problem = build(made)
        edges.append(float(pt.lab.eqe.analyse(pt.lab.eqe.measure(made))["bandgap"]))
        gaps.append(made.absorbers[0].gap)
        emission = problem.parts[0].emission
        assert emission is not None
        limits.append(emission.voc_radiative(problem.photocurrent))
        currents.append(problem.photocurrent)
    assert edges == pytest.approx([1.69, 1.79, 1.89], abs=0.012)
    assert gaps[1] - gaps[0] == pytest.approx(0.1)
    assert gaps[2] - gaps[1] == pytest.approx(0.1)
    for first, second in ((0, 1), (1, 2)):
        assert limits[second] - limits[first] == pytest.approx(0.1 - 0.007, abs=0.012)
        assert currents[second] < currents[first] - 10.0


def test_the_short_path_of_a_tandem_moves_its_absorber() -> None:
    tandem = pt.load("tandem-target")
    field = resolve(tandem, "top.bandgap=1.7..1.85 eV")
    made = changed(tandem, {field.path: field.written(0.0)})
    assert made.top.absorbers[0].gap == pytest.approx(1.7)
    assert made.bottom == tandem.bottom
    assert resolve(tandem, "top.thickness").range == "350 nm to 550 nm"
