"""Damaged and hostile files: a sentence or right numbers, never a traceback, never much time or memory."""

from __future__ import annotations

import io
import struct
import time
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import made_binary_files as binary
import made_files as made
from made_files import FOLDER
from perotwin.errors import InputError
from perotwin.files import registry
from perotwin.files.formats import gwyddion, nanosurf, vamas
from perotwin.files.source import Source

SMALL = sorted(name for name, _ in [*made.files(), *binary.files()])
#: what a file may become: these of its variables must be the beginning of those of the whole
LONGEST = 5.0


def readings(name, content):
    """What is read of the bytes by the format that they are recognised as; None for a refusal."""
    return told(name, content)[1]


def told(name, content):
    """The name of the format that the bytes are recognised as, and what it reads of them; None each for a refusal."""
    source = Source(FOLDER / name, content)
    try:
        format = registry.recognise(source).format
        return format.name, registry._found(format, source)
    except InputError as error:
        assert error.message and "Traceback" not in str(error)
        return None, None


def agree(cut, whole):
    """Whether what a cut file gave are points of the whole one: the same numbers from its beginning."""
    for one, other in zip(cut, whole, strict=False):
        for name in one.dataset.data_vars:
            if name not in other.dataset:
                return False
            here, there = one.dataset[name].values, other.dataset[name].values
            if here.ndim != there.ndim or any(a > b for a, b in zip(here.shape, there.shape, strict=True)):
                return False
            part = there[tuple(slice(0, size) for size in here.shape)]
            # the last number of a text that was cut may have lost digits: the readers cannot know, so one may differ
            if np.count_nonzero(~np.isclose(here, part, rtol=1e-9, atol=0.0, equal_nan=True)) > here.shape[0]:
                return False
    return True


#: formats whose numbers stand in one run behind a header that says how many they are: a cut is seen
COUNTED = {"gwyddion", "gwyddion_simple_field", "nanosurf", "rasx", "brml", "xrdml", "jcamp_dx", "sem_tif"}


@pytest.mark.parametrize("name", SMALL)
def test_cut_anywhere(name):
    content = (FOLDER / name).read_bytes()
    format_name, whole = told(name, content)
    assert whole is not None
    # the beginning, every byte of the end, and places between; at every byte in the slow test
    places = {4, *range(len(content) - 12, len(content)), *np.linspace(0, len(content), 12, dtype=int)}
    for place in sorted(int(one) for one in places if 0 < one < len(content)):
        begun = time.perf_counter()
        cut_name, cut = told(name, content[:place])
        assert time.perf_counter() - begun < LONGEST
        if cut is None:
            continue
        same = cut_name == format_name
        if format_name in COUNTED and same:
            assert len(cut) <= len(whole), place
            for one, other in zip(cut, whole, strict=False):
                for variable in one.dataset.data_vars:
                    here, there = one.dataset[variable].values, other.dataset[variable].values
                    assert here.shape == there.shape and np.array_equal(here, there, equal_nan=True), place
        elif same:
            assert agree(cut, whole), place


def first_of_each_format():
    taken = {}
    for name in SMALL:
        taken.setdefault(registry.recognise(FOLDER / name).format.name, name)
    return sorted(taken.values())


@pytest.mark.slow
def test_cut_at_every_byte():
    """Every byte of the first 300 and of the last 200 of a file of each format, by the reader of that format alone."""
    tried = 0
    for name in first_of_each_format():
        content = (FOLDER / name).read_bytes()
        format = registry.recognise(FOLDER / name).format
        for place in [*range(1, min(300, len(content))), *range(max(300, len(content) - 200), len(content))]:
            source = Source(FOLDER / name, content[:place])
            format.sniff(source)
            try:
                assert registry._found(format, source)
            except InputError as error:
                assert error.message and error.file
            tried += 1
    assert tried > 10_000


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    name=st.sampled_from(SMALL),
    place=st.floats(0, 1),
    junk=st.binary(min_size=1, max_size=40),
    seed=st.integers(0, 9),
)
def test_bytes_changed_anywhere(name, place, junk, seed):
    content = (FOLDER / name).read_bytes()
    at = int(place * len(content))
    changed = {
        0: content[:at] + junk + content[at:],
        1: content[:at] + junk + content[at + len(junk) :],
        2: content[at:] + content[:at],
        3: content.replace(b".", b","),
        4: content.replace(b"\t", b";"),
        5: content.replace(b"\n", b""),
        6: content.replace(b"1", b"nan"),
        7: content[:at] + content[at : at + 200] * 50 + content[at:],
        8: content[:at] + b"\xff\xfe" + content[at:],
        9: content.replace(b"0", b"9"),
    }[seed]
    begun = time.perf_counter()
    readings(name, changed)
    assert time.perf_counter() - begun < LONGEST


# --- own readers: what is written is read ----------------------------------------------------------------------------

heights = arrays(
    np.float32,
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    elements=st.floats(-(2.0**-20), 2.0**-20, width=32),
)


@settings(max_examples=60, deadline=None)
@given(values=heights, lines=st.lists(st.from_regex(r"\A[A-Z][a-z]{0,8} ?= ?[a-z]{0,9}\Z"), max_size=4))
def test_simple_fields_of_any_size(values, lines):
    header, read = gwyddion.field(binary.gsf(values, lines))
    assert np.array_equal(read, values) and int(header["XRes"]) == values.shape[1]


@settings(max_examples=60, deadline=None)
@given(values=heights)
def test_both_generations_of_gwyddion_hold_the_same(values):
    old = gwyddion.container(binary.gwyo(values.astype(float)))
    assert np.array_equal(old["/0/data"]["data"].reshape(values.shape), values)
    new = gwyddion.container(binary.gwy(values=values.astype(float)))
    assert np.array_equal(new["/0/data"]["data"], old["/0/data"]["data"])
    assert old["/0/count"] == 3 and old["/0/base/min"] == 0.5


@settings(max_examples=60, deadline=None)
@given(values=heights, bits=st.sampled_from([8, 16, 32]), order=st.sampled_from(["Intel", "Motorola"]))
def test_integers_of_nanosurf(values, bits, order):
    content = binary.nid(values.astype(float), bits=bits, low=-1.1e-6, span=2.2e-6, order=order)
    forward, backward = nanosurf.scans(content)
    assert forward.values == pytest.approx(values.astype(float), abs=0.51 * 2.2e-6 / 2**bits)
    # what was written as -n - 1 lies at the other end of the range
    assert backward.values + forward.values == pytest.approx(-2.2e-6 / 2**bits, abs=1e-18)


@settings(max_examples=80, deadline=None)
@given(
    counts=arrays(float, st.integers(1, 30), elements=st.integers(0, 10**7).map(float)),
    irregular=st.booleans(),
    blank=st.integers(0, 3),
    second=st.booleans(),
    shared=st.booleans(),
)
def test_vamas_of_any_kind(counts, irregular, blank, second, shared):
    before = made.BINDING, made.ELECTRONS
    try:
        made.BINDING = 150.0 - 0.1 * np.arange(max(counts.size, 2))
        made.ELECTRONS = np.resize(counts, made.BINDING.size)
        experiment = vamas.parse(made.vamas(blank, irregular, second, shared=shared).decode("cp1252"))
        assert len(experiment.blocks) == 1 + second and not experiment.notes
        for factor, block in enumerate(experiment.blocks, 1):
            assert block.counts[1] == pytest.approx(made.ELECTRONS * factor)
            assert block.energy == pytest.approx(made.PHOTON - made.BINDING, abs=1e-4)
            assert (
                block.source_energy == made.PHOTON
                and block.pass_energy == 20.0
                and np.isnan(block.additional.get("x", (0, np.nan))[1])
            )
    finally:
        made.BINDING, made.ELECTRONS = before


def test_vamas_with_parts_excluded():
    """A list with a minus before its length names the parts that later blocks leave out."""
    whole = made.vamas(second=True, shared=True).decode("cp1252")
    left_out = [part for part in range(1, 41) if part not in (8, 11, 32, 40)]
    inverted = whole.replace(
        "\r\n".join(["4", "8", "11", "32", "40"]), "\r\n".join([str(-len(left_out)), *map(str, left_out)]), 1
    )
    assert inverted != whole
    one, other = vamas.parse(whole), vamas.parse(inverted)
    assert [block.name for block in other.blocks] == ["Pb 4f", "Pb 4f again"]
    assert all(
        np.array_equal(a.counts[1], b.counts[1]) for a, b in zip(one.blocks, other.blocks, strict=True)
    )


def test_vamas_refuses_what_the_standard_does_not_know():
    good = made.vamas().decode("cp1252")
    for old, new, words in (
        ("NORM", "STRANGE", "experiment mode"),
        ("REGULAR", "SOMEHOW", "scan mode"),
        ("pulse counting\r\n0.2", "pulse counting\r\nsoon", "collection time"),
        ("\r\n201\r\n", "\r\n-201\r\n", "number of ordinate values"),
        ("VAMAS Surface", "Wamas Surface", "no VAMAS file"),
    ):
        assert good.count(old) >= 1
        with pytest.raises(InputError, match=words):
            vamas.parse(good.replace(old, new, 1))


# --- bombs -----------------------------------------------------------------------------------------------------------


def archive(parts, level=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", level) as made_archive:
        for name, content in parts.items():
            made_archive.writestr(name, content)
    return file.getvalue()


ENTITIES = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    b"<xrdMeasurements>&b;</xrdMeasurements>"
)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.xrdml", ENTITIES, "entities"),
        ("x.xrdml", ENTITIES.decode().encode("utf-16"), "entities"),
        (
            "x.brml",
            archive({"Experiment0/DataContainer.xml": ENTITIES, "Experiment0/RawData0.xml": ENTITIES}),
            "entities",
        ),
        ("x.xrdml", b"<xrdMeasurements>" + b"<a/>" * 1_100_000 + b"</xrdMeasurements>", "marks of XML"),
        ("x.rasx", archive({"Data0/Profile0.txt": b"0" * 70_000_000}), "unpacks to more than"),
        ("x.brml", archive({"Experiment0/RawData0.xml": b" " * 70_000_000}), "unpacks to more than"),
        ("x.rasx", archive({f"Data{at}/Profile0.txt": b"" for at in range(5001)}), "5001 parts"),
        ("x.rasx", archive({"../../Data0/Profile0.txt": b"1 2 1\n2 3 1\n"})[:-30], "damaged"),
    ],
)
def test_bombs_are_refused(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=words):
        registry.read(tmp_path / name, instrument="xrd")
    assert sorted(one.name for one in tmp_path.iterdir()) == [name]


def test_announced_sizes_take_no_memory(tmp_path):
    header = binary.gsf().partition(b"\0")[0].replace(b"XRes = 40", b"XRes = 99999999")
    old = binary.gwyo()
    at = old.index(b"dataD") if b"dataD" in old else old.index(b"data\0D") + 6
    huge = old[:at] + struct.pack("<I", 2**31 - 1) + old[at + 4 :]
    points = made.jcamp().replace(b"##NPOINTS= 501", b"##NPOINTS= 1e12")
    for name, content in (("x.gsf", header + b"\0\0\0\0"), ("x.gwy", huge), ("x.dx", points)):
        (tmp_path / name).write_bytes(content)
        begun = time.perf_counter()
        with pytest.raises(InputError):
            registry.read(tmp_path / name)
        assert time.perf_counter() - begun < 1.0


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.csv", b"Frequency" + b" " * 19_000 + b"x,Re(Z),-Im(Z)\n1,2,3\n4,5,6\n"),
        ("x.csv", b"Wavelength" + b" " * 300_000 + b"x,%T\n" + b"500,1\n501,2\n" * 20),
        ("x.csv", b"V, C" + b" " * 15_000 + b"\t" * 900 + b"x\n1,2\n2,3\n"),
        ("x.dx", b"##TITLE=x\n##JCAMP-DX=4.24\n" + b"\n" * 1_000_000 + b"##END=\n"),
        ("x.mpt", made.ec_lab(area="1" * 300_000)),
        ("x.txt", b"\n" * 2_000_000),
        ("x.txt", b"#" * 60_000),
        ("x.txt", (b"-" * 50 + b"\n") * 100_000),
        ("x.csv", b'"' * 300_000),
        ("x.csv", b"1" * 300_000),
        ("x.csv", b"1e" * 150_000),
        ("x.tif", b"II*\0" + b"\x08\0\0\0" + b"\xff" * 100_000),
    ],
)
def test_patterns_take_no_time(name, content):
    begun = time.process_time()
    readings(name, content)
    assert time.process_time() - begun < LONGEST


def test_markers_of_photon_records_are_bounded():
    content = binary.ptu()
    at = content.index(b"ImgHdr_LineStart") + 32 + 4 + 4
    readings("trpl.ptu", content[:at] + struct.pack("<q", 2**31 - 1) + content[at + 8 :])
    begun = time.process_time()
    assert readings("trpl.ptu", content[:at] + struct.pack("<q", 2**40) + content[at + 8 :]) is None
    assert time.process_time() - begun < 1.0


def test_objects_within_objects_without_end(tmp_path):
    inner = b""
    for _ in range(200):
        inner = binary.component("o", "o", binary.thing("GwyContainer", inner))
    (tmp_path / "x.gwy").write_bytes(b"GWYP" + binary.thing("GwyContainer", inner))
    with pytest.raises(InputError):
        registry.read(tmp_path / "x.gwy")
